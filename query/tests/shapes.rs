//! Promise: what the engine recognises and runs in a way of its own (walks, loops over numbers, cycles, clauses joined apart, the first rows of
//! an order) gives what the naive evaluator gives. Attacked with random rules and queries made of few parts over few values, so that most
//! programs are almost of such a shape, each asked of columns of several makes with everything optimized, nothing, and some of it.
//!
//! `SEED=` is the first seed, `PROGRAMS=` the number of programs: `SEED=77 PROGRAMS=1 cargo test -p annals-query --test shapes` runs those of
//! seed 77 alone.

mod common;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use annals_query::engine::{Options, Tuning, Way};
use annals_query::{Budget, Code, Given, Value, ValueType, ast, check, engine, parse};
use common::memory::{Manner, MemoryFacts};
use common::naive::{self, Input};
use common::random::Random;

/// Programs when nothing else is asked for.
const PROGRAMS: u64 = 500;
/// How often a part is made anew that the check refuses.
const LIMIT_RETRIES: usize = 40;

const VARIABLES: [&str; 4] = ["?x", "?y", "?z", "?w"];
const ATTRIBUTES: [&str; 3] = ["to", "near", "n"];
/// How walks begin and go on.
const STEPS: [&str; 8] = [
    "[?x :to ?y]",
    "[?x :to ?y]",
    "[?x :near ?y]",
    "[?x :to ?z] (r ?z ?y)",
    "(r ?x ?z) [?z :to ?y]",
    "(r ?x ?z) (r ?z ?y)",
    "(r ?x ?z) [?z :near ?y]",
    "(r ?x ?z) [?z :n ?w] [?w :to ?y]",
];

/// A world of a few facts, and what its values are.
struct World {
    facts: MemoryFacts,
    values: Vec<Value>,
    /// True if any two values can be compared, and each with an entity.
    is_ordered: bool,
}

