//! What does a line cost? The recorder beside a hand-made narrow `run_logs` table in the same process with the same pragmas.
//! Rounds alternate, medians are compared; `cargo bench --bench writing` prints the ratios and fails beyond the targets. A word
//! (`normal`, `normal-1x`, `full-100x`, `threads`) runs that part alone. Beside the time of the clock stands the time on a processor,
//! which other programs disturb less (Linux; elsewhere 0).

use std::path::{Path, PathBuf};
use std::time::Instant;

use annals::contract::{Level, Line, Recorder, RunOptions};
use annals::store::Durability;
use annals::{Connection, Options};

const MESSAGE: &str = "   Compiling annals-query v0.1.0, features: default, 74 bytes a line or so";
const ROUNDS: usize = 7;

struct Workload {
    name: &'static str,
    lines_per_transaction: usize,
    transactions_per_round: usize,
    durability: Durability,
    target: f64,
}

/// A round writes so much that both fold their write-ahead logs in each: what that costs belongs to the price of a line.
const WORKLOADS: [Workload; 4] = [
    Workload {
        name: "normal-1x",
        lines_per_transaction: 1,
        transactions_per_round: 4_000,
        durability: Durability::Normal,
        target: 2.5,
    },
    Workload {
        name: "normal-100x",
        lines_per_transaction: 100,
        transactions_per_round: 1_000,
        durability: Durability::Normal,
        target: 4.0,
    },
    Workload {
        name: "full-1x",
        lines_per_transaction: 1,
        transactions_per_round: 300,
        durability: Durability::Full,
        target: 2.5,
    },
    Workload {
        name: "full-100x",
        lines_per_transaction: 100,
        transactions_per_round: 100,
        durability: Durability::Full,
        target: 4.0,
    },
];

/// Threads that commit single lines through one connection, and how many lines each.
const THREADS: usize = 8;
const LINES_A_THREAD: usize = 200;
const THREADS_TARGET: f64 = 5.0;

fn narrow(path: &Path, durability: Durability) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(path).expect("SQLite opens");
    let synchronous = if durability == Durability::Full { "FULL" } else { "NORMAL" };
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;
             PRAGMA cell_size_check=ON; PRAGMA recursive_triggers=ON; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;
             PRAGMA cache_size=-8192; PRAGMA wal_autocheckpoint=4000;
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

/// Microseconds that the calling thread was on a processor.
fn processor_microseconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or(0.0) / 1e3
}

/// Microseconds a line of each round, by the clock and on a processor.
#[derive(Default)]
struct Times {
    clock: Vec<f64>,
    processor: Vec<f64>,
}

impl Times {
    fn take(&mut self, work: &Workload, run: impl FnOnce()) {
        let lines = (work.lines_per_transaction * work.transactions_per_round) as f64;
        let (start, processor) = (Instant::now(), processor_microseconds());
        run();
        self.clock.push(start.elapsed().as_secs_f64() * 1e6 / lines);
        self.processor.push((processor_microseconds() - processor) / lines);
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn store(path: PathBuf, durability: Durability) -> Connection {
    Connection::open_with(path, Options { durability, ..Options::default() }).expect("a store")
}

fn bytes_a_line(path: &Path, lines: usize) -> f64 {
    std::fs::metadata(path).expect("the file is there").len() as f64 / lines as f64
}

/// Prints a row; true if it misses the target.
fn compare(work: &Workload) -> bool {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (narrow_path, annals_path) = (folder.path().join("narrow.db"), folder.path().join("annals.db"));
    let table = narrow(&narrow_path, work.durability);
    let connection = store(annals_path.clone(), work.durability);
    let mut recorder = Recorder::start(&connection, RunOptions::default()).expect("a run begins");
    let mut seq = 0;
    let (mut theirs, mut ours) = (Times::default(), Times::default());
    for _ in 0..ROUNDS {
        theirs.take(work, || write_narrow(&table, work, &mut seq));
        ours.take(work, || write_annals(&mut recorder, work));
    }
    let processor = (median(&mut theirs.processor), median(&mut ours.processor));
    let (theirs, ours) = (median(&mut theirs.clock), median(&mut ours.clock));
    drop((table, recorder, connection));
    let (their_bytes, our_bytes) = (bytes_a_line(&narrow_path, seq as usize), bytes_a_line(&annals_path, seq as usize));
    let synchronous = if work.durability == Durability::Full { "FULL" } else { "NORMAL" };
    println!(
        "| {} | {synchronous} | {theirs:.1} | {ours:.1} | {:.2} | {} | {:.1} | {:.1} | {:.2} | {their_bytes:.0} | {our_bytes:.0} |",
        work.lines_per_transaction,
        ours / theirs,
        work.target,
        processor.0,
        processor.1,
        processor.1 / processor.0,
    );
    ours / theirs > work.target
}

/// Lines a second that threads commit one by one through one connection.
fn lines_a_second(threads: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = store(folder.path().join("annals.db"), Durability::Full);
    let recorders: Vec<Recorder> =
        (0..threads).map(|_| Recorder::start(&connection, RunOptions::default()).expect("a run begins")).collect();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for mut recorder in recorders {
            scope.spawn(move || {
                for _ in 0..LINES_A_THREAD {
                    recorder.append(Level::Info, MESSAGE).expect("a line goes in");
                }
            });
        }
    });
    (threads * LINES_A_THREAD) as f64 / start.elapsed().as_secs_f64()
}

/// Prints how much more threads commit together than one alone, each line durable; true if it misses the target.
fn compare_threads() -> bool {
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        alone.push(lines_a_second(1));
        together.push(lines_a_second(THREADS));
    }
    let (alone, together) = (median(&mut alone), median(&mut together));
    println!("| threads | lines/s alone | lines/s together | ratio | target |");
    println!("|---|---|---|---|---|");
    println!("| {THREADS} | {alone:.0} | {together:.0} | {:.1} | {THREADS_TARGET} |", together / alone);
    together / alone < THREADS_TARGET
}

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let is_wanted = |name: &str| wanted.as_deref().is_none_or(|wanted| name.starts_with(wanted));
    let mut missed = 0;
    println!(
        "| lines a transaction | synchronous | narrow us/line | Annals us/line | ratio | target | narrow us on CPU | Annals us on CPU \
         | ratio | narrow bytes/line | Annals bytes/line |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for work in WORKLOADS.iter().filter(|work| is_wanted(work.name)) {
        missed += usize::from(compare(work));
    }
    println!();
    if is_wanted("threads") {
        missed += usize::from(compare_threads());
    }
    assert_eq!(missed, 0, "writing costs more than its target");
}
