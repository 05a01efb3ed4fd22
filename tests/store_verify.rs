//! The promise: damage is found and named, never cleaned up. Attacked with a copy of a store in which one row, one trigger or
//! one byte was changed by a client that knows how to get around the triggers.

use annals::schema::attribute;
use annals::store::{Access, Store};
use annals::{Datom, Value};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const NAME: i64 = attribute::FIRST_OF_USER;

/// A store of four transactions: genesis; the attribute `:user/name`, indexed; two names; one of them replaced.
fn sound_store(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("annals.db");
    let store = Store::create(&path).expect("a new store");
    let transactions: [Vec<(i64, i64, Value, bool)>; 3] = [
        vec![
            (NAME, attribute::IDENT, Value::keyword("user/name"), true),
            (NAME, attribute::CARDINALITY, Value::Ref(annals::schema::ident::CARDINALITY_ONE), true),
            (NAME, attribute::INDEX, Value::from(true), true),
        ],
        vec![(100, NAME, Value::from("ada"), true), (101, NAME, Value::from("grace"), true)],
        vec![(100, NAME, Value::from("ada"), false), (100, NAME, Value::from("lovelace"), true)],
    ];
    for facts in transactions {
        let written = store.write(|w| {
            let (t, instant) = (w.basis().t + 1, w.basis().instant + 1_000);
            let datoms: Vec<Datom> = facts.into_iter().map(|(e, a, v, added)| Datom { e, a, v, t, added, m: 0 }).collect();
            w.append(t, instant, &datoms, &|a| a == NAME || a == attribute::IDENT)
        });
        written.expect("the transaction is in order");
    }
    path
}

/// Runs SQL with the triggers of the two tables gone, then makes them again just as they were.
fn change(path: &Path, sql: &str) {
    let connection = Connection::open(path).expect("the file opens");
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").expect("a statement");
    let triggers: Vec<(String, String)> =
        statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).and_then(Iterator::collect).expect("the triggers");
    for (name, _) in &triggers {
        connection.execute_batch(&format!("DROP TRIGGER {name}")).expect("the trigger goes");
    }
    connection.execute_batch(sql).expect("the change works");
    for (_, trigger) in &triggers {
        connection.execute_batch(trigger).expect("the trigger comes back");
    }
}

#[track_caller]
fn check(sql: &str, code: &str, t: Option<i64>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = sound_store(&folder);
    change(&path, sql);
    let report = Store::verify_file(&path).expect("a report");
    let problem = report.problem.unwrap_or_else(|| panic!("nothing found after {sql}"));
    assert_eq!((problem.code, problem.t), (code, t), "{sql}: {}", problem.what);
    assert!(!problem.remedy.is_empty());
    if let Some(t) = t.filter(|_| code != "verify/life" && code != "verify/attribute") {
        assert_eq!(report.transactions, t - 1, "{sql}: what comes before is sound");
    }
}

#[test]
fn a_sound_store_has_no_problem() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = sound_store(&folder);
    let store = Store::open(&path, Access::ReadWrite).expect("the store");
    let report = store.verify().expect("a report");
    assert_eq!((report.problem, report.transactions), (None, 4));
    let hash = store.basis().expect("a basis").hash;
    assert_eq!(report.head, blake3::Hash::from_bytes(hash).to_hex().as_str());
    drop(store);
    assert_eq!(Store::verify_file(&path).expect("a report").problem, None);
}

#[test]
fn a_changed_row_is_found() {
    check("UPDATE datoms SET v = 'adb' WHERE v = 'ada' AND added = 1", "verify/chain", Some(3));
    check("UPDATE datoms SET e = 102 WHERE v = 'grace'", "verify/chain", Some(3));
    check("UPDATE datoms SET m = 7 WHERE v = 'grace'", "verify/chain", Some(3));
    check("UPDATE datoms SET added = 1 WHERE added = 0", "verify/chain", Some(4));
    check("UPDATE datoms SET added = 2 WHERE v = 'grace'", "verify/value", Some(3));
    check("UPDATE datoms SET type = 10 WHERE v = 'grace'", "verify/chain", Some(3));
    check("UPDATE datoms SET type = 99 WHERE v = 'grace'", "verify/value", Some(3));
    check("UPDATE datoms SET v = 5 WHERE v = 'grace'", "verify/value", Some(3));
    check("UPDATE datoms SET v = x'6772' WHERE v = 'grace'", "verify/value", Some(3));
    check("UPDATE datoms SET v = CAST(x'ff' AS TEXT) WHERE v = 'grace'", "verify/value", Some(3));
    check("UPDATE datoms SET v = '[:state/namespace  :state/key]' WHERE type = 14", "verify/value", Some(1));
    check("UPDATE datoms SET t = 4 WHERE v = 'grace'", "verify/log-order", Some(3));
}

