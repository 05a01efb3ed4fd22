//! How columns come to be: from files beside the store, where there are any, and from the log.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use annals_query::Budget;

use super::cache::{Index, locked};
use super::cached::Cached;
use super::lives::Lives;
use super::state::State;
use super::stored::STEPS_PER_ROW;
use crate::columns::{Chain, Events, Refusal, Table};
use crate::datom::Datom;
use crate::error::Result;

/// Datoms of the log held while they wait for their columns: a reader that slept through a million lines takes them in part by part.
const LIMIT_HELD_DATOMS: usize = 1 << 18;

/// Reading a datom of the log costs about as much as so many steps of a loop over columns.
pub(super) const STEPS_PER_DATOM: u64 = 32;

impl Index {
    /// What is on disk, brought up to date first if the log has grown much longer.
    pub(super) fn kept_up(&self, t: i64, budget: &Budget) -> Result<Arc<Chain>> {
        let datoms = self.store.datoms_until(t)?;
        let is_near = |chain: &Chain| datoms - chain.datoms() < self.tuning.disk_tail_datoms;
        let chain = self.columns.chain(&self.store)?;
        if datoms < self.tuning.disk_datoms || is_near(&chain) {
            return Ok(chain);
        }
        let chain = self.columns.look(&self.store)?;
        if is_near(&chain) {
            return Ok(chain);
        }
        self.columns.build(&self.store, t, self.tuning.sizes(), budget)?;
        self.columns.chain(&self.store)
    }

    /// Takes in what was said from where the state ends to `t`: from the log, unless this process has just said it.
    pub(super) fn advance(&self, state: &mut State, t: i64, budget: &Budget) -> Result<()> {
        if t <= state.t {
            return Ok(());
        }
        let attributes: Vec<i64> = state.attributes.keys().chain(state.stored.keys()).copied().collect();
        let mut later: HashMap<i64, Vec<Datom>> = HashMap::new();
        let mut held = 0;
        if let Some(said) = self.said.between(state.t, t) {
            for datom in said {
                later.entry(datom.a).or_default().push(datom);
            }
        } else if !attributes.is_empty() {
            self.store.log(state.t, t, Some(&attributes), |datom| {
                budget.spend_steps(STEPS_PER_DATOM)?;
                later.entry(datom.a).or_default().push(datom);
                held += 1;
                if held == LIMIT_HELD_DATOMS {
                    held = 0;
                    state.append(&mut later, &self.tuning);
                }
                Ok(())
            })?;
        }
        state.append(&mut later, &self.tuning);
        state.t = t;
        Ok(())
    }

    /// Builds the columns of an attribute, and of all others that are wanted, in one pass over the log.
    pub(super) fn build(&self, state: &mut State, attribute: i64, budget: &Budget) -> Result<()> {
        let wanted = std::mem::take(&mut *locked(&self.wanted));
        let built = self.build_all(state, attribute, wanted.iter().copied().chain([attribute]).collect(), budget);
        if built.is_err() {
            locked(&self.wanted).extend(wanted);
        }
        built
    }

    fn build_all(&self, state: &mut State, attribute: i64, mut attributes: BTreeSet<i64>, budget: &Budget) -> Result<()> {
        attributes.retain(|attribute| !state.attributes.contains_key(attribute));
        let mut chain = self.kept_up(state.t, budget)?;
        self.advance(state, chain.until_t(), budget)?;
        if chain.until_t() > 0 {
            // Each attribute is read by itself, when it is wanted.
            locked(&self.wanted).extend(attributes.iter().filter(|other| **other != attribute));
            attributes = BTreeSet::from([attribute]);
        }
        let mut tables: HashMap<i64, Table> = HashMap::new();
        for &attribute in &attributes {
            match chain.load(attribute, |rows| budget.spend_steps(rows as u64 * STEPS_PER_ROW)) {
                Ok(table) => drop(tables.insert(attribute, table)),
                Err(Refusal::Stopped(error)) => return Err(error.into()),
                Err(Refusal::Damaged) => {
                    state.stored.clear();
                    self.columns.discard(&chain);
                    chain = Arc::default();
                    tables.clear();
                    break;
                }
            }
        }
        let mut later = self.events(chain.until_t(), state.t, attributes, budget)?;
        for (attribute, events) in later.drain() {
            budget.look()?;
            let newer = events.into_table(chain.until_t() > 0);
            let table = match tables.get(&attribute) {
                Some(table) => table.followed_by(&newer).begun(),
                None => newer,
            };
            let mut lives = Lives::from(table);
            for other in state.attributes.values() {
                lives.share(&other.lives);
            }
            state.attributes.insert(attribute, Cached::new(lives));
        }
        Ok(())
    }

    /// What the log says of attributes after `after_t` up to `until_t`.
    fn events(&self, after_t: i64, until_t: i64, attributes: BTreeSet<i64>, budget: &Budget) -> Result<HashMap<i64, Events>> {
        let attributes: Vec<i64> = attributes.into_iter().collect();
        let mut events: HashMap<i64, Events> = attributes.iter().map(|&attribute| (attribute, Events::default())).collect();
        self.store.log(after_t, until_t, Some(&attributes), |datom| {
            budget.spend_steps(STEPS_PER_DATOM)?;
            events.entry(datom.a).or_default().push(&datom);
            Ok(())
        })?;
        Ok(events)
    }
}
