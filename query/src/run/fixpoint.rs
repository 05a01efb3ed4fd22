//! Recursive rules, bottom-up and semi-naive: each round joins only what the round before found new. Arguments that are bound at the
//! call become demands, so that only what can answer them is computed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::column::Column;
use crate::error::{Code, Error, Result};
use crate::plan::Plan;
use crate::plan::goal::GoalKind;
use crate::plan::order::{Surroundings, plan_block};
use crate::plan::slot::Slot;
use crate::run::Run;
use crate::run::block::{Frame, Round, run_plan};
use crate::run::closure::{Call, Closure};
use crate::run::effort::Method;
use crate::run::explore::{Explored, suits};
use crate::run::loops::Loops;
use crate::run::outline::{Derivation, Goes, Outline, Tabled};
use crate::run::relation::Relation;
use crate::run::shape::Shape;
use crate::run::sparing::Sparing;
use crate::run::stable::StableScans;
use crate::run::store::Store;
use crate::tuning::Way;
use crate::value::Value;

/// Demands expected of a round when its steps are ordered.
const DEMAND_ROWS: f64 = 16.0;

/// A graph that answers some demands only is made so many times.
const GRAPHS_MAX: usize = 8;

/// Loops are begun anew so many times for demands on values that nothing knew.
const LOOPS_MAX: usize = 4;

/// A rule with some parameters bound by its callers.
pub(crate) type Adorned = (usize, Vec<bool>);

/// The same, with the kinds of numbers that are bound.
type GroupKey = (Adorned, Vec<Numbers>);

/// Which numbers a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Numbers {
    Doubles,
    /// Some, among others.
    Mixed,
    /// Longs alone, or none.
    Others,
}

/// The tables of all rules called so far.
#[derive(Default)]
pub(crate) struct Tables {
    groups: BTreeMap<GroupKey, Rc<RefCell<Group>>>,
    walks: BTreeMap<usize, Walks>,
    /// Components whose fixpoint is being computed.
    open: Vec<usize>,
}

impl Tables {
    /// How a rule that was called is answered.
    pub(crate) fn method_of(&self, predicate: usize) -> Method {
        match self.walks.get(&predicate) {
            Some(walks) if walks.explored.is_hopped() => Method::Hops,
            Some(walks) if walks.graph.is_some() => Method::Closure,
            _ => Method::Rounds,
        }
    }

    /// The graph of a rule that was called and found to be a transitive closure.
    pub(crate) fn closure(&self, predicate: usize) -> Option<Arc<Closure>> {
        self.walks.get(&predicate)?.graph.clone()
    }

    /// How the last walk of a rule looked up what it met.
    pub(crate) fn explored(&self, predicate: usize) -> &[Arc<Plan>] {
        self.walks.get(&predicate).map_or(&[], |walks| walks.explored.plans())
    }

    /// What was computed for a rule with these arguments bound.
    pub(crate) fn group(&self, adorned: &Adorned) -> Option<Rc<RefCell<Group>>> {
        self.groups.iter().find(|((known, _), _)| known == adorned).map(|(_, group)| Rc::clone(group))
    }
}

/// What is known of a rule as a walk in a graph.
#[derive(Clone, Default)]
struct Walks {
    /// `None` if it is none.
    shape: Option<Rc<Shape>>,
    graph: Option<Arc<Closure>>,
    /// How often a graph was made.
    graphs: usize,
    explored: Explored,
}

/// What is known of a call within its component.
pub(crate) struct Group {
    adorned: Adorned,
    /// Its fixpoint by looking up what is bound, until it touches too much.
    spared: Option<Rounds>,
    is_spared: bool,
    /// Its fixpoint over numbers, where that can be.
    loops: Option<Loops>,
    /// How often that was begun.
    loops_begun: usize,
    /// Its fixpoint by joins of columns.
    rounds: Option<Rounds>,
}

/// All tables that a call brings about, and the joins by which they grow.
struct Rounds {
    derivations: Vec<Planned>,
    tables: Vec<Table>,
    /// What may be touched, if patterns look up what is bound rather than read everything once.
    sparing: Option<Sparing>,
    /// How many rounds were run.
    count: usize,
}

#[derive(Debug)]
struct Table {
    adorned: Adorned,
    /// The bound parameters, and the demands made on them; new ones in `demands_new`.
    demanded: Vec<Slot>,
    demands: Store,
    demands_new: Relation,
    answers: Store,
    answers_new: Relation,
}

/// What flows into or out of a derivation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow<'g> {
    /// The rule, and which of its arguments are bound.
    pub(crate) table: &'g Adorned,
    /// Demands on it, else its answers.
    pub(crate) is_demand: bool,
}

/// A derivation, planned once for each thing that can be new.
#[derive(Debug)]
struct Planned {
    derivation: Derivation,
    /// A plan for the demands being new, then one for each call.
    plans: Vec<Plan>,
    /// Scans that give the same in every round.
    scans: StableScans,
}

