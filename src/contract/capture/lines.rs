//! A stream of bytes, cut into lines without losing one.
//!
//! The newline `\n` ends a line and belongs to none; a `\r` before it belongs to its line. What no newline ended is *partial*: a
//! piece of a line that was longer than [`LIMIT_LINE_BYTES`], a prompt flushed because nothing followed for a while, or
//! the end of the output. So the stream is, byte for byte, all pieces in order with a newline after each that is not partial.

use memchr::memchr;

/// Bytes of one piece. A line longer than this goes on in the next piece: a value passes through memory several times,
/// and a program may write gigabytes without a newline.
pub const LIMIT_LINE_BYTES: usize = 1 << 20;

/// Cuts one stream into lines. Holds at most one piece.
#[derive(Debug)]
pub struct LineSplitter {
    rest: Vec<u8>,
    limit_bytes: usize,
}

/// A line without its newline, or a piece of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// No newline followed.
    pub is_partial: bool,
}

impl Default for LineSplitter {
    fn default() -> Self {
        Self::with_limit(LIMIT_LINE_BYTES)
    }
}

impl LineSplitter {
    /// A splitter whose pieces have at most so many bytes (at least 4, the longest character).
    pub fn with_limit(limit_bytes: usize) -> Self {
        Self { rest: Vec::new(), limit_bytes: limit_bytes.max(4) }
    }

    /// Takes in what was read, and gives every line that is now complete.
    ///
    /// ```
    /// use annals::contract::capture::LineSplitter;
    /// let (mut splitter, mut lines) = (LineSplitter::default(), Vec::new());
    /// splitter.push(b"one\ntwo\nthr", |piece| lines.push(piece.bytes.to_vec()));
    /// splitter.push(b"ee\n", |piece| lines.push(piece.bytes.to_vec()));
    /// assert_eq!(lines, [&b"one"[..], b"two", b"three"]);
    /// ```
    pub fn push(&mut self, mut chunk: &[u8], mut each: impl FnMut(Piece<'_>)) {
        while let Some(end) = memchr(b'\n', chunk) {
            let (line, after) = (&chunk[..end], &chunk[end + 1..]);
            if self.rest.is_empty() && line.len() <= self.limit_bytes {
                each(Piece { bytes: line, is_partial: false });
            } else {
                self.extend(line, &mut each);
                each(Piece { bytes: &self.rest, is_partial: false });
                self.rest.clear();
            }
            chunk = after;
        }
        self.extend(chunk, &mut each);
    }

    /// Gives what is held although no newline came, for a pause in the stream. A character of which only the first bytes came
    /// is held back.
    pub fn flush(&mut self, each: impl FnMut(Piece<'_>)) {
        self.flush_but(|_| 0, each);
    }

    /// The same, and as many of the last bytes as `held_back` says wait for more.
    pub fn flush_but(&mut self, held_back: impl FnOnce(&[u8]) -> usize, mut each: impl FnMut(Piece<'_>)) {
        let end = boundary(&self.rest).min(self.rest.len() - held_back(&self.rest).min(self.rest.len()));
        if end > 0 {
            each(Piece { bytes: &self.rest[..end], is_partial: true });
            self.rest.drain(..end);
        }
    }

    /// Gives what is held, for the end of the stream.
    pub fn finish(&mut self, mut each: impl FnMut(Piece<'_>)) {
        if !self.rest.is_empty() {
            each(Piece { bytes: &self.rest, is_partial: true });
            self.rest = Vec::new();
        }
    }

    /// True if bytes without a newline are held.
    pub fn is_holding(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Appends to what is held; gives full pieces as soon as more than one piece is there.
    fn extend(&mut self, mut bytes: &[u8], each: &mut impl FnMut(Piece<'_>)) {
        while self.rest.len() + bytes.len() > self.limit_bytes {
            let (now, later) = bytes.split_at(self.limit_bytes - self.rest.len());
            self.rest.extend_from_slice(now);
            let end = match cut(&self.rest) {
                0 => self.rest.len(),
                end => end,
            };
            each(Piece { bytes: &self.rest[..end], is_partial: true });
            self.rest.drain(..end);
            bytes = later;
        }
        self.rest.extend_from_slice(bytes);
    }
}

/// Bytes at the end of a full piece in which a blank is looked for: words are not cut, so that a key or a password stays whole.
const LIMIT_WORD_BYTES: usize = 8 << 10;

/// Where a full piece ends: behind its last blank or sign, if one is near its end.
fn cut(bytes: &[u8]) -> usize {
    let from = bytes.len() - LIMIT_WORD_BYTES.min(bytes.len() / 4);
    let is_gap = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b';' | b'"' | b'\'' | b'<' | b'>' | b'{' | b'}');
    bytes[from..].iter().rposition(is_gap).map_or_else(|| boundary(bytes), |at| from + at + 1)
}

/// The end of the last whole character: less than the length only if the last bytes are the beginning of a character.
fn boundary(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        let wanted = match bytes[at] {
            0x80..=0xBF => continue,
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        return if wanted > back { at } else { bytes.len() };
    }
    bytes.len()
}
