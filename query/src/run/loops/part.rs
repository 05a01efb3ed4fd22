//! What a derivation joins: tables that grow, and relations that stay as they are. What neither recurses nor starts from demands is found
//! once, together with the functions and predicates that need nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Result;
use crate::facts::Cardinality;
use crate::plan::Plan;
use crate::plan::goal::{AbsentGoal, CallArgument, Goal, GoalKind, ScanGoal};
use crate::plan::needs::Needs;
use crate::plan::order::plan_block;
use crate::plan::slot::{Slot, SlotSet};
use crate::run::Run;
use crate::run::block::{Frame, run_plan};
use crate::run::compare::Operator;
use crate::run::fixpoint::surroundings;
use crate::run::outline::{Derivation, Goes, Outline, calls_component};
use crate::run::relation::Relation;
use crate::run::shape::is_like_scan;
use crate::source::Source;
use crate::value::Value;

/// A relation is small beside another that has so many times as many rows.
const ROWS_PER_FEW: usize = 4;

/// Rows over the variables of a body, of a table that grows or stays.
#[derive(Clone, Debug)]
pub(crate) struct Atom {
    /// Which table: those that grow come first, then those that stay.
    pub(crate) table: Table,
    /// A variable a column; `None` where it does not matter.
    pub(crate) args: Vec<Option<Slot>>,
    /// True if there must be no such row.
    pub(crate) is_absent: bool,
    /// The clauses that it stands for.
    pub(crate) goals: Vec<Arc<Goal>>,
}

/// The rows of an atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// Answers or demands, by their place among the tables that grow.
    Grown(usize),
    /// A relation that stays.
    Fixed(usize),
}

/// Two sides of a comparison.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    pub(crate) operator: Operator,
    pub(crate) left: Slot,
    pub(crate) right: Operand,
    /// The clause that it is.
    pub(crate) goal: Arc<Goal>,
}

impl Test {
    /// The variables that are compared.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> {
        let right = if let Operand::Slot(slot) = self.right { Some(slot) } else { None };
        std::iter::once(self.left).chain(right)
    }
}

/// What a variable is compared with.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    Slot(Slot),
    Constant(Value),
}

/// One derivation as a join.
#[derive(Debug)]
pub(crate) struct Body {
    /// The table that grows by it.
    pub(crate) goes: usize,
    /// What it gives.
    pub(crate) head: Vec<Slot>,
    /// What it joins.
    pub(crate) atoms: Vec<Atom>,
    /// What it compares on the way.
    pub(crate) tests: Vec<Test>,
    /// The rule whose body it is.
    pub(crate) predicate: usize,
}

/// A relation that stays.
#[derive(Debug)]
pub(crate) struct Fixed {
    pub(crate) rows: Relation,
    /// The pattern that it is, and the variables of its columns, if it is nothing but a pattern.
    pattern: Option<(ScanGoal, Vec<Slot>)>,
}

/// Goals that are found together.
struct Piece {
    goals: Vec<Arc<Goal>>,
    slots: SlotSet,
}

/// All bodies, and what they join that stays.
pub(crate) struct Parts<'r, 'p> {
    pub(crate) bodies: Vec<Body>,
    pub(crate) fixed: Vec<Fixed>,
    /// How the relations were found.
    pub(crate) plans: Vec<Plan>,
    /// How many columns each table that grows has.
    pub(crate) widths: Vec<usize>,
    outline: &'r Outline,
    run: &'r Run<'p>,
}

/// The place of a table among those that grow: its answers, or the demands on it.
pub(crate) fn grown(goes: Goes) -> usize {
    match goes {
        Goes::Answers(at) => at * 2,
        Goes::Demands(at) => at * 2 + 1,
    }
}

impl<'r, 'p> Parts<'r, 'p> {
    /// Of an outline. `None` if something in it has to be run row by row.
    pub(crate) fn of(outline: &'r Outline, run: &'r Run<'p>) -> Result<Option<Self>> {
        let widths = outline.tables.iter().flat_map(|table| [table.params.len(), table.demanded.len()]).collect();
        let mut parts = Self { bodies: Vec::new(), fixed: Vec::new(), plans: Vec::new(), widths, outline, run };
        for derivation in &outline.derivations {
            // Tables without demands are computed whole.
            if derivation.output.is_empty() {
                if matches!(derivation.goes, Goes::Answers(_)) {
                    return Ok(None);
                }
                continue;
            }
            if !parts.add(derivation)? {
                return Ok(None);
            }
        }
        (0..parts.bodies.len()).for_each(|body| while parts.shorten(body) {});
        Ok(Some(parts))
    }

