//! Declaring attributes: early, late, and against the facts that are there.

use annals::ErrorKind::{Declaration, Entity};
use annals::transact::{TxData, prepare};

use crate::check::{SCHEMA, check, refuse};
use crate::store::{NOW, Store};

const FACTS: &str = r#"[{:db/id "x" :any/thing 1 :any/word "a" :any/many #{1 2} :user/email "x"}
                        {:db/id "y" :any/thing "one" :any/word "a" :any/many #{3}}]"#;

#[test]
fn a_declaration_may_come_with_or_after_its_facts() {
    check("", "[{:db/ident :a/b :db/valueType :db.type/string}]", "+ :a/b :db/valueType :db.type/string");
    check(
        "",
        r#"[{:db/ident :a/b :db/valueType :db.type/ref} {:db/id "x" :a/b "y"} {:db/id "y" :note 1}]"#,
        "+ :a/b :db/valueType :db.type/ref\n+ x :a/b y\n+ y :note 1",
    );
    check(
        "",
        r#"[{:db/id "x" :a/b 1} [:db/add "attr" :db/ident :a/b] [:db/add "attr" :db/cardinality :db.cardinality/many] {:db/id "x" :a/b 2}]"#,
        "+ :a/b :db/cardinality :db.cardinality/many\n+ :a/b :db/ident :a/b\n+ x :a/b 1\n+ x :a/b 2",
    );
    check(FACTS, "[{:db/ident :any/word :db/valueType :db.type/string}]", "+ :any/word :db/valueType :db.type/string");
    check(FACTS, "[{:db/ident :any/word :db/index true :db/doc \"d\"}]", "+ :any/word :db/index true\n+ :any/word :db/doc \"d\"");
    check(
        FACTS,
        "[[:db/add :any/word :db/cardinality :db.cardinality/many]]",
        "- :any/word :db/cardinality :db.cardinality/one\n+ :any/word :db/cardinality :db.cardinality/many",
    );
    check(
        FACTS,
        r#"[[:db/add :any/thing :db/valueType :db.type/long] [:db/retract [:user/email "x"] :any/word "a"] {:db/ident :any/word :db/unique :db.unique/value}
                     {:db/id 8589934594 :any/thing 2}]"#,
        "+ :any/thing :db/valueType :db.type/long\n- x :any/word \"a\"\n+ :any/word :db/unique :db.unique/value\n- y :any/thing \"one\"\n+ y :any/thing 2",
    );
}

