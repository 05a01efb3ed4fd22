//! Names in forms, and the error that says what was expected instead.

use std::sync::Arc;

use crate::ast::{SourceName, Variable};
use crate::edn::{Form, FormKind};
use crate::error::{Code, Error, Result, Span};
use crate::value::Value;

/// Characters of an offending form that an error shows.
const LIMIT_SHOWN: usize = 60;

/// "expected `what`, found `form`".
pub(super) fn expected(what: &str, form: &Form) -> Error {
    let mut text = form.to_string();
    if let Some((end, _)) = text.char_indices().nth(LIMIT_SHOWN) {
        text.truncate(end);
        text.push_str("..");
    }
    Error::new(Code::QuerySyntax, format!("expected {what}, found the {} {text}", form.kind_name()))
        .at(form.span)
        .with_value(text)
}

/// "expected `what`", for something that is not there.
pub(super) fn missing(what: &str, span: Span) -> Error {
    Error::new(Code::QuerySyntax, format!("expected {what}")).at(span)
}

/// `?x`.
pub(super) fn as_variable(form: &Form) -> Option<Variable> {
    form.symbol().filter(|name| is_variable(name)).map(|name| Variable(name.into()))
}

/// `$`, `$name`.
pub(super) fn as_source(form: &Form) -> Option<SourceName> {
    form.symbol().filter(|name| name.starts_with('$')).map(|name| SourceName(name.into()))
}

/// `_`.
pub(super) fn is_blank(form: &Form) -> bool {
    form.symbol() == Some("_")
}

/// A symbol without a meaning of its own: the name of a rule, function or pattern.
pub(super) fn as_plain_name(form: &Form) -> Option<Arc<str>> {
    let is_plain = |name: &&str| !name.starts_with(['?', '$', '%']) && !matches!(*name, "_" | "." | "...");
    form.symbol().filter(is_plain).map(Arc::from)
}

/// A variable, or the error that it is none.
pub(super) fn variable(form: &Form) -> Result<(Variable, Span)> {
    as_variable(form).map(|variable| (variable, form.span)).ok_or_else(|| {
        let help = match as_plain_name(form) {
            Some(name) => format!("a variable starts with a question mark: ?{name}"),
            None => "a variable starts with a question mark, such as ?e".into(),
        };
        expected("a variable", form).with_help(help)
    })
}

/// The value of a literal, which holds no variable.
pub(super) fn constant(form: &Form) -> Result<Value> {
    match find_variable(form) {
        // Inside a query the id of an entity is a long.
        None => Ok(match form.to_value() {
            Value::Ref(entity) => Value::Long(entity),
            value => value,
        }),
        Some(inner) => {
            Err(expected("a constant", inner).with_help("a literal holds no variables: bind the parts in clauses of their own"))
        }
    }
}

fn find_variable(form: &Form) -> Option<&Form> {
    match &form.kind {
        FormKind::Scalar(Value::Symbol(name)) => is_variable(name).then_some(form),
        FormKind::Scalar(_) => None,
        FormKind::List(items) | FormKind::Vector(items) | FormKind::Set(items) => items.iter().find_map(find_variable),
        FormKind::Map(entries) => entries.iter().find_map(|(key, value)| find_variable(key).or_else(|| find_variable(value))),
        FormKind::Tagged(_, content) => find_variable(content),
    }
}

fn is_variable(name: &str) -> bool {
    name.len() > 1 && name.starts_with('?')
}
