//! A whole query, ready to run: its inputs bound to what was given, its clauses ordered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::answer::{Given, Warning};
use crate::ast::{
    Binding, Element, Input, PullArgument, PullNested, PullPattern, PullSpec, Query, RuleSet, SourceName, Variable,
};
use crate::budget::Budget;
use crate::error::{Code, Error, Result, Span};
use crate::facts::Facts;
use crate::parse;
use crate::plan::Plan;
use crate::plan::estimate::Known;
use crate::plan::goal::{Goal, GoalKind, Predicate, Target};
use crate::plan::input::{Row, relation_of, take_apart, value_in};
use crate::plan::lower::Lowering;
use crate::plan::memory::Orders;
use crate::plan::mention::every_variable;
use crate::plan::order::{Planner, Surroundings, plan_block};
use crate::plan::resolve::Resolver;
use crate::plan::scope::Scope;
use crate::plan::slot::Slot;
use crate::pull;
use crate::registry::Functions;
use crate::run::gather::column_of;
use crate::run::join::distinct;
use crate::run::relation::Relation;
use crate::source::{Source, Sources};
use crate::tuning::Tuning;
use crate::value::Value;

/// A query that knows its order of steps.
pub(crate) struct Program {
    /// The steps of `:where`.
    pub(crate) plan: Plan,
    /// The rules that have tables.
    pub(crate) predicates: Vec<Predicate>,
    /// The name of each slot.
    pub(crate) names: Vec<Variable>,
    /// The variables of find, with and order-by.
    pub(crate) output: Vec<(Variable, Slot)>,
    /// Constants that stand as arguments of rules, resolved where an entity is expected; `None` leads nowhere.
    pub(crate) constants: BTreeMap<Slot, Option<Value>>,
    /// What `ground` gives, by the number of its goal, where names in it stand for entities.
    pub(crate) grounded: BTreeMap<u32, Relation>,
    /// Where the results of other functions stand for entities.
    pub(crate) expected: Expected,
    /// Variables that have one value.
    pub(crate) known: Known,
    /// Where the query looks.
    pub(crate) sources: Sources,
    /// Pull patterns that were given.
    pub(crate) patterns: HashMap<Arc<str>, PullPattern>,
    /// Attributes that the sources do not know.
    pub(crate) warnings: Vec<Warning>,
    /// What ordering cost, and the orders known before.
    pub(crate) planner: Planner,
}

/// How a query is to be made ready.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'s> {
    /// What it may call.
    pub(crate) functions: &'s Functions,
    /// True if an unknown attribute is an error.
    pub(crate) is_strict: bool,
    /// What ordering and running may do.
    pub(crate) tuning: Tuning,
    /// Orders chosen when it was asked before.
    pub(crate) orders: Option<&'s Arc<Orders>>,
    /// What it may spend.
    pub(crate) budget: &'s Budget,
}

/// A variable of a function's binding that stands for an entity, and where to look for that.
pub(crate) type EntityVariable = (Slot, Vec<Arc<dyn Facts>>);

/// Such variables by the number of the function's goal.
pub(crate) type Expected = BTreeMap<u32, Vec<EntityVariable>>;

/// What was given, each for its place.
struct Inputs<'q> {
    sources: Sources,
    patterns: HashMap<Arc<str>, PullPattern>,
    values: Vec<(&'q crate::ast::Binding, &'q Value)>,
}

