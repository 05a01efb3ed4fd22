//! The promise: a store that was written without syncing every commit opens after a power loss with what is left of it, to whoever opens it
//! and however; and damage to one that was synced is still told from that. Attacked by zeroing a page of the write-ahead log, as a disk
//! leaves what was not written, and by handles of both kinds on one store.

use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use annals::schema::attribute;
use annals::store::{Access, Durability, Store};
use annals::{Connection, Datom, ErrorKind, Options, Value};
use tempfile::TempDir;

const COMMITS: i64 = 12;

/// Bytes that a disk writes at once.
const PAGE: u64 = 4_096;

fn open(path: &Path, durability: Durability) -> Connection {
    Connection::open_with(path, Options { durability, ..Options::default() }).expect("the store opens")
}

fn say(connection: &Connection, n: i64) {
    connection.transact(&format!("[{{:app/n {n}}}]")).expect("a commit");
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    path.with_file_name(format!("annals.db{ending}"))
}

fn is_marked(path: &Path) -> bool {
    beside(path, "-normal").exists()
}

/// A store of twelve commits whose write-ahead log has zeros in its middle, with the mark if its writer made one.
fn after_power_loss(durability: Durability) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, copy) = (folder.path().join("written/annals.db"), folder.path().join("left/annals.db"));
    let connection = open(&path, durability);
    (0..COMMITS).for_each(|n| say(&connection, n));
    fs::create_dir(folder.path().join("left")).expect("a folder");
    for ending in ["", "-wal", "-normal"] {
        if beside(&path, ending).exists() {
            fs::copy(beside(&path, ending), beside(&copy, ending)).expect("a copy");
        }
    }
    let log = fs::OpenOptions::new().write(true).open(beside(&copy, "-wal")).expect("the log");
    let half = log.metadata().expect("its size").len() / 2 / PAGE * PAGE;
    log.write_all_at(&[0; PAGE as usize], half).expect("zeros");
    (folder, copy)
}

#[test]
fn after_a_power_loss_everybody_opens_what_was_written_unsynced_and_finds_the_first_commits_whole() {
    let (_folder, path) = after_power_loss(Durability::Normal);
    let mark = fs::metadata(beside(&path, "-normal")).expect("the mark");
    assert_eq!((mark.len(), mark.permissions().mode() & 0o777), (0, 0o600));

    let reader = Store::open(&path, Access::ReadOnly).expect("it opens for reading");
    let t = reader.basis().expect("a basis").t;
    assert!((2..COMMITS).contains(&t), "{t} transactions are left of {COMMITS} and the first");
    assert_eq!(reader.verify().expect("a report").problem, None);
    drop(reader);
    assert_eq!(Store::verify_file(&path).expect("a report").problem, None);
    assert!(is_marked(&path), "who reads changes nothing");

    drop(open(&path, Durability::Normal));
    assert!(is_marked(&path), "who does not sync leaves the mark");

    let connection = open(&path, Durability::Full);
    assert!(!is_marked(&path), "everything is synced, so damage is damage again");
    assert_eq!(connection.store().basis().expect("a basis").t, t);
    say(&connection, 100);
    assert_eq!(connection.store().verify().expect("a report").problem, None);
}

#[test]
fn commits_written_on_before_another_crash_are_followed_by_what_the_first_one_left() {
    let (folder, path) = after_power_loss(Durability::Normal);
    let connection = open(&path, Durability::Normal);
    let t = connection.store().basis().expect("a basis").t;
    say(&connection, 100);
    // Killed: nothing is folded, and behind the new commit lie the old ones.
    let copy = folder.path().join("again/annals.db");
    fs::create_dir(folder.path().join("again")).expect("a folder");
    for ending in ["", "-wal", "-normal"] {
        fs::copy(beside(&path, ending), beside(&copy, ending)).expect("a copy");
    }
    drop(connection);
    let again = open(&copy, Durability::Full);
    assert_eq!(again.store().basis().expect("a basis").t, t + 1);
    drop(again);
    assert_eq!(open(&copy, Durability::Full).store().basis().expect("a basis").t, t + 1);
}

