//! A view of the past is what a store would be that had stopped then, whatever was transacted, and whoever transacted it.
//!
//! Attacked by random transactions through two connections in turns, each of which asks in between and so has columns that the other
//! makes stale. After each, a store that replayed the same texts says the same and refuses the same; what would be is what came; every
//! view is what folding the log gives; and an exported store that was imported again is the same store.
//! `SEED=` chooses the histories, `HISTORIES=` says how many.

use std::collections::BTreeMap;

use annals::schema::attribute::TX_INSTANT;
use annals::store::Durability;
use annals::{Connection, Datom, Db, Options, Order, Report, Result, Value, exchange};

use crate::talk::{DECLARATIONS, Talk};

fn open(folder: &tempfile::TempDir) -> Connection {
    let options = Options { durability: Durability::Normal, ..Options::default() };
    Connection::open_with(folder.path().join("annals.db"), options).expect("the store opens")
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Without instants, which tell when a test ran.
fn all(db: &Db) -> Vec<Datom> {
    let mut datoms = db.datoms(Order::Eavt, &[]).expect("datoms can be read");
    datoms.retain(|datom| datom.a != TX_INSTANT);
    datoms
}

/// What came of a transaction: its datoms, or the code of its refusal.
fn outcome(result: &Result<Report>) -> std::result::Result<Vec<Datom>, &'static str> {
    match result {
        Ok(report) => Ok(report.datoms.iter().filter(|datom| datom.a != TX_INSTANT).cloned().collect()),
        Err(error) => Err(error.code()),
    }
}

/// What holds at t, and what was said until t, by folding the log.
fn folded(log: &[Datom], t: i64) -> (Vec<Datom>, Vec<Datom>) {
    let said: Vec<&Datom> = log.iter().filter(|datom| datom.t <= t).collect();
    let mut last: BTreeMap<(i64, i64, &Value), &Datom> = BTreeMap::new();
    for datom in &said {
        last.insert((datom.e, datom.a, &datom.v), datom);
    }
    let holding = last.into_values().filter(|datom| datom.added).cloned().collect();
    let mut said: Vec<Datom> = said.into_iter().cloned().collect();
    said.sort();
    (holding, said)
}

#[track_caller]
fn check_views(db: &Db) {
    let transactions = db.tx_range(..).expect("the log can be read");
    let mut log: Vec<Datom> = transactions.into_iter().flat_map(|transaction| transaction.datoms).collect();
    log.retain(|datom| datom.a != TX_INSTANT);
    for t in 1..=db.basis_t() {
        let (holding, said) = folded(&log, t);
        assert_eq!(all(&db.as_of(t).expect("a moment")), holding, "as of {t}");
        let mut history = all(&db.history().as_of(t).expect("a moment"));
        history.sort();
        assert_eq!(history, said, "history as of {t}");
        let later: Vec<Datom> = folded(&log, db.basis_t()).0.into_iter().filter(|datom| datom.t > t).collect();
        assert_eq!(all(&db.since(t).expect("a moment")), later, "since {t}");
        check_lookups(&db.as_of(t).expect("a moment"), &holding);
    }
}

/// Every value of a unique attribute leads to who holds it then, and to nobody else; a tuple with a missing part to nobody.
#[track_caller]
fn check_lookups(db: &Db, holding: &[Datom]) {
    for declaration in db.schema().declarations().filter(|known| known.attribute.unique.is_some()) {
        let (id, name) = (declaration.attribute.id, &*declaration.attribute.ident);
        for datom in holding.iter().filter(|datom| datom.a == id && datom.e >> 32 > 1) {
            let holders: Vec<i64> =
                holding.iter().filter(|other| other.a == id && other.v == datom.v).map(|other| other.e).collect();
            let found = db.entity_id((name, datom.v.clone())).expect("it resolves");
            if datom.v.as_items().is_some_and(|parts| parts.contains(&Value::Nil)) {
                assert_eq!(found, None, "a tuple with a missing part is not unique");
                continue;
            }
            let found = found.expect("somebody has it");
            assert!(holders.contains(&found), "[:{name} {}] leads to {found}, held by {holders:?}", datom.v);
        }
    }
}

/// Asks, so that columns are built, and compares scans with points.
#[track_caller]
fn check_asking(db: &Db) {
    for name in ["x/one", "x/renamed", "u/key", "r/part"] {
        let rows = |query: &str| db.q(query, &[]).expect("an answer").rows.len();
        let known = db.datoms(Order::Aevt, &[Value::Keyword(name.into())]).expect("datoms can be read").len();
        assert_eq!(rows(&format!("[:find ?e ?v :where [?e :{name} ?v]]")), known, ":{name}");
    }
}

#[track_caller]
fn check_exported(db: &Db) {
    let mut stream = Vec::new();
    exchange::export_datoms(db, &mut stream).expect("it can be exported");
    let folder = tempfile::tempdir().expect("a folder");
    let other = open(&folder);
    exchange::import(&other, &mut &*stream).expect("it can be imported");
    let imported = other.db().expect("a value");
    assert_eq!(imported.basis_instant(), db.basis_instant());
    assert_eq!(all(&imported.history()), all(&db.history()));
}

/// Idents with their entities, and declarations.
fn schema(db: &Db) -> (BTreeMap<String, i64>, BTreeMap<i64, std::sync::Arc<annals::schema::Declaration>>) {
    let idents = db.schema().idents().map(|(ident, entity)| (ident.to_string(), entity));
    let declarations = db.schema().declarations().map(|known| (known.attribute.id, std::sync::Arc::clone(known)));
    (idents.collect(), declarations.collect())
}

