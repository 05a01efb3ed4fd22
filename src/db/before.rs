//! What transactions are checked against: the facts of a snapshot that hold.

use annals_query::{Budget, Scan, Value, ValueType, Values};

use super::snapshot::Snapshot;
use crate::datom::{Datom, Partition};
use crate::error::Result;
use crate::index::Life;
use crate::index::life::OPEN;
use crate::redact::KEY_BYTES;
use crate::schema::Schema;
use crate::transact::Before;

/// The datoms that added the facts which hold at `basis`: columns may know more.
fn holding(attribute: i64, lives: impl IntoIterator<Item = Life>, basis: i64) -> impl Iterator<Item = Datom> {
    let known = lives.into_iter().filter_map(move |life| life.known_at(basis));
    known.filter(|life| life.t_retracted == OPEN).map(move |life| life.addition(attribute))
}

impl Before for Snapshot {
    fn basis(&self) -> i64 {
        self.basis()
    }

    fn instant(&self) -> i64 {
        self.instant()
    }

    fn schema(&self) -> &Schema {
        self.schema()
    }

    fn facts(&self, entity: i64) -> Result<Vec<Datom>> {
        let by_attribute = self.lives_of_entity(entity)?;
        Ok(by_attribute.into_iter().flat_map(|(attribute, lives)| holding(attribute, lives, self.basis())).collect())
    }

    fn values(&self, entity: i64, attribute: i64) -> Result<Vec<Datom>> {
        Ok(holding(attribute, self.lives_of(entity, attribute)?, self.basis()).collect())
    }

    fn holders(&self, attribute: i64, value: &Value) -> Result<Vec<Datom>> {
        Ok(holding(attribute, self.lives_of_value(attribute, value)?, self.basis()).collect())
    }

    fn referrers(&self, entity: i64) -> Result<Vec<Datom>> {
        let mut attributes: Vec<i64> = self
            .schema()
            .declarations()
            .filter_map(|declaration| {
                let attribute = &declaration.attribute;
                attribute.value_type.is_none_or(|kind| kind == ValueType::Ref).then_some(attribute.id)
            })
            .collect();
        attributes.sort_unstable();
        self.index().want(attributes.iter().copied());
        let wanted = Value::Ref(entity);
        let mut found = Vec::new();
        for attribute in attributes {
            found.extend(self.holders(attribute, &wanted)?);
        }
        Ok(found)
    }

    fn facts_of_attribute(&self, attribute: i64, limit: usize) -> Result<Vec<Datom>> {
        let lives = self.lives(attribute, &Scan { attribute: Some(attribute), ..Scan::default() }, &Budget::default())?;
        Ok(holding(attribute, (0..lives.len()).map(|row| lives.life(row)), self.basis()).take(limit).collect())
    }

    fn redaction_key(&self) -> [u8; KEY_BYTES] {
        self.index().store().redaction_key()
    }

    fn last_entity(&self, partition: Partition) -> Result<Option<i64>> {
        self.last_entity_of(partition)
    }

    fn last_partition(&self) -> Result<Partition> {
        let stored = self.index().store().last_partition()?;
        let own = self.novelty().last_entity(i64::MAX - 1).map(Partition::of);
        Ok(own.map_or(stored, |own| own.max(stored)))
    }

    fn last_in_sequence(&self, attribute: i64, scope: i64, within: i64) -> Result<i64> {
        self.last_of_sequence(attribute, scope, within)
    }
}

impl Snapshot {
    /// Looks at all entities that ever had `within`, wherever they lie. Columns may know more than this snapshot.
    fn last_of_sequence(&self, attribute: i64, scope: i64, within: i64) -> Result<i64> {
        let wanted = Value::Ref(within);
        let scan = Scan { attribute: Some(scope), values: Values::Equal(&wanted), ..Scan::default() };
        let lives = self.lives(scope, &scan, &Budget::default())?;
        let known = lives.select(&scan).iter().filter_map(|row| lives.life(row).known_at(self.basis())).collect::<Vec<Life>>();
        let mut members: Vec<i64> = known.iter().filter(|life| life.v == wanted).map(|life| life.e).collect();
        members.dedup();
        let scan = Scan { attribute: Some(attribute), entities: Some(&members), ..Scan::default() };
        let lives = self.lives(attribute, &scan, &Budget::default())?;
        let known = lives.select(&scan).iter().filter_map(|row| lives.life(row).known_at(self.basis())).collect::<Vec<Life>>();
        Ok(known.iter().filter_map(|life| life.v.as_long()).max().unwrap_or(0))
    }
}
