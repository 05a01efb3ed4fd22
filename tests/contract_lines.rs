//! A stream of bytes becomes lines, each with its level, and nothing is lost on the way.
//!
//! Attacked by streams cut at every place and at random ones, by lines longer than the limit, by characters cut in two, and by a table of
//! lines that real tools write, among them lines that talk of errors without being one.

use annals::contract::Level;
use annals::contract::capture::{LIMIT_EXAMINED_BYTES, LineSplitter, Piece, detect_level, quote_command};

/// The pieces of a stream that comes in these chunks, as `(text, is partial)`.
fn split(limit: usize, chunks: &[&[u8]]) -> Vec<(Vec<u8>, bool)> {
    let (mut splitter, mut pieces) = (LineSplitter::with_limit(limit), Vec::new());
    let mut keep = |piece: Piece<'_>| pieces.push((piece.bytes.to_vec(), piece.is_partial));
    for chunk in chunks {
        splitter.push(chunk, &mut keep);
    }
    splitter.finish(&mut keep);
    pieces
}

/// The stream that these pieces came from.
fn join(pieces: &[(Vec<u8>, bool)]) -> Vec<u8> {
    let mut stream = Vec::new();
    for (bytes, is_partial) in pieces {
        stream.extend_from_slice(bytes);
        if !is_partial {
            stream.push(b'\n');
        }
    }
    stream
}

#[track_caller]
fn check_split(limit: usize, chunks: &[&[u8]], expected: &[(&str, bool)]) {
    let expected: Vec<_> = expected.iter().map(|(text, is_partial)| (text.as_bytes().to_vec(), *is_partial)).collect();
    assert_eq!(split(limit, chunks), expected);
}

#[test]
fn a_newline_ends_a_line_and_what_none_ended_is_partial() {
    check_split(99, &[b""], &[]);
    check_split(99, &[b"a\n"], &[("a", false)]);
    check_split(99, &[b"a"], &[("a", true)]);
    check_split(99, &[b"\n\n"], &[("", false), ("", false)]);
    check_split(99, &[b"a\r\nb"], &[("a\r", false), ("b", true)]);
    check_split(99, &[b"a", b"b", b"\n", b"c\nd\n"], &[("ab", false), ("c", false), ("d", false)]);
}

#[test]
fn a_line_longer_than_the_limit_goes_on_in_the_next_piece() {
    check_split(4, &[b"abcdefghij\nk\n"], &[("abcd", true), ("efgh", true), ("ij", false), ("k", false)]);
    check_split(4, &[b"abcd\n"], &[("abcd", false)]);
    check_split(4, &[b"abcd", b"\n"], &[("abcd", false)]);
    check_split(4, &["abc\u{e4}de\n".as_bytes()], &[("abc", true), ("\u{e4}de", false)]);
}

#[test]
fn pieces_joined_are_the_stream_wherever_it_is_cut() {
    let stream = "one\n\u{1F600}zwei \u{e4}\u{f6}\u{fc}\r\n\n\0nul\nno end \u{20AC}".as_bytes();
    let broken = b"\xFF\xFE\n\xE2\x82\n\x80\x80\x80\x80\x80\x80\x80\n\xF0\x9F";
    for stream in [stream, &broken[..]] {
        for limit in [4, 5, 7, 64] {
            for cut in 0..=stream.len() {
                for step in 1..5 {
                    let mut chunks = vec![&stream[..cut]];
                    chunks.extend(stream[cut..].chunks(step));
                    assert_eq!(join(&split(limit, &chunks)), stream, "limit {limit}, cut {cut}, step {step}");
                }
            }
        }
    }
}

#[test]
fn a_pause_shows_a_prompt_but_never_half_a_character() {
    let (mut splitter, mut pieces) = (LineSplitter::default(), Vec::new());
    splitter.push("name? \u{e4}".as_bytes().split_last().expect("not empty").1, |_| panic!("no line is complete"));
    splitter.flush(|piece| pieces.push((piece.bytes.to_vec(), piece.is_partial)));
    assert_eq!(pieces, [(b"name? ".to_vec(), true)]);
    assert!(splitter.is_holding());
    splitter.push(b"\xA4\n", |piece| pieces.push((piece.bytes.to_vec(), piece.is_partial)));
    assert_eq!(pieces[1], ("\u{e4}".as_bytes().to_vec(), false));
    assert!(!splitter.is_holding());
}

