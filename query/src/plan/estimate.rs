//! How many rows a goal would give on its own, and how many different values its variables have.

use std::collections::BTreeMap;

use crate::facts::{Facts, Scan, Values};
use crate::plan::goal::{Goal, GoalKind, Place, ScanGoal};
use crate::plan::slot::Slot;
use crate::source::Source;
use crate::value::Value;

/// Rows of a recursive rule whose arguments are all free: nothing is known, but it is better asked late.
const RULE_ROWS: f64 = 1e6;
/// Rows of a recursive rule for one set of bound arguments.
const RULE_ROWS_BOUND: f64 = 20.0;
/// Different attributes of a store.
const DISTINCT_ATTRIBUTES: f64 = 50.0;

/// What is expected of a goal alone.
#[derive(Clone, Debug)]
pub(crate) struct Expectation {
    /// Rows.
    pub(crate) rows: f64,
    /// What it takes to find them, in rows.
    pub(crate) read: f64,
    /// Different values of each variable.
    pub(crate) distinct: BTreeMap<Slot, f64>,
}

impl Expectation {
    fn even(rows: f64, slots: impl IntoIterator<Item = Slot>) -> Self {
        Self { rows, read: rows, distinct: slots.into_iter().map(|slot| (slot, rows.max(1.0))).collect() }
    }
}

/// Variables known to have one value.
pub(crate) type Known = BTreeMap<Slot, Value>;

/// What is expected of a goal that binds variables; `input_rows` is the size of the surrounding block.
pub(crate) fn expect(goal: &Goal, known: &Known, input_rows: f64) -> Expectation {
    match &goal.kind {
        GoalKind::Scan(scan) => expect_scan(scan, known),
        GoalKind::Rows(rows, places) => {
            let constants = places.iter().filter(|place| matches!(place, Place::Constant(_))).count() as i32;
            Expectation::even(rows.len() as f64 / 8.0_f64.powi(constants), goal.binds())
        }
        GoalKind::Given(relation) => Expectation::even(relation.rows as f64, goal.binds()),
        GoalKind::Input(_) => Expectation::even(input_rows, goal.binds()),
        GoalKind::Union(union) => {
            let rows = union.branches.iter().map(|branch| {
                let alone = branch.iter().map(|goal| expect(goal, known, input_rows).rows);
                alone.fold(f64::INFINITY, f64::min).min(RULE_ROWS)
            });
            Expectation::even(rows.sum(), goal.binds())
        }
        GoalKind::Rule(_) => Expectation {
            rows: RULE_ROWS,
            read: RULE_ROWS,
            distinct: goal.binds().into_iter().map(|slot| (slot, RULE_ROWS / RULE_ROWS_BOUND)).collect(),
        },
        GoalKind::Call(_) | GoalKind::Absent(_) | GoalKind::Group(_) => {
            Expectation { rows: f64::INFINITY, read: f64::INFINITY, distinct: BTreeMap::new() }
        }
    }
}

fn expect_scan(scan: &ScanGoal, known: &Known) -> Expectation {
    let Source::Facts(facts) = &scan.source else { return Expectation::even(0.0, []) };
    if scan.matches_nothing {
        return Expectation::even(0.0, scan.places().iter().filter_map(|place| place.slot()));
    }
    let value_of = |place: &Place| match place {
        Place::Constant(value) => Some(value.clone()),
        Place::Slot(slot) => known.get(slot).cloned(),
        Place::Blank => None,
    };
    let entity = value_of(&scan.entity).and_then(|value| value.as_long());
    let entities = entity.map(|id| [id]);
    let value = value_of(&scan.value);
    let values = match (&value, &scan.range) {
        (Some(value), _) => Values::Equal(value),
        (None, Some(range)) => Values::Range(range.low.as_ref(), range.high.as_ref()),
        (None, None) => Values::Any,
    };
    let wanted = Scan {
        attribute: value_of(&scan.attribute).and_then(|value| value.as_long()),
        entities: entities.as_ref().map(|ids| &ids[..]),
        values,
        t: value_of(&scan.rest[0]).and_then(|value| value.as_long()),
        ..Scan::default()
    };
    let estimate = facts.estimate(&wanted);
    let rows = estimate.rows.max(0.0);
    let read = estimate.read.max(rows).max(read_alone(scan, known, &wanted, facts.as_ref()));
    let mut distinct = BTreeMap::new();
    let spread = [estimate.distinct_e, DISTINCT_ATTRIBUTES, estimate.distinct_v, rows, rows.sqrt(), 2.0];
    for (place, spread) in scan.places().into_iter().zip(spread) {
        if let Place::Slot(slot) = place {
            let spread = if known.contains_key(slot) { 1.0 } else { spread.max(1.0) };
            distinct.entry(*slot).and_modify(|own: &mut f64| *own = own.min(spread)).or_insert(spread);
        }
    }
    Expectation { rows, read, distinct }
}

/// What a scan reads before the variables with one value are bound, which do not help it then.
fn read_alone(scan: &ScanGoal, known: &Known, wanted: &Scan<'_>, facts: &dyn Facts) -> f64 {
    let is_known = |place: &Place| place.slot().is_some_and(|slot| known.contains_key(&slot));
    let (entity, value) = (is_known(&scan.entity), is_known(&scan.value));
    if !entity && !value {
        return 0.0;
    }
    let values = match &scan.range {
        Some(range) if value => Values::Range(range.low.as_ref(), range.high.as_ref()),
        None if value => Values::Any,
        _ => wanted.values,
    };
    let estimate = facts.estimate(&Scan { entities: if entity { None } else { wanted.entities }, values, ..wanted.clone() });
    estimate.read.max(estimate.rows)
}
