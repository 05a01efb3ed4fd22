//! What a database value shows of entities, attributes and transactions, through the public interface.
//!
//! Attacked case by case: every form in which an entity can be named, every shape of a map, inputs of queries of every kind, and the
//! error of each wrong use with its code and remedy.

use annals::store::Durability;
use annals::{Connection, Db, EntityRef, Error, Input, Options, Order, Value};

use crate::random_log::store_path;

fn connection(folder: &tempfile::TempDir) -> Connection {
    let options = Options { durability: Durability::Normal, ..Options::default() };
    Connection::open_with(store_path(folder), options).expect("the store opens")
}

/// Two people who know each other, one of whom has a house.
fn people(folder: &tempfile::TempDir) -> (Connection, i64, i64) {
    let connection = connection(folder);
    connection
        .transact(
            "[{:db/ident :p/name :db/cardinality :db.cardinality/one :db/unique :db.unique/identity}
              {:db/ident :p/knows :db/cardinality :db.cardinality/many :db/valueType :db.type/ref}
              {:db/ident :p/house :db/cardinality :db.cardinality/one :db/valueType :db.type/ref :db/isComponent true}
              {:db/ident :p/admin}]",
        )
        .expect("a declaration");
    let report = connection
        .transact(
            r#"[{:db/id "a" :p/name "Ada" :p/age 36 :p/tags #{:x :y} :p/knows "b" :p/house {:house/rooms 4}}
                {:db/id "b" :p/name "Bob" :p/age 17 :p/knows "a"}]"#,
        )
        .expect("people");
    (connection, report.tempids["a"], report.tempids["b"])
}

fn keyword(name: &str) -> Value {
    Value::Keyword(name.into())
}

#[test]
fn an_entity_can_be_named_in_every_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let (connection, ada, _) = people(&folder);
    let db = connection.db().expect("a value");
    let check = |entity: EntityRef, expected: Option<i64>| assert_eq!(db.entity_id(entity).expect("it resolves"), expected);
    check(ada.into(), Some(ada));
    check((":p/name", "Ada").into(), Some(ada));
    check(("p/name", "Ada").into(), Some(ada));
    check((":p/name", "Eve").into(), None);
    check((":no/such", 1).into(), None);
    check(":no/such".into(), None);
    check(EntityRef::try_from(&Value::from(ada)).expect("an id"), Some(ada));
    let lookup = Value::from(vec![keyword("p/name"), "Ada".into()]);
    check(EntityRef::try_from(&lookup).expect("a lookup reference"), Some(ada));
    assert!(db.entity_id(":p/name").expect("it resolves").is_some());
}

#[test]
fn a_report_lists_its_datoms_in_the_order_of_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let (connection, ada, bob) = people(&folder);
    let text = format!("[{{:db/id {bob} :p/name \"Ben\" :p/age 18}} {{:db/id {ada} :p/age 37 :p/name \"Eve\" :p/tags #{{:z}}}}]");
    let report = connection.transact(&text).expect("two values of each are replaced");
    let log = report.db_after.tx_range(report.t.expect("it said something")..).expect("the log");
    assert_eq!(report.datoms.len(), 10, "an instant, four values replaced, and a set");
    assert_eq!(log.iter().flat_map(|each| each.datoms.clone()).collect::<Vec<_>>(), report.datoms);
}

#[track_caller]
fn check_refused<T: std::fmt::Debug>(outcome: Result<T, Error>, code: &str) {
    let error = outcome.expect_err("it is wrong");
    assert_eq!(error.code(), code, "{error}");
    assert!(error.help().is_some(), "there is a remedy: {error}");
}

