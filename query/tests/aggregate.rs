//! Promise: an aggregate gives what its meaning says of a bag, whatever the order of its values and the kind of column they stand in,
//! and refuses what it cannot take. Attacked with every aggregate over bags as text, each also reversed, typed, and split into groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use annals_query::aggregate::{self, Groups};
use annals_query::column::TextKind;
use annals_query::{BigDecimal, Budget, Code, Column, Error, Result, Value, edn};

fn values_of(text: &str) -> Vec<Value> {
    edn::read(text).expect("a test is valid EDN").as_items().expect("a vector").to_vec()
}

/// `(max 2 ?x)`: the aggregate and its constants.
fn parse(call: &str) -> (&'static aggregate::Aggregate, Vec<Value>) {
    let form = edn::read(call).expect("a test is valid EDN");
    let Some([Value::Symbol(name), constants @ .., _]) = form.as_items() else { panic!("{call} is no call") };
    (aggregate::lookup(name).unwrap_or_else(|| panic!("no aggregate {name}")), constants.to_vec())
}

fn apply(call: &str, values: &[Value]) -> Result<Value> {
    let (aggregate, constants) = parse(call);
    aggregate.call(&constants, values)
}

/// The column made for the kind of these values, if there is one.
fn typed(values: &[Value]) -> Option<Column> {
    let texts = || {
        let mut texts: Vec<Arc<str>> = values.iter().filter_map(|value| value.as_text().map(Arc::from)).collect();
        texts.sort_unstable_by(|a, b| b.cmp(a));
        texts.dedup();
        texts
    };
    let codes = |texts: &[Arc<str>]| {
        values
            .iter()
            .map(|value| texts.iter().position(|text| Some(&**text) == value.as_text()).expect("collected") as u32)
            .collect()
    };
    if values.iter().all(|value| matches!(value, Value::Long(_))) {
        return Some(Column::Long(values.iter().filter_map(Value::as_long).collect()));
    }
    if values.iter().all(|value| matches!(value, Value::Double(_))) {
        let double = |value: &Value| if let Value::Double(n) = value { *n } else { unreachable!() };
        return Some(Column::Double(values.iter().map(double).collect()));
    }
    if values.iter().all(|value| matches!(value, Value::String(_))) {
        let texts = texts();
        let codes = codes(&texts);
        return Some(Column::Text(TextKind::String, Arc::new(texts), codes));
    }
    None
}

#[track_caller]
fn check(call: &str, bag: &str, expected: &str) {
    let mut values = values_of(bag);
    let text = |result: Result<Value>| result.map_or_else(|error| panic!("{call} of {bag}: {error}"), |value| value.to_string());
    assert_eq!(text(apply(call, &values)), expected, "{call} of {bag}");
    let (aggregate, constants) = parse(call);
    if let Some(column) = typed(&values) {
        let groups = Groups::single(values.len());
        let result = aggregate.call_groups(&constants, &column, &groups, &Budget::default()).map(|column| column.value(0));
        assert_eq!(text(result), expected, "{call} of {bag} in a typed column");
    }
    values.reverse();
    assert_eq!(text(apply(call, &values)), expected, "{call} of {bag} reversed");
}

/// Cases as lines `call | bag => result`.
#[track_caller]
fn check_all(cases: &str) {
    for line in cases.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (call, rest) = line.split_once(" | ").expect("a case has a bag");
        let (bag, expected) = rest.split_once(" => ").expect("a case has a result");
        check(call.trim(), bag.trim(), expected.trim());
    }
}

#[track_caller]
fn refusal(call: &str, bag: &str) -> Error {
    match apply(call, &values_of(bag)) {
        Ok(value) => panic!("{call} of {bag} gives {value}"),
        Err(error) => error,
    }
}

#[test]
fn every_example_gives_its_result() {
    for aggregate in aggregate::all() {
        check(aggregate.example.call, aggregate.example.values, aggregate.example.result);
        assert!(aggregate.doc.ends_with('.'), "{}", aggregate.name);
    }
    assert_eq!(aggregate::names().count(), 12);
    assert!(aggregate::lookup("mean").is_none());
}

