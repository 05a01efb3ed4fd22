//! The stores that take a while to make are kept from run to run, as long as the format of the file stays what it is.

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use annals::contract::{Level, Line, Recorder, RunOptions, Status};
use annals::store::Durability;
use annals::{Connection, Options};
use rusqlite::params;

use super::lines::{LEVELS, Lines};
use crate::arguments::Arguments;

/// Runs that are recorded at the same time.
const TOGETHER: usize = 10;
/// Lines of a run in a transaction.
const BLOCK: usize = 1_000;

/// Where the same lines stand three times.
pub struct Kept {
    pub store: PathBuf,
    pub narrow: PathBuf,
    pub indexed: PathBuf,
}

/// The lines in a store and in two tables of SQLite, made if they are not there.
pub fn history(arguments: &Arguments, lines: &Lines) -> Kept {
    Kept {
        store: made(arguments, &format!("history-{:08x}.db", format_digest()), |path| tell(path, lines)),
        narrow: made(arguments, "narrow.db", |path| tabulate(path, lines, "")),
        indexed: made(arguments, "indexed.db", |path| {
            tabulate(
                path,
                lines,
                "CREATE INDEX by_run_level ON run_logs (run_id, level); CREATE INDEX by_level_ts ON run_logs (level, ts)",
            );
        }),
    }
}

/// A file that is made under another name first, so that half of one is never taken for a whole.
pub fn made(arguments: &Arguments, name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let path = arguments.kept(name);
    if !path.exists() {
        let start = std::time::Instant::now();
        let draft = path.with_extension("draft");
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", draft.display()));
        }
        make(&draft);
        std::fs::rename(&draft, &path).expect("the file gets its name");
        eprintln!("made {} in {:.1} s", path.display(), start.elapsed().as_secs_f64());
    }
    path
}

/// A digest of what decides how a store's file looks.
pub fn format_digest() -> u32 {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut hasher = rustc_hash::FxHasher::default();
    for folder in ["migrations", "src/store", "src/store/encode"] {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        let mut paths: Vec<PathBuf> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file()).collect();
        paths.sort();
        for path in paths {
            std::fs::read(&path).unwrap_or_default().hash(&mut hasher);
        }
    }
    let digest = hasher.finish();
    (digest ^ (digest >> 32)) as u32
}

fn tell(path: &Path, lines: &Lines) {
    let connection =
        Connection::open_with(path, Options { durability: Durability::Normal, ..Options::default() }).expect("a store");
    let levels = LEVELS.map(Level::named);
    for first in (0..lines.runs()).step_by(TOGETHER) {
        let mut runs: Vec<(Recorder, Vec<Line>)> = (first..(first + TOGETHER).min(lines.runs()))
            .map(|run| {
                let options = RunOptions { name: Some(format!("run-{run}")), ..RunOptions::default() };
                let recorder = Recorder::start(&connection, options).expect("a run begins");
                let line = |one: super::lines::One| Line { ts: one.ts, ..Line::new(levels[one.level].clone(), one.message) };
                (recorder, lines.read(run).map(line).collect())
            })
            .collect();
        let longest = runs.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0);
        for from in (0..longest).step_by(BLOCK) {
            for (recorder, lines) in runs.iter_mut().filter(|(_, lines)| lines.len() > from) {
                recorder.append_batch(&lines[from..lines.len().min(from + BLOCK)]).expect("lines go in");
            }
        }
        for (recorder, _) in runs {
            recorder.finish(&Status::Succeeded).expect("a run ends");
        }
    }
}

/// The id of a run in the tables.
pub fn row_id(run: usize) -> String {
    format!("0199c0de-0000-7000-8000-{run:012}")
}

fn tabulate(path: &Path, lines: &Lines, indexes: &str) {
    let connection = rusqlite::Connection::open(path).expect("SQLite opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
             CREATE TABLE run_logs (run_id TEXT, seq INTEGER, ts INTEGER, level TEXT, message TEXT, PRIMARY KEY (run_id, seq))
             WITHOUT ROWID; BEGIN",
        )
        .expect("the table is made");
    let mut insert = connection.prepare("INSERT INTO run_logs VALUES (?, ?, ?, ?, ?)").expect("the statement is right");
    for run in 0..lines.runs() {
        let id = row_id(run);
        for (at, one) in lines.read(run).enumerate() {
            insert.execute(params![id, at as i64 + 1, one.ts, LEVELS[one.level], one.message]).expect("a line goes in");
        }
    }
    drop(insert);
    connection.execute_batch(&format!("COMMIT; {indexes}; ANALYZE")).expect("SQLite commits");
}
