//! Work that only a program with the library in it can do: it goes on after an error, with the same handle and with a new one.

use std::io::Write as _;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use annals::store::Durability;
use annals::{Connection, Options, TransactionFunctions, Tuning};

use crate::place::{Place, Ran};
use crate::workloads::{Template, check_facts, now};

/// Runs a part of this file in a process of its own, with the faults that this command is given.
fn child(part: &str, place: &Place) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "children::runs_in_a_process_of_its_own", "--nocapture", "--test-threads", "1"]);
    command
        .env("FAULTS_PART", part)
        .env("FAULTS_STORE", place.store())
        .current_dir(place.beside(""))
        .stdin(std::process::Stdio::null());
    command
}

#[test]
fn runs_in_a_process_of_its_own() {
    let (Ok(part), Some(store)) = (std::env::var("FAULTS_PART"), std::env::var_os("FAULTS_STORE")) else { return };
    let store = std::path::PathBuf::from(store);
    let outcome = match part.as_str() {
        "handle" => write_after_an_error(&store),
        "careless" => acknowledge_whatever_comes(&store),
        "group" => commit_together(&store),
        "columns" => ask_columns(&store),
        _ => panic!("there is no part {part}"),
    };
    if let Err(error) = outcome {
        // As the program tells it.
        let told = serde_json::json!({"error": {"code": error.code(), "message": error.message()}});
        let _ = std::io::stderr().write_all(format!("{told}\n").as_bytes());
        std::process::exit(1);
    }
}

/// A line for the one who judges.
fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "said: {}", line.replace('\n', " ")).and_then(|()| out.flush()).expect("somebody listens");
}

fn said(ran: &Ran) -> impl Iterator<Item = &str> {
    ran.out.lines().filter_map(|line| line.split_once("said: ").map(|(_, said)| said))
}

fn pair(n: i64) -> String {
    let entity = |e: i64| format!("{{:fault/key \"{n}-{e}\" :fault/n {n} :fault/text \"words of {n} and {e}\"}}");
    format!("[{} {}]", entity(0), entity(1))
}

const DECLARED: &str = "[{:db/ident :fault/key :db/valueType :db.type/string :db/unique :db.unique/identity}]";

pub(crate) fn handle(place: &Place, _: &Place) -> Command {
    child("handle", place)
}

const PAIRS: [i64; 5] = [1, 2, 3, 5, 6];

fn write_after_an_error(store: &std::path::Path) -> annals::Result<()> {
    let connection = Connection::open(store)?;
    connection.transact(DECLARED)?;
    for n in PAIRS {
        let Err(error) = connection.transact(&pair(n)) else {
            say(&format!("acknowledged {n}"));
            continue;
        };
        say(&format!("failed {}", error.code()));
        let again = connection.transact(&pair(n));
        say(&format!("again {}", again.err().map_or("done", |error| error.code())));
        say(&format!(
            "read {}",
            connection
                .db()
                .and_then(|db| db.q("[:find ?n :where [_ :fault/n ?n]]", &[]))
                .map_or_else(|error| error.code(), |_| "done")
        ));
        let anew = Connection::open(store).and_then(|anew| anew.transact(&pair(n)));
        say(&anew.map_or_else(|error| format!("anew {}", error.code()), |_| format!("acknowledged {n}")));
        return Err(error);
    }
    Ok(())
}

pub(crate) fn careless(place: &Place, _: &Place) -> Command {
    child("careless", place)
}

/// The control: says that everything is done, whatever came of it.
fn acknowledge_whatever_comes(store: &std::path::Path) -> annals::Result<()> {
    let connection = Connection::open(store)?;
    for n in PAIRS {
        let _ = connection.transact(&pair(n));
        say(&format!("acknowledged {n}"));
    }
    Ok(())
}

