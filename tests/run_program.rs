//! `annals run` exits as the program did, passes its output through byte for byte and records it, whatever happens.
//!
//! Attacked through the binary with real programs: a reader that goes away, a full disk behind our output, signals from a process and
//! from a terminal, programs that are not there, runs inside runs, and the death of `annals` itself.

mod common;

use std::fs::File;
use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use annals::contract::{LogFilter, Run, RunFilter, Status, find_run, logs, runs, state};
use common::folder::Folder;

/// `annals run -- sh -c SCRIPT` on the store of this folder.
fn run(folder: &Folder, script: &str) -> Command {
    let mut command = annals(folder);
    command.args(["run", "--", "sh", "-c", script]);
    command
}

fn annals(folder: &Folder) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_annals"));
    command.env("ANNALS_DB", folder.store()).env_remove("ANNALS_RUN").stdin(Stdio::null());
    command
}

#[track_caller]
fn output(mut command: Command) -> Output {
    command.output().expect("it runs")
}

#[track_caller]
fn last_run(folder: &Folder) -> Run {
    find_run(&folder.open().db().expect("a view"), "last").expect("it was recorded")
}

#[track_caller]
fn messages(folder: &Folder, run: &str) -> Vec<String> {
    let db = folder.open().db().expect("a view");
    let run = find_run(&db, run).expect("it was recorded");
    let lines = logs(&db, &run, &LogFilter::default()).expect("its lines can be read");
    lines.iter().map(|line| line.message.to_string()).collect()
}

#[track_caller]
fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_there() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what} within 30 seconds");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Starts a recording and waits until it has so many lines.
#[track_caller]
fn recording(folder: &Folder, script: &str, lines: usize) -> Child {
    drop(folder.open());
    let child = run(folder, script).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    wait_for("the lines", || {
        let db = folder.open().db().expect("a view");
        let found = find_run(&db, "last").and_then(|run| logs(&db, &run, &LogFilter::default()));
        found.is_ok_and(|found| found.len() >= lines)
    });
    child
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().expect("kill is there").success());
}

#[test]
fn output_passes_through_byte_for_byte_and_the_id_is_the_last_line() {
    let folder = Folder::new();
    let script = "printf '\\377\\000no end'; seq 1 50000; printf 'e\\n\\200\\n' >&2; exit 7";
    let recorded = output(run(&folder, script));
    let alone = Command::new("sh").args(["-c", script]).output().expect("it runs");
    assert!(recorded.stdout == alone.stdout, "{} bytes of {}", recorded.stdout.len(), alone.stdout.len());
    let id = last_run(&folder).id;
    assert_eq!(recorded.stderr, [&alone.stderr[..], id.as_bytes(), b"\n"].concat());
    assert_eq!(recorded.status.code(), Some(7));
    assert_eq!(messages(&folder, "last").len(), 50_002);
}

#[test]
fn a_program_that_is_not_there_says_so_and_exits_127() {
    let folder = Folder::new();
    let mut command = annals(&folder);
    command.args(["run", "--", "no-such-program-anywhere", "x"]);
    let output = output(command);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(127), "{text}");
    assert!(text.contains("there is no program `no-such-program-anywhere`") && text.contains("PATH"), "{text}");
    let run = last_run(&folder);
    assert_eq!((run.status, text.lines().last()), (Some(Status::Failed), Some(&*run.id)));
}

#[test]
fn a_reader_that_goes_away_ends_the_program_as_in_a_pipeline() {
    let folder = Folder::new();
    let mut child = run(&folder, "exec yes").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
    let mut first = [0; 4];
    child.stdout.take().expect("a pipe").read_exact(&mut first).expect("it writes");
    assert_eq!(&first, b"y\ny\n");
    assert_eq!(child.wait().expect("it ends").code(), Some(141), "128 and SIGPIPE");
    let run = last_run(&folder);
    assert_eq!((run.signal, run.status), (Some(13), Some(Status::Failed)));
}

#[test]
fn a_disk_that_is_full_behind_our_output_does_not_stop_recording() {
    let folder = Folder::new();
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    let mut command = run(&folder, "seq 1 1000; exit 5");
    command.stdout(full).stderr(Stdio::piped());
    let output = output(command);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(text.contains("stdout could not be passed on"), "{text}");
    assert_eq!(messages(&folder, "last").len(), 1000);
}

#[test]
fn a_signal_is_handed_on_and_recording_goes_on_until_the_program_ends() {
    for name in ["TERM", "INT", "HUP", "QUIT"] {
        let folder = Folder::new();
        let script = format!("trap 'echo asked; exit 9' {name}; echo ready; while :; do sleep 0.05; done");
        let mut child = recording(&folder, &script, 1);
        signal(child.id(), name);
        assert_eq!(child.wait().expect("it ends").code(), Some(9), "{name}");
        assert_eq!(messages(&folder, "last"), ["ready", "asked"]);
        let run = last_run(&folder);
        assert_eq!((run.status, run.exit_code), (Some(Status::Cancelled), Some(9)));
    }
}