#[track_caller]
fn check_levels(level: &Level, lines: &str) {
    for line in lines.lines().map(|line| line.trim_start_matches("    ")).filter(|line| !line.is_empty()) {
        assert_eq!(detect_level(line.as_bytes()), *level, "{line}");
    }
}

#[test]
fn a_line_that_calls_itself_an_error_is_one() {
    check_levels(
        &Level::Error,
        r#"
        error: could not compile `x` (lib) due to 1 previous error
        error[E0308]: mismatched types
        Error: ENOENT: no such file or directory, open 'x'
        ERROR
        ERROR: boom
        ERROR:root:boom
        CRITICAL:root:boom
        FATAL: password authentication failed for user "x"
        fatal: not a git repository (or any of the parent directories): .git
        [error] boom
        [ERROR] boom
        [ERROR]: boom
        [2026-01-02T10:00:00Z ERROR my_crate::net] connection refused
        2026-01-02T10:00:00.123456Z ERROR my_crate::net: connection refused
        2026-01-02 10:00:00,123 - mylogger - ERROR - boom
        2026-01-02 10:00:00,123 ERROR [main] com.example.Main: boom
        10:00:00.123 [main] ERROR com.example.Main - boom
        10:00:00.123 [main thread] ERROR com.example.Main - boom
        2026/01/02 10:00:00 [error] 12#0: *1 open() "/x" failed (2: No such file or directory)
        Jan 02 10:00:00 host app[12]: ERROR boom
        2026-01-02 10:00:00 error: boom
        2026-01-02 10:00:00.123 UTC [42] FATAL:  the database system is starting up
        web-1  | ERROR boom
        | ERROR boom
        *** ERROR: boom
        main.c:3:5: error: expected ';' after expression
        main.c:3:10: fatal error: nope.h: No such file or directory
        clang: error: linker command failed with exit code 1
        /usr/bin/ld: error: cannot find -lnope
        /usr/bin/ld: a.o: error: undefined reference
        a.ts(3,5): error TS2304: Cannot find name 'x'.
        a.cpp(3): error C2065: 'x': undeclared identifier
        level=error msg=boom
        time="2026-01-02T10:00:00Z" level=error msg="level=info is in the text"
        time=2026-01-02T10:00:00Z msg="all is level=info" level=fatal
        ts=1 lvl=eror msg=boom
        {"level":"error","msg":"boom"}
        {"time":1,"request":{"level":"info"},"level" : "ERROR"}
        {"msg":"say \"level\":\"info\"","severity":"CRITICAL"}
        {"level":50,"time":1,"msg":"boom"}
        E0102 10:00:00.000000 7 main.go:3] boom
        ValueError: invalid literal for int() with base 10: 'x'
        java.lang.IllegalStateException: bad
        npm ERR! code ELIFECYCLE
        npm error code ELIFECYCLE
        CMake Error at CMakeLists.txt:3 (message):
        make: *** [Makefile:3: all] Error 1
        make[2]: *** No rule to make target 'x'.  Stop.
        "#,
    );
}

#[test]
fn other_levels_are_read_in_the_same_ways() {
    check_levels(
        &Level::Warn,
        r#"
        warning: unused variable: `x`
        Warning: deprecated
        WARN slow
        WARN[0012] slow
        WARNING:root:slow
        [warn] slow
        [2026-01-02T10:00:00Z WARN  app] slow
        2026-01-02T10:00:00Z  WARN app: slow ERROR
        main.c:3:5: warning: unused variable 'x' [-Wunused-variable]
        level=warning msg="an error"
        {"level":"warn","error":"none"}
        {"level":40}
        W0102 10:00:00.000000 7 main.go:3] slow
        npm WARN deprecated x@1
        CMake Warning (dev) at CMakeLists.txt:3:
        "#,
    );
    check_levels(
        &Level::Debug,
        "DEBUG:root:x\n[2026-01-02T10:00:00Z DEBUG app] x\nlevel=debug msg=x\n10:00:00 DBG x\n{\"level\":\"debug\"}",
    );
    check_levels(&Level::Trace, "TRACE x\n2026-01-02T10:00:00Z TRACE app: x\n{\"level\":10}");
}

