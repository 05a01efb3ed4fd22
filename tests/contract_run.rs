//! Runs, their lines and state are written and read as the contract says, whoever writes and at whatever moment one looks.
//!
//! Attacked by several processes that write to one run and to one key, by names that fit several runs or none, by views of the past, and
//! by reading the same file with nothing of ours but SQL.

mod common;

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use annals::contract::recorder::LIMIT_QUEUE_LINES;
use annals::contract::{
    Border, Level, Line, LogFilter, LogLine, RecordedBy, Recorder, Run, RunFilter, RunOptions, Status, Stream, find_run, logs,
    run_border, runs, state,
};
use annals::{Connection, Db, ErrorKind, Value};
use common::folder::Folder;

fn named(name: &str) -> RunOptions {
    RunOptions { name: Some(name.into()), ..RunOptions::default() }
}

#[track_caller]
fn start(connection: &Connection, name: &str) -> Recorder {
    Recorder::start(connection, named(name)).expect("a run begins")
}

#[track_caller]
fn view(connection: &Connection) -> Db {
    connection.db().expect("a view")
}

#[track_caller]
fn run_of(db: &Db, recorder: &Recorder) -> Run {
    Run::read(db, recorder.entity()).expect("it can be read").expect("it is there")
}

#[track_caller]
fn said(db: &Db, run: &Run, filter: &LogFilter) -> Vec<String> {
    logs(db, run, filter).expect("its lines can be read").iter().map(|line| format!("{} {}", line.seq, line.message)).collect()
}

#[test]
fn a_run_is_in_the_store_from_its_beginning_to_its_end() {
    let folder = Folder::new();
    let connection = folder.open();
    let recorder = start(&connection, "first");
    let (id, entity) = (recorder.run_id().to_owned(), recorder.entity());
    let run = run_of(&view(&connection), &recorder);
    assert_eq!((&*run.id, run.name.as_deref(), run.mode.as_deref()), (&*id, Some("first"), Some("manual")));
    assert_eq!((run.status.clone(), run.finished_at, run.status_name()), (Some(Status::Running), None, "running"));
    recorder.finish(&Status::Succeeded).expect("it ends");
    let run = Run::read(&view(&connection), entity).expect("it can be read").expect("it is there");
    assert_eq!(run.status, Some(Status::Succeeded));
    assert!(run.finished_at >= run.created_at && run.updated_at >= run.created_at.expect("it began"));
}

#[test]
fn lines_are_numbered_without_gaps_in_each_run() {
    let folder = Folder::new();
    let connection = folder.open();
    let (mut one, mut two) = (start(&connection, "one"), start(&connection, "two"));
    one.append(Level::Info, "a").expect("a line");
    two.append(Level::Warn, "b").expect("a line");
    let batch = ["c", "d", "e"].map(|text| Line::new(Level::Debug, text));
    one.append_batch(&batch).expect("lines");
    two.append_batch(&batch[..1]).expect("a line");
    one.append(Level::Error, "f").expect("a line");
    let db = view(&connection);
    let all = LogFilter::default();
    assert_eq!(said(&db, &run_of(&db, &one), &all), ["1 a", "2 c", "3 d", "4 e", "5 f"]);
    assert_eq!(said(&db, &run_of(&db, &two), &all), ["1 b", "2 c"]);
}

#[test]
fn lines_come_back_as_they_were_written() {
    let folder = Folder::new();
    let connection = folder.open();
    let mut recorder = start(&connection, "lines");
    let lines = [
        Line::new(Level::Trace, ""),
        Line::new(Level::Other("audit".into()), "tabs\tand \u{1F600} \u{0} nul"),
        Line { stream: Some(Stream::Stderr), is_partial: true, ts: 1_234_567, ..Line::new(Level::Error, "x") },
        Line::from_bytes(Level::Info, b"caf\xE9\r"),
    ];
    recorder.append_batch(&lines).expect("lines");
    let db = view(&connection);
    let read = logs(&db, &run_of(&db, &recorder), &LogFilter::default()).expect("its lines can be read");
    let back = |line: &LogLine| Line {
        ts: line.ts,
        level: line.level.clone(),
        message: line.message.clone(),
        bytes: line.bytes.clone(),
        stream: line.stream,
        is_partial: line.is_partial,
    };
    assert_eq!(read.iter().map(back).collect::<Vec<_>>(), lines);
}

