//! Promise: the parts of an instant, the beginning of its hour, week or year, and the time between two instants are those of the Gregorian
//! calendar in UTC, over the whole range of instants, and outside it an error. Attacked with instants before 1970 and at both ends of 64 bits,
//! leap days, wrong units, lengths of time that are none, and another calendar.

use annals_query::{Code, Value, function};
use calls::{check_all, check_refused, refusal};
use jiff::ToSpan as _;

mod calls;

/// Instants outside the years that another calendar covers are tested by hand.
const LIMIT_MICROS: i64 = 253_000_000_000_000_000;

#[test]
fn instants_have_parts() {
    check_all(
        r#"(inst-ms #inst "1970-01-01") => 0
           (inst-ms #inst "1970-01-01T00:00:00.001999Z") => 1
           (inst-ms #inst "1969-12-31T23:59:59.9999Z") => -1
           (inst-ms #inst "2026-11-20T10:00:00Z") => 1795168800000
           (year #inst "2026-11-20") => 2026
           (year #inst "1969-12-31T23:59:59.999999Z") => 1969
           (year #inst "0000-01-01") => 0
           (year #inst "-000044-03-15") => -44
           (year #inst "+012345-06-07") => 12345
           (month #inst "2026-11-20") => 11
           (month #inst "2024-02-29") => 2
           (month #inst "1969-12-31") => 12
           (day #inst "2026-11-20") => 20
           (day #inst "2024-02-29T23:59:59Z") => 29
           (day #inst "1900-03-01") => 1
           (hour #inst "2026-11-20T10:30:05Z") => 10
           (hour #inst "2026-11-20T00:30:00+02:00") => 22
           (hour #inst "1969-12-31T23:30:00Z") => 23
           (minute #inst "1969-12-31T23:59:30Z") => 59
           (minute #inst "2026-11-20T10:30:05Z") => 30
           (second #inst "2026-11-20T10:30:05.9Z") => 5
           (second #inst "1969-12-31T23:59:58.5Z") => 58"#,
    );
    check_refused(
        Code::ArgumentType,
        r#"(inst-ms 0)
           (inst-ms nil)
           (year "2026")
           (month 1)
           (day :today)
           (hour [1])
           (minute 1.5)
           (second {})"#,
    );
    assert!(refusal("(year \"2026-11-20\")").help().is_some_and(|help| help.contains("parse-inst")));
}

#[test]
fn instants_are_cut_off_to_the_beginning_of_a_unit() {
    check_all(
        r#"(truncate-to #inst "2026-11-20T10:30:05.123456Z" :microsecond) => #inst "2026-11-20T10:30:05.123456Z"
           (truncate-to #inst "2026-11-20T10:30:05.123456Z" :millisecond) => #inst "2026-11-20T10:30:05.123Z"
           (truncate-to #inst "2026-11-20T10:30:05.123456Z" :second) => #inst "2026-11-20T10:30:05Z"
           (truncate-to #inst "2026-11-20T10:30:05.123456Z" :minute) => #inst "2026-11-20T10:30:00Z"
           (truncate-to #inst "2026-11-20T10:30:05.123456Z" :hour) => #inst "2026-11-20T10:00:00Z"
           (truncate-to :hour #inst "2026-11-20T10:30:05.123456Z") => #inst "2026-11-20T10:00:00Z"
           (truncate-to :hours #inst "2026-11-20T10:30:05.123456Z") => #inst "2026-11-20T10:00:00Z"
           (truncate-to #inst "2026-11-20T10:30:05Z" :day) => #inst "2026-11-20T00:00:00Z"
           (truncate-to #inst "2026-11-20T10:30:05Z" :week) => #inst "2026-11-16T00:00:00Z"
           (truncate-to #inst "2026-11-16T00:00:00Z" :week) => #inst "2026-11-16T00:00:00Z"
           (truncate-to #inst "2026-11-15T23:59:59.999999Z" :week) => #inst "2026-11-09T00:00:00Z"
           (truncate-to #inst "1970-01-01" :week) => #inst "1969-12-29T00:00:00Z"
           (truncate-to #inst "1969-12-28" :week) => #inst "1969-12-22T00:00:00Z"
           (truncate-to #inst "2026-11-20T10:30:05Z" :month) => #inst "2026-11-01T00:00:00Z"
           (truncate-to #inst "2026-11-20T10:30:05Z" :year) => #inst "2026-01-01T00:00:00Z"
           (truncate-to #inst "1969-12-31T23:59:59.5Z" :second) => #inst "1969-12-31T23:59:59Z"
           (truncate-to #inst "1969-12-31T23:59:59.5Z" :year) => #inst "1969-01-01T00:00:00Z"
           (truncate-to #inst "-000044-03-15" :year) => #inst "-000044-01-01T00:00:00Z""#,
    );
    check_refused(
        Code::ArgumentType,
        r#"(truncate-to #inst "2026" :fortnight)
           (truncate-to #inst "2026" "hour")
           (truncate-to #inst "2026" 1)
           (truncate-to :hour :hour)
           (truncate-to 5 :hour)
           (truncate-to :s #inst "2026")"#,
    );
}

#[test]
fn durations_are_milliseconds() {
    check_all(
        r#"(duration "5s") => 5000
           (duration "1h30m") => 5400000
           (duration "1h 30m") => 5400000
           (duration "250ms") => 250
           (duration "2d") => 172800000
           (duration "1w") => 604800000
           (duration "1.5h") => 5400000
           (duration "0.0015s") => 1
           (duration "-5s") => -5000
           (duration "+5s") => 5000
           (duration "0s") => 0
           (duration "PT1H30M") => 5400000
           (duration "PT0.5S") => 500
           (duration "P1DT2H") => 93600000
           (duration "P2W") => 1209600000
           (duration "-PT1M") => -60000
           (duration "pt1h") => 3600000
           (duration "106751991167d") => 9223372036828800000
           (duration #inst "2026-11-20T10:00:00Z" #inst "2026-11-20T10:00:01.5Z") => 1500
           (duration #inst "2026-11-20T10:00:01.5Z" #inst "2026-11-20T10:00:00Z") => -1500
           (duration #inst "2026-11-20T10:00:00Z" #inst "2026-11-20T12:59:59Z" :hour) => 2
           (duration #inst "2026-11-20T12:59:59Z" #inst "2026-11-20T10:00:00Z" :hours) => -2
           (duration #inst "2026-01-31" #inst "2026-02-28" :month) => 0
           (duration #inst "2026-01-28T12:00:00Z" #inst "2026-02-28T12:00:00Z" :month) => 1
           (duration #inst "2026-01-28T12:00:00Z" #inst "2026-02-28T11:59:00Z" :month) => 0
           (duration #inst "2020-02-29" #inst "2026-02-28" :year) => 5
           (duration #inst "2026-02-28" #inst "2020-02-29" :year) => -5
           (duration #inst "1969-12-31" #inst "1970-01-14" :week) => 2
           (duration #inst "1970-01-01" #inst "1970-01-01T00:00:00.000007Z" :microsecond) => 7"#,
    );
    check_refused(
        Code::ArgumentType,
        r#"(duration "")
           (duration "5")
           (duration "s")
           (duration "5 s")
           (duration "5x")
           (duration "5.s")
           (duration ".5s")
           (duration "1h-5m")
           (duration "--5s")
           (duration "P")
           (duration "PT")
           (duration "P1M")
           (duration "P1Y")
           (duration "PT1M1H")
           (duration "PT1H1H")
           (duration "P1H")
           (duration "5µs")
           (duration "5S")
           (duration 5)
           (duration #inst "2026")
           (duration #inst "2026" 5)
           (duration "5s" "6s")
           (duration #inst "2026" #inst "2027" :era)"#,
    );
    check_refused(
        Code::Overflow,
        r#"(duration "106751991168d")
           (duration "99999999999999999999999999h")"#,
    );
}

#[test]
fn instants_and_milliseconds_add_up() {
    check_all(
        r#"(- #inst "2026-11-20T10:00:01.5Z" #inst "2026-11-20T10:00:00Z") => 1500
           (- #inst "2026-11-20T10:00:00Z" #inst "2026-11-20T10:00:01.5Z") => -1500
           (- #inst "1970-01-01" #inst "1969-12-31T23:59:59.9995Z") => 0
           (+ #inst "2026-11-20T10:00:00.000001Z" 1500) => #inst "2026-11-20T10:00:01.500001Z"
           (+ 1500 #inst "2026-11-20T10:00:00Z") => #inst "2026-11-20T10:00:01.5Z"
           (+ 500 1000 #inst "2026-11-20T10:00:00Z") => #inst "2026-11-20T10:00:01.5Z"
           (+ #inst "2026-11-20T10:00:00Z" 500 1000N) => #inst "2026-11-20T10:00:01.5Z"
           (+ #inst "2026-11-20T10:00:00Z" 1500.0) => #inst "2026-11-20T10:00:01.5Z"
           (+ #inst "2026-11-20T10:00:00Z") => #inst "2026-11-20T10:00:00Z"
           (- #inst "2026-11-20T10:00:00Z" 86400000) => #inst "2026-11-19T10:00:00Z"
           (- #inst "1970-01-01" 1) => #inst "1969-12-31T23:59:59.999Z"
           (- #inst "2026-11-20T10:00:02Z" #inst "2026-11-20T10:00:00Z" 500) => 1500
           (- #inst "2026-11-20T10:00:00Z" 500 500) => #inst "2026-11-20T09:59:59Z"
           (max #inst "2026-11-20" #inst "2027") => #inst "2027-01-01T00:00:00Z"
           (min #inst "2026-11-20" #inst "2027") => #inst "2026-11-20T00:00:00Z"
           (< #inst "1969" #inst "1970" #inst "1971") => true
           (compare #inst "1970" #inst "1969") => 1"#,
    );
    check_refused(
        Code::ArgumentType,
        r#"(+ #inst "2026" #inst "2026")
           (+ #inst "2026" 0.5)
           (+ #inst "2026" "1s")
           (+ "1s" #inst "2026")
           (+ 1.5 #inst "2026")
           (+ #inst "2026" nil)
           (- #inst "2026")
           (- 5 #inst "2026")
           (- #inst "2026" :a)
           (- "a" #inst "2026")
           (- #inst "2027" #inst "2026" #inst "2025")
           (* #inst "2026" 2)
           (/ #inst "2026" 2)
           (inc #inst "2026")
           (abs #inst "2026")"#,
    );
    check_refused(
        Code::Overflow,
        r#"(+ #inst "2026" 9223372036854775807)
           (- #inst "2026" 9223372036854775807)
           (- #inst "-200000-01-01" -9223372036854775808)
           (+ 9223372036854775807 1 #inst "2026")"#,
    );
}

fn give(name: &str, args: &[Value]) -> Value {
    function::lookup(name).expect("a built-in function").call(args).unwrap_or_else(|error| panic!("{name} {args:?}: {error}"))
}

#[test]
fn the_ends_of_time_are_right_or_refused() {
    for micros in [i64::MIN, i64::MAX] {
        let instant = Value::Instant(micros);
        for name in ["inst-ms", "year", "month", "day", "hour", "minute", "second"] {
            give(name, std::slice::from_ref(&instant));
        }
    }
    assert_eq!(give("year", &[Value::Instant(i64::MIN)]), Value::from(-290_308));
    assert_eq!(give("year", &[Value::Instant(i64::MAX)]), Value::from(294_247));
    let ends = [Value::Instant(i64::MIN), Value::Instant(i64::MAX)];
    assert_eq!(give("duration", &ends), Value::from(18_446_744_073_709_551_i64));
    assert_eq!(give("-", &[ends[1].clone(), ends[0].clone()]), Value::from(18_446_744_073_709_551_i64));
    let microseconds =
        function::lookup("duration").expect("built in").call(&[ends[0].clone(), ends[1].clone(), Value::keyword("microsecond")]);
    assert_eq!(microseconds.expect_err("beyond 64 bits").code(), Code::Overflow);
    for unit in ["millisecond", "second", "minute", "hour", "day", "week", "month", "year"] {
        let error = function::lookup("truncate-to").expect("built in").call(&[ends[0].clone(), Value::keyword(unit)]);
        assert_eq!(error.expect_err("its beginning is before the first instant").code(), Code::Overflow, "{unit}");
        give("truncate-to", &[ends[1].clone(), Value::keyword(unit)]);
        give("duration", &[ends[0].clone(), ends[1].clone(), Value::keyword(unit)]);
    }
}

/// A sequence of instants that jumps about the calendar: seeded, so that a failure can be seen again.
fn instants(count: usize) -> impl Iterator<Item = i64> {
    let seed = std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0x5eed_u64);
    println!("SEED={seed}");
    let mut state = seed | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state as i64) % LIMIT_MICROS
    })
    .filter(|micros| *micros > -LIMIT_MICROS / 5)
    .take(count)
}

#[test]
fn parts_and_beginnings_agree_with_another_calendar() {
    for micros in instants(3_000) {
        let stamp = jiff::Timestamp::from_microsecond(micros).expect("within its calendar");
        let date_time = stamp.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        let instant = [Value::Instant(micros)];
        let parts: [(&str, i64); 6] = [
            ("year", date_time.year().into()),
            ("month", date_time.month().into()),
            ("day", date_time.day().into()),
            ("hour", date_time.hour().into()),
            ("minute", date_time.minute().into()),
            ("second", date_time.second().into()),
        ];
        for (name, expected) in parts {
            assert_eq!(give(name, &instant), Value::from(expected), "{name} of {date_time}");
        }
        let date = date_time.date();
        let monday = date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days()).expect("within its calendar");
        let first_of_year = date.first_of_year();
        for (unit, expected) in [("day", date), ("week", monday), ("month", date.first_of_month()), ("year", first_of_year)] {
            let midnight = expected.to_zoned(jiff::tz::TimeZone::UTC).expect("UTC has no gaps").timestamp().as_microsecond();
            let found = give("truncate-to", &[instant[0].clone(), Value::keyword(unit)]);
            assert_eq!(found, Value::Instant(midnight), "{unit} of {date_time}");
        }
    }
}

#[test]
fn whole_months_agree_with_another_calendar() {
    let all: Vec<i64> = instants(1_000).collect();
    for pair in all.windows(2) {
        let [from, to] = [pair[0].min(pair[1]), pair[0].max(pair[1])];
        let zoned = |micros| {
            jiff::Timestamp::from_microsecond(micros).expect("within its calendar").to_zoned(jiff::tz::TimeZone::UTC).datetime()
        };
        for (name, unit) in [("month", jiff::Unit::Month), ("year", jiff::Unit::Year)] {
            let span = zoned(from).until((unit, zoned(to))).expect("within its calendar");
            let expected = if name == "month" { i64::from(span.get_months()) } else { i64::from(span.get_years()) };
            let found = give("duration", &[Value::Instant(from), Value::Instant(to), Value::keyword(name)]);
            assert_eq!(found, Value::from(expected), "{name}s from {} to {}", zoned(from), zoned(to));
        }
    }
}
