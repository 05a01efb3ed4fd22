//! Instants as RFC 3339 text, in microseconds and UTC.
//!
//! Years before 0 or after 9999, which RFC 3339 cannot write, carry a sign and six digits as in ISO 8601:
//! `+012345-01-01T00:00:00Z`.

use std::fmt;

use nom::branch::alt;
use nom::bytes::complete::take_while_m_n;
use nom::character::complete::{char, digit1, one_of};
use nom::combinator::{all_consuming, map, map_res, opt, value};
use nom::sequence::preceded;
use nom::{IResult, Parser as _};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// Days from 0000-03-01, where the calendar of the functions below starts, to 1970-01-01.
const DAYS_BEFORE_EPOCH: i64 = 719_468;
/// Days in 400 years, after which the calendar repeats.
const DAYS_PER_ERA: i64 = 146_097;

/// Microseconds since 1970-01-01T00:00:00Z of an instant as text. A year, a month or a date alone is its first midnight, a time
/// without offset is UTC, and digits beyond the microsecond are dropped. `None` for anything else, or outside 64 bits.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let with_time = map((date, opt(time_of_day)), |(date, time)| (date, time.unwrap_or_default()));
    let without = map(partial_date, |date| (date, (0, 0)));
    let (_, (date, (seconds, micros))) = alt((all_consuming(with_time), all_consuming(without))).parse(text).ok()?;
    let total = date.checked_mul(SECONDS_PER_DAY)?.checked_add(seconds)?;
    // In 128 bits, since the first instants of all start below 64 bits before their fraction is added.
    i64::try_from(i128::from(total) * i128::from(MICROS_PER_SECOND) + i128::from(micros)).ok()
}

/// Writes the instant with up to six digits of fraction, none if there is none.
pub(super) fn write(micros: i64, f: &mut impl fmt::Write) -> fmt::Result {
    let seconds = micros.div_euclid(MICROS_PER_SECOND);
    let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
    match year {
        0..=9999 => write!(f, "{year:04}")?,
        _ => write!(f, "{year:+07}")?,
    }
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    write!(f, "-{month:02}-{day:02}T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)?;
    let fraction = micros.rem_euclid(MICROS_PER_SECOND);
    if fraction != 0 {
        let digits = format!("{fraction:06}");
        write!(f, ".{}", digits.trim_end_matches('0'))?;
    }
    f.write_char('Z')
}

fn digits<'t>(count: usize) -> impl nom::Parser<&'t str, Output = i64, Error = nom::error::Error<&'t str>> {
    map_res(take_while_m_n(count, count, |c: char| c.is_ascii_digit()), str::parse)
}

/// Days from 1970-01-01 to the first day of a year or month.
fn partial_date(text: &str) -> IResult<&str, i64> {
    map_res((year, opt(preceded(char('-'), digits(2)))), |(year, month)| match month.unwrap_or(1) {
        month @ 1..=12 => Ok(days_from_civil(year, month, 1)),
        _ => Err("no such month"),
    })
    .parse(text)
}

/// Days since 1970-01-01.
fn date(text: &str) -> IResult<&str, i64> {
    map_res((year, char('-'), digits(2), char('-'), digits(2)), |(year, _, month, _, day)| {
        let days = days_from_civil(year, month, day);
        // What does not come back the same was no date: 2026-02-30.
        if (1..=12).contains(&month) && civil_from_days(days) == (year, month, day) { Ok(days) } else { Err("no such date") }
    })
    .parse(text)
}

fn year(text: &str) -> IResult<&str, i64> {
    let (rest, sign) = opt(one_of("+-")).parse(text)?;
    match sign {
        None => digits(4).parse(rest),
        Some(sign) => digits(6).map(|year| if sign == '-' { -year } else { year }).parse(rest),
    }
}

/// Seconds since midnight UTC (negative or beyond a day where an offset makes it so) and microseconds.
fn time_of_day(text: &str) -> IResult<&str, (i64, i64)> {
    let second = preceded(char(':'), (digits(2), opt(preceded(one_of(".,"), digit1))));
    let parts = (preceded(one_of("Tt "), digits(2)), preceded(char(':'), digits(2)), opt(second), opt(offset));
    map_res(parts, |(hour, minute, second, offset)| {
        let (second, fraction) = second.unwrap_or_default();
        if hour > 23 || minute > 59 || second > 59 {
            return Err("no such time");
        }
        let micros = fraction.map_or(0, |digits: &str| {
            digits.bytes().chain(std::iter::repeat(b'0')).take(6).fold(0, |n, digit| n * 10 + i64::from(digit - b'0'))
        });
        Ok((hour * 3600 + minute * 60 + second - offset.unwrap_or_default(), micros))
    })
    .parse(text)
}

/// Seconds east of UTC.
fn offset(text: &str) -> IResult<&str, i64> {
    let hours_and_minutes = (one_of("+-"), digits(2), preceded(opt(char(':')), digits(2)));
    let numeric = map_res(hours_and_minutes, |(sign, hours, minutes)| {
        let seconds = hours * 3600 + minutes * 60;
        if hours > 23 || minutes > 59 { Err("no such offset") } else { Ok(if sign == '-' { -seconds } else { seconds }) }
    });
    alt((value(0, one_of("Zz")), numeric)).parse(text)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, extended both ways. Years start in March, so that the leap day
/// is the last of its year and months have lengths that a straight line gives.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - DAYS_BEFORE_EPOCH
}

/// The reverse of [`days_from_civil`].
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_BEFORE_EPOCH;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
