//! The promise: the path given is the file used, literally, or it is refused; what we make is private. Attacked with names that
//! SQLite would read as something else, with everything a path can lead to, and with every umask.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use annals::schema::attribute;
use annals::store::{Access, Store};
use annals::{Datom, ErrorKind, Value};

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
fn a_name_that_looks_like_a_uri_is_a_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["file:x?mode=memory", ":memory:", "annals.db?immutable=1", "name with space%41", "ünïcode"] {
        let path = folder.path().join(name);
        let store = Store::create(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(store.path(), fs::canonicalize(&path).expect("the file is there"));
        assert_eq!(Store::open(&path, Access::ReadOnly).and_then(|store| store.basis()).expect("a basis").t, 1, "{name}");
    }
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
