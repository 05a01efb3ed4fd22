//! How a run goes.

use std::fmt;
use std::sync::Arc;

use annals_query::Value;
use serde::{Serialize, Serializer};

/// How a run goes: one of four well-known ways, or a keyword of the program's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It has begun and not ended.
    Running,
    /// It ended well.
    Succeeded,
    /// It ended badly.
    Failed,
    /// Someone ended it.
    Cancelled,
    /// Any other keyword, without its colon.
    Other(Arc<str>),
}

impl Status {
    /// The status with this keyword, with or without its colon.
    ///
    /// ```
    /// use annals::contract::Status;
    /// assert_eq!(Status::named(":failed"), Status::Failed);
    /// assert_eq!(Status::named("paused").name(), "paused");
    /// ```
    pub fn named(name: &str) -> Self {
        match name.strip_prefix(':').unwrap_or(name) {
            "running" => Self::Running,
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            other => Self::Other(other.into()),
        }
    }

    /// The name without colon.
    pub fn name(&self) -> &str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Other(name) => name,
        }
    }

    /// The status as the value of `:run/status`.
    pub fn value(&self) -> Value {
        Value::keyword(self.name())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
