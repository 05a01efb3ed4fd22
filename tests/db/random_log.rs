//! Random logs, and what follows from them by plain folding: the answer that every view is compared to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use annals::query::{Scan, Values};
use annals::schema::{attribute, ident};
use annals::store::Store;
use annals::{Datom, Db, Partition, Value, ValueType};

pub(crate) use crate::splitmix::Random;

/// The seed: `SEED=`, or this one.
pub(crate) fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_260_101)
}

/// How many histories: `HISTORIES=`, or few.
pub(crate) fn histories(few: u64) -> u64 {
    std::env::var("HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(few)
}

/// An attribute of the random logs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) id: i64,
    pub(crate) name: &'static str,
    value_type: Option<ValueType>,
    pub(crate) is_many: bool,
    pub(crate) is_unique: bool,
}

const fn kind(n: i64, name: &'static str, value_type: Option<ValueType>, is_many: bool, is_unique: bool) -> Kind {
    Kind { id: attribute::FIRST_OF_USER + n, name, value_type, is_many, is_unique }
}

/// One attribute for each kind of column, and one in which everything is mixed.
pub(crate) const KINDS: [Kind; 8] = [
    kind(0, "thing/name", Some(ValueType::String), false, true),
    kind(1, "thing/size", Some(ValueType::Long), false, false),
    kind(2, "thing/weight", Some(ValueType::Double), false, false),
    kind(3, "thing/friend", Some(ValueType::Ref), true, false),
    kind(4, "thing/tag", Some(ValueType::Keyword), true, false),
    kind(5, "thing/seen", Some(ValueType::Instant), false, false),
    kind(6, "thing/any", None, true, false),
    kind(7, "thing/open", Some(ValueType::Boolean), false, false),
];

/// The entities of the random logs, in two partitions.
pub(crate) fn entities() -> Vec<i64> {
    (1..=6).map(|n| Partition::DEFAULT.entity(n)).chain((0..4).map(|n| Partition(16).entity(n))).collect()
}

/// Some value of an attribute, out of few, so that values are shared, given back and asked for.
pub(crate) fn value(random: &mut Random, kind: &Kind) -> Value {
    let number = random.below(5) as i64;
    match kind.value_type {
        Some(ValueType::String) => format!("name-{number}").into(),
        Some(ValueType::Long) => number.into(),
        Some(ValueType::Double) => Value::Double(number as f64 / 2.0 - 1.0),
        Some(ValueType::Ref) => Value::Ref(*random.pick(&entities())),
        Some(ValueType::Keyword) => Value::Keyword(format!("tag/{number}").into()),
        Some(ValueType::Instant) => Value::Instant(number * 1_000_000),
        Some(ValueType::Boolean) => Value::Boolean(number % 2 == 0),
        _ => any_value(random, number),
    }
}

/// Some values of an attribute as a scan asks for one of them.
pub(crate) fn several(random: &mut Random, kind: &Kind) -> Vec<Value> {
    let mut values: Vec<Value> = (0..random.below(6)).map(|_| plain(&value(random, kind)).canonical()).collect();
    values.sort_unstable();
    values.dedup();
    values
}

fn any_value(random: &mut Random, number: i64) -> Value {
    match random.below(8) {
        0 => Value::Double(number as f64),
        1 => Value::from("text"),
        2 => Value::Keyword("tag/1".into()),
        3 => Value::Ref(*random.pick(&entities())),
        4 => Value::from(vec![Value::from(number), Value::from("part")]),
        5 => Value::from(vec![Value::Double(number as f64), Value::Nil]),
        6 => Value::Boolean(false),
        _ => Value::from(number),
    }
}

/// A log in the making.
#[derive(Debug)]
pub(crate) struct RandomLog {
    pub(crate) random: Random,
    /// Every datom, transaction 1 included.
    pub(crate) datoms: Vec<Datom>,
    holding: BTreeSet<(i64, i64, Value)>,
    pub(crate) t: i64,
    instant: i64,
}

impl RandomLog {
    /// The log of a fresh store, and a transaction that declares the attributes.
    pub(crate) fn begin(seed: u64, store: &Store) -> Self {
        let basis = store.basis().expect("a fresh store has a basis");
        let mut datoms = Vec::new();
        let take = |datom| {
            datoms.push(datom);
            Ok(())
        };
        store.log(0, basis.t, None, take).expect("a fresh store can be read");
        let holding = BTreeSet::new();
        Self { random: Random::new(seed), datoms, holding, t: basis.t, instant: basis.instant }
    }

