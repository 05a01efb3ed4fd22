//! Rules that walk, run as searches in a graph: its nodes are the values of the argument that moves, with what steps depend on.

use std::sync::{Arc, OnceLock};

use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::plan::Plan;
use crate::plan::goal::{Goal, GoalKind};
use crate::plan::order::plan_block;
use crate::plan::slot::Slot;
use crate::run::Run;
use crate::run::block::{Frame, run_plan, stack};
use crate::run::fixpoint::surroundings;
use crate::run::graph::Adjacency;
use crate::run::join::distinct;
use crate::run::nodes::Nodes;
use crate::run::relation::Relation;
use crate::run::shape::{Body, Shape, Steps};

/// Steps that cannot run by themselves are found for so many sets of what they depend on.
const CONTEXTS_MAX: usize = 8;

/// The graph of a rule that walks.
#[derive(Debug)]
pub(crate) struct Closure {
    /// The arguments that stay, in the order of the columns of `keys`, and the one that moves.
    pub(crate) order: Vec<usize>,
    /// Those on which steps depend, which come first in the columns of `nodes`.
    pub(crate) contexts: Vec<usize>,
    /// Where a walk may be.
    pub(crate) nodes: Nodes,
    /// What walks begin with; `None` if nodes are that.
    keys: Option<Nodes>,
    /// From keys to nodes.
    pub(crate) base: Adjacency,
    /// From nodes to nodes; `None` if they are those of `base`.
    steps: Option<Adjacency>,
    /// Whether walks go on, by key.
    pub(crate) goes_on: Option<Vec<bool>>,
    back: OnceLock<(Adjacency, Option<Adjacency>)>,
    plans: Vec<Plan>,
    /// True if it answers all demands, not only those it was made for.
    pub(crate) is_whole: bool,
}

/// What a rule is called with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'c> {
    /// Which arguments are bound.
    pub(crate) bound: &'c [bool],
    /// To what.
    pub(crate) demand: &'c Relation,
}

impl Call<'_> {
    /// The demanded values of arguments, if all of them are bound.
    pub(crate) fn columns(&self, places: &[usize]) -> Option<Vec<&Column>> {
        let column = |place: &usize| {
            let at = self.bound[..*place].iter().filter(|is_bound| **is_bound).count();
            self.bound[*place].then(|| &self.demand.columns[at])
        };
        places.iter().map(column).collect()
    }

    /// The different demands on these arguments.
    fn distinct(&self, places: &[usize], budget: &Budget) -> Result<Option<Relation>> {
        let Some(columns) = self.columns(places) else { return Ok(None) };
        let columns = columns.into_iter().cloned().collect::<Vec<_>>();
        distinct(Relation::new((0..places.len() as Slot).collect(), columns, self.demand.rows), budget).map(Some)
    }
}

impl Closure {
    /// The graph of a rule of this shape. `None` if the shape does not hold after all, or would cost more than rounds.
    pub(crate) fn new(shape: &Shape, call: Call<'_>, run: &Run<'_>) -> Result<Option<Self>> {
        let builder = Builder { shape, call, run, plans: Vec::new() };
        match builder.build() {
            // Edges that nobody asked for may have been at fault.
            Err(error) if !error.is_of_the_budget() => Ok(None),
            built => built,
        }
    }

    /// How the edges, and the steps where they are others, were found.
    pub(crate) fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// What walks begin with.
    pub(crate) fn keys(&self) -> &Nodes {
        self.keys.as_ref().unwrap_or(&self.nodes)
    }

    /// From nodes to nodes.
    pub(crate) fn steps(&self) -> &Adjacency {
        self.steps.as_ref().unwrap_or(&self.base)
    }

    /// The argument that moves.
    pub(crate) fn moving(&self) -> usize {
        self.order[self.order.len() - 1]
    }

    /// From nodes to the keys that begin there, and from nodes to those before them.
    pub(crate) fn back(&self, budget: &Budget) -> Result<(&Adjacency, &Adjacency)> {
        if self.back.get().is_none() {
            let base = self.base.reversed(self.nodes.count(), budget)?;
            let steps = self.steps.as_ref().map(|steps| steps.reversed(self.nodes.count(), budget)).transpose()?;
            // Nobody else could have set it, as a run has one thread; and if so, to the same.
            let _ = self.back.set((base, steps));
        }
        let (base, steps) = self.back.get().expect("it was set above");
        Ok((base, steps.as_ref().unwrap_or(base)))
    }
}

