//! Instants: their parts in UTC, the beginning of what they lie in, and sums with milliseconds.

use super::argument::refuse;
use super::collection::item;
use super::{Arity, Function, pure};
use crate::edn::{civil_from_days, days_from_civil};
use crate::error::{Code, Error, Result};
use crate::value::Value;

pub(super) const MICROS_PER_MILLISECOND: i64 = 1_000;
pub(super) const MICROS_PER_SECOND: i64 = 1_000 * MICROS_PER_MILLISECOND;
pub(super) const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;
pub(super) const MICROS_PER_HOUR: i64 = 60 * MICROS_PER_MINUTE;
pub(super) const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;
const MONTHS_PER_YEAR: i64 = 12;
/// 1970-01-01 was a Thursday, three days after a Monday.
const DAYS_SINCE_MONDAY_AT_EPOCH: i64 = 3;

pub(super) const FUNCTIONS: &[Function] = &[
    pure(
        "inst-ms",
        Arity::exactly(1),
        |args| Ok(Value::Long(instant("inst-ms", args, 0)?.div_euclid(MICROS_PER_MILLISECOND))),
        "The whole milliseconds since 1970-01-01, UTC.",
        ("(inst-ms #inst \"1970-01-01T00:00:01.5Z\")", "1500"),
    ),
    pure(
        "year",
        Arity::exactly(1),
        |args| Ok(civil("year", args)?.0.into()),
        "The year, UTC.",
        ("(year #inst \"2026-11-20\")", "2026"),
    ),
    pure(
        "month",
        Arity::exactly(1),
        |args| Ok(civil("month", args)?.1.into()),
        "The month from 1 to 12, UTC.",
        ("(month #inst \"2026-11-20\")", "11"),
    ),
    pure(
        "day",
        Arity::exactly(1),
        |args| Ok(civil("day", args)?.2.into()),
        "The day of the month from 1 to 31, UTC.",
        ("(day #inst \"2026-11-20\")", "20"),
    ),
    pure(
        "hour",
        Arity::exactly(1),
        |args| Ok(part("hour", args, MICROS_PER_HOUR, 24)?.into()),
        "The hour from 0 to 23, UTC.",
        ("(hour #inst \"2026-11-20T10:30:05Z\")", "10"),
    ),
    pure(
        "minute",
        Arity::exactly(1),
        |args| Ok(part("minute", args, MICROS_PER_MINUTE, 60)?.into()),
        "The minute from 0 to 59.",
        ("(minute #inst \"2026-11-20T10:30:05Z\")", "30"),
    ),
    pure(
        "second",
        Arity::exactly(1),
        second,
        "The second from 0 to 59; of a vector, its second item.",
        ("(second #inst \"2026-11-20T10:30:05Z\")", "5"),
    ),
    pure(
        "truncate-to",
        Arity::exactly(2),
        truncate_to,
        "The beginning of the hour, day, week (from Monday) .. that an instant lies in, UTC.",
        ("(truncate-to #inst \"2026-11-20T10:30:05Z\" :hour)", "#inst \"2026-11-20T10:00:00Z\""),
    ),
];

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// So many microseconds.
    Fixed(i64),
    /// From Monday to Sunday.
    Week,
    /// So many months of the calendar.
    Months(i64),
}

