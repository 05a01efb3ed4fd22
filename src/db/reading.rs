//! Facts of a view one by one, as datoms.

use std::collections::BTreeMap;
use std::ops::Bound;

use annals_query::{Budget, Code, Point, Scan, Value, ValueType, Values};

use super::Db;
use crate::datom::Datom;
use crate::error::{Error, ErrorKind, Result};
use crate::index::{Life, Window};

/// Which facts are meant.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    pub(super) e: Option<i64>,
    pub(super) a: Option<i64>,
    pub(super) v: Option<Value>,
    pub(super) t: Option<i64>,
}

impl Db {
    /// What the view shows of an entity, by attribute and value.
    pub(crate) fn datoms_of_entity(&self, entity: i64) -> Result<Vec<Datom>> {
        let lives = self.snapshot.lives_of_entity(entity)?;
        Ok(lives
            .iter()
            .flat_map(|(attribute, lives)| lives.iter().flat_map(|life| self.view.datoms_of(*attribute, life)))
            .collect())
    }

    /// The entity that has a value for a unique attribute, at the end of the window and said after its start.
    pub(crate) fn holder(&self, attribute: i64, value: &Value) -> Result<Option<i64>> {
        let mut found = Vec::new();
        let window = Window { is_history: false, ..self.view.window };
        let point = Point { attribute, entity: None, value: Some(value), limit: 1 };
        if self.view.filters.is_empty() {
            let are_few = match self.snapshot.points_held(&point, window, &mut found) {
                None => self.snapshot.points_read(&point, window, &Budget::default(), &mut found)?,
                known => known,
            };
            if are_few == Some(true) {
                return Ok(found.first().map(|found| found.e));
            }
        }
        let lives = self.lives_matching(attribute, &Values::Equal(value))?;
        let mut view = self.view.clone();
        view.window.is_history = false;
        let holders: Vec<Datom> = lives.iter().flat_map(|life| view.datoms_of(attribute, life)).collect();
        // Equal numbers of two kinds are two values, as 2 and 2N: the one asked for comes first.
        let exact = holders.iter().find(|datom| datom.v == *value);
        Ok(exact.or(holders.first()).map(|datom| datom.e))
    }

    /// The facts of a choice, in no particular order.
    pub(super) fn matching(&self, choice: &Choice) -> Result<Vec<Datom>> {
        let by_attribute = match (choice.e, choice.a) {
            (Some(entity), Some(attribute)) => vec![(attribute, self.snapshot.lives_of(entity, attribute)?)],
            (Some(entity), None) => self.snapshot.lives_of_entity(entity)?,
            (None, Some(attribute)) => vec![(attribute, self.lives_matching(attribute, &values_of(choice))?)],
            (None, None) => self.lives_of_all(choice)?,
        };
        let is_wanted = |datom: &Datom| {
            choice.v.as_ref().is_none_or(|wanted| is_same(&datom.v, wanted)) && choice.t.is_none_or(|t| datom.t == t)
        };
        let shown = by_attribute.iter().flat_map(|(a, lives)| lives.iter().flat_map(|life| self.view.datoms_of(*a, life)));
        Ok(shown.filter(is_wanted).collect())
    }

    /// The facts of an attribute with values between bounds.
    pub(super) fn between(&self, attribute: i64, low: Bound<&Value>, high: Bound<&Value>) -> Result<Vec<Datom>> {
        let lives = self.lives_matching(attribute, &Values::Range(low, high))?;
        Ok(lives.iter().flat_map(|life| self.view.datoms_of(attribute, life)).collect())
    }

    /// The attributes that there are, ascending.
    pub(super) fn attributes(&self) -> Vec<i64> {
        let mut attributes: Vec<i64> =
            self.snapshot.schema().declarations().map(|declaration| declaration.attribute.id).collect();
        attributes.sort_unstable();
        attributes
    }

    /// All datoms of a transaction, whatever the view.
    pub(super) fn datoms_of_transaction(&self, t: i64) -> Result<Vec<Datom>> {
        if t < 1 || t > self.snapshot.basis() {
            return Ok(Vec::new());
        }
        if t > self.snapshot.stored_t() {
            return Ok(self.snapshot.novelty().iter().filter(|datom| datom.t == t).cloned().collect());
        }
        let mut datoms = Vec::new();
        self.snapshot.index().store().log(t - 1, t, None, |datom| {
            datoms.push(datom);
            Ok(())
        })?;
        Ok(datoms)
    }

    /// The entities about which a transaction said something, ascending, by attribute.
    pub(super) fn entities_of_transaction(&self, t: i64) -> Result<BTreeMap<i64, Vec<i64>>> {
        let mut entities: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for datom in self.datoms_of_transaction(t)? {
            entities.entry(datom.a).or_default().push(datom.e);
        }
        for entities in entities.values_mut() {
            entities.sort_unstable();
            entities.dedup();
        }
        Ok(entities)
    }

    /// Refuses what a history cannot answer.
    pub(super) fn refuse_history(&self, what: &str) -> Result<()> {
        if !self.view.window.is_history {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Query(Code::HistoryView),
            format!("{what} cannot be read from a history, in which a value comes and goes"),
        )
        .with_help("read it from a view at one moment, or match the history with a pattern of six places"))
    }

    fn lives_matching(&self, attribute: i64, values: &Values<'_>) -> Result<Vec<Life>> {
        let scan = Scan { attribute: Some(attribute), values: *values, ..Scan::default() };
        let lives = self.snapshot.lives(attribute, &scan, &Budget::default())?;
        let rows = lives.select(&scan);
        Ok(rows.iter().map(|row| lives.life(row)).collect())
    }

    fn lives_of_all(&self, choice: &Choice) -> Result<Vec<(i64, Vec<Life>)>> {
        let mut attributes = self.attributes();
        if matches!(choice.v, Some(Value::Ref(_))) {
            let is_reference = |a: &i64| {
                let kind = self.snapshot.schema().declaration(*a).and_then(|declaration| declaration.attribute.value_type);
                kind.is_none_or(|kind| kind == ValueType::Ref)
            };
            attributes.retain(is_reference);
        }
        self.snapshot.index().want(attributes.iter().copied());
        attributes.into_iter().map(|attribute| Ok((attribute, self.lives_matching(attribute, &values_of(choice))?))).collect()
    }
}

fn values_of(choice: &Choice) -> Values<'_> {
    choice.v.as_ref().map_or(Values::Any, Values::Equal)
}

/// Sameness as the query language means it; a reference is only a reference.
fn is_same(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Ref(a), Value::Ref(b) | Value::Long(b)) => a == b,
        (_, Value::Ref(_)) => false,
        (value, wanted) => value.same(wanted),
    }
}
