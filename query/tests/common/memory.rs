//! Facts in memory: a log of additions and retractions, and a view of it at some time, computed by plain folding.
//!
//! It is honest (every answer follows from the log and the view alone) and capricious within what [`Facts`] allows: with a seed,
//! it gives typed or plain columns, wanted or unwanted places and wrong estimates at random. An answer may depend on none of that.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use annals_query::column::TextKind;
use annals_query::{
    Attribute, Batch, Budget, Cardinality, Column, Estimate, Fact, Facts, Match, Places, Result, Scan, Slice, Value, ValueType,
    Values,
};

/// The attribute whose values are the names of entities.
pub(crate) const IDENT: &str = "db/ident";

/// Which moment of the log is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// Nothing after this t.
    pub(crate) as_of: Option<i64>,
    /// Only what was said after this t.
    pub(crate) since: Option<i64>,
    /// Additions and retractions as they happened, not what follows from them.
    pub(crate) is_history: bool,
    /// Which of these facts are kept in view.
    pub(crate) keep: Keep,
}

/// A predicate over facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Every fact.
    #[default]
    All,
    /// Facts that nothing explains.
    Unexplained,
    /// Facts about entities with an even id.
    EvenEntities,
    /// Facts of transactions with an odd number.
    OddTransactions,
}

impl Keep {
    /// True if a fact of this entity, transaction and metadata entity is kept.
    pub(crate) fn keeps(self, e: i64, t: i64, m: i64) -> bool {
        match self {
            Self::All => true,
            Self::Unexplained => m == 0,
            Self::EvenEntities => e % 2 == 0,
            Self::OddTransactions => t % 2 == 1,
        }
    }
}

impl View {
    fn keeps(self, fact: &Fact) -> bool {
        self.keep.keeps(fact.e, fact.t, fact.m)
    }
}

/// Names of entities, the latest given first, and whether each is still held: a name belongs to whom it was last given, and is shown while it
/// is held.
pub(crate) type Names = Vec<(i64, Arc<str>, bool)>;

/// How the columns of a batch are made.
#[derive(Debug)]
pub(crate) enum Manner {
    /// The variant made for the kind of value, where there is one; just the places wanted; exact estimates.
    Typed,
    /// [`Column::Value`] for every value; otherwise the same.
    Plain,
    /// As [`Manner::Typed`], but whoever looks for values has to read all facts of the attribute, as if they lay in blocks on disk.
    Blocks,
    /// Anything allowed, by the next number of a random sequence.
    Random(AtomicU64),
}

/// What all views of a log share.
type Parts = (Arc<Vec<Fact>>, Arc<Vec<Arc<Attribute>>>, Arc<Names>);

/// A log of facts, shown at some time.
#[derive(Debug)]
pub(crate) struct MemoryFacts {
    log: Arc<Vec<Fact>>,
    attributes: Arc<Vec<Arc<Attribute>>>,
    names: Arc<Names>,
    view: View,
    manner: Manner,
    /// The facts that the view shows, ascending by attribute and entity.
    shown: Vec<Fact>,
    /// Where the facts of each attribute lie in `shown`.
    places: BTreeMap<i64, std::ops::Range<usize>>,
}

impl MemoryFacts {
    /// All that was ever said, at present. The log is ascending by t; its references are [`Value::Ref`].
    pub(crate) fn new(attributes: Vec<Attribute>, log: Vec<Fact>) -> Self {
        let ident = attributes.iter().find(|attribute| &*attribute.ident == IDENT).map(|attribute| attribute.id);
        let given = log.iter().rev().filter(|fact| fact.added && Some(fact.a) == ident);
        let taken_back = |given: &Fact| {
            let same = log.iter().rev().find(|fact| (fact.e, fact.a, &fact.v) == (given.e, given.a, &given.v));
            same.is_some_and(|last| !last.added)
        };
        let names = given.filter_map(|fact| Some((fact.e, fact.v.as_text()?.into(), !taken_back(fact)))).collect();
        Self::named(attributes, names, log)
    }

    /// The same, with names that need not be in the log.
    pub(crate) fn named(attributes: Vec<Attribute>, names: Names, log: Vec<Fact>) -> Self {
        assert!(log.is_sorted_by_key(|fact| fact.t), "a log is ascending by t");
        let attributes = Arc::new(attributes.into_iter().map(Arc::new).collect());
        Self::shown_at((Arc::new(log), attributes, Arc::new(names)), View::default(), Manner::Typed)
    }