impl Program {
    /// Binds the inputs and orders the clauses.
    pub(crate) fn new(query: &Query, rules: &RuleSet, given: &[Given], setting: Setting<'_>) -> Result<Self> {
        let Inputs { sources, patterns, values } = match_inputs(query, given)?;
        let mut lowering = Lowering::new(&sources, rules, setting.functions, setting.is_strict, setting.tuning, setting.budget);
        let mut scope = Scope::default();
        let targets = values
            .iter()
            .map(|(binding, value)| {
                (Target::new(binding, &mut |variable| lowering.slot(&mut scope, variable)), *value, binding.span())
            })
            .collect::<Vec<_>>();
        let mut goals = lowering.block(&query.clauses, &mut scope)?;
        let output = output_of(query, &mut lowering, &mut scope);
        lowering.settle_rules()?;
        note_pulled(query, &patterns, &mut lowering, &mut scope)?;
        for (target, value, span) in targets {
            let relation = resolved(&target, value, span, &mut lowering, &sources, setting.budget)?;
            goals.push(lowering.goal(GoalKind::Given(relation), span));
        }
        let constants = resolved_constants(&mut lowering, &sources)?;
        let (grounded, expected) = resolved_results(&mut lowering, &sources)?;
        for (name, ids) in &lowering.attributes {
            if let Some(Source::Facts(facts)) = sources.get(name) {
                facts.announce(&ids.iter().copied().collect::<Vec<_>>(), setting.budget)?;
            }
        }
        let known = known_values(&goals, &constants);
        let planner = Planner::new(setting.tuning, setting.orders.cloned());
        let surroundings = Surroundings {
            predicates: &lowering.predicates,
            names: &lowering.names,
            known: &known,
            input_rows: 1.0,
            planner: &planner,
            budget: setting.budget,
        };
        let slots = output.iter().map(|(_, slot)| *slot).collect::<Vec<_>>();
        let plan = plan_block(&goals, &slots, None, surroundings)?;
        let Lowering { predicates, names, resolver, .. } = lowering;
        Ok(Self {
            plan,
            predicates,
            names,
            output,
            constants,
            grounded,
            expected,
            known,
            sources,
            patterns,
            warnings: resolver.warnings,
            planner,
        })
    }
}

impl Program {
    /// The variables of a function's binding that stand for entities.
    pub(crate) fn expected_of(&self, goal: &Goal) -> &[EntityVariable] {
        self.expected.get(&goal.id).map_or(&[], Vec::as_slice)
    }
}

fn match_inputs<'q>(query: &'q Query, given: &'q [Given]) -> Result<Inputs<'q>> {
    if query.inputs.len() != given.len() {
        return Err(input_count(query, given.len()));
    }
    let mut inputs = Inputs { sources: Sources::new(), patterns: HashMap::new(), values: Vec::new() };
    for (input, given) in query.inputs.iter().zip(given) {
        match (input, given) {
            (Input::Source(name, _), Given::Facts(facts)) => {
                inputs.sources.insert(name.clone(), Source::Facts(Arc::clone(facts)));
            }
            (Input::Source(name, _), Given::Relation(rows)) => {
                inputs.sources.insert(name.clone(), Source::Relation(Arc::new(rows.clone())));
            }
            (Input::Source(name, span), Given::Value(value)) => {
                inputs.sources.insert(name.clone(), Source::Relation(Arc::new(rows_of(value, *span)?)));
            }
            (Input::Rules(_), Given::Rules(_)) => {}
            (Input::Binding(binding @ Binding::Scalar(variable, span)), Given::Value(value))
                if is_pattern(&variable.0, query) =>
            {
                let pattern = parse::pull_pattern(&value.to_string()).map_err(|error| error.moved_to(*span))?;
                inputs.patterns.insert(Arc::clone(&variable.0), pattern);
                // It may be asked for, as any other.
                if query.output_variables().contains(&variable) || every_variable(&query.clauses).contains(variable) {
                    inputs.values.push((binding, value));
                }
            }
            (Input::Binding(binding), Given::Value(value)) => inputs.values.push((binding, value)),
            (Input::Pattern(name, _), Given::Pattern(pattern)) => {
                inputs.patterns.insert(Arc::clone(name), pattern.clone());
            }
            (input, given) => return Err(mismatch(input, given)),
        }
    }
    Ok(inputs)
}

/// True if a pull of the query takes its pattern by this name.
fn is_pattern(name: &str, query: &Query) -> bool {
    query.find.elements().iter().any(|element| match element {
        Element::Pull { pattern: PullArgument::Name(known), .. } => **known == *name,
        _ => false,
    })
}

/// Points to the first place that got nothing, or to the last one when there are too many inputs.
fn input_count(query: &Query, given: usize) -> Error {
    let span = query.inputs.get(given).or(query.inputs.last()).map(Input::span);
    let named = query.inputs.len();
    let inputs = if named == 1 { "input" } else { "inputs" };
    let message = format!(":in names {named} {inputs}, but {given} {} given", if given == 1 { "was" } else { "were" });
    let error = Error::new(Code::InputCount, message).with_help("give one input for each place of :in, in its order");
    error.at(span.filter(|span| *span != Span::default()).unwrap_or(query.find.elements()[0].span()))
}

