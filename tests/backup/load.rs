//! Backups while threads and another process write, as fast as they can.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use annals::store::{Access, BackupOptions, Store};
use annals::{Connection, ErrorKind, Value};

const WRITERS: usize = 3;

fn rounds() -> usize {
    std::env::var("BACKUPS").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

/// Two counters that every transaction sets to the same number, beside a text that makes the store grow.
///
/// Gives how long each took, and whether a backup was being made then.
fn write_on(
    connection: &Connection,
    writer: usize,
    acknowledged: &AtomicI64,
    [stop, is_copying]: [&AtomicBool; 2],
) -> Vec<(bool, Duration)> {
    let mut took = Vec::new();
    for number in acknowledged.load(Ordering::Acquire) + 1.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let text = format!(
            "[{{:db/ident :writer/w{writer} :pair/left {number} :pair/right {number}}} {{:note/text \"{}\"}}]",
            "x".repeat(400)
        );
        let start = Instant::now();
        connection.transact(&text).expect("a writer is never refused");
        took.push((is_copying.load(Ordering::Relaxed), start.elapsed()));
        acknowledged.store(number, Ordering::Release);
    }
    took
}

/// What the copy says of each writer: both counters are the same, and at least what was acknowledged.
fn torn_or_lost(copy: &Path, before: &[i64]) -> Option<String> {
    let db = match Connection::open_read_only(copy).and_then(|copy| copy.db()) {
        Ok(db) => db,
        Err(error) => return Some(format!("it does not open: {error}")),
    };
    for (writer, before) in before.iter().enumerate().filter(|(_, before)| **before > 0) {
        let query = format!("[:find [?l ?r] :where [:writer/w{writer} :pair/left ?l] [:writer/w{writer} :pair/right ?r]]");
        let pair = db.q(&query, &[]).expect("the query is in order").rows.pop().unwrap_or_default();
        let [left, right] = [0, 1].map(|at| pair.get(at).and_then(Value::as_long));
        if left != right || left.is_none_or(|left| left < *before) {
            return Some(format!("writer {writer} was acknowledged {before} and the copy says {pair:?}"));
        }
    }
    None
}

/// Runs in a process of its own, started by the test below: writes until its input ends.
#[test]
fn child_writes() {
    if let Some(path) = std::env::var_os("STORE_TO_WRITE") {
        let connection = Connection::open(PathBuf::from(path)).expect("the store");
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| write_on(&connection, WRITERS, &AtomicI64::new(0), [&stop, &AtomicBool::new(false)]));
            let _ = std::io::stdin().read_line(&mut String::new());
            stop.store(true, Ordering::Relaxed);
        });
    }
}

fn spawn_writer(path: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "load::child_writes", "--test-threads", "1"])
        .env("STORE_TO_WRITE", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the child starts")
}

/// The median and the longest of those that were made beside a backup, or of the others.
fn summary(took: &[(bool, Duration)], beside: bool) -> String {
    let mut took: Vec<Duration> = took.iter().filter(|(is_beside, _)| *is_beside == beside).map(|(_, took)| *took).collect();
    took.sort_unstable();
    let at = |place: usize| took.get(place).copied().unwrap_or_default();
    format!("median {:.1?}, longest {:.1?}", at(took.len() / 2), at(took.len().saturating_sub(1)))
}

