//! Promise: answers are right. Attacked with random programs over random histories, answered by the engine (with columns of several makes and
//! clauses in several orders) and by the naive evaluator.
//!
//! `SEED=` is the first seed, `PROGRAMS=` the number of programs: `SEED=77 PROGRAMS=1 cargo test -p annals-query --test random_programs`
//! runs the one program of seed 77.

mod common;

use common::random::query::program;
use common::random::trial::{Outcome, outcome, shrunk};

/// Programs when nothing else is asked for.
const PROGRAMS: u64 = 2_000;

/// Differences shown before the test gives up.
const LIMIT_SHOWN: usize = 5;

/// What came of some programs.
#[derive(Debug, Default)]
struct Counts {
    programs: u64,
    accepted: u64,
    answered: u64,
    non_empty: u64,
    failed: u64,
    too_large: u64,
    differences: Vec<String>,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.programs += other.programs;
        self.accepted += other.accepted;
        self.answered += other.answered;
        self.non_empty += other.non_empty;
        self.failed += other.failed;
        self.too_large += other.too_large;
        self.differences.extend(other.differences);
    }

    fn take(&mut self, seed: u64) {
        let replay = Replay(seed);
        let program = program(seed);
        self.programs += 1;
        self.accepted += 1;
        match outcome(&program) {
            Outcome::Refused(_) => self.accepted -= 1,
            Outcome::TooLarge => self.too_large += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Agree(rows) => {
                self.answered += 1;
                self.non_empty += u64::from(rows > 0);
            }
            Outcome::Differ(difference) => {
                let (small, difference) = shrunk(&program, difference);
                self.differences.push(format!("SEED={seed}\n{difference}\n{}\n", small.describe()));
            }
        }
        drop(replay);
    }
}

/// Names the seed of a program in which something panics.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("SEED={} PROGRAMS=1 replays this", self.0);
        }
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Every `step`th seed.
fn run(seeds: std::ops::Range<u64>, step: usize) -> Counts {
    let mut counts = Counts::default();
    for seed in seeds.step_by(step) {
        counts.take(seed);
        if counts.differences.len() == LIMIT_SHOWN {
            break;
        }
    }
    counts
}

#[test]
fn the_engine_answers_random_programs_as_the_naive_evaluator_does() {
    let (first, programs) = (number("SEED", 1), number("PROGRAMS", PROGRAMS));
    let step = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut counts = Counts::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..step as u64).map(|offset| scope.spawn(move || run(first + offset..first + programs, step))).collect();
        for worker in workers {
            counts.add(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    println!("{counts:?}");
    assert!(counts.differences.is_empty(), "from SEED={first}:\n{}", counts.differences.join("\n"));
    if programs >= PROGRAMS {
        assert!(counts.accepted * 100 >= counts.programs * 60, "too few programs are accepted: {counts:?}");
        assert!(counts.non_empty * 100 >= counts.accepted * 40, "too few answers have rows: {counts:?}");
        assert!((counts.failed + counts.too_large) * 100 <= counts.accepted * 10, "too many programs tell nothing: {counts:?}");
    }
}
