//! The level of a line: what the line itself says in a well-known way.
//!
//! Known ways, each at the beginning of the line, after colours, blanks and an optional timestamp:
//!
//! | way | example |
//! |---|---|
//! | a word with colon | `error: no such file`, `warning: unused`, `error[E0308]: mismatched`, `Error: boom`, `fatal: not a repository` |
//! | a place, then a word with colon | `main.c:3:5: error: expected ';'`, `clang: error: ..`, `a.ts(3,5): error TS2304: ..` |
//! | a word in capitals | `ERROR no route`, `WARN  slow`, `ERROR:root:boom`, `2026-01-02 10:00:00,123 - app - ERROR - boom` |
//! | a word in brackets | `[error] 12#0: ..`, `[2026-01-02T10:00:00Z WARN app] slow` |
//! | logfmt | `time=.. level=error msg=..` |
//! | JSON | `{"level":"error", ..}`, also `severity`, `lvl`, and the numbers 10 to 60 |
//! | glog | `E0102 10:00:00.000000 7 main.go:3] boom` |
//! | the name of an exception | `ValueError: bad`, `java.lang.IllegalStateException: bad` |
//! | tools of their own mind | `npm ERR! code`, `CMake Error at ..`, `make: *** [all] Error 1` |
//!
//! Everything else is `info`: a line that merely talks of errors (`0 errors`, `error_handler.rs compiled`) is none. Only the first
//! [`LIMIT_EXAMINED_BYTES`] of a line are looked at, each once or twice, so the cost of a line is bounded.

use super::structured;
use crate::contract::level::Level;

/// Bytes of a line that are looked at: a level stands near the beginning, and a line may be a megabyte.
pub const LIMIT_EXAMINED_BYTES: usize = 2048;

/// Words looked at after a timestamp in search of a level in capitals.
const LIMIT_WORDS: usize = 6;

/// The level that a line claims for itself, else [`Level::Info`].
///
/// ```
/// use annals::contract::{Level, capture::detect_level};
/// assert_eq!(detect_level(b"error[E0308]: mismatched types"), Level::Error);
/// assert_eq!(detect_level(b"test result: ok. 0 errors"), Level::Info);
/// ```
pub fn detect_level(line: &[u8]) -> Level {
    let line = &line[..line.len().min(LIMIT_EXAMINED_BYTES)];
    if memchr::memchr(0x1B, line).is_some() {
        return claimed(&without_colours(line)).unwrap_or(Level::Info);
    }
    claimed(line).unwrap_or(Level::Info)
}

fn claimed(line: &[u8]) -> Option<Level> {
    let line = line.trim_ascii_start();
    match line.first()? {
        b'{' => structured::json_level(line),
        b'I' | b'W' | b'E' | b'F' if is_glog(line) => Some(glog_level(line[0])),
        _ => prefixed(line),
    }
}

