//! One question asked of both, and whether the answers are the same.

use std::fmt;

use crate::ours::Ours;
use crate::peer::{Peer, Said};
use crate::plain::{Plain, Reading};
use crate::random::{Program, View, World};

/// A question with the answers of both.
pub struct Case<'a> {
    /// The facts.
    pub world: &'a World,
    /// Our store with the facts.
    pub store: &'a Ours,
    /// The question.
    pub program: Program,
    /// How data is read for the comparison.
    pub reading: Reading,
    /// What we say.
    pub ours: Said,
    /// What the other engine says.
    pub theirs: Said,
    /// The other engine's answer to the same question with its clauses in their first order, if this is another order.
    pub in_first_order: Option<Said>,
}

impl<'a> Case<'a> {
    /// Asks both.
    pub fn ask(world: &'a World, store: &'a Ours, peer: &mut Peer, program: Program) -> Self {
        let reading = peer.reading(&program);
        let (ours, theirs) = (store.ask(&program, reading), peer.ask(&program));
        Self { world, store, program, reading, ours, theirs, in_first_order: None }
    }

    /// All rows that we would answer with if the question were not for one of them.
    pub fn our_rows(&self) -> Said {
        self.store.ask_as(&self.program, "relation", self.reading)
    }

    /// True if their answer is the same as ours, or one that is as good where any row may be chosen.
    pub fn agrees(&self) -> bool {
        self.agrees_on(&self.theirs, |plain| plain)
    }

    /// The same for another answer of theirs.
    pub fn agrees_with(&self, theirs: &Said) -> bool {
        self.agrees_on(theirs, |plain| plain)
    }

    /// The same after a change to every part of both answers.
    pub fn agrees_after(&self, change: impl Fn(Plain) -> Plain) -> bool {
        self.agrees_on(&self.theirs, change)
    }

    /// Whether another question gets from us what they answer to this one.
    pub fn is_our_answer_to(&self, other: &Program, change: impl Fn(Plain) -> Plain) -> bool {
        let ours = self.store.ask(other, self.reading);
        let case = Self { program: other.clone(), ours, theirs: self.theirs.clone(), in_first_order: None, ..*self };
        case.agrees_after(change)
    }

    /// Whether another question gets from them what we answer to this one.
    pub fn is_their_answer_to(&self, other: &Program, peer: &mut Peer, change: impl Fn(Plain) -> Plain) -> bool {
        self.agrees_on(&peer.ask(other), change)
    }

    /// Whether both answer another question alike.
    pub fn agrees_elsewhere(&self, other: &Program, peer: &mut Peer) -> bool {
        Self::ask(self.world, self.store, peer, other.clone()).agrees()
    }

    /// Whether they answer one question as we answer another.
    pub fn agrees_between(&self, ours: &Program, theirs: &Program, peer: &mut Peer) -> bool {
        let (said, reading) = (peer.ask(theirs), peer.reading(theirs));
        let case = Self {
            program: ours.clone(),
            ours: self.store.ask(ours, reading),
            theirs: said,
            reading,
            in_first_order: None,
            ..*self
        };
        case.agrees()
    }

    fn agrees_on(&self, theirs: &Said, change: impl Fn(Plain) -> Plain) -> bool {
        match (&self.ours, theirs) {
            (Said::Answer(ours), Said::Answer(theirs)) => {
                let (ours, theirs) = (ours.map(&change), theirs.map(&change));
                ours == theirs || self.is_one_of_our_rows(&theirs, change)
            }
            _ => false,
        }
    }

    fn is_one_of_our_rows(&self, theirs: &Plain, change: impl Fn(Plain) -> Plain) -> bool {
        self.any_row(|row| row.map(&change) == *theirs)
    }

    /// Whether any of our rows, of which one was asked for, is such.
    pub fn any_row(&self, is_such: impl Fn(&Plain) -> bool) -> bool {
        if !matches!(self.program.shape, "tuple" | "scalar") {
            return false;
        }
        let Said::Answer(rows) = self.our_rows() else { return false };
        rows.items().iter().any(|row| is_such(row) || (row.items().len() == 1 && is_such(&row.items()[0])))
    }

    /// True if neither answers.
    pub fn is_refused_by_both(&self) -> bool {
        matches!((&self.ours, &self.theirs), (Said::Refused(_), Said::Refused(_)))
    }
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.program.view {
            View::Now => {}
            View::AsOf(t) => writeln!(formatter, "  as of   transaction {t}")?,
            View::Since(t) => writeln!(formatter, "  since   transaction {t}")?,
            View::History => writeln!(formatter, "  in the history")?,
        }
        match &self.program.pull {
            Some((pattern, entity)) => writeln!(formatter, "  pull    {pattern} of {entity}")?,
            None => writeln!(formatter, "  query   {}", self.program.query())?,
        }
        if !self.program.rules.is_empty() {
            writeln!(formatter, "  rules   {}", self.program.rules_text())?;
        }
        for (binding, given) in &self.program.inputs {
            writeln!(formatter, "  given   {binding} = {given}")?;
        }
        writeln!(formatter, "  facts   {}", self.world.transactions.join("\n          "))?;
        writeln!(formatter, "  ours    {}", self.ours)?;
        write!(formatter, "  theirs  {}", self.theirs)?;
        match &self.in_first_order {
            Some(said) => write!(formatter, "\n  theirs with the clauses in another order  {said}"),
            None => Ok(()),
        }
    }
}
