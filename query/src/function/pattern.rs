//! Regular expressions, compiled once and kept. They run in time linear in the text, whatever the pattern, and a pattern that would
//! grow large is refused in place of being compiled.
//!
//! The crate's own syntax with these of Clojure and JavaScript: `\d \w \s \b` mean ASCII alone, and `\Q..\E` quotes.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use regex::{Regex, RegexBuilder};

use super::argument::refuse;
use crate::edn::REGEX_TAG;
use crate::error::{Code, Error, Result};
use crate::value::Value;

/// Bytes of a pattern. A class such as `\PL` takes two bytes and stands for a thousand ranges, so that reading a pattern costs far more
/// than its length.
const LIMIT_PATTERN_BYTES: usize = 2_048;

/// Classes such as `\PL` in a pattern: with more of them it would be too large when compiled, but only after a long time.
const LIMIT_CLASSES: usize = 64;

/// Bytes of a compiled pattern: the first of these that it stays within tells how large it is.
const LIMITS_COMPILED_BYTES: [usize; 4] = [1 << 12, 1 << 16, 1 << 18, 1 << 20];

/// Bytes of a text times bytes of a compiled pattern. Each byte of the text may visit the whole pattern, and nothing stops a search once
/// it has begun; this much takes about a second.
const LIMIT_WORK: usize = 1 << 34;

/// Compiled patterns that a thread keeps: more than a query has, and few enough to be looked through.
const LIMIT_KEPT: usize = 32;

/// What a pattern is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A regular expression that is found anywhere in a text.
    Part,
    /// A regular expression that matches a text as a whole.
    Whole,
    /// `%` and `_` of SQL with this escape character; matches a text as a whole.
    Like(char),
}

struct Kept {
    dialect: Dialect,
    text: Box<str>,
    compiled: std::result::Result<Rc<Pattern>, Refusal>,
}

/// A compiled pattern and how large it is.
pub(super) struct Pattern {
    regex: Regex,
    bytes: usize,
}

impl Pattern {
    /// The regular expression, unless searching this text for it could take too long.
    pub(super) fn within(&self, name: &str, text: &str) -> Result<&Regex> {
        let longest = LIMIT_WORK / self.bytes;
        if text.len() <= longest {
            return Ok(&self.regex);
        }
        let message =
            format!("`{name}` would search a text of {} bytes for a pattern allowed in texts of up to {longest}", text.len());
        Err(Error::new(Code::LimitExceeded, message)
            .with_value(Value::from(self.regex.as_str()))
            .with_help("take a part of the text with subs, or repeat fewer times and smaller classes in the pattern"))
    }
}

/// Why a pattern cannot be used. It is kept as well, since compiling a wrong one for each row costs as much.
#[derive(Clone)]
struct Refusal {
    code: Code,
    reason: String,
    help: &'static str,
}

thread_local! {
    /// The patterns used last, newest first.
    static KEPT: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

/// The text of a pattern given as a string or as `#"..."`.
pub(super) fn text_of<'a>(name: &str, args: &'a [Value], place: usize) -> Result<&'a str> {
    match &args[place] {
        Value::String(text) => Ok(text),
        value => regex_text(value).ok_or_else(|| {
            refuse(name, place, "a regular expression", value)
                .with_help("write it as #\"\\d+\" or as a string, \"\\\\d+\"; it stands before the text")
        }),
    }
}

