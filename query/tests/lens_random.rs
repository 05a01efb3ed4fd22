//! Promise: facts seen through a lens are the facts that somebody would have said who renamed, coerced, supplied and computed them by
//! hand. Attacked with random facts, random lenses and every view of time: a few plain loops make the facts that should be seen, and
//! every scan, entity and query on them must answer alike. `SEED=` replays a run, `LENSES=` says how many lenses are tried.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use annals_query::lens::Lens;
use annals_query::{Attribute, Batch, Budget, Cardinality, Fact, Facts, Given, Places, Scan, Unique, Value, Values, engine};
use common::memory::{IDENT, Manner, MemoryFacts, View, plain};

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn toss(&mut self) -> bool {
        self.below(2) == 0
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

const ENTITIES: i64 = 6;
const FIRST_ATTRIBUTE: i64 = 1 << 32;
/// Stored names: the first two have one value, the third is unique, the fourth has many, the fifth refers.
const NAMES: [&str; 5] = ["s/one", "s/two", "s/key", "s/many", "s/ref"];

fn attributes() -> Vec<Attribute> {
    let mut attributes: Vec<Attribute> =
        NAMES.iter().chain([&IDENT]).zip(FIRST_ATTRIBUTE..).map(|(name, id)| Attribute::new(id, *name)).collect();
    attributes[2].unique = Some(Unique::Identity);
    attributes[3].cardinality = Cardinality::Many;
    attributes[4].value_type = Some(annals_query::ValueType::Ref);
    attributes
}

fn value(random: &mut Random, attribute: usize) -> Value {
    let n = random.below(4) as i64;
    match (attribute, random.below(4)) {
        (4, _) => Value::Ref(1 + random.below(ENTITIES as usize) as i64),
        (2, _) => Value::from(format!("k{}", random.below(50))),
        (_, 0) => Value::from(n),
        (_, 1) => Value::from(format!("0{n}")),
        (_, 2) => Value::from(format!("{n}")),
        _ => Value::from("x"),
    }
}

/// A log in which nothing is said twice and nothing is retracted that does not hold.
fn log(random: &mut Random) -> Vec<Fact> {
    let attributes = attributes();
    let ident = attributes[5].id;
    let mut log: Vec<Fact> = attributes
        .iter()
        .map(|attribute| Fact {
            e: attribute.id,
            a: ident,
            v: Value::Keyword(Arc::clone(&attribute.ident)),
            t: 1,
            m: 0,
            added: true,
        })
        .collect();
    let mut held: BTreeMap<(i64, i64), BTreeSet<Value>> = BTreeMap::new();
    for t in 2..2 + random.below(25) as i64 {
        let (e, at) = (1 + random.below(ENTITIES as usize) as i64, random.below(NAMES.len()));
        let (a, v, m) = (attributes[at].id, value(random, at), random.below(2) as i64);
        let values = held.entry((e, a)).or_default();
        let is_many = attributes[at].cardinality == Cardinality::Many;
        if values.contains(&v) || !is_many && !values.is_empty() {
            let old = if values.contains(&v) { v.clone() } else { values.first().expect("it has one").clone() };
            values.remove(&old);
            log.push(Fact { e, a, v: old.clone(), t, m, added: false });
            if old == v {
                continue;
            }
        }
        values.insert(v.clone());
        log.push(Fact { e, a, v, t, m, added: true });
    }
    log
}

/// A lens of few parts, each there or not.
#[expect(clippy::struct_excessive_bools, reason = "independent parts of a lens, each there or not")]
struct Spec {
    new_one: Option<&'static str>,
    hides_one: bool,
    hides_many: bool,
    two_as_long: bool,
    many_as_long: bool,
    default_two: bool,
    default_state: bool,
    sum: bool,
    key_text: bool,
}

impl Spec {
    fn random(random: &mut Random) -> Self {
        Self {
            new_one: [None, Some("n/one"), Some("s/two")][random.below(3)],
            hides_one: random.toss(),
            hides_many: random.below(4) == 0,
            two_as_long: random.toss(),
            many_as_long: random.toss(),
            default_two: random.toss(),
            default_state: random.toss(),
            sum: random.toss(),
            key_text: random.toss(),
        }
    }

    /// The name by which the lens' own text means the second attribute: taken, it is called by no other.
    fn two(&self) -> &'static str {
        if self.new_one == Some("s/two") { "s/gone" } else { "s/two" }
    }

    fn text(&self) -> String {
        let mut renames = String::new();
        if let Some(new) = self.new_one {
            renames.extend([":", new, " :s/one "]);
            if new == "s/two" {
                renames += ":s/gone :s/two ";
            }
        }
        let part = |is_there: bool, text: &str| if is_there { text.to_owned() } else { String::new() };
        format!(
            "{{:lens/rename {{{renames}}} :lens/hide [{}{}] :lens/coerce {{{}{}}} :lens/default {{:s/key {{{}{}}}}}
              :lens/compute {{{}{}}} :lens/on-failure :skip}}",
            part(self.hides_one && self.new_one.is_some(), ":s/one "),
            part(self.hides_many, ":s/many "),
            part(self.two_as_long, &format!(":{} :long ", self.two())),
            part(self.many_as_long, ":s/many :long "),
            part(self.default_two, &format!(":{} 7 ", self.two())),
            part(self.default_state, ":c/state :new "),
            part(self.sum, &format!(":c/sum (+ ?s/many ?{}) ", self.two())),
            part(self.key_text, ":c/text (str ?s/key ?db/id) "),
        )
    }

    /// The facts that should be seen, made with plain loops from those of the view.
    fn seen(&self, facts: &MemoryFacts, view: &dyn Facts, is_history: bool) -> Vec<Fact> {
        let id = |at: usize| FIRST_ATTRIBUTE + at as i64;
        let mut seen: Vec<Fact> = Vec::new();
        for fact in facts.shown() {
            let mut fact = fact.clone();
            if self.two_as_long && fact.a == id(1) || self.many_as_long && fact.a == id(3) {
                match as_long(&fact.v) {
                    Some(n) => fact.v = Value::from(n),
                    None => continue,
                }
            }
            seen.push(fact);
        }
        if !is_history {
            seen.sort_by_key(|fact| fact.t);
            let mut known = BTreeSet::new();
            seen.retain(|fact| known.insert((fact.e, fact.a, fact.v.clone())));
            let of = |seen: &[Fact], a: i64| seen.iter().filter(|fact| fact.a == a).cloned().collect::<Vec<_>>();
            let virtual_id = |name: &str| view.attribute(name).map(|attribute| attribute.id);
            let mut supply = |a: i64, v: Value| {
                let lacking = |key: &Fact| !seen.iter().any(|fact| fact.a == a && fact.e == key.e);
                let new: Vec<Fact> = of(&seen, id(2)).into_iter().filter(lacking).collect();
                seen.extend(new.into_iter().map(|key| Fact { a, v: v.clone(), ..key }));
            };
            if self.default_two {
                supply(id(1), 7.into());
            }
            if let (true, Some(a)) = (self.default_state, virtual_id("c/state")) {
                supply(a, Value::keyword("new"));
            }
            let mut computed: Vec<Fact> = Vec::new();
            if let (true, Some(a)) = (self.sum, virtual_id("c/sum")) {
                for many in of(&seen, id(3)) {
                    for two in of(&seen, id(1)).into_iter().filter(|two| two.e == many.e) {
                        if let (Value::Long(x), Value::Long(y)) = (&many.v, &two.v) {
                            // The newest fact tells when; of two of one transaction, the first input.
                            let newest = if two.t > many.t { &two } else { &many };
                            computed.push(Fact { a, v: Value::from(x + y), ..newest.clone() });
                        }
                    }
                }
            }
            if let (true, Some(a)) = (self.key_text, virtual_id("c/text")) {
                computed.extend(of(&seen, id(2)).into_iter().map(|key| {
                    let text = format!("{}{}", key.v.as_text().expect("keys are texts"), key.e);
                    Fact { a, v: text.into(), ..key }
                }));
            }
            computed.sort_by_key(|fact| fact.t);
            computed.retain(|fact| known.insert((fact.e, fact.a, fact.v.clone())));
            seen.extend(computed);
        }
        self.name(&mut seen, view, is_history);
        seen
    }

    /// Hides what no name leads to, and gives the names that the lens gives.
    fn name(&self, seen: &mut Vec<Fact>, view: &dyn Facts, is_history: bool) {
        let (many, ident) = (FIRST_ATTRIBUTE + 3, FIRST_ATTRIBUTE + 5);
        seen.retain(|fact| !self.hides_many || fact.a != many && fact.e != many);
        for fact in seen.iter_mut().filter(|fact| fact.a == ident) {
            if let Some(attribute) = view.attribute_by_id(fact.e) {
                fact.v = Value::Keyword(Arc::clone(&attribute.ident));
            }
        }
        if !is_history {
            for name in ["c/state", "c/sum", "c/text"] {
                if let Some(attribute) = view.attribute(name) {
                    seen.push(Fact { e: attribute.id, a: ident, v: Value::keyword(name), t: 1, m: 0, added: true });
                }
            }
        }
    }
}

