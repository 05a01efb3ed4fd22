//! From clauses to goals: scopes become slots, names become ids, rules that do not recurse become unions.

pub(crate) mod ground;
mod nested;
mod pattern;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ast::{Argument, Binding, Border, Call, Clause, Rule, RuleSet, SourceName, Variable};
use crate::budget::Budget;
use crate::error::{Code, Error, Result, Span};
use crate::facts::Facts;
use crate::function::{AnyFunction, Function, Kind};
use crate::parse::forward;
use crate::plan::dependency::Dependencies;
use crate::plan::goal::{AbsentGoal, CallArgument, CallGoal, Goal, GoalKind, Predicate, RuleGoal, Target, UnionGoal};
use crate::plan::lower::ground::Grounds;
use crate::plan::lower::rules::RuleCall;
use crate::plan::mention::{every_variable, mentioned};
use crate::plan::resolve::Resolver;
use crate::plan::scope::Scope;
use crate::plan::slot::Slot;
use crate::registry::Functions;
use crate::source::{Source, Sources};
use crate::tuning::Tuning;
use crate::value::Value;

/// Lowers the clauses of one query.
pub(crate) struct Lowering<'q> {
    sources: &'q Sources,
    rules: &'q RuleSet,
    functions: &'q Functions,
    tuning: Tuning,
    budget: &'q Budget,
    dependencies: Dependencies,
    /// The heads of each rule, by its name.
    heads: BTreeMap<&'q str, Arc<[&'q Rule]>>,
    /// The name of each slot.
    pub(crate) names: Vec<Variable>,
    /// The rules that recurse.
    pub(crate) predicates: Vec<Predicate>,
    /// Idents and attributes.
    pub(crate) resolver: Resolver,
    /// Variables that stand where an entity is expected, and the sources in which it is looked for.
    pub(crate) entity_uses: BTreeMap<Slot, BTreeSet<SourceName>>,
    /// What `ground` binds, and where entities are expected of it.
    pub(crate) grounds: Grounds,
    /// The attributes that will be scanned.
    pub(crate) attributes: BTreeMap<SourceName, BTreeSet<i64>>,
    /// Constants that stand as arguments of rules.
    pub(crate) constants: BTreeMap<Slot, (Value, Span)>,
    predicate_ids: BTreeMap<(Arc<str>, SourceName), usize>,
    /// By predicate, those in whose bodies it is called.
    callers: Vec<BTreeSet<usize>>,
    /// Each with the bodies in which it stands.
    rule_calls: Vec<(RuleGoal, Vec<u32>)>,
    /// Predicates whose heads are not lowered yet.
    open_predicates: Vec<(usize, Span)>,
    /// The call in whose rule we are: rules have a text of their own, so errors in them name the call.
    call_span: Option<Span>,
    /// The rule in whose body we are.
    rule_name: Option<Arc<str>>,
    goal_count: u32,
}

impl<'q> Lowering<'q> {
    /// Nothing lowered yet.
    pub(crate) fn new(
        sources: &'q Sources,
        rules: &'q RuleSet,
        functions: &'q Functions,
        is_strict: bool,
        tuning: Tuning,
        budget: &'q Budget,
    ) -> Self {
        let mut heads: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
        for rule in &rules.rules {
            heads.entry(&rule.name).or_default().push(rule);
        }
        Self {
            tuning,
            budget,
            heads: heads.into_iter().map(|(name, heads)| (name, heads.into())).collect(),
            sources,
            rules,
            functions,
            dependencies: Dependencies::of(rules),
            names: Vec::new(),
            predicates: Vec::new(),
            resolver: Resolver { is_strict, ..Resolver::default() },
            entity_uses: BTreeMap::new(),
            grounds: Grounds::default(),
            attributes: BTreeMap::new(),
            constants: BTreeMap::new(),
            predicate_ids: BTreeMap::new(),
            callers: Vec::new(),
            rule_calls: Vec::new(),
            open_predicates: Vec::new(),
            call_span: None,
            rule_name: None,
            goal_count: 0,
        }
    }

    /// The slot of a variable, made if there is none yet.
    pub(crate) fn slot(&mut self, scope: &mut Scope, variable: &Variable) -> Slot {
        if let Some(slot) = scope.names.get(variable) {
            return *slot;
        }
        let slot = self.fresh(variable);
        scope.names.insert(variable.clone(), slot);
        slot
    }

    fn fresh(&mut self, variable: &Variable) -> Slot {
        self.names.push(variable.clone());
        self.names.len() as Slot - 1
    }

