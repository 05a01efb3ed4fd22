//! Promise: regular expressions and the patterns of SQL find what Clojure and SQL find, in time linear in the text, and a pattern made to
//! hurt is refused within milliseconds. Attacked with groups that take no part, matches of nothing, text outside ASCII, patterns that are
//! exponential elsewhere, patterns that grow to gigabytes, and patterns that are none.

use std::time::{Duration, Instant};

use annals_query::{Code, Value, edn, function};
use calls::{call, check_all, check_refused, refusal};

mod calls;

#[test]
fn re_find_gives_the_first_match_with_its_groups() {
    check_all(
        r#"(re-find #"\d+" "abc 12 345") => "12"
            (re-find "\\d+" "abc 12 345") => "12"
            (re-find #regex "\\d+" "abc 12 345") => "12"
            (re-find #"\d+" "abc") => nil
            (re-find #"" "abc") => ""
            (re-find #"x*" "abc") => ""
            (re-find #"(a)(b)?" "ac") => ["a" "a" nil]
            (re-find #"(\w+)@(\w+)" "mail ada@home now") => ["ada@home" "ada" "home"]
            (re-find #"(?:a)(b)" "ab") => ["ab" "b"]
            (re-find #"(?<key>\w+)=(?<value>\w*)" "a=") => ["a=" "a" ""]
            (re-find #"^b" "a\nb") => nil
            (re-find #"(?m)^b" "a\nb") => "b"
            (re-find #"(?i)ERROR" "an error") => "error"
            (re-find #"a.c" "a\nc") => nil
            (re-find #"(?s)a.c" "a\nc") => "a\nc"
            (re-find #"a|ab" "ab") => "a"
            (re-find #"a+?" "aaa") => "a"
            (re-find #"." "😀b") => "😀"
            (re-find #"\p{Lu}" "aÉ") => "É"
            (re-find #"[^a-z]+" "abcÄÖ1z") => "ÄÖ1"
            (re-find #"\"" "a\"b") => "\""
            (re-find #"\\" "a\\b") => "\\"
            (re-find #"\u0041\x42\t" "AB\t") => "AB\t"
            (re-find #"\Qa.b\E+" "a.bbb") => "a.bbb"
            (re-find #"\Q(" "x(") => "("
            (re-find #"(?x) a b # comment" "ab") => "ab""#,
    );
}

#[test]
fn classes_and_borders_are_those_of_clojure_and_javascript() {
    check_all(
        r#"(re-find #"\d" "٣") => nil
            (re-find #"\w+" "é_a1-b") => "_a1"
            (re-find #"[\w.]+" "é a.b c") => "a.b"
            (re-find #"[^\s\d]+" " 1ab 2") => "ab"
            (re-find #"\W+" "abé-c") => "é-"
            (re-find #"\D\S" "1ab") => "ab"
            (re-find #"\s" "a\u00a0b") => nil
            (re-find #"a\sb" "a\tb") => "a\tb"
            (re-find #"\bcat\b" "concat cat") => "cat"
            (re-find #"[a-z&&[^b]]+" "bac") => "ac"
            (re-find #"[]a]+" "x]a") => "]a""#,
    );
}

#[test]
fn re_matches_wants_the_whole_text() {
    check_all(
        r#"(re-matches #"\d+" "12") => "12"
            (re-matches #"\d+" "12 ") => nil
            (re-matches #"\d+" "x12") => nil
            (re-matches #"a|ab" "ab") => "ab"
            (re-matches #"(a|ab)(c|bcd)" "abcd") => ["abcd" "a" "bcd"]
            (re-matches #"a+?" "aaa") => "aaa"
            (re-matches #"a" "a\n") => nil
            (re-matches #"" "") => ""
            (re-matches #"^a$" "a") => "a"
            (re-matches #"(?x) a # comment" "a") => "a"
            (re-matches #"(\d+)-(\d+)?" "1-") => ["1-" "1" nil]"#,
    );
}

#[test]
fn re_seq_gives_every_match() {
    check_all(
        r#"(re-seq #"\d+" "1 22 333") => ["1" "22" "333"]
            (re-seq #"(\w)=(\d)" "a=1 b=2") => [["a=1" "a" "1"] ["b=2" "b" "2"]]
            (re-seq #"x" "abc") => nil
            (re-seq #"" "añ") => ["" "" ""]
            (re-seq #"a?" "ba") => ["" "a"]
            (re-seq #"." "añ😀") => ["a" "ñ" "😀"]"#,
    );
}

#[test]
fn re_pattern_makes_a_pattern_of_a_text() {
    check_all(
        r#"(re-pattern "\\d+") => #"\d+"
            (re-pattern #"\d+") => #"\d+"
            (re-pattern "") => #""
            (re-pattern "say \"x\"") => #regex "say \"x\""
            (str #"\d+") => "\\d+"
            (type #"\d+") => :db.type/tagged
            (= #"a" #"a") => true
            (= #"a" "a") => false"#,
    );
}

#[test]
fn split_takes_a_regular_expression() {
    check_all(
        r#"(split "a1b22c" #"\d+") => ["a" "b" "c"]
            (split "1a" #"\d") => ["" "a"]
            (split "a1" #"\d") => ["a"]
            (split "a11" #"\d" -1) => ["a" "" ""]
            (split "11" #"\d") => []
            (split "" #"\d") => [""]
            (split "abc" #"") => ["a" "b" "c"]
            (split "abc" #"" -1) => ["a" "b" "c" ""]
            (split "abc" #"" 2) => ["a" "bc"]
            (split "a b  c" #"\s+") => ["a" "b" "c"]
            (split " a b" #" ") => ["" "a" "b"]
            (split "a,b,c" #"," 2) => ["a" "b,c"]
            (split "a,b,," #"," 9) => ["a" "b" "" ""]
            (split "a,b" #"," 1) => ["a,b"]
            (split "ab" #"x") => ["ab"]
            (split "añb" #"ñ") => ["a" "b"]
            (clojure.string/split "a.b" #"\.") => ["a" "b"]"#,
    );
    check_refused(
        Code::ArgumentType,
        r#"(split "ab" #"(")
            (split #"a" "ab")
            (split "ab" #"b" nil)"#,
    );
}

#[test]
fn what_is_no_pattern_or_no_text_is_refused() {
    check_refused(
        Code::ArgumentType,
        r#"(re-find #"(" "a")
            (re-find #"a)(b" "ab")
            (re-matches #"a)(b" "ab")
            (re-find #"[" "a")
            (re-find #"*" "a")
            (re-find #"(?=a)" "a")
            (re-find #"(?<!a)b" "b")
            (re-find #"(a)\1" "aa")
            (re-find #"\p{Nothing}" "a")
            (re-find #"[\b]" "a")
            (re-find "a" #"a")
            (re-find 1 "a")
            (re-find #"a" 1)
            (re-find #"a" nil)
            (re-find nil "a")
            (re-find #regex 5 "a")
            (re-find #other "a" "a")
            (re-matches #"a" :a)
            (re-seq :a "a")
            (re-pattern "(")
            (re-pattern 1)"#,
    );
    check_refused(Code::Arity, r#"(re-find #"a")"#);
    let error = refusal(r#"(re-find #"(a" "a")"#);
    assert_eq!(error.message(), "argument 1 of `re-find` is not a regular expression: unclosed group");
    assert_eq!(error.value(), Some("\"(a\""));
    let error = refusal(r#"(re-find "text" #"a")"#);
    assert_eq!(error.message(), "argument 2 of `re-find` must be a string, not a value of type tagged value");
}

/// Time that one call may take: many times what it takes on an idle machine, and a fraction of what the attack would cost.
const LIMIT_TIME: Duration = Duration::from_millis(500);

#[track_caller]
fn within_limit(name: &str, args: &[Value]) -> annals_query::Result<Value> {
    let started = Instant::now();
    let result = function::lookup(name).expect("a built-in function").call(args);
    let elapsed = started.elapsed();
    assert!(elapsed < LIMIT_TIME, "{name} took {elapsed:?}");
    result
}

#[test]
fn patterns_that_are_exponential_elsewhere_take_linear_time() {
    let text = format!("{}!", "a".repeat(10_000));
    for pattern in ["(a+)+$", "(a|aa)+$", "(a*)*b", "(a|a?)+b", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*a){12}b", "(?:a?){20}a{20}b"] {
        let found = within_limit("re-find", &[pattern.into(), Value::from(&*text)]);
        assert_eq!(found, Ok(Value::Nil), "{pattern}");
    }
    let found = within_limit("like", &[Value::from(&*text), "%a%a%a%a%a%a%a%a%a%a%a%b".into()]);
    assert_eq!(found, Ok(false.into()));
}

#[test]
fn patterns_that_grow_without_bound_are_refused_at_once() {
    let many_classes = r"\PL".repeat(700);
    let folded = format!("(?i){}", r"\p{L}".repeat(400));
    let nested = format!("{}a{}", "(".repeat(1_000), ")".repeat(1_000));
    let patterns = [
        r"((a{1000}){1000}){1000}",
        r"(\p{L}{1000}){1000}",
        r"[^x]{100000}",
        r"\pL{200}",
        "a{4294967295}",
        &many_classes,
        &folded,
        &nested,
        &"a".repeat(2_049),
        &"%".repeat(100_000),
    ];
    for pattern in patterns {
        for name in ["re-find", "re-matches", "re-seq"] {
            let error = within_limit(name, &[pattern.into(), "text".into()]).expect_err(pattern);
            assert!(matches!(error.code(), Code::LimitExceeded | Code::ArgumentType), "{error}");
            assert!(error.help().is_some(), "{error}");
        }
    }
    let error = within_limit("like", &["a".into(), Value::from("_".repeat(2_049))]).expect_err("too long");
    assert_eq!(error.code(), Code::LimitExceeded);
    let large = "(?:a?b?){1000}[^a]c";
    assert_eq!(within_limit("re-find", &[large.into(), "abab".into()]), Ok(Value::Nil));
    let error = within_limit("re-find", &[large.into(), Value::from("ab".repeat(200_000))]).expect_err("large times large");
    assert_eq!(error.code(), Code::LimitExceeded);
    let long = Value::from("a".repeat(70_000));
    for name in ["re-seq", "split"] {
        let args =
            if name == "split" { [long.clone(), edn::read("#\"\"").expect("a pattern")] } else { ["".into(), long.clone()] };
        assert_eq!(within_limit(name, &args).expect_err("too many matches").code(), Code::LimitExceeded);
    }
}

#[test]
fn more_patterns_than_are_kept_give_the_same_answers() {
    for round in 0..3 {
        for n in 0..100 {
            assert_eq!(
                call(&format!("(re-find #\"a{n}\" \"xa{n}\")")).expect("found"),
                Value::from(format!("a{n}")),
                "round {round}"
            );
            assert_eq!(call(&format!("(re-matches #\"a{n}\" \"xa{n}\")")).expect("called"), Value::Nil);
            assert_eq!(call(&format!("(like \"a{n}\" \"a{n}\")")).expect("called"), Value::from(true));
            assert!(call(&format!("(re-find #\"({n}\" \"\")")).is_err());
        }
    }
}

#[test]
fn like_is_that_of_sql() {
    check_all(
        r##"(like "disk full" "%full") => true
           (like "disk full" "disk%") => true
           (like "disk full" "%k f%") => true
           (like "disk full" "full") => false
           (like "disk full" "disk_full") => true
           (like "disk full" "Disk%") => false
           (like "" "") => true
           (like "" "%") => true
           (like "" "_") => false
           (like "a" "__") => false
           (like "😀" "_") => true
           (like "añ" "a_") => true
           (like "a\nb" "a%b") => true
           (like "a\n" "a") => false
           (like "a.b" "a.b") => true
           (like "axb" "a.b") => false
           (like "(a)[b]*" "(a)[b]*") => true
           (like "100%" "100!%") => true
           (like "100x" "100!%") => false
           (like "a_b" "a!_b") => true
           (like "a!b" "a!!b") => true
           (like "ab" "a!b") => true
           (like "100%" "100\\%" {:escape \\}) => true
           (like "100!" "100!" {:escape \\}) => true
           (like "100%" "100#%" {:escape "#"}) => true
           (like "100!%" "100!!%") => true
           (like "a" "a" {}) => true
           (like "aXbXc" "a%b%c") => true
           (like "abcabc" "abc") => false
           (like "abc" "%%%") => true
           (not-like "disk full" "%full") => false
           (not-like "disk" "%full") => true
           (not-like "100x" "100!%") => true"##,
    );
    check_refused(
        Code::ArgumentType,
        r#"(like 1 "a")
           (like "a" 1)
           (like nil "%")
           (like "a" "a!")
           (like "a" "a\\" {:escape \\})
           (like "a" "a" {:escape "ab"})
           (like "a" "a" {:escape 1})
           (like "a" "a" \!)
           (not-like :a "%")
           (not-like "a" "!")"#,
    );
}

#[test]
fn in_compares_by_meaning() {
    check_all(
        r#"(in 1 [1 2]) => true
           (in 3 [1 2]) => false
           (in 1.0 [1 2]) => true
           (in 1 [1.0M]) => true
           (in 1N #{1 2}) => true
           (in 2.0 #{1 2}) => true
           (in 2.5 #{1 2}) => false
           (in "a" #{"a"}) => true
           (in "a" ["b" :a a]) => false
           (in :a (:a :b)) => true
           (in nil [nil]) => true
           (in nil []) => false
           (in 1 nil) => false
           (in false [false]) => true
           (in [1 2] [[1 2.0]]) => true
           (in [1 2] #{[1.0 2]}) => true
           (in :a {:a 1}) => true
           (in 1 {:a 1}) => false
           (in 1.0 {1 :a}) => true
           (not-in 1 [1 2]) => false
           (not-in 3 #{1 2}) => true
           (not-in 2.0 [1 2]) => false
           (not-in 1 []) => true"#,
    );
    check_refused(
        Code::ArgumentType,
        r#"(in 1 1)
           (in "a" "abc")
           (not-in [1] 2)"#,
    );
}
