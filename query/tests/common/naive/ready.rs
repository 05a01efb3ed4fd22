//! When a clause can be taken, and what is bound afterwards.

use std::sync::Arc;

use annals_query::ast::{Clause, Term};

use super::{Naive, Variables, variables};

impl Naive {
    /// What is bound after a clause; None if it must wait. `around` is what the clause can share with its surroundings.
    pub(super) fn after(&self, clause: &Clause, bound: &Variables, around: &Variables) -> Option<Variables> {
        let with = |more: Variables| Some(bound.union(&more).cloned().collect::<Variables>());
        match clause {
            Clause::Pattern { .. } => with(variables::of(clause)),
            Clause::Predicate { call, .. } => variables::of_call(call).is_subset(bound).then(|| bound.clone()),
            Clause::Function { call, .. } if variables::of_call(call).is_subset(bound) => with(variables::of(clause)),
            Clause::Function { .. } => None,
            Clause::And(clauses, _) => self.after_every(&variables::flat(clauses), bound, around),
            Clause::Or { branches, .. } => {
                let mut common: Option<Variables> = None;
                for branch in branches {
                    let branch = self.after_every(&variables::flat(std::slice::from_ref(branch)), bound, around)?;
                    common = Some(common.map_or(branch.clone(), |common| common.intersection(&branch).cloned().collect()));
                }
                common
            }
            Clause::OrJoin { border, branches, .. } => {
                let crossing: Variables = border.variables().cloned().collect();
                let given: Variables = crossing.intersection(bound).cloned().collect();
                let runs = border.required.iter().all(|(variable, _)| bound.contains(variable))
                    && branches.iter().all(|branch| {
                        let after = self.after_every(&variables::flat(std::slice::from_ref(branch)), &given, &crossing);
                        after.is_some_and(|after| crossing.is_subset(&after))
                    });
                if runs { with(crossing) } else { None }
            }
            Clause::Not { clauses, .. } => {
                let shared: Variables = variables::of(clause).intersection(around).cloned().collect();
                let runs = shared.is_subset(bound) && self.after_every(&variables::flat(clauses), &shared, around).is_some();
                runs.then(|| bound.clone())
            }
            Clause::NotJoin { clauses, .. } => {
                let shared = variables::of(clause);
                let runs = shared.is_subset(bound) && self.after_every(&variables::flat(clauses), &shared, &shared).is_some();
                runs.then(|| bound.clone())
            }
            Clause::Rule { name, args, .. } => {
                let mode = args.iter().map(|term| match term {
                    Term::Blank(_) => false,
                    Term::Variable(variable, _) => bound.contains(variable),
                    Term::Constant(..) => true,
                });
                if self.can_run(name, mode.collect()) { with(variables::of(clause)) } else { None }
            }
        }
    }

    /// What is bound after all of these clauses; None if some can never be taken.
    pub(super) fn after_every(&self, clauses: &[&Clause], bound: &Variables, visible: &Variables) -> Option<Variables> {
        let mut bound = bound.clone();
        let mut waiting: Vec<&Clause> = clauses.to_vec();
        while !waiting.is_empty() {
            let next = waiting.iter().enumerate().find_map(|(position, clause)| {
                let around = variables::around(clause, clauses, visible);
                Some((position, self.after(clause, &bound, &around)?))
            });
            let (position, after) = next?;
            waiting.remove(position);
            bound = after;
        }
        Some(bound)
    }

    /// Whether a rule can run with these arguments bound. A call within its own body is taken to run until shown otherwise.
    fn can_run(&self, name: &Arc<str>, mode: Vec<bool>) -> bool {
        let key = (Arc::clone(name), mode);
        let known = self.known.modes.borrow().get(&key).copied();
        if let Some(known) = known {
            return known;
        }
        self.known.modes.borrow_mut().insert(key.clone(), true);
        loop {
            let before = self.known.modes.borrow().clone();
            for ((name, mode), _) in before.iter().filter(|(_, runs)| **runs) {
                let runs = self.bodies_run(name, mode);
                if !runs {
                    self.known.modes.borrow_mut().insert((Arc::clone(name), mode.clone()), false);
                }
            }
            if *self.known.modes.borrow() == before {
                return before[&key];
            }
        }
    }

    fn bodies_run(&self, name: &str, mode: &[bool]) -> bool {
        self.rules.rules.iter().filter(|rule| &*rule.name == name).all(|rule| {
            let head: Variables = rule.head.variables().cloned().collect();
            let bound: Variables = rule
                .head
                .variables()
                .zip(mode)
                .filter(|(_, is_bound)| **is_bound)
                .map(|(variable, _)| variable.clone())
                .collect();
            let after = self.after_every(&variables::flat(&rule.clauses), &bound, &head);
            rule.head.required.iter().all(|(variable, _)| bound.contains(variable))
                && after.is_some_and(|after| head.is_subset(&after))
        })
    }
}
