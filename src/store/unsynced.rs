//! The mark beside a store whose write-ahead log may hold commits that nobody synced: an empty file, `NAME-normal`.
//!
//! With [`Durability::Normal`](super::Durability::Normal) a commit is on the disk once the log was folded into the file. A power loss before that
//! may take some of the last commits and leave whole ones behind them, which in a log that is synced with every commit only damage
//! can do (see [`wal`]). So whoever writes like this makes the mark first, inside the commit; whoever opens the store to sync every
//! commit folds the log, and takes the mark away.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::failure::{failure, io_failure};
use super::{connect, path, wal};
use crate::error::Result;

fn mark_of(store: &Path) -> PathBuf {
    wal::beside(store, "-normal")
}

/// True if commits of the log may be missing though others follow them. A symbolic link is no mark.
pub(super) fn is_marked(store: &Path) -> bool {
    fs::symlink_metadata(mark_of(store)).is_ok_and(|metadata| metadata.is_file())
}

/// Makes the mark if it is not there. It is on the disk when this returns. Whoever calls this holds the lock for writing, so nobody
/// takes the mark away before the commit is made.
pub(super) fn mark(store: &Path) -> Result<()> {
    if is_marked(store) {
        return Ok(());
    }
    let mark = mark_of(store);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&mark);
    file.and_then(|file| file.sync_all()).map_err(|error| io_failure(error, "create", &mark))?;
    path::sync_folder(path::folder_of(store))
}

/// Takes the mark away if the whole log can be folded into the file at once. If somebody reads or writes just now, or the disk does not
/// let it, the mark stays, which loses nothing, and the next opening tries again.
pub(super) fn unmark(store: &Path, connection: &mut Connection) -> Result<()> {
    if !is_marked(store) {
        return Ok(());
    }
    connection.busy_timeout(Duration::ZERO).map_err(failure)?;
    let outcome = fold_and_remove(store, connection);
    connect::wait_for_others(connection).map_err(failure)?;
    outcome.map_err(failure)
}

fn fold_and_remove(store: &Path, connection: &Connection) -> rusqlite::Result<()> {
    let fold = || connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, bool>(0));
    if fold().unwrap_or(true) || connection.execute_batch("BEGIN IMMEDIATE").is_err() {
        return Ok(());
    }
    // Nobody else writes now. If something was written after the folding, it is in the log.
    let log = wal::beside(store, "-wal");
    if !wal::is_filled(&log) && is_on_disk(&log) {
        let _ = fs::remove_file(mark_of(store));
    }
    connection.execute_batch("ROLLBACK")
}

/// Syncs an empty log: SQLite does not, and a power loss could bring back what was in it, or the one that was deleted before it.
fn is_on_disk(log: &Path) -> bool {
    File::open(log).and_then(|log| log.sync_all()).is_ok() && path::sync_folder(path::folder_of(log)).is_ok()
}
