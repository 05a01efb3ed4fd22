//! A block: some thousand rows of one attribute as bytes.
//!
//! ```text
//! e, t added, m added   integers each
//! ends                  rows that are over 4, then their places, t retracted, m retracted as integers, if there is any
//! v                     kind 1, then by kind:
//!   ref long instant      integers
//!   boolean               integers, 0 and 1
//!   double                8 bytes each
//!   string keyword        number of texts 4, their lengths as integers, their bytes behind their length, codes as integers
//!   mixed                 each value in the store's encoding, all behind their length
//! ```

use std::ops::Range;
use std::sync::Arc;

use annals_query::Column;
use annals_query::column::TextKind;
use rustc_hash::FxHashMap;

use super::bytes::{Damaged, Input, Read, put_sized};
use super::integers;
use super::life::OPEN;
use super::table::{Table, TableBuilder};
use super::values::{Kind, References, ValueColumn};
use crate::store::{decode_value, encode_value};

/// Writes rows of a table as a block.
pub(super) fn encode(table: &Table, rows: Range<usize>, out: &mut Vec<u8>) {
    integers::encode(&table.e[rows.clone()], out);
    integers::encode(&table.t_added[rows.clone()], out);
    match &table.m_added {
        Some(m) => integers::encode(&m[rows.clone()], out),
        None => integers::encode(&[0], out),
    }
    encode_ends(table, rows.clone(), out);
    encode_values(&table.v, rows, out);
}

fn encode_ends(table: &Table, rows: Range<usize>, out: &mut Vec<u8>) {
    let over: Vec<usize> = rows.clone().filter(|row| table.t_retracted(*row) != OPEN).collect();
    out.extend_from_slice(&(over.len() as u32).to_le_bytes());
    let Some(ends) = table.ends.as_ref().filter(|_| !over.is_empty()) else { return };
    let places: Vec<i64> = over.iter().map(|row| (row - rows.start) as i64).collect();
    integers::encode(&places, out);
    integers::encode(&over.iter().map(|row| ends.t[*row]).collect::<Vec<_>>(), out);
    integers::encode(&over.iter().map(|row| ends.m[*row]).collect::<Vec<_>>(), out);
}

fn encode_values(values: &ValueColumn, rows: Range<usize>, out: &mut Vec<u8>) {
    let kind = values.kind(rows.clone());
    out.push(kind as u8);
    match (kind, values.shown()) {
        (Kind::Ref | Kind::Long | Kind::Instant, Column::Long(items) | Column::Instant(items)) => {
            integers::encode(&items[rows], out);
        }
        (Kind::Boolean, Column::Boolean(items)) => {
            integers::encode(&items[rows].iter().map(|flag| i64::from(*flag)).collect::<Vec<_>>(), out);
        }
        (Kind::Double, Column::Double(items)) => {
            items[rows].iter().for_each(|item| out.extend_from_slice(&item.to_bits().to_le_bytes()));
        }
        (Kind::String | Kind::Keyword, Column::Text(_, texts, codes)) => encode_texts(texts, &codes[rows], out),
        _ => {
            let mut bytes = Vec::new();
            for row in rows {
                encode_value(&values.stored(row), &mut bytes).expect("what the log holds can be encoded, as in its record");
            }
            put_sized(&bytes, out);
        }
    }
}

fn encode_texts(texts: &[Arc<str>], codes: &[u32], out: &mut Vec<u8>) {
    let mut own: FxHashMap<u32, i64> = FxHashMap::default();
    let (mut lengths, mut bytes, mut own_codes) = (Vec::new(), Vec::new(), Vec::with_capacity(codes.len()));
    for code in codes {
        let next = own.len() as i64;
        own_codes.push(*own.entry(*code).or_insert_with(|| {
            let text = texts[*code as usize].as_bytes();
            lengths.push(text.len() as i64);
            bytes.extend_from_slice(text);
            next
        }));
    }
    out.extend_from_slice(&(lengths.len() as u32).to_le_bytes());
    integers::encode(&lengths, out);
    put_sized(&bytes, out);
    integers::encode(&own_codes, out);
}

