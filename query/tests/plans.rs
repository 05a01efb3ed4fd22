//! Promise: what a query does for its answer changes only on purpose: the order of its clauses, how each is run, what is read, and the steps that
//! are spent. Attacked with questions of every shape over a few small stores, whose plans and costs are written down in `plans/`: an
//! expectation, a shortcut or a choice that is off by a little shows there, though every answer stays right.
//!
//! Of each question there stand the steps that it cost as planned, with nothing optimized and with everything, and as asked again in the order
//! that is remembered; then the plan. If a change is meant, `query/tests/plans/accept` writes the pages anew.

mod common;

use std::fmt::Write as _;
use std::sync::Arc;

use annals_query::ast::RuleSet;
use annals_query::engine::{self, Options, Orders, Tuning, Way};
use annals_query::explain::ExplainedStep;
use annals_query::{Attribute, Budget, Cardinality, Fact, Given, Unique, Value, ValueType, check, edn, parse};
use common::memory::{Manner, MemoryFacts, View};

/// The first entity.
const FIRST: i64 = 1 << 33;

/// A question, with the rules that hold for it and what is given beside the facts.
struct Question<'t> {
    text: &'t str,
    rules: &'t str,
    inputs: Vec<Value>,
    /// The lines below it, as they should be.
    expected: Vec<&'t str>,
}

/// The questions of a page: what stands behind `%` are rules for all that follow, behind `<` inputs of the question above.
fn questions(page: &str) -> Vec<Question<'_>> {
    let (mut rules, mut questions) = ("[]", Vec::new());
    for line in page.lines() {
        if let Some(text) = line.strip_prefix("% ") {
            rules = text;
        } else if let Some(text) = line.strip_prefix("? ") {
            questions.push(Question { text, rules, inputs: Vec::new(), expected: Vec::new() });
        } else if let Some(text) = line.strip_prefix("< ") {
            let question: &mut Question<'_> = questions.last_mut().expect("inputs stand below their question");
            question.inputs = edn::read_forms(text).expect(text).into_iter().map(edn::Form::into_value).collect();
        } else if line.starts_with("= ") {
            questions.last_mut().expect("a plan stands below its question").expected.push(line);
        }
    }
    questions
}

impl Question<'_> {
    fn given(&self, facts: &Given) -> Vec<Given> {
        let query = parse::query(self.text).expect(self.text);
        let rules = self.text.contains(" % ").then(|| Given::Rules(self.rules()));
        let inputs = self.inputs.iter().map(|input| match input {
            Value::Tagged(tag, rows) if &**tag == "rows" => {
                let row = |row: &Value| row.as_items().expect("a row").to_vec();
                Given::Relation(rows.as_items().expect("rows").iter().map(row).collect())
            }
            value => Given::Value(value.clone()),
        });
        let given = std::iter::once(facts.clone()).chain(rules).chain(inputs).collect::<Vec<_>>();
        assert_eq!(given.len(), query.inputs.len(), "{}", self.text);
        given
    }

    fn rules(&self) -> RuleSet {
        parse::rules(self.rules).expect(self.rules)
    }

    /// What it costs and how it is run.
    fn costs(&self, facts: &Given) -> String {
        let rules = if self.text.contains(" % ") { self.rules() } else { RuleSet::default() };
        let checked = check::check(parse::query(self.text).expect(self.text), rules).expect(self.text);
        let given = self.given(facts);
        let orders = Arc::new(Orders::default());
        let ask = |tuning: Tuning| {
            // What is written down is what plans and columns do, also of questions that are answered without.
            let tuning = Tuning { small: Way::Never, ..tuning };
            let (budget, options) = (Budget::default(), Options { tuning, ..Options::default() });
            let answer = engine::answer_again(&checked, &orders, &given, &options, &budget).expect(self.text);
            (answer.rows, budget.steps())
        };
        let (rows, chosen) = ask(Tuning::default());
        let mut costs = format!("= {} rows, {chosen} steps", rows.len());
        for (name, tuning) in [("again", Tuning::default()), ("plain", Tuning::of(Way::Never)), ("all", Tuning::of(Way::Always))]
        {
            let (others, steps) = ask(tuning);
            assert_eq!(others, rows, "{name}: {}", self.text);
            write!(costs, ", {name} {steps}").expect("text grows");
        }
        let explained = engine::explain(&checked, &given, &Options::default(), &Budget::default()).expect(self.text);
        let (found, kept) = orders.counts();
        writeln!(costs, "; {} weighed, orders found {found} and chosen {kept}", explained.weighed).expect("text grows");
        for (number, step) in explained.numbered() {
            writeln!(costs, "= {number} {}", shown(step)).expect("text grows");
        }
        let clauses = |tuning: Tuning| {
            let options = Options { tuning, ..Options::default() };
            let explained = engine::explain(&checked, &given, &options, &Budget::default()).expect(self.text);
            explained.steps.iter().map(|step| format!("{} {}", step.clause, step.expected_rows)).collect::<Vec<_>>().join(" ")
        };
        let planned = clauses(Tuning::default());
        for (name, tuning) in [("plain", Tuning::of(Way::Never)), ("all", Tuning::of(Way::Always))] {
            let other = clauses(tuning);
            if other != planned {
                writeln!(costs, "= {name}: {other}").expect("text grows");
            }
        }
        for hint in &explained.hints {
            writeln!(costs, "= hint {}: {}: {}", hint.code, hint.clause, hint.message).expect("text grows");
        }
        costs
    }
}

