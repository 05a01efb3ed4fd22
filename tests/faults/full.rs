//! A disk that runs full, and has room again: a file system of its own where one may be mounted, else the shim's budget of bytes.
//!
//! The one who attacks is this test as a process of its own, inside a mount namespace, or behind the shim; what it mounts goes with it.

use std::fmt;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use annals::contract::{Status, find_run};
use annals::store::Store;
use annals::{Connection, ErrorKind};

use crate::place::Place;
use crate::shim;
use crate::whole::check_whole;

/// How the disk is made small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    /// A file system in memory, mounted by root.
    Mounted,
    /// The same in a namespace in which we are root.
    MountedAsUser,
    /// The budget of the shim.
    Budget,
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mounted => "a file system mounted by root",
            Self::MountedAsUser => "a file system mounted in a namespace of our own",
            Self::Budget => "a budget of bytes",
        })
    }
}

impl Disk {
    /// `unshare` with what this needs.
    fn namespace(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Mounted => Some(&["-m"]),
            Self::MountedAsUser => Some(&["-r", "-m"]),
            Self::Budget => None,
        }
    }

    /// The first that works here.
    fn best() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let works = |disk: &Self| {
            let Some(flags) = disk.namespace() else { return true };
            let mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "annals-test"];
            let tried = Command::new("unshare").args(flags).args(mount).arg(folder.path()).output();
            tried.is_ok_and(|tried| tried.status.success())
        };
        [Self::Mounted, Self::MountedAsUser, Self::Budget].into_iter().find(works).expect("the last always works")
    }
}

/// Runs one attack, which has to succeed; gives what it counted.
#[track_caller]
fn attack(part: &str, disk: Disk, kibibytes: u64) -> String {
    let ran = run(part, disk, kibibytes);
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{part} on {kibibytes} KiB, {disk}:\n{text}\n{}", String::from_utf8_lossy(&ran.stderr));
    text.lines().find_map(|line| line.split_once("said: ")).map_or_else(String::new, |(_, said)| said.to_owned())
}

/// Runs one attack in a process of its own.
fn run(part: &str, disk: Disk, kibibytes: u64) -> Output {
    let place = Place::new();
    let this = std::env::current_exe().expect("this test");
    let mut command = if let Some(flags) = disk.namespace() {
        let mut command = Command::new("unshare");
        command.args(flags).arg(this);
        command
    } else {
        let mut command = Command::new(this);
        shim::watch(&mut command, &place.disk(), &place.beside("counters"), None);
        command.env("SHIM_BUDGET", (kibibytes << 10).to_string());
        command
    };
    command.args(["--exact", "full::runs_in_a_process_of_its_own", "--nocapture", "--test-threads", "1"]);
    command.env("FULL_PART", part).env("FULL_DISK", format!("{disk:?}")).env("FULL_SIZE", kibibytes.to_string());
    command.env("FULL_PLACE", place.beside("")).env_remove("ANNALS_RUN");
    command.output().expect("it runs")
}

/// What the process of its own has: a disk that is nearly full, and the means to make it larger.
struct Small {
    disk: PathBuf,
    counters: PathBuf,
    is_mounted: bool,
}

impl Small {
    fn make() -> (Self, String) {
        let variable = |name: &str| std::env::var(name).expect("the test that started this says so");
        let place = fs::canonicalize(variable("FULL_PLACE")).expect("the folder is there");
        let small = Self {
            disk: place.join("disk"),
            counters: place.join("counters"),
            is_mounted: variable("FULL_DISK") != format!("{:?}", Disk::Budget),
        };
        if small.is_mounted {
            let size = format!("size={}k", variable("FULL_SIZE"));
            small.mount(&["-t", "tmpfs", "-o", &size, "annals-test"]);
        }
        (small, variable("FULL_PART"))
    }

    fn mount(&self, arguments: &[&str]) {
        let mounted = Command::new("mount").args(arguments).arg(&self.disk).status();
        assert!(mounted.expect("mount is there").success(), "{arguments:?}");
    }

    /// Somebody frees space: so much that the rest of the test fits.
    fn free(&self) {
        if self.is_mounted {
            return self.mount(&["-o", "remount,size=64m"]);
        }
        // Of `struct shared`: nine counts, the failures, then the budget.
        let shared = fs::OpenOptions::new().write(true).open(&self.counters).expect("the counters");
        shared.write_all_at(&u64::from(u32::MAX).to_le_bytes(), 80).expect("a larger budget");
    }

