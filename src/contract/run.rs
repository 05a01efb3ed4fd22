//! A run as the store knows it, and the ways to name one.

use std::sync::Arc;

use annals_query::Value;
use serde::Serialize;

use super::known::Known;
use super::liveness::Process;
use super::status::Status;
use crate::datom::Datom;
use crate::db::Db;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::attribute as a;

/// Candidates that an error about an ambiguous name lists.
const LIMIT_CANDIDATES: usize = 10;

/// A run: what is known of it at the moment of the `Db` it was read from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Run {
    /// Its id, `:run/id`.
    pub id: Arc<str>,
    /// Its entity.
    pub entity: i64,
    /// What people call it.
    pub name: Option<Arc<str>>,
    /// How it is recorded or executed.
    pub mode: Option<Arc<str>>,
    /// How it goes, as last said. See [`Run::is_lost`].
    pub status: Option<Status>,
    /// When it began, in microseconds since 1970.
    pub created_at: Option<i64>,
    /// The instant of the transaction that last said something about it.
    pub updated_at: i64,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// The run inside which it was started.
    pub parent: Option<i64>,
    /// The folder it worked in.
    pub project_path: Option<Arc<str>>,
    /// The command line.
    pub command: Option<Arc<str>>,
    /// The exit code of its program.
    pub exit_code: Option<i64>,
    /// The signal that ended its program.
    pub signal: Option<i64>,
    /// How long it ran, in microseconds.
    pub duration_us: Option<i64>,
    /// Why it could not be run or recorded.
    pub error: Option<Arc<str>>,
    /// The machine.
    pub host: Option<Arc<str>>,
    /// The process that records it.
    #[serde(skip)]
    pub process: Option<Process>,
    /// True if it has ended by now, also where the view is of a time before.
    #[serde(skip)]
    pub has_ended: bool,
}

impl Run {
    /// The run that this entity is; `None` if it has no `:run/id`.
    pub fn read(db: &Db, entity: i64) -> Result<Option<Self>> {
        let datoms = db.datoms_of_entity(entity)?;
        let known = Known(&datoms);
        let Some(id) = known.text(a::RUN_ID) else { return Ok(None) };
        let host = known.text(a::RUN_HOST);
        let process = host.as_ref().zip(known.long(a::RUN_PID)).map(|(host, pid)| Process {
            host: host.to_string(),
            pid,
            start: known.long(a::RUN_PROCESS_START),
        });
        let status = known.text(a::RUN_STATUS).map(|status| Status::named(&status));
        let has_ended = status != Some(Status::Running) || !is_running_now(db, entity)?;
        Ok(Some(Self {
            id,
            entity,
            name: known.text(a::RUN_NAME),
            mode: known.text(a::RUN_MODE),
            status,
            created_at: known.instant(a::RUN_CREATED_AT),
            updated_at: db.instant_of(known.newest_t())?.unwrap_or(0),
            finished_at: known.instant(a::RUN_FINISHED_AT),
            parent: known.long(a::RUN_PARENT),
            project_path: known.text(a::RUN_PROJECT_PATH),
            command: known.text(a::RUN_COMMAND),
            exit_code: known.long(a::RUN_EXIT_CODE),
            signal: known.long(a::RUN_SIGNAL),
            duration_us: known.long(a::RUN_DURATION_US),
            error: known.text(a::RUN_ERROR),
            host,
            process,
            has_ended,
        }))
    }

    /// True if it is said to be running, but the process that recorded it on this machine is gone.
    pub fn is_lost(&self) -> bool {
        !self.has_ended && self.process.as_ref().is_some_and(Process::is_gone)
    }

    /// The name of its status as people see it: `lost` if it is lost.
    pub fn status_name(&self) -> &str {
        if self.is_lost() { "lost" } else { self.status.as_ref().map_or("unknown", Status::name) }
    }
}

/// What is said of its status now, whatever the view.
fn is_running_now(db: &Db, entity: i64) -> Result<bool> {
    let datoms = db.now().datoms_of_entity(entity)?;
    Ok(Known(&datoms).text(a::RUN_STATUS).is_some_and(|status| Status::named(&status) == Status::Running))
}

/// Which runs [`runs`] gives.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// With this [`status_name`](Run::status_name), `lost` included.
    pub status: Option<String>,
    /// Started inside this run.
    pub parent: Option<i64>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// Runs, newest first.
