//! A whole process: its time, its time on processors, and the most memory it had, as /usr/bin/time says.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What a process took.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// From its start to its end.
    pub seconds: f64,
    /// On processors, in its own code and in the system's.
    pub processor_seconds: f64,
    /// The most memory it had.
    pub peak_mb: f64,
    /// Lines it printed.
    pub lines: usize,
}

impl Process {
    /// Runs a program to its end; it must succeed.
    pub fn run(program: &Path, arguments: &[&OsStr]) -> Self {
        let start = Instant::now();
        let output = Command::new("/usr/bin/time")
            .args(["-f", "%U %S %M"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("/usr/bin/time is installed");
        let seconds = start.elapsed().as_secs_f64();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", program.display());
        let figures: Vec<f64> = said.lines().last().unwrap_or("").split(' ').filter_map(|word| word.parse().ok()).collect();
        let [user, system, kilobytes] = figures[..] else { panic!("/usr/bin/time says three figures, not {said}") };
        let lines = String::from_utf8_lossy(&output.stdout).lines().count();
        Self { seconds, processor_seconds: user + system, peak_mb: kilobytes / 1024.0, lines }
    }
}
