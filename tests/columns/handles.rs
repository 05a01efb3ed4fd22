//! Stores with columns on disk, opened with figures of chance, and what must be found in them.

use std::ops::Bound;
use std::path::{Path, PathBuf};

use annals::query::{Budget, Facts, Scan, Values};
use annals::store::{Durability, Store};
use annals::{Connection, Datom, Db, Options, Partition, Tuning, Value};

pub(crate) use crate::tiny::tiny;

use crate::random_log::{
    KINDS, Kind, Random, RandomLog, Shown, append, entities, filtered, fold, histories, scanned, seed, several, store_path,
    value, within,
};

fn tuning(random: &mut Random) -> Tuning {
    Tuning {
        tail_datoms: *random.pick(&[0, 5, 4096]),
        rows_per_tail_datom: *random.pick(&[1, 64]),
        eager_datoms: *random.pick(&[0, 0, 100_000]),
        point_reads: *random.pick(&[0, 2]),
        point_share: *random.pick(&[1, 4, u64::MAX]),
        entity_reads: *random.pick(&[0, 3]),
        rows_per_pick: *random.pick(&[1, 32]),
        small_pick: *random.pick(&[0, 1024]),
        cache_bytes: *random.pick(&[0, 0, 3000, 1 << 30]),
        disk_datoms: *random.pick(&[0, 0, 200]),
        disk_tail_datoms: *random.pick(&[1, 20, 60]),
        disk_chunk_datoms: *random.pick(&[1, 30, 100_000]),
        disk_block_rows: *random.pick(&[1, 3, 8192]),
    }
}

pub(crate) fn open(path: &Path, tuning: Tuning) -> Connection {
    Connection::open_with(path, Options { durability: Durability::Normal, tuning, ..Options::default() })
        .expect("the store opens")
}

/// The folder beside a store.
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    path.with_file_name("annals.db-columns")
}

/// The segments in it, ascending by name.
pub(crate) fn segments(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder_of(path)) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "columns"));
    found.sort();
    found
}

/// A store of a random history.
pub(crate) fn store(folder: &tempfile::TempDir, seed: u64, transactions: usize) -> (PathBuf, RandomLog) {
    let path = store_path(folder).to_path_buf();
    let writer = Store::create(&path).expect("a new store").with_durability(Durability::Normal).expect("a writer");
    let mut log = RandomLog::begin(seed, &writer);
    append(&writer, &log.declare());
    for _ in 0..transactions {
        append(&writer, &log.next());
    }
    (path, log)
}

/// Compares everything that a scan of each attribute finds, whole and in parts, with the log.
#[track_caller]
pub(crate) fn check_all(db: &Db, log: &[Datom], random: &mut Random) {
    let shown = Shown { since: 0, until: db.basis_t(), is_history: random.one_in(2) };
    let view = if shown.is_history { db.history() } else { db.clone() };
    let facts = fold(log, shown);
    for kind in &KINDS {
        let some: Vec<i64> = entities().into_iter().filter(|_| random.one_in(3)).collect();
        let (one, several) = (value(random, kind), several(random, kind));
        for scan in [
            Scan { entities: Some(&some), ..Scan::default() },
            Scan { within: within(random), ..Scan::default() },
            Scan { within: within(random), values: Values::Equal(&one), ..Scan::default() },
            Scan { values: Values::Equal(&one), ..Scan::default() },
            Scan { values: Values::Among(&several), ..Scan::default() },
            Scan { within: within(random), values: Values::Among(&several), ..Scan::default() },
            Scan { values: Values::Range(Bound::Included(&one), Bound::Unbounded), ..Scan::default() },
            Scan::default(),
        ] {
            let scan = Scan { attribute: Some(kind.id), ..scan };
            assert_eq!(scanned(&view, &scan), filtered(&facts, &scan), "{shown:?} {scan:?}");
        }
    }
}

