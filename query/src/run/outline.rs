//! What the fixpoint of a rule is made of: the tables that a call brings about, and the ways in which their rows are derived.

use std::sync::Arc;

use crate::error::Result;
use crate::plan::goal::{Goal, GoalKind, PredicateBranch, RuleGoal};
use crate::plan::order::plan_block;
use crate::plan::slot::Slot;
use crate::run::Run;
use crate::run::fixpoint::{Adorned, surroundings};

/// Tables and derivations; the first table is that of the call.
#[derive(Debug)]
pub(crate) struct Outline {
    /// All tables that the call brings about within its component.
    pub(crate) tables: Vec<Tabled>,
    /// All ways to derive rows of them.
    pub(crate) derivations: Vec<Derivation>,
    /// True if arguments of calls inside stay free where they can: the whole rule is wanted, so what a call inside asks for is no choice.
    is_open: bool,
}

/// A table: answers of a rule with some arguments bound, and demands for these.
#[derive(Debug)]
pub(crate) struct Tabled {
    /// Which rule, and which of its arguments are bound.
    pub(crate) adorned: Adorned,
    /// All parameters.
    pub(crate) params: Vec<Slot>,
    /// The bound ones.
    pub(crate) demanded: Vec<Slot>,
}

/// What a derivation adds to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goes {
    /// The answers of a table.
    Answers(usize),
    /// The demands on a table.
    Demands(usize),
}

/// One way to derive rows.
#[derive(Debug)]
pub(crate) struct Derivation {
    /// What it adds to.
    pub(crate) goes: Goes,
    /// The table whose demands it starts from.
    pub(crate) demands_of: usize,
    /// What must hold; the demands are among it.
    pub(crate) goals: Vec<Arc<Goal>>,
    /// Goals that call tables of this outline.
    pub(crate) calls: Vec<(u32, usize)>,
    /// What it gives.
    pub(crate) output: Vec<Slot>,
}

impl Outline {
    /// Of a call. `is_open` leaves arguments of calls inside free, but for those that must be bound.
    pub(crate) fn new(adorned: Adorned, is_open: bool, run: &Run<'_>) -> Result<Self> {
        let mut outline = Self { tables: Vec::new(), derivations: Vec::new(), is_open };
        outline.table(adorned, run);
        let mut next = 0;
        while next < outline.tables.len() {
            let (predicate, _) = outline.tables[next].adorned;
            for branch in &run.program.predicates[predicate].branches {
                for branch in spread(branch, predicate, run) {
                    outline.derive(next, &branch, run)?;
                }
            }
            next += 1;
        }
        Ok(outline)
    }

    /// The place of a table, made if there is none yet.
    fn table(&mut self, adorned: Adorned, run: &Run<'_>) -> usize {
        if let Some(at) = self.tables.iter().position(|table| table.adorned == adorned) {
            return at;
        }
        let params = run.program.predicates[adorned.0].params.clone();
        let demanded = params.iter().zip(&adorned.1).filter(|(_, is_bound)| **is_bound).map(|(slot, _)| *slot).collect();
        self.tables.push(Tabled { adorned, params, demanded });
        self.tables.len() - 1
    }

    /// Adds what one body derives: answers, and the demands on the calls inside it.
    fn derive(&mut self, table: usize, branch: &PredicateBranch, run: &Run<'_>) -> Result<()> {
        let bound = self.tables[table].adorned.1.clone();
        let demanded = branch.head.iter().zip(&bound).filter(|(_, is_bound)| **is_bound).map(|(slot, _)| *slot);
        let input = Arc::new(Goal {
            id: 0,
            kind: GoalKind::Input(demanded.collect()),
            span: branch.goals.first().map(|goal| goal.span).unwrap_or_default(),
            rule: None,
        });
        let mut goals = vec![input];
        goals.extend(branch.goals.iter().cloned());
        let component = run.program.predicates[self.tables[table].adorned.0].component;
        let base = plan_block(&goals, &branch.head, Some(0), surroundings(run))?;
        let mut calls = Vec::new();
        let mut before: Vec<Arc<Goal>> = Vec::new();
        for step in &base.steps {
            if let GoalKind::Rule(call) = &step.goal.kind
                && run.program.predicates[call.predicate].component == component
            {
                let callee = &run.program.predicates[call.predicate];
                let bound = if self.is_open { callee.least_bound(&step.bound) } else { step.bound.clone() };
                let output = call.args.iter().zip(&bound).filter(|(_, is_bound)| **is_bound);
                let output = output.filter_map(|(slot, _)| *slot).collect::<Vec<_>>();
                let is_demanded = bound.contains(&true);
                let callee = self.table((call.predicate, bound), run);
                if is_demanded || !self.is_open {
                    let (goals, calls) = (before.clone(), calls.clone());
                    self.derivations.push(Derivation { goes: Goes::Demands(callee), demands_of: table, goals, calls, output });
                }
                calls.push((step.goal.id, callee));
            }
            before.push(Arc::clone(&step.goal));
        }
        let output = branch.head.clone();
        self.derivations.push(Derivation { goes: Goes::Answers(table), demands_of: table, goals, calls, output });
        Ok(())
    }
}

/// A body whose `or` holds a recursive call is as many bodies as the `or` has branches.
pub(crate) fn spread(branch: &PredicateBranch, predicate: usize, run: &Run<'_>) -> Vec<PredicateBranch> {
    let component = run.program.predicates[predicate].component;
    let recursive = branch.goals.iter().position(|goal| match &goal.kind {
        GoalKind::Union(union) => union.branches.iter().any(|goals| calls_component(goals, component, run)),
        _ => false,
    });
    let Some(at) = recursive else { return vec![branch.clone()] };
    let GoalKind::Union(union) = &branch.goals[at].kind else { return vec![branch.clone()] };
    let bodies = union.branches.iter().map(|inner| {
        let mut goals = branch.goals.clone();
        goals.splice(at..=at, inner.iter().cloned());
        PredicateBranch { head: branch.head.clone(), goals }
    });
    bodies.flat_map(|body| spread(&body, predicate, run)).collect()
}

/// True if some of the goals, or of those inside them, call a rule of this component.
pub(crate) fn calls_component(goals: &[Arc<Goal>], component: usize, run: &Run<'_>) -> bool {
    goals.iter().any(|goal| match &goal.kind {
        GoalKind::Rule(RuleGoal { predicate, .. }) => run.program.predicates[*predicate].component == component,
        GoalKind::Union(union) => union.branches.iter().any(|goals| calls_component(goals, component, run)),
        GoalKind::Absent(absent) => calls_component(&absent.goals, component, run),
        _ => false,
    })
}
