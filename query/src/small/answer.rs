//! From the rows of a walk to the answer: as any other, unless it is nothing but the rows in their order.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::form::Form;
use crate::answer::Shape;
use crate::ast::{Find, Input, Query, SourceName};
use crate::budget::Budget;
use crate::column::{Column, Slice, TextKind};
use crate::error::Result;
use crate::find;
use crate::registry::Functions;
use crate::run::gather::{column_of, none};
use crate::run::join::distinct;
use crate::run::relation::Relation;
use crate::source::{Source, Sources};
use crate::table::Table;
use crate::value::Value;

/// The answer of a query whose clauses gave these rows, one behind the other.
pub(super) fn table(
    form: &Form,
    query: &Query,
    rows: Vec<Value>,
    sources: impl Fn() -> Sources,
    functions: &Functions,
    budget: &Budget,
) -> Result<Table> {
    let width = form.output.len();
    let count = rows.len() / width.max(1);
    budget.check_rows(count)?;
    if let Some(header) = &form.plain
        && (count <= 1 || rows.iter().all(is_itself))
    {
        let rows = if count <= 1 { rows } else { ascending(rows, width) };
        return Ok(shaped(query, Arc::clone(header), rows, width));
    }
    let columns = columns(rows, width);
    let relation = distinct(Relation::new(form.output.clone(), columns, count), budget)?;
    let sources = if find_pulls(query) { sources() } else { Sources::new() };
    let surroundings = find::Surroundings { sources: &sources, patterns: &HashMap::new(), functions };
    find::finish(query, &form.variables, &relation.columns, relation.rows, surroundings, budget)
}

/// The sources of a query by name.
pub(super) fn sources_of(query: &Query, given: &[crate::answer::Given]) -> Sources {
    let facts = query.inputs.iter().zip(given).filter_map(|(input, given)| match (input, given) {
        (Input::Source(name, _), crate::answer::Given::Facts(facts)) => {
            Some((SourceName::clone(name), Source::Facts(Arc::clone(facts))))
        }
        _ => None,
    });
    facts.collect()
}

fn find_pulls(query: &Query) -> bool {
    query.find.elements().iter().any(|element| matches!(element, crate::ast::Element::Pull { .. }))
}

/// True if no other value is the same.
fn is_itself(value: &Value) -> bool {
    matches!(
        value,
        Value::Long(_) | Value::String(_) | Value::Keyword(_) | Value::Instant(_) | Value::Boolean(_) | Value::Uuid(_)
    )
}

/// The rows in ascending order, each once.
fn ascending(rows: Vec<Value>, width: usize) -> Vec<Value> {
    let mut order: Vec<&[Value]> = rows.chunks_exact(width).collect();
    if order.is_sorted_by(|a, b| a < b) {
        return rows;
    }
    order.sort_unstable();
    order.dedup();
    order.concat()
}

/// The rows between `:offset` and `:limit`, which are distinct and in order.
fn shaped(query: &Query, header: Arc<[String]>, mut rows: Vec<Value>, width: usize) -> Table {
    let count = rows.len() / width;
    let limit = match query.find {
        Find::Tuple(_) | Find::Scalar(_) => query.limit.unwrap_or(1).min(1),
        Find::Relation(_) | Find::Collection(_) => query.limit.unwrap_or(usize::MAX),
    };
    let start = query.offset.min(count);
    let end = start.saturating_add(limit).min(count);
    rows.truncate(end * width);
    rows.drain(..start * width);
    let shape = Shape::of(&query.find, query.return_map.as_ref());
    Table::new(header, shape, columns(rows, width), end - start)
}

fn columns(mut rows: Vec<Value>, width: usize) -> Vec<Column> {
    if rows.len() <= width {
        let columns = rows.drain(..).map(single).collect::<Vec<_>>();
        return if columns.is_empty() { vec![none(); width] } else { columns };
    }
    let column = |at| column_of(rows.iter().skip(at).step_by(width).cloned().collect());
    (0..width).map(column).collect()
}

/// The codes of a column of one text.
static FIRST: LazyLock<Slice<u32>> = LazyLock::new(|| vec![0].into());

/// A column of one value.
fn single(value: Value) -> Column {
    match value {
        Value::Long(n) | Value::Ref(n) => Column::Long(vec![n].into()),
        Value::Instant(n) => Column::Instant(vec![n].into()),
        Value::Double(n) => Column::Double(vec![n].into()),
        Value::Boolean(flag) => Column::Boolean(vec![flag].into()),
        Value::String(text) => Column::Text(TextKind::String, Arc::new(vec![text]), FIRST.clone()),
        Value::Keyword(text) => Column::Text(TextKind::Keyword, Arc::new(vec![text]), FIRST.clone()),
        other => Column::Value(vec![other].into()),
    }
}
