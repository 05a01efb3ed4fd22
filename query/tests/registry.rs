//! Promise: what a program registers takes part in a query as a built-in word does, with errors as exact, and its own errors come out
//! whole. Attacked with calls in every place where a name may stand, names that are taken or that nobody could write, results of every
//! kind, wrong arguments, failures in rules, under `not` and behind other clauses, in every order of clauses.

use annals_query::ast::{Query, RuleSet};
use annals_query::engine::{self, Options};
use annals_query::function::Arity;
use annals_query::{Answer, Budget, Code, Error, Functions, Given, Result, Value, check, edn, parse};

/// What the tests' own functions fail with.
#[derive(Debug, PartialEq)]
struct OutOfStock(i64);

impl std::fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "article {} is out of stock", self.0)
    }
}

impl std::error::Error for OutOfStock {}

fn functions() -> Result<Functions> {
    Functions::new()
        .with_function("shop/gross", Arity::exactly(1), |args| match &args[0] {
            Value::Long(net) => Ok(Value::Long(net * 119 / 100)),
            _ => Err("a price is a whole number"),
        })?
        .with_function("shop/stock", Arity::exactly(1), |args| match args[0].as_long() {
            Some(13) => Err(OutOfStock(13)),
            found => Ok(found.map_or(Value::Nil, |n| Value::from(n % 10))),
        })?
        .with_function("shop/parts", Arity::between(1, 2), |args| {
            let count = args[0].as_long().unwrap_or(0);
            Ok::<_, OutOfStock>(Value::vector((0..count.min(3)).map(|n| Value::vector([n.into(), (n * n).into()]))))
        })?
        .with_function("never", Arity::at_least(0), |_| Ok::<_, String>(Value::Nil))?
        .with_predicate("shop/cheap?", Arity::exactly(1), |args| Ok::<_, OutOfStock>(args[0] < Value::from(100)))?
        .with_predicate("shop/in?", Arity::exactly(1), |args| match args[0].as_long() {
            Some(13) => Err(OutOfStock(13)),
            found => Ok(found.is_some_and(|n| n % 2 == 0)),
        })?
        .with_aggregate("shop/all", |values| Ok::<_, String>(values.to_vec().into()))?
        .with_aggregate("shop/broken", |values| Err::<Value, _>(OutOfStock(values.len() as i64)))?
        .with_aggregate_of("shop/nth", Arity::exactly(1), |constants, values| {
            let place = constants[0].as_long().and_then(|n| usize::try_from(n).ok()).ok_or("a place counts from 0")?;
            Ok::<_, &str>(values.get(place).cloned().unwrap_or(Value::Nil))
        })
}

fn answer_of(query: Query, rules: &str, rows: &str) -> Result<Answer> {
    let functions = functions()?;
    let read = edn::read(rows)?;
    let rows = read.as_items().expect("rows").iter().map(|row| row.as_items().expect("a row").to_vec()).collect();
    let rules = if rules.is_empty() { RuleSet::default() } else { parse::rules(rules)? };
    let mut given = vec![Given::Relation(rows)];
    if query.inputs.len() > 1 {
        given.push(Given::Rules(rules.clone()));
    }
    let checked = check::check_with(query, rules, &functions)?;
    engine::answer(&checked, &given, &Options { functions, ..Options::default() }, &Budget::default())
}

/// The outcome with the clauses as written, which must be that with the clauses backwards.
fn ask(query: &str, rules: &str, rows: &str) -> Result<Answer> {
    let parsed = parse::query(query)?;
    let mut backwards = parsed.clone();
    backwards.clauses.reverse();
    let outcome = answer_of(parsed, rules, rows);
    match (&outcome, answer_of(backwards, rules, rows)) {
        (Ok(answer), Ok(other)) => {
            let sorted = |answer: &Answer| {
                let mut rows = answer.rows.clone();
                rows.sort();
                rows
            };
            assert_eq!(sorted(answer), sorted(&other), "{query}");
        }
        (Err(error), Err(other)) => assert_eq!(error.code(), other.code(), "{query}"),
        (left, right) => panic!("{query}: {left:?} and {right:?}"),
    }
    outcome
}