fn shown(step: &ExplainedStep) -> String {
    let rows = step.rows.map_or_else(|| "-".to_owned(), |rows| rows.to_string());
    let ExplainedStep { clause, expected_rows, rows_before, facts_read, runs, reason, method, .. } = step;
    let rule = step.rule.as_ref().map(|rule| format!(" of {rule}")).unwrap_or_default();
    format!(
        "{clause}{rule} | {rows_before} to {rows}, {expected_rows} expected, {facts_read} read, {runs} runs | {method} | {reason}"
    )
}

/// The page, with every question as it is answered now.
fn written(page: &str, facts: &Given) -> String {
    let mut questions = questions(page).into_iter();
    let mut text = String::new();
    let mut waiting: Option<Question<'_>> = None;
    for line in page.lines().filter(|line| !line.starts_with("= ")).chain([""]) {
        if !line.starts_with("< ")
            && let Some(question) = waiting.take()
        {
            text += &question.costs(facts);
        }
        writeln!(text, "{line}").expect("text grows");
        if line.starts_with("? ") {
            waiting = questions.next();
        }
    }
    text.pop();
    text
}

#[track_caller]
fn check_page(name: &str, page: &str, facts: &Given) {
    if std::env::var("SHOW").is_ok_and(|shown| shown == name) {
        print!("{}", written(page, facts));
        return;
    }
    for question in questions(page) {
        let costs = question.costs(facts);
        let is_as_written = costs.lines().eq(question.expected.iter().copied());
        assert!(
            is_as_written,
            "{}\n{costs}instead of\n{}\nIf this is meant: query/tests/plans/accept",
            question.text,
            question.expected.join("\n")
        );
    }
}

/// Facts of attributes, some of them declared, one transaction an entity.
fn facts(rows: Vec<(i64, &str, Value)>, declared: &[(&str, ValueType)], identity: &str) -> MemoryFacts {
    let mut attributes: Vec<Attribute> = Vec::new();
    let log: Vec<Fact> = rows
        .into_iter()
        .map(|(e, ident, v)| {
            let at = attributes.iter().position(|attribute| &*attribute.ident == ident).unwrap_or_else(|| {
                let mut attribute = Attribute::new(101 + attributes.len() as i64, ident);
                attribute.value_type = declared.iter().find(|(name, _)| *name == ident).map(|(_, kind)| *kind);
                attribute.unique = (ident == identity).then_some(Unique::Identity);
                attribute.cardinality = if matches!(ident, "to" | "tag") { Cardinality::Many } else { Cardinality::One };
                attributes.push(attribute);
                attributes.len() - 1
            });
            Fact { e, a: attributes[at].id, v, t: 1 + (e - FIRST) / 10, m: 0, added: true }
        })
        .collect();
    MemoryFacts::new(attributes, log)
}

