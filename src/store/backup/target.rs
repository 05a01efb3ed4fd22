//! Where a backup goes: looked at before anything is written, and given its name in one step at the end.

use std::fs::{self, File, Metadata, Permissions};
use std::io::ErrorKind as Io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;
use uuid::Uuid;

use super::Existing;
use crate::error::{Error, ErrorKind, Result};
use crate::store::failure::io_failure;
use crate::store::path::{folder_of, refuse_long_name, sync_folder};
use crate::store::wal::beside;

/// What SQLite and this crate put behind the name of a store for what lies beside it.
const COMPANIONS: [&str; 6] = ["-wal", "-shm", "-journal", "-columns", "-key", "-normal"];

/// Those that SQLite would take for a part of a file by that name.
const JOURNALS: [&str; 2] = ["-wal", "-journal"];

/// A path that a backup can have.
#[derive(Debug)]
pub(super) struct Target {
    folder: PathBuf,
    path: PathBuf,
}

impl Target {
    /// Refuses a path at which something stands that a backup may not take the place of, above all the store itself.
    pub(super) fn look(source: &Path, out: &Path, existing: Existing) -> Result<Self> {
        let name = match out.file_name() {
            Some(name) if !out.as_os_str().as_encoded_bytes().ends_with(b"/") => name,
            _ => return Err(refused(out, "the path of the backup names no file", "name a file, such as annals-backup.db")),
        };
        refuse_long_name(out)?;
        let parent = folder_of(out);
        let folder = fs::canonicalize(parent).map_err(|error| io_failure(error, "find the folder", parent))?;
        let target = Self { path: folder.join(name), folder };
        target.refuse_the_store(source, out)?;
        match fs::symlink_metadata(&target.path) {
            Ok(found) => check_existing(&found, source, out, existing)?,
            Err(error) if error.kind() == Io::NotFound => {}
            Err(error) => return Err(io_failure(error, "look at", out)),
        }
        let strange =
            JOURNALS.map(|suffix| beside(&target.path, suffix)).into_iter().find(|path| path.symlink_metadata().is_ok());
        match strange {
            None => Ok(target),
            Some(path) => Err(refused(
                out,
                &format!("{} is there: a store by this name is in use, or was not closed", path.display()),
                "choose another path; what lies beside it would be taken for a part of the backup",
            )),
        }
    }

    fn refuse_the_store(&self, source: &Path, out: &Path) -> Result<()> {
        const HELP: &str = "choose another path, best on another disk";
        if self.path == source {
            return Err(refused(out, "the path of the backup is the store itself", HELP));
        }
        if COMPANIONS.iter().any(|suffix| self.path == beside(source, suffix)) {
            return Err(refused(out, "the path of the backup belongs to the store", HELP));
        }
        Ok(())
    }

    /// Makes the file that is written to, private from its first byte on, under a name that nobody has.
    pub(super) fn begin(&self) -> Result<Unfinished> {
        const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);
        let path = self.folder.join(format!(".annals-{}.backup", Uuid::now_v7().simple()));
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = rustix::fs::open(&path, flags, PRIVATE);
        let file = File::from(made.map_err(|errno| io_failure(errno.into(), "make a file in", &self.folder))?);
        let unfinished = Unfinished { path, file };
        // The umask may have taken rights from us too.
        let set = unfinished.file.set_permissions(Permissions::from_mode(0o600));
        set.map_err(|error| io_failure(error, "make private", &unfinished.path))?;
        Ok(unfinished)
    }

    /// Gives the finished file its name, which no power loss takes away again.
    pub(super) fn publish(self, unfinished: &Unfinished, existing: Existing) -> Result<PathBuf> {
        let from = unfinished.path();
        let named = match existing {
            Existing::Replace => fs::rename(from, &self.path),
            Existing::Refuse => name_anew(from, &self.path),
        };
        match named {
            Ok(()) => {}
            Err(error) if error.kind() == Io::AlreadyExists => return Err(already_there(&self.path)),
            Err(error) => return Err(io_failure(error, "name", &self.path)),
        }
        sync_folder(&self.folder)?;
        Ok(self.path)
    }
}

fn check_existing(found: &Metadata, source: &Path, out: &Path, existing: Existing) -> Result<()> {
    let kind = found.file_type();
    if kind.is_symlink() {
        return Err(refused(out, "the path of the backup is a symbolic link", "give the path that it points to"));
    }
    if !kind.is_file() {
        let what = if kind.is_dir() { "a folder" } else { "no regular file" };
        return Err(refused(out, &format!("the path of the backup is {what}"), "name a file, such as annals-backup.db"));
    }
    let store = fs::metadata(source).map_err(|error| io_failure(error, "look at", source))?;
    if (store.dev(), store.ino()) == (found.dev(), found.ino()) {
        return Err(refused(out, "the path of the backup is another name of the store itself", "choose another path"));
    }
    match existing {
        Existing::Replace => Ok(()),
        Existing::Refuse => Err(already_there(out)),
    }
}

/// Gives a file its name unless something has it: others may have made it since it was looked for.
fn name_anew(from: &Path, to: &Path) -> std::io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // This file system cannot; a second name can be given on most that cannot.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => fs::hard_link(from, to),
        named => Ok(named?),
    }
}

/// A file in the making. What has this name when it is dropped goes away with it.
#[derive(Debug)]
pub(super) struct Unfinished {
    path: PathBuf,
    // Closing it gives up the locks that SQLite has on the file, so it stays open until SQLite is done.
    file: File,
}

impl Unfinished {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Nothing is there by that name if the file got its own; and what cannot be removed harms nobody.
        let _ = fs::remove_file(&self.path);
    }
}

fn already_there(out: &Path) -> Error {
    refused(out, "there is a file already at the path of the backup", "choose another path, or replace it with --force")
}

fn refused(out: &Path, message: &str, help: &str) -> Error {
    Error::new(ErrorKind::StorePath, message).with_value(out.display()).with_help(help)
}
