//! The promise: every limit has a name and stands in one table; what is deeper or larger is refused with its place, soon, on a stack of
//! 2 MiB; a question of a store stops soon after its time is up and within its memory, and the store is as good as before. Attacked
//! with megabytes of brackets through every reader, with each limit at one less, itself and one more, and with questions that would run for
//! hours of stores whose columns are not made yet.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use annals::limits::{
    LIMIT_SEARCH_BYTES, LIMIT_SEARCH_DEPTH, LIMIT_SEARCH_PHRASES, LIMIT_TRANSACTION_DATOMS, LIMIT_TUPLE_LENGTH,
};
use annals::query::limits::{LIMIT_FORM_DEPTH, LIMIT_NESTED_QUERIES};
use annals::query::{Budget, Code, Value, edn, engine, parse};
use annals::transact::TxData;
use annals::{Connection, EntityRef, Error, ErrorKind, Input, Lens, exchange};

const STACK_BYTES: usize = 2 << 20;

/// Processor time beyond what was allowed: the promise, and for builds without optimization twenty times that.
const GRACE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1_000 } else { 50 });

/// Processor time of this thread.
fn worked() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0))
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_limit_stands_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/reference/limits.md")).expect("the page");
    let mut sources = Vec::new();
    files(&root.join("src"), &mut sources);
    files(&root.join("query/src"), &mut sources);
    let mut missing = Vec::new();
    for path in sources {
        let text = std::fs::read_to_string(&path).expect("a source");
        for line in text.lines().map(str::trim_start).filter(|line| line.contains("const LIMIT_")) {
            let name: String = line
                .split("const ")
                .nth(1)
                .unwrap_or_default()
                .chars()
                .take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_')
                .collect();
            let file = path.strip_prefix(root).expect("below the root").display().to_string();
            let stands = page.lines().any(|row| row.contains(&format!("`{name}`")) && row.contains(&file));
            if !stands {
                missing.push(format!("{name} of {file}"));
            }
        }
    }
    assert!(missing.is_empty(), "say in docs/reference/limits.md what these are:\n  {}", missing.join("\n  "));
}

/// A store with three facts.
fn small() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = Connection::open(folder.path().join("annals.db")).expect("a store");
    connection
        .transact("[{:db/ident :p/text :db/fulltext true} {:db/id \"a\" :p/name \"Ada\" :p/text \"one two\"}]")
        .expect("it is taken");
    (folder, connection)
}

