//! Promise: the reader takes all of EDN, refuses everything else, and says of each error what, where and what to do.
//! Attacked with a table of texts beside what they mean, a table of wrong texts beside code, line, column and remedy, and
//! with text that is far too deep or too long, on a small stack.

use std::time::{Duration, Instant};

use annals_query::{Code, Value, edn};

/// Reads `text` and compares with the canonical text of what it should mean.
#[track_caller]
fn check(text: &str, expected: &str) {
    match edn::read(text) {
        Ok(value) => assert_eq!(value.to_string(), expected, "{text}"),
        Err(error) => panic!("{text}: {error} ({:?})", error.help()),
    }
}

/// Reads `text`, which is wrong at `line:column` for a reason that mentions `message`, with a remedy that mentions `help`.
#[track_caller]
fn refuse(text: &str, code: Code, place: &str, message: &str, help: &str) {
    let error = match edn::read(text) {
        Err(error) => error,
        Ok(value) => panic!("{text} was read as {value}"),
    };
    let position = error.position().expect("every reader error has a place");
    assert_eq!((error.code(), format!("{}:{}", position.line, position.column).as_str()), (code, place), "{text}: {error}");
    assert!(error.message().contains(message), "{text}: {error}");
    let given = error.help().unwrap_or_default();
    assert!(given.contains(help), "{text}: {error}: {given}");
}

