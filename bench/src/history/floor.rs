//! The floor: the same lines as plain columns, and a loop for each question.

use std::hint::black_box;

use super::lines::{LEVELS, Lines};

const HOUR: i64 = 3_600_000_000;

/// Lines by run and number; levels as their numbers.
pub struct Floor {
    ts: Vec<i64>,
    level: Vec<u8>,
    message: Vec<String>,
    /// The lines of the run that is asked about.
    run: std::ops::Range<usize>,
}

impl Floor {
    pub fn of(lines: &Lines, asked: usize) -> Self {
        let first: usize = (0..asked).map(|run| lines.of_run(run)).sum();
        let run = first..first + lines.of_run(asked);
        let mut floor = Self { ts: Vec::new(), level: Vec::new(), message: Vec::new(), run };
        for one in (0..lines.runs()).flat_map(|run| lines.read(run)) {
            floor.ts.push(one.ts);
            floor.level.push(one.level as u8);
            floor.message.push(one.message);
        }
        floor
    }

    fn counts(levels: &[u8]) -> usize {
        let mut counts = [0_usize; LEVELS.len()];
        for &level in levels {
            counts[usize::from(level)] += 1;
        }
        black_box(counts).iter().filter(|count| **count > 0).count()
    }

    pub fn by_level_of_run(&self) -> usize {
        Self::counts(&self.level[self.run.clone()])
    }

    pub fn by_level(&self) -> usize {
        Self::counts(&self.level)
    }

    pub fn by_level_and_hour(&self) -> usize {
        let mut counts = [0_usize; LEVELS.len() * 24];
        for (&level, &ts) in self.level.iter().zip(&self.ts) {
            counts[usize::from(level) * 24 + (ts / HOUR % 24) as usize] += 1;
        }
        black_box(counts).iter().filter(|count| **count > 0).count()
    }

    pub fn errors_of_run(&self) -> usize {
        let errors = self.run.clone().filter(|&at| self.level[at] == 0);
        let (seqs, messages): (Vec<usize>, Vec<&str>) =
            errors.map(|at| (at - self.run.start + 1, self.message[at].as_str())).unzip();
        black_box((seqs, messages)).0.len()
    }

    pub fn read_run(&self) -> usize {
        let seqs: Vec<usize> = self.run.clone().map(|at| at - self.run.start + 1).collect();
        let ts = self.ts[self.run.clone()].to_vec();
        let levels: Vec<&str> = self.level[self.run.clone()].iter().map(|&level| LEVELS[usize::from(level)]).collect();
        let messages: Vec<&str> = self.message[self.run.clone()].iter().map(String::as_str).collect();
        black_box((seqs, ts, levels, messages)).0.len()
    }
}
