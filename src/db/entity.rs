//! An entity as a map.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use annals_query::{Budget, Cardinality, Fact, Facts, Value};

use super::facts::fact;
use super::{Db, EntityRef};
use crate::error::Result;

impl Db {
    /// What the view shows of an entity: keywords with values, sets where an attribute has many, references as [`Value::Ref`];
    /// `:db/id` is the entity itself. `None` if nothing is known of it. A history has no entities: it is refused.
    ///
    /// ```
    /// use annals::{Connection, Value};
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let connection = Connection::open(folder.path().join("annals.db"))?;
    /// let attribute = connection.db()?.entity(":run/status")?.expect("every store has it");
    /// assert_eq!(attribute[&Value::Keyword("db/ident".into())], Value::Keyword("run/status".into()));
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn entity(&self, entity: impl Into<EntityRef>) -> Result<Option<BTreeMap<Value, Value>>> {
        self.refuse_history("an entity")?;
        let Some(id) = self.entity_id(entity)? else { return Ok(None) };
        let mut map: BTreeMap<Value, Value> = BTreeMap::new();
        let facts: Vec<Fact> = match self.lens() {
            Some(_) => Facts::entity(self, id, &Budget::default())?,
            None => self.datoms_of_entity(id)?.into_iter().map(fact).collect(),
        };
        for same in facts.chunk_by(|left, right| left.a == right.a) {
            let attribute = self.attribute_by_id(same[0].a);
            let is_many = attribute.as_ref().is_some_and(|attribute| attribute.cardinality == Cardinality::Many);
            let key = match attribute {
                Some(attribute) => Value::Keyword(Arc::clone(&attribute.ident)),
                None => Value::Long(same[0].a),
            };
            let values: BTreeSet<Value> = same.iter().map(|fact| fact.v.clone()).collect();
            let value = if is_many || values.len() > 1 { Value::Set(Arc::new(values)) } else { same[0].v.clone() };
            map.insert(key, value);
        }
        if map.is_empty() {
            return Ok(None);
        }
        map.insert(Value::Keyword("db/id".into()), Value::Long(id));
        Ok(Some(map))
    }
}
