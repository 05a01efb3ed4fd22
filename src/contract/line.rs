//! One log line, about to be written.

use std::fmt;
use std::sync::Arc;
use std::sync::LazyLock;

use annals_query::Value;
use serde::{Serialize, Serializer};

use super::level::Level;
use crate::db::now_micros;

/// One log line, about to be written. Its number in the run is given when it is.
///
/// ```
/// use annals::contract::{Level, Line};
/// let line = Line::new(Level::Info, "ready");
/// assert_eq!(&*line.message, "ready");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it was said, in microseconds since 1970.
    pub ts: i64,
    /// How grave it is.
    pub level: Level,
    /// The text, with what is not UTF-8 replaced by U+FFFD.
    pub message: Arc<str>,
    /// The exact bytes, if the text cannot give them back.
    pub bytes: Option<Arc<[u8]>>,
    /// The stream that a program wrote it to.
    pub stream: Option<Stream>,
    /// No newline ended it.
    pub is_partial: bool,
}

/// A stream that a program writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Line {
    /// A line that is said now.
    pub fn new(level: Level, message: impl Into<Arc<str>>) -> Self {
        Self { ts: now_micros(), level, message: message.into(), bytes: None, stream: None, is_partial: false }
    }

    /// A line of bytes (without its newline) that is said now. Bytes that are not UTF-8 are kept beside the text.
    ///
    /// ```
    /// use annals::contract::{Level, Line};
    /// let line = Line::from_bytes(Level::Info, b"caf\xE9");
    /// assert_eq!(&*line.message, "caf\u{FFFD}");
    /// assert_eq!(line.bytes.as_deref(), Some(&b"caf\xE9"[..]));
    /// ```
    pub fn from_bytes(level: Level, bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::new(level, text),
            Err(_) => Self { bytes: Some(bytes.into()), ..Self::new(level, String::from_utf8_lossy(bytes)) },
        }
    }

    /// Number of bytes of the text as it was said.
    pub fn len_bytes(&self) -> usize {
        self.bytes.as_ref().map_or(self.message.len(), |bytes| bytes.len())
    }
}

static STREAMS: LazyLock<[Value; 2]> = LazyLock::new(|| ["stdout", "stderr"].map(Value::keyword));

impl Stream {
    /// The stream as the value of `:log/stream`.
    pub fn value(self) -> Value {
        STREAMS[usize::from(self == Self::Stderr)].clone()
    }

    /// `stdout` or `stderr`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Stream {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
