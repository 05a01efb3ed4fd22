//! Joins clauses that form a cycle variable by variable (leapfrog triejoin): what is tried for a variable is in the columns of all clauses
//! that mention it. So no more is looked at than the worst graph of this size could give as an answer, where joining clause by clause
//! can be quadratic: two clauses about the one thing that everybody knows.

use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::plan::Plan;
use crate::plan::goal::{GoalKind, GroupGoal};
use crate::plan::slot::Slot;
use crate::run::Run;
use crate::run::effort::Method;
use crate::run::join::{CHUNK_ROWS, distinct, leap};
use crate::run::relation::Relation;
use crate::run::scan;

/// The pairs of one clause: by their first variable, and under each of its values the second one's, all ascending.
struct Trie {
    slots: (Slot, Slot),
    firsts: Vec<i64>,
    /// Where the seconds of each first begin, and where the last ones end.
    starts: Vec<u32>,
    seconds: Vec<i64>,
}

impl Trie {
    fn new(slots: (Slot, Slot), firsts: &[i64], seconds: &[i64], budget: &Budget) -> Result<Self> {
        let mut pairs = firsts.iter().copied().zip(seconds.iter().copied()).collect::<Vec<_>>();
        budget.check_bytes(pairs.len() as u64 * 2 * size_of::<(i64, i64)>() as u64)?;
        budget.spend_steps(pairs.len() as u64)?;
        if !pairs.is_sorted() {
            pairs.sort_unstable();
        }
        pairs.dedup();
        let mut trie = Self { slots, firsts: Vec::new(), starts: Vec::new(), seconds: Vec::with_capacity(pairs.len()) };
        for (first, second) in pairs {
            if trie.firsts.last() != Some(&first) {
                trie.firsts.push(first);
                trie.starts.push(trie.seconds.len() as u32);
            }
            trie.seconds.push(second);
        }
        trie.starts.push(trie.seconds.len() as u32);
        Ok(trie)
    }
}

/// Where a clause takes part in trying the values of a variable.
#[derive(Clone, Copy)]
struct Part {
    trie: usize,
    /// True if the variable is the clause's first.
    is_first: bool,
}

/// A join under way.
struct Search<'s> {
    tries: &'s [Trie],
    /// By place of a variable in the order: the clauses that mention it.
    parts: Vec<Vec<Part>>,
    /// From this place on one combination is enough: nobody asks for the variables.
    last_wanted: usize,
    budget: &'s Budget,
    /// The seconds of each trie that are left.
    left: Vec<(usize, usize)>,
    bound: Vec<i64>,
    /// The wanted variables by place in the order, each with its column.
    found: Vec<(usize, Vec<i64>)>,
    rows: usize,
    spent: u64,
}

/// The rows of a cycle over the variables that are wanted; `None` if it is not about entities and longs alone.
pub(crate) fn joined(goal: &GroupGoal, plan: &Plan, run: &Run<'_>) -> Result<Option<Relation>> {
    let mut edges = Vec::with_capacity(goal.goals.len());
    for inner in &plan.steps {
        let GoalKind::Scan(scan) = &inner.goal.kind else { return Ok(None) };
        let (Some(entity), Some(value)) = (scan.entity.slot(), scan.value.slot()) else { return Ok(None) };
        let found = scan::alone(scan, run)?;
        let (Some(Column::Long(entities)), Some(Column::Long(values))) = (found.column(entity), found.column(value)) else {
            if found.rows == 0 {
                return Ok(Some(Relation::empty(goal.slots.clone())));
            }
            return Ok(None);
        };
        run.note(inner, |effort| {
            effort.read += found.rows;
            effort.took(Method::Attribute);
        });
        edges.push(((entity, value), entities.clone(), values.clone()));
    }
    let order = order(&edges.iter().map(|(ends, entities, _)| (*ends, entities.len())).collect::<Vec<_>>(), &goal.slots);
    let place = |slot: Slot| order.iter().position(|own| *own == slot).unwrap_or(0);
    let mut tries = Vec::with_capacity(edges.len());
    for ((entity, value), entities, values) in &edges {
        tries.push(if place(*entity) <= place(*value) {
            Trie::new((*entity, *value), entities, values, run.budget)?
        } else {
            Trie::new((*value, *entity), values, entities, run.budget)?
        });
    }
    let parts_of = |slot: &Slot| {
        let parts = tries.iter().enumerate().filter(|(_, trie)| trie.slots.0 == *slot || trie.slots.1 == *slot);
        parts.map(|(at, trie)| Part { trie: at, is_first: trie.slots.0 == *slot }).collect()
    };
    let mut search = Search {
        parts: order.iter().map(parts_of).collect(),
        last_wanted: goal.slots.iter().map(|slot| place(*slot) + 1).max().unwrap_or(0),
        left: vec![(0, 0); tries.len()],
        bound: vec![0; order.len()],
        found: goal.slots.iter().map(|slot| (place(*slot), Vec::new())).collect(),
        tries: &tries,
        budget: run.budget,
        rows: 0,
        spent: 0,
    };
    search.descend(0)?;
    run.budget.spend_steps(search.spent)?;
    // Where all variables are wanted up to the last one that is, each combination of them was tried once.
    let is_each_once = search.found.len() == search.last_wanted;
    let (rows, columns) = (search.rows, search.found.into_iter().map(|(_, column)| Column::Long(column.into())).collect());
    let mut relation = Relation::new(goal.slots.clone(), columns, rows);
    relation.ascending = order.first().copied().filter(|slot| goal.slots.contains(slot));
    if is_each_once {
        relation = relation.with_key(goal.slots.clone());
    }
    distinct(relation, run.budget).map(Some)
}

