//! Which rules call each other: rules on one cycle form a component and are computed together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ast::{Clause, RuleSet};

/// The component of each rule.
#[derive(Debug, Default)]
pub(crate) struct Dependencies {
    reached: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
}

impl Dependencies {
    /// Of these rules.
    pub(crate) fn of(rules: &RuleSet) -> Self {
        let mut direct: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
        for rule in &rules.rules {
            let called = direct.entry(Arc::clone(&rule.name)).or_default();
            rule.clauses.iter().for_each(|clause| collect(clause, called));
        }
        let reached = direct.keys().map(|name| (Arc::clone(name), reach(name, &direct))).collect();
        Self { reached }
    }

    /// True if the rule calls itself, over others or not.
    pub(crate) fn is_recursive(&self, name: &str) -> bool {
        self.reached.get(name).is_some_and(|reached| reached.contains(name))
    }

    /// The number of the rule's component.
    pub(crate) fn component(&self, name: &str) -> usize {
        let partners = |other: &str| {
            let reaches = |a: &str, b: &str| self.reached.get(a).is_some_and(|reached| reached.contains(b));
            other == name || (reaches(name, other) && reaches(other, name))
        };
        self.reached.keys().position(|other| partners(other)).unwrap_or(self.reached.len())
    }
}

fn reach(name: &Arc<str>, direct: &BTreeMap<Arc<str>, BTreeSet<Arc<str>>>) -> BTreeSet<Arc<str>> {
    let mut found = BTreeSet::new();
    let mut open = vec![name];
    while let Some(next) = open.pop() {
        for called in direct.get(next).into_iter().flatten() {
            if found.insert(Arc::clone(called)) {
                open.push(called);
            }
        }
    }
    found
}

fn collect(clause: &Clause, called: &mut BTreeSet<Arc<str>>) {
    match clause {
        Clause::Rule { name, .. } => {
            called.insert(Arc::clone(name));
        }
        Clause::And(clauses, _)
        | Clause::Or { branches: clauses, .. }
        | Clause::OrJoin { branches: clauses, .. }
        | Clause::Not { clauses, .. }
        | Clause::NotJoin { clauses, .. } => clauses.iter().for_each(|clause| collect(clause, called)),
        Clause::Pattern { .. } | Clause::Predicate { .. } | Clause::Function { .. } => {}
    }
}
