//! What can be bound, in whatever order the clauses stand.
//!
//! Clauses are taken as soon as what they need is bound, until none is left; then an order exists, or a clause is named that waits
//! for ever. A rule is looked at once for each way of calling it (which arguments are bound): it is taken to run until
//! its bodies show otherwise, which is the right answer for rules that call themselves.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use crate::ast::{Border, Call, Clause, Query, Rule, Term, Variable};
use crate::budget::Budget;
use crate::check::block::{Block, Taken, Why, culprit};
use crate::check::branch;
use crate::check::mention::{self, Names, Scope};
use crate::check::rulebook::Rulebook;
use crate::error::{Error, Result, Span};

/// How often clauses may be looked at, about a second's work. An ordinary query takes a few dozen looks; only one built to be
/// entangled comes near.
const LIMIT_LOOKS: usize = 5_000_000;
/// Looks that a clause with clauses inside, or the call of a rule, counts for.
const LOOKS_PER_COMPOUND: usize = 50;

/// A rule and which of its arguments are bound.
type Mode<'q> = (&'q str, Vec<bool>);

/// Finds out what can be bound.
pub(super) struct Binder<'c, 'q> {
    book: &'c Rulebook<'q>,
    /// The modes asked for, and whether the rule runs in them.
    modes: RefCell<BTreeMap<Mode<'q>, bool>>,
    /// For each mode, those that asked for it.
    askers: RefCell<BTreeMap<Mode<'q>, BTreeSet<Mode<'q>>>>,
    /// Modes to look at (again).
    open: RefCell<BTreeSet<Mode<'q>>>,
    looks: Cell<usize>,
    budget: &'c Budget,
    /// Why looking has ended before anything was found out.
    stopped: RefCell<Option<Error>>,
}

impl<'c, 'q> Binder<'c, 'q> {
    pub(super) fn new(book: &'c Rulebook<'q>, budget: &'c Budget) -> Self {
        Self {
            book,
            modes: RefCell::default(),
            askers: RefCell::default(),
            open: RefCell::default(),
            looks: Cell::new(0),
            budget,
            stopped: RefCell::default(),
        }
    }

    /// Spends so many looks; false if no more are allowed.
    fn may_look(&self, looks: usize) -> bool {
        if let Err(error) = self.budget.spend_steps(looks as u64) {
            self.stopped.replace(Some(error));
        }
        self.stopped.borrow().is_none()
    }

    /// Each rule must run when all of its arguments are bound.
    pub(super) fn check_rules(&self) -> Result<()> {
        let mut blocks: Vec<(Block<'q>, &'q Rule)> = Vec::new();
        for rule in self.book.all() {
            let mode = vec![true; rule.head.variables().count()];
            let runs = self.can_run(&rule.name, mode.clone());
            self.stopped.take().map_or(Ok(()), Err)?;
            if !runs {
                blocks.extend(self.body(rule, &mode, None).err().map(|block| (block, rule)));
            }
        }
        // A rule that only waits for another faulty one is not to blame.
        match blocks.iter().min_by_key(|(block, rule)| (matches!(block.why, Why::Rule(_)), rule.span.start)) {
            None => Ok(()),
            Some((block, rule)) => Err(self.refuse(*block, &mention::flat(&rule.clauses))),
        }
    }

