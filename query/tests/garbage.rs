//! Promise: no text crashes the engine or makes it hang, and every refusal says what kind it is and where. Attacked with random tokens, and with
//! queries, rules and pull patterns that have meaning and are then torn, crossed and mutated; read, checked and answered on a stack of 2 MiB within
//! a small budget.
//!
//! `SEED=` is the first seed, `TEXTS=` the number of texts.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, Instant};

use annals_query::ast::RuleSet;
use annals_query::engine::{self, Options};
use annals_query::{Answer, Budget, Error, Given, Result, Value, ast, check, parse};
use common::memory::{Manner, MemoryFacts, View};
use common::random::Random;
use common::random::query::program;
use common::vector::read_all;

/// Texts when nothing else is asked for.
const TEXTS: u64 = 2_500;

/// What one text may take, and what is allowed beyond it: the machine may be busy, and the build without optimization.
const TIMEOUT: Duration = Duration::from_millis(100);
const LIMIT_TIME: Duration = Duration::from_secs(1);

/// The stack of a thread unless asked for more.
const STACK_BYTES: usize = 2 << 20;

/// What texts are made of that mean nothing yet.
const TOKENS: &[&str] = &[
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "#{",
    "[[",
    "]]",
    "((",
    "))",
    ":find",
    ":where",
    ":in",
    ":with",
    ":keys",
    ":order-by",
    ":limit",
    ":offset",
    ":timeout",
    ":desc",
    "?x",
    "?y",
    "?e",
    "?e",
    "_",
    "$",
    "$b",
    "%",
    "...",
    ".",
    "*",
    ":a",
    ":a/b",
    ":to",
    ":db/id",
    ":_to",
    ":default",
    ":as",
    ":xform",
    "or",
    "or-join",
    "not",
    "not-join",
    "and",
    "rule",
    "path",
    "count",
    "sum",
    "max",
    "pull",
    "ground",
    "inc",
    "get-else",
    "missing?",
    "tuple",
    "untuple",
    "split",
    "subs",
    "str",
    "<",
    "=",
    "+",
    "/",
    "0",
    "1",
    "-1",
    "9223372036854775807",
    "99999999999999999999",
    "1.5",
    "1e308",
    "##Inf",
    "##NaN",
    "1N",
    "2.50M",
    "1e999M",
    "nil",
    "true",
    "false",
    "\"\"",
    "\"ab\"",
    "\"",
    "\\a",
    "\\",
    "#",
    "#_",
    "#inst",
    "#inst \"2020-01-01\"",
    "#uuid",
    "#bytes \"00\"",
    "'",
    "`",
    "@",
    "^",
    "~",
    ",",
    ";",
    "\n",
    "\u{0}",
    "ü",
    "🎉",
    "\u{202e}",
    "?",
    "$$",
    ":",
    "::a",
    "/",
    "a/",
    "[:id \"a\"]",
    "[?e :to ?x]",
    "(path ?x ?y)",
    "[(inc ?x) ?y]",
    "[?x ...]",
    "[[?x ?y]]",
];

/// Texts that mean something, to be torn: the hand-written vectors, and random programs with their rules.
struct Seeds {
    queries: Vec<String>,
    rules: Vec<String>,
}

impl Seeds {
    fn new() -> Self {
        let files = [
            include_str!("semantics/unification.edn"),
            include_str!("semantics/aggregates.edn"),
            include_str!("semantics/find.edn"),
            include_str!("semantics/clauses.edn"),
            include_str!("semantics/rules.edn"),
            include_str!("semantics/values.edn"),
            include_str!("semantics/entities.edn"),
            include_str!("semantics/time.edn"),
            include_str!("semantics/pull.edn"),
            include_str!("semantics/sources.edn"),
            include_str!("semantics/nested.edn"),
        ];
        let mut queries: Vec<String> = files.iter().flat_map(|text| read_all(text)).map(|vector| vector.query).collect();
        let mut rules = vec!["[[(path ?x ?y) [?x :to ?y]] [(path ?x ?y) (path ?x ?z) [?z :to ?y]]]".to_owned(); queries.len()];
        for program in (1..400).map(program) {
            queries.push(program.text());
            rules.push(program.rules_text());
        }
        Self { queries, rules }
    }
}

