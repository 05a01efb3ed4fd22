//! Clauses: patterns, predicates, functions, rule calls and the words that join them.

use super::binding::binding;
use super::expect::{as_plain_name, as_source, as_variable, constant, expected, is_blank, missing, variable};
use super::{nested, rule};
use crate::ast::{Argument, Call, Clause, SourceName, Term, Variable};
use crate::edn::Form;
use crate::error::{Code, Error, Result, Span};

const HELP_CLAUSE: &str = "write a pattern [?e :attribute ?v], a predicate [(< ?a ?b)], a function [(+ ?a 1) ?b], a rule (name ?x), or one of and or or-join not not-join";

type Shared = Vec<(Variable, Span)>;

/// What stands around a clause.
#[derive(Clone, Copy)]
struct Around<'f> {
    /// How many queries this one is inside of.
    level: usize,
    /// The source that an enclosing clause names: that of the patterns and rule calls which name none.
    source: Option<&'f SourceName>,
}

/// The clauses of a query or rule, inside of `level` other queries.
pub(super) fn clauses(forms: &[Form], level: usize) -> Result<Vec<Clause>> {
    clauses_inside(forms, Around { level, source: None })
}

fn clauses_inside(forms: &[Form], around: Around<'_>) -> Result<Vec<Clause>> {
    forms.iter().map(|form| clause(form, around)).collect()
}

fn clause(form: &Form, around: Around<'_>) -> Result<Clause> {
    match (form.vector(), form.list()) {
        (Some([]), _) | (_, Some([])) | (None, None) => Err(expected("a clause", form).with_help(HELP_CLAUSE)),
        (Some([call, rest @ ..]), _) if call.list().is_some() => call_clause(call, rest, form, around.level),
        (Some(places), _) => pattern(places, form, around),
        (None, Some(words)) => compound(words, form, around),
    }
}

fn call_clause(call_form: &Form, rest: &[Form], whole: &Form, level: usize) -> Result<Clause> {
    let call = call(call_form, level)?;
    match rest {
        [] => Ok(Clause::Predicate { call, span: whole.span }),
        [result] => Ok(Clause::Function { call, binding: binding(result)?, span: whole.span }),
        [_, second, ..] => Err(expected("one binding behind the call", second)
            .with_help("write [(f ?a) ?result]; for several results [(f ?a) [?x ?y]]")),
    }
}

fn call(form: &Form, level: usize) -> Result<Call> {
    let Some((head, args)) = form.list().and_then(<[_]>::split_first) else {
        return Err(expected("a call", form).with_help("write the name and its arguments: (< ?a ?b)"));
    };
    let name = as_plain_name(head)
        .ok_or_else(|| expected("the name of a function", head).with_help("a call starts with a name: (< ?a ?b)"))?;
    if &*name == "q" {
        let (nested, args) = nested::nested(args, form, level)?;
        return Ok(Call { name, args, nested: Some(Box::new(nested)), span: form.span });
    }
    Ok(Call { name, args: args.iter().map(argument).collect::<Result<_>>()?, nested: None, span: form.span })
}

pub(super) fn argument(form: &Form) -> Result<Argument> {
    if let Some(variable) = as_variable(form) {
        return Ok(Argument::Variable(variable, form.span));
    }
    if let Some(source) = as_source(form) {
        return Ok(Argument::Source(source, form.span));
    }
    if let Some(name) = form.symbol() {
        let help = match as_plain_name(form) {
            Some(_) => format!("write ?{name}, :{name} or \"{name}\""),
            None => "a call needs a value for every argument: a variable or a constant".into(),
        };
        return Err(expected("a variable, a constant or a source", form).with_help(help));
    }
    if form.list().is_some() {
        return Err(expected("a variable, a constant or a source", form)
            .with_help("calls do not nest: bind the inner one first, [(inner ?a) ?b], and use ?b"));
    }
    Ok(Argument::Constant(constant(form)?, form.span))
}

fn pattern(places: &[Form], whole: &Form, around: Around<'_>) -> Result<Clause> {
    let (source, places) = match places.split_first() {
        Some((first, rest)) if as_source(first).is_some() => (as_source(first), rest),
        _ => (None, places),
    };
    if places.is_empty() {
        return Err(expected("a pattern with at least one place", whole).with_help("write [$source ?e :attribute ?value]"));
    }
    let terms = places.iter().map(|place| if place.is_nil() { Err(refuse_nil(places, place)) } else { term(place) });
    let source = source.or_else(|| around.source.cloned()).unwrap_or_default();
    Ok(Clause::Pattern { source, terms: terms.collect::<Result<_>>()?, span: whole.span })
}

fn refuse_nil(places: &[Form], nil: &Form) -> Error {
    let shown = |at: usize, otherwise: &str| places.get(at).map_or_else(|| otherwise.to_owned(), ToString::to_string);
    Error::new(Code::NilPattern, "no fact has the value nil, so this pattern can never match")
        .at(nil.span)
        .with_value("nil")
        .with_help(format!("to ask for what is not there, write [(missing? $ {} {})]", shown(0, "?e"), shown(1, ":attribute")))
}

