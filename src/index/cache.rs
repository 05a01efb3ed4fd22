//! The columns that are there, and how they keep up with the log.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::Duration;

use annals_query::Budget;

use super::cached::Cached;
use super::lately::Lately;
use super::lives::Lives;
use super::points::{DATOMS_PER_READ, Points};
use super::said::Said;
use super::state::State;
use super::tuning::Tuning;
use crate::columns::{Chain, Columns};
use crate::datom::Datom;
use crate::error::{Error, Result};
use crate::store::Store;

/// How long one who waits for columns that another builds sleeps between two looks: much less than building takes.
const WAIT_STEP: Duration = Duration::from_micros(200);

/// Reading so many rows of columns on disk costs about as much as reading a datom of the log.
const ROWS_PER_DATOM: u64 = 8;

/// About how many bytes of memory a row of columns takes.
pub(super) const BYTES_PER_ROW: u64 = 40;

/// Columns of one store.
#[derive(Debug)]
pub(crate) struct Index {
    pub(super) store: Arc<Store>,
    pub(super) columns: Columns,
    pub(super) tuning: Tuning,
    state: RwLock<Arc<State>>,
    /// Held while the state is being replaced, so that two readers do not do the same work.
    replacing: Mutex<()>,
    /// Attributes that somebody is about to scan: fetched along when the log has to be read anyway.
    pub(super) wanted: Mutex<BTreeSet<i64>>,
    /// Counts requests for columns.
    clock: AtomicU64,
    /// What was read of attributes that have no columns.
    points: Points,
    /// What was read of them lately.
    lately: Lately,
    /// What this process committed lately.
    pub(super) said: Said,
}

impl Index {
    /// No columns yet.
    pub(crate) fn new(store: Arc<Store>, tuning: Tuning) -> Self {
        let (state, replacing, wanted, clock) = (RwLock::default(), Mutex::default(), Mutex::default(), AtomicU64::new(0));
        let (points, lately, said) = (Points::default(), Lately::new(tuning.cache_bytes), Said::default());
        Self { columns: Columns::beside(&store), store, tuning, state, replacing, wanted, clock, points, lately, said }
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
        self.state.read().unwrap_or_else(PoisonError::into_inner).attributes.contains_key(&attribute)
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

    /// What is done with the columns of an attribute, if they are there and know everything up to `t` already. Nobody replaces columns
    /// meanwhile, so it has to be quick.
    pub(crate) fn with_fresh<T>(&self, attribute: i64, t: i64, then: impl FnOnce(&Cached) -> T) -> Option<T> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let cached = state.attributes.get(&attribute).filter(|_| state.t >= t)?;
        cached.used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        Some(then(cached))
    }

    /// Says what a transaction of this process said. Where nobody reads nothing is kept.
    pub(crate) fn said(&self, t: i64, datoms: &[Datom]) {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.attributes.is_empty() && state.stored.is_empty() {
            self.said.forget();
        } else {
            self.said.keep(t, datoms);
        }
    }

    /// Says that so many points of an attribute were read from the store, which found so many lives.
    pub(crate) fn points_read(&self, attribute: i64, points: usize, found: usize) {
        self.points.read(attribute, points, found);
    }

    /// Points that were read lately.
    pub(crate) fn lately(&self) -> &Lately {
        &self.lately
    }

    /// True if so many points of an attribute were read that columns would serve better.
    pub(crate) fn deserves_columns(&self, attribute: i64, t: i64) -> Result<bool> {
        let cost = || Ok::<_, Error>(self.cost_of_columns(attribute, t)?.unwrap_or(u64::MAX));
        self.points.deserve_columns(attribute, self.tuning.point_share, cost)
    }

    /// True if so many entities are read one by one from the store for less than a part of what columns of the attribute would cost, one in
    /// `point_share`. Without columns on disk the whole log is read for those.
    pub(crate) fn are_few(&self, entities: usize, attribute: i64, t: i64) -> Result<bool> {
        if entities <= self.tuning.point_reads || self.tuning.point_reads == 0 {
            return Ok(entities <= self.tuning.point_reads);
        }
        let cost = (entities as u64 * DATOMS_PER_READ).saturating_mul(self.tuning.point_share);
        Ok(self.cost_of_columns(attribute, t)?.is_some_and(|columns| cost <= columns))
    }

    /// What columns of an attribute cost, in datoms of the log; nothing if they take more memory than there may be.
    fn cost_of_columns(&self, attribute: i64, t: i64) -> Result<Option<u64>> {
        let datoms = self.store.datoms_until(t)? as u64;
        let Some(chain) = self.chain() else { return Ok(Some(datoms)) };
        let rows = chain.rows(attribute);
        let fits_in_memory = rows * BYTES_PER_ROW <= self.tuning.cache_bytes;
        Ok(fits_in_memory.then(|| rows / ROWS_PER_DATOM + datoms.saturating_sub(chain.datoms() as u64)))
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
        next.shrink(self.tuning.cache_bytes.saturating_sub(self.lately.bytes()), attribute);
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

    fn touched(&self, cached: &Cached) -> Cached {
        cached.used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        cached.clone()
    }

    /// The right to replace the state. Whoever has it may be building for long, so that one who waits looks at his own time.
    pub(super) fn replacing(&self, budget: &Budget) -> Result<MutexGuard<'_, ()>> {
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

    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn replace(&self, next: State) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }
}

/// The lock, also after a panic elsewhere: what it guards is replaced as a whole, never half changed.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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
