//! Which rules call which, and in what order they can be computed: nothing is negated before it is complete.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::check::mention;
use crate::check::rulebook::Rulebook;
use crate::component::components;
use crate::error::{Code, Error, Result, Span};

/// The calls between rules; true for a call under a `not`.
pub(super) struct Graph<'q> {
    calls: BTreeMap<&'q str, BTreeSet<(&'q str, bool)>>,
    /// Rules that call each other have one number, and what they call beside has smaller ones.
    components: BTreeMap<&'q str, usize>,
    /// Where each rule stands.
    spans: BTreeMap<&'q str, Span>,
}

impl<'q> Graph<'q> {
    pub(super) fn of(book: &Rulebook<'q>) -> Self {
        let mut calls: BTreeMap<&str, BTreeSet<(&str, bool)>> = BTreeMap::new();
        let mut spans = BTreeMap::new();
        for rule in book.all() {
            calls.entry(&rule.name).or_default().extend(mention::rule_calls(&rule.clauses));
            spans.entry(&*rule.name).or_insert(rule.span);
        }
        let places: BTreeMap<&str, usize> = calls.keys().enumerate().map(|(at, name)| (*name, at)).collect();
        let leads_to: Vec<Vec<usize>> =
            calls.values().map(|called| called.iter().filter_map(|(name, _)| places.get(name).copied()).collect()).collect();
        let components = calls.keys().copied().zip(components(&leads_to)).collect();
        Self { calls, components, spans }
    }

    /// The names of all rules that these calls reach.
    pub(super) fn reached_from(&self, calls: Vec<(&'q str, bool)>) -> BTreeSet<&'q str> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&str> = calls.into_iter().map(|(name, _)| name).collect();
        while let Some(name) = open.pop() {
            if self.calls.contains_key(name) && found.insert(name) {
                open.extend(self.calls_of(name).map(|(called, _)| called));
            }
        }
        found
    }

    /// The names of the rules that call themselves, directly or through others.
    pub(super) fn recursive(&self) -> impl Iterator<Item = &'q str> {
        let mut members: BTreeMap<usize, usize> = BTreeMap::new();
        for component in self.components.values() {
            *members.entry(*component).or_default() += 1;
        }
        let calls_itself = |name: &str| self.calls_of(name).any(|(called, _)| called == name);
        self.components.iter().filter(move |(name, at)| members[*at] > 1 || calls_itself(name)).map(|(name, _)| *name)
    }

    /// The rules, a stratum at a time; an error if one negates itself.
    pub(super) fn strata(&self) -> Result<Vec<Vec<&'q str>>> {
        for (name, calls) in &self.calls {
            let is_on_cycle = |called: &str| self.components.get(called) == self.components.get(name);
            for (called, _) in calls.iter().filter(|(called, is_negated)| *is_negated && is_on_cycle(called)) {
                if let Some(path) = self.path(called, name) {
                    return Err(self.refuse(name, &path));
                }
            }
        }
        let mut members: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for (name, component) in &self.components {
            members.entry(*component).or_default().push(name);
        }
        // A component stands at least as high as what it calls, which comes before it, and higher than what it negates. No negation lies
        // on a cycle, so none is within a component.
        let mut levels: BTreeMap<usize, usize> = BTreeMap::new();
        for (component, names) in &members {
            let calls = names.iter().flat_map(|name| self.calls_of(name));
            let least = calls.filter_map(|(called, is_negated)| {
                let level = levels.get(self.components.get(called)?)?;
                Some(level + usize::from(is_negated))
            });
            levels.insert(*component, least.max().unwrap_or(0));
        }
        let mut strata = vec![Vec::new(); levels.values().max().map_or(0, |highest| highest + 1)];
        for (name, component) in &self.components {
            strata[levels[component]].push(*name);
        }
        Ok(strata)
    }

    fn calls_of(&self, name: &str) -> impl Iterator<Item = (&'q str, bool)> {
        self.calls.get(name).into_iter().flatten().copied()
    }

    /// The shortest way of calls from one rule to another, both named; each with whether it is negated where it is called.
    fn path(&self, from: &'q str, to: &str) -> Option<Vec<(&'q str, bool)>> {
        // The caller of each rule reached so far.
        let mut callers: BTreeMap<&str, Option<(&str, bool)>> = BTreeMap::from([(from, None)]);
        let mut open = VecDeque::from([from]);
        while let Some(name) = open.pop_front() {
            if name == to {
                let mut path = Vec::new();
                let mut last = name;
                while let Some(Some((caller, is_negated))) = callers.get(last) {
                    path.push((last, *is_negated));
                    last = caller;
                }
                path.push((from, true));
                path.reverse();
                return Some(path);
            }
            for (called, is_negated) in self.calls_of(name) {
                if !callers.contains_key(called) {
                    callers.insert(called, Some((name, is_negated)));
                    open.push_back(called);
                }
            }
        }
        None
    }

    fn refuse(&self, name: &str, path: &[(&str, bool)]) -> Error {
        let steps =
            path.iter().map(|(called, is_negated)| if *is_negated { format!("not {called}") } else { (*called).to_owned() });
        let cycle = std::iter::once(name.to_owned()).chain(steps).collect::<Vec<_>>().join(" -> ");
        Error::new(Code::UnstratifiedRule, format!("the rule `{name}` depends on its own negation: {cycle}"))
            .at(self.spans.get(name).copied().unwrap_or_default())
            .with_value(name)
            .with_help("take the `not` out of the cycle: negate a rule that does not call this one back")
    }
}
