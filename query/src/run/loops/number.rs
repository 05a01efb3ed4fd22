//! Every value a number: places of tables and variables that can hold the same values share one numbering, and what stays becomes packed rows.

use std::collections::{BTreeMap, BTreeSet};

use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::plan::slot::Slot;
use crate::run::loops::packed::Packing;
use crate::run::loops::part::{Body, Parts, Table};
use crate::run::nodes::Nodes;
use crate::run::relation::Relation;

/// Rows that stay, by numbers.
#[derive(Debug)]
pub(crate) struct FixedRows {
    /// What numbers each column.
    pub(crate) classes: Vec<usize>,
    pub(crate) packing: Packing,
    pub(crate) rows: Vec<u64>,
}

/// What numbers mean.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// By class.
    pub(crate) nodes: Vec<Nodes>,
    /// The classes of each table that grows.
    pub(crate) grown: Vec<Vec<usize>>,
    /// The classes of the variables of each body.
    pub(crate) slots: Vec<BTreeMap<Slot, usize>>,
    /// What stays; one relation may be here under several numberings.
    pub(crate) fixed: Vec<FixedRows>,
    /// By body and atom: the place in `fixed`.
    pub(crate) places: BTreeMap<(usize, usize), usize>,
}

/// Which places share their values.
#[derive(Default)]
struct Classes {
    parents: Vec<usize>,
    /// The first place of each table that grows.
    firsts: Vec<usize>,
    slots: Vec<BTreeMap<Slot, usize>>,
}

impl Classes {
    fn fresh(&mut self) -> usize {
        self.parents.push(self.parents.len());
        self.parents.len() - 1
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.parents[at] != at {
            self.parents[at] = self.parents[self.parents[at]];
            at = self.parents[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b);
    }

    fn slot(&mut self, body: usize, slot: Slot) -> usize {
        if let Some(known) = self.slots[body].get(&slot) {
            return *known;
        }
        let fresh = self.fresh();
        self.slots[body].insert(slot, fresh);
        fresh
    }

    fn of(widths: &[usize], bodies: &[Body]) -> Self {
        let mut classes = Self::default();
        for width in widths {
            classes.firsts.push(classes.parents.len());
            (0..*width).for_each(|_| _ = classes.fresh());
        }
        for (at, body) in bodies.iter().enumerate() {
            classes.slots.push(BTreeMap::new());
            for (place, slot) in body.head.iter().enumerate() {
                let slot = classes.slot(at, *slot);
                classes.join(classes.firsts[body.goes] + place, slot);
            }
            for atom in &body.atoms {
                for (place, slot) in atom.args.iter().enumerate().filter_map(|(place, arg)| Some((place, (*arg)?))) {
                    let slot = classes.slot(at, slot);
                    if let Table::Grown(table) = atom.table {
                        classes.join(classes.firsts[table] + place, slot);
                    }
                }
            }
        }
        classes
    }
}

impl Numbers {
    /// Of these bodies and their tables, and of the demands on one of them. `None` if values that are the same can be told apart.
    pub(crate) fn of(parts: &Parts<'_, '_>, (demanded, demand): (usize, &Relation), budget: &Budget) -> Result<Option<Self>> {
        let widths = &parts.widths;
        let mut classes = Classes::of(widths, &parts.bodies);
        // A demand has the values of the argument it is on.
        let mut dense: BTreeMap<usize, usize> = BTreeMap::new();
        let mut class_of = |classes: &mut Classes, place: usize| {
            let (root, next) = (classes.root(place), dense.len());
            *dense.entry(root).or_insert(next)
        };
        let mut grown = Vec::new();
        for (table, width) in widths.iter().enumerate() {
            let first = classes.firsts[table];
            grown.push((first..first + width).map(|place| class_of(&mut classes, place)).collect::<Vec<_>>());
        }
        let slots = (0..parts.bodies.len()).map(|body| {
            let own = classes.slots[body].clone();
            own.into_iter().map(|(slot, place)| (slot, class_of(&mut classes, place))).collect::<BTreeMap<_, _>>()
        });
        let slots = slots.collect::<Vec<_>>();
        let mut used: Vec<BTreeSet<(usize, usize)>> = vec![BTreeSet::new(); dense.len()];
        for (body, slots) in parts.bodies.iter().zip(&slots) {
            for atom in &body.atoms {
                let Table::Fixed(fixed) = atom.table else { continue };
                for (column, slot) in atom.args.iter().enumerate().filter_map(|(column, arg)| Some((column, (*arg)?))) {
                    used[slots[&slot]].insert((fixed, column));
                }
            }
        }
        let mut nodes = Vec::new();
        let mut numbers: BTreeMap<(usize, usize, usize), Vec<u32>> = BTreeMap::new();
        for (class, columns) in used.iter().enumerate() {
            let mut groups =
                columns.iter().map(|(fixed, column)| vec![&parts.fixed[*fixed].rows.columns[*column]]).collect::<Vec<_>>();
            let asked = demand.columns.iter().zip(&grown[demanded]).filter(|(_, own)| **own == class);
            groups.extend(asked.map(|(column, _)| vec![column]));
            let Some((own, numbered)) = Nodes::of(&groups, budget)? else { return Ok(None) };
            nodes.push(own);
            numbers.extend(columns.iter().zip(numbered).map(|((fixed, column), numbers)| ((class, *fixed, *column), numbers)));
        }
        let mut all = Self { nodes, grown, slots, fixed: Vec::new(), places: BTreeMap::new() };
        Ok(all.pack(parts, &numbers, budget)?.then_some(all))
    }

