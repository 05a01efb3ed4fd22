//! Rules: calls unfolded into goals or made to tables, and what is found out about tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Lowering;
use crate::ast::{Clause, Rule, SourceName, Term, Variable};
use crate::error::{Code, Error, Result, Span};
use crate::plan::goal::{CallArgument, CallGoal, Goal, GoalKind, Predicate, PredicateBranch, RuleGoal, Target, UnionGoal};
use crate::plan::needs::Needs;
use crate::plan::scope::Scope;
use crate::plan::slot::Slot;
use crate::run::gather::repeat;
use crate::run::relation::Relation;

/// Rules are unfolded into their callers until the query has so many goals; then they get tables.
const UNFOLDED_GOALS_MAX: u32 = 400;

/// The call of a rule, as it was written.
pub(super) struct RuleCall<'c> {
    pub(super) source: Option<&'c SourceName>,
    pub(super) name: &'c Arc<str>,
    pub(super) args: &'c [Term],
    pub(super) span: Span,
}

impl<'q> Lowering<'q> {
    /// A call: of a table if the rule recurses, else unfolded into its bodies.
    pub(super) fn rule(&mut self, call: &RuleCall<'_>, scope: &mut Scope, goals: &mut Vec<Arc<Goal>>) -> Result<()> {
        let source = scope.inherited(call.source);
        let slots = call.args.iter().map(|term| self.argument(term, scope, goals)).collect::<Vec<_>>();
        let heads = self.heads(call.name);
        self.budget.spend_steps(heads.len() as u64)?;
        self.check_heads(call, &heads)?;
        if self.dependencies.is_recursive(call.name) || self.goal_count > UNFOLDED_GOALS_MAX {
            let predicate = self.predicate(call.name, &source, call.span);
            let goal = RuleGoal { predicate, args: slots };
            self.rule_calls.push((goal.clone(), self.grounds.bodies()));
            goals.push(self.goal(GoalKind::Rule(goal), call.span));
            return Ok(());
        }
        let slots = slots.into_iter().map(|slot| slot.unwrap_or_else(|| self.fresh(&Variable("_".into())))).collect::<Vec<_>>();
        let mut required = Vec::new();
        let mut branches = Vec::new();
        let outer = self.call_span;
        self.call_span = Some(self.place_of(call.span));
        let caller = self.rule_name.replace(Arc::clone(call.name));
        for head in &*heads {
            required.extend(slots.iter().take(head.head.required.len()));
            self.grounds.enter();
            let branch = self.unfold(head, &slots, &source);
            self.grounds.leave();
            branches.push(branch?);
        }
        self.call_span = outer;
        self.rule_name = caller;
        if let ([_], true) = (&branches[..], required.is_empty()) {
            goals.append(&mut branches[0]);
            return Ok(());
        }
        let border = slots.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        goals.push(
            self.goal(GoalKind::Union(UnionGoal { border, required, branches, rule: Some(Arc::clone(call.name)) }), call.span),
        );
        Ok(())
    }

    /// The slot of an argument; a constant gets one of its own. `None` for `_`.
    fn argument(&mut self, term: &Term, scope: &mut Scope, goals: &mut Vec<Arc<Goal>>) -> Option<Slot> {
        match term {
            Term::Blank(_) => None,
            Term::Variable(variable, _) => Some(self.slot(scope, variable)),
            Term::Constant(value, span) => {
                let slot = self.fresh(&Variable("?constant".into()));
                self.constants.insert(slot, (value.clone(), self.place_of(*span)));
                let given = Relation::new(vec![slot], vec![repeat(value, 1)], 1);
                goals.push(self.goal(GoalKind::Given(given), *span));
                Some(slot)
            }
        }
    }

    /// The heads of a rule, and their bodies.
    fn heads(&self, name: &str) -> Arc<[&'q Rule]> {
        self.heads.get(name).map_or_else(|| [].into(), Arc::clone)
    }

    fn check_heads(&self, call: &RuleCall<'_>, heads: &[&Rule]) -> Result<()> {
        let (name, span) = (call.name, self.place_of(call.span));
        if heads.is_empty() {
            return Err(Error::new(Code::UnknownRule, format!("no rule is called `{name}`"))
                .with_value(name)
                .at(span)
                .with_help("give it with the rules of `%`, or check the spelling"));
        }
        let wrong = heads.iter().map(|head| head.head.variables().count()).find(|count| *count != call.args.len());
        wrong.map_or(Ok(()), |count| {
            let message = format!("`{name}` takes {count} arguments, not {}", call.args.len());
            Err(Error::new(Code::Arity, message).with_value(name).at(span).with_help("give one argument for each parameter"))
        })
    }

    /// The body of a rule with the slots of the call in place of the parameters.
    fn unfold(&mut self, rule: &Rule, slots: &[Slot], source: &SourceName) -> Result<Vec<Arc<Goal>>> {
        self.goal_count += 1;
        let mut scope = Scope::of(source.clone());
        let mut equal = Vec::new();
        // What a function's result stands for is known by its variable, so two parameters stay two where such results may be theirs.
        let is_apart = has_function(&rule.clauses);
        for (at, (variable, slot)) in rule.head.variables().zip(slots).enumerate() {
            let own = if is_apart && slots[..at].contains(slot) { self.fresh(variable) } else { *slot };
            if own != *slot {
                equal.push((own, *slot));
            }
            match scope.names.insert(variable.clone(), own) {
                Some(earlier) if earlier != own => equal.push((earlier, own)),
                _ => {}
            }
        }
        let mut goals = self.block(&rule.clauses, &mut scope)?;
        for (from, to) in equal {
            let identity =
                self.functions.function("identity").ok_or_else(|| Error::new(Code::UnknownFunction, "no `identity`"))?;
            let args = vec![CallArgument::Slot(to)];
            let call = CallGoal { function: identity, source: None, args, binding: Some(Target::Scalar(from)), nested: None };
            goals.push(self.goal(GoalKind::Call(call), rule.span));
        }
        Ok(goals)
    }

