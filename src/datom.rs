//! The datom `[e a v t m added]`, entity ids and their partitions.

use annals_query::Value;

/// An immutable fact: entity, attribute, value, transaction, metadata, and whether it was added or retracted.
///
/// The order is `e a v t added`, a retraction before an addition of the same transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Datom {
    /// Entity id.
    pub e: i64,
    /// Attribute: the entity id of the attribute.
    pub a: i64,
    /// Value; never nil, never NaN.
    pub v: Value,
    /// Transaction number, which is the entity id of the transaction's own entity.
    pub t: i64,
    /// True if the fact holds from `t` on, false if it ceases to.
    pub added: bool,
    /// Metadata entity, 0 for none: why this is believed.
    pub m: i64,
}

/// The upper half of an entity id. Entities of one partition lie together in entity order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub i64);

impl Partition {
    /// Transactions: the entity id of transaction t is t.
    pub const TRANSACTIONS: Self = Self(0);
    /// Attributes and other idents.
    pub const SCHEMA: Self = Self(1);
    /// Everything unplaced.
    pub const DEFAULT: Self = Self(2);
    /// State of the contract.
    pub const STATE: Self = Self(3);
    /// The first partition that a run may get.
    pub const FIRST_OWN: Self = Self(16);
    /// The last partition there can be.
    pub const LAST: Self = Self((1 << 31) - 1);

    /// The partition of an entity.
    pub fn of(entity: i64) -> Self {
        Self(entity >> 32)
    }

    /// The id of the n-th entity of this partition.
    ///
    /// ```
    /// use annals::Partition;
    /// assert_eq!(Partition::DEFAULT.entity(1), 8_589_934_593);
    /// ```
    pub fn entity(self, n: u32) -> i64 {
        self.0 << 32 | i64::from(n)
    }

    /// The last id of this partition.
    pub fn last_entity(self) -> i64 {
        self.entity(u32::MAX)
    }
}
