//! Promise: a lens shows the same facts in other names, types and with more attributes, in every way of asking, and says exactly what
//! is wrong with itself or with a fact it cannot read. Attacked by asking small histories through lenses and comparing with answers
//! written by hand, and by lenses that are wrong in each way there is.

mod common;

use std::sync::Arc;

use annals_query::lens::Lens;
use annals_query::{Attribute, Budget, Cardinality, Code, Error, Fact, Facts, Given, Unique, Value, ValueType, edn, engine};
use common::memory::MemoryFacts;

const EMAIL: i64 = 4_294_967_300;
const TOTAL: i64 = 4_294_967_301;
const AT: i64 = 4_294_967_302;
const TAG: i64 = 4_294_967_303;
const FRIEND: i64 = 4_294_967_304;
const IDENT: i64 = 4_294_967_305;
const FIRST: i64 = 4_294_967_306;
const ADA: i64 = 10;
const BOB: i64 = 11;
const CAT: i64 = 12;

fn attributes() -> Vec<Attribute> {
    let mut attributes: Vec<Attribute> = [
        (EMAIL, "identity/contact"),
        (TOTAL, "order/total"),
        (AT, "order/at"),
        (TAG, "order/tag"),
        (FRIEND, "user/friend"),
        (IDENT, "db/ident"),
        (FIRST, "user/first"),
    ]
    .into_iter()
    .map(|(id, ident)| Attribute::new(id, ident))
    .collect();
    attributes[0].unique = Some(Unique::Identity);
    attributes[3].cardinality = Cardinality::Many;
    attributes[4].value_type = Some(ValueType::Ref);
    attributes[5].unique = Some(Unique::Identity);
    attributes
}

fn stored() -> MemoryFacts {
    let mut log: Vec<Fact> = Vec::new();
    let mut say = |t: i64, e: i64, a: i64, v: Value, added: bool| log.push(Fact { e, a, v, t, m: 0, added });
    for attribute in attributes() {
        say(1, attribute.id, IDENT, Value::Keyword(attribute.ident), true);
    }
    say(2, ADA, EMAIL, "ada@x".into(), true);
    say(2, ADA, FIRST, "Ada".into(), true);
    say(2, ADA, TOTAL, "12.50".into(), true);
    say(2, ADA, AT, "2026-01-02".into(), true);
    say(3, BOB, EMAIL, "bob@x".into(), true);
    say(3, BOB, TOTAL, "7".into(), true);
    say(3, BOB, TAG, "1".into(), true);
    say(4, BOB, TAG, "01".into(), true);
    say(4, BOB, TAG, "2".into(), true);
    say(4, BOB, FRIEND, Value::Ref(ADA), true);
    say(5, CAT, FIRST, "Cat".into(), true);
    say(6, BOB, TOTAL, "7".into(), false);
    say(6, BOB, TOTAL, "1000".into(), true);
    MemoryFacts::new(attributes(), log)
}

fn through(lens: &str) -> Arc<dyn Facts> {
    seen(stored(), lens)
}

fn seen(facts: MemoryFacts, lens: &str) -> Arc<dyn Facts> {
    Lens::read(lens).unwrap_or_else(|error| panic!("{lens}: {error}")).view(Arc::new(facts))
}

fn ask(facts: Arc<dyn Facts>, query: &str) -> Result<String, Error> {
    let mut answer = engine::query(query, &[Given::Facts(facts)], &Budget::default())?;
    answer.rows.sort();
    Ok(answer.rows.iter().map(|row| Value::vector(row.clone()).to_string()).collect::<Vec<_>>().join(" "))
}

#[track_caller]
fn check(lens: &str, query: &str, expected: &str) {
    let answer = ask(through(lens), query).unwrap_or_else(|error| panic!("{lens} {query}: {error}"));
    assert_eq!(answer, expected, "{lens} {query}");
}

