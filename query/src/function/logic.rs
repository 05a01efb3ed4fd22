//! Truth and nothing: `nil? some? true? false? not and or`. False and nil are not true; everything else is.

use super::{Arity, Function, pure};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    pure("nil?", Arity::exactly(1), |args| Ok(matches!(args[0], Value::Nil).into()), "Is it nil?", ("(nil? nil)", "true")),
    pure(
        "some?",
        Arity::exactly(1),
        |args| Ok((!matches!(args[0], Value::Nil)).into()),
        "Is it anything but nil?",
        ("(some? false)", "true"),
    ),
    pure(
        "true?",
        Arity::exactly(1),
        |args| Ok(matches!(args[0], Value::Boolean(true)).into()),
        "Is it true itself?",
        ("(true? 1)", "false"),
    ),
    pure(
        "false?",
        Arity::exactly(1),
        |args| Ok(matches!(args[0], Value::Boolean(false)).into()),
        "Is it false itself?",
        ("(false? false)", "true"),
    ),
    pure("not", Arity::exactly(1), |args| Ok((!args[0].is_truthy()).into()), "Is it false or nil?", ("(not 1)", "false")),
    pure("and", Arity::at_least(0), |args| Ok(and(args)), "The first that is false or nil, else the last.", ("(and 1 2)", "2")),
    pure(
        "or",
        Arity::at_least(0),
        |args| Ok(or(args)),
        "The first that is neither false nor nil, else the last.",
        ("(or false 2)", "2"),
    ),
];

fn and(args: &[Value]) -> Value {
    args.iter().find(|value| !value.is_truthy()).or(args.last()).cloned().unwrap_or(Value::Boolean(true))
}

fn or(args: &[Value]) -> Value {
    args.iter().find(|value| value.is_truthy()).or(args.last()).cloned().unwrap_or(Value::Nil)
}
