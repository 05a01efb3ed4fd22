//! Every way by which something is recorded or let out: `annals run`, its command line, `annals log`, the library, declared attributes,
//! exports. What passes through to the terminal stays as it is, and `--no-redact` records what was said.

use std::os::unix::fs::PermissionsExt as _;

use annals::contract::{Level, LogFilter, Recorder, RunOptions, Status, find_run, logs};
use annals::redact::Redaction;
use annals::{Connection, exchange};

use crate::place::Place;

const SECRET: &str = "Tr0ub4dor-and-3";

/// True if any file of the folder holds the text.
fn is_anywhere(place: &Place, text: &str) -> bool {
    let mut folders = vec![place.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("it can be listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if memchr::memmem::find(&std::fs::read(path).expect("it can be read"), text.as_bytes()).is_some() {
                return true;
            }
        }
    }
    false
}

#[test]
fn a_run_records_no_secret_and_passes_its_output_through() {
    let place = Place::new();
    place.run(&["init"]).succeeds();
    let script = format!("echo \"$1\" >/dev/null; echo password={SECRET}; printf '\\377 token={SECRET}1\\n' >&2; echo done");
    let ran = place.run(&[
        "run",
        "--name",
        &format!("password={SECRET}"),
        "--set",
        &format!("api_key={SECRET}9xQ"),
        "--",
        "sh",
        "-c",
        &script,
        "x",
        "--password",
        &format!("{SECRET}2"),
    ]);
    assert_eq!(ran.out, format!("password={SECRET}\ndone\n"), "what passes through stays as it is");
    assert!(!is_anywhere(&place, "Tr0ub4dor"), "no file holds it");
    let shown = place.run(&["--format", "json", "show", "last"]).succeeds().out;
    assert!(shown.contains("[REDACTED:password:") && shown.contains(":run/redactions\":2"), "{shown}");
    place.run(&["verify"]).succeeds();
}

#[test]
fn a_secret_in_the_place_of_a_program_is_not_recorded_in_the_error_either() {
    let place = Place::new();
    place.run(&["init"]).succeeds();
    let token = "ghp_aB3dE5gH7jK9mN1pQ3sT5vX7zA2cF4hJ6kLm";
    // The terminal shows what was typed.
    let ran = place.run(&["run", "--", token]);
    assert!(ran.err.contains(token), "{}", ran.err);
    assert!(!is_anywhere(&place, "aB3dE5gH7jK9mN1pQ3sT5v"), "no file holds it");
    let shown = place.run(&["--format", "json", "show", "last"]).succeeds().out;
    assert!(shown.contains("there is no program `[REDACTED:"), "{shown}");
}

#[test]
fn what_must_be_typed_records_everything_as_it_is() {
    let place = Place::new();
    place.run(&["init"]).succeeds();
    place.run(&["run", "--no-redact", "--", "sh", "-c", &format!("echo password={SECRET}")]);
    assert!(place.run(&["--format", "csv", "logs", "last"]).succeeds().out.contains(SECRET));
    let run = place.run(&["start"]).succeeds().out;
    place.run(&["log", run.trim(), &format!("password={SECRET}1")]).succeeds();
    place.run(&["log", run.trim(), "--no-redact", &format!("password={SECRET}2")]).succeeds();
    place.run_with(&["log", run.trim(), "-"], &format!("password={SECRET}3\n")).succeeds();
    let lines = place.run(&["--format", "csv", "logs", run.trim()]).succeeds().out;
    let shows = ["1", "2", "3"].map(|end| lines.contains(&format!("{SECRET}{end}")));
    assert_eq!(shows, [false, true, false], "{lines}");
}

#[test]
fn a_program_that_records_itself_redacts_unless_it_says_otherwise() {
    let place = Place::new();
    let connection = Connection::open(place.path().join("annals.db")).expect("a store");
    let options = || RunOptions { command: Some(format!("x --token {SECRET}")), ..RunOptions::default() };
    let mut recorder = Recorder::start(&connection, options()).expect("a run");
    recorder.append(Level::Info, format!("password={SECRET}")).expect("a line");
    recorder.log(Level::Info, format!("password={SECRET}")).expect("a line");
    recorder.log(Level::Info, "-----BEGIN PRIVATE KEY-----").expect("a line");
    recorder.log(Level::Info, "MIIBVQIBADANBgkqhkiG9w0BAQEFAASCAT8wggE7").expect("a line");
    recorder.flush().expect("all lines");
    recorder.set_state("app", "note", format!("password={SECRET}X")).expect("a state");
    let id = recorder.run_id().to_owned();
    recorder.finish(&Status::Succeeded).expect("the end");
    let db = connection.db().expect("a view");
    let run = find_run(&db, &id).expect("it is there");
    let lines = logs(&db, &run, &LogFilter::default()).expect("lines");
    assert_eq!(lines[0].message, lines[1].message, "equal secrets are written alike");
    assert!(lines[3].message.starts_with("[REDACTED:private-key:"), "{}", lines[3].message);
    assert!(!run.command.as_deref().unwrap_or_default().contains(SECRET));
    let count = db.q("[:find ?n . :where [_ :run/redactions ?n]]", &[]).expect("an answer");
    assert_eq!(count.to_edn(), "3");
    // State is what a program reads back: it stays what it was.
    let state = annals::contract::state::get(&db, "app", "note").expect("a state").expect("a value");
    assert_eq!(state.as_text(), Some(format!("password={SECRET}X").as_str()));

    let options = RunOptions { redaction: Redaction::Off, ..options() };
    let mut recorder = Recorder::start(&connection, options).expect("a run");
    recorder.append(Level::Info, format!("password={SECRET}")).expect("a line");
    let db = connection.db().expect("a view");
    let run = find_run(&db, recorder.run_id()).expect("it is there");
    assert!(run.command.as_deref().unwrap_or_default().contains(SECRET));
    assert!(logs(&db, &run, &LogFilter::default()).expect("lines")[0].message.contains(SECRET));
}

