//! Time: a view of the past is what a store would be that had stopped then.
//!
//! Attacked by random histories, each compared at every t with a store into which just the transactions up to t were written, by way of
//! scans, entities, values and attributes; and by small histories said as transactions, with every composition of views.
//! `SEED=` chooses the histories, `HISTORIES=` says how many.

use crate::random_log::{KINDS, RandomLog, Shown, append, entities, fold, histories, scanned, seed, store_path, value};
use annals::query::{Scan, Values};
use annals::store::Durability;
use annals::{Connection, Datom, Db, Error, Moment, Options, Order, Value};

fn open(folder: &tempfile::TempDir) -> Connection {
    let options = Options { durability: Durability::Normal, ..Options::default() };
    Connection::open_with(store_path(folder), options).expect("the store opens")
}

/// What two values answer alike if they show the same.
#[track_caller]
fn check_equal(log: &mut RandomLog, past: &Db, fresh: &Db) {
    for kind in KINDS {
        let all = Scan { attribute: Some(kind.id), ..Scan::default() };
        assert_eq!(scanned(past, &all), scanned(fresh, &all), "by attribute {}", kind.name);
        let wanted = value(&mut log.random, &kind);
        let by_value = Scan { attribute: Some(kind.id), values: Values::Equal(&wanted), ..Scan::default() };
        assert_eq!(scanned(past, &by_value), scanned(fresh, &by_value), "by value {wanted}");
        if kind.is_unique {
            let wanted = (kind.name, wanted);
            assert_eq!(past.entity_id(wanted.clone()).expect("it resolves"), fresh.entity_id(wanted).expect("it resolves"));
        }
    }
    for e in entities() {
        assert_eq!(past.entity(e).expect("an entity"), fresh.entity(e).expect("an entity"));
    }
    let all = |db: &Db| db.datoms(Order::Eavt, &[]).expect("datoms can be read");
    let without_schema = |datoms: Vec<Datom>| datoms.into_iter().filter(|datom| datom.e >> 32 != 1).collect::<Vec<_>>();
    assert_eq!(without_schema(all(past)), without_schema(all(fresh)));
}

