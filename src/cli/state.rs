//! `state`: values under a namespace and a key.

use std::io::{self, Read as _, Write as _};

use annals::contract::state as keys;
use annals::query::edn;
use annals::{Connection, Db, Result, Value};

use super::arguments::StateCommand;
use super::failure::{InText as _, Outcome, usage};
use super::output::{RowShape, RowWriter};
use super::session::{Session, known_as};

/// `annals state ...`.
pub(super) fn state(session: &Session, command: &StateCommand) -> Outcome {
    match command {
        StateCommand::Get { namespace, key } => get(session, namespace, key),
        StateCommand::Put { namespace, key, value, edn } => put(session, namespace, key, value, *edn),
        StateCommand::List { namespace } => list(session, namespace.as_deref()),
        StateCommand::Rm { namespace, key } => rm(session, namespace, key),
        StateCommand::History { namespace, key } => history(session, namespace, key),
    }
}

/// Text as its UTF-8 bytes, bytes as they are, everything else as EDN text: what the view shows.
fn get(session: &Session, namespace: &str, key: &str) -> Outcome {
    let (db, entity) = found(session, namespace, key)?;
    let value = keys::value_of(&db, entity)?.ok_or_else(|| keys::not_found(namespace, key))?;
    let mut out = io::stdout();
    match &value {
        Value::String(text) => out.write_all(text.as_bytes())?,
        Value::Bytes(bytes) => out.write_all(bytes)?,
        other => out.write_all(other.to_string().as_bytes())?,
    }
    Ok(out.flush()?)
}

/// The view that was asked for, and the entity of the key. What was said since a moment may lack the facts by which a key is found.
fn found(session: &Session, namespace: &str, key: &str) -> Result<(Db, i64)> {
    let now = session.connection()?.db()?;
    let entity = keys::find(&session.until(&now)?, namespace, key)?.ok_or_else(|| keys::not_found(namespace, key))?;
    Ok((session.view(&now)?, entity))
}

fn put(session: &Session, namespace: &str, key: &str, value: &str, is_edn: bool) -> Outcome {
    let connection = session.connection()?;
    let value = match value {
        "-" => {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes)?;
            match String::from_utf8(bytes) {
                Ok(text) if is_edn => edn::read(&text).in_text("value", &text)?,
                Ok(text) => Value::from(text),
                Err(_) if is_edn => {
                    return Err(usage("the value is no text, so it is no EDN", "leave out --edn to keep it as bytes"));
                }
                Err(error) => Value::Bytes(error.into_bytes().into()),
            }
        }
        text if is_edn => edn::read(text).in_text("value", text)?,
        text => Value::from(text),
    };
    Ok(keys::put(&connection, run_at_work(session, &connection)?, namespace, key, value)?)
}

fn rm(session: &Session, namespace: &str, key: &str) -> Outcome {
    let connection = session.connection()?;
    if keys::delete(&connection, run_at_work(session, &connection)?, namespace, key)? {
        return Ok(());
    }
    Err(keys::not_found(namespace, key).into())
}

/// The run inside which this program was started: what it writes carries it as m.
fn run_at_work(session: &Session, connection: &Connection) -> Result<Option<i64>> {
    Ok(session.enclosing_run(connection)?.map(|run| run.entity))
}

fn list(session: &Session, namespace: Option<&str>) -> Outcome {
    let mut rows = RowWriter::stdout(session.format(), RowShape::Objects, &["namespace", "key", "value", "updated_at"]);
    let now = session.connection()?.db()?;
    for state in keys::list_of(&session.until(&now)?, &session.view(&now)?, namespace)? {
        rows.row(&[Value::from(&*state.namespace), Value::from(&*state.key), state.value, Value::Instant(state.updated_at)])?;
    }
    rows.finish()
}

fn history(session: &Session, namespace: &str, key: &str) -> Outcome {
    let (db, entity) = found(session, namespace, key)?;
    let changes = keys::history_of(&db, entity)?;
    if changes.is_empty() {
        return Err(keys::not_found(namespace, key).into());
    }
    let mut rows = RowWriter::stdout(session.format(), RowShape::Objects, &["t", "instant", "value", "m"]);
    for change in changes {
        let value = change.value.unwrap_or(Value::Nil);
        rows.row(&[Value::Long(change.t), Value::Instant(change.instant), value, known_as(&db, change.m)?])?;
    }
    rows.finish()
}
