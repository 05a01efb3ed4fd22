//! Writes a segment from front to back.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::ops::Range;

use super::block;
use super::bytes::{CHECKSUM, checksum};
use super::segment::{AttributeEntry, BlockEntry, Extent, MAGIC};
use super::statistics::Statistics;
use super::table::Table;
use super::zone::Zone;

/// Bytes that wait until they are written together.
const BUFFER: usize = 1 << 18;

/// A segment in the making. Attributes come ascending, their rows in order.
#[derive(Debug)]
pub(super) struct SegmentWriter {
    file: BufWriter<File>,
    offset: u64,
    block_rows: usize,
    attributes: BTreeMap<i64, AttributeEntry>,
    blocks: Vec<BlockEntry>,
    statistics: Statistics,
    scratch: Vec<u8>,
}

impl SegmentWriter {
    pub(super) fn new(file: File, block_rows: usize) -> io::Result<Self> {
        let mut writer = Self {
            file: BufWriter::with_capacity(BUFFER, file),
            offset: 0,
            block_rows: block_rows.max(1),
            attributes: BTreeMap::new(),
            blocks: Vec::new(),
            statistics: Statistics::default(),
            scratch: Vec::new(),
        };
        writer.put(&MAGIC)?;
        Ok(writer)
    }

    /// How many rows a block gets.
    pub(super) fn block_rows(&self) -> usize {
        self.block_rows
    }

    /// Writes rows of a table as blocks and takes them into the statistics.
    pub(super) fn rows(&mut self, table: &Table) -> io::Result<()> {
        for start in (0..table.len()).step_by(self.block_rows) {
            let rows = start..table.len().min(start + self.block_rows);
            let values = self.statistics.take_in(&table.v, rows.clone());
            self.block(table, rows, values)?;
        }
        Ok(())
    }

    /// Writes rows of a table as blocks, of which the statistics are known already.
    pub(super) fn known_rows(&mut self, table: &Table) -> io::Result<()> {
        for start in (0..table.len()).step_by(self.block_rows) {
            let rows = start..table.len().min(start + self.block_rows);
            let values = Statistics::default().take_in(&table.v, rows.clone());
            self.block(table, rows, values)?;
        }
        Ok(())
    }

    fn block(&mut self, table: &Table, rows: Range<usize>, values: usize) -> io::Result<()> {
        let mut bytes = std::mem::take(&mut self.scratch);
        bytes.clear();
        block::encode(table, rows.clone(), &mut bytes);
        let e = &table.e[rows.clone()];
        let ends = table.ends.iter().flat_map(|ends| &ends.t[rows.clone()]).filter(|t| **t != super::life::OPEN);
        let entry = BlockEntry {
            offset: self.offset,
            length: u32::try_from(bytes.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?,
            rows: rows.len() as u32,
            entities: e.chunk_by(|a, b| a == b).count() as u32,
            values: values as u32,
            first_e: e.first().copied().unwrap_or(0),
            last_e: e.last().copied().unwrap_or(0),
            newest_t: table.t_added[rows.clone()].iter().chain(ends).copied().max().unwrap_or(0),
            zone: Zone::of(&table.v, rows),
            checksum: checksum(&bytes),
        };
        self.put(&bytes)?;
        self.blocks.push(entry);
        self.scratch = bytes;
        Ok(())
    }

    /// Takes over a block as it is.
    pub(super) fn copy(&mut self, block: &BlockEntry, bytes: &[u8]) -> io::Result<()> {
        self.blocks.push(BlockEntry { offset: self.offset, ..block.clone() });
        self.put(bytes)
    }

    /// Takes in what is known of rows that are taken over.
    pub(super) fn join(&mut self, statistics: &Statistics) {
        self.statistics.join(statistics);
    }

    /// Says that all rows since the last attribute belong to this one. Its directory follows them.
    pub(super) fn attribute(&mut self, attribute: i64) -> io::Result<()> {
        let blocks = std::mem::take(&mut self.blocks);
        let statistics = std::mem::take(&mut self.statistics);
        if blocks.is_empty() {
            return Ok(());
        }
        let rows = blocks.iter().map(|block| u64::from(block.rows)).sum();
        let twice = blocks.windows(2).filter(|pair| pair[0].last_e == pair[1].first_e).count() as u64;
        let entities = blocks.iter().map(|block| u64::from(block.entities)).sum::<u64>() - twice;
        let mut directory = Vec::new();
        for block in &blocks {
            block.put(&mut directory);
        }
        let place = (self.offset, directory.len() as u32, checksum(&directory));
        self.put(&directory)?;
        self.attributes.insert(attribute, AttributeEntry::new(rows, entities, blocks.len() as u32, place, statistics));
        Ok(())
    }

    /// Writes the footer and waits until all of it is on the disk.
    pub(super) fn finish(mut self, extent: &Extent) -> io::Result<()> {
        let mut footer = Vec::new();
        footer.extend_from_slice(&extent.after_t.to_le_bytes());
        footer.extend_from_slice(&extent.until_t.to_le_bytes());
        footer.extend_from_slice(&extent.hash);
        footer.extend_from_slice(&extent.datoms_before.to_le_bytes());
        footer.extend_from_slice(&extent.datoms_until.to_le_bytes());
        footer.extend_from_slice(&(self.attributes.len() as u32).to_le_bytes());
        self.attributes.iter().for_each(|(attribute, entry)| entry.put(*attribute, &mut footer));
        let (offset, length) = (self.offset, footer.len() as u32);
        let expected: [u8; CHECKSUM] = checksum(&footer);
        self.put(&footer)?;
        self.put(&offset.to_le_bytes())?;
        self.put(&length.to_le_bytes())?;
        self.put(&expected)?;
        self.put(&MAGIC)?;
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}
