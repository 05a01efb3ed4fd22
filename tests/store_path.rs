//! The promise: the path given is the file used, literally, or it is refused; what we make is private. Attacked with names that
//! SQLite would read as something else, with everything a path can lead to, and with every umask.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use annals::contract::{Level, Recorder, RunOptions};
use annals::schema::attribute;
use annals::store::{Access, Store};
use annals::{Connection, Datom, ErrorKind, Options, Tuning, Value};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode() & 0o777
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

#[track_caller]
fn check_refused(path: &Path, kind: ErrorKind, part: &str) {
    for outcome in [Store::open_or_create(path), Store::create(path), Store::open(path, Access::ReadOnly)] {
        let error = outcome.expect_err("the path cannot be a store");
        assert_eq!(error.kind(), kind, "{}: {error}", path.display());
        assert!(error.message().contains(part), "{error}");
        assert!(error.help().is_some(), "{error}");
    }
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    assert!(fs::metadata(&fifo).expect("the FIFO").file_type().is_fifo());
    check_refused(Path::new(""), ErrorKind::StorePath, "empty");
    check_refused(folder.path(), ErrorKind::StorePath, "folder");
    check_refused(&fifo, ErrorKind::StorePath, "FIFO");
    check_refused(Path::new("/dev/null"), ErrorKind::StorePath, "device");
    check_refused(Path::new("/dev/full"), ErrorKind::StorePath, "device");
    check_refused(Path::new("a\0b"), ErrorKind::StorePath, "zero byte");
    let link = folder.path().join("link");
    symlink(folder.path().join("nothing"), &link).expect("a link");
    check_refused(&link, ErrorKind::StorePath, "leads nowhere");
    assert!(!folder.path().join("nothing").exists(), "a link is not followed on creation");
    let empty = folder.path().join("empty");
    fs::write(&empty, "").expect("an empty file");
    let to_empty = folder.path().join("to-empty");
    symlink(&empty, &to_empty).expect("a link");
    check_refused(&to_empty, ErrorKind::StorePath, "empty file");
}

#[test]
fn another_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = folder.path().join("text");
    let content = "just some text, longer than the header of a database, so that there is something to look at in it. ".repeat(3);
    fs::write(&text, &content).expect("a text");
    let database = folder.path().join("other.db");
    rusqlite::Connection::open(&database).and_then(|other| other.execute_batch("CREATE TABLE t (x)")).expect("a database");
    for path in [&text, &database] {
        for outcome in [Store::open_or_create(path), Store::open(path, Access::ReadWrite), Store::open(path, Access::ReadOnly)] {
            let error = outcome.expect_err("it is not a store");
            assert_eq!(error.kind(), ErrorKind::NotAStore, "{}: {error}", path.display());
        }
    }
    assert_eq!(fs::read_to_string(&text).expect("the text"), content);
}

#[test]
fn nothing_there_is_said_so_by_opening() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = Store::open(folder.path().join("annals.db"), Access::ReadWrite).expect_err("there is none");
    assert_eq!(error.code(), "store/missing");
    assert!(error.help().is_some_and(|help| help.contains("annals init")));
}

#[test]
fn an_existing_store_is_not_created_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    let hash = Store::create(&path).and_then(|store| store.basis()).expect("a new store").hash;
    assert_eq!(Store::create(&path).expect_err("it is there").kind(), ErrorKind::StorePath);
    assert_eq!(Store::open_or_create(&path).and_then(|store| store.basis()).expect("the store").hash, hash);
}

