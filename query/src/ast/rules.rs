//! Rules, and the texts that their places lie in.

use std::sync::Arc;

use super::{Border, Clause};
use crate::error::{Code, Error, Result, Span, Text};

/// The rules in reach of a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleSet {
    /// One a head; heads of the same name are a union.
    pub rules: Vec<Rule>,
    /// The texts they were read from, where those are known: their places lie in them.
    pub texts: Vec<RuleText>,
}

/// A text of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleText {
    /// What people call it: a file, a name in the store, `rules`.
    pub name: Arc<str>,
    /// The text.
    pub text: Arc<str>,
}

/// `[(name [?required] ?free) clause ...]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: Arc<str>,
    /// Its parameters.
    pub head: Border,
    /// Its body.
    pub clauses: Vec<Clause>,
    /// The rule.
    pub span: Span,
}

impl RuleSet {
    /// The rules of both. A name that both define is refused: a union that nobody wrote would change what either means.
    ///
    /// ```
    /// use annals_query::parse;
    /// let ancestors = parse::named_rules(":tree", "[[(above ?a ?b) [?b :parent ?a]]]")?;
    /// let mine = parse::rules("[[(above ?a ?b) [?b :boss ?a]]]")?;
    /// let error = ancestors.joined(mine).unwrap_err();
    /// assert_eq!(error.message(), "the rule `above` stands in rules and in :tree");
    /// # Ok::<(), annals_query::Error>(())
    /// ```
    pub fn joined(mut self, other: Self) -> Result<Self> {
        for rule in &other.rules {
            if let Some(known) = self.rules.iter().find(|known| known.name == rule.name && known.span.text != rule.span.text) {
                let (own, theirs) = (other.name_of(rule.span), self.name_of(known.span));
                let message = format!("the rule `{}` stands in {own} and in {theirs}", rule.name);
                let error = Error::new(Code::QuerySyntax, message).with_value(&rule.name).at(rule.span);
                return Err(other.locate(error.with_help("give one of them another name, or leave one of the texts out")));
            }
        }
        let new_texts = other.texts.into_iter().filter(|text| !self.texts.contains(text)).collect::<Vec<_>>();
        let is_new = |rule: &Rule| !self.rules.contains(rule);
        let new_rules = other.rules.into_iter().filter(is_new).collect::<Vec<_>>();
        self.rules.extend(new_rules);
        self.texts.extend(new_texts);
        Ok(self)
    }

    /// The text in which a place lies, if it lies in one of these.
    pub fn text_of(&self, span: Span) -> Option<&RuleText> {
        self.texts.iter().find(|text| Text::of_rules(&text.text) == span.text)
    }

    /// Turns a place in one of the texts into line and column; any other is left as it is.
    #[must_use]
    pub fn locate(&self, error: Error) -> Error {
        match error.span().and_then(|span| self.text_of(span)) {
            Some(found) => error.located_in_rules(&found.text),
            None => error,
        }
    }

    fn name_of(&self, span: Span) -> &str {
        self.text_of(span).map_or("the rules", |text| &text.name)
    }
}
