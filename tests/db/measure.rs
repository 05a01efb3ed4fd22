//! How long the parts take, for comparing one version with the next: `cargo test --release --test db measure -- --ignored --nocapture`.
//! `SCALE=` says how many hundredths of 200,000 lines are written.

use std::hint::black_box;
use std::time::Instant;

use annals::query::{Budget, Facts, Places, Scan, Values};
use annals::store::Durability;
use annals::transact::TxData;
use annals::{Connection, Options, Value};

use crate::random_log::store_path;

/// Prints how long one of `times` runs of `work` takes.
fn measure(what: &str, times: u32, mut work: impl FnMut()) {
    let start = Instant::now();
    for _ in 0..times {
        work();
    }
    println!("{what:<48} {:>12.2} us", start.elapsed().as_secs_f64() * 1e6 / f64::from(times));
}

fn lines(data: &mut TxData, run: i64, first: i64, count: i64) {
    for n in first..first + count {
        let line = data.fresh();
        data.add(line.clone(), "log/run", annals::transact::EntityTerm::Id(run))
            .add(line.clone(), "log/seq", n)
            .add(line.clone(), "log/ts", Value::Instant(1_700_000_000_000_000 + n))
            .add(line.clone(), "log/level", Value::Keyword(if n % 10 == 0 { "error".into() } else { "info".into() }))
            .add(line, "log/message", format!("line {n} of the run, which says something of the usual length"));
    }
}

#[test]
#[ignore = "it measures, and checks nothing"]
fn parts() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { durability: Durability::Normal, ..Options::default() };
    let connection = Connection::open_with(store_path(&folder), options).expect("the store opens");
    let run = connection.transact(r#"[{:db/id "r" :run/id "0199"}]"#).expect("a run").tempids["r"];
    let mut n = 1;
    let scale = std::env::var("SCALE").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    for (count, times) in [(1, 20 * scale), (10, 5 * scale), (100, scale), (1000, 2 * scale)] {
        measure(&format!("transact {count} lines"), times, || {
            let mut data = TxData::new();
            lines(&mut data, run, n, count);
            n += count;
            connection.transact_data(&data).expect("it is right");
        });
    }
    println!("{n} lines");
    measure("db, nothing new", 10_000, || drop(black_box(connection.db().expect("a value"))));
    let db = connection.db().expect("a value");
    let attributes: Vec<i64> = ["log/run", "log/seq", "log/ts", "log/level", "log/message"]
        .iter()
        .map(|ident| Facts::attribute(&db, ident).expect("it is built in").id)
        .collect();
    measure("columns of five attributes", 1, || {
        db.announce(&attributes, &Budget::default()).expect("columns");
        for attribute in &attributes {
            let scan = Scan { attribute: Some(*attribute), ..Scan::default() };
            db.scan(&scan, &Budget::default()).expect("a scan");
        }
    });
    let places = Places { v: true, ..Places::default() };
    let level = Value::Keyword("error".into());
    let equal = Scan { attribute: Some(attributes[3]), values: Values::Equal(&level), places, ..Scan::default() };
    let all = Scan { attribute: Some(attributes[3]), places, ..Scan::default() };
    let scan = |db: &annals::Db, scan: &Scan<'_>| drop(black_box(db.scan(scan, &Budget::default()).expect("a scan")));
    measure("first scan by value", 1, || scan(&db, &equal));
    measure("scan by value", 100, || scan(&db, &equal));
    measure("whole scan", 1000, || scan(&db, &all));
    let past = db.as_of(db.basis_t() / 2).expect("a moment");
    measure("whole scan as of the middle", 20, || scan(&past, &all));
    measure("as of, taken", 10_000, || drop(black_box(db.as_of(100).expect("a moment"))));
    measure("entity", 1000, || drop(black_box(db.entity(run).expect("an entity"))));
    measure("lookup", 1000, || _ = black_box(db.entity_id((":run/id", "0199")).expect("an entity")));
    measure("one line, then a scan by value", 50, || {
        let mut data = TxData::new();
        lines(&mut data, run, n, 1);
        n += 1;
        scan(&connection.transact_data(&data).expect("it is right").db_after, &equal);
    });
    measure("one line, then a whole scan", 20, || {
        let mut data = TxData::new();
        lines(&mut data, run, n, 1);
        n += 1;
        scan(&connection.transact_data(&data).expect("it is right").db_after, &all);
    });
    measure("open", 20, || drop(Connection::open(store_path(&folder)).expect("it opens")));
    let by_level = "[:find ?l (count ?e) :where [?e :log/level ?l]]";
    measure("query: lines by level", 5, || drop(black_box(db.q(by_level, &[]).expect("an answer"))));
}
