//! What is known of the values of an attribute without reading them: how many differ, and which come often.
//!
//! Values are known by their hashes, equal ones by equal hashes whatever their kind. So two segments' statistics can be added.

use std::ops::Range;

use annals_query::{Column, Value};
use rustc_hash::FxHashMap;

use super::bytes::{Input, Read};
use super::values::ValueColumn;
use crate::store::encode_value;

/// The least hashes that are kept: where there are more values, their number is known within a tenth or two.
const SKETCH: usize = 128;

/// Values that come often, of which the count is kept.
const FREQUENT: usize = 64;

/// Values counted while rows are written.
const COUNTED: usize = 1024;

/// Statistics of the values of one attribute.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Statistics {
    /// The least hashes, ascending.
    sketch: Vec<u64>,
    /// Hashes with the number of their rows, at least so many.
    counts: FxHashMap<u64, u64>,
    /// True if some values are not among the counts.
    is_partial: bool,
}

impl Statistics {
    /// Takes in rows of a column; says how many values they hold.
    pub(super) fn take_in(&mut self, values: &ValueColumn, rows: Range<usize>) -> usize {
        let mut counts: FxHashMap<u64, u64> = FxHashMap::default();
        match values.shown() {
            Column::Text(_, texts, codes) => {
                let mut by_code: FxHashMap<u32, u64> = FxHashMap::default();
                codes[rows].iter().for_each(|code| *by_code.entry(*code).or_default() += 1);
                counts.extend(by_code.into_iter().map(|(code, count)| (hash_of_bytes(texts[code as usize].as_bytes()), count)));
            }
            Column::Long(items) | Column::Instant(items) => {
                items[rows].iter().for_each(|item| *counts.entry(hash_of_integer(*item)).or_default() += 1);
            }
            column => rows.for_each(|row| *counts.entry(hash_of(&column.value(row))).or_default() += 1),
        }
        let distinct = counts.len();
        self.add(counts.keys().copied(), &counts, false);
        distinct
    }

    /// Takes in the statistics of other rows.
    pub(super) fn join(&mut self, other: &Self) {
        self.add(other.sketch.iter().copied(), &other.counts, other.is_partial);
    }

    fn add(&mut self, hashes: impl Iterator<Item = u64>, counts: &FxHashMap<u64, u64>, is_partial: bool) {
        let greatest = if self.sketch.len() < SKETCH { u64::MAX } else { self.sketch.last().copied().unwrap_or(u64::MAX) };
        self.sketch.extend(hashes.filter(|hash| *hash < greatest));
        self.sketch.sort_unstable();
        self.sketch.dedup();
        self.sketch.truncate(SKETCH);
        for (hash, count) in counts {
            *self.counts.entry(*hash).or_default() += count;
        }
        self.is_partial |= is_partial;
        if self.counts.len() > COUNTED {
            self.prune(COUNTED / 2);
        }
    }

    fn prune(&mut self, kept: usize) {
        if self.counts.len() <= kept {
            return;
        }
        let mut all: Vec<(u64, u64)> = self.counts.drain().collect();
        all.sort_unstable_by_key(|(hash, count)| (std::cmp::Reverse(*count), *hash));
        all.truncate(kept);
        self.counts.extend(all);
        self.is_partial = true;
    }

    /// How many values there are, about.
    pub(crate) fn distinct(&self) -> f64 {
        if !self.is_partial {
            return self.counts.len() as f64;
        }
        match self.sketch.last() {
            Some(last) if self.sketch.len() == SKETCH => (SKETCH - 1) as f64 / (*last as f64 / u64::MAX as f64),
            _ => self.sketch.len().max(self.counts.len()) as f64,
        }
    }

    /// How many rows hold a value, if that is known: exactly where every value is counted, otherwise at least about so many.
    pub(crate) fn count(&self, value: &Value) -> Option<f64> {
        let count = self.counts.get(&hash_of(&value.canonical())).map(|count| *count as f64);
        if self.is_partial { count } else { Some(count.unwrap_or(0.0)) }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let mut kept = self.clone();
        kept.prune(FREQUENT);
        out.push(u8::from(kept.is_partial));
        out.extend_from_slice(&(kept.sketch.len() as u32).to_le_bytes());
        kept.sketch.iter().for_each(|hash| out.extend_from_slice(&hash.to_le_bytes()));
        let mut counts: Vec<_> = kept.counts.into_iter().collect();
        counts.sort_unstable();
        out.extend_from_slice(&(counts.len() as u32).to_le_bytes());
        for (hash, count) in counts {
            out.extend_from_slice(&hash.to_le_bytes());
            out.extend_from_slice(&count.to_le_bytes());
        }
    }

    pub(super) fn read(input: &mut Input<'_>) -> Read<Self> {
        let is_partial = input.u8()? != 0;
        let hashes = input.count()?;
        let sketch = (0..hashes).map(|_| input.u64()).collect::<Read<_>>()?;
        let pairs = input.count()?;
        let counts = (0..pairs).map(|_| Ok((input.u64()?, input.u64()?))).collect::<Read<_>>()?;
        Ok(Self { sketch, counts, is_partial })
    }
}

/// The hash of a canonical value. It only sorts values into statistics, so that two kinds may share one.
fn hash_of(value: &Value) -> u64 {
    match value {
        Value::Ref(n) | Value::Long(n) | Value::Instant(n) => hash_of_integer(*n),
        Value::String(text) | Value::Keyword(text) => hash_of_bytes(text.as_bytes()),
        Value::Boolean(flag) => hash_of_integer(i64::from(*flag)),
        other => match other.canonical() {
            Value::Long(n) => hash_of_integer(n),
            canonical => {
                let mut bytes = Vec::new();
                // What cannot be a fact has no rows, so any hash will do.
                let _ = encode_value(&canonical, &mut bytes);
                hash_of_bytes(&bytes)
            }
        },
    }
}

fn hash_of_integer(n: i64) -> u64 {
    mix(n as u64)
}

fn hash_of_bytes(bytes: &[u8]) -> u64 {
    let mut hash = bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = mix(hash ^ u64::from_le_bytes(word));
    }
    hash
}

/// Spreads the bits of a number (as a well-known generator of numbers that look random does).
fn mix(mut n: u64) -> u64 {
    n = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    n = (n ^ n >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    n = (n ^ n >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ n >> 31
}
