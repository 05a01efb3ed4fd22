//! Functions of an instant as steps: whoever computes them for many instants in a row does so once a step.

use super::time::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, Unit};
use crate::edn::civil_from_days;
use crate::value::Value;

/// A built-in function that gives the same for all instants of one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stepped {
    part: Part,
    /// Microseconds; steps begin at multiples of it.
    length: i64,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Beginning(Unit),
    Year,
    Month,
    Day,
    /// Which step it is, counted from 0 within so many.
    Within(i64),
}

impl Stepped {
    /// The function with this name, and with this constant beside the instant.
    pub(crate) fn of(name: &str, constant: Option<&Value>) -> Option<Self> {
        let (part, length) = match (name, constant) {
            ("truncate-to", Some(unit)) => {
                let unit = Unit::of(name, std::slice::from_ref(unit), 0).ok()?;
                (Part::Beginning(unit), unit.fixed_length().unwrap_or(MICROS_PER_DAY))
            }
            ("year", None) => (Part::Year, MICROS_PER_DAY),
            ("month", None) => (Part::Month, MICROS_PER_DAY),
            ("day", None) => (Part::Day, MICROS_PER_DAY),
            ("hour", None) => (Part::Within(24), MICROS_PER_HOUR),
            ("minute", None) => (Part::Within(60), MICROS_PER_MINUTE),
            ("second", None) => (Part::Within(60), MICROS_PER_SECOND),
            _ => return None,
        };
        Some(Self { part, length })
    }

    /// Microseconds of a step.
    pub(crate) fn length(self) -> i64 {
        self.length
    }

    /// The beginning of the step that an instant lies in; `None` before the first of all instants.
    pub(crate) fn start(self, micros: i64) -> Option<i64> {
        micros.div_euclid(self.length).checked_mul(self.length)
    }

    /// What the function gives; `None` where it fails.
    pub(crate) fn value(self, micros: i64) -> Option<i64> {
        let civil = || civil_from_days(micros.div_euclid(MICROS_PER_DAY));
        match self.part {
            Part::Beginning(unit) => unit.beginning(micros),
            Part::Year => Some(civil().0),
            Part::Month => Some(civil().1),
            Part::Day => Some(civil().2),
            Part::Within(count) => Some(micros.div_euclid(self.length).rem_euclid(count)),
        }
    }

    /// True if it gives instants, and no longs.
    pub(crate) fn gives_instants(self) -> bool {
        matches!(self.part, Part::Beginning(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::lookup;

    #[test]
    fn a_step_gives_what_the_function_gives() {
        let day = MICROS_PER_DAY;
        let near = |at: i64| [at.saturating_sub(1), at, at.saturating_add(1)];
        let instants: Vec<i64> = [0, day, -day, 59 * day, 365 * day, 1_767_225_600_000_000, i64::MIN, i64::MAX, 3_599_999_999]
            .into_iter()
            .flat_map(near)
            .collect();
        let units = ["microsecond", "second", "minute", "hours", "day", "week", "month", "year", "eon"];
        let calls = units.map(|unit| ("truncate-to", Some(Value::keyword(unit))));
        let parts = ["year", "month", "day", "hour", "minute", "second"].map(|name| (name, None));
        for (name, constant) in calls.into_iter().chain(parts) {
            let function = lookup(name).expect("a built-in function");
            for micros in &instants {
                let args: Vec<Value> = std::iter::once(Value::Instant(*micros)).chain(constant.clone()).collect();
                let expected = function.call(&args).ok();
                let stepped = Stepped::of(name, constant.as_ref());
                let found = stepped.and_then(|stepped| {
                    let value = stepped.value(*micros)?;
                    Some(if stepped.gives_instants() { Value::Instant(value) } else { Value::Long(value) })
                });
                assert_eq!(found, expected, "({name} {micros} {constant:?})");
            }
        }
    }
}
