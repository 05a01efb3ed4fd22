//! Inputs, and the shapes in which values are taken apart.

use super::expect::{as_plain_name, as_source, as_variable, expected, is_blank};
use crate::ast::{Binding, Input};
use crate::edn::Form;
use crate::error::Result;

const HELP_BINDING: &str = "write ?x, [?x ?y] for a tuple, [?x ...] for many values or [[?x ?y]] for many tuples";

pub(super) fn input(form: &Form) -> Result<Input> {
    if let Some(source) = as_source(form) {
        return Ok(Input::Source(source, form.span));
    }
    if form.symbol() == Some("%") {
        return Ok(Input::Rules(form.span));
    }
    match as_plain_name(form) {
        Some(name) => Ok(Input::Pattern(name, form.span)),
        None => binding(form).map(Input::Binding),
    }
}

pub(super) fn binding(form: &Form) -> Result<Binding> {
    if is_blank(form) {
        return Ok(Binding::Ignore(form.span));
    }
    if let Some(variable) = as_variable(form) {
        return Ok(Binding::Scalar(variable, form.span));
    }
    let is_dots = |form: &Form| form.symbol() == Some("...");
    match form.vector() {
        None | Some([]) => Err(expected("a binding", form).with_help(HELP_BINDING)),
        Some([item, dots]) if is_dots(dots) => Ok(Binding::Collection(Box::new(binding(item)?), form.span)),
        Some([item]) => match item.vector() {
            Some(columns) if !columns.is_empty() && !columns.iter().any(is_dots) => {
                Ok(Binding::Relation(all(columns)?, form.span))
            }
            _ => Ok(Binding::Tuple(vec![binding(item)?], form.span)),
        },
        Some(items) => Ok(Binding::Tuple(all(items)?, form.span)),
    }
}

fn all(forms: &[Form]) -> Result<Vec<Binding>> {
    forms.iter().map(binding).collect()
}
