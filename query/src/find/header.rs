//! The text of a find element: the header of an answer, and by what one element is known again.

use std::fmt::Write as _;

use crate::ast::{
    Argument, Element, PullArgument, PullAttribute, PullLimit, PullNested, PullPattern, PullSpec, Query, SourceName,
};

/// The elements of `:find`, behind them those that only `:having` or `:order-by` names, each once.
pub(super) fn distinct(query: &Query) -> Vec<&Element> {
    let mut elements: Vec<&Element> = query.find.elements().iter().collect();
    for element in query.elements().skip(elements.len()) {
        if find(element, &elements).is_none() {
            elements.push(element);
        }
    }
    elements
}

/// The place of an element that is among these.
pub(super) fn place_of(element: &Element, elements: &[&Element]) -> usize {
    find(element, elements).expect("what :having and :order-by name was added to the elements")
}

/// Where an element stands in the text does not matter, so texts are compared. An entity that is pulled is known by its variable.
fn find(element: &Element, elements: &[&Element]) -> Option<usize> {
    let wanted = text(element);
    let is_wanted = |other: &&Element| match other {
        Element::Pull { variable, .. } => *variable.0 == *wanted,
        other => text(other) == wanted,
    };
    elements.iter().position(is_wanted)
}

/// `?e`, `(count ?x)`, `(pull ?e [*])`.
pub(crate) fn text(element: &Element) -> String {
    match element {
        Element::Variable(variable, _) => variable.to_string(),
        Element::Aggregate { name, args, .. } => {
            let words: Vec<String> = std::iter::once(name.to_string()).chain(args.iter().map(argument_text)).collect();
            format!("({})", words.join(" "))
        }
        Element::Pull { source, variable, pattern, .. } => {
            let source = if *source == SourceName::default() { String::new() } else { format!("{} ", source.0) };
            format!("(pull {source}{variable} {})", pattern_argument(pattern))
        }
    }
}

fn argument_text(argument: &Argument) -> String {
    match argument {
        Argument::Variable(variable, _) => variable.to_string(),
        Argument::Constant(value, _) => value.to_string(),
        Argument::Source(source, _) => source.0.to_string(),
    }
}

fn pattern_argument(pattern: &PullArgument) -> String {
    match pattern {
        PullArgument::Pattern(pattern) => pattern_text(pattern),
        PullArgument::Name(name) => name.to_string(),
    }
}

fn pattern_text(pattern: &PullPattern) -> String {
    let specs: Vec<String> = pattern.specs.iter().map(spec_text).collect();
    format!("[{}]", specs.join(" "))
}

fn spec_text(spec: &PullSpec) -> String {
    let PullSpec::Attribute(attribute) = spec else { return "*".to_owned() };
    let own = attribute_text(attribute);
    match &attribute.nested {
        PullNested::None => own,
        PullNested::Pattern(pattern) => format!("{{{own} {}}}", pattern_text(pattern)),
        PullNested::Depth(depth) => format!("{{{own} {depth}}}"),
        PullNested::Unbounded => format!("{{{own} ...}}"),
    }
}

/// The attribute, in brackets with its options if it has some.
fn attribute_text(attribute: &PullAttribute) -> String {
    let mut options = String::new();
    if let Some(alias) = &attribute.alias {
        let _ = write!(options, " :as {alias}");
    }
    match attribute.limit {
        PullLimit::Default => {}
        PullLimit::Count(count) => {
            let _ = write!(options, " :limit {count}");
        }
        PullLimit::Unlimited => options.push_str(" :limit nil"),
    }
    if let Some(default) = &attribute.default {
        let _ = write!(options, " :default {default}");
    }
    if let Some(transform) = &attribute.transform {
        let _ = write!(options, " :xform {transform}");
    }
    if attribute.shows_idents {
        options.push_str(" :ident true");
    }
    let ident = attribute.keyword();
    if options.is_empty() { format!(":{ident}") } else { format!("(:{ident}{options})") }
}