    /// A few facts of attributes that nobody declared, one transaction a fact, from t 1.
    ///
    /// ```ignore
    /// let facts = MemoryFacts::of([(1 << 33, "user/name", "ada".into()), (1 << 33, "user/age", 36.into())]);
    /// ```
    pub(crate) fn of<'a>(rows: impl IntoIterator<Item = (i64, &'a str, Value)>) -> Self {
        let mut attributes: Vec<Attribute> = Vec::new();
        let mut log: Vec<Fact> = Vec::new();
        let mut said: BTreeSet<(i64, i64)> = BTreeSet::new();
        for (t, (e, ident, v)) in (1..).zip(rows) {
            let known = attributes.iter().position(|attribute| &*attribute.ident == ident);
            let position = known.unwrap_or_else(|| {
                attributes.push(Attribute::new((1 << 32) + attributes.len() as i64, ident));
                attributes.len() - 1
            });
            let attribute = &mut attributes[position];
            if matches!(v, Value::Ref(_)) {
                attribute.value_type = Some(ValueType::Ref);
            }
            if !said.insert((e, attribute.id)) {
                attribute.cardinality = Cardinality::Many;
            }
            log.push(Fact { e, a: attribute.id, v, t, m: 0, added: true });
        }
        Self::new(attributes, log)
    }

    /// The same, with the type of an attribute declared.
    pub(crate) fn declared(&self, ident: &str, value_type: ValueType) -> Self {
        let declare = |attribute: &Arc<Attribute>| {
            let mut attribute = Attribute::clone(attribute);
            if &*attribute.ident == ident {
                attribute.value_type = Some(value_type);
            }
            Arc::new(attribute)
        };
        let attributes = self.attributes.iter().map(declare).collect();
        Self::shown_at((Arc::clone(&self.log), Arc::new(attributes), Arc::clone(&self.names)), self.view, Manner::Typed)
    }

    fn shown_at((log, attributes, names): Parts, view: View, manner: Manner) -> Self {
        let mut shown = if view.is_history { happened(&log, view) } else { live(&log, view) };
        shown.sort_by_key(|fact| (fact.a, fact.e));
        let mut places: BTreeMap<i64, std::ops::Range<usize>> = BTreeMap::new();
        for (row, fact) in shown.iter().enumerate() {
            places.entry(fact.a).or_insert(row..row).end = row + 1;
        }
        Self { log, attributes, names, view, manner, shown, places }
    }

    fn parts(&self) -> Parts {
        (Arc::clone(&self.log), Arc::clone(&self.attributes), Arc::clone(&self.names))
    }

    /// The same attributes and names over another log.
    #[must_use]
    pub(crate) fn with_log(&self, log: Vec<Fact>) -> Self {
        let (_, attributes, names) = self.parts();
        Self::shown_at((Arc::new(log), attributes, names), self.view, Manner::Typed)
    }

    /// The same log at another time.
    #[must_use]
    pub(crate) fn at(&self, view: View) -> Self {
        Self::shown_at(self.parts(), view, Manner::Typed)
    }

    /// Which moment is shown.
    pub(crate) fn view(&self) -> View {
        self.view
    }

    /// The same view, its columns made in another manner.
    #[must_use]
    pub(crate) fn in_manner(&self, manner: Manner) -> Self {
        Self::shown_at(self.parts(), self.view, manner)
    }

    /// Everything that was ever said.
    pub(crate) fn log(&self) -> &[Fact] {
        &self.log
    }

    /// The facts of this view, ascending by attribute and entity.
    pub(crate) fn shown(&self) -> &[Fact] {
        &self.shown
    }

    /// The attributes.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().map(Arc::as_ref)
    }

    /// True or false by the next random number; the first of the two manners is always false.
    fn toss(&self, one_in: u64) -> bool {
        match &self.manner {
            Manner::Typed | Manner::Plain | Manner::Blocks => false,
            Manner::Random(state) => scramble(state.fetch_add(1, Ordering::Relaxed)).is_multiple_of(one_in),
        }
    }

    fn value_column(&self, values: Vec<Value>) -> Column {
        if matches!(self.manner, Manner::Plain) || self.toss(2) { Column::Value(values.into()) } else { typed(values) }
    }

    fn chosen(&self, scan: &Scan<'_>) -> Vec<&Fact> {
        let range = match scan.attribute {
            Some(a) => self.places.get(&a).cloned().unwrap_or(0..0),
            None => 0..self.shown.len(),
        };
        // What is not needed may be left out, or not.
        let within = scan.within.filter(|_| !self.toss(3));
        let is_chosen = |fact: &&Fact| {
            scan.entities.is_none_or(|entities| entities.binary_search(&fact.e).is_ok())
                && within.is_none_or(|(first, last)| (first..=last).contains(&fact.e))
                && scan.t.is_none_or(|t| fact.t == t)
                && admits(&scan.values, &plain(&fact.v))
        };
        self.shown[range].iter().filter(is_chosen).collect()
    }
}

