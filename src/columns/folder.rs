//! The folder of side files: private, entered by its handle so that no name inside it leads elsewhere.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, fchmod, fsync, openat, renameat, unlinkat};

/// What the name of a segment begins with: the version of the format, so that programs of several versions leave each other's files
/// alone.
const PREFIX: &str = "1-";

/// What the name of a segment ends with.
const SUFFIX: &str = ".columns";

/// What the name of a file in the making begins with.
const UNFINISHED: &str = "new-1-";

/// Readable and writable by the owner.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// The file that is locked by who writes.
const LOCK: &str = "lock";

/// The folder beside a store, `NAME-columns`.
pub(super) fn path_beside(store: &Path) -> PathBuf {
    let mut name = store.file_name().map(OsStr::to_owned).unwrap_or_default();
    name.push("-columns");
    store.with_file_name(name)
}

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

impl Folder {
    /// Opens the folder that is there. A symbolic link is not followed, and a folder of another user is not used.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = File::from(openat(CWD, path, flags, Mode::empty())?);
        let owner = folder.metadata()?.uid();
        if owner != rustix::process::geteuid().as_raw() && owner != 0 {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(Self(folder.into()))
    }

    /// Opens the folder, and makes it where there is none.
    pub(super) fn open_or_create(path: &Path) -> io::Result<Self> {
        match Self::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match DirBuilder::new().mode(0o700).create(path) {
                    Ok(()) => {
                        let folder = Self::open(path)?;
                        // The umask may have taken rights from us too.
                        fchmod(&folder.0, Mode::RWXU)?;
                        Ok(folder)
                    }
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::open(path),
                    Err(error) => Err(error),
                }
            }
            opened => opened,
        }
    }

    /// The names of segments, with the transactions they say they tell of.
    pub(super) fn segments(&self) -> io::Result<Vec<(i64, i64, String)>> {
        Ok(self.names()?.into_iter().filter_map(|name| extent_of(&name).map(|(after, until)| (after, until, name))).collect())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            names.extend(entry?.file_name().to_str().ok().map(str::to_owned));
        }
        Ok(names)
    }

    /// Opens a file for reading; never a link, and nothing that is not a file.
    pub(super) fn read(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&self.0, name, flags, Mode::empty())?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    /// Makes a file that has no name of a segment yet.
    pub(super) fn create(&self, after_t: i64, until_t: i64) -> io::Result<(File, String)> {
        let name = format!("{UNFINISHED}{after_t}-{until_t}");
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.0, &*name, flags, PRIVATE)?;
        fchmod(&file, PRIVATE)?;
        Ok((File::from(file), name))
    }

    /// Gives a finished file its name, which no power loss takes away again.
    pub(super) fn publish(&self, unfinished: &str, after_t: i64, until_t: i64) -> io::Result<String> {
        let name = name_of(after_t, until_t);
        renameat(&self.0, unfinished, &self.0, &*name)?;
        fsync(&self.0)?;
        Ok(name)
    }

    /// Takes a file away.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Takes away what a writer left unfinished. Only who holds the lock may do so.
    pub(super) fn remove_unfinished(&self) -> io::Result<()> {
        self.names()?.iter().filter(|name| name.starts_with(UNFINISHED)).try_for_each(|name| self.remove(name))
    }

    /// The right to write, for as long as the file is held; nothing if another process or thread has it.
    pub(super) fn lock(&self) -> io::Result<Option<File>> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&self.0, LOCK, flags, PRIVATE)?);
        fchmod(&file, PRIVATE)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

/// The name of the segment that tells of these transactions.
fn name_of(after_t: i64, until_t: i64) -> String {
    format!("{PREFIX}{after_t}-{until_t}{SUFFIX}")
}

fn extent_of(name: &str) -> Option<(i64, i64)> {
    let (after, until) = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.split_once('-')?;
    let (after, until) = (after.parse().ok()?, until.parse().ok()?);
    (name == name_of(after, until)).then_some((after, until))
}
