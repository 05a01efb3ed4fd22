//! Facts seen through one layer of a lens: facts themselves.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::budget::Budget;
use crate::error::Result;
use crate::facts::{Attribute, Batch, Estimate, Fact, Facts, Match, Places, Scan, Values};
use crate::nearest::nearest;
use crate::value::{Value, ValueType};

use super::layer::Layer;
use super::resolve::Names;
use super::table::{ALL_PLACES, SharedTable, Table, kept, stacked};

/// A range of a made attribute is guessed to hold one value in so many.
const GUESSED_RANGE_PART: f64 = 3.0;

/// Facts below, and what a layer makes of them.
pub(super) struct LensView {
    pub(super) below: Arc<dyn Facts>,
    pub(super) layer: Arc<Layer>,
    pub(super) names: Names,
    /// Attributes that were made whole once: the facts below never change.
    whole: Mutex<HashMap<i64, SharedTable>>,
}

impl fmt::Debug for LensView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LensView of {}", self.layer.title())
    }
}

impl LensView {
    /// Facts seen through a layer.
    pub(super) fn new(below: Arc<dyn Facts>, layer: Arc<Layer>) -> Self {
        let names = Names::of(&layer, below.as_ref());
        Self { below, layer, names, whole: Mutex::default() }
    }

    /// All facts of an attribute that the lens makes.
    pub(super) fn whole(&self, attribute: i64, budget: &Budget) -> Result<SharedTable> {
        if let Some(known) = self.known(attribute) {
            return Ok(known);
        }
        let table = Arc::new(self.made(attribute, None, budget)?);
        self.whole.lock().unwrap_or_else(PoisonError::into_inner).insert(attribute, Arc::clone(&table));
        Ok(table)
    }

    fn known(&self, attribute: i64) -> Option<SharedTable> {
        self.whole.lock().unwrap_or_else(PoisonError::into_inner).get(&attribute).map(Arc::clone)
    }

    /// The name of an attribute, for errors.
    pub(super) fn ident(&self, attribute: i64) -> Arc<str> {
        self.attribute_by_id(attribute).map_or_else(|| "db/id".into(), |attribute| Arc::clone(&attribute.ident))
    }

    /// The facts that a scan chooses of an attribute that the lens makes, touching only the entities that it must.
    fn scan_made(&self, attribute: i64, scan: &Scan<'_>, budget: &Budget) -> Result<Batch> {
        let table = match (self.known(attribute), scan.entities, scan.t) {
            (Some(known), ..) => known,
            (None, Some(entities), _) => Arc::new(self.made(attribute, Some(entities), budget)?),
            (None, None, Some(t)) => Arc::new(self.made(attribute, Some(&self.entities_of(attribute, t, budget)?), budget)?),
            (None, None, None) => self.whole(attribute, budget)?,
        };
        budget.spend_steps(table.len() as u64)?;
        Ok(table.batch(attribute, scan))
    }

    /// The entities of which a transaction said something that this attribute is made of.
    fn entities_of(&self, attribute: i64, t: i64, budget: &Budget) -> Result<Vec<i64>> {
        // The names of what is made here are said by no transaction below.
        let own_names = self.names.shown.keys().copied().filter(|id| *id < 0);
        let mut entities: Vec<i64> = own_names.filter(|_| self.names.is_names(attribute)).collect();
        for origin in self.origins(attribute) {
            let scan = Scan { attribute: Some(origin), t: Some(t), places: ALL_PLACES, ..Scan::default() };
            let own = self.names.made.contains_key(&origin) && origin != attribute;
            let batch = if own { self.scan_made(origin, &scan, budget)? } else { self.below.scan(&scan, budget)? };
            entities.extend_from_slice(&Table::of(batch).e);
        }
        entities.sort_unstable();
        entities.dedup();
        Ok(entities)
    }

    /// A scan of every attribute: what the lens makes takes the place of what is below.
    fn scan_all(&self, scan: &Scan<'_>, budget: &Budget) -> Result<Batch> {
        let Names { made, hidden, .. } = &self.names;
        if made.is_empty() && hidden.is_empty() {
            return self.below.scan(scan, budget);
        }
        let places = Places { a: true, ..scan.places };
        let below = self.below.scan(&Scan { places, ..scan.clone() }, budget)?;
        let attribute = |row: usize| below.a.as_ref().and_then(|ids| ids.value(row).as_long());
        let is_kept = |row: &usize| attribute(*row).is_none_or(|id| !made.contains_key(&id) && !hidden.contains(&id));
        let rows: Vec<u32> = (0..below.len()).filter(is_kept).map(|row| row as u32).collect();
        let mut parts = vec![kept(&below, &rows)];
        for id in made.keys().filter(|id| !hidden.contains(id)) {
            parts.push(self.scan_made(*id, &Scan { places, ..scan.clone() }, budget)?);
            budget.check_rows(parts.iter().map(Batch::len).sum())?;
        }
        Ok(stacked(&parts, places))
    }

