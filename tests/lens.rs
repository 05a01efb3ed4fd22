//! Promise: a database value seen through a lens is asked in every way that a value is asked, keeps its lens in every view of time, and
//! lenses and rules that a store keeps are found by name in each of them. Attacked with one small store, asked through lenses at all of
//! its moments, and with names, rules and lenses that are wrong.

use std::sync::Arc;

use annals::query::Code;
use annals::{Connection, Db, ErrorKind, Input, Lens, Value};
use tempfile::TempDir;

const LENS: &str = r#"{:lens/name :crm/v2
    :lens/rename {:user/email :identity/contact :user/boss :identity/parent}
    :lens/hide [:identity/contact]
    :lens/coerce {:order/total :bigdec}
    :lens/default {:order/total {:order/state :new}}
    :lens/compute {:user/label (str ?user/email "!")}
    :lens/rules [[(rich ?u) [?u :order/total ?n] [(> ?n 10)]]]
    :lens/on-failure :skip}"#;

fn store() -> (TempDir, Connection) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = Connection::open(folder.path().join("annals.db")).expect("a new store");
    for transaction in [
        "[{:db/ident :identity/contact :db/unique :db.unique/identity} {:db/ident :identity/parent :db/valueType :db.type/ref}]",
        r#"[{:identity/contact "ada" :order/total "12.50"}]"#,
        r#"[{:identity/contact "bob" :order/total "7" :identity/parent [:identity/contact "ada"]}]"#,
        r#"[{:identity/contact "bob" :order/total "70"} {:identity/contact "cat" :order/total "much"}]"#,
    ] {
        connection.transact(transaction).expect(transaction);
    }
    (folder, connection)
}

