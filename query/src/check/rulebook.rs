//! The rules by name. Rules of one name are one rule with several bodies, so their heads must agree.

use std::collections::{BTreeMap, BTreeSet};

use crate::ast::{Argument, Clause, Rule, RuleSet, SourceName};
use crate::check::mention::{self, Names};
use crate::error::{Code, Error, Result};

/// All rules, by name.
#[derive(Debug)]
pub(super) struct Rulebook<'q> {
    by_name: BTreeMap<&'q str, Vec<&'q Rule>>,
    default_users: BTreeSet<&'q str>,
}

impl<'q> Rulebook<'q> {
    /// Collects the rules, whose heads must agree.
    pub(super) fn of(rules: &'q RuleSet) -> Result<Self> {
        let mut by_name: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
        for rule in &rules.rules {
            let bodies = by_name.entry(&rule.name).or_default();
            if let Some(first) = bodies.first() {
                check_heads(first, rule)?;
            }
            check_head_is_used(rule)?;
            bodies.push(rule);
        }
        Ok(Self { by_name, default_users: default_users(&rules.rules) })
    }

    /// The bodies of a rule; none if there is no such rule.
    pub(super) fn bodies(&self, name: &str) -> &[&'q Rule] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// How many arguments a rule takes.
    pub(super) fn arity(&self, name: &str) -> Option<usize> {
        self.bodies(name).first().map(|rule| rule.head.variables().count())
    }

    /// Every rule's name.
    pub(super) fn names(&self) -> impl Iterator<Item = &'q str> {
        self.by_name.keys().copied()
    }

    /// The names of the rules that look in the source on which they are called.
    pub(super) fn default_users(&self) -> &BTreeSet<&'q str> {
        &self.default_users
    }

    /// Every rule, those of one name together.
    pub(super) fn all(&self) -> impl Iterator<Item = &'q Rule> {
        self.by_name.values().flatten().copied()
    }
}

fn check_heads(first: &Rule, other: &Rule) -> Result<()> {
    let (arity, other_arity) = (first.head.variables().count(), other.head.variables().count());
    let (required, other_required) = (first.head.required.len(), other.head.required.len());
    let message = if arity != other_arity {
        format!("the rule `{}` has a head with {arity} variables and one with {other_arity}", first.name)
    } else if required != other_required {
        format!("the rule `{}` has a head with {required} required variables and one with {other_required}", first.name)
    } else {
        return Ok(());
    };
    Err(Error::new(Code::Arity, message)
        .at(other.span)
        .with_value(&other.name)
        .with_help("give all heads of a rule the same variables, or the rules different names"))
}

fn check_head_is_used(rule: &Rule) -> Result<()> {
    let mentioned: Names<'_> = mention::flat(&rule.clauses).into_iter().flat_map(mention::of).collect();
    match rule.head.free.iter().find(|(variable, _)| !mentioned.contains(variable)) {
        None => Ok(()),
        Some((variable, span)) => Err(Error::new(
            Code::UnboundVariable,
            format!("no clause of the rule `{}` mentions `{variable}` of its head", rule.name),
        )
        .at(*span)
        .with_value(variable)
        .with_help("add a clause that binds it, remove it from the head, or list it as required: (rule [?required] ?free)")),
    }
}

/// The rules that look in the source on which they are called, themselves or through rules that they call.
fn default_users(rules: &[Rule]) -> BTreeSet<&str> {
    let mut callers: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
    for rule in rules {
        for (called, _) in mention::rule_calls(&rule.clauses) {
            callers.entry(called).or_default().push(rule);
        }
    }
    let mut users = BTreeSet::new();
    let mut open = rules.iter().collect::<Vec<_>>();
    while let Some(rule) = open.pop() {
        if !users.contains(&*rule.name) && rule.clauses.iter().any(|clause| looks_in_default(clause, &users)) {
            users.insert(&*rule.name);
            open.extend(callers.get(&*rule.name).into_iter().flatten());
        }
    }
    users
}

fn looks_in_default(clause: &Clause, users: &BTreeSet<&str>) -> bool {
    let is_default = |name: &SourceName| *name == SourceName::default();
    match clause {
        Clause::Pattern { source, .. } => is_default(source),
        Clause::Predicate { call, .. } | Clause::Function { call, .. } => {
            call.args.iter().any(|argument| matches!(argument, Argument::Source(name, _) if is_default(name)))
        }
        Clause::And(clauses, _) => mention::flat(clauses).into_iter().any(|clause| looks_in_default(clause, users)),
        Clause::Or { branches: clauses, .. }
        | Clause::OrJoin { branches: clauses, .. }
        | Clause::Not { clauses, .. }
        | Clause::NotJoin { clauses, .. } => clauses.iter().any(|clause| looks_in_default(clause, users)),
        Clause::Rule { source, name, .. } => source.as_ref().is_none_or(is_default) && users.contains(&**name),
    }
}