    /// Says that a variable stands where an entity is expected.
    fn note_entity(&mut self, slot: Slot, source: &SourceName) {
        self.entity_uses.entry(slot).or_default().insert(source.clone());
        self.grounds.note_entity(slot, source);
    }

    /// A goal of its own number.
    pub(crate) fn goal(&mut self, kind: GoalKind, span: Span) -> Arc<Goal> {
        self.goal_count += 1;
        let rule = self.rule_name.clone();
        Arc::new(Goal { id: self.goal_count, kind, span: self.place_of(span), rule })
    }

    /// Where an error is to be shown.
    fn place_of(&self, span: Span) -> Span {
        self.call_span.unwrap_or(span)
    }

    /// The goals of clauses that must all hold.
    pub(crate) fn block(&mut self, clauses: &[Clause], scope: &mut Scope) -> Result<Vec<Arc<Goal>>> {
        for variable in mentioned(clauses) {
            self.slot(scope, variable);
        }
        let mut goals = Vec::new();
        for clause in clauses {
            self.clause(clause, scope, &mut goals)?;
        }
        Ok(goals)
    }

    fn clause(&mut self, clause: &Clause, scope: &mut Scope, goals: &mut Vec<Arc<Goal>>) -> Result<()> {
        self.budget.spend_steps(1)?;
        let span = clause.span();
        let kind = match clause {
            Clause::Pattern { source, terms, .. } => self.pattern(source, terms, span, scope)?,
            Clause::Predicate { call, .. } => {
                let kind = self.call(call, None, scope)?;
                goals.push(self.goal(kind, call.span));
                return Ok(());
            }
            Clause::Function { call, binding, .. } => {
                let kind = self.call(call, Some(binding), scope)?;
                let goal = self.goal(kind, call.span);
                self.grounds.note(call, &goal);
                goals.push(goal);
                return Ok(());
            }
            Clause::And(clauses, _) => {
                for clause in clauses {
                    self.clause(clause, scope, goals)?;
                }
                return Ok(());
            }
            Clause::Or { branches, .. } => {
                let mut inner = self.within(scope)?;
                let border = shared_slots(branches, scope);
                self.union(branches, &mut inner, border, Vec::new())?
            }
            Clause::OrJoin { border, branches, .. } => {
                let mut inner = self.within(scope)?;
                self.narrow(&mut inner, border.variables());
                let (slots, required) = border_slots(border, &inner);
                self.union(branches, &mut inner, slots, required)?
            }
            Clause::Not { clauses, .. } => {
                let shared = shared_slots(clauses, scope);
                let mut inner = self.within(scope)?;
                GoalKind::Absent(AbsentGoal { shared, goals: self.block(clauses, &mut inner)? })
            }
            Clause::NotJoin { variables, clauses, .. } => {
                let mut inner = self.within(scope)?;
                self.narrow(&mut inner, variables.iter().map(|(variable, _)| variable));
                let shared = inner.names.values().copied().collect();
                GoalKind::Absent(AbsentGoal { shared, goals: self.block(clauses, &mut inner)? })
            }
            Clause::Rule { source, name, args, .. } => {
                return self.rule(&RuleCall { source: source.as_ref(), name, args, span }, scope, goals);
            }
        };
        goals.push(self.goal(kind, span));
        Ok(())
    }

    /// The scope inside of a clause.
    fn within(&self, scope: &Scope) -> Result<Scope> {
        self.budget.spend_steps(scope.names.len() as u64)?;
        Ok(scope.clone())
    }

