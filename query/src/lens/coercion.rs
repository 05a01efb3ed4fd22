//! How a value becomes one of another type.

use std::str::FromStr as _;
use std::sync::Arc;

use crate::column::{Column, TextKind};
use crate::edn::{self, Form};
use crate::error::{Code, Error, Result};
use crate::function::double_of;
use crate::nearest::did_you_mean;
use crate::registry::Functions;
use crate::value::{BigDecimal, BigInt, Uuid, Value, ValueType};

use super::formula::Formula;

/// The types that a value can be read as; `:edn` and `:json` are the functions of these names.
const TYPES: [ValueType; 11] = [
    ValueType::Boolean,
    ValueType::Long,
    ValueType::BigInt,
    ValueType::Double,
    ValueType::BigDec,
    ValueType::Instant,
    ValueType::Uuid,
    ValueType::Keyword,
    ValueType::Symbol,
    ValueType::String,
    ValueType::Uri,
];

/// The types that are read from text by a function of the same name.
const BY_FUNCTION: [&str; 2] = ["edn", "json"];

/// The variable of a call that coerces.
const INPUT: &str = "value";

/// What is done to each value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Coercion {
    /// It becomes a value of this type.
    To(ValueType),
    /// It is what a call makes of it.
    By(Formula),
}

impl Coercion {
    /// Reads `:bigdec`, `parse-long` or `(keyword (lower-case ?value))`.
    pub(super) fn read(form: &Form, functions: &Functions) -> Result<Self> {
        if let Some(name) = form.keyword() {
            return named(name, form, functions);
        }
        if let Some(name) = form.symbol() {
            return Ok(Self::By(Formula::of_function(name, form, INPUT, functions)?));
        }
        let formula = Formula::read(form, functions)?;
        match &formula.inputs[..] {
            [only] if **only == *INPUT => Ok(Self::By(formula)),
            inputs => {
                let other = inputs.iter().find(|input| ***input != *INPUT).map_or("", |input| input);
                Err(Error::new(Code::LensSyntax, format!("a coercion reads ?{INPUT} alone, not ?{other}"))
                    .with_value(format_args!("?{other}"))
                    .at(form.span)
                    .with_help("compute an attribute from several others in :lens/compute"))
            }
        }
    }

    /// The type of everything that it gives, if that is known.
    pub(super) fn value_type(&self) -> Option<ValueType> {
        match self {
            Self::To(kind) => Some(*kind),
            Self::By(_) => None,
        }
    }

    /// True if it changes nothing in a column.
    pub(super) fn is_idle(&self, column: &Column) -> bool {
        let Self::To(kind) = self else { return false };
        matches!(
            (kind, column),
            (ValueType::Long, Column::Long(_))
                | (ValueType::Double, Column::Double(_))
                | (ValueType::Boolean, Column::Boolean(_))
                | (ValueType::Instant, Column::Instant(_))
                | (ValueType::String, Column::Text(TextKind::String, ..))
                | (ValueType::Keyword, Column::Text(TextKind::Keyword, ..))
        )
    }

    /// What a value becomes. Nil is no value.
    pub(super) fn value(&self, value: &Value) -> Result<Value> {
        match self {
            Self::To(kind) if value.value_type() == Some(*kind) => Ok(value.clone()),
            Self::To(kind) => converted(value, *kind).ok_or_else(|| {
                let message = format!("the {} {value} cannot be read as a {}", value.kind_name(), kind.name());
                Error::new(Code::LensCoercion, message).with_value(value)
            }),
            Self::By(formula) => formula.value(std::slice::from_ref(value)),
        }
    }

    /// As it was written.
    pub(super) fn text(&self) -> String {
        match self {
            Self::To(kind) => format!(":{}", kind.name()),
            Self::By(formula) => formula.text().to_owned(),
        }
    }
}