/// A text for a seed: garbage, or something with meaning that was changed in a few places.
fn text(random: &mut Random, sound: &[String], at: usize) -> String {
    if random.percent(10) {
        let tokens: Vec<&str> = (0..random.between(1, 40)).map(|_| *random.choose(TOKENS)).collect();
        return tokens.join(if random.percent(80) { " " } else { "" });
    }
    let mut text: Vec<char> = sound[at].chars().collect();
    let is_mild = random.percent(60);
    for _ in 0..random.between(1, 3) {
        if is_mild {
            replace_token(random, &mut text);
            continue;
        }
        mutate(random, &mut text, sound);
    }
    text.into_iter().collect()
}

fn mutate(random: &mut Random, text: &mut Vec<char>, sound: &[String]) {
    let at = random.below(text.len() + 1);
    let end = (at + random.below(12)).min(text.len());
    match random.below(8) {
        0 => drop(text.drain(at..end)),
        1 => text.truncate(at),
        2 => drop(text.splice(at..at, random.choose(TOKENS).chars())),
        3 => drop(text.splice(at..end, random.choose(TOKENS).chars())),
        4 => {
            let copy: Vec<char> = text[at..end].to_vec();
            let to = random.below(text.len() + 1);
            drop(text.splice(to..to, copy));
        }
        5 => {
            let other: Vec<char> = random.choose(sound).chars().collect();
            let from = random.below(other.len());
            let until = (from + random.below(60)).min(other.len());
            drop(text.splice(at..end, other[from..until].iter().copied()));
        }
        _ => replace_token(random, text),
    }
}

/// One token becomes another of the text: mostly one of its kind, so that what comes out is often well formed.
fn replace_token(random: &mut Random, text: &mut Vec<char>) {
    let is_border = |c: &char| c.is_whitespace() || "[](){}\"".contains(*c);
    let end_of = |text: &[char], start: usize| (start..text.len()).find(|at| is_border(&text[*at])).unwrap_or(text.len());
    let starts: Vec<usize> =
        (0..text.len()).filter(|at| !is_border(&text[*at]) && (*at == 0 || is_border(&text[*at - 1]))).collect();
    if starts.is_empty() {
        return;
    }
    let start = *random.choose(&starts);
    let end = end_of(text, start);
    let token_at = |start: usize| text[start..end_of(text, start)].iter().collect::<String>();
    let is_section = |start: usize| [":find", ":in", ":where"].contains(&token_at(start).as_str());
    let is_alike = |other: usize| text[other] == text[start] && !is_section(other) && !is_section(start);
    let alike: Vec<usize> = starts.iter().copied().filter(|other| is_alike(*other)).collect();
    if alike.is_empty() || random.percent(10) {
        let token = *random.choose(TOKENS);
        drop(text.splice(start..end, token.chars()));
    } else {
        let other = *random.choose(&alike);
        let token = text[other..end_of(text, other)].to_vec();
        drop(text.splice(start..end, token));
    }
}

/// Something for each place of `:in`, not always of the right kind.
fn given(query: &ast::Query, facts: &MemoryFacts, rules: &RuleSet, random: &mut Random) -> Vec<Given> {
    let values = [
        "1",
        "[1 2]",
        "[[1 2] [3 \"a\"]]",
        "\"a\"",
        ":to0",
        "[:id \"a\"]",
        "nil",
        "[]",
        "{}",
        "#{1 2}",
        "[[]]",
        "false",
        "[nil]",
    ];
    let value = |random: &mut Random| {
        let text = *random.choose(&values);
        Given::Value(annals_query::edn::read_form(text).expect("the values are EDN").into_value())
    };
    let one = |input: &ast::Input, random: &mut Random| match input {
        _ if random.percent(2) => value(random),
        ast::Input::Source(name, _) if &*name.0 == "$" || random.percent(60) => {
            let view = View { is_history: random.percent(15), as_of: random.percent(20).then_some(7), ..View::default() };
            let manner = Manner::Random(AtomicU64::new(random.below(1000) as u64));
            Given::Facts(Arc::new(facts.at(view).in_manner(manner)))
        }
        ast::Input::Source(..) => Given::Relation(vec![vec![1.into(), 2.into(), "a".into()], vec![], vec![Value::Nil]]),
        ast::Input::Rules(_) => Given::Rules(rules.clone()),
        ast::Input::Binding(_) => value(random),
        ast::Input::Pattern(..) => Given::Pattern(parse::pull_pattern("[* {:to0 ...}]").expect("the pattern is well formed")),
    };
    query.inputs.iter().map(|input| one(input, random)).collect()
}

