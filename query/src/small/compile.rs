//! From a checked query to steps. What the small way does not know leaves the question to the ordinary way, which knows everything.

use std::sync::Arc;

use super::form::{FactStep, Form, GetStep, LIMIT_SLOTS, NOWHERE, Nowhere, Of, Start, Step, Term, bit};
use super::order::ordered;
use super::walk::Looked;
use crate::ast::{Argument, Binding, Call, Clause, Element, Input, PullArgument, Query, Rule, RuleSet, SourceName, Variable};
use crate::ast::{PullNested, PullPattern, PullSpec, Term as Written};
use crate::budget::Budget;
use crate::check::Checked;
use crate::facts::{Attribute, Cardinality, Facts, Scan, Values};
use crate::find::element_text;
use crate::function::{Function, Kind};
use crate::plan::mention::{every_variable, mentioned};
use crate::plan::resolve::lookup_reference;
use crate::plan::scope::Scope;
use crate::plan::slot::Slot;
use crate::pull;
use crate::registry::Functions;
use crate::value::{Value, ValueType};

/// Steps and calls of rules of one form.
const LIMIT_STEPS: usize = 48;

struct Compiler<'q> {
    names: &'q [Option<&'q SourceName>],
    sources: &'q Looked<'q>,
    checked: &'q Checked,
    functions: &'q Functions,
    slots: u32,
    steps: usize,
    starts: Vec<Start>,
    /// The sources in which a variable stands for an entity.
    uses: Vec<u8>,
    /// Variables that functions bind.
    computed: u64,
    /// Attributes that are looked at, by source.
    attributes: Vec<(usize, i64)>,
}

/// The form of a query whose sources these are, in the order of `:in`.
pub(super) fn form(
    checked: &Checked,
    names: &[Option<&SourceName>],
    sources: &Looked<'_>,
    functions: &Functions,
    is_forced: bool,
    budget: &Budget,
) -> Option<Form> {
    let mut compiler = Compiler {
        names,
        sources,
        checked,
        functions,
        slots: 0,
        steps: 0,
        starts: Vec::new(),
        uses: Vec::new(),
        computed: 0,
        attributes: Vec::new(),
    };
    compiler.form(checked.query(), is_forced, budget)
}

impl<'q> Compiler<'q> {
    fn form(&mut self, query: &'q Query, is_forced: bool, budget: &Budget) -> Option<Form> {
        let mut scope = Scope::default();
        self.inputs(query, &mut scope)?;
        let steps = self.block(&query.clauses, &mut scope)?;
        let (variables, output) = self.output(query, &mut scope)?;
        self.pulls(query, &scope)?;
        let is_clear = (0..self.slots).all(|slot| self.uses[slot as usize] == 0 || self.computed & bit(slot) == 0);
        if !is_clear {
            return None;
        }
        let bound = self.starts.iter().fold(0, |bound, start| bound | bit(start.slot));
        let steps = ordered(steps, bound, is_forced)?;
        let bound = steps.iter().fold(bound, |bound, step| bound | step.binds());
        if !output.iter().all(|slot| bound & bit(*slot) != 0) {
            return None;
        }
        for (at, facts) in self.sources.iter().enumerate() {
            let Some(facts) = facts else { continue };
            let mut attributes: Vec<i64> = self.attributes.iter().filter(|(own, _)| *own == at).map(|(_, id)| *id).collect();
            attributes.sort_unstable();
            attributes.dedup();
            facts.announce(&attributes, budget).ok()?;
        }
        let mut starts = std::mem::take(&mut self.starts);
        for start in &mut starts {
            start.uses = self.uses[start.slot as usize];
        }
        let stamps = self.sources.map(|facts| facts.and_then(Facts::stamp));
        Some(Form { stamps, starts, steps, slots: self.slots, plain: plain_header(query, &variables), variables, output })
    }

    fn fresh(&mut self) -> Option<Slot> {
        if self.slots == LIMIT_SLOTS {
            return None;
        }
        self.slots += 1;
        self.uses.push(0);
        Some(self.slots - 1)
    }

    fn slot(&mut self, scope: &mut Scope, variable: &Variable) -> Option<Slot> {
        if let Some(slot) = scope.names.get(variable) {
            return Some(*slot);
        }
        let slot = self.fresh()?;
        scope.names.insert(variable.clone(), slot);
        Some(slot)
    }

