//! Subscriptions: a query whose answer is kept up with the store, transaction by transaction.
//!
//! Nothing runs in the background. Who asks a [`Watch`] for its next change reads the log from where it stands, one transaction
//! after the other, whichever process committed it; leaves out those that say nothing about what the last evaluation read; and
//! brings the answer up to date for the others. While there is nothing to read it sleeps, until this process commits or the
//! interval of looking for what others committed is over.

mod delta;
mod follow;
mod held;
mod question;
mod reads;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use annals_query::ast::RuleSet;
use annals_query::{Answer, Budget, Code, Shape, Value, Warning};

use crate::connection::Connection;
use crate::connection::bell::Bell;
use crate::db::{DbView, Input};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{LIMIT_DELTA_DATOMS, LIMIT_DELTA_ROWS, WATCH_INTERVAL};

use self::delta::{Delta, Work};
use self::follow::{Follower, Step};
use self::held::{Held, Row};
use self::question::{Question, touches_names};
use self::reads::Reads;

/// How a query is watched.
///
/// ```
/// use annals::{Connection, WatchOptions};
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// let connection = Connection::open(folder.path().join("annals.db"))?;
/// // What has been recorded is of no interest, only what comes.
/// let t = connection.db()?.basis_t();
/// let options = WatchOptions::default().with_view(move |db| db.since(t));
/// let mut watch = connection.watch_with("[:find ?name :where [_ :job/name ?name]]", &[], options)?;
/// assert_eq!(watch.try_next()?.expect("the answer at the beginning").added.len(), 0);
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct WatchOptions {
    /// How often a watch looks for what other processes committed, while it waits: [`WATCH_INTERVAL`]. What this process commits
    /// through the same connection wakes it at once.
    pub interval: Duration,
    /// The transaction from which on changes are told, so that a program goes on where it stopped: the first change is the whole
    /// answer as it was then. The newest, if none is named.
    pub from_t: Option<i64>,
    /// The time that one evaluation may take.
    pub timeout: Option<Duration>,
    /// The rows that one step of an evaluation may need.
    pub limit_rows: Option<u64>,
    /// True if an attribute that the store has never seen is an error rather than a warning.
    pub strict: bool,
    /// How the answer is brought up to date. It decides how long that takes, and nothing else.
    pub upkeep: Upkeep,
    /// Rules in reach of a query that does not say `%`.
    pub rules: RuleSet,
    /// Set by whoever wants the watch to be closed, a signal's handler for instance: seen after the interval at the latest.
    pub closed: Arc<AtomicBool>,
    /// The view that is `$`; all that holds, if none is named. See [`WatchOptions::with_view`].
    pub view: Option<DbView>,
}

/// How an answer is brought up to date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Upkeep {
    /// From what the transaction said where the query allows it and that is little, by asking again otherwise; not at all after
    /// transactions that say nothing about what was read.
    #[default]
    Sparing,
    /// From what the transaction said wherever the query allows it, however much that is.
    ByDelta,
    /// By asking again, after each transaction.
    ByAskingAgain,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            interval: WATCH_INTERVAL,
            from_t: None,
            timeout: None,
            limit_rows: None,
            strict: false,
            upkeep: Upkeep::default(),
            rules: RuleSet::default(),
            closed: Arc::default(),
            view: None,
        }
    }
}

impl WatchOptions {
    /// Watches a view of the store instead of all that holds: a history, what was said since some moment, the facts through a
    /// lens. `view` must give the same for the same value. For further sources see [`Input::view`].
    #[must_use]
    pub fn with_view(self, view: impl Fn(&crate::Db) -> Result<crate::Db> + Send + Sync + 'static) -> Self {
        Self { view: Some(DbView::new(view)), ..self }
    }

    /// Tells changes from this transaction on.
    #[must_use]
    pub fn from_t(self, t: i64) -> Self {
        Self { from_t: Some(t), ..self }
    }
}

