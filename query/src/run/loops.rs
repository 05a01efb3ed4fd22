//! The fixpoint of a rule as loops over numbers: values are numbered once, rows are packed into single numbers, and each new row runs through the
//! bodies in which it can stand, meeting there what is known of the others through indexes that grow with their tables.
//!
//! It takes rules whose recursion makes no new values: patterns, comparisons, negations and functions of what stays, in any number of rules that
//! call each other. Others run by joins of columns.

use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::plan::Plan;
use crate::plan::slot::Slot;
use crate::run::Run;
use crate::run::fixpoint::{Adorned, Flow};
use crate::run::index::NONE;
use crate::run::key::is_exact;
use crate::run::loops::index::Index;
use crate::run::loops::machine::{Growing, Machine};
use crate::run::loops::number::{FixedRows, Numbers};
use crate::run::loops::order::{Loop, Placed, Shelf, Size, Stage};
use crate::run::loops::packed::{Packing, Seen};
use crate::run::loops::part::{Body, Parts, Table};
use crate::run::loops::shown::Shown;
use crate::run::outline::Outline;
use crate::run::relation::Relation;

pub(crate) mod index;
pub(crate) mod machine;
pub(crate) mod number;
pub(crate) mod order;
pub(crate) mod packed;
pub(crate) mod part;
pub(crate) mod shown;

/// Orders are chosen anew when there are so many times as many rows.
const GROWTH_PER_ORDER: usize = 4;
/// Rows that are too few to choose anew for.
const ROWS_PER_ORDER: usize = 1_024;

/// Rows are sorted to count their numbers where there are so many times as many numbers.
const NUMBERS_PER_FEW: usize = 16;

/// All tables of a call, with what they are made from.
#[derive(Debug)]
pub(crate) struct Loops {
    bodies: Vec<Body>,
    numbers: Numbers,
    /// Answers and demands by turns, those of the call first.
    growing: Vec<Growing>,
    /// By table: first those that grow, then those that stay.
    indexes: Vec<Vec<Index>>,
    /// By table that grows: the loops that begin with it, those before the table's own new rows are indexed and those after.
    ordered: Vec<[Vec<Loop>; 2]>,
    /// Rows when they were ordered.
    ordered_rows: usize,
    /// Of what stays.
    fixed_sizes: Vec<Size>,
    is_begun: bool,
    params: Vec<Slot>,
    /// The places of the bound arguments.
    demanded: Vec<usize>,
    /// How many rounds were run.
    pub(crate) rounds: usize,
    plans: Vec<Plan>,
    /// The rules of the tables that grow, but for those that are made on the way.
    tables: Vec<Adorned>,
    /// The loops, if somebody wants to see them.
    shown: Option<Vec<Shown>>,
}

impl Loops {
    /// For a call with these demands. `None` if it cannot be made so.
    pub(crate) fn new(adorned: &Adorned, demand: &Relation, run: &Run<'_>) -> Result<Option<Self>> {
        match Self::built(adorned, demand, run) {
            // What fails here may never be asked where it only joins what is there.
            Err(error) if !error.is_of_the_budget() => Ok(None),
            built => built,
        }
    }

    fn built(adorned: &Adorned, demand: &Relation, run: &Run<'_>) -> Result<Option<Self>> {
        let outline = Outline::new(adorned.clone(), !adorned.1.contains(&true), run)?;
        let Some(parts) = Parts::of(&outline, run)? else { return Ok(None) };
        let Some(numbers) = Numbers::of(&parts, (1, demand), run.budget)? else { return Ok(None) };
        let mut growing = Vec::new();
        for classes in &numbers.grown {
            let Some(packing) = numbers.packing(classes) else { return Ok(None) };
            growing.push(Growing::new(classes.clone(), packing, run.budget)?);
        }
        let indexes = (0..growing.len() + numbers.fixed.len()).map(|_| Vec::new()).collect();
        let Parts { bodies, plans, .. } = parts;
        let mut loops = Self {
            bodies,
            growing,
            indexes,
            ordered: Vec::new(),
            ordered_rows: 0,
            fixed_sizes: Vec::new(),
            is_begun: false,
            params: outline.tables[0].params.clone(),
            demanded: (0..adorned.1.len()).filter(|place| adorned.1[*place]).collect(),
            rounds: 0,
            plans,
            tables: outline.tables.iter().map(|table| table.adorned.clone()).collect(),
            shown: run.efforts.as_ref().map(|_| Vec::new()),
            numbers,
        };
        Ok(loops.order(run.budget)?.then_some(loops))
    }

