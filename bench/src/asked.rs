//! A prepared question as a contestant.

use std::time::Duration;

use annals::query::Budget;
use annals::query::engine::Options;
use annals::{Db, Input, Prepared};

/// No question of the bench may take longer; one that does has no figure.
const LIMIT: Duration = Duration::from_secs(20);

/// A question that is read and checked, with its inputs.
pub struct Asked<'d> {
    db: &'d Db,
    prepared: Prepared,
    inputs: Vec<Input>,
}

impl<'d> Asked<'d> {
    /// Prepares a question for this value.
    pub fn new(db: &'d Db, text: &str, inputs: Vec<Input>) -> Self {
        let prepared = db.prepare(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        Self { db, prepared, inputs }
    }

    /// Asks it and counts the rows; `None` if that takes too long or too much.
    pub fn rows(&self) -> Option<usize> {
        let budget = Budget::default().with_timeout(LIMIT);
        let answer = self.prepared.q_within(self.db, &self.inputs, Options::default(), &budget);
        answer.ok().map(|answer| std::hint::black_box(answer).rows.len())
    }
}
