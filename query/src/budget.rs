//! What a query may spend. Every loop that can grow spends from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Code, Error, Result};
use crate::limits::LIMIT_NESTED_RULES;
use crate::tuning::Way;

/// Steps between two looks at the clock and the cancel flag.
const STEPS_PER_LOOK: u64 = 4096;

/// Rows, bytes and time that one query may use, and a flag that stops it.
///
/// The deadline is given by the caller: this crate reads a monotonic clock only to compare with it.
#[derive(Debug)]
pub struct Budget {
    limit_rows: u64,
    limit_bytes: u64,
    deadline: Option<(Instant, Duration)>,
    cancelled: Arc<AtomicBool>,
    steps: AtomicU64,
    bytes: AtomicU64,
    /// Rules and queries that are being run inside one another.
    depth: AtomicUsize,
    threads: Way,
}

/// Memory that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Held<'b> {
    budget: &'b Budget,
    bytes: u64,
}

impl Held<'_> {
    /// So many bytes, and those before them no more.
    pub(crate) fn set(&mut self, bytes: u64) -> Result<()> {
        let before = std::mem::replace(&mut self.bytes, bytes);
        let taken = self.budget.take_bytes(bytes);
        self.budget.return_bytes(before);
        taken
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.budget.return_bytes(self.bytes);
    }
}

/// A rule or query inside another, while it is run.
#[derive(Debug)]
pub(crate) struct Nested<'b>(&'b Budget);

impl Drop for Nested<'_> {
    fn drop(&mut self) {
        self.0.depth.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A handle with which any thread stops a query, soon after [`Cancel::cancel`]. Clones are the same handle.
///
/// ```
/// use annals_query::budget::Cancel;
/// use annals_query::{Budget, Code, Given, engine, parse};
/// let cancel = Cancel::default();
/// let budget = Budget::default().with_cancel(&cancel);
/// let rules = parse::rules("[[(up ?n) [(ground 0) ?n]] [(up ?m) (up ?n) [(inc ?n) ?m]]]")?;
/// let endless = std::thread::spawn(move || {
///     let given = [Given::Relation(Vec::new()), Given::Rules(rules)];
///     engine::query("[:find ?n :in $ % :where (up ?n)]", &given, &budget)
/// });
/// cancel.cancel();
/// assert_eq!(endless.join().expect("it ends").unwrap_err().code(), Code::Cancelled);
/// # Ok::<(), annals_query::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Stops every query whose budget has this handle, those to come included.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True if [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            limit_rows: 50_000_000,
            limit_bytes: 4 << 30,
            deadline: None,
            cancelled: Arc::default(),
            steps: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            depth: AtomicUsize::new(0),
            threads: Way::Chosen,
        }
    }
}

impl Budget {
    /// At most this many rows in any one relation, intermediate or final.
    #[must_use]
    pub fn with_limit_rows(mut self, rows: u64) -> Self {
        self.limit_rows = rows;
        self
    }

    /// At most about this many bytes held by relations at once.
    #[must_use]
    pub fn with_limit_bytes(mut self, bytes: u64) -> Self {
        self.limit_bytes = bytes;
        self
    }