    /// How what stays was found.
    pub(crate) fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// The loops, with what they add to and what begins them, if they are to be seen.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (&Shown, [Option<Flow<'_>>; 2])> {
        self.shown.iter().flatten().map(|shown| (shown, shown.flows(&self.tables)))
    }

    /// Every answer to the demands. `None` if there are values among them that have no number.
    pub(crate) fn answer(&mut self, demand: &Relation, budget: &Budget) -> Result<Option<Relation>> {
        let Some(wanted) = self.wanted(demand, budget)? else { return Ok(None) };
        if !self.demanded.is_empty() {
            for row in &wanted {
                self.growing[1].add(*row);
            }
        }
        if !std::mem::replace(&mut self.is_begun, true) {
            self.begin(budget)?;
        }
        while self.growing.iter().any(|table| table.done < table.rows.len()) {
            self.rounds += 1;
            let rows = self.growing.iter().map(|table| table.rows.len()).sum::<usize>();
            if rows > ROWS_PER_ORDER + self.ordered_rows * GROWTH_PER_ORDER {
                self.ordered_rows = rows;
                // It could be ordered before, so it can be now.
                self.order(budget)?;
            }
            for table in 0..self.growing.len() {
                self.round(table, budget)?;
            }
        }
        self.found(&wanted, budget).map(Some)
    }

    /// The packed demands; `None` if some have no number.
    fn wanted(&self, demand: &Relation, budget: &Budget) -> Result<Option<Vec<u64>>> {
        let mut columns = Vec::new();
        for (column, class) in demand.columns.iter().zip(&self.growing[1].classes) {
            let nodes = &self.numbers.nodes[*class];
            let numbers = nodes.find(&[column], demand.rows, budget)?;
            let own = nodes.values(0).of(if numbers.contains(&NONE) { return Ok(None) } else { &numbers });
            if !is_exact(column, &own) && (0..column.len()).any(|row| column.value(row) != own.value(row)) {
                return Ok(None);
            }
            columns.push(numbers);
        }
        let packing = &self.growing[1].packing;
        Ok(Some((0..demand.rows).map(|row| packing.row(columns.iter().map(|column| column[row]))).collect()))
    }

    /// Chooses the order of every loop. False if one cannot be made.
    fn order(&mut self, budget: &Budget) -> Result<bool> {
        let sizes = self.growing.iter().map(|table| size(&table.rows, &table.packing, &self.numbers.counts(&table.classes)));
        if self.fixed_sizes.len() < self.numbers.fixed.len() {
            let of = |table: &FixedRows| size(&table.rows, &table.packing, &self.numbers.counts(&table.classes));
            self.fixed_sizes = self.numbers.fixed.iter().map(of).collect();
        }
        let sizes = sizes.chain(self.fixed_sizes.iter().cloned()).collect();
        let (growing, fixed) = (&self.growing, &self.numbers.fixed);
        let mut shelves = Shelves { growing, fixed, numbers: &self.numbers, indexes: &mut self.indexes, sizes, budget };
        let mut shown = Vec::new();
        let mut loops: Vec<[Vec<Loop>; 2]> = self.growing.iter().map(|_| Default::default()).collect();
        for (at, body) in self.bodies.iter().enumerate() {
            let table = |place: usize| match body.atoms[place].table {
                Table::Grown(table) => table,
                Table::Fixed(_) => self.growing.len() + self.numbers.places[&(at, place)],
            };
            let tables = (0..body.atoms.len()).map(table).collect::<Vec<_>>();
            let placed = Placed { body, classes: &self.numbers.slots[at], numbers: &self.numbers, tables };
            for first in (0..body.atoms.len()).filter(|first| matches!(body.atoms[*first].table, Table::Grown(_))) {
                let Some(own) = placed.order(first, &mut shelves)? else { return Ok(false) };
                let is_later = placed.tables[..first].contains(&placed.tables[first]);
                if self.shown.is_some() {
                    shown.push(Shown::new(&own, placed.tables[first], body));
                }
                loops[placed.tables[first]][usize::from(is_later)].push(own);
            }
        }
        self.ordered = loops;
        self.shown = self.shown.take().map(|_| shown);
        Ok(true)
    }

    /// What bodies give that nothing has to begin.
    fn begin(&mut self, budget: &Budget) -> Result<()> {
        for (at, body) in self.bodies.iter().enumerate() {
            let [atom] = &body.atoms[..] else { continue };
            let (Table::Fixed(_), Some(place)) = (atom.table, self.numbers.places.get(&(at, 0))) else { continue };
            let FixedRows { packing, rows, .. } = &self.numbers.fixed[*place];
            let places = body.head.iter().map(|slot| atom.args.iter().position(|arg| *arg == Some(*slot)).unwrap_or(0));
            let places = places.collect::<Vec<_>>();
            let table = &mut self.growing[body.goes];
            for row in rows {
                let row = table.packing.row(places.iter().map(|place| packing.number(*row, *place)));
                table.add(row);
            }
            budget.spend_steps(rows.len() as u64)?;
            table.settle(budget)?;
        }
        Ok(())
    }

    /// Runs what begins with the new rows of a table.
    fn round(&mut self, table: usize, budget: &Budget) -> Result<()> {
        let own = &mut self.growing[table];
        let (packing, rows) = (own.packing.clone(), own.rows[own.done..].to_vec());
        if rows.is_empty() {
            return Ok(());
        }
        own.done = own.rows.len();
        for is_later in [false, true] {
            if is_later {
                budget.take_bytes(rows.len() as u64 * 8 * self.indexes[table].len() as u64)?;
                self.indexes[table].iter_mut().for_each(|index| index.add(&packing, &rows));
            }
            for own in &self.ordered[table][usize::from(is_later)] {
                for (table, index) in own.stages.iter().filter_map(Stage::index) {
                    if let Some(fixed) = table.checked_sub(self.growing.len()) {
                        let FixedRows { classes, packing, rows } = &self.numbers.fixed[fixed];
                        let index = &mut self.indexes[table][index];
                        if index.is_waiting() {
                            index.prepare(packing, &self.numbers.counts(classes), rows);
                        }
                    }
                }
                let sink = &mut self.growing[own.goes];
                Machine::new(own, &self.indexes, &self.numbers, sink, budget).run(&rows, &own.load, &packing)?;
            }
        }
        Ok(())
    }

    /// The answers to these demands.
    fn found(&self, wanted: &[u64], budget: &Budget) -> Result<Relation> {
        let table = &self.growing[0];
        let mut chosen = Vec::new();
        let mut rows = &table.rows;
        if !self.demanded.is_empty() {
            let packing = &self.growing[1].packing;
            let mut seen = Seen::new(packing, budget)?;
            for row in wanted {
                seen.insert(*row);
            }
            let key = |row: u64| packing.row(self.demanded.iter().map(|place| table.packing.number(row, *place)));
            budget.spend_steps(rows.len() as u64)?;
            chosen.extend(rows.iter().copied().filter(|row| seen.contains(key(*row))));
            rows = &chosen;
        } else if let Some(ascending) = table.seen.ascending(rows.len()) {
            chosen = ascending;
            rows = &chosen;
        }
        budget.check_bytes(rows.len() as u64 * 8 * table.classes.len() as u64)?;
        let column = |(place, class): (usize, &usize)| self.numbers.column(*class, rows, &table.packing, place);
        let columns: Vec<Column> = table.classes.iter().enumerate().map(column).collect();
        Ok(Relation::new(self.params.clone(), columns, rows.len()).with_key(self.params.clone()))
    }
}