    /// Who holds a value at the end of what is shown: in a history, whoever got it last and kept it.
    fn holder(&self, attribute: i64, value: &Value) -> Result<Option<i64>> {
        if value.as_items().is_some_and(|parts| parts.contains(&Value::Nil)) {
            return Ok(None);
        }
        let places = Places { a: false, ..ALL_PLACES };
        let scan = Scan { attribute: Some(attribute), values: Values::Equal(value), places, ..Scan::default() };
        let mut rows = Table::of(self.scan_made(attribute, &scan, &Budget::default())?);
        if self.is_history() {
            let mut order: Vec<u32> = (0..rows.len() as u32).collect();
            order.sort_by_key(|row| (rows.t[*row as usize], rows.added[*row as usize]));
            rows = rows.gather(&order);
            let is_last = |row: &usize| !rows.e[row + 1..].contains(&rows.e[*row]);
            return Ok((0..rows.len()).filter(is_last).find(|row| rows.added[*row]).map(|row| rows.e[row]));
        }
        Ok(rows.e.first().copied())
    }
}

impl Facts for LensView {
    fn attribute(&self, ident: &str) -> Option<Arc<Attribute>> {
        match self.names.by_name.get(ident) {
            Some(id) => self.attribute_by_id((*id)?),
            None => self.attribute_by_id(self.below.attribute(ident)?.id),
        }
    }

    fn attribute_by_id(&self, id: i64) -> Option<Arc<Attribute>> {
        if self.names.hidden.contains(&id) {
            return None;
        }
        self.names.shown.get(&id).map(Arc::clone).or_else(|| self.below.attribute_by_id(id))
    }

    fn type_of_values(&self, attribute: i64) -> Option<ValueType> {
        let Names { made, hidden, .. } = &self.names;
        if made.contains_key(&attribute) || hidden.contains(&attribute) {
            return self.attribute_by_id(attribute)?.value_type;
        }
        self.below.type_of_values(attribute)
    }

    fn value_near_end(&self, attribute: i64, is_greatest: bool, count: usize) -> Option<Value> {
        let Names { made, hidden, .. } = &self.names;
        let is_below = !made.contains_key(&attribute) && !hidden.contains(&attribute);
        is_below.then(|| self.below.value_near_end(attribute, is_greatest, count)).flatten()
    }

    fn entity_by_ident(&self, ident: &str) -> Result<Option<i64>> {
        match (self.names.by_name.get(ident), self.layer.renames.get(ident)) {
            (Some(Some(id)), _) => Ok(Some(*id)),
            (_, Some(stored)) => self.below.entity_by_ident(stored),
            (Some(None), None) => Ok(None),
            (None, None) => self.below.entity_by_ident(ident),
        }
    }

    fn ident_of(&self, entity: i64) -> Result<Option<Arc<str>>> {
        if let Some(attribute) = self.names.shown.get(&entity) {
            return Ok(Some(Arc::clone(&attribute.ident)));
        }
        if self.names.hidden.contains(&entity) {
            return Ok(None);
        }
        let ident = self.below.ident_of(entity)?;
        Ok(ident.map(|ident| self.names.renamed.get(&ident).map_or(ident, Arc::clone)))
    }

    fn lookup(&self, attribute: &Attribute, value: &Value) -> Result<Option<i64>> {
        if self.names.made.contains_key(&attribute.id) {
            return self.holder(attribute.id, value);
        }
        match self.below.attribute_by_id(attribute.id) {
            Some(below) => self.below.lookup(&below, value),
            None => Ok(None),
        }
    }

    fn names_near(&self, ident: &str) -> Vec<String> {
        let below = self.below.names_near(ident);
        let is_shown = |name: &&str| self.attribute(name).is_some();
        let candidates = self.names.by_name.keys().map(|name| &**name).chain(below.iter().map(String::as_str)).filter(is_shown);
        nearest(ident, candidates, 3).into_iter().map(str::to_owned).collect()
    }

    fn announce(&self, attributes: &[i64], budget: &Budget) -> Result<()> {
        let mut below: Vec<i64> = attributes.iter().flat_map(|attribute| self.origins(*attribute)).collect();
        below.sort_unstable();
        below.dedup();
        self.below.announce(&below, budget)
    }

