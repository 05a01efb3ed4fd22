//! Points that were read from the store lately, with what was found: who asks for the same few again finds them in memory, without columns of
//! whole attributes.
//!
//! What the log says up to a moment never changes, so an entry is right for as long as it is kept. It is kept until newer ones need its room:
//! there are two halves, and when the younger one is full the older one goes.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use annals_query::{Found, Value};
use rustc_hash::FxSeededState;

use super::by_value::as_shown;
use super::window::Window;

/// One part in so many of the memory that columns may take is for points.
const SHARE: u64 = 64;

/// About what an entry takes beside what was found: its key, and its place in a table that is partly empty.
const BYTES_PER_ENTRY: usize = 160;

/// A number of any length takes at most about so much, as its digits are limited.
const BYTES_OF_LONG_NUMBER: usize = 4_096;

/// A point with more facts than so many is none.
const LIMIT_FACTS: usize = 16;

/// Which point: what is asked of an attribute, as of a moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) attribute: i64,
    pub(crate) of: Of,
    /// The last t that counts.
    pub(crate) until: i64,
}

/// Whose facts are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Of {
    /// Those of an entity.
    Entity(i64),
    /// Those with exactly this value.
    Value(Value),
}

/// What was read lately.
#[derive(Debug)]
pub(crate) struct Lately {
    halves: Mutex<Halves>,
    /// Bytes that each half may take.
    limit: usize,
}

/// A hash that is another one in each store that is opened.
type Table = HashMap<Place, Box<[Found]>, FxSeededState>;

#[derive(Debug)]
struct Halves {
    young: Table,
    old: Table,
    /// What each of them takes, about.
    young_bytes: usize,
    old_bytes: usize,
}

impl Lately {
    /// Nothing yet, and never more than fits beside columns that may take so many bytes.
    pub(super) fn new(cache_bytes: u64) -> Self {
        let table = || Table::with_hasher(FxSeededState::with_seed(RandomState::new().hash_one(SHARE) as usize));
        let halves = Halves { young: table(), old: table(), young_bytes: 0, old_bytes: 0 };
        Self { halves: Mutex::new(halves), limit: (cache_bytes / SHARE / 2) as usize }
    }

    /// Adds what is known of a point, as far as a window shows it and the value is the same as the one that is wanted; nothing if the point
    /// is not known.
    pub(crate) fn find(&self, place: &Place, window: Window, wanted: Option<&Value>, found: &mut Vec<Found>) -> Option<()> {
        let mut halves = self.locked();
        // Whoever holds a value has just this one.
        let wanted = wanted.filter(|_| matches!(place.of, Of::Entity(_)));
        if let Some(known) = halves.young.get(place) {
            add_shown(known, window, wanted, found);
            return Some(());
        }
        let (place, known) = halves.old.remove_entry(place)?;
        add_shown(&known, window, wanted, found);
        // What is asked for again goes over to the younger.
        let bytes = bytes_of(&place, &known);
        halves.old_bytes -= bytes;
        halves.insert(place, known, bytes, self.limit);
        Some(())
    }

    /// Keeps all that holds at a place, if there is room for it.
    pub(crate) fn keep(&self, place: Place, known: &[Found]) {
        let bytes = bytes_of(&place, known);
        if known.len() <= LIMIT_FACTS && bytes <= self.limit {
            self.locked().insert(place, known.into(), bytes, self.limit);
        }
    }

    /// About how many bytes of memory are taken.
    pub(crate) fn bytes(&self) -> u64 {
        let halves = self.locked();
        (halves.young_bytes + halves.old_bytes) as u64
    }

    /// Changes what is kept, so that tests can tell who was told it.
    #[cfg(test)]
    pub(crate) fn replace_each(&self, replace: impl Fn(&mut Found)) {
        let mut halves = self.locked();
        let Halves { young, old, .. } = &mut *halves;
        young.values_mut().chain(old.values_mut()).flatten().for_each(replace);
    }

