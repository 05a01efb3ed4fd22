//! Aggregates of `:find`: one table, a file for each family. Each takes the bag of a group's values and gives one value.
//!
//! ```
//! use annals_query::{Value, aggregate};
//! let sum = aggregate::lookup("sum").expect("a built-in aggregate");
//! assert_eq!(sum.call(&[], &[Value::from(1), Value::from(2)]).unwrap(), Value::from(3));
//! ```

use crate::budget::Budget;
use crate::column::Column;
use crate::error::{Code, Error, Result};
use crate::function::Arity;
use crate::value::Value;

mod bag;
mod choice;
mod count;
mod extreme;
mod group;
mod registered;
mod statistics;
mod sum;

use bag::Bags;
pub use group::Groups;
pub use registered::{AnyAggregate, RegisteredAggregate};

/// A built-in aggregate.
#[derive(Debug)]
pub struct Aggregate {
    /// Its name in a query.
    pub name: &'static str,
    /// How many arguments it takes: constants first, the variable last.
    pub arity: Arity,
    compute: fn(&Call<'_>) -> Result<Column>,
    /// One sentence for the help.
    pub doc: &'static str,
    /// A call, its values and its result, for the help.
    pub example: Example,
}

/// A call, the values of its variable, and what it gives, all as EDN text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// The call.
    pub call: &'static str,
    /// The values of its variable, as a vector.
    pub values: &'static str,
    /// Its result.
    pub result: &'static str,
}

/// What an aggregate is computed from.
struct Call<'a> {
    name: &'static str,
    /// The count of `(max 3 ?x)`.
    limit: Option<usize>,
    column: &'a Column,
    groups: &'a Groups,
    budget: &'a Budget,
}

impl Aggregate {
    /// The aggregate of one bag of values. Nothing in, nil out.
    pub fn call(&self, constants: &[Value], values: &[Value]) -> Result<Value> {
        if values.is_empty() {
            return Ok(Value::Nil);
        }
        let column = Column::Value(values.to_vec().into());
        let result = self.call_groups(constants, &column, &Groups::single(values.len()), &Budget::default())?;
        Ok(result.value(0))
    }

    /// The aggregate of each group of a column's rows: a value for each group, in the order of the groups.
    pub fn call_groups(&self, constants: &[Value], column: &Column, groups: &Groups, budget: &Budget) -> Result<Column> {
        self.check_constants(constants)?;
        budget.spend_steps(column.len() as u64)?;
        let limit = constants.first().and_then(Value::as_long).and_then(|n| usize::try_from(n).ok());
        (self.compute)(&Call { name: self.name, limit, column, groups, budget })
    }

    /// Refuses a wrong number of constants, or one that counts nothing. The variable is not among them.
    pub fn check_constants(&self, constants: &[Value]) -> Result<()> {
        if !self.arity.allows(constants.len() + 1) {
            let message = format!("the aggregate `{}` takes {}, not {}", self.name, self.arity, constants.len() + 1);
            return Err(Error::new(Code::Arity, message).with_help(format!(
                "for example {} of {} gives {}",
                self.example.call, self.example.values, self.example.result
            )));
        }
        match constants.first() {
            None => Ok(()),
            Some(Value::Long(n)) if *n >= 0 => Ok(()),
            Some(other) => Err(crate::function::refuse(self.name, 0, "a long of at least 0", other)
                .with_help(format!("write a count, as in {}", self.example.call))),
        }
    }
}

const fn aggregate(
    name: &'static str,
    arity: Arity,
    compute: fn(&Call<'_>) -> Result<Column>,
    doc: &'static str,
    (call, values, result): (&'static str, &'static str, &'static str),
) -> Aggregate {
    Aggregate { name, arity, compute, doc, example: Example { call, values, result } }
}

const FAMILIES: [&[Aggregate]; 5] =
    [count::AGGREGATES, sum::AGGREGATES, statistics::AGGREGATES, extreme::AGGREGATES, choice::AGGREGATES];

/// The aggregate with this name.
pub fn lookup(name: &str) -> Option<&'static Aggregate> {
    all().find(|aggregate| aggregate.name == name)
}

/// Every aggregate, family by family.
pub fn all() -> impl Iterator<Item = &'static Aggregate> {
    FAMILIES.into_iter().flatten()
}

/// Every aggregate's name, to find those near to a misspelt one.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().map(|aggregate| aggregate.name)
}
