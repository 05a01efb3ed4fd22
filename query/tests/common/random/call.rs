//! Random predicates, and arithmetic.

use super::Kind;
use super::clause::{Maker, Scope};

impl Maker<'_> {
    /// A predicate on variables in sight, if there are fitting ones.
    pub(super) fn predicate(&mut self, scope: &Scope) -> Option<String> {
        let kind =
            *self.random.choose(&[Kind::Long, Kind::Long, Kind::Double, Kind::Entity, Kind::String, Kind::Any, Kind::Boolean]);
        let known = scope.of_kind(kind);
        if known.is_empty() {
            return None;
        }
        let (first, second) = (self.random.choose(&known).clone(), self.random.choose(&known).clone());
        let literal = if kind == Kind::Entity { self.random.entity().to_string() } else { self.literal(kind) };
        let other = if self.random.percent(50) { second } else { literal };
        Some(match kind {
            Kind::Boolean => format!("[({} {first})]", self.random.choose(&["identity", "true?", "false?"])),
            Kind::Any if self.random.percent(25) => format!("[({} {first} {other})]", self.random.choose(&["<", ">="])),
            Kind::Any => format!("[({} {first} {other})]", self.random.choose(&["=", "!="])),
            Kind::String if self.random.percent(40) => {
                let part = *self.random.choose(&["a", "b", "ab", "c"]);
                match self.random.below(4) {
                    0 => format!("[(starts-with? {first} \"{part}\")]"),
                    1 => format!("[(like {first} \"%{part}_\")]"),
                    2 => format!("[(re-find #\"{part}$\" {first})]"),
                    _ => format!("[(not-in {first} #{{\"{part}\" 1}})]"),
                }
            }
            Kind::Long | Kind::Double if self.random.percent(10) => format!("[(in {first} [0 1.0 2N])]"),
            Kind::Long if self.random.percent(20) => {
                format!("[({} {first})]", self.random.choose(&["even?", "odd?", "pos?", "zero?"]))
            }
            Kind::Long if self.random.percent(15) => format!("[(<= 0 {first} {other} 5)]"),
            Kind::Long | Kind::Double if self.random.percent(15) => {
                let numbers = [scope.of_kind(Kind::Long), scope.of_kind(Kind::Double)].concat();
                format!("[(< {first} {} 4)]", self.random.choose(&numbers))
            }
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

    /// Arithmetic on one or two numbers in sight or written; of longs alone it gives a long.
    pub(super) fn arithmetic(&mut self, scope: &mut Scope) -> Option<String> {
        let is_number = |kind: Kind| matches!(kind, Kind::Long | Kind::Double | Kind::Number);
        let numbers: Vec<(String, Kind)> = scope.variables.iter().filter(|(_, kind)| is_number(*kind)).cloned().collect();
        if numbers.is_empty() {
            return None;
        }
        let (first, mut kind) = self.random.choose(&numbers).clone();
        let (name, is_unary) = *self.random.choose(&[
            ("+", false),
            ("-", false),
            ("*", false),
            ("max", false),
            ("min", false),
            ("mod", false),
            ("rem", false),
            ("quot", false),
            ("inc", true),
            ("dec", true),
            ("abs", true),
            ("-", true),
        ]);
        let mut args = vec![first];
        if !is_unary {
            let divides = matches!(name, "mod" | "rem" | "quot");
            let (second, second_kind) = match self.random.below(3) {
                0 if !divides => self.random.choose(&numbers).clone(),
                1 => ("1.5".to_owned(), Kind::Double),
                _ => (self.random.between(1, 3).to_string(), Kind::Long),
            };
            args.push(second);
            if second_kind == Kind::Double {
                kind = Kind::Double;
            }
            if self.random.percent(30) {
                args.reverse();
            }
            if divides && args[1].starts_with('?') {
                args.reverse();
            }
            if self.random.percent(10) && !divides {
                args.push("2".to_owned());
            }
        }
        let known = if self.random.percent(10) { args.iter().find(|name| name.starts_with('?')).cloned() } else { None };
        let result = known.unwrap_or_else(|| self.variable(scope, kind, 25));
        Some(format!("[({name} {}) {result}]", args.join(" ")))
    }
}
