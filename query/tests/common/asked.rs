//! Facts that note what they are asked, and can have a stamp.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use annals_query::{Attribute, Batch, Budget, Estimate, Fact, Facts, Places, Result, Scan, Value};

use super::memory::MemoryFacts;

/// Other facts, and what they were asked.
#[derive(Debug)]
pub(crate) struct AskedFacts {
    facts: MemoryFacts,
    stamp: Option<u64>,
    asked: Mutex<Vec<String>>,
}

impl AskedFacts {
    pub(crate) fn new(facts: MemoryFacts, stamp: Option<u64>) -> Arc<Self> {
        Arc::new(Self { facts, stamp, asked: Mutex::default() })
    }

    /// What was asked since this was asked last: `name` for the meaning of a name, and for each scan the attribute and the first letters of the
    /// places wanted beside the entity, as `:age v`.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, text: impl Into<String>) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(text.into());
    }
}

impl Facts for AskedFacts {
    fn attribute(&self, ident: &str) -> Option<Arc<Attribute>> {
        self.note("name");
        self.facts.attribute(ident)
    }

    fn attribute_by_id(&self, id: i64) -> Option<Arc<Attribute>> {
        self.facts.attribute_by_id(id)
    }

    fn entity_by_ident(&self, ident: &str) -> Result<Option<i64>> {
        self.note("name");
        self.facts.entity_by_ident(ident)
    }

    fn ident_of(&self, entity: i64) -> Result<Option<Arc<str>>> {
        self.facts.ident_of(entity)
    }

    fn lookup(&self, attribute: &Attribute, value: &Value) -> Result<Option<i64>> {
        self.facts.lookup(attribute, value)
    }

    fn names_near(&self, ident: &str) -> Vec<String> {
        self.facts.names_near(ident)
    }

    fn announce(&self, attributes: &[i64], _: &Budget) -> Result<()> {
        self.note(format!("announced {attributes:?}"));
        Ok(())
    }

    fn scan(&self, scan: &Scan<'_>, budget: &Budget) -> Result<Batch> {
        let attribute = scan.attribute.and_then(|id| self.attribute_by_id(id));
        let mut text = attribute.map_or_else(|| "all".to_owned(), |attribute| format!(":{}", attribute.ident));
        let Places { a, v, t, m, added } = scan.places;
        for (place, _) in [('a', a), ('v', v), ('t', t), ('m', m), ('+', added)].into_iter().filter(|(_, is_wanted)| *is_wanted) {
            write!(text, " {place}").expect("text grows");
        }
        self.note(text);
        self.facts.scan(scan, budget)
    }

    fn stamp(&self) -> Option<u64> {
        self.stamp
    }

    fn estimate(&self, scan: &Scan<'_>) -> Estimate {
        self.facts.estimate(scan)
    }

    fn entity(&self, entity: i64, budget: &Budget) -> Result<Vec<Fact>> {
        self.facts.entity(entity, budget)
    }

    fn referrers(&self, entity: i64, attribute: i64, budget: &Budget) -> Result<Vec<i64>> {
        self.facts.referrers(entity, attribute, budget)
    }

    fn is_history(&self) -> bool {
        self.facts.is_history()
    }
}