#[test]
fn a_filter_chooses_lines_and_keeps_their_order() {
    let folder = Folder::new();
    let connection = folder.open();
    let mut recorder = start(&connection, "many");
    let levels = [Level::Info, Level::Warn, Level::Error];
    for batch in 0..20 {
        let lines: Vec<Line> = (0..50).map(|n| Line::new(levels[n % 3].clone(), format!("line {}", batch * 50 + n))).collect();
        recorder.append_batch(&lines).expect("lines");
    }
    let db = view(&connection);
    let run = run_of(&db, &recorder);
    let all = said(&db, &run, &LogFilter::default());
    assert_eq!(all.len(), 1000);
    let check = |filter: LogFilter, expected: Vec<String>| assert_eq!(said(&db, &run, &filter), expected, "{filter:?}");
    for count in [0, 1, 2, 255, 256, 257, 999, 1000, 5000] {
        check(LogFilter { tail: Some(count), ..LogFilter::default() }, all[1000 - count.min(1000)..].to_vec());
    }
    for after in [0, 1, 500, 999, 1000, 1001] {
        check(LogFilter { after_seq: after, ..LogFilter::default() }, all[(after as usize).min(1000)..].to_vec());
    }
    let errors: Vec<String> = all.iter().enumerate().filter(|(n, _)| n % 50 % 3 == 2).map(|(_, text)| text.clone()).collect();
    check(LogFilter { levels: vec![Level::Error], ..LogFilter::default() }, errors.clone());
    check(LogFilter { levels: vec![Level::Error], tail: Some(3), ..LogFilter::default() }, errors[errors.len() - 3..].to_vec());
    let grep = regex::Regex::new("line 99[0-9]$").expect("an expression");
    check(LogFilter { grep: Some(grep), ..LogFilter::default() }, all[990..].to_vec());
    check(LogFilter { levels: vec![Level::Trace], tail: Some(3), ..LogFilter::default() }, Vec::new());
    check(LogFilter { after_seq: -1, tail: Some(1), ..LogFilter::default() }, all[999..].to_vec());
}

fn count(connection: &Connection, entity: i64) -> usize {
    let db = view(connection);
    let run = Run::read(&db, entity).expect("it can be read").expect("it is there");
    said(&db, &run, &LogFilter::default()).len()
}

#[test]
fn a_line_that_waits_is_written_soon_with_flush_with_the_next_append_and_when_the_recorder_goes() {
    let folder = Folder::new();
    let connection = folder.open();
    let mut recorder = start(&connection, "waiting");
    let entity = recorder.entity();
    recorder.log(Level::Info, "alone").expect("a line");
    let deadline = Instant::now() + Duration::from_secs(20);
    while count(&connection, entity) == 0 {
        assert!(Instant::now() < deadline, "nobody wrote the line");
        std::thread::sleep(Duration::from_millis(5));
    }
    recorder.log(Level::Info, "flushed").expect("a line");
    recorder.flush().expect("it writes");
    assert_eq!(count(&connection, entity), 2);
    recorder.log(Level::Info, "before").expect("a line");
    recorder.append(Level::Info, "at once").expect("a line");
    assert_eq!(count(&connection, entity), 4);
    recorder.log(Level::Info, "before a state").expect("a line");
    recorder.set_state("app", "k", 1).expect("a state");
    assert_eq!(count(&connection, entity), 5);
    recorder.log(Level::Info, "last").expect("a line");
    drop(recorder);
    let db = view(&connection);
    let run = Run::read(&db, entity).expect("it can be read").expect("it is there");
    let lines = ["1 alone", "2 flushed", "3 before", "4 at once", "5 before a state", "6 last"];
    assert_eq!((said(&db, &run, &LogFilter::default()), run.status), (lines.map(str::to_owned).to_vec(), Some(Status::Running)));
}

