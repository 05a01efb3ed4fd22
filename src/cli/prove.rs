//! `verify` and `rescue`: what proves a store, and what is left of one that is damaged.

use std::path::Path;

use annals::store::{Part, Problem, RescueReport, Store, VerifyReport};
use annals::{Error, ErrorKind, Value};

use super::failure::{self, Outcome};
use super::output::{RowShape, print_rows};
use super::place;
use super::session::Session;

/// `annals verify`: says what was proven, or the first thing that is wrong.
pub(super) fn verify(session: &Session, wants_head: bool, expected: Option<&str>) -> Outcome {
    let path = place::find_existing(session.global.db.as_deref())?;
    let report = annals::verify(&path, expected)?;
    if let Some(problem) = &report.problem {
        print_damage(session, &report, problem)?;
        return Err(damage(&report, problem).into());
    }
    let (t, datoms, head) = (Value::Long(report.transactions), Value::Long(report.datoms), Value::from(&*report.head));
    match report.found_at {
        _ if wants_head => print(session, &["t", "head"], vec![t, head]),
        Some(found) => {
            print(session, &["transactions", "datoms", "head", "expected-at"], vec![t, datoms, head, Value::Long(found)])
        }
        None => print(session, &["transactions", "datoms", "head"], vec![t, datoms, head]),
    }
}

/// What can be relied on, as data.
fn print_damage(session: &Session, report: &VerifyReport, problem: &Problem) -> Outcome {
    let codes = report.problems().map(|problem| problem.code).collect::<Vec<_>>().join(" ");
    let sound = Part::ALL.into_iter().filter(|part| report.is_sound(*part)).map(Part::name).collect::<Vec<_>>().join(" ");
    let row = vec![
        Value::Long(report.transactions),
        Value::Long(report.datoms),
        Value::from(&*report.head),
        report.found_at.map_or(Value::Nil, Value::Long),
        problem.t.map_or(Value::Nil, Value::Long),
        Value::from(codes),
        Value::from(sound),
    ];
    print(session, &["transactions", "datoms", "head", "expected-at", "first-wrong", "problems", "sound"], row)
}

fn damage(report: &VerifyReport, problem: &Problem) -> Error {
    let place = problem.t.map_or(String::new(), |t| format!(" (first seen at t {t})"));
    let help = format!("{}; {}", report.trusted(), problem.remedy);
    Error::new(ErrorKind::Damaged, format!("{}{place}", problem.what)).with_value(problem.code).with_help(help)
}

fn print(session: &Session, columns: &[&str], row: Vec<Value>) -> Outcome {
    print_rows(session.format(), RowShape::Objects, columns.iter().map(|name| (*name).to_owned()).collect(), &[row])
}

/// `annals rescue`: a row for each range of transactions, copied or lost.
pub(super) fn rescue(session: &Session, file: &Path, out: &Path) -> Outcome {
    let report = Store::rescue(file, out)?;
    let columns = ["from", "until", "state", "why"].map(str::to_owned).to_vec();
    print_rows(session.format(), RowShape::Objects, columns, &ranges(&report))?;
    failure::tell(&format!("{} of {} transactions are in {}", report.copied, report.t, out.display()));
    if let Some(problem) = &report.verified.problem {
        let message = format!("the new store is not sound: {}", problem.what);
        return Err(Error::new(ErrorKind::Damaged, message)
            .with_value(problem.code)
            .with_help("read it, and rely on no more than `annals verify` says; the damaged file is as it was")
            .into());
    }
    if report.lost.is_empty() {
        return Ok(());
    }
    let lost = report.t - report.copied;
    Err(Error::new(ErrorKind::Damaged, format!("{lost} of {} transactions could not be copied", report.t))
        .with_value(lost)
        .with_help(
            "the new store is sound, and :rescue/lost says in the place of each why it is lost; the damaged file is as it was: keep it, \
             and look for a copy from before",
        )
        .into())
}

fn ranges(report: &RescueReport) -> Vec<Vec<Value>> {
    let row = |from, until, state: &str, why: Value| vec![Value::Long(from), Value::Long(until), Value::from(state), why];
    let mut rows = Vec::new();
    let mut next = 1;
    let copied = |from: i64, until: i64, rows: &mut Vec<Vec<Value>>| {
        let why = if from > 1 { Value::from("proven by the hashes that are written, behind a gap") } else { Value::Nil };
        if from <= until {
            rows.push(row(from, until, "copied", why));
        }
    };
    for lost in &report.lost {
        copied(next, lost.first_t - 1, &mut rows);
        rows.push(row(lost.first_t, lost.last_t, "lost", Value::from(&*lost.reason)));
        next = lost.last_t + 1;
    }
    copied(next, report.t, &mut rows);
    rows
}
