//! An attribute whose columns stay on disk: scans that pick little read the blocks they need.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use annals_query::column::TextKind;
use annals_query::{Budget, Scan, ValueType, Values};

use super::admit::{Admit, AdmitText};
use super::building::STEPS_PER_DATOM;
use super::cache::{BYTES_PER_ROW, Index, locked};
use super::lives::Lives;
use super::novelty::AttributeNovelty;
use super::state::State;
use super::value_types::Types;
use crate::columns::values::ValueColumn;
use crate::columns::{Chain, Refusal, Wanted};
use crate::error::Result;

/// A scan that needs blocks of more than one row in so many reads the whole attribute instead, which serves the next scans too.
const ROWS_PER_PICK: u64 = 4;

/// Passing over a row whose value is not wanted costs one part in so many of reading it into memory.
const ROWS_PASSED_PER_ROW: u64 = 12;

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
        let left = |share| rows.saturating_sub(read.saturating_mul(share));
        let is_passed = scan.entities.is_none() && scan.within.is_none();
        let limit = match share {
            None => u64::MAX,
            Some(share) if is_passed && self.selects_few(attribute, scan)? => left(share).saturating_mul(ROWS_PASSED_PER_ROW),
            Some(share) => left(share).min(rows / ROWS_PER_PICK),
        };
        let look = |count: usize| {
            let cost = if is_passed { (count as u64).div_ceil(ROWS_PASSED_PER_ROW) } else { count as u64 };
            self.rows_read.fetch_add(cost, Ordering::Relaxed);
            budget.spend_steps(cost * STEPS_PER_ROW)
        };
        let picked = self.chain.pick(attribute, scan, limit, &WantedBy::new(&scan.values), look)?;
        if let Some(table) = picked.as_ref().filter(|_| is_passed) {
            self.rows_read.fetch_add(table.len() as u64, Ordering::Relaxed);
        }
        Ok(picked.map(Lives::from))
    }

    /// True if most rows are likely to be passed over.
    fn selects_few(&self, attribute: i64, scan: &Scan<'_>) -> std::result::Result<bool, Refusal> {
        Ok(self.chain.estimate(attribute, scan)? * ROWS_PASSED_PER_ROW as f64 <= self.chain.rows(attribute) as f64)
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

    /// The one type that all values of an attribute have and ever had up to `t`, if there are columns on disk that tell. Nothing is
    /// written, and little of the log is read: what comes next will want the same.
    pub(crate) fn type_on_disk(&self, attribute: i64, t: i64) -> Option<ValueType> {
        let later = self.store.datoms_until(t).ok()? - self.chain()?.datoms();
        if later >= self.tuning.disk_tail_datoms {
            return None;
        }
        let stored = self.stored(attribute, t, &Budget::default()).ok()??;
        let types = stored.chain.type_of_values(attribute).ok()?.map_or(Types::Several, Types::One);
        types.and(stored.tail.types()).only()
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

/// What a scan's values admit, asked of blocks on disk.
struct WantedBy<'v> {
    values: &'v Values<'v>,
    strings: AdmitText<'v>,
    keywords: AdmitText<'v>,
}

impl<'v> WantedBy<'v> {
    fn new(values: &'v Values<'v>) -> Self {
        let [strings, keywords] = [TextKind::String, TextKind::Keyword].map(|kind| AdmitText::new(values, kind));
        Self { values, strings, keywords }
    }
}

impl Wanted for WantedBy<'_> {
    fn is_text(&self, kind: TextKind, text: &[u8]) -> bool {
        match kind {
            TextKind::String => self.strings.admits(text),
            TextKind::Keyword => self.keywords.admits(text),
        }
    }

    fn rows(&self, values: &ValueColumn) -> Vec<u32> {
        let mut rows: Vec<u32> = (0..values.len() as u32).collect();
        Admit::new(self.values, values.shown()).retain(values, &mut rows);
        rows
    }
}
