//! Random patterns, and what all random clauses are made from.

use super::history::{FIELDS, Field, Kind, Width, literal};
use super::{Program, Random};

/// The variables in sight, with what they hold.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub variables: Vec<(String, Kind)>,
}

impl Scope {
    pub fn of_kind(&self, kind: Kind) -> Vec<String> {
        let fits = |other: Kind| {
            other == kind || kind == Kind::Any || (kind == Kind::Number && matches!(other, Kind::Long | Kind::Double))
        };
        self.variables.iter().filter(|(_, other)| fits(*other)).map(|(name, _)| name.clone()).collect()
    }

    pub fn add(&mut self, name: &str, kind: Kind) {
        if !self.variables.iter().any(|(known, _)| known == name) {
            self.variables.push((name.to_owned(), kind));
        }
    }
}

/// Makes clauses, and notes in the program what it used.
pub struct Maker<'a> {
    pub random: &'a mut Random,
    pub program: &'a mut Program,
    pub heads: Vec<super::rule::Head>,
    pub next_variable: usize,
    /// What the engine understands.
    pub width: Width,
}

impl Maker<'_> {
    pub fn fresh(&mut self) -> String {
        self.next_variable += 1;
        format!("?v{}", self.next_variable)
    }

    /// A variable of this kind: one in sight, or a new one that the scope then holds.
    pub fn variable(&mut self, scope: &mut Scope, kind: Kind, percent_known: usize) -> String {
        let known = scope.of_kind(kind);
        if !known.is_empty() && self.random.percent(percent_known) {
            return self.random.choose(&known).clone();
        }
        let name = self.fresh();
        scope.add(&name, kind);
        name
    }

    pub fn known(&mut self, scope: &Scope, kind: Kind) -> Option<String> {
        let known = scope.of_kind(kind);
        if known.is_empty() { None } else { Some(self.random.choose(&known).clone()) }
    }

    /// An attribute of some kind.
    pub fn field(&mut self, kind: Kind) -> Field {
        let fits: Vec<Field> = FIELDS.into_iter().filter(|field| kind == Kind::Any || field.kind == kind).collect();
        let field = *self.random.choose(&fits);
        if !self.width.is_typed || field.kind != Kind::Number {
            return field;
        }
        if self.random.percent(5) {
            self.program.note("mixed-numbers");
            return field;
        }
        field.typed()
    }

    pub fn literal(&mut self, kind: Kind) -> String {
        literal(self.random, kind)
    }

    /// An entity as it may stand first in a pattern: a variable, an id or a lookup reference.
    fn first_place(&mut self, scope: &mut Scope) -> String {
        match self.random.below(20) {
            0 => self.literal(Kind::Entity),
            1 => self.lookup(),
            2 => "_".to_owned(),
            _ => self.variable(scope, Kind::Entity, 75),
        }
    }

    /// A lookup reference, now and then to nobody.
    pub fn lookup(&mut self) -> String {
        self.program.note("lookup");
        let number = if self.random.percent(4) { 7 } else { self.random.between(1, 6) };
        format!("[@code \"k{number}\"]")
    }

    /// A pattern on some attribute.
    pub fn pattern(&mut self, scope: &mut Scope) -> String {
        let field = self.field(Kind::Any);
        let entity = self.first_place(scope);
        let value = match self.random.below(20) {
            0..3 => self.literal(field.kind),
            3 => "_".to_owned(),
            4 if field.kind == Kind::Entity => self.lookup(),
            5 => String::new(),
            _ => self.variable(scope, field.kind, 30),
        };
        if entity == value && entity.starts_with('?') {
            self.program.note("repeated");
        }
        let time = if self.width.transactions > 1 && !value.is_empty() { self.time(scope) } else { String::new() };
        format!("[{entity} @{} {value}{time}]", field.name).replace(" ]", "]")
    }

    /// The places of a pattern for the transaction, and for whether it added the fact.
    fn time(&mut self, scope: &mut Scope) -> String {
        let transaction = match self.random.below(6) {
            0..3 => self.variable(scope, Kind::Transaction, 40),
            3 => "_".to_owned(),
            _ => return String::new(),
        };
        match self.random.below(4) {
            0 => format!(" {transaction} ^{}", self.variable(scope, Kind::Boolean, 30)),
            1 => format!(" {transaction} ^{}", self.literal(Kind::Boolean)),
            _ => format!(" {transaction}"),
        }
    }

    /// Any clause that fits what is bound; nested ones only down to `depth`.
    pub fn clause(&mut self, scope: &mut Scope, depth: usize) -> String {
        for _ in 0..10 {
            let made = match self.random.below(24) {
                0..9 => Some(self.pattern(scope)),
                9..12 => self.predicate(scope),
                12..15 => self.function(scope),
                15..17 if depth > 0 => self.not(scope, depth - 1),
                17..20 if depth > 0 => Some(self.alternatives(scope, depth - 1)),
                20..24 if depth > 0 => self.call(scope),
                _ => None,
            };
            if let Some(clause) = made {
                return clause;
            }
        }
        self.pattern(scope)
    }
}
