//! The log of datoms in one SQLite file: opened hardened, appended to, read as of any transaction, verified. Nothing outside
//! this folder knows that it is SQLite.
//!
//! In the order in which a store meets them:
//!
//! ```text
//! path -> connect -> migrate -> genesis -> commit { encode, record, row } -> read -> verify -> backup
//! ```

mod backup;
mod commit;
mod connect;
mod encode;
mod ends;
mod failure;
mod genesis;
mod migrate;
mod path;
mod read;
mod record;
mod rescue;
mod row;
mod secret;
mod sequence;
mod unsynced;
mod verify;
mod wal;
mod words;

pub use backup::{BackupOptions, BackupProgress, BackupReport, Existing};
pub use commit::WriteTransaction;
pub(crate) use encode::{decode as decode_value, encode as encode_value};
pub use read::{Basis, Reader, TransactionRow};
pub use record::Record;
pub use rescue::{LostRange, RescueReport};
pub use verify::{Part, Problem, VerifyReport};

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use annals_query::Value;

use self::failure::failure;
use self::migrate::State;
use self::path::Found;
use crate::datom::{Datom, Partition};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::BUSY_TIMEOUT;

/// Connections that wait for the next read. More are opened when more threads read at once, and closed afterwards.
const IDLE_READERS: usize = 8;

/// What to do when a commit fails: the operating system may have kept what it could not confirm.
const IN_DOUBT: &str = "see to the disk and open the store again: what was acknowledged is there, and this transaction is there whole or not at \
all, so look before you say it again";

/// Held while a thread of this process makes a file: closing a file gives up every lock that the process has on it, so no other
/// thread may have it open then.
static CREATION: Mutex<()> = Mutex::new(());

/// What a handle may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read and write.
    ReadWrite,
    /// Read only: nothing is created, migrated or written.
    ReadOnly,
}

/// When a commit counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it is on the disk. The default.
    Full,
    /// When the operating system has it: a power loss may take the last commits, each of them whole. An empty file `NAME-normal`
    /// beside the store says so, until somebody opens it with [`Durability::Full`].
    Normal,
}

/// A store: one file, used by any number of threads and processes at once.
///
/// ```
/// use annals::store::{Access, Store};
/// let folder = tempfile::tempdir().expect("a temporary folder");
/// let path = folder.path().join("annals.db");
/// let store = Store::open_or_create(&path)?;
/// assert_eq!(store.basis()?.t, 1);
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    is_new: bool,
    // Readers close before the writer, which then folds the write-ahead log into the file.
    readers: Mutex<Vec<Reader>>,
    /// Asked for the version alone: a connection counts the commits of all others.
    watcher: Mutex<Option<Reader>>,
    writer: Option<Mutex<Writer>>,
    is_poisoned: AtomicBool,
    /// The version of the format that connections for reading meet.
    version: usize,
    redaction_key: OnceLock<[u8; crate::redact::KEY_BYTES]>,
    keeps_side_files: bool,
}

#[derive(Debug)]
struct Writer {
    reader: Reader,
    durability: Durability,
    /// The bytes of the record that is being made, kept for the next one.
    scratch: Vec<u8>,
    /// What the last commit of this handle left, as long as nobody else has committed.
    left: Option<Left>,
}

/// The newest transaction and the last datom, and the version of the store at which they were that.
#[derive(Clone, Copy, Debug)]
struct Left {
    version: i64,
    ends: (Basis, i64),
}

