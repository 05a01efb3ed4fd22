//! Hints: what a run showed that could be done better, each with a remedy.

use super::Hint;
use crate::answer::Warning;
use crate::plan::describe::{self, Names};
use crate::plan::goal::{CallArgument, GoalKind, RuleGoal};
use crate::plan::program::Program;
use crate::plan::range::{Hindrance, comparisons, hindrance};
use crate::plan::slot::Slot;
use crate::plan::{Plan, Step};
use crate::run::effort::{Effort, Method};
use crate::value::ValueType;

/// An estimate is worth a word if it was wrong by more than this ..
const WRONG_BY: f64 = 10.0;
/// .. on at least so many rows.
const WRONG_ROWS: f64 = 1_000.0;
/// A rule computed in whole is worth a word from so many rows on.
const WHOLE_RULE_ROWS: usize = 1_000;

/// A step in its place, with what it did if it ran.
pub(super) struct Seen<'s> {
    pub(super) plan: &'s Plan,
    pub(super) at: usize,
    pub(super) effort: Option<&'s Effort>,
    pub(super) clause: &'s str,
    pub(super) program: &'s Program,
    pub(super) names: &'s Names<'s>,
}

/// Attributes that nobody ever used, with near names.
pub(super) fn of_warnings(warnings: &[Warning]) -> Vec<Hint> {
    let hint = |warning: &Warning| Hint {
        code: "unknown-attribute",
        clause: String::new(),
        message: format!("{}, so its clauses match nothing", warning.message),
        help: warning.help.clone().unwrap_or_else(|| "check the spelling; `annals schema` lists the attributes in use".into()),
    };
    warnings.iter().map(hint).collect()
}

/// All there is to say of a step.
pub(super) fn of_step(seen: &Seen<'_>) -> Vec<Hint> {
    let hints = [cross_product(seen), no_range(seen), equality(seen), whole_rule(seen), wrong_estimate(seen)];
    hints.into_iter().flatten().collect()
}

impl Seen<'_> {
    fn step(&self) -> &Step {
        &self.plan.steps[self.at]
    }

    fn name(&self, slot: Slot) -> String {
        self.names.name(slot)
    }

    fn hint(&self, code: &'static str, message: String, help: String) -> Hint {
        Hint { code, clause: self.clause.to_owned(), message, help }
    }
}

fn cross_product(seen: &Seen<'_>) -> Option<Hint> {
    let (before, found) = seen.effort?.crossed?;
    let message = format!(
        "`{}` shares no variable with the steps before it: a cross product of {before} and {found} rows, {} in all",
        seen.clause,
        before.saturating_mul(found)
    );
    let help = "add a clause that connects it with the rest, or ask for it in a query of its own".to_owned();
    Some(seen.hint("cross-product", message, help))
}

fn no_range(seen: &Seen<'_>) -> Option<Hint> {
    let found = comparisons(&seen.step().goal, &seen.program.known);
    if found.is_empty() {
        return None;
    }
    let goals = seen.plan.steps.iter().map(|step| &*step.goal).collect::<Vec<_>>();
    let (compared, why) = found.iter().find_map(|compared| Some((compared, hindrance(&goals, compared)?)))?;
    let name = seen.name(compared.slot);
    let (why, help) = match why {
        Hindrance::Undeclared(ident) => (
            format!("`:{ident}` has no declared type, so its values may be of several types"),
            format!(
                "if all of them are of one type, declare it: [{{:db/ident :{ident} :db/valueType {}}}]",
                compared.value.value_type().map_or_else(|| ":db.type/..".to_owned(), declared)
            ),
        ),
        Hindrance::OtherType(ident, own) => (
            format!("`:{ident}` is declared {}, and {} is a {}", declared(own), compared.value, compared.value.kind_name()),
            "compare with a value of the attribute's own type".to_owned(),
        ),
        Hindrance::AnyAttribute => {
            ("its pattern names no attribute".to_owned(), format!("name the attribute whose value {name} is, if you know it"))
        }
        Hindrance::OtherPlace => (
            format!("{name} is not the value of a pattern but another place of it"),
            "for transactions, ask an as-of or since view, which costs nothing".to_owned(),
        ),
        Hindrance::Computed(function) => (
            format!("`{function}` computes {name}, so every value has to be computed first"),
            format!("compare what stands inside of `{function}`, with the constant changed to match"),
        ),
        Hindrance::Enclosed => (
            format!("{name} comes out of an `or` or a rule"),
            "write the comparison inside, beside the pattern that binds it".into(),
        ),
    };
    let message = format!("`{}` is no range of a scan, so it looks at every row: {why}", seen.clause);
    Some(seen.hint("no-range", message, help))
}

