//! `+ - * / quot rem mod inc dec max min abs` and the questions about one number.

use bigdecimal::num_bigint::Sign;
use bigdecimal::{Signed as _, Zero as _};

use super::argument::refuse;
use super::comparison::order;
use super::number::{Kind, aligned, bigint_of, check_aligned, check_digits, check_product, double_of, exact_of};
use super::{Arity, Function, pure, time};
use crate::error::{Code, Error, Result};
use crate::value::{BigDecimal, BigInt, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    pure(
        "+",
        Arity::at_least(0),
        |args| if time::is_among(args) { time::add(args) } else { ADD.fold(args, 0) },
        "The sum; of an instant and milliseconds, an instant.",
        ("(+ 1 2 3)", "6"),
    ),
    pure(
        "-",
        Arity::at_least(1),
        |args| if time::is_among(args) { time::subtract(args) } else { SUBTRACT.fold(args, 0) },
        "The difference; of one number, its negative; of two instants, milliseconds.",
        ("(- 5 2)", "3"),
    ),
    pure("*", Arity::at_least(0), |args| MULTIPLY.fold(args, 1), "The product.", ("(* 2 3 4)", "24")),
    pure(
        "/",
        Arity::at_least(1),
        |args| DIVIDE.fold(args, 1),
        "The quotient: a double where two integers do not divide evenly.",
        ("(/ 7 2)", "3.5"),
    ),
    pure("quot", Arity::exactly(2), |args| QUOTIENT.fold(args, 1), "The quotient cut off towards zero.", ("(quot -7 2)", "-3")),
    pure(
        "rem",
        Arity::exactly(2),
        |args| REMAINDER.fold(args, 1),
        "What `quot` leaves, with the dividend's sign.",
        ("(rem -7 2)", "-1"),
    ),
    pure("mod", Arity::exactly(2), |args| MODULO.fold(args, 1), "The remainder with the divisor's sign.", ("(mod -7 2)", "1")),
    pure("inc", Arity::exactly(1), increment, "One more.", ("(inc 1)", "2")),
    pure("dec", Arity::exactly(1), decrement, "One less.", ("(dec 1)", "0")),
    pure("max", Arity::at_least(1), greatest, "The greatest of values of one type.", ("(max 1 2.5 2)", "2.5")),
    pure("min", Arity::at_least(1), least, "The least of values of one type.", ("(min 1 2.5 2)", "1")),
    pure("abs", Arity::exactly(1), absolute, "The number without its sign.", ("(abs -3)", "3")),
    pure("zero?", Arity::exactly(1), |args| sign_is("zero?", args, Sign::NoSign), "Is it 0?", ("(zero? 0.0)", "true")),
    pure("pos?", Arity::exactly(1), |args| sign_is("pos?", args, Sign::Plus), "Is it above 0?", ("(pos? 2)", "true")),
    pure("neg?", Arity::exactly(1), |args| sign_is("neg?", args, Sign::Minus), "Is it below 0?", ("(neg? 2)", "false")),
    pure("even?", Arity::exactly(1), |args| parity_is("even?", args, false), "Is it an even integer?", ("(even? 4)", "true")),
    pure("odd?", Arity::exactly(1), |args| parity_is("odd?", args, true), "Is it an odd integer?", ("(odd? 4)", "false")),
];

/// One operation on two numbers, for each kind that both can be brought to.
struct Operation {
    name: &'static str,
    long: fn(i64, i64) -> Option<Value>,
    bigint: fn(&BigInt, &BigInt) -> Result<Value>,
    bigdec: fn(&BigDecimal, &BigDecimal) -> Result<Value>,
    double: fn(f64, f64) -> f64,
    is_division: bool,
}

const ADD: Operation = Operation {
    name: "+",
    long: |a, b| a.checked_add(b).map(Value::Long),
    bigint: |a, b| bounded("+", a + b),
    bigdec: |a, b| check_aligned("+", a, b).map(|()| Value::from(a + b)),
    double: |a, b| a + b,
    is_division: false,
};

const SUBTRACT: Operation = Operation {
    name: "-",
    long: |a, b| a.checked_sub(b).map(Value::Long),
    bigint: |a, b| bounded("-", a - b),
    bigdec: |a, b| check_aligned("-", a, b).map(|()| Value::from(a - b)),
    double: |a, b| a - b,
    is_division: false,
};

