//! Promise: whatever the writer writes, the reader reads back as exactly the same value (`==`, which tells 1 from 1.0 and
//! 1.0M from 1.00M). Attacked with random values of every kind, nested, with texts that no keyword or symbol could hold, and
//! with the borders of every number and instant.

use std::sync::Arc;

use annals_query::{BigDecimal, BigInt, Uuid, Value, edn};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_120)
}

fn big_int() -> impl Strategy<Value = BigInt> {
    prop_oneof![any::<i64>().prop_map(BigInt::from), any::<[i64; 3]>().prop_map(|[a, b, c]| BigInt::from(a) * b * c)]
}

fn name() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![
        "[a-z]{1,8}(/[a-z]{1,8})?",
        "[-+.*!_?$%&=<>/a-z0-9:#']{0,4}",
        any::<String>(),
        prop::sample::select(vec!["nil", "true", "false", "/", "inst", "db/id", "db/tagged", "uuid", "...", "-", "é"])
            .prop_map(Into::into),
    ]
    .prop_map(|text| text.as_str().into())
}

fn regex(text: String) -> Value {
    Value::Tagged("regex".into(), Arc::new(text.into()))
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Ref),
        any::<i64>().prop_map(Value::Long),
        big_int().prop_map(Value::from),
        any::<f64>().prop_filter("NaN is no value", |n| !n.is_nan()).prop_map(Value::Double),
        (big_int(), -999_i64..999).prop_map(|(digits, scale)| Value::from(BigDecimal::new(digits, scale))),
        any::<i64>().prop_map(Value::Instant),
        (-70_000_000_000_000_000_i64..70_000_000_000_000_000).prop_map(Value::Instant),
        any::<u128>().prop_map(|bits| Value::Uuid(Uuid::from_u128(bits))),
        name().prop_map(Value::Keyword),
        name().prop_map(Value::Symbol),
        any::<char>().prop_map(Value::Char),
        any::<String>().prop_map(Value::from),
        any::<String>().prop_map(|text| Value::Uri(text.into())),
        any::<String>().prop_map(regex),
        r##"[a-z\\"#\n]{0,6}"##.prop_map(regex),
        any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(bytes.into())),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(5, 60, 6, |inner| {
        let items = prop::collection::vec(inner.clone(), 0..6);
        prop_oneof![
            items.clone().prop_map(|items| Value::Vector(items.into())),
            items.prop_map(|items| Value::List(items.into())),
            prop::collection::btree_set(inner.clone(), 0..6).prop_map(|items| Value::Set(Arc::new(items))),
            prop::collection::btree_map(inner.clone(), inner.clone(), 0..6).prop_map(|entries| Value::Map(Arc::new(entries))),
            (name(), inner).prop_map(|(tag, content)| Value::Tagged(tag, Arc::new(content))),
        ]
    })
}

#[track_caller]
fn check(value: &Value) {
    let text = value.to_string();
    let again = edn::read(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(again, *value, "{text}");
    assert_eq!(again.to_string(), text);
}

#[test]
fn every_value_reads_back_as_it_was_written() {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed().to_le_bytes());
    let config = Config { cases: 3_000, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let outcome = runner.run(&value(), |value| {
        let text = value.to_string();
        let again = edn::read(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(&again, &value, "{}", text);
        prop_assert_eq!(again.to_string(), text);
        Ok(())
    });
    assert!(outcome.is_ok(), "SEED={}: {}", seed(), outcome.err().map(|error| error.to_string()).unwrap_or_default());
}

#[test]
fn borders_of_numbers_and_instants_read_back() {
    for n in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX] {
        check(&Value::Long(n));
        check(&Value::Ref(n));
        check(&Value::Instant(n));
        check(&Value::from(BigInt::from(n)));
        check(&Value::from(BigInt::from(n) * 2));
    }
    for n in [
        0.0,
        -0.0,
        1.0,
        1e15,
        1e16,
        1e-5,
        1e-7,
        0.1,
        f64::MIN,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ] {
        check(&Value::Double(n));
    }
    for (digits, scale) in [(0, 0), (0, 3), (0, -3), (12, 40), (-12, 41), (120, 2), (5, 1_000), (5, -1_000), (-5, 1)] {
        check(&Value::from(BigDecimal::new(BigInt::from(digits), scale)));
    }
}

#[test]
fn instants_agree_with_another_calendar() {
    let mut state = seed();
    for _ in 0..5_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Years 0000 to 9999.
        let micros = (state % 315_537_000_000_000_000) as i64 - 62_167_000_000_000_000;
        let expected = jiff::Timestamp::from_microsecond(micros).expect("the calendar covers these years");
        assert_eq!(Value::Instant(micros).to_string(), format!("#inst \"{expected}\""), "SEED={}", seed());
    }
}
