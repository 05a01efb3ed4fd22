//! The columns that are there, and how they keep up with the log.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::Duration;

use annals_query::Budget;

use super::events::Events;
use super::lives::Lives;
use super::novelty::AttributeNovelty;
use super::tuning::Tuning;
use crate::datom::Datom;
use crate::error::Result;
use crate::store::Store;

/// Datoms of the log held while they wait for their columns: a reader that slept through a million lines takes them in part by part.
const LIMIT_HELD_DATOMS: usize = 1 << 18;

/// Reading a datom of the log costs about as much as so many steps of a loop over columns.
const STEPS_PER_DATOM: u64 = 32;

/// How long one who waits for columns that another builds sleeps between two looks: much less than building takes.
const WAIT_STEP: Duration = Duration::from_micros(200);

/// Columns of one attribute, and the datoms after them.
#[derive(Clone, Debug)]
pub(crate) struct Cached {
    /// The columns.
    pub(crate) lives: Arc<Lives>,
    /// The datoms after them.
    pub(crate) tail: AttributeNovelty,
}

/// Everything in memory: all attributes know the log up to the same t.
#[derive(Clone, Debug, Default)]
struct State {
    t: i64,
    attributes: HashMap<i64, Cached>,
}

/// Columns of one store.
#[derive(Debug)]
pub(crate) struct Index {
    store: Arc<Store>,
    tuning: Tuning,
    state: RwLock<Arc<State>>,
    /// Held while the state is being replaced, so that two readers do not do the same work.
    replacing: Mutex<()>,
    /// Attributes that somebody is about to scan: fetched along when the log has to be read anyway.
    wanted: Mutex<BTreeSet<i64>>,
}

impl Index {
    /// No columns yet.
    pub(crate) fn new(store: Arc<Store>, tuning: Tuning) -> Self {
        Self { store, tuning, state: RwLock::default(), replacing: Mutex::default(), wanted: Mutex::default() }
    }

    /// The store below.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// When facts become columns.
    pub(crate) fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    /// Says that these attributes are about to be scanned.
    pub(crate) fn want(&self, attributes: impl IntoIterator<Item = i64>) {
        let state = self.state();
        let missing = attributes.into_iter().filter(|attribute| !state.attributes.contains_key(attribute));
        locked(&self.wanted).extend(missing);
    }

    /// True if there are columns of an attribute.
    pub(crate) fn has(&self, attribute: i64) -> bool {
        self.state().attributes.contains_key(&attribute)
    }

    /// The columns of an attribute, however old, if there are any: for estimates.
    pub(crate) fn known(&self, attribute: i64) -> Option<Arc<Lives>> {
        self.state().attributes.get(&attribute).map(|cached| Arc::clone(&cached.lives))
    }

    /// The columns of an attribute, with everything up to `t`, if there are any.
    pub(crate) fn cached(&self, attribute: i64, t: i64, budget: &Budget) -> Result<Option<Cached>> {
        let state = self.state();
        match state.attributes.get(&attribute) {
            Some(cached) if state.t >= t => Ok(Some(cached.clone())),
            Some(_) => self.column(attribute, t, budget).map(Some),
            None => Ok(None),
        }
    }

    /// The columns of an attribute with everything up to `t`, built if need be.
    pub(crate) fn column(&self, attribute: i64, t: i64, budget: &Budget) -> Result<Cached> {
        let is_ready = |state: &State| state.attributes.get(&attribute).filter(|_| state.t >= t).cloned();
        if let Some(cached) = is_ready(&self.state()) {
            return Ok(cached);
        }
        let guard = self.replacing(budget)?;
        let state = self.state();
        if let Some(cached) = is_ready(&state) {
            return Ok(cached);
        }
        let mut next = State::clone(&state);
        self.advance(&mut next, t, budget)?;
        if !next.attributes.contains_key(&attribute) {
            self.build(&mut next, attribute, budget)?;
        }
        let cached = next.attributes[&attribute].clone();
        self.replace(next);
        drop(guard);
        Ok(cached)
    }