#[track_caller]
fn check(query: &str, rows: &str, expected: &str) {
    let answer = ask(query, "", rows).unwrap_or_else(|error| panic!("{query}: {error}"));
    assert_eq!(answer.to_edn(), expected, "{query}");
}

/// The error, whose place is line and column.
#[track_caller]
fn refuse(query: &str, rules: &str, rows: &str, code: Code, place: &str, message: &str, help: &str) -> Error {
    let error = match ask(query, rules, rows) {
        Ok(answer) => panic!("{query} gives {}", answer.to_edn()),
        Err(error) => error.located_in(query).located_in_rules(rules),
    };
    let position = error.position().unwrap_or_else(|| panic!("{query}: no place in {error}"));
    assert_eq!((error.code(), &*format!("{}:{}", position.line, position.column)), (code, place), "{query}: {error}");
    assert!(error.message().contains(message), "{query}: {error}");
    assert!(error.help().is_some_and(|text| text.contains(help)), "{query}: {error}: {:?}", error.help());
    error
}

#[test]
fn registered_functions_and_predicates_stand_wherever_built_in_ones_may() {
    let rows = "[[1 50] [2 200] [3 99]]";
    check("[:find ?g :where [1 ?n] [(shop/gross ?n) ?g]]", rows, "[[59]]");
    check("[:find [?e ...] :order-by ?e :where [?e ?n] [(shop/cheap? ?n)]]", rows, "[1 3]");
    check("[:find [?e ...] :where [?e ?n] (not [(shop/cheap? ?n)])]", rows, "[2]");
    check("[:find [?e ...] :order-by ?e :where [?e ?n] (or [(shop/cheap? ?n)] [(= ?n 200)])]", rows, "[1 2 3]");
    check("[:find ?a ?b :order-by [?a] :where [2 _] [(shop/parts 3) [[?a ?b]]]]", rows, "[[0 0]\n [1 1]\n [2 4]]");
    check("[:find ?e :where [?e ?n] [(never ?n ?e 1) ?x]]", rows, "[]");
    check("[:find ?e :where [?e ?n] [(never)]]", rows, "[]");
    check("[:find ?e :where [?e ?n] [(shop/gross ?n) ?n]]", "[[7 0] [8 100]]", "[[7]]");
}

#[test]
fn registered_functions_stand_in_rules() {
    let rules = "[[(cheap ?e) [?e ?n] [(shop/cheap? ?n)]] [(up ?a ?b) [(shop/stock ?a) ?b]] [(up ?a ?b) (up ?a ?x) [(inc ?x) ?b] [(< ?b 9)]]]";
    let rows = "[[1 50] [2 200]]";
    let answer = ask("[:find [?e ...] :in $ % :where (cheap ?e)]", rules, rows).expect("a right query");
    assert_eq!(answer.to_edn(), "[1]");
    let answer = ask("[:find (count ?x) . :in $ % :where [?e _] (up ?e ?x)]", rules, rows).expect("a right query");
    assert_eq!(answer.to_edn(), "8");
}

#[test]
fn registered_aggregates_see_the_bag_in_one_order() {
    let rows = "[[1 5 :a] [2 3 :b] [3 5 :a] [4 4 :a]]";
    check("[:find (shop/all ?n) . :with ?e :where [?e ?n]]", rows, "[3 4 5 5]");
    check("[:find ?k (shop/all ?n) (count ?n) :with ?e :order-by ?k :where [?e ?n ?k]]", rows, "[[:a [4 5 5] 3]\n [:b [3] 1]]");
    check("[:find (shop/nth 1 ?n) . :where [_ ?n]]", rows, "4");
    check("[:find (shop/nth 9 ?n) . :where [_ ?n]]", rows, "nil");
    check("[:find (shop/all ?n) :where [9 ?n]]", rows, "[]");
    check("[:find ?k :order-by [(shop/nth 0 ?n) :desc] :where [_ ?n ?k]]", rows, "[[:a]\n [:b]]");
    check("[:find ?k :having [(> (shop/nth 0 ?n) 3)] :where [_ ?n ?k]]", rows, "[[:a]]");
    check("[:find ?k ?n :having [(shop/cheap? ?n) (< (shop/gross ?n) 4)] :where [_ ?n ?k]]", rows, "[[:b 3]]");
}