fn lens(text: &str) -> Lens {
    Lens::read(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn check(db: &Db, query: &str, expected: &str) {
    let answer = db.q(query, &[]).unwrap_or_else(|error| panic!("{query}: {error}"));
    assert_eq!(answer.to_edn(), expected, "{query}");
}

const TOTALS: &str = "[:find ?email ?total :where [?u :user/email ?email] [?u :order/total ?total] :order-by ?email]";

#[test]
fn a_value_keeps_its_lens_in_every_view_of_time() {
    let (_folder, connection) = store();
    let db = connection.db().expect("a value").through(&lens(LENS));
    check(
        &db,
        TOTALS,
        r#"[["ada" 12.50M]
 ["bob" 70M]]"#,
    );
    check(
        &db.as_of(4).expect("a view"),
        TOTALS,
        r#"[["ada" 12.50M]
 ["bob" 7M]]"#,
    );
    check(&db.as_of(4).expect("a view").now(), "[:find (count ?u) . :where [?u :order/total]]", "2");
    check(&db.since(4).expect("a view"), "[:find [?total ...] :where [_ :order/total ?total]]", "[70M]");
    check(
        &db.history(),
        "[:find ?total ?t ?added :where [[:user/email \"bob\"] :order/total ?total ?t _ ?added] :order-by [?t ?added]]",
        "[[7M 4 true]\n [7M 5 false]\n [70M 5 true]]",
    );
    check(&db.filter(|datom| datom.t != 5), "[:find [?total ...] :where [_ :order/total ?total] :order-by ?total]", "[12.50M]");
    check(
        &db,
        "[:find ?total ?added :where [(tx-data $ 5) [[_ ?a ?total _ _ ?added]]] [?a :db/ident :order/total] :order-by ?added]",
        "[[7M false]\n [70M true]]",
    );
    let report = db.with(r#"[{:identity/contact "dan" :order/total "1"}]"#).expect("stored names");
    check(&report.db_after, "[:find ?total . :where [[:user/email \"dan\"] :order/total ?total]]", "1M");
    check(
        &connection.db().expect("a value"),
        "[:find ?total . :where [[:identity/contact \"bob\"] :order/total ?total]]",
        "\"70\"",
    );
}

#[test]
fn a_lens_is_seen_by_queries_pulls_entities_and_rules() {
    let (_folder, connection) = store();
    let db = connection.db().expect("a value").through(&lens(LENS));
    check(&db, "[:find [?label ...] :where (rich ?u) [?u :user/label ?label] :order-by ?label]", r#"["ada!" "bob!"]"#);
    let with_own = "[:find [?label ...] :in $ % :where (rich ?u) (under ?u) [?u :user/label ?label]]";
    let own = db.q(with_own, &["[[(under ?u) [?u :user/boss]]]".into()]).expect("rules of both");
    assert_eq!(own.to_edn(), r#"["bob!"]"#);
    let twice =
        db.q(with_own, &["[[(rich ?u) [?u :user/boss]] [(under ?u) [?u :user/boss]]]".into()]).expect_err("two of a name");
    assert_eq!(twice.message(), "the rule `rich` stands in rules and in the lens :crm/v2");

    let bob = db.pull("[:user/email :order/state {:user/boss [:user/label]}]", (":user/email", "bob")).expect("a pull");
    assert_eq!(bob.to_string(), r#"{:order/state :new, :user/boss {:user/label "ada!"}, :user/email "bob"}"#);
    let ada = db.pull("[* {:user/_boss [:user/label]}]", (":user/email", "ada")).expect("a pull").to_string();
    assert!(ada.contains(r#":user/_boss [{:user/label "bob!"}]"#) && ada.contains(":order/total 12.50M"), "{ada}");
    assert!(!ada.contains(":identity/contact"), "{ada}");
    let entity = db.entity((":user/email", "cat")).expect("an entity").expect("it is there");
    let entity =
        Value::Map(Arc::new(entity.into_iter().filter(|(key, _)| *key != Value::keyword("db/id")).collect())).to_string();
    assert_eq!(entity, r#"{:user/email "cat", :user/label "cat!"}"#);
    assert!(db.entity((":identity/contact", "cat")).expect("a hidden name leads nowhere").is_none());
    let plan = db.explain(TOTALS, &[]).expect("a plan").to_string();
    assert!(plan.contains(":user/email"), "{plan}");
    let stored = db.datoms(annals::Order::Aevt, &[Value::keyword("order/total")]).expect("datoms");
    assert!(stored.iter().any(|datom| datom.v == Value::from("much")), "datoms are as they are stored");
}

#[test]
fn a_store_keeps_lenses_and_rules_by_name() {
    let (_folder, connection) = store();
    let report = connection.keep_lens(LENS).expect("a lens with a name");
    let db = connection.db().expect("a value");
    assert_eq!(db.lens_names().expect("names"), ["crm/v2".into()] as [Arc<str>; 1]);
    let then = db
        .as_of(4)
        .expect("a view")
        .through(&db.as_of(4).expect("a view").lens_named("crm/v2").expect("names are read as of now"));
    check(&then, "[:find (count ?u) . :where [?u :user/label]]", "2");
    connection.keep_lens("{:lens/name :crm/v2 :lens/rename {:mail :identity/contact}}").expect("a newer one");
    assert!(connection.db().expect("a value").lens_text("crm/v2").expect("it is kept").contains(":mail"));
    assert!(report.t.is_some());

    connection.keep_rules("my/orders", "[[(order ?o ?n) [?o :order/total ?n]]]").expect("sound rules");
    connection.keep_rules("my/people", "[[(person ?o ?n) [?o :identity/contact ?n]]]").expect("sound rules");
    let db = connection.db().expect("a value");
    let ask = |rules: Value| db.q("[:find ?who . :in $ % :where (order ?o \"70\") (person ?o ?who)]", &[rules.into()]);
    let several = Value::vector([Value::keyword("my/orders"), Value::keyword("my/people")]);
    assert_eq!(ask(several).expect("both").to_edn(), "\"bob\"");
    let mixed = Value::vector([Value::keyword("my/orders"), "[[(person ?o ?n) [?o :identity/contact ?n]]]".into()]);
    assert_eq!(ask(mixed).expect("a name and a text").to_edn(), "\"bob\"");
    let unknown = ask(Value::keyword("my/order")).expect_err("no such name");
    assert_eq!((unknown.kind(), unknown.help()), (ErrorKind::Query(Code::UnknownRule), Some("did you mean `:my/orders`?")));
}

#[test]
fn what_is_kept_is_sound_and_errors_show_the_rules_own_place() {
    let (_folder, connection) = store();
    let nameless = connection.keep_lens("{:lens/rename {:a :b}}").expect_err("no name");
    assert_eq!(nameless.kind(), ErrorKind::Usage);
    let wrong = connection.keep_lens("{:lens/name :a\n :lens/renme {}}").expect_err("no such key");
    assert_eq!(
        (wrong.kind(), wrong.position().map(|at| (at.line, at.column))),
        (ErrorKind::Query(Code::LensSyntax), Some((2, 2)))
    );
    let unsound = connection.keep_rules("a", "[[(r ?x)\n  [(< ?x ?y)]]]").expect_err("nothing binds ?y");
    assert_eq!(unsound.kind(), ErrorKind::Query(Code::UnboundVariable));
    assert_eq!(unsound.position().map(|at| at.line), Some(2));

    // A transaction may say anything; whoever asks with it hears where it is wrong.
    connection
        .transact(r#"[{:rules/name :a :rules/text "[[(r ?x)\n  [?x :order/total ?n] [(< ?n ?y)]]]"}]"#)
        .expect("plain facts");
    let db = connection.db().expect("a value");
    let error = db.q("[:find ?x :in $ % :where (r ?x)]", &[Value::keyword("a").into()]).expect_err("nothing binds ?y");
    assert_eq!((error.kind(), error.position().map(|at| at.line)), (ErrorKind::Query(Code::UnboundVariable), Some(2)));
}

#[test]
fn a_search_for_words_is_asked_of_the_text_and_answered_through_the_lens() {
    let (_folder, connection) = store();
    let declared = "[{:db/ident :note/text :db/valueType :db.type/string :db/cardinality :db.cardinality/one :db/fulltext true}]";
    connection.transact(declared).expect("a declaration");
    connection.transact(r#"[{:note/text "the moon is full"} {:note/text "no stars"}]"#).expect("two notes");
    let db = connection.db().expect("a value");
    let words = "[:find [?text ...] :where [(fulltext $ :memo \"moon\") [[?e ?text]]]]";
    check(&db.through(&lens("{:lens/rename {:memo :note/text}}")), words, r#"["the moon is full"]"#);
    let loud = lens("{:lens/rename {:memo :note/text} :lens/coerce {:memo upper-case}}");
    check(&db.through(&loud), words, r#"["THE MOON IS FULL"]"#);
}

#[test]
fn one_query_sees_two_readings_of_one_store() {
    let (_folder, connection) = store();
    let db = connection.db().expect("a value");
    let other = db.through(&lens("{:lens/rename {:mail :identity/contact} :lens/coerce {:order/total :string}}"));
    let answer = db.through(&lens(LENS)).q(
        "[:find ?email ?text ?total :in $ $other :where [?u :user/email ?email] [?u :order/total ?total]
          [$other ?u :mail ?email] [$other ?u :order/total ?text] :order-by ?email]",
        &[Input::Db(other)],
    );
    assert_eq!(answer.expect("two readings").to_edn(), "[[\"ada\" \"12.50\" 12.50M]\n [\"bob\" \"70\" 70M]]");
}
