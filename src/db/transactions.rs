//! Which transactions a view shows.

use annals_query::{Code, Error as QueryError, Value};

use super::Db;
use super::facts::as_query_error;

impl Db {
    /// The transactions of the window, ascending, from `from` until before `until`: numbers alone, no datom is read. A filter
    /// chooses datoms, not transactions, so it leaves none out.
    pub(super) fn transactions_between(&self, from: &Value, until: &Value) -> annals_query::Result<Vec<i64>> {
        let window = self.view.window;
        let first = self.first_at(from)?.unwrap_or(1).max(window.since + 1).max(1);
        let last = self.first_at(until)?.map_or(i64::MAX, |t| t.saturating_sub(1)).min(window.until).min(self.basis_t());
        Ok((first..=last).collect())
    }

    /// The first transaction at or after a t or an instant; nothing for nil.
    fn first_at(&self, moment: &Value) -> annals_query::Result<Option<i64>> {
        match moment {
            Value::Nil => Ok(None),
            Value::Long(t) | Value::Ref(t) => Ok(Some(*t)),
            Value::Instant(i64::MIN) => Ok(Some(1)),
            Value::Instant(instant) => {
                let before = self.snapshot.last_t_at(instant - 1).map_err(|error| as_query_error(&error))?;
                Ok(Some(before + 1))
            }
            other => Err(QueryError::new(Code::ArgumentType, "a border of transactions is a t or an instant, or nil for none")
                .with_value(other)
                .with_help("give the t of a transaction, #inst \"..\", or nil")),
        }
    }
}
