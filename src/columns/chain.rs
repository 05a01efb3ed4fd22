//! Segments that together tell of all transactions from the first to some t.

use std::ops::Range;
use std::sync::Arc;

use annals_query::{Scan, ValueType, Values};

use super::block::Wanted;
use super::bytes::{Damaged, Read};
use super::segment::{BlockEntry, Segment};
use super::table::{Table, TableBuilder, gallop};

/// What a row costs that is read from a file, beside one that is read in order from memory.
const COST_PER_ROW: f64 = 4.0;

/// Why an attribute could not be read from a chain.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A file is not what was written.
    Damaged,
    /// Whoever waits for it has no time left, or too many rows.
    Stopped(annals_query::Error),
}

impl From<Damaged> for Refusal {
    fn from(_: Damaged) -> Self {
        Self::Damaged
    }
}

/// Segments in the order of their transactions, without a gap.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    segments: Vec<Arc<Segment>>,
}

impl Chain {
    /// The segments that cover the most from the first transaction on. Where several begin at one t, the longest is taken.
    pub(super) fn of(mut found: Vec<Arc<Segment>>) -> Self {
        found.sort_by_key(|segment| (segment.extent().after_t, std::cmp::Reverse(segment.extent().until_t)));
        let mut chain = Self::default();
        for segment in found {
            if segment.extent().after_t == chain.until_t() {
                chain.segments.push(segment);
            }
        }
        chain
    }

    /// Adds the segment that follows.
    pub(super) fn push(&mut self, segment: Arc<Segment>) {
        assert_eq!(segment.extent().after_t, self.until_t(), "a chain has no gaps");
        self.segments.push(segment);
    }

    /// The last transaction that it tells of; 0 if there is none.
    pub(crate) fn until_t(&self) -> i64 {
        self.segments.last().map_or(0, |segment| segment.extent().until_t)
    }

    /// How many datoms of the log it covers.
    pub(crate) fn datoms(&self) -> i64 {
        self.segments.last().map_or(0, |segment| segment.extent().datoms_until)
    }

    /// The segments, the oldest first.
    pub(crate) fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    /// Number of rows of an attribute.
    pub(crate) fn rows(&self, attribute: i64) -> u64 {
        self.segments.iter().map(|segment| segment.rows(attribute)).sum()
    }

    /// All lives of an attribute up to [`Chain::until_t`]. `look` is told before each read how many rows it brings.
    pub(crate) fn load(&self, attribute: i64, mut look: impl FnMut(usize) -> annals_query::Result<()>) -> Result<Table, Refusal> {
        // The newest segments are the smallest, so that joining from their end copies the large ones once.
        let mut all: Option<Table> = None;
        for segment in self.segments.iter().rev() {
            let directory = segment.directory(attribute)?;
            let count: usize = directory.iter().map(|block| block.rows as usize).sum();
            let mut rows = TableBuilder::with_capacity(count, false);
            let blocks: Vec<&BlockEntry> = directory.iter().collect();
            segment.read(&blocks, &mut rows, |count| look(count).map_err(Refusal::Stopped))?;
            let table = rows.finish();
            all = Some(match all {
                Some(newer) => table.followed_by(&newer),
                None => table,
            });
        }
        Ok(all.unwrap_or_else(|| TableBuilder::default().finish()).begun())
    }

    /// The lives of an attribute that a scan's entities and values select, and perhaps some more; nothing if blocks of more than
    /// `limit_rows` rows would have to be read. `wanted` are the scan's values.
    pub(crate) fn pick(
        &self,
        attribute: i64,
        scan: &Scan<'_>,
        limit_rows: u64,
        wanted: &dyn Wanted,
        mut look: impl FnMut(usize) -> annals_query::Result<()>,
    ) -> Result<Option<Table>, Refusal> {
        let mut chosen = Vec::new();
        let mut rows = 0;
        for segment in &self.segments {
            let directory = segment.directory(attribute)?;
            let places = places(&directory, scan);
            rows += places.iter().map(|place| u64::from(directory[*place].rows)).sum::<u64>();
            if rows > limit_rows {
                return Ok(None);
            }
            chosen.push((segment, directory, places));
        }
        let mut all: Option<Table> = None;
        for (segment, directory, places) in chosen.into_iter().rev().filter(|(.., places)| !places.is_empty()) {
            let blocks: Vec<&BlockEntry> = places.iter().map(|place| &directory[*place]).collect();
            let mut rows = TableBuilder::default();
            let look = |count| look(count).map_err(Refusal::Stopped);
            let table = if scan.entities.is_some() || scan.within.is_some() {
                segment.read_some(&blocks, |e| rows_of_entities(e, scan), &mut rows, look)?;
                let table = rows.finish();
                let kept = wanted.rows(&table.v);
                if kept.len() == table.len() { table } else { table.gather(&kept) }
            } else {
                segment.read_wanted(&blocks, wanted, &mut rows, look)?;
                rows.finish()
            };
            all = Some(match all {
                Some(newer) => table.followed_by(&newer),
                None => table,
            });
        }
        Ok(Some(all.unwrap_or_else(|| TableBuilder::default().finish()).begun()))
    }

