//! Numbered steps from an empty file to the newest format, forward only; and the check that a file is what those steps made.

use std::path::Path;
use std::sync::OnceLock;

use rusqlite::Connection;

use super::failure::{damaged, failure};
use super::{ends, genesis, words};
use crate::error::{Error, ErrorKind, Result};

/// `AnLs`: says whose file this is, also to file(1).
pub(super) const APPLICATION_ID: i32 = 0x416e_4c73;

/// Step n stands at n - 1. A step that was released is never edited.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_datoms.sql"),
    include_str!("../../migrations/0002_contract.sql"),
    include_str!("../../migrations/0003_fulltext.sql"),
    include_str!("../../migrations/0004_entities.sql"),
    include_str!("../../migrations/0005_current.sql"),
];

/// The first version that has the index of words.
const WITH_WORDS: usize = 3;

/// The first version that has the table `entities`.
const WITH_ENTITIES: usize = 4;

/// What a file is, as its header and schema say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing was ever committed to it: its creation was interrupted, or goes on in another process.
    Unfinished,
    /// A store of this version, with exactly the tables, indexes, triggers and views of it.
    Version(usize),
}

/// Everything that an attacker could have changed in the schema: (type, name, table, sql).
type SchemaRow = (String, String, String, Option<String>);

/// Tells what a file is; refuses what is not a store, what is newer and what was changed.
pub(super) fn inspect(connection: &Connection, path: &Path) -> Result<State> {
    if !connection.is_autocommit() {
        return inspect_inside(connection, path);
    }
    // All that is read belongs to one moment: another process may be making the store.
    let transaction = connection.unchecked_transaction().map_err(failure)?;
    let state = inspect_inside(&transaction, path)?;
    if state != State::Unfinished {
        ends::check(&transaction)?;
    }
    Ok(state)
}

fn inspect_inside(connection: &Connection, path: &Path) -> Result<State> {
    let application: i32 = pragma(connection, "application_id")?;
    let version: i32 = pragma(connection, "user_version")?;
    let schema = schema_rows(connection).map_err(failure)?;
    if application == 0 && version == 0 && schema.is_empty() {
        return Ok(State::Unfinished);
    }
    if application != APPLICATION_ID {
        return Err(of_another_program().with_value(path.display()));
    }
    let newest = MIGRATIONS.len();
    match usize::try_from(version) {
        Ok(version) if version > newest => Err(Error::new(
            ErrorKind::NewerStore,
            format!("{} has format {version}; this program knows formats up to {newest}", path.display()),
        )
        .with_value(version)
        .with_help("install a newer version of annals")),
        Ok(version) if version > 0 => compare(&schema, expected(version)?).map(|()| State::Version(version)),
        _ => Err(damaged(format!("the store's format number is {version}")).with_value(version)),
    }
}

/// True if stores of this version have the table `entities`.
pub(super) fn has_entities(version: usize) -> bool {
    version >= WITH_ENTITIES
}

/// Lets a connection that only reads find entities in a store of an older version as in one of the newest: each datom is found by
/// itself there, through the index that the version has.
pub(super) fn adapt(connection: &Connection, version: usize) -> Result<()> {
    if has_entities(version) {
        return Ok(());
    }
    let sql = "CREATE TEMP VIEW IF NOT EXISTS entities (e, id, n) AS SELECT e, id, 1 FROM main.datoms";
    connection.execute_batch(sql).map_err(failure)
}

/// Brings a file to the newest version, in one transaction: all of it or nothing. A file that holds nothing yet also gets
/// its first transaction; true if it did.
pub(super) fn migrate(connection: &Connection, path: &Path) -> Result<bool> {
    if inspect(connection, path)? == State::Version(MIGRATIONS.len()) {
        return Ok(false);
    }
    connection.execute_batch("BEGIN IMMEDIATE").map_err(failure)?;
    let outcome =
        migrate_inside(connection, path).and_then(|is_new| connection.execute_batch("COMMIT").map(|()| is_new).map_err(failure));
    if outcome.is_err() && !connection.is_autocommit() {
        // The error that matters is the one that led here; closing the connection rolls back in any case.
        let _ = connection.execute_batch("ROLLBACK");
    }
    outcome
}

/// Makes the tables and numbers of the newest version in an empty file, inside a transaction, and no row.
pub(super) fn make(connection: &Connection) -> Result<()> {
    MIGRATIONS.iter().try_for_each(|step| connection.execute_batch(step)).map_err(failure)?;
    let numbers = format!("PRAGMA user_version = {}; PRAGMA application_id = {APPLICATION_ID}", MIGRATIONS.len());
    connection.execute_batch(&numbers).map_err(failure)
}

