//! How a query was answered, for people who want to know why, and why so fast or slow: every step that ran, in its order, with what
//! was expected of it, what came, and how the executor did it; and hints, each with a remedy.

mod hint;
mod steps;
mod tree;

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;

use crate::error::Error;
use crate::run::Run;

pub use tree::TreeStyle;

/// How a query was run. Serializes with the names of its fields; its `Display` is a tree of 100 columns.
///
/// ```
/// use annals_query::{Budget, Given, check, engine, parse};
/// let people = Given::Relation(vec![vec!["ada".into(), 36.into()], vec!["bob".into(), 17.into()]]);
/// let checked = check::check(parse::query("[:find ?who :where [?who ?age] [(>= ?age 18)]]")?, Default::default())?;
/// let explanation = engine::explain(&checked, &[people], &Default::default(), &Budget::default())?;
/// assert_eq!(explanation.steps[1].clause, "[(>= ?age 18)]");
/// assert_eq!((explanation.steps[1].rows_before, explanation.steps[1].rows), (2, Some(1)));
/// # Ok::<(), annals_query::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The steps of `:where`, in the order in which they ran.
    pub steps: Vec<ExplainedStep>,
    /// What could be done better.
    pub hints: Vec<Hint>,
    /// Distinct rows that the steps gave, before `:find` groups, orders and cuts them.
    pub rows: usize,
    /// Time of resolving names, binding inputs and ordering the clauses, in microseconds.
    pub planning_us: u64,
    /// How often it was weighed what a clause would do in some place of the order: the work of planning, whatever the machine.
    pub weighed: u64,
    /// Time of all steps, in microseconds.
    pub running_us: u64,
    /// Why the run ended early, if it did: then the rows are those found until then.
    pub stopped: Option<Stopped>,
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ExplainedStep {
    /// The clause, with its names resolved, and with the bounds that predicates set to its value.
    pub clause: String,
    /// The rule in whose body the clause stands, if it does.
    pub rule: Option<String>,
    /// Rows expected after the step.
    pub expected_rows: u64,
    /// Rows after the step, over all its runs; `None` if it never ran.
    pub rows: Option<usize>,
    /// Rows before the step, over all its runs.
    pub rows_before: usize,
    /// Facts, or rows of data, that the step read.
    pub facts_read: usize,
    /// How often it ran: steps of rules run once a round.
    pub runs: usize,
    /// Time of the step, what runs inside it included, in microseconds.
    pub time_us: u64,
    /// Why it stands here.
    pub reason: String,
    /// How it was run: how facts were found, how rows were joined. As the executor noted it; empty if it never ran.
    pub method: String,
    /// What runs inside it: branches of `or`, the inside of `not`, the bodies of a rule.
    pub parts: Vec<ExplainedPart>,
}

/// Steps that run inside another one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedPart {
    /// What they are: `branch 1 of 2`.
    pub title: String,
    /// In their order.
    pub steps: Vec<ExplainedStep>,
}

/// What could be done better, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hint {
    /// What kind of hint: `cross-product`, `unknown-attribute`, `no-range`, `whole-rule`, `wrong-estimate`.
    pub code: &'static str,
    /// The clause it is about, as its step shows it.
    pub clause: String,
    /// What was seen.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Why a run ended early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stopped {
    /// `query/timeout` or `query/limit-exceeded`.
    pub code: &'static str,
    /// The sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Explanation {
    /// Of a program that was run, with efforts noted.
    pub(crate) fn new(run: &Run<'_>, rows: usize, planning: Duration, running: Duration) -> Self {
        let (steps, hints) = steps::explained(run);
        let (planning_us, running_us) = (planning.as_micros() as u64, running.as_micros() as u64);
        let weighed = run.program.planner.weighed.load(Ordering::Relaxed);
        Self { steps, hints, rows, planning_us, weighed, running_us, stopped: None }
    }

    /// The same of a run that this error ended.
    pub(crate) fn stopped_by(mut self, error: &Error) -> Self {
        self.stopped = Some(Stopped {
            code: error.code().name(),
            message: error.message().to_owned(),
            help: error.help().map(str::to_owned),
        });
        self
    }

    /// The plan as a tree, hints behind it, in lines of at most `width` columns.
    pub fn tree(&self, style: TreeStyle, width: usize) -> String {
        tree::Tree::new(style, width).text(self)
    }

    /// Every step with its number, steps inside others behind those: `1`, `2`, `2.1.1` for the first step of the first part of 2.
    pub fn numbered(&self) -> Vec<(String, &ExplainedStep)> {
        let mut found = Vec::new();
        number("", &self.steps, &mut found);
        found
    }
}

fn number<'s>(lead: &str, steps: &'s [ExplainedStep], found: &mut Vec<(String, &'s ExplainedStep)>) {
    for (at, step) in steps.iter().enumerate() {
        let own = format!("{lead}{}", at + 1);
        found.push((own.clone(), step));
        for (part, inside) in step.parts.iter().enumerate() {
            number(&format!("{own}.{}.", part + 1), &inside.steps, found);
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.tree(TreeStyle::Boxes, 100))
    }
}
