//! `like not-like in not-in`: the predicates of SQL.

use super::argument::{refuse, string};
use super::pattern::{Dialect, compiled};
use super::{Arity, Function, pure};
use crate::error::Result;
use crate::value::Value;

/// What takes the meaning from `%` and `_`, unless the call says otherwise.
const ESCAPE: char = '!';

pub(super) const FUNCTIONS: &[Function] = &[
    pure(
        "like",
        Arity::between(2, 3),
        |args| Ok(is_like("like", args)?.into()),
        "Has the whole text this form? `%` stands for any characters, `_` for one, and `!` or the :escape given takes their meaning away.",
        ("(like \"disk full\" \"%full\")", "true"),
    ),
    pure(
        "not-like",
        Arity::between(2, 3),
        |args| Ok((!is_like("not-like", args)?).into()),
        "Has the whole text another form?",
        ("(not-like \"100%\" \"100\\\\%\" {:escape \\\\})", "false"),
    ),
    pure(
        "in",
        Arity::exactly(2),
        |args| Ok(is_in("in", args)?.into()),
        "Is the value an item of the vector, list or set, or a key of the map? Numbers by their value.",
        ("(in 2 [1 2 3])", "true"),
    ),
    pure(
        "not-in",
        Arity::exactly(2),
        |args| Ok((!is_in("not-in", args)?).into()),
        "Is the value none of the items?",
        ("(not-in :info #{:warn :error})", "true"),
    ),
];

fn is_like(name: &str, args: &[Value]) -> Result<bool> {
    let text = string(name, args, 0)?;
    let pattern = string(name, args, 1)?;
    let escape = if args.len() > 2 { escape_of(name, args)? } else { ESCAPE };
    Ok(compiled(name, 1, Dialect::Like(escape), pattern)?.within(name, text)?.is_match(text))
}

/// The escape character of `{:escape \x}`; one of no effect elsewhere in the map.
fn escape_of(name: &str, args: &[Value]) -> Result<char> {
    let wrong = || {
        refuse(name, 2, "a map with an escape character", &args[2])
            .with_help("write it as {:escape \\\\}, with a character of your own")
    };
    let Value::Map(options) = &args[2] else { return Err(wrong()) };
    match options.get(&Value::keyword("escape")) {
        None | Some(Value::Nil) => Ok(ESCAPE),
        Some(Value::Char(c)) => Ok(*c),
        Some(Value::String(text)) => {
            let mut chars = text.chars();
            chars.next().filter(|_| chars.next().is_none()).ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}

/// Is the first argument among the items of the second?
pub(super) fn is_in(name: &str, args: &[Value]) -> Result<bool> {
    let value = &args[0];
    match &args[1] {
        Value::Nil => Ok(false),
        Value::Vector(items) | Value::List(items) => Ok(items.iter().any(|item| item.same(value))),
        Value::Set(members) => Ok(members.contains(value) || (has_kin(value) && members.iter().any(|item| item.same(value)))),
        Value::Map(entries) => Ok(entries.contains_key(value) || (has_kin(value) && entries.keys().any(|key| key.same(value)))),
        other => Err(refuse(name, 1, "a vector, list, set or map", other).with_help("the value stands first, (in ?x [1 2 3])")),
    }
}

/// May other values than the very same be the same by meaning?
fn has_kin(value: &Value) -> bool {
    value.is_number() || matches!(value, Value::Ref(_) | Value::Vector(_) | Value::List(_))
}
