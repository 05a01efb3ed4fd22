//! Promise: every built-in function gives what its meaning says, for every kind of value, and refuses the rest with a code and a
//! remedy. Attacked with calls as text: ordinary ones, each kind of number with each other, the ends of ranges, the empty and the wrong.

use annals_query::function::{self, Kind};
use annals_query::{Code, Error, Result, Value, edn};

/// Calls a pure function as EDN writes it; arguments that are lists are calls themselves.
fn call(text: &str) -> Result<Value> {
    evaluate(&edn::read(text).expect("a test is valid EDN"))
}

fn evaluate(form: &Value) -> Result<Value> {
    let Value::List(items) = form else { return Ok(form.clone()) };
    let [Value::Symbol(name), args @ ..] = &**items else { panic!("{form} is no call") };
    let function = function::lookup(name).unwrap_or_else(|| panic!("no function {name}"));
    function.call(&args.iter().map(evaluate).collect::<Result<Vec<_>>>()?)
}

#[track_caller]
fn check(text: &str, expected: &str) {
    match call(text) {
        Ok(value) => assert_eq!(value.to_string(), expected, "{text}"),
        Err(error) => panic!("{text}: {error}"),
    }
}

/// Cases as lines `call => result`.
#[track_caller]
fn check_all(cases: &str) {
    for line in cases.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (text, expected) = line.split_once(" => ").unwrap_or_else(|| panic!("{line} has no result"));
        check(text.trim(), expected.trim());
    }
}

#[track_caller]
fn refusal(text: &str) -> Error {
    match call(text) {
        Ok(value) => panic!("{text} gives {value}"),
        Err(error) => error,
    }
}

/// Cases as lines; each is refused with this code, a sentence that names the function, and a remedy.
#[track_caller]
fn check_refused(code: Code, cases: &str) {
    for line in cases.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let error = refusal(line);
        assert_eq!(error.code(), code, "{line}: {error}");
        let name = line.trim_start_matches('(').split([' ', ')']).next().unwrap_or_default();
        assert!(error.message().contains(name), "{line}: {error} does not name {name}");
        assert!(error.help().is_some(), "{line}: {error} has no remedy");
    }
}

#[test]
fn every_example_gives_its_result() {
    for function in function::all().filter(|function| matches!(function.kind, Kind::Pure(_))) {
        check(function.example.call, function.example.result);
    }
}

#[test]
fn every_name_is_found_once_and_documented() {
    let mut names: Vec<&str> = function::names().collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "two functions share a name");
    for name in names {
        let function = function::lookup(name).expect("listed");
        assert!(function.doc.ends_with(['.', '?']), "{name}: {}", function.doc);
        assert!(function.example.call.starts_with(&format!("({name} ")), "{name}: {}", function.example.call);
    }
}

#[test]
fn string_functions_are_found_by_their_full_name_and_others_are_not() {
    check("(clojure.string/blank? \"\")", "true");
    check("(clojure.string/starts-with? \"ab\" \"a\")", "true");
    check("(clojure.string/join \"-\" [1 2])", "\"1-2\"");
    assert!(function::lookup("clojure.string/+").is_none());
    assert!(function::lookup("clojure.string/").is_none());
    assert!(function::lookup("no-such-function").is_none());
}

