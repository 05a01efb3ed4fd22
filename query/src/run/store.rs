//! The rows of a rule's table: what is new is told from what is known, round after round, and rows are found again by any of their columns.
//!
//! Each value is a number of its column: a long is its own, and other values are numbered as they come. Values that are the same but can be
//! told apart, as 1 and 1.0, are two: which of them is kept is for those to say who ask.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::budget::Budget;
use crate::column::{Column, Dictionary, TextKind};
use crate::error::Result;
use crate::plan::slot::{Slot, SlotSet};
use crate::run::gather::column_of;
use crate::run::index::NONE;
use crate::run::join::CHUNK_ROWS;
use crate::run::relation::Relation;
use crate::value::Value;

/// A growing set of rows.
#[derive(Debug, Default)]
pub(crate) struct Store {
    slots: Vec<Slot>,
    columns: Vec<Numbered>,
    /// Number of rows.
    pub(crate) rows: usize,
    seen: Seen,
    /// By the places of columns.
    chains: RefCell<BTreeMap<Vec<usize>, Chains>>,
    whole: OnceCell<Relation>,
}

/// A column by numbers.
#[derive(Debug, Default)]
struct Numbered {
    codes: Arc<Vec<i64>>,
    coding: Coding,
}

/// What the numbers of a column mean.
#[derive(Debug, Default)]
enum Coding {
    /// Nothing yet.
    #[default]
    None,
    /// Themselves.
    Longs,
    /// Texts of one kind.
    Texts(TextKind, FxHashMap<Arc<str>, i64>, Vec<Arc<str>>, OnceCell<Dictionary>),
    /// Anything, told apart by the exact order.
    Values(FxHashMap<Value, i64>, Vec<Value>),
}

/// The rows known, by their codes.
#[derive(Debug)]
enum Seen {
    One(FxHashSet<i64>),
    /// Pairs of numbers that share their upper halves.
    Packed([i64; 2], FxHashSet<u64>),
    Two(FxHashSet<(i64, i64)>),
    Many(FxHashSet<Box<[i64]>>),
}

/// Rows by the codes of some columns.
#[derive(Debug, Default)]
struct Chains {
    heads: Vec<u32>,
    next: Vec<u32>,
}

impl Default for Seen {
    fn default() -> Self {
        Self::Many(FxHashSet::default())
    }
}

impl Store {
    /// No rows over these variables.
    pub(crate) fn new(slots: Vec<Slot>) -> Self {
        let columns = slots.iter().map(|_| Numbered::default()).collect();
        Self { seen: Seen::of_width(slots.len()), slots, columns, ..Self::default() }
    }

    /// Of rows that are different, and stay all there are.
    pub(crate) fn of(rows: &Relation, budget: &Budget) -> Result<Self> {
        let mut store = Self::new(rows.slots.clone());
        budget.spend_steps(rows.rows as u64)?;
        budget.take_bytes(rows.bytes())?;
        for (own, column) in store.columns.iter_mut().zip(&rows.columns) {
            own.widen(column);
            own.codes = Arc::new(own.coding.number(column));
        }
        store.rows = rows.rows;
        Ok(store)
    }

    /// Every row, in the order in which they came.
    pub(crate) fn all(&self) -> Relation {
        let all = || {
            let columns = self.columns.iter().map(|column| column.coding.column(Arc::clone(&column.codes))).collect();
            self.keyed(Relation::new(self.slots.clone(), columns, self.rows))
        };
        self.whole.get_or_init(all).clone()
    }

    /// Known to be told apart by its columns, where no two values are the same.
    fn keyed(&self, rows: Relation) -> Relation {
        let is_exact = self.columns.iter().all(|column| !matches!(column.coding, Coding::Values(..)));
        if is_exact { rows.with_key(self.slots.clone()) } else { rows }
    }