/// The whole way of a text; each error with the texts in which its place may lie.
fn answer(text: &str, rules_text: &str, facts: &MemoryFacts, random: &mut Random) -> Result<Answer> {
    if let Err(error) = parse::pull_pattern(text) {
        check_error(&error, text);
    }
    let rules = match parse::rules(rules_text) {
        Ok(rules) => rules,
        Err(error) => {
            check_error(&error, rules_text);
            RuleSet::default()
        }
    };
    let query = parse::query(text).inspect_err(|error| check_error(error, text))?;
    let given = given(&query, facts, &rules, random);
    let checked = check::check(query, rules).inspect_err(check_place)?;
    let budget = Budget::default().with_timeout(TIMEOUT).with_limit_rows(100_000).with_limit_bytes(64 << 20);
    engine::answer(&checked, &given, &Options::default(), &budget).inspect_err(|error| {
        let is_of_budget = matches!(error.code().name(), "query/timeout" | "query/limit-exceeded");
        if !is_of_budget {
            check_place(error);
        }
    })
}

fn check_place(error: &Error) {
    assert!(error.span().is_some(), "an error without a place: {} {error}", error.code().name());
    assert!(!error.message().is_empty());
}

fn check_error(error: &Error, text: &str) {
    check_place(error);
    let span = error.span().expect("a place was just found");
    assert!(span.start <= span.end && span.end as usize <= text.len(), "{span:?} lies outside of the text: {error}");
    assert!(text.is_char_boundary(span.start as usize) && text.is_char_boundary(span.end as usize), "{span:?}: {error}");
    assert!(error.position().is_some(), "an error of a text without line and column: {error}");
}

/// How far texts got.
#[derive(Debug, Default)]
struct Counts {
    refused: u64,
    answered: u64,
    slow: Vec<String>,
}

fn attack(first: u64, texts: u64) -> Counts {
    let seeds = Seeds::new();
    let facts = Arc::clone(&program(1).worlds[0]);
    let mut counts = Counts::default();
    for seed in first..first + texts {
        let mut random = Random::new(seed);
        let at = random.below(seeds.queries.len());
        let query = text(&mut random, &seeds.queries, at);
        let rules = if random.percent(80) { seeds.rules[at].clone() } else { text(&mut random, &seeds.rules, at) };
        let started = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| answer(&query, &rules, &facts, &mut random)));
        let Ok(outcome) = outcome else { panic!("SEED={seed} TEXTS=1 panics:\n{query}\nrules {rules}") };
        if started.elapsed() > LIMIT_TIME {
            counts.slow.push(format!("SEED={seed} took {:?}:\n{query}\nrules {rules}", started.elapsed()));
        }
        match outcome {
            Ok(_) => counts.answered += 1,
            Err(_) => counts.refused += 1,
        }
    }
    counts
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[test]
fn no_text_makes_the_engine_panic_or_hang_and_every_error_has_a_place() {
    let (first, texts) = (number("SEED", 1), number("TEXTS", TEXTS));
    let attack = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || attack(first, texts)).expect("a thread starts");
    let counts = attack.join().unwrap_or_else(|_| panic!("from SEED={first}: see above"));
    println!("{} answered, {} refused", counts.answered, counts.refused);
    assert!(counts.slow.is_empty(), "{} texts took too long\n{}", counts.slow.len(), counts.slow.join("\n"));
    if texts >= TEXTS {
        assert!(counts.answered * 100 >= texts * 10, "too few texts still have a meaning: {counts:?}");
        assert!(counts.refused * 100 >= texts * 30, "too few texts are broken: {counts:?}");
    }
}
