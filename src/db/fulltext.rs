//! Texts found by their words.

use annals_query::{Attribute, Budget, Code, Error as QueryError, Match, Scan, Value};

use super::Db;
use super::facts::as_query_error;
use crate::datom::Datom;
use crate::error::Result;
use crate::index::Life;
use crate::words::{Search, Tally, Words, rank};

/// Reading the facts of one entity from the store takes about as long as reading so many datoms of the log into columns.
const DATOMS_PER_POINT_READ: i64 = 80;

/// Steps of a budget that a row of the index of words costs.
const STEPS_PER_ROW: u64 = 8;

/// Bytes of text that cost a step.
const BYTES_PER_STEP: usize = 16;

impl Db {
    /// The facts that the view shows whose text has the words of a search, the best first; of a history, the additions.
    ///
    /// The index of words tells which entities to look at, and what only this value knows is looked at too. Whether a text is found is
    /// decided by the text itself, so an index that is missing or damaged costs time, and no answer.
    pub(super) fn found_by_words(
        &self,
        attribute: &Attribute,
        search: &str,
        budget: &Budget,
    ) -> annals_query::Result<Vec<Match>> {
        let is_fulltext = |id: i64| self.snapshot.schema().declaration(id).is_some_and(|declaration| declaration.is_fulltext);
        if !is_fulltext(attribute.id) {
            let message = format!("the words of :{} are not indexed", attribute.ident);
            let declaration = format!("[{{:db/ident :{} :db/fulltext true}}]", attribute.ident);
            return Err(QueryError::new(Code::NotFulltext, message)
                .with_value(Value::from(search))
                .with_help(format!("transact {declaration}, at any time; or match with like or re-find")));
        }
        let search = Search::read(search)?;
        let entities = self.entities_with_words(attribute.id, &search, budget).map_err(|error| as_query_error(&error))?;
        let mut found: Vec<(Datom, Tally)> = Vec::new();
        let mut words = Words::default();
        self.each_life(attribute.id, entities.as_deref(), |life| {
            let Value::String(text) = &life.v else { return Ok(()) };
            budget.spend_steps((text.len() / BYTES_PER_STEP + 1) as u64)?;
            words.read(text);
            let Some(counts) = search.counts(&words) else { return Ok(()) };
            let shown = self.view.datoms_of(attribute.id, life).filter(|datom| datom.added);
            found.extend(shown.map(|datom| (datom, Tally { counts: counts.clone(), words: words.len() })));
            Ok(budget.check_rows(found.len())?)
        })
        .map_err(|error| as_query_error(&error))?;
        self.ranked(&search, found).map_err(|error| as_query_error(&error))
    }

    /// The entities of which some text may have the words, ascending; nothing if the index of words does not know.
    fn entities_with_words(&self, attribute: i64, search: &Search, budget: &Budget) -> Result<Option<Vec<i64>>> {
        let mut entities = Vec::new();
        let reader = self.snapshot.index().store().reader()?;
        let is_known = reader.entities_with_words(attribute, &search.to_match(), self.snapshot.stored_t(), |entity| {
            entities.push(entity);
            Ok(budget.spend_steps(STEPS_PER_ROW)?)
        })?;
        if !is_known {
            return Ok(None);
        }
        let novelty = self.snapshot.novelty().attribute(attribute);
        entities.extend(novelty.into_iter().flat_map(|novelty| novelty.iter().map(|datom| datom.e)));
        entities.sort_unstable();
        entities.dedup();
        Ok(Some(entities))
    }

    /// Hands out the lives of an attribute, of these entities or of all.
    fn each_life(&self, attribute: i64, entities: Option<&[i64]>, mut take: impl FnMut(&Life) -> Result<()>) -> Result<()> {
        let index = self.snapshot.index();
        if let Some(entities) = entities.filter(|_| !index.has(attribute)) {
            let log_length = index.store().datoms_until(self.snapshot.stored_t())?;
            if entities.len() as i64 * DATOMS_PER_POINT_READ <= log_length {
                let mut lives = entities.iter().map(|entity| self.snapshot.lives_of(*entity, attribute));
                return lives.try_for_each(|lives| lives?.iter().try_for_each(&mut take));
            }
        }
        let scan = Scan { attribute: Some(attribute), entities, ..Scan::default() };
        let lives = self.snapshot.lives(attribute, &scan, &Budget::default())?;
        lives.select(&scan).iter().try_for_each(|row| take(&lives.life(row)))
    }

    fn ranked(&self, search: &Search, found: Vec<(Datom, Tally)>) -> Result<Vec<Match>> {
        let (datoms, tallies): (Vec<Datom>, Vec<Tally>) = found.into_iter().unzip();
        let until = self.until_t();
        let stored = self.snapshot.index().store().datoms_until(until.min(self.snapshot.stored_t()))?;
        let own = self.snapshot.novelty().iter().filter(|datom| datom.t <= until).count();
        let scores = rank(search, &tallies, stored as usize + own);
        let mut matches: Vec<Match> =
            datoms.into_iter().zip(scores).map(|(Datom { e, v, t, .. }, score)| Match { e, v, t, score }).collect();
        matches.sort_by(|left, right| {
            let better = right.score.total_cmp(&left.score);
            better.then_with(|| left.e.cmp(&right.e)).then_with(|| left.t.cmp(&right.t)).then_with(|| left.v.cmp(&right.v))
        });
        Ok(matches)
    }
}
