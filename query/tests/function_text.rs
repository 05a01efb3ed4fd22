//! Promise: functions on strings, collections and names count characters rather than bytes, are total where Clojure's are, and refuse
//! the rest with a code and a remedy. Attacked with empty texts, texts outside ASCII, places at and past both ends, and wrong types.

use annals_query::{Code, Error, Result, Value, edn, function};

fn call(text: &str) -> Result<Value> {
    let form = edn::read(text).expect("a test is valid EDN");
    let Some([Value::Symbol(name), args @ ..]) = form.as_items() else { panic!("{text} is no call") };
    function::lookup(name).unwrap_or_else(|| panic!("no function {name}")).call(args)
}

/// Cases as lines `call => result`.
#[track_caller]
fn check_all(cases: &str) {
    for line in cases.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (text, expected) = line.split_once(" => ").unwrap_or_else(|| panic!("{line} has no result"));
        match call(text.trim()) {
            Ok(value) => assert_eq!(value.to_string(), expected.trim(), "{line}"),
            Err(error) => panic!("{line}: {error}"),
        }
    }
}

#[track_caller]
fn refusal(text: &str) -> Error {
    match call(text) {
        Ok(value) => panic!("{text} gives {value}"),
        Err(error) => error,
    }
}

#[track_caller]
fn check_refused(code: Code, cases: &str) {
    for line in cases.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let error = refusal(line);
        assert_eq!(error.code(), code, "{line}: {error}");
        assert!(error.help().is_some(), "{line}: {error} has no remedy");
    }
}

#[test]
fn str_joins_the_texts_of_any_values() {
    check_all(
        r#"(str) => ""
           (str nil) => ""
           (str "a" nil "b") => "ab"
           (str 1 2.5 :a/b) => "12.5:a/b"
           (str 5N) => "5"
           (str 1.50M) => "1.50"
           (str true) => "true"
           (str [1 "a"]) => "[1 \"a\"]"
           (str \a \b) => "ab""#,
    );
}

