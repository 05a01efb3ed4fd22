//! Aggregates that a program registers, beside those that are built in.

use std::fmt;
use std::sync::Arc;

use super::{Aggregate, Groups};
use crate::budget::Budget;
use crate::column::Column;
use crate::error::{Code, Error, Result};
use crate::function::{Arity, checked_result, failed};
use crate::value::Value;

/// What computes a registered aggregate, from its constants and the values of a group.
type Compute =
    Box<dyn Fn(&[Value], &[Value]) -> std::result::Result<Value, Box<dyn std::error::Error + Send + Sync>> + Send + Sync>;

/// An aggregate that a program registered.
pub struct RegisteredAggregate {
    name: Arc<str>,
    /// How many constants stand before the variable.
    constants: Arity,
    compute: Compute,
}

impl RegisteredAggregate {
    pub(crate) fn new(name: Arc<str>, constants: Arity, compute: Compute) -> Self {
        Self { name, constants, compute }
    }

    /// Its name in a query.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn call_groups(&self, constants: &[Value], column: &Column, groups: &Groups, budget: &Budget) -> Result<Column> {
        budget.spend_steps(column.len() as u64)?;
        let mut bags: Vec<Vec<Value>> = vec![Vec::new(); groups.len()];
        for (row, group) in groups.of_rows().iter().enumerate() {
            bags[*group as usize].push(column.value(row));
        }
        let results = bags.into_iter().map(|mut bag| {
            budget.spend_steps(bag.len() as u64)?;
            // In an order of their own, so that the answer depends on no plan.
            bag.sort_unstable();
            let words = std::iter::once(self.name.to_string()).chain(constants.iter().map(Value::to_string));
            let call = || format!("({} ..)", words.collect::<Vec<_>>().join(" "));
            let result = (self.compute)(constants, &bag);
            let result = result.map_err(|failure| failed(&self.name, &call(), failure))?;
            checked_result(&self.name, result)
        });
        Ok(Column::Value(results.collect::<Result<Vec<_>>>()?.into()))
    }
}

impl fmt::Debug for RegisteredAggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredAggregate").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An aggregate as a query calls it.
#[derive(Clone, Debug)]
pub enum AnyAggregate {
    /// A built-in one.
    BuiltIn(&'static Aggregate),
    /// One that a program registered.
    Registered(Arc<RegisteredAggregate>),
}

impl AnyAggregate {
    /// Its name in a query.
    pub fn name(&self) -> &str {
        match self {
            Self::BuiltIn(aggregate) => aggregate.name,
            Self::Registered(aggregate) => &aggregate.name,
        }
    }

    /// How a call of it is written: `(max 3 ?x)`, `(shop/mode ?x)`.
    pub fn usage(&self) -> String {
        match self {
            Self::BuiltIn(aggregate) => aggregate.example.call.to_owned(),
            Self::Registered(aggregate) => {
                let constants = (1..=aggregate.constants.least).map(|at| at.to_string());
                let words = std::iter::once(aggregate.name.to_string()).chain(constants).collect::<Vec<_>>();
                format!("({} ?x)", words.join(" "))
            }
        }
    }

    /// The aggregate of one bag of values. Nothing in, nil out.
    pub fn call(&self, constants: &[Value], values: &[Value]) -> Result<Value> {
        if values.is_empty() {
            return Ok(Value::Nil);
        }
        let column = Column::Value(values.to_vec().into());
        Ok(self.call_groups(constants, &column, &Groups::single(values.len()), &Budget::default())?.value(0))
    }

    /// The aggregate of each group of a column's rows: a value for each group, in the order of the groups.
    pub fn call_groups(&self, constants: &[Value], column: &Column, groups: &Groups, budget: &Budget) -> Result<Column> {
        match self {
            Self::BuiltIn(aggregate) => aggregate.call_groups(constants, column, groups, budget),
            Self::Registered(aggregate) => {
                self.check_constants(constants)?;
                aggregate.call_groups(constants, column, groups, budget)
            }
        }
    }

    /// Refuses a wrong number of constants, or one that a built-in aggregate cannot take. The variable is not among them.
    pub fn check_constants(&self, constants: &[Value]) -> Result<()> {
        let aggregate = match self {
            Self::BuiltIn(aggregate) => return aggregate.check_constants(constants),
            Self::Registered(aggregate) if aggregate.constants.allows(constants.len()) => return Ok(()),
            Self::Registered(aggregate) => aggregate,
        };
        let with_variable = Arity {
            least: aggregate.constants.least.saturating_add(1),
            most: aggregate.constants.most.map(|most| most.saturating_add(1)),
        };
        let message = format!("the aggregate `{}` takes {with_variable}, not {}", aggregate.name, constants.len() + 1);
        Err(Error::new(Code::Arity, message).with_help(format!("write it as {}", self.usage())))
    }
}
