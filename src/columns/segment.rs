//! A segment: what the transactions after one t up to another said, attribute by attribute, in one file that is never changed.
//!
//! ```text
//! magic 8 | of each attribute: blocks ..., directory | footer | footer's offset 8, length 4, checksum 16 | magic 8
//!
//! directory = for each block: offset 8, length 4, rows 4, entities 4, values 4, first e 8, last e 8, last t 8, zone, checksum 16
//! footer    = after t 8, until t 8, chain hash at until t 32, datoms up to after t 8, datoms up to until t 8, attributes 4,
//!             for each: id 8, rows 8, entities 8, blocks 4, directory's offset 8, length 4, checksum 16, statistics
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, OnceLock};

use super::block::{self, Wanted};
use super::bytes::{CHECKSUM, Damaged, Input, Read, checksum};
use super::statistics::Statistics;
use super::table::TableBuilder;
use super::zone::Zone;

/// The first and the last bytes of a segment. Another format has another magic, and another name.
pub(super) const MAGIC: [u8; 8] = *b"annals\0\x01";

/// Bytes behind the footer.
pub(super) const TRAILER: usize = 8 + 4 + CHECKSUM + MAGIC.len();

/// Bytes read at first from the end of a file: most footers are shorter.
const FIRST_READ: u64 = 32 << 10;

/// Bytes read at once where blocks lie behind each other.
const LARGE_READ: usize = 1 << 20;

/// Rows that a block may have: what one read brings stays small.
pub(crate) const LIMIT_BLOCK_ROWS: usize = 1 << 20;

/// Bytes that a footer or directory may have: what is longer is not read into memory on a file's word.
const LIMIT_BYTES: usize = 1 << 30;

/// Which transactions a segment tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Those after this one.
    pub(crate) after_t: i64,
    /// Up to this one, that included.
    pub(crate) until_t: i64,
    /// The chain hash at `until_t`: the same in every store with this history, and in no other.
    pub(crate) hash: [u8; 32],
    /// Datoms of the log up to `after_t`.
    pub(crate) datoms_before: i64,
    /// Datoms of the log up to `until_t`.
    pub(crate) datoms_until: i64,
}

impl Extent {
    /// How many datoms of the log it covers.
    pub(crate) fn datoms(&self) -> i64 {
        self.datoms_until - self.datoms_before
    }
}

/// Where a block lies, and what it can hold.
#[derive(Clone, Debug)]
pub(super) struct BlockEntry {
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) rows: u32,
    pub(super) entities: u32,
    pub(super) values: u32,
    pub(super) first_e: i64,
    pub(super) last_e: i64,
    /// The t of the last event.
    pub(super) newest_t: i64,
    pub(super) zone: Zone,
    pub(super) checksum: [u8; CHECKSUM],
}

impl BlockEntry {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.offset.to_le_bytes());
        for n in [self.length, self.rows, self.entities, self.values] {
            out.extend_from_slice(&n.to_le_bytes());
        }
        for n in [self.first_e, self.last_e, self.newest_t] {
            out.extend_from_slice(&n.to_le_bytes());
        }
        self.zone.put(out);
        out.extend_from_slice(&self.checksum);
    }

    /// About how many of the rows are of entities between two, both included: as many as there is room for, as entities said together have
    /// ids that follow each other.
    pub(super) fn rows_within(&self, within: Option<(i64, i64)>) -> f64 {
        let Some((first, last)) = within else { return f64::from(self.rows) };
        let room = last.min(self.last_e) as f64 - first.max(self.first_e) as f64 + 1.0;
        f64::from(self.rows) * (room / f64::from(self.entities.max(1))).clamp(0.0, 1.0)
    }

    fn read(input: &mut Input<'_>) -> Read<Self> {
        Ok(Self {
            offset: input.u64()?,
            length: input.u32()?,
            rows: input.u32()?,
            entities: input.u32()?,
            values: input.u32()?,
            first_e: input.i64()?,
            last_e: input.i64()?,
            newest_t: input.i64()?,
            zone: Zone::read(input)?,
            checksum: input.array()?,
        })
    }
}

/// What the footer says of an attribute.
#[derive(Debug)]
pub(super) struct AttributeEntry {
    pub(super) rows: u64,
    pub(super) entities: u64,
    pub(super) blocks: u32,
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) checksum: [u8; CHECKSUM],
    pub(super) statistics: Statistics,
    directory: OnceLock<Arc<[BlockEntry]>>,
}

impl AttributeEntry {
    pub(super) fn new(rows: u64, entities: u64, blocks: u32, place: (u64, u32, [u8; CHECKSUM]), statistics: Statistics) -> Self {
        let ((offset, length, checksum), directory) = (place, OnceLock::new());
        Self { rows, entities, blocks, offset, length, checksum, statistics, directory }
    }

