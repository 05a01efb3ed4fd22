//! What programs do while their disk fails, and what must then be true of what they said and of what they left.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use annals::contract::{LogFilter, Status, find_run, logs};
use annals::{Connection, Db, exchange};

use crate::children;
use crate::place::{Place, Ran};

/// Work for a failing disk.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// The disk before, and inputs beside it.
    prepare: fn(&Place),
    command: fn(&Place, &Place) -> Command,
    /// What is wrong with what the program said and left; the last is what a run without a fault said.
    judge: fn(&Place, &Ran, &Template) -> Result<(), String>,
    /// True if the store may be missing when the program failed.
    begins_without_store: bool,
}

/// The disk as each run finds it, and what the program says where nothing fails.
pub(crate) struct Template {
    pub(crate) workload: &'static Workload,
    pub(crate) place: Place,
    pub(crate) clean: Ran,
}

pub(crate) const ALL: &[Workload] = &[
    Workload { name: "init", prepare: nothing, command: init, judge: made, begins_without_store: true },
    Workload { name: "commits", prepare: transactions, command: transact, judge: committed, begins_without_store: false },
    Workload { name: "state", prepare: store, command: state, judge: put, begins_without_store: false },
    Workload { name: "log", prepare: lines, command: log, judge: logged, begins_without_store: false },
    Workload { name: "run", prepare: store, command: run, judge: recorded, begins_without_store: false },
    Workload { name: "import", prepare: stream, command: import, judge: imported, begins_without_store: false },
    Workload { name: "migration", prepare: older, command: transact, judge: committed, begins_without_store: false },
    Workload { name: "query", prepare: filled, command: query, judge: answered, begins_without_store: false },
    Workload { name: "export", prepare: filled, command: export, judge: answered, begins_without_store: false },
    Workload { name: "verify", prepare: filled, command: verify, judge: answered, begins_without_store: false },
    Workload { name: "handle", prepare: store, command: children::handle, judge: children::refused, begins_without_store: false },
    Workload {
        name: "group",
        prepare: children::wide,
        command: children::group,
        judge: children::together,
        begins_without_store: false,
    },
    Workload {
        name: "columns",
        prepare: children::old_facts,
        command: children::columns,
        judge: children::right,
        begins_without_store: false,
    },
];

/// The control: what it says is not to be believed.
pub(crate) const CARELESS: Workload = Workload {
    name: "careless",
    prepare: store,
    command: children::careless,
    judge: children::refused,
    begins_without_store: false,
};

impl Workload {
    /// Prepares the disk, and runs once without a fault.
    pub(crate) fn template(&'static self) -> Template {
        let place = Place::new();
        (self.prepare)(&place);
        let first = Place::copy(&place);
        let clean = first.run((self.command)(&first, &place), None);
        let template = Template { workload: self, place, clean };
        let is_right = template.clean.error_code().is_none() && template.verdict(&first, &template.clean).is_ok();
        assert!(is_right, "{} without a fault: {:?} {:?}", self.name, template.clean, template.verdict(&first, &template.clean));
        template
    }
}

impl Template {
    /// The command on a fresh copy of the disk.
    pub(crate) fn command(&self, place: &Place) -> Command {
        (self.workload.command)(place, &self.place)
    }

    /// What is wrong with a run and what it left, once the fault is over.
    pub(crate) fn verdict(&self, place: &Place, ran: &Ran) -> Result<(), String> {
        ran.check_manners()?;
        if !ran.is_success() && !ran.has_starved() && self.workload.name != "run" && ran.error_code().is_none() {
            return Err(format!("it failed with {:?} and told no error with a code: {}", ran.code, ran.err));
        }
        if !self.workload.begins_without_store || ran.is_success() {
            crate::whole::check_whole(&place.store())?;
        }
        (self.workload.judge)(place, ran, self)?;
        // A new handle works, without a repair.
        let connection = Connection::open(place.store()).map_err(|error| format!("it does not open again: {error}"))?;
        let report = connection.transact("[{:after/fault true}]").map_err(|error| format!("it takes nothing more: {error}"))?;
        let db = connection.db().and_then(|db| db.q("[:find (count ?e) . :where [?e :after/fault]]", &[]));
        match db {
            Ok(answer) if report.t.is_some() && answer.to_edn() == "1" => Ok(()),
            other => Err(format!("what is written afterwards is not found: {other:?}")),
        }
    }
}

/// A value of the store, whose opening must succeed.
pub(crate) fn now(place: &Place) -> Result<Db, String> {
    Connection::open_read_only(place.store()).and_then(|connection| connection.db()).map_err(|error| error.to_string())
}

fn nothing(_: &Place) {}

fn store(place: &Place) {
    let connection = Connection::open(place.store()).expect("a new store");
    connection.transact("[{:some/fact 1}]").expect("a fact");
}

