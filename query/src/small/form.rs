//! What a question comes to that looks at a handful of facts: steps in the order in which they run, for one row at a time.

use std::sync::Arc;

use crate::ast::Variable;
use crate::facts::Attribute;
use crate::function::AnyFunction;
use crate::plan::slot::Slot;
use crate::value::Value;

/// Variables of one form: as many as a word has bits.
pub(super) const LIMIT_SLOTS: u32 = 64;

/// Sources of one form.
pub(super) const LIMIT_SOURCES: usize = 4;

/// In the place of an entity, or of a reference to one: there is none. No fact can hold it.
pub(super) const NOWHERE: Value = Value::Char('\0');

/// A place of a pattern, or an argument.
#[derive(Clone, Debug)]
pub(super) enum Term {
    /// Anything.
    Any,
    /// A variable.
    Slot(Slot),
    /// This value. In the place of an entity whatever is no long is no entity.
    Constant(Value),
}

/// One thing that must hold of a row.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A fact of one attribute.
    Fact(FactStep),
    /// A predicate holds.
    Test(AnyFunction, Box<[Term]>),
    /// What a function gives is bound; nil drops the row.
    Call(AnyFunction, Box<[Term]>, Slot),
    /// `get-else`.
    Get(GetStep),
    /// `missing?`.
    Missing(Of),
    /// No row inside.
    Absent {
        /// The variables of the inside that the outside knows.
        shared: u64,
        steps: Vec<Step>,
    },
    /// One of these.
    Either {
        /// Variables that have to be bound before.
        required: u64,
        branches: Vec<Vec<Step>>,
    },
}

/// `[?e :attribute ?v ?t]`.
#[derive(Clone, Debug)]
pub(super) struct FactStep {
    pub(super) of: Of,
    pub(super) value: Term,
    pub(super) t: Option<Slot>,
    /// Facts that one value is expected to lead to.
    pub(super) of_value: f64,
}

/// An attribute of an entity, in a source.
#[derive(Clone, Debug)]
pub(super) struct Of {
    pub(super) source: usize,
    pub(super) attribute: Arc<Attribute>,
    pub(super) entity: Term,
}

/// `[(get-else $ ?e :attribute default) ?v]`.
#[derive(Clone, Debug)]
pub(super) struct GetStep {
    pub(super) of: Of,
    pub(super) default: Value,
    pub(super) slot: Slot,
}

/// A variable that has its value from the start, and the sources in which that stands for an entity, a bit each.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) slot: Slot,
    /// What was written; nothing if it is what is given for this place of `:in`.
    pub(super) constant: Option<Value>,
    pub(super) place: usize,
    pub(super) uses: u8,
    pub(super) nowhere: Nowhere,
}

/// What matches nothing if a name leads to no entity.
#[derive(Clone, Copy, Debug)]
pub(super) enum Nowhere {
    /// The whole query: it was given for `:in`.
    Query,
    /// The pattern in which it stands.
    Pattern,
    /// The clauses around the call of a rule.
    Block,
}

/// A question made ready for sources in which names mean what they meant then.
#[derive(Debug)]
pub(super) struct Form {
    /// What the sources said of themselves.
    pub(super) stamps: [Option<u64>; LIMIT_SOURCES],
    pub(super) starts: Vec<Start>,
    pub(super) steps: Vec<Step>,
    pub(super) slots: u32,
    /// The variables of find, with and order-by, and their slots.
    pub(super) variables: Vec<Variable>,
    pub(super) output: Vec<Slot>,
    /// The header, if the answer is these variables as they are.
    pub(super) plain: Option<Arc<[String]>>,
}

pub(super) fn bit(slot: Slot) -> u64 {
    1 << slot
}

impl Term {
    /// The variable's bit, if it is one.
    pub(super) fn bit(&self) -> u64 {
        if let Self::Slot(slot) = self { bit(*slot) } else { 0 }
    }

    /// True if it has a value once these variables are bound.
    pub(super) fn is_bound(&self, bound: u64) -> bool {
        match self {
            Self::Any => false,
            Self::Slot(slot) => bound & bit(*slot) != 0,
            Self::Constant(_) => true,
        }
    }
}

impl Step {
    /// The variables that are bound behind it.
    pub(super) fn binds(&self) -> u64 {
        match self {
            Self::Fact(fact) => fact.of.entity.bit() | fact.value.bit() | fact.t.map_or(0, bit),
            Self::Call(_, _, slot) => bit(*slot),
            Self::Get(get) => bit(get.slot),
            Self::Test(..) | Self::Missing(_) | Self::Absent { .. } => 0,
            Self::Either { branches, .. } => {
                branches.iter().map(|steps| steps.iter().fold(0, |all, step| all | step.binds())).fold(u64::MAX, |a, b| a & b)
            }
        }
    }
}
