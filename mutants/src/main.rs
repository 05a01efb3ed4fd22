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
use trial::{Measured, Outcome};

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
    let mut measured: Vec<Measured> = suites.iter().map(|suite| trial::measure(suite, &work)).collect::<Result<_, _>>()?;
    measured.sort_by_key(Measured::took);
    let reached = trial::reached(&measured);
    if reached.values().all(|count| *count == 0) {
        return Err("no test comes by any change".to_owned());
    }
    for suite in &measured {
        println!("{:>8} ms {:>5} changes {}", suite.took().as_millis(), reached[suite.name()], suite.name());
    }
    let chosen = change::spread(&changes, number("SPREAD", 1)?);
    let verdicts = Verdicts::open(&work)?;
    let chosen: Vec<&Change> = chosen.into_iter().filter(|change| is_wanted(change)).collect();
    let before = chosen.len();
    let chosen: Vec<&Change> = chosen.into_iter().filter(|change| !verdicts.known.contains(&change.name)).collect();
    if before > chosen.len() {
        println!("{} changes were noticed in runs before this one", before - chosen.len());
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

/// The changes that a test noticed, kept as they are found, so that a run that is ended early need not begin anew.
struct Verdicts {
    path: PathBuf,
    /// Those of runs before this one, with `AGAIN`.
    known: BTreeSet<String>,
}

impl Verdicts {
    fn open(work: &Path) -> Result<Self, String> {
        let path = work.join("noticed.txt");
        if std::env::var_os("AGAIN").is_some() {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            return Ok(Self { path, known: text.lines().map(str::to_owned).collect() });
        }
        std::fs::write(&path, "").map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path, known: BTreeSet::new() })
    }

    fn keep(&self, change: &Change) {
        let file = OpenOptions::new().append(true).create(true).open(&self.path);
        if let Err(error) = file.and_then(|mut file| writeln!(file, "{}", change.name)) {
            println!("{}: {error}", self.path.display());
        }
    }
}

/// `ONLY` is a part of the names that are wanted.
fn is_wanted(change: &Change) -> bool {
    std::env::var("ONLY").map_or(true, |part| change.name.contains(&part))
}

/// Asks one test file after the other, the quickest first, of all changes that none has noticed yet.
fn try_all<'a>(
    tried: &[&'a Change],
    suites: &[Measured],
    verdicts: &Verdicts,
    jobs: usize,
) -> Result<Vec<(&'a Change, Outcome)>, String> {
    let is_reached = |change: &&Change| suites.iter().any(|suite| suite.reaches(change.id));
    let (mut left, unreached): (Vec<&Change>, Vec<&Change>) = tried.iter().copied().partition(is_reached);
    let mut outcomes: Vec<(&Change, Outcome)> = Vec::new();
    for change in unreached {
        println!("no test comes by {}", change.name);
        outcomes.push((change, Outcome::Unreached));
    }
    for suite in suites {
        let (next, seen) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let work = || {
            while let Some(change) = left.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let (Some(outcome), Ok(mut seen)) = (suite.run(change.id), seen.lock()) {
                    verdicts.keep(change);
                    seen.push((*change, outcome));
                }
            }
        };
        std::thread::scope(|scope| (0..jobs).for_each(|_| drop(scope.spawn(work))));
        let seen = seen.into_inner().map_err(|_| "a trial ended early".to_owned())?;
        left.retain(|change| !seen.iter().any(|(other, _)| other.id == change.id));
        println!("{} notices {}, {} are left", suite.name(), seen.len(), left.len());
        outcomes.extend(seen);
    }
    for change in left {
        println!("missed {}", change.name);
        outcomes.push((change, Outcome::Missed));
    }
    Ok(outcomes)
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
