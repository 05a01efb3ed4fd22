//! Promise: a pull gives exactly what its pattern asks for of what is known, as nested maps, and ends on any graph. Attacked with each
//! option, missing things on every side, cycles, components, depth up to the limit on a small stack, and every manner of columns.

mod common;

use std::sync::atomic::AtomicU64;

use annals_query::ast::PullPattern;
use annals_query::{Attribute, Budget, Cardinality, Code, Error, Fact, Value, ValueType, edn, parse, pull};
use common::memory::{Manner, MemoryFacts, View};

const ADA: i64 = 1;
const BOB: i64 = 2;
const CY: i64 = 3;
const PARTLESS: i64 = 9;

/// `(entity, attribute, value)`; a value `@7` is a reference.
const FACTS: &[(i64, &str, &str)] = &[
    (ADA, "p/name", "\"Ada\""),
    (ADA, "p/age", "36"),
    (ADA, "p/tag", "\"x\""),
    (ADA, "p/tag", "\"a\""),
    (ADA, "p/friend", "@2"),
    (ADA, "p/friend", "@3"),
    (ADA, "p/boss", "@3"),
    (ADA, "p/part", "@4"),
    (ADA, "p/part", "@5"),
    (ADA, "p/alive", "false"),
    (BOB, "p/name", "\"Bob\""),
    (BOB, "p/friend", "@1"),
    (CY, "p/name", "\"Cy\""),
    (CY, "p/friend", "@3"),
    (CY, "p/loose", "@1"),
    (4, "part/label", "\"wheel\""),
    (4, "p/part", "@6"),
    (5, "part/label", "\"seat\""),
    (5, "p/loose", "7"),
    (6, "part/label", "\"spoke\""),
    (6, "p/boss", "@2"),
    (7, "p/part", "@8"),
    (8, "p/part", "@7"),
    (PARTLESS, "p/age", "1"),
    (PARTLESS, "p/boss", "@77"),
];

fn attributes() -> Vec<Attribute> {
    let declared = |id: i64, ident: &str, kind: Option<ValueType>, cardinality: Cardinality| {
        let mut attribute = Attribute::new(id, ident);
        attribute.value_type = kind;
        attribute.cardinality = cardinality;
        attribute.is_component = ident == "p/part";
        attribute
    };
    vec![
        declared(100, "p/name", Some(ValueType::String), Cardinality::One),
        declared(101, "p/age", None, Cardinality::One),
        declared(102, "p/tag", Some(ValueType::String), Cardinality::Many),
        declared(103, "p/friend", Some(ValueType::Ref), Cardinality::Many),
        declared(104, "p/boss", Some(ValueType::Ref), Cardinality::One),
        declared(105, "p/part", Some(ValueType::Ref), Cardinality::Many),
        declared(106, "p/loose", None, Cardinality::One),
        declared(107, "part/label", None, Cardinality::One),
        declared(108, "p/alive", Some(ValueType::Boolean), Cardinality::One),
        declared(109, "p/none", None, Cardinality::One),
    ]
}

fn facts_of<'a>(rows: impl IntoIterator<Item = (i64, &'a str, Value)>) -> MemoryFacts {
    let attributes = attributes();
    let fact = |(t, (e, ident, v)): (i64, (i64, &str, Value))| {
        let attribute = attributes.iter().find(|attribute| &*attribute.ident == ident).expect("an attribute of the fixture");
        Fact { e, a: attribute.id, v, t, m: 0, added: true }
    };
    let log = (1..).zip(rows).map(fact).collect();
    MemoryFacts::new(attributes.clone(), log)
}

fn facts() -> MemoryFacts {
    facts_of(FACTS.iter().map(|(e, ident, text)| {
        let reference = text.strip_prefix('@').map(|id| Value::Ref(id.parse().expect("an id")));
        (*e, *ident, reference.unwrap_or_else(|| edn::read(text).expect("a test is valid EDN")))
    }))
}

