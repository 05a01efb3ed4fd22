//! Promise: `get-some`, `tx-ids` and `tx-data` answer about a store, at any time, what the store's own log says. Attacked with views of
//! every kind, facts replaced and retracted, instants as bounds, and values that no store learns of.

use annals::store::Durability;
use annals::{Connection, Db, Options};

use crate::random_log::store_path;

fn people(folder: &tempfile::TempDir) -> Connection {
    let options = Options { durability: Durability::Normal, ..Options::default() };
    let connection = Connection::open_with(store_path(folder), options).expect("the store opens");
    for transaction in [
        r#"[{:db/ident :p/ada :p/name "Ada" :p/age 36} {:db/id "datomic.tx" :db/txInstant #inst "2020-01-01T00:00:00Z"}]"#,
        r#"[[:db/add :p/ada :p/age 37] {:db/id "datomic.tx" :db/txInstant #inst "2020-01-02T00:00:00Z"}]"#,
        r#"[[:db/retract :p/ada :p/name] {:db/id "datomic.tx" :db/txInstant #inst "2020-01-03T00:00:00Z"}]"#,
    ] {
        connection.transact(transaction).unwrap_or_else(|error| panic!("{transaction}: {error}"));
    }
    connection
}

#[track_caller]
fn check(db: &Db, query: &str, expected: &str) {
    let answer = db.q(query, &[]).unwrap_or_else(|error| panic!("{query}: {error}"));
    assert_eq!(answer.to_edn(), expected, "{query}");
}

const SAID: &str = "[:find ?i ?v ?added :order-by [?i ?v] :where [(tx-data $ 3) [[?e ?a ?v _ _ ?added]]] [?e :db/ident :p/ada] [?a :db/ident ?i]]";

#[test]
fn tx_data_is_what_the_log_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let db = people(&folder).db().expect("a value");
    check(&db, SAID, "[[:p/age 36 false]\n [:p/age 37 true]]");
    check(&db.history(), SAID, "[[:p/age 36 false]\n [:p/age 37 true]]");
    check(&db.as_of(3).expect("t 3"), SAID, "[[:p/age 36 false]\n [:p/age 37 true]]");
    check(&db.as_of(2).expect("t 2"), SAID, "[]");
    let old = "[:find (count ?v) . :where [(tx-data $ 2) [[_ _ ?v]]]]";
    check(&db.since(2).expect("t 2"), old, "nil");
    check(
        &db.filter(|datom| datom.added),
        "[:find [?v ...] :where [(tx-data $ 4) [[_ _ ?v]]]]",
        "[#inst \"2020-01-03T00:00:00Z\"]",
    );
    let report = db.with("[[:db/add :p/ada :p/age 38]]").expect("a thought");
    let thought = "[:find [?v ...] :order-by ?v :where [(tx-data $ 5) [[?e _ ?v]]] [?e :db/ident :p/ada]]";
    check(&report.db_after, thought, "[37 38]");
}

#[test]
fn tx_ids_takes_numbers_and_instants() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let db = people(&folder).db().expect("a value");
    let ids = |from: &str, until: &str| format!("[:find [?t ...] :order-by ?t :where [(tx-ids $ {from} {until}) [?t ...]]]");
    check(&db, &ids("nil", "nil"), "[1 2 3 4]");
    check(&db, &ids("2", "4"), "[2 3]");
    check(&db, &ids("#inst \"2020-01-02T00:00:00Z\"", "nil"), "[3 4]");
    check(&db, &ids("#inst \"2020-01-01T12:00:00Z\"", "#inst \"2020-01-03T00:00:00Z\""), "[3]");
    check(&db.as_of(3).expect("t 3"), &ids("2", "nil"), "[2 3]");
    check(&db.since(2).expect("t 2"), &ids("nil", "nil"), "[3 4]");
    let when = "[:find ?t ?when :where [(tx-ids $ 2 3) [?t ...]] [?t :db/txInstant ?when]]";
    check(&db, when, "[[2 #inst \"2020-01-01T00:00:00Z\"]]");
}

#[test]
fn get_some_asks_the_view() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let db = people(&folder).db().expect("a value");
    let query = "[:find [?i ?v] :where [?e :p/age] [(get-some $ ?e :p/name :p/age) [?a ?v]] [?a :db/ident ?i]]";
    check(&db, query, "[:p/age 37]");
    check(&db.as_of(2).expect("t 2"), query, "[:p/name \"Ada\"]");
    let error = db.history().q("[:find ?v :where [(get-some $ :p/ada :p/name) [_ ?v]]]", &[]).expect_err("a history");
    assert_eq!(error.code(), "query/history-view");
}
