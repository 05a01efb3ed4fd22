//! Values taken apart by binding forms: what is given for `:in`, and what functions give.

use crate::error::{Code, Error, Result};
use crate::plan::goal::Target;
use crate::plan::slot::Slot;
use crate::run::gather::{column_of, reference_as_long};
use crate::run::relation::Relation;
use crate::value::Value;

/// One way to bind the variables of a form.
pub(crate) type Row = Vec<(Slot, Value)>;

/// Every way in which the form takes the value apart. A form that binds a variable twice keeps the rows where both are the same.
pub(crate) fn take_apart(target: &Target, value: &Value) -> Result<Vec<Row>> {
    let mut rows = vec![Vec::new()];
    bind(target, value, &mut rows)?;
    Ok(rows)
}

/// The same as a relation over the variables of the form.
pub(crate) fn relation_of(target: &Target, value: &Value) -> Result<Relation> {
    let slots = target.slots();
    let rows = take_apart(target, value)?;
    let columns = slots.iter().map(|slot| column_of(rows.iter().filter_map(|row| value_in(row, *slot)).collect())).collect();
    Ok(Relation::new(slots, columns, rows.len()))
}

/// The value a row has for a variable.
pub(crate) fn value_in(row: &Row, slot: Slot) -> Option<Value> {
    row.iter().find(|(own, _)| *own == slot).map(|(_, value)| value.clone())
}

/// Extends every row of `rows` by what `target` takes from `value`.
fn bind(target: &Target, value: &Value, rows: &mut Vec<Row>) -> Result<()> {
    match target {
        Target::Ignore => {}
        // Nil is no value: nothing can be bound to it.
        _ if matches!(value, Value::Nil) => rows.clear(),
        Target::Scalar(slot) => rows.retain_mut(|row| unify(row, *slot, value)),
        Target::Tuple(parts) => {
            let items = items_of(value)?;
            if items.len() != parts.len() {
                return Err(wrong_shape(value, &format!("a vector of {} values", parts.len())));
            }
            for (part, item) in parts.iter().zip(&items) {
                bind(part, item, rows)?;
            }
        }
        Target::Collection(part) => each(value, rows, |item, rows| bind(part, item, rows))?,
        Target::Relation(parts) => {
            let tuple = Target::Tuple(parts.clone());
            each(value, rows, |item, rows| bind(&tuple, item, rows))?;
        }
    }
    Ok(())
}

fn each(value: &Value, rows: &mut Vec<Row>, mut bind_item: impl FnMut(&Value, &mut Vec<Row>) -> Result<()>) -> Result<()> {
    let before = std::mem::take(rows);
    for item in items_of(value)? {
        let mut extended = before.clone();
        bind_item(&item, &mut extended)?;
        rows.append(&mut extended);
    }
    Ok(())
}

fn unify(row: &mut Row, slot: Slot, value: &Value) -> bool {
    let value = reference_as_long(value.clone());
    match row.iter_mut().find(|(own, _)| *own == slot) {
        Some((_, known)) if !known.same(&value) => false,
        Some((_, known)) => {
            if value < *known {
                *known = value;
            }
            true
        }
        None => {
            row.push((slot, value));
            true
        }
    }
}

fn items_of(value: &Value) -> Result<Vec<Value>> {
    match value {
        Value::Vector(items) | Value::List(items) => Ok(items.to_vec()),
        Value::Set(items) => Ok(items.iter().cloned().collect()),
        Value::Map(entries) => Ok(entries.iter().map(|(key, value)| Value::vector([key.clone(), value.clone()])).collect()),
        other => Err(wrong_shape(other, "a vector, list or set")),
    }
}

fn wrong_shape(value: &Value, wanted: &str) -> Error {
    let count = match value {
        Value::Vector(items) | Value::List(items) => format!(" of {}", items.len()),
        _ => String::new(),
    };
    Error::new(Code::InputShape, format!("the binding form takes {wanted}, but the value is a {}{count}", value.kind_name()))
        .with_value(value)
        .with_help("give a value of that shape, or change the binding form: ?x, [?x ?y], [?x ...] or [[?x ?y]]")
}