/// The order in which variables are tried: each but the first shares a clause with one before it, those first that take part in most clauses so
/// far, that are asked for, and that stand in small clauses.
fn order(edges: &[((Slot, Slot), usize)], wanted: &[Slot]) -> Vec<Slot> {
    let mut waiting = edges.iter().flat_map(|((a, b), _)| [*a, *b]).collect::<Vec<_>>();
    waiting.sort_unstable();
    waiting.dedup();
    let mut order: Vec<Slot> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let rank = |slot: &Slot| {
            let own = edges.iter().filter(|((a, b), _)| a == slot || b == slot);
            let is_known = |((a, b), _): &&((Slot, Slot), usize)| order.contains(a) || order.contains(b);
            let known = own.clone().filter(is_known).count();
            let least = own.map(|(_, rows)| *rows).min().unwrap_or(usize::MAX);
            (known, wanted.contains(slot), std::cmp::Reverse(least))
        };
        let best = (0..waiting.len()).max_by_key(|at| rank(&waiting[*at])).unwrap_or(0);
        order.push(waiting.remove(best));
    }
    order
}

impl Search<'_> {
    /// Tries all values of the variable at this place, those before it being bound. True if there is one.
    fn descend(&mut self, depth: usize) -> Result<bool> {
        if depth == self.bound.len() {
            return self.take().map(|()| true);
        }
        let parts = std::mem::take(&mut self.parts[depth]);
        let found = self.try_each(depth, &parts);
        self.parts[depth] = parts;
        found
    }

    fn try_each(&mut self, depth: usize, parts: &[Part]) -> Result<bool> {
        let tries = self.tries;
        let lists = parts.iter().map(|part| {
            let trie = &tries[part.trie];
            let (start, end) = self.left[part.trie];
            if part.is_first { &trie.firsts[..] } else { &trie.seconds[start..end] }
        });
        let lists = lists.collect::<Vec<_>>();
        let mut places = vec![0; lists.len()];
        let mut is_any = false;
        while let Some(value) = self.next_common(&lists, &mut places)? {
            self.bound[depth] = value;
            for (part, place) in parts.iter().zip(&places).filter(|(part, _)| part.is_first) {
                let starts = &tries[part.trie].starts;
                self.left[part.trie] = (starts[*place] as usize, starts[*place + 1] as usize);
            }
            is_any |= self.descend(depth + 1)?;
            if is_any && depth >= self.last_wanted {
                return Ok(true);
            }
            places[0] += 1;
        }
        Ok(is_any)
    }

    /// The next value that all lists have, at or after these places.
    fn next_common(&mut self, lists: &[&[i64]], places: &mut [usize]) -> Result<Option<i64>> {
        let Some(mut wanted) = lists.first().and_then(|list| list.get(places[0])).copied() else { return Ok(None) };
        let mut agreed = 0;
        let mut at = 0;
        while agreed < lists.len() {
            self.spent += 1;
            if self.spent >= CHUNK_ROWS as u64 {
                self.budget.spend_steps(std::mem::take(&mut self.spent))?;
            }
            let place = leap(lists[at], places[at], wanted);
            places[at] = place;
            match lists[at].get(place) {
                None => return Ok(None),
                Some(value) if *value == wanted => agreed += 1,
                Some(value) => (wanted, agreed) = (*value, 1),
            }
            at = (at + 1) % lists.len();
        }
        Ok(Some(wanted))
    }

    fn take(&mut self) -> Result<()> {
        for (place, column) in &mut self.found {
            column.push(self.bound[*place]);
        }
        self.rows += 1;
        if self.rows.is_multiple_of(CHUNK_ROWS) {
            self.budget.check_rows(self.rows)?;
            self.budget.check_bytes((self.rows * self.found.len() * size_of::<i64>()) as u64)?;
        }
        Ok(())
    }
}