#[test]
fn a_name_of_any_kind_is_taken_literally() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let longest = "x".repeat(247);
    let names = [
        "file:x?mode=memory",
        ":memory:",
        "annals.db?immutable=1",
        "name with space%41",
        "ünïcode",
        "a#b",
        "100%",
        "%00",
        "new\nline",
        "-db",
        "ANNALS.DB",
        "annals.db",
        "\u{202e}bd",
        "'; DROP TABLE datoms; --",
        "x&vfs=unix-none",
        "...",
        &longest,
    ];
    let mut names: Vec<&OsStr> = names.iter().map(OsStr::new).collect();
    names.push(OsStr::from_bytes(b"not \xff\xfe UTF-8"));
    for name in &names {
        let path = folder.path().join(name);
        let store = Store::create(&path).unwrap_or_else(|error| panic!("{}: {error}", name.display()));
        let datom = Datom { e: 9, a: attribute::RUN_NAME, v: Value::from("x"), t: 2, added: true, m: 0 };
        store.write(|w| w.append(2, i64::MAX, &[datom], &|_| false)).expect("a transaction");
        assert_eq!(store.path(), fs::canonicalize(&path).expect("the file is there"));
        drop(store);
        let basis = Store::open(&path, Access::ReadOnly).and_then(|store| store.basis());
        assert_eq!(basis.expect("a basis").t, 2, "{}", name.display());
    }
    let stores = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let made: BTreeSet<OsString> = stores.filter(|name| !has_ending(name, b"-wal") && !has_ending(name, b"-shm")).collect();
    assert_eq!(made, names.iter().map(|name| name.to_os_string()).collect(), "each is there by its own name, and nothing else");
}

fn has_ending(name: &OsStr, ending: &[u8]) -> bool {
    name.as_bytes().ends_with(ending)
}

#[test]
fn a_name_that_leaves_no_room_for_what_lies_beside_is_refused_and_nothing_is_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for length in [248, 255, 256, 5_000] {
        let path = folder.path().join("x".repeat(length));
        let error = Store::open_or_create(&path).expect_err("the name is too long");
        assert!([ErrorKind::StorePath, ErrorKind::Io].contains(&error.kind()) && error.help().is_some(), "{length}: {error}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn folders_on_the_way_are_followed_or_refused_and_nothing_is_made_behind_what_leads_nowhere() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("real")).expect("a folder");
    symlink(at("real"), at("link")).expect("a link");
    let store = Store::create(at("link/annals.db")).expect("a folder may be a link");
    assert_eq!(store.path(), fs::canonicalize(at("real/annals.db")).expect("the file is there"));
    symlink(at("loop"), at("loop")).expect("a link");
    symlink(at("gone"), at("dangling")).expect("a link");
    fs::write(at("file"), "mine").expect("a file");
    for name in
        ["loop/annals.db", "loop", "dangling/annals.db", "file/annals.db", "file/", "real/", "real/annals.db/", "real/..", "."]
    {
        let error = Store::open_or_create(at(name)).map(|_| ()).expect_err("it leads to no file");
        assert!([ErrorKind::StorePath, ErrorKind::Io].contains(&error.kind()) && error.help().is_some(), "{name}: {error:?}");
    }
    assert!(!at("gone").exists());
    assert_eq!(fs::read_to_string(at("file")).expect("it is there"), "mine");
}

#[test]
fn a_relative_name_is_a_file_in_the_current_folder_and_is_there_after_the_acknowledgement() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["file:x?mode=memory", ":memory:", "annals.db", "sub/../annals-2.db", "./-db"] {
        fs::create_dir_all(folder.path().join("sub")).expect("a folder");
        let annals = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_annals"));
            command.arg(format!("--db={name}")).args(arguments).current_dir(folder.path()).output().expect("it runs")
        };
        assert!(annals(&["init"]).status.success(), "{name}");
        assert!(annals(&["state", "put", "ns", "key", "value"]).status.success(), "{name}");
        assert!(folder.path().join(name).is_file(), "{name}");
        assert_eq!(annals(&["state", "get", "ns", "key"]).stdout, b"value", "{name}");
    }
    for name in ["", "/dev/full", "/dev/null", "sub", "sub/"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_annals"));
        let output =
            command.arg(format!("--db={name}")).args(["state", "put", "a", "b", "c"]).current_dir(folder.path()).output();
        let output = output.expect("it runs");
        assert!(!output.status.success(), "{name:?}: nothing is acknowledged");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("store/") || told.contains("a value is required"), "{name:?}: {told}");
    }
}