#[test]
fn a_wrong_number_of_arguments_is_refused() {
    check_refused(
        Code::Arity,
        "(inc)
         (inc 1 2)
         (-)
         (/)
         (quot 1)
         (rem 1 2 3)
         (max)
         (=)
         (compare 1)
         (not)
         (subs \"a\")
         (subs \"a\" 1 2 3)
         (join)
         (tuple)
         (get [1])
         (nth [1] 0 1 2)
         (keyword)",
    );
}

#[test]
fn long_arithmetic_is_exact() {
    check_all(
        "(+) => 0
         (+ 5) => 5
         (+ 1 2) => 3
         (+ 1 2 3 4) => 10
         (+ -1 1) => 0
         (- 5) => -5
         (- 5 2) => 3
         (- 10 1 2 3) => 4
         (*) => 1
         (* 7) => 7
         (* 2 3 4) => 24
         (/ 6 3) => 2
         (/ 7 2) => 3.5
         (/ 1 3) => 0.3333333333333333
         (/ 12 2 3) => 2
         (/ 2) => 0.5
         (/ 1) => 1
         (/ -6 4) => -1.5
         (quot 7 2) => 3
         (quot -7 2) => -3
         (quot 7 -2) => -3
         (quot -7 -2) => 3
         (rem 7 2) => 1
         (rem -7 2) => -1
         (rem 7 -2) => 1
         (mod 7 2) => 1
         (mod -7 2) => 1
         (mod 7 -2) => -1
         (mod -7 -2) => -1
         (mod 6 3) => 0
         (mod -6 3) => 0
         (inc 41) => 42
         (dec 0) => -1
         (abs -3) => 3
         (abs 3) => 3
         (max 1) => 1
         (max 1 3 2) => 3
         (min 1 3 2) => 1
         (+ 9223372036854775806 1) => 9223372036854775807
         (- -9223372036854775807 1) => -9223372036854775808
         (* -1 9223372036854775807) => -9223372036854775807
         (rem -9223372036854775808 -1) => 0
         (mod -9223372036854775808 -1) => 0
         (quot -9223372036854775808 1) => -9223372036854775808
         (/ -9223372036854775808 2) => -4611686018427387904",
    );
}

#[test]
fn long_arithmetic_that_leaves_64_bits_is_refused_with_bigints_as_remedy() {
    check_refused(
        Code::Overflow,
        "(+ 9223372036854775807 1)
         (- -9223372036854775808 1)
         (- -9223372036854775808)
         (* 9223372036854775807 2)
         (* -9223372036854775808 -1)
         (quot -9223372036854775808 -1)
         (/ -9223372036854775808 -1)
         (abs -9223372036854775808)",
    );
    for step in ["(inc 9223372036854775807)", "(dec -9223372036854775808)"] {
        assert_eq!(refusal(step).code(), Code::Overflow);
        assert!(refusal(step).help().is_some_and(|help| help.contains("1N")), "{step}");
    }
    check("(+ 9223372036854775807 1N)", "9223372036854775808N");
}

#[test]
fn two_kinds_of_number_give_the_later_of_long_bigint_bigdec_double() {
    check_all(
        "(+ 1 2N) => 3N
         (+ 1N 2) => 3N
         (+ 1N 2N) => 3N
         (+ 1 2.5M) => 3.5M
         (+ 1N 2.5M) => 3.5M
         (+ 1.25M 2.5M) => 3.75M
         (+ 1 0.5) => 1.5
         (+ 1N 0.5) => 1.5
         (+ 1.5M 0.5) => 2.0
         (+ 1 2N 0.5M) => 3.5M
         (- 1N 3) => -2N
         (- 1M) => -1M
         (* 2 3N) => 6N
         (* 1.5M 2) => 3.0M
         (* 1.5M 1.5M) => 2.25M
         (* 0.1 3) => 0.30000000000000004
         (/ 6N 3) => 2N
         (/ 7N 2) => 3.5
         (/ 1M 4) => 0.25M
         (/ 3.0 2) => 1.5
         (quot 7N 2) => 3N
         (quot -7.5M 2) => -3M
         (quot 7.5 2) => 3.0
         (quot -7.5 2) => -3.0
         (rem 7N -2) => 1N
         (rem -7.5M 2) => -1.5M
         (rem -7.5 2) => -1.5
         (mod -7N 2) => 1N
         (mod -7.5M 2) => 0.5M
         (mod -7.5 2) => 0.5
         (inc 1N) => 2N
         (inc 1.5) => 2.5
         (dec 1.5M) => 0.5M
         (abs -2N) => 2N
         (abs -2.5M) => 2.5M
         (abs -2.5) => 2.5
         (max 1 2.5 2N) => 2.5
         (min 1.5 1N 2) => 1N
         (max 1 1.0) => 1",
    );
}

#[test]
fn a_quotient_of_large_bigints_is_the_nearest_double() {
    let large = "1".to_owned() + &"0".repeat(400);
    check(&format!("(/ {large}1N {large}0N)"), "1.0");
    check(&format!("(/ 1N {large}N)"), "0.0");
}

#[test]
fn what_is_no_number_any_more_is_nil() {
    check_all(
        "(- ##Inf ##Inf) => nil
         (* 0.0 ##Inf) => nil
         (rem ##Inf 2) => nil
         (+ ##Inf ##-Inf 1) => nil
         (+ ##Inf 1) => ##Inf
         (- ##Inf) => ##-Inf",
    );
}

#[test]
fn division_by_zero_is_refused_for_every_kind() {
    for name in ["/", "quot", "rem", "mod"] {
        for dividend in ["1", "1N", "1.5M", "1.5"] {
            for zero in ["0", "0N", "0.00M", "0.0", "-0.0"] {
                check_refused(Code::DivisionByZero, &format!("({name} {dividend} {zero})"));
            }
        }
    }
    check_refused(Code::DivisionByZero, "(/ 0)");
}

#[test]
fn numbers_do_not_grow_without_end() {
    let large = "9".repeat(600);
    check_refused(
        Code::LimitExceeded,
        &format!(
            "(* {large}N {large}N)
             (* {large}M {large}M)
             (+ 1e100M 1e-1000M)
             (- 1e1000M 1e-100M)
             (quot 1e1000M 3e-100M)
             (rem 1e1000M 3e-100M)
             (mod 1e100M 1e-1000M)
             (/ 1e1000M 3e-200M)
             (* 1e1000M 1e1000M)"
        ),
    );
    assert!(call(&format!("(+ {large}N {large}N)")).is_ok());
}

#[test]
fn arithmetic_takes_numbers_alone() {
    check_refused(
        Code::ArgumentType,
        "(+ 1 \"a\")
         (+ \"a\")
         (- :a)
         (* 1 nil)
         (/ 1 true)
         (quot [1] 2)
         (rem 1 #{2})
         (mod {} 1)
         (inc \"1\")
         (dec :a)
         (abs \"x\")
         (zero? nil)
         (pos? \"a\")
         (neg? :a)
         (even? 1.0)
         (odd? 1M)
         (even? \"2\")",
    );
}

#[test]
fn a_refused_argument_is_named_by_function_place_type_and_value() {
    let error = refusal("(+ 1 2 \"three\")");
    assert_eq!(error.message(), "argument 3 of `+` must be a number, not a value of type string");
    assert_eq!(error.value(), Some("\"three\""));
    let error = refusal("(starts-with? :run/id \"run\")");
    assert_eq!(error.message(), "argument 1 of `starts-with?` must be a string, not a value of type keyword");
    assert_eq!(error.value(), Some(":run/id"));
    assert_eq!(error.help(), Some("(name ?x) gives a keyword's text, (str ?x) any value's"));
}

#[test]
fn questions_about_one_number_hold_for_every_kind() {
    check_all(
        "(zero? 0) => true
         (zero? 0.0) => true
         (zero? -0.0) => true
         (zero? 0N) => true
         (zero? 0.00M) => true
         (zero? 1) => false
         (pos? 1) => true
         (pos? 0) => false
         (pos? 0.1) => true
         (pos? 1N) => true
         (pos? -1M) => false
         (neg? -1) => true
         (neg? -0.0) => false
         (neg? -1N) => true
         (neg? -0.1M) => true
         (even? 0) => true
         (even? -2) => true
         (even? 3N) => false
         (odd? -3) => true
         (odd? 3N) => true
         (odd? -9223372036854775808) => false",
    );
}

#[test]
fn equality_is_by_meaning_and_false_across_types() {
    check_all(
        "(= 1) => true
         (= 1 1) => true
         (= 1 1.0) => true
         (= 1 1N 1.0 1.00M) => true
         (= 1 1 2) => false
         (= 0.1 0.1M) => false
         (= \"a\" :a) => false
         (= 1 \"1\") => false
         (= nil nil) => true
         (= false nil) => false
         (= [1 2] [1.0 2N]) => true
         (= [1 2] [1 2 3]) => false
         (= #{1 2} #{2 1}) => true
         (= {:a 1} {:a 1}) => true
         (== 1 1.0) => true
         (!= 1 2) => true
         (!= 1 1.0) => false
         (!= 1 \"1\") => true
         (!= 1 1 2) => true
         (!= 1) => false
         (not= :a :b) => true
         (not= :a :a) => false
         (= 9007199254740993 9007199254740992.0) => false
         (= 0.0 -0.0) => true",
    );
}

#[test]
fn comparison_is_exact_between_numbers_and_by_total_order_within_a_type() {
    check_all(
        "(< 1) => true
         (< 1 2) => true
         (< 1 1) => false
         (< 1 2 3) => true
         (< 1 3 2) => false
         (<= 1 1 2) => true
         (> 3 2 1) => true
         (> 3 3) => false
         (>= 3 3 1) => true
         (< 1 1.5 2N 2.5M) => true
         (<= 1 1.0 1N 1M) => true
         (< 9007199254740992.0 9007199254740993) => true
         (< 9223372036854775807 ##Inf) => true
         (> 1e400M ##-Inf) => true
         (< \"a\" \"b\") => true
         (< \"a\" \"ab\" \"b\") => true
         (< \"Z\" \"a\") => true
         (< :a/a :a/b) => true
         (< false true) => true
         (< #inst \"2020-01-01\" #inst \"2021-01-01\") => true
         (< [1 2] [1 3]) => true
         (<= [1] [1.0]) => true
         (>= [1] [1.0]) => true
         (< [1] [1.0]) => false
         (compare 1 2) => -1
         (compare 2 1.0) => 1
         (compare 1 1.0) => 0
         (compare \"b\" \"a\") => 1
         (compare :a :a) => 0
         (max \"a\" \"c\" \"b\") => \"c\"
         (min :b :a) => :a
         (min #inst \"2020-01-01\" #inst \"2021-01-01\") => #inst \"2020-01-01T00:00:00Z\"",
    );
}

#[test]
fn comparison_across_types_is_refused_wherever_it_stands() {
    check_refused(
        Code::Incomparable,
        "(< 1 \"a\")
         (<= :a \"a\")
         (> nil 1)
         (>= [1] 1)
         (< 3 2 \"a\")
         (compare true 1)
         (max 1 \"a\")
         (min \"a\" :a)",
    );
    assert_eq!(refusal("(< 1 \"a\")").value(), Some("[1 \"a\"]"));
}

#[test]
fn truth_is_anything_but_false_and_nil() {
    check_all(
        "(nil? nil) => true
         (nil? false) => false
         (some? nil) => false
         (some? 0) => true
         (true? true) => true
         (true? 1) => false
         (false? false) => true
         (false? nil) => false
         (not nil) => true
         (not false) => true
         (not 0) => false
         (not \"\") => false
         (and) => true
         (and 1) => 1
         (and 1 nil 2) => nil
         (and 1 false nil) => false
         (and 1 2) => 2
         (or) => nil
         (or nil) => nil
         (or nil false) => false
         (or false 1 2) => 1
         (or false nil) => nil",
    );
}
