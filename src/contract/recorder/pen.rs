//! What a line becomes: five facts and more, that carry the run as m.

use crate::connection::Connection;
use crate::contract::keyword::keyword;
use crate::contract::level::Level;
use crate::contract::line::Line;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::LIMIT_VALUE_BYTES;
use crate::schema::attribute as a;
use crate::transact::{EntityTerm, TxData, ValueTerm};
use annals_query::Value;

/// Facts that most lines have.
const FACTS_OF_LINE: usize = 5;

/// Writes lines of one run.
#[derive(Clone, Debug)]
pub(super) struct Pen {
    pub(super) connection: Connection,
    pub(super) entity: i64,
}

impl Pen {
    /// Writes lines in one transaction.
    pub(super) fn write(&self, lines: &[Line]) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut data = TxData::with_capacity(lines.len() * FACTS_OF_LINE);
        let run = EntityTerm::Id(self.entity);
        for line in lines {
            let level = level(line)?;
            let entity = data.fresh();
            let mut say = |attribute: i64, value: ValueTerm| {
                data.add_because(entity.clone(), attribute, value, run.clone());
            };
            say(a::LOG_RUN, run.clone().into());
            say(a::LOG_TS, Value::Instant(line.ts).into());
            say(a::LOG_LEVEL, level.into());
            say(a::LOG_MESSAGE, Value::String(line.message.clone()).into());
            if let Some(stream) = line.stream {
                say(a::LOG_STREAM, stream.value().into());
            }
            if let Some(bytes) = &line.bytes {
                say(a::LOG_BYTES, Value::Bytes(bytes.clone()).into());
            }
            if line.is_partial {
                say(a::LOG_PARTIAL, true.into());
            }
        }
        self.connection.transact_data(&data).map(|_| ())
    }
}

fn level(line: &Line) -> Result<Value> {
    match &line.level {
        Level::Other(name) => keyword("level", name),
        known => Ok(known.value()),
    }
}

/// Refuses what the store would refuse, before others wait behind it.
pub(super) fn check(line: &Line) -> Result<()> {
    level(line)?;
    let longest = line.message.len().max(line.len_bytes());
    if longest <= LIMIT_VALUE_BYTES {
        return Ok(());
    }
    let message = format!("a line of {longest} bytes is larger than the limit of {LIMIT_VALUE_BYTES}");
    Err(Error::new(ErrorKind::TransactionLimit, message)
        .with_value(longest)
        .with_help("split it into several lines, or keep it in a file and store its path and hash"))
}
