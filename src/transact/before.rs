//! What a transaction asks of the store before it.

use annals_query::Value;

use crate::datom::{Datom, Partition};
use crate::error::Result;
use crate::redact::KEY_BYTES;
use crate::schema::Schema;

/// The store as it was before a transaction: every operation sees this and nothing else.
pub trait Before {
    /// The newest transaction, 0 in a store that has none.
    fn basis(&self) -> i64;

    /// The instant of the newest transaction, in microseconds.
    fn instant(&self) -> i64;

    /// Attributes and idents.
    fn schema(&self) -> &Schema;

    /// The facts of an entity that hold, each the datom that added it.
    fn facts(&self, entity: i64) -> Result<Vec<Datom>>;

    /// The facts of an entity for one attribute that hold.
    fn values(&self, entity: i64, attribute: i64) -> Result<Vec<Datom>>;

    /// The facts with this attribute and exactly this value that hold.
    fn holders(&self, attribute: i64, value: &Value) -> Result<Vec<Datom>>;

    /// The facts whose value is a reference to this entity that hold.
    fn referrers(&self, entity: i64) -> Result<Vec<Datom>>;

    /// The facts of an attribute that hold; `limit` of them at most. For checking a declaration against what is there.
    fn facts_of_attribute(&self, attribute: i64, limit: usize) -> Result<Vec<Datom>>;

    /// The key under which redacted values are hashed.
    fn redaction_key(&self) -> [u8; KEY_BYTES];

    /// The greatest entity id in a partition that any datom ever had as `e`.
    fn last_entity(&self, partition: Partition) -> Result<Option<i64>>;

    /// The greatest partition that any datom's `e` lies in.
    fn last_partition(&self) -> Result<Partition>;

    /// The greatest long that any entity which ever had `within` for `scope` has or had for `attribute`; 0 if none.
    fn last_in_sequence(&self, attribute: i64, scope: i64, within: i64) -> Result<i64>;
}
