//! What random clauses are made from. What a variable holds is remembered, so that most clauses make sense and joins hit.

use annals_query::{Value, edn};

use super::history::{Field, value};
use super::rule::Head;
use super::setting::Setting;
use super::{Kind, Random, Source};

/// The variables in sight.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) variables: Vec<(String, Kind)>,
}

impl Scope {
    pub(super) fn of_kind(&self, kind: Kind) -> Vec<String> {
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
    pub(super) setting: &'a Setting,
    pub(super) sources: &'a [(String, Source)],
    pub(super) heads: &'a [Head],
    pub(super) next_variable: usize,
}

impl Maker<'_> {
    pub(super) fn fresh(&mut self) -> String {
        self.next_variable += 1;
        format!("?v{}", self.next_variable)
    }

    /// A variable of this kind: one in sight, or a new one that the scope then holds.
    pub(super) fn variable(&mut self, scope: &mut Scope, kind: Kind, percent_known: u64) -> String {
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
        if kind == Kind::Long && self.random.percent(15) {
            // The same number of another kind.
            let n = self.random.between(-1, 5);
            return match self.random.below(3) {
                0 => format!("{n}.0"),
                1 => format!("{n}N"),
                _ => format!("{n}.0M"),
            };
        }
        if kind != Kind::Entity {
            return value(self.random, kind).to_string();
        }
        match self.random.below(8) {
            0 => self.random.choose(&self.setting.names).clone(),
            1 => self.random.choose(&self.setting.lookups).clone(),
            2 => format!("{}.0", self.random.entity()),
            _ => self.random.entity().to_string(),
        }
    }

    pub(super) fn field(&mut self, kind: Kind) -> Option<Field> {
        let fits: Vec<&Field> = self.setting.fields.iter().filter(|field| field.kind == kind || kind == Kind::Any).collect();
        if fits.is_empty() { None } else { Some((*self.random.choose(&fits)).clone()) }
    }

    /// The default source if it is no history: functions that ask for one value need that.
    pub(super) fn has_present(&self) -> bool {
        matches!(&self.sources[0].1, Source::View(_, view) if !view.is_history)
    }

    /// A source, mostly the default: its name with a space, or nothing.
    pub(super) fn source(&mut self) -> (String, bool) {
        let (name, source) = if self.random.percent(75) { &self.sources[0] } else { self.random.choose(self.sources) };
        let shown = if name == "$" { String::new() } else { format!("{name} ") };
        (shown, matches!(source, Source::Rows(_)))
    }

    pub(super) fn known(&mut self, scope: &Scope, kind: Kind) -> Option<String> {
        let known = scope.of_kind(kind);
        if known.is_empty() { None } else { Some(self.random.choose(&known).clone()) }
    }
}

/// A value as an input for a variable of this kind: an entity now and then by name or lookup reference.
pub(super) fn input(maker: &mut Maker<'_>, kind: Kind) -> Value {
    let read = |text: &str| edn::read(text).expect("a name or reference as written");
    match (kind, maker.random.below(6)) {
        (Kind::Entity, 0) => read(maker.random.choose(&maker.setting.names).as_str()),
        (Kind::Entity, 1) => read(maker.random.choose(&maker.setting.lookups).as_str()),
        (Kind::Entity, _) => Value::Long(maker.random.entity()),
        _ => value(maker.random, kind),
    }
}
