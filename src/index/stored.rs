//! An attribute whose columns stay on disk: scans that pick little read the blocks they need.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use annals_query::{Budget, Scan, Values};

use super::admit::Admit;
use super::building::STEPS_PER_DATOM;
use super::cache::{BYTES_PER_ROW, Index, locked};
use super::lives::Lives;
use super::novelty::AttributeNovelty;
use super::state::State;
use crate::columns::{Chain, Refusal, Table};
use crate::error::Result;

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
    ) -> std::result::Result<Option<Lives>, Refusal> {
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

impl Index {
    /// What a scan's entities and values select of an attribute up to `t`, read from disk, and the attribute's datoms after that; nothing
    /// if there are no columns on disk, or if the columns in memory serve better.
    pub(crate) fn picked(
        &self,
        attribute: i64,
        scan: &Scan<'_>,
        t: i64,
        budget: &Budget,
    ) -> Result<Option<(Lives, AttributeNovelty)>> {
        let Some(stored) = self.stored(attribute, t, budget)? else { return Ok(None) };
        let fits_in_memory = stored.chain.rows(attribute) * BYTES_PER_ROW <= self.tuning.cache_bytes;
        match stored.pick(attribute, scan, fits_in_memory.then_some(self.tuning.point_share), budget) {
            Ok(lives) => Ok(lives.map(|lives| (lives, stored.tail))),
            Err(Refusal::Stopped(error)) => Err(error.into()),
            Err(Refusal::Damaged) => {
                let _guard = self.replacing(budget)?;
                let mut next = State::clone(&self.state());
                next.stored.clear();
                self.replace(next);
                self.columns.discard(&stored.chain);
                Ok(None)
            }
        }
    }

    /// The columns of an attribute on disk and what the log says after them, up to `t`.
    fn stored(&self, attribute: i64, t: i64, budget: &Budget) -> Result<Option<Stored>> {
        let ready = |state: &State| state.stored.get(&attribute).filter(|_| state.t >= t).cloned();
        if let Some(stored) = ready(&self.state()) {
            return Ok(Some(stored));
        }
        let guard = self.replacing(budget)?;
        let mut next = State::clone(&self.state());
        self.advance(&mut next, t, budget)?;
        if let Some(stored) = ready(&next) {
            self.replace(next);
            return Ok(Some(stored));
        }
        let chain = self.kept_up(t, budget)?;
        let later = self.store.datoms_until(t)? - chain.datoms();
        if chain.until_t() == 0 || later > self.tuning.disk_tail_datoms.max(self.tuning.tail_datoms as i64) {
            return Ok(None);
        }
        self.advance(&mut next, chain.until_t(), budget)?;
        // What others are about to scan comes along, as the log has to be read anyway.
        let attributes: Vec<i64> = locked(&self.wanted).iter().copied().chain([attribute]).collect();
        let mut found: HashMap<i64, Stored> =
            attributes.iter().map(|attribute| (*attribute, Stored::new(Arc::clone(&chain)))).collect();
        self.store.log(chain.until_t(), next.t, Some(&attributes), |datom| {
            budget.spend_steps(STEPS_PER_DATOM)?;
            found.entry(datom.a).or_insert_with(|| Stored::new(Arc::clone(&chain))).tail.insert(&datom);
            Ok(())
        })?;
        next.stored.extend(found);
        let stored = next.stored.get(&attribute).cloned();
        self.replace(next);
        drop(guard);
        Ok(stored)
    }
}

/// The rows of a table that a scan's values select; its entities were selected when the table was read.
fn wanted(table: &Table, scan: &Scan<'_>) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..table.len() as u32).collect();
    if !matches!(scan.values, Values::Any) {
        let admit = Admit::new(&scan.values, table.v.shown());
        rows.retain(|row| admit.admits(&table.v, *row as usize));
    }
    rows
}
