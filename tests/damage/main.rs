//! The promise: damage is found, named, and never "cleaned up". Attacked with thousands of stores, each damaged in one way: a bit in every
//! kind of byte, truncation, swapped, zeroed and stale pages, rows changed by another client, in the file, its write-ahead log and its
//! columns. If any answer, by any way of asking, is another one than before and no error, `verify` must say so; what it says is sound
//! must be. And a rescue of it must copy what the damage did not touch, and invent nothing.
//!
//! `FLIPS` is how many (10,000 in the gate), `SEED` begins the chance. Two controls: SQLite's own check, and a verification without the hash
//! chain, must both miss some.

mod evidence;
mod fixtures;
mod harm;
mod rescued;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use annals::store::VerifyReport;

use crate::evidence::{Answers, Evidence, Files};
use crate::harm::{Harm, Random, Reach};

/// No work on a damaged store of a few hundred kilobytes takes longer, on however busy a machine.
const LIMIT: Duration = Duration::from_mins(1);

pub(crate) fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn flips() -> usize {
    std::env::var("FLIPS").ok().and_then(|text| text.parse().ok()).unwrap_or(420)
}

/// Runs what must neither panic nor take long.
#[track_caller]
pub(crate) fn stays_calm<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(work));
    assert!(begun.elapsed() < LIMIT, "SEED={} {what}: took {:?}", seed(), begun.elapsed());
    outcome.unwrap_or_else(|_| panic!("SEED={} {what}: panicked", seed()))
}

/// How it went, over all damages.
#[derive(Debug, Default)]
struct Figures {
    tried: usize,
    caught: usize,
    harmless: usize,
    /// A store of an earlier moment: only a head kept elsewhere tells.
    put_back: usize,
    missed_by_sqlite_of_quarter: usize,
    missed_without_chain: usize,
    codes: BTreeMap<String, usize>,
    rescued: usize,
    transactions_lost: usize,
}

struct Trial<'e> {
    evidence: &'e Evidence,
    path: &'e Path,
    figures: Figures,
}

impl Trial<'_> {
    #[track_caller]
    fn check(&mut self, harm: &Harm) {
        self.figures.tried += 1;
        harm.files.write(self.path);
        let what = &harm.what;
        let report = stays_calm(what, || annals::verify(self.path, None));
        self.nothing_is_deleted(harm);
        let problem = match &report {
            Ok(report) => report.problem.as_ref().map(|problem| problem.code.to_owned()),
            Err(error) => Some(error.code().to_owned()),
        };
        let Some(code) = problem else {
            return self.must_answer_alike(harm, report.as_ref().expect("there is no error"));
        };
        self.figures.caught += 1;
        *self.figures.codes.entry(code.clone()).or_default() += 1;
        if let Ok(report) = &report {
            let t = report.transactions as usize;
            // A row that was changed with a hash made to fit is found at the transaction after it.
            let is_made_to_fit = what.starts_with("rewrite row and hash");
            let is_right = t == 0 || report.head == self.evidence.heads[t - 1];
            assert!(is_right || is_made_to_fit, "SEED={} {what}: t {t} is said to be sound", seed());
        }
        if self.figures.caught.is_multiple_of(4) && is_sound_to_sqlite(self.path) {
            self.figures.missed_by_sqlite_of_quarter += 1;
        }
        if code == "verify/chain" && self.figures.missed_without_chain < 5 {
            self.without_chain(harm);
        }
        if self.figures.tried.is_multiple_of(11) {
            harm.files.write(self.path);
            stays_calm(what, || Answers::of(self.path));
        }
    }

    fn nothing_is_deleted(&self, harm: &Harm) {
        let after = Files::read(self.path);
        let what = &harm.what;
        assert!(after.store == harm.files.store, "SEED={} {what}: verify changed the file", seed());
        assert!(after.columns == harm.files.columns, "SEED={} {what}: verify changed the columns", seed());
        assert!(harm.files.log.is_none() || after.log == harm.files.log, "SEED={} {what}: verify changed the log", seed());
    }

    /// What `verify` takes for sound gives every answer, or is the store of an earlier moment, whole.
    fn must_answer_alike(&mut self, harm: &Harm, report: &VerifyReport) {
        let what = &harm.what;
        let t = report.transactions as usize;
        if harm.reach == Reach::End && t < self.evidence.heads.len() {
            assert_eq!(report.head, self.evidence.heads[t - 1], "SEED={} {what}", seed());
            harm.files.write(self.path);
            let since = stays_calm(what, || annals::verify(self.path, Some(self.evidence.head()))).expect("a report");
            assert_eq!(since.problem.expect("the head is not found").code, "verify/head", "SEED={} {what}", seed());
            self.figures.put_back += 1;
            return;
        }
        harm.files.write(self.path);
        let found = stays_calm(what, || Answers::of(self.path));
        if let Some(asked) = self.evidence.answers.first_difference(&found) {
            panic!("SEED={} {what}: verify finds nothing, and another answer came of: {asked}", seed());
        }
        self.figures.harmless += 1;
    }

    /// The same damage with a chain that was made to fit: what is then not found, only the chain has found.
    fn without_chain(&mut self, harm: &Harm) {
        // Columns know the hash that the chain had.
        Files { columns: BTreeMap::new(), ..harm.files.clone() }.write(self.path);
        harm::rehash(self.path, 1, self.evidence.transactions.len() as i64);
        let is_missed = annals::verify(self.path, None).is_ok_and(|report| report.problem.is_none());
        if is_missed && self.evidence.answers.first_difference(&Answers::of(self.path)).is_some() {
            self.figures.missed_without_chain += 1;
        }
    }
}

