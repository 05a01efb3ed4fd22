//! A database value as the query engine sees it.

use std::sync::Arc;

use annals_query::facts::points_by_scan;
use annals_query::nearest::nearest;
use annals_query::{
    Attribute, Batch, Budget, Cardinality, Code, Column, Error as QueryError, Estimate, Fact, Facts, Found, Match, Places, Point,
    Result, Scan, Slice, Unique, Value, ValueType, Values,
};

use super::Db;
use super::lens::Stored;
use crate::datom::Datom;
use crate::error::{Error, ErrorKind};
use crate::index::Lives;

/// How many facts one value of many is guessed to have, while nothing is known of an attribute.
const GUESSED_ROWS_PER_VALUE: f64 = 100.0;

/// How many attributes share the datoms of a log, while nothing is known of them.
const GUESSED_ATTRIBUTES: f64 = 8.0;

/// How much longer than what is on disk a log may be, for its statistics to say something of all of it.
const LATER_SHARE: f64 = 2.0;

pub(super) const ALL_PLACES: Places = Places { a: true, v: true, t: true, m: true, added: true };

impl Facts for Stored<'_> {
    fn attribute(&self, ident: &str) -> Option<Arc<Attribute>> {
        self.snapshot.schema().declaration_by_ident(ident).map(|declaration| Arc::clone(&declaration.attribute))
    }

    fn attribute_by_id(&self, id: i64) -> Option<Arc<Attribute>> {
        self.snapshot.schema().declaration(id).map(|declaration| Arc::clone(&declaration.attribute))
    }

    fn type_of_values(&self, attribute: i64) -> Option<ValueType> {
        let declared = Facts::attribute_by_id(self, attribute)?.value_type;
        declared.or_else(|| self.snapshot.type_of_values(attribute))
    }

    fn value_near_end(&self, attribute: i64, is_greatest: bool, count: usize) -> Option<Value> {
        self.snapshot.value_near_end(attribute, is_greatest, count)
    }

    fn entity_by_ident(&self, ident: &str) -> Result<Option<i64>> {
        Ok(self.snapshot.schema().entity(ident))
    }

    fn ident_of(&self, entity: i64) -> Result<Option<Arc<str>>> {
        Ok(self.snapshot.schema().ident(entity).map(Arc::clone))
    }

    fn lookup(&self, attribute: &Attribute, value: &Value) -> Result<Option<i64>> {
        let Some(declaration) = self.snapshot.schema().declaration(attribute.id) else { return Ok(None) };
        self.holder_of(declaration, value).map_err(|error| as_query_error(&error))
    }

    fn names_near(&self, ident: &str) -> Vec<String> {
        let schema = self.snapshot.schema();
        let mut names: Vec<&str> = schema.declarations().map(|declaration| &*declaration.attribute.ident).collect();
        names.sort_unstable();
        nearest(ident, names, 3).into_iter().map(str::to_owned).collect()
    }

    fn announce(&self, attributes: &[i64], budget: &Budget) -> Result<()> {
        let index = self.snapshot.index();
        index.want(attributes.iter().copied());
        let limit = index.tuning().eager_datoms;
        let is_small = || index.store().datoms_until(self.snapshot.stored_t()).is_ok_and(|count| count <= limit);
        if attributes.iter().any(|attribute| !index.has(*attribute)) && is_small() {
            for attribute in attributes {
                index.column(*attribute, self.snapshot.stored_t(), budget).map_err(|error| as_query_error(&error))?;
            }
        }
        Ok(())
    }

    fn scan(&self, scan: &Scan<'_>, budget: &Budget) -> Result<Batch> {
        match (scan.attribute, scan.t) {
            (attribute, Some(t)) if scan.entities.is_none() => self.scan_transaction(t, attribute, scan, budget),
            (Some(attribute), _) => self.scan_attribute(attribute, scan, budget),
            (None, _) => self.scan_all(scan, budget),
        }
    }

    fn points(&self, point: &Point<'_>, budget: &Budget, found: &mut Vec<Found>) -> Result<bool> {
        let in_memory = self.held(point, found);
        if let Some(are_few) = in_memory {
            return Ok(are_few);
        }
        let read = if self.is_plain() { self.snapshot.points_read(point, self.view.window, budget, found) } else { Ok(None) };
        match read.map_err(|error| as_query_error(&error))? {
            Some(are_few) => Ok(are_few),
            None => points_by_scan(self, point, budget, found),
        }
    }

    fn held(&self, point: &Point<'_>, found: &mut Vec<Found>) -> Option<bool> {
        if self.is_plain() { self.snapshot.points_held(point, self.view.window, found) } else { None }
    }

    fn stamp(&self) -> Option<u64> {
        Some(self.snapshot.schema().stamp())
    }

    fn estimate(&self, scan: &Scan<'_>) -> Estimate {
        let Some(attribute) = scan.attribute else { return self.estimate_all(scan) };
        match self.snapshot.index().known(attribute) {
            Some(lives) => estimate_from(&lives, scan),
            None => self.estimate_stored(attribute, scan).unwrap_or_else(|| self.guess(attribute, scan)),
        }
    }

    fn entity(&self, entity: i64, budget: &Budget) -> Result<Vec<Fact>> {
        self.refuse_history("an entity").map_err(|error| as_query_error(&error))?;
        let datoms = self.datoms_of_entity(entity).map_err(|error| as_query_error(&error))?;
        budget.spend_steps(datoms.len() as u64 + 1)?;
        Ok(datoms.into_iter().map(fact).collect())
    }

    fn facts_of(&self, entities: &[i64], attribute: i64, budget: &Budget) -> Result<Option<Vec<Fact>>> {
        self.refuse_history("an entity").map_err(|error| as_query_error(&error))?;
        let scan = Scan { attribute: Some(attribute), entities: Some(entities), ..Scan::default() };
        let lives = self.lives_shown(attribute, &scan, budget)?;
        let rows = lives.select(&scan);
        budget.spend_steps(rows.len() as u64 + 1)?;
        let datoms = rows.iter().flat_map(|row| self.view.datoms_of(attribute, &lives.life(row)).collect::<Vec<_>>());
        Ok(Some(datoms.map(fact).collect()))
    }

    fn referrers(&self, entity: i64, attribute: i64, budget: &Budget) -> Result<Vec<i64>> {
        let wanted = Value::Ref(entity);
        let scan = Scan { attribute: Some(attribute), values: Values::Equal(&wanted), ..Scan::default() };
        let lives = self.snapshot.lives(attribute, &scan, budget).map_err(|error| as_query_error(&error))?;
        let rows = lives.select(&scan);
        budget.spend_steps(rows.len() as u64 + 1)?;
        let references = rows.iter().map(|row| lives.life(row)).filter(|life| life.v == wanted);
        Ok(references.flat_map(|life| self.view.datoms_of(attribute, &life).map(|datom| datom.e).collect::<Vec<_>>()).collect())
    }

    fn fulltext(&self, attribute: &Attribute, search: &str, budget: &Budget) -> Result<Vec<Match>> {
        self.found_by_words(attribute, search, budget)
    }

    fn transactions(&self, from: &Value, until: &Value) -> Result<Vec<i64>> {
        self.transactions_between(from, until)
    }

    fn is_history(&self) -> bool {
        self.view.window.is_history
    }
}

