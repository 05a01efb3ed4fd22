//! A database value: everything a store said up to a moment, seen through a window of time.

mod ask;
mod before;
mod datoms;
mod entity;
mod entity_ref;
mod facts;
mod fulltext;
mod functions;
mod index_pull;
mod lens;
mod moment;
mod points;
pub(crate) mod prepared;
mod range;
mod reading;
pub(crate) mod recent;
mod report;
mod rules;
pub(crate) mod snapshot;
mod transactions;

pub use ask::{DbView, Input};
pub use datoms::{Order, Transaction};
pub use entity_ref::EntityRef;
pub use functions::TransactionFunctions;
pub(crate) use functions::{Inside, refuse_inside};
pub use index_pull::Walk;
pub use moment::Moment;
pub use prepared::Prepared;
pub use report::Report;
pub(crate) use rules::{LENSES, Named, RULES};

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use annals_query::Functions;

use crate::datom::Datom;
use crate::error::Result;
use crate::index::{View, Window};
use crate::schema::Schema;
use crate::transact::{self, TxData};

use self::lens::Sight;
use self::recent::Recent;
use self::snapshot::Snapshot;

/// An immutable database value. Cloning it costs next to nothing, and nothing that writers do changes it.
///
/// ```
/// use annals::{Connection, Value};
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// let connection = Connection::open(folder.path().join("annals.db"))?;
/// let first = connection.transact(r#"[{:db/id "ada" :person/name "Ada" :person/age 36}]"#)?;
/// let ada = first.tempids["ada"];
/// connection.transact_data(annals::transact::TxData::new().add(ada, "person/age", 37))?;
///
/// let db = connection.db()?;
/// let age = |db: &annals::Db| Ok::<_, annals::Error>(db.entity(ada)?.map(|ada| ada[&Value::Keyword("person/age".into())].clone()));
/// assert_eq!(age(&db)?, Some(Value::from(37)));
/// assert_eq!(age(&db.as_of(first.t.expect("it said something new"))?)?, Some(Value::from(36)));
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone)]
pub struct Db {
    snapshot: Arc<Snapshot>,
    view: View,
    functions: Functions,
    transaction_functions: TransactionFunctions,
    sight: Option<Sight>,
    recent: Arc<Recent>,
}

impl Db {
    /// Everything that a snapshot knows and that holds, with what all values of a connection share.
    pub(crate) fn of_connection(
        snapshot: Arc<Snapshot>,
        functions: &Functions,
        transaction_functions: &TransactionFunctions,
        recent: &Arc<Recent>,
    ) -> Self {
        Self {
            view: View { window: Window::ALL.with_until(snapshot.basis()), ..View::ALL },
            snapshot,
            functions: functions.clone(),
            transaction_functions: transaction_functions.clone(),
            sight: None,
            recent: Arc::clone(recent),
        }
    }

    /// The same value, of which queries may call these functions, predicates and aggregates too. They stay with the values made
    /// of it, such as those of another time. For all values of a connection see [`Options::functions`](crate::Options).
    ///
    /// ```
    /// use annals::{Arity, Functions, Value};
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let connection = annals::Connection::open(folder.path().join("annals.db"))?;
    /// connection.transact("[{:item/net 50} {:item/net 500}]")?;
    /// let holds = |args: &[Value]| Ok::<_, String>(args[0] < Value::from(100));
    /// let db = connection.db()?.with_functions(Functions::new().with_predicate("shop/cheap?", Arity::exactly(1), holds)?);
    /// let answer = db.q("[:find [?net ...] :where [_ :item/net ?net] [(shop/cheap? ?net)]]", &[])?;
    /// assert_eq!(answer.to_edn(), "[50]");
    /// # Ok::<(), annals::Error>(())
    /// ```
    #[must_use]
    pub fn with_functions(self, functions: Functions) -> Self {
        let functions = self.functions.joined(functions);
        Self { functions, ..self }
    }

    /// What queries on this value may call.
    pub fn functions(&self) -> &Functions {
        &self.functions
    }

    /// The newest transaction that this value knows, whatever its window shows.
    pub fn basis_t(&self) -> i64 {
        self.snapshot.basis()
    }

    /// The instant of the newest transaction that this value knows, in microseconds.
    pub fn basis_instant(&self) -> i64 {
        self.snapshot.instant()
    }

    /// The last transaction whose facts the window shows.
    pub fn until_t(&self) -> i64 {
        self.view.window.until
    }

    /// Attributes and idents, as of the basis: the same in every view, so that a query works on all of history.
    pub fn schema(&self) -> &Schema {
        self.snapshot.schema()
    }

