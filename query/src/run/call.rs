//! Predicates and functions over the rows found so far.

use std::ops::Range;

use crate::budget::Budget;
use crate::column::Column;
use crate::error::{Code, Error, Result};
use crate::function::Kind;
use crate::plan::goal::{CallArgument, CallGoal, Target};
use crate::plan::input::{take_apart, value_in};
use crate::plan::program::EntityVariable;
use crate::plan::slot::Slot;
use crate::run::arithmetic;
use crate::run::compare;
use crate::run::effort::Method;
use crate::run::entity;
use crate::run::gather::{column_of, column_within, repeat};
use crate::run::join::CHUNK_ROWS;
use crate::run::key::codes;
use crate::run::nested;
use crate::run::relation::Relation;
use crate::run::rows;
use crate::run::texts::Texts;
use crate::run::threads;
use crate::source::Source;
use crate::value::Value;

/// Calling a function takes as long as so many steps of a loop over an array.
pub(crate) const STEPS_PER_CALL: usize = 16;

/// Rows that two threads share before the results of both are taken.
const ROWS_IN_TURN: usize = 1 << 18;

/// How a call is made for these rows.
pub(crate) fn method(current: &Relation, goal: &CallGoal) -> Method {
    let is_whole = goal.binding.is_none() && compare::chosen(&current.select(&[]), goal).is_some();
    match argument_columns(current, goal).as_deref() {
        _ if goal.function.asks_source() => Method::Asked,
        _ if is_whole || (goal.binding.is_some() && arithmetic::computed(&current.select(&[]), goal).is_some()) => {
            Method::Columns
        }
        Ok([(_, Column::Text(_, texts, codes))]) if codes.len() >= texts.len() => Method::Texts,
        _ => Method::Rows,
    }
}

/// Rows that a predicate holds for. Rows for which it fails are kept, and that there are some is said: whether the error is one shows
/// when every other clause has spoken.
pub(crate) fn filter(current: &Relation, goal: &CallGoal, budget: &Budget) -> Result<(Relation, bool)> {
    budget.spend_steps(current.rows as u64)?;
    if let Some(chosen) = compare::chosen(current, goal) {
        return Ok((current.select(&chosen), false));
    }
    if let Some(texts) = Texts::of(current, goal, budget)? {
        if let Some(error) = texts.errors().find(|error| error.is_of_the_budget()) {
            return Err(error.clone());
        }
        let is_kept = texts.of_codes(|result| result.as_ref().map_or(true, Value::is_truthy));
        return Ok((current.select(&texts.rows(&is_kept)), texts.errors().next().is_some()));
    }
    let mut has_failed = false;
    let mut is_kept = Vec::with_capacity(current.rows);
    each_result(current, goal, budget, |result| {
        is_kept.push(match result {
            Ok(value) => value.is_truthy(),
            Err(error) if error.is_of_the_budget() => return Err(error),
            Err(_) => {
                has_failed = true;
                true
            }
        });
        Ok(())
    })?;
    Ok((current.select(&rows::chosen(&is_kept)), has_failed))
}

/// Rows that a predicate holds for; its first error is the query's.
pub(crate) fn filter_strictly(current: &Relation, goal: &CallGoal, budget: &Budget) -> Result<Relation> {
    let mut is_kept = Vec::with_capacity(current.rows);
    each_result(current, goal, budget, |result| {
        is_kept.push(result?.is_truthy());
        Ok(())
    })?;
    Ok(current.select(&rows::chosen(&is_kept)))
}

/// Binds what a function gives; without a binding form, keeps the rows for which it is truthy.
///
/// `expected` are the variables of the form that stand for entities, and where to look for those.
pub(crate) fn apply(current: &Relation, goal: &CallGoal, expected: &[EntityVariable], budget: &Budget) -> Result<Relation> {
    if let (Some(target @ Target::Scalar(_)), false) = (&goal.binding, goal.function.asks_source())
        && let Some(texts) = Texts::of(current, goal, budget)?
        && texts.errors().next().is_none()
    {
        let (rows, column) = texts.column();
        return bind_rows(current.select(&rows), target.slots(), vec![column], expected, budget);
    }
    let results = if goal.function.asks_source() { sourced(current, goal, budget)? } else { pure(current, goal, budget)? };
    match &goal.binding {
        None => {
            let is_kept = (0..results.len()).map(|row| results.value(row).is_truthy()).collect::<Vec<_>>();
            Ok(current.select(&rows::chosen(&is_kept)))
        }
        Some(target) => bind(current, target, results, expected, budget),
    }
}

fn pure(current: &Relation, goal: &CallGoal, budget: &Budget) -> Result<Column> {
    if let Some(column) = arithmetic::computed(current, goal) {
        budget.spend_steps(current.rows as u64)?;
        return Ok(column);
    }
    let mut values = Vec::with_capacity(current.rows);
    each_result(current, goal, budget, |result| {
        values.push(result?);
        Ok(())
    })?;
    column_within(values, budget)
}