/// People: what is declared and what is not, few values and many, a friend and some tags.
fn people() -> MemoryFacts {
    let mut rows = Vec::new();
    for n in 0..600_i64 {
        let e = FIRST + n;
        rows.push((e, "id", Value::from(format!("p{n}"))));
        rows.push((e, "name", Value::from(["Ivan", "Oleg", "Ada", "Bea", "Cy", "Dan", "Eve", "Flo"][(n * 7 % 8) as usize])));
        rows.push((e, "last", Value::from(format!("last {}", n * 13 % 40))));
        rows.push((e, "sex", Value::keyword(if n % 3 == 0 { "male" } else { "female" })));
        rows.push((e, "age", Value::from(n * 11 % 90)));
        rows.push((e, "rank", Value::from(n % 9)));
        if n % 2 == 0 {
            rows.push((e, "salary", Value::from(n * 37 % 1000)));
            rows.push((e, "score", Value::from((n * 37 % 200) as f64 / 4.0)));
        }
        if n % 5 == 0 {
            rows.push((e, "active", Value::from(n % 10 == 0)));
            rows.push((e, "at", Value::Instant(n * 1_000_000_000)));
        }
        rows.push((e, "friend", Value::Ref(FIRST + (n * 7 + 3) % 600)));
        rows.extend((0..n % 4).map(|tag| (e, "tag", Value::keyword(["red", "green", "blue"][tag as usize]))));
    }
    let declared = [
        ("id", ValueType::String),
        ("name", ValueType::String),
        ("last", ValueType::String),
        ("age", ValueType::Long),
        ("score", ValueType::Double),
        ("at", ValueType::Instant),
        ("friend", ValueType::Ref),
    ];
    facts(rows, &declared, "id")
}

/// A graph: a chain, a tree, a circle, a hub that knows everybody, and a grid; every node has a number and every seventh a mark.
fn graph() -> MemoryFacts {
    let mut edges: Vec<(i64, i64)> = (0..60).map(|n| (n, n + 1)).collect();
    edges.extend((1..120).map(|n| (100 + (n - 1) / 3, 100 + n)));
    edges.extend((0..12).map(|n| (300 + n, 300 + (n + 1) % 12)));
    edges.extend((1..50).flat_map(|n| [(400, 400 + n), (400 + n, 400)]));
    edges.extend((0..6).flat_map(|x| {
        (0..6).flat_map(move |y| [(500 + 6 * x + y, 500 + 6 * ((x + 1) % 6) + y), (500 + 6 * x + y, 500 + 6 * x + (y + 1) % 6)])
    }));
    edges.extend([(401, 402), (402, 403), (403, 401)]);
    edges.sort_unstable();
    edges.dedup();
    let mut rows = Vec::new();
    let nodes: std::collections::BTreeSet<i64> = edges.iter().flat_map(|(a, b)| [*a, *b]).collect();
    for node in nodes {
        rows.extend(edges.iter().filter(|(from, _)| *from == node).map(|(_, to)| (FIRST + node, "to", Value::Ref(FIRST + to))));
        rows.push((FIRST + node, "n", Value::from(node)));
        rows.push((FIRST + node, "text", Value::from(format!("node {}", node % 50))));
        if node % 7 == 0 {
            rows.push((FIRST + node, "mark", Value::from(node % 3 == 0)));
        }
    }
    for (n, (from, to)) in edges.iter().enumerate() {
        let e = FIRST + 1_000 + n as i64;
        rows.push((e, "from", Value::Ref(FIRST + from)));
        rows.push((e, "into", Value::Ref(FIRST + to)));
        rows.push((e, "weight", Value::from(n as i64 % 5)));
    }
    facts(rows, &[("to", ValueType::Ref), ("from", ValueType::Ref), ("into", ValueType::Ref), ("n", ValueType::Long)], "n")
}

fn given(facts: MemoryFacts) -> Given {
    Given::Facts(Arc::new(facts))
}

#[test]
fn questions_about_people_are_planned_and_run_as_written_down() {
    check_page("people", include_str!("plans/people.txt"), &given(people()));
}

#[test]
fn questions_about_mixed_clauses_are_planned_and_run_as_written_down() {
    check_page("mixed", include_str!("plans/mixed.txt"), &given(people()));
}

#[test]
fn questions_about_blocks_are_planned_and_run_as_written_down() {
    check_page("blocks", include_str!("plans/blocks.txt"), &given(people().in_manner(Manner::Blocks)));
}

#[test]
fn questions_about_graphs_are_planned_and_run_as_written_down() {
    check_page("graph", include_str!("plans/graph.txt"), &given(graph()));
}

#[test]
fn questions_about_history_are_planned_and_run_as_written_down() {
    let history = people().at(View { as_of: Some(40), is_history: true, ..View::default() });
    check_page("history", include_str!("plans/history.txt"), &given(history));
}