    /// The columns of an attribute with everything up to `t`, nothing beside them.
    pub(crate) fn whole(&self, attribute: i64, t: i64, budget: &Budget) -> Result<Arc<Lives>> {
        let cached = self.column(attribute, t, budget)?;
        if cached.tail.is_empty() {
            return Ok(cached.lives);
        }
        let guard = self.replacing(budget)?;
        let mut next = State::clone(&self.state());
        let cached = next.attributes.get_mut(&attribute).expect("columns that were there stay there");
        if !cached.tail.is_empty() {
            *cached = cached.merged();
        }
        let lives = Arc::clone(&cached.lives);
        self.replace(next);
        drop(guard);
        Ok(lives)
    }

    /// The right to replace the state. Whoever has it may be building for long, so that one who waits looks at his own time.
    fn replacing(&self, budget: &Budget) -> Result<MutexGuard<'_, ()>> {
        loop {
            match self.replacing.try_lock() {
                Ok(guard) => return Ok(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => {
                    budget.look()?;
                    std::thread::sleep(WAIT_STEP);
                }
            }
        }
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, next: State) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }

    /// Reads the log from where the state ends to `t`.
    fn advance(&self, state: &mut State, t: i64, budget: &Budget) -> Result<()> {
        if t <= state.t {
            return Ok(());
        }
        let attributes: Vec<i64> = state.attributes.keys().copied().collect();
        let mut later: HashMap<i64, Vec<Datom>> = HashMap::new();
        let mut held = 0;
        if !attributes.is_empty() {
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
    fn build(&self, state: &mut State, attribute: i64, budget: &Budget) -> Result<()> {
        let wanted = std::mem::take(&mut *locked(&self.wanted));
        let built = self.build_all(state, wanted.iter().copied().chain([attribute]).collect(), budget);
        if built.is_err() {
            locked(&self.wanted).extend(wanted);
        }
        built
    }

    fn build_all(&self, state: &mut State, mut attributes: BTreeSet<i64>, budget: &Budget) -> Result<()> {
        attributes.retain(|attribute| !state.attributes.contains_key(attribute));
        let attributes: Vec<i64> = attributes.into_iter().collect();
        let mut events: HashMap<i64, Events> = attributes.iter().map(|&attribute| (attribute, Events::default())).collect();
        self.store.log(0, state.t, Some(&attributes), |datom| {
            budget.spend_steps(STEPS_PER_DATOM)?;
            events.entry(datom.a).or_default().push(&datom);
            Ok(())
        })?;
        for (attribute, events) in events {
            budget.look()?;
            let mut lives = events.into_lives();
            for other in state.attributes.values() {
                lives.share(&other.lives);
            }
            state.attributes.insert(attribute, Cached { lives: Arc::new(lives), tail: AttributeNovelty::default() });
        }
        Ok(())
    }
}

impl State {
    /// Takes in datoms of attributes that have columns.
    fn append(&mut self, later: &mut HashMap<i64, Vec<Datom>>, tuning: &Tuning) {
        for (attribute, datoms) in later.drain() {
            let cached = self.attributes.get_mut(&attribute).expect("only datoms of these attributes were asked for");
            cached.append(&datoms, tuning);
        }
    }
}

impl Cached {
    /// Takes in datoms of the log, and merges when many have come together.
    fn append(&mut self, datoms: &[Datom], tuning: &Tuning) {
        let limit = tuning.tail_datoms.max(self.lives.len() / tuning.rows_per_tail_datom.max(1));
        if self.tail.len() + datoms.len() <= limit {
            for datom in datoms {
                self.tail.insert(datom);
            }
            return;
        }
        let mut events: Vec<&Datom> = self.tail.iter().chain(datoms).collect();
        events.sort_unstable();
        *self = Self { lives: Arc::new(self.lives.continued(&events)), tail: AttributeNovelty::default() };
    }

    /// Everything in columns.
    fn merged(&self) -> Self {
        let events: Vec<&Datom> = self.tail.iter().collect();
        Self { lives: Arc::new(self.lives.continued(&events)), tail: AttributeNovelty::default() }
    }
}

/// The lock, also after a panic elsewhere: what it guards is replaced as a whole, never half changed.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