/// The text of `#"..."`; `None` for any other value.
pub(super) fn regex_text(value: &Value) -> Option<&str> {
    match value {
        Value::Tagged(tag, content) if &**tag == REGEX_TAG => match &**content {
            Value::String(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// The pattern ready to be used; compiled unless it is among those used last.
pub(super) fn compiled(name: &str, place: usize, dialect: Dialect, text: &str) -> Result<Rc<Pattern>> {
    let found = KEPT.with_borrow_mut(|kept| {
        if let Some(at) = kept.iter().position(|known| known.dialect == dialect && *known.text == *text) {
            kept[..=at].rotate_right(1);
        } else {
            kept.truncate(LIMIT_KEPT - 1);
            kept.insert(0, Kept { dialect, text: text.into(), compiled: compile(dialect, text) });
        }
        kept[0].compiled.clone()
    });
    found.map_err(|Refusal { code, reason, help }| {
        Error::new(code, format!("argument {} of `{name}` {reason}", place + 1)).with_value(Value::from(text)).with_help(help)
    })
}

fn compile(dialect: Dialect, text: &str) -> std::result::Result<Rc<Pattern>, Refusal> {
    if text.len() > LIMIT_PATTERN_BYTES {
        return Err(Refusal {
            code: Code::LimitExceeded,
            reason: format!("is a pattern of more than {LIMIT_PATTERN_BYTES} bytes"),
            help: "split it into several predicates, or test for one of many texts with (in ?text [..])",
        });
    }
    match dialect {
        Dialect::Like(escape) => build(&like(text, escape)?),
        Dialect::Part => build(&translated(text)),
        Dialect::Whole => {
            let text = translated(text);
            // By itself first: what is wrong alone, such as `a)(b`, may be right within brackets.
            build(&text)?;
            // A pattern with (?x) may end in a comment, which the end of the line ends.
            build(&format!(r"\A(?:{text})\z")).or_else(|_| build(&format!("\\A(?:{text}\n)\\z")))
        }
    }
    .map(Rc::new)
}

fn build(text: &str) -> std::result::Result<Pattern, Refusal> {
    if text.matches("\\p").count() + text.matches("\\P").count() > LIMIT_CLASSES {
        return Err(too_large());
    }
    for bytes in LIMITS_COMPILED_BYTES {
        match RegexBuilder::new(text).size_limit(bytes).build() {
            Ok(regex) => return Ok(Pattern { regex, bytes }),
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(error) => return Err(malformed(&error)),
        }
    }
    Err(too_large())
}

fn too_large() -> Refusal {
    Refusal {
        code: Code::LimitExceeded,
        reason: "is a pattern that grows too large when compiled".to_owned(),
        help: "repeat fewer times, or repeat smaller classes: [a-z]{200} is small, \\p{L}{200} is not",
    }
}

fn malformed(error: &regex::Error) -> Refusal {
    let text = error.to_string();
    let reason = text.rsplit_once("error: ").map_or(&*text, |(_, reason)| reason);
    Refusal {
        code: Code::ArgumentType,
        reason: format!("is not a regular expression: {}", reason.trim_end()),
        help: "write it as for Java or JavaScript, without look-around and back-references; \\Q..\\E quotes a text",
    }
}

/// The pattern with what Java means by `\d \w \s \b` and `\Q..\E` written out.
fn translated(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut result = String::with_capacity(text.len() + 32);
    let mut rest = text;
    let mut class_depth = 0_usize;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '[' => class_depth += 1,
            ']' => class_depth = class_depth.saturating_sub(1),
            _ => {}
        }
        let escaped = if c == '\\' { rest.chars().next() } else { None };
        let Some(escaped) = escaped else {
            result.push(c);
            continue;
        };
        rest = &rest[escaped.len_utf8()..];
        match escaped {
            'd' => result.push_str("[0-9]"),
            'D' => result.push_str("[^0-9]"),
            'w' => result.push_str("[0-9A-Za-z_]"),
            'W' => result.push_str("[^0-9A-Za-z_]"),
            's' => result.push_str(r"[ \t\n\x0B\f\r]"),
            'S' => result.push_str(r"[^ \t\n\x0B\f\r]"),
            'b' if class_depth == 0 => result.push_str(r"(?-u:\b)"),
            'Q' => {
                let (quoted, after) = rest.split_once("\\E").unwrap_or((rest, ""));
                result.push_str(&regex::escape(quoted));
                rest = after;
            }
            other => result.extend(['\\', other]),
        }
    }
    Cow::Owned(result)
}

/// The regular expression for a pattern of SQL's `like`.
fn like(text: &str, escape: char) -> std::result::Result<String, Refusal> {
    let mut result = String::from(r"(?s)\A");
    let mut chars = text.chars();
    let mut buffer = [0; 4];
    while let Some(c) = chars.next() {
        let literal = match c {
            c if c == escape => chars.next().ok_or(Refusal {
                code: Code::ArgumentType,
                reason: "ends with its escape character".to_owned(),
                help: "write the escape character twice to mean itself, or choose another: {:escape \\\\}",
            })?,
            '%' => {
                result.push_str(".*?");
                continue;
            }
            '_' => {
                result.push('.');
                continue;
            }
            c => c,
        };
        result.push_str(&regex::escape(literal.encode_utf8(&mut buffer)));
    }
    result.push_str(r"\z");
    Ok(result)
}
