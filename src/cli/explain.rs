//! How an explanation is printed: a tree for people, one object for programs, a row a step for tables.

use std::env;
use std::sync::Arc;

use annals::query::explain::{Stopped, TreeStyle};
use annals::query::{Code, Explanation};
use annals::{Error, ErrorKind, Value};

use super::arguments::Format;
use super::failure::{Outcome, tell};
use super::output::{RowShape, line, print_rows, terminal_width};

/// The widest tree: longer lines are hard to follow.
const WIDTH_MAX: usize = 120;
/// The width where nobody says how wide the terminal is.
const WIDTH_DEFAULT: usize = 100;
const COLUMNS: [&str; 9] =
    ["step", "clause", "expected_rows", "rows", "rows_before", "facts_read", "time_us", "reason", "method"];

/// Prints an explanation. One of a run that was stopped is printed too, and then fails as the run did.
pub(super) fn print_explanation(explanation: &Explanation, format: Format) -> Outcome {
    match format {
        Format::Table => line(&explanation.tree(style(), width()))?,
        Format::Json => line(&serde_json::to_string_pretty(explanation).expect("a plan has a form in JSON"))?,
        Format::Jsonl => line(&serde_json::to_string(explanation).expect("a plan has a form in JSON"))?,
        Format::Edn => line(&as_edn(serde_json::to_value(explanation).expect("a plan has a form in JSON")).to_string())?,
        Format::Csv | Format::Markdown => print_steps(explanation, format)?,
    }
    explanation.stopped.as_ref().map_or(Ok(()), |stopped| Err(error_of(stopped).into()))
}

fn print_steps(explanation: &Explanation, format: Format) -> Outcome {
    let count = |n: usize| Value::Long(i64::try_from(n).unwrap_or(i64::MAX));
    let rows = explanation.numbered().into_iter().map(|(number, step)| {
        vec![
            number.into(),
            step.clause.as_str().into(),
            Value::Long(i64::try_from(step.expected_rows).unwrap_or(i64::MAX)),
            step.rows.map_or(Value::Nil, count),
            count(step.rows_before),
            count(step.facts_read),
            Value::Long(i64::try_from(step.time_us).unwrap_or(i64::MAX)),
            step.reason.as_str().into(),
            step.method.as_str().into(),
        ]
    });
    let columns = COLUMNS.map(str::to_owned).to_vec();
    print_rows(format, RowShape::Objects, columns, &rows.collect::<Vec<_>>())?;
    for hint in &explanation.hints {
        tell(&format!("hint[{}]: {}\n  help: {}", hint.code, hint.message, hint.help));
    }
    Ok(())
}

fn error_of(stopped: &Stopped) -> Error {
    let code = Code::ALL.iter().copied().find(|code| code.name() == stopped.code).unwrap_or(Code::Timeout);
    let error = Error::new(ErrorKind::Query(code), stopped.message.clone());
    match &stopped.help {
        Some(help) => error.with_help(help.clone()),
        None => error,
    }
}

/// The same data in EDN, fields as keywords.
fn as_edn(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(flag) => Value::Boolean(flag),
        serde_json::Value::Number(number) => number.as_i64().map_or(Value::Nil, Value::Long),
        serde_json::Value::String(text) => Value::from(text),
        serde_json::Value::Array(items) => Value::vector(items.into_iter().map(as_edn)),
        serde_json::Value::Object(fields) => {
            let entries = fields.into_iter().map(|(name, value)| (Value::keyword(&name), as_edn(value)));
            Value::Map(Arc::new(entries.collect()))
        }
    }
}

fn width() -> usize {
    terminal_width().map_or(WIDTH_DEFAULT, |width| usize::from(width).min(WIDTH_MAX))
}

/// Box characters, unless the locale says that the terminal cannot show them.
fn style() -> TreeStyle {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
    let is_unicode = locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    if is_unicode { TreeStyle::Boxes } else { TreeStyle::Ascii }
}