impl Unit {
    const NAMED: [(&'static str, Self); 9] = [
        ("microsecond", Self::Fixed(1)),
        ("millisecond", Self::Fixed(MICROS_PER_MILLISECOND)),
        ("second", Self::Fixed(MICROS_PER_SECOND)),
        ("minute", Self::Fixed(MICROS_PER_MINUTE)),
        ("hour", Self::Fixed(MICROS_PER_HOUR)),
        ("day", Self::Fixed(MICROS_PER_DAY)),
        ("week", Self::Week),
        ("month", Self::Months(1)),
        ("year", Self::Months(MONTHS_PER_YEAR)),
    ];

    /// The unit that a keyword names, `:hour` or `:hours`.
    pub(super) fn of(name: &str, args: &[Value], place: usize) -> Result<Self> {
        let known = match &args[place] {
            Value::Keyword(text) => {
                let singular = text.strip_suffix('s').unwrap_or(text);
                Self::NAMED.iter().find(|(known, _)| *known == singular).map(|(_, unit)| *unit)
            }
            _ => None,
        };
        known.ok_or_else(|| {
            refuse(name, place, "a unit of time", &args[place])
                .with_help("use :microsecond, :millisecond, :second, :minute, :hour, :day, :week, :month or :year")
        })
    }

    /// The first microsecond of the unit that an instant lies in; `None` before the first of all instants.
    pub(super) fn beginning(self, micros: i64) -> Option<i64> {
        let days = micros.div_euclid(MICROS_PER_DAY);
        match self {
            Self::Fixed(length) => micros.div_euclid(length).checked_mul(length),
            Self::Week => (days - (days + DAYS_SINCE_MONDAY_AT_EPOCH).rem_euclid(7)).checked_mul(MICROS_PER_DAY),
            Self::Months(count) => {
                let (year, month, _) = civil_from_days(days);
                let first = (month - 1).div_euclid(count) * count + 1;
                days_from_civil(year, first, 1).checked_mul(MICROS_PER_DAY)
            }
        }
    }

    /// Microseconds of a unit that always has so many, counted from 1970 on.
    pub(super) fn fixed_length(self) -> Option<i64> {
        if let Self::Fixed(length) = self { Some(length) } else { None }
    }

    /// How many whole units lie between two instants; negative backwards. `None` outside 64 bits.
    pub(super) fn between(self, from: i64, to: i64) -> Option<i64> {
        let length = match self {
            Self::Fixed(length) => length,
            Self::Week => 7 * MICROS_PER_DAY,
            Self::Months(count) => return Some(months_between(from, to) / count),
        };
        i64::try_from((i128::from(to) - i128::from(from)) / i128::from(length)).ok()
    }
}

/// Whole months of the calendar: from the 15th at noon to the 15th at noon of the next month is one.
fn months_between(from: i64, to: i64) -> i64 {
    if from > to {
        return -months_between(to, from);
    }
    let (first_day, last_day) = (from.div_euclid(MICROS_PER_DAY), to.div_euclid(MICROS_PER_DAY));
    let is_last_day_whole = to.rem_euclid(MICROS_PER_DAY) >= from.rem_euclid(MICROS_PER_DAY);
    let first = civil_from_days(first_day);
    let last = civil_from_days(if is_last_day_whole { last_day } else { last_day - 1 });
    (last.0 - first.0) * MONTHS_PER_YEAR + last.1 - first.1 - i64::from(last.2 < first.2)
}

/// Microseconds of an instant.
pub(super) fn instant(name: &str, args: &[Value], place: usize) -> Result<i64> {
    match &args[place] {
        Value::Instant(micros) => Ok(*micros),
        value => Err(refuse(name, place, "an instant", value)
            .with_help("(parse-inst ?text) makes an instant of a text; #inst \"2026-11-20\" is one as it stands")),
    }
}

/// The error for an instant or a count outside 64 bits.
pub(super) fn outside(name: &str, value: &Value) -> Error {
    Error::new(Code::Overflow, format!("`{name}` leaves the range of 64-bit integers"))
        .with_value(value)
        .with_help("instants reach from the year -290308 to 294247; keep the rows that stay within")
}

/// Year, month and day.
fn civil(name: &str, args: &[Value]) -> Result<(i64, i64, i64)> {
    Ok(civil_from_days(instant(name, args, 0)?.div_euclid(MICROS_PER_DAY)))
}

/// Which unit of this length it is, counted from 0 within `count` of them.
fn part(name: &str, args: &[Value], length: i64, count: i64) -> Result<i64> {
    Ok(instant(name, args, 0)?.div_euclid(length).rem_euclid(count))
}

/// Clojure means the second item by this name.
fn second(args: &[Value]) -> Result<Value> {
    match &args[0] {
        Value::Nil | Value::String(_) | Value::Vector(_) | Value::List(_) => item("second", args, 1),
        _ => Ok(part("second", args, MICROS_PER_SECOND, 60)?.into()),
    }
}

/// In either order of arguments.
fn truncate_to(args: &[Value]) -> Result<Value> {
    let name = "truncate-to";
    let (at, unit) = if matches!(args[0], Value::Keyword(_)) { (1, 0) } else { (0, 1) };
    let micros = instant(name, args, at)?;
    let unit = Unit::of(name, args, unit)?;
    unit.beginning(micros).map(Value::Instant).ok_or_else(|| outside(name, &args[at]))
}

/// True if a sum or difference is one of instants.
pub(super) fn is_among(args: &[Value]) -> bool {
    args.iter().any(|value| matches!(value, Value::Instant(_)))
}

/// An instant and milliseconds, in any order, from left to right.
pub(super) fn add(args: &[Value]) -> Result<Value> {
    let name = "+";
    let mut total = args[0].canonical();
    for (place, next) in args.iter().enumerate().skip(1) {
        total = match (&total, &next.canonical()) {
            (Value::Instant(micros), Value::Long(milliseconds)) | (Value::Long(milliseconds), Value::Instant(micros)) => {
                shift(name, *micros, i128::from(*milliseconds), next)?
            }
            (Value::Long(a), Value::Long(b)) => a.checked_add(*b).map(Value::Long).ok_or_else(|| outside(name, next))?,
            (Value::Long(_) | Value::Instant(_), other) => return Err(not_added(name, place, other)),
            (other, _) => return Err(not_added(name, 0, other)),
        };
    }
    Ok(total)
}

/// Milliseconds taken from an instant, or the milliseconds from one instant to another, `(- ?to ?from)`.
pub(super) fn subtract(args: &[Value]) -> Result<Value> {
    let name = "-";
    let mut total = match args {
        [only] => return Err(not_added(name, 0, only)),
        _ => args[0].canonical(),
    };
    for (place, next) in args.iter().enumerate().skip(1) {
        total = match (&total, &next.canonical()) {
            (Value::Instant(micros), Value::Long(milliseconds)) => shift(name, *micros, -i128::from(*milliseconds), next)?,
            (Value::Instant(to), Value::Instant(from)) => {
                let between = Unit::Fixed(MICROS_PER_MILLISECOND).between(*from, *to);
                Value::Long(between.ok_or_else(|| outside(name, next))?)
            }
            (Value::Long(a), Value::Long(b)) => a.checked_sub(*b).map(Value::Long).ok_or_else(|| outside(name, next))?,
            (Value::Long(_) | Value::Instant(_), other) => return Err(not_added(name, place, other)),
            (other, _) => return Err(not_added(name, 0, other)),
        };
    }
    Ok(total)
}

fn shift(name: &str, micros: i64, milliseconds: i128, offending: &Value) -> Result<Value> {
    let shifted = i128::from(micros) + milliseconds * i128::from(MICROS_PER_MILLISECOND);
    i64::try_from(shifted).map(Value::Instant).map_err(|_| outside(name, offending))
}

fn not_added(name: &str, place: usize, value: &Value) -> Error {
    refuse(name, place, "whole milliseconds beside an instant", value).with_help(
        "(+ ?instant 1000), (- ?instant 1000) and (- ?to ?from) are sums with instants; (duration \"1h\") gives milliseconds",
    )
}