/// A vector of vectors given for a source is rows of data.
fn rows_of(value: &Value, span: Span) -> Result<Vec<Vec<Value>>> {
    let wrong = || {
        Error::new(Code::InputShape, format!("a source takes a database or rows, not a {}", value.kind_name()))
            .at(span)
            .with_help("give rows as a vector of vectors")
    };
    let row = |item: &Value| item.as_items().map(<[Value]>::to_vec).ok_or_else(wrong);
    match value {
        Value::Vector(items) | Value::List(items) => items.iter().map(row).collect(),
        Value::Set(items) => items.iter().map(row).collect(),
        _ => Err(wrong()),
    }
}

fn mismatch(input: &Input, given: &Given) -> Error {
    let wanted = match input {
        Input::Source(name, _) => format!("a database or rows for `{}`", name.0),
        Input::Rules(_) => "rules for `%`".to_owned(),
        Input::Binding(_) => "a value for a binding form".to_owned(),
        Input::Pattern(name, _) => format!("a pull pattern for `{name}`"),
    };
    let got = match given {
        Given::Facts(_) => "a database",
        Given::Relation(_) => "rows of data",
        Given::Rules(_) => "rules",
        Given::Value(value) => value.kind_name(),
        Given::Pattern(_) => "a pull pattern",
    };
    Error::new(Code::InputShape, format!(":in wants {wanted}, but {got} was given"))
        .at(input.span())
        .with_help("give the inputs in the order of :in")
}

/// The variables whose values the answer is made of, each once.
fn output_of(query: &Query, lowering: &mut Lowering<'_>, scope: &mut Scope) -> Vec<(Variable, Slot)> {
    query.output_variables().into_iter().map(|variable| (variable.clone(), lowering.slot(scope, variable))).collect()
}

/// A variable that no clause takes for an entity, but a pull does, is looked for where it is pulled from. Attributes that are pulled and
/// that nobody knows are noted.
fn note_pulled(
    query: &Query,
    patterns: &HashMap<Arc<str>, PullPattern>,
    lowering: &mut Lowering<'_>,
    scope: &mut Scope,
) -> Result<()> {
    for element in query.find.elements() {
        let Element::Pull { source, variable, pattern, span } = element else { continue };
        let slot = lowering.slot(scope, variable);
        lowering.entity_uses.entry(slot).or_insert_with(|| BTreeSet::from([source.clone()]));
        let Some(facts) = lowering.facts(source) else { continue };
        match pattern {
            PullArgument::Pattern(pattern) => note_attributes(pattern, None, facts, &mut lowering.resolver)?,
            PullArgument::Name(name) => {
                patterns
                    .get(name)
                    .map_or(Ok(()), |pattern| note_attributes(pattern, Some(*span), facts, &mut lowering.resolver))?;
            }
        }
    }
    Ok(())
}

/// `place` is where the pattern is named, if it has a text of its own.
fn note_attributes(pattern: &PullPattern, place: Option<Span>, facts: &dyn Facts, resolver: &mut Resolver) -> Result<()> {
    for spec in &pattern.specs {
        let PullSpec::Attribute(attribute) = spec else { continue };
        if &*attribute.ident != pull::ID {
            resolver.attribute(facts, &attribute.ident, place.unwrap_or(attribute.span))?;
        }
        if let PullNested::Pattern(inner) = &attribute.nested {
            note_attributes(inner, place, facts, resolver)?;
        }
    }
    Ok(())
}

/// What was given for a binding form, each row once by its meaning; idents and lookup references become ids in variables that stand for
/// entities.
fn resolved(
    target: &Target,
    value: &Value,
    span: Span,
    lowering: &mut Lowering<'_>,
    sources: &Sources,
    budget: &Budget,
) -> Result<Relation> {
    let slots = target.slots();
    let uses = slots.iter().filter_map(|slot| Some((*slot, lowering.entity_uses.get(slot)?.clone()))).collect::<Vec<_>>();
    if uses.is_empty() {
        return distinct(relation_of(target, value).map_err(|error| error.at(span))?, budget);
    }
    let mut rows: Vec<Row> = Vec::new();
    'rows: for mut row in take_apart(target, value).map_err(|error| error.at(span))? {
        for (slot, names) in &uses {
            for (_, value) in row.iter_mut().filter(|(own, _)| own == slot) {
                match entity_value(value, names, span, lowering, sources)? {
                    Some(found) => *value = found,
                    None => continue 'rows,
                }
            }
        }
        rows.push(row);
    }
    let columns = slots.iter().map(|slot| column_of(rows.iter().filter_map(|row| value_in(row, *slot)).collect())).collect();
    distinct(Relation::new(slots, columns, rows.len()), budget)
}

