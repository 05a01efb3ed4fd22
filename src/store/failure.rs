//! What SQLite and the operating system report, in the words of this crate.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind};

/// `SQLITE_IOERR_SHMSIZE`: the file beside the store with which its processes find their way could not grow.
const NO_ROOM_TO_SHARE: i32 = 10 + 19 * 256;

/// `SQLITE_READONLY_ROLLBACK`: a rollback journal tells of a transaction that was interrupted.
const NEEDS_ROLLBACK: i32 = 8 + 3 * 256;

/// An error of SQLite.
pub(super) fn failure(error: rusqlite::Error) -> Error {
    let (kind, sentence, help) = match error.sqlite_error_code() {
        Some(_) if error.sqlite_error().is_some_and(|error| error.extended_code == NO_ROOM_TO_SHARE) => (
            ErrorKind::Io,
            "there is no room on the disk for what readers and writers of the store share, or it is full",
            "free 64 KiB or more, and open the store again: nothing is lost",
        ),
        Some(_) if error.sqlite_error().is_some_and(|error| error.extended_code == NEEDS_ROLLBACK) => (
            ErrorKind::ReadOnly,
            "a transaction was left half done, and who only reads cannot take it back",
            "open the store for writing once, as `annals init` does: everything acknowledged is there",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Busy,
            "another process kept the store locked for too long",
            "try again; if it stays so, look for a process that holds a transaction open",
        ),
        Some(ErrorCode::DatabaseCorrupt) => (
            ErrorKind::Damaged,
            // A reading that fails with EIO is told by SQLite as damage: what cannot be read may as well not be there.
            "the store is damaged, or its disk cannot be read",
            "look for errors of the disk first; then `annals verify` names what is wrong. Restore a copy; nothing was deleted",
        ),
        Some(ErrorCode::NotADatabase) => (ErrorKind::NotAStore, "the file is not a store", "give the path of a store"),
        Some(ErrorCode::ReadOnly) => (ErrorKind::ReadOnly, "the store cannot be written", "check the file's permissions"),
        Some(ErrorCode::DiskFull) => (ErrorKind::Io, "the disk is full", "free some space and open the store again"),
        Some(ErrorCode::PermissionDenied) => {
            (ErrorKind::Io, "access was denied", "check the permissions of the file and its folder")
        }
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::FileLockingProtocolFailed) => (
            ErrorKind::Io,
            "the operating system refused to read or write",
            "check the disk and the permissions, then open the store again",
        ),
        Some(ErrorCode::OutOfMemory) => (ErrorKind::Io, "there was not enough memory", "close other programs and try again"),
        Some(ErrorCode::TooBig) => (ErrorKind::TransactionLimit, "a value is too large for the store", "split the value"),
        _ => (ErrorKind::Damaged, "the store does not answer as a store does", "`annals verify` names what is wrong"),
    };
    let cause = error.sqlite_error().map_or_else(|| error.to_string(), |_| sqlite_message(&error));
    Error::new(kind, format!("{sentence}: {cause}")).with_help(help).caused_by(error)
}

fn sqlite_message(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) | rusqlite::Error::SqlInputError { msg: message, .. } => message.clone(),
        other => other.to_string(),
    }
}

/// An error of the operating system about a path.
pub(super) fn io_failure(error: std::io::Error, doing: &str, path: &Path) -> Error {
    use std::io::ErrorKind as Io;
    let help = match error.kind() {
        Io::PermissionDenied => "check the permissions of the file and its folder",
        Io::NotFound => "check the path",
        Io::StorageFull | Io::QuotaExceeded => "free some space",
        Io::ReadOnlyFilesystem => "choose a path on a file system that can be written",
        _ => "check the path and the disk",
    };
    Error::new(ErrorKind::Io, format!("cannot {doing} {}: {error}", path.display()))
        .with_value(path.display())
        .with_help(help)
        .caused_by(error)
}

/// A contradiction in what the file holds.
pub(super) fn damaged(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Damaged, message)
        .with_help("`annals verify` names the first thing wrong; restore a copy, nothing was deleted")
}