/// A reader: its name, and why it refuses a text.
type Reader = (&'static str, fn(&Connection, &str) -> Option<Error>);

fn readers() -> Vec<Reader> {
    vec![
        ("query", |connection, text| connection.db().expect("a view").q(text, &[]).err()),
        ("form", |_, text| edn::read(text).err().map(|error| Error::from(error.located_in(text)))),
        ("rules", |_, text| parse::rules(text).err().map(Error::from)),
        ("lens", |_, text| Lens::read(text).err().map(Error::from)),
        ("transaction", |connection, text| connection.transact(text).err()),
        ("transactions", |_, text| TxData::read_many(text).err()),
        ("pull", |connection, text| connection.db().expect("a view").pull(text, EntityRef::Id(1)).err()),
        ("import of EDN", |connection, text| exchange::import(connection, &mut text.as_bytes()).err()),
        ("import of datoms", |connection, text| {
            exchange::import(connection, &mut format!(";; annals datoms 1\n{text}\n").as_bytes()).err()
        }),
        ("import of JSON", |connection, text| {
            exchange::import(connection, &mut format!("{{\"a\":1}}\n{{\"a\":{text}\n").as_bytes()).err()
        }),
        ("values as inputs", |connection, text| {
            let given = [Input::Value(Value::from(text))];
            let answer = connection.db().expect("a view").q("[:find ?v :in $ ?t :where [(edn ?t) ?v]]", &given);
            answer.err()
        }),
    ]
}

#[test]
fn a_megabyte_that_opens_and_never_closes_is_refused_soon_on_a_small_stack() {
    let attack = || {
        let (_folder, connection) = small();
        for opener in ["[", "(", "{", "#{", "\"", "#_", "#a ", "[{", "'", "\\", ";", "[:find ", "{:a ", "[[:db/add "] {
            let text = opener.repeat((1 << 20) / opener.len());
            for (reader, read) in readers() {
                let before = worked();
                let error = read(&connection, &text);
                let took = worked().saturating_sub(before);
                assert!(took < GRACE, "{reader} took {took:?} for {opener:?}");
                // A comment, and a text without a meaning for a function, are no faults.
                if let Some(error) = &error {
                    assert!(
                        !error.message().is_empty() && error.message().len() < 2_000,
                        "{reader} of {opener:?}: {} bytes",
                        error.message().len()
                    );
                } else {
                    assert!(
                        matches!(opener, ";" | "'") || reader == "values as inputs" || reader.starts_with("import"),
                        "{reader} takes {opener:?}"
                    );
                }
            }
        }
        let error = TxData::read_many(&format!("{} ]", "\"\"".repeat(1 << 19))).expect_err("texts are no transactions");
        let place = error.position().map(|place| (place.line, place.column));
        assert_eq!(
            (error.code(), place),
            ("transaction/syntax", Some((1, 1))),
            "what is wrong first is told, and nothing behind it is read"
        );
        let error = connection.db().expect("a view").q(&"[".repeat(1 << 20), &[]).expect_err("it is too deep");
        assert_eq!(
            (error.code(), error.position().map(|place| place.column as usize)),
            ("edn/limit", Some(LIMIT_FORM_DEPTH + 1))
        );
    };
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(attack).expect("a thread").join().expect("it ends well");
}

#[test]
fn each_limit_holds_at_itself_and_not_at_one_more() {
    #[track_caller]
    fn check(what: &str, limit: usize, code: &str, says: impl Fn(usize) -> Option<Error>) {
        for (count, is_taken) in [(limit - 1, true), (limit, true), (limit + 1, false)] {
            let error = says(count);
            assert_eq!(error.as_ref().is_none(), is_taken, "{what}: {count} of {limit}: {error:?}");
            if let Some(error) = error {
                assert_eq!(error.code(), code, "{what}");
                assert!(error.help().is_some(), "{what}: {error}");
            }
        }
    }
    let (_folder, connection) = small();
    let db = connection.db().expect("a view");
    let search = |text: &str| db.q("[:find ?e :in $ ?s :where [(fulltext $ :p/text ?s) [[?e]]]]", &[Input::from(text)]).err();
    check("depth of a form", LIMIT_FORM_DEPTH, "edn/limit", |count| {
        edn::read(&("[".repeat(count) + &"]".repeat(count))).err().map(Error::from)
    });
    check("values in a tuple", LIMIT_TUPLE_LENGTH, "transaction/limit", |count| {
        db.with(&format!("[{{:p/pair [{}]}}]", "1 ".repeat(count))).err()
    });
    check("datoms of a transaction", LIMIT_TRANSACTION_DATOMS, "transaction/limit", |count| {
        let mut data = TxData::with_capacity(count);
        // One datom says when.
        for _ in 1..count {
            let entity = data.fresh();
            data.add(entity, "p/name", "Ada");
        }
        db.with_data(&data).err()
    });
    check("bytes of a search", LIMIT_SEARCH_BYTES, "query/search", |count| search(&"a".repeat(count)));
    check("words of a search", LIMIT_SEARCH_PHRASES, "query/search", |count| search(&"a ".repeat(count)));
    check("depth of a search", LIMIT_SEARCH_DEPTH, "query/search", |count| {
        search(&("(".repeat(count) + "a" + &")".repeat(count)))
    });
    let nested = |count: usize| {
        let inner = (1..count)
            .fold("[:find ?x :where [(ground 1) ?x]]".to_owned(), |inner, _| format!("[:find ?x :where [(q {inner} $) [[?x]]]]"));
        format!("[:find ?x :where [(q {inner} $) [[?x]]]]")
    };
    let most = (1..=LIMIT_NESTED_QUERIES * 2).take_while(|count| db.q(&nested(*count), &[]).is_ok()).last().unwrap_or(0);
    assert!(most.abs_diff(LIMIT_NESTED_QUERIES) <= 1, "{most} queries inside each other are taken");
}

/// Facts of a store whose columns nobody has asked for yet.
const ENTITIES: usize = 12_000;

fn large() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    let connection = Connection::open(&path).expect("a store");
    let maps: Vec<String> =
        (0..ENTITIES).map(|n| format!("{{:n/n {n} :n/text \"text number {n}\" :n/to {}}}", n * 7 % 997)).collect();
    connection.transact(&format!("[{}]", maps.concat())).expect("it is taken");
    (folder, path)
}

/// Questions each of which would run for long.
const QUESTIONS: [&str; 6] = [
    "[:find ?a ?b :where [?a :n/n] [?b :n/n]]",
    "[:find (count ?a) :with ?b ?c :where [?a :n/n] [?b :n/n] [?c :n/n]]",
    "[:find ?s :where [?a :n/text ?x] [?b :n/text ?y] [(str ?x ?y) ?s]]",
    "[:find ?a ?b :where [?a :n/text ?x] [?b :n/text ?y] [(str ?x \".*\") ?p] [(re-find ?p ?y)]]",
    "[:find ?x ?n :in $ % :where (up ?n) [?x :n/n ?n]]",
    "[:find ?e ?a ?v ?f :where [?e ?a ?v] [?f :n/to ?g] [(!= ?e ?f)] :order-by [?v]]",
];
const RULES: &str = "[[(up ?n) [(ground 0) ?n]] [(up ?m) (up ?n) [(inc ?n) ?m]]]";

