//! Transactions that were committed elsewhere, taken in as they are: same t, same instant, same ids. Applying one twice is the
//! same as once; one that contradicts what is here is refused.

use std::sync::{Arc, PoisonError};

use rustc_hash::FxHashMap;

use annals_query::{Cardinality, Value};

use super::Connection;
use super::counters::Counters;
use super::words;
use crate::datom::{Datom, Partition};
use crate::db::snapshot::Snapshot;
use crate::db::{Transaction, refuse_inside};
use crate::error::{Error, ErrorKind, Result};
use crate::index::life::{OPEN, continued};
use crate::schema::{Schema, attribute};
use crate::store::{Reader, WriteTransaction};

/// What [`Connection::apply`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Transactions added.
    pub transactions: usize,
    /// Datoms added.
    pub datoms: usize,
    /// Transactions that were here already, to the letter.
    pub already_there: usize,
}

impl Connection {
    /// Takes in transactions of another store, all of them or none.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// use annals::Connection;
    /// let source = Connection::open(folder.path().join("source.db"))?;
    /// source.transact("[{:user/name \"Ada\"}]")?;
    /// let target = Connection::open(folder.path().join("target.db"))?;
    /// let transactions = source.db()?.tx_range(..)?;
    /// assert_eq!(target.apply(&transactions)?.transactions, 1, "the first transaction is the same in every store");
    /// assert_eq!(target.apply(&transactions)?.transactions, 0);
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn apply(&self, transactions: &[Transaction]) -> Result<Applied> {
        refuse_inside()?;
        let shared = &self.0;
        let mut counters = shared.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let (head, applied) = shared.index.store().write(|write| {
            let mut head = shared.latest.at(&shared.index, write.basis())?;
            let mut applied = Applied::default();
            let mut ends = Ends::default();
            for transaction in transactions {
                match append(write, &head, &mut ends, transaction)? {
                    None => applied.already_there += 1,
                    Some(after) => {
                        head = after;
                        applied.transactions += 1;
                        applied.datoms += transaction.datoms.len();
                    }
                }
            }
            Ok((head, applied))
        })?;
        *counters = Counters::default();
        shared.latest.advance(&head);
        shared.bell.ring();
        Ok(applied)
    }
}

/// The store after the transaction; `None` if it is there already.
fn append(
    write: &mut WriteTransaction<'_>,
    head: &Arc<Snapshot>,
    ends: &mut Ends,
    transaction: &Transaction,
) -> Result<Option<Arc<Snapshot>>> {
    let Transaction { t, instant, datoms } = transaction;
    if *t <= head.basis() {
        return if is_there(write, transaction)? { Ok(None) } else { Err(diverges(transaction)) };
    }
    let after = Arc::new(head.followed_by(*t, *instant, datoms));
    check(write, head, after.schema(), ends, transaction)?;
    let is_indexed = |id: i64| after.schema().declaration(id).is_some_and(|declaration| declaration.is_indexed);
    write.append(*t, *instant, datoms, &is_indexed)?;
    for declaration in after.schema().declarations().filter(|declaration| declaration.is_indexed) {
        let id = declaration.attribute.id;
        if !head.schema().declaration(id).is_some_and(|before| before.is_indexed) {
            write.reindex(id)?;
        }
    }
    words::follow(write, head.schema(), after.schema())?;
    ends.follow(datoms);
    Ok(Some(after))
}

fn is_there(reader: &Reader, transaction: &Transaction) -> Result<bool> {
    let mut here = Vec::with_capacity(transaction.datoms.len());
    reader.log(transaction.t - 1, transaction.t, None, |datom| {
        here.push(datom);
        Ok(())
    })?;
    let said = Datom {
        e: transaction.t,
        a: attribute::TX_INSTANT,
        v: Value::Instant(transaction.instant),
        t: transaction.t,
        added: true,
        m: 0,
    };
    Ok(here == transaction.datoms && here.contains(&said))
}

