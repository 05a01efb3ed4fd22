//! Find: from the distinct rows that the clauses gave to the answer in the shape that was asked for.
//!
//! Rows are grouped and aggregated, chosen by `:having`, ordered, cut to `:offset` and `:limit`, and only then turned from columns into values;
//! entities are pulled last, for the rows that stay.

use std::collections::HashMap;
use std::sync::Arc;

use crate::answer::{Answer, Shape};
use crate::ast::{Argument, Find, PullPattern, Query, Variable};
use crate::budget::Budget;
use crate::column::Column;
use crate::error::{Code, Error, Result};
use crate::registry::Functions;
use crate::source::Sources;
use crate::value::Value;

mod grouping;
mod having;
mod header;
mod order;
mod pulls;

pub(crate) use header::text as element_text;

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
) -> Result<Answer> {
    let shown = query.find.elements();
    let elements = header::distinct(query);
    let functions = surroundings.functions;
    let table = grouping::tabulate(&elements, &Given { variables, columns, rows, functions }, budget)?;
    let table = having::chosen(table, &query.having, &elements, functions, budget)?;
    let keys = order::keys(&query.order_by, &elements);
    let limit = match query.find {
        Find::Tuple(_) | Find::Scalar(_) => Some(query.limit.unwrap_or(1).min(1)),
        Find::Relation(_) | Find::Collection(_) => query.limit,
    };
    let pulls = pulls::Pulls::new(shown, surroundings, budget)?;
    // Pulled entities of which nothing is known take their rows along, so how many rows are needed shows only then.
    let end = limit.filter(|_| pulls.is_empty()).map_or(usize::MAX, |limit| query.offset.saturating_add(limit));
    let ordered = order::first_rows(&table, &keys, end, budget)?;
    budget.check_rows(ordered.len())?;
    budget.spend_steps(ordered.len() as u64)?;
    let range = Range { offset: query.offset, limit: limit.unwrap_or(usize::MAX) };
    Ok(Answer {
        header: shown.iter().map(header::text).collect(),
        shape: Shape::of(&query.find, query.return_map.as_ref()),
        rows: if pulls.is_empty() { range.rows(&table, &ordered, shown.len()) } else { pulls.rows(&table, &ordered, range)? },
        warnings: Vec::new(),
    })
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
struct Table {
    columns: Vec<Column>,
    rows: usize,
}

/// `:offset` and `:limit`.
#[derive(Clone, Copy)]
struct Range {
    offset: usize,
    limit: usize,
}

impl Range {
    fn rows(self, table: &Table, ordered: &[u32], width: usize) -> Vec<Vec<Value>> {
        let rows = ordered.iter().skip(self.offset).take(self.limit);
        rows.map(|row| table.columns[..width].iter().map(|column| column.value(*row as usize)).collect()).collect()
    }
}

/// The variable that an aggregate looks at, and what stands before it.
fn aggregate_arguments(args: &[Argument]) -> Option<(&Variable, &[Argument])> {
    match args.split_last()? {
        (Argument::Variable(variable, _), constants) => Some((variable, constants)),
        _ => None,
    }
}
