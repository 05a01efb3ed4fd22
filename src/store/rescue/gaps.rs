//! What must have been said in the transactions that are lost, by those that followed: a fact that is retracted had been added, and one
//! that is added anew had been retracted. Without it the rest of the history would contradict itself.

use std::collections::BTreeMap;
use std::hash::{Hash as _, Hasher as _};

use annals_query::{Cardinality, Value};
use rustc_hash::{FxHashMap, FxHasher};

use super::carve::Carved;
use super::datoms_of;
use super::prove::{Fate, Proof};
use crate::datom::Datom;
use crate::schema::{Schema, SchemaBuilder, attribute, ident};

/// What the place of a lost transaction says beside that it is lost. Its datoms have the t of the last lost one before they are needed.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    pub(super) by_t: BTreeMap<i64, Vec<Datom>>,
}

/// The value that an entity holds of an attribute: its key, and the transaction that added it.
type Single = (u64, i64);

struct Pass<'c> {
    carved: &'c mut Carved,
    /// What is copied so far.
    fates: BTreeMap<i64, Fate>,
    repairs: Repairs,
    /// The last lost transaction so far.
    gap: i64,
    held: FxHashMap<u64, i64>,
    single: FxHashMap<(i64, i64), Single>,
    unique: FxHashMap<u64, i64>,
    builder: SchemaBuilder,
    schema: Schema,
    /// Attributes whose declaration is lost: the gap before their first use, and whether they had several values at once.
    nameless: BTreeMap<i64, (i64, bool)>,
}

/// Goes through what is proven, in order. What contradicts all before it although nothing is missing there, was not written by this
/// program, whatever its hash says: it is lost too.
pub(super) fn plan(carved: &mut Carved, proof: &mut Proof) -> Repairs {
    let mut pass = Pass {
        carved,
        fates: BTreeMap::new(),
        repairs: Repairs::default(),
        gap: 0,
        held: FxHashMap::default(),
        single: FxHashMap::default(),
        unique: FxHashMap::default(),
        builder: SchemaBuilder::default(),
        schema: Schema::default(),
        nameless: BTreeMap::new(),
    };
    for (t, fate) in &mut proof.fates {
        match fate {
            // A store without the first transaction would have no vocabulary: it is given the one that every store has.
            Fate::Lost(_) if *t == 1 => {
                pass.gap = 1;
                let datoms = datoms_of(pass.carved, 1, &Fate::Genesis);
                pass.follow(&datoms);
            }
            Fate::Lost(_) => pass.gap = *t,
            proven => {
                let datoms = datoms_of(pass.carved, *t, proven);
                if pass.contradicts(*t, proven, &datoms) {
                    *proven = Fate::Lost("its hash fits, and it contradicts what was said before: it was rewritten".into());
                    pass.gap = *t;
                } else {
                    pass.fates.insert(*t, proven.clone());
                    pass.follow(&datoms);
                }
            }
        }
    }
    pass.name_attributes();
    pass.repairs
}

