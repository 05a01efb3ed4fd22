//! In which order a body is joined once one of its atoms is given: what can be checked is checked at once, and what adds the fewest rows comes
//! first.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::column::Column;
use crate::plan::slot::Slot;
use crate::run::compare::Operator;
use crate::run::loops::number::Numbers;
use crate::run::loops::part::{Atom, Body, Operand, Test};
use crate::run::nodes::{Nodes, Values};
use crate::value::Value;

/// What one row of the atom that is given leads to.
#[derive(Debug)]
pub(crate) struct Loop {
    /// The numbers of the row that are taken: its places, and where they go.
    pub(crate) load: Vec<(usize, Take)>,
    /// What follows.
    pub(crate) stages: Vec<Stage>,
    /// The table that grows, and what it is given.
    pub(crate) goes: usize,
    pub(crate) head: Vec<usize>,
    /// How many numbers are held at once.
    pub(crate) registers: usize,
    /// The atoms in their order, each with the rows expected after it for a row that is given.
    pub(crate) order: Vec<(usize, f64)>,
}

/// Where a number goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// It is kept.
    Keep(usize),
    /// It must be the one that is kept.
    Same(usize),
}

/// One step of a loop.
#[derive(Debug)]
pub(crate) enum Stage {
    /// For each row of a key.
    Each { index: (usize, usize), key: Vec<usize>, takes: Vec<Take> },
    /// If there is a row of a key, or if there is none.
    If { index: (usize, usize), key: Vec<usize>, is_absent: bool },
    /// If two numbers compare.
    Compare { operator: Operator, left: usize, right: Side, decoding: Decoding },
}

/// What a number is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Register(usize),
    Constant(i64),
}

/// How numbers are compared.
#[derive(Clone, Debug)]
pub(crate) enum Decoding {
    /// They ascend with what they mean.
    Numbers,
    /// As longs, by the classes of both sides.
    Longs([usize; 2]),
}

/// What is known of a table when an order is chosen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Size {
    pub(crate) rows: f64,
    /// Different numbers in each place.
    pub(crate) distinct: Vec<f64>,
}

/// What an order is made with: sizes of tables, and indexes that are found or made.
pub(crate) trait Shelf {
    fn size(&self, table: usize) -> Size;
    /// The place of the index with this key that tells the rest. `None` if keys are too wide.
    fn index(&mut self, table: usize, key: Vec<usize>, rest: Vec<usize>) -> crate::error::Result<Option<usize>>;
}

/// A body whose tables have places on the stock.
pub(crate) struct Placed<'b> {
    pub(crate) body: &'b Body,
    /// The table of each atom.
    pub(crate) tables: Vec<usize>,
    pub(crate) classes: &'b BTreeMap<Slot, usize>,
    pub(crate) numbers: &'b Numbers,
}

struct Order<'o, 'b> {
    placed: &'o Placed<'b>,
    registers: BTreeMap<Slot, usize>,
    atoms: Vec<usize>,
    tests: Vec<&'b Test>,
    stages: Vec<Stage>,
    met: Vec<(usize, f64)>,
}

impl Placed<'_> {
    /// The loop that begins with one of the atoms. `None` if something in it cannot be a stage.
    pub(crate) fn order(&self, first: usize, stock: &mut impl Shelf) -> crate::error::Result<Option<Loop>> {
        let atoms = (0..self.body.atoms.len()).filter(|at| *at != first).collect();
        let tests = self.body.tests.iter().collect();
        let mut order =
            Order { placed: self, registers: BTreeMap::new(), atoms, tests, stages: Vec::new(), met: vec![(first, 1.0)] };
        let places = (0..self.body.atoms[first].args.len()).collect::<Vec<_>>();
        let load = order.takes(&self.body.atoms[first], &places);
        let load = places.into_iter().zip(load).filter_map(|(place, take)| Some((place, take?))).collect();
        loop {
            if !order.tests(self) || !order.checks(stock)? {
                return Ok(None);
            }
            let Some(next) = order.next(stock) else { break };
            if !order.extend(next, stock)? {
                return Ok(None);
            }
        }
        if !order.tests.is_empty() || !order.atoms.is_empty() {
            return Ok(None);
        }
        let head = self.body.head.iter().map(|slot| order.registers.get(slot).copied()).collect::<Option<Vec<_>>>();
        let Order { registers, stages, met, .. } = order;
        Ok(head.map(|head| Loop { load, stages, goes: self.body.goes, head, registers: registers.len(), order: met }))
    }
}

