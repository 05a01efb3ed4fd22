//! A text without the escape sequences of terminals, and where each of its bytes stood.

use std::borrow::Cow;

use memchr::memchr;

const ESCAPE: u8 = 0x1B;

/// A text without colours. Most texts have none and are borrowed.
pub(super) struct Plain<'t> {
    bytes: Cow<'t, [u8]>,
    /// Where each byte stood; empty if nothing was left out.
    places: Vec<usize>,
}

impl Plain<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the byte at this index stood.
    pub(super) fn place(&self, at: usize) -> usize {
        self.places.get(at).copied().unwrap_or(at)
    }

    /// Where what ends before this index ended: sequences behind its last byte stay.
    pub(super) fn place_after(&self, end: usize) -> usize {
        if self.places.is_empty() || end == 0 { end } else { self.places[end - 1] + 1 }
    }
}

/// Leaves out `ESC [ .. letter`, `ESC ] .. BEL` and `ESC` with one more character of ASCII; of a longer character no byte is
/// ever left out, so that what was a text stays one.
pub(super) fn without_colours(text: &[u8]) -> Plain<'_> {
    let Some(first) = memchr(ESCAPE, text) else { return Plain { bytes: Cow::Borrowed(text), places: Vec::new() } };
    let mut bytes = text[..first].to_vec();
    let mut places: Vec<usize> = (0..first).collect();
    let mut at = first;
    while at < text.len() {
        if text[at] == ESCAPE {
            at += sequence_length(&text[at + 1..]) + 1;
        } else {
            bytes.push(text[at]);
            places.push(at);
            at += 1;
        }
    }
    Plain { bytes: Cow::Owned(bytes), places }
}

fn sequence_length(after: &[u8]) -> usize {
    let length = match after.first() {
        Some(b'[') => after.iter().skip(1).position(|byte| (0x40..=0x7E).contains(byte)).map(|at| at + 2),
        Some(b']') => after.iter().position(|byte| *byte == 0x07).map(|at| at + 1),
        Some(byte) if byte.is_ascii() && *byte != ESCAPE => Some(1),
        _ => Some(0),
    };
    // A sequence that does not end is no sequence: what follows stays in sight.
    length.filter(|length| *length <= 64).unwrap_or(1)
}
