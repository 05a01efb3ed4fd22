//! All that is in memory of a store at one moment. It is replaced as a whole, never changed.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use rustc_hash::FxHashMap;

use super::cached::Cached;
use super::stored::Stored;
use super::tuning::Tuning;
use crate::datom::Datom;

/// Everything in memory: all attributes know the log up to the same t.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// The t up to which all of it knows the log.
    pub(super) t: i64,
    /// Columns in memory.
    pub(super) attributes: FxHashMap<i64, Cached>,
    /// Attributes whose columns are read from disk, block by block.
    pub(super) stored: HashMap<i64, Stored>,
}

impl State {
    /// Takes in datoms of attributes that have columns.
    pub(super) fn append(&mut self, later: &mut HashMap<i64, Vec<Datom>>, tuning: &Tuning) {
        for (attribute, datoms) in later.drain() {
            if let Some(cached) = self.attributes.get_mut(&attribute) {
                cached.append(&datoms, tuning);
            }
            let Some(stored) = self.stored.get_mut(&attribute) else { continue };
            if stored.tail.len() + datoms.len() <= tuning.tail_datoms {
                for datom in &datoms {
                    stored.tail.insert(datom);
                }
            } else {
                // There is too much to look through: the next scan finds newer columns, or reads them whole.
                self.stored.remove(&attribute);
            }
        }
    }

    /// Lets go of columns that were not asked for lately until what is left fits; never of those of `kept`.
    pub(super) fn shrink(&mut self, limit_bytes: u64, kept: i64) {
        let mut bytes: u64 = self.attributes.values().map(|cached| cached.lives.bytes() as u64).sum();
        while bytes > limit_bytes {
            let others = self.attributes.iter().filter(|(attribute, _)| **attribute != kept);
            let Some((&oldest, cached)) = others.min_by_key(|(_, cached)| cached.used.load(Ordering::Relaxed)) else { return };
            bytes -= cached.lives.bytes() as u64;
            self.attributes.remove(&oldest);
        }
    }
}
