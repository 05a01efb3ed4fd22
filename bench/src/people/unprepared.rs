//! What a text costs that nobody asked before: read, checked, its clauses ordered.

use annals::{Db, Input};

use super::question::QUESTIONS;
use crate::arguments::Arguments;
use crate::asked::Asked;
use crate::sheet::{Line, Sheet, Target};
use crate::turns::{Contestant, Turns};

/// Further questions, about one person.
const OTHERS: [(&str, &str); 3] = [
    (
        "predicates, or, not",
        "[:find ?a . :in $ ?code :where [?e :code ?code] [?e :age ?a] [(< -1 ?a)] (or [?e :sex :male] [?e :sex :female])
          (not [?e :name \"Nobody\"])]",
    ),
    (
        "ten clauses",
        "[:find ?a . :in $ ?code :where [?e :code ?code] [?e :age ?a] [?e :name ?n] [?e :last-name ?l] [?e :sex ?x] [?e :salary ?s]
          [?e :code ?c] [?f :code ?c] [?f :age ?b] [?f :salary ?t]]",
    ),
    ("pull", "[:find (pull ?e [:name :age {:friend [:name]}]) . :in $ ?code :where [?e :code ?code]]"),
];

/// The same questions as a new text each time, and prepared.
pub fn sheet(arguments: &Arguments, db: &Db) -> Sheet {
    let turns = Turns { rounds: arguments.rounds, clock: arguments.clock };
    let asked = QUESTIONS.iter().filter(|question| arguments.wants(question.name));
    let mut lines: Vec<Line> =
        asked.map(|question| more(turns, db, question.name, question.datalog, &question.inputs())).collect();
    let others = OTHERS.iter().filter(|(name, _)| arguments.wants(name));
    lines.extend(others.map(|(name, text)| more(turns, db, name, text, &["P0001234".into()])));
    Sheet {
        title: "A text asked for the first time".into(),
        about:
            "The same questions, each time as a text that nobody asked before: how much more that takes than a prepared question."
                .into(),
        of: "question",
        unit: "us",
        ours: 1,
        columns: ["more", "new text", "prepared"].map(str::to_owned).to_vec(),
        lines,
    }
}

fn more(turns: Turns, db: &Db, name: &str, text: &str, inputs: &[Input]) -> Line {
    let prepared = Asked::new(db, text, inputs.to_vec());
    let mut blanks = String::new();
    let mut contestants: Vec<Contestant<'_>> = vec![
        Box::new(|| {
            // A blank more each time makes it another text.
            blanks.push(' ');
            Some(db.q(&format!("{text}{blanks}"), inputs).expect("the question is right").rows.len())
        }),
        Box::new(|| prepared.rows_of_values()),
    ];
    let took = turns.take(&mut contestants);
    let [new, again] = [took[0], took[1]].map(|took| took.map(|took| took.ms * 1e3));
    let more = new.zip(again).map(|(new, again)| new - again);
    Line { name: name.to_owned(), rows: None, figures: vec![more, new, again], target: Some(Target::AtMost(60.0)) }
}
