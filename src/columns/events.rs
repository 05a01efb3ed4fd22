//! The events of one attribute as the log tells them, on the way to becoming lives.

use std::cmp::Ordering;

use annals_query::Slice;

use super::builder::ValuesBuilder;
use super::life::OPEN;
use super::table::{BEFORE, Ends, Table};
use super::values::{ValueColumn, gather_items};
use crate::datom::Datom;

/// Additions and retractions of one attribute, in log order.
#[derive(Debug, Default)]
pub(crate) struct Events {
    e: Vec<i64>,
    v: ValuesBuilder,
    t: Vec<i64>,
    m: Vec<i64>,
    added: Vec<bool>,
}

impl Events {
    /// Takes in the next datom of the log.
    pub(crate) fn push(&mut self, datom: &Datom) {
        self.e.push(datom.e);
        self.v.push(&datom.v);
        self.t.push(datom.t);
        self.m.push(datom.m);
        self.added.push(datom.added);
    }

    /// The lives that these events tell. If other events came before these, a retraction may end a life that they began: it is then
    /// a row whose t added is [`BEFORE`].
    pub(crate) fn into_table(self, has_earlier: bool) -> Table {
        let values = self.v.finish();
        let order = order(&self.e, &values);
        let events = Told { v: &values, e: &self.e, t: &self.t, m: &self.m, added: &self.added, has_earlier };
        let (rows, ends) = events.lives(&order);
        let is_identity = rows.len() == values.len() && rows.iter().zip(0..).all(|(row, place)| *row == place);
        let began = |items: &[i64]| -> Slice<i64> {
            let began = |row: &u32| if self.added[*row as usize] { items[*row as usize] } else { BEFORE };
            rows.iter().map(began).collect()
        };
        let m_added = began(&self.m);
        Table {
            e: gather_items(&self.e, &rows),
            t_added: began(&self.t),
            m_added: m_added.iter().any(|m| *m != 0).then_some(m_added),
            v: if is_identity { values } else { values.gather(&rows) },
            ends,
        }
    }
}

/// Events in columns, by their places in the log.
struct Told<'a> {
    v: &'a ValueColumn,
    e: &'a [i64],
    t: &'a [i64],
    m: &'a [i64],
    added: &'a [bool],
    has_earlier: bool,
}

impl Told<'_> {
    /// The events that begin lives, in order, and how those lives end, if any does. Events that break the log's alternation are
    /// passed over, as in [`continued`](super::life::continued).
    fn lives(&self, order: &[u32]) -> (Vec<u32>, Option<Ends>) {
        let mut rows: Vec<u32> = Vec::with_capacity(order.len());
        let mut ended: Vec<(usize, i64, i64)> = Vec::new();
        for &event in order {
            let at = event as usize;
            let is_same = rows.last().is_some_and(|row| {
                let row = *row as usize;
                self.e[row] == self.e[at] && self.v.compare_rows(row, at) == Ordering::Equal
            });
            let is_over = ended.last().is_some_and(|(place, ..)| place + 1 == rows.len());
            match (is_same && !is_over, self.added[at]) {
                (false, true) => rows.push(event),
                (true, false) => ended.push((rows.len() - 1, self.t[at], self.m[at])),
                (false, false) if self.has_earlier && !is_same => {
                    rows.push(event);
                    ended.push((rows.len() - 1, self.t[at], self.m[at]));
                }
                (false, false) | (true, true) => {}
            }
        }
        let ends = (!ended.is_empty()).then(|| {
            let mut ends = Ends { t: vec![OPEN; rows.len()], m: vec![0; rows.len()] };
            for (place, t, m) in ended {
                (ends.t[place], ends.m[place]) = (t, m);
            }
            ends
        });
        (rows, ends)
    }
}

/// The events ascending by e, v and t. Most logs write new entities in ascending order, and need no sorting.
fn order(e: &[i64], v: &ValueColumn) -> Vec<u32> {
    assert!(u32::try_from(e.len()).is_ok(), "the events of one attribute are counted in 32 bits");
    let mut order: Vec<u32> = (0..e.len() as u32).collect();
    if !e.is_sorted_by(|a, b| a < b) {
        order.sort_by(|&a, &b| {
            let (a, b) = (a as usize, b as usize);
            e[a].cmp(&e[b]).then_with(|| v.compare_rows(a, b)).then_with(|| a.cmp(&b))
        });
    }
    order
}
