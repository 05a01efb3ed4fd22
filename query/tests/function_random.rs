//! Promise: no call of a built-in function crashes, whatever it is given: it answers or refuses with a code and a sentence, in bounded time, and what it
//! answers can be written and read back. Attacked with every pure function on random values of every type, among them the ends of numbers and
//! instants, deep vectors, texts that are almost patterns, paths, JSON or durations, and results of earlier calls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use annals_query::function::{self, Function, Kind};
use annals_query::value::{BigDecimal, BigInt, Uuid};
use annals_query::{Value, edn};

/// Calls that are made.
const CALLS: usize = 100_000;

/// Time that one call may take, on a machine that does other things too.
const LIMIT_TIME: Duration = Duration::from_secs(2);

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end
    }

    fn choose<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    fn long(&mut self) -> i64 {
        const ENDS: [i64; 12] = [0, 1, -1, 2, 3, 10, 1_000, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1, i64::MAX / 1_000];
        match self.below(3) {
            0 => self.next() as i64,
            1 => self.below(100) as i64 - 50,
            _ => *self.choose(&ENDS),
        }
    }

    fn double(&mut self) -> f64 {
        const ENDS: [f64; 9] = [0.0, -0.0, 0.5, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 9.3e18];
        if self.below(2) == 0 { *self.choose(&ENDS) } else { self.long() as f64 / 7.0 }
    }

    fn bigint(&mut self) -> BigInt {
        let base = BigInt::from(self.long());
        match self.below(3) {
            0 => base,
            1 => BigInt::from(i64::MAX) * base + 1,
            _ => base.pow(1 + self.below(40) as u32),
        }
    }

    fn bigdec(&mut self) -> BigDecimal {
        let scale = *self.choose(&[0, 1, -1, 2, 30, -30, 999, -999]);
        BigDecimal::new(self.bigint(), scale)
    }

    /// A text near to what functions read: patterns, paths, JSON, EDN, durations, dates.
    fn text(&mut self) -> String {
        const PARTS: [&str; 72] = [
            "",
            " ",
            "a",
            "b",
            "ab",
            "ñ",
            "😀",
            "\u{0}",
            "\n",
            "\"",
            "\\",
            "\\\\",
            ".",
            "..",
            "$",
            "$.",
            "[",
            "]",
            "[0]",
            "[-1]",
            "(",
            ")",
            "{",
            "}",
            ":",
            ",",
            "*",
            "+",
            "?",
            "|",
            "^",
            "%",
            "_",
            "!",
            "(?i)",
            "(?x)",
            "(?:",
            "(?=",
            "\\d",
            "\\w",
            "\\b",
            "\\pL",
            "\\Q",
            "\\E",
            "{2}",
            "{9999}",
            "a*",
            "[^a]",
            "0",
            "1",
            "-1",
            "9223372036854775808",
            "1e400",
            "0x",
            "null",
            "true",
            "{\"a\":",
            "[1,",
            "\\u12",
            "\\ud800",
            "#inst \"",
            "#",
            "##NaN",
            "PT",
            "1h",
            "P1",
            "2026",
            "-11",
            "-20",
            "T10:00",
            "Z",
            "/",
        ];
        let count = self.below(6);
        (0..count).map(|_| *self.choose(&PARTS)).collect()
    }

    fn keyword(&mut self) -> Value {
        const NAMES: [&str; 12] =
            ["a", "a/b", "hour", "hours", "week", "month", "year", "microsecond", "escape", "", "a b", "9223372036854775808"];
        Value::keyword(self.choose::<&str>(&NAMES))
    }

    fn value(&mut self, depth: usize) -> Value {
        let items = |random: &mut Self| (0..random.below(4)).map(|_| random.value(depth.saturating_sub(1))).collect::<Vec<_>>();
        match self.below(if depth == 0 { 16 } else { 22 }) {
            0 => Value::Nil,
            1 => Value::Boolean(self.below(2) == 0),
            2 => Value::Long(self.long()),
            3 => self.double().into(),
            4 => self.bigint().into(),
            5 => self.bigdec().into(),
            6 => Value::Instant(self.long()),
            7 => Value::Uuid(Uuid::from_u128(u128::from(self.next()))),
            8 => self.keyword(),
            9 => Value::Symbol(self.text().into()),
            10 => Value::Char(*self.choose(&['a', '\\', '%', '\u{0}', '😀'])),
            11 | 12 => self.text().into(),
            13 => Value::Uri(self.text().into()),
            14 => Value::Bytes(vec![0, 255].into()),
            15 => Value::Ref(self.long()),
            16 => Value::vector(items(self)),
            17 => Value::List(items(self).into()),
            18 => Value::Set(Arc::new(items(self).into_iter().collect())),
            19 => Value::Map(Arc::new(items(self).into_iter().map(|key| (key.clone(), key)).collect())),
            20 => Value::Tagged((*self.choose(&["regex", "a", "inst"])).into(), Arc::new(self.text().into())),
            _ => (0..self.below(250)).fold(self.value(0), |inner, _| Value::vector([inner])),
        }
    }
}