/// Calls a pure function for every row; a built-in one in two threads where there are many. What a program registered is called in the thread of
/// its caller.
fn each_result(
    current: &Relation,
    goal: &CallGoal,
    budget: &Budget,
    mut take: impl FnMut(Result<Value>) -> Result<()>,
) -> Result<()> {
    let columns = argument_columns(current, goal)?;
    let constants = goal.args.iter().map(first_value).collect::<Vec<_>>();
    let function = &goal.function;
    let each = |rows: Range<usize>, take: &mut dyn FnMut(Result<Value>) -> Result<()>| {
        let mut args = constants.clone();
        for start in rows.clone().step_by(CHUNK_ROWS) {
            let end = (start + CHUNK_ROWS).min(rows.end);
            budget.spend_steps((end - start) as u64)?;
            for row in start..end {
                for (at, column) in &columns {
                    args[*at] = column.value(row);
                }
                take(function.call(&args))?;
            }
        }
        Ok(())
    };
    if function.built_in().is_none() || !threads::helps(current.rows * STEPS_PER_CALL, budget) {
        return each(0..current.rows, &mut take);
    }
    let later = |rows: Range<usize>| {
        let mut results = Vec::with_capacity(rows.len());
        each(rows, &mut |result| {
            results.push(result);
            Ok(())
        })?;
        Ok::<_, Error>(results)
    };
    // What the second thread gives waits for its turn, so not for all rows at once.
    for start in (0..current.rows).step_by(ROWS_IN_TURN) {
        let end = (start + ROWS_IN_TURN).min(current.rows);
        let middle = usize::midpoint(start, end);
        let steps = (end - start) * STEPS_PER_CALL;
        let (first, second) = threads::both(steps, budget, || each(start..middle, &mut take), || later(middle..end));
        first?;
        second?.into_iter().try_for_each(&mut take)?;
    }
    Ok(())
}

/// Constants as they are; variables are filled in row by row.
pub(crate) fn first_value(arg: &CallArgument) -> Value {
    match arg {
        CallArgument::Constant(value) => value.clone(),
        CallArgument::Slot(_) => Value::Nil,
    }
}

/// The place of each argument that is a variable, with its column.
pub(crate) fn argument_columns<'r>(current: &'r Relation, goal: &CallGoal) -> Result<Vec<(usize, &'r Column)>> {
    let variables = goal.args.iter().enumerate().filter_map(|(at, arg)| match arg {
        CallArgument::Slot(slot) => Some((at, *slot)),
        CallArgument::Constant(_) => None,
    });
    variables
        .map(|(at, slot)| {
            let column = current.column(slot);
            let unbound = || Error::new(Code::UnboundVariable, format!("an argument of `{}` is not bound", goal.function.name()));
            Ok((at, column.ok_or_else(unbound)?))
        })
        .collect()
}

/// Calls a function that asks a source.
fn sourced(current: &Relation, goal: &CallGoal, budget: &Budget) -> Result<Column> {
    if let Some(nested) = &goal.nested {
        return for_each_combination(current, goal, budget, |args| nested::answer(nested, args, budget));
    }
    let needs_database = || {
        Error::new(Code::UnknownSource, format!("`{}` needs a database as its source", goal.function.name()))
            .with_help("rows of data have no attributes: join them with a pattern instead")
    };
    let Some(Source::Facts(facts)) = &goal.source else { return Err(needs_database()) };
    match goal.function.built_in().map(|function| function.kind) {
        Some(Kind::Sourced(compute)) => {
            about_entities(current, goal, budget, |entities, args| compute(facts.as_ref(), entities, args, budget))
        }
        Some(Kind::Listing(list, _)) => for_each_combination(current, goal, budget, |args| list(facts.as_ref(), args, budget)),
        Some(Kind::Pure(_) | Kind::Nested) | None => Err(needs_database()),
    }
}

/// Calls once for each combination of arguments that the rows have.
fn for_each_combination(
    current: &Relation,
    goal: &CallGoal,
    budget: &Budget,
    mut call: impl FnMut(&[Value]) -> Result<Value>,
) -> Result<Column> {
    let columns = argument_columns(current, goal)?;
    let mut args = goal.args.iter().map(first_value).collect::<Vec<_>>();
    let mut values = vec![Value::Nil; current.rows];
    for group in same_rows(&columns, current.rows, budget)? {
        for (at, column) in &columns {
            args[*at] = column.value(group[0] as usize);
        }
        let result = call(&args)?;
        for row in group {
            values[row as usize] = result.clone();
        }
    }
    Ok(Column::Value(values.into()))
}

