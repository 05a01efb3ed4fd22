//! The newest snapshot, kept up with what any process commits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use annals_query::Value;

use crate::datom::{Datom, Partition};
use crate::db::snapshot::Snapshot;
use crate::error::Result;
use crate::index::Index;
use crate::schema::{Schema, SchemaBuilder, attribute};
use crate::store::{Basis, Store};

/// When others committed at most so many datoms, the log is looked through for changes of the schema; otherwise the schema is
/// read anew, which takes about as long.
const LIMIT_LOG_DATOMS: i64 = 20_000;

/// The newest snapshot that this connection knows.
#[derive(Debug)]
pub(super) struct Latest(Mutex<Held>);

#[derive(Debug)]
struct Held {
    snapshot: Arc<Snapshot>,
    /// The store's version when the snapshot was known to be the newest; `None` if that is not known.
    version: Option<i64>,
}

impl Latest {
    /// The snapshot as of now. Reads what tells of attributes and idents, and nothing else.
    pub(super) fn open(index: &Arc<Index>) -> Result<Self> {
        let basis = index.store().basis()?;
        let snapshot = Arc::new(read(index, basis.t, basis.instant)?);
        Ok(Self(Mutex::new(Held { snapshot, version: None })))
    }

    /// The snapshot as it was when transaction `t`, which is committed, was the newest.
    pub(super) fn snapshot_at(index: &Arc<Index>, t: i64) -> Result<Snapshot> {
        let instant = index.store().transactions(t - 1, t)?.first().map_or(0, |row| row.instant);
        read(index, t, instant)
    }

    /// The snapshot as of now, whoever committed last.
    pub(super) fn get(&self, index: &Arc<Index>) -> Result<Arc<Snapshot>> {
        // The version is read before the basis: what is committed in between shows at the next look.
        let version = index.store().version()?;
        {
            let held = self.lock();
            if held.version == Some(version) {
                return Ok(Arc::clone(&held.snapshot));
            }
        }
        let snapshot = self.at(index, index.store().basis()?)?;
        self.lock().version = Some(version);
        Ok(snapshot)
    }

    /// The snapshot at a basis that was just read.
    pub(super) fn at(&self, index: &Arc<Index>, basis: Basis) -> Result<Arc<Snapshot>> {
        let held = Arc::clone(&self.lock().snapshot);
        // Another thread may have gone further since the basis was read.
        if held.basis() >= basis.t {
            return Ok(held);
        }
        let next = Arc::new(follow(index, &held, basis)?);
        self.advance(&next);
        Ok(next)
    }

    /// Takes over a snapshot, if it is newer.
    pub(super) fn advance(&self, next: &Arc<Snapshot>) {
        let mut held = self.lock();
        if next.basis() > held.snapshot.basis() {
            held.snapshot = Arc::clone(next);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A snapshot of which nothing is known yet.
fn read(index: &Arc<Index>, t: i64, instant: i64) -> Result<Snapshot> {
    let (builder, schema) = read_schema(index.store(), t)?;
    Ok(Snapshot::new(Arc::clone(index), t, instant, builder, schema))
}

/// What follows a snapshot at a later basis, with the changes of the schema in between.
fn follow(index: &Arc<Index>, held: &Snapshot, basis: Basis) -> Result<Snapshot> {
    let store = index.store();
    let later = store.datoms_until(basis.t)? - store.datoms_until(held.basis())?;
    if later > LIMIT_LOG_DATOMS {
        return read(index, basis.t, basis.instant);
    }
    let attributes: Vec<i64> =
        (attribute::IDENT..=attribute::LAST_OF_SCHEMA).filter(|attribute| SchemaBuilder::concerns(*attribute)).collect();
    let mut datoms = Vec::new();
    store.log(held.basis(), basis.t, Some(&attributes), |datom| {
        datoms.push(datom);
        Ok(())
    })?;
    Ok(held.followed_by(basis.t, basis.instant, &datoms))
}

/// Reads attributes and idents: they lie in a partition of their own, and what has an ident elsewhere is found through it.
fn read_schema(store: &Store, t: i64) -> Result<(Arc<SchemaBuilder>, Schema)> {
    let reader = store.reader()?;
    let mut datoms: Vec<Datom> = Vec::new();
    reader.datoms_of_entities(Partition::SCHEMA.entity(0), Partition::SCHEMA.last_entity(), t, |datom| {
        datoms.push(datom);
        Ok(())
    })?;
    let mut elsewhere: Vec<i64> = reader.datoms_of_indexed(attribute::IDENT, t)?.into_iter().map(|datom| datom.e).collect();
    elsewhere.retain(|entity| Partition::of(*entity) != Partition::SCHEMA);
    elsewhere.sort_unstable();
    elsewhere.dedup();
    for entity in elsewhere {
        datoms.extend(reader.datoms_of_entity(entity, t)?);
    }
    datoms.retain(|datom| SchemaBuilder::concerns(datom.a));
    // In the order of the log, retractions of a transaction before its additions: a name given on is first given up.
    datoms.sort_by_key(|datom| (datom.t, datom.added));
    let mut builder = SchemaBuilder::default();
    for Datom { e, a, v, added, .. } in &datoms {
        let v: &Value = v;
        builder.apply(*e, *a, v, *added);
    }
    let schema = builder.build();
    Ok((Arc::new(builder), schema))
}