impl Store {
    /// Creates a store, and its folder if that is missing. A store that is there already is refused.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        match path::look(path)? {
            Found::File(existing) if !is_unfinished(&existing)? => {
                Err(Error::new(ErrorKind::StorePath, format!("there is a store already at {}", path.display()))
                    .with_value(path.display())
                    .with_help("use it as it is, or choose another path"))
            }
            _ => Self::open_or_create(path),
        }
    }

    /// Opens the store that is there, or creates it. Several processes may do this at once: one creates, all open.
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_or_create_with(path, Durability::Full)
    }

    /// The same, for commits that count as done like this.
    pub fn open_or_create_with(path: impl AsRef<Path>, durability: Durability) -> Result<Self> {
        let path = path.as_ref();
        let _turn = lock(&CREATION);
        let absolute = match path::look(path)? {
            Found::File(absolute) => absolute,
            Found::EmptyFile(absolute) => path::refuse_remains(path).map(|()| absolute)?,
            Found::Nothing => path::refuse_remains(path).and_then(|()| path::create(path))?,
        };
        Self::open_file(absolute, Access::ReadWrite, durability)
    }

    /// Opens the store that is there.
    pub fn open(path: impl AsRef<Path>, access: Access) -> Result<Self> {
        Self::open_with(path, access, Durability::Full)
    }

    /// The same, for commits that count as done like this.
    pub fn open_with(path: impl AsRef<Path>, access: Access, durability: Durability) -> Result<Self> {
        let path = path.as_ref();
        match path::look(path)? {
            Found::File(absolute) => Self::open_file(absolute, access, durability),
            Found::EmptyFile(absolute) if access == Access::ReadWrite => {
                path::refuse_remains(path)?;
                Self::open_file(absolute, access, durability)
            }
            Found::EmptyFile(_) => Err(missing(path, "the file is empty: no store was ever written to it")),
            Found::Nothing => Err(missing(path, "there is no store")),
        }
    }

    fn open_file(path: PathBuf, access: Access, durability: Durability) -> Result<Self> {
        wal::check(&path)?;
        let (writer, is_new) = match access {
            Access::ReadWrite => {
                let (mut connection, is_new) = retry_while_busy(|| open_to_write(&path))?;
                if durability == Durability::Full {
                    unsynced::unmark(&path, &mut connection)?;
                }
                let reader = Reader::new(connection);
                (Some(Mutex::new(Writer { reader, durability: Durability::Full, scratch: Vec::new(), left: None })), is_new)
            }
            Access::ReadOnly => (None, false),
        };
        let version = match access {
            Access::ReadWrite => migrate::MIGRATIONS.len(),
            Access::ReadOnly => readable_version(&path)?,
        };
        let (readers, watcher) = (Mutex::default(), Mutex::default());
        let keeps_side_files = access == Access::ReadWrite;
        let (is_poisoned, redaction_key) = (AtomicBool::new(false), OnceLock::new());
        Self { path, is_new, readers, watcher, writer, is_poisoned, version, redaction_key, keeps_side_files }
            .with_durability(durability)
    }

    /// Says when a commit counts as done, from now on.
    pub fn with_durability(self, durability: Durability) -> Result<Self> {
        if let Some(writer) = &self.writer {
            let mut writer = lock(writer);
            connect::set_durability(writer.reader.connection(), durability)?;
            (writer.durability, writer.left) = (durability, None);
        }
        Ok(self)
    }

    /// Lets what is copied from the log be kept beside the store, also where the store itself is only read.
    pub(crate) fn with_side_files(self) -> Self {
        Self { keeps_side_files: true, ..self }
    }

    /// True if side files may be made, replaced and removed.
    pub(crate) fn keeps_side_files(&self) -> bool {
        self.keeps_side_files
    }

    /// True if it was made when this opened it: of several who open one that is not there yet at the same time, one makes it.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The absolute path of the file in use.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What this handle may do.
    pub fn access(&self) -> Access {
        if self.writer.is_some() { Access::ReadWrite } else { Access::ReadOnly }
    }

    /// A connection to read with, given back when it is dropped. Take one for several reads in a row; each method of
    /// [`Reader`] stands on [`Store`] too.
    pub fn reader(&self) -> Result<PooledReader<'_>> {
        let idle = lock(&self.readers).pop();
        let reader = if let Some(reader) = idle {
            reader
        } else {
            let connection = connect::connect(&self.path, Access::ReadOnly)?;
            migrate::adapt(&connection, self.version)?;
            Reader::new(connection)
        };
        Ok(PooledReader { store: self, reader: Some(reader) })
    }

    /// Runs `work` as one commit: nobody else writes meanwhile, what it appends is there for everybody when this returns, and
    /// nothing of it is if `work` fails. After a failure to write the handle refuses further writes.
    pub fn write<R>(&self, work: impl FnOnce(&mut WriteTransaction<'_>) -> Result<R>) -> Result<R> {
        let Some(writer) = &self.writer else {
            return Err(Error::new(ErrorKind::ReadOnly, "the store was opened for reading only")
                .with_value(self.path.display())
                .with_help("open it for writing"));
        };
        let mut writer = lock(writer);
        if self.is_poisoned.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::HandlePoisoned, "an earlier write failed, so this handle writes no more")
                .with_value(self.path.display())
                .with_help("open the store again; everything acknowledged is there"));
        }
        let Writer { reader, durability, scratch, left } = &mut *writer;
        let open = OpenCommit::begin(reader, &self.is_poisoned)?;
        let found = self.left_now(reader, *durability, left.take());
        let Left { version, ends } = found.map_err(|error| open.poison(error))?;
        let mut transaction = WriteTransaction::new(reader, scratch, ends);
        let outcome = work(&mut transaction).and_then(|result| transaction.check_open().map(|()| result));
        if transaction.has_failed() || outcome.as_ref().is_err_and(|error| error.kind().lies_below()) {
            self.is_poisoned.store(true, Ordering::Release);
        }
        let (result, ends) = (outcome?, transaction.ends());
        open.commit()?;
        *left = Some(Left { version, ends });
        Ok(result)
    }

    /// What a commit that was begun finds. The version is another one only if another connection has committed or folded the log
    /// since: then the mark of commits that are not synced may be gone too.
    fn left_now(&self, reader: &Reader, durability: Durability, known: Option<Left>) -> Result<Left> {
        let version = reader.version()?;
        if let Some(known) = known.filter(|known| known.version == version) {
            return Ok(known);
        }
        if durability == Durability::Normal {
            unsynced::mark(&self.path)?;
        }
        Ok(Left { version, ends: read::ends(reader.connection())? })
    }

    /// The newest committed transaction, whichever process committed it.
    pub fn basis(&self) -> Result<Basis> {
        self.reader()?.basis()
    }

    /// A number that is another one after every commit, whichever process made it. Cheaper to ask for than the basis.
    pub fn version(&self) -> Result<i64> {
        let mut watcher = lock(&self.watcher);
        let reader = match &mut *watcher {
            Some(reader) => reader,
            none => none.insert(Reader::new(connect::connect(&self.path, Access::ReadOnly)?)),
        };
        reader.version()
    }

    /// See [`Reader::datoms_of_entity`].
    pub fn datoms_of_entity(&self, entity: i64, until_t: i64) -> Result<Vec<Datom>> {
        self.reader()?.datoms_of_entity(entity, until_t)
    }

    /// See [`Reader::datoms_of_entity_attribute`].
    pub fn datoms_of_entity_attribute(&self, entity: i64, attribute: i64, until_t: i64) -> Result<Vec<Datom>> {
        self.reader()?.datoms_of_entity_attribute(entity, attribute, until_t)
    }

    /// See [`Reader::last_datom_until`].
    pub fn last_datom_until(&self, entity: i64, attribute: i64, until_t: i64) -> Result<Option<Datom>> {
        self.reader()?.last_datom_until(entity, attribute, until_t)
    }

    /// See [`Reader::datoms_of_entities`].
    pub fn datoms_of_entities(&self, first: i64, last: i64, until_t: i64, take: impl FnMut(Datom) -> Result<()>) -> Result<()> {
        self.reader()?.datoms_of_entities(first, last, until_t, take)
    }

    /// See [`Reader::datoms_by_value`].
    pub fn datoms_by_value(&self, attribute: i64, value: &Value, until_t: i64) -> Result<Vec<Datom>> {
        self.reader()?.datoms_by_value(attribute, value, until_t)
    }

    /// See [`Reader::log`].
    pub fn log(
        &self,
        after_t: i64,
        until_t: i64,
        attributes: Option<&[i64]>,
        take: impl FnMut(Datom) -> Result<()>,
    ) -> Result<()> {
        self.reader()?.log(after_t, until_t, attributes, take)
    }

    /// See [`Reader::transactions`].
    pub fn transactions(&self, after_t: i64, until_t: i64) -> Result<Vec<TransactionRow>> {
        self.reader()?.transactions(after_t, until_t)
    }

    /// See [`Reader::datoms_until`].
    pub fn datoms_until(&self, t: i64) -> Result<i64> {
        self.reader()?.datoms_until(t)
    }

    /// See [`Reader::last_t_at`].
    pub fn last_t_at(&self, instant: i64) -> Result<i64> {
        self.reader()?.last_t_at(instant)
    }

    /// See [`Reader::last_entity`].
    pub fn last_entity(&self, partition: Partition) -> Result<Option<i64>> {
        self.reader()?.last_entity(partition)
    }

    /// See [`Reader::last_partition`].
    pub fn last_partition(&self) -> Result<Partition> {
        self.reader()?.last_partition()
    }

    /// See [`Reader::last_in_sequence`].
    pub fn last_in_sequence(&self, attribute: i64, scope: i64, within: i64) -> Result<i64> {
        self.reader()?.last_in_sequence(attribute, scope, within)
    }
}