    pub(super) fn put(&self, attribute: i64, out: &mut Vec<u8>) {
        out.extend_from_slice(&attribute.to_le_bytes());
        for n in [self.rows, self.entities] {
            out.extend_from_slice(&n.to_le_bytes());
        }
        out.extend_from_slice(&self.blocks.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
        out.extend_from_slice(&self.checksum);
        self.statistics.put(out);
    }

    fn read(input: &mut Input<'_>) -> Read<Self> {
        let (rows, entities, blocks) = (input.u64()?, input.u64()?, input.u32()?);
        let place = (input.u64()?, input.u32()?, input.array()?);
        Ok(Self::new(rows, entities, blocks, place, Statistics::read(input)?))
    }
}

/// An open segment. The file stays readable when its name is gone.
#[derive(Debug)]
pub(crate) struct Segment {
    file: File,
    name: String,
    extent: Extent,
    attributes: BTreeMap<i64, AttributeEntry>,
}

impl Segment {
    /// Reads the footer of a file.
    pub(super) fn open(file: File, name: String) -> Read<Self> {
        let length = file.metadata().map_err(|_| Damaged)?.len();
        if length < (MAGIC.len() + TRAILER) as u64 {
            return Err(Damaged);
        }
        let start = length.saturating_sub(FIRST_READ);
        let mut end = vec![0; (length - start) as usize];
        file.read_exact_at(&mut end, start).map_err(|_| Damaged)?;
        let mut trailer = Input::new(&end[end.len() - TRAILER..]);
        let (offset, size, expected) = (trailer.u64()?, trailer.u32()?, trailer.array()?);
        if read_at(&file, 0, MAGIC.len())? != MAGIC
            || trailer.array()? != MAGIC
            || offset.checked_add(u64::from(size) + TRAILER as u64) != Some(length)
        {
            return Err(Damaged);
        }
        let footer = match offset.checked_sub(start) {
            Some(within) => end[within as usize..end.len() - TRAILER].to_vec(),
            None => read_at(&file, offset, size as usize)?,
        };
        if checksum(&footer) != expected {
            return Err(Damaged);
        }
        let (extent, attributes) = read_footer(&footer)?;
        Ok(Self { file, name, extent, attributes })
    }

    /// Which transactions it tells of.
    pub(crate) fn extent(&self) -> &Extent {
        &self.extent
    }

    /// The name of its file.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The attributes it tells of, ascending.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = i64> {
        self.attributes.keys().copied()
    }

    pub(super) fn attribute(&self, attribute: i64) -> Option<&AttributeEntry> {
        self.attributes.get(&attribute)
    }

    /// Number of rows of an attribute.
    pub(crate) fn rows(&self, attribute: i64) -> u64 {
        self.attribute(attribute).map_or(0, |entry| entry.rows)
    }

    /// The blocks of an attribute, ascending by entity.
    pub(super) fn directory(&self, attribute: i64) -> Read<Arc<[BlockEntry]>> {
        let Some(entry) = self.attribute(attribute) else { return Ok(Arc::new([])) };
        if let Some(directory) = entry.directory.get() {
            return Ok(Arc::clone(directory));
        }
        let bytes = read_at(&self.file, entry.offset, entry.length as usize)?;
        if checksum(&bytes) != entry.checksum {
            return Err(Damaged);
        }
        let mut input = Input::new(&bytes);
        let directory: Arc<[BlockEntry]> = (0..entry.blocks).map(|_| BlockEntry::read(&mut input)).collect::<Read<_>>()?;
        input.end()?;
        let is_sound =
            |block: &BlockEntry| (1..=LIMIT_BLOCK_ROWS).contains(&(block.rows as usize)) && block.first_e <= block.last_e;
        // No row without a datom of the log, so that no file makes more of itself in memory than the log would.
        let rows = directory.iter().map(|block| u64::from(block.rows)).sum::<u64>();
        if rows != entry.rows || rows > self.extent.datoms().unsigned_abs() {
            return Err(Damaged);
        }
        if !directory.iter().all(is_sound) || !directory.is_sorted_by(|one, next| one.last_e <= next.first_e) {
            return Err(Damaged);
        }
        Ok(Arc::clone(entry.directory.get_or_init(|| directory)))
    }

    /// The bytes of a block.
    pub(super) fn bytes(&self, block: &BlockEntry) -> Read<Vec<u8>> {
        let bytes = read_at(&self.file, block.offset, block.length as usize)?;
        if checksum(&bytes) == block.checksum { Ok(bytes) } else { Err(Damaged) }
    }

