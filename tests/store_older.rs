//! The promise: a store of an older format is read as it is, and migrated in one step without a fact, a view or an answer becoming
//! another. Attacked with a store that format 3 wrote: values of all types, metadata, retractions, runs and lines, states, full
//! text, facts about transactions, and transactions in the order of that format.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use annals::store::{Access, Store};
use annals::{Connection, Datom, exchange};
use tempfile::TempDir;

const VIEWS: [&str; 7] = ["facts", "current_facts", "attributes", "idents", "runs", "run_logs", "state_kv"];

const QUESTIONS: [&str; 9] = [
    "[:find ?e ?a ?v ?t ?m :where [?e ?a ?v ?t ?m]]",
    "[:find ?name ?rank :where [?e :sample/name ?name] [?e :sample/rank ?rank]]",
    "[:find ?name ?text :where [?e :sample/name ?name] [?e :sample/text ?text]]",
    "[:find ?level (count ?line) :where [?line :log/level ?level]]",
    "[:find ?id ?seq ?message :where [?run :run/id ?id] [?line :log/run ?run] [?line :log/seq ?seq] [?line :log/message ?message]]",
    "[:find ?e ?why :where [?e :sample/why ?why]]",
    "[:find ?key ?value :where [?state :state/key ?key] [?state :state/value ?value]]",
    "[:find ?e ?text :where [(fulltext $ :sample/text \"tape\") [[?e ?text]]]]",
    "[:find ?rgb :where [:color/red :color/rgb ?rgb]]",
];

/// A copy of the store that format 3 wrote.
fn older() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-3.db"), &path).expect("a copy");
    (folder, path)
}

fn format(path: &Path) -> i64 {
    let connection = rusqlite::Connection::open(path).expect("the file opens");
    connection.query_row("PRAGMA user_version", (), |row| row.get(0)).expect("a number")
}

/// The rows of a view, sorted.
fn rows(path: &Path, view: &str) -> Vec<String> {
    let connection = rusqlite::Connection::open(path).expect("the file opens");
    let mut statement = connection.prepare(&format!("SELECT * FROM {view}")).expect("the view is there");
    let columns = statement.column_count();
    let rows = statement.query_map((), |row| {
        (0..columns).map(|column| row.get_ref(column).map(|cell| format!("{cell:?}"))).collect::<Result<Vec<_>, _>>()
    });
    let mut rows: Vec<String> = rows.expect("rows").map(|row| row.expect("a row").join("|")).collect();
    rows.sort();
    rows
}

fn log(store: &Store) -> Vec<Datom> {
    let mut datoms = Vec::new();
    let taken = store.log(0, i64::MAX, None, |datom| {
        datoms.push(datom);
        Ok(())
    });
    taken.expect("the log is read");
    datoms
}

/// Everything that can be read of the store, by every way there is.
#[derive(Debug, PartialEq)]
struct Read {
    log: Vec<Datom>,
    by_entity: Vec<Vec<Datom>>,
    by_attribute: Vec<Vec<Datom>>,
    in_range: Vec<Datom>,
    by_value: Vec<Vec<Datom>>,
    ends: Vec<String>,
}

fn read(store: &Store) -> Read {
    let log = log(store);
    let entities: BTreeSet<i64> = log.iter().map(|datom| datom.e).collect();
    let places: BTreeSet<(i64, i64)> = log.iter().map(|datom| (datom.e, datom.a)).collect();
    let mut in_range = Vec::new();
    let taken = store.datoms_of_entities(0, i64::MAX, i64::MAX, |datom| {
        in_range.push(datom);
        Ok(())
    });
    taken.expect("entities are read");
    let partitions: BTreeSet<annals::Partition> = entities.iter().map(|e| annals::Partition::of(*e)).collect();
    let mut ends: Vec<String> =
        partitions.iter().map(|partition| format!("{:?}", store.last_entity(*partition).expect("an answer"))).collect();
    ends.push(format!("{:?} {:?}", store.last_partition().expect("an answer"), store.basis().expect("a basis")));
    Read {
        by_entity: entities.iter().map(|e| store.datoms_of_entity(*e, i64::MAX).expect("an answer")).collect(),
        by_attribute: places
            .iter()
            .map(|(e, a)| store.datoms_of_entity_attribute(*e, *a, i64::MAX).expect("an answer"))
            .collect(),
        by_value: log.iter().map(|datom| store.datoms_by_value(datom.a, &datom.v, i64::MAX).expect("an answer")).collect(),
        in_range,
        ends,
        log,
    }
}

fn answers(connection: &Connection) -> Vec<String> {
    let now = connection.db().expect("a database value");
    let views = [now.clone(), now.as_of(9).expect("a moment"), now.history()];
    let ask = |db: &annals::Db, question: &str| format!("{:?}", db.q(question, &[]).expect(question));
    views.iter().flat_map(|db| QUESTIONS.iter().map(|question| ask(db, question))).collect()
}

