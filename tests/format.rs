//! The promise: any SQLite client reads a store, and none can change its history. Attacked with the stock `sqlite3` shell, which
//! knows nothing of this program, and with every statement that could change a row.

use std::path::{Path, PathBuf};
use std::process::Command;

use annals::schema::attribute as a;
use annals::store::Store;
use annals::{Datom, Partition, Value};
use annals_query::edn;
use rusqlite::Connection;
use tempfile::TempDir;

/// A fact as `[e a v]`, retracted if the flag says so.
type Fact = (i64, i64, Value, bool);

struct Fixture {
    folder: TempDir,
    store: Store,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::create(folder.path().join("annals.db")).expect("a new store");
        Self { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("annals.db")
    }

    /// Appends the facts at an instant so many microseconds after 2100-01-01T00:00:00Z.
    fn append(&self, micros: i64, facts: impl IntoIterator<Item = Fact>) {
        let instant = 4_102_444_800_000_000 + micros;
        let written = self.store.write(|w| {
            let t = w.basis().t + 1;
            let datoms: Vec<Datom> = facts.into_iter().map(|(e, a, v, added)| Datom { e, a, v, t, added, m: 0 }).collect();
            w.append(t, instant, &datoms, &|attribute| [a::IDENT, a::RUN_ID, a::STATE_ID].contains(&attribute))
        });
        written.expect("the transaction is in order");
    }

    /// What the stock shell prints, or `None` where there is no such program.
    fn shell(&self, sql: &str) -> Option<String> {
        let output = match Command::new("sqlite3").arg("-readonly").arg(self.path()).arg(sql).output() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            output => output.expect("the shell runs"),
        };
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8(output.stdout).expect("text").trim_end().to_owned())
    }

    /// Compares what the stock shell prints, and what the bundled SQLite would.
    #[track_caller]
    fn check(&self, sql: &str, expected: &str) {
        assert_eq!(rows(&self.path(), sql), expected, "{sql}");
        if let Some(printed) = self.shell(sql) {
            assert_eq!(printed, expected, "{sql}, in the stock shell");
        }
    }
}

/// Rows as the shell prints them: `|` between columns, a line each.
fn rows(path: &Path, sql: &str) -> String {
    use rusqlite::types::ValueRef;
    let connection = Connection::open(path).expect("the file opens");
    let mut statement = connection.prepare(sql).expect("a statement");
    let columns = statement.column_count();
    let mut rows = statement.query(()).expect("rows");
    let mut lines = Vec::new();
    while let Some(row) = rows.next().expect("a row") {
        let cell = |column| match row.get_ref(column).expect("a cell") {
            ValueRef::Null => String::new(),
            ValueRef::Integer(n) => n.to_string(),
            ValueRef::Real(n) => format!("{n:?}"),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        };
        lines.push((0..columns).map(cell).collect::<Vec<_>>().join("|"));
    }
    lines.join("\n")
}

fn run(number: i64) -> i64 {
    Partition(Partition::FIRST_OWN.0 + number).entity(1)
}

fn keyword(name: &str) -> Value {
    Value::keyword(name)
}

fn start_run(number: i64, id: &str) -> Vec<Fact> {
    let e = run(number);
    vec![
        (e, a::RUN_ID, Value::from(id), true),
        (e, a::RUN_CREATED_AT, Value::Instant(-1), true),
        (e, a::RUN_PROJECT_PATH, Value::from("/src"), true),
        (e, a::RUN_MODE, keyword("exec"), true),
        (e, a::RUN_STATUS, keyword("running"), true),
    ]
}

fn line(number: i64, seq: i64, micros: i64, level: &str, message: &str) -> Vec<Fact> {
    let e = run(number) + seq;
    vec![
        (e, a::LOG_RUN, Value::Ref(run(number)), true),
        (e, a::LOG_SEQ, Value::from(seq), true),
        (e, a::LOG_TS, Value::Instant(micros), true),
        (e, a::LOG_LEVEL, keyword(level), true),
        (e, a::LOG_MESSAGE, Value::from(message), true),
    ]
}

