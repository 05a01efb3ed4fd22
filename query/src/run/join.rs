//! Joins of two relations over the variables they share.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicUsize, Ordering as AtomicOrdering};

use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::plan::slot::{Slot, SlotSet};
use crate::run::effort::Method;
use crate::run::gather::column_of;
use crate::run::index::{Index, NONE};
use crate::run::key::{codes as single_codes, is_exact, paired_codes};
use crate::run::partition;
use crate::run::relation::Relation;
use crate::run::single::Single;
use crate::run::threads;
use crate::tuning::{Tuning, Way};

/// Rows that a loop handles between two looks at the budget.
pub(crate) const CHUNK_ROWS: usize = 1_024;

/// The same of a loop that does next to nothing with each.
const BLOCK_ROWS: usize = 1 << 20;

/// Rows are told apart by a bit for each code, where that takes at most so many bits a row: an index takes as many.
const BITS_PER_ROW: i64 = 64;

/// A dictionary with at most one text for so many rows is likely to be met whole long before the last row.
const ROWS_PER_TEXT: usize = 8;

/// How two relations are joined: chosen once, by what is known of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joining {
    /// The left side is one row without columns.
    Start,
    /// No variable is shared.
    Cross,
    /// The right side adds no column that is kept, so it only decides which rows of the left stay.
    Semi(Matching),
    /// The same the other way round: the left side has no column of its own that is kept.
    SemiRight(Matching),
    /// Both sides hold the same values of the one variable they share, ascending and each once: row meets row.
    Aligned(Slot),
    /// Both sides ascend by the one variable they share.
    Merge(Slot),
    /// A row has at most one partner, which one of the shared variables tells.
    Single(Single),
    /// The right side is indexed.
    HashRight,
    /// The left side is indexed.
    HashLeft,
}

/// How it is found whether a row of the left has a partner on the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matching {
    /// Nothing is shared: any row of the right is a partner of all.
    Any,
    /// Both sides hold the same.
    Aligned,
    /// Both sides ascend.
    Merge,
    /// A row has at most one partner, which one of the shared variables tells.
    Single(Single),
    /// The left, much the smaller one, is indexed, and its rows are ticked off.
    Mark,
    /// The right is indexed.
    Hash,
}

impl Joining {
    /// As it is noted for people.
    pub(crate) fn method(self) -> Method {
        match self {
            Self::Start => Method::Start,
            Self::Cross => Method::Cross,
            Self::SemiRight(Matching::Hash) => Method::FilterMark,
            Self::SemiRight(Matching::Mark) => Method::FilterHash,
            Self::Semi(matching) | Self::SemiRight(matching) => matching.method(),
            Self::Aligned(_) => Method::Aligned,
            Self::Merge(_) => Method::Merge,
            Self::Single(_) => Method::Single,
            Self::HashRight => Method::HashFound,
            Self::HashLeft => Method::HashBefore,
        }
    }
}

impl Matching {
    /// As it is noted for people.
    pub(crate) fn method(self) -> Method {
        match self {
            Self::Any => Method::FilterAny,
            Self::Aligned => Method::FilterAligned,
            Self::Merge => Method::FilterMerge,
            Self::Single(_) => Method::FilterSingle,
            Self::Mark => Method::FilterMark,
            Self::Hash => Method::FilterHash,
        }
    }
}

/// How these are to be joined, if of `keep` is kept what either side has.
pub(crate) fn joining(left: &Relation, right: &Relation, keep: &SlotSet, tuning: Tuning) -> Joining {
    if left.slots.is_empty() && left.rows == 1 {
        return Joining::Start;
    }
    let shared = left.shared(right);
    let adds =
        |side: &Relation, other: &Relation| side.slots.iter().any(|slot| keep.contains(*slot) && other.position(*slot).is_none());
    if shared.iter().all(|slot| columns_are_exact(left, right, *slot)) {
        if !adds(right, left) {
            return Joining::Semi(matching(left, right, &shared, tuning));
        }
        if !adds(left, right) {
            return Joining::SemiRight(matching(right, left, &shared, tuning));
        }
    }
    if shared.is_empty() {
        return Joining::Cross;
    }
    match merge_slot(left, right, &shared) {
        Some(slot) if tuning.stars != Way::Never && are_aligned(left, right, slot) => Joining::Aligned(slot),
        Some(slot) => Joining::Merge(slot),
        None => match Single::of(left, right, &shared, tuning) {
            Some(single) => Joining::Single(single),
            None if left.rows < right.rows => Joining::HashLeft,
            None => Joining::HashRight,
        },
    }
}

