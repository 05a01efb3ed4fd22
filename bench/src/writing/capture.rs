//! `annals run` on a program that says 10,000 lines a second: the share of a processor that recording takes.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::MESSAGE;
use crate::arguments::Arguments;
use crate::sheet::{Line, Target};

const NAME: &str = "`annals run` at 10,000 lines a second, % of a core";
const LINES_A_SECOND: u32 = 10_000;
/// Lines are said in bursts so far apart.
const BURST: Duration = Duration::from_millis(10);

/// The share in per cent.
pub fn line(arguments: &Arguments) -> Option<Line> {
    let program = arguments.program().filter(|_| arguments.wants(NAME))?;
    let seconds = arguments.scale.of(2, 10);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let start = Instant::now();
    let mut child = Command::new(program)
        .arg("--db")
        .arg(folder.path().join("annals.db"))
        .args(["run", "--"])
        .arg(std::env::current_exe().expect("this program has a path"))
        .args(["--say-lines-for-seconds", &seconds.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("annals runs");
    let (mut spent, mut elapsed) = (0.0, 0.0);
    while child.try_wait().expect("the child can be asked").is_none() {
        // The last look before the end counts; what is lost is at most one pause.
        if let Some(seconds) = processor_seconds(child.id()) {
            (spent, elapsed) = (seconds, start.elapsed().as_secs_f64());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let figure = Some(spent / elapsed * 100.0);
    Some(Line { name: NAME.into(), rows: None, figures: vec![figure, None], target: Some(Target::AtMost(15.0)) })
}

/// What a process itself spent on processors, without its children (Linux).
fn processor_seconds(id: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    // Fields 14 and 15 of proc_pid_stat(5): user and system, in ticks of 10 ms.
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

/// Says lines at that rate for so long.
pub fn say_lines(seconds: u32) {
    let mut out = std::io::stdout().lock();
    let bursts = seconds * 1_000 / BURST.as_millis() as u32;
    let burst = format!("{MESSAGE}\n").repeat((LINES_A_SECOND / (1_000 / BURST.as_millis() as u32)) as usize);
    let start = Instant::now();
    for at in 1..=bursts {
        if out.write_all(burst.as_bytes()).and_then(|()| out.flush()).is_err() {
            return;
        }
        std::thread::sleep((BURST * at).saturating_sub(start.elapsed()));
    }
}