    /// Leaves only these variables of a scope, and makes sure it has them.
    fn narrow<'v>(&mut self, scope: &mut Scope, variables: impl Iterator<Item = &'v Variable>) {
        let names = variables.map(|variable| (variable.clone(), self.slot(scope, variable))).collect();
        scope.names = names;
    }

    fn union(&mut self, branches: &[Clause], scope: &mut Scope, border: Vec<Slot>, required: Vec<Slot>) -> Result<GoalKind> {
        let branches = branches.iter().map(|branch| {
            let mut inner = self.within(scope)?;
            self.block(std::slice::from_ref(branch), &mut inner)
        });
        Ok(GoalKind::Union(UnionGoal { border, required, branches: branches.collect::<Result<_>>()?, rule: None }))
    }

    /// The facts of a source, if it is a database.
    pub(crate) fn facts(&self, name: &SourceName) -> Option<&'q dyn Facts> {
        let sources: &'q Sources = self.sources;
        sources.get(name)?.facts().map(AsRef::as_ref)
    }

    fn source(&self, name: &SourceName, span: Span) -> Result<&'q Source> {
        self.sources.get(name).ok_or_else(|| {
            Error::new(Code::UnknownSource, format!("no source is given for `{}`", name.0))
                .with_value(&name.0)
                .at(self.place_of(span))
                .with_help(format!("add `{}` to :in and give a database or rows for it", name.0))
        })
    }

    fn call(&mut self, call: &Call, binding: Option<&Binding>, scope: &mut Scope) -> Result<GoalKind> {
        let function = self.functions.function(&call.name).ok_or_else(|| {
            Error::new(Code::UnknownFunction, format!("no function is called `{}`", call.name))
                .with_value(&call.name)
                .at(call.span)
        })?;
        if let Some(nested) = &call.nested {
            let (nested, args) = self.nested(nested, &call.args, scope)?;
            let binding = binding.map(|binding| Target::new(binding, &mut |variable| self.slot(scope, variable)));
            return Ok(GoalKind::Call(CallGoal { function, source: None, args, binding, nested: Some(Arc::new(nested)) }));
        }
        let mut source = None;
        let (mut args, mut spans) = (Vec::new(), Vec::new());
        for arg in &call.args {
            match arg {
                Argument::Variable(variable, span) => {
                    args.push(CallArgument::Slot(self.slot(scope, variable)));
                    spans.push(*span);
                }
                Argument::Constant(value, span) => {
                    args.push(CallArgument::Constant(value.clone()));
                    spans.push(*span);
                }
                Argument::Source(name, span) => source = Some((scope.inherited(Some(name)), *span)),
            }
        }
        let source = if function.asks_source() {
            let (name, span) = source.unwrap_or_else(|| (scope.source.clone(), call.span));
            let source = self.source(&name, span)?.clone();
            self.note_places(&function, (&name, &source), &args, &spans)?;
            Some(source)
        } else {
            None
        };
        function.check_arity(args.len()).map_err(|error| error.at(self.place_of(call.span)))?;
        let mut binding = binding.map(|binding| Target::new(binding, &mut |variable| self.slot(scope, variable)));
        if let (Some(Function { kind: Kind::Listing(_, width), .. }), Some(Target::Relation(parts))) =
            (function.built_in(), &mut binding)
        {
            parts.resize((*width).max(parts.len()), Target::Ignore);
        }
        Ok(GoalKind::Call(CallGoal { function, source, args, binding, nested: None }))
    }

    /// What the arguments of a function that asks a source stand for: an entity, and attributes, which are looked up once.
    fn note_places(
        &mut self,
        function: &AnyFunction,
        (name, source): (&SourceName, &Source),
        args: &[CallArgument],
        spans: &[Span],
    ) -> Result<()> {
        if let (Some(Function { kind: Kind::Sourced(_), .. }), Some(CallArgument::Slot(slot))) =
            (function.built_in(), args.first())
        {
            self.note_entity(*slot, name);
        }
        let Source::Facts(facts) = source else { return Ok(()) };
        let places = attribute_places(function);
        for (at, arg) in args.iter().enumerate().filter(|(at, _)| places.contains(at)) {
            let CallArgument::Constant(Value::Keyword(ident)) = arg else { continue };
            let forward = forward(ident).filter(|_| function.name() == "missing?" && facts.attribute(ident).is_none());
            let ident = forward.as_ref().unwrap_or(ident);
            if let Some(attribute) = self.resolver.attribute(facts.as_ref(), ident, self.place_of(spans[at]))? {
                self.attributes.entry(name.clone()).or_default().insert(attribute.id);
            }
        }
        Ok(())
    }
}

/// Which arguments behind the source are attributes.
fn attribute_places(function: &AnyFunction) -> std::ops::Range<usize> {
    match function.name() {
        "get-else" | "missing?" => 1..2,
        "get-some" => 1..usize::MAX,
        "fulltext" => 0..1,
        _ => 0..0,
    }
}

/// The slots of variables that clauses mention anywhere and that their scope knows.
fn shared_slots(clauses: &[Clause], scope: &Scope) -> Vec<Slot> {
    let variables = every_variable(clauses);
    variables.iter().filter_map(|variable| scope.names.get(variable).copied()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn border_slots(border: &Border, scope: &Scope) -> (Vec<Slot>, Vec<Slot>) {
    let slot_of = |variable: &Variable| scope.names.get(variable).copied();
    let all = border.variables().filter_map(slot_of).collect::<BTreeSet<_>>().into_iter().collect();
    (all, border.required.iter().filter_map(|(variable, _)| slot_of(variable)).collect())
}