fn init(place: &Place, _: &Place) -> Command {
    place.annals(&["init"])
}

fn made(place: &Place, ran: &Ran, _: &Template) -> Result<(), String> {
    if ran.is_success() && !place.store().exists() {
        return Err("it said that the store was made, and there is none".to_owned());
    }
    Ok(())
}

/// How many transactions `transactions` asks for; each says two entities and more, all of them or none.
const TRANSACTIONS: i64 = 6;

/// Entities of the largest of them.
const MANY: i64 = 120;

fn entities_of(n: i64) -> i64 {
    if n == 4 { MANY } else { 2 }
}

fn transactions(place: &Place) {
    store(place);
    write_transactions(place);
}

fn write_transactions(place: &Place) {
    let mut text = String::new();
    for n in 1..=TRANSACTIONS {
        let entities: Vec<String> = (0..entities_of(n))
            .map(|e| format!("{{:fault/key \"{n}-{e}\" :fault/n {n} :fault/text \"words of {n} and {e}\"}}"))
            .collect();
        let declared = match n {
            1 => "{:db/ident :fault/key :db/valueType :db.type/string :db/unique :db.unique/identity}",
            // What was said before is indexed now.
            3 => "{:db/ident :fault/text :db/valueType :db.type/string :db/fulltext true} {:db/ident :fault/n :db/index true}",
            _ => "",
        };
        text.extend(["[", declared, " ", &entities.join(" "), "]\n"]);
    }
    fs::write(place.beside("in"), text).expect("a file");
}

fn transact(place: &Place, template: &Place) -> Command {
    place.annals(&["transact", &text_of(&template.beside("in"))])
}

fn text_of(path: &Path) -> String {
    path.to_str().expect("the path is text").to_owned()
}

fn committed(place: &Place, ran: &Ran, _: &Template) -> Result<(), String> {
    let acknowledged = ran.out.lines().count() as i64;
    if ran.is_success() && acknowledged != TRANSACTIONS {
        return Err(format!("it succeeded after {acknowledged} of {TRANSACTIONS} transactions"));
    }
    check_facts(place, acknowledged, acknowledged + i64::from(!ran.is_success()))
}

/// Each transaction is there whole or not at all; the first `least` are, and those after `most` are not.
pub(crate) fn check_facts(place: &Place, least: i64, most: i64) -> Result<(), String> {
    let answer = now(place)?.q("[:find ?n (count ?e) :where [?e :fault/n ?n]]", &[]).map_err(|error| error.to_string())?;
    let found: BTreeMap<i64, i64> = answer.rows.iter().filter_map(|row| Some((row[0].as_long()?, row[1].as_long()?))).collect();
    let half = found.iter().find(|(n, entities)| **entities != entities_of(**n));
    if let Some((n, entities)) = half {
        return Err(format!("of transaction {n} there are {entities} entities of {}", entities_of(*n)));
    }
    if let Some(lost) = (1..=least).find(|n| !found.contains_key(n)) {
        return Err(format!("transaction {lost} was acknowledged, and it is lost: {found:?}"));
    }
    match found.keys().find(|n| **n > most) {
        Some(n) => Err(format!("transaction {n} is there, and nobody was told: {found:?}")),
        None => Ok(()),
    }
}

fn older(place: &Place) {
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-3.db"), place.store()).expect("a copy");
    write_transactions(place);
}

fn state(place: &Place, _: &Place) -> Command {
    place.annals(&["state", "put", "app", "key", "the value"])
}

fn put(place: &Place, ran: &Ran, _: &Template) -> Result<(), String> {
    let found = annals::contract::state::get(&now(place)?, "app", "key").map_err(|error| error.to_string())?;
    match found {
        Some(value) if value == annals::Value::from("the value") => Ok(()),
        None if !ran.is_success() => Ok(()),
        other => Err(format!("the state is {other:?} after exit {:?}", ran.code)),
    }
}

const LINES: usize = 250;

fn lines(place: &Place) {
    store(place);
    fs::write(place.beside("in"), numbered(LINES)).expect("a file");
    let started = place.annals(&["start", "--name", "by hand"]).output().expect("it runs");
    assert!(started.status.success(), "a run begins");
}

fn numbered(count: usize) -> String {
    (1..=count).fold(String::new(), |text, n| text + "line " + &n.to_string() + "\n")
}

fn log(place: &Place, template: &Place) -> Command {
    let mut command = place.annals(&["log", "last", "-"]);
    command.stdin(fs::File::open(template.beside("in")).expect("the lines"));
    command
}

fn logged(place: &Place, ran: &Ran, _: &Template) -> Result<(), String> {
    let found = messages(&now(place)?)?;
    check_lines(&found, if ran.is_success() { LINES } else { 0 })
}

