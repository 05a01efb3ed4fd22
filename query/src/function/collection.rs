//! `ground identity tuple untuple vector get nth first contains? empty? not-empty`, and what a value is called: `type name namespace keyword`.

use super::argument::{count, items, refuse, string};
use super::like::is_in;
use super::text::size;
use super::{Arity, Function, pure};
use crate::edn;
use crate::error::{Code, Error, Result};
use crate::value::{Value, ValueType};

pub(super) const FUNCTIONS: &[Function] = &[
    pure(
        "ground",
        Arity::exactly(1),
        |args| Ok(args[0].clone()),
        "The argument, for a binding to take apart.",
        ("(ground [1 2])", "[1 2]"),
    ),
    pure("identity", Arity::exactly(1), |args| Ok(args[0].clone()), "The argument.", ("(identity :a)", ":a")),
    pure(
        "tuple",
        Arity::at_least(1),
        |args| nested("tuple", args),
        "A tuple of the arguments.",
        ("(tuple 1 \"a\")", "[1 \"a\"]"),
    ),
    pure(
        "untuple",
        Arity::exactly(1),
        untuple,
        "The tuple, for a binding such as [?a ?b] to take apart.",
        ("(untuple [1 2])", "[1 2]"),
    ),
    pure(
        "vector",
        Arity::at_least(0),
        |args| nested("vector", args),
        "A vector of the arguments.",
        ("(vector 1 2 3)", "[1 2 3]"),
    ),
    pure(
        "get",
        Arity::between(2, 3),
        |args| Ok(get(args)),
        "What a map has for a key, a vector or text at a place or a set as member; else the default or nil.",
        ("(get {:a 1} :b 0)", "0"),
    ),
    pure("nth", Arity::between(2, 3), nth, "The item at a place, counted from 0; else the default.", ("(nth [:a :b] 1)", ":b")),
    pure("first", Arity::exactly(1), |args| item("first", args, 0), "The first item, or nil.", ("(first [:a :b])", ":a")),
    pure(
        "contains?",
        Arity::exactly(2),
        |args| contains(args).map(Value::from),
        "Has the map this key, the set this member or the vector this place?",
        ("(contains? {:a nil} :a)", "true"),
    ),
    pure(
        "empty?",
        Arity::exactly(1),
        |args| Ok((size("empty?", args)? == 0).into()),
        "Has it no items?",
        ("(empty? [])", "true"),
    ),
    pure(
        "not-empty",
        Arity::exactly(1),
        |args| Ok(if size("not-empty", args)? == 0 { Value::Nil } else { args[0].clone() }),
        "The collection or text itself, nil if it has no items.",
        ("(not-empty \"a\")", "\"a\""),
    ),
    pure("type", Arity::exactly(1), |args| Ok(type_of(&args[0])), "The type as a keyword.", ("(type 1)", ":db.type/long")),
    pure("name", Arity::exactly(1), name, "The part of a keyword or symbol behind the slash.", ("(name :run/id)", "\"id\"")),
    pure("namespace", Arity::exactly(1), namespace, "The part before the slash, or nil.", ("(namespace :run/id)", "\"run\"")),
    pure("keyword", Arity::between(1, 2), keyword, "The keyword with this text.", ("(keyword \"run\" \"id\")", ":run/id")),
];

/// Values within a value, at most: one that shares its parts can say in a few bytes what nobody can compare in a lifetime.
const LIMIT_NESTED_VALUES: usize = 65_536;

/// A vector of these values, of a size and depth that can be walked.
fn nested(name: &str, args: &[Value]) -> Result<Value> {
    let mut left = LIMIT_NESTED_VALUES;
    if args.iter().all(|value| is_within(value, edn::LIMIT_DEPTH - 1, &mut left)) {
        return Ok(args.to_vec().into());
    }
    let message = format!(
        "`{name}` would give a value that is more than {} deep or holds more than {LIMIT_NESTED_VALUES} values",
        edn::LIMIT_DEPTH
    );
    Err(Error::new(Code::LimitExceeded, message).with_help("keep the parts in variables of their own, or bound the recursion"))
}

/// Values within the result of a program's own function, at most.
const LIMIT_RESULT_VALUES: usize = 16_777_216;

/// True if a program's own function may give this: neither too deep nor too large to be walked, and without NaN.
pub(super) fn is_within_limits(value: &Value) -> bool {
    is_within(value, edn::LIMIT_DEPTH, &mut LIMIT_RESULT_VALUES.clone())
}

/// Walks a value until `left` values or `depth` levels are used up.
fn is_within(value: &Value, depth: usize, left: &mut usize) -> bool {
    if *left == 0 || depth == 0 {
        return false;
    }
    *left -= 1;
    let mut inner = |value: &Value| is_within(value, depth - 1, left);
    match value {
        Value::Vector(items) | Value::List(items) => items.iter().all(inner),
        Value::Set(items) => items.iter().all(inner),
        Value::Map(entries) => entries.iter().all(|(key, value)| inner(key) && inner(value)),
        Value::Tagged(_, value) => inner(value),
        Value::Double(number) => !number.is_nan(),
        _ => true,
    }
}

fn untuple(args: &[Value]) -> Result<Value> {
    items("untuple", args, 0)?;
    Ok(args[0].clone())
}

