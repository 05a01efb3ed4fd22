//! A random program: a query with its rules and inputs, or a pull of one entity.

use std::collections::BTreeSet;

use super::clause::{Maker, Scope};
use super::history::{ENTITIES, FIRST_T, Kind, Width, literal};
use super::{Random, find, pull, rule};

/// What is asked of a world that was told in several transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// What holds in the end.
    #[default]
    Now,
    /// What held after a transaction.
    AsOf(usize),
    /// What was said after a transaction and holds.
    Since(usize),
    /// Everything said and taken back.
    History,
}

/// A question in the subset that the engines share. Texts carry the marks `§` and `@`.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// A pull pattern and its entity, instead of a query.
    pub pull: Option<(String, String)>,
    /// The query's text where it was not put together from what follows.
    pub written: Option<String>,
    /// Find elements.
    pub elements: Vec<String>,
    /// `relation`, `collection`, `tuple` or `scalar`.
    pub shape: &'static str,
    /// The names of `:keys`.
    pub names: Vec<String>,
    /// The variables of `:with`.
    pub with: Vec<String>,
    /// Binding forms of `:in` after `$`, and what is given for each.
    pub inputs: Vec<(String, String)>,
    /// Rules; none stands for no `%`.
    pub rules: Vec<String>,
    /// Clauses, first in an order in which each finds its variables bound.
    pub clauses: Vec<String>,
    /// The moment that is asked.
    pub view: View,
    /// What was used that is known to be seen differently somewhere.
    pub features: BTreeSet<&'static str>,
}

impl Program {
    /// Remembers that something was used.
    pub fn note(&mut self, feature: &'static str) {
        self.features.insert(feature);
    }

    /// Whether something was used.
    pub fn has(&self, feature: &str) -> bool {
        self.features.contains(feature)
    }

    /// The query's text with its find specification in the given shape.
    pub fn query_as(&self, shape: &str) -> String {
        if let Some(text) = &self.written {
            return text.clone();
        }
        let elements = self.elements.join(" ");
        let mut text = match shape {
            "collection" => format!("[:find [{elements} ...]"),
            "tuple" => format!("[:find [{elements}]"),
            "scalar" => format!("[:find {elements} ."),
            _ => format!("[:find {elements}"),
        };
        if !self.names.is_empty() {
            text += &format!(" :keys {}", self.names.join(" "));
        }
        if !self.with.is_empty() {
            text += &format!(" :with {}", self.with.join(" "));
        }
        text += " :in $";
        if !self.rules.is_empty() {
            text += " %";
        }
        for (binding, _) in &self.inputs {
            text += &format!(" {binding}");
        }
        format!("{text} :where {}]", self.clauses.join(" "))
    }

    /// The query's text, as it is asked.
    pub fn query(&self) -> String {
        self.query_as(self.shape)
    }

    /// The rules as one text.
    pub fn rules_text(&self) -> String {
        format!("[{}]", self.rules.join(" "))
    }

    /// The same question with its clauses and its rules in another order.
    pub fn shuffled(&self, random: &mut Random) -> Self {
        let mut other = self.clone();
        random.shuffle(&mut other.clauses);
        random.shuffle(&mut other.rules);
        other
    }
}

/// A random program.
pub fn program(random: &mut Random, width: Width) -> Program {
    let view = if width.transactions > 1 { moment(random, width) } else { View::Now };
    let mut program = Program { shape: "relation", view, ..Program::default() };
    if view != View::History && random.percent(12) {
        let text = pull::pattern(random, &mut program, 2);
        program.note("pull");
        let entity = if random.percent(25) {
            format!("[@code \"k{}\"]", random.between(1, ENTITIES))
        } else {
            literal(random, Kind::Entity)
        };
        program.pull = Some((text, entity));
        return program;
    }
    let heads = if random.percent(45) { rule::heads(random) } else { Vec::new() };
    program.rules = heads.iter().flat_map(|head| head.rules.clone()).collect();
    if heads.iter().any(|head| head.is_left_recursive) {
        program.note("left-recursion");
    }
    let mut scope = Scope::default();
    if random.percent(30) {
        inputs(random, &mut program, &mut scope, width);
    }
    let mut clauses = Vec::new();
    let mut maker = Maker { random, program: &mut program, heads, next_variable: 0, width };
    for _ in 0..maker.random.between(1, 5) {
        clauses.push(maker.clause(&mut scope, 2));
    }
    if !maker.heads.is_empty() && maker.random.percent(60) {
        clauses.extend(maker.call(&mut scope));
    }
    if scope.variables.is_empty() {
        clauses.push(maker.pattern(&mut scope));
    }
    if scope.variables.is_empty() {
        scope.add("?e", Kind::Entity);
        clauses.push("[?e @name _]".to_owned());
    }
    program.clauses = clauses;
    find::find(random, &scope, &mut program);
    if width.is_typed && (program.has("aggregate") || random.percent(80)) {
        program.names.clear();
    }
    program
}

fn moment(random: &mut Random, width: Width) -> View {
    let t = FIRST_T + random.below(width.transactions);
    match random.below(6) {
        0 => View::Now,
        1 | 2 => View::AsOf(t),
        3 => View::Since(t),
        _ => View::History,
    }
}

/// One or two inputs of every binding form.
fn inputs(random: &mut Random, program: &mut Program, scope: &mut Scope, width: Width) {
    for at in 0..random.between(1, 2) {
        let name = format!("?i{at}");
        let kind = *random.choose(&[Kind::Entity, Kind::Long, Kind::Text, Kind::Double, Kind::Boolean]);
        let (binding, given) = match random.below(6) {
            0 if kind == Kind::Entity => {
                program.note("lookup-input");
                (name.clone(), format!("[@code \"k{}\"]", random.between(1, ENTITIES)))
            }
            2 => {
                let values = [literal(random, kind), literal(random, kind), literal(random, kind)];
                (format!("[{name} ...]"), format!("[{}]", values.join(" ")))
            }
            3 if !width.is_typed || random.percent(15) => {
                let text = literal(random, Kind::Text);
                (format!("[{name} _]"), format!("[{} {text}]", literal(random, kind)))
            }
            4 => {
                let other = format!("?j{at}");
                let mut row = || format!("[{} {}]", literal(random, kind), literal(random, Kind::Long));
                let rows = [row(), row(), row()];
                scope.add(&other, Kind::Long);
                (format!("[[{name} {other}]]"), format!("[{}]", rows.join(" ")))
            }
            _ => (name.clone(), literal(random, kind)),
        };
        scope.add(&name, kind);
        program.inputs.push((binding, given));
    }
}