fn messages(db: &Db) -> Result<Vec<String>, String> {
    let run = find_run(db, "last").map_err(|error| error.to_string())?;
    let lines = logs(db, &run, &LogFilter::default()).map_err(|error| error.to_string())?;
    Ok(lines.iter().map(|line| line.message.to_string()).collect())
}

/// Lines from the first on without a gap, at least so many.
fn check_lines(found: &[String], least: usize) -> Result<(), String> {
    let wrong = found.iter().enumerate().find(|(at, line)| **line != format!("line {}", at + 1));
    match wrong {
        Some((at, line)) => Err(format!("line {} is {line:?}", at + 1)),
        None if found.len() < least => Err(format!("{} of {least} lines are there, and nothing was said", found.len())),
        None => Ok(()),
    }
}

const SPOKEN: usize = 60;

fn run(place: &Place, _: &Place) -> Command {
    let script =
        format!("i=0; while [ $i -lt {SPOKEN} ]; do i=$((i+1)); echo line $i; [ $((i%20)) = 0 ] && sleep 0.06; done; exit 7");
    // The program itself has a sound disk and sound memory.
    place.annals(&["run", "--", "env", "-u", "LD_PRELOAD", "sh", "-c", &format!("{script} 2>&1")])
}

/// Exit 7 is success here: `annals run` ends as the program did.
fn recorded(place: &Place, ran: &Ran, _: &Template) -> Result<(), String> {
    let spoken = numbered(SPOKEN);
    let error = ran.error_code();
    if ran.code != Some(7) && ran.out.is_empty() && error.is_some() {
        // It could not be begun, so the program was not started.
        return Ok(());
    }
    if ran.code != Some(7) || ran.out != spoken {
        return Err(format!("exit {:?}, {} bytes of {} passed through: {}", ran.code, ran.out.len(), spoken.len(), ran.err));
    }
    let db = now(place)?;
    check_lines(&messages(&db)?, if error.is_none() { SPOKEN } else { 0 })?;
    let run = find_run(&db, "last").map_err(|error| error.to_string())?;
    let is_ended = run.exit_code == Some(7) && run.status == Some(Status::Failed);
    if error.is_none() && !is_ended { Err(format!("the end of the run is missing: {:?}", run.status)) } else { Ok(()) }
}

/// A history to take in, as a stream.
fn source() -> &'static str {
    static SOURCE: OnceLock<String> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let connection = Connection::open(folder.path().join("source.db")).expect("a store");
        connection.transact("[{:db/ident :item/key :db/unique :db.unique/identity}]").expect("an attribute");
        for n in 0..150 {
            let text = format!("[{{:item/key \"{}\" :item/n {n} :item/tags #{{:a {n}}}}}]", n % 50);
            connection.transact(&text).expect("an item");
        }
        exported(&connection)
    })
}

fn exported(connection: &Connection) -> String {
    let mut bytes = Vec::new();
    connection.db().and_then(|db| exchange::export_datoms(&db, &mut bytes)).expect("an export");
    String::from_utf8(bytes).expect("it is text")
}

fn stream(place: &Place) {
    drop(Connection::open(place.store()).expect("a new store"));
    fs::write(place.beside("in"), source()).expect("a file");
}

fn import(place: &Place, template: &Place) -> Command {
    place.annals(&["import", &text_of(&template.beside("in"))])
}

fn imported(place: &Place, ran: &Ran, _: &Template) -> Result<(), String> {
    let connection = Connection::open(place.store()).map_err(|error| error.to_string())?;
    let whole = |connection: &Connection| exported(connection) == source();
    if ran.is_success() && !whole(&connection) {
        return Err("the import succeeded, and not everything is there".to_owned());
    }
    // What is there is the beginning, so that importing again completes it.
    exchange::import(&connection, &mut source().as_bytes()).map_err(|error| format!("importing again: {error}"))?;
    if whole(&connection) { Ok(()) } else { Err("importing again does not complete it".to_owned()) }
}

fn filled(place: &Place) {
    stream(place);
    let connection = Connection::open(place.store()).expect("the store");
    exchange::import(&connection, &mut source().as_bytes()).expect("an import");
}

fn query(place: &Place, _: &Place) -> Command {
    place.annals(&["q", "[:find ?k ?n :where [?e :item/key ?k] [?e :item/n ?n] :order-by ?k ?n]"])
}

fn export(place: &Place, _: &Place) -> Command {
    place.annals(&["export"])
}

fn verify(place: &Place, _: &Place) -> Command {
    place.annals(&["verify"])
}

/// Success only with the whole answer.
fn answered(_: &Place, ran: &Ran, template: &Template) -> Result<(), String> {
    if ran.is_success() && ran.out != template.clean.out {
        return Err(format!("another answer, and no error: {}", ran.out));
    }
    Ok(())
}
