//! Every permutation of operations that conflict, repeat or need each other comes to the same store, up to the ids of new entities, or to
//! the same error: of all pairs and triples of a menu, and of larger choices by chance, in a store in memory and in real ones.
//!
//! `PERMUTATIONS=` says how many choices by chance, `SEED=` which. The control says the operations one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use annals::schema::attribute;
use annals::transact::{Before as _, TxData, prepare};
use annals::{Connection, Datom, Error, Value};

use crate::check::SCHEMA;
use crate::dice::{Dice, number, seed};
use crate::order::SETUP;
use crate::store::{NOW, Store};

/// What there is to choose from.
const MENU: [&str; 48] = [
    // One value at a time, said several times, alike and not.
    r#"[:db/add [:user/email "ada@x"] :user/name "Ada"]"#,
    r#"[:db/add [:user/email "ada@x"] :user/name "Eve"]"#,
    r#"{:user/email "ada@x" :user/name "Eve"}"#,
    r#"[:db/retract [:user/email "ada@x"] :user/name "Ada"]"#,
    r#"[:db/retract [:user/email "ada@x"] :user/name]"#,
    r#"[:db/cas [:user/email "ada@x"] :user/name "Ada" "Eve"]"#,
    r#"[:db/cas [:user/email "ada@x"] :user/name "Eve" "Ada"]"#,
    r#"[:db/cas [:user/email "ada@x"] :user/age nil 3]"#,
    r#"[:db/add [:user/email "ada@x"] :user/age 3]"#,
    r#"[:db/add [:user/email "ada@x"] :user/age -3]"#,
    // Many values.
    r#"[:db/add [:user/email "ada@x"] :user/nick "a"]"#,
    r#"[:db/add [:user/email "ada@x"] :user/nick "z"]"#,
    r#"[:db/retract [:user/email "ada@x"] :user/nick "a"]"#,
    r#"{:user/email "ada@x" :user/nick ["z" "y" "z"]}"#,
    // Names of the transaction's own, upserts, references to what is made here.
    r#"{:db/id "x" :user/email "ada@x"}"#,
    r#"{:db/id "x" :user/number 2}"#,
    r#"{:db/id "x" :user/email "new@x"}"#,
    r#"{:db/id "y" :user/email "new@x" :user/age 9}"#,
    r#"[:db/add "x" :user/boss "y"]"#,
    r#"[:db/add "y" :user/boss "x"]"#,
    r#"[:db/add "y" :user/name "Why"]"#,
    r#"{:db/id "x" :user/friend ["y" [:user/email "bob@x"]]}"#,
    r#"{:db/id "y" :user/_boss [[:user/email "bob@x"]]}"#,
    r#"[:db/add [:user/email "new@x"] :user/score 1.5]"#,
    r#"[:db/add [:user/email "nobody@x"] :user/score 2.5]"#,
    r#"{:db/id "x" :user/address {:address/street "T" :db/id "t"}}"#,
    r#"[:db/add "t" :address/city "C"]"#,
    // Who goes, and who is said to go and to come.
    r#"[:db/retractEntity [:user/email "ada@x"]]"#,
    r#"[:db/retractEntity [:user/email "bob@x"]]"#,
    r#"[:db/add [:user/email "bob@x"] :user/boss [:user/number 1]]"#,
    r#"[:db/retract [:user/email "bob@x"] :user/boss [:user/email "ada@x"]]"#,
    // Unique values that clash, or change hands.
    r#"{:db/id "h" :user/handle "B"}"#,
    r#"[:db/retract [:user/email "bob@x"] :user/handle "B"]"#,
    r#"{:db/id "i" :user/handle "B"}"#,
    r#"[:db/add [:user/email "bob@x"] :user/handle "C"]"#,
    // Tuples.
    r#"{:db/id "s" :seat/row 1 :seat/column "A"}"#,
    r#"[:db/add [:seat/place [1 "A"]] :seat/column "B"]"#,
    r#"{:db/id "s" :seat/row 1 :seat/column "B"}"#,
    r#"[:db/retract [:seat/place [1 "A"]] :seat/row 1]"#,
    // Attributes that nobody declared, and their declaration; metadata; the transaction itself; an instant.
    r#"{:db/id "y" :new/thing 1}"#,
    r#"{:db/id "y" :new/thing #{2 3}}"#,
    "{:db/ident :new/thing :db/cardinality :db.cardinality/many}",
    r#"[:db/retract "y" :new/thing 1]"#,
    r#"[:db/retract "y" :new/thing]"#,
    r#"[:db/cas [:user/email "bob@x"] :new/thing nil 3]"#,
    r#"[:db/retract [:user/email "bob@x"] :new/thing 3]"#,
    r#"[:db/add "y" :user/nick "a" "datomic.tx"]"#,
    r#"{:db/id "datomic.tx" :note "why"}"#,
];

