//! Which small changes of the code no test notices. `tests/mutants` starts it.
//!
//! cargo-mutants lists the changes. It also compiles and tests them one by one, a minute each; here all of them are woven into one build,
//! and a number in the environment decides which is made. A test is run for a change only if it comes by the changed place.

mod build;
mod change;
mod trial;
mod weave;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use build::Build;
use change::Change;
use trial::{Outcome, Test};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn number(name: &str, default: usize) -> Result<usize, String> {
    match std::env::var(name) {
        Ok(text) => text.parse().map_err(|_| format!("{name} is a whole number, not {text}")),
        Err(_) => Ok(default),
    }
}

/// Arguments: the project, a folder for what is made, the list of changes, the package, and its test files.
fn run(arguments: &[String]) -> Result<(), String> {
    let [from, work, list, package, tests @ ..] = arguments else { return Err("see tests/mutants".to_owned()) };
    let work = std::path::absolute(work).map_err(|error| format!("{work}: {error}"))?;
    let listed = std::fs::read_to_string(list).map_err(|error| format!("{list}: {error}"))?;
    let changes = change::read_all(&listed)?;
    let start = Instant::now();
    let build = Build::new(Path::new(from), &work, &changes, package)?;
    let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
    let suites = build.suites(&tests)?;
    println!("{} changes woven in, compiled with {} test files in {} s", changes.len(), suites.len(), start.elapsed().as_secs());
    let mut measured: Vec<Test> = Vec::new();
    for suite in &suites {
        measured.extend(trial::measure(suite, &work)?);
    }
    let by_suite = trial::by_suite(&measured);
    if by_suite.values().all(|(_, reached)| *reached == 0) {
        return Err("no test comes by any change".to_owned());
    }
    for (suite, (took, reached)) in &by_suite {
        println!("{:>8} ms {reached:>5} changes {suite}", took.as_millis());
    }
    let chosen = change::spread(&changes, number("SPREAD", 1)?);
    let verdicts = Verdicts::open(&work)?;
    let chosen: Vec<&Change> = chosen.into_iter().filter(|change| is_wanted(change)).collect();
    let before = chosen.len();
    let chosen: Vec<&Change> = chosen.into_iter().filter(|change| !verdicts.known.contains(&change.name)).collect();
    if before > chosen.len() {
        println!("{} changes have their verdict from runs before this one", before - chosen.len());
    }
    let is_tried = |change: &&Change| !build.unviable.contains(&change.id) && !build.left_out.contains(&change.id);
    let tried: Vec<&Change> = chosen.iter().copied().filter(is_tried).collect();
    let unviable = chosen.iter().filter(|change| build.unviable.contains(&change.id)).count();
    println!(
        "{} of {} changes chosen, {unviable} do not compile, {} cannot be woven in",
        chosen.len(),
        changes.len(),
        chosen.len() - tried.len() - unviable
    );
    let outcomes = try_all(&tried, &measured, &verdicts, number("JOBS", 1)?)?;
    report(&outcomes, &work)
}

/// What came of each change, kept as it is found, so that a run that is ended early need not begin anew.
struct Verdicts {
    path: PathBuf,
    /// What need not be tried: with `AGAIN=1` what was noticed in runs before this one, with `AGAIN=0` all that they tried.
    known: BTreeSet<String>,
}

impl Verdicts {
    fn open(work: &Path) -> Result<Self, String> {
        let path = work.join("verdicts.txt");
        let mut known = BTreeSet::new();
        match std::env::var("AGAIN") {
            Ok(again) => {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let verdicts = text.lines().filter_map(|line| line.split_once('\t'));
                let is_known = |verdict: &str| verdict.starts_with("noticed") || again == "0";
                known.extend(verdicts.filter(|(verdict, _)| is_known(verdict)).map(|(_, name)| name.to_owned()));
            }
            Err(_) => std::fs::write(&path, "").map_err(|error| format!("{}: {error}", path.display()))?,
        }
        Ok(Self { path, known })
    }

    fn keep(&self, change: &Change, outcome: &Outcome) {
        let line = format!("{}\t{}\n", outcome.verdict(), change.name);
        let file = OpenOptions::new().append(true).create(true).open(&self.path);
        if let Err(error) = file.and_then(|mut file| file.write_all(line.as_bytes())) {
            println!("{}: {error}", self.path.display());
        }
    }
}

/// `ONLY` is a part of the names that are wanted.
fn is_wanted(change: &Change) -> bool {
    std::env::var("ONLY").map_or(true, |part| change.name.contains(&part))
}

/// So many changes between two lines about how far it is.
const PROGRESS: usize = 100;

/// What comes of each change.
fn try_all<'a>(
    tried: &[&'a Change],
    tests: &[Test],
    verdicts: &Verdicts,
    jobs: usize,
) -> Result<Vec<(&'a Change, Outcome)>, String> {
    let (next, outcomes, start) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Instant::now());
    let work = || {
        while let Some(change) = tried.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = trial::outcome(tests, change.id);
            verdicts.keep(change, &outcome);
            if let Some(word) = outcome.word() {
                println!("{word} {}", change.name);
            }
            let Ok(mut outcomes) = outcomes.lock() else { return };
            outcomes.push((*change, outcome));
            if outcomes.len().is_multiple_of(PROGRESS) {
                println!("{} of {} in {} s", outcomes.len(), tried.len(), start.elapsed().as_secs());
            }
        }
    };
    std::thread::scope(|scope| (0..jobs).for_each(|_| drop(scope.spawn(work))));
    outcomes.into_inner().map_err(|_| "a trial ended early".to_owned())
}

fn report(outcomes: &[(&Change, Outcome)], work: &Path) -> Result<(), String> {
    let count = |is: fn(&Outcome) -> bool| outcomes.iter().filter(|(_, outcome)| is(outcome)).count();
    let mut by_suite: BTreeMap<&str, usize> = BTreeMap::new();
    let mut missed = String::new();
    for (change, outcome) in outcomes {
        match outcome {
            Outcome::Noticed(suite) | Outcome::Endless(suite) => *by_suite.entry(suite).or_default() += 1,
            Outcome::Missed => writeln!(missed, "missed    {}", change.name).map_err(|error| error.to_string())?,
            Outcome::Unreached => writeln!(missed, "unreached {}", change.name).map_err(|error| error.to_string())?,
        }
    }
    let path = work.join("missed.txt");
    let mut lines: Vec<&str> = missed.lines().collect();
    lines.sort_unstable();
    std::fs::write(&path, lines.join("\n")).map_err(|error| error.to_string())?;
    println!(
        "{} tried: {} noticed, {} without end, {} missed, {} that no test comes by; first noticed by {by_suite:?}; {}",
        outcomes.len(),
        count(|outcome| matches!(outcome, Outcome::Noticed(_))),
        count(|outcome| matches!(outcome, Outcome::Endless(_))),
        count(|outcome| *outcome == Outcome::Missed),
        count(|outcome| *outcome == Outcome::Unreached),
        path.display()
    );
    Ok(())
}