/// The next number of a sequence that looks random (splitmix64).
fn scramble(n: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x1234_5678_9ABC_DEF1);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A value as queries see it: an entity is its id.
pub(crate) fn plain(value: &Value) -> Value {
    match value {
        Value::Ref(id) => Value::Long(*id),
        other => other.clone(),
    }
}

/// Every event in the window.
fn happened(log: &[Fact], view: View) -> Vec<Fact> {
    let is_in = |t: i64| view.as_of.is_none_or(|end| t <= end) && view.since.is_none_or(|start| t > start);
    log.iter().filter(|fact| is_in(fact.t) && view.keeps(fact)).cloned().collect()
}

/// What is true at `as_of`: an (e, a, v) whose last event until then was an addition, if that addition came after `since`.
fn live(log: &[Fact], view: View) -> Vec<Fact> {
    let mut last: BTreeMap<(i64, i64, Value), &Fact> = BTreeMap::new();
    for fact in log.iter().filter(|fact| view.as_of.is_none_or(|end| fact.t <= end)) {
        last.insert((fact.e, fact.a, fact.v.clone()), fact);
    }
    let is_shown = |fact: &&&Fact| fact.added && view.since.is_none_or(|start| fact.t > start) && view.keeps(fact);
    last.values().filter(is_shown).copied().cloned().collect()
}

fn admits(values: &Values<'_>, value: &Value) -> bool {
    match values {
        Values::Any => true,
        Values::Equal(wanted) => value.same(&plain(wanted)),
        Values::Among(wanted) => wanted.iter().any(|wanted| value.same(wanted)),
        Values::Range(low, high) => is_above(value, *low) && is_below(value, *high),
    }
}

fn is_above(value: &Value, low: Bound<&Value>) -> bool {
    match low {
        Bound::Unbounded => true,
        Bound::Included(low) => value.compare_within_type(&plain(low)).is_some_and(std::cmp::Ordering::is_ge),
        Bound::Excluded(low) => value.compare_within_type(&plain(low)).is_some_and(std::cmp::Ordering::is_gt),
    }
}

fn is_below(value: &Value, high: Bound<&Value>) -> bool {
    match high {
        Bound::Unbounded => true,
        Bound::Included(high) => value.compare_within_type(&plain(high)).is_some_and(std::cmp::Ordering::is_le),
        Bound::Excluded(high) => value.compare_within_type(&plain(high)).is_some_and(std::cmp::Ordering::is_lt),
    }
}

/// The column made for these values: typed when all are of one kind that has a variant of its own.
fn typed(values: Vec<Value>) -> Column {
    fn all<T>(values: &[Value], part: impl Fn(&Value) -> Option<T>) -> Option<Slice<T>> {
        let items: Option<Vec<T>> = values.iter().map(part).collect();
        items.map(Slice::from)
    }
    let long = |value: &Value| if let Value::Long(n) = value { Some(*n) } else { None };
    let double = |value: &Value| if let Value::Double(n) = value { Some(*n) } else { None };
    let boolean = |value: &Value| if let Value::Boolean(flag) = value { Some(*flag) } else { None };
    let instant = |value: &Value| if let Value::Instant(n) = value { Some(*n) } else { None };
    None.or_else(|| all(&values, long).map(Column::Long))
        .or_else(|| all(&values, double).map(Column::Double))
        .or_else(|| all(&values, boolean).map(Column::Boolean))
        .or_else(|| all(&values, instant).map(Column::Instant))
        .or_else(|| texts(&values))
        .unwrap_or_else(|| Column::Value(values.into()))
}

