//! Whether the process that recorded a run is still there.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// A process on a machine: what a run says about who records it.
///
/// A process id is given to another process sooner or later, so the moment at which the process began is part of it, where
/// the system tells (Linux).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The machine's name.
    pub host: String,
    /// The process id.
    pub pid: i64,
    /// When it began, in the kernel's own count; comparable only on the same machine.
    pub start: Option<i64>,
}

impl Process {
    /// This process.
    pub fn current() -> Self {
        let pid = i64::from(std::process::id());
        Self { host: this_host(), pid, start: stat(pid).map(|stat| stat.start) }
    }

    /// True if it ran on this machine and is there no more. Of a process on another machine nothing is known, so it counts as
    /// there.
    pub fn is_gone(&self) -> bool {
        if self.host != this_host() {
            return false;
        }
        let Some(pid) = i32::try_from(self.pid).ok().filter(|pid| *pid > 0).and_then(Pid::from_raw) else {
            return true;
        };
        if test_kill_process(pid) == Err(Errno::SRCH) {
            return true;
        }
        stat(self.pid).is_some_and(|stat| stat.is_dead || self.start.is_some_and(|start| start != stat.start))
    }
}

/// The name of this machine.
pub fn this_host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

struct Stat {
    is_dead: bool,
    start: i64,
}

/// What Linux says about a process: `pid (name) state ppid .. starttime ..`. The name may hold blanks and brackets, so fields are
/// counted from its last one. `None` on other systems, or if the process may not be seen.
fn stat(pid: i64) -> Option<Stat> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let name_end = memchr::memrchr(b')', &text)?;
    let mut fields = std::str::from_utf8(&text[name_end + 1..]).ok()?.split_ascii_whitespace();
    let state = fields.next()?;
    let start = fields.nth(18)?.parse().ok()?;
    Some(Stat { is_dead: matches!(state, "Z" | "X" | "x"), start })
}
