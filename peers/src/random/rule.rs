//! Random rules: closures by every kind of recursion, and rules with several heads, negation and predicates.

use super::Random;
use super::history::{FIELDS, Field, Kind, literal};

/// A rule that can be called.
#[derive(Clone, Debug)]
pub struct Head {
    pub name: &'static str,
    /// What each argument holds, and whether it must be bound.
    pub args: Vec<(Kind, bool)>,
    pub rules: Vec<String>,
    /// Whether a rule calls itself before anything that could end it.
    pub is_left_recursive: bool,
}

impl Head {
    fn new(name: &'static str, args: Vec<(Kind, bool)>, rules: Vec<String>) -> Self {
        Self { name, args, rules, is_left_recursive: false }
    }
}

fn field(random: &mut Random, kind: Kind) -> Field {
    let fits: Vec<Field> = FIELDS.into_iter().filter(|field| kind == Kind::Any || field.kind == kind).collect();
    *random.choose(&fits)
}

/// One to three rules.
pub fn heads(random: &mut Random) -> Vec<Head> {
    let mut heads: Vec<Head> = Vec::new();
    for _ in 0..random.between(1, 3) {
        for head in family(random) {
            if !heads.iter().any(|known| known.name == head.name) {
                heads.push(head);
            }
        }
    }
    heads
}

fn family(random: &mut Random) -> Vec<Head> {
    match random.below(8) {
        0..3 => vec![net(random)],
        3 => steps(random),
        4 => vec![same(random)],
        5 => vec![valued(random)],
        6 => {
            let net = net(random);
            let edge = field(random, Kind::Entity).name;
            let apart = format!("[(apart ?x ?y) [?x @{edge} _] [_ @{edge} ?y] (not (net ?x ?y))]");
            vec![net, Head::new("apart", vec![(Kind::Entity, false); 2], vec![apart])]
        }
        _ => vec![needing(random)],
    }
}

/// A closure: right, left or non-linear, over one or two attributes.
fn net(random: &mut Random) -> Head {
    let edge = field(random, Kind::Entity).name;
    let mut rules = vec![format!("[(net ?x ?y) [?x @{edge} ?y]]")];
    let shape = random.below(12);
    let other = if random.percent(70) { edge } else { field(random, Kind::Entity).name };
    rules.push(match shape {
        0 => "[(net ?x ?y) (net ?x ?z) (net ?z ?y)]".to_owned(),
        1 | 2 => format!("[(net ?x ?y) (net ?x ?z) [?z @{other} ?y]]"),
        3 => format!("[(net ?x ?y) [?x @{other} ?z] (net ?z ?y) [(!= ?x ?y)]]"),
        4..11 => format!("[(net ?x ?y) [?x @{other} ?z] (net ?z ?y)]"),
        _ => format!("[(net ?x ?y) (net ?y ?z) [?z @{other} ?x]]"),
    });
    let is_left_recursive = matches!(shape, 0 | 1 | 2 | 11);
    Head { is_left_recursive, ..Head::new("net", vec![(Kind::Entity, false); 2], rules) }
}

/// Two rules that call each other.
fn steps(random: &mut Random) -> Vec<Head> {
    let edge = field(random, Kind::Entity).name;
    let args = vec![(Kind::Entity, false); 2];
    let odd = vec![format!("[(odd ?x ?y) [?x @{edge} ?y]]"), format!("[(odd ?x ?y) [?x @{edge} ?z] (even ?z ?y)]")];
    let even = vec![format!("[(even ?x ?y) [?x @{edge} ?z] (odd ?z ?y)]")];
    vec![Head::new("odd", args.clone(), odd), Head::new("even", args, even)]
}

/// Entities of one generation.
fn same(random: &mut Random) -> Head {
    let (up, over) = (field(random, Kind::Entity).name, field(random, Kind::Entity).name);
    let rules = vec![
        format!("[(same ?x ?y) [?x @{up} ?p] [?y @{up} ?p]]"),
        format!("[(same ?x ?y) [?x @{over} ?p] [?y @{over} ?q] (same ?p ?q)]"),
    ];
    Head::new("same", vec![(Kind::Entity, false); 2], rules)
}

/// A value that an entity has itself or by another one.
fn valued(random: &mut Random) -> Head {
    let kind = *random.choose(&[Kind::Long, Kind::Text, Kind::Boolean, Kind::Double]);
    let (first, second) = (field(random, kind).name, field(random, kind).name);
    let edge = field(random, Kind::Entity).name;
    let value = literal(random, kind);
    let mut rules = vec![format!("[(has ?e ?v) [?e @{first} ?v]]")];
    rules.push(match random.below(4) {
        0 => format!("[(has ?e ?v) [?e @{edge} ?f] (has ?f ?v)]"),
        1 => format!("[(has ?e ?v) [?e @{second} ?v] [(!= ?v {value})]]"),
        2 => format!("[(has ?e ?v) [?e @{edge} ?f] [?f @{second} ?v] (not [?e @{edge} ?e])]"),
        _ => format!("[(has ?e ?v) [?e @{edge} _] [(ground {value}) ?v]]"),
    });
    Head::new("has", vec![(Kind::Entity, false), (kind, false)], rules)
}

/// A rule that demands a bound argument.
fn needing(random: &mut Random) -> Head {
    let (first, second) = (field(random, Kind::Entity).name, field(random, Kind::Entity).name);
    let rules =
        vec![format!("[(from [?x] ?y) [?x @{first} ?y]]"), format!("[(from [?x] ?y) [?z @{second} ?x] [?z @{first} ?y]]")];
    Head::new("from", vec![(Kind::Entity, true), (Kind::Entity, false)], rules)
}
