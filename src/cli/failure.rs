//! How a command fails: the error, the text its place refers to, and the exit code. The only place where errors are printed.

mod excerpt;

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use annals::query::{Code, Text};
use annals::{Error, ErrorKind};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, Report};
use serde_json::json;

use super::output::{printable, terminal_width};
use excerpt::Excerpt;

/// Characters of a message, a value or a remedy that are shown: what was given may be megabytes.
const LIMIT_SHOWN_CHARS: usize = 1_000;

/// An error on its way to the person or program that called.
#[derive(Debug)]
pub(super) enum Failure {
    /// To be told, with the name and text of what the place refers to.
    Told { error: Error, text: Option<(String, String)> },
    /// Nothing to tell: whoever read our output has gone.
    OutputClosed,
}

pub(super) type Outcome<T = ()> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<io::Error>());
        if source.is_some_and(|source| source.kind() == io::ErrorKind::BrokenPipe) {
            return Self::OutputClosed;
        }
        Self::Told { error, text: None }
    }
}

impl From<annals::query::Error> for Failure {
    fn from(error: annals::query::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Error::new(ErrorKind::Io, format!("reading or writing failed: {error}")).caused_by(error).into()
    }
}

/// Says which text an error's place refers to.
pub(super) trait InText<T> {
    /// `name` is what a person calls the text: a file's name, `query`, `input 1`.
    fn in_text(self, name: &str, text: &str) -> Outcome<T>;
}

impl<T, E: Into<Failure>> InText<T> for Result<T, E> {
    fn in_text(self, name: &str, text: &str) -> Outcome<T> {
        self.map_err(|error| error.into().within(name, text))
    }
}

/// A usage error that clap cannot see.
pub(super) fn usage(message: impl Into<String>, help: impl Into<String>) -> Failure {
    Error::new(ErrorKind::Usage, message).with_help(help).into()
}

impl Failure {
    /// An error, and the text in which its place lies.
    pub(super) fn of(error: Error, name: &str, text: &str) -> Self {
        Self::from(error).within(name, text)
    }

    fn within(self, name: &str, text: &str) -> Self {
        match self {
            Self::Told { error, text: None } => {
                Self::Told { error: error.located_in(text), text: Some((name.to_owned(), text.to_owned())) }
            }
            told => told,
        }
    }

    /// An error in an entry of a longer text, which the person knows by this name.
    pub(super) fn in_entry_of(self, name: &str, line: usize) -> Self {
        match self {
            Self::Told { error, text: Some((part, text)) } if ["entry", "query"].contains(&&*part) => {
                Self::Told { error, text: Some((format!("{name}, from line {line}"), text)) }
            }
            told => told,
        }
    }

    /// Prints the error to standard error, as JSON if `as_json`, and gives the exit code.
    pub(super) fn report(&self, as_json: bool) -> ExitCode {
        let Self::Told { error, text } = self else { return ExitCode::SUCCESS };
        let told = if as_json { json_text(error, text.as_ref()) } else { person_text(error, text.as_ref()) };
        tell(&told);
        ExitCode::from(exit_code(error.kind()))
    }
}

/// Prints a line to standard error, in one piece, as other processes may write there too. It may be closed or on a full disk; there is nobody
/// left to tell then.
pub(super) fn tell(text: &str) {
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// False where `NO_COLOR` is set to anything.
pub(super) fn is_colour_welcome() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The exit codes of the command line's promise.
pub(super) fn exit_code(kind: ErrorKind) -> u8 {
    use ErrorKind as Kind;
    match kind {
        Kind::Usage => 2,
        Kind::StoreMissing | Kind::NotFound | Kind::Ambiguous | Kind::Time => 3,
        Kind::Conflict
        | Kind::Uniqueness
        | Kind::ValueType
        | Kind::CompareAndSwap
        | Kind::Check
        | Kind::Declaration
        | Kind::InstantOrder
        | Kind::Sequence => 4,
        Kind::Damaged | Kind::NotAStore => 5,
        Kind::TransactionLimit
        | Kind::WaitTimeout
        | Kind::Busy
        | Kind::Query(Code::LimitExceeded | Code::Timeout | Code::Cancelled | Code::EdnLimit) => 6,
        _ => 1,
    }
}

/// `text` is what a person calls the text of the place, such as `query`, `input 1` or a file's name.
fn json_text(error: &Error, text: Option<&(String, String)>) -> String {
    let position = error.position();
    let name = text.filter(|_| position.is_some()).map(|(name, _)| name);
    json!({"error": {
        "code": error.code(),
        "message": shortened(error.message()),
        "value": error.value().map(shortened),
        "help": error.help().map(shortened),
        "text": name,
        "line": position.map(|position| position.line),
        "column": position.map(|position| position.column),
    }})
    .to_string()
}

/// The beginning and the end of a text, and how long it is, if it is too long to be shown.
fn shortened(text: &str) -> Cow<'_, str> {
    let Some((cut, _)) = text.char_indices().nth(LIMIT_SHOWN_CHARS) else { return Cow::Borrowed(text) };
    let beginning = text[..cut].char_indices().nth(LIMIT_SHOWN_CHARS / 2).map_or(cut, |(at, _)| at);
    let end = text.char_indices().rev().nth(LIMIT_SHOWN_CHARS / 4).map_or(0, |(at, _)| at);
    Cow::Owned(format!("{} .. {} ({} characters)", &text[..beginning], &text[end..], text.chars().count()))
}

/// `error[code]: sentence`, the place underlined, the remedy.
fn person_text(error: &Error, text: Option<&(String, String)>) -> String {
    let mut sentence = error.message().to_owned();
    if let Some(value) = error.value().filter(|value| !sentence.contains(*value)) {
        sentence.push_str(": ");
        sentence.push_str(value);
    }
    let mut diagnostic = MietteDiagnostic::new(printable(&shortened(&sentence))).with_code(error.code());
    if let Some(help) = error.help() {
        diagnostic = diagnostic.with_help(printable(&shortened(help)));
    }
    let report = match (text, error.span()) {
        (Some((name, text)), Some(span)) if [Text::Asked, Text::of_rules(text)].contains(&span.text) => {
            let excerpt = Excerpt::new(name, text, span);
            let (start, length) = excerpt.underlined();
            let label = LabeledSpan::new(Some("here".to_owned()), start, length);
            Report::new(diagnostic.with_label(label)).with_source_code(excerpt)
        }
        _ => Report::new(diagnostic),
    };
    let mut told = String::new();
    let colored = io::stderr().is_terminal() && is_colour_welcome();
    let theme = if colored { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(terminal_width().map_or(100, |width| usize::from(width).clamp(40, 100)));
    match handler.render_report(&mut told, report.as_ref()) {
        Ok(()) => told.trim_end().to_owned(),
        Err(_) => format!("{}: {}", error.code(), error.message()),
    }
}