    /// Also after a panic elsewhere: whatever is there is true.
    fn locked(&self) -> MutexGuard<'_, Halves> {
        self.halves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Halves {
    /// Inserts what takes so many bytes into the younger half, which becomes the older one if it is full.
    fn insert(&mut self, place: Place, known: Box<[Found]>, bytes: usize, limit: usize) {
        if self.young_bytes + bytes > limit {
            let empty = Table::with_hasher(self.young.hasher().clone());
            self.old = std::mem::replace(&mut self.young, empty);
            (self.old_bytes, self.young_bytes) = (self.young_bytes, 0);
        }
        if self.young.insert(place, known).is_none() {
            self.young_bytes += bytes;
        }
    }
}

/// Adds those of the facts that hold at the end of a window which it shows, and whose value is the same as the one that is wanted.
pub(crate) fn add_shown(known: &[Found], window: Window, wanted: Option<&Value>, found: &mut Vec<Found>) {
    let wanted = wanted.map(|wanted| as_shown(wanted).canonical());
    for fact in known {
        let is_wanted = || wanted.as_ref().is_none_or(|wanted| as_shown(&fact.v).canonical() == *wanted);
        if window.since < fact.t && is_wanted() {
            found.push(fact.clone());
        }
    }
}

fn bytes_of(place: &Place, known: &[Found]) -> usize {
    let key = if let Of::Value(value) = &place.of { bytes_of_value(value) } else { 0 };
    BYTES_PER_ENTRY + key + known.iter().map(|found| size_of::<Found>() + bytes_of_value(&found.v)).sum::<usize>()
}

/// What a value takes beside itself.
fn bytes_of_value(value: &Value) -> usize {
    match value {
        Value::String(text) | Value::Keyword(text) | Value::Symbol(text) | Value::Uri(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Vector(items) => items.iter().map(|item| size_of::<Value>() + bytes_of_value(item)).sum(),
        Value::BigInt(_) | Value::BigDec(_) => BYTES_OF_LONG_NUMBER,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    //! The promise: what was kept is found as it was until newer entries need its room, all entries together take no more than their share, and
    //! what is asked for again stays.

    use super::*;

    const CACHE: u64 = SHARE * 10_000;

    fn place(of: i64) -> Place {
        Place { attribute: 7, of: Of::Entity(of), until: 9 }
    }

    fn fact(v: &str, t: i64) -> Found {
        Found { e: 1, v: v.into(), t }
    }

    fn found(lately: &Lately, place: &Place, since: i64, wanted: Option<&Value>) -> Option<Vec<String>> {
        let mut found = Vec::new();
        lately.find(place, Window::ALL.with_since(since), wanted, &mut found)?;
        Some(found.iter().map(|found| format!("{} {}", found.v, found.t)).collect())
    }

    #[test]
    fn what_was_kept_is_found_at_its_place_and_nowhere_else() {
        let lately = Lately::new(CACHE);
        lately.keep(place(1), &[fact("a", 2), fact("b", 5)]);
        lately.keep(place(2), &[]);
        assert_eq!(found(&lately, &place(1), 0, None).expect("it was kept"), ["\"a\" 2", "\"b\" 5"]);
        assert_eq!(found(&lately, &place(1), 2, None).expect("it was kept"), ["\"b\" 5"]);
        assert_eq!(found(&lately, &place(1), 0, Some(&"a".into())).expect("it was kept"), ["\"a\" 2"]);
        assert_eq!(found(&lately, &place(2), 0, None), Some(Vec::new()), "that there is nothing is known too");
        for other in [place(3), Place { until: 8, ..place(1) }, Place { attribute: 8, ..place(1) }] {
            assert_eq!(found(&lately, &other, 0, None), None, "{other:?}");
        }
        assert_eq!(found(&lately, &Place { of: Of::Value(1.into()), ..place(1) }, 0, None), None);
    }

    #[test]
    fn points_take_no_more_than_their_share_and_those_asked_for_again_stay() {
        let lately = Lately::new(CACHE);
        lately.keep(place(0), &[fact("stays", 1)]);
        for of in 1..1_000 {
            let text = "x".repeat(of as usize % 50);
            lately.keep(place(of), &[fact(&text, 1)]);
            assert!(lately.bytes() <= CACHE / SHARE, "{} bytes after {of}", lately.bytes());
            assert!(found(&lately, &place(0), 0, None).is_some(), "it is asked for again and again, {of}");
        }
        assert_eq!(found(&lately, &place(1), 0, None), None, "it had to go");
        let halves = lately.locked();
        let recounted: usize =
            [&halves.young, &halves.old].into_iter().flatten().map(|(place, known)| bytes_of(place, known)).sum();
        assert_eq!(recounted, halves.young_bytes + halves.old_bytes);
        assert!(recounted * 3 > (CACHE / SHARE) as usize, "{recounted} bytes: most of the room is used");
    }

    #[test]
    fn what_has_no_room_is_not_kept() {
        #[track_caller]
        fn check(facts: &[Found], cache_bytes: u64) {
            let lately = Lately::new(cache_bytes);
            lately.keep(place(1), facts);
            assert_eq!((found(&lately, &place(1), 0, None), lately.bytes()), (None, 0));
        }
        check(&[fact("a", 1)], 0);
        check(&[fact(&"a".repeat(10_000), 1)], CACHE);
        check(&vec![fact("a", 1); LIMIT_FACTS + 1], u64::MAX);
    }
}