#[test]
fn a_line_that_talks_of_errors_is_none() {
    check_levels(
        &Level::Info,
        r#"
        0 errors
        no error found
        error_handler.rs compiled
        error handling works
        errors: 0
        Errors: 0, Warnings: 0
        Error rate: 5%
        test error::tests::parse ... ok
        error::tests passed
           Compiling error-lib v1.0.0
           Compiling thiserror v2.0.0
        test result: ok. 12 passed; 0 failed
        INFO no ERROR here
        2026-01-02T10:00:00Z  INFO app: recovered from ERROR
        [info] warning: quoted
        level=info msg="error: x"
        {"level":"info","msg":"error: x"}
        {"msg":"x","nested":{"level":"error"}}
        {"level":true}
        {"error":"x"}
        run with --level=error to see less
        the flag level=error is known
        NO ERROR FOUND
        ERRORS 0
        std::error::Error: a trait
        https://example.org/error: a page
        note: an error occurred before this
        help: add `error: x`
        I0102 10:00:00.000000 7 main.go:3] error
        E0102
        12 warnings generated.
        [1/3] Building error.o
        [===>   ] 10% ERRORS
        a | b
        2026-01-02
        -
        {
        {"
        {"level":
        [
        [error
        =
        level=
        "#,
    );
    check_levels(&Level::Info, " \n\t\n:\n::\n(\n()\n[]\n<>\nnpm\nCMake\n*** \n");
    assert_eq!(detect_level(b""), Level::Info);
    assert_eq!(detect_level(b"\xFF\xFE error: x"), Level::Info);
}

#[test]
fn colours_do_not_hide_a_level() {
    check_levels(
        &Level::Error,
        "\u{1b}[0m\u{1b}[1m\u{1b}[38;5;9merror[E0425]\u{1b}[0m\u{1b}[0m\u{1b}[1m: cannot find value\u{1b}[0m",
    );
    check_levels(
        &Level::Warn,
        "\u{1b}[1m\u{1b}[33mwarning\u{1b}[0m\u{1b}[1m: unused\n\u{1b}]8;;x\u{7}\u{1b}[33m WARN\u{1b}[0m app",
    );
    check_levels(&Level::Info, "\u{1b}[0m\u{1b}[32mINFO\u{1b}[0m error: x\n\u{1b}\n\u{1b}[\n\u{1b}]\n\u{1b}[31m");
}

#[test]
fn a_level_costs_no_more_on_a_long_line() {
    for filler in ["a ", "[", "]", "{", "\"", "\\", "=", "a=b ", "level ", "[a] ", "\u{1b}[", "- ", "error ", "2026-01-02 "] {
        let long = filler.repeat(1 << 20);
        detect_level(long.as_bytes());
        detect_level(format!("{{\"{long}").as_bytes());
    }
    let late = format!("{} level=error", "a=b ".repeat(LIMIT_EXAMINED_BYTES));
    assert_eq!(detect_level(late.as_bytes()), Level::Info);
}

#[test]
fn a_command_is_quoted_as_a_shell_reads_it() {
    #[track_caller]
    fn check(words: &[&str], expected: &str) {
        assert_eq!(quote_command(words), expected);
    }
    check(&["cargo", "build", "--features=a,b"], "cargo build --features=a,b");
    check(&["sh", "-c", "echo $HOME; ls"], "sh -c 'echo $HOME; ls'");
    check(&["it's", ""], r"'it'\''s' ''");
    check(&["A=b", "C=d"], "'A=b' C=d");
    check(&["\u{e4}", "a\nb", "*"], "\u{e4} 'a\nb' '*'");
    check(&[], "");
}