#[test]
fn wrong_uses_are_refused_with_a_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let (connection, ada, _) = people(&folder);
    let db = connection.db().expect("a value");
    check_refused(db.entity((":p/age", 36)), "query/not-unique");
    check_refused(EntityRef::try_from(&Value::from("Ada")), "transaction/entity");
    check_refused(db.datoms(Order::Eavt, &[ada.into(), 1.into(), 1.into(), 1.into(), 1.into()]), "cli/usage");
    check_refused(db.q("[:find ?x :in $ ?x]", &[]), "query/input-count");
    check_refused(db.q("[:find ?x :in $ ?x]", &[1.into(), 2.into()]), "query/input-count");
    check_refused(db.q("[:find ?x :in $ $more :where [$more ?x]]", &["text".into()]), "query/input-shape");
    let error = db.q("[:find ?x\n :where [?e :p/name ?y]]", &[]).expect_err("nothing binds ?x");
    assert_eq!(error.position().map(|position| (position.line, position.column)), Some((1, 8)), "{error}");
}

#[test]
fn an_entity_is_a_map_of_what_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let (connection, ada, bob) = people(&folder);
    let db = connection.db().expect("a value");
    let map = db.entity(ada).expect("it can be read").expect("Ada is known");
    assert_eq!(map[&keyword("db/id")], Value::from(ada));
    assert_eq!(map[&keyword("p/name")], Value::from("Ada"));
    assert_eq!(map[&keyword("p/tags")], Value::Set(std::sync::Arc::new([keyword("x"), keyword("y")].into())));
    assert_eq!(map[&keyword("p/knows")], Value::Set(std::sync::Arc::new([Value::Ref(bob)].into())));
    assert_eq!(db.entity(1 << 40).expect("it can be read"), None);
    assert_eq!(
        db.pull("[:p/name {:p/knows [:p/name]}]", ada).expect("a pull").to_string(),
        r#"{:p/knows [{:p/name "Bob"}], :p/name "Ada"}"#
    );
    assert_eq!(db.pull("[{:p/_knows [:p/name]}]", ada).expect("a pull").to_string(), r#"{:p/_knows [{:p/name "Bob"}]}"#);
    let many = db.pull_many("[:p/age]", [EntityRef::from((":p/name", "Bob")), EntityRef::from((":p/name", "Eve")), ada.into()]);
    let many: Vec<String> = many.expect("pulls").iter().map(Value::to_string).collect();
    assert_eq!(many, ["{:p/age 17}", "nil", "{:p/age 36}"]);
}

#[track_caller]
fn check_query(db: &Db, query: &str, inputs: &[Input], expected: &str) {
    let answer = db.q(query, inputs).unwrap_or_else(|error| panic!("{error}: {query}"));
    let mut rows: Vec<String> =
        answer.rows.iter().map(|row| row.iter().map(Value::to_string).collect::<Vec<_>>().join(" ")).collect();
    rows.sort();
    assert_eq!(rows.join(" | "), expected, "{query}");
}

#[test]
fn a_query_takes_inputs_of_every_kind() {
    let folder = tempfile::tempdir().expect("a folder");
    let (connection, ada, _) = people(&folder);
    let before = connection.db().expect("a value");
    connection.transact(&format!("[[:db/add {ada} :p/age 37]]")).expect("a birthday");
    let db = connection.db().expect("a value");
    check_query(&db, "[:find ?age :where [?e :p/name \"Ada\"] [?e :p/age ?age]]", &[], "37");
    check_query(
        &db,
        "[:find ?name :in $ ?min :where [?e :p/age ?age] [(> ?age ?min)] [?e :p/name ?name]]",
        &[20.into()],
        "\"Ada\"",
    );
    let two = "[:find ?now ?then :in $ $then :where [?e :p/age ?now] [$then ?e :p/age ?then] [(not= ?now ?then)]]";
    check_query(&db, two, &[(&before).into()], "37 36");
    let rules = "[[(knows ?a ?b) [?a :p/knows ?b]] [(knows ?a ?b) [?a :p/knows ?x] (knows ?x ?b)]]";
    let closure = "[:find (count ?b) . :in $ % ?a :where (knows ?a ?b)]";
    check_query(&db, closure, &[rules.into(), ada.into()], "2");
    let rows = Value::from(vec![Value::from(vec![Value::from("Ada"), 1.into()])]);
    check_query(&db, "[:find ?n :in $ $rows :where [$rows ?name ?n] [_ :p/name ?name]]", &[rows.into()], "1");
    check_query(&db, "[:find (pull ?e pattern) :in $ ?e pattern]", &[ada.into(), "[:p/age]".into()], "{:p/age 37}");
    check_query(
        &db,
        "[:find ?a ?v ?added :in $ ?e :where [?e :p/age ?v ?t _ ?added] [(ground 0) ?a]]",
        &[ada.into()],
        "0 37 true",
    );
    let lookup = Value::from(vec![keyword("p/name"), "Ada".into()]);
    check_query(&db, "[:find ?age :in $ ?e :where [?e :p/age ?age]]", &[lookup.into()], "37");
    let plan = db.explain("[:find ?e :where [?e :p/name \"Ada\"]]", &[]).expect("a plan");
    assert!(!plan.to_string().is_empty());
}

