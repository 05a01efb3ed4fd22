//! What a commit of log lines costs, beside a narrow table made by hand: the same process, the same pragmas.
//!
//! `cargo bench --bench commit` prints microseconds a line and the ratio. `cargo bench --bench commit -- STORE RUNS LINES`
//! makes a store with so many runs of so many lines each, to look at with `sqlite3`.

use std::path::Path;
use std::time::Instant;

use annals::schema::attribute;
use annals::store::{Durability, Store};
use annals::{Datom, Partition, Result, Value};
use rusqlite::Connection;

/// Mean length of a message, as in the logs of a build.
const MESSAGE: &str = "   Compiling some-crate v1.2.3 (/home/someone/src/project/crates/some-crate)";
const LEVELS: [&str; 10] = ["info", "info", "warn", "info", "info", "debug", "info", "error", "info", "info"];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [path, runs, lines] = arguments.as_slice() {
        let [runs, lines] = [runs, lines].map(|count| count.parse().expect("a count"));
        return fill(Path::new(path), runs, lines);
    }
    println!("{:<10} {:>6} {:>12} {:>12} {:>7}", "durability", "lines", "narrow us", "datoms us", "ratio");
    for (name, durability) in [("normal", Durability::Normal), ("full", Durability::Full)] {
        for (lines, commits) in [(1, 4_000), (10, 1_000), (100, 400)] {
            let (narrow, datoms) = compare(durability, lines, commits)?;
            println!("{name:<10} {lines:>6} {narrow:>12.2} {datoms:>12.2} {:>7.2}", datoms / narrow);
        }
    }
    Ok(())
}

/// Microseconds a line: the best of three rounds each, taken in turns.
fn compare(durability: Durability, lines: u32, commits: u32) -> Result<(f64, f64)> {
    let mut best = (f64::MAX, f64::MAX);
    for _ in 0..3 {
        best.0 = best.0.min(narrow(durability, lines, commits));
        best.1 = best.1.min(datoms(durability, lines, commits)?);
    }
    Ok(best)
}

fn narrow(durability: Durability, lines: u32, commits: u32) -> f64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = Connection::open(folder.path().join("narrow.db")).expect("a database");
    let synchronous = if durability == Durability::Full { "FULL" } else { "NORMAL" };
    let setup = format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA cache_size = -8192;
         CREATE TABLE run_logs (run_id TEXT, seq INTEGER, ts INTEGER, level TEXT, message TEXT, PRIMARY KEY (run_id, seq)) WITHOUT ROWID"
    );
    connection.execute_batch(&setup).expect("a table");
    let insert = "INSERT INTO run_logs VALUES (?1, ?2, ?3, ?4, ?5)";
    let run = "01939e9c-0000-7000-8000-000000000000";
    let start = Instant::now();
    for commit in 0..commits {
        connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute(())).expect("a transaction");
        for line in commit * lines..(commit + 1) * lines {
            let level = LEVELS[line as usize % LEVELS.len()];
            let mut insert = connection.prepare_cached(insert).expect("a statement");
            insert.execute((run, line, i64::from(line), level, MESSAGE)).expect("a row");
        }
        connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute(())).expect("a commit");
    }
    microseconds_a_line(start, lines * commits)
}

fn datoms(durability: Durability, lines: u32, commits: u32) -> Result<f64> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::create(folder.path().join("annals.db"))?.with_durability(durability)?;
    let run = start_run(&store, Partition::FIRST_OWN, 0)?;
    let start = Instant::now();
    for commit in 0..commits {
        append_lines(&store, run, commit * lines, lines)?;
    }
    Ok(microseconds_a_line(start, lines * commits))
}

fn microseconds_a_line(start: Instant, lines: u32) -> f64 {
    start.elapsed().as_secs_f64() * 1e6 / f64::from(lines)
}

fn fill(path: &Path, runs: u32, lines: u32) -> Result<()> {
    let store = Store::create(path)?.with_durability(Durability::Normal)?;
    let batch = 100;
    let partition = |run: u32| Partition(Partition::FIRST_OWN.0 + i64::from(run));
    let run_ids = (0..runs).map(|run| start_run(&store, partition(run), run)).collect::<Result<Vec<_>>>()?;
    // Batches of all runs in turns, as when they go on at the same time.
    for first in (0..lines).step_by(batch as usize) {
        for run in &run_ids {
            append_lines(&store, *run, first, batch.min(lines - first))?;
        }
    }
    Ok(())
}

fn is_indexed(a: i64) -> bool {
    [attribute::IDENT, attribute::RUN_ID, attribute::STATE_ID].contains(&a)
}

fn start_run(store: &Store, partition: Partition, number: u32) -> Result<i64> {
    let run = partition.entity(1);
    let keyword = Value::keyword;
    transact(store, |instant| {
        vec![
            (run, attribute::RUN_ID, Value::from(format!("01939e9c-0000-7000-8000-{number:012}"))),
            (run, attribute::RUN_CREATED_AT, Value::Instant(instant)),
            (run, attribute::RUN_PROJECT_PATH, Value::from("/home/someone/src/project")),
            (run, attribute::RUN_MODE, keyword("exec")),
            (run, attribute::RUN_STATUS, keyword("running")),
        ]
    })?;
    Ok(run)
}

fn append_lines(store: &Store, run: i64, first: u32, count: u32) -> Result<()> {
    transact(store, |instant| {
        let facts = (first..first + count).flat_map(|line| {
            let e = run + 1 + i64::from(line);
            [
                (e, attribute::LOG_RUN, Value::Ref(run)),
                (e, attribute::LOG_SEQ, Value::from(i64::from(line) + 1)),
                (e, attribute::LOG_TS, Value::Instant(instant)),
                (e, attribute::LOG_LEVEL, Value::keyword(LEVELS[line as usize % LEVELS.len()])),
                (e, attribute::LOG_MESSAGE, Value::from(MESSAGE)),
            ]
        });
        facts.collect()
    })
}

fn transact(store: &Store, facts: impl FnOnce(i64) -> Vec<(i64, i64, Value)>) -> Result<()> {
    store.write(|w| {
        let (t, instant) = (w.basis().t + 1, w.basis().instant + 1);
        let own = (t, attribute::TX_INSTANT, Value::Instant(instant));
        let all = std::iter::once(own).chain(facts(instant));
        let datoms: Vec<Datom> = all.map(|(e, a, v)| Datom { e, a, v, t, added: true, m: 0 }).collect();
        w.append(t, instant, &datoms, &is_indexed)
    })
}
