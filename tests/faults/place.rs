//! A folder of its own for one run of a program with a fault in it.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::shim::{Counters, Fault, watch};

/// Longer than any run takes on a loaded machine: what takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// A folder with a folder `disk` in it, on which the faults are, and room beside it.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    /// In memory where that is possible: the disk under test is the shim's.
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let place = Self(folder.expect("a temporary folder"));
        fs::create_dir(place.disk()).expect("a folder");
        place
    }

    /// A place whose disk holds what another one holds.
    pub(crate) fn copy(template: &Self) -> Self {
        let place = Self::new();
        copy_all(&template.disk(), &place.disk());
        place
    }

    pub(crate) fn disk(&self) -> PathBuf {
        fs::canonicalize(self.0.path()).expect("the folder is there").join("disk")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.disk().join("annals.db")
    }

    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `annals ARGUMENTS` on the store of this place.
    pub(crate) fn annals(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_annals"));
        command.args(["--format", "jsonl"]).args(arguments).env("ANNALS_DB", self.store()).env_remove("ANNALS_RUN");
        command.current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    /// Runs a command with a fault on the disk, and waits for its end.
    pub(crate) fn run(&self, mut command: Command, fault: Option<Fault>) -> Ran {
        let (out, err, counters) = (self.beside("out"), self.beside("err"), self.beside("counters"));
        watch(&mut command, &self.disk(), &counters, fault);
        command.stdout(file(&out)).stderr(file(&err));
        let mut child = command.spawn().expect("the program runs");
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("it can be asked") {
                break Some(status);
            }
            if began.elapsed() > PATIENCE {
                child.kill().expect("it is ours");
                child.wait().expect("it is ours");
                break None;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        Ran {
            code: status.and_then(|status| status.code()),
            signal: status.and_then(|status| status.signal()),
            out: text(&out),
            err: text(&err),
            counters: Counters::read(&counters),
        }
    }
}

fn file(path: &Path) -> File {
    File::create(path).expect("a file beside the disk")
}

fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a kind").is_dir() {
            fs::create_dir(&target).expect("a folder");
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// `None` if a signal ended it, or if it hung.
    pub(crate) code: Option<i32>,
    signal: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) counters: Counters,
}

impl Ran {
    pub(crate) fn is_success(&self) -> bool {
        self.code == Some(0)
    }

    /// The code of the error that it told, in JSON, on standard error.
    pub(crate) fn error_code(&self) -> Option<String> {
        let objects = self.err.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        objects.filter_map(|object| object["error"]["code"].as_str().map(str::to_owned)).next_back()
    }

    /// True if Rust's own library got no memory, which no program survives; then it died as if it had been killed, or ended with an error while
    /// another thread was about to.
    pub(crate) fn has_starved(&self) -> bool {
        (self.signal == Some(6) || self.code == Some(1))
            && self.err.contains("memory allocation of ")
            && self.err.contains(" bytes failed")
    }

    /// No crash, no hang, no panic, and no failure without an error that has a code.
    pub(crate) fn check_manners(&self) -> Result<(), String> {
        if self.has_starved() {
            return Ok(());
        }
        if let Some(signal) = self.signal {
            return Err(format!("signal {signal} ended it: {}", self.err));
        }
        if self.code.is_none() {
            return Err(format!("it hung: {}", self.err));
        }
        if self.err.contains("panicked") || self.code == Some(101) {
            return Err(format!("it panicked: {}", self.err));
        }
        if self.code == Some(99) && self.err.contains("shim:") {
            return Err(format!("the shim gave up: {}", self.err));
        }
        Ok(())
    }
}
