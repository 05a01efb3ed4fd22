//! Secrets taken out of lines on their way into a run, stream by stream.

use std::borrow::Cow;

use crate::contract::line::{Line, Stream};
use crate::redact::{LineRedactor, Redactor};

/// What is remembered of the lines of each stream, and of those that belong to none.
#[derive(Clone, Debug)]
pub(super) struct Redacting([LineRedactor; 3]);

impl Redacting {
    pub(super) fn new(redactor: &Redactor) -> Self {
        Self(std::array::from_fn(|_| LineRedactor::new(redactor.clone())))
    }

    /// How many secrets were replaced.
    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(LineRedactor::count).sum()
    }

    /// The lines as they are to be written.
    pub(super) fn lines<'l>(&mut self, lines: &'l [Line]) -> Cow<'l, [Line]> {
        let mut redacted = Cow::Borrowed(lines);
        for (at, line) in lines.iter().enumerate() {
            if let Some(line) = self.line(line) {
                redacted.to_mut()[at] = line;
            }
        }
        redacted
    }

    /// The line without its secrets; `None` if it has none.
    pub(super) fn line(&mut self, line: &Line) -> Option<Line> {
        let of_stream = match line.stream {
            Some(Stream::Stdout) => 0,
            Some(Stream::Stderr) => 1,
            None => 2,
        };
        let said = line.bytes.as_deref().unwrap_or(line.message.as_bytes());
        match self.0[of_stream].line(said, line.is_partial) {
            Cow::Borrowed(_) => None,
            Cow::Owned(bytes) => {
                let read = Line::from_bytes(line.level.clone(), &bytes);
                Some(Line { message: read.message, bytes: read.bytes, ..line.clone() })
            }
        }
    }
}
