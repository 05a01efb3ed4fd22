//! Which values a fact may have, and how they are read under a declared type.

use annals::ErrorKind::{Check, Declaration, NotAValue, TransactionLimit, ValueType};
use annals::transact::{TxData, prepare};
use annals::{ErrorKind, Value, limits};

use crate::check::{check, refuse};
use crate::store::{NOW, Store};

#[test]
fn a_number_is_taken_where_the_type_holds_it_exactly() {
    check("", r#"[{:db/id "x" :user/score 2}]"#, "+ x :user/score 2.0");
    check("", r#"[{:db/id "x" :user/big 2}]"#, "+ x :user/big 2N");
    check("", r#"[{:db/id "x" :user/exact 2}]"#, "+ x :user/exact 2M");
    check("", r#"[{:db/id "x" :user/exact 2N}]"#, "+ x :user/exact 2M");
    check("", r#"[{:db/id "x" :user/age 2N}]"#, "+ x :user/age 2");
    check("", r#"[{:db/id "x" :user/score -0.0}]"#, "+ x :user/score 0.0");
    check("", r#"[{:db/id "x" :any/thing -0.0}]"#, "+ x :any/thing 0.0");
    refuse("", "[{:user/score 9007199254740993}]", ValueType, "1:15", ["double, not long | 9007199254740993", "point"]);
    refuse("", "[{:user/score 9223372036854775807}]", ValueType, "1:15", ["double, not long", "point"]);
    refuse("", "[{:user/age 1.0}]", ValueType, "1:13", [":user/age holds values of type long, not double | 1.0", "long"]);
    refuse("", "[{:user/age 99999999999999999999N}]", ValueType, "1:13", ["long, not bigint", "long"]);
}

#[test]
fn a_value_of_another_type_is_refused_with_its_place() {
    refuse(
        "",
        "[{:user/name \"ok\"\n  :user/age \"old\"}]",
        ValueType,
        "2:13",
        [":user/age holds values of type long, not string | \"old\"", "give a long"],
    );
    refuse("", "[{:user/name :ada}]", ValueType, "1:14", ["string, not keyword", "give a string"]);
    refuse("", "[{:run/created-at 5}]", ValueType, "1:19", ["instant, not long", "#inst"]);
    refuse("", "[{:log/bytes \"00\"}]", ValueType, "1:14", ["bytes, not string", "#bytes"]);
    refuse("", "[{:user/boss 1.5}]", ValueType, "1:14", ["ref, not double", "lookup reference"]);
    refuse("", "[{:user/name {:a 1}}]", ValueType, "1:14", ["string, not ref", ":db.type/ref"]);
    refuse("", r#"[[:db/retract :color/red :user/age "x"]]"#, ValueType, "1:2", ["long, not string", "give a long"]);
}

#[test]
fn what_is_no_value_is_refused() {
    refuse("", "[{:any/thing nil}]", NotAValue, "1:14", ["nil cannot be", "leave the fact out"]);
    refuse("", "[{:user/name nil}]", NotAValue, "1:14", ["nil cannot be", "leave the fact out"]);
    refuse("", r"[{:any/thing \a}]", NotAValue, "1:14", ["a char cannot be", "string"]);
    refuse("", "[{:any/thing (1 2)}]", NotAValue, "1:14", ["a list cannot be", "vector"]);
    refuse("", "[{:any/thing #my/tag 5}]", NotAValue, "1:14", ["a tagged value cannot be", "#db/id"]);
    refuse("", "[{:any/thing [1 [2]]}]", NotAValue, "1:14", ["a tuple inside a tuple", "of their own"]);
}

#[test]
fn not_a_number_is_refused_wherever_it_comes_from() {
    let store = Store::new();
    let mut data = TxData::new();
    let x = data.fresh();
    data.add(x, "any/thing", Value::Double(f64::NAN));
    let error = prepare(&store, &data, NOW).expect_err("NaN is no value");
    assert_eq!(error.kind(), ErrorKind::NotAValue);
    assert_eq!(error.message(), "NaN cannot be the value of a fact");
    assert_eq!(error.help(), Some("leave the fact out: NaN is equal to nothing, itself included"));
}

#[track_caller]
fn refuse_value(store: &Store, attribute: &str, value: &Value, kind: ErrorKind, help: &str) {
    let mut data = TxData::new();
    let x = data.fresh();
    data.add(x, attribute, value.clone());
    let error = prepare(store, &data, NOW).expect_err("it is no value");
    assert_eq!(
        (error.kind(), error.help().unwrap_or_default().starts_with(help)),
        (kind, true),
        "{value}: {error} | {:?}",
        error.help()
    );
}

#[test]
fn a_program_is_told_what_to_say_in_place_of_what_is_no_value() {
    let store = Store::after(&[crate::check::SCHEMA]);
    let read = |text: &str| annals::query::edn::read(text).expect("as written");
    for attribute in ["any/thing", "user/name"] {
        let told = |text: &str, help: &str| refuse_value(&store, attribute, &read(text), NotAValue, help);
        told("nil", "leave the fact out, or retract");
        told("{:a 1}", "give its keys attributes of their own");
        told(r"\a", "write it as a string");
        told("#my/tag 5", "write it as a string, or as #db/id");
    }
    refuse_value(&store, "any/thing", &read("(1 2)"), NotAValue, "write a vector [..] for a tuple, or a set");
    refuse_value(&store, "user/boss", &read("{:a 1}"), ValueType, "a reference is an id");
    refuse_value(&store, "any/link", &Value::Ref(0), ErrorKind::Entity, "entity ids count from 1");
}

#[test]
fn tuples_have_the_declared_places() {
    check("", r#"[{:db/id "x" :user/point [1 "a"]}]"#, r#"+ x :user/point [1 "a"]"#);
    check("", r#"[{:db/id "x" :user/point [1 nil]}]"#, "+ x :user/point [1 nil]");
    check("", r#"[[:db/add "x" :user/path [:a :b :c]]]"#, "+ x :user/path [:a :b :c]");
    check("", r#"[{:db/id "x" :any/tuple [1 2 3 4 5 6 7 8]}]"#, "+ x :any/tuple [1 2 3 4 5 6 7 8]");
    refuse("", r#"[{:user/point [1 "a" 2]}]"#, ValueType, "1:15", ["a tuple of 2 values, not 3", "nil"]);
    refuse("", r#"[{:user/point ["a" 1]}]"#, ValueType, "1:15", ["long, not string", "long"]);
    refuse("", "[{:user/path [:a 1]}]", ValueType, "1:14", ["keyword, not long", "keyword"]);
    refuse(
        "",
        "[{:any/tuple [1 2 3 4 5 6 7 8 9]}]",
        TransactionLimit,
        "1:14",
        ["9 values is longer than 8", ":db.cardinality/many"],
    );
}

#[test]
fn a_value_larger_than_the_limit_is_refused() {
    let store = Store::new();
    for (length, is_right) in
        [(limits::LIMIT_VALUE_BYTES - 1, true), (limits::LIMIT_VALUE_BYTES, true), (limits::LIMIT_VALUE_BYTES + 1, false)]
    {
        let mut data = TxData::new();
        let x = data.fresh();
        data.add(x, "any/thing", "x".repeat(length));
        match prepare(&store, &data, NOW) {
            Ok(_) => assert!(is_right),
            Err(error) => {
                assert!(!is_right);
                assert_eq!(error.kind(), ErrorKind::TransactionLimit);
                assert!(error.help().expect("there is a remedy").contains("split"));
            }
        }
    }
}

#[test]
fn predicates_of_an_attribute_judge_its_values() {
    check("", r#"[{:db/id "x" :user/age 1}]"#, "+ x :user/age 1");
    refuse("", "[{:user/age 0}]", Check, "1:13", [":user/age 0 does not satisfy `pos?` | 0", ":db.attr/preds"]);
    refuse("", "[{:user/age -5}]", Check, "1:13", ["`pos?`", "give a value"]);
    refuse(
        "",
        "[{:db/ident :a/b :db.attr/preds poss?}]",
        ErrorKind::UnknownTransactionFunction,
        "1:33",
        ["`poss?` is no predicate", "did you mean `pos?`"],
    );
    refuse(
        "[{:db/id \"x\" :a/b -1} {:db/id \"y\" :a/b 1}]",
        "[{:db/ident :a/b :db.attr/preds pos?}]",
        Declaration,
        "1:33",
        ["do not satisfy `pos?` | [", "change or retract"],
    );
    for name in ["missing?", "mod"] {
        let text = format!("[{{:db/ident :a/b :db.attr/preds {name}}}]");
        refuse("", &text, ErrorKind::UnknownTransactionFunction, "1:33", ["is no predicate of one value", "`"]);
    }
}

#[test]
fn ensure_asks_for_a_specification() {
    check(
        "",
        r#"[{:db/id "x" :user/name "a" :user/email "e" :db/ensure :user/complete}]"#,
        "+ x :user/email \"e\"\n+ x :user/name \"a\"",
    );
    // What it wants may come into being with it, beside what others say.
    check(
        "[{:db/ident :my/spec :db.entity/attrs [:my/first]}]",
        r#"[{:db/id "y" :a/first 1} {:db/id "x" :my/first 1 :db/ensure :my/spec}]"#,
        "+ x :my/first 1\n+ y :a/first 1",
    );
    check("", r#"[{:db/id "x" :user/name "a" :db/ensure nil}]"#, r#"+ x :user/name "a""#);
    refuse(
        "[{:db/ident :my/spec :db.entity/attrs [:my/first :my/second]}]",
        r#"[{:db/id "x" :my/other 1 :my/second 2 :db/ensure :my/spec}]"#,
        Check,
        "1:50",
        ["lacks :my/first, which", "say these"],
    );
    check(r#"[{:db/id "ada" :user/email "e" :user/name "a"}]"#, r#"[[:db/ensure [:user/email "e"] :user/complete]]"#, "");
    refuse(
        "",
        r#"[{:db/id "x" :user/name "a" :db/ensure :user/complete}]"#,
        Check,
        "1:40",
        ["\"x\" lacks :user/email, which :user/complete", "say these"],
    );
    refuse(
        "",
        r#"[{:db/id "x" :a 1} [:db/ensure "x" :user/complete]]"#,
        Check,
        "1:20",
        ["lacks :user/email :user/name", "say these"],
    );
    refuse(
        r#"[{:db/id "ada" :user/email "e" :user/name "a"}]"#,
        r#"[[:db/ensure [:user/email "e"] :user/complete] [:db/retract [:user/email "e"] :user/name]]"#,
        Check,
        "1:2",
        ["lacks :user/name", "say these"],
    );
    refuse(
        "",
        r#"[{:db/id "x" :a 1 :db/ensure :color/red}]"#,
        ErrorKind::Entity,
        "1:30",
        [":color/red is no entity spec", ":db.entity/attrs"],
    );
}