    /// What is bound at the end of `:where`.
    pub(super) fn check_query(&self, query: &'q Query) -> Result<Names<'q>> {
        let clauses = mention::flat(&query.clauses);
        let inputs = branch::inputs(query);
        let mut bound = inputs.clone();
        self.take_all(&clauses, &mut bound, &inputs, None).map_err(|block| self.refuse(block, &clauses))?;
        Ok(bound)
    }

    /// Which arguments of a rule must be bound.
    pub(super) fn needs_of(&self, name: &'q str) -> Result<Vec<bool>> {
        let needs = self.needs(name);
        self.stopped.take().map_or(Ok(needs), Err)
    }

    fn needs(&self, name: &'q str) -> Vec<bool> {
        let arity = self.book.arity(name).unwrap_or(0);
        (0..arity).map(|at| !self.can_run(name, (0..arity).map(|other| other != at).collect())).collect()
    }

    /// Whether the rule runs in this mode.
    fn can_run(&self, name: &'q str, mode: Vec<bool>) -> bool {
        let key = (name, mode);
        self.ask(&key, None);
        loop {
            let Some(next) = self.open.borrow_mut().pop_first() else { break };
            if !self.may_look(1 + next.1.len()) {
                break;
            }
            if !self.modes.borrow()[&next] {
                continue;
            }
            let bodies = self.book.bodies(next.0);
            if bodies.iter().any(|body| self.body(body, &next.1, Some(&next)).is_err()) {
                let askers = self.askers.borrow().get(&next).cloned().unwrap_or_default();
                self.open.borrow_mut().extend(askers);
                self.modes.borrow_mut().insert(next, false);
            }
        }
        self.modes.borrow()[&key]
    }

    /// What is known so far of a mode; a new one is taken to run and looked at later.
    fn ask(&self, key: &Mode<'q>, asker: Option<&Mode<'q>>) -> bool {
        if let Some(asker) = asker {
            self.askers.borrow_mut().entry(key.clone()).or_default().insert(asker.clone());
        }
        if let Some(runs) = self.modes.borrow().get(key) {
            return *runs;
        }
        self.modes.borrow_mut().insert(key.clone(), true);
        self.open.borrow_mut().insert(key.clone());
        true
    }

    fn body(&self, rule: &'q Rule, mode: &[bool], asker: Option<&Mode<'q>>) -> Taken<'q> {
        let head: Names<'q> = rule.head.variables().collect();
        let mut bound: Names<'q> =
            rule.head.variables().zip(mode).filter(|(_, is_bound)| **is_bound).map(|(name, _)| name).collect();
        let missing = rule.head.required.iter().map(|(variable, _)| variable).find(|variable| !bound.contains(variable));
        if missing.is_some() {
            return Err(Block { why: Why::Rule(&rule.name), variable: missing, span: rule.span });
        }
        self.take_all(&mention::flat(&rule.clauses), &mut bound, &head, asker)?;
        match head.difference(&bound).next() {
            None => Ok(()),
            missing => Err(Block { why: Why::Rule(&rule.name), variable: missing.copied(), span: rule.span }),
        }
    }

    /// Takes all of these clauses, adding to `bound` what they bind.
    fn take_all(
        &self,
        clauses: &[&'q Clause],
        bound: &mut Names<'q>,
        visible: &Names<'q>,
        asker: Option<&Mode<'q>>,
    ) -> Taken<'q> {
        if !self.may_look(clauses.len()) {
            let span = clauses.first().map(|clause| clause.span()).unwrap_or_default();
            return Err(Block { why: Why::Entangled, variable: None, span });
        }
        let scope = Scope::new(clauses, visible);
        let mut waiting = clauses.to_vec();
        // What costs least to look at first, so that the rest is looked at seldom.
        waiting.sort_by_key(|clause| match clause {
            Clause::Pattern { .. } => 0,
            Clause::Predicate { .. } | Clause::Function { .. } => 1,
            Clause::Rule { .. } => 2,
            _ => 3,
        });
        loop {
            let count = waiting.len();
            let mut blocks = Vec::new();
            waiting.retain(|clause| {
                let outcome = self.take(clause, bound, &scope, asker);
                outcome.map_err(|block| blocks.push(block)).is_err()
            });
            if waiting.is_empty() {
                return Ok(());
            }
            if waiting.len() == count {
                return Err(culprit(&waiting, &blocks));
            }
        }
    }