#[test]
fn runs_show_as_they_are_now() {
    let fixture = Fixture::new();
    fixture.append(1, start_run(0, "r0"));
    fixture.append(2, start_run(1, "r1"));
    fixture.check(
        "SELECT * FROM runs ORDER BY id",
        "r0|1969-12-31T23:59:59.999999Z|2100-01-01T00:00:00.000001Z|/src|exec|running\n\
         r1|1969-12-31T23:59:59.999999Z|2100-01-01T00:00:00.000002Z|/src|exec|running",
    );
    // The addition is given before the retraction, and sorts before it.
    let finished = [(run(0), a::RUN_STATUS, keyword("failed"), true), (run(0), a::RUN_STATUS, keyword("running"), false)];
    fixture.append(1_500_000, finished);
    fixture.append(1_600_000, [(run(1), a::RUN_PROJECT_PATH, Value::from("/src"), false)]);
    fixture.append(1_700_000, line(1, 1, 0, "info", "a line says nothing about the run itself"));
    fixture.check(
        "SELECT id, updated_at, project_path, status FROM runs ORDER BY id",
        "r0|2100-01-01T00:00:01.500000Z|/src|failed\nr1|2100-01-01T00:00:01.600000Z||running",
    );
    fixture.append(2_000_000, [(run(0), a::RUN_ID, Value::from("r0"), false)]);
    fixture.check("SELECT id FROM runs", "r1");
    fixture.append(3_000_000, [(run(2), a::RUN_ID, Value::from("bare"), true)]);
    fixture.check("SELECT * FROM runs WHERE id = 'bare'", "bare|2100-01-01T00:00:03.000000Z|2100-01-01T00:00:03.000000Z|||");
}

#[test]
fn lines_belong_to_their_run_and_show_as_they_are_now() {
    let fixture = Fixture::new();
    for number in 0..3 {
        fixture.append(0, start_run(number, &format!("r{number}")));
    }
    fixture.append(
        0,
        line(0, 1, 1_000_001, "info", "first").into_iter().chain(line(0, 2, -1, "error", "two\nlines | and 'quotes'")),
    );
    fixture.append(0, line(1, 1, 0, "warn", "of another run"));
    fixture.check(
        "SELECT * FROM run_logs WHERE run_id = 'r0' ORDER BY seq",
        "r0|1|1970-01-01T00:00:01.000001Z|info|first\nr0|2|1969-12-31T23:59:59.999999Z|error|two\nlines | and 'quotes'",
    );
    fixture.check("SELECT * FROM run_logs WHERE run_id = 'r1'", "r1|1|1970-01-01T00:00:00.000000Z|warn|of another run");
    fixture.check("SELECT count(*) FROM run_logs WHERE run_id = 'r2'", "0");
    fixture.check("SELECT run_id, level, count(*) FROM run_logs GROUP BY 1, 2", "r0|error|1\nr0|info|1\nr1|warn|1");
    let changed = [
        (run(0) + 1, a::LOG_LEVEL, keyword("info"), false),
        (run(0) + 1, a::LOG_LEVEL, keyword("debug"), true),
        (run(0) + 1, a::LOG_MESSAGE, Value::from("first"), false),
        (run(0) + 2, a::LOG_RUN, Value::Ref(run(0)), false),
    ];
    fixture.append(0, changed);
    fixture.check("SELECT seq, level, message FROM run_logs WHERE run_id = 'r0'", "1|debug|");
    fixture.append(0, [(run(0) + 1, a::LOG_SEQ, Value::from(1), false)]);
    fixture.check("SELECT count(*) FROM run_logs WHERE run_id = 'r0'", "0");
}

#[test]
fn a_line_shows_while_its_run_and_its_number_hold() {
    let fixture = Fixture::new();
    let (e, other) = (run(0) + 1, run(0) + 2);
    let shown = "SELECT run_id, seq, level, message FROM run_logs ORDER BY seq";
    fixture.append(0, start_run(0, "r0").into_iter().chain(line(0, 1, 0, "info", "one")).chain(line(0, 2, 0, "warn", "two")));
    let belongs = |e, added| (e, a::LOG_RUN, Value::Ref(run(0)), added);
    let numbered = |seq, added| (e, a::LOG_SEQ, Value::from(seq), added);
    let level = |name, added| (other, a::LOG_LEVEL, keyword(name), added);
    // Each transaction follows the ones before it.
    let steps: [(Vec<Fact>, &str); 11] = [
        (vec![belongs(e, false)], "r0|2|warn|two"),
        (vec![belongs(e, true)], "r0|1|info|one\nr0|2|warn|two"),
        (vec![numbered(1, false), numbered(3, true)], "r0|2|warn|two\nr0|3|info|one"),
        (vec![numbered(3, false)], "r0|2|warn|two"),
        (vec![numbered(3, true)], "r0|2|warn|two\nr0|3|info|one"),
        (vec![level("warn", false), level("error", true)], "r0|2|error|two\nr0|3|info|one"),
        (vec![level("error", false)], "r0|2||two\nr0|3|info|one"),
        (vec![belongs(e, false), (e, a::LOG_RUN, Value::Ref(run(1)), true)], "r0|2||two"),
        (vec![(e, a::LOG_RUN, Value::Ref(run(1)), false), belongs(e, true)], "r0|2||two\nr0|3|info|one"),
        (
            vec![(run(0), a::RUN_ID, Value::from("r0"), false), (run(0), a::RUN_ID, Value::from("renamed"), true)],
            "renamed|2||two\nrenamed|3|info|one",
        ),
        (vec![(run(0), a::RUN_ID, Value::from("renamed"), false)], ""),
    ];
    for (facts, expected) in steps {
        fixture.append(0, facts);
        fixture.check(shown, expected);
    }
}

