//! A program is recorded whole, whatever it does, and is not disturbed by being recorded.
//!
//! Attacked with real programs: output without newlines, without end, not UTF-8, on both streams, from processes left behind; programs
//! that are not there, may not be run, are killed; a reader that goes away; and the death of the recorder itself.

mod common;

use std::ffi::OsString;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use annals::contract::capture::{CaptureOptions, Ending, LIMIT_LINE_BYTES, Outcome, Output, Signals, record_program};
use annals::contract::{Level, LogFilter, LogLine, Process, Run, Status, Stream, find_run, logs};
use annals::{Connection, ErrorKind};
use common::folder::Folder;

/// Records a shell script.
#[track_caller]
fn record(connection: &Connection, script: &str) -> Outcome {
    record_command(connection, &["sh", "-c", script])
}

#[track_caller]
fn record_command(connection: &Connection, command: &[&str]) -> Outcome {
    let command: Vec<OsString> = command.iter().map(OsString::from).collect();
    record_program(connection, CaptureOptions::default(), &command).expect("the run can be begun")
}

#[track_caller]
fn run_of(connection: &Connection, outcome: &Outcome) -> Run {
    find_run(&connection.db().expect("a view"), &outcome.run_id).expect("it was recorded")
}

#[track_caller]
fn lines_of(connection: &Connection, run: &str) -> Vec<LogLine> {
    let db = connection.db().expect("a view");
    let run = find_run(&db, run).expect("it was recorded");
    logs(&db, &run, &LogFilter::default()).expect("its lines can be read")
}

/// What a program wrote to a stream, from what was recorded.
fn stream_of(lines: &[LogLine], stream: Stream) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines.iter().filter(|line| line.stream == Some(stream)) {
        bytes.extend_from_slice(line.bytes.as_deref().unwrap_or(line.message.as_bytes()));
        if !line.is_partial {
            bytes.push(b'\n');
        }
    }
    bytes
}

#[track_caller]
fn check_numbers(lines: &[LogLine]) {
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line.seq, index as i64 + 1, "numbers count 1, 2, 3");
    }
}

#[test]
fn every_line_is_recorded_in_order_with_stream_and_level() {
    let folder = Folder::new();
    let connection = folder.open();
    let outcome = record(&connection, "echo one; sleep 0.1; echo 'error: two' >&2; sleep 0.1; echo 'WARN three'; exit 3");
    assert_eq!((outcome.ending.clone(), outcome.status.clone(), outcome.lines), (Ending::Exited(3), Status::Failed, 3));
    let lines = lines_of(&connection, &outcome.run_id);
    let seen: Vec<_> = lines.iter().map(|line| (line.seq, &*line.message, line.level.clone(), line.stream)).collect();
    let expected = [
        (1, "one", Level::Info, Some(Stream::Stdout)),
        (2, "error: two", Level::Error, Some(Stream::Stderr)),
        (3, "WARN three", Level::Warn, Some(Stream::Stdout)),
    ];
    assert_eq!(seen, expected);
    assert!(lines.windows(2).all(|pair| pair[0].ts <= pair[1].ts));
}

#[test]
fn a_run_says_what_was_run_where_and_how_it_ended() {
    let folder = Folder::new();
    let connection = folder.open();
    let before = annals_now();
    let command: Vec<OsString> = ["sh", "-c", "exit 7"].map(OsString::from).to_vec();
    let options = CaptureOptions {
        name: Some("build".into()),
        settings: vec!["attempt=3".parse().expect("a setting")],
        directory: Some("/".into()),
        ..CaptureOptions::default()
    };
    let outcome = record_program(&connection, options, &command).expect("the run can be begun");
    let run = run_of(&connection, &outcome);
    assert_eq!(run.name.as_deref(), Some("build"));
    assert_eq!(run.mode.as_deref(), Some("exec"));
    assert_eq!(run.command.as_deref(), Some("sh -c 'exit 7'"));
    assert_eq!(run.project_path.as_deref(), Some("/"));
    assert_eq!((run.exit_code, run.signal), (Some(7), None));
    assert_eq!(run.status, Some(Status::Failed));
    assert_eq!(run.process, Some(Process::current()));
    assert!(run.created_at.expect("it began") >= before);
    assert!(run.finished_at.expect("it ended") >= run.created_at.expect("it began"));
    assert!(run.duration_us.expect("it took a while") > 0);
    let db = connection.db().expect("a view");
    let answer = db.q("[:find ?a ?m :where [?r :run/attempt ?a _ ?m]]", &[]).expect("a query");
    assert_eq!(answer.to_edn(), format!("[[3 {}]]", run.entity), "its facts carry the run as m");
}