#[test]
fn a_new_name_leads_to_the_stored_attribute_and_the_old_one_still_does() {
    let lens = "{:lens/rename {:user/email :identity/contact}}";
    check(lens, "[:find ?v :where [_ :user/email ?v]]", r#"["ada@x"] ["bob@x"]"#);
    check(lens, "[:find ?v :where [_ :identity/contact ?v]]", r#"["ada@x"] ["bob@x"]"#);
    check(lens, "[:find ?v :where [[:user/email \"ada@x\"] :user/first ?v]]", r#"["Ada"]"#);
    check(lens, "[:find ?e :where [?e :user/friend [:user/email \"ada@x\"]]]", "[11]");
    check(lens, "[:find ?n :where [11 ?a \"1000\"] [?a :db/ident ?n]]", "[:order/total]");
    check(lens, "[:find ?n :where [11 ?a \"bob@x\"] [?a :db/ident ?n]]", "[:user/email]");
    check(lens, "[:find ?a :where [?a :db/ident :user/email]]", "[4294967300]");
    check(lens, "[:find ?a :where [?a :db/ident :identity/contact]]", "");
    check(lens, "[:find ?v :where [10 ?a ?v] [(= ?a 4294967300)]]", r#"["ada@x"]"#);
    check(
        lens,
        "[:find (pull ?e [:user/email :identity/contact]) :where [?e :user/friend]]",
        r#"[{:identity/contact "bob@x", :user/email "bob@x"}]"#,
    );
}

#[test]
fn names_may_change_places_and_be_hidden() {
    let swap = "{:lens/rename {:order/total :order/at :order/at :order/total}}";
    check(swap, "[:find ?v :where [10 :order/at ?v]]", r#"["12.50"]"#);
    check(swap, "[:find ?v :where [10 :order/total ?v]]", r#"["2026-01-02"]"#);
    let taken = "{:lens/rename {:order/total :order/at}}";
    check(taken, "[:find ?v :where [10 :order/total ?v]]", r#"["2026-01-02"]"#);
    check(taken, "[:find ?v :where [10 _ ?v]]", r#"["2026-01-02"] ["Ada"] ["ada@x"]"#);
    let hidden = "{:lens/rename {:user/email :identity/contact} :lens/hide [:identity/contact :order/at]}";
    check(hidden, "[:find ?v :where [10 :identity/contact ?v]]", "");
    check(hidden, "[:find ?v :where [10 :user/email ?v]]", r#"["ada@x"]"#);
    check(hidden, "[:find ?v :where [10 _ ?v]]", r#"["12.50"] ["Ada"] ["ada@x"]"#);
    check(hidden, "[:find ?n :where [?a :db/ident ?n] [(namespace ?n) ?s] [(= ?s \"order\")]]", "[:order/tag] [:order/total]");
    check("{:lens/rename {:a/b :never/said}}", "[:find ?v :where [_ :a/b ?v]]", "");
}

#[test]
fn coerced_values_take_part_in_everything() {
    let lens = "{:lens/coerce {:order/total :bigdec :order/at :instant :order/tag :long}}";
    check(lens, "[:find ?v :where [_ :order/total ?v]]", "[12.50M] [1000M]");
    check(lens, "[:find ?e :where [?e :order/total ?v] [(> ?v 100)]]", "[11]");
    check(lens, "[:find ?e :where [?e :order/total 12.5]]", "[10]");
    check(lens, "[:find ?e :where [?e :order/total ?v] [(<= 12 ?v 13)]]", "[10]");
    check(lens, "[:find ?e :where [?e :order/at ?v] [(< ?v #inst \"2027-01-01\")]]", "[10]");
    check(lens, "[:find ?v ?t :where [11 :order/tag ?v ?t]]", "[1 3] [2 4]");
    check(lens, "[:find (count ?v) . :where [11 :order/tag ?v]]", "[2]");
    check(lens, "[:find (sum ?v) . :with ?e :where [?e :order/total ?v]]", "[1012.50M]");
    check(lens, "[:find ?x :where [10 :order/total ?n] [?e :order/tag ?x] [(< ?x ?n)]]", "[1] [2]");
    check(lens, "[:find ?v :where [12 :user/first _] [(get-else $ 12 :order/total 0) ?v]]", "[0]");
    check(lens, "[:find ?v :where [10 _ ?v 2]]", r#"[12.50M] [#inst "2026-01-02T00:00:00Z"] ["Ada"] ["ada@x"]"#);
    check(
        lens,
        "[:find (pull ?e [:order/total :order/tag]) :where [?e :order/tag 2]]",
        "[{:order/tag [1 2], :order/total 1000M}]",
    );
}

#[test]
fn a_value_becomes_one_of_another_type_or_fails() {
    let coerced = |coercion: &str, value: &str| {
        let facts = MemoryFacts::of([(10, "x/y", edn::read(value).expect(value))]);
        let lens = format!("{{:lens/coerce {{:x/y {coercion}}}}}");
        ask(seen(facts, &lens), "[:find ?v :where [_ :x/y ?v]]").map_err(|error| error.code())
    };
    for (coercion, value, expected) in [
        (":long", "\" -7 \"", "[-7]"),
        (":long", "\"007\"", "[7]"),
        (":long", "7.0", "[7]"),
        (":long", "7N", "[7]"),
        (":double", "\"1e3\"", "[1000.0]"),
        (":double", "1.5M", "[1.5]"),
        (":bigint", "\"123456789012345678901\"", "[123456789012345678901N]"),
        (":bigint", "7", "[7N]"),
        (":bigdec", "0.1", "[0.1M]"),
        (":bigdec", "\"1.20\"", "[1.20M]"),
        (":bigdec", "7", "[7M]"),
        (":db.type/boolean", "\"true\"", "[true]"),
        (":instant", "\"2026-01-02T03:04:05Z\"", "[#inst \"2026-01-02T03:04:05Z\"]"),
        (":keyword", "\":a/b\"", "[:a/b]"),
        (":keyword", "sym", "[:sym]"),
        (":symbol", "\"a/b\"", "[a/b]"),
        (":string", ":a/b", "[\":a/b\"]"),
        (":string", "12.50M", "[\"12.50\"]"),
        (":uuid", "\"0190b5a8-7e2c-7c3e-8f3c-2f4f8f2f4f8f\"", "[#uuid \"0190b5a8-7e2c-7c3e-8f3c-2f4f8f2f4f8f\"]"),
        (":uri", "\"https://x\"", "[#uri \"https://x\"]"),
        (":edn", "\"{:a 1}\"", "[{:a 1}]"),
        (":json", "\"[1, 2]\"", "[[1 2]]"),
        ("upper-case", "\"a\"", "[\"A\"]"),
        ("(keyword (lower-case ?value))", "\"NEW\"", "[:new]"),
        ("(str \"<\" ?value \">\")", "1", "[\"<1>\"]"),
    ] {
        assert_eq!(coerced(coercion, value).as_deref(), Ok(expected), "{coercion} {value}");
    }
    for (coercion, value) in [
        (":long", "\"7.5\""),
        (":long", "7.5"),
        (":long", "true"),
        (":long", "99999999999999999999N"),
        (":double", "\"nan\""),
        (":double", "\"inf\""),
        (":double", "\"\""),
        (":bigdec", "\"1e99999\""),
        (":bigdec", "##Inf"),
        (":boolean", "1"),
        (":boolean", "\"yes\""),
        (":instant", "1700000000"),
        (":instant", "\"2026-02-30\""),
        (":keyword", "\"\""),
        (":keyword", "1"),
        (":uuid", "\"x\""),
        (":uri", ":a"),
        ("upper-case", "1"),
    ] {
        assert_eq!(coerced(coercion, value), Err(Code::LensCoercion), "{coercion} {value}");
    }
}
