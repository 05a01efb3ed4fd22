//! Arguments of functions, taken apart with an error that names the function, the place and the value.

use crate::error::{Code, Error, Result};
use crate::value::Value;

/// The error for an argument of the wrong kind; `place` counts from 0, `wanted` reads like "a number".
pub(crate) fn refuse(name: &str, place: usize, wanted: &str, value: &Value) -> Error {
    let message = format!("argument {} of `{name}` must be {wanted}, not a value of type {}", place + 1, value.kind_name());
    Error::new(Code::ArgumentType, message).with_value(value)
}

/// A string. Other values are refused, with the way to make a string of them.
pub(super) fn string<'a>(name: &str, args: &'a [Value], place: usize) -> Result<&'a str> {
    match &args[place] {
        Value::String(text) => Ok(text),
        value @ (Value::Keyword(_) | Value::Symbol(_)) => {
            Err(refuse(name, place, "a string", value).with_help("(name ?x) gives a keyword's text, (str ?x) any value's"))
        }
        value => Err(refuse(name, place, "a string", value).with_help("(str ?x) gives the text of any value")),
    }
}

/// A whole number that can count something.
pub(super) fn count(name: &str, args: &[Value], place: usize) -> Result<usize> {
    match &args[place] {
        Value::Long(n) if *n >= 0 => Ok(usize::try_from(*n).unwrap_or(usize::MAX)),
        value => Err(refuse(name, place, "a long of at least 0", value).with_help("give a count from 0 on, such as 2")),
    }
}

/// The items of a vector or list.
pub(super) fn items<'a>(name: &str, args: &'a [Value], place: usize) -> Result<&'a [Value]> {
    let value = &args[place];
    value
        .as_items()
        .ok_or_else(|| refuse(name, place, "a vector or list", value).with_help("(vector ?x) makes a vector of its arguments"))
}
