//! What is bound, in one way in which everything so far holds.

use std::collections::BTreeMap;
use std::ops::Index;
use std::sync::Arc;

use annals_query::Value;
use annals_query::ast::Variable;

/// Which variable has which value. They are few, so they lie side by side, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    bindings: Vec<(Variable, Value)>,
}

impl Environment {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn get(&self, variable: &Variable) -> Option<&Value> {
        let is_it = |(own, _): &&(Variable, Value)| Arc::ptr_eq(&own.0, &variable.0) || own == variable;
        self.bindings.iter().find(is_it).map(|(_, value)| value)
    }

    pub(super) fn contains_key(&self, variable: &Variable) -> bool {
        self.get(variable).is_some()
    }

    pub(super) fn insert(&mut self, variable: Variable, value: Value) {
        match self.bindings.binary_search_by(|(own, _)| own.cmp(&variable)) {
            Ok(place) => self.bindings[place].1 = value,
            Err(place) => self.bindings.insert(place, (variable, value)),
        }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Variable> {
        self.bindings.iter().map(|(variable, _)| variable)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Variable, &Value)> {
        self.bindings.iter().map(|(variable, value)| (variable, value))
    }

    /// Binds a variable, or tests it if it is bound. Of two kinds of number that are the same, the lesser in the exact order stays.
    pub(super) fn bind(&mut self, variable: &Variable, value: &Value) -> bool {
        match self.get(variable) {
            Some(old) if !old.same(value) => false,
            Some(old) if old <= value => true,
            _ => {
                self.insert(variable.clone(), value.clone());
                true
            }
        }
    }
}

impl Index<&Variable> for Environment {
    type Output = Value;

    fn index(&self, variable: &Variable) -> &Value {
        self.get(variable).unwrap_or_else(|| panic!("{variable} is not bound in {self:?}"))
    }
}

impl FromIterator<(Variable, Value)> for Environment {
    fn from_iter<I: IntoIterator<Item = (Variable, Value)>>(bindings: I) -> Self {
        let mut environment = Self::new();
        for (variable, value) in bindings {
            environment.insert(variable, value);
        }
        environment
    }
}

/// Each environment once, by the meaning of its values. All of them bind the same variables, but for the mark of a failure.
pub(super) fn distinct(environments: Vec<Environment>) -> Vec<Environment> {
    let mut seen: BTreeMap<Vec<Value>, Environment> = BTreeMap::new();
    for environment in environments {
        let key = environment.bindings.iter().map(|(_, value)| value.canonical()).collect();
        match seen.get_mut(&key) {
            None => drop(seen.insert(key, environment)),
            Some(known) => {
                assert!(known.keys().eq(environment.keys()), "one binds what another does not: {known:?} {environment:?}");
                for (variable, value) in environment.iter() {
                    let agrees = known.bind(variable, value);
                    assert!(agrees, "environments with the same key have the same values: {variable:?} {value:?} {known:?}");
                }
            }
        }
    }
    seen.into_values().collect()
}
