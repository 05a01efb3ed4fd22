//! Queries that are asked again: read and checked once, their clauses ordered once for estimates of one magnitude.
//!
//! What is kept is what a text means, never what a store said. Names, attributes, inputs and bounds are resolved anew whenever the
//! query is asked, in the value that is asked; and what was checked is found again only by everything that the check looked at: the
//! query, the rules, what may be called. So a kept thing can make an answer come sooner, and can never make it another one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use annals_query::ast::{Input as Place, Query, RuleSet};
use annals_query::check::{self, Checked};
use annals_query::engine::{self, Options, Orders};
use annals_query::{Answer, Budget, Error as QueryError, Explanation, Facts, Functions, Given, Span, Table, Value, parse};

use super::{Db, Input};
use crate::error::{Error, Result};
use crate::limits::LIMIT_PREPARED_VARIANTS;

/// A query that is ready to be asked, of any value of any store, from any thread. Clones share everything.
///
/// ```
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// # let connection = annals::Connection::open(folder.path().join("annals.db"))?;
/// let doc_of = connection.db()?.prepare("[:find ?doc . :in $ ?name :where [?a :db/ident ?name] [?a :db/doc ?doc]]")?;
/// for name in ["run/status", "run/name"] {
///     let answer = doc_of.q(&connection.db()?, &[annals::Value::Keyword(name.into()).into()])?;
///     assert_eq!(answer.rows.len(), 1);
/// }
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Prepared(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    text: Box<str>,
    query: Arc<Query>,
    /// The latest last.
    variants: Mutex<Vec<Arc<Variant>>>,
    /// The text of rules that was given last, as it was read.
    rules: Mutex<Option<(Arc<str>, RuleSet)>>,
}

/// The query, checked for one thing that it may be asked with.
#[derive(Debug)]
struct Variant {
    /// Everything the check looked at.
    query: Arc<Query>,
    rules: RuleSet,
    functions: Functions,
    /// What it found, and the orders chosen since.
    checked: Checked,
    orders: Arc<Orders>,
}

impl Prepared {
    /// Reads a query; it is checked when it is known what it may call.
    pub(super) fn read(text: &str) -> Result<Self> {
        let query = parse::query(text).map_err(|error| error.located_in(text))?;
        let (variants, rules) = (Mutex::default(), Mutex::default());
        Ok(Self(Arc::new(Shared { text: text.into(), query: Arc::new(query), variants, rules })))
    }

    /// Checks the query for what this value lets it call, unless its rules are to be given.
    pub(super) fn check_for(&self, db: &Db) -> Result<()> {
        let wants_rules = self.0.query.inputs.iter().any(|place| matches!(place, Place::Rules(_)));
        if !wants_rules {
            self.variant(&self.0.query, &RuleSet::default(), db.functions(), &Budget::default())?;
        }
        Ok(())
    }

    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Answers the query. `db` is `$`; `inputs` are what else its `:in` names, in its order.
    pub fn q(&self, db: &Db, inputs: &[Input]) -> Result<Answer> {
        self.q_within(db, inputs, Options::default(), &Budget::default())
    }

    /// The same within a budget of rows, bytes and time, and with the engine's options.
    pub fn q_within(&self, db: &Db, inputs: &[Input], options: Options, budget: &Budget) -> Result<Answer> {
        self.q_table_within(db, inputs, options, budget).map(Answer::from)
    }

    /// Answers the query in columns: see [`Db::q_table`].
    pub fn q_table(&self, db: &Db, inputs: &[Input]) -> Result<Table> {
        self.q_table_within(db, inputs, Options::default(), &Budget::default())
    }

    /// The same within a budget of rows, bytes and time, and with the engine's options.
    pub fn q_table_within(&self, db: &Db, inputs: &[Input], options: Options, budget: &Budget) -> Result<Table> {
        // Checking counts as well, which takes long for a query of thousands of clauses.
        let limited = self.0.query.timeout.map(|timeout| budget.within(timeout));
        let budget = limited.as_ref().unwrap_or(budget);
        self.asked(db, inputs, &RuleSet::default(), options, &|db| Arc::new(db), budget)?.table(budget)
    }

    /// The query as it is asked of this value, where `shown` makes the source of the value and of the views made of it. `in_reach` are
    /// rules for a query that does not say `%`.
    pub(crate) fn asked(
        &self,
        db: &Db,
        inputs: &[Input],
        in_reach: &RuleSet,
        options: Options,
        shown: &dyn Fn(Db) -> Arc<dyn Facts>,
        budget: &Budget,
    ) -> Result<Asked> {
        let options = Options { functions: db.functions().joined(options.functions), ..options };
        let (variant, given) = self.ready(db, inputs, in_reach, &options, shown, budget)?;
        Ok(Asked { prepared: self.clone(), variant, given, options })
    }

    /// How the query is answered: its steps in their order, ordered anew, with the rows expected and found.
    pub fn explain(&self, db: &Db, inputs: &[Input]) -> Result<Explanation> {
        self.explain_within(db, inputs, Options::default(), &Budget::default())
    }

    /// The same within a budget of rows, bytes and time, and with the engine's options: what the budget ends is explained as far as it came.
    pub fn explain_within(&self, db: &Db, inputs: &[Input], options: Options, budget: &Budget) -> Result<Explanation> {
        let limited = self.0.query.timeout.map(|timeout| budget.within(timeout));
        let budget = limited.as_ref().unwrap_or(budget);
        let options = Options { functions: db.functions().joined(options.functions), ..options };
        let (variant, given) = self.ready(db, inputs, &RuleSet::default(), &options, &|db| Arc::new(db), budget)?;
        let explanation = engine::explain(&variant.checked, &given, &options, budget);
        explanation.map_err(|error| self.located(error, &variant.rules))
    }

