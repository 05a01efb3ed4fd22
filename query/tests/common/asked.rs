//! Facts that note what they are asked, can have a stamp, and hold all their texts in one dictionary.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use annals_query::{Attribute, Batch, Budget, Column, Estimate, Fact, Facts, Places, Result, Scan, Value};

use super::memory::MemoryFacts;

/// Other facts, and what they were asked.
#[derive(Debug)]
pub(crate) struct AskedFacts {
    facts: MemoryFacts,
    stamp: Option<u64>,
    asked: Mutex<Vec<String>>,
    /// Every text that is a value, ascending, and some more.
    texts: Arc<Vec<Arc<str>>>,
}

impl AskedFacts {
    pub(crate) fn new(facts: MemoryFacts, stamp: Option<u64>) -> Arc<Self> {
        let texts = facts.shown().iter().filter_map(|fact| fact.v.as_text()).map(Arc::from);
        let mut texts: Vec<Arc<str>> = texts.chain((0..10).map(|n| format!("nobody's {n}").into())).collect();
        texts.sort_unstable();
        texts.dedup();
        Arc::new(Self { facts, stamp, asked: Mutex::default(), texts: Arc::new(texts) })
    }

    fn in_one_dictionary(&self, column: Column) -> Column {
        let Column::Text(kind, texts, codes) = column else { return column };
        let code = |text: &Arc<str>| self.texts.binary_search(text).expect("every text is in it") as u32;
        let codes: Vec<u32> = codes.iter().map(|own| code(&texts[*own as usize])).collect();
        Column::Text(kind, Arc::clone(&self.texts), codes.into())
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
        let batch = self.facts.scan(scan, budget)?;
        Ok(Batch { v: batch.v.map(|column| self.in_one_dictionary(column)), ..batch })
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