#[test]
fn lines_stand_in_their_order_either_way_in_a_run_of_every_length() {
    let fixture = Fixture::new();
    // The view visits the last 100 entities first, then those up to the last 2,000, then the rest. Another run lies on each side.
    let lengths = [1, 99, 100, 101, 1_999, 2_000, 2_001, 2_105];
    for (number, length) in (0..).zip(lengths) {
        fixture.append(0, start_run(number, &format!("r{number}")));
        fixture.append(0, (1..=length).flat_map(|seq| line(number, seq, seq, "info", "a line")));
        let gone = [1, length - 99, length - 100, length - 2_000].map(|seq| (run(number) + seq, a::LOG_SEQ, seq));
        let gone = gone.into_iter().filter(|(_, _, seq)| (2..length).contains(seq));
        fixture
            .append(0, gone.map(|(e, a, seq)| (e, a, Value::from(seq), false)).chain([(1 << 40, 1 << 33, Value::from(1), true)]));
    }
    for (number, length) in (0..).zip(lengths) {
        let is_gone = |seq: &i64| (2..length).contains(seq) && [length - 99, length - 100, length - 2_000].contains(seq);
        let kept: Vec<String> = (1..=length).filter(|seq| !is_gone(seq)).map(|seq| seq.to_string()).collect();
        let backward: Vec<String> = kept.iter().rev().cloned().collect();
        let sql = |tail: &str| format!("SELECT seq FROM run_logs WHERE run_id = 'r{number}' ORDER BY seq{tail}");
        let part = |all: &[String], from: usize, count: usize| all[from.min(all.len())..(from + count).min(all.len())].join("\n");
        for (from, count) in [(0, 100), (0, 1), (50, 100), (0, 2_500), (1_950, 100)] {
            fixture.check(&sql(&format!(" LIMIT {count} OFFSET {from}")), &part(&kept, from, count));
            fixture.check(&sql(&format!(" DESC LIMIT {count} OFFSET {from}")), &part(&backward, from, count));
        }
        fixture.check(&sql(""), &kept.join("\n"));
        let count = format!("SELECT count(*) FROM run_logs WHERE run_id = 'r{number}' AND level = 'info'");
        fixture.check(&count, &kept.len().to_string());
    }
}

#[test]
fn the_last_lines_of_a_run_are_found_by_search_alone() {
    let fixture = Fixture::new();
    let sql = "EXPLAIN QUERY PLAN SELECT * FROM run_logs WHERE run_id = 'r0' ORDER BY seq DESC LIMIT 100";
    let plans = [Some(rows(&fixture.path(), sql)), fixture.shell(sql)];
    for plan in plans.into_iter().flatten() {
        // The spans are four rows of constants.
        let mut scans = plan.lines().filter(|line| line.contains("SCAN") && !line.contains("CONSTANT ROW"));
        assert!(scans.all(|line| line.ends_with("SCAN span")), "{plan}");
    }
}

fn state(number: u32, namespace: &str, key: &str, value: Value) -> Vec<Fact> {
    let e = Partition::STATE.entity(number);
    vec![
        (e, a::STATE_NAMESPACE, Value::from(namespace), true),
        (e, a::STATE_KEY, Value::from(key), true),
        (e, a::STATE_ID, Value::vector([Value::from(namespace), Value::from(key)]), true),
        (e, a::STATE_VALUE, value, true),
    ]
}

