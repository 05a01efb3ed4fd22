//! Pulls in the order of an index.

use std::sync::Arc;

use annals_query::{Attribute, Value};

use super::{Db, EntityRef, Order};
use crate::datom::Datom;
use crate::error::{Error, ErrorKind, Result};

/// Where an [`Db::index_pull`] starts, in which direction it goes, and how far.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// The attribute, and behind it as much as is known of the place to start from, in the order of the index: a value and an entity
    /// for [`Order::Avet`], an entity and a value for [`Order::Aevt`]. Nothing has to stand exactly there.
    pub start: Vec<Value>,
    /// From the start backwards.
    pub is_reversed: bool,
    /// So many are left out first.
    pub offset: usize,
    /// At most so many, [`LIMIT_PULLS`](Self::LIMIT_PULLS) if nothing else is said.
    pub limit: Option<usize>,
}

impl Walk {
    /// How many pulls a walk gives unless it says otherwise.
    pub const LIMIT_PULLS: usize = 1000;

    /// A walk through an attribute from its beginning.
    pub fn of(attribute: &str) -> Self {
        Self { start: vec![Value::keyword(attribute.trim_start_matches(':'))], ..Self::default() }
    }

    /// The same from this value (or, for [`Order::Aevt`], entity) on.
    #[must_use]
    pub fn from(mut self, place: impl Into<Value>) -> Self {
        self.start.truncate(1);
        self.start.push(place.into());
        self
    }

    /// The same backwards: from the end, or from the place where it starts.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.is_reversed = true;
        self
    }
}

impl Db {
    /// Pulls entities one by one in the order of an index: with [`Order::Avet`] those that have the attribute, by its values; with
    /// [`Order::Aevt`] those to which it refers, by the entities that refer.
    ///
    /// ```
    /// use annals::{Connection, Order, Walk};
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let connection = Connection::open(folder.path().join("annals.db"))?;
    /// connection.transact(r#"[{:p/name "Ada" :p/age 36} {:p/name "Bob" :p/age 17} {:p/name "Eve" :p/age 52}]"#)?;
    /// let adults = connection.db()?.index_pull(Order::Avet, "[:p/name :p/age]", &Walk::of(":p/age").from(18))?;
    /// assert_eq!(adults[0].to_string(), "{:p/age 36, :p/name \"Ada\"}");
    /// let eldest = connection.db()?.index_pull(Order::Avet, "[:p/name]", &Walk::of(":p/age").reversed())?;
    /// assert_eq!(eldest[0].to_string(), "{:p/name \"Eve\"}");
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn index_pull(&self, order: Order, pattern: &str, walk: &Walk) -> Result<Vec<Value>> {
        self.refuse_history("a pull")?;
        let Some(attribute) = self.walked(order, walk)? else { return Ok(Vec::new()) };
        let datoms = self.datoms(order, &[Value::Long(attribute.id)])?;
        let start = self.start(order, walk)?;
        let from = if walk.is_reversed {
            datoms.partition_point(|datom| !is_behind(order, datom, &start))
        } else {
            datoms.partition_point(|datom| is_before(order, datom, &start))
        };
        let limit = walk.limit.unwrap_or(Walk::LIMIT_PULLS);
        let entities: Vec<i64> = if walk.is_reversed {
            datoms[..from].iter().rev().filter_map(|datom| pulled(order, datom)).skip(walk.offset).take(limit).collect()
        } else {
            datoms[from..].iter().filter_map(|datom| pulled(order, datom)).skip(walk.offset).take(limit).collect()
        };
        self.pull_many(pattern, entities)
    }

    /// The attribute of a walk; none if the store does not know it.
    fn walked(&self, order: Order, walk: &Walk) -> Result<Option<Arc<Attribute>>> {
        let refuse = |message: &str, help: &str| Err(Error::new(ErrorKind::Usage, message).with_help(help));
        if !matches!(order, Order::Avet | Order::Aevt) {
            return refuse("an index pull walks an attribute", "walk Order::Avet or Order::Aevt");
        }
        match &walk.start[..] {
            [Value::Keyword(ident)] | [Value::Keyword(ident), _] | [Value::Keyword(ident), _, _] => {
                let declaration = self.snapshot.schema().declaration_by_ident(ident);
                Ok(declaration.map(|declaration| Arc::clone(&declaration.attribute)))
            }
            _ => refuse(
                "an index pull starts at an attribute",
                "begin its start with a keyword, then at most a value and an entity",
            ),
        }
    }

    /// What stands behind the attribute in the start of a walk: entities as ids.
    fn start(&self, order: Order, walk: &Walk) -> Result<Vec<Value>> {
        let place_of_entity = usize::from(order == Order::Avet);
        let given = walk.start.iter().skip(1).enumerate();
        given
            .map(|(place, value)| {
                if place != place_of_entity {
                    return Ok(value.clone());
                }
                let entity = self.entity_id(EntityRef::try_from(value)?)?;
                entity.map(Value::Long).ok_or_else(|| {
                    Error::new(ErrorKind::NotFound, "the walk starts at an entity that is not known")
                        .with_value(value)
                        .with_help("start at an id, an ident or a lookup reference that leads somewhere")
                })
            })
            .collect()
    }
}

/// What of a datom is compared to the start.
fn key(order: Order, datom: &Datom) -> [Value; 2] {
    match order {
        Order::Avet => [datom.v.clone(), Value::Long(datom.e)],
        _ => [Value::Long(datom.e), datom.v.clone()],
    }
}

fn is_before(order: Order, datom: &Datom, start: &[Value]) -> bool {
    key(order, datom)[..start.len()] < *start
}

fn is_behind(order: Order, datom: &Datom, start: &[Value]) -> bool {
    key(order, datom)[..start.len()] > *start
}

/// The entity that is pulled: the third component of the index.
fn pulled(order: Order, datom: &Datom) -> Option<i64> {
    match (order, &datom.v) {
        (Order::Avet, _) => Some(datom.e),
        (_, Value::Ref(id)) => Some(*id),
        _ => None,
    }
}
