//! Truth and nothing: `nil? some? true? false? not and or`. False and nil are not true; everything else is.

use super::{Arity, Function, pure};
use crate::error::Result;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    pure("nil?", Arity::exactly(1), |args| answer(matches!(args[0], Value::Nil)), "Is it nil?", ("(nil? nil)", "true")),
    pure(
        "some?",
        Arity::exactly(1),
        |args| answer(!matches!(args[0], Value::Nil)),
        "Is it anything but nil?",
        ("(some? false)", "true"),
    ),
    pure(
        "true?",
        Arity::exactly(1),
        |args| answer(matches!(args[0], Value::Boolean(true))),
        "Is it true itself?",
        ("(true? 1)", "false"),
    ),
    pure(
        "false?",
        Arity::exactly(1),
        |args| answer(matches!(args[0], Value::Boolean(false))),
        "Is it false itself?",
        ("(false? false)", "true"),
    ),
    pure("not", Arity::exactly(1), |args| answer(!args[0].is_truthy()), "Is it false or nil?", ("(not 1)", "false")),
    pure("and", Arity::at_least(0), and, "The first that is false or nil, else the last.", ("(and 1 2)", "2")),
    pure("or", Arity::at_least(0), or, "The first that is neither false nor nil, else the last.", ("(or false 2)", "2")),
];

#[expect(clippy::unnecessary_wraps, reason = "every function of the table gives a result")]
fn answer(truth: bool) -> Result<Value> {
    Ok(truth.into())
}

#[expect(clippy::unnecessary_wraps, reason = "every function of the table gives a result")]
fn and(args: &[Value]) -> Result<Value> {
    Ok(args.iter().find(|value| !value.is_truthy()).or(args.last()).cloned().unwrap_or(Value::Boolean(true)))
}

#[expect(clippy::unnecessary_wraps, reason = "every function of the table gives a result")]
fn or(args: &[Value]) -> Result<Value> {
    Ok(args.iter().find(|value| value.is_truthy()).or(args.last()).cloned().unwrap_or(Value::Nil))
}
