//! Random predicates and functions, of those that the engines share.

use super::View;
use super::clause::{Maker, Scope};
use super::history::Kind;

impl Maker<'_> {
    /// A predicate on variables in sight, if there are fitting ones.
    pub fn predicate(&mut self, scope: &Scope) -> Option<String> {
        let kind =
            *self.random.choose(&[Kind::Long, Kind::Double, Kind::Number, Kind::Entity, Kind::Text, Kind::Boolean, Kind::Word]);
        let known = scope.of_kind(kind);
        if known.is_empty() {
            return None;
        }
        let (first, second) = (self.random.choose(&known).clone(), self.random.choose(&known).clone());
        let other = if self.random.percent(50) { second } else { self.literal(kind) };
        Some(match kind {
            Kind::Boolean => match self.random.below(4) {
                0 => format!("[(identity {first})]"),
                1 => format!("[(true? {first})]"),
                2 => format!("[(false? {first})]"),
                _ => format!("[(= {first} {other})]"),
            },
            Kind::Word | Kind::Entity => {
                format!("[({} {first} {other})]", self.random.choose(&["=", "!=", "not="]))
            }
            Kind::Text if self.random.percent(30) => {
                let name = self.random.choose(&["starts-with?", "ends-with?", "includes?"]).to_string();
                format!("[({name} {first} \"a\")]")
            }
            Kind::Long if self.random.percent(20) => {
                format!("[({} {first})]", self.random.choose(&["even?", "odd?", "pos?", "neg?", "zero?"]))
            }
            Kind::Long if self.random.percent(15) => format!("[(<= 0 {first} {other} 5)]"),
            _ => {
                let name = self.random.choose(&["<", "<=", ">", ">=", "=", "!="]).to_string();
                if self.random.percent(30) {
                    format!("[({name} {other} {first})]")
                } else {
                    format!("[({name} {first} {other})]")
                }
            }
        })
    }

    /// A function with some binding form, if there are fitting variables.
    pub fn function(&mut self, scope: &mut Scope) -> Option<String> {
        if scope.variables.is_empty() {
            return None;
        }
        match self.random.below(12) {
            0..3 => self.arithmetic(scope),
            3 => {
                let argument = self.known(scope, Kind::Long)?;
                Some(format!("[(> {argument} 2) {}]", self.variable(scope, Kind::Boolean, 40)))
            }
            4 | 5 => Some(self.ground(scope)),
            6 | 7 if self.program.view != View::History => {
                let entity = self.known(scope, Kind::Entity)?;
                let field = self.field(Kind::Any);
                if field.is_many {
                    return None;
                }
                let default = self.literal(field.kind);
                Some(format!("[(get-else $ {entity} @{} {default}) {}]", field.name, self.variable(scope, field.kind, 25)))
            }
            8 if self.program.view != View::History => {
                let entity = self.known(scope, Kind::Entity)?;
                let field = self.field(Kind::Any);
                Some(format!("[(missing? $ {entity} @{})]", field.name))
            }
            9 => {
                let text = self.known(scope, Kind::Text)?;
                Some(match self.random.below(3) {
                    0 => format!("[(count {text}) {}]", self.variable(scope, Kind::Long, 30)),
                    _ => format!("[(str {text} \"b\") {}]", self.variable(scope, Kind::Text, 30)),
                })
            }
            10 => {
                let (first, kind) = self.random.choose(&scope.variables).clone();
                Some(format!("[(identity {first}) {}]", self.variable(scope, kind, 30)))
            }
            6..9 => None,
            _ => {
                let (first, kind) = self.random.choose(&scope.variables).clone();
                let second = self.known(scope, Kind::Long)?;
                let (left, right) = (self.variable(scope, kind, 40), self.variable(scope, Kind::Long, 40));
                let whole = self.fresh();
                Some(format!("[(tuple {first} {second}) {whole}] [(untuple {whole}) [{left} {right}]]"))
            }
        }
    }

    fn ground(&mut self, scope: &mut Scope) -> String {
        match self.random.below(5) {
            0 => {
                let kind = *self.random.choose(&[Kind::Long, Kind::Text, Kind::Double, Kind::Boolean, Kind::Word]);
                let value = self.literal(kind);
                format!("[(ground {value}) {}]", self.variable(scope, kind, 60))
            }
            1 => format!("[(ground [1 2 3 3]) [{} ...]]", self.variable(scope, Kind::Long, 60)),
            2 => {
                let (number, text) = (self.variable(scope, Kind::Long, 60), self.variable(scope, Kind::Text, 60));
                format!("[(ground [[1 \"a\"] [2 \"b\"] [3 \"a\"] [2 \"ab\"]]) [[{number} {text}]]]")
            }
            3 => format!("[(ground [2 3]) [{} _]]", self.variable(scope, Kind::Long, 60)),
            _ => {
                let flag = self.variable(scope, Kind::Boolean, 60);
                format!("[(ground [false true false]) [{flag} ...]]")
            }
        }
    }

    /// Arithmetic on one or two numbers in sight or written.
    fn arithmetic(&mut self, scope: &mut Scope) -> Option<String> {
        let kind = *self.random.choose(&[Kind::Long, Kind::Long, Kind::Double]);
        let first = self.known(scope, kind)?;
        let result = |maker: &mut Self, scope: &mut Scope| maker.variable(scope, kind, 25);
        if self.random.percent(20) {
            let name = self.random.choose(&["inc", "dec", "-"]).to_string();
            return Some(format!("[({name} {first}) {}]", result(self, scope)));
        }
        if kind == Kind::Long && self.random.percent(25) {
            let name = self.random.choose(&["quot", "rem", "mod"]).to_string();
            let divisor = self.random.choose(&["1", "2", "3", "-2"]).to_string();
            return Some(format!("[({name} {first} {divisor}) {}]", result(self, scope)));
        }
        if self.random.percent(10) {
            let whole = self.fresh();
            scope.add(&whole, Kind::Double);
            return Some(format!("[(/ {first} 2.0) {whole}]"));
        }
        let name = self.random.choose(&["+", "-", "*", "max", "min"]).to_string();
        let second = if self.random.percent(50) { self.known(scope, kind)? } else { self.literal(kind) };
        let third = if self.random.percent(15) { " 2" } else { "" };
        Some(format!("[({name} {first} {second}{third}) {}]", result(self, scope)))
    }
}