#[test]
fn the_key_of_the_marks_is_made_with_the_first_of_them() {
    let place = Place::new();
    let key = place.path().join(".annals/annals.db-key");
    place.run(&["run", "--set", "a/b=c", "--", "echo", "nothing to hide"]).succeeds();
    place.run(&["log", "last", "nor here"]).succeeds();
    place.run(&["export", "--redact"]).succeeds();
    assert!(!key.exists());
    place.run(&["log", "last", "password=hunter2"]).succeeds();
    assert!(key.exists());
}

#[test]
fn the_key_of_the_marks_is_private_and_its_own_in_each_store() {
    let marks = [(), ()].map(|()| {
        let place = Place::new();
        place.run(&["init"]).succeeds();
        for _ in 0..2 {
            place.run(&["run", "--", "sh", "-c", &format!("umask 0; echo password={SECRET}")]);
        }
        let key = place.path().join(".annals/annals.db-key");
        let metadata = std::fs::symlink_metadata(&key).expect("a key");
        assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (32, 0o600));
        let found = place.run(&["--format", "edn", "q", "[:find ?m :with ?l :where [?l :log/message ?m]]"]).succeeds().out;
        let marks: Vec<&str> = found.split('"').filter(|part| part.contains("REDACTED")).collect();
        assert!(marks.len() == 2 && marks[0] == marks[1], "{found}");
        marks[0].to_owned()
    });
    assert_ne!(marks[0], marks[1], "the same secret in another store");
}

#[test]
fn declared_attributes_are_redacted_before_anything_looks_at_them() {
    let place = Place::new();
    let connection = Connection::open(place.path().join("annals.db")).expect("a store");
    let transact = |text: &str| connection.transact(text).expect(text);
    transact(
        "[{:db/ident :user/token :db/unique :db.unique/identity :redact/values :whole} {:db/ident :user/note :redact/values :secrets}]",
    );
    let say = format!("[{{:user/token \"{SECRET}\" :user/note \"my password={SECRET}\" :user/name \"Ada\"}}]");
    let report = transact(&say);
    assert!(!report.datoms.iter().any(|datom| datom.v.to_string().contains(SECRET)));
    assert!(transact(&say).is_empty(), "the same secret is the same value, and leads to the same entity");
    let ada = connection.db().expect("a view").q("[:find ?e . :where [?e :user/name \"Ada\"]]", &[]).expect("an answer").to_edn();
    transact(&format!("[[:db/cas {ada} :user/note \"my password={SECRET}\" \"x\"]]"));
    transact(&format!("[[:db/retract {ada} :user/token \"{SECRET}\"]]"));
    let left = connection.db().expect("a view").q("[:find ?t . :where [_ :user/token ?t]]", &[]).expect("an answer");
    assert_eq!(left.to_edn(), "nil", "it is retracted by the secret itself");
    // Declared and said in one transaction.
    transact(&format!("[{{:db/ident :app/pin :redact/values :whole}} {{:app/pin \"{SECRET}\"}}]"));
    drop(connection);
    assert!(!is_anywhere(&place, SECRET));
}

#[test]
fn an_export_can_be_redacted_and_is_then_another_history() {
    let place = Place::new();
    let connection = Connection::open(place.path().join("source.db")).expect("a store");
    let mut recorder =
        Recorder::start(&connection, RunOptions { redaction: Redaction::Off, ..RunOptions::default() }).expect("a run");
    recorder.append(Level::Info, format!("password={SECRET}")).expect("a line");
    recorder.finish(&Status::Succeeded).expect("the end");
    for text in [
        format!(
            "[{{:db/id \"a\" :user/name \"Ada\" :user/password \"{SECRET}\" :user/site \"https://ada:{SECRET}@example.com/\"}}]"
        ),
        "[{:db/ident :user/both :db/tupleAttrs [:user/name :user/password]}]".into(),
        format!("[{{:user/name \"Alan\" :user/password \"{SECRET}\"}}]"),
    ] {
        connection.transact(&text).expect("it is taken");
    }
    let ada = connection.db().expect("a view").q("[:find ?e . :where [?e :user/name \"Ada\"]]", &[]).expect("an answer").to_edn();
    connection.transact(&format!("[[:db/retract {ada} :user/password \"{SECRET}\"]]")).expect("it is taken");
    let db = connection.db().expect("a view");
    let mut plain = Vec::new();
    exchange::export_datoms(&db, &mut plain).expect("an export");
    assert!(String::from_utf8_lossy(&plain).contains(SECRET), "the control: it is in the store");
    let mut redacted = [Vec::new(), Vec::new()];
    exchange::export_datoms_redacted(&db, &mut redacted[0]).expect("an export");
    exchange::export_jsonl_redacted(&db, &mut redacted[1]).expect("an export");
    for (at, stream) in redacted.iter().enumerate() {
        let text = String::from_utf8_lossy(stream);
        assert!(!text.contains(SECRET) && text.contains("[REDACTED:password:"), "{text}");
        let target = Connection::open(place.path().join(format!("target-{at}.db"))).expect("a store");
        for _ in 0..2 {
            exchange::import(&target, &mut &**stream).expect("a new store takes it in");
        }
        assert_eq!(target.store().verify().expect("a report").problem, None);
        let error = exchange::import(&connection, &mut &**stream).expect_err("the store it came from does not");
        assert_eq!(error.code(), "transaction/conflict");
    }
    assert!(String::from_utf8_lossy(&redacted[0]).lines().nth(1).is_some_and(|line| line.contains("hashes")), "it says so");
}
