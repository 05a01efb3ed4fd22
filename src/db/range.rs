//! The facts of entities that lie together, such as the lines of a run: read from the store in one go, without columns.

use super::Db;
use crate::datom::{Datom, Partition};
use crate::error::Result;
use crate::index::Life;
use crate::index::life::{OPEN, continued};

impl Db {
    /// What the view shows of the entities from `first` to `last`, by entity, attribute and value.
    pub(crate) fn datoms_of_entities(&self, first: i64, last: i64) -> Result<Vec<Datom>> {
        let events = self.snapshot.events_of_entities(first, last)?;
        let mut shown = Vec::with_capacity(events.len());
        for same in events.chunk_by(|left, right| (left.e, left.a) == (right.e, right.a)) {
            // Most facts were said once and never taken back.
            if let [only] = same {
                let life = Life { t_retracted: OPEN, ..Life::begun_by(only) };
                shown.extend(only.added.then(|| self.view.datoms_of(only.a, &life)).into_iter().flatten());
                continue;
            }
            for life in continued([], same) {
                shown.extend(self.view.datoms_of(same[0].a, &life));
            }
        }
        Ok(shown)
    }

    /// What the view shows of a unique or indexed attribute, by entity and value; read from the store without columns.
    pub(crate) fn datoms_of_indexed(&self, attribute: i64) -> Result<Vec<Datom>> {
        let lives = continued([], &self.snapshot.events_of_indexed(attribute)?);
        Ok(lives.iter().flat_map(|life| self.view.datoms_of(attribute, life)).collect())
    }

    /// The greatest entity of a partition that this value knows.
    pub(crate) fn last_entity(&self, partition: Partition) -> Result<Option<i64>> {
        self.snapshot.last_entity_of(partition)
    }

    /// The instant of a transaction, in microseconds; `None` if there is no such transaction.
    pub fn instant_of(&self, t: i64) -> Result<Option<i64>> {
        self.snapshot.instant_of(t)
    }
}
