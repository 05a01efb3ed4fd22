//! A database value seen through a lens: its facts read in another way, and none of them rewritten.

use std::fmt;
use std::sync::Arc;

use annals_query::ast::{Input as Place, Query};
use annals_query::error::Span;
use annals_query::lens::Lens;
use annals_query::{Attribute, Batch, Budget, Estimate, Fact, Facts, Found, Given, Match, Point, Result, Scan, Value, ValueType};

use super::facts::ALL_PLACES;
use super::{Db, EntityRef};

/// A lens, and the facts of one database value as it shows them.
#[derive(Clone)]
pub(super) struct Sight {
    lens: Lens,
    facts: Arc<dyn Facts>,
}

impl fmt::Debug for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sight({})", self.lens)
    }
}

impl Db {
    /// The same value, its facts read through a lens: renamed, coerced, supplied with defaults and computed. A value that is seen
    /// through a lens already is seen through the new one on top of it.
    ///
    /// `q`, `explain`, `pull` and `entity` see what the lens shows, in every view of time, and the lens' rules are in reach of
    /// every query without `%`. [`Db::datoms`], [`Db::index_range`] and [`Db::tx_range`] give the datoms as they are stored,
    /// and [`Db::with`] says facts in stored names, as all transactions do.
    ///
    /// ```
    /// use annals::{Connection, Lens};
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// let connection = Connection::open(folder.path().join("annals.db"))?;
    /// connection.transact(r#"[{:identity/contact "ada@example.org" :order/total "12.50"}]"#)?;
    ///
    /// let lens = Lens::read("{:lens/rename {:user/email :identity/contact} :lens/coerce {:order/total :bigdec}}")?;
    /// let db = connection.db()?.through(&lens);
    /// let answer = db.q("[:find [?email ?total] :where [?u :user/email ?email] [?u :order/total ?total]]", &[])?;
    /// assert_eq!(answer.to_edn(), r#"["ada@example.org" 12.50M]"#);
    /// # Ok::<(), annals::Error>(())
    /// ```
    #[must_use]
    pub fn through(&self, lens: &Lens) -> Self {
        let lens = match &self.sight {
            Some(sight) => lens.over(&sight.lens),
            None => lens.clone(),
        };
        let stored = Self { sight: None, ..self.clone() };
        let facts = lens.view(Arc::new(stored.clone()));
        Self { sight: Some(Sight { lens, facts }), ..stored }
    }

    /// The lens through which this value is seen.
    pub fn lens(&self) -> Option<&Lens> {
        self.sight.as_ref().map(|sight| &sight.lens)
    }

    /// The value that this one became, seen through the lens that it had.
    pub(super) fn seen_anew(mut self) -> Self {
        match self.sight.take() {
            Some(sight) => self.through(&sight.lens),
            None => self,
        }
    }

    /// Who has a value for a unique attribute, as the lens shows both.
    pub(super) fn holder_through_lens(&self, attribute: &Attribute, value: &Value) -> crate::error::Result<Option<i64>> {
        if attribute.value_type == Some(ValueType::Ref) {
            let Ok(target) = EntityRef::try_from(value) else { return Ok(None) };
            let Some(target) = self.entity_id(target)? else { return Ok(None) };
            return Ok(self.lookup(attribute, &Value::Ref(target))?);
        }
        Ok(self.lookup(attribute, value)?)
    }

    /// Puts the rules of the lens in reach of a query, beside those that are given for `%`.
    pub fn with_rules_of_lens(&self, query: &mut Query, given: &mut Vec<Given>) -> Result<()> {
        let Some(sight) = &self.sight else { return Ok(()) };
        let rules = sight.lens.rules()?;
        if rules.rules.is_empty() {
            return Ok(());
        }
        for place in given.iter_mut() {
            if let Given::Rules(own) = place {
                *own = rules.joined(std::mem::take(own))?;
                return Ok(());
            }
        }
        query.inputs.push(Place::Rules(Span::default()));
        given.push(Given::Rules(rules));
        Ok(())
    }
}