/// Reads a block of `count` rows and adds them.
pub(super) fn decode(bytes: &[u8], count: usize, all: &mut TableBuilder) -> Read<()> {
    let mut input = Input::new(bytes);
    let start = all.len();
    integers::decode(&mut input, count, &mut all.e)?;
    integers::decode(&mut input, count, &mut all.t_added)?;
    integers::decode(&mut input, count, &mut all.m_added)?;
    decode_ends(&mut input, start, all)?;
    decode_values(&mut input, count, None, all)?;
    input.end()
}

/// Reads the entities of a block of `count` rows; gives back what follows them.
pub(super) fn decode_entities<'a>(bytes: &'a [u8], count: usize, e: &mut Vec<i64>) -> Read<Input<'a>> {
    let mut input = Input::new(bytes);
    integers::decode(&mut input, count, e)?;
    Ok(input)
}

/// Reads some rows of a block, whose entities were read before, and adds them.
pub(super) fn decode_rows(mut input: Input<'_>, e: &[i64], rows: &[u32], all: &mut TableBuilder) -> Read<()> {
    let start = all.len();
    all.e.extend(rows.iter().map(|row| e[*row as usize]));
    integers::decode_some(&mut input, e.len(), rows, &mut all.t_added)?;
    integers::decode_some(&mut input, e.len(), rows, &mut all.m_added)?;
    let ends = decode_over(&mut input, e.len())?;
    let own = |place: i64| u32::try_from(place).ok().and_then(|place| rows.binary_search(&place).ok());
    let mut is_any_over = !all.t_retracted.is_empty();
    for (place, t, m) in ends {
        let Some(row) = own(place) else { continue };
        all.open_all();
        is_any_over = false;
        (all.t_retracted[start + row], all.m_retracted[start + row]) = (t, m);
    }
    if is_any_over {
        all.open_all();
    }
    decode_values(&mut input, e.len(), Some(rows), all)?;
    input.end()
}

/// Which values of a block are wanted.
pub(crate) trait Wanted {
    /// True if this text is.
    fn is_text(&self, kind: TextKind, text: &[u8]) -> bool;

    /// The rows of a column whose values are, ascending.
    fn rows(&self, values: &ValueColumn) -> Vec<u32>;
}

/// The rows of a block of `count` rows whose values are wanted. Of everything else no more is read than it takes to pass over it.
pub(super) fn rows_wanted(bytes: &[u8], count: usize, wanted: &dyn Wanted) -> Read<Vec<u32>> {
    let mut input = Input::new(bytes);
    for _ in ["e", "t added", "m added"] {
        integers::skip(&mut input, count)?;
    }
    let over = over(&mut input, count)?;
    for _ in ["places", "t retracted", "m retracted"].iter().filter(|_| over > 0) {
        integers::skip(&mut input, over)?;
    }
    let kind = match input.clone().u8().map(Kind::from_code)? {
        Some(Kind::String) => TextKind::String,
        Some(Kind::Keyword) => TextKind::Keyword,
        _ => {
            let mut values = TableBuilder::default();
            decode_values(&mut input, count, None, &mut values)?;
            input.end()?;
            return Ok(wanted.rows(&values.v.finish()));
        }
    };
    input.u8()?;
    let (bytes, bounds) = texts(&mut input)?;
    let is_wanted = |bounds: &Range<usize>| bytes.get(bounds.clone()).is_some_and(|text| wanted.is_text(kind, text));
    let codes: Vec<bool> = bounds.iter().map(is_wanted).collect();
    if !codes.contains(&true) {
        return Ok(Vec::new());
    }
    let found = decode_integers(&mut input, count, None)?;
    input.end()?;
    let is_code = |code: i64| usize::try_from(code).is_ok_and(|code| codes.get(code) == Some(&true));
    Ok((0..).zip(found).filter(|(_, code)| is_code(*code)).map(|(row, _)| row).collect())
}

