//! Random values where they do not belong, in every column of every table, also such that no rule of the tables lets through.

use annals::store::Store;

use crate::corpus::{hostile_client, sound_store};
use crate::looking::{check_nothing_changed, look};
use crate::splitmix::Random;

const PLACES: &[&str] = &[
    "datoms.e",
    "datoms.a",
    "datoms.v",
    "datoms.type",
    "datoms.t",
    "datoms.m",
    "datoms.added",
    "txs.t",
    "txs.instant",
    "txs.datoms",
    "txs.last",
    "txs.hash",
    "entities.e",
    "entities.id",
    "entities.n",
    "avet.a",
    "avet.type",
    "avet.v",
    "avet.id",
    "words_data.block",
    "words_idx.pgno",
    "words_config.v",
];

const VALUES: &[&str] = &[
    "-9223372036854775808",
    "9223372036854775807",
    "-1",
    "0",
    "1",
    "2",
    "4294967296",
    "4294967297",
    "8589934593",
    "68719476737",
    "1e308",
    "-0.5",
    "''",
    "'x'",
    "':x'",
    "'[1 2]'",
    "'1e999999999'",
    "x''",
    "x'ff00'",
    "CAST(x'ff80' AS TEXT)",
    "zeroblob(100000)",
    "hex(zeroblob(50000))",
    "NULL",
    "randomblob(32)",
    "abs(random() % 1000)",
    "char(0)",
    "'00000000-0000-0000-0000-000000000000'",
];

/// A number of the environment.
pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// SQL that sets one place to one value in some rows, without the rules of the table if it must be.
fn change(dice: &mut Random) -> String {
    let (table, column) = dice.pick(PLACES).split_once('.').expect("a table and a column");
    let value = dice.pick(VALUES);
    let rows = match dice.below(4) {
        0 => String::new(),
        1 => "ORDER BY 1 DESC LIMIT 1".to_owned(),
        2 => "ORDER BY random() LIMIT 5".to_owned(),
        _ => format!("ORDER BY 1 LIMIT 1 OFFSET {}", dice.below(200)),
    };
    let key = if ["datoms", "txs", "words_data", "words_config"].contains(&table) { "rowid" } else { column };
    let key = if table == "words_config" { "k" } else { key };
    format!("UPDATE OR REPLACE {table} SET {column} = {value} WHERE {key} IN (SELECT {key} FROM {table} {rows});")
}

/// The tables without their rules, and with them again: what was written in between stays.
const RULES_OFF: &str = "UPDATE sqlite_schema SET sql = replace(replace(sql, 'STRICT', ''), 'NOT NULL', '/*no*/') WHERE name IN ('datoms', 'txs', 'entities', 'avet')";

#[test]
fn random_values_are_named_by_verify_and_crash_nothing() {
    let (seed, stores) = (number("SEED", 1), number("HOSTILE", 40));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let base = folder.path().join("base.db");
    sound_store(&base);
    let (mut changed, mut answers, mut refusals) = (0, 0, 0);
    for store in 0..stores {
        let seed = seed + store;
        let mut dice = Random::new(seed);
        let place = tempfile::tempdir().expect("a temporary folder");
        let path = place.path().join("annals.db");
        std::fs::copy(&base, &path).expect("a copy");
        let rules: Vec<(String, String)> = {
            let client = hostile_client(&path);
            let mut statement =
                client.prepare("SELECT name, sql FROM sqlite_schema WHERE sql LIKE 'CREATE TABLE%'").expect("a query");
            let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
            rows.collect::<Result<_, _>>().expect("texts")
        };
        let is_lawless = dice.below(2) == 0;
        if is_lawless {
            hostile_client(&path).execute_batch(RULES_OFF).expect("the rules are off");
        }
        let mut sql = String::new();
        for _ in 0..=dice.below(3) {
            let one = change(&mut dice);
            if hostile_client(&path).execute_batch(&one).is_ok() {
                sql.push_str(&one);
            }
        }
        {
            let client = hostile_client(&path);
            for (name, sql) in &rules {
                client.execute("UPDATE sqlite_schema SET sql = ?2 WHERE name = ?1", (name, sql)).expect("the rules are on");
            }
        }
        let name = format!("SEED={seed} HOSTILE=1: {sql}");
        let before = check_nothing_changed(place.path(), None, &name);
        let looked = look(&path, &name);
        check_nothing_changed(place.path(), Some(&before), &name);
        answers += looked.answers;
        refusals += looked.errors.len();
        let is_named = Store::verify_file(&path).map_or(true, |report| report.problem.is_some());
        let is_same = is_same_content(&base, &path);
        changed += usize::from(!is_same);
        assert!(is_named || is_same, "{name}: verify says nothing");
    }
    println!("SEED={seed}: {stores} random stores, {changed} changed, {answers} calls answered, {refusals} refused");
    assert!(stores < 10 || changed > 0, "the changes change something");
}

/// True if both files say the same in every row.
fn is_same_content(one: &std::path::Path, other: &std::path::Path) -> bool {
    let client = rusqlite::Connection::open(one).expect("it opens");
    let Ok(()) = client.execute_batch(&format!("ATTACH '{}' AS other", other.display())) else { return false };
    ["datoms", "txs", "entities", "avet", "words_data", "words_idx", "words_config"].iter().all(|table| {
        let differing = |a: &str, b: &str| {
            client.query_row(
                &format!("SELECT count(*) FROM (SELECT * FROM {a}.{table} EXCEPT SELECT * FROM {b}.{table})"),
                (),
                |row| row.get::<_, i64>(0),
            )
        };
        matches!((differing("main", "other"), differing("other", "main")), (Ok(0), Ok(0)))
    })
}
