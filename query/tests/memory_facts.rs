//! Promise: the facts in memory that the other tests stand on follow from the log and the view alone. Attacked with a log in which
//! values are replaced, retracted and said again, seen in every view, and with columns made in every manner.

mod common;

use std::sync::atomic::AtomicU64;

use annals_query::{Attribute, Budget, Cardinality, Fact, Facts as _, Places, Scan, Value, Values};
use common::memory::{Manner, MemoryFacts, View};

fn log() -> MemoryFacts {
    let mut tags = Attribute::new(11, "tag");
    tags.cardinality = Cardinality::Many;
    let fact = |e: i64, a: i64, v: Value, t: i64, added: bool| Fact { e, a, v, t, m: 0, added };
    MemoryFacts::new(
        vec![Attribute::new(10, "age"), tags],
        vec![
            fact(1, 10, 20.into(), 1, true),
            fact(1, 11, "a".into(), 1, true),
            fact(1, 10, 20.into(), 2, false),
            fact(1, 10, 21.into(), 2, true),
            fact(1, 11, "a".into(), 3, false),
            fact(1, 11, 7.into(), 3, true),
            fact(1, 11, "a".into(), 4, true),
        ],
    )
}

#[track_caller]
fn check(view: View, expected: &[(i64, &str)]) {
    let places = Places { a: true, v: true, t: true, m: true, added: true };
    for manner in [Manner::Typed, Manner::Plain, Manner::Random(AtomicU64::new(7))] {
        let facts = log().at(view).in_manner(manner);
        let batch = facts.scan(&Scan { places, ..Scan::default() }, &Budget::default()).expect("memory does not fail");
        let (values, added) = (batch.v.expect("wanted"), batch.added.expect("wanted"));
        let (a, t) = (batch.a.expect("wanted"), batch.t.expect("wanted"));
        let row = |row: usize| {
            let sign = if added.value(row) == Value::Boolean(true) { '+' } else { '-' };
            let value = match values.value(row) {
                Value::String(text) => text.to_string(),
                other => other.as_long().expect("texts and longs").to_string(),
            };
            (a.value(row).as_long().expect("an id"), format!("{sign}{value}@{}", t.value(row).as_long().expect("a t")))
        };
        let mut rows: Vec<(i64, String)> = (0..values.len()).map(row).collect();
        rows.sort();
        let expected: Vec<(i64, String)> = expected.iter().map(|(a, text)| (*a, (*text).to_owned())).collect();
        assert_eq!(rows, expected, "{view:?}");
    }
}

#[test]
fn a_view_follows_from_the_log() {
    let view = |as_of: Option<i64>, since: Option<i64>, is_history: bool| View { as_of, since, is_history, ..View::default() };
    check(view(None, None, false), &[(10, "+21@2"), (11, "+7@3"), (11, "+a@4")]);
    check(view(Some(1), None, false), &[(10, "+20@1"), (11, "+a@1")]);
    check(view(Some(3), None, false), &[(10, "+21@2"), (11, "+7@3")]);
    check(view(None, Some(3), false), &[(11, "+a@4")]);
    check(view(Some(3), Some(1), false), &[(10, "+21@2"), (11, "+7@3")]);
    check(view(Some(2), Some(1), true), &[(10, "+21@2"), (10, "-20@2")]);
    check(view(Some(0), None, true), &[]);
}

#[test]
fn numbers_match_by_value_and_ranges_keep_to_their_type() {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    let count = |values: Values<'_>| {
        let scan = Scan { attribute: Some(11), values, ..Scan::default() };
        log().scan(&scan, &Budget::default()).expect("memory does not fail").len()
    };
    assert_eq!(count(Values::Equal(&Value::from(7.0))), 1);
    assert_eq!(count(Values::Range(Included(&Value::from(0.5)), Unbounded)), 1);
    assert_eq!(count(Values::Range(Unbounded, Excluded(&Value::from("a")))), 0);
    assert_eq!(count(Values::Range(Unbounded, Included(&Value::from("a")))), 1);
}
