//! Promise: changes come in order, one a transaction, from every process; a wait ends at once when this process commits, soon when
//! another does, and whenever the watch is closed. Attacked with writers beside a watch, by hand and from several threads.

use std::time::{Duration, Instant};

use annals::query::Value;
use annals::{Change, Connection, Input, WatchOptions};
use tempfile::TempDir;

const STATES: &str = "[:find ?name ?state :where [?j :job/name ?name] [?j :job/state ?state]]";

fn store() -> (TempDir, Connection) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = Connection::open(folder.path().join("annals.db")).expect("the store opens");
    connection.transact("[{:db/ident :job/name :db/unique :db.unique/identity}]").expect("a declaration");
    (folder, connection)
}

fn say(connection: &Connection, name: &str, state: &str) -> i64 {
    let report = connection.transact(&format!("[{{:job/name {name:?} :job/state {state}}}]")).expect("a transaction");
    report.t.expect("it says something new")
}

fn row(name: &str, state: &str) -> Vec<Value> {
    vec![Value::from(name), Value::keyword(state)]
}

#[track_caller]
fn check(change: Option<Change>, t: i64, added: &[Vec<Value>], removed: &[Vec<Value>]) {
    let change = change.expect("a change");
    assert_eq!((change.t, &*change.added, &*change.removed), (t, added, removed));
}

#[test]
fn the_whole_answer_comes_first_and_then_what_each_transaction_changed() {
    let (_folder, connection) = store();
    let t = say(&connection, "a", ":waiting");
    let mut watch = connection.watch(STATES, &[]).expect("a watch");
    let second = say(&connection, "a", ":running");
    connection.transact("[{:job/name \"a\" :job/note \"nothing\"}]").expect("a transaction");
    let third = say(&connection, "b", ":waiting");
    check(watch.try_next().expect("no error"), t, &[row("a", "waiting")], &[]);
    check(watch.try_next().expect("no error"), second, &[row("a", "running")], &[row("a", "waiting")]);
    assert_eq!(watch.rows(), [row("a", "running")]);
    check(watch.try_next().expect("no error"), third, &[row("b", "waiting")], &[]);
    assert_eq!((watch.try_next().expect("no error"), watch.t()), (None, third));
}

#[test]
fn a_change_is_what_a_whole_transaction_did() {
    let (_folder, connection) = store();
    say(&connection, "a", ":waiting");
    let mut watch = connection.watch(STATES, &[]).expect("a watch");
    watch.try_next().expect("no error");
    // One goes and one comes in the same transaction, and one that comes and goes between two looks is told twice.
    let report = connection.transact("[[:db/retractEntity [:job/name \"a\"]] {:job/name \"b\" :job/state :running}]");
    let t = report.expect("a transaction").t.expect("it says something");
    say(&connection, "c", ":brief");
    connection.transact("[[:db/retractEntity [:job/name \"c\"]]]").expect("a transaction");
    check(watch.try_next().expect("no error"), t, &[row("b", "running")], &[row("a", "waiting")]);
    check(watch.try_next().expect("no error"), t + 1, &[row("c", "brief")], &[]);
    check(watch.try_next().expect("no error"), t + 2, &[], &[row("c", "brief")]);
}

#[test]
fn a_watch_goes_on_where_an_earlier_one_stopped() {
    let (_folder, connection) = store();
    let t = say(&connection, "a", ":waiting");
    connection.transact("[[:db/add :job/state :db/ident :job/phase]]").expect("another name");
    let last = say(&connection, "a", ":running");
    let mut watch = connection.watch_with(STATES, &[], WatchOptions::default().from_t(t)).expect("a watch");
    check(watch.try_next().expect("no error"), t, &[row("a", "waiting")], &[]);
    check(watch.try_next().expect("no error"), last, &[row("a", "running")], &[row("a", "waiting")]);
    for t in [0, -1, last + 1] {
        let error = connection.watch_with(STATES, &[], WatchOptions::default().from_t(t)).expect_err("no such t");
        assert_eq!((error.code(), error.value()), ("time/unknown", Some(t.to_string().as_str())));
        assert!(error.help().is_some());
    }
}

