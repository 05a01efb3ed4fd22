//! A syntax tree as text, every part spelled out, so that a test can say what a text should have become.

use std::fmt::Write as _;

use annals_query::ast::{
    Argument, Binding, Border, Call, Clause, Direction, Element, Find, Input, PullArgument, PullAttribute, PullLimit, PullNested,
    PullPattern, PullSpec, Query, ReturnMapKind, RuleSet, SourceName, Term, Variable,
};
use annals_query::{Span, Value};

/// The query in its vector form, with everything that was left out filled in.
pub(crate) fn query(query: &Query) -> String {
    let mut text = match &query.find {
        Find::Relation(elements) => format!("[:find {}", joined(elements, element)),
        Find::Collection(one) => format!("[:find [{} ...]", element(one)),
        Find::Tuple(elements) => format!("[:find [{}]", joined(elements, element)),
        Find::Scalar(one) => format!("[:find {} .", element(one)),
    };
    if let Some(names) = &query.return_map {
        let key = match names.kind {
            ReturnMapKind::Keys => ":keys",
            ReturnMapKind::Strs => ":strs",
            ReturnMapKind::Syms => ":syms",
        };
        let _ = write!(text, " {key} {}", names.names.join(" "));
    }
    if !query.with.is_empty() {
        let _ = write!(text, " :with {}", variables(&query.with));
    }
    let _ = write!(text, " :in {}", joined(&query.inputs, input));
    if !query.clauses.is_empty() {
        let _ = write!(text, " :where {}", clauses(&query.clauses));
    }
    if !query.order_by.is_empty() {
        let key = |key: &annals_query::ast::OrderKey| match key.direction {
            Direction::Ascending => format!("{} :asc", element(&key.element)),
            Direction::Descending => format!("{} :desc", element(&key.element)),
        };
        let _ = write!(text, " :order-by [{}]", joined(&query.order_by, key));
    }
    if let Some(limit) = query.limit {
        let _ = write!(text, " :limit {limit}");
    }
    if query.offset > 0 {
        let _ = write!(text, " :offset {}", query.offset);
    }
    if let Some(timeout) = query.timeout {
        let _ = write!(text, " :timeout {}", timeout.as_millis());
    }
    text + "]"
}

pub(crate) fn rules(rules: &RuleSet) -> String {
    let rule = |rule: &annals_query::ast::Rule| format!("[({} {}) {}]", rule.name, border(&rule.head), clauses(&rule.clauses));
    format!("[{}]", joined(&rules.rules, rule))
}

pub(crate) fn pattern(pattern: &PullPattern) -> String {
    let spec = |spec: &PullSpec| match spec {
        PullSpec::Wildcard => "*".to_owned(),
        PullSpec::Attribute(attribute) => pull_attribute(attribute),
    };
    format!("[{}]", joined(&pattern.specs, spec))
}

fn pull_attribute(attribute: &PullAttribute) -> String {
    let mut text = match (attribute.ident.rsplit_once('/'), attribute.is_reverse) {
        (Some((namespace, name)), true) => format!(":{namespace}/_{name}"),
        (None, true) => format!(":_{}", attribute.ident),
        (_, false) => format!(":{}", attribute.ident),
    };
    let mut options = String::new();
    if let Some(alias) = &attribute.alias {
        let _ = write!(options, " :as {alias}");
    }
    match attribute.limit {
        PullLimit::Default => {}
        PullLimit::Count(count) => drop(write!(options, " :limit {count}")),
        PullLimit::Unlimited => options.push_str(" :limit nil"),
    }
    if let Some(default) = &attribute.default {
        let _ = write!(options, " :default {default}");
    }
    if let Some(transform) = &attribute.transform {
        let _ = write!(options, " :xform {transform}");
    }
    if !options.is_empty() {
        text = format!("({text}{options})");
    }
    match &attribute.nested {
        PullNested::None => text,
        PullNested::Pattern(inner) => format!("{{{text} {}}}", pattern(inner)),
        PullNested::Depth(depth) => format!("{{{text} {depth}}}"),
        PullNested::Unbounded => format!("{{{text} ...}}"),
    }
}

fn element(element: &Element) -> String {
    match element {
        Element::Variable(variable, _) => variable.to_string(),
        Element::Aggregate { name, args, .. } => format!("({name} {})", joined(args, argument)),
        Element::Pull { source, variable, pattern: inner, .. } => match inner {
            PullArgument::Name(name) => format!("(pull {} {variable} {name})", source.0),
            PullArgument::Pattern(inner) => format!("(pull {} {variable} {})", source.0, pattern(inner)),
        },
    }
}

fn input(input: &Input) -> String {
    match input {
        Input::Source(name, _) => name.0.to_string(),
        Input::Rules(_) => "%".into(),
        Input::Binding(shape) => binding(shape),
        Input::Pattern(name, _) => name.to_string(),
    }
}

fn binding(shape: &Binding) -> String {
    match shape {
        Binding::Ignore(_) => "_".into(),
        Binding::Scalar(variable, _) => variable.to_string(),
        Binding::Tuple(parts, _) => format!("[{}]", joined(parts, binding)),
        Binding::Collection(part, _) => format!("[{} ...]", binding(part)),
        Binding::Relation(parts, _) => format!("[[{}]]", joined(parts, binding)),
    }
}

fn clauses(list: &[Clause]) -> String {
    joined(list, clause)
}

fn clause(clause: &Clause) -> String {
    let on = |source: &Option<SourceName>| source.as_ref().map(|name| format!("{} ", name.0)).unwrap_or_default();
    match clause {
        Clause::Pattern { source, terms, .. } => format!("[{} {}]", source.0, joined(terms, term)),
        Clause::Predicate { call: inner, .. } => format!("[{}]", call(inner)),
        Clause::Function { call: inner, binding: result, .. } => format!("[{} {}]", call(inner), binding(result)),
        Clause::And(inner, _) => format!("(and {})", clauses(inner)),
        Clause::Or { source, branches, .. } => format!("({}or {})", on(source), clauses(branches)),
        Clause::OrJoin { source, border: list, branches, .. } => {
            format!("({}or-join [{}] {})", on(source), border(list), clauses(branches))
        }
        Clause::Not { source, clauses: inner, .. } => format!("({}not {})", on(source), clauses(inner)),
        Clause::NotJoin { source, variables: list, clauses: inner, .. } => {
            format!("({}not-join [{}] {})", on(source), variables(list), clauses(inner))
        }
        Clause::Rule { source, name, args, .. } => format!("({}{name} {})", on(source), joined(args, term)),
    }
}

fn call(call: &Call) -> String {
    if call.args.is_empty() { format!("({})", call.name) } else { format!("({} {})", call.name, joined(&call.args, argument)) }
}

fn argument(argument: &Argument) -> String {
    match argument {
        Argument::Variable(variable, _) => variable.to_string(),
        Argument::Constant(value, _) => value.to_string(),
        Argument::Source(name, _) => name.0.to_string(),
    }
}

fn term(term: &Term) -> String {
    match term {
        Term::Blank(_) => "_".into(),
        Term::Variable(variable, _) => variable.to_string(),
        Term::Constant(value, _) => Value::to_string(value),
    }
}

fn border(border: &Border) -> String {
    match (border.required.is_empty(), border.free.is_empty()) {
        (true, _) => variables(&border.free),
        (false, true) => format!("[{}]", variables(&border.required)),
        (false, false) => format!("[{}] {}", variables(&border.required), variables(&border.free)),
    }
}

fn variables(list: &[(Variable, Span)]) -> String {
    joined(list, |(variable, _)| variable.to_string())
}

fn joined<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(" ")
}
