//! What a step really did, noted by the executor as it did it: how facts were found, how rows were joined, what it cost.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::plan::Step;

/// One way in which a step was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Facts: none were asked for, as a constant leads nowhere.
    Unresolved,
    /// Facts: those of entities that are known, looked up by entity.
    Entities,
    /// Facts: those with values that are known, looked up by value.
    Values,
    /// Facts: those between two bounds that predicates set.
    Range,
    /// Facts: those of entities between the least and the greatest that are known.
    Span,
    /// Facts: those of one transaction.
    Transaction,
    /// Facts: all of the attribute.
    Attribute,
    /// Facts: all of the source.
    Everything,
    /// Facts: fetched in an earlier round, and found again through an index of them.
    Kept,
    /// Rows given as data: all were looked at.
    Data,
    /// Join: there was nothing before.
    Start,
    /// Join: no variable in common, so every row met every other.
    Cross,
    /// Join: no variable in common, but a predicate says which values are equal.
    Bridge,
    /// Join: both sides hold the same values, so row meets row.
    Aligned,
    /// Join: both sides ascend by the variable.
    Merge,
    /// Join: a value of one shared variable leads to at most one row.
    Single,
    /// Join: the rows found were indexed, and those before looked up in them.
    HashFound,
    /// Join: the rows before were indexed, and those found looked up in them.
    HashBefore,
    /// Rows before were kept or dropped, and nothing added: both sides hold the same, so all or none.
    FilterAligned,
    /// The same: both sides ascend.
    FilterMerge,
    /// The same: a value of one shared variable leads to at most one row.
    FilterSingle,
    /// The same: the rows found were indexed.
    FilterHash,
    /// The same: the rows before were indexed, and ticked off.
    FilterMark,
    /// The same: whether there is any row decides for all.
    FilterAny,
    /// A predicate over whole columns.
    Columns,
    /// A function called once for each different text.
    Texts,
    /// A function called for each row.
    Rows,
    /// A function that asks its source for all rows at once.
    Asked,
    /// A rule: a transitive closure, by graph search.
    Closure,
    /// A rule: a transitive closure, from fact to fact.
    Hops,
    /// A rule: rounds over what is new.
    Rounds,
    /// Branches.
    Branches,
    /// A group: its clauses one after the other, before they met the rows before.
    Apart,
    /// A cycle: variable by variable.
    Cycle,
    /// Rows of the surrounding block or of the round.
    Handed,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unresolved => "a name in it leads nowhere, so nothing was asked",
            Self::Entities => "facts looked up by entity",
            Self::Values => "facts looked up by value",
            Self::Range => "facts read between two bounds of the value",
            Self::Span => "facts read between two entities",
            Self::Transaction => "facts of one transaction",
            Self::Attribute => "all facts of the attribute read",
            Self::Everything => "all facts of the source read",
            Self::Kept => "facts of an earlier round looked up in their index",
            Self::Data => "all rows of data read",
            Self::Start => "nothing to join yet",
            Self::Cross => "nothing is shared, and one side is a single row",
            Self::Bridge => "hash join by the equality that is asked for",
            Self::Aligned => "the same entities in the same rows: row met row",
            Self::Merge => "merge join: both sides ascend",
            Self::Single => "join by one variable, whose values each have one row",
            Self::HashFound => "hash join: the rows found were indexed",
            Self::HashBefore => "hash join: the rows before were indexed",
            Self::FilterAligned => "semi-join of the same entities in the same rows",
            Self::FilterMerge => "semi-join by merging: both sides ascend",
            Self::FilterSingle => "semi-join by one variable, whose values each have one row",
            Self::FilterHash => "semi-join: the rows found were indexed",
            Self::FilterMark => "semi-join: the rows before were indexed",
            Self::FilterAny => "kept or dropped all rows at once: nothing is shared",
            Self::Columns => "compared whole columns",
            Self::Texts => "called once for each different text",
            Self::Rows => "called for each row",
            Self::Asked => "asked the source for all rows at once",
            Self::Closure => "a transitive closure, by graph search",
            Self::Hops => "a transitive closure, from fact to fact",
            Self::Rounds => "by rounds over what is new",
            Self::Branches => "each branch run for itself",
            Self::Apart => "joined by themselves",
            Self::Cycle => "all clauses at once, variable by variable",
            Self::Handed => "rows handed in",
        })
    }
}

/// What a step did, summed over all its runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effort {
    /// How often it ran.
    pub(crate) runs: usize,
    /// Rows before the step.
    pub(crate) rows_before: usize,
    /// Rows after the step.
    pub(crate) rows: usize,
    /// Facts or rows of data that it read.
    pub(crate) read: usize,
    /// Rows on both sides of the largest cross product, if both had several.
    pub(crate) crossed: Option<(usize, usize)>,
    /// Of a rule: which of its arguments were asked for last, if the step asked.
    pub(crate) bound: Vec<bool>,
    /// Time, what runs inside it included.
    pub(crate) time: Duration,
    /// How it ran, each way once, in the order in which they were first taken.
    pub(crate) methods: Vec<Method>,
}

/// What all steps did, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Efforts(RefCell<BTreeMap<u64, Effort>>);

impl Efforts {
    /// Adds to what is known of a step.
    pub(crate) fn note(&self, step: &Step, add: impl FnOnce(&mut Effort)) {
        add(self.0.borrow_mut().entry(step.number).or_default());
    }

    /// What is known of a step; `None` if it never ran.
    pub(crate) fn of(&self, step: &Step) -> Option<Effort> {
        self.0.borrow().get(&step.number).cloned()
    }
}

impl Effort {
    /// Which arguments of a rule its step asked for, or would have.
    pub(crate) fn bound<'e>(&'e self, step: &'e Step) -> &'e [bool] {
        if self.bound.is_empty() { &step.bound } else { &self.bound }
    }

    /// It ran this way.
    pub(crate) fn took(&mut self, method: Method) {
        if !self.methods.contains(&method) {
            self.methods.push(method);
        }
    }
}
