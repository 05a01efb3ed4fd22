//! Bodies of rules put in place of their calls, so that a rule that calls itself through others is seen to call itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::plan::goal::{
    AbsentGoal, CallArgument, CallGoal, Goal, GoalKind, GroupGoal, Place, PredicateBranch, RuleGoal, ScanGoal, Target, UnionGoal,
};
use crate::plan::program::Program;
use crate::plan::slot::Slot;
use crate::run::Run;
use crate::run::outline::spread;

/// A rule of more heads than this, with those of others in place of their calls, stays as it is.
const BRANCHES_MAX: usize = 16;

/// The heads of a rule, with calls of the other rules of its component replaced by their bodies until only calls of its own are left.
/// `None` if others call themselves, or would stand in a body more than once.
pub(crate) fn heads(predicate: usize, run: &Run<'_>) -> Option<Vec<PredicateBranch>> {
    let spread_heads = |predicate: usize| {
        let branches = &run.program.predicates[predicate].branches;
        branches.iter().flat_map(|branch| spread(branch, predicate, run)).collect::<Vec<_>>()
    };
    let component = run.program.predicates[predicate].component;
    let mut waiting = spread_heads(predicate);
    let mut done = Vec::new();
    let mut fresh = run.program.names.len() as Slot;
    while let Some(branch) = waiting.pop() {
        let other = branch.goals.iter().enumerate().find_map(|(at, goal)| match &goal.kind {
            GoalKind::Rule(call) if call.predicate != predicate => {
                (run.program.predicates[call.predicate].component == component).then(|| (at, call.clone()))
            }
            _ => None,
        });
        let Some((at, call)) = other else {
            done.push(branch);
            continue;
        };
        for inner in spread_heads(call.predicate) {
            waiting.push(put_in(&branch, at, &call, &inner, &mut fresh, run.program)?);
        }
        if waiting.len() + done.len() > BRANCHES_MAX {
            return None;
        }
    }
    done.reverse();
    Some(done)
}

/// The branch with a body in place of the call at `at`. `None` if the body stands there already, its head repeats a variable, or what it is
/// called with takes the place of a variable that has to keep its name.
fn put_in(
    branch: &PredicateBranch,
    at: usize,
    call: &RuleGoal,
    inner: &PredicateBranch,
    fresh: &mut Slot,
    program: &Program,
) -> Option<PredicateBranch> {
    let known = branch.goals.iter().map(|goal| goal.id).collect::<BTreeSet<_>>();
    if inner.goals.iter().any(|goal| known.contains(&goal.id)) {
        return None;
    }
    let mut next = || {
        *fresh += 1;
        *fresh - 1
    };
    let mut names: BTreeMap<Slot, Slot> = BTreeMap::new();
    for (param, arg) in inner.head.iter().zip(&call.args) {
        let is_known = names.insert(*param, arg.unwrap_or_else(&mut next)).is_some();
        if is_known {
            return None;
        }
    }
    let mut kept = Vec::new();
    add_kept(&inner.goals, program, &mut kept);
    if kept.into_iter().any(|slot| *names.entry(slot).or_insert(slot) != slot) {
        return None;
    }
    let mut renamed = |slot: Slot| *names.entry(slot).or_insert_with(&mut next);
    let mut goals = branch.goals.clone();
    goals.splice(at..=at, inner.goals.iter().map(|goal| renamed_goal(goal, &mut renamed)).collect::<Vec<_>>());
    Some(PredicateBranch { head: branch.head.clone(), goals })
}

/// The variables that keep their names: what a constant argument is, and which entities the results of a function stand for, is known by them.
fn add_kept(goals: &[Arc<Goal>], program: &Program, kept: &mut Vec<Slot>) {
    for goal in goals {
        match &goal.kind {
            GoalKind::Given(given) => kept.extend(&given.slots),
            GoalKind::Call(_) if program.grounded.contains_key(&goal.id) || !program.expected_of(goal).is_empty() => {
                kept.extend(goal.binds());
            }
            GoalKind::Union(union) => union.branches.iter().for_each(|goals| add_kept(goals, program, kept)),
            GoalKind::Absent(absent) => add_kept(&absent.goals, program, kept),
            GoalKind::Group(group) => add_kept(&group.goals, program, kept),
            _ => {}
        }
    }
}

