//! The queries that were asked lately of one connection's values, by their text: who asks again need not prepare.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::prepared::Prepared;
use crate::error::Result;
use crate::limits::{LIMIT_RECENT_QUERIES, LIMIT_RECENT_QUERY_BYTES};

/// Queries by their text, as many as the limits allow; the one asked longest ago goes first.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<Queries>);

#[derive(Debug, Default)]
struct Queries {
    /// With the moment when each was asked last, counted in questions.
    known: HashMap<Arc<str>, (Prepared, u64)>,
    asked: u64,
}

impl Recent {
    /// The query of this text: known, or read now.
    pub(super) fn prepared(&self, text: &str) -> Result<Prepared> {
        if text.len() > LIMIT_RECENT_QUERY_BYTES {
            return Prepared::read(text);
        }
        if let Some(known) = self.known(text) {
            return Ok(known);
        }
        let prepared = Prepared::read(text)?;
        self.keep(text, prepared.clone());
        Ok(prepared)
    }

    fn known(&self, text: &str) -> Option<Prepared> {
        let mut queries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queries.asked += 1;
        let now = queries.asked;
        let (prepared, asked) = queries.known.get_mut(text)?;
        *asked = now;
        Some(prepared.clone())
    }

    fn keep(&self, text: &str, prepared: Prepared) {
        let mut queries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = queries.asked;
        if queries.known.len() >= LIMIT_RECENT_QUERIES {
            // Half at once, so that a program that never asks twice pays for a search through all of them only now and then.
            let mut moments: Vec<u64> = queries.known.values().map(|(_, asked)| *asked).collect();
            let middle = moments.len() / 2;
            let (_, border, _) = moments.select_nth_unstable(middle);
            let border = *border;
            queries.known.retain(|_, (_, asked)| *asked > border);
        }
        queries.known.insert(text.into(), (prepared, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(recent: &Recent) -> usize {
        recent.0.lock().expect("nobody panicked").known.len()
    }

    #[test]
    fn a_query_that_is_asked_often_stays_and_the_others_go() {
        let recent = Recent::default();
        let often = "[:find ?x :where [?x :often]]";
        let first = recent.prepared(often).expect("a query");
        for n in 0..10 * LIMIT_RECENT_QUERIES {
            recent.prepared(&format!("[:find ?x :where [?x :once {n}]]")).expect("a query");
            assert!(std::ptr::eq(recent.prepared(often).expect("a query").text(), first.text()), "after {n}");
            assert!(count(&recent) <= LIMIT_RECENT_QUERIES);
        }
    }

    #[test]
    fn a_long_text_is_read_each_time_and_not_kept() {
        let recent = Recent::default();
        let long = format!("[:find ?x :where [?x :a {:?}]]", "x".repeat(LIMIT_RECENT_QUERY_BYTES));
        recent.prepared(&long).expect("a query");
        assert_eq!(count(&recent), 0);
        assert!(recent.prepared("[:find").is_err() && count(&recent) == 0);
    }
}
