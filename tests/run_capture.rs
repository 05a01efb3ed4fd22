//! A program is recorded whole, whatever it does, and is not disturbed by being recorded.
//!
//! Attacked with real programs: output without newlines, without end, not UTF-8, on both streams, from processes left behind; programs
//! that are not there, may not be run, are killed. What only the binary can show is in `run_program.rs`.

mod common;

use std::ffi::OsString;
use std::process::Command;
use std::time::{Duration, Instant};

use annals::contract::capture::{CaptureOptions, Ending, LIMIT_LINE_BYTES, Outcome, record_program};
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
    assert!(lines_of(&connection, &outcome.run_id).iter().any(|line| &*line.message == "from the program"));
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

fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
}

fn annals_now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    since.as_micros() as i64
}
