//! Promise: answers are right. Attacked with random programs over random histories, answered by the engine (with columns of several makes and
//! clauses in several orders) and by the naive evaluator.
//!
//! `SEED=` is the first seed, `PROGRAMS=` the number of programs: `SEED=77 PROGRAMS=1 cargo test -p annals-query --test random_programs`
//! runs the one program of seed 77. `SHOW=1` prints what is refused, and what fails in some orders only.

mod common;

use common::random::query::program;
use common::random::shrink::shrunk_with_facts;
use common::random::tally::{Replay, check};
use common::random::trial::{InMemory, outcome};

/// Programs when nothing else is asked for.
const PROGRAMS: u64 = 2_000;

#[test]
fn the_engine_answers_random_programs_as_the_naive_evaluator_does() {
    check(PROGRAMS, 20, &|seeds, tally| {
        for seed in seeds {
            let replay = Replay(seed);
            let program = program(seed);
            tally.take(seed, outcome(&program, &InMemory), &program, |difference| {
                let (small, difference) = shrunk_with_facts(&program, difference, &InMemory);
                format!("{difference}\n{}", small.describe())
            });
            drop(replay);
        }
    });
}