    /// Where one growing table leads to few rows of what stays, but only over another growing table, these two are joined once, in a table of
    /// their own: else every new row of the first would meet all of the second, to find that most lead nowhere.
    fn shorten(&mut self, body: usize) -> bool {
        let most = self.fixed.iter().map(|fixed| fixed.rows.rows).max().unwrap_or(0);
        let own = &self.bodies[body];
        let is_grown = |atom: &Atom| matches!(atom.table, Table::Grown(_));
        let is_few = |atom: &Atom| match atom.table {
            Table::Fixed(fixed) => !atom.is_absent && self.fixed[fixed].rows.rows * ROWS_PER_FEW <= most,
            Table::Grown(_) => false,
        };
        let meet = |one: &Atom, other: &Atom| one.args.iter().flatten().any(|slot| other.args.contains(&Some(*slot)));
        let pairs = (0..own.atoms.len()).flat_map(|few| (0..own.atoms.len()).map(move |over| (few, over)));
        let is_worth = |(few, over): &(usize, usize)| {
            let (end, between) = (&own.atoms[*few], &own.atoms[*over]);
            let others = || own.atoms.iter().enumerate().filter(|(at, _)| at != few && at != over).map(|(_, atom)| atom);
            is_few(end)
                && is_grown(between)
                && meet(end, between)
                && others().any(|other| is_grown(other) && meet(other, between))
                && others().all(|other| !meet(other, end))
        };
        let Some((few, over)) = pairs.into_iter().find(is_worth) else { return false };
        let others = own.atoms.iter().enumerate().filter(|(at, _)| *at != few && *at != over).map(|(_, atom)| atom.clone());
        let mut needed = own.head.iter().copied().collect::<SlotSet>();
        own.tests.iter().for_each(|test| needed.extend(test.slots()));
        let mut atoms = others.collect::<Vec<_>>();
        for atom in &atoms {
            needed.extend(atom.args.iter().flatten().copied());
        }
        let mut head: Vec<Slot> = Vec::new();
        for slot in own.atoms[few].args.iter().chain(&own.atoms[over].args).flatten() {
            if needed.contains(*slot) && !head.contains(slot) {
                head.push(*slot);
            }
        }
        if head.is_empty() {
            return false;
        }
        let joined = vec![own.atoms[few].clone(), own.atoms[over].clone()];
        let goals = joined.iter().flat_map(|atom| atom.goals.iter().cloned()).collect();
        let (goes, predicate) = (self.widths.len(), own.predicate);
        let args = head.iter().copied().map(Some).collect();
        atoms.insert(0, Atom { table: Table::Grown(goes), args, is_absent: false, goals });
        self.widths.push(head.len());
        self.bodies[body].atoms = atoms;
        self.bodies.push(Body { goes, head, atoms: joined, tests: Vec::new(), predicate });
        true
    }

    /// False if the body cannot be a join.
    fn add(&mut self, derivation: &Derivation) -> Result<bool> {
        let (mut atoms, mut others) = (Vec::new(), Vec::new());
        for goal in &derivation.goals {
            let called = derivation.calls.iter().find(|(id, _)| *id == goal.id);
            match (&goal.kind, called) {
                (GoalKind::Input(slots), _) if slots.is_empty() => {}
                (GoalKind::Input(slots), _) => {
                    let table = Table::Grown(grown(Goes::Demands(derivation.demands_of)));
                    let args = slots.iter().copied().map(Some).collect();
                    atoms.push(Atom { table, args, is_absent: false, goals: vec![Arc::clone(goal)] });
                }
                (GoalKind::Rule(call), Some((_, table))) => {
                    let table = Table::Grown(grown(Goes::Answers(*table)));
                    atoms.push(Atom { table, args: call.args.clone(), is_absent: false, goals: vec![Arc::clone(goal)] });
                }
                _ => others.push(Arc::clone(goal)),
            }
        }
        let predicate = self.outline.tables[derivation.demands_of].adorned.0;
        let (goes, head) = (grown(derivation.goes), derivation.output.clone());
        let mut body = Body { goes, head, atoms, tests: Vec::new(), predicate };
        let component = self.run.program.predicates[predicate].component;
        if calls_component(&others, component, self.run) {
            return Ok(false);
        }
        let is_alive = if body.atoms.is_empty() {
            Some(self.join(&others, &body.head.iter().copied().collect(), &mut body)?)
        } else {
            self.pieces(others, &mut body)?
        };
        if is_alive == Some(true) {
            self.bodies.push(body);
        }
        Ok(is_alive.is_some())
    }