/// A database value without its lens: the facts as they are stored.
pub(super) struct Stored<'a>(&'a Db);

impl std::ops::Deref for Stored<'_> {
    type Target = Db;

    fn deref(&self) -> &Db {
        self.0
    }
}

/// What the engine sees: the facts of the lens, or the stored ones.
macro_rules! seen {
    ($db:ident.$method:ident($($argument:expr),*)) => {
        match &$db.sight {
            Some(sight) => sight.facts.$method($($argument),*),
            None => Facts::$method(&Stored($db), $($argument),*),
        }
    };
}

impl Facts for Db {
    fn attribute(&self, ident: &str) -> Option<Arc<Attribute>> {
        seen!(self.attribute(ident))
    }

    fn attribute_by_id(&self, id: i64) -> Option<Arc<Attribute>> {
        seen!(self.attribute_by_id(id))
    }

    fn type_of_values(&self, attribute: i64) -> Option<ValueType> {
        seen!(self.type_of_values(attribute))
    }

    fn value_near_end(&self, attribute: i64, is_greatest: bool, count: usize) -> Option<Value> {
        seen!(self.value_near_end(attribute, is_greatest, count))
    }

    fn entity_by_ident(&self, ident: &str) -> Result<Option<i64>> {
        seen!(self.entity_by_ident(ident))
    }

    fn ident_of(&self, entity: i64) -> Result<Option<Arc<str>>> {
        seen!(self.ident_of(entity))
    }

    fn lookup(&self, attribute: &Attribute, value: &Value) -> Result<Option<i64>> {
        seen!(self.lookup(attribute, value))
    }

    fn names_near(&self, ident: &str) -> Vec<String> {
        seen!(self.names_near(ident))
    }

    fn announce(&self, attributes: &[i64], budget: &Budget) -> Result<()> {
        seen!(self.announce(attributes, budget))
    }

    fn scan(&self, scan: &Scan<'_>, budget: &Budget) -> Result<Batch> {
        seen!(self.scan(scan, budget))
    }

    fn points(&self, point: &Point<'_>, budget: &Budget, found: &mut Vec<Found>) -> Result<bool> {
        seen!(self.points(point, budget, found))
    }

    fn held(&self, point: &Point<'_>, found: &mut Vec<Found>) -> Option<bool> {
        seen!(self.held(point, found))
    }

    fn stamp(&self) -> Option<u64> {
        seen!(self.stamp())
    }

    fn estimate(&self, scan: &Scan<'_>) -> Estimate {
        seen!(self.estimate(scan))
    }

    fn entity(&self, entity: i64, budget: &Budget) -> Result<Vec<Fact>> {
        seen!(self.entity(entity, budget))
    }

    fn facts_of(&self, entities: &[i64], attribute: i64, budget: &Budget) -> Result<Option<Vec<Fact>>> {
        seen!(self.facts_of(entities, attribute, budget))
    }

    fn referrers(&self, entity: i64, attribute: i64, budget: &Budget) -> Result<Vec<i64>> {
        seen!(self.referrers(entity, attribute, budget))
    }

    fn fulltext(&self, attribute: &Attribute, search: &str, budget: &Budget) -> Result<Vec<Match>> {
        seen!(self.fulltext(attribute, search, budget))
    }

    fn transactions(&self, from: &Value, until: &Value) -> Result<Vec<i64>> {
        seen!(self.transactions(from, until))
    }

    fn said(&self, t: i64, budget: &Budget) -> Result<Vec<Fact>> {
        let wanted = Scan { t: Some(t), places: ALL_PLACES, ..Scan::default() };
        Ok(self.history().scan(&wanted, budget)?.facts())
    }

    fn is_history(&self) -> bool {
        seen!(self.is_history())
    }
}
