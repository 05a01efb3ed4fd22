//! Dense numbers for the nodes of a graph, ascending with their values, so that what is found by number is found in order.

use crate::budget::Budget;
use crate::column::{Column, Slice};
use crate::error::Result;
use crate::run::gather::{column_of, concat};
use crate::run::index::{Index, NONE};
use crate::run::join::CHUNK_ROWS;
use crate::run::key::{codes, is_exact, paired_codes};

/// Longs in so many times as many places as there are of them are numbered by their distance from the least.
const OFFSET_SPREAD: u64 = 4;
/// The same in a table of numbers.
const TABLE_SPREAD: u64 = 32;
/// Places that are never too many.
const PLACES_FREE: u64 = 4_096;

/// The nodes of a graph: values, or rows of several values.
#[derive(Debug)]
pub(crate) struct Nodes {
    numbering: Numbering,
    count: usize,
}

#[derive(Debug)]
enum Numbering {
    /// Node `n` is the long `least + n`; not all of them need to occur.
    Offset { least: i64 },
    /// Longs, ascending.
    Longs(Slice<i64>),
    /// A row a node, ascending.
    Rows(Vec<Column>),
}

/// How the values of one column of nodes are found.
#[derive(Debug)]
pub(crate) enum Values<'n> {
    /// `least + n`.
    Offset(i64),
    /// By place.
    Longs(&'n [i64]),
    /// By place.
    Column(&'n Column),
}

/// Nodes, and the number of each row of each group of columns they were made of.
pub(crate) type Numbered = (Nodes, Vec<Vec<u32>>);

impl Nodes {
    /// Numbers the rows of several groups of columns, equal rows alike. `None` if values that are the same can be told apart, as 1 and 1.0:
    /// one node could not stand for both.
    pub(crate) fn of(groups: &[Vec<&Column>], budget: &Budget) -> Result<Option<Numbered>> {
        if let Some(longs) = longs(groups) {
            return Self::of_longs(&longs, budget).map(Some);
        }
        let lengths = groups.iter().map(|group| group.first().map_or(0, |column| column.len())).collect::<Vec<_>>();
        let width = groups.first().map_or(0, Vec::len);
        let stacked = (0..width).map(|at| narrowed(concat(&groups.iter().map(|group| group[at]).collect::<Vec<_>>()), budget));
        let stacked = stacked.collect::<Result<Vec<_>>>()?;
        if let [Column::Long(items)] = &stacked[..] {
            let (nodes, numbers) = Self::of_longs(&[items], budget)?;
            return Ok(Some((nodes, split(&numbers[0], &lengths))));
        }
        let Some((columns, numbers)) = rows(&stacked, lengths.iter().sum(), budget)? else { return Ok(None) };
        let count = columns.first().map_or(0, Column::len);
        Ok(Some((Self { numbering: Numbering::Rows(columns), count }, split(&numbers, &lengths))))
    }

    fn of_longs(groups: &[&[i64]], budget: &Budget) -> Result<Numbered> {
        let total = groups.iter().map(|items| items.len()).sum::<usize>();
        budget.spend_steps(total as u64)?;
        let (least, most) = groups.iter().fold((i64::MAX, i64::MIN), |(least, most), items| {
            items.iter().fold((least, most), |(least, most), item| (least.min(*item), most.max(*item)))
        });
        let width = if total == 0 { 0 } else { (most.wrapping_sub(least) as u64).saturating_add(1) };
        budget.take_bytes(total as u64 * 4)?;
        if width <= total as u64 * OFFSET_SPREAD / 2 + PLACES_FREE {
            let number = |items: &&[i64]| items.iter().map(|item| item.wrapping_sub(least) as u32).collect();
            let numbers = groups.iter().map(number).collect();
            return Ok((Self { numbering: Numbering::Offset { least }, count: width as usize }, numbers));
        }
        if width <= total as u64 * TABLE_SPREAD {
            return Self::by_table(groups, (least, width as usize), budget);
        }
        let mut values = groups.concat();
        values.sort_unstable();
        values.dedup();
        let index = Index::new(&values, budget)?;
        let number = |items: &&[i64]| items.iter().map(|item| index.first(&values, *item)).collect();
        let numbers = groups.iter().map(number).collect();
        Ok((Self { count: values.len(), numbering: Numbering::Longs(values.into()) }, numbers))
    }

    fn by_table(groups: &[&[i64]], (least, width): (i64, usize), budget: &Budget) -> Result<Numbered> {
        budget.check_bytes(width as u64 * 4)?;
        budget.spend_steps(width as u64)?;
        let mut table = vec![NONE; width];
        for item in groups.iter().copied().flatten() {
            table[item.wrapping_sub(least) as usize] = 0;
        }
        let mut values = Vec::new();
        for (place, number) in table.iter_mut().enumerate().filter(|(_, number)| **number != NONE) {
            *number = values.len() as u32;
            values.push(least.wrapping_add(place as i64));
        }
        let number = |items: &&[i64]| items.iter().map(|item| table[item.wrapping_sub(least) as usize]).collect();
        let numbers = groups.iter().map(number).collect();
        Ok((Self { count: values.len(), numbering: Numbering::Longs(values.into()) }, numbers))
    }

    /// The one node without a column.
    pub(crate) fn unit() -> Self {
        Self { numbering: Numbering::Rows(Vec::new()), count: 1 }
    }

    /// How many numbers there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The number of each row of columns that stand for all of a node; [`NONE`] where there is no such node.
    pub(crate) fn find(&self, columns: &[&Column], rows: usize, budget: &Budget) -> Result<Vec<u32>> {
        if let ([Column::Long(items)], true) = (columns, !matches!(self.numbering, Numbering::Rows(_))) {
            budget.spend_steps(rows as u64)?;
            return Ok(items.iter().map(|item| self.find_long(*item)).collect());
        }
        let own = self.columns();
        let (wanted, known) = paired_codes(columns, rows, &own.iter().collect::<Vec<_>>(), self.count, budget)?;
        let index = Index::new(&known, budget)?;
        Ok(wanted.iter().map(|code| index.first(&known, *code)).collect())
    }

    fn find_long(&self, item: i64) -> u32 {
        match &self.numbering {
            Numbering::Offset { least } => {
                let place = item.wrapping_sub(*least);
                if item >= *least && (place as u64) < self.count as u64 { place as u32 } else { NONE }
            }
            Numbering::Longs(values) => values.binary_search(&item).map_or(NONE, |place| place as u32),
            Numbering::Rows(_) => NONE,
        }
    }

    /// All nodes that agree with a row of `wanted` in the columns at `places`, ascending.
    pub(crate) fn matching(&self, places: &[usize], wanted: &[&Column], rows: usize, budget: &Budget) -> Result<Vec<u32>> {
        let own = self.columns();
        let own = places.iter().map(|place| &own[*place]).collect::<Vec<_>>();
        let (wanted, known) = paired_codes(wanted, rows, &own, self.count, budget)?;
        let index = Index::new(&wanted, budget)?;
        Ok((0..self.count as u32).filter(|node| index.first(&wanted, known[*node as usize]) != NONE).collect())
    }

    /// The values of one place of the nodes.
    pub(crate) fn values(&self, place: usize) -> Values<'_> {
        match &self.numbering {
            Numbering::Offset { least } => Values::Offset(*least),
            Numbering::Longs(values) => Values::Longs(values),
            Numbering::Rows(columns) => Values::Column(&columns[place]),
        }
    }

    /// The long that a node stands for; 0 if it is none.
    #[inline]
    pub(crate) fn long(&self, node: u32) -> i64 {
        match &self.numbering {
            Numbering::Offset { least } => least + i64::from(node),
            Numbering::Longs(values) => values[node as usize],
            Numbering::Rows(_) => 0,
        }
    }

    /// A column a place, with a row a node.
    pub(crate) fn columns(&self) -> Vec<Column> {
        match &self.numbering {
            // Counted from 0: after the last one there may be no further long.
            Numbering::Offset { least } => vec![Column::Long((0..self.count as i64).map(|node| least + node).collect())],
            Numbering::Longs(values) => vec![Column::Long(values.clone())],
            Numbering::Rows(columns) => columns.clone(),
        }
    }
}