/// A place of a pattern or an argument of a rule call.
fn term(form: &Form) -> Result<Term> {
    if is_blank(form) {
        return Ok(Term::Blank(form.span));
    }
    if let Some(variable) = as_variable(form) {
        return Ok(Term::Variable(variable, form.span));
    }
    if let Some(name) = form.symbol() {
        let help = if name.starts_with('$') {
            "the source stands first: [$source ?e :attribute ?value] or ($source rule ?x)".into()
        } else {
            format!("write ?{name}, :{name} or \"{name}\"")
        };
        return Err(expected("a variable, a constant or _", form).with_help(help));
    }
    if form.list().is_some() {
        return Err(expected("a variable, a constant or _", form).with_help("a call stands in a clause of its own: [(f ?a) ?b]"));
    }
    Ok(Term::Constant(constant(form)?, form.span))
}

/// A clause in parentheses.
fn compound(words: &[Form], whole: &Form, around: Around<'_>) -> Result<Clause> {
    let (source, words) = match words.split_first() {
        Some((first, rest)) if as_source(first).is_some() => (as_source(first), rest),
        _ => (None, words),
    };
    let Some((head, rest)) = words.split_first() else {
        return Err(expected("a clause behind the source", whole).with_help("write ($source rule ?x) or ($source not [..])"));
    };
    let Some(name) = as_plain_name(head) else {
        let help = if head.list().is_some() { "a predicate stands in a vector: [(< ?a ?b)]" } else { HELP_CLAUSE };
        return Err(expected("the name of a rule, or and, or, or-join, not, not-join", head).with_help(help));
    };
    let span = whole.span;
    let inside = Around { source: source.as_ref().or(around.source), ..around };
    match &*name {
        "and" if source.is_some() => Err(expected("a clause that takes a source", whole)
            .with_help("name the source in the patterns, or write ($source or (and ..))")),
        "and" => Ok(Clause::And(some_clauses(rest, whole, inside)?, span)),
        "or" => Ok(Clause::Or { branches: some_clauses(rest, whole, inside)?, source, span }),
        "or-join" => {
            let (border, rest) = border_form(rest, "or-join", whole)?;
            Ok(Clause::OrJoin {
                border: rule::border(items_of(border)?, border.span)?,
                branches: some_clauses(rest, whole, inside)?,
                source,
                span,
            })
        }
        "not" => Ok(Clause::Not { clauses: some_clauses(rest, whole, inside)?, source, span }),
        "not-join" => {
            let (variables, rest) = shared(rest, whole)?;
            Ok(Clause::NotJoin { variables, clauses: some_clauses(rest, whole, inside)?, source, span })
        }
        _ => {
            let args = rest.iter().map(rule_argument).collect::<Result<_>>()?;
            Ok(Clause::Rule { source: inside.source.cloned(), name, args, span })
        }
    }
}

/// The variables of a `not-join`, and what stands behind them.
fn shared<'f>(rest: &'f [Form], whole: &Form) -> Result<(Shared, &'f [Form])> {
    let (border, rest) = border_form(rest, "not-join", whole)?;
    let variables: Shared = items_of(border)?.iter().map(variable).collect::<Result<_>>()?;
    if variables.is_empty() {
        return Err(
            missing("a variable in the list of `not-join`", border.span).with_help("name the variables it shares with the query")
        );
    }
    rule::check_distinct(&variables)?;
    Ok((variables, rest))
}

fn rule_argument(form: &Form) -> Result<Term> {
    if form.is_nil() {
        return Err(Error::new(Code::NilPattern, "no fact has the value nil, so this argument can never match")
            .at(form.span)
            .with_value("nil")
            .with_help("write _ for any value"));
    }
    term(form)
}

fn border_form<'f>(rest: &'f [Form], word: &str, whole: &Form) -> Result<(&'f Form, &'f [Form])> {
    match rest.split_first() {
        Some((border, rest)) if border.vector().is_some() => Ok((border, rest)),
        Some((other, _)) => {
            Err(expected(&format!("the list of variables of `{word}`"), other).with_help(format!("write ({word} [?x] ..)")))
        }
        None => Err(expected(&format!("the list of variables of `{word}`"), whole).with_help(format!("write ({word} [?x] ..)"))),
    }
}

fn items_of(form: &Form) -> Result<&[Form]> {
    form.vector().ok_or_else(|| expected("a vector of variables", form))
}

fn some_clauses(forms: &[Form], whole: &Form, around: Around<'_>) -> Result<Vec<Clause>> {
    if forms.is_empty() {
        return Err(expected("at least one clause inside", whole).with_help(HELP_CLAUSE));
    }
    clauses_inside(forms, around)
}
