//! The write-ahead log as bytes, read without SQLite: which frames were committed, and which can no longer be read.
//!
//! SQLite reads a log up to the first frame whose checksum is wrong and takes the rest for what a power loss cut off. That is right for
//! the last commit, which nobody was told of; but with `synchronous = FULL` a commit is on the disk before the next one is begun. So
//! if whole commits follow the place where reading ends, and continue each other, something that was acknowledged is damaged.
//!
//! ```text
//! header 32 = magic 4, version 4, bytes of a page 4, sequence 4, salts 8, checksum 8          all big-endian
//! frame     = page 4, pages of the file if it ends a commit else 0 4, salts 8, checksum 8, the page
//! ```
//!
//! The checksum of a frame goes on from that of the frame before, so frames that follow a damaged one still prove each other. What the damaged
//! one itself was is found out in [`head`].

mod head;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::head::{Broken, Head, Sizes};
use super::failure::damaged;
use super::unsynced;
use crate::error::Result;

const HEADER_BYTES: u64 = 32;
const FRAME_HEADER_BYTES: usize = 24;
const MAGIC: u32 = 0x377f_0682;
const VERSION: u32 = 3_007_000;
/// Logs up to this size are looked through whenever a store is opened: it takes milliseconds. `verify` reads any.
const LIMIT_CHECKED_BYTES: u64 = 64 << 20;
/// How often a log is read again that seems damaged, since somebody may be writing it just now.
const TRIES: usize = 4;

type Sum = (u32, u32);

/// How a frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Part of a commit that SQLite reads.
    Committed,
    /// Part of commits behind the place where SQLite stops reading; each continues the one before.
    Cut,
    /// Not committed, or left from before the log began anew.
    Loose,
}

/// One frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// The page that it holds.
    pub(super) page: u32,
    /// Where its bytes begin in the log.
    pub(super) at: u64,
    pub(super) standing: Standing,
    ends_commit: bool,
}

/// What a write-ahead log holds.
#[derive(Debug)]
pub(super) struct Wal {
    pub(super) page_bytes: usize,
    pub(super) frames: Vec<Frame>,
    /// False if the header itself is damaged, so that SQLite reads nothing of the log.
    has_header: bool,
    /// The bytes of the header: another header means that the log began anew.
    header: [u8; 32],
    /// Commits that were acknowledged and that SQLite does not read.
    pub(super) lost_commits: usize,
}

/// The file beside a store, with this ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// True if a file with something in it is there.
pub(super) fn is_filled(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0)
}

/// Refuses a store whose write-ahead log lost commits: SQLite would answer as if they had never been made, and write over them.
pub(super) fn check(path: &Path) -> Result<()> {
    let log = beside(path, "-wal");
    if !std::fs::metadata(&log).is_ok_and(|metadata| metadata.len() > HEADER_BYTES && metadata.len() <= LIMIT_CHECKED_BYTES) {
        return Ok(());
    }
    match lost_commits(path, false) {
        Ok(Some(lost)) => {
            Err(damaged(format!("the write-ahead log beside the store is damaged: {lost}")).with_value(log.display()).with_help(
                "`annals rescue FILE OUT` copies what proves itself into a new store; nothing was deleted. A store that was written with \
                 durability normal has a file NAME-normal beside it: if it was moved, move that along",
            ))
        }
        // What cannot be read here SQLite cannot read either, and says so.
        Ok(None) | Err(_) => Ok(()),
    }
}

/// A sentence on commits that were acknowledged and cannot be read, if there are any; a power loss may leave a log like that where
/// commits are not synced, which the mark beside it says. `with_index` looks at what the last processes
/// knew of the log too; closing that file gives up the locks that this process has on it.
pub(super) fn lost_commits(path: &Path, with_index: bool) -> io::Result<Option<String>> {
    if unsynced::is_marked(path) {
        return Ok(None);
    }
    let mut before = None;
    for _ in 0..TRIES {
        // The index first: it never knows more than what is in the log.
        let known = if with_index { known_frames(path) } else { None };
        let Some(wal) = Wal::read(path)? else { return Ok(None) };
        let found = wal.lost(known.filter(|(salts, _)| *salts == wal.header[16..24]).map(|(_, frames)| frames));
        if found.is_none() || before == found && Wal::header_now(path)? == wal.header {
            return Ok(found);
        }
        before = found;
        std::thread::sleep(Duration::from_millis(3));
    }
    Ok(None)
}

