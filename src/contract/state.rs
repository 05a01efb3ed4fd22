//! State: a value for a key in a namespace, and every value it ever had.

use std::sync::Arc;

use annals_query::Value;
use serde::Serialize;

use super::known::Known;
use crate::connection::Connection;
use crate::db::Db;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::attribute as a;
use crate::transact::{EntityTerm, Operation, TxData};

/// A key that has a value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct State {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The key.
    pub key: Arc<str>,
    /// The value.
    pub value: Value,
    /// The instant of the transaction that said so, in microseconds since 1970.
    pub updated_at: i64,
    /// Its entity.
    pub entity: i64,
}

/// One change of a key.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StateChange {
    /// The transaction.
    pub t: i64,
    /// Its instant, in microseconds since 1970.
    pub instant: i64,
    /// The value from then on; `None` if it was taken away.
    pub value: Option<Value>,
    /// Why: the run that said so; 0 if none did.
    pub m: i64,
}

/// Says that a key has this value from now on, because of `m` (a run, if one is at work).
///
/// Any value but nil can be stored; text as a string, anything else as itself.
pub fn put(connection: &Connection, m: Option<i64>, namespace: &str, key: &str, value: Value) -> Result<()> {
    let mut data = TxData::new();
    let state = data.fresh();
    for (attribute, value) in [(a::STATE_NAMESPACE, namespace.into()), (a::STATE_KEY, key.into()), (a::STATE_VALUE, value)] {
        match m {
            Some(m) => data.add_because(state.clone(), attribute, value, m),
            None => data.add(state.clone(), attribute, value),
        };
    }
    connection.transact_data(&data)?;
    Ok(())
}

/// The value of a key.
pub fn get(db: &Db, namespace: &str, key: &str) -> Result<Option<Value>> {
    let Some(entity) = entity_of(db, namespace, key)? else { return Ok(None) };
    Ok(Known(&db.datoms_of_entity(entity)?).value(a::STATE_VALUE).cloned())
}

/// Takes the value of a key away; true if it had one. The past keeps it.
pub fn delete(connection: &Connection, m: Option<i64>, namespace: &str, key: &str) -> Result<bool> {
    let Some(entity) = entity_of(&connection.db()?, namespace, key)? else { return Ok(false) };
    let mut data = TxData::new();
    data.push(Operation::Retract {
        entity: EntityTerm::Id(entity),
        attribute: a::STATE_VALUE.into(),
        value: None,
        m: m.map(EntityTerm::Id),
    });
    let report = connection.transact_data(&data)?;
    Ok(!report.is_empty())
}

/// The keys of a namespace (of all, if none is named) that have a value, in order.
pub fn list(db: &Db, namespace: Option<&str>) -> Result<Vec<State>> {
    let mut found = Vec::new();
    for datom in db.datoms_of_indexed(a::STATE_ID)? {
        let wanted = match datom.v.as_items() {
            Some([Value::String(own), _]) => namespace.is_none_or(|namespace| namespace == &**own),
            _ => false,
        };
        if wanted {
            found.extend(read(db, datom.e)?);
        }
    }
    found.sort_by(|left, right| (&left.namespace, &left.key).cmp(&(&right.namespace, &right.key)));
    Ok(found)
}

/// The state that this entity is; `None` if it has no value.
pub fn read(db: &Db, entity: i64) -> Result<Option<State>> {
    let datoms = db.datoms_of_entity(entity)?;
    let known = Known(&datoms);
    let parts = (known.text(a::STATE_NAMESPACE), known.text(a::STATE_KEY), known.value(a::STATE_VALUE));
    let (Some(namespace), Some(key), Some(value)) = parts else { return Ok(None) };
    let t = datoms.iter().find(|datom| datom.a == a::STATE_VALUE).map_or(0, |datom| datom.t);
    let updated_at = db.instant_of(t)?.unwrap_or(0);
    Ok(Some(State { namespace, key, value: value.clone(), updated_at, entity }))
}

/// Every value that a key ever had, oldest first, and when it had none.
pub fn history(db: &Db, namespace: &str, key: &str) -> Result<Vec<StateChange>> {
    let Some(entity) = entity_of(db, namespace, key)? else { return Ok(Vec::new()) };
    let mut datoms = db.history().datoms_of_entity(entity)?;
    datoms.retain(|datom| datom.a == a::STATE_VALUE);
    datoms.sort_by_key(|datom| (datom.t, datom.added));
    let mut changes = Vec::new();
    for of_one_t in datoms.chunk_by(|left, right| left.t == right.t) {
        // A replaced value is retracted and added in one transaction: the addition, which sorts last, is what counts.
        let Some(last) = of_one_t.last() else { continue };
        let instant = db.instant_of(last.t)?.unwrap_or(0);
        changes.push(StateChange { t: last.t, instant, value: last.added.then(|| last.v.clone()), m: last.m });
    }
    Ok(changes)
}

/// What `annals state get` says of a key that has no value.
pub fn not_found(namespace: &str, key: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("`{key}` has no value in namespace `{namespace}`"))
        .with_value(key)
        .with_help(format!("`annals state list {namespace}` shows the keys that have one"))
}

fn entity_of(db: &Db, namespace: &str, key: &str) -> Result<Option<i64>> {
    db.holder(a::STATE_ID, &Value::vector([namespace.into(), key.into()]))
}
