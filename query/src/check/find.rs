//! What is asked for must be bound: find elements, `:with`, `:having` and `:order-by`.

use crate::ast::{
    Argument, Binding, Condition, Element, Input, Operand, OrderKey, PullArgument, PullNested, PullPattern, PullSpec, Query,
    Variable,
};
use crate::budget::Budget;
use crate::check::mention::Names;
use crate::check::reference::{declared_sources, unknown_source};
use crate::error::{Code, Error, Result, Span};
use crate::nearest::did_you_mean;
use crate::registry::Functions;
use crate::value::Value;

/// What is asked, of what may be asked.
#[derive(Clone, Copy)]
struct Asked<'a> {
    query: &'a Query,
    bound: &'a Names<'a>,
    functions: &'a Functions,
}

/// Checks everything outside of `:where`.
pub(super) fn check(query: &Query, bound: &Names<'_>, functions: &Functions, budget: &Budget) -> Result<()> {
    let asked = Asked { query, bound, functions };
    query.find.elements().iter().try_for_each(|element| {
        budget.spend_steps(1 + query.inputs.len() as u64)?;
        check_element(element, asked)
    })?;
    query.with.iter().try_for_each(|(variable, span)| check_bound(variable, *span, bound))?;
    query.having.iter().try_for_each(|condition| check_condition(condition, asked))?;
    query.order_by.iter().try_for_each(|key| check_order(key, asked))
}

fn check_element(element: &Element, asked: Asked<'_>) -> Result<()> {
    let Asked { query, bound, functions } = asked;
    match element {
        Element::Variable(variable, span) => check_bound(variable, *span, bound),
        Element::Aggregate { name, args, span } => check_aggregate(name, args, *span, asked),
        Element::Pull { source, variable, pattern, span } => {
            let declared = declared_sources(query);
            if !declared.contains(source) {
                return Err(unknown_source(source, &declared, *span));
            }
            check_bound(variable, *span, bound)?;
            match pattern {
                PullArgument::Name(name) => check_pattern_name(name, query, *span),
                PullArgument::Pattern(pattern) => check_pattern(pattern, functions),
            }
        }
    }
}

fn check_bound(variable: &Variable, span: Span, bound: &Names<'_>) -> Result<()> {
    if bound.contains(variable) {
        return Ok(());
    }
    let otherwise = format!("add a clause that binds {variable}, such as [?e :attribute {variable}], or give it in :in");
    // Names of one letter are all near to each other.
    let known = bound.iter().map(|variable| &*variable.0);
    let help = if variable.0.len() > 3 { did_you_mean(&variable.0, known, otherwise) } else { otherwise };
    Err(Error::new(Code::UnboundVariable, format!("nothing binds `{variable}`, which is asked for"))
        .at(span)
        .with_value(variable)
        .with_help(help))
}

fn check_aggregate(name: &str, args: &[Argument], span: Span, asked: Asked<'_>) -> Result<()> {
    let Asked { query, bound, functions } = asked;
    let Some(found) = functions.aggregate(name) else {
        let is_function = functions.function(name);
        let otherwise = match &is_function {
            Some(_) => format!("`{name}` is a function: call it in a clause, [({name} ..) ?x], and ask for ?x"),
            None => "use a built-in aggregate, such as count, sum, min or max, or register one of your own".into(),
        };
        let help = if is_function.is_some() { otherwise } else { did_you_mean(name, functions.aggregate_names(), otherwise) };
        return Err(Error::new(Code::UnknownFunction, format!("no aggregate is named `{name}`"))
            .at(span)
            .with_value(name)
            .with_help(help));
    };
    let mut constants: Vec<Value> = Vec::new();
    for (at, argument) in args.iter().enumerate() {
        match argument {
            Argument::Variable(variable, span) => {
                check_bound(variable, *span, bound)?;
                if at + 1 < args.len() {
                    check_single(variable, *span, query)?;
                    // What is given is seen when the query runs.
                    constants.push(Value::Long(1));
                }
            }
            Argument::Constant(value, _) => constants.push(value.clone()),
            Argument::Source(name, span) => {
                return Err(Error::new(Code::ArgumentType, "an aggregate takes no source").at(*span).with_value(&name.0));
            }
        }
    }
    found.check_constants(&constants).map_err(|error| error.at(span))
}

/// A variable in the place of a constant has one value: it is given as such.
fn check_single(variable: &Variable, span: Span, query: &Query) -> Result<()> {
    let is_given = |input: &Input| matches!(input, Input::Binding(Binding::Scalar(given, _)) if given == variable);
    if query.inputs.iter().any(is_given) {
        return Ok(());
    }
    Err(Error::new(
        Code::ArgumentType,
        format!("an aggregate takes one variable last, and `{variable}` before it has many values"),
    )
    .at(span)
    .with_value(variable)
    .with_help(format!("give {variable} in :in as it is, or write a constant: (max 3 ?x)")))
}

