//! Patterns on facts: what is already bound narrows the scan, and the facts found join what is there.

use std::rc::Rc;

use crate::budget::Budget;
use crate::column::{Column, Slice};
use crate::error::Result;
use crate::facts::{Batch, Facts, Places, Scan, Values};
use crate::plan::Step;
use crate::plan::cost::{ENTITY_COST, PROBE_COST, PROBES_MAX, VALUES_MAX};
use crate::plan::goal::{Place, ScanGoal};
use crate::plan::slot::{Slot, SlotSet};
use crate::run::Run;
use crate::run::block::{Frame, stack};
use crate::run::effort::{Effort, Method};
use crate::run::gather::{column_within, repeat};
use crate::run::join::distinct;
use crate::run::key::is_exact;
use crate::run::relation::Relation;
use crate::run::rows;
use crate::run::stable::Stable;
use crate::source::Source;
use crate::tuning::{Tuning, Way};
use crate::value::{Value, ValueType};

/// Attributes and values that are looked for, rather than reading all facts, where as little as possible is to be touched.
const LOOKUPS_MAX: usize = 1_024;
/// A range that picks more than one fact in so many is idle, if all have to be read to find them.
const FACTS_PER_PICKED: f64 = 16.0;

/// What is asked of the facts, once it is known what is bound.
#[derive(Default)]
struct Narrowed {
    entities: Option<Slice<i64>>,
    /// The least and the greatest entity that can be joined.
    within: Option<(i64, i64)>,
    attributes: Vec<Option<i64>>,
    values: Wanted,
    /// The range of the pattern saves no reading, and leaves out few facts: it is left to the predicate, and columns stay as they are, which
    /// those of other attributes are aligned with.
    is_range_idle: bool,
    t: Option<i64>,
}

/// Which values are asked for.
#[derive(Default)]
enum Wanted {
    /// Any in the range of the pattern.
    #[default]
    Any,
    One(Value),
    /// One of these: canonical, ascending, each once.
    Several(Vec<Value>),
}

/// Joins the facts that a pattern matches to the rows found so far.
pub(crate) fn extend(
    current: &Relation,
    goal: &ScanGoal,
    step: &Step,
    keep: &SlotSet,
    run: &Run<'_>,
    frame: &Frame<'_>,
) -> Result<Relation> {
    let id = step.goal.id;
    let slots = goal.places().iter().filter_map(|place| place.slot()).collect::<Vec<_>>();
    let wanted: SlotSet =
        slots.iter().copied().filter(|slot| keep.contains(*slot) || current.position(*slot).is_some()).collect();
    let Source::Facts(facts) = &goal.source else { return Ok(Relation::empty(wanted.iter().collect())) };
    if goal.matches_nothing {
        run.note(step, |effort| effort.took(Method::Unresolved));
        return Ok(Relation::empty(wanted.iter().collect()));
    }
    if let Some(scans) = frame.scans {
        let known = scans.borrow().get(&id).cloned();
        if let Some(found) = known {
            return found.join(step, current, keep, run);
        }
        let all: SlotSet = slots.iter().copied().collect();
        let narrowed = Narrowed::of_constants(goal, facts.as_ref());
        let (found, read) = fetch(facts.as_ref(), goal, &narrowed, &all, run)?;
        let found = Rc::new(Stable::new(found));
        run.note(step, |effort| narrowed.note(goal, read, effort));
        scans.borrow_mut().insert(id, Rc::clone(&found));
        return found.join(step, current, keep, run);
    }
    let narrowed = Narrowed::new(goal, current, facts.as_ref(), frame.sparing.map_or(PROBES_MAX, |_| LOOKUPS_MAX), run)?;
    if frame.sparing.is_some_and(|sparing| !sparing.spend(narrowed.cost(goal, facts.as_ref()))) {
        return Ok(Relation::empty(wanted.iter().collect()));
    }
    let (found, read) = fetch(facts.as_ref(), goal, &narrowed, &wanted, run)?;
    run.note(step, |effort| narrowed.note(goal, read, effort));
    run.join(step, current, &found, keep)
}