    fn store(&self) -> PathBuf {
        self.disk.join("annals.db")
    }

    fn annals(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_annals"));
        command.args(["--format", "jsonl"]).args(arguments).env("ANNALS_DB", self.store()).stdin(Stdio::null());
        command.current_dir(self.disk.parent().expect("it has one")).output().expect("it runs")
    }
}

#[test]
fn runs_in_a_process_of_its_own() {
    if std::env::var_os("FULL_PART").is_none() {
        return;
    }
    let (small, part) = Small::make();
    let said = match part.as_str() {
        "writing" => writing(&small),
        "recording" => recording(&small),
        "careless" => careless(&small),
        _ => panic!("there is no part {part}"),
    };
    println!("\nsaid: {said}");
}

fn text_of(n: i64) -> String {
    format!("[{{:full/n {n} :full/text \"some text that takes room, {n} times or more\"}} {{:full/half {n}}}]")
}

/// Writes until an error, and says which it was.
#[track_caller]
fn fill(connection: &Connection, acknowledged: &mut i64) -> ErrorKind {
    loop {
        match connection.transact(&text_of(*acknowledged + 1)) {
            Ok(_) => *acknowledged += 1,
            Err(error) => {
                let is_told = error.message().contains("full") || error.kind() == ErrorKind::HandlePoisoned;
                assert!(is_told && error.help().is_some(), "{}: {error}", error.code());
                return error.kind();
            }
        }
        assert!(*acknowledged < 1_000_000, "the disk does not become full");
    }
}

/// Everything that was acknowledged is there, whole, once, and nothing else.
#[track_caller]
fn check_rows(store: &Path, acknowledged: i64) {
    check_whole(store).expect("the store is whole");
    let db = Connection::open_read_only(store).and_then(|connection| connection.db()).expect("it is read on a full disk too");
    for attribute in ["full/n", "full/half"] {
        let answer = db.q(&format!("[:find ?n :where [_ :{attribute} ?n] :order-by ?n]"), &[]).expect("an answer");
        let found: Vec<i64> = answer.rows.iter().filter_map(|row| row[0].as_long()).collect();
        assert_eq!(found, (1..=acknowledged).collect::<Vec<_>>(), "{attribute}");
    }
}

fn code_of(output: &Output) -> Option<String> {
    let text = String::from_utf8_lossy(&output.stderr);
    let objects = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    objects.filter_map(|object| object["error"]["code"].as_str().map(str::to_owned)).next_back()
}

/// Fills the disk with one handle, others and other processes; frees space; writes on with a new handle and a new process.
fn writing(small: &Small) -> String {
    assert!(small.annals(&["init"]).status.success(), "there is room for an empty store");
    let (mut acknowledged, store) = (0, small.store());
    let old = Connection::open(&store).expect("the store opens");
    assert_eq!(fill(&old, &mut acknowledged), ErrorKind::Io);
    let at_first = acknowledged;
    assert_eq!(old.transact(&text_of(0)).expect_err("the handle is poisoned").kind(), ErrorKind::HandlePoisoned);
    check_rows(&store, acknowledged);
    // What was taken back may have left room for something smaller.
    for _ in 0..3 {
        let connection = Connection::open(&store).expect("it opens on a full disk");
        fill(&connection, &mut acknowledged);
    }
    let file = small.disk.parent().expect("it has one").join("in.edn");
    fs::write(&file, (1..=3).map(|n| text_of(acknowledged + n)).collect::<String>()).expect("a file beside the disk");
    let file = file.to_str().expect("the path is text");
    let told = small.annals(&["transact", file]);
    acknowledged += String::from_utf8_lossy(&told.stdout).lines().count() as i64;
    assert!(told.status.success() || code_of(&told).is_some_and(|code| code == "store/io"), "{told:?}");
    check_rows(&store, acknowledged);
    let when_full = acknowledged;

    small.free();
    assert_eq!(old.transact(&text_of(0)).expect_err("it stays so").kind(), ErrorKind::HandlePoisoned);
    let anew = Connection::open(&store).expect("the store opens");
    for _ in 0..50 {
        acknowledged += 1;
        anew.transact(&text_of(acknowledged)).expect("the same process writes on");
    }
    fs::write(file, (1..=50).map(|n| text_of(acknowledged + n)).collect::<String>()).expect("a file beside the disk");
    let told = small.annals(&["transact", file]);
    assert!(told.status.success(), "a new process writes on: {told:?}");
    acknowledged += 50;
    check_rows(&store, acknowledged);
    drop((old, anew));
    check_rows(&store, acknowledged);
    format!(
        "{at_first} transactions until it was full, {when_full} when nothing more went in, {acknowledged} after space was freed"
    )
}