#[test]
fn subs_counts_characters() {
    check_all(
        r#"(subs "datalog" 4) => "log"
           (subs "datalog" 0 4) => "data"
           (subs "datalog" 7) => ""
           (subs "datalog" 3 3) => ""
           (subs "" 0) => ""
           (subs "añ😀z" 1 3) => "ñ😀"
           (subs "añ😀z" 3) => "z""#,
    );
    check_refused(
        Code::ArgumentType,
        r#"(subs "abc" 4)
           (subs "abc" 0 4)
           (subs "abc" 2 1)
           (subs "abc" -1)
           (subs "abc" 1.0)
           (subs 123 0)
           (subs "añ😀z" 5)"#,
    );
    let error = refusal(r#"(subs "añ" 0 3)"#);
    assert_eq!(error.message(), "argument 3 of `subs` lies outside its text, which has 2 characters");
    assert_eq!(error.value(), Some("3"));
}

#[test]
fn case_and_white_space() {
    check_all(
        r#"(upper-case "ada") => "ADA"
           (upper-case "straße") => "STRASSE"
           (lower-case "ÀDA") => "àda"
           (trim "  a b\n") => "a b"
           (trim "") => ""
           (blank? "") => true
           (blank? " \t\n") => true
           (blank? nil) => true
           (blank? " a ") => false"#,
    );
    check_refused(
        Code::ArgumentType,
        "(upper-case :a)
         (lower-case 1)
         (trim nil)
         (blank? 1)",
    );
}

#[test]
fn split_and_join() {
    check_all(
        r#"(split "a,b,c" ",") => ["a" "b" "c"]
           (split "a,,b,," ",") => ["a" "" "b"]
           (split ",a" ",") => ["" "a"]
           (split "" ",") => [""]
           (split "abc" ",") => ["abc"]
           (split "a, b, c" ", ") => ["a" "b" "c"]
           (split "a.b" ".") => ["a" "b"]
           (split "añ" "") => ["a" "ñ"]
           (split "abc" "" 2) => ["a" "bc"]
           (split "abc" "" 9) => ["a" "b" "c"]
           (split "abc" "" 1) => ["abc"]
           (split "" "") => [""]
           (split "a,b,c" "," 2) => ["a" "b,c"]
           (split "a,b,c" "," 1) => ["a,b,c"]
           (split "a,b,," "," 9) => ["a" "b" "" ""]
           (split "a,b,," "," 0) => ["a" "b"]
           (split "," ",") => []
           (split "a,b,," "," -1) => ["a" "b" "" ""]
           (join "," nil) => ""
           (join []) => ""
           (join [1 2]) => "12"
           (join "-" [1 :b "c" nil]) => "1-:b-c-"
           (join ", " #{2 1}) => "1, 2"
           (join "," ["one"]) => "one""#,
    );
    check_refused(
        Code::ArgumentType,
        r#"(split 1 ",")
           (split "a" :b)
           (split "a" "," 1.5)
           (split "a" "," "1")
           (join "," "abc")
           (join 1 [2])"#,
    );
}

#[test]
fn parts_of_texts() {
    check_all(
        r#"(starts-with? "datalog" "data") => true
           (starts-with? "datalog" "") => true
           (starts-with? "" "a") => false
           (ends-with? "datalog" "log") => true
           (ends-with? "datalog" "data") => false
           (includes? "datalog" "tal") => true
           (includes? "datalog" "x") => false"#,
    );
    check_refused(
        Code::ArgumentType,
        r#"(starts-with? "a" :a)
           (ends-with? 1 "a")
           (includes? ["a"] "a")"#,
    );
}

#[test]
fn count_counts_characters_items_and_bytes() {
    check_all(
        r#"(count "añ😀") => 3
            (count "") => 0
            (count [1 2 3]) => 3
            (count #{1 2}) => 2
            (count {:a 1}) => 1
            (count nil) => 0
            (count #bytes "00ff") => 2"#,
    );
    check_refused(
        Code::ArgumentType,
        "(count 1)
         (count :a)",
    );
}

#[test]
fn a_text_does_not_grow_without_end() {
    let half = Value::from("x".repeat(9 << 20));
    let str = function::lookup("str").expect("built in");
    assert!(str.call(std::slice::from_ref(&half)).is_ok());
    let error = str.call(&[half.clone(), half]).expect_err("too long");
    assert_eq!(error.code(), Code::LimitExceeded);
    assert!(error.help().is_some());
}

#[test]
fn collections_are_made_and_looked_into() {
    check_all(
        r#"(ground 1) => 1
           (ground [1 2]) => [1 2]
           (identity #{1}) => #{1}
           (tuple 1 "a") => [1 "a"]
           (tuple [1]) => [[1]]
           (untuple [1 2]) => [1 2]
           (vector) => []
           (vector nil 1) => [nil 1]
           (get {:a 1} :a) => 1
           (get {:a 1} :b) => nil
           (get {:a 1} :b 7) => 7
           (get {:a false} :a 7) => false
           (get {1 :one} 1.0) => :one
           (get [:a :b] 1) => :b
           (get [:a :b] 2) => nil
           (get [:a :b] -1) => nil
           (get [:a :b] "x" 0) => 0
           (get #{1 2} 2) => 2
           (get #{1 2} 2.0) => 2
           (get #{1 2} 3) => nil
           (get nil :a) => nil
           (get "añb" 1) => \ñ
           (get "abc" 3) => nil
           (get 1 1) => nil
           (get :a :b 2) => 2
           (nth [:a :b] 0) => :a
           (nth [:a :b] -1 :none) => :none
           (nth "añb" 1) => \ñ
           (nth nil 3) => nil
           (first [:a :b]) => :a
           (first []) => nil
           (first nil) => nil
           (first (1 2)) => 1
           (first "ab") => \a
           (second [:a :b]) => :b
           (second [:a]) => nil
           (second nil) => nil
           (contains? {:a nil} :a) => true
           (contains? {:a 1} :b) => false
           (contains? {1 :a} 1.0) => true
           (contains? #{1 2} 2) => true
           (contains? #{1 2} 2.0) => true
           (contains? [:a] 0) => true
           (contains? [:a] 1) => false
           (contains? [:a] :a) => false
           (contains? "ab" 1) => true
           (contains? nil :a) => false
           (empty? []) => true
           (empty? nil) => true
           (empty? "") => true
           (empty? {}) => true
           (empty? #{1}) => false
           (not-empty []) => nil
           (not-empty "") => nil
           (not-empty [nil]) => [nil]
           (nth nil 3 :none) => :none
           (nth [:a :b] 5 :none) => :none"#,
    );
    check_refused(
        Code::ArgumentType,
        r#"(untuple 1)
           (untuple #{1})
           (nth [:a] 1)
           (nth [:a] -1)
           (first 1)
           (first {:a 1})
           (contains? 1 1)
           (empty? :a)
           (not-empty 1)
           (nth [:a] "0")
           (nth [:a] 0.0)
           (nth "abc" 3)
           (nth 1 0)
           (nth {:a 1} 0)"#,
    );
}

#[test]
fn type_names_the_type() {
    check_all(
        r#"(type 1) => :db.type/long
            (type 1N) => :db.type/bigint
            (type 1.0) => :db.type/double
            (type 1M) => :db.type/bigdec
            (type "a") => :db.type/string
            (type :a) => :db.type/keyword
            (type a) => :db.type/symbol
            (type true) => :db.type/boolean
            (type #inst "2020-01-01") => :db.type/instant
            (type #uuid "00000000-0000-0000-0000-000000000000") => :db.type/uuid
            (type #uri "a:b") => :db.type/uri
            (type #bytes "00") => :db.type/bytes
            (type [1 2]) => :db.type/tuple
            (type {:a 1}) => :db.type/map
            (type #{1}) => :db.type/set
            (type nil) => :db.type/nil"#,
    );
}

#[test]
fn keywords_and_symbols_have_two_parts() {
    check_all(
        r#"(name :run/id) => "id"
           (name :id) => "id"
           (name a/b) => "b"
           (name "text/x") => "text/x"
           (namespace :run/id) => "run"
           (namespace :a.b/c) => "a.b"
           (namespace :id) => nil
           (namespace a/b) => "a"
           (keyword "id") => :id
           (keyword "run/id") => :run/id
           (keyword "run" "id") => :run/id
           (keyword :a/b) => :a/b
           (keyword a/b) => :a/b"#,
    );
    check_refused(
        Code::ArgumentType,
        r#"(name 1)
           (namespace "a/b")
           (keyword "")
           (keyword "a b")
           (keyword "a(b")
           (keyword "a/b/c")
           (keyword "" "b")
           (keyword "a" "")
           (keyword 1)
           (keyword "a" :b)"#,
    );
}
