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
    /// The first two parts of the known sequences: which attribute counts by which.
    counted: Vec<(i64, i64)>,
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
            self.counted.clear();
        }
        let (attribute, scope, _) = sequence;
        if !self.counted.contains(&(attribute, scope)) {
            self.counted.push((attribute, scope));
        }
        self.sequences.insert(sequence, last);
    }

    /// Takes in a transaction that follows.
    pub(super) fn follow(&mut self, t: i64, datoms: &[Datom], schema: &Schema) {
        self.t = t;
        for of_partition in datoms.chunk_by(|left, right| Partition::of(left.e) == Partition::of(right.e)) {
            let partition = Partition::of(of_partition[0].e);
            if let Some(last) = &mut self.last_partition {
                *last = partition.max(*last);
            }
            if let Some(last) = self.last_entities.get_mut(&partition) {
                *last = of_partition.iter().map(|datom| datom.e).fold(*last, i64::max);
            }
        }
        let mut is_kept = true;
        for at in 0..self.counted.len() {
            let (attribute, scope) = self.counted[at];
            let is_as_declared =
                schema.declaration(attribute).is_some_and(|declaration| declaration.sequence_within == Some(scope));
            if !is_as_declared || !self.follow_sequences(attribute, scope, datoms) {
                self.sequences.retain(|known, _| (known.0, known.1) != (attribute, scope));
                is_kept = false;
            }
        }
        if !is_kept {
            let Self { counted, sequences, .. } = self;
            counted.retain(|counted| sequences.keys().any(|known| (known.0, known.1) == *counted));
        }
    }

    /// Takes in the numbers that one attribute gave by another. A number and what it counts within mostly come together; false where
    /// they do not, as then it is not clear what was counted.
    fn follow_sequences(&mut self, attribute: i64, scope: i64, datoms: &[Datom]) -> bool {
        for of_entity in datoms.chunk_by(|left, right| left.e == right.e) {
            let (mut within, mut number) = (None, None);
            for datom in of_entity.iter().filter(|datom| datom.added) {
                if datom.a == scope
                    && let Value::Ref(entity) = datom.v
                {
                    within = Some(entity);
                }
                if datom.a == attribute && number.replace(datom.v.as_long()).is_some() {
                    return false;
                }
            }
            match (within, number) {
                (None, None) => {}
                (Some(within), Some(Some(number))) => {
                    if let Some(last) = self.sequences.get_mut(&(attribute, scope, within)) {
                        *last = number.max(*last);
                    }
                }
                _ => return false,
            }
        }
        true
    }
}
