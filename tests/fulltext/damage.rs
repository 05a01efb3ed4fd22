//! The index of words follows from the log. Attacked with an index that a client emptied, filled or wrote over: `verify` names it,
//! an index that cannot be read costs no answer, and declaring the attribute anew mends it.

use annals::Connection;

use crate::folder::Folder;
use crate::texts;

fn damaged(sql: &str) -> Folder {
    let folder = Folder::new();
    let connection = folder.open();
    connection.transact("[{:db/ident :note/text :db/fulltext true}]").expect("a declaration");
    connection.transact("[{:note/text \"disk full\"} {:note/text \"disk empty\"}]").expect("notes");
    connection.transact("[{:note/text \"tape full\"}]").expect("a note");
    assert_eq!(connection.store().verify().expect("a report").problem, None);
    drop(connection);
    let client = rusqlite::Connection::open(folder.store()).expect("the file opens");
    client.execute_batch(sql).expect(sql);
    folder
}

/// What `verify` says, and whether searches are answered all the same.
#[track_caller]
fn check(sql: &str, what: &str, t: Option<i64>, is_answered: bool) {
    let folder = damaged(sql);
    let connection = folder.open();
    let problem = connection.store().verify().expect("a report").problem.unwrap_or_else(|| panic!("nothing found after {sql}"));
    assert_eq!((problem.code, problem.t), ("verify/words", t), "{sql}: {}", problem.what);
    assert!(problem.what.contains(what) && problem.remedy.contains(":db/fulltext"), "{sql}: {}", problem.what);
    if is_answered {
        assert_eq!(texts(&connection.db().expect("a value"), "note/text", "disk"), ["disk empty", "disk full"], "{sql}");
    }
    mend(&connection);
    assert_eq!(connection.store().verify().expect("a report").problem, None, "{sql}: declared anew");
    connection.transact("[{:note/text \"disk new\"}]").expect("a note");
    let db = folder.open().db().expect("a value");
    assert_eq!(texts(&db, "note/text", "disk"), ["disk empty", "disk full", "disk new"], "{sql}: declared anew");
    assert_eq!(folder.open().store().verify().expect("a report").problem, None, "{sql}: written to");
}

fn mend(connection: &Connection) {
    connection.transact("[[:db/retract :note/text :db/fulltext true]]").expect("no longer declared");
    connection.transact("[{:db/ident :note/text :db/fulltext true}]").expect("declared again");
}

#[test]
fn an_index_of_words_that_says_something_else_is_named_and_mended() {
    let says = "does not say of datom";
    check("INSERT INTO words (words) VALUES ('delete-all')", says, Some(3), false);
    check(
        "INSERT INTO words (words, rowid, text) SELECT 'delete', id, v FROM datoms WHERE v = 'tape full'",
        says,
        Some(4),
        false,
    );
    check("INSERT INTO words (rowid, text) VALUES (7, 'disk')", says, Some(1), true);
    check("INSERT INTO words (rowid, text) SELECT id, 'more' FROM datoms WHERE v = 'disk full'", says, Some(3), true);
    check("INSERT INTO words (rowid, text) VALUES (99999, 'disk')", "which is not there", None, true);
    check("INSERT INTO words (rowid, text) VALUES (-1, 'disk')", "which is not there", None, true);
}

#[test]
fn an_index_of_words_that_cannot_be_read_costs_no_answer() {
    check("DELETE FROM words_data WHERE id > 10", "", None, true);
    check("UPDATE words_data SET block = x'00' WHERE id > 10", "", None, true);
    check("UPDATE words_data SET block = x'ffffffffffffffffffffffffffff' WHERE id = 10", "", None, true);
    check("DELETE FROM words_data", "", None, true);
}

#[test]
fn words_of_an_attribute_that_is_not_declared_are_named() {
    let folder = Folder::new();
    folder.open().transact("[{:note/text \"disk full\"}]").expect("a note");
    let client = rusqlite::Connection::open(folder.store()).expect("the file opens");
    client
        .execute_batch("INSERT INTO words (rowid, text) SELECT id, v FROM datoms WHERE v = 'disk full'")
        .expect("a client writes");
    drop(client);
    let problem = folder.open().store().verify().expect("a report").problem.expect("it is found");
    assert_eq!((problem.code, problem.t), ("verify/words", Some(2)), "{}", problem.what);
}

#[test]
fn a_table_of_the_index_that_is_not_as_it_was_made_is_refused() {
    let refused = |sql: &str| {
        let folder = damaged(sql);
        let error = Connection::open(folder.store()).expect_err(sql);
        assert_eq!(error.code(), "store/damaged", "{sql}: {error}");
    };
    refused("DROP TABLE words");
    refused("DROP TABLE words_idx");
    refused("ALTER TABLE words_data ADD COLUMN extra");
    refused("CREATE TABLE words_docsize (id INTEGER PRIMARY KEY, sz BLOB)");
    refused("DROP TABLE words; CREATE VIRTUAL TABLE words USING fts5 (text)");
}