#[test]
fn a_schema_that_comes_later_is_seen() {
    let (_folder, connection) = store();
    let query = "[:find [?v ...] :where [:the/one :thing/value ?v]]";
    let mut watch = connection.watch(query, &[]).expect("a watch");
    assert_eq!(watch.warnings().len(), 1, "nobody has said the attribute");
    watch.try_next().expect("no error");
    let report = connection.transact("[{:db/id \"x\" :thing/value 1}]").expect("a transaction");
    let x = report.tempids["x"];
    assert_eq!(watch.try_next().expect("no error"), None);
    let t = connection.transact(&format!("[[:db/add {x} :db/ident :the/one]]")).expect("a name").t.expect("new");
    check(watch.try_next().expect("no error"), t, &[vec![1.into()]], &[]);
    assert_eq!(watch.warnings().len(), 0);
    // A name goes on leading to where it led until somebody else gets it.
    connection.transact("[[:db/add :the/one :db/ident :the/other]]").expect("a further name");
    assert_eq!(watch.try_next().expect("no error"), None);
    let t = connection.transact("[{:db/id \"y\" :db/ident :the/one}]").expect("another one").t.expect("new");
    check(watch.try_next().expect("no error"), t, &[], &[vec![1.into()]]);
}

#[test]
fn a_commit_of_this_process_wakes_at_once_and_one_of_another_connection_soon() {
    let (folder, connection) = store();
    let options = WatchOptions { interval: Duration::from_mins(1), ..WatchOptions::default() };
    let mut watch = connection.watch_with(STATES, &[], options).expect("a watch");
    watch.try_next().expect("no error");
    let writing = {
        let connection = connection.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            say(&connection, "a", ":waiting")
        })
    };
    let started = Instant::now();
    let change = watch.next_timeout(Duration::from_secs(50)).expect("no error");
    check(change, writing.join().expect("it writes"), &[row("a", "waiting")], &[]);
    assert!(started.elapsed() < Duration::from_secs(40), "it slept through the commit");

    let mut watch = connection.watch(STATES, &[]).expect("a watch");
    watch.try_next().expect("no error");
    let other = Connection::open(folder.path().join("annals.db")).expect("another connection");
    let writing = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        say(&other, "b", ":waiting")
    });
    let change = watch.next_timeout(Duration::from_secs(50)).expect("no error");
    check(change, writing.join().expect("it writes"), &[row("b", "waiting")], &[]);
}

#[test]
fn a_wait_ends_with_its_time_and_when_the_watch_is_closed() {
    let (_folder, connection) = store();
    let mut watch = connection.watch(STATES, &[]).expect("a watch");
    watch.next().expect("it is open").expect("no error");
    assert_eq!(watch.next_timeout(Duration::from_millis(5)).expect("no error"), None);
    assert!(!watch.is_closed());
    let closer = watch.closer();
    let closing = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        closer.close();
    });
    assert!(watch.next().is_none());
    closing.join().expect("it closes");
    say(&connection, "a", ":waiting");
    assert!(watch.is_closed() && watch.next().is_none() && watch.try_next().expect("no error").is_none());
}

#[test]
fn closing_stops_an_evaluation() {
    let (_folder, connection) = store();
    let rules = "[[(up ?n) [?j :job/name _] [(ground 0) ?n]] [(up ?m) (up ?n) [(inc ?n) ?m]]]";
    let mut watch = connection.watch("[:find ?n :in $ % :where (up ?n)]", &[Input::from(rules)]).expect("a watch");
    watch.try_next().expect("no error");
    say(&connection, "endless", ":waiting");
    let closer = watch.closer();
    let closing = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        closer.close();
    });
    assert!(watch.next().is_none());
    closing.join().expect("it closes");
}