fn world(random: &mut Random) -> World {
    let long = Value::Long;
    let kinds: [(Vec<Value>, bool); 6] = [
        ((1..=4).map(long).collect(), true),
        ((1..=3).map(long).collect(), true),
        (vec![long(1), 1.0.into(), long(2), 2.0.into(), long(3)], true),
        ((1..=4).map(Value::Ref).collect(), false),
        (vec![long(1), "2".into(), Value::Keyword("to".into()), true.into(), 2.0.into()], false),
        (vec!["b".into(), "a".into(), "".into()], false),
    ];
    let (values, is_ordered) = kinds[[0, 0, 0, 0, 1, 1, 2, 3, 4, 5][random.below(10)]].clone();
    let count = random.between(7, 14) as usize;
    let mut rows: Vec<(i64, &str, Value)> = Vec::new();
    for place in 0..count {
        // Each attribute is there.
        let attribute = ATTRIBUTES[if place < 3 { place } else { random.below(3) }];
        let row = (random.between(1, 4), attribute, values[random.below(values.len())].clone());
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    let mut facts = MemoryFacts::of(rows);
    if values.iter().all(|value| matches!(value, Value::Long(_))) && random.percent(50) {
        facts = facts.declared("to", ValueType::Long).declared("n", ValueType::Long);
    }
    World { facts, values, is_ordered }
}

/// What clauses are made of.
struct Maker<'w> {
    random: Random,
    world: &'w World,
    /// The rules that may be called, with the number of their arguments.
    rules: Vec<(&'static str, usize)>,
}

impl Maker<'_> {
    fn variable(&mut self) -> &'static str {
        VARIABLES[self.random.below(4)]
    }

    fn value(&mut self) -> String {
        let value = &self.world.values[self.random.below(self.world.values.len())];
        match value {
            Value::Ref(id) => id.to_string(),
            value => value.to_string(),
        }
    }

    /// Mostly a variable.
    fn term(&mut self) -> String {
        match self.random.below(20) {
            0 => "_".to_owned(),
            1 => self.value(),
            _ => self.variable().to_owned(),
        }
    }

    fn entity(&mut self) -> String {
        match self.random.below(20) {
            0 => "_".to_owned(),
            1 => self.random.between(1, 4).to_string(),
            _ => self.variable().to_owned(),
        }
    }

    fn pattern(&mut self) -> String {
        let (entity, value) = (self.entity(), self.term());
        format!("[{entity} :{} {value}]", ATTRIBUTES[self.random.below(3)])
    }

    fn call(&mut self) -> String {
        let (name, arguments) = self.rules[self.random.below(self.rules.len())];
        let arguments: Vec<String> = (0..arguments).map(|_| self.term()).collect();
        format!("({name} {})", arguments.join(" "))
    }

    /// A pattern, or a call if there are rules.
    fn positive(&mut self) -> String {
        if !self.rules.is_empty() && self.random.percent(30) { self.call() } else { self.pattern() }
    }

    fn clause(&mut self) -> String {
        match self.random.below(14) {
            0 => self.comparison(),
            1 => {
                let count = 1 + self.random.below(2);
                let inner: Vec<String> = (0..count).map(|_| self.pattern()).collect();
                format!("(not {})", inner.join(" "))
            }
            2 => {
                let (a, b) = (self.variable(), self.variable());
                let (one, other) = (self.positive(), self.positive());
                let more = if self.random.percent(40) { self.pattern() } else { String::new() };
                let joined = if a == b { a.to_owned() } else { format!("{a} {b}") };
                format!("(or-join [{joined}] {one} (and {other} {more}))")
            }
            3 => {
                let (from, to) = (self.variable(), self.variable());
                format!("[(identity {from}) {to}]")
            }
            4 => {
                let value = self.value();
                format!("[(ground {value}) {}]", self.variable())
            }
            _ => self.positive(),
        }
    }

    fn comparison(&mut self) -> String {
        let names: &[&str] = if self.world.is_ordered { &["<", "<=", ">", "=", "!="] } else { &["=", "!="] };
        let name = names[self.random.below(names.len())];
        let (a, b) = (self.variable(), if self.random.percent(30) { self.value() } else { self.variable().to_owned() });
        format!("[({name} {a} {b})]")
    }

    fn clauses(&mut self, most: usize) -> String {
        let count = 1 + self.random.below(most);
        (0..count).map(|_| self.clause()).collect::<Vec<_>>().join(" ")
    }

    /// Any clauses, or a step of a walk with something asked beside it or nothing.
    fn body(&mut self) -> String {
        let step = STEPS.get(self.random.below(STEPS.len() * 2));
        match step {
            Some(step) if self.random.percent(50) => format!("{step} {}", self.clause()),
            Some(step) => (*step).to_owned(),
            None => self.clauses(3),
        }
    }

    /// Rules that call themselves and each other. Each body is one that the check accepts beside plain ones of all rules.
    fn rules_text(&mut self) -> String {
        let head = |arguments: usize| VARIABLES[..arguments].join(" ");
        let plain = |(name, arguments): &(&str, usize)| format!("[({name} {}) [?x :to ?y] [?z :to _]]", head(*arguments));
        let others = self.rules.iter().map(plain).collect::<String>();
        let mut bodies = Vec::new();
        for (name, arguments) in self.rules.clone() {
            for _ in 0..=self.random.below(3) {
                let made = (0..LIMIT_RETRIES).find_map(|_| {
                    let body = format!("[({name} {}) {}]", head(arguments), self.body());
                    let asked = format!("[:find ?x :in $ % :where ({name} {})]", head(arguments));
                    let rules = parse::rules(&format!("[{body} {others}]")).ok()?;
                    check::check(parse::query(&asked).ok()?, rules).ok()?;
                    Some(body)
                });
                bodies.extend(made);
            }
        }
        format!("[{}]", bodies.join(" "))
    }

    fn query_text(&mut self) -> (String, Vec<Value>) {
        let mut clauses = self.clauses(4);
        if !self.rules.is_empty() {
            clauses = if self.random.percent(30) { "(r ?x ?y)".to_owned() } else { format!("{} {clauses}", self.call()) };
        }
        let value = |maker: &mut Self| maker.world.values[maker.random.below(maker.world.values.len())].clone();
        let (a, b) = (self.variable(), self.variable());
        let (input, given) = match self.random.below(8) {
            0 | 3 => (a.to_owned(), vec![value(self)]),
            1 => (format!("[{a} ...]"), vec![vec![value(self), value(self)].into()]),
            2 if a != b => {
                let rows: Vec<Value> = (0..2).map(|_| vec![value(self), value(self)].into()).collect();
                (format!("[[{a} {b}]]"), vec![rows.into()])
            }
            _ => (String::new(), Vec::new()),
        };
        let count = 1 + self.random.below(3);
        let mut find: Vec<String> = Vec::new();
        for _ in 0..count {
            let name = self.variable().to_owned();
            if !find.contains(&name) {
                find.push(name);
            }
        }
        let mut tail = String::new();
        match self.random.below(8) {
            0 => find[0] = format!("(count {})", find[0]),
            1 => find[0] = format!("(count-distinct {})", find[0]),
            2 if self.world.is_ordered => {
                let way = ["", " :desc"][self.random.below(2)];
                tail = format!(":order-by [[{}{way}]] :limit {}", find[0], 1 + self.random.below(3));
                if way.is_empty() {
                    tail = format!(":order-by [{}] :limit {}", find[0], 1 + self.random.below(3));
                }
            }
            _ => {}
        }
        let rules = if self.rules.is_empty() { "" } else { "%" };
        (format!("[:find {} :in $ {rules} {input} :where {clauses} {tail}]", find.join(" ")), given)
    }
}

/// What became of one seed.
enum Outcome {
    Refused,
    Answered(usize),
}