impl Store {
    /// Computes everything again from the log and names the first thing wrong. Others may go on reading and writing.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// let store = annals::store::Store::create(folder.path().join("annals.db"))?;
    /// assert_eq!(store.verify()?.problem, None);
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn verify(&self) -> Result<VerifyReport> {
        // A connection of its own: one that has searched words keeps what it knew of their index, and SQLite's check of the index
        // compares that with what others have written since.
        let mut report = verify::verify(&Reader::new(connect::connect(&self.path, Access::ReadOnly)?), None)?;
        verify::check_log_beside(&self.path, false, &mut report);
        Ok(report)
    }

    /// Copies the store as it is now to a new file, which is verified before it gets its name. Others go on reading and writing.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// use annals::store::{Access, BackupOptions, Store};
    /// let store = Store::create(folder.path().join("annals.db"))?;
    /// let copied = folder.path().join("copied.db");
    /// let report = store.backup(&copied, &BackupOptions::default(), |_| ())?;
    /// assert_eq!(Store::open(&copied, Access::ReadOnly)?.basis()?.t, report.t);
    /// # Ok::<(), annals::Error>(())
    /// ```
    ///
    /// `progress` is called every few milliseconds while bytes are copied. A path at which something stands is refused, unless the
    /// options say otherwise; the store itself and what lies beside it always are. The file is private, on the disk when this
    /// returns, and a store: it is restored by being opened. After an error nothing of it is left.
    pub fn backup(
        &self,
        out: impl AsRef<Path>,
        options: &BackupOptions,
        mut progress: impl FnMut(BackupProgress),
    ) -> Result<BackupReport> {
        backup::backup(&self.path, out.as_ref(), options, &mut progress)
    }

