//! The path given is the file used: looked at before SQLite sees it, and made private by us.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::ErrorKind as Io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::failure::{damaged, io_failure};
use super::wal;
use crate::error::{Error, ErrorKind, Result};

/// Bytes of a file's name: file systems allow 255, of which `-journal` and `-columns` need 8.
const LIMIT_NAME_BYTES: usize = 247;

/// What stands at the path of a store, with the absolute path to use.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A regular file with something in it.
    File(PathBuf),
    /// A regular file without a byte: a creation that was interrupted, or that another process is about to finish.
    EmptyFile(PathBuf),
    /// Nothing.
    Nothing,
}

/// Looks at a path without opening what is there: a FIFO would wait, a device could do anything.
pub(super) fn look(path: &Path) -> Result<Found> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.is_empty() {
        return Err(refused(path, "the path of the store is empty", "give the path of a file, such as .annals/annals.db"));
    }
    if bytes.contains(&0) {
        return Err(refused(path, "the path of the store holds a zero byte", "give a path without it"));
    }
    let link = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == Io::NotFound => return nothing_at(path),
        Err(error) => return Err(io_failure(error, "look at", path)),
    };
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == Io::NotFound => {
            let help = "a symbolic link is not followed to create a store: give the path that it points to";
            return Err(refused(path, "the path of the store is a symbolic link that leads nowhere", help));
        }
        Err(error) => return Err(io_failure(error, "look at", path)),
    };
    check_kind(path, &metadata)?;
    let absolute = fs::canonicalize(path).map_err(|error| io_failure(error, "resolve", path))?;
    if metadata.len() > 0 {
        return Ok(Found::File(absolute));
    }
    if link.file_type().is_symlink() {
        let help = "a symbolic link is not followed to create a store: give the path that it points to";
        return Err(refused(path, "the path of the store is a symbolic link to an empty file", help));
    }
    Ok(Found::EmptyFile(absolute))
}

/// Refuses to begin a store where only the write-ahead log of one is left: SQLite would delete it, and it may hold the last copy of
/// what was written.
pub(super) fn refuse_remains(path: &Path) -> Result<()> {
    let log = wal::beside(path, "-wal");
    // In this order: a store has something in its file before it has a log.
    if !wal::is_filled(&log) || wal::is_filled(path) {
        return Ok(());
    }
    Err(damaged(format!("the file of the store is gone or empty, and its write-ahead log is left: {}", log.display()))
        .with_value(log.display())
        .with_help("restore a copy of the store; to begin a new one here, move the log elsewhere first; nothing was deleted"))
}

/// Refuses a name behind which there is no room for the names of what lies beside a store.
pub(super) fn refuse_long_name(path: &Path) -> Result<()> {
    let length = path.file_name().map_or(0, std::ffi::OsStr::len);
    if length <= LIMIT_NAME_BYTES {
        return Ok(());
    }
    let message = format!("the name of the file has {length} bytes, and what lies beside a store needs longer names");
    Err(refused(path, &message, &format!("give it a name of at most {LIMIT_NAME_BYTES} bytes")))
}

fn nothing_at(path: &Path) -> Result<Found> {
    refuse_long_name(path)?;
    if path.as_os_str().as_bytes().ends_with(b"/") || path.file_name().is_none() {
        return Err(refused(path, "the path of the store names a folder", "name a file in it, such as annals.db"));
    }
    Ok(Found::Nothing)
}

fn check_kind(path: &Path, metadata: &fs::Metadata) -> Result<()> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Err(refused(path, "the path of the store is a folder", "name a file in it, such as annals.db"));
    }
    if kind.is_file() {
        return Ok(());
    }
    let what = match () {
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    Err(refused(path, &format!("the path of the store is {what}"), "give the path of a regular file"))
}

fn refused(path: &Path, message: &str, help: &str) -> Error {
    Error::new(ErrorKind::StorePath, message).with_value(path.display()).with_help(help)
}

/// The folder in which a path lies; `.` for a name alone.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the empty file of a new store, 0600 whatever the umask says, and its folder, 0700, if that is missing. If another
/// process made the file in the meantime, that file is used.
pub(super) fn create(path: &Path) -> Result<PathBuf> {
    let folder = folder_of(path);
    create_folder(folder)?;
    let absolute_folder = fs::canonicalize(folder).map_err(|error| io_failure(error, "resolve", folder))?;
    let name = path.file_name().ok_or_else(|| refused(path, "the path of the store names a folder", "name a file in it"))?;
    let absolute = absolute_folder.join(name);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&absolute) {
        Ok(file) => {
            // The umask may have taken rights from us too.
            let set = file.set_permissions(Permissions::from_mode(0o600));
            set.map_err(|error| io_failure(error, "make private", &absolute))?;
            file.sync_all().map_err(|error| io_failure(error, "write", &absolute))?;
            sync_folder(&absolute_folder)?;
        }
        Err(error) if error.kind() == Io::AlreadyExists => {}
        Err(error) => return Err(io_failure(error, "create", &absolute)),
    }
    Ok(absolute)
}

/// Takes every right from others. By path, since opening and closing a file gives up the locks that SQLite has on it.
pub(super) fn make_private(path: &Path) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(|error| io_failure(error, "make private", path))
}

/// Makes a folder and its missing parents, each 0700. Each is on the disk when this returns: a power loss that forgot one would
/// take the store in it along.
fn create_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder_of(folder);
    create_folder(parent)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {
            fs::set_permissions(folder, Permissions::from_mode(0o700))
                .map_err(|error| io_failure(error, "make private", folder))?;
            sync_folder(parent)
        }
        Err(error) if error.kind() == Io::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(io_failure(error, "create the folder", folder)),
    }
}

/// Without this, a power loss could forget the file's name after a transaction in it was acknowledged.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| io_failure(error, "write the folder", folder))
}
