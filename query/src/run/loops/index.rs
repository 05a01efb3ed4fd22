//! Rows found again by some of their numbers: for a key, what else the rows say; or whether there is any.

use rustc_hash::FxHashMap;

use crate::budget::Budget;
use crate::error::Result;
use crate::run::loops::packed::{Packing, Seen};

/// Rows of one table by the numbers at some places.
#[derive(Debug)]
pub(crate) struct Index {
    /// The places of the key.
    pub(crate) key: Vec<usize>,
    /// The places that are told, in this order; none if only it counts whether there is a row.
    pub(crate) rest: Vec<usize>,
    packing: Packing,
    lists: Lists,
}

#[derive(Debug)]
enum Lists {
    /// By the one number of the key: where its list is, all lists one behind the other.
    Fixed { offsets: Vec<u32>, items: Vec<u32> },
    /// What is known before it is asked for: nothing.
    Waiting,
    /// By the one number of the key, lists that grow: 0 where there is none yet, else one more than its place. A table of zeros takes next to
    /// nothing where little of it is used.
    Growing(Vec<u32>, Vec<Vec<u32>>),
    /// By packed keys.
    Keyed(FxHashMap<u64, u32>, Vec<Vec<u32>>),
    /// Keys there are.
    Keys(Seen),
}

impl Index {
    /// Of a table whose numbers are below `counts`, and of these rows, which are all there will be if `is_fixed`. `None` if keys do not fit.
    pub(crate) fn new(
        (key, rest): (Vec<usize>, Vec<usize>),
        (packing, counts): (&Packing, &[usize]),
        (rows, is_fixed): (&[u64], bool),
        budget: &Budget,
    ) -> Result<Option<Self>> {
        let Some(own) = Packing::new(&key.iter().map(|place| counts[*place]).collect::<Vec<_>>()) else { return Ok(None) };
        budget.spend_steps(rows.len() as u64)?;
        budget.take_bytes(rows.len() as u64 * 4 * rest.len().max(1) as u64)?;
        let lists = match (&key[..], &rest[..]) {
            (_, []) => Lists::Keys(Seen::new(&own, budget)?),
            ([key], _) if is_fixed => {
                budget.take_bytes(counts[*key] as u64 * 4)?;
                return Ok(Some(Self { lists: Lists::Waiting, packing: own, key: vec![*key], rest }));
            }
            ([key], _) => {
                budget.take_bytes(counts[*key] as u64 * 4)?;
                Lists::Growing(vec![0; counts[*key]], Vec::new())
            }
            _ => Lists::Keyed(FxHashMap::default(), Vec::new()),
        };
        let mut index = Self { key, rest, packing: own, lists };
        index.add(packing, rows);
        Ok(Some(index))
    }

    /// True if it is still to be made.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.lists, Lists::Waiting)
    }

    /// Makes the index of rows that stay when it is asked for: many of them never are where little is wanted.
    pub(crate) fn prepare(&mut self, packing: &Packing, counts: &[usize], rows: &[u64]) {
        if let (Lists::Waiting, [key]) = (&self.lists, &self.key[..]) {
            let (offsets, items) = fixed(*key, &self.rest, packing, counts[*key], rows);
            self.lists = Lists::Fixed { offsets, items };
        }
    }

    /// Takes in more rows.
    pub(crate) fn add(&mut self, packing: &Packing, rows: &[u64]) {
        for row in rows {
            let own = self.packing.row(self.key.iter().map(|place| packing.number(*row, *place)));
            let list = match &mut self.lists {
                Lists::Keys(seen) => {
                    seen.insert(own);
                    continue;
                }
                Lists::Growing(places, lists) => {
                    let place = &mut places[own as usize];
                    if *place == 0 {
                        lists.push(Vec::new());
                        *place = lists.len() as u32;
                    }
                    &mut lists[*place as usize - 1]
                }
                Lists::Keyed(keys, lists) => {
                    let at = *keys.entry(own).or_insert(lists.len() as u32) as usize;
                    if at == lists.len() {
                        lists.push(Vec::new());
                    }
                    &mut lists[at]
                }
                // Made of all rows at once.
                Lists::Fixed { .. } | Lists::Waiting => continue,
            };
            list.extend(self.rest.iter().map(|place| packing.number(*row, *place)));
        }
    }

    /// The packed key.
    #[inline]
    fn own(&self, registers: &[u32], key: &[usize]) -> u64 {
        match key {
            [only] => u64::from(registers[*only]),
            _ => self.packing.row(key.iter().map(|register| registers[*register])),
        }
    }

    /// What the rows say whose key stands in these registers.
    #[inline]
    pub(crate) fn list(&self, registers: &[u32], key: &[usize]) -> &[u32] {
        let own = self.own(registers, key);
        match &self.lists {
            Lists::Fixed { offsets, items } => &items[offsets[own as usize] as usize..offsets[own as usize + 1] as usize],
            Lists::Growing(places, lists) => match places[own as usize] {
                0 => &[],
                place => &lists[place as usize - 1],
            },
            Lists::Keyed(keys, lists) => keys.get(&own).map_or(&[], |at| &lists[*at as usize]),
            Lists::Keys(_) | Lists::Waiting => &[],
        }
    }

    /// True if there is a row whose key stands in these registers, of an index that tells nothing else.
    #[inline]
    pub(crate) fn has(&self, registers: &[u32], key: &[usize]) -> bool {
        match &self.lists {
            Lists::Keys(seen) => seen.contains(self.own(registers, key)),
            _ => false,
        }
    }
}

