//! Grouping: rows that agree in every element that is no aggregate become one.

use super::{Computed, Given, aggregate_arguments};
use crate::aggregate::Groups;
use crate::ast::{Argument, Element};
use crate::budget::Budget;
use crate::column::Column;
use crate::error::{Code, Error, Result, Span};
use crate::value::Value;

/// A column for each element: without an aggregate the rows as they are, else a row for each group.
pub(super) fn tabulate(elements: &[&Element], given: &Given<'_>, budget: &Budget) -> Result<Computed> {
    if !elements.iter().any(|element| matches!(element, Element::Aggregate { .. })) {
        let columns = elements.iter().map(|element| key_column(element, given).cloned());
        return Ok(Computed { columns: columns.collect::<Result<_>>()?, rows: given.rows });
    }
    let keys = elements.iter().filter(|element| !matches!(element, Element::Aggregate { .. }));
    let keys = keys.map(|element| key_column(element, given)).collect::<Result<Vec<_>>>()?;
    let groups = Groups::by(&keys, given.rows, budget)?;
    budget.check_rows(groups.len())?;
    let columns = elements.iter().map(|element| match element {
        Element::Aggregate { name, args, span } => aggregated((name, args, *span), given, &groups, budget),
        key => Ok(groups.keys(key_column(key, given)?)),
    });
    Ok(Computed { columns: columns.collect::<Result<_>>()?, rows: groups.len() })
}

fn key_column<'a>(element: &Element, given: &Given<'a>) -> Result<&'a Column> {
    match element {
        Element::Variable(variable, span) | Element::Pull { variable, span, .. } => {
            given.column(variable).map_err(|error| error.at(*span))
        }
        Element::Aggregate { .. } => unreachable!("aggregates are computed, not grouped by"),
    }
}

fn aggregated(
    (name, args, span): (&str, &[Argument], Span),
    given: &Given<'_>,
    groups: &Groups,
    budget: &Budget,
) -> Result<Column> {
    let Some(aggregate) = given.functions.aggregate(name) else {
        return Err(Error::new(Code::UnknownFunction, format!("no aggregate is called `{name}`")).with_value(name).at(span));
    };
    let Some((variable, constants)) = aggregate_arguments(args) else {
        return Err(Error::new(Code::Arity, format!("the aggregate `{name}` takes constants first and a variable last"))
            .at(span)
            .with_help(format!("write it as {}", aggregate.usage())));
    };
    let constants = constants.iter().filter_map(|argument| constant(argument, given).transpose()).collect::<Result<Vec<_>>>()?;
    let computed = given.column(variable).and_then(|column| aggregate.call_groups(&constants, column, groups, budget));
    computed.map_err(|error| error.at(span))
}

/// A literal, or the value of a variable that has only one; none where there are no rows, and so no groups.
fn constant(argument: &Argument, given: &Given<'_>) -> Result<Option<Value>> {
    match argument {
        Argument::Constant(value, _) => Ok(Some(value.clone())),
        Argument::Variable(variable, _) => {
            Ok((given.rows > 0).then(|| given.column(variable)).transpose()?.map(|column| column.value(0)))
        }
        Argument::Source(..) => Ok(None),
    }
}
