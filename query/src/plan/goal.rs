//! Conditions with everything resolved: slots for variables, ids for attributes and entities, one source each.

use std::sync::Arc;

use crate::ast::{Binding, PullPattern, Query, RuleSet, SourceName, Variable};
use crate::budget::Budget;
use crate::error::{Result, Span};
use crate::function::AnyFunction;
use crate::plan::memory::Orders;
use crate::plan::needs::Needs;
use crate::plan::slot::Slot;
use crate::plan::tree::Grouping;
use crate::registry::Functions;
use crate::run::relation::Relation;
use crate::source::Source;
use crate::tuning::Tuning;
use crate::value::Value;

/// A place of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    /// Anything.
    Blank,
    /// A variable.
    Slot(Slot),
    /// This value, or one that is the same.
    Constant(Value),
}

impl Place {
    /// The variable, if it is one.
    pub(crate) fn slot(&self) -> Option<Slot> {
        match self {
            Self::Slot(slot) => Some(*slot),
            Self::Blank | Self::Constant(_) => None,
        }
    }
}

/// The places of a pattern on facts.
#[derive(Clone, Debug)]
pub(crate) struct ScanGoal {
    /// A database.
    pub(crate) source: Source,
    /// Entity: a constant is an id.
    pub(crate) entity: Place,
    /// Attribute: a constant is an id.
    pub(crate) attribute: Place,
    /// Value: a constant reference is an id.
    pub(crate) value: Place,
    /// Transaction, metadata entity, added.
    pub(crate) rest: [Place; 3],
    /// True if some constant resolved to nothing.
    pub(crate) matches_nothing: bool,
    /// The entity that the constant in the place of the value means to references, where the attribute is found only by running.
    pub(crate) value_entity: Option<i64>,
    /// Bounds that predicates set to the value, exact for the declared type of the attribute.
    pub(crate) range: Option<ValueRange>,
}

/// What is left between two bounds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValueRange {
    /// At or above.
    pub(crate) low: std::ops::Bound<Value>,
    /// At or below.
    pub(crate) high: std::ops::Bound<Value>,
}

impl ScanGoal {
    /// All places in the order in which they are written.
    pub(crate) fn places(&self) -> [&Place; 6] {
        let [t, m, added] = &self.rest;
        [&self.entity, &self.attribute, &self.value, t, m, added]
    }

    /// The id of the attribute, if it is named.
    pub(crate) fn attribute_id(&self) -> Option<i64> {
        match &self.attribute {
            Place::Constant(Value::Long(id)) => Some(*id),
            _ => None,
        }
    }
}

/// What a call takes.
#[derive(Clone, Debug)]
pub(crate) enum CallArgument {
    /// The value of a variable.
    Slot(Slot),
    /// A literal.
    Constant(Value),
}

/// A predicate or function.
#[derive(Clone, Debug)]
pub(crate) struct CallGoal {
    /// What is called.
    pub(crate) function: AnyFunction,
    /// The database it asks, if it needs one.
    pub(crate) source: Option<Source>,
    /// The arguments, without the source.
    pub(crate) args: Vec<CallArgument>,
    /// What takes the result; a predicate's only has to be truthy.
    pub(crate) binding: Option<Target>,
    /// The query that `q` asks.
    pub(crate) nested: Option<Arc<NestedGoal>>,
}

impl CallGoal {
    /// True if it is a predicate of values alone, whose errors wait until every other clause has spoken.
    pub(crate) fn is_test(&self) -> bool {
        self.binding.is_none() && self.source.is_none() && self.nested.is_none()
    }

    /// The two variables of `(= ?x ?y)`.
    pub(crate) fn equated(&self) -> Option<(Slot, Slot)> {
        match (self.function.name(), &self.args[..], &self.binding) {
            ("=" | "==", [CallArgument::Slot(left), CallArgument::Slot(right)], None) => Some((*left, *right)),
            _ => None,
        }
    }
}

/// A query inside the query.
#[derive(Clone, Debug)]
pub(crate) struct NestedGoal {
    /// What is asked.
    pub(crate) query: Query,
    /// The rules in its reach.
    pub(crate) rules: RuleSet,
    /// One for each place of its `:in`.
    pub(crate) passed: Vec<Passing>,
    /// What it may call.
    pub(crate) functions: Functions,
    /// The orders of its clauses that were chosen for other arguments.
    pub(crate) orders: Arc<Orders>,
    /// What planning and running it may do.
    pub(crate) tuning: Tuning,
}

