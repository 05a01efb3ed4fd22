//! `re-find re-matches re-seq re-pattern`, with results as in Clojure.

use regex::{Captures, Regex};

use super::argument::string;
use super::pattern::{Dialect, compiled, text_of};
use super::{Arity, Function, pure};
use crate::edn::REGEX_TAG;
use crate::error::{Code, Error, Result};
use crate::value::Value;

/// Matches that one call may find: a pattern that matches the empty text matches at every character.
const LIMIT_MATCHES: usize = 65_536;

/// Matches times bytes of the text: looking for the next match may read all of the rest.
const LIMIT_MATCHED_BYTES: usize = 1 << 33;

pub(super) const FUNCTIONS: &[Function] = &[
    pure(
        "re-find",
        Arity::exactly(2),
        re_find,
        "The first match of a regular expression in a text, or nil; with groups, a vector of the match and what each group has.",
        (r#"(re-find #"(\w+)=(\d+)" "took ms=42")"#, r#"["ms=42" "ms" "42"]"#),
    ),
    pure(
        "re-matches",
        Arity::exactly(2),
        re_matches,
        "What `re-find` gives, if the regular expression matches the text as a whole.",
        (r#"(re-matches #"\d+" "42")"#, r#""42""#),
    ),
    pure(
        "re-seq",
        Arity::exactly(2),
        re_seq,
        "All matches, one after the other, each as `re-find` gives it; nil if there is none.",
        (r#"(re-seq #"\d+" "1 + 22")"#, r#"["1" "22"]"#),
    ),
    pure(
        "re-pattern",
        Arity::exactly(1),
        re_pattern,
        "The regular expression that a text spells.",
        (r#"(re-pattern "\\d+")"#, r#"#"\d+""#),
    ),
];

fn re_find(args: &[Value]) -> Result<Value> {
    first("re-find", Dialect::Part, args)
}

fn re_matches(args: &[Value]) -> Result<Value> {
    first("re-matches", Dialect::Whole, args)
}

fn first(name: &str, dialect: Dialect, args: &[Value]) -> Result<Value> {
    let pattern = compiled(name, 0, dialect, text_of(name, args, 0)?)?;
    let text = string(name, args, 1)?;
    let regex = pattern.within(name, text)?;
    if has_groups(regex) {
        return Ok(regex.captures(text).map_or(Value::Nil, |captures| groups(&captures)));
    }
    Ok(regex.find(text).map_or(Value::Nil, |found| found.as_str().into()))
}

fn re_seq(args: &[Value]) -> Result<Value> {
    let pattern = compiled("re-seq", 0, Dialect::Part, text_of("re-seq", args, 0)?)?;
    let text = string("re-seq", args, 1)?;
    let regex = pattern.within("re-seq", text)?;
    let most = limit_matches(text);
    let matches: Vec<Value> = if has_groups(regex) {
        regex.captures_iter(text).take(most + 1).map(|captures| groups(&captures)).collect()
    } else {
        regex.find_iter(text).take(most + 1).map(|found| found.as_str().into()).collect()
    };
    match matches.len() {
        0 => Ok(Value::Nil),
        count if count <= most => Ok(matches.into()),
        _ => Err(too_many("re-seq", most, &args[0])),
    }
}

fn limit_matches(text: &str) -> usize {
    LIMIT_MATCHES.min(LIMIT_MATCHED_BYTES / text.len().max(1))
}

fn too_many(name: &str, most: usize, pattern: &Value) -> Error {
    Error::new(Code::LimitExceeded, format!("`{name}` would find more than {most} matches in this text"))
        .with_value(pattern)
        .with_help("match longer parts, such as #\"\\w+\" in place of #\"\\w\", or take a part of the text with subs")
}

fn re_pattern(args: &[Value]) -> Result<Value> {
    let text = text_of("re-pattern", args, 0)?;
    compiled("re-pattern", 0, Dialect::Part, text)?;
    Ok(Value::Tagged(REGEX_TAG.into(), Value::from(text).into()))
}

fn has_groups(regex: &Regex) -> bool {
    regex.captures_len() > 1
}

/// The match and its groups; nil for a group that took no part.
fn groups(captures: &Captures<'_>) -> Value {
    let parts = captures.iter().map(|group| group.map_or(Value::Nil, |found| found.as_str().into()));
    Value::vector(parts)
}

/// `(split ?text #"..." limit)`, as Java's: at most `limit` parts if that is above 0, without empty ones at the end if it is 0. A match of
/// nothing at the beginning ends no part.
pub(super) fn split(args: &[Value], text: &str, limit: i64) -> Result<Value> {
    let pattern = compiled("split", 1, Dialect::Part, text_of("split", args, 1)?)?;
    let most = limit_matches(text);
    let mut parts = Vec::new();
    let mut from = 0;
    for found in pattern.within("split", text)?.find_iter(text).filter(|found| found.end() > 0) {
        if limit > 0 && parts.len() as i64 >= limit - 1 {
            break;
        }
        if parts.len() == most {
            return Err(too_many("split", most, &args[1]));
        }
        parts.push(Value::from(&text[from..found.start()]));
        from = found.end();
    }
    let is_whole = parts.is_empty();
    parts.push(text[from..].into());
    while limit == 0 && !is_whole && parts.last().is_some_and(|last| last.as_text() == Some("")) {
        parts.pop();
    }
    Ok(parts.into())
}