    /// The datoms that declare the attributes.
    pub(crate) fn declare(&mut self) -> Vec<Datom> {
        let t = self.t + 1;
        let mut facts = Vec::new();
        for kind in KINDS {
            facts.push((kind.id, attribute::IDENT, Value::Keyword(kind.name.into())));
            let cardinality = if kind.is_many { ident::CARDINALITY_MANY } else { ident::CARDINALITY_ONE };
            facts.push((kind.id, attribute::CARDINALITY, Value::Ref(cardinality)));
            if let Some(value_type) = kind.value_type {
                facts.push((kind.id, attribute::VALUE_TYPE, Value::Ref(ident::TYPE_BASE + value_type as i64)));
            }
            if kind.is_unique {
                facts.push((kind.id, attribute::UNIQUE, Value::Ref(ident::UNIQUE_IDENTITY)));
            }
        }
        let datoms = facts.into_iter().map(|(e, a, v)| Datom { e, a, v, t, added: true, m: 0 }).collect();
        self.close(datoms)
    }

    /// The datoms of one more transaction: facts are added, replaced and retracted.
    pub(crate) fn next(&mut self) -> Vec<Datom> {
        let t = self.t + 1;
        let mut touched: Vec<(i64, i64)> = Vec::new();
        let mut datoms = Vec::new();
        for _ in 0..=self.random.below(6) {
            let e = *self.random.pick(&entities());
            let kind = *self.random.pick(&KINDS);
            if touched.contains(&(e, kind.id)) {
                continue;
            }
            touched.push((e, kind.id));
            let m = if self.random.one_in(3) { Partition(16).entity(0) } else { 0 };
            let held: Vec<Value> =
                self.holding.iter().filter(|(entity, a, _)| (*entity, *a) == (e, kind.id)).map(|(_, _, v)| v.clone()).collect();
            let v = value(&mut self.random, &kind);
            let is_retraction = !held.is_empty() && self.random.one_in(3);
            if is_retraction || (!kind.is_many && !held.contains(&v)) {
                let gone = if kind.is_many { vec![self.random.pick(&held).clone()] } else { held.clone() };
                datoms.extend(gone.into_iter().map(|v| Datom { e, a: kind.id, v, t, added: false, m }));
            }
            let is_free = !kind.is_unique || !self.holding.iter().any(|(_, a, other)| *a == kind.id && *other == v);
            let is_claimed = kind.is_unique && datoms.iter().any(|datom| datom.a == kind.id && datom.v == v);
            if !is_retraction && !held.contains(&v) && is_free && !is_claimed {
                datoms.push(Datom { e, a: kind.id, v, t, added: true, m });
            }
        }
        for datom in &datoms {
            let key = (datom.e, datom.a, datom.v.clone());
            if datom.added {
                self.holding.insert(key)
            } else {
                self.holding.remove(&key)
            };
        }
        self.close(datoms)
    }

    /// The values that hold.
    pub(crate) fn held(&self, e: i64, a: i64) -> Vec<Value> {
        let first = (e, a, Value::Nil);
        self.holding
            .range(first..)
            .take_while(|(entity, attribute, _)| (*entity, *attribute) == (e, a))
            .map(|(.., v)| v.clone())
            .collect()
    }

    /// The datoms of a transaction that adds and retracts these facts.
    pub(crate) fn say(&mut self, facts: Vec<(i64, i64, Value, bool)>) -> Vec<Datom> {
        for (e, a, v, added) in &facts {
            let key = (*e, *a, v.clone());
            if *added {
                self.holding.insert(key)
            } else {
                self.holding.remove(&key)
            };
        }
        let t = self.t + 1;
        self.close(facts.into_iter().map(|(e, a, v, added)| Datom { e, a, v, t, added, m: 0 }).collect())
    }

    fn close(&mut self, mut datoms: Vec<Datom>) -> Vec<Datom> {
        self.t += 1;
        self.instant += 1 + self.random.below(3) as i64;
        let instant = Value::Instant(self.instant);
        datoms.push(Datom { e: self.t, a: attribute::TX_INSTANT, v: instant, t: self.t, added: true, m: 0 });
        datoms.sort();
        self.datoms.extend(datoms.iter().cloned());
        datoms
    }

    /// The instant of the last transaction.
    pub(crate) fn instant(&self) -> i64 {
        self.instant
    }
}

/// Appends a transaction to a store, as another process would.
pub(crate) fn append(store: &Store, datoms: &[Datom]) {
    let (t, instant) = datoms
        .iter()
        .find_map(|datom| {
            if let Value::Instant(at) = datom.v { (datom.a == attribute::TX_INSTANT).then_some((datom.t, at)) } else { None }
        })
        .expect("every transaction says its instant");
    let is_indexed = |a: i64| a == attribute::IDENT || KINDS.iter().any(|kind| kind.id == a && kind.is_unique);
    store.write(|write| write.append(t, instant, datoms, &is_indexed)).expect("the log is right");
}

/// What a view shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) since: i64,
    pub(crate) until: i64,
    pub(crate) is_history: bool,
}