#[test]
fn a_second_signal_ends_recording_and_loses_nothing() {
    let folder = Folder::new();
    let mut child = recording(&folder, "trap '' TERM; echo ready; seq 1 3; exec sleep 5", 4);
    signal(child.id(), "TERM");
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().expect("it can be asked").is_none(), "the program ignores the first");
    signal(child.id(), "TERM");
    let began = Instant::now();
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(4));
    let run = last_run(&folder);
    assert_eq!((run.status, run.exit_code), (Some(Status::Cancelled), None));
    assert_eq!(messages(&folder, "last"), ["ready", "1", "2", "3"]);
}

#[test]
fn a_recorder_that_is_killed_leaves_a_run_that_shows_as_lost() {
    let folder = Folder::new();
    let mut child = recording(&folder, "echo one; echo two; exec sleep 3", 2);
    let run = last_run(&folder);
    assert_eq!((run.status_name(), run.process.as_ref().map(|process| process.pid)), ("running", Some(child.id().into())));
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    let mut list = annals(&folder);
    list.args(["runs", "--format", "json"]);
    let text = String::from_utf8(output(list).stdout).expect("it is text");
    assert!(text.contains("\"lost\""), "{text}");
    assert_eq!(last_run(&folder).status, Some(Status::Running), "nothing was written");
    assert_eq!(messages(&folder, "last"), ["one", "two"]);
}

#[test]
fn what_the_program_says_through_annals_belongs_to_its_run() {
    let folder = Folder::new();
    let annals = env!("CARGO_BIN_EXE_annals");
    let script =
        format!("{annals} log $ANNALS_RUN --level warn by-hand && {annals} state put app k v && {annals} run -- echo inner");
    let output = output(run(&folder, &script));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let db = folder.open().db().expect("a view");
    let found = runs(&db, &RunFilter::default()).expect("they can be listed");
    let [inner, outer] = &found[..] else { panic!("two runs, not {}", found.len()) };
    assert_eq!(inner.parent, Some(outer.entity));
    let said = messages(&folder, &outer.id);
    assert!(said.contains(&"by-hand".to_owned()) && said.contains(&"inner".to_owned()), "{said:?}");
    let history = state::history(&db, "app", "k").expect("it can be told");
    assert_eq!(history.iter().map(|change| change.m).collect::<Vec<_>>(), [outer.entity]);
}

#[test]
fn streams_that_take_turns_are_recorded_in_turn() {
    let folder = Folder::new();
    let script = "for i in 1 2 3 4 5 6 7 8 9; do echo out $i; sleep 0.02; echo err $i >&2; sleep 0.02; done";
    assert!(output(run(&folder, script)).status.success());
    let expected: Vec<String> = (1..=9).flat_map(|i| [format!("out {i}"), format!("err {i}")]).collect();
    assert_eq!(messages(&folder, "last"), expected);
    for _ in 0..20 {
        output(run(&folder, "echo hello; echo 'error: no' >&2"));
        assert_eq!(messages(&folder, "last"), ["hello", "error: no"], "standard output is read first where both are there");
    }
}

#[test]
fn what_the_program_says_through_annals_comes_behind_what_it_printed_after_a_pause() {
    let folder = Folder::new();
    let annals = env!("CARGO_BIN_EXE_annals");
    let script = format!("for i in 1 2 3; do echo out $i; sleep 0.1; {annals} log $ANNALS_RUN said $i; sleep 0.1; done");
    let script = script.replace("said $i", "\"said $i\"");
    assert!(output(run(&folder, &script)).status.success());
    assert_eq!(messages(&folder, "last"), ["out 1", "said 1", "out 2", "said 2", "out 3", "said 3"]);
}

#[test]
fn a_line_left_open_on_standard_error_is_closed_before_the_id() {
    let folder = Folder::new();
    let check = |script: &str, told: &str| {
        let ran = output(run(&folder, script));
        let id = last_run(&folder).id;
        assert_eq!(String::from_utf8_lossy(&ran.stderr), format!("{told}{id}\n"), "{script}");
    };
    check("printf open >&2", "open\n");
    check("echo closed >&2", "closed\n");
    check("printf 'only out'", "");
    check("printf one >&2; echo two; sleep 0.05; echo three >&2", "onethree\n");
}

#[test]
fn a_standard_error_that_takes_nothing_changes_no_exit_code() {
    let folder = Folder::new();
    for script in ["exit 0", "exit 3", "echo out; echo err >&2; exit 4"] {
        let full = File::options().write(true).open("/dev/full").expect("a full disk");
        let mut command = run(&folder, script);
        let code = command.stdout(Stdio::null()).stderr(full).status().expect("it runs").code();
        assert_eq!(code.map(|code| code.to_string()), script.rsplit(' ').next().map(str::to_owned), "{script}");
    }
}