/// After an error of the disk the handle writes no more, and a new one does.
pub(crate) fn refused(place: &Place, ran: &Ran, _: &Template) -> Result<(), String> {
    let acknowledged: Vec<i64> = said(ran).filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok()).collect();
    let after = |word: &str| said(ran).find_map(|line| line.strip_prefix(word)).map(|code| code.trim().to_owned());
    if ran.is_success() && acknowledged != PAIRS {
        return Err(format!("it succeeded after {acknowledged:?}"));
    }
    if let (Some(failed), Some(again)) = (after("failed"), after("again"))
        && failed.starts_with("store/")
        && again != "store/handle-poisoned"
    {
        return Err(format!("after {failed} the handle wrote on: {again}"));
    }
    let most = acknowledged.last().map_or(1, |last| last + 2).max(1);
    let present = now(place)?.q("[:find [?n ...] :where [_ :fault/n ?n]]", &[]).map_err(|error| error.to_string())?;
    let present: Vec<i64> = present.rows.iter().filter_map(|row| row[0].as_long()).collect();
    if let Some(lost) = acknowledged.iter().find(|n| !present.contains(n)) {
        return Err(format!("{lost} was acknowledged and is lost: {present:?}"));
    }
    check_facts(place, 0, most)
}

/// What the group of `commit_together` reads while it is written: pages that lie apart.
pub(crate) fn wide(place: &Place) {
    let connection = Connection::open(place.store()).expect("a new store");
    connection.transact(DECLARED).expect("an attribute");
    for block in 0..8 {
        let entities: Vec<String> = (0..20)
            .map(|e| format!("{{:fault/key \"{}-{}\" :wide/text \"{}\"}}", block * 20 + e + 100, 0, "far apart ".repeat(40)))
            .collect();
        connection.transact(&format!("[{}]", entities.join(" "))).expect("facts");
    }
}

pub(crate) fn group(place: &Place, _: &Place) -> Command {
    child("group", place)
}

const MEMBERS: usize = 6;

/// While one transaction waits inside its function, others queue behind it, and are then committed together.
fn commit_together(store: &std::path::Path) -> annals::Result<()> {
    let arrived = Arc::new(AtomicUsize::new(0));
    let waiting = Arc::clone(&arrived);
    let hold = move |_: &annals::Db, _: &[annals::Value], data: &mut annals::transact::TxData| {
        while waiting.load(Ordering::Acquire) < MEMBERS {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(5));
        data.add(annals::transact::EntityTerm::temp("h"), "group/held", true);
        Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    };
    let functions = TransactionFunctions::new().with("group/hold", hold)?;
    let connection = Connection::open_with(store, Options { transaction_functions: functions, ..Options::default() })?;
    let begun = Barrier::new(2);
    let outcomes: Vec<annals::Result<()>> = std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            begun.wait();
            connection.transact("[[:group/hold]]").map(|_| ())
        });
        begun.wait();
        std::thread::sleep(Duration::from_millis(2));
        let (connection, arrived) = (&connection, &arrived);
        let members: Vec<_> = (1..=MEMBERS as i64)
            .map(|n| {
                let n = if n >= 4 { n + 1 } else { n };
                scope.spawn(move || {
                    arrived.fetch_add(1, Ordering::Release);
                    // Something known far away is said to be the peer, which has to be read.
                    let far = 100 + n * 19;
                    let text = format!("[{} {{:fault/key \"{far}-0\" :group/n {n}}}]", pair(n).trim_matches(['[', ']']));
                    let report = connection.transact(&text)?;
                    say(&format!("acknowledged {n} {}", report.t.unwrap_or(0)));
                    Ok(())
                })
            })
            .collect();
        let mut outcomes: Vec<annals::Result<()>> = members.into_iter().map(|member| member.join().expect("no panic")).collect();
        // The one who held the others is told of last, so that their errors are seen first.
        outcomes.push(first.join().expect("no panic"));
        outcomes
    });
    outcomes.into_iter().collect()
}

pub(crate) fn together(place: &Place, ran: &Ran, _: &Template) -> Result<(), String> {
    let acknowledged: Vec<i64> =
        said(ran).filter_map(|line| line.strip_prefix("acknowledged ")?.split(' ').next()?.parse().ok()).collect();
    if ran.is_success() && acknowledged.len() != MEMBERS {
        return Err(format!("it succeeded after {acknowledged:?}"));
    }
    let db = now(place)?;
    let members = |query: &str| -> Result<Vec<i64>, String> {
        let answer = db.q(query, &[]).map_err(|error| error.to_string())?;
        Ok(answer.rows.iter().filter_map(|row| row[0].as_long()).collect())
    };
    let (pairs, peers) = (members("[:find ?n :where [_ :fault/n ?n]]")?, members("[:find ?n :where [_ :group/n ?n]]")?);
    if let Some(lost) = acknowledged.iter().find(|n| !pairs.contains(n) || !peers.contains(n)) {
        return Err(format!("{lost} was acknowledged and is lost: {pairs:?} {peers:?}"));
    }
    if pairs.iter().any(|n| !peers.contains(n)) || peers.iter().any(|n| !pairs.contains(n)) {
        return Err(format!("a transaction is there by half: {pairs:?} {peers:?}"));
    }
    check_facts(place, 0, 10)
}

