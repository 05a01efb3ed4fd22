//! What is wrong with a store after its processes were killed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use annals::contract::state;
use annals::{Connection, Db, Value};

use crate::whole::check_whole;
use crate::writer::{Kind, Process};

/// What was counted over all rounds.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) kills: u64,
    pub(crate) acknowledged: u64,
    /// Acknowledged and not there.
    pub(crate) lost: u64,
    /// There more than once.
    pub(crate) twice: u64,
    /// Neither lost nor twice, but wrong.
    pub(crate) wrong: Vec<String>,
}

impl Judged {
    pub(crate) fn is_clean(&self) -> bool {
        self.lost == 0 && self.twice == 0 && self.wrong.is_empty()
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, acknowledged, lost, twice, wrong } = self;
        write!(f, "{kills} kills, {acknowledged} acknowledged, {lost} lost, {twice} twice, {} otherwise wrong", wrong.len())
    }
}

/// By writer and number: for each half, the transactions that said it.
type Found = BTreeMap<(String, i64), [Vec<i64>; 2]>;

/// Looks through a store that nobody has open any more.
pub(crate) fn judge(store: &Path, dead: &[Process], judged: &mut Judged) {
    if let Err(what) = check_whole(store) {
        judged.wrong.push(what);
    }
    let connection = Connection::open(store).expect("the store opens without a repair");
    let db = connection.db().expect("a view");
    let found = halves(&db);
    for process in dead {
        let outcome = match process.kind {
            Kind::Transact => judge_transactions(process, &found, true, judged),
            Kind::TooSoon | Kind::Twice => judge_transactions(process, &found, false, judged),
            Kind::State => judge_state(process, &db, judged),
            Kind::Reader => judge_reader(process),
        };
        if let Err(what) = outcome {
            judged.wrong.push(format!("{:?} {}: {what}", process.kind, process.name));
        }
    }
    let report = connection.transact("[{:kill/judged true}]").expect("writing goes on");
    assert!(report.t.is_some());
}

fn halves(db: &Db) -> Found {
    let query = "[:find ?by ?n ?half ?t ?e :where [?e :kill/by ?by] [?e :kill/n ?n ?t] [?e :kill/half ?half]]";
    let mut found = Found::new();
    for row in db.q(query, &[]).expect("an answer").rows {
        let [Value::String(by), Value::Long(n), Value::Long(half), t, _] = &row[..] else { panic!("a row of another shape") };
        let t = match t {
            Value::Ref(t) | Value::Long(t) => *t,
            other => panic!("a transaction is {other}"),
        };
        found.entry((by.to_string(), *n)).or_default()[*half as usize].push(t);
    }
    found
}

/// Every acknowledged transaction is there once and whole, where its report says; the one after them may be, and no other.
fn judge_transactions(process: &Process, found: &Found, has_reports: bool, judged: &mut Judged) -> Result<(), String> {
    let acknowledged = if has_reports { reports(&process.said)? } else { words(&process.said).map(|_| 0).collect() };
    judged.acknowledged += acknowledged.len() as u64;
    let of = |n: usize| found.get(&(process.name.clone(), n as i64));
    for (n, t) in (1..).zip(&acknowledged) {
        match of(n) {
            None => judged.lost += 1,
            Some(halves) if has_reports && halves.iter().any(|half| half.first() != Some(t)) => {
                return Err(format!("transaction {n} was reported at t {t}, and it is at {halves:?}"));
            }
            Some(_) => {}
        }
    }
    for n in 1..=acknowledged.len() + 1 {
        match of(n) {
            Some([first, second]) if first.len() != second.len() => return Err(format!("transaction {n} is there by half")),
            Some([first, _]) if first.len() > 1 => judged.twice += 1,
            _ => {}
        }
    }
    match of(acknowledged.len() + 2) {
        Some(_) => Err(format!("after {} reports transaction {} is there", acknowledged.len(), acknowledged.len() + 2)),
        None => Ok(()),
    }
}

/// The t of each report.
fn reports(said: &[String]) -> Result<Vec<i64>, String> {
    let t = |line: &String| {
        let report: serde_json::Value = serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
        report["t"].as_i64().ok_or_else(|| format!("a report without t: {line}"))
    };
    said.iter().map(t).collect()
}

/// What a part of this test said: the harness writes to the same output.
fn words(said: &[String]) -> impl Iterator<Item = &str> {
    said.iter().filter_map(|line| line.split_once("said: ").map(|(_, word)| word))
}

/// The last number acknowledged is the state, or the one after it, and each before it was the state once.
fn judge_state(process: &Process, db: &Db, judged: &mut Judged) -> Result<(), String> {
    let acknowledged = process.said.len() as u64;
    judged.acknowledged += acknowledged;
    let changes = match state::history(db, &process.name, "n") {
        Ok(changes) => changes,
        Err(_) if acknowledged == 0 => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let mut times: BTreeMap<String, u64> = BTreeMap::new();
    for value in changes.iter().filter_map(|change| change.value.as_ref()) {
        *times.entry(text(value)).or_default() += 1;
    }
    for n in 1..=acknowledged {
        match times.get(&n.to_string()) {
            None => judged.lost += 1,
            Some(1) => {}
            Some(_) => judged.twice += 1,
        }
    }
    let values = times.values().sum::<u64>();
    if values > acknowledged + 1 { Err(format!("{values} values after {acknowledged} acknowledged")) } else { Ok(()) }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => other.to_string(),
    }
}

/// A reader never saw half a transaction, nor less than before.
fn judge_reader(process: &Process) -> Result<(), String> {
    let mut last = 0;
    for line in words(&process.said) {
        let numbers: Vec<i64> = line.split(' ').filter_map(|number| number.parse().ok()).collect();
        let [t, count, earlier] = numbers[..] else { return Err(format!("a line of another shape: {line}")) };
        if count % 2 == 1 || earlier % 2 == 1 || earlier > count || t < last {
            return Err(format!("it saw {line} after t {last}"));
        }
        last = t;
    }
    Ok(())
}
