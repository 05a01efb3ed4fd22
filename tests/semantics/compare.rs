//! What came, against what a vector expects.

use std::collections::BTreeMap;

use annals::query::Answer;
use annals::query::answer::Shape;
use annals::query::edn;
use annals::schema::attribute;
use annals::{Datom, Error, Report, Value};

use crate::vector::Vector;

/// Equal to the type of the number; a reference is its id, and `_` is anything.
pub(crate) fn is_like(found: &Value, wanted: &Value) -> bool {
    let all = |found: &[Value], wanted: &[Value]| {
        found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| is_like(found, wanted))
    };
    match (found, wanted) {
        (_, Value::Symbol(name)) if &**name == "_" => true,
        (Value::Ref(found), Value::Long(wanted)) => found == wanted,
        (Value::Vector(found), Value::Vector(wanted)) | (Value::List(found), Value::List(wanted)) => all(found, wanted),
        (Value::Set(found), Value::Set(wanted)) => {
            let (found, wanted): (Vec<Value>, Vec<Value>) = (found.iter().cloned().collect(), wanted.iter().cloned().collect());
            is_like_bag(&found, &wanted)
        }
        (Value::Map(found), Value::Map(wanted)) => {
            let has = |(key, wanted): (&Value, &Value)| found.get(key).is_some_and(|found| is_like(found, wanted));
            found.len() == wanted.len() && wanted.iter().all(has)
        }
        _ => found == wanted,
    }
}

/// The same values as often, in any order.
pub(crate) fn is_like_bag(found: &[Value], wanted: &[Value]) -> bool {
    let mut left: Vec<&Value> = found.iter().collect();
    let take = |wanted: &Value| {
        let place = left.iter().position(|found| is_like(found, wanted));
        place.map(|place| left.swap_remove(place)).is_some()
    };
    found.len() == wanted.len() && wanted.iter().all(take)
}

/// What is wrong with an answer to a query.
pub(crate) fn answer_fault(answer: &Answer, wanted: &[Value], is_ordered: bool, vector: &Vector<'_>) -> Option<String> {
    let text = answer.to_edn();
    let found = edn::read(&text).expect("an answer is EDN");
    let is_many = matches!(answer.shape, Shape::Relation | Shape::RelationOfMaps(_) | Shape::Collection);
    let is_right = |wanted: &Value| match (&found, wanted) {
        (Value::Vector(found), Value::Vector(wanted)) if is_many && !is_ordered => is_like_bag(found, wanted),
        _ => is_like(&found, wanted),
    };
    if !wanted.iter().any(is_right) {
        return Some(format!("answers {text} instead of {}", shown(wanted)));
    }
    let tells = |part: &str| {
        let has = |text: &str| text.contains(part);
        answer
            .warnings
            .iter()
            .any(|warning| has(&warning.message) || has(warning.code) || warning.help.as_deref().is_some_and(has))
    };
    let expected = vector.texts("warning");
    if !expected.iter().all(|part| tells(part)) || expected.is_empty() != answer.warnings.is_empty() {
        return Some(format!("warns {:?}", answer.warnings));
    }
    None
}

/// What is wrong with an error, if the vector expects one.
pub(crate) fn error_fault(error: &Error, vector: &Vector<'_>, has_place: bool) -> Option<String> {
    let place = error.position().map(|place| Value::vector([i64::from(place.line).into(), i64::from(place.column).into()]));
    let place_text = place.as_ref().map_or("nowhere".to_owned(), Value::to_string);
    let shown = format!(
        "{} at {place_text}: {error} | {} (help: {})",
        error.code(),
        error.value().unwrap_or("-"),
        error.help().unwrap_or("-")
    );
    let Some(code) = vector.form("error").and_then(|form| form.keyword()) else { return Some(format!("is refused: {shown}")) };
    let says =
        |field: &str, text: Option<&str>| vector.texts(field).iter().all(|part| text.is_some_and(|text| text.contains(part)));
    let at = vector.form("at").map(edn::Form::to_value);
    let is_right = error.code() == code
        && error.help().is_some_and(|help| !help.is_empty())
        && (!has_place || says("message", Some(error.message())) && says("help", error.help()) && says("value", error.value()))
        && (!has_place || at.is_none() || at == place);
    (!is_right).then(|| format!("is refused in another way: {shown}"))
}

/// What is wrong with the outcome of a transaction.
pub(crate) fn outcome_fault(report: &Report, wanted: &Value) -> Option<String> {
    let found: Vec<Value> =
        report.datoms.iter().filter(|datom| is_told(report, datom)).map(|datom| told(report, datom)).collect();
    if report.is_empty() != report.t.is_none() {
        return Some("takes a t if it says nothing, or none if it says something".to_owned());
    }
    let wanted = wanted.as_items().expect(":says is a vector");
    (!is_like_bag(&found, wanted)).then(|| format!("says {} instead of {}", Value::vector(found), Value::vector(wanted.to_vec())))
}

/// Facts that :says speaks of: neither the instant of the transaction nor what is said of attributes.
fn is_told(report: &Report, datom: &Datom) -> bool {
    datom.a != attribute::TX_INSTANT && report.db_after.schema().declaration(datom.e).is_none()
}

fn told(report: &Report, datom: &Datom) -> Value {
    let ident = report.db_after.schema().ident(datom.a).expect("an attribute has an ident");
    let sign = Value::keyword(if datom.added { "+" } else { "-" });
    let m = (datom.m != 0).then_some(Value::Long(datom.m));
    Value::vector([sign, Value::Long(datom.e), Value::keyword(ident), datom.v.clone()].into_iter().chain(m))
}

/// The names that a report gives beside those known.
pub(crate) fn names_of(report: &Report) -> BTreeMap<String, i64> {
    report.tempids.iter().map(|(name, id)| (name.clone(), *id)).collect()
}

pub(crate) fn shown(values: &[Value]) -> String {
    values.iter().map(Value::to_string).collect::<Vec<_>>().join(" or ")
}
