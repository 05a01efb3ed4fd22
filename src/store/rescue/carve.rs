//! Rows of the log found page by page, without the tree that leads to them: a row is known by its shape, and proven later by the chain.
//!
//! A leaf of a table: `0d`, first free block 2, cells 2, content 2, fragments 1, then 2 bytes for each cell that lead to it. A cell: the
//! bytes of the row, its id, the row, and the page on which it goes on if it is long.

use std::collections::BTreeMap;

use rusqlite::types::ValueRef;

use super::image::{Image, Place};
use crate::datom::{Datom, Partition};
use crate::limits::LIMIT_VALUE_BYTES;
use crate::store::row::read_value;

/// Kinds of pages that hold no rows of tables: of indexes.
const INDEX_PAGES: [u8; 2] = [0x02, 0x0a];
const LEAF: u8 = 0x0d;
/// Pages looked at to tell which size pages have.
const SAMPLE: usize = 400;

/// A row of the list of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) instant: i64,
    pub(super) datoms: i64,
    pub(super) last: i64,
    pub(super) hash: [u8; 32],
}

/// What a cell turned out to be.
enum Row {
    Datom(Datom),
    Listed(Listed),
}

/// Datoms whose ids follow each other in one page.
#[derive(Clone, Copy, Debug)]
struct Run {
    count: i64,
    place: Place,
}

/// A page that was read: where, whether long values go on in the newest pages, and its datoms.
type Held = (Place, bool, Vec<(i64, Datom)>);

/// Everything found.
#[derive(Debug)]
pub(super) struct Carved {
    pub(super) image: Image,
    /// Runs of datoms by the id of the first.
    runs: BTreeMap<i64, Vec<Run>>,
    longest: i64,
    pub(super) listed: BTreeMap<i64, Vec<Listed>>,
    /// The greatest ids in the partitions of the schema and of what is unplaced.
    pub(super) last_of_schema: i64,
    pub(super) last_of_user: i64,
    /// The pages read last.
    held: Vec<Held>,
}

impl Carved {
    /// Looks through every page.
    pub(super) fn of(mut image: Image) -> Self {
        let sizes = image.likely_page_bytes();
        let mut best = (0, sizes[0]);
        for size in sizes {
            image.set_page_bytes(size);
            let rows = |place: Place| rows_of(&image.read(place), &image, false).len();
            let found: usize = image.places().take(SAMPLE).map(rows).sum();
            // A page of another size holds a row or two by chance.
            if found > best.0 {
                best = (found, size);
            }
        }
        image.set_page_bytes(best.1);
        let (last_of_schema, last_of_user) = (Partition::SCHEMA.entity(0), Partition::DEFAULT.entity(0));
        let mut carved = Self {
            image,
            runs: BTreeMap::new(),
            longest: 1,
            listed: BTreeMap::new(),
            last_of_schema,
            last_of_user,
            held: Vec::new(),
        };
        // A number that a damaged byte made must not be counted to.
        let limit = (carved.image.length() / 16) as i64 + 1;
        let places: Vec<Place> = carved.image.places().collect();
        for place in places {
            carved.take_page(place, limit);
        }
        carved
    }

    fn take_page(&mut self, place: Place, limit: i64) {
        let bytes = self.image.read(place);
        let mut ids = Vec::new();
        for (id, row) in rows_of(&bytes, &self.image, matches!(place, Place::Cut(_))) {
            match row {
                Row::Datom(datom) => {
                    self.note_ids(&datom);
                    ids.push(id);
                }
                Row::Listed(listed) if (1..=limit).contains(&id) => {
                    let known = self.listed.entry(id).or_default();
                    if !known.contains(&listed) {
                        known.push(listed);
                    }
                }
                Row::Listed(_) => {}
            }
        }
        ids.sort_unstable();
        ids.dedup();
        for run in ids.chunk_by(|left, right| left + 1 == *right) {
            let count = run.len() as i64;
            self.longest = self.longest.max(count);
            self.runs.entry(run[0]).or_default().push(Run { count, place });
        }
    }

