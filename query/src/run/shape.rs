//! Rules that only walk: recursive rules whose answers are found by a search in a graph, however their recursion is spelled.
//!
//! One argument moves, the others stay: `base` says where a walk begins, `step` how it goes on, and neither recurses.
//!
//! ```text
//! [(r ?k ?m) base(?k, ?m)]                       where walks begin, for any number of arguments ?k
//! [(r ?k ?m) (r ?k ?z) step(?c, ?z, ?m)]         a step, which may depend on some ?c of ?k
//! ```
//!
//! So `[(path ?x ?y) [?x :to ?z] (path ?z ?y)]` walks backward from `?y`. Where steps and beginnings are the same edges, it does not matter
//! which argument moves, nor whether a body joins two walks: `[(path ?x ?y) (path ?x ?z) (path ?z ?y)]`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::plan::goal::{Goal, GoalKind, Place, PredicateBranch, ScanGoal};
use crate::plan::needs::Needs;
use crate::plan::slot::Slot;
use crate::run::Run;
use crate::run::inline;
use crate::source::Source;

/// A conjunction between its ends.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    /// What holds.
    pub(crate) goals: Vec<Arc<Goal>>,
    /// The variables that it gives, of which some may be one.
    pub(crate) ends: Vec<Slot>,
    /// Those of them that it cannot bind itself, by their places in `ends`.
    pub(crate) needs: Vec<usize>,
}

/// How a walk goes on.
#[derive(Debug)]
pub(crate) enum Steps {
    /// By the edges with which walks begin: the last of the arguments that stay is their other end.
    Base,
    /// The same, if edges of each of these, which step at one end or the other, turn out to be edges with which walks begin; where nothing
    /// doubles a walk, those of one end must be all of them.
    BaseIfContained { ends: [Vec<Body>; 2], is_doubled: bool },
    /// By edges of their own: what they depend on, then from where to where.
    Own(Vec<Body>),
}

/// What is known of a rule that walks.
#[derive(Debug)]
pub(crate) struct Shape {
    /// The arguments that stay, by their places.
    pub(crate) keys: Vec<usize>,
    /// The argument that moves.
    pub(crate) moving: usize,
    /// Those of `keys` on which steps depend, ascending.
    pub(crate) contexts: Vec<usize>,
    /// Where walks begin: `keys`, then `moving`.
    pub(crate) bases: Vec<Body>,
    /// How they go on.
    pub(crate) steps: Steps,
    /// What must hold for walks to go on: the variables by their places among `keys`, and the goals.
    pub(crate) condition: Option<(Vec<usize>, Body)>,
}

/// A head that recurses.
enum Recursion<'b> {
    Linear { branch: &'b PredicateBranch, goals: Vec<Arc<Goal>>, moving: usize, via: Slot },
    Doubled { from: usize, to: usize },
}

impl Shape {
    /// The shape of a rule, if it walks.
    pub(crate) fn of(predicate: usize, run: &Run<'_>) -> Option<Self> {
        // Calls of other rules of its component are replaced by their bodies.
        let branches = inline::heads(predicate, run)?;
        let mut bases = Vec::new();
        let mut recursions = Vec::new();
        for branch in &branches {
            let mut calls = Vec::new();
            let mut goals = Vec::new();
            for goal in &branch.goals {
                match &goal.kind {
                    GoalKind::Rule(call) if call.predicate == predicate => {
                        calls.push(call.args.iter().copied().collect::<Option<Vec<_>>>()?);
                    }
                    _ => goals.push(Arc::clone(goal)),
                }
            }
            match &calls[..] {
                [] => bases.push(branch),
                [call] => recursions.push(linear(branch, goals, call)?),
                [one, other] if goals.is_empty() => recursions.push(doubled(&branch.head, one, other)?),
                _ => return None,
            }
        }
        one_way(&bases, &recursions, run).or_else(|| either_way(&bases, &recursions, run))
    }
}

/// The head as places of a call: exactly one argument moves.
fn linear<'b>(branch: &'b PredicateBranch, goals: Vec<Arc<Goal>>, call: &[Slot]) -> Option<Recursion<'b>> {
    let head = &branch.head;
    let mut moved = (0..head.len()).filter(|at| head[*at] != call[*at]);
    let (Some(moving), None) = (moved.next(), moved.next()) else { return None };
    let is_distinct = (1..head.len()).all(|at| !head[..at].contains(&head[at]));
    let via = call[moving];
    (is_distinct && !head.contains(&via)).then_some(Recursion::Linear { branch, goals, moving, via })
}

/// Two calls, of which one ends where the other begins.
fn doubled(head: &[Slot], one: &[Slot], other: &[Slot]) -> Option<Recursion<'static>> {
    let is_distinct = (1..head.len()).all(|at| !head[..at].contains(&head[at]));
    let moved = |call: &[Slot]| {
        let mut moved = (0..head.len()).filter(|at| head[*at] != call[*at]);
        moved.next().filter(|_| moved.next().is_none())
    };
    // The first call moves the end of the walk, the second one its beginning.
    let (to, from) = (moved(one)?, moved(other)?);
    let is_chain = one[to] == other[from] && to != from && !head.contains(&one[to]);
    (is_distinct && is_chain).then_some(Recursion::Doubled { from, to })
}