#[test]
fn a_transaction_that_says_nothing_new_takes_no_t_and_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (connection, ada, _) = people(&folder);
    let before = connection.db().expect("a value").basis_t();
    let report = connection.transact(&format!("[[:db/add {ada} :p/age 36]]")).expect("it is right");
    assert_eq!((report.t, report.is_empty(), report.db_after.basis_t()), (None, true, before));
    assert_eq!(connection.db().expect("a value").basis_t(), before);
}

#[test]
fn an_attribute_that_becomes_unique_later_leads_to_what_was_said_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = connection(&folder);
    let report = connection.transact(r#"[{:db/id "x" :user/email "x@y"}]"#).expect("a user");
    connection.transact("[{:db/ident :user/email :db/unique :db.unique/identity}]").expect("a declaration");
    let db = connection.db().expect("a value");
    assert_eq!(db.entity_id((":user/email", "x@y")).expect("it resolves"), Some(report.tempids["x"]));
    let other = Connection::open_existing(store_path(&folder)).expect("it opens");
    let same = other.transact(r#"[{:user/email "x@y" :user/age 3}]"#).expect("it is right");
    assert_eq!(same.datoms.iter().find(|datom| datom.v == Value::from(3)).map(|datom| datom.e), Some(report.tempids["x"]));
}

#[test]
fn retracting_an_entity_takes_along_what_refers_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (connection, ada, bob) = people(&folder);
    connection.transact(&format!("[[:db/retractEntity {ada}]]")).expect("it is right");
    let db = connection.db().expect("a value");
    assert_eq!(db.entity(ada).expect("it can be read"), None);
    let knows = db.datoms(Order::Eavt, &[bob.into(), keyword("p/knows")]).expect("datoms can be read");
    assert_eq!(knows, []);
    check_query(&db, "[:find ?r :where [_ :house/rooms ?r]]", &[], "");
}

#[test]
fn a_store_opened_for_reading_is_read_and_refuses_to_be_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let (connection, ada, _) = people(&folder);
    let reader = Connection::open_read_only(store_path(&folder)).expect("it opens");
    assert!(reader.db().expect("a value").entity(ada).expect("it can be read").is_some());
    check_refused(reader.transact("[{:a/b 1}]"), "store/read-only");
    connection.transact("[{:a/b 1}]").expect("it is right");
    check_query(&reader.db().expect("a value"), "[:find ?v :where [_ :a/b ?v]]", &[], "1");
    check_refused(Connection::open_existing(folder.path().join("other.db")), "store/missing");
}

