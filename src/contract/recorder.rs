//! Writing a run: its beginning, its lines, its state, its end.

mod pen;
mod queue;
mod redacting;

use std::sync::Arc;

use annals_query::{Unique, Uuid, Value, ValueType};

use super::keyword::keyword;
use super::level::Level;
use super::line::Line;
use super::liveness::Process;
use super::run::Run;
use super::setting::Setting;
use super::state;
use super::status::Status;
use crate::connection::Connection;
use crate::db::{Db, now_micros};
use crate::error::{Error, ErrorKind, Result};
use crate::redact::Redaction;
use crate::schema::attribute as a;
use crate::transact::{AttributeTerm, EntityTerm, TxData};

pub use queue::{FLUSH_AGE, FLUSH_LINES, LIMIT_QUEUE_BYTES, LIMIT_QUEUE_LINES};

use pen::Pen;
use queue::Queue;
use redacting::Redacting;

/// The attribute that tells how many secrets were taken out of a run's lines, without colon. Like any attribute that is not built in, a
/// store knows it from its first use.
const REDACTIONS: &str = "run/redactions";

/// What is said of a run when it begins.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// What people call it.
    pub name: Option<String>,
    /// How it is recorded or executed, a keyword without colon; `manual` if nothing is said.
    pub mode: Option<String>,
    /// The run inside which it is started.
    pub parent: Option<i64>,
    /// The folder it works in.
    pub project_path: Option<String>,
    /// The command line.
    pub command: Option<String>,
    /// Further facts.
    pub settings: Vec<Setting>,
    /// Who records it.
    pub recorded_by: RecordedBy,
    /// Whether secrets are taken out of its name, command line, settings and lines.
    pub redaction: Redaction,
}

/// Who records a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordedBy {
    /// This process: if it dies before the run is finished, the run is lost.
    #[default]
    ThisProcess,
    /// Whoever comes by, such as several commands of a script: the run cannot be lost.
    Anyone,
}

/// Writes one run. Every fact it writes carries the run as m.
///
/// [`append`](Self::append) returns when its line is in the store. [`log`](Self::log) returns at once and lets its line wait in a
/// bounded queue, from which a thread of its own writes many together:
///
/// - when [`FLUSH_LINES`] wait, or the first of them has waited for [`FLUSH_AGE`], they are written in one transaction;
/// - [`flush`](Self::flush) returns when every line said before is in the store, and so do `append`, `append_batch`, `set_state`,
///   `delete_state` and [`finish`](Self::finish). Until then a line is lost if the process dies;
/// - when [`LIMIT_QUEUE_LINES`] or [`LIMIT_QUEUE_BYTES`] wait, `log` waits for the store: lines are never dropped;
/// - if lines cannot be written they wait on, and the next call says why: a `log` that says so has not taken its line, a
///   `flush` that says so can be tried again.
///
/// Lines stand in the store in the order in which they were said. Dropping a recorder writes what waits and leaves the run `running`.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("annals.db");
/// use annals::Connection;
/// use annals::contract::{Level, Recorder, RunOptions, Status};
///
/// let connection = Connection::open(&path)?;
/// let mut recorder = Recorder::start(&connection, RunOptions { name: Some("import".into()), ..RunOptions::default() })?;
/// recorder.append(Level::Info, "reading 3 files")?;
/// recorder.set_state("import", "position", 3)?;
/// recorder.finish(&Status::Succeeded)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Recorder {
    pen: Pen,
    id: Arc<str>,
    /// Lines that wait; begins with the first one.
    queue: Option<Queue>,
    closing: Vec<(AttributeTerm, Value)>,
    /// None where lines are written as they are.
    redacting: Option<Box<Redacting>>,
}

impl Recorder {
    /// Begins a run: once this returns, it is in the store.
    pub fn start(connection: &Connection, options: RunOptions) -> Result<Self> {
        let id: Arc<str> = Uuid::now_v7().to_string().into();
        let mut data = TxData::new();
        let run = data.fresh();
        let redaction = options.redaction;
        let facts = opening(&id, options, connection)?;
        refuse_taken(&facts, &connection.db()?)?;
        for (attribute, value) in facts {
            data.add_because(run.clone(), attribute, value, run.clone());
        }
        let report = connection.transact_data(&data)?;
        let entity =
            report.id_of(&run).ok_or_else(|| Error::new(ErrorKind::Damaged, "a run was written, but it has no entity"))?;
        Ok(Self::of(connection, entity, id).with_redaction(redaction))
    }

