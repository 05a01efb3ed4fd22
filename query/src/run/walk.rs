//! The answers of a rule that walks: a search from every beginning that is demanded, or back from every end.

use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::plan::slot::Slot;
use crate::run::closure::{Call, Closure};
use crate::run::graph::{Adjacency, Reached, drain_words, drain_words_into};
use crate::run::index::NONE;
use crate::run::matrix::Matrix;
use crate::run::nodes::{Nodes, Values};
use crate::run::relation::Relation;
use crate::run::threads;

/// Searches made to learn how much is reached.
const SAMPLES: usize = 16;
/// Rows of bits may take so much memory.
const MATRIX_BYTES_MAX: u64 = 64 << 20;

/// Keys between two looks at the budget, where no steps are spent.
const KEYS_PER_LOOK: usize = 64;

/// What was found: starts, each with how many ends follow, and the ends.
struct Found<T> {
    runs: Vec<(u32, u32)>,
    ends: Vec<T>,
}

impl Closure {
    /// Every answer to the demands; possibly some that nobody asked for.
    pub(crate) fn answer(&self, params: &[Slot], call: Call<'_>, budget: &Budget) -> Result<Relation> {
        let (keys, moving) = (&self.order[..self.order.len() - 1], self.moving());
        let is_end_bound = call.bound[moving];
        let are_keys_bound = keys.iter().all(|key| call.bound[*key]);
        let has_key_bound = keys.iter().any(|key| call.bound[*key]);
        if is_end_bound && are_keys_bound && !keys.is_empty() {
            return self.between(params, call, budget);
        }
        if is_end_bound && !has_key_bound {
            return self.backward(params, call, budget);
        }
        let starts = if has_key_bound { Some(self.starts(call, budget)?) } else { None };
        let is_turned = moving == 0 && keys.len() == 1 && self.contexts.is_empty() && starts.is_none();
        self.forward(params, starts.as_deref(), is_turned, budget)
    }

    /// The keys that agree with a demand, ascending.
    fn starts(&self, call: Call<'_>, budget: &Budget) -> Result<Vec<u32>> {
        let keys = &self.order[..self.order.len() - 1];
        if let Some(columns) = call.columns(keys) {
            let mut starts = self.keys().find(&columns, call.demand.rows, budget)?;
            starts.retain(|start| *start != NONE);
            starts.sort_unstable();
            starts.dedup();
            return Ok(starts);
        }
        let (places, bound): (Vec<_>, Vec<_>) = keys.iter().enumerate().filter(|(_, key)| call.bound[**key]).unzip();
        let bound = bound.into_iter().copied().collect::<Vec<_>>();
        let columns = call.columns(&bound).unwrap_or_default();
        self.keys().matching(&places, &columns, call.demand.rows, budget)
    }

    fn forward(&self, params: &[Slot], starts: Option<&[u32]>, is_turned: bool, budget: &Budget) -> Result<Relation> {
        let values = self.nodes.values(self.contexts.len());
        if is_turned {
            let found = self.search(starts, |node| node, budget)?;
            return self.turned(params, &found, budget);
        }
        let (runs, ends) = match &values {
            Values::Offset(least) => {
                let found = self.search(starts, |node| least + i64::from(node), budget)?;
                (found.runs, Column::Long(found.ends.into()))
            }
            Values::Longs(values) => {
                let found = self.search(starts, |node| values[node as usize], budget)?;
                (found.runs, Column::Long(found.ends.into()))
            }
            Values::Column(_) => {
                let found = self.search(starts, |node| node, budget)?;
                (found.runs, values.of(&found.ends))
            }
        };
        let rows = ends.len();
        budget.check_bytes(rows as u64 * 8 * self.order.len() as u64)?;
        let mut columns = repeated(self.keys(), self.order.len() - 1, &runs, rows);
        columns.push(ends);
        let mut relation = self.relation(params, columns, rows, 0);
        if runs.len() <= 1 {
            relation.key = Some(vec![params[self.moving()]]);
        }
        Ok(relation)
    }