fn pattern(text: &str) -> PullPattern {
    parse::pull_pattern(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn check_in(facts: &MemoryFacts, text: &str, entity: i64, expected: &str) {
    let expected = edn::read(expected).expect("a test is valid EDN");
    let pulled = pull::pull(facts, &pattern(text), entity, &Budget::default());
    let pulled = pulled.unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(pulled, expected, "{text} of {entity} gives {pulled}");
}

/// Alone, and beside other entities (which is when attributes are scanned), in every manner of columns.
#[track_caller]
fn check(text: &str, entity: i64, expected: &str) {
    for manner in [Manner::Typed, Manner::Plain, Manner::Random(AtomicU64::new(11))] {
        let facts = facts().in_manner(manner);
        check_in(&facts, text, entity, expected);
        let entities = [BOB, entity, 12345, entity, 8];
        let pulled = pull::pull_many(&facts, &pattern(text), &entities, &Budget::default());
        let pulled = pulled.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(pulled.len(), entities.len());
        let expected = edn::read(expected).expect("a test is valid EDN");
        assert_eq!(pulled[1], expected, "{text} of {entity} beside others gives {}", pulled[1]);
        assert_eq!(pulled[3], expected);
        assert_eq!(pulled[2], Value::Nil, "an unknown entity");
    }
}

#[track_caller]
fn refusal(facts: &MemoryFacts, text: &str, entity: i64) -> Error {
    match pull::pull(facts, &pattern(text), entity, &Budget::default()) {
        Ok(value) => panic!("{text} gives {value}"),
        Err(error) => error,
    }
}

#[test]
fn attributes_give_their_values_and_missing_ones_are_left_out() {
    check("[:p/name]", ADA, r#"{:p/name "Ada"}"#);
    check("[:p/name :p/age :p/none]", ADA, r#"{:p/name "Ada" :p/age 36}"#);
    check("[:p/tag]", ADA, r#"{:p/tag ["a" "x"]}"#);
    check("[:p/alive]", ADA, "{:p/alive false}");
    check("[:p/friend :p/boss]", ADA, "{:p/friend [{:db/id 2} {:db/id 3}] :p/boss {:db/id 3}}");
    check("[:p/loose]", CY, "{:p/loose {:db/id 1}}");
    check("[:p/loose]", 5, "{:p/loose 7}");
    check("[:db/id]", ADA, "{:db/id 1}");
    check("[:p/never-said]", ADA, "{}");
    check("[:p/none]", ADA, "{}");
    check("[:p/_never-said]", ADA, "{}");
}

#[test]
fn an_unknown_entity_is_nil_whatever_was_asked() {
    for text in ["[*]", "[:db/id]", "[:p/name]", "[(:p/name :default 1)]", "[{:p/friend [*]}]", "[:p/none]"] {
        let pulled = pull::pull(&facts(), &pattern(text), 12345, &Budget::default()).expect("no error");
        assert_eq!(pulled, Value::Nil, "{text}");
    }
    check("[:p/_boss]", ADA, "{}");
    let referred = pull::pull(&facts(), &pattern("[:p/_boss]"), 77, &Budget::default()).expect("no error");
    assert_eq!(referred.to_string(), "{:p/_boss [{:db/id 9}]}", "an entity known only by a reference to it");
}

#[test]
fn a_wildcard_gives_everything_and_expands_components() {
    check("[*]", BOB, r#"{:db/id 2 :p/name "Bob" :p/friend [{:db/id 1}]}"#);
    check(
        "[*]",
        ADA,
        r#"{:db/id 1 :p/name "Ada" :p/age 36 :p/tag ["a" "x"] :p/alive false
            :p/friend [{:db/id 2} {:db/id 3}] :p/boss {:db/id 3}
            :p/part [{:db/id 4 :part/label "wheel" :p/part [{:db/id 6 :part/label "spoke" :p/boss {:db/id 2}}]}
                     {:db/id 5 :part/label "seat" :p/loose 7}]}"#,
    );
    check("[:p/part]", 4, r#"{:p/part [{:db/id 6 :part/label "spoke" :p/boss {:db/id 2}}]}"#);
}

#[test]
fn an_attribute_beside_the_wildcard_keeps_its_own_options() {
    check("[* (:p/name :as :n)]", BOB, r#"{:db/id 2 :n "Bob" :p/friend [{:db/id 1}]}"#);
    check("[{:p/friend [:p/name]} *]", BOB, r#"{:db/id 2 :p/name "Bob" :p/friend [{:p/name "Ada"}]}"#);
    check("[* :p/_boss]", PARTLESS, "{:db/id 9 :p/age 1 :p/boss {:db/id 77}}");
}

#[test]
fn a_reverse_attribute_gives_who_refers() {
    check("[:p/_friend]", ADA, "{:p/_friend [{:db/id 2}]}");
    check("[:p/_friend]", CY, "{:p/_friend [{:db/id 1} {:db/id 3}]}");
    check("[{:p/_friend [:p/name]}]", CY, r#"{:p/_friend [{:p/name "Ada"} {:p/name "Cy"}]}"#);
    check("[:p/_part]", 4, "{:p/_part {:db/id 1}}");
    check("[{:p/_part [:p/name {:p/_part [:p/name]}]}]", 6, r#"{:p/_part {:p/_part {:p/name "Ada"}}}"#);
    check("[(:p/_friend :limit 1)]", CY, "{:p/_friend [{:db/id 1}]}");
    check("[(:p/_friend :as :fans)]", ADA, "{:fans [{:db/id 2}]}");
    check("[:p/_name]", ADA, "{}");
}

#[test]
fn maps_nest_patterns() {
    check("[{:p/friend [:p/name]}]", ADA, r#"{:p/friend [{:p/name "Bob"} {:p/name "Cy"}]}"#);
    check("[{:p/boss [:p/name {:p/friend [:db/id]}]}]", ADA, r#"{:p/boss {:p/name "Cy" :p/friend [{:db/id 3}]}}"#);
    check(
        "[{:p/friend [{:p/friend [:p/name]}]}]",
        ADA,
        r#"{:p/friend [{:p/friend [{:p/name "Ada"}]} {:p/friend [{:p/name "Cy"}]}]}"#,
    );
    check("[{:p/friend [:p/none]}]", BOB, "{:p/friend [{}]}");
    check("[{:p/loose [:p/name]}]", CY, r#"{:p/loose {:p/name "Ada"}}"#);
    check("[{:p/loose [:p/name]}]", 5, "{}");
    check("[{:p/part [:part/label]}]", ADA, r#"{:p/part [{:part/label "wheel"} {:part/label "seat"}]}"#);
    check("[{(:p/friend :limit 1 :as :f) [:p/name]}]", ADA, r#"{:f [{:p/name "Bob"}]}"#);
    check("[{:p/friend [*]}]", BOB, &format!("{{:p/friend [{}]}}", whole_ada()));
}

fn whole_ada() -> String {
    pull::pull(&facts(), &pattern("[*]"), ADA, &Budget::default()).expect("known").to_string()
}

#[test]
fn recursion_ends_at_its_bound_and_at_cycles() {
    check("[:p/name {:p/friend 1}]", BOB, r#"{:p/name "Bob" :p/friend [{:p/name "Ada"}]}"#);
    check("[:p/name {:p/friend 2}]", BOB, r#"{:p/name "Bob" :p/friend [{:p/name "Ada" :p/friend [{:db/id 2} {:p/name "Cy"}]}]}"#);
    check(
        "[:p/name {:p/friend ...}]",
        BOB,
        r#"{:p/name "Bob" :p/friend [{:p/name "Ada" :p/friend [{:db/id 2} {:p/name "Cy" :p/friend [{:db/id 3}]}]}]}"#,
    );
    check("[:p/name {(:p/friend :default :nobody) 1}]", BOB, r#"{:p/name "Bob" :p/friend [{:p/name "Ada"}]}"#);
    check("[{:p/friend ...}]", CY, "{:p/friend [{:db/id 3}]}");
    check("[:db/id {:p/_friend ...}]", ADA, "{:db/id 1 :p/_friend [{:db/id 2 :p/_friend [{:db/id 1}]}]}");
    check("[{:p/boss [:p/name {:p/friend ...}]}]", ADA, r#"{:p/boss {:p/name "Cy" :p/friend [{:db/id 3}]}}"#);
}

#[test]
fn components_that_contain_each_other_end_at_the_cycle() {
    check("[*]", 7, "{:db/id 7 :p/part [{:db/id 8 :p/part [{:db/id 7}]}]}");
    check("[:p/part]", 8, "{:p/part [{:db/id 7 :p/part [{:db/id 8}]}]}");
}

#[test]
fn options_rename_default_and_transform() {
    check("[(:p/name :as :name)]", ADA, r#"{:name "Ada"}"#);
    check("[(:p/name :as \"name\")]", ADA, r#"{"name" "Ada"}"#);
    check("[(:db/id :as :id)]", ADA, "{:id 1}");
    check("[(:p/none :default 7)]", ADA, "{:p/none 7}");
    check("[(:p/alive :default true)]", ADA, "{:p/alive false}");
    check("[(:p/never-said :default :x :as :y)]", ADA, "{:y :x}");
    check("[(:p/name :xform upper-case)]", ADA, r#"{:p/name "ADA"}"#);
    check("[(:p/tag :xform count)]", ADA, "{:p/tag 2}");
    check("[(:p/none :default \"x\" :xform upper-case)]", ADA, r#"{:p/none "x"}"#);
    check("[(:db/id :xform str)]", ADA, r#"{:db/id "1"}"#);
}

#[test]
fn many_values_stop_at_a_thousand_unless_a_limit_says_otherwise() {
    let facts = facts_of((0..1500).map(|n| (ADA, "p/friend", Value::Ref(1000 + n))).chain([(ADA, "p/tag", "a".into())]));
    let count = |text: &str| {
        let pulled = pull::pull(&facts, &pattern(text), ADA, &Budget::default()).expect("known");
        let Value::Map(entries) = pulled else { panic!("{text} gives no map") };
        entries.get(&Value::keyword("p/friend")).and_then(|value| value.as_items().map(<[Value]>::len))
    };
    assert_eq!(count("[:p/friend]"), Some(1000));
    assert_eq!(count("[*]"), Some(1000));
    assert_eq!(count("[(:p/friend :limit 3)]"), Some(3));
    assert_eq!(count("[(:p/friend :limit 1200)]"), Some(1200));
    assert_eq!(count("[(:p/friend :limit nil)]"), Some(1500));
    assert_eq!(count("[{(:p/friend :limit 2) [:db/id]}]"), Some(2));
}

#[test]
fn a_transform_that_does_not_exist_or_refuses_is_an_error_with_its_place() {
    let error = refusal(&facts(), "[:p/age (:p/name :xform no-such)]", ADA);
    assert_eq!(error.code(), Code::UnknownFunction);
    assert_eq!(error.span().map(|span| span.start), Some(8));
    assert!(error.help().is_some());
    let error = refusal(&facts(), "[(:p/age :xform upper-case)]", ADA);
    assert_eq!(error.code(), Code::ArgumentType);
    assert_eq!((error.value(), error.span().map(|span| span.start)), (Some("36"), Some(1)));
}

#[test]
fn a_history_is_refused() {
    let history = facts().at(View { is_history: true, ..View::default() });
    let error = refusal(&history, "[*]", ADA);
    assert_eq!(error.code(), Code::HistoryView);
    assert!(error.help().is_some());
}

#[test]
fn a_chain_is_followed_to_the_limit_and_refused_beyond_it_on_a_small_stack() {
    let chain =
        |length: i64| facts_of((1..length).map(|n| (n, "p/boss", Value::Ref(n + 1))).chain([(length, "p/age", 1.into())]));
    let run = move || {
        let pulled = pull::pull(&chain(256), &pattern("[{:p/boss ...}]"), 1, &Budget::default()).expect("within the limit");
        assert_eq!(pulled.to_string().matches("p/boss").count(), 255);
        let error = refusal(&chain(300), "[{:p/boss ...}]", 1);
        assert_eq!(error.code(), Code::LimitExceeded);
        assert!(error.help().is_some());
        check_in(&chain(300), "[{:p/boss 2}]", 1, "{:p/boss {:p/boss {}}}");
        let parts = facts_of((1..300).map(|n| (n, "p/part", Value::Ref(n + 1))));
        assert_eq!(refusal(&parts, "[*]", 1).code(), Code::LimitExceeded);
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(run).expect("a thread starts");
    assert!(thread.join().is_ok());
}

#[test]
fn a_graph_with_countless_ways_stops_at_the_budget() {
    // Sixty pairs, each entity a friend of both of the next pair: 2^60 ways down.
    let pairs = (1..60_i64)
        .flat_map(|n| [(10 * n, 10 * n + 10), (10 * n, 10 * n + 11), (10 * n + 1, 10 * n + 10), (10 * n + 1, 10 * n + 11)]);
    let facts = facts_of(pairs.map(|(e, friend)| (e, "p/friend", Value::Ref(friend))));
    let budget = Budget::default().with_limit_bytes(10 << 20);
    let error = pull::pull(&facts, &pattern("[{:p/friend ...}]"), 10, &budget).expect_err("2^60 ways");
    assert_eq!(error.code(), Code::LimitExceeded);
    assert!(error.message().contains("bytes"), "{error}");
}
