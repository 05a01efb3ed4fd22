//! All the ways to look at a store, and a folder compared with what it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use annals::contract::{self, LogFilter, RunFilter};
use annals::{Connection, Order, Result, Value, Walk, exchange};

use crate::corpus::Expected;

/// Longer than anything here takes on a busy machine, shorter than anybody waits for a command that hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// What came of looking.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub(crate) answers: usize,
    /// The codes of the errors.
    pub(crate) errors: Vec<&'static str>,
}

impl Looked {
    fn note<T>(&mut self, outcome: Result<T>) -> Option<T> {
        match outcome {
            Ok(answer) => {
                self.answers += 1;
                Some(answer)
            }
            Err(error) => {
                assert!(!error.message().is_empty());
                self.errors.push(error.code());
                None
            }
        }
    }
}

/// Looks in a thread of its own: a panic or a hang there is a failure here, with the name of the store.
pub(crate) fn look(path: &Path, name: &str) -> Looked {
    let (sender, receiver) = mpsc::channel();
    let path = path.to_owned();
    let looking = std::thread::spawn(move || {
        let mut looked = Looked::default();
        look_everywhere(&path, &mut looked);
        let _ = sender.send(looked);
    });
    match receiver.recv_timeout(PATIENCE) {
        Ok(looked) => looked,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{name}: looking at it does not end"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            panic!("{name}: {:?}", looking.join().map_err(|panic| *panic.downcast::<String>().expect("a panic says why")))
        }
    }
}

fn look_everywhere(path: &Path, looked: &mut Looked) {
    let Some(connection) = looked.note(Connection::open_read_only(path)) else { return };
    let Some(db) = looked.note(connection.db()) else { return };
    for query in [
        "[:find (count ?e) . :where [?e :db/ident _]]",
        "[:find ?e ?a ?v ?t ?m ?added :where [?e ?a ?v ?t ?m ?added]]",
        "[:find ?l ?m :where [?l :log/message ?m] [?l :log/seq ?s] [(> ?s 3)]]",
        "[:find ?e ?v :where [?e :person/tags ?v]]",
    ] {
        looked.note(db.q(query, &[]));
        looked.note(db.history().q(query, &[]));
        looked.note(db.as_of(3).and_then(|db| db.q(query, &[])));
    }
    looked.note(db.q("[:find ?e :where [(fulltext $ :note/text \"disk\") [[?e]]]]", &[]));
    looked.note(db.q("[:find (pull ?e [* {:person/friend [*]}]) :where [?e :person/email _]]", &[]));
    looked.note(db.explain("[:find ?e :where [?e :note/text _]]", &[]));
    for order in [Order::Eavt, Order::Aevt, Order::Avet, Order::Vaet] {
        looked.note(db.datoms(order, &[]));
    }
    looked.note(db.datoms(Order::Avet, &[Value::keyword("person/email"), Value::from("ada@example.org")]));
    looked.note(db.index_range("person/email", Value::from("a")..));
    looked.note(db.index_pull(Order::Avet, "[*]", &Walk::of("person/email")));
    let transactions = db.tx_range(..);
    looked.note(transactions);
    looked.note(db.entity(8_589_934_593));
    looked.note(db.pull("[* {:person/friend ...}]", 8_589_934_594));
    looked.note(db.since(2).and_then(|db| db.datoms(Order::Eavt, &[])));
    if let Some(runs) = looked.note(contract::runs(&db, &RunFilter::default())) {
        for run in &runs {
            looked.note(contract::logs(&db, run, &LogFilter::default()));
        }
    }
    looked.note(contract::state::list(&db, None));
    looked.note(contract::state::get(&db, "ns", "key"));
    looked.note(contract::state::history(&db, "ns", "key"));
    looked.note(exchange::export_datoms(&db, &mut std::io::sink()));
    looked.note(exchange::export_jsonl(&db, &mut std::io::sink()));
    looked.note(db.with("[{:person/email \"new@example.org\"}]"));
}