/// How many rows of a block are over.
fn over(input: &mut Input<'_>, count: usize) -> Read<usize> {
    let over = input.u32()? as usize;
    if over <= count { Ok(over) } else { Err(Damaged) }
}

/// The rows of a block that are over: their places, and when and why they ended.
fn decode_over(input: &mut Input<'_>, count: usize) -> Read<Vec<(i64, i64, i64)>> {
    let over = over(input, count)?;
    let mut columns = [Vec::new(), Vec::new(), Vec::new()];
    if over > 0 {
        for column in &mut columns {
            integers::decode(input, over, column)?;
        }
    }
    let [places, t, m] = columns;
    Ok(places.into_iter().zip(t).zip(m).map(|((place, t), m)| (place, t, m)).collect())
}

fn decode_ends(input: &mut Input<'_>, start: usize, all: &mut TableBuilder) -> Read<()> {
    let ends = decode_over(input, all.e.len() - start)?;
    if !ends.is_empty() || !all.t_retracted.is_empty() {
        all.open_all();
    }
    for (place, t, m) in ends {
        let row = usize::try_from(place).ok().and_then(|place| place.checked_add(start)).ok_or(Damaged)?;
        *all.t_retracted.get_mut(row).ok_or(Damaged)? = t;
        *all.m_retracted.get_mut(row).ok_or(Damaged)? = m;
    }
    Ok(())
}

/// Adds the values of a block of `count` rows: all, or those of these rows.
fn decode_values(input: &mut Input<'_>, count: usize, rows: Option<&[u32]>, all: &mut TableBuilder) -> Read<()> {
    let kind = Kind::from_code(input.u8()?).ok_or(Damaged)?;
    let column = match kind {
        Kind::Ref | Kind::Long => Column::Long(decode_integers(input, count, rows)?.into()),
        Kind::Instant => Column::Instant(decode_integers(input, count, rows)?.into()),
        Kind::Boolean => Column::Boolean(decode_integers(input, count, rows)?.into_iter().map(|n| n != 0).collect()),
        Kind::Double => {
            let bytes = input.take(count.checked_mul(8).ok_or(Damaged)?)?;
            let item = |chunk: &[u8]| f64::from_le_bytes(chunk.try_into().expect("chunks of eight bytes"));
            Column::Double(match rows {
                Some(rows) => rows.iter().map(|row| item(&bytes[*row as usize * 8..][..8])).collect(),
                None => bytes.chunks_exact(8).map(item).collect(),
            })
        }
        Kind::String => decode_texts(input, TextKind::String, count, rows)?,
        Kind::Keyword => decode_texts(input, TextKind::Keyword, count, rows)?,
        Kind::Mixed => {
            let mut bytes = input.sized()?;
            let mut wanted = rows.map(|rows| rows.iter().peekable());
            for row in 0..count as u32 {
                let (value, length) = decode_value(bytes).map_err(|_| Damaged)?;
                bytes = &bytes[length..];
                if wanted.as_mut().is_none_or(|wanted| wanted.next_if_eq(&&row).is_some()) {
                    all.v.push(&value);
                }
            }
            return if bytes.is_empty() { Ok(()) } else { Err(Damaged) };
        }
    };
    let references = if kind == Kind::Ref { References::All } else { References::None };
    all.v.append(&ValueColumn { column, references });
    Ok(())
}

fn decode_integers(input: &mut Input<'_>, count: usize, rows: Option<&[u32]>) -> Read<Vec<i64>> {
    let mut items = Vec::with_capacity(rows.map_or(count, <[u32]>::len));
    match rows {
        Some(rows) => integers::decode_some(input, count, rows, &mut items)?,
        None => integers::decode(input, count, &mut items)?,
    }
    Ok(items)
}