    /// Packs what stays. False if rows are too wide.
    fn pack(
        &mut self,
        parts: &Parts<'_, '_>,
        numbers: &BTreeMap<(usize, usize, usize), Vec<u32>>,
        budget: &Budget,
    ) -> Result<bool> {
        let mut known: BTreeMap<(usize, Vec<usize>), usize> = BTreeMap::new();
        for (at, body) in parts.bodies.iter().enumerate() {
            for (place, atom) in body.atoms.iter().enumerate() {
                let Table::Fixed(fixed) = atom.table else { continue };
                let classes = atom.args.iter().flatten().map(|slot| self.slots[at][slot]).collect::<Vec<_>>();
                let next = self.fixed.len();
                let own = *known.entry((fixed, classes.clone())).or_insert(next);
                self.places.insert((at, place), own);
                if own < next {
                    continue;
                }
                let Some(packing) = self.packing(&classes) else { return Ok(false) };
                let columns = classes.iter().enumerate().map(|(column, class)| &numbers[&(*class, fixed, column)][..]);
                let columns = columns.collect::<Vec<_>>();
                let rows = parts.fixed[fixed].rows.rows;
                budget.spend_steps(rows as u64)?;
                budget.take_bytes(rows as u64 * 8)?;
                let rows = match columns[..] {
                    [first, second] => {
                        let (shift, rest) = (packing.shift(0), packing.shift(1));
                        let both = first.iter().zip(second);
                        both.map(|(first, second)| u64::from(*first) << shift | u64::from(*second) << rest).collect()
                    }
                    _ => (0..rows).map(|row| packing.row(columns.iter().map(|column| column[row]))).collect(),
                };
                self.fixed.push(FixedRows { classes, packing, rows });
            }
        }
        Ok(true)
    }

    /// How rows of these classes are packed.
    pub(crate) fn packing(&self, classes: &[usize]) -> Option<Packing> {
        Packing::new(&self.counts(classes))
    }

    /// How many numbers there are of each of these classes.
    pub(crate) fn counts(&self, classes: &[usize]) -> Vec<usize> {
        classes.iter().map(|class| self.nodes[*class].count()).collect()
    }

    /// The values of numbers at one place of packed rows.
    pub(crate) fn column(&self, class: usize, rows: &[u64], packing: &Packing, place: usize) -> Column {
        self.nodes[class].values(0).each(rows.iter().map(|row| packing.number(*row, place)))
    }
}