    /// The rows that agree with a row of `wanted`, which has the columns at `places`; possibly others too.
    pub(crate) fn matching(&self, places: &[usize], wanted: &Relation, budget: &Budget) -> Result<Relation> {
        if places.is_empty() || wanted.rows * 4 > self.rows {
            return Ok(self.all());
        }
        let Some(codes) = self.codes_of(places, &wanted.columns.iter().collect::<Vec<_>>()) else { return Ok(self.all()) };
        let (_, mut rows) = self.probe(places, &codes, wanted.rows, budget)?;
        rows.sort_unstable();
        rows.dedup();
        let columns = self.columns.iter().map(|column| column.gather(&rows)).collect();
        Ok(self.keyed(Relation::new(self.slots.clone(), columns, rows.len())))
    }

    /// Joins `current` with all rows, under the names `args`; of `keep`, what either side has. `None` if they are to be joined in another way.
    pub(crate) fn join(
        &self,
        args: &[Option<Slot>],
        current: &Relation,
        keep: &SlotSet,
        budget: &Budget,
    ) -> Result<Option<Relation>> {
        let named = args.iter().enumerate().filter_map(|(place, arg)| Some((place, (*arg)?))).collect::<Vec<_>>();
        let is_repeated = (1..named.len()).any(|at| named[..at].iter().any(|(_, slot)| *slot == named[at].1));
        let (places, own): (Vec<_>, Vec<_>) =
            named.iter().filter_map(|(place, slot)| Some((*place, current.column(*slot)?))).unzip();
        if is_repeated || places.is_empty() {
            return Ok(None);
        }
        let Some(codes) = self.codes_of(&places, &own) else { return Ok(None) };
        let (left, right) = self.probe(&places, &codes, current.rows, budget)?;
        let mut joined = Relation { rows: left.len(), ..Relation::unit() };
        joined.key = None;
        for (slot, column) in current.slots.iter().zip(&current.columns).filter(|(slot, _)| keep.contains(**slot)) {
            joined.push(*slot, column.gather(&left));
        }
        for (place, slot) in named.iter().filter(|(_, slot)| keep.contains(*slot) && current.position(*slot).is_none()) {
            joined.push(*slot, self.columns[*place].gather(&right));
        }
        joined.ascending = current.ascending.filter(|slot| keep.contains(*slot));
        Ok(Some(joined))
    }

    /// The numbers of other columns, as those of the columns at `places`; `None` if values may be the same and yet have other numbers.
    fn codes_of(&self, places: &[usize], columns: &[&Column]) -> Option<Vec<Vec<i64>>> {
        places.iter().zip(columns).map(|(place, column)| self.columns[*place].coding.codes_of(column)).collect()
    }

    /// Pairs of rows, of those whose codes these are and of this store.
    fn probe(&self, places: &[usize], codes: &[Vec<i64>], count: usize, budget: &Budget) -> Result<(Vec<u32>, Vec<u32>)> {
        let mut chains = self.chains.borrow_mut();
        let chains = chains.entry(places.to_vec()).or_default();
        let own = places.iter().map(|place| &self.columns[*place].codes[..]).collect::<Vec<_>>();
        chains.grow(&own, self.rows, budget)?;
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for start in (0..count).step_by(CHUNK_ROWS) {
            let end = (start + CHUNK_ROWS).min(count);
            let before = right.len();
            match (&own[..], codes) {
                ([own], [codes]) => {
                    for (row, code) in codes.iter().enumerate().take(end).skip(start) {
                        let mut at = chains.first(hash(*code));
                        while at != NONE {
                            if own[at as usize] == *code {
                                left.push(row as u32);
                                right.push(at);
                            }
                            at = chains.next[at as usize];
                        }
                    }
                }
                _ => {
                    for row in start..end {
                        let mut at = chains.first(hash_row(codes, row));
                        while at != NONE {
                            if own.iter().zip(codes).all(|(own, codes)| own[at as usize] == codes[row]) {
                                left.push(row as u32);
                                right.push(at);
                            }
                            at = chains.next[at as usize];
                        }
                    }
                }
            }
            budget.spend_steps((end - start + right.len() - before) as u64)?;
            budget.check_rows(right.len())?;
            budget.check_bytes(right.len() as u64 * 8)?;
        }
        Ok((left, right))
    }

