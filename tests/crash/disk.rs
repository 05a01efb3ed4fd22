//! A disk, and what it holds after the power went: what was synced, and of everything else what chance leaves.
//!
//! A file's bytes and its size are safe once the file was synced, its name once the folder was. Until then each write may be there,
//! be missing, or be there in part: in units of 512 bytes or of a page, whichever order they were made in. Bytes that were never
//! written below the end of a file are zeros or garbage.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::Path;
use std::sync::Arc;

use crate::chance::Chance;
use crate::shim::Operation;

/// Files by their path, and folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Disk {
    pub(crate) files: BTreeMap<String, Arc<Vec<u8>>>,
    pub(crate) folders: BTreeSet<String>,
}

impl Disk {
    /// What lies below a folder, but for SQLite's -shm.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut disk = Self::default();
        disk.read_below(folder, "");
        disk
    }

    fn read_below(&mut self, folder: &Path, prefix: &str) {
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let entry = entry.expect("an entry");
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                self.read_below(&entry.path(), &format!("{name}/"));
                self.folders.insert(name);
            } else if !is_shared_memory(&name) {
                self.files.insert(name, Arc::new(fs::read(entry.path()).expect("a file")));
            }
        }
    }

    /// Makes an empty or old folder hold this disk and nothing else.
    pub(crate) fn write(&self, folder: &Path) {
        if let Err(error) = fs::remove_dir_all(folder) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
        }
        fs::create_dir(folder).expect("a folder");
        // Ascending: a folder comes before what is in it.
        for name in &self.folders {
            fs::create_dir(folder.join(name)).expect("a folder");
        }
        for (name, bytes) in &self.files {
            fs::write(folder.join(name), bytes.as_slice()).expect("a file");
        }
    }

    /// A number that two disks share only if they are the same.
    pub(crate) fn hash(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        self.folders.hash(&mut hasher);
        for (name, bytes) in &self.files {
            (name, blake3::hash(bytes).as_bytes()).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// SQLite's shared memory says nothing after a crash: who comes first makes it anew.
pub(crate) fn is_shared_memory(path: &str) -> bool {
    path.ends_with("-shm")
}

/// What is done to a file and not synced yet.
#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Arc<[u8]> },
    Size(usize),
}

/// What is done to names and not synced yet.
#[derive(Clone, Debug)]
enum Naming {
    Add(String, Node),
    Remove(String),
    Move(String, String, Node),
}

impl Naming {
    /// The folder that has to be synced for it.
    fn folder(&self) -> &str {
        match self {
            Self::Add(path, _) | Self::Remove(path) | Self::Move(_, path, _) => parent(path),
        }
    }

    fn apply(&self, names: &mut BTreeMap<String, Node>) {
        match self {
            Self::Add(path, node) => drop(names.insert(path.clone(), *node)),
            Self::Remove(path) => drop(names.remove(path)),
            Self::Move(from, to, node) => {
                if names.get(from) == Some(node) {
                    names.remove(from);
                }
                names.insert(to.clone(), *node);
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Folder,
    File(usize),
}

#[derive(Clone, Debug, Default)]
struct File {
    durable: Arc<Vec<u8>>,
    pending: Vec<Change>,
}

/// How much of what is not synced is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survival {
    /// All of it.
    Kept,
    /// Nothing of it.
    Lost,
    /// What chance leaves of each file and each name.
    Torn,
}

/// Operations done one after the other, and what is safe of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replay {
    files: Vec<File>,
    names: BTreeMap<String, Node>,
    durable_names: BTreeMap<String, Node>,
    namings: Vec<Naming>,
}

impl Replay {
    /// Begins with a disk on which everything is safe.
    pub(crate) fn begin(disk: &Disk) -> Self {
        let mut replay = Self::default();
        for folder in &disk.folders {
            replay.names.insert(folder.clone(), Node::Folder);
        }
        for (path, bytes) in &disk.files {
            replay.names.insert(path.clone(), Node::File(replay.files.len()));
            replay.files.push(File { durable: Arc::clone(bytes), pending: Vec::new() });
        }
        replay.durable_names = replay.names.clone();
        replay
    }

    /// Does an operation. Gives false if no disk can be another one for it.
    pub(crate) fn step(&mut self, operation: &Operation) -> bool {
        match operation {
            Operation::Create(path)
            | Operation::Write { path, .. }
            | Operation::Truncate { path, .. }
            | Operation::Sync(path)
                if is_shared_memory(path) =>
            {
                return false;
            }
            Operation::Unlink(path) | Operation::Map(path) if is_shared_memory(path) => return false,
            Operation::Create(path) => {
                self.name(Naming::Add(path.clone(), Node::File(self.files.len())));
                self.files.push(File::default());
            }
            Operation::Write { path, offset, bytes } => {
                let change = Change::Write { offset: *offset as usize, bytes: Arc::clone(bytes) };
                self.file(path).pending.push(change);
            }
            Operation::Truncate { path, size } => self.file(path).pending.push(Change::Size(*size as usize)),
            Operation::Sync(path) => return self.sync(path),
            Operation::Rename { from, to } => {
                let node = self.names[from];
                self.name(Naming::Move(from.clone(), to.clone(), node));
            }
            Operation::Link { from, to } => self.name(Naming::Add(to.clone(), self.names[from])),
            Operation::Unlink(path) | Operation::RemoveFolder(path) => self.name(Naming::Remove(path.clone())),
            Operation::MakeFolder(path) => self.name(Naming::Add(path.clone(), Node::Folder)),
            Operation::Mark(_) => return false,
            Operation::Map(path) => panic!("{path} is written behind our back"),
            Operation::Fail { .. } => panic!("nothing was to fail: {operation:?}"),
        }
        true
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.names);
        self.namings.push(naming);
    }

    fn file(&mut self, path: &str) -> &mut File {
        match self.names.get(path) {
            Some(Node::File(file)) => &mut self.files[*file],
            other => panic!("{path} is {other:?}, and no file"),
        }
    }

    /// Whether anything was waiting for it.
    fn sync(&mut self, path: &str) -> bool {
        if let Some(Node::File(file)) = self.names.get(path) {
            let file = &mut self.files[*file];
            if file.pending.is_empty() {
                return false;
            }
            let bytes = Arc::make_mut(&mut file.durable);
            file.pending.drain(..).for_each(|change| change.apply(bytes));
            return true;
        }
        let before = self.namings.len();
        let durable = &mut self.durable_names;
        self.namings.retain(|naming| {
            let is_synced = naming.folder() == path;
            if is_synced {
                naming.apply(durable);
            }
            !is_synced
        });
        self.namings.len() < before
    }

    /// What the disk holds if the power goes now.
    pub(crate) fn crash(&self, survival: Survival, chance: &mut Chance) -> Disk {
        let mut names = self.durable_names.clone();
        let kept = chosen(self.namings.len(), survival, chance);
        self.namings.iter().zip(kept).filter(|(_, kept)| *kept).for_each(|(naming, _)| naming.apply(&mut names));
        let mut disk = Disk::default();
        for (path, node) in &names {
            if !parent(path).is_empty() && !disk.folders.contains(parent(path)) {
                continue;
            }
            match node {
                Node::Folder => drop(disk.folders.insert(path.clone())),
                Node::File(file) => drop(disk.files.insert(path.clone(), self.files[*file].crash(survival, chance))),
            }
        }
        disk
    }
}

/// Which of some changes are there: all, none, the first few, or any.
fn chosen(count: usize, survival: Survival, chance: &mut Chance) -> Vec<bool> {
    match survival {
        Survival::Kept => vec![true; count],
        Survival::Lost => vec![false; count],
        Survival::Torn => match chance.below(4) {
            0 => vec![true; count],
            1 => {
                let first = chance.below(count + 1);
                (0..count).map(|place| place < first).collect()
            }
            _ => {
                let share = 10 + chance.below(81) as u64;
                (0..count).map(|_| chance.percent(share)).collect()
            }
        },
    }
}

impl File {
    fn crash(&self, survival: Survival, chance: &mut Chance) -> Arc<Vec<u8>> {
        if self.pending.is_empty() || survival == Survival::Lost {
            return Arc::clone(&self.durable);
        }
        let mut bytes = Vec::clone(&self.durable);
        if survival == Survival::Kept {
            self.pending.iter().for_each(|change| change.apply(&mut bytes));
            return Arc::new(bytes);
        }
        if chance.percent(15) {
            return Arc::clone(&self.durable);
        }
        let kept = chosen(self.pending.len(), survival, chance);
        let torn = [0, 10, 50][chance.below(3)];
        let hole = Hole { is_sized: chance.percent(30), is_garbage: chance.percent(25) };
        for (pending, is_kept) in self.pending.iter().zip(kept) {
            match pending {
                Change::Write { offset, bytes: written } if chance.percent(torn) => {
                    write_torn(&mut bytes, *offset, written, hole, chance);
                }
                _ if is_kept => pending.apply_over(&mut bytes, hole, chance),
                Change::Write { offset, bytes: written } if hole.is_sized => {
                    hole.grow(&mut bytes, offset + written.len(), chance);
                }
                _ => {}
            }
        }
        Arc::new(bytes)
    }
}

impl Change {
    fn apply(self: &Change, bytes: &mut Vec<u8>) {
        self.apply_over(bytes, Hole { is_sized: false, is_garbage: false }, &mut Chance::of(&[]));
    }

    fn apply_over(&self, bytes: &mut Vec<u8>, hole: Hole, chance: &mut Chance) {
        match self {
            Self::Write { offset, bytes: written } => {
                hole.grow(bytes, *offset, chance);
                let inside = written.len().min(bytes.len() - offset);
                bytes[*offset..offset + inside].copy_from_slice(&written[..inside]);
                bytes.extend_from_slice(&written[inside..]);
            }
            Self::Size(size) if *size < bytes.len() => bytes.truncate(*size),
            Self::Size(size) => hole.grow(bytes, *size, chance),
        }
    }
}

/// What is read where nothing came to be written.
#[derive(Clone, Copy, Debug)]
struct Hole {
    /// A file has its new size even if what was to be there is not.
    is_sized: bool,
    is_garbage: bool,
}

impl Hole {
    fn grow(self, bytes: &mut Vec<u8>, size: usize, chance: &mut Chance) {
        let before = bytes.len();
        if before < size {
            bytes.resize(size, 0);
            if self.is_garbage {
                chance.garbage(&mut bytes[before..]);
            }
        }
    }
}

/// Writes some units of a write and leaves others as they were.
fn write_torn(bytes: &mut Vec<u8>, offset: usize, written: &[u8], hole: Hole, chance: &mut Chance) {
    let unit = if chance.percent(70) { 512 } else { 4096 };
    let share = 10 + chance.below(81) as u64;
    let mut start = 0;
    while start < written.len() {
        let end = written.len().min(((offset + start) / unit + 1) * unit - offset);
        if chance.percent(share) {
            let part = Change::Write { offset: offset + start, bytes: written[start..end].into() };
            part.apply_over(bytes, hole, chance);
        } else if hole.is_sized {
            hole.grow(bytes, offset + end, chance);
        }
        start = end;
    }
}

/// The folder of a path; the empty path for what lies on top.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    //! What the rebuilder makes of a few operations, by hand.

    use super::*;

    fn replay(operations: &[Operation]) -> Replay {
        let mut replay = Replay::default();
        for operation in operations {
            replay.step(operation);
        }
        replay
    }

    fn write(path: &str, offset: u64, bytes: &[u8]) -> Operation {
        Operation::Write { path: path.into(), offset, bytes: bytes.into() }
    }

    #[test]
    fn a_name_is_lost_until_its_folder_is_synced() {
        let (create, sync) = (Operation::Create("a".into()), Operation::Sync("a".into()));
        let mut replay = replay(&[create, write("a", 0, b"one"), sync]);
        let lost = |replay: &Replay| replay.crash(Survival::Lost, &mut Chance::of(&[]));
        assert_eq!(lost(&replay).files.len(), 0);
        assert!(replay.step(&Operation::Sync(String::new())));
        assert_eq!(lost(&replay).files["a"].as_slice(), b"one");
        replay.step(&Operation::Rename { from: "a".into(), to: "b".into() });
        assert_eq!(lost(&replay).files.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(replay.crash(Survival::Kept, &mut Chance::of(&[])).files.keys().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn an_unsynced_write_is_torn_at_every_sector_and_a_synced_one_never() {
        let synced = [
            Operation::Create("a".into()),
            write("a", 0, &[1; 2048]),
            Operation::Sync("a".into()),
            Operation::Sync(String::new()),
        ];
        let mut replay = replay(&synced);
        replay.step(&write("a", 512, &[2; 1024]));
        let mut found = BTreeSet::new();
        for number in 0..200 {
            let disk = replay.crash(Survival::Torn, &mut Chance::of(&[number]));
            let bytes = &disk.files["a"];
            assert!(bytes.len() == 2048 && bytes[..512] == [1; 512] && bytes[1536..] == [1; 512]);
            assert!(bytes[512..1024].iter().all(|byte| *byte == bytes[512]), "a sector is whole");
            found.insert((bytes[512], bytes[1024]));
        }
        assert_eq!(found.len(), 4, "each of two sectors is old or new: {found:?}");
    }
}