    fn scan(&self, scan: &Scan<'_>, budget: &Budget) -> Result<Batch> {
        match scan.attribute {
            Some(id) if self.names.hidden.contains(&id) => Ok(Table::of_facts(Vec::new()).batch(id, scan)),
            Some(id) if self.names.made.contains_key(&id) => self.scan_made(id, scan, budget),
            Some(_) => self.below.scan(scan, budget),
            None => self.scan_all(scan, budget),
        }
    }

    fn estimate(&self, scan: &Scan<'_>) -> Estimate {
        let Some(id) = scan.attribute.filter(|id| self.names.made.contains_key(id)) else { return self.below.estimate(scan) };
        let any = |id: i64| self.below.estimate(&Scan { attribute: Some(id), values: Values::Any, ..scan.clone() });
        let of_origins = self.origins(id).into_iter().map(any);
        let none = Estimate { rows: 0.0, read: 0.0, distinct_e: 0.0, distinct_v: 0.0 };
        let most = of_origins.fold(none, |most, one| if one.rows > most.rows { one } else { most });
        let rows = match scan.values {
            Values::Any => most.rows,
            Values::Equal(_) => most.rows / most.distinct_v.max(1.0),
            Values::Among(wanted) => (most.rows / most.distinct_v.max(1.0) * wanted.len() as f64).min(most.rows),
            Values::Range(..) => most.rows / GUESSED_RANGE_PART,
        };
        // Whatever is wanted of it, all of it is made.
        Estimate { rows, ..most }
    }

    fn entity(&self, entity: i64, budget: &Budget) -> Result<Vec<Fact>> {
        let Names { made, hidden, .. } = &self.names;
        let mut facts = self.below.entity(entity, budget)?;
        facts.retain(|fact| !made.contains_key(&fact.a) && !hidden.contains(&fact.a));
        for id in made.keys().filter(|id| !hidden.contains(id)) {
            let table = self.made(*id, Some(&[entity]), budget)?;
            let is_reference = self.is_reference(*id);
            facts.extend((0..table.len()).map(|row| table.fact(row, *id)).map(|fact| match fact.v {
                Value::Long(target) if is_reference => Fact { v: Value::Ref(target), ..fact },
                _ => fact,
            }));
        }
        facts.sort_by(|a, b| a.a.cmp(&b.a).then_with(|| a.v.cmp(&b.v)));
        Ok(facts)
    }

    fn referrers(&self, entity: i64, attribute: i64, budget: &Budget) -> Result<Vec<i64>> {
        if !self.names.made.contains_key(&attribute) && !self.names.hidden.contains(&attribute) {
            return self.below.referrers(entity, attribute, budget);
        }
        if !self.is_reference(attribute) {
            return Ok(Vec::new());
        }
        let wanted = Value::Long(entity);
        let scan = Scan { attribute: Some(attribute), values: Values::Equal(&wanted), ..Scan::default() };
        Ok(Table::of(self.scan(&scan, budget)?).e.to_vec())
    }

    fn fulltext(&self, attribute: &Attribute, search: &str, budget: &Budget) -> Result<Vec<Match>> {
        let below = self.below.attribute_by_id(attribute.id).unwrap_or_else(|| Arc::new(attribute.clone()));
        let matches = self.below.fulltext(&below, search, budget)?;
        if !self.names.made.contains_key(&attribute.id) {
            return Ok(matches);
        }
        // The words are those of the text below; what is shown of it is what the lens makes.
        let mut entities: Vec<i64> = matches.iter().map(|found| found.e).collect();
        entities.sort_unstable();
        entities.dedup();
        let table = self.made(attribute.id, Some(&entities), budget)?;
        let shown = |found: Match| {
            let rows = table.rows_of(found.e).filter(|row| table.t[*row] == found.t).collect::<Vec<_>>();
            rows.into_iter().map(|row| Match { v: table.v.value(row), ..found.clone() }).collect::<Vec<_>>()
        };
        Ok(matches.into_iter().flat_map(shown).collect())
    }

    fn transactions(&self, from: &Value, until: &Value) -> Result<Vec<i64>> {
        self.below.transactions(from, until)
    }

    fn said(&self, t: i64, budget: &Budget) -> Result<Vec<Fact>> {
        let mut said = self.below.said(t, budget)?;
        said.retain(|fact| !self.names.hidden.contains(&fact.a));
        let (made, mut shown): (Vec<Fact>, Vec<Fact>) = said.into_iter().partition(|fact| self.names.made.contains_key(&fact.a));
        let mut by_attribute: BTreeMap<i64, Vec<Fact>> = BTreeMap::new();
        for fact in made {
            by_attribute.entry(fact.a).or_default().push(fact);
        }
        for (attribute, facts) in by_attribute {
            shown.extend(self.reread(attribute, facts, budget)?);
        }
        Ok(shown)
    }

    fn is_history(&self) -> bool {
        self.below.is_history()
    }
}
