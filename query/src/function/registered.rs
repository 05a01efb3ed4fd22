//! Functions that a program registers, beside those that are built in.

use std::fmt;
use std::sync::Arc;

use super::collection::is_within_limits;
use super::{Arity, Function, Kind};
use crate::error::{Code, Error, Result};
use crate::value::Value;

/// What a program's own code fails with.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What computes a registered function.
type Compute = Box<dyn Fn(&[Value]) -> std::result::Result<Value, Failure> + Send + Sync>;

/// Characters of a failed call that an error shows.
const LIMIT_SHOWN: usize = 200;

/// A function or predicate that a program registered.
pub struct RegisteredFunction {
    name: Arc<str>,
    arity: Arity,
    compute: Compute,
}

impl RegisteredFunction {
    pub(crate) fn new(name: Arc<str>, arity: Arity, compute: Compute) -> Self {
        Self { name, arity, compute }
    }

    /// Its name in a query.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn call(&self, args: &[Value]) -> Result<Value> {
        let result = (self.compute)(args).map_err(|failure| {
            let call = std::iter::once(self.name.to_string()).chain(args.iter().map(Value::to_string)).collect::<Vec<_>>();
            failed(&self.name, &format!("({})", call.join(" ")), failure)
        })?;
        checked_result(&self.name, result)
    }
}

/// The error of a program's own function: its text, and itself as the source.
pub(crate) fn failed(name: &str, call: &str, failure: Failure) -> Error {
    let mut shown: String = call.chars().take(LIMIT_SHOWN).collect();
    if shown.len() < call.len() {
        shown.push_str("..");
    }
    Error::new(Code::FunctionFailed, format!("`{name}` failed: {failure}"))
        .with_value(shown)
        .with_help(format!("`{name}` is the program's own: give it what it takes, or keep such rows out with a clause"))
        .caused_by(failure)
}

/// What a program's function gave, if a value of the language can be so; a double that is no number is nil.
pub(crate) fn checked_result(name: &str, result: Value) -> Result<Value> {
    match result {
        Value::Double(number) if number.is_nan() => Ok(Value::Nil),
        Value::Vector(_) | Value::List(_) | Value::Set(_) | Value::Map(_) | Value::Tagged(..) if !is_within_limits(&result) => {
            Err(Error::new(Code::LimitExceeded, format!("`{name}` gave a value that is too deep, too large or holds NaN"))
                .with_value(name)
                .with_help("give smaller values, or one row for each part"))
        }
        result => Ok(result),
    }
}

impl fmt::Debug for RegisteredFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredFunction").field("name", &self.name).field("arity", &self.arity).finish_non_exhaustive()
    }
}

/// A function as a query calls it.
#[derive(Clone, Debug)]
pub enum AnyFunction {
    /// A built-in one.
    BuiltIn(&'static Function),
    /// One that a program registered.
    Registered(Arc<RegisteredFunction>),
}

impl AnyFunction {
    /// Its name in a query.
    pub fn name(&self) -> &str {
        match self {
            Self::BuiltIn(function) => function.name,
            Self::Registered(function) => &function.name,
        }
    }

    /// How many arguments it takes, the source not counted.
    pub fn arity(&self) -> Arity {
        match self {
            Self::BuiltIn(function) => function.arity,
            Self::Registered(function) => function.arity,
        }
    }

    /// The built-in function, if it is one.
    pub fn built_in(&self) -> Option<&'static Function> {
        match self {
            Self::BuiltIn(function) => Some(function),
            Self::Registered(_) => None,
        }
    }

    /// True if it asks a source, which then stands first in the call.
    pub fn asks_source(&self) -> bool {
        self.built_in().is_some_and(|function| !matches!(function.kind, Kind::Pure(_)))
    }

    /// How a call of it is written: `(get-else $ ?e :person/nick "none")`, `(shop/gross ?a)`.
    pub fn usage(&self) -> String {
        match self {
            Self::BuiltIn(function) => function.example.call.to_owned(),
            Self::Registered(function) => {
                let args = ('a'..='z').take(function.arity.least).map(|letter| format!("?{letter}"));
                let more = (function.arity.most != Some(function.arity.least)).then(|| "..".to_owned());
                let words = std::iter::once(function.name.to_string()).chain(args).chain(more).collect::<Vec<_>>();
                format!("({})", words.join(" "))
            }
        }
    }

    /// Refuses a wrong number of arguments, the source not counted.
    pub fn check_arity(&self, count: usize) -> Result<()> {
        match self {
            Self::BuiltIn(function) => function.check_arity(count),
            Self::Registered(function) if function.arity.allows(count) => Ok(()),
            Self::Registered(function) => {
                Err(Error::new(Code::Arity, format!("`{}` takes {}, not {count}", function.name, function.arity))
                    .with_help(format!("write it as {}", self.usage())))
            }
        }
    }

    /// Calls a function that asks no source; one that does is refused.
    pub fn call(&self, args: &[Value]) -> Result<Value> {
        self.check_arity(args.len())?;
        match self {
            Self::BuiltIn(function) => function.call(args),
            Self::Registered(function) => function.call(args),
        }
    }
}