impl Values<'_> {
    /// The value of each node that comes.
    pub(crate) fn each(&self, nodes: impl ExactSizeIterator<Item = u32>) -> Column {
        match self {
            Self::Offset(least) => Column::Long(nodes.map(|node| least + i64::from(node)).collect()),
            Self::Longs(values) => Column::Long(nodes.map(|node| values[node as usize]).collect()),
            Self::Column(column) => column.gather(&nodes.collect::<Vec<_>>()),
        }
    }

    /// The value of each node of a list.
    pub(crate) fn of(&self, nodes: &[u32]) -> Column {
        match self {
            Self::Offset(least) => Column::Long(nodes.iter().map(|node| least + i64::from(*node)).collect()),
            Self::Longs(values) => Column::Long(nodes.iter().map(|node| values[*node as usize]).collect()),
            Self::Column(column) => column.gather(nodes),
        }
    }

    /// The value of each node, as often as it is said.
    pub(crate) fn repeated(&self, runs: &[(u32, u32)], total: usize) -> Column {
        let longs = |value: &dyn Fn(u32) -> i64| {
            let mut items = Vec::with_capacity(total);
            for (node, times) in runs {
                items.resize(items.len() + *times as usize, value(*node));
            }
            Column::Long(items.into())
        };
        match self {
            Self::Offset(least) => longs(&|node| least + i64::from(node)),
            Self::Longs(values) => longs(&|node| values[node as usize]),
            Self::Column(column) => {
                let mut nodes = Vec::with_capacity(total);
                for (node, times) in runs {
                    nodes.resize(nodes.len() + *times as usize, *node);
                }
                column.gather(&nodes)
            }
        }
    }
}

