//! Which types the values of an attribute have, whoever declared what.

use annals_query::column::TextKind;
use annals_query::{Column, Value, ValueType};

/// The types of some values as queries see them, where a reference is a long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Types {
    /// There is no value.
    #[default]
    None,
    /// All have this one.
    One(ValueType),
    /// There are several, or there is a value without a type.
    Several,
}

impl Types {
    /// The type of one value.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Ref(_) => Self::One(ValueType::Long),
            other => other.value_type().map_or(Self::Several, Self::One),
        }
    }

    /// The types of a column. One of arbitrary values counts as several.
    pub(super) fn of_column(column: &Column) -> Self {
        if column.is_empty() {
            return Self::None;
        }
        Self::One(match column {
            Column::Long(_) => ValueType::Long,
            Column::Instant(_) => ValueType::Instant,
            Column::Double(_) => ValueType::Double,
            Column::Boolean(_) => ValueType::Boolean,
            Column::Text(TextKind::String, ..) => ValueType::String,
            Column::Text(TextKind::Keyword, ..) => ValueType::Keyword,
            Column::Value(_) => return Self::Several,
        })
    }

    /// The types of these values and those.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, types) | (types, Self::None) => types,
            (own, other) if own == other => own,
            _ => Self::Several,
        }
    }

    /// The one that all values have.
    pub(crate) fn only(self) -> Option<ValueType> {
        if let Self::One(kind) = self { Some(kind) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_one_only_as_long_as_every_value_has_it() {
        let of = |values: &[Value]| values.iter().map(Types::of).fold(Types::default(), Types::and);
        assert_eq!(of(&[]).only(), None);
        assert_eq!(of(&[1.into(), 2.into()]).only(), Some(ValueType::Long));
        assert_eq!(of(&[1.into(), Value::Ref(2)]).only(), Some(ValueType::Long), "a reference is seen as a long");
        assert_eq!(of(&["a".into(), "b".into()]).only(), Some(ValueType::String));
        assert_eq!(of(&["a".into(), Value::keyword("a")]).only(), None);
        assert_eq!(of(&[1.into(), Value::Double(1.0), 1.into()]).only(), None);
        assert_eq!(of(&[Value::Nil, Value::Nil]).only(), None);
        let column = |values: Vec<Value>| Types::of_column(&Column::Value(values.into())).only();
        assert_eq!(column(vec![1.into(), 2.into()]), None, "it is not looked at");
        assert_eq!(Types::of_column(&Column::Long(vec![1].into())).only(), Some(ValueType::Long));
        assert_eq!(Types::of_column(&Column::Long(Vec::new().into())), Types::None);
    }
}