    /// Goes on with a run that is there, from this process or another.
    pub fn resume(connection: &Connection, run: &Run) -> Self {
        Self::of(connection, run.entity, run.id.clone()).with_redaction(Redaction::On)
    }

    /// Whether secrets are taken out of lines from now on; see [`redact`](crate::redact). They are unless this is said.
    #[must_use]
    pub fn with_redaction(mut self, redaction: Redaction) -> Self {
        self.redacting = match redaction {
            Redaction::On => Some(Box::new(Redacting::new(&self.pen.connection.redactor()))),
            Redaction::Off => None,
        };
        self
    }

    fn of(connection: &Connection, entity: i64, id: Arc<str>) -> Self {
        Self { pen: Pen { connection: connection.clone(), entity }, id, queue: None, closing: Vec::new(), redacting: None }
    }

    /// Begins a run inside this one.
    pub fn child(&self, options: RunOptions) -> Result<Self> {
        Self::start(&self.pen.connection, RunOptions { parent: Some(self.pen.entity), ..options })
    }

    /// The same run through a new handle: one that failed to write writes no more.
    pub(super) fn reopened(&self) -> Result<Self> {
        let connection = Connection::open_existing(self.pen.connection.path())?;
        Ok(Self::of(&connection, self.pen.entity, Arc::clone(&self.id)))
    }

    /// The run's id.
    pub fn run_id(&self) -> &str {
        &self.id
    }

    /// The run's entity.
    pub fn entity(&self) -> i64 {
        self.pen.entity
    }

    /// Writes a line at once, after those that wait.
    pub fn append(&mut self, level: Level, message: impl Into<Arc<str>>) -> Result<()> {
        self.append_batch(&[Line::new(level, message)])
    }

    /// Writes lines at once, in one transaction, after those that wait.
    pub fn append_batch(&mut self, lines: &[Line]) -> Result<()> {
        self.flush()?;
        let Some(redacting) = &mut self.redacting else { return self.pen.write(lines) };
        // Lines that could not be written may come again: nothing is remembered of them.
        let before = Redacting::clone(redacting);
        let written = self.pen.write(&redacting.lines(lines));
        if written.is_err() {
            **redacting = before;
        }
        written
    }

    /// Lets a line wait for others, to write them together: see [`Recorder`] for when that is, and for what happens if it fails.
    pub fn log(&mut self, level: Level, message: impl Into<Arc<str>>) -> Result<()> {
        self.log_line(Line::new(level, message))
    }

    /// The same for a line with more to it than a level and a text.
    pub fn log_line(&mut self, line: Line) -> Result<()> {
        pen::check(&line)?;
        let queue = match &mut self.queue {
            Some(queue) => queue,
            none => none.insert(Queue::start(self.pen.clone())?),
        };
        let Some(redacting) = &mut self.redacting else { return queue.push(line) };
        let before = Redacting::clone(redacting);
        let pushed = queue.push(redacting.line(&line).unwrap_or(line));
        if pushed.is_err() {
            **redacting = before;
        }
        pushed
    }

    /// Writes the lines that wait, and returns when all of them are in the store. If that fails they wait on.
    pub fn flush(&mut self) -> Result<()> {
        match &self.queue {
            Some(queue) if !queue.is_empty() => queue.flush(),
            _ => Ok(()),
        }
    }

    /// Says that a key has this value from now on.
    pub fn set_state(&mut self, namespace: &str, key: &str, value: impl Into<Value>) -> Result<()> {
        self.flush()?;
        state::put(&self.pen.connection, Some(self.pen.entity), namespace, key, value.into())
    }

    /// What value a key has now, whoever said so.
    pub fn get_state(&self, namespace: &str, key: &str) -> Result<Option<Value>> {
        state::get(&self.pen.connection.db()?, namespace, key)
    }

    /// Says that a key has no value any more; true if it had one.
    pub fn delete_state(&mut self, namespace: &str, key: &str) -> Result<bool> {
        self.flush()?;
        state::delete(&self.pen.connection, Some(self.pen.entity), namespace, key)
    }

    /// A fact about the run that is written together with its end.
    pub(super) fn say_at_end(&mut self, attribute: i64, value: impl Into<Value>) {
        self.closing.push((attribute.into(), value.into()));
    }

