//! Promise: functions, predicates and aggregates that a program registers are known to every database value of its connection, at any
//! time, and to its transactions; their own errors come out whole. Attacked through the public interface: queries, pulls, attribute
//! predicates, views of every kind, and programs that do not know the name.

use annals::query::engine;
use annals::store::Durability;
use annals::{Arity, Connection, Db, Error, Functions, Options, Value};

use crate::random_log::store_path;

/// What the tests' own functions fail with.
#[derive(Debug)]
struct Unpriced;

impl std::fmt::Display for Unpriced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nobody knows the price")
    }
}

impl std::error::Error for Unpriced {}

fn functions() -> annals::query::Result<Functions> {
    Functions::new()
        .with_function("shop/gross", Arity::exactly(1), |args| match args[0] {
            Value::Long(0) => Err(Unpriced),
            Value::Long(net) => Ok(Value::Long(net * 119 / 100)),
            _ => Ok(Value::Nil),
        })?
        .with_predicate("shop/fair?", Arity::exactly(1), |args| match args[0] {
            Value::Long(0) => Err(Unpriced),
            Value::Long(-1) => panic!("a price below nothing"),
            Value::Long(net) => Ok(net < 1000),
            _ => Ok(false),
        })?
        .with_aggregate("shop/least", |values| Ok::<_, Unpriced>(values[0].clone()))
}

fn connection(folder: &tempfile::TempDir, functions: Functions) -> Connection {
    let options = Options { durability: Durability::Normal, functions, ..Options::default() };
    Connection::open_with(store_path(folder), options).expect("the store opens")
}

fn shop(folder: &tempfile::TempDir) -> Connection {
    let connection = connection(folder, functions().expect("free names"));
    connection.transact(r#"[{:item/name "tea" :item/net 100} {:item/name "gold" :item/net 5000}]"#).expect("items");
    connection.transact(r#"[{:item/name "salt" :item/net 200}]"#).expect("an item");
    connection
}

fn ask(db: &Db, query: &str) -> String {
    db.q(query, &[]).unwrap_or_else(|error| panic!("{query}: {error}")).to_edn()
}

fn is_unpriced(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.downcast_ref::<Unpriced>().is_some())
}

const FAIR: &str = "[:find [?g ...] :order-by ?g :where [?e :item/net ?n] [(shop/fair? ?n)] [(shop/gross ?n) ?g]]";

#[test]
fn every_value_of_a_connection_knows_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = shop(&folder);
    let db = connection.db().expect("a value");
    assert_eq!(ask(&db, FAIR), "[119 238]");
    assert_eq!(ask(&db, "[:find (shop/least ?n) . :where [_ :item/net ?n]]"), "100");
    assert_eq!(ask(&db.as_of(2).expect("t 2"), FAIR), "[119]");
    assert_eq!(ask(&db.since(2).expect("t 2"), FAIR), "[238]");
    assert_eq!(ask(&db.history(), FAIR), "[119 238]");
    assert_eq!(ask(&db.as_of(2).expect("t 2").now(), FAIR), "[119 238]");
    assert_eq!(ask(&db.filter(|datom| datom.t < 3), FAIR), "[119]");
    let report = db.with("[{:item/net 300}]").expect("a thought");
    assert_eq!(ask(&report.db_after, FAIR), "[119 238 357]");
    let report = connection.transact("[{:item/net 400}]").expect("an item");
    assert_eq!(ask(&report.db_before, FAIR), "[119 238]");
    assert_eq!(ask(&report.db_after, FAIR), "[119 238 476]");
    assert!(db.explain(FAIR, &[]).is_ok());
}

#[test]
fn pulls_know_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let db = shop(&folder).db().expect("a value");
    let pulls = ask(&db, "[:find [(pull ?e [(:item/net :xform shop/gross :as :gross)]) ...] :where [?e :item/name \"tea\"]]");
    assert_eq!(pulls, "[{:gross 119}]");
    let tea = db.q("[:find ?e . :where [?e :item/name \"tea\"]]", &[]).expect("tea").rows[0][0].as_long().expect("an id");
    assert_eq!(db.pull("[(:item/net :xform shop/gross)]", tea).expect("known").to_string(), "{:item/net 119}");
}