/// Strings alone, or keywords alone, as codes into a dictionary in order of appearance.
fn texts(values: &[Value]) -> Option<Column> {
    let kind = match values.first()? {
        Value::String(_) => TextKind::String,
        Value::Keyword(_) => TextKind::Keyword,
        _ => return None,
    };
    let mut dictionary: Vec<Arc<str>> = Vec::new();
    let mut codes: Vec<u32> = Vec::new();
    for value in values {
        let ((TextKind::String, Value::String(text)) | (TextKind::Keyword, Value::Keyword(text))) = (kind, value) else {
            return None;
        };
        let known = dictionary.iter().position(|other| other == text);
        let code = known.unwrap_or_else(|| {
            dictionary.push(Arc::clone(text));
            dictionary.len() - 1
        });
        codes.push(code as u32);
    }
    Some(Column::Text(kind, Arc::new(dictionary), codes.into()))
}

impl Facts for MemoryFacts {
    fn attribute(&self, ident: &str) -> Option<Arc<Attribute>> {
        let present = self.attributes.iter().find(|attribute| &*attribute.ident == ident).cloned();
        present.or_else(|| {
            let (id, ..) = self.names.iter().find(|(_, name, _)| &**name == ident)?;
            self.attribute_by_id(*id)
        })
    }

    fn attribute_by_id(&self, id: i64) -> Option<Arc<Attribute>> {
        self.attributes.iter().find(|attribute| attribute.id == id).cloned()
    }

    fn type_of_values(&self, attribute: i64) -> Option<ValueType> {
        let declared = self.attribute_by_id(attribute)?.value_type;
        let mut types = self.log.iter().filter(|fact| fact.a == attribute).map(|fact| plain(&fact.v).value_type());
        let first = types.next()??;
        let found = || (types.all(|own| own == Some(first)) && self.toss(2)).then_some(first);
        declared.or_else(found)
    }

    /// Any value, however many lie beyond it: no answer may depend on that.
    fn value_near_end(&self, attribute: i64, _: bool, _: usize) -> Option<Value> {
        let mut values = self.log.iter().filter(|fact| fact.a == attribute).map(|fact| plain(&fact.v));
        let first = values.next().filter(|_| self.toss(2))?;
        Some(values.find(|_| self.toss(3)).unwrap_or(first))
    }

    fn entity_by_ident(&self, ident: &str) -> Result<Option<i64>> {
        let attribute = self.attributes.iter().find(|attribute| &*attribute.ident == ident).map(|attribute| attribute.id);
        Ok(attribute.or_else(|| self.names.iter().find(|(_, name, _)| &**name == ident).map(|(id, ..)| *id)))
    }

    fn ident_of(&self, entity: i64) -> Result<Option<Arc<str>>> {
        if let Some(attribute) = self.attribute_by_id(entity) {
            return Ok(Some(Arc::clone(&attribute.ident)));
        }
        Ok(self.names.iter().find(|(id, _, is_held)| *id == entity && *is_held).map(|(_, name, _)| Arc::clone(name)))
    }

    fn lookup(&self, attribute: &Attribute, value: &Value) -> Result<Option<i64>> {
        if value.as_items().is_some_and(|parts| parts.contains(&Value::Nil)) {
            return Ok(None);
        }
        let live = live(&self.log, self.view);
        let found: Vec<&Fact> = live.iter().filter(|fact| fact.a == attribute.id && plain(&fact.v).same(&plain(value))).collect();
        // Equal numbers of two kinds are two values, as 2 and 2N: the one asked for comes first.
        let exact = found.iter().find(|fact| plain(&fact.v) == plain(value));
        Ok(exact.or(found.first()).map(|fact| fact.e))
    }

    fn names_near(&self, ident: &str) -> Vec<String> {
        let name = |ident: &str| ident.rsplit('/').next().unwrap_or(ident).to_owned();
        let difference = |known: &str| {
            let (known, wanted) = (name(known), name(ident));
            let alike = known.chars().zip(wanted.chars()).take_while(|(a, b)| a == b).count();
            known.chars().count().max(wanted.chars().count()) - alike
        };
        let mut names: Vec<String> = self.attributes.iter().map(|attribute| attribute.ident.to_string()).collect();
        names.sort_by_key(|known| difference(known));
        names.truncate(3);
        names
    }

    fn announce(&self, _attributes: &[i64], _budget: &Budget) -> Result<()> {
        Ok(())
    }