struct Builder<'b, 'p> {
    shape: &'b Shape,
    call: Call<'b>,
    run: &'b Run<'p>,
    plans: Vec<Plan>,
}

impl Builder<'_, '_> {
    fn build(mut self) -> Result<Option<Closure>> {
        let shape = self.shape;
        let Some(base) = self.base()? else { return Ok(None) };
        let is_for_all = shape.bases.iter().all(|body| body.needs.is_empty());
        let places = |chosen: &[usize]| {
            let place = |chosen: &usize| shape.keys.iter().position(|key| key == chosen);
            chosen.iter().filter_map(place).collect::<Vec<_>>()
        };
        let contexts = places(&shape.contexts);
        match &shape.steps {
            Steps::Own(bodies) => {
                let Some((steps, is_for_all_contexts)) = self.steps(bodies, &base, &contexts)? else { return Ok(None) };
                self.with_steps(&base, &contexts, &steps, is_for_all && is_for_all_contexts)
            }
            Steps::Base => self.with_base(&[base], false, is_for_all),
            Steps::BaseIfContained { ends, is_doubled } => {
                let mut parts = vec![base];
                for bodies in ends.iter().filter(|bodies| !bodies.is_empty()) {
                    parts.push(self.relation(bodies, None)?);
                }
                self.with_base(&parts, *is_doubled, is_for_all)
            }
        }
    }

    /// Walks begin with the edges by which they go on: those of the first of `parts`. The others must be among them, and where walks are
    /// not joined, those of one must be all of them.
    fn with_base(self, parts: &[Relation], is_doubled: bool, is_whole: bool) -> Result<Option<Closure>> {
        let budget = self.run.budget;
        let width = self.shape.keys.len();
        // What stays but for the beginning, then the beginning, then the end.
        let from = |part: &Relation| part.columns[..width].to_vec();
        let to = |part: &Relation| part.columns[..width - 1].iter().chain([&part.columns[width]]).cloned().collect::<Vec<_>>();
        let ends = parts.iter().flat_map(|part| [from(part), to(part)]).collect::<Vec<_>>();
        let groups = ends.iter().map(|columns| refs(columns)).collect::<Vec<_>>();
        let Some((nodes, numbers)) = Nodes::of(&groups, budget)? else { return Ok(None) };
        let graphs = numbers.chunks(2).map(|ends| Adjacency::new(nodes.count(), &ends[0], &ends[1], budget));
        let mut graphs = graphs.collect::<Result<Vec<_>>>()?;
        let edges = graphs.swap_remove(0);
        let mut has_all = is_doubled || graphs.is_empty();
        for other in &graphs {
            if !edges.contains(other, nodes.count(), budget)? {
                return Ok(None);
            }
            has_all = has_all || other.contains(&edges, nodes.count(), budget)?;
        }
        Ok(has_all.then(|| self.closure(nodes, None, (edges, None), None, is_whole)))
    }

    fn closure(
        self,
        nodes: Nodes,
        keys: Option<Nodes>,
        (base, steps): (Adjacency, Option<Adjacency>),
        goes_on: Option<Vec<bool>>,
        is_whole: bool,
    ) -> Closure {
        let mut order = self.shape.keys.clone();
        order.push(self.shape.moving);
        let contexts = self.shape.contexts.clone();
        Closure { order, contexts, nodes, keys, base, steps, goes_on, back: OnceLock::new(), plans: self.plans, is_whole }
    }

    fn with_steps(mut self, base: &Relation, contexts: &[usize], steps: &Relation, is_whole: bool) -> Result<Option<Closure>> {
        let budget = self.run.budget;
        let (keys, to) = base.columns.split_at(self.shape.keys.len());
        let (given, ends) = steps.columns.split_at(contexts.len());
        let to = contexts.iter().map(|place| &keys[*place]).chain(to).collect::<Vec<_>>();
        let end = |at: usize| given.iter().chain([&ends[at]]).collect::<Vec<_>>();
        let Some((nodes, numbers)) = Nodes::of(&[to, end(0), end(1)], budget)? else { return Ok(None) };
        let Some((keys, key_numbers)) = key_nodes(keys, base.rows, budget)? else { return Ok(None) };
        let base = Adjacency::new(keys.count(), &key_numbers, &numbers[0], budget)?;
        let steps = Adjacency::new(nodes.count(), &numbers[1], &numbers[2], budget)?;
        let goes_on = self.goes_on(&keys)?;
        Ok(Some(self.closure(nodes, Some(keys), (base, Some(steps)), goes_on, is_whole)))
    }

