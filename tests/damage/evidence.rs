//! The store that is damaged, everything that can be asked of it, and where in the file each transaction lies.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};

use annals::contract::{self, LogFilter, RunFilter};
use annals::{Connection, Datom, Db, Options, Order, Transaction, Tuning, Value};
use rusqlite::OpenFlags;

const VIEWS: [&str; 7] = ["facts", "current_facts", "attributes", "idents", "runs", "run_logs", "state_kv"];

const QUESTIONS: [&str; 6] = [
    "[:find ?e ?name ?rank :where [?e :item/name ?name] [?e :item/rank ?rank]]",
    "[:find ?text ?tag :where [?e :item/text ?text] [?e :item/tags ?tag]]",
    "[:find ?id ?level (count ?line) :where [?run :run/id ?id] [?line :log/run ?run] [?line :log/level ?level]]",
    "[:find ?e ?text :where [(fulltext $ :item/text \"tape\") [[?e ?text]]]]",
    "[:find ?e . :where [?e :item/place [1 2]]]",
    "[:find ?key ?value :where [?state :state/key ?key] [?state :state/value ?value]]",
];

/// The bytes of a store: its file, its write-ahead log and the index of that, and its columns.
#[derive(Clone, Default)]
pub(crate) struct Files {
    pub(crate) store: Vec<u8>,
    pub(crate) log: Option<Vec<u8>>,
    pub(crate) index: Option<Vec<u8>>,
    pub(crate) columns: BTreeMap<String, Vec<u8>>,
}

impl Files {
    pub(crate) fn read(path: &Path) -> Self {
        let beside = |ending: &str| fs::read(format!("{}{ending}", path.display())).ok();
        let entries = fs::read_dir(format!("{}-columns", path.display())).into_iter().flatten();
        let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
        let columns = entries.map(|entry| entry.expect("an entry").path());
        let columns = columns.map(|path| (name(&path), fs::read(&path).expect("a file"))).collect();
        Self { store: fs::read(path).unwrap_or_default(), log: beside("-wal"), index: beside("-shm"), columns }
    }

    /// Writes a store, in the place of one that was there.
    pub(crate) fn write(&self, path: &Path) {
        let beside = |ending: &str| PathBuf::from(format!("{}{ending}", path.display()));
        for ending in ["-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(beside(ending));
        }
        let _ = fs::remove_dir_all(beside("-columns"));
        fs::write(path, &self.store).expect("a file");
        for (ending, bytes) in [("-wal", &self.log), ("-shm", &self.index)] {
            if let Some(bytes) = bytes {
                fs::write(beside(ending), bytes).expect("a file");
            }
        }
        if !self.columns.is_empty() {
            fs::create_dir(beside("-columns")).expect("a folder");
            for (name, bytes) in &self.columns {
                fs::write(beside("-columns").join(name), bytes).expect("a file");
            }
        }
    }
}

/// A store as it was written.
pub(crate) struct Evidence {
    pub(crate) files: Files,
    /// The file as it was earlier.
    pub(crate) older: Vec<u8>,
    pub(crate) answers: Answers,
    pub(crate) transactions: Vec<Transaction>,
    /// The head of the chain after each transaction.
    pub(crate) heads: Vec<String>,
    pub(crate) pages: Vec<Page>,
}

/// What a page of the file is.
#[derive(Clone, Default)]
pub(crate) struct Page {
    pub(crate) kind: String,
    /// The transactions that lie in it.
    pub(crate) transactions: BTreeSet<i64>,
}

pub(crate) const PAGE_BYTES: usize = 2_048;

/// Figures with which everything goes to disk at once, in small blocks.
pub(crate) fn tiny() -> Tuning {
    Tuning {
        eager_datoms: 0,
        point_reads: 0,
        entity_reads: 0,
        disk_datoms: 0,
        disk_tail_datoms: 1,
        disk_chunk_datoms: 400,
        disk_block_rows: 16,
        ..Tuning::default()
    }
}

pub(crate) fn open(path: &Path) -> annals::Result<Connection> {
    Connection::open_with(path, Options { create: false, tuning: tiny(), ..Options::default() })
}

