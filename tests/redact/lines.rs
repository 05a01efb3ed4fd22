//! Lines and pieces: secrets wherever a stream is cut, the bytes that are no text, and what a pause shows.

use std::time::{Duration, Instant};

use annals::contract::capture::{LineSplitter, Piece};
use annals::redact::{LineRedactor, Redactor, open_secret};

use crate::corpus::{Chance, cases, leaks, seed};

/// What is recorded of a stream that a splitter with this limit cuts, pieces of one line joined again.
fn recorded(stream: &[u8], limit: usize) -> String {
    let (mut splitter, mut lines) = (LineSplitter::with_limit(limit), LineRedactor::new(Redactor::new([9; 32])));
    let mut out = Vec::new();
    let mut keep = |piece: Piece<'_>| {
        out.extend_from_slice(&lines.line(piece.bytes, piece.is_partial));
        if !piece.is_partial {
            out.push(b'\n');
        }
    };
    splitter.push(stream, &mut keep);
    splitter.finish(&mut keep);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn a_secret_at_the_border_of_two_pieces_is_taken_out_wherever_the_border_is() {
    let mut chance = Chance::new(seed());
    let limit = 4096;
    for case in cases().iter().filter(|case| !case.text.contains(['⏎', '⋯'])) {
        let lead = limit - chance.below(case.text.len() + 1);
        let stream = format!("{} {}\n", "words of a log ".repeat(lead / 15 + 1).split_at(lead).0, case.text);
        let (out, whole) = (recorded(stream.as_bytes(), limit), recorded(stream.as_bytes(), 1 << 20));
        // What is a secret only at the beginning of a line is none behind words.
        for secret in case.secrets.iter().filter(|secret| !leaks(&whole, secret)) {
            assert!(
                !leaks(&out, secret),
                "SEED={} {lead}: {secret} is left in {}",
                seed(),
                &out[out.len().saturating_sub(400)..]
            );
        }
    }
}

#[test]
fn a_line_below_a_secret_that_says_something_of_its_own_is_read_by_itself() {
    // Made here, so that no line of this file looks like a key.
    let token = format!("connecting with token=ghp{}", "_abcdefghijklmnopqrstuvwxyz0123456789");
    for (below, expected) in [
        ("password=hunter2hunter2", "password=[REDACTED:password:"),
        ("retries=3", "retries=3"),
        ("step 2 of 3", "step 2 of 3"),
        ("a1B2c3D4e5F6==", "[REDACTED:github-token:"),
    ] {
        let out = recorded(format!("{token}\n{below}\n").as_bytes(), 1 << 20);
        let line = out.lines().nth(1).expect("two lines");
        assert!(line.starts_with(expected), "{below}: {line}");
    }
}

#[test]
fn bytes_that_are_no_text_stay_around_what_is_taken_out() {
    let redactor = Redactor::new([9; 32]);
    let line = b"\xFF\xFE password=hunter2 \x80\x00end";
    let redacted = redactor.bytes(line);
    assert!(redacted.starts_with(b"\xFF\xFE password=[REDACTED:password:") && redacted.ends_with(b"] \x80\x00end"));
}

#[test]
fn a_pause_does_not_show_the_beginning_of_a_secret() {
    for (text, held) in [
        ("name? ", 0),
        ("Password: ", 0),
        ("progress 45%", 0),
        ("token=ghp_abc", 7),
        ("using AKIAABCD", 8),
        ("password=hunt", 4),
        ("https://ada:hunt", 0),
    ] {
        assert_eq!(open_secret(text.as_bytes()), held, "{text}");
    }
}

#[test]
fn what_no_newline_ends_for_long_is_taken_out_in_time_that_grows_with_its_length() {
    // Words that begin secrets, and none ends: each is looked at with a bound.
    for part in [
        "password=\"",
        "key=\\\"",
        "eyJ",
        "-----BEGIN PRIVATE KEY",
        "https://a:b",
        "token ",
        "Cookie: a=",
        "\\u0022key\\u0022:",
        "curl -u ",
        "secret_",
    ] {
        let line = part.repeat((1 << 20) / part.len());
        let began = Instant::now();
        let redacted = Redactor::new([9; 32]).bytes(line.as_bytes()).into_owned();
        let took = began.elapsed();
        assert!(took < Duration::from_secs(10), "{part}: {took:?} for {} bytes", line.len());
        assert!(redacted.len() < line.len() * 8, "{part}");
    }
}

#[test]
fn no_bytes_whatever_they_are_make_a_redactor_fail() {
    let mut chance = Chance::new(seed());
    let cases = cases();
    let mut lines = LineRedactor::new(Redactor::new([9; 32]));
    for _ in 0..4_000 {
        let mut line = cases[chance.below(cases.len())].text.clone().into_bytes();
        for _ in 0..chance.below(8) {
            let at = chance.below(line.len() + 1);
            match chance.below(4) {
                0 => line.truncate(at),
                1 => line.insert(at, [0, 0x1B, b'\\', b'"', b'=', b':', 0xFF, b'\n'][chance.below(8)]),
                2 => line.splice(at..at, cases[chance.below(cases.len())].text.bytes().take(40)).for_each(drop),
                _ => line.drain(..at).for_each(drop),
            }
        }
        let is_partial = chance.below(5) == 0;
        let _ = lines.line(&line, is_partial);
        let _ = open_secret(&line);
    }
}
