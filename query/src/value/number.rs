//! Numbers of four kinds, compared exactly: no rounding, so equality is transitive and the order is total.

use std::cmp::Ordering;
use std::str::FromStr as _;
use std::sync::Arc;

use super::{BigDecimal, BigInt, Value};

/// 2^63 as a double: the first integral double above every long.
const LONG_END: f64 = 9_223_372_036_854_775_808.0;

/// By numeric value alone: 1, 1N, 1.0 and 1.00M are equal.
pub(super) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Long(a), Value::Long(b)) => a.cmp(b),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b).expect("a double value is never NaN"),
        (Value::Long(a), Value::Double(b)) => compare_long_double(*a, *b),
        (Value::Double(a), Value::Long(b)) => compare_long_double(*b, *a).reverse(),
        (Value::Double(n), _) if n.is_infinite() => sign(*n),
        (_, Value::Double(n)) if n.is_infinite() => sign(*n).reverse(),
        _ => decimal(a).cmp(&decimal(b)),
    }
}

/// By numeric value and then by kind, scale and the sign of zero, so that only identical values are equal.
pub(super) fn compare_exact(a: &Value, b: &Value) -> Ordering {
    compare(a, b).then_with(|| match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.total_cmp(b),
        (Value::BigDec(a), Value::BigDec(b)) => a.fractional_digit_count().cmp(&b.fractional_digit_count()),
        _ => a.value_type().cmp(&b.value_type()),
    })
}

/// The smallest kind that holds the same number: long, else double, else bigint, else bigdec without trailing zeros.
pub(super) fn canonical(value: &Value) -> Value {
    if let Value::Double(n) = value {
        let fits = n.fract() == 0.0 && *n >= -LONG_END && *n < LONG_END;
        return if fits { Value::Long(*n as i64) } else { value.clone() };
    }
    let exact = decimal(value).normalized();
    if exact.fractional_digit_count() <= 0 {
        let whole = exact.with_scale(0).into_bigint_and_exponent().0;
        if let Ok(n) = i64::try_from(&whole) {
            return Value::Long(n);
        }
        return as_double(&exact).unwrap_or_else(|| Value::BigInt(Arc::new(whole)));
    }
    as_double(&exact).unwrap_or_else(|| Value::BigDec(Arc::new(exact)))
}

/// The double that is exactly this number, if there is one.
fn as_double(exact: &BigDecimal) -> Option<Value> {
    let nearest = f64::from_str(&exact.to_scientific_notation()).ok().filter(|n| n.is_finite())?;
    (BigDecimal::try_from(nearest).ok()? == *exact).then_some(Value::Double(nearest))
}

fn compare_long_double(a: i64, b: f64) -> Ordering {
    if b >= LONG_END {
        return Ordering::Less;
    }
    if b < -LONG_END {
        return Ordering::Greater;
    }
    let whole = b.trunc();
    a.cmp(&(whole as i64)).then_with(|| 0.0_f64.partial_cmp(&(b - whole)).expect("a double value is never NaN"))
}

fn sign(n: f64) -> Ordering {
    if n > 0.0 { Ordering::Greater } else { Ordering::Less }
}

fn decimal(value: &Value) -> BigDecimal {
    match value {
        Value::Long(n) => BigDecimal::from(*n),
        Value::BigInt(n) => BigDecimal::from(BigInt::clone(n)),
        Value::BigDec(n) => BigDecimal::clone(n),
        Value::Double(n) => BigDecimal::try_from(*n).expect("infinite doubles are compared before, and NaN is no value"),
        other => unreachable!("{} is no number", other.kind_name()),
    }
}
