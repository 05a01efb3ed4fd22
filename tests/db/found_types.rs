//! Promise: a comparison reads no more than it must where nobody declared a type, as long as all values have one, and answers as ever where they
//! have several: now, in the past, and in values that `with` made.

use annals::store::Durability;
use annals::{Connection, Db, Options};

use crate::random_log::store_path;

const OVER_95: &str = "[:find [?e ...] :where [?e :size ?s] [(> ?s 95)]]";

fn is_range(db: &Db) -> bool {
    db.explain(OVER_95, &[]).expect("it is answered").to_string().contains("with 95 < ?s")
}

#[track_caller]
fn check(db: &Db, expected: Result<usize, &str>) {
    let answer = db.q(OVER_95, &[]).map(|answer| answer.rows.len());
    match (answer, expected) {
        (Ok(rows), Ok(expected)) => assert_eq!(rows, expected),
        (Err(error), Err(code)) => assert_eq!(error.code(), code, "{error}"),
        (answer, expected) => panic!("{answer:?}, where {expected:?} was expected"),
    }
}

#[test]
fn a_comparison_is_a_range_while_all_values_have_one_type() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Options { durability: Durability::Normal, ..Options::default() };
    let connection = Connection::open_with(store_path(&folder), options).expect("the store opens");
    let items = (0..100).map(|n| format!("{{:db/id \"i{n}\" :size {n}}}")).collect::<Vec<_>>().concat();
    let first = connection.transact(&format!("[{items}]")).expect("items").tempids["i0"];
    let longs = connection.db().expect("a value");
    check(&longs, Ok(4));
    assert!(is_range(&longs));

    let with_more = longs.with("[{:size 1000}]").expect("one more").db_after;
    check(&with_more, Ok(5));
    assert!(is_range(&with_more));
    let with_text = longs.with("[{:size \"large\"}]").expect("a text").db_after;
    check(&with_text, Err("query/incomparable"));
    check(&longs, Ok(4));
    assert!(is_range(&longs), "what `with` adds is no other value's");

    let text = connection.transact("[{:db/id \"text\" :size \"large\"}]").expect("a text").tempids["text"];
    let mixed = connection.db().expect("a value");
    check(&mixed, Err("query/incomparable"));
    check(&mixed.as_of(mixed.basis_t() - 1).expect("a moment"), Ok(4));
    check(&longs, Ok(4));
    connection.transact(&format!("[[:db/retract {text} :size \"large\"] [:db/add {first} :size 96]]")).expect("a retraction");
    let longs_again = connection.db().expect("a value");
    check(&longs_again, Ok(5));
    check(&longs_again.history(), Err("query/incomparable"));
    check(&mixed, Err("query/incomparable"));
}

#[test]
fn references_are_compared_as_the_longs_that_they_are_seen_as() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = Connection::open(store_path(&folder)).expect("the store opens");
    let ids =
        connection.transact("[{:db/id \"a\" :part {:db/id \"b\" :name \"b\"}} {:part {:name \"c\"}}]").expect("parts").tempids;
    let b = ids["b"];
    let after = |operator: &str| {
        let query = format!("[:find (count ?e) . :where [?e :part ?p] [({operator} ?p {b})]]");
        connection.db().expect("a value").q(&query, &[]).expect("it is answered").rows
    };
    assert_eq!((after("<=").len(), after(">").len()), (1, 1));
    assert_eq!(after("<=")[0][0], 1.into());
    assert_eq!(after(">=")[0][0], 2.into());
}
