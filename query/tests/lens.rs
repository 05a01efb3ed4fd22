//! Promise: a lens shows the same facts in other names, types and with more attributes, in every way of asking, and says exactly what
//! is wrong with itself or with a fact it cannot read. Attacked by asking small histories through lenses and comparing with answers
//! written by hand, and by lenses that are wrong in each way there is.

mod common;

use std::sync::Arc;

use annals_query::lens::Lens;
use annals_query::{Attribute, Budget, Cardinality, Code, Error, Fact, Facts, Given, Unique, Value, ValueType, edn, engine};
use common::memory::{MemoryFacts, View};

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

#[test]
fn a_default_holds_for_whoever_has_its_anchor_and_nothing_else() {
    let lens = "{:lens/default {:order/total {:order/state :new :order/at \"never\"} :user/first {:user/friend 12}}}";
    check(lens, "[:find ?e ?v ?t :where [?e :order/state ?v ?t]]", "[10 :new 2] [11 :new 6]");
    check(lens, "[:find ?e ?v :where [?e :order/at ?v]]", r#"[10 "2026-01-02"] [11 "never"]"#);
    check(lens, "[:find ?e ?v :where [?e :user/friend ?v]]", "[10 12] [11 10] [12 12]");
    check(lens, "[:find ?e :where [?e :user/first] [(missing? $ ?e :order/state)]]", "[12]");
    check(lens, "[:find ?e :where [?e :order/state :new 6]]", "[11]");
    check(lens, "[:find ?n :where [10 ?a :new] [?a :db/ident ?n]]", "[:order/state]");
    check(
        lens,
        "[:find (pull ?e [* {:user/_friend [:user/first]}]) :where [?e :user/first \"Cat\"]]",
        "[{:db/id 12, :user/_friend [{:user/first \"Ada\"} {:user/first \"Cat\"}], :user/first \"Cat\", :user/friend {:db/id 12}}]",
    );
    check("{:lens/default {:never/said {:order/state :new}}}", "[:find ?e :where [?e :order/state]]", "");
}

#[test]
fn an_attribute_is_computed_from_others_of_its_entity() {
    let lens = "{:lens/coerce {:order/total :bigdec :order/tag :long}
                 :lens/default {:identity/contact {:user/first \"N.N.\"}}
                 :lens/compute {:user/name (str (upper-case ?user/first) \" <\" ?identity/contact \">\")
                                :order/gross (* ?order/total 2)
                                :order/sum (+ ?order/tag ?order/total)
                                :user/number (+ ?db/id (* 0 (count ?user/first)))}}";
    check(lens, "[:find ?v ?t :where [_ :user/name ?v ?t]]", r#"["ADA <ada@x>" 2] ["N.N. <bob@x>" 3]"#);
    check(lens, "[:find ?e :where [?e :user/name \"ADA <ada@x>\"]]", "[10]");
    check(lens, "[:find ?v :where [11 :order/gross ?v]]", "[2000M]");
    check(lens, "[:find ?e :where [?e :order/gross ?v] [(< ?v 100)]]", "[10]");
    check(lens, "[:find ?v ?t :where [11 :order/sum ?v ?t]]", "[1001M 6] [1002M 6]");
    check(lens, "[:find ?v :where [12 :user/number ?v]]", "[12]");
    check(
        lens,
        "[:find (pull ?e [:user/name :order/gross :order/sum]) :where [?e :order/tag 1]]",
        "[{:order/gross 2000M, :order/sum [1001M 1002M], :user/name \"N.N. <bob@x>\"}]",
    );
    check(lens, "[:find ?n :where [12 ?a 12] [?a :db/ident ?n]]", "[:user/number]");
    check("{:lens/compute {:order/total (str ?user/first)}}", "[:find ?v :where [_ :order/total ?v]]", r#"["Ada"] ["Cat"]"#);
    check("{:lens/compute {:a/b (str ?never/said)}}", "[:find ?v :where [_ :a/b ?v]]", "");
}

#[test]
fn a_lens_on_a_lens_reads_the_names_below_it() {
    let stack = "[{:lens/rename {:user/email :identity/contact} :lens/hide [:identity/contact]}
                  {:lens/rename {:mail :user/email} :lens/coerce {:order/total :bigdec}}
                  {:lens/compute {:domain (subs ?mail 4) :order/cents (* ?order/total 100)} :lens/hide [:user/email]}
                  {:lens/compute {:order/text (str ?order/cents)}}]";
    check(stack, "[:find ?v :where [_ :mail ?v]]", r#"["ada@x"] ["bob@x"]"#);
    check(stack, "[:find ?v :where [_ :user/email ?v]]", "");
    check(stack, "[:find ?v :where [_ :identity/contact ?v]]", "");
    check(stack, "[:find ?d :where [[:mail \"ada@x\"] :domain ?d]]", r#"["x"]"#);
    check(
        stack,
        "[:find ?n ?v :where [10 ?a ?v] [?a :db/ident ?n]]",
        "[:domain \"x\"] [:mail \"ada@x\"] [:order/at \"2026-01-02\"] [:order/cents 1250.00M] [:order/text \"1250.00\"] [:order/total 12.50M] [:user/first \"Ada\"]",
    );
    let below = Lens::read("{:lens/rename {:user/email :identity/contact}}").expect("a lens");
    let above = Lens::read("{:lens/name :b :lens/rename {:mail :user/email}}").expect("a lens");
    let both = above.over(&below);
    assert_eq!(both.name().as_deref(), Some("b"));
    assert_eq!(Lens::read(&both.to_string()), Ok(both.clone()));
    assert_eq!(ask(both.view(Arc::new(stored())), "[:find ?v :where [10 :mail ?v]]").as_deref(), Ok(r#"["ada@x"]"#));
}

#[test]
fn every_view_of_time_is_seen_through_the_lens() {
    let lens = "{:lens/rename {:total :order/total} :lens/coerce {:total :long} :lens/on-failure :skip
                 :lens/default {:total {:order/state :new}} :lens/compute {:double (* 2 ?total)}}";
    let at = |view: View, query: &str| ask(seen(stored().at(view), lens), query).expect(query);
    let (then, history) = (View { as_of: Some(5), ..View::default() }, View { is_history: true, ..View::default() });
    assert_eq!(at(then, "[:find ?v ?d ?s :where [11 :total ?v] [11 :double ?d] [11 :order/state ?s]]"), "[7 14 :new]");
    assert_eq!(at(View { since: Some(5), ..View::default() }, "[:find ?e ?v :where [?e :total ?v]]"), "[11 1000]");
    assert_eq!(
        at(history, "[:find ?e ?v ?t ?added :where [?e :total ?v ?t _ ?added]]"),
        "[11 7 3 true] [11 7 6 false] [11 1000 6 true]"
    );
    assert_eq!(at(history, "[:find ?e :where (or [?e :double] [?e :order/state])]"), "");
    assert_eq!(at(history, "[:find ?v :where [[:identity/contact \"bob@x\"] :total ?v]]"), "[7] [1000]");
}

#[test]
fn a_coerced_unique_attribute_still_leads_to_its_entity() {
    let lens = "{:lens/rename {:user/email :identity/contact} :lens/coerce {:identity/contact (upper-case ?value)}}";
    check(lens, "[:find ?v :where [[:user/email \"ADA@X\"] :user/first ?v]]", r#"["Ada"]"#);
    check(lens, "[:find ?v :where [[:user/email \"ada@x\"] :user/first ?v]]", "");
    let whole = "{:lens/coerce {:identity/contact (vector ?value 1)}}";
    check(whole, "[:find ?v :where [[:identity/contact [\"ada@x\" 1]] :user/first ?v]]", r#"["Ada"]"#);
    let with_a_missing_part = "{:lens/coerce {:identity/contact (vector ?value nil)}}";
    check(with_a_missing_part, "[:find ?v :where [?e :identity/contact [\"ada@x\" nil]] [?e :user/first ?v]]", r#"["Ada"]"#);
    check(with_a_missing_part, "[:find ?v :where [[:identity/contact [\"ada@x\" nil]] :user/first ?v]]", "");
    let history = seen(stored().at(View { is_history: true, ..View::default() }), lens);
    assert_eq!(ask(history, "[:find ?v :where [[:user/email \"ADA@X\"] :user/first ?v]]").as_deref(), Ok(r#"["Ada"]"#));
}

#[test]
fn a_fact_that_cannot_be_read_is_named_or_left_out() {
    let error = ask(through("{:lens/name :crm/v2 :lens/coerce {:order/at :long}}"), "[:find ?v :where [_ :order/at ?v]]")
        .expect_err("a date is no long");
    assert_eq!(error.code(), Code::LensCoercion);
    let message = "the lens :crm/v2 cannot read [10 :order/at \"2026-01-02\" 2] by :long: the string \"2026-01-02\" cannot be read as a long";
    assert_eq!(error.message(), message);
    assert_eq!(error.value(), Some("\"2026-01-02\""));
    assert!(error.help().is_some_and(|help| help.contains(":lens/on-failure :skip")));
    check("{:lens/coerce {:order/at :long} :lens/on-failure :skip}", "[:find ?v :where [_ :order/at ?v]]", "");
    // Who is not looked at is not read: 12.50 is no long.
    check("{:lens/coerce {:order/total :long}}", "[:find ?v :where [11 :order/total ?v]]", "[1000]");
    check("{:lens/coerce {:order/total :long}}", "[:find ?v :where [[:identity/contact \"bob@x\"] :order/total ?v]]", "[1000]");
    check(
        "{:lens/coerce {:order/total :long}}",
        "[:find (pull ?e [*]) :where [?e :order/tag \"2\"]]",
        "[{:db/id 11, :identity/contact \"bob@x\", :order/tag [\"01\" \"1\" \"2\"], :order/total 1000, :user/friend {:db/id 10}}]",
    );
    check("{:lens/coerce {:order/at :long}}", "[:find ?e :where [?e :user/first \"Cat\"] [(missing? $ ?e :order/at)]]", "[12]");

    let lens = "{:lens/compute {:order/half (/ ?order/total 2)}}";
    let error = ask(through(lens), "[:find ?v :where [11 :order/half ?v]]").expect_err("a text has no half");
    assert_eq!(error.code(), Code::LensCoercion);
    let message = error.message();
    assert!(
        message.starts_with(
            "the lens cannot compute :order/half of 11 by (/ ?order/total 2) from ?order/total \"1000\", which holds since t 6: "
        ),
        "{message}"
    );
    check("{:lens/compute {:order/half (/ ?order/total 2)} :lens/on-failure :skip}", "[:find ?v :where [11 :order/half ?v]]", "");
}

#[test]
fn a_wrong_lens_is_refused_where_it_is_wrong() {
    for (lens, code, column, message) in [
        ("[]", Code::LensSyntax, 1, "expected a lens, which is a map, found the vector []"),
        ("{:lens/raname {}}", Code::LensSyntax, 2, "a lens has no key :lens/raname"),
        ("{:name :a}", Code::LensSyntax, 2, "a lens has no key :name"),
        ("{:lens/name \"a\"}", Code::LensSyntax, 13, "expected a keyword, found the string \"a\""),
        ("{:lens/rename [:a :b]}", Code::LensSyntax, 15, "expected a map, found the vector [:a :b]"),
        ("{:lens/rename {:a :c :b :c}}", Code::LensSyntax, 25, ":c cannot be shown as both :a and :b"),
        ("{:lens/hide :a}", Code::LensSyntax, 13, "expected a vector of names, found the keyword :a"),
        ("{:lens/coerce {:a :lng}}", Code::LensSyntax, 19, "nothing is coerced to `:lng`"),
        ("{:lens/coerce {:a :ref}}", Code::LensSyntax, 19, "nothing is coerced to `:ref`"),
        ("{:lens/coerce {:a 1}}", Code::LensSyntax, 19, "expected a call, found the long 1"),
        ("{:lens/coerce {:a parse-lung}}", Code::UnknownFunction, 19, "no function is called `parse-lung`"),
        ("{:lens/coerce {:a (str ?b)}}", Code::LensSyntax, 19, "a coercion reads ?value alone, not ?b"),
        ("{:lens/coerce {:a (subs ?value)}}", Code::Arity, 19, "`subs` takes 2 or 3 arguments, not 1"),
        ("{:lens/default {:a :b}}", Code::LensSyntax, 20, "expected a map, found the keyword :b"),
        ("{:lens/default {:a {:b nil}}}", Code::LensSyntax, 24, "a nil is no value of a fact"),
        ("{:lens/default {:a {:b 1} :c {:b 2}}}", Code::LensSyntax, 31, ":b has two defaults"),
        ("{:lens/compute {:a (str 1)}}", Code::LensSyntax, 20, "(str 1) names no variable, so it follows from nothing"),
        (
            "{:lens/compute {:a (str ?db/id)}}",
            Code::LensSyntax,
            20,
            "(str ?db/id) names no attribute, so every entity would have it",
        ),
        ("{:lens/compute {:a (str [?b])}}", Code::LensSyntax, 26, "the literal [?b] holds the variable ?b"),
        (
            "{:lens/compute {:a (get-else ?b :c 1)}}",
            Code::LensSyntax,
            20,
            "`get-else` asks a source, and a lens reads one entity",
        ),
        ("{:lens/compute {:a (str ?c) :c (str ?d)}}", Code::LensSyntax, 1, ":a is computed from :c, which is computed too"),
        ("{:lens/compute {:a (str ?c)} :lens/coerce {:a :long}}", Code::LensSyntax, 1, ":a is computed and coerced"),
        ("{:lens/compute {:a (str ?c)} :lens/hide [:a]}", Code::LensSyntax, 1, ":a is computed, and renamed or hidden"),
        ("{:lens/compute {:a (str ?c)} :lens/default {:b {:a 1}}}", Code::LensSyntax, 1, ":a is computed and has a default"),
        ("{:lens/on-failure :ignore}", Code::LensSyntax, 19, "expected :error or :skip, found the keyword :ignore"),
        ("{:lens/doc :a}", Code::LensSyntax, 12, "expected a text, found the keyword :a"),
        ("{:lens/name :a", Code::EdnSyntax, 1, "this `{` is never closed"),
    ] {
        let error = Lens::read(lens).expect_err(lens);
        let column_of = error.position().map(|place| place.column);
        assert_eq!((error.code(), column_of, error.message()), (code, Some(column), message), "{lens}");
        assert!(error.help().is_some(), "{lens}");
    }
    let error = Lens::read("{:lens/rules\n [[(r ?x) 5]]}").expect_err("no clause");
    assert_eq!((error.code(), error.position().map(|place| (place.line, place.column))), (Code::QuerySyntax, Some((2, 11))));
}
