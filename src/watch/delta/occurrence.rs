//! One pattern of a query, bound to what a transaction said.

use std::collections::BTreeSet;

use annals_query::ast::{Clause, Query, Term, Variable};
use annals_query::{Budget, Value};

use super::Bound;
use super::shape::{Shape, is_resolved, may_be_entity};
use crate::datom::Datom;
use crate::db::prepared::Asked;
use crate::error::Result;
use crate::schema::Schema;
use crate::watch::follow::Step;
use crate::watch::held::Row;

/// A pattern that stands among the query's clauses.
pub(super) struct Occurrence {
    attribute: Attributes,
    /// The entity, where it is written as a number.
    entity: Option<i64>,
    /// The value, where it is written.
    value: Option<Value>,
    /// True if each match takes its transaction from another occurrence, whose fact is as old.
    follows_another: bool,
    /// The query in which entities or values are given.
    bound: Bound,
    binds: Binds,
    /// True if what is given for the value may be taken for an entity.
    may_be_entity: bool,
}

/// What of a pattern is given.
#[derive(Clone, Copy)]
enum Binds {
    Entity,
    Value,
}

/// Which attributes a pattern matches.
enum Attributes {
    Any,
    One(i64),
    /// One that nobody has said.
    None,
}

impl Occurrence {
    /// The pattern at a place of the query's clauses; `None` if nothing of it can be bound.
    pub(super) fn of(query: &Query, at: usize, shape: &Shape, schema: &Schema, asked: &Asked) -> Option<Self> {
        let mut query = query.clone();
        let Clause::Pattern { terms, span, .. } = &mut query.clauses[at] else { return None };
        while terms.len() < 3 {
            terms.push(Term::Blank(*span));
        }
        let attribute = attributes(&terms[1], schema);
        let entity = constant(&terms[0]).and_then(Value::as_long);
        let value = constant(&terms[2]).cloned();
        let time = if let Term::Variable(variable, _) = &terms[0] { Some(variable.clone()) } else { None };
        // The entity selects well enough, and a value that many entities have would lead through all of them.
        let entity_variable = bindable(&mut terms[0], "? entity", shape);
        let (variable, binds) = match entity_variable {
            Some(variable) => (variable, Binds::Entity),
            None => (bindable(&mut terms[2], "? value", shape)?, Binds::Value),
        };
        let may_be_entity = matches!(binds, Binds::Value) && may_be_entity(&query, &variable);
        let follows_another = time.is_some_and(|time| shape.takes_time_elsewhere(&query, at, &time));
        let bound = Bound::of(query, &[variable], asked)?;
        Some(Self { attribute, entity, value, follows_another, bound, binds, may_be_entity })
    }

    /// False if the pattern cannot match what the datom says.
    pub(super) fn may_match(&self, datom: &Datom) -> bool {
        let is_of_attribute = match self.attribute {
            Attributes::Any => true,
            Attributes::One(id) => datom.a == id,
            Attributes::None => false,
        };
        is_of_attribute
            && self.entity.is_none_or(|entity| entity == datom.e)
            && self.value.as_ref().is_none_or(|value| may_be(value, &datom.v))
    }

    /// False if the pattern cannot add anything through this datom of transaction `t` that another occurrence does not add.
    pub(super) fn may_add(&self, datom: &Datom, t: i64) -> bool {
        self.may_match(datom) && !(self.follows_another && datom.e == t)
    }

    /// The rows of the query in which this pattern matches one of the chosen datoms; `None` if they cannot be given.
    pub(super) fn rows(
        &self,
        asked: &Asked,
        step: &Step,
        is_chosen: impl Fn(&&Datom) -> bool,
        budget: &Budget,
    ) -> Result<Option<Vec<Row>>> {
        let mut given: BTreeSet<Row> = BTreeSet::new();
        for datom in step.datoms.iter().filter(is_chosen) {
            if self.may_be_entity && is_resolved(&datom.v) {
                return Ok(None);
            }
            given.insert(vec![match self.binds {
                Binds::Entity => Value::Long(datom.e),
                Binds::Value => as_asked(&datom.v),
            }]);
        }
        if given.is_empty() {
            return Ok(Some(Vec::new()));
        }
        Ok(Some(self.bound.answer(asked, given, budget)?))
    }
}

/// An entity id is a long in a query.
fn as_asked(value: &Value) -> Value {
    if let Value::Ref(id) = value { Value::Long(*id) } else { value.clone() }
}

fn constant(term: &Term) -> Option<&Value> {
    if let Term::Constant(value, _) = term { Some(value) } else { None }
}

fn attributes(term: &Term, schema: &Schema) -> Attributes {
    match term {
        Term::Constant(Value::Keyword(name), _) => schema.entity(name).map_or(Attributes::None, Attributes::One),
        Term::Constant(Value::Long(id), _) => Attributes::One(*id),
        _ => Attributes::Any,
    }
}

/// The variable by which a place can be bound: its own, or a new one where it is blank. What an input or a function binds is left to
/// them, as a name may be given there that is resolved only then.
fn bindable(term: &mut Term, new: &str, shape: &Shape) -> Option<Variable> {
    match term {
        Term::Variable(variable, _) => (!shape.is_given(variable)).then(|| variable.clone()),
        Term::Blank(span) => {
            let variable = Variable(new.into());
            *term = Term::Variable(variable.clone(), *span);
            Some(variable)
        }
        Term::Constant(..) => None,
    }
}

/// False if a value as written cannot match a value as stored. References are written as numbers, names or lookups.
fn may_be(written: &Value, stored: &Value) -> bool {
    match (written, stored) {
        (Value::Long(id), Value::Ref(stored)) => id == stored,
        (_, Value::Ref(_)) => true,
        (written, stored) if written.as_items().is_some() => stored.as_items().is_some(),
        (written, stored) => written.same(stored),
    }
}