/// Lists one behind the other, in the order of the rows.
fn fixed(key: usize, rest: &[usize], packing: &Packing, count: usize, rows: &[u64]) -> (Vec<u32>, Vec<u32>) {
    let mut offsets = vec![0_u32; count + 1];
    for row in rows {
        offsets[packing.number(*row, key) as usize + 1] += rest.len() as u32;
    }
    for at in 0..count {
        offsets[at + 1] += offsets[at];
    }
    let mut next = offsets.clone();
    let mut items = vec![0; rows.len() * rest.len()];
    for row in rows {
        let at = &mut next[packing.number(*row, key) as usize];
        for place in rest {
            items[*at as usize] = packing.number(*row, *place);
            *at += 1;
        }
    }
    (offsets, items)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Index;
    use crate::budget::Budget;
    use crate::run::loops::packed::Packing;

    /// Rows of three numbers, added in two parts where they may grow: what is found for each key is what a plain look at all rows finds.
    #[track_caller]
    fn check(counts: [usize; 3], rows: &[[u32; 3]], key: &[usize], rest: &[usize]) {
        let (budget, packing) = (Budget::default(), Packing::new(&counts).expect("they fit"));
        let packed = rows.iter().map(|row| packing.row(row.iter().copied())).collect::<Vec<_>>();
        for (is_fixed, at_once) in [(true, rows.len()), (false, rows.len()), (false, rows.len() / 3), (false, 0)] {
            let made = Index::new((key.to_vec(), rest.to_vec()), (&packing, &counts), (&packed[..at_once], is_fixed), &budget);
            let mut index = made.expect("nothing limits it").expect("keys fit");
            assert_eq!(index.is_waiting(), is_fixed && key.len() == 1 && !rest.is_empty());
            index.prepare(&packing, &counts, &packed);
            index.add(&packing, &packed[at_once..]);
            assert!(!index.is_waiting());
            let keys = rows.iter().copied().chain([[0, 0, 0], counts.map(|count| count as u32 - 1)]).collect::<BTreeSet<_>>();
            for wanted in keys {
                let registers = [99, wanted[0], wanted[1], wanted[2]];
                let places = key.iter().map(|place| place + 1).collect::<Vec<_>>();
                let agrees = |row: &&[u32; 3]| key.iter().all(|place| row[*place] == wanted[*place]);
                let expected =
                    rows.iter().filter(agrees).flat_map(|row| rest.iter().map(|place| row[*place])).collect::<Vec<_>>();
                let there = rows.iter().any(|row| agrees(&row));
                assert_eq!(index.list(&registers, &places), expected, "{wanted:?} by {key:?} for {rest:?}");
                assert_eq!(index.has(&registers, &places), there && rest.is_empty(), "{wanted:?} by {key:?}");
            }
        }
    }

    #[test]
    fn an_index_by_any_places_finds_what_a_look_at_all_rows_finds() {
        let mut state = 9_u64;
        let mut random = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % below as u64) as u32
        };
        for counts in [[1, 2, 3], [5, 9, 30], [40, 3, 100], [70_000, 50, 9]] {
            let rows = (0..60).map(|_| [random(counts[0]), random(counts[1]), random(counts[2])]).collect::<BTreeSet<_>>();
            let rows = rows.into_iter().collect::<Vec<_>>();
            for key in [&[0][..], &[1], &[2], &[0, 1], &[2, 0], &[0, 1, 2], &[]] {
                for rest in [&[][..], &[1], &[2, 0], &[0, 1, 2]] {
                    check(counts, &rows, key, rest);
                }
            }
        }
    }
}