    /// A variable of this value.
    fn constant(&mut self, value: &Value, nowhere: Nowhere) -> Option<Slot> {
        let slot = self.fresh()?;
        self.starts.push(Start { slot, constant: Some(value.clone()), place: 0, uses: 0, nowhere });
        Some(slot)
    }

    fn inputs(&mut self, query: &Query, scope: &mut Scope) -> Option<()> {
        for (place, input) in query.inputs.iter().enumerate() {
            match input {
                Input::Source(..) | Input::Rules(_) | Input::Binding(Binding::Ignore(_)) => {}
                Input::Binding(Binding::Scalar(variable, _)) if !scope.names.contains_key(variable) => {
                    let slot = self.slot(scope, variable)?;
                    self.starts.push(Start { slot, constant: None, place, uses: 0, nowhere: Nowhere::Query });
                }
                Input::Binding(_) | Input::Pattern(..) => return None,
            }
        }
        Some(())
    }

    fn block(&mut self, clauses: &'q [Clause], scope: &mut Scope) -> Option<Vec<Step>> {
        for variable in mentioned(clauses) {
            self.slot(scope, variable)?;
        }
        let mut steps = Vec::with_capacity(clauses.len());
        clauses.iter().try_for_each(|clause| self.clause(clause, scope, &mut steps))?;
        Some(steps)
    }

    fn clause(&mut self, clause: &'q Clause, scope: &mut Scope, steps: &mut Vec<Step>) -> Option<()> {
        self.steps += 1;
        if self.steps > LIMIT_STEPS {
            return None;
        }
        let step = match clause {
            Clause::Pattern { source, terms, .. } => self.pattern(source, terms, scope)?,
            Clause::Predicate { call, .. } => self.call(call, None, scope)?,
            Clause::Function { call, binding, .. } => self.call(call, Some(binding), scope)?,
            Clause::And(clauses, _) => return clauses.iter().try_for_each(|clause| self.clause(clause, scope, steps)),
            Clause::Or { branches, .. } => self.either(branches, scope, 0)?,
            Clause::OrJoin { border, branches, .. } => {
                let inner = self.narrowed(scope, border.variables())?;
                let required = border.required.iter().filter_map(|(variable, _)| inner.names.get(variable));
                let required = required.fold(0, |all, slot| all | bit(*slot));
                self.either(branches, &inner, required)?
            }
            Clause::Not { clauses, .. } => {
                let shared = every_variable(clauses).into_iter().filter_map(|variable| scope.names.get(variable));
                let shared = shared.fold(0, |all, slot| all | bit(*slot));
                Step::Absent { shared, steps: self.block(clauses, &mut scope.clone())? }
            }
            Clause::NotJoin { variables, clauses, .. } => {
                let mut inner = self.narrowed(scope, variables.iter().map(|(variable, _)| variable))?;
                let shared = inner.names.values().fold(0, |all, slot| all | bit(*slot));
                Step::Absent { shared, steps: self.block(clauses, &mut inner)? }
            }
            Clause::Rule { source, name, args, .. } => self.rule(source.as_ref(), name, args, scope)?,
        };
        steps.push(step);
        Some(())
    }

    fn either(&mut self, branches: &'q [Clause], scope: &Scope, required: u64) -> Option<Step> {
        let branches = branches.iter().map(|branch| self.block(std::slice::from_ref(branch), &mut scope.clone()));
        Some(Step::Either { required, branches: branches.collect::<Option<_>>()? })
    }