    /// Adds to a body what does not grow; `None` if that cannot be, false if it never holds.
    fn pieces(&mut self, goals: Vec<Arc<Goal>>, body: &mut Body) -> Result<Option<bool>> {
        let Some((mut pieces, open)) = self.closed(goals) else { return Ok(None) };
        let open = attached(&mut pieces, open, self.run);
        let mut absent = Vec::new();
        for goal in open {
            match &goal.kind {
                GoalKind::Call(_) => match test(&goal) {
                    Some(test) => body.tests.push(test),
                    None => return Ok(None),
                },
                GoalKind::Absent(inner) if self.is_found_alone(inner) => absent.push(inner.clone()),
                _ => return Ok(None),
            }
        }
        let mut needed = body.head.iter().copied().collect::<SlotSet>();
        for atom in &body.atoms {
            needed.extend(atom.args.iter().flatten().copied());
        }
        body.tests.iter().for_each(|test| needed.extend(test.slots()));
        for inner in &absent {
            needed.extend(inner.shared.iter().copied());
        }
        for (at, piece) in pieces.iter().enumerate() {
            let others = pieces.iter().enumerate().filter(|(other, _)| *other != at);
            let is_needed = |slot: &Slot| needed.contains(*slot) || others.clone().any(|(_, other)| other.slots.contains(*slot));
            let wanted = piece.slots.iter().filter(is_needed).collect();
            if !self.join(&piece.goals, &wanted, body)? {
                return Ok(Some(false));
            }
        }
        for inner in absent {
            let wanted = inner.shared.iter().copied().collect();
            let has_rows = self.join(&inner.goals, &wanted, body)?;
            // Without rows it always holds.
            match body.atoms.last_mut() {
                Some(atom) if has_rows => atom.is_absent = true,
                _ => _ = body.atoms.pop(),
            }
        }
        Ok(Some(true))
    }