    fn scan(&self, scan: &Scan<'_>, budget: &Budget) -> Result<Batch> {
        if let Some(entities) = scan.entities {
            assert!(entities.is_sorted_by(|a, b| a < b), "the entities of a scan are ascending, each once");
        }
        let facts = self.chosen(scan);
        // What a source with an index touches.
        budget.spend_steps(facts.len() as u64 + 1)?;
        let Places { a, v, t, m, added } = scan.places;
        let ids = |wanted: bool, place: fn(&Fact) -> i64| {
            (wanted || self.toss(2)).then(|| Column::Long(facts.iter().map(|fact| place(fact)).collect()))
        };
        Ok(Batch {
            e: Column::Long(facts.iter().map(|fact| fact.e).collect()),
            a: ids(a, |fact| fact.a),
            v: (v || self.toss(2)).then(|| self.value_column(facts.iter().map(|fact| plain(&fact.v)).collect())),
            t: ids(t, |fact| fact.t),
            m: ids(m, |fact| fact.m),
            added: (added || self.toss(2)).then(|| Column::Boolean(facts.iter().map(|fact| fact.added).collect())),
        })
    }

    fn estimate(&self, scan: &Scan<'_>) -> Estimate {
        let facts = self.chosen(&Scan { attribute: scan.attribute, ..Scan::default() });
        let mut entities: Vec<i64> = facts.iter().map(|fact| fact.e).collect();
        let mut values: Vec<Value> = facts.iter().map(|fact| plain(&fact.v)).collect();
        entities.sort_unstable();
        entities.dedup();
        values.sort_unstable();
        values.dedup();
        let blur = |exact: usize| match &self.manner {
            Manner::Random(state) if self.toss(3) => (scramble(state.load(Ordering::Relaxed)) % 1000) as f64,
            _ => exact as f64,
        };
        let count = self.chosen(scan).len();
        let looked_at = match (&self.manner, &scan.values) {
            (Manner::Blocks, Values::Equal(_) | Values::Range(..)) => facts.len(),
            _ => count,
        };
        let (rows, read) = (blur(count), blur(looked_at));
        Estimate { rows, read, distinct_e: blur(entities.len()), distinct_v: blur(values.len()) }
    }

    fn entity(&self, entity: i64, _budget: &Budget) -> Result<Vec<Fact>> {
        let mut facts: Vec<Fact> = self.shown.iter().filter(|fact| fact.e == entity).cloned().collect();
        facts.sort_by(|left, right| left.a.cmp(&right.a).then_with(|| left.v.cmp(&right.v)));
        Ok(facts)
    }

    fn referrers(&self, entity: i64, attribute: i64, _budget: &Budget) -> Result<Vec<i64>> {
        let facts = self.shown.iter().filter(|fact| fact.a == attribute && fact.v == Value::Ref(entity));
        Ok(facts.map(|fact| fact.e).collect())
    }

    fn transactions(&self, from: &Value, until: &Value) -> Result<Vec<i64>> {
        let first_at = |bound: &Value| match bound {
            Value::Long(t) => Some(*t),
            // Where nothing says otherwise, the instant of t is t seconds.
            Value::Instant(instant) => Some(instant.div_euclid(1_000_000) + i64::from(instant.rem_euclid(1_000_000) > 0)),
            _ => None,
        };
        let (from, until) = (first_at(from), first_at(until));
        let is_in = |t: &i64| {
            self.view.as_of.is_none_or(|end| *t <= end)
                && self.view.since.is_none_or(|start| *t > start)
                && from.is_none_or(|from| *t >= from)
                && until.is_none_or(|until| *t < until)
        };
        let mut ids: Vec<i64> = self.log.iter().map(|fact| fact.t).filter(is_in).collect();
        ids.dedup();
        Ok(ids)
    }

    fn said(&self, t: i64, budget: &Budget) -> Result<Vec<Fact>> {
        budget.spend_steps(self.log.len() as u64)?;
        Ok(happened(&self.log, self.view).into_iter().filter(|fact| fact.t == t).collect())
    }

    fn fulltext(&self, attribute: &Attribute, search: &str, _budget: &Budget) -> Result<Vec<Match>> {
        let has = |fact: &&Fact| fact.a == attribute.id && fact.v.as_text().is_some_and(|text| text.contains(search));
        let found = self.shown.iter().filter(has);
        Ok(found.map(|fact| Match { e: fact.e, v: fact.v.clone(), t: fact.t, score: 1.0 }).collect())
    }

    fn is_history(&self) -> bool {
        self.view.is_history
    }
}