    /// A scope that knows these variables alone.
    fn narrowed<'v>(&mut self, scope: &mut Scope, variables: impl Iterator<Item = &'v Variable>) -> Option<Scope> {
        let names = variables.map(|variable| Some((variable.clone(), self.slot(scope, variable)?)));
        Some(Scope { names: names.collect::<Option<_>>()?, source: scope.source.clone() })
    }

    /// A rule that does not recurse is one of its bodies, with what it is called with in place of the parameters.
    fn rule(&mut self, source: Option<&SourceName>, name: &str, args: &[Written], scope: &mut Scope) -> Option<Step> {
        if self.checked.is_recursive(name) {
            return None;
        }
        let source = scope.inherited(source);
        let slots = args.iter().map(|term| match term {
            Written::Blank(_) => self.fresh(),
            Written::Variable(variable, _) => self.slot(scope, variable),
            Written::Constant(value, _) => self.constant(value, Nowhere::Block),
        });
        let slots = slots.collect::<Option<Vec<_>>>()?;
        let rules: &'q RuleSet = self.checked.rules();
        let mut required = 0;
        let mut branches = Vec::new();
        for rule in rules.rules.iter().filter(|rule| &*rule.name == name) {
            required |= slots.iter().take(rule.head.required.len()).fold(0, |all, slot| all | bit(*slot));
            branches.push(self.unfolded(rule, &slots, &source)?);
        }
        Some(Step::Either { required, branches })
    }

    fn unfolded(&mut self, rule: &'q Rule, slots: &[Slot], source: &SourceName) -> Option<Vec<Step>> {
        if rule.head.variables().count() != slots.len() {
            return None;
        }
        let mut scope = Scope::of(source.clone());
        for (variable, slot) in rule.head.variables().zip(slots) {
            if scope.names.insert(variable.clone(), *slot).is_some() {
                return None;
            }
        }
        self.block(&rule.clauses, &mut scope)
    }

    /// A source, and its number.
    fn source(&self, name: &SourceName) -> Option<(usize, &'q dyn Facts)> {
        let at = self.names.iter().position(|own| *own == Some(name))?;
        Some((at, self.sources[at]?))
    }

    fn pattern(&mut self, source: &SourceName, terms: &'q [Written], scope: &mut Scope) -> Option<Step> {
        let (source, facts) = self.source(&scope.inherited(Some(source)))?;
        let [entity, Written::Constant(Value::Keyword(ident), _), rest @ ..] = terms else { return None };
        let attribute = self.attribute(source, facts, ident)?;
        let entity = self.entity(entity, source, facts, scope)?;
        let value = match rest.first() {
            Some(value) if attribute.value_type == Some(ValueType::Ref) => self.entity(value, source, facts, scope)?,
            Some(Written::Variable(variable, _)) => Term::Slot(self.slot(scope, variable)?),
            Some(Written::Constant(value, _)) => Term::Constant(value.clone()),
            Some(Written::Blank(_)) | None => Term::Any,
        };
        let t = match rest.get(1) {
            None | Some(Written::Blank(_)) => None,
            Some(Written::Variable(variable, _)) => {
                let slot = self.slot(scope, variable)?;
                self.uses[slot as usize] |= 1 << source;
                Some(slot)
            }
            Some(Written::Constant(..)) => return None,
        };
        let is_short = rest.len() <= 4 && rest.iter().skip(2).all(|term| matches!(term, Written::Blank(_)));
        let of_value = expected(&attribute, &value, facts);
        is_short.then_some(Step::Fact(FactStep { of: Of { source, attribute, entity }, value, t, of_value }))
    }

    fn attribute(&mut self, source: usize, facts: &dyn Facts, ident: &str) -> Option<Arc<Attribute>> {
        let attribute = facts.attribute(ident)?;
        self.attributes.push((source, attribute.id));
        Some(attribute)
    }

    /// A term in the place of an entity.
    fn entity(&mut self, term: &Written, source: usize, facts: &dyn Facts, scope: &mut Scope) -> Option<Term> {
        Some(match term {
            Written::Blank(_) => Term::Any,
            Written::Variable(variable, _) => {
                let slot = self.slot(scope, variable)?;
                self.uses[slot as usize] |= 1 << source;
                Term::Slot(slot)
            }
            Written::Constant(Value::Keyword(ident), _) => match facts.entity_by_ident(ident).ok()? {
                Some(id) => Term::Constant(Value::Long(id)),
                None => Term::Constant(NOWHERE),
            },
            Written::Constant(value, _) if lookup_reference(value).is_some() => {
                let slot = self.constant(value, Nowhere::Pattern)?;
                self.uses[slot as usize] |= 1 << source;
                Term::Slot(slot)
            }
            Written::Constant(Value::Long(id), _) => Term::Constant(Value::Long(*id)),
            Written::Constant(..) => return None,
        })
    }

    fn call(&mut self, call: &Call, binding: Option<&Binding>, scope: &mut Scope) -> Option<Step> {
        let function = self.functions.function(&call.name)?;
        if function.asks_source() {
            return self.asking(function.built_in()?, call, binding, scope);
        }
        function.check_arity(call.args.len()).ok()?;
        let args = call.args.iter().map(|arg| match arg {
            Argument::Variable(variable, _) => self.slot(scope, variable).map(Term::Slot),
            Argument::Constant(value, _) => Some(Term::Constant(value.clone())),
            Argument::Source(..) => None,
        });
        let args = args.collect::<Option<Box<[_]>>>()?;
        Some(match binding {
            None => Step::Test(function, args),
            Some(binding) => Step::Call(function, args, self.target(binding, scope)?),
        })
    }

    /// The variable of a binding form, if it is one.
    fn target(&mut self, binding: &Binding, scope: &mut Scope) -> Option<Slot> {
        let Binding::Scalar(variable, _) = binding else { return None };
        let slot = self.slot(scope, variable)?;
        self.computed |= bit(slot);
        Some(slot)
    }

    /// `get-else` and `missing?` of an attribute that is written as its keyword.
    fn asking(&mut self, function: &Function, call: &Call, binding: Option<&Binding>, scope: &mut Scope) -> Option<Step> {
        let named = call.args.iter().find_map(|arg| if let Argument::Source(name, _) = arg { Some(name) } else { None });
        let (source, facts) = self.source(&scope.inherited(named))?;
        let args: Vec<&Argument> = call.args.iter().filter(|arg| !matches!(arg, Argument::Source(..))).collect();
        let (Kind::Sourced(_), [Argument::Variable(entity, _), Argument::Constant(Value::Keyword(ident), _), rest @ ..]) =
            (&function.kind, &args[..])
        else {
            return None;
        };
        let attribute = self.attribute(source, facts, ident)?;
        let slot = self.slot(scope, entity)?;
        self.uses[slot as usize] |= 1 << source;
        let of = Of { source, attribute, entity: Term::Slot(slot) };
        match (function.name, rest, binding) {
            ("missing?", [], None) => Some(Step::Missing(of)),
            ("get-else", [Argument::Constant(default, _)], Some(binding))
                if of.attribute.cardinality == Cardinality::One && !matches!(default, Value::Nil) =>
            {
                Some(Step::Get(GetStep { of, default: default.clone(), slot: self.target(binding, scope)? }))
            }
            _ => None,
        }
    }

    /// The variables whose values the answer is made of, each once.
    fn output(&mut self, query: &Query, scope: &mut Scope) -> Option<(Vec<Variable>, Vec<Slot>)> {
        let variables = query.output_variables();
        let slots = variables.iter().map(|variable| self.slot(scope, variable)).collect::<Option<_>>()?;
        Some((variables.into_iter().cloned().collect(), slots))
    }

    /// Variables that are pulled stand for entities where nothing else says in which source they do; what is pulled must be known.
    fn pulls(&mut self, query: &Query, scope: &Scope) -> Option<()> {
        for element in query.find.elements() {
            let Element::Pull { source, variable, pattern, .. } = element else { continue };
            let PullArgument::Pattern(pattern) = pattern else { return None };
            let (at, facts) = self.source(source)?;
            let slot = *scope.names.get(variable)?;
            if self.uses[slot as usize] == 0 {
                self.uses[slot as usize] = 1 << at;
            }
            are_known(pattern, facts).then_some(())?;
        }
        Some(())
    }
}

