//! Everything that can be under way when the power goes.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annals::{Connection, Tuning};

use crate::disk::Disk;
use crate::recording::{Recording, Stage};
use crate::tiny::tiny;
use crate::work::transaction;

/// How a workload is recorded.
pub(crate) type Record = Box<dyn Fn() -> Recording + Send + Sync>;

/// All of them, with the share of the disks that each gets, in hundredths.
pub(crate) fn all() -> Vec<(String, usize, Record)> {
    let mut all: Vec<(String, usize, Record)> = vec![
        ("transact".into(), 18, Box::new(transact)),
        ("groups".into(), 10, Box::new(|| in_process("groups", Tuning::default(), false))),
        ("big".into(), 2, Box::new(|| in_process("big", Tuning::default(), true))),
        ("recorder".into(), 10, Box::new(|| in_process("recorder", Tuning::default(), false))),
        ("run".into(), 8, Box::new(run)),
        ("columns".into(), 16, Box::new(|| in_process("columns", tiny(), true))),
        ("checkpoints".into(), 14, Box::new(|| in_process("checkpoints", Tuning::default(), true))),
        ("durabilities".into(), 6, Box::new(|| in_process("durabilities", Tuning::default(), false))),
        ("import".into(), 8, Box::new(import)),
        ("backup".into(), 4, Box::new(backup)),
        ("journal".into(), 6, Box::new(journal)),
    ];
    let fixtures = fixtures();
    let share = 12 / fixtures.len().max(1);
    for path in fixtures {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        all.push((format!("migration of {name}"), share.max(2), Box::new(move || migration(&path))));
    }
    all
}

/// A store of each format there ever was.
pub(crate) fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let entries = fs::read_dir(folder).expect("the fixtures are there");
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.retain(|path| {
        let is_store = path.extension().is_some_and(|extension| extension == "db");
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        is_store && name.starts_with("format-")
    });
    found.sort();
    found
}

fn in_process(name: &str, tuning: Tuning, is_serial: bool) -> Recording {
    let mut stage = Stage::new(Disk::default(), "annals.db", 0, false);
    stage.work(name);
    stage.finish(name, tuning, is_serial)
}

/// The same work with `synchronous=NORMAL`, in which the last commits may be lost.
pub(crate) fn normal() -> Recording {
    in_process("normal", Tuning::default(), true)
}

/// Work in which the write-ahead log is begun anew many times.
pub(crate) fn checkpoints() -> Recording {
    in_process("checkpoints", Tuning::default(), true)
}

/// Opens the store on a disk as it was left by a crash.
pub(crate) fn recovery(name: &str, disk: &Disk, store: &str, t: i64, tuning: Tuning) -> Recording {
    let mut stage = Stage::new(disk.clone(), store, t, false);
    stage.work(if tuning == Tuning::default() { "open" } else { "open with columns" });
    stage.finish(&format!("recovery of {name}"), tuning, true)
}

/// The program makes a store and transacts, in several processes one after the other.
fn transact() -> Recording {
    let mut stage = Stage::new(Disk::default(), ".annals/annals.db", 0, true);
    stage.annals(&["init"], "");
    for numbers in [0..1, 1..3, 3..14, 14..22] {
        let text: Vec<String> = numbers.map(transaction).collect();
        stage.annals(&["transact", "-", "--format", "json"], &text.join("\n"));
    }
    stage.finish("transact", Tuning::default(), true)
}

/// The program records another one, which logs and puts states itself.
fn run() -> Recording {
    let mut stage = Stage::new(Disk::default(), "annals.db", 0, true);
    let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; echo error: $i >&2; done
                  \"$ANNALS\" state put app position 3 >/dev/null; echo half | \"$ANNALS\" log last - >/dev/null
                  sleep 0.15; echo last; \"$ANNALS\" state rm app position > /dev/null";
    stage.annals(&["run", "--name", "work", "--", "sh", "-c", script], "");
    stage.annals(&["run", "--", "sh", "-c", "echo again; exit 0"], "");
    stage.finish("run", Tuning::default(), false)
}

/// The program takes in what another store exported.
fn import() -> Recording {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = Connection::open(folder.path().join("annals.db")).expect("a store");
    for n in 0..25 {
        source.transact(&transaction(n)).expect("a transaction");
    }
    let mut exported = Vec::new();
    annals::exchange::export_datoms(&source.db().expect("a value"), &mut exported).expect("an export");
    let mut stage = Stage::new(Disk::default(), "annals.db", 0, true);
    stage.annals(&["init"], "");
    stage.annals(&["import", "-"], &String::from_utf8(exported).expect("EDN"));
    let mut lines = String::new();
    for n in 0..1_200 {
        writeln!(lines, "{{\"app/number\": {n}, \"app/words\": \"number {n}\"}}").expect("a String takes any text");
    }
    stage.annals(&["import", "-"], &lines);
    stage.finish("import", Tuning::default(), false)
}

/// The program copies a store, twice to one place, while it is written on in between.
fn backup() -> Recording {
    let mut stage = Stage::new(Disk::default(), "annals.db", 0, true);
    let text = |numbers: std::ops::Range<i64>| numbers.map(transaction).collect::<Vec<_>>().join("\n");
    stage.annals(&["init"], "");
    stage.annals(&["transact", "-", "--format", "json"], &text(0..6));
    stage.backup(&[]);
    stage.annals(&["transact", "-", "--format", "json"], &text(6..12));
    stage.backup(&["--force"]);
    stage.annals(&["transact", "-", "--format", "json"], &text(12..15));
    stage.finish("backup", Tuning::default(), true)
}

/// A store that another client has put into the mode of a rollback journal is opened, and so put back into that of a write-ahead log.
fn journal() -> Recording {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    let connection = Connection::open(&path).expect("a store");
    for n in 0..12 {
        connection.transact(&transaction(n)).expect("a transaction");
    }
    let acknowledged = connection.store().basis().expect("a basis").t;
    drop(connection);
    let stock = rusqlite::Connection::open(&path).expect("a stock client");
    let mode: String = stock.query_row("PRAGMA journal_mode = DELETE", (), |row| row.get(0)).expect("a mode");
    assert_eq!(mode, "delete");
    drop(stock);
    let mut stage = Stage::new(Disk::read(folder.path()), "annals.db", acknowledged, false);
    stage.work("open");
    stage.finish("journal", Tuning::default(), true)
}

/// A store of an older format is opened, and so migrated.
fn migration(path: &Path) -> Recording {
    let mut disk = Disk::default();
    disk.files.insert("annals.db".into(), Arc::new(fs::read(path).expect("the fixture is read")));
    let copy = tempfile::tempdir().expect("a temporary folder");
    let copied = copy.path().join("annals.db");
    fs::copy(path, &copied).expect("a copy");
    let connection = Connection::open_read_only(&copied).expect("the fixture opens");
    let acknowledged = connection.store().basis().expect("a basis").t;
    drop(connection);
    let mut stage = Stage::new(disk, "annals.db", acknowledged, false);
    stage.work("open");
    stage.finish("migration", Tuning::default(), true)
}
