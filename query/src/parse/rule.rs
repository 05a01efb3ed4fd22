//! Rules and their heads.

use super::clause;
use super::expect::{as_plain_name, expected, missing, variable};
use crate::ast::{Border, Rule, RuleSet, Variable};
use crate::edn::Form;
use crate::error::{Code, Error, Result, Span};

const HELP_RULE: &str = "write [(name ?a ?b) [?a :attribute ?b]]";
/// Words that a clause may start with, and that therefore no rule can be called by.
const RESERVED: [&str; 5] = ["and", "or", "or-join", "not", "not-join"];

pub(super) fn rules(form: &Form) -> Result<RuleSet> {
    let Some(items) = form.items() else {
        return Err(expected("a vector of rules", form).with_help("write [[(name ?a) [?a :attribute _]]]"));
    };
    if let Some(head) = items.first().filter(|first| first.list().is_some()) {
        return Err(
            expected("a rule in brackets", head).with_help("rules stand in a vector around all of them: [[(name ?a) ..] ..]")
        );
    }
    Ok(RuleSet { rules: items.iter().map(rule).collect::<Result<_>>()?, texts: Vec::new() })
}

fn rule(form: &Form) -> Result<Rule> {
    let Some((head, body)) = form.vector().and_then(<[_]>::split_first) else {
        return Err(expected("a rule", form).with_help(HELP_RULE));
    };
    let Some((name_form, parameters)) = head.list().and_then(<[_]>::split_first) else {
        return Err(expected("the head of a rule", head).with_help(HELP_RULE));
    };
    let Some(name) = as_plain_name(name_form) else {
        return Err(expected("the name of a rule", name_form).with_help(HELP_RULE));
    };
    if RESERVED.contains(&&*name) {
        return Err(expected("the name of a rule", name_form)
            .with_help(format!("`{name}` is a word of the language: choose another name")));
    }
    if body.is_empty() {
        return Err(expected("a clause behind the head of the rule", form).with_help(HELP_RULE));
    }
    Ok(Rule { name, head: border(parameters, head.span)?, clauses: clause::clauses(body, 0)?, span: form.span })
}

/// `[?required ..] ?free ..`: at least one variable, none twice.
pub(super) fn border(forms: &[Form], span: Span) -> Result<Border> {
    let (required, free) = match forms.split_first() {
        Some((first, rest)) if first.vector().is_some() => {
            let required = first.vector().unwrap_or_default();
            if required.is_empty() {
                return Err(missing("a variable between the inner brackets", first.span)
                    .with_help("name the variables that must be bound, or remove the brackets"));
            }
            (required, rest)
        }
        _ => (&[][..], forms),
    };
    let border = Border {
        required: required.iter().map(variable).collect::<Result<_>>()?,
        free: free.iter().map(variable).collect::<Result<_>>()?,
    };
    let all: Vec<_> = border.required.iter().chain(&border.free).cloned().collect();
    if all.is_empty() {
        return Err(missing("at least one variable", span)
            .with_help("name the variables that cross the border, such as ?a or [[?required] ?free]"));
    }
    check_distinct(&all)?;
    Ok(border)
}

pub(super) fn check_distinct(variables: &[(Variable, Span)]) -> Result<()> {
    let twice = (1..variables.len()).find(|at| variables[..*at].iter().any(|(earlier, _)| *earlier == variables[*at].0));
    match twice.map(|at| &variables[at]) {
        None => Ok(()),
        Some((variable, span)) => {
            Err(Error::new(Code::QuerySyntax, format!("`{variable}` stands twice in one list of variables"))
                .at(*span)
                .with_value(variable)
                .with_help("name it once; for two equal values use two variables and [(= ?a ?b)]"))
        }
    }
}