/// Every answer to the demands on a rule; possibly some that nobody asked for.
pub(crate) fn solve(predicate: usize, bound: &[bool], demand: &Relation, run: &Run<'_>) -> Result<Relation> {
    if demand.rows == 0 {
        return Ok(Relation::empty(run.program.predicates[predicate].params.clone()));
    }
    let _nested = run.budget.nest()?;
    let call = Call { bound, demand };
    if let Some(found) = walked(predicate, call, run)? {
        return Ok(found);
    }
    let component = run.program.predicates[predicate].component;
    if run.tables.borrow().open.contains(&component) {
        let name = &run.program.predicates[predicate].name;
        return Err(Error::new(Code::UnstratifiedRule, format!("rule `{name}` depends on its own absence"))
            .with_value(name)
            .with_help("take the recursive call out of `not`"));
    }
    let key = group_key((predicate, bound.to_vec()), demand);
    let group = group_of(&key, run);
    run.tables.borrow_mut().open.push(component);
    let result = group.borrow_mut().answer(demand, run);
    let mut tables = run.tables.borrow_mut();
    tables.open.pop();
    if result.is_err() {
        // What was found so far is not complete, and the call may be made again, with other demands.
        tables.groups.remove(&key);
    }
    drop(tables);
    result
}

/// The answers of a rule that walks.
fn walked(predicate: usize, call: Call<'_>, run: &Run<'_>) -> Result<Option<Relation>> {
    let params = &run.program.predicates[predicate].params;
    let known = run.tables.borrow().walks.get(&predicate).cloned();
    let mut walks = known.unwrap_or_else(|| Walks { shape: Shape::of(predicate, run).map(Rc::new), ..Walks::default() });
    let shape = walks.shape.clone();
    if let Some(shape) = shape
        && walks.graph.as_ref().is_none_or(|graph| !graph.is_whole)
    {
        let explored = walks.explored.answer(&shape, call, params, run)?;
        if explored.is_some() {
            run.tables.borrow_mut().walks.insert(predicate, walks);
            return Ok(explored);
        }
        if !suits(&shape, call)
            && let Some(found) = spared(predicate, call, run)?
        {
            run.tables.borrow_mut().walks.insert(predicate, walks);
            return Ok(Some(found));
        }
        // Graphs made for a few demands each are not worth their making again and again.
        walks.graph = if walks.graphs < GRAPHS_MAX { Closure::new(&shape, call, run)?.map(Arc::new) } else { None };
        walks.graphs += 1;
        if walks.graph.is_none() {
            walks.shape = None;
        }
    }
    let graph = walks.graph.clone();
    run.tables.borrow_mut().walks.insert(predicate, walks);
    graph.map(|graph| graph.answer(params, call, run.budget)).transpose()
}

/// The answers of a rule that walks, but in another way than one from one beginning to its ends, where that touches little.
fn spared(predicate: usize, call: Call<'_>, run: &Run<'_>) -> Result<Option<Relation>> {
    let key = group_key((predicate, call.bound.to_vec()), call.demand);
    if !run.tables.borrow().groups.contains_key(&key) && Sparing::of(predicate, call.bound, run).is_none() {
        return Ok(None);
    }
    let group = group_of(&key, run);
    let mut group = group.borrow_mut();
    group.spared(call.demand, run)
}

/// Demands with other kinds of numbers are answered apart: equal numbers of two kinds are one demand, and which of them came first must
/// not show in the answers.
fn group_key(adorned: Adorned, demand: &Relation) -> GroupKey {
    let numbers = |column: &Column| match column {
        Column::Double(_) => Numbers::Doubles,
        // All that is made of others may have numbers in it.
        Column::Value(values) if !values.iter().all(|value| matches!(value, Value::String(_) | Value::Keyword(_))) => {
            Numbers::Mixed
        }
        _ => Numbers::Others,
    };
    (adorned, demand.columns.iter().map(numbers).collect())
}

fn group_of(key: &GroupKey, run: &Run<'_>) -> Rc<RefCell<Group>> {
    let known = run.tables.borrow().groups.get(key).cloned();
    // Of mixed values each call stands for itself.
    if let Some(known) = known
        && !key.1.contains(&Numbers::Mixed)
    {
        return known;
    }
    let group = Rc::new(RefCell::new(Group {
        adorned: key.0.clone(),
        spared: None,
        is_spared: true,
        loops: None,
        loops_begun: 0,
        rounds: None,
    }));
    run.tables.borrow_mut().groups.insert(key.clone(), Rc::clone(&group));
    group
}