fn named(name: &str, form: &Form, functions: &Functions) -> Result<Coercion> {
    if BY_FUNCTION.contains(&name) {
        return Ok(Coercion::By(Formula::of_function(name, form, INPUT, functions)?));
    }
    let short = name.strip_prefix("db.type/").unwrap_or(name);
    if let Some(kind) = TYPES.into_iter().find(|kind| kind.name() == short) {
        return Ok(Coercion::To(kind));
    }
    let names = TYPES.iter().map(|kind| kind.name()).chain(BY_FUNCTION).collect::<Vec<_>>();
    let all = names.iter().map(|name| format!(":{name}")).collect::<Vec<_>>().join(" ");
    Err(Error::new(Code::LensSyntax, format!("nothing is coerced to `:{name}`"))
        .with_value(form)
        .at(form.span)
        .with_help(did_you_mean(short, names, format!("the types are {all}; a function or a call with ?{INPUT} may stand too"))))
}

/// The value of another type that means the same; `None` if there is none.
fn converted(value: &Value, kind: ValueType) -> Option<Value> {
    match kind {
        ValueType::Boolean => match text_of(value)? {
            "true" => Some(true.into()),
            "false" => Some(false.into()),
            _ => None,
        },
        ValueType::Long => long(value),
        ValueType::BigInt => bigint(value),
        ValueType::Double => double(value),
        ValueType::BigDec => bigdec(value),
        ValueType::Instant => edn::instant_of(text_of(value)?).map(Value::Instant),
        ValueType::Uuid => Uuid::parse_str(text_of(value)?).ok().map(Value::Uuid),
        ValueType::Keyword => name_of(value).map(Value::Keyword),
        ValueType::Symbol => name_of(value).map(Value::Symbol),
        ValueType::String => crate::function::lookup("str")?.call(std::slice::from_ref(value)).ok(),
        ValueType::Uri => match value {
            Value::String(text) => Some(Value::Uri(Arc::clone(text))),
            _ => None,
        },
        ValueType::Ref | ValueType::Bytes | ValueType::Tuple => None,
    }
}

fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text.trim()),
        _ => None,
    }
}

/// The text of a name, without the colon that a text of a keyword may have.
fn name_of(value: &Value) -> Option<Arc<str>> {
    let text = match value {
        Value::String(text) => text.trim().trim_start_matches(':'),
        Value::Symbol(text) | Value::Keyword(text) => text,
        _ => return None,
    };
    (!text.is_empty()).then(|| text.into())
}

fn long(value: &Value) -> Option<Value> {
    match value {
        Value::String(_) => text_of(value)?.parse().ok().map(Value::Long),
        number if number.is_number() => Some(number.canonical()).filter(|number| matches!(number, Value::Long(_))),
        _ => None,
    }
}

fn bigint(value: &Value) -> Option<Value> {
    match value {
        Value::String(_) => {
            let text = text_of(value).filter(|text| text.len() <= edn::LIMIT_DIGITS)?;
            BigInt::from_str(text).ok().map(Value::from)
        }
        number if number.is_number() => match number.canonical() {
            Value::Long(n) => Some(BigInt::from(n).into()),
            Value::BigInt(n) => Some(Value::BigInt(n)),
            _ => None,
        },
        _ => None,
    }
}

fn double(value: &Value) -> Option<Value> {
    let number = match value {
        // What Rust reads beside digits, such as "inf" and "nan", is no number that a person wrote.
        Value::String(_) => {
            text_of(value).filter(|text| text.ends_with(|end: char| end.is_ascii_digit() || end == '.'))?.parse().ok()?
        }
        number => double_of(number)?,
    };
    number.is_finite().then(|| number.into())
}

fn bigdec(value: &Value) -> Option<Value> {
    let number = match value {
        Value::String(_) => decimal(text_of(value)?)?,
        // The digits that people see, not those of the nearest binary fraction.
        Value::Double(n) => decimal(&n.to_string())?,
        Value::Long(n) => BigDecimal::from(*n),
        Value::BigInt(n) => BigDecimal::from(BigInt::clone(n)),
        _ => return None,
    };
    Some(number.into())
}

fn decimal(text: &str) -> Option<BigDecimal> {
    let digits = text.len() <= edn::LIMIT_DIGITS && text.ends_with(|end: char| end.is_ascii_digit() || end == '.');
    let number = BigDecimal::from_str(text).ok().filter(|_| digits)?;
    (number.as_bigint_and_exponent().1.unsigned_abs() <= edn::LIMIT_DIGITS as u64).then_some(number)
}
