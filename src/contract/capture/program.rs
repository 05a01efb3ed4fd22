//! The program that is recorded: starting it, and how it ended.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::SyncSender;
use std::thread;

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::session::Event;
use crate::error::{Error, ErrorKind};

/// How a recorded program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// It exited with this code.
    Exited(i32),
    /// A signal ended it.
    Signalled(i32),
    /// It was never started: there is no such program (127), or it cannot be run (126).
    NotStarted(i32),
    /// Recording was broken off while it ran.
    StillRunning,
}

impl Ending {
    /// The code with which a shell would exit: the program's own, 128 and the number of the signal, 126 or 127 for a program that could not be
    /// started, 130 if recording was broken off.
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Exited(code) | Self::NotStarted(code) => *code,
            Self::Signalled(signal) => 128 + signal,
            Self::StillRunning => 130,
        }
    }
}

impl From<ExitStatus> for Ending {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, Some(signal)) => Self::Signalled(signal),
            (None, None) => Self::Exited(1),
        }
    }
}

/// Starts a program with its output in pipes and these variables in its environment; its input is ours.
pub(super) fn start(command: &[OsString], directory: &Path, environment: &[(&str, OsString)]) -> io::Result<Child> {
    let (program, arguments) = command.split_first().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Why a program could not be started, with the code that a shell gives for it.
pub(super) fn start_failure(command: &[OsString], error: io::Error) -> (Error, i32) {
    let program = command.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    let is_there = program.contains('/') && Path::new(&program).exists();
    let (kind, message, help, code) = match error.kind() {
        io::ErrorKind::NotFound if is_there => {
            let help = "its first line may name an interpreter that is not there";
            (ErrorKind::Io, format!("`{program}` is there but cannot be run: {error}"), help, 126)
        }
        io::ErrorKind::NotFound => {
            let help = "check its name, and the folders in PATH";
            (ErrorKind::NotFound, format!("there is no program `{program}`"), help, 127)
        }
        io::ErrorKind::PermissionDenied => {
            let help = "it needs the permission to be executed, `chmod +x`";
            (ErrorKind::Io, format!("`{program}` may not be run: {error}"), help, 126)
        }
        _ => (ErrorKind::Io, format!("`{program}` cannot be run: {error}"), "check that it is a program for this system", 126),
    };
    (Error::new(kind, message).with_value(program).with_help(help).caused_by(error), code)
}

/// Tells when the program has ended, without taking its status: until that is taken, its id is not given to another process.
pub(super) fn watch(child: &Child, events: SyncSender<Event>) -> io::Result<()> {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    thread::Builder::new().name("program".into()).spawn(move || {
        if let Some(id) = id {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(id), options), Err(Errno::INTR)) {}
        }
        // Nobody listens any more if recording was broken off.
        let _ = events.send(Event::Ended);
    })?;
    Ok(())
}
