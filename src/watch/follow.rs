//! The transactions of a store one after the other, whoever commits them.

use std::collections::VecDeque;
use std::sync::Arc;

use annals_query::Value;

use crate::connection::Connection;
use crate::datom::Datom;
use crate::db::snapshot::Snapshot;
use crate::error::Result;
use crate::schema::attribute;

/// Transactions read from the log at once.
const LIMIT_AHEAD: i64 = 256;

/// One transaction, and the store before and after it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) t: i64,
    pub(super) instant: i64,
    pub(super) datoms: Vec<Datom>,
    pub(super) before: Arc<Snapshot>,
    pub(super) after: Arc<Snapshot>,
}

/// Where one is in the log.
#[derive(Debug)]
pub(super) struct Follower {
    connection: Connection,
    /// The last transaction that was given.
    at: Arc<Snapshot>,
    /// Transactions that were read and not given yet.
    ahead: VecDeque<(i64, i64, Vec<Datom>)>,
}

impl Follower {
    /// From what follows this snapshot on.
    pub(super) fn new(connection: &Connection, at: Arc<Snapshot>) -> Self {
        Self { connection: connection.clone(), at, ahead: VecDeque::new() }
    }

    /// The last transaction that was given.
    pub(super) fn at(&self) -> &Arc<Snapshot> {
        &self.at
    }

    /// The next transaction, if it is committed.
    pub(super) fn step(&mut self) -> Result<Option<Step>> {
        if self.ahead.is_empty() {
            self.read_ahead()?;
        }
        let Some((t, instant, datoms)) = self.ahead.pop_front() else { return Ok(None) };
        let after = Arc::new(self.at.followed_by(t, instant, &datoms));
        let before = std::mem::replace(&mut self.at, Arc::clone(&after));
        Ok(Some(Step { t, instant, datoms, before, after }))
    }

    fn read_ahead(&mut self) -> Result<()> {
        let known = self.at.basis();
        let newest = self.connection.snapshot()?.basis().min(known + LIMIT_AHEAD);
        if newest <= known {
            return Ok(());
        }
        let mut datoms: Vec<Datom> = Vec::new();
        self.connection.store().log(known, newest, None, |datom| {
            datoms.push(datom);
            Ok(())
        })?;
        for datoms in datoms.chunk_by(|left, right| left.t == right.t) {
            let t = datoms[0].t;
            let is_instant = |datom: &&Datom| datom.e == t && datom.a == attribute::TX_INSTANT && datom.added;
            let instant = match datoms.iter().find(is_instant).map(|datom| &datom.v) {
                Some(Value::Instant(instant)) => *instant,
                _ => self.at.instant(),
            };
            self.ahead.push_back((t, instant, datoms.to_vec()));
        }
        Ok(())
    }
}