fn is_sound_to_sqlite(path: &Path) -> bool {
    rusqlite::Connection::open(path)
        .and_then(|connection| connection.query_row("PRAGMA integrity_check", (), |row| row.get::<_, String>(0)))
        .is_ok_and(|found| found == "ok")
}

fn place() -> tempfile::TempDir {
    // In memory where there is such a place: thousands of small files are written.
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a temporary folder")
}

#[test]
fn what_verify_does_not_find_changes_no_answer() {
    let folder = place();
    let path = folder.path().join("annals.db");
    let (at_rest, in_use) = (Evidence::make(folder.path(), 0), Evidence::make(folder.path(), 14));
    at_rest.files.write(&path);
    assert_eq!(annals::verify(&path, Some(&at_rest.heads[4])).expect("a report").found_at, Some(5), "the control is sound");
    assert_eq!(at_rest.answers.first_difference(&Answers::of(&path)), None, "the control answers");
    let mut random = Random::new(seed());
    let mut trial = Trial { evidence: &at_rest, path: &path, figures: Figures::default() };
    let log_flips = flips() / 10;
    for round in 0..flips() - log_flips {
        let harm = harm::at_rest(round, &mut random, &at_rest, &path);
        trial.check(&harm);
        if round % 12 == 0 {
            let lost = rescued::check(&harm, &at_rest, folder.path());
            trial.figures.rescued += 1;
            trial.figures.transactions_lost += lost;
        }
    }
    trial.evidence = &in_use;
    for round in 0..log_flips {
        let harm = harm::in_log(round, &mut random, &in_use);
        trial.check(&harm);
        if round % 12 == 0 {
            rescued::check(&harm, &in_use, folder.path());
            trial.figures.rescued += 1;
        }
    }
    let figures = trial.figures;
    println!("SEED={} {figures:?}", seed());
    assert!(figures.caught > flips() / 4, "the damages hit something");
    assert!(figures.missed_by_sqlite_of_quarter > flips() / 40, "SQLite's own check misses some");
    assert!(figures.missed_without_chain > 0, "without the chain some are missed");
}

/// Of two rows with one id, the wrong one came first, and the transaction of the other was lost with it.
#[test]
fn a_rescue_tells_two_rows_with_one_id_apart() {
    let folder = place();
    let evidence = Evidence::make(folder.path(), 0);
    let harms = harm::doubled_ids(&evidence);
    assert!(harms.len() > 3, "{} pages have such rows", harms.len());
    for harm in &harms {
        rescued::check(harm, &evidence, folder.path());
    }
}

/// The first guess of what it said was made of rows of another page, and with it the next one was lost too.
#[test]
fn a_rescue_knows_the_first_transaction_though_its_hash_is_damaged() {
    let folder = place();
    let evidence = Evidence::make(folder.path(), 0);
    let head = &evidence.heads[0];
    let hash: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&head[at * 2..at * 2 + 2], 16).expect("it is hexadecimal")).collect();
    let at = evidence.files.store.windows(32).position(|bytes| bytes == hash).expect("the hash stands in the file");
    for byte in [at, at + 10, at + 31] {
        let mut files = evidence.files.clone();
        files.store[byte] ^= 8;
        let what = format!("byte {byte} of the first hash");
        assert_eq!(rescued::check(&Harm { what, files, reach: Reach::AtMost(1) }, &evidence, folder.path()), 0);
    }
}

/// The command line says the same, with its exit code.
#[test]
fn the_command_exits_5_and_says_what_can_be_relied_on() {
    let folder = place();
    let path = folder.path().join("annals.db");
    let evidence = Evidence::make(folder.path(), 0);
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_annals"))
            .args(["--db", path.to_str().expect("a name"), "--format", "json"])
            .args(arguments)
            .output()
            .expect("the program runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    evidence.files.write(&path);
    let (code, out, _) = run(&["verify", "--head"]);
    assert_eq!((code, out), (Some(0), format!("[{{\"t\":{},\"head\":\"{}\"}}]\n", evidence.heads.len(), evidence.head())));
    let (code, out, _) = run(&["verify", "--expect", &evidence.heads[11]]);
    assert!(code == Some(0) && out.contains("\"expected-at\":12"), "{out}");
    let (code, _, error) = run(&["verify", "--expect", &"0".repeat(64)]);
    assert!(code == Some(5) && error.contains("has the head"), "{error}");
    let (code, _, error) = run(&["verify", "--expect", "beef"]);
    assert!(code == Some(2) && error.contains("64 hexadecimal digits"), "{error}");
    harm::change(&path, "UPDATE datoms SET m = m + 1 WHERE t = 20");
    let (code, out, error) = run(&["verify"]);
    assert_eq!(code, Some(5), "{error}");
    assert!(out.contains("\"transactions\":19") && out.contains("\"first-wrong\":20"), "{out}");
    assert!(error.contains("\"value\":\"verify/chain\"") && error.contains("t 1 to 19 can be trusted"), "{error}");
    let (code, out, error) =
        run(&["rescue", path.to_str().expect("a name"), folder.path().join("out.db").to_str().expect("a name")]);
    assert_eq!(code, Some(5), "{error}");
    assert!(out.contains("{\"from\":20,\"until\":20,\"state\":\"lost\""), "{out}");
    let (code, _, error) =
        run(&["rescue", path.to_str().expect("a name"), folder.path().join("out.db").to_str().expect("a name")]);
    assert!(code == Some(1) && error.contains("something is there already"), "{error}");
}
