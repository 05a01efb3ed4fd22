//! Values: what a fact may hold and what a query may answer.
//!
//! Two notions of sameness live here. `==`, `Ord` and `Hash` on [`Value`] are *exact*: a long 1 and a double 1.0 differ, and
//! one total order covers every value, by type rank first, with all numbers compared as numbers and, where equal, by kind.
//! The query language compares *by meaning*: [`Value::same`] and [`Value::canonical`] treat numerically equal numbers as one.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

pub use bigdecimal::BigDecimal;
pub use bigdecimal::num_bigint::BigInt;
pub use uuid::Uuid;

mod number;

/// One value. Cloning never copies text.
///
/// ```
/// use annals_query::Value;
/// assert_eq!(Value::from("ada"), Value::from("ada"));
/// assert!(Value::from(1).same(&Value::from(1.0)));
/// assert_ne!(Value::from(1), Value::from(1.0));
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Value {
    /// Nothing. Never stored, except inside a tuple.
    #[default]
    Nil,
    /// A reference to an entity. Only facts hold it: inside a query an entity id is a [`Value::Long`].
    Ref(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A 64-bit integer.
    Long(i64),
    /// An integer of any size, `12N`.
    BigInt(Arc<BigInt>),
    /// A double; never NaN.
    Double(f64),
    /// A decimal of any precision, `1.20M`; the scale is kept.
    BigDec(Arc<BigDecimal>),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Instant(i64),
    /// `#uuid "..."`.
    Uuid(Uuid),
    /// `:a/b`, held without the colon.
    Keyword(Arc<str>),
    /// `a/b`.
    Symbol(Arc<str>),
    /// `\a`. Read and written, but not a type of fact.
    Char(char),
    /// `"text"`.
    String(Arc<str>),
    /// `#uri "..."`.
    Uri(Arc<str>),
    /// `#bytes "hex"`.
    Bytes(Arc<[u8]>),
    /// `[1 2]`; as the value of a fact, a tuple.
    Vector(Arc<[Value]>),
    /// `(1 2)`. Read and written, but not a type of fact.
    List(Arc<[Value]>),
    /// `#{1 2}`. A result, an input, or many values of one attribute.
    Set(Arc<BTreeSet<Value>>),
    /// `{:a 1}`. A result or an input.
    Map(Arc<BTreeMap<Value, Value>>),
    /// `#tag value` with a tag that has no meaning here.
    Tagged(Arc<str>, Arc<Value>),
}

/// The type of a fact's value, in the order of the total order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ValueType {
    /// Reference to an entity.
    Ref = 1,
    /// `true` or `false`.
    Boolean = 2,
    /// 64-bit integer.
    Long = 3,
    /// Integer of any size.
    BigInt = 4,
    /// 64-bit float without NaN.
    Double = 5,
    /// Decimal of any precision.
    BigDec = 6,
    /// Microseconds, UTC.
    Instant = 7,
    /// 128-bit id.
    Uuid = 8,
    /// `:a/b`.
    Keyword = 9,
    /// `a/b`.
    Symbol = 10,
    /// Text.
    String = 11,
    /// `#uri`.
    Uri = 12,
    /// Octets.
    Bytes = 13,
    /// Up to 8 values, nil allowed inside.
    Tuple = 14,
}

impl ValueType {
    /// Every type, in rank order.
    pub const ALL: [Self; 14] = [
        Self::Ref,
        Self::Boolean,
        Self::Long,
        Self::BigInt,
        Self::Double,
        Self::BigDec,
        Self::Instant,
        Self::Uuid,
        Self::Keyword,
        Self::Symbol,
        Self::String,
        Self::Uri,
        Self::Bytes,
        Self::Tuple,
    ];