/// How it is to be found which rows of the left have a partner.
pub(crate) fn matching(left: &Relation, right: &Relation, shared: &[Slot], tuning: Tuning) -> Matching {
    match merge_slot(left, right, shared) {
        _ if shared.is_empty() => Matching::Any,
        Some(slot) if tuning.stars != Way::Never && hold_the_same(left, right, slot) => Matching::Aligned,
        Some(_) => Matching::Merge,
        None => match Single::of(left, right, shared, tuning) {
            Some(single) => Matching::Single(single),
            None if left.rows * 4 < right.rows => Matching::Mark,
            None => Matching::Hash,
        },
    }
}

/// The pairs of rows that agree on all shared variables; without one, every pair. Of `keep`, what either side has.
pub(crate) fn join(left: &Relation, right: &Relation, keep: &SlotSet, tuning: Tuning, budget: &Budget) -> Result<Relation> {
    let joined = match joining(left, right, keep, tuning) {
        Joining::Start => right.clone().keep(keep),
        Joining::Cross => cross(left, right, keep, budget)?,
        Joining::Semi(matching) => filter(left, right, matching, true, budget)?.keep(keep),
        Joining::SemiRight(matching) => filter(right, left, matching, true, budget)?.keep(keep),
        Joining::Aligned(slot) => {
            budget.spend_steps(left.rows as u64)?;
            beside(left, right, slot, keep)
        }
        Joining::Merge(slot) => assemble(left, right, &merge_pairs(left, right, slot, budget)?, keep),
        Joining::Single(single) => assemble(left, right, &single.pairs(left, right, &left.shared(right), budget)?, keep),
        Joining::HashLeft | Joining::HashRight => {
            assemble(left, right, &hash_pairs(left, right, &left.shared(right), budget)?, keep)
        }
    };
    // Rows without columns are all the same one.
    Ok(if joined.columns.is_empty() && joined.rows > 0 { Relation::unit() } else { joined })
}

/// The rows of `left` that agree with no row of `right`.
pub(crate) fn anti(left: &Relation, right: &Relation, tuning: Tuning, budget: &Budget) -> Result<Relation> {
    let matching = matching(left, right, &left.shared(right), tuning);
    filter(left, right, matching, false, budget)
}

/// Rows of either side that belong together, and how the rows of the result are ordered.
pub(crate) struct Pairs {
    /// Rows of the left side.
    pub(crate) left: Vec<u32>,
    /// Rows of the right side, in the same places.
    pub(crate) right: Vec<u32>,
    /// By which variable the pairs ascend.
    pub(crate) ascending: Option<Slot>,
}

/// So many pairs, before a row is made of any.
pub(crate) fn check_pairs(count: usize, budget: &Budget) -> Result<()> {
    budget.check_rows(count)?;
    budget.check_bytes(count as u64 * 2 * size_of::<u32>() as u64)
}

fn columns_are_exact(left: &Relation, right: &Relation, slot: Slot) -> bool {
    left.column(slot).zip(right.column(slot)).is_some_and(|(left, right)| is_exact(left, right))
}

fn merge_slot(left: &Relation, right: &Relation, shared: &[Slot]) -> Option<Slot> {
    match shared {
        [slot] if left.ascends_by(*slot) && right.ascends_by(*slot) => Some(*slot),
        _ => None,
    }
}

/// True if two columns of longs hold the same in the same rows. Attributes that were said together share the array of their entities, so
/// mostly nothing is looked at.
fn hold_the_same(left: &Relation, right: &Relation, slot: Slot) -> bool {
    match (left.column(slot), right.column(slot)) {
        (Some(Column::Long(left)), Some(Column::Long(right))) => left.is_same(right) || left[..] == right[..],
        _ => false,
    }
}

