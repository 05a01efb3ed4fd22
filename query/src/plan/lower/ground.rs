//! What functions bind: names in it stand for entities where entities are expected, as literals and inputs do elsewhere.
//!
//! What is expected of a variable follows from the body in which it stands, the query's or a rule's, and from the rules called there;
//! never from who calls the rule. So a rule means the same whether it is unfolded into its caller or has a table.

use std::collections::{BTreeMap, BTreeSet};

use crate::ast::{Argument, Call, SourceName};
use crate::error::Span;
use crate::plan::goal::{CallGoal, Goal, GoalKind, Target};
use crate::plan::slot::Slot;
use crate::value::Value;

/// A function and its binding.
pub(crate) struct Ground {
    /// The number of its goal.
    pub(crate) goal: u32,
    /// What it binds.
    pub(crate) target: Target,
    /// The literal of `(ground literal)` and its place in the text: it is known before anything runs.
    pub(crate) literal: Option<(Value, Span)>,
    /// The body in which it stands.
    pub(crate) body: u32,
}

/// All such clauses, and where their bodies expect entities.
#[derive(Default)]
pub(crate) struct Grounds {
    found: Vec<Ground>,
    /// The bodies around what is being lowered, by number, the innermost last; the query's own is 0 and not among them.
    open: Vec<u32>,
    count: u32,
    uses: BTreeMap<(u32, Slot), BTreeSet<SourceName>>,
}

impl Grounds {
    /// Begins the body of a rule.
    pub(super) fn enter(&mut self) {
        self.count += 1;
        self.open.push(self.count);
    }

    /// Ends it.
    pub(super) fn leave(&mut self) {
        self.open.pop();
    }

    /// The bodies around what is being lowered.
    pub(super) fn bodies(&self) -> Vec<u32> {
        std::iter::once(0).chain(self.open.iter().copied()).collect()
    }

    /// Notes a call with a binding.
    pub(super) fn note(&mut self, call: &Call, goal: &Goal) {
        let GoalKind::Call(CallGoal { binding: Some(target), .. }) = &goal.kind else { return };
        let literal = match (&*call.name, &call.args[..]) {
            ("ground", [Argument::Constant(value, span)]) => Some((value.clone(), *span)),
            _ => None,
        };
        let body = self.open.last().copied().unwrap_or(0);
        self.found.push(Ground { goal: goal.id, target: target.clone(), literal, body });
    }

    /// Says that a variable stands where an entity is expected.
    pub(super) fn note_entity(&mut self, slot: Slot, source: &SourceName) {
        for body in self.bodies() {
            self.uses.entry((body, slot)).or_default().insert(source.clone());
        }
    }

    /// The same for what a rule called in these bodies expects of its argument.
    pub(super) fn note_uses(&mut self, bodies: &[u32], slot: Slot, sources: &BTreeSet<SourceName>) {
        for body in bodies {
            self.uses.entry((*body, slot)).or_default().extend(sources.iter().cloned());
        }
    }

    /// The sources in which a body looks for the entity that a variable stands for.
    pub(crate) fn uses(&self, body: u32, slot: Slot) -> Option<&BTreeSet<SourceName>> {
        self.uses.get(&(body, slot))
    }

    /// The clauses, which are asked for once.
    pub(crate) fn take(&mut self) -> Vec<Ground> {
        std::mem::take(&mut self.found)
    }
}
