//! Every way in which a database value reads facts gives what a plain fold of the log gives.
//!
//! Attacked by random logs over attributes of every kind of column, through views of every kind, by scans that choose by attribute,
//! entities, value, range and transaction in every combination: on columns just built, with facts beside the columns, after merges, on
//! values older than the columns, on values that only `with` knows, and in a process that has no columns at all.
//! `SEED=` chooses the logs, `HISTORIES=` says how many.

use std::ops::Bound;

use crate::random_log::{
    KINDS, Kind, Random, RandomLog, Shown, append, entities, filtered, fold, histories, plain, scanned, seed, several,
    store_path, value, within,
};
use annals::query::{Budget, Facts, Scan, Values};
use annals::store::Durability;
use annals::transact::TxData;
use annals::{Connection, Datom, Db, Options, Order, Partition, Value, ValueType};

fn open(path: &std::path::Path) -> Connection {
    Connection::open_with(path, Options { durability: Durability::Normal, ..Options::default() }).expect("the store opens")
}

/// A random view of a value, and the same said in numbers.
fn view(random: &mut Random, db: &Db) -> (Db, Shown) {
    let basis = db.basis_t();
    let mut shown = Shown { since: 0, until: basis, is_history: false };
    let mut view = db.clone();
    if random.one_in(2) {
        shown.until = random.below(basis as usize + 1) as i64;
        view = view.as_of(shown.until).expect("a moment");
    }
    if random.one_in(3) {
        shown.since = random.below(basis as usize + 1) as i64;
        view = view.since(shown.since).expect("a moment");
    }
    if random.one_in(3) {
        shown.is_history = true;
        view = view.history();
    }
    (view, shown)
}

/// A random choice of everything that a scan may choose by.
struct Choice {
    attribute: Option<Kind>,
    entities: Option<Vec<i64>>,
    within: Option<(i64, i64)>,
    bounds: Option<(Bound<Value>, Bound<Value>)>,
    equal: Option<Value>,
    among: Option<Vec<Value>>,
    t: Option<i64>,
}

impl Choice {
    fn new(random: &mut Random, basis: i64) -> Self {
        let attribute = (!random.one_in(5)).then(|| *random.pick(&KINDS));
        let kind = attribute.unwrap_or(KINDS[6]);
        let some: Vec<i64> = entities().into_iter().filter(|_| random.one_in(3)).collect();
        let bound = |random: &mut Random| match random.below(3) {
            0 => Bound::Unbounded,
            1 => Bound::Included(value(random, &kind)),
            _ => Bound::Excluded(value(random, &kind)),
        };
        let bounds = random.one_in(3).then(|| (bound(random), bound(random)));
        let equal = (bounds.is_none() && random.one_in(2)).then(|| match value(random, &kind) {
            // Numbers are asked for in another kind than they are stored in.
            Value::Long(n) if random.one_in(3) => Value::Double(n as f64),
            Value::Double(n) if n.fract() == 0.0 && random.one_in(2) => Value::Long(n as i64),
            other => other,
        });
        let among = (bounds.is_none() && equal.is_none() && random.one_in(2)).then(|| several(random, &kind));
        let t = random.one_in(6).then(|| random.below(basis as usize + 2) as i64);
        Self { attribute, entities: random.one_in(2).then_some(some), within: within(random), bounds, equal, among, t }
    }

    fn scan(&self) -> Scan<'_> {
        let values = match (&self.bounds, &self.equal, &self.among) {
            (Some((low, high)), ..) => Values::Range(low.as_ref(), high.as_ref()),
            (None, Some(wanted), _) => Values::Equal(wanted),
            (None, None, Some(wanted)) => Values::Among(wanted),
            (None, None, None) => Values::Any,
        };
        let attribute = self.attribute.map(|kind| kind.id);
        Scan { attribute, entities: self.entities.as_deref(), within: self.within, values, t: self.t, ..Scan::default() }
    }
}

#[track_caller]
fn check_scans(random: &mut Random, db: &Db, log: &[Datom], count: usize) {
    for _ in 0..count {
        let (mut view, shown) = view(random, db);
        let mut facts = fold(log, shown);
        if random.one_in(5) {
            view = view.filter(|datom| datom.m == 0 && datom.t % 2 == 0);
            facts.retain(|datom| datom.m == 0 && datom.t % 2 == 0);
        }
        let choice = Choice::new(random, db.basis_t());
        let scan = choice.scan();
        if random.one_in(4) {
            let ids: Vec<i64> = KINDS.iter().map(|kind| kind.id).filter(|_| random.one_in(2)).collect();
            view.announce(&ids, &Budget::default()).expect("columns can be prepared");
        }
        assert_eq!(scanned(&view, &scan), filtered(&facts, &scan), "{shown:?} {scan:?}");
        if let Some(kind) = scan.attribute.and_then(|attribute| view.type_of_values(attribute)) {
            let others =
                facts.iter().filter(|datom| Some(datom.a) == scan.attribute && plain(&datom.v).value_type() != Some(kind));
            // A declared reference is shown as a long.
            assert!(kind == ValueType::Ref || others.count() == 0, "not all are {kind:?} in {shown:?}");
        }
        let estimate = view.estimate(&scan);
        assert!(estimate.rows >= 0.0 && estimate.rows.is_finite(), "{estimate:?}");
    }
}