/// The items of groups that are a column of longs each.
fn longs<'c>(groups: &[Vec<&'c Column>]) -> Option<Vec<&'c [i64]>> {
    let items = groups.iter().map(|group| match group[..] {
        [Column::Long(items)] => Some(&items[..]),
        [column] if column.is_empty() => Some(&[][..]),
        _ => None,
    });
    items.collect()
}

/// The column in the narrowest kind.
fn narrowed(column: Column, budget: &Budget) -> Result<Column> {
    if let Column::Value(values) = &column {
        budget.spend_steps(values.len() as u64)?;
        return Ok(column_of(values.to_vec()));
    }
    Ok(column)
}

/// The different rows, ascending, and the number of each row among them.
fn rows(columns: &[Column], count: usize, budget: &Budget) -> Result<Option<(Vec<Column>, Vec<u32>)>> {
    let codes = codes(&columns.iter().collect::<Vec<_>>(), count, budget)?;
    let index = Index::new(&codes, budget)?;
    budget.spend_steps(count as u64)?;
    let firsts = codes.iter().map(|code| index.first(&codes, *code)).collect::<Vec<_>>();
    for column in columns.iter().filter(|column| !is_exact(column, column)) {
        for (chunk, firsts) in firsts.chunks(CHUNK_ROWS).enumerate() {
            budget.spend_steps(firsts.len() as u64)?;
            let differs = |(at, first): (usize, &u32)| column.value(chunk * CHUNK_ROWS + at) != column.value(*first as usize);
            if firsts.iter().enumerate().any(differs) {
                return Ok(None);
            }
        }
    }
    let mut chosen = (0..count as u32).filter(|row| firsts[*row as usize] == *row).collect::<Vec<_>>();
    chosen.sort_unstable_by(|a, b| {
        let compared = columns.iter().map(|column| column.compare(*a as usize, *b as usize));
        compared.reduce(std::cmp::Ordering::then).unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut numbers = vec![0; count];
    chosen.iter().enumerate().for_each(|(number, row)| numbers[*row as usize] = number as u32);
    let numbers = firsts.iter().map(|first| numbers[*first as usize]).collect();
    Ok(Some((columns.iter().map(|column| column.gather(&chosen)).collect(), numbers)))
}

fn split(numbers: &[u32], lengths: &[usize]) -> Vec<Vec<u32>> {
    let mut rest = numbers;
    let parts = lengths.iter().map(|length| {
        let (part, others) = rest.split_at(*length);
        rest = others;
        part.to_vec()
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{NONE, Nodes, Numbering};
    use crate::budget::Budget;
    use crate::column::Column;
    use crate::run::gather::column_of;
    use crate::value::Value;

    fn columns(rows: &[Vec<Value>], width: usize) -> Vec<Column> {
        (0..width).map(|at| column_of(rows.iter().map(|row| row[at].clone()).collect())).collect()
    }

    /// Numbers these groups of rows: equal rows alike, in the order of the rows, and each leads back to its row.
    #[track_caller]
    fn check(groups: &[Vec<Vec<Value>>], missing: &[Vec<Value>]) -> Nodes {
        let budget = Budget::default();
        let width = groups.iter().flatten().next().map_or(1, Vec::len);
        let made = groups.iter().map(|rows| columns(rows, width)).collect::<Vec<_>>();
        let asked = made.iter().map(|columns| columns.iter().collect()).collect::<Vec<_>>();
        let (nodes, numbers) = Nodes::of(&asked, &budget).expect("nothing limits it").expect("nothing is the same and not equal");
        let mut model: BTreeMap<Vec<Value>, u32> = BTreeMap::new();
        for (rows, numbers) in groups.iter().zip(&numbers) {
            assert_eq!(rows.len(), numbers.len());
            for (row, number) in rows.iter().zip(numbers) {
                assert_eq!(*model.entry(row.clone()).or_insert(*number), *number, "{row:?} has one number");
                assert!((*number as usize) < nodes.count());
                if let [Value::Long(long)] = row[..]
                    && !matches!(nodes.numbering, Numbering::Rows(_))
                {
                    assert_eq!(nodes.long(*number), long);
                }
            }
        }
        assert!(model.values().is_sorted_by(|a, b| a < b), "numbers ascend with the rows");
        let (rows, own): (Vec<_>, Vec<_>) = model.into_iter().unzip();
        let asked = columns(&[&rows[..], missing].concat(), width);
        let found =
            nodes.find(&asked.iter().collect::<Vec<_>>(), rows.len() + missing.len(), &budget).expect("nothing limits it");
        assert_eq!(found[..own.len()], own);
        let missed = |number: &u32| *number == NONE || matches!(nodes.numbering, Numbering::Offset { .. });
        assert!(found[own.len()..].iter().all(missed), "{missing:?} in {rows:?}");
        let runs = own.iter().zip([0, 2, 1].into_iter().cycle()).map(|(node, times)| (*node, times)).collect::<Vec<_>>();
        for place in 0..width {
            let values = nodes.values(place);
            let row = |at: usize| rows[at][place].clone();
            let all: Vec<Value> = (0..rows.len()).map(row).collect();
            let shown = |column: Column| (0..column.len()).map(|row| column.value(row)).collect::<Vec<_>>();
            assert_eq!(shown(values.of(&own)), all);
            assert_eq!(shown(values.each(own.iter().copied())), all);
            let repeated =
                runs.iter().enumerate().flat_map(|(at, (_, times))| vec![row(at); *times as usize]).collect::<Vec<_>>();
            assert_eq!(shown(values.repeated(&runs, repeated.len())), repeated);
            assert_eq!(nodes.columns()[place].len(), nodes.count());
            for one in [0, rows.len() / 2, rows.len().saturating_sub(1)].into_iter().filter(|one| *one < rows.len()) {
                let wanted = column_of(vec![row(one)]);
                let matching = nodes.matching(&[place], &[&wanted], 1, &budget).expect("nothing limits it");
                let expected = (0..rows.len()).filter(|at| rows[*at][place] == rows[one][place]).map(|at| own[at]);
                assert_eq!(matching, expected.collect::<Vec<_>>());
            }
        }
        nodes
    }

    fn longs(longs: impl IntoIterator<Item = i64>) -> Vec<Vec<Value>> {
        longs.into_iter().map(|long| vec![Value::Long(long)]).collect()
    }

    fn way(nodes: &Nodes) -> &'static str {
        match nodes.numbering {
            Numbering::Offset { .. } => "by distance",
            Numbering::Longs(_) => "by place",
            Numbering::Rows(_) => "by row",
        }
    }

    #[test]
    fn longs_are_numbered_by_distance_where_they_lie_close_and_by_place_elsewhere() {
        for (step, count, expected) in [
            (1, 10, "by distance"),
            // There may be 4,096 places, and two more for each of the five longs.
            (4_095, 2, "by distance"),
            (4_105, 2, "by distance"),
            (4_106, 2, "by place"),
            (2, 5_000, "by distance"),
            (3, 5_000, "by place"),
            (31, 5_000, "by place"),
            (33, 5_000, "by place"),
            (1_000_003, 300, "by place"),
        ] {
            for first in [0, -7_000, i64::MIN, i64::MAX - 1_000_003 * 300] {
                let row = |n: i64| first + n * step;
                let group = longs((0..count).rev().map(row));
                let missing = longs([row(count - 1) + 1, row(0).wrapping_sub(1), row(1) - 1 + i64::from(step == 1) * 2 * count]);
                let nodes = check(&[group.clone(), longs([row(1), row(0), row(1)])], &missing);
                assert_eq!(way(&nodes), expected, "{count} longs, {step} apart, from {first}");
            }
        }
        let ends = longs([i64::MIN, 5, i64::MAX, i64::MAX - 1]);
        assert_eq!(way(&check(&[ends, Vec::new(), longs([i64::MIN + 1])], &longs([0, i64::MIN + 2]))), "by place");
        check(&[Vec::new(), Vec::new()], &longs([0]));
    }

    #[test]
    fn longs_are_told_from_those_beyond_what_has_a_number() {
        let nodes = check(&[longs([10, 12]), longs([11])], &[]);
        let asked = column_of([9, 10, 12, 13, i64::MIN, i64::MAX].map(Value::Long).to_vec());
        assert_eq!(nodes.find(&[&asked], 6, &Budget::default()).expect("nothing limits it"), [NONE, 0, 2, NONE, NONE, NONE]);
    }

    #[test]
    fn rows_of_other_values_are_numbered_in_their_order() {
        let texts = |count: i64| (0..count).map(|n| vec![Value::from(format!("{}", n * 37 % 101))]).collect::<Vec<_>>();
        let pairs = |count: i64| (0..count).map(|n| vec![(n % 7).into(), format!("{}", n % 5).into()]).collect::<Vec<_>>();
        let mixed = vec![vec![Value::Long(1)], vec!["a".into()], vec![Value::Keyword("a".into())], vec![true.into()]];
        let doubles = (0..300).map(|n| vec![Value::Double(f64::from(n % 90) / 4.0)]).collect::<Vec<_>>();
        assert_eq!(way(&check(&[texts(3), texts(500)], &[vec!["none".into()]])), "by row");
        check(&[pairs(2), pairs(900), pairs(40)], &[vec![Value::Long(7), "0".into()], vec![Value::Long(0), "9".into()]]);
        check(&[mixed.clone(), mixed], &[vec!["b".into()]]);
        check(&[doubles], &[vec![Value::Double(0.1)]]);
    }

    /// Also where the one that differs stands beyond the first part of a long column.
    #[test]
    fn values_that_are_the_same_and_can_be_told_apart_have_no_numbers() {
        let budget = Budget::default();
        for count in [2_usize, 5_000, 20_000] {
            let mut values = (0..count).map(|n| Value::Double((n % 1_500) as f64 + 0.5)).collect::<Vec<_>>();
            values[0] = Value::Double(1.0);
            values[count - 1] = Value::Long(1);
            let column = column_of(values.clone());
            assert!(Nodes::of(&[vec![&column]], &budget).expect("nothing limits it").is_none(), "{count}");
            values[count - 1] = Value::Long(2_000);
            let column = column_of(values);
            assert!(Nodes::of(&[vec![&column]], &budget).expect("nothing limits it").is_some(), "{count}");
        }
    }
}
