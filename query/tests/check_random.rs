//! Promise: no text makes the grammar or the check panic, and the order of clauses does not decide whether a query is refused. Attacked with random clauses nested in one another, over few variables so that they meet, and with rules
//! that call each other at random. `SEED=` replays a run.

use annals_query::ast::{Clause, Query, RuleSet};
use annals_query::{check, parse};

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_121)
}

fn variable(random: &mut Random) -> &'static str {
    random.of(&["?a", "?b", "?c", "?d", "?a", "?b", "_", "5"])
}

fn bound_variable(random: &mut Random) -> &'static str {
    random.of(&["?a", "?b", "?c", "?d"])
}

fn clause(random: &mut Random, depth: usize) -> String {
    let (one, two) = (variable(random), variable(random));
    match random.below(if depth == 0 { 6 } else { 11 }) {
        0..=2 => format!("[{one} :attr {two}]"),
        3 => format!("[(< {} {})]", bound_variable(random), bound_variable(random)),
        4 => format!("[(+ {} 1) {}]", bound_variable(random), bound_variable(random)),
        5 => format!("({} {one} {two})", random.of(&["r", "s", "t"])),
        6 => format!("(or {} {})", clause(random, depth - 1), clause(random, depth - 1)),
        7 => format!("(or {})", clause(random, depth - 1)),
        8 => format!("(or-join [{}] {})", bound_variable(random), clauses(random, depth - 1)),
        9 => format!("(not {})", clauses(random, depth - 1)),
        _ => format!("(not-join [{}] {})", bound_variable(random), clauses(random, depth - 1)),
    }
}

fn clauses(random: &mut Random, depth: usize) -> String {
    (0..=random.below(3)).map(|_| clause(random, depth)).collect::<Vec<_>>().join(" ")
}

fn rules(random: &mut Random) -> String {
    let bodies = ["r", "s", "t"].map(|name| format!("[({name} ?a ?b) {} [?a :to ?b]]", clauses(random, 1)));
    let simple = ["r", "s", "t"].map(|name| format!("[({name} ?a ?b) [?a :to ?b]]"));
    let looping = ["r", "s", "t"].map(|name| format!("[({name} ?a ?b) {}]", clauses(random, 1)));
    let chosen = [bodies, simple.clone(), simple, looping];
    format!("[{}]", chosen[random.below(4)].join(" "))
}

fn outcome(query: &Query, rules: &RuleSet) -> bool {
    check::check(query.clone(), rules.clone()).is_ok()
}

/// Turns every list of clauses around, also those inside.
fn reversed(clauses: &[Clause]) -> Vec<Clause> {
    let mut turned = clauses.to_vec();
    turned.reverse();
    for clause in &mut turned {
        match clause {
            Clause::And(inner, _)
            | Clause::Or { branches: inner, .. }
            | Clause::OrJoin { branches: inner, .. }
            | Clause::Not { clauses: inner, .. }
            | Clause::NotJoin { clauses: inner, .. } => *inner = reversed(inner),
            Clause::Pattern { .. } | Clause::Predicate { .. } | Clause::Function { .. } | Clause::Rule { .. } => {}
        }
    }
    turned
}

#[test]
fn the_order_of_clauses_decides_nothing() {
    let mut accepted = 0;
    for round in 0..4_000_u64 {
        let mut random = Random(seed().wrapping_add(round * 7919));
        let text = format!("[:find ?a :in $ % ?d :where {}]", clauses(&mut random, 2));
        let rules_text = rules(&mut random);
        let query = parse::query(&text).unwrap_or_else(|error| panic!("SEED={} {text}: {error}", seed()));
        let rules = parse::rules(&rules_text).unwrap_or_else(|error| panic!("SEED={} {rules_text}: {error}", seed()));
        let expected = outcome(&query, &rules);
        accepted += usize::from(expected);
        let turned = Query { clauses: reversed(&query.clauses), ..query.clone() };
        assert_eq!(outcome(&turned, &rules), expected, "SEED={} {text} {rules_text}", seed());
        for turn in 1..query.clauses.len() {
            let mut rotated = query.clone();
            rotated.clauses.rotate_left(turn);
            assert_eq!(outcome(&rotated, &rules), expected, "SEED={} {text} {rules_text}", seed());
        }
    }
    assert!(accepted > 200, "SEED={}: only {accepted} queries were accepted, so little was tried", seed());
}

#[test]
fn no_text_makes_the_grammar_or_the_check_panic() {
    let pieces = [
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "#{",
        ":find",
        ":where",
        ":in",
        ":with",
        ":keys",
        ":order-by",
        ":limit",
        "?a",
        "?b",
        "$",
        "%",
        "_",
        "...",
        ".",
        "count",
        "or",
        "not",
        "or-join",
        "not-join",
        "and",
        "pull",
        "*",
        ":a/_b",
        "5",
        "nil",
        "\"x\"",
        "<",
        "missing?",
        "get-else",
        "rule",
        "#db/id 5",
        ":desc",
        "limit",
    ];
    let mut random = Random(seed());
    for _ in 0..40_000 {
        let mut text = String::new();
        let mut open = Vec::new();
        for _ in 0..random.below(24) {
            let piece = random.of(&pieces);
            match piece {
                "[" | "(" | "{" | "#{" => open.push(match piece {
                    "[" => "]",
                    "(" => ")",
                    _ => "}",
                }),
                "]" | ")" | "}" => {
                    text.push_str(open.pop().unwrap_or(" "));
                    continue;
                }
                _ => {}
            }
            text.push_str(piece);
            text.push(' ');
        }
        text.extend(open.into_iter().rev());
        for whole in [text.clone(), format!("[:find ?a :where {text}]"), format!("[:find {text}]")] {
            if let Ok(query) = parse::query(&whole) {
                drop(check::check(query, RuleSet::default()));
            }
        }
        drop(parse::rules(&text));
        drop(parse::rules(&format!("[[(r ?a) {text}]]")));
        drop(parse::pull_pattern(&format!("[{text}]")));
    }
}
