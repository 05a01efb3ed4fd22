//! The last number given out in each partition and sequence, remembered from commit to commit so that a commit reads little.

use rustc_hash::FxHashMap;

use crate::datom::{Datom, Partition};
use crate::schema::Schema;
use annals_query::Value;

/// Sequences remembered at once: more than runs are active.
const LIMIT_SEQUENCES: usize = 10_000;

/// What was given out last, as of transaction `t`.
#[derive(Debug, Default)]
pub(super) struct Counters {
    t: i64,
    last_partition: Option<Partition>,
    /// 0 for a partition without entities.
    last_entities: FxHashMap<Partition, i64>,
    sequences: FxHashMap<Sequence, i64>,
}

/// One sequence: the attribute that counts, the attribute that says within what, and the entity within which it counts.
pub(super) type Sequence = (i64, i64, i64);

impl Counters {
    /// Forgets everything unless it is as of `t`: others have committed since, or a commit failed.
    pub(super) fn at(&mut self, t: i64) {
        if self.t != t {
            *self = Self { t, ..Self::default() };
        }
    }

    /// The transaction up to which everything is known.
    pub(super) fn t(&self) -> i64 {
        self.t
    }

    /// The last partition, if it is known.
    pub(super) fn last_partition(&self) -> Option<Partition> {
        self.last_partition
    }

    /// Remembers the last partition.
    pub(super) fn set_last_partition(&mut self, partition: Partition) {
        self.last_partition = Some(partition);
    }

    /// The last entity of a partition, 0 for an empty one; `None` if it is not known.
    pub(super) fn last_entity(&self, partition: Partition) -> Option<i64> {
        self.last_entities.get(&partition).copied()
    }

    /// Remembers the last entity of a partition.
    pub(super) fn set_last_entity(&mut self, partition: Partition, entity: Option<i64>) {
        self.last_entities.insert(partition, entity.unwrap_or(0));
    }

    /// The last number of a sequence, if it is known.
    pub(super) fn last_in_sequence(&self, sequence: Sequence) -> Option<i64> {
        self.sequences.get(&sequence).copied()
    }

    /// Remembers the last number of a sequence.
    pub(super) fn set_last_in_sequence(&mut self, sequence: Sequence, last: i64) {
        if self.sequences.len() >= LIMIT_SEQUENCES {
            self.sequences.clear();
        }
        self.sequences.insert(sequence, last);
    }

    /// Takes in a transaction that follows.
    pub(super) fn follow(&mut self, t: i64, datoms: &[Datom], schema: &Schema) {
        self.t = t;
        for datom in datoms {
            let partition = Partition::of(datom.e);
            if let Some(last) = &mut self.last_partition {
                *last = partition.max(*last);
            }
            if let Some(last) = self.last_entities.get_mut(&partition) {
                *last = datom.e.max(*last);
            }
        }
        self.follow_sequences(datoms, schema);
    }

    /// A number and what it counts within mostly come in one transaction. Where they do not, the sequences of that attribute are
    /// forgotten.
    fn follow_sequences(&mut self, datoms: &[Datom], schema: &Schema) {
        if self.sequences.is_empty() {
            return;
        }
        let mut attributes: Vec<(i64, i64)> = self.sequences.keys().map(|(attribute, scope, _)| (*attribute, *scope)).collect();
        attributes.sort_unstable();
        attributes.dedup();
        for (attribute, scope) in attributes {
            let is_as_declared =
                schema.declaration(attribute).is_some_and(|declaration| declaration.sequence_within == Some(scope));
            let mut scopes: FxHashMap<i64, i64> = FxHashMap::default();
            for datom in datoms.iter().filter(|datom| datom.a == scope && datom.added) {
                if let Value::Ref(within) = datom.v {
                    scopes.insert(datom.e, within);
                }
            }
            let mut numbers = datoms.iter().filter(|datom| datom.a == attribute && datom.added);
            let mut is_clear = is_as_declared;
            let mut numbered = 0;
            for datom in &mut numbers {
                match (scopes.get(&datom.e), datom.v.as_long()) {
                    (Some(within), Some(number)) => {
                        numbered += 1;
                        if let Some(last) = self.sequences.get_mut(&(attribute, scope, *within)) {
                            *last = number.max(*last);
                        }
                    }
                    _ => is_clear = false,
                }
            }
            if !is_clear || numbered != scopes.len() {
                self.sequences.retain(|known, _| (known.0, known.1) != (attribute, scope));
            }
        }
    }
}
