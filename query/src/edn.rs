//! EDN, the text of queries, transactions and answers: a reader with positions and a writer that loses nothing.
//!
//! Whatever [`Value`]'s `Display` writes, [`read`] reads back as exactly the same value. The reader keeps its own stack, so
//! text nested deeper than [`LIMIT_DEPTH`] is an error and never a stack overflow.
//!
//! Beside EDN's own `#inst` and `#uuid` these tags have a meaning: `#uri "..."`, `#bytes "hex"`, `#db/id 5` (a reference),
//! and, for what EDN cannot write in any other way, `#db/keyword "..."`, `#db/symbol "..."` and `#db/tagged ["tag" value]`.
//! Every other tag is kept as it stands. A regular expression is written as in Clojure, `#"\d+"`, with its backslashes its own; it is
//! the string tagged with `#regex`.

mod atom;
mod form;
mod instant;
mod json;
mod keyword;
mod read;
mod tag;
mod text;
mod write;

pub use form::{Form, FormKind};
pub(crate) use instant::{civil_from_days, days_from_civil, parse as parse_instant};

use crate::error::{Code, Error, Result, Span};
use crate::value::Value;

/// How deep brackets and tags may nest: deeper than any program writes by hand, and shallow enough that a value can be
/// compared, printed and dropped by plain recursion on a 2 MiB stack.
pub const LIMIT_DEPTH: usize = 256;

/// Digits of a number, and the size of a bigdec's exponent: arithmetic on numbers of this length still takes microseconds,
/// and comparing `1e1000M` with `1M` writes a thousand digits, not a billion.
pub const LIMIT_DIGITS: usize = 1_000;

/// The tag of a regular expression, which is written `#"..."`: a tagged string.
pub(crate) const REGEX_TAG: &str = "regex";

/// Bytes of one text: a [`Span`] counts in 32 bits.
pub const LIMIT_BYTES: usize = u32::MAX as usize;

/// Reads exactly one form, with its position; text after it is an error.
///
/// ```
/// use annals_query::edn;
/// let form = edn::read_form("[:find ?e]")?;
/// assert_eq!(form.vector().map(<[_]>::len), Some(2));
/// assert!(edn::read_form("1 2").is_err());
/// # Ok::<(), annals_query::Error>(())
/// ```
pub fn read_form(text: &str) -> Result<Form> {
    read_one(text).map_err(|error| error.located_in(text))
}

/// Reads any number of forms.
///
/// ```
/// use annals_query::edn;
/// assert_eq!(edn::read_forms("1 ; one\n #_ 2 3")?.len(), 2);
/// # Ok::<(), annals_query::Error>(())
/// ```
pub fn read_forms(text: &str) -> Result<Vec<Form>> {
    read_all(text).map_err(|error| error.located_in(text))
}

/// Reads any number of forms, each handed on as soon as it is read, until one is not taken.
///
/// ```
/// use annals_query::{Code, Error, edn};
/// let mut count = 0;
/// let error = edn::each_form("1 2 ]", |_| {
///     count += 1;
///     Ok::<_, Error>(())
/// });
/// assert_eq!((count, error.unwrap_err().code()), (2, Code::EdnSyntax));
/// ```
pub fn each_form<E: From<Error>>(
    text: &str,
    mut take: impl FnMut(Form) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let located = |error: Error| error.located_in(text);
    let mut reader = read::Reader::new(text).map_err(located)?;
    while let Some(form) = reader.next_form().map_err(located)? {
        take(form)?;
    }
    Ok(())
}

/// Microseconds since 1970-01-01T00:00:00Z of the text inside `#inst ".."`; `None` if it is no instant.
///
/// ```
/// assert_eq!(annals_query::edn::read_instant("1970-01-01T00:00:01.5Z"), Some(1_500_000));
/// ```
pub fn read_instant(text: &str) -> Option<i64> {
    instant::parse(text)
}

/// Reads exactly one value.
///
/// ```
/// use annals_query::{Value, edn};
/// let value = edn::read("{:name \"ada\" :born #inst \"1815-12-10\"}")?;
/// assert_eq!(value.to_string(), "{:born #inst \"1815-12-10T00:00:00Z\", :name \"ada\"}");
/// assert_eq!(edn::read(&value.to_string())?, value);
/// # Ok::<(), annals_query::Error>(())
/// ```
pub fn read(text: &str) -> Result<Value> {
    read_form(text).map(Form::into_value)
}

/// How the sentence of an error about something open at the end of the text ends.
const UNCLOSED: &str = "is never closed";

/// True if the text is not EDN only because a bracket or a string is still open at its end: at a prompt, it goes on in the
/// next line.
///
/// ```
/// use annals_query::edn;
/// assert!(edn::is_unfinished("[:find ?e"));
/// assert!(!edn::is_unfinished("[:find ?e)") && !edn::is_unfinished("[:find ?e]"));
/// ```
pub fn is_unfinished(text: &str) -> bool {
    read_all(text).is_err_and(|error| error.message().ends_with(UNCLOSED))
}

/// Microseconds of an instant as text, in the forms that `#inst` takes.
pub(crate) fn instant_of(text: &str) -> Option<i64> {
    instant::parse(text)
}

fn read_one(text: &str) -> Result<Form> {
    let mut reader = read::Reader::new(text)?;
    let Some(form) = reader.next_form()? else {
        let end = text.len() as u32;
        return Err(
            syntax("there is nothing to read", Span { start: end, end, ..Span::default() }).with_help("give one EDN form")
        );
    };
    match reader.next_form()? {
        None => Ok(form),
        Some(more) => Err(syntax("more text follows the first form", more.span)
            .with_help("give one form only: put several into a vector, or remove what follows")),
    }
}

fn read_all(text: &str) -> Result<Vec<Form>> {
    let mut reader = read::Reader::new(text)?;
    let mut forms = Vec::new();
    while let Some(form) = reader.next_form()? {
        forms.push(form);
    }
    Ok(forms)
}

fn syntax(message: impl Into<String>, span: Span) -> Error {
    Error::new(Code::EdnSyntax, message).at(span)
}

fn span(start: usize, end: usize) -> Span {
    Span { start: start as u32, end: end as u32, ..Span::default() }
}
