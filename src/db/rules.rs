//! Lenses and rules by name: those that a store keeps as facts, and the rules for run histories that come with the library.
//!
//! They are read as of now in every view of time, like the schema.

use std::sync::Arc;

use annals_query::ast::RuleSet;
use annals_query::lens::Lens;
use annals_query::nearest::nearest;
use annals_query::{Code, Error as QueryError, Value, parse};

use super::{Db, Order};
use crate::error::{Error, ErrorKind, Result};

/// The name of the rules for run histories, without colon.
const RUNS: &str = "annals/runs";

/// The rules for run histories.
const RUNS_TEXT: &str = include_str!("rules/runs.edn");

/// What a store keeps under a name, as a text.
#[derive(Clone, Copy)]
pub(crate) struct Named {
    /// What one of them is called.
    noun: &'static str,
    /// The attribute of the name, without colon.
    pub(crate) name: &'static str,
    /// The attribute of the text, without colon.
    pub(crate) text: &'static str,
}

/// Lenses.
pub(crate) const LENSES: Named = Named { noun: "lens", name: "lens/name", text: "lens/text" };
/// Rules.
pub(crate) const RULES: Named = Named { noun: "rules", name: "rules/name", text: "rules/text" };

impl Db {
    /// The text of the rules kept under a name (without colon); `annals/runs` are those for run histories.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let connection = annals::Connection::open(folder.path().join("annals.db"))?;
    /// assert!(connection.db()?.rules_text("annals/runs")?.contains("(ancestor ?above ?run)"));
    /// assert_eq!(connection.db()?.rules_text("annals/ruins").unwrap_err().help(), Some("did you mean `:annals/runs`?"));
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn rules_text(&self, name: &str) -> Result<Arc<str>> {
        if name == RUNS {
            return Ok(RUNS_TEXT.into());
        }
        self.kept(RULES, name, &[RUNS])
    }

    /// The rules kept under a name (without colon). Errors about them show their own text and place.
    pub fn rules_named(&self, name: &str) -> Result<RuleSet> {
        Ok(parse::named_rules(&format!(":{name}"), &self.rules_text(name)?)?)
    }

    /// The text of the lens kept under a name (without colon).
    pub fn lens_text(&self, name: &str) -> Result<Arc<str>> {
        self.kept(LENSES, name, &[])
    }

    /// The lens kept under a name (without colon); it may call what this value's queries may call. See
    /// [`Connection::keep_lens`](crate::Connection::keep_lens).
    pub fn lens_named(&self, name: &str) -> Result<Lens> {
        Ok(Lens::read_with(&self.lens_text(name)?, &self.functions)?)
    }

    /// The names of the lenses that the store keeps, ascending, without colons.
    pub fn lens_names(&self) -> Result<Vec<Arc<str>>> {
        self.names_kept(LENSES)
    }

    /// The names of the rules that the store keeps, ascending, without colons.
    pub fn rules_names(&self) -> Result<Vec<Arc<str>>> {
        self.names_kept(RULES)
    }

    /// The rules that are given for `%`: a text, rules as data, a name, or several of these in a vector.
    pub(super) fn given_rules(&self, value: &Value) -> annals_query::Result<RuleSet> {
        match value {
            Value::String(text) => parse::rules(text),
            Value::Keyword(name) => self.rules_named(name).map_err(|error| as_query_error(&error)),
            Value::Vector(items) | Value::List(items)
                if items.iter().any(|item| matches!(item, Value::Keyword(_) | Value::String(_))) =>
            {
                items.iter().try_fold(RuleSet::default(), |rules, item| rules.joined(self.given_rules(item)?))
            }
            other => parse::rules(&other.to_string()),
        }
    }

    /// Everything that the store holds now, whatever this view shows of it.
    fn present(&self) -> Self {
        self.of(Arc::clone(&self.snapshot))
    }

    fn kept(&self, kind: Named, name: &str, others: &[&str]) -> Result<Arc<str>> {
        let db = self.present();
        let id = |ident: &str| db.schema().entity(ident).map(Value::Long);
        if let (Some(name_id), Some(text_id)) = (id(kind.name), id(kind.text)) {
            let named = db.datoms(Order::Avet, &[name_id, Value::keyword(name)])?;
            if let Some(newest) = named.iter().max_by_key(|datom| datom.t) {
                let texts = db.datoms(Order::Eavt, &[Value::Long(newest.e), text_id])?;
                if let Some(Value::String(text)) = texts.last().map(|datom| &datom.v) {
                    return Ok(Arc::clone(text));
                }
            }
        }
        let names = self.names_kept(kind)?;
        let near = nearest(name, names.iter().map(|name| &**name).chain(others.iter().copied()), 1);
        let Named { noun, name: name_attribute, text: text_attribute } = kind;
        let help = match near.first() {
            Some(near) => format!("did you mean `:{near}`?"),
            None => format!("keep it first: {{:{name_attribute} :{name} :{text_attribute} \"..\"}}"),
        };
        Err(Error::new(
            ErrorKind::NotFound,
            format!("no {noun} of the name :{name} {} kept here", if noun == "rules" { "are" } else { "is" }),
        )
        .with_value(format!(":{name}"))
        .with_help(help))
    }

    fn names_kept(&self, kind: Named) -> Result<Vec<Arc<str>>> {
        let db = self.present();
        let Some(id) = db.schema().entity(kind.name) else { return Ok(Vec::new()) };
        let datoms = db.datoms(Order::Aevt, &[Value::Long(id)])?;
        let mut names: Vec<Arc<str>> = datoms.iter().filter_map(|datom| datom.v.as_text().map(Arc::from)).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }
}

/// A name that leads to no rules is an error of the query that gives it.
fn as_query_error(error: &Error) -> QueryError {
    match error.kind() {
        ErrorKind::NotFound => super::facts::passed_on(error, Code::UnknownRule),
        _ => super::facts::as_query_error(error),
    }
}