#[test]
fn an_older_store_says_the_same_before_and_after_it_is_migrated() {
    let (_folder, path) = older();
    let shown: Vec<Vec<String>> = VIEWS.iter().map(|view| rows(&path, view)).collect();
    let as_it_is = Store::open(&path, Access::ReadOnly).expect("it opens for reading");
    let (before, report) = (read(&as_it_is), as_it_is.verify().expect("a report"));
    assert_eq!(report.problem, None);
    let answered = answers(&Connection::open_read_only(&path).expect("it opens for reading"));
    assert_eq!(format(&path), 3, "reading changes nothing");

    let store = Store::open(&path, Access::ReadWrite).expect("it is migrated");
    assert_eq!(read(&store), before);
    assert_eq!(read(&as_it_is), before, "a handle from before goes on");
    assert_eq!(store.verify().expect("a report"), report);
    assert!(format(&path) > 3);
    for (view, shown) in VIEWS.iter().zip(shown) {
        assert_eq!(rows(&path, view), shown, "{view}");
    }
    assert_eq!(answers(&Connection::open(&path).expect("it opens")), answered);
}

#[test]
fn a_migrated_store_goes_on() {
    let (_folder, path) = older();
    let connection = Connection::open(&path).expect("it is migrated");
    let changes = [
        r#"[{:sample/name "one" :sample/rank 6} {:sample/name "four" :sample/rank 4}]"#,
        r#"[[:db/retract [:sample/name "one"] :sample/tags :yellow] [:db/add [:sample/name "two"] :sample/rank 7]]"#,
        r#"[[:db/retractEntity [:sample/name "four"]] [:db/add "datomic.tx" :sample/why "it is gone"]]"#,
        r#"[[:db/add 3 :sample/why "said of it later"]]"#,
    ];
    for change in changes {
        connection.transact(change).expect(change);
    }
    annals::contract::state::put(&connection, None, "app", "position", 6.into()).expect("a state is put");
    assert_eq!(connection.store().verify().expect("a report").problem, None);
    let position: Vec<String> =
        rows(&path, "state_kv").into_iter().filter(|row| row.contains("position") || row.contains("112, 111, 115")).collect();
    assert!(position.len() == 1 && position[0].contains("Blob([54])"), "{position:?}");
}

#[test]
fn an_export_of_an_older_store_is_taken_in_by_a_new_one_to_the_letter() {
    let (_folder, path) = older();
    let source = Connection::open_read_only(&path).expect("it opens for reading");
    let mut stream = Vec::new();
    exchange::export_datoms(&source.db().expect("a database value"), &mut stream).expect("it is exported");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = Connection::open(folder.path().join("annals.db")).expect("a new store");
    for _ in 0..2 {
        exchange::import(&target, &mut &*stream).expect("it is taken in");
        assert_eq!(target.store().basis().expect("a basis"), source.store().basis().expect("a basis"));
        assert_eq!(target.store().verify().expect("a report").problem, None);
    }
    for view in VIEWS {
        assert_eq!(rows(target.path(), view), rows(&path, view), "{view}");
    }
}

/// Makes of a store one of format 3: the tables, indexes and views that format 4 replaced are put back as they were.
fn put_back(path: &Path) {
    let older = rusqlite::Connection::open_in_memory().expect("a database in memory");
    for step in [
        include_str!("../migrations/0001_datoms.sql"),
        include_str!("../migrations/0002_contract.sql"),
        include_str!("../migrations/0003_fulltext.sql"),
    ] {
        older.execute_batch(step).expect("the step works");
    }
    let sql = |name: &str| -> String {
        older.query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", (name,), |row| row.get(0)).expect("it was there")
    };
    let connection = rusqlite::Connection::open(path).expect("the file opens");
    for view in VIEWS {
        connection.execute_batch(&format!("DROP VIEW {view}; {}", sql(view))).expect("the view is put back");
    }
    let index = sql("datoms_by_entity");
    connection
        .execute_batch(&format!("DROP INDEX state_keys; DROP TABLE entities; {index}; PRAGMA user_version = 3"))
        .expect("the index is put back");
}

/// The views of formats before 4 showed a state that has no key, and those since do not: the log is sound in both.
#[test]
fn a_state_without_a_key_is_no_damage_in_any_format() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    let connection = Connection::open(&path).expect("a new store");
    for change in [
        r#"[{:state/namespace "n" :state/value 1} {:state/namespace "n" :state/key "k" :state/value 2}]"#,
        r#"[{:run/id "r" :log/_run [{:log/message "one"}]} {:run/id "gone" :log/_run [{:log/message "two"}]}]"#,
        r#"[[:db/retract [:run/id "gone"] :run/id "gone"] [:db/add [:run/id "r"] :run/id ""]]"#,
    ] {
        connection.transact(change).expect(change);
    }
    drop(connection);
    let shown = |format: i64, states: usize| {
        assert_eq!(self::format(&path), format);
        assert_eq!(annals::verify(&path, None).expect("a report").problem, None, "format {format}");
        assert_eq!(["state_kv", "runs", "run_logs"].map(|view| rows(&path, view).len()), [states, 1, 1], "format {format}");
    };
    shown(5, 1);
    put_back(&path);
    shown(3, 2);
    drop(Connection::open(&path).expect("it is migrated"));
    shown(5, 1);
}
