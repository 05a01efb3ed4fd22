//! Any number of threads, connections and processes write and read one store, and nobody disturbs anybody.
//!
//! Attacked by threads on one connection (group commit), by connections of their own on one file, and by processes of their own, which
//! all count one counter up and say who they are; by readers that hold a value while writers go on; by transactions that are refused in
//! the middle of a group. Nothing may be lost, doubled or mixed.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use annals::store::Durability;
use annals::{Connection, Db, Options, Order, Value};

use crate::random_log::store_path;

/// Names the store to a process of the test [`a_process_that_counts`].
const CHILD_STORE: &str = "ANNALS_TEST_CHILD_STORE";

fn open(path: &std::path::Path) -> Connection {
    Connection::open_with(path, Options { durability: Durability::Normal, ..Options::default() }).expect("the store opens")
}

fn declare(connection: &Connection) {
    connection
        .transact(
            "[{:db/ident :counter/name :db/cardinality :db.cardinality/one :db/unique :db.unique/identity}
              {:db/ident :entry/by :db/cardinality :db.cardinality/one}
              {:db/ident :entry/n :db/cardinality :db.cardinality/one}
              {:db/ident :entry/of :db/cardinality :db.cardinality/one :db/valueType :db.type/ref}]",
        )
        .expect("a declaration");
    connection.transact(r#"[{:counter/name "c" :counter/value 0}]"#).expect("a counter");
}

fn counted(db: &Db) -> i64 {
    let counter = db.entity((":counter/name", "c")).expect("it can be read").expect("there is a counter");
    counter[&Value::Keyword("counter/value".into())].as_long().expect("a number")
}

/// Counts the counter up `times`, trying again when somebody else was first, and says so in an entry of its own each time.
fn count_up(connection: &Connection, by: &str, times: i64) {
    for n in 0..times {
        loop {
            let old = counted(&connection.db().expect("a value"));
            let data = format!(
                r#"[[:db/cas [:counter/name "c"] :counter/value {old} {}] {{:entry/by "{by}" :entry/n {n} :entry/at {old}}}]"#,
                old + 1
            );
            match connection.transact(&data) {
                Ok(report) => {
                    assert_eq!(counted(&report.db_after), old + 1, "the value after a transaction holds what it said");
                    assert_eq!(counted(&report.db_before), old);
                    break;
                }
                Err(error) => assert_eq!(error.code(), "transaction/cas", "{error}"),
            }
        }
    }
}

/// Every step of the counter was taken once, by one of those who count, each `times`.
#[track_caller]
fn check_entries(db: &Db, names: usize, times: i64) {
    let total = names as i64 * times;
    assert_eq!(counted(db), total);
    let answer =
        db.q("[:find ?by ?n ?at :where [?e :entry/by ?by] [?e :entry/n ?n] [?e :entry/at ?at]]", &[]).expect("an answer");
    assert_eq!(answer.rows.len() as i64, total);
    let steps: BTreeSet<i64> = answer.rows.iter().filter_map(|row| row[2].as_long()).collect();
    assert_eq!(steps, (0..total).collect(), "each step once");
    let events = db.history().datoms(Order::Aevt, &[Value::Keyword("counter/value".into())]).expect("datoms can be read");
    assert_eq!(events.len() as i64, 2 * total + 1, "each step retracts one value and adds the next");
}

#[test]
fn threads_on_one_connection_lose_and_double_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = open(&store_path(&folder));
    declare(&connection);
    std::thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let connection = connection.clone();
            scope.spawn(move || count_up(&connection, name, 25));
        }
    });
    check_entries(&connection.db().expect("a value"), 4, 25);
    check_entries(&open(&store_path(&folder)).db().expect("a value"), 4, 25);
}

#[test]
fn connections_and_processes_on_one_file_lose_and_double_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = store_path(&folder);
    let connection = open(&path);
    declare(&connection);
    let child = |name: &str| {
        let mut command = Command::new(std::env::current_exe().expect("this test is a program"));
        command
            .args(["--exact", "concurrency::a_process_that_counts", "--nocapture"])
            .env(CHILD_STORE, &*path)
            .env("CHILD_NAME", name);
        command.stdout(std::process::Stdio::null()).spawn().expect("a process starts")
    };
    let children = [child("one"), child("two")];
    std::thread::scope(|scope| {
        let own = open(&path);
        scope.spawn(move || count_up(&own, "three", 20));
        let reader = open(&path);
        scope.spawn(move || {
            let mut last = 0;
            for _ in 0..50 {
                let now = counted(&reader.db().expect("a value"));
                assert!(now >= last, "time does not go back: {now} after {last}");
                last = now;
                std::thread::sleep(Duration::from_millis(2));
            }
        });
    });
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    check_entries(&connection.db().expect("a value"), 3, 20);
}

