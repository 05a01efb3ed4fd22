//! Names of a program's own that become keywords: a mode, a status, a level.

use annals_query::{Value, edn};

use crate::error::{Error, ErrorKind, Result};

/// The keyword with this name, with or without its colon; refused if it could not be read back.
pub(super) fn keyword(what: &str, name: &str) -> Result<Value> {
    let name = name.strip_prefix(':').unwrap_or(name);
    match edn::read(&format!(":{name}")) {
        Ok(Value::Keyword(read)) if *read == *name => Ok(Value::Keyword(read)),
        _ => Err(Error::new(ErrorKind::Usage, format!("`{name}` cannot be a {what}: it is not a keyword"))
            .with_value(name)
            .with_help("write letters, digits and `-`, with one `/` at most, as in `dry-run`")),
    }
}
