//! Loops as plans, for people who want to see what was done.

use std::sync::Arc;

use crate::plan::choose::FIRST_REASON;
use crate::plan::goal::{Goal, GoalKind};
use crate::plan::slot::SlotSet;
use crate::plan::{Plan, Step};
use crate::run::fixpoint::{Adorned, Flow};
use crate::run::loops::order::Loop;
use crate::run::loops::part::Body;

/// The number of what runs only as a part of a loop. No step that runs has it, so nothing is noted of it.
pub(crate) const IN_A_LOOP: u64 = u64::MAX;

/// A loop with its clauses in the order in which it meets them.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The tables that grow and begin it.
    goes: usize,
    from: usize,
    /// The rule whose body it is.
    pub(crate) predicate: usize,
    pub(crate) plan: Plan,
}

impl Shown {
    /// Of a loop that begins with a row of this table.
    pub(crate) fn new(own: &Loop, from: usize, body: &Body) -> Self {
        let step = |goal: &Arc<Goal>, estimated_rows: f64, reason: &'static str| Step {
            number: IN_A_LOOP,
            goal: Arc::clone(goal),
            branches: Vec::new(),
            keep: SlotSet::default(),
            bound: if let GoalKind::Rule(call) = &goal.kind { vec![false; call.args.len()] } else { Vec::new() },
            bridge: Vec::new(),
            estimated_rows,
            reason,
        };
        let mut steps = Vec::new();
        for (at, (atom, rows)) in own.order.iter().enumerate() {
            let reason = if at == 0 { FIRST_REASON } else { "found by numbers, for each new row" };
            steps.extend(body.atoms[*atom].goals.iter().map(|goal| step(goal, *rows, reason)));
        }
        let rows = own.order.last().map_or(1.0, |(_, rows)| *rows);
        steps.extend(body.tests.iter().map(|test| step(&test.goal, rows, "compared as soon as both sides are known")));
        Self { goes: body.goes, from, predicate: body.predicate, plan: Plan { steps, output: body.head.clone() } }
    }

    /// What it adds to and what begins it; `None` for tables that no rule names.
    pub(crate) fn flows<'s>(&self, tables: &'s [Adorned]) -> [Option<Flow<'s>>; 2] {
        [self.goes, self.from].map(|at| Some(Flow { table: tables.get(at / 2)?, is_demand: at % 2 == 1 }))
    }
}
