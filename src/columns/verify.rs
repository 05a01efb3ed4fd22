//! Compares the files with the log, event by event, and names what differs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bytes::Read;
use super::folder::{self, Folder};
use super::segment::{self, Segment};
use super::table::{BEFORE, Table, TableBuilder};
use super::zone::Zone;
use crate::datom::Datom;
use crate::error::Result;
use crate::store::{Problem, Store, encode_value};

/// Sums of the hashes of events, attribute by attribute: two sets of events have one sum only if they are the same.
type Sums = BTreeMap<i64, u128>;

/// The first thing wrong with the columns on disk; nothing if there are none. Files that belong to another version of the format are passed
/// over, as every reader does.
pub fn verify(store: &Store) -> Result<Option<Problem>> {
    let path = folder::path_beside(store.path());
    let problem = |name: &str, what: &str| {
        let what = format!("columns on disk: {name} in {} {what}", path.display());
        Problem { code: "verify/columns", t: None, what, remedy: "delete the folder: it is a copy, and made anew from the log" }
    };
    let Ok(folder) = Folder::open(&path) else { return Ok(None) };
    let Ok(mut names) = folder.segments() else { return Ok(None) };
    names.sort();
    let mut segments = Vec::new();
    for (after_t, until_t, name) in names {
        let Ok(file) = folder.read(&name) else { return Ok(Some(problem(&name, "cannot be read"))) };
        let Ok(segment) = Segment::open(file, name.clone()) else { return Ok(Some(problem(&name, "is damaged"))) };
        let has_extent = (segment.extent().after_t, segment.extent().until_t) == (after_t, until_t);
        if !has_extent || !super::is_of(store, segment.extent())? {
            return Ok(Some(problem(&name, "tells of another history")));
        }
        segments.push(Arc::new(segment));
    }
    let sums = sums_of_log(store, &segments)?;
    for (segment, expected) in segments.iter().zip(sums) {
        match sums_of(segment) {
            Err(_) => return Ok(Some(problem(segment.name(), "is damaged"))),
            Ok(found) if found != expected => {
                let all = found.keys().chain(expected.keys());
                let attribute =
                    all.copied().find(|attribute| found.get(attribute) != expected.get(attribute)).unwrap_or_default();
                let what = format!("says of attribute {attribute} what the log does not say");
                return Ok(Some(problem(segment.name(), &what)));
            }
            Ok(_) => {}
        }
    }
    Ok(None)
}

fn sums_of_log(store: &Store, segments: &[Arc<Segment>]) -> Result<Vec<Sums>> {
    let mut sums = vec![Sums::new(); segments.len()];
    let until = segments.iter().map(|segment| segment.extent().until_t).max().unwrap_or(0);
    store.log(0, until, None, |datom| {
        let hash = hash_of(&datom);
        for (segment, sums) in segments.iter().zip(&mut sums) {
            if segment.extent().after_t < datom.t && datom.t <= segment.extent().until_t {
                let sum = sums.entry(datom.a).or_default();
                *sum = sum.wrapping_add(hash);
            }
        }
        Ok(())
    })?;
    Ok(sums)
}

/// What a segment says. Rows out of order, and zones that do not fit, are damage too.
fn sums_of(segment: &Segment) -> Read<Sums> {
    let mut sums = Sums::new();
    for attribute in segment.attributes() {
        let mut last: Option<Table> = None;
        let mut sum = 0_u128;
        for block in segment.directory(attribute)?.iter() {
            let mut rows = TableBuilder::default();
            segment::decode(block, &segment.bytes(block)?, &mut rows)?;
            let table = rows.finish();
            if Zone::of(&table.v, 0..table.len()) != block.zone || !is_in_order(last.as_ref(), &table) {
                return Err(super::bytes::Damaged);
            }
            for row in 0..table.len() {
                let life = table.life(row);
                let addition = (life.t_added != BEFORE).then(|| life.addition(attribute));
                let events = addition.into_iter().chain(life.retraction(attribute));
                events.for_each(|event| sum = sum.wrapping_add(hash_of(&event)));
            }
            last = Some(table);
        }
        sums.insert(attribute, sum);
    }
    Ok(sums)
}

fn is_in_order(last: Option<&Table>, table: &Table) -> bool {
    let key = |table: &Table, row: usize| (table.e[row], table.v.stored(row), table.t_added[row]);
    let follows = last.is_none_or(|last| table.len() == 0 || key(last, last.len() - 1) < key(table, 0));
    follows && (1..table.len()).all(|row| table.e[row - 1] < table.e[row] || key(table, row - 1) < key(table, row))
}

fn hash_of(event: &Datom) -> u128 {
    let mut bytes = Vec::with_capacity(64);
    for n in [event.e, event.a, event.t, event.m, i64::from(event.added)] {
        bytes.extend_from_slice(&n.to_le_bytes());
    }
    encode_value(&event.v, &mut bytes).expect("what the log holds can be encoded, as in its record");
    u128::from_le_bytes(super::bytes::checksum(&bytes))
}