impl Order<'_, '_> {
    /// Where the numbers at these places of an atom go; `None` where nobody asks.
    fn takes(&mut self, atom: &Atom, places: &[usize]) -> Vec<Option<Take>> {
        let mut takes = Vec::new();
        for place in places {
            let next = self.registers.len();
            takes.push(atom.args[*place].map(|slot| {
                if let Some(known) = self.registers.get(&slot) {
                    return Take::Same(*known);
                }
                self.registers.insert(slot, next);
                Take::Keep(next)
            }));
        }
        takes
    }

    fn is_bound(&self, slot: Slot) -> bool {
        self.registers.contains_key(&slot)
    }

    /// Makes stages of the comparisons that can be made. False if one never can.
    fn tests(&mut self, placed: &Placed<'_>) -> bool {
        let (ready, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.tests).into_iter().partition(|test| {
            let other = if let Operand::Slot(slot) = test.right { slot } else { test.left };
            self.is_bound(test.left) && self.is_bound(other)
        });
        self.tests = waiting;
        for test in ready {
            match self.compare(test, placed) {
                Some(stage) => self.stages.push(stage),
                None => return false,
            }
        }
        true
    }

    fn compare(&self, test: &Test, placed: &Placed<'_>) -> Option<Stage> {
        let left_class = placed.classes[&test.left];
        let left = self.registers[&test.left];
        let nodes = |class: usize| &placed.numbers.nodes[class];
        let (right, decoding) = match &test.right {
            Operand::Slot(slot) => {
                let class = placed.classes[slot];
                let is_equality = matches!(test.operator, Operator::Equal | Operator::Different);
                let decoding = if class == left_class && (is_equality || is_one_kind(nodes(class))) {
                    Decoding::Numbers
                } else if are_longs(nodes(class)) && are_longs(nodes(left_class)) {
                    Decoding::Longs([left_class, class])
                } else {
                    return None;
                };
                (Side::Register(self.registers[slot]), decoding)
            }
            Operand::Constant(Value::Long(constant)) if are_longs(nodes(left_class)) => {
                (Side::Constant(*constant), Decoding::Longs([left_class, left_class]))
            }
            Operand::Constant(_) => return None,
        };
        Some(Stage::Compare { operator: test.operator, left, right, decoding })
    }

