//! What a store has to say after its first t transactions: by SQL, in every view that a stock client sees, and by the library.
//!
//! The log of a run that nothing disturbed is the truth. For each t that a disk shows, its first t transactions are applied to a new
//! store, which is asked the same questions.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, Mutex};

use annals::contract::{self, LogFilter, RunFilter, logs, runs};
use annals::{Connection, Db, Options, Transaction, Tuning};

use crate::disk::Disk;

const VIEWS: [&str; 7] = ["facts", "current_facts", "attributes", "idents", "runs", "run_logs", "state_kv"];

const QUESTIONS: [&str; 6] = [
    "[:find ?e ?a ?v ?t ?m :where [?e ?a ?v ?t ?m]]",
    "[:find ?n ?text ?name :where [?e :app/n ?n] [?e :app/text ?text] [?e :app/name ?name]]",
    "[:find (count ?e) . :where [?e :app/tags :a1]]",
    "[:find ?e :where [(fulltext $ :app/text \"seven\") [[?e ?text]]]]",
    "[:find ?level (count ?line) :where [?line :log/level ?level]]",
    "[:find ?key ?value :where [?state :state/key ?key] [?state :state/value ?value]]",
];

/// The answers to all questions, by the name of the question.
pub(crate) type Answers = BTreeMap<String, String>;

/// What is known of an undisturbed run.
pub(crate) struct Model {
    transactions: Vec<Transaction>,
    hashes: Vec<[u8; 32]>,
    answers: Mutex<BTreeMap<i64, Arc<Answers>>>,
}

impl Model {
    /// Of the store in this disk, which is left alone.
    pub(crate) fn of(disk: &Disk, store: &str) -> Self {
        let folder = tempfile::tempdir_in(crate::quick_folder()).expect("a temporary folder");
        let place = folder.path().join("disk");
        disk.write(&place);
        let connection = Connection::open_existing(place.join(store)).expect("the undisturbed store opens");
        assert_eq!(connection.store().verify().expect("a report").problem, None, "the undisturbed store is sound");
        let transactions = connection.db().and_then(|db| db.tx_range(..)).expect("its transactions");
        let rows = connection.store().transactions(0, i64::MAX).expect("its transactions");
        Self { transactions, hashes: rows.iter().map(|row| row.hash).collect(), answers: Mutex::default() }
    }

    /// The head of the chain after t transactions.
    pub(crate) fn hash(&self, t: i64) -> Option<[u8; 32]> {
        self.hashes.get(usize::try_from(t - 1).ok()?).copied()
    }

    /// What a store of the first t transactions answers.
    pub(crate) fn answers(&self, t: i64) -> Arc<Answers> {
        let mut known = self.answers.lock().expect("nobody panicked with it");
        let answers = known.entry(t).or_insert_with(|| {
            let folder = tempfile::tempdir_in(crate::quick_folder()).expect("a temporary folder");
            let path = folder.path().join("annals.db");
            let connection = Connection::open(&path).expect("a new store");
            connection.apply(&self.transactions[..t as usize]).expect("its transactions are applied");
            drop(connection);
            Arc::new(ask(&path, Tuning::default()).expect("the model answers"))
        });
        Arc::clone(answers)
    }
}

/// Asks a store everything.
pub(crate) fn ask(path: &Path, tuning: Tuning) -> Result<Answers, String> {
    let mut answers = Answers::new();
    let stock = rusqlite::Connection::open(path).map_err(|error| error.to_string())?;
    for view in VIEWS {
        answers.insert(format!("view {view}"), rows(&stock, view).map_err(|error| format!("view {view}: {error}"))?);
    }
    drop(stock);
    let options = Options { create: false, tuning, ..Options::default() };
    let connection = Connection::open_with(path, options).map_err(|error| error.to_string())?;
    let mut log = Vec::new();
    let taken = connection.store().log(0, i64::MAX, None, |datom| {
        log.push(datom);
        Ok(())
    });
    taken.map_err(|error| format!("log: {error}"))?;
    answers.insert("log".to_owned(), format!("{log:?}"));
    let now = connection.db().map_err(|error| error.to_string())?;
    ask_library(&now, &mut answers).map_err(|error| error.to_string())?;
    Ok(answers)
}

fn ask_library(now: &Db, answers: &mut Answers) -> annals::Result<()> {
    let middle = (now.basis_t() / 2).max(1);
    let views = [("now", now.clone()), ("as of", now.as_of(middle)?), ("since", now.since(middle)?), ("history", now.history())];
    let mut say = |name: String, answer: &dyn Debug| drop(answers.insert(name, format!("{answer:?}")));
    for (name, db) in &views {
        for question in QUESTIONS {
            // An attribute that nobody has said anything of yet is an error, in either store the same one.
            say(format!("{name}: {question}"), &db.q(question, &[]).map_err(|error| error.to_string()));
        }
        say(format!("{name}: runs"), &runs(db, &RunFilter::default())?);
    }
    for n in 0..7 {
        let name = format!("thing {n}");
        let pulled = now.pull("[* {:app/next [*]}]", (":app/name", name.as_str()));
        say(format!("pull {name}"), &pulled.map_err(|error| error.to_string()));
    }
    for run in runs(now, &RunFilter::default())? {
        say(format!("logs of {}", run.id), &logs(now, &run, &LogFilter::default())?);
    }
    for state in contract::state::list(now, None)? {
        let history = contract::state::history(now, &state.namespace, &state.key)?;
        say(format!("state {} {}", state.namespace, state.key), &(&state, history));
    }
    Ok(())
}

/// The rows of a view as a stock client reads them, sorted.
fn rows(connection: &rusqlite::Connection, view: &str) -> rusqlite::Result<String> {
    let mut statement = connection.prepare(&format!("SELECT * FROM {view}"))?;
    let columns = statement.column_count();
    let rows = statement.query_map((), |row| {
        (0..columns).map(|column| row.get_ref(column).map(|cell| format!("{cell:?}"))).collect::<Result<Vec<_>, _>>()
    })?;
    let mut rows = rows.map(|row| row.map(|cells| cells.join("|"))).collect::<rusqlite::Result<Vec<_>>>()?;
    rows.sort();
    Ok(rows.join("\n"))
}