/// What a transaction did to the answer of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The transaction; for the first change the one up to which the answer is whole.
    pub t: i64,
    /// Its instant, in microseconds since 1970 (UTC).
    pub instant: i64,
    /// Rows that are in the answer now and were not before, ascending. A row that is there several times counts each time.
    pub added: Vec<Vec<Value>>,
    /// Rows that were in the answer and no longer are, ascending.
    pub removed: Vec<Vec<Value>>,
}

/// The answer of a query, kept up with a store: an iterator of [`Change`]s that waits for the next one.
///
/// The first change is the whole answer at the beginning. Each further one is what one transaction changed, in their order; a
/// transaction that leaves the answer as it was gives none. An error about one transaction does not end the watch: the next
/// change is told against the answer that was given last.
///
/// ```
/// use annals::Connection;
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// let connection = Connection::open(folder.path().join("annals.db"))?;
/// let mut watch = connection.watch("[:find ?name ?state :where [?j :job/name ?name] [?j :job/state ?state]]", &[])?;
/// assert!(watch.next().expect("it is open")?.added.is_empty());
///
/// let job = connection.transact(r#"[{:db/id "j" :job/name "nightly" :job/state :waiting}]"#)?.tempids["j"];
/// connection.transact(&format!("[[:db/add {job} :job/note \"of no interest\"]]"))?;
/// connection.transact(&format!("[[:db/add {job} :job/state :running]]"))?;
///
/// let first = watch.next().expect("it is open")?;
/// assert_eq!(first.added, [["nightly".into(), annals::Value::keyword("waiting")]]);
/// let second = watch.next().expect("it is open")?;
/// assert_eq!((second.t, second.removed), (first.t + 2, first.added));
/// assert_eq!(watch.try_next()?, None);
/// # Ok::<(), annals::Error>(())
/// ```
pub struct Watch {
    connection: Connection,
    question: Question,
    options: WatchOptions,
    follower: Follower,
    held: Held,
    reads: Arc<Reads>,
    shape: Shape,
    header: Vec<String>,
    warnings: Vec<Warning>,
    /// The whole answer, until it is given.
    first: Option<Change>,
    /// How the answer follows from what a transaction says; made when first wanted, and anew when attributes or names change.
    way: Way,
    /// True if the last evaluation failed, so that nothing is known of what it would have read.
    is_stale: bool,
}

/// Whether an answer can follow from what a transaction says.
enum Way {
    Unknown,
    ByDelta(Box<Delta>),
    ByAskingAgain,
}

/// Closes a [`Watch`] from any thread. Clones close the same one.
#[derive(Clone, Debug)]
pub struct Closer {
    closed: Arc<AtomicBool>,
    bell: Arc<Bell>,
}

impl Closer {
    /// Ends the wait and the evaluation that is in progress, if there is one: the watch gives nothing any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.bell.ring();
    }
}

impl Connection {
    /// Watches a query: its whole answer first, then what each transaction, of whichever process, changes of it. `inputs` are what
    /// the query's `:in` names beside `$`, as for [`Db::q`](crate::Db::q). See [`Watch`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let connection = annals::Connection::open(folder.path().join("annals.db"))?;
    /// let watch = connection.watch("[:find ?l ?message :where [?l :log/level :error] [?l :log/message ?message]]", &[])?;
    /// let closer = watch.closer();
    /// let printing = std::thread::spawn(move || watch.map(|change| change.map(|change| change.added.len())).sum());
    /// closer.close();
    /// let errors: annals::Result<usize> = printing.join().expect("it does not panic");
    /// assert_eq!(errors?, 0);
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn watch(&self, query: &str, inputs: &[Input]) -> Result<Watch> {
        self.watch_with(query, inputs, WatchOptions::default())
    }

