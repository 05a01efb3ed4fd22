//! The lines of all runs, by a fixed seed.

use crate::chance::Chance;
use crate::scale::Scale;

/// The levels, from the rarest.
pub const LEVELS: [&str; 4] = ["error", "warn", "debug", "info"];
/// Of a thousand lines so many are at most as frequent as this level.
const UP_TO: [u64; 4] = [30, 100, 200, 1_000];
/// 2026-01-05, a Monday, in microseconds.
const BEGIN: i64 = 1_767_571_200_000_000;
/// History lasts so long.
const DAYS: i64 = 14;
const WORDS: [&str; 12] = [
    "compiling",
    "linking",
    "checking",
    "reading",
    "writing",
    "retrying",
    "request",
    "answer",
    "cache",
    "module",
    "planet",
    "orbit",
];

/// What is recorded: how many lines each run has.
pub struct Lines {
    lengths: Vec<usize>,
}

/// A line.
pub struct One {
    pub ts: i64,
    pub level: usize,
    pub message: String,
}

impl Lines {
    /// 1,000 runs, a million lines: 90 long runs of 10,000 lines, the others short. Small: a tenth of both.
    pub fn of_scale(scale: Scale) -> Self {
        let (runs, lines, long) = scale.of((100, 100_000, 9), (1_000, 1_000_000, 90));
        let every = runs / long;
        let mut lengths: Vec<usize> =
            (0..runs).map(|run| if run % every == 3 && run / every < long { 10_000 } else { 0 }).collect();
        let short = lengths.iter().filter(|length| **length == 0).count();
        let mut left = lines - lengths.iter().sum::<usize>();
        for (at, length) in lengths.iter_mut().filter(|length| **length == 0).enumerate() {
            *length = left / (short - at);
            left -= *length;
        }
        Self { lengths }
    }

    /// How many runs.
    pub fn runs(&self) -> usize {
        self.lengths.len()
    }

    /// How many lines in all.
    pub fn count(&self) -> usize {
        self.lengths.iter().sum()
    }

    /// How many lines a run has.
    pub fn of_run(&self, run: usize) -> usize {
        self.lengths[run]
    }

    /// The lines of a run in order.
    pub fn read(&self, run: usize) -> impl Iterator<Item = One> {
        let mut chance = Chance::new(run as u64);
        let length = self.lengths[run] as i64;
        let share = DAYS * 86_400_000_000 / self.lengths.len() as i64;
        let begin = BEGIN + run as i64 * share;
        (0..length).map(move |at| {
            let drawn = chance.below(1_000);
            let level = UP_TO.iter().position(|up_to| drawn < *up_to).expect("the last one is all");
            let (first, second, third) = (chance.choose(&WORDS), chance.choose(&WORDS), chance.choose(&WORDS));
            let mut message = format!(
                "{first} {second} {third} {} of {length}, line {at} took {} ms",
                chance.below(length as u64),
                chance.below(90_000)
            );
            while message.len() < 74 {
                message.push('.');
            }
            // A long run takes a day.
            One { ts: begin + at * 86_400_000_000 / length, level, message }
        })
    }
}
