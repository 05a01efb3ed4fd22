//! Random functions, with binding forms of all kinds.

use super::Kind;
use super::clause::{Maker, Scope};

impl Maker<'_> {
    /// A function with some binding form, if there are fitting variables.
    pub(super) fn function(&mut self, scope: &mut Scope) -> Option<String> {
        if scope.variables.is_empty() {
            return None;
        }
        match self.random.below(28) {
            0 | 1 => self.arithmetic(scope),
            2 => {
                let argument = self.known(scope, Kind::Long)?;
                Some(format!("[(> {argument} 2) {}]", self.variable(scope, Kind::Boolean, 40)))
            }
            3..=6 => Some(self.grounded(scope)),
            7..=9 | 14 | 15 if self.has_present() => self.about_entity(scope),
            10 => {
                // The text of a number shows its kind.
                let kind = *self.random.choose(&[Kind::String, Kind::Long, Kind::Double]);
                let text = self.known(scope, kind)?;
                Some(format!("[(str {text} \"b\") {}]", self.variable(scope, Kind::String, 30)))
            }
            11 => {
                let (first, kind) = self.random.choose(&scope.variables).clone();
                Some(format!("[(identity {first}) {}]", self.variable(scope, kind, 30)))
            }
            12 => {
                let (first, second) = (self.random.choose(&scope.variables).clone(), self.known(scope, Kind::Long)?);
                let whole = self.fresh();
                let (left, right) = (self.variable(scope, first.1, 40), self.variable(scope, Kind::Long, 40));
                scope.add(&whole, Kind::Any);
                Some(format!("[(tuple {} {second}) {whole}] [(untuple {whole}) [{left} {right}]]", first.0))
            }
            13 | 21 => Some(self.failing(scope)),
            16 => {
                let (first, last) = self.setting.transactions;
                let from = self.random.between(first, last);
                let until = if self.random.percent(30) { "nil".to_owned() } else { self.random.between(from, last).to_string() };
                Some(format!("[(tx-ids $ {from} {until}) [{} ...]]", self.variable(scope, Kind::Long, 30)))
            }
            17 => Some(self.tx_data(scope)),
            18 => Some(self.bound_twice(scope)),
            19 | 22..=24 => self.of_text(scope),
            20 => Some(self.of_any(scope)),
            25 => {
                let instant = self.known(scope, Kind::Instant)?;
                let (call, kind) = *self.random.choose(&[
                    ("inst-ms", Kind::Long),
                    ("second", Kind::Long),
                    ("truncate-to :second", Kind::Instant),
                ]);
                Some(format!("[({call} {instant}) {}]", self.variable(scope, kind, 30)))
            }
            26 | 27 => self.inner_query(scope),
            _ => None,
        }
    }

    fn grounded(&mut self, scope: &mut Scope) -> String {
        match self.random.below(4) {
            0 => {
                let n = self.literal(Kind::Long);
                format!("[(ground {n}) {}]", self.variable(scope, Kind::Long, 60))
            }
            1 => format!("[(ground [1 2 3 3]) [{} ...]]", self.variable(scope, Kind::Long, 60)),
            2 => {
                let (n, s) = (self.variable(scope, Kind::Long, 60), self.variable(scope, Kind::String, 60));
                format!("[(ground [[1 \"a\"] [2 \"b\"] [3 \"a\"] [2 \"ab\"]]) [[{n} {s}]]]")
            }
            _ => format!("[(ground [2 3]) [{} _]]", self.variable(scope, Kind::Long, 60)),
        }
    }

    /// A variable twice in a binding form.
    fn bound_twice(&mut self, scope: &mut Scope) -> String {
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

    /// `get-else`, `missing?` or `get-some`.
    fn about_entity(&mut self, scope: &mut Scope) -> Option<String> {
        let entity = self.known(scope, Kind::Entity)?;
        match self.random.below(5) {
            0 | 1 => {
                let field = self.field(Kind::Any).filter(|field| !field.is_many)?;
                let default = if field.kind == Kind::Entity { "0".to_owned() } else { self.literal(field.kind) };
                Some(format!("[(get-else $ {entity} :{} {default}) {}]", field.ident, self.variable(scope, field.kind, 25)))
            }
            2 => Some(format!("[(missing? $ {entity} :{})]", self.field(Kind::Any)?.ident)),
            _ => {
                let singles: Vec<_> = self.setting.fields.iter().filter(|field| !field.is_many).cloned().collect();
                let (first, second) = (self.random.choose(&singles).clone(), self.random.choose(&singles).clone());
                let kind = if first.kind == second.kind { first.kind } else { Kind::Any };
                let (attribute, value) = (self.variable(scope, Kind::Entity, 10), self.variable(scope, kind, 20));
                Some(format!("[(get-some $ {entity} :{} :{}) [{attribute} {value}]]", first.ident, second.ident))
            }
        }
    }

    /// What a transaction said, some places of it.
    fn tx_data(&mut self, scope: &mut Scope) -> String {
        let (first, last) = self.setting.transactions;
        let t = match self.known(scope, Kind::Long) {
            Some(known) if self.random.percent(40) => known,
            _ => self.random.between(first, last).to_string(),
        };
        let mut places = vec![self.variable(scope, Kind::Entity, 40)];
        for kind in [Kind::Entity, Kind::Any, Kind::Long, Kind::Entity, Kind::Boolean] {
            let is_named = self.random.percent(50);
            places.push(if is_named { self.variable(scope, kind, 20) } else { "_".to_owned() });
        }
        format!("[(tx-data $ {t}) [[{}]]]", places.join(" "))
    }

    fn of_text(&mut self, scope: &mut Scope) -> Option<String> {
        let text = self.known(scope, Kind::String)?;
        match self.random.below(6) {
            0 => Some(format!("[(re-find #\"a|b+\" {text}) {}]", self.variable(scope, Kind::String, 30))),
            1 => {
                let (first, second) = (self.variable(scope, Kind::String, 40), self.fresh());
                Some(format!("[(re-matches #\"(.)(b)?.*\" {text}) [_ {first} {second}]]"))
            }
            2 => Some(format!("[(re-seq #\"[ab]\" {text}) [{} ...]]", self.variable(scope, Kind::String, 40))),
            _ => {
                let (call, kind) = *self.random.choose(&[
                    ("upper-case TEXT", Kind::String),
                    ("count TEXT", Kind::Long),
                    ("subs TEXT 0 1", Kind::String),
                    ("blank? TEXT", Kind::Boolean),
                    ("keyword TEXT", Kind::Keyword),
                    ("re-find \"b\" TEXT", Kind::String),
                    ("parse-long TEXT", Kind::Long),
                ]);
                Some(format!("[({}) {}]", call.replace("TEXT", &text), self.variable(scope, kind, 30)))
            }
        }
    }

    fn of_any(&mut self, scope: &mut Scope) -> String {
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

    /// What fails for some arguments.
    fn failing(&mut self, scope: &mut Scope) -> String {
        let any = self.random.choose(&scope.variables).0.clone();
        let long = self.known(scope, Kind::Long).unwrap_or_else(|| any.clone());
        let text = self.known(scope, Kind::String).unwrap_or_else(|| any.clone());
        let calls = [
            format!("(/ 6 {long})"),
            format!("(quot {long} {long})"),
            format!("(inc {any})"),
            format!("(subs {text} 1 2)"),
            format!("(nth [1 2] {long})"),
            format!("(+ {any} {long})"),
        ];
        let call = self.random.choose(&calls).clone();
        format!("[{call} {}]", self.variable(scope, Kind::Long, 20))
    }
}