/// What is passed for one place of the `:in` of a query inside.
#[derive(Clone, Debug)]
pub(crate) enum Passing {
    /// A source of the query around it.
    Source(Source),
    /// The rules.
    Rules,
    /// A pull pattern.
    Pattern(PullPattern),
    /// The value of the call's argument at this place.
    Argument(usize),
}

/// A binding form over slots.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// `_`.
    Ignore,
    /// `?x`.
    Scalar(Slot),
    /// `[?a ?b]`.
    Tuple(Vec<Target>),
    /// `[?a ...]`.
    Collection(Box<Target>),
    /// `[[?a ?b]]`.
    Relation(Vec<Target>),
}

impl Target {
    /// The form over the slots that `slot_of` gives to its variables.
    pub(crate) fn new(binding: &Binding, slot_of: &mut impl FnMut(&Variable) -> Slot) -> Self {
        match binding {
            Binding::Ignore(_) => Self::Ignore,
            Binding::Scalar(variable, _) => Self::Scalar(slot_of(variable)),
            Binding::Tuple(parts, _) => Self::Tuple(parts.iter().map(|part| Self::new(part, slot_of)).collect()),
            Binding::Collection(part, _) => Self::Collection(Box::new(Self::new(part, slot_of))),
            Binding::Relation(parts, _) => Self::Relation(parts.iter().map(|part| Self::new(part, slot_of)).collect()),
        }
    }

    /// Its slots, each once.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        let mut slots = Vec::new();
        self.collect(&mut slots);
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    fn collect(&self, slots: &mut Vec<Slot>) {
        match self {
            Self::Ignore => {}
            Self::Scalar(slot) => slots.push(*slot),
            Self::Tuple(parts) | Self::Relation(parts) => parts.iter().for_each(|part| part.collect(slots)),
            Self::Collection(part) => part.collect(slots),
        }
    }
}

/// `or` and its kin, and calls of rules that do not recurse.
#[derive(Clone, Debug)]
pub(crate) struct UnionGoal {
    /// The variables that cross the border.
    pub(crate) border: Vec<Slot>,
    /// Those that must be bound from outside.
    pub(crate) required: Vec<Slot>,
    /// The branches.
    pub(crate) branches: Vec<Vec<Arc<Goal>>>,
    /// The rule whose heads the branches are, if it is one.
    pub(crate) rule: Option<Arc<str>>,
}

/// `not` and `not-join`.
#[derive(Clone, Debug)]
pub(crate) struct AbsentGoal {
    /// The variables that cross the border; all must be bound first.
    pub(crate) shared: Vec<Slot>,
    /// What must not hold.
    pub(crate) goals: Vec<Arc<Goal>>,
}

/// The call of a rule that recurses.
#[derive(Clone, Debug)]
pub(crate) struct RuleGoal {
    /// Which rule on which source: an index into the program's predicates.
    pub(crate) predicate: usize,
    /// A slot a parameter; `None` for `_`.
    pub(crate) args: Vec<Option<Slot>>,
}

/// Goals that are joined by themselves before they join the rest.
#[derive(Clone, Debug)]
pub(crate) struct GroupGoal {
    /// How.
    pub(crate) grouping: Grouping,
    /// The variables that something outside needs.
    pub(crate) slots: Vec<Slot>,
    /// The goals, in the order in which they would be joined one after the other.
    pub(crate) goals: Vec<Arc<Goal>>,
}

/// What a goal asks.
#[derive(Clone, Debug)]
pub(crate) enum GoalKind {
    /// A pattern on facts.
    Scan(Box<ScanGoal>),
    /// A pattern on rows of data.
    Rows(Arc<Vec<Vec<Value>>>, Vec<Place>),
    /// Rows that were given.
    Given(Relation),
    /// The rows of the surrounding block, or the demands on a rule: whatever the run puts in.
    Input(Vec<Slot>),
    /// A predicate or function.
    Call(CallGoal),
    /// A choice of branches.
    Union(UnionGoal),
    /// A negation.
    Absent(AbsentGoal),
    /// A recursive rule.
    Rule(RuleGoal),
    /// Goals that the planner put together: they only read facts and rows.
    Group(GroupGoal),
}

/// One condition of a block.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    /// A number of its own, for what is kept between rounds.
    pub(crate) id: u32,
    /// What is asked.
    pub(crate) kind: GoalKind,
    /// The clause it came from.
    pub(crate) span: Span,
    /// The rule in whose body it stands, if it does.
    pub(crate) rule: Option<Arc<str>>,
}

