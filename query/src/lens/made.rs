//! The facts that a lens makes of those below it: coerced, supplied, computed.

use std::ops::Range;
use std::sync::Arc;

use crate::budget::Budget;
use crate::column::Column;
use crate::error::{Code, Error, Result};
use crate::facts::{Attribute, Cardinality, Fact, Facts as _, Scan};
use crate::run::gather::column_of;
use crate::value::{Value, ValueType};

use super::coercion::Coercion;
use super::formula::Formula;
use super::layer::OnFailure;
use super::table::{ALL_PLACES, SharedTable, Table};
use super::view::LensView;

/// The variable that stands for the entity itself: `?db/id`.
pub(super) const ENTITY: &str = "db/id";

/// How the facts of an attribute are made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) origin: Origin,
    /// The attribute that makes an entity have the value, if it has no other.
    pub(super) default: Option<(i64, Value)>,
}

/// Where the facts of an attribute come from.
#[derive(Debug)]
pub(super) enum Origin {
    /// They are the facts below.
    Below,
    /// They are the facts below, each value read anew.
    Coerced(Coercion),
    /// They are the names of entities, some of them new.
    Names,
    /// They follow from other attributes of the same entity.
    Computed(Formula, Vec<Input>),
    /// There are none.
    Nothing,
}

/// What a variable of a formula stands for.
#[derive(Debug)]
pub(super) enum Input {
    /// The entity's id.
    Entity,
    /// A value of this attribute.
    Attribute(Arc<Attribute>),
}

impl LensView {
    /// The facts of an attribute that this lens makes: all of them, or those of some entities.
    pub(super) fn made(&self, attribute: i64, entities: Option<&[i64]>, budget: &Budget) -> Result<Table> {
        let Some(made) = self.names.made.get(&attribute) else { return self.below(attribute, entities, budget) };
        let table = match &made.origin {
            Origin::Nothing => Table::of_facts(Vec::new()),
            Origin::Below => self.below(attribute, entities, budget)?,
            Origin::Coerced(coercion) => {
                let read = self.coerced(attribute, coercion, self.below(attribute, entities, budget)?, budget)?;
                if self.is_history() { read } else { without_twins(read) }
            }
            Origin::Names => self.renamed(attribute, &self.below(attribute, entities, budget)?, entities),
            Origin::Computed(formula, inputs) => self.computed(attribute, formula, inputs, entities, budget)?,
        };
        match &made.default {
            Some((anchor, value)) if !self.is_history() => self.supplied(attribute, table, *anchor, value, entities, budget),
            _ => Ok(table),
        }
    }

    /// The facts of an attribute without what the lens makes of it.
    fn below(&self, attribute: i64, entities: Option<&[i64]>, budget: &Budget) -> Result<Table> {
        let scan = Scan { attribute: Some(attribute), entities, places: ALL_PLACES, ..Scan::default() };
        Ok(Table::of(self.below.scan(&scan, budget)?))
    }

    /// The facts of an attribute as the lens shows them.
    fn seen(&self, attribute: i64, entities: Option<&[i64]>, budget: &Budget) -> Result<SharedTable> {
        match (self.names.made.contains_key(&attribute), entities) {
            (true, None) => self.whole(attribute, budget),
            _ => Ok(Arc::new(self.made(attribute, entities, budget)?)),
        }
    }

    fn coerced(&self, attribute: i64, coercion: &Coercion, table: Table, budget: &Budget) -> Result<Table> {
        if coercion.is_idle(&table.v) {
            return Ok(table);
        }
        // A text that many facts share is read once.
        let mut known: Vec<Option<Result<Value>>> = match &table.v {
            Column::Text(_, texts, codes) if codes.len() >= texts.len() => vec![None; texts.len()],
            _ => Vec::new(),
        };
        let (mut rows, mut values) = (Vec::with_capacity(table.len()), Vec::with_capacity(table.len()));
        budget.spend_steps(table.len() as u64)?;
        for row in 0..table.len() {
            let read = match &table.v {
                Column::Text(_, _, codes) if !known.is_empty() => {
                    known[codes[row] as usize].get_or_insert_with(|| coercion.value(&table.v.value(row))).clone()
                }
                column => coercion.value(&column.value(row)),
            };
            match read {
                Ok(Value::Nil) => {}
                Ok(value) => {
                    rows.push(row as u32);
                    values.push(value);
                }
                Err(_) if self.layer.on_failure == OnFailure::Skip => {}
                Err(error) => return Err(self.unreadable(attribute, &table.fact(row, attribute), coercion, &error)),
            }
        }
        let kept = table.gather(&rows);
        Ok(Table::new(kept.e, column_of(values), kept.t, kept.m, kept.added))
    }

