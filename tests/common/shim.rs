//! Programs run under a small preloaded library that records what they do to the files below a folder, or makes chosen operations
//! fail. What it can do stands at the top of `tests/crash/shim/shim.c`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use tempfile::TempDir;

/// The names of the classes of operations, in the order of their counters.
pub(crate) const CLASSES: [&str; 9] = ["read", "write", "sync", "truncate", "open", "unlink", "rename", "any", "memory"];

/// The compiled library; made once a process, in a temporary folder.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_folder, library) = LIBRARY.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let library = folder.path().join("shim.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/shim/shim.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source);
        let made = compiler.output().expect("a C compiler, cc, is installed: the store's SQLite is built with it too");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        (folder, library)
    });
    library
}

/// What is watched, and what is done to it. Its own files lie in a temporary folder, beside what is watched.
pub(crate) struct Shim {
    own: TempDir,
    watched: PathBuf,
    marks: Option<PathBuf>,
    failure: Option<String>,
    budget: Option<u64>,
    is_recording: bool,
}

#[allow(dead_code)]
impl Shim {
    /// Watches the files below a folder that is there. Operations are counted, and nothing else.
    pub(crate) fn over(folder: &Path) -> Self {
        let own = tempfile::tempdir().expect("a temporary folder");
        let watched = folder.canonicalize().expect("the folder is there");
        Self { own, watched, marks: None, failure: None, budget: None, is_recording: false }
    }

    /// Records operations, to be read with [`Shim::operations`].
    pub(crate) fn recording(mut self) -> Self {
        self.is_recording = true;
        self
    }

    /// Takes what is written to this file (or to standard output, if it is called `stdout`) as marks in the recording.
    pub(crate) fn marks(mut self, path: impl Into<PathBuf>) -> Self {
        self.marks = Some(path.into());
        self
    }

    /// Makes an operation fail: `"write:17:EIO"`, or `"write:17:EIO:on"` for it and all after it.
    pub(crate) fn failing(mut self, failure: impl Into<String>) -> Self {
        self.failure = Some(failure.into());
        self
    }

    /// Gives the files together room to grow by so many bytes.
    pub(crate) fn budget(mut self, bytes: u64) -> Self {
        self.budget = Some(bytes);
        self
    }

    /// Makes a command run under the library.
    pub(crate) fn preload(&self, command: &mut Command) {
        command.env("LD_PRELOAD", library()).env("SHIM_DIR", &self.watched).env("SHIM_SHARED", self.shared());
        if self.is_recording {
            command.env("SHIM_LOG", self.log());
        }
        if let Some(marks) = &self.marks {
            command.env("SHIM_MARKS", marks);
        }
        if let Some(failure) = &self.failure {
            command.env("SHIM_FAIL", failure);
        }
        if let Some(budget) = self.budget {
            command.env("SHIM_BUDGET", budget.to_string());
        }
    }

    fn log(&self) -> PathBuf {
        self.own.path().join("operations")
    }

    fn shared(&self) -> PathBuf {
        self.own.path().join("shared")
    }

    fn counter(&self, place: usize) -> u64 {
        let bytes = fs::read(self.shared()).unwrap_or_default();
        bytes.get(place * 8..place * 8 + 8).map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
    }

    /// How many operations of a class there were, over all processes that ran so far.
    pub(crate) fn count(&self, class: &str) -> u64 {
        self.counter(CLASSES.iter().position(|name| *name == class).expect("a class of CLASSES"))
    }

    /// How many operations were made to fail.
    pub(crate) fn failed(&self) -> u64 {
        self.counter(CLASSES.len())
    }

    /// Gives programs that are running, and those to come, another budget: the bytes by which files may grow from the beginning on.
    pub(crate) fn set_budget(&self, bytes: u64) {
        use std::os::unix::fs::FileExt as _;
        let file = fs::OpenOptions::new().write(true).open(self.shared()).expect("a program has run");
        file.write_all_at(&bytes.to_le_bytes(), (CLASSES.len() as u64 + 1) * 8).expect("the counters are written");
    }

    /// What was recorded so far.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        let bytes = fs::read(self.log()).unwrap_or_default();
        let mut rest = bytes.as_slice();
        let mut operations = Vec::new();
        while !rest.is_empty() {
            operations.push(Operation::take(&mut rest, &self.watched));
        }
        operations
    }
}

/// One thing that was done. Paths are relative to the folder that is watched, which is the empty path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// An empty file got a name.
    Create(String),
    /// Bytes were written at an offset.
    Write { path: String, offset: u64, bytes: Arc<[u8]> },
    /// A file got a size.
    Truncate { path: String, size: u64 },
    /// A file, or the names in a folder, were brought to the disk.
    Sync(String),
    /// A file got another name, over what was there.
    Rename { from: String, to: String },
    /// A file got one name more.
    Link { from: String, to: String },
    /// A file lost a name.
    Unlink(String),
    /// A folder was made.
    MakeFolder(String),
    /// A folder was removed.
    RemoveFolder(String),
    /// The program said something.
    Mark(String),
    /// A file was mapped to be written without anybody seeing it.
    Map(String),
    /// An operation was made to fail.
    Fail { class: &'static str, path: String, errno: u64 },
}

impl Operation {
    fn take(rest: &mut &[u8], watched: &Path) -> Self {
        let mut take = |length: usize| {
            let (taken, after) = rest.split_at(length);
            *rest = after;
            taken
        };
        let head = take(24);
        let short = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
        let (path_length, path2_length, length) = (short(2), short(4), number(&head[12..16]) as usize);
        let offset = number(&head[16..24]);
        let relative = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            Path::new(&text).strip_prefix(watched).map_or(text.clone(), |path| path.display().to_string())
        };
        let (path, to) = (relative(take(path_length)), relative(take(path2_length)));
        let bytes = take(length);
        match head[0] {
            b'C' => Self::Create(path),
            b'W' => Self::Write { path, offset, bytes: bytes.into() },
            b'T' => Self::Truncate { path, size: offset },
            b'S' => Self::Sync(path),
            b'R' => Self::Rename { from: path, to },
            b'L' => Self::Link { from: path, to },
            b'U' => Self::Unlink(path),
            b'D' => Self::MakeFolder(path),
            b'X' => Self::RemoveFolder(path),
            b'A' => Self::Mark(String::from_utf8_lossy(bytes).into_owned()),
            b'M' => Self::Map(path),
            b'F' => Self::Fail { class: CLASSES[usize::from(head[1])], path, errno: offset },
            kind => unreachable!("the library records no {kind}"),
        }
    }
}
