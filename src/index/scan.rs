//! The facts that a scan finds in the lives of one attribute, seen through a view.

use annals_query::{Batch, Budget, Column, Places, Result, Scan, Slice};

use super::lives::Lives;
use super::select::Rows;
use super::view::View;
use super::window::Window;
use crate::columns::values::{gather, gather_items, part};

/// Facts to be shown: rows, and for each whether its addition or its retraction is meant.
#[derive(Debug, Default)]
struct Shown {
    rows: Vec<u32>,
    /// Empty if every row shows its addition.
    added: Vec<bool>,
}

impl Lives {
    /// The facts of the scan, ascending by entity.
    pub(crate) fn scan(&self, attribute: i64, scan: &Scan<'_>, view: &View, budget: &Budget) -> Result<Batch> {
        let rows = self.select(scan);
        budget.check_rows(rows.len())?;
        if view.filters.is_empty() && scan.t.is_none() && self.all_hold_in(view.window) {
            return Ok(self.batch_of_rows(attribute, &rows, scan.places));
        }
        budget.spend_steps(rows.len() as u64)?;
        let mut shown = if view.window.is_history {
            self.happened(&rows, view.window, scan.t)
        } else {
            self.holding(&rows, view.window, scan.t)
        };
        if !view.filters.is_empty() {
            shown = self.filtered(attribute, &shown, view);
        }
        Ok(self.batch_of_shown(attribute, &shown, scan.places))
    }

    fn holding(&self, rows: &Rows<'_>, window: Window, t: Option<i64>) -> Shown {
        let t_added = &*self.t_added;
        let is_wanted = |row: usize| t.is_none_or(|t| t_added[row] == t);
        let keep = |row: usize| window.holds_life(t_added[row], self.t_retracted(row)) && is_wanted(row);
        let rows = match rows {
            Rows::Span(rows) => rows.clone().filter(|row| keep(*row)).map(|row| row as u32).collect(),
            Rows::List(rows) => rows.iter().copied().filter(|row| keep(*row as usize)).collect(),
            Rows::Equal(_, rows) => rows.iter().copied().filter(|row| keep(*row as usize)).collect(),
        };
        Shown { rows, added: Vec::new() }
    }

    fn happened(&self, rows: &Rows<'_>, window: Window, t: Option<i64>) -> Shown {
        let is_wanted = |event_t: i64| window.holds_event(event_t) && t.is_none_or(|t| event_t == t);
        let mut shown = Shown::default();
        for row in rows.iter() {
            for (event_t, is_added) in [(self.t_added[row], true), (self.t_retracted(row), false)] {
                if is_wanted(event_t) {
                    shown.rows.push(row as u32);
                    shown.added.push(is_added);
                }
            }
        }
        shown
    }

    fn filtered(&self, attribute: i64, shown: &Shown, view: &View) -> Shown {
        let mut kept = Shown::default();
        for (place, &row) in shown.rows.iter().enumerate() {
            let life = self.life(row as usize);
            let is_added = shown.added.get(place).copied().unwrap_or(true);
            let datom = if is_added { Some(life.addition(attribute)) } else { life.retraction(attribute) };
            if datom.is_some_and(|datom| view.keeps(&datom)) {
                kept.rows.push(row);
                kept.added.push(is_added);
            }
        }
        kept
    }

    fn batch_of_rows(&self, attribute: i64, rows: &Rows<'_>, places: Places) -> Batch {
        let count = rows.len();
        let (e, list) = match rows {
            Rows::Span(span) => return self.batch_of_span(attribute, span.clone(), places),
            Rows::List(list) => (gather_items(&self.e, list), &**list),
            Rows::Equal(order, list) => (self.by_value().entities(order.clone()), *list),
        };
        Batch {
            e: Column::Long(e),
            a: places.a.then(|| repeated(attribute, count)),
            v: places.v.then(|| gather(self.v.shown(), list)),
            t: places.t.then(|| Column::Long(gather_items(&self.t_added, list))),
            m: places.m.then(|| self.m_added.as_ref().map_or(repeated(0, count), |m| Column::Long(gather_items(m, list)))),
            added: places.added.then(|| all_added(count)),
        }
    }

    /// All of these rows show their addition: nothing is copied.
    fn batch_of_span(&self, attribute: i64, span: std::ops::Range<usize>, places: Places) -> Batch {
        let count = span.len();
        let cut = |items: &Slice<i64>| Column::Long(items.part(span.clone()));
        Batch {
            e: cut(&self.e),
            a: places.a.then(|| repeated(attribute, count)),
            v: places.v.then(|| part(self.v.shown(), span.clone())),
            t: places.t.then(|| cut(&self.t_added)),
            m: places.m.then(|| self.m_added.as_ref().map_or_else(|| repeated(0, count), cut)),
            added: places.added.then(|| all_added(count)),
        }
    }

    fn batch_of_shown(&self, attribute: i64, shown: &Shown, places: Places) -> Batch {
        if shown.added.iter().all(|added| *added) {
            return self.batch_of_rows(attribute, &Rows::List(shown.rows.as_slice().into()), places);
        }
        let pick = |added: &dyn Fn(usize) -> i64, retracted: &dyn Fn(usize) -> i64| {
            let rows = shown.rows.iter().zip(&shown.added);
            Column::Long(
                rows.map(|(row, is_added)| if *is_added { added(*row as usize) } else { retracted(*row as usize) }).collect(),
            )
        };
        let ends = self.ends.as_ref();
        let m_added = |row: usize| self.m_added.as_ref().map_or(0, |m| m[row]);
        let m_retracted = |row: usize| ends.map_or(0, |ends| ends.m[row]);
        Batch {
            e: Column::Long(gather_items(&self.e, &shown.rows)),
            a: places.a.then(|| repeated(attribute, shown.rows.len())),
            v: places.v.then(|| gather(self.v.shown(), &shown.rows)),
            t: places.t.then(|| pick(&|row| self.t_added[row], &|row| self.t_retracted(row))),
            m: places.m.then(|| pick(&m_added, &m_retracted)),
            added: places.added.then(|| Column::Boolean(shown.added.clone().into())),
        }
    }
}

fn repeated(n: i64, count: usize) -> Column {
    Column::Long(vec![n; count].into())
}

fn all_added(count: usize) -> Column {
    Column::Boolean(vec![true; count].into())
}
