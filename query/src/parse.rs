//! The grammar: forms become a query, rules or a pull pattern. Nothing is looked up and nothing is resolved here; every error
//! names what was expected and points to the smallest form that is wrong.

mod binding;
mod clause;
mod expect;
mod find;
mod having;
mod nested;
mod pull;
mod query;
mod rule;
mod section;

use crate::ast::{PullPattern, Query, RuleSet, RuleText};
use crate::edn::{self, Form};
use crate::error::{Result, Text};

pub(crate) use pull::forward;

/// Reads a query: its vector or its map form.
///
/// ```
/// use annals_query::parse;
/// let query = parse::query("[:find (count ?line) . :in $ ?level :where [?line :log/level ?level]]")?;
/// assert_eq!(query.inputs.len(), 2);
/// let error = parse::query("[:find ?e :were [?e :log/level :error]]").unwrap_err();
/// assert_eq!(error.position().map(|place| place.column), Some(11));
/// assert_eq!(error.help(), Some("did you mean `:where`?"));
/// # Ok::<(), annals_query::Error>(())
/// ```
pub fn query(text: &str) -> Result<Query> {
    located(text, query_form)
}

/// The query that a form says.
pub fn query_form(form: &Form) -> Result<Query> {
    query::query(form, 0)
}

/// Reads rules: a vector of rules.
///
/// ```
/// use annals_query::parse;
/// let rules = parse::rules("[[(child ?a ?b) [?a :run/parent ?b]]]")?;
/// assert_eq!(&*rules.rules[0].name, "child");
/// # Ok::<(), annals_query::Error>(())
/// ```
pub fn rules(text: &str) -> Result<RuleSet> {
    named_rules("rules", text)
}

/// The same for a text that people know by a name, which errors about its rules show.
pub fn named_rules(name: &str, text: &str) -> Result<RuleSet> {
    let form = edn::read_form(text)?.within(Text::of_rules(text));
    let rules = rules_form(&form).map_err(|error| error.located_in_rules(text))?;
    Ok(RuleSet { texts: vec![RuleText { name: name.into(), text: text.into() }], ..rules })
}

/// The rules that a form says.
pub fn rules_form(form: &Form) -> Result<RuleSet> {
    rule::rules(form)
}

/// Reads a pull pattern.
///
/// ```
/// use annals_query::parse;
/// let pattern = parse::pull_pattern("[:run/id {:log/_run [:log/message]} (:run/mode :default :batch)]")?;
/// assert_eq!(pattern.specs.len(), 3);
/// # Ok::<(), annals_query::Error>(())
/// ```
pub fn pull_pattern(text: &str) -> Result<PullPattern> {
    located(text, pull_form)
}

/// The pull pattern that a form says.
pub fn pull_form(form: &Form) -> Result<PullPattern> {
    pull::pattern(form)
}

fn located<T>(text: &str, parse: impl Fn(&Form) -> Result<T>) -> Result<T> {
    let form = edn::read_form(text)?;
    parse(&form).map_err(|error| error.located_in(text))
}