#[test]
fn whoever_logs_faster_than_the_store_writes_waits_and_no_line_is_lost() {
    const LINES: usize = LIMIT_QUEUE_LINES * 2 + 7;
    let folder = Folder::new();
    let connection = folder.open();
    let mut recorder = start(&connection, "many");
    let entity = recorder.entity();
    // Another process that is in the middle of its own transaction.
    let other = rusqlite::Connection::open(connection.path()).expect("the file opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock is free");
    let logged = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let logging = scope.spawn(|| {
            for number in 1..=LINES {
                recorder.log(Level::Info, format!("line {number}")).expect("a line");
                logged.store(number, Ordering::SeqCst);
            }
            recorder.finish(&Status::Succeeded).expect("it ends");
        });
        let deadline = Instant::now() + Duration::from_secs(20);
        while logged.load(Ordering::SeqCst) < LIMIT_QUEUE_LINES && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(100));
        let taken = logged.load(Ordering::SeqCst);
        assert!((LIMIT_QUEUE_LINES..LINES).contains(&taken), "{taken} lines were taken while none was written");
        other.execute_batch("ROLLBACK").expect("the lock is given back");
        logging.join().expect("the thread ends");
    });
    let db = view(&connection);
    let run = Run::read(&db, entity).expect("it can be read").expect("it is there");
    let expected: Vec<String> = (1..=LINES).map(|number| format!("{number} line {number}")).collect();
    assert_eq!(said(&db, &run, &LogFilter::default()), expected);
}