    /// Adds the rows of blocks, which are given in the order of the directory. `look` is called before each read.
    pub(super) fn read<E: From<Damaged>>(
        &self,
        blocks: &[&BlockEntry],
        all: &mut TableBuilder,
        look: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each(blocks, look, |block, bytes| decode(block, bytes, all))
    }

    /// The same for some rows of each block, which `choose` picks by their entities.
    pub(super) fn read_some<E: From<Damaged>>(
        &self,
        blocks: &[&BlockEntry],
        choose: impl Fn(&[i64]) -> Vec<u32>,
        all: &mut TableBuilder,
        look: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each(blocks, look, |block, bytes| decode_some(block, bytes, &choose, all))
    }

    /// The same for the rows of each block whose values are wanted.
    pub(super) fn read_wanted<E: From<Damaged>>(
        &self,
        blocks: &[&BlockEntry],
        wanted: &dyn Wanted,
        all: &mut TableBuilder,
        look: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each(blocks, look, |block, bytes| {
            let rows = block::rows_wanted(bytes, block.rows as usize, wanted)?;
            if rows.is_empty() { Ok(()) } else { decode_some(block, bytes, |_| rows, all) }
        })
    }

    /// Hands out the bytes of blocks, which are given in the order of the directory. `look` is called before each read.
    fn each<E: From<Damaged>>(
        &self,
        blocks: &[&BlockEntry],
        mut look: impl FnMut(usize) -> Result<(), E>,
        mut take: impl FnMut(&BlockEntry, &[u8]) -> Read<()>,
    ) -> Result<(), E> {
        let mut rest = blocks;
        while let Some(first) = rest.first() {
            let (mut end, mut count) = (first.offset, 0);
            for block in rest {
                let length = (end - first.offset) as usize + block.length as usize;
                if block.offset != end || (count > 0 && length > LARGE_READ) {
                    break;
                }
                end = block.offset.saturating_add(u64::from(block.length));
                count += 1;
            }
            let (together, later) = rest.split_at(count);
            let length = together.iter().map(|block| block.length as usize).sum();
            look(together.iter().map(|block| block.rows as usize).sum())?;
            let bytes = read_at(&self.file, first.offset, length)?;
            let mut place = 0;
            for block in together {
                let bytes = &bytes[place..place + block.length as usize];
                if checksum(bytes) != block.checksum {
                    return Err(Damaged.into());
                }
                take(block, bytes)?;
                place += bytes.len();
            }
            rest = later;
        }
        Ok(())
    }
}

/// Adds the rows of a block, whose order must go on from where the rows before ended.
pub(super) fn decode(block: &BlockEntry, bytes: &[u8], all: &mut TableBuilder) -> Read<()> {
    let start = all.len();
    block::decode(bytes, block.rows as usize, all)?;
    check_entities(block, &all.e[start..])
}

/// Adds the rows of a block that are chosen by its entities.
fn decode_some(block: &BlockEntry, bytes: &[u8], choose: impl FnOnce(&[i64]) -> Vec<u32>, all: &mut TableBuilder) -> Read<()> {
    let mut e = Vec::with_capacity(block.rows as usize);
    let rest = block::decode_entities(bytes, block.rows as usize, &mut e)?;
    check_entities(block, &e)?;
    let rows = choose(&e);
    if rows.is_empty() { Ok(()) } else { block::decode_rows(rest, &e, &rows, all) }
}

/// The entities of a block are as its entry says.
fn check_entities(block: &BlockEntry, e: &[i64]) -> Read<()> {
    let is_as_said = e.is_sorted() && e.first() == Some(&block.first_e) && e.last() == Some(&block.last_e);
    if is_as_said { Ok(()) } else { Err(Damaged) }
}

fn read_footer(footer: &[u8]) -> Read<(Extent, BTreeMap<i64, AttributeEntry>)> {
    let mut input = Input::new(footer);
    let extent = Extent {
        after_t: input.i64()?,
        until_t: input.i64()?,
        hash: input.array()?,
        datoms_before: input.i64()?,
        datoms_until: input.i64()?,
    };
    let count = input.count()?;
    let mut attributes = BTreeMap::new();
    for _ in 0..count {
        attributes.insert(input.i64()?, AttributeEntry::read(&mut input)?);
    }
    input.end()?;
    let is_sound = 0 <= extent.after_t && extent.after_t < extent.until_t && extent.datoms_before <= extent.datoms_until;
    if is_sound { Ok((extent, attributes)) } else { Err(Damaged) }
}

fn read_at(file: &File, offset: u64, length: usize) -> Read<Vec<u8>> {
    if length > LIMIT_BYTES {
        return Err(Damaged);
    }
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, offset).map_err(|_| Damaged)?;
    Ok(bytes)
}
