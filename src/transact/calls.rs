//! Calls of transaction functions: each is replaced by what its function asks for, before any other pass.

use std::borrow::Cow;

use annals_query::{Span, Value};

use super::data::{Operation, TxData};
use super::refusal::Refusals;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{LIMIT_CALL_DEPTH, LIMIT_TRANSACTION_DATOMS};

/// Data without calls. `call` runs a function: it adds what the function of this name asks for, given these arguments.
///
/// Every function sees the store before the transaction, so the order of calls means nothing; what a function asks for may be calls
/// again.
pub(crate) fn answered(
    data: &TxData,
    mut call: impl FnMut(&str, &[Value], &mut TxData) -> Result<()>,
) -> Result<Cow<'_, TxData>> {
    let is_call = |operation: &Operation| matches!(operation, Operation::Call { .. });
    if !data.operations.iter().any(is_call) {
        return Ok(Cow::Borrowed(data));
    }
    let mut refusals = Refusals::default();
    let mut answered = TxData { fresh: data.fresh, text: data.text.clone(), ..TxData::default() };
    let mut asked: Vec<(Operation, Option<Span>)> =
        data.operations.iter().enumerate().map(|(at, operation)| (operation.clone(), data.span(at))).collect();
    for depth in 0.. {
        let mut again = Vec::new();
        for (operation, span) in asked {
            let Operation::Call { name, args, span: place } = operation else {
                answered.operations.push(operation);
                answered.spans.extend(span.or(data.text.as_ref().map(|_| Span::default())));
                continue;
            };
            let place = place.or(span);
            if depth == LIMIT_CALL_DEPTH {
                refusals.add_at(too_deep(&name), place);
                continue;
            }
            let mut wanted = TxData { fresh: answered.fresh, ..TxData::default() };
            let result = call(&name, &args, &mut wanted);
            refusals.take(result, place);
            answered.fresh = wanted.fresh;
            // What a function asks for stands where it was called.
            again.extend(wanted.operations.into_iter().map(|operation| (operation, span.or(place))));
        }
        if again.is_empty() {
            break;
        }
        if answered.operations.len() + again.len() > LIMIT_TRANSACTION_DATOMS {
            refusals.add(too_much());
            break;
        }
        asked = again;
    }
    match (refusals.settle(), data.text()) {
        (Ok(()), _) => Ok(Cow::Owned(answered)),
        (Err(error), Some(text)) => Err(error.located_in(text)),
        (Err(error), None) => Err(error),
    }
}

fn too_much() -> Error {
    Error::new(
        ErrorKind::TransactionLimit,
        format!("the transaction functions ask for more than {LIMIT_TRANSACTION_DATOMS} operations"),
    )
    .with_help("let them ask for less, in several transactions")
}

fn too_deep(name: &str) -> Error {
    Error::new(ErrorKind::TransactionFunction, format!("`{name}` is called by transaction functions {LIMIT_CALL_DEPTH} deep"))
        .with_value(name)
        .with_help("a transaction function may ask for other calls, but not for itself without end")
}
