//! What every command has at hand: the global flags, the store they name, and the view of it they ask for.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use annals::contract::{Run, enclosing_run};
use annals::query::Facts;
use annals::store::Access;
use annals::{Connection, Db, EntityRef, Error, ErrorKind, Order, Result, Value};

use super::arguments::{Format, Global};
use super::failure::{InText as _, Outcome, tell};
use super::{library, moment, output, place};

pub(super) struct Session {
    pub(super) global: Global,
    /// Set by Ctrl-C: a query in progress stops.
    pub(super) interrupted: Arc<AtomicBool>,
    /// What the command does with the store.
    access: Access,
    /// The store, once a command has opened it: the shell asks it again and again.
    opened: OnceCell<Connection>,
}

impl Session {
    /// With these flags, and no store opened.
    pub(super) fn new(global: Global, access: Access) -> Self {
        Self { global, interrupted: Arc::default(), access, opened: OnceCell::new() }
    }

    pub(super) fn format(&self) -> Format {
        output::format_or_default(self.global.format)
    }

    /// The store, which must be there.
    pub(super) fn connection(&self) -> Result<Connection> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened.clone());
        }
        let connection = place::open(self.global.db.as_deref(), self.access)?;
        Ok(self.opened.get_or_init(|| connection).clone())
    }

    /// The run inside which this program was started, if the store knows it. One that it does not know is told, unless `--db` says that another
    /// store is meant than the run's.
    pub(super) fn enclosing_run(&self, connection: &Connection) -> Result<Option<Run>> {
        let run = enclosing_run(&connection.db()?)?;
        let named = std::env::var("ANNALS_RUN").unwrap_or_default();
        if run.is_none() && !named.is_empty() && self.global.db.is_none() {
            tell(&format!("warning: ANNALS_RUN names the run {named}, which is not in {}", connection.path().display()));
            tell("  help: unset ANNALS_RUN, or set ANNALS_DB to the store of that run");
        }
        Ok(run)
    }

    /// The store, made when there is none.
    pub(super) fn connection_or_create(&self) -> Result<Connection> {
        place::open_or_create(self.global.db.as_deref())
    }

    /// The view that `--as-of` and `--since` ask for.
    pub(super) fn db(&self) -> Result<Db> {
        self.view(&self.connection()?.db()?)
    }

    /// The view that `--as-of` and `--since` ask for, read through the lens that `--lens` names.
    pub(super) fn seen(&self) -> Outcome<Db> {
        let db = self.db()?;
        match &self.global.lens {
            Some(argument) => Ok(db.through(&library::lens(&db, argument)?)),
            None => Ok(db),
        }
    }

    /// Reads facts through this lens from now on (a file, or `:NAME` of one that the store keeps); `none` for as they are stored.
    pub(super) fn look_through(&mut self, argument: &str) -> Outcome {
        if argument == "none" {
            self.global.lens = None;
            return Ok(());
        }
        library::lens(&self.db()?, argument)?;
        self.global.lens = Some(argument.to_owned());
        Ok(())
    }

    /// The same view of a newer value of the same store.
    pub(super) fn view(&self, now: &Db) -> Result<Db> {
        let mut db = self.until(now)?;
        if let Some(text) = &self.global.since {
            db = db.since(moment::moment(text, now)?)?;
        }
        Ok(db)
    }

    /// The view that `--as-of` alone asks for: what is said of a run since a moment may lack the fact by which the run is found.
    pub(super) fn until(&self, now: &Db) -> Result<Db> {
        match &self.global.as_of {
            Some(text) => now.as_of(moment::moment(text, now)?),
            None => Ok(now.clone()),
        }
    }

    /// True where errors are told as JSON.
    pub(super) fn errors_as_json(&self) -> bool {
        matches!(self.global.format, Some(Format::Json | Format::Jsonl))
    }

    /// True once Ctrl-C was pressed.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// True if a view other than now was asked for.
    pub(super) fn looks_back(&self) -> bool {
        self.global.as_of.is_some() || self.global.since.is_some()
    }
}

/// Reads an entity of the command line: an id, an ident, a lookup reference.
pub(super) fn entity_ref(text: &str) -> Outcome<EntityRef> {
    let value = annals::query::edn::read(text).in_text("entity", text)?;
    EntityRef::try_from(&value).in_text("entity", text)
}

/// The id of an entity of the command line, which must be known.
pub(super) fn entity_id(db: &Db, text: &str) -> Outcome<i64> {
    db.entity_id(entity_ref(text)?)?.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("no entity is known as {text}"))
            .with_value(text)
            .with_help("name it by its id, its ident (:a/b) or a lookup reference such as '[:run/id \"x\"]'")
            .into()
    })
}

/// How a person names an entity: its run id, its ident, else its number; nil for none.
pub(super) fn known_as(db: &Db, entity: i64) -> Result<Value> {
    if entity == 0 {
        return Ok(Value::Nil);
    }
    if let Some(ident) = db.ident_of(entity)? {
        return Ok(Value::Keyword(ident));
    }
    let components = [Value::Long(entity), Value::Long(annals::schema::attribute::RUN_ID)];
    let run_id = db.now().datoms(Order::Eavt, &components)?.pop().map(|datom| datom.v);
    Ok(run_id.unwrap_or(Value::Long(entity)))
}