/// The order of operations changes neither what comes of them nor which error is reported. New ids may be given the other way round.
#[track_caller]
fn check_order(before: &Db, forms: &[String], expected: &std::result::Result<Vec<Datom>, &'static str>) {
    if forms.is_empty() {
        return;
    }
    let reversed: Vec<&str> = forms.iter().rev().map(String::as_str).collect();
    let other_way = outcome(&before.with(&format!("[{}]", reversed.join(" "))));
    let count = |outcome: &std::result::Result<Vec<Datom>, &'static str>| outcome.as_ref().map(Vec::len).map_err(|code| *code);
    assert_eq!(count(&other_way), count(expected), "the order of {}", forms.join(" "));
}

fn live_through(seed: u64) -> (usize, usize) {
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let writers = [open(&folders[0]), open(&folders[0])];
    let replayed = open(&folders[1]);
    let mut talk = Talk::new(seed);
    let (mut said, mut refused) = (0, 0);
    for step in 0..14 {
        let forms = if step == 0 { Vec::new() } else { talk.forms() };
        let text = if step == 0 { DECLARATIONS.to_owned() } else { format!("[{}]", forms.join(" ")) };
        let writer = &writers[talk.below(2) as usize];
        let before = writer.db().expect("a value");
        let expected = outcome(&before.with(&text));
        check_order(&before, &forms, &expected);
        let result = writer.transact(&text);
        assert_eq!(outcome(&result), expected, "what would be is what came: {text}");
        assert_eq!(outcome(&replayed.transact(&text)), expected, "a store that replays says the same: {text}");
        let now = writers[talk.below(2) as usize].db().expect("a value");
        if let Ok(report) = &result {
            said += 1;
            assert_eq!(report.t.unwrap_or(before.basis_t()), now.basis_t());
            assert_eq!(all(&report.db_after), all(&now), "the report's value is the store's: {text}");
            assert_eq!(all(&report.db_before), all(&before));
        } else {
            refused += 1;
            assert_eq!(now.basis_t(), before.basis_t(), "a refused transaction takes no t: {text}");
            assert_eq!(all(&now), all(&before), "nothing of a refused transaction remains: {text}");
        }
        assert_eq!(all(&replayed.db().expect("a value")), all(&now), "after {text}");
        check_asking(&now);
    }
    let now = writers[0].db().expect("a value");
    check_views(&now);
    check_exported(&now);
    let verified = annals::verify(folders[0].path().join("annals.db"), None).expect("a report");
    assert_eq!(verified.problem, None, "what was said is sound");
    let reopened = Connection::open_read_only(folders[0].path().join("annals.db")).expect("it opens again");
    let reopened = reopened.db().expect("a value");
    assert_eq!(all(&reopened.history()), all(&now.history()));
    assert_eq!(schema(&reopened), schema(&now), "the schema that was followed is the one that is read");
    assert_eq!(schema(&replayed.db().expect("a value")), schema(&now));
    (said, refused)
}

#[test]
fn a_history_of_any_transactions_is_replayed_folded_exported_and_reopened_the_same() {
    let (first, count) = (number("SEED", 20_261_121), number("HISTORIES", 25));
    let (mut said, mut refused) = (0, 0);
    for seed in first..first + count {
        eprintln!("SEED={seed}");
        let (more, less) = live_through(seed);
        said += more;
        refused += less;
    }
    eprintln!("{said} transactions, {refused} refused");
    assert!(said > refused / 2 && refused > 0, "the talk says much, and some of it is refused: {said} and {refused}");
}

/// What eight threads say at once through one connection, and the transactions that were taken, by t.
fn said_at_once(connection: &Connection, seed: u64) -> BTreeMap<i64, (String, Vec<Datom>)> {
    let speak = |thread: u64| {
        let connection = connection.clone();
        move || {
            let mut talk = Talk::new(seed * 1000 + thread);
            let texts = (0..15).map(|_| format!("[{}]", talk.forms().join(" ")));
            let taken = texts.filter_map(|text| {
                let report = connection.transact(&text).ok()?;
                let t = report.t?;
                assert_eq!((report.db_before.basis_t(), report.db_after.basis_t()), (t - 1, t));
                let logged = report.db_after.tx_range(t..).expect("the log can be read").remove(0).datoms;
                assert_eq!(logged, report.datoms);
                Some((t, (text, report.datoms)))
            });
            taken.collect::<Vec<_>>()
        }
    };
    let threads: Vec<_> = (0..8).map(|thread| std::thread::spawn(speak(thread))).collect();
    threads.into_iter().flat_map(|thread| thread.join().expect("no thread fails")).collect()
}

#[test]
fn what_threads_commit_together_is_what_one_would_have_committed_alone() {
    let (first, count) = (number("SEED", 7), number("HISTORIES", 6));
    for seed in first..first + count {
        eprintln!("SEED={seed}");
        let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
        let (together, alone) = (open(&folders[0]), open(&folders[1]));
        together.transact(DECLARATIONS).expect("a declaration");
        alone.transact(DECLARATIONS).expect("a declaration");
        let taken = said_at_once(&together, seed);
        assert_eq!(taken.keys().copied().collect::<Vec<_>>(), (3..3 + taken.len() as i64).collect::<Vec<_>>(), "t has no gaps");
        for (t, (text, datoms)) in &taken {
            let report = alone.transact(text).unwrap_or_else(|error| panic!("t {t}: {text} is refused alone: {error}"));
            let without_instants =
                |datoms: &[Datom]| datoms.iter().filter(|datom| datom.a != TX_INSTANT).cloned().collect::<Vec<_>>();
            assert_eq!(without_instants(&report.datoms), without_instants(datoms), "t {t}: {text}");
        }
        let db = together.db().expect("a value");
        assert_eq!(all(&alone.db().expect("a value").history()), all(&db.history()));
        check_views(&db);
    }
}