impl Goal {
    /// Every variable the goal can bind.
    pub(crate) fn binds(&self) -> Vec<Slot> {
        match &self.kind {
            GoalKind::Scan(scan) => scan.places().iter().filter_map(|place| place.slot()).collect(),
            GoalKind::Rows(_, places) => places.iter().filter_map(Place::slot).collect(),
            GoalKind::Given(relation) => relation.slots.clone(),
            GoalKind::Input(slots) => slots.clone(),
            GoalKind::Call(call) => call.binding.as_ref().map_or_else(Vec::new, Target::slots),
            GoalKind::Union(union) => union.border.clone(),
            GoalKind::Absent(_) => Vec::new(),
            GoalKind::Rule(rule) => rule.args.iter().flatten().copied().collect(),
            GoalKind::Group(group) => group.slots.clone(),
        }
    }

    /// Every variable that the goal shares with what is around it.
    pub(crate) fn mentions(&self) -> Vec<Slot> {
        match &self.kind {
            GoalKind::Call(call) => {
                let args = call.args.iter().filter_map(|arg| match arg {
                    CallArgument::Slot(slot) => Some(*slot),
                    CallArgument::Constant(_) => None,
                });
                args.chain(self.binds()).collect()
            }
            GoalKind::Absent(absent) => absent.shared.clone(),
            _ => self.binds(),
        }
    }

    /// True if a function or predicate is called in it, not counting what rules call.
    pub(crate) fn has_call(&self) -> bool {
        match &self.kind {
            GoalKind::Call(_) => true,
            GoalKind::Union(union) => union.branches.iter().flatten().any(|goal| goal.has_call()),
            GoalKind::Absent(absent) => absent.goals.iter().any(|goal| goal.has_call()),
            GoalKind::Scan(_)
            | GoalKind::Rows(..)
            | GoalKind::Given(_)
            | GoalKind::Input(_)
            | GoalKind::Rule(_)
            | GoalKind::Group(_) => false,
        }
    }

    /// What must be bound before the goal can run.
    pub(crate) fn needs(&self, predicates: &[Predicate], budget: &Budget) -> Result<Needs> {
        Ok(match &self.kind {
            GoalKind::Scan(_) | GoalKind::Rows(..) | GoalKind::Given(_) | GoalKind::Input(_) | GoalKind::Group(_) => {
                Needs::all([])
            }
            GoalKind::Call(call) => Needs::all(call.args.iter().filter_map(|arg| match arg {
                CallArgument::Slot(slot) => Some(*slot),
                CallArgument::Constant(_) => None,
            })),
            GoalKind::Union(union) => {
                let mut needs = Needs::all(union.required.iter().copied());
                for branch in &union.branches {
                    needs = needs.and(&Needs::of_block(branch, &union.border, &union.required, predicates, budget)?);
                }
                needs
            }
            GoalKind::Absent(absent) => Needs::all(absent.shared.iter().copied()),
            GoalKind::Rule(rule) => predicates[rule.predicate].needs.renamed(|place| rule.args[place as usize]),
        })
    }
}

/// A rule on a source: all of its heads.
#[derive(Clone, Debug)]
pub(crate) struct Predicate {
    /// The rule's name.
    pub(crate) name: Arc<str>,
    /// The source it runs on.
    pub(crate) source: SourceName,
    /// A slot a parameter, which name the columns of its table.
    pub(crate) params: Vec<Slot>,
    /// Which parameters the caller must bind, by their places.
    pub(crate) needs: Needs,
    /// One a head.
    pub(crate) branches: Vec<PredicateBranch>,
    /// Rules with one number call each other.
    pub(crate) component: usize,
}

impl Predicate {
    /// Of arguments that are bound as few as it can run with: those of its first way to run, or all if there is none.
    pub(crate) fn least_bound(&self, bound: &[bool]) -> Vec<bool> {
        let way = self.needs.way(|place| bound[place as usize]);
        way.map_or_else(|| bound.to_vec(), |way| (0..bound.len()).map(|place| way.contains(&(place as Slot))).collect())
    }
}

/// One head and its body.
#[derive(Clone, Debug)]
pub(crate) struct PredicateBranch {
    /// A slot a parameter.
    pub(crate) head: Vec<Slot>,
    /// The body.
    pub(crate) goals: Vec<Arc<Goal>>,
}
