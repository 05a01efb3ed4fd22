//! Values as bytes whose order is the values' order: comparing two encodings byte by byte is comparing the values, and
//! only identical values have the same bytes. The record of a transaction is made of these.
//!
//! Each encoding starts with a rank byte and says itself where it ends, so encodings can follow one another.

mod number;

use annals_query::{Uuid, Value, ValueType};

use crate::error::{Error, ErrorKind, Result};
use crate::limits::{LIMIT_TUPLE_LENGTH, LIMIT_VALUE_BYTES};

/// How deep tuples may lie in tuples.
const LIMIT_TUPLE_DEPTH: usize = 8;

/// Below every rank, so that a tuple sorts before a longer one that starts with it.
const END_OF_TUPLE: u8 = 0;
/// Nil, inside a tuple. The rank of a type is its code and one.
const NIL: u8 = 1;

const fn rank(kind: ValueType) -> u8 {
    kind as u8 + 1
}

const REF: u8 = rank(ValueType::Ref);
const BOOLEAN: u8 = rank(ValueType::Boolean);
/// All numbers share one rank, since they are ordered among themselves.
const NUMBER: u8 = rank(ValueType::Long);
const INSTANT: u8 = rank(ValueType::Instant);
const UUID: u8 = rank(ValueType::Uuid);
const KEYWORD: u8 = rank(ValueType::Keyword);
const SYMBOL: u8 = rank(ValueType::Symbol);
const STRING: u8 = rank(ValueType::String);
const URI: u8 = rank(ValueType::Uri);
const BYTES: u8 = rank(ValueType::Bytes);
const TUPLE: u8 = rank(ValueType::Tuple);

/// Appends the encoding of a value that can be a fact; refuses any other.
pub(crate) fn encode(value: &Value, out: &mut Vec<u8>) -> Result<()> {
    encode_at(value, 0, out)
}

/// Reads one value from the start of `bytes`, and says how many bytes it took. Only what [`encode`] writes is accepted.
pub(crate) fn decode(bytes: &[u8]) -> Result<(Value, usize)> {
    let mut input = Input { bytes, at: 0 };
    let value = decode_at(&mut input, 0)?;
    Ok((value, input.at))
}

fn encode_at(value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Value::Ref(n) => encode_integer(REF, *n, out),
        Value::Instant(n) => encode_integer(INSTANT, *n, out),
        Value::Boolean(flag) => out.extend([BOOLEAN, u8::from(*flag)]),
        Value::Uuid(id) => {
            out.push(UUID);
            out.extend_from_slice(id.as_bytes());
        }
        Value::Keyword(text) => encode_bytes(KEYWORD, text.as_bytes(), out)?,
        Value::Symbol(text) => encode_bytes(SYMBOL, text.as_bytes(), out)?,
        Value::String(text) => encode_bytes(STRING, text.as_bytes(), out)?,
        Value::Uri(text) => encode_bytes(URI, text.as_bytes(), out)?,
        Value::Bytes(bytes) => encode_bytes(BYTES, bytes, out)?,
        Value::Vector(items) => encode_tuple(items, depth, out)?,
        Value::Nil if depth > 0 => out.push(NIL),
        number if number.is_number() => {
            out.push(NUMBER);
            number::encode(number, out)?;
        }
        other => {
            return Err(Error::new(ErrorKind::NotAValue, format!("a {} cannot be a fact", other.kind_name()))
                .with_value(other)
                .with_help("say it as a string of EDN, or as facts of its own"));
        }
    }
    Ok(())
}

fn encode_integer(rank: u8, n: i64, out: &mut Vec<u8>) {
    out.push(rank);
    out.extend_from_slice(&(n as u64 ^ 1 << 63).to_be_bytes());
}

/// A zero byte becomes 00 FF, and 00 00 ends the text: so a text sorts before every longer one that starts with it.
fn encode_bytes(rank: u8, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    if bytes.len() > LIMIT_VALUE_BYTES {
        return Err(Error::new(
            ErrorKind::TransactionLimit,
            format!("a value of {} bytes is larger than the limit of {LIMIT_VALUE_BYTES}", bytes.len()),
        )
        .with_value(bytes.len())
        .with_help("split it into several values, or keep it in a file and store its path and hash"));
    }
    out.push(rank);
    let mut rest = bytes;
    while let Some(zero) = memchr::memchr(0, rest) {
        out.extend_from_slice(&rest[..zero]);
        out.extend([0x00, 0xff]);
        rest = &rest[zero + 1..];
    }
    out.extend_from_slice(rest);
    out.extend([0x00, 0x00]);
    Ok(())
}

