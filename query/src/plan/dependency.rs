//! Which rules call each other: rules on one cycle form a component and are computed together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ast::{Clause, RuleSet};
use crate::component::components;

/// The component of each rule.
#[derive(Debug, Default)]
pub(crate) struct Dependencies {
    rules: BTreeMap<Arc<str>, Member>,
}

#[derive(Debug)]
struct Member {
    /// The place, in the order of names, of the first rule of its component.
    component: usize,
    is_recursive: bool,
}

impl Dependencies {
    /// Of these rules.
    pub(crate) fn of(rules: &RuleSet) -> Self {
        let mut direct: BTreeMap<&Arc<str>, BTreeSet<&Arc<str>>> = BTreeMap::new();
        for rule in &rules.rules {
            let called = direct.entry(&rule.name).or_default();
            rule.clauses.iter().for_each(|clause| collect(clause, called));
        }
        let places = direct.keys().enumerate().map(|(at, name)| (*name, at)).collect::<BTreeMap<_, _>>();
        let place = |name: &&Arc<str>| places.get(name).copied();
        let calls = direct.values().map(|called| called.iter().filter_map(place).collect::<Vec<_>>()).collect::<Vec<_>>();
        let found = components(&calls);
        // Of each component: the first rule, and how many there are.
        let mut members: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for (at, component) in found.iter().enumerate() {
            members.entry(*component).or_insert((at, 0)).1 += 1;
        }
        let member = |(at, name): (usize, &&Arc<str>)| {
            let (component, count) = members[&found[at]];
            (Arc::clone(name), Member { component, is_recursive: count > 1 || calls[at].contains(&at) })
        };
        Self { rules: direct.keys().enumerate().map(member).collect() }
    }

    /// True if the rule calls itself, over others or not.
    pub(crate) fn is_recursive(&self, name: &str) -> bool {
        self.rules.get(name).is_some_and(|rule| rule.is_recursive)
    }

    /// The number of the rule's component.
    pub(crate) fn component(&self, name: &str) -> usize {
        self.rules.get(name).map_or(self.rules.len(), |rule| rule.component)
    }
}

fn collect<'q>(clause: &'q Clause, called: &mut BTreeSet<&'q Arc<str>>) {
    match clause {
        Clause::Rule { name, .. } => {
            called.insert(name);
        }
        Clause::And(clauses, _)
        | Clause::Or { branches: clauses, .. }
        | Clause::OrJoin { branches: clauses, .. }
        | Clause::Not { clauses, .. }
        | Clause::NotJoin { clauses, .. } => clauses.iter().for_each(|clause| collect(clause, called)),
        Clause::Pattern { .. } | Clause::Predicate { .. } | Clause::Function { .. } => {}
    }
}
