//! Declaring: at first, later, no longer; of what may be declared so; and searches that are refused.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use annals::Connection;
use annals::query::{Budget, Code, Facts as _};

use crate::folder::Folder;
use crate::texts;

#[test]
fn an_attribute_may_be_declared_before_while_and_after_it_is_used_and_undeclared() {
    let folder = Folder::new();
    let connection = folder.open();
    let say = |text: &str| connection.transact(text).expect(text).db_after;
    say("[{:note/text \"one disk\"} {:note/title \"a disk\"}]");
    let first = say("[{:db/ident :note/text :db/fulltext true} {:note/text \"two disks\"} {:note/text \"disk three\"}]");
    assert_eq!(texts(&first, "note/text", "disk*"), ["disk three", "one disk", "two disks"]);
    say("[{:db/ident :note/title :db/fulltext true} {:note/title \"disk\"}]");
    let both = say("[{:note/text \"disk four\" :note/title \"four\"}]");
    assert_eq!(texts(&both, "note/title", "disk"), ["a disk", "disk"]);
    say("[[:db/retract :note/text :db/fulltext true] {:note/text \"disk five\" :note/title \"the disk\"}]");
    let one = say("[{:db/ident :note/text :db/doc \"no longer\"}]");
    assert_eq!(texts(&one, "note/title", "disk"), ["a disk", "disk", "the disk"]);
    assert_eq!(code(&one, "note/text", "disk"), Code::NotFulltext);
    assert_eq!(texts(&both, "note/text", "disk four"), ["disk four"], "a value that is held still finds");
    let again = say("[{:db/ident :note/text :db/fulltext true}]");
    assert_eq!(texts(&again, "note/text", "disk"), ["disk five", "disk four", "disk three", "one disk"]);
    assert_eq!(connection.store().verify().expect("a report").problem, None);
}

fn code(db: &annals::Db, attribute: &str, search: &str) -> Code {
    let attribute = db.attribute(attribute).expect("it is known");
    db.fulltext(&attribute, search, &Budget::default()).expect_err(search).code()
}

#[test]
fn a_declaration_that_promises_nothing_is_refused() {
    let folder = Folder::new();
    let connection = folder.open();
    for text in [
        "[{:db/ident :x/n :db/valueType :db.type/long :db/fulltext true}]",
        "[{:db/ident :x/t :db/tupleAttrs [:run/id :run/name] :db/fulltext true :db/valueType :db.type/tuple}]",
        "[{:db/ident :run/status :db/fulltext true}]",
    ] {
        let error = connection.transact(text).expect_err(text);
        assert_eq!((error.code(), error.position().is_some()), ("transaction/declaration", true), "{text}: {error}");
        assert!(error.help().is_some_and(|help| help.contains(":db.type/string")), "{text}: {error}");
    }
    connection.transact("[{:db/ident :x/s :db/fulltext true}]").expect("of any type");
    assert!(connection.transact("[{:db/ident :x/s :db/valueType :db.type/long}]").is_err(), "no type without words afterwards");
    connection.transact("[{:db/ident :x/s :db/valueType :db.type/string}]").expect("the type may follow");
}

#[test]
fn lines_of_runs_may_be_searched() {
    let folder = Folder::new();
    let connection = folder.open();
    connection
        .transact("[{:db/id \"r\" :run/id \"r1\"} {:log/run \"r\" :log/message \"connection refused by 10.0.0.1\"}]")
        .expect("a line");
    connection.transact("[{:db/ident :log/message :db/fulltext true}]").expect("a built-in attribute may be searched");
    assert_eq!(texts(&connection.db().expect("a value"), "log/message", "refused 10.0.0.1").len(), 1);
    assert!(connection.transact("[{:db/ident :log/message :db/doc \"mine\"}]").is_err(), "and nothing else of it altered");
}

#[test]
fn a_search_that_cannot_be_answered_says_why_and_what_to_do() {
    let folder = Folder::new();
    let connection = folder.open();
    connection.transact("[{:db/ident :note/text :db/fulltext true} {:note/title \"x\"}]").expect("a declaration");
    let db = connection.db().expect("a value");
    for (attribute, search, expected, help) in [
        ("note/title", "x", Code::NotFulltext, "[{:db/ident :note/title :db/fulltext true}]"),
        ("note/text", "\"x", Code::Search, "quote"),
        ("note/text", "", Code::Search, "at least one word"),
        ("note/text", "x AND", Code::Search, "at least one word"),
        ("note/text", "text: \"' OR 1 --", Code::Search, "quote"),
    ] {
        let known = db.attribute(attribute).expect("it is known");
        let error = db.fulltext(&known, search, &Budget::default()).expect_err(search);
        assert_eq!((error.code(), error.value()), (expected, Some(&*annals::Value::from(search).to_string())), "{error}");
        assert!(error.help().is_some_and(|shown| shown.contains(help)), "{search}: {error} {:?}", error.help());
    }
}

/// The hardest shapes that a search may have: each level uses every operator.
#[test]
fn the_largest_search_that_is_read_is_answered() {
    let folder = Folder::new();
    let connection = folder.open();
    connection.transact("[{:db/ident :note/text :db/fulltext true} {:note/text \"a b c d\"}]").expect("a note");
    let db = connection.db().expect("a value");
    let deep = (0..8).fold("a".to_owned(), |inner, _| format!("x OR y AND z NOT b OR a b ({inner})"));
    assert_eq!(texts(&db, "note/text", &deep).len(), 1, "{deep}");
    let deep = (0..8).fold("x".to_owned(), |inner, _| format!("y OR a AND b NOT x NOT y z ({inner} b)"));
    assert_eq!(texts(&db, "note/text", &deep).len(), 1, "{deep}");
    let wide = vec!["a"; 128].join(" NOT x OR ");
    let wide: String = wide.split_inclusive(" OR ").take(60).collect::<String>() + "a";
    assert_eq!(texts(&db, "note/text", &wide).len(), 1, "{wide}");
    assert_eq!(texts(&db, "note/text", &vec!["a*"; 128].join(" ")).len(), 1);
    let long = "x".repeat(4000);
    assert_eq!(texts(&db, "note/text", &format!("a NOT {long}")).len(), 1);
}

#[test]
fn a_search_stops_with_its_budget() {
    let folder = Folder::new();
    let connection = folder.open();
    let notes: Vec<String> = (0..3000).map(|n| format!("{{:note/text \"disk {n}\"}}")).collect();
    connection.transact(&format!("[{{:db/ident :note/text :db/fulltext true}} {}]", notes.join(" "))).expect("notes");
    let stopped = |connection: &Connection, budget: Budget| {
        let db = connection.db().expect("a value");
        let attribute = db.attribute("note/text").expect("it is known");
        db.fulltext(&attribute, "disk", &budget).expect_err("there is too much").code()
    };
    assert_eq!(stopped(&connection, Budget::default().with_limit_rows(100)), Code::LimitExceeded);
    assert_eq!(stopped(&connection, Budget::default().with_cancel_flag(Arc::new(AtomicBool::new(true)))), Code::Cancelled);
    assert_eq!(stopped(&connection, Budget::default().with_timeout(Duration::ZERO)), Code::Timeout);
    assert_eq!(texts(&connection.db().expect("a value"), "note/text", "disk 17"), ["disk 17"], "the store stays usable");
}
