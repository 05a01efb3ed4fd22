//! Questions about a table of people: 20,000 with five facts each and a code, each question prepared and warm, beside plain columns in
//! Rust and two tables in SQLite; and what it costs to ask a text that nobody asked before.

mod columns;
mod question;
mod table;
mod unprepared;

use annals::store::Durability;
use annals::transact::{TxData, ValueTerm};
use annals::{Connection, Db, Input, Options, Value};

use self::columns::Columns;
pub use self::question::{QUESTIONS, Question};
use crate::arguments::Arguments;
use crate::asked::Asked;
use crate::chance::Chance;
use crate::peers;
use crate::sheet::{Line, Sheet, Target};
use crate::sqlite;
use crate::turns::{Contestant, Turns};

const NAMES: [&str; 8] = ["Ivan", "Petr", "Sergei", "Oleg", "Yuri", "Dmitry", "Fedor", "Denis"];
const LAST_NAMES: [&str; 6] = ["Ivanov", "Petrov", "Sidorov", "Kovalev", "Kuznetsov", "Voronoi"];
const SEXES: [&str; 2] = ["male", "female"];

/// One of the people.
pub struct Person {
    name: &'static str,
    last_name: &'static str,
    sex: &'static str,
    age: i64,
    salary: i64,
    code: String,
}

/// So many people, the same in every run.
pub fn people(count: usize) -> Vec<Person> {
    let mut chance = Chance::new(42);
    let person = |at: usize| Person {
        name: chance.choose(&NAMES),
        last_name: chance.choose(&LAST_NAMES),
        sex: chance.choose(&SEXES),
        age: chance.below(100) as i64,
        salary: chance.below(100_000) as i64,
        code: code(at),
    };
    (0..count).map(person).collect()
}

fn code(at: usize) -> String {
    format!("P{at:07}")
}

/// Tells a store about people, many in a transaction.
pub fn tell(connection: &Connection, people: &[Person]) {
    connection
        .transact("[{:db/ident :code :db/valueType :db.type/string :db/unique :db.unique/identity}]")
        .expect("the declaration is right");
    for chunk in people.chunks(10_000) {
        let mut data = TxData::with_capacity(chunk.len() * 6);
        for person in chunk {
            let entity = data.fresh();
            let facts: [(&str, Value); 6] = [
                ("name", person.name.into()),
                ("last-name", person.last_name.into()),
                ("sex", Value::keyword(person.sex)),
                ("age", person.age.into()),
                ("salary", person.salary.into()),
                ("code", person.code.as_str().into()),
            ];
            for (attribute, value) in facts {
                data.add(entity.clone(), attribute, ValueTerm::Value(value));
            }
        }
        connection.transact_data(&data).expect("the people are right");
    }
}

/// A store of its own about people.
pub fn store(people: &[Person]) -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Options { durability: Durability::Normal, ..Options::default() };
    let connection = Connection::open_with(folder.path().join("people.db"), options).expect("a store");
    tell(&connection, people);
    (folder, connection)
}

/// Asks all questions.
pub fn measure(arguments: &Arguments) -> Vec<Sheet> {
    let people = people(arguments.scale.of(2_000, 20_000));
    let (_folder, connection) = store(&people);
    let db = connection.db().expect("a value of the store");
    let (columns, wide, eav) = (Columns::of(&people), table::wide(&people), table::eav(&people));
    let turns = Turns { rounds: arguments.rounds, clock: arguments.clock };
    let asked: Vec<&Question> = QUESTIONS.iter().filter(|question| arguments.wants(question.name)).collect();
    let lines = asked.iter().map(|question| line(question, turns, &db, &columns, &wide, &eav)).collect();
    let mut sheet = Sheet {
        title: format!("The people table: {} people", people.len()),
        about: "Prepared and warm. The floor is a loop over plain columns in Rust. SQLite in memory, statements prepared, every value \
                of every row read: a wide table with covering indexes made for these questions, and a hand-made table `(e, a, v)` \
                with the orders EAV and AVE. Annals hands out typed columns, of which every value is looked at; the last figure of its own is \
                the same answer as rows of values."
            .into(),
        of: "question",
        unit: "ms",
        ours: 1,
        columns: ["Annals", "floor", "SQLite wide", "SQLite EAV + AVE", "Annals, rows of values"].map(str::to_owned).to_vec(),
        lines,
    };
    let mut sheets = vec![unprepared::sheet(arguments, &db)];
    if !arguments.peers.is_empty() {
        sheets.insert(0, beside_peers(arguments, &people, &asked, &mut sheet));
    }
    sheets.insert(0, sheet);
    sheets
}

/// Adds a column for each of the other engines, and gives the mean of the best of them over ours.
fn beside_peers(arguments: &Arguments, people: &[Person], asked: &[&Question], sheet: &mut Sheet) -> Sheet {
    let rows = sheet.lines.iter().filter_map(|line| Some((line.name.clone(), line.rows?))).collect();
    let peers = peers::ask(arguments, people, asked, &rows);
    let mut ratios = Vec::new();
    for line in &mut sheet.lines {
        let took: Vec<Option<f64>> = peers.iter().map(|peer| peer.took.get(&line.name).copied()).collect();
        let best = took.iter().copied().flatten().min_by(f64::total_cmp);
        ratios.extend(best.zip(line.figures[0]).map(|(best, ours)| best / ours));
        line.figures.extend(took);
    }
    sheet.columns.extend(peers.iter().map(|peer| peer.name.clone()));
    let mean = (!ratios.is_empty()).then(|| (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp());
    let remarks: Vec<String> = peers.into_iter().flat_map(|peer| peer.remarks).map(|remark| format!("- {remark}")).collect();
    let line = Line {
        name: format!("the best of them over ours, geometric mean of {} questions", ratios.len()),
        rows: None,
        figures: vec![mean],
        target: Some(Target::AtLeast(10.0)),
    };
    Sheet {
        title: "The people table: other Datalog engines".into(),
        about: format!(
            "The last columns above: each engine in a process of its own, one after the other, the same people and questions, medians as \
             its own program sees them.\n\n{}",
            remarks.join("\n")
        ),
        of: "what",
        unit: "",
        ours: 1,
        columns: vec!["times".into()],
        lines: vec![line],
    }
}

impl Person {
    /// Its six facts, for programs in other languages.
    pub fn as_json(&self) -> serde_json::Value {
        serde_json::json!([self.name, self.last_name, self.sex, self.age, self.salary, self.code])
    }
}

fn line(
    question: &Question,
    turns: Turns,
    db: &Db,
    columns: &Columns,
    wide: &rusqlite::Connection,
    eav: &rusqlite::Connection,
) -> Line {
    let asked = Asked::new(db, question.datalog, question.inputs());
    let (mut of_wide, mut of_eav) = (sqlite::prepare(wide, question.wide), sqlite::prepare(eav, question.eav));
    let mut contestants: Vec<Contestant<'_>> = vec![
        Box::new(|| asked.rows()),
        Box::new(|| (question.floor)(columns)),
        Box::new(|| Some(sqlite::rows_of(&mut of_wide, &[]))),
        Box::new(|| Some(sqlite::rows_of(&mut of_eav, &[]))),
        Box::new(|| asked.rows_of_values()),
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
        target: Some(Target::Times(1.0, &[2, 3])),
    }
}

impl Question {
    /// What is given for its `:in`.
    pub fn inputs(&self) -> Vec<Input> {
        self.input.map(|input| Value::from(input).into()).into_iter().collect()
    }
}