/// Salts and number of frames in the index of the log, as the last process that used the store left it.
fn known_frames(path: &Path) -> Option<([u8; 8], usize)> {
    let mut bytes = [0; 96];
    File::open(beside(path, "-shm")).and_then(|file| file.read_exact_at(&mut bytes, 0)).ok()?;
    let (header, copy) = bytes.split_at(48);
    let word = |at: usize| u32::from_ne_bytes(header[at..at + 4].try_into().expect("four bytes"));
    let sum = checksum((0, 0), &header[..40], u32::from_ne_bytes);
    let is_right = header == copy && word(0) == VERSION && header[12] == 1 && sum == (word(40), word(44));
    is_right.then(|| (header[32..40].try_into().expect("eight bytes"), word(16) as usize))
}

impl Wal {
    /// Reads the log beside a store; none if there is none, or nothing in it.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(beside(path, "-wal")) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        let mut header = [0; 32];
        if length <= HEADER_BYTES || file.read_exact_at(&mut header, 0).is_err() {
            return Ok(None);
        }
        let word = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four bytes"));
        let is_big_endian = word(0) == MAGIC + 1;
        let read: fn([u8; 4]) -> u32 = if is_big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        let (stored, computed) = ((word(24), word(28)), checksum((0, 0), &header[..24], read));
        let page_bytes = word(8) as usize;
        let is_size = page_bytes.is_power_of_two() && (512..=65_536).contains(&page_bytes);
        let has_header = [MAGIC, MAGIC + 1].contains(&word(0)) && word(4) == VERSION && is_size && stored == computed;
        let page_bytes = if has_header { page_bytes } else { probable_page_bytes(&file, page_bytes) };
        let mut wal = Self { page_bytes, frames: Vec::new(), has_header, header, lost_commits: 0 };
        let file_pages = std::fs::metadata(path).map_or(0, |metadata| metadata.len() / page_bytes as u64);
        wal.read_frames(&file, length, file_pages, &[stored, computed], read)?;
        Ok(Some(wal))
    }

    fn header_now(path: &Path) -> io::Result<[u8; 32]> {
        let mut header = [0; 32];
        File::open(beside(path, "-wal"))?.read_exact_at(&mut header, 0)?;
        Ok(header)
    }

    fn lost(&self, known: Option<usize>) -> Option<String> {
        let read = self.frames.iter().filter(|frame| frame.standing == Standing::Committed).count();
        if self.lost_commits > 0 {
            let header = if self.has_header { "" } else { "its header is wrong, and " };
            return Some(format!("{header}{} commits follow the {read} frames that can be read", self.lost_commits));
        }
        let known = known.filter(|known| *known > read)?;
        Some(format!("{known} frames were committed, and {read} can be read"))
    }

    /// Walks the frames. `seeds` are the checksums from which the first may go on: the one that is stored, and the one that the bytes
    /// before have; of them one survives a single damage.
    fn read_frames(
        &mut self,
        file: &File,
        length: u64,
        file_pages: u64,
        seeds: &[Sum],
        read: fn([u8; 4]) -> u32,
    ) -> io::Result<()> {
        let mut bytes = vec![0; FRAME_HEADER_BYTES + self.page_bytes];
        // No commit makes the file of a store smaller.
        let mut sizes = Sizes { least: 1, most: length / bytes.len() as u64 * 2 + file_pages + 1_024 };
        let mut salts: Option<[u8; 8]> = self.has_header.then(|| self.header[16..24].try_into().expect("eight bytes"));
        let mut walk =
            Walk { seeds: seeds.to_vec(), is_read: self.has_header, run: Run::default(), before: None, lost: Vec::new() };
        let mut at = HEADER_BYTES;
        while at + bytes.len() as u64 <= length {
            file.read_exact_at(&mut bytes, at)?;
            let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
            let own: [u8; 8] = bytes[8..16].try_into().expect("eight bytes");
            let is_current = *salts.get_or_insert(own) == own;
            let (stored, page) = ((word(16), word(20)), &bytes[FRAME_HEADER_BYTES..]);
            let sums: Vec<Sum> = walk.seeds.iter().map(|seed| checksum(checksum(*seed, &bytes[..8], read), page, read)).collect();
            let said = Head { page: word(0), size: word(4) };
            let ends_commit = if sums.contains(&stored) {
                // The sum does not cover the salts: of the frame where reading ends it proves the rest.
                (is_current || walk.is_read) && said.size > 0
            } else if is_current && walk.is_read {
                let last = self.frames.last().filter(|frame| !frame.ends_commit).map_or(0, |frame| frame.page);
                let mut next = [0; 4];
                file.read_exact_at(&mut next, at + bytes.len() as u64).unwrap_or_default();
                let (sums, beside) = ((walk.seeds[0], stored), (last, u32::from_be_bytes(next)));
                let broken = Broken { head: said, page, sums, beside, read };
                broken.ends_commit(&sizes)
            } else {
                false
            };
            if ends_commit && walk.is_read {
                sizes.least = said.size;
            }
            let frame = Frame { page: said.page, at: at + FRAME_HEADER_BYTES as u64, standing: Standing::Loose, ends_commit };
            self.frames.push(frame);
            walk.step(&mut self.frames, &sums, stored, is_current && frame.page > 0);
            at += bytes.len() as u64;
        }
        let first_cut = if self.has_header { 2 } else { 1 };
        walk.end(&mut self.frames);
        self.lost_commits = walk.lost.iter().filter(|commits| **commits >= first_cut).sum();
        Ok(())
    }
}

