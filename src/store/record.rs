//! A transaction as bytes: what the hash chain runs over, and what export, replication and backup move.

use super::encode::{self, Input, malformed};
use crate::datom::Datom;
use crate::error::Result;
use crate::limits::LIMIT_TRANSACTION_DATOMS;

/// The version of the record's form.
const VERSION: u8 = 1;
/// Version, t, instant and count.
const HEAD_BYTES: usize = 1 + 8 + 8 + 4;
/// The bytes of a datom beside those of its value.
const DATOM_BYTES: usize = 8 + 8 + 8 + 1;

/// A transaction as its record says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Transaction number.
    pub t: i64,
    /// When it was committed, in microseconds.
    pub instant: i64,
    /// Its datoms in log order, each with this `t`.
    pub datoms: Vec<Datom>,
}

impl Record {
    /// The canonical bytes.
    ///
    /// ```
    /// use annals::store::Record;
    /// use annals::{Datom, Value};
    /// let datom = Datom { e: 5, a: 6, v: Value::from("x"), t: 2, added: true, m: 0 };
    /// let record = Record { t: 2, instant: 1_000, datoms: vec![datom] };
    /// assert_eq!(Record::decode(&record.encode()?)?, record);
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        encode_record(self.t, self.instant, &self.datoms, &mut out)?;
        Ok(out)
    }

    /// Reads a record; anything but exactly one canonical record is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut input = Input { bytes, at: 0 };
        let version = input.byte()?;
        if version != VERSION {
            return Err(malformed(format!("a record of version {version} is not known")).with_value(version));
        }
        let t = i64::from_be_bytes(input.array()?);
        let instant = i64::from_be_bytes(input.array()?);
        let count = u32::from_be_bytes(input.array()?) as usize;
        // A count that the bytes cannot hold must not reserve memory.
        if count > LIMIT_TRANSACTION_DATOMS || count > bytes.len() / DATOM_BYTES {
            return Err(malformed(format!("a record cannot hold {count} datoms")).with_value(count));
        }
        let mut datoms = Vec::with_capacity(count);
        for _ in 0..count {
            datoms.push(decode_datom(&mut input, t)?);
        }
        if input.at != bytes.len() {
            return Err(malformed(format!("{} bytes follow the record", bytes.len() - input.at)));
        }
        Ok(Self { t, instant, datoms })
    }
}

fn decode_datom(input: &mut Input<'_>, t: i64) -> Result<Datom> {
    let [e, a] = [i64::from_be_bytes(input.array()?), i64::from_be_bytes(input.array()?)];
    let (value, length) = encode::decode(&input.bytes[input.at..])?;
    input.at += length;
    let m = i64::from_be_bytes(input.array()?);
    let added = match input.byte()? {
        flag @ (0 | 1) => flag == 1,
        other => return Err(malformed(format!("{other} is neither added nor retracted"))),
    };
    Ok(Datom { e, a, v: value, t, added, m })
}

/// Appends the record of a transaction.
pub(super) fn encode_record(t: i64, instant: i64, datoms: &[Datom], out: &mut Vec<u8>) -> Result<()> {
    begin(t, instant, datoms.len(), out);
    datoms.iter().try_for_each(|datom| add(datom, out))
}

/// Appends what stands before the datoms.
pub(super) fn begin(t: i64, instant: i64, count: usize, out: &mut Vec<u8>) {
    out.reserve(HEAD_BYTES + count * (DATOM_BYTES + 32));
    out.push(VERSION);
    out.extend_from_slice(&t.to_be_bytes());
    out.extend_from_slice(&instant.to_be_bytes());
    out.extend_from_slice(&u32::try_from(count).expect("a transaction has a million datoms at most").to_be_bytes());
}

/// Appends one datom.
pub(super) fn add(datom: &Datom, out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(&datom.e.to_be_bytes());
    out.extend_from_slice(&datom.a.to_be_bytes());
    encode::encode(&super::row::stored(&datom.v), out)?;
    out.extend_from_slice(&datom.m.to_be_bytes());
    out.push(u8::from(datom.added));
    Ok(())
}

/// The hash that chains a record to the one before; 32 zero bytes stand before the first.
pub(super) fn chain(before: &[u8; 32], record: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before);
    hasher.update(record);
    *hasher.finalize().as_bytes()
}
