//! An entity as a map.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use annals_query::{Cardinality, Value};

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
        for same in self.datoms_of_entity(id)?.chunk_by(|left, right| left.a == right.a) {
            let declaration = self.snapshot.schema().declaration(same[0].a);
            let is_many = declaration.is_some_and(|declaration| declaration.attribute.cardinality == Cardinality::Many);
            let key = match self.snapshot.schema().ident(same[0].a) {
                Some(ident) => Value::Keyword(Arc::clone(ident)),
                None => Value::Long(same[0].a),
            };
            let values: BTreeSet<Value> = same.iter().map(|datom| datom.v.clone()).collect();
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