    /// Adds the rows that are not known yet, and gives them back.
    pub(crate) fn add(&mut self, rows: &Relation, budget: &Budget) -> Result<Relation> {
        if rows.rows == 0 {
            return Ok(Relation::empty(self.slots.clone()));
        }
        budget.spend_steps(rows.rows as u64)?;
        let mut has_changed = false;
        for (own, column) in self.columns.iter_mut().zip(&rows.columns) {
            has_changed |= own.widen(column);
        }
        let codes = self.columns.iter_mut().zip(&rows.columns).map(|(own, column)| own.coding.number(column)).collect::<Vec<_>>();
        if has_changed {
            self.chains.borrow_mut().clear();
            self.see_again();
        }
        let chosen = self.seen.insert_all(&codes, rows.rows, self.rows, &self.columns);
        let fresh = rows.select(&chosen);
        if fresh.rows > 0 {
            self.whole = OnceCell::new();
            self.rows += fresh.rows;
            budget.check_rows(self.rows)?;
            // As much again for telling what is new, and for finding it.
            budget.take_bytes(fresh.bytes() * 3)?;
            for (own, codes) in self.columns.iter_mut().zip(&codes) {
                let own = Arc::make_mut(&mut own.codes);
                own.extend(chosen.iter().map(|row| codes[*row as usize]));
            }
        }
        Ok(fresh)
    }

    fn see_again(&mut self) {
        self.seen = Seen::of_width(self.slots.len());
        let codes = self.columns.iter().map(|column| column.codes.to_vec()).collect::<Vec<_>>();
        self.seen.insert_all(&codes, self.rows, 0, &self.columns);
    }
}

impl Numbered {
    /// Makes room for the values of another column; true if values known so far have other numbers now.
    fn widen(&mut self, column: &Column) -> bool {
        let fits = match (&self.coding, column) {
            (Coding::Longs, Column::Long(_)) | (Coding::Values(..), _) => true,
            (Coding::Texts(own, ..), Column::Text(kind, ..)) => own == kind,
            _ => false,
        };
        if fits {
            return false;
        }
        if matches!(self.coding, Coding::None) {
            self.coding = match column {
                Column::Long(_) => Coding::Longs,
                Column::Text(kind, ..) => Coding::Texts(*kind, FxHashMap::default(), Vec::new(), OnceCell::new()),
                _ => Coding::Values(FxHashMap::default(), Vec::new()),
            };
            return false;
        }
        let known = self.coding.column(Arc::clone(&self.codes));
        self.coding = Coding::Values(FxHashMap::default(), Vec::new());
        self.codes = Arc::new(self.coding.number(&known));
        true
    }

    fn gather(&self, rows: &[u32]) -> Column {
        self.coding.column(Arc::new(rows.iter().map(|row| self.codes[*row as usize]).collect()))
    }
}

impl Coding {
    /// The values of these numbers.
    fn column(&self, codes: Arc<Vec<i64>>) -> Column {
        match self {
            Self::None => crate::run::gather::none(),
            Self::Longs => Column::Long(codes.into()),
            Self::Texts(kind, _, texts, shared) => {
                let dictionary = shared.get_or_init(|| Arc::new(texts.clone()));
                Column::Text(*kind, Arc::clone(dictionary), codes.iter().map(|code| *code as u32).collect())
            }
            Self::Values(_, values) => column_of(codes.iter().map(|code| values[*code as usize].clone()).collect()),
        }
    }

    /// The number of each value, given to it if it has none.
    fn number(&mut self, column: &Column) -> Vec<i64> {
        match (self, column) {
            (Self::Longs, Column::Long(items)) => items.to_vec(),
            (Self::Texts(_, known, texts, shared), Column::Text(_, own, codes)) => {
                let before = texts.len();
                let numbers = by_text(own, codes, |text| {
                    *known.entry(Arc::clone(text)).or_insert_with(|| {
                        texts.push(Arc::clone(text));
                        texts.len() as i64 - 1
                    })
                });
                if texts.len() > before {
                    shared.take();
                }
                numbers
            }
            (Self::Values(known, values), column) => {
                let number = |row: usize| {
                    *known.entry(column.value(row)).or_insert_with_key(|value| {
                        values.push(value.clone());
                        values.len() as i64 - 1
                    })
                };
                (0..column.len()).map(number).collect()
            }
            // A column is widened before its values are numbered.
            (Self::None | Self::Longs | Self::Texts(..), _) => Vec::new(),
        }
    }

