//! Numbers: long, bigint, double and bigdec in one order.
//!
//! The nearest double comes first (8 bytes, in the order of doubles), then what is missing to the exact number, then the kind,
//! which tells equal numbers apart:
//!
//! ```text
//! nearest double     8 bytes: bits with the sign flipped, or all bits flipped if negative; beyond all doubles, infinity
//! remainder          80 for none; else 40 (the number is below the double) or C0 (above), then its decimal digits:
//!   exponent         2 bytes: E + 32768, for the number 0.DIGITS * 10^E
//!   digits           a byte for two digits, plus one; then 00. All of exponent, digits and 00 complemented if negative
//! kind               1 long, 2 bigint, 3 the double -0.0, 4 double, 5 bigdec, followed by 2 bytes: scale + 32768
//! ```
//!
//! What is missing to an infinity is the whole number.

use std::cmp::Ordering;
use std::sync::Arc;

use annals_query::edn::LIMIT_DIGITS;
use annals_query::{BigDecimal, BigInt, Value};

use super::{Input, malformed};
use crate::error::{Error, ErrorKind, Result};

const BELOW: u8 = 0x40;
const EXACT: u8 = 0x80;
const ABOVE: u8 = 0xc0;

const LONG: u8 = 1;
const BIGINT: u8 = 2;
const NEGATIVE_ZERO: u8 = 3;
const DOUBLE: u8 = 4;
const BIGDEC: u8 = 5;

const BIAS: i64 = 1 << 15;
/// Digits of a remainder: those of the longest number, and those of the smallest double written out.
const LIMIT_REMAINDER_DIGITS: usize = LIMIT_DIGITS + 1_100;
/// Numbers of this many bits have no more than `LIMIT_DIGITS` digits.
const BITS_WITHIN_LIMIT: u64 = 3_321;

pub(super) fn encode(number: &Value, out: &mut Vec<u8>) -> Result<()> {
    match number {
        Value::Long(n) => encode_long(*n, out),
        Value::Double(n) if n.is_nan() => return Err(Error::new(ErrorKind::NotAValue, "NaN cannot be a fact")),
        Value::Double(n) => {
            encode_double(*n, out);
            out.push(EXACT);
            out.push(if *n == 0.0 && n.is_sign_negative() { NEGATIVE_ZERO } else { DOUBLE });
        }
        Value::BigInt(n) => {
            check_digits(n, 0)?;
            encode_decimal(&BigDecimal::from(BigInt::clone(n)), out);
            out.push(BIGINT);
        }
        Value::BigDec(n) => {
            let (digits, scale) = n.as_bigint_and_exponent();
            check_digits(&digits, scale)?;
            encode_decimal(n, out);
            out.push(BIGDEC);
            out.extend(biased(scale));
        }
        other => unreachable!("{} is no number", other.kind_name()),
    }
    Ok(())
}

pub(super) fn decode(input: &mut Input<'_>) -> Result<Value> {
    let start = input.at;
    let value = decode_any(input)?;
    let mut again = Vec::with_capacity(input.at - start);
    encode(&value, &mut again)?;
    if again != input.bytes[start..input.at] {
        return Err(malformed("a number is not written in its canonical form"));
    }
    Ok(value)
}

fn check_digits(digits: &BigInt, scale: i64) -> Result<()> {
    let too_long = digits.bits() > BITS_WITHIN_LIMIT && digits.magnitude().to_string().len() > LIMIT_DIGITS;
    if !too_long && scale.unsigned_abs() <= LIMIT_DIGITS as u64 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TransactionLimit,
        format!("a number has more than {LIMIT_DIGITS} digits, or its exponent is larger"),
    )
    .with_help("round it, or store it as a string"))
}

/// Most longs are exactly a double; for the others the difference is a small integer.
fn encode_long(n: i64, out: &mut Vec<u8>) {
    let nearest = n as f64;
    encode_double(nearest, out);
    let remainder = i128::from(n) - nearest as i128;
    if remainder == 0 {
        out.push(EXACT);
    } else {
        encode_remainder(&BigDecimal::from(remainder), out);
    }
    out.push(LONG);
}

fn encode_decimal(exact: &BigDecimal, out: &mut Vec<u8>) {
    let nearest = nearest_double(exact);
    encode_double(nearest, out);
    if nearest == f64::INFINITY {
        out.push(BELOW);
        encode_digits(exact, out);
    } else if nearest == f64::NEG_INFINITY {
        out.push(ABOVE);
        encode_digits(exact, out);
    } else {
        encode_remainder(&(exact - from_double(nearest)), out);
    }
}

fn encode_remainder(remainder: &BigDecimal, out: &mut Vec<u8>) {
    match remainder.cmp(&BigDecimal::from(0)) {
        Ordering::Equal => out.push(EXACT),
        Ordering::Less => {
            out.push(BELOW);
            encode_digits(remainder, out);
        }
        Ordering::Greater => {
            out.push(ABOVE);
            encode_digits(remainder, out);
        }
    }
}