/// The datoms of a transaction with colours in the place of new ids: two transactions have the same lines if one becomes the other by
/// renaming what is new.
fn canonical(datoms: &[Datom], is_new: impl Fn(i64) -> bool, tempids: &BTreeMap<String, i64>) -> String {
    let refs = |datom: &Datom| match datom.v {
        Value::Ref(id) => Some(id),
        _ => None,
    };
    let told: Vec<&Datom> = datoms.iter().filter(|datom| datom.a != attribute::TX_INSTANT).collect();
    let ids: BTreeSet<i64> = told
        .iter()
        .flat_map(|datom| [Some(datom.e), Some(datom.a), Some(datom.m), refs(datom)])
        .flatten()
        .filter(|id| is_new(*id))
        .collect();
    let mut colours: BTreeMap<i64, u64> = ids.iter().map(|id| (*id, 1)).collect();
    let line = |datom: &Datom, colours: &BTreeMap<i64, u64>, own: Option<i64>| {
        let name = |id: i64| match colours.get(&id) {
            _ if Some(id) == own => "self".to_owned(),
            Some(colour) => format!("new {colour:x}"),
            None => id.to_string(),
        };
        let value = refs(datom).map_or_else(|| format!("{} {:?}", datom.v, datom.v.value_type()), name);
        format!("{} {} {} {value} {}", if datom.added { '+' } else { '-' }, name(datom.e), name(datom.a), name(datom.m))
    };
    for _ in 0..4 {
        let next = ids.iter().map(|id| {
            let about =
                told.iter().filter(|datom| datom.e == *id || datom.a == *id || datom.m == *id || refs(datom) == Some(*id));
            let mut lines: Vec<String> = about.map(|datom| line(datom, &colours, Some(*id))).collect();
            lines.sort();
            let mut hasher = DefaultHasher::new();
            lines.hash(&mut hasher);
            (*id, hasher.finish())
        });
        colours = next.collect();
    }
    let mut lines: Vec<String> = told.iter().map(|datom| line(datom, &colours, None)).collect();
    lines.sort();
    let resolved = tempids.iter().map(|(name, id)| {
        format!("{name} is {}", colours.get(id).map_or_else(|| id.to_string(), |colour| format!("{colour:x}")))
    });
    lines.extend(resolved);
    lines.join("\n")
}

fn told(error: &Error) -> String {
    format!("{}: {error} {:?} {:?}", error.code(), error.value(), error.help())
}

/// What a transaction of these operations comes to in a store in memory.
fn in_memory(store: &Store, operations: &[&str]) -> String {
    let text = format!("[{}]", operations.join(" "));
    match TxData::read(&text).and_then(|data| prepare(store, &data, NOW)) {
        Ok(prepared) => {
            let known: BTreeSet<i64> = store.log().iter().map(|datom| datom.e).collect();
            let names = prepared.tempids.iter().map(|(name, id)| (name.clone(), *id)).collect();
            canonical(&prepared.datoms, |id| id > 0 && id != store.basis() + 1 && !known.contains(&id), &names)
        }
        Err(error) => told(&error),
    }
}

/// Calls `visit` with every permutation, or with 120 of them by chance where there are more.
fn permutations(operations: &[&'static str], dice: &mut Dice, mut visit: impl FnMut(&[&'static str])) {
    let mut order = operations.to_vec();
    if order.len() <= 5 {
        return permute(&mut order, 0, &mut visit);
    }
    for _ in 0..120 {
        visit(&order);
        dice.shuffle(&mut order);
    }
}

fn permute(order: &mut Vec<&'static str>, from: usize, visit: &mut impl FnMut(&[&'static str])) {
    if from == order.len() {
        return visit(order);
    }
    for at in from..order.len() {
        order.swap(from, at);
        permute(order, from + 1, visit);
        order.swap(from, at);
    }
}

/// What was counted.
#[derive(Default)]
struct Figures {
    choices: usize,
    transactions: usize,
    refused: usize,
    /// Choices of which two orders came to different things.
    different: Vec<String>,
}

impl Figures {
    fn compare(&mut self, operations: &[&'static str], dice: &mut Dice, mut outcome: impl FnMut(&[&str]) -> String) {
        let mut first: Option<String> = None;
        let mut different = None;
        permutations(operations, dice, |order| {
            self.transactions += 1;
            let found = outcome(order);
            match &first {
                Some(first) if *first != found => {
                    different = Some(format!("{order:?}\ngives\n{found}\nbut {operations:?}\n{first}"));
                }
                Some(_) => {}
                None => first = Some(found),
            }
        });
        self.choices += 1;
        self.refused += usize::from(first.is_some_and(|first| first.starts_with("transaction/")));
        self.different.extend(different);
    }

    #[track_caller]
    fn report(&self, what: &str) {
        println!(
            "permutations {what}: SEED={}, {} choices, {} transactions, {} choices refused, {} different",
            seed(),
            self.choices,
            self.transactions,
            self.refused,
            self.different.len()
        );
    }

    #[track_caller]
    fn none_different(&self, what: &str) {
        self.report(what);
        let shown = self.different.iter().take(3).map(String::as_str).collect::<Vec<_>>().join("\n\n");
        assert!(self.different.is_empty(), "SEED={}:\n{shown}", seed());
    }
}

fn chosen(dice: &mut Dice, count: usize) -> Vec<&'static str> {
    let mut menu = MENU.to_vec();
    dice.shuffle(&mut menu);
    menu.truncate(count);
    menu
}

