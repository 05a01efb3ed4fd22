//! What holds now against what is declared now: a transaction that leaves something else is refused.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use annals_query::{Cardinality, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::datom::Datom;
use crate::db::Db;
use crate::error::Result;
use crate::schema::{Declaration, LOST, Schema, attribute};
use crate::store::{Problem, Store, encode_value};
use crate::transact::{conforms, is_whole};

/// Facts that hold, attribute by attribute: how many, and the sum of their hashes.
pub(super) type Expected = HashMap<i64, (u64, u64)>;

/// Checks every entity. Gives what the answers as of now must hold.
pub(super) fn check(store: &Store, db: &Db) -> Result<std::result::Result<Expected, Problem>> {
    let mut pass = Pass::new(store, db)?;
    let mut datoms: Vec<Datom> = Vec::new();
    let mut problem = None;
    store.datoms_of_entities(1, i64::MAX, db.basis_t(), |datom| {
        if datoms.last().is_some_and(|last| last.e != datom.e) {
            let found = pass.entity(&datoms);
            problem = problem.take().or(found);
            datoms.clear();
        }
        datoms.push(datom);
        Ok(())
    })?;
    let found = pass.entity(&datoms);
    Ok(problem.or(found).map_or(Ok(pass.expected), Err))
}

struct Pass<'d> {
    schema: &'d Schema,
    composites: Vec<Arc<Declaration>>,
    /// Attributes that count, what they count within, and since when.
    sequences: FxHashMap<i64, (i64, i64)>,
    /// Unique values by the hash of attribute and value.
    unique: FxHashMap<u128, i64>,
    numbers: FxHashSet<(i64, i64, i64)>,
    expected: Expected,
}

impl<'d> Pass<'d> {
    fn new(store: &Store, db: &'d Db) -> Result<Self> {
        let schema = db.schema();
        let mut sequences = FxHashMap::default();
        for declaration in schema.declarations() {
            if let Some(scope) = declaration.sequence_within {
                let said = store.datoms_of_entity_attribute(declaration.attribute.id, attribute::SEQUENCE_WITHIN, i64::MAX)?;
                sequences.insert(declaration.attribute.id, (scope, said.last().map_or(i64::MAX, |datom| datom.t)));
            }
        }
        // Where transactions were lost, so were parts of what is composed.
        let is_rescued = schema.entity(LOST).is_some();
        let composites = schema.declarations().filter(|declaration| declaration.tuple_attributes.is_some() && !is_rescued);
        let composites = composites.cloned().collect();
        let (unique, numbers) = (FxHashMap::default(), FxHashSet::default());
        Ok(Self { schema, composites, sequences, unique, numbers, expected: Expected::new() })
    }

    /// All datoms of one entity, by attribute and t.
    fn entity(&mut self, datoms: &[Datom]) -> Option<Problem> {
        let mut held: Vec<&Datom> = Vec::new();
        let mut problem = None;
        for of_attribute in datoms.chunk_by(|left, right| left.a == right.a) {
            let first = held.len();
            for datom in of_attribute {
                if datom.added {
                    held.push(datom);
                } else if let Some(at) = held[first..].iter().position(|other| other.v == datom.v) {
                    held.remove(first + at);
                }
            }
            problem = problem.or_else(|| self.attribute(&held[first..]));
        }
        problem.or_else(|| self.composed(&held)).or_else(|| self.numbered(&held))
    }

    /// The values of one attribute of one entity.
    fn attribute(&mut self, held: &[&Datom]) -> Option<Problem> {
        let first = held.first()?;
        let expected = self.expected.entry(first.a).or_default();
        for datom in held {
            expected.0 += 1;
            expected.1 = expected.1.wrapping_add(sum_of(datom));
        }
        let declaration = self.schema.declaration(first.a)?;
        let ident = &declaration.attribute.ident;
        if declaration.attribute.cardinality == Cardinality::One && held.len() > 1 {
            let what = format!("entity {} has {} values of :{ident}, which has one", first.e, held.len());
            return Some(problem("verify/cardinality", held[1], what));
        }
        if let Some(wrong) = held.iter().find(|datom| !conforms(declaration, &datom.v)) {
            return Some(problem(
                "verify/value-type",
                wrong,
                format!("[{} :{ident} {}] is not of the declared type", wrong.e, wrong.v),
            ));
        }
        if declaration.attribute.unique.is_some() {
            for datom in held.iter().filter(|datom| is_whole(&datom.v)) {
                let other = *self.unique.entry(key_of(datom)).or_insert(datom.e);
                if other != datom.e {
                    let what = format!(":{ident} {} is unique, and both {other} and {} have it", datom.v, datom.e);
                    return Some(problem("verify/uniqueness", datom, what));
                }
            }
        }
        None
    }

    /// A composed value is what its parts are.
    fn composed(&self, held: &[&Datom]) -> Option<Problem> {
        let value = |a: i64| held.iter().find(|datom| datom.a == a);
        self.composites.iter().find_map(|composite| {
            let parts = composite.tuple_attributes.iter().flat_map(|parts| parts.iter());
            let whole: Vec<Value> = parts.map(|part| value(*part).map_or(Value::Nil, |datom| datom.v.clone())).collect();
            let found = value(composite.attribute.id);
            let is_right = match found {
                None => whole.iter().all(|part| *part == Value::Nil),
                Some(datom) => matches!(&datom.v, Value::Vector(items) if items[..] == whole[..]),
            };
            let any = found.or(held.first())?;
            let ident = &composite.attribute.ident;
            let what = || format!(":{ident} of entity {} is not what its parts are", any.e);
            (!is_right).then(|| problem("verify/tuple", any, what()))
        })
    }

    /// A number that was given as its entity joined a sequence is given once.
    fn numbered(&mut self, held: &[&Datom]) -> Option<Problem> {
        held.iter().find_map(|number| {
            let (scope, since) = *self.sequences.get(&number.a)?;
            let Value::Long(n) = number.v else { return None };
            let joined = held.iter().find(|datom| datom.a == scope && datom.t == number.t && datom.t > since)?;
            let Value::Ref(within) = joined.v else { return None };
            let ident = self.schema.ident(number.a)?;
            let what = || format!(":{ident} {n} within entity {within} was given to {} and to another entity", number.e);
            (!self.numbers.insert((number.a, within, n))).then(|| problem("verify/sequence", number, what()))
        })
    }
}

fn problem(code: &'static str, datom: &Datom, what: String) -> Problem {
    Problem { code, t: Some(datom.t), what, remedy: Problem::RULES }
}

/// A number for a fact that holds, with the t and m that added it.
pub(super) fn sum_of(datom: &Datom) -> u64 {
    let mut hasher = DefaultHasher::new();
    (datom.e, datom.t, datom.m, bytes(&datom.v)).hash(&mut hasher);
    hasher.finish()
}

fn key_of(datom: &Datom) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, datom.a, bytes(&datom.v)).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(1) << 64 | half(2)
}

fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What the log holds can be encoded: it was, for its record.
    let _ = encode_value(value, &mut bytes);
    bytes
}
