//! A hardened connection: nothing that a file says is trusted, and what is acknowledged is on the disk.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::failure::failure;
use super::{Access, Durability};
use crate::error::Result;
use crate::limits::{BUSY_TIMEOUT, LIMIT_VALUE_BYTES};

/// Prepared statements that a connection keeps: more than this crate has.
const STATEMENTS: usize = 64;

/// Bytes of a page of a new store. A small commit writes the ends of a few B-trees, each a page to checksum and to write, so small
/// pages make it cheaper; large commits and reading gain from large ones. Half of SQLite's default costs a commit of one line a
/// quarter less, and nothing else a tenth more.
const PAGE_BYTES: i64 = 2_048;

/// Bytes of the write-ahead log after which it is folded into the file. A small commit writes the ends of the same few B-trees
/// again and again, and each page is folded once: the rarer, the less is written and synced.
const CHECKPOINT_BYTES: i64 = 16 << 20;

/// SQLite's run-time limits, far above what this crate's own statements need.
const LIMITS: &[(Limit, i32)] = &[
    (Limit::SQLITE_LIMIT_LENGTH, (LIMIT_VALUE_BYTES * 4) as i32),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 4 << 20),
    (Limit::SQLITE_LIMIT_COLUMN, 100),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 10),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 16),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 1_000),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 4),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];

/// Opens the file at an absolute, canonical path. The path is never read as a URI, and no symbolic link is followed.
pub(super) fn connect(path: &Path, access: Access) -> Result<Connection> {
    let access_flag = match access {
        Access::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Access::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let flags =
        access_flag | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failure)?;
    harden(&mut connection).map_err(failure)?;
    Ok(connection)
}

/// Gives a connection that writes its journal and its durability. A file that holds nothing yet gets its size of pages.
pub(super) fn prepare_to_write(connection: &Connection, durability: Durability) -> Result<()> {
    connection.pragma_update(None, "page_size", PAGE_BYTES).map_err(failure)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0)).map_err(failure)?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(super::failure::damaged(format!("the store's journal mode is {mode} and cannot be changed to WAL")));
    }
    let page_bytes: i64 = connection.query_row("PRAGMA page_size", (), |row| row.get(0)).map_err(failure)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_BYTES / page_bytes.max(512)).map_err(failure)?;
    set_durability(connection, durability)
}

/// Says when a commit counts as done.
pub(super) fn set_durability(connection: &Connection, durability: Durability) -> Result<()> {
    let level = match durability {
        Durability::Full => "PRAGMA synchronous = FULL",
        Durability::Normal => "PRAGMA synchronous = NORMAL",
    };
    connection.execute_batch(level).map_err(failure)
}

fn harden(connection: &mut Connection) -> rusqlite::Result<()> {
    for (limit, value) in LIMITS {
        connection.set_limit(*limit, *value)?;
    }
    // Triggers and views in the file are for other clients. Here they neither run, whoever wrote them, nor cost: asking for
    // each datom whether its id is taken would add a third to a commit, and plain INSERT refuses a taken id anyway.
    for (option, value) in [
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        // Without it SQLite looks at what is bound to a range and, as it is built with statistics, reads and plans the whole
        // statement anew whenever that has changed: ten times what a point read takes.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        connection.set_db_config(option, value)?;
    }
    wait_for_others(connection)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // automatic_index: an index made for one query reads all datoms; every query here has the index that it wants.
    // temp_store: a sorter that spills would write facts into a file that others may read.
    connection.execute_batch(
        "PRAGMA cell_size_check = ON; PRAGMA recursive_triggers = ON; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;
         PRAGMA automatic_index = OFF; PRAGMA synchronous = FULL; PRAGMA cache_size = -8192;",
    )
}

/// From now on a lock that somebody else has is waited for.
pub(super) fn wait_for_others(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(wait_for_turn))
}

