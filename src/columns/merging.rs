//! Merges segments of about one size, beside whoever reads.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};

use super::build::{Sizes, remove_others, write};
use super::chain::Chain;
use super::folder::Folder;
use super::merge::{self, Failure};
use super::segment::{Extent, Segment};
use super::{Columns, Known};

/// A segment is merged with those after it once they are together more than one in so many of its size.
const MERGED_SHARE: i64 = 2;

/// Whoever closes a store waits for a merge of at most so many datoms, some seconds; a greater one is given up, and left to a process that
/// lives longer.
const LIMIT_WAIT_DATOMS: i64 = 1 << 24;

/// A merge under way.
#[derive(Debug)]
pub(super) struct Merging {
    thread: JoinHandle<()>,
    is_stopped: Arc<AtomicBool>,
    datoms: i64,
}

impl Columns {
    /// Merges what is due in a thread that holds the lock until it is done.
    pub(super) fn merge(&self, folder: Folder, lock: File, chain: Chain, sizes: Sizes) {
        let Some(first) = first_due(chain.segments()) else { return };
        let datoms = chain.segments()[first..].iter().map(|segment| segment.extent().datoms()).sum();
        let (is_stopped, known) = (Arc::new(AtomicBool::new(false)), self.known.clone());
        let flag = Arc::clone(&is_stopped);
        let work = move || {
            merge_from(first, &folder, &chain, sizes, &flag, &known);
            drop(lock);
        };
        // Without a thread it stays as it is: several segments are only a little slower than one.
        let Ok(thread) = thread::Builder::new().name("annals-columns".to_owned()).spawn(work) else { return };
        let before = self.merging.lock().unwrap_or_else(PoisonError::into_inner).replace(Merging { thread, is_stopped, datoms });
        // It gave back its lock, so it has ended.
        drop(before.map(|before| before.thread.join()));
    }
}

impl Drop for Columns {
    fn drop(&mut self) {
        let merging = self.merging.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(merging) = merging {
            merging.is_stopped.store(merging.datoms > LIMIT_WAIT_DATOMS, Ordering::Relaxed);
            drop(merging.thread.join());
        }
    }
}

/// The first segment that is merged with all after it.
fn first_due(segments: &[Arc<Segment>]) -> Option<usize> {
    let later = |place: usize| segments[place + 1..].iter().map(|segment| segment.extent().datoms()).sum::<i64>();
    (0..segments.len()).find(|place| segments[*place].extent().datoms() < MERGED_SHARE * later(*place))
}

fn merge_from(first: usize, folder: &Folder, chain: &Chain, sizes: Sizes, is_stopped: &AtomicBool, known: &Known) {
    let (before, together) = chain.segments().split_at(first);
    let (Some(oldest), Some(newest)) = (together.first(), together.last()) else { return };
    let (oldest, newest) = (oldest.extent(), newest.extent());
    let extent = Extent { after_t: oldest.after_t, datoms_before: oldest.datoms_before, ..*newest };
    let look = || !is_stopped.load(Ordering::Relaxed);
    let made = write(folder, &extent, sizes, |writer| merge::merge(together, writer, &look));
    let merged = match made {
        Ok(segment) => Chain::of(before.iter().cloned().chain([segment]).collect()),
        // Without its damaged part the chain is made anew by the next one who needs it.
        Err(Failure::Damaged) => Chain::of(before.to_vec()),
        Err(Failure::Stopped | Failure::Io) => return,
    };
    let _ = remove_others(folder, &merged);
    let merged = Arc::new(merged);
    let mut known = known.lock();
    if known.as_ref().is_none_or(|known| known.until_t() == chain.until_t()) {
        *known = Some(merged);
    }
}
