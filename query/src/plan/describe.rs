//! Goals as people read them: a clause with the names that the query used.

use std::ops::Bound;

use crate::ast::Find;
use crate::find::element_text;
use crate::plan::Plan;
use crate::plan::goal::{CallArgument, Goal, GoalKind, NestedGoal, Place, ScanGoal, Target, ValueRange};
use crate::plan::program::Program;
use crate::plan::slot::{Slot, SlotSet};
use crate::plan::tree::Grouping;
use crate::source::Source;
use crate::value::Value;

/// What the variables of a plan are called: by their names, with a number behind those that two scopes share; constants as themselves.
pub(crate) struct Names<'p> {
    program: &'p Program,
    /// The slots that the plan mentions.
    mentioned: SlotSet,
}

impl<'p> Names<'p> {
    /// Of everything in this plan.
    pub(crate) fn of(plan: &Plan, program: &'p Program) -> Self {
        let mut names = Self { program, mentioned: SlotSet::default() };
        names.mention(plan);
        names
    }

    fn mention(&mut self, plan: &Plan) {
        for step in &plan.steps {
            self.mentioned.extend(step.goal.mentions());
            step.branches.iter().for_each(|plan| self.mention(plan));
        }
    }

    /// One variable.
    pub(crate) fn name(&self, slot: Slot) -> String {
        if let Some(Some(value)) = self.program.constants.get(&slot) {
            return value.to_string();
        }
        let names = &self.program.names;
        let Some(variable) = names.get(slot as usize).filter(|variable| &*variable.0 != "_") else { return "_".to_owned() };
        let is_namesake = |other: &Slot| *other < slot && names.get(*other as usize) == Some(variable);
        match self.mentioned.iter().filter(is_namesake).count() {
            0 => variable.0.to_string(),
            namesakes => format!("{}#{}", variable.0, namesakes + 1),
        }
    }

    /// One variable of a rule's head, whose plans have names of their own.
    pub(crate) fn parameter(slot: Slot, program: &Program) -> String {
        program.names.get(slot as usize).map_or_else(|| "_".to_owned(), |variable| variable.0.to_string())
    }
}

/// A goal as a clause.
pub(crate) fn clause(goal: &Goal, names: &Names<'_>) -> String {
    let all = |slots: &[Slot]| slots.iter().map(|slot| names.name(*slot)).collect::<Vec<_>>().join(" ");
    match &goal.kind {
        GoalKind::Scan(scan) => pattern(scan, names),
        GoalKind::Rows(_, places) => {
            let places = places.iter().map(|place| self::place(place, names)).collect::<Vec<_>>();
            format!("[{}] in rows given as data", places.join(" "))
        }
        GoalKind::Given(relation) => match (&relation.slots[..], relation.rows) {
            ([], _) => "nothing given".to_owned(),
            (slots, 1) => format!("given {}", all(slots)),
            (slots, rows) => format!("given {}: {rows} rows", all(slots)),
        },
        GoalKind::Input(slots) if slots.is_empty() => "the rows around".to_owned(),
        GoalKind::Input(slots) => format!("the rows around: {}", all(slots)),
        GoalKind::Call(call) => {
            let args = call.args.iter().map(|arg| match arg {
                CallArgument::Slot(slot) => names.name(*slot),
                CallArgument::Constant(value) => value.to_string(),
            });
            let query = call.nested.as_ref().map(|nested| nested_query(nested));
            let name = call.function.name().to_owned();
            let head = std::iter::once(name).chain(query).chain(args).collect::<Vec<_>>().join(" ");
            match &call.binding {
                Some(target) => format!("[({head}) {}]", self::target(target, names)),
                None => format!("[({head})]"),
            }
        }
        GoalKind::Union(union) => match &union.rule {
            Some(rule) => format!("({rule} {})", all(&union.border)),
            None => format!("or {}", all(&union.border)),
        },
        GoalKind::Absent(absent) => format!("not {}", all(&absent.shared)),
        GoalKind::Group(group) => match group.grouping {
            Grouping::Apart => format!("joined apart: {}", all(&group.slots)),
            Grouping::Cycle => format!("a cycle: {}", all(&group.slots)),
        },
        GoalKind::Rule(rule) => {
            let args = rule.args.iter().map(|arg| arg.map_or_else(|| "_".to_owned(), |slot| names.name(slot)));
            let head = names.program.predicates[rule.predicate].name.to_string();
            format!("({})", std::iter::once(head).chain(args).collect::<Vec<_>>().join(" "))
        }
    }
}

/// A query inside the query, by what it asks for.
fn nested_query(nested: &NestedGoal) -> String {
    let elements = nested.query.find.elements().iter().map(element_text).collect::<Vec<_>>().join(" ");
    match nested.query.find {
        Find::Relation(_) => format!("[:find {elements} ..]"),
        Find::Collection(_) => format!("[:find [{elements} ...] ..]"),
        Find::Tuple(_) => format!("[:find [{elements}] ..]"),
        Find::Scalar(_) => format!("[:find {elements} . ..]"),
    }
}

fn pattern(scan: &ScanGoal, names: &Names<'_>) -> String {
    let mut places = scan.places().into_iter().map(|place| self::place(place, names)).collect::<Vec<_>>();
    if let (Some(id), Source::Facts(facts)) = (scan.attribute_id(), &scan.source)
        && let Some(attribute) = facts.attribute_by_id(id)
    {
        places[1] = format!(":{}", attribute.ident);
    }
    while places.len() > 2 && places.last().is_some_and(|place| place == "_") {
        places.pop();
    }
    let pattern = format!("[{}]", places.join(" "));
    match (&scan.range, &places.get(2)) {
        (Some(range), Some(name)) => format!("{pattern} with {}", bounds(range, name)),
        _ => pattern,
    }
}

/// `18 <= ?age < 65`.
fn bounds(range: &ValueRange, name: &str) -> String {
    let low = match &range.low {
        Bound::Included(value) => format!("{value} <= "),
        Bound::Excluded(value) => format!("{value} < "),
        Bound::Unbounded => String::new(),
    };
    let high = match &range.high {
        Bound::Included(value) => format!(" <= {value}"),
        Bound::Excluded(value) => format!(" < {value}"),
        Bound::Unbounded => String::new(),
    };
    format!("{low}{name}{high}")
}

fn place(place: &Place, names: &Names<'_>) -> String {
    match place {
        Place::Blank => "_".to_owned(),
        Place::Slot(slot) => names.name(*slot),
        Place::Constant(value) => Value::to_string(value),
    }
}

fn target(form: &Target, names: &Names<'_>) -> String {
    let all = |parts: &[Target]| parts.iter().map(|part| target(part, names)).collect::<Vec<_>>().join(" ");
    match form {
        Target::Ignore => "_".to_owned(),
        Target::Scalar(slot) => names.name(*slot),
        Target::Tuple(parts) => format!("[{}]", all(parts)),
        Target::Collection(part) => format!("[{} ...]", target(part, names)),
        Target::Relation(parts) => format!("[[{}]]", all(parts)),
    }
}
