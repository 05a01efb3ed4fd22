//! An order of goals, of which some are joined apart from the rest: a row of items, written as numbers so that it can be kept.

/// How the goals of a group are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    /// One after the other, before they join the rest.
    Apart,
    /// Variable by variable, all at once: they form a cycle.
    Cycle,
}

/// One place in an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A goal, by its id.
    Goal(u32),
    /// Goals that are joined by themselves.
    Group(Grouping, Vec<Item>),
}

const CLOSE: u32 = u32::MAX;
const OPEN_APART: u32 = u32::MAX - 1;
const OPEN_CYCLE: u32 = u32::MAX - 2;

impl Item {
    /// The ids of its goals.
    pub(crate) fn goals(&self) -> Vec<u32> {
        match self {
            Self::Goal(id) => vec![*id],
            Self::Group(_, items) => items.iter().flat_map(Self::goals).collect(),
        }
    }
}

/// The items as numbers.
pub(crate) fn written(items: &[Item]) -> Vec<u32> {
    let mut numbers = Vec::new();
    for item in items {
        match item {
            Item::Goal(id) => numbers.push(*id),
            Item::Group(grouping, inner) => {
                numbers.push(if *grouping == Grouping::Cycle { OPEN_CYCLE } else { OPEN_APART });
                numbers.extend(written(inner));
                numbers.push(CLOSE);
            }
        }
    }
    numbers
}

/// The items that these numbers stand for; `None` if they stand for none.
pub(crate) fn read(numbers: &[u32]) -> Option<Vec<Item>> {
    let mut open = vec![(Grouping::Apart, Vec::new())];
    for number in numbers {
        match *number {
            OPEN_APART => open.push((Grouping::Apart, Vec::new())),
            OPEN_CYCLE => open.push((Grouping::Cycle, Vec::new())),
            CLOSE => {
                let (grouping, items) = open.pop()?;
                open.last_mut()?.1.push(Item::Group(grouping, items));
            }
            id => open.last_mut()?.1.push(Item::Goal(id)),
        }
    }
    let (_, items) = open.pop()?;
    open.is_empty().then_some(items)
}

#[cfg(test)]
mod tests {
    use super::{CLOSE, Grouping, Item, OPEN_APART, read, written};

    #[test]
    fn an_order_is_read_as_it_was_written() {
        let group = |grouping, ids: &[u32]| Item::Group(grouping, ids.iter().map(|id| Item::Goal(*id)).collect());
        let items = vec![
            Item::Goal(3),
            Item::Group(Grouping::Apart, vec![Item::Goal(1), group(Grouping::Cycle, &[2, 5, 6])]),
            group(Grouping::Apart, &[]),
        ];
        assert_eq!(read(&written(&items)), Some(items.clone()));
        assert_eq!(items.iter().flat_map(Item::goals).collect::<Vec<_>>(), [3, 1, 2, 5, 6]);
    }

    #[test]
    fn numbers_that_are_no_order_are_none() {
        assert_eq!(read(&[1, CLOSE]), None);
        assert_eq!(read(&[OPEN_APART, 1]), None);
    }
}
