//! `:order-by`, and the least rows under it.

use super::sort::{Field, is_in_order, sorted};
use super::{Computed, Ordered, header};
use crate::ast::{Direction, Element, OrderKey};
use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;

/// A column to order by, and the direction.
pub(super) type Key = (usize, Direction);

/// The places of the keys among the elements.
pub(super) fn keys(keys: &[OrderKey], elements: &[&Element]) -> Vec<Key> {
    keys.iter().map(|key| (header::place_of(&key.element, elements), key.direction)).collect()
}

/// The first `end` rows of the table in the order of `keys`, ties broken by the whole row: so neither the order of rows nor what is cut
/// off depends on the plan, also where nobody asked for an order.
pub(super) fn first_rows(table: &Computed, keys: &[Key], end: usize, budget: &Budget) -> Result<Ordered> {
    let end = end.min(table.rows);
    if end == 0 {
        return Ok(Ordered::AsTheyStand(0..0));
    }
    budget.spend_steps(table.rows as u64)?;
    let fields = fields(table, keys);
    if is_in_order(&fields, table.rows, budget)? {
        return Ok(Ordered::AsTheyStand(0..end));
    }
    Ok(Ordered::Sorted(sorted(&fields, (0..table.rows as u32).collect(), end, budget)?))
}

/// The keys by meaning, then every column that they leave open, exactly.
fn fields<'t>(table: &'t Computed, keys: &[Key]) -> Vec<Field<'t>> {
    let mut fields: Vec<Field<'t>> = Vec::with_capacity(keys.len() + table.columns.len());
    for (place, direction) in keys {
        fields.push(Field::by_meaning(&table.columns[*place], *direction, table.rows));
    }
    let is_settled = |place: usize| {
        keys.iter().any(|(key, _)| *key == place) && !matches!(table.columns[place], Column::Double(_) | Column::Value(_))
    };
    let open = (0..table.columns.len()).filter(|place| !is_settled(*place));
    fields.extend(open.map(|place| Field::exact(&table.columns[place], table.rows)));
    fields
}
