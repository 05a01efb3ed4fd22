//! Random patterns and calls of rules.

use annals_query::Facts as _;

use super::Kind;
use super::clause::{Maker, Scope};

impl Maker<'_> {
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
            3 => self.attribute_id(&field.ident),
            _ => format!(":{}", field.ident),
        };
        let is_named = !attribute.starts_with(['_', '?']) && attribute != ":unheard-of";
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

    /// The id of an attribute, as a number; its name where the default world has none.
    fn attribute_id(&self, ident: &str) -> String {
        let known = self.setting.worlds[0].attribute(ident);
        known.map_or_else(|| format!(":{ident}"), |attribute| attribute.id.to_string())
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
}