    /// The numbers of values, -1 for what has none; `None` where values may be the same and yet have other numbers.
    fn codes_of(&self, column: &Column) -> Option<Vec<i64>> {
        match (self, column) {
            (Self::Longs, Column::Long(items)) => Some(items.to_vec()),
            (Self::Texts(kind, known, ..), Column::Text(own_kind, own, codes)) if kind == own_kind => {
                Some(by_text(own, codes, |text| known.get(text).copied().unwrap_or(-1)))
            }
            _ => None,
        }
    }
}

/// A number for each row, asked for once a text where that is cheaper.
fn by_text(texts: &Dictionary, codes: &[u32], mut number: impl FnMut(&Arc<str>) -> i64) -> Vec<i64> {
    if codes.len() < texts.len() {
        return codes.iter().map(|code| number(&texts[*code as usize])).collect();
    }
    let mut memo = vec![i64::MIN; texts.len()];
    let mut number_of = |code: u32| {
        let known = &mut memo[code as usize];
        if *known == i64::MIN {
            *known = number(&texts[code as usize]);
        }
        *known
    };
    codes.iter().map(|code| number_of(*code)).collect()
}

/// The lower halves of two numbers whose upper halves are these.
#[inline]
fn packed(upper: [i64; 2], first: i64, second: i64) -> Option<u64> {
    let fits = first >> 32 == upper[0] && second >> 32 == upper[1];
    fits.then_some((first as u64) << 32 | (second as u64 & 0xffff_ffff))
}

impl Seen {
    fn of_width(width: usize) -> Self {
        match width {
            1 => Self::One(FxHashSet::default()),
            2 => Self::Packed([0; 2], FxHashSet::default()),
            _ => Self::Many(FxHashSet::default()),
        }
    }

    /// The rows that were not known, and from now on are. `stored` rows are known already, and stand in `columns`.
    fn insert_all(&mut self, codes: &[Vec<i64>], rows: usize, stored: usize, columns: &[Numbered]) -> Vec<u32> {
        let count = rows as u32;
        match (&mut *self, codes) {
            (Self::One(seen), [only]) => (0..count).filter(|row| seen.insert(only[*row as usize])).collect(),
            (Self::Packed(upper, seen), [first, second]) => {
                if stored == 0 && seen.is_empty() && rows > 0 {
                    *upper = [first[0] >> 32, second[0] >> 32];
                }
                let own = *upper;
                if first.iter().zip(second).all(|(first, second)| packed(own, *first, *second).is_some()) {
                    seen.reserve(rows / 8);
                    let mut insert = |row: usize| packed(own, first[row], second[row]).is_some_and(|pair| seen.insert(pair));
                    return (0..count).filter(|row| insert(*row as usize)).collect();
                }
                let known = columns[0].codes.iter().copied().zip(columns[1].codes.iter().copied());
                *self = Self::Two(known.take(stored).collect());
                self.insert_all(codes, rows, stored, columns)
            }
            (Self::Two(seen), [first, second]) => {
                (0..count).filter(|row| seen.insert((first[*row as usize], second[*row as usize]))).collect()
            }
            (Self::Many(seen), codes) => {
                let row_of = |row: u32| codes.iter().map(|column| column[row as usize]).collect::<Box<[i64]>>();
                (0..count).filter(|row| seen.insert(row_of(*row))).collect()
            }
            // A store's rows all have its width.
            (Self::One(_) | Self::Packed(..) | Self::Two(_), _) => Vec::new(),
        }
    }
}