    /// Ends the run with this status, after writing the lines that wait.
    pub fn finish(mut self, status: &Status) -> Result<()> {
        self.flush()?;
        let mut data = TxData::new();
        let run = EntityTerm::Id(self.pen.entity);
        let ending = [
            (a::RUN_STATUS.into(), keyword("status", status.name())?),
            (a::RUN_FINISHED_AT.into(), Value::Instant(now_micros())),
        ];
        let redactions = self.redactions()?;
        for (attribute, value) in ending.into_iter().chain(std::mem::take(&mut self.closing)).chain(redactions) {
            data.add_because(run.clone(), attribute, value, run.clone());
        }
        self.pen.connection.transact_data(&data)?;
        Ok(())
    }

    /// How many secrets were taken out of the lines; nothing if there were none, or if the name means something else in this store.
    fn redactions(&self) -> Result<Option<(AttributeTerm, Value)>> {
        let count = self.redacting.as_ref().map_or(0, |redacting| redacting.count());
        if count == 0 {
            return Ok(None);
        }
        let db = self.pen.connection.db()?;
        let declared = db.schema().declaration_by_ident(REDACTIONS).and_then(|declaration| declaration.attribute.value_type);
        let is_free = declared.is_none_or(|kind| kind == ValueType::Long);
        Ok(is_free.then(|| (AttributeTerm::Ident(REDACTIONS.into()), Value::Long(count as i64))))
    }
}

/// What is said of a run when it begins.
fn opening(id: &Arc<str>, options: RunOptions, connection: &Connection) -> Result<Vec<(AttributeTerm, Value)>> {
    let options = if options.redaction == Redaction::On { redacted(options, connection) } else { options };
    let mut facts: Vec<(AttributeTerm, Value)> = vec![
        (a::RUN_ID.into(), Value::String(id.clone())),
        (a::RUN_STATUS.into(), Status::Running.value()),
        (a::RUN_CREATED_AT.into(), Value::Instant(now_micros())),
        (a::RUN_MODE.into(), keyword("mode", options.mode.as_deref().unwrap_or("manual"))?),
        (a::RUN_OS.into(), std::env::consts::OS.into()),
        (a::RUN_ARCH.into(), std::env::consts::ARCH.into()),
    ];
    let texts = [(a::RUN_NAME, options.name), (a::RUN_PROJECT_PATH, options.project_path), (a::RUN_COMMAND, options.command)];
    facts.extend(texts.into_iter().filter_map(|(attribute, text)| Some((attribute.into(), text?.into()))));
    facts.extend(options.parent.map(|parent| (a::RUN_PARENT.into(), Value::Ref(parent))));
    let process = Process::current();
    facts.push((a::RUN_HOST.into(), process.host.into()));
    if options.recorded_by == RecordedBy::ThisProcess {
        facts.push((a::RUN_PID.into(), process.pid.into()));
        facts.extend(process.start.map(|start| (a::RUN_PROCESS_START.into(), start.into())));
    }
    facts.extend(options.settings.into_iter().map(|setting| (AttributeTerm::Ident(setting.attribute), setting.value)));
    Ok(facts)
}

/// A fact by which an entity is known that is there would make the new run a part of it.
fn refuse_taken(facts: &[(AttributeTerm, Value)], db: &Db) -> Result<()> {
    for (attribute, value) in facts {
        let AttributeTerm::Ident(ident) = attribute else { continue };
        let Some(known) = db.schema().declaration_by_ident(ident) else { continue };
        if known.attribute.unique != Some(Unique::Identity) {
            continue;
        }
        if let Some(holder) = db.holder(known.attribute.id, value)? {
            return Err(Error::new(ErrorKind::Uniqueness, format!(":{ident} {value} is unique, and entity {holder} has it"))
                .with_value(value)
                .with_help("a run is an entity of its own: give another value, or an attribute that is not unique"));
        }
    }
    Ok(())
}

/// The options without the secrets in them; what is recorded of the folder stays, as programs find it by that.
fn redacted(options: RunOptions, connection: &Connection) -> RunOptions {
    let redactor = connection.redactor();
    let text = |text: Option<String>| text.map(|text| redactor.text(&text).into_owned());
    let setting = |setting: Setting| match redactor.named_value(&setting.attribute, &setting.value) {
        Some(value) => Setting { value, ..setting },
        None => setting,
    };
    RunOptions {
        name: text(options.name),
        command: text(options.command),
        settings: options.settings.into_iter().map(setting).collect(),
        ..options
    }
}