fn declarations() -> &'static str {
    "[{:db/ident :item/name :db/unique :db.unique/identity :db/valueType :db.type/string}
      {:db/ident :item/rank :db/valueType :db.type/long :db/index true}
      {:db/ident :item/tags :db/cardinality :db.cardinality/many}
      {:db/ident :item/text :db/fulltext true :db/valueType :db.type/string}
      {:db/ident :item/x :db/valueType :db.type/long} {:db/ident :item/y :db/valueType :db.type/long}
      {:db/ident :item/place :db/tupleAttrs [:item/x :item/y] :db/unique :db.unique/value}]"
}

/// The n-th transaction: items of every type of value, replaced and retracted; runs with lines; states.
fn transaction(n: usize) -> String {
    match n % 6 {
        0 => format!(
            "[{{:item/name \"n{n}\" :item/rank {n} :item/tags #{{:red :t{n}}} :item/x {n} :item/y 2 :item/when #inst \"2026-01-{:02}T00:00:00Z\"
               :item/id #uuid \"0190163d-8694-739b-aea5-966c26f8ad{:02x}\" :item/big 1{n}00000000000000000000N :item/exact {n}.50M}}]",
            n % 27 + 1,
            n
        ),
        1 => format!("[{{:item/name \"n{}\" :item/rank -{n} :item/text \"tape number {n} on the shelf\"}}]", n - 1),
        2 => format!(
            "[{{:db/id \"r\" :run/id \"run-{n}\" :run/name \"night {n}\" :run/mode :exec :run/status :running :run/project-path \"/p{n}\"}}
              {{:log/run \"r\" :log/level :info :log/message \"begun\" :log/ts #inst \"2026-02-01T00:00:{n:02}Z\"}}
              {{:log/run \"r\" :log/level :error :log/message \"line {n}: it broke\"}}]"
        ),
        3 => format!(
            "[{{:run/id \"run-{}\" :run/status :failed}} {{:item/name \"long {n}\" :item/text \"{}\" :item/raw #bytes \"00ff{n:02x}\"}}]",
            n - 1,
            "a tape of many words ".repeat(60 + 40 * (n % 5))
        ),
        4 => format!("[[:db/retract [:item/name \"n{}\"] :item/tags :red] [:db/add \"datomic.tx\" :item/why \"cleaning {n}\"]]", n - 4),
        _ => format!("[{{:item/name \"n{n}\" :item/x {n} :item/of [:item/name \"n{}\"] :item/ratio 0.{n}}}]", n - 5),
    }
}

fn commit(connection: &Connection, from: usize, until: usize) {
    for n in from..until {
        connection.transact(&transaction(n)).unwrap_or_else(|error| panic!("{}: {error}", transaction(n)));
        if n % 5 == 0 {
            contract::state::put(connection, None, "app", &format!("key{}", n % 3), Value::Long(n as i64)).expect("a state");
        }
    }
}

impl Evidence {
    /// A store at rest, with columns; or one in use, with so many transactions in its write-ahead log.
    pub(crate) fn make(folder: &Path, in_log: usize) -> Self {
        let path = folder.join("evidence.db");
        Files::default().write(&path);
        fs::remove_file(&path).expect("the file is gone");
        let connection = Connection::open(&path).expect("a new store");
        connection.transact(declarations()).expect("declarations");
        commit(&connection, 0, 18);
        drop(connection);
        let older = fs::read(&path).expect("the file");
        let connection = Connection::open(&path).expect("the store");
        commit(&connection, 18, 36);
        drop(connection);
        let connection = open(&path).expect("the store");
        if in_log == 0 {
            ask_all(&connection.db().expect("a value"));
        }
        commit(&connection, 36, 36 + in_log);
        let mut files = Files::read(&path);
        let transactions = connection.db().expect("a value").tx_range(..).expect("the log");
        drop(connection);
        if in_log == 0 {
            files = Files::read(&path);
            assert!(!files.columns.is_empty() && files.log.is_none(), "columns were written, and the log folded into the file");
        } else {
            assert!(files.log.as_ref().is_some_and(|log| log.len() > 20 * PAGE_BYTES), "the transactions are in the log");
            files.index = None;
        }
        files.write(&path);
        let pages = if in_log == 0 { pages(&path, &transactions) } else { Vec::new() };
        files.write(&path);
        let heads = heads(&path);
        files.write(&path);
        Self { answers: Answers::of(&path), files, older, transactions, heads, pages }
    }

    pub(crate) fn head(&self) -> &str {
        self.heads.last().expect("a transaction")
    }
}

fn heads(path: &Path) -> Vec<String> {
    let connection = rusqlite::Connection::open(path).expect("the file opens");
    let mut statement = connection.prepare("SELECT lower(hex(hash)) FROM txs ORDER BY t").expect("a statement");
    let heads = statement.query_map((), |row| row.get(0)).expect("rows");
    heads.map(|head| head.expect("a head")).collect()
}

/// What each page holds, by SQLite's own account.
fn pages(path: &Path, transactions: &[Transaction]) -> Vec<Page> {
    let connection = rusqlite::Connection::open(path).expect("the file opens");
    let of_id: Vec<i64> = transactions.iter().flat_map(|transaction| transaction.datoms.iter().map(|datom| datom.t)).collect();
    let sql = "SELECT name, path, pageno, pagetype, ncell FROM dbstat ORDER BY name, path";
    let mut statement = connection.prepare(sql).expect("this SQLite tells its pages");
    let mut rows = statement.query(()).expect("rows");
    let mut pages: BTreeMap<usize, Page> = BTreeMap::new();
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    let mut leaves: BTreeMap<(String, String), usize> = BTreeMap::new();
    while let Some(row) = rows.next().expect("a row") {
        let (table, path): (String, String) = (row.get(0).expect("a name"), row.get(1).expect("a path"));
        let (number, kind, cells): (i64, String, i64) =
            (row.get(2).expect("a page"), row.get(3).expect("a kind"), row.get(4).expect("a count"));
        let (number, cells) = (number as usize, cells as usize);
        let mut page = Page { kind: kind.clone(), transactions: BTreeSet::new() };
        let t_of = |row: usize| if table == "txs" { row as i64 + 1 } else { of_id[row] };
        if ["datoms", "txs"].contains(&&*table) && kind == "leaf" {
            let first = next.entry(table.clone()).or_default();
            leaves.insert((table.clone(), path.trim_end_matches('/').to_owned()), *first);
            page.transactions = (*first..*first + cells).map(t_of).collect();
            *first += cells;
        } else if ["datoms", "txs"].contains(&&*table) && kind == "overflow" {
            let (cell, _) = path.split_once('+').expect("the path of a cell");
            let (leaf, cell) = cell.rsplit_once('/').expect("a leaf");
            let cell = usize::from_str_radix(cell, 16).expect("a number");
            if let Some(first) = leaves.get(&(table.clone(), leaf.to_owned())) {
                page.transactions.insert(t_of(first + cell));
            } else {
                page.transactions = (1..=transactions.len() as i64).collect();
            }
        }
        pages.insert(number, page);
    }
    let last = fs::metadata(path).expect("the file").len() as usize / PAGE_BYTES;
    (1..=last).map(|number| pages.remove(&number).unwrap_or_default()).collect()
}

/// What was asked, and a number for what was answered, or the error.
#[derive(Clone, PartialEq)]
pub(crate) struct Answers(pub(crate) Vec<(String, Result<u64, String>)>);

impl Answers {
    /// Asks everything, by every way.
    pub(crate) fn of(path: &Path) -> Self {
        let mut answers = Vec::new();
        for view in VIEWS {
            answers.push((format!("view {view}"), rows(path, view).map_err(|error| error.to_string())));
        }
        for (way, opened) in [("plain", Connection::open_read_only(path)), ("columns", open(path))] {
            match opened.and_then(|connection| connection.db().map(|db| (connection, db))) {
                Ok((_connection, db)) => {
                    answers.extend(ask_all(&db).into_iter().map(|(asked, answer)| (format!("{way}: {asked}"), answer)));
                }
                Err(error) => answers.push((way.to_owned(), Err(error.to_string()))),
            }
        }
        Self(answers)
    }

    /// The first answer here that is another one there, errors aside.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<String> {
        let known: BTreeMap<&str, &Result<u64, String>> = self.0.iter().map(|(asked, answer)| (&**asked, answer)).collect();
        let differs = |(asked, answer): &&(String, Result<u64, String>)| matches!((answer, known.get(&**asked)), (Ok(found), Some(Ok(expected))) if found != expected);
        other.0.iter().find(differs).map(|(asked, _)| asked.clone())
    }
}

fn rows(path: &Path, view: &str) -> rusqlite::Result<u64> {
    let mut connection = rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    // Another client is stopped too if damage makes a view endless.
    connection.progress_handler(
        1_000,
        Some({
            let mut left = 20_000;
            move || {
                left -= 1;
                left == 0
            }
        }),
    )?;
    let mut statement = connection.prepare(&format!("SELECT * FROM {view}"))?;
    let columns = statement.column_count();
    let mut rows = statement.query(())?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let cells: rusqlite::Result<Vec<String>> =
            (0..columns).map(|column| row.get_ref(column).map(|cell| format!("{cell:?}"))).collect();
        found.push(cells?);
    }
    found.sort();
    Ok(number_of(&found))
}

fn number_of(answer: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    answer.hash(&mut hasher);
    hasher.finish()
}

/// Everything that a value answers: queries, now, as of earlier and over history; datoms, pull, lines, states, transactions.
pub(crate) fn ask_all(db: &Db) -> Vec<(String, Result<u64, String>)> {
    let mut answers: Vec<(String, Result<u64, String>)> = Vec::new();
    let mut push =
        |asked: &str, answer: annals::Result<u64>| answers.push((asked.to_owned(), answer.map_err(|error| error.to_string())));
    let told = |datoms: Vec<Datom>| {
        let mut told: Vec<String> = datoms.iter().map(|datom| format!("{datom:?}")).collect();
        told.sort();
        number_of(&told)
    };
    for question in QUESTIONS {
        push(question, db.q(question, &[]).map(|answer| number_of(&sorted(&answer.to_edn()))));
    }
    for t in [3, 12, 30] {
        let earlier = || db.as_of(annals::Moment::T(t));
        push(&format!("as of {t}"), earlier().and_then(|db| db.datoms(Order::Eavt, &[])).map(told));
        push(
            &format!("as of {t}: q"),
            earlier().and_then(|db| db.q(QUESTIONS[0], &[])).map(|answer| number_of(&sorted(&answer.to_edn()))),
        );
    }
    push("now", db.datoms(Order::Eavt, &[]).map(told));
    push("history", db.history().datoms(Order::Eavt, &[]).map(told));
    push("since", db.since(annals::Moment::T(20)).and_then(|db| db.datoms(Order::Eavt, &[])).map(told));
    push("transactions", db.tx_range(..).map(|all| number_of(&format!("{all:?}"))));
    for name in ["n0", "n6", "long 9"] {
        let pulled = db.q("[:find (pull ?e [*]) :in $ ?name :where [?e :item/name ?name]]", &[Value::from(name).into()]);
        push(&format!("pull {name}"), pulled.map(|answer| number_of(&answer.to_edn())));
    }
    push("states", contract::state::list(db, None).map(|states| number_of(&format!("{states:?}"))));
    push("state", contract::state::history(db, "app", "key0").map(|changes| number_of(&format!("{changes:?}"))));
    let runs = contract::runs(db, &RunFilter::default());
    if let Ok(runs) = &runs {
        for run in runs.iter().take(3) {
            let lines = contract::logs(db, run, &LogFilter::default());
            push(&format!("lines of {}", run.id), lines.map(|lines| number_of(&format!("{lines:?}"))));
        }
    }
    push("runs", runs.map(|runs| number_of(&format!("{runs:?}"))));
    answers
}

/// A relation has no order.
fn sorted(edn: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = edn.lines().collect();
    lines.sort_unstable();
    lines
}
