//! What one transaction did to the answer of a query, from what the transaction said.
//!
//! The query is a conjunction; its patterns of `$` are its occurrences. Of the other clauses nothing is known here but which attributes
//! they read: where a transaction says something about those, or about an attribute that a lookup read, the query is asked again.
//!
//! - Every row that is new has a way of holding in which some occurrence matches a fact that was added. So for each occurrence the
//!   query is asked of the store after the transaction, with this one occurrence bound to what was added: all that comes is in the
//!   new answer, and what is not in the old one was added.
//! - Every row that goes had a way of holding in which some occurrence matched a fact that was retracted. So for each occurrence the
//!   query is asked of the store before the transaction, with this one bound to what was retracted. What comes may still hold in
//!   another way: the query is asked once more of the store after the transaction, with these rows given, and what does not
//!   come again was removed. Nothing needs to be counted.
//!
//! Numbers that are equal unify, and the answer shows the lesser kind: where numbers other than longs may meet longs, the query is
//! asked again.

mod occurrence;
mod shape;

use std::collections::BTreeSet;
use std::sync::Arc;

use annals_query::ast::{Binding, Find, Input, Query, Variable};
use annals_query::check::{self, Checked};
use annals_query::engine::Orders;
use annals_query::{Budget, Given, Value};

use self::occurrence::Occurrence;
use self::shape::{Shape, is_resolved};
use super::follow::Step;
use super::held::{Held, Row};
use crate::datom::Datom;
use crate::db::prepared::Asked;
use crate::error::Result;
use crate::schema::Schema;

/// How the answer of one query is brought up to date, as long as attributes and names stay as they are.
pub(super) struct Delta {
    occurrences: Vec<Occurrence>,
    shape: Shape,
    /// The query with rows given, to see which of them still hold.
    again: Bound,
    /// Where the values given for these rows stand in a row.
    places: Vec<usize>,
    /// For each of them whether what is given for it may be taken for an entity.
    may_be_entity: Vec<bool>,
}

/// The query with one more input.
struct Bound {
    checked: Checked,
    orders: Arc<Orders>,
}

/// What a transaction asks for.
pub(super) struct Work<'w> {
    pub(super) before: &'w Asked,
    pub(super) after: &'w Asked,
    pub(super) step: &'w Step,
    pub(super) budget: &'w Budget,
}

impl Delta {
    /// How to bring the query's answer up to date; `None` if the query must be asked again each time.
    pub(super) fn of(asked: &Asked, schema: &Schema) -> Option<Self> {
        let query = plain_query(asked.query())?;
        let shape = Shape::of(&query, asked.rules(), schema)?;
        let mut occurrences = Vec::new();
        for at in &shape.occurrences {
            occurrences.push(Occurrence::of(&query, *at, &shape, schema, asked)?);
        }
        let variables: Vec<Variable> = query.find.elements().iter().filter_map(shape::variable_of).cloned().collect();
        let free: Vec<&Variable> = variables.iter().filter(|variable| !shape.is_given(variable)).collect();
        let is_needed = |variable: &Variable| free.contains(&variable) && !shape.follows(&query, variable, &free);
        let places: Vec<usize> = (0..variables.len()).filter(|at| is_needed(&variables[*at])).collect();
        let given: Vec<Variable> = places.iter().map(|at| variables[*at].clone()).collect();
        let may_be_entity = given.iter().map(|variable| shape::may_be_entity(&query, variable)).collect();
        let again = Bound::of(query, &given, asked)?;
        Some(Self { occurrences, shape, again, places, may_be_entity })
    }

    /// How many datoms of a transaction its occurrences have to look at; `None` if the query must be asked again.
    pub(super) fn weight(&self, step: &Step, is_looked_up: impl Fn(i64) -> bool) -> Option<usize> {
        if step.datoms.iter().any(|datom| self.shape.is_read_beside(datom.a) || is_looked_up(datom.a)) {
            return None;
        }
        let of = |occurrence: &Occurrence| step.datoms.iter().filter(|datom| occurrence.may_match(datom)).count();
        Some(self.occurrences.iter().map(of).sum())
    }