/// True if row meets row: the variable's values are the same, and none stands twice.
fn are_aligned(left: &Relation, right: &Relation, slot: Slot) -> bool {
    let is_key = |relation: &Relation| relation.key.as_ref().is_some_and(|key| key.iter().all(|own| *own == slot));
    let is_strict = || match left.column(slot) {
        Some(Column::Long(keys)) => is_key(left) || is_key(right) || keys.is_sorted_by(|a, b| a < b),
        _ => false,
    };
    hold_the_same(left, right, slot) && is_strict()
}

/// The columns of both sides, whose rows belong together as they stand: nothing is copied.
fn beside(left: &Relation, right: &Relation, slot: Slot, keep: &SlotSet) -> Relation {
    let mut joined = Relation::unit();
    joined.rows = left.rows;
    let new = right.slots.iter().zip(&right.columns).filter(|(slot, _)| left.position(**slot).is_none());
    for (own, column) in left.slots.iter().zip(&left.columns).chain(new).filter(|(slot, _)| keep.contains(**slot)) {
        // Of two equal columns the new one: it is the likelier to share its array with what is scanned next.
        let column = if *own == slot { right.column(slot).unwrap_or(column) } else { column };
        joined.push(*own, column.clone());
    }
    joined.key = keep.contains(slot).then(|| vec![slot]);
    joined.ascending = keep.contains(slot).then_some(slot);
    joined
}

fn key_columns<'r>(relation: &'r Relation, shared: &[Slot]) -> Vec<&'r Column> {
    shared.iter().filter_map(|slot| relation.column(*slot)).collect()
}

/// The pairs of rows of which a predicate says that they have equal values: of variables of the left, and of the right.
pub(crate) fn bridged(
    left: &Relation,
    right: &Relation,
    bridge: &[(Slot, Slot)],
    keep: &SlotSet,
    budget: &Budget,
) -> Result<Relation> {
    let (ours, theirs): (Vec<Slot>, Vec<Slot>) = bridge.iter().copied().unzip();
    let (left_codes, right_codes) =
        paired_codes(&key_columns(left, &ours), left.rows, &key_columns(right, &theirs), right.rows, budget)?;
    let pairs = pairs_of_codes(left, right, &left_codes, &right_codes, budget)?;
    Ok(assemble(left, right, &pairs, keep))
}

fn hash_pairs(left: &Relation, right: &Relation, shared: &[Slot], budget: &Budget) -> Result<Pairs> {
    let (left_codes, right_codes) =
        paired_codes(&key_columns(left, shared), left.rows, &key_columns(right, shared), right.rows, budget)?;
    pairs_of_codes(left, right, &left_codes, &right_codes, budget)
}

/// The smaller side is indexed, whichever that is.
fn pairs_of_codes(left: &Relation, right: &Relation, left_codes: &[i64], right_codes: &[i64], budget: &Budget) -> Result<Pairs> {
    if left.rows < right.rows {
        let (right_rows, left_rows) = probe(right_codes, left_codes, budget)?;
        Ok(Pairs { left: left_rows, right: right_rows, ascending: right.ascending })
    } else {
        let (left_rows, right_rows) = probe(left_codes, right_codes, budget)?;
        Ok(Pairs { left: left_rows, right: right_rows, ascending: left.ascending })
    }
}

/// Pairs of rows with equal codes, in the order of the first side; the second is indexed.
fn probe(probed: &[i64], built: &[i64], budget: &Budget) -> Result<(Vec<u32>, Vec<u32>)> {
    let index = Index::new(built, budget)?;
    probe_index(probed, built, &index, budget)
}