#[track_caller]
fn check_reads(random: &mut Random, db: &Db, log: &[Datom]) {
    let (view, shown) = view(random, db);
    let facts = fold(log, shown);
    let of = |keep: &dyn Fn(&Datom) -> bool| -> Vec<Datom> { facts.iter().filter(|datom| keep(datom)).cloned().collect() };
    let sorted = |mut datoms: Vec<Datom>| {
        datoms.sort();
        datoms
    };
    let (e, kind) = (*random.pick(&entities()), *random.pick(&KINDS));
    let v = value(random, &kind);
    let name = Value::Keyword(kind.name.into());
    let read = |order, components: &[Value]| sorted(view.datoms(order, components).expect("datoms can be read"));
    assert_eq!(read(Order::Eavt, &[e.into()]), of(&|datom| datom.e == e), "{shown:?}");
    assert_eq!(read(Order::Eavt, &[e.into(), name.clone()]), of(&|datom| datom.e == e && datom.a == kind.id), "{shown:?}");
    assert_eq!(read(Order::Aevt, std::slice::from_ref(&name)), of(&|datom| datom.a == kind.id), "{shown:?}");
    let is_value = |datom: &Datom| datom.v.same(&v) || crate::random_log::plain(&datom.v).same(&crate::random_log::plain(&v));
    let by_value = read(Order::Avet, &[name, v.clone()]);
    assert_eq!(
        by_value,
        of(&|datom| datom.a == kind.id && is_value(datom) && !is_long_for_reference(&datom.v, &v)),
        "{shown:?} {v}"
    );
    assert_eq!(read(Order::Vaet, &[e.into()]), of(&|datom| datom.v == Value::Ref(e)), "{shown:?}");
    assert_eq!(read(Order::Eavt, &[]), facts, "{shown:?}");
    let range = view.index_range(kind.name, v.clone()..).expect("a range can be read");
    assert!(range.is_sorted_by(|left, right| left.v <= right.v), "a range is ascending by value");
    for transaction in view.tx_range(..).expect("transactions can be read") {
        let all: Vec<Datom> = log.iter().filter(|datom| datom.t == transaction.t).cloned().collect();
        assert_eq!(sorted(transaction.datoms), sorted(all));
    }
    if !shown.is_history {
        for number in 0..5 {
            let wanted = Value::from(format!("name-{number}"));
            let holder = facts.iter().find(|datom| datom.a == KINDS[0].id && datom.v == wanted).map(|datom| datom.e);
            assert_eq!(view.entity_id((KINDS[0].name, wanted.clone())).expect("it resolves"), holder, "{shown:?} {wanted}");
        }
    }
}

/// True if a long was found where a reference was asked for: a reference is only a reference.
fn is_long_for_reference(found: &Value, wanted: &Value) -> bool {
    matches!((found, wanted), (Value::Long(_), Value::Ref(_)))
}

/// Transaction data of a few random facts.
fn transaction(random: &mut Random) -> TxData {
    let mut data = TxData::new();
    for _ in 0..=random.below(4) {
        let kind = *random.pick(&KINDS);
        if kind.is_unique {
            continue;
        }
        data.add(*random.pick(&entities()), kind.name, value(random, &kind));
    }
    data
}

#[test]
fn every_scan_of_every_view_gives_what_a_fold_of_the_log_gives() {
    for seed in seed()..seed() + histories(20) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = store_path(&folder);
        let (reader, writer) = (open(&path), open(&path));
        let mut log = RandomLog::begin(seed, writer.store());
        let mut random = Random::new(seed ^ 0xD1B5_4A32);
        append(writer.store(), &log.declare());
        let mut held: Vec<(Db, usize)> = Vec::new();
        eprintln!("SEED={seed}");
        for round in 0..6 {
            for _ in 0..=random.below(8) {
                append(writer.store(), &log.next());
            }
            let db = reader.db().expect("a value");
            assert_eq!(db.basis_t(), log.t);
            check_scans(&mut random, &db, &log.datoms, 12);
            check_reads(&mut random, &db, &log.datoms);
            held.push((db, log.datoms.len()));
            let (earlier, length) = random.pick(&held).clone();
            check_scans(&mut random, &earlier, &log.datoms[..length], 6);
            if round == 3 {
                let cold = open(&path);
                check_scans(&mut random, &cold.db().expect("a value"), &log.datoms, 1);
                check_reads(&mut random, &cold.db().expect("a value"), &log.datoms);
            }
        }
        assert_eq!(reader.db().expect("a value").basis_instant(), log.instant());
    }
}

