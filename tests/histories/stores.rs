//! Who writes and who reads one store: many threads, connections that know less than the other, readers that hold a value, large
//! transactions. Attacked by letting each see the store in the state that the other made.

use std::time::Duration;

use annals::store::Durability;
use annals::{Connection, Db, Error, Options, Value};

fn open(folder: &tempfile::TempDir) -> Connection {
    let options = Options { durability: Durability::Normal, ..Options::default() };
    Connection::open_with(folder.path().join("annals.db"), options).expect("the store opens")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[track_caller]
fn said(connection: &Connection, text: &str) -> annals::Report {
    connection.transact(text).expect(text)
}

#[track_caller]
fn refused(result: Result<annals::Report, Error>) -> Error {
    let error = result.expect_err("it is refused");
    assert!(error.help().is_some(), "{error} says what to do");
    error
}

#[track_caller]
fn asked(db: &Db, query: &str) -> String {
    let answer = db.q(query, &[]).expect(query);
    let mut rows: Vec<String> = answer.rows.into_iter().map(|row| Value::vector(row).to_string()).collect();
    rows.sort();
    rows.join(" ")
}

const ALL: &str = "[:find ?k ?v :where [?e :p/k ?k] [?e :p/v ?v]]";

#[test]
fn two_connections_that_write_in_turns_never_work_with_what_they_remember() {
    let folder = folder();
    let (one, two) = (open(&folder), open(&folder));
    said(&one, "[{:db/ident :p/k :db/unique :db.unique/identity}]");
    said(&two, "[{:p/k 1 :p/v 1}]");
    assert_eq!(asked(&one.db().expect("a value"), ALL), "[1 1]");
    assert_eq!(asked(&two.db().expect("a value"), ALL), "[1 1]");
    said(&one, "[{:p/k 1 :p/v 2} {:p/k 2 :p/v 1}]");
    said(&two, "[{:p/k 2 :p/v 2} [:db/cas [:p/k 1] :p/v 2 3]]");
    assert_eq!(asked(&one.db().expect("a value"), ALL), "[1 3] [2 2]");
    said(&two, "[[:db/add :p/v :db/ident :p/value] {:db/ident :p/value :db/valueType :db.type/long}]");
    assert_eq!(refused(one.transact("[{:p/k 1 :p/v \"text\"}]")).code(), "transaction/value-type");
    said(&one, "[{:p/k 3 :p/value 3} {:db/ident :p/value :db/cardinality :db.cardinality/many}]");
    said(&two, "[{:p/k 3 :p/v 4}]");
    assert_eq!(asked(&one.db().expect("a value"), ALL), "[1 3] [2 2] [3 3] [3 4]");
    said(&one, "[[:db/retractEntity [:p/k 3]]]");
    let again = said(&two, r#"[{:db/id "x" :p/k 3 :p/v 5}]"#).tempids["x"];
    assert_eq!(asked(&one.db().expect("a value"), ALL), "[1 3] [2 2] [3 5]");
    said(&one, "[[:db/retract :p/k :db/unique]]");
    assert_ne!(said(&two, r#"[{:db/id "y" :p/k 3}]"#).tempids["y"], again, "it is no identity any more");
}

#[test]
fn numbers_of_a_run_go_on_whoever_writes_and_runs_lie_apart() {
    let folder = folder();
    let (one, two) = (open(&folder), open(&folder));
    let run = said(&one, r#"[{:db/id "r" :run/id "1"}]"#).tempids["r"];
    for step in 0..12 {
        let writer = if step % 3 == 0 { &two } else { &one };
        said(writer, &format!(r#"[{{:log/run {run} :log/message "a {step}"}} {{:log/run [:run/id "1"] :log/message "b"}}]"#));
        if step == 5 {
            let other = said(&two, r#"[{:db/id "r" :run/id "2"} {:log/run "r" :log/message "other"}]"#).tempids["r"];
            assert_ne!(other >> 32, run >> 32);
        }
        assert!(refused(two.transact(&format!(r#"[{{:log/run {run} :log/seq 1 :log/message "again"}}]"#))).position().is_some());
    }
    let query =
        "[:find ?id (count ?l) (min ?n) (max ?n) (count-distinct ?n) :where [?r :run/id ?id] [?l :log/run ?r] [?l :log/seq ?n]]";
    for connection in [&one, &two, &open(&folder)] {
        assert_eq!(asked(&connection.db().expect("a value"), query), r#"["1" 24 1 24 24] ["2" 1 1 1 1]"#);
    }
}

#[test]
fn a_held_value_stays_as_it_is_while_a_thousand_transactions_go_on() {
    let folder = folder();
    let connection = open(&folder);
    said(&connection, "[{:db/ident :p/k :db/unique :db.unique/identity}]");
    said(&connection, "[{:p/k 1 :p/v 0}]");
    let held = connection.db().expect("a value");
    let before = asked(&held, ALL);
    let mut middle = None;
    for n in 1..=1000 {
        said(&connection, &format!("[{{:p/k 1 :p/v {n}}} {{:p/k {} :p/v {n}}}]", n % 7 + 2));
        if n == 500 {
            middle = Some(connection.db().expect("a value"));
        }
        if n % 250 == 0 {
            assert_eq!(asked(&held, ALL), before);
        }
    }
    let middle = middle.expect("there was a middle");
    let count = |db: &Db| asked(&db.history(), "[:find (count ?v) . :with ?t ?a :where [?e :p/k 1] [?e :p/v ?v ?t _ ?a]]");
    assert_eq!((count(&held), count(&middle)), ("[1]".into(), "[1001]".into()));
    assert_eq!(count(&connection.db().expect("a value")), "[2001]");
    assert_eq!(asked(&middle, "[:find ?v . :where [?e :p/k 1] [?e :p/v ?v]]"), "[500]");
    assert_eq!(held.basis_t(), 3);
}

#[test]
fn eight_threads_commit_together_and_who_is_refused_is_refused_alone() {
    let folder = folder();
    let connection = open(&folder);
    said(&connection, "[{:db/ident :p/k :db/unique :db.unique/identity} {:db/ident :p/v :db/valueType :db.type/long}]");
    let talk = |thread: i64| {
        let connection = connection.clone();
        move || {
            let mut ts = Vec::new();
            for n in 0..40 {
                ts.extend(said(&connection, &format!("[{{:p/k \"{thread} {n}\" :p/v {n}}}]")).t);
                let wrong = refused(connection.transact(&format!("[{{:p/k \"{thread} {n}\" :p/v \"wrong\"}}]")));
                assert_eq!(
                    (wrong.code(), wrong.position().map(|at| at.column)),
                    ("transaction/value-type", Some(19 + u32::from(n > 9)))
                );
                let nothing = said(&connection, &format!("[{{:p/k \"{thread} {n}\" :p/v {n}}}]"));
                assert!(nothing.t.is_none() && nothing.is_empty());
            }
            ts
        }
    };
    let threads: Vec<_> = (0..8).map(|thread| std::thread::spawn(talk(thread))).collect();
    let mut ts: Vec<i64> = threads.into_iter().flat_map(|thread| thread.join().expect("no thread fails")).collect();
    ts.sort_unstable();
    assert_eq!(ts, (3..3 + 320).collect::<Vec<i64>>(), "each its own t, without gaps");
    assert_eq!(asked(&connection.db().expect("a value"), "[:find (count ?e) . :where [?e :p/k]]"), "[320]");
}

#[test]
fn a_read_only_connection_sees_what_others_write_and_writes_nothing() {
    let folder = folder();
    let writer = open(&folder);
    said(&writer, "[{:p/k 1 :p/v 1}]");
    let reader = Connection::open_read_only(folder.path().join("annals.db")).expect("it opens");
    assert_eq!(asked(&reader.db().expect("a value"), ALL), "[1 1]");
    said(&writer, "[{:p/k 2 :p/v 2}]");
    assert_eq!(asked(&reader.db().expect("a value"), ALL), "[1 1] [2 2]");
    assert_eq!(refused(reader.transact("[{:p/k 3}]")).code(), "store/read-only");
    let would_be = reader.db().expect("a value").with("[{:p/k 3 :p/v 3}]").expect("it may ask what would be").db_after;
    assert_eq!(asked(&would_be, ALL), "[1 1] [2 2] [3 3]");
    let waiting = std::thread::spawn(move || reader.db_at_least(4, Duration::from_secs(20)).map(|db| db.basis_t()));
    said(&writer, "[{:p/k 4}]");
    assert_eq!(waiting.join().expect("no thread fails").expect("it came"), 4);
    let error = writer.db_at_least(99, Duration::from_millis(5)).expect_err("it does not come");
    assert_eq!((error.code(), error.value(), error.help().is_some()), ("time/wait-timeout", Some("99"), true));
}

#[test]
fn ten_thousand_operations_are_one_transaction() {
    let folder = folder();
    let connection = open(&folder);
    said(&connection, "[{:db/ident :p/k :db/unique :db.unique/identity}]");
    let lines = |shape: &str| (0..10_000).map(|n| shape.replace('#', &n.to_string())).collect::<Vec<_>>().join("\n");
    let first = said(&connection, &format!("[{}]", lines(r##"{:db/id "#" :p/k # :p/v #}"##)));
    assert_eq!((first.t, first.tempids.len()), (Some(3), 10_000));
    let second = said(&connection, &format!("[{}]", lines("{:p/k # :p/v -1}")));
    assert_eq!(second.datoms.iter().filter(|datom| datom.e >> 32 == 2).count(), 9_999 * 2 + 2);
    let wrong = format!("[{}\n[:db/add [:p/k 77] :p/v 2]]", lines("{:p/k # :p/v 1}"));
    let error = refused(connection.transact(&wrong));
    assert_eq!((error.code(), error.position().map(|at| at.line)), ("transaction/conflict", Some(10_001)));
    let db = connection.db().expect("a value");
    assert_eq!(asked(&db, "[:find (count ?e) (sum ?v) :with ?e :where [?e :p/v ?v]]"), "[10000 -10000]");
    assert_eq!(asked(&db.as_of(3).expect("a moment"), "[:find (sum ?v) . :with ?e :where [?e :p/v ?v]]"), "[49995000]");
}

#[test]
fn a_value_may_be_as_large_as_its_limit_and_no_larger() {
    let folder = folder();
    let connection = open(&folder);
    let text: std::sync::Arc<str> = "ä".repeat(32 << 20).into();
    let mut data = annals::transact::TxData::new();
    data.add(annals::transact::EntityTerm::temp("x"), "p/text", Value::String(std::sync::Arc::clone(&text)));
    let report = connection.transact_data(&data).expect("64 MiB are allowed");
    let stored = open(&folder).db().expect("a value").entity(report.tempids["x"]).expect("it can be read").expect("it is there");
    assert!(stored[&Value::Keyword("p/text".into())] == Value::String(text.clone()), "the text comes back whole");
    let mut data = annals::transact::TxData::new();
    data.add(annals::transact::EntityTerm::temp("x"), "p/text", Value::String(format!("{text}!").into()));
    let error = refused(connection.transact_data(&data));
    assert_eq!((error.code(), error.value()), ("transaction/limit", Some("a string of 67108865 bytes")));
}