#[test]
fn a_view_as_of_t_equals_a_store_that_replayed_the_transactions_up_to_t() {
    for seed in seed()..seed() + histories(10) {
        let (whole_folder, fresh_folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let (whole, fresh) = (open(&whole_folder), open(&fresh_folder));
        let mut log = RandomLog::begin(seed, whole.store());
        let mut transactions = vec![log.declare()];
        for _ in 0..4 + log.random.below(10) {
            transactions.push(log.next());
        }
        eprintln!("SEED={seed}");
        for datoms in &transactions {
            append(whole.store(), datoms);
        }
        let now = whole.db().expect("a value");
        for datoms in &transactions {
            append(fresh.store(), datoms);
            let then = fresh.db().expect("a value");
            let past = now.as_of(then.basis_t()).expect("a moment");
            check_equal(&mut log, &past, &then);
            let at_instant = now.as_of(Moment::Instant(then.basis_instant())).expect("a moment");
            assert_eq!(at_instant.until_t(), then.basis_t());
        }
        check_equal(&mut log, &now.as_of(now.basis_t()).expect("a moment"), &now);
        check_equal(&mut log, &now.as_of(now.basis_t() + 100).expect("a moment"), &now);
    }
}

#[test]
fn a_history_without_what_was_retracted_until_t_equals_the_view_as_of_t() {
    for seed in seed()..seed() + histories(10) {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = open(&folder);
        let mut log = RandomLog::begin(seed, connection.store());
        append(connection.store(), &log.declare());
        for _ in 0..8 {
            append(connection.store(), &log.next());
        }
        eprintln!("SEED={seed}");
        let now = connection.db().expect("a value");
        for t in 0..=now.basis_t() {
            let all = |db: &Db| db.datoms(Order::Eavt, &[]).expect("datoms can be read");
            let events = all(&now.history().as_of(t).expect("a moment"));
            let remaining = fold(&events, Shown { since: 0, until: t, is_history: false });
            assert_eq!(remaining, all(&now.as_of(t).expect("a moment")), "t {t}");
        }
    }
}

/// A store in which Ada's age was 36, 37 and 38, and the name "a" was Ada's and then Bob's: its connection, and the t of each step.
fn ada(folder: &tempfile::TempDir) -> (Connection, Vec<i64>, i64) {
    let connection = open(folder);
    let declared = r"[{:db/ident :p/name :db/cardinality :db.cardinality/one :db/unique :db.unique/identity}]";
    connection.transact(declared).expect("a declaration");
    let first = connection.transact(r#"[{:db/id "x" :p/name "a" :p/age 36}]"#).expect("a transaction");
    let ada = first.tempids["x"];
    let mut steps = vec![first.t.expect("it is new")];
    let later = [
        format!("[[:db/add {ada} :p/age 37]]"),
        format!("[[:db/add {ada} :p/age 38] [:db/add {ada} :p/name \"ada\"]]"),
        r#"[{:p/name "a" :p/age 5}]"#.to_owned(),
        format!("[[:db/retract {ada} :p/age 38]]"),
    ];
    for text in later {
        steps.push(connection.transact(&text).expect("a transaction").t.expect("it is new"));
    }
    (connection, steps, ada)
}

fn ages(db: &Db, ada: i64) -> String {
    let mut rows = db.datoms(Order::Eavt, &[ada.into(), Value::Keyword("p/age".into())]).expect("datoms can be read");
    rows.sort_by_key(|datom| (datom.t, datom.added));
    let rows: Vec<String> = rows.iter().map(|datom| format!("{}{}", if datom.added { "+" } else { "-" }, datom.v)).collect();
    rows.join(" ")
}

#[test]
fn views_of_time_compose() {
    let folder = tempfile::tempdir().expect("a folder");
    let (connection, steps, ada) = ada(&folder);
    let db = connection.db().expect("a value");
    let [first, second, third, _, fifth] = steps[..] else { panic!("five steps") };
    let check = |view: Result<Db, Error>, expected: &str| assert_eq!(ages(&view.expect("a view"), ada), expected);
    check(Ok(db.clone()), "");
    check(db.as_of(0), "");
    check(db.as_of(first), "+36");
    check(db.as_of(second), "+37");
    check(db.as_of(third), "+38");
    check(db.as_of(fifth), "");
    check(db.as_of(third).and_then(|db| db.as_of(first)), "+36");
    check(db.as_of(first).and_then(|db| db.as_of(third)), "+36");
    check(db.since(second).and_then(|db| db.as_of(third)), "+38");
    check(db.since(third).and_then(|db| db.as_of(third)), "");
    check(Ok(db.history()), "+36 -36 +37 -37 +38 -38");
    check(db.history().as_of(second), "+36 -36 +37");
    check(db.history().since(second), "-37 +38 -38");
    check(db.as_of(third).and_then(|db| db.since(second)).map(|db| db.history()), "-37 +38");
    check(db.history().as_of(second).and_then(|db| db.since(first)), "-36 +37");
    check(Ok(db.history().filter(|datom| datom.added)), "+36 +37 +38");
}

#[test]
fn a_superseded_unique_value_resolves_only_in_the_past_in_which_it_held() {
    let folder = tempfile::tempdir().expect("a folder");
    let (connection, steps, ada) = ada(&folder);
    let db = connection.db().expect("a value");
    let who = |view: &Db, name: &str| view.entity_id((":p/name", name)).expect("it resolves");
    let bob = who(&db, "a").expect("somebody is called a");
    assert_ne!(bob, ada);
    assert_eq!(who(&db, "ada"), Some(ada));
    assert_eq!(who(&db.as_of(steps[0]).expect("a moment"), "a"), Some(ada));
    assert_eq!(who(&db.as_of(steps[2]).expect("a moment"), "a"), None);
    assert_eq!(who(&db.as_of(steps[3]).expect("a moment"), "a"), Some(bob));
    assert_eq!(who(&db.as_of(steps[0]).expect("a moment"), "ada"), None);
    assert_eq!(who(&db.since(steps[3]).expect("a moment"), "a"), None, "since does not see the older fact");
}

#[test]
fn what_with_added_is_filtered_by_a_later_view_like_everything_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let (connection, steps, ada) = ada(&folder);
    let db = connection.db().expect("a value");
    let after = db.with(&format!("[[:db/add {ada} :p/age 40]]")).expect("it is possible").db_after;
    assert_eq!(ages(&after, ada), "+40");
    assert_eq!(ages(&after.as_of(db.basis_t()).expect("a moment"), ada), "");
    assert_eq!(ages(&after.as_of(steps[0]).expect("a moment"), ada), "+36");
    assert_eq!(ages(&after.since(db.basis_t()).expect("a moment"), ada), "+40");
    let then = db.as_of(steps[1]).expect("a moment").with(&format!("[[:db/add {ada} :p/age 99]]")).expect("it is possible");
    assert_eq!(then.t, Some(steps[1] + 1), "what if then: the transaction follows that moment");
    assert_eq!(ages(&then.db_after, ada), "+99");
    assert_eq!(ages(&then.db_after.history(), ada), "+36 -36 +37 -37 +99");
    assert_eq!(ages(&connection.db().expect("a value"), ada), "", "no store learns of it");
}

#[test]
fn with_counts_on_from_where_its_value_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = open(&folder);
    let run = connection.transact(r#"[{:db/id "r" :run/id "1"}]"#).expect("a run").tempids["r"];
    let line = |text: &str| format!("[{{:log/run {run} :log/message \"{text}\" :log/level :info}}]");
    let next = |db: &Db, n: i64| {
        let text = format!("[{{:log/run {run} :log/seq {n} :log/message \"x\"}}]");
        db.with(&text).map(|report| report.db_after)
    };
    for n in 1..=3 {
        connection.transact(&line("said").replace(":log/level", &format!(":log/seq {n} :log/level"))).expect("a line");
    }
    let db = connection.db().expect("a value");
    let then = db.as_of(db.basis_t() - 1).expect("a moment");
    assert!(next(&then, 3).is_ok(), "two lines were said then");
    assert!(next(&then, 4).is_err(), "a number is left out");
    assert!(next(&db, 4).and_then(|db| next(&db, 5)).is_ok());
    assert!(next(&db, 3).is_err(), "the number is taken");
}

#[test]
fn schema_and_idents_are_those_of_now_in_every_view() {
    let folder = tempfile::tempdir().expect("a folder");
    let (connection, steps, ada) = ada(&folder);
    connection.transact("[[:db/add :p/age :db/ident :p/years]]").expect("an attribute can be renamed");
    let past = connection.db().expect("a value").as_of(steps[0]).expect("a moment");
    for name in [":p/years", ":p/age"] {
        let answer = past.q(&format!("[:find ?age . :in $ ?e :where [?e {name} ?age]]"), &[ada.into()]).expect("an answer");
        assert_eq!(answer.rows, [[Value::from(36)]], "{name}");
    }
}

#[test]
fn a_moment_that_cannot_be_is_refused_with_a_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = open(&folder);
    let db = connection.db().expect("a value");
    for refused in [db.as_of(-1), db.since(-5)] {
        let error = refused.expect_err("transactions are numbered from 1");
        assert_eq!((error.code(), error.help().is_some()), ("time/unknown", true), "{error}");
    }
    assert_eq!(db.as_of(Moment::Instant(i64::MIN)).expect("before everything").until_t(), 0);
    assert_eq!(db.as_of(Moment::Instant(i64::MAX)).expect("after everything").until_t(), db.basis_t());
}

