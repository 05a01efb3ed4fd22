//! Functions on strings. Characters are Unicode scalar values, and lengths and places count characters.

use super::argument::{count, items, refuse, string};
use super::pattern::regex_text;
use super::{Arity, Function, pure, regex};
use crate::error::{Code, Error, Result};
use crate::value::Value;

/// The longest text that a function may make, so that doubling a text in a rule ends in an error in place of eating memory.
const LIMIT_TEXT_BYTES: usize = 16 << 20;

/// What may be called by its full name of Clojure, `clojure.string/blank?`.
pub(super) const IN_CLOJURE_STRING: [&str; 9] =
    ["upper-case", "lower-case", "trim", "split", "join", "starts-with?", "ends-with?", "includes?", "blank?"];

pub(super) const FUNCTIONS: &[Function] = &[
    pure("str", Arity::at_least(0), str, "The texts of all arguments, one after the other.", ("(str \"a\" 1 :b)", "\"a1:b\"")),
    pure(
        "subs",
        Arity::between(2, 3),
        subs,
        "The characters from a place, counted from 0, up to another or the end.",
        ("(subs \"datalog\" 4 7)", "\"log\""),
    ),
    pure("upper-case", Arity::exactly(1), upper_case, "The text in capital letters.", ("(upper-case \"ada\")", "\"ADA\"")),
    pure("lower-case", Arity::exactly(1), lower_case, "The text in small letters.", ("(lower-case \"ADA\")", "\"ada\"")),
    pure("trim", Arity::exactly(1), trim, "The text without white space around it.", ("(trim \"  a b \")", "\"a b\"")),
    pure(
        "split",
        Arity::between(2, 3),
        split,
        "The parts between a text or regular expression, without empty ones at the end; with a limit, at most so many parts.",
        ("(split \"a,b,c\" \",\")", "[\"a\" \"b\" \"c\"]"),
    ),
    pure(
        "join",
        Arity::between(1, 2),
        join,
        "The texts of a collection, a separator between them.",
        ("(join \", \" [1 2])", "\"1, 2\""),
    ),
    pure(
        "starts-with?",
        Arity::exactly(2),
        |args| test("starts-with?", args, |text, part| text.starts_with(part)),
        "Does the text begin so?",
        ("(starts-with? \"datalog\" \"data\")", "true"),
    ),
    pure(
        "ends-with?",
        Arity::exactly(2),
        |args| test("ends-with?", args, |text, part| text.ends_with(part)),
        "Does the text end so?",
        ("(ends-with? \"datalog\" \"log\")", "true"),
    ),
    pure(
        "includes?",
        Arity::exactly(2),
        |args| test("includes?", args, |text, part| text.contains(part)),
        "Does the text have this part?",
        ("(includes? \"datalog\" \"tal\")", "true"),
    ),
    pure("blank?", Arity::exactly(1), blank, "Is the text empty, all white space, or nil?", ("(blank? \" \")", "true")),
    pure("count", Arity::exactly(1), count_of, "How many characters, items or bytes there are.", ("(count \"añ\")", "2")),
];

/// The text of a value as `str` gives it: strings and characters as themselves, numbers without their suffix, nothing for
/// nil, and EDN for the rest.
pub(super) fn plain_text(value: &Value) -> String {
    match value {
        Value::Nil => String::new(),
        Value::String(text) | Value::Uri(text) => text.to_string(),
        Value::Char(c) => c.to_string(),
        Value::BigInt(n) => n.to_string(),
        Value::BigDec(_) => value.to_string().trim_end_matches('M').to_owned(),
        Value::Uuid(id) => id.to_string(),
        other => regex_text(other).map_or_else(|| other.to_string(), ToOwned::to_owned),
    }
}

fn concatenate<'a>(name: &str, values: impl Iterator<Item = &'a Value>, separator: &str) -> Result<Value> {
    let mut whole = String::new();
    for (place, value) in values.enumerate() {
        if place > 0 {
            whole.push_str(separator);
        }
        whole.push_str(&plain_text(value));
        if whole.len() > LIMIT_TEXT_BYTES {
            return Err(Error::new(
                Code::LimitExceeded,
                format!("`{name}` would give a text of more than {LIMIT_TEXT_BYTES} bytes"),
            )
            .with_help("bound the recursion that makes the text grow, or take parts with subs"));
        }
    }
    Ok(whole.into())
}

fn str(args: &[Value]) -> Result<Value> {
    concatenate("str", args.iter(), "")
}