/// Pairs of rows with equal codes, through an index made before.
pub(crate) fn probe_index(probed: &[i64], built: &[i64], index: &Index, budget: &Budget) -> Result<(Vec<u32>, Vec<u32>)> {
    // Of all parts, so that two threads are stopped where one would be.
    let found = AtomicUsize::new(0);
    let parts = threads::blocks(probed.len(), probed.len(), budget, |rows| {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let from = rows.start;
        for (at, chunk) in probed[rows].chunks(CHUNK_ROWS).enumerate() {
            let before = second.len();
            for (row, code) in (from + at * CHUNK_ROWS..).zip(chunk) {
                let mut partner = index.first(built, *code);
                while partner != NONE {
                    first.push(row as u32);
                    second.push(partner);
                    partner = index.following(built, *code, partner);
                }
            }
            let new = second.len() - before;
            budget.spend_steps((chunk.len() + new) as u64)?;
            check_pairs(found.fetch_add(new, AtomicOrdering::Relaxed) + new, budget)?;
        }
        Ok((first, second))
    })?;
    let (first, second): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    Ok((threads::joined(first), threads::joined(second)))
}

/// Both sides ascend by one column of longs: no index is needed. The longer side is crossed in leaps.
fn merge_pairs(left: &Relation, right: &Relation, slot: Slot, budget: &Budget) -> Result<Pairs> {
    let (Some(Column::Long(left_keys)), Some(Column::Long(right_keys))) = (left.column(slot), right.column(slot)) else {
        return hash_pairs(left, right, &[slot], budget);
    };
    let (left_keys, right_keys): (&[i64], &[i64]) = (left_keys, right_keys);
    let mut pairs = Pairs { left: Vec::new(), right: Vec::new(), ascending: Some(slot) };
    let (mut l, mut r, mut spent) = (0, 0, 0);
    while l < left_keys.len() && r < right_keys.len() {
        match left_keys[l].cmp(&right_keys[r]) {
            Ordering::Less => l = leap(left_keys, l, right_keys[r]),
            Ordering::Greater => r = leap(right_keys, r, left_keys[l]),
            Ordering::Equal => {
                let key = left_keys[l];
                let run = run_length(right_keys, r);
                let end = l + run_length(left_keys, l);
                if run == 1 {
                    pairs.left.extend(l as u32..end as u32);
                    pairs.right.extend(std::iter::repeat_n(r as u32, end - l));
                } else {
                    debug_assert_eq!(right_keys[r], key, "both sides stand at one key");
                    for row in l..end {
                        pairs.left.extend(std::iter::repeat_n(row as u32, run));
                        pairs.right.extend(r as u32..(r + run) as u32);
                    }
                }
                spent += (end - l) * run;
                (l, r) = (end, r + run);
            }
        }
        spent += 1;
        if spent >= CHUNK_ROWS {
            budget.spend_steps(spent as u64)?;
            spent = 0;
            check_pairs(pairs.left.len(), budget)?;
        }
    }
    budget.spend_steps(spent as u64)?;
    budget.check_rows(pairs.left.len())?;
    Ok(pairs)
}

/// How many keys from here on are the same.
#[inline]
fn run_length(keys: &[i64], from: usize) -> usize {
    let key = keys[from];
    1 + keys[from + 1..].iter().take_while(|other| **other == key).count()
}

/// Places that are looked at one by one before a leap doubles its steps.
const NEAR: usize = 8;

/// The first place at or after `from` whose key is not below `key`: the nearest ones one by one, then by doubling steps, then by halves.
#[inline]
pub(crate) fn leap(keys: &[i64], from: usize, key: i64) -> usize {
    let near = &keys[from..keys.len().min(from + NEAR)];
    match near.iter().position(|other| *other >= key) {
        Some(at) => from + at,
        None => leap_far(keys, from + near.len(), key),
    }
}

fn leap_far(keys: &[i64], from: usize, key: i64) -> usize {
    let mut step = NEAR;
    let mut low = from;
    while low + step < keys.len() && keys[low + step] < key {
        low += step;
        step *= 2;
    }
    let high = (low + step).min(keys.len());
    low + keys[low..high].partition_point(|other| *other < key)
}