#[test]
fn counting_takes_every_type_and_counts_equal_numbers_once() {
    check_all(
        "(count ?x) | [1] => 1
         (count ?x) | [1 1 \"a\" nil] => 4
         (count-distinct ?x) | [1 1 2] => 2
         (count-distinct ?x) | [1 1.0 1N 1M] => 1
         (count-distinct ?x) | [\"a\" \"b\" \"a\"] => 2
         (count-distinct ?x) | [\"a\" :a] => 2
         (count-distinct ?x) | [0.0 -0.0 0.5] => 2
         (count-distinct ?x) | [-9223372036854775808 9223372036854775807] => 2
         (count-distinct ?x) | [-3 124 -3 60 61 124] => 4
         (count-distinct ?x) | [0 64 63 128 0 65 1000000 64] => 6
         (count-distinct ?x) | [#inst \"2026-01-01T00:00:00.001Z\" #inst \"2026-01-01T00:00:00.002Z\" #inst \"2026-01-01T00:00:00.001Z\"] => 2
         (distinct ?x) | [3 1 3] => #{1 3}
         (distinct ?x) | [\"b\" \"a\" \"b\"] => #{\"a\" \"b\"}
         (distinct ?x) | [[1 2] [1 2]] => #{[1 2]}",
    );
}

#[test]
fn sums_are_exact_and_of_the_latest_kind() {
    check_all(
        "(sum ?x) | [1 2 3] => 6
         (sum ?x) | [-5] => -5
         (sum ?x) | [9223372036854775807 1 -1] => 9223372036854775807
         (sum ?x) | [1.5 2.5] => 4.0
         (sum ?x) | [0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1] => 1.0
         (sum ?x) | [1e308 1e308 -1e308] => 1e308
         (sum ?x) | [1e100 1.0 -1e100] => 1.0
         (sum ?x) | [1 2.5] => 3.5
         (sum ?x) | [1 2N] => 3N
         (sum ?x) | [9223372036854775807 1N] => 9223372036854775808N
         (sum ?x) | [1 2.50M] => 3.50M
         (sum ?x) | [1N 0.5M] => 1.5M
         (sum ?x) | [0.5 0.5M 1N] => 2.0
         (sum ?x) | [##Inf 1.0] => ##Inf
         (sum ?x) | [##Inf ##-Inf] => nil",
    );
    let error = refusal("(sum ?x)", "[9223372036854775807 1]");
    assert_eq!(error.code(), Code::Overflow);
    assert_eq!(error.value(), Some("9223372036854775808"));
    assert!(error.help().is_some_and(|help| help.contains("1N")));
}

#[test]
fn the_mean_of_integers_is_a_double() {
    check_all(
        "(avg ?x) | [1 2] => 1.5
         (avg ?x) | [2] => 2.0
         (avg ?x) | [9223372036854775807 9223372036854775807] => 9.223372036854776e18
         (avg ?x) | [1N 2N] => 1.5
         (avg ?x) | [1.5 2.5] => 2.0
         (avg ?x) | [1e308 1e308] => 1e308
         (avg ?x) | [1M 2M] => 1.5M
         (avg ?x) | [1 2M] => 1.5M
         (avg ?x) | [1 2.0] => 1.5",
    );
}

#[test]
fn the_median_is_the_middle_one_or_the_mean_of_the_middle_two() {
    check_all(
        "(median ?x) | [5] => 5
         (median ?x) | [3 1 2] => 2
         (median ?x) | [4 1 3 2] => 2.5
         (median ?x) | [1 3] => 2.0
         (median ?x) | [2.5 1.5 9.0] => 2.5
         (median ?x) | [1 2.0 3N] => 2.0
         (median ?x) | [9223372036854775806 9223372036854775806] => 9.223372036854776e18
         (median ?x) | [1e308 1.5e308] => 1.25e308
         (median ?x) | [1M 2M 7M] => 2M
         (median ?x) | [1M 2M] => 1.5",
    );
}

#[test]
fn variance_and_deviation_divide_by_the_count() {
    check_all(
        "(variance ?x) | [1] => 0.0
         (variance ?x) | [1 2 3 4] => 1.25
         (variance ?x) | [1.0 2.0 3.0 4.0] => 1.25
         (variance ?x) | [1 2.0 3N 4M] => 1.25
         (stddev ?x) | [1 1 5 5] => 2.0
         (stddev ?x) | [7 7 7] => 0.0",
    );
}

#[test]
fn extremes_take_every_type_and_several_are_distinct() {
    check_all(
        "(min ?x) | [3 1 2] => 1
         (max ?x) | [3 1 2] => 3
         (min ?x) | [1.5 -0.5] => -0.5
         (max ?x) | [\"a\" \"c\" \"b\"] => \"c\"
         (min ?x) | [\"ab\" \"a\" \"b\"] => \"a\"
         (max ?x) | [:a :b] => :b
         (max ?x) | [true false] => true
         (min ?x) | [#inst \"2021-01-01\" #inst \"2020-01-01\"] => #inst \"2020-01-01T00:00:00Z\"
         (max ?x) | [1 \"a\" :a] => \"a\"
         (max ?x) | [[1 2] [1 3]] => [1 3]
         (max ?x) | [1 2.5 2N] => 2.5
         (min 2 ?x) | [3 1 1 2] => [1 2]
         (max 2 ?x) | [3 1 3 2] => [3 2]
         (max 9 ?x) | [1 2] => [2 1]
         (max 0 ?x) | [1 2] => []
         (min 2 ?x) | [\"b\" \"a\" \"a\"] => [\"a\" \"b\"]
         (max 2 ?x) | [0.5 1.5 1.5 1.0] => [1.5 1.0]",
    );
}

#[test]
fn a_sample_is_distinct_and_rand_gives_exactly_as_many_as_asked_for() {
    let bag = "[5 3 1 4 1 5 9 2 6 5 3 5]";
    for count in 0..10_usize {
        let sample = apply(&format!("(sample {count} ?x)"), &values_of(bag)).expect("a sample");
        let sample = sample.as_items().expect("a vector").to_vec();
        let mut distinct = sample.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!((sample.len(), distinct.len()), (count.min(7), count.min(7)));
        assert!(sample.iter().all(|value| values_of(bag).contains(value)));
        let random = apply(&format!("(rand {count} ?x)"), &values_of(bag)).expect("a choice");
        assert_eq!(random.as_items().expect("a vector").len(), count);
    }
    assert!(values_of(bag).contains(&apply("(rand ?x)", &values_of(bag)).expect("a choice")));
}

#[test]
fn chance_is_the_same_for_the_same_values_in_any_order() {
    let mut values: Vec<Value> = (0..100).map(Value::from).collect();
    let calls = ["(sample 5 ?x)", "(rand 5 ?x)", "(rand ?x)"];
    let first: Vec<Value> = calls.iter().map(|call| apply(call, &values).expect("a choice")).collect();
    for turn in 0..20 {
        values.rotate_left(turn);
        values.swap(0, turn + 1);
        let again: Vec<Value> = calls.iter().map(|call| apply(call, &values).expect("a choice")).collect();
        assert_eq!(first, again);
    }
    let others: Vec<Value> = (100..200).map(Value::from).collect();
    assert_ne!(apply("(sample 5 ?x)", &others).expect("a choice"), first[0]);
}

#[test]
fn nothing_gives_nil_and_never_zero() {
    for name in aggregate::names() {
        let aggregate = aggregate::lookup(name).expect("listed");
        let constants = if aggregate.arity.least == 2 { vec![Value::from(1)] } else { vec![] };
        assert_eq!(aggregate.call(&constants, &[]).expect("nothing is no error"), Value::Nil, "{name}");
        let none = aggregate.call_groups(&constants, &Column::Value(vec![].into()), &Groups::single(0), &Budget::default());
        assert_eq!(none.expect("nothing is no error").len(), 0, "{name}");
    }
}

#[test]
fn arithmetic_takes_numbers_alone() {
    for name in ["sum", "avg", "median", "variance", "stddev"] {
        for bag in ["[\"a\"]", "[1 :a 2]", "[1.5 nil]", "[#inst \"2020-01-01\"]", "[true]"] {
            let error = refusal(&format!("({name} ?x)"), bag);
            assert_eq!(error.code(), Code::ArgumentType, "{name} of {bag}");
            assert!(error.message().contains(name), "{error}");
            assert!(error.value().is_some() && error.help().is_some(), "{name} of {bag}");
        }
        let texts = Column::Text(TextKind::String, Arc::new(vec!["a".into()]), vec![0].into());
        let aggregate = aggregate::lookup(name).expect("built in");
        let error = aggregate.call_groups(&[], &texts, &Groups::single(1), &Budget::default()).expect_err("no number");
        assert_eq!(error.code(), Code::ArgumentType, "{name}");
    }
}

#[test]
fn constants_must_count_and_be_as_many_as_wanted() {
    for call in ["(count 1 ?x)", "(sum 2 ?x)", "(sample ?x)", "(max 1 2 ?x)"] {
        assert_eq!(refusal(call, "[1]").code(), Code::Arity, "{call}");
        assert!(refusal(call, "[1]").help().is_some(), "{call}");
    }
    for call in ["(max -1 ?x)", "(min :a ?x)", "(sample 1.5 ?x)", "(rand nil ?x)"] {
        let error = refusal(call, "[1]");
        assert_eq!(error.code(), Code::ArgumentType, "{call}");
        assert!(error.help().is_some() && error.value().is_some(), "{call}");
    }
    assert_eq!(refusal("(rand 9223372036854775807 ?x)", "[1]").code(), Code::LimitExceeded);
}

#[test]
fn rows_are_grouped_by_any_columns() {
    let budget = Budget::default();
    let names = Column::Text(TextKind::String, Arc::new(vec!["x".into(), "y".into()]), vec![1, 0, 1, 0, 1].into());
    let longs = Column::Long(vec![7, 7, i64::MIN, 7, 7].into());
    let mixed = Column::Value(values_of("[1 2 1.0 2 1N]").into());
    let doubles = Column::Double(vec![0.0, -0.0, 0.5, 0.0, 0.5].into());
    let flags = Column::Boolean(vec![true, true, false, true, true].into());
    let check = |columns: &[&Column], expected: &[u32]| {
        let groups = Groups::by(columns, 5, &budget).expect("within the budget");
        // Which number a group has is nobody's business; which rows are in it is.
        let first_rows: Vec<usize> = groups.of_rows().iter().map(|group| groups.first_rows()[*group as usize] as usize).collect();
        let expected: Vec<usize> =
            expected.iter().map(|group| expected.iter().position(|other| other == group).expect("itself")).collect();
        assert_eq!(first_rows, expected);
        let counts = groups.counts().iter().sum::<u32>() as usize;
        assert_eq!((groups.len(), counts), (expected.iter().collect::<std::collections::BTreeSet<_>>().len(), 5));
    };
    check(&[], &[0, 0, 0, 0, 0]);
    check(&[&names], &[0, 1, 0, 1, 0]);
    check(&[&longs], &[0, 0, 1, 0, 0]);
    check(&[&mixed], &[0, 1, 0, 1, 0]);
    check(&[&doubles], &[0, 0, 1, 0, 1]);
    check(&[&flags], &[0, 0, 1, 0, 0]);
    check(&[&names, &longs], &[0, 1, 2, 1, 0]);
    check(&[&longs, &names, &doubles, &mixed, &flags], &[0, 1, 2, 1, 3]);
}

#[test]
fn every_group_is_aggregated_by_itself() {
    let groups = Groups::by(&[&Column::Long(vec![1, 2, 1, 2, 3].into())], 5, &Budget::default()).expect("within the budget");
    let column = Column::Long(vec![10, 20, 30, 40, 50].into());
    let expected = [
        ("(count ?x)", "[2 2 1]"),
        ("(sum ?x)", "[40 60 50]"),
        ("(avg ?x)", "[20.0 30.0 50.0]"),
        ("(min ?x)", "[10 20 50]"),
        ("(max 1 ?x)", "[[30] [40] [50]]"),
        ("(median ?x)", "[20.0 30.0 50]"),
        ("(distinct ?x)", "[#{10 30} #{20 40} #{50}]"),
        ("(count-distinct ?x)", "[2 2 1]"),
        ("(stddev ?x)", "[10.0 10.0 0.0]"),
    ];
    for (call, expected) in expected {
        let (aggregate, constants) = parse(call);
        let results = aggregate.call_groups(&constants, &column, &groups, &Budget::default()).expect("numbers");
        assert_eq!(Value::vector((0..3).map(|group| results.value(group))).to_string(), expected, "{call}");
    }
}

/// A sequence of numbers that look random, from `SEED` if it is set.
struct Numbers {
    seed: u64,
    state: u64,
}

impl Numbers {
    fn new() -> Self {
        let seed = std::env::var("SEED").ok().map_or(42, |text| text.parse().expect("SEED is a number"));
        Self { seed, state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Of any size and sign, often near to others, so that sums cancel and tie.
    fn double(&mut self) -> f64 {
        let exponent = if self.below(4) == 0 { self.below(2000) as i32 - 1000 } else { self.below(120) as i32 - 60 };
        let bits = 1 + self.below(52);
        let digits = self.below(1 << bits) as f64;
        let sign = if self.below(2) == 0 { 1.0 } else { -1.0 };
        let double = sign * digits * 2.0_f64.powi(exponent);
        if double.is_finite() { double } else { sign }
    }
}

#[test]
fn a_sum_of_doubles_is_the_one_nearest_to_the_exact_sum() {
    let mut numbers = Numbers::new();
    for _ in 0..2000 {
        let count = 1 + numbers.below(12);
        let items: Vec<f64> = (0..count).map(|_| numbers.double()).collect();
        let exact: BigDecimal = items.iter().map(|item| BigDecimal::try_from(*item).expect("finite")).sum();
        let nearest: f64 = exact.to_scientific_notation().parse().expect("a number");
        let values: Vec<Value> = items.iter().map(|item| Value::from(*item)).collect();
        let sum = apply("(sum ?x)", &values).expect("numbers");
        assert!(sum.same(&Value::from(nearest)), "SEED={} {items:?}: {sum} is not {nearest}", numbers.seed);
    }
}

#[test]
fn the_kind_of_column_and_the_order_of_rows_never_change_a_result() {
    let calls = [
        "(count ?x)",
        "(count-distinct ?x)",
        "(distinct ?x)",
        "(sum ?x)",
        "(avg ?x)",
        "(median ?x)",
        "(variance ?x)",
        "(stddev ?x)",
        "(min ?x)",
        "(max ?x)",
        "(min 3 ?x)",
        "(max 3 ?x)",
        "(sample 3 ?x)",
        "(rand ?x)",
        "(rand 3 ?x)",
    ];
    let mut numbers = Numbers::new();
    for round in 0..300 {
        let count = 1 + numbers.below(30);
        let mut rows: Vec<(i64, Value)> = (0..count)
            .map(|_| {
                let value = if round % 2 == 0 {
                    Value::from(numbers.below(9) as i64)
                } else {
                    Value::from(numbers.below(9) as f64 / 8.0)
                };
                (numbers.below(4) as i64, value)
            })
            .collect();
        for call in calls {
            let plain = by_group(call, &rows, false);
            assert_eq!(by_group(call, &rows, true), plain, "SEED={} {call} of {rows:?} in typed columns", numbers.seed);
            let middle = numbers.below(count) as usize;
            rows.rotate_left(middle);
            rows.swap(0, middle);
            assert_eq!(by_group(call, &rows, true), plain, "SEED={} {call} of {rows:?} in another order", numbers.seed);
        }
    }
}

/// The result for each group key.
fn by_group(call: &str, rows: &[(i64, Value)], is_typed: bool) -> BTreeMap<i64, Value> {
    let (aggregate, constants) = parse(call);
    let values: Vec<Value> = rows.iter().map(|(_, value)| value.clone()).collect();
    let column = typed(&values).filter(|_| is_typed).unwrap_or(Column::Value(values.into()));
    let keys = Column::Long(rows.iter().map(|(key, _)| *key).collect());
    let budget = Budget::default();
    let groups = Groups::by(&[&keys], rows.len(), &budget).expect("within the budget");
    let results = aggregate.call_groups(&constants, &column, &groups, &budget).expect("numbers");
    groups.first_rows().iter().enumerate().map(|(group, row)| (rows[*row as usize].0, results.value(group))).collect()
}
