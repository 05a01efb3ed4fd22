//! Promise: a query inside a query is bounded like any other, shows in `explain`, knows what a program registered, and is refused
//! politely where it nests too deep. Attacked at the limit and around it, in vectors and in strings, with budgets that run out inside,
//! and with quotes where no query follows.

use annals_query::ast::RuleSet;
use annals_query::engine::{self, Options};
use annals_query::limits::LIMIT_NESTED_QUERIES;
use annals_query::{Answer, Budget, Code, Error, Functions, Given, Result, Value, check, edn, parse};

fn rows(count: i64) -> Given {
    Given::Relation((0..count).map(|n| vec![n.into(), (n % 3).into()]).collect())
}

fn ask_with(text: &str, functions: &Functions, budget: &Budget) -> Result<Answer> {
    let query = parse::query(text)?;
    let checked = check::check_with(query, RuleSet::default(), functions)?;
    engine::answer(&checked, &[rows(100)], &Options { functions: functions.clone(), ..Options::default() }, budget)
}

fn ask(text: &str) -> Result<Answer> {
    ask_with(text, &Functions::new(), &Budget::default()).map_err(|error| error.located_in(text))
}

/// Queries `depth` deep inside the outermost one.
fn nested(depth: usize) -> String {
    let inner = "[:find (count ?a) . :where [?a _]]".to_owned();
    (0..depth).fold(inner, |inner, _| format!("[:find ?n . :where [(q {inner} $) ?n]]"))
}

#[track_caller]
fn refused(outcome: Result<Answer>, code: Code) -> Error {
    let error = outcome.expect_err("it is refused");
    assert_eq!(error.code(), code, "{error}");
    assert!(error.help().is_some() && error.span().is_some(), "{error}");
    error
}

#[test]
fn queries_nest_as_deep_as_the_limit_and_no_deeper() {
    for depth in [0, 1, LIMIT_NESTED_QUERIES - 1, LIMIT_NESTED_QUERIES] {
        assert_eq!(ask(&nested(depth)).expect("within the limit").rows, [[Value::from(100)]], "{depth}");
    }
    let error = refused(ask(&nested(LIMIT_NESTED_QUERIES + 1)), Code::LimitExceeded);
    let prefix = "[:find ?n . :where [";
    let columns = (prefix.len() + "(q ".len()) * LIMIT_NESTED_QUERIES + prefix.len();
    assert_eq!(error.position().map(|place| place.column as usize), Some(columns + 1));
    refused(ask(&nested(60)), Code::LimitExceeded);
    assert_eq!(ask(&nested(200)).expect_err("too deep to be read").code(), Code::EdnLimit);
}

#[test]
fn strings_in_strings_count_too() {
    let quoted = |depth: usize| {
        let inner = "[:find (count ?a) . :where [?a _]]".to_owned();
        (0..depth).fold(inner, |inner, _| format!("[:find ?n . :where [(q {} $) ?n]]", Value::from(inner)))
    };
    assert_eq!(ask(&quoted(3)).expect("within the limit").rows, [[Value::from(100)]]);
    // Every level doubles the escapes, so few levels of strings are wrapped in many levels of vectors.
    let many = nested(LIMIT_NESTED_QUERIES);
    let text = format!("[:find ?n . :where [(q {} $) ?n]]", Value::from(many));
    refused(ask(&text), Code::LimitExceeded);
}

#[test]
fn a_query_inside_spends_from_the_same_budget() {
    let text = "[:find (count ?n) . :where [?a _] [(q [:find (count ?x) . :in $ ?a :where [?x _] [?y _] [?z _] [(!= ?x ?y ?z ?a)]] $ ?a) ?n]]";
    let budget = Budget::default().with_limit_rows(1_000);
    refused(ask_with(text, &Functions::new(), &budget), Code::LimitExceeded);
    let budget = Budget::default().with_timeout(std::time::Duration::from_millis(20));
    assert_eq!(ask_with(text, &Functions::new(), &budget).expect_err("out of time").code(), Code::Timeout);
    let own = "[:find ?n . :where [(q [:find (count ?x) . :timeout 5 :where [?x _] [?y _] [?z _] [(!= ?x ?y ?z)]] $) ?n]]";
    assert_eq!(ask(own).expect_err("out of time inside").code(), Code::Timeout);
}

#[test]
fn equal_arguments_are_asked_once() {
    let calls = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&calls);
    let functions = Functions::new().with_function("my/count", annals_query::function::Arity::exactly(1), move |args| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok::<_, String>(args[0].clone())
    });
    let functions = functions.expect("a free name");
    let text = "[:find ?a ?n :where [?a ?k] [(q [:find ?x . :in ?k :where [(my/count ?k) ?x]] ?k) ?n]]";
    let answer = ask_with(text, &functions, &Budget::default()).expect("a right query");
    assert_eq!((answer.rows.len(), calls.load(std::sync::atomic::Ordering::Relaxed)), (100, 3));
}

#[test]
fn a_query_inside_knows_what_is_registered() {
    let functions = Functions::new().with_aggregate("my/first", |values| Ok::<_, String>(values[0].clone()));
    let functions = functions.expect("a free name");
    let text = "[:find ?ks . :where [(q [:find [?k ...] :having [(> (my/first ?a) 0)] :order-by ?k :where [?a ?k]] $) ?ks]]";
    let answer = ask_with(text, &functions, &Budget::default()).expect("a right query");
    assert_eq!(answer.to_edn(), "[1 2]");
    let rules = "[[(firsts ?ks) [(q [:find [?k ...] :having [(> (my/first ?a) 0)] :order-by ?k :where [?a ?k]] $) ?ks]]]";
    let rules = parse::rules(rules).expect("rules");
    let query = parse::query("[:find ?ks . :in $ % :where (firsts ?ks)]").expect("a query");
    let checked = check::check_with(query, rules.clone(), &functions).expect("a right query");
    let options = Options { functions, ..Options::default() };
    let answer = engine::answer(&checked, &[rows(9), Given::Rules(rules)], &options, &Budget::default()).expect("it runs");
    assert_eq!(answer.to_edn(), "[1 2]");
}

#[test]
fn explain_shows_the_query_inside() {
    let text = "[:find ?a ?n :where [?a ?k] [(q [:find ?k (count ?x) :in $ ?k :where [?x ?k]] $ ?k) [[_ ?n]]]]";
    let checked = check::check(parse::query(text).expect("a query"), RuleSet::default()).expect("a right query");
    let explanation = engine::explain(&checked, &[rows(9)], &Options::default(), &Budget::default()).expect("it runs");
    let shown = explanation.to_string();
    assert!(shown.contains("[(q [:find ?k (count ?x) ..] ?k) [[_ ?n]]]"), "{shown}");
}

#[test]
fn a_quote_stands_before_a_query_and_nowhere_else() {
    for text in ["'[:find ?x]", "' [ :find ?x ]", "'{:find [?x] :where [[?x]]}", "['[:find ?x] 1]", "'{:in [$]}"] {
        assert!(edn::read(text).is_ok(), "{text}");
    }
    for text in ["'[1 2]", "'(a b)", "'a", "'", "''[:find ?x]", "'{:a 1}", "'\"x\"", "[' 1]", "'[]", "'["] {
        assert_eq!(edn::read(text).expect_err(text).code(), Code::EdnSyntax, "{text}");
    }
}