/// The rows that agree in all of these columns, group by group.
fn same_rows(columns: &[(usize, &Column)], rows: usize, budget: &Budget) -> Result<Vec<Vec<u32>>> {
    let groups = codes(&columns.iter().map(|(_, column)| *column).collect::<Vec<_>>(), rows, budget)?;
    let mut order = (0..rows as u32).collect::<Vec<_>>();
    order.sort_by_key(|row| groups[*row as usize]);
    Ok(order.chunk_by(|a, b| groups[*a as usize] == groups[*b as usize]).map(<[u32]>::to_vec).collect())
}

/// Calls once for all rows that share the arguments after the entity.
fn about_entities(
    current: &Relation,
    goal: &CallGoal,
    budget: &Budget,
    mut compute: impl FnMut(&Column, &[Value]) -> Result<Column>,
) -> Result<Column> {
    let columns = argument_columns(current, goal)?;
    let entities = match (goal.args.first(), columns.first()) {
        (Some(CallArgument::Constant(value)), _) => repeat(value, current.rows),
        (Some(CallArgument::Slot(_)), Some((_, column))) => Column::clone(column),
        _ => return Err(Error::new(Code::Arity, format!("`{}` needs an entity", goal.function.name()))),
    };
    let mut args = goal.args.iter().skip(1).map(first_value).collect::<Vec<_>>();
    let varying = columns.into_iter().filter(|(at, _)| *at > 0).collect::<Vec<_>>();
    if varying.is_empty() {
        return compute(&entities, &args);
    }
    let mut values = vec![Value::Nil; current.rows];
    for group in same_rows(&varying, current.rows, budget)? {
        for (at, column) in &varying {
            args[at - 1] = column.value(group[0] as usize);
        }
        let results = compute(&entities.gather(&group), &args)?;
        for (at, row) in group.iter().enumerate() {
            values[*row as usize] = results.value(at);
        }
    }
    Ok(column_of(values))
}

/// Takes the results apart. A variable that is bound already must be the same.
fn bind(current: &Relation, target: &Target, results: Column, expected: &[EntityVariable], budget: &Budget) -> Result<Relation> {
    let mut chosen = Vec::with_capacity(current.rows);
    let slots = target.slots();
    let columns = if let Target::Scalar(_) = target {
        match results {
            Column::Value(values) => {
                chosen.extend((0..values.len() as u32).filter(|row| !matches!(values[*row as usize], Value::Nil)));
                vec![column_of(chosen.iter().map(|row| values[*row as usize].clone()).collect())]
            }
            typed => {
                chosen.extend(0..typed.len() as u32);
                vec![typed]
            }
        }
    } else {
        let mut columns = vec![Vec::new(); slots.len()];
        for row in 0..current.rows {
            let result = results.value(row);
            if matches!(result, Value::Nil) {
                continue;
            }
            let parts = take_apart(target, &result)?;
            budget.spend_steps(parts.len() as u64)?;
            budget.check_rows(chosen.len())?;
            for part in parts {
                chosen.push(row as u32);
                slots.iter().zip(&mut columns).for_each(|(slot, column)| column.extend(value_in(&part, *slot)));
            }
        }
        columns.into_iter().map(column_of).collect()
    };
    let mut rows_so_far = current.select(&chosen);
    if !matches!(target, Target::Scalar(_) | Target::Ignore) {
        rows_so_far.key = None;
    }
    bind_rows(rows_so_far, slots, columns, expected, budget)
}

/// Adds the results to the rows that have one. A variable that is bound already must be the same.
fn bind_rows(
    rows_so_far: Relation,
    slots: Vec<Slot>,
    mut columns: Vec<Column>,
    expected: &[EntityVariable],
    budget: &Budget,
) -> Result<Relation> {
    for (slot, facts) in expected {
        if let Some(at) = slots.iter().position(|own| own == slot) {
            columns[at] = entity::resolved(columns[at].clone(), facts)?;
        }
    }
    unify(rows_so_far, slots, columns, budget)
}

fn unify(mut rows_so_far: Relation, slots: Vec<Slot>, columns: Vec<Column>, budget: &Budget) -> Result<Relation> {
    let mut is_kept: Option<Vec<bool>> = None;
    for (slot, column) in slots.into_iter().zip(columns) {
        match rows_so_far.position(slot) {
            Some(at) => {
                let known = rows_so_far.columns[at].clone();
                rows::keep_same(&known, &column, is_kept.get_or_insert_with(|| vec![true; known.len()]), budget)?;
                rows_so_far.columns[at] = rows::smaller(&known, &column);
            }
            None => rows_so_far.push(slot, column),
        }
    }
    Ok(match is_kept {
        Some(is_kept) => rows_so_far.select(&rows::chosen(&is_kept)),
        None => rows_so_far,
    })
}
