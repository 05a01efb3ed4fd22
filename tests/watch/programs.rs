//! Promise: whatever is asked, and however its answer is kept up, a watch says what asking again says. Attacked with random programs
//! over random histories: a store is told one transaction after the other while watches of every kind of upkeep follow it, read after
//! each transaction or after several; each change must be the difference of two answers of the values at hand.
//!
//! `SEED=` is the first seed, `STORES=` the number of stores: `SEED=77 STORES=1 cargo test --test watch programs` runs the store of seed 77.

use std::sync::Arc;

use annals::query::Value;
use annals::store::Durability;
use annals::{Change, Connection, Datom, Db, Error, Input, Moment, Options, Transaction, Tuning, Upkeep, Watch, WatchOptions};

use crate::common::memory::{Keep, View};
use crate::common::random::query::program_in;
use crate::common::random::setting::Setting;
use crate::common::random::{Program, Random, Source};
use crate::fold;
use crate::told::{self, LOOKUPS, NAMES};

/// Stores when nothing else is asked for.
const STORES: u64 = 12;

/// Programs that are watched in one store.
const PROGRAMS: u64 = 12;

const UPKEEPS: [Upkeep; 3] = [Upkeep::Sparing, Upkeep::ByDelta, Upkeep::ByAskingAgain];

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// What a random store is told, and what programs can speak of at the end of it.
fn history(seed: u64) -> (Vec<Transaction>, Setting) {
    let mut random = Random::new(seed ^ 0x0057_A7C4);
    let entities: Arc<[i64]> = told::entities().into();
    random.about(&entities);
    let mut vocabulary = told::vocabulary(&mut random);
    let store = Store::new();
    for declaration in &vocabulary.declarations {
        let _ = store.connection.transact(&format!("[{declaration}]"));
    }
    for number in 0..random.between(12, 30) as usize {
        let forms = vocabulary.transaction(&mut random, number);
        let few = if random.percent(60) { &forms[..forms.len().min(2)] } else { &forms[..] };
        let _ = store.connection.transact(&format!("[{}]", few.join(" ")));
    }
    let db = store.connection.db().expect("a value");
    let transactions = db.tx_range(1..).expect("a log");
    let log: Vec<Datom> = transactions.iter().flat_map(|transaction| transaction.datoms.clone()).collect();
    let setting = Setting {
        fields: vocabulary.fields,
        worlds: vec![Arc::new(fold::facts(&log))],
        entities,
        transactions: (2, transactions.len() as i64),
        names: NAMES.map(str::to_owned).to_vec(),
        lookups: LOOKUPS.map(str::to_owned).to_vec(),
    };
    (transactions, setting)
}

struct Store {
    connection: Connection,
    folder: tempfile::TempDir,
}

impl Store {
    fn new() -> Self {
        let shared = std::path::Path::new("/dev/shm");
        let folder = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() };
        let folder = folder.expect("a temporary folder");
        Self { connection: open(&folder, Tuning::default()), folder }
    }
}

fn open(folder: &tempfile::TempDir, tuning: Tuning) -> Connection {
    let options = Options { durability: Durability::Normal, tuning, ..Options::default() };
    Connection::open_with(folder.path().join("annals.db"), options).expect("the store opens")
}

fn seen(db: &Db, view: View) -> annals::Result<Db> {
    let mut db = db.clone();
    if let Some(t) = view.as_of {
        db = db.as_of(Moment::T(t))?;
    }
    if let Some(t) = view.since {
        db = db.since(Moment::T(t))?;
    }
    if view.is_history {
        db = db.history();
    }
    let keep = view.keep;
    Ok(if keep == Keep::All { db } else { db.filter(move |datom| keep.keeps(datom.e, datom.t, datom.m)) })
}

/// What a program is asked with: its own view, and its inputs.
fn given(program: &Program) -> (View, Vec<Input>) {
    let mut inputs: Vec<Input> = Vec::new();
    let mut own = View::default();
    for (name, source) in &program.sources {
        match source {
            Source::View(_, view) if name == "$" => own = *view,
            Source::View(_, view) => {
                let view = *view;
                inputs.push(Input::view(move |db| seen(&db.now(), view)));
            }
            Source::Rows(rows) => {
                inputs.push(Value::vector(rows.iter().map(|row| Value::vector(row.iter().cloned()))).into());
            }
        }
    }
    if !program.rules.is_empty() {
        inputs.push(Value::from(program.rules_text()).into());
    }
    inputs.extend(program.inputs.iter().map(|(_, value)| Input::from(value.clone())));
    inputs.extend(program.patterns.iter().map(|(_, pattern)| Input::from(Value::from(pattern.as_str()))));
    (own, inputs)
}

type Rows = Vec<Vec<Value>>;

/// A program that is watched in every way, with what must come.
pub(crate) struct Watched {
    place: String,
    text: String,
    inputs: Vec<Input>,
    view: View,
    watches: Vec<Watch>,
    /// The last answer, ascending.
    held: Rows,
    expected: Vec<(i64, Rows, Rows)>,
    failures: usize,
}

fn sorted(mut rows: Rows) -> Rows {
    rows.sort_unstable();
    rows
}

/// What is in one bag and not in the other, both ascending.
fn without(rows: &Rows, others: &Rows) -> Rows {
    let mut others = others.iter().peekable();
    let mut left = Rows::new();
    for row in rows {
        while others.next_if(|other| *other < row).is_some() {}
        if others.next_if(|other| *other == row).is_none() {
            left.push(row.clone());
        }
    }
    left
}