    /// The query as it is asked of this value, and what is given for each place of its `:in`.
    fn ready(
        &self,
        db: &Db,
        inputs: &[Input],
        in_reach: &RuleSet,
        options: &Options,
        shown: &dyn Fn(Db) -> Arc<dyn Facts>,
        budget: &Budget,
    ) -> Result<(Arc<Variant>, Vec<Given>)> {
        // What is wrong inside of a pattern or of rules that were given has its place in their text already.
        let located = |error: QueryError| if error.position().is_some() { error } else { error.located_in(&self.0.text) };
        let rules = |value: &Value| match value {
            Value::String(text) => self.rules_read(text),
            other => db.given_rules(other),
        };
        let mut given = db.given_as(&self.0.query, inputs, shown, &rules).map_err(located)?;
        let mut query = Arc::clone(&self.0.query);
        if !in_reach.rules.is_empty() && !query.inputs.iter().any(|place| matches!(place, Place::Rules(_))) {
            let mut seen = Query::clone(&query);
            seen.inputs.push(Place::Rules(Span::default()));
            given.push(Given::Rules(in_reach.clone()));
            query = Arc::new(seen);
        }
        if db.lens().is_some() {
            let mut seen = Query::clone(&query);
            db.with_rules_of_lens(&mut seen, &mut given).map_err(located)?;
            query = Arc::new(seen);
        }
        let rules = given.iter().find_map(|given| if let Given::Rules(rules) = given { Some(rules) } else { None });
        let variant = match rules {
            Some(rules) => self.variant(&query, rules, &options.functions, budget),
            None => self.variant(&query, &RuleSet::default(), &options.functions, budget),
        };
        Ok((variant?, given))
    }

    /// The rules of a text: those that were read last, or read now.
    fn rules_read(&self, text: &Arc<str>) -> annals_query::Result<RuleSet> {
        let known = || self.0.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, rules)) = known().as_ref().filter(|(known, _)| known == text) {
            return Ok(rules.clone());
        }
        let rules = parse::rules(text)?;
        *known() = Some((Arc::clone(text), rules.clone()));
        Ok(rules)
    }

    /// The query as checked with these rules and functions: known, or checked now.
    fn variant(&self, query: &Arc<Query>, rules: &RuleSet, functions: &Functions, budget: &Budget) -> Result<Arc<Variant>> {
        let is_asked = |variant: &Arc<Variant>| {
            (Arc::ptr_eq(&variant.query, query) || variant.query == *query)
                && variant.functions == *functions
                && variant.rules == *rules
        };
        let known = self.variants().iter().find(|variant| is_asked(variant)).map(Arc::clone);
        if let Some(known) = known {
            return Ok(known);
        }
        let checked = check::check_within(Query::clone(query), rules.clone(), functions, budget)
            .map_err(|error| rules.locate(error.located_in(&self.0.text)))?;
        let (query, rules, functions) = (Arc::clone(query), rules.clone(), functions.clone());
        let variant = Arc::new(Variant { query, rules, functions, checked, orders: Arc::default() });
        let mut variants = self.variants();
        if variants.len() >= LIMIT_PREPARED_VARIANTS {
            variants.remove(0);
        }
        variants.push(Arc::clone(&variant));
        Ok(variant)
    }

    /// An error, with the place in the text of the query or of the rules.
    fn located(&self, error: QueryError, rules: &RuleSet) -> Error {
        rules.locate(error.located_in(&self.0.text)).into()
    }

    /// Also after a panic elsewhere: a variant is in the list as a whole or not at all.
    fn variants(&self) -> MutexGuard<'_, Vec<Arc<Variant>>> {
        self.0.variants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A query with all that it is asked with.
#[derive(Clone)]
pub(crate) struct Asked {
    prepared: Prepared,
    variant: Arc<Variant>,
    /// One for each place of the query's `:in`.
    pub(crate) given: Vec<Given>,
    /// How it is taken.
    pub(crate) options: Options,
}

impl Asked {
    /// The query as it was checked, the rules of a lens among its inputs.
    pub(crate) fn query(&self) -> &Arc<Query> {
        &self.variant.query
    }

    /// The rules in its reach.
    pub(crate) fn rules(&self) -> &RuleSet {
        &self.variant.rules
    }

    /// The answer.
    pub(crate) fn answer(&self, budget: &Budget) -> Result<Answer> {
        self.answer_to(&self.variant.checked, &self.variant.orders, &self.given, budget)
    }

    /// The answer in columns.
    pub(super) fn table(&self, budget: &Budget) -> Result<Table> {
        engine::table(&self.variant.checked, Some(&self.variant.orders), &self.given, &self.options, budget)
            .map_err(|error| self.prepared.located(error, &self.variant.rules))
    }

    /// The answer to a query that was made of this one, with the same rules and options.
    pub(crate) fn answer_to(&self, checked: &Checked, orders: &Arc<Orders>, given: &[Given], budget: &Budget) -> Result<Answer> {
        engine::answer_again(checked, orders, given, &self.options, budget)
            .map_err(|error| self.prepared.located(error, &self.variant.rules))
    }
}
