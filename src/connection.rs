//! A connection to a store: database values out, transactions in, from any number of threads.

mod apply;
pub(crate) mod bell;
mod commit;
mod committing;
mod counters;
mod latest;
mod library;
mod queue;
mod watching;
mod words;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use annals_query::Functions;

use crate::db::recent::Recent;
use crate::db::snapshot::Snapshot;
use crate::db::{Db, Report, TransactionFunctions, refuse_inside};
use crate::error::{Error, ErrorKind, Result};
use crate::index::{Index, Tuning};
use crate::redact::Redactor;
use crate::store::{Access, BackupOptions, BackupReport, Durability, Store};
use crate::transact::TxData;

pub use self::apply::Applied;

use self::bell::Bell;
use self::counters::Counters;
use self::latest::Latest;
use self::queue::Queue;

/// How long a wait for a transaction sleeps between two looks.
const WAIT_STEP: Duration = Duration::from_millis(2);

/// How a store is opened.
///
/// ```
/// use annals::{Connection, Options, store::Durability};
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// # let path = folder.path().join("annals.db");
/// let connection = Connection::open_with(path, Options { durability: Durability::Normal, ..Options::default() })?;
/// # let _ = connection;
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// When a commit counts as done.
    pub durability: Durability,
    /// What the connection may do. For reading only, nothing is created, and the store is neither changed nor migrated; side files,
    /// which are made from it and may be deleted at any time, are kept beside it as `tuning` says.
    pub access: Access,
    /// Whether a store is created where there is none.
    pub create: bool,
    /// What queries may call beside the built-in functions, and `:db.attr/preds` may name: known to every database value of the
    /// connection, and to its transactions.
    pub functions: Functions,
    /// What transactions may call.
    pub transaction_functions: TransactionFunctions,
    /// When facts become columns.
    pub tuning: Tuning,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            access: Access::ReadWrite,
            durability: Durability::Full,
            create: true,
            functions: Functions::default(),
            transaction_functions: TransactionFunctions::default(),
            tuning: Tuning::default(),
        }
    }
}

/// A connection to a store. Clones share everything; all threads of a process should use clones of one connection, so that
/// what they transact at the same time is committed together.
///
/// ```
/// use annals::Connection;
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// let connection = Connection::open(folder.path().join("annals.db"))?;
/// let report = connection.transact(r#"[{:person/name "Ada"}]"#)?;
/// assert_eq!(report.t, Some(connection.db()?.basis_t()));
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Connection(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    index: Arc<Index>,
    latest: Latest,
    queue: Queue,
    functions: Functions,
    /// What the one who commits remembers from commit to commit.
    counters: Mutex<Counters>,
    transaction_functions: TransactionFunctions,
    /// Queries asked lately of this connection's values.
    recent: Arc<Recent>,
    /// Wakes those who wait for the next transaction.
    bell: Arc<Bell>,
}

impl Connection {
    /// Opens a store, and creates it where there is none.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, Options::default())
    }

    /// Opens a store that is there.
    pub fn open_existing(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, Options { create: false, ..Options::default() })
    }

    /// Opens a store that is there, for reading only: nothing is created, changed or migrated, and no side files are kept.
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self> {
        Self::of_store(Store::open(path, Access::ReadOnly)?, Options::default())
    }

    /// Opens a store as the options say.
    pub fn open_with(path: impl AsRef<Path>, options: Options) -> Result<Self> {
        let store = match options.access {
            Access::ReadOnly => Store::open_with(path, Access::ReadOnly, options.durability)?.with_side_files(),
            Access::ReadWrite if options.create => Store::open_or_create_with(path, options.durability)?,
            Access::ReadWrite => Store::open_with(path, Access::ReadWrite, options.durability)?,
        };
        Self::of_store(store, options)
    }

    fn of_store(store: Store, options: Options) -> Result<Self> {
        let Options { functions, transaction_functions, tuning, .. } = options;
        let index = Arc::new(Index::new(Arc::new(store), tuning));
        let latest = Latest::open(&index)?;
        let (queue, counters) = (Queue::default(), Mutex::default());
        let (recent, bell) = (Arc::default(), Arc::default());
        Ok(Self(Arc::new(Shared { index, latest, queue, functions, counters, transaction_functions, recent, bell })))
    }

    /// The file, as an absolute path.
    pub fn path(&self) -> &Path {
        self.store().path()
    }

    /// The store below.
    pub fn store(&self) -> &Store {
        self.0.index.store()
    }

    /// Takes secrets out of texts under the key of this store, which is made when the first is found.
    pub(crate) fn redactor(&self) -> Redactor {
        let connection = self.clone();
        Redactor::keyed_by(move || connection.store().redaction_key())
    }

    /// Copies the store as it is now to a new file, while others write: [`Store::backup`] with the safe choices.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let connection = annals::Connection::open(folder.path().join("annals.db"))?;
    /// connection.transact(r#"[{:person/name "Ada"}]"#)?;
    /// let report = connection.backup(folder.path().join("copied.db"))?;
    /// assert_eq!(report.t, 2);
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn backup(&self, out: impl AsRef<Path>) -> Result<BackupReport> {
        self.store().backup(out, &BackupOptions::default(), |_| ())
    }

    /// The database value as of now: everything that any process has committed.
    pub fn db(&self) -> Result<Db> {
        Ok(self.0.db(self.0.latest.get(&self.0.index)?))
    }

    /// A database value that knows transaction `t`, for which this waits at most so long.
    pub fn db_at_least(&self, t: i64, timeout: Duration) -> Result<Db> {
        let deadline = Instant::now() + timeout;
        loop {
            let db = self.db()?;
            if db.basis_t() >= t {
                return Ok(db);
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                let message =
                    format!("transaction {t} did not come within {} ms; the newest is {}", timeout.as_millis(), db.basis_t());
                return Err(Error::new(ErrorKind::WaitTimeout, message)
                    .with_value(t)
                    .with_help("wait longer, or ask for an earlier t"));
            };
            std::thread::sleep(WAIT_STEP.min(left));
        }
    }

    /// Commits one transaction, given as EDN text, and returns when it is durable.
    pub fn transact(&self, transaction: &str) -> Result<Report> {
        self.transact_data(&TxData::read(transaction)?)
    }

    /// The same for transaction data built by a program.
    pub fn transact_data(&self, data: &TxData) -> Result<Report> {
        refuse_inside()?;
        self.0.queue.commit(data, |group| self.0.commit_group(group))
    }
}

impl Shared {
    fn db(&self, snapshot: Arc<Snapshot>) -> Db {
        Db::of_connection(snapshot, &self.functions, &self.transaction_functions, &self.recent)
    }
}
