//! Promise: a question about the lines of one run, asked by a new process, reads the blocks in which these lines lie, and no others.
//! Attacked by counting steps, of which each row that is read costs some, beside the same question with the optimization switched off,
//! which reads more: else the count would show nothing.

use std::fmt::Write as _;

use annals::query::Budget;
use annals::query::engine::{Options, Tuning, Way};
use annals::{Connection, Value};

use crate::handles::{open, tiny};
use crate::random_log::store_path;

const RUNS: i64 = 100;
const LINES: i64 = 300;
/// Runs of lines, each said in one transaction, of which every thirtieth is an error.
fn written(path: &std::path::Path) {
    let connection = Connection::open(path).expect("a store");
    let declared = r"[{:db/ident :line/run :db/valueType :db.type/long}
                      {:db/ident :line/level :db/valueType :db.type/keyword} {:db/ident :line/text :db/valueType :db.type/string}]";
    connection.transact(declared).expect("declarations");
    for run in 0..RUNS {
        let lines = (0..LINES).fold(String::new(), |mut lines, seq| {
            let level = if seq % 30 == 0 { ":error" } else { ":info" };
            write!(lines, "{{:line/run {run} :line/seq {seq} :line/level {level} :line/text \"line {seq} of {run}\"}}")
                .expect("text grows");
            lines
        });
        connection.transact(&format!("[{lines}]")).expect("lines");
    }
}

/// Rows and steps of a question asked by a handle that has read nothing.
fn asked(path: &std::path::Path, text: &str, tuning: Tuning) -> (Vec<Vec<Value>>, u64) {
    let blocks = annals::Tuning { disk_block_rows: 64, disk_chunk_datoms: 100_000, point_share: 4, ..tiny() };
    let connection = open(path, blocks);
    let (budget, options) = (Budget::default(), Options { tuning, ..Options::default() });
    let db = connection.db().expect("a value");
    let answer = db.prepare(text).and_then(|prepared| prepared.q_within(&db, &[7.into()], options, &budget));
    (answer.expect(text).rows, budget.steps())
}

/// The question without the optimization costs at least half as much again.
#[track_caller]
fn check(path: &std::path::Path, text: &str, rows: usize) {
    let (found, steps) = asked(path, text, Tuning::default());
    assert_eq!(found.len(), rows, "{text}");
    let (others, without) = asked(path, text, Tuning { spans: Way::Never, small: Way::Never, ..Tuning::default() });
    assert_eq!(others, found, "{text}");
    assert!(steps * 3 < without * 2, "{steps} steps, {without} with whole columns: {text}");
}

#[test]
fn a_question_about_one_run_reads_the_blocks_of_that_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = store_path(&folder);
    written(&path);
    // The first question makes the files.
    asked(&path, "[:find ?l :in $ ?run :where [?l :line/run ?run]]", Tuning::default());
    check(
        &path,
        "[:find ?seq ?text :in $ ?run :where [?l :line/run ?run] [?l :line/level :error] [?l :line/seq ?seq] [?l :line/text ?text]]",
        10,
    );
    check(&path, "[:find ?text . :in $ ?run :where [?l :line/seq 77] [?l :line/run ?run] [?l :line/text ?text]]", 1);
}

#[test]
fn a_value_that_few_have_is_looked_for_in_the_blocks_until_that_has_cost_a_share_of_reading_them_all() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = store_path(&folder);
    written(&path);
    asked(&path, "[:find ?l :in $ ?run :where [?l :line/run ?run]]", Tuning::default());
    let rows = (RUNS * LINES) as u64;
    let steps_of = |text: &str, point_share: u64, times: usize| {
        let blocks = annals::Tuning { disk_block_rows: 64, disk_chunk_datoms: 100_000, point_share, ..tiny() };
        let connection = open(&path, blocks);
        let db = connection.db().expect("a value");
        let steps = |_| {
            let budget = Budget::default();
            let answer = db.prepare(text).and_then(|prepared| prepared.q_within(&db, &[], Options::default(), &budget));
            (answer.expect(text).rows, budget.steps())
        };
        (0..times).map(steps).collect::<Vec<_>>()
    };
    for (clause, found) in [
        ("[?l :line/text \"line 8 of 3\"]", 1),
        ("[?l :line/run 7]", LINES as usize),
        ("[?l :line/seq ?seq] [(< 297 ?seq)]", 2 * RUNS as usize),
        ("[?l :line/seq ?seq] [(ground [5 299 1000]) [?seq ...]]", 2 * RUNS as usize),
    ] {
        let text = format!("[:find ?l :where {clause}]");
        let asked = steps_of(&text, 8, 16);
        assert!(asked.iter().all(|(rows, _)| rows.len() == found && *rows == asked[0].0), "{text}");
        let steps: Vec<u64> = asked.iter().map(|(_, steps)| *steps).collect();
        let whole = steps.iter().position(|steps| *steps > rows).unwrap_or_else(|| panic!("never read whole: {steps:?}"));
        assert!((1..15).contains(&whole), "passed over some times before: {steps:?}");
        assert!(steps[whole + 1] < steps[0], "read from memory from then on: {steps:?}");
    }
    let most = steps_of("[:find (count ?l) . :where [?l :line/level :info]]", 8, 1);
    assert_eq!(most[0].0, [[Value::from(RUNS * LINES * 29 / 30)]]);
    assert!(most[0].1 > rows, "what most have is read whole at once: {}", most[0].1);
}