#[test]
fn wrong_calls_are_refused_where_they_stand() {
    let rows = "[[1 2]]";
    let cases = [
        ("[:find ?x :where [?e ?n] [(shop/gros ?n) ?x]]", Code::UnknownFunction, "1:27", "`shop/gros`", "`shop/gross`"),
        ("[:find ?x :where [?e ?n] [(shop/gross ?n 1) ?x]]", Code::Arity, "1:27", "takes 1 argument, not 2", "(shop/gross ?a)"),
        ("[:find ?x :where [?e ?n] [(shop/parts) ?x]]", Code::Arity, "1:27", "1 or 2 arguments", "(shop/parts ?a ..)"),
        ("[:find ?x :where [?e ?n] [(shop/all ?n) ?x]]", Code::UnknownFunction, "1:27", "`shop/all`", "an aggregate"),
        ("[:find (shop/gross ?n) :where [?e ?n]]", Code::UnknownFunction, "1:8", "`shop/gross`", "a function"),
        ("[:find (shop/al ?n) :where [?e ?n]]", Code::UnknownFunction, "1:8", "`shop/al`", "`shop/all`"),
        ("[:find (shop/all 1 ?n) :where [?e ?n]]", Code::Arity, "1:8", "takes 1 argument, not 2", "(shop/all ?x)"),
        ("[:find (shop/nth ?n) :where [?e ?n]]", Code::Arity, "1:8", "takes 2 arguments, not 1", "(shop/nth 1 ?x)"),
        ("[:find ?e :where [?e ?n] [(shop/gross $ ?n) ?x]]", Code::ArgumentType, "1:39", "a source", "(shop/gross ?a)"),
        ("[:find ?e :where [?e ?n] (shop/cheap? ?n)]", Code::UnknownRule, "1:26", "no rule", "[(shop/cheap? ..)]"),
        ("[:find (pull ?e [(:a :xform shop/gros)]) :where [?e ?n]]", Code::UnknownFunction, "1:18", "gros", "`shop/gross`"),
        ("[:find (pull ?e [(:a :xform market/wealth)]) :where [?e]]", Code::UnknownFunction, "1:18", "wealth", "function"),
    ];
    for (query, code, place, message, help) in cases {
        refuse(query, "", rows, code, place, message, help);
    }
}

#[test]
fn what_a_program_fails_with_comes_out_whole() {
    let code = Code::FunctionFailed;
    let text = "`shop/stock` failed: article 13 is out of stock";
    let cause = |error: &Error| {
        let source = std::error::Error::source(error).expect("the program's error is below");
        source.downcast_ref::<OutOfStock>().map(|own| own.0)
    };
    let rows = "[[1 13] [2 14]]";
    let error = refuse("[:find ?x\n :where [?e ?n]\n [(shop/stock ?n) ?x]]", "", rows, code, "3:3", text, "`shop/stock`");
    assert_eq!((cause(&error), error.value()), (Some(13), Some("(shop/stock 13)")));
    assert_eq!(cause(&error.clone()), Some(13), "a copy of the error has it too");

    let error = refuse("[:find ?e :where [?e ?n] [(shop/in? ?n)]]", "", rows, code, "1:27", "`shop/in?` failed", "`shop/in?`");
    assert_eq!(cause(&error), Some(13));
    let error = refuse("[:find (shop/broken ?n) :where [?e ?n]]", "", rows, code, "1:8", "article 2 is", "`shop/broken`");
    assert_eq!((cause(&error), error.value()), (Some(2), Some("(shop/broken ..)")));
    let error = refuse("[:find (shop/nth -1 ?n) :where [?e ?n]]", "", rows, code, "1:8", "a place counts from 0", "`shop/nth`");
    assert!(std::error::Error::source(&error).is_some_and(|source| source.to_string() == "a place counts from 0"));
    let rules = "[[(in ?n)\n [(shop/in? ?n)]]]";
    let error = refuse("[:find ?e :in $ % :where [?e ?n] (in ?n)]", rules, rows, code, "1:34", "shop/in?", "shop/in?");
    assert_eq!(cause(&error), Some(13));
}

#[test]
fn a_predicate_that_fails_only_where_no_other_clause_holds_fails_nobody() {
    check("[:find [?e ...] :where [?e ?n] [(shop/in? ?n)] [(!= ?n 13)]]", "[[1 13] [2 14] [3 15]]", "[2]");
}

