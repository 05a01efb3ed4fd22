//! What a transaction did.

use std::collections::BTreeMap;

use super::Db;
use crate::datom::Datom;
use crate::transact::{EntityTerm, Prepared};

/// What a transaction did, and the values before and after it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The number it took; `None` if it said nothing new: then nothing was written.
    pub t: Option<i64>,
    /// Its instant, in microseconds since 1970 (UTC); of the newest transaction before it if it said nothing new.
    pub instant: i64,
    /// Which entity each temporary id became.
    pub tempids: BTreeMap<String, i64>,
    /// What was added and retracted.
    pub datoms: Vec<Datom>,
    /// The value that it was checked against.
    pub db_before: Db,
    /// The value in which it holds.
    pub db_after: Db,
    prepared: Prepared,
}

impl Report {
    pub(crate) fn new(mut prepared: Prepared, db_before: Db, db_after: Db) -> Self {
        let t = (!prepared.is_empty()).then_some(prepared.t);
        let instant = t.map_or_else(|| db_before.basis_instant(), |_| prepared.instant);
        let (tempids, datoms) = (std::mem::take(&mut prepared.tempids), std::mem::take(&mut prepared.datoms));
        Self { t, instant, tempids, datoms, db_before, db_after, prepared }
    }

    /// True if the transaction said nothing new: it took no t, and nothing was written.
    pub fn is_empty(&self) -> bool {
        self.datoms.is_empty()
    }

    /// The entity that a temporary id, the transaction or an id stands for.
    pub fn id_of(&self, term: &EntityTerm) -> Option<i64> {
        match term {
            EntityTerm::Temp(name) => self.tempids.get(&**name).copied(),
            other => self.prepared.id_of(other),
        }
    }
}
