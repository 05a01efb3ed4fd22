//! The naive evaluator: what a query means, computed without index, plan or shortcut.
//!
//! A set of environments (which variable has which value) grows and shrinks clause by clause. A clause is taken as soon as what it needs is
//! bound; which one is taken first makes no difference to the answer. Rules are tables that are recomputed until nothing changes.
//! It shares the syntax tree, the values and the scalar functions with the engine, and nothing else.

mod clauses;
mod environment;
mod find;
mod inputs;
mod pull;
mod ready;
mod rules;
mod variables;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use annals_query::ast::{Clause, PullPattern, Query, RuleSet, SourceName, Term, Variable};
use annals_query::{Code, Error, Facts as _, Given, Result, Value};

use super::memory::MemoryFacts;

use environment::{Environment, distinct};
pub(crate) use find::Expected;

/// A set of variables.
pub(super) type Variables = BTreeSet<Variable>;

/// A rule's name, and which of its arguments are bound.
type Mode = (Arc<str>, Vec<bool>);

/// Environments times facts looked at before a program counts as too large for this evaluator.
const LIMIT_STEPS: usize = 60_000;

/// What is given for one place of `:in`, in a form that both evaluators take.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// Facts at some time.
    Facts(Arc<MemoryFacts>),
    /// Rows of data.
    Relation(Vec<Vec<Value>>),
    /// Rules.
    Rules(RuleSet),
    /// A value for a binding form.
    Value(Value),
    /// A pull pattern.
    Pattern(PullPattern),
}

impl Input {
    /// The same for the engine.
    pub(crate) fn given(&self) -> Given {
        match self {
            Self::Facts(facts) => Given::Facts(Arc::clone(facts) as _),
            Self::Relation(rows) => Given::Relation(rows.clone()),
            Self::Rules(rules) => Given::Rules(rules.clone()),
            Self::Value(value) => Given::Value(value.clone()),
            Self::Pattern(pattern) => Given::Pattern(pattern.clone()),
        }
    }
}

/// What is known of rules: the same for every query of the same sources, rules and inputs.
#[derive(Default)]
pub(crate) struct Known {
    /// Which rules can run with which of their arguments bound.
    modes: RefCell<BTreeMap<Mode, bool>>,
    /// Calls of rules whose answers are complete.
    complete: RefCell<BTreeMap<rules::Call, BTreeSet<Vec<Value>>>>,
}

/// One query under evaluation.
pub(super) struct Naive {
    sources: BTreeMap<SourceName, Input>,
    rules: RuleSet,
    /// Pull patterns by name.
    patterns: BTreeMap<Arc<str>, PullPattern>,
    known: Rc<Known>,
    /// Which clause comes next where so much is bound and visible.
    order: RefCell<HashMap<Standing, Vec<Taken>>>,
    /// The facts that a pattern's constants leave.
    matching: RefCell<HashMap<Pattern, Rc<Vec<Vec<Value>>>>>,
    steps: Cell<usize>,
}

/// All clauses, those that wait and those that failed, by their place in the syntax tree.
type Standing = [Vec<*const Clause>; 3];

/// What is bound and visible, and what is taken then.
type Taken = (Variables, Variables, Option<Rc<Next>>);

/// Facts, and a pattern by its place in the syntax tree.
type Pattern = (*const MemoryFacts, *const [Term]);

/// Which of the clauses that wait comes next, what is bound after it, and what it shares with its surroundings.
type Next = (usize, Variables, Variables);

/// Where a clause stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// What `$` means here.
    source: &'a SourceName,
    /// The tables of the fixpoint under way. None outside of rules, and inside of `not`, which wants complete answers.
    tables: Option<&'a RefCell<rules::Tables>>,
    /// The clauses whose variables are the same as those here.
    scope: &'a Scope<'a>,
}

/// The clauses of a query, a rule or a border, in which a name means one variable.
pub(super) struct Scope<'a> {
    clauses: &'a [Clause],
    /// What `$` means in all of it.
    source: &'a SourceName,
    /// Of a border: what crosses it, and the scope around it.
    outer: Option<(Variables, &'a Scope<'a>)>,
}

/// What the query means. It must have passed the check.
pub(crate) fn answer(query: &Query, inputs: &[Input]) -> Result<Expected> {
    answer_knowing(query, inputs, &Rc::default())
}

/// The same, with what was found out of the rules while another query was asked with the same inputs.
pub(crate) fn answer_knowing(query: &Query, inputs: &[Input], known: &Rc<Known>) -> Result<Expected> {
    let (naive, environments) = inputs::take(query, inputs, known)?;
    let bound = query.inputs.iter().flat_map(inputs::bound_by).collect();
    let source = SourceName::default();
    let scope = Scope { clauses: &query.clauses, source: &source, outer: None };
    let place = Place { source: &source, tables: None, scope: &scope };
    let clauses = variables::flat(&query.clauses);
    let environments = naive.every(&clauses, environments, &bound, &bound, place)?;
    find::find(&naive, query, &environments)
}

impl Naive {
    fn spend(&self, steps: usize) -> Result<()> {
        self.steps.set(self.steps.get() + steps);
        if self.steps.get() > LIMIT_STEPS {
            return Err(Error::new(Code::Cancelled, "the program is too large for the naive evaluator"));
        }
        Ok(())
    }

    /// What `$` or another source stands for at a place.
    fn source(&self, name: &SourceName, place: Place<'_>) -> Result<&Input> {
        let name = Self::source_name(name, place);
        let found = self.sources.get(name);
        found.ok_or_else(|| Error::new(Code::UnknownSource, format!("no source is named {}", name.0)))
    }

    fn source_name<'a>(name: &'a SourceName, place: Place<'a>) -> &'a SourceName {
        if *name == SourceName::default() { place.source } else { name }
    }

    /// The entity for which a value stands where an entity is expected: itself, an ident, a lookup reference; None if there is none.
    fn entity(facts: &MemoryFacts, value: &Value) -> Result<Option<Value>> {
        match value {
            Value::Keyword(ident) => Ok(facts.entity_by_ident(ident)?.map(Value::Long)),
            Value::Vector(items) => match &items[..] {
                [Value::Keyword(ident), wanted] => {
                    let Some(attribute) = facts.attribute(ident) else { return Ok(None) };
                    if attribute.unique.is_none() {
                        return Err(Error::new(Code::NotUnique, format!(":{ident} is not unique")));
                    }
                    let wanted = if attribute.value_type == Some(annals_query::ValueType::Ref) {
                        Self::entity(facts, wanted)?
                    } else {
                        Some(wanted.clone())
                    };
                    wanted.map_or(Ok(None), |wanted| Ok(facts.lookup(&attribute, &wanted)?.map(Value::Long)))
                }
                _ => Ok(None),
            },
            other => Ok(Some(other.clone())),
        }
    }
}
