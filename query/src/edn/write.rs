//! The canonical text of a value: [`super::read`] gives back exactly the value that was written.

use std::fmt::{self, Display as _, Write as _};

use super::{REGEX_TAG, atom, instant, tag, text};
use crate::answer::{Answer, Shape};
use crate::ast::{ReturnMap, ReturnMapKind};
use crate::table::{Grid, Table};
use crate::value::{BigDecimal, Value};

/// Digits behind the point up to which a bigdec is written without an exponent.
const LIMIT_PLAIN_SCALE: i64 = 40;

/// Canonical EDN: sets and maps sorted, nothing lost.
///
/// ```
/// use annals_query::Value;
/// assert_eq!(Value::from(2.0).to_string(), "2.0");
/// assert_eq!(Value::Ref(5).to_string(), "#db/id 5");
/// assert_eq!(Value::vector([Value::keyword("a/b"), Value::from("x\n")]).to_string(), r#"[:a/b "x\n"]"#);
/// ```
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Ref(id) => write!(f, "#db/id {id}"),
            Self::Boolean(flag) => write!(f, "{flag}"),
            Self::Long(n) => write!(f, "{n}"),
            Self::BigInt(n) => write!(f, "{n}N"),
            Self::Double(n) => write_double(*n, f),
            Self::BigDec(n) => write_decimal(n, "E", f).and_then(|()| f.write_char('M')),
            Self::Instant(micros) => {
                f.write_str("#inst \"")?;
                instant::write(*micros, f)?;
                f.write_char('"')
            }
            Self::Uuid(id) => write!(f, "#uuid \"{id}\""),
            Self::Keyword(name) if atom::is_keyword(name) => write!(f, ":{name}"),
            Self::Keyword(name) => write_tagged_text("db/keyword", name, f),
            Self::Symbol(name) if atom::is_symbol(name) => f.write_str(name),
            Self::Symbol(name) => write_tagged_text("db/symbol", name, f),
            Self::Char(c) => write_char(*c, f),
            Self::String(string) => write_string(string, f),
            Self::Uri(uri) => write_tagged_text("uri", uri, f),
            Self::Bytes(bytes) => write_bytes(bytes, f),
            Self::Vector(items) => write_items("[", items.iter(), "]", f),
            Self::List(items) => write_items("(", items.iter(), ")", f),
            Self::Set(items) => write_items("#{", items.iter(), "}", f),
            Self::Map(entries) => write_entries(entries.iter(), f),
            Self::Tagged(name, content) => write_tagged(name, content, f),
        }
    }
}

impl Answer {
    /// The answer as EDN text, without a line end: a relation as one vector with a tuple (or map) a line, anything else as
    /// the value itself, `nil` for nothing.
    pub fn to_edn(&self) -> String {
        EdnGrid(self).to_string()
    }
}

impl Table {
    /// The same as [`Answer::to_edn`], without making rows.
    pub fn to_edn(&self) -> String {
        EdnGrid(self).to_string()
    }
}

struct EdnGrid<'a, G>(&'a G);

impl<G: Grid> fmt::Display for EdnGrid<'_, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grid = self.0;
        let is_empty = grid.row_count() == 0;
        match grid.shape() {
            Shape::Relation => write_lines(grid, f, |row, f| write_items("[", grid.cells(row), "]", f)),
            Shape::RelationOfMaps(names) => {
                let keys = return_keys(names);
                write_lines(grid, f, |row, f| write_entries(keys.iter().zip(grid.cells(row)), f))
            }
            Shape::Collection => write_items("[", (0..grid.row_count()).filter_map(|row| grid.cells(row).next()), "]", f),
            Shape::Scalar | Shape::Tuple | Shape::TupleAsMap(_) if is_empty => f.write_str("nil"),
            Shape::Scalar => grid.cells(0).next().unwrap_or(Value::Nil).fmt(f),
            Shape::Tuple => write_items("[", grid.cells(0), "]", f),
            Shape::TupleAsMap(names) => write_entries(return_keys(names).iter().zip(grid.cells(0)), f),
        }
    }
}

/// The keys that a return map gives to the columns.
fn return_keys(names: &ReturnMap) -> Vec<Value> {
    names.names.iter().map(|name| return_key(names.kind, name)).collect()
}