/// The columns of the pairs that are to be kept.
pub(crate) fn assemble(left: &Relation, right: &Relation, pairs: &Pairs, keep: &SlotSet) -> Relation {
    let mut joined = Relation::unit();
    joined.rows = pairs.left.len();
    let (left_is_whole, right_is_whole) = (is_whole(&pairs.left, left.rows), is_whole(&pairs.right, right.rows));
    let pick = |column: &Column, rows: &[u32], is_whole: bool| if is_whole { column.clone() } else { column.gather(rows) };
    for (slot, column) in left.slots.iter().zip(&left.columns).filter(|(slot, _)| keep.contains(**slot)) {
        let other = right.column(*slot).filter(|other| !is_exact(column, other));
        let picked = || pick(column, &pairs.left, left_is_whole);
        joined.push(*slot, other.map_or_else(picked, |other| least(column, other, pairs)));
    }
    for (slot, column) in right.slots.iter().zip(&right.columns) {
        if keep.contains(*slot) && left.position(*slot).is_none() {
            joined.push(*slot, pick(column, &pairs.right, right_is_whole));
        }
    }
    joined.key = joined_key(left, right).filter(|key| key.iter().all(|slot| joined.position(*slot).is_some()));
    joined.ascending = pairs.ascending.filter(|slot| matches!(joined.column(*slot), Some(Column::Long(_))));
    joined
}

/// True if these are all rows, each once and in order.
pub(crate) fn is_whole(rows: &[u32], count: usize) -> bool {
    rows.len() == count && rows.iter().zip(0..).all(|(row, at)| *row == at)
}

/// What tells the pairs apart: what tells the rows of one side apart, if the other side's row follows from it; else both.
fn joined_key(left: &Relation, right: &Relation) -> Option<Vec<Slot>> {
    let (left_key, right_key) = (left.key.as_ref()?, right.key.as_ref()?);
    let is_in = |key: &[Slot], other: &Relation| key.iter().all(|slot| other.position(*slot).is_some());
    if is_in(right_key, left) {
        return Some(left_key.clone());
    }
    if is_in(left_key, right) {
        return Some(right_key.clone());
    }
    let mut key = left_key.clone();
    key.extend(right_key.iter().filter(|slot| !left_key.contains(slot)));
    Some(key)
}

/// Where numbers of two kinds are the same, the smaller by the exact order stays, so that no plan can be told from another.
fn least(left: &Column, right: &Column, pairs: &Pairs) -> Column {
    let both = pairs.left.iter().zip(&pairs.right);
    column_of(both.map(|(l, r)| left.value(*l as usize).min(right.value(*r as usize))).collect())
}

fn cross(left: &Relation, right: &Relation, keep: &SlotSet, budget: &Budget) -> Result<Relation> {
    let total = left.rows.saturating_mul(right.rows);
    budget.check_rows(total)?;
    let mut pairs = Pairs { left: Vec::new(), right: Vec::new(), ascending: left.ascending };
    for row in 0..left.rows {
        for start in (0..right.rows).step_by(CHUNK_ROWS) {
            let end = (start + CHUNK_ROWS).min(right.rows);
            pairs.left.extend(std::iter::repeat_n(row as u32, end - start));
            pairs.right.extend(start as u32..end as u32);
            budget.spend_steps((end - start) as u64 + 1)?;
        }
        check_pairs(pairs.left.len(), budget)?;
    }
    if left.rows == 1 {
        pairs.ascending = right.ascending;
    }
    Ok(assemble(left, right, &pairs, keep))
}

