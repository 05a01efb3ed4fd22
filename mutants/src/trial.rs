//! Each change against the tests that come by it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::build::Suite;

/// Processor seconds that any test file may use, beside three times what its tests last without a change.
const SECONDS_AT_LEAST: u64 = 2;

/// So much longer than its processor time may a run last, as others use the machine too.
const PATIENCE: u32 = 30;

/// Memory that a run may ask for, in kilobytes: a change may fill it without end.
const LIMIT_MEMORY_KB: u64 = 8_000_000;

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A test file fails.
    Noticed(String),
    /// A test file does not come to its end.
    Endless(String),
    /// All tests that come by it pass.
    Missed,
    /// No test comes by it.
    Unreached,
}

/// A test of a test file with the changes that it comes by.
struct Test {
    name: String,
    reached: BTreeSet<usize>,
    took: Duration,
}

/// A test file with its tests.
pub struct Measured {
    suite: Suite,
    tests: Vec<Test>,
}

fn command(suite: &Suite, seconds: u64) -> Command {
    let mut command = Command::new("bash");
    let limits = format!("ulimit -t {seconds} -v {LIMIT_MEMORY_KB}; exec \"$0\" \"$@\"");
    command.args(["-c", &limits]).arg(&suite.program).current_dir(&suite.folder).env("CARGO_MANIFEST_DIR", &suite.folder);
    command.env("RUST_BACKTRACE", "0").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Runs every test of a test file alone and without a change. All must pass.
pub fn measure(suite: &Suite, work: &Path) -> Result<Measured, String> {
    let listed = command(suite, 60).args(["--list", "--format", "terse"]).stdout(Stdio::piped()).output();
    let listed = listed.map_err(|error| format!("{}: {error}", suite.name))?;
    let file = work.join("reached");
    let mut tests = Vec::new();
    for name in String::from_utf8_lossy(&listed.stdout).lines().filter_map(|line| line.strip_suffix(": test")) {
        let _ = fs::remove_file(&file);
        let start = Instant::now();
        let status = command(suite, 600).args(["--exact", name]).env("MUTANT_REACHED", &file).status();
        if !status.is_ok_and(|status| status.success()) {
            return Err(format!("{} {name} fails without any change", suite.name));
        }
        let reached = fs::read_to_string(&file).unwrap_or_default();
        let reached = reached.lines().filter_map(|line| line.parse().ok()).collect();
        tests.push(Test { name: name.to_owned(), reached, took: start.elapsed() });
    }
    Ok(Measured { suite: suite.clone(), tests })
}

impl Measured {
    /// What all of its tests took.
    pub fn took(&self) -> Duration {
        self.tests.iter().map(|test| test.took).sum()
    }

    /// The name of the file.
    pub fn name(&self) -> &str {
        &self.suite.name
    }

    /// Whether any of its tests comes by a change.
    pub fn reaches(&self, id: usize) -> bool {
        self.tests.iter().any(|test| test.reached.contains(&id))
    }

    /// None if it passes with this change.
    pub fn run(&self, id: usize) -> Option<Outcome> {
        let tests: Vec<&Test> = self.tests.iter().filter(|test| test.reached.contains(&id)).collect();
        if tests.is_empty() {
            return None;
        }
        let took: Duration = tests.iter().map(|test| test.took).sum();
        let seconds = SECONDS_AT_LEAST + 3 * took.as_secs();
        let mut command = command(&self.suite, seconds);
        command.arg("--exact").args(tests.iter().map(|test| &test.name)).env("MUTANT", id.to_string());
        let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
        let mut output = child.stdout.take()?;
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = output.read_to_end(&mut text);
            String::from_utf8_lossy(&text).contains("FAILED")
        });
        let end = Instant::now() + Duration::from_secs(seconds) * PATIENCE;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(10)),
                _ => break None,
            }
        };
        let Some(status) = status else {
            let _ = child.kill();
            let _ = child.wait();
            return Some(Outcome::Endless(self.suite.name.clone()));
        };
        let has_failed = reader.join().unwrap_or(true);
        let is_stopped = status.code().is_none() && !has_failed;
        match (status.success(), is_stopped) {
            (true, _) => None,
            (false, true) => Some(Outcome::Endless(self.suite.name.clone())),
            (false, false) => Some(Outcome::Noticed(self.suite.name.clone())),
        }
    }
}

/// How many changes each test file comes by.
pub fn reached(suites: &[Measured]) -> BTreeMap<&str, usize> {
    let of = |suite: &Measured| suite.tests.iter().flat_map(|test| test.reached.iter().copied()).collect::<BTreeSet<_>>().len();
    suites.iter().map(|suite| (suite.name(), of(suite))).collect()
}