#[test]
fn a_missing_swapped_or_added_row_is_found() {
    check("DELETE FROM datoms WHERE v = 'ada' AND added = 1", "verify/log-order", Some(3));
    check("DELETE FROM datoms WHERE v = 'lovelace'", "verify/count", Some(4));
    check("DELETE FROM txs WHERE t = 3", "verify/transactions", Some(3));
    check("DELETE FROM txs WHERE t = 4", "verify/transactions", Some(4));
    check("INSERT INTO datoms SELECT max(id) + 1, 100, a, 'x', 11, 4, 0, 1 FROM datoms", "verify/transactions", Some(5));
    check("INSERT INTO txs SELECT 5, instant, 1, last + 1, hash FROM txs WHERE t = 4", "verify/count", Some(5));
    check(
        "CREATE TEMP TABLE two AS SELECT id, e, v FROM datoms WHERE t = 3;
         UPDATE datoms SET (e, v) = (SELECT e, v FROM two WHERE two.id <> datoms.id) WHERE t = 3",
        "verify/chain",
        Some(3),
    );
}

#[test]
fn a_changed_transaction_is_found() {
    check("UPDATE txs SET instant = instant + 1 WHERE t = 3", "verify/chain", Some(3));
    check("UPDATE txs SET instant = 0 WHERE t = 3", "verify/instant", Some(3));
    check("UPDATE txs SET datoms = 3 WHERE t = 3", "verify/count", Some(3));
    check("UPDATE txs SET hash = zeroblob(32) WHERE t = 3", "verify/chain", Some(3));
    check("UPDATE txs SET hash = zeroblob(3) WHERE t = 3", "verify/transactions", Some(3));
}

#[test]
fn a_wrong_index_is_found() {
    check("DELETE FROM avet WHERE v = 'grace'", "verify/index", None);
    check("UPDATE avet SET v = 'gracf' WHERE v = 'grace'", "verify/index", None);
    check("UPDATE avet SET id = id + 1 WHERE v = 'grace'", "verify/index", None);
    check("INSERT INTO avet SELECT a, type, v, id + 1000 FROM avet WHERE v = 'grace'", "verify/index", None);
    check("DELETE FROM entities WHERE e = 101", "verify/index", None);
    check("DELETE FROM entities", "verify/index", None);
    check("UPDATE entities SET n = n + 1 WHERE e = 101", "verify/index", None);
    check("UPDATE entities SET n = 1 WHERE e = 100 AND n = 2", "verify/index", None);
    check("UPDATE entities SET e = 102 WHERE e = 101", "verify/index", None);
    check("UPDATE entities SET id = id - 1 WHERE e = 101", "verify/index", None);
    check("INSERT INTO entities SELECT e, id + 1, 1 FROM entities WHERE e = 100 AND n = 2", "verify/index", None);
    check("INSERT INTO entities SELECT 102, id, n FROM entities WHERE e = 101", "verify/index", None);
    check("INSERT INTO entities SELECT e, id + 1000, n FROM entities WHERE e = 101", "verify/index", None);
}

