//! The promise: threads and processes share a store without disturbing each other, and a store is made by one of them however
//! many begin at once. Attacked with threads and processes that each append to one sequence, reading the newest number first.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use annals::schema::attribute;
use annals::store::{Access, Store};
use annals::{Datom, ErrorKind, Value};

/// The first run: entity 1 of the first partition that a run may get.
const RUN: i64 = 16 << 32 | 1;
const APPENDS: i64 = 60;

/// Appends the next number of the sequence, as one commit.
fn append_next(store: &Store) {
    let written = store.write(|w| {
        let t = w.basis().t + 1;
        let seq = w.last_in_sequence(attribute::LOG_SEQ, attribute::LOG_RUN, RUN)? + 1;
        let facts = [(attribute::LOG_RUN, Value::Ref(RUN)), (attribute::LOG_SEQ, Value::from(seq))];
        let datoms = facts.map(|(a, v)| Datom { e: RUN + seq, a, v, t, added: true, m: 0 });
        w.append(t, w.basis().instant + 1, &datoms, &|_| false)
    });
    written.expect("the transaction is in order");
}

/// The numbers of the sequence in the order of the log.
fn sequence(store: &Store) -> Vec<i64> {
    let mut numbers = Vec::new();
    let taken = store.log(0, i64::MAX, Some(&[attribute::LOG_SEQ]), |datom| {
        numbers.extend(datom.v.as_long());
        Ok(())
    });
    taken.expect("the log");
    numbers
}

fn spawn(test: &str, variable: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", test, "--test-threads", "1"])
        .env(variable, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts")
}

#[track_caller]
fn join(children: Vec<Child>) {
    for child in children {
        let output = child.wait_with_output().expect("the child ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Runs in processes of their own, started by the tests below.
#[test]
fn child_appends() {
    if let Some(path) = std::env::var_os("STORE_TO_APPEND_TO") {
        let store = Store::open_or_create(PathBuf::from(path)).expect("the store");
        (0..APPENDS).for_each(|_| append_next(&store));
    }
}

#[test]
fn processes_that_begin_at_once_make_one_store_and_lose_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("new").join("annals.db");
    join((0..4).map(|_| spawn("child_appends", "STORE_TO_APPEND_TO", &path)).collect());
    let store = Store::open(&path, Access::ReadWrite).expect("the store");
    assert_eq!(sequence(&store), (1..=4 * APPENDS).collect::<Vec<_>>());
    assert_eq!(store.basis().expect("a basis").t, 1 + 4 * APPENDS);
    assert_eq!(store.verify().expect("a report").problem, None);
}

#[test]
fn threads_share_a_store_and_readers_never_see_half_a_commit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    let store = Store::create(&path).expect("a new store");
    std::thread::scope(|scope| {
        let other = Store::open(&path, Access::ReadWrite).expect("a second handle");
        for _ in 0..3 {
            scope.spawn(|| (0..APPENDS).for_each(|_| append_next(&store)));
        }
        scope.spawn(move || (0..APPENDS).for_each(|_| append_next(&other)));
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let t = store.basis().expect("a basis").t;
                    let mut datoms = 0;
                    let taken = store.log(1, t, None, |_| {
                        datoms += 1;
                        Ok(())
                    });
                    taken.expect("the log");
                    assert_eq!(datoms, 2 * (t - 1), "two datoms in each transaction up to {t}");
                }
            });
        }
    });
    assert_eq!(sequence(&store), (1..=4 * APPENDS).collect::<Vec<_>>());
    assert_eq!(store.verify().expect("a report").problem, None);
}

#[test]
fn threads_that_begin_at_once_make_one_store() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("annals.db");
        let hashes: Vec<[u8; 32]> = std::thread::scope(|scope| {
            let open = || scope.spawn(|| Store::open_or_create(&path).and_then(|store| store.basis()).expect("the store").hash);
            let threads: Vec<_> = (0..4).map(|_| open()).collect();
            threads.into_iter().map(|thread| thread.join().expect("the thread ends")).collect()
        });
        assert!(hashes.iter().all(|hash| *hash == hashes[0]));
    }
}

/// Kills processes while they append: what is left is whole, and nothing in it is half.
#[test]
fn a_killed_writer_leaves_whole_transactions() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    for round in 0..6 {
        let mut child = spawn("child_appends", "STORE_TO_APPEND_TO", &path);
        std::thread::sleep(std::time::Duration::from_millis(5 + 7 * round));
        child.kill().expect("the child is killed");
        child.wait().expect("the child ends");
    }
    let store = Store::open_or_create(&path).expect("the store");
    append_next(&store);
    let numbers = sequence(&store);
    assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>());
    assert_eq!(store.verify().expect("a report").problem, None);
}

/// A handle that could not write writes no more: here the file system refuses, as it does when it is full.
#[test]
fn a_handle_refuses_to_write_after_a_failure() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    let store = Store::create(&path).expect("a new store");
    append_next(&store);
    // Another client takes the table away; a store that is open does not look at its schema again.
    let other = rusqlite::Connection::open(&path).expect("the file opens");
    other.execute_batch("ALTER TABLE datoms RENAME TO hidden").expect("the table is renamed");
    assert_eq!(store.write(|w| w.append(3, i64::MAX, &[], &|_| false)).expect_err("no table").kind(), ErrorKind::Damaged);
    other.execute_batch("ALTER TABLE hidden RENAME TO datoms").expect("the table is back");
    let refused = store.write(|_| Ok(())).expect_err("the handle is poisoned");
    assert_eq!(refused.kind(), ErrorKind::HandlePoisoned);
    assert!(refused.help().is_some());
    assert_eq!(sequence(&store), [1], "it still reads");
}