    /// The pairs of a key of one column and an end, with ends first.
    fn turned(&self, params: &[Slot], found: &Found<u32>, budget: &Budget) -> Result<Relation> {
        let rows = found.ends.len();
        budget.check_bytes(rows as u64 * 24)?;
        let mut starts = Vec::with_capacity(rows);
        found.runs.iter().for_each(|(start, times)| starts.resize(starts.len() + *times as usize, *start));
        let turned = Adjacency::new(self.nodes.count(), &found.ends, &starts, budget)?;
        budget.return_bytes((self.nodes.count() + rows) as u64 * 4);
        let runs = (0..self.nodes.count() as u32).map(|node| (node, turned.of(node).len() as u32)).collect::<Vec<_>>();
        let ends = self.nodes.values(0).repeated(&runs, rows);
        let keys = self.keys().values(0).of(turned.targets());
        Ok(self.relation(params, vec![keys, ends], rows, 1))
    }

    /// The columns, given in the order of this graph, in that of the parameters. Rows ascend by the one at `first`.
    fn relation(&self, params: &[Slot], columns: Vec<Column>, rows: usize, first: usize) -> Relation {
        let mut placed = self.order.iter().copied().zip(columns).collect::<Vec<_>>();
        let ascending =
            placed.get(first).filter(|(_, column)| matches!(column, Column::Long(_))).map(|(place, _)| params[*place]);
        placed.sort_unstable_by_key(|(place, _)| *place);
        let columns = placed.into_iter().map(|(_, column)| column).collect();
        let mut relation = Relation::new(params.to_vec(), columns, rows).with_key(params.to_vec());
        relation.ascending = ascending;
        relation
    }

    /// All that is reached from these keys, or all.
    fn search<T: Copy + Default + Send>(
        &self,
        starts: Option<&[u32]>,
        value: impl Fn(u32) -> T + Copy + Sync,
        budget: &Budget,
    ) -> Result<Found<T>> {
        let (nodes, count) = (self.nodes.count(), starts.map_or(self.keys().count(), <[u32]>::len));
        let (walked, met) = self.sampled(starts, count, budget)?;
        let degree = (self.steps().edges() + self.base.edges()) / nodes.max(1);
        // Rows of bits would be found sooner than searches would end.
        let is_dense = walked > nodes.div_ceil(64) * (degree + 2);
        let matrix = is_dense.then(|| Matrix::new(self.steps(), nodes, budget)).transpose()?;
        let of = |place: usize| starts.map_or(place as u32, |starts| starts[place]);
        let searches = Searches { base: &self.base, steps: self.steps(), goes_on: self.goes_on.as_deref(), nodes };
        match &matrix {
            None => searches.one_by_one((0..count).map(of), value, budget),
            Some(matrix) if threads::helps(count.saturating_mul(met), budget) => {
                let runs = searches.counted(matrix, (0..count).map(of), budget)?;
                searches.filled(matrix, runs, value, budget)
            }
            Some(matrix) => searches.by_matrix(matrix, (0..count).map(of), value, budget),
        }
    }

    /// About how many nodes and edges a search from one of these keys meets, and how many nodes alone; 0 if that is not worth knowing.
    fn sampled(&self, starts: Option<&[u32]>, count: usize, budget: &Budget) -> Result<(usize, usize)> {
        let nodes = self.nodes.count();
        if Matrix::bytes(nodes) > MATRIX_BYTES_MAX || count < SAMPLES * 4 {
            return Ok((0, 0));
        }
        let mut reached = Reached::new(nodes, budget)?;
        let mut walked = Vec::with_capacity(SAMPLES);
        for sample in 0..SAMPLES {
            let place = count * (2 * sample + 1) / (2 * SAMPLES);
            let key = starts.map_or(place as u32, |starts| starts[place]);
            let goes_on = begin(&self.base, self.goes_on.as_deref(), key, &mut reached);
            let edges = if goes_on { reached.spread(self.steps(), budget, |_| false)? } else { 0 };
            walked.push((edges + reached.nodes().len(), reached.nodes().len()));
            reached.clear();
        }
        // A few nodes from which all begins say nothing of the others.
        walked.sort_unstable();
        let usual = &walked[..SAMPLES * 3 / 4];
        let sum = usual.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        Ok((sum.0 / usual.len(), sum.1 / usual.len()))
    }

