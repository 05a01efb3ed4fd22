//! The values of one attribute for all entities of a level.

use std::cell::OnceCell;

use rustc_hash::FxHashMap;

use crate::budget::Budget;
use crate::error::Result;
use crate::facts::{Attribute, Fact, Facts, Places, Point, Scan};
use crate::value::{Value, ValueType};

/// More values of one entity are read with all that is known of it.
const VALUES_HELD: usize = 256;

/// The values of some entities for one attribute, ascending. References are [`Value::Ref`].
pub(super) type Values = FxHashMap<i64, Vec<Value>>;

/// The entities of one level, and all their facts once somebody asks for them.
pub(super) struct Entities<'a> {
    facts: &'a dyn Facts,
    budget: &'a Budget,
    distinct: Vec<i64>,
    whole: OnceCell<Vec<Fact>>,
}

impl<'a> Entities<'a> {
    pub(super) fn new(facts: &'a dyn Facts, budget: &'a Budget, entities: impl Iterator<Item = i64>) -> Self {
        let mut distinct: Vec<i64> = entities.collect();
        distinct.sort_unstable();
        distinct.dedup();
        Self { facts, budget, distinct, whole: OnceCell::new() }
    }

    /// All facts of all of them.
    pub(super) fn whole(&self) -> Result<&[Fact]> {
        if let Some(whole) = self.whole.get() {
            return Ok(whole);
        }
        let mut whole = Vec::new();
        for entity in &self.distinct {
            whole.extend(self.facts.entity(*entity, self.budget)?);
        }
        Ok(self.whole.get_or_init(|| whole))
    }

    /// Their values for one attribute.
    pub(super) fn values(&self, attribute: &Attribute) -> Result<Values> {
        let mut values = Values::default();
        if !self.among_many(attribute, &mut values)? {
            for fact in self.whole()?.iter().filter(|fact| fact.a == attribute.id) {
                values.entry(fact.e).or_default().push(fact.v.clone());
            }
        }
        self.budget.spend_steps(values.len() as u64)?;
        for of_one in values.values_mut() {
            of_one.sort_unstable();
        }
        Ok(values)
    }

    /// Reads the values of many entities together, or those of one that lie in memory; false where all facts of an entity are to be read.
    fn among_many(&self, attribute: &Attribute, values: &mut Values) -> Result<bool> {
        if self.whole.get().is_some() {
            return Ok(false);
        }
        if let [entity] = self.distinct[..] {
            return Ok(self.held(entity, attribute, values));
        }
        self.facts.announce(&[attribute.id], self.budget)?;
        // A scan gives references as longs, so only a declared type tells the two apart.
        if let Some(kind) = attribute.value_type {
            self.scan(attribute, kind, values)?;
            return Ok(true);
        }
        let Some(facts) = self.facts.facts_of(&self.distinct, attribute.id, self.budget)? else { return Ok(false) };
        for fact in facts {
            values.entry(fact.e).or_default().push(fact.v);
        }
        Ok(true)
    }

    /// The values of one entity, if they lie in memory.
    fn held(&self, entity: i64, attribute: &Attribute, values: &mut Values) -> bool {
        let mut found = Vec::new();
        let point = Point { attribute: attribute.id, entity: Some(entity), value: None, limit: VALUES_HELD };
        if self.facts.held(&point, &mut found) != Some(true) {
            return false;
        }
        if !found.is_empty() {
            values.insert(entity, found.into_iter().map(|found| found.v).collect());
        }
        true
    }

    fn scan(&self, attribute: &Attribute, kind: ValueType, values: &mut Values) -> Result<()> {
        let places = Places { v: true, ..Places::default() };
        let scan = Scan { attribute: Some(attribute.id), entities: Some(&self.distinct), places, ..Scan::default() };
        let batch = self.facts.scan(&scan, self.budget)?;
        let Some(column) = &batch.v else { return Ok(()) };
        for row in 0..batch.len() {
            let value = match column.value(row) {
                Value::Long(id) if kind == ValueType::Ref => Value::Ref(id),
                other => other,
            };
            let entity = batch.e.value(row).as_long().expect("a column of entities holds ids");
            values.entry(entity).or_default().push(value);
        }
        Ok(())
    }

    /// The entities that refer to them through one attribute.
    pub(super) fn referrers(&self, attribute: &Attribute) -> Result<Values> {
        let mut values = Values::default();
        for entity in &self.distinct {
            let referrers = self.facts.referrers(*entity, attribute.id, self.budget)?;
            self.budget.spend_steps(referrers.len() as u64 + 1)?;
            if !referrers.is_empty() {
                values.insert(*entity, referrers.into_iter().map(Value::Ref).collect());
            }
        }
        Ok(values)
    }
}