/// True if a step depends on an argument.
fn mention(goals: &[Arc<Goal>], argument: Slot) -> bool {
    goals.iter().any(|goal| goal.mentions().contains(&argument))
}

/// The slots at these places.
fn at(head: &[Slot], places: &[usize]) -> Vec<Slot> {
    places.iter().map(|place| head[*place]).collect()
}

impl Body {
    /// `None` if it needs an end that must not be given: those from `given` on; or the budget is spent, which whatever is done instead says.
    fn new(goals: Vec<Arc<Goal>>, ends: Vec<Slot>, given: usize, run: &Run<'_>) -> Option<Self> {
        let needs = Needs::of_block(&goals, &ends, &[], &run.program.predicates, run.budget).ok()?;
        let way = needs.way(|slot| ends[..given].contains(&slot))?;
        let needs = (0..ends.len()).filter(|at| way.contains(&ends[*at])).collect::<Vec<_>>();
        let is_distinct = (1..ends.len()).all(|at| !ends[..at].contains(&ends[at]));
        (is_distinct || needs.is_empty()).then_some(Self { goals, ends, needs })
    }

    /// True if both are the same patterns between their ends.
    fn is_like(&self, other: &Self) -> bool {
        let mut pairs = BTreeMap::new();
        let mut back = BTreeMap::new();
        let mut is_one = |a: Slot, b: Slot| *pairs.entry(a).or_insert(b) == b && *back.entry(b).or_insert(a) == a;
        self.goals.len() == other.goals.len()
            && self.ends.len() == other.ends.len()
            && self.ends.iter().zip(&other.ends).all(|(a, b)| is_one(*a, *b))
            && self.goals.iter().zip(&other.goals).all(|(a, b)| match (&a.kind, &b.kind) {
                (GoalKind::Scan(a), GoalKind::Scan(b)) => is_like_scan(a, b, &mut is_one),
                _ => false,
            })
    }
}

/// True if both are the same pattern, where `is_one` says that two variables are.
pub(crate) fn is_like_scan(a: &ScanGoal, b: &ScanGoal, is_one: &mut impl FnMut(Slot, Slot) -> bool) -> bool {
    let is_one_source = match (&a.source, &b.source) {
        (Source::Facts(a), Source::Facts(b)) => Arc::ptr_eq(a, b),
        _ => false,
    };
    is_one_source
        && a.matches_nothing == b.matches_nothing
        && a.value_entity == b.value_entity
        && a.range == b.range
        && a.places().into_iter().zip(b.places()).all(|(a, b)| match (a, b) {
            (Place::Slot(a), Place::Slot(b)) => is_one(*a, *b),
            (a, b) => a == b,
        })
}

/// The bodies that begin walks, over `keys` and then `moving`.
fn beginnings(bases: &[&PredicateBranch], keys: &[usize], moving: usize, run: &Run<'_>) -> Option<Vec<Body>> {
    let body = |base: &&PredicateBranch| {
        let mut ends = at(&base.head, keys);
        ends.push(base.head[moving]);
        Body::new(base.goals.clone(), ends, keys.len(), run)
    };
    bases.iter().map(body).collect()
}

