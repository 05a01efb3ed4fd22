//! Many programs, counted, by as many threads as the machine has.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Program;
use super::trial::Outcome;

/// Differences shown before a thread gives up.
const LIMIT_SHOWN: usize = 5;

/// What came of some programs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) programs: u64,
    pub(crate) accepted: u64,
    pub(crate) answered: u64,
    pub(crate) non_empty: u64,
    pub(crate) failed: u64,
    pub(crate) unsteady: u64,
    pub(crate) too_large: u64,
    /// Transactions that were refused.
    pub(crate) refused: u64,
    pub(crate) differences: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.programs += other.programs;
        self.accepted += other.accepted;
        self.answered += other.answered;
        self.non_empty += other.non_empty;
        self.failed += other.failed;
        self.unsteady += other.unsteady;
        self.too_large += other.too_large;
        self.refused += other.refused;
        self.differences.extend(other.differences);
    }

    /// Counts a program. `shrink` makes one in which something differs small, and describes it.
    pub(crate) fn take(&mut self, seed: u64, outcome: Outcome, program: &Program, shrink: impl Fn(String) -> String) {
        self.programs += 1;
        self.accepted += 1;
        if std::env::var("SHOW").is_ok_and(|what| what == "all") {
            println!("SEED={seed}\n{}\n{}", program.text(), program.rules_text());
        }
        match outcome {
            Outcome::Refused(error) => {
                self.accepted -= 1;
                if std::env::var_os("SHOW").is_some() {
                    println!("SEED={seed} is refused: {error}\n{}\n{}", program.text(), program.rules_text());
                }
            }
            Outcome::TooLarge => self.too_large += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Unsteady(how) => {
                self.unsteady += 1;
                if std::env::var_os("SHOW").is_some() {
                    println!("SEED={seed} is unsteady: {how}\n{}\n{}", program.text(), program.rules_text());
                }
            }
            Outcome::Agree(rows) => {
                self.answered += 1;
                self.non_empty += u64::from(rows > 0);
            }
            // Where only the verdict counts, the first difference is enough and nothing is made small.
            Outcome::Differ(difference) if std::env::var("SHRINK").is_ok_and(|what| what == "0") => {
                panic!("SEED={seed}\n{}\n{difference}", program.text())
            }
            Outcome::Differ(difference) => self.differences.push(format!("SEED={seed}\n{}\n", shrink(difference))),
        }
    }
}

/// Names the seed of a program in which something panics.
pub(crate) struct Replay(pub(crate) u64);

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

/// Runs the seeds from `SEED=`, `PROGRAMS=` of them or so many, in parts that begin at multiples of `part`. Fails if anything differs, or if the
/// programs tell too little.
#[track_caller]
pub(crate) fn check(programs: u64, part: u64, run: &(dyn Fn(std::ops::Range<u64>, &mut Tally) + Sync)) {
    let (first, asked) = (number("SEED", 1), number("PROGRAMS", programs));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let next = AtomicU64::new(first / part);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let start = next.fetch_add(1, Ordering::Relaxed) * part;
            let seeds = start.max(first)..(start + part).min(first + asked);
            if seeds.is_empty() || tally.differences.len() >= LIMIT_SHOWN {
                return tally;
            }
            run(seeds, &mut tally);
        }
    };
    let mut all = Tally::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            all.add(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    let differences = std::mem::take(&mut all.differences);
    println!("SEED={first} {all:?}, {} differences", differences.len());
    assert!(differences.is_empty(), "from SEED={first}:\n{}", differences.join("\n"));
    if asked >= programs {
        assert!(all.accepted * 100 >= all.programs * 60, "too few programs are accepted: {all:?}");
        assert!(all.non_empty * 100 >= all.accepted * 40, "too few answers have rows: {all:?}");
        assert!(
            (all.failed + all.too_large + all.unsteady) * 100 <= all.accepted * 10,
            "too many programs tell nothing: {all:?}"
        );
    }
}
