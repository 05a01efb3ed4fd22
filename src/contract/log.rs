//! The lines of a run, read in order.

use std::sync::Arc;

use serde::Serialize;

use super::known::Known;
use super::level::Level;
use super::line::Stream;
use super::run::Run;
use crate::datom::{Datom, Partition};
use crate::db::Db;
use crate::error::Result;
use crate::schema::attribute as a;

/// Entities read at once when the last lines are looked for.
const STRIDE: i64 = 256;

/// A line as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LogLine {
    /// Its number in the run: 1, 2, 3.
    pub seq: i64,
    /// When it was said, in microseconds since 1970.
    pub ts: i64,
    /// How grave it is.
    pub level: Level,
    /// The text.
    pub message: Arc<str>,
    /// The stream that a program wrote it to.
    pub stream: Option<Stream>,
    /// No newline ended it.
    pub is_partial: bool,
    /// Its exact bytes, if the text cannot give them back.
    #[serde(skip)]
    pub bytes: Option<Arc<[u8]>>,
    /// Its entity.
    pub entity: i64,
    /// The transaction that said it.
    pub t: i64,
}

/// Which lines [`logs`] gives.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Of one of these levels; of any if none is named.
    pub levels: Vec<Level>,
    /// With a text that matches.
    pub grep: Option<regex::Regex>,
    /// With a greater number.
    pub after_seq: i64,
    /// Only the last so many of what the other conditions leave.
    pub tail: Option<usize>,
}

impl LogFilter {
    fn keeps(&self, line: &LogLine) -> bool {
        line.seq > self.after_seq
            && (self.levels.is_empty() || self.levels.contains(&line.level))
            && self.grep.as_ref().is_none_or(|grep| grep.is_match(&line.message))
    }
}

/// The lines of a run in order. Reads the run's own range of entities and nothing else.
pub fn logs(db: &Db, run: &Run, filter: &LogFilter) -> Result<Vec<LogLine>> {
    let mut lines = match filter.tail {
        Some(count) => last_lines(db, run, filter, count)?,
        None => lines_between(db, run, filter, first_entity(run, filter), last_entity(run))?,
    };
    lines.sort_by_key(|line| line.seq);
    Ok(lines)
}

/// The last lines, found from the end backwards in growing strides.
fn last_lines(db: &Db, run: &Run, filter: &LogFilter, count: usize) -> Result<Vec<LogLine>> {
    let first = first_entity(run, filter);
    let Some(mut last) = db.last_entity(Partition::of(run.entity))? else { return Ok(Vec::new()) };
    let (mut found, mut stride): (Vec<LogLine>, i64) = (Vec::new(), STRIDE);
    while found.len() < count && last >= first {
        let from = first.max(last - stride + 1);
        found.extend(lines_between(db, run, filter, from, last)?);
        (last, stride) = (from - 1, stride * 2);
    }
    found.sort_by_key(|line| line.seq);
    found.drain(..found.len().saturating_sub(count));
    Ok(found)
}

/// Lines are numbered in the order of their entities, and the run itself comes before them: the line after number n is not
/// among the first n entities.
fn first_entity(run: &Run, filter: &LogFilter) -> i64 {
    let skipped = u32::try_from(filter.after_seq).unwrap_or(if filter.after_seq > 0 { u32::MAX } else { 0 });
    Partition::of(run.entity).entity(skipped)
}

fn last_entity(run: &Run) -> i64 {
    Partition::of(run.entity).last_entity()
}

fn lines_between(db: &Db, run: &Run, filter: &LogFilter, first: i64, last: i64) -> Result<Vec<LogLine>> {
    let datoms = db.datoms_of_entities(first, last)?;
    let entities = datoms.chunk_by(|left, right| left.e == right.e);
    Ok(entities.filter_map(|datoms| line_of(run, datoms)).filter(|line| filter.keeps(line)).collect())
}

/// The line that these facts of one entity describe, if it is one of this run.
fn line_of(run: &Run, datoms: &[Datom]) -> Option<LogLine> {
    let known = Known(datoms);
    if known.long(a::LOG_RUN)? != run.entity {
        return None;
    }
    Some(LogLine {
        seq: known.long(a::LOG_SEQ)?,
        ts: known.instant(a::LOG_TS).unwrap_or(0),
        level: known.text(a::LOG_LEVEL).map_or(Level::Info, |level| Level::named(&level)),
        message: known.text(a::LOG_MESSAGE).unwrap_or_default(),
        stream: known.text(a::LOG_STREAM).and_then(|stream| match &*stream {
            "stdout" => Some(Stream::Stdout),
            "stderr" => Some(Stream::Stderr),
            _ => None,
        }),
        is_partial: known.is_true(a::LOG_PARTIAL),
        bytes: known.bytes(a::LOG_BYTES),
        entity: datoms.first()?.e,
        t: known.newest_t(),
    })
}