fn encode_digits(number: &BigDecimal, out: &mut Vec<u8>) {
    let (integer, scale) = number.as_bigint_and_exponent();
    let written = integer.magnitude().to_string();
    let digits = written.trim_end_matches('0').as_bytes();
    let start = out.len();
    out.extend(biased(written.len() as i64 - scale));
    for pair in digits.chunks(2) {
        out.push((pair[0] - b'0') * 10 + pair.get(1).map_or(0, |digit| digit - b'0') + 1);
    }
    out.push(0);
    if integer.sign() == bigdecimal::num_bigint::Sign::Minus {
        complement(&mut out[start..]);
    }
}

fn decode_any(input: &mut Input<'_>) -> Result<Value> {
    let nearest = decode_double(input)?;
    let remainder = match input.byte()? {
        EXACT => None,
        side @ (BELOW | ABOVE) => {
            let is_negative = if nearest.is_infinite() { nearest < 0.0 } else { side == BELOW };
            Some(decode_digits(input, is_negative)?)
        }
        other => return Err(malformed(format!("no remainder of a number starts with the byte {other}"))),
    };
    let kind = input.byte()?;
    match (kind, &remainder) {
        (NEGATIVE_ZERO, None) => return Ok(Value::Double(-0.0)),
        (DOUBLE, None) => return Ok(Value::Double(nearest)),
        _ if nearest.is_infinite() && remainder.is_none() => return Err(malformed("an infinity is a double")),
        _ => {}
    }
    let exact = match remainder {
        Some(remainder) if nearest.is_infinite() => remainder,
        Some(remainder) => from_double(nearest) + remainder,
        None => from_double(nearest),
    };
    match kind {
        LONG => whole(&exact).and_then(|n| i64::try_from(n).ok()).map(Value::Long),
        BIGINT => whole(&exact).map(|n| Value::BigInt(Arc::new(n))),
        BIGDEC => {
            let scale = unbiased(input.array()?);
            let rescaled = exact.with_scale(scale);
            (rescaled == exact).then(|| Value::BigDec(Arc::new(rescaled)))
        }
        _ => None,
    }
    .ok_or_else(|| malformed("a number does not have the form of its kind"))
}

fn decode_digits(input: &mut Input<'_>, is_negative: bool) -> Result<BigDecimal> {
    let flip = if is_negative { 0xff } else { 0 };
    let exponent = unbiased(input.array::<2>()?.map(|byte| byte ^ flip));
    let mut digits = Vec::new();
    loop {
        match input.byte()? ^ flip {
            0 => break,
            pair @ 1..=100 if digits.len() < LIMIT_REMAINDER_DIGITS => {
                digits.extend([b'0' + (pair - 1) / 10, b'0' + (pair - 1) % 10]);
            }
            _ => return Err(malformed("a number holds what is no digit, or too many digits")),
        }
    }
    let magnitude = BigInt::parse_bytes(&digits, 10).ok_or_else(|| malformed("a number has no digits"))?;
    let signed = if is_negative { -magnitude } else { magnitude };
    Ok(BigDecimal::new(signed, digits.len() as i64 - exponent))
}

fn whole(exact: &BigDecimal) -> Option<BigInt> {
    let truncated = exact.with_scale(0);
    (truncated == *exact).then(|| truncated.into_bigint_and_exponent().0)
}

fn encode_double(n: f64, out: &mut Vec<u8>) {
    // One zero here: the kind tells the other one apart.
    let bits = if n == 0.0 { 0 } else { n.to_bits() };
    let ordered = if bits >> 63 == 1 { !bits } else { bits ^ 1 << 63 };
    out.extend_from_slice(&ordered.to_be_bytes());
}

fn decode_double(input: &mut Input<'_>) -> Result<f64> {
    let ordered = u64::from_be_bytes(input.array()?);
    let n = f64::from_bits(if ordered >> 63 == 1 { ordered ^ 1 << 63 } else { !ordered });
    if n.is_nan() { Err(malformed("NaN is no value")) } else { Ok(n) }
}

/// Correctly rounded, so that it never falls where the number rises.
fn nearest_double(exact: &BigDecimal) -> f64 {
    let (digits, scale) = exact.as_bigint_and_exponent();
    format!("{digits}E{}", -i128::from(scale)).parse().expect("digits with an exponent are a number")
}

fn from_double(n: f64) -> BigDecimal {
    BigDecimal::try_from(n).expect("the double is finite here")
}

fn biased(n: i64) -> [u8; 2] {
    u16::try_from(n + BIAS).expect("the limits of digits and scale keep exponents within 15 bits").to_be_bytes()
}

fn unbiased(bytes: [u8; 2]) -> i64 {
    i64::from(u16::from_be_bytes(bytes)) - BIAS
}

fn complement(bytes: &mut [u8]) {
    for byte in bytes {
        *byte = !*byte;
    }
}