impl Watched {
    /// Watches a query in every way; `None` if it fails from the beginning, as it must then in every way.
    pub(crate) fn new(place: String, text: String, inputs: Vec<Input>, view: View, connections: &[Connection]) -> Option<Self> {
        let mut watched =
            Self { place, text, inputs, view, watches: Vec::new(), held: Vec::new(), expected: Vec::new(), failures: 0 };
        let db = connections[0].db().expect("a value");
        let answer = watched.answer(&db);
        for (upkeep, connection) in UPKEEPS.iter().zip(connections.iter().cycle()) {
            let options = WatchOptions { upkeep: *upkeep, ..WatchOptions::default() };
            let options = if view == View::default() { options } else { options.with_view(move |db| seen(db, view)) };
            match (connection.watch_with(&watched.text, &watched.inputs, options), &answer) {
                (Ok(watch), Ok(_)) => watched.watches.push(watch),
                (Err(_), Err(_)) => {}
                (watch, answer) => panic!("{}\nasked: {answer:?}\nwatched {upkeep:?}: {watch:?}", watched.place),
            }
        }
        watched.held = answer.ok()?;
        watched.expected.push((db.basis_t(), watched.held.clone(), Vec::new()));
        Some(watched)
    }

    fn of_program(seed: u64, setting: &Setting, connections: &[Connection]) -> Option<Self> {
        let mut random = Random::new(seed);
        let mut program = program_in(setting, &mut random);
        if random.percent(70) {
            // Mostly what holds now, as that changes.
            program.sources[0].1 = Source::View(0, View::default());
        }
        let (view, inputs) = given(&program);
        let place = format!("{}\n{}\n{inputs:?}", program.text(), program.rules_text());
        Self::new(place, program.text(), inputs, view, connections)
    }

    fn answer(&self, db: &Db) -> Result<Rows, Error> {
        Ok(sorted(seen(db, self.view)?.q(&self.text, &self.inputs)?.rows))
    }

    /// Notes what the newest transaction must tell.
    fn expect(&mut self, db: &Db) {
        match self.answer(db) {
            Ok(rows) => {
                let (added, removed) = (without(&rows, &self.held), without(&self.held, &rows));
                if !added.is_empty() || !removed.is_empty() {
                    self.expected.push((db.basis_t(), added, removed));
                }
                self.held = rows;
            }
            Err(_) => self.failures += 1,
        }
    }

    /// Reads everything that is there, and compares.
    fn read(&mut self) {
        for (watch, upkeep) in self.watches.iter_mut().zip(UPKEEPS) {
            let mut failures = 0;
            let mut told = Vec::new();
            loop {
                match watch.try_next() {
                    Ok(Some(Change { t, added, removed, .. })) => told.push((t, added, removed)),
                    Ok(None) => break,
                    Err(error) => {
                        failures += 1;
                        assert!(failures <= self.failures, "{upkeep:?} fails: {error}\n{}", self.place);
                    }
                }
            }
            assert_eq!(told, self.expected, "{upkeep:?} tells the left, asking again the right\n{}", self.place);
            assert_eq!(watch.rows(), self.held, "{upkeep:?} holds the left\n{}", self.place);
        }
        self.expected.clear();
        self.failures = 0;
    }
}

/// What watches a query in a store of these connections.
pub(crate) type Watching<'w> = &'w dyn Fn(u64, &Setting, &[Connection]) -> Option<Watched>;

/// Tells stores their random histories, while queries are watched.
pub(crate) fn follow(stores: u64, programs: u64, watching: Watching<'_>) {
    let first = number("SEED", 1);
    let (mut count, mut changes) = (0, 0);
    for seed in first..first + number("STORES", stores) {
        let replay = Replay(seed);
        let (transactions, setting) = history(seed);
        let mut random = Random::new(seed ^ 0xB00C);
        let store = Store::new();
        let small = Tuning { tail_datoms: 3, eager_datoms: 0, point_reads: 2, small_pick: 5, ..Tuning::default() };
        let connections = [store.connection.clone(), store.connection.clone(), open(&store.folder, small)];
        let start = random.between(1, transactions.len() as i64 / 2) as usize;
        connections[0].apply(&transactions[..start]).expect("a prefix of a history");
        let watched = (0..programs).filter_map(|at| watching(seed * programs + at, &setting, &connections));
        let mut watched: Vec<Watched> = watched.collect();
        for transaction in &transactions[start..] {
            connections[random.below(3)].apply(std::slice::from_ref(transaction)).expect("the next transaction");
            let db = connections[0].db().expect("a value");
            for one in &mut watched {
                one.expect(&db);
                changes += one.expected.len();
                if random.percent(60) {
                    one.read();
                }
            }
        }
        watched.iter_mut().for_each(Watched::read);
        count += watched.len();
        drop(replay);
    }
    println!("SEED={first}: {count} programs, {changes} changes");
    assert!(changes > count, "too little changes: {changes} changes of {count} programs");
}

/// Names the seed of a store in which something differs.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("SEED={} STORES=1 replays this", self.0);
        }
    }
}

#[test]
fn a_watch_tells_what_asking_again_tells() {
    follow(STORES, PROGRAMS, &Watched::of_program);
}
