//! What can be wrong with a text, a query or its run: a code, a sentence, the offending value, a place and a remedy.

use std::fmt;
use std::hash::Hasher as _;
use std::sync::Arc;

use rustc_hash::FxHasher;

/// Which text a span counts in: rules are given beside the query, as a text of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Text {
    /// The text that was asked: a query, a pull pattern, data.
    #[default]
    Asked,
    /// A text of rules, by its number: several may be in reach of one query.
    Rules(u32),
}

impl Text {
    /// The number of a text of rules, which follows from the text alone.
    ///
    /// ```
    /// use annals_query::Text;
    /// assert_eq!(Text::of_rules("[]"), Text::of_rules("[]"));
    /// assert_ne!(Text::of_rules("[]"), Text::of_rules("[ ]"));
    /// ```
    pub fn of_rules(text: &str) -> Self {
        let mut hasher = FxHasher::default();
        hasher.write(text.as_bytes());
        Self::Rules(hasher.finish() as u32)
    }
}

/// A range of bytes in the text that was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The text.
    pub text: Text,
}

/// Where a span starts, as people count: lines and columns from 1, a column being a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Span {
    /// The span that covers both.
    #[must_use]
    pub fn to(self, last: Self) -> Self {
        Self { start: self.start.min(last.start), end: self.end.max(last.end), text: self.text }
    }

    /// Line and column of the start of this span in `text`.
    ///
    /// ```
    /// use annals_query::Span;
    /// let position = Span { start: 4, end: 5, ..Span::default() }.position_in("ab\ncd");
    /// assert_eq!((position.line, position.column), (2, 2));
    /// ```
    pub fn position_in(self, text: &str) -> Position {
        let mut end = (self.start as usize).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &text[..end];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position { line: before.matches('\n').count() as u32 + 1, column: before[line_start..].chars().count() as u32 + 1 }
    }
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of reading, checking or running. Boxed inside, so that passing it on is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Detail>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Detail {
    code: Code,
    message: String,
    value: Option<String>,
    span: Option<Span>,
    position: Option<Position>,
    help: Option<String>,
    cause: Option<Cause>,
    is_of_the_budget: bool,
}

/// The error of a program's own function.
#[derive(Clone, Debug)]
struct Cause(Arc<dyn std::error::Error + Send + Sync>);

/// What programs fail with cannot be compared: the code and the sentence tell errors apart.
impl PartialEq for Cause {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Cause {}

impl Error {
    /// An error with this code and sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let (value, span, position, help, cause) = Default::default();
        Self(Box::new(Detail { code, message: message.into(), value, span, position, help, cause, is_of_the_budget: false }))
    }

    /// Names the offending value, as EDN text.
    #[must_use]
    pub fn with_value(mut self, value: impl fmt::Display) -> Self {
        self.0.value = Some(value.to_string());
        self
    }