/// Takes out ANSI escape sequences: `ESC [ .. letter`, `ESC ] .. BEL` and `ESC` with one more byte.
fn without_colours(line: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr::memchr(0x1B, rest) {
        plain.extend_from_slice(&rest[..at]);
        let sequence = &rest[at + 1..];
        let length = match sequence.first() {
            Some(b'[') => sequence.iter().skip(1).position(|byte| (0x40..=0x7E).contains(byte)).map(|at| at + 2),
            Some(b']') => sequence.iter().position(|byte| *byte == 0x07).map(|at| at + 1),
            _ => Some(1),
        };
        rest = sequence.get(length.unwrap_or(sequence.len())..).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    plain
}

/// `E0102 10:..`: a letter, month and day, a blank.
fn is_glog(line: &[u8]) -> bool {
    line.len() > 8 && line[1..5].iter().all(u8::is_ascii_digit) && line[5] == b' ' && line[6].is_ascii_digit()
}

fn glog_level(letter: u8) -> Level {
    match letter {
        b'I' => Level::Info,
        b'W' => Level::Warn,
        _ => Level::Error,
    }
}

/// Goes over the first words: timestamps, brackets and punctuation lead on to the word that may be a level; after a timestamp
/// some further words may (the name of a logger, a thread, a process), but then only capitals count.
fn prefixed(line: &[u8]) -> Option<Level> {
    let mut rest = line;
    let mut was_time = false;
    for index in 0..LIMIT_WORDS {
        let start = rest.trim_ascii_start();
        let length = word_length(start);
        let word = &start[..length];
        if word.is_empty() {
            return None;
        }
        let after = &start[length..];
        if let Some(level) = word_level(word, after) {
            return Some(level);
        }
        if index == 0
            && let Some(level) = first_word_level(word, after)
        {
            return Some(level);
        }
        if structured::is_pair(word) {
            return structured::logfmt_level(start);
        }
        let leads_on = is_time(word) || is_punctuation(word) || matches!(word[0], b'[' | b'(') || is_source(word, after);
        if !leads_on && !was_time {
            return None;
        }
        was_time |= is_time(word) || (word[0] == b'[' && is_time(&word[1..]));
        rest = after;
    }
    None
}

/// A word ends at a blank; a word that opens with a bracket ends after the closing one, so that `[main thread]` is one word.
fn word_length(start: &[u8]) -> usize {
    let end = if start.first() == Some(&b'[') { memchr::memchr(b']', start).map(|at| at + 1) } else { None };
    end.unwrap_or_else(|| start.iter().position(u8::is_ascii_whitespace).unwrap_or(start.len()))
}

/// A word that is a level by itself: in capitals, with a colon, with a code, or in brackets.
fn word_level(word: &[u8], after: &[u8]) -> Option<Level> {
    if matches!(word[0], b'[' | b'<' | b'(') {
        return bracket_level(word);
    }
    let (name, tail) = word.split_at(letters(word));
    let level = level_of(name)?;
    let is_capitals = name.iter().all(u8::is_ascii_uppercase);
    let is_claim = match tail {
        b"" => is_capitals || (name == b"fatal" && after.starts_with(b" error:")),
        b":" => true,
        b"!" | b"|" | b"," => is_capitals,
        [b':', next, ..] => is_capitals && *next != b':',
        [b'[', ..] => tail.ends_with(b"]") || tail.ends_with(b"]:"),
        _ => false,
    };
    is_claim.then_some(level)
}

/// `[error]`, `[WARN ]`, `<error>`, and any word in capitals inside, as in `[2026-01-02T10:00:00Z ERROR app::net]`.
fn bracket_level(word: &[u8]) -> Option<Level> {
    let inside = word.strip_suffix(b":").unwrap_or(word);
    let inside = inside.get(1..inside.len().checked_sub(1)?)?;
    let mut words = inside.split(|byte| matches!(byte, b' ' | b'|' | b',')).filter(|word| !word.is_empty());
    let (first, second) = (words.next()?, words.next());
    if second.is_none() {
        return level_of(first);
    }
    [Some(first), second, words.next(), words.next()]
        .into_iter()
        .flatten()
        .filter(|word| word.iter().all(u8::is_ascii_uppercase))
        .find_map(level_of)
}

/// What only the first word of a line can be: an exception, a place before `error:`, a tool of its own mind.
fn first_word_level(word: &[u8], after: &[u8]) -> Option<Level> {
    if matches!(word, b"npm" | b"CMake") {
        let after = after.trim_ascii_start();
        return level_of(&after[..letters(after)]);
    }
    let name = word.strip_suffix(b":").filter(|name| !name.is_empty())?;
    let is_exception = (name.ends_with(b"Error") || name.ends_with(b"Exception")) && is_dotted_name(name);
    if is_exception || after.starts_with(b" *** ") {
        return Some(Level::Error);
    }
    place_level(after.trim_ascii_start())
}

/// After `main.c:3:5:` or `clang:`: `error:`, `fatal error:`, `error C2065:`, also after a second such place (`ld: a.o: warning:`).
fn place_level(after: &[u8]) -> Option<Level> {
    let mut rest = after;
    for _ in 0..2 {
        let word = &rest[..word_length(rest)];
        let tail = &rest[word.len()..];
        if word.is_empty() {
            return None;
        }
        if let Some(level) = word_level(word, tail) {
            return Some(level);
        }
        if matches!(word, b"error" | b"warning") && is_code_with_colon(tail) {
            return level_of(word);
        }
        if !word.ends_with(b":") {
            return None;
        }
        rest = tail.trim_ascii_start();
    }
    None
}

/// ` C2065:` and ` TS2304:`.
fn is_code_with_colon(tail: &[u8]) -> bool {
    let code = tail.trim_ascii_start();
    let letters = code.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let digits = code[letters..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=4).contains(&letters) && digits > 0 && code.get(letters + digits) == Some(&b':')
}

/// `ValueError` or `java.lang.IllegalStateException`, not `std::error::Error` nor a sentence.
fn is_dotted_name(name: &[u8]) -> bool {
    name[0].is_ascii_alphabetic() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$'))
}

fn letters(word: &[u8]) -> usize {
    word.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(word.len())
}

fn level_of(word: &[u8]) -> Option<Level> {
    Level::from_word(std::str::from_utf8(word).ok()?)
}

/// A date, a time, a number of seconds, the name of a month or of a time zone.
fn is_time(word: &[u8]) -> bool {
    let is_digits = |byte: &u8| byte.is_ascii_digit() || b":-/.,+TZ[]".contains(byte);
    let has_separator = || word.iter().any(|byte| b":-/.,".contains(byte));
    match word {
        b"Jan" | b"Feb" | b"Mar" | b"Apr" | b"May" | b"Jun" | b"Jul" | b"Aug" | b"Sep" | b"Oct" | b"Nov" | b"Dec" | b"UTC" => {
            true
        }
        [first, ..] => first.is_ascii_digit() && word.len() >= 5 && word.iter().all(is_digits) && has_separator(),
        [] => false,
    }
}

/// `-`, `|`, `***`, `>>`: what stands between the parts of a log line.
fn is_punctuation(word: &[u8]) -> bool {
    word.iter().all(|byte| b"-|*>!#=:".contains(byte))
}

/// `web-1  | ERROR ..`: the name of a container before a bar.
fn is_source(word: &[u8], after: &[u8]) -> bool {
    word[0].is_ascii_alphabetic() && after.trim_ascii_start().starts_with(b"| ")
}
