//! What lies beside a store is not trusted either.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use annals::store::{Access, Store};
use annals::{Connection, ErrorKind};

use crate::corpus::{hostile_client, sound_store};
use crate::looking::look;

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// A store that is closed, alone in its folder.
fn closed_store() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    sound_store(&path);
    (folder, path)
}

/// A write-ahead log as another database left it, with that many pages of it.
fn foreign_log(folder: &Path) -> Vec<u8> {
    let path = folder.join("other.db");
    let client = rusqlite::Connection::open(&path).expect("a database");
    client
        .execute_batch(
            "PRAGMA page_size = 2048; PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (hex(zeroblob(20000)))",
        )
        .expect("a database with a log");
    fs::read(beside(&path, "-wal")).expect("the log is there")
}

#[test]
fn a_log_of_another_database_is_refused_or_passed_over_and_never_crashes() {
    let (folder, path) = closed_store();
    let head = Store::verify_file(&path).expect("a report").head;
    let log = foreign_log(folder.path());
    let before = fs::read(&path).expect("readable");
    for log in [&log[..], &log[..log.len() / 2], &log[..40], b"x", &[0xff; 5000]] {
        for suffix in ["-wal", "-journal"] {
            fs::write(beside(&path, suffix), log).expect("a file");
            let looked = look(&path, suffix);
            let verified = Store::verify_file(&path);
            let is_same = verified.as_ref().is_ok_and(|report| report.problem.is_none() && report.head == head);
            assert!(is_same || looked.answers == 0, "{suffix} of {} bytes: {verified:?}, {looked:?}", log.len());
            assert_eq!(fs::read(&path).expect("readable"), before, "looking writes nothing");
            fs::remove_file(beside(&path, suffix)).expect("it is there");
            let _ = fs::remove_file(beside(&path, "-shm"));
        }
    }
}

#[test]
fn a_journal_that_looks_hot_is_not_played_back_by_looking() {
    let (folder, path) = closed_store();
    let victim = folder.path().join("victim");
    fs::write(&victim, "mine").expect("a file");
    // A journal's header, with the name of a super-journal behind it: SQLite would delete that file once it has rolled back.
    let mut journal = vec![0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    journal.extend([0, 0, 0, 1, 1, 2, 3, 4, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 8, 0]);
    journal.resize(512, 0);
    journal.extend([0, 0, 0, 1]);
    journal.extend([0x41; 2048 + 4]);
    let name = victim.to_str().expect("UTF-8").as_bytes();
    let sum = name.iter().fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
    journal.extend([0, 0, 0, 0]);
    journal.extend(name);
    journal.extend((name.len() as u32).to_be_bytes());
    journal.extend(sum.to_be_bytes());
    journal.extend([0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]);
    for journal_mode in ["WAL", "DELETE"] {
        rusqlite::Connection::open(&path)
            .and_then(|client| client.query_row(&format!("PRAGMA journal_mode = {journal_mode}"), (), |_| Ok(())))
            .expect("the mode is set");
        let before = fs::read(&path).expect("readable");
        fs::write(beside(&path, "-journal"), &journal).expect("a file");
        let looked = look(&path, journal_mode);
        assert_eq!(fs::read(&path).expect("readable"), before, "{journal_mode}: looking rolls nothing back; {looked:?}");
        assert_eq!(fs::read_to_string(&victim).expect("it is there"), "mine", "{journal_mode}");
        let _ = fs::remove_file(beside(&path, "-journal"));
    }
}

#[test]
fn what_lies_beside_a_store_as_a_link_is_not_followed() {
    let (folder, path) = closed_store();
    let elsewhere = folder.path().join("elsewhere");
    for suffix in ["-wal", "-shm", "-journal"] {
        for target in ["elsewhere", "nowhere"] {
            fs::write(&elsewhere, "mine").expect("a file");
            symlink(folder.path().join(target), beside(&path, suffix)).expect("a link");
            let looked = look(&path, suffix);
            let written = Connection::open(&path).and_then(|connection| connection.transact("[{:x/y 1}]"));
            assert!(looked.answers > 0 || !looked.errors.is_empty());
            assert_eq!(fs::read_to_string(&elsewhere).expect("it is there"), "mine", "{suffix}: {written:?}");
            assert!(!folder.path().join("nowhere").exists(), "{suffix}: nothing is made behind a link; {written:?}");
            let _ = fs::remove_file(beside(&path, suffix));
            for rest in ["-wal", "-shm"] {
                let _ = fs::remove_file(beside(&path, rest));
            }
        }
    }
}

#[test]
fn a_folder_beside_a_store_where_its_log_would_be_is_an_error_or_passed_over() {
    let (_folder, path) = closed_store();
    let known = Store::open(&path, Access::ReadOnly).and_then(|store| store.basis()).expect("a store");
    let _ = fs::remove_file(beside(&path, "-wal"));
    let _ = fs::remove_file(beside(&path, "-shm"));
    for suffix in ["-wal", "-shm"] {
        fs::create_dir(beside(&path, suffix)).expect("a folder");
        match Store::open(&path, Access::ReadOnly).and_then(|store| store.basis()) {
            Ok(basis) => assert_eq!(basis, known, "{suffix}"),
            Err(error) => {
                assert!([ErrorKind::Io, ErrorKind::StorePath, ErrorKind::Damaged].contains(&error.kind()), "{suffix}: {error:?}");
                assert!(error.help().is_some());
            }
        }
        fs::remove_dir(beside(&path, suffix)).expect("it is empty");
        let _ = fs::remove_file(beside(&path, "-wal"));
        let _ = fs::remove_file(beside(&path, "-shm"));
    }
}

#[test]
fn the_folder_of_columns_of_a_stranger_is_no_way_out() {
    let (folder, path) = closed_store();
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    fs::write(elsewhere.join("1-0-3.columns"), "mine").expect("a file");
    symlink(&elsewhere, beside(&path, "-columns")).expect("a link");
    assert_eq!(look(&path, "a link").errors, [] as [&str; 0]);
    fs::remove_file(beside(&path, "-columns")).expect("the link is there");
    fs::create_dir(beside(&path, "-columns")).expect("a folder");
    symlink(elsewhere.join("1-0-3.columns"), beside(&path, "-columns").join("1-0-3.columns")).expect("a link");
    fs::write(beside(&path, "-columns").join("1-0-5.columns"), vec![0xff; 4096]).expect("a file");
    fs::create_dir(beside(&path, "-columns").join("lock")).expect("a folder");
    assert_eq!(look(&path, "a folder of links").errors, [] as [&str; 0]);
    assert_eq!(fs::read_to_string(elsewhere.join("1-0-3.columns")).expect("it is there"), "mine");
}

#[test]
fn a_hostile_store_is_not_migrated_or_written_by_opening_it_for_writing() {
    let (_folder, path) = closed_store();
    hostile_client(&path)
        .execute_batch("CREATE TRIGGER canary AFTER INSERT ON datoms BEGIN DELETE FROM txs; END; PRAGMA user_version = 2")
        .expect("a hostile store");
    let before = fs::read(&path).expect("readable");
    assert_eq!(Connection::open(&path).expect_err("it is refused").kind(), ErrorKind::Damaged);
    assert_eq!(fs::read(&path).expect("readable"), before);
}