#[test]
fn numbers_mean_what_they_say() {
    for (text, expected) in [
        ("0", "0"),
        ("-0", "0"),
        ("+5", "5"),
        ("42", "42"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775808", "9223372036854775808N"),
        ("7N", "7N"),
        ("0xff", "255"),
        ("-0XFF", "-255"),
        ("0xFFFFFFFFFFFFFFFFFF", "4722366482869645213695N"),
        ("0x10N", "16N"),
        ("1.5", "1.5"),
        ("1.0", "1.0"),
        ("-0.0", "-0.0"),
        ("1e3", "1000.0"),
        ("1E+3", "1000.0"),
        ("6.02e23", "6.02e23"),
        ("1e-7", "1e-7"),
        ("1M", "1M"),
        ("1.20M", "1.20M"),
        ("1.5e3M", "15E2M"),
        ("0.000M", "0.000M"),
        ("-0.05M", "-0.05M"),
        ("##Inf", "##Inf"),
        ("##-Inf", "##-Inf"),
    ] {
        check(text, expected);
    }
}

#[test]
fn names_and_texts_mean_what_they_say() {
    for (text, expected) in [
        ("nil", "nil"),
        ("true", "true"),
        ("false", "false"),
        (":a", ":a"),
        (":run/id", ":run/id"),
        (":log/_run", ":log/_run"),
        (":1", ":1"),
        (":a:b", ":a:b"),
        (":é/ü", ":é/ü"),
        ("a/b", "a/b"),
        ("?e", "?e"),
        ("$since", "$since"),
        ("%", "%"),
        ("_", "_"),
        ("...", "..."),
        (".", "."),
        ("+", "+"),
        ("-", "-"),
        ("/", "/"),
        ("->>", "->>"),
        ("-a", "-a"),
        ("<=", "<="),
        ("not=", "not="),
        ("a'", "a'"),
        (r#""""#, r#""""#),
        (r#""a\n\t\r\"\\ü\u00e9""#, r#""a\n\t\r\"\\üé""#),
        ("\"two\nlines\"", r#""two\nlines""#),
        (r#""\ud83d\ude00""#, "\"😀\""),
        (r#""\b\f""#, r#""\u0008\u000C""#),
        (r"\a", r"\a"),
        (r"\newline", r"\newline"),
        (r"\space", r"\space"),
        (r"\u0041", r"\A"),
        (r"\(", r"\("),
        (r"\😀", r"\😀"),
        (r"\u", r"\u"),
    ] {
        check(text, expected);
    }
}

#[test]
fn collections_comments_and_tags_mean_what_they_say() {
    for (text, expected) in [
        ("[]", "[]"),
        ("()", "()"),
        ("#{}", "#{}"),
        ("{}", "{}"),
        ("[1,2 ,, 3]", "[1 2 3]"),
        ("(a [b {c #{d}}])", "(a [b {c #{d}}])"),
        ("{:b 1 :a 2}", "{:a 2, :b 1}"),
        ("#{3 1 2}", "#{1 2 3}"),
        ("#{1 1.0 1N 1M}", "#{1 1N 1.0 1M}"),
        ("; first\n1 ; last", "1"),
        ("1;", "1"),
        ("[1 #_2 3]", "[1 3]"),
        ("[#_#_1 2 3]", "[3]"),
        ("[1 #_[2 #_3]]", "[1]"),
        ("#_a b", "b"),
        ("[a[b]c\"d\"e]", "[a [b] c \"d\" e]"),
        ("\u{feff}1", "1"),
        ("#inst \"2026-11-20T10:00:00Z\"", "#inst \"2026-11-20T10:00:00Z\""),
        ("#inst\"2026-11-20\"", "#inst \"2026-11-20T00:00:00Z\""),
        ("#inst \"2026\"", "#inst \"2026-01-01T00:00:00Z\""),
        ("#inst \"2026-11\"", "#inst \"2026-11-01T00:00:00Z\""),
        ("#inst \"2026-11-20T10:00\"", "#inst \"2026-11-20T10:00:00Z\""),
        ("#inst \"2026-11-20T10:00:00.120+02:00\"", "#inst \"2026-11-20T08:00:00.12Z\""),
        ("#inst \"2026-11-20T10:00:00.123456789-00:30\"", "#inst \"2026-11-20T10:30:00.123456Z\""),
        ("#inst \"1969-12-31T23:59:59.5Z\"", "#inst \"1969-12-31T23:59:59.5Z\""),
        ("#inst \"0000-01-01T00:00:00+01:00\"", "#inst \"-000001-12-31T23:00:00Z\""),
        ("#inst \"+012345-02-03T00:00:00Z\"", "#inst \"+012345-02-03T00:00:00Z\""),
        ("#inst \"2024-02-29\"", "#inst \"2024-02-29T00:00:00Z\""),
        (r#"#"a+""#, r#"#"a+""#),
        ("[#\"\"#\"\\d+\" 1]", r#"[#"" #"\d+" 1]"#),
        (r#"#"\"\\""#, r#"#"\"\\""#),
        (r#"#"é\é""#, r#"#"é\é""#),
        (r#"#regex "\\d""#, r#"#"\d""#),
        (r#"#regex "\"""#, r#"#regex "\"""#),
        (r#"#regex "a\\""#, r#"#regex "a\\""#),
        ("#\"a\nb\"", r#"#regex "a\nb""#),
        (r"#regex 5", r"#regex 5"),
        ("#uuid \"0190163D-8694-739b-aea5-966c26f8ad91\"", "#uuid \"0190163d-8694-739b-aea5-966c26f8ad91\""),
        ("#uri \"https://a.b/?c\"", "#uri \"https://a.b/?c\""),
        ("#bytes \"00FFa0\"", "#bytes \"00ffa0\""),
        ("#db/id 5", "#db/id 5"),
        ("#db/id [:run/id \"x\"]", "#db/id [:run/id \"x\"]"),
        ("#my/tag {:a 1}", "#my/tag {:a 1}"),
        ("#a #b 1", "#a #b 1"),
        ("#db/keyword \"a b\"", "#db/keyword \"a b\""),
        ("#db/tagged [\"a b\" 1]", "#db/tagged [\"a b\" 1]"),
    ] {
        check(text, expected);
    }
}

#[test]
fn every_wrong_text_is_refused_with_place_and_remedy() {
    for (text, place, message, help) in [
        ("", "1:1", "nothing to read", "one EDN form"),
        (" ; only this", "1:13", "nothing to read", "one EDN form"),
        ("1 2", "1:3", "more text follows", "one form only"),
        ("[1\n  [2 3", "2:3", "never closed", "missing `]`"),
        ("{:a #{1", "1:5", "`#{` is never closed", "missing `}`"),
        ("(1 2]", "1:5", "does not close `(` from line 1, column 1", "close it with `)`"),
        ("[1\n 2\n }", "3:2", "does not close `[` from line 1, column 1", "close it with `]`"),
        ("1 )", "1:3", "closes nothing", "remove it"),
        ("{:a 1 :b}", "1:7", "no value", "add its value"),
        ("{:a 1 :b 2 :a 3}", "1:12", "same key twice", "remove one"),
        ("{[1 #{2 3}] 1 [1 #{3 2}] 2}", "1:15", "same key twice", "remove one"),
        ("#{a b a}", "1:7", "same element twice", "remove one"),
        ("#{1 2 3 4 5 6 7 8 9 10 11 12 13 14 7 14}", "1:36", "same element twice", "remove one"),
        ("\"abc", "1:1", "string is never closed", "closing `\"`"),
        ("[\"a\\\"]", "1:2", "string is never closed", "closing `\"`"),
        (r#""a\qb""#, "1:3", "escape is unknown", r"\n"),
        (r#""\u12""#, "1:2", "escape is unknown", "four hexadecimal digits"),
        (r#""\ud83d x""#, "1:2", "surrogate", "both halves"),
        (r#""\ud83dé""#, "1:2", "surrogate", "both halves"),
        (r"\", "1:1", "wants a character", r"\space"),
        (r"\ a", "1:1", "wants a character", r"\space"),
        (r"\abc", "1:1", "character is unknown", r"\newline"),
        (r"\ud800", "1:1", "character is unknown", r"\u"),
        ("12a", "1:1", "not a number", "does not start with a digit"),
        ("1.", "1:1", "missing after the point", "write a 0"),
        (".5", "1:1", "starts with a digit", "0.5"),
        ("-.5", "1:1", "starts with a digit", "0 before"),
        ("007", "1:1", "start with a zero", "octal"),
        ("1/2", "1:1", "ratios", "decimal"),
        ("1.5N", "1:1", "N ends an integer", "M instead"),
        ("1e400", "1:1", "too large for a double", "M"),
        ("0x", "1:1", "not a number", "0xFF"),
        ("1e", "1:1", "not a number", "6.02e23"),
        ("##NaN", "1:1", "NaN is no value", "nil"),
        ("##Nan", "1:1", "symbolic value", "##Inf"),
        (":", "1:1", "colon alone", "name"),
        ("[::a]", "1:2", "`::`", "namespace"),
        (":a/", "1:1", "at most one `/`", ":namespace/name"),
        (":/a", "1:1", "at most one `/`", ":namespace/name"),
        (":a/b/c", "1:1", "at most one `/`", ":namespace/name"),
        (":a\\b", "1:1", "a character that a keyword cannot hold", "letters"),
        ("a/b/c", "1:1", "at most one `/`", "namespace/name"),
        ("'[:a :b]", "1:1", "no quote", "leave it out"),
        ("@a", "1:1", "no meaning", "leave it out"),
        ("a|b", "1:1", "neither a number nor a symbol", "string"),
        ("a\u{a0}b", "1:1", "neither a number nor a symbol", "string"),
        ("#", "1:1", "wants a tag", "#{..}"),
        ("# {}", "1:1", "wants a tag", "#{..}"),
        ("#:a{:b 1}", "1:1", "common namespace", "each key"),
        ("[#\"a+]", "1:2", "regular expression is never closed", "closing"),
        ("#\"a\\\"", "1:1", "regular expression is never closed", "closing"),
        ("#(inc %)", "1:1", "no functions", "by its name"),
        ("#5 a", "1:1", "wants a tag", "letter"),
        ("[#inst]", "1:7", "`]` stands where `#inst` from line 1, column 2 wants a form", "write a form behind"),
        ("#a", "1:1", "nothing follows `#a`", "write a form"),
        ("[1 #_]", "1:6", "wants a form", "remove `#_`"),
        ("#inst 5", "1:1", "wants a string, not a long", "2026"),
        ("#inst \"2026-02-30\"", "1:7", "not an instant", "2026-11-20T"),
        ("#inst \"2026-11-20T25:00:00Z\"", "1:7", "not an instant", "2026-11-20T"),
        ("#inst \"yesterday\"", "1:7", "not an instant", "2026-11-20T"),
        ("#inst \"+999999-01-01\"", "1:7", "not an instant", "2026-11-20T"),
        ("#uuid \"x\"", "1:7", "not a uuid", "0190163d"),
        ("#uuid \"0190163d8694739baea5966c26f8ad91\"", "1:7", "not a uuid", "0190163d"),
        ("#bytes \"0\"", "1:8", "even number", "00ff"),
        ("#bytes \"zz\"", "1:8", "even number", "00ff"),
        ("#uri :a", "1:1", "wants a string", "https"),
        ("é ü", "1:3", "more text follows", "one form"),
    ] {
        refuse(text, Code::EdnSyntax, place, message, help);
    }
}

#[test]
fn limits_hold_at_the_border() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let tagged = |depth: usize| format!("{}1", "#a ".repeat(depth));
    check(&nested(edn::LIMIT_DEPTH), &nested(edn::LIMIT_DEPTH));
    check(&tagged(edn::LIMIT_DEPTH), &tagged(edn::LIMIT_DEPTH));
    let regex_in = |depth: usize| format!("{}#\"a\"{}", "[".repeat(depth), "]".repeat(depth));
    check(&regex_in(edn::LIMIT_DEPTH - 1), &regex_in(edn::LIMIT_DEPTH - 1));
    refuse(&regex_in(edn::LIMIT_DEPTH), Code::EdnLimit, "1:257", "256 levels", "flatten");
    refuse(&nested(edn::LIMIT_DEPTH + 1), Code::EdnLimit, "1:257", "256 levels", "flatten");
    refuse(&tagged(edn::LIMIT_DEPTH + 1), Code::EdnLimit, "1:769", "256 levels", "flatten");
    refuse(&"#_".repeat(300), Code::EdnLimit, "1:513", "256 levels", "flatten");

    let digits = "1".repeat(edn::LIMIT_DIGITS);
    check(&digits, &format!("{digits}N"));
    check(&format!("1e{}M", edn::LIMIT_DIGITS), "1E1000M");
    refuse(&format!("{digits}1"), Code::EdnLimit, "1:1", "1000 digits", "string");
    refuse(&format!("0x{digits}1"), Code::EdnLimit, "1:1", "1000 digits", "string");
    refuse("1e1001M", Code::EdnLimit, "1:1", "exponent", "double");
    refuse("1e-99999999999999999999M", Code::EdnLimit, "1:1", "exponent", "double");
}

#[test]
fn a_megabyte_of_brackets_is_refused_at_once_on_a_small_stack() {
    let work = || {
        for opener in ["[", "(", "{", "#{", "#a ", "#_", "[{", "{:a "] {
            let text = opener.repeat((1 << 20) / opener.len());
            let start = Instant::now();
            let error = edn::read(&text).expect_err("the text is too deep");
            assert_eq!(error.code(), Code::EdnLimit, "{opener}");
            assert!(error.position().is_some());
            assert!(start.elapsed() < Duration::from_millis(50), "{opener}: {:?}", start.elapsed());
        }
        // The deepest value there is: read, compared, hashed, printed, cloned and dropped.
        for (open, close) in [("[", "]"), ("#{", "}"), ("{1 ", "}"), ("{", " 1}"), ("(", ")"), ("#a ", "")] {
            let text = format!("{}1{}", open.repeat(edn::LIMIT_DEPTH), close.repeat(edn::LIMIT_DEPTH));
            let form = edn::read_form(&text).expect("the depth is allowed");
            let value = form.to_value();
            assert_eq!(value.to_string(), text);
            assert_eq!(edn::read(&text).expect("the depth is allowed"), value);
            assert!(serde_json::to_string(&value).is_ok());
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).expect("a thread starts").join().expect("the work is done");
}

#[test]
fn finding_duplicates_stays_cheap_at_any_depth() {
    // A set around a set around a set, each with a second element: no level may cost as much as all that is inside it.
    let big = format!("#{{{}}}", (0..100_000).map(|n| n.to_string()).collect::<Vec<_>>().join(" "));
    let text = format!("{}{big}{}", "#{#{} ".repeat(200), "}".repeat(200));
    let start = Instant::now();
    let form = edn::read_form(&text).expect("no element occurs twice");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(form.kind_name(), "set");
}

#[test]
fn any_number_of_forms_is_read_with_their_places() {
    let forms = edn::read_forms("1 [2\n3] ; x\n é").expect("the text is EDN");
    let places: Vec<_> = forms.iter().map(|form| (form.span.start, form.span.end)).collect();
    assert_eq!(places, [(0, 1), (2, 7), (13, 15)]);
    assert!(edn::read_forms("").expect("no form is a number of forms").is_empty());
    let error = edn::read_forms("1 2 ]").expect_err("a bracket too many");
    assert_eq!(error.position().map(|position| position.column), Some(5));
}

#[test]
fn any_bytes_are_refused_or_read_but_never_panic() {
    let seed: u64 = std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7);
    let pieces = [
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "#{",
        "#",
        "#_",
        "\"",
        "\\",
        ":",
        "/",
        "a",
        "1",
        "0",
        "-",
        "+",
        ".",
        "e",
        "M",
        "N",
        "x",
        " ",
        ",",
        ";",
        "\n",
        "é",
        "😀",
        "#inst ",
        "#uuid ",
        "\"2026-11-20\"",
        "##",
        "Inf",
        "u",
        "\\u",
        "d83d",
        "\u{a0}",
        "#db/id ",
        "#db/tagged ",
        "nil",
    ];
    let mut state = seed;
    for round in 0..60_000 {
        let mut text = String::new();
        for _ in 0..=round % 12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
        }
        if let Ok(value) = edn::read(&text) {
            assert_eq!(edn::read(&value.to_string()).ok().as_ref(), Some(&value), "SEED={seed} {text}");
        }
    }
}

#[test]
fn json_shows_values_as_the_command_line_promises() {
    for (text, expected) in [
        ("nil", "null"),
        ("[true 1 -2.5 2.0 ##Inf ##-Inf]", r#"[true,1,-2.5,2.0,"Infinity","-Infinity"]"#),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("[1.20M 5e3M 5e-60M]", "[1.20,5e+3,5e-60]"),
        ("#db/id 5", "5"),
        ("#inst \"2026-11-20T10:00:00.5Z\"", r#""2026-11-20T10:00:00.5Z""#),
        ("[:a/b sym \\c #uri \"u:v\"]", r#"[":a/b","sym","c","u:v"]"#),
        ("#uuid \"0190163d-8694-739b-aea5-966c26f8ad91\"", r#""0190163d-8694-739b-aea5-966c26f8ad91""#),
        ("#bytes \"00ff10\"", r#""AP8Q""#),
        ("#{2 1}", "[1,2]"),
        ("(1 2)", "[1,2]"),
        ("{:p/name \"x\" \"s\" 1 3 4}", r#"{"3":4,":p/name":"x","s":1}"#),
        ("#a 1", r##""#a 1""##),
    ] {
        let value: Value = edn::read(text).expect("the text is EDN");
        assert_eq!(serde_json::to_string(&value).expect("every value is JSON"), expected, "{text}");
    }
}