    /// Verifies a file that may be too damaged to be opened as a store. Nothing else in this process may have it open: the index of the
    /// write-ahead log is looked at too, and closing that gives up the locks of the process.
    pub fn verify_file(path: impl AsRef<Path>) -> Result<VerifyReport> {
        Self::verify_file_since(path, None)
    }

    /// The same, and a search for the transaction at which the chain had this head: all up to that one is then as it was when the head
    /// was noted.
    pub fn verify_file_since(path: impl AsRef<Path>, head: Option<[u8; 32]>) -> Result<VerifyReport> {
        let path = path.as_ref();
        let Found::File(absolute) = path::look(path)? else {
            path::refuse_remains(path)?;
            return Err(missing(path, "there is no store, or an empty file"));
        };
        // Before SQLite opens the file, which makes the index of the log anew.
        let mut beside = VerifyReport::default();
        verify::check_log_beside(&absolute, true, &mut beside);
        let connected = connect::connect(&absolute, Access::ReadOnly);
        let mut report = match connected.and_then(|connection| verify::verify(&Reader::new(connection), head)) {
            Err(error) if migrate::is_of_another_program(&error) => return Err(error.with_value(path.display())),
            Err(error) => verify::unreadable(error)?,
            Ok(report) => report,
        };
        if let Some(lost) = beside.problem {
            report.found(Problem { t: Some(report.transactions + 1), ..lost });
        }
        Ok(report)
    }
}

impl Store {
    /// Copies everything that still proves itself out of a damaged store into a new one, and says what it could not copy. The damaged
    /// files are only read. Nothing may stand at `out`; nothing else in this process may have the damaged store open.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// use annals::store::{Access, Store};
    /// let (damaged, saved) = (folder.path().join("damaged.db"), folder.path().join("saved.db"));
    /// drop(annals::Connection::open(&damaged)?.transact("[{:user/name \"Ada\"}]")?);
    /// let report = Store::rescue(&damaged, &saved)?;
    /// assert_eq!((report.copied, report.lost.len()), (2, 0));
    /// assert_eq!(Store::open(&saved, Access::ReadOnly)?.basis()?.t, 2);
    /// # Ok::<(), annals::Error>(())
    /// ```
    ///
    /// A transaction keeps its t. In the place of one that is lost stands a stand-in: `:rescue/lost` says why, and facts that later
    /// transactions prove to have been said in it follow, all with the entity of the rescue as `m`. Up to the first gap the hash chain is
    /// that of the damaged store; behind it, it is a new one.
    pub fn rescue(source: impl AsRef<Path>, out: impl AsRef<Path>) -> Result<RescueReport> {
        rescue::rescue(source.as_ref(), out.as_ref())
    }
}

