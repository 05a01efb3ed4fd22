//! `:having`: conditions on the rows of an answer.

use super::expect::{as_plain_name, as_variable, constant, expected};
use crate::aggregate;
use crate::ast::{Condition, Element, Operand};
use crate::edn::Form;
use crate::error::Result;

const HELP: &str = "write :having [(> (count ?x) 3)], a call over find elements, aggregates and constants";

/// The conditions, whether they stand behind `:having` as they are, in a vector, or each in a vector of its own as clauses do.
pub(super) fn conditions(forms: &[Form]) -> Result<Vec<Condition>> {
    let mut conditions = Vec::new();
    for form in forms {
        match form.vector() {
            Some([]) => return Err(expected("a condition", form).with_help(HELP)),
            Some(inner) => inner.iter().try_for_each(|form| {
                let form = form.vector().filter(|items| items.len() == 1).map_or(form, |items| &items[0]);
                condition(form).map(|condition| conditions.push(condition))
            })?,
            None => conditions.push(condition(form)?),
        }
    }
    for condition in &mut conditions {
        condition.find_aggregates(&|name| aggregate::lookup(name).is_some());
    }
    Ok(conditions)
}

fn condition(form: &Form) -> Result<Condition> {
    let Some((head, args)) = form.list().and_then(<[_]>::split_first) else {
        return Err(expected("a condition", form).with_help(HELP));
    };
    let name = as_plain_name(head).ok_or_else(|| expected("the name of a function", head).with_help(HELP))?;
    Ok(Condition { name, args: args.iter().map(operand).collect::<Result<_>>()?, span: form.span })
}

fn operand(form: &Form) -> Result<Operand> {
    if let Some(variable) = as_variable(form) {
        return Ok(Operand::Element(Element::Variable(variable, form.span)));
    }
    if form.list().is_some() {
        return condition(form).map(Operand::Call);
    }
    if let Some(name) = form.symbol() {
        return Err(expected("a variable, an aggregate or a constant", form)
            .with_help(format!("write ?{name}, (count ?{name}) or \"{name}\"")));
    }
    Ok(Operand::Constant(constant(form)?, form.span))
}