/// How many rows there are, and different numbers in each place.
fn size(rows: &[u64], packing: &Packing, counts: &[usize]) -> Size {
    let distinct = |place: usize| {
        if rows.len() < counts[place] / NUMBERS_PER_FEW {
            let mut numbers = rows.iter().map(|row| packing.number(*row, place)).collect::<Vec<_>>();
            numbers.sort_unstable();
            numbers.dedup();
            return numbers.len() as f64;
        }
        let mut is_there = vec![false; counts[place]];
        for row in rows {
            is_there[packing.number(*row, place) as usize] = true;
        }
        is_there.into_iter().filter(|is_there| *is_there).count() as f64
    };
    Size { rows: rows.len() as f64, distinct: (0..packing.width()).map(distinct).collect() }
}

/// The tables while orders are chosen.
struct Shelves<'s> {
    growing: &'s [Growing],
    fixed: &'s [FixedRows],
    numbers: &'s Numbers,
    indexes: &'s mut Vec<Vec<Index>>,
    sizes: Vec<Size>,
    budget: &'s Budget,
}

impl Shelf for Shelves<'_> {
    fn size(&self, table: usize) -> Size {
        self.sizes[table].clone()
    }

    fn index(&mut self, table: usize, key: Vec<usize>, rest: Vec<usize>) -> Result<Option<usize>> {
        let known = self.indexes[table].iter().position(|index| index.key == key && index.rest == rest);
        if known.is_some() {
            return Ok(known);
        }
        let (classes, packing, rows) = if let Some(own) = self.growing.get(table) {
            (&own.classes, &own.packing, &own.rows[..own.done])
        } else {
            let own = &self.fixed[table - self.growing.len()];
            (&own.classes, &own.packing, &own.rows[..])
        };
        let (counts, is_fixed) = (self.numbers.counts(classes), table >= self.growing.len());
        let Some(index) = Index::new((key, rest), (packing, &counts), (rows, is_fixed), self.budget)? else { return Ok(None) };
        self.indexes[table].push(index);
        Ok(Some(self.indexes[table].len() - 1))
    }
}