fn filter(left: &Relation, right: &Relation, matching: Matching, wants_match: bool, budget: &Budget) -> Result<Relation> {
    let shared = left.shared(right);
    if matches!(matching, Matching::Any | Matching::Aligned) {
        let is_kept = (matching == Matching::Aligned || right.rows > 0) == wants_match;
        let kept = if is_kept { left.clone() } else { left.select(&[]) };
        // The same values in the same rows: what stands once on the right stands once on the left.
        let stands_once = matching == Matching::Aligned && right.key.as_deref() == Some(&shared[..]);
        return Ok(if stands_once { kept.with_key(shared) } else { kept });
    }
    if let Matching::Single(single) = matching {
        return Ok(left.select(&single.filter(left, right, &shared, wants_match, budget)?));
    }
    let (left_codes, right_codes) =
        paired_codes(&key_columns(left, &shared), left.rows, &key_columns(right, &shared), right.rows, budget)?;
    budget.spend_steps((left.rows + right.rows) as u64)?;
    if let [only] = right_codes[..]
        && wants_match
        && left_codes.iter().all(|code| *code == only)
    {
        return Ok(left.clone());
    }
    let chosen = match matching {
        Matching::Merge => merge_filter(&left_codes, &right_codes, wants_match),
        Matching::Mark => mark(&left_codes, &right_codes, wants_match, budget)?,
        Matching::Any | Matching::Aligned | Matching::Single(_) | Matching::Hash => {
            let index = Index::new(&right_codes, budget)?;
            let rows = left_codes.iter().enumerate();
            rows.filter(|(_, code)| (index.first(&right_codes, **code) != NONE) == wants_match)
                .map(|(row, _)| row as u32)
                .collect()
        }
    };
    Ok(left.select(&chosen))
}

/// The left side is the smaller one: it is indexed, and its rows are ticked off.
fn mark(left: &[i64], right: &[i64], wants_match: bool, budget: &Budget) -> Result<Vec<u32>> {
    let index = Index::new(left, budget)?;
    let mut is_matched = vec![false; left.len()];
    for chunk in right.chunks(CHUNK_ROWS) {
        budget.spend_steps(chunk.len() as u64)?;
        for code in chunk {
            let mut row = index.first(left, *code);
            while row != NONE && !is_matched[row as usize] {
                is_matched[row as usize] = true;
                row = index.following(left, *code, row);
            }
        }
    }
    Ok((0..left.len() as u32).filter(|row| is_matched[*row as usize] == wants_match).collect())
}

/// The longer side is crossed in leaps, unless its rows are those that stay.
fn merge_filter(left: &[i64], right: &[i64], wants_match: bool) -> Vec<u32> {
    let mut chosen = Vec::new();
    let mut r = 0;
    if wants_match {
        let mut l = 0;
        while l < left.len() && r < right.len() {
            match left[l].cmp(&right[r]) {
                Ordering::Less => l = leap(left, l, right[r]),
                Ordering::Greater => r = leap(right, r, left[l]),
                Ordering::Equal => {
                    chosen.push(l as u32);
                    l += 1;
                }
            }
        }
        return chosen;
    }
    for (row, key) in left.iter().enumerate() {
        r = leap(right, r, *key);
        if r == right.len() || right[r] != *key {
            chosen.push(row as u32);
        }
    }
    chosen
}

/// Removes rows that are the same as another; of numbers of two kinds the smaller by the exact order stays.
pub(crate) fn distinct(relation: Relation, budget: &Budget) -> Result<Relation> {
    if relation.rows <= 1 || relation.key.is_some() {
        return Ok(relation);
    }
    if relation.columns.is_empty() {
        return Ok(Relation::unit());
    }
    budget.spend_steps(relation.rows as u64)?;
    if let ([slot], [Column::Long(keys)]) = (&relation.slots[..], &relation.columns[..])
        && relation.ascending == Some(*slot)
    {
        let chosen = (0..keys.len()).filter(|row| *row == 0 || keys[*row] != keys[row - 1]).map(|row| row as u32);
        return Ok(relation.select(&chosen.collect::<Vec<_>>()).with_key(vec![*slot]));
    }
    // A column that ascends without a repetition tells all rows apart.
    let telling = relation.slots.iter().zip(&relation.columns).find(|(_, column)| match column {
        Column::Long(items) | Column::Instant(items) => items.is_sorted_by(|a, b| a < b),
        _ => false,
    });
    if let Some((slot, _)) = telling {
        let key = vec![*slot];
        return Ok(relation.with_key(key));
    }
    let key = relation.slots.clone();
    if let [column] = &relation.columns[..]
        && let Some(chosen) = first_of_few(column, budget)?
    {
        return Ok(relation.select(&chosen).with_key(key));
    }
    let codes = single_codes(&relation.columns.iter().collect::<Vec<_>>(), relation.rows, budget)?;
    if relation.columns.iter().all(|column| is_exact(column, column))
        && let Some(chosen) = first_of_each(&codes, budget)?
    {
        let result = if chosen.len() == relation.rows { relation } else { relation.select(&chosen) };
        return Ok(result.with_key(key));
    }
    let index = Index::new(&codes, budget)?;
    let chosen = (0..relation.rows as u32).filter(|row| index.first(&codes, codes[*row as usize]) == *row).collect::<Vec<_>>();
    if chosen.len() == relation.rows {
        return Ok(relation.with_key(key));
    }
    let mut result = relation.select(&chosen);
    for (column, full) in result.columns.iter_mut().zip(&relation.columns).filter(|(_, full)| !is_exact(full, full)) {
        *column = least_of_groups(full, &codes, &index, &chosen);
    }
    Ok(result.with_key(key))
}

