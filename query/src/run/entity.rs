//! Results of functions where entities are expected: names and lookup references become ids.

use std::sync::Arc;

use crate::column::{Column, TextKind};
use crate::error::Result;
use crate::facts::Facts;
use crate::plan::resolve::lookup_reference;
use crate::run::gather::column_of;
use crate::value::Value;

/// The column with each name as the entity that it means in all of these sources. What leads nowhere, or to different entities,
/// stays itself.
pub(crate) fn resolved(column: Column, facts: &[Arc<dyn Facts>]) -> Result<Column> {
    match &column {
        Column::Text(TextKind::Keyword, texts, codes) => {
            let entities = texts.iter().map(|text| resolved_value(Value::Keyword(Arc::clone(text)), facts));
            let entities = entities.collect::<Result<Vec<_>>>()?;
            Ok(column_of(codes.iter().map(|code| entities[*code as usize].clone()).collect()))
        }
        Column::Value(values) => {
            let values = values.iter().map(|value| resolved_value(value.clone(), facts));
            Ok(column_of(values.collect::<Result<_>>()?))
        }
        _ => Ok(column),
    }
}

fn resolved_value(value: Value, facts: &[Arc<dyn Facts>]) -> Result<Value> {
    let mut entity = None;
    for facts in facts {
        match entity_of(&value, facts.as_ref())? {
            Some(found) if entity.is_none_or(|known| known == found) => entity = Some(found),
            _ => return Ok(value),
        }
    }
    Ok(entity.map_or(value, Value::Long))
}

/// A vector that is no lookup reference is data.
fn entity_of(value: &Value, facts: &dyn Facts) -> Result<Option<i64>> {
    if let Value::Keyword(ident) = value {
        return facts.entity_by_ident(ident);
    }
    let Some((ident, key)) = lookup_reference(value) else { return Ok(None) };
    match facts.attribute(ident).filter(|attribute| attribute.unique.is_some()) {
        Some(attribute) => facts.lookup(&attribute, key),
        None => Ok(None),
    }
}
