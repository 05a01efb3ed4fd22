//! Several segments become one, from front to back: blocks that meet no others are taken over as they are.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use super::bytes::Damaged;
use super::segment::{self, BlockEntry, Segment};
use super::table::{Table, TableBuilder};
use super::writer::SegmentWriter;

/// Why segments could not be merged.
#[derive(Debug)]
pub(super) enum Failure {
    /// A segment is not what was written.
    Damaged,
    /// The new one could not be written.
    Io,
    /// There was no time left.
    Stopped,
}

impl From<Damaged> for Failure {
    fn from(_: Damaged) -> Self {
        Self::Damaged
    }
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Self {
        Self::Io
    }
}

/// The blocks of one segment that are still to come, and rows of its earlier ones that wait.
struct Source<'a> {
    segment: &'a Segment,
    directory: Arc<[BlockEntry]>,
    next: usize,
    rows: Table,
}

impl Source<'_> {
    fn next(&self) -> Option<&BlockEntry> {
        self.directory.get(self.next)
    }

    /// Reads the next block.
    fn fill(&mut self) -> Result<(), Failure> {
        let Some(block) = self.directory.get(self.next) else { return Ok(()) };
        let mut all = TableBuilder::default();
        all.rows(&self.rows, 0..self.rows.len());
        segment::decode(block, &self.segment.bytes(block)?, &mut all)?;
        self.rows = all.finish();
        self.next += 1;
        Ok(())
    }

    /// Takes away the rows of entities before `end`, all if there is none.
    fn take_before(&mut self, end: Option<i64>) -> Table {
        let count = end.map_or(self.rows.len(), |end| self.rows.e.partition_point(|e| *e < end));
        let cut = |from: usize, until: usize| {
            let mut part = TableBuilder::default();
            part.rows(&self.rows, from..until);
            part.finish()
        };
        let (taken, rest) = (cut(0, count), cut(count, self.rows.len()));
        self.rows = rest;
        taken
    }
}

/// Writes all attributes of segments that follow each other. `look` is called between blocks, and stops the work if it is false.
pub(super) fn merge(segments: &[Arc<Segment>], to: &mut SegmentWriter, look: &dyn Fn() -> bool) -> Result<(), Failure> {
    let attributes: BTreeSet<i64> = segments.iter().flat_map(|segment| segment.attributes()).collect();
    for attribute in attributes {
        let mut sources = Vec::new();
        for segment in segments {
            let Some(entry) = segment.attribute(attribute) else { continue };
            to.join(&entry.statistics);
            let rows = TableBuilder::default().finish();
            sources.push(Source { segment, directory: segment.directory(attribute)?, next: 0, rows });
        }
        merge_attribute(&mut sources, to, look)?;
        to.attribute(attribute)?;
    }
    Ok(())
}

fn merge_attribute(sources: &mut [Source<'_>], to: &mut SegmentWriter, look: &dyn Fn() -> bool) -> Result<(), Failure> {
    let mut waiting = TableBuilder::default().finish();
    loop {
        if !look() {
            return Err(Failure::Stopped);
        }
        if let Some(place) = alone(sources, to.block_rows()) {
            to.known_rows(&std::mem::replace(&mut waiting, TableBuilder::default().finish()))?;
            let source = &mut sources[place];
            let block = &source.directory[source.next];
            to.copy(block, &source.segment.bytes(block)?)?;
            source.next += 1;
            continue;
        }
        // The source whose next rows come first lets the others go furthest.
        let behind = sources.iter().enumerate().filter(|(_, source)| source.next().is_some());
        let Some((place, _)) = behind.min_by_key(|(_, source)| first_e(source)) else { break };
        sources[place].fill()?;
        let end = sources.iter().filter(|source| source.next().is_some()).map(first_e_to_come).min();
        waiting = waiting.followed_by(&joined(sources, end));
        if waiting.len() >= 4 * to.block_rows() {
            waiting = write_full(&waiting, to)?;
        }
    }
    waiting = waiting.followed_by(&joined(sources, None));
    Ok(to.known_rows(&waiting)?)
}

/// The first entity that a source has yet to give, waiting rows not counted.
fn first_e_to_come(source: &Source<'_>) -> i64 {
    source.next().map_or(i64::MAX, |block| block.first_e)
}

fn first_e(source: &Source<'_>) -> i64 {
    first_e_to_come(source)
}

/// The source whose next block can be taken over: large enough, before all that is to come, and no rows wait.
fn alone(sources: &[Source<'_>], block_rows: usize) -> Option<usize> {
    if sources.iter().any(|source| source.rows.len() > 0) {
        return None;
    }
    let (place, first) = sources.iter().enumerate().min_by_key(|(_, source)| first_e_to_come(source))?;
    let block = first.next().filter(|block| block.rows as usize * 2 >= block_rows)?;
    let mut others = sources.iter().enumerate().filter(|(other, _)| *other != place);
    let later = first.directory.get(first.next + 1);
    let is_alone = others.all(|(_, source)| block.last_e < first_e_to_come(source))
        && later.is_none_or(|later| block.last_e < later.first_e);
    is_alone.then_some(place)
}

/// The waiting rows of entities before `end`, the older ones first.
fn joined(sources: &mut [Source<'_>], end: Option<i64>) -> Table {
    let mut all = TableBuilder::default().finish();
    for source in sources {
        all = all.followed_by(&source.take_before(end));
    }
    all
}

/// Writes as many rows as fill blocks and gives back the rest.
fn write_full(waiting: &Table, to: &mut SegmentWriter) -> Result<Table, Failure> {
    let full = waiting.len() / to.block_rows() * to.block_rows();
    let (mut head, mut rest) = (TableBuilder::default(), TableBuilder::default());
    head.rows(waiting, 0..full);
    rest.rows(waiting, full..waiting.len());
    to.known_rows(&head.finish())?;
    Ok(rest.finish())
}
