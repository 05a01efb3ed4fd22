//! Random transactions against a model of a few lines: the facts that hold afterwards, and whether there is a conflict at all.
//!
//! `SEED=` replays one; a failure prints it.

use std::collections::{BTreeMap, BTreeSet};

use annals::transact::{Before as _, EntityTerm, Operation, TxData, prepare};
use annals::{ErrorKind, Value};

use crate::check::SCHEMA;
use crate::store::{NOW, Store};

const ENTITIES: i64 = 4;
const ATTRIBUTES: [(&str, bool); 4] = [("user/name", true), ("user/nick", false), ("seat/row", true), ("seat/column", true)];

type Fact = (i64, &'static str, Value);

/// What a random operation asks for.
#[derive(Clone, Debug)]
enum Asked {
    Add(Fact),
    Retract(Fact),
    RetractAll(i64, &'static str),
    RetractEntity(i64),
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn asked(&mut self) -> Asked {
        let (attribute, _) = ATTRIBUTES[self.below(4) as usize];
        let e = (2 << 32) + 1 + self.below(ENTITIES as u64) as i64;
        let v = match attribute {
            "seat/row" => Value::from(self.below(3) as i64),
            _ => Value::from(["a", "b", "c"][self.below(3) as usize]),
        };
        match self.below(10) {
            0..=5 => Asked::Add((e, attribute, v)),
            6 | 7 => Asked::Retract((e, attribute, v)),
            8 => Asked::RetractAll(e, attribute),
            _ => Asked::RetractEntity(e),
        }
    }
}

/// The facts afterwards; none if the transaction contradicts itself. Composed values are left out.
fn model(before: &BTreeSet<Fact>, asked: &[Asked]) -> Option<BTreeSet<Fact>> {
    let (mut added, mut retracted) = (BTreeSet::new(), BTreeSet::new());
    for one in asked {
        match one {
            Asked::Add(fact) => drop(added.insert(fact.clone())),
            Asked::Retract(fact) => drop(retracted.insert(fact.clone())),
            Asked::RetractAll(e, a) => retracted.extend(before.iter().filter(|fact| fact.0 == *e && fact.1 == *a).cloned()),
            Asked::RetractEntity(e) => retracted.extend(before.iter().filter(|fact| fact.0 == *e).cloned()),
        }
    }
    if added.intersection(&retracted).next().is_some() {
        return None;
    }
    let has_one = |a: &str| ATTRIBUTES.iter().any(|(name, has_one)| *name == a && *has_one);
    let mut after: BTreeSet<Fact> = before.difference(&retracted).cloned().collect();
    for (e, a, v) in &added {
        if has_one(a) && added.iter().any(|other| other.0 == *e && other.1 == *a && other.2 != *v) {
            return None;
        }
        if has_one(a) {
            after.retain(|held| (held.0, held.1) != (*e, *a));
        }
        after.insert((*e, a, v.clone()));
    }
    Some(after)
}

/// The rows and columns of seats that more than one entity has.
fn is_seat_shared(facts: &BTreeSet<Fact>) -> bool {
    let mut seats: BTreeMap<i64, (Option<Value>, Option<Value>)> = BTreeMap::new();
    for (e, a, v) in facts {
        let seat = seats.entry(*e).or_default();
        match *a {
            "seat/row" => seat.0 = Some(v.clone()),
            "seat/column" => seat.1 = Some(v.clone()),
            _ => {}
        }
    }
    let whole: Vec<_> = seats.values().filter(|seat| seat.0.is_some() && seat.1.is_some()).collect();
    whole.iter().collect::<BTreeSet<_>>().len() < whole.len()
}

fn said(asked: &[Asked]) -> TxData {
    let mut data = TxData::new();
    for one in asked.iter().cloned() {
        match one {
            Asked::Add((e, a, v)) => data.add(e, a, v),
            Asked::Retract((e, a, v)) => data.retract(e, a, v),
            Asked::RetractAll(e, a) => {
                data.push(Operation::Retract { entity: EntityTerm::Id(e), attribute: a.into(), value: None, m: None })
            }
            Asked::RetractEntity(e) => data.push(Operation::RetractEntity { entity: EntityTerm::Id(e), m: None }),
        };
    }
    data
}

/// The facts that a store holds about the entities of this test, and its composed seats.
fn held(store: &Store) -> (BTreeSet<Fact>, BTreeMap<i64, Value>) {
    let (mut facts, mut seats) = (BTreeSet::new(), BTreeMap::new());
    for datom in store.held().filter(|datom| datom.e >> 32 == 2) {
        let ident = &**store.schema().ident(datom.a).expect("an attribute has a name");
        match ATTRIBUTES.iter().find(|(name, _)| *name == ident) {
            Some((name, _)) => drop(facts.insert((datom.e, *name, datom.v.clone()))),
            None => assert!(seats.insert(datom.e, datom.v.clone()).is_none(), "one composed value an entity"),
        }
    }
    (facts, seats)
}

#[test]
fn random_transactions_come_to_what_the_model_says() {
    let seed = std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_120_u64);
    for round in 0..60 {
        let mut random = Random((seed + round).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut store = Store::after(&[SCHEMA]);
        let mut facts = BTreeSet::new();
        for _ in 0..12 {
            let asked: Vec<Asked> = (0..=random.below(5)).map(|_| random.asked()).collect();
            step(&mut store, &mut facts, &asked, seed + round);
        }
    }
}

fn step(store: &mut Store, facts: &mut BTreeSet<Fact>, asked: &[Asked], seed: u64) {
    let wanted = model(facts, asked);
    match (prepare(store, &said(asked), NOW), wanted) {
        (Ok(prepared), Some(after)) => {
            assert_eq!(prepared.is_empty(), *facts == after, "SEED={seed}: {asked:?}");
            store.take(&prepared);
            let (found, seats) = held(store);
            assert_eq!(found, after, "SEED={seed}: {asked:?}");
            assert!(!is_seat_shared(&found), "SEED={seed}: {asked:?}");
            check_seats(&found, &seats, seed);
            *facts = after;
        }
        (Err(error), None) => assert_eq!(error.kind(), ErrorKind::Conflict, "SEED={seed}: {asked:?}: {error}"),
        (Err(error), Some(after)) => {
            assert_eq!(error.kind(), ErrorKind::Uniqueness, "SEED={seed}: {asked:?}: {error}");
            assert!(is_seat_shared(&after), "SEED={seed}: {asked:?}: {error}");
        }
        (Ok(prepared), None) => panic!("SEED={seed}: {asked:?} contradicts itself but gives {:?}", prepared.datoms),
    }
}

fn check_seats(facts: &BTreeSet<Fact>, seats: &BTreeMap<i64, Value>, seed: u64) {
    for e in (0..ENTITIES).map(|n| (2 << 32) + 1 + n) {
        let part = |a: &str| facts.iter().find(|fact| fact.0 == e && fact.1 == a).map_or(Value::Nil, |fact| fact.2.clone());
        let (row, column) = (part("seat/row"), part("seat/column"));
        let whole = (row != Value::Nil || column != Value::Nil).then(|| Value::vector([row, column]));
        assert_eq!(seats.get(&e), whole.as_ref(), "SEED={seed}: the seat of {e}");
    }
}
