//! Times as people write them: a t, an instant, an age, a run's border; and durations.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use annals::contract::{Border, find_run, run_border};
use annals::query::edn;
use annals::{Db, Error, ErrorKind, Moment, Result};

const HELP: &str =
    "write a t (42), an instant (2026-11-20T10:00:00Z), an age (10m, 2h, 3d) or a run's border (last@start, last@end)";

/// Reads a T of the command line.
pub(super) fn moment(text: &str, db: &Db) -> Result<Moment> {
    if let Some((run, border)) = text.rsplit_once('@') {
        let border = match border {
            "start" => Border::Start,
            "end" => Border::End,
            _ => return Err(unreadable(text)),
        };
        return Ok(Moment::T(run_border(db, &find_run(db, run)?, border)?));
    }
    if let Ok(t) = text.parse::<i64>() {
        return Ok(Moment::T(t));
    }
    if let Some(age) = duration(text) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        return Ok(Moment::Instant(now.saturating_sub(age).as_micros() as i64));
    }
    instant(text).map(Moment::Instant).ok_or_else(|| unreadable(text))
}

/// `500ms`, `5s`, `10m`, `2h`, `3d`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let milliseconds_per_unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(milliseconds_per_unit)?))
}

/// Microseconds of an instant: what `#inst` takes, which a fact may hold and an answer prints, up to the ends of 9999 and
/// beyond; and the looser spellings that `jiff` knows, such as a blank for the `T`.
fn instant(text: &str) -> Option<i64> {
    edn::read_instant(text).or_else(|| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond))
}

fn unreadable(text: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{text:?} is not a time")).with_value(text).with_help(HELP)
}