#[test]
fn results_that_are_no_values_are_nil_and_giants_are_refused() {
    let nan = |_: &[Value]| Ok::<_, String>(Value::Double(f64::NAN));
    let deep = |_: &[Value]| Ok::<_, String>((0..1_000).fold(Value::from(1), |inner, _| Value::vector([inner])));
    let functions = Functions::new().with_function("nan", Arity::exactly(0), nan).expect("a free name");
    assert_eq!(functions.function("nan").expect("registered").call(&[]), Ok(Value::Nil));
    let inner = |_: &[Value]| Ok::<_, String>(Value::vector([Value::Double(f64::NAN)]));
    let functions = functions.with_function("my/inner", Arity::exactly(0), inner).expect("a free name");
    let functions = functions.with_function("my/deep", Arity::exactly(0), deep).expect("a free name");
    for name in ["my/inner", "my/deep"] {
        let result = functions.function(name).expect("registered").call(&[]);
        assert_eq!(result.expect_err(name).code(), Code::LimitExceeded);
    }
}

#[test]
fn names_that_are_taken_or_cannot_be_written_are_refused() {
    let register =
        |functions: Functions, name: &str| functions.with_function(name, Arity::exactly(1), |_| Ok::<_, String>(Value::Nil));
    for (name, message, help) in [
        ("count", "is a built-in function", "my/count"),
        ("<", "is a built-in function", "my/<"),
        ("clojure.string/blank?", "is a built-in function", "my/blank?"),
        ("variance", "is a built-in aggregate", "my/variance"),
        ("or-join", "is a word of the language", "my/or-join"),
        ("pull", "is a word of the language", "my/pull"),
        ("and", "is a word of the language", "my/and"),
        ("my/own", "is registered already", "my/own"),
        ("?x", "no query can write", "shop/discount"),
        ("$f", "no query can write", "shop/discount"),
        ("%", "no query can write", "shop/discount"),
        ("_", "no query can write", "shop/discount"),
        ("...", "no query can write", "shop/discount"),
        ("", "no query can write", "shop/discount"),
        ("a b", "no query can write", "shop/discount"),
        ("f(", "no query can write", "shop/discount"),
        ("12", "no query can write", "shop/discount"),
        (":key", "no query can write", "shop/discount"),
        ("true", "no query can write", "shop/discount"),
        ("nil", "no query can write", "shop/discount"),
        ("a;b", "no query can write", "shop/discount"),
        ("\"x\"", "no query can write", "shop/discount"),
    ] {
        let functions = register(Functions::new(), "my/own").expect("a free name");
        let error = register(functions, name).expect_err(name);
        assert_eq!(error.code(), Code::FunctionName, "{name}: {error}");
        assert!(error.message().contains(message), "{name}: {error}");
        assert!(error.help().is_some_and(|text| text.contains(help)), "{name}: {:?}", error.help());
        let aggregate = Functions::new().with_aggregate(name, |_| Ok::<_, String>(Value::Nil));
        assert_eq!(aggregate.is_err(), name != "my/own", "{name}");
    }
    let both =
        register(Functions::new(), "my/both").and_then(|one| one.with_aggregate("my/both", |_| Ok::<_, String>(Value::Nil)));
    assert!(both.is_ok_and(|both| both.function("my/both").is_some() && both.aggregate("my/both").is_some()));
}

#[test]
fn registries_join_and_compare_by_what_they_are() {
    let one =
        |n: i64| Functions::new().with_function("my/n", Arity::exactly(0), move |_| Ok::<_, String>(n.into())).expect("free");
    let (first, second) = (one(1), one(2));
    let n = |functions: &Functions| functions.function("my/n").map(|function| function.call(&[]).expect("no error"));
    assert_eq!(n(&first.joined(second.clone())), Some(2.into()));
    assert_eq!(n(&second.joined(first.clone())), Some(1.into()));
    assert_eq!(n(&first.joined(Functions::new())), Some(1.into()));
    assert_eq!(n(&Functions::new().joined(first.clone())), Some(1.into()));
    assert!(first == first.clone() && first != second && Functions::new() == Functions::default());
    assert!(Functions::new().is_built_in() && !first.is_built_in());
}
