//! The library of `tests/crash/shim`, put between a program and its disk: which operations there were, and which one is to fail.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Read,
    Write,
    Sync,
    Truncate,
    Open,
    Unlink,
    Rename,
    Memory,
}

impl Class {
    pub(crate) const OF_DISK: [Self; 7] =
        [Self::Read, Self::Write, Self::Sync, Self::Truncate, Self::Open, Self::Unlink, Self::Rename];

    fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Truncate => "truncate",
            Self::Open => "open",
            Self::Unlink => "unlink",
            Self::Rename => "rename",
            Self::Memory => "memory",
        }
    }

    /// How operations of this class fail, and whether each kind may stay: an interruption for ever is none.
    pub(crate) fn failures(self) -> &'static [(&'static str, bool)] {
        match self {
            // EIO is damage to SQLite, and any other error one of the system, after which it takes a transaction back by itself.
            Self::Read => &[("EIO", true), ("ENOMEM", true), ("EINTR", false), ("SHORT", true)],
            Self::Write => &[("EIO", true), ("ENOSPC", true), ("EINTR", false), ("SHORT", true)],
            Self::Sync => &[("EIO", true), ("ENOSPC", true), ("EINTR", false)],
            Self::Truncate => &[("EIO", true), ("EINTR", false)],
            Self::Open => &[("EIO", true), ("EMFILE", true), ("ENOSPC", true), ("EINTR", false)],
            Self::Unlink | Self::Rename => &[("EIO", true), ("ENOSPC", true)],
            Self::Memory => &[("ENOMEM", true)],
        }
    }

    /// Its place in the counters.
    fn place(self) -> usize {
        if self == Self::Memory { 8 } else { self as usize }
    }
}

/// One failure: the `number`th operation of a class, from 1, and with `stays` all after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) class: Class,
    pub(crate) number: u64,
    pub(crate) how: &'static str,
    pub(crate) stays: bool,
}

impl Fault {
    /// True if whoever asked has only to ask again for the rest.
    pub(crate) fn is_passing(self) -> bool {
        match self.how {
            "SHORT" => true,
            "EINTR" => !matches!(self.class, Class::Sync | Class::Unlink | Class::Rename),
            _ => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}{}", self.class.name(), self.number, self.how, if self.stays { ":on" } else { "" })
    }
}

/// Puts the shim between a command and what it does below `folder`.
pub(crate) fn watch(command: &mut Command, folder: &Path, counters: &Path, fault: Option<Fault>) {
    command.env("LD_PRELOAD", library()).env("SHIM_DIR", folder).env("SHIM_SHARED", counters);
    match fault {
        Some(fault) => command.env("SHIM_FAIL", fault.to_string()),
        None => command.env_remove("SHIM_FAIL"),
    };
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    counts: [u64; 9],
    /// Operations that were made to fail.
    pub(crate) failed: u64,
}

impl Counters {
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_default();
        let number = |at: usize| {
            bytes.get(at * 8..at * 8 + 8).map_or(0, |eight| u64::from_le_bytes(eight.try_into().expect("eight bytes")))
        };
        let mut counters = Self { failed: number(9), ..Self::default() };
        counters.counts.iter_mut().enumerate().for_each(|(at, count)| *count = number(at));
        counters
    }

    pub(crate) fn of(&self, class: Class) -> u64 {
        self.counts[class.place()]
    }
}

/// Compiles the shim, anew only when its source has changed.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/shim/shim.c");
        let text = std::fs::read(&source).expect("the shim is there");
        let name = format!("faults-shim-{}", &blake3::hash(&text).to_hex()[..16]);
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name).with_extension("so");
        if !library.exists() {
            // Several tests may do this at once: each gives a whole file its name.
            let unfinished = library.with_extension(std::process::id().to_string());
            let mut compiler = Command::new("cc");
            compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&unfinished).arg(&source).arg("-lpthread");
            let ran = compiler.output().expect("a C compiler is there: it builds SQLite");
            assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
            std::fs::rename(&unfinished, &library).expect("both lie in one folder");
        }
        library
    })
}
