//! What a plan looks like to people, with what each step cost when it ran.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::plan::describe;
use crate::plan::goal::GoalKind;
use crate::plan::program::Program;
use crate::plan::{Plan, Step};
use crate::run::Run;

/// How a query was run: its steps in their order, what was expected of them and what came.
///
/// Its `Display` is an indented table:
///
/// ```text
/// step                       expected     rows   microseconds  why
/// [?e :name "Ivan"]              2450     2451             12  fewest rows to start with
/// [?e :age ?a]                   2450     2451             40  connected, and adds no rows
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The steps of `:where`.
    pub steps: Vec<ExplainedStep>,
    /// Distinct rows that the steps gave.
    pub rows: usize,
    /// Time of parsing names, ordering and binding the inputs, in microseconds.
    pub planning_us: u64,
    /// Time of all steps, in microseconds.
    pub running_us: u64,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedStep {
    /// The clause, resolved.
    pub clause: String,
    /// Rows expected after the step.
    pub expected_rows: u64,
    /// Rows after the step, over all its runs; `None` if it never ran.
    pub rows: Option<usize>,
    /// Time of the step, those inside it included, in microseconds.
    pub time_us: u64,
    /// Why the step stands here, or how it was run.
    pub reason: String,
    /// For `or` one list of steps a branch, for `not` one.
    pub branches: Vec<Vec<ExplainedStep>>,
}

impl Explanation {
    /// Of a program that was run, with efforts noted.
    pub(crate) fn new(run: &Run<'_>, rows: usize, planning: Duration, running: Duration) -> Self {
        Self {
            steps: explained(&run.program.plan, run.program, run),
            rows,
            planning_us: planning.as_micros() as u64,
            running_us: running.as_micros() as u64,
        }
    }
}

fn explained(plan: &Plan, program: &Program, run: &Run<'_>) -> Vec<ExplainedStep> {
    plan.steps.iter().map(|step| explained_step(step, program, run)).collect()
}

fn explained_step(step: &Step, program: &Program, run: &Run<'_>) -> ExplainedStep {
    let effort = run.effort_of(step);
    ExplainedStep {
        clause: describe::clause(&step.goal, program),
        expected_rows: step.estimated_rows.clamp(0.0, 1e18).round() as u64,
        rows: effort.map(|effort| effort.rows),
        time_us: effort.map_or(0, |effort| effort.time.as_micros() as u64),
        reason: reason(step, run),
        branches: step.branches.iter().map(|plan| explained(plan, program, run)).collect(),
    }
}

fn reason(step: &Step, run: &Run<'_>) -> String {
    let GoalKind::Rule(rule) = &step.goal.kind else { return step.reason.to_owned() };
    let how = if run.is_closure(rule.predicate) { "a closure, by graph search" } else { "by rounds over what is new" };
    let bound = step.bound.iter().filter(|is_bound| **is_bound).count();
    match bound {
        0 => format!("{how}; all of it"),
        _ => format!("{how}; only for the {bound} bound arguments"),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        flatten(&self.steps, 0, &mut lines);
        let width = lines.iter().map(|(text, _)| text.chars().count()).max().unwrap_or(0).clamp(4, 80);
        writeln!(f, "{:width$}  {:>10}  {:>10}  {:>12}  why", "step", "expected", "rows", "microseconds")?;
        for (text, step) in lines {
            match step {
                Some(step) => {
                    let rows = step.rows.map_or_else(|| "-".to_owned(), |rows| rows.to_string());
                    writeln!(f, "{text:width$}  {:>10}  {rows:>10}  {:>12}  {}", step.expected_rows, step.time_us, step.reason)?;
                }
                None => writeln!(f, "{text}")?,
            }
        }
        write!(f, "{} rows; {} us to plan, {} us to run", self.rows, self.planning_us, self.running_us)
    }
}

/// Every line of the table: a step, or the head of a branch.
fn flatten<'s>(steps: &'s [ExplainedStep], depth: usize, lines: &mut Vec<(String, Option<&'s ExplainedStep>)>) {
    let indent = "  ".repeat(depth);
    for step in steps {
        lines.push((format!("{indent}{}", step.clause), Some(step)));
        for (at, branch) in step.branches.iter().enumerate() {
            if step.branches.len() > 1 {
                lines.push((format!("{indent}  branch {}", at + 1), None));
            }
            flatten(branch, depth + 1 + usize::from(step.branches.len() > 1), lines);
        }
    }
}