/// Columns long enough that facts wait beside them, are merged into them, and are read by value rather than one after the other.
#[test]
fn columns_of_many_facts_keep_up_with_the_log() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = store_path(&folder);
    let (reader, writer) = (open(&path), open(&path));
    let mut log = RandomLog::begin(seed(), writer.store());
    let mut random = Random::new(seed());
    append(writer.store(), &log.declare());
    let (size, any) = (KINDS[1].id, KINDS[6].id);
    let ids: Vec<i64> = (1000..3500).map(|n| Partition::DEFAULT.entity(n)).collect();
    for round in 0..8_i64 {
        // Few facts change, then many.
        let part = if round % 2 == 0 { 10 } else { 1 };
        let changed: Vec<i64> = ids.iter().copied().filter(|_| random.one_in(part)).collect();
        let mut facts: Vec<(i64, i64, Value, bool)> = Vec::new();
        for e in changed {
            let held = log.held(e, size);
            let new = Value::from((e * 7 + round) % 400);
            facts.extend(held.iter().filter(|v| **v != new).map(|v| (e, size, v.clone(), false)));
            if !held.contains(&new) {
                facts.push((e, size, new, true));
            }
            let tag = Value::from(format!("{}", (e + round) % 900));
            let is_held = log.held(e, any).contains(&tag);
            facts.push((e, any, tag, !is_held));
        }
        append(writer.store(), &log.say(facts));
        let db = reader.db().expect("a value");
        for _ in 0..12 {
            let (view, shown) = view(&mut random, &db);
            let facts = fold(&log.datoms, shown);
            let low = Value::from(random.below(400) as i64);
            let high = Value::from(low.as_long().expect("a long") + random.below(60) as i64);
            let text = Value::from(random.below(900).to_string());
            let some: Vec<i64> = ids.iter().copied().filter(|_| random.one_in(50)).collect();
            let attribute = Some(*random.pick(&[size, any]));
            let mut texts: Vec<Value> = (0..random.below(40)).map(|_| random.below(900).to_string().into()).collect();
            texts.sort_unstable();
            texts.dedup();
            let scan = match random.below(6) {
                0 => Scan { attribute, ..Scan::default() },
                1 => Scan {
                    attribute: Some(size),
                    values: Values::Range(Bound::Included(&low), Bound::Excluded(&high)),
                    ..Scan::default()
                },
                2 => Scan { attribute: Some(any), values: Values::Equal(&text), ..Scan::default() },
                3 => Scan { attribute: Some(size), values: Values::Equal(&low), ..Scan::default() },
                4 => Scan { attribute: Some(any), values: Values::Among(&texts), ..Scan::default() },
                _ => Scan { attribute, entities: Some(&some), ..Scan::default() },
            };
            assert_eq!(scanned(&view, &scan), filtered(&facts, &scan), "{shown:?} {scan:?}");
        }
    }
}

#[test]
fn a_value_that_only_with_knows_is_scanned_like_any_other() {
    for seed in seed()..seed() + histories(20) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = store_path(&folder);
        let connection = open(&path);
        let mut log = RandomLog::begin(seed, connection.store());
        let mut random = Random::new(seed ^ 0x1234);
        append(connection.store(), &log.declare());
        for _ in 0..10 {
            append(connection.store(), &log.next());
        }
        eprintln!("SEED={seed}");
        let mut db = connection.db().expect("a value");
        let (mut all, length) = (log.datoms.clone(), log.datoms.len());
        for _ in 0..4 {
            if let Ok(report) = db.with_data(&transaction(&mut random)) {
                all.extend(report.datoms.iter().cloned());
                db = report.db_after;
            }
            check_scans(&mut random, &db, &all, 8);
            check_reads(&mut random, &db, &all);
            // The store goes another way: numbers that `with` took are taken by others.
            append(connection.store(), &log.next());
            connection
                .db()
                .expect("a value")
                .announce(&KINDS.map(|kind| kind.id), &Budget::default())
                .expect("columns can be prepared");
            check_scans(&mut random, &db, &all, 8);
        }
        let then = 5 + random.below(5) as i64;
        let past = connection.db().expect("a value").as_of(then).expect("a moment");
        if let Ok(report) = past.with_data(&transaction(&mut random)) {
            let mut what_if: Vec<Datom> = log.datoms[..length].iter().filter(|datom| datom.t <= then).cloned().collect();
            what_if.extend(report.datoms.iter().cloned());
            check_scans(&mut random, &report.db_after, &what_if, 8);
        }
    }
}
