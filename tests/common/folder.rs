//! A folder of its own for a test, with a store in it.

use std::path::{Path, PathBuf};

use annals::Connection;

/// A temporary folder; gone with the test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    /// A new one.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The store in it.
    pub(crate) fn store(&self) -> PathBuf {
        self.path().join("annals.db")
    }

    /// Opens the store, makes it first if it is not there.
    pub(crate) fn open(&self) -> Connection {
        Connection::open(self.store()).expect("the store opens")
    }
}
