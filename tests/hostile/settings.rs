//! The control: with the settings that SQLite has by itself, the corpus does what it is made for. A test that has never seen a hostile
//! store act cannot say that one was kept from acting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::functions::FunctionFlags;

use crate::corpus::{hostile_client, sound_store};

/// A function of a client, counted.
fn counted(client: &rusqlite::Connection) -> Arc<AtomicUsize> {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    client
        .create_scalar_function("canary", -1, FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC, move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok(1)
        })
        .expect("a function");
    calls
}

#[test]
fn an_ordinary_client_calls_what_a_hostile_store_names() {
    let check = |sql: &str, looks: &str| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("annals.db");
        sound_store(&path);
        {
            let client = hostile_client(&path);
            counted(&client);
            client.execute_batch(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
        }
        let client = rusqlite::Connection::open(&path).expect("it opens");
        let calls = counted(&client);
        client.execute_batch(looks).unwrap_or_else(|error| panic!("{looks}: {error}"));
        assert!(calls.load(Ordering::Relaxed) > 0, "{sql}: nothing was called");
        // Ours sees the same file, and refuses it before any statement of its own is made.
        let error = annals::Connection::open_read_only(&path).map(|_| ()).expect_err("it is refused");
        assert_eq!(error.code(), "store/damaged", "{sql}");
    };
    check("DROP VIEW runs; CREATE VIEW runs AS SELECT canary() AS id", "SELECT count(id) FROM (SELECT id FROM runs LIMIT 1)");
    check(
        "UPDATE sqlite_schema SET sql = replace(sql, 'hash    BLOB    NOT NULL', 'hash BLOB NOT NULL, canary ANY AS (canary(t))') WHERE name = 'txs'",
        "SELECT max(canary) FROM txs",
    );
    check("CREATE TRIGGER canary AFTER INSERT ON avet BEGIN SELECT canary(); END", "INSERT INTO avet VALUES (1, 3, 4, 5)");
    check("CREATE INDEX canary ON entities (canary(e))", "INSERT INTO entities VALUES (1, 2, 3)");
    check("CREATE INDEX canary ON entities (n) WHERE canary(e)", "INSERT INTO entities VALUES (1, 2, 3)");
}