/// A [`Reader`] that goes back to its store when dropped.
#[derive(Debug)]
pub struct PooledReader<'s> {
    store: &'s Store,
    reader: Option<Reader>,
}

impl Deref for PooledReader<'_> {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        self.reader.as_ref().expect("the reader is taken only when this is dropped")
    }
}

impl Drop for PooledReader<'_> {
    fn drop(&mut self) {
        let mut idle = lock(&self.store.readers);
        if idle.len() < IDLE_READERS {
            idle.extend(self.reader.take());
        }
    }
}

/// A SQLite transaction that rolls back unless it is committed, also when the work panics.
struct OpenCommit<'s> {
    reader: &'s Reader,
    is_poisoned: &'s AtomicBool,
    is_done: bool,
}

impl<'s> OpenCommit<'s> {
    fn begin(reader: &'s Reader, is_poisoned: &'s AtomicBool) -> Result<Self> {
        let open = Self { reader, is_poisoned, is_done: false };
        match run(reader, "BEGIN IMMEDIATE") {
            // Somebody else was writing for long: nothing failed.
            Err(error) if error.kind() == ErrorKind::Busy => Err(error),
            begun => begun.map(|()| open).inspect_err(|_| is_poisoned.store(true, Ordering::Release)),
        }
    }

    fn commit(mut self) -> Result<()> {
        run(self.reader, "COMMIT").map_err(|error| self.poison(error).with_help(IN_DOUBT))?;
        self.is_done = true;
        Ok(())
    }

    fn poison(&self, error: Error) -> Error {
        self.is_poisoned.store(true, Ordering::Release);
        error
    }
}

impl Drop for OpenCommit<'_> {
    fn drop(&mut self) {
        // Some errors make SQLite roll back by itself.
        if !self.is_done && !self.reader.connection().is_autocommit() && run(self.reader, "ROLLBACK").is_err() {
            self.is_poisoned.store(true, Ordering::Release);
        }
    }
}

fn run(reader: &Reader, sql: &str) -> Result<()> {
    reader.connection().prepare_cached(sql).and_then(|mut statement| statement.execute(())).map(|_| ()).map_err(failure)
}

/// A panic elsewhere rolled its commit back, so what the lock guards is as it was.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn missing(path: &Path, what: &str) -> Error {
    Error::new(ErrorKind::StoreMissing, format!("{what}: {}", path.display()))
        .with_value(path.display())
        .with_help("`annals init` makes a store; --db or ANNALS_DB names another one")
}

/// Opens a file to write: first told apart without changing a byte of it, then completed or migrated.
/// True if that gave it its first transaction.
fn open_to_write(path: &Path) -> Result<(rusqlite::Connection, bool)> {
    let connection = connect::connect(path, Access::ReadWrite)?;
    if migrate::inspect(&connection, path)? == State::Unfinished {
        path::make_private(path)?;
    }
    connect::prepare_to_write(&connection, Durability::Full)?;
    let is_new = migrate::migrate(&connection, path)?;
    Ok((connection, is_new))
}

/// The version of a store that is only read, and so stays as it is.
fn readable_version(path: &Path) -> Result<usize> {
    let connection = connect::connect(path, Access::ReadOnly)?;
    match retry_while_busy(|| migrate::inspect(&connection, path))? {
        State::Version(version) => Ok(version),
        State::Unfinished => Err(missing(path, "the creation of this store was not finished")),
    }
}

fn is_unfinished(path: &Path) -> Result<bool> {
    let connection = connect::connect(path, Access::ReadOnly)?;
    Ok(retry_while_busy(|| migrate::inspect(&connection, path))? == State::Unfinished)
}

/// While a store is being made, SQLite reports some conflicts at once, without asking the busy handler.
fn retry_while_busy<R>(mut attempt: impl FnMut() -> Result<R>) -> Result<R> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match attempt() {
            Err(error) if error.kind() == ErrorKind::Busy && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(2));
            }
            outcome => return outcome,
        }
    }
}
