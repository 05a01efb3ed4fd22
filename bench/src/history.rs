//! Questions about the history of runs: 1,000 runs with a million lines of five facts, beside a narrow table in SQLite made for them;
//! the same as of the middle of history; and state at an instant.

mod cold;
mod floor;
mod kept;
mod lines;
mod past;
mod state;

use annals::{Connection, Db, Value};

use self::floor::Floor;
pub use self::kept::{history, made};
pub use self::lines::Lines;
use crate::arguments::Arguments;
use crate::asked::Asked;
use crate::sheet::{Line, Sheet, Target};
use crate::sqlite;
use crate::turns::{Contestant, Turns};

/// The run that is asked about.
const ASKED: usize = 3;

/// A question about one run or all, three times.
struct Question {
    name: &'static str,
    datalog: &'static str,
    /// True if it is about one run, which is then its input.
    of_run: bool,
    narrow: &'static str,
    floor: Option<fn(&Floor) -> usize>,
    target: Target,
}

const QUESTIONS: &[Question] = &[
    Question {
        name: "lines by level, one run",
        datalog: "[:find ?level (count ?line) :in $ ?run :where [?line :log/run ?run] [?line :log/level ?level]]",
        of_run: true,
        narrow: "SELECT level, count(*) FROM run_logs WHERE run_id=?1 GROUP BY level",
        floor: Some(Floor::by_level_of_run),
        target: Target::AtMost(0.3),
    },
    Question {
        name: "errors of one run",
        datalog: "[:find ?seq ?message :in $ ?run
                   :where [?line :log/run ?run] [?line :log/level :error] [?line :log/seq ?seq] [?line :log/message ?message]]",
        of_run: true,
        narrow: "SELECT seq, message FROM run_logs WHERE run_id=?1 AND level='error'",
        floor: Some(Floor::errors_of_run),
        target: Target::AtMost(0.15),
    },
    Question {
        name: "last 100 lines of a run",
        datalog: "[:find ?seq ?ts ?level ?message :in $ ?run
                   :where [?line :log/run ?run] [?line :log/seq ?seq] [?line :log/ts ?ts] [?line :log/level ?level]
                          [?line :log/message ?message]
                   :order-by [?seq :desc] :limit 100]",
        of_run: true,
        narrow: "SELECT seq, ts, level, message FROM run_logs WHERE run_id=?1 ORDER BY seq DESC LIMIT 100",
        floor: None,
        target: Target::AtMost(0.05),
    },
    Question {
        name: "read a run",
        datalog: "[:find ?seq ?ts ?level ?message :in $ ?run
                   :where [?line :log/run ?run] [?line :log/seq ?seq] [?line :log/ts ?ts] [?line :log/level ?level]
                          [?line :log/message ?message]
                   :order-by ?seq]",
        of_run: true,
        narrow: "SELECT seq, ts, level, message FROM run_logs WHERE run_id=?1 ORDER BY seq",
        floor: Some(Floor::read_run),
        target: Target::AtMost(1.8),
    },
    Question {
        name: "lines by level, all",
        datalog: "[:find ?level (count ?line) :where [?line :log/level ?level]]",
        of_run: false,
        narrow: "SELECT level, count(*) FROM run_logs GROUP BY level",
        floor: Some(Floor::by_level),
        target: Target::AtMost(5.0),
    },
    Question {
        name: "lines by level and hour, all",
        datalog: "[:find ?level ?hour (count ?line)
                   :where [?line :log/level ?level] [?line :log/ts ?ts] [(hour ?ts) ?hour]]",
        of_run: false,
        narrow: "SELECT level, ts / 3600000000 % 24 AS hour, count(*) FROM run_logs GROUP BY level, hour",
        floor: Some(Floor::by_level_and_hour),
        target: Target::Times(0.1, &[2]),
    },
];

/// What the questions are asked of.
struct History {
    db: Db,
    narrow: rusqlite::Connection,
    indexed: rusqlite::Connection,
    /// The id of the run that is asked about, in the store and in the tables: one with many lines, in the first half of history.
    run: String,
    row_run: String,
    floor: Floor,
}