    /// Names the place, unless one is named already: the innermost place is the best.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.0.span.get_or_insert(span);
        self
    }

    /// Names this place instead of any other: what was named lies in a text that the asker does not have.
    #[must_use]
    pub(crate) fn moved_to(mut self, span: Span) -> Self {
        self.0.span = Some(span);
        self.0.position = None;
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Says that the run is at its end, whatever else it could do.
    pub(crate) fn of_the_budget(mut self) -> Self {
        self.0.is_of_the_budget = true;
        self
    }

    /// True if the run is at its end, whatever else it could do: its time, memory or rows are used up, or it was cancelled. What a function
    /// refuses as too large is the fault of its arguments, which another clause may exclude.
    pub(crate) fn is_of_the_budget(&self) -> bool {
        self.0.is_of_the_budget
    }

    /// Keeps the error below this one: [`std::error::Error::source`] gives it.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.cause = Some(Cause(cause.into().into()));
        self
    }

    /// Turns the span into line and column of the text that was asked; a span in the rules is left as it is.
    #[must_use]
    pub fn located_in(self, text: &str) -> Self {
        self.located(Text::Asked, text)
    }

    /// Turns a span in this text of rules into line and column; any other is left as it is.
    #[must_use]
    pub fn located_in_rules(self, text: &str) -> Self {
        self.located(Text::of_rules(text), text)
    }

    fn located(mut self, of: Text, text: &str) -> Self {
        if let Some(span) = self.0.span.filter(|span| span.text == of) {
            self.0.position = Some(span.position_in(text));
        }
        self
    }

    /// What kind of error this is.
    pub fn code(&self) -> Code {
        self.0.code
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

    /// The error below this one, shared: what a program's own function failed with.
    pub fn cause(&self) -> Option<Arc<dyn std::error::Error + Send + Sync>> {
        self.0.cause.as_ref().map(|cause| Arc::clone(&cause.0))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_ref().map(|cause| &*cause.0 as _)
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// What went wrong. Machines match on [`Code::name`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code as a keyword's text without the colon: `query/unbound-variable`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

codes! {
    /// The text is not EDN: an unclosed bracket, a bad number, an unknown escape.
    EdnSyntax = "edn/syntax",
    /// The text is nested deeper, is longer, or holds a longer number than the limits allow.
    EdnLimit = "edn/limit",
    /// The query, rule or pull pattern has a shape that the grammar does not know.
    QuerySyntax = "query/syntax",
    /// A variable can never be bound.
    UnboundVariable = "query/unbound-variable",
    /// A variable that only `not`, a predicate or a border mentions, or `not` shares nothing with its query.
    UnrelatedClause = "query/unrelated-clause",
    /// The branches of an `or` do not bind the same variables.
    UnequalBranches = "query/unequal-branches",
    /// No function, predicate or aggregate has this name.
    UnknownFunction = "query/unknown-function",
    /// No rule has this name.
    UnknownRule = "query/unknown-rule",
    /// A rule, function or relation got the wrong number of arguments.
    Arity = "query/arity",
    /// A required argument of a rule or `or-join` is not bound.
    RequiredBinding = "query/required-binding",
    /// Negation or an aggregate runs through recursion.
    UnstratifiedRule = "query/unstratified-rule",
    /// A clause names a source that `:in` does not.
    UnknownSource = "query/unknown-source",
    /// The number of inputs differs from `:in`.
    InputCount = "query/input-count",
    /// An input does not have the shape its binding form wants.
    InputShape = "query/input-shape",
    /// `nil` stands where a value is matched.
    NilPattern = "query/nil-pattern",
    /// An attribute that the store has never seen, under `--strict`.
    UnknownAttribute = "query/unknown-attribute",
    /// A lookup reference through an attribute that is not unique.
    NotUnique = "query/not-unique",
    /// A function got a value of a type it cannot take.
    ArgumentType = "query/argument-type",
    /// `<` and its kin between values of different types.
    Incomparable = "query/incomparable",
    /// Integer arithmetic left the 64-bit range.
    Overflow = "query/overflow",
    /// Division by zero.
    DivisionByZero = "query/division-by-zero",
    /// `get-else` with a nil default; `get-else` or `get-some` on an attribute with many values.
    GetElse = "query/get-else",
    /// A search for words that cannot be read.
    Search = "query/search",
    /// A search for words through an attribute whose words are not indexed.
    NotFulltext = "query/not-fulltext",
    /// Entity or pull on a history.
    HistoryView = "query/history-view",
    /// A program's own function, predicate or aggregate failed; the source is its error.
    FunctionFailed = "query/function-failed",
    /// A program registers a function under a name that is taken or that no query can write.
    FunctionName = "query/function-name",
    /// A lens has a shape that it cannot have.
    LensSyntax = "lens/syntax",
    /// A fact that a lens cannot read as it says, or an attribute that it cannot compute.
    LensCoercion = "lens/coercion",
    /// The budget of rows or bytes is spent, or a function was given what is too large for it.
    LimitExceeded = "query/limit-exceeded",
    /// The time is up.
    Timeout = "query/timeout",
    /// The caller cancelled.
    Cancelled = "query/cancelled",
    /// The source of facts failed; the message is the source's.
    Source = "query/source",
}
