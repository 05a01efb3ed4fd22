//! The events of one attribute as the log tells them, on the way to becoming lives.

use std::cmp::Ordering;

use super::life::OPEN;
use super::lives::{Ends, Lives};
use super::values::{ValueColumn, ValuesBuilder, gather_items};
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

    /// The lives that these events tell.
    pub(crate) fn into_lives(self) -> Lives {
        let newest_t = self.t.last().copied().unwrap_or(0);
        let values = self.v.finish();
        let order = order(&self.e, &values);
        let (rows, ends) = lives_of(&order, &values, &self.e, &self.t, &self.m, &self.added);
        let is_identity = rows.len() == values.len() && rows.iter().zip(0..).all(|(row, place)| *row == place);
        let v = if is_identity { values } else { values.gather(&rows) };
        let e = gather_items(&self.e, &rows);
        Lives::new(e, v, gather_items(&self.t, &rows), &gather_items(&self.m, &rows), ends, newest_t)
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

/// The events that begin lives, in order, and how those lives end, if any does. Events that break the log's alternation are
/// passed over, as in [`continued`](super::life::continued).
fn lives_of(order: &[u32], v: &ValueColumn, e: &[i64], t: &[i64], m: &[i64], added: &[bool]) -> (Vec<u32>, Option<Ends>) {
    let mut rows: Vec<u32> = Vec::with_capacity(order.len());
    let mut ended: Vec<(usize, i64, i64)> = Vec::new();
    for &event in order {
        let at = event as usize;
        let is_current = |row: &&u32| {
            let row = **row as usize;
            e[row] == e[at] && v.compare_rows(row, at) == Ordering::Equal
        };
        let is_over = ended.last().is_some_and(|(place, ..)| place + 1 == rows.len());
        let is_open = !is_over && rows.last().as_ref().is_some_and(is_current);
        match (is_open, added[at]) {
            (false, true) => rows.push(event),
            (true, false) => ended.push((rows.len() - 1, t[at], m[at])),
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
