//! Rules: a table for each way in which a rule is called, all recomputed until nothing changes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use annals_query::ast::{Rule, SourceName, Term, Variable};
use annals_query::{Result, Value};

use super::{Environment, Input, Naive, Place, Scope, Variables, distinct, variables};

/// A call is worth so many steps: its clauses are taken for one environment.
const STEPS_A_CALL: usize = 20;

/// How a rule is called: its name, the source it runs on, and which arguments have which values.
pub(super) type Call = (Arc<str>, SourceName, Vec<Option<Value>>);

/// The tuples known for each call.
#[derive(Default)]
pub(super) struct Tables {
    tuples: BTreeMap<Call, BTreeSet<Vec<Value>>>,
    /// Calls whose tuples were read of late.
    read: BTreeSet<Call>,
}

impl Tables {
    fn read(&mut self, call: Call) -> BTreeSet<Vec<Value>> {
        let tuples = self.tuples.entry(call.clone()).or_default().clone();
        self.read.insert(call);
        tuples
    }
}

impl Naive {
    /// The environments in which a call of a rule holds.
    pub(super) fn rule(
        &self,
        (name, args): (&Arc<str>, &[Term]),
        environment: &Environment,
        place: Place<'_>,
    ) -> Result<Vec<Environment>> {
        let mut values = Vec::new();
        for (position, term) in args.iter().enumerate() {
            values.push(match term {
                Term::Blank(_) => None,
                Term::Variable(variable, _) => environment.get(variable).cloned(),
                Term::Constant(value, _) => match self.argument((name, position), value, place.source)? {
                    None => return Ok(Vec::new()),
                    found => found,
                },
            });
        }
        let mut found = Vec::new();
        let tuples = self.tuples((Arc::clone(name), place.source.clone(), values.clone()), place)?;
        self.spend(tuples.len())?;
        for tuple in tuples {
            let mut environment = environment.clone();
            let holds = args.iter().zip(&values).zip(&tuple).all(|((term, wanted), value)| match term {
                Term::Variable(variable, _) => environment.bind(variable, value),
                _ => wanted.as_ref().is_none_or(|wanted| wanted.same(value)),
            });
            if holds {
                found.push(environment);
            }
        }
        Ok(found)
    }

    /// A constant argument: where the rule expects an entity, the entity for which it stands.
    fn argument(&self, (name, position): (&str, usize), value: &Value, source: &SourceName) -> Result<Option<Value>> {
        let mut value = Some(value.clone());
        for source in self.entity_sources_of_argument(name, position, source) {
            if let (Some(Input::Facts(facts)), Some(reference)) = (self.sources.get(&source), &value) {
                value = Self::entity(facts, reference)?;
            }
        }
        Ok(value)
    }

    /// The tuples of a call: inside a fixpoint those known so far, else all of them.
    fn tuples(&self, call: Call, place: Place<'_>) -> Result<BTreeSet<Vec<Value>>> {
        if let Some(tuples) = self.known.complete.borrow().get(&call) {
            return Ok(tuples.clone());
        }
        if let Some(tables) = place.tables {
            return Ok(tables.borrow_mut().read(call));
        }
        let tables = RefCell::new(Tables::default());
        let mut readers: BTreeMap<Call, BTreeSet<Call>> = BTreeMap::new();
        // Calls to derive: those never derived, and those that read tuples of which there are more now.
        let (mut due, mut later) = (VecDeque::from([call.clone()]), BTreeSet::new());
        while let Some(next) = due.pop_front() {
            later.remove(&next);
            tables.borrow_mut().read.clear();
            let tuples = self.derive(&next, &tables)?;
            let mut tables = tables.borrow_mut();
            for read in std::mem::take(&mut tables.read) {
                let of_it = readers.entry(read.clone()).or_insert_with(|| {
                    due.push_back(read);
                    BTreeSet::new()
                });
                of_it.insert(next.clone());
            }
            let known = tables.tuples.entry(next.clone()).or_default();
            let count = known.len();
            known.extend(tuples);
            if known.len() > count {
                let readers = readers.get(&next).into_iter().flatten();
                due.extend(readers.filter(|reader| later.insert((*reader).clone())).cloned());
            }
        }
        self.known.complete.borrow_mut().extend(tables.into_inner().tuples);
        Ok(self.known.complete.borrow()[&call].clone())
    }

    /// What the bodies of a rule give, going by the tables as they are.
    fn derive(&self, (name, source, values): &Call, tables: &RefCell<Tables>) -> Result<Vec<Vec<Value>>> {
        let mut tuples = Vec::new();
        for rule in self.rules.rules.iter().filter(|rule| rule.name == *name) {
            if let Some(environment) = given(rule, values) {
                self.spend(STEPS_A_CALL)?;
                let bound: Variables = environment.keys().cloned().collect();
                let head: Vec<Variable> = rule.head.variables().cloned().collect();
                let visible = head.iter().cloned().collect();
                let scope = Scope { clauses: &rule.clauses, source, outer: None };
                let place = Place { source, tables: Some(tables), scope: &scope };
                let found = self.every(&variables::flat(&rule.clauses), vec![environment], &bound, &visible, place)?;
                tuples.extend(distinct(found).iter().map(|found| head.iter().map(|variable| found[variable].clone()).collect()));
            }
        }
        Ok(tuples)
    }
}

/// What the call binds of the head; None if one parameter would have two values.
fn given(rule: &Rule, values: &[Option<Value>]) -> Option<Environment> {
    let mut environment = Environment::new();
    let bound = rule.head.variables().zip(values).filter_map(|(variable, value)| Some((variable, value.as_ref()?)));
    for (variable, value) in bound {
        if !environment.bind(variable, value) {
            return None;
        }
    }
    Some(environment)
}
