//! From the plans of a run to explained steps: what the executor noted, put into words.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::hint::{self, Seen};
use super::{ExplainedPart, ExplainedStep, Hint};
use crate::plan::describe::{self, Names};
use crate::plan::goal::{GoalKind, RuleGoal};
use crate::plan::{Plan, Step};
use crate::run::Run;
use crate::run::effort::{Effort, Method};
use crate::run::fixpoint::{Adorned, Flow};
use crate::run::loops::Loops;
use crate::run::loops::shown::IN_A_LOOP;

/// The steps of a run and what there is to say about them.
pub(super) fn explained(run: &Run<'_>) -> (Vec<ExplainedStep>, Vec<Hint>) {
    let hints = hint::of_warnings(&run.program.warnings);
    let mut explainer = Explainer { run, hints, shown: BTreeSet::new(), inside: None };
    let steps = explainer.whole(&run.program.plan, None);
    (steps, explainer.hints)
}

struct Explainer<'r> {
    run: &'r Run<'r>,
    hints: Vec<Hint>,
    /// Rules whose bodies were shown at an earlier call.
    shown: BTreeSet<Adorned>,
    /// The rule whose bodies are being shown.
    inside: Option<Arc<str>>,
}

impl Explainer<'_> {
    /// A plan that is no part of another one: a body of this rule, or the query's own.
    fn whole(&mut self, plan: &Plan, rule: Option<usize>) -> Vec<ExplainedStep> {
        let program = self.run.program;
        let inside = rule.map(|predicate| Arc::clone(&program.predicates[predicate].name));
        let outside = std::mem::replace(&mut self.inside, inside);
        let steps = self.plan(plan, &Names::of(plan, program));
        self.inside = outside;
        steps
    }

    fn plan(&mut self, plan: &Plan, names: &Names<'_>) -> Vec<ExplainedStep> {
        (0..plan.steps.len()).map(|at| self.step(plan, at, names)).collect()
    }

    fn step(&mut self, plan: &Plan, at: usize, names: &Names<'_>) -> ExplainedStep {
        let step = &plan.steps[at];
        let effort = self.run.effort_of(step);
        let clause = describe::clause(&step.goal, names);
        let seen = Seen { plan, at, effort: effort.as_ref(), clause: &clause, program: self.run.program, names };
        for hint in hint::of_step(&seen) {
            if !self.hints.contains(&hint) {
                self.hints.push(hint);
            }
        }
        let parts = self.parts(step, names);
        let effort = effort.unwrap_or_default();
        ExplainedStep {
            clause,
            rule: step.goal.rule.as_ref().filter(|rule| self.inside.as_ref() != Some(rule)).map(ToString::to_string),
            expected_rows: step.estimated_rows.clamp(0.0, 1e18).round() as u64,
            rows: (effort.runs > 0).then_some(effort.rows),
            rows_before: effort.rows_before,
            facts_read: effort.read,
            runs: effort.runs,
            time_us: effort.time.as_micros() as u64,
            reason: step.reason.to_owned(),
            method: self.method(step, &effort, names),
            parts,
        }
    }

    fn parts(&mut self, step: &Step, names: &Names<'_>) -> Vec<ExplainedPart> {
        match &step.goal.kind {
            GoalKind::Union(union) => {
                let noun = if union.rule.is_some() { "head" } else { "branch" };
                let count = step.branches.len();
                let part = |(at, plan): (usize, &Plan)| (format!("{noun} {} of {count}", at + 1), self.plan(plan, names));
                step.branches.iter().enumerate().map(part).map(|(title, steps)| ExplainedPart { title, steps }).collect()
            }
            GoalKind::Absent(_) => {
                let inside = step.branches.iter().map(|plan| self.plan(plan, names));
                inside.map(|steps| ExplainedPart { title: "what must not hold".into(), steps }).collect()
            }
            GoalKind::Rule(rule) => {
                let effort = self.run.effort_of(step);
                self.bodies(rule, effort.as_ref().map_or(&*step.bound, |effort| effort.bound(step)))
            }
            GoalKind::Group(_) => {
                let inside = step.branches.iter().map(|plan| self.plan(plan, names));
                inside.map(|steps| ExplainedPart { title: "joined by themselves".into(), steps }).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The bodies of a rule, where it is called first.
    fn bodies(&mut self, rule: &RuleGoal, bound: &[bool]) -> Vec<ExplainedPart> {
        let tables = self.run.tables.borrow();
        let adorned = (rule.predicate, bound.to_vec());
        let closure = tables.closure(rule.predicate);
        let key = if closure.is_some() { (rule.predicate, Vec::new()) } else { adorned.clone() };
        if !self.shown.insert(key) {
            return Vec::new();
        }
        if let Some(closure) = closure {
            let plans = closure.plans();
            let part = |plan| ExplainedPart { title: "edges of the graph".into(), steps: self.whole(plan, Some(rule.predicate)) };
            return plans.iter().map(part).collect();
        }
        let Some(group) = tables.group(&adorned) else {
            let plans = tables.explored(rule.predicate);
            let mut steps = |plan| self.whole(plan, Some(rule.predicate));
            return plans
                .iter()
                .map(|plan| ExplainedPart { title: "looked up in each round".into(), steps: steps(plan) })
                .collect();
        };
        // A rule that is still being computed is shown by the call that computes it.
        let Ok(group) = group.try_borrow() else { return Vec::new() };
        let ran = |plan: &Plan| plan.steps.first().is_some_and(|step| self.run.effort_of(step).is_some());
        let plans = group.plans().filter(|(_, _, _, plan)| ran(plan)).collect::<Vec<_>>();
        let parts = plans.into_iter().map(|(goes, new, body, plan)| {
            let title = format!("{}, from {}", self.flow(goes), self.flow(new));
            ExplainedPart { title, steps: self.whole(plan, Some(body)) }
        });
        let mut parts = parts.collect::<Vec<_>>();
        if let Some(loops) = group.loops() {
            parts.extend(self.loops(loops, rule.predicate));
        }
        parts
    }

    /// What loops do with each new row, and how they found what stays.
    fn loops(&mut self, loops: &Loops, predicate: usize) -> Vec<ExplainedPart> {
        let title = |flow: Option<Flow<'_>>| flow.map_or_else(|| "rows joined on the way".into(), |flow| self.flow(flow));
        let titles = loops.shown().map(|(_, [goes, from])| format!("{}, from {}", title(goes), title(from))).collect::<Vec<_>>();
        let mut parts = Vec::new();
        for (title, (shown, _)) in titles.into_iter().zip(loops.shown()) {
            parts.push(ExplainedPart { title, steps: self.whole(&shown.plan, Some(shown.predicate)) });
        }
        for plan in loops.plans() {
            parts.push(ExplainedPart { title: "what stays the same".into(), steps: self.whole(plan, Some(predicate)) });
        }
        parts
    }

    fn flow(&self, flow: Flow<'_>) -> String {
        let (predicate, bound) = flow.table;
        let own = &self.run.program.predicates[*predicate];
        let names = own.params.iter().zip(bound).map(|(slot, is_bound)| {
            let name = Names::parameter(*slot, self.run.program);
            if *is_bound { format!("[{name}]") } else { name }
        });
        let head = std::iter::once(own.name.to_string()).chain(names).collect::<Vec<_>>().join(" ");
        format!("{} ({head})", if flow.is_demand { "calls of" } else { "new answers of" })
    }

    /// What the executor noted.
    fn method(&self, step: &Step, effort: &Effort, names: &Names<'_>) -> String {
        if effort.runs == 0 && effort.methods.is_empty() {
            return if step.number == IN_A_LOOP { "one of the clauses of a loop".to_owned() } else { String::new() };
        }
        let mut said = Vec::new();
        if let GoalKind::Rule(rule) = &step.goal.kind
            && !effort.methods.contains(&Method::Handed)
        {
            said.push(self.extent(rule, effort.bound(step), names));
        }
        said.extend(effort.methods.iter().filter(|method| **method != Method::Start).map(|method| {
            let text = method.to_string();
            match method {
                Method::Entities
                | Method::Values
                | Method::Range
                | Method::Transaction
                | Method::Span
                | Method::Attribute
                | Method::Everything
                | Method::Data => format!("{text} ({})", effort.read),
                Method::Cross => effort.crossed.map_or(text, |(left, right)| format!("cross product of {left} and {right} rows")),
                _ => text,
            }
        }));
        if effort.runs > 1 {
            said.push(format!("{} runs", effort.runs));
        }
        said.join("; ")
    }

    /// How much of a rule was computed.
    fn extent(&self, rule: &RuleGoal, bound: &[bool], names: &Names<'_>) -> String {
        let args = bound.iter().zip(&rule.args).filter(|(is_bound, _)| **is_bound);
        let args = args.filter_map(|(_, arg)| arg.map(|slot| names.name(slot))).collect::<Vec<_>>();
        let rounds = self.run.tables.borrow().group(&(rule.predicate, bound.to_vec()));
        let rounds = rounds.and_then(|group| group.try_borrow().map(|group| format!(", {} rounds", group.rounds())).ok());
        let rounds = rounds.unwrap_or_default();
        match &args[..] {
            [] => format!("the whole rule computed{rounds}"),
            _ => format!("computed only for {}{rounds}", args.join(" and ")),
        }
    }
}