#[test]
fn whoever_puts_a_link_there_meanwhile_does_not_get_a_store_behind_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut won, mut lost) = (0, 0);
    for round in 0..100 {
        let (path, victim) = (folder.path().join(format!("{round}.db")), folder.path().join(format!("{round}.victim")));
        let attacker = std::thread::spawn({
            let (path, victim) = (path.clone(), victim.clone());
            move || {
                (0..round * 20).for_each(|_| std::hint::spin_loop());
                symlink(victim, path).is_ok()
            }
        });
        let outcome = Store::create(&path);
        if attacker.join().expect("it ends") {
            won += 1;
        } else {
            lost += 1;
        }
        assert!(!victim.exists(), "round {round}: {outcome:?}");
        assert!(outcome.is_err() || path.symlink_metadata().expect("it is there").is_file());
    }
    println!("the link was first {won} times, the store {lost} times");
}

#[test]
fn a_link_to_a_store_is_the_store_itself() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    drop(Store::create(&path).expect("a new store"));
    let link = folder.path().join("link.db");
    symlink(&path, &link).expect("a link");
    let store = Store::open(&link, Access::ReadWrite).expect("the store");
    assert_eq!(store.path(), fs::canonicalize(&path).expect("the file is there"));
    assert!(beside(&path, "-wal").exists() && !beside(&link, "-wal").exists());
}

#[test]
fn an_interrupted_creation_is_completed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    fs::write(&path, "").expect("an empty file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("open to all");
    assert_eq!(Store::open(&path, Access::ReadOnly).expect_err("nothing in it").kind(), ErrorKind::StoreMissing);
    assert_eq!(Store::create(&path).and_then(|store| store.basis()).expect("a basis").t, 1);
    assert_eq!(mode(&path), 0o600);

    let headed = folder.path().join("headed.db");
    rusqlite::Connection::open(&headed)
        .and_then(|other| other.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); DROP TABLE t"))
        .expect("a database with nothing in it");
    assert_eq!(Store::open(&headed, Access::ReadOnly).expect_err("nothing in it").kind(), ErrorKind::StoreMissing);
    assert_eq!(Store::create(&headed).and_then(|store| store.basis()).expect("a basis").t, 1);
}

#[test]
fn a_store_whose_last_commits_are_in_the_write_ahead_log_is_readable() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    let store = Store::create(&path).expect("a new store");
    let datom = Datom { e: 9, a: attribute::RUN_NAME, v: Value::from("x"), t: 2, added: true, m: 0 };
    store.write(|w| w.append(2, i64::MAX, std::slice::from_ref(&datom), &|_| false)).expect("a transaction");
    // A copy of the two files is what a killed process leaves.
    let copy = folder.path().join("copy.db");
    fs::copy(&path, &copy).expect("a copy");
    fs::copy(beside(&path, "-wal"), beside(&copy, "-wal")).expect("a copy of the log");
    let copied = Store::open(&copy, Access::ReadOnly).expect("readable");
    assert_eq!(copied.datoms_of_entity(9, 2).expect("an answer"), [datom]);
    assert_eq!(copied.verify().expect("a report").problem, None);
}

/// Every file below a folder is its owner's alone, and every folder too; gives how many there are.
fn check_private(folder: &Path, said: &str) -> usize {
    assert_eq!(mode(folder), 0o700, "{said}: {}", folder.display());
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let found = entries.map(|path| {
        if path.is_dir() {
            return check_private(&path, said);
        }
        assert_eq!(mode(&path), 0o600, "{said}: {}", path.display());
        1
    });
    found.sum()
}

