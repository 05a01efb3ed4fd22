//! Where a backup may go, and where not.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use annals::store::{BackupOptions, BackupProgress, Existing};
use annals::{Connection, ErrorKind};

use crate::place::Place;

const REPLACE: Existing = Existing::Replace;

fn options(existing: Existing) -> BackupOptions {
    BackupOptions { existing, ..BackupOptions::default() }
}

/// Whatever is there beforehand is there afterwards, byte for byte, and nothing else.
#[track_caller]
fn check_refused(connection: &Connection, out: &Path, kind: ErrorKind, part: &str) {
    for existing in [Existing::Refuse, REPLACE] {
        let before = listing(connection.path().parent().expect("a folder"));
        let error = connection.store().backup(out, &options(existing), |_| ()).expect_err("it cannot be a backup");
        assert_eq!(error.kind(), kind, "{}: {error}", out.display());
        assert!(error.message().contains(part) && error.help().is_some(), "{error}");
        assert_eq!(listing(connection.path().parent().expect("a folder")), before, "{}", out.display());
    }
}

/// The names in a folder, with what plain files hold.
fn listing(folder: &Path) -> Vec<(String, Option<Vec<u8>>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut found: Vec<_> = entries
        .map(|entry| {
            let is_file =
                entry.file_type().expect("a kind").is_file() && !entry.file_name().as_encoded_bytes().ends_with(b"-shm");
            (entry.file_name().display().to_string(), is_file.then(|| fs::read(entry.path()).expect("readable")))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn the_store_and_what_belongs_to_it_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    let connection = Connection::open(&path).expect("a store");
    check_refused(&connection, &path, ErrorKind::StorePath, "the store itself");
    check_refused(&connection, &folder.path().join(".").join("annals.db"), ErrorKind::StorePath, "the store itself");
    for suffix in ["-wal", "-shm", "-journal", "-columns", "-key", "-normal"] {
        let name = format!("annals.db{suffix}");
        check_refused(&connection, &folder.path().join(name), ErrorKind::StorePath, "belongs to the store");
    }
    fs::hard_link(&path, folder.path().join("other-name.db")).expect("a second name");
    check_refused(&connection, &folder.path().join("other-name.db"), ErrorKind::StorePath, "another name of the store");
    symlink(folder.path(), folder.path().join("around")).expect("a link");
    check_refused(&connection, &folder.path().join("around/annals.db"), ErrorKind::StorePath, "the store itself");
}

#[test]
fn what_is_no_new_file_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    let connection = Connection::open(at("annals.db")).expect("a store");
    fs::create_dir(at("folder")).expect("a folder");
    fs::write(at("elsewhere"), "mine").expect("a file");
    symlink(at("elsewhere"), at("link")).expect("a link");
    symlink(at("nowhere"), at("dangling")).expect("a link");
    fs::write(at("used.db-wal"), "").expect("a file");
    symlink(at("nowhere"), at("linked.db-journal")).expect("a link");
    rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).expect("a FIFO");
    let check = |path: &Path, part: &str| check_refused(&connection, path, ErrorKind::StorePath, part);
    check(Path::new(""), "names no file");
    check(Path::new("/"), "names no file");
    check(&at("copy.db/"), "names no file");
    check(&at("folder"), "is a folder");
    check(&at("fifo"), "no regular file");
    check(Path::new("/dev/null"), "no regular file");
    check(&at("link"), "symbolic link");
    check(&at("dangling"), "symbolic link");
    check(&at("used.db"), "used.db-wal is there");
    check(&at("linked.db"), "linked.db-journal is there");
    check_refused(&connection, &at("nosuch/copy.db"), ErrorKind::Io, "cannot find the folder");
    check_refused(&connection, &at("elsewhere/copy.db"), ErrorKind::Io, "elsewhere");
    check(&at(&"x".repeat(248)), "248 bytes");
    assert_eq!(fs::read_to_string(at("elsewhere")).expect("it is there"), "mine");
}

#[test]
fn a_file_that_is_there_is_replaced_only_when_that_is_said() {
    let place = Place::with_people();
    fs::write(place.path().join("copy.db"), "mine").expect("a file");
    place.run(&["backup", "copy.db"]).fails(1, &["store/path", "there is a file already", "--force"]);
    assert_eq!(fs::read_to_string(place.path().join("copy.db")).expect("it is there"), "mine");
    place.run(&["backup", "--force", "copy.db"]).succeeds().prints_one_line_with("\"t\":2");
    place.run(&["--db", "copy.db", "q", "[:find (count ?n) . :where [_ :name ?n]]"]).prints("3\n");
}

#[test]
fn whoever_takes_the_name_meanwhile_keeps_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = Connection::open(folder.path().join("annals.db")).expect("a store");
    let out = folder.path().join("copy.db");
    let take = |progress| {
        if progress == BackupProgress::Verifying {
            fs::write(&out, "theirs").expect("a file");
        }
    };
    let error = connection.store().backup(&out, &BackupOptions::default(), take).expect_err("the name is taken");
    assert_eq!((error.kind(), error.message().contains("already")), (ErrorKind::StorePath, true));
    assert_eq!(fs::read_to_string(&out).expect("it is there"), "theirs");
    assert!(listing(folder.path()).iter().all(|(name, _)| !name.ends_with(".backup")));
}

#[test]
fn names_of_every_kind_are_taken_literally() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = Connection::open(folder.path().join("annals.db")).expect("a store");
    let longest = "x".repeat(247);
    let names = ["file:x?mode=memory", ":memory:", "a?immutable=1", "50%41 #1", "new\nline", "ünïcode", "-force", &longest];
    for name in names {
        let out = folder.path().join(name);
        let report = connection.backup(&out).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(report.path, fs::canonicalize(&out).expect("the file is there"));
        assert_eq!(fs::metadata(&out).expect("it is there").permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn every_format_prints_what_the_copy_holds() {
    let place = Place::with_people();
    for (at, format) in ["table", "edn", "json", "jsonl", "csv", "markdown"].into_iter().enumerate() {
        let ran = place.run(&["backup", &format!("copy-{at}.db"), "--format", format]).succeeds();
        let verified = place.run(&["--db", &format!("copy-{at}.db"), "verify", "--format", "json"]).succeeds();
        let verified: serde_json::Value = serde_json::from_str(&verified.out).expect("JSON");
        let head = verified[0]["head"].as_str().expect("a head");
        assert!(ran.out.contains(head) && ran.out.contains("copy-"), "{format}: {}", ran.out);
        assert_eq!(ran.err, "", "no progress where no terminal is");
    }
}