/// All recursion moves the same argument.
fn one_way(bases: &[&PredicateBranch], recursions: &[Recursion<'_>], run: &Run<'_>) -> Option<Shape> {
    let mut moving = None;
    for recursion in recursions {
        match recursion {
            Recursion::Linear { moving: own, .. } if moving.is_none_or(|moving| moving == *own) => moving = Some(*own),
            _ => return None,
        }
    }
    let moving = moving?;
    let keys = (0..bases.first()?.head.len()).filter(|place| *place != moving).collect::<Vec<_>>();
    let begins = beginnings(bases, &keys, moving, run)?;
    if let Some(shape) = same_edges(bases, recursions, &keys, moving, run) {
        return Some(shape);
    }
    let mut parts = Vec::new();
    let mut condition = None;
    for recursion in recursions {
        let Recursion::Linear { branch, goals, via, .. } = recursion else { return None };
        let own_keys = at(&branch.head, &keys);
        let (goals, about_keys) = parted(goals, &own_keys, [*via, branch.head[moving]]);
        if !about_keys.is_empty() {
            if recursions.len() > 1 {
                return None;
            }
            let mentioned = about_keys.iter().flat_map(|goal| goal.mentions()).collect::<Vec<_>>();
            let places = (0..keys.len()).filter(|at| mentioned.contains(&own_keys[*at])).collect::<Vec<_>>();
            let ends = at(&own_keys, &places);
            condition = Some((places.clone(), Body { goals: about_keys, ends, needs: (0..places.len()).collect() }));
        }
        parts.push((goals, branch, *via));
    }
    let is_context = |key: &usize| parts.iter().any(|(goals, branch, _)| mention(goals, branch.head[*key]));
    let contexts = keys.iter().copied().filter(is_context).collect::<Vec<_>>();
    let own = parts.into_iter().map(|(goals, branch, via)| {
        let mut ends = at(&branch.head, &contexts);
        ends.extend([via, branch.head[moving]]);
        Body::new(goals, ends, contexts.len(), run)
    });
    let steps = Steps::Own(own.collect::<Option<_>>()?);
    Some(Shape { keys, moving, contexts, bases: begins, steps, condition })
}

/// The goals that have to do with a step, and those that say something of the arguments that stay alone.
fn parted(goals: &[Arc<Goal>], keys: &[Slot], step: [Slot; 2]) -> (Vec<Arc<Goal>>, Vec<Arc<Goal>>) {
    let mut rest = goals.to_vec();
    let mut parts = Vec::new();
    while let Some(goal) = rest.pop() {
        let mut part = vec![goal];
        let mut next = 0;
        while next < part.len() {
            let links = part[next].mentions().into_iter().filter(|slot| !keys.contains(slot)).collect::<Vec<_>>();
            let (linked, others) = rest.into_iter().partition(|goal| goal.mentions().iter().any(|slot| links.contains(slot)));
            rest = others;
            part.extend::<Vec<_>>(linked);
            next += 1;
        }
        parts.push(part);
    }
    let is_about_keys = |part: &Vec<Arc<Goal>>| {
        let mentions = part.iter().flat_map(|goal| goal.mentions()).collect::<Vec<_>>();
        mentions.iter().any(|slot| keys.contains(slot)) && !mentions.iter().any(|slot| step.contains(slot))
    };
    let (about_keys, about_step): (Vec<_>, Vec<_>) = parts.into_iter().partition(is_about_keys);
    (about_step.concat(), about_keys.concat())
}

/// A plain closure: the one pattern with which walks begin is that by which they go on, so walks may as well go forward.
fn same_edges(
    bases: &[&PredicateBranch],
    recursions: &[Recursion<'_>],
    keys: &[usize],
    moving: usize,
    run: &Run<'_>,
) -> Option<Shape> {
    let ([base], [from]) = (bases, keys) else { return None };
    let edge = Body::new(base.goals.clone(), vec![base.head[*from], base.head[moving]], 0, run)?;
    for recursion in recursions {
        let Recursion::Linear { branch, goals, via, .. } = recursion else { return None };
        let step = Body::new(goals.clone(), vec![*via, branch.head[moving]], 0, run)?;
        if mention(goals, branch.head[*from]) || !edge.is_like(&step) {
            return None;
        }
    }
    let bases = beginnings(bases, &[0], 1, run)?;
    Some(Shape { keys: vec![0], moving: 1, contexts: Vec::new(), bases, steps: Steps::Base, condition: None })
}

/// Recursion moves both ends of a walk, which is fine where all of it goes by the same edges.
fn either_way(bases: &[&PredicateBranch], recursions: &[Recursion<'_>], run: &Run<'_>) -> Option<Shape> {
    let mut moved = recursions.iter().flat_map(|recursion| match recursion {
        Recursion::Linear { moving, .. } => vec![*moving],
        Recursion::Doubled { from, to } => vec![*from, *to],
    });
    let mut pair = vec![moved.next()?];
    for place in moved {
        if !pair.contains(&place) {
            pair.push(place);
        }
    }
    pair.sort_unstable();
    let [from, to] = pair[..] else { return None };
    let contexts = (0..bases.first()?.head.len()).filter(|place| !pair.contains(place)).collect::<Vec<_>>();
    let mut keys = contexts.clone();
    keys.push(from);
    let begins = beginnings(bases, &keys, to, run)?;
    if begins.iter().any(|body| body.needs.contains(&contexts.len())) {
        return None;
    }
    let mut ends: [Vec<Body>; 2] = Default::default();
    let mut is_doubled = false;
    for recursion in recursions {
        match recursion {
            Recursion::Doubled { .. } => is_doubled = true,
            Recursion::Linear { branch, goals, moving, via } => {
                let mut own = at(&branch.head, &contexts);
                own.extend(if *moving == to { [*via, branch.head[to]] } else { [branch.head[from], *via] });
                // The other end stays here and moves there, so that no graph has it beside each edge.
                if mention(goals, branch.head[if *moving == to { from } else { to }]) {
                    return None;
                }
                ends[usize::from(*moving == to)].push(Body::new(goals.clone(), own, 0, run)?);
            }
        }
    }
    let is_plain = |body: &Body| matches!(&begins[..], [edge] if edge.is_like(body));
    let steps = if ends.iter().flatten().all(is_plain) { Steps::Base } else { Steps::BaseIfContained { ends, is_doubled } };
    Some(Shape { keys, moving: to, contexts, bases: begins, steps, condition: None })
}
