//! Paths into JSON: `$.a.b[0]`, `a.b.0` and `["a" "b" 0]`.

use crate::error::{Code, Error, Result};
use crate::function::refuse;
use crate::value::Value;

const HELP: &str = "write it as \"$.a.b[0]\", \"a.b.0\", \"$['a b']\" or [\"a\" \"b\" 0]";

/// One step into a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// What it means in an object.
    pub(super) key: Option<String>,
    /// What it means in an array; below 0 from its end.
    pub(super) index: Option<i64>,
}

impl Step {
    fn key(text: &str) -> Self {
        Self { key: Some(text.to_owned()), index: None }
    }

    fn index(index: i64) -> Self {
        Self { key: None, index: Some(index) }
    }
}

/// The steps of a path given as text or as a vector of keys and places.
pub(super) fn read(name: &str, place: usize, path: &Value) -> Result<Vec<Step>> {
    match path {
        Value::String(text) => read_text(text).map_err(|reason| {
            Error::new(Code::ArgumentType, format!("argument {} of `{name}` is not a path: {reason}", place + 1))
                .with_value(path)
                .with_help(HELP)
        }),
        Value::Vector(items) | Value::List(items) => items.iter().map(|item| step(name, place, item)).collect(),
        other => Ok(vec![step(name, place, other)?]),
    }
}

fn step(name: &str, place: usize, item: &Value) -> Result<Step> {
    match item {
        Value::String(text) | Value::Keyword(text) | Value::Symbol(text) => Ok(Step::key(text)),
        Value::Long(index) => Ok(Step::index(*index)),
        other => Err(refuse(name, place, "a path of keys and places", other).with_help(HELP)),
    }
}

fn read_text(text: &str) -> std::result::Result<Vec<Step>, &'static str> {
    let mut rest = text.strip_prefix('$').unwrap_or(text);
    let mut steps = Vec::new();
    // A first name has no point before it, unless `$` stands there.
    let mut wants_name = rest.len() == text.len() && !rest.is_empty() && !rest.starts_with('[');
    while wants_name || !rest.is_empty() {
        if wants_name {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (named, after) = rest.split_at(end);
            steps.push(name(named)?);
            rest = after;
            wants_name = false;
        } else if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            wants_name = true;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (step, after) = bracket(after)?;
            steps.push(step);
            rest = after;
        } else {
            return Err("a `.` or `[` is missing");
        }
    }
    Ok(steps)
}

/// A name between points; digits are a place where there is an array.
fn name(text: &str) -> std::result::Result<Step, &'static str> {
    match text {
        "" => Err("a name is missing"),
        "*" => Err("it leads to many values: take the array, and bind its items with [?item ...]"),
        _ => {
            let is_place = text.bytes().all(|byte| byte.is_ascii_digit());
            Ok(Step { key: Some(text.to_owned()), index: text.parse().ok().filter(|_| is_place) })
        }
    }
}

/// What stands behind an opening bracket, and the rest behind the closing one.
fn bracket(text: &str) -> std::result::Result<(Step, &str), &'static str> {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
        let (inside, rest) = text.split_once(']').ok_or("a `]` is missing")?;
        return match inside.parse() {
            Ok(index) => Ok((Step::index(index), rest)),
            Err(_) if inside == "*" => Err("it leads to many values: take the array, and bind its items with [?item ...]"),
            Err(_) => Err("between brackets stands a place or a quoted name"),
        };
    };
    let mut key = String::new();
    let mut chars = text[1..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => key.push(chars.next().ok_or("a quote is never closed")?.1),
            c if c == quote => {
                let rest = text[1 + at + 1..].strip_prefix(']').ok_or("a `]` is missing")?;
                return Ok((Step { key: Some(key), index: None }, rest));
            }
            c => key.push(c),
        }
    }
    Err("a quote is never closed")
}