    /// The keys from which the demanded ends are reached.
    fn backward(&self, params: &[Slot], call: Call<'_>, budget: &Budget) -> Result<Relation> {
        let columns = call.columns(&[self.moving()]).unwrap_or_default();
        let ends = self.ends(&columns, call.demand.rows, budget)?;
        let found = self.search_back(&ends, None, budget)?;
        let rows = found.ends.len();
        budget.check_bytes(rows as u64 * 8 * self.order.len() as u64)?;
        let mut columns = chosen(self.keys(), self.order.len() - 1, &found.ends);
        columns.push(self.nodes.values(self.contexts.len()).repeated(&found.runs, rows));
        let mut relation = self.relation(params, columns, rows, self.order.len() - 1);
        if !self.contexts.is_empty() {
            // Ends are ordered by what steps depend on first.
            relation.ascending = None;
        }
        if ends.len() == 1 && self.order.len() == 2 {
            let key = self.order[0];
            relation.ascending = Some(params[key]).filter(|_| matches!(relation.columns[key], Column::Long(_)));
        }
        Ok(relation)
    }

    /// The nodes at which a demanded value may be the end, ascending.
    fn ends(&self, columns: &[&Column], rows: usize, budget: &Budget) -> Result<Vec<u32>> {
        if !self.contexts.is_empty() {
            return self.nodes.matching(&[self.contexts.len()], columns, rows, budget);
        }
        let mut ends = self.nodes.find(columns, rows, budget)?;
        ends.retain(|end| *end != NONE);
        ends.sort_unstable();
        ends.dedup();
        Ok(ends)
    }

    /// From ends to keys; only to the `wanted` ones of each end, as soon as they are found.
    fn search_back(&self, ends: &[u32], wanted: Option<&Adjacency>, budget: &Budget) -> Result<Found<u32>> {
        let (begins, back) = self.back(budget)?;
        let mut found = Found { runs: Vec::new(), ends: Vec::new() };
        let mut reached = Reached::new(self.nodes.count(), budget)?;
        let mut keys = Reached::new(self.keys().count(), budget)?;
        let mut sought = Sought::new(self.keys().count(), wanted);
        for end in ends {
            sought.seek(*end);
            for key in begins.of(*end) {
                if keys.mark(*key) {
                    sought.found(*key);
                }
            }
            let mut walked = 0;
            let goes_on = |key: u32| self.goes_on.as_ref().is_none_or(|goes_on| goes_on[key as usize]);
            reached.mark(*end);
            if !sought.is_done() {
                reached.spread(back, budget, |node| {
                    for key in begins.of(node).iter().filter(|key| goes_on(**key)) {
                        walked += 1;
                        if keys.mark(*key) {
                            sought.found(*key);
                        }
                    }
                    sought.is_done()
                })?;
            }
            reached.clear();
            budget.spend_steps(walked + 1)?;
            let before = found.ends.len();
            keys.drain(|key| {
                if sought.is_wanted(key) {
                    found.ends.push(key);
                }
            });
            found.runs.push((*end, (found.ends.len() - before) as u32));
            check(&found.ends, budget)?;
        }
        Ok(found)
    }

    /// Which of the demanded pairs hold: searched from the side on which there are fewer different values.
    fn between(&self, params: &[Slot], call: Call<'_>, budget: &Budget) -> Result<Relation> {
        let (keys, rows) = (&self.order[..self.order.len() - 1], call.demand.rows);
        let starts = self.keys().find(&call.columns(keys).unwrap_or_default(), rows, budget)?;
        let mut end_places = self.contexts.clone();
        end_places.push(self.moving());
        let ends = self.nodes.find(&call.columns(&end_places).unwrap_or_default(), rows, budget)?;
        let pairs = starts.into_iter().zip(ends).filter(|(start, end)| *start != NONE && *end != NONE);
        let (starts, ends): (Vec<_>, Vec<_>) = pairs.unzip();
        let (from, to) = (different(&starts), different(&ends));
        let (found_starts, found_ends) = if from.len() <= to.len() {
            let wanted = Adjacency::new(self.keys().count(), &starts, &ends, budget)?;
            flat(&self.search_wanted(&from, &wanted, budget)?)
        } else {
            let wanted = Adjacency::new(self.nodes.count(), &ends, &starts, budget)?;
            let (ends, starts) = flat(&self.search_back(&to, Some(&wanted), budget)?);
            (starts, ends)
        };
        let mut columns = chosen(self.keys(), keys.len(), &found_starts);
        columns.push(self.nodes.values(self.contexts.len()).of(&found_ends));
        let rows = found_starts.len();
        let mut relation = self.relation(params, columns, rows, 0);
        if from.len() > to.len() {
            relation.ascending = None;
        }
        Ok(relation)
    }

