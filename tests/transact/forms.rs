//! The forms of transaction data, and what each adds.

use annals::ErrorKind::{Entity, NotAValue, Query, TransactionSyntax, UnknownTransactionFunction, ValueType};
use annals::query::Code;
use annals::transact::{EntityTerm, TxData, prepare};
use annals::{ErrorKind, Partition, Value};

use crate::check::{check, refuse};
use crate::store::{NOW, Store};

const ADA: &str = r#"[{:db/id "ada" :user/email "ada@x" :user/name "Ada" :user/nick ["a" "b"]}
                      {:db/id "bob" :user/email "bob@x" :user/boss "ada"}]"#;

#[test]
fn add_says_a_fact() {
    check("", r#"[[:db/add "x" :user/name "Ada"]]"#, r#"+ x :user/name "Ada""#);
    check("", r#"[:db/add "x" :user/name "Ada"]"#, r#"+ x :user/name "Ada""#);
    check("", r#"[(:db/add "x" :user/name "Ada")]"#, r#"+ x :user/name "Ada""#);
    check(ADA, r#"[[:db/add [:user/email "ada@x"] :user/age 36]]"#, "+ ada :user/age 36");
    check(
        ADA,
        r#"[[:db/add [:user/email "ada@x"] :user/age 36 "why"] [:db/add "why" :note "x"]]"#,
        "+ ada :user/age 36 m why\n+ why :note \"x\"",
    );
    check(ADA, r#"[[:db/add [:user/email "ada@x"] :user/nick #{"b" "c"}]]"#, r#"+ ada :user/nick "c""#);
}

#[test]
fn retract_says_that_a_fact_ends() {
    check(ADA, r#"[[:db/retract [:user/email "ada@x"] :user/name "Ada"]]"#, r#"- ada :user/name "Ada""#);
    check(ADA, r#"[[:db/retract [:user/email "ada@x"] :user/nick]]"#, "- ada :user/nick \"a\"\n- ada :user/nick \"b\"");
    check(
        ADA,
        r#"[[:db/retract [:user/email "ada@x"] :user/name "Ada" [:user/email "bob@x"]]]"#,
        r#"- ada :user/name "Ada" m bob"#,
    );
    check(ADA, r#"[[:db/retract [:user/email "bob@x"] :user/boss [:user/email "ada@x"]]]"#, "- bob :user/boss ada");
    check(ADA, r#"[[:db/retract [:user/email "ada@x"] :user/nick "zzz"]]"#, "");
    check(ADA, r#"[[:db/retract [:user/email "nobody"] :user/nick "a"]]"#, "");
    check(ADA, r#"[[:db/retract [:user/email "ada@x"] :never/seen 1]]"#, "");
    check(ADA, r#"[[:db/retract "unsaid" :user/nick "a"]]"#, "");
    check(ADA, r#"[[:db/retract [:user/email "bob@x"] :user/boss [:user/email "nobody"]]]"#, "");
    check(ADA, r#"[[:db/retract "it" :user/name "Ada"] {:db/id "it" :user/email "ada@x"}]"#, r#"- ada :user/name "Ada""#);
}

#[test]
fn a_map_says_many_facts_of_one_entity() {
    check("", r#"[{:db/id "x" :user/name "Ada" :user/age 36}]"#, "+ x :user/name \"Ada\"\n+ x :user/age 36");
    check("", r#"{:user/name "Ada"}"#, r#"+ _ :user/name "Ada""#);
    check("", r#"[{:db/id "x" :user/nick ["a" "b"]}]"#, "+ x :user/nick \"a\"\n+ x :user/nick \"b\"");
    check("", r#"[{:db/id "x" :user/nick []}]"#, "");
    check("", "[{}]", "");
    check("", r#"[{:db/id "x"}]"#, "");
    check(ADA, r#"[{:db/id [:user/email "ada@x"] :user/age 36}]"#, "+ ada :user/age 36");
    check(
        "",
        r#"[{:db/id "x" :user/name "Ada" :user/age 36 :db/m "run"} {:db/id "run" :note "r"}]"#,
        "+ x :user/name \"Ada\" m run\n+ x :user/age 36 m run\n+ run :note \"r\"",
    );
}

#[test]
fn nested_maps_and_reverse_keys_say_references() {
    check("", r#"[{:db/id "x" :user/boss {:db/id "y" :user/name "Bo"}}]"#, "+ x :user/boss y\n+ y :user/name \"Bo\"");
    check(
        "",
        r#"[{:db/id "x" :user/friend [{:db/id "y" :user/age 1} {:db/id "z" :user/age 2}]}]"#,
        "+ x :user/friend y\n+ x :user/friend z\n+ y :user/age 1\n+ z :user/age 2",
    );
    check(ADA, r#"[{:db/id "x" :user/boss {:user/email "ada@x"}}]"#, "+ x :user/boss ada");
    check("", r#"[{:db/id "x" :order/line {:db/id "y" :user/age 1}}]"#, "+ x :order/line y\n+ y :user/age 1");
    check(
        "",
        r#"[{:db/id "x" :order/lines [{:db/id "y" :user/age 1} {:db/id "z" :user/age 2}]}]"#,
        "+ x :order/lines y\n+ x :order/lines z\n+ y :user/age 1\n+ z :user/age 2",
    );
    check(
        ADA,
        r#"[{:db/id "x" :user/_boss [:user/email "bob@x"] :user/age 1}]"#,
        "+ bob :user/boss x\n- bob :user/boss ada\n+ x :user/age 1",
    );
    check(
        "",
        r#"[{:db/id "x" :user/age 1 :user/_boss [{:db/id "y" :user/age 2} {:db/id "z" :user/age 3}]}]"#,
        "+ x :user/age 1\n+ y :user/boss x\n+ z :user/boss x\n+ y :user/age 2\n+ z :user/age 3",
    );
    check(
        "",
        r#"[{:db/id "x" :user/boss {:db/id "y" :user/name "Bo" :user/boss {:db/id "z" :user/age 1 :db/m "n"}} :db/m "m"}
            {:db/id "m" :note 1} {:db/id "n" :note 2}]"#,
        "+ x :user/boss y m m\n+ y :user/name \"Bo\" m m\n+ y :user/boss z m m\n+ z :user/age 1 m n\n+ m :note 1\n+ n :note 2",
    );
}

#[test]
fn an_attribute_exists_from_its_first_use() {
    check("", r#"[{:db/id "x" :any/thing 1}]"#, "+ x :any/thing 1");
    check("", r#"[{:db/id "x" :any/things #{1 2}}]"#, "+ x :any/things 1\n+ x :any/things 2");
    check("", r#"[{:db/id "x" :any/pair [1 "b"]}]"#, r#"+ x :any/pair [1 "b"]"#);
    check(r#"[{:db/id "x" :any/thing 1}]"#, r#"[{:db/id "y" :any/thing "text"}]"#, r#"+ y :any/thing "text""#);
    check(r#"[{:db/id "x" :any/things #{1}}]"#, r#"[{:db/id "y" :any/things [1 2]}]"#, "+ y :any/things 1\n+ y :any/things 2");
    check("", r#"[{:db/id "x" :any/to #db/id "y"} {:db/id "y" :user/age 1}]"#, "+ x :any/to y\n+ y :user/age 1");
    check(ADA, r#"[{:db/id "x" :any/to #db/id [:user/email "ada@x"]}]"#, "+ x :any/to ada");
    check("", r#"[{:db/id "x" :any/to #db/id :color/red}]"#, "+ x :any/to :color/red");
    check("", r#"[{:db/id "x" :any/kind :color/red}]"#, "+ x :any/kind :color/red");
    check("", r#"[{:db/ident :a/b :db/cardinality :db.cardinality/many} {:db/id "x" :a/b [1 2]}]"#, "+ x :a/b 1\n+ x :a/b 2");
}

#[test]
fn what_comes_into_being_has_an_ident_and_a_cardinality() {
    let store = Store::new();
    let data = TxData::read(r#"[{:db/id "x" :any/thing 1 :any/things #{1}}]"#).expect("the text is right");
    let prepared = prepare(&store, &data, NOW).expect("the transaction is right");
    let text: Vec<String> =
        prepared.datoms.iter().map(|datom| format!("{} {} {}", datom.e >> 32, datom.a & 0xffff, datom.v)).collect();
    let born: Vec<&str> = text.iter().map(String::as_str).filter(|line| line.starts_with("1 ")).collect();
    assert_eq!(born, ["1 1 :any/thing", "1 3 #db/id 4294967316", "1 1 :any/things", "1 3 #db/id 4294967317"]);
    assert!(prepared.changes_schema);
    assert_eq!(prepared.t, 2);
}

#[test]
fn references_are_written_in_many_ways() {
    check(
        ADA,
        r#"[{:db/id "x" :user/friend [[:user/email "ada@x"] "y" :color/red]} [:db/add "y" :user/age 1]]"#,
        "+ x :user/friend ada\n+ x :user/friend y\n+ x :user/friend :color/red\n+ y :user/age 1",
    );
    check(ADA, r#"[{:db/id "x" :user/friend [:user/email "ada@x"]}]"#, "+ x :user/friend ada");
    check("", r#"[{:db/id "x" :user/boss "datomic.tx"}]"#, "+ x :user/boss tx");
    check("", r#"[{:db/id "datomic.tx" :note "why"}]"#, r#"+ tx :note "why""#);
    check("", r#"[[:db/add :db/current-tx :note "why"]]"#, r#"+ tx :note "why""#);
    check("", r#"[[:db/add 3 :note "why"]]"#, r#"+ tx :note "why""#);
    check("", r#"[[:db/add 1 :note "why"]]"#, r#"+ _ :note "why""#);
    check("", r#"[[:db/add :color/red :user/name "Red"]]"#, r#"+ :color/red :user/name "Red""#);
    check("", r#"[{:db/id "x" :user/boss 4294967297}]"#, "+ x :user/boss :db/ident");
    check("", r#"[{:db/id "x" :user/boss #db/id "y"} [:db/add #db/id "y" :user/age 1]]"#, "+ x :user/boss y\n+ y :user/age 1");
    check(ADA, r#"[{:db/id "x" :user/boss [4294967297 :color/red]}]"#, "+ x :user/boss :color/red");
    refuse(ADA, r#"[{:user/boss #my/id "bob"}]"#, ValueType, "1:14", ["ref, not tagged", "lookup reference"]);
}

#[test]
fn a_program_needs_no_text() {
    let store = Store::after(&[crate::check::SCHEMA]);
    let mut data = TxData::new();
    let (ada, bob) = (data.fresh(), EntityTerm::temp("bob"));
    data.add(ada.clone(), "user/name", "Ada").add(ada.clone(), "user/boss", bob.clone());
    data.add_because(bob.clone(), "user/age", 7, ada.clone());
    let prepared = prepare(&store, &data, NOW).expect("the transaction is right");
    let (ada, bob) = (prepared.id_of(&ada).expect("it was used"), prepared.id_of(&bob).expect("it was used"));
    assert_eq!(Partition::of(ada), Partition::DEFAULT);
    assert!(prepared.datoms.iter().any(|datom| datom.e == ada && datom.v == Value::Ref(bob)));
    assert!(prepared.datoms.iter().any(|datom| datom.e == bob && datom.m == ada));
    assert_eq!(prepared.tempids.len(), 1);
}

#[test]
fn a_program_adds_to_what_was_read() {
    let store = Store::after(&[crate::check::SCHEMA]);
    let mut data = TxData::new();
    assert!(data.is_empty() && data.operations().is_empty());
    data = TxData::read(r#"[[:db/add "x" :user/age 1]]"#).expect("right");
    data.add(EntityTerm::temp("x"), "user/name", "Ada").add(EntityTerm::ident("db/current-tx"), "user/name", "said");
    assert!(!data.is_empty() && data.operations().len() == 3);
    let prepared = prepare(&store, &data, NOW).expect("right");
    let said = |e: i64, v: &Value| prepared.datoms.iter().any(|datom| datom.e == e && datom.v == *v);
    let x = prepared.tempids["x"];
    assert!(said(x, &Value::Long(1)) && said(x, &"Ada".into()) && said(prepared.t, &"said".into()));
    let mut wrong = TxData::read(r#"[[:db/add "x" :user/age "old"]]"#).expect("it can be read");
    wrong.add(EntityTerm::temp("x"), "user/name", "Ada");
    assert_eq!(prepare(&store, &wrong, NOW).expect_err("no age").position().map(|at| at.column), Some(2));
}

#[test]
fn a_temporary_id_of_other_data_is_refused() {
    let store = Store::new();
    let stranger = TxData::new().fresh();
    let mut data = TxData::new();
    data.add(stranger, "note", 1);
    let error = prepare(&store, &data, NOW).expect_err("the temporary id is of other data");
    assert_eq!(error.kind(), ErrorKind::Entity);
    assert!(error.help().expect("there is a remedy").contains("same TxData"));
}

#[test]
fn many_transactions_stand_in_one_text() {
    let many = TxData::read_many("[{:a 1}] [{:a 2} {:a 3}] {:a 4} [:db/add \"x\" :a 5]").expect("the text is right");
    assert_eq!(many.iter().map(TxData::len).collect::<Vec<_>>(), [1, 2, 1, 1]);
    assert!(TxData::read_many(" ; nothing\n").expect("the text is right").is_empty());
    assert!(TxData::read("[]").expect("the text is right").is_empty());
}

#[test]
fn a_text_that_is_no_transaction_is_refused_with_its_place() {
    refuse("", "[{:a 1", Query(Code::EdnSyntax), "1:2", ["never closed", "missing"]);
    refuse("", "", TransactionSyntax, "1:1", ["no transaction", "vector of maps"]);
    refuse("", "[{:a 1}]\n [{:a 2}]", TransactionSyntax, "2:2", ["second form", "one vector"]);
    refuse("", "[{:a 1}\n 5]", TransactionSyntax, "2:2", ["maps and operations | 5", ":db/add"]);
    refuse("", "[[]]", TransactionSyntax, "1:2", ["maps and operations", ":db/add"]);
    refuse("", "[[5 :a 1]]", TransactionSyntax, "1:3", ["begins with its keyword | 5", ":db/add"]);
    refuse("", r#"[[:db/add "x" :a]]"#, TransactionSyntax, "1:2", [":db/add has the wrong number", "entity attribute value"]);
    refuse("", r#"[[:db/cas "x" :a 1]]"#, TransactionSyntax, "1:2", [":db/cas has the wrong number", "old new"]);
    refuse("", "[[:db/add 1.5 :a 1]]", TransactionSyntax, "1:11", ["double is no entity | 1.5", "lookup reference"]);
    refuse("", r#"[[:db/add "x" "a" 1]]"#, TransactionSyntax, "1:15", ["string is no attribute", "keyword"]);
    refuse("", r#"[{"a" 1}]"#, TransactionSyntax, "1:3", ["string is no attribute", "keyword"]);
    refuse("", r#"[[:db/retract "x" :a {:b 1}]]"#, TransactionSyntax, "1:2", ["not a map", "each value"]);
}

#[test]
fn an_unknown_operation_is_refused_with_the_nearest() {
    refuse("", "[[:db/ad 1 :a 1]]", UnknownTransactionFunction, "1:3", ["no operation :db/ad | :db/ad", "did you mean :db/add?"]);
    refuse("", "[[:db/retractEntitty 1]]", UnknownTransactionFunction, "1:3", [":db/retractEntitty", ":db/retractEntity?"]);
    refuse("", "[[:db/call 5 1]]", TransactionSyntax, "1:2", ["wrong number of places", "function argument"]);
    refuse("", "[[:my/function 1]]", UnknownTransactionFunction, "1:3", [":my/function", ":db/cas"]);
}

#[test]
fn who_cannot_be_found_is_refused() {
    refuse("", "[[:db/add -1 :a 1]]", Entity, "1:2", ["negative id, -1", "string"]);
    refuse("", "[[:db/add 0 :a 1]]", Entity, "1:2", ["0 is no entity", "from 1"]);
    refuse("", "[[:db/add 99 :a 1]]", Entity, "1:2", ["no transaction 99", "datomic.tx"]);
    refuse("", "[[:db/add 4294967400000 :a {:b nil}]]", NotAValue, "1:32", ["nil", "leave"]);
    refuse("", "[[:db/add 4294967396 :a 1] [:db/add 4294967800 :a 1]]", Entity, "1:28", ["4294967800 is kept", "string"]);
    refuse("", "[[:db/add 4294968295 :a 1]]", Entity, "1:2", ["4294968295 is kept", "string"]);
    let first = prepare(&Store::new(), &TxData::read("[[:db/add 4294968296 :db/doc \"mine\"]]").expect("right"), NOW);
    assert_eq!(first.map(|prepared| prepared.datoms[1].e).ok(), Some(4_294_968_296), "the first id of the user's own");
    // An id that is written out is not given to somebody else.
    let written = prepare(&Store::new(), &TxData::read(r#"[[:db/add 8589934593 :n 1] [:db/add "x" :n 2]]"#).expect("right"), NOW);
    assert_eq!(written.map(|prepared| prepared.tempids["x"]).ok(), Some(8_589_934_594));
    let several = r#"[[:db/add 8589934593 :n 1] [:db/add 68719476737 :n 2] [:db/add 8589934594 :n 3] [:db/add "x" :n 4]]"#;
    let written = prepare(&Store::new(), &TxData::read(several).expect("right"), NOW);
    assert_eq!(written.map(|prepared| prepared.tempids["x"]).ok(), Some(8_589_934_595));
    refuse("", r#"[[:db/add "x" :a 1 "why"]]"#, Entity, "1:2", ["\"why\" is referred to, but nothing is said", "say a fact"]);
    refuse("", "[[:db/add :nobody :a 1]]", Entity, "1:2", [":nobody leads to no entity", "temporary id"]);
    refuse(
        "",
        r#"[[:db/add [:user/email "no"] :a 1]]"#,
        Entity,
        "1:2",
        [r#"[:user/email "no"] leads to no entity"#, "before the transaction"],
    );
    refuse(
        "",
        r#"[{:db/id "x" :user/email "n"} {:db/id [:user/email "n"] :a 1}]"#,
        Entity,
        "1:31",
        ["leads to no entity", "temporary id"],
    );
    refuse(
        "",
        r#"[{:db/id "x" :a 1
             :user/boss [:user/email "no"]}]"#,
        Entity,
        "2:25",
        ["leads to no entity", "temporary id"],
    );
    refuse("", r#"[[:db/add [:user/name "Ada"] :a 1]]"#, Entity, "1:2", [":user/name is not unique", ":db/unique"]);
    refuse("", r#"[[:db/add "x" :user/boss "y"]]"#, Entity, "1:2", [r#"id "y" is referred to"#, "say a fact"]);
    refuse("", r#"[[:db/add "x" :user/name "n" "y"]]"#, Entity, "1:2", [r#"id "y" is referred to"#, "say a fact"]);
    refuse(
        "",
        r#"[[:db/add "x" :user/boss "y"] {:db/id "y" :user/nick []}]"#,
        Entity,
        "1:2",
        [r#"id "y" is referred to"#, "say a fact"],
    );
    refuse("", r#"[[:db/add "x" :db/unqiue true]]"#, Entity, "1:2", [":db/unqiue is no attribute", ":db/unique"]);
    refuse("", r#"[[:db/add "x" :db.type/long true]]"#, Entity, "1:2", ["is no attribute", ":db"]);
    refuse("", r#"[[:db/add "x" :user/_boss "y"]]"#, Entity, "1:2", [":user/_boss cannot name", "reverse key"]);
    refuse("", r#"[[:db/add "x" 77 1]]"#, Entity, "1:2", ["77 is no attribute", "keyword"]);
    refuse("", r#"[{:db/id "x" :user/_boss 1.5}]"#, ValueType, "1:26", ["refer to this one", "temporary id"]);
}