#[test]
fn lines_that_cannot_be_written_are_said_to_be_with_the_next_call() {
    let folder = Folder::new();
    let connection = folder.open();
    let recorder = start(&connection, "refused");
    let run = run_of(&view(&connection), &recorder);
    let read_only = Connection::open_read_only(connection.path()).expect("it opens");
    let mut refused = Recorder::resume(&read_only, &run);
    refused.log(Level::Info, "one").expect("it waits");
    for _ in 0..2 {
        assert_eq!(refused.flush().expect_err("the store is only read").kind(), ErrorKind::ReadOnly);
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    let error = loop {
        assert!(Instant::now() < deadline, "nobody said that nothing is written");
        if let Err(error) = refused.log(Level::Info, "one more") {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
    assert_eq!(refused.finish(&Status::Succeeded).expect_err("the store is only read").kind(), ErrorKind::ReadOnly);
    assert_eq!(count(&connection, run.entity), 0);
    let mut recorder = Recorder::resume(&connection, &run);
    let error = recorder.log(Level::Other("two words".into()), "a line").expect_err("no keyword");
    assert_eq!(recorder.append(Level::Other("two words".into()), "a line").expect_err("no keyword").code(), error.code());
    recorder.log(Level::Info, "a line").expect("others are not held up");
    recorder.finish(&Status::Succeeded).expect("it ends");
    assert_eq!(count(&connection, run.entity), 1);
}

#[test]
fn state_is_a_value_by_namespace_and_key_with_its_history() {
    let folder = Folder::new();
    let connection = folder.open();
    let mut recorder = start(&connection, "state");
    assert_eq!(recorder.get_state("app", "k").expect("it can be asked"), None);
    assert!(!recorder.delete_state("app", "k").expect("it can be asked"), "there is nothing to delete");
    let before = view(&connection);
    for value in [Value::from(1), Value::from("two"), Value::Bytes([0xFF, 0].into()), Value::vector([1.into(), Value::Nil])] {
        recorder.set_state("app", "k", value.clone()).expect("it is said");
        assert_eq!(recorder.get_state("app", "k").expect("it can be asked"), Some(value));
    }
    recorder.set_state("app", "other", true).expect("it is said");
    recorder.set_state("App", "k", 0).expect("it is said");
    assert!(recorder.delete_state("app", "k").expect("it can be asked"));
    assert!(!recorder.delete_state("app", "k").expect("it can be asked"), "it is gone already");
    let db = view(&connection);
    assert_eq!(state::get(&db, "app", "k").expect("it can be asked"), None);
    assert_eq!(state::get(&before, "app", "k").expect("it can be asked"), None, "a view never changes");
    let keys = |namespace| -> Vec<String> {
        let listed = state::list(&db, namespace).expect("it can be listed");
        listed.iter().map(|state| format!("{}/{} {}", state.namespace, state.key, state.value)).collect()
    };
    assert_eq!(keys(None), ["App/k 0", "app/other true"]);
    assert_eq!(keys(Some("app")), ["app/other true"]);
    assert_eq!(keys(Some("nowhere")), [""; 0]);
    let history = state::history(&db, "app", "k").expect("it can be told");
    let values: Vec<_> = history.iter().map(|change| change.value.clone().map(|value| value.to_string())).collect();
    let expected = [Some("1"), Some("\"two\""), Some("#bytes \"ff00\""), Some("[1 nil]"), None];
    assert_eq!(values, expected.map(|text| text.map(str::to_owned)));
    assert!(history.iter().all(|change| change.m == recorder.entity()), "the run is why");
    let then = db.as_of(history[1].t).expect("a moment");
    assert_eq!(state::get(&then, "app", "k").expect("it can be asked"), Some("two".into()));
    assert_eq!(state::list(&then, Some("app")).expect("it can be listed").len(), 1);
    recorder.set_state("app", "k", "again").expect("it is said");
    assert_eq!(recorder.get_state("app", "k").expect("it can be asked"), Some("again".into()));
}

#[test]
fn runs_are_listed_newest_first_and_found_by_name() {
    let folder = Folder::new();
    let connection = folder.open();
    let db = view(&connection);
    assert!(runs(&db, &RunFilter::default()).expect("they can be listed").is_empty());
    check_missing(&db, "last", "there are no runs");
    let recorders: Vec<Recorder> = ["a", "b", "c"].into_iter().map(|name| start(&connection, name)).collect();
    let ids: Vec<String> = recorders.iter().map(|recorder| recorder.run_id().to_owned()).collect();
    let child = recorders[0].child(named("child")).expect("a run begins");
    child.finish(&Status::Failed).expect("it ends");
    let db = view(&connection);
    let list = |filter: RunFilter| -> Vec<String> {
        let found = runs(&db, &filter).expect("they can be listed");
        found.iter().filter_map(|run| run.name.as_deref().map(str::to_owned)).collect()
    };
    assert_eq!(list(RunFilter::default()), ["child", "c", "b", "a"]);
    assert_eq!(list(RunFilter { limit: Some(2), ..RunFilter::default() }), ["child", "c"]);
    assert_eq!(list(RunFilter { status: Some("running".into()), limit: Some(2), ..RunFilter::default() }), ["c", "b"]);
    assert_eq!(list(RunFilter { status: Some(":failed".into()), ..RunFilter::default() }), ["child"]);
    assert_eq!(list(RunFilter { parent: Some(recorders[0].entity()), ..RunFilter::default() }), ["child"]);
    let name_of = |text: &str| find_run(&db, text).expect(text).name.expect("it has one").to_string();
    assert_eq!([name_of("last"), name_of("last~1"), name_of("last~3")], ["child", "c", "a"]);
    assert_eq!(name_of(&ids[1]), "b");
    assert_eq!(name_of(&ids[1].to_uppercase()), "b");
    assert_eq!(name_of(&ids[1][..ids[1].len() - 1]), "b");
    for missing in ["last~4", "last~99999999999999999999", "last~", "last~x", "zzz", "", "lastly", &format!("{}0", ids[0])] {
        check_missing(&db, missing, "there is no run");
    }
    let error = find_run(&db, &ids[0][..2]).expect_err("all begin so");
    assert_eq!((error.kind(), error.value()), (ErrorKind::Ambiguous, Some(&ids[0][..2])));
    assert!(error.message().starts_with("4 runs have an id that begins with"), "{}", error.message());
    assert!(ids.iter().all(|id| error.help().expect("a remedy").contains(id)), "{:?}", error.help());
}

#[track_caller]
fn check_missing(db: &Db, name: &str, message: &str) {
    let error = find_run(db, name).expect_err(name);
    assert_eq!((error.kind(), error.value()), (ErrorKind::NotFound, Some(name)));
    assert!(error.message().contains(message), "{}", error.message());
    assert!(error.help().expect("a remedy").contains("annals runs"));
}

#[test]
fn the_past_of_a_run_can_be_looked_at_from_its_borders() {
    let folder = Folder::new();
    let connection = folder.open();
    let mut recorder = start(&connection, "past");
    let entity = recorder.entity();
    recorder.append(Level::Info, "one").expect("a line");
    let db = view(&connection);
    let run = run_of(&db, &recorder);
    let error = run_border(&db, &run, Border::End).expect_err("it has not ended");
    assert_eq!(error.kind(), ErrorKind::Time);
    assert!(error.help().expect("a remedy").contains("@start"));
    recorder.append(Level::Info, "two").expect("a line");
    recorder.finish(&Status::Failed).expect("it ends");
    let later = start(&connection, "later");
    let db = view(&connection);
    let run = Run::read(&db, entity).expect("it can be read").expect("it is there");
    let (from, to) = (run_border(&db, &run, Border::Start).expect("t"), run_border(&db, &run, Border::End).expect("t"));
    assert!(from < to);
    let at = |t: i64| {
        let then = db.as_of(t).expect("a moment");
        let run = Run::read(&then, entity).expect("it can be read").expect("it is there");
        (run.status.clone().expect("it has one"), said(&then, &run, &LogFilter { tail: Some(5), ..LogFilter::default() }).len())
    };
    assert_eq!([at(from), at(from + 1), at(to)], [(Status::Running, 0), (Status::Running, 1), (Status::Failed, 2)]);
    let then = db.as_of(to).expect("a moment");
    assert_eq!(find_run(&then, "last").expect("a run").entity, entity);
    assert!(Run::read(&then, later.entity()).expect("it can be read").is_none());
    assert!(Run::read(&db.as_of(from - 1).expect("a moment"), entity).expect("it can be read").is_none());
}

#[test]
fn a_run_that_anyone_records_is_never_lost() {
    let folder = Folder::new();
    let connection = folder.open();
    let options = RunOptions { recorded_by: RecordedBy::Anyone, ..named("by hand") };
    let recorder = Recorder::start(&connection, options).expect("a run begins");
    let run = run_of(&view(&connection), &recorder);
    assert_eq!((run.process.clone(), run.status_name()), (None, "running"));
    let mut again = Recorder::resume(&connection, &run);
    again.append(Level::Info, "from elsewhere").expect("a line");
    again.finish(&Status::Other("paused".into())).expect("it ends");
    assert_eq!(run_of(&view(&connection), &recorder).status_name(), "paused");
}

#[test]
fn a_mode_a_status_and_a_level_are_keywords_that_can_be_read_back() {
    #[track_caller]
    fn check(refused: annals::Result<()>, what: &str, name: &str) {
        let error = refused.expect_err(name);
        assert_eq!((error.kind(), error.value()), (ErrorKind::Usage, Some(name)));
        assert_eq!(error.message(), format!("`{name}` cannot be a {what}: it is not a keyword"));
        assert!(error.help().expect("a remedy").contains("dry-run"));
    }
    let folder = Folder::new();
    let connection = folder.open();
    for name in ["two words", "", "a]", "a\"b", "a/b/"] {
        let options = RunOptions { mode: Some(name.into()), ..named("refused") };
        check(Recorder::start(&connection, options).map(drop), "mode", name);
        let mut recorder = start(&connection, "keywords");
        check(recorder.append(Level::Other(name.into()), "x"), "level", name);
        check(recorder.finish(&Status::Other(name.into())), "status", name);
    }
    let db = view(&connection);
    assert_eq!(runs(&db, &RunFilter::default()).expect("they can be listed").len(), 5, "what was refused left no trace");
    let options = RunOptions { mode: Some(":my/mode".into()), ..named("own") };
    let recorder = Recorder::start(&connection, options).expect("a run begins");
    assert_eq!(run_of(&view(&connection), &recorder).mode.as_deref(), Some("my/mode"));
}

/// The other half of the test below: this very program, started again to write in a process of its own.
#[test]
fn writer_in_a_process_of_its_own() {
    let (Some(store), Ok(name)) = (std::env::var_os("TEST_STORE"), std::env::var("TEST_WRITER")) else { return };
    let connection = Connection::open(store).expect("the store opens");
    let run = find_run(&view(&connection), "last").expect("a run");
    let mut recorder = Recorder::resume(&connection, &run);
    for n in 0..50 {
        let lines: Vec<Line> = (0..=n % 4).map(|part| Line::new(Level::Info, format!("{name} {n} {part}"))).collect();
        recorder.append_batch(&lines).expect("lines");
        recorder.set_state("shared", "key", format!("{name} {n}")).expect("it is said");
    }
}

#[test]
fn several_processes_write_to_one_run_and_one_key() {
    let folder = Folder::new();
    let connection = folder.open();
    let recorder = start(&connection, "shared");
    let program = std::env::current_exe().expect("this program");
    let mut children: Vec<_> = (0..4)
        .map(|writer| {
            let mut command = Command::new(&program);
            command.args(["--exact", "writer_in_a_process_of_its_own", "--quiet"]);
            command.env("TEST_STORE", folder.store()).env("TEST_WRITER", writer.to_string());
            command.stdout(std::process::Stdio::null()).spawn().expect("it runs")
        })
        .collect();
    for child in &mut children {
        assert!(child.wait().expect("it ends").success());
    }
    let db = view(&connection);
    let lines = logs(&db, &run_of(&db, &recorder), &LogFilter::default()).expect("its lines can be read");
    let numbers: Vec<i64> = lines.iter().map(|line| line.seq).collect();
    assert_eq!(numbers, (1..=4 * 123).collect::<Vec<_>>(), "numbers count 1, 2, 3 whoever writes");
    for writer in 0..4 {
        let own: Vec<&str> =
            lines.iter().map(|line| &*line.message).filter(|text| text.starts_with(&format!("{writer} "))).collect();
        let expected: Vec<String> = (0..50).flat_map(|n| (0..=n % 4).map(move |part| format!("{writer} {n} {part}"))).collect();
        assert_eq!(own, expected, "each writer's lines stay in its order");
    }
    assert_eq!(state::list(&db, None).expect("it can be listed").len(), 1, "one key is one entity");
    assert_eq!(state::history(&db, "shared", "key").expect("it can be told").len(), 200);
}

#[test]
fn sql_shows_the_same_as_the_library() {
    let folder = Folder::new();
    let connection = folder.open();
    let options = RunOptions { project_path: Some("/src".into()), mode: Some("exec".into()), ..named("sql") };
    let mut recorder = Recorder::start(&connection, options).expect("a run begins");
    let id = recorder.run_id().to_owned();
    recorder.append(Level::Warn, "one").expect("a line");
    recorder.append_batch(&[Line::from_bytes(Level::Error, b"two\xFF")]).expect("a line");
    recorder.set_state("app", "text", "v").expect("it is said");
    recorder.set_state("app", "gone", 1).expect("it is said");
    recorder.delete_state("app", "gone").expect("it is said");
    recorder.set_state("app", "bytes", Value::Bytes([0xFF].into())).expect("it is said");
    recorder.finish(&Status::Succeeded).expect("it ends");
    let sql = rusqlite::Connection::open(folder.store()).expect("SQLite opens it");
    let rows = |query: &str| -> Vec<String> {
        let mut statement = sql.prepare(query).expect("a query");
        let found = statement.query_map([], |row| row.get(0)).expect("it runs");
        found.map(|row| row.expect("a row")).collect()
    };
    let run = "SELECT id || ' ' || project_path || ' ' || mode || ' ' || status FROM runs";
    assert_eq!(rows(run), [format!("{id} /src exec succeeded")]);
    assert_eq!(
        rows("SELECT seq || ' ' || level || ' ' || message FROM run_logs ORDER BY seq"),
        ["1 warn one", "2 error two\u{FFFD}"]
    );
    assert_eq!(rows("SELECT DISTINCT run_id FROM run_logs"), [id]);
    assert_eq!(rows("SELECT key || ' ' || hex(value_blob) FROM state_kv ORDER BY key"), ["bytes FF", "text 76"]);
    assert_eq!(rows("SELECT DISTINCT typeof(value_blob) FROM state_kv"), ["blob"]);
    assert_eq!(rows("SELECT ts FROM run_logs WHERE ts NOT GLOB '20??-??-??T??:??:??.??????Z'"), [""; 0]);
}
