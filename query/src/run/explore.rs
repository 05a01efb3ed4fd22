//! A walk from one beginning, or back from one end, in a graph that is too large to be made for it: each round looks up only where the round
//! before it leads. It is given up when it touches so much that making the graph costs less.

use std::sync::Arc;

use crate::column::Column;
use crate::error::Result;
use crate::plan::Plan;
use crate::plan::cost::VALUES_MAX;
use crate::plan::estimate::expect;
use crate::plan::goal::{Goal, GoalKind};
use crate::plan::order::plan_block;
use crate::plan::slot::Slot;
use crate::run::Run;
use crate::run::block::{Frame, run_plan, stack};
use crate::run::closure::Call;
use crate::run::fixpoint::surroundings;
use crate::run::gather::repeat;
use crate::run::hops::Hops;
use crate::run::key::is_exact;
use crate::run::relation::Relation;
use crate::run::shape::{Body, Shape, Steps};
use crate::run::sparing::Sparing;
use crate::run::store::Store;
use crate::tuning::Way;
use crate::value::Value;

/// Graphs of fewer edges are made at once.
const EDGES_MIN: f64 = 16_384.0;
/// A walk that touches more than one edge in so many is given up.
const EDGES_PER_TOUCHED: f64 = 64.0;
/// A round costs as much as making so many edges of a graph, and rounds may cost a quarter of that.
const EDGES_PER_ROUND: f64 = 2_048.0;
/// Looking up may cost what it takes to read one in so many of the edges.
const EDGES_PER_LOOKED_UP: f64 = 2.0;

/// What was learnt of a rule by walking.
#[derive(Clone, Debug, Default)]
pub(crate) struct Explored {
    /// How many rows were touched and rounds run, in all walks.
    touched: usize,
    rounds: usize,
    /// How many facts were looked up one by one, and whether that gave an answer.
    hopped: usize,
    is_hopped: bool,
    /// What the last walk ran, kept for those who want to know how.
    plans: Vec<Arc<Plan>>,
}

/// Bodies that look up the one side of an edge by the other.
struct Lookups {
    bodies: Vec<(Arc<Plan>, Vec<Slot>)>,
    /// So many rows are looked up at once, and no more: for more values all facts of an attribute would be read.
    rows_max: usize,
}

/// True if the call is of a kind that a walk can answer, if it is short.
pub(crate) fn suits(shape: &Shape, call: Call<'_>) -> bool {
    let is_plain = shape.condition.is_none() && !matches!(shape.steps, Steps::BaseIfContained { .. });
    let is_backward = call.bound[shape.moving] && !shape.keys.iter().any(|key| call.bound[*key]) && shape.contexts.is_empty();
    call.demand.rows == 1
        && is_plain
        && call.demand.columns.iter().all(|column| is_exact(column, column))
        && (is_forward(shape, call) || is_backward)
}

fn is_forward(shape: &Shape, call: Call<'_>) -> bool {
    shape.keys.iter().all(|key| call.bound[*key]) && !shape.keys.is_empty()
}

impl Explored {
    /// The answers to a call, if they are soon found.
    pub(crate) fn answer(&mut self, shape: &Shape, call: Call<'_>, params: &[Slot], run: &Run<'_>) -> Result<Option<Relation>> {
        if !suits(shape, call) {
            return Ok(None);
        }
        let known = edges_of(shape, run);
        let edges = |way: Way| match way {
            Way::Chosen => known,
            Way::Never => 0.0,
            Way::Always => f64::INFINITY,
        };
        // Those who run the rule in another way find out what there is to say of an error.
        let found_by = |found: Result<Option<Vec<Column>>>| match found {
            Err(error) if error.is_of_the_budget() => Err(error),
            found => Ok(found.ok().flatten().map(|columns| placed(shape, params, columns))),
        };
        let hopped = found_by(self.hop(shape, call, edges(run.tuning().hops), run))?;
        self.is_hopped = hopped.is_some();
        let edges = edges(run.tuning().lookups);
        if hopped.is_some() || edges < EDGES_MIN || self.is_spent(edges) {
            return Ok(hopped);
        }
        found_by(if is_forward(shape, call) {
            self.forward(shape, call, edges, run)
        } else {
            self.backward(shape, call, edges, run)
        })
    }

    /// True if the last walk went from fact to fact.
    pub(crate) fn is_hopped(&self) -> bool {
        self.is_hopped
    }

