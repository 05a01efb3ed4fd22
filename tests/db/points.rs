//! Promise: what an attribute of an entity was at a moment is the same whether it is read from the store by itself or found in columns, and
//! reading it costs the same however often it was said anew.
//!
//! Attacked by one history told in every way in which a value can be replaced, taken back and declared otherwise, looked at from each of its
//! moments by a handle that only reads points and by one that only reads columns; and by counting steps.

use annals::query::Budget;
use annals::query::engine::Options as Asking;
use annals::store::Durability;
use annals::{Connection, Db, Options, Tuning, Value};

use crate::random_log::store_path;

/// Reads points for as long as it may, or never.
fn opened(folder: &tempfile::TempDir, reads_points: bool) -> Connection {
    let (point_reads, point_share) = if reads_points { (64, 1) } else { (0, u64::MAX) };
    let tuning = Tuning { eager_datoms: 0, point_reads, point_share, ..Tuning::default() };
    Connection::open_with(store_path(folder), Options { durability: Durability::Normal, tuning, ..Options::default() })
        .expect("the store opens")
}

/// What each view of each moment shows of three attributes of an entity.
fn shown(db: &Db) -> Vec<String> {
    let ask = |db: &Db, attribute: &str| {
        let text = format!("[:find ?v ?t :in $ ?e :where [?e :k/{attribute} ?v ?t]]");
        let entity = Value::Keyword("k/e".into());
        db.q(&text, &[entity.into()]).map_or_else(|error| error.to_string(), |answer| answer.to_edn())
    };
    let mut found = Vec::new();
    for t in 1..=db.basis_t() {
        let then = db.as_of(t).expect("a moment of the store");
        let odd = db.filter(|datom| datom.t % 2 == 1);
        let views =
            [then.clone(), then.since((t - 3).max(1)).expect("a moment"), then.history(), odd.as_of(t).expect("a moment")];
        for (view, name) in views.iter().zip(["as of", "since", "history", "filter"]) {
            found
                .extend(["one", "was-many", "many"].map(|attribute| format!("{name} {t} {attribute}: {}", ask(view, attribute))));
        }
    }
    found
}

#[test]
fn a_point_read_from_the_store_is_what_columns_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = opened(&folder, true);
    let steps = [
        "[{:db/ident :k/one} {:db/ident :k/was-many :db/cardinality :db.cardinality/many}
          {:db/ident :k/many :db/cardinality :db.cardinality/many} {:db/id \"e\" :db/ident :k/e}]",
        "[{:db/id :k/e :k/one 1 :k/was-many #{1 2 3} :k/many #{1 2}}]",
        "[{:db/id :k/e :k/one 2 :k/many 3}]",
        "[[:db/retract :k/e :k/one 2] [:db/retract :k/e :k/was-many 3] [:db/retract :k/e :k/was-many 2]]",
        "[{:db/id :k/e :k/one 2} {:db/ident :k/was-many :db/cardinality :db.cardinality/one}]",
        "[{:db/id :k/e :k/was-many 4}]",
        "[[:db/retract :k/e :k/many 1] {:db/id :k/e :k/one \"two\"}]",
        "[{:db/id \"other\" :k/one 9 :k/many 9}]",
        "[{:db/id :k/e :k/one 1 :k/was-many 1}]",
    ];
    for step in steps {
        connection.transact(step).expect(step);
    }
    // One that has checked no transaction has no columns.
    drop(connection);
    let connection = opened(&folder, true);
    let db = connection.db().expect("a value");
    let expected = shown(&opened(&folder, false).db().expect("a value"));
    assert!(expected.iter().any(|line| line.starts_with("as of 4 was-many") && line.contains("[1 ") && line.contains("[3 ")));
    assert_eq!(shown(&db), expected);
    // What might be stands beside the store.
    let with = |connection: &Connection| {
        let db = connection.db().expect("a value");
        let more = db.with("[{:db/id :k/e :k/one 7} [:db/retract :k/e :k/was-many 1]]").expect("it may be said").db_after;
        shown(&more.with("[{:db/id :k/e :k/many 7 :k/was-many 8}]").expect("it may be said").db_after)
    };
    assert_eq!(with(&connection), with(&opened(&folder, false)));
}

#[test]
fn a_value_that_was_said_a_thousand_times_is_read_in_as_many_steps_as_one_said_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = opened(&folder, true);
    connection
        .transact("[{:db/id \"a\" :db/ident :k/often :k/v 0} {:db/id \"b\" :db/ident :k/once :k/v 0}]")
        .expect("two values");
    for version in 1..1_000 {
        connection.transact(&format!("[{{:db/id :k/often :k/v {version}}}]")).expect("it is said anew");
    }
    let db = connection.db().expect("a value");
    let steps = |db: &Db, name: &str, value: i64| {
        let budget = Budget::default();
        let prepared = db.prepare("[:find ?v . :in $ ?e :where [?e :k/v ?v]]").expect("the query is right");
        let found = prepared.q_within(db, &[Value::Keyword(name.into()).into()], Asking::default(), &budget).expect("an answer");
        assert_eq!(found.to_edn(), value.to_string());
        budget.steps()
    };
    let then = db.as_of(500).expect("a moment");
    assert_eq!(steps(&db, "k/often", 999), steps(&db, "k/once", 0));
    assert_eq!(steps(&then, "k/often", 498), steps(&then, "k/once", 0));
}
