//! Facts in the order of an index, values of an attribute between bounds, and what transactions said.

use std::cmp::Ordering;
use std::ops::{Bound, RangeBounds};

use annals_query::Value;

use super::reading::Choice;
use super::{Db, EntityRef};
use crate::datom::Datom;
use crate::error::{Error, ErrorKind, Result};

/// The order in which facts are given, and the order of the components that choose them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Entity, attribute, value, t: what is known of an entity.
    Eavt,
    /// Attribute, entity, value, t: a column.
    Aevt,
    /// Attribute, value, entity, t: who has a value.
    Avet,
    /// Value, attribute, entity, t, of references alone: who refers to an entity.
    Vaet,
}

/// What one transaction said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its number.
    pub t: i64,
    /// When it was committed, in microseconds.
    pub instant: i64,
    /// Its datoms, additions and retractions.
    pub datoms: Vec<Datom>,
}

impl Db {
    /// Facts in the order of an index, chosen by the first components of that order, any number of them: entities as ids, idents
    /// or lookup references, attributes as keywords or ids.
    ///
    /// ```
    /// use annals::{Connection, Order, Value};
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let connection = Connection::open(folder.path().join("annals.db"))?;
    /// let db = connection.db()?;
    /// let types = db.datoms(Order::Aevt, &[Value::Keyword("db/valueType".into())])?;
    /// assert!(types.iter().all(|datom| datom.added));
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn datoms(&self, order: Order, components: &[Value]) -> Result<Vec<Datom>> {
        let Some(choice) = self.choice(order, components)? else { return Ok(Vec::new()) };
        let mut datoms = self.matching(&choice)?;
        if order == Order::Vaet {
            datoms.retain(|datom| matches!(datom.v, Value::Ref(_)));
        }
        datoms.sort_unstable_by(|left, right| compare(order, left, right));
        Ok(datoms)
    }

    /// The facts of an attribute whose values lie in a range, ascending by value. A range takes values of its bounds' type.
    ///
    /// ```
    /// # use annals::{Connection, Value};
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let connection = Connection::open(folder.path().join("annals.db"))?;
    /// let db = connection.db()?;
    /// let of_runs = db.index_range(":db/ident", Value::Keyword("run/".into())..Value::Keyword("run0".into()))?;
    /// assert!(of_runs.len() > 10);
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn index_range(&self, attribute: &str, range: impl RangeBounds<Value>) -> Result<Vec<Datom>> {
        let ident = attribute.strip_prefix(':').unwrap_or(attribute);
        let Some(declaration) = self.snapshot.schema().declaration_by_ident(ident) else { return Ok(Vec::new()) };
        let mut datoms = self.between(declaration.attribute.id, range.start_bound(), range.end_bound())?;
        datoms.sort_unstable_by(|left, right| compare(Order::Avet, left, right));
        Ok(datoms)
    }

    /// What the transactions in a range of t said, as far as the view reaches: a `since` leaves out earlier transactions, a
    /// filter leaves out datoms.
    pub fn tx_range(&self, range: impl RangeBounds<i64>) -> Result<Vec<Transaction>> {
        let window = self.view.window;
        let first = match range.start_bound() {
            Bound::Included(t) => *t,
            Bound::Excluded(t) => t.saturating_add(1),
            Bound::Unbounded => 1,
        };
        let last = match range.end_bound() {
            Bound::Included(t) => *t,
            Bound::Excluded(t) => t.saturating_sub(1),
            Bound::Unbounded => i64::MAX,
        };
        let mut transactions = Vec::new();
        for t in first.max(window.since + 1).max(1)..=last.min(window.until) {
            let mut datoms = self.datoms_of_transaction(t)?;
            datoms.retain(|datom| self.view.keeps(datom));
            let instant = self.snapshot.instant_of(t)?.ok_or_else(|| {
                Error::new(ErrorKind::Damaged, format!("transaction {t} is missing"))
                    .with_value(t)
                    .with_help("`annals verify` names the first thing wrong; restore a copy, nothing was deleted")
            })?;
            transactions.push(Transaction { t, instant, datoms });
        }
        Ok(transactions)
    }

    /// The choice that components make; `None` if one of them names nothing that is there.
    fn choice(&self, order: Order, components: &[Value]) -> Result<Option<Choice>> {
        let places = match order {
            Order::Eavt => ['e', 'a', 'v', 't'],
            Order::Aevt => ['a', 'e', 'v', 't'],
            Order::Avet => ['a', 'v', 'e', 't'],
            Order::Vaet => ['v', 'a', 'e', 't'],
        };
        if components.len() > places.len() {
            return Err(Error::new(ErrorKind::Usage, "an index has four components")
                .with_value(components.len())
                .with_help("give at most entity, attribute, value and t, in the order of the index"));
        }
        let mut choice = Choice::default();
        for (place, component) in places.iter().zip(components) {
            let is_there = match place {
                'e' => self.choose_entity(component, &mut choice.e)?,
                'a' => self.choose_attribute(component, &mut choice.a)?,
                'v' if order == Order::Vaet => {
                    let mut entity = None;
                    let is_there = self.choose_entity(component, &mut entity)?;
                    choice.v = entity.map(Value::Ref);
                    is_there
                }
                'v' => {
                    choice.v = Some(component.clone());
                    true
                }
                _ => {
                    choice.t = component.as_long();
                    choice.t.is_some()
                }
            };
            if !is_there {
                return Ok(None);
            }
        }
        Ok(Some(choice))
    }

    fn choose_entity(&self, component: &Value, entity: &mut Option<i64>) -> Result<bool> {
        *entity = self.entity_id(EntityRef::try_from(component)?)?;
        Ok(entity.is_some())
    }

    fn choose_attribute(&self, component: &Value, attribute: &mut Option<i64>) -> Result<bool> {
        self.choose_entity(component, attribute)?;
        Ok(attribute.is_some_and(|id| self.snapshot.schema().declaration(id).is_some()))
    }
}

fn compare(order: Order, left: &Datom, right: &Datom) -> Ordering {
    let (e, a, v) = (left.e.cmp(&right.e), left.a.cmp(&right.a), left.v.cmp(&right.v));
    let first = match order {
        Order::Eavt => e.then(a).then(v),
        Order::Aevt => a.then(e).then(v),
        Order::Avet => a.then(v).then(e),
        Order::Vaet => v.then(a).then(e),
    };
    first.then_with(|| left.t.cmp(&right.t)).then_with(|| left.added.cmp(&right.added))
}
