//! The stores of `stores.sql`.

use std::path::Path;

use annals::Connection;
use annals::store::{Access, Store};
use rusqlite::config::DbConfig;
use tempfile::TempDir;

use crate::looking::{Looked, check_nothing_changed, look, look_by_command};
use crate::random::number;

/// What has to come of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Refused,
    Named,
    Sound,
}

/// A store with a bit of everything in it.
pub(crate) fn sound_store(path: &Path) {
    let connection = Connection::open(path).expect("a store");
    for text in [
        r"[{:db/ident :note/text :db/valueType :db.type/string :db/cardinality :db.cardinality/one :db/fulltext true}
            {:db/ident :person/email :db/valueType :db.type/string :db/cardinality :db.cardinality/one :db/unique :db.unique/identity}]",
        r#"[{:db/id "a" :person/email "ada@example.org" :person/born 1815 :person/height 1.65 :person/weight 60.5M :person/big 100000000000000000000N}
            {:person/email "grace@example.org" :person/friend "a" :person/tags #{:x :y} :person/place [1 "two"] :note/text "the disk is full"}
            {:person/id #uuid "6f1c3d1e-0000-4000-8000-000000000001" :person/seen #inst "2026-11-20T10:00:00Z" :person/raw #bytes "00ff"}]"#,
        r#"[[:db/retract [:person/email "ada@example.org"] :person/born 1815] [:db/add [:person/email "grace@example.org"] :note/text "the disk is free"]]"#,
    ] {
        connection.transact(text).expect("it is in order");
    }
    let options = annals::contract::RunOptions { name: Some("nightly".into()), ..Default::default() };
    let mut recorder = annals::contract::Recorder::start(&connection, options).expect("a run");
    for at in 0..20 {
        recorder.append(annals::contract::Level::Info, format!("line {at}")).expect("a line");
    }
    recorder.set_state("ns", "key", 42).expect("a state");
    recorder.finish(&annals::contract::Status::Succeeded).expect("it ends");
}

/// A client that may do everything.
pub(crate) fn hostile_client(path: &Path) -> rusqlite::Connection {
    let client = rusqlite::Connection::open(path).expect("the file opens");
    client.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).expect("the option exists");
    client.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false).expect("the option exists");
    client.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA writable_schema = ON").expect("the settings exist");
    client
}

/// The parts of the corpus: name, what is expected, SQL.
fn parts() -> impl Iterator<Item = (&'static str, Expected, &'static str)> {
    let text = include_str!("stores.sql");
    text.split("\n-- ").skip(1).filter_map(|part| {
        let (head, sql) = part.split_once('\n')?;
        let (name, expected) = head.split_once(": ")?;
        let expected = match expected {
            "refused" => Expected::Refused,
            "named" => Expected::Named,
            "sound" => Expected::Sound,
            _ => return None,
        };
        Some((name, expected, sql))
    })
}

fn made_hostile(base: &Path, sql: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    std::fs::copy(base, &path).expect("a copy");
    let client = hostile_client(&path);
    client.execute_batch(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    folder
}

#[track_caller]
fn check(name: &str, expected: Expected, looked: &Looked, path: &Path) {
    match expected {
        Expected::Sound => assert_eq!(looked.errors, [] as [&str; 0], "{name}"),
        Expected::Refused => assert_eq!(looked.answers, 0, "{name}: something was answered; refused: {:?}", looked.errors),
        Expected::Named => {}
    }
    // As the command does it.
    let verified = Store::verify_file(path);
    let is_named =
        verified.as_ref().map_or(true, |report| report.problem.is_some()) || Store::open(path, Access::ReadOnly).is_err();
    assert_eq!(is_named, expected != Expected::Sound, "{name}: {verified:?}");
}

#[test]
fn every_store_of_the_corpus_is_refused_or_answered_and_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let base = folder.path().join("base.db");
    sound_store(&base);
    let (mut stores, mut answers, mut refusals, mut failed) = (0, 0, 0, Vec::new());
    for (name, expected, sql) in parts() {
        let place = made_hostile(&base, sql);
        let path = place.path().join("annals.db");
        let before = check_nothing_changed(place.path(), None, name);
        // All that is wrong is told at once.
        let outcome = std::panic::catch_unwind(|| {
            let looked = look(&path, name);
            check(name, expected, &looked, &path);
            check_nothing_changed(place.path(), Some(&before), name);
            looked
        });
        stores += 1;
        let Ok(looked) = outcome else {
            failed.push(name);
            continue;
        };
        answers += looked.answers;
        refusals += looked.errors.len();
    }
    assert_eq!(failed, [] as [&str; 0]);
    println!("{stores} hostile stores, {answers} calls answered, {refusals} refused");
    assert!(stores > 80, "the corpus is read");
}

#[test]
fn every_reading_command_takes_stores_of_the_corpus() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let base = folder.path().join("base.db");
    sound_store(&base);
    let (mut stores, mut commands) = (0, 0);
    // A program is started for each command, so the gate takes some of the stores; others the next time, by the seed.
    let every = number("HOSTILE_EVERY", 12) as usize;
    for (name, expected, sql) in parts().skip(number("SEED", 1) as usize % every).step_by(every) {
        let place = made_hostile(&base, sql);
        let before = check_nothing_changed(place.path(), None, name);
        commands += look_by_command(place.path(), name, expected);
        check_nothing_changed(place.path(), Some(&before), name);
        stores += 1;
    }
    println!("SEED={}: {commands} commands on {stores} hostile stores", number("SEED", 1));
}
