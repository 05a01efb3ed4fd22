//! Secrets that go on over several lines of one stream: keys in armour, joined and wrapped lines, values below their names.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::Redactor;
use super::name::{self, Sort};
use super::pem::{Block, Inside};
use super::plain::{Plain, without_colours};
use super::scan::{self, Secret};
use super::shape::reaches_end;
use super::value::is_placeholder;

/// Bytes of a piece of a line that are kept in memory, so that what the next piece begins with is understood.
const LIMIT_TAIL_BYTES: usize = 256;

/// A line at least so long may have been broken by a terminal or a mailer.
const LEAST_BROKEN: usize = 40;

static NAME: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("name"));

/// Replaces secrets in the lines of one stream, given in order.
///
/// ```
/// use annals::redact::{LineRedactor, Redactor};
/// let mut lines = LineRedactor::new(Redactor::new([7; 32]));
/// for line in ["-----BEGIN PRIVATE KEY-----", "MIIBVQIBADANBgkqhkiG9w0BAQEFAASCAT8wggE7AgEAAkEAq7BFUpkGp3", "-----END PRIVATE KEY-----"] {
///     let redacted = lines.text(line);
///     assert_eq!(redacted.contains("MIIB"), false, "{redacted}");
/// }
/// assert_eq!(lines.count(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct LineRedactor {
    redactor: Redactor,
    state: State,
    /// The end of the last piece, if no newline followed it.
    tail: Vec<u8>,
    count: u64,
}

/// What the last line leaves open.
#[derive(Clone, Debug)]
enum State {
    Nothing,
    /// A private key goes on.
    Key(Block),
    /// A secret reached the end of the line; `is_joined` if a backslash says that the next goes on with it.
    Reached {
        kind: &'static str,
        is_joined: bool,
    },
    /// A name that means a secret, and no value; `is_sure` if the next line must be it.
    Named {
        kind: &'static str,
        is_sure: bool,
    },
}

impl LineRedactor {
    /// For the first line of a stream.
    pub fn new(redactor: Redactor) -> Self {
        Self { redactor, state: State::Nothing, tail: Vec::new(), count: 0 }
    }

    /// How many secrets were replaced so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The next line, without its newline.
    pub fn text<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        match self.line(text.as_bytes(), false) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(super::into_text(bytes)),
        }
    }

    /// The next line, or a piece of one that no newline ended.
    pub fn line<'t>(&mut self, line: &'t [u8], is_partial: bool) -> Cow<'t, [u8]> {
        let plain = without_colours(line);
        let found = self.find(&plain);
        self.tail.clear();
        if is_partial {
            self.tail.extend_from_slice(&plain.bytes()[plain.bytes().len().saturating_sub(LIMIT_TAIL_BYTES)..]);
        }
        self.count += found.len() as u64;
        if found.is_empty() { Cow::Borrowed(line) } else { Cow::Owned(self.redactor.replace(line, &plain, &found)) }
    }

    fn find(&mut self, plain: &Plain<'_>) -> Vec<Secret> {
        let text = plain.bytes();
        let mut opens_key = false;
        let mut found = if self.tail.is_empty() {
            scan::find_in_line(text, &mut opens_key)
        } else {
            self.find_behind_tail(text, &mut opens_key)
        };
        let before = std::mem::replace(&mut self.state, State::Nothing);
        let open = match before {
            State::Nothing => None,
            State::Key(block) => go_on_with_key(block, text, &mut found),
            State::Reached { kind, is_joined } => rest_of_secret(text, kind, is_joined, &mut found),
            State::Named { kind, is_sure } => {
                value_below(text, kind, is_sure, &mut found);
                None
            }
        };
        self.state = match open {
            Some(open) => open,
            None if opens_key => State::Key(Block::default()),
            None => left_open(text, &found),
        };
        found
    }

    /// What is found in the last piece and this one together, as far as it lies in this one.
    fn find_behind_tail(&mut self, text: &[u8], opens_key: &mut bool) -> Vec<Secret> {
        let border = self.tail.len();
        self.tail.extend_from_slice(text);
        let mut found = scan::find_in_line(&self.tail, opens_key);
        found.retain(|secret| secret.end > border);
        for secret in &mut found {
            *secret = Secret { start: secret.start.max(border) - border, end: secret.end - border, ..*secret };
        }
        found
    }
}

fn go_on_with_key(mut block: Block, text: &[u8], found: &mut Vec<Secret>) -> Option<State> {
    match block.line(text) {
        Inside::Strange => Some(State::Key(block)),
        Inside::Body(secrets) => {
            *found = secrets;
            Some(State::Key(block))
        }
        Inside::Over(secrets) => {
            if !secrets.is_empty() {
                *found = secrets;
            }
            None
        }
    }
}