/// Rewrites the whole chain, as somebody could who knows the format: what remains are rules that no writer breaks.
#[test]
fn a_rewritten_chain_must_still_obey_the_rules() {
    let check = |facts: &[(i64, i64, &str, bool)], code: &str| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(sound_store(&folder), Access::ReadWrite).expect("the store");
        let written = store.write(|w| {
            let facts =
                facts.iter().map(|(e, a, v, added)| Datom { e: *e, a: *a, v: Value::from(*v), t: 5, added: *added, m: 0 });
            w.append(5, i64::MAX, &facts.collect::<Vec<_>>(), &|a| a == NAME)
        });
        written.expect("the store itself does not know facts");
        let problem = store.verify().expect("a report").problem.expect("a problem");
        assert_eq!((problem.code, problem.t), (code, Some(5)), "{}", problem.what);
    };
    check(&[(101, NAME, "grace", true)], "verify/life");
    check(&[(101, NAME, "hopper", false)], "verify/life");
    check(&[(101, NAME + 1, "x", true)], "verify/attribute");
}

#[test]
fn a_changed_schema_is_found_at_opening_and_nothing_of_it_runs() {
    let check = |sql: &str, name: &str| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = sound_store(&folder);
        let connection = Connection::open(&path).expect("the file opens");
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false).expect("an option");
        connection.execute_batch(sql).expect("the change works");
        drop(connection);
        for access in [Access::ReadOnly, Access::ReadWrite] {
            let error = Store::open(&path, access).expect_err("the schema was changed");
            assert_eq!((error.code(), error.value()), ("store/damaged", Some(name)), "{sql}: {error}");
        }
        let problem = Store::verify_file(&path).expect("a report").problem.expect("a problem");
        assert_eq!(problem.code, "verify/schema", "{sql}");
        assert!(problem.what.contains(name), "{}", problem.what);
    };
    check("DROP TRIGGER datoms_refuse_delete", "datoms_refuse_delete");
    check("DROP VIEW runs; CREATE VIEW runs AS SELECT load_extension('x') AS id", "runs");
    check("CREATE TRIGGER evil AFTER INSERT ON datoms BEGIN SELECT 1; END", "evil");
    check("CREATE TABLE more (x)", "more");
    check("DROP INDEX state_keys", "state_keys");
    check("DROP TABLE entities", "entities");
    check("CREATE INDEX datoms_by_entity ON datoms (e, a, t)", "datoms_by_entity");
    check(
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'v     ANY     NOT NULL', 'v     ANY             ')
         WHERE name = 'datoms'",
        "datoms",
    );
}

#[test]
fn statistics_that_another_client_left_are_no_damage() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = sound_store(&folder);
    Connection::open(&path).and_then(|connection| connection.execute_batch("ANALYZE")).expect("statistics");
    assert_eq!(Store::verify_file(&path).expect("a report").problem, None);
}

/// Every byte of every page in turn would take minutes; a stride that shares no factor with the page size reaches all kinds.
#[test]
fn a_flipped_byte_changes_no_answer_unnoticed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = sound_store(&folder);
    let original = std::fs::read(&path).expect("the file");
    let answers = |path: &Path| -> Option<Vec<Datom>> {
        let store = Store::open(path, Access::ReadOnly).ok()?;
        let mut datoms = Vec::new();
        store
            .log(0, i64::MAX, None, |datom| {
                datoms.push(datom);
                Ok(())
            })
            .ok()?;
        Some(datoms)
    };
    let sound = answers(&path).expect("the store is sound");
    let copy = folder.path().join("copy.db");
    let mut caught = 0;
    for at in (0..original.len()).step_by(211) {
        let mut bytes = original.clone();
        bytes[at] ^= 1 << (at % 8);
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", copy.display()));
        }
        std::fs::write(&copy, &bytes).expect("a copy");
        let is_caught = Store::verify_file(&copy).map_or(true, |report| report.problem.is_some());
        caught += usize::from(is_caught);
        assert!(is_caught || answers(&copy).as_ref() == Some(&sound), "the byte at {at} changes an answer unnoticed");
    }
    assert!(caught > 20, "only {caught} changes were caught: the flips hit nothing");
}

#[test]
fn a_file_of_another_program_is_no_damaged_store() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("other.db");
    let other = rusqlite::Connection::open(&path).expect("a database");
    other.execute_batch("CREATE TABLE people (name TEXT); INSERT INTO people VALUES ('Ada')").expect("a table");
    let error = annals::verify(&path, None).expect_err("it is not a store");
    assert_eq!(error.kind(), annals::ErrorKind::NotAStore, "{error}");
    assert!(error.help().is_some_and(|help| help.contains("annals init")), "{error}");
}