    /// From each start to those of its wanted ends that it reaches, as soon as they are found.
    fn search_wanted(&self, starts: &[u32], wanted: &Adjacency, budget: &Budget) -> Result<Found<u32>> {
        let mut found = Found { runs: Vec::new(), ends: Vec::new() };
        let mut reached = Reached::new(self.nodes.count(), budget)?;
        let mut sought = Sought::new(self.nodes.count(), Some(wanted));
        for start in starts {
            sought.seek(*start);
            let goes_on = begin(&self.base, self.goes_on.as_deref(), *start, &mut reached);
            let mut is_done = |node: u32| {
                sought.found(node);
                sought.is_done()
            };
            if goes_on {
                reached.spread(self.steps(), budget, is_done)?;
            } else {
                reached.nodes().iter().any(|node| is_done(*node));
            }
            let before = found.ends.len();
            reached.drain(|node| {
                if sought.is_wanted(node) {
                    found.ends.push(node);
                }
            });
            found.runs.push((*start, (found.ends.len() - before) as u32));
            check(&found.ends, budget)?;
        }
        Ok(found)
    }
}

/// Marks where walks from a key begin, and says whether they go on.
fn begin(base: &Adjacency, goes_on: Option<&[bool]>, key: u32, reached: &mut Reached) -> bool {
    for node in base.of(key) {
        reached.mark(*node);
    }
    goes_on.is_none_or(|goes_on| goes_on[key as usize])
}

/// What searches from many keys share, in whatever thread they run.
struct Searches<'c> {
    base: &'c Adjacency,
    steps: &'c Adjacency,
    goes_on: Option<&'c [bool]>,
    nodes: usize,
}

impl Searches<'_> {
    fn one_by_one<T: Copy>(
        &self,
        keys: impl Iterator<Item = u32>,
        value: impl Fn(u32) -> T + Copy,
        budget: &Budget,
    ) -> Result<Found<T>> {
        let mut found = Found { runs: Vec::new(), ends: Vec::new() };
        let mut reached = Reached::new(self.nodes, budget)?;
        for key in keys.filter(|key| !self.base.of(*key).is_empty()) {
            if begin(self.base, self.goes_on, key, &mut reached) {
                reached.spread(self.steps, budget, |_| false)?;
            }
            let before = found.ends.len();
            reached.drain_into(&mut found.ends, value);
            found.runs.push((key, (found.ends.len() - before) as u32));
            check(&found.ends, budget)?;
        }
        Ok(found)
    }

    fn by_matrix<T: Copy>(
        &self,
        matrix: &Matrix,
        keys: impl Iterator<Item = u32>,
        value: impl Fn(u32) -> T + Copy,
        budget: &Budget,
    ) -> Result<Found<T>> {
        let mut found = Found { runs: Vec::new(), ends: Vec::new() };
        let mut row = vec![0_u64; self.nodes.div_ceil(64)];
        for key in keys.filter(|key| !self.base.of(*key).is_empty()) {
            self.fill(matrix, key, &mut row);
            let before = found.ends.len();
            drain_words_into(&mut row, 0, &mut found.ends, value);
            found.runs.push((key, (found.ends.len() - before) as u32));
            budget.spend_steps((found.ends.len() - before + row.len() / 8 + 1) as u64)?;
            check(&found.ends, budget)?;
        }
        Ok(found)
    }

    /// Adds to a row of bits all that is reached from a key.
    fn fill(&self, matrix: &Matrix, key: u32, row: &mut [u64]) {
        if self.goes_on.is_none_or(|goes_on| goes_on[key as usize]) {
            for node in self.base.of(key) {
                matrix.add(*node, row);
            }
        } else {
            for node in self.base.of(key) {
                row[*node as usize / 64] |= 1 << (node % 64);
            }
        }
    }

    /// How many ends each key has. Steps are spent when they are written, so that a query costs the same with one thread.
    fn counted(&self, matrix: &Matrix, keys: impl Iterator<Item = u32>, budget: &Budget) -> Result<Vec<(u32, u32)>> {
        let mut runs = Vec::new();
        let mut row = vec![0_u64; self.nodes.div_ceil(64)];
        for key in keys.filter(|key| !self.base.of(*key).is_empty()) {
            self.fill(matrix, key, &mut row);
            runs.push((key, row.iter_mut().map(|word| std::mem::take(word).count_ones()).sum()));
            if runs.len().is_multiple_of(KEYS_PER_LOOK) {
                budget.look()?;
            }
        }
        Ok(runs)
    }

    /// The ends of keys of which it is known how many they are, so that two threads can write them where they belong.
    fn filled<T: Copy + Default + Send>(
        &self,
        matrix: &Matrix,
        runs: Vec<(u32, u32)>,
        value: impl Fn(u32) -> T + Copy + Sync,
        budget: &Budget,
    ) -> Result<Found<T>> {
        let count = runs.iter().map(|(_, count)| *count as usize).sum::<usize>();
        check_ends::<T>(count, budget)?;
        let mut ends = vec![T::default(); count];
        let write = |runs: &[(u32, u32)], mut ends: &mut [T]| -> Result<()> {
            let mut row = vec![0_u64; self.nodes.div_ceil(64)];
            for (key, count) in runs {
                let (own, rest) = ends.split_at_mut(*count as usize);
                self.fill(matrix, *key, &mut row);
                let mut places = own.iter_mut();
                drain_words(&mut row, 0, |node| {
                    if let Some(place) = places.next() {
                        *place = value(node);
                    }
                });
                budget.spend_steps((own.len() + row.len() / 8 + 1) as u64)?;
                ends = rest;
            }
            Ok(())
        };
        let mut written = 0;
        let half = runs.iter().position(|(_, own)| {
            written += *own as usize;
            written * 2 >= count
        });
        let (first, second) = runs.split_at(half.map_or(0, |at| at + 1));
        let (first_ends, second_ends) = ends.split_at_mut(written);
        let (first, second) = threads::both(count, budget, || write(first, first_ends), || write(second, second_ends));
        first.and(second)?;
        Ok(Found { runs, ends })
    }
}