    /// The value as it was at a moment, that included. A moment after the basis changes nothing.
    pub fn as_of(&self, moment: impl Into<Moment>) -> Result<Self> {
        let t = moment.into().resolve(&self.snapshot)?;
        Ok(self.seen_through(self.view.window.with_until(t)))
    }

    /// Only what was said after a moment, and holds. The fact by which an entity is looked up may be older: join with another
    /// value for that.
    pub fn since(&self, moment: impl Into<Moment>) -> Result<Self> {
        let t = moment.into().resolve(&self.snapshot)?;
        Ok(self.seen_through(self.view.window.with_since(t)))
    }

    /// All additions and retractions in the window, instead of the facts that hold at its end. The sixth place of a pattern
    /// tells them apart.
    #[must_use]
    pub fn history(&self) -> Self {
        self.seen_through(Window { is_history: true, ..self.view.window })
    }

    /// The same facts without a window: everything that holds at the basis.
    #[must_use]
    pub fn now(&self) -> Self {
        Self { sight: self.sight.clone(), ..self.of(Arc::clone(&self.snapshot)) }.seen_anew()
    }

    /// The same facts, for [`Db::with`] to know these transaction functions.
    #[must_use]
    pub fn with_transaction_functions(mut self, functions: TransactionFunctions) -> Self {
        self.transaction_functions = functions;
        self
    }

    /// True if this value shows a history.
    pub fn shows_history(&self) -> bool {
        self.view.window.is_history
    }

    /// Only the datoms that a predicate keeps.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let connection = annals::Connection::open(folder.path().join("annals.db"))?;
    /// let db = connection.db()?;
    /// let unexplained = db.filter(|datom| datom.m == 0);
    /// # let _ = unexplained;
    /// # Ok::<(), annals::Error>(())
    /// ```
    #[must_use]
    pub fn filter(&self, keeps: impl Fn(&Datom) -> bool + Send + Sync + 'static) -> Self {
        let mut filtered = self.clone();
        filtered.view.filters.push(Arc::new(keeps));
        filtered.seen_anew()
    }

    /// The value as it would be after a transaction, of which no store learns. A value as of a moment is asked "what if then":
    /// the transaction is checked against the facts of that moment and follows them.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let connection = annals::Connection::open(folder.path().join("annals.db"))?;
    /// let db = connection.db()?;
    /// let report = db.with(r#"[{:db/id "x" :plan/name "another way"}]"#)?;
    /// assert!(report.db_after.entity(report.tempids["x"])?.is_some());
    /// assert!(db.entity(report.tempids["x"])?.is_none());
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn with(&self, transaction: &str) -> Result<Report> {
        self.with_data(&TxData::read(transaction)?)
    }

    /// The same for transaction data built by a program.
    pub fn with_data(&self, data: &TxData) -> Result<Report> {
        // The first transaction is the same in every store, so whatever is asked of the time before it follows it too.
        let until = self.view.window.until.max(FIRST_T);
        let before =
            if until < self.snapshot.basis() { Arc::new(self.snapshot.known_at(until)?) } else { Arc::clone(&self.snapshot) };
        let data = self.transaction_functions.answered(data, || self.of(Arc::clone(&before)))?;
        let prepared = transact::prepare_with(&*before, &data, &self.functions, now_micros())?;
        let after = if prepared.is_empty() {
            Arc::clone(&before)
        } else {
            Arc::new(before.with(prepared.t, prepared.instant, &prepared.datoms))
        };
        let window = Window { until: after.basis(), ..self.view.window };
        let view = View { window, filters: self.view.filters.clone() };
        let db_after = Self { snapshot: after, view, ..self.clone() }.seen_anew();
        Ok(Report::new(prepared, self.clone(), db_after))
    }

    /// What this value looks at.
    pub(crate) fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The window and the filters through which it looks.
    pub(crate) fn through_view(&self) -> &View {
        &self.view
    }

    /// Everything that another snapshot knows, with what the program registered.
    fn of(&self, snapshot: Arc<Snapshot>) -> Self {
        Self::of_connection(snapshot, &self.functions, &self.transaction_functions, &Arc::default())
    }

    fn seen_through(&self, window: Window) -> Self {
        Self { view: View { window, filters: self.view.filters.clone() }, ..self.clone() }.seen_anew()
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("basis_t", &self.basis_t()).field("view", &self.view).finish_non_exhaustive()
    }
}

/// The first transaction: it says the built-in attributes.
const FIRST_T: i64 = 1;

/// The instant that the machine's clock shows, in microseconds since 1970 (UTC).
pub(crate) fn now_micros() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)
}
