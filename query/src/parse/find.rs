//! What is asked for: the four find specs and their elements.

use super::expect::{as_plain_name, as_source, as_variable, expected, missing, variable};
use super::{clause, pull};
use crate::ast::{Argument, Element, Find, PullArgument, SourceName};
use crate::edn::Form;
use crate::error::{Result, Span};

const HELP_ELEMENT: &str = "ask for a variable ?x, an aggregate (count ?x) or a pull (pull ?e [..])";

pub(super) fn find(forms: &[Form], span: Span) -> Result<Find> {
    let is_symbol = |form: &Form, name: &str| form.symbol() == Some(name);
    match forms {
        [] => Err(missing("a find element behind `:find`", span).with_help(HELP_ELEMENT)),
        [only] if only.vector().is_some() => {
            let items = only.vector().unwrap_or_default();
            match items {
                [] => Err(missing("a find element between the brackets", only.span).with_help(HELP_ELEMENT)),
                [one, dots] if is_symbol(dots, "...") => element(one).map(Find::Collection),
                _ => items.iter().map(element).collect::<Result<_>>().map(Find::Tuple),
            }
        }
        [one, dot] if is_symbol(dot, ".") => element(one).map(Find::Scalar),
        _ => forms.iter().map(element).collect::<Result<_>>().map(Find::Relation),
    }
}

pub(super) fn element(form: &Form) -> Result<Element> {
    if let Some(variable) = as_variable(form) {
        return Ok(Element::Variable(variable, form.span));
    }
    let Some(items) = form.list() else { return Err(refuse_element(form)) };
    let Some((head, args)) = items.split_first() else {
        return Err(expected("a find element", form).with_help(HELP_ELEMENT));
    };
    match as_plain_name(head) {
        Some(name) if &*name == "pull" => pull_element(args, form),
        Some(name) => Ok(Element::Aggregate { name, args: aggregate_arguments(args, form)?, span: form.span }),
        None => Err(expected("the name of an aggregate, or pull", head).with_help("write (count ?x) or (pull ?e [..])")),
    }
}

fn refuse_element(form: &Form) -> crate::Error {
    let help = match form.symbol() {
        Some(".") => "the dot stands behind the only find element: :find ?x .".into(),
        Some("...") => "the dots stand in brackets: :find [?x ...]".into(),
        _ if form.vector().is_some() => "brackets stand around all of :find, or not at all".into(),
        _ => match as_plain_name(form) {
            Some(name) => format!("a variable starts with a question mark: ?{name}"),
            None => HELP_ELEMENT.to_owned(),
        },
    };
    expected("a find element", form).with_help(help)
}

fn aggregate_arguments(forms: &[Form], whole: &Form) -> Result<Vec<Argument>> {
    let Some((last, constants)) = forms.split_last() else {
        return Err(expected("a variable in the aggregate", whole).with_help("write (count ?x)"));
    };
    let mut args = Vec::with_capacity(forms.len());
    for form in constants {
        match clause::argument(form)? {
            Argument::Source(..) => {
                return Err(expected("a constant before the aggregate's variable", form)
                    .with_help("write (max 3 ?x): constants first, one variable last"));
            }
            constant => args.push(constant),
        }
    }
    let (variable, span) = variable(last)?;
    args.push(Argument::Variable(variable, span));
    Ok(args)
}

fn pull_element(args: &[Form], whole: &Form) -> Result<Element> {
    let help = "write (pull ?e [:attribute]) or (pull $source ?e [:attribute])";
    let (source, rest) = match args.split_first() {
        Some((first, rest)) if as_source(first).is_some() => (as_source(first).unwrap_or_default(), rest),
        _ => (SourceName::default(), args),
    };
    let [entity, pattern] = rest else {
        return Err(expected("a variable and a pattern in the pull", whole).with_help(help));
    };
    let (variable, _) = variable(entity)?;
    let pattern = match as_plain_name(pattern).or_else(|| as_variable(pattern).map(|variable| variable.0)) {
        Some(name) => PullArgument::Name(name),
        None => PullArgument::Pattern(pull::pattern(pattern)?),
    };
    Ok(Element::Pull { source, variable, pattern, span: whole.span })
}
