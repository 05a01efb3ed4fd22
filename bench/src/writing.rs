//! What a line costs to write: the recorder beside a narrow table made by hand, in the same process, with the same pragmas, in turns;
//! and threads, bytes, import, and a program recorded by `annals run`.

mod capture;
mod import;
mod narrow;
mod threads;

use std::path::{Path, PathBuf};
use std::time::Duration;

use annals::contract::{Level, Line as LogLine, Recorder, RunOptions};
use annals::store::Durability;
use annals::{Connection, Options};

pub use self::capture::say_lines;
use self::narrow::Narrow;
use crate::arguments::Arguments;
use crate::sheet::{Line, Sheet, Target};
use crate::turns::{Clock, median, now, since};

/// 74 bytes.
pub const MESSAGE: &str = "   Compiling annals-query v0.1.0, features: default, 74 bytes a line or so";

/// How lines are written.
#[derive(Clone, Copy)]
pub struct Work {
    name: &'static str,
    lines: usize,
    transactions: usize,
    durability: Durability,
    target: f64,
}

/// A round writes so much that both fold their write-ahead logs in each: what that costs belongs to the price of a line.
const WORKS: [Work; 6] = [
    Work { name: "1, NORMAL", lines: 1, transactions: 4_000, durability: Durability::Normal, target: 1.5 },
    Work { name: "10, NORMAL", lines: 10, transactions: 2_000, durability: Durability::Normal, target: 2.5 },
    Work { name: "100, NORMAL", lines: 100, transactions: 500, durability: Durability::Normal, target: 2.5 },
    Work { name: "1, FULL", lines: 1, transactions: 300, durability: Durability::Full, target: 1.3 },
    Work { name: "10, FULL", lines: 10, transactions: 200, durability: Durability::Full, target: 2.5 },
    Work { name: "100, FULL", lines: 100, transactions: 100, durability: Durability::Full, target: 2.5 },
];

/// All of it.
pub fn measure(arguments: &Arguments) -> Vec<Sheet> {
    let wanted = WORKS.iter().filter(|work| arguments.wants(work.name));
    let compared: Vec<Compared> = wanted.map(|work| compare(*work, arguments)).collect();
    let line = |compared: &Compared| Line {
        name: compared.work.name.to_owned(),
        rows: None,
        figures: compared.figures(arguments.clock).into_iter().map(Some).collect(),
        target: Some(Target::Times(compared.work.target, &[1])),
    };
    let (first, second) = if arguments.clock == Clock::Wall { ("", " on CPU") } else { (" on CPU", "") };
    let columns = [format!("Annals{first}"), format!("narrow{first}"), format!("Annals{second}"), format!("narrow{second}")];
    let sheet = Sheet {
        title: "Writing lines of five facts".into(),
        about: "Microseconds a line, through the recorder (data checked, hash chain, columns kept up to date), beside \
                `run_logs(run_id, seq, ts, level, message)` with the key `(run_id, seq)`, the same pragmas, in turns. On CPU: what all \
                threads of the process spent on processors."
            .into(),
        of: "lines a transaction",
        unit: "us",
        ours: 1,
        columns: columns.to_vec(),
        lines: compared.iter().map(line).collect(),
    };
    let mut others: Vec<Line> = compared.iter().filter(|one| one.work.name == "100, NORMAL").map(Compared::bytes).collect();
    others.extend(threads::line(arguments));
    others.extend(import::lines(arguments));
    others.extend(capture::line(arguments));
    let rest = Sheet {
        title: "What else writing costs".into(),
        about: "Threads commit single lines, each durable, through one connection, beside one thread. The import is a process of its own, \
                default durability. `annals run` records a program that says 10,000 lines a second; its own time on a processor counts, \
                not the program's."
            .into(),
        of: "what",
        unit: "",
        ours: 1,
        columns: ["Annals", "beside"].map(str::to_owned).to_vec(),
        lines: others,
    };
    vec![sheet, rest]
}

/// Microseconds a line of each round, by the clock and on processors.
#[derive(Default)]
struct Times {
    wall: Vec<f64>,
    processor: Vec<f64>,
}

impl Times {
    fn take(&mut self, lines: usize, run: impl FnOnce()) {
        let (wall, processor) = (now(Clock::Wall), now(Clock::Processor));
        run();
        let each = |spent: Duration| spent.as_secs_f64() * 1e6 / lines as f64;
        self.wall.push(each(since(Clock::Wall, wall)));
        self.processor.push(each(since(Clock::Processor, processor)));
    }
}

/// What came out of a comparison.
struct Compared {
    work: Work,
    ours: Times,
    theirs: Times,
    our_bytes: f64,
    their_bytes: f64,
}

impl Compared {
    fn figures(&self, clock: Clock) -> Vec<f64> {
        let median = |times: &Vec<f64>| median(&mut times.clone());
        let wall = [median(&self.ours.wall), median(&self.theirs.wall)];
        let processor = [median(&self.ours.processor), median(&self.theirs.processor)];
        if clock == Clock::Wall { [wall, processor].concat() } else { [processor, wall].concat() }
    }

    fn bytes(&self) -> Line {
        Line {
            name: "bytes a line of 74, beside the narrow table".into(),
            rows: None,
            figures: vec![Some(self.our_bytes), Some(self.their_bytes)],
            target: Some(Target::Times(2.2, &[1])),
        }
    }
}

fn compare(work: Work, arguments: &Arguments) -> Compared {
    let rounds = arguments.rounds.clamp(1, 9);
    let work = Work { transactions: arguments.scale.of(work.transactions / 10, work.transactions), ..work };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (narrow_path, annals_path) = (folder.path().join("narrow.db"), folder.path().join("annals.db"));
    let mut narrow = Narrow::make(&narrow_path, work.durability);
    let connection = store(annals_path.clone(), work.durability);
    let mut recorder = Recorder::start(&connection, RunOptions::default()).expect("a run begins");
    let (mut theirs, mut ours) = (Times::default(), Times::default());
    let lines = work.lines * work.transactions;
    for _ in 0..rounds {
        theirs.take(lines, || narrow.write(work.lines, work.transactions));
        ours.take(lines, || write(&mut recorder, &work));
    }
    drop((narrow, recorder, connection));
    let bytes = |path: &Path| std::fs::metadata(path).expect("the file is there").len() as f64 / (lines * rounds) as f64;
    Compared { work, ours, theirs, our_bytes: bytes(&annals_path), their_bytes: bytes(&narrow_path) }
}

fn write(recorder: &mut Recorder, work: &Work) {
    for _ in 0..work.transactions {
        let lines: Vec<LogLine> = (0..work.lines).map(|_| LogLine::new(Level::Info, MESSAGE)).collect();
        recorder.append_batch(&lines).expect("lines go in");
    }
}

/// A new store.
pub fn store(path: PathBuf, durability: Durability) -> Connection {
    Connection::open_with(path, Options { durability, ..Options::default() }).expect("a store")
}
