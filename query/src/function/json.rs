//! `json`: what a text of JSON holds, as a whole or at a path. Objects are maps with strings as keys, arrays are vectors.

mod path;
mod read;

use super::argument::string;
use super::{Arity, Function, pure};
use crate::error::Result;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[pure(
    "json",
    Arity::between(1, 2),
    json,
    "What a text of JSON holds, at a path if one is given; nil where nothing is there and where the text is not JSON.",
    (r#"(json "{\"a\": {\"b\": [1, 2]}}" "$.a.b[0]")"#, "1"),
)];

/// A text that is no JSON gives nil and not an error, so that among mixed lines those that are can be asked.
fn json(args: &[Value]) -> Result<Value> {
    let text = string("json", args, 0)?;
    let path = match args.get(1) {
        Some(path) => path::read("json", 1, path)?,
        None => Vec::new(),
    };
    Ok(read::value_at(text, &path).unwrap_or(Value::Nil))
}
