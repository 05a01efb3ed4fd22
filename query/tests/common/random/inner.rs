//! Random queries inside a query.

use super::Source;
use super::clause::{Maker, Scope};

impl Maker<'_> {
    /// A call of `q` with what it gives taken apart. Its rows come in no order, so nothing is asked that shows one.
    pub(super) fn inner_query(&mut self, scope: &mut Scope) -> Option<String> {
        let mut inner = Scope::default();
        let mut places: Vec<String> = self.sources.iter().map(|(name, _)| name.clone()).collect();
        let mut passed = places.clone();
        self.exchange_sources(&mut passed);
        if !self.heads.is_empty() {
            places.push("%".to_owned());
            passed.push("%".to_owned());
        }
        for _ in 0..self.random.below(3) {
            let (place, argument) = self.passed(scope, &mut inner);
            places.push(place);
            passed.push(argument);
        }
        let mut clauses = vec![self.pattern(&mut inner)];
        for _ in 0..self.random.below(4) {
            clauses.extend(match self.random.below(6) {
                0 | 1 => Some(self.pattern(&mut inner)),
                2 => self.rule(&mut inner),
                3 => self.predicate(&inner),
                4 => self.alternatives(&mut inner, 1),
                _ => self.not(&inner, 1),
            });
        }
        self.random.shuffle(&mut clauses);
        let (find, binding) = self.inner_find(&inner, scope)?;
        let query = format!("[:find {find} :in {} :where {}]", places.join(" "), clauses.join(" "));
        Some(format!("[(q {query} {}) {binding}]", passed.join(" ")))
    }

    /// Now and then another view for the default source, if neither shows history.
    fn exchange_sources(&mut self, passed: &mut [String]) {
        let is_present = |source: &Source| matches!(source, Source::View(_, view) if !view.is_history);
        let other = self.sources.iter().skip(1).find(|(_, source)| is_present(source)).map(|(name, _)| name.clone());
        if let Some(other) = other.filter(|_| self.has_present() && self.random.percent(30)) {
            passed[0] = other;
        }
    }

    /// A place of `:in`, and what is passed for it. The name inside may be that of another variable outside.
    fn passed(&mut self, scope: &Scope, inner: &mut Scope) -> (String, String) {
        let (argument, kind) = self.random.choose(&scope.variables).clone();
        let taken = |name: &String| inner.variables.iter().any(|(known, _)| known == name);
        let outer = self.random.choose(&scope.variables).0.clone();
        let name = if self.random.percent(40) && !taken(&outer) { outer } else { self.fresh() };
        inner.add(&name, kind);
        match self.random.below(5) {
            0 => {
                let literals: Vec<String> = (0..self.random.below(4)).map(|_| self.literal(kind)).collect();
                (format!("[{name} ...]"), format!("[{}]", literals.join(" ")))
            }
            1 => (name, self.literal(kind)),
            _ => (name, argument),
        }
    }

    /// What is asked for inside, and the form that takes it apart outside.
    fn inner_find(&mut self, inner: &Scope, scope: &mut Scope) -> Option<(String, String)> {
        let (first, kind) = if inner.variables.is_empty() { return None } else { self.random.choose(&inner.variables).clone() };
        let (second, second_kind) = self.random.choose(&inner.variables).clone();
        let (aggregate, aggregate_kind) = self.aggregated(&second, second_kind);
        Some(match self.random.below(8) {
            0 | 1 => (format!("{aggregate} ."), self.variable(scope, aggregate_kind, 25)),
            2 => (format!("(count {first}) ."), String::new()),
            3 => (format!("[{first} ...]"), format!("[{} ...]", self.variable(scope, kind, 40))),
            4 => {
                let (one, two) = (self.variable(scope, kind, 50), self.variable(scope, aggregate_kind, 25));
                (format!("{first} {aggregate}"), format!("[[{one} {two}]]"))
            }
            5 => {
                let one = self.variable(scope, kind, 50);
                (format!("[{first} ...] :order-by {first} :limit 2"), format!("[{one} ...]"))
            }
            _ => {
                let one = self.variable(scope, kind, 50);
                let two = if self.random.percent(70) { self.variable(scope, second_kind, 30) } else { "_".to_owned() };
                (format!("{first} {second}"), format!("[[{one} {two}]]"))
            }
        })
    }
}
