//! Files that are not what was written: every answer is right, and `verify` names them.

use std::fs;
use std::path::Path;

use annals::store::{Access, Store};
use annals::{Tuning, verify_columns};

use crate::handles::{check_all, folder_of, open, segments, store, tiny};
use crate::random_log::{Random, RandomLog, seed};

/// Reads everything through a handle that starts from disk, twice: what is damaged is found once and passed over from then on.
#[track_caller]
fn check(path: &Path, log: &RandomLog, what: &str) {
    eprintln!("{what}");
    let mut random = Random::new(seed());
    for cache_bytes in [0, 1 << 30] {
        let connection = open(path, Tuning { cache_bytes, ..tiny() });
        check_all(&connection.db().expect("a value"), &log.datoms, &mut random);
    }
}

/// A store with columns on disk: one segment, or several.
fn written(folder: &tempfile::TempDir, seed: u64) -> (std::path::PathBuf, RandomLog) {
    let (path, log) = store(folder, seed, 30);
    check(&path, &log, "as written");
    assert!(!segments(&path).is_empty(), "columns were written");
    (path, log)
}

/// Changes each segment in many ways, each time from what was written.
fn change(seed: u64, mut edit: impl FnMut(&[u8]) -> Vec<(String, Vec<u8>)>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, log) = written(&folder, seed);
    let files: Vec<_> = segments(&path).into_iter().map(|path| (fs::read(&path).expect("a segment"), path)).collect();
    for (bytes, file) in &files {
        for (what, changed) in edit(bytes) {
            for (bytes, other) in &files {
                fs::write(other, if other == file { &changed } else { bytes }).expect("a file can be changed");
            }
            let store = Store::open(&path, Access::ReadOnly).expect("the store opens");
            let problem = verify_columns(&store).expect("the store can be read").expect("something is wrong");
            assert_eq!(problem.code, "verify/columns", "{what}");
            check(&path, &log, &format!("{}: {what}", file.display()));
        }
    }
}

#[test]
fn a_file_cut_at_any_length_is_as_if_it_were_not_there() {
    change(seed(), |bytes| {
        let step = (bytes.len() / 24).max(1);
        let lengths = (0..bytes.len()).step_by(step).chain(bytes.len() - 40..bytes.len());
        lengths.map(|length| (format!("cut at {length}"), bytes[..length].to_vec())).collect()
    });
}

#[test]
fn a_byte_changed_anywhere_changes_no_answer() {
    let mut random = Random::new(seed() ^ 0xF11);
    change(seed() + 1, |bytes| {
        let step = (bytes.len() / 60).max(1);
        let places = (0..bytes.len()).step_by(step).map(|start| (start + random.below(step)).min(bytes.len() - 1));
        let places: Vec<usize> = places.chain(bytes.len() - 36..bytes.len()).collect();
        let flipped = places.into_iter().map(|place| {
            let mut changed = bytes.to_vec();
            changed[place] ^= 1 << random.below(8);
            (format!("byte {place} of {}", bytes.len()), changed)
        });
        flipped.collect()
    });
}

#[test]
fn files_of_another_store_are_not_used() {
    let (one, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (path, log) = written(&one, seed());
    let (other_path, other_log) = written(&other, seed() + 7);
    for (from, to, log) in [(&other_path, &path, &log), (&path, &other_path, &other_log)] {
        let kept: Vec<_> = segments(from)
            .into_iter()
            .map(|file| (file.file_name().expect("a name").to_owned(), fs::read(file).expect("bytes")))
            .collect();
        fs::remove_dir_all(folder_of(to)).expect("a folder can be deleted");
        fs::create_dir(folder_of(to)).expect("a folder can be made");
        for (name, bytes) in kept {
            fs::write(folder_of(to).join(name), bytes).expect("a file can be written");
        }
        check(to, log, "files of another store");
    }
}

#[test]
fn segments_under_each_others_names_are_not_used() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, log) = written(&folder, seed());
    let file = segments(&path).into_iter().next().expect("a segment");
    for name in ["1-0-3.columns", "1-3-9.columns", "2-0-9.columns", "1-0-99999.columns", "1--1-4.columns", "new-1-0-4"] {
        fs::copy(&file, folder_of(&path).join(name)).expect("a file can be copied");
    }
    check(&path, &log, "other names");
}

#[test]
fn the_folder_may_be_deleted_while_it_is_used() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, log) = written(&folder, seed());
    let mut random = Random::new(seed());
    let connections: Vec<_> = [0, 1 << 30].map(|cache_bytes| open(&path, Tuning { cache_bytes, ..tiny() })).into();
    for round in 0..4 {
        for connection in &connections {
            check_all(&connection.db().expect("a value"), &log.datoms, &mut random);
        }
        if round % 2 == 0 {
            // A handle that knows the files goes on reading them and makes no others.
            let _ = fs::remove_dir_all(folder_of(&path));
        }
    }
    check(&path, &log, "made anew");
    assert!(!segments(&path).is_empty(), "columns were written");
}

/// A writer that is killed leaves a file without its name, or, between giving the name and taking the older ones away, too many files.
#[test]
fn what_a_killed_writer_left_changes_no_answer_and_is_taken_away() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, log) = written(&folder, seed());
    let files: Vec<_> = segments(&path).into_iter().map(|path| (fs::read(&path).expect("a segment"), path)).collect();
    let (bytes, _) = &files[0];
    for length in [0, 1, bytes.len() / 2, bytes.len() - 1, bytes.len()] {
        fs::remove_dir_all(folder_of(&path)).expect("a folder can be deleted");
        fs::create_dir(folder_of(&path)).expect("a folder can be made");
        let left = folder_of(&path).join("new-1-0-9");
        fs::write(&left, &bytes[..length]).expect("a file can be written");
        check(&path, &log, "an unfinished file");
        assert!(!left.exists() && !segments(&path).is_empty(), "it is taken away, and columns are written");
    }
    let sizes = Tuning { disk_chunk_datoms: 1000, ..tiny() };
    drop(fs::remove_dir_all(folder_of(&path)));
    check_all(&open(&path, sizes).db().expect("a value"), &log.datoms, &mut Random::new(seed()));
    for (bytes, file) in &files {
        fs::write(file, bytes).expect("a file can be written");
    }
    check(&path, &log, "files of before a merge beside those of after it");
}