/// Total as in Clojure: what has no parts has nothing for any key, so that values of mixed types, as in JSON, can be asked.
fn get(args: &[Value]) -> Value {
    let key = &args[1];
    let found = match &args[0] {
        Value::Map(entries) => entries
            .get(key)
            .or_else(|| key.is_number().then(|| entries.iter().find(|(k, _)| k.same(key)).map(|(_, v)| v)).flatten())
            .cloned(),
        Value::Set(members) => {
            members.get(key).or_else(|| key.is_number().then(|| members.iter().find(|m| m.same(key))).flatten()).cloned()
        }
        Value::Vector(_) | Value::List(_) | Value::String(_) => place_of(key).and_then(|place| item_at(&args[0], place)),
        _ => None,
    };
    found.or(args.get(2).cloned()).unwrap_or(Value::Nil)
}

fn nth(args: &[Value]) -> Result<Value> {
    if !matches!(args[0], Value::Nil | Value::String(_)) {
        items("nth", args, 0)?;
    }
    let place = &args[1];
    if place.as_long().is_none() {
        count("nth", args, 1)?;
    }
    let found = place_of(place).and_then(|place| item_at(&args[0], place)).or(args.get(2).cloned());
    match (found, &args[0]) {
        (Some(item), _) => Ok(item),
        (None, Value::Nil) => Ok(Value::Nil),
        (None, whole) => {
            let length = whole.as_items().map_or_else(|| whole.as_text().unwrap_or_default().chars().count(), <[_]>::len);
            let message = format!("argument 2 of `nth` lies outside a {} of {length} items", whole.kind_name());
            Err(Error::new(Code::ArgumentType, message)
                .with_value(place)
                .with_help("give a default, (nth ?v 5 :none), or use get, which gives nil"))
        }
    }
}

/// The item at a place, nil where there is none.
pub(super) fn item(name: &str, args: &[Value], place: usize) -> Result<Value> {
    match &args[0] {
        Value::Nil => Ok(Value::Nil),
        Value::String(_) => Ok(item_at(&args[0], place).unwrap_or(Value::Nil)),
        _ => Ok(items(name, args, 0)?.get(place).cloned().unwrap_or(Value::Nil)),
    }
}

fn contains(args: &[Value]) -> Result<bool> {
    let key = &args[1];
    match &args[0] {
        Value::Nil => Ok(false),
        Value::Map(_) | Value::Set(_) => is_in("contains?", &[key.clone(), args[0].clone()]),
        Value::Vector(_) | Value::List(_) | Value::String(_) => {
            Ok(place_of(key).is_some_and(|place| item_at(&args[0], place).is_some()))
        }
        other => Err(refuse("contains?", 0, "a map, set or vector", other)
            .with_help("for a value within a vector use (in ?x [1 2 3]), for a part of a text (includes? ?text \"part\")")),
    }
}

/// A place counted from 0. `None` for what is none.
fn place_of(value: &Value) -> Option<usize> {
    usize::try_from(value.as_long()?).ok()
}

/// The item of a vector or list, or the character of a string.
fn item_at(whole: &Value, place: usize) -> Option<Value> {
    match whole {
        Value::String(text) => text.chars().nth(place).map(Value::Char),
        whole => whole.as_items()?.get(place).cloned(),
    }
}

fn type_of(value: &Value) -> Value {
    let name = match value {
        Value::Tagged(..) => "tagged",
        value => value.value_type().map_or(value.kind_name(), ValueType::name),
    };
    Value::keyword(&format!("db.type/{name}"))
}

/// The texts before and behind the slash; the slash alone is a name.
fn parts(text: &str) -> (Option<&str>, &str) {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => (Some(namespace), name),
        _ => (None, text),
    }
}

fn name(args: &[Value]) -> Result<Value> {
    match &args[0] {
        Value::Keyword(text) | Value::Symbol(text) => Ok(parts(text).1.into()),
        Value::String(_) => Ok(args[0].clone()),
        other => Err(refuse("name", 0, "a keyword, symbol or string", other).with_help("(str ?x) gives the text of any value")),
    }
}

fn namespace(args: &[Value]) -> Result<Value> {
    match &args[0] {
        Value::Keyword(text) | Value::Symbol(text) => Ok(parts(text).0.map_or(Value::Nil, Value::from)),
        other => Err(refuse("namespace", 0, "a keyword or symbol", other).with_help("(keyword ?x) makes a keyword of a string")),
    }
}

fn keyword(args: &[Value]) -> Result<Value> {
    let text = match args {
        [Value::Keyword(_)] => return Ok(args[0].clone()),
        [Value::Symbol(text)] => text.to_string(),
        [Value::Nil, _] => string("keyword", args, 1)?.to_owned(),
        [_, _] => format!("{}/{}", string("keyword", args, 0)?, string("keyword", args, 1)?),
        _ => string("keyword", args, 0)?.to_owned(),
    };
    if can_be_read_as_keyword(&text) {
        return Ok(Value::keyword(&text));
    }
    Err(Error::new(Code::ArgumentType, format!("`keyword` cannot make a keyword of the text `{text}`"))
        .with_value(&args[0])
        .with_help("a keyword has neither white space nor brackets, quotes, commas or semicolons, and at most one slash inside"))
}

fn can_be_read_as_keyword(text: &str) -> bool {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"()[]{}\"\\,;@^`~:".contains(c);
    let inner_slash = parts(text).0.is_some();
    !text.is_empty() && text.chars().all(is_plain) && text.matches('/').count() == usize::from(inner_slash)
}
