//! Datoms newer than the columns, in persistent ordered sets: cloning copies nothing.

use std::cmp::Ordering;
use std::ops::Bound;

use annals_query::{Scan, Value, Values};
use im::{OrdMap, OrdSet};

use super::admit::Admit;
use super::by_value::as_shown;
use super::value_types::Types;
use crate::columns::ValuesBuilder;
use crate::datom::Datom;

/// Datoms of one attribute by entity and by value.
#[derive(Clone, Debug, Default)]
pub(crate) struct AttributeNovelty {
    by_entity: OrdSet<Datom>,
    by_value: OrdSet<ValueFirst>,
    types: Types,
}

/// A datom ordered by its canonical value first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ValueFirst {
    canonical: Value,
    datom: Datom,
}

impl Ord for ValueFirst {
    fn cmp(&self, other: &Self) -> Ordering {
        self.canonical.cmp(&other.canonical).then_with(|| self.datom.cmp(&other.datom))
    }
}

impl PartialOrd for ValueFirst {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl AttributeNovelty {
    /// Adds a datom.
    pub(crate) fn insert(&mut self, datom: &Datom) {
        self.types = self.types.and(Types::of(&datom.v));
        self.by_entity.insert(datom.clone());
        self.by_value.insert(ValueFirst { canonical: as_shown(&datom.v).canonical(), datom: datom.clone() });
    }

    /// Which types their values have.
    pub(crate) fn types(&self) -> Types {
        self.types
    }

    /// Number of datoms.
    pub(crate) fn len(&self) -> usize {
        self.by_entity.len()
    }

    /// True if there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_entity.is_empty()
    }

    /// All datoms, by entity, value and t.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Datom> {
        self.by_entity.iter()
    }

    /// The datoms of one entity, by value and t.
    pub(crate) fn of_entity(&self, entity: i64, attribute: i64) -> impl Iterator<Item = &Datom> {
        let first = lowest(entity, attribute);
        self.by_entity.range(first..).take_while(move |datom| datom.e == entity)
    }

    /// The greatest entity up to `last`.
    pub(crate) fn last_entity(&self, last: i64, attribute: i64) -> Option<i64> {
        let end = lowest(last.checked_add(1)?, attribute);
        self.by_entity.range(..end).next_back().map(|datom| datom.e)
    }

    /// The datoms whose value is the same as this one, by entity, value and t.
    pub(crate) fn of_value(&self, wanted: &Value, attribute: i64) -> Vec<&Datom> {
        let canonical = as_shown(wanted).canonical();
        let first = ValueFirst { canonical: canonical.clone(), datom: lowest(i64::MIN, attribute) };
        let same = self.by_value.range((Bound::Included(first), Bound::Unbounded));
        let mut datoms: Vec<&Datom> = same.take_while(|item| item.canonical == canonical).map(|item| &item.datom).collect();
        datoms.sort_unstable();
        datoms
    }

    /// The datoms that a scan's entities and values select, by entity, value and t.
    pub(crate) fn select(&self, attribute: i64, scan: &Scan<'_>) -> Vec<&Datom> {
        if self.is_empty() {
            return Vec::new();
        }
        if let (None, Some((first, last))) = (scan.entities, scan.within) {
            let found = self.by_entity.range(lowest(first, attribute)..).take_while(|datom| datom.e <= last);
            return found.filter(|datom| admits(&scan.values, &datom.v)).collect();
        }
        match (scan.entities, &scan.values) {
            (None, Values::Any) => self.iter().collect(),
            (None, Values::Equal(wanted)) => self.of_value(wanted, attribute),
            (None, Values::Among(wanted)) if wanted.len() < self.len() => {
                let mut found: Vec<&Datom> = wanted.iter().flat_map(|wanted| self.of_value(wanted, attribute)).collect();
                found.sort_unstable();
                found
            }
            (Some(entities), values) if entities.len() < self.len() => {
                let found = entities.iter().flat_map(|entity| self.of_entity(*entity, attribute));
                found.filter(|datom| admits(values, &datom.v)).collect()
            }
            (entities, values) => {
                let is_wanted = |datom: &&Datom| entities.is_none_or(|entities| entities.binary_search(&datom.e).is_ok());
                self.iter().filter(is_wanted).filter(|datom| admits(values, &datom.v)).collect()
            }
        }
    }
}

/// The least datom of an entity and attribute.
fn lowest(entity: i64, attribute: i64) -> Datom {
    Datom { e: entity, a: attribute, v: Value::Nil, t: i64::MIN, added: false, m: i64::MIN }
}

fn admits(values: &Values<'_>, value: &Value) -> bool {
    match values {
        Values::Any => return true,
        Values::Among(wanted) => return wanted.binary_search(&as_shown(value).canonical()).is_ok(),
        Values::Equal(_) | Values::Range(..) => {}
    }
    let mut one = ValuesBuilder::default();
    one.push(value);
    let one = one.finish();
    Admit::new(values, one.shown()).admits(&one, 0)
}

/// Datoms of many attributes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Novelty {
    attributes: OrdMap<i64, AttributeNovelty>,
}

impl Novelty {
    /// Adds a datom.
    pub(crate) fn insert(&mut self, datom: &Datom) {
        self.attributes.entry(datom.a).or_default().insert(datom);
    }

    /// True if there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// The datoms of an attribute, if there are any.
    pub(crate) fn attribute(&self, attribute: i64) -> Option<&AttributeNovelty> {
        self.attributes.get(&attribute)
    }

    /// The datoms of an entity, by attribute, value and t.
    pub(crate) fn of_entity(&self, entity: i64) -> impl Iterator<Item = &Datom> {
        self.attributes.iter().flat_map(move |(attribute, novelty)| novelty.of_entity(entity, *attribute))
    }

    /// All datoms, by attribute, entity, value and t.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Datom> {
        self.attributes.values().flat_map(AttributeNovelty::iter)
    }

    /// The greatest entity up to `last` that any datom has.
    pub(crate) fn last_entity(&self, last: i64) -> Option<i64> {
        self.attributes.iter().filter_map(|(attribute, novelty)| novelty.last_entity(last, *attribute)).max()
    }

    /// The datoms up to `t`.
    #[must_use]
    pub(crate) fn known_at(&self, t: i64) -> Self {
        let mut known = Self::default();
        self.iter().filter(|datom| datom.t <= t).for_each(|datom| known.insert(datom));
        known
    }
}
