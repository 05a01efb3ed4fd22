//! Atoms: numbers, symbols, keywords, `nil`, `true` and `false`; what ends at a blank or a bracket.

use std::sync::Arc;

use nom::bytes::complete::take_while1;
use nom::character::complete::{char, digit0, digit1, one_of};
use nom::combinator::{opt, recognize};
use nom::{IResult, Parser as _};

use super::{LIMIT_DIGITS, syntax};
use crate::error::{Code, Error, Result, Span};
use crate::value::{BigDecimal, BigInt, Value};

/// A decimal number taken apart; digits and signs as written.
struct Decimal<'t> {
    is_negative: bool,
    whole: &'t str,
    fraction: Option<&'t str>,
    exponent: Option<&'t str>,
    suffix: Option<char>,
}

/// The value of an atom that is no keyword.
pub(super) fn read(atom: &str, span: Span) -> Result<Value> {
    let mut bytes = atom.bytes();
    let first = bytes.next().unwrap_or_default();
    let second = bytes.next().unwrap_or_default();
    if first.is_ascii_digit() || (matches!(first, b'+' | b'-') && second.is_ascii_digit()) {
        return number(atom, span).map_err(|error| error.with_value(atom));
    }
    match atom {
        "nil" => return Ok(Value::Nil),
        "true" => return Ok(Value::Boolean(true)),
        "false" => return Ok(Value::Boolean(false)),
        _ => {}
    }
    if is_symbol(atom) {
        return Ok(Value::Symbol(atom.into()));
    }
    Err(refuse_symbol(atom, first, second, span).with_value(atom))
}

/// True for a text that stands for itself as a symbol.
pub(super) fn is_symbol(text: &str) -> bool {
    if matches!(text, "nil" | "true" | "false") {
        return false;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let looks_like_number = unsigned.strip_prefix('.').unwrap_or(unsigned).starts_with(|c: char| c.is_ascii_digit());
    // A byte order mark at the beginning of a text is passed over, so that such a symbol would not be read as it was written.
    let starts_well = !looks_like_number && !text.is_empty() && !text.starts_with([':', '#', '\'', '\u{feff}']);
    starts_well && text.chars().all(is_name_char) && (text == "/" || has_sound_namespace(text))
}

/// True for a text that, behind a colon, is a keyword.
pub(super) fn is_keyword(text: &str) -> bool {
    let starts_well = text.chars().next().is_some_and(|first| !matches!(first, ':' | '#' | '\''));
    starts_well && text.chars().all(is_name_char) && has_sound_namespace(text)
}

/// Why `:text` is no keyword.
pub(super) fn refuse_keyword(text: &str, span: Span) -> Error {
    let (message, help) = if text.is_empty() {
        ("a colon alone is no keyword", "write a name behind it, such as :run/id")
    } else if text.starts_with(':') {
        ("`::` has no meaning in EDN", "write the namespace out, such as :run/id")
    } else if text.contains('/') && !has_sound_namespace(text) {
        ("a keyword has at most one `/`, with a name on either side", "write it as :namespace/name")
    } else {
        ("this keyword holds a character that a keyword cannot hold", "use letters, digits and . * + ! - _ ? $ % & = < > ' # :")
    };
    syntax(message, span).with_help(help)
}

fn is_name_char(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || ".*+!-_?$%&=<>/:#'".contains(c)
    } else {
        !c.is_whitespace() && !c.is_control()
    }
}

fn has_sound_namespace(text: &str) -> bool {
    let mut parts = text.split('/');
    parts.all(|part| !part.is_empty()) && text.matches('/').count() <= 1
}

fn refuse_symbol(atom: &str, first: u8, second: u8, span: Span) -> Error {
    let (message, help) = match first {
        b'.' if second.is_ascii_digit() => ("a number starts with a digit", format!("write 0{atom}")),
        b'+' | b'-' if second == b'.' => ("a number starts with a digit", "write a 0 before the point".into()),
        b'\'' | b'`' => ("EDN has no quote", "leave it out: nothing here is evaluated".into()),
        b'@' | b'^' | b'~' => ("this character has no meaning in EDN", "leave it out, or put the text into a string".into()),
        _ if atom.contains('/') && !has_sound_namespace(atom) => {
            ("a symbol has at most one `/`, with a name on either side", "write it as namespace/name".into())
        }
        _ => (
            "this is neither a number nor a symbol",
            "a symbol holds letters, digits and . * + ! - _ ? $ % & = < > ' # : ; put any other text into a string".into(),
        ),
    };
    syntax(message, span).with_help(help)
}

fn number(atom: &str, span: Span) -> Result<Value> {
    if let Some(n) = short_long(atom) {
        return Ok(Value::Long(n));
    }
    if let Ok(("", value)) = hexadecimal(atom) {
        return Ok(value);
    }
    match decimal(atom) {
        Ok(("", parts)) => from_decimal(atom, &parts, span),
        Ok((rest, _)) => Err(refuse_number(atom, rest, span)),
        Err(_) => Err(refuse_number(atom, atom, span)),
    }
}

