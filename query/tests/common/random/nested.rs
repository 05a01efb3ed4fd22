//! Random `or`, `or-join`, `not` and `not-join`.

use super::Kind;
use super::clause::{Maker, Scope};

impl Maker<'_> {
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
        let more = match self.random.below(11) {
            0 | 1 => self.predicate(&scope),
            5 => {
                // What a function gives is used in the branch alone.
                let argument = self.random.choose(&scope.variables).0.clone();
                let local = self.fresh();
                let other = self.random.choose(&scope.variables).0.clone();
                let test = self.random.choose(&["!=", "="]).to_string();
                Some(format!("[(identity {argument}) {local}] [({test} {local} {other})]"))
            }
            6 => {
                let head = self.heads.iter().find(|head| head.args.len() == 1 && !head.args[0].1);
                head.map(|head| format!("({} {entity})", head.name))
            }
            7 if depth > 0 && self.has_present() => Some(format!("[(missing? $ {entity} :{})]", self.field(Kind::Any)?.ident)),
            8 if depth > 0 => {
                // One more border, behind which an outer name means something else.
                let inner = self.branch_clause(entity, None)?;
                let (field, local) = (self.field(Kind::Entity)?, locals.first().cloned().unwrap_or_else(|| "?deep".to_owned()));
                Some(format!(
                    "(or-join [{entity}] {inner} (and [{local} :{} {entity}] (not [{local} :{} _])))",
                    field.ident, field.ident
                ))
            }
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
