//! What comes out: the datoms of one transaction, ready to be committed.

use std::collections::BTreeMap;

use super::data::EntityTerm;
use crate::datom::Datom;

/// A transaction that was found right, not committed yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Prepared {
    /// The number it takes, which is the id of its own entity.
    pub t: i64,
    /// Its instant, in microseconds: the value of the datom `[t :db/txInstant ..]`.
    pub instant: i64,
    /// The datoms in log order; none if the transaction changes nothing.
    pub datoms: Vec<Datom>,
    /// Which entity each named temporary id became.
    pub tempids: BTreeMap<String, i64>,
    /// Attributes that became indexed or unique, ascending.
    pub new_indexed: Vec<i64>,
    /// True if a datom changes attributes or idents.
    pub changes_schema: bool,
    /// Which entity each temporary id without a name became.
    pub(super) fresh: Vec<i64>,
}

impl Prepared {
    /// True if nothing was added: the transaction takes no t and writes nothing.
    pub fn is_empty(&self) -> bool {
        self.datoms.is_empty()
    }

    /// The entity that a temporary id, the transaction or an id stands for.
    pub fn id_of(&self, term: &EntityTerm) -> Option<i64> {
        match term {
            EntityTerm::Id(id) => Some(*id),
            EntityTerm::Temp(name) => self.tempids.get(&**name).copied(),
            EntityTerm::Fresh(fresh) => self.fresh.get(fresh.0 as usize).copied(),
            EntityTerm::Transaction => Some(self.t),
            EntityTerm::Ident(_) | EntityTerm::Lookup(_) => None,
        }
    }
}