    /// What was said of an attribute that the lens makes, as the lens reads it.
    pub(super) fn reread(&self, attribute: i64, facts: Vec<Fact>, budget: &Budget) -> Result<Vec<Fact>> {
        match self.names.made.get(&attribute).map(|made| &made.origin) {
            Some(Origin::Coerced(coercion)) => {
                let table = self.coerced(attribute, coercion, Table::of_facts(facts), budget)?;
                Ok((0..table.len()).map(|row| table.fact(row, attribute)).collect())
            }
            Some(Origin::Names) => Ok(facts.into_iter().filter_map(|fact| self.renamed_fact(fact)).collect()),
            _ => Ok(facts),
        }
    }

    /// A fact that names an entity, as this lens calls it; nothing for one that is hidden.
    fn renamed_fact(&self, mut fact: Fact) -> Option<Fact> {
        if self.names.hidden.contains(&fact.e) {
            return None;
        }
        if let Value::Keyword(name) = &fact.v
            && let Some(new) = self.names.renamed.get(name)
        {
            fact.v = Value::Keyword(Arc::clone(new));
        }
        Some(fact)
    }

    fn unreadable(&self, attribute: i64, fact: &Fact, coercion: &Coercion, error: &Error) -> Error {
        let Fact { e, v, t, .. } = fact;
        let ident = self.ident(attribute);
        let text =
            format!("{} cannot read [{e} :{ident} {v} {t}] by {}: {}", self.layer.title(), coercion.text(), error.message());
        Error::new(Code::LensCoercion, text).with_value(v).with_help(format!(
            "correct the fact of entity {e}, or let the lens leave out what it cannot read: :lens/on-failure :skip"
        ))
    }

    /// The names of entities, as this lens calls them, and those of its own attributes.
    fn renamed(&self, attribute: i64, table: &Table, entities: Option<&[i64]>) -> Table {
        let below = (0..table.len()).map(|row| table.fact(row, attribute));
        let mut facts: Vec<Fact> = below.filter_map(|fact| self.renamed_fact(fact)).collect();
        if !self.is_history() {
            // Said by nobody, they are as old as the attributes of every store.
            let own = self.names.shown.iter().filter(|(id, _)| **id < 0 && self.below.attribute_by_id(**id).is_none());
            let own = own.filter(|(id, _)| entities.is_none_or(|entities| entities.binary_search(id).is_ok()));
            facts.extend(own.map(|(id, own)| Fact {
                e: *id,
                a: attribute,
                v: Value::Keyword(Arc::clone(&own.ident)),
                t: 1,
                m: 0,
                added: true,
            }));
        }
        Table::of_facts(facts)
    }

    /// Adds the default for the entities that have the anchor and nothing else. It is as old as the fact that anchors it.
    fn supplied(
        &self,
        attribute: i64,
        table: Table,
        anchor: i64,
        value: &Value,
        entities: Option<&[i64]>,
        budget: &Budget,
    ) -> Result<Table> {
        let value = match value {
            Value::Keyword(ident) if self.is_reference(attribute) => match self.entity_by_ident(ident)? {
                Some(entity) => Value::Long(entity),
                None => return Ok(table),
            },
            Value::Ref(entity) => Value::Long(*entity),
            other => other.clone(),
        };
        // An attribute that anchors its own default has a value wherever it is looked for.
        if anchor == attribute {
            return Ok(table);
        }
        let anchors = self.seen(anchor, entities, budget)?;
        let lacking = groups(&anchors.e).filter(|rows| table.rows_of(anchors.e[rows.start]).is_empty());
        let supplied = lacking.map(|rows| {
            let oldest = rows.min_by_key(|row| anchors.t[*row]).expect("a group has rows");
            Fact { a: attribute, v: value.clone(), ..anchors.fact(oldest, anchor) }
        });
        let supplied = supplied.collect::<Vec<_>>();
        budget.spend_steps(anchors.len() as u64)?;
        if supplied.is_empty() {
            return Ok(table);
        }
        let said = (0..table.len()).map(|row| table.fact(row, attribute));
        Ok(Table::of_facts(said.chain(supplied).collect()))
    }

    pub(super) fn is_reference(&self, attribute: i64) -> bool {
        self.attribute_by_id(attribute).is_some_and(|attribute| attribute.value_type == Some(ValueType::Ref))
    }

