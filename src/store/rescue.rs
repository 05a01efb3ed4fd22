//! Copies everything that still proves itself out of a damaged store into a new one, and says what it could not copy.
//!
//! ```text
//! file, log -> image -> carve -> prove -> gaps -> write
//! ```
//!
//! The damaged files are only read, and not through SQLite: it would answer by what the pages say of each other, which is what is
//! damaged. A row of the log is known by its shape wherever it lies, and proven by the hash chain.

mod carve;
mod gaps;
mod image;
mod prove;
mod write;

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use self::carve::Carved;
use self::gaps::Repairs;
use self::image::Image;
use self::prove::{Fate, Proof};
use super::connect;
use super::failure::io_failure;
use super::path::{self, Found};
use super::read::Reader;
use super::verify::{self, VerifyReport};
use super::{Access, genesis, wal};
use crate::datom::Datom;
use crate::error::{Error, ErrorKind, Result};

/// Transactions that follow each other and could not be copied, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostRange {
    /// The first of them.
    pub first_t: i64,
    /// The last of them.
    pub last_t: i64,
    /// Why.
    pub reason: String,
}

/// What a rescue did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RescueReport {
    /// The last transaction of the damaged store that there is a trace of.
    pub t: i64,
    /// Transactions that were copied, each proven by its hash.
    pub copied: i64,
    /// What could not be copied: a stand-in has its t.
    pub lost: Vec<LostRange>,
    /// Facts of lost transactions that later ones prove; they stand in the stand-ins.
    pub inferred: i64,
    /// What a verification of the new store says.
    pub verified: VerifyReport,
}

/// Copies what proves itself from the store in `source`, however damaged, into a new store `out`.
pub(super) fn rescue(source: &Path, out: &Path) -> Result<RescueReport> {
    let found = match path::look(source)? {
        Found::File(found) | Found::EmptyFile(found) => found,
        Found::Nothing => return Err(super::missing(source, "there is no store")),
    };
    refuse_existing(out)?;
    let image = Image::open(&found).map_err(|error| io_failure(error, "read", &found))?;
    let mut carved = Carved::of(image);
    let mut proof = prove::prove(&mut carved);
    let has_trace = proof.fates.values().any(|fate| !matches!(fate, Fate::Lost(_)));
    if !has_trace {
        return Err(Error::new(ErrorKind::NotAStore, format!("nothing in {} proves that it was a store", source.display()))
            .with_value(source.display())
            .with_help("give the path of the damaged store's own file; its write-ahead log is looked for beside it"));
    }
    let has_gaps = proof.fates.values().any(|fate| matches!(fate, Fate::Lost(_)));
    let repairs = if has_gaps { gaps::plan(&mut carved, &mut proof) } else { Repairs::default() };
    let mut report = report_of(&proof);
    report.inferred = repairs.by_t.values().map(|datoms| datoms.len() as i64).sum();
    let folder = Workplace::beside(out)?;
    let made = path::create(&folder.0.join("annals.db"))?;
    write::write(&made, &found, &mut carved, &proof, &repairs, &report)?;
    report.verified = verify::verify(&Reader::new(connect::connect(&made, Access::ReadOnly)?), None)?;
    // A link does not replace what somebody put there meanwhile.
    fs::hard_link(&made, out).map_err(|error| io_failure(error, "create", out))?;
    folder.sync(out)?;
    Ok(report)
}

fn report_of(proof: &Proof) -> RescueReport {
    let mut lost: Vec<LostRange> = Vec::new();
    for (t, fate) in &proof.fates {
        let Fate::Lost(reason) = fate else { continue };
        match lost.last_mut().filter(|range| range.last_t + 1 == *t && range.reason == *reason) {
            Some(range) => range.last_t = *t,
            None => lost.push(LostRange { first_t: *t, last_t: *t, reason: reason.clone() }),
        }
    }
    let t = proof.fates.keys().next_back().copied().unwrap_or_default();
    let copied = t - lost.iter().map(|range| range.last_t - range.first_t + 1).sum::<i64>();
    RescueReport { t, copied, lost, inferred: 0, verified: VerifyReport::default() }
}

/// The datoms of a transaction that is proven; none of another.
fn datoms_of(carved: &mut Carved, t: i64, fate: &Fate) -> Vec<Datom> {
    match fate {
        Fate::Proven { first, count, opinion, .. } => {
            prove::read(carved, t, *first, first + count - 1, *opinion).unwrap_or_default()
        }
        Fate::Genesis => genesis::datoms(genesis::INSTANT),
        Fate::Lost(_) => Vec::new(),
    }
}

fn refuse_existing(out: &Path) -> Result<()> {
    if out.as_os_str().is_empty() || out.file_name().is_none() {
        return Err(Error::new(ErrorKind::StorePath, "the path of the new store is empty or a folder")
            .with_value(out.display())
            .with_help("name a file that is not there yet"));
    }
    let beside = ["-wal", "-shm", "-journal"].map(|ending| wal::beside(out, ending));
    match std::iter::once(out.to_owned()).chain(beside).find(|path| fs::symlink_metadata(path).is_ok()) {
        None => Ok(()),
        Some(there) => Err(Error::new(ErrorKind::StorePath, format!("something is there already: {}", there.display()))
            .with_value(there.display())
            .with_help("a rescue makes a new store and replaces nothing: name a file that is not there yet")),
    }
}

/// A private folder beside the new store, in which it is made; gone afterwards, whatever happens.
struct Workplace(PathBuf);

impl Workplace {
    fn beside(out: &Path) -> Result<Self> {
        let folder = wal::beside(out, &format!("-rescue-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&folder).map_err(|error| io_failure(error, "create the folder", &folder))?;
        Ok(Self(folder))
    }

    fn sync(self, out: &Path) -> Result<()> {
        drop(self);
        path::sync_folder(path::folder_of(out))
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // Only what was made here: the store and what SQLite puts beside it.
        for ending in ["", "-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(wal::beside(&self.0.join("annals.db"), ending));
        }
        let _ = fs::remove_dir(&self.0);
    }
}