fn migrate_inside(connection: &Connection, path: &Path) -> Result<bool> {
    let done = match inspect(connection, path)? {
        State::Unfinished => 0,
        State::Version(version) => version,
    };
    for step in &MIGRATIONS[done..] {
        connection.execute_batch(step).map_err(failure)?;
    }
    connection.execute_batch(&format!("PRAGMA user_version = {}", MIGRATIONS.len())).map_err(failure)?;
    if (1..WITH_WORDS).contains(&done) {
        words::index_declared(connection).map_err(failure)?;
    }
    if done == 0 {
        connection.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}")).map_err(failure)?;
        genesis::write(connection)?;
    }
    Ok(done == 0)
}

/// What the schema of an open file is: `verify` does not rely on what was found at opening.
pub(super) struct Shape {
    /// The format by its number, or the newest if the number is wrong.
    pub(super) version: usize,
    pub(super) problem: Option<Error>,
    /// True if the two tables of the log are what this program makes, whatever else is wrong.
    pub(super) has_log: bool,
}

/// Looks at everything that the header and the schema say. A newer store is an error, as at opening, and so is the file of another program.
pub(super) fn shape(connection: &Connection) -> Result<Shape> {
    let found = schema_rows(connection).map_err(failure)?;
    let (application, number): (i32, i32) = (pragma(connection, "application_id")?, pragma(connection, "user_version")?);
    let newest = MIGRATIONS.len();
    let known = usize::try_from(number).ok().filter(|number| (1..=newest).contains(number));
    let version = known.unwrap_or(newest);
    let ours = expected(version)?;
    let is_ours = |row: &SchemaRow| ours.iter().any(|other| other.1 == row.1);
    if application != APPLICATION_ID && !found.is_empty() && !found.iter().any(is_ours) {
        return Err(of_another_program());
    }
    let differs = compare(&found, ours).err();
    if known.is_none() && number > 0 && (application, differs.is_some()) == (APPLICATION_ID, true) {
        return Err(Error::new(
            ErrorKind::NewerStore,
            format!("the store has format {number}; this program knows formats up to {newest}"),
        )
        .with_value(number)
        .with_help("install a newer version of annals"));
    }
    let is_log = |row: &&SchemaRow| row.0 == "table" && ["datoms", "txs"].contains(&&*row.1);
    let has_log = ours.iter().filter(is_log).all(|row| found.contains(row));
    let problem = differs.or_else(|| {
        let what = |what: String| Some(damaged(what));
        match (known, application) {
            (None, _) => what(format!("the store's format number is {number}, and its tables are those of format {newest}")),
            (_, APPLICATION_ID) => None,
            _ => {
                what(format!("the file says that it belongs to another program ({application:#x}), and is a store all the same"))
            }
        }
    });
    Ok(Shape { version, problem, has_log })
}

const OTHER: &str = "the file is an SQLite database of another program";

/// True if the file can be read well, and has nothing of a store.
pub(super) fn is_of_another_program(error: &Error) -> bool {
    error.kind() == ErrorKind::NotAStore && error.message() == OTHER
}

fn of_another_program() -> Error {
    Error::new(ErrorKind::NotAStore, OTHER).with_help("give the path of a store; `annals init` makes one")
}

fn compare(found: &[SchemaRow], expected: &[SchemaRow]) -> Result<()> {
    if let Some(missing) = expected.iter().find(|row| !found.iter().any(|other| other.0 == row.0 && other.1 == row.1)) {
        return Err(damaged(format!("the {} {} is missing from the store", missing.0, missing.1)).with_value(&missing.1));
    }
    let Some(strange) = found.iter().find(|row| !expected.contains(row)) else { return Ok(()) };
    let is_known = expected.iter().any(|row| row.0 == strange.0 && row.1 == strange.1);
    let what = if is_known { "is not what this program made" } else { "does not belong to a store" };
    Err(damaged(format!("the {} {} {what}", strange.0, strange.1)).with_value(&strange.1))
}

/// Tables that other programs keep in a store, with the one form they have: the statistics that ANALYZE leaves, which decide speed
/// and not answers, and what Litestream notes while it replicates, which nothing here reads.
const GUESTS: &[(&str, &str)] = &[
    ("sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"),
    ("sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"),
    ("_litestream_lock", "CREATE TABLE _litestream_lock (id INTEGER)"),
    ("_litestream_seq", "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)"),
];

/// True for a table of another program: exactly so, as whatever else is passed over here could be anything.
fn is_guest((kind, name, table, sql): &SchemaRow) -> bool {
    let is_known = |known: &(&str, &str)| known.0 == name && Some(known.1) == sql.as_deref();
    kind == "table" && name == table && GUESTS.iter().any(is_known)
}

/// All objects but the tables of other programs.
fn schema_rows(connection: &Connection) -> rusqlite::Result<Vec<SchemaRow>> {
    let mut statement = connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")?;
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    rows.filter(|row| row.as_ref().map_or(true, |row| !is_guest(row))).collect()
}