    /// Number of entities of an attribute, about: an entity may occur in several segments.
    pub(crate) fn entities(&self, attribute: i64) -> f64 {
        let of = |segment: &Arc<Segment>| segment.attribute(attribute).map_or(0, |entry| entry.entities);
        self.segments.iter().map(of).sum::<u64>() as f64
    }

    /// The one type that all values of an attribute have and ever had, as queries see them; nothing if some have another one, or a block does
    /// not say.
    pub(crate) fn type_of_values(&self, attribute: i64) -> Read<Option<ValueType>> {
        let mut one = None;
        for segment in &self.segments {
            for block in segment.directory(attribute)?.iter() {
                let of_block = block.zone.value_type();
                if of_block.is_none() || one.is_some() && one != of_block {
                    return Ok(None);
                }
                one = of_block;
            }
        }
        Ok(one)
    }

    /// Number of values of an attribute, about.
    pub(crate) fn values(&self, attribute: i64) -> f64 {
        let mut all = super::statistics::Statistics::default();
        self.segments.iter().filter_map(|segment| segment.attribute(attribute)).for_each(|entry| all.join(&entry.statistics));
        all.distinct()
    }

    /// About how many rows a scan selects that names no entities.
    pub(crate) fn estimate(&self, attribute: i64, scan: &Scan<'_>) -> Read<f64> {
        let mut rows = 0.0;
        for segment in &self.segments {
            let Some(entry) = segment.attribute(attribute) else { continue };
            let frequent = match &scan.values {
                Values::Any => Some(entry.rows as f64),
                Values::Equal(wanted) => entry.statistics.count(wanted),
                Values::Among(wanted) => wanted.iter().map(|wanted| entry.statistics.count(wanted)).sum(),
                Values::Range(..) => None,
            };
            rows += match (frequent, scan.within) {
                (Some(count), None) => count,
                (Some(count), within) => {
                    let near: f64 = segment.directory(attribute)?.iter().map(|block| block.rows_within(within)).sum();
                    count * near / (entry.rows as f64).max(1.0)
                }
                (None, within) => {
                    let directory = segment.directory(attribute)?;
                    let share = |block: &BlockEntry| match &scan.values {
                        Values::Range(low, high) => block.zone.share_between(*low, *high),
                        Values::Among(wanted) => {
                            let held = wanted.iter().filter(|wanted| block.zone.may_hold(&Values::Equal(wanted))).count();
                            (held as f64 / f64::from(block.values.max(1))).min(1.0)
                        }
                        values if block.zone.may_hold(values) => 1.0 / f64::from(block.values.max(1)),
                        _ => 0.0,
                    };
                    directory.iter().map(|block| block.rows_within(within) * share(block)).sum()
                }
            };
        }
        Ok(rows)
    }

    /// What it takes to read what a scan selects, counted in rows read in order from memory. Blocks are read whole.
    pub(crate) fn estimate_read(&self, attribute: i64, scan: &Scan<'_>) -> Read<f64> {
        if matches!(scan.values, Values::Any) && scan.entities.is_none() && scan.within.is_none() {
            return Ok(self.rows(attribute) as f64 * COST_PER_ROW);
        }
        let mut rows = 0.0;
        for segment in &self.segments {
            let directory = segment.directory(attribute)?;
            rows += places(&directory, scan).iter().map(|place| f64::from(directory[*place].rows)).sum::<f64>();
        }
        Ok(rows * COST_PER_ROW)
    }
}

/// The rows of the entities that a scan names, or else of those between its bounds.
fn rows_of_entities(e: &[i64], scan: &Scan<'_>) -> Vec<u32> {
    let Some(entities) = scan.entities else {
        let (first, last) = scan.within.unwrap_or((i64::MIN, i64::MAX));
        let start = e.partition_point(|e| *e < first);
        return (start as u32..(start + gallop(&e[start..], |e| *e <= last)) as u32).collect();
    };
    let mut rows = Vec::with_capacity(entities.len().min(e.len()));
    let mut start = 0;
    for entity in entities {
        start += gallop(&e[start..], |e| e < entity);
        while e.get(start) == Some(entity) {
            rows.push(start as u32);
            start += 1;
        }
    }
    rows
}

/// Which blocks hold entities between two, both included.
fn span(directory: &[BlockEntry], within: Option<(i64, i64)>) -> Range<usize> {
    let Some((first, last)) = within else { return 0..directory.len() };
    let start = directory.partition_point(|block| block.last_e < first);
    start..start + directory[start..].partition_point(|block| block.first_e <= last)
}

/// Which blocks of a directory can hold what a scan selects.
fn places(directory: &[BlockEntry], scan: &Scan<'_>) -> Vec<usize> {
    let may_hold = |place: &usize| directory[*place].zone.may_hold(&scan.values);
    let Some(entities) = scan.entities else { return span(directory, scan.within).filter(may_hold).collect() };
    let mut rest = entities;
    let mut found = Vec::new();
    for (place, block) in directory.iter().enumerate() {
        rest = &rest[gallop(rest, |e| *e < block.first_e)..];
        match rest.first() {
            Some(entity) if *entity <= block.last_e => found.push(place),
            Some(_) => {}
            None => break,
        }
    }
    found.retain(may_hold);
    found
}