/// What a view shows of a log, by plain folding, ascending.
pub(crate) fn fold(log: &[Datom], shown: Shown) -> Vec<Datom> {
    let in_window = |datom: &&Datom| shown.since < datom.t && datom.t <= shown.until;
    let mut facts: Vec<Datom> = if shown.is_history {
        log.iter().filter(in_window).cloned().collect()
    } else {
        let mut last: BTreeMap<(i64, i64, Value), &Datom> = BTreeMap::new();
        for datom in log.iter().filter(|datom| datom.t <= shown.until) {
            last.insert((datom.e, datom.a, datom.v.clone()), datom);
        }
        last.into_values().filter(|datom| datom.added).filter(in_window).cloned().collect()
    };
    facts.sort();
    facts
}

/// A fact as queries see it: a reference is a long.
pub(crate) fn plain(value: &Value) -> Value {
    match value {
        Value::Ref(id) => Value::Long(*id),
        other => other.clone(),
    }
}

/// Everything a view shows through scans of one attribute after the other, as plain facts, ascending.
pub(crate) fn scanned(db: &Db, scan: &Scan<'_>) -> Vec<Datom> {
    use annals::query::{Budget, Facts, Places};
    let places = Places { a: true, v: true, t: true, m: true, added: true };
    let batch = db.scan(&Scan { places, ..scan.clone() }, &Budget::default()).expect("a scan succeeds");
    let long = |column: &Option<annals::query::Column>, row| {
        column.as_ref().and_then(|column| column.value(row).as_long()).expect("longs")
    };
    let e = Some(batch.e.clone());
    if scan.attribute.is_some() {
        let ids: Vec<i64> = (0..batch.len()).map(|row| long(&e, row)).collect();
        assert!(ids.is_sorted(), "a scan of one attribute is ascending by entity");
    }
    let fact = |row: usize| Datom {
        e: long(&e, row),
        a: long(&batch.a, row),
        v: batch.v.as_ref().expect("wanted").value(row),
        t: long(&batch.t, row),
        added: batch.added.as_ref().expect("wanted").value(row) == Value::Boolean(true),
        m: long(&batch.m, row),
    };
    // What is not needed may be left out, or not.
    let mut facts: Vec<Datom> = (0..batch.len()).map(fact).filter(|fact| is_needed(fact.e, scan)).collect();
    facts.sort();
    facts
}

fn is_needed(entity: i64, scan: &Scan<'_>) -> bool {
    scan.within.is_none_or(|(first, last)| (first..=last).contains(&entity))
}

/// Two entities, mostly the lower one first; half of the time nothing.
pub(crate) fn within(random: &mut Random) -> Option<(i64, i64)> {
    let some = entities();
    let bounds = (*random.pick(&some), *random.pick(&some));
    let ascending = (bounds.0.min(bounds.1), bounds.0.max(bounds.1));
    random.one_in(2).then_some(if random.one_in(8) { bounds } else { ascending })
}

/// What a scan gives of facts that a view shows, by plain filtering, ascending.
pub(crate) fn filtered(facts: &[Datom], scan: &Scan<'_>) -> Vec<Datom> {
    let is_chosen = |fact: &&Datom| {
        scan.attribute.is_none_or(|a| fact.a == a)
            && scan.entities.is_none_or(|entities| entities.contains(&fact.e))
            && is_needed(fact.e, scan)
            && scan.t.is_none_or(|t| fact.t == t)
            && admits(&scan.values, &plain(&fact.v))
    };
    let shown = facts.iter().filter(is_chosen).map(|fact| Datom { v: plain(&fact.v), ..fact.clone() });
    let mut shown: Vec<Datom> = shown.collect();
    shown.sort();
    shown
}

fn admits(values: &Values<'_>, value: &Value) -> bool {
    use std::cmp::Ordering;
    use std::ops::Bound;
    let beyond = |bound: Bound<&Value>, wanted: Ordering| match bound {
        Bound::Unbounded => true,
        Bound::Included(bound) => value.compare_within_type(&plain(bound)).is_some_and(|order| order == wanted || order.is_eq()),
        Bound::Excluded(bound) => value.compare_within_type(&plain(bound)).is_some_and(|order| order == wanted),
    };
    match values {
        Values::Any => true,
        Values::Equal(wanted) => value.same(&plain(wanted)),
        Values::Among(wanted) => wanted.iter().any(|wanted| value.same(wanted)),
        Values::Range(low, high) => beyond(*low, Ordering::Greater) && beyond(*high, Ordering::Less),
    }
}

/// A folder that goes away, and the path of a store in it.
pub(crate) fn store_path(folder: &tempfile::TempDir) -> Arc<std::path::Path> {
    folder.path().join("annals.db").into()
}