/// The rules and the query of a seed, asked in several ways; others if the answer shows nothing.
fn outcome(seed: u64, is_recursive: bool) -> Outcome {
    let mut random = Random::new(seed);
    let world = world(&mut random);
    let second = 1 + random.below(3);
    let rules = match (is_recursive, random.percent(50)) {
        (false, _) => vec![],
        (true, false) => vec![("r", 2)],
        (true, true) => vec![("r", 2), ("s", second)],
    };
    let mut maker = Maker { random, world: &world, rules };
    let mut outcome = Outcome::Refused;
    for _ in 0..LIMIT_RETRIES {
        let (rules, (query, given)) = (maker.rules_text(), maker.query_text());
        let parsed = || if is_recursive { parse::rules(&rules) } else { Ok(ast::RuleSet::default()) };
        let is_accepted = parse::query(&query).and_then(|query| check::check(query, parsed()?)).is_ok();
        if is_accepted {
            outcome = ask(&world, (&rules, &query, &given), is_recursive, seed);
        }
        if matches!(outcome, Outcome::Answered(1..)) || maker.random.percent(4) {
            break;
        }
    }
    outcome
}

fn ask(world: &World, (rules, query, values): (&str, &str, &[Value]), is_recursive: bool, seed: u64) -> Outcome {
    let parsed = if is_recursive { parse::rules(rules).expect(rules) } else { ast::RuleSet::default() };
    let asked = parse::query(query).expect(query);
    let inputs = |manner: Manner| {
        let mut inputs = vec![Input::Facts(Arc::new(world.facts.in_manner(manner)))];
        if is_recursive {
            inputs.push(Input::Rules(parsed.clone()));
        }
        inputs.extend(values.iter().cloned().map(Input::Value));
        inputs
    };
    let shown = || {
        let facts: Vec<String> = world.facts.shown().iter().map(|fact| format!("{} {} {}", fact.e, fact.a, fact.v)).collect();
        format!("SEED={seed} {rules}\n{query} {}\n{facts:?}", Value::vector(values.iter().cloned()))
    };
    let expected = match naive::answer(&asked, &inputs(Manner::Typed)) {
        Ok(expected) => expected,
        // Too large for it; or a comparison of what cannot be compared.
        Err(error) if matches!(error.code(), Code::Cancelled | Code::Incomparable | Code::ArgumentType) => {
            return Outcome::Refused;
        }
        Err(error) => panic!("{}\n{error}", shown()),
    };
    let checked = check::check(asked.clone(), parsed.clone()).expect(query);
    let by_columns = Tuning { small: Way::Never, ..Tuning::default() };
    let ways = [
        (Manner::Typed, Tuning::default()),
        (Manner::Random(AtomicU64::new(1 + seed)), Tuning::of(Way::Always)),
        (Manner::Typed, Tuning::of(Way::Never)),
        (Manner::Plain, Tuning::numbered(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16)),
        (Manner::Typed, Tuning { small: Way::Never, ..Tuning::numbered(seed.wrapping_mul(0xD134_2543_DE82_EF95) >> 16) }),
        (Manner::Random(AtomicU64::new(2 + seed)), Tuning { lookups: Way::Always, hops: Way::Never, ..by_columns }),
        (Manner::Typed, Tuning { hops: Way::Always, ..by_columns }),
    ];
    for (manner, tuning) in ways {
        let given: Vec<Given> = inputs(manner).iter().map(Input::given).collect();
        let options = Options { tuning, ..Options::default() };
        let answer = engine::answer(&checked, &given, &options, &Budget::default());
        let answer = answer.unwrap_or_else(|error| panic!("{}\n{tuning:?}: {error}", shown()));
        if let Some(difference) = expected.difference(&asked, &answer) {
            let rows = |rows: Vec<Vec<Value>>| rows.into_iter().map(|row| Value::vector(row).to_string()).collect::<Vec<_>>();
            let (expected, rows) = (rows(expected.sorted()), rows(answer.rows));
            panic!("{}\n{tuning:?}\n{difference}\nexpected: {expected:?}\nanswer: {rows:?}", shown());
        }
    }
    Outcome::Answered(expected.len())
}

/// All programs from the first seed on; most of them must be answered, and many of the answers must show something.
fn check_all(is_recursive: bool) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (first, programs) = (number("SEED").unwrap_or(1), number("PROGRAMS").unwrap_or(PROGRAMS));
    let (mut answered, mut shown) = (0, 0);
    for seed in first..first + programs {
        if let Outcome::Answered(rows) = outcome(seed, is_recursive) {
            answered += 1;
            shown += u64::from(rows > 0);
        }
    }
    println!("SEED={first}: {programs} programs, {answered} answered, {shown} with rows");
    if programs >= 100 {
        assert!(
            answered * 10 >= programs * 9 && shown * 10 >= programs * 7,
            "SEED={first}: {answered} answered, {shown} with rows"
        );
    }
}

#[test]
fn clauses_that_share_few_variables_are_joined_as_the_naive_evaluator_joins_them() {
    check_all(false);
}

#[test]
fn rules_that_call_each_other_over_few_values_give_the_least_fixpoint() {
    check_all(true);
}
