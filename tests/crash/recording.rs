//! What a piece of work did to its disk, operation by operation, and what was acknowledged after each.

use std::fs;
use std::path::{Path, PathBuf};

use annals::Tuning;
use tempfile::TempDir;

use crate::disk::Disk;
use crate::model::Model;
use crate::shim::{Operation, Shim};
use crate::work;

/// The path of the backup on the disks of work that makes one.
pub(crate) const COPY: &str = "copy.db";

/// The last transactions of which somebody was told that they are safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// In the store.
    pub(crate) t: i64,
    /// In the backup; 0 as long as there is none.
    pub(crate) copied: i64,
}

/// One operation, and what was acknowledged when it was done.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) operation: Operation,
    pub(crate) acknowledged: Acknowledged,
}

/// A piece of work, from its first operation to its last.
pub(crate) struct Recording {
    pub(crate) name: String,
    /// The path of the store on the disk.
    pub(crate) store: String,
    pub(crate) start: Disk,
    /// What had been acknowledged before the first operation.
    pub(crate) acknowledged: Acknowledged,
    pub(crate) steps: Vec<Step>,
    pub(crate) tuning: Tuning,
    /// One transaction after the other: there is never more than one that is not acknowledged.
    pub(crate) is_serial: bool,
    pub(crate) model: Model,
}

impl Recording {
    /// The same work on a disk that says of everything that it is synced, and syncs nothing.
    pub(crate) fn without_syncs(mut self) -> Self {
        self.steps.retain(|step| !matches!(step.operation, Operation::Sync(_)));
        self.name += " without syncs";
        self
    }
}

/// A folder in which work is recorded.
pub(crate) struct Stage {
    folder: TempDir,
    store: String,
    start: Disk,
    acknowledged: i64,
    shim: Shim,
    /// After so many operations so much was acknowledged, by the end of a command.
    ends: Vec<(usize, Acknowledged)>,
}

impl Stage {
    /// Begins with a disk on which everything is safe.
    pub(crate) fn new(start: Disk, store: &str, acknowledged: i64, are_marks_printed: bool) -> Self {
        let folder = tempfile::tempdir_in(crate::quick_folder()).expect("a temporary folder");
        let disk = folder.path().join("disk");
        start.write(&disk);
        let marks = if are_marks_printed { PathBuf::from("stdout") } else { marks(folder.path()) };
        let shim = Shim::over(&disk).recording().marks(marks);
        Self { folder, store: store.to_owned(), start, acknowledged, shim, ends: Vec::new() }
    }

    fn disk(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("the folder is there").join("disk")
    }

    /// Runs the program itself.
    pub(crate) fn annals(&mut self, arguments: &[&str], input: &str) {
        let program = env!("CARGO_BIN_EXE_annals");
        let mut command = std::process::Command::new(program);
        let file = self.folder.path().join("input");
        fs::write(&file, input).expect("the input is written");
        command.args(arguments).current_dir(self.disk()).stdin(fs::File::open(&file).expect("the input"));
        command
            .env("ANNALS_DB", self.disk().join(&self.store))
            .env_remove("ANNALS_RUN")
            .env("NO_COLOR", "1")
            .env("ANNALS", program);
        self.run(command, &arguments.join(" "));
    }

    /// Does a piece of [`work`].
    pub(crate) fn work(&mut self, name: &str) {
        let command = work::command(name, &self.disk().join(&self.store), &marks(self.folder.path()));
        self.run(command, name);
    }

    fn run(&mut self, mut command: std::process::Command, what: &str) {
        self.shim.preload(&mut command);
        let done = command.output().expect("the program runs");
        assert!(
            done.status.success(),
            "{what}: {}{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
        // Whoever waits for a command knows when it has ended that everything is there.
        let copied = self.ends.last().map_or(0, |(_, acknowledged)| acknowledged.copied);
        self.ends.push((self.shim.operations().len(), Acknowledged { t: self.last_t(), copied }));
    }

    /// Makes a backup of everything there is.
    pub(crate) fn backup(&mut self, flags: &[&str]) {
        self.annals(&[&["backup", COPY], flags].concat(), "");
        let (_, acknowledged) = self.ends.last_mut().expect("a command has run");
        acknowledged.copied = acknowledged.t;
    }

    /// How many transactions there are, read from a copy, so that the store itself is left alone.
    fn last_t(&self) -> i64 {
        let copy = self.folder.path().join("copy");
        Disk::read(&self.disk()).write(&copy);
        let connection = rusqlite::Connection::open(copy.join(&self.store)).expect("the copy opens");
        connection.query_row("SELECT max(t) FROM txs", (), |row| row.get(0)).expect("a number")
    }

    /// Ends the recording.
    pub(crate) fn finish(self, name: &str, tuning: Tuning, is_serial: bool) -> Recording {
        let mut acknowledged = Acknowledged { t: self.acknowledged, copied: 0 };
        let mut ends = self.ends.iter().peekable();
        let mut steps = Vec::new();
        for (place, operation) in self.shim.operations().into_iter().enumerate() {
            while let Some((_, now)) = ends.next_if(|(end, _)| *end <= place) {
                acknowledged = Acknowledged { t: acknowledged.t.max(now.t), copied: now.copied };
            }
            if let Operation::Mark(text) = &operation {
                acknowledged.t = text.lines().filter_map(acknowledged_in).fold(acknowledged.t, i64::max);
            }
            steps.push(Step { operation, acknowledged });
        }
        let model = Model::of(&Disk::read(&self.disk()), &self.store);
        let (store, start, before) = (self.store, self.start, Acknowledged { t: self.acknowledged, copied: 0 });
        Recording { name: name.to_owned(), store, start, acknowledged: before, steps, tuning, is_serial, model }
    }
}

fn marks(folder: &Path) -> PathBuf {
    folder.canonicalize().expect("the folder is there").join("marks")
}

/// The transaction that a line of a mark tells of: `t=7`, or `"t":7` as the program prints it.
fn acknowledged_in(line: &str) -> Option<i64> {
    let number = line.strip_prefix("t=").or_else(|| line.split_once("\"t\":").map(|(_, rest)| rest))?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