#[test]
fn an_error_about_one_transaction_does_not_end_the_watch() {
    let (_folder, connection) = store();
    let query = "[:find ?name ?share :where [?j :job/name ?name] [?j :job/parts ?n] [(/ 12 ?n) ?share]]";
    connection.transact("[{:job/name \"a\" :job/parts 3}]").expect("a transaction");
    let mut watch = connection.watch(query, &[]).expect("a watch");
    watch.try_next().expect("no error");
    connection.transact("[{:job/name \"b\" :job/parts 0}]").expect("a transaction");
    let error = watch.try_next().expect_err("a division by zero");
    assert_eq!(error.code(), "query/division-by-zero");
    assert!(error.position().is_some());
    assert_eq!(watch.try_next().expect("it was told"), None);
    connection.transact("[{:job/name \"c\" :job/parts 4}]").expect("a transaction");
    assert!(watch.try_next().is_err(), "it is there still");
    let t = connection.transact("[{:job/name \"b\" :job/parts 6}]").expect("a transaction").t.expect("new");
    let added = [vec!["b".into(), 2.into()], vec!["c".into(), 3.into()]];
    check(watch.try_next().expect("no error"), t, &added, &[]);
}

#[test]
fn what_is_wrong_with_a_query_is_said_when_it_is_watched() {
    let (_folder, connection) = store();
    let check = |query: &str, inputs: &[Input], code: &str| {
        assert_eq!(connection.watch(query, inputs).expect_err(query).code(), code, "{query}");
    };
    check("[:find ?x :where [?x :a]", &[], "edn/syntax");
    check("[:find ?x :where [?y :a]]", &[], "query/unbound-variable");
    check("[:find ?x :in $ ?y :where [?x :a ?y]]", &[], "query/input-count");
}

#[test]
fn many_threads_write_and_a_watch_adds_up_to_the_answer() {
    let (folder, connection) = store();
    let mut watch = connection.watch(STATES, &[]).expect("a watch");
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let connection = match writer % 2 {
                0 => connection.clone(),
                _ => Connection::open(folder.path().join("annals.db")).expect("another connection"),
            };
            std::thread::spawn(move || {
                (0..25).for_each(|at| {
                    let (name, state) = ((at + writer) % 7, ["waiting", "running", "done"][at % 3]);
                    let job = format!("[{{:job/name \"job {name}\" :job/state :{state}}}]");
                    connection.transact(&job).expect("a transaction");
                });
            })
        })
        .collect();
    let mut held: Vec<Vec<Value>> = Vec::new();
    let mut last = 0;
    loop {
        let is_over = writers.iter().all(std::thread::JoinHandle::is_finished);
        let Some(change) = watch.next_timeout(Duration::from_millis(50)).expect("no error") else {
            if is_over {
                break;
            }
            continue;
        };
        assert!(change.t > last, "t {} after {last}", change.t);
        last = change.t;
        for row in &change.removed {
            held.remove(held.iter().position(|held| held == row).expect("what is removed was there"));
        }
        held.extend(change.added);
        let then = connection.db().expect("a value").as_of(change.t).expect("a moment");
        held.sort_unstable();
        let mut rows = then.q(STATES, &[]).expect("an answer").rows;
        rows.sort_unstable();
        assert_eq!(held, rows, "at t {}", change.t);
    }
    for writer in writers {
        writer.join().expect("it writes");
    }
    assert_eq!(watch.rows(), held);
    assert_eq!(watch.t(), connection.db().expect("a value").basis_t());
}

#[test]
fn a_watch_may_be_moved_to_another_thread() {
    fn is_sent<T: Send>(_: &T) {}
    let (_folder, connection) = store();
    is_sent(&connection.watch(STATES, &[]).expect("a watch"));
}
