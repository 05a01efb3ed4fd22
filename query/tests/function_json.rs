//! Promise: values come out of texts of JSON, EDN and single values exactly as they were written, and a text that is none gives nil, so that
//! mixed lines can be asked. Attacked with every kind of JSON value, numbers at the ends of their kinds, escapes and half pairs, deep nesting, each
//! way to be malformed, paths to nowhere and paths that are none; and by comparison with another reader of JSON.

use annals_query::{Code, Value, function};
use calls::{call, check_all, check_refused, refusal};

mod calls;

fn json(text: &str) -> Value {
    function::lookup("json").expect("a built-in function").call(&[text.into()]).expect("a string is taken")
}

#[track_caller]
fn check_json(text: &str, expected: &str) {
    assert_eq!(json(text).to_string(), expected, "{text}");
}

#[test]
fn json_gives_values_as_they_are_written() {
    for (text, expected) in [
        ("{}", "{}"),
        ("[]", "[]"),
        (" [ 1 , 2 ] ", "[1 2]"),
        ("\t{\"a\" : 1}\r\n", "{\"a\" 1}"),
        (r#"{"b": [true, false, null], "a": {"c": "d"}}"#, r#"{"a" {"c" "d"}, "b" [true false nil]}"#),
        (r#"{"a": 1, "a": 2}"#, r#"{"a" 2}"#),
        (r#"{"": 1}"#, r#"{"" 1}"#),
        (r#"{"$serde_json::private::Number": "1"}"#, r#"{"$serde_json::private::Number" "1"}"#),
        ("\"x\"", "\"x\""),
        ("null", "nil"),
        ("true", "true"),
        ("0", "0"),
        ("-0", "0"),
        ("-5", "-5"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", "9223372036854775808N"),
        ("-9223372036854775809", "-9223372036854775809N"),
        ("1.0", "1.0"),
        ("1.5e3", "1500.0"),
        ("1E2", "100.0"),
        ("-0.0", "-0.0"),
        ("1e400", "1E400M"),
        ("-1.5E+400", "-15E399M"),
        ("1e4000", "##Inf"),
        ("-1e400", "-1E400M"),
        ("1e-400", "0.0"),
        ("0.1", "0.1"),
        (r#""\"\\\/\b\f\n\r\t""#, r#""\"\\/\u0008\u000C\n\r\t""#),
        (r#""\u00e9\ud83d\ude00""#, "\"é😀\""),
        (r#""\ud83d""#, "\"\u{fffd}\""),
        (r#""\ud83d\u0041""#, "\"\u{fffd}A\""),
        (r#""\ude00x""#, "\"\u{fffd}x\""),
        ("\"é😀\"", "\"é😀\""),
        ("\"\u{7f}\"", "\"\\u007F\""),
    ] {
        check_json(text, expected);
    }
    let digits = "9".repeat(1_000);
    check_json(&digits, &format!("{digits}N"));
    check_json(&"9".repeat(1_001), "##Inf");
}

#[test]
fn what_is_no_json_gives_nil() {
    for text in [
        "",
        " ",
        "plain words",
        "2026-11-20 10:00:00 started",
        "[",
        "{",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:2}",
        "{\"a\":1",
        "{\"a\" 1}",
        "]",
        "[1]]",
        "{}{}",
        "1 2",
        "nul",
        "nulls",
        "True",
        "'a'",
        "\"a",
        "\"a\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u+123\"",
        "\"a\nb\"",
        "\"\t\"",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x10",
        "NaN",
        "Infinity",
        "-Infinity",
        "1_000",
        "//c\n1",
        "[1]x",
        "\u{feff}1",
        "\u{a0}1",
    ] {
        assert_eq!(json(text), Value::Nil, "{text:?}");
        let path = function::lookup("json").expect("a built-in function").call(&[text.into(), "a.0".into()]);
        assert_eq!(path, Ok(Value::Nil), "{text:?}");
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(json(&nested(256)).to_string(), nested(256));
    assert_eq!(json(&nested(257)), Value::Nil);
    assert_eq!(json(&"[".repeat(1_000_000)), Value::Nil);
    assert_eq!(json(&"{\"a\":".repeat(1_000_000)), Value::Nil);
    let path = vec![Value::from(-1); 256];
    let deep = function::lookup("json").expect("a built-in function");
    assert_eq!(deep.call(&[nested(256).into(), path.clone().into()]), Ok(1.into()));
    assert_eq!(deep.call(&[nested(255).into(), path.into()]), Ok(Value::Nil));
}

#[test]
fn a_path_leads_to_a_part() {
    check_all(
        r#"(json "{\"a\": {\"b\": [1, 2]}}" "$.a.b[0]") => 1
           (json "{\"a\": {\"b\": [1, 2]}}" "a.b.0") => 1
           (json "{\"a\": {\"b\": [1, 2]}}" "a.b[1]") => 2
           (json "{\"a\": {\"b\": [1, 2]}}" ["a" "b" 0]) => 1
           (json "{\"a\": {\"b\": [1, 2]}}" ("a" "b" 1)) => 2
           (json "{\"a\": {\"b\": [1, 2]}}" [:a :b 0]) => 1
           (json "{\"a\": {\"b\": [1, 2]}}" "a") => {"b" [1 2]}
           (json "{\"a\": {\"b\": [1, 2]}}" "a.b") => [1 2]
           (json "{\"a\": {\"b\": [1, 2]}}" :a) => {"b" [1 2]}
           (json "{\"a\": {\"b\": [1, 2]}}" "$") => {"a" {"b" [1 2]}}
           (json "{\"a\": {\"b\": [1, 2]}}" "") => {"a" {"b" [1 2]}}
           (json "{\"a\": {\"b\": [1, 2]}}" []) => {"a" {"b" [1 2]}}
           (json "{\"a\": {\"b\": [1, 2]}}" "a.b[2]") => nil
           (json "{\"a\": {\"b\": [1, 2]}}" "a.b[-1]") => 2
           (json "{\"a\": {\"b\": [1, 2]}}" "a.b[-2]") => 1
           (json "{\"a\": {\"b\": [1, 2]}}" "a.b[-3]") => nil
           (json "{\"a\": {\"b\": [1, 2]}}" "a.c") => nil
           (json "{\"a\": {\"b\": [1, 2]}}" "a.b.c") => nil
           (json "{\"a\": {\"b\": [1, 2]}}" "a[0]") => nil
           (json "{\"a\": {\"b\": [1, 2]}}" "a.b[0].c") => nil
           (json "{\"a\": null}" "a") => nil
           (json "{\"a\": null}" "a.b") => nil
           (json "{\"a\": false}" "a") => false
           (json "{\"0\": \"zero\"}" "0") => "zero"
           (json "{\"0\": \"zero\"}" [0]) => nil
           (json "{\"0\": \"zero\"}" ["0"]) => "zero"
           (json "[\"zero\"]" ["0"]) => nil
           (json "[\"zero\"]" 0) => "zero"
           (json "[\"zero\"]" "0") => "zero"
           (json "[\"zero\"]" "[0]") => "zero"
           (json "[\"zero\"]" "$[0]") => "zero"
           (json "[[1], [2, 3]]" "$[1][1]") => 3
           (json "{\"a b\": {\"c.d\": 1}}" "$['a b']['c.d']") => 1
           (json "{\"a b\": 1}" "$[\"a b\"]") => 1
           (json "{\"a b\": 1}" "a b") => 1
           (json "{\"it's\": 1}" "$['it\\'s']") => 1
           (json "{\"a]b\": 1}" "$['a]b']") => 1
           (json "{\"user-id\": 1}" "user-id") => 1
           (json "{\"a\": 1, \"a\": 2}" "a") => 2
           (json "{\"a\": {\"b\": 1}, \"a\": 2}" "a.b") => nil
           (json "{\"é\": 1}" "é") => 1
           (json "{\"\\u0061\": 1}" "a") => 1
           (json "[1, 2" "[0]") => nil
           (json "{\"a\": 1} x" "a") => nil
           (json "5" "a") => nil"#,
    );
    check_refused(
        Code::ArgumentType,
        r#"(json "{}" "$.")
           (json "{}" "a..b")
           (json "{}" "$..b")
           (json "{}" "$a")
           (json "{}" "a[")
           (json "{}" "a[]")
           (json "{}" "a[x]")
           (json "{}" "a[0")
           (json "{}" "a['b")
           (json "{}" "a['b'")
           (json "{}" "a['b\\")
           (json "{}" "a['b'x]")
           (json "{}" "a[0]b")
           (json "{}" "a[*]")
           (json "{}" "$.*")
           (json "{}" "a[?(@.b)]")
           (json "{}" ["a" nil])
           (json "{}" [["a"]])
           (json "{}" 1.5)
           (json "{}" nil)
           (json "{}" {:a 1})
           (json nil)
           (json 1)
           (json :a "a")"#,
    );
    let error = refusal(r#"(json "{}" "a[*].b")"#);
    assert!(error.message().contains("many values"), "{error}");
}

#[test]
fn json_agrees_with_another_reader() {
    for text in [
        r#"{"level":"info","ts":1795168800.123,"msg":"started","ctx":{"run":"a1","steps":[1,2,{"x":null}]}}"#,
        r#"[[],{},[{}],{"a":[]},"",0,-1.5,true,false,null,"\u0000\uffff"]"#,
        r#" {"a" : [ 1 , { "b" : "\\\"" } ] , "c" : { } } "#,
    ] {
        let expected: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
        let found = serde_json::to_value(json(text)).expect("a value of JSON");
        let sorted = |value: &serde_json::Value| {
            let mut value = value.clone();
            value.sort_all_objects();
            value
        };
        assert_eq!(sorted(&found), sorted(&expected), "{text}");
        for end in text.char_indices().map(|(at, _)| at) {
            let is_json = serde_json::from_str::<serde_json::Value>(&text[..end]).is_ok();
            assert_eq!(json(&text[..end]) != Value::Nil, is_json, "{}", &text[..end]);
        }
    }
}

#[test]
fn edn_gives_the_value_that_is_written() {
    check_all(
        r###"(edn "1") => 1
           (edn " {:a [1 \"b\"]} ; comment") => {:a [1 "b"]}
           (edn "#inst \"2026\"") => #inst "2026-01-01T00:00:00Z"
           (edn "nil") => nil
           (edn "false") => false
           (edn "#db/id 5") => 5
           (edn "") => nil
           (edn "1 2") => nil
           (edn "[1") => nil
           (edn "##NaN") => nil
           (edn "a b c") => nil
           (edn "word") => word
           (edn "#\"a\"") => #"a""###,
    );
    check_refused(Code::ArgumentType, "(edn 1)\n(edn nil)\n(edn [1])");
    assert_eq!(call(&format!("(edn {:?})", "[".repeat(1_000))), Ok(Value::Nil));
}

#[test]
fn texts_spell_longs_doubles_and_booleans() {
    check_all(
        r#"(parse-long "42") => 42
           (parse-long "-42") => -42
           (parse-long "+42") => 42
           (parse-long "007") => 7
           (parse-long "9223372036854775807") => 9223372036854775807
           (parse-long "-9223372036854775808") => -9223372036854775808
           (parse-long "9223372036854775808") => nil
           (parse-long "") => nil
           (parse-long "-") => nil
           (parse-long " 42") => nil
           (parse-long "42 ") => nil
           (parse-long "4.2") => nil
           (parse-long "4e2") => nil
           (parse-long "0x10") => nil
           (parse-long "1_000") => nil
           (parse-long "٤") => nil
           (parse-double "4.2") => 4.2
           (parse-double "42") => 42.0
           (parse-double "-1e3") => -1000.0
           (parse-double "+.5") => 0.5
           (parse-double "5.") => 5.0
           (parse-double " 4.2\n") => 4.2
           (parse-double "1e400") => ##Inf
           (parse-double "Infinity") => ##Inf
           (parse-double "-Infinity") => ##-Inf
           (parse-double "NaN") => nil
           (parse-double "nan") => nil
           (parse-double "inf") => nil
           (parse-double "infinity") => nil
           (parse-double "") => nil
           (parse-double ".") => nil
           (parse-double "e5") => nil
           (parse-double "1,5") => nil
           (parse-double "0x1p3") => nil
           (parse-double "4 2") => nil
           (parse-boolean "true") => true
           (parse-boolean "false") => false
           (parse-boolean "True") => nil
           (parse-boolean "") => nil"#,
    );
    check_refused(
        Code::ArgumentType,
        r#"(parse-long 42)
           (parse-long nil)
           (parse-long :a)
           (parse-double 4.2)
           (parse-double [1])
           (parse-boolean true)
           (parse-inst #inst "2026")
           (parse-inst 2026)
           (parse-uuid #uuid "0190163d-8694-739b-aea5-966c26f8ad91")
           (parse-uuid nil)"#,
    );
}

#[test]
fn texts_spell_instants_and_uuids() {
    check_all(
        r#"(parse-inst "2026-11-20T10:00:00Z") => #inst "2026-11-20T10:00:00Z"
           (parse-inst "2026-11-20T10:00:00.123456789Z") => #inst "2026-11-20T10:00:00.123456Z"
           (parse-inst "2026-11-20T10:00:00+01:00") => #inst "2026-11-20T09:00:00Z"
           (parse-inst "2026-11-20 10:00:00") => #inst "2026-11-20T10:00:00Z"
           (parse-inst "2026-11-20t10:00z") => #inst "2026-11-20T10:00:00Z"
           (parse-inst "2026-11-20") => #inst "2026-11-20T00:00:00Z"
           (parse-inst "2026-11") => #inst "2026-11-01T00:00:00Z"
           (parse-inst "2026") => #inst "2026-01-01T00:00:00Z"
           (parse-inst "2024-02-29") => #inst "2024-02-29T00:00:00Z"
           (parse-inst "2026-02-29") => nil
           (parse-inst "2026-13") => nil
           (parse-inst "2026-00") => nil
           (parse-inst "2026-1") => nil
           (parse-inst "20261120") => nil
           (parse-inst "2026T10:00") => nil
           (parse-inst "2026-11T10:00") => nil
           (parse-inst "2026-11-20T25:00") => nil
           (parse-inst "2026-11-20Z") => nil
           (parse-inst " 2026") => nil
           (parse-inst "") => nil
           (parse-inst "now") => nil
           (parse-inst "+294248-01-01") => nil
           (parse-uuid "0190163d-8694-739b-aea5-966c26f8ad91") => #uuid "0190163d-8694-739b-aea5-966c26f8ad91"
           (parse-uuid "0190163D-8694-739B-AEA5-966C26F8AD91") => #uuid "0190163d-8694-739b-aea5-966c26f8ad91"
           (parse-uuid "0190163d8694739baea5966c26f8ad91") => nil
           (parse-uuid "{0190163d-8694-739b-aea5-966c26f8ad91}") => nil
           (parse-uuid "0190163d-8694-739b-aea5-966c26f8ad9") => nil
           (parse-uuid "0190163d-8694-739b-aea5-966c26f8ad9g") => nil
           (parse-uuid "") => nil"#,
    );
}
