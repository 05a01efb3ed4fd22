//! What does a line cost? The recorder beside a hand-made narrow `run_logs` table in the same process with the same pragmas.
//! Rounds alternate, medians are compared; `cargo bench --bench writing` prints the ratios and fails beyond the targets.

use std::path::Path;
use std::time::Instant;

use annals::contract::{Level, Line, Recorder, RunOptions};
use annals::store::Durability;
use annals::{Connection, Options};

const MESSAGE: &str = "   Compiling annals-query v0.1.0, features: default, 74 bytes a line or so";
const ROUNDS: usize = 9;

struct Workload {
    lines_per_transaction: usize,
    transactions_per_round: usize,
    durability: Durability,
    target: f64,
}

const WORKLOADS: [Workload; 4] = [
    Workload { lines_per_transaction: 1, transactions_per_round: 1_000, durability: Durability::Normal, target: 2.5 },
    Workload { lines_per_transaction: 100, transactions_per_round: 100, durability: Durability::Normal, target: 4.0 },
    Workload { lines_per_transaction: 1, transactions_per_round: 300, durability: Durability::Full, target: 2.5 },
    Workload { lines_per_transaction: 100, transactions_per_round: 100, durability: Durability::Full, target: 4.0 },
];

fn narrow(path: &Path, durability: Durability) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(path).expect("SQLite opens");
    let synchronous = if durability == Durability::Full { "FULL" } else { "NORMAL" };
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;
             PRAGMA cell_size_check=ON;
             CREATE TABLE run_logs (run_id TEXT, seq INTEGER, ts INTEGER, level TEXT, message TEXT, PRIMARY KEY (run_id, seq))
             WITHOUT ROWID"
        ))
        .expect("the table is made");
    connection
}

fn write_narrow(connection: &rusqlite::Connection, work: &Workload, seq: &mut i64) {
    for _ in 0..work.transactions_per_round {
        let transaction = connection.unchecked_transaction().expect("a transaction begins");
        let mut insert =
            transaction.prepare_cached("INSERT INTO run_logs VALUES (?, ?, ?, ?, ?)").expect("the statement is right");
        for _ in 0..work.lines_per_transaction {
            *seq += 1;
            insert
                .execute(rusqlite::params![
                    "0199c0de-0000-7000-8000-000000000001",
                    *seq,
                    1_760_000_000_000_000_i64 + *seq,
                    "info",
                    MESSAGE
                ])
                .expect("a line goes in");
        }
        drop(insert);
        transaction.commit().expect("it commits");
    }
}

fn write_annals(recorder: &mut Recorder, work: &Workload) {
    for _ in 0..work.transactions_per_round {
        let lines: Vec<Line> = (0..work.lines_per_transaction).map(|_| Line::new(Level::Info, MESSAGE)).collect();
        recorder.append_batch(&lines).expect("lines go in");
    }
}

fn microseconds_per_line(work: &Workload, run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64() * 1e6 / (work.lines_per_transaction * work.transactions_per_round) as f64
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    println!("| lines a transaction | synchronous | narrow us/line | Annals us/line | ratio | target |");
    println!("|---|---|---|---|---|---|");
    let mut missed = 0;
    for work in &WORKLOADS {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let table = narrow(&folder.path().join("narrow.db"), work.durability);
        let options = Options { durability: work.durability, ..Options::default() };
        let connection = Connection::open_with(folder.path().join("annals.db"), options).expect("a store");
        let mut recorder = Recorder::start(&connection, RunOptions::default()).expect("a run begins");
        let mut seq = 0;
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            theirs.push(microseconds_per_line(work, || write_narrow(&table, work, &mut seq)));
            ours.push(microseconds_per_line(work, || write_annals(&mut recorder, work)));
        }
        let (theirs, ours) = (median(&mut theirs), median(&mut ours));
        let ratio = ours / theirs;
        missed += usize::from(ratio > work.target);
        let synchronous = if work.durability == Durability::Full { "FULL" } else { "NORMAL" };
        println!("| {} | {synchronous} | {theirs:.1} | {ours:.1} | {ratio:.2} | {} |", work.lines_per_transaction, work.target);
    }
    assert_eq!(missed, 0, "writing costs more than its target");
}
