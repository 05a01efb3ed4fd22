//! A prepared question as a contestant.

use std::hint::black_box;
use std::time::Duration;

use annals::query::engine::Options;
use annals::query::{Budget, Column};
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

    /// Asks it, looks at every value of every row as it would be read from columns, and counts the rows; `None` if that takes too long
    /// or too much.
    pub fn rows(&self) -> Option<usize> {
        let budget = Budget::default().with_timeout(LIMIT);
        let table = self.prepared.q_table_within(self.db, &self.inputs, Options::default(), &budget).ok()?;
        table.columns().iter().for_each(look);
        Some(table.len())
    }

    /// The same with the answer as rows of values.
    pub fn rows_of_values(&self) -> Option<usize> {
        let budget = Budget::default().with_timeout(LIMIT);
        let answer = self.prepared.q_within(self.db, &self.inputs, Options::default(), &budget).ok()?;
        Some(black_box(answer).rows.len())
    }
}

/// Looks at every value.
fn look(column: &Column) {
    if let Some(numbers) = column.as_longs().or_else(|| column.as_instants()) {
        black_box(numbers.iter().fold(0, |all, number| all ^ number));
    } else if let Some(texts) = column.as_texts() {
        texts.for_each(|text| _ = black_box(text));
    } else {
        column.values().for_each(|value| _ = black_box(value));
    }
}