#[test]
fn facts_are_read_under_what_the_transaction_declares_in_whatever_way() {
    let setup = r#"[{:db/ident :a/b :db/valueType :db.type/string}
                    {:db/ident :a/id :db/valueType :db.type/string :db/unique :db.unique/identity}]
                   [{:db/id "known" :a/id "k"}]"#;
    let to_long = "- :a/b :db/valueType :db.type/string\n+ :a/b :db/valueType :db.type/long\n+ x :a/b 1";
    check(setup, r#"[{:db/ident :a/b :db/valueType :db.type/long} {:db/id "x" :a/b 1}]"#, to_long);
    check(setup, r#"[[:db/cas :a/b :db/valueType :db.type/string :db.type/long] {:db/id "x" :a/b 1}]"#, to_long);
    let untyped = "- :a/b :db/valueType :db.type/string\n+ x :a/b 1";
    for retraction in [
        "[:db/retract :a/b :db/valueType :db.type/string]",
        "[:db/retract :a/b :db/valueType]",
        r#"[:db/retract "it" :db/valueType] [:db/add "it" :db/ident :a/b]"#,
        "[:db/cas :a/b :db/valueType :db.type/string nil]",
    ] {
        check(setup, &format!(r#"[{retraction} {{:db/id "x" :a/b 1}}]"#), untyped);
        check(setup, &format!(r#"[{{:db/id "x" :a/b 1}} {retraction}]"#), untyped);
    }
    // Who is no longer known by a value is not found by it either.
    for retraction in [
        "[:db/retract :a/id :db/unique :db.unique/identity]",
        "[:db/retract :a/id :db/unique]",
        "[:db/cas :a/id :db/unique :db.unique/identity nil]",
    ] {
        check(
            setup,
            &format!(r#"[{retraction} {{:db/id "x" :a/id "k"}}]"#),
            "- :a/id :db/unique :db.unique/identity\n+ x :a/id \"k\"",
        );
    }
    check(
        setup,
        r#"[[:db/cas :a/b :db/cardinality :db.cardinality/one :db.cardinality/many] {:db/id "x" :a/b ["c" "d"]}]"#,
        "- :a/b :db/cardinality :db.cardinality/one\n+ :a/b :db/cardinality :db.cardinality/many\n+ x :a/b \"c\"\n+ x :a/b \"d\"",
    );
    // A predicate that is added leaves the others.
    let both = |value: i64| format!(r#"[[:db/add :user/age :db.attr/preds even?] {{:db/id "x" :user/age {value}}}]"#);
    check("", &both(2), "+ :user/age :db.attr/preds even?\n+ x :user/age 2");
    refuse("", &both(-2), annals::ErrorKind::Check, "1:65", ["-2 does not satisfy `pos?`", "give a value"]);
    // Two that claim one composed value are one, though nobody composed it before.
    check(
        r#"[{:db/id "z" :pair/a 7 :pair/b 7}]"#,
        r#"[{:db/ident :pair/both :db/tupleAttrs [:pair/a :pair/b] :db/unique :db.unique/identity}
            {:db/id "x" :pair/a 1 :pair/b 2} {:db/id "y" :pair/a 1 :pair/b 2 :note 1}]"#,
        "+ :pair/both :db/tupleAttrs [:pair/a :pair/b]
         + :pair/both :db/unique :db.unique/identity
         + x :note 1
         + x :pair/a 1
         + x :pair/b 2
         + x :pair/both [1 2]
         + z :pair/both [7 7]",
    );
}

#[test]
fn a_declaration_that_facts_contradict_is_refused_with_the_facts() {
    refuse(
        FACTS,
        "[{:db/ident :any/thing :db/valueType :db.type/long}]",
        Declaration,
        "1:38",
        [r#"not of type long | [8589934594 :any/thing "one"]"#, "change or retract"],
    );
    refuse(
        FACTS,
        "[{:db/ident :any/many :db/cardinality :db.cardinality/one}]",
        Declaration,
        "1:39",
        ["several values of :any/many | [8589934593 :any/many 1] [8589934593 :any/many 2]", "change or retract"],
    );
    refuse(
        FACTS,
        "[{:db/ident :any/word :db/unique :db.unique/identity}]",
        Declaration,
        "1:34",
        [r#"share values of :any/word | [8589934593 :any/word "a"] [8589934594 :any/word "a"]"#, "another attribute"],
    );
    refuse(
        FACTS,
        "[{:db/ident :any/word :db/tupleAttrs [:any/thing :user/age]}]",
        Declaration,
        "1:38",
        ["cannot be composed | [", "another attribute"],
    );
    refuse(
        FACTS,
        r#"[{:db/ident :any/word :db/valueType :db.type/long} {:db/id "x" :any/word 1}]"#,
        Declaration,
        "1:37",
        ["not of type long", "lens"],
    );
    let four = r#"[{:a/b "1"} {:a/b "2"} {:a/b "3"} {:a/b "4"}]"#;
    refuse(four, "[{:db/ident :a/b :db/valueType :db.type/long}]", Declaration, "1:32", [r#":a/b "3"] .."#, "change"]);
    refuse(
        four,
        "[{:db/ident :a/b :db/tupleTypes [:db.type/long]}]",
        Declaration,
        "1:33",
        ["not of type the declared tuple", "change"],
    );
    for (tuple, types) in [("[1 2 3]", ":db.type/long :db.type/long"), (r#"[1 "x"]"#, ":db.type/long :db.type/long")] {
        refuse(
            &format!("[{{:a/b {tuple}}}]"),
            &format!("[{{:db/ident :a/b :db/tupleTypes [{types}]}}]"),
            Declaration,
            "1:33",
            ["not of type the declared tuple", "change"],
        );
    }
    // What contradicts a predicate may go in the same transaction.
    check(
        r#"[{:db/id "x" :user/email "x" :a/b -1}]"#,
        r#"[{:db/ident :a/b :db.attr/preds pos?} [:db/retract [:user/email "x"] :a/b -1]]"#,
        "+ :a/b :db.attr/preds pos?\n- x :a/b -1",
    );
}

#[test]
fn properties_that_do_not_go_together_are_refused() {
    refuse(
        "",
        "[{:db/ident :a/b :db/valueType :db.type/strin}]",
        Entity,
        "1:32",
        [":db.type/strin is no type of values", "did you mean :db.type/string?"],
    );
    refuse("", "[{:db/ident :a/b :db/valueType :color/red}]", Declaration, "1:32", [":color/red is no type", ":db.type/string"]);
    refuse(
        "",
        "[{:db/ident :a/b :db/cardinality :db.type/long}]",
        Declaration,
        "1:34",
        ["is no cardinality", ":db.cardinality/many"],
    );
    refuse("", "[{:db/ident :a/b :db/unique :db.type/long}]", Declaration, "1:29", ["kind of uniqueness", ":db.unique/identity"]);
    refuse("", "[{:db/ident :a/b :db/placement :db.type/long}]", Declaration, "1:32", ["is no placement", ":db.placement/own"]);
    refuse(
        "",
        "[{:db/ident :a/b :db/isComponent true :db/valueType :db.type/long}]",
        Declaration,
        "1:53",
        ["component but no reference", ":db.type/ref"],
    );
    refuse(
        "",
        "[{:db/ident :a/b :db/tupleTypes [:db.type/long] :db/valueType :db.type/long}]",
        Declaration,
        "1:63",
        ["tuple but declared", "tuple"],
    );
    refuse(
        "",
        "[{:db/ident :a/b :db/tupleTypes [:db.type/lon]}]",
        Declaration,
        "1:33",
        ["need types | [:db.type/lon]", "name 1 to 8"],
    );
    refuse(
        "",
        "[{:db/ident :a/b :db/tupleTypes [:db.type/long] :db/tupleAttrs [:user/age :user/name]}]",
        Declaration,
        "1:64",
        ["in two ways", "use one of"],
    );
    refuse(
        "",
        "[{:db/ident :a/b :db/tupleAttrs [:user/age :no/such]}]",
        Declaration,
        "1:33",
        ["attributes of one value that exist | [:user/age :no/such]", "declare them first"],
    );
    refuse(
        "",
        "[{:db/ident :a/b :db/tupleAttrs [:user/age :user/nick]}]",
        Declaration,
        "1:33",
        ["one value that exist", "declare them"],
    );
    refuse(
        "",
        "[{:db/ident :seat/row :db/cardinality :db.cardinality/many}]",
        Declaration,
        "1:39",
        ["part of a composed value", "keep"],
    );
    refuse(
        "",
        "[{:db/ident :seat/place :db/tupleAttrs [:seat/row :user/age]}]",
        Declaration,
        "1:40",
        ["do not change", "another attribute"],
    );
    refuse(
        "",
        "[{:db/ident :a/b :db/sequenceWithin :user/age}]",
        Declaration,
        "1:37",
        ["cannot count within :user/age", ":db.type/ref"],
    );
    // Of an attribute that comes into being by its use, the first use is the place, whichever stands first.
    for (uses, place) in [
        (r#"{:db/id "x" :a/b #{}} {:db/id "y" :a/b #{}} {:db/ident :a/b :db/sequenceWithin :user/age}"#, "1:19"),
        (r#"{:db/ident :a/b :db/sequenceWithin :user/age} {:db/id "y" :a/b #{}} {:db/id "x" :a/b #{}}"#, "1:65"),
    ] {
        refuse("", &format!("[{uses}]"), Declaration, place, ["cannot count within :user/age", ":db.type/ref"]);
    }
    refuse("", r#"[{:db/id "a" :db/valueType :db.type/long}]"#, Declaration, "1:28", ["without a name", ":db/ident"]);
    refuse("", "[{:db/ident :db/mine}]", Declaration, "1:13", [":db/mine is no name to give away", "another namespace"]);
    refuse(
        "",
        "[{:db/ident :a/b :db/valuetype :db.type/long}]",
        Entity,
        "1:32",
        [":db/valuetype is no attribute", ":db/valueType"],
    );
}

#[test]
fn what_is_declared_later_leaves_the_rest_as_it_is() {
    check("", "[[:db/add :user/nick :db/index true]]", "+ :user/nick :db/index true");
    check("", r#"[{:db/ident :user/nick :db/doc "short"}]"#, r#"+ :user/nick :db/doc "short""#);
    let several = r#"[{:db/id "x" :user/nick ["a" "b"]}]"#;
    check(several, "[[:db/add :user/nick :db/index true]]", "+ :user/nick :db/index true");
    // Only the attribute that says how values are recorded does; what is written elsewhere is text.
    check(
        "",
        r#"[{:db/ident :user/name :db/doc "whole"} {:db/id "x" :user/name "Ada"}]"#,
        "+ :user/name :db/doc \"whole\"\n+ x :user/name \"Ada\"",
    );
}

#[test]
fn what_is_built_in_is_not_altered() {
    refuse("", "[[:db/add :run/id :db/doc \"mine\"]]", Declaration, "1:2", [":run/id is built in", "of your own"]);
    refuse("", "[{:db/ident :log/seq :db/index true}]", Declaration, "1:32", [":log/seq is built in", "of your own"]);
    refuse("", "[[:db/add :db/ident :db/ident :my/ident]]", Declaration, "1:2", [":db/ident is built in", "of your own"]);
    refuse("", "[[:db/retract :db.type/long :db/ident]]", Declaration, "1:2", [":db.type/long is built in", "of your own"]);
    check("", "[[:db/add :run/id :my/note \"fine\"]]", "+ :run/id :my/note \"fine\"");
    // A transaction is not: it may be described, and have a name.
    check("", r#"[{:db/id "datomic.tx" :db/doc "why"}]"#, r#"+ tx :db/doc "why""#);
    check(
        r#"[{:db/id "datomic.tx" :db/ident :my/import}]"#,
        r#"[{:db/id "x" :my/import 1}]"#,
        "+ :my/import :db/cardinality :db.cardinality/one\n+ x :my/import 1",
    );
}

#[test]
fn an_attribute_may_be_renamed_and_its_old_name_given_away() {
    let renamed = "[[:db/add :any/word :db/ident :any/text]]";
    check(FACTS, renamed, "- :any/word :db/ident :any/word\n+ :any/word :db/ident :any/text");
    let setup = format!("{FACTS} {renamed}");
    check(&setup, r#"[{:db/id "z" :any/word "w"}]"#, "+ z :any/text \"w\"");
    check(&setup, r#"[{:db/id "z" :any/text "w"}]"#, "+ z :any/text \"w\"");
    // Who is used as an attribute under a name that it had keeps the one that it has.
    check(
        "[[:db/add :color/red :db/ident :color/rouge]]",
        r#"[{:db/id "x" :color/red 1}]"#,
        "+ :color/rouge :db/cardinality :db.cardinality/one\n+ x :color/rouge 1",
    );
    refuse(
        FACTS,
        "[[:db/retract :any/word :db/ident :any/word]]",
        Declaration,
        "1:2",
        ["keeps an ident and a cardinality", "another ident"],
    );
    refuse(
        FACTS,
        "[[:db/retract :any/word :db/cardinality]]",
        Declaration,
        "1:2",
        ["keeps an ident and a cardinality", "another ident"],
    );
    refuse(
        FACTS,
        "[[:db/add :any/word :db/ident :user/name]]",
        annals::ErrorKind::Uniqueness,
        "1:2",
        [":db/ident :user/name is unique", "retract"],
    );
}

#[test]
fn attributes_that_become_indexed_are_named() {
    let store = Store::after(&[SCHEMA, FACTS]);
    let indexed = |text: &str| prepare(&store, &TxData::read(text).expect(text), NOW).expect(text).new_indexed.len();
    assert_eq!(indexed("[{:db/ident :any/word :db/index true}]"), 1);
    assert_eq!(
        indexed("[{:db/ident :a/b :db/unique :db.unique/value} {:db/ident :a/c :db/index true} {:db/ident :a/d :db/doc \"d\"}]"),
        2
    );
    assert_eq!(indexed("[{:db/ident :user/email :db/index true}]"), 0);
    assert_eq!(indexed("[{:note 1}]"), 0);
}
