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

/// What came of all programs.
#[derive(Debug, Default)]
struct Counts {
    programs: u64,
    accepted: u64,
    answered: u64,
    non_empty: u64,
    failed: u64,
    too_large: u64,
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[test]
fn the_engine_answers_random_programs_as_the_naive_evaluator_does() {
    let (first, programs) = (number("SEED", 1), number("PROGRAMS", PROGRAMS));
    let mut counts = Counts::default();
    let mut differences = Vec::new();
    for seed in first..first + programs {
        let program = program(seed);
        counts.programs += 1;
        match outcome(&program) {
            Outcome::Refused(error) => {
                if std::env::var_os("SHOW_REFUSED").is_some() {
                    println!("refused, seed {seed}: {error}\n{}", program.text());
                }
                continue;
            }
            Outcome::TooLarge => counts.too_large += 1,
            Outcome::Failed => counts.failed += 1,
            Outcome::Agree(rows) => {
                counts.answered += 1;
                counts.non_empty += u64::from(rows > 0);
            }
            Outcome::Differ(_) => {
                let small = shrunk(&program);
                let Outcome::Differ(difference) = outcome(&small) else { unreachable!("what is shrunk still differs") };
                differences.push(format!("SEED={seed}\n{difference}\n{}\n", small.describe()));
            }
        }
        counts.accepted += 1;
        if differences.len() == LIMIT_SHOWN {
            break;
        }
    }
    println!("{counts:?}, {} differences", differences.len());
    assert!(differences.is_empty(), "from SEED={first}, after {counts:?}:\n{}", differences.join("\n"));
    if programs >= PROGRAMS {
        assert!(counts.accepted * 100 >= counts.programs * 60, "too few programs are accepted: {counts:?}");
        assert!(counts.non_empty * 100 >= counts.accepted * 40, "too few answers have rows: {counts:?}");
        assert!((counts.failed + counts.too_large) * 100 <= counts.accepted * 10, "too many programs tell nothing: {counts:?}");
    }
}
