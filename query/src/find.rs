//! Find: from the distinct rows that the clauses gave to the answer in the shape that was asked for.
//!
//! Rows are grouped and aggregated, chosen by `:having`, ordered, cut to `:offset` and `:limit`, and only then turned from columns into values;
//! entities are pulled last, for the rows that stay.

use std::collections::HashMap;
use std::sync::Arc;

use crate::answer::Shape;
use crate::ast::{Argument, Direction, Element, Find, PullPattern, Query, Variable};
use crate::budget::Budget;
use crate::column::Column;
use crate::error::{Code, Error, Result};
use crate::registry::Functions;
use crate::source::Sources;
use crate::table::Table;

mod grouping;
mod having;
mod header;
mod order;
mod pulls;
mod rank;
mod sort;

pub(crate) use header::text as element_text;
use sort::Field;

/// What an answer is made with, beside its rows.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// Where entities are pulled from.
    pub sources: &'a Sources,
    /// The pull patterns given by name.
    pub patterns: &'a HashMap<Arc<str>, PullPattern>,
    /// Aggregates, and what `:xform` names.
    pub functions: &'a Functions,
}

/// The answer of `query`, whose clauses gave these distinct rows over its variables of `:find`, `:with` and `:order-by`.
///
/// `columns` stand in the order of `variables` and have `rows` values each. An entity that is pulled and of which nothing is known takes its row along.
pub fn finish(
    query: &Query,
    variables: &[Variable],
    columns: &[Column],
    rows: usize,
    surroundings: Surroundings<'_>,
    budget: &Budget,
) -> Result<Table> {
    let shown = query.find.elements();
    let elements = header::distinct(query);
    let functions = surroundings.functions;
    let table = grouping::tabulate(&elements, &Given { variables, columns, rows, functions }, budget)?;
    let table = having::chosen(table, &query.having, &elements, functions, budget)?;
    let keys = order::keys(&query.order_by, &elements);
    let limit = limit(query);
    let pulls = pulls::Pulls::new(shown, surroundings, budget)?;
    // Pulled entities of which nothing is known take their rows along, so how many rows are needed shows only then.
    let end = limit.filter(|_| pulls.is_empty()).map_or(usize::MAX, |limit| query.offset.saturating_add(limit));
    let ordered = order::first_rows(&table, &keys, end, budget)?;
    budget.check_rows(ordered.len())?;
    budget.spend_steps(ordered.len() as u64)?;
    let range = Range { offset: query.offset, limit: limit.unwrap_or(usize::MAX) };
    let header = shown.iter().map(header::text).collect();
    let (columns, rows) = if pulls.is_empty() {
        table.chosen(&ordered.within(range), shown.len())
    } else {
        pulls.columns(&table, &ordered, range)?
    };
    Ok(Table::new(header, Shape::of(&query.find, query.return_map.as_ref()), columns, rows))
}

/// How many rows the answer has at most, if that is known.
fn limit(query: &Query) -> Option<usize> {
    match query.find {
        Find::Tuple(_) | Find::Scalar(_) => Some(query.limit.unwrap_or(1).min(1)),
        Find::Relation(_) | Find::Collection(_) => query.limit,
    }
}

/// The beginning of an order, of which an answer takes no more than `count` rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Top<'q> {
    /// What is ordered by first.
    pub(crate) variable: &'q Variable,
    direction: Direction,
    /// Rows wanted, those that are skipped included.
    pub(crate) count: usize,
}

impl Top<'_> {
    /// True if the greatest come first.
    pub(crate) fn is_descending(&self) -> bool {
        matches!(self.direction, Direction::Descending)
    }
}