#[test]
fn the_same_log_of_a_store_that_syncs_every_commit_is_damaged() {
    let (_folder, path) = after_power_loss(Durability::Full);
    assert!(!is_marked(&path));
    let bytes = fs::read(beside(&path, "-wal")).expect("the log");
    for durability in [Durability::Full, Durability::Normal] {
        for access in [Access::ReadOnly, Access::ReadWrite] {
            let error = Store::open_with(&path, access, durability).expect_err("damaged");
            assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
        }
    }
    let problem = Store::verify_file(&path).expect("a report").problem.expect("a problem");
    assert_eq!(problem.code, "verify/wal");
    assert_eq!(fs::read(beside(&path, "-wal")).expect("the log"), bytes, "nothing was changed");
}

#[test]
fn the_mark_is_there_while_a_log_may_hold_what_is_not_synced() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    let unsynced = open(&path, Durability::Normal);
    assert!(!is_marked(&path), "nothing was written without being synced");
    say(&unsynced, 0);
    assert!(is_marked(&path));

    // A reader keeps the log from being folded.
    let reader = unsynced.store().reader().expect("a reader");
    let held = rusqlite::Connection::open(&path).expect("a stock client");
    held.execute_batch("BEGIN; SELECT count(*) FROM txs").expect("a reading begins");
    let mut asked = held.prepare("SELECT t FROM txs").expect("a statement");
    let mut rows = asked.query(()).expect("rows");
    rows.next().expect("a row");
    drop(open(&path, Durability::Full));
    assert!(is_marked(&path));
    drop(rows);
    drop(asked);
    held.execute_batch("COMMIT").expect("a reading ends");
    drop(reader);

    let synced = open(&path, Durability::Full);
    assert!(!is_marked(&path));
    say(&synced, 1);
    assert!(!is_marked(&path));
    say(&unsynced, 2);
    assert!(is_marked(&path), "whoever writes unsynced says so again");
    drop(open(&path, Durability::Full));
    assert!(!is_marked(&path));
    say(&unsynced, 3);
    assert!(is_marked(&path), "also where nothing was written between");
    assert_eq!(synced.store().basis().expect("a basis").t, 5);
}

#[test]
fn a_handle_that_begins_to_write_unsynced_makes_the_mark() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    let store = Store::create(&path).expect("a new store");
    let write = |store: &Store| {
        let written = store.write(|w| {
            let (t, instant) = (w.basis().t + 1, w.basis().instant);
            let said = Datom { e: 100, a: attribute::DOC, v: Value::Long(t), t, m: 0, added: true };
            w.append(t, instant, &[said], &|_| false)
        });
        written.expect("a commit");
    };
    write(&store);
    let store = store.with_durability(Durability::Normal).expect("a writer");
    assert!(!is_marked(&path));
    write(&store);
    assert!(is_marked(&path));
}

#[test]
fn where_the_mark_cannot_be_made_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    let connection = open(&path, Durability::Normal);
    fs::create_dir(beside(&path, "-normal")).expect("something else stands there");
    let error = connection.transact("[{:app/n 1}]").expect_err("no mark");
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert_eq!(connection.store().basis().expect("a basis").t, 1);
}

/// Another client put the store into the mode of a rollback journal, and was interrupted in a transaction.
#[test]
fn who_only_reads_is_told_how_a_transaction_left_half_done_is_taken_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, copy) = (folder.path().join("annals.db"), folder.path().join("left/annals.db"));
    say(&open(&path, Durability::Full), 1);
    let stock = rusqlite::Connection::open(&path).expect("a stock client");
    // Without syncs the journal counts from its first byte on.
    stock
        .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; BEGIN IMMEDIATE; CREATE TABLE half (x)")
        .expect("a transaction begins");
    fs::create_dir(folder.path().join("left")).expect("a folder");
    for ending in ["", "-journal"] {
        fs::copy(beside(&path, ending), beside(&copy, ending)).expect("a copy");
    }
    let bytes = || ["", "-journal"].map(|ending| fs::read(beside(&copy, ending)).expect("a file"));
    let before = bytes();
    let error = Store::open(&copy, Access::ReadOnly).expect_err("it takes a writer");
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
    assert!(
        error.message().contains("left half done") && error.help().is_some_and(|help| help.contains("annals init")),
        "{error}"
    );
    assert!(bytes() == before, "who only reads changes nothing");
    assert_eq!(Store::open(&copy, Access::ReadWrite).and_then(|store| store.basis()).expect("a basis").t, 2);
    let reader = Store::open(&copy, Access::ReadOnly).expect("it is taken back");
    assert_eq!(reader.verify().expect("a report").problem, None);
}