#[test]
fn success_and_a_signal_are_told_apart() {
    let folder = Folder::new();
    let connection = folder.open();
    let outcome = record(&connection, "true");
    assert_eq!((outcome.ending.exit_code(), outcome.status), (0, Status::Succeeded));
    let outcome = record(&connection, "echo last words; kill -9 $$");
    assert_eq!((outcome.ending.clone(), outcome.ending.exit_code()), (Ending::Signalled(9), 137));
    let run = run_of(&connection, &outcome);
    assert_eq!((run.exit_code, run.signal, run.status), (None, Some(9), Some(Status::Failed)));
    assert_eq!(stream_of(&lines_of(&connection, &outcome.run_id), Stream::Stdout), b"last words\n");
}

#[test]
fn a_program_that_cannot_be_started_is_a_failed_run() {
    #[track_caller]
    fn check(connection: &Connection, program: &str, code: i32, kind: ErrorKind, message: &str, help: &str) {
        let outcome = record_command(connection, &[program, "x"]);
        assert_eq!((outcome.ending.exit_code(), outcome.status.clone()), (code, Status::Failed), "{program}");
        let error = outcome.start_error.as_ref().expect("it says why");
        assert_eq!((error.kind(), error.value()), (kind, Some(program)));
        assert!(error.message().contains(message), "{}", error.message());
        assert!(error.help().expect("a remedy").contains(help), "{:?}", error.help());
        let run = run_of(connection, &outcome);
        assert_eq!((run.status, run.exit_code), (Some(Status::Failed), Some(code.into())));
        assert_eq!(run.error.as_deref(), Some(error.message()));
    }
    let folder = Folder::new();
    let connection = folder.open();
    check(&connection, "no-such-program-anywhere", 127, ErrorKind::NotFound, "there is no program", "PATH");
    check(&connection, "./no-such-program", 127, ErrorKind::NotFound, "there is no program", "PATH");
    check(&connection, "", 127, ErrorKind::NotFound, "there is no program", "PATH");
    check(&connection, "/dev/null", 126, ErrorKind::Io, "may not be run", "chmod +x");
    check(&connection, "/", 126, ErrorKind::Io, "may not be run", "chmod +x");
    let script = folder.path().join("script");
    std::fs::write(&script, "#!/no/such/interpreter\n").expect("a file");
    make_executable(&script);
    check(&connection, script.to_str().expect("a name"), 126, ErrorKind::Io, "cannot be run", "interpreter");
}

#[test]
fn bytes_come_back_as_they_were_written() {
    #[track_caller]
    fn check(connection: &Connection, script: &str) {
        let expected = Command::new("sh").arg("-c").arg(script).output().expect("it runs");
        let outcome = record(connection, script);
        let lines = lines_of(connection, &outcome.run_id);
        check_numbers(&lines);
        assert_eq!(lines.len() as u64, outcome.lines);
        assert!(stream_of(&lines, Stream::Stdout) == expected.stdout, "stdout of {script}");
        assert!(stream_of(&lines, Stream::Stderr) == expected.stderr, "stderr of {script}");
        for line in &lines {
            let is_text = line.bytes.is_none() || std::str::from_utf8(line.bytes.as_deref().unwrap_or_default()).is_err();
            assert!(is_text, "bytes are kept only where the text cannot give them back");
        }
    }
    let folder = Folder::new();
    let connection = folder.open();
    check(&connection, "printf 'a\\r\\nb\\tc\\n\\n\\nno end'");
    check(&connection, "printf 'caf\\351\\n\\377\\376\\000\\001\\n\\303\\244\\n\\303'; printf '\\200' >&2");
    check(&connection, "printf '\\000nul\\n'");
    check(&connection, "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo after");
    check(&connection, "seq 1 20000; seq 1 3000 >&2");
    check(&connection, "i=0; while [ $i -lt 256 ]; do printf \"\\\\$(printf %o $i)\"; i=$((i+1)); done");
    check(&connection, "true");
}