/// Commits of frames that prove each other, behind the place where SQLite stops reading.
#[derive(Default)]
struct Run {
    first: usize,
    commits: usize,
}

struct Walk {
    seeds: Vec<Sum>,
    /// True as long as SQLite reads on.
    is_read: bool,
    run: Run,
    /// Commits and first frame of the run before a damaged frame, in case that the next one continues it.
    before: Option<(usize, usize)>,
    /// The commits of each run.
    lost: Vec<usize>,
}

impl Walk {
    fn step(&mut self, frames: &mut [Frame], sums: &[Sum], stored: Sum, is_current: bool) {
        let at = frames.len() - 1;
        let commit = usize::from(frames[at].ends_commit);
        let seed = sums.iter().position(|sum| *sum == stored);
        if self.is_read && seed == Some(0) && is_current {
            if commit == 1 {
                let uncommitted = frames.iter_mut().rev().take_while(|frame| frame.standing == Standing::Loose);
                uncommitted.for_each(|frame| frame.standing = Standing::Committed);
                self.run.first = at + 1;
            }
            self.seeds = vec![stored];
            return;
        }
        if std::mem::take(&mut self.is_read) {
            self.run.commits = commit;
        } else {
            match (seed, self.before.take()) {
                // By the checksum that the frame before should have: so that one continued what lay before it.
                (Some(1..), Some((commits, first))) => {
                    self.lost.pop();
                    (self.run.commits, self.run.first) = (self.run.commits + commits + commit, first);
                }
                (Some(_), _) => self.run.commits += commit,
                (None, _) => {
                    self.before = Some((self.run.commits, self.run.first));
                    self.settle(frames, at);
                    (self.run.commits, self.run.first) = (commit, at);
                }
            }
        }
        self.seeds = std::iter::once(stored).chain(sums.iter().copied().filter(|_| seed.is_none()).take(2)).collect();
    }

    /// The run ends before the frame `at`.
    fn settle(&mut self, frames: &mut [Frame], at: usize) {
        self.lost.push(self.run.commits);
        mark(&mut frames[self.run.first..at]);
    }

    fn end(&mut self, frames: &mut [Frame]) {
        if !self.is_read {
            let count = frames.len();
            self.settle(frames, count);
        }
    }
}

/// Frames up to the last one that ends a commit were committed, or about to be.
fn mark(run: &mut [Frame]) {
    let end = run.iter().rposition(|frame| frame.ends_commit).map_or(0, |last| last + 1);
    run[..end].iter_mut().for_each(|frame| frame.standing = Standing::Cut);
}

/// The size of pages of a log whose header is wrong: what its number says if that is one, else what the first frames agree with.
fn probable_page_bytes(file: &File, said: usize) -> usize {
    let salts = |at: u64| {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, at + 8).ok().map(|()| bytes)
    };
    let first = salts(HEADER_BYTES);
    let fits = |size: &usize| first.is_some() && salts(HEADER_BYTES + (FRAME_HEADER_BYTES + size) as u64) == first;
    let sizes = (9..=16).map(|power| 1 << power);
    sizes.clone().find(fits).or_else(|| sizes.into_iter().find(|size| *size == said)).unwrap_or(2_048)
}

/// SQLite's checksum over words of four bytes, two at a time.
fn checksum(seed: Sum, bytes: &[u8], read: fn([u8; 4]) -> u32) -> Sum {
    let (mut first, mut second) = seed;
    let (words, _) = bytes.as_chunks::<4>();
    for pair in words.chunks_exact(2) {
        first = first.wrapping_add(read(pair[0])).wrapping_add(second);
        second = second.wrapping_add(read(pair[1])).wrapping_add(first);
    }
    (first, second)
}
