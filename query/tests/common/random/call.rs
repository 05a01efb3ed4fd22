//! Random predicates and functions.

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

    /// A function with some binding form, if there are fitting variables.
    pub(super) fn function(&mut self, scope: &mut Scope) -> Option<String> {
        if scope.variables.is_empty() {
            return None;
        }
        let longs = scope.of_kind(Kind::Long);
        let long = |maker: &mut Self| if longs.is_empty() { None } else { Some(maker.random.choose(&longs).clone()) };
        Some(match self.random.below(26) {
            0 | 1 => self.arithmetic(scope)?,
            2 => {
                let argument = long(self)?;
                format!("[(> {argument} 2) {}]", self.variable(scope, Kind::Boolean, 40))
            }
            3 => {
                let n = self.literal(Kind::Long);
                format!("[(ground {n}) {}]", self.variable(scope, Kind::Long, 60))
            }
            4 => format!("[(ground [1 2 3 3]) [{} ...]]", self.variable(scope, Kind::Long, 60)),
            5 => {
                let (n, s) = (self.variable(scope, Kind::Long, 60), self.variable(scope, Kind::String, 60));
                format!("[(ground [[1 \"a\"] [2 \"b\"] [3 \"a\"] [2 \"ab\"]]) [[{n} {s}]]]")
            }
            6 => format!("[(ground [2 3]) [{} _]]", self.variable(scope, Kind::Long, 60)),
            7 | 8 if self.has_present() => {
                let entity = self.known(scope, Kind::Entity)?;
                let field = self.field(Kind::Any)?;
                let default = if field.kind == Kind::Entity { "0".to_owned() } else { self.literal(field.kind) };
                if field.is_many {
                    return None;
                }
                format!("[(get-else $ {entity} :{} {default}) {}]", field.ident, self.variable(scope, field.kind, 25))
            }
            9 if self.has_present() => {
                let entity = self.known(scope, Kind::Entity)?;
                format!("[(missing? $ {entity} :{})]", self.field(Kind::Any)?.ident)
            }
            10 => {
                // The text of a number shows its kind.
                let kind = *self.random.choose(&[Kind::String, Kind::Long, Kind::Double]);
                let text = self.known(scope, kind)?;
                format!("[(str {text} \"b\") {}]", self.variable(scope, Kind::String, 30))
            }
            11 => {
                let (first, kind) = self.random.choose(&scope.variables).clone();
                format!("[(identity {first}) {}]", self.variable(scope, kind, 30))
            }
            12 => {
                let (first, second) = (self.random.choose(&scope.variables).clone(), long(self)?);
                let whole = self.fresh();
                let (left, right) = (self.variable(scope, first.1, 40), self.variable(scope, Kind::Long, 40));
                scope.add(&whole, Kind::Any);
                format!("[(tuple {} {second}) {whole}] [(untuple {whole}) [{left} {right}]]", first.0)
            }
            22 => {
                let text = self.known(scope, Kind::String)?;
                format!("[(re-find #\"a|b+\" {text}) {}]", self.variable(scope, Kind::String, 30))
            }
            23 => {
                let text = self.known(scope, Kind::String)?;
                let (first, second) = (self.variable(scope, Kind::String, 40), self.fresh());
                format!("[(re-matches #\"(.)(b)?.*\" {text}) [_ {first} {second}]]")
            }
            24 => {
                let text = self.known(scope, Kind::String)?;
                format!("[(re-seq #\"[ab]\" {text}) [{} ...]]", self.variable(scope, Kind::String, 40))
            }
            25 => {
                let instant = self.known(scope, Kind::Instant)?;
                let (call, kind) = *self.random.choose(&[
                    ("inst-ms", Kind::Long),
                    ("second", Kind::Long),
                    ("truncate-to :second", Kind::Instant),
                ]);
                format!("[({call} {instant}) {}]", self.variable(scope, kind, 30))
            }
            14 | 15 if self.has_present() => self.get_some(scope)?,
            16 => {
                let (first, last) = self.setting.transactions;
                let from = self.random.between(first, last);
                let until = if self.random.percent(30) { "nil".to_owned() } else { self.random.between(from, last).to_string() };
                format!("[(tx-ids $ {from} {until}) [{} ...]]", self.variable(scope, Kind::Long, 30))
            }
            17 => self.tx_data(scope),
            18 => {
                // A variable twice in a binding form.
                let name = self.variable(scope, Kind::Long, 50);
                let forms = [
                    format!("[(ground [[1 1] [1 2] [3 3.0]]) [[{name} {name}]]]"),
                    format!("[(ground [2 2]) [{name} {name}]]"),
                    format!("[(ground [[1 [1 2]] [2 [3]] [3 [3 3]]]) [[{name} [{name} ...]]]]"),
                    format!("[(ground [[1 2] [3 4]]) [[_ {name}] ...]]"),
                    format!("[(ground #{{1 2 3}}) [{name} ...]]"),
                    format!("[(ground []) [{name} ...]]"),
                ];
                self.random.choose(&forms).clone()
            }
            19 => {
                let text = self.known(scope, Kind::String)?;
                let (call, kind) = *self.random.choose(&[
                    ("upper-case TEXT", Kind::String),
                    ("count TEXT", Kind::Long),
                    ("subs TEXT 0 1", Kind::String),
                    ("blank? TEXT", Kind::Boolean),
                    ("keyword TEXT", Kind::Keyword),
                    ("re-find \"b\" TEXT", Kind::String),
                    ("parse-long TEXT", Kind::Long),
                ]);
                format!("[({}) {}]", call.replace("TEXT", &text), self.variable(scope, kind, 30))
            }
            20 => {
                let (name, kind) = self.random.choose(&scope.variables).clone();
                let (call, result) = *self.random.choose(&[
                    ("vector IT IT", Kind::Any),
                    ("str IT", Kind::String),
                    ("type IT", Kind::Keyword),
                    ("nil? IT", Kind::Boolean),
                    ("compare IT IT", Kind::Long),
                    ("name IT", Kind::String),
                    ("nth IT 0", Kind::Any),
                    ("and IT true", Kind::Boolean),
                    ("or IT 1", Kind::Any),
                ]);
                let result = if call.starts_with("or") { kind } else { result };
                format!("[({}) {}]", call.replace("IT", &name), self.variable(scope, result, 20))
            }
            13 => {
                // What fails for some arguments.
                let (any, text, argument) =
                    (self.random.choose(&scope.variables).0.clone(), self.known(scope, Kind::String), long(self));
                let long = argument.unwrap_or_else(|| any.clone());
                let text = text.unwrap_or_else(|| any.clone());
                let forms = [
                    format!("[(/ 6 {long})"),
                    format!("[(quot {long} {long})"),
                    format!("[(inc {any})"),
                    format!("[(subs {text} 1 2)"),
                    format!("[(nth [1 2] {long})"),
                    format!("[(+ {any} {long})"),
                ];
                let call = self.random.choose(&forms).clone();
                format!("{call} {}]", self.variable(scope, Kind::Long, 20))
            }
            _ => return None,
        })
    }

    fn get_some(&mut self, scope: &mut Scope) -> Option<String> {
        let entity = self.known(scope, Kind::Entity)?;
        let singles: Vec<_> = self.setting.fields.iter().filter(|field| !field.is_many).cloned().collect();
        let (first, second) = (self.random.choose(&singles).clone(), self.random.choose(&singles).clone());
        let kind = if first.kind == second.kind { first.kind } else { Kind::Any };
        let attribute = self.variable(scope, Kind::Entity, 10);
        let value = self.variable(scope, kind, 20);
        Some(format!("[(get-some $ {entity} :{} :{}) [{attribute} {value}]]", first.ident, second.ident))
    }

    /// What a transaction said, some places of it.
    fn tx_data(&mut self, scope: &mut Scope) -> String {
        let (first, last) = self.setting.transactions;
        let t = match self.known(scope, Kind::Long) {
            Some(known) if self.random.percent(40) => known,
            _ => self.random.between(first, last).to_string(),
        };
        let mut places = vec![self.variable(scope, Kind::Entity, 40)];
        let kinds = [Kind::Entity, Kind::Any, Kind::Long, Kind::Entity, Kind::Boolean];
        for kind in kinds {
            let is_named = self.random.percent(50);
            places.push(if is_named { self.variable(scope, kind, 20) } else { "_".to_owned() });
        }
        format!("[(tx-data $ {t}) [[{}]]]", places.join(" "))
    }

    /// Arithmetic on one or two numbers in sight or written; of longs alone it gives a long.
    fn arithmetic(&mut self, scope: &mut Scope) -> Option<String> {
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