fn encode_tuple(items: &[Value], depth: usize, out: &mut Vec<u8>) -> Result<()> {
    if items.len() > LIMIT_TUPLE_LENGTH || depth >= LIMIT_TUPLE_DEPTH {
        let message = if depth >= LIMIT_TUPLE_DEPTH {
            format!("tuples nest deeper than the limit of {LIMIT_TUPLE_DEPTH}")
        } else {
            format!("a tuple of {} values is longer than the limit of {LIMIT_TUPLE_LENGTH}", items.len())
        };
        return Err(Error::new(ErrorKind::TransactionLimit, message)
            .with_value(items.len())
            .with_help("make it an entity of its own with an attribute for each part"));
    }
    out.push(TUPLE);
    for item in items {
        encode_at(item, depth + 1, out)?;
    }
    out.push(END_OF_TUPLE);
    Ok(())
}

fn decode_at(input: &mut Input<'_>, depth: usize) -> Result<Value> {
    Ok(match input.byte()? {
        NIL if depth > 0 => Value::Nil,
        REF => Value::Ref(input.integer()?),
        INSTANT => Value::Instant(input.integer()?),
        BOOLEAN => match input.byte()? {
            flag @ (0 | 1) => Value::Boolean(flag == 1),
            other => return Err(malformed(format!("{other} is neither true nor false"))),
        },
        UUID => Value::Uuid(Uuid::from_bytes(input.array()?)),
        KEYWORD => Value::Keyword(input.text()?.into()),
        SYMBOL => Value::Symbol(input.text()?.into()),
        STRING => Value::String(input.text()?.into()),
        URI => Value::Uri(input.text()?.into()),
        BYTES => Value::Bytes(input.escaped()?.into()),
        NUMBER => number::decode(input)?,
        TUPLE => decode_tuple(input, depth)?,
        other => return Err(malformed(format!("no value starts with the byte {other}"))),
    })
}

fn decode_tuple(input: &mut Input<'_>, depth: usize) -> Result<Value> {
    let mut items = Vec::new();
    while input.peek()? != END_OF_TUPLE {
        if items.len() == LIMIT_TUPLE_LENGTH || depth >= LIMIT_TUPLE_DEPTH {
            return Err(malformed("a tuple is longer or nests deeper than the limits allow"));
        }
        items.push(decode_at(input, depth + 1)?);
    }
    input.byte()?;
    Ok(Value::from(items))
}

/// Bytes with a place up to which they were read.
pub(super) struct Input<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Input<'a> {
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..length).ok_or_else(|| malformed("the bytes end too early"))?;
        self.at += length;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N).map(|bytes| bytes.try_into().expect("take gave exactly N bytes"))
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn peek(&self) -> Result<u8> {
        self.bytes.get(self.at).copied().ok_or_else(|| malformed("the bytes end too early"))
    }

    fn integer(&mut self) -> Result<i64> {
        self.array().map(|bytes| (u64::from_be_bytes(bytes) ^ 1 << 63) as i64)
    }

    fn text(&mut self) -> Result<String> {
        String::from_utf8(self.escaped()?).map_err(|_| malformed("a text is not UTF-8"))
    }

    fn escaped(&mut self) -> Result<Vec<u8>> {
        let mut result = Vec::new();
        loop {
            let rest = &self.bytes[self.at.min(self.bytes.len())..];
            let zero = memchr::memchr(0, rest).ok_or_else(|| malformed("a text does not end"))?;
            result.extend_from_slice(self.take(zero + 1)?.split_last().expect("it ends in the zero byte found").1);
            match self.byte()? {
                0x00 => return Ok(result),
                0xff => result.push(0),
                other => return Err(malformed(format!("a zero byte is followed by {other}"))),
            }
        }
    }
}

/// What the bytes of a value or record say cannot be.
pub(super) fn malformed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Damaged, message).with_help("take the record from another copy")
}

#[cfg(test)]
mod tests;
