//! Which of several errors is reported: the least one, so that the order of operations does not decide.

use annals_query::Span;

use crate::error::{Error, Result};

/// The least of the errors found so far.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    least: Option<Error>,
}

impl Refusals {
    /// One more error.
    pub(super) fn add(&mut self, error: Error) {
        if self.least.as_ref().is_none_or(|least| key(&error) < key(least)) {
            self.least = Some(error);
        }
    }

    /// What came out right; an error is kept, with the place where it arose.
    pub(super) fn take<T>(&mut self, result: Result<T>, span: Option<Span>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.add_at(error, span);
                None
            }
        }
    }

    /// One more error, and where it arose.
    pub(super) fn add_at(&mut self, error: Error, span: Option<Span>) {
        self.add(match span {
            Some(span) => error.at(span),
            None => error,
        });
    }

    /// Ends a pass: the transaction is refused if there was any error.
    pub(super) fn settle(&mut self) -> Result<()> {
        self.least.take().map_or(Ok(()), Err)
    }
}

type Key<'e> = (&'static str, &'e str, Option<&'e str>, Option<&'e str>, Option<u32>);

fn key(error: &Error) -> Key<'_> {
    (error.code(), error.message(), error.value(), error.help(), error.span().map(|span| span.start))
}