/// All facts that a pattern matches by itself.
pub(crate) fn alone(goal: &ScanGoal, run: &Run<'_>) -> Result<Relation> {
    let all: SlotSet = goal.places().iter().filter_map(|place| place.slot()).collect();
    match &goal.source {
        Source::Facts(facts) if !goal.matches_nothing => {
            fetch(facts.as_ref(), goal, &Narrowed::of_constants(goal, facts.as_ref()), &all, run).map(|(found, _)| found)
        }
        _ => Ok(Relation::empty(all.iter().collect())),
    }
}

impl Narrowed {
    /// How the facts were found.
    fn note(&self, goal: &ScanGoal, read: usize, effort: &mut Effort) {
        effort.read += read;
        effort.took(match self {
            _ if self.entities.is_some() => Method::Entities,
            _ if !matches!(self.values, Wanted::Any) => Method::Values,
            _ if self.t.is_some() => Method::Transaction,
            _ if goal.range.is_some() && !self.is_range_idle => Method::Range,
            _ if self.within.is_some() => Method::Span,
            _ if self.attributes.iter().any(Option::is_none) => Method::Everything,
            _ => Method::Attribute,
        });
    }

    fn of_constants(goal: &ScanGoal, facts: &dyn Facts) -> Self {
        let id_of = |place: &Place| match place {
            Place::Constant(value) => value.as_long(),
            Place::Slot(_) | Place::Blank => None,
        };
        let values = match &goal.value {
            Place::Constant(value) => Wanted::One(value.clone()),
            Place::Slot(_) | Place::Blank => Wanted::Any,
        };
        let mut narrowed = Self {
            entities: id_of(&goal.entity).map(|id| vec![id].into()),
            within: None,
            attributes: vec![id_of(&goal.attribute)],
            values,
            is_range_idle: false,
            t: id_of(&goal.rest[0]),
        };
        if goal.range.is_some() {
            let (rows, read) = narrowed.expect(goal, facts);
            narrowed.is_range_idle = true;
            let (all_rows, all_read) = narrowed.expect(goal, facts);
            narrowed.is_range_idle = read >= all_read && rows * FACTS_PER_PICKED > all_rows;
        }
        narrowed
    }

    /// Constants, and of what is bound whatever makes the scan cheaper.
    fn new(goal: &ScanGoal, current: &Relation, facts: &dyn Facts, probes_max: usize, run: &Run<'_>) -> Result<Self> {
        let mut narrowed = Self::of_constants(goal, facts);
        let bound = |place: &Place| place.slot().and_then(|slot| current.column(slot).map(|_| slot));
        let few = |slot: Slot, most: usize| -> Result<Option<Vec<Value>>> {
            if current.rows > most * 4 {
                return Ok(None);
            }
            let column = distinct(current.project(&[slot])?, run.budget)?;
            Ok((column.rows <= most).then(|| (0..column.rows).map(|row| column.columns[0].value(row)).collect()))
        };
        if let Some(slot) = bound(&goal.attribute)
            && let Some(values) = few(slot, probes_max)?
        {
            narrowed.attributes = values.iter().filter_map(|value| value.canonical().as_long()).map(Some).collect();
        }
        if let Some(slot) = bound(&goal.rest[0])
            && let Some(values) = few(slot, 1)?
            && let [t] = &values[..]
        {
            narrowed.t = t.canonical().as_long();
        }
        if let Some(slot) = bound(&goal.entity) {
            narrowed.within = within(slot, current, run.tuning());
            if run.tuning().spans != Way::Always || narrowed.within.is_none() {
                narrowed.entities = entities(slot, goal, current, facts, &narrowed);
            }
        }
        if let (Some(slot), None) = (bound(&goal.value), &narrowed.entities) {
            let everything = narrowed.estimate(goal, facts);
            let most = (everything / PROBE_COST).min(VALUES_MAX as f64) as usize;
            if let Some(values) = few(slot, most.max(1))? {
                narrowed.look_for(&values, everything, probes_max, goal, facts);
            }
        }
        Ok(narrowed)
    }

