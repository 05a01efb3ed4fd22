//! What cannot be finished leaves nothing.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use annals::store::{BackupOptions, BackupProgress, Existing};
use annals::transact::TxData;
use annals::{Connection, ErrorKind, Tuning};

use crate::place::Place;

/// A store of some megabytes, so that a copy of it takes several steps.
fn large(path: &Path) -> Connection {
    let options = annals::Options { tuning: Tuning { disk_datoms: i64::MAX, ..Tuning::default() }, ..annals::Options::default() };
    let connection = Connection::open_with(path, options).expect("a store");
    for _ in 0..4 {
        let mut data = TxData::new();
        for _ in 0..5_000 {
            let note = data.fresh();
            data.add(note, "note/text", "x".repeat(200));
        }
        connection.transact_data(&data).expect("a transaction");
    }
    connection
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name().display().to_string()).collect();
    names.sort();
    names
}

#[test]
fn a_backup_that_is_cancelled_at_any_step_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = large(&folder.path().join("annals.db"));
    let kept = folder.path().join("kept");
    fs::create_dir(&kept).expect("a folder");
    fs::write(kept.join("old.db"), "old").expect("a file");
    let count = |stop_at: usize| {
        let cancelled = Arc::new(AtomicBool::new(stop_at == 0));
        let mut steps = 0;
        let options = BackupOptions { existing: Existing::Replace, cancelled: Arc::clone(&cancelled) };
        let outcome = connection.store().backup(kept.join("old.db"), &options, |_: BackupProgress| {
            steps += 1;
            cancelled.store(steps >= stop_at, Ordering::Relaxed);
        });
        (steps, outcome)
    };
    for stop_at in 0.. {
        let (steps, outcome) = count(stop_at);
        assert_eq!(names(&kept), ["old.db"], "at step {stop_at}");
        if steps < stop_at {
            assert!(outcome.is_ok() && steps > 5, "it was not cancelled, after {steps} steps");
            return;
        }
        assert_eq!(outcome.expect_err("it was cancelled").code(), "query/cancelled", "at step {stop_at}");
        assert_eq!(fs::read(kept.join("old.db")).expect("it is there"), b"old", "at step {stop_at}");
    }
}

#[test]
fn a_signal_ends_a_backup_and_leaves_nothing() {
    let place = Place::new();
    drop(large(&place.path().join("annals.db")));
    let kept = place.path().join("kept");
    fs::create_dir(&kept).expect("a folder");
    let mut stopped = 0;
    for (at, signal) in ["INT", "TERM", "HUP"].into_iter().cycle().take(12).enumerate() {
        let mut child = place.command(&["--db", "annals.db", "backup", "kept/copy.db"]).spawn().expect("it runs");
        std::thread::sleep(Duration::from_millis(4 * at as u64));
        // Once its file is there it listens to signals: before that any other program's way to end is right, and leaves nothing either.
        while names(&kept).is_empty() && child.try_wait().expect("it can be waited for").is_none() {
            std::thread::yield_now();
        }
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).stderr(Stdio::null()).status();
        assert!(sent.is_ok());
        let ended = child.wait().expect("it ends");
        match ended.code() {
            Some(0) => fs::remove_file(kept.join("copy.db")).expect("it is there"),
            code => {
                stopped += 1;
                assert_eq!(code, Some(6), "{signal}");
            }
        }
        assert_eq!(names(&kept), [] as [&str; 0], "{signal}");
    }
    assert!(stopped > 0, "no backup was stopped");
}

#[test]
fn a_damaged_store_is_not_backed_up() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    let connection = Connection::open(&path).expect("a store");
    connection.transact("[{:name \"Ada\"}]").expect("a transaction");
    let other = rusqlite::Connection::open(&path).expect("another client");
    other
        .execute_batch("DROP TRIGGER txs_refuse_update; UPDATE txs SET hash = zeroblob(32) WHERE t = 1")
        .expect("a change that no program of ours makes");
    let error = connection.backup(folder.path().join("copy.db")).expect_err("it is damaged");
    assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
    assert!(error.help().is_some_and(|help| help.contains("annals verify")));
    assert!(names(folder.path()).iter().all(|name| name.starts_with("annals.db")), "{:?}", names(folder.path()));
}

/// A folder that holds so little, for one command; `None` where this machine does not let tests mount one.
fn with_small_disk(place: &Place, command: &str) -> Option<String> {
    let script = format!("mount -t tmpfs -o size=256k none small || exit 99; echo old > small/old.db; {command}; ls -A small");
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .current_dir(place.path())
        .env("ANNALS", env!("CARGO_BIN_EXE_annals"))
        .output()
        .ok()?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    output.status.success().then_some(text)
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    let place = Place::new();
    drop(large(&place.path().join("annals.db")));
    fs::create_dir(place.path().join("small")).expect("a folder");
    let command = "\"$ANNALS\" --db annals.db backup small/copy.db; echo code $?; \"$ANNALS\" --db annals.db backup --force small/old.db; cat small/old.db";
    let Some(text) = with_small_disk(&place, command) else {
        println!("skipped: no small disk can be mounted here");
        return;
    };
    assert!(text.contains("disk is full") && text.contains("code 1"), "{text}");
    assert!(text.contains("\nold\nold.db\n"), "{text}");
    assert!(!text.contains(".backup"), "{text}");
}

#[test]
fn a_file_that_may_not_grow_is_an_error_and_leaves_nothing() {
    let place = Place::new();
    drop(large(&place.path().join("annals.db")));
    let kept = place.path().join("kept");
    fs::create_dir(&kept).expect("a folder");
    let script = "trap '' XFSZ; ulimit -f 512; \"$0\" --db annals.db backup kept/copy.db";
    let output = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_annals")])
        .current_dir(place.path())
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("copy.db"), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(names(&kept), [] as [&str; 0]);
}
