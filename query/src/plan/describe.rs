//! Goals as people read them: a clause with the names that the query used.

use crate::plan::goal::{CallArgument, Goal, GoalKind, Place, ScanGoal, Target};
use crate::plan::program::Program;
use crate::plan::slot::Slot;
use crate::source::Source;
use crate::value::Value;

/// A goal as a clause.
pub(crate) fn clause(goal: &Goal, program: &Program) -> String {
    let names = |slots: &[Slot]| slots.iter().map(|slot| name(*slot, program)).collect::<Vec<_>>().join(" ");
    match &goal.kind {
        GoalKind::Scan(scan) => pattern(scan, program),
        GoalKind::Rows(_, places) => {
            let places = places.iter().map(|place| self::place(place, program)).collect::<Vec<_>>();
            format!("[{}] in rows given as data", places.join(" "))
        }
        GoalKind::Given(relation) => format!("given {}", names(&relation.slots)),
        GoalKind::Input(slots) => format!("rows from outside: {}", names(slots)),
        GoalKind::Call(call) => {
            let args = call.args.iter().map(|arg| match arg {
                CallArgument::Slot(slot) => name(*slot, program),
                CallArgument::Constant(value) => value.to_string(),
            });
            let head = std::iter::once(call.function.name().to_owned()).chain(args).collect::<Vec<_>>().join(" ");
            match &call.binding {
                Some(target) => format!("[({head}) {}]", self::target(target, program)),
                None => format!("[({head})]"),
            }
        }
        GoalKind::Union(union) => format!("or {}", names(&union.border)),
        GoalKind::Absent(absent) => format!("not {}", names(&absent.shared)),
        GoalKind::Rule(rule) => {
            let args = rule.args.iter().map(|arg| arg.map_or_else(|| "_".to_owned(), |slot| name(slot, program)));
            let head = program.predicates[rule.predicate].name.to_string();
            format!("({})", std::iter::once(head).chain(args).collect::<Vec<_>>().join(" "))
        }
    }
}

fn name(slot: Slot, program: &Program) -> String {
    match program.constants.get(&slot) {
        Some(Some(value)) => value.to_string(),
        _ => program.names.get(slot as usize).map_or_else(|| "_".to_owned(), |variable| variable.0.to_string()),
    }
}

fn pattern(scan: &ScanGoal, program: &Program) -> String {
    let mut places = scan.places().into_iter().map(|place| self::place(place, program)).collect::<Vec<_>>();
    if let (Some(id), Source::Facts(facts)) = (scan.attribute_id(), &scan.source)
        && let Some(attribute) = facts.attribute_by_id(id)
    {
        places[1] = format!(":{}", attribute.ident);
    }
    while places.len() > 2 && places.last().is_some_and(|place| place == "_") {
        places.pop();
    }
    format!("[{}]", places.join(" "))
}

fn place(place: &Place, program: &Program) -> String {
    match place {
        Place::Blank => "_".to_owned(),
        Place::Slot(slot) => name(*slot, program),
        Place::Constant(value) => Value::to_string(value),
    }
}

fn target(form: &Target, program: &Program) -> String {
    let all = |parts: &[Target]| parts.iter().map(|part| target(part, program)).collect::<Vec<_>>().join(" ");
    match form {
        Target::Ignore => "_".to_owned(),
        Target::Scalar(slot) => name(*slot, program),
        Target::Tuple(parts) => format!("[{}]", all(parts)),
        Target::Collection(part) => format!("[{} ...]", target(part, program)),
        Target::Relation(parts) => format!("[[{}]]", all(parts)),
    }
}