    /// The same, as the options say.
    pub fn watch_with(&self, query: &str, inputs: &[Input], options: WatchOptions) -> Result<Watch> {
        let newest = self.snapshot()?;
        let start = match options.from_t {
            Some(t) if t < 1 || t > newest.basis() => return Err(no_such_t(t, newest.basis())),
            Some(t) if t < newest.basis() => self.snapshot_at(t)?,
            _ => newest,
        };
        let prepared = self.value_of(&start).prepare_unchecked(query)?;
        let (inputs, rules, view) = (inputs.to_vec(), options.rules.clone(), options.view.clone());
        let question = Question { prepared, inputs, rules, view, is_strict: options.strict };
        let (answer, reads) = question.answer(self.value_of(&start), &budget(&options))?;
        let Answer { header, shape, rows, warnings } = answer;
        let held = Held::of(rows.iter().cloned());
        let first = Some(Change { t: start.basis(), instant: start.instant(), added: held.rows(), removed: Vec::new() });
        let follower = Follower::new(self, start);
        let connection = self.clone();
        Ok(Watch {
            connection,
            question,
            options,
            follower,
            held,
            reads,
            shape,
            header,
            warnings,
            first,
            way: Way::Unknown,
            is_stale: false,
        })
    }
}

fn no_such_t(t: i64, newest: i64) -> Error {
    Error::new(ErrorKind::Time, format!("there is no transaction {t}; the newest is {newest}"))
        .with_value(t)
        .with_help("watch from a transaction that is there, or leave it out to begin now")
}

fn budget(options: &WatchOptions) -> Budget {
    let mut budget = Budget::default().with_cancel_flag(Arc::clone(&options.closed));
    if let Some(timeout) = options.timeout {
        budget = budget.with_timeout(timeout);
    }
    match options.limit_rows {
        Some(rows) => budget.with_limit_rows(rows),
        None => budget,
    }
}

impl Watch {
    /// The next change if it is there already. `None` if there is none yet, or the watch is closed.
    pub fn try_next(&mut self) -> Result<Option<Change>> {
        self.next_timeout(Duration::ZERO)
    }

