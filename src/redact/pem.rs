//! Private keys in armour: `-----BEGIN .. PRIVATE KEY-----`, on one line or on many.

use memchr::memmem;

use super::scan::Secret;
use super::shape::reaches_end;

/// Lines that a key may have: one of 16,384 bits has 200.
pub(super) const LIMIT_KEY_LINES: usize = 400;

/// Lines of something else that may stand among those of a key, as two programs write to one stream.
pub(super) const LIMIT_STRANGE_LINES: usize = 8;

/// Characters of base64 that a line of a key has, but for its last one.
const LEAST_BODY: usize = 16;

const KIND: &str = "private-key";

/// The key whose `PRIVATE KEY` stands at `at`, and whether it goes on in the next line.
pub(super) fn key(text: &[u8], at: usize) -> Option<(Secret, bool)> {
    let before = &text[at.saturating_sub(40)..at];
    memmem::rfind(before, b"BEGIN ")?;
    let after = &text[at..];
    // `PRIVATE KEY-----`, `PRIVATE KEY BLOCK-----`, `PRIVATE KEY ----`.
    let dashes = memmem::find(&after[..after.len().min(32)], b"----")?;
    let start = at + dashes + after[dashes..].iter().take_while(|byte| **byte == b'-').count();
    let body = &text[start..];
    if body.starts_with(b"[REDACTED:") {
        return None;
    }
    if let Some(length) = memmem::find(body, b"-END ") {
        let length = body[..length].iter().rposition(|byte| *byte != b'-').map_or(0, |at| at + 1);
        return (length > 0).then_some((Secret { start, end: start + length, kind: KIND, rank: 3 }, false));
    }
    if reaches_end(text, start) || body.len() < 8 {
        return Some((Secret { start, end: start, kind: KIND, rank: 3 }, true));
    }
    Some((Secret { start, end: text.len(), kind: KIND, rank: 3 }, true))
}

/// A key of which some lines came.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    lines: usize,
    strange: usize,
    was_body: bool,
}

/// What a line is inside a key.
pub(super) enum Inside {
    /// Part of the key: these bytes of it.
    Body(Vec<Secret>),
    /// Nothing of the key.
    Strange,
    /// Its last line, or too far from its first.
    Over(Vec<Secret>),
}

impl Block {
    pub(super) fn line(&mut self, text: &[u8]) -> Inside {
        self.lines += 1;
        if let Some(end) = memmem::find(text, b"-END ") {
            let end = text[..end].iter().rposition(|byte| *byte != b'-').map_or(0, |at| at + 1);
            return Inside::Over(runs(&text[..end], LEAST_BODY));
        }
        let mut found = runs(text, LEAST_BODY);
        if found.is_empty() && self.was_body {
            found.extend(last_run(text));
        }
        self.was_body = found.iter().any(|secret| secret.end - secret.start >= LEAST_BODY);
        self.strange = if found.is_empty() { self.strange + 1 } else { 0 };
        if self.lines > LIMIT_KEY_LINES || self.strange > LIMIT_STRANGE_LINES {
            return Inside::Over(found);
        }
        if found.is_empty() { Inside::Strange } else { Inside::Body(found) }
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

fn runs(text: &[u8], least: usize) -> Vec<Secret> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let length = text[at..].iter().take_while(|byte| is_base64(**byte)).count();
        if length >= least {
            found.push(Secret { start: at, end: at + length, kind: KIND, rank: 3 });
        }
        at += length + 1;
    }
    found
}

/// The end of a line, if it is all base64: the last line of a key may be short.
fn last_run(text: &[u8]) -> Option<Secret> {
    let end = text.iter().rposition(|byte| is_base64(*byte))? + 1;
    let length = text[..end].iter().rev().take_while(|byte| is_base64(**byte)).count();
    // The letter of a `\n` in quotes.
    let end =
        if length > 1 && text[end - 1] == b'n' && text.get(end).is_some() && text[end - 2] == b'\\' { end - 2 } else { end };
    let is_alone = text[..end - length].iter().all(|byte| !byte.is_ascii_alphanumeric() || text[..end - length].ends_with(b" "));
    is_alone.then_some(Secret { start: end - length, end, kind: KIND, rank: 3 })
}
