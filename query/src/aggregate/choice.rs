//! `sample` and `rand`: a choice that looks random and is the same for the same values, whatever the order of the rows.

use std::hash::{Hash as _, Hasher as _};

use rustc_hash::FxHasher;

use super::{Aggregate, Bags, Call, aggregate};
use crate::column::Column;
use crate::error::Result;
use crate::function::Arity;
use crate::value::Value;

pub(super) const AGGREGATES: &[Aggregate] = &[
    aggregate(
        "sample",
        Arity::exactly(2),
        sample,
        "At most so many different ones, chosen by chance that is the same for the same values.",
        ("(sample 2 ?x)", "[7 7 7]", "[7]"),
    ),
    aggregate(
        "rand",
        Arity::between(1, 2),
        random,
        "One, or exactly so many that may repeat, chosen by chance that is the same for the same values.",
        ("(rand 2 ?x)", "[7]", "[7 7]"),
    ),
];

fn sample(call: &Call<'_>) -> Result<Column> {
    let limit = call.limit.expect("the arity of sample was checked");
    by_bag(call, |mut values| {
        values.dedup_by(|a, b| a.same(b));
        let mut chance = Chance::new(&values);
        let chosen = limit.min(values.len());
        for place in 0..chosen {
            let other = place + chance.below(values.len() - place);
            values.swap(place, other);
        }
        values.truncate(chosen);
        values.into()
    })
}

fn random(call: &Call<'_>) -> Result<Column> {
    if let Some(limit) = call.limit {
        let draws = limit.saturating_mul(call.groups.len());
        call.budget.check_rows(draws)?;
        call.budget.take_bytes((draws * size_of::<Value>()) as u64)?;
    }
    by_bag(call, |values| {
        let mut chance = Chance::new(&values);
        let mut draw = || values[chance.below(values.len())].clone();
        match call.limit {
            None => draw(),
            Some(limit) => Value::vector((0..limit).map(|_| draw())),
        }
    })
}

/// Gives each bag in the order of its values, so that the order of its rows does not matter.
fn by_bag(call: &Call<'_>, choose: impl Fn(Vec<Value>) -> Value) -> Result<Column> {
    let bags = Bags::new(call.groups);
    let results = bags.iter().map(|rows| {
        call.budget.spend_steps(rows.len() as u64)?;
        let mut values: Vec<Value> = rows.iter().map(|row| call.column.value(*row as usize)).collect();
        values.sort_unstable();
        Ok(choose(values))
    });
    Ok(Column::Value(results.collect::<Result<_>>()?))
}

/// Numbers that look random: `SplitMix64`, started from the values chosen among.
struct Chance(u64);

impl Chance {
    fn new(values: &[Value]) -> Self {
        let mut hasher = FxHasher::default();
        hasher.write_u64(0x616E_6E61_6C73); // a fixed start, "annals"
        for value in values {
            value.canonical().hash(&mut hasher);
        }
        Self(hasher.finish())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, `end`: the high half of a product, which needs no division.
    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }
}