/// Refuses what no transaction of this store could have said.
fn check(reader: &Reader, head: &Snapshot, schema: &Schema, ends: &mut Ends, transaction: &Transaction) -> Result<()> {
    let Transaction { t, instant, datoms } = transaction;
    let is_instant = |datom: &&Datom| datom.e == *t && datom.a == attribute::TX_INSTANT;
    let mut instants = datoms.iter().filter(is_instant).map(|datom| &datom.v);
    if (instants.next(), instants.next()) != (Some(&Value::Instant(*instant)), None) {
        return Err(refused(
            transaction,
            "it does not say its own instant",
            "each transaction has the datom [t :db/txInstant instant]",
        ));
    }
    for datom in datoms {
        if schema.declaration(datom.a).is_none() {
            return Err(refused(
                transaction,
                &format!("its attribute {} is not known", datom.a),
                "import the transactions before it first",
            ));
        }
        if datom.a == attribute::IDENT && !matches!(datom.v, Value::Keyword(_)) {
            let what = format!("the ident of entity {} would be {}, which is no keyword", datom.e, datom.v);
            return Err(refused(transaction, &what, "an ident is a keyword, such as :user/name"));
        }
    }
    let mut by_place: Vec<&Datom> = datoms.iter().collect();
    by_place.sort_by_key(|datom| (datom.e, datom.a));
    for said in by_place.chunk_by(|left, right| (left.e, left.a) == (right.e, right.a)) {
        let Datom { e, a, .. } = *said[0];
        let is_new = ends.last_entity(reader, Partition::of(e))?.is_none_or(|last| e > last);
        // Most facts are the first of a new entity: there is nothing that they could contradict.
        if is_new && matches!(said, [only] if only.added) {
            continue;
        }
        let mut events = if is_new { Vec::new() } else { reader.datoms_of_entity_attribute(e, a, head.basis())? };
        check_place(transaction, schema, &mut events, said)?;
    }
    Ok(())
}

/// The last entity of each partition that transactions of one commit spoke of, so that the store is asked once.
#[derive(Default)]
struct Ends(FxHashMap<Partition, Option<i64>>);

impl Ends {
    fn last_entity(&mut self, reader: &Reader, partition: Partition) -> Result<Option<i64>> {
        if let Some(last) = self.0.get(&partition) {
            return Ok(*last);
        }
        let last = reader.last_entity(partition)?;
        self.0.insert(partition, last);
        Ok(last)
    }

    /// Takes in what was appended.
    fn follow(&mut self, datoms: &[Datom]) {
        for datom in datoms {
            if let Some(last) = self.0.get_mut(&Partition::of(datom.e)) {
                *last = Some(datom.e).max(*last);
            }
        }
    }
}

/// What is said about one attribute of one entity: nothing is added twice, nothing retracted that is not there, and an attribute
/// of one value has one.
fn check_place(transaction: &Transaction, schema: &Schema, before: &mut [Datom], said: &[&Datom]) -> Result<()> {
    let holding = |events: &[Datom]| {
        let lives = continued([], events).into_iter().filter(|life| life.t_retracted == OPEN);
        lives.map(|life| life.v).collect::<Vec<_>>()
    };
    before.sort_unstable();
    let mut held = holding(before);
    let a = said[0].a;
    for datom in said.iter().filter(|datom| !datom.added) {
        let Some(at) = held.iter().position(|value| *value == datom.v) else {
            return Err(refused(
                transaction,
                &format!("it retracts {} of entity {}, which does not hold", datom.v, datom.e),
                "the stream was changed",
            ));
        };
        held.remove(at);
    }
    for datom in said.iter().filter(|datom| datom.added) {
        if held.contains(&datom.v) {
            return Err(refused(
                transaction,
                &format!("it adds {} to entity {}, which holds already", datom.v, datom.e),
                "the stream was changed",
            ));
        }
        held.push(datom.v.clone());
    }
    let is_single = schema.declaration(a).is_some_and(|declaration| declaration.attribute.cardinality == Cardinality::One);
    if is_single && held.len() > 1 {
        return Err(refused(transaction, &format!("attribute {a} of one value gets {}", held.len()), "the stream was changed"));
    }
    Ok(())
}

fn diverges(transaction: &Transaction) -> Error {
    Error::new(ErrorKind::Conflict, format!("t {} is another transaction in this store", transaction.t))
        .with_value(transaction.t)
        .with_help("import into a new store: two histories do not become one by being numbered alike")
}

fn refused(transaction: &Transaction, what: &str, help: &str) -> Error {
    Error::new(ErrorKind::Import, format!("transaction {} is refused: {what}", transaction.t))
        .with_value(transaction.t)
        .with_help(help)
}