    /// Looks for these values if that costs less than to read all facts: always if they are few, otherwise if they lead to few.
    fn look_for(&mut self, values: &[Value], everything: f64, probes_max: usize, goal: &ScanGoal, facts: &dyn Facts) {
        let mut values = values.iter().map(Value::canonical).collect::<Vec<_>>();
        let count = values.len();
        if count <= 1 {
            self.values = values.pop().map_or_else(Wanted::default, Wanted::One);
            return;
        }
        values.sort_unstable();
        self.values = Wanted::Several(values);
        if count > probes_max {
            let (rows, read) = self.expect(goal, facts);
            if (rows * ENTITY_COST).max(read) + PROBE_COST * count as f64 >= everything {
                self.values = Wanted::Any;
            }
        }
    }

    fn estimate(&self, goal: &ScanGoal, facts: &dyn Facts) -> f64 {
        self.expect(goal, facts).0
    }

    /// How many facts there would be, and how many would be read.
    fn expect(&self, goal: &ScanGoal, facts: &dyn Facts) -> (f64, f64) {
        let (values, within, t) = (self.values_of(goal), self.within, self.t);
        let expect =
            |attribute: &Option<i64>| facts.estimate(&Scan { attribute: *attribute, values, within, t, ..Scan::default() });
        self.attributes.iter().map(expect).fold((0.0, 0.0), |(rows, read), one| (rows + one.rows, read + one.read))
    }

    /// What it takes to find the facts, counted in facts read.
    fn cost(&self, goal: &ScanGoal, facts: &dyn Facts) -> f64 {
        match (&self.entities, &self.values) {
            (Some(entities), _) => entities.len() as f64 * ENTITY_COST,
            (None, Wanted::Any) => self.estimate(goal, facts),
            (None, Wanted::One(_)) => self.estimate(goal, facts) + PROBE_COST,
            (None, Wanted::Several(values)) => self.estimate(goal, facts) + PROBE_COST * values.len() as f64,
        }
    }

    fn values_of<'s>(&'s self, goal: &'s ScanGoal) -> Values<'s> {
        match (&self.values, &goal.range) {
            (Wanted::One(value), _) => Values::Equal(value),
            (Wanted::Several(values), _) => Values::Among(values),
            (Wanted::Any, Some(range)) if !self.is_range_idle => Values::Range(range.low.as_ref(), range.high.as_ref()),
            (Wanted::Any, _) => Values::Any,
        }
    }
}

/// Between which entities those lie that are bound.
fn within(slot: Slot, current: &Relation, tuning: Tuning) -> Option<(i64, i64)> {
    let Some(Column::Long(ids)) = current.column(slot) else { return None };
    let is_worth = tuning.spans == Way::Always || (tuning.spans == Way::Chosen && ids.len() > 1);
    let (first, last) = (*ids.first()?, *ids.last()?);
    match current.ascending {
        _ if !is_worth => None,
        Some(ascending) if ascending == slot => Some((first, last)),
        _ => Some(ids.iter().fold((first, last), |(least, most), id| (least.min(*id), most.max(*id)))),
    }
}

/// The bound entities, ascending, if they are few enough to be looked for.
fn entities(slot: Slot, goal: &ScanGoal, current: &Relation, facts: &dyn Facts, narrowed: &Narrowed) -> Option<Slice<i64>> {
    let column = current.column(slot)?;
    if current.rows > 1 && current.rows as f64 * ENTITY_COST > narrowed.estimate(goal, facts) {
        return None;
    }
    let mut ids = match column {
        Column::Long(ids) if ids.is_sorted_by(|a, b| a < b) => return Some(ids.clone()),
        Column::Long(ids) => ids.to_vec(),
        other => (0..other.len()).filter_map(|row| other.value(row).canonical().as_long()).collect(),
    };
    if current.ascending != Some(slot) {
        ids.sort_unstable();
    }
    ids.dedup();
    Some(ids.into())
}