    /// The rows that the transaction added and removed, ascending; `None` if the query must be asked again.
    pub(super) fn changes(&self, work: &Work<'_>, held: &Held) -> Result<Option<(Vec<Row>, Vec<Row>)>> {
        let is_history = self.shape.is_history(work.after);
        let mut found = BTreeSet::new();
        let mut doubtful = BTreeSet::new();
        for occurrence in &self.occurrences {
            let is_added = |datom: &&Datom| (datom.added || is_history) && occurrence.may_add(datom, work.step.t);
            let Some(rows) = occurrence.rows(work.after, work.step, is_added, work.budget)? else { return Ok(None) };
            found.extend(rows);
            let is_retracted = |datom: &&Datom| !datom.added && !is_history && occurrence.may_match(datom);
            let Some(rows) = occurrence.rows(work.before, work.step, is_retracted, work.budget)? else { return Ok(None) };
            doubtful.extend(rows);
        }
        if held.has_odd_numbers() || found.iter().chain(&doubtful).any(|row| self.shape.is_odd(row)) {
            return Ok(None);
        }
        if !doubtful.iter().all(|row| held.contains(row)) {
            return Ok(None);
        }
        let Some(remaining) = self.remaining(&doubtful, work)? else { return Ok(None) };
        let added = found.into_iter().filter(|row| !held.contains(row)).collect();
        let removed = doubtful.into_iter().filter(|row| !remaining.contains(row)).collect();
        Ok(Some((added, removed)))
    }

    /// True if a row shows a number of a kind that may meet others.
    pub(super) fn is_odd(&self, row: &Row) -> bool {
        self.shape.is_odd(row)
    }

    /// Those of some rows that hold after the transaction.
    fn remaining(&self, rows: &BTreeSet<Row>, work: &Work<'_>) -> Result<Option<BTreeSet<Row>>> {
        if rows.is_empty() {
            return Ok(Some(BTreeSet::new()));
        }
        let given: BTreeSet<Row> = rows.iter().map(|row| self.places.iter().map(|at| row[*at].clone()).collect()).collect();
        let is_entity = |row: &Row| row.iter().zip(&self.may_be_entity).any(|(value, may_be)| *may_be && is_resolved(value));
        if given.iter().any(is_entity) {
            return Ok(None);
        }
        let answer = self.again.answer(work.after, given, work.budget)?;
        // Fewer variables are given than a row has, so more may come than was asked for.
        let canonical = |row: &Row| row.iter().map(Value::canonical).collect::<Row>();
        let wanted: BTreeSet<Row> = rows.iter().map(canonical).collect();
        let remaining: BTreeSet<Row> = answer.into_iter().filter(|row| wanted.contains(&canonical(row))).collect();
        // A number that holds in another way may be shown as another kind.
        let is_doubtful = |row: &&Row| self.shape.shows_loose_number(row);
        if remaining.iter().any(|row| is_doubtful(&row)) { Ok(None) } else { Ok(Some(remaining)) }
    }
}

/// The query without what only shapes its answer: rows of variables, as a set. `None` if it asks for more than that.
fn plain_query(query: &Query) -> Option<Query> {
    let elements = match &query.find {
        Find::Relation(elements) => elements.clone(),
        Find::Collection(element) => vec![element.clone()],
        Find::Tuple(_) | Find::Scalar(_) => return None,
    };
    let is_whole = query.limit.is_none() && query.offset == 0 && query.having.is_empty() && query.with.is_empty();
    let orders = query.order_by.iter().map(|key| &key.element);
    let is_plain = elements.iter().chain(orders).all(|element| shape::variable_of(element).is_some());
    // A variable that stands in `:order-by` alone keeps rows apart.
    let names = |element: &annals_query::ast::Element| {
        elements.iter().any(|shown| shape::variable_of(shown) == shape::variable_of(element))
    };
    if !is_whole || !is_plain || !query.order_by.iter().all(|key| names(&key.element)) {
        return None;
    }
    Some(Query { find: Find::Relation(elements), return_map: None, order_by: Vec::new(), ..query.clone() })
}

impl Bound {
    /// The query with a relation over these variables as its last input; none if there are no variables.
    fn of(mut query: Query, variables: &[Variable], asked: &Asked) -> Option<Self> {
        if !variables.is_empty() {
            let span = query.find.elements()[0].span();
            let parts = variables.iter().map(|variable| Binding::Scalar(variable.clone(), span)).collect();
            query.inputs.push(Input::Binding(Binding::Relation(parts, span)));
        }
        let checked = check::check_with(query, asked.rules().clone(), &asked.options.functions).ok()?;
        Some(Self { checked, orders: Arc::default() })
    }

    /// The answer where the variables have these values.
    fn answer(&self, asked: &Asked, rows: impl IntoIterator<Item = Row>, budget: &Budget) -> Result<Vec<Row>> {
        let mut given = asked.given.clone();
        if given.len() < self.checked.query().inputs.len() {
            given.push(Given::Value(Value::vector(rows.into_iter().map(Value::vector))));
        }
        Ok(asked.answer_to(&self.checked, &self.orders, &given, budget)?.rows)
    }
}
