//! What random programs are made for: attributes, and worlds of facts in which they occur.

use std::sync::Arc;

use super::super::memory::MemoryFacts;
use super::Random;
use super::history::{self, Field, UNIQUE};

/// Attributes, facts and moments that a program can speak of.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Attributes by name.
    pub(crate) fields: Vec<Field>,
    /// Facts: a history, and what might be beside it.
    pub(crate) worlds: Vec<Arc<MemoryFacts>>,
    /// The ids of entities.
    pub(crate) entities: Arc<[i64]>,
    /// The first and the last transaction that say something.
    pub(crate) transactions: (i64, i64),
    /// Names of entities as written, and one that names nothing.
    pub(crate) names: Vec<String>,
    /// Lookup references as written; some lead nowhere.
    pub(crate) lookups: Vec<String>,
}

impl Setting {
    /// A random history in memory.
    pub(crate) fn in_memory(random: &mut Random) -> Self {
        let entities: Arc<[i64]> = if random.percent(4) { (1..=40).collect() } else { (1..=8).collect() };
        random.about(&entities);
        let fields = history::schema(random);
        let facts = Arc::new(history::history(random, &fields));
        Self {
            fields,
            worlds: vec![facts],
            entities,
            transactions: (1, 20),
            names: [":one", ":two", ":nobody"].map(str::to_owned).to_vec(),
            lookups: ["a", "b", "c", "nobody"].map(|id| format!("[:{UNIQUE} {id:?}]")).to_vec(),
        }
    }
}
