//! Making columns: several behind each other, one value many times, any values.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::budget::Budget;
use crate::column::{Column, Dictionary, Slice, TextKind};
use crate::error::Result;
use crate::run::join::CHUNK_ROWS;
use crate::value::Value;

/// A column without values.
pub(crate) fn none() -> Column {
    Column::Value(Slice::from(Vec::new()))
}

/// One value, `rows` times.
pub(crate) fn repeat(value: &Value, rows: usize) -> Column {
    match value {
        Value::Long(n) | Value::Ref(n) => Column::Long(vec![*n; rows].into()),
        Value::Instant(n) => Column::Instant(vec![*n; rows].into()),
        Value::Double(n) => Column::Double(vec![*n; rows].into()),
        Value::Boolean(flag) => Column::Boolean(vec![*flag; rows].into()),
        Value::String(text) => Column::Text(TextKind::String, Arc::new(vec![Arc::clone(text)]), vec![0; rows].into()),
        Value::Keyword(text) => Column::Text(TextKind::Keyword, Arc::new(vec![Arc::clone(text)]), vec![0; rows].into()),
        other => Column::Value(vec![other.clone(); rows].into()),
    }
}

/// A column of these values, in the narrowest kind that takes them all. References become longs.
pub(crate) fn column_of(values: Vec<Value>) -> Column {
    column(values, || Ok(())).expect("nothing limits it")
}

/// The same within a budget, for columns that may be long.
pub(crate) fn column_within(values: Vec<Value>, budget: &Budget) -> Result<Column> {
    column(values, || budget.spend_steps(CHUNK_ROWS as u64))
}

fn column(values: Vec<Value>, look: impl FnMut() -> Result<()>) -> Result<Column> {
    macro_rules! all {
        ($variant:ident, $($pattern:ident)|+) => {
            if values.iter().all(|value| matches!(value, $(Value::$pattern(_))|+)) {
                let items = values.iter().filter_map(|value| match value { $(Value::$pattern(item))|+ => Some(*item), _ => None });
                return Ok(Column::$variant(items.collect()));
            }
        };
    }
    match values.first() {
        Some(Value::Long(_) | Value::Ref(_)) => all!(Long, Long | Ref),
        Some(Value::Instant(_)) => all!(Instant, Instant),
        Some(Value::Double(_)) => all!(Double, Double),
        Some(Value::Boolean(_)) => all!(Boolean, Boolean),
        Some(Value::String(_)) if values.iter().all(|value| matches!(value, Value::String(_))) => {
            return text_column(TextKind::String, &values, look);
        }
        Some(Value::Keyword(_)) if values.iter().all(|value| matches!(value, Value::Keyword(_))) => {
            return text_column(TextKind::Keyword, &values, look);
        }
        _ => {}
    }
    Ok(Column::Value(values.into_iter().map(reference_as_long).collect()))
}

/// Inside the engine an entity is its id.
pub(crate) fn reference_as_long(value: Value) -> Value {
    match value {
        Value::Ref(id) => Value::Long(id),
        other => other,
    }
}

fn text_column(kind: TextKind, values: &[Value], mut look: impl FnMut() -> Result<()>) -> Result<Column> {
    let mut texts = Vec::new();
    let mut known: FxHashMap<&Arc<str>, u32> = FxHashMap::default();
    let mut codes = Vec::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        if row % CHUNK_ROWS == 0 {
            look()?;
        }
        if let Value::String(text) | Value::Keyword(text) = value {
            codes.push(*known.entry(text).or_insert_with(|| {
                texts.push(Arc::clone(text));
                texts.len() as u32 - 1
            }));
        }
    }
    Ok(Column::Text(kind, Arc::new(texts), codes.into()))
}

