//! Writing a run: its beginning, its lines, its state, its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use annals_query::{Uuid, Value};

use super::keyword::keyword;
use super::level::Level;
use super::line::Line;
use super::liveness::Process;
use super::run::Run;
use super::setting::Setting;
use super::state;
use super::status::Status;
use crate::connection::Connection;
use crate::db::now_micros;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::attribute as a;
use crate::transact::{AttributeTerm, EntityTerm, TxData, ValueTerm};

/// Lines that [`Recorder::log`] keeps before it writes them.
pub const LIMIT_BUFFER_LINES: usize = 128;

/// Bytes that [`Recorder::log`] keeps before it writes them.
pub const LIMIT_BUFFER_BYTES: usize = 64 << 10;

/// How old the first kept line may be when another one comes.
pub const BUFFER_AGE: Duration = Duration::from_millis(100);

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
/// [`append`](Self::append) writes at once; [`log`](Self::log) keeps lines a little while to write many together. Dropping a recorder
/// writes what is kept and leaves the run `running`.
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
    connection: Connection,
    entity: i64,
    id: Arc<str>,
    kept: Vec<Line>,
    kept_bytes: usize,
    kept_since: Option<Instant>,
    closing: Vec<(AttributeTerm, Value)>,
}

impl Recorder {
    /// Begins a run: once this returns, it is in the store.
    pub fn start(connection: &Connection, options: RunOptions) -> Result<Self> {
        let id: Arc<str> = Uuid::now_v7().to_string().into();
        let mut data = TxData::new();
        let run = data.fresh();
        for (attribute, value) in opening(&id, options)? {
            data.add_because(run.clone(), attribute, value, run.clone());
        }
        let report = connection.transact_data(&data)?;
        let entity =
            report.id_of(&run).ok_or_else(|| Error::new(ErrorKind::Damaged, "a run was written, but it has no entity"))?;
        Ok(Self::of(connection, entity, id))
    }

    /// Goes on with a run that is there, from this process or another.
    pub fn resume(connection: &Connection, run: &Run) -> Self {
        Self::of(connection, run.entity, run.id.clone())
    }

    fn of(connection: &Connection, entity: i64, id: Arc<str>) -> Self {
        let connection = connection.clone();
        Self { connection, entity, id, kept: Vec::new(), kept_bytes: 0, kept_since: None, closing: Vec::new() }
    }

    /// Begins a run inside this one.
    pub fn child(&self, options: RunOptions) -> Result<Self> {
        Self::start(&self.connection, RunOptions { parent: Some(self.entity), ..options })
    }

    /// The run's id.
    pub fn run_id(&self) -> &str {
        &self.id
    }

    /// The run's entity.
    pub fn entity(&self) -> i64 {
        self.entity
    }

    /// Writes a line at once, after those that are kept.
    pub fn append(&mut self, level: Level, message: impl Into<Arc<str>>) -> Result<()> {
        if self.kept.is_empty() {
            return self.write(&[Line::new(level, message)]);
        }
        self.keep(Line::new(level, message));
        self.flush()
    }

    /// Writes lines at once, in one transaction, after those that are kept.
    pub fn append_batch(&mut self, lines: &[Line]) -> Result<()> {
        self.flush()?;
        self.write(lines)
    }

    /// Keeps a line, to write it together with others: when [`LIMIT_BUFFER_LINES`] or [`LIMIT_BUFFER_BYTES`] are reached, when a line
    /// comes while the first one kept is older than [`BUFFER_AGE`], and with every other call of this recorder that
    /// writes. Kept lines are lost if the process dies.
    pub fn log(&mut self, level: Level, message: impl Into<Arc<str>>) -> Result<()> {
        self.keep(Line::new(level, message));
        let is_old = self.kept_since.is_some_and(|since| since.elapsed() >= BUFFER_AGE);
        if is_old || self.kept.len() >= LIMIT_BUFFER_LINES || self.kept_bytes >= LIMIT_BUFFER_BYTES {
            return self.flush();
        }
        Ok(())
    }

    /// Writes the lines that are kept. If that fails they are kept on.
    pub fn flush(&mut self) -> Result<()> {
        let lines = std::mem::take(&mut self.kept);
        if let Err(error) = self.write(&lines) {
            self.kept = lines;
            return Err(error);
        }
        (self.kept_bytes, self.kept_since) = (0, None);
        Ok(())
    }

    /// Says that a key has this value from now on.
    pub fn set_state(&mut self, namespace: &str, key: &str, value: impl Into<Value>) -> Result<()> {
        self.flush()?;
        state::put(&self.connection, Some(self.entity), namespace, key, value.into())
    }

    /// What value a key has now, whoever said so.
    pub fn get_state(&self, namespace: &str, key: &str) -> Result<Option<Value>> {
        state::get(&self.connection.db()?, namespace, key)
    }

    /// Says that a key has no value any more; true if it had one.
    pub fn delete_state(&mut self, namespace: &str, key: &str) -> Result<bool> {
        self.flush()?;
        state::delete(&self.connection, Some(self.entity), namespace, key)
    }

    /// A fact about the run that is written together with its end.
    pub(super) fn say_at_end(&mut self, attribute: i64, value: impl Into<Value>) {
        self.closing.push((attribute.into(), value.into()));
    }

    /// Ends the run with this status, after writing the lines that are kept.
    pub fn finish(mut self, status: &Status) -> Result<()> {
        self.flush()?;
        let mut data = TxData::new();
        let run = EntityTerm::Id(self.entity);
        let ending = [
            (a::RUN_STATUS.into(), keyword("status", status.name())?),
            (a::RUN_FINISHED_AT.into(), Value::Instant(now_micros())),
        ];
        for (attribute, value) in ending.into_iter().chain(std::mem::take(&mut self.closing)) {
            data.add_because(run.clone(), attribute, value, run.clone());
        }
        self.connection.transact_data(&data)?;
        Ok(())
    }

    fn keep(&mut self, line: Line) {
        self.kept_since.get_or_insert_with(Instant::now);
        self.kept_bytes += line.len_bytes();
        self.kept.push(line);
    }

    fn write(&self, lines: &[Line]) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut data = TxData::with_capacity(lines.len() * 5);
        let run = EntityTerm::Id(self.entity);
        for line in lines {
            let level = match &line.level {
                Level::Other(name) => keyword("level", name)?,
                known => known.value(),
            };
            let entity = data.fresh();
            let mut say = |attribute: i64, value: ValueTerm| {
                data.add_because(entity.clone(), attribute, value, run.clone());
            };
            say(a::LOG_RUN, run.clone().into());
            say(a::LOG_TS, Value::Instant(line.ts).into());
            say(a::LOG_LEVEL, level.into());
            say(a::LOG_MESSAGE, Value::String(line.message.clone()).into());
            if let Some(stream) = line.stream {
                say(a::LOG_STREAM, stream.value().into());
            }
            if let Some(bytes) = &line.bytes {
                say(a::LOG_BYTES, Value::Bytes(bytes.clone()).into());
            }
            if line.is_partial {
                say(a::LOG_PARTIAL, true.into());
            }
        }
        self.connection.transact_data(&data)?;
        Ok(())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Nobody is left to be told; a failure leaves the run as a crash would.
        let _ = self.flush();
    }
}

/// What is said of a run when it begins.
fn opening(id: &Arc<str>, options: RunOptions) -> Result<Vec<(AttributeTerm, Value)>> {
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