#[test]
fn an_index_pull_walks_an_attribute_from_a_place_in_either_direction() {
    use annals::Walk;
    let folder = tempfile::tempdir().expect("a folder");
    let (connection, ada, bob) = people(&folder);
    connection.transact("[{:p/name \"Eve\" :p/age 36}]").expect("a person");
    let db = connection.db().expect("a value");
    let names = |order: Order, walk: &Walk| {
        let pulled = db.index_pull(order, "[:p/name]", walk).expect("pulls");
        pulled.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ").replace("{:p/name ", "").replace(['}', '"'], "")
    };
    let ages = Walk::of(":p/age");
    assert_eq!(names(Order::Avet, &ages), "Bob Ada Eve");
    assert_eq!(names(Order::Avet, &ages.clone().reversed()), "Eve Ada Bob");
    assert_eq!(names(Order::Avet, &ages.clone().from(17)), "Bob Ada Eve");
    assert_eq!(names(Order::Avet, &ages.clone().from(18)), "Ada Eve");
    assert_eq!(names(Order::Avet, &ages.clone().from(36).reversed()), "Eve Ada Bob");
    assert_eq!(names(Order::Avet, &ages.clone().from(35).reversed()), "Bob");
    assert_eq!(names(Order::Avet, &ages.clone().from(99)), "");
    assert_eq!(names(Order::Avet, &Walk { offset: 1, limit: Some(1), ..ages.clone() }), "Ada");
    let at_ada = Walk { start: vec![keyword("p/age"), 36.into(), ada.into()], ..Walk::default() };
    assert_eq!(names(Order::Avet, &at_ada), "Ada Eve");
    assert_eq!(names(Order::Avet, &at_ada.clone().reversed()), "Ada Bob");
    let known = Walk::of("p/knows");
    assert_eq!(names(Order::Aevt, &known), "Bob Ada");
    assert_eq!(names(Order::Aevt, &known.clone().from(bob)), "Ada");
    assert_eq!(names(Order::Aevt, &known.from(Value::from(vec![keyword("p/name"), "Bob".into()]))), "Ada");
    assert_eq!(names(Order::Avet, &Walk::of(":no/such")), "");
    let then = db.as_of(2).expect("a moment");
    assert!(then.index_pull(Order::Avet, "[:p/name]", &ages).expect("pulls").is_empty());
    check_refused(db.history().index_pull(Order::Avet, "[:p/name]", &ages), "query/history-view");
    check_refused(db.index_pull(Order::Eavt, "[:p/name]", &ages), "cli/usage");
    check_refused(db.index_pull(Order::Avet, "[:p/name]", &Walk::default()), "cli/usage");
    check_refused(db.index_pull(Order::Aevt, "[:p/name]", &Walk::of("p/knows").from("no/such")), "transaction/entity");
    check_refused(db.index_pull(Order::Aevt, "[:p/name]", &Walk::of("p/knows").from(keyword("no/such"))), "contract/not-found");
}

#[test]
fn a_value_that_is_replaced_is_the_one_that_held_whatever_was_said_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = connection(&folder);
    let steps = [
        "[{:db/ident :k/v :db/cardinality :db.cardinality/many} {:db/id \"e\" :db/ident :k/e :k/v #{1 2 3}}]",
        // What was said last is taken back, and something older holds alone.
        "[[:db/retract :k/e :k/v 1] [:db/retract :k/e :k/v 3]]",
        "[{:db/ident :k/v :db/cardinality :db.cardinality/one}]",
    ];
    for step in steps {
        connection.transact(step).expect(step);
    }
    let held = || connection.db().and_then(|db| db.q("[:find [?v ...] :where [:k/e :k/v ?v]]", &[])).expect("an answer").to_edn();
    assert_eq!(held(), "[2]");
    for value in [4, 5, 4, 4, 6] {
        connection.transact(&format!("[[:db/add :k/e :k/v {value}]]")).expect("it is replaced");
        assert_eq!(held(), format!("[{value}]"));
    }
    connection.transact("[[:db/retract :k/e :k/v 6]]").expect("it is taken back");
    assert_eq!(held(), "[]");
    connection.transact("[[:db/cas :k/e :k/v nil 7]]").expect("nothing held");
    connection.transact("[[:db/cas :k/e :k/v 7 8]]").expect("7 held");
    assert_eq!(held(), "[8]");
    assert_eq!(connection.store().verify().expect("a report").problem, None);
}
