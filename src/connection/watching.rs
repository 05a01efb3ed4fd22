//! What a subscription asks of a connection: values as they were committed one by one, and a bell.

use std::sync::Arc;

use super::Connection;
use super::bell::Bell;
use super::latest::Latest;
use crate::db::Db;
use crate::db::snapshot::Snapshot;
use crate::error::Result;

impl Connection {
    /// The snapshot as of now, whoever committed last.
    pub(crate) fn snapshot(&self) -> Result<Arc<Snapshot>> {
        self.0.latest.get(&self.0.index)
    }

    /// The snapshot as it was when transaction `t` was the newest, schema and idents included.
    pub(crate) fn snapshot_at(&self, t: i64) -> Result<Arc<Snapshot>> {
        Latest::snapshot_at(&self.0.index, t).map(Arc::new)
    }

    /// A database value of this connection.
    pub(crate) fn value_of(&self, snapshot: &Arc<Snapshot>) -> Db {
        self.0.db(Arc::clone(snapshot))
    }

    /// Rung after each commit of this connection.
    pub(crate) fn bell(&self) -> &Arc<Bell> {
        &self.0.bell
    }
}