/// The texts of a block: their bytes, and where in those each lies, which may be beyond their end if nobody wrote this.
fn texts<'a>(input: &mut Input<'a>) -> Read<(&'a [u8], Vec<Range<usize>>)> {
    let count = input.count()?;
    let lengths = decode_integers(input, count, None)?;
    let bytes = input.sized()?;
    let mut place = 0_usize;
    let mut bounds = Vec::with_capacity(count);
    for length in lengths {
        let end = usize::try_from(length).ok().and_then(|length| place.checked_add(length)).ok_or(Damaged)?;
        bounds.push(place..end);
        place = end;
    }
    Ok((bytes, bounds))
}

/// Only texts that the rows have are taken out of the bytes.
fn decode_texts(input: &mut Input<'_>, kind: TextKind, count: usize, rows: Option<&[u32]>) -> Read<Column> {
    let (bytes, bounds) = texts(input)?;
    let mut own = vec![u32::MAX; bounds.len()];
    let mut dictionary: Vec<Arc<str>> = Vec::new();
    let codes = decode_integers(input, count, rows)?.into_iter().map(|code| {
        let code = usize::try_from(code).ok().filter(|code| *code < bounds.len()).ok_or(Damaged)?;
        if own[code] == u32::MAX {
            let text = bytes.get(bounds[code].clone()).and_then(|text| std::str::from_utf8(text).ok()).ok_or(Damaged)?;
            own[code] = dictionary.len() as u32;
            dictionary.push(text.into());
        }
        Ok(own[code])
    });
    let codes = codes.collect::<Read<Vec<u32>>>()?;
    Ok(Column::Text(kind, Arc::new(dictionary), codes.into()))
}

#[cfg(test)]
mod tests {
    //! The promise: a block gives back the rows that were written, and whatever its bytes say, reading it ends without a panic. Attacked
    //! by random rows of every kind, and by changing and cutting the bytes where no checksum would tell. `SEED=` chooses them.

    use annals_query::Value;

    use super::*;
    use crate::columns::life::Life;

    struct Random(u64);

    impl Random {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % end
        }

        fn value(&mut self, kind: u64) -> Value {
            let n = self.below(1 << 31) as i64 >> self.below(31);
            match kind {
                0 => Value::Ref(n),
                1 => Value::Long(if self.below(9) == 0 { i64::MIN + n } else { n }),
                2 => Value::Instant(n << 20),
                3 => Value::Double(n as f64 / 8.0),
                4 => Value::Boolean(n % 2 == 0),
                5 => Value::from(format!("text é {n}")),
                6 => Value::keyword(&format!("k/{}", n % 4)),
                7 => Value::vector([Value::Long(n), Value::Nil, Value::from("x")]),
                _ => {
                    let kind = self.below(8);
                    self.value(kind)
                }
            }
        }