    /// The name as in `:db.type/long`, without the prefix.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ref => "ref",
            Self::Boolean => "boolean",
            Self::Long => "long",
            Self::BigInt => "bigint",
            Self::Double => "double",
            Self::BigDec => "bigdec",
            Self::Instant => "instant",
            Self::Uuid => "uuid",
            Self::Keyword => "keyword",
            Self::Symbol => "symbol",
            Self::String => "string",
            Self::Uri => "uri",
            Self::Bytes => "bytes",
            Self::Tuple => "tuple",
        }
    }

    /// The type with this code, as the file and the record hold it.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code).checked_sub(1)?).copied()
    }

    /// The type with this name (`"long"`).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Value {
    /// A keyword from its text without the colon: `Value::keyword("run/id")` is `:run/id`.
    pub fn keyword(text: &str) -> Self {
        Self::Keyword(text.into())
    }

    /// A vector (as a fact, a tuple) of these values.
    pub fn vector(items: impl IntoIterator<Item = Value>) -> Self {
        Self::Vector(items.into_iter().collect())
    }

    /// The type a fact with this value has; `None` for what cannot be a fact.
    pub fn value_type(&self) -> Option<ValueType> {
        Some(match self {
            Self::Ref(_) => ValueType::Ref,
            Self::Boolean(_) => ValueType::Boolean,
            Self::Long(_) => ValueType::Long,
            Self::BigInt(_) => ValueType::BigInt,
            Self::Double(_) => ValueType::Double,
            Self::BigDec(_) => ValueType::BigDec,
            Self::Instant(_) => ValueType::Instant,
            Self::Uuid(_) => ValueType::Uuid,
            Self::Keyword(_) => ValueType::Keyword,
            Self::Symbol(_) => ValueType::Symbol,
            Self::String(_) => ValueType::String,
            Self::Uri(_) => ValueType::Uri,
            Self::Bytes(_) => ValueType::Bytes,
            Self::Vector(_) => ValueType::Tuple,
            Self::Nil | Self::Char(_) | Self::List(_) | Self::Set(_) | Self::Map(_) | Self::Tagged(..) => return None,
        })
    }

    /// What a person calls this kind of value: `"long"`, `"string"`, `"map"`.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Char(_) => "char",
            Self::Vector(_) => "vector",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Map(_) => "map",
            Self::Tagged(..) => "tagged value",
            stored => stored.value_type().map_or("value", ValueType::name),
        }
    }

    /// True for long, bigint, double and bigdec.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Long(_) | Self::BigInt(_) | Self::Double(_) | Self::BigDec(_))
    }

    /// False and nil are not truthy; everything else is.
    pub fn is_truthy(&self) -> bool {
        !matches!(self, Self::Nil | Self::Boolean(false))
    }

    /// The 64-bit integer, if it is one; an entity reference counts as its id.
    pub fn as_long(&self) -> Option<i64> {
        match self {
            Self::Long(n) | Self::Ref(n) => Some(*n),
            _ => None,
        }
    }

    /// The text of a string, keyword (without colon), symbol or uri.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::String(text) | Self::Keyword(text) | Self::Symbol(text) | Self::Uri(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a vector or list.
    pub fn as_items(&self) -> Option<&[Value]> {
        match self {
            Self::Vector(items) | Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// Equality as the query language means it: numbers by numeric value, a reference inside a tuple as the entity's id,
    /// everything else exactly.
    ///
    /// ```
    /// use annals_query::Value;
    /// assert!(Value::from(2).same(&Value::from(2.0)) && Value::Ref(2).same(&Value::from(2)));
    /// assert!(Value::Ref(2).same(&Value::from(2.0)), "so what is the same as one of them is the same as all");
    /// ```
    pub fn same(&self, other: &Self) -> bool {
        if self.is_number() && other.is_number() {
            return number::compare(self, other) == Ordering::Equal;
        }
        match (self, other) {
            // A reference is the number that it is, of whatever kind the other is.
            (Self::Ref(id), number) | (number, Self::Ref(id)) if number.is_number() => Self::Long(*id).same(number),
            (Self::Vector(a) | Self::List(a), Self::Vector(b) | Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.same(b))
            }
            _ => self == other,
        }
    }

    /// The one value that stands for all values [`same`](Self::same) as this: use it as a key of joins and sets.
    /// Integral numbers become longs (or bigints), lists become vectors.
    ///
    /// ```
    /// use annals_query::Value;
    /// assert_eq!(Value::from(2.0).canonical(), Value::from(2));
    /// ```
    #[must_use]
    pub fn canonical(&self) -> Self {
        match self {
            Self::Ref(id) => Self::Long(*id),
            Self::Double(_) | Self::BigInt(_) | Self::BigDec(_) => number::canonical(self),
            Self::Vector(items) | Self::List(items) => Self::vector(items.iter().map(Self::canonical)),
            other => other.clone(),
        }
    }

    /// Compares numbers by numeric value and values of one type by the total order; `None` across types.
    pub fn compare_within_type(&self, other: &Self) -> Option<Ordering> {
        if self.is_number() && other.is_number() {
            return Some(number::compare(self, other));
        }
        (self.rank() == other.rank()).then(|| self.cmp(other))
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Nil => 0,
            Self::Char(_) => 20,
            Self::List(_) => 21,
            Self::Set(_) => 22,
            Self::Map(_) => 23,
            Self::Tagged(..) => 24,
            number if number.is_number() => ValueType::Long as u8,
            stored => stored.value_type().map_or(u8::MAX, |kind| kind as u8),
        }
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Ref(a), Self::Ref(b)) | (Self::Long(a), Self::Long(b)) | (Self::Instant(a), Self::Instant(b)) => a.cmp(b),
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
            (Self::Uuid(a), Self::Uuid(b)) => a.cmp(b),
            (Self::Keyword(a), Self::Keyword(b))
            | (Self::Symbol(a), Self::Symbol(b))
            | (Self::String(a), Self::String(b))
            | (Self::Uri(a), Self::Uri(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Char(a), Self::Char(b)) => a.cmp(b),
            (Self::Vector(a), Self::Vector(b)) | (Self::List(a), Self::List(b)) => a.cmp(b),
            (Self::Set(a), Self::Set(b)) => a.cmp(b),
            (Self::Map(a), Self::Map(b)) => a.cmp(b),
            (Self::Tagged(tag_a, a), Self::Tagged(tag_b, b)) => tag_a.cmp(tag_b).then_with(|| a.cmp(b)),
            (a, b) if a.is_number() && b.is_number() => number::compare_exact(a, b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Self::Nil => {}
            Self::Ref(n) | Self::Long(n) | Self::Instant(n) => n.hash(state),
            Self::Boolean(flag) => flag.hash(state),
            Self::BigInt(n) => n.hash(state),
            Self::Double(n) => n.to_bits().hash(state),
            Self::BigDec(n) => n.as_bigint_and_exponent().hash(state),
            Self::Uuid(id) => id.hash(state),
            Self::Keyword(text) | Self::Symbol(text) | Self::String(text) | Self::Uri(text) => text.hash(state),
            Self::Char(c) => c.hash(state),
            Self::Bytes(bytes) => bytes.hash(state),
            Self::Vector(items) | Self::List(items) => items.hash(state),
            Self::Set(items) => items.hash(state),
            Self::Map(entries) => entries.hash(state),
            Self::Tagged(tag, value) => (tag, value).hash(state),
        }
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Long(n)
    }
}

impl From<i32> for Value {
    fn from(n: i32) -> Self {
        Self::Long(n.into())
    }
}

impl From<f64> for Value {
    /// NaN, which is no value, becomes nil.
    fn from(n: f64) -> Self {
        if n.is_nan() { Self::Nil } else { Self::Double(n) }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Boolean(flag)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<BigInt> for Value {
    fn from(n: BigInt) -> Self {
        Self::BigInt(Arc::new(n))
    }
}

impl From<BigDecimal> for Value {
    fn from(n: BigDecimal) -> Self {
        Self::BigDec(Arc::new(n))
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Vector(items.into())
    }
}