const QUERY: &str = "[:find ?e ?a ?v :where [?e ?a ?v]]";

/// The commands that read. What they may say of a store that is not sound is an error.
const COMMANDS: &[&[&str]] = &[
    &["q", QUERY],
    &["q", "--as-of", "3", "--history", QUERY],
    &["explain", QUERY],
    &["pull", "[*]", "8589934593"],
    &["entity", "8589934593"],
    &["history", "8589934593"],
    &["schema"],
    &["runs"],
    &["logs", "last"],
    &["show", "last"],
    &["state", "list"],
    &["state", "get", "ns", "key"],
    &["state", "history", "ns", "key"],
    &["tx"],
    &["tx", "3"],
    &["export"],
    &["export", "--form", "jsonl"],
    &["watch", "--limit", "1", "[:find ?e :where [?e :note/text _]]"],
];

/// The commands that prove.
const PROVING: &[&[&str]] = &[&["verify"], &["backup", "../copy-of-a-stranger.db"]];

/// Runs each command in the folder, and gives how many.
pub(crate) fn look_by_command(folder: &Path, name: &str, expected: Expected) -> usize {
    // Where a copy may go: what is in the folder itself is compared.
    let outside = tempfile::tempdir().expect("a temporary folder");
    let copy = outside.path().join("copy.db");
    // What is refused is refused where it is opened, which all commands share.
    let commands = if expected == Expected::Refused { &COMMANDS[..2] } else { COMMANDS };
    for arguments in commands.iter().chain(PROVING) {
        let arguments: Vec<&str> =
            arguments.iter().map(|word| if word.starts_with("../") { copy.to_str().expect("UTF-8") } else { word }).collect();
        let (code, err) = run(folder, &arguments, name);
        assert!((0..=6).contains(&code) && !err.contains("panicked"), "{name}: annals {arguments:?} ended with {code}: {err}");
        match expected {
            Expected::Sound => assert_eq!(code, 0, "{name}: annals {arguments:?}: {err}"),
            Expected::Refused => assert_ne!(code, 0, "{name}: annals {arguments:?}"),
            Expected::Named => assert!(code != 0 || !["verify", "backup"].contains(&arguments[0]), "{name}: {arguments:?}"),
        }
    }
    commands.len() + PROVING.len()
}

/// The exit code, -1 for a signal, and what was said on standard error.
fn run(folder: &Path, arguments: &[&str], name: &str) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_annals"))
        .args(["--db", "annals.db"])
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().expect("it can be waited for").is_none() {
        if Instant::now() > deadline {
            child.kill().expect("it is ours");
            panic!("{name}: annals {arguments:?} does not end");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().expect("it ended");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Every file of a folder with its bytes and links with their targets, but for the index of a write-ahead log that SQLite makes for
/// readers, and for a log without a byte in it. Compared with what was there before, if that is given.
#[track_caller]
pub(crate) fn check_nothing_changed(
    folder: &Path,
    before: Option<&BTreeMap<String, Vec<u8>>>,
    name: &str,
) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let file = entry.file_name().display().to_string();
        let kind = entry.file_type().expect("a kind");
        let bytes = match () {
            () if kind.is_symlink() => fs::read_link(entry.path()).expect("a link").into_os_string().into_encoded_bytes(),
            () if kind.is_file() => fs::read(entry.path()).expect("readable"),
            () => Vec::new(),
        };
        if !(kind.is_file() && (file == "annals.db-shm" || file == "annals.db-wal" && bytes.is_empty())) {
            found.insert(file, bytes);
        }
    }
    if let Some(before) = before {
        let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found), names(before), "{name}: files came or went");
        let changed: Vec<&String> = found.iter().filter(|(file, bytes)| before[*file] != **bytes).map(|(file, _)| file).collect();
        assert!(changed.is_empty(), "{name}: {changed:?} changed");
    }
    found
}