const MULTIPLY: Operation = Operation {
    name: "*",
    long: |a, b| a.checked_mul(b).map(Value::Long),
    bigint: |a, b| check_digits("*", a.bits() + b.bits()).map(|()| Value::from(a * b)),
    bigdec: |a, b| check_product("*", a, b).map(|()| Value::from(a * b)),
    double: |a, b| a * b,
    is_division: false,
};

const DIVIDE: Operation = Operation {
    name: "/",
    long: |a, b| {
        if a.checked_rem(b) == Some(0) || b == -1 {
            a.checked_div(b).map(Value::Long)
        } else {
            Some((a as f64 / b as f64).into())
        }
    },
    bigint: |a, b| Ok(divide_bigints(a, b)),
    bigdec: |a, b| check_product("/", a, b).map(|()| Value::from(a / b)),
    double: |a, b| a / b,
    is_division: true,
};

const QUOTIENT: Operation = Operation {
    name: "quot",
    long: |a, b| a.checked_div(b).map(Value::Long),
    bigint: |a, b| Ok((a / b).into()),
    bigdec: |a, b| aligned("quot", a, b).map(|(a, b, _)| BigDecimal::from(a / b).into()),
    double: |a, b| ((a - a % b) / b).trunc(),
    is_division: true,
};

const REMAINDER: Operation = Operation {
    name: "rem",
    long: |a, b| Some(Value::Long(a.wrapping_rem(b))),
    bigint: |a, b| Ok((a % b).into()),
    bigdec: |a, b| aligned("rem", a, b).map(|(a, b, scale)| BigDecimal::new(a % b, scale).into()),
    double: |a, b| a % b,
    is_division: true,
};

const MODULO: Operation = Operation {
    name: "mod",
    long: |a, b| {
        let rest = a.wrapping_rem(b);
        Some(Value::Long(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }))
    },
    bigint: |a, b| Ok(floor_rest(a, b).into()),
    bigdec: |a, b| aligned("mod", a, b).map(|(a, b, scale)| BigDecimal::new(floor_rest(&a, &b), scale).into()),
    double: |a, b| {
        let rest = a % b;
        if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
    },
    is_division: true,
};

impl Operation {
    /// Works from left to right; a single argument is the right side of `neutral`, as in `(- 5)` and `(/ 2)`.
    fn fold(&self, args: &[Value], neutral: i64) -> Result<Value> {
        if let Some((place, value)) = args.iter().enumerate().find(|(_, value)| !value.is_number()) {
            return Err(not_a_number(self.name, place, value));
        }
        match args {
            [] => Ok(Value::Long(neutral)),
            [only] => self.combine(&Value::Long(neutral), only),
            [first, rest @ ..] => rest.iter().try_fold(first.clone(), |total, next| self.combine(&total, next)),
        }
    }

    fn combine(&self, a: &Value, b: &Value) -> Result<Value> {
        let (Some(kind_a), Some(kind_b)) = (Kind::of(a), Kind::of(b)) else {
            // Only a double that is no number any more gets here, and it stays so.
            return Ok(Value::Nil);
        };
        if self.is_division && is_zero(b) {
            return Err(Error::new(Code::DivisionByZero, format!("`{}` divides by zero", self.name))
                .with_value(a)
                .with_help("keep the rows whose divisor is not 0: [(!= ?divisor 0)]"));
        }
        if let (Value::Long(a), Value::Long(b)) = (a, b) {
            return (self.long)(*a, *b).ok_or_else(|| overflow(self.name, &format!("({} {a} {b})", self.name), *a));
        }
        match kind_a.max(kind_b) {
            Kind::Long | Kind::BigInt => {
                let whole = "a long or bigint converts to a bigint";
                (self.bigint)(&bigint_of(a).expect(whole), &bigint_of(b).expect(whole))
            }
            Kind::BigDec => {
                let exact = "any number but a double converts to a bigdec";
                (self.bigdec)(&exact_of(a).expect(exact), &exact_of(b).expect(exact))
            }
            Kind::Double => {
                let double = "any number converts to a double";
                Ok((self.double)(double_of(a).expect(double), double_of(b).expect(double)).into())
            }
        }
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Long(n) => *n == 0,
        Value::BigInt(n) => n.is_zero(),
        Value::BigDec(n) => n.is_zero(),
        Value::Double(n) => *n == 0.0,
        _ => false,
    }
}