fn declared(kind: ValueType) -> String {
    format!(":db.type/{}", kind.name())
}

/// `[(= ?x 5)]` is a place of the pattern.
fn equality(seen: &Seen<'_>) -> Option<Hint> {
    let GoalKind::Call(call) = &seen.step().goal.kind else { return None };
    let (slot, value) = match (call.function.name(), &call.args[..], &call.binding) {
        (
            "=" | "==",
            [CallArgument::Slot(slot), CallArgument::Constant(value)] | [CallArgument::Constant(value), CallArgument::Slot(slot)],
            None,
        ) => (*slot, value),
        _ => return None,
    };
    let is_value = |step: &Step| matches!(&step.goal.kind, GoalKind::Scan(scan) if scan.value.slot() == Some(slot));
    let pattern = seen.plan.steps.iter().find(|step| is_value(step))?;
    let pattern = describe::clause(&pattern.goal, seen.names);
    let name = seen.name(slot);
    let message = format!("`{}` is checked row by row, after `{pattern}` has given every {name}", seen.clause);
    let help = format!("write {value} in the place of {name}, or bind it with [(ground {value}) {name}]: then it is looked up");
    Some(seen.hint("no-range", message, help))
}

fn whole_rule(seen: &Seen<'_>) -> Option<Hint> {
    let step = seen.step();
    let GoalKind::Rule(RuleGoal { args, .. }) = &step.goal.kind else { return None };
    let effort = seen.effort?;
    // Within its own rounds a rule is only read.
    let is_computed = !effort.methods.contains(&Method::Handed);
    if !is_computed || effort.read < WHOLE_RULE_ROWS || effort.bound(step).contains(&true) {
        return None;
    }
    let names = args.iter().flatten().map(|slot| seen.name(*slot)).collect::<Vec<_>>();
    let message = format!("`{}` was computed in whole: {} rows, as no argument was bound when it ran", seen.clause, effort.read);
    let help = match &names[..] {
        [] => "give it an argument, such as an input: only what it leads to is then computed".to_owned(),
        _ => format!(
            "bind {}, by an input or by a clause that gives few values: only what they lead to is then computed",
            names.join(" or ")
        ),
    };
    Some(seen.hint("whole-rule", message, help))
}

fn wrong_estimate(seen: &Seen<'_>) -> Option<Hint> {
    let (step, effort) = (seen.step(), seen.effort?);
    // A range that was left to the predicate gave more than the pattern and its range were expected to.
    let has_range = matches!(&step.goal.kind, GoalKind::Scan(scan) if scan.range.is_some());
    if has_range && !effort.methods.contains(&Method::Range) {
        return None;
    }
    // What runs once a round, or was cut short, says nothing of the estimate.
    if effort.runs != 1 || effort.methods.contains(&Method::Handed) || whole_rule(seen).is_some() {
        return None;
    }
    let (expected, found) = (step.estimated_rows.max(1.0), (effort.rows as f64).max(1.0));
    let is_wrong = expected.max(found) >= WRONG_ROWS && (expected / found).max(found / expected) > WRONG_BY;
    // An estimate that rests on a wrong one is not wrong itself.
    let before = seen.at.checked_sub(1).map_or(1.0, |at| seen.plan.steps[at].estimated_rows).max(1.0);
    let was_wrong_before = {
        let real = (effort.rows_before as f64).max(1.0);
        (before / real).max(real / before) > WRONG_BY
    };
    if !is_wrong || was_wrong_before {
        return None;
    }
    let message = format!("`{}`: {} rows were expected, and {} came", seen.clause, expected.min(1e18) as u64, effort.rows);
    let help = match &step.goal.kind {
        GoalKind::Rule(_) => {
            "how much a recursive rule gives is a guess: bind its arguments first, so that the guess matters less"
        }
        GoalKind::Call(_) | GoalKind::Absent(_) => {
            "what a predicate keeps is a guess: if the steps behind it are slow, ask for its rows first and give them as an input"
        }
        _ => {
            "its values are not spread evenly: if the steps behind it are slow, ask for the few rows first and give them as an input"
        }
    };
    Some(seen.hint("wrong-estimate", message, help.to_owned()))
}
