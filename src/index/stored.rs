//! An attribute whose columns stay on disk: scans that pick little read the blocks they need.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use annals_query::{Budget, Scan, Values};

use super::admit::Admit;
use super::lives::Lives;
use super::novelty::AttributeNovelty;
use crate::columns::table::gallop;
use crate::columns::{Chain, Refusal, Table};

/// A scan that needs blocks of more than one row in so many reads the whole attribute instead, which serves the next scans too.
const ROWS_PER_PICK: u64 = 4;

/// Reading a row of a block costs about as much as so many steps of a loop over columns.
pub(super) const STEPS_PER_ROW: u64 = 4;

/// Columns of one attribute on disk, and the datoms after them.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The files.
    pub(super) chain: Arc<Chain>,
    /// The datoms after them.
    pub(crate) tail: AttributeNovelty,
    /// Rows that were read so far.
    rows_read: Arc<AtomicU64>,
}

impl Stored {
    pub(super) fn new(chain: Arc<Chain>) -> Self {
        Self { chain, tail: AttributeNovelty::default(), rows_read: Arc::default() }
    }

    /// What the scan's entities and values select in the files; nothing if reading the attribute whole is better. That is so too once one
    /// part in `share` of as many rows was read as there are, unless the attribute does not fit into memory, where `share` is `None`.
    pub(super) fn pick(
        &self,
        attribute: i64,
        scan: &Scan<'_>,
        share: Option<u64>,
        budget: &Budget,
    ) -> Result<Option<Lives>, Refusal> {
        let rows = self.chain.rows(attribute);
        let read = self.rows_read.load(Ordering::Relaxed);
        let limit = share.map_or(u64::MAX, |share| rows.saturating_sub(read.saturating_mul(share)).min(rows / ROWS_PER_PICK));
        let look = |count: usize| {
            self.rows_read.fetch_add(count as u64, Ordering::Relaxed);
            budget.spend_steps(count as u64 * STEPS_PER_ROW)
        };
        let picked = self.chain.pick(attribute, scan, limit, |table| wanted(table, scan), look)?;
        Ok(picked.map(Lives::from))
    }
}

/// The rows of a table that a scan's entities and values select.
fn wanted(table: &Table, scan: &Scan<'_>) -> Vec<u32> {
    let admit = Admit::new(&scan.values, table.v.shown());
    let is_any = matches!(scan.values, Values::Any);
    let mut rows = Vec::new();
    let Some(entities) = scan.entities else {
        rows.extend((0..table.len()).filter(|row| admit.admits(&table.v, *row)).map(|row| row as u32));
        return rows;
    };
    let mut start = 0;
    for entity in entities {
        start += gallop(&table.e[start..], |e| e < entity);
        while table.e.get(start) == Some(entity) {
            if is_any || admit.admits(&table.v, start) {
                rows.push(start as u32);
            }
            start += 1;
        }
    }
    rows
}
