//! A store for vectors: what was transacted, the names of its entities, and the views on it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use annals::contract::{Border, find_run, run_border};
use annals::query::edn::{Form, FormKind};
use annals::{Connection, Db, Moment, Options, Report, Result, Tuning, Value};

use crate::registered::options;
use crate::vector::Vector;

/// A store and the names of its entities.
pub(crate) struct Stage {
    folder: Arc<tempfile::TempDir>,
    /// The store.
    pub(crate) connection: Connection,
    names: BTreeMap<String, i64>,
}

impl Stage {
    /// A store in which nothing was said.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let connection = Connection::open_with(folder.path().join("annals.db"), options()).expect("the store opens");
        Self { folder: Arc::new(folder), connection, names: BTreeMap::new() }
    }

    /// A store with what a vector says was there before.
    pub(crate) fn made_of(vector: &Vector<'_>) -> Result<Self> {
        let mut stage = Self::empty();
        stage.set_up(vector)?;
        Ok(stage)
    }

    /// A store of its own with the same history.
    pub(crate) fn copy(&self) -> Self {
        let copy = tempfile::tempdir().expect("a temporary folder");
        for entry in std::fs::read_dir(self.folder.path()).expect("the folder is there") {
            let path = entry.expect("the folder can be listed").path();
            if path.is_file() {
                std::fs::copy(&path, copy.path().join(path.file_name().expect("a name"))).expect("a file can be copied");
            }
        }
        let connection = Connection::open_with(copy.path().join("annals.db"), options()).expect("the copy opens");
        Self { folder: Arc::new(copy), connection, names: self.names.clone() }
    }

    /// The same file opened once more, by who makes no columns of facts but reads them from the log and one by one.
    pub(crate) fn without_columns(&self) -> Self {
        let tuning = Tuning { eager_datoms: 0, tail_datoms: 1, rows_per_pick: 1, small_pick: 0, ..Tuning::default() };
        let options = Options { tuning, create: false, ..options() };
        let connection = Connection::open_with(self.folder.path().join("annals.db"), options).expect("the store opens again");
        Self { folder: Arc::clone(&self.folder), connection, names: self.names.clone() }
    }

    /// Transacts what a vector says was there before.
    pub(crate) fn set_up(&mut self, vector: &Vector<'_>) -> Result<()> {
        for transaction in vector.items("setup") {
            let text = self.fill(vector.source_of(transaction));
            let report = self.connection.transact(&text)?;
            self.learn(&report);
        }
        Ok(())
    }

    /// Takes over the names that a transaction gave.
    pub(crate) fn learn(&mut self, report: &Report) {
        self.names.extend(report.tempids.iter().map(|(name, id)| (name.clone(), *id)));
    }

    /// The text with ids in the place of names.
    pub(crate) fn fill(&self, text: &str) -> String {
        self.fill_with(text, &BTreeMap::new())
    }

    /// The same with further names.
    pub(crate) fn fill_with(&self, text: &str, more: &BTreeMap<String, i64>) -> String {
        let mut parts = text.split("#id ");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let ends = |c: char| c.is_whitespace() || "()[]{}\",".contains(c);
            let (name, rest) = part.split_at(part.find(ends).unwrap_or(part.len()));
            filled.push_str(&self.id(name, more).to_string());
            filled.push_str(rest);
        }
        filled
    }

    fn id(&self, name: &str, more: &BTreeMap<String, i64>) -> i64 {
        let known = more.get(name).or_else(|| self.names.get(name)).copied();
        let by_ident = || self.connection.db().ok().and_then(|db| db.schema().entity(name.strip_prefix(':').unwrap_or(name)));
        known.or_else(by_ident).unwrap_or_else(|| panic!("no entity has the name {name}"))
    }

    /// The value that a vector asks, through the view that it names.
    pub(crate) fn db(&self, vector: &Vector<'_>) -> Result<Db> {
        let db = match vector.items("at-least") {
            [] => self.connection.db()?,
            [t, wait] => {
                let milliseconds = wait.long().expect("milliseconds") as u64;
                self.connection.db_at_least(t.long().expect("a t"), Duration::from_millis(milliseconds))?
            }
            _ => panic!("line {}: :at-least is a t and milliseconds", vector.line),
        };
        self.view(db, vector.items("view"), vector)
    }

    /// A value seen through a chain of views.
    pub(crate) fn view(&self, db: Db, chain: &[Form], vector: &Vector<'_>) -> Result<Db> {
        chain.iter().try_fold(db, |db, step| match (step.keyword(), step.vector()) {
            (Some("history"), _) => Ok(db.history()),
            (Some("now"), _) => Ok(db.now()),
            (None, Some([word, argument])) => match word.keyword().expect("a view is named by a keyword") {
                "as-of" => db.as_of(moment(&db, argument)?),
                "since" => db.since(moment(&db, argument)?),
                "with" => Ok(db.with(&self.fill(vector.source_of(argument)))?.db_after),
                "filter" => Ok(match argument.keyword() {
                    Some("added") => db.filter(|datom| datom.added),
                    Some("unexplained") => db.filter(|datom| datom.m == 0),
                    _ => panic!("line {}: no filter {argument}", vector.line),
                }),
                other => panic!("line {}: no view {other}", vector.line),
            },
            _ => panic!("line {}: no view {step}", vector.line),
        })
    }
}

fn moment(db: &Db, form: &Form) -> Result<Moment> {
    if let FormKind::Scalar(Value::Instant(instant)) = form.kind {
        return Ok(Moment::Instant(instant));
    }
    if let Some([run, border]) = form.vector() {
        let run = find_run(db, run.string().expect("a run's id"))?;
        let border = if border.keyword() == Some("start") { Border::Start } else { Border::End };
        return Ok(Moment::T(run_border(db, &run, border)?));
    }
    Ok(Moment::T(form.long().expect("a moment is a t, an instant or a run's border")))
}