/// Runs in a process of its own, started by the test below: makes everything that is ever made beside a store.
#[test]
fn child_makes_everything() {
    let Some(path) = std::env::var_os("STORE_TO_CREATE").map(PathBuf::from) else { return };
    let tuning = Tuning { disk_datoms: 1, eager_datoms: 0, disk_tail_datoms: 1, ..Tuning::default() };
    let connection = Connection::open_with(&path, Options { tuning, ..Options::default() }).expect("a new store");
    let mut recorder = Recorder::start(&connection, RunOptions::default()).expect("a run");
    for line in ["a line", "password=hunter2hunter2 and AKIAIOSFODNN7EXAMPLE"] {
        recorder.append(Level::Info, line).expect("a line");
    }
    let asked = connection.db().and_then(|db| db.q("[:find ?e ?m :where [?e :log/message ?m]]", &[]));
    assert_eq!(asked.expect("an answer").rows.len(), 2);
    let beside = |name: &str| path.with_file_name(name);
    connection.backup(beside("copy.db")).expect("a backup");
    drop(Connection::open(beside("copy.db")).expect("a store"));
    let made = check_private(path.parent().expect("a folder"), "while it is open");
    assert!(beside("annals.db-columns").is_dir() && made >= 6, "{made} files");
}

#[test]
fn everything_we_make_is_private_whatever_the_umask() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for umask in ["000", "022", "077", "277"] {
        let path = folder.path().join(umask).join("deep").join("annals.db");
        let script = format!("umask {umask}; exec \"$0\" --exact child_makes_everything --test-threads 1");
        let mut child = Command::new("sh");
        child.args(["-c", &script]).arg(std::env::current_exe().expect("this test")).env("STORE_TO_CREATE", &path);
        let output = child.output().expect("the child runs");
        assert!(output.status.success(), "umask {umask}: {}", String::from_utf8_lossy(&output.stdout));
        let script = format!(
            "umask {umask}; cd \"$1\"; \"$0\" run -- echo hello >out 2>&1 && \"$0\" backup b.db >>out 2>&1 && \"$0\" --db b.db verify >>out 2>&1 &&
             \"$0\" --db b.db state put a b c >>out 2>&1 && \"$0\" rescue .annals/annals.db r.db >>out 2>&1; code=$?; cat out >&2; rm out; exit $code"
        );
        let place = folder.path().join(umask);
        let mut shell = Command::new("sh");
        let output =
            shell.args(["-c", &script]).args([Path::new(env!("CARGO_BIN_EXE_annals")), &place]).output().expect("it runs");
        assert!(output.status.success(), "umask {umask}: {}", String::from_utf8_lossy(&output.stderr));
        let made = check_private(&place, umask);
        assert!(made >= 8, "umask {umask}: {made} files");
    }
}

/// Runs in a process of its own, started by the test below.
#[test]
fn child_creates_a_store() {
    if let Some(path) = std::env::var_os("STORE_TO_CREATE") {
        let store = Store::create(PathBuf::from(&path)).expect("a new store");
        let path = store.path();
        for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
        assert_eq!(mode(path.parent().expect("a folder")), 0o700);
    }
}

#[test]
fn what_we_make_is_private_whatever_the_umask() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for umask in ["000", "022", "077", "277"] {
        let path = folder.path().join(umask).join("deep").join("annals.db");
        let script = format!("umask {umask}; exec \"$0\" --exact child_creates_a_store --test-threads 1");
        let mut child = Command::new("sh");
        child.args(["-c", &script]).arg(std::env::current_exe().expect("this test")).env("STORE_TO_CREATE", &path);
        let output = child.output().expect("the child runs");
        assert!(output.status.success(), "umask {umask}: {}", String::from_utf8_lossy(&output.stdout));
        assert_eq!(mode(&path), 0o600, "umask {umask}");
        assert_eq!(mode(path.parent().and_then(Path::parent).expect("a folder")), 0o700, "umask {umask}");
    }
}