fn as_long(value: &Value) -> Option<i64> {
    match value {
        Value::Long(n) => Some(*n),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

const ALL: Places = Places { a: true, v: true, t: true, m: true, added: true };

fn rows(batch: &Batch, attribute: Option<i64>) -> BTreeSet<(i64, i64, Value, i64, i64, bool)> {
    let long = |column: &Option<annals_query::Column>, row: usize| {
        column.as_ref().expect("it was wanted").value(row).as_long().expect("an id")
    };
    let row = |row: usize| {
        let added = batch.added.as_ref().expect("it was wanted").value(row);
        let a = attribute.unwrap_or_else(|| long(&batch.a, row));
        let (e, v) = (batch.e.value(row).as_long().expect("an id"), batch.v.as_ref().expect("it was wanted").value(row));
        (e, a, v, long(&batch.t, row), long(&batch.m, row), added == Value::from(true))
    };
    let all: Vec<_> = (0..batch.len()).map(row).collect();
    let set: BTreeSet<_> = all.iter().cloned().collect();
    assert_eq!(all.len(), set.len(), "no fact comes twice");
    if attribute.is_some() {
        assert!(all.is_sorted_by_key(|row| row.0), "facts of an attribute are ascending by entity");
    }
    set
}

fn admits(values: &Values<'_>, v: &Value) -> bool {
    let within = |order: Option<std::cmp::Ordering>, test: fn(std::cmp::Ordering) -> bool| order.is_some_and(test);
    match values {
        Values::Any => true,
        Values::Equal(wanted) => v.same(wanted),
        Values::Among(wanted) => wanted.iter().any(|wanted| v.same(wanted)),
        Values::Range(low, high) => {
            (match low {
                Bound::Unbounded => true,
                Bound::Included(low) => within(v.compare_within_type(low), std::cmp::Ordering::is_ge),
                Bound::Excluded(low) => within(v.compare_within_type(low), std::cmp::Ordering::is_gt),
            }) && match high {
                Bound::Unbounded => true,
                Bound::Included(high) => within(v.compare_within_type(high), std::cmp::Ordering::is_le),
                Bound::Excluded(high) => within(v.compare_within_type(high), std::cmp::Ordering::is_lt),
            }
        }
    }
}

/// One random scan of the view gives what a plain look at the expected facts gives.
fn compare_scan(random: &mut Random, view: &dyn Facts, expected: &[Fact], context: &str) {
    let ids: Vec<i64> = expected.iter().map(|fact| fact.a).collect::<BTreeSet<_>>().into_iter().collect();
    let attribute = (random.below(5) > 0 && !ids.is_empty()).then(|| ids[random.below(ids.len())]);
    let entities: Vec<i64> = (-3..=ENTITIES).filter(|_| random.toss()).collect();
    let entities = random.toss().then_some(&entities[..]);
    let constants =
        [Value::from(1), Value::from(3), "1".into(), "x".into(), "k7".into(), Value::keyword("new"), Value::from(2.0)];
    let (low, high) = (&constants[random.below(7)], &constants[random.below(7)]);
    let mut among: Vec<Value> = constants.iter().filter(|_| random.toss()).map(Value::canonical).collect();
    among.sort_unstable();
    among.dedup();
    let values = match random.below(5) {
        0 | 1 => Values::Any,
        2 => Values::Equal(low),
        3 => Values::Among(&among),
        _ => {
            let low = [Bound::Included(low), Bound::Excluded(low), Bound::Unbounded][random.below(3)];
            Values::Range(low, [Bound::Included(high), Bound::Excluded(high), Bound::Unbounded][random.below(3)])
        }
    };
    let t = (random.below(4) == 0).then(|| 1 + random.below(20) as i64);
    let scan = Scan { attribute, entities, values, t, places: ALL, ..Scan::default() };
    let found = rows(&view.scan(&scan, &Budget::default()).expect("nothing fails"), attribute);
    let is_chosen = |fact: &&Fact| {
        attribute.is_none_or(|a| fact.a == a)
            && entities.is_none_or(|entities| entities.contains(&fact.e))
            && t.is_none_or(|t| fact.t == t)
            && admits(&values, &plain(&fact.v))
    };
    let wanted: BTreeSet<_> =
        expected.iter().filter(is_chosen).map(|fact| (fact.e, fact.a, plain(&fact.v), fact.t, fact.m, fact.added)).collect();
    assert_eq!(found, wanted, "{context} {scan:?}");
    let estimate = view.estimate(&scan);
    assert!(estimate.rows.is_finite() && estimate.rows >= 0.0, "{context}");
}

const QUERIES: [&str; 14] = [
    "[:find ?e ?v :where [?e :s/two ?v]]",
    "[:find ?e ?v ?t ?m :where [?e :s/many ?v ?t ?m]]",
    "[:find ?n ?e ?v :where [?e ?a ?v] [?a :db/ident ?n]]",
    "[:find ?e :where [?e :s/two 1]]",
    "[:find ?e ?v :where [?e :c/sum ?v] [(number? ?v)]]",
    "[:find ?e ?f :where [?e :s/many ?v] [?f :s/two ?v]]",
    "[:find ?e ?f :where [?e :s/two ?v] [?f :n/one ?v]]",
    "[:find ?e ?s :where [?e :c/state ?s] (not [?e :s/one])]",
    "[:find ?e ?x :where [?e :s/ref ?f] [?f :c/text ?x]]",
    "[:find (count ?v) (count ?e) :with ?t :where [?e :s/many ?v ?t]]",
    "[:find ?e (pull ?e [*]) :where [?e :s/key]]",
    "[:find ?e (pull ?e [:c/state :n/one {:s/_ref [:s/two :c/sum]}]) :where [?e :s/key]]",
    "[:find ?e ?g :where [?e :s/key] [(get-else $ ?e :c/state :none) ?g]]",
    "[:find ?e :where (or [?e :c/sum 3] [?e :s/gone 7] [?e :s/key \"k7\"])]",
];

fn answer(query: &str, facts: Arc<dyn Facts>) -> Result<Vec<Vec<Value>>, String> {
    let mut answer =
        engine::query(query, &[Given::Facts(facts)], &Budget::default()).map_err(|error| error.code().name().to_owned())?;
    answer.rows.sort();
    Ok(answer.rows)
}

fn compare_lens(random: &mut Random, replay: u64) {
    let spec = Spec::random(random);
    let view = View {
        as_of: random.toss().then(|| random.below(25) as i64),
        since: (random.below(4) == 0).then(|| random.below(10) as i64),
        is_history: random.below(4) == 0,
        ..View::default()
    };
    let stored = MemoryFacts::new(attributes(), log(random)).at(view);
    let text = spec.text();
    let lens = Lens::read(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let manner = Manner::Random(AtomicU64::new(random.below(1_000) as u64));
    let seen = lens.view(Arc::new(stored.in_manner(manner)));
    let expected = spec.seen(&stored, seen.as_ref(), view.is_history);
    let context = format!("SEED={replay} {text} {view:?}");
    for _ in 0..12 {
        compare_scan(random, seen.as_ref(), &expected, &context);
    }
    if !view.is_history {
        for entity in 1..=ENTITIES {
            let mut own: Vec<Fact> = expected.iter().filter(|fact| fact.e == entity).cloned().collect();
            own.sort_by(|x, y| x.a.cmp(&y.a).then_with(|| x.v.cmp(&y.v)));
            assert_eq!(seen.entity(entity, &Budget::default()).expect("nothing fails"), own, "{context}");
        }
    }
    let shown = |id: i64| seen.attribute_by_id(id).map(|attribute| Attribute::clone(&attribute));
    let known: Vec<Attribute> = (FIRST_ATTRIBUTE..FIRST_ATTRIBUTE + 6).chain(-4..0).filter_map(shown).collect();
    let mut said = expected;
    said.sort_by_key(|fact| fact.t);
    let view_of_said = View { is_history: view.is_history, ..View::default() };
    let said: Arc<dyn Facts> = Arc::new(MemoryFacts::new(known, said).at(view_of_said));
    // Who says facts by hand leaves no old name behind.
    let keeps_old_name = seen.attribute("s/one").is_some_and(|attribute| &*attribute.ident != "s/one");
    for query in QUERIES.iter().filter(|query| !keeps_old_name || !query.contains(":s/one")) {
        assert_eq!(answer(query, Arc::clone(&seen)), answer(query, Arc::clone(&said)), "{context} {query}");
    }
}

#[test]
fn what_a_lens_shows_is_what_would_have_been_said() {
    let seed = number("SEED", 20_261_121);
    for lens in 0..number("LENSES", 600) {
        compare_lens(&mut Random(seed.wrapping_add(lens)), seed.wrapping_add(lens));
    }
}
