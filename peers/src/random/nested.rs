//! Random `not`, `not-join`, `or`, `or-join` and calls of rules.

use super::clause::{Maker, Scope};
use super::history::Kind;

impl Maker<'_> {
    /// A `not` or `not-join` that shares at least one variable with what is in sight.
    pub fn not(&mut self, scope: &Scope, depth: usize) -> Option<String> {
        let shared = self.known(scope, Kind::Entity)?;
        let is_join = self.random.percent(35);
        let mut inner = scope.clone();
        if is_join {
            inner.variables.retain(|(name, _)| *name == shared);
        }
        let field = self.field(Kind::Any);
        let value = match self.random.below(4) {
            0 => self.literal(field.kind),
            1 => self.variable(&mut inner, field.kind, 60),
            // A local of a not-join may carry the name of an outer variable.
            2 if is_join => self.known(scope, Kind::Any).filter(|name| *name != shared).unwrap_or_else(|| self.fresh()),
            _ => self.fresh(),
        };
        inner.add(&value, field.kind);
        inner.variables.retain(|(name, _)| name.starts_with('?'));
        let mut clauses = vec![format!("[{shared} @{} {value}]", field.name)];
        if self.random.percent(40) {
            clauses.push(self.clause(&mut inner, depth.min(1)));
        }
        if !is_join {
            return Some(format!("(not {})", clauses.join(" ")));
        }
        self.program.note("not-join");
        Some(format!("(not-join [{shared}] {})", clauses.join(" ")))
    }

    /// An `or` or `or-join` whose branches bind the same variables.
    pub fn alternatives(&mut self, scope: &mut Scope, depth: usize) -> String {
        let outer = scope.clone();
        let entity = self.variable(scope, Kind::Entity, 85);
        let kind = *self.random.choose(&[Kind::Entity, Kind::Long, Kind::Text, Kind::Double, Kind::Boolean]);
        let value = self.random.percent(55).then(|| self.variable(scope, kind, 45)).filter(|name| *name != entity);
        let is_join = self.random.percent(45);
        let mut branches = Vec::new();
        for _ in 0..self.random.between(2, 3) {
            branches.push(self.branch(&entity, value.as_deref(), kind, is_join.then_some(&outer), depth));
        }
        let branches = branches.join(" ");
        if !is_join {
            return format!("(or {branches})");
        }
        self.program.note("or-join");
        let is_bound = outer.variables.iter().any(|(name, _)| *name == entity);
        let border = match value {
            None => entity,
            Some(value) if is_bound && self.random.percent(20) => format!("[{entity}] {value}"),
            Some(value) => format!("{entity} {value}"),
        };
        format!("(or-join [{border}] {branches})")
    }

    /// A branch over the entity and the value; in an `or-join` with locals, some of them named like outer variables.
    fn branch(&mut self, entity: &str, value: Option<&str>, kind: Kind, outer: Option<&Scope>, depth: usize) -> String {
        let mut scope = Scope::default();
        scope.add(entity, Kind::Entity);
        let base = if let Some(value) = value {
            scope.add(value, kind);
            format!("[{entity} @{} {value}]", self.field(kind).name)
        } else {
            let field = self.field(Kind::Any);
            let wanted = if self.random.percent(50) { "_".to_owned() } else { self.literal(field.kind) };
            format!("[{entity} @{} {wanted}]", field.name)
        };
        let more = match self.random.below(12) {
            0..4 => self.predicate(&scope),
            4..6 => outer.map(|outer| self.local(entity, value, outer)),
            6 if depth > 0 => self.not(&scope, 0),
            _ => None,
        };
        more.map_or(base.clone(), |more| format!("(and {base} {more})"))
    }

    /// A pattern whose value is a local of an `or-join`.
    fn local(&mut self, entity: &str, value: Option<&str>, outer: &Scope) -> String {
        let mut names: Vec<String> = outer.variables.iter().map(|(name, _)| name.clone()).collect();
        names.retain(|name| name != entity && Some(name.as_str()) != value);
        names.push("?local".to_owned());
        let (field, local) = (self.field(Kind::Any), self.random.choose(&names).clone());
        if local != "?local" {
            self.program.note("shadowed");
        }
        format!("[{entity} @{} {local}]", field.name)
    }

    /// A call of a rule: variables, constants, `_` and repeated variables as arguments.
    pub fn call(&mut self, scope: &mut Scope) -> Option<String> {
        if self.heads.is_empty() {
            return None;
        }
        let head = self.random.choose(&self.heads).clone();
        self.program.note("rule");
        let mut args: Vec<String> = Vec::new();
        for (kind, must_be_bound) in head.args {
            let arg = match self.random.below(20) {
                0..2 => self.literal(kind),
                2 if !must_be_bound => "_".to_owned(),
                3 if !args.is_empty() && args[0].starts_with('?') && kind == Kind::Entity => args[0].clone(),
                _ if must_be_bound => self.known(scope, kind)?,
                _ => self.variable(scope, kind, 55),
            };
            args.push(arg);
        }
        if args.iter().any(|arg| arg == "_") {
            self.program.note("blank-argument");
        }
        Some(format!("({} {})", head.name, args.join(" ")))
    }
}