fn bounded(name: &str, number: BigInt) -> Result<Value> {
    check_digits(name, number.bits())?;
    Ok(number.into())
}

fn divide_bigints(a: &BigInt, b: &BigInt) -> Value {
    if (a % b).is_zero() {
        return (a / b).into();
    }
    // Through decimals, as both may lie outside the doubles while their quotient does not.
    let quotient = BigDecimal::from(a.clone()) / BigDecimal::from(b.clone());
    double_of(&quotient.into()).map_or(Value::Nil, Value::from)
}

fn floor_rest(a: &BigInt, b: &BigInt) -> BigInt {
    let rest = a % b;
    if !rest.is_zero() && rest.is_negative() != b.is_negative() { rest + b } else { rest }
}

fn not_a_number(name: &str, place: usize, value: &Value) -> Error {
    refuse(name, place, "a number", value).with_help("keep the rows with numbers: [(type ?x) :db.type/long]")
}

fn overflow(name: &str, call: &str, offending: i64) -> Error {
    Error::new(Code::Overflow, format!("{call} leaves the range of 64-bit integers"))
        .with_value(offending)
        .with_help(format!("compute with bigints: give `{name}` one, such as 1N, or (* 1N ?x)"))
}

fn increment(args: &[Value]) -> Result<Value> {
    step("inc", &ADD, args)
}

fn decrement(args: &[Value]) -> Result<Value> {
    step("dec", &SUBTRACT, args)
}

fn step(name: &str, operation: &Operation, args: &[Value]) -> Result<Value> {
    if !args[0].is_number() {
        return Err(not_a_number(name, 0, &args[0]));
    }
    operation.combine(&args[0], &Value::Long(1))
}

fn greatest(args: &[Value]) -> Result<Value> {
    extreme("max", args, std::cmp::Ordering::Greater)
}

fn least(args: &[Value]) -> Result<Value> {
    extreme("min", args, std::cmp::Ordering::Less)
}

/// The first of the arguments that no other one beats.
fn extreme(name: &str, args: &[Value], wanted: std::cmp::Ordering) -> Result<Value> {
    let mut best = &args[0];
    for next in &args[1..] {
        if order(name, next, best)? == wanted {
            best = next;
        }
    }
    Ok(best.clone())
}

fn absolute(args: &[Value]) -> Result<Value> {
    match &args[0] {
        Value::Long(n) => n.checked_abs().map(Value::Long).ok_or_else(|| overflow("abs", &format!("(abs {n})"), *n)),
        Value::BigInt(n) => Ok(n.abs().into()),
        Value::BigDec(n) => Ok(n.abs().into()),
        Value::Double(n) => Ok(n.abs().into()),
        other => Err(not_a_number("abs", 0, other)),
    }
}

fn sign_is(name: &str, args: &[Value], wanted: Sign) -> Result<Value> {
    let sign = match &args[0] {
        Value::Long(n) if *n > 0 => Sign::Plus,
        Value::Long(n) if *n < 0 => Sign::Minus,
        Value::Double(n) if *n > 0.0 => Sign::Plus,
        Value::Double(n) if *n < 0.0 => Sign::Minus,
        Value::Long(_) | Value::Double(_) => Sign::NoSign,
        Value::BigInt(n) => n.sign(),
        Value::BigDec(n) => n.sign(),
        other => return Err(not_a_number(name, 0, other)),
    };
    Ok((sign == wanted).into())
}

fn parity_is(name: &str, args: &[Value], odd: bool) -> Result<Value> {
    match &args[0] {
        Value::Long(n) => Ok((n % 2 != 0).eq(&odd).into()),
        Value::BigInt(n) => Ok(n.bit(0).eq(&odd).into()),
        other => Err(refuse(name, 0, "a long or bigint", other).with_help("(quot ?x 1) cuts a number off to a whole one")),
    }
}
