//! Promise: answers are right, whatever a store was told, when it is asked and where its facts lie. Attacked with random schemas and
//! transactions on real stores, and random programs on views of them: now, as of a moment, since one, a history, what might be, filtered, and
//! several of these at once. Each is answered by several handles (columns made at different moments, or not yet) with clauses in several
//! orders, and by the naive evaluator, which sees nothing but the datoms that the transactions reported.
//!
//! `SEED=` is the first seed, `PROGRAMS=` the number of programs: `SEED=77 PROGRAMS=1 cargo test --test oracle` runs the one program
//! of seed 77. `SHOW=1` prints what is refused, and what fails in some orders only.

#[path = "../../query/tests/common/mod.rs"]
mod common;
mod fold;
mod opened;
mod shrink;
mod told;

use common::random::Random;
use common::random::query::program_in;
use common::random::tally::{Replay, check};
use common::random::trial::outcome;

/// Programs when nothing else is asked for.
const PROGRAMS: u64 = 1_000;

/// Programs asked of one store.
const PROGRAMS_PER_STORE: u64 = 25;

#[test]
fn a_store_answers_random_programs_as_the_naive_evaluator_does() {
    check(PROGRAMS, PROGRAMS_PER_STORE, &|seeds, tally| {
        let store = Replay(seeds.start);
        let (script, opened, setting) = opened::random(seeds.start / PROGRAMS_PER_STORE);
        tally.refused += opened.refused as u64;
        for seed in seeds {
            let replay = Replay(seed);
            let program = program_in(&setting, &mut Random::new(seed));
            tally.take(seed, outcome(&program, &opened), &program, |difference| {
                shrink::described(&script, &opened, &program, difference)
            });
            drop(replay);
        }
        drop(store);
    });
}
