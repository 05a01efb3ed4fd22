//! What grows with the data and what must not: the same questions on ten times the people, opening a large store, taking a value of it,
//! planning a long query.

use annals::{Connection, Db};

use crate::arguments::Arguments;
use crate::asked::Asked;
use crate::history::{Lines, history};
use crate::people::{self, QUESTIONS, Question};
use crate::sheet::{Line, Sheet, Target};
use crate::turns::{Contestant, Turns};

/// Questions whose answers grow as the people do, and those that stay small.
const GROWING: [&str; 8] =
    ["q1 name =", "q2 + age", "q3 + sex", "q4 four clauses", "qpred salary >", "qgroup avg, count by", "qnot", "qor"];
const SELECTIVE: [&str; 1] = ["qpoint by identity"];

/// All of it.
pub fn measure(arguments: &Arguments) -> Vec<Sheet> {
    let turns = Turns { rounds: arguments.rounds, clock: arguments.clock };
    vec![people_sheet(arguments, turns), other_sheet(arguments, turns)]
}

fn people_sheet(arguments: &Arguments, turns: Turns) -> Sheet {
    let few = arguments.scale.of(2_000, 20_000);
    let stores = [10 * few, few].map(|count| people::store(&people::people(count)));
    let [many, few_db] = [&stores[0].1, &stores[1].1].map(|connection| connection.db().expect("a value of the store"));
    let line = |question: &Question, limit: f64| {
        let asked = [&many, &few_db].map(|db| Asked::new(db, question.datalog, question.inputs()));
        let mut contestants: Vec<Contestant<'_>> =
            asked.iter().map(|asked| Box::new(|| asked.rows()) as Contestant<'_>).collect();
        let took = turns.take(&mut contestants);
        Line {
            name: question.name.to_owned(),
            rows: took[0].map(|took| took.rows),
            figures: took.iter().map(|took| took.map(|took| took.ms)).collect(),
            target: Some(Target::Times(limit, &[1])),
        }
    };
    let limit = |question: &Question| {
        let is_in = |names: &[&str]| names.contains(&question.name);
        if is_in(&GROWING) { Some(12.0) } else { is_in(&SELECTIVE).then_some(1.5) }
    };
    let wanted = QUESTIONS.iter().filter(|question| arguments.wants(question.name));
    Sheet {
        title: format!("Growth: {} people beside {few}", 10 * few),
        about: "The same questions of ten times as many people.".into(),
        of: "question",
        unit: "ms",
        ours: 1,
        columns: vec!["ten times".into(), "once".into()],
        lines: wanted.filter_map(|question| Some(line(question, limit(question)?))).collect(),
    }
}

fn other_sheet(arguments: &Arguments, turns: Turns) -> Sheet {
    let kept = history(arguments, &Lines::of_scale(arguments.scale));
    let connection = Connection::open(&kept.store).expect("the store opens");
    let datoms = connection.store().datoms_until(i64::MAX).expect("the store counts");
    let db = connection.db().expect("a value of the store");
    let mut lines = Vec::new();
    let opening = format!("opening a store of {:.1} million datoms", datoms as f64 / 1e6);
    let mut take = |name: String, limit_us: f64, work: Contestant<'_>| {
        if arguments.wants(&name) {
            let took = turns.take(&mut [work])[0].map(|took| took.ms * 1e3);
            lines.push(Line { name, rows: None, figures: vec![took], target: Some(Target::AtMost(limit_us)) });
        }
    };
    take(opening, 20_000.0, Box::new(|| Connection::open(&kept.store).ok().map(|_| 1)));
    take("taking a `Db`".into(), 1.0, Box::new(|| connection.db().ok().map(|_| 1)));
    for (name, text) in [("a chain of 30 clauses", chain()), ("a star of 30 clauses", star())] {
        let mut blanks = String::new();
        take(format!("{name}, asked as a new text over no facts"), 10_000.0, Box::new(|| new_text(&db, &text, &mut blanks)));
    }
    Sheet {
        title: "Growth: opening, taking, planning".into(),
        about: "A new text is read, checked, ordered and asked; its attributes have no facts, so that the first three are what it takes."
            .into(),
        of: "what",
        unit: "us",
        ours: 1,
        columns: vec!["Annals".into()],
        lines,
    }
}

/// Asks a text that differs from all before by a blank.
fn new_text(db: &Db, text: &str, blanks: &mut String) -> Option<usize> {
    blanks.push(' ');
    db.q(&format!("{text}{blanks}"), &[]).ok().map(|answer| answer.rows.len())
}

fn chain() -> String {
    let clauses: String = (0..30).map(|at| format!("[?v{at} :run/parent ?v{}]", at + 1)).collect();
    format!("[:find ?v0 ?v30 :where {clauses}]")
}

fn star() -> String {
    const ATTRIBUTES: [&str; 6] = ["run/parent", "run/error", "run/signal", "run/exit-code", "run/os", "run/error"];
    let clauses: String = (0..30).map(|at| format!("[?run :{} ?v{at}]", ATTRIBUTES[at % 6])).collect();
    format!("[:find (count ?run) . :where {clauses}]")
}