impl Db {
    fn scan_attribute(&self, attribute: i64, scan: &Scan<'_>, budget: &Budget) -> Result<Batch> {
        let lives = self.lives_shown(attribute, scan, budget)?;
        lives.scan(attribute, scan, &self.view, budget)
    }

    /// True if the view shows what held at a moment, and leaves nothing out.
    fn is_plain(&self) -> bool {
        self.view.filters.is_empty() && !self.view.window.is_history
    }

    /// Columns that hold at least what the view shows of what a scan selects.
    fn lives_shown(&self, attribute: i64, scan: &Scan<'_>, budget: &Budget) -> Result<Arc<Lives>> {
        self.snapshot.lives_in(attribute, scan, self.view.window, budget).map_err(|error| as_query_error(&error))
    }

    /// A scan of what one transaction said: the log tells about which entities.
    fn scan_transaction(&self, t: i64, attribute: Option<i64>, scan: &Scan<'_>, budget: &Budget) -> Result<Batch> {
        let mut entities = self.entities_of_transaction(t).map_err(|error| as_query_error(&error))?;
        if let Some(attribute) = attribute {
            let entities = entities.remove(&attribute).unwrap_or_default();
            return self.scan_attribute(attribute, &Scan { entities: Some(&entities), ..scan.clone() }, budget);
        }
        let mut joined = Joined::default();
        for (attribute, entities) in entities {
            let one = Scan { attribute: Some(attribute), places: ALL_PLACES, entities: Some(&entities), ..scan.clone() };
            joined.append(&self.scan_attribute(attribute, &one, budget)?, scan);
        }
        Ok(joined.into_batch())
    }

