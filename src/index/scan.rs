//! The facts that a scan finds in the lives of one attribute, seen through a view.

use std::ops::Range;
use std::sync::Arc;

use annals_query::{Batch, Budget, Column, Places, Result, Scan, Slice};

use super::lives::Lives;
use super::select::{Rows, retain_rows};
use super::view::View;
use super::window::Window;
use crate::columns::values::{gather, gather_items, part};

/// Ranges shorter than this are copied row by row.
const ROWS_PER_SPAN: usize = 8;

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
        if view.window.is_history && self.ends.is_some() {
            let shown = self.happened(&rows, view.window, scan.t);
            return Ok(self.batch_of_shown(attribute, &self.filtered(attribute, shown, view), scan.places));
        }
        // Where nothing ended, what happened is what was added.
        let rows = self.holding(rows, view.window, scan.t);
        if view.filters.is_empty() {
            return Ok(self.batch_of_rows(attribute, &rows, scan.places));
        }
        let shown = Shown { rows: rows.into_list(), added: Vec::new() };
        Ok(self.batch_of_shown(attribute, &self.filtered(attribute, shown, view), scan.places))
    }

    /// Those of the rows that the window shows as facts that hold. Ranges stay ranges, and where all are shown nothing is copied.
    fn holding<'r>(&self, rows: Rows<'r>, window: Window, t: Option<i64>) -> Rows<'r> {
        let t_added = &*self.t_added;
        match (rows, t, &self.ends) {
            (Rows::Span(span), None, ends) => {
                let is_open = |row: usize| ends.as_ref().is_none_or(|ends| ends.t[row] > window.until);
                let holds = |row: usize| window.holds_event(t_added[row]) && is_open(row);
                let spans = self.moments().holding(span, window, holds);
                let count = spans.iter().map(Range::len).sum();
                match &spans[..] {
                    [only] => Rows::Span(only.clone()),
                    _ if spans.len() * ROWS_PER_SPAN > count => Rows::List(Rows::Spans(spans, count).into_list().into()),
                    _ => Rows::Spans(spans, count),
                }
            }
            (rows, None, None) => kept(rows, |row| window.holds_event(t_added[row])),
            (rows, None, Some(ends)) => kept(rows, |row| window.holds_life(t_added[row], ends.t[row])),
            (rows, Some(t), _) => kept(rows, |row| t_added[row] == t && window.holds_life(t, self.t_retracted(row))),
        }
    }

    fn happened(&self, rows: &Rows<'_>, window: Window, t: Option<i64>) -> Shown {
        let is_wanted = |event_t: i64| window.holds_event(event_t) && t.is_none_or(|t| event_t == t);
        let mut shown = Shown { rows: Vec::with_capacity(rows.len()), added: Vec::with_capacity(rows.len()) };
        let mut look = |row: usize| {
            for (event_t, is_added) in [(self.t_added[row], true), (self.t_retracted(row), false)] {
                if is_wanted(event_t) {
                    shown.rows.push(row as u32);
                    shown.added.push(is_added);
                }
            }
        };
        match rows {
            Rows::Span(rows) => rows.clone().for_each(look),
            Rows::Spans(spans, _) => spans.iter().cloned().flatten().for_each(look),
            Rows::List(rows) => rows.iter().for_each(|row| look(*row as usize)),
            Rows::Equal(_, rows) => rows.iter().for_each(|row| look(*row as usize)),
        }
        shown
    }

    fn filtered(&self, attribute: i64, shown: Shown, view: &View) -> Shown {
        if view.filters.is_empty() {
            return shown;
        }
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
            Rows::Spans(spans, _) => return self.batch_of_spans(attribute, spans, count, places),
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
    fn batch_of_span(&self, attribute: i64, span: Range<usize>, places: Places) -> Batch {
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

    /// The same for several ranges, each copied as a whole.
    fn batch_of_spans(&self, attribute: i64, spans: &[Range<usize>], count: usize, places: Places) -> Batch {
        let cut = |items: &Slice<i64>| Column::Long(joined(items, spans, count));
        let v = || match self.v.shown() {
            Column::Long(items) => cut(items),
            Column::Instant(items) => Column::Instant(joined(items, spans, count)),
            Column::Double(items) => Column::Double(joined(items, spans, count)),
            Column::Boolean(items) => Column::Boolean(joined(items, spans, count)),
            Column::Text(kind, texts, codes) => Column::Text(*kind, Arc::clone(texts), joined(codes, spans, count)),
            Column::Value(items) => Column::Value(joined(items, spans, count)),
        };
        Batch {
            e: cut(&self.e),
            a: places.a.then(|| repeated(attribute, count)),
            v: places.v.then(v),
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

/// Those of the rows for which something holds; where it holds for all, the rows as they are.
fn kept(rows: Rows<'_>, holds: impl Fn(usize) -> bool) -> Rows<'_> {
    if let Rows::Equal(_, list) = &rows
        && list.iter().all(|row| holds(*row as usize))
    {
        return rows;
    }
    let mut list = rows.into_list();
    retain_rows(&mut list, holds);
    list.into()
}

/// The items of these ranges, one behind the other.
fn joined<T: Clone>(items: &[T], spans: &[Range<usize>], count: usize) -> Slice<T> {
    let mut all = Vec::with_capacity(count);
    for span in spans {
        all.extend_from_slice(&items[span.clone()]);
    }
    all.into()
}

fn repeated(n: i64, count: usize) -> Column {
    Column::Long(vec![n; count].into())
}

fn all_added(count: usize) -> Column {
    Column::Boolean(vec![true; count].into())
}
