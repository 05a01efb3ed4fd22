//! Built-in functions and predicates: one table, a file for each family.
//!
//! ```
//! use annals_query::{Value, function};
//! let plus = function::lookup("+").expect("a built-in function");
//! assert_eq!(plus.call(&[Value::from(1), Value::from(2)]).unwrap(), Value::from(3));
//! ```

use crate::budget::Budget;
use crate::column::Column;
use crate::error::{Code, Error, Result};
use crate::facts::Facts;
use crate::value::Value;

mod argument;
mod arithmetic;
mod collection;
mod comparison;
mod duration;
mod entity;
mod json;
mod like;
mod log;
mod logic;
mod number;
mod parsing;
mod pattern;
mod regex;
mod registered;
mod search;
mod stepped;
mod text;
mod time;

pub(crate) use argument::refuse;
pub(crate) use entity::resolve;
pub(crate) use number::{Kind as NumberKind, check_aligned, double_of, exact_of};
pub use registered::{AnyFunction, RegisteredFunction};
pub(crate) use registered::{checked_result, failed};
pub(crate) use stepped::Stepped;

/// A built-in function. A predicate is a function whose result is true or false.
#[derive(Debug)]
pub struct Function {
    /// Its name in a query.
    pub name: &'static str,
    /// How many arguments it takes, the source not counted.
    pub arity: Arity,
    /// What it needs, and what computes it.
    pub kind: Kind,
    /// One sentence for the help.
    pub doc: &'static str,
    /// A call and what it gives, for the help.
    pub example: Example,
}

/// How many arguments are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arity {
    /// At least so many.
    pub least: usize,
    /// At most so many; `None` for any number.
    pub most: Option<usize>,
}

impl Arity {
    /// Exactly `count` arguments.
    pub const fn exactly(count: usize) -> Self {
        Self { least: count, most: Some(count) }
    }

    /// `least` arguments or more.
    pub const fn at_least(least: usize) -> Self {
        Self { least, most: None }
    }

    /// Between `least` and `most` arguments.
    pub const fn between(least: usize, most: usize) -> Self {
        Self { least, most: Some(most) }
    }

    /// True if `count` arguments are allowed.
    pub fn allows(self, count: usize) -> bool {
        count >= self.least && self.most.is_none_or(|most| count <= most)
    }
}

impl std::fmt::Display for Arity {
    /// As in "takes 2 arguments": `2 arguments`, `at least 1 argument`, `2 or 3 arguments`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let noun = |count: usize| if count == 1 { "argument" } else { "arguments" };
        match (self.least, self.most) {
            (least, Some(most)) if least == most => write!(f, "{least} {}", noun(least)),
            (least, Some(most)) if least + 1 == most => write!(f, "{least} or {most} arguments"),
            (least, Some(most)) => write!(f, "{least} to {most} arguments"),
            (least, None) => write!(f, "at least {least} {}", noun(least)),
        }
    }
}

/// What a function needs beside its arguments. Call it with as many arguments as its arity allows: [`Function::call`] checks that, and
/// the engine before it runs anything.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Nothing: equal arguments always give the equal result. A result of nil drops the row.
    Pure(fn(&[Value]) -> Result<Value>),
    /// The facts of a source, which stands first in the call: `(get-else $ ?e :attribute default)`.
    ///
    /// Takes a whole column of entities (the first argument after the source; ids, idents or lookup references, in any
    /// order, repeated or not) with the other arguments once, and gives a column with a result for each row. Where an argument
    /// beside the entity varies, call it once for each of its values. Nil drops the row.
    Sourced(fn(&dyn Facts, &Column, &[Value], &Budget) -> Result<Column>),
    /// The facts of a source, as above, for a list of its own: `(tx-data $ ?t)`. Called once for each combination of arguments; a
    /// binding such as `[[?e ?a ?v]]` takes the list apart. The number is how many places its rows have, of which a binding may
    /// leave out the last ones, as a pattern does; 1 for a list of single values.
    Listing(fn(&dyn Facts, &[Value], &Budget) -> Result<Value>, usize),
    /// A query of its own, with what it is passed: `(q [:find ..] $ ?x)`. The engine runs it.
    Nested,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pure(_) => "Pure",
            Self::Sourced(_) => "Sourced",
            Self::Listing(..) => "Listing",
            Self::Nested => "Nested",
        })
    }
}

/// A call and what it gives, both as EDN text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// The call.
    pub call: &'static str,
    /// Its result; for a function that asks a source, what it would be where the attribute is missing.
    pub result: &'static str,
}

impl Function {
    /// Calls a pure function with these arguments. A function that needs a source is refused.
    pub fn call(&self, args: &[Value]) -> Result<Value> {
        self.check_arity(args.len())?;
        match self.kind {
            Kind::Pure(compute) => compute(args),
            Kind::Sourced(_) | Kind::Listing(..) | Kind::Nested => {
                Err(Error::new(Code::UnknownSource, format!("`{}` needs a source as its first argument", self.name))
                    .with_help(format!("write it as {}", self.example.call)))
            }
        }
    }

    /// Calls any function for one row; `facts` is not asked by a pure one.
    pub fn call_on(&self, facts: &dyn Facts, args: &[Value], budget: &Budget) -> Result<Value> {
        self.check_arity(args.len())?;
        match (self.kind, args) {
            (Kind::Sourced(compute), [entity, rest @ ..]) => {
                let entities = Column::Value(vec![entity.clone()].into());
                Ok(compute(facts, &entities, rest, budget)?.value(0))
            }
            (Kind::Listing(list, _), _) => list(facts, args, budget),
            _ => self.call(args),
        }
    }

    /// Refuses a wrong number of arguments, the source not counted.
    pub fn check_arity(&self, count: usize) -> Result<()> {
        if self.arity.allows(count) {
            return Ok(());
        }
        Err(Error::new(Code::Arity, format!("`{}` takes {}, not {count}", self.name, self.arity))
            .with_help(format!("for example {} gives {}", self.example.call, self.example.result)))
    }
}

const fn pure(
    name: &'static str,
    arity: Arity,
    compute: fn(&[Value]) -> Result<Value>,
    doc: &'static str,
    (call, result): (&'static str, &'static str),
) -> Function {
    Function { name, arity, kind: Kind::Pure(compute), doc, example: Example { call, result } }
}

const FAMILIES: [&[Function]; 14] = [
    arithmetic::FUNCTIONS,
    comparison::FUNCTIONS,
    logic::FUNCTIONS,
    text::FUNCTIONS,
    regex::FUNCTIONS,
    like::FUNCTIONS,
    collection::FUNCTIONS,
    time::FUNCTIONS,
    duration::FUNCTIONS,
    json::FUNCTIONS,
    parsing::FUNCTIONS,
    entity::FUNCTIONS,
    log::FUNCTIONS,
    search::FUNCTIONS,
];

/// The function with this name. Those on strings may be called by their full name of Clojure, `clojure.string/blank?`.
pub fn lookup(name: &str) -> Option<&'static Function> {
    let short = name.strip_prefix("clojure.string/");
    all().find(|function| match short {
        None => function.name == name,
        Some(short) => function.name == short && text::IN_CLOJURE_STRING.contains(&short),
    })
}

/// Every function, family by family.
pub fn all() -> impl Iterator<Item = &'static Function> {
    FAMILIES.into_iter().flatten()
}

/// Every function's name, to find those near to a misspelt one.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().map(|function| function.name)
}
