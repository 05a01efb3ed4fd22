//! From clauses to goals: scopes become slots, names become ids, rules that do not recurse become unions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ast::{Argument, Binding, Border, Call, Clause, RuleSet, SourceName, Term, Variable};
use crate::error::{Code, Error, Result, Span};
use crate::facts::{Attribute, Facts};
use crate::function::{self, Kind};
use crate::plan::dependency::Dependencies;
use crate::plan::goal::{
    AbsentGoal, CallArgument, CallGoal, Goal, GoalKind, Place, Predicate, PredicateBranch, RuleGoal, ScanGoal, Target, UnionGoal,
};
use crate::plan::mention::{every_variable, mentioned};
use crate::plan::resolve::Resolver;
use crate::plan::slot::Slot;
use crate::run::gather::repeat;
use crate::run::relation::Relation;
use crate::source::{Source, Sources};
use crate::value::{Value, ValueType};

/// Rules are unfolded into their callers until the query has so many goals; then they get tables.
const UNFOLDED_GOALS_MAX: u32 = 400;

/// The names of one scope, and the source of its patterns that name none.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    names: BTreeMap<Variable, Slot>,
    source: SourceName,
}

/// Lowers the clauses of one query.
pub(crate) struct Lowering<'q> {
    sources: &'q Sources,
    rules: &'q RuleSet,
    dependencies: Dependencies,
    /// The name of each slot.
    pub(crate) names: Vec<Variable>,
    /// The rules that recurse.
    pub(crate) predicates: Vec<Predicate>,
    /// Idents and attributes.
    pub(crate) resolver: Resolver,
    /// Variables that stand where an entity is expected, and where it is looked for.
    pub(crate) entity_uses: BTreeMap<Slot, SourceName>,
    /// The attributes that will be scanned.
    pub(crate) attributes: BTreeMap<SourceName, BTreeSet<i64>>,
    /// Constants that stand as arguments of rules.
    pub(crate) constants: BTreeMap<Slot, (Value, Span)>,
    predicate_ids: BTreeMap<(Arc<str>, SourceName), usize>,
    rule_calls: Vec<RuleGoal>,
    /// Predicates whose heads are not lowered yet.
    open_predicates: Vec<usize>,
    goal_count: u32,
}

impl<'q> Lowering<'q> {
    /// Nothing lowered yet.
    pub(crate) fn new(sources: &'q Sources, rules: &'q RuleSet, is_strict: bool) -> Self {
        Self {
            sources,
            rules,
            dependencies: Dependencies::of(rules),
            names: Vec::new(),
            predicates: Vec::new(),
            resolver: Resolver { is_strict, ..Resolver::default() },
            entity_uses: BTreeMap::new(),
            attributes: BTreeMap::new(),
            constants: BTreeMap::new(),
            predicate_ids: BTreeMap::new(),
            rule_calls: Vec::new(),
            open_predicates: Vec::new(),
            goal_count: 0,
        }
    }