/// Figures with which everything that the log says goes to disk at once, in small blocks and segments.
fn tuning() -> Tuning {
    Tuning {
        eager_datoms: 0,
        point_reads: 0,
        entity_reads: 0,
        disk_datoms: 0,
        disk_tail_datoms: 1,
        disk_chunk_datoms: 60,
        disk_block_rows: 4,
        cache_bytes: 0,
        ..Tuning::default()
    }
}

fn open_tuned(store: &std::path::Path) -> annals::Result<Connection> {
    Connection::open_with(store, Options { tuning: tuning(), durability: Durability::Full, ..Options::default() })
}

pub(crate) fn old_facts(place: &Place) {
    let connection = Connection::open(place.store()).expect("a new store");
    connection.transact(DECLARED).expect("an attribute");
    for n in 1..=12 {
        connection
            .transact(&format!("[{{:old/n {n} :old/square {}}} {{:old/n {n} :old/text \"text {n}\"}}]", n * n))
            .expect("facts");
    }
}

pub(crate) fn columns(place: &Place, _: &Place) -> Command {
    child("columns", place)
}

const QUESTIONS: [&str; 3] = [
    "[:find ?n ?s :where [?e :old/n ?n] [?e :old/square ?s] :order-by ?n]",
    "[:find (sum ?n) (count ?e) :with ?e :where [?e :old/n ?n]]",
    "[:find ?t :where [_ :old/text ?t] :order-by ?t]",
];

/// Asks, which makes columns; says more, asks again, which makes more of them and merges them; with one handle, and another.
fn ask_columns(store: &std::path::Path) -> annals::Result<()> {
    let mut failed = Ok(());
    for round in 0..3 {
        let connection = open_tuned(store)?;
        for question in QUESTIONS {
            let db = connection.db()?;
            match db.q(question, &[]) {
                Ok(answer) => say(&format!("answer {} {question} {}", db.basis_t(), answer.to_edn())),
                Err(error) => failed = Err(error),
            }
        }
        connection.transact(&format!("[{{:old/n {} :old/square 1 :old/text \"later {round}\"}}]", 100 + round))?;
        let db = connection.db()?;
        match db.q(QUESTIONS[0], &[]) {
            Ok(answer) => say(&format!("answer {} {} {}", db.basis_t(), QUESTIONS[0], answer.to_edn())),
            Err(error) => failed = Err(error),
        }
    }
    failed
}

/// Every answer is the one that is given where nothing fails.
pub(crate) fn right(place: &Place, ran: &Ran, template: &Template) -> Result<(), String> {
    let known: Vec<&str> = said(&template.clean).collect();
    if let Some(wrong) = said(ran).find(|line| !known.contains(line)) {
        return Err(format!("a wrong answer: {wrong}"));
    }
    if ran.is_success() && said(ran).count() != known.len() {
        return Err("it succeeded without all answers".to_owned());
    }
    // Whoever asks next is answered from what lies on the disk now.
    let connection = open_tuned(&place.store()).map_err(|error| error.to_string())?;
    let db = connection.db().map_err(|error| error.to_string())?;
    for question in QUESTIONS {
        let answer = db.q(question, &[]).map_err(|error| error.to_string())?;
        let line = format!("answer {} {question} {}", db.basis_t(), answer.to_edn().replace('\n', " "));
        let begin = format!("answer {} {question} ", db.basis_t());
        if known.iter().any(|known| known.starts_with(&begin)) && !known.contains(&line.as_str()) {
            return Err(format!("afterwards a wrong answer: {line}"));
        }
    }
    drop((db, connection));
    crate::whole::check_whole(&place.store())
}
