//! `= == != not= < <= > >= compare`.

use std::cmp::Ordering;

use super::{Arity, Function, pure};
use crate::error::{Code, Error, Result};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    pure(
        "=",
        Arity::at_least(1),
        |args| Ok(all_same(args).into()),
        "Are all equal? Numbers of any kind by their value; false across types.",
        ("(= 1 1.0)", "true"),
    ),
    pure("==", Arity::at_least(1), |args| Ok(all_same(args).into()), "The same as `=`.", ("(== 2 2 2)", "true")),
    pure(
        "!=",
        Arity::at_least(1),
        |args| Ok((!all_same(args)).into()),
        "Is one of them not equal to the others?",
        ("(!= 1 2)", "true"),
    ),
    pure("not=", Arity::at_least(1), |args| Ok((!all_same(args)).into()), "The same as `!=`.", ("(not= 1 \"1\")", "true")),
    pure(
        "<",
        Arity::at_least(1),
        |args| ascends("<", args, Ordering::is_lt),
        "Does each come before the next?",
        ("(< 1 2 3)", "true"),
    ),
    pure(
        "<=",
        Arity::at_least(1),
        |args| ascends("<=", args, Ordering::is_le),
        "Does none come after the next?",
        ("(<= 1 1 2)", "true"),
    ),
    pure(
        ">",
        Arity::at_least(1),
        |args| ascends(">", args, Ordering::is_gt),
        "Does each come after the next?",
        ("(> 3 2 1)", "true"),
    ),
    pure(
        ">=",
        Arity::at_least(1),
        |args| ascends(">=", args, Ordering::is_ge),
        "Does none come before the next?",
        ("(>= 2 2 3)", "false"),
    ),
    pure("compare", Arity::exactly(2), compare, "-1, 0 or 1: before, equal, after.", ("(compare \"b\" \"a\")", "1")),
];

fn all_same(args: &[Value]) -> bool {
    args.windows(2).all(|pair| pair[0].same(&pair[1]))
}

/// Looks at every pair, so that values that cannot be compared are refused wherever they stand.
fn ascends(name: &str, args: &[Value], holds: fn(Ordering) -> bool) -> Result<Value> {
    let mut all = true;
    for pair in args.windows(2) {
        all &= holds(order(name, &pair[0], &pair[1])?);
    }
    Ok(all.into())
}

fn compare(args: &[Value]) -> Result<Value> {
    Ok(Value::Long(order("compare", &args[0], &args[1])? as i64))
}

/// How two values of one type stand to each other. Values that `=` takes for one are equal here too.
pub(super) fn order(name: &str, a: &Value, b: &Value) -> Result<Ordering> {
    match a.compare_within_type(b) {
        Some(Ordering::Equal) => Ok(Ordering::Equal),
        Some(_) if a.as_items().is_some() && a.same(b) => Ok(Ordering::Equal),
        Some(unequal) => Ok(unequal),
        None => {
            let kinds = (a.kind_name(), b.kind_name());
            let message = format!("`{name}` cannot compare a value of type {} with one of type {}", kinds.0, kinds.1);
            Err(Error::new(Code::Incomparable, message)
                .with_value(Value::vector([a.clone(), b.clone()]))
                .with_help("compare values of one type; [(type ?x) ?type] tells what a value is"))
        }
    }
}
