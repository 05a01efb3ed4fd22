//! Queries inside a query: `(q [:find ..] $ ?x)`.

use super::clause::argument;
use super::expect::{as_source, as_variable, expected, missing};
use super::{pull, query};
use crate::ast::{Argument, Input, Nested, Passed};
use crate::edn::{self, Form};
use crate::error::{Code, Error, Result};
use crate::limits::LIMIT_NESTED_QUERIES;

const HELP: &str = "write [(q [:find (count ?e) . :in $ ?x :where ..] $ ?x) ?n]: the query, then what its :in names";

/// The query of a call of `q` and what it is passed; beside it the sources and values among that, which are the call's arguments.
/// `level` is how many queries stand around it.
pub(super) fn nested(args: &[Form], whole: &Form, level: usize) -> Result<(Nested, Vec<Argument>)> {
    let Some((written, rest)) = args.split_first() else {
        return Err(missing("a query behind `q`", whole.span).with_help(HELP));
    };
    if level >= LIMIT_NESTED_QUERIES {
        return Err(Error::new(Code::LimitExceeded, format!("queries nest deeper than {LIMIT_NESTED_QUERIES} levels"))
            .at(whole.span)
            .with_help("say the inner ones as rules, or ask them one after the other"));
    }
    let query = inner(written, level + 1)?;
    if rest.len() != query.inputs.len() {
        let (named, passed) = (query.inputs.len(), rest.len());
        let inputs = if named == 1 { "input" } else { "inputs" };
        let message =
            format!("the query inside names {named} {inputs}, but {passed} {} passed", if passed == 1 { "is" } else { "are" });
        let place = rest.get(query.inputs.len()).map_or(whole.span, |extra| extra.span);
        return Err(Error::new(Code::InputCount, message)
            .at(place)
            .with_value("q")
            .with_help("pass one argument for each place of its :in, which is [$] where it is left out"));
    }
    let mut values = Vec::new();
    let inputs = query.inputs.iter().zip(rest).map(|(input, form)| passed(input, form, &mut values)).collect::<Result<_>>()?;
    Ok((Nested { query, inputs, span: written.span }, values))
}

/// The query itself: as a vector, map or string, quoted as `(quote [..])` or not.
fn inner(form: &Form, level: usize) -> Result<crate::ast::Query> {
    match form.list() {
        Some([quote, quoted]) if quote.symbol() == Some("quote") => return inner(quoted, level),
        _ => {}
    }
    let Some(text) = form.string() else {
        return match (form.vector(), form.map()) {
            (None, None) => Err(expected("a query", form).with_help(HELP)),
            _ => query::query(form, level),
        };
    };
    let whole = |error: Error| error.moved_to(form.span);
    let read = edn::read_form(text).map_err(whole)?;
    // Without escapes a place in the string is a place in the text; otherwise the string as a whole must do.
    if (form.span.end - form.span.start) as usize == text.len() + 2 {
        return inner(&read.moved(form.span), level);
    }
    inner(&read, level).map_err(whole)
}

fn passed(input: &Input, form: &Form, values: &mut Vec<Argument>) -> Result<Passed> {
    let mut value = |what: &str| {
        if as_variable(form).is_none() && form.symbol().is_some() && !(what == HELP_SOURCE && as_source(form).is_some()) {
            return Err(expected("an argument that fits the query's :in", form).with_help(what));
        }
        values.push(argument(form)?);
        Ok(Passed::Argument(values.len() - 1))
    };
    match input {
        Input::Source(..) => value(HELP_SOURCE),
        Input::Binding(_) => value("its :in takes a value here: pass a variable or a constant"),
        Input::Rules(_) if form.symbol() == Some("%") => Ok(Passed::Rules(form.span)),
        Input::Rules(_) => Err(expected("`%`", form).with_help("its :in takes rules here: pass those of this query, %")),
        Input::Pattern(..) => Ok(Passed::Pattern(pull::pattern(form)?)),
    }
}

const HELP_SOURCE: &str = "its :in takes a source here: pass $, another source, or a variable that holds rows";
