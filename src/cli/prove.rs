//! `verify`: what proves a store.

use annals::store::{Part, Problem, VerifyReport};
use annals::{Error, ErrorKind, Value};

use super::failure::Outcome;
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