/// Asks all questions.
pub fn measure(arguments: &Arguments) -> Vec<Sheet> {
    let lines = Lines::of_scale(arguments.scale);
    let kept = kept::history(arguments, &lines);
    let connection = Connection::open(&kept.store).expect("the store opens");
    let history = History {
        db: connection.db().expect("a value of the store"),
        narrow: rusqlite::Connection::open(&kept.narrow).expect("the table opens"),
        indexed: rusqlite::Connection::open(&kept.indexed).expect("the table opens"),
        run: run_id(&connection, &format!("run-{ASKED}")),
        row_run: kept::row_id(ASKED),
        floor: Floor::of(&lines, ASKED),
    };
    for table in [&history.narrow, &history.indexed] {
        table.execute_batch("PRAGMA cache_size=-1000000").expect("a cache that holds all of it");
    }
    warm(&history);
    let turns = Turns { rounds: arguments.rounds, clock: arguments.clock };
    let asked = QUESTIONS.iter().filter(|question| arguments.wants(question.name));
    let now = Sheet {
        title: format!("Run history: {} runs, {} lines, five facts a line", lines.runs(), lines.count()),
        about: format!(
            "Prepared and warm: all questions were asked before, several times. One run has {} lines. The floor is a loop over plain columns in Rust. SQLite: a narrow table \
             `run_logs(run_id, seq, ts, level, message)` with the key `(run_id, seq)`, all of it in its cache, and the same with an index \
             on `(run_id, level)` and one on `(level, ts)`.",
            lines.of_run(ASKED)
        ),
        of: "question",
        unit: "ms",
        ours: 1,
        columns: ["Annals", "floor", "SQLite narrow", "SQLite indexed"].map(str::to_owned).to_vec(),
        lines: asked.map(|question| line(question, turns, &history)).collect(),
    };
    let mut sheets = vec![now, past::sheet(arguments, turns, &history)];
    sheets.extend(cold::sheets(arguments, &history, &kept));
    sheets.push(state::sheet(arguments, turns));
    sheets
}

/// Asks everything so often that what is kept in memory is there, and what is made beside the readers is made.
fn warm(history: &History) {
    for question in QUESTIONS {
        let asked = history.asked(question, &history.db);
        for _ in 0..20 {
            asked.rows();
        }
    }
}

fn run_id(connection: &Connection, name: &str) -> String {
    let db = connection.db().expect("a value of the store");
    let answer = db.q("[:find ?id . :in $ ?name :where [?run :run/name ?name] [?run :run/id ?id]]", &[Value::from(name).into()]);
    match answer.expect("the question is right").into_value() {
        Value::String(id) => id.to_string(),
        other => panic!("the run {name} has an id, not {other:?}"),
    }
}

impl History {
    fn asked<'d>(&self, question: &Question, db: &'d Db) -> Asked<'d> {
        let reference = || Value::from(vec![Value::keyword("run/id"), Value::from(self.run.as_str())]).into();
        Asked::new(db, question.datalog, if question.of_run { vec![reference()] } else { Vec::new() })
    }
}

fn line(question: &Question, turns: Turns, history: &History) -> Line {
    let asked = history.asked(question, &history.db);
    let mut narrow = sqlite::prepare(&history.narrow, question.narrow);
    let mut indexed = sqlite::prepare(&history.indexed, question.narrow);
    let parameters: &[&dyn rusqlite::ToSql] = if question.of_run { &[&history.row_run] } else { &[] };
    let mut contestants: Vec<Contestant<'_>> = vec![
        Box::new(|| asked.rows()),
        Box::new(|| question.floor.map(|floor| floor(&history.floor))),
        Box::new(|| Some(sqlite::rows_of(&mut narrow, parameters))),
        Box::new(|| Some(sqlite::rows_of(&mut indexed, parameters))),
    ];
    let took = turns.take(&mut contestants);
    let rows = took[0].map(|took| took.rows);
    for other in took.iter().flatten() {
        assert_eq!(Some(other.rows), rows, "{}: all find the same rows", question.name);
    }
    Line {
        name: question.name.to_owned(),
        rows,
        figures: took.iter().map(|took| took.map(|took| took.ms)).collect(),
        target: Some(question.target),
    }
}
