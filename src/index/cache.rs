//! The columns that are there, and how they keep up with the log.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::Duration;

use annals_query::{Budget, Scan};

use super::lives::Lives;
use super::novelty::AttributeNovelty;
use super::points::Points;
use super::stored::{STEPS_PER_ROW, Stored};
use super::tuning::Tuning;
use crate::columns::{Chain, Columns, Events, Refusal, Table};
use crate::datom::Datom;
use crate::error::Result;
use crate::store::Store;

/// Datoms of the log held while they wait for their columns: a reader that slept through a million lines takes them in part by part.
const LIMIT_HELD_DATOMS: usize = 1 << 18;

/// Reading a datom of the log costs about as much as so many steps of a loop over columns.
const STEPS_PER_DATOM: u64 = 32;

/// How long one who waits for columns that another builds sleeps between two looks: much less than building takes.
const WAIT_STEP: Duration = Duration::from_micros(200);

/// Reading so many rows of columns on disk costs about as much as reading a datom of the log.
const ROWS_PER_DATOM: u64 = 8;

/// About how many bytes of memory a row of columns takes.
const BYTES_PER_ROW: u64 = 40;

/// Columns of one attribute, and the datoms after them.
#[derive(Clone, Debug)]
pub(crate) struct Cached {
    /// The columns.
    pub(crate) lives: Arc<Lives>,
    /// The datoms after them.
    pub(crate) tail: AttributeNovelty,
    /// When they were asked for last, by the index's own clock.
    used: Arc<AtomicU64>,
}

/// Everything in memory: all attributes know the log up to the same t.
#[derive(Clone, Debug, Default)]
struct State {
    t: i64,
    attributes: HashMap<i64, Cached>,
    /// Attributes whose columns are read from disk, block by block.
    stored: HashMap<i64, Stored>,
}

/// Columns of one store.
#[derive(Debug)]
pub(crate) struct Index {
    store: Arc<Store>,
    columns: Columns,
    tuning: Tuning,
    state: RwLock<Arc<State>>,
    /// Held while the state is being replaced, so that two readers do not do the same work.
    replacing: Mutex<()>,
    /// Attributes that somebody is about to scan: fetched along when the log has to be read anyway.
    wanted: Mutex<BTreeSet<i64>>,
    /// Counts requests for columns.
    clock: AtomicU64,
    /// What was read of attributes that have no columns.
    points: Points,
}