    /// What a formula gives for every entity that has all of its inputs; with several values, for each combination of them. A
    /// computed fact is as new as the newest fact that it was computed from.
    fn computed(
        &self,
        attribute: i64,
        formula: &Formula,
        inputs: &[Input],
        entities: Option<&[i64]>,
        budget: &Budget,
    ) -> Result<Table> {
        if self.is_history() {
            return Ok(Table::of_facts(Vec::new()));
        }
        let tables = inputs.iter().filter_map(|input| match input {
            Input::Attribute(input) => Some(self.seen(input.id, entities, budget)),
            Input::Entity => None,
        });
        let tables = tables.collect::<Result<Vec<_>>>()?;
        let Some(least) = tables.iter().min_by_key(|table| table.len()) else { return Ok(Table::of_facts(Vec::new())) };
        let mut facts = Vec::new();
        for rows in groups(&least.e) {
            let entity = least.e[rows.start];
            let mut combined = vec![(Vec::new(), 0, 0)];
            let mut of_attributes = tables.iter();
            for input in inputs {
                let table = match input {
                    Input::Attribute(_) => of_attributes.next(),
                    Input::Entity => None,
                };
                combined = extended(combined, table, entity);
                budget.check_rows(combined.len())?;
            }
            budget.spend_steps(combined.len() as u64 + 1)?;
            for (values, t, m) in combined {
                match formula.value(&values) {
                    Ok(Value::Nil) => {}
                    Ok(v) => facts.push(Fact { e: entity, a: attribute, v, t, m, added: true }),
                    Err(_) if self.layer.on_failure == OnFailure::Skip => {}
                    Err(error) => return Err(self.incomputable(attribute, entity, formula, (&values, t), &error)),
                }
            }
            budget.check_rows(facts.len())?;
        }
        Ok(without_twins(Table::of_facts(facts)))
    }

    fn incomputable(&self, attribute: i64, e: i64, formula: &Formula, (values, t): (&[Value], i64), error: &Error) -> Error {
        let shown =
            formula.inputs.iter().zip(values).map(|(name, value)| format!("?{name} {value}")).collect::<Vec<_>>().join(", ");
        let text = format!(
            "{} cannot compute :{} of {e} by {} from {shown}, which holds since t {t}: {}",
            self.layer.title(),
            self.ident(attribute),
            formula.text(),
            error.message()
        );
        let help = error.help().map(|help| format!("{help}; ")).unwrap_or_default();
        Error::new(Code::LensCoercion, text)
            .with_value(format_args!("[{}]", values.iter().map(Value::to_string).collect::<Vec<_>>().join(" ")))
            .with_help(format!("{help}or let the lens leave out what it cannot compute: :lens/on-failure :skip"))
    }

    /// The attributes whose facts decide about those of this one, itself included if it has facts below.
    pub(super) fn origins(&self, attribute: i64) -> Vec<i64> {
        let Some(made) = self.names.made.get(&attribute) else { return vec![attribute] };
        let mut origins = match &made.origin {
            Origin::Nothing => Vec::new(),
            Origin::Below | Origin::Coerced(_) | Origin::Names => vec![attribute],
            Origin::Computed(_, inputs) => {
                let of_input = |input: &Input| match input {
                    Input::Attribute(input) => self.origins(input.id),
                    Input::Entity => Vec::new(),
                };
                inputs.iter().flat_map(of_input).collect()
            }
        };
        if let Some((anchor, _)) = made.default.as_ref().filter(|(anchor, _)| *anchor != attribute) {
            origins.push(*anchor);
        }
        origins.sort_unstable();
        origins.dedup();
        origins
    }
}

/// Every combination of the inputs so far with the values of one more; the t and m of the newest fact among them.
fn extended(combined: Vec<(Vec<Value>, i64, i64)>, table: Option<&SharedTable>, entity: i64) -> Vec<(Vec<Value>, i64, i64)> {
    let mut longer = Vec::with_capacity(combined.len());
    for (values, t, m) in combined {
        let mut push = |value: Value, (t, m): (i64, i64)| {
            let mut values = values.clone();
            values.push(value);
            longer.push((values, t, m));
        };
        match table {
            None => push(Value::Long(entity), (t, m)),
            Some(table) => {
                for row in table.rows_of(entity) {
                    push(table.v.value(row), if table.t[row] > t { (table.t[row], table.m[row]) } else { (t, m) });
                }
            }
        }
    }
    longer
}

/// The rows of each entity.
fn groups(entities: &[i64]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    entities.chunk_by(|a, b| a == b).map(move |group| {
        let rows = start..start + group.len();
        start = rows.end;
        rows
    })
}

/// Several values that were read as one are one fact, said when the first of them was.
fn without_twins(table: Table) -> Table {
    if table.e.windows(2).all(|pair| pair[0] < pair[1]) {
        return table;
    }
    let mut kept: Vec<u32> = Vec::with_capacity(table.len());
    for group in groups(&table.e) {
        let mut rows: Vec<usize> = group.collect();
        rows.sort_by(|a, b| table.v.compare(*a, *b).then_with(|| table.t[*a].cmp(&table.t[*b])));
        rows.dedup_by(|later, first| table.v.compare(*later, *first).is_eq());
        kept.extend(rows.into_iter().map(|row| row as u32));
    }
    table.gather(&kept)
}

/// How many values an attribute has that is made from these.
pub(super) fn cardinality_of(inputs: &[Option<Input>]) -> Cardinality {
    let is_many = |input: &Input| matches!(input, Input::Attribute(attribute) if attribute.cardinality == Cardinality::Many);
    if inputs.iter().flatten().any(is_many) { Cardinality::Many } else { Cardinality::One }
}