    /// Where walks begin: keys, then where to. `None` if what they need was not given.
    fn base(&mut self) -> Result<Option<Relation>> {
        let mut needs = self.shape.bases.iter().flat_map(|body| body.needs.iter().copied()).collect::<Vec<_>>();
        needs.sort_unstable();
        needs.dedup();
        let places = needs.iter().map(|need| self.shape.keys[*need]).collect::<Vec<_>>();
        let Some(given) = self.call.distinct(&places, self.run.budget)? else { return Ok(None) };
        let given = (!needs.is_empty()).then_some((&needs[..], &given));
        self.relation(&self.shape.bases, given).map(Some)
    }

    /// The steps, and whether they are all there are.
    fn steps(&mut self, bodies: &[Body], base: &Relation, places: &[usize]) -> Result<Option<(Relation, bool)>> {
        if bodies.iter().all(|body| body.needs.is_empty()) {
            return Ok(Some((self.relation(bodies, None)?, true)));
        }
        let budget = self.run.budget;
        let demanded = self.call.distinct(&self.shape.contexts, budget)?;
        let is_for_all = demanded.is_none();
        let contexts = if let Some(contexts) = demanded {
            contexts
        } else {
            let columns = places.iter().map(|place| base.columns[*place].clone()).collect();
            distinct(Relation::new((0..places.len() as Slot).collect(), columns, base.rows), budget)?
        };
        if contexts.rows > CONTEXTS_MAX {
            return Ok(None);
        }
        let all = (0..places.len()).collect::<Vec<_>>();
        Ok(Some((self.relation(bodies, Some((&all, &contexts)))?, is_for_all)))
    }

    /// What bodies give for their ends; of those that need something, for what is given for the ends at these places.
    fn relation(&mut self, bodies: &[Body], given: Option<(&[usize], &Relation)>) -> Result<Relation> {
        let width = bodies.first().map_or(0, |body| body.ends.len());
        let slots = (0..width as Slot).collect::<Vec<_>>();
        let mut parts = Vec::new();
        for body in bodies {
            let mut output = body.ends.clone();
            let mut seen = Vec::new();
            output.retain(|slot| !seen.contains(slot) && (seen.push(*slot), true).1);
            let mut goals = body.goals.clone();
            let mut input = None;
            if let Some((places, rows)) = given.filter(|_| !body.needs.is_empty()) {
                let ends = places.iter().map(|place| body.ends[*place]).collect::<Vec<_>>();
                let span = goals.first().map(|goal| goal.span).unwrap_or_default();
                goals.push(Arc::new(Goal { id: 0, kind: GoalKind::Input(ends.clone()), span, rule: None }));
                input = Some(rows.clone().renamed(ends));
            }
            let plan = plan_block(&goals, &output, None, surroundings(self.run))?;
            let found = run_plan(&plan, self.run, &Frame { input: input.as_ref(), ..Frame::default() })?;
            parts.push(found.project(&body.ends)?.renamed(slots.clone()));
            self.plans.push(plan);
        }
        if parts.iter().all(|part| part.rows == 0) {
            return Ok(Relation::empty(slots));
        }
        Ok(stack(&slots, &parts))
    }

    /// For which keys walks go on.
    fn goes_on(&mut self, keys: &Nodes) -> Result<Option<Vec<bool>>> {
        let Some((places, body)) = &self.shape.condition else { return Ok(None) };
        let columns = keys.columns();
        let columns = places.iter().map(|place| columns[*place].clone()).collect();
        let slots = (0..places.len() as Slot).collect::<Vec<_>>();
        let given = distinct(Relation::new(slots, columns, keys.count()), self.run.budget)?;
        let all = (0..places.len()).collect::<Vec<_>>();
        let holds = self.relation(std::slice::from_ref(body), Some((&all, &given)))?;
        let mut goes_on = vec![false; keys.count()];
        for key in keys.matching(places, &refs(&holds.columns), holds.rows, self.run.budget)? {
            goes_on[key as usize] = true;
        }
        Ok(Some(goes_on))
    }
}

fn refs(columns: &[Column]) -> Vec<&Column> {
    columns.iter().collect()
}

/// The keys of rows, which may have no column: then there is one.
fn key_nodes(columns: &[Column], rows: usize, budget: &Budget) -> Result<Option<(Nodes, Vec<u32>)>> {
    if columns.is_empty() {
        return Ok(Some((Nodes::unit(), vec![0; rows])));
    }
    Ok(Nodes::of(&[refs(columns)], budget)?.map(|(nodes, mut numbers)| (nodes, numbers.swap_remove(0))))
}
