//! Contestants do the same work in turns; the median of each counts.

use std::time::{Duration, Instant};

use clap::ValueEnum;
use rustix::time::{ClockId, clock_gettime};

use crate::chance::Chance;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Clock {
    /// The time that passes.
    Wall,
    /// The time that all threads of this process spend on processors.
    Processor,
}

/// Short work is repeated within a turn for so long, so that the clock's own time does not show.
const TURN: Duration = Duration::from_micros(300);
/// A contestant that takes long takes fewer turns, so that all of its turns take no longer than this.
const PATIENCE: Duration = Duration::from_secs(4);
const FEWEST_TURNS: usize = 3;

/// Someone who does the work and says how many rows came out; `None` if it cannot do it in the time it is given.
pub type Contestant<'w> = Box<dyn FnMut() -> Option<usize> + 'w>;

/// What a contestant took for the work once, in milliseconds, and the rows it found.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// Milliseconds.
    pub ms: f64,
    /// Rows that came out.
    pub rows: usize,
}

/// How turns are taken.
#[derive(Clone, Copy, Debug)]
pub struct Turns {
    /// How many each contestant takes at most.
    pub rounds: usize,
    /// What is measured.
    pub clock: Clock,
}

impl Turns {
    /// Lets the contestants do their work in turns. Each does it once before, uncounted. Every round has an order by chance: caches and
    /// memory are as the contestant before left them, so nobody always comes after the same one.
    pub fn take(self, contestants: &mut [Contestant<'_>]) -> Vec<Option<Took>> {
        let mut pace: Vec<Option<Pace>> = contestants.iter_mut().map(|work| self.warm(work)).collect();
        let (mut chance, mut order) = (Chance::new(1), (0..contestants.len()).collect::<Vec<_>>());
        for round in 0..self.rounds {
            chance.shuffle(&mut order);
            for &at in &order {
                let (work, pace) = (&mut contestants[at], &mut pace[at]);
                let Some(pace) = pace.as_mut().filter(|pace| round < pace.turns) else { continue };
                let start = now(self.clock);
                for _ in 0..pace.repeats {
                    pace.rows = work().unwrap_or(pace.rows);
                }
                pace.times.push(since(self.clock, start).as_secs_f64() * 1e3 / pace.repeats as f64);
            }
        }
        pace.into_iter().map(|pace| pace.map(Pace::took)).collect()
    }

    fn warm(self, work: &mut Contestant<'_>) -> Option<Pace> {
        work()?;
        let start = Instant::now();
        let rows = work()?;
        let once = start.elapsed().max(Duration::from_nanos(100));
        let repeats = (TURN.as_nanos() / once.as_nanos()).clamp(1, 64) as usize;
        let patience = (PATIENCE.as_nanos() / once.as_nanos()) as usize;
        let turns = self.rounds.min(patience.max(FEWEST_TURNS)).max(1);
        Some(Pace { repeats, turns, rows, times: Vec::with_capacity(turns) })
    }
}

/// How a contestant goes on, and what it took so far.
struct Pace {
    repeats: usize,
    turns: usize,
    rows: usize,
    times: Vec<f64>,
}

impl Pace {
    fn took(mut self) -> Took {
        Took { ms: median(&mut self.times), rows: self.rows }
    }
}

/// A moment of the clock.
pub fn now(clock: Clock) -> Duration {
    let id = match clock {
        Clock::Wall => ClockId::Monotonic,
        Clock::Processor => ClockId::ProcessCPUTime,
    };
    let time = clock_gettime(id);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What a clock says since a moment of it.
pub fn since(clock: Clock, moment: Duration) -> Duration {
    now(clock).saturating_sub(moment)
}

/// The middle one; not a number if there are none.
pub fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