pub fn runs(db: &Db, filter: &RunFilter) -> Result<Vec<Run>> {
    let mut found = Vec::new();
    for (_, entity) in ids_newest_first(db)? {
        if filter.limit.is_some_and(|limit| found.len() >= limit) {
            break;
        }
        let Some(run) = Run::read(db, entity)? else { continue };
        let is_wanted =
            filter.status.as_deref().is_none_or(|status| run.status_name() == status.strip_prefix(':').unwrap_or(status));
        if is_wanted && filter.parent.is_none_or(|parent| run.parent == Some(parent)) {
            found.push(run);
        }
    }
    Ok(found)
}

/// The run that a person means: its id, any unambiguous beginning of it, `last`, or `last~2` for the second before the last.
pub fn find_run(db: &Db, name: &str) -> Result<Run> {
    let entity = match back_from_last(name) {
        Some(back) => {
            let ids = ids_newest_first(db)?;
            let found = ids.get(back).map(|(_, entity)| *entity);
            found.ok_or_else(|| {
                not_found(
                    name,
                    &match ids.len() {
                        0 => "there are no runs".to_owned(),
                        1 => "there is one run".to_owned(),
                        many => format!("there are {many} runs"),
                    },
                )
            })?
        }
        None => find_by_id(db, name)?,
    };
    Run::read(db, entity)?.ok_or_else(|| not_found(name, "no run has this id"))
}

/// The run that this process is part of, if `ANNALS_RUN` names one that the store knows.
pub fn enclosing_run(db: &Db) -> Result<Option<Run>> {
    let Ok(id) = std::env::var("ANNALS_RUN") else { return Ok(None) };
    match db.holder(a::RUN_ID, &Value::from(id))? {
        Some(entity) => Run::read(db, entity),
        None => Ok(None),
    }
}

/// A moment in the life of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// `RUN@start`: the transaction that made it.
    Start,
    /// `RUN@end`: the transaction that gave it the status it has, once that is not `running`.
    End,
}

/// The transaction at a run's border.
pub fn run_border(db: &Db, run: &Run, border: Border) -> Result<i64> {
    let datoms = db.datoms_of_entity(run.entity)?;
    let t_of = |attribute| datoms.iter().find(|datom: &&Datom| datom.a == attribute).map(|datom| datom.t);
    match border {
        Border::Start => t_of(a::RUN_ID).ok_or_else(|| not_found(&run.id, "no run has this id")),
        Border::End if run.status == Some(Status::Running) => {
            Err(Error::new(ErrorKind::Time, format!("run {} has not ended", run.id))
                .with_value(format!("{}@end", run.id))
                .with_help(format!("use `{}@start`, or leave the time out to see it as it is now", run.id)))
        }
        Border::End => t_of(a::RUN_STATUS).ok_or_else(|| not_found(&run.id, "nothing says that it ended")),
    }
}

/// How many runs before the last one `last` or `last~2` means.
fn back_from_last(name: &str) -> Option<usize> {
    match name.strip_prefix("last")? {
        "" => Some(0),
        rest => rest.strip_prefix('~')?.parse().ok(),
    }
}

fn find_by_id(db: &Db, name: &str) -> Result<i64> {
    if let Some(entity) = db.holder(a::RUN_ID, &Value::from(name))? {
        return Ok(entity);
    }
    let beginning = name.to_ascii_lowercase();
    let mut found = ids_newest_first(db)?;
    found.retain(|(id, _)| !beginning.is_empty() && id.to_ascii_lowercase().starts_with(&beginning));
    match &found[..] {
        [] => Err(not_found(name, "no run has an id that begins so")),
        [(_, entity)] => Ok(*entity),
        several => {
            let mut ids: Vec<&str> = several.iter().take(LIMIT_CANDIDATES).map(|(id, _)| &**id).collect();
            if several.len() > LIMIT_CANDIDATES {
                ids.push("..");
            }
            Err(Error::new(ErrorKind::Ambiguous, format!("{} runs have an id that begins with `{name}`", several.len()))
                .with_value(name)
                .with_help(format!("write more of it: {}", ids.join(", "))))
        }
    }
}

/// Ids and entities of all runs, the one that was begun last first: each run opened the next partition.
fn ids_newest_first(db: &Db) -> Result<Vec<(Arc<str>, i64)>> {
    let mut found = Vec::new();
    for datom in db.datoms_of_indexed(a::RUN_ID)? {
        if let Value::String(id) = datom.v {
            found.push((id, datom.e));
        }
    }
    found.sort_unstable_by_key(|(_, entity)| std::cmp::Reverse(*entity));
    Ok(found)
}

fn not_found(name: &str, why: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no run `{name}`: {why}"))
        .with_value(name)
        .with_help("`annals runs` lists them; a run is named by its id, a beginning of it, `last` or `last~2`")
}
