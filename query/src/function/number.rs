//! The tower of numbers: long, bigint, bigdec, double. What two of different kinds give is of the later kind.

use std::borrow::Cow;
use std::str::FromStr as _;

use bigdecimal::ToPrimitive as _;

use crate::edn::LIMIT_DIGITS;
use crate::error::{Code, Error, Result};
use crate::value::{BigDecimal, BigInt, Value};

/// The bits of the longest bigint or bigdec that may be computed: as many digits as can be read again. Repeated
/// multiplication so ends in an error in place of eating memory.
const LIMIT_BITS: u64 = LIMIT_DIGITS as u64 * 3322 / 1000;

/// The kinds of number, each absorbing those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Long,
    BigInt,
    BigDec,
    Double,
}

impl Kind {
    /// The kind of a number; `None` for what is none.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Long(_) => Some(Self::Long),
            Value::BigInt(_) => Some(Self::BigInt),
            Value::BigDec(_) => Some(Self::BigDec),
            Value::Double(_) => Some(Self::Double),
            _ => None,
        }
    }
}

/// An integer as a bigint; `None` for the other kinds.
pub(super) fn bigint_of(value: &Value) -> Option<Cow<'_, BigInt>> {
    match value {
        Value::Long(n) => Some(Cow::Owned(BigInt::from(*n))),
        Value::BigInt(n) => Some(Cow::Borrowed(n)),
        _ => None,
    }
}

/// A finite number as the decimal that is exactly it; `None` for what is none.
pub(crate) fn exact_of(value: &Value) -> Option<Cow<'_, BigDecimal>> {
    match value {
        Value::Long(n) => Some(Cow::Owned(BigDecimal::from(*n))),
        Value::BigInt(n) => Some(Cow::Owned(BigDecimal::from(BigInt::clone(n)))),
        Value::BigDec(n) => Some(Cow::Borrowed(n)),
        Value::Double(n) => BigDecimal::try_from(*n).ok().map(Cow::Owned),
        _ => None,
    }
}

/// The double nearest to a number; `None` for what is none.
pub(crate) fn double_of(value: &Value) -> Option<f64> {
    match value {
        Value::Long(n) => Some(*n as f64),
        Value::BigInt(n) => n.to_f64(),
        // Through text: the conversion of the library itself rounds twice.
        Value::BigDec(n) => f64::from_str(&n.to_scientific_notation()).ok(),
        Value::Double(n) => Some(*n),
        _ => None,
    }
}

/// Refuses a bigint of too many digits.
pub(super) fn check_digits(name: &str, bits: u64) -> Result<()> {
    if bits <= LIMIT_BITS {
        return Ok(());
    }
    Err(Error::new(Code::LimitExceeded, format!("`{name}` would give a number of more than {LIMIT_DIGITS} digits"))
        .with_help("use doubles, (* 1.0 ?x), where the exact digits do not matter"))
}

/// Bits that a decimal takes when written out to `scale` digits behind the point, and its own scale.
fn bits_at(number: &BigDecimal, scale: i64) -> u64 {
    let (digits, own) = number.as_bigint_and_scale();
    let further = u64::try_from(scale.saturating_sub(own)).unwrap_or(0);
    digits.bits().saturating_add(further.saturating_mul(4))
}

/// Refuses two decimals whose common scale would take too many digits.
pub(crate) fn check_aligned(name: &str, a: &BigDecimal, b: &BigDecimal) -> Result<()> {
    let scale = a.as_bigint_and_scale().1.max(b.as_bigint_and_scale().1);
    check_digits(name, bits_at(a, scale).max(bits_at(b, scale)))
}

/// Refuses a product or quotient of decimals with too many digits, or too large an exponent to be written out.
pub(super) fn check_product(name: &str, a: &BigDecimal, b: &BigDecimal) -> Result<()> {
    let (digits_a, scale_a) = a.as_bigint_and_scale();
    let (digits_b, scale_b) = b.as_bigint_and_scale();
    let exponents = scale_a.unsigned_abs().saturating_add(scale_b.unsigned_abs());
    check_digits(name, (digits_a.bits() + digits_b.bits()).max(exponents.saturating_mul(3)))
}

/// Two decimals as integers of one scale, and that scale.
pub(super) fn aligned(name: &str, a: &BigDecimal, b: &BigDecimal) -> Result<(BigInt, BigInt, i64)> {
    check_aligned(name, a, b)?;
    let scale = a.as_bigint_and_scale().1.max(b.as_bigint_and_scale().1);
    let digits = |number: &BigDecimal| number.with_scale(scale).into_bigint_and_scale().0;
    Ok((digits(a), digits(b), scale))
}