/// The way most numbers take: up to 18 digits without a leading zero.
fn short_long(atom: &str) -> Option<i64> {
    let (is_negative, digits) = match atom.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 18 || (digits[0] == b'0' && digits.len() > 1) {
        return None;
    }
    let mut n = 0_i64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        n = n * 10 + i64::from(digit - b'0');
    }
    Some(if is_negative { -n } else { n })
}

fn hexadecimal(atom: &str) -> IResult<&str, Value> {
    let (rest, (sign, _, _, digits, suffix)) =
        (opt(one_of("+-")), char('0'), one_of("xX"), take_while1(|c: char| c.is_ascii_hexdigit()), opt(char('N'))).parse(atom)?;
    let magnitude = (digits.len() <= LIMIT_DIGITS).then(|| BigInt::parse_bytes(digits.as_bytes(), 16)).flatten();
    let Some(magnitude) = magnitude else {
        return Err(nom::Err::Failure(nom::error::Error::new(atom, nom::error::ErrorKind::TooLarge)));
    };
    let signed = if sign == Some('-') { -magnitude } else { magnitude };
    Ok((rest, whole_number(signed, suffix.is_some())))
}

fn decimal(atom: &str) -> IResult<&str, Decimal<'_>> {
    let exponent = (one_of("eE"), recognize((opt(one_of("+-")), digit1)));
    let (rest, (sign, whole, fraction, exponent, suffix)) =
        (opt(one_of("+-")), digit1, opt((char('.'), digit0)), opt(exponent), opt(one_of("NM"))).parse(atom)?;
    let parts = Decimal {
        is_negative: sign == Some('-'),
        whole,
        fraction: fraction.map(|(_, digits)| digits),
        exponent: exponent.map(|(_, digits)| digits),
        suffix,
    };
    Ok((rest, parts))
}

fn from_decimal(atom: &str, parts: &Decimal<'_>, span: Span) -> Result<Value> {
    if parts.whole.len() > 1 && parts.whole.starts_with('0') {
        let help = "leave the zeros out: some languages read such a number as octal";
        return Err(syntax("a number does not start with a zero", span).with_help(help));
    }
    if parts.fraction.is_some_and(str::is_empty) {
        return Err(syntax("digits are missing after the point", span).with_help("write a 0 after the point"));
    }
    let digits = [if parts.is_negative { "-" } else { "" }, parts.whole, parts.fraction.unwrap_or_default()].concat();
    if digits.len() > LIMIT_DIGITS {
        return Err(Error::new(Code::EdnLimit, format!("the number is longer than {LIMIT_DIGITS} digits"))
            .at(span)
            .with_help("put it into a string"));
    }
    let is_whole = parts.fraction.is_none() && parts.exponent.is_none();
    match parts.suffix {
        Some('M') => big_decimal(parts, big_int(&digits), span),
        Some(_) if !is_whole => {
            Err(syntax("N ends an integer, and this has a fraction or an exponent", span).with_help("end it with M instead"))
        }
        suffix if is_whole => Ok(whole_number(big_int(&digits), suffix.is_some())),
        _ => double(atom, span),
    }
}

fn double(atom: &str, span: Span) -> Result<Value> {
    match atom.parse::<f64>() {
        Ok(n) if n.is_finite() => Ok(Value::Double(n)),
        _ => {
            Err(syntax("the number is too large for a double", span)
                .with_help("end it with M to make it a bigdec, or write ##Inf"))
        }
    }
}

fn big_decimal(parts: &Decimal<'_>, digits: BigInt, span: Span) -> Result<Value> {
    let exponent: i64 = parts.exponent.map_or(Ok(0), str::parse).unwrap_or(i64::MAX);
    if exponent.unsigned_abs() > LIMIT_DIGITS as u64 {
        return Err(Error::new(Code::EdnLimit, format!("the exponent is larger than {LIMIT_DIGITS}"))
            .at(span)
            .with_help("use a double, or put it into a string"));
    }
    let scale = parts.fraction.map_or(0, str::len) as i64 - exponent;
    Ok(Value::BigDec(Arc::new(BigDecimal::new(digits, scale))))
}

fn big_int(digits: &str) -> BigInt {
    BigInt::parse_bytes(digits.as_bytes(), 10).expect("the grammar lets only digits and a sign through")
}

fn whole_number(n: BigInt, is_big: bool) -> Value {
    match i64::try_from(&n) {
        Ok(small) if !is_big => Value::Long(small),
        _ => Value::BigInt(Arc::new(n)),
    }
}

fn refuse_number(atom: &str, rest: &str, span: Span) -> Error {
    if rest.starts_with('/') {
        return syntax("ratios are not supported", span).with_help("write a decimal such as 0.5 or 0.5M, or divide in the query");
    }
    let hexadecimal = atom.trim_start_matches(['+', '-']);
    if hexadecimal.len() > LIMIT_DIGITS && hexadecimal.starts_with(['0']) {
        return Error::new(Code::EdnLimit, format!("the number is longer than {LIMIT_DIGITS} digits"))
            .at(span)
            .with_help("put it into a string");
    }
    syntax("this is not a number", span)
        .with_help("write it like 42, -1.5, 6.02e23, 0xFF, 12N or 1.20M; a name does not start with a digit")
}