    fn note_ids(&mut self, datom: &Datom) {
        let value = if let annals_query::Value::Ref(entity) = datom.v { entity } else { 0 };
        for id in [datom.e, datom.a, datom.m, value] {
            // The upper half of a partition is never reached: an id there was made by damage.
            if id & 0xffff_ffff < 1 << 31 {
                let last = match Partition::of(id) {
                    Partition::SCHEMA => &mut self.last_of_schema,
                    Partition::DEFAULT => &mut self.last_of_user,
                    _ => continue,
                };
                *last = (*last).max(id);
            }
        }
    }

    /// The datom with this id: the n-th opinion of what it is. Where a damaged id made two of it, the one of this transaction.
    pub(super) fn datom(&mut self, t: i64, id: i64, opinion: usize) -> Option<Datom> {
        let mut places: Vec<Place> = Vec::new();
        for (first, runs) in self.runs.range(id - self.longest..=id) {
            places.extend(runs.iter().filter(|run| first + run.count > id).map(|run| run.place));
        }
        places.sort_unstable();
        // Of a long value the pages that it goes on may be older or newer.
        let place = *places.get((opinion / 2).min(places.len().checked_sub(1)?))?;
        let is_newest = matches!(place, Place::Cut(_)) != (opinion % 2 == 1);
        let mut of_id = self.rows(place, is_newest).iter().filter(|(found, _)| *found == id).map(|(_, datom)| datom);
        let first = of_id.next()?;
        if first.t == t { Some(first.clone()) } else { Some(of_id.find(|datom| datom.t == t).unwrap_or(first).clone()) }
    }

    fn rows(&mut self, place: Place, is_newest: bool) -> &[(i64, Datom)] {
        let known = self.held.iter().position(|(held, newest, _)| (*held, *newest) == (place, is_newest));
        let at = known.unwrap_or_else(|| {
            let found = rows_of(&self.image.read(place), &self.image, is_newest);
            let datoms = found.into_iter().filter_map(|(id, row)| match row {
                Row::Datom(datom) => Some((id, datom)),
                Row::Listed(_) => None,
            });
            if self.held.len() >= 8 {
                self.held.remove(0);
            }
            self.held.push((place, is_newest, datoms.collect()));
            self.held.len() - 1
        });
        &self.held[at].2
    }
}

/// The rows of the log in a page: those that its pointers lead to, and where one leads nowhere, those found byte by byte.
fn rows_of(page: &[u8], image: &Image, is_newest: bool) -> Vec<(i64, Row)> {
    let header = if page.starts_with(b"SQLite format 3\0") { 100 } else { 0 };
    let kind = page[header];
    if INDEX_PAGES.contains(&kind) {
        return Vec::new();
    }
    let word = |at: usize| page.get(at..at + 2).map_or(0, |bytes| usize::from(u16::from_be_bytes([bytes[0], bytes[1]])));
    let cells = if kind == LEAF { word(header + 3) } else { 0 };
    let mut found: Vec<(i64, Row)> = Vec::new();
    let mut is_torn = kind != LEAF && page.iter().any(|byte| *byte != 0);
    for cell in 0..cells.min(page.len() / 4) {
        match row_at(page, word(header + 8 + 2 * cell), image, is_newest) {
            Some(row) => found.push(row),
            None => is_torn = true,
        }
    }
    if is_torn {
        for at in header + 8..page.len().saturating_sub(8) {
            if let Some((id, row)) = row_at(page, at, image, is_newest)
                && !found.iter().any(|(known, _)| *known == id)
            {
                found.push((id, row));
            }
        }
    }
    found
}

/// The row of a cell, if it has the shape of one of the log.
fn row_at(page: &[u8], at: usize, image: &Image, is_newest: bool) -> Option<(i64, Row)> {
    let mut input = page.get(at..)?;
    let length = usize::try_from(varint(&mut input)?).ok()?;
    let id = varint(&mut input)?;
    // The id of the row, which comes first, is not written again: its place says NULL.
    let header_length = usize::from(*input.first()?);
    if id < 1 || length > LIMIT_VALUE_BYTES * 2 || !(6..=16).contains(&header_length) || *input.get(1)? != 0 {
        return None;
    }
    let mut kinds = input.get(1..header_length)?;
    let mut columns = Vec::with_capacity(8);
    while !kinds.is_empty() {
        columns.push(varint(&mut kinds)?);
    }
    let total = columns.iter().try_fold(header_length, |total, kind| total.checked_add(size_of(*kind)?))?;
    let is_integer = |kind: &i64| matches!(kind, 1..=6 | 8 | 9);
    let is_datom = columns.len() == 8 && columns.iter().enumerate().all(|(at, kind)| at == 0 || at == 3 || is_integer(kind));
    let is_listed = columns.len() == 5 && columns[1..4].iter().all(is_integer) && columns[4] == 12 + 2 * 32;
    if total != length || length as u64 > image.length() || !is_datom && !is_listed {
        return None;
    }
    let payload = payload(input, length, image, is_newest)?;
    let row = if is_datom {
        Row::Datom(datom(&columns, &payload[header_length..])?)
    } else {
        listed(&columns, &payload[header_length..])?
    };
    Some((id, row))
}