    fn take(&self, clause: &'q Clause, bound: &mut Names<'q>, scope: &Scope<'_, 'q>, asker: Option<&Mode<'q>>) -> Taken<'q> {
        let span = clause.span();
        self.looks.set(self.looks.get() + looks(clause));
        if self.looks.get() > LIMIT_LOOKS || !self.may_look(looks(clause)) {
            return Err(Block { why: Why::Entangled, variable: None, span });
        }
        match clause {
            Clause::Pattern { terms, .. } => bound.extend(mention::of_terms(terms)),
            Clause::Predicate { call, .. } => arguments(call, bound, span)?,
            Clause::Function { call, binding, .. } => {
                arguments(call, bound, span)?;
                bound.extend(mention::of_binding(binding));
            }
            Clause::And(..) => unreachable!("every list of clauses is flattened before its clauses are taken"),
            Clause::Or { branches, .. } => {
                let shared = scope.shared(clause);
                let given = shared.intersection(bound).copied().collect();
                bound.extend(self.or(branches, &given, &shared, asker)?);
            }
            Clause::OrJoin { border, branches, .. } => {
                self.or_join(border, branches, bound, span, asker)?;
                bound.extend(border.variables());
            }
            Clause::Not { clauses, .. } => {
                self.negation("not", clauses, &scope.shared(clause), bound, span, asker)?;
            }
            Clause::NotJoin { variables, clauses, .. } => {
                let shared = variables.iter().map(|(variable, _)| variable).collect();
                self.negation("not-join", clauses, &shared, bound, span, asker)?;
            }
            Clause::Rule { name, args, .. } => {
                self.rule(name, args, bound, span, asker)?;
                bound.extend(mention::of_terms(args));
            }
        }
        Ok(())
    }

    /// What every branch binds.
    fn or(
        &self,
        branches: &'q [Clause],
        bound: &Names<'q>,
        visible: &Names<'q>,
        asker: Option<&Mode<'q>>,
    ) -> Taken<'q, Names<'q>> {
        let mut common: Option<Names<'q>> = None;
        for branch in branches {
            let mut inner = bound.clone();
            self.take_all(&mention::flat(std::slice::from_ref(branch)), &mut inner, visible, asker)?;
            common = Some(match common {
                None => inner,
                Some(common) => common.intersection(&inner).copied().collect(),
            });
        }
        Ok(common.unwrap_or_else(|| bound.clone()))
    }

    /// Each branch binds what crosses the border.
    fn or_join(
        &self,
        border: &'q Border,
        branches: &'q [Clause],
        bound: &Names<'q>,
        span: Span,
        asker: Option<&Mode<'q>>,
    ) -> Taken<'q> {
        let missing = border.required.iter().map(|(variable, _)| variable).find(|variable| !bound.contains(variable));
        if missing.is_some() {
            return Err(Block { why: Why::Required, variable: missing, span });
        }
        let crossing: Names<'q> = border.variables().collect();
        let given = crossing.intersection(bound).copied().collect();
        for branch in branches {
            let inner = self.or(std::slice::from_ref(branch), &given, &crossing, asker)?;
            if let Some(missing) = crossing.difference(&inner).next() {
                return Err(Block { why: Why::Branch, variable: Some(*missing), span: branch.span() });
            }
        }
        Ok(())
    }

    fn negation(
        &self,
        word: &'q str,
        clauses: &'q [Clause],
        shared: &Names<'q>,
        bound: &Names<'q>,
        span: Span,
        asker: Option<&Mode<'q>>,
    ) -> Taken<'q> {
        if let Some(missing) = shared.difference(bound).next() {
            return Err(Block { why: Why::Negation(word), variable: Some(*missing), span });
        }
        self.take_all(&mention::flat(clauses), &mut shared.clone(), shared, asker)
    }

    fn rule(&self, name: &'q str, args: &'q [Term], bound: &Names<'q>, span: Span, asker: Option<&Mode<'q>>) -> Taken<'q> {
        let is_bound = |term: &Term| match term {
            Term::Blank(_) => false,
            Term::Variable(variable, _) => bound.contains(variable),
            Term::Constant(..) => true,
        };
        let mode: Vec<bool> = args.iter().map(is_bound).collect();
        let runs = match asker {
            None => self.can_run(name, mode),
            Some(_) => self.ask(&(name, mode), asker),
        };
        if runs {
            return Ok(());
        }
        // Inside of a rule the reason only matters once the rule itself is looked at on its own.
        let needs = if asker.is_none() { self.needs(name) } else { vec![true; args.len()] };
        let unbound = args.iter().zip(needs).filter(|(term, _)| !is_bound(term));
        let variable = unbound.min_by_key(|(_, is_needed)| !is_needed).and_then(|(term, _)| match term {
            Term::Variable(variable, _) => Some(variable),
            Term::Blank(_) | Term::Constant(..) => None,
        });
        Err(Block { why: Why::Rule(name), variable, span })
    }

    fn refuse(&self, block: Block<'q>, scope: &[&Clause]) -> Error {
        if let Some(stopped) = self.stopped.take() {
            return stopped;
        }
        let Why::Rule(name) = block.why else { return block.into_error(scope, &[]) };
        let head = self.book.bodies(name).first().map_or_else(Vec::new, |rule| rule.head.variables().collect());
        let needed: Vec<&Variable> =
            head.into_iter().zip(self.needs(name)).filter(|(_, is_needed)| *is_needed).map(|(variable, _)| variable).collect();
        block.into_error(scope, &needed)
    }
}

/// What looking at a clause once counts for.
fn looks(clause: &Clause) -> usize {
    match clause {
        Clause::Pattern { .. } | Clause::Predicate { .. } | Clause::Function { .. } => 1,
        _ => LOOKS_PER_COMPOUND,
    }
}

fn arguments<'q>(call: &'q Call, bound: &Names<'q>, span: Span) -> Taken<'q> {
    match mention::of_call(call).find(|variable| !bound.contains(variable)) {
        None => Ok(()),
        missing => Err(Block { why: Why::Argument(&call.name), variable: missing, span }),
    }
}