/// What a search is to find, and how much of it is missing.
struct Sought<'w> {
    wanted: Option<&'w Adjacency>,
    /// By node: the last search that sought it.
    wanted_by: Vec<u32>,
    search: u32,
    missing: usize,
}

impl<'w> Sought<'w> {
    fn new(nodes: usize, wanted: Option<&'w Adjacency>) -> Self {
        Self { wanted, wanted_by: if wanted.is_some() { vec![0; nodes] } else { Vec::new() }, search: 0, missing: 0 }
    }

    fn seek(&mut self, from: u32) {
        let Some(wanted) = self.wanted else { return };
        self.search += 1;
        self.missing = 0;
        for node in wanted.of(from) {
            let by = &mut self.wanted_by[*node as usize];
            self.missing += usize::from(*by != self.search);
            *by = self.search;
        }
    }

    /// To be told of each node once.
    fn found(&mut self, node: u32) {
        if self.wanted.is_some() && self.is_wanted(node) {
            self.missing -= 1;
        }
    }

    fn is_wanted(&self, node: u32) -> bool {
        self.wanted.is_none() || self.wanted_by[node as usize] == self.search
    }

    fn is_done(&self) -> bool {
        self.wanted.is_some() && self.missing == 0
    }
}

fn check<T>(ends: &[T], budget: &Budget) -> Result<()> {
    check_ends::<T>(ends.len(), budget)
}

fn check_ends<T>(count: usize, budget: &Budget) -> Result<()> {
    budget.check_rows(count)?;
    budget.check_bytes((count * size_of::<T>()) as u64 * 2)
}

fn different(nodes: &[u32]) -> Vec<u32> {
    let mut nodes = nodes.to_vec();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// Both sides of what was found.
fn flat(found: &Found<u32>) -> (Vec<u32>, Vec<u32>) {
    let mut starts = Vec::with_capacity(found.ends.len());
    found.runs.iter().for_each(|(start, times)| starts.resize(starts.len() + *times as usize, *start));
    (starts, found.ends.clone())
}

fn repeated(keys: &Nodes, width: usize, runs: &[(u32, u32)], rows: usize) -> Vec<Column> {
    (0..width).map(|place| keys.values(place).repeated(runs, rows)).collect()
}

fn chosen(keys: &Nodes, width: usize, numbers: &[u32]) -> Vec<Column> {
    (0..width).map(|place| keys.values(place).of(numbers)).collect()
}
