//! Makes segments of what the log says after the chain, and merges them when there are several of one size.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use annals_query::Budget;

use super::chain::Chain;
use super::events::Events;
use super::folder::Folder;
use super::merge::Failure;
use super::segment::{Extent, Segment};
use super::writer::SegmentWriter;
use super::{Columns, find};
use crate::error::Result;
use crate::store::Store;

/// Reading a datom of the log and writing it costs about as much as so many steps of a loop over columns.
const STEPS_PER_DATOM: u64 = 64;

/// How large segments and blocks are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Rows of a block.
    pub(crate) block_rows: usize,
    /// Datoms of the log that are held in memory until they are written.
    pub(crate) chunk_datoms: i64,
}

impl Columns {
    /// Takes the log up to `until_t` into segments, if nobody else is doing so and the folder can be written. An error is the
    /// log's, or says that the budget is spent; what was finished until then stays.
    pub(crate) fn build(&self, store: &Store, until_t: i64, sizes: Sizes, budget: &Budget) -> Result<()> {
        if self.is_refused.load(Ordering::Relaxed) {
            return Ok(());
        }
        let built = self.build_locked(store, until_t, sizes, budget);
        match built {
            Ok(()) => Ok(()),
            Err(Trouble::Io) => {
                self.is_refused.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(Trouble::Log(error)) => Err(error),
        }
    }

    fn build_locked(&self, store: &Store, until_t: i64, sizes: Sizes, budget: &Budget) -> std::result::Result<(), Trouble> {
        let folder = Folder::open_or_create(&self.path)?;
        let Some(lock) = folder.lock()? else { return Ok(()) };
        folder.remove_unfinished()?;
        let mut chain = find(&folder, store)?;
        let written = write_chunks(&folder, store, until_t, sizes, budget, &mut chain);
        *self.known.lock() = Some(Arc::new(Chain::of(chain.segments().to_vec())));
        remove_others(&folder, &chain)?;
        if written.is_ok() {
            self.merge(folder, lock, chain, sizes);
        }
        written
    }
}

/// Takes away the segments that are not in a chain.
pub(super) fn remove_others(folder: &Folder, chain: &Chain) -> io::Result<()> {
    for (_, _, name) in folder.segments()? {
        if !chain.segments().iter().any(|segment| segment.name() == name) {
            folder.remove(&name)?;
        }
    }
    Ok(())
}

/// What keeps segments from being made.
enum Trouble {
    Io,
    Log(crate::error::Error),
}

impl From<io::Error> for Trouble {
    fn from(_: io::Error) -> Self {
        Self::Io
    }
}

impl From<crate::error::Error> for Trouble {
    fn from(error: crate::error::Error) -> Self {
        Self::Log(error)
    }
}

/// Writes segments until the chain reaches `until_t`.
fn write_chunks(
    folder: &Folder,
    store: &Store,
    until_t: i64,
    sizes: Sizes,
    budget: &Budget,
    chain: &mut Chain,
) -> std::result::Result<(), Trouble> {
    while chain.until_t() < until_t {
        let extent = next_extent(store, chain, until_t, sizes.chunk_datoms)?;
        let mut attributes: BTreeMap<i64, Events> = BTreeMap::new();
        store.log(extent.after_t, extent.until_t, None, |datom| {
            budget.spend_steps(STEPS_PER_DATOM)?;
            attributes.entry(datom.a).or_default().push(&datom);
            Ok(())
        })?;
        let segment = write(folder, &extent, sizes, |writer| {
            for (attribute, events) in std::mem::take(&mut attributes) {
                writer.rows(&events.into_table(extent.after_t > 0))?;
                writer.attribute(attribute)?;
            }
            Ok(())
        });
        match segment {
            Ok(segment) => chain.push(segment),
            Err(_) => return Err(Trouble::Io),
        }
    }
    Ok(())
}

/// The next transactions that hold about so many datoms, at least one.
fn next_extent(store: &Store, chain: &Chain, until_t: i64, chunk_datoms: i64) -> Result<Extent> {
    let reader = store.reader()?;
    let (after_t, datoms_before) = (chain.until_t(), chain.datoms());
    let (mut low, mut high) = (after_t + 1, until_t);
    // What is left after a chunk should not be a tiny one.
    if reader.datoms_until(until_t)? - datoms_before > chunk_datoms + chunk_datoms / 2 {
        while low < high {
            let middle = low + (high - low) / 2;
            if reader.datoms_until(middle)? - datoms_before >= chunk_datoms { high = middle } else { low = middle + 1 }
        }
    }
    let hash = reader.transactions(high - 1, high)?.first().map_or([0; 32], |row| row.hash);
    Ok(Extent { after_t, until_t: high, hash, datoms_before, datoms_until: reader.datoms_until(high)? })
}

/// Writes a segment under a name of its own and opens it again.
pub(super) fn write(
    folder: &Folder,
    extent: &Extent,
    sizes: Sizes,
    fill: impl FnOnce(&mut SegmentWriter) -> std::result::Result<(), Failure>,
) -> std::result::Result<Arc<Segment>, Failure> {
    let (new, unfinished) = folder.create(extent.after_t, extent.until_t)?;
    let written = SegmentWriter::new(new, sizes.block_rows).map_err(Failure::from).and_then(|mut writer| {
        fill(&mut writer)?;
        Ok(writer.finish(extent)?)
    });
    if let Err(failure) = written {
        let _ = folder.remove(&unfinished);
        return Err(failure);
    }
    let name = folder.publish(&unfinished, extent.after_t, extent.until_t)?;
    Ok(Arc::new(Segment::open(folder.read(&name)?, name)?))
}