/// The id that an ident or lookup reference means in the sources of all clauses that use it; any other value is itself. `None` if it leads
/// nowhere, or to different entities in different sources: then no clause's entity is the other's.
fn entity_value(
    value: &Value,
    names: &BTreeSet<SourceName>,
    span: Span,
    lowering: &mut Lowering<'_>,
    sources: &Sources,
) -> Result<Option<Value>> {
    let is_reference = matches!(value, Value::Keyword(_)) || crate::plan::resolve::lookup_reference(value).is_some();
    if !is_reference {
        return Ok(Some(value.clone()));
    }
    let mut entity = None;
    for facts in names.iter().filter_map(|name| sources.get(name)?.facts()) {
        match lowering.resolver.entity(facts.as_ref(), value, span)? {
            Some(found) if entity.is_none_or(|known| known == found) => entity = Some(found),
            _ => return Ok(None),
        }
    }
    Ok(Some(entity.map_or_else(|| value.clone(), Value::Long)))
}

/// Where the results of functions stand for entities: for literals of `ground` what they bind, with names and lookup references as
/// their entities; for other functions the sources in which to look.
///
/// Only what the function's own query or rule body expects counts. What leads nowhere stays itself, and matches no entity.
fn resolved_results(lowering: &mut Lowering<'_>, sources: &Sources) -> Result<(BTreeMap<u32, Relation>, Expected)> {
    let (mut grounded, mut expected) = (BTreeMap::new(), Expected::new());
    for ground in lowering.grounds.take() {
        let slots = ground.target.slots();
        let uses = slots.iter().filter_map(|slot| Some((*slot, lowering.grounds.uses(ground.body, *slot)?.clone())));
        let uses = uses.collect::<Vec<_>>();
        if uses.is_empty() {
            continue;
        }
        let Some((value, span)) = ground.literal else {
            let facts = |names: &BTreeSet<SourceName>| {
                names.iter().filter_map(|name| sources.get(name)?.facts().cloned()).collect::<Vec<_>>()
            };
            expected.insert(ground.goal, uses.iter().map(|(slot, names)| (*slot, facts(names))).collect());
            continue;
        };
        // A value that does not fit its binding is the run's to refuse.
        let Ok(mut rows) = take_apart(&ground.target, &value) else { continue };
        for (own, value) in rows.iter_mut().flatten() {
            if let Some((_, names)) = uses.iter().find(|(slot, _)| slot == own)
                && let Some(found) = entity_value(value, names, span, lowering, sources)?
            {
                *value = found;
            }
        }
        let column = |slot: &Slot| column_of(rows.iter().filter_map(|row| value_in(row, *slot)).collect());
        grounded.insert(ground.goal, Relation::new(slots.clone(), slots.iter().map(column).collect(), rows.len()));
    }
    Ok((grounded, expected))
}

fn resolved_constants(lowering: &mut Lowering<'_>, sources: &Sources) -> Result<BTreeMap<Slot, Option<Value>>> {
    let mut resolved = BTreeMap::new();
    for (slot, (value, span)) in std::mem::take(&mut lowering.constants) {
        let found = match lowering.entity_uses.get(&slot).cloned() {
            Some(names) => entity_value(&value, &names, span, lowering, sources)?,
            None => Some(value),
        };
        resolved.insert(slot, found);
    }
    Ok(resolved)
}

/// Variables that the inputs or constant arguments give one value.
fn known_values(goals: &[Arc<Goal>], constants: &BTreeMap<Slot, Option<Value>>) -> Known {
    let mut known = Known::new();
    for goal in goals {
        match &goal.kind {
            GoalKind::Given(relation) if relation.rows == 1 => {
                known.extend(relation.slots.iter().zip(&relation.columns).map(|(slot, column)| (*slot, column.value(0))));
            }
            _ => {}
        }
    }
    known.extend(constants.iter().filter_map(|(slot, value)| Some((*slot, value.clone()?))));
    known
}
