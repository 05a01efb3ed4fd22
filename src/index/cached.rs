//! Columns of one attribute in memory, and how they take in what is newer.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::lives::Lives;
use super::novelty::AttributeNovelty;
use super::tuning::Tuning;
use crate::datom::Datom;

/// Columns of one attribute, and the datoms after them.
#[derive(Clone, Debug)]
pub(crate) struct Cached {
    /// The columns.
    pub(crate) lives: Arc<Lives>,
    /// The datoms after them.
    pub(crate) tail: AttributeNovelty,
    /// When they were asked for last, by the index's own clock.
    pub(super) used: Arc<AtomicU64>,
}

impl Cached {
    /// Columns, and nothing after them.
    pub(super) fn new(lives: Lives) -> Self {
        Self { lives: Arc::new(lives), tail: AttributeNovelty::default(), used: Arc::default() }
    }

    /// Takes in datoms of the log, and merges when many have come together.
    pub(super) fn append(&mut self, datoms: &[Datom], tuning: &Tuning) {
        let limit = tuning.tail_datoms.max(self.lives.len() / tuning.rows_per_tail_datom.max(1));
        if self.tail.len() + datoms.len() <= limit {
            for datom in datoms {
                self.tail.insert(datom);
            }
            return;
        }
        let mut events: Vec<&Datom> = self.tail.iter().chain(datoms).collect();
        events.sort_unstable();
        *self = Self { used: Arc::clone(&self.used), ..Self::new(self.lives.continued(&events)) };
    }

    /// Everything in columns.
    pub(super) fn merged(&self) -> Self {
        let events: Vec<&Datom> = self.tail.iter().collect();
        Self { used: Arc::clone(&self.used), ..Self::new(self.lives.continued(&events)) }
    }
}
