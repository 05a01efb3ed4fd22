//! Promise: the small way looks first where least is to be found, keeps what it found out about names, and leaves to the ordinary way what is
//! too large for it. Attacked with questions whose steps are counted, each answered by columns too; with questions at each of its limits and one
//! beyond; and with facts that note what they are asked.

mod common;

use std::fmt::Write as _;
use std::sync::Arc;

use annals_query::ast::RuleSet;
use annals_query::engine::{self, Options, Orders, Tuning, Way};
use annals_query::{Attribute, Budget, Cardinality, Code, Fact, Given, Unique, Uuid, Value, ValueType, check, parse};
use common::asked::AskedFacts;
use common::memory::{MemoryFacts, View};

const FIRST: i64 = 1 << 33;

/// Forty people: unique ids, four of a name, eight of a rank, none to three tags, a boss each; and one entity with a value of every kind.
fn staff() -> MemoryFacts {
    let mut attributes: Vec<Attribute> = ["id", "name", "tag", "boss", "rank", "left", "db/ident", "kind", "half", "count"]
        .iter()
        .zip(101..)
        .map(|(ident, id)| Attribute::new(id, *ident))
        .collect();
    attributes[0].unique = Some(Unique::Identity);
    for many in [2, 7, 8, 9] {
        attributes[many].cardinality = Cardinality::Many;
    }
    attributes[3].value_type = Some(ValueType::Ref);
    let mut rows = Vec::new();
    for n in 0..40_i64 {
        let e = FIRST + n;
        rows.push((e, 101, Value::from(format!("p{n}"))));
        rows.push((e, 102, Value::from(format!("n{}", n % 10))));
        rows.extend((0..n % 4).map(|tag| (e, 103, Value::keyword(["red", "green", "blue"][tag as usize]))));
        rows.push((e, 104, Value::Ref(FIRST + n / 2)));
        rows.push((e, 105, Value::from(n % 5)));
    }
    rows.push((FIRST, 107, Value::keyword("chief")));
    rows.extend([0.5, 0.25, 0.5].map(|half| (FIRST, 109, half.into())));
    // Equal numbers of two kinds, of two entities of one name.
    rows.extend([(FIRST + 2, 109, 1.into()), (FIRST + 12, 109, 1.0.into())]);
    for value in kinds() {
        rows.push((FIRST + 1, 108, value));
    }
    // Values of which there are as many as they say.
    for count in [190, 191, 192] {
        rows.extend((0..count).map(|n| (FIRST + 1_000 + n, 110, Value::from(count))));
    }
    let mut log: Vec<Fact> = (1..).zip(rows).map(|(t, (e, a, v))| Fact { e, a, v, t, m: 0, added: true }).collect();
    log.push(Fact { added: false, t: 10_000, ..log[1].clone() });
    log.push(Fact { v: "n0".into(), t: 10_001, ..log[1].clone() });
    MemoryFacts::new(attributes, log)
}

fn kinds() -> Vec<Value> {
    vec![
        Value::Instant(5),
        true.into(),
        2.into(),
        "text".into(),
        Value::keyword("word"),
        Value::Char('c'),
        Value::Uuid(Uuid::from_u128(7)),
        Value::Symbol("s".into()),
        Value::vector([1.into(), 2.into()]),
    ]
}