impl Index {
    /// No columns yet.
    pub(crate) fn new(store: Arc<Store>, tuning: Tuning) -> Self {
        let (state, replacing, wanted, clock) = (RwLock::default(), Mutex::default(), Mutex::default(), AtomicU64::new(0));
        let points = Points::default();
        Self { columns: Columns::beside(&store), store, tuning, state, replacing, wanted, clock, points }
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

    /// What is on disk, if anything is: for estimates.
    pub(crate) fn chain(&self) -> Option<Arc<Chain>> {
        self.columns.chain(&self.store).ok().filter(|chain| chain.until_t() > 0)
    }

    /// The columns of an attribute, with everything up to `t`, if there are any.
    pub(crate) fn cached(&self, attribute: i64, t: i64, budget: &Budget) -> Result<Option<Cached>> {
        let state = self.state();
        match state.attributes.get(&attribute) {
            Some(cached) if state.t >= t => Ok(Some(self.touched(cached))),
            Some(_) => self.column(attribute, t, budget).map(Some),
            None => Ok(None),
        }
    }

    /// The columns of an attribute, if they are there and know everything up to `t` already.
    pub(crate) fn fresh(&self, attribute: i64, t: i64) -> Option<Cached> {
        let state = self.state();
        state.attributes.get(&attribute).filter(|_| state.t >= t).map(|cached| self.touched(cached))
    }

    /// Says that a point of an attribute was read from the store, which found so many lives.
    pub(crate) fn point_read(&self, attribute: i64, found: usize) {
        self.points.read(attribute, found);
    }

    /// True if so many points of an attribute were read that columns would serve better.
    pub(crate) fn deserves_columns(&self, attribute: i64, t: i64) -> Result<bool> {
        self.points.deserve_columns(attribute, self.tuning.point_share, || {
            let datoms = self.store.datoms_until(t)? as u64;
            let Some(chain) = self.chain() else { return Ok(datoms) };
            let rows = chain.rows(attribute);
            if rows * BYTES_PER_ROW > self.tuning.cache_bytes {
                return Ok(u64::MAX);
            }
            Ok(rows / ROWS_PER_DATOM + datoms.saturating_sub(chain.datoms() as u64))
        })
    }

    /// The columns of an attribute with everything up to `t`, built if need be.
    pub(crate) fn column(&self, attribute: i64, t: i64, budget: &Budget) -> Result<Cached> {
        let ready = |state: &State| state.attributes.get(&attribute).filter(|_| state.t >= t).map(|cached| self.touched(cached));
        if let Some(cached) = ready(&self.state()) {
            return Ok(cached);
        }
        let guard = self.replacing(budget)?;
        let state = self.state();
        if let Some(cached) = ready(&state) {
            return Ok(cached);
        }
        let mut next = State::clone(&state);
        self.advance(&mut next, t, budget)?;
        if !next.attributes.contains_key(&attribute) {
            self.build(&mut next, attribute, budget)?;
        }
        let cached = self.touched(&next.attributes[&attribute]);
        next.stored.remove(&attribute);
        next.shrink(self.tuning.cache_bytes, attribute);
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
        let Some(known) = next.attributes.get_mut(&attribute) else { return Ok(cached.merged().lives) };
        if !known.tail.is_empty() {
            *known = known.merged();
        }
        let lives = Arc::clone(&known.lives);
        self.replace(next);
        drop(guard);
        Ok(lives)
    }

    /// What a scan's entities and values select of an attribute up to `t`, read from disk, and the attribute's datoms after that; nothing
    /// if there are no columns on disk, or if the columns in memory serve better.
    pub(crate) fn picked(
        &self,
        attribute: i64,
        scan: &Scan<'_>,
        t: i64,
        budget: &Budget,
    ) -> Result<Option<(Lives, AttributeNovelty)>> {
        let Some(stored) = self.stored(attribute, t, budget)? else { return Ok(None) };
        let fits_in_memory = stored.chain.rows(attribute) * BYTES_PER_ROW <= self.tuning.cache_bytes;
        match stored.pick(attribute, scan, fits_in_memory.then_some(self.tuning.point_share), budget) {
            Ok(lives) => Ok(lives.map(|lives| (lives, stored.tail))),
            Err(Refusal::Stopped(error)) => Err(error.into()),
            Err(Refusal::Damaged) => {
                let _guard = self.replacing(budget)?;
                let mut next = State::clone(&self.state());
                next.stored.clear();
                self.replace(next);
                self.columns.discard(&stored.chain);
                Ok(None)
            }
        }
    }

    /// The columns of an attribute on disk and what the log says after them, up to `t`.
    fn stored(&self, attribute: i64, t: i64, budget: &Budget) -> Result<Option<Stored>> {
        let ready = |state: &State| state.stored.get(&attribute).filter(|_| state.t >= t).cloned();
        if let Some(stored) = ready(&self.state()) {
            return Ok(Some(stored));
        }
        let guard = self.replacing(budget)?;
        let mut next = State::clone(&self.state());
        self.advance(&mut next, t, budget)?;
        if let Some(stored) = ready(&next) {
            self.replace(next);
            return Ok(Some(stored));
        }
        let chain = self.kept_up(t, budget)?;
        let later = self.store.datoms_until(t)? - chain.datoms();
        if chain.until_t() == 0 || later > self.tuning.disk_tail_datoms.max(self.tuning.tail_datoms as i64) {
            return Ok(None);
        }
        self.advance(&mut next, chain.until_t(), budget)?;
        // What others are about to scan comes along, as the log has to be read anyway.
        let attributes: Vec<i64> = locked(&self.wanted).iter().copied().chain([attribute]).collect();
        let mut found: HashMap<i64, Stored> =
            attributes.iter().map(|attribute| (*attribute, Stored::new(Arc::clone(&chain)))).collect();
        self.store.log(chain.until_t(), next.t, Some(&attributes), |datom| {
            budget.spend_steps(STEPS_PER_DATOM)?;
            found.entry(datom.a).or_insert_with(|| Stored::new(Arc::clone(&chain))).tail.insert(&datom);
            Ok(())
        })?;
        next.stored.extend(found);
        let stored = next.stored.get(&attribute).cloned();
        self.replace(next);
        drop(guard);
        Ok(stored)
    }

    /// What is on disk, brought up to date first if the log has grown much longer.
    fn kept_up(&self, t: i64, budget: &Budget) -> Result<Arc<Chain>> {
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

    fn touched(&self, cached: &Cached) -> Cached {
        cached.used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        cached.clone()
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
        let attributes: Vec<i64> = state.attributes.keys().chain(state.stored.keys()).copied().collect();
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

impl State {
    /// Takes in datoms of attributes that have columns.
    fn append(&mut self, later: &mut HashMap<i64, Vec<Datom>>, tuning: &Tuning) {
        for (attribute, datoms) in later.drain() {
            if let Some(cached) = self.attributes.get_mut(&attribute) {
                cached.append(&datoms, tuning);
            }
            let Some(stored) = self.stored.get_mut(&attribute) else { continue };
            if stored.tail.len() + datoms.len() <= tuning.tail_datoms {
                for datom in &datoms {
                    stored.tail.insert(datom);
                }
            } else {
                // There is too much to look through: the next scan finds newer columns, or reads them whole.
                self.stored.remove(&attribute);
            }
        }
    }

    /// Lets go of columns that were not asked for lately until what is left fits; never of those of `kept`.
    fn shrink(&mut self, limit_bytes: u64, kept: i64) {
        let mut bytes: u64 = self.attributes.values().map(|cached| cached.lives.bytes() as u64).sum();
        while bytes > limit_bytes {
            let others = self.attributes.iter().filter(|(attribute, _)| **attribute != kept);
            let Some((&oldest, cached)) = others.min_by_key(|(_, cached)| cached.used.load(Ordering::Relaxed)) else { return };
            bytes -= cached.lives.bytes() as u64;
            self.attributes.remove(&oldest);
        }
    }
}

impl Cached {
    fn new(lives: Lives) -> Self {
        Self { lives: Arc::new(lives), tail: AttributeNovelty::default(), used: Arc::default() }
    }

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
        *self = Self { used: Arc::clone(&self.used), ..Self::new(self.lives.continued(&events)) };
    }

    /// Everything in columns.
    fn merged(&self) -> Self {
        let events: Vec<&Datom> = self.tail.iter().collect();
        Self { used: Arc::clone(&self.used), ..Self::new(self.lives.continued(&events)) }
    }
}

/// The lock, also after a panic elsewhere: what it guards is replaced as a whole, never half changed.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    //! The promise: columns in memory take no more than they may, but for the attribute that is asked for; what was let go of is read
    //! again and says the same.

    use annals_query::Value;

    use super::*;
    use crate::schema::attribute;

    const FIRST: i64 = attribute::FIRST_OF_USER;
    const ATTRIBUTES: [i64; 4] = [FIRST, FIRST + 1, FIRST + 2, FIRST + 3];

    fn store(path: &std::path::Path) -> Arc<Store> {
        let store = Store::create(path).expect("a new store");
        for t in 2..22 {
            let facts = ATTRIBUTES.iter().flat_map(|a| (0..50).map(move |n| (t * 50 + n, *a, n)));
            let mut datoms: Vec<Datom> =
                facts.map(|(e, a, n)| Datom { e: 2 << 32 | e, a, v: Value::Long(n), t, added: true, m: 0 }).collect();
            datoms.push(Datom { e: t, a: attribute::TX_INSTANT, v: Value::Instant(t), t, added: true, m: 0 });
            datoms.sort();
            store.write(|write| write.append(t, t, &datoms, &|_| false)).expect("the log is right");
        }
        Arc::new(store)
    }

    #[track_caller]
    fn check(tuning: Tuning, most: usize) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let index = Index::new(store(&folder.path().join("annals.db")), tuning);
        for attribute in ATTRIBUTES.into_iter().chain(ATTRIBUTES) {
            let cached = index.column(attribute, 21, &Budget::default()).expect("columns");
            assert_eq!(cached.lives.len(), 1000);
            assert!(index.has(attribute));
            assert!(index.state().attributes.len() <= most, "{} attributes in memory", index.state().attributes.len());
        }
    }

    #[test]
    fn columns_take_no_more_memory_than_they_may() {
        let one = 1000 * 3 * 8;
        for disk_datoms in [0, i64::MAX] {
            let tuning = Tuning { disk_datoms, ..Tuning::default() };
            check(Tuning { cache_bytes: 0, ..tuning }, 1);
            check(Tuning { cache_bytes: 2 * one, ..tuning }, 2);
            check(tuning, 4);
        }
    }

    #[test]
    fn what_was_asked_for_last_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let tuning = Tuning { cache_bytes: 2 * 1000 * 3 * 8, ..Tuning::default() };
        let index = Index::new(store(&folder.path().join("annals.db")), tuning);
        let [first, second, third, _] = ATTRIBUTES;
        for attribute in [first, second, first, third] {
            index.column(attribute, 21, &Budget::default()).expect("columns");
        }
        assert!(index.has(first) && !index.has(second) && index.has(third));
    }
}