impl Group {
    /// Every answer to the demands; possibly some that nobody asked for.
    fn answer(&mut self, demand: &Relation, run: &Run<'_>) -> Result<Relation> {
        if let Some(found) = self.spared(demand, run)? {
            return Ok(found);
        }
        if self.rounds.is_none() && run.tuning().loops != Way::Never {
            if let Some(found) = self.loops.as_mut().map(|loops| loops.answer(demand, run.budget)).transpose()?.flatten() {
                return Ok(found);
            }
            if self.loops_begun < LOOPS_MAX {
                self.loops_begun += 1;
                self.loops = Loops::new(&self.adorned, demand, run)?;
                if let Some(found) = self.loops.as_mut().map(|loops| loops.answer(demand, run.budget)).transpose()?.flatten() {
                    return Ok(found);
                }
            }
        }
        self.loops = None;
        if self.rounds.is_none() {
            self.rounds = Some(Rounds::new(Outline::new(self.adorned.clone(), false, run)?, None, run)?);
        }
        self.rounds.as_mut().expect("it was set above").answer(demand, run)
    }

    /// The same, if that touches little.
    fn spared(&mut self, demand: &Relation, run: &Run<'_>) -> Result<Option<Relation>> {
        if !self.is_spared {
            return Ok(None);
        }
        match self.try_spared(demand, run) {
            Ok(Some(found)) => return Ok(Some(found)),
            Err(error) if error.is_of_the_budget() => return Err(error),
            // Those who run the rule in another way find out what there is to say of an error.
            Ok(None) | Err(_) => {}
        }
        self.is_spared = false;
        self.spared = None;
        Ok(None)
    }

    fn try_spared(&mut self, demand: &Relation, run: &Run<'_>) -> Result<Option<Relation>> {
        if self.spared.is_none() {
            let Some(sparing) = Sparing::of(self.adorned.0, &self.adorned.1, run) else { return Ok(None) };
            let outline = Outline::new(self.adorned.clone(), false, run)?;
            let rounds = Rounds::new(outline, Some(sparing), run)?;
            let is_apart = |plan: &Plan| plan.steps.iter().any(|step| matches!(step.goal.kind, GoalKind::Group(_)));
            // What is joined by itself is told of nothing that is bound.
            if rounds.plans().any(|(.., plan)| is_apart(plan)) {
                return Ok(None);
            }
            self.spared = Some(rounds);
        }
        let Some(rounds) = self.spared.as_mut() else { return Ok(None) };
        let found = rounds.answer(demand, run)?;
        Ok((!rounds.is_spent()).then_some(found))
    }

    /// How many rounds were run.
    pub(crate) fn rounds(&self) -> usize {
        let by_columns = self.rounds.as_ref().or(self.spared.as_ref()).map(|rounds| rounds.count);
        self.loops.as_ref().map(|loops| loops.rounds).or(by_columns).unwrap_or(0)
    }

    /// Its loops, where it has some.
    pub(crate) fn loops(&self) -> Option<&Loops> {
        self.loops.as_ref()
    }

    /// Every plan of rounds: what it adds to, what starts it, and the rule whose body it is.
    pub(crate) fn plans(&self) -> impl Iterator<Item = (Flow<'_>, Flow<'_>, usize, &Plan)> {
        self.rounds.iter().chain(&self.spared).flat_map(Rounds::plans)
    }
}

impl Rounds {
    fn new(outline: Outline, sparing: Option<Sparing>, run: &Run<'_>) -> Result<Self> {
        let table = |tabled: Tabled| Table {
            demands: Store::new(tabled.demanded.clone()),
            demands_new: Relation::empty(tabled.demanded.clone()),
            answers: Store::new(tabled.params.clone()),
            answers_new: Relation::empty(tabled.params.clone()),
            demanded: tabled.demanded,
            adorned: tabled.adorned,
        };
        let planned = |derivation: Derivation| {
            let firsts = std::iter::once(0).chain(derivation.calls.iter().map(|(id, _)| *id));
            let plan = |first| plan_block(&derivation.goals, &derivation.output, Some(first), surroundings(run));
            let plans = firsts.map(plan).collect::<Result<_>>()?;
            Ok(Planned { derivation, plans, scans: StableScans::default() })
        };
        Ok(Self {
            derivations: outline.derivations.into_iter().map(planned).collect::<Result<_>>()?,
            tables: outline.tables.into_iter().map(table).collect(),
            sparing,
            count: 0,
        })
    }

    /// True if it touched too much, so that its answers are none.
    fn is_spent(&self) -> bool {
        self.sparing.as_ref().is_some_and(Sparing::is_spent)
    }

    /// Adds demands on the first table and runs rounds until nothing new comes.
    fn answer(&mut self, demand: &Relation, run: &Run<'_>) -> Result<Relation> {
        let entry = &mut self.tables[0];
        entry.demands_new = entry.demands.add(demand, run.budget)?;
        while !self.is_spent() && self.tables.iter().any(|table| table.demands_new.rows + table.answers_new.rows > 0) {
            self.count += 1;
            self.round(run)?;
        }
        let entry = &self.tables[0];
        let places = (0..entry.adorned.1.len()).filter(|place| entry.adorned.1[*place]).collect::<Vec<_>>();
        entry.answers.matching(&places, demand, run.budget)
    }

