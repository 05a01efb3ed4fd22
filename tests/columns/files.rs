//! Which files are made, and with which rights.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use annals::Tuning;

use crate::handles::{check_all, folder_of, open, segments, store, tiny};
use crate::random_log::{Random, RandomLog, seed};

#[track_caller]
fn read_all(path: &Path, log: &RandomLog, tuning: Tuning) {
    check_all(&open(path, tuning).db().expect("a value"), &log.datoms, &mut Random::new(seed()));
}

#[test]
fn a_small_store_gets_no_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, log) = store(&folder, seed(), 10);
    read_all(&path, &log, Tuning::default());
    read_all(&path, &log, Tuning { disk_datoms: log.datoms.len() as i64 + 1, ..tiny() });
    assert!(!folder_of(&path).exists());
    read_all(&path, &log, Tuning { disk_datoms: log.datoms.len() as i64, ..tiny() });
    assert!(folder_of(&path).is_dir());
}

#[test]
fn files_are_private() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, log) = store(&folder, seed(), 30);
    read_all(&path, &log, tiny());
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder_of(&path)), 0o700);
    for entry in fs::read_dir(folder_of(&path)).expect("a folder") {
        assert_eq!(mode(&entry.expect("an entry").path()), 0o600);
    }
}

#[test]
fn a_symbolic_link_is_not_followed() {
    let (folder, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (path, log) = store(&folder, seed(), 30);
    symlink(other.path(), folder_of(&path)).expect("a link");
    read_all(&path, &log, tiny());
    assert_eq!(fs::read_dir(other.path()).expect("a folder").count(), 0);
    fs::remove_file(folder_of(&path)).expect("the link goes");
    read_all(&path, &log, tiny());
    // Each segment is moved away and a link put in its place: it is not read, and what it points to is not changed.
    for segment in segments(&path) {
        let elsewhere = other.path().join(segment.file_name().expect("a name"));
        fs::rename(&segment, &elsewhere).expect("it moves");
        symlink(&elsewhere, &segment).expect("a link");
    }
    let before: Vec<_> = fs::read_dir(other.path())
        .expect("a folder")
        .map(|entry| fs::read(entry.expect("an entry").path()).expect("bytes"))
        .collect();
    read_all(&path, &log, tiny());
    let after: Vec<_> = fs::read_dir(other.path())
        .expect("a folder")
        .map(|entry| fs::read(entry.expect("an entry").path()).expect("bytes"))
        .collect();
    assert_eq!(before, after);
}

#[test]
fn a_folder_that_cannot_be_written_costs_time_and_no_answer() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, log) = store(&folder, seed(), 30);
    // A file in its place stops even those whom rights do not.
    fs::write(folder_of(&path), "no folder").expect("a file");
    read_all(&path, &log, tiny());
    fs::remove_file(folder_of(&path)).expect("the file goes");
    fs::create_dir(folder_of(&path)).expect("a folder");
    fs::set_permissions(folder_of(&path), fs::Permissions::from_mode(0o500)).expect("rights");
    read_all(&path, &log, tiny());
    fs::set_permissions(folder_of(&path), fs::Permissions::from_mode(0o700)).expect("rights");
    // The names of unfinished files are taken by folders, which nobody removes as files.
    fs::create_dir_all(folder_of(&path).join("new-1-0-2").join("x")).expect("a folder");
    read_all(&path, &log, tiny());
}

#[test]
fn segments_become_few_as_the_log_grows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, mut log) = store(&folder, seed(), 1);
    let writer = annals::store::Store::open(&path, annals::store::Access::ReadWrite).expect("the store opens");
    for _ in 0..100 {
        crate::random_log::append(&writer, &log.next());
        read_all(&path, &log, Tuning { disk_chunk_datoms: 1000, ..tiny() });
        assert!(segments(&path).len() <= 10, "{:?}", segments(&path));
    }
}

#[test]
fn readers_do_not_wait_for_who_writes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, log) = store(&folder, seed(), 30);
    fs::create_dir(folder_of(&path)).expect("a folder");
    let lock = fs::File::create(folder_of(&path).join("lock")).expect("a file");
    lock.try_lock().expect("nobody else has it");
    read_all(&path, &log, tiny());
    assert!(segments(&path).is_empty(), "another one writes");
    drop(lock);
    read_all(&path, &log, tiny());
    assert!(!segments(&path).is_empty(), "columns were written");
}
