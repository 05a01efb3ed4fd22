//! Threads that commit single lines through one connection, each line durable, beside one thread.

use std::time::Instant;

use annals::contract::{Level, Recorder, RunOptions};
use annals::store::Durability;

use super::{MESSAGE, store};
use crate::arguments::Arguments;
use crate::sheet::{Line, Target};
use crate::turns::median;

const NAME: &str = "8 threads, lines a second, over one thread's";
const THREADS: usize = 8;
const LINES_A_THREAD: usize = 200;

/// How many times as many lines a second.
pub fn line(arguments: &Arguments) -> Option<Line> {
    if !arguments.wants(NAME) {
        return None;
    }
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..arguments.rounds.clamp(1, 5) {
        alone.push(lines_a_second(1));
        together.push(lines_a_second(THREADS));
    }
    let (alone, together) = (median(&mut alone), median(&mut together));
    Some(Line {
        name: format!("{NAME} ({together:.0} over {alone:.0})"),
        rows: None,
        figures: vec![Some(together / alone), None],
        target: Some(Target::AtLeast(5.0)),
    })
}

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