type Renamed<'r> = &'r mut dyn FnMut(Slot) -> Slot;

fn renamed_goal(goal: &Arc<Goal>, name: Renamed<'_>) -> Arc<Goal> {
    let kind = match &goal.kind {
        GoalKind::Scan(scan) => GoalKind::Scan(Box::new(renamed_scan(scan, name))),
        GoalKind::Rows(rows, places) => {
            GoalKind::Rows(Arc::clone(rows), places.iter().map(|place| renamed_place(place, name)).collect())
        }
        GoalKind::Given(given) => {
            let slots = given.slots.iter().map(|slot| name(*slot)).collect();
            GoalKind::Given(given.clone().renamed(slots))
        }
        GoalKind::Input(slots) => GoalKind::Input(slots.iter().map(|slot| name(*slot)).collect()),
        GoalKind::Call(call) => GoalKind::Call(renamed_call(call, name)),
        GoalKind::Union(union) => GoalKind::Union(UnionGoal {
            border: union.border.iter().map(|slot| name(*slot)).collect(),
            required: union.required.iter().map(|slot| name(*slot)).collect(),
            branches: union.branches.iter().map(|goals| renamed_goals(goals, name)).collect(),
            rule: union.rule.clone(),
        }),
        GoalKind::Absent(absent) => GoalKind::Absent(AbsentGoal {
            shared: absent.shared.iter().map(|slot| name(*slot)).collect(),
            goals: renamed_goals(&absent.goals, name),
        }),
        GoalKind::Rule(rule) => {
            let args = rule.args.iter().map(|arg| arg.map(&mut *name)).collect();
            GoalKind::Rule(RuleGoal { predicate: rule.predicate, args })
        }
        GoalKind::Group(group) => GoalKind::Group(GroupGoal {
            grouping: group.grouping,
            slots: group.slots.iter().map(|slot| name(*slot)).collect(),
            goals: renamed_goals(&group.goals, name),
        }),
    };
    Arc::new(Goal { id: goal.id, kind, span: goal.span, rule: goal.rule.clone() })
}

fn renamed_goals(goals: &[Arc<Goal>], name: Renamed<'_>) -> Vec<Arc<Goal>> {
    goals.iter().map(|goal| renamed_goal(goal, name)).collect()
}

fn renamed_scan(scan: &ScanGoal, name: Renamed<'_>) -> ScanGoal {
    let mut scan = scan.clone();
    let [t, m, added] = &mut scan.rest;
    for place in [&mut scan.entity, &mut scan.attribute, &mut scan.value, t, m, added] {
        *place = renamed_place(place, name);
    }
    scan
}

fn renamed_place(place: &Place, name: Renamed<'_>) -> Place {
    match place {
        Place::Slot(slot) => Place::Slot(name(*slot)),
        other => other.clone(),
    }
}

fn renamed_call(call: &CallGoal, name: Renamed<'_>) -> CallGoal {
    let mut call = call.clone();
    for arg in &mut call.args {
        if let CallArgument::Slot(slot) = arg {
            *slot = name(*slot);
        }
    }
    call.binding = call.binding.as_ref().map(|target| renamed_target(target, name));
    call
}

fn renamed_target(target: &Target, name: Renamed<'_>) -> Target {
    let all = |parts: &[Target], name: Renamed<'_>| parts.iter().map(|part| renamed_target(part, name)).collect();
    match target {
        Target::Ignore => Target::Ignore,
        Target::Scalar(slot) => Target::Scalar(name(*slot)),
        Target::Tuple(parts) => Target::Tuple(all(parts, name)),
        Target::Collection(part) => Target::Collection(Box::new(renamed_target(part, name))),
        Target::Relation(parts) => Target::Relation(all(parts, name)),
    }
}
