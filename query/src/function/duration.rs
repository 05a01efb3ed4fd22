//! `duration`: lengths of time in milliseconds, written out or between two instants.

use super::argument::string;
use super::time::{MICROS_PER_MILLISECOND, Unit, instant, outside};
use super::{Arity, Function, pure};
use crate::error::{Code, Error, Result};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[pure(
    "duration",
    Arity::between(1, 3),
    duration,
    "The milliseconds that a text such as \"1h30m\" or \"PT1H30M\" spells; between two instants, milliseconds or whole units.",
    ("(duration \"1h30m\")", "5400000"),
)];

/// Milliseconds of the units that people write.
const UNITS: [(&str, i128); 6] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

fn duration(args: &[Value]) -> Result<Value> {
    let name = "duration";
    if args.len() == 1 {
        let text = string(name, args, 0)?;
        let milliseconds = milliseconds(text).ok_or_else(|| {
            Error::new(Code::ArgumentType, format!("argument 1 of `{name}` is not a length of time"))
                .with_value(&args[0])
                .with_help("write it like \"1h30m\", \"5s\", \"250ms\", \"2d\" or \"PT1H30M\"; a month has no fixed length")
        })?;
        return i64::try_from(milliseconds).map(Value::Long).map_err(|_| outside(name, &args[0]));
    }
    let (from, to) = (instant(name, args, 0)?, instant(name, args, 1)?);
    let unit = if args.len() > 2 { Unit::of(name, args, 2)? } else { Unit::Fixed(MICROS_PER_MILLISECOND) };
    unit.between(from, to).map(Value::Long).ok_or_else(|| outside(name, &args[1]))
}

/// What a text spells, in its own or ISO 8601's way; what is shorter than a millisecond is cut off.
fn milliseconds(text: &str) -> Option<i128> {
    let (is_negative, unsigned) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let total = match unsigned.strip_prefix(['P', 'p']) {
        Some(parts) => iso(parts)?,
        None => plain(unsigned)?,
    };
    Some(if is_negative { -total } else { total })
}

/// `1h30m`, `1h 30m`, `1.5h`.
fn plain(text: &str) -> Option<i128> {
    let mut rest = text;
    let mut total = 0_i128;
    while !rest.is_empty() {
        let number;
        (number, rest) = leading_number(rest)?;
        let unit_end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = UNITS.iter().find(|(unit, _)| *unit == &rest[..unit_end])?.1;
        total = total.checked_add(number.times(unit)?)?;
        rest = rest[unit_end..].trim_start_matches(' ');
    }
    (!text.is_empty()).then_some(total)
}

/// What follows the P: `1DT2H3M4.5S` or `2W`.
fn iso(text: &str) -> Option<i128> {
    const OF_DATE: [(char, usize); 2] = [('W', 5), ('D', 4)];
    const OF_TIME: [(char, usize); 3] = [('H', 3), ('M', 2), ('S', 1)];
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time).filter(|time| !time.is_empty())?),
        None => (text, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    designated(date, &OF_DATE)?.checked_add(designated(time, &OF_TIME)?)
}

/// Numbers with designators, each at most once and in this order.
fn designated(text: &str, mut order: &[(char, usize)]) -> Option<i128> {
    let mut rest = text;
    let mut total = 0_i128;
    while !rest.is_empty() {
        let number;
        (number, rest) = leading_number(rest)?;
        let designator = rest.chars().next()?.to_ascii_uppercase();
        let at = order.iter().position(|(known, _)| *known == designator)?;
        total = total.checked_add(number.times(UNITS[order[at].1].1)?)?;
        order = &order[at + 1..];
        rest = &rest[1..];
    }
    Some(total)
}

/// Digits with or without a fraction.
struct Number<'t> {
    whole: &'t str,
    fraction: &'t str,
}

impl Number<'_> {
    /// Digits of a fraction that count: a week has fewer than 10^9 milliseconds.
    const LIMIT_FRACTION_DIGITS: usize = 9;

    fn times(&self, unit: i128) -> Option<i128> {
        let digits = &self.fraction[..self.fraction.len().min(Self::LIMIT_FRACTION_DIGITS)];
        let fraction: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        let part = fraction * unit / 10_i128.pow(digits.len() as u32);
        self.whole.parse::<i128>().ok()?.checked_mul(unit)?.checked_add(part)
    }
}

fn leading_number(text: &str) -> Option<(Number<'_>, &str)> {
    let digits_end = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (whole, rest) = text.split_at(digits_end(text));
    match rest.strip_prefix('.') {
        None => Some((Number { whole, fraction: "" }, rest)),
        Some(rest) => {
            let (fraction, rest) = rest.split_at(digits_end(rest));
            (!fraction.is_empty()).then_some((Number { whole, fraction }, rest))
        }
    }
    .filter(|(number, _)| !number.whole.is_empty())
}