/// Waits a little before SQLite tries for a lock again: commits take microseconds to milliseconds, so the first waits are
/// short, and many processes share one store fairly. Gives up after [`BUSY_TIMEOUT`].
fn wait_for_turn(tries_before: i32) -> bool {
    const QUICK: (i32, Duration) = (20, Duration::from_micros(100));
    const SLOW: Duration = Duration::from_millis(4);
    if tries_before < QUICK.0 {
        std::thread::sleep(QUICK.1);
        return true;
    }
    if SLOW * (tries_before - QUICK.0).unsigned_abs() >= BUSY_TIMEOUT {
        return false;
    }
    std::thread::sleep(SLOW);
    true
}

#[cfg(test)]
mod tests {
    //! The promise: every connection is hardened, whatever the file says. Attacked by asking SQLite what is set, and by trying
    //! what must not work.

    use super::*;

    fn connection(access: Access) -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("annals.db");
        drop(crate::store::Store::create(&path).expect("a new store"));
        let path = std::fs::canonicalize(path).expect("the file is there");
        let connection = connect(&path, access).expect("a connection");
        (folder, connection)
    }

    #[test]
    fn a_connection_has_every_setting_that_is_promised() {
        let (_folder, connection) = connection(Access::ReadWrite);
        prepare_to_write(&connection, Durability::Full).expect("a writer");
        let check = |pragma: &str, expected: &str| {
            let found = connection.query_row(&format!("PRAGMA {pragma}"), (), |row| {
                row.get_ref(0).map(|value| match value {
                    rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    other => other.as_i64().map(|n| n.to_string()).unwrap_or_default(),
                })
            });
            assert_eq!(found.expect("the pragma exists"), expected, "{pragma}");
        };
        check("journal_mode", "wal");
        check("synchronous", "2");
        check("foreign_keys", "1");
        check("trusted_schema", "0");
        check("cell_size_check", "1");
        check("recursive_triggers", "1");
        check("temp_store", "2");
        check("automatic_index", "0");
        check("mmap_size", "0");
        check("page_size", &PAGE_BYTES.to_string());
        check("wal_autocheckpoint", &(CHECKPOINT_BYTES / PAGE_BYTES).to_string());
        for (option, expected) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
        ] {
            assert_eq!(connection.db_config(option).expect("the option exists"), expected, "{option:?}");
        }
        for (limit, expected) in LIMITS {
            assert_eq!(connection.limit(*limit).expect("the limit exists"), *expected, "{limit:?}");
        }
    }

    #[test]
    fn a_statement_is_planned_once_whatever_is_bound_to_it() {
        let (_folder, connection) = connection(Access::ReadOnly);
        let sql =
            "SELECT d.v FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1 WHERE n.e = ?1 AND d.t <= ?2";
        let mut statement = connection.prepare(sql).expect("the tables are there");
        for (e, t) in [(1_i64, 1_i64), (2, 1), (1, 2), (3, 1 << 40)] {
            let mut rows = statement.query((e, t)).expect("a query");
            while rows.next().expect("a row").is_some() {}
        }
        assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
    }

    #[test]
    fn nothing_is_attached_and_the_schema_is_not_written() {
        let (_folder, connection) = connection(Access::ReadWrite);
        for sql in [
            "ATTACH ':memory:' AS other",
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = ''",
            "SELECT load_extension('x')",
            "SELECT * FROM runs",
        ] {
            assert!(connection.execute_batch(sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn a_connection_for_reading_does_not_write() {
        let (_folder, connection) = connection(Access::ReadOnly);
        let error = connection.execute_batch("DELETE FROM avet").expect_err("read only");
        assert_eq!(failure(error).kind(), crate::ErrorKind::ReadOnly);
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let (folder, _connection) = connection(Access::ReadOnly);
        let folder = std::fs::canonicalize(folder.path()).expect("the folder is there");
        let link = folder.join("link.db");
        std::os::unix::fs::symlink(folder.join("annals.db"), &link).expect("a link");
        assert!(connect(&link, Access::ReadOnly).is_err());
    }
}