#[inline]
fn hash(code: i64) -> u64 {
    (code as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn hash_row(codes: &[impl AsRef<[i64]>], row: usize) -> u64 {
    if let [only] = codes {
        return hash(only.as_ref()[row]);
    }
    let combine = |combined: u64, code: i64| FxBuildHasher.hash_one((combined, code));
    hash(codes.iter().fold(0, |combined, codes| combine(combined, codes.as_ref()[row])) as i64)
}

impl Chains {
    #[inline]
    fn first(&self, hash: u64) -> u32 {
        self.heads[(hash >> (64 - self.heads.len().trailing_zeros())) as usize]
    }

    /// Takes in the rows that came since the last time.
    fn grow(&mut self, codes: &[&[i64]], rows: usize, budget: &Budget) -> Result<()> {
        if self.heads.len() < rows || self.heads.is_empty() {
            self.heads = vec![NONE; (rows * 2).next_power_of_two().max(16)];
            self.next.clear();
        }
        let shift = 64 - self.heads.len().trailing_zeros();
        budget.spend_steps((rows - self.next.len()) as u64)?;
        for row in self.next.len()..rows {
            let head = &mut self.heads[(hash_row(codes, row) >> shift) as usize];
            self.next.push(*head);
            *head = row as u32;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Store;
    use crate::budget::Budget;
    use crate::plan::slot::SlotSet;
    use crate::run::gather::column_of;
    use crate::run::relation::Relation;
    use crate::value::Value;

    fn rows(pairs: &[(Value, Value)]) -> Relation {
        let columns = vec![
            column_of(pairs.iter().map(|pair| pair.0.clone()).collect()),
            column_of(pairs.iter().map(|pair| pair.1.clone()).collect()),
        ];
        Relation::new(vec![0, 1], columns, pairs.len())
    }

    fn values(relation: &Relation) -> Vec<Vec<Value>> {
        let row = |row: usize| relation.columns.iter().map(|column| column.value(row)).collect();
        let mut rows = (0..relation.rows).map(row).collect::<Vec<_>>();
        rows.sort();
        rows
    }

    /// Each batch is added after the other; then all is there once, and each row is found by either column.
    #[track_caller]
    fn check(batches: &[&[(Value, Value)]]) {
        let budget = Budget::default();
        let mut store = Store::new(vec![0, 1]);
        let mut known: Vec<Vec<Value>> = Vec::new();
        for batch in batches {
            let fresh = store.add(&rows(batch), &budget).expect("nothing limits it");
            let mut expected: Vec<Vec<Value>> = Vec::new();
            for (a, b) in *batch {
                let row = vec![a.clone(), b.clone()];
                if !known.contains(&row) && !expected.contains(&row) {
                    expected.push(row);
                }
            }
            known.extend(expected.clone());
            expected.sort();
            known.sort();
            assert_eq!(values(&fresh), expected, "{batch:?} after others of {batches:?}");
            assert_eq!(values(&store.all()), known, "{batches:?}");
            for (place, args) in [(0, [Some(7), Some(8)]), (1, [Some(8), Some(7)])] {
                let one = Relation::new(vec![7], vec![rows(&[batch[0].clone()]).columns[place].clone()], 1);
                let keep: SlotSet = [7, 8].into_iter().collect();
                if let Some(joined) = store.join(&args, &one, &keep, &budget).expect("nothing limits it") {
                    let wanted = one.columns[0].value(0);
                    let mut expected = known.iter().filter(|row| row[place] == wanted).cloned().collect::<Vec<_>>();
                    expected.iter_mut().filter(|_| place == 1).for_each(|row| row.reverse());
                    expected.sort();
                    assert_eq!(values(&joined), expected, "{wanted} in {batches:?}");
                }
            }
        }
    }

    /// A row of so many columns of one kind, of few or of many different values.
    fn random_row(kind: u64, width: usize, mut random: impl FnMut(u64) -> u64) -> Vec<Value> {
        let mut value = || {
            let n = random(23) as i64 - 11;
            match kind {
                1 => Value::Long(n << 31),
                3 if n < 0 => Value::Keyword(format!("text {}", -n).into()),
                2 | 3 => format!("text {n}").into(),
                4 if n % 2 == 0 => Value::Double(n as f64),
                0 | 4 => Value::Long(n),
                _ => (n % 2 == 0).into(),
            }
        };
        (0..width).map(|_| value()).collect()
    }

    fn relation(rows: &[Vec<Value>], width: usize) -> Relation {
        let column = |at: usize| column_of(rows.iter().map(|row| row[at].clone()).collect());
        Relation::new((0..width as u32).collect(), (0..width).map(column).collect(), rows.len())
    }

    /// Batches of growing size against a plain set; rows are found by their first and by their last column, one at a time and many at once.
    #[test]
    fn a_store_of_any_width_gives_what_a_plain_set_gives() {
        let mut state = 3_u64;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let budget = Budget::default();
        for (kind, width) in (0..6).flat_map(|kind| (1..=3).map(move |width| (kind, width))) {
            let slots: Vec<u32> = (0..width as u32).collect();
            let mut store = Store::new(slots.clone());
            let mut known: BTreeSet<Vec<Value>> = BTreeSet::new();
            for size in [0, 1, 3, 20, 1, 0, 150, 700, 2] {
                // A column that takes one kind at first, and another later.
                let own = if kind == 3 && known.len() < 3 { 2 } else { kind };
                let batch: Vec<_> = (0..size).map(|_| random_row(own, width, &mut random)).collect();
                let fresh = store.add(&relation(&batch, width), &budget).expect("nothing limits it");
                let expected: BTreeSet<_> = batch.iter().filter(|row| !known.contains(*row)).cloned().collect();
                assert_eq!(values(&fresh), expected.iter().cloned().collect::<Vec<_>>(), "kind {kind} of width {width}");
                known.extend(expected);
                assert_eq!((store.rows, values(&store.all())), (known.len(), known.iter().cloned().collect()));
                let many = if size == 700 { 2_100 } else { 2 };
                for (place, count) in [(0, 1), (width - 1, 1), (width - 1, 5), (0, many)] {
                    let wanted: Vec<_> = (0..count).map(|_| random_row(own, 1, &mut random)).collect();
                    let wanted_column = relation(&wanted, 1);
                    let agrees = |row: &Vec<Value>| wanted.iter().any(|one| one[0].same(&row[place]));
                    let found = store.matching(&[place], &wanted_column, &budget).expect("nothing limits it");
                    let found: BTreeSet<_> = values(&found).into_iter().collect();
                    assert!(found.is_subset(&known));
                    assert!(known.iter().filter(|row| agrees(row)).all(|row| found.contains(row)), "{wanted:?} in {known:?}");
                    let args: Vec<Option<u32>> = (0..width as u32).map(|slot| Some(slot + 10)).collect();
                    let current = wanted_column.renamed(vec![place as u32 + 10]);
                    let keep: SlotSet = (10..13).collect();
                    let joined = store.join(&args, &current, &keep, &budget).expect("nothing limits it");
                    assert!(joined.is_some() || store.rows == 0 || kind > 2, "longs and texts of one kind are found by number");
                    if let Some(joined) = joined {
                        let pairs = |one: &Vec<Value>| known.iter().filter(|row| row[place].same(&one[0])).count();
                        assert_eq!(joined.rows, wanted.iter().map(pairs).sum::<usize>(), "{wanted:?} at {place} in {known:?}");
                        assert!(count > 1 || store.rows < 4 || found.iter().all(agrees), "only these are looked at");
                    }
                }
            }
        }
    }

    #[test]
    fn a_store_knows_each_row_once_whatever_kinds_of_values_come() {
        let long = Value::Long;
        check(&[&[(long(1), long(2)), (long(1), long(2)), (long(2), long(1))], &[(long(2), long(1)), (long(3), long(1))]]);
        // One half of a pair is beyond what all before it share.
        let far = 1 + (1 << 32);
        check(&[&[(long(1), long(1))], &[(long(far), long(1))]]);
        check(&[&[(long(1), long(1))], &[(long(1), long(far))], &[(long(1), long(1)), (long(far), long(far))]]);
        check(&[&[(long(1), long(2))], &[(long(1 << 40), long(2)), (long(1), long(2))], &[(long(-1), long(i64::MIN))]]);
        check(&[&[("a".into(), long(2))], &[("b".into(), long(2)), ("a".into(), long(2))], &[("a".into(), 2.0.into())]]);
        check(&[&[(long(1), "a".into())], &[(1.0.into(), "a".into())], &[(Value::Keyword("a".into()), "a".into())]]);
        check(&[&[(true.into(), 1.5.into())], &[(true.into(), 1.5.into()), (false.into(), 1.5.into())]]);
    }
}
