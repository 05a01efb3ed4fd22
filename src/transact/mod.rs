//! Transaction data to datoms: passes as files, in the order in which data meets them.

mod before;
mod data;
mod prepared;

pub use before::Before;
pub use data::{AttributeTerm, EntityTerm, Fresh, MapEntry, MapForm, Operation, TxData, ValueTerm};
pub use prepared::Prepared;

use crate::error::{Error, ErrorKind, Result};

/// Checks a transaction against the store before it and computes its datoms. Nothing is written.
pub fn prepare(before: &dyn Before, data: &TxData, now_micros: i64) -> Result<Prepared> {
    let instant = now_micros.max(before.instant());
    if data.is_empty() {
        let (datoms, fresh, new_indexed) = (Vec::new(), Vec::new(), Vec::new());
        let tempids = std::collections::BTreeMap::new();
        return Ok(Prepared { t: before.basis() + 1, instant, datoms, tempids, new_indexed, changes_schema: false, fresh });
    }
    Err(Error::new(ErrorKind::TransactionSyntax, "only empty transactions are understood as yet"))
}

impl TxData {
    /// Reads one transaction: a vector of forms, or a single form.
    pub fn read(text: &str) -> Result<Self> {
        Err(Error::new(ErrorKind::TransactionSyntax, "text is not read as yet").with_value(text))
    }

    /// Reads one or many transactions: each of several vectors of forms is one.
    pub fn read_many(text: &str) -> Result<Vec<Self>> {
        Ok(vec![Self::read(text)?])
    }
}
