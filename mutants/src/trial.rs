//! Each change against the tests that come by it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::build::Suite;

/// Processor seconds that any test may use, beside three times what it lasts without a change.
const SECONDS_AT_LEAST: u64 = 2;

/// So much longer than its processor time may a run last, as others use the machine too.
const PATIENCE: u32 = 30;

/// Memory that a run may ask for, in kilobytes: a change may fill it without end.
const LIMIT_MEMORY_KB: u64 = 3_000_000;

/// What a process takes before its test begins.
const START: Duration = Duration::from_millis(5);

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A test of this file fails.
    Noticed(String),
    /// A test of this file does not come to its end.
    Endless(String),
    /// All tests that come by it pass.
    Missed,
    /// No test comes by it.
    Unreached,
}

impl Outcome {
    /// How the verdicts name it.
    pub fn verdict(&self) -> String {
        match self {
            Self::Noticed(suite) => format!("noticed by {suite}"),
            Self::Endless(suite) => format!("noticed by {suite}, without end"),
            Self::Missed => "missed".to_owned(),
            Self::Unreached => "unreached".to_owned(),
        }
    }

    /// What is said of a change that no test notices.
    pub fn word(&self) -> Option<&'static str> {
        match self {
            Self::Missed => Some("missed"),
            Self::Unreached => Some("no test comes by"),
            _ => None,
        }
    }
}

/// A test with the changes that it comes by.
pub struct Test {
    suite: Suite,
    name: String,
    reached: BTreeSet<usize>,
    took: Duration,
    tried: AtomicUsize,
    noticed: AtomicUsize,
}

fn command(suite: &Suite, seconds: u64) -> Command {
    let mut command = Command::new("bash");
    let limits = format!("ulimit -t {seconds} -v {LIMIT_MEMORY_KB}; exec \"$0\" \"$@\"");
    command.args(["-c", &limits]).arg(&suite.program).current_dir(&suite.folder).env("CARGO_MANIFEST_DIR", &suite.folder);
    command.env("RUST_BACKTRACE", "0").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Runs every test of a test file alone and without a change. All must pass.
pub fn measure(suite: &Suite, work: &Path) -> Result<Vec<Test>, String> {
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
        let (suite, name) = (suite.clone(), name.to_owned());
        tests.push(Test {
            suite,
            name,
            reached,
            took: start.elapsed(),
            tried: AtomicUsize::new(0),
            noticed: AtomicUsize::new(0),
        });
    }
    Ok(tests)
}

impl Test {
    /// Its file.
    pub fn suite(&self) -> &str {
        &self.suite.name
    }

    /// How long it lasts without a change.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Whether it comes by a change.
    pub fn reaches(&self, id: usize) -> bool {
        self.reached.contains(&id)
    }

    /// How many changes it has noticed for each second that it was run, by what is known so far.
    fn worth(&self) -> f64 {
        let count = |counter: &AtomicUsize| f64::from(u32::try_from(counter.load(Ordering::Relaxed)).unwrap_or(u32::MAX));
        (count(&self.noticed) + 1.0) / (count(&self.tried) + 4.0) / (self.took + START).as_secs_f64()
    }

    /// None if it passes with this change.
    fn run(&self, id: usize) -> Option<Outcome> {
        let seconds = SECONDS_AT_LEAST + 3 * self.took.as_secs();
        let mut command = command(&self.suite, seconds);
        command.args(["--exact", &self.name]).env("MUTANT", id.to_string());
        let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
        let output = child.stdout.take()?;
        // The test runner still speaks when a test fails; a process that was stopped does not.
        let reader =
            std::thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).any(|line| line.contains("FAILED")));
        let status = wait(&mut child, Duration::from_secs(seconds) * PATIENCE);
        let has_failed = reader.join().unwrap_or(true);
        let suite = self.suite.name.clone();
        match status {
            None => Some(Outcome::Endless(suite)),
            Some(status) if status.success() => None,
            Some(status) if status.code().is_none() && !has_failed => Some(Outcome::Endless(suite)),
            Some(_) => Some(Outcome::Noticed(suite)),
        }
    }
}

/// The status of a process, or none if it had to be ended.
fn wait(child: &mut Child, patience: Duration) -> Option<std::process::ExitStatus> {
    let end = Instant::now() + patience;
    let mut pause = Duration::from_millis(1);
    while Instant::now() < end {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        std::thread::sleep(pause);
        pause = (pause * 5 / 4).min(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// Asks the tests that come by a change until one notices it: first those that have noticed most in the least time.
pub fn outcome(tests: &[Test], id: usize) -> Outcome {
    let mut left: Vec<&Test> = tests.iter().filter(|test| test.reaches(id)).collect();
    if left.is_empty() {
        return Outcome::Unreached;
    }
    left.sort_by(|left, right| left.worth().total_cmp(&right.worth()));
    while let Some(test) = left.pop() {
        test.tried.fetch_add(1, Ordering::Relaxed);
        if let Some(outcome) = test.run(id) {
            test.noticed.fetch_add(1, Ordering::Relaxed);
            return outcome;
        }
    }
    Outcome::Missed
}

/// For each test file how long its tests last, and how many changes they come by.
pub fn by_suite(tests: &[Test]) -> BTreeMap<&str, (Duration, usize)> {
    let mut all: BTreeMap<&str, (Duration, BTreeSet<usize>)> = BTreeMap::new();
    for test in tests {
        let (took, reached) = all.entry(test.suite()).or_default();
        *took += test.took();
        reached.extend(&test.reached);
    }
    all.into_iter().map(|(name, (took, reached))| (name, (took, reached.len()))).collect()
}