#[test]
fn state_shows_as_bytes() {
    let fixture = Fixture::new();
    let cases = [
        (r#""text ü""#, "text ü"),
        ("#bytes \"6162\"", "ab"),
        ("42", "42"),
        ("-9223372036854775808", "-9223372036854775808"),
        (":a/b", ":a/b"),
        ("a/b", "a/b"),
        ("true", "true"),
        ("false", "false"),
        ("0.1", "0.1"),
        ("2.0", "2.0"),
        ("-1.5", "-1.5"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("##Inf", "##Inf"),
        ("##-Inf", "##-Inf"),
        ("12N", "12N"),
        ("1.20M", "1.20M"),
        ("#inst \"2026-11-20T10:00:00Z\"", "#inst \"2026-11-20T10:00:00Z\""),
        ("#inst \"1969-12-31T23:59:59.990Z\"", "#inst \"1969-12-31T23:59:59.99Z\""),
        ("#uuid \"00000000-0000-0000-0000-00000000000a\"", "#uuid \"00000000-0000-0000-0000-00000000000a\""),
        ("#uri \"http://x\"", "#uri \"http://x\""),
        ("#db/id 5", "#db/id 5"),
        ("[1 \"a\" nil]", "[1 \"a\" nil]"),
    ];
    for (number, (text, _)) in (1..).zip(cases) {
        fixture.append(0, state(number, "ns", text, edn::read(text).expect("EDN")));
    }
    for (text, shown) in cases {
        let quoted = text.replace('\'', "''");
        let sql = format!("SELECT typeof(value_blob), CAST(value_blob AS TEXT) FROM state_kv WHERE key = '{quoted}'");
        fixture.check(&sql, &format!("blob|{shown}"));
        if !matches!(edn::read(text), Ok(Value::String(_) | Value::Bytes(_))) {
            assert_eq!(edn::read(shown).expect("the blob is EDN"), edn::read(text).expect("EDN"), "{text}");
        }
    }
}

#[test]
fn doubles_in_state_read_back_as_the_same_double() {
    let fixture = Fixture::new();
    // Very large and very small numbers are printed exactly by recent versions of SQLite only.
    let everywhere = [1e-7, 1e16, 123_456_789.123_456_78, 1.0 / 3.0, -1e22, 6.02e23, 1e-10, 0.1 + 0.7];
    let bundled = [5e-324, f64::MAX, 1e100, f64::MIN_POSITIVE, -1e300];
    for (number, n) in (1..).zip(everywhere.into_iter().chain(bundled)) {
        fixture.append(0, state(number, "ns", &format!("{n:e}"), Value::Double(n)));
        let sql = format!("SELECT CAST(value_blob AS TEXT) FROM state_kv WHERE key = '{n:e}'");
        let in_shell = if everywhere.contains(&n) { fixture.shell(&sql) } else { None };
        for shown in [Some(rows(&fixture.path(), &sql)), in_shell].into_iter().flatten() {
            assert_eq!(edn::read(&shown).expect("the blob is EDN"), Value::Double(n), "{shown}");
        }
    }
}

#[test]
fn state_shows_as_it_is_now() {
    let fixture = Fixture::new();
    fixture.append(1, state(1, "ns", "k", Value::from("one")));
    fixture.append(2, state(2, "ns", "gone", Value::from("x")));
    let e = Partition::STATE.entity(1);
    fixture.append(3, [(e, a::STATE_VALUE, Value::from("a second"), true), (e, a::STATE_VALUE, Value::from("one"), false)]);
    fixture.append(4, [(Partition::STATE.entity(2), a::STATE_VALUE, Value::from("x"), false)]);
    fixture.check("SELECT * FROM state_kv", "ns|k|a second|2100-01-01T00:00:00.000003Z");
}

#[test]
fn datoms_are_readable_with_their_keywords() {
    let fixture = Fixture::new();
    fixture.append(7, start_run(0, "r0"));
    fixture.append(8, [(run(0), a::RUN_NAME, Value::from("x"), true)]);
    fixture.append(9, [(run(0), a::RUN_NAME, Value::from("x"), false)]);
    fixture.check(
        "SELECT attribute, v, type, t, instant, m, added FROM facts WHERE e = 68719476737 AND t > 2",
        ":run/name|x|string|3|2100-01-01T00:00:00.000008Z|0|1\n:run/name|x|string|4|2100-01-01T00:00:00.000009Z|0|0",
    );
    fixture.check(
        "SELECT attribute, v, type FROM current_facts WHERE e = 68719476737 ORDER BY attribute",
        ":run/created-at|-1|instant\n:run/id|r0|string\n:run/mode|:exec|keyword\n:run/project-path|/src|string\n:run/status|:running|keyword",
    );
    fixture.check("SELECT id FROM idents WHERE ident = ':db/ident'", "4294967297");
    fixture.check(
        "SELECT ident, type, cardinality, uniqueness, indexed, is_component FROM attributes
         WHERE ident IN (':run/id', ':state/value', ':db.attr/preds', ':log/run') ORDER BY ident",
        ":db.attr/preds|symbol|many||0|0\n:log/run|ref|one||0|0\n:run/id|string|one|identity|0|0\n:state/value|any|one||0|0",
    );
    fixture.check("SELECT count(*) FROM attributes WHERE doc IS NULL", "0");
}

/// The steps of SQLite's machine that all rows of a view take.
fn steps(path: &Path, view: &str) -> i64 {
    let connection = Connection::open(path).expect("the file opens");
    let mut statement = connection.prepare(&format!("SELECT * FROM {view}")).expect("the view is there");
    let columns = statement.column_count();
    let mut rows = statement.query(()).expect("rows");
    while let Some(row) = rows.next().expect("a row") {
        for column in 0..columns {
            row.get_ref(column).expect("a value");
        }
    }
    drop(rows);
    i64::from(statement.get_status(rusqlite::StatementStatus::VmStep))
}

/// Runs with lines, and keys of state with many versions.
fn grown(times: i64) -> Fixture {
    let fixture = Fixture::new();
    for n in 0..times {
        let state = state(n as u32 + 1, "ns", &format!("k{n}"), Value::from(0));
        fixture.append(n, start_run(n, &format!("r{n}")).into_iter().chain(state).chain(line(n, 1, n, "info", "said")));
        let e = Partition::STATE.entity(1);
        fixture.append(n, [(e, a::STATE_VALUE, Value::from(n), false), (e, a::STATE_VALUE, Value::from(n + 1), true)]);
    }
    fixture
}

#[test]
fn every_view_takes_time_in_proportion_to_what_there_is() {
    let (small, large) = (grown(50), grown(200));
    for view in ["facts", "current_facts", "attributes", "idents", "runs", "run_logs", "state_kv"] {
        let (few, many) = (steps(&small.path(), view), steps(&large.path(), view));
        assert!(many < 6 * few.max(1_000), "{view} takes {many} steps, {few} for a quarter of the facts");
    }
}

#[test]
fn no_client_changes_history() {
    let fixture = Fixture::new();
    fixture.append(0, start_run(0, "r0"));
    let before = fixture.store.verify().expect("a report");
    let connection = Connection::open(fixture.path()).expect("the file opens");
    for sql in [
        "UPDATE datoms SET v = 'x' WHERE id = 3",
        "UPDATE OR REPLACE datoms SET id = 4 WHERE id = 3",
        "UPDATE OR IGNORE datoms SET added = 0",
        "DELETE FROM datoms WHERE id = 3",
        "DELETE FROM datoms",
        "INSERT OR REPLACE INTO datoms SELECT * FROM datoms WHERE id = 3",
        "REPLACE INTO datoms SELECT id, e, a, 'x', 11, t, m, added FROM datoms WHERE id = 3",
        "REPLACE INTO datoms (e, a, v, type, t, m, added) VALUES (1, 1, 1, 1, 1, 1, 1)",
        "INSERT INTO datoms SELECT id, e, a, v, type, t, m, added FROM datoms WHERE id = 3 ON CONFLICT DO UPDATE SET v = 'x'",
        "INSERT INTO datoms SELECT max(id) + 2, e, a, v, type, t, m, added FROM datoms",
        "UPDATE txs SET instant = 0",
        "DELETE FROM txs WHERE t = 2",
        "REPLACE INTO txs SELECT t, 0, datoms, last, hash FROM txs WHERE t = 1",
        "INSERT INTO txs SELECT t + 2, instant, datoms, last, hash FROM txs WHERE t = 2",
    ] {
        let error = connection.execute_batch(sql).expect_err(sql).to_string();
        assert!(error.contains("history is immutable"), "{sql}: {error}");
    }
    assert_eq!(fixture.store.verify().expect("a report"), before);
    assert_eq!(before.problem, None);
}
