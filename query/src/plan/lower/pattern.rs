//! Patterns: their constants resolved, each in the source of its own clause.

use std::sync::Arc;

use super::Lowering;
use crate::ast::{SourceName, Term};
use crate::error::{Code, Error, Result, Span};
use crate::facts::{Attribute, Facts};
use crate::plan::goal::{GoalKind, Place, ScanGoal};
use crate::plan::resolve::lookup_reference;
use crate::plan::scope::Scope;
use crate::source::Source;
use crate::value::{Value, ValueType};

impl Lowering<'_> {
    pub(super) fn pattern(&mut self, source: &SourceName, terms: &[Term], span: Span, scope: &mut Scope) -> Result<GoalKind> {
        let name = scope.inherited(Some(source));
        match self.source(&name, span)? {
            Source::Relation(rows) => {
                let places = terms.iter().map(|term| self.place(term, scope)).collect();
                Ok(GoalKind::Rows(Arc::clone(rows), places))
            }
            source @ Source::Facts(facts) => {
                let goal = self.scan(source.clone(), facts.as_ref(), &name, terms, scope)?;
                Ok(GoalKind::Scan(Box::new(goal)))
            }
        }
    }

    fn place(&mut self, term: &Term, scope: &mut Scope) -> Place {
        match term {
            Term::Blank(_) => Place::Blank,
            Term::Variable(variable, _) => Place::Slot(self.slot(scope, variable)),
            Term::Constant(value, _) => Place::Constant(value.clone()),
        }
    }

    fn scan(
        &mut self,
        source: Source,
        facts: &dyn Facts,
        name: &SourceName,
        terms: &[Term],
        scope: &mut Scope,
    ) -> Result<ScanGoal> {
        let mut places = [const { Place::Blank }; 6];
        let mut spans = [Span::default(); 6];
        if let Some(seventh) = terms.get(places.len()) {
            let message = format!("a pattern on a database has at most six places, not {}", terms.len());
            let error = Error::new(Code::Arity, message).at(seventh.span());
            return Err(error.with_help("the places are [?e ?attribute ?value ?t ?m ?added]"));
        }
        for (at, term) in terms.iter().enumerate() {
            places[at] = self.place(term, scope);
            spans[at] = term.span();
        }
        let [entity, attribute, value, t, m, added] = places;
        let rest = [t, m, added];
        let mut goal =
            ScanGoal { source, entity, attribute, value, rest, matches_nothing: false, value_entity: None, range: None };
        let known = self.scan_attribute(&mut goal, facts, name, spans[1])?;
        let [t, m, _] = &mut goal.rest;
        for (place, span) in [(&mut goal.entity, spans[0]), (t, spans[3]), (m, spans[4])] {
            goal.matches_nothing |= !self.entity_place(place, facts, name, span)?;
        }
        if known.is_some_and(|known| known.value_type == Some(ValueType::Ref)) {
            goal.matches_nothing |= !self.entity_place(&mut goal.value, facts, name, spans[2])?;
        } else if !matches!(goal.attribute, Place::Constant(_)) {
            goal.value_entity = self.value_entity(&goal.value, facts, spans[2])?;
        }
        Ok(goal)
    }

    /// What a keyword or lookup reference means as value of those attributes that turn out to be references.
    fn value_entity(&mut self, place: &Place, facts: &dyn Facts, span: Span) -> Result<Option<i64>> {
        let Place::Constant(value) = place else { return Ok(None) };
        let is_reference = match (value, lookup_reference(value)) {
            (Value::Keyword(_), _) => true,
            (_, Some((ident, _))) => facts.attribute(ident).is_some_and(|attribute| attribute.unique.is_some()),
            _ => false,
        };
        if is_reference { self.resolver.entity(facts, value, self.place_of(span)) } else { Ok(None) }
    }

    fn scan_attribute(
        &mut self,
        goal: &mut ScanGoal,
        facts: &dyn Facts,
        name: &SourceName,
        span: Span,
    ) -> Result<Option<Arc<Attribute>>> {
        let known = match &goal.attribute {
            Place::Blank => return Ok(None),
            Place::Slot(slot) => {
                self.note_entity(*slot, name);
                return Ok(None);
            }
            Place::Constant(Value::Keyword(ident)) => self.resolver.attribute(facts, ident, self.place_of(span))?,
            Place::Constant(other) => self.resolver.attribute_of(facts, other, self.place_of(span))?,
        };
        match &known {
            Some(known) => {
                goal.attribute = Place::Constant(Value::Long(known.id));
                self.attributes.entry(name.clone()).or_default().insert(known.id);
            }
            None => goal.matches_nothing = true,
        }
        Ok(known)
    }

    /// Resolves a constant where an entity is expected; false if it leads nowhere.
    fn entity_place(&mut self, place: &mut Place, facts: &dyn Facts, name: &SourceName, span: Span) -> Result<bool> {
        match place {
            Place::Blank => Ok(true),
            Place::Slot(slot) => {
                self.note_entity(*slot, name);
                Ok(true)
            }
            Place::Constant(value) => {
                let id = self.resolver.entity(facts, value, self.place_of(span))?;
                *place = Place::Constant(Value::Long(id.unwrap_or_default()));
                Ok(id.is_some())
            }
        }
    }
}