/// What the next line may go on with.
fn left_open(text: &[u8], found: &[Secret]) -> State {
    if let Some(last) = found.last().filter(|last| reaches_end(text, last.end)) {
        let is_joined = text.trim_ascii_end().ends_with(b"\\");
        let is_broken = last.rank >= 2 && text.len() >= LEAST_BROKEN;
        return if is_joined || is_broken { State::Reached { kind: last.kind, is_joined } } else { State::Nothing };
    }
    let line = text.trim_ascii_end();
    match line.last() {
        Some(b':' | b'=' | b'|' | b'>' | b'\\' | b'-') if line.len() < 256 => name_without_value(line),
        Some(byte) if line.len() < 256 && (byte.is_ascii_alphanumeric() || matches!(byte, b'"' | b'\'' | b',')) => {
            name_as_value(line)
        }
        _ => State::Nothing,
    }
}

/// `password: |`, `TOKEN=\`, `password:`.
fn name_without_value(line: &[u8]) -> State {
    let bare = line.trim_ascii_end();
    let end = bare.iter().rposition(|byte| !matches!(byte, b'|' | b'>' | b'-' | b'\\' | b' ' | b'+')).map_or(0, |at| at + 1);
    let is_sure = end < bare.len();
    let Some(sign) = end.checked_sub(1).filter(|at| matches!(bare[*at], b':' | b'=')) else {
        return State::Nothing;
    };
    let is_joined = bare.ends_with(b"\\");
    match named(bare[..sign].trim_ascii_end(), is_joined) {
        Some(kind) => State::Named { kind, is_sure },
        None => State::Nothing,
    }
}

/// `- name: DB_PASSWORD`, with `value: ..` to come.
fn name_as_value(line: &[u8]) -> State {
    let Some(at) = NAME.find(line) else { return State::Nothing };
    let rest = line[at + 4..].trim_ascii_start();
    let is_pair = rest.iter().take(3).any(|byte| matches!(byte, b':' | b'='));
    match named(line, false).filter(|_| is_pair) {
        Some(kind) => State::Named { kind, is_sure: false },
        None => State::Nothing,
    }
}

/// The kind of secret that the name at the end of a text surely means, or may mean.
fn named(text: &[u8], may: bool) -> Option<&'static str> {
    let end = text.iter().rposition(u8::is_ascii_alphanumeric)? + 1;
    if text.len() - end > 3 {
        return None;
    }
    let (from, _) = name::around(&text[..end], end, end);
    name::meaning(&text[from..end]).filter(|meaning| may || meaning.sort == Sort::Strong).map(|meaning| meaning.kind)
}

/// The rest of a secret whose beginning stood at the end of the line before.
fn rest_of_secret(text: &[u8], kind: &'static str, is_joined: bool, found: &mut Vec<Secret>) -> Option<State> {
    let start = text.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'"' | b'\''))?;
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_.-~".contains(byte);
    let length = if is_joined {
        text[start..].iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\'))
    } else {
        text[start..].iter().position(|byte| !is_part(byte))
    };
    let end = start + length.unwrap_or(text.len() - start);
    let rest = &text[start..end];
    let is_mixed = rest.iter().any(u8::is_ascii_digit)
        || (rest.iter().any(u8::is_ascii_uppercase) && rest.iter().any(u8::is_ascii_lowercase));
    if end == start || is_placeholder(rest) || !(is_joined || (reaches_end(text, end) && is_mixed)) {
        return None;
    }
    // Only its last line has a `=`, at its end: otherwise this line says something of its own.
    let is_own = !found.is_empty() || rest.trim_ascii_end().iter().skip_while(|byte| **byte != b'=').any(|byte| *byte != b'=');
    if !is_joined && is_own {
        return None;
    }
    *found = vec![Secret { start, end, kind, rank: 2 }];
    let goes_on = if is_joined { text[end..].contains(&b'\\') } else { text.len() >= LEAST_BROKEN };
    goes_on.then_some(State::Reached { kind, is_joined })
}

/// A value in the line below its name.
fn value_below(text: &[u8], kind: &'static str, is_sure: bool, found: &mut Vec<Secret>) {
    let trimmed = text.trim_ascii();
    let indent = text.len() - text.trim_ascii_start().len();
    let at = trimmed.iter().position(|byte| !matches!(byte, b'"' | b'\'' | b'-' | b' ')).unwrap_or(0);
    let (start, is_sure) = match trimmed.get(at..at + 5) {
        Some(word) if word.eq_ignore_ascii_case(b"value") => {
            let rest = trimmed[at + 5..].iter().position(|byte| !matches!(byte, b'"' | b'\'' | b':' | b'=' | b' '));
            (indent + at + 5 + rest.unwrap_or(0), true)
        }
        _ => (indent + trimmed.iter().position(|byte| !matches!(byte, b'"' | b'\'')).unwrap_or(0), is_sure),
    };
    let end = start
        + text[start..]
            .trim_ascii_end()
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\'' | b'\\'))
            .unwrap_or(text[start..].trim_ascii_end().len());
    let value = &text[start..end];
    let is_single = !value.contains(&b' ') && value.len() >= 6 && value.iter().any(u8::is_ascii_digit) && indent > 0;
    if !is_placeholder(value) && (is_sure || is_single) && !value.is_empty() {
        *found = vec![Secret { start, end, kind, rank: 1 }];
    }
}
