//! When the facts of a stretch of rows were said: what a window of time shows as a whole, or not at all, is known without looking at its
//! rows.

use std::ops::Range;

use super::window::Window;
use crate::columns::Table;
use crate::columns::life::OPEN;

/// Rows of a stretch: long enough that there are few stretches, short enough that few rows share one with rows of another time.
const STRETCH_ROWS: usize = 1_024;

/// The first and last moments of every stretch of a table.
#[derive(Debug)]
pub(super) struct Moments(Vec<Stretch>);

#[derive(Debug)]
struct Stretch {
    first_added: i64,
    last_added: i64,
    first_retracted: i64,
    last_retracted: i64,
}

/// How much of a stretch a window shows.
enum Share {
    All,
    Nothing,
    Some,
}

impl Moments {
    /// Of all rows of a table.
    pub(super) fn of(table: &Table) -> Self {
        let stretch = |(at, added): (usize, &[i64])| {
            let retracted = table.ends.as_ref().map(|ends| &ends.t[at * STRETCH_ROWS..][..added.len()]);
            let first = |moments: &[i64]| moments.iter().copied().min().unwrap_or(OPEN);
            let last = |moments: &[i64]| moments.iter().copied().max().unwrap_or(OPEN);
            Stretch {
                first_added: first(added),
                last_added: last(added),
                first_retracted: retracted.map_or(OPEN, first),
                last_retracted: retracted.map_or(OPEN, last),
            }
        };
        Self(table.t_added.chunks(STRETCH_ROWS).enumerate().map(stretch).collect())
    }

    /// The rows of `span` that a window shows as facts that hold, as few ranges as may be; `holds` decides about single rows.
    pub(super) fn holding(&self, span: Range<usize>, window: Window, holds: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        let mut add = |rows: Range<usize>| match found.last_mut() {
            Some(last) if last.end == rows.start => last.end = rows.end,
            _ => found.push(rows),
        };
        let mut start = span.start;
        while start < span.end {
            let at = start / STRETCH_ROWS;
            let end = ((at + 1) * STRETCH_ROWS).min(span.end);
            match self.0[at].share_in(window) {
                Share::All => add(start..end),
                Share::Nothing => {}
                Share::Some => (start..end).filter(|row| holds(*row)).for_each(|row| add(row..row + 1)),
            }
            start = end;
        }
        found
    }
}

impl Stretch {
    fn share_in(&self, window: Window) -> Share {
        let Window { since, until, .. } = window;
        let are_over = self.last_retracted != OPEN && self.last_retracted <= until;
        if self.last_added <= since || self.first_added > until || are_over {
            return Share::Nothing;
        }
        let are_open = self.first_retracted == OPEN || self.first_retracted > until;
        let is_whole = since < self.first_added && self.last_added <= until && are_open;
        if is_whole { Share::All } else { Share::Some }
    }
}