/// What an answer takes of the rows, if that is some first ones of them as they are.
pub(crate) fn top(query: &Query) -> Option<Top<'_>> {
    let count = query.offset.saturating_add(limit(query)?);
    let is_plain = query.elements().all(|element| matches!(element, Element::Variable(..))) && query.having.is_empty();
    let (element, direction) = match query.order_by.first() {
        Some(key) => (&key.element, key.direction),
        None => (query.find.elements().first()?, Direction::Ascending),
    };
    match element {
        Element::Variable(variable, _) if is_plain => Some(Top { variable, direction, count }),
        _ => None,
    }
}

/// The rows with the least values by an order, at least `count` and none that equals the last of them left out, ascending; nothing if that
/// would cost as much as ordering all of them. Values that are the same are equal here, also where the order tells them apart: a join to come
/// may put the smaller one in place of the other, as -0.0 for 0.0.
pub(crate) fn least_rows(column: &Column, top: &Top<'_>, count: usize, budget: &Budget) -> Result<Option<Vec<u32>>> {
    Field::by_meaning(column, top.direction, column.len()).least(column.len(), count, budget)
}

/// What the clauses gave.
struct Given<'a> {
    variables: &'a [Variable],
    columns: &'a [Column],
    rows: usize,
    functions: &'a Functions,
}

impl<'a> Given<'a> {
    fn column(&self, variable: &Variable) -> Result<&'a Column> {
        let place = self.variables.iter().position(|given| given == variable);
        place.and_then(|place| self.columns.get(place)).ok_or_else(|| {
            Error::new(Code::UnboundVariable, format!("no clause and no input binds {variable}"))
                .with_value(variable)
                .with_help(format!("name {variable} in a clause or in :in"))
        })
    }
}

/// Columns of find elements, those that only `:having` and `:order-by` name behind those of `:find`. Pulls are still entities.
struct Computed {
    columns: Vec<Column>,
    rows: usize,
}

impl Computed {
    /// The first `width` columns of these rows, and how many rows there are.
    fn chosen(&self, rows: &Ordered, width: usize) -> (Vec<Column>, usize) {
        let columns = self.columns[..width].iter();
        match rows {
            Ordered::AsTheyStand(range) if *range == (0..self.rows) => (columns.cloned().collect(), self.rows),
            Ordered::AsTheyStand(range) => (columns.map(|column| column.part(range.clone())).collect(), range.len()),
            Ordered::Sorted(rows) => (columns.map(|column| column.gather(rows)).collect(), rows.len()),
        }
    }
}

/// Rows in the order of the answer.
enum Ordered {
    /// These, in the order in which they stand.
    AsTheyStand(std::ops::Range<usize>),
    /// These.
    Sorted(Vec<u32>),
}

impl Ordered {
    fn len(&self) -> usize {
        match self {
            Self::AsTheyStand(rows) => rows.len(),
            Self::Sorted(rows) => rows.len(),
        }
    }

    /// The rows at these places.
    fn rows(&self, places: std::ops::Range<usize>) -> Vec<u32> {
        match self {
            Self::AsTheyStand(rows) => (rows.start + places.start..rows.start + places.end).map(|row| row as u32).collect(),
            Self::Sorted(rows) => rows[places].to_vec(),
        }
    }

    /// Those between `:offset` and `:limit`.
    fn within(self, range: Range) -> Self {
        let start = range.offset.min(self.len());
        let end = start.saturating_add(range.limit).min(self.len());
        match self {
            Self::AsTheyStand(rows) => Self::AsTheyStand(rows.start + start..rows.start + end),
            Self::Sorted(rows) if (start, end) == (0, rows.len()) => Self::Sorted(rows),
            Self::Sorted(rows) => Self::Sorted(rows[start..end].to_vec()),
        }
    }
}

/// `:offset` and `:limit`.
#[derive(Clone, Copy)]
struct Range {
    offset: usize,
    limit: usize,
}

/// The variable that an aggregate looks at, and what stands before it.
fn aggregate_arguments(args: &[Argument]) -> Option<(&Variable, &[Argument])> {
    match args.split_last()? {
        (Argument::Variable(variable, _), constants) => Some((variable, constants)),
        _ => None,
    }
}