    /// Every plan: what it adds to, what starts it, and the rule whose body it is.
    fn plans(&self) -> impl Iterator<Item = (Flow<'_>, Flow<'_>, usize, &Plan)> {
        self.derivations.iter().flat_map(move |Planned { derivation, plans, .. }| {
            let flow = move |goes: Goes| match goes {
                Goes::Answers(at) => Flow { table: &self.tables[at].adorned, is_demand: false },
                Goes::Demands(at) => Flow { table: &self.tables[at].adorned, is_demand: true },
            };
            let body = self.tables[derivation.demands_of].adorned.0;
            plans.iter().enumerate().map(move |(at, plan)| {
                let new = at
                    .checked_sub(1)
                    .map_or(Goes::Demands(derivation.demands_of), |call| Goes::Answers(derivation.calls[call].1));
                (flow(derivation.goes), flow(new), body, plan)
            })
        })
    }

    fn round(&mut self, run: &Run<'_>) -> Result<()> {
        let mut found: Vec<(Goes, Relation)> = Vec::new();
        for planned in &self.derivations {
            let derivation = &planned.derivation;
            for (at, plan) in planned.plans.iter().enumerate() {
                let fresh = match at.checked_sub(1) {
                    None => &self.tables[derivation.demands_of].demands_new,
                    Some(call) => &self.tables[derivation.calls[call].1].answers_new,
                };
                if fresh.rows == 0 {
                    continue;
                }
                let steps = run.budget.steps();
                let rows = self.run_derivation(planned, at, plan, run)?;
                if let Some(sparing) = &self.sparing {
                    sparing.ran(run.budget.steps().saturating_sub(steps));
                    if sparing.is_spent() {
                        return Ok(());
                    }
                }
                if rows.rows > 0 {
                    found.push((derivation.goes, rows));
                }
            }
        }
        for table in &mut self.tables {
            table.demands_new = Relation::empty(table.demanded.clone());
            table.answers_new = Relation::empty(run.program.predicates[table.adorned.0].params.clone());
        }
        for (goes, rows) in found {
            self.take(goes, rows, run)?;
        }
        Ok(())
    }

    /// Runs one plan of a derivation: at its place what is new, elsewhere all that is known. What stood new before that place was joined
    /// already with all the rest, so it could be left out; finding it twice is harmless.
    fn run_derivation(&self, planned: &Planned, place: usize, plan: &Plan, run: &Run<'_>) -> Result<Relation> {
        let derivation = &planned.derivation;
        let demands = &self.tables[derivation.demands_of];
        let own = plan.steps.iter().find_map(|step| match &step.goal.kind {
            GoalKind::Input(slots) => Some(slots.clone()),
            _ => None,
        });
        let input = (place == 0).then(|| demands.demands_new.clone().renamed(own.unwrap_or_default()));
        let known = (place != 0 && !demands.demanded.is_empty()).then_some(&demands.demands);
        let mut round = BTreeMap::new();
        for (at, (id, table)) in derivation.calls.iter().enumerate() {
            let table = &self.tables[*table];
            round.insert(*id, if at + 1 == place { Round::New(&table.answers_new) } else { Round::Known(&table.answers) });
        }
        // Tables tell what is new from what is known, and what comes twice with it.
        let scans = self.sparing.is_none().then_some(&planned.scans);
        let sparing = self.sparing.as_ref();
        let frame = Frame { input: input.as_ref(), known, round: Some(&round), scans, sparing, is_bag: true };
        run_plan(plan, run, &frame)
    }

    fn take(&mut self, goes: Goes, rows: Relation, run: &Run<'_>) -> Result<()> {
        let (store, fresh) = match goes {
            Goes::Answers(at) => {
                let table = &mut self.tables[at];
                (&mut table.answers, &mut table.answers_new)
            }
            Goes::Demands(at) => {
                let table = &mut self.tables[at];
                (&mut table.demands, &mut table.demands_new)
            }
        };
        let slots = fresh.slots.clone();
        let added = store.add(&rows.renamed(slots.clone()), run.budget)?;
        *fresh = crate::run::block::stack(&slots, &[fresh.clone(), added]);
        Ok(())
    }
}

pub(crate) fn surroundings<'p>(run: &Run<'p>) -> Surroundings<'p> {
    Surroundings {
        predicates: &run.program.predicates,
        names: &run.program.names,
        known: &run.program.known,
        input_rows: DEMAND_ROWS,
        planner: &run.program.planner,
        budget: run.budget,
    }
}