    /// Goals that need nothing, each for itself, and those that need something. `None` if one of them is better not found whole, or the budget
    /// is spent, which whatever is done instead then says.
    fn closed(&self, goals: Vec<Arc<Goal>>) -> Option<(Vec<Piece>, Vec<Arc<Goal>>)> {
        let predicates = &self.run.program.predicates;
        let is_open = self.outline.tables[0].demanded.is_empty();
        let (mut pieces, mut open, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        for goal in goals {
            let is_pattern = |goal: &Arc<Goal>| matches!(goal.kind, GoalKind::Scan(_) | GoalKind::Rows(..) | GoalKind::Given(_));
            let is_choice = matches!(&goal.kind, GoalKind::Union(union)
                if union.branches.iter().all(|goals| goals.len() == 1 && goals.iter().all(is_pattern)));
            if !goal.needs(predicates, self.run.budget).ok()?.is_none() {
                open.push(goal);
            } else if is_pattern(&goal) || is_choice || matches!(goal.kind, GoalKind::Call(_)) {
                pieces.push(Piece { slots: goal.binds().into_iter().collect(), goals: vec![goal] });
            } else if is_open {
                asked.push(goal);
            } else {
                return None;
            }
        }
        // A rule or a choice of joins is asked with what is known of its arguments.
        for goal in asked {
            let slots = goal.binds().into_iter().collect::<SlotSet>();
            let mut whole = Piece { goals: vec![goal], slots };
            while let Some(at) = pieces.iter().position(|piece: &Piece| piece.slots.iter().any(|slot| whole.slots.contains(slot)))
            {
                let piece = pieces.remove(at);
                whole.goals.extend(piece.goals);
                whole.slots.union_with(&piece.slots);
            }
            pieces.push(whole);
        }
        Some((pieces, open))
    }

    fn is_found_alone(&self, absent: &AbsentGoal) -> bool {
        let is_pattern = |goal: &Arc<Goal>| matches!(goal.kind, GoalKind::Scan(_) | GoalKind::Rows(..));
        let is_open = self.outline.tables[0].demanded.is_empty();
        absent.goals.iter().all(is_pattern)
            && !absent.shared.is_empty()
            && (absent.goals.len() == 1 || is_open)
            && Needs::of_block(&absent.goals, &absent.shared, &[], &self.run.program.predicates, self.run.budget)
                .is_ok_and(|needs| needs.is_none())
    }

    /// Adds the rows of goals over these variables as an atom. False if there are none.
    fn join(&mut self, goals: &[Arc<Goal>], wanted: &SlotSet, body: &mut Body) -> Result<bool> {
        let mut output = Vec::new();
        let pattern = match goals {
            [goal] => match &goal.kind {
                GoalKind::Scan(scan) => Some((**scan).clone()),
                _ => None,
            },
            _ => None,
        };
        for slot in goals.iter().flat_map(|goal| goal.binds()).filter(|slot| wanted.contains(*slot)) {
            if !output.contains(&slot) {
                output.push(slot);
            }
        }
        let known = pattern.as_ref().and_then(|scan| self.fixed.iter().position(|fixed| fixed.is_like(scan, &output)));
        let at = if let Some(known) = known {
            known
        } else {
            let plan = plan_block(goals, &output, None, surroundings(self.run))?;
            let rows = run_plan(&plan, self.run, &Frame::default())?;
            self.plans.push(plan);
            self.fixed.push(Fixed { rows, pattern: pattern.map(|scan| (scan, output.clone())) });
            self.fixed.len() - 1
        };
        if !output.is_empty() {
            let (table, args) = (Table::Fixed(at), output.into_iter().map(Some).collect());
            body.atoms.push(Atom { table, args, is_absent: false, goals: goals.to_vec() });
        }
        Ok(self.fixed[at].rows.rows > 0)
    }
}

impl Fixed {
    /// True if the pattern gives these rows, but for the names of variables.
    fn is_like(&self, scan: &ScanGoal, output: &[Slot]) -> bool {
        let Some((own, slots)) = &self.pattern else { return false };
        let (mut pairs, mut back) = (BTreeMap::new(), BTreeMap::new());
        let mut is_one = |a: Slot, b: Slot| *pairs.entry(a).or_insert(b) == b && *back.entry(b).or_insert(a) == a;
        slots.len() == output.len()
            && slots.iter().zip(output).all(|(a, b)| is_one(*a, *b))
            && is_like_scan(own, scan, &mut is_one)
    }
}

/// Gives each open goal to a piece that binds all it needs, which may be made of several that say one thing each of what the first one names.
/// Those that no piece can take are left.
fn attached(pieces: &mut Vec<Piece>, mut open: Vec<Arc<Goal>>, run: &Run<'_>) -> Vec<Arc<Goal>> {
    loop {
        let count = open.len();
        let mut left = Vec::new();
        for goal in open {
            let Ok(needs) = goal.needs(&run.program.predicates, run.budget) else {
                left.push(goal);
                continue;
            };
            let needs = needs.slots().collect::<Vec<_>>();
            // What is inside a choice may need more than it can be told here.
            match host(pieces, &needs).filter(|_| !matches!(goal.kind, GoalKind::Union(_) | GoalKind::Rule(_))) {
                Some(at) => {
                    pieces[at].slots.extend(goal.binds());
                    pieces[at].goals.push(goal);
                }
                None => left.push(goal),
            }
        }
        if left.len() == count || left.is_empty() {
            return left;
        }
        open = left;
    }
}

/// The piece that binds all of these, put together if it has to be.
fn host(pieces: &mut Vec<Piece>, needs: &[Slot]) -> Option<usize> {
    if let Some(at) = pieces.iter().position(|piece| piece.slots.contains_all(needs)) {
        return Some(at);
    }
    let says = |piece: &Piece, host: &Piece| {
        let [goal] = &piece.goals[..] else { return false };
        let GoalKind::Scan(scan) = &goal.kind else { return false };
        scan.entity.slot().is_some_and(|slot| host.slots.contains(slot)) && says_one_thing(scan)
    };
    for at in 0..pieces.len() {
        let own = &pieces[at];
        let helps = |other: &usize| {
            *other != at && says(&pieces[*other], own) && needs.iter().any(|slot| pieces[*other].slots.contains(*slot))
        };
        let mut helping = (0..pieces.len()).filter(helps).collect::<Vec<_>>();
        let is_bound =
            |slot: &Slot| own.slots.contains(*slot) || helping.iter().any(|other| pieces[*other].slots.contains(*slot));
        if !needs.iter().all(is_bound) {
            continue;
        }
        helping.sort_unstable();
        let mut host = at;
        for other in helping.into_iter().rev() {
            let piece = pieces.remove(other);
            host -= usize::from(other < host);
            pieces[host].goals.extend(piece.goals);
            pieces[host].slots.union_with(&piece.slots);
        }
        return Some(host);
    }
    None
}

/// True if an entity has one such fact, so that joining it makes no rows more.
fn says_one_thing(scan: &ScanGoal) -> bool {
    let Source::Facts(facts) = &scan.source else { return false };
    let attribute = scan.attribute_id().and_then(|id| facts.attribute_by_id(id));
    attribute.is_some_and(|attribute| attribute.cardinality == Cardinality::One) && !facts.is_history()
}

/// A comparison of a variable.
fn test(goal: &Arc<Goal>) -> Option<Test> {
    let GoalKind::Call(call) = &goal.kind else { return None };
    if !call.is_test() {
        return None;
    }
    let operator = Operator::named(call.function.name())?;
    let (left, right, operator) = match &call.args[..] {
        [CallArgument::Slot(left), CallArgument::Slot(right)] => (*left, Operand::Slot(*right), operator),
        [CallArgument::Slot(left), CallArgument::Constant(value)] => (*left, Operand::Constant(value.clone()), operator),
        [CallArgument::Constant(value), CallArgument::Slot(right)] => {
            (*right, Operand::Constant(value.clone()), operator.turned())
        }
        _ => return None,
    };
    Some(Test { operator, left, right, goal: Arc::clone(goal) })
}