    /// The scope of the whole query, whose patterns look in `$`.
    pub(crate) fn outermost_scope() -> Scope {
        Scope { names: BTreeMap::new(), source: SourceName::default() }
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

    /// A goal of its own number.
    pub(crate) fn goal(&mut self, kind: GoalKind, span: Span) -> Arc<Goal> {
        self.goal_count += 1;
        Arc::new(Goal { id: self.goal_count, kind, span })
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
                goals.push(self.goal(kind, call.span));
                return Ok(());
            }
            Clause::And(clauses, _) => {
                for clause in clauses {
                    self.clause(clause, scope, goals)?;
                }
                return Ok(());
            }
            Clause::Or { source, branches, .. } => {
                let mut inner = within(scope, source.as_ref());
                let border = shared_slots(branches, scope);
                self.union(branches, &mut inner, border, Vec::new())?
            }
            Clause::OrJoin { source, border, branches, .. } => {
                let mut inner = within(scope, source.as_ref());
                self.narrow(&mut inner, border.variables());
                let (slots, required) = border_slots(border, &inner);
                self.union(branches, &mut inner, slots, required)?
            }
            Clause::Not { source, clauses, .. } => {
                let shared = shared_slots(clauses, scope);
                let mut inner = within(scope, source.as_ref());
                GoalKind::Absent(AbsentGoal { shared, goals: self.block(clauses, &mut inner)? })
            }
            Clause::NotJoin { source, variables, clauses, .. } => {
                let mut inner = within(scope, source.as_ref());
                self.narrow(&mut inner, variables.iter().map(|(variable, _)| variable));
                let shared = inner.names.values().copied().collect();
                GoalKind::Absent(AbsentGoal { shared, goals: self.block(clauses, &mut inner)? })
            }
            Clause::Rule { source, name, args, .. } => return self.rule(source.as_ref(), name, args, span, scope, goals),
        };
        goals.push(self.goal(kind, span));
        Ok(())
    }

    /// Leaves only these variables of a scope, and makes sure it has them.
    fn narrow<'v>(&mut self, scope: &mut Scope, variables: impl Iterator<Item = &'v Variable>) {
        let names = variables.map(|variable| (variable.clone(), self.slot(scope, variable))).collect();
        scope.names = names;
    }

    fn union(&mut self, branches: &[Clause], scope: &mut Scope, border: Vec<Slot>, required: Vec<Slot>) -> Result<GoalKind> {
        let branches = branches.iter().map(|branch| self.block(std::slice::from_ref(branch), &mut scope.clone()));
        Ok(GoalKind::Union(UnionGoal { border, required, branches: branches.collect::<Result<_>>()? }))
    }

    fn source(&self, name: &SourceName, span: Span) -> Result<&'q Source> {
        self.sources.get(name).ok_or_else(|| {
            Error::new(Code::UnknownSource, format!("no source is given for `{}`", name.0))
                .with_value(&name.0)
                .at(span)
                .with_help(format!("add `{}` to :in and give a database or rows for it", name.0))
        })
    }

    fn pattern(&mut self, source: &SourceName, terms: &[Term], span: Span, scope: &mut Scope) -> Result<GoalKind> {
        let name = inherited(Some(source), scope);
        match self.source(&name, span)? {
            Source::Relation(rows) => {
                let places = terms.iter().map(|term| self.place(term, scope)).collect();
                Ok(GoalKind::Rows(Arc::clone(rows), places))
            }
            source @ Source::Facts(facts) => {
                let scan = self.scan(source.clone(), facts.as_ref(), &name, terms, scope)?;
                Ok(GoalKind::Scan(scan))
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
        for (at, term) in terms.iter().enumerate().take(6) {
            places[at] = self.place(term, scope);
            spans[at] = term.span();
        }
        let [entity, attribute, value, t, m, added] = places;
        let mut goal = ScanGoal { source, entity, attribute, value, rest: [t, m, added], matches_nothing: false, range: None };
        let known = self.scan_attribute(&mut goal, facts, name, spans[1])?;
        let mut matches_nothing = goal.matches_nothing;
        let [t, m, _] = &mut goal.rest;
        for (place, span) in [(&mut goal.entity, spans[0]), (t, spans[3]), (m, spans[4])] {
            matches_nothing |= !self.entity_place(place, facts, name, span)?;
        }
        let value_is_reference = known.as_ref().is_some_and(|known| known.value_type == Some(ValueType::Ref));
        if value_is_reference {
            matches_nothing |= !self.reference_place(&mut goal.value, facts, name, spans[2])?;
        }
        goal.matches_nothing = matches_nothing;
        Ok(goal)
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
                self.entity_uses.entry(*slot).or_insert_with(|| name.clone());
                return Ok(None);
            }
            Place::Constant(Value::Keyword(ident)) => self.resolver.attribute(facts, ident, span)?,
            Place::Constant(other) => {
                let id = self.resolver.entity(facts, other, span)?;
                id.and_then(|id| facts.attribute_by_id(id))
            }
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
                self.entity_uses.entry(*slot).or_insert_with(|| name.clone());
                Ok(true)
            }
            Place::Constant(value) => {
                let id = self.resolver.entity(facts, value, span)?;
                *place = Place::Constant(Value::Long(id.unwrap_or_default()));
                Ok(id.is_some())
            }
        }
    }

    /// The value of a reference attribute: anything but a keyword or lookup reference is itself.
    fn reference_place(&mut self, place: &mut Place, facts: &dyn Facts, name: &SourceName, span: Span) -> Result<bool> {
        self.entity_place(place, facts, name, span)
    }

    fn call(&mut self, call: &Call, binding: Option<&Binding>, scope: &mut Scope) -> Result<GoalKind> {
        let function = function::lookup(&call.name).ok_or_else(|| {
            Error::new(Code::UnknownFunction, format!("no function is called `{}`", call.name))
                .with_value(&call.name)
                .at(call.span)
        })?;
        let mut source = None;
        let mut args = Vec::new();
        for arg in &call.args {
            match arg {
                Argument::Variable(variable, _) => args.push(CallArgument::Slot(self.slot(scope, variable))),
                Argument::Constant(value, _) => args.push(CallArgument::Constant(value.clone())),
                Argument::Source(name, span) => source = Some((inherited(Some(name), scope), *span)),
            }
        }
        let source = match (function.kind, source) {
            (Kind::Pure(_), _) => None,
            (Kind::Sourced(_), given) => {
                let (name, span) = given.unwrap_or_else(|| (scope.source.clone(), call.span));
                if let Some(CallArgument::Slot(slot)) = args.first() {
                    self.entity_uses.entry(*slot).or_insert_with(|| name.clone());
                }
                Some(self.source(&name, span)?.clone())
            }
        };
        function.check_arity(args.len()).map_err(|error| error.at(call.span))?;
        let binding = binding.map(|binding| Target::new(binding, &mut |variable| self.slot(scope, variable)));
        Ok(GoalKind::Call(CallGoal { function, source, args, binding }))
    }

    fn rule(
        &mut self,
        source: Option<&SourceName>,
        name: &Arc<str>,
        args: &[Term],
        span: Span,
        scope: &mut Scope,
        goals: &mut Vec<Arc<Goal>>,
    ) -> Result<()> {
        let source = inherited(source, scope);
        let mut slots = Vec::new();
        for term in args {
            slots.push(match term {
                Term::Blank(_) => None,
                Term::Variable(variable, _) => Some(self.slot(scope, variable)),
                Term::Constant(value, span) => {
                    let slot = self.fresh(&Variable("?constant".into()));
                    self.constants.insert(slot, (value.clone(), *span));
                    let given = Relation::new(vec![slot], vec![repeat(value, 1)], 1);
                    goals.push(self.goal(GoalKind::Given(given), *span));
                    Some(slot)
                }
            });
        }
        let heads = self.rules.rules.iter().filter(|rule| rule.name == *name).collect::<Vec<_>>();
        if heads.is_empty() {
            return Err(Error::new(Code::UnknownRule, format!("no rule is called `{name}`"))
                .with_value(name)
                .at(span)
                .with_help("give it with the rules of `%`, or check the spelling"));
        }
        for head in &heads {
            let count = head.head.variables().count();
            if count != args.len() {
                return Err(Error::new(Code::Arity, format!("`{name}` takes {count} arguments, not {}", args.len())).at(span));
            }
        }
        if self.dependencies.is_recursive(name) || self.goal_count > UNFOLDED_GOALS_MAX {
            let predicate = self.predicate(name, &source)?;
            let goal = RuleGoal { predicate, args: slots };
            self.rule_calls.push(goal.clone());
            goals.push(self.goal(GoalKind::Rule(goal), span));
            return Ok(());
        }
        let slots = slots.into_iter().map(|slot| slot.unwrap_or_else(|| self.fresh(&Variable("_".into())))).collect::<Vec<_>>();
        let mut required = Vec::new();
        let mut branches = Vec::new();
        for head in heads {
            required.extend(slots.iter().take(head.head.required.len()));
            branches.push(self.unfold(head, &slots, &source, span)?);
        }
        if let ([_], true) = (&branches[..], required.is_empty()) {
            goals.append(&mut branches[0]);
            return Ok(());
        }
        let border = slots.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        goals.push(self.goal(GoalKind::Union(UnionGoal { border, required, branches }), span));
        Ok(())
    }

    /// The body of a rule with the slots of the call in place of the parameters.
    fn unfold(&mut self, rule: &crate::ast::Rule, slots: &[Slot], source: &SourceName, span: Span) -> Result<Vec<Arc<Goal>>> {
        self.goal_count += 1;
        let mut scope = Scope { names: BTreeMap::new(), source: source.clone() };
        let mut equal = Vec::new();
        for (variable, slot) in rule.head.variables().zip(slots) {
            match scope.names.insert(variable.clone(), *slot) {
                Some(earlier) if earlier != *slot => equal.push((earlier, *slot)),
                _ => {}
            }
        }
        let mut goals = self.block(&rule.clauses, &mut scope)?;
        for (from, to) in equal {
            let identity = function::lookup("identity").ok_or_else(|| Error::new(Code::UnknownFunction, "no `identity`"))?;
            let args = vec![CallArgument::Slot(to)];
            let call = CallGoal { function: identity, source: None, args, binding: Some(Target::Scalar(from)) };
            goals.push(self.goal(GoalKind::Call(call), span));
        }
        Ok(goals)
    }

    fn predicate(&mut self, name: &Arc<str>, source: &SourceName) -> Result<usize> {
        let key = (Arc::clone(name), source.clone());
        if let Some(id) = self.predicate_ids.get(&key) {
            return Ok(*id);
        }
        let id = self.predicates.len();
        self.predicate_ids.insert(key, id);
        let rules = self.rules;
        let heads = rules.rules.iter().filter(|rule| rule.name == *name).collect::<Vec<_>>();
        let params = heads.first().map_or_else(Vec::new, |rule| rule.head.variables().collect());
        let params = params.into_iter().map(|variable| self.fresh(variable)).collect::<Vec<_>>();
        let mut needs = vec![false; params.len()];
        for head in &heads {
            needs.iter_mut().take(head.head.required.len()).for_each(|is_needed| *is_needed = true);
        }
        let component = self.dependencies.component(name);
        let (name, source) = (Arc::clone(name), source.clone());
        self.predicates.push(Predicate { name, source, params, needs, branches: Vec::new(), component });
        self.open_predicates.push(id);
        Ok(id)
    }

    /// Lowers the bodies of predicates, which may call for more of them; one after the other, so that long chains of rules need no deep
    /// stack.
    fn lower_predicates(&mut self) -> Result<()> {
        while let Some(id) = self.open_predicates.pop() {
            let (name, source) = (Arc::clone(&self.predicates[id].name), self.predicates[id].source.clone());
            let rules = self.rules;
            for rule in rules.rules.iter().filter(|rule| rule.name == name) {
                let mut scope = Scope { names: BTreeMap::new(), source: source.clone() };
                let head = rule.head.variables().map(|variable| self.slot(&mut scope, variable)).collect();
                let goals = self.block(&rule.clauses, &mut scope)?;
                self.predicates[id].branches.push(PredicateBranch { head, goals });
            }
        }
        Ok(())
    }

    /// Carries what is known of rules to their callers, until nothing changes: which parameters stand for entities, and which the
    /// caller must bind.
    pub(crate) fn settle_rules(&mut self) -> Result<()> {
        self.lower_predicates()?;
        loop {
            let mut changed = false;
            for call in &self.rule_calls {
                for (at, arg) in call.args.iter().enumerate() {
                    let heads = self.predicates[call.predicate].branches.iter().map(|branch| branch.head[at]);
                    let used = heads.filter_map(|slot| self.entity_uses.get(&slot)).next().cloned();
                    if let (Some(slot), Some(source)) = (arg, used) {
                        changed |= !self.entity_uses.contains_key(slot);
                        self.entity_uses.entry(*slot).or_insert(source);
                    }
                }
            }
            for at in 0..self.predicates.len() {
                changed |= self.settle_needs(at);
            }
            if !changed {
                return Ok(());
            }
        }
    }

    fn settle_needs(&mut self, at: usize) -> bool {
        let predicate = &self.predicates[at];
        let mut needs = predicate.needs.clone();
        for branch in &predicate.branches {
            let required = branch.head.iter().zip(&needs).filter(|(_, is_needed)| **is_needed).map(|(slot, _)| *slot);
            let required = required.collect::<Vec<_>>();
            let found = crate::plan::goal::block_needs(&branch.goals, &branch.head, &required, &self.predicates);
            for (slot, is_needed) in branch.head.iter().zip(&mut needs) {
                *is_needed |= found.contains(*slot);
            }
        }
        let changed = needs != predicate.needs;
        self.predicates[at].needs = needs;
        changed
    }
}

/// The name of a source, `$` standing for the one that is inherited.
fn inherited(source: Option<&SourceName>, scope: &Scope) -> SourceName {
    match source {
        Some(name) if *name != SourceName::default() => name.clone(),
        _ => scope.source.clone(),
    }
}

fn within(scope: &Scope, source: Option<&SourceName>) -> Scope {
    Scope { names: scope.names.clone(), source: inherited(source, scope) }
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
