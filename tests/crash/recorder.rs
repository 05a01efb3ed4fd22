//! The recording itself: it misses nothing, and operations fail as they are told to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::place::Place;
use crate::shim::{Operation, Shim};

/// Runs a command of the program in a place, under the library.
fn run(place: &Place, shim: &Shim, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command: Command = place.command(arguments);
    shim.preload(&mut command);
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(file.path(), input).expect("the input is written");
    let out = command.stdin(file.reopen().expect("the input")).output().expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code().unwrap_or(-1), text(&out.stdout), text(&out.stderr))
}

/// What files hold after all operations.
fn replayed(operations: &[Operation]) -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for operation in operations {
        match operation {
            Operation::Create(path) => drop(files.insert(path.clone(), Vec::new())),
            Operation::Write { path, offset, bytes } => {
                let file = files.get_mut(path).unwrap_or_else(|| panic!("{path} was not created"));
                let end = *offset as usize + bytes.len();
                file.resize(file.len().max(end), 0);
                file[*offset as usize..end].copy_from_slice(bytes);
            }
            Operation::Truncate { path, size } => {
                files.get_mut(path).unwrap_or_else(|| panic!("{path} was not created")).resize(*size as usize, 0);
            }
            Operation::Rename { from, to } => {
                let file = files.remove(from).unwrap_or_else(|| panic!("{from} was not created"));
                files.insert(to.clone(), file);
            }
            // Nothing is written to a file while it has two names.
            Operation::Link { from, to } => {
                let file = files[from].clone();
                files.insert(to.clone(), file);
            }
            Operation::Unlink(path) => drop(files.remove(path)),
            Operation::Map(path) => assert!(path.ends_with("-shm"), "{path} is written behind our back"),
            Operation::Fail { .. } => panic!("{operation:?}"),
            Operation::Sync(_) | Operation::MakeFolder(_) | Operation::RemoveFolder(_) | Operation::Mark(_) => {}
        }
    }
    files
}

/// Every file below a folder but SQLite's -shm.
fn files_below(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let entry = entry.expect("an entry");
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            files_below(&entry.path(), &format!("{name}/"), found);
        } else if !name.ends_with("-shm") {
            found.insert(name, fs::read(entry.path()).expect("a file"));
        }
    }
}

#[test]
fn what_is_recorded_and_replayed_gives_the_files_byte_for_byte() {
    let place = Place::new();
    let shim = Shim::over(place.path()).recording().marks("stdout");
    let lines: Vec<String> = (0..400).map(|n| format!("[{{:app/n {n} :app/text \"{}\"}}]", "x".repeat(n))).collect();
    assert_eq!(run(&place, &shim, &["init"], "").0, 0);
    assert_eq!(run(&place, &shim, &["transact", "-"], &lines.join("\n")).0, 0);
    let script = "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done";
    assert_eq!(run(&place, &shim, &["run", "--", "sh", "-c", script], "").0, 0);
    assert_eq!(run(&place, &shim, &["q", "[:find (count ?e) . :where [?e :app/n]]"], "").1.trim(), "400");

    let operations = shim.operations();
    let mut there = BTreeMap::new();
    files_below(place.path(), "", &mut there);
    let mut replayed = replayed(&operations);
    replayed.retain(|path, _| !path.ends_with("-shm"));
    assert_eq!(replayed.keys().collect::<Vec<_>>(), there.keys().collect::<Vec<_>>());
    assert!(replayed == there, "some file has other bytes");
    let marks = operations.iter().filter(|operation| matches!(operation, Operation::Mark(_))).count();
    assert!(marks >= 400, "each of 400 transactions was reported by itself: {marks} marks");
    assert!(operations.contains(&Operation::Sync(String::from(".annals"))), "the folder is synced");
}

/// Found by the attack: `annals init` made `.annals`, synced the file and the folder `.annals`, and said that the store is there; but
/// nobody had synced the folder around it, so a power loss took `.annals` and every transaction in it.
#[test]
fn the_name_of_each_new_folder_is_synced_before_the_store_is_acknowledged() {
    let place = Place::new();
    let shim = Shim::over(place.path()).recording().marks("stdout");
    assert_eq!(run(&place, &shim, &["init", "--db", "one/two/three.db"], "").0, 0);
    let operations = shim.operations();
    let after = |first: &Operation| operations.iter().position(|operation| operation == first).map(|at| &operations[at..]);
    for (made, synced) in [("one", ""), ("one/two", "one")] {
        let rest = after(&Operation::MakeFolder(made.into())).expect("the folder is made");
        let rest = rest.split(|operation| matches!(operation, Operation::Mark(_))).next().expect("a part");
        assert!(rest.contains(&Operation::Sync(synced.into())), "{made}: {rest:?}");
    }
}

#[test]
fn an_operation_fails_as_it_is_told_to() {
    let check = |failure: &str, expected: i32, part: &str| {
        let place = Place::with_people();
        let shim = Shim::over(place.path()).failing(failure);
        let (code, out, err) = run(&place, &shim, &["transact", "-"], "[{:name \"Edith\"}]");
        assert_eq!(code, expected, "{failure}: {out} {err}");
        assert!(err.contains(part), "{failure}: {err}");
        assert_eq!(shim.failed() > 0, !failure.contains("1000000"), "{failure}");
        assert!(shim.count("memory") > 0);
        place.run(&["verify"]).succeeds();
    };
    check("write:1000000:EIO", 0, "");
    check("write:1:EIO:on", 1, "");
    check("sync:1:EIO", 1, "");
    check("write:1:SHORT:on", 0, "");
    check("read:2:SHORT:on", 0, "");
    check("write:1:EINTR", 0, "");
    check("open:1:EMFILE:on", 1, "");
    check("memory:1:ENOMEM:on", 1, "");
}

#[test]
fn files_grow_by_their_budget_and_no_further() {
    let place = Place::with_people();
    let shim = Shim::over(place.path()).budget(8_192);
    let (code, _, err) = run(&place, &shim, &["transact", "-"], &format!("[{{:name \"{}\"}}]", "x".repeat(100_000)));
    assert_eq!(code, 1, "{err}");
    place.run(&["verify"]).succeeds();
    shim.set_budget(1 << 20);
    assert_eq!(run(&place, &shim, &["transact", "-"], "[{:name \"Edith\"}]").0, 0);
}
