//! The promise: the order of the bytes is the order of the values, and decoding gives back exactly what was encoded.
//! Attacked with every pair of a list of values chosen to lie close together, with random values of every type that can be
//! stored, and with random bytes, which may be refused but never accepted in two spellings.

use std::str::FromStr as _;
use std::sync::Arc;

use annals_query::{BigDecimal, BigInt, Uuid, Value, edn};
use proptest::prelude::*;

use super::{decode, encode};

fn encoded(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    encode(value, &mut out).expect("the value can be stored");
    out
}

#[track_caller]
fn check_pair(a: &Value, b: &Value) {
    assert_eq!(encoded(a).cmp(&encoded(b)), a.cmp(b), "{a} against {b}");
}

#[track_caller]
fn check_round_trip(value: &Value) {
    let bytes = encoded(value);
    let (back, length) = decode(&bytes).unwrap_or_else(|error| panic!("{value}: {error}"));
    assert_eq!((&back, length), (value, bytes.len()));
    assert_eq!(back.to_string(), value.to_string());
}

/// Values that a careless encoding would confuse, as EDN.
const CLOSE: &str = r#"
    #db/id 0 #db/id 5 #db/id 9223372036854775807 false true
    -9223372036854775808 -9223372036854775807 -9007199254740993 -1 0 1 9007199254740992 9007199254740993 9223372036854775807
    0N 1N -1N 9007199254740993N 9223372036854775807N 9223372036854775808N 100000000000000000000N -100000000000000000000N
    0.0 -0.0 1.0 -1.0 0.1 1.5 9007199254740992.0 9223372036854775808.0 1e300 -1e300 5e-324 -5e-324 ##Inf ##-Inf
    1.7976931348623157e308 0M 0.0M 0.00M 1M 1.0M 1.00M -1.0M 0.1M 0.10M 0.1000000000000000055511151231257827M 1.5M 1E+400M -1E+400M
    1E-400M -1E-400M 1.7976931348623157e308M 9007199254740993M 9007199254740993.5M 1E3M 1000M 1000.0M
    #inst "1969-12-31T23:59:59.999999Z" #inst "1970-01-01" #inst "2026-11-20T10:00:00Z"
    #uuid "00000000-0000-0000-0000-000000000000" #uuid "ffffffff-ffff-ffff-ffff-ffffffffffff"
    :a :a/b :a.b/c a a/b "" "a" "a\u0000" "a\u0000b" "ab" "\u0000" "\u0000\u0000" "ä" "\uFFFF"
    #uri "" #uri "http://x" #bytes "" #bytes "00" #bytes "0000" #bytes "00ff" #bytes "ff" #bytes "01"
    [] [nil] [nil nil] [1] [1 2] [1.0] ["a"] ["a" nil] ["a" "b"] ["a\u0000"] [#db/id 1] [[]] [[nil]] [[1] 2] [:a/b :c]
"#;

fn close_values() -> Vec<Value> {
    let forms = edn::read_forms(CLOSE).expect("the list is EDN");
    forms.into_iter().map(edn::Form::into_value).collect()
}

#[test]
fn close_values_keep_their_order_and_come_back() {
    let values = close_values();
    for a in &values {
        check_round_trip(a);
        for b in &values {
            check_pair(a, b);
        }
    }
}

#[test]
fn what_cannot_be_a_fact_is_refused() {
    for text in ["nil", "{}", "#{1}", "(1 2)", "\\a", "#x/y 1", "[#{1}]", "[1 2 3 4 5 6 7 8 9]", "[[[[[[[[[1]]]]]]]]]"] {
        let value = edn::read(text).expect("the text is EDN");
        assert!(encode(&value, &mut Vec::new()).is_err(), "{text}");
    }
    let long = Value::from(BigInt::from_str(&"9".repeat(1001)).expect("digits"));
    assert_eq!(encode(&long, &mut Vec::new()).expect_err("too long").code(), "transaction/limit");
    assert!(encode(&Value::Double(f64::NAN), &mut Vec::new()).is_err());
}

fn numbers() -> impl Strategy<Value = Value> {
    let digits = "-?[1-9][0-9]{0,40}";
    let near = (any::<i64>(), -3i64..4).prop_map(|(n, by)| ((n as f64) as i64).saturating_add(by));
    prop_oneof![
        any::<i64>().prop_map(Value::Long),
        near.clone().prop_map(Value::Long),
        (-4i64..5).prop_map(Value::Long),
        near.prop_map(|n| Value::from(BigInt::from(n))),
        digits.prop_map(|text| Value::from(BigInt::from_str(&text).expect("digits"))),
        any::<f64>().prop_map(|n| if n.is_nan() { Value::Double(0.5) } else { Value::Double(n) }),
        (-4i64..5).prop_map(|n| Value::Double(n as f64 / 2.0)),
        (digits, -350i64..350)
            .prop_map(|(text, scale)| Value::from(BigDecimal::new(BigInt::from_str(&text).expect("digits"), scale))),
        (-20i64..20, 0i64..3).prop_map(|(n, scale)| Value::from(BigDecimal::new(BigInt::from(n), scale))),
        any::<f64>().prop_filter_map("finite", |n| BigDecimal::try_from(n)
            .ok()
            .filter(|n| n.fractional_digit_count() < 900)
            .map(Value::from)),
    ]
}

fn scalars() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[a\u{0}b]{0,4}", any::<String>()];
    prop_oneof![
        4 => numbers(),
        1 => any::<i64>().prop_map(Value::Ref),
        1 => any::<bool>().prop_map(Value::Boolean),
        1 => any::<i64>().prop_map(Value::Instant),
        1 => any::<[u8; 16]>().prop_map(|bytes| Value::Uuid(Uuid::from_bytes(bytes))),
        1 => text.clone().prop_map(|text| Value::Keyword(text.into())),
        1 => text.clone().prop_map(|text| Value::Symbol(text.into())),
        2 => text.clone().prop_map(Value::from),
        1 => text.prop_map(|text| Value::Uri(text.into())),
        1 => proptest::collection::vec(prop_oneof![Just(0u8), Just(255), any::<u8>()], 0..6).prop_map(|bytes| Value::Bytes(Arc::from(bytes))),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    scalars().prop_recursive(3, 12, 4, |inner| {
        proptest::collection::vec(prop_oneof![1 => Just(Value::Nil), 5 => inner], 0..5).prop_map(Value::from)
    })
}

fn config() -> ProptestConfig {
    let cases = 1_500;
    match std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => ProptestConfig {
            cases,
            rng_seed: proptest::test_runner::RngSeed::Fixed(seed),
            failure_persistence: None,
            ..ProptestConfig::default()
        },
        None => ProptestConfig {
            cases,
            rng_seed: proptest::test_runner::RngSeed::Fixed(1),
            failure_persistence: None,
            ..ProptestConfig::default()
        },
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_order_of_numbers_is_kept(a in numbers(), b in numbers()) {
        check_pair(&a, &b);
        check_round_trip(&a);
    }

    #[test]
    fn the_order_of_values_is_kept(a in values(), b in values()) {
        check_pair(&a, &b);
        check_round_trip(&a);
    }

    #[test]
    fn random_bytes_are_refused_or_are_the_one_spelling(mut bytes in proptest::collection::vec(any::<u8>(), 0..40), rank in 0u8..17) {
        bytes.insert(0, rank);
        if let Ok((value, length)) = decode(&bytes) {
            prop_assert_eq!(encoded(&value), &bytes[..length]);
        }
    }

    #[test]
    fn changed_bytes_are_refused_or_are_the_one_spelling(value in values(), at in any::<proptest::sample::Index>(), bit in 0u8..8) {
        let mut bytes = encoded(&value);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok((value, length)) = decode(&bytes) {
            prop_assert_eq!(encoded(&value), &bytes[..length]);
        }
        prop_assert!(decode(&encoded(&value)[..at]).is_err());
    }
}

/// The examples of docs/format.md.
#[test]
fn the_bytes_are_those_of_the_documentation() {
    let page = include_str!("../../../docs/format.md");
    let section = page.split("| value | bytes |").nth(1).expect("the table of examples");
    let examples: Vec<(&str, &str)> =
        section.lines().skip(2).map_while(|line| line.strip_prefix("| `")?.strip_suffix("` |")?.split_once("` | `")).collect();
    assert!(examples.len() >= 7);
    for (text, hex) in examples {
        let bytes: Vec<String> = encoded(&edn::read(text).expect("EDN")).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(bytes.join(" "), hex, "{text}");
    }
}
