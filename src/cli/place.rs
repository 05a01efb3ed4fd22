//! Which store a command means.

use std::env;
use std::path::{Path, PathBuf};

use annals::store::Access;
use annals::{Connection, Error, ErrorKind, Options, Result};

const FOLDER: &str = ".annals";
const FILE: &str = "annals.db";

/// The store in a folder: `DIR/.annals/annals.db`.
pub(super) fn store_in(dir: &Path) -> PathBuf {
    dir.join(FOLDER).join(FILE)
}

/// `--db` or `ANNALS_DB`, else the nearest `.annals/annals.db` upward from here.
pub(super) fn find(named: Option<&Path>) -> Result<Option<PathBuf>> {
    if let Some(path) = named {
        return Ok(Some(path.to_owned()));
    }
    let here = env::current_dir()
        .map_err(|error| Error::new(ErrorKind::Io, format!("the current folder cannot be read: {error}")).caused_by(error))?;
    Ok(here.ancestors().map(store_in).find(|path| path.exists()))
}

/// Opens the store for a command that needs one to be there. One that only reads does not write a byte of it, whoever made it.
pub(super) fn open(named: Option<&Path>, access: Access) -> Result<Connection> {
    Connection::open_with(find_existing(named)?, Options { access, create: false, ..Options::default() })
}

/// The path of the store for a command that needs one to be there.
pub(super) fn find_existing(named: Option<&Path>) -> Result<PathBuf> {
    find(named)?.ok_or_else(|| {
        Error::new(ErrorKind::StoreMissing, "there is no store here or in any folder above")
            .with_help("make one with `annals init`, record a program with `annals run -- CMD`, or name one with --db PATH")
    })
}

/// Opens the store for a command that makes it when there is none.
pub(super) fn open_or_create(named: Option<&Path>) -> Result<Connection> {
    let path = find(named)?.unwrap_or_else(|| store_in(Path::new(".")));
    Connection::open(&path)
}