/// All columns, one behind the other.
pub(crate) fn concat(columns: &[&Column]) -> Column {
    let columns = columns.iter().copied().filter(|column| !column.is_empty()).collect::<Vec<_>>();
    let Some(first) = columns.first() else { return none() };
    if columns.len() == 1 {
        return (*first).clone();
    }
    macro_rules! same_kind {
        ($variant:ident) => {
            if columns.iter().all(|column| matches!(column, Column::$variant(_))) {
                let mut items = Vec::with_capacity(columns.iter().map(|column| column.len()).sum());
                for column in &columns {
                    if let Column::$variant(part) = column {
                        items.extend_from_slice(part);
                    }
                }
                return Column::$variant(items.into());
            }
        };
    }
    match first {
        Column::Long(_) => same_kind!(Long),
        Column::Instant(_) => same_kind!(Instant),
        Column::Double(_) => same_kind!(Double),
        Column::Boolean(_) => same_kind!(Boolean),
        Column::Text(kind, texts, _) => {
            if let Some(column) = concat_texts(*kind, texts, &columns) {
                return column;
            }
        }
        Column::Value(_) => {}
    }
    Column::Value(columns.iter().flat_map(|column| (0..column.len()).map(|row| column.value(row))).collect())
}

fn concat_texts(kind: TextKind, first: &Dictionary, columns: &[&Column]) -> Option<Column> {
    let parts = columns.iter().map(|column| match column {
        Column::Text(own, texts, codes) if *own == kind => Some((texts, codes)),
        _ => None,
    });
    let parts = parts.collect::<Option<Vec<_>>>()?;
    let mut codes = Vec::with_capacity(parts.iter().map(|(_, codes)| codes.len()).sum());
    if parts.iter().all(|(texts, _)| Arc::ptr_eq(texts, first)) {
        for (_, part) in &parts {
            codes.extend_from_slice(part);
        }
        return Some(Column::Text(kind, Arc::clone(first), codes.into()));
    }
    let mut merged = Vec::new();
    let mut known: FxHashMap<&str, u32> = FxHashMap::default();
    for (texts, part) in parts {
        let mut renamed = vec![u32::MAX; texts.len()];
        for code in part.iter() {
            let own = &mut renamed[*code as usize];
            if *own == u32::MAX {
                let text = &texts[*code as usize];
                *own = *known.entry(text).or_insert_with(|| {
                    merged.push(Arc::clone(text));
                    merged.len() as u32 - 1
                });
            }
            codes.push(*own);
        }
    }
    Some(Column::Text(kind, Arc::new(merged), codes.into()))
}

#[cfg(test)]
mod tests {
    use super::{column_of, concat, none, repeat};
    use crate::column::Column;
    use crate::value::Value;

    fn kind(column: &Column) -> &'static str {
        match column {
            Column::Long(_) => "longs",
            Column::Instant(_) => "instants",
            Column::Double(_) => "doubles",
            Column::Boolean(_) => "booleans",
            Column::Text(..) => "texts",
            Column::Value(_) => "values",
        }
    }

    #[test]
    fn columns_are_of_the_narrowest_kind_also_behind_each_other() {
        let values: [(Value, &str); 8] = [
            (7.into(), "longs"),
            (Value::Ref(8), "longs"),
            (Value::Instant(7), "instants"),
            (7.0.into(), "doubles"),
            (true.into(), "booleans"),
            ("7".into(), "texts"),
            (Value::Keyword("7".into()), "texts"),
            (Value::Vector(vec![7.into()].into()), "values"),
        ];
        let plain = |value: &Value| if let Value::Ref(id) = value { Value::Long(*id) } else { value.clone() };
        for (at, (value, expected)) in values.iter().enumerate() {
            for (column, rows) in [(column_of(vec![value.clone(); 3]), 3), (repeat(value, 2), 2)] {
                assert_eq!((kind(&column), column.len()), (*expected, rows), "{value:?}");
                assert!((0..rows).all(|row| column.value(row) == plain(value)), "{value:?}");
            }
            for (other_at, (other, other_kind)) in values.iter().enumerate() {
                let both =
                    [column_of(vec![value.clone(), other.clone()]), concat(&[&repeat(value, 1), &none(), &repeat(other, 1)])];
                for column in both {
                    let is_one = expected == other_kind && (*expected != "texts" || at == other_at);
                    assert_eq!(kind(&column), if is_one { expected } else { "values" }, "{value:?} {other:?}");
                    assert_eq!([column.value(0), column.value(1)], [plain(value), plain(other)]);
                }
            }
        }
    }
}