#[test]
fn a_backup_under_load_is_one_moment_with_all_that_was_acknowledged_before() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    let connection = Connection::open(&path).expect("a store");
    let mut child = spawn_writer(&path);
    let (stop, is_copying) = (AtomicBool::new(false), AtomicBool::new(false));
    let switches = [&stop, &is_copying];
    let counts: Vec<AtomicI64> = (0..WRITERS).map(|_| AtomicI64::new(0)).collect();
    let (mut controls_seen, mut longest, mut least_growth) = (0, Duration::ZERO, i64::MAX);
    let took = std::thread::scope(|scope| {
        let writers: Vec<_> = counts
            .iter()
            .enumerate()
            .map(|(writer, count)| (connection.clone(), writer, count))
            .map(|(connection, writer, count)| scope.spawn(move || write_on(&connection, writer, count, switches)))
            .collect();
        for round in 0..rounds() {
            std::thread::sleep(Duration::from_millis(60));
            let before: Vec<i64> = counts.iter().map(|count| count.load(Ordering::Acquire)).collect();
            let copy = folder.path().join(format!("copy-{round}.db"));
            let start = Instant::now();
            is_copying.store(true, Ordering::Relaxed);
            let report = connection.backup(&copy).expect("a backup");
            is_copying.store(false, Ordering::Relaxed);
            longest = longest.max(start.elapsed());
            let after: i64 = counts.iter().map(|count| count.load(Ordering::Acquire)).sum();
            least_growth = least_growth.min(after - before.iter().sum::<i64>());
            assert_eq!(torn_or_lost(&copy, &before), None, "round {round}");
            check_is_a_moment_of(connection.store(), &copy, &report);
            std::fs::remove_file(&copy).expect("it is there");
            // The control: the file alone, without its write-ahead log, is what many take for a backup.
            let naive = folder.path().join("naive.db");
            std::fs::copy(&path, &naive).expect("a copy");
            controls_seen += usize::from(torn_or_lost(&naive, &before).is_some());
        }
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().flat_map(|writer| writer.join().expect("it ends")).collect::<Vec<_>>()
    });
    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").success());
    println!(
        "{} backups, the longest {longest:.1?}; {} transactions, at least {least_growth} during each; alone {}, beside a backup {}; \
         control: {controls_seen} plain copies were not whole",
        rounds(),
        took.len(),
        summary(&took, false),
        summary(&took, true),
    );
    assert!(controls_seen > 0, "the check cannot tell a backup from a copy of the file alone");
}

#[track_caller]
fn check_is_a_moment_of(store: &Store, copy: &Path, report: &annals::store::BackupReport) {
    let row = store.transactions(report.t - 1, report.t).expect("the transaction is there").pop().expect("it is one");
    let head = row.hash.iter().fold(String::new(), |head, byte| format!("{head}{byte:02x}"));
    assert_eq!(report.head, head, "the head is one that the store had");
    let verified = Store::verify_file(copy).expect("a report");
    assert_eq!((verified.problem, verified.head, verified.transactions), (None, head, report.t));
    assert_eq!(report.bytes, std::fs::metadata(copy).expect("it is there").len());
}

#[test]
fn a_backup_is_restored_by_being_opened_and_written_to() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = Connection::open(folder.path().join("annals.db")).expect("a store");
    connection.transact("[{:name \"Ada\"}]").expect("a transaction");
    let (copy, second) = (folder.path().join("copy.db"), folder.path().join("second.db"));
    connection.backup(&copy).expect("a backup");
    // Somebody reads it while it becomes a store that is written to.
    let reading = Connection::open_read_only(&copy).expect("readable");
    let seen = reading.db().expect("a value");
    let restored = Connection::open(&copy).expect("a store");
    assert_eq!(restored.transact("[{:name \"Grace\"}]").expect("a transaction").t, Some(3));
    assert_eq!(reading.db().expect("a value").basis_t(), 3);
    assert_eq!(seen.basis_t(), 2);
    assert_eq!(restored.backup(&second).expect("a backup of the backup").t, 3);
    assert_eq!(connection.db().expect("a value").basis_t(), 2, "the store it was made of is as it was");
}

#[test]
fn a_backup_can_be_read_where_nothing_may_be_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = Connection::open(folder.path().join("annals.db")).expect("a store");
    let kept = folder.path().join("kept");
    std::fs::create_dir(&kept).expect("a folder");
    connection.backup(kept.join("copy.db")).expect("a backup");
    assert_eq!(Connection::open_read_only(kept.join("copy.db")).and_then(|copy| copy.db()).expect("readable").basis_t(), 1);
    let names: Vec<_> = std::fs::read_dir(&kept).expect("a folder").map(|entry| entry.expect("a file").file_name()).collect();
    assert_eq!(names, ["copy.db"], "reading it makes no file beside it");
}

#[test]
fn a_store_opened_for_reading_only_is_backed_up_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    drop(Connection::open(&path).expect("a store"));
    let store = Store::open(&path, Access::ReadOnly).expect("the store");
    let mut told = Vec::new();
    let report = store.backup(folder.path().join("copy.db"), &BackupOptions::default(), |progress| told.push(progress));
    assert_eq!(report.expect("a backup").t, 1);
    assert!(told.len() >= 2, "{told:?}");
    let error = store.write(|_| Ok(())).expect_err("it still writes nothing");
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
}
