//! The part of a text that is shown with an error: the lines around its place, or a piece of a line that is very long.

use annals::query::{Position, Span};
use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// Bytes of a line that are shown on each side of a place; a line from a machine may be megabytes.
const LIMIT_SIDE_BYTES: usize = 120;

/// Bytes of a place that are underlined.
const LIMIT_PLACE_BYTES: usize = 240;

/// A part of a text, with the name of the text and where the part stands in it.
#[derive(Debug)]
pub(super) struct Excerpt {
    name: String,
    shown: String,
    /// Where `shown` begins in the text, in bytes.
    offset: usize,
    /// Lines before `shown`.
    lines_before: usize,
    place: Position,
    /// What to underline, in bytes of the whole text.
    underlined: (usize, usize),
}

impl Excerpt {
    /// The part of `text` around `span`.
    pub(super) fn new(name: &str, text: &str, span: Span) -> Self {
        let start = boundary(text, span.start as usize);
        let end = boundary(text, (span.end as usize).clamp(start, start.saturating_add(LIMIT_PLACE_BYTES)));
        let (from, until) = (window_start(text, start), window_end(text, end));
        Self {
            name: name.to_owned(),
            shown: harmless(&text[from..until]),
            offset: from,
            lines_before: text[..from].matches('\n').count(),
            place: span.position_in(text),
            underlined: (start, end - start),
        }
    }

    /// Offset and length of what to underline.
    pub(super) fn underlined(&self) -> (usize, usize) {
        self.underlined
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        _: &SourceSpan,
        context_lines_before: usize,
        _: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        // Without context the place itself is asked for, which is told as `name:line:column`.
        let (line, column) = match context_lines_before {
            0 => (self.place.line as usize - 1, self.place.column as usize - 1),
            _ => (self.lines_before, 0),
        };
        let span = (self.offset, self.shown.len()).into();
        Ok(Box::new(MietteSpanContents::new_named(self.name.clone(), self.shown.as_bytes(), span, line, column, 1)))
    }
}

/// The beginning of the line before, unless one of the two is too long to be shown.
fn window_start(text: &str, start: usize) -> usize {
    let earliest = boundary(text, start.saturating_sub(LIMIT_SIDE_BYTES));
    let before = &text[earliest..start];
    let lines: Vec<usize> = before.rmatch_indices('\n').map(|(at, _)| earliest + at + 1).take(2).collect();
    match (earliest, lines.as_slice()) {
        (0, [] | [_]) => 0,
        (_, []) => earliest,
        (_, lines) => lines[lines.len() - 1],
    }
}

/// The end of the line behind, unless one of the two is too long to be shown.
fn window_end(text: &str, end: usize) -> usize {
    let latest = boundary(text, end.saturating_add(LIMIT_SIDE_BYTES));
    let after = &text[end..latest];
    let lines: Vec<usize> = after.match_indices('\n').map(|(at, _)| end + at).take(2).collect();
    match lines.as_slice() {
        _ if latest == text.len() && lines.len() < 2 => latest,
        [] => latest,
        lines => lines[lines.len() - 1],
    }
}

/// The same bytes long, without what would move the cursor.
fn harmless(text: &str) -> String {
    let shown = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { "?".repeat(c.len_utf8()) } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// The nearest beginning of a character at or before an offset.
fn boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
