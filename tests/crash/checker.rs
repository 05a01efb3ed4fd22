//! What a disk must be after the power came back: a store with everything acknowledged, whole, and fit to be written on.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use annals::store::{Access, Store};
use annals::{Connection, Options, Tuning};
use tempfile::TempDir;

use crate::chance::Chance;
use crate::disk::Disk;
use crate::model::{self, Model};
use crate::recording::{Acknowledged, COPY};

/// What is wrong with a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An acknowledged transaction is not there.
    Lost { acknowledged: i64, found: i64 },
    /// Something is there that was not committed, or not all of it.
    Half(String),
    /// The store does not open, does not verify, or cannot be written on.
    Corrupt(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { acknowledged, found } => write!(out, "{acknowledged} was acknowledged, {found} is there"),
            Self::Half(what) => write!(out, "half a transaction: {what}"),
            Self::Corrupt(what) => write!(out, "corrupt: {what}"),
        }
    }
}

/// Checks disks of one recording, in a folder of its own.
pub(crate) struct Checker<'m> {
    folder: TempDir,
    /// The path of the store on the disk.
    store: &'m str,
    tuning: Tuning,
    model: &'m Model,
    /// Recovered stores that were found good, and their transactions: many disks recover to one store.
    good: Mutex<HashMap<u64, i64>>,
    /// The same of backups.
    good_copies: Mutex<HashMap<[u8; 32], i64>>,
}