/// How many facts one value leads to, as far as is known now; more where others have to be read to find them.
fn expected(attribute: &Attribute, value: &Term, facts: &dyn Facts) -> f64 {
    match value {
        Term::Any => f64::INFINITY,
        Term::Constant(value) => {
            facts.estimate(&Scan { attribute: Some(attribute.id), values: Values::Equal(value), ..Scan::default() }).read
        }
        Term::Slot(_) => {
            let all = facts.estimate(&Scan { attribute: Some(attribute.id), ..Scan::default() });
            all.rows / all.distinct_v.max(1.0)
        }
    }
}

fn are_known(pattern: &PullPattern, facts: &dyn Facts) -> bool {
    pattern.specs.iter().all(|spec| match spec {
        PullSpec::Wildcard => true,
        PullSpec::Attribute(attribute) => {
            let is_known = &*attribute.ident == pull::ID || facts.attribute(&attribute.ident).is_some();
            is_known && if let PullNested::Pattern(inner) = &attribute.nested { are_known(inner, facts) } else { true }
        }
    })
}

/// The header of an answer that is the output's variables as they are.
fn plain_header(query: &Query, variables: &[Variable]) -> Option<Arc<[String]>> {
    let elements = query.find.elements();
    let is_own = |(element, variable): (&Element, &Variable)| matches!(element, Element::Variable(own, _) if own == variable);
    let is_plain = query.with.is_empty() && query.having.is_empty() && query.order_by.is_empty();
    let is_plain = is_plain && elements.len() == variables.len() && elements.iter().zip(variables).all(is_own);
    is_plain.then(|| elements.iter().map(element_text).collect())
}