fn given(question: &str) -> Vec<Input> {
    if question.contains('%') { vec![Input::Value(RULES.into())] } else { Vec::new() }
}

fn ask(connection: &Connection, question: &str, budget: &Budget) -> Option<Error> {
    let given = given(question);
    connection.db().expect("a view").q_within(question, &given, engine::Options::default(), budget).err()
}

#[test]
fn a_question_of_a_store_stops_soon_after_its_time_and_the_store_stays_usable() {
    let (_folder, path) = large();
    let deadline = Duration::from_millis(30);
    for question in QUESTIONS {
        // A new connection: columns have to be made first.
        let connection = Connection::open(&path).expect("it opens");
        let before = worked();
        let error = ask(&connection, question, &Budget::default().with_limit_rows(u64::MAX).with_timeout(deadline))
            .expect("it cannot be answered in time");
        let over = worked().saturating_sub(before).saturating_sub(deadline);
        assert!(matches!(error.kind(), ErrorKind::Query(Code::Timeout | Code::LimitExceeded)), "{question}: {error}");
        assert!(over < GRACE, "{over:?} over its time: {question}");
        let answer =
            connection.db().expect("a view").q("[:find (count ?e) . :where [?e :n/n]]", &[]).expect("the store is usable");
        assert_eq!(answer.to_edn(), ENTITIES.to_string());
        connection.transact("[{:n/after true}]").expect("and takes transactions");
    }
}

#[test]
fn what_ends_soon_after_its_time_is_explained_as_far_as_it_came() {
    let (_folder, path) = large();
    let connection = Connection::open(&path).expect("it opens");
    let db = connection.db().expect("a view");
    // The time is to end while rows are found, not before a plan is.
    db.q("[:find (count ?e) . :where [?e :n/n] [?e :n/text] [?e :n/to]]", &[]).expect("columns are made");
    let deadline = Duration::from_millis(100);
    for question in QUESTIONS {
        let before = worked();
        let budget = Budget::default().with_limit_rows(u64::MAX).with_timeout(deadline);
        let explanation = db.explain_within(question, &given(question), engine::Options::default(), &budget).expect("explained");
        let over = worked().saturating_sub(before).saturating_sub(deadline);
        let stopped = explanation.stopped.expect("it cannot be answered in time");
        assert!(["query/timeout", "query/limit-exceeded"].contains(&stopped.code), "{question}: {}", stopped.message);
        assert!(over < GRACE, "{over:?} over its time: {question}");
    }
}

const LIMIT_BYTES: u64 = 192 << 20;

fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) << 10
}

/// Runs in a process of its own, whose memory is that of one question.
#[test]
fn memory_of_one_question() {
    let (Ok(path), Ok(at)) = (std::env::var("LIMITS_STORE"), std::env::var("LIMITS_QUESTION")) else { return };
    let connection = Connection::open(path).expect("it opens");
    connection
        .db()
        .and_then(|db| db.q("[:find (count ?e) . :where [?e :n/n] [?e :n/text] [?e :n/to]]", &[]))
        .expect("columns are made");
    let before = peak_bytes();
    let question = QUESTIONS[at.parse::<usize>().expect("a number")];
    let error = ask(
        &connection,
        question,
        &Budget::default().with_limit_rows(u64::MAX).with_limit_bytes(LIMIT_BYTES).with_timeout(Duration::from_secs(5)),
    );
    let code = error.map_or_else(String::new, |error| error.code().to_owned());
    println!("told {} {code} told", peak_bytes().saturating_sub(before));
}

#[test]
fn a_question_stays_within_its_memory() {
    let (_folder, path) = large();
    for (at, question) in QUESTIONS.iter().enumerate() {
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command
            .args(["memory_of_one_question", "--exact", "--nocapture"])
            .env("LIMITS_STORE", &path)
            .env("LIMITS_QUESTION", at.to_string());
        let output = command.output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let told =
            said.split("told ").nth(1).unwrap_or_else(|| panic!("{question}: {said}{}", String::from_utf8_lossy(&output.stderr)));
        let taken: u64 = told.split(' ').next().and_then(|bytes| bytes.parse().ok()).expect("a number");
        println!("{} of {} MiB, {told}: {question}", taken >> 20, LIMIT_BYTES >> 20);
        assert!(taken <= LIMIT_BYTES + LIMIT_BYTES / 10, "{} of {} MiB: {question}", taken >> 20, LIMIT_BYTES >> 20);
    }
}
