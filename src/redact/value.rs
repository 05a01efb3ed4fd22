//! What a name is given: where it begins and ends, in whatever way it is quoted, and what is no secret although it stands there.

use memchr::memchr;

/// Bytes of a quoted value that are looked through for its end.
const LIMIT_QUOTED_BYTES: usize = 64 << 10;

/// A value in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) is_quoted: bool,
}

/// What stands for a quotation mark inside other formats.
const QUOTES: [&[u8]; 7] = [b"\\u0022", b"\\u0027", b"&quot;", b"&#34;", b"&#39;", b"%22", b"%27"];

/// The length of the quotation mark that begins here, with the backslashes before it.
pub(super) fn quote_length(text: &[u8]) -> usize {
    if let Some(quote) = QUOTES.iter().find(|quote| text.starts_with(quote)) {
        return quote.len();
    }
    let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
    match text.get(slashes) {
        Some(b'"' | b'\'') => slashes + 1,
        Some(b'`') if slashes == 0 => 1,
        _ => 0,
    }
}

pub(super) fn skip_blanks(text: &[u8], at: usize) -> usize {
    at + text[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// The value that begins here. Unquoted values end at a blank, or at what separates fields unless `to_blank` says otherwise.
pub(super) fn place(text: &[u8], at: usize, to_blank: bool) -> Place {
    // Prefixes of texts in programming languages: b"..", r'..', f"..".
    let at = match text.get(at..at + 2) {
        Some([b'b' | b'r' | b'f' | b'u' | b'$' | b'@', b'"' | b'\'']) => at + 1,
        _ => at,
    };
    let quote = quote_length(&text[at..]);
    if quote > 0
        && let Some(end) = quoted_end(text, at, quote)
    {
        return Place { start: at + quote, end, is_quoted: true };
    }
    let start = at + quote;
    let stops = |byte: u8| if to_blank { byte.is_ascii_whitespace() } else { is_end(byte) };
    let length = text[start..].iter().position(|byte| stops(*byte)).unwrap_or(text.len() - start);
    let mut end = start + length;
    for encoded in [&b"%26"[..], b"\\n", b"\\r", b"\\u0026", b"&amp;", b"%0A", b"%20"] {
        if let Some(at) = memchr::memmem::find(&text[start..end], encoded) {
            end = start + at;
        }
    }
    // A backslash at the end of a line joins it to the next, and is no part of the value.
    while end > start && text[end - 1] == b'\\' {
        end -= 1;
    }
    Place { start, end, is_quoted: false }
}

fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(byte, b',' | b';' | b'&' | b'"' | b'\'' | b'<' | b'>' | b')' | b'}' | b']' | b'|' | b'`')
}

/// Where the value ends whose quotation mark of so many bytes begins at `at`.
fn quoted_end(text: &[u8], at: usize, quote: usize) -> Option<usize> {
    let opening = &text[at..at + quote];
    let start = at + quote;
    let bound = text.len().min(start + LIMIT_QUOTED_BYTES);
    if QUOTES.contains(&opening) {
        return memchr::memmem::find(&text[start..bound], opening).map(|length| start + length);
    }
    let (mark, slashes) = (opening[quote - 1], quote - 1);
    let mut from = start;
    loop {
        from += memchr(mark, text.get(from..bound)?)?;
        let before = text[start..from].iter().rev().take_while(|byte| **byte == b'\\').count();
        // Inside text that was escaped n times a mark of the text itself has more backslashes.
        if before <= slashes || (slashes == 0 && before % 2 == 0) {
            return Some(from - before.min(slashes));
        }
        from += 1;
    }
}

/// True for a mark that a redactor wrote.
pub(super) fn is_mark(text: &str) -> bool {
    text.starts_with("[REDACTED:")
}

/// Words that stand where a secret would, and are none.
const PLACEHOLDERS: &[&str] = &[
    "null",
    "none",
    "nil",
    "true",
    "false",
    "undefined",
    "string",
    "str",
    "text",
    "bytes",
    "number",
    "int",
    "integer",
    "boolean",
    "bool",
    "object",
    "any",
    "required",
    "optional",
    "missing",
    "empty",
    "yes",
    "no",
    "hidden",
    "masked",
    "redacted",
    "removed",
    "filtered",
    "secret_manager",
    "changeme_not_set",
    "unset",
    "set",
    "not",
    "is",
    "was",
    "the",
    "a",
    "an",
    "for",
    "from",
    "to",
    "in",
    "of",
    "and",
    "or",
    "has",
    "must",
    "should",
    "cannot",
    "can",
    "does",
    "invalid",
    "incorrect",
    "wrong",
    "expired",
    "ok",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "i8",
    "i16",
    "i32",
    "i64",
    "isize",
    "f32",
    "f64",
    "char",
    "self",
    "this",
    "default",
    "disabled",
    "enabled",
    "unknown",
    "n/a",
    "varchar",
    "option",
    "vec",
    "asc",
    "desc",
    "<nil>",
    "<none>",
];

/// True for what says that a secret is elsewhere or absent: `***`, `<token>`, `${TOKEN}`, `%s`, `null`, a mark of ours.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let Some(first) = value.first() else { return true };
    if value.starts_with(b"[REDACTED") || value.starts_with(b"REDACTED") {
        return true;
    }
    if value.iter().all(|byte| matches!(byte, b'*' | b'.' | b'x' | b'X' | b'-' | b'_' | b'#' | b'?' | b'/' | b'\\' | b'=' | b':'))
    {
        return true;
    }
    let rest = &value[1..];
    let is_reference = match first {
        b'$' => matches!(rest.first(), Some(b'{' | b'(')) || is_name(rest),
        b'%' => is_name(rest) || (rest.ends_with(b"%") && is_name(&rest[..rest.len() - 1])) || rest.starts_with(b"("),
        b'{' | b'(' | b'[' | b'<' => true,
        b'&' | b'@' => is_name(rest) && !rest.iter().any(u8::is_ascii_digit),
        _ => false,
    };
    is_reference || is_format(value) || PLACEHOLDERS.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(value))
}

/// True for `%s:%s` and `{}`: places of values, and nothing beside them.
fn is_format(value: &[u8]) -> bool {
    let mut rest = value.iter().copied();
    let mut has_place = false;
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => has_place |= matches!(rest.next(), Some(b's' | b'd' | b'v' | b'q' | b'r')),
            b'{' => {
                has_place = true;
                while rest.next().is_some_and(|byte| byte != b'}') {}
            }
            byte if byte.is_ascii_alphanumeric() => return false,
            _ => {}
        }
    }
    has_place
}

fn is_name(text: &[u8]) -> bool {
    !text.is_empty() && text.len() < 40 && text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}
