//! `annals run` and the program that it records: either is killed, both are, or the terminal hangs up.

use std::fs;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use annals::Connection;
use annals::contract::{LogFilter, Run, Status, find_run, logs};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::dice::Dice;
use crate::judge::Judged;
use crate::whole::check_whole;
use crate::writer::annals;

/// What the recorded program does: prints, says through `annals log`, and keeps a list of what that acknowledged.
const SCRIPT: &str = r#"trap '' PIPE
echo $$ > "$PLACE/pid"
i=0
while [ $i -lt 25 ]; do
  i=$((i+1))
  echo "line $i" 2>/dev/null
  "$ANNALS" log "$ANNALS_RUN" "said $i" && echo "$i" >> "$PLACE/acknowledged"
done
echo done > "$PLACE/done"
"#;

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    /// `annals` alone: the program goes on.
    Recorder,
    Program,
    Both,
    /// The terminal of both.
    Terminal,
}

const VICTIMS: [Victim; 4] = [Victim::Recorder, Victim::Program, Victim::Both, Victim::Terminal];

/// So many runs, in each of which somebody is killed.
pub(crate) fn rounds(kills: u64, dice: &mut Dice) -> Judged {
    let mut judged = Judged::default();
    let has_terminals = Command::new("script").arg("--version").output().is_ok_and(|ran| ran.status.success());
    for n in 0..kills {
        let victim = VICTIMS[n as usize % if has_terminals { 4 } else { 3 }];
        let folder = tempfile::tempdir().expect("a temporary folder");
        judged.kills += 1;
        if let Err(what) = round(folder.path(), victim, dice, &mut judged) {
            judged.wrong.push(format!("{victim:?}: {what}"));
        }
    }
    if !has_terminals {
        println!("kill in run: there is no program `script`, so no terminal was hung up");
    }
    judged
}

fn start(place: &Path, victim: Victim) -> Child {
    let script = place.join("script.sh");
    fs::write(&script, SCRIPT).expect("a file");
    let mut command = if victim == Victim::Terminal {
        let mut command = Command::new("script");
        command.args(["-q", "-e", "-c", "\"$ANNALS\" run -- sh \"$PLACE/script.sh\"", "/dev/null"]);
        command
    } else {
        let mut command = Command::new(annals());
        command.args(["run", "--", "sh"]).arg(script);
        command
    };
    command.env("ANNALS", annals()).env("ANNALS_DB", place.join("annals.db")).env("PLACE", place).env_remove("ANNALS_RUN");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    command.spawn().expect("it runs")
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T, String> {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if began.elapsed() > Duration::from_mins(1) {
            return Err(format!("{what} did not come within a minute"));
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

fn round(place: &Path, victim: Victim, dice: &mut Dice, judged: &mut Judged) -> Result<(), String> {
    let store = place.join("annals.db");
    drop(Connection::open(&store).map_err(|error| error.to_string())?);
    let mut child = start(place, victim);
    let mut out = child.stdout.take().expect("a pipe");
    let reading = std::thread::spawn(move || {
        let mut passed = Vec::new();
        let _ = out.read_to_end(&mut passed);
        String::from_utf8_lossy(&passed).into_owned()
    });
    let pid = wait_for("the program", || fs::read_to_string(place.join("pid")).ok()?.trim().parse::<i32>().ok());
    std::thread::sleep(Duration::from_micros(dice.below(400_000)));
    let (group, program) = (Pid::from_child(&child), pid.as_ref().ok().and_then(|pid| Pid::from_raw(*pid)));
    // Whoever is killed may have ended just now.
    let _ = match (victim, program) {
        (Victim::Recorder | Victim::Terminal, Some(_)) => kill_process(group, Signal::KILL),
        (Victim::Program, Some(program)) => kill_process(program, Signal::KILL),
        (Victim::Both, _) | (_, None) => kill_process_group(group, Signal::KILL),
    };
    child.wait().map_err(|error| error.to_string())?;
    pid?;
    if victim == Victim::Recorder {
        wait_for("the program's end without its recorder", || place.join("done").exists().then_some(()))?;
    }
    let run = ended(&store)?;
    let passed = if victim == Victim::Recorder || victim == Victim::Terminal { None } else { reading.join().ok() };
    check(place, victim, &run, passed.as_deref(), judged)
}

/// The run, once its recorder has ended. A program that was hung up on may be writing its last.
fn ended(store: &PathBuf) -> Result<Run, String> {
    let run = || {
        let db = Connection::open_read_only(store).and_then(|connection| connection.db()).ok()?;
        find_run(&db, "last").ok().filter(|run| run.process.as_ref().is_none_or(annals::contract::Process::is_gone))
    };
    wait_for("the recorder's end", run)?;
    // It may have written the end between the reading and the look at its process.
    run().ok_or_else(|| "the run is gone".to_owned())
}

fn check(place: &Path, victim: Victim, run: &Run, passed: Option<&str>, judged: &mut Judged) -> Result<(), String> {
    let store = place.join("annals.db");
    check_whole(&store)?;
    let db = Connection::open(&store).and_then(|connection| connection.db()).map_err(|error| error.to_string())?;
    let lines = logs(&db, run, &LogFilter::default()).map_err(|error| error.to_string())?;
    if let Some((at, line)) = lines.iter().enumerate().find(|(at, line)| line.seq != *at as i64 + 1) {
        return Err(format!("line {} has the number {}", at + 1, line.seq));
    }
    let of = |word: &str| -> Vec<String> {
        lines.iter().filter_map(|line| line.message.strip_prefix(word).map(str::to_owned)).collect()
    };
    let (printed, said) = (of("line "), of("said "));
    if let Some((at, number)) = printed.iter().enumerate().find(|(at, number)| **number != (at + 1).to_string()) {
        return Err(format!("printed line {} is {number}", at + 1));
    }
    let acknowledged = fs::read_to_string(place.join("acknowledged")).unwrap_or_default();
    for number in acknowledged.lines() {
        judged.acknowledged += 1;
        match said.iter().filter(|said| *said == number).count() {
            0 => judged.lost += 1,
            1 => {}
            _ => judged.twice += 1,
        }
    }
    check_end(victim, run, &printed, passed)
}

/// A recorder that lived saw its program's end, and recorded all that it passed through.
fn check_end(victim: Victim, run: &Run, printed: &[String], passed: Option<&str>) -> Result<(), String> {
    let passed_lines = passed.map(|passed| passed.lines().filter(|line| line.starts_with("line ")).count());
    let was_complete = printed.len() == 25;
    match victim {
        Victim::Program if passed_lines != Some(printed.len()) => {
            Err(format!("{passed_lines:?} lines were passed through, {} recorded", printed.len()))
        }
        Victim::Program if run.signal != Some(9) && !was_complete => Err(format!("its end was not recorded: {:?}", run.signal)),
        Victim::Recorder | Victim::Both if run.status != Some(Status::Running) && !was_complete => {
            Err(format!("nobody recorded its end, and it is {:?}", run.status))
        }
        Victim::Recorder | Victim::Both if run.status == Some(Status::Running) && !run.is_lost() => {
            Err("its recorder is gone, and it does not show as lost".to_owned())
        }
        Victim::Terminal if run.status == Some(Status::Running) => Err("the end was not recorded after a hang-up".to_owned()),
        _ => Ok(()),
    }
}