/// The facts as distinct rows, where it can be told which are the same, and how many facts were read: of rows with equal numbers of
/// different kinds the least one stays, and it takes all places of a pattern to say which rows are the same.
fn fetch(facts: &dyn Facts, goal: &ScanGoal, narrowed: &Narrowed, wanted: &SlotSet, run: &Run<'_>) -> Result<(Relation, usize)> {
    let found = read(facts, goal, narrowed, wanted, run)?;
    let count = found.rows;
    if count < 2 || found.columns.iter().all(|column| is_exact(column, column)) {
        return Ok((found, count));
    }
    let all: SlotSet = goal.places().iter().filter_map(|place| place.slot()).collect();
    let is_whole = all.iter().all(|slot| found.position(slot).is_some());
    let whole = if is_whole { found } else { read(facts, goal, narrowed, &all, run)? };
    Ok((distinct(whole, run.budget)?.keep(wanted), count))
}

fn read(facts: &dyn Facts, goal: &ScanGoal, narrowed: &Narrowed, wanted: &SlotSet, run: &Run<'_>) -> Result<Relation> {
    let is_read = |place: &Place| match place {
        Place::Slot(slot) => {
            wanted.contains(*slot) || goal.places().iter().filter(|other| other.slot() == Some(*slot)).count() > 1
        }
        Place::Constant(_) => true,
        Place::Blank => false,
    };
    let [t, m, added] = &goal.rest;
    let places = Places {
        a: goal.attribute.slot().is_some() && is_read(&goal.attribute),
        v: goal.value.slot().is_some() && is_read(&goal.value),
        t: t.slot().is_some() && is_read(t),
        m: is_read(m),
        added: is_read(added),
    };
    let mut parts = Vec::new();
    let take = |attribute: &Option<i64>, values: Values<'_>, places: Places| -> Result<Batch> {
        let entities = narrowed.entities.as_deref();
        let (within, t) = (narrowed.within.filter(|_| entities.is_none()), narrowed.t);
        // One that finds nothing may have looked at a million facts.
        run.budget.look()?;
        let batch = facts.scan(&Scan { attribute: *attribute, entities, within, values, t, places }, run.budget)?;
        run.budget.spend_steps(batch.len() as u64)?;
        run.budget.check_rows(batch.len())?;
        Ok(batch)
    };
    for attribute in &narrowed.attributes {
        let batch = take(attribute, narrowed.values_of(goal), places)?;
        let mut part = relation_of(batch, goal, attribute.is_some(), &is_read, None, run.budget)?;
        if attribute.is_some() && !facts.is_history() {
            let kind = attribute.and_then(|id| facts.attribute_by_id(id)).and_then(|attribute| attribute.value_type);
            part.key = fact_key(goal, kind, &part);
        }
        parts.push(part);
        if let Some(id) = goal.value_entity {
            let batch = take(attribute, Values::Equal(&Value::Long(id)), Places { a: true, ..places })?;
            let is_reference = references(&batch, facts);
            parts.push(relation_of(batch, goal, attribute.is_some(), &is_read, Some(is_reference), run.budget)?);
        }
    }
    match parts.len() {
        1 => Ok(parts.remove(0).keep(wanted)),
        0 => Ok(Relation::empty(wanted.iter().collect())),
        _ => {
            let slots = parts[0].slots.clone();
            Ok(stack(&slots, &parts).keep(wanted))
        }
    }
}

/// Entity and value tell the facts of one attribute apart, where two values that are the same are identical.
fn fact_key(goal: &ScanGoal, kind: Option<ValueType>, found: &Relation) -> Option<Vec<Slot>> {
    // An entity may have numbers of two kinds that both are the same as a constant.
    if matches!(&goal.value, Place::Constant(value) if value.is_number() || matches!(value, Value::Vector(_) | Value::List(_))) {
        return goal.entity.slot().filter(|slot| occur_once(found, *slot)).map(|slot| vec![slot]);
    }
    let mut key = Vec::new();
    for place in [&goal.entity, &goal.value] {
        match place {
            Place::Constant(_) => {}
            Place::Slot(slot) => {
                found.column(*slot).filter(|column| is_exact(column, column))?;
                key.push(*slot);
            }
            Place::Blank => return None,
        }
    }
    // A reference is shown as the long of its id, so of an attribute without a type an entity may have the same twice.
    let value = goal.value.slot().and_then(|slot| found.column(slot));
    if let (None, Some(Column::Long(_))) = (kind, value) {
        return goal.entity.slot().is_some_and(|slot| occur_once(found, slot)).then_some(key);
    }
    Some(key)
}

