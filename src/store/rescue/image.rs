//! The bytes of a damaged store: its file and its write-ahead log, opened for reading and never through SQLite.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::store::wal::{self, Standing, Wal};

/// Sizes of pages that SQLite knows, those of stores first.
const PAGE_SIZES: [usize; 8] = [2_048, 4_096, 1_024, 8_192, 512, 16_384, 32_768, 65_536];

/// Where a page lies. The order is that in which they are believed: what was committed, what the file holds, what was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Place {
    /// A frame of the log that SQLite reads, by where its bytes begin.
    Committed(u64),
    /// A page of the file.
    InFile(u64),
    /// A frame behind the place where SQLite stops reading.
    Cut(u64),
}

/// The file, the log and the size of their pages.
#[derive(Debug)]
pub(super) struct Image {
    file: File,
    length: u64,
    log: Option<(File, Wal)>,
    page_bytes: usize,
    /// The newest committed frame of each page, and the newest of all.
    committed: HashMap<u32, u64>,
    newest: HashMap<u32, u64>,
}

impl Image {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let log = match (File::open(wal::beside(path, "-wal")), Wal::read(path)) {
            (Ok(file), Ok(Some(log))) => Some((file, log)),
            _ => None,
        };
        let mut image = Self { file, length, log, page_bytes: 0, committed: HashMap::new(), newest: HashMap::new() };
        for frame in image.log.iter().flat_map(|(_, log)| &log.frames) {
            if frame.standing == Standing::Committed {
                image.committed.insert(frame.page, frame.at);
            }
            if frame.standing != Standing::Loose {
                image.newest.insert(frame.page, frame.at);
            }
        }
        Ok(image)
    }

    pub(super) fn page_bytes(&self) -> usize {
        self.page_bytes
    }

    /// Bytes of both files.
    pub(super) fn length(&self) -> u64 {
        self.length + self.log.as_ref().map_or(0, |(_, log)| (log.frames.len() * log.page_bytes) as u64)
    }

    /// Reads on with pages of this size.
    pub(super) fn set_page_bytes(&mut self, page_bytes: usize) {
        self.page_bytes = page_bytes;
    }

    /// The sizes that pages may have, the likeliest first: as the header says, as the log says, then all others.
    pub(super) fn likely_page_bytes(&self) -> Vec<usize> {
        let mut header = [0; 18];
        let said =
            self.file.read_exact_at(&mut header, 0).ok().map(|()| usize::from(u16::from_be_bytes([header[16], header[17]])));
        let said = said.map(|said| if said == 1 { 65_536 } else { said }).filter(|said| PAGE_SIZES.contains(said));
        let logged = self.log.as_ref().map(|(_, log)| log.page_bytes);
        let mut sizes: Vec<usize> = said.into_iter().chain(logged).chain(PAGE_SIZES).collect();
        let mut seen = Vec::new();
        sizes.retain(|size| {
            !seen.contains(size) && {
                seen.push(*size);
                true
            }
        });
        sizes
    }

    /// Every place that holds a page, those believed first come first for each page.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        let frames =
            || self.log.iter().filter(|(_, log)| log.page_bytes == self.page_bytes).flat_map(|(_, log)| log.frames.iter().rev());
        let of = move |standing: Standing| frames().filter(move |frame| frame.standing == standing).map(|frame| frame.at);
        let pages = (0..self.length.div_ceil(self.page_bytes as u64)).map(|page| page * self.page_bytes as u64);
        of(Standing::Committed).map(Place::Committed).chain(pages.map(Place::InFile)).chain(of(Standing::Cut).map(Place::Cut))
    }

    /// The bytes of a page. What the disk does not give, or lies beyond the end, is zero.
    pub(super) fn read(&self, place: Place) -> Vec<u8> {
        let mut bytes = vec![0; self.page_bytes];
        let (file, at) = match (place, &self.log) {
            (Place::InFile(at), _) => (&self.file, at),
            (Place::Committed(at) | Place::Cut(at), Some((log, _))) => (log, at),
            _ => return bytes,
        };
        let mut done = 0;
        while done < bytes.len() {
            match file.read_at(&mut bytes[done..], at + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A sector that cannot be read: the others may be.
                Err(_) => done = (done / 512 + 1) * 512,
            }
        }
        bytes
    }

    /// A page by its number: as committed, or as the newest frame has it.
    pub(super) fn page(&self, number: u32, is_newest: bool) -> Option<Vec<u8>> {
        let frames = if is_newest { &self.newest } else { &self.committed };
        if let Some(at) = frames.get(&number) {
            return Some(self.read(Place::Cut(*at)));
        }
        let at = u64::from(number.checked_sub(1)?) * self.page_bytes as u64;
        (at < self.length).then(|| self.read(Place::InFile(at)))
    }
}