#[test]
fn a_line_longer_than_the_limit_is_recorded_in_pieces() {
    let folder = Folder::new();
    let connection = folder.open();
    let outcome = record(&connection, "head -c 2500000 /dev/zero | tr '\\0' x; echo");
    let lines = lines_of(&connection, &outcome.run_id);
    let pieces: Vec<_> = lines.iter().map(|line| (line.message.len(), line.is_partial)).collect();
    assert_eq!(pieces, [(LIMIT_LINE_BYTES, true), (LIMIT_LINE_BYTES, true), (2_500_000 - 2 * LIMIT_LINE_BYTES, false)]);
}

#[test]
fn a_prompt_without_newline_stands_before_what_came_later() {
    let folder = Folder::new();
    let connection = folder.open();
    let outcome = record(&connection, "printf 'name? '; sleep 0.8; echo later >&2; echo ada");
    let lines = lines_of(&connection, &outcome.run_id);
    assert_eq!((&*lines[0].message, lines[0].is_partial), ("name? ", true));
    let mut rest: Vec<&str> = lines[1..].iter().map(|line| &*line.message).collect();
    rest.sort_unstable();
    assert_eq!(rest, ["ada", "later"]);
}

#[test]
fn a_process_left_behind_does_not_keep_the_recorder() {
    let folder = Folder::new();
    let connection = folder.open();
    let began = Instant::now();
    let outcome = record(&connection, "(sleep 0.1; echo from the child; exec sleep 30) & echo from the program");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(outcome.status, Status::Succeeded);
    let lines = lines_of(&connection, &outcome.run_id);
    let said: Vec<&str> = lines.iter().map(|line| &*line.message).collect();
    assert_eq!(said, ["from the program", "from the child"]);
}

#[test]
fn a_process_left_behind_that_never_stops_writing_does_not_either() {
    let folder = Folder::new();
    let connection = folder.open();
    let began = Instant::now();
    let script = "(while :; do echo noise; sleep 0.01; done) & echo from the program";
    let outcome = record(&connection, script);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(outcome.ending, Ending::Exited(0));
    assert_eq!(&*lines_of(&connection, &outcome.run_id)[0].message, "from the program");
}

#[test]
fn a_program_may_close_its_output_and_go_on() {
    let folder = Folder::new();
    let connection = folder.open();
    let outcome = record(&connection, "echo before; exec >&- 2>&-; sleep 0.3; exit 4");
    assert_eq!((outcome.ending, outcome.lines), (Ending::Exited(4), 1));
}

#[test]
fn the_program_knows_its_run_and_its_store() {
    let folder = Folder::new();
    let connection = folder.open();
    let outcome = record(&connection, "echo $ANNALS_RUN; echo $ANNALS_DB");
    let lines = lines_of(&connection, &outcome.run_id);
    assert_eq!(&*lines[0].message, outcome.run_id);
    assert!(std::path::Path::new(&*lines[1].message).is_absolute());
    assert_eq!(
        std::fs::canonicalize(&*lines[1].message).expect("it is there"),
        std::fs::canonicalize(folder.store()).expect("it is there")
    );
}

/// The other half of the tests below: this very program, started again to record in a process of its own.
#[test]
fn recorder_in_a_process_of_its_own() {
    let (Some(store), Ok(script)) = (std::env::var_os("TEST_STORE"), std::env::var("TEST_SCRIPT")) else { return };
    let connection = Connection::open(store).expect("the store opens");
    let options = CaptureOptions { output: Output::PassedThrough, signals: Signals::HandedOn, ..CaptureOptions::default() };
    let outcome = record_program(&connection, options, &["sh", "-c", &script].map(OsString::from)).expect("the run can be begun");
    if let Some(error) = outcome.recording_error.or(outcome.output_error) {
        eprintln!("{error}");
    }
    std::process::exit(outcome.ending.exit_code());
}

/// Records a script in a process of its own.
fn recorder(folder: &Folder, script: &str) -> Command {
    drop(folder.open());
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "recorder_in_a_process_of_its_own", "--nocapture", "--quiet"]);
    command.env("TEST_STORE", folder.store()).env("TEST_SCRIPT", script);
    command
}

