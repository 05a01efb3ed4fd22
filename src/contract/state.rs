//! State: a value for a key in a namespace, and every value it ever had.

use std::sync::Arc;

use annals_query::Value;
use serde::Serialize;

use super::known::Known;
use crate::connection::Connection;
use crate::datom::Datom;
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
    find(db, namespace, key)?.map_or(Ok(None), |entity| value_of(db, entity))
}

/// The entity of a key that has a value or had one. In a view since a moment, a key is found only if it is younger: find it in the view
/// that `since` was taken of, and read it with [`value_of`] and [`history_of`].
pub fn find(db: &Db, namespace: &str, key: &str) -> Result<Option<i64>> {
    db.holder(a::STATE_ID, &Value::vector([namespace.into(), key.into()]))
}

/// The value of the state that this entity is.
pub fn value_of(db: &Db, entity: i64) -> Result<Option<Value>> {
    Ok(Known(&db.datoms_of_entity(entity)?).value(a::STATE_VALUE).cloned())
}

/// Takes the value of a key away; true if it had one. The past keeps it.
pub fn delete(connection: &Connection, m: Option<i64>, namespace: &str, key: &str) -> Result<bool> {
    let Some(entity) = find(&connection.db()?, namespace, key)? else { return Ok(false) };
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
    list_of(db, db, namespace)
}

/// The same, with the keys as one view knows them and their values as another one does, such as the first since a moment.
pub fn list_of(known: &Db, db: &Db, namespace: Option<&str>) -> Result<Vec<State>> {
    let mut found = Vec::new();
    for datom in known.datoms_of_indexed(a::STATE_ID)? {
        if let Some([Value::String(own), Value::String(key)]) = datom.v.as_items()
            && namespace.is_none_or(|namespace| namespace == &**own)
        {
            found.extend(state(db, &db.datoms_of_entity(datom.e)?, Arc::clone(own), Arc::clone(key))?);
        }
    }
    found.sort_by(|left, right| (&left.namespace, &left.key).cmp(&(&right.namespace, &right.key)));
    Ok(found)
}

/// The state that this entity is; `None` if it has no value.
pub fn read(db: &Db, entity: i64) -> Result<Option<State>> {
    let datoms = db.datoms_of_entity(entity)?;
    let known = Known(&datoms);
    let (Some(namespace), Some(key)) = (known.text(a::STATE_NAMESPACE), known.text(a::STATE_KEY)) else { return Ok(None) };
    state(db, &datoms, namespace, key)
}

fn state(db: &Db, datoms: &[Datom], namespace: Arc<str>, key: Arc<str>) -> Result<Option<State>> {
    let Some(said) = datoms.iter().find(|datom| datom.a == a::STATE_VALUE) else { return Ok(None) };
    let updated_at = db.instant_of(said.t)?.unwrap_or(0);
    Ok(Some(State { namespace, key, value: said.v.clone(), updated_at, entity: said.e }))
}

/// Every value that a key ever had, oldest first, and when it had none.
pub fn history(db: &Db, namespace: &str, key: &str) -> Result<Vec<StateChange>> {
    find(db, namespace, key)?.map_or(Ok(Vec::new()), |entity| history_of(db, entity))
}

/// Every value that the state which this entity is ever had, oldest first, and when it had none.
pub fn history_of(db: &Db, entity: i64) -> Result<Vec<StateChange>> {
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
