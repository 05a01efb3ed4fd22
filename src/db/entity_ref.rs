//! The ways in which an entity can be named.

use std::sync::Arc;

use annals_query::{Code, Facts as _, Value, ValueType};

use super::Db;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Declaration;
use crate::transact::is_whole;

/// Names an entity: by its id, by its ident, or by a unique value.
///
/// ```
/// use annals::EntityRef;
/// let by_id = EntityRef::from(8_589_934_593);
/// let by_ident = EntityRef::from(":run/status");
/// let by_value = EntityRef::from((":run/id", "0199"));
/// # let _ = (by_id, by_ident, by_value);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntityRef {
    /// By its id.
    Id(i64),
    /// By its ident, without colon.
    Ident(Arc<str>),
    /// By the value it has for a unique attribute (without colon).
    Lookup(Arc<str>, Value),
}

fn without_colon(ident: &str) -> Arc<str> {
    ident.strip_prefix(':').unwrap_or(ident).into()
}

impl From<i64> for EntityRef {
    fn from(id: i64) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for EntityRef {
    fn from(ident: &str) -> Self {
        Self::Ident(without_colon(ident))
    }
}

impl<V: Into<Value>> From<(&str, V)> for EntityRef {
    fn from((attribute, value): (&str, V)) -> Self {
        Self::Lookup(without_colon(attribute), value.into())
    }
}

impl TryFrom<&Value> for EntityRef {
    type Error = Error;

    /// Reads `8589934593`, `:some/ident` and `[:run/id "0199"]`.
    fn try_from(value: &Value) -> Result<Self> {
        match value {
            Value::Long(id) | Value::Ref(id) => Ok(Self::Id(*id)),
            Value::Keyword(ident) => Ok(Self::Ident(Arc::clone(ident))),
            Value::Vector(parts) | Value::List(parts) => match &**parts {
                [Value::Keyword(attribute), value] => Ok(Self::Lookup(Arc::clone(attribute), value.clone())),
                _ => Err(not_an_entity(value)),
            },
            _ => Err(not_an_entity(value)),
        }
    }
}

fn not_an_entity(value: &Value) -> Error {
    Error::new(ErrorKind::Entity, format!("a {} does not name an entity", value.kind_name()))
        .with_value(value)
        .with_help("give an id, an ident such as :run/status, or a lookup reference such as [:run/id \"0199\"]")
}

impl Db {
    /// The id of the entity that is meant, if there is one. A lookup reference is resolved in this view: a value that was given
    /// away since leads to the one who had it then.
    pub fn entity_id(&self, entity: impl Into<EntityRef>) -> Result<Option<i64>> {
        match entity.into() {
            EntityRef::Id(id) => Ok(Some(id)),
            EntityRef::Ident(ident) => Ok(self.entity_by_ident(&ident)?),
            EntityRef::Lookup(ident, value) => {
                let Some(attribute) = self.attribute(&ident) else { return Ok(None) };
                if attribute.unique.is_none() {
                    return Err(Error::new(
                        ErrorKind::Query(Code::NotUnique),
                        format!("the values of :{ident} are not unique, so they lead to no entity"),
                    )
                    .with_value(format!("[:{ident} {value}]"))
                    .with_help(format!(
                        "declare {{:db/ident :{ident} :db/unique :db.unique/identity}}, or give the entity's id"
                    )));
                }
                match self.snapshot.schema().declaration(attribute.id).filter(|_| self.lens().is_none()) {
                    Some(declaration) => self.holder_of(declaration, &value),
                    None => self.holder_through_lens(&attribute, &value),
                }
            }
        }
    }

    /// Who has this value for a unique attribute; nobody has a tuple with a missing part, which is not unique. What stands for an
    /// entity in it, as in a transaction, is resolved in this view.
    pub(super) fn holder_of(&self, declaration: &Declaration, value: &Value) -> Result<Option<i64>> {
        let schema = self.snapshot.schema();
        let value = match (declaration.attribute.value_type, value) {
            (Some(ValueType::Ref), value) => self.referred_to(value)?,
            (_, Value::Vector(items)) => {
                let part = |(place, item): (usize, &Value)| match schema.type_of_part(declaration, place) {
                    Some(ValueType::Ref) if *item != Value::Nil => self.referred_to(item),
                    _ => Ok(Some(item.clone())),
                };
                let parts: Option<Vec<Value>> = items.iter().enumerate().map(part).collect::<Result<_>>()?;
                parts.map(Value::vector)
            }
            (_, value) => Some(value.clone()),
        };
        value.filter(is_whole).map_or(Ok(None), |value| self.holder(declaration.attribute.id, &value))
    }

    /// The reference that an id, an ident or a lookup reference stands for; none if it leads nowhere.
    fn referred_to(&self, value: &Value) -> Result<Option<Value>> {
        let Ok(entity) = EntityRef::try_from(value) else { return Ok(None) };
        Ok(self.entity_id(entity)?.map(Value::Ref))
    }
}
