//! What a store must be after every attack: sound, its columns too, and the same through the library and through each SQL view.
#![allow(dead_code)]

use std::path::Path;

use annals::store::{Access, Store};
use annals::{Connection, Value};

/// Every view of a store.
pub(crate) const VIEWS: [&str; 7] = ["facts", "current_facts", "attributes", "idents", "runs", "run_logs", "state_kv"];

/// Says what is wrong with a store that nobody writes.
pub(crate) fn check_whole(path: &Path) -> Result<(), String> {
    let report = Store::verify_file(path).map_err(|error| format!("verify fails: {error}"))?;
    if let Some(problem) = report.problem {
        return Err(format!("verify finds {}: {}", problem.code, problem.what));
    }
    let store = Store::open(path, Access::ReadOnly).map_err(|error| format!("it does not open: {error}"))?;
    match annals::verify_columns(&store) {
        Err(error) => return Err(format!("the columns cannot be verified: {error}")),
        Ok(Some(problem)) => return Err(format!("verify finds {}: {}", problem.code, problem.what)),
        Ok(None) => {}
    }
    drop(store);
    check_views(path)
}

/// Compares what the views count with what the library counts.
fn check_views(path: &Path) -> Result<(), String> {
    let db = Connection::open_read_only(path).and_then(|connection| connection.db()).map_err(|error| error.to_string())?;
    let sql = rusqlite::Connection::open(path).map_err(|error| error.to_string())?;
    let rows = |view: &str| -> Result<i64, String> {
        let counted = sql.query_row(&format!("SELECT count(*) FROM {view}"), (), |row| row.get(0));
        counted.map_err(|error| format!("the view {view} fails: {error}"))
    };
    let count = |query: &str, view: &annals::Db| -> Result<i64, String> {
        let answer = view.q(query, &[]).map_err(|error| format!("{query} fails: {error}"))?;
        Ok(answer.rows.first().and_then(|row| row.first()).and_then(Value::as_long).unwrap_or(0))
    };
    for view in VIEWS {
        rows(view)?;
    }
    let pairs = [
        ("current_facts", count("[:find (count ?v) . :with ?e ?a :where [?e ?a ?v]]", &db)?),
        ("facts", count("[:find (count ?v) . :with ?e ?a ?t ?o :where [?e ?a ?v ?t _ ?o]]", &db.history())?),
        ("runs", count("[:find (count ?r) . :where [?r :run/id]]", &db)?),
        ("run_logs", count("[:find (count ?l) . :where [?l :log/seq]]", &db)?),
        ("state_kv", count("[:find (count ?s) . :where [?s :state/value]]", &db)?),
    ];
    for (view, expected) in pairs {
        let found = rows(view)?;
        if found != expected {
            return Err(format!("the view {view} has {found} rows, the library counts {expected}"));
        }
    }
    Ok(())
}
