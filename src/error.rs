//! What can go wrong in the store and in transactions: a code, a sentence, the offending value, a place and a remedy.

use std::fmt;
use std::sync::Arc;

pub use annals_query::{Position, Span, Text};

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the store, of a transaction or of a query. Boxed inside, so that passing it on is cheap.
#[derive(Debug)]
pub struct Error(Box<Detail>);

#[derive(Debug)]
struct Detail {
    kind: ErrorKind,
    message: String,
    value: Option<String>,
    span: Option<Span>,
    position: Option<Position>,
    help: Option<String>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind with this sentence.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Detail {
            kind,
            message: message.into(),
            value: None,
            span: None,
            position: None,
            help: None,
            source: None,
        }))
    }

    /// Names the offending value, as EDN text.
    #[must_use]
    pub fn with_value(mut self, value: impl fmt::Display) -> Self {
        self.0.value = Some(value.to_string());
        self
    }

    /// Names the place in the text that was given, unless one is named already: the innermost place is the best.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.0.span.get_or_insert(span);
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Keeps the error below this one.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into().into());
        self
    }

    /// Turns the span into line and column, for the text that the span refers to.
    #[must_use]
    pub fn located_in(mut self, text: &str) -> Self {
        if let Some(span) = self.0.span.filter(|span| span.text == Text::Asked) {
            self.0.position = Some(span.position_in(text));
        }
        self
    }

    /// Says in which file it was found: `name:line:column: sentence`, or `name: sentence`.
    #[must_use]
    pub fn within(mut self, file: &str) -> Self {
        let place = self.0.position.map_or(String::new(), |position| format!(":{}:{}", position.line, position.column));
        self.0.message = format!("{file}{place}: {}", self.0.message);
        self
    }

    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The code as a keyword's text without the colon: `transaction/conflict`.
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The offending value as EDN text.
    pub fn value(&self) -> Option<&str> {
        self.0.value.as_deref()
    }

    /// The place in the text, in bytes.
    pub fn span(&self) -> Option<Span> {
        self.0.span
    }

    /// Line and column of the place.
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }

    /// The remedy.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<annals_query::Error> for Error {
    fn from(error: annals_query::Error) -> Self {
        Self(Box::new(Detail {
            kind: ErrorKind::Query(error.code()),
            message: error.message().to_owned(),
            value: error.value().map(str::to_owned),
            span: error.span(),
            position: error.position(),
            help: error.help().map(str::to_owned),
            source: error.cause(),
        }))
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// What went wrong. Machines match on [`ErrorKind::code`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            /// Reading EDN, or checking or running a query, failed.
            Query(annals_query::Code),
            $($(#[doc = $doc])+ $variant,)+
        }

        impl ErrorKind {
            /// True if the fault lies below the store, in its file or its disk, and not in what was asked of it.
            pub(crate) fn lies_below(self) -> bool {
                matches!(self, Self::Io | Self::Damaged | Self::NotAStore | Self::ReadOnly)
            }

            /// Every kind but those of the query engine.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code as a keyword's text without the colon.
            pub fn code(self) -> &'static str {
                match self { Self::Query(code) => code.name(), $(Self::$variant => $name,)+ }
            }
        }
    };
}

kinds! {
    /// There is no store at this path.
    StoreMissing = "store/missing",
    /// The path cannot be a store: empty, a directory, a FIFO, a device.
    StorePath = "store/path",
    /// The file is not a store of this program.
    NotAStore = "store/not-a-store",
    /// The file was written by a newer version.
    NewerStore = "store/newer",
    /// What the file holds contradicts itself.
    Damaged = "store/damaged",
    /// The operating system refused to read or write.
    Io = "store/io",
    /// Another process kept the store locked for longer than the busy time-out.
    Busy = "store/busy",
    /// An earlier write failed: this handle refuses further ones until the store is opened again.
    HandlePoisoned = "store/handle-poisoned",
    /// The store was opened for reading only.
    ReadOnly = "store/read-only",
    /// The transaction data has a shape that the grammar does not know.
    TransactionSyntax = "transaction/syntax",
    /// Two operations of one transaction contradict each other.
    Conflict = "transaction/conflict",
    /// A unique value belongs to another entity, or identities lead to several.
    Uniqueness = "transaction/uniqueness",
    /// A value does not have the declared type.
    ValueType = "transaction/value-type",
    /// A value cannot be a fact: nil, NaN, a map.
    NotAValue = "transaction/not-a-value",
    /// `:db/cas` found another value than expected.
    CompareAndSwap = "transaction/cas",
    /// A predicate or entity specification refused.
    Check = "transaction/check",
    /// A declaration contradicts existing facts or another declaration.
    Declaration = "transaction/declaration",
    /// An entity id, ident or lookup reference leads nowhere, or may not be used here.
    Entity = "transaction/entity",
    /// An explicit instant before the previous transaction's, or after now.
    InstantOrder = "transaction/instant",
    /// A number that breaks its sequence.
    Sequence = "transaction/sequence",
    /// A transaction function or predicate of this name is not known.
    UnknownTransactionFunction = "transaction/unknown-function",
    /// A transaction function that a program registered failed; the program's own error lies below this one.
    TransactionFunction = "transaction/function-failed",
    /// A transaction or value larger than its limit.
    TransactionLimit = "transaction/limit",
    /// A moment that the store does not know, or that cannot be read.
    Time = "time/unknown",
    /// Waiting for a transaction took longer than allowed.
    WaitTimeout = "time/wait-timeout",
    /// No run, entity, state, program or file by this name.
    NotFound = "contract/not-found",
    /// A beginning of a run's id that fits several runs.
    Ambiguous = "contract/ambiguous",
    /// The file to import does not have the expected form.
    Import = "exchange/import",
    /// The command line was used wrongly.
    Usage = "cli/usage",
}