impl<'m> Checker<'m> {
    pub(crate) fn new(store: &'m str, tuning: Tuning, model: &'m Model) -> Self {
        let folder = tempfile::tempdir_in(crate::quick_folder()).expect("a temporary folder");
        Self { folder, store, tuning, model, good: Mutex::default(), good_copies: Mutex::default() }
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// Opens the store on a disk, and gives how many transactions it has.
    pub(crate) fn check(&self, disk: &Disk, acknowledged: Acknowledged, chance: &mut Chance) -> Result<i64, Fault> {
        let place = self.place();
        disk.write(&place);
        self.check_copy(disk, acknowledged.copied)?;
        let acknowledged = acknowledged.t;
        let path = place.join(self.store);
        if chance.percent(10) {
            garble_shared_memory(&path, chance);
        }
        if acknowledged > 0 && chance.percent(2) {
            look_first(&path, acknowledged)?;
        }
        let t = self.recover(&path, acknowledged)?;
        let recovered = Disk::read(&place);
        let hash = recovered.hash();
        let is_known = self.good.lock().expect("nobody panicked with it").get(&hash) == Some(&t);
        if !is_known || chance.below(500) == 0 {
            self.check_all(&path, t)?;
            self.good.lock().expect("nobody panicked with it").insert(hash, t);
        }
        Ok(t)
    }

    /// A backup has its name only if it is whole, and keeps it once somebody was told.
    fn check_copy(&self, disk: &Disk, copied: i64) -> Result<(), Fault> {
        let Some(bytes) = disk.files.get(COPY) else {
            return if copied > 0 { Err(Fault::Lost { acknowledged: copied, found: 0 }) } else { Ok(()) };
        };
        let hash = *blake3::hash(bytes).as_bytes();
        let known = self.good_copies.lock().expect("nobody panicked with it").get(&hash).copied();
        let found = if let Some(t) = known {
            t
        } else {
            let path = self.place().join(COPY);
            let corrupt = |error: annals::Error| Fault::Corrupt(format!("the backup: {error}"));
            let basis = Store::open(&path, Access::ReadOnly).and_then(|store| store.basis()).map_err(corrupt)?;
            Self::verify(&path)?;
            if self.model.hash(basis.t) != Some(basis.hash) {
                return Err(Fault::Half(format!("the chain of the backup has another head at {}", basis.t)));
            }
            basis.t
        };
        self.good_copies.lock().expect("nobody panicked with it").insert(hash, found);
        if found < copied { Err(Fault::Lost { acknowledged: copied, found }) } else { Ok(()) }
    }

    /// Opens and closes the store, and compares the head of its chain. Who made nothing yet finds nothing, and makes it.
    fn recover(&self, path: &Path, acknowledged: i64) -> Result<i64, Fault> {
        if acknowledged == 0
            && let Some(parent) = path.parent()
        {
            std::fs::create_dir_all(parent).expect("a folder");
        }
        let opened = if acknowledged == 0 { Store::open_or_create(path) } else { Store::open(path, Access::ReadWrite) };
        let store = match opened {
            Err(error) if error.kind() == annals::ErrorKind::StoreMissing => return Err(Fault::Lost { acknowledged, found: 0 }),
            opened => opened.map_err(|error| Fault::Corrupt(format!("it does not open: {error}")))?,
        };
        // If it is less than what was acknowledged, it still has to be whole: the caller compares.
        let basis = store.basis().map_err(|error| Fault::Corrupt(error.to_string()))?;
        if self.model.hash(basis.t) != Some(basis.hash) {
            return Err(Fault::Half(format!("the chain has another head at {}", basis.t)));
        }
        Ok(basis.t)
    }

    /// Verifies a store, compares every answer, writes on and verifies again.
    fn check_all(&self, path: &Path, t: i64) -> Result<(), Fault> {
        Self::verify(path)?;
        let found = model::ask(path, self.tuning).map_err(Fault::Corrupt)?;
        let expected = self.model.answers(t);
        for (question, answer) in expected.iter() {
            if found.get(question) != Some(answer) {
                return Err(Fault::Half(format!("{question}\nis      {:?}\ninstead {answer:?}", found.get(question))));
            }
        }
        if let Some(more) = found.keys().find(|question| !expected.contains_key(*question)) {
            return Err(Fault::Half(format!("there is more than there should be: {more}")));
        }
        let written = Connection::open_with(path, Options { create: false, tuning: self.tuning, ..Options::default() });
        let report = written.and_then(|connection| connection.transact("[{:after/crash 1} {:after/crash 2}]"));
        let report = report.map_err(|error| Fault::Corrupt(format!("it cannot be written on: {error}")))?;
        if report.t != Some(t + 1) {
            return Err(Fault::Half(format!("the transaction after {t} is {:?}", report.t)));
        }
        Self::verify(path)
    }

    fn verify(path: &Path) -> Result<(), Fault> {
        let corrupt = |error: annals::Error| Fault::Corrupt(format!("it cannot be verified: {error}"));
        let store = Store::open(path, Access::ReadOnly).map_err(corrupt)?;
        let of_log = store.verify().map_err(corrupt)?.problem;
        match of_log.map_or_else(|| annals::verify_columns(&store), |problem| Ok(Some(problem))).map_err(corrupt)? {
            None => Ok(()),
            Some(problem) => Err(Fault::Corrupt(format!("{}: {}", problem.code, problem.what))),
        }
    }
}

/// What somebody finds who only reads, before anybody recovered the store.
fn look_first(path: &Path, acknowledged: i64) -> Result<(), Fault> {
    let store = match Store::open(path, Access::ReadOnly) {
        Err(error) if error.kind() == annals::ErrorKind::StoreMissing => return Err(Fault::Lost { acknowledged, found: 0 }),
        // What another client's journal tells of is taken back by who comes next and may write.
        Err(error) if error.kind() == annals::ErrorKind::ReadOnly && path.with_file_name("annals.db-journal").exists() => {
            return Ok(());
        }
        opened => opened.map_err(|error| Fault::Corrupt(format!("it does not open for reading: {error}")))?,
    };
    let found = store.basis().map_err(|error| Fault::Corrupt(error.to_string()))?.t;
    if found < acknowledged {
        return Err(Fault::Lost { acknowledged, found });
    }
    match store.verify().map_err(|error| Fault::Corrupt(error.to_string()))?.problem {
        None => Ok(()),
        Some(problem) => Err(Fault::Corrupt(format!("{}: {}", problem.code, problem.what))),
    }
}

/// SQLite's shared memory may be there after a crash, and hold anything.
fn garble_shared_memory(path: &Path, chance: &mut Chance) {
    let mut bytes = vec![0; 32 << 10];
    chance.garbage(&mut bytes);
    let mut name = path.as_os_str().to_owned();
    name.push("-shm");
    if path.exists() {
        std::fs::write(name, bytes).expect("a file");
    }
}