    /// A scan that names neither attribute nor transaction: of few entities from the store, otherwise attribute by attribute.
    fn scan_all(&self, scan: &Scan<'_>, budget: &Budget) -> Result<Batch> {
        let limit = self.snapshot.index().tuning().entity_reads;
        if let Some(entities) = scan.entities.filter(|entities| entities.len() <= limit) {
            return self.scan_entities(entities, scan, budget);
        }
        let attributes = self.attributes();
        self.snapshot.index().want(attributes.iter().copied());
        let mut joined = Joined::default();
        for attribute in attributes {
            let one = Scan { attribute: Some(attribute), places: ALL_PLACES, ..scan.clone() };
            joined.append(&self.scan_attribute(attribute, &one, budget)?, scan);
            budget.check_rows(joined.e.len())?;
        }
        Ok(joined.into_batch())
    }

    fn scan_entities(&self, entities: &[i64], scan: &Scan<'_>, budget: &Budget) -> Result<Batch> {
        let mut joined = Joined::default();
        for &entity in entities {
            for (attribute, lives) in self.snapshot.lives_of_entity(entity).map_err(|error| as_query_error(&error))? {
                let one = Scan { attribute: Some(attribute), places: ALL_PLACES, ..scan.clone() };
                joined.append(&Lives::of(&lives).scan(attribute, &one, &self.view, budget)?, scan);
            }
            budget.check_rows(joined.e.len())?;
        }
        Ok(joined.into_batch())
    }

    fn estimate_all(&self, scan: &Scan<'_>) -> Estimate {
        let datoms = self.log_length();
        let entities = datoms / GUESSED_ATTRIBUTES;
        let rows = match scan {
            Scan { entities: Some(entities), .. } => entities.len() as f64 * GUESSED_ATTRIBUTES,
            Scan { t: Some(_), .. } => GUESSED_ATTRIBUTES,
            Scan { values: Values::Any, .. } => datoms,
            _ => GUESSED_ROWS_PER_VALUE,
        };
        Estimate { rows, read: rows, distinct_e: entities, distinct_v: entities }
    }

    /// What the statistics on disk say of an attribute; nothing if most of the log is not there.
    fn estimate_stored(&self, attribute: i64, scan: &Scan<'_>) -> Option<Estimate> {
        let chain = self.snapshot.index().chain()?;
        let later = self.log_length() / chain.datoms() as f64;
        if later > LATER_SHARE {
            return None;
        }
        let (distinct_e, distinct_v) = (chain.entities(attribute) * later, chain.values(attribute));
        let rows = chain.estimate(attribute, scan).ok()? * later;
        let of_entities = scan.entities.map_or(1.0, |entities| (entities.len() as f64 / distinct_e.max(1.0)).min(1.0));
        let read = chain.estimate_read(attribute, scan).ok()? * later;
        Some(Estimate { rows: rows * of_entities, read, distinct_e, distinct_v })
    }

