//! How grave a log line is.

use std::fmt;
use std::sync::{Arc, LazyLock};

use annals_query::Value;
use serde::{Serialize, Serializer};

/// The level of a log line: one of the five well-known ones, or a keyword of the program's own.
///
/// ```
/// use annals::contract::Level;
/// assert_eq!(Level::from_word("WARNING"), Some(Level::Warn));
/// assert_eq!(Level::named("audit").to_string(), "audit");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// The steps of an algorithm.
    Trace,
    /// What helps to find a fault.
    Debug,
    /// What happens in the ordinary course, and every line that says nothing else about itself.
    Info,
    /// What may become a fault.
    Warn,
    /// What went wrong, fatal errors included.
    Error,
    /// Any other keyword, without its colon.
    Other(Arc<str>),
}

/// The keywords of the five well-known levels, made once: a log line is written without allocating its level.
static KEYWORDS: LazyLock<[Value; 5]> = LazyLock::new(|| ["trace", "debug", "info", "warn", "error"].map(Value::keyword));

impl Level {
    /// The level that a word of a log format stands for, whatever its case: `WARNING`, `wrn` and `warn` are one. `None`
    /// for a word that no well-known format uses.
    pub fn from_word(word: &str) -> Option<Self> {
        if word.len() > 11 {
            return None;
        }
        let mut lower = [0; 11];
        for (to, from) in lower.iter_mut().zip(word.bytes()) {
            *to = from.to_ascii_lowercase();
        }
        Some(match &lower[..word.len()] {
            b"trace" | b"trc" | b"verbose" | b"finest" => Self::Trace,
            b"debug" | b"dbg" | b"debu" => Self::Debug,
            b"info" | b"inf" | b"information" | b"notice" => Self::Info,
            b"warn" | b"warning" | b"wrn" => Self::Warn,
            b"error" | b"err" | b"eror" | b"fatal" | b"ftl" | b"critical" | b"crit" | b"severe" | b"panic" | b"emerg"
            | b"alert" => Self::Error,
            _ => return None,
        })
    }

    /// The level with exactly this keyword (with or without its colon), well-known or not: `audit` is a level of its own.
    pub fn named(name: &str) -> Self {
        match name.strip_prefix(':').unwrap_or(name) {
            "trace" => Self::Trace,
            "debug" => Self::Debug,
            "info" => Self::Info,
            "warn" => Self::Warn,
            "error" => Self::Error,
            other => Self::Other(other.into()),
        }
    }

    /// The level as the value of `:log/level`.
    pub fn value(&self) -> Value {
        let index = match self {
            Self::Trace => 0,
            Self::Debug => 1,
            Self::Info => 2,
            Self::Warn => 3,
            Self::Error => 4,
            Self::Other(name) => return Value::Keyword(name.clone()),
        };
        KEYWORDS[index].clone()
    }

    /// The name without colon.
    pub fn name(&self) -> &str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