    fn predicate(&mut self, name: &Arc<str>, source: &SourceName, span: Span) -> usize {
        let key = (Arc::clone(name), source.clone());
        if let Some(id) = self.predicate_ids.get(&key) {
            return *id;
        }
        let id = self.predicates.len();
        self.predicate_ids.insert(key, id);
        let heads = self.heads(name);
        let params = heads.first().map_or_else(Vec::new, |rule| rule.head.variables().collect());
        let params = params.into_iter().map(|variable| self.fresh(variable)).collect::<Vec<_>>();
        let required = heads.iter().map(|head| head.head.required.len()).max().unwrap_or(0);
        let needs = Needs::all(0..required as Slot);
        let component = self.dependencies.component(name);
        let (name, source) = (Arc::clone(name), source.clone());
        self.predicates.push(Predicate { name, source, params, needs, branches: Vec::new(), component });
        self.callers.push(BTreeSet::new());
        self.open_predicates.push((id, self.place_of(span)));
        id
    }

    /// Lowers the bodies of predicates, which may call for more of them; one after the other, so that long chains of rules need no deep
    /// stack.
    fn lower_predicates(&mut self) -> Result<()> {
        while let Some((id, span)) = self.open_predicates.pop() {
            self.call_span = Some(span);
            self.rule_name = Some(Arc::clone(&self.predicates[id].name));
            let (name, source) = (Arc::clone(&self.predicates[id].name), self.predicates[id].source.clone());
            let first_call = self.rule_calls.len();
            for rule in &*self.heads(&name) {
                let mut scope = Scope::of(source.clone());
                let head = rule.head.variables().map(|variable| self.slot(&mut scope, variable)).collect();
                self.grounds.enter();
                let goals = self.block(&rule.clauses, &mut scope);
                self.grounds.leave();
                let goals = goals?;
                self.predicates[id].branches.push(PredicateBranch { head, goals });
            }
            for (call, _) in &self.rule_calls[first_call..] {
                self.callers[call.predicate].insert(id);
            }
        }
        self.call_span = None;
        self.rule_name = None;
        Ok(())
    }

    /// Carries what is known of rules to their callers, until nothing changes: which parameters stand for entities, and which the
    /// caller must bind.
    pub(crate) fn settle_rules(&mut self) -> Result<()> {
        self.lower_predicates()?;
        self.settle_uses()?;
        // Those last found are called by the others.
        let mut open = (0..self.predicates.len()).collect::<BTreeSet<_>>();
        while let Some(at) = open.pop_last() {
            if self.settle_needs(at)? {
                open.extend(&self.callers[at]);
            }
        }
        Ok(())
    }

    /// Which arguments stand for entities, and in which sources.
    fn settle_uses(&mut self) -> Result<()> {
        let mut calls_of = vec![Vec::new(); self.predicates.len()];
        for (at, (call, _)) in self.rule_calls.iter().enumerate() {
            calls_of[call.predicate].push(at);
        }
        let mut heads: BTreeMap<Slot, usize> = BTreeMap::new();
        for (at, predicate) in self.predicates.iter().enumerate() {
            heads.extend(predicate.branches.iter().flat_map(|branch| &branch.head).map(|slot| (*slot, at)));
        }
        let mut open = (0..self.predicates.len()).collect::<BTreeSet<_>>();
        while let Some(at) = open.pop_last() {
            let predicate = &self.predicates[at];
            let mut used = vec![BTreeSet::new(); predicate.params.len()];
            for branch in &predicate.branches {
                self.budget.spend_steps(branch.head.len() as u64)?;
                for (used, slot) in used.iter_mut().zip(&branch.head) {
                    used.extend(self.entity_uses.get(slot).into_iter().flatten().cloned());
                }
            }
            for call in &calls_of[at] {
                let (call, bodies) = &self.rule_calls[*call];
                self.budget.spend_steps(call.args.len() as u64)?;
                for (slot, used) in call.args.iter().zip(&used).filter(|(_, used)| !used.is_empty()) {
                    let Some(slot) = slot else { continue };
                    self.grounds.note_uses(bodies, *slot, used);
                    let known = self.entity_uses.entry(*slot).or_default();
                    let before = known.len();
                    known.extend(used.iter().cloned());
                    if known.len() > before {
                        open.extend(heads.get(slot));
                    }
                }
            }
        }
        Ok(())
    }

    fn settle_needs(&mut self, at: usize) -> Result<bool> {
        let predicate = &self.predicates[at];
        let mut needs = predicate.needs.clone();
        for branch in &predicate.branches {
            let place = |slot: Slot| branch.head.iter().position(|own| *own == slot).map(|place| place as Slot);
            let found = Needs::of_block(&branch.goals, &branch.head, &[], &self.predicates, self.budget)?;
            needs = needs.and(&found.renamed(place));
        }
        let changed = needs != predicate.needs;
        self.predicates[at].needs = needs;
        Ok(changed)
    }
}

/// True if a function binds something in these clauses.
fn has_function(clauses: &[Clause]) -> bool {
    clauses.iter().any(|clause| match clause {
        Clause::Function { .. } => true,
        Clause::Pattern { .. } | Clause::Predicate { .. } | Clause::Rule { .. } => false,
        Clause::And(clauses, _)
        | Clause::Or { branches: clauses, .. }
        | Clause::OrJoin { branches: clauses, .. }
        | Clause::Not { clauses, .. }
        | Clause::NotJoin { clauses, .. } => has_function(clauses),
    })
}