    /// A guess about an attribute of which nothing is known.
    fn guess(&self, attribute: i64, scan: &Scan<'_>) -> Estimate {
        let declaration = self.snapshot.schema().declaration(attribute).map(|declaration| &declaration.attribute);
        let is_many = declaration.is_some_and(|attribute| attribute.cardinality == Cardinality::Many);
        let unique: Option<Unique> = declaration.and_then(|attribute| attribute.unique);
        let facts = (self.log_length() / GUESSED_ATTRIBUTES).max(1.0);
        let per_value = if unique.is_some() { 1.0 } else { GUESSED_ROWS_PER_VALUE.min(facts) };
        let all = match scan.values {
            Values::Any => facts,
            Values::Equal(_) => per_value,
            Values::Among(wanted) => (per_value * wanted.len() as f64).min(facts),
            Values::Range(..) => (facts / 3.0).max(1.0),
        };
        let of_entities = scan.entities.map_or(f64::INFINITY, |entities| entities.len() as f64 * if is_many { 3.0 } else { 1.0 });
        let rows = all.min(of_entities);
        Estimate { rows, read: rows, distinct_e: facts, distinct_v: facts / per_value }
    }

    fn log_length(&self) -> f64 {
        self.snapshot.index().store().datoms_until(self.snapshot.stored_t()).unwrap_or(0) as f64
    }
}

fn estimate_from(lives: &Lives, scan: &Scan<'_>) -> Estimate {
    let all = lives.count(scan) as f64;
    let (distinct_e, distinct_v) = (lives.distinct_e() as f64, lives.distinct_v() as f64);
    let of_entities = scan.entities.map_or(1.0, |entities| (entities.len() as f64 / distinct_e.max(1.0)).min(1.0));
    let rows = all * of_entities;
    let is_looked_up = match scan.values {
        Values::Any | Values::Equal(_) => true,
        // Without the order by value all rows are looked at, or sorted first.
        Values::Among(_) => lives.pays_to_sort_by_value(),
        Values::Range(..) => scan.entities.is_some() || scan.within.is_some() || lives.is_picked(all as usize),
    };
    Estimate { rows, read: if is_looked_up { rows } else { lives.len() as f64 }, distinct_e, distinct_v }
}

/// Facts of several attributes, one below the other.
#[derive(Default)]
struct Joined {
    e: Vec<i64>,
    a: Vec<i64>,
    v: Vec<Value>,
    t: Vec<i64>,
    m: Vec<i64>,
    added: Vec<bool>,
}

impl Joined {
    fn append(&mut self, batch: &Batch, scan: &Scan<'_>) {
        let longs = |column: Option<&Column>| -> Slice<i64> {
            match column {
                Some(Column::Long(items)) => items.clone(),
                _ => Vec::new().into(),
            }
        };
        self.e.extend_from_slice(&longs(Some(&batch.e)));
        let places = scan.places;
        if places.a {
            self.a.extend_from_slice(&longs(batch.a.as_ref()));
        }
        if places.t {
            self.t.extend_from_slice(&longs(batch.t.as_ref()));
        }
        if places.m {
            self.m.extend_from_slice(&longs(batch.m.as_ref()));
        }
        if let (true, Some(v)) = (places.v, &batch.v) {
            self.v.extend((0..v.len()).map(|row| v.value(row)));
        }
        if let (true, Some(Column::Boolean(added))) = (places.added, &batch.added) {
            self.added.extend_from_slice(added);
        }
    }

    fn into_batch(self) -> Batch {
        let count = self.e.len();
        let whole = |items: Vec<i64>| (items.len() == count).then(|| Column::Long(items.into()));
        Batch {
            a: whole(self.a),
            v: (self.v.len() == count).then(|| Column::Value(self.v.into())),
            t: whole(self.t),
            m: whole(self.m),
            added: (self.added.len() == count).then(|| Column::Boolean(self.added.into())),
            e: Column::Long(self.e.into()),
        }
    }
}

pub(super) fn fact(datom: Datom) -> Fact {
    let Datom { e, a, v, t, added, m } = datom;
    Fact { e, a, v, t, m, added }
}

/// An error of the store, on its way through the engine.
pub(super) fn as_query_error(error: &Error) -> QueryError {
    match error.kind() {
        ErrorKind::Query(code) => passed_on(error, code),
        _ => passed_on(error, Code::Source),
    }
}

/// The same error as one of the engine, under this code.
pub(super) fn passed_on(error: &Error, code: Code) -> QueryError {
    let passed = QueryError::new(code, error.message());
    let passed = match error.value() {
        Some(value) => passed.with_value(value),
        None => passed,
    };
    match error.help() {
        Some(help) => passed.with_help(help),
        None => passed,
    }
}
