//! The same questions as of the middle of history.

use super::{History, QUESTIONS};
use crate::arguments::Arguments;
use crate::sheet::{Line, Sheet, Target};
use crate::turns::{Contestant, Turns};

/// As of the middle beside now.
pub fn sheet(arguments: &Arguments, turns: Turns, history: &History) -> Sheet {
    let middle = history.db.as_of(history.db.basis_t() / 2).expect("a time in the past");
    let asked = QUESTIONS.iter().filter(|question| arguments.wants(question.name));
    let lines = asked.map(|question| {
        let (then, now) = (history.asked(question, &middle), history.asked(question, &history.db));
        let mut contestants: Vec<Contestant<'_>> = vec![Box::new(|| then.rows()), Box::new(|| now.rows())];
        let took = turns.take(&mut contestants);
        Line {
            name: question.name.to_owned(),
            rows: took[0].map(|took| took.rows),
            figures: took.iter().map(|took| took.map(|took| took.ms)).collect(),
            target: Some(Target::Times(1.3, &[1])),
        }
    });
    Sheet {
        title: "Run history as of its middle".into(),
        about: "The same questions of the value as of the middle transaction, beside now. The run lies in the first half, so its rows are \
                the same."
            .into(),
        of: "question",
        unit: "ms",
        ours: 1,
        columns: ["as of the middle", "now"].map(str::to_owned).to_vec(),
        lines: lines.collect(),
    }
}