/// The first row of each value of a column that can hold only a few: what is behind the last that was still to come is not looked at.
pub(crate) fn first_of_few(column: &Column, budget: &Budget) -> Result<Option<Vec<u32>>> {
    match column {
        Column::Text(_, texts, codes) if texts.len() <= codes.len() / ROWS_PER_TEXT => {
            first_of_all(codes.len(), texts.len(), |row| codes[row] as usize, budget).map(Some)
        }
        Column::Boolean(flags) => first_of_all(flags.len(), 2, |row| usize::from(flags[row]), budget).map(Some),
        _ => Ok(None),
    }
}

/// The first of so many rows with each of so many values, by the number of the value.
fn first_of_all(rows: usize, values: usize, value: impl Fn(usize) -> usize, budget: &Budget) -> Result<Vec<u32>> {
    let mut seen = vec![0_u64; values.div_ceil(64)];
    let mut chosen = Vec::new();
    for start in (0..rows).step_by(CHUNK_ROWS) {
        if chosen.len() == values {
            break;
        }
        let end = rows.min(start + CHUNK_ROWS);
        budget.spend_steps((end - start) as u64)?;
        for row in start..end {
            if is_new(&mut seen, value(row)) {
                chosen.push(row as u32);
            }
        }
    }
    Ok(chosen)
}

/// The first row of each code, where codes lie so close together that a bit for each takes no more than an index of them, or where there are
/// so many rows that it pays to divide them first.
fn first_of_each(codes: &[i64], budget: &Budget) -> Result<Option<Vec<u32>>> {
    let (mut least, mut most) = (i64::MAX, i64::MIN);
    for chunk in codes.chunks(BLOCK_ROWS) {
        budget.look()?;
        (least, most) = chunk.iter().fold((least, most), |(least, most), code| (least.min(*code), most.max(*code)));
    }
    let width = most.checked_sub(least).filter(|width| *width < codes.len() as i64 * BITS_PER_ROW);
    let Some(width) = width else {
        return partition::is_worth(codes.len()).then(|| partition::first_rows(codes, budget)).transpose();
    };
    let mut seen = vec![0_u64; width as usize / 64 + 1];
    let mut chosen = Vec::new();
    for (at, chunk) in codes.chunks(CHUNK_ROWS).enumerate() {
        budget.spend_steps(chunk.len() as u64)?;
        for (row, code) in (at * CHUNK_ROWS..).zip(chunk) {
            let place = (code - least) as usize;
            if is_new(&mut seen, place) {
                chosen.push(row as u32);
            }
        }
    }
    Ok(Some(chosen))
}

/// True if a place was not seen before: a bit for each.
#[inline]
fn is_new(seen: &mut [u64], place: usize) -> bool {
    let (word, bit) = (&mut seen[place / 64], 1 << (place % 64));
    let is_new = *word & bit == 0;
    *word |= bit;
    is_new
}

fn least_of_groups(column: &Column, codes: &[i64], index: &Index, chosen: &[u32]) -> Column {
    let least = chosen.iter().map(|first| {
        let code = codes[*first as usize];
        let mut least = column.value(*first as usize);
        let mut row = index.following(codes, code, *first);
        while row != NONE {
            least = least.min(column.value(row as usize));
            row = index.following(codes, code, row);
        }
        least
    });
    column_of(least.collect())
}

#[cfg(test)]
mod tests;
