//! Moments of a store's history.

use super::snapshot::Snapshot;
use crate::error::{Error, ErrorKind, Result};

/// A moment: after a transaction, or at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Moment {
    /// After transaction t. 0 is before the first; a t that is not there yet is now.
    T(i64),
    /// At this instant, in microseconds since 1970 (UTC): after the last transaction at or before it.
    Instant(i64),
}

impl From<i64> for Moment {
    fn from(t: i64) -> Self {
        Self::T(t)
    }
}

impl Moment {
    /// The last transaction at this moment; 0 if there was none.
    pub(super) fn resolve(self, snapshot: &Snapshot) -> Result<i64> {
        match self {
            Self::T(t) if t < 0 => Err(Error::new(ErrorKind::Time, "transactions are numbered from 1; 0 is before the first")
                .with_value(t)
                .with_help("give the t of a transaction, or an instant")),
            Self::T(t) => Ok(t),
            Self::Instant(instant) => snapshot.last_t_at(instant),
        }
    }
}
