//! Columns on disk: what the log says, attribute by attribute, in side files that may be deleted at any time.
//!
//! ```text
//! log -> events -> table -> block { integers, zone } -> writer -> segment -> chain -> table
//!                                                       merge  -> segment
//! ```
//!
//! A segment holds the lives of the transactions after one t up to another and is never changed. Segments without a gap from the
//! first transaction on are a chain; what came after the chain is read from the log. A file counts only if it says the hash that the
//! store's chain has at its last transaction, so that a file of another store or another history is never used; what is read from it
//! counts only if its checksum is right. Anything else is as if it were not there.

mod block;
mod build;
mod builder;
mod bytes;
mod chain;
mod events;
mod folder;
mod integers;
pub(crate) mod life;
mod merge;
mod merging;
mod segment;
mod statistics;
pub(crate) mod table;
pub(crate) mod values;
mod verify;
mod writer;
mod zone;

pub(crate) use block::Wanted;
pub(crate) use build::Sizes;
pub(crate) use builder::ValuesBuilder;
pub(crate) use chain::{Chain, Refusal};
pub(crate) use events::Events;
pub(crate) use segment::LIMIT_BLOCK_ROWS;
pub(crate) use table::{Ends, Table, TableBuilder};
pub use verify::verify;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::folder::Folder;
use self::merging::Merging;
use self::segment::{Extent, Segment};
use crate::error::Result;
use crate::store::Store;

/// How often a folder is listed again when a file in it goes away meanwhile.
const TRIES: usize = 3;

/// The side files of one store.
#[derive(Debug)]
pub(crate) struct Columns {
    path: PathBuf,
    /// The chain known last; nothing before anybody asked.
    known: Known,
    /// True once nothing could be written here: this process does not try again.
    is_refused: AtomicBool,
    merging: Mutex<Option<Merging>>,
}

/// The chain known last, shared with who merges.
#[derive(Clone, Debug, Default)]
struct Known(Arc<Mutex<Option<Arc<Chain>>>>);

impl Known {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Chain>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Columns {
    /// The side files beside a store. Nothing is looked at yet.
    pub(crate) fn beside(store: &Store) -> Self {
        let is_refused = AtomicBool::new(!store.keeps_side_files());
        let (known, merging) = (Known::default(), Mutex::default());
        Self { path: folder::path_beside(store.path()), known, is_refused, merging }
    }

    /// The chain that is known; the folder is looked at if nobody did.
    pub(crate) fn chain(&self, store: &Store) -> Result<Arc<Chain>> {
        let known = self.known.lock().clone();
        match known {
            Some(chain) => Ok(chain),
            None => self.look(store),
        }
    }

    /// Looks at the folder again.
    pub(crate) fn look(&self, store: &Store) -> Result<Arc<Chain>> {
        let chain = Arc::new(match Folder::open(&self.path) {
            Ok(folder) => find(&folder, store)?,
            Err(_) => Chain::default(),
        });
        let mut known = self.known.lock();
        match &*known {
            // Files are found one by one while others replace them: what was known stays if it knows as much.
            Some(before) if before.until_t() >= chain.until_t() && before.until_t() > 0 => Ok(Arc::clone(before)),
            _ => Ok(Arc::clone(known.insert(chain))),
        }
    }

    /// Forgets a chain of which a file is damaged, and takes its files away where that is possible.
    pub(crate) fn discard(&self, chain: &Arc<Chain>) {
        let mut known = self.known.lock();
        if known.as_ref().is_some_and(|known| Arc::ptr_eq(known, chain)) {
            *known = Some(Arc::default());
        }
        drop(known);
        if self.is_refused.load(Ordering::Relaxed) {
            return;
        }
        if let Ok(folder) = Folder::open(&self.path)
            && let Ok(Some(_lock)) = folder.lock()
        {
            // All of them: which one is damaged would have to be read to be known, and they are only a copy.
            for segment in chain.segments() {
                let _ = folder.remove(segment.name());
            }
        }
    }
}

/// The longest chain of files that belong to this store.
fn find(folder: &Folder, store: &Store) -> Result<Chain> {
    for _ in 0..TRIES {
        let Ok(names) = folder.segments() else { return Ok(Chain::default()) };
        let mut found = Vec::new();
        let mut has_vanished = false;
        for (after_t, until_t, name) in names {
            match folder.read(&name) {
                Ok(file) => match Segment::open(file, name) {
                    Ok(segment) if (segment.extent().after_t, segment.extent().until_t) == (after_t, until_t) => {
                        found.push(Arc::new(segment));
                    }
                    _ => {}
                },
                Err(_) => has_vanished = true,
            }
        }
        if !has_vanished {
            return chain_of(found, store);
        }
    }
    Ok(Chain::default())
}

/// The chain of those segments that tell of this store's history.
fn chain_of(mut found: Vec<Arc<Segment>>, store: &Store) -> Result<Chain> {
    let mut checked = Ok(());
    found.retain(|segment| match is_of(store, segment.extent()) {
        Ok(is_ours) => is_ours,
        Err(error) => {
            checked = Err(error);
            false
        }
    });
    checked.map(|()| Chain::of(found))
}

/// True if a segment's transactions are those of this store.
fn is_of(store: &Store, extent: &Extent) -> Result<bool> {
    let reader = store.reader()?;
    let has_hash = reader.transactions(extent.until_t - 1, extent.until_t)?.first().is_some_and(|row| row.hash == extent.hash);
    Ok(has_hash
        && reader.datoms_until(extent.until_t)? == extent.datoms_until
        && reader.datoms_until(extent.after_t)? == extent.datoms_before)
}