#[test]
fn pairs_and_triples_of_the_menu_mean_the_same_in_every_order() {
    let store = Store::after(&[SCHEMA, SETUP]);
    let (mut figures, mut dice) = (Figures::default(), Dice::new(seed()));
    // A plain run takes every fourth triple.
    let step = if number("PERMUTATIONS", 60) >= 500 { 1 } else { 4 };
    for (one, first) in MENU.iter().enumerate() {
        for (two, second) in MENU.iter().enumerate().skip(one + 1) {
            figures.compare(&[first, second], &mut dice, |order| in_memory(&store, order));
            for (_, third) in MENU.iter().enumerate().skip(two + 1).filter(|(three, _)| (one + two + three) % step == 0) {
                figures.compare(&[first, second, third], &mut dice, |order| in_memory(&store, order));
            }
        }
    }
    figures.none_different("of pairs and triples");
}

#[test]
fn larger_choices_mean_the_same_in_every_order() {
    let store = Store::after(&[SCHEMA, SETUP]);
    let (mut figures, mut dice) = (Figures::default(), Dice::new(seed()));
    for _ in 0..number("PERMUTATIONS", 60) {
        let count = 4 + dice.below(3) as usize;
        let operations = chosen(&mut dice, count);
        figures.compare(&operations, &mut dice, |order| in_memory(&store, order));
    }
    figures.none_different("of larger choices");
}

/// A real store, and what is committed to a copy of it.
fn committed(template: &Path, operations: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    std::fs::copy(template, &path).expect("a copy");
    let connection = Connection::open(&path).expect("the store opens");
    let before = connection.db().expect("a view");
    let known: BTreeSet<i64> =
        before.tx_range(1..).expect("the log").iter().flat_map(|each| each.datoms.iter().map(|datom| datom.e)).collect();
    let outcome = connection.transact(&format!("[{}]", operations.join(" ")));
    match outcome {
        Ok(report) => {
            let own = report.t.unwrap_or(0);
            let names = report.tempids.iter().map(|(name, id)| (name.clone(), *id)).collect();
            // What the log says counts, not what the report says of it.
            let after = connection.db().expect("a view").tx_range(before.basis_t() + 1..).expect("the log");
            let datoms: Vec<Datom> = after.into_iter().flat_map(|transaction| transaction.datoms).collect();
            assert_eq!(datoms, report.datoms, "the log holds what the report says");
            canonical(&datoms, |id| id > 0 && id != own && !known.contains(&id), &names)
        }
        Err(error) => {
            assert_eq!(connection.db().expect("a view").basis_t(), before.basis_t(), "nothing of it remains");
            told(&error)
        }
    }
}

#[test]
fn what_is_committed_to_a_real_store_is_the_same_in_every_order() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let template = folder.path().join("annals.db");
    let connection = Connection::open(&template).expect("a new store");
    for text in [SCHEMA, SETUP] {
        connection.transact(text).expect("the setup is right");
    }
    drop(connection);
    let (mut figures, mut dice) = (Figures::default(), Dice::new(seed()));
    for _ in 0..number("PERMUTATIONS", 60).div_ceil(5) {
        let count = 2 + dice.below(3) as usize;
        let operations = chosen(&mut dice, count);
        figures.compare(&operations, &mut dice, |order| committed(&template, order));
    }
    figures.none_different("in real stores");
}

/// The control: where each operation is a transaction of its own, their order is seen.
#[test]
fn operations_said_one_after_the_other_are_found_to_differ() {
    let (mut figures, mut dice) = (Figures::default(), Dice::new(seed()));
    let start = Store::after(&[SCHEMA, SETUP]);
    for _ in 0..20 {
        let operations = chosen(&mut dice, 3);
        figures.compare(&operations, &mut dice, |order| {
            let mut store = start.clone();
            let outcomes: Vec<String> = order
                .iter()
                .map(|operation| {
                    let done = TxData::read(&format!("[{operation}]")).and_then(|data| store.transact(&data));
                    done.map_or_else(|error| error.code().to_owned(), |_| String::new())
                })
                .filter(|code| !code.is_empty())
                .collect();
            let datoms: Vec<Datom> = store.held().cloned().collect();
            format!("{outcomes:?} {}", canonical(&datoms, |_| false, &BTreeMap::new()))
        });
    }
    figures.report("of a control");
    assert!(!figures.different.is_empty(), "SEED={}", seed());
}