    /// Makes stages of the atoms of which everything is known, or nothing more is asked. False if one cannot be one.
    fn checks(&mut self, stock: &mut impl Shelf) -> crate::error::Result<bool> {
        for at in self.atoms.clone() {
            let atom = &self.placed.body.atoms[at];
            let is_known = |arg: &Option<Slot>| arg.is_none_or(|slot| self.is_bound(slot));
            if atom.args.iter().all(is_known) && !self.extend(at, stock)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The atom that adds the fewest rows; what must be absent waits until all of it is known.
    fn next(&self, stock: &impl Shelf) -> Option<usize> {
        let mut best: Option<(f64, usize)> = None;
        for at in &self.atoms {
            let atom = &self.placed.body.atoms[*at];
            if atom.is_absent {
                continue;
            }
            // What is not connected comes last.
            let rows = self.fan(*at, stock).unwrap_or_else(|rows| rows * 1e6 + 1e6);
            if best.is_none_or(|(least, _)| rows < least) {
                best = Some((rows, *at));
            }
        }
        best.map(|(_, at)| at)
    }

    /// How many rows of an atom are expected for each there is; the error is all of them, where nothing connects it.
    fn fan(&self, at: usize, stock: &impl Shelf) -> Result<f64, f64> {
        let size = stock.size(self.placed.tables[at]);
        let args = self.placed.body.atoms[at].args.iter().enumerate();
        let bound = args.filter(|(_, arg)| arg.is_some_and(|slot| self.is_bound(slot)));
        let spread = bound.map(|(place, _)| size.distinct[place].max(1.0)).reduce(f64::max);
        spread.map(|spread| size.rows / spread).ok_or(size.rows)
    }

    /// Makes a stage of an atom. False if it cannot be one.
    fn extend(&mut self, at: usize, stock: &mut impl Shelf) -> crate::error::Result<bool> {
        self.atoms.retain(|other| *other != at);
        let before = self.met.last().map_or(1.0, |(_, rows)| *rows);
        self.met.push((at, before * self.fan(at, stock).unwrap_or_else(|rows| rows)));
        let placed = self.placed;
        let (atom, table) = (&placed.body.atoms[at], placed.tables[at]);
        let named = |place: &usize| atom.args[*place].map(|slot| (*place, slot));
        let named = (0..atom.args.len()).filter_map(|place| named(&place)).collect::<Vec<_>>();
        let (known, others): (Vec<_>, Vec<_>) = named.into_iter().partition(|(_, slot)| self.is_bound(*slot));
        let (columns, key): (Vec<_>, Vec<_>) = known.into_iter().map(|(place, slot)| (place, self.registers[&slot])).unzip();
        let is_asked = |slot: Slot| {
            placed.body.head.contains(&slot)
                || self.atoms.iter().any(|other| placed.body.atoms[*other].args.contains(&Some(slot)))
                || self.tests.iter().any(|test| test.left == slot || matches!(test.right, Operand::Slot(other) if other == slot))
                || others.iter().filter(|(_, other)| *other == slot).count() > 1
        };
        let rest = others.iter().filter(|(_, slot)| is_asked(*slot)).map(|(place, _)| *place).collect::<Vec<_>>();
        let Some(index) = stock.index(table, columns, rest.clone())? else { return Ok(false) };
        let index = (table, index);
        if rest.is_empty() {
            self.stages.push(Stage::If { index, key, is_absent: atom.is_absent });
            return Ok(true);
        }
        let takes = self.takes(atom, &rest).into_iter().flatten().collect();
        self.stages.push(Stage::Each { index, key, takes });
        Ok(!atom.is_absent)
    }
}

/// True if the numbers of all nodes compare as their values do.
fn is_one_kind(nodes: &Nodes) -> bool {
    match nodes.values(0) {
        Values::Offset(_) | Values::Longs(_) => true,
        Values::Column(column) => !matches!(column, Column::Value(_)),
    }
}

fn are_longs(nodes: &Nodes) -> bool {
    matches!(nodes.values(0), Values::Offset(_) | Values::Longs(_))
}

impl Stage {
    /// The table it looks into, and by which of its indexes.
    pub(crate) fn index(&self) -> Option<(usize, usize)> {
        match self {
            Self::Each { index, .. } | Self::If { index, .. } => Some(*index),
            Self::Compare { .. } => None,
        }
    }

    /// How two numbers compare.
    #[inline]
    pub(crate) fn order(decoding: &Decoding, left: u32, right: Result<u32, i64>, numbers: &Numbers) -> Ordering {
        match (decoding, right) {
            (Decoding::Numbers, Ok(right)) => left.cmp(&right),
            (Decoding::Numbers, Err(_)) => Ordering::Equal,
            (Decoding::Longs([own, other]), right) => {
                let right = right.map_or_else(|constant| constant, |right| numbers.nodes[*other].long(right));
                numbers.nodes[*own].long(left).cmp(&right)
            }
        }
    }
}