    /// Stops this long after now; a shorter limit that is already set stays.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        let deadline = Instant::now() + timeout;
        if self.deadline.is_none_or(|(earlier, _)| deadline < earlier) {
            self.deadline = Some((deadline, timeout));
        }
        self
    }

    /// A budget for one query with a time limit of its own: the limits and the flag are the same, nothing is spent yet.
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        let fresh = Self {
            limit_rows: self.limit_rows,
            limit_bytes: self.limit_bytes,
            deadline: self.deadline,
            cancelled: Arc::clone(&self.cancelled),
            steps: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            depth: AtomicUsize::new(self.depth.load(Ordering::Relaxed)),
            threads: self.threads,
        };
        fresh.with_timeout(timeout)
    }

    /// Whether a second thread helps with parts of a query: where there are hundreds of thousands of rows and the machine has several processors,
    /// unless something else is said. An answer does not depend on it.
    ///
    /// ```
    /// use annals_query::{Budget, Given, engine, engine::Way};
    /// let people = [Given::Relation(vec![vec!["ada".into(), 36.into()], vec!["bob".into(), 17.into()]])];
    /// for way in [Way::Chosen, Way::Never, Way::Always] {
    ///     let budget = Budget::default().with_threads(way);
    ///     assert_eq!(engine::query("[:find ?who :where [?who _]]", &people, &budget)?.rows.len(), 2);
    /// }
    /// # Ok::<(), annals_query::Error>(())
    /// ```
    #[must_use]
    pub fn with_threads(mut self, way: Way) -> Self {
        self.threads = way;
        self
    }

    /// Whether a second thread helps.
    pub(crate) fn threads(&self) -> Way {
        self.threads
    }

    /// Stops soon after this handle, or a clone of it, is cancelled. A budget has one: the last.
    #[must_use]
    pub fn with_cancel(self, cancel: &Cancel) -> Self {
        self.with_cancel_flag(Arc::clone(&cancel.0))
    }

    /// Stops soon after this flag becomes true, which may be set by a signal's handler.
    #[must_use]
    pub fn with_cancel_flag(mut self, flag: Arc<AtomicBool>) -> Self {
        self.cancelled = flag;
        self
    }

    /// Spends `count` steps of a loop; now and then looks at the clock and the flag.
    #[inline]
    pub fn spend_steps(&self, count: u64) -> Result<()> {
        let before = self.steps.fetch_add(count, Ordering::Relaxed);
        if before / STEPS_PER_LOOK == (before + count) / STEPS_PER_LOOK {
            return Ok(());
        }
        self.look()
    }

    /// Steps spent so far: what a query did, counted rather than timed.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Says that a relation has grown to `rows` rows.
    #[inline]
    pub fn check_rows(&self, rows: usize) -> Result<()> {
        if rows as u64 > self.limit_rows {
            return Err(Error::new(Code::LimitExceeded, format!("the query needs more than {} rows", self.limit_rows))
                .with_help("bind more variables, add a clause that selects, or raise --max-rows")
                .of_the_budget());
        }
        Ok(())
    }

    /// True if so many rows of so many bytes in all are allowed whatever else is held.
    pub(crate) fn allows(&self, rows: usize, bytes: u64) -> bool {
        rows as u64 <= self.limit_rows && bytes <= self.limit_bytes
    }

    /// Takes `bytes` of memory until they are given back with [`Budget::return_bytes`].
    pub fn take_bytes(&self, bytes: u64) -> Result<()> {
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > self.limit_bytes {
            return Err(Error::new(
                Code::LimitExceeded,
                format!("the query needs more than {} bytes of memory", self.limit_bytes),
            )
            .with_help("bind more variables or add a clause that selects")
            .of_the_budget());
        }
        Ok(())
    }

    /// Says that a rule or query is run inside the one that is run now, until what this gives is dropped.
    pub(crate) fn nest(&self) -> Result<Nested<'_>> {
        let before = self.depth.fetch_add(1, Ordering::Relaxed);
        let nested = Nested(self);
        if before >= LIMIT_NESTED_RULES {
            return Err(Error::new(
                Code::LimitExceeded,
                format!("rules call each other more than {LIMIT_NESTED_RULES} levels deep"),
            )
            .with_help("write what some of the rules say where they are called")
            .of_the_budget());
        }
        Ok(nested)
    }

    /// Takes `bytes` of memory until what this gives is dropped.
    pub(crate) fn hold(&self, bytes: u64) -> Result<Held<'_>> {
        let mut held = Held { budget: self, bytes: 0 };
        held.set(bytes)?;
        Ok(held)
    }

    /// Says that `bytes` more are held for a moment, beside those taken.
    pub fn check_bytes(&self, bytes: u64) -> Result<()> {
        let taken = self.take_bytes(bytes);
        self.return_bytes(bytes);
        taken
    }

    /// Gives back what [`Budget::take_bytes`] took.
    pub fn return_bytes(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Looks at the clock and the flag at once.
    pub fn look(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(Code::Cancelled, "the query was cancelled").of_the_budget());
        }
        match self.deadline {
            Some((deadline, timeout)) if Instant::now() >= deadline => {
                Err(Error::new(Code::Timeout, format!("the query did not finish within {} ms", timeout.as_millis()))
                    .with_help("make it more selective or raise --timeout")
                    .of_the_budget())
            }
            _ => Ok(()),
        }
    }
}