fn check_pattern_name(name: &str, query: &Query, span: Span) -> Result<()> {
    let patterns = query.inputs.iter().filter_map(|input| match input {
        Input::Pattern(name, _) | Input::Binding(Binding::Scalar(Variable(name), _)) => Some(&**name),
        Input::Source(..) | Input::Rules(_) | Input::Binding(_) => None,
    });
    let names: Vec<&str> = patterns.collect();
    if names.contains(&name) {
        return Ok(());
    }
    Err(Error::new(Code::UnboundVariable, format!("no pull pattern is named `{name}`"))
        .at(span)
        .with_value(name)
        .with_help(did_you_mean(name, names, format!("add {name} to :in and give the pattern, or write it in place: [*]"))))
}

/// The functions that a pattern names must exist and take one argument.
fn check_pattern(pattern: &PullPattern, functions: &Functions) -> Result<()> {
    for spec in &pattern.specs {
        let PullSpec::Attribute(attribute) = spec else { continue };
        if let Some(name) = &attribute.transform {
            let Some(function) = functions.function(name) else {
                return Err(Error::new(Code::UnknownFunction, format!("no function is named `{name}`"))
                    .at(attribute.span)
                    .with_value(name)
                    .with_help(did_you_mean(name, functions.function_names(), "use a built-in function of one argument")));
            };
            function.check_arity(1).map_err(|error| error.at(attribute.span).with_value(name))?;
        }
        if let PullNested::Pattern(inner) = &attribute.nested {
            check_pattern(inner, functions)?;
        }
    }
    Ok(())
}

fn check_order(key: &OrderKey, asked: Asked<'_>) -> Result<()> {
    match &key.element {
        Element::Aggregate { name, args, span } => check_aggregate(name, args, *span, asked),
        Element::Pull { span, .. } => Err(Error::new(Code::QuerySyntax, "a pull cannot be ordered by").at(*span)),
        Element::Variable(variable, span) => {
            let Asked { query, bound, .. } = asked;
            check_bound(variable, *span, bound)?;
            if !is_grouped(query) || is_asked(variable, query) {
                return Ok(());
            }
            Err(Error::new(
                Code::UnboundVariable,
                format!("`{variable}` has no single value in a group, so groups cannot be ordered by it"),
            )
            .at(*span)
            .with_value(variable)
            .with_help(format!("add {variable} to :find, or order by an aggregate such as (max {variable})")))
        }
    }
}

fn check_condition(condition: &Condition, asked: Asked<'_>) -> Result<()> {
    let Asked { query, bound, functions } = asked;
    let name = &*condition.name;
    let Some(function) = functions.function(name) else {
        let help = match functions.aggregate(name) {
            Some(_) => format!("`{name}` is an aggregate: compare what it gives, as in (> ({name} ?x) 3)"),
            None => did_you_mean(name, functions.function_names(), "use a built-in function, such as > or ="),
        };
        let error = Error::new(Code::UnknownFunction, format!("no function is named `{name}`"));
        return Err(error.at(condition.span).with_value(name).with_help(help));
    };
    if function.asks_source() {
        return Err(Error::new(Code::UnknownSource, format!("`{name}` asks a source, which `:having` has none of"))
            .at(condition.span)
            .with_value(name)
            .with_help(format!("call it in a clause of :where, [{} ?x], and compare ?x", function.usage())));
    }
    function.check_arity(condition.args.len()).map_err(|error| error.at(condition.span).with_value(name))?;
    condition.args.iter().try_for_each(|operand| match operand {
        Operand::Constant(..) => Ok(()),
        Operand::Call(call) => check_condition(call, asked),
        Operand::Element(Element::Aggregate { name, args, span }) => check_aggregate(name, args, *span, asked),
        Operand::Element(Element::Variable(variable, span) | Element::Pull { variable, span, .. }) => {
            check_bound(variable, *span, bound)?;
            if is_asked(variable, query) {
                return Ok(());
            }
            Err(Error::new(Code::UnboundVariable, format!("`{variable}` is not asked for, so `:having` cannot look at it"))
                .at(*span)
                .with_value(variable)
                .with_help(format!("add {variable} to :find, take an aggregate such as (max {variable}), or say it in :where")))
        }
    })
}

/// True if rows are grouped: some aggregate is asked for or looked at.
fn is_grouped(query: &Query) -> bool {
    query.elements().any(|element| matches!(element, Element::Aggregate { .. }))
}

/// True if the variable is a find element itself.
fn is_asked(variable: &Variable, query: &Query) -> bool {
    query.find.elements().iter().any(|element| match element {
        Element::Variable(asked, _) | Element::Pull { variable: asked, .. } => asked == variable,
        Element::Aggregate { .. } => false,
    })
}