    /// The next change, for which this waits at most so long. `None` if there is none by then, or the watch is closed.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Change>> {
        self.wait_until(Instant::now().checked_add(timeout))
    }

    /// The transaction up to which all changes were given.
    pub fn t(&self) -> i64 {
        self.follower.at().basis()
    }

    /// The rows of the answer as it was given last, ascending: what all changes so far come to.
    pub fn rows(&self) -> Vec<Vec<Value>> {
        if self.first.is_some() { Vec::new() } else { self.held.rows() }
    }

    /// The names of the find elements as written.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The shape in which the query asks for its rows; changes are told as rows whatever it is.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// What the asker should know of the last evaluation: attributes that the store has never seen.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// A handle that closes this watch from another thread. Dropping the watch closes it, too.
    pub fn closer(&self) -> Closer {
        Closer { closed: Arc::clone(&self.options.closed), bell: Arc::clone(self.connection.bell()) }
    }

    /// True once the watch was closed.
    pub fn is_closed(&self) -> bool {
        self.options.closed.load(Ordering::SeqCst)
    }

    fn wait_until(&mut self, deadline: Option<Instant>) -> Result<Option<Change>> {
        loop {
            let heard = self.connection.bell().rung();
            let newest = self.connection.snapshot()?.basis();
            if let Some(change) = self.advance(newest)? {
                return Ok(Some(change));
            }
            let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() || self.is_closed() {
                return Ok(None);
            }
            self.connection.bell().wait(heard, self.options.interval.min(left));
        }
    }

    /// The next change among the transactions up to this one.
    fn advance(&mut self, until: i64) -> Result<Option<Change>> {
        if self.is_closed() {
            return Ok(None);
        }
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        while self.t() < until && !self.is_closed() {
            let Some(step) = self.follower.step()? else { return Ok(None) };
            match self.take(&step) {
                Ok(None) => {}
                Ok(Some((added, removed))) => return Ok(Some(Change { t: step.t, instant: step.instant, added, removed })),
                Err(error) if error.kind() == ErrorKind::Query(Code::Cancelled) && self.is_closed() => return Ok(None),
                Err(error) => {
                    self.is_stale = true;
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// Brings the answer up to date after one transaction, and gives the rows that were added and removed, if any were.
    fn take(&mut self, step: &Step) -> Result<Option<(Vec<Row>, Vec<Row>)>> {
        if self.is_stale || self.options.upkeep == Upkeep::ByAskingAgain {
            return self.ask_again(step);
        }
        if touches_names(step) {
            self.way = Way::Unknown;
            return self.ask_again(step);
        }
        let connection = &self.connection;
        let value_of = |is_after: bool| connection.value_of(if is_after { &step.after } else { &step.before });
        if !self.question.is_concerned(step, &self.reads, &value_of)? {
            return Ok(None);
        }
        // What fails or goes beyond a limit there may be right as a whole: asking again decides.
        match self.change(step).ok().flatten() {
            Some((added, removed)) => {
                self.held.change(&added, &removed);
                Ok((!added.is_empty() || !removed.is_empty()).then_some((added, removed)))
            }
            None => self.ask_again(step),
        }
    }

    /// What the transaction changed, from what it said; `None` if the query must be asked again.
    fn change(&mut self, step: &Step) -> Result<Option<(Vec<Row>, Vec<Row>)>> {
        let before = self.connection.value_of(&step.before);
        let after = self.connection.value_of(&step.after);
        if !self.question.is_simple(&before, &after)? {
            return Ok(None);
        }
        let after = self.question.asked(after, &self.reads, &budget(&self.options))?;
        if let Way::Unknown = self.way {
            self.way = Delta::of(&after, step.after.schema()).map_or(Way::ByAskingAgain, |delta| Way::ByDelta(Box::new(delta)));
            self.look_for_odd_numbers();
        }
        let Way::ByDelta(delta) = &self.way else { return Ok(None) };
        let Some(weight) = delta.weight(step, |attribute| self.reads.is_looked_up(attribute)) else { return Ok(None) };
        if weight == 0 {
            return Ok(Some((Vec::new(), Vec::new())));
        }
        if weight > LIMIT_DELTA_DATOMS && self.options.upkeep == Upkeep::Sparing {
            return Ok(None);
        }
        let before = self.question.asked(before, &self.reads, &budget(&self.options))?;
        let limit = self.options.limit_rows.unwrap_or(LIMIT_DELTA_ROWS).min(LIMIT_DELTA_ROWS);
        let budget = budget(&self.options).with_limit_rows(limit);
        delta.changes(&Work { before: &before, after: &after, step, budget: &budget }, &self.held)
    }

    fn look_for_odd_numbers(&mut self) {
        if let Way::ByDelta(delta) = &self.way {
            self.held.look_for_odd_numbers(|row| delta.is_odd(row));
        }
    }

    fn ask_again(&mut self, step: &Step) -> Result<Option<(Vec<Row>, Vec<Row>)>> {
        let (answer, reads) = self.question.answer(self.connection.value_of(&step.after), &budget(&self.options))?;
        (self.reads, self.warnings, self.is_stale) = (reads, answer.warnings, false);
        let (added, removed) = self.held.replace(answer.rows);
        self.look_for_odd_numbers();
        Ok((!added.is_empty() || !removed.is_empty()).then_some((added, removed)))
    }
}

impl Iterator for Watch {
    type Item = Result<Change>;

    /// The next change, for which this waits. `None` once the watch is closed.
    fn next(&mut self) -> Option<Result<Change>> {
        self.wait_until(None).transpose()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.question.prepared.text();
        f.debug_struct("Watch").field("query", &text).field("t", &self.t()).finish_non_exhaustive()
    }
}

/// The page about watching: its blocks are run.
#[cfg(doctest)]
#[doc = include_str!("../docs/reference/watching.md")]
mod page {}