/// What the first `version` steps make, learned by making it in memory. What failed for want of memory is tried again.
fn expected(version: usize) -> Result<&'static [SchemaRow]> {
    static EXPECTED: OnceLock<Vec<Vec<SchemaRow>>> = OnceLock::new();
    if let Some(all) = EXPECTED.get() {
        return Ok(&all[version - 1]);
    }
    let connection = Connection::open_in_memory().map_err(failure)?;
    let learn = |step: &&str| connection.execute_batch(step).and_then(|()| schema_rows(&connection));
    let learned = MIGRATIONS.iter().map(learn).collect::<rusqlite::Result<_>>().map_err(failure)?;
    Ok(&EXPECTED.get_or_init(|| learned)[version - 1])
}

fn pragma(connection: &Connection, name: &str) -> Result<i32> {
    connection.query_row(&format!("PRAGMA {name}"), (), |row| row.get(0)).map_err(failure)
}

#[cfg(test)]
mod tests {
    //! The promise: an old store opens, each step is atomic, and a newer store is refused. Attacked with a store of each format,
    //! with a step that cannot complete, and with a number from the future.

    use rusqlite::config::DbConfig;
    use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

    use super::*;
    use crate::store::{Access, Store};

    /// A store as the first `version` steps leave it.
    fn store_of_version(path: &Path, version: usize) {
        let connection = Connection::open(path).expect("a database");
        // As on our own connections: the trigger takes an id that SQLite is to give for a wrong one.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).expect("the option exists");
        for step in &MIGRATIONS[..version] {
            connection.execute_batch(step).expect("the step works");
        }
        if !has_entities(version) {
            // What today's writer says beyond that format goes with this connection.
            connection.execute_batch("CREATE TEMP TABLE entities (e, id, n)").expect("a table");
        }
        genesis::write(&connection).expect("transaction 1");
        let numbers = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version}");
        connection.execute_batch(&numbers).expect("the numbers");
    }

    fn version(path: &Path) -> i32 {
        pragma(&Connection::open(path).expect("the file opens"), "user_version").expect("a number")
    }

    #[test]
    fn a_store_of_every_format_opens_and_becomes_the_newest() {
        for old in 1..=MIGRATIONS.len() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let path = folder.path().join("annals.db");
            store_of_version(&path, old);
            let as_it_is = Store::open(&path, Access::ReadOnly).expect("readable as it is");
            let basis = as_it_is.basis().expect("a basis");
            assert_eq!(as_it_is.verify().expect("a report").problem, None);
            drop(as_it_is);
            assert_eq!(version(&path), old as i32, "reading changes nothing");
            let store = Store::open(&path, Access::ReadWrite).expect("migrated");
            assert_eq!((store.basis().expect("a basis"), version(&path)), (basis, MIGRATIONS.len() as i32));
            assert_eq!(store.verify().expect("a report").problem, None);
        }
    }

    #[test]
    fn a_newer_store_is_refused_by_name_and_version_and_left_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("annals.db");
        store_of_version(&path, MIGRATIONS.len());
        Connection::open(&path).and_then(|other| other.execute_batch("PRAGMA user_version = 99")).expect("a number");
        for access in [Access::ReadOnly, Access::ReadWrite] {
            let error = Store::open(&path, access).expect_err("it is newer");
            assert_eq!((error.kind(), error.value()), (ErrorKind::NewerStore, Some("99")));
            assert!(error.message().contains("annals.db") && error.message().contains("99"), "{error}");
            assert!(error.help().is_some_and(|help| help.contains("newer version")), "{error}");
        }
        assert_eq!(version(&path), 99);
    }

    #[test]
    fn a_step_that_fails_leaves_the_store_as_it_was() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("annals.db");
        store_of_version(&path, 1);
        let mut connection = Connection::open(&path).expect("the file opens");
        let before = schema_rows(&connection).expect("a schema");
        // The last view of step 2 cannot be made, after the others were.
        let refuse = |context: AuthContext<'_>| match context.action {
            AuthAction::CreateView { view_name: "state_kv" } => Authorization::Deny,
            _ => Authorization::Allow,
        };
        connection.authorizer(Some(refuse)).expect("a hook");
        assert!(migrate(&connection, &path).is_err());
        assert!(connection.is_autocommit(), "the transaction is over");
        drop(connection);
        let connection = Connection::open(&path).expect("the file opens");
        assert_eq!((schema_rows(&connection).expect("a schema"), version(&path)), (before, 1));
        assert_eq!(basis_t(&connection), 1);
        assert!(Store::open(&path, Access::ReadWrite).is_ok(), "the next opening completes it");
    }

    fn basis_t(connection: &Connection) -> i64 {
        super::super::read::basis(connection).expect("a basis").t
    }
}