#[test]
fn an_entity_or_a_pull_of_a_history_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = open(&folder);
    let history = connection.db().expect("a value").history();
    let refusals = [history.entity(1).expect_err("refused"), history.pull("[*]", 1).expect_err("refused")];
    for error in refusals {
        assert_eq!(error.code(), "query/history-view");
        assert!(error.help().is_some());
    }
}

#[track_caller]
fn check_transactions(db: &Db, from: impl Into<Value>, until: impl Into<Value>, expected: &[i64]) {
    assert_eq!(annals::query::Facts::transactions(db, &from.into(), &until.into()).expect("transactions"), expected);
}

#[test]
fn the_transactions_of_a_view_are_those_of_its_window_between_two_borders() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = open(&folder);
    let declared = "[{:db/id \"datomic.tx\" :db/txInstant #inst \"2020-01-01\"} {:db/ident :p/age}]";
    connection.transact(declared).expect("a declaration");
    for (second, age) in [(1, 1), (1, 2), (3, 3), (5, 4)] {
        let text = format!(
            "[{{:db/id \"datomic.tx\" :db/txInstant #inst \"2020-01-01T00:00:0{second}Z\"}} [:db/add \"x\" :p/age {age}]]"
        );
        connection.transact(&text).expect("a transaction");
    }
    let now = connection.db().expect("a value");
    let at = |second: i64| Value::Instant(1_577_836_800_000_000 + second * 1_000_000);
    let all = [1, 2, 3, 4, 5, 6];
    check_transactions(&now, Value::Nil, Value::Nil, &all);
    check_transactions(&now, 3, 5, &[3, 4]);
    check_transactions(&now, Value::Ref(3), 100, &[3, 4, 5, 6]);
    check_transactions(&now, -4, 3, &[1, 2]);
    check_transactions(&now, 5, 3, &[]);
    check_transactions(&now, i64::MAX, Value::Nil, &[]);
    check_transactions(&now, i64::MIN, i64::MIN, &[]);
    // Several transactions of one instant stand together; an instant between two of them divides them.
    check_transactions(&now, at(1), Value::Nil, &[3, 4, 5, 6]);
    check_transactions(&now, Value::Nil, at(1), &[1, 2]);
    check_transactions(&now, at(2), at(5), &[5]);
    check_transactions(&now, Value::Instant(i64::MIN), Value::Instant(i64::MAX), &all);
    check_transactions(&now, at(6), Value::Nil, &[]);
    check_transactions(&now.as_of(4).expect("a moment"), Value::Nil, at(9), &[1, 2, 3, 4]);
    check_transactions(&now.since(4).expect("a moment"), 1, Value::Nil, &[5, 6]);
    check_transactions(
        &now.history().since(2).expect("a moment").as_of(5).expect("a moment"),
        Value::Nil,
        Value::Nil,
        &[3, 4, 5],
    );
    check_transactions(&now.filter(|_| false), 2, 4, &[2, 3]);
    let after = now.with("[[:db/add \"y\" :p/age 9]]").expect("it may be").db_after;
    check_transactions(&after, 6, Value::Nil, &[6, 7]);
    check_transactions(&after, at(6), Value::Nil, &[7]);
    check_transactions(
        &now.as_of(3).expect("a moment").with("[[:db/add \"y\" :p/age 9]]").expect("it may be").db_after,
        3,
        Value::Nil,
        &[3, 4],
    );
    let error = annals::query::Facts::transactions(&now, &Value::from("then"), &Value::Nil).expect_err("it is no moment");
    assert_eq!((error.code().name(), error.value()), ("query/argument-type", Some("\"then\"")));
    assert!(error.help().is_some_and(|help| help.contains("#inst")), "{error}");
}

#[test]
fn what_if_before_the_first_transaction_follows_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = open(&folder);
    connection.transact("[{:db/ident :p/age :db/valueType :db.type/long} {:p/age 1}]").expect("a person");
    let then = connection.db().expect("a value").as_of(0).expect("a moment");
    let report = then.with("[{:db/id \"new\" :p/age 2 :p/name \"Ada\"}]").expect("it may be");
    assert_eq!(report.t, Some(2));
    let ages = report.db_after.q("[:find [?a ...] :where [_ :p/age ?a]]", &[]).expect("an answer");
    assert_eq!(ages.to_edn(), "[2]");
    // Known by its name today, and neither named nor used as an attribute then.
    connection.transact("[{:db/ident :p/note :db/doc \"a word\"}]").expect("an ident");
    let then = connection.db().expect("a value").as_of(2).expect("a moment");
    let after = then.with("[{:p/note 7}]").expect("it may be").db_after;
    assert_eq!(after.q("[:find ?n . :where [_ :p/note ?n]]", &[]).expect("an answer").to_edn(), "7");
}