const RULES: &str = "[[(over ?a ?b) [?b :boss ?a]] [(near ?a ?b) [?a :boss ?b]] [(near ?a ?b) [?b :boss ?a]]
                      [(tagged ?e ?t) [?e :tag ?t]] [(same [?a] ?b) [?a :rank ?r] [?b :rank ?r]]
                      [(named [?a] ?b) [?a :name \"n9\"] [?a :boss ?b]]]";

/// The answer as EDN, the steps it took, and whether the small way gave it.
fn ask(facts: &Given, text: &str, inputs: &[Value], small: Way) -> (String, u64, bool) {
    let query = parse::query(text).expect(text);
    let rules = if text.contains('%') { parse::rules(RULES).expect("rules") } else { RuleSet::default() };
    let mut given = vec![facts.clone()];
    given.extend(text.contains('%').then(|| Given::Rules(rules.clone())));
    given.extend(inputs.iter().cloned().map(Given::Value));
    let checked = check::check(query, rules).expect(text);
    let (orders, budget) = (Arc::new(Orders::default()), Budget::default());
    let options = Options { tuning: Tuning { small, ..Tuning::default() }, ..Options::default() };
    let table = engine::table(&checked, Some(&orders), &given, &options, &budget).expect(text);
    (format!("{} {:?} {:?}", table.to_edn(), table.header(), table.warnings()), budget.steps(), orders.counts().1 == 0)
}

/// How many steps it takes; `None` if it is too large.
#[track_caller]
fn check_steps(text: &str, inputs: &[Value], expected: Option<u64>) {
    let facts = Given::Facts(Arc::new(staff()));
    let (small, steps, is_small) = ask(&facts, text, inputs, Way::Chosen);
    let (large, ..) = ask(&facts, text, inputs, Way::Never);
    assert_eq!(small, large, "{text}");
    assert_eq!(is_small.then_some(steps), expected, "{text}");
}

#[test]
fn what_leads_to_the_fewest_facts_is_looked_at_first() {
    for (text, inputs, steps) in [
        // A fact that is known, then one of one value, then one of many.
        ("[:find ?t :where [?e :id \"p7\"] [?e :tag ?t] [?e :rank ?r] [(> ?r 2)]]", vec![], 9),
        ("[:find ?t :where [?e :id \"p7\"] [?e :tag ?t] [?e :rank 4]]", vec![], 6),
        ("[:find ?b :where [?e :id \"p7\"] [?e :tag ?t] [?e :name ?i] [?b :id ?i]]", vec![], 10),
        // By a value of which there are few; also where it is not known yet which one.
        ("[:find ?e :where [?e :rank 4] [?e :name \"n9\"]]", vec![], 26),
        ("[:find ?e :where [?e :name \"n9\"] [?e :rank 4]]", vec![], 26),
        ("[:find ?e :in $ ?r ?n :where [?e :rank ?r] [?e :name ?n]]", vec![4.into(), "n9".into()], 26),
        ("[:find ?e :in $ ?n ?r :where [?e :name ?n] [?e :rank ?r]]", vec!["n9".into(), 4.into()], 26),
        ("[:find ?f :where [?e :id \"p9\"] [?e :rank ?r] [?e :name ?n] [?f :rank ?r] [?f :name ?n]]", vec![], 38),
        // What only tests before what binds; what binds nothing for certain leads nowhere.
        ("[:find ?x :where [?e :id \"p8\"] (or [?e :tag ?x] [?e :boss ?x]) (or [?e :tag :red] [?e :rank 4])]", vec![], 9),
        ("[:find ?t :where [?e :id \"p9\"] [?b :tag ?t] (or [?e :rank ?x] [?e :boss ?x]) [?b :boss ?e]]", vec![], 53),
        (
            "[:find ?x :where [?e :id \"p9\"] (or-join [?e ?x] (and [?x :boss ?e] [?x :rank _]) (and [?e :boss ?x] [?x :rank _]))]",
            vec![],
            27,
        ),
        ("[:find ?f :where [?e :id \"p9\"] [?e :boss ?f] (not [?e :tag :red])]", vec![], 13),
        ("[:find ?f :where [?e :id \"p9\"] (not [?e :tag ?f]) [?e :boss ?f]]", vec![], 11),
        ("[:find ?y :where [?e :id \"p9\"] [?e :rank ?r] [(inc ?r) ?y] [(< ?y 3)] [?e :tag _]]", vec![], 10),
        ("[:find ?n :where [?e :id \"p9\"] [?e :boss ?b] [?b :name ?n] [(get-else $ ?b :left 0) ?l] [(= ?l 1)]]", vec![], 15),
        ("[:find ?n :where [?e :id \"p9\"] [?e :boss ?b] [?b :tag ?n] [(missing? $ ?b :rank)]]", vec![], 11),
        ("[:find ?n :in $ % :where [?e :id \"p9\"] (tagged ?b ?n) (over ?e ?b)]", vec![], 27),
        ("[:find ?n :in $ % :where [?e :id \"p9\"] (near ?e ?b) (tagged ?b ?n)]", vec![], 34),
        ("[:find ?b :in $ % :where (same ?e ?b) [?e :id \"p9\"]]", vec![], 27),
        ("[:find ?b :in $ % :where (over [:id \"p9\"] ?b)]", vec![], 7),
        ("[:find ?b :in $ % :where (over :chief ?b)]", vec![], 7),
        ("[:find ?t :in $ % :where (tagged [:id \"p7\"] ?t)]", vec![], 9),
        ("[:find ?r :where [[:id \"p9\"] :rank ?r]]", vec![], 4),
        ("[:find ?e :where [?e :boss [:id \"p9\"]]]", vec![], 6),
        ("[:find ?e :where [?e :boss :chief]]", vec![], 6),
        ("[:find ?r :where [:chief :rank ?r]]", vec![], 4),
        ("[:find ?t :where [[:id \"p9\"] :rank _ ?t]]", vec![], 4),
        ("[:find ?e ?t :in $ ?t :where [?e :rank 4 ?t] [?e :name \"n9\"]]", vec![45.into()], 26),
        // Rows that are the same, in the order of answers.
        ("[:find ?r :where [?e :name \"n9\"] [?e :rank ?r]]", vec![], 26),
        ("[:find ?b ?r :where [?b :rank ?r] [?e :boss ?b] [?e :name \"n9\"]]", vec![], 42),
        ("[:find [?b ...] :where [?e :boss ?b] [?e :name \"n9\"]]", vec![], 26),
        ("[:find [?b ...] :where [?e :boss ?b] [?e :name \"n9\"] :limit 2 :offset 1]", vec![], 26),
        ("[:find [?b ...] :where [?e :boss ?b] [?e :name \"n9\"] :limit 9 :offset 3]", vec![], 26),
        ("[:find [?b ...] :where [?e :boss ?b] [?e :name \"n9\"] :offset 9]", vec![], 26),
        ("[:find ?b . :where [?e :boss ?b] [?e :name \"n9\"]]", vec![], 26),
        ("[:find ?b . :where [?e :boss ?b] [?e :name \"n9\"] :offset 2]", vec![], 26),
        ("[:find [?b ?e] :where [?e :boss ?b] [?e :name \"n9\"] :offset 1]", vec![], 26),
        ("[:find [?b ?e] :where [?e :boss ?b] [?e :name \"nobody\"]]", vec![], 2),
        ("[:find ?b ?e :where [?e :boss ?b] [?e :name \"n9\"] :limit 3]", vec![], 26),
        ("[:find ?b ?e :where [?e :boss ?b] [?e :name \"n9\"] :order-by [?e :desc]]", vec![], 4154),
        ("[:find ?b :where [?e :boss ?b] [?e :name \"n9\"] :having [(> ?b 8589934604)]]", vec![], 4134),
        ("[:find ?e ?b :in $ % :where (named ?e ?b) [?e :rank 4]]", vec![], 66),
        ("[:find ?h :where [?e :name \"n2\"] [?e :half ?h]]", vec![], 30),
        ("[:find ?e :where [?e :rank 4 ?e]]", vec![], 18),
        ("[:find ?e ?b :where (or-join [[?e] ?b] (and [?e :name \"n9\"] [?e :boss ?b])) [?e :rank 4]]", vec![], 66),
        ("[:find (count ?e) ?r :where [?e :name \"n9\"] [?e :rank ?r]]", vec![], 48),
        ("[:find ?e :with ?b :where [?e :name \"n9\"] [?e :boss ?b]]", vec![], 4134),
        ("[:find (pull ?e [:name {:boss [:id]}]) :where [?e :id \"p9\"]]", vec![], 11),
        ("[:find (pull ?e [:name]) :in $ ?e :where [(some? ?e)]]", vec![Value::vector([Value::keyword("id"), "p9".into()])], 5),
    ] {
        check_steps(text, &inputs, Some(steps));
    }
}

#[test]
fn names_stand_for_entities_of_the_source_in_which_they_are_looked_for() {
    let facts = Given::Facts(Arc::new(staff()));
    let id = |id: &str| Value::vector([Value::keyword("id"), id.into()]);
    let text = |find: &str, clauses: &str| format!("[:find {find} :in $ $2 ?e :where {clauses}]");
    for (text, input, expected) in [
        (text("?v", "[(get-else $ ?e :rank 0) ?v]"), id("p9"), "[[4]]"),
        (text("?v", "[(get-else $2 ?e :rank 0) ?v]"), id("p9"), "[[4]]"),
        (text("?e", "[(missing? $2 ?e :tag)]"), id("p8"), "[[8589934600]]"),
        (text("?v", "[$2 ?e :rank ?v]"), Value::keyword("chief"), "[[0]]"),
        (text("?v", "[$2 ?v :boss ?e]"), id("p9"), "[[8589934610]\n [8589934611]]"),
        (text("?v", "[$2 ?v :boss ?e] [?v :rank 0]"), id("p5"), "[[8589934602]]"),
        (text("(pull $2 ?e [:rank]) ?e", "[(some? ?e)]"), id("p9"), "[[{:rank 4} 8589934601]]"),
        (text("?r ?e", "[$2 [:id \"p9\"] :rank ?r] [(some? ?e)]"), Value::from(1), "[[4 1]]"),
        // No transaction is that of an entity here, but it is looked for.
        (text("?r", "[$2 ?r :rank 4 ?e]"), id("p9"), "[]"),
    ] {
        let asked = |small: Way| {
            let mut given = vec![facts.clone(), facts.clone()];
            given.push(Given::Value(input.clone()));
            let checked = check::check(parse::query(&text).expect(&text), RuleSet::default()).expect(&text);
            let orders = Arc::new(Orders::default());
            let options = Options { tuning: Tuning { small, ..Tuning::default() }, ..Options::default() };
            let table = engine::table(&checked, Some(&orders), &given, &options, &Budget::default()).expect(&text);
            (table.to_edn(), orders.counts().1 == 0)
        };
        assert_eq!(asked(Way::Chosen), (expected.to_owned(), true), "{text}");
        assert_eq!(asked(Way::Never), (expected.to_owned(), false), "{text}");
    }
}

#[test]
fn a_value_of_every_kind_comes_as_it_is() {
    let facts = Given::Facts(Arc::new(staff()));
    for value in kinds() {
        for text in [
            "[:find ?e ?v :in $ ?v :where [?e :kind ?v]]",
            "[:find ?v . :in $ ?v :where [?e :id \"p1\"] [?e :kind ?v]]",
            "[:find ?v ?i :in $ ?v :where [?e :id ?i] [?e :kind ?v]]",
        ] {
            let (small, ..) = ask(&facts, text, std::slice::from_ref(&value), Way::Always);
            assert_eq!(small, ask(&facts, text, std::slice::from_ref(&value), Way::Never).0, "{text} {value}");
        }
    }
    for text in [
        "[:find ?h :where [?e :id \"p0\"] [?e :half ?h]]",
        "[:find ?e ?k :where [?e :id \"p1\"] [?e :kind ?k]]",
        "[:find ?e ?h :where [?e :half ?h] [?e :half 0.25]]",
        "[:find (sum ?h) . :where [?e :id \"p0\"] [?e :half ?h]]",
    ] {
        assert_eq!(ask(&facts, text, &[], Way::Always).0, ask(&facts, text, &[], Way::Never).0, "{text}");
    }
}

/// `[?e :id "p7"]` and so many others.
fn clauses(count: usize) -> String {
    format!("[:find ?e :where [?e :id \"p7\"] {}]", "[?e :rank ?r] ".repeat(count - 1))
}

/// Such a question with so many variables, two of them in each clause.
fn variables(count: usize) -> String {
    let mut text = "[:find ?e :where [?e :id \"p7\"]".to_owned();
    for at in (1..count).step_by(2) {
        let second = if at + 1 < count { format!("?v{}", at + 1) } else { "_".to_owned() };
        write!(text, " [?e :rank ?v{at} {second}]").expect("text grows");
    }
    text + "]"
}

#[test]
fn what_is_as_large_as_the_small_way_goes_is_small_and_one_more_is_not() {
    for (text, steps) in [
        (clauses(48), Some(192)),
        (clauses(49), None),
        (variables(64), Some(132)),
        (variables(65), None),
        ("[:find (count ?e) . :where [?e :count 190]]".to_owned(), Some(764)),
        ("[:find (count ?e) . :where [?e :count 191]]".to_owned(), Some(768)),
        ("[:find (count ?e) . :where [?e :count 192]]".to_owned(), None),
        ("[:find (count ?e) . :where [?e :count 190] [(some? ?e)]]".to_owned(), None),
        ("[:find ?n :where [_ :name ?n]]".to_owned(), None),
        ("[:find ?r :where [?e :id \"p9\"] [?e :rank ?r _ 1]]".to_owned(), None),
        ("[:find ?r :where [?e :id \"p9\"] [?e :rank ?r _ _ false]]".to_owned(), None),
        // Numbers of two kinds that meet, and one in the place of an entity.
        ("[:find ?r :where [?e :id \"p9\"] [?e :rank ?r] [(* ?r 1.0) ?r]]".to_owned(), None),
        ("[:find ?r :where [(* 8589934601 1.0) ?e] [?e :rank ?r]]".to_owned(), None),
        ("[:find ?e :in $ % :where (over ?e ?e)]".to_owned(), None),
    ] {
        check_steps(&text, &[], steps);
    }
    check_steps("[:find ?r :in $ ?e :where [?e :rank ?r]]", &[8_589_934_601.0.into()], None);
    check_steps("[:find ?r :in $ ?e :where [?e :rank ?r]]", &["no entity".into()], Some(1));
}

#[test]
fn what_it_does_not_know_it_leaves_to_the_ordinary_way() {
    let facts = staff();
    let history = Given::Facts(Arc::new(facts.at(View { is_history: true, ..View::default() })));
    let text = "[:find ?n ?t ?added :where [?e :id \"p0\"] [?e :name ?n ?t _ ?added]]";
    let (answer, _, is_small) = ask(&history, text, &[], Way::Always);
    assert!(!is_small && answer.starts_with("[[\"n0\" 2 true]\n [\"n0\" 10000 false]\n [\"n0\" 10001 true]]"), "{answer}");
    let (answer, _, is_small) = ask(&history, "[:find (count ?t) . :where [?e :id \"p0\"] [?e :name _ ?t]]", &[], Way::Always);
    assert!(!is_small && answer.starts_with("3 "), "{answer}");
    let facts = Given::Facts(Arc::new(facts));
    for text in [
        "[:find ?x :where [?e :id \"p0\"] [?e :nick ?x]]",
        "[:find (pull ?e [:nick]) :where [?e :id \"p0\"]]",
        "[:find (pull ?e [:name {:boss [:nick]}]) :where [?e :id \"p0\"]]",
        "[:find (pull ?e [{:boss [:id]} {:nick [:id]}]) :where [?e :id \"p0\"]]",
        "[:find ?x :where [?e :id \"p0\"] [(get-else $ ?e :nick 0) ?x]]",
    ] {
        let (small, _, is_small) = ask(&facts, text, &[], Way::Always);
        assert_eq!((small, is_small), (ask(&facts, text, &[], Way::Never).0, false), "{text}");
    }
    for (small, id) in [Way::Always, Way::Chosen, Way::Never].into_iter().flat_map(|way| [(way, "p4"), (way, "p5"), (way, "p7")])
    {
        let many = &format!("[:find ?x :where [?e :id \"{id}\"] [(get-else $ ?e :tag :none) ?x]]");
        let options = Options { tuning: Tuning { small, ..Tuning::default() }, ..Options::default() };
        let checked = check::check(parse::query(many).expect(many), RuleSet::default()).expect(many);
        let error = engine::answer(&checked, std::slice::from_ref(&facts), &options, &Budget::default()).expect_err(many);
        assert_eq!(error.code(), Code::GetElse, "{error}");
    }
}

#[test]
fn names_are_looked_up_once_where_the_source_says_that_they_mean_the_same() {
    let text = "[:find ?t . :in $ $2 ?i :where [?e :id ?i] [?e :tag ?t] [$2 ?e :rank 2]]";
    let checked = check::check(parse::query(text).expect(text), RuleSet::default()).expect(text);
    let orders = Arc::new(Orders::default());
    let asked = |first: Option<u64>, second: Option<u64>| {
        let sources = [AskedFacts::new(staff(), first), AskedFacts::new(staff(), second)];
        let given = [Given::Facts(sources[0].clone()), Given::Facts(sources[1].clone()), Given::Value("p2".into())];
        engine::table(&checked, Some(&orders), &given, &Options::default(), &Budget::default()).expect(text);
        sources.map(|source| source.take().iter().any(|asked| asked == "name" || asked.starts_with("announced")))
    };
    for (first, second, expected) in [
        (Some(1), Some(2), true),
        (Some(1), Some(2), false),
        (Some(1), Some(3), true),
        (Some(1), Some(3), false),
        (Some(4), Some(3), true),
        (None, Some(3), true),
        (None, Some(3), true),
        (Some(4), None, true),
        (None, None, true),
        (None, None, true),
    ] {
        assert_eq!(asked(first, second), [expected; 2], "{first:?} {second:?}");
    }
}

#[test]
fn attributes_are_announced_to_the_source_in_which_they_are_looked_for() {
    let text = "[:find ?t . :in $ $2 :where [?e :id \"p2\"] [?e :tag ?t] [$2 ?e :rank 2] [$2 ?e :rank ?r]]";
    for small in [Way::Chosen, Way::Never] {
        let sources = [AskedFacts::new(staff(), None), AskedFacts::new(staff(), None)];
        let given = sources.clone().map(|source| Given::Facts(source));
        let checked = check::check(parse::query(text).expect(text), RuleSet::default()).expect(text);
        let options = Options { tuning: Tuning { small, ..Tuning::default() }, ..Options::default() };
        engine::table(&checked, None, &given, &options, &Budget::default()).expect(text);
        let announced =
            sources.map(|source| source.take().into_iter().filter(|asked| asked.starts_with("announced")).collect::<Vec<_>>());
        assert_eq!(announced, [["announced [101, 103]"], ["announced [105]"]], "{small:?}");
    }
}

#[test]
fn a_question_that_is_not_small_is_tried_after_two_four_eight_others() {
    let text = "[:find (count ?e) . :where [?e :count 192] [(some? ?e)]]";
    let checked = check::check(parse::query(text).expect(text), RuleSet::default()).expect(text);
    let (orders, given) = (Arc::new(Orders::default()), [Given::Facts(Arc::new(staff()))]);
    let steps = |small| {
        let (budget, tuning) = (Budget::default(), Tuning { small, ..Tuning::default() });
        engine::table(&checked, Some(&orders), &given, &Options { tuning, ..Options::default() }, &budget).expect(text);
        budget.steps()
    };
    steps(Way::Never);
    let by_columns = steps(Way::Never);
    let tried = (0..1_100).filter(|_| steps(Way::Chosen) != by_columns).collect::<Vec<_>>();
    assert_eq!(tried, [0, 3, 8, 17, 34, 67, 132, 261, 518, 775, 1032]);
}