        fn table(&mut self, rows: u64, kind: u64) -> Table {
            let mut lives: Vec<Life> = (0..rows)
                .map(|_| {
                    let t_added = self.below(1000) as i64;
                    let is_over = self.below(4) == 0;
                    Life {
                        e: self.below(40) as i64,
                        v: self.value(kind),
                        t_added,
                        m_added: if kind.is_multiple_of(2) { 0 } else { self.below(3) as i64 },
                        t_retracted: if is_over { t_added + 1 } else { OPEN },
                        m_retracted: if is_over { self.below(3) as i64 } else { 0 },
                    }
                })
                .collect();
            lives.sort_by(|a, b| (a.e, &a.v, a.t_added).cmp(&(b.e, &b.v, b.t_added)));
            let mut table = TableBuilder::default();
            for life in &lives {
                table.life(life);
            }
            table.finish()
        }
    }

    fn seed() -> u64 {
        std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7)
    }

    /// What is shown as one value is.
    struct Shown(Value);

    impl Shown {
        fn is(&self, values: &ValueColumn, row: usize) -> bool {
            let wanted = if let Value::Ref(id) = self.0 { Value::Long(id) } else { self.0.clone() };
            values.shown().value(row) == wanted
        }
    }

    impl Wanted for Shown {
        fn is_text(&self, kind: TextKind, text: &[u8]) -> bool {
            match &self.0 {
                Value::String(wanted) => kind == TextKind::String && wanted.as_bytes() == text,
                Value::Keyword(wanted) => kind == TextKind::Keyword && wanted.as_bytes() == text,
                _ => false,
            }
        }

        fn rows(&self, values: &ValueColumn) -> Vec<u32> {
            (0..values.len() as u32).filter(|row| self.is(values, *row as usize)).collect()
        }
    }

    fn lives(table: &Table) -> Vec<Life> {
        (0..table.len()).map(|row| table.life(row)).collect()
    }

    #[test]
    fn blocks_give_back_the_rows_that_were_written() {
        for seed in seed()..seed() + 200 {
            let mut random = Random(seed);
            let kind = random.below(10);
            let count = 1 + random.below(60);
            let table = random.table(count, kind);
            let cut = random.below(count) as usize;
            let mut all = TableBuilder::default();
            for rows in [0..cut, cut..table.len()] {
                let mut bytes = Vec::new();
                encode(&table, rows.clone(), &mut bytes);
                if !rows.is_empty() {
                    decode(&bytes, rows.len(), &mut all).expect("what was written is read");
                }
            }
            assert_eq!(lives(&all.finish()), lives(&table), "SEED={seed}");
            let mut bytes = Vec::new();
            encode(&table, 0..table.len(), &mut bytes);
            let rows: Vec<u32> = (0..table.len() as u32).filter(|_| random.below(3) == 0).collect();
            let (mut e, mut some) = (Vec::new(), TableBuilder::default());
            let rest = decode_entities(&bytes, table.len(), &mut e).expect("what was written is read");
            decode_rows(rest, &e, &rows, &mut some).expect("what was written is read");
            assert_eq!(lives(&some.finish()), lives(&table.gather(&rows)), "SEED={seed}: some rows");
            let wanted = Shown(table.life(random.below(count) as usize).v);
            let rows = rows_wanted(&bytes, table.len(), &wanted).expect("what was written is read");
            let expected: Vec<u32> = (0..table.len() as u32).filter(|row| wanted.is(&table.v, *row as usize)).collect();
            assert_eq!(rows, expected, "SEED={seed}: the rows of a value");
        }
    }

    #[test]
    fn bytes_that_nobody_wrote_are_refused_or_read_and_end_nothing() {
        for seed in seed()..seed() + 60 {
            eprintln!("SEED={seed}");
            let mut random = Random(seed);
            let kind = random.below(10);
            let table = random.table(30, kind);
            let mut bytes = Vec::new();
            encode(&table, 0..table.len(), &mut bytes);
            for _ in 0..200 {
                let mut changed = bytes.clone();
                for _ in 0..=random.below(3) {
                    let place = random.below(changed.len() as u64) as usize;
                    changed[place] = random.below(256) as u8;
                }
                changed.truncate(changed.len() - random.below(3) as usize);
                let mut all = TableBuilder::default();
                if decode(&changed, table.len(), &mut all).is_ok() {
                    drop(lives(&all.finish()));
                }
                let (mut e, mut some) = (Vec::new(), TableBuilder::default());
                let read =
                    decode_entities(&changed, table.len(), &mut e).and_then(|rest| decode_rows(rest, &e, &[0, 7], &mut some));
                if read.is_ok() {
                    drop(lives(&some.finish()));
                }
                if let Ok(rows) = rows_wanted(&changed, table.len(), &Shown(table.life(3).v)) {
                    assert!(rows.iter().all(|row| (*row as usize) < table.len()) && rows.is_sorted());
                }
            }
        }
    }
}