/// Arguments at random, or those of the function's example of which some are replaced.
fn arguments(random: &mut Random, function: &Function, earlier: &[Value]) -> Vec<Value> {
    let any = |random: &mut Random| if random.below(8) == 0 { random.choose(earlier).clone() } else { random.value(2) };
    if random.below(2) == 0 {
        let spare = function.arity.most.unwrap_or(4).saturating_sub(function.arity.least) + 1;
        return (0..function.arity.least + random.below(spare)).map(|_| any(random)).collect();
    }
    let example = edn::read(function.example.call).expect("an example is EDN");
    let args = example.as_items().and_then(|items| items.get(1..)).unwrap_or_default();
    args.iter().map(|arg| if random.below(3) == 0 { any(random) } else { arg.clone() }).collect()
}

/// How many values a value holds, up to a limit.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Vector(items) | Value::List(items) => items.iter().map(size).sum(),
        Value::Set(items) => items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => entries.iter().map(|(key, value)| size(key) + size(value)).sum(),
        Value::String(text) => text.len() / 100,
        Value::Tagged(_, value) => size(value),
        _ => 0,
    }
}

fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0x00a1_1ce5)
}

#[test]
fn no_call_of_a_function_crashes() {
    println!("SEED={}", seed());
    let mut random = Random(seed() | 1);
    let all: Vec<&Function> = function::all().filter(|function| matches!(function.kind, Kind::Pure(_))).collect();
    let mut earlier: Vec<Value> = vec![Value::Nil];
    let mut answered = vec![0_usize; all.len()];
    for at in 0..CALLS {
        let function = all[at % all.len()];
        let args = arguments(&mut random, function, &earlier);
        let shown = || format!("SEED={} ({} {})", seed(), function.name, Value::vector(args.iter().cloned()));
        let started = Instant::now();
        let result = function.call(&args);
        assert!(started.elapsed() < LIMIT_TIME, "{} took {:?}", shown(), started.elapsed());
        match result {
            Ok(value) => {
                answered[at % all.len()] += 1;
                if size(&value) < 300 {
                    if let Ok(again) = edn::read(&value.to_string()) {
                        assert_eq!(again, value, "{}", shown());
                    }
                    if earlier.len() < 500 {
                        earlier.push(value);
                    } else {
                        let place = random.below(earlier.len());
                        earlier[place] = value;
                    }
                }
            }
            Err(error) => assert!(!error.message().is_empty() && error.help().is_some(), "{}: {error}", shown()),
        }
    }
    let silent: Vec<&str> =
        all.iter().zip(&answered).filter(|(_, count)| **count == 0).map(|(function, _)| function.name).collect();
    assert!(silent.is_empty(), "never answered, so hardly attacked: {silent:?}");
}

#[test]
fn wrong_numbers_of_arguments_are_refused_by_every_function() {
    for function in function::all() {
        let most = function.arity.most.map(|most| most + 1);
        for count in function.arity.least.checked_sub(1).into_iter().chain(most) {
            let error = function.check_arity(count).expect_err(function.name);
            assert!(error.message().contains(function.name) && error.help().is_some(), "{error}");
        }
    }
}