/// The control: counts what failed as acknowledged.
fn careless(small: &Small) -> String {
    assert!(small.annals(&["init"]).status.success(), "there is room for an empty store");
    let (mut acknowledged, store) = (0, small.store());
    fill(&Connection::open(&store).expect("the store opens"), &mut acknowledged);
    check_rows(&store, acknowledged + 1);
    String::new()
}

/// Records programs until the disk is full: their output passes through, they exit as they do, and the error is told.
fn recording(small: &Small) -> String {
    assert!(small.annals(&["init"]).status.success(), "there is room for an empty store");
    let script = "i=0; while [ $i -lt 8 ]; do i=$((i+1)); seq 1 700; sleep 0.06; done; exit 7";
    let expected: String = (0..8).flat_map(|_| 1..=700).map(|n: i32| n.to_string() + "\n").collect();
    let (mut recorded, mut partly, mut refused) = (0, 0, 0);
    for _ in 0..40 {
        let ran = small.annals(&["run", "--", "sh", "-c", script]);
        let error = code_of(&ran);
        if ran.status.code() == Some(1) {
            // It could not even be begun, so the program was not started.
            assert!(ran.stdout.is_empty() && error.as_deref() == Some("store/io"), "{ran:?}");
            refused += 1;
        } else {
            assert_eq!(ran.status.code(), Some(7), "{}", String::from_utf8_lossy(&ran.stderr));
            assert!(ran.stdout == expected.as_bytes(), "{} bytes of {} passed through", ran.stdout.len(), expected.len());
            assert!(error.as_deref().is_none_or(|code| code == "store/io"), "{ran:?}");
            *(if error.is_some() { &mut partly } else { &mut recorded }) += 1;
        }
        if partly + refused > 1 {
            break;
        }
    }
    assert_eq!(Store::verify_file(small.store()).expect("a report").problem, None, "on a full disk");
    assert!(partly + refused > 0, "no recording met the full disk: {recorded}");
    small.free();
    let ran = small.annals(&["run", "--", "sh", "-c", "echo after; exit 3"]);
    assert_eq!((ran.status.code(), &*ran.stdout, code_of(&ran)), (Some(3), &b"after\n"[..], None));
    assert_eq!(Store::verify_file(small.store()).expect("a report").problem, None);
    let db = Connection::open(small.store()).and_then(|connection| connection.db()).expect("a view");
    let run = find_run(&db, "last").expect("it was recorded");
    assert_eq!((run.status, run.exit_code), (Some(Status::Failed), Some(3)));
    format!("{recorded} runs recorded, {partly} with a part missing and said so, {refused} not begun, all passed through")
}

const SIZES: [u64; 3] = [256, 1 << 10, 4 << 10];

#[test]
fn a_full_disk_keeps_what_was_acknowledged_and_writing_goes_on_when_there_is_room() {
    let disk = Disk::best();
    for kibibytes in SIZES {
        println!("full disk of {kibibytes} KiB, {disk}: {}", attack("writing", disk, kibibytes));
    }
}

#[test]
fn a_budget_of_bytes_that_is_spent_is_a_full_disk() {
    for kibibytes in SIZES {
        println!("full disk of {kibibytes} KiB, {}: {}", Disk::Budget, attack("writing", Disk::Budget, kibibytes));
    }
}

#[test]
fn a_writer_that_counts_what_failed_as_acknowledged_is_found() {
    for disk in [Disk::best(), Disk::Budget] {
        let ran = run("careless", disk, SIZES[0]);
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(!ran.status.success() && said.contains("full/n"), "{disk}: {said}");
    }
}

#[test]
fn a_program_is_not_disturbed_when_its_recording_meets_a_full_disk() {
    let disk = Disk::best();
    let said = SIZES.map(|kibibytes| {
        let said = attack("recording", disk, kibibytes);
        println!("recording on a disk of {kibibytes} KiB, {disk}: {said}");
        said
    });
    assert!(said.iter().any(|said| !said.contains(" 0 with a part missing")), "no recording was broken off by the disk");
}
