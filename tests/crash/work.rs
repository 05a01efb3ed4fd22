//! What is being done when the power goes, as far as the program cannot do it from its command line: run in a process of its own,
//! which is this test program again, under the library that records.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use annals::contract::{Level, Recorder, RunOptions, Status};
use annals::store::Durability;
use annals::{Connection, Options, Tuning};

use crate::tiny::tiny;

/// The n-th transaction of an application, as text; the first declares.
pub(crate) fn transaction(n: i64) -> String {
    let name = n % 7;
    let words = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
    let text: Vec<&str> = (0..=n % 40).map(|place| words[(n * 7 + place * 3) as usize % words.len()]).collect();
    match n {
        0 => "[{:db/ident :app/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one :db/unique :db.unique/identity}
               {:db/ident :app/text :db/valueType :db.type/string :db/cardinality :db.cardinality/one :db/fulltext true}
               {:db/ident :app/tags :db/valueType :db.type/keyword :db/cardinality :db.cardinality/many}
               {:db/ident :app/next :db/valueType :db.type/ref :db/cardinality :db.cardinality/one}]"
            .replace('\n', " "),
        _ if n % 11 == 10 => format!("[[:db/retractEntity [:app/name \"thing {}\"]]]", (n - 1) % 7),
        _ => format!(
            "[{{:db/id \"x\" :app/name \"thing {name}\" :app/n {n} :app/text {:?} :app/tags #{{:a{} :b{n}}} :app/next \"x\"}}]",
            text.join(" "),
            n % 3
        ),
    }
}

/// A command that does some work in a folder; what it has done it says in a file of marks.
pub(crate) fn command(work: &str, store: &Path, marks: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["work::is_done_in_a_process_of_its_own", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("CRASH_WORK", work).env("CRASH_STORE", store).env("CRASH_MARKS", marks);
    command
}

#[test]
#[ignore = "what the other tests run under the recorder"]
fn is_done_in_a_process_of_its_own() {
    let Ok(work) = std::env::var("CRASH_WORK") else { return };
    let path = PathBuf::from(std::env::var_os("CRASH_STORE").expect("it is set too"));
    let open = |durability: Durability, tuning: Tuning| {
        let connection = Connection::open_with(&path, Options { durability, tuning, ..Options::default() });
        let connection = connection.expect("the store opens");
        acknowledge(connection.store().basis().expect("a basis").t);
        connection
    };
    let plain = || open(Durability::Full, Tuning::default());
    match work.as_str() {
        "groups" => groups(&plain()),
        "big" => big(&plain()),
        "recorder" => recorder(&plain()),
        "columns" => columns(&open(Durability::Full, tiny())),
        "checkpoints" => checkpoints(&plain(), &path),
        "normal" => checkpoints(&open(Durability::Normal, Tuning::default()), &path),
        "durabilities" => durabilities(&path),
        "open" => open_again(&plain()),
        "open with columns" => open_again(&open(Durability::Full, tiny())),
        other => panic!("nobody does {other}"),
    }
}

/// Says that all transactions up to this one are committed.
fn acknowledge(t: i64) {
    let path = std::env::var_os("CRASH_MARKS").expect("it is set");
    let mut file = OpenOptions::new().append(true).create(true).open(path).expect("the file of marks");
    file.write_all(format!("t={t}\n").as_bytes()).expect("a mark is written");
}

fn transact(connection: &Connection, text: &str) {
    let report = connection.transact(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    acknowledge(report.t.expect("something new was said"));
}

/// Several threads commit at once, so that their transactions go to disk together.
fn groups(connection: &Connection) {
    transact(connection, &transaction(0));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for n in 0..6 {
                    transact(connection, &format!("[{{:app/name \"{thread} {n}\" :app/n {n} :app/text \"said by {thread}\"}}]"));
                }
            });
        }
    });
}

/// Transactions of many pages, in one of which SQLite's memory overflows into the write-ahead log before the commit.
fn big(connection: &Connection) {
    transact(connection, &transaction(0));
    for (size, count) in [(100, 300), (98_000, 90), (10, 400)] {
        let forms: Vec<String> = (0..count).map(|n| format!("{{:app/n {n} :app/blob \"{}\"}}", "x".repeat(size))).collect();
        transact(connection, &format!("[{}]", forms.join(" ")));
    }
    transact(connection, &transaction(1));
}

/// A run with its lines, of which those before a flush are acknowledged, and states.
fn recorder(connection: &Connection) {
    let basis = || acknowledge(connection.store().basis().expect("a basis").t);
    let mut recorder =
        Recorder::start(connection, RunOptions { name: Some("work".into()), ..RunOptions::default() }).expect("a run");
    basis();
    for n in 0..40 {
        recorder.log(Level::Info, format!("line {n}")).expect("a line waits");
        match n % 20 {
            5 => recorder.append(Level::Error, format!("error {n}")).expect("a line is written"),
            11 => recorder.set_state("app", "position", n).expect("a state is written"),
            17 => drop(recorder.delete_state("app", "position").expect("a state is taken away")),
            19 => recorder.flush().expect("lines are written"),
            _ => continue,
        }
        basis();
    }
    recorder.finish(&Status::Succeeded).expect("the run ends");
    basis();
}

/// Queries between the transactions have columns written and merged.
fn columns(connection: &Connection) {
    for n in 0..24 {
        transact(connection, &transaction(n));
        if n % 3 == 2 {
            let answer = connection.db().and_then(|db| db.q("[:find ?n ?text :where [?e :app/n ?n] [?e :app/text ?text]]", &[]));
            answer.expect("an answer");
        }
    }
}

/// Another client checkpoints now and then, so that the write-ahead log is begun anew while it is in use.
fn checkpoints(connection: &Connection, path: &Path) {
    let other = rusqlite::Connection::open(path).expect("a stock client");
    let modes = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"];
    for n in 0..28 {
        transact(connection, &transaction(n));
        if n % 4 == 3 {
            let checkpoint = format!("PRAGMA wal_checkpoint({})", modes[(n / 4) as usize % modes.len()]);
            other.query_row(&checkpoint, (), |_| Ok(())).expect("a checkpoint");
        }
    }
}

/// Commits that are not synced and that nobody is told of, each few of them followed by one that is synced: by a handle that opened the
/// store after the others were closed, or beside them.
fn durabilities(path: &Path) {
    let open = |durability| Connection::open_with(path, Options { durability, ..Options::default() }).expect("the store opens");
    for n in 0..8 {
        let unsynced = open(Durability::Normal);
        for k in 0..3 {
            unsynced.transact(&transaction(n * 4 + k)).expect("a transaction");
        }
        let beside = (n % 2 == 1).then_some(unsynced);
        let synced = open(Durability::Full);
        transact(&synced, &transaction(n * 4 + 3));
        if let Some(unsynced) = beside {
            unsynced.transact(&format!("[{{:app/round {n}}}]")).expect("a transaction");
            unsynced.transact(&format!("[{{:app/round {n}}}]")).expect("a transaction");
            transact(&synced, &format!("[{{:app/round {n}}}]"));
        }
    }
}

/// Opens what is there (recovers it, migrates it), reads it, and writes on.
fn open_again(connection: &Connection) {
    let basis = connection.store().basis().expect("a basis").t;
    let answer = connection.db().and_then(|db| db.q("[:find ?e ?a ?v :where [?e ?a ?v]]", &[]));
    answer.expect("an answer");
    for n in 0..3 {
        transact(connection, &format!("[{{:after/opening {basis} :after/n {n}}}]"));
    }
}
