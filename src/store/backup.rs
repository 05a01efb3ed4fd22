//! A copy of a store as it is at one moment, made while others write: by SQLite's online backup, verified, and only then given its name.

mod target;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use annals_query::Code;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use self::target::{Target, Unfinished};
use super::failure::{failure, io_failure};
use super::read::{self, Basis, Reader};
use super::{Access, connect, verify};
use crate::error::{Error, ErrorKind, Result};

/// Pages copied between two looks at [`BackupOptions::cancelled`]: half a megabyte, a few milliseconds.
const PAGES_AT_ONCE: i32 = 256;

/// Steps of SQLite's machine between two such looks while the copy is verified: about a millisecond.
const STEPS_AT_ONCE: i32 = 10_000;

/// Where the header of an SQLite file says in which versions of the journal it is written and read.
const JOURNAL_VERSIONS: u64 = 18;

/// What may stand at the path of a backup beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Nothing. The default.
    #[default]
    Refuse,
    /// A file that nobody uses, which the backup takes the place of once it is whole.
    Replace,
}

/// How a backup is made.
#[derive(Clone, Debug, Default)]
pub struct BackupOptions {
    /// What may stand at its path beforehand.
    pub existing: Existing,
    /// Set by any thread, ends the backup: it leaves nothing behind and gives an error with the code `query/cancelled`.
    pub cancelled: Arc<AtomicBool>,
}

/// How far a backup is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackupProgress {
    /// Bytes are copied.
    Copying {
        /// So many are.
        bytes_done: u64,
        /// Of so many.
        bytes: u64,
    },
    /// All are copied, and the chain and what is derived are computed again from the copy.
    Verifying,
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// The file, as an absolute path.
    pub path: PathBuf,
    /// Its last transaction.
    pub t: i64,
    /// Datoms in it.
    pub datoms: i64,
    /// The head of the hash chain at `t`, in hexadecimal: of the copy, and of the store at the moment of the copy.
    pub head: String,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Copies the store at `source`, an absolute path, to `out`.
pub(super) fn backup(
    source: &Path,
    out: &Path,
    options: &BackupOptions,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<BackupReport> {
    let target = Target::look(source, out, options.existing)?;
    let unfinished = target.begin()?;
    let basis = copy(source, &unfinished, options, progress).map_err(|error| error.within(&out.display().to_string()))?;
    seal(unfinished.file(), unfinished.path())?;
    progress(BackupProgress::Verifying);
    let (head, datoms) = prove(&unfinished, &basis, options)?;
    let file = unfinished.file();
    file.sync_all().map_err(|error| io_failure(error, "write", out))?;
    let bytes = file.metadata().map_err(|error| io_failure(error, "look at", out))?.len();
    stop_if_cancelled(options)?;
    let path = target.publish(&unfinished, options.existing)?;
    Ok(BackupReport { path, t: basis.t, datoms, head, bytes })
}

/// Copies page by page what one reading transaction sees. It holds no writer up, and no writer makes it begin again; until it ends, the
/// write-ahead log is not begun anew and grows by what is written meanwhile.
fn copy(
    source: &Path,
    unfinished: &Unfinished,
    options: &BackupOptions,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<Basis> {
    let source = connect::connect(source, Access::ReadOnly)?;
    let moment = source.unchecked_transaction().map_err(failure)?;
    let basis = read::basis(&moment)?;
    let mut copied = open_copy(unfinished.path()).map_err(failure)?;
    let backup = Backup::new(&moment, &mut copied).map_err(failure)?;
    let bytes_of_page: i64 = moment.query_row("PRAGMA page_size", (), |row| row.get(0)).map_err(failure)?;
    loop {
        stop_if_cancelled(options)?;
        let step = backup.step(PAGES_AT_ONCE).map_err(failure)?;
        let told = backup.progress();
        let bytes_of = |pages: i32| u64::from(pages.unsigned_abs()) * bytes_of_page.unsigned_abs();
        progress(BackupProgress::Copying {
            bytes_done: bytes_of(told.pagecount - told.remaining),
            bytes: bytes_of(told.pagecount),
        });
        match step {
            StepResult::Done => return Ok(basis),
            StepResult::More => {}
            // Both connections are ours alone, so nothing but a mistake of another program can lock them.
            _ => return Err(Error::new(ErrorKind::Busy, "another program locks the file of the backup").with_help("try again")),
        }
    }
}

/// The file that is written: it is thrown away unless it becomes whole, so it needs no journal, and is synced once at the end.
fn open_copy(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let copied = Connection::open_with_flags(path, flags)?;
    copied.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;")?;
    Ok(copied)
}

/// Says in the header that the file is complete without a write-ahead log. A store in use says otherwise, and then nobody can read
/// it in a folder where nothing may be written. Opening it for writing turns the log on again.
fn seal(file: &File, path: &Path) -> Result<()> {
    const COMPLETE: [u8; 2] = [1, 1];
    file.write_all_at(&COMPLETE, JOURNAL_VERSIONS).map_err(|error| io_failure(error, "write", path))
}

/// Computes everything again from the copy, and compares its head with the one that the store had.
fn prove(unfinished: &Unfinished, basis: &Basis, options: &BackupOptions) -> Result<(String, i64)> {
    let mut copied = connect::connect(unfinished.path(), Access::ReadOnly)?;
    let cancelled = Arc::clone(&options.cancelled);
    copied.progress_handler(STEPS_AT_ONCE, Some(move || cancelled.load(Ordering::Relaxed))).map_err(failure)?;
    let outcome = verify::verify(&Reader::new(copied), None);
    stop_if_cancelled(options)?;
    let report = outcome?;
    if let Some(problem) = report.problem {
        return Err(Error::new(ErrorKind::Damaged, format!("the copy is not sound, so there is no backup: {}", problem.what))
            .with_help("`annals verify` says whether the store itself is damaged; what stood at the path before is as it was"));
    }
    let head = verify::hexadecimal(&basis.hash);
    if (report.transactions, &report.head) != (basis.t, &head) {
        let message = format!("the copy ends with the head {}, the store with {head}", report.head);
        return Err(Error::new(ErrorKind::Damaged, message).with_help("check the disk of the backup, and try again"));
    }
    Ok((head, report.datoms))
}

fn stop_if_cancelled(options: &BackupOptions) -> Result<()> {
    if options.cancelled.load(Ordering::Relaxed) {
        return Err(Error::new(ErrorKind::Query(Code::Cancelled), "the backup was cancelled")
            .with_help("nothing is left of it, and what stood at its path before is as it was"));
    }
    Ok(())
}
