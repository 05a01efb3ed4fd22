//! Random clauses. What a variable holds is remembered, so that most clauses make sense and joins hit.

use annals_query::Value;

use super::history::{Field, UNIQUE, value};
use super::rule::Head;
use super::{Kind, Random, Source};

/// The variables in sight.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) variables: Vec<(String, Kind)>,
}

impl Scope {
    fn of_kind(&self, kind: Kind) -> Vec<String> {
        let fits = |other: Kind| other == kind || kind == Kind::Any;
        self.variables.iter().filter(|(_, other)| fits(*other)).map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn add(&mut self, name: &str, kind: Kind) {
        if !self.variables.iter().any(|(known, _)| known == name) {
            self.variables.push((name.to_owned(), kind));
        }
    }
}

/// What clauses are made from.
pub(super) struct Maker<'a> {
    pub(super) random: &'a mut Random,
    pub(super) fields: &'a [Field],
    pub(super) sources: &'a [(String, Source)],
    pub(super) heads: &'a [Head],
    pub(super) next_variable: usize,
}

impl Maker<'_> {
    fn fresh(&mut self) -> String {
        self.next_variable += 1;
        format!("?v{}", self.next_variable)
    }

    /// A variable of this kind: one in sight, or a new one that the scope then holds.
    fn variable(&mut self, scope: &mut Scope, kind: Kind, percent_known: u64) -> String {
        let known = scope.of_kind(kind);
        if !known.is_empty() && self.random.percent(percent_known) {
            return self.random.choose(&known).clone();
        }
        let name = self.fresh();
        scope.add(&name, kind);
        name
    }

    /// A literal of this kind; for an entity now and then its name or a lookup reference.
    pub(super) fn literal(&mut self, kind: Kind) -> String {
        if kind != Kind::Entity {
            return value(self.random, kind).to_string();
        }
        match self.random.below(8) {
            0 => self.random.choose(&[":one", ":two", ":nobody"]).to_string(),
            2 => format!("{}.0", self.random.entity()),
            1 => format!("[:{UNIQUE} {:?}]", self.random.choose(&["a", "b", "c", "nobody"])),
            _ => self.random.entity().to_string(),
        }
    }

    fn field(&mut self, kind: Kind) -> Option<Field> {
        let fits: Vec<&Field> = self.fields.iter().filter(|field| field.kind == kind || kind == Kind::Any).collect();
        if fits.is_empty() { None } else { Some((*self.random.choose(&fits)).clone()) }
    }

    /// The default source if it is no history: functions that ask for one value need that.
    fn has_present(&self) -> bool {
        matches!(&self.sources[0].1, Source::View(view) if !view.is_history)
    }

    /// A source, mostly the default: its name with a space, or nothing.
    fn source(&mut self) -> (String, bool) {
        let (name, source) = if self.random.percent(75) { &self.sources[0] } else { self.random.choose(self.sources) };
        let shown = if name == "$" { String::new() } else { format!("{name} ") };
        (shown, matches!(source, Source::Rows(_)))
    }

    /// A pattern, its new variables added to the scope.
    pub(super) fn pattern(&mut self, scope: &mut Scope) -> String {
        let (source, is_rows) = self.source();
        if is_rows {
            return self.row_pattern(scope, &source);
        }
        let entity = match self.random.below(12) {
            0 => self.literal(Kind::Entity),
            1 => "_".to_owned(),
            2 if !scope.of_kind(Kind::Long).is_empty() => self.random.choose(&scope.of_kind(Kind::Long)).clone(),
            _ => self.variable(scope, Kind::Entity, 80),
        };
        let field = self.field(Kind::Any).expect("a schema has attributes");
        let attribute = match self.random.below(20) {
            0 => "_".to_owned(),
            1 => self.variable(scope, Kind::Entity, 10),
            2 => ":unheard-of".to_owned(),
            _ => format!(":{}", field.ident),
        };
        let is_named = attribute.starts_with(":a") || attribute.starts_with(':') && attribute != ":unheard-of";
        let kind = if is_named { field.kind } else { Kind::Any };
        let mut places = vec![entity, attribute];
        if self.random.percent(85) {
            places.push(self.value_place(scope, kind, is_named));
            if self.random.percent(25) {
                self.late_places(scope, &mut places);
            }
        }
        format!("[{source}{}]", places.join(" "))
    }

    fn value_place(&mut self, scope: &mut Scope, kind: Kind, is_named: bool) -> String {
        match self.random.below(10) {
            0 | 1 if is_named => self.literal(kind),
            0 => self.random.choose(&[":one", ":x", ":y", "[:id \"a\"]", "2", "true"]).to_string(),
            2 => "_".to_owned(),
            3 if !scope.variables.is_empty() => self.random.choose(&scope.variables).0.clone(),
            _ if kind == Kind::Any => {
                let name = self.fresh();
                scope.add(&name, Kind::Any);
                name
            }
            _ => self.variable(scope, kind, 35),
        }
    }

    fn late_places(&mut self, scope: &mut Scope, places: &mut Vec<String>) {
        places.push(match self.random.below(4) {
            0 => self.random.between(1, 12).to_string(),
            1 => "_".to_owned(),
            _ => self.variable(scope, Kind::Long, 30),
        });
        if self.random.percent(50) {
            places.push(match self.random.below(4) {
                0 => self.literal(Kind::Entity),
                1 => "_".to_owned(),
                _ => self.variable(scope, Kind::Entity, 50),
            });
            if self.random.percent(60) {
                let literal = self.random.percent(40);
                places.push(if literal { self.literal(Kind::Boolean) } else { self.variable(scope, Kind::Boolean, 40) });
            }
        }
    }

    fn row_pattern(&mut self, scope: &mut Scope, source: &str) -> String {
        let mut places = Vec::new();
        for kind in [Kind::Entity, Kind::Long, Kind::String] {
            places.push(match self.random.below(5) {
                0 => "_".to_owned(),
                1 if kind != Kind::Entity => self.literal(kind),
                _ => self.variable(scope, kind, 60),
            });
        }
        places.truncate(self.random.between(1, 3) as usize);
        format!("[{source}{}]", places.join(" "))
    }

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
            Kind::String if self.random.percent(30) => format!("[(starts-with? {first} \"a\")]"),
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
        Some(match self.random.below(14) {
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
                let text = self.known(scope, Kind::String)?;
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
            13 if self.random.percent(20) => {
                let argument = long(self)?;
                format!("[(/ 6 {argument}) {}]", self.fresh())
            }
            _ => return None,
        })
    }

    /// Arithmetic on one or two numbers in sight or written; of longs alone it gives a long.
    fn arithmetic(&mut self, scope: &mut Scope) -> Option<String> {
        let is_number = |kind: Kind| matches!(kind, Kind::Long | Kind::Double);
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

    fn known(&mut self, scope: &Scope, kind: Kind) -> Option<String> {
        let known = scope.of_kind(kind);
        if known.is_empty() { None } else { Some(self.random.choose(&known).clone()) }
    }

    /// A call of a rule. An argument that must be bound is a literal or a variable in sight.
    pub(super) fn rule(&mut self, scope: &mut Scope) -> Option<String> {
        if self.heads.is_empty() {
            return None;
        }
        let head = self.random.choose(self.heads).clone();
        let mut args: Vec<String> = Vec::new();
        for (kind, is_required) in &head.args {
            args.push(match self.random.below(10) {
                0 => self.literal(*kind),
                1 if !is_required => "_".to_owned(),
                2 if !is_required && !args.is_empty() => args[0].clone(),
                _ if *is_required => self.known(scope, *kind)?,
                _ => self.variable(scope, *kind, 60),
            });
        }
        let source = if self.random.percent(15) { self.source() } else { (String::new(), false) };
        let source = if source.1 { String::new() } else { source.0 };
        Some(format!("({source}{} {})", head.name, args.join(" ")))
    }

    /// A clause of a branch that mentions the entity and the value, or the entity alone.
    fn branch_clause(&mut self, entity: &str, other: Option<&(String, Kind)>) -> Option<String> {
        match other {
            None => {
                let field = self.field(Kind::Any)?;
                let wanted = if self.random.percent(50) { "_".to_owned() } else { self.literal(field.kind) };
                Some(format!("[{entity} :{} {wanted}]", field.ident))
            }
            Some((name, kind)) => {
                let field = self.field(*kind)?;
                Some(format!("[{entity} :{} {name}]", field.ident))
            }
        }
    }

    /// A branch that binds exactly the entity and the value; `locals` are names that are free for its own use.
    fn branch(&mut self, entity: &str, other: Option<&(String, Kind)>, locals: &[String], depth: usize) -> Option<String> {
        let base = self.branch_clause(entity, other)?;
        let mut scope = Scope::default();
        scope.add(entity, Kind::Entity);
        if let Some((name, kind)) = other {
            scope.add(name, *kind);
        }
        let more = match self.random.below(7) {
            0 | 1 => self.predicate(&scope),
            2 if !locals.is_empty() => {
                let field = self.field(Kind::Any)?;
                Some(format!("[{entity} :{} {}]", field.ident, self.random.choose(locals)))
            }
            3 if depth > 0 => self.not(&scope, depth - 1),
            4 if depth > 0 => {
                let (left, right) = (self.branch_clause(entity, None)?, self.branch_clause(entity, None)?);
                Some(format!("(or {left} {right})"))
            }
            _ => None,
        };
        Some(more.map_or(base.clone(), |more| {
            if self.random.percent(50) { format!("(and {base} {more})") } else { format!("(and {more} {base})") }
        }))
    }

    /// An `or` or `or-join`. In the latter, names of outer variables are used for locals too.
    pub(super) fn alternatives(&mut self, scope: &mut Scope, depth: usize) -> Option<String> {
        let outer: Vec<String> = scope.variables.iter().map(|(name, _)| name.clone()).collect();
        let entity = self.variable(scope, Kind::Entity, 85);
        let kind = *self.random.choose(&[Kind::Entity, Kind::Long, Kind::String, Kind::Any]);
        let other = if self.random.percent(55) { Some((self.variable(scope, kind, 45), kind)) } else { None };
        let other = other.filter(|(name, _)| *name != entity);
        let count = self.random.between(1, 3);
        let is_join = self.random.percent(45);
        let mut locals: Vec<String> = Vec::new();
        if is_join {
            locals = outer
                .into_iter()
                .filter(|name| *name != entity && other.as_ref().is_none_or(|(known, _)| known != name))
                .collect();
            locals.push("?local".to_owned());
        }
        let mut branches = Vec::new();
        for _ in 0..count {
            branches.push(self.branch(&entity, other.as_ref(), &locals, depth)?);
        }
        let branches = branches.join(" ");
        let source = if self.random.percent(10) && !self.sources[0].0.is_empty() { self.source() } else { (String::new(), true) };
        let source = if source.1 { String::new() } else { source.0 };
        if !is_join {
            return Some(format!("({source}or {branches})"));
        }
        let mut border = other.as_ref().map_or(entity.clone(), |(name, _)| format!("{entity} {name}"));
        if self.random.percent(20) {
            border = border.replacen(&entity, &format!("[{entity}]"), 1);
        }
        Some(format!("({source}or-join [{border}] {branches})"))
    }

    /// A `not` or `not-join` that shares a variable in sight.
    pub(super) fn not(&mut self, scope: &Scope, depth: usize) -> Option<String> {
        let entity = self.known(scope, Kind::Entity)?;
        let mut inside = Scope::default();
        let is_join = self.random.percent(40);
        if is_join {
            inside.add(&entity, Kind::Entity);
        } else {
            inside.variables.clone_from(&scope.variables);
        }
        let field = self.field(Kind::Any)?;
        let place = match self.random.below(5) {
            0 => "_".to_owned(),
            1 => self.literal(field.kind),
            2 if is_join && !scope.variables.is_empty() => {
                let (name, _) = self.random.choose(&scope.variables).clone();
                inside.add(&name, field.kind);
                name
            }
            _ => self.variable(&mut inside, field.kind, 50),
        };
        let mut clauses = vec![format!("[{entity} :{} {place}]", field.ident)];
        if self.random.percent(30) {
            clauses.extend(self.predicate(&inside));
        }
        if self.random.percent(30) {
            let linked = self.known(&inside, Kind::Entity)?;
            clauses.extend(self.branch_clause(&linked, None));
        }
        if self.random.percent(20) {
            clauses.extend(self.rule(&mut inside));
        }
        if depth > 0 && self.random.percent(25) {
            clauses.extend(self.not(&inside, depth - 1));
        }
        self.random.shuffle(&mut clauses);
        let clauses = clauses.join(" ");
        Some(if is_join { format!("(not-join [{entity}] {clauses})") } else { format!("(not {clauses})") })
    }
}

/// A value as an input for a variable of this kind: an entity now and then by name or lookup reference.
pub(super) fn input(maker: &mut Maker<'_>, kind: Kind) -> Value {
    match (kind, maker.random.below(6)) {
        (Kind::Entity, 0) => Value::keyword(maker.random.choose::<&str>(&["one", "two", "nobody"])),
        (Kind::Entity, 1) => Value::vector([Value::keyword(UNIQUE), Value::from(*maker.random.choose(&["a", "b", "c"]))]),
        (Kind::Entity, _) => Value::Long(maker.random.entity()),
        _ => value(maker.random, kind),
    }
}
