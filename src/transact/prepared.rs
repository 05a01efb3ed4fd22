//! What comes out: the datoms of one transaction, ready to be committed.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use annals_query::{Span, Value};

use super::data::EntityTerm;
use super::delta::Change;
use super::resolve::Resolver;
use super::vocabulary::Vocabulary;
use crate::datom::Datom;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::LIMIT_TRANSACTION_DATOMS;
use crate::schema::{SchemaBuilder, attribute};

/// A transaction that was found right, not committed yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Prepared {
    /// The number it takes, which is the id of its own entity.
    pub t: i64,
    /// Its instant, in microseconds: the value of the datom `[t :db/txInstant ..]`.
    pub instant: i64,
    /// The datoms in log order; none if the transaction changes nothing.
    pub datoms: Vec<Datom>,
    /// Which entity each named temporary id became.
    pub tempids: BTreeMap<String, i64>,
    /// Attributes that became indexed or unique, ascending.
    pub new_indexed: Vec<i64>,
    /// True if a datom changes attributes or idents.
    pub changes_schema: bool,
    /// Which entity each temporary id without a name became.
    pub(super) fresh: Vec<i64>,
}

impl Prepared {
    /// True if nothing was added: the transaction takes no t and writes nothing.
    pub fn is_empty(&self) -> bool {
        self.datoms.is_empty()
    }

    /// The entity that a temporary id, the transaction or an id stands for.
    pub fn id_of(&self, term: &EntityTerm) -> Option<i64> {
        match term {
            EntityTerm::Id(id) => Some(*id),
            EntityTerm::Temp(name) => self.tempids.get(&**name).copied(),
            EntityTerm::Fresh(fresh) => self.fresh.get(fresh.0 as usize).copied(),
            EntityTerm::Transaction => Some(self.t),
            EntityTerm::Ident(_) | EntityTerm::Lookup(_) => None,
        }
    }
}

/// Puts the datoms in log order and the instant among them.
pub(super) fn finish(
    changes: Vec<Change<'_>>,
    instants: &[(i64, Option<Span>)],
    after: &Vocabulary<'_>,
    resolver: &Resolver<'_>,
    now: i64,
) -> Result<Prepared> {
    let instant = instant(instants, resolver.before.instant(), now)?;
    let (t, mut new_indexed) = (resolver.t, Vec::new());
    for declared in after.changed().filter(|declared| declared.is_indexed) {
        let id = declared.attribute.id;
        if !resolver.schema.declaration(id).is_some_and(|stored| stored.is_indexed) {
            new_indexed.push(id);
        }
    }
    new_indexed.sort_unstable();
    let mut datoms: Vec<Datom> = Vec::with_capacity(changes.len() + 1);
    if !changes.is_empty() || !instants.is_empty() {
        datoms.push(Datom { e: t, a: attribute::TX_INSTANT, v: Value::Instant(instant), t, added: true, m: 0 });
    }
    datoms.extend(changes.into_iter().map(|change| change.datom));
    if datoms.len() > LIMIT_TRANSACTION_DATOMS {
        let message = format!("a transaction of {} datoms is larger than {LIMIT_TRANSACTION_DATOMS}", datoms.len());
        return Err(Error::new(ErrorKind::TransactionLimit, message)
            .with_value(datoms.len())
            .with_help("split it into several transactions"));
    }
    datoms.sort_by(log_order);
    let changes_schema = datoms.iter().any(|datom| SchemaBuilder::concerns(datom.a));
    let named = resolver.nodes.temps().filter(|(_, id)| *id > 0);
    let tempids = named.map(|(name, id)| (name.to_string(), id)).collect();
    Ok(Prepared { t, instant, datoms, tempids, new_indexed, changes_schema, fresh: resolver.nodes.fresh_ids() })
}

/// Entity by entity, of each the retractions before the additions: the order in which the log keeps what is said in one transaction.
fn log_order(x: &Datom, y: &Datom) -> Ordering {
    (x.e, x.added, x.a).cmp(&(y.e, y.added, y.a)).then_with(|| x.v.cmp(&y.v))
}

/// The instant of the transaction: what it says itself, otherwise now, and never before the previous one.
fn instant(said: &[(i64, Option<Span>)], previous: i64, now: i64) -> Result<i64> {
    let latest = now.max(previous);
    let Some(&(instant, _)) = said.iter().min_by_key(|(instant, _)| *instant) else { return Ok(latest) };
    let placed = |error: Error, span: Option<Span>| if let Some(span) = span { error.at(span) } else { error };
    if let Some(&(other, _)) = said.iter().find(|(other, _)| *other != instant) {
        let span = said.iter().filter_map(|(_, span)| *span).max_by_key(|span| span.start);
        let error = Error::new(ErrorKind::Conflict, "the transaction says two instants of itself")
            .with_value(format_args!("{} {}", Value::Instant(instant), Value::Instant(other)))
            .with_help("say one of them");
        return Err(placed(error, span));
    }
    if (previous..=latest).contains(&instant) {
        return Ok(instant);
    }
    let (text, from, to) = (Value::Instant(instant), Value::Instant(previous), Value::Instant(latest));
    let message = if instant < previous {
        format!("{text} is before the previous transaction, {from}")
    } else {
        format!("{text} is after now, {to}")
    };
    let error = Error::new(ErrorKind::InstantOrder, message)
        .with_value(text)
        .with_help("instants of transactions never go back: give one between these, or none; when something happened is an attribute of its own");
    Err(placed(error, said[0].1))
}