    /// Columns of the key and of what moves, from fact to fact.
    fn hop(&mut self, shape: &Shape, call: Call<'_>, edges: f64, run: &Run<'_>) -> Result<Option<Vec<Column>>> {
        let Some(mut hops) = Hops::of(shape, edges, self.hopped) else { return Ok(None) };
        let left = hops.left();
        let bound = |place: usize| call.columns(&[place]).map(|columns| columns[0].value(0));
        let (found, given, is_back) = match (bound(shape.keys[0]), bound(shape.moving)) {
            (Some(Value::Long(key)), None) => (hops.forward(key, None, run.budget), key, false),
            (Some(Value::Long(key)), Some(Value::Long(end))) => (hops.forward(key, Some(end), run.budget), key, false),
            (None, Some(Value::Long(end))) => (hops.backward(end, run.budget), end, true),
            _ => return Ok(None),
        };
        self.hopped += left - hops.left();
        let Some(found) = found? else { return Ok(None) };
        let given = repeat(&Value::Long(given), found.len());
        let found = Column::Long(found.into());
        Ok(Some(if is_back { vec![found, given] } else { vec![given, found] }))
    }

    /// How the last walk looked up what it met.
    pub(crate) fn plans(&self) -> &[Arc<Plan>] {
        &self.plans
    }

    fn keep(&mut self, lookups: &[&Lookups], run: &Run<'_>) {
        if run.efforts.is_some() {
            self.plans = lookups.iter().flat_map(|lookups| &lookups.bodies).map(|(plan, _)| Arc::clone(plan)).collect();
        }
    }

    fn is_spent(&self, edges: f64) -> bool {
        self.touched as f64 > edges / EDGES_PER_TOUCHED || self.rounds as f64 > (edges / EDGES_PER_ROUND / 4.0).max(8.0)
    }

    /// Columns of the keys and of what moves.
    fn forward(&mut self, shape: &Shape, call: Call<'_>, edges: f64, run: &Run<'_>) -> Result<Option<Vec<Column>>> {
        let width = shape.keys.len();
        let places = (0..width).collect::<Vec<_>>();
        let Some(keys) = call.columns(&shape.keys) else { return Ok(None) };
        let sparing = Sparing::of_cost(edges / EDGES_PER_LOOKED_UP);
        let begin = Lookups::new(&shape.bases, &places, &[width], run)?;
        let (go_on, contexts) = match &shape.steps {
            Steps::Own(bodies) => {
                let contexts = shape.contexts.len();
                (Lookups::new(bodies, &(0..=contexts).collect::<Vec<_>>(), &[contexts + 1], run)?, contexts)
            }
            _ => (Lookups::new(&shape.bases, &places, &[width], run)?, width - 1),
        };
        self.keep(&[&begin, &go_on], run);
        let wanted = call.columns(&[shape.moving]).map(|columns| columns[0].value(0));
        let context = |at: usize| {
            let place = shape.keys.iter().position(|key| *key == shape.contexts[at]);
            keys[place.unwrap_or(at)].value(0)
        };
        let mut reached = Store::new(vec![0]);
        let beginning = keys.iter().map(|column| (*column).clone()).collect::<Vec<_>>();
        let Some(first) = begin.run(&beginning, 1, &sparing, run)? else { return Ok(None) };
        let mut fresh = reached.add(&first, run.budget)?;
        while fresh.rows > 0 {
            self.touched += fresh.rows;
            self.rounds += 1;
            let ends = &fresh.columns[0];
            if wanted.as_ref().is_some_and(|wanted| (0..ends.len()).any(|row| ends.value(row).same(wanted))) {
                break;
            }
            if self.is_spent(edges) || fresh.rows > go_on.rows_max {
                return Ok(None);
            }
            let mut input = (0..contexts).map(|at| repeat(&context(at), fresh.rows)).collect::<Vec<_>>();
            input.push(ends.clone());
            let Some(found) = go_on.run(&input, fresh.rows, &sparing, run)? else { return Ok(None) };
            self.touched += found.rows;
            fresh = reached.add(&found, run.budget)?;
        }
        let ends = reached.all();
        let mut columns = keys.iter().map(|column| repeat(&column.value(0), ends.rows)).collect::<Vec<_>>();
        columns.extend(ends.columns);
        Ok(Some(columns))
    }