/// Waits until the last run has so many lines.
#[track_caller]
fn wait_for_lines(folder: &Folder, count: usize) {
    let began = Instant::now();
    let connection = folder.open();
    loop {
        let db = connection.db().expect("a view");
        let found = find_run(&db, "last").and_then(|run| logs(&db, &run, &LogFilter::default()));
        if found.is_ok_and(|lines| lines.len() >= count) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{count} lines within 20 seconds");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().expect("kill is there");
    assert!(status.success());
}

#[test]
fn output_passes_through_byte_for_byte() {
    let folder = Folder::new();
    let output = recorder(&folder, "printf '\\377\\000no end'; seq 1 50000; printf 'e\\n\\200' >&2").output().expect("it runs");
    let mut expected = b"\xFF\0no end".to_vec();
    for n in 1..=50_000 {
        expected.extend_from_slice(format!("{n}\n").as_bytes());
    }
    let at = output.stdout.windows(4).position(|window| window == b"\xFF\0no").expect("it begins");
    assert!(output.stdout[at..] == expected[..], "{} bytes of {}", output.stdout.len() - at, expected.len());
    assert_eq!(output.stderr, b"e\n\x80");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_reader_that_goes_away_ends_the_program_as_in_a_pipeline() {
    let folder = Folder::new();
    let mut child = recorder(&folder, "exec yes").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
    let mut first = [0; 200];
    child.stdout.take().expect("a pipe").read_exact(&mut first).expect("it writes");
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(141), "128 and SIGPIPE");
    let run = find_run(&folder.open().db().expect("a view"), "last").expect("it was recorded");
    assert_eq!((run.signal, run.status), (Some(13), Some(Status::Failed)));
}

#[test]
fn a_signal_is_handed_on_and_recording_goes_on_until_the_program_ends() {
    for (name, number) in [("TERM", 15), ("INT", 2), ("HUP", 1)] {
        let folder = Folder::new();
        let script = format!("trap 'echo asked; exit 9' {name}; echo ready; while :; do sleep 0.05; done");
        let mut child = recorder(&folder, &script).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        wait_for_lines(&folder, 1);
        signal(child.id(), name);
        assert_eq!(child.wait().expect("it ends").code(), Some(9), "{name} {number}");
        let connection = folder.open();
        let said: Vec<_> = lines_of(&connection, "last").iter().map(|line| line.message.to_string()).collect();
        assert_eq!(said, ["ready", "asked"]);
        let run = find_run(&connection.db().expect("a view"), "last").expect("it was recorded");
        assert_eq!((run.status, run.exit_code), (Some(Status::Cancelled), Some(9)));
    }
}

#[test]
fn a_second_signal_ends_recording_and_loses_nothing() {
    let folder = Folder::new();
    let script = "trap '' TERM; echo ready; for i in 1 2 3; do echo $i; done; exec sleep 4";
    let mut child = recorder(&folder, script).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    wait_for_lines(&folder, 4);
    signal(child.id(), "TERM");
    std::thread::sleep(Duration::from_millis(200));
    assert!(child.try_wait().expect("it can be asked").is_none(), "the program ignores the first");
    signal(child.id(), "TERM");
    let began = Instant::now();
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(3));
    let connection = folder.open();
    let run = find_run(&connection.db().expect("a view"), "last").expect("it was recorded");
    assert_eq!((run.status, run.exit_code), (Some(Status::Cancelled), None));
    assert_eq!(lines_of(&connection, "last").len(), 4);
}

#[test]
fn a_recorder_that_is_killed_leaves_a_run_that_shows_as_lost() {
    let folder = Folder::new();
    let script = "echo one; echo two; exec sleep 3";
    let mut child = recorder(&folder, script).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    wait_for_lines(&folder, 2);
    let connection = folder.open();
    let run = find_run(&connection.db().expect("a view"), "last").expect("it was recorded");
    assert_eq!((run.status_name(), run.is_lost()), ("running", false));
    assert_eq!(run.process.as_ref().map(|process| process.pid), Some(child.id().into()));
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    let run = find_run(&connection.db().expect("a view"), "last").expect("it was recorded");
    assert_eq!((run.status.clone(), run.status_name()), (Some(Status::Running), "lost"));
    assert_eq!(lines_of(&connection, "last").len(), 2);
}

fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
}

fn annals_now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    since.as_micros() as i64
}