#[test]
fn a_process_that_counts() {
    if let (Some(path), Ok(name)) = (std::env::var_os(CHILD_STORE), std::env::var("CHILD_NAME")) {
        count_up(&open(path.as_ref()), &name, 20);
    }
}

#[test]
fn a_group_fails_only_where_it_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = open(&store_path(&folder));
    declare(&connection);
    let barrier = Arc::new(Barrier::new(8));
    let outcomes: Vec<(usize, bool)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let (connection, barrier) = (connection.clone(), Arc::clone(&barrier));
                scope.spawn(move || {
                    barrier.wait();
                    let mut good = 0;
                    for n in 0..20 {
                        let text = if number % 2 == 0 {
                            format!("[{{:entry/by \"{number}\" :entry/n {n}}}]")
                        } else {
                            "[[:db/cas [:counter/name \"c\"] :counter/value 77 78]]".to_owned()
                        };
                        good += usize::from(connection.transact(&text).is_ok());
                    }
                    (number, good == 20, good == 0)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no thread panics"))
            .map(|(number, all, none)| (number, if number % 2 == 0 { all } else { none }))
            .collect()
    });
    assert!(outcomes.iter().all(|(_, is_right)| *is_right), "{outcomes:?}");
    let db = connection.db().expect("a value");
    assert_eq!(db.q("[:find ?e :where [?e :entry/by]]", &[]).expect("an answer").rows.len(), 80);
    assert_eq!(counted(&db), 0);
}

#[test]
fn transactions_of_one_group_see_those_before_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = open(&store_path(&folder));
    declare(&connection);
    let barrier = Arc::new(Barrier::new(8));
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (connection, barrier) = (connection.clone(), Arc::clone(&barrier));
            scope.spawn(move || {
                barrier.wait();
                for n in 0..10 {
                    // All of them create or find the same entity and say what nobody said before through an attribute of their own.
                    let text = format!(
                        r#"[{{:db/id "s" :counter/name "shared-{n}" :own/a{number} {n}}} {{:entry/by "{number}" :entry/of "s"}}]"#
                    );
                    connection.transact(&text).expect("it is right");
                }
            });
        }
    });
    let db = connection.db().expect("a value");
    let shared = db.q("[:find ?n ?e :where [?e :counter/name ?n] [(not= ?n \"c\")]]", &[]).expect("an answer");
    assert_eq!(shared.rows.len(), 10, "a unique value leads to one entity");
    assert_eq!(db.q("[:find ?e :where [?e :entry/of ?s] [?s :own/a3 4]]", &[]).expect("an answer").rows.len(), 8);
    let ids = db.datoms(Order::Aevt, &[Value::Keyword("entry/by".into())]).expect("datoms can be read");
    assert_eq!(ids.len(), 80, "no entity was given out twice");
}

#[test]
fn a_value_that_is_held_never_changes_while_writers_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = open(&store_path(&folder));
    declare(&connection);
    count_up(&connection, "early", 5);
    let held = connection.db().expect("a value");
    let look = || {
        let all = held.datoms(Order::Eavt, &[]).expect("datoms can be read");
        let answer = held.q("[:find ?e ?n :where [?e :entry/n ?n]]", &[]).expect("an answer");
        (all, answer.rows.into_iter().collect::<BTreeSet<_>>())
    };
    let before = look();
    std::thread::scope(|scope| {
        let writer = connection.clone();
        let writing = scope.spawn(move || count_up(&writer, "late", 60));
        while !writing.is_finished() {
            assert_eq!(look(), before);
            connection.db().expect("a value").q("[:find ?e :where [?e :entry/n 3]]", &[]).expect("an answer");
        }
    });
    assert_eq!(look(), before);
    assert_eq!(counted(&held), 5);
}

#[test]
fn a_wait_ends_when_the_transaction_is_there_and_fails_when_time_is_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = store_path(&folder);
    let connection = open(&path);
    declare(&connection);
    let basis = connection.db().expect("a value").basis_t();
    std::thread::scope(|scope| {
        let other = open(&path);
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            count_up(&other, "x", 1);
        });
        let db = connection.db_at_least(basis + 1, Duration::from_secs(20)).expect("it comes");
        assert_eq!(counted(&db), 1);
    });
    let error = connection.db_at_least(basis + 1000, Duration::from_millis(10)).expect_err("it does not come");
    assert_eq!((error.code(), error.help().is_some()), ("time/wait-timeout", true));
}