/// One random scan of a random view.
#[track_caller]
fn check_one(db: &Db, log: &[Datom], random: &mut Random) {
    let until = if random.one_in(2) { random.below(db.basis_t() as usize + 1) as i64 } else { db.basis_t() };
    let since = if random.one_in(3) { random.below(until as usize + 1) as i64 } else { 0 };
    let shown = Shown { since, until, is_history: random.one_in(3) };
    let mut view = db.as_of(until).and_then(|db| db.since(since)).expect("moments of the store");
    if shown.is_history {
        view = view.history();
    }
    let kind: Kind = *random.pick(&KINDS);
    let (some, low, high): (Vec<i64>, _, _) =
        (entities().into_iter().filter(|_| random.one_in(3)).collect(), value(random, &kind), value(random, &kind));
    let wanted = match &low {
        Value::Long(n) if random.one_in(3) => Value::Double(*n as f64),
        Value::Double(n) if n.fract() == 0.0 && random.one_in(2) => Value::Long(*n as i64),
        other => other.clone(),
    };
    let several = several(random, &kind);
    let values = match random.below(5) {
        0 => Values::Any,
        4 => Values::Among(&several),
        1 => Values::Range(Bound::Excluded(&low), Bound::Included(&high)),
        2 => Values::Range(Bound::Unbounded, Bound::Excluded(&high)),
        _ => Values::Equal(&wanted),
    };
    let entities = random.one_in(2).then_some(&some[..]);
    let t = random.one_in(8).then(|| random.below(db.basis_t() as usize + 2) as i64);
    let scan = Scan { attribute: Some(kind.id), entities, within: within(random), values, t, ..Scan::default() };
    if random.one_in(4) {
        view.announce(&[kind.id, KINDS[6].id], &Budget::default()).expect("columns can be prepared");
    }
    assert_eq!(scanned(&view, &scan), filtered(&fold(log, shown), &scan), "{shown:?} {scan:?}");
    let estimate = view.estimate(&scan);
    assert!(estimate.rows >= 0.0 && estimate.rows.is_finite(), "{estimate:?}");
}

#[test]
fn columns_on_disk_in_memory_and_beside_them_say_what_the_log_says() {
    for seed in seed()..seed() + histories(12) {
        eprintln!("SEED={seed}");
        let mut random = Random::new(seed ^ 0xC01);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (path, mut log) = store(&folder, seed, 6);
        let writer = Store::open(&path, annals::store::Access::ReadWrite).expect("the store opens");
        let mut handles = vec![open(&path, tiny()), open(&path, tuning(&mut random))];
        let mut held: Vec<(Db, usize)> = Vec::new();
        for _ in 0..8 {
            for _ in 0..=random.below(8) {
                append(&writer, &log.next());
            }
            if random.one_in(3) {
                let place = random.below(handles.len());
                handles[place] = open(&path, tuning(&mut random));
            }
            for handle in &handles {
                let db = handle.db().expect("a value");
                for _ in 0..6 {
                    check_one(&db, &log.datoms, &mut random);
                }
                held.push((db, log.datoms.len()));
            }
            let (earlier, length) = random.pick(&held).clone();
            for _ in 0..4 {
                check_one(&earlier, &log.datoms[..length], &mut random);
            }
        }
        check_all(&open(&path, tiny()).db().expect("a value"), &log.datoms, &mut random);
        assert!(!segments(&path).is_empty(), "columns were written");
    }
}

/// What `with` adds, and what others write meanwhile under the same numbers, is seen beside columns on disk too.
#[test]
fn what_might_be_is_seen_beside_columns_on_disk() {
    for seed in seed()..seed() + histories(6) {
        eprintln!("SEED={seed}");
        let mut random = Random::new(seed ^ 0xC02);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (path, mut log) = store(&folder, seed, 20);
        let connection = open(&path, Tuning { cache_bytes: 0, ..tiny() });
        let db = connection.db().expect("a value");
        check_one(&db, &log.datoms, &mut random);
        let mut data = annals::transact::TxData::new();
        let sound: Vec<i64> = entities().into_iter().filter(|entity| *entity != Partition(16).entity(0)).collect();
        for kind in KINDS.iter().filter(|kind| !kind.is_unique) {
            let v = value(&mut random, kind);
            data.add(*random.pick(&sound), kind.name, if matches!(v, Value::Ref(_)) { Value::Ref(sound[0]) } else { v });
        }
        let report = db.with_data(&data).expect("it is right");
        let mut all = log.datoms.clone();
        all.extend(report.datoms.iter().cloned());
        for _ in 0..10 {
            append(connection.store(), &log.next());
            check_one(&connection.db().expect("a value"), &log.datoms, &mut random);
            for _ in 0..4 {
                check_one(&report.db_after, &all, &mut random);
            }
        }
    }
}
