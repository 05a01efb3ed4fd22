//! Promise: what follows from what a transaction said is what asking again says. Attacked as the other programs are, with queries
//! that are mostly kept up without asking again: patterns that share variables, with predicates, `not`, `or` and defaults among them,
//! in which entities are written as numbers, names and lookup references, and values are numbers of several kinds.

use annals::query::Value;
use annals::{Connection, Input};

use crate::common::memory::View;
use crate::common::random::history::{Field, value};
use crate::common::random::setting::Setting;
use crate::common::random::{Kind, Random};
use crate::programs::{Watched, follow};

const STORES: u64 = 12;

const PROGRAMS: u64 = 40;

const ENTITIES: [&str; 3] = ["?a", "?b", "?c"];

struct Maker<'s> {
    random: Random,
    setting: &'s Setting,
    clauses: Vec<String>,
    variables: Vec<String>,
}

impl Maker<'_> {
    fn variable(&mut self, name: &str) -> String {
        if !self.variables.iter().any(|known| known == name) {
            self.variables.push(name.to_owned());
        }
        name.to_owned()
    }

    fn field(&mut self) -> Field {
        self.random.choose(&self.setting.fields).clone()
    }

    fn entity(&mut self) -> String {
        match self.random.below(20) {
            0 => self.random.entity().to_string(),
            1 => self.random.choose(&self.setting.names).clone(),
            2 => self.random.choose(&self.setting.lookups).clone(),
            3 => "_".to_owned(),
            _ => {
                let name = *self.random.choose(&ENTITIES);
                self.variable(name)
            }
        }
    }

    fn value(&mut self, kind: Kind) -> String {
        match self.random.below(10) {
            0 => "_".to_owned(),
            1 | 2 if kind == Kind::Entity => self.entity(),
            1 | 2 => value(&mut self.random, kind).to_string(),
            _ if kind == Kind::Entity => {
                let name = *self.random.choose(&ENTITIES);
                self.variable(name)
            }
            _ => {
                let name = *self.random.choose(&["?v", "?w"]);
                self.variable(name)
            }
        }
    }

    fn pattern(&mut self) -> String {
        let field = self.field();
        let (e, v) = (self.entity(), self.value(field.kind));
        match self.random.below(24) {
            0 => format!("[{e} :{}]", field.ident),
            1 => {
                let t = self.variable("?t");
                format!("[{e} :{} {v} {t}]", field.ident)
            }
            2 => {
                let (t, at) = (self.variable("?t"), self.variable("?at"));
                format!("[{e} :{} {v} {t}] [{t} :db/txInstant {at}]", field.ident)
            }
            3 => {
                let m = self.variable("?a");
                format!("[{e} :{} {v} _ {m}]", field.ident)
            }
            4 => {
                let t = self.variable("?t");
                format!("[{e} :{} {v} {t}] [{t} :{} _]", field.ident, self.field().ident)
            }
            5 => {
                let attribute = self.variable("?attribute");
                format!("[{e} {attribute} {v}]")
            }
            _ => format!("[{e} :{} {v}]", field.ident),
        }
    }

    fn other(&mut self) -> String {
        let of = self.random.choose(&self.variables).clone();
        let (field, other) = (self.field().ident, self.field().ident);
        match self.random.below(10) {
            0 => format!("(not [{of} :{field}])"),
            1 => format!("(not [_ :{field} {of}])"),
            2 => format!("(or [{of} :{field}] [{of} :{other}])"),
            3 => format!("[(missing? $ {of} :{field})]"),
            4 => {
                let got = self.variable("?got");
                format!("[(get-some $ {of} :{field} :{other}) [_ {got}]]")
            }
            5 => format!("[(!= {of} 2)]"),
            6 => {
                let text = self.variable("?text");
                format!("[(str {of}) {text}]")
            }
            7 => format!("[(identity {of}) {}]", self.variable("?v")),
            8 => format!("[(ground [1 2.0 \"x\" :one]) [{of} ...]]"),
            _ => format!("[(some? {of})]"),
        }
    }

    fn input(&mut self) -> (String, Value) {
        let name = self.variables[self.random.below(self.variables.len())].clone();
        let items: Vec<Value> = (0..4)
            .map(|_| match self.random.below(4) {
                0 => Value::Keyword(self.random.choose(&["one", "two", "x"]).to_owned().into()),
                1 => Value::vector([Value::keyword("p/id"), Value::from(*self.random.choose(&["a", "b"]))]),
                2 => Value::Long(self.random.entity()),
                _ => value(&mut self.random, Kind::Number),
            })
            .collect();
        (format!("[{name} ...]"), Value::vector(items))
    }
}

fn watched(seed: u64, setting: &Setting, connections: &[Connection]) -> Option<Watched> {
    let mut random = Random::new(seed ^ 0xC0_7301);
    random.about(&setting.entities);
    let mut maker = Maker { random, setting, clauses: Vec::new(), variables: Vec::new() };
    for _ in 0..maker.random.between(1, 4) {
        let pattern = maker.pattern();
        maker.clauses.push(pattern);
    }
    if maker.variables.is_empty() {
        return None;
    }
    for _ in 0..[0, 0, 1, 2][maker.random.below(4)] {
        let other = maker.other();
        maker.clauses.push(other);
    }
    let (mut places, mut inputs) = ("$".to_owned(), Vec::new());
    if maker.random.percent(15) {
        let (form, value) = maker.input();
        places = format!("$ {form}");
        inputs.push(Input::from(value));
    }
    let mut variables = maker.variables.clone();
    maker.random.shuffle(&mut variables);
    variables.truncate(maker.random.between(1, 3) as usize);
    let find = match maker.random.below(8) {
        0 => format!("[{} ...]", variables[0]),
        _ => variables.join(" "),
    };
    let text = format!("[:find {find} :in {places} :where {}]", maker.clauses.join("\n "));
    let view = match maker.random.below(10) {
        0 => View { is_history: true, ..View::default() },
        1 => View { since: Some(maker.random.between(2, 12)), ..View::default() },
        _ => View::default(),
    };
    Watched::new(format!("{text}\n{inputs:?}"), text, inputs, view, connections)
}

#[test]
fn a_conjunction_is_kept_up_as_if_it_were_asked_again() {
    follow(STORES, PROGRAMS, &watched);
}
