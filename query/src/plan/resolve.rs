//! What names in a query lead to: attributes, idents and lookup references, each in the source of its own clause.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::answer::Warning;
use crate::error::{Code, Error, Result, Span};
use crate::facts::{Attribute, Facts};
use crate::parse::forward;
use crate::value::{Value, ValueType};

/// Finds attributes and entities, and remembers what was unknown.
#[derive(Debug, Default)]
pub(crate) struct Resolver {
    /// True if an unknown attribute is an error.
    pub(crate) is_strict: bool,
    /// One an unknown attribute.
    pub(crate) warnings: Vec<Warning>,
    /// Their names.
    pub(crate) unknown: BTreeSet<Arc<str>>,
}

impl Resolver {
    /// The attribute of this name; unknown ones are noted.
    pub(crate) fn attribute(&mut self, facts: &dyn Facts, ident: &Arc<str>, span: Span) -> Result<Option<Arc<Attribute>>> {
        if let Some(attribute) = facts.attribute(ident) {
            return Ok(Some(attribute));
        }
        let message = format!("no fact was ever said with the attribute `:{ident}`");
        if let Some(forward) = forward(ident).filter(|forward| facts.attribute(forward).is_some()) {
            let help = format!("pull and missing? take a reverse attribute; turn a pattern round, [?value :{forward} ?e]");
            self.note(&format!(":{ident}"), message, Some(help), span)?;
            return Ok(None);
        }
        let near = facts.names_near(ident);
        let help = (!near.is_empty()).then(|| {
            let names = near.iter().map(|name| format!("`:{}`", name.trim_start_matches(':'))).collect::<Vec<_>>();
            format!("did you mean {}?", names.join(" or "))
        });
        self.note(&format!(":{ident}"), message, help, span)?;
        Ok(None)
    }

    /// The attribute that another value than a keyword means; what means none is noted.
    pub(crate) fn attribute_of(&mut self, facts: &dyn Facts, value: &Value, span: Span) -> Result<Option<Arc<Attribute>>> {
        let known = self.entity(facts, value, span)?.and_then(|id| facts.attribute_by_id(id));
        if known.is_none() && lookup_reference(value).is_none() {
            let help = match value {
                Value::String(name) | Value::Symbol(name) => {
                    format!("write it as a keyword: `:{}`", name.trim_start_matches(':'))
                }
                _ => "an attribute is a keyword, the id of one or a lookup reference to one".into(),
            };
            self.note(&value.to_string(), format!("no attribute is meant by {value}"), Some(help), span)?;
        }
        Ok(known)
    }

    /// An unknown attribute: a warning, once a name, or an error.
    fn note(&mut self, name: &str, message: String, help: Option<String>, span: Span) -> Result<()> {
        if self.is_strict {
            let error = Error::new(Code::UnknownAttribute, message).with_value(name).at(span);
            return Err(error.with_help(help.unwrap_or_else(|| "check the spelling, or ask without --strict".into())));
        }
        if self.unknown.insert(name.into()) {
            self.warnings.push(Warning { code: Code::UnknownAttribute.name(), message, help });
        }
        Ok(())
    }

    /// The entity that a value in the place of an entity means. `None` if there is none.
    pub(crate) fn entity(&mut self, facts: &dyn Facts, value: &Value, span: Span) -> Result<Option<i64>> {
        match value {
            Value::Long(id) | Value::Ref(id) => Ok(Some(*id)),
            Value::Keyword(ident) => facts.entity_by_ident(ident).map_err(|error| error.at(span)),
            number if number.is_number() => Ok(number.canonical().as_long()),
            other => match lookup_reference(other) {
                Some((ident, key)) => self.lookup(facts, ident, key, span),
                None => Ok(None),
            },
        }
    }

    fn lookup(&mut self, facts: &dyn Facts, ident: &Arc<str>, key: &Value, span: Span) -> Result<Option<i64>> {
        let Some(attribute) = self.attribute(facts, ident, span)? else { return Ok(None) };
        if attribute.unique.is_none() {
            return Err(Error::new(Code::NotUnique, format!("a lookup reference through `:{ident}`, which is not unique"))
                .with_value(format_args!(":{ident}"))
                .at(span)
                .with_help(format!(
                    "declare `:{ident}` as :db.unique/identity, or bind the entity with a pattern [?e :{ident} ..]"
                )));
        }
        if attribute.value_type == Some(ValueType::Ref) {
            let Some(target) = self.entity(facts, key, span)? else { return Ok(None) };
            return facts.lookup(&attribute, &Value::Long(target)).map_err(|error| error.at(span));
        }
        facts.lookup(&attribute, key).map_err(|error| error.at(span))
    }
}

/// The parts of `[:attribute value]`.
pub(crate) fn lookup_reference(value: &Value) -> Option<(&Arc<str>, &Value)> {
    match value.as_items()? {
        [Value::Keyword(ident), key] => Some((ident, key)),
        _ => None,
    }
}