/// The key that a return map gives to a column.
pub(super) fn return_key(kind: ReturnMapKind, name: &std::sync::Arc<str>) -> Value {
    kind.key(name)
}

fn write_lines(
    grid: &impl Grid,
    f: &mut fmt::Formatter<'_>,
    write_row: impl Fn(usize, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    f.write_char('[')?;
    for row in 0..grid.row_count() {
        if row > 0 {
            f.write_str("\n ")?;
        }
        write_row(row, f)?;
    }
    f.write_char(']')
}

fn write_items(
    open: &str,
    items: impl Iterator<Item = impl fmt::Display>,
    close: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    f.write_str(open)?;
    for (at, item) in items.enumerate() {
        if at > 0 {
            f.write_char(' ')?;
        }
        item.fmt(f)?;
    }
    f.write_str(close)
}

fn write_entries<'v>(entries: impl Iterator<Item = (&'v Value, impl fmt::Display)>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('{')?;
    for (at, (key, value)) in entries.enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        key.fmt(f)?;
        f.write_char(' ')?;
        value.fmt(f)?;
    }
    f.write_char('}')
}

/// The shortest text that reads back as the same double, always with a point or an exponent.
fn write_double(n: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match n {
        f64::INFINITY => f.write_str("##Inf"),
        f64::NEG_INFINITY => f.write_str("##-Inf"),
        n => write!(f, "{n:?}"),
    }
}

/// The digits and scale exactly as they are held.
pub(super) fn write_decimal(n: &BigDecimal, exponent_sign: &str, f: &mut impl fmt::Write) -> fmt::Result {
    let (digits, scale) = n.as_bigint_and_exponent();
    if scale == 0 {
        return write!(f, "{digits}");
    }
    if !(0..=LIMIT_PLAIN_SCALE).contains(&scale) {
        return write!(f, "{digits}{exponent_sign}{}", -i128::from(scale));
    }
    let sign = if digits.sign() == bigdecimal::num_bigint::Sign::Minus { "-" } else { "" };
    let fraction_length = scale as usize;
    let magnitude = format!("{:0>width$}", digits.magnitude().to_string(), width = fraction_length + 1);
    let (whole, fraction) = magnitude.split_at(magnitude.len() - fraction_length);
    write!(f, "{sign}{whole}.{fraction}")
}

fn write_char(c: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some((name, _)) = text::NAMED.iter().find(|(_, named)| *named == c) {
        return write!(f, "\\{name}");
    }
    match u32::from(c) {
        code @ 0..=0xffff if c.is_whitespace() || c.is_control() => write!(f, "\\u{code:04X}"),
        _ => write!(f, "\\{c}"),
    }
}

fn write_string(string: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    let mut plain_from = 0;
    for (at, byte) in string.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\t' => "\\t",
            b'\r' => "\\r",
            0..0x20 | 0x7f => "",
            _ => continue,
        };
        f.write_str(&string[plain_from..at])?;
        if escape.is_empty() {
            write!(f, "\\u{byte:04X}")?;
        } else {
            f.write_str(escape)?;
        }
        plain_from = at + 1;
    }
    f.write_str(&string[plain_from..])?;
    f.write_char('"')
}

fn write_tagged_text(tag: &str, text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "#{tag} ")?;
    write_string(text, f)
}

fn write_bytes(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("#bytes \"")?;
    for byte in bytes {
        write!(f, "{byte:02x}")?;
    }
    f.write_char('"')
}

fn write_tagged(name: &str, content: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let (REGEX_TAG, Value::String(pattern)) = (name, content)
        && text::can_be_regex(pattern)
    {
        return write!(f, "#\"{pattern}\"");
    }
    let reads_as_reference = name == "db/id" && matches!(content, Value::Long(_));
    let is_plain = name.starts_with(char::is_alphabetic) && atom::is_symbol(name);
    if is_plain && !reads_as_reference && !tag::KNOWN.contains(&name) {
        return write!(f, "#{name} {content}");
    }
    f.write_str("#db/tagged [")?;
    write_string(name, f)?;
    write!(f, " {content}]")
}
