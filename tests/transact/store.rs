//! A store in memory: a log of datoms, everything asked of it answered by folding the log.

use std::collections::BTreeMap;

use annals::schema::{GENESIS, Schema, SchemaBuilder, attribute, ident};
use annals::transact::{Before, Prepared, TxData, prepare};
use annals::{Datom, Partition, Result, Value};

/// The instant of transaction 1.
pub(crate) const GENESIS_INSTANT: i64 = 1_000_000;

/// What "now" is in the tests, in microseconds.
pub(crate) const NOW: i64 = 2_000_000;

/// A log of datoms with the schema that it says, and the names that transactions gave.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    log: Vec<Datom>,
    /// The facts that hold: (e, a, v) to the datom that added each.
    held: BTreeMap<(i64, i64, Value), Datom>,
    schema: Schema,
    basis: i64,
    instant: i64,
    names: BTreeMap<i64, String>,
}

impl Store {
    /// A store as it begins.
    pub(crate) fn new() -> Self {
        let (held, log, names) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        let mut store = Self { log, held, schema: Schema::default(), basis: 0, instant: 0, names };
        store.append(genesis());
        store.basis = 1;
        store.instant = GENESIS_INSTANT;
        store
    }

    /// A store after these transactions.
    #[track_caller]
    pub(crate) fn after(texts: &[&str]) -> Self {
        let mut store = Self::new();
        for text in texts {
            for data in TxData::read_many(text).expect("the setup can be read") {
                store.transact(&data).expect("the setup is right");
            }
        }
        store
    }

    /// Prepares a transaction and takes it in.
    pub(crate) fn transact(&mut self, data: &TxData) -> Result<Prepared> {
        let prepared = prepare(self, data, NOW)?;
        self.take(&prepared);
        Ok(prepared)
    }

    /// Takes a prepared transaction in, and asserts what is true of every one.
    pub(crate) fn take(&mut self, prepared: &Prepared) {
        for (name, id) in &prepared.tempids {
            self.names.insert(*id, name.clone());
        }
        if prepared.is_empty() {
            return;
        }
        assert!(prepared.datoms.is_sorted_by_key(|datom| (datom.e, datom.added, datom.a)), "datoms come in log order");
        assert!(prepared.datoms.iter().all(|datom| datom.t == self.basis + 1), "t is gapless");
        self.append(prepared.datoms.clone());
        self.basis = prepared.t;
        self.instant = prepared.instant;
    }

    /// The facts that hold.
    pub(crate) fn held(&self) -> impl Iterator<Item = &Datom> {
        self.held.values()
    }

    /// The name that a transaction gave this entity.
    pub(crate) fn name(&self, entity: i64) -> Option<&str> {
        self.names.get(&entity).map(String::as_str)
    }

    /// Everything that was ever said.
    pub(crate) fn log(&self) -> &[Datom] {
        &self.log
    }

    fn append(&mut self, datoms: Vec<Datom>) {
        for datom in &datoms {
            let key = (datom.e, datom.a, datom.v.clone());
            if datom.added {
                assert!(self.held.insert(key, datom.clone()).is_none(), "a fact that holds is not added: {datom:?}");
            } else {
                assert!(self.held.remove(&key).is_some(), "a fact that does not hold is not retracted: {datom:?}");
            }
        }
        self.log.extend(datoms);
        let mut builder = SchemaBuilder::default();
        for datom in self.log.iter().filter(|datom| SchemaBuilder::concerns(datom.a)) {
            builder.apply(datom.e, datom.a, &datom.v, datom.added);
        }
        self.schema = builder.build();
    }

    fn those(&self, is_meant: impl Fn(&Datom) -> bool) -> Vec<Datom> {
        self.held.values().filter(|datom| is_meant(datom)).cloned().collect()
    }
}

impl Before for Store {
    fn basis(&self) -> i64 {
        self.basis
    }

    fn instant(&self) -> i64 {
        self.instant
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn facts(&self, entity: i64) -> Result<Vec<Datom>> {
        Ok(self.those(|datom| datom.e == entity))
    }

    fn values(&self, entity: i64, attribute: i64) -> Result<Vec<Datom>> {
        Ok(self.those(|datom| datom.e == entity && datom.a == attribute))
    }

    fn holders(&self, attribute: i64, value: &Value) -> Result<Vec<Datom>> {
        Ok(self.those(|datom| datom.a == attribute && datom.v == *value))
    }

    fn referrers(&self, entity: i64) -> Result<Vec<Datom>> {
        Ok(self.those(|datom| datom.v == Value::Ref(entity)))
    }

    fn facts_of_attribute(&self, attribute: i64, limit: usize) -> Result<Vec<Datom>> {
        let mut facts = self.those(|datom| datom.a == attribute);
        facts.truncate(limit);
        Ok(facts)
    }

    fn redaction_key(&self) -> [u8; 32] {
        [7; 32]
    }

    fn last_entity(&self, partition: Partition) -> Result<Option<i64>> {
        Ok(self.log.iter().map(|datom| datom.e).filter(|e| Partition::of(*e) == partition).max())
    }

    fn last_partition(&self) -> Result<Partition> {
        Ok(self.log.iter().map(|datom| Partition::of(datom.e)).max().unwrap_or(Partition::TRANSACTIONS))
    }

    fn last_in_sequence(&self, attribute: i64, scope: i64, within: i64) -> Result<i64> {
        let is_member = |e: i64| self.log.iter().any(|datom| datom.e == e && datom.a == scope && datom.v == Value::Ref(within));
        let numbers = self.log.iter().filter(|datom| datom.a == attribute && is_member(datom.e));
        Ok(numbers.filter_map(|datom| datom.v.as_long()).max().unwrap_or(0))
    }
}

/// What every store begins with.
fn genesis() -> Vec<Datom> {
    let mut datoms = vec![fact(1, attribute::TX_INSTANT, Value::Instant(GENESIS_INSTANT))];
    for entry in GENESIS {
        datoms.push(fact(entry.id, attribute::IDENT, Value::keyword(entry.ident)));
        datoms.extend(
            entry.value_type.map(|kind| fact(entry.id, attribute::VALUE_TYPE, Value::Ref(ident::TYPE_BASE + kind as i64))),
        );
        datoms.extend(entry.cardinality.map(|cardinality| fact(entry.id, attribute::CARDINALITY, Value::Ref(cardinality))));
        datoms.extend(entry.references.iter().map(|(a, v)| fact(entry.id, *a, Value::Ref(*v))));
        if !entry.tuple_attributes.is_empty() {
            let parts = entry.tuple_attributes.iter().map(|name| Value::keyword(name));
            datoms.push(fact(entry.id, attribute::TUPLE_ATTRS, Value::vector(parts)));
        }
        if !entry.doc.is_empty() {
            datoms.push(fact(entry.id, attribute::DOC, entry.doc.into()));
        }
    }
    datoms.sort();
    datoms
}

fn fact(e: i64, a: i64, v: Value) -> Datom {
    Datom { e, a, v, t: 1, added: true, m: 0 }
}