#[test]
fn one_value_can_learn_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    drop(shop(&folder));
    let plain = connection(&folder, Functions::new()).db().expect("a value");
    assert_eq!(plain.q(FAIR, &[]).expect_err("nobody registered it").code(), "query/unknown-function");
    let db = plain.clone().with_functions(functions().expect("free names"));
    assert_eq!(ask(&db, FAIR), "[119 238]");
    assert_eq!(ask(&db.as_of(2).expect("t 2"), FAIR), "[119]");
    let options = engine::Options { functions: functions().expect("free names"), ..engine::Options::default() };
    let answer = plain.q_within(FAIR, &[], options, &annals::query::Budget::default()).expect("a right query");
    assert_eq!(answer.to_edn(), "[119 238]");
}

#[test]
fn transactions_are_checked_by_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = shop(&folder);
    let fair = connection.transact("[{:db/ident :sale/net :db.attr/preds shop/fair?}]");
    fair.expect("a registered predicate may be named");
    connection.transact("[{:sale/net 999}]").expect("a fair price");
    let error = connection.transact("[{:sale/net 1000}]").expect_err("an unfair price");
    assert_eq!((error.code(), error.message()), ("transaction/check", ":sale/net 1000 does not satisfy `shop/fair?`"));
    let error = connection.transact("[{:sale/net 1}\n {:sale/net 0}]").expect_err("the predicate itself fails");
    assert_eq!((error.code(), error.message()), ("query/function-failed", "`shop/fair?` failed: nobody knows the price"));
    assert_eq!(error.position().map(|place| place.line), Some(2));
    assert!(is_unpriced(&error));
    let error = connection.transact("[{:sale/net -1}]").expect_err("the predicate panics");
    assert_eq!((error.code(), error.message()), ("query/function-failed", "`shop/fair?` failed: it panicked"));
    connection.transact("[{:sale/net 2}]").expect("the connection lives on");
    let error = connection.db().expect("a value").with("[{:sale/net 1000}]").expect_err("an unfair price");
    assert_eq!(error.code(), "transaction/check");

    let error = connection.transact("[{:db/ident :item/net :db.attr/preds shop/fair?}]").expect_err("gold is not fair");
    assert_eq!(error.code(), "transaction/declaration");
    let error = connection.transact("[{:db/ident :sale/x :db.attr/preds shop/fare?}]").expect_err("a misspelt name");
    assert_eq!((error.code(), error.help()), ("transaction/unknown-function", Some("did you mean `shop/fair?`?")));
}

#[test]
fn a_program_that_does_not_know_a_predicate_cannot_write_past_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    shop(&folder).transact("[{:db/ident :sale/net :db.attr/preds shop/fair?}]").expect("a declaration");
    let plain = connection(&folder, Functions::new());
    let error = plain.transact("[{:sale/net 1}]").expect_err("nobody registered it");
    assert_eq!((error.code(), error.value()), ("transaction/unknown-function", Some("shop/fair?")));
    assert!(error.help().is_some_and(|help| help.contains("Options::functions")));
    plain.transact("[{:item/net 1}]").expect("other attributes are free");
}

#[test]
fn what_a_function_fails_with_comes_out_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = shop(&folder);
    connection.transact("[{:item/net 0}]").expect("an item");
    let error = connection.db().expect("a value").q("[:find ?g :where [_ :item/net ?n]\n [(shop/gross ?n) ?g]]", &[]);
    let error = error.expect_err("a price of 0");
    assert_eq!((error.code(), error.message()), ("query/function-failed", "`shop/gross` failed: nobody knows the price"));
    assert_eq!(error.position().map(|place| (place.line, place.column)), Some((2, 3)));
    assert!(is_unpriced(&error));
}