impl Pass<'_> {
    fn follow(&mut self, datoms: &[Datom]) {
        for gone in datoms.iter().filter(|datom| !datom.added) {
            let key = key_of(gone);
            if self.held.remove(&key).is_none() && self.gap > 0 {
                self.was_added(gone);
            }
            if self.single.get(&(gone.e, gone.a)).is_some_and(|(held, _)| *held == key) {
                self.single.remove(&(gone.e, gone.a));
            }
            self.unique.remove(&unique_key(gone));
        }
        for new in datoms.iter().filter(|datom| datom.added) {
            self.add(new);
        }
        self.learn(datoms);
    }

    /// True if no history could go on so, whatever was said in the gaps.
    fn contradicts(&self, t: i64, fate: &Fate, datoms: &[Datom]) -> bool {
        let Fate::Proven { instant, .. } = fate else { return false };
        let says_another = |datom: &Datom| {
            (datom.e, datom.a, datom.added) == (t, attribute::TX_INSTANT, true) && datom.v != Value::Instant(*instant)
        };
        let mut gone: Vec<u64> = datoms.iter().filter(|datom| !datom.added).map(key_of).collect();
        gone.sort_unstable();
        let is_wrong = |datom: &Datom| {
            let (key, held) = (key_of(datom), self.held.get(&key_of(datom)));
            if !datom.added {
                return self.gap == 0 && held.is_none();
            }
            let single = self.single.get(&(datom.e, datom.a)).filter(|(other, since)| {
                *other != key && *since > self.gap && gone.binary_search(other).is_err() && self.is_single(datom.a)
            });
            single.is_some() || held.is_some_and(|since| *since > self.gap) && gone.binary_search(&key).is_err()
        };
        let mut places: Vec<(i64, i64)> =
            datoms.iter().filter(|datom| datom.added && self.is_single(datom.a)).map(|datom| (datom.e, datom.a)).collect();
        places.sort_unstable();
        let is_double = places.windows(2).any(|pair| pair[0] == pair[1]);
        is_double || datoms.iter().any(|datom| says_another(datom) || is_wrong(datom))
    }

    /// A fact that a proven transaction retracts held before it.
    fn was_added(&mut self, gone: &Datom) {
        if self.is_single(gone.a) {
            self.retract_single(gone.e, gone.a);
        }
        self.say(Datom { added: true, ..gone.clone() });
    }

    fn add(&mut self, new: &Datom) {
        let key = key_of(new);
        if self.held.contains_key(&key) && self.gap > 0 {
            self.say(Datom { added: false, ..new.clone() });
        }
        let place = (new.e, new.a);
        if self.schema.declaration(new.a).is_none() && self.gap > 0 {
            let known = self.nameless.entry(new.a).or_insert((self.gap, false));
            known.1 |= self.single.get(&place).is_some_and(|(held, _)| *held != key);
        } else if self.is_single(new.a) && self.single.get(&place).is_some_and(|(held, _)| *held != key) {
            self.retract_single(new.e, new.a);
        }
        let is_unique = self.schema.declaration(new.a).is_some_and(|declaration| declaration.attribute.unique.is_some());
        if is_unique
            && let Some(holder) = self.unique.insert(unique_key(new), new.e).filter(|holder| *holder != new.e)
            && self.held.get(&key_of(&Datom { e: holder, ..new.clone() })).is_some_and(|t| *t <= self.gap)
        {
            self.say(Datom { e: holder, added: false, ..new.clone() });
        }
        self.held.insert(key, new.t);
        self.single.insert(place, (key, new.t));
    }

    /// The one value that an entity had before the gap was retracted in it.
    fn retract_single(&mut self, e: i64, a: i64) {
        let Some((key, t)) = self.single.get(&(e, a)).copied().filter(|(_, t)| *t <= self.gap) else { return };
        let is_it = |datom: &&Datom| datom.added && (datom.e, datom.a) == (e, a) && key_of(datom) == key;
        let inferred = self.repairs.by_t.get(&t).and_then(|datoms| datoms.iter().find(is_it).cloned());
        let said = inferred.or_else(|| {
            let fate = self.fates.get(&t)?;
            datoms_of(self.carved, t, fate).iter().find(is_it).cloned()
        });
        self.single.remove(&(e, a));
        if let Some(said) = said {
            self.held.remove(&key);
            self.unique.remove(&unique_key(&said));
            self.say(Datom { added: false, ..said });
        }
    }

    /// Writes a datom down for the gap.
    fn say(&mut self, datom: Datom) {
        let datom = Datom { t: self.gap, m: 0, ..datom };
        if SchemaBuilder::concerns(datom.a) {
            self.builder.apply(datom.e, datom.a, &datom.v, datom.added);
            self.schema = self.builder.build();
        }
        self.repairs.by_t.entry(self.gap).or_default().push(datom);
    }

    fn learn(&mut self, datoms: &[Datom]) {
        let mut is_changed = false;
        for datom in datoms.iter().filter(|datom| SchemaBuilder::concerns(datom.a)) {
            self.builder.apply(datom.e, datom.a, &datom.v, datom.added);
            is_changed = true;
        }
        if is_changed {
            self.schema = self.builder.build();
        }
    }

    fn is_single(&self, a: i64) -> bool {
        self.schema.declaration(a).is_some_and(|declaration| declaration.attribute.cardinality == Cardinality::One)
    }

    /// An attribute whose declaration is lost, and that nothing else names, gets a name by its number.
    fn name_attributes(&mut self) {
        for (a, (gap, is_many)) in std::mem::take(&mut self.nameless) {
            self.gap = gap;
            let say = |a, v| Datom { e: 0, a, v, t: gap, added: true, m: 0 };
            if self.schema.ident(a).is_none() {
                let name = format!("rescue/attribute-{a}");
                self.say(Datom { e: a, ..say(attribute::IDENT, Value::keyword(&name)) });
            }
            if self.schema.declaration(a).is_none() {
                let cardinality = if is_many { ident::CARDINALITY_MANY } else { ident::CARDINALITY_ONE };
                self.say(Datom { e: a, ..say(attribute::CARDINALITY, Value::Ref(cardinality)) });
            }
        }
    }
}

fn key_of(datom: &Datom) -> u64 {
    let mut hasher = FxHasher::default();
    (datom.e, unique_key(datom)).hash(&mut hasher);
    hasher.finish()
}

/// Two facts of one attribute with one value have one key.
fn unique_key(datom: &Datom) -> u64 {
    let mut bytes = Vec::new();
    // What could not be encoded could not be proven.
    let _ = crate::store::encode_value(&datom.v, &mut bytes);
    let mut hasher = std::hash::DefaultHasher::new();
    (datom.a, bytes).hash(&mut hasher);
    hasher.finish()
}
