//! `:having`: which rows of the answer stay.

use super::{Computed, header};
use crate::ast::{Condition, Element, Operand};
use crate::budget::Budget;
use crate::error::{Code, Error, Result};
use crate::function::AnyFunction;
use crate::registry::Functions;
use crate::value::Value;

/// A condition that knows its function, and in which columns its elements stand.
struct Test<'q> {
    function: AnyFunction,
    args: Vec<Arg<'q>>,
    condition: &'q Condition,
}

enum Arg<'q> {
    Column(usize),
    Constant(&'q Value),
    Test(Test<'q>),
}

/// The rows for which every condition holds, which is what is neither false nor nil.
pub(super) fn chosen(
    table: Computed,
    conditions: &[Condition],
    elements: &[&Element],
    functions: &Functions,
    budget: &Budget,
) -> Result<Computed> {
    if conditions.is_empty() {
        return Ok(table);
    }
    let tests = conditions.iter().map(|condition| Test::new(condition, elements, functions)).collect::<Result<Vec<_>>>()?;
    let mut rows: Vec<u32> = Vec::new();
    for row in 0..table.rows {
        budget.spend_steps(tests.len() as u64)?;
        if holds(&tests, &table, row)? {
            rows.push(row as u32);
        }
    }
    Ok(Computed { columns: table.columns.iter().map(|column| column.gather(&rows)).collect(), rows: rows.len() })
}

/// True if every condition holds. One that fails counts if no other takes the row away, in whatever order they are written.
fn holds(tests: &[Test<'_>], table: &Computed, row: usize) -> Result<bool> {
    let mut failure = None;
    for test in tests {
        match test.value(table, row) {
            Ok(value) if !value.is_truthy() => return Ok(false),
            Ok(_) => {}
            Err(error) => drop(failure.get_or_insert(error)),
        }
    }
    failure.map_or(Ok(true), Err)
}

impl<'q> Test<'q> {
    fn new(condition: &'q Condition, elements: &[&Element], functions: &Functions) -> Result<Self> {
        let unknown =
            || Error::new(Code::UnknownFunction, format!("no function is named `{}`", condition.name)).at(condition.span);
        let function = functions.function(&condition.name).ok_or_else(unknown)?;
        let args = condition.args.iter().map(|operand| {
            Ok(match operand {
                Operand::Element(element) => Arg::Column(header::place_of(element, elements)),
                Operand::Constant(value, _) => Arg::Constant(value),
                Operand::Call(call) => Arg::Test(Test::new(call, elements, functions)?),
            })
        });
        Ok(Self { function, args: args.collect::<Result<_>>()?, condition })
    }

    fn value(&self, table: &Computed, row: usize) -> Result<Value> {
        let args = self.args.iter().map(|arg| match arg {
            Arg::Column(place) => Ok(table.columns[*place].value(row)),
            Arg::Constant(value) => Ok(Value::clone(value)),
            Arg::Test(test) => test.value(table, row),
        });
        let args = args.collect::<Result<Vec<_>>>()?;
        self.function.call(&args).map_err(|error| error.at(self.condition.span))
    }
}