/// True if these entities ascend and none stands twice.
fn occur_once(found: &Relation, slot: Slot) -> bool {
    matches!(found.column(slot), Some(Column::Long(entities)) if entities.is_sorted_by(|a, b| a < b))
}

/// Which of the facts are of attributes that refer to entities.
fn references(batch: &Batch, facts: &dyn Facts) -> Vec<bool> {
    let is_reference = |row: usize| {
        let id = batch.a.as_ref().and_then(|ids| ids.value(row).as_long());
        id.and_then(|id| facts.attribute_by_id(id)).is_some_and(|attribute| attribute.value_type == Some(ValueType::Ref))
    };
    (0..batch.len()).map(is_reference).collect()
}

/// The facts as rows over the variables of the pattern, if need be only some of them; facts that the scan could not tell apart are
/// dropped here.
fn relation_of(
    batch: Batch,
    goal: &ScanGoal,
    is_of_one_attribute: bool,
    is_read: &impl Fn(&Place) -> bool,
    mut is_kept: Option<Vec<bool>>,
    budget: &Budget,
) -> Result<Relation> {
    let rows = batch.len();
    let mut found = Relation { slots: Vec::new(), columns: Vec::new(), rows, ascending: None, key: None };
    let columns = [Some(batch.e), batch.a, batch.v, batch.t, batch.m, batch.added];
    for (at, (place, column)) in goal.places().into_iter().zip(columns).enumerate() {
        let Some(column) = column.filter(|_| is_read(place)) else { continue };
        let column = typed(column, budget)?;
        match place {
            Place::Blank => {}
            // The scan has seen to these.
            Place::Constant(_) if at < 4 => {}
            Place::Constant(value) => {
                rows::keep_same(&column, &repeat(value, rows), is_kept.get_or_insert_with(|| vec![true; rows]), budget)?;
            }
            Place::Slot(slot) => match found.position(*slot) {
                Some(earlier) => {
                    rows::keep_same(&found.columns[earlier], &column, is_kept.get_or_insert_with(|| vec![true; rows]), budget)?;
                    found.columns[earlier] = rows::smaller(&found.columns[earlier], &column);
                }
                None => found.push(*slot, column),
            },
        }
    }
    if is_of_one_attribute && let Some(slot) = goal.entity.slot() {
        found.ascending = matches!(found.column(slot), Some(Column::Long(_))).then_some(slot);
    }
    Ok(match is_kept {
        Some(is_kept) => found.select(&rows::chosen(&is_kept)),
        None => found,
    })
}

/// A column of the narrowest kind, whatever the source chose.
fn typed(column: Column, budget: &Budget) -> Result<Column> {
    match column {
        Column::Value(values) => column_within(values.to_vec(), budget),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::fact_key;
    use crate::column::Column;
    use crate::plan::goal::{Place, ScanGoal};
    use crate::run::relation::Relation;
    use crate::source::Source;
    use crate::value::Value;

    #[track_caller]
    fn check(value: &Value, entities: &[i64], expected: Option<&[u32]>) {
        let goal = ScanGoal {
            source: Source::Relation(Arc::default()),
            entity: Place::Slot(3),
            attribute: Place::Constant(Value::Long(9)),
            value: Place::Constant(value.clone()),
            rest: [Place::Blank, Place::Blank, Place::Blank],
            matches_nothing: false,
            value_entity: None,
            range: None,
        };
        let rows = entities.len();
        let found = Relation::new(vec![3], vec![Column::Long(entities.to_vec().into())], rows);
        assert_eq!(fact_key(&goal, None, &found).as_deref(), expected, "{value} of {entities:?}");
    }

    #[test]
    fn facts_of_one_number_are_told_apart_by_their_entities_where_each_has_one() {
        check(&Value::from("a"), &[5, 6], Some(&[3]));
        check(&Value::from(30), &[5, 6, 9], Some(&[3]));
        check(&Value::Double(30.0), &[5], Some(&[3]));
        check(&Value::from(30), &[], Some(&[3]));
        // An entity may have 30 and 30.0.
        check(&Value::from(30), &[5, 6, 6], None);
        check(&Value::from(vec![30.into()]), &[5, 5], None);
    }
}