    fn backward(&mut self, shape: &Shape, call: Call<'_>, edges: f64, run: &Run<'_>) -> Result<Option<Vec<Column>>> {
        let width = shape.keys.len();
        let places = (0..width).collect::<Vec<_>>();
        let Some(ends) = call.columns(&[shape.moving]) else { return Ok(None) };
        if shape.bases.iter().any(|body| !body.needs.is_empty()) {
            return Ok(None);
        }
        let sparing = Sparing::of_cost(edges / EDGES_PER_LOOKED_UP);
        let begin = Lookups::new(&shape.bases, &[width], &places, run)?;
        // Where the edges of the steps are those to begin with, and nothing else stays, one lookup finds beginnings and where to go on.
        let go_back = match &shape.steps {
            Steps::Own(bodies) => Some(Lookups::new(bodies, &[1], &[0], run)?),
            _ => None,
        };
        self.keep(&[&begin].into_iter().chain(&go_back).collect::<Vec<_>>(), run);
        let rows_max = go_back.as_ref().map_or(begin.rows_max, |go_back| begin.rows_max.min(go_back.rows_max));
        let (mut passed, mut found) = (Store::new(vec![0]), Store::new((0..width as Slot).collect()));
        let mut fresh = passed.add(&Relation::new(vec![0], vec![ends[0].clone()], 1), run.budget)?;
        while fresh.rows > 0 {
            self.touched += fresh.rows;
            self.rounds += 1;
            if self.is_spent(edges) || fresh.rows > rows_max {
                return Ok(None);
            }
            let Some(keys) = begin.run(&fresh.columns, fresh.rows, &sparing, run)? else { return Ok(None) };
            let before = match &go_back {
                Some(go_back) => go_back.run(&fresh.columns, fresh.rows, &sparing, run)?,
                None => Some(keys.clone()),
            };
            let Some(before) = before else { return Ok(None) };
            self.touched += keys.rows + before.rows;
            found.add(&keys, run.budget)?;
            fresh = passed.add(&before, run.budget)?;
        }
        let keys = found.all();
        let mut columns = keys.columns;
        columns.push(repeat(&ends[0].value(0), keys.rows));
        Ok(Some(columns))
    }
}

/// The columns of keys and of what moves, in the order of the parameters.
fn placed(shape: &Shape, params: &[Slot], columns: Vec<Column>) -> Relation {
    let rows = columns.first().map_or(0, Column::len);
    let mut placed = shape.keys.iter().copied().chain([shape.moving]).zip(columns).collect::<Vec<_>>();
    placed.sort_unstable_by_key(|(place, _)| *place);
    Relation::new(params.to_vec(), placed.into_iter().map(|(_, column)| column).collect(), rows)
}

/// About how many edges the graph would have.
fn edges_of(shape: &Shape, run: &Run<'_>) -> f64 {
    let steps = if let Steps::Own(bodies) = &shape.steps { &bodies[..] } else { &[] };
    let of_body = |body: &Body| {
        let rows = body.goals.iter().map(|goal| expect(goal, &run.program.known, 1.0).rows);
        rows.fold(f64::INFINITY, f64::min)
    };
    shape.bases.iter().chain(steps).map(of_body).filter(|rows| rows.is_finite()).sum()
}

impl Lookups {
    /// Bodies that give the ends at `wanted` for those at `given`.
    fn new(bodies: &[Body], given: &[usize], wanted: &[usize], run: &Run<'_>) -> Result<Self> {
        let lookup = |body: &Body| {
            let ends = given.iter().map(|place| body.ends[*place]).collect::<Vec<_>>();
            let output = wanted.iter().map(|place| body.ends[*place]).collect::<Vec<_>>();
            let span = body.goals.first().map(|goal| goal.span).unwrap_or_default();
            let input = Arc::new(Goal { id: 0, kind: GoalKind::Input(ends.clone()), span, rule: None });
            let mut goals = vec![input];
            goals.extend(body.goals.iter().cloned());
            Ok((Arc::new(plan_block(&goals, &output, Some(0), surroundings(run))?), ends))
        };
        let is_entity = |body: &Body, end: Slot| {
            let is_entity = |goal: &Arc<Goal>| matches!(&goal.kind, GoalKind::Scan(scan) if scan.entity.slot() == Some(end));
            body.goals.iter().any(is_entity)
        };
        let are_entities = bodies.iter().all(|body| given.last().is_some_and(|place| is_entity(body, body.ends[*place])));
        let rows_max = if are_entities { usize::MAX } else { VALUES_MAX };
        Ok(Self { bodies: bodies.iter().map(lookup).collect::<Result<_>>()?, rows_max })
    }

    /// What they give for rows of ends; nothing if that touches too much.
    fn run(&self, given: &[Column], rows: usize, sparing: &Sparing, run: &Run<'_>) -> Result<Option<Relation>> {
        let mut parts = Vec::new();
        let mut slots = Vec::new();
        for (plan, ends) in &self.bodies {
            let input = Relation::new(ends.clone(), given.to_vec(), rows);
            let frame = Frame { input: Some(&input), sparing: Some(sparing), is_bag: true, ..Frame::default() };
            let found = run_plan(plan, run, &frame)?;
            if sparing.is_spent() {
                return Ok(None);
            }
            slots = (0..found.slots.len() as Slot).collect();
            parts.push(found.renamed(slots.clone()));
        }
        Ok(Some(if parts.iter().all(|part| part.rows == 0) { Relation::empty(slots) } else { stack(&slots, &parts) }))
    }
}
