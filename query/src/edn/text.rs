//! Strings and characters, with their escapes.

use memchr::memchr2;
use nom::bytes::complete::take_while_m_n;
use nom::combinator::map_res;
use nom::{IResult, Parser as _};

use super::{UNCLOSED, span, syntax};
use crate::error::{Error, Result, Span};

/// The characters that have names.
pub(super) const NAMED: [(&str, char); 6] =
    [("newline", '\n'), ("return", '\r'), ("space", ' '), ("tab", '\t'), ("formfeed", '\u{c}'), ("backspace", '\u{8}')];

/// Reads a string whose opening quote stands at `open`: the text and where it ends. Text without escapes goes to
/// `plain` as it stands, text with escapes to `built`.
pub(super) fn string<T>(
    text: &str,
    open: usize,
    plain: impl FnOnce(&str) -> T,
    built: impl FnOnce(String) -> T,
) -> Result<(T, usize)> {
    let body = open + 1;
    let mut at = next_special(text, body, open)?;
    if text.as_bytes()[at] == b'"' {
        return Ok((plain(&text[body..at]), at + 1));
    }
    let mut result = String::from(&text[body..at]);
    while text.as_bytes()[at] == b'\\' {
        let (c, after) = escape(text, at)?;
        result.push(c);
        at = next_special(text, after, open)?;
        result.push_str(&text[after..at]);
    }
    Ok((built(result), at + 1))
}

fn next_special(text: &str, from: usize, open: usize) -> Result<usize> {
    memchr2(b'"', b'\\', &text.as_bytes()[from..]).map(|at| from + at).ok_or_else(|| {
        syntax(format!("this string {UNCLOSED}"), span(open, open + 1))
            .with_help("add the closing `\"`; inside a string write \\\"")
    })
}

/// Where a regular expression ends whose opening quote stands at `open`. A backslash stays, with what follows it.
pub(super) fn regex_end(text: &str, open: usize) -> Result<usize> {
    let bytes = text.as_bytes();
    let mut at = open + 1;
    while let Some(special) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += special;
        if bytes[at] == b'"' {
            return Ok(at + 1);
        }
        at += 2;
    }
    Err(syntax(format!("this regular expression {UNCLOSED}"), span(open - 1, open + 1))
        .with_help("add the closing `\"`; inside a regular expression write \\\""))
}

/// True if a text can stand between the quotes of `#"..."` and be read back the same.
pub(super) fn can_be_regex(text: &str) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let is_sound = match c {
            '"' => false,
            '\\' => chars.next().is_some_and(|escaped| !escaped.is_control()),
            c => !c.is_control(),
        };
        if !is_sound {
            return false;
        }
    }
    true
}

fn escape(text: &str, at: usize) -> Result<(char, usize)> {
    let rest = &text[at + 1..];
    let simple = match rest.bytes().next() {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'u') => return unicode_escape(text, at),
        _ => return Err(refuse_escape(text, at)),
    };
    Ok((simple, at + 2))
}

fn unicode_escape(text: &str, at: usize) -> Result<(char, usize)> {
    let Ok((_, high)) = hexadecimal(&text[at + 2..]) else { return Err(refuse_escape(text, at)) };
    if let Some(c) = char::from_u32(u32::from(high)) {
        return Ok((c, at + 6));
    }
    // The first half of a pair, as JSON and Java write what lies beyond U+FFFF.
    let low = text[at + 6..].strip_prefix("\\u").and_then(|rest| hexadecimal(rest).ok());
    let pair = low.and_then(|(_, low)| char::decode_utf16([high, low]).next()).and_then(std::result::Result::ok);
    pair.map(|c| (c, at + 12)).ok_or_else(|| {
        let help = "write both halves of the pair, or the character itself";
        syntax("half of a surrogate pair is no character", span(at, at + 6)).with_help(help)
    })
}

fn hexadecimal(text: &str) -> IResult<&str, u16> {
    map_res(take_while_m_n(4, 4, |c: char| c.is_ascii_hexdigit()), |digits| u16::from_str_radix(digits, 16)).parse(text)
}

fn refuse_escape(text: &str, at: usize) -> Error {
    let length = text[at + 1..].chars().next().map_or(0, char::len_utf8);
    syntax("this escape is unknown", span(at, at + 1 + length))
        .with_value(&text[at..at + 1 + length])
        .with_help(r#"use \n \t \r \b \f \" \\ or \u and four hexadecimal digits; write a backslash as \\"#)
}

/// The character that `atom`, which starts with a backslash, stands for.
pub(super) fn character(atom: &str, span: Span) -> Result<char> {
    let name = &atom[1..];
    let mut chars = name.chars();
    if let (Some(only), None) = (chars.next(), chars.next()) {
        return Ok(only);
    }
    if let Some((_, c)) = NAMED.iter().find(|(known, _)| *known == name) {
        return Ok(*c);
    }
    let unicode = name.strip_prefix('u').and_then(|digits| hexadecimal(digits).ok()).filter(|(rest, _)| rest.is_empty());
    unicode.and_then(|(_, code)| char::from_u32(u32::from(code))).ok_or_else(|| {
        syntax("this character is unknown", span)
            .with_value(atom)
            .with_help("use \\a, \\newline, \\return, \\space, \\tab, \\formfeed, \\backspace or \\u and four hexadecimal digits")
    })
}