#[test]
fn a_comparison_of_an_undeclared_attribute_fails_once_a_value_of_another_type_is_on_disk_or_behind_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = store_path(&folder);
    written(&path);
    let text = "[:find ?l :where [?l :line/seq ?seq] [(< 297 ?seq)]]";
    // Of the two handles one knows the columns on disk alone, and one has read the log.
    let asked = || {
        let on_disk =
            annals::Tuning { disk_block_rows: 64, disk_chunk_datoms: 100_000, point_share: 8, disk_tail_datoms: 20, ..tiny() };
        let of_log = annals::Tuning { disk_datoms: i64::MAX, ..annals::Tuning::default() };
        [on_disk, of_log].map(|tuning| open(&path, tuning).db().and_then(|db| db.q(text, &[])).map_err(|error| error.kind()))
    };
    drop(asked());
    let [stored, logged] = asked();
    assert_eq!(stored.expect("all are longs").rows.len(), 2 * RUNS as usize);
    assert_eq!(logged.expect("all are longs").rows.len(), 2 * RUNS as usize);
    open(&path, annals::Tuning::default()).transact("[{:line/seq \"last\"}]").expect("a text");
    let [stored, logged] = asked();
    let expected = logged.map(|answer| answer.rows).expect_err("a text is no number");
    assert_eq!(stored.map(|answer| answer.rows).expect_err("the text is behind what is on disk"), expected);
    for n in 0..20 {
        open(&path, annals::Tuning::default()).transact(&format!("[{{:line/run {n} :line/text \"more\"}}]")).expect("more");
    }
    drop(asked());
    assert_eq!(asked()[0].as_ref().map(|answer| &answer.rows).expect_err("the text is on disk"), &expected);
}

#[test]
fn what_some_hundred_entities_have_is_read_one_by_one_where_columns_would_have_to_be_made_of_the_log() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = store_path(&folder);
    let tuning = annals::Tuning { disk_datoms: i64::MAX, eager_datoms: 0, ..annals::Tuning::default() };
    let connection = open(&path, tuning);
    connection.transact("[{:db/ident :group :db/valueType :db.type/long :db/index true}]").expect("a schema");
    let count = 20_000;
    let people = (0..count).fold(String::new(), |mut people, n| {
        write!(people, "{{:group {} :age {} :rank {}}}", n % 200, n % 90, n * 7 % count).expect("text grows");
        people
    });
    connection.transact(&format!("[{people}]")).expect("people");
    drop(connection);
    for (group, is_read) in [("3", true), ("3 4 5 6", false)] {
        let connection = open(&path, tuning);
        let (budget, options) = (Budget::default(), Options::default());
        let text = format!("[:find ?e ?age :where [(ground [{group}]) [?g ...]] [?e :group ?g] [?e :age ?age]]");
        let db = connection.db().expect("a value");
        let answer = db.prepare(&text).and_then(|prepared| prepared.q_within(&db, &[], options, &budget)).expect(&text);
        assert_eq!(answer.rows.len() as i64, 100 * group.split(' ').count() as i64);
        // Each datom of an attribute that is read from the log costs 32 steps.
        let is_log_read = budget.steps() > count as u64 * 32;
        assert_eq!(is_log_read, !is_read, "{} steps: {text}", budget.steps());
    }
}