/// The bytes of a row: what lies in its page, and on the pages that it goes on.
fn payload(local: &[u8], length: usize, image: &Image, is_newest: bool) -> Option<Vec<u8>> {
    let usable = image.page_bytes();
    let least = (usable - 12) * 32 / 255 - 23;
    let here = match least + (length.saturating_sub(least)) % (usable - 4) {
        _ if length <= usable - 35 => length,
        fitting if fitting <= usable - 35 => fitting,
        _ => least,
    };
    let mut bytes = local.get(..here)?.to_vec();
    let mut next = if here < length { u32::from_be_bytes(local.get(here..here + 4)?.try_into().ok()?) } else { 0 };
    while bytes.len() < length {
        let page = image.page(next, is_newest)?;
        next = u32::from_be_bytes(page[..4].try_into().ok()?);
        let wanted = (length - bytes.len()).min(usable - 4);
        bytes.extend_from_slice(&page[4..4 + wanted]);
    }
    Some(bytes)
}

fn datom(columns: &[i64], mut body: &[u8]) -> Option<Datom> {
    let mut cells = Vec::with_capacity(8);
    for kind in columns {
        let (cell, rest) = body.split_at_checked(size_of(*kind)?)?;
        cells.push((*kind, cell));
        body = rest;
    }
    let number = |at: usize| integer(cells[at].0, cells[at].1);
    let v = read_value(number(4)?, cell(cells[3].0, cells[3].1)?).ok()?;
    let added = match number(7)? {
        flag @ (0 | 1) => flag == 1,
        _ => return None,
    };
    Some(Datom { e: number(1)?, a: number(2)?, v, t: number(5)?, m: number(6)?, added })
}

fn listed(columns: &[i64], mut body: &[u8]) -> Option<Row> {
    let mut numbers = [0; 3];
    for (number, kind) in numbers.iter_mut().zip(&columns[1..4]) {
        let (cell, rest) = body.split_at_checked(size_of(*kind)?)?;
        *number = integer(*kind, cell)?;
        body = rest;
    }
    let [instant, datoms, last] = numbers;
    Some(Row::Listed(Listed { instant, datoms, last, hash: body.try_into().ok()? }))
}

fn cell(kind: i64, bytes: &[u8]) -> Option<ValueRef<'_>> {
    Some(match kind {
        0 => ValueRef::Null,
        7 => ValueRef::Real(f64::from_be_bytes(bytes.try_into().ok()?)),
        kind if kind >= 12 && kind % 2 == 0 => ValueRef::Blob(bytes),
        kind if kind >= 13 => ValueRef::Text(bytes),
        kind => ValueRef::Integer(integer(kind, bytes)?),
    })
}

fn integer(kind: i64, bytes: &[u8]) -> Option<i64> {
    match kind {
        8 => Some(0),
        9 => Some(1),
        1..=6 => {
            let sign = if bytes.first()? & 0x80 == 0 { 0 } else { -1 };
            Some(bytes.iter().fold(sign, |number: i64, byte| number << 8 | i64::from(*byte)))
        }
        _ => None,
    }
}

/// The bytes that a column of this kind takes.
fn size_of(kind: i64) -> Option<usize> {
    match kind {
        0 | 8 | 9 => Some(0),
        1..=4 => usize::try_from(kind).ok(),
        5 => Some(6),
        6 | 7 => Some(8),
        12.. => usize::try_from((kind - 12) / 2).ok(),
        _ => None,
    }
}

/// A number of 1 to 9 bytes, 7 bits in each of the first eight.
fn varint(input: &mut &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for at in 0..9 {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        if at == 8 {
            return Some((number << 8 | u64::from(*byte)) as i64);
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(number as i64);
        }
    }
    None
}