fn subs(args: &[Value]) -> Result<Value> {
    let text = string("subs", args, 0)?;
    let start = count("subs", args, 1)?;
    let end = if args.len() > 2 { Some(count("subs", args, 2)?) } else { None };
    let from = byte_of(text, start).ok_or_else(|| outside(text, args, 1))?;
    let to = match end {
        None => text.len(),
        Some(end) if end < start => return Err(outside(text, args, 2)),
        Some(end) => byte_of(text, end).ok_or_else(|| outside(text, args, 2))?,
    };
    Ok(text[from..to].into())
}

/// The byte at which a character starts; the end of the text counts as a place.
fn byte_of(text: &str, place: usize) -> Option<usize> {
    text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(place)
}

fn outside(text: &str, args: &[Value], place: usize) -> Error {
    let length = text.chars().count();
    let message = format!("argument {} of `subs` lies outside its text, which has {length} characters", place + 1);
    Error::new(Code::ArgumentType, message)
        .with_value(&args[place])
        .with_help("0 <= start <= end <= length; [(count ?text) ?length] tells the length")
}

fn upper_case(args: &[Value]) -> Result<Value> {
    Ok(string("upper-case", args, 0)?.to_uppercase().into())
}

fn lower_case(args: &[Value]) -> Result<Value> {
    Ok(string("lower-case", args, 0)?.to_lowercase().into())
}

fn trim(args: &[Value]) -> Result<Value> {
    Ok(string("trim", args, 0)?.trim().into())
}

fn split(args: &[Value]) -> Result<Value> {
    let text = string("split", args, 0)?;
    let limit = if args.len() > 2 { limit_of_parts(args)? } else { 0 };
    if regex_text(&args[1]).is_some() {
        return regex::split(args, text, limit);
    }
    let separator = string("split", args, 1)?;
    if separator.is_empty() {
        return Ok(split_characters(text, usize::try_from(limit).unwrap_or(0)));
    }
    if let Some(most) = usize::try_from(limit).ok().filter(|most| *most > 0) {
        return Ok(text.splitn(most, separator).map(Value::from).collect::<Vec<_>>().into());
    }
    let mut parts: Vec<Value> = text.split(separator).map(Value::from).collect();
    let is_whole = parts.len() == 1;
    while limit == 0 && !is_whole && parts.last().is_some_and(|last| last.as_text() == Some("")) {
        parts.pop();
    }
    Ok(parts.into())
}

/// At most so many parts; 0 for all but empty ones at the end, below 0 for all.
fn limit_of_parts(args: &[Value]) -> Result<i64> {
    match &args[2] {
        Value::Long(limit) => Ok(*limit),
        value => Err(refuse("split", 2, "a long", value)
            .with_help("it is the most parts wanted: 0 for all but empty ones at the end, -1 for all")),
    }
}

/// A part for each character; the last of `limit` parts holds the rest. 0 is no limit.
fn split_characters(text: &str, limit: usize) -> Value {
    let cut = if limit == 0 { None } else { byte_of(text, limit - 1).filter(|at| *at < text.len()) };
    let (single, rest) = text.split_at(cut.unwrap_or(text.len()));
    let mut parts: Vec<Value> = single.chars().map(|c| c.to_string().into()).collect();
    if !rest.is_empty() || parts.is_empty() {
        parts.push(rest.into());
    }
    parts.into()
}

fn join(args: &[Value]) -> Result<Value> {
    let separator = if args.len() > 1 { string("join", args, 0)? } else { "" };
    let place = args.len() - 1;
    match &args[place] {
        Value::Nil => Ok("".into()),
        Value::Set(members) => concatenate("join", members.iter(), separator),
        _ => concatenate("join", items("join", args, place)?.iter(), separator),
    }
}

fn test(name: &str, args: &[Value], holds: fn(&str, &str) -> bool) -> Result<Value> {
    Ok(holds(string(name, args, 0)?, string(name, args, 1)?).into())
}

fn blank(args: &[Value]) -> Result<Value> {
    match &args[0] {
        Value::Nil => Ok(true.into()),
        _ => Ok(string("blank?", args, 0)?.trim().is_empty().into()),
    }
}

fn count_of(args: &[Value]) -> Result<Value> {
    Ok(Value::Long(size("count", args)? as i64))
}

/// How many characters, items or bytes the first argument has.
pub(super) fn size(name: &str, args: &[Value]) -> Result<usize> {
    match &args[0] {
        Value::Nil => Ok(0),
        Value::String(text) => Ok(text.chars().count()),
        Value::Vector(items) | Value::List(items) => Ok(items.len()),
        Value::Set(members) => Ok(members.len()),
        Value::Map(entries) => Ok(entries.len()),
        Value::Bytes(bytes) => Ok(bytes.len()),
        other => Err(refuse(name, 0, "a string, a collection or bytes", other)
            .with_help("to count rows use the aggregate in :find, (count ?x)")),
    }
}
