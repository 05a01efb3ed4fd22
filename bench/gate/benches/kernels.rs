//! The kernels whose instructions are counted. What stands in a `setup` is not counted; a query is asked twice before, so that columns
//! and orders are there, and commits follow a hundred others.

use annals::contract::{Level, Line, Recorder, RunOptions};
use annals::query::edn;
use annals::store::{Durability, Record};
use annals::transact::{EntityTerm, TxData, ValueTerm};
use annals::{Connection, Datom, Db, Input, Options, Prepared, Tuning, Value};
use gungraun::{library_benchmark, library_benchmark_group, main};
use tempfile::TempDir;

const Q1: &str = r#"[:find ?e :where [?e :name "Ivan"]]"#;
const Q4: &str = r#"[:find ?e ?l ?a :where [?e :name "Ivan"] [?e :last-name ?l] [?e :age ?a] [?e :sex :male]]"#;
const QGROUP: &str = "[:find ?x (avg ?s) (count ?e) :where [?e :sex ?x] [?e :salary ?s]]";
const QOR: &str = r#"[:find ?e :where (or [?e :name "Ivan"] [?e :age 10])]"#;
const SMALL_JOIN: &str = r#"[:find ?a ?b :where [?a :name "Ivan"] [?a :last-name ?l] [?a :age 30]
                                           [?b :name "Oleg"] [?b :last-name ?l] [?b :age 30]]"#;
const VALUE_JOIN: &str = r#"[:find ?a ?b :where [?a :name "Ivan"] [?a :age ?x] [?b :age ?x] [?b :name "Oleg"]]"#;
const POINT: &str = "[:find ?a . :in $ ?code :where [?e :code ?code] [?e :age ?a]]";
const PULL: &str = "[:find (pull ?e [:name :age {:friend [:name]}]) :where [?e :salary ?s] [(< ?s 50000)]]";
const CLOSURE: &str = "[:find ?x ?y :in $ % :where (tc ?x ?y)]";
const REACHED: &str = "[:find ?y :in $ % ?from :where (tc ?from ?y)]";
const RULES: &str = "[[(tc ?x ?y) [?x :edge ?y]] [(tc ?x ?y) (tc ?x ?z) [?z :edge ?y]]]";
const MESSAGE: &str = "   Compiling annals-query v0.1.0, features: default, 74 bytes a line or so";

/// A store, a value of it, and a question that was asked before.
struct Asked {
    _folder: TempDir,
    connection: Connection,
    db: Db,
    prepared: Prepared,
    inputs: Vec<Input>,
}

impl Asked {
    fn of(folder: TempDir, connection: Connection, text: &str, inputs: Vec<Input>) -> Self {
        let db = connection.db().expect("a value of the store");
        let prepared = db.prepare(text).expect("the question is right");
        let asked = Self { _folder: folder, connection, db, prepared, inputs };
        asked.rows();
        asked.rows();
        asked
    }

    fn rows(&self) -> usize {
        self.prepared.q(&self.db, &self.inputs).expect("the question is right").rows.len()
    }
}

fn store(tuning: Tuning) -> (TempDir, Connection) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Options { durability: Durability::Normal, tuning, ..Options::default() };
    let connection = Connection::open_with(folder.path().join("kernel.db"), options).expect("a store");
    (folder, connection)
}

/// 2,000 people with seven facts each.
fn people_in(tuning: Tuning) -> (TempDir, Connection) {
    let (folder, connection) = store(tuning);
    let mut data = TxData::new();
    let declared = "[{:db/ident :friend :db/valueType :db.type/ref}
                     {:db/ident :code :db/valueType :db.type/string :db/unique :db.unique/identity}]";
    connection.transact(declared).expect("the declarations are right");
    let people: Vec<EntityTerm> = (0..2_000).map(|_| data.fresh()).collect();
    for (at, person) in people.iter().enumerate() {
        let drawn = |salt: usize, end: usize| (at * 7_919 + salt * 104_729) % 99_991 % end;
        let name = ["Ivan", "Petr", "Sergei", "Oleg", "Yuri", "Dmitry", "Fedor", "Denis"][drawn(1, 8)];
        let last_name = ["Ivanov", "Petrov", "Sidorov", "Kovalev", "Kuznetsov", "Voronoi"][drawn(2, 6)];
        let facts: [(&str, Value); 6] = [
            ("name", name.into()),
            ("last-name", last_name.into()),
            ("sex", Value::keyword(["male", "female"][drawn(3, 2)])),
            ("age", (drawn(4, 100) as i64).into()),
            ("salary", (drawn(5, 99_991) as i64).into()),
            ("code", format!("P{at:04}").as_str().into()),
        ];
        for (attribute, value) in facts {
            data.add(person.clone(), attribute, ValueTerm::Value(value));
        }
        data.add(person.clone(), "friend", ValueTerm::Entity(people[drawn(6, 2_000)].clone()));
    }
    connection.transact_data(&data).expect("the people are right");
    (folder, connection)
}

/// What was built is let go of before anything is asked: else the kernel would count the allocator's tidying up.
fn people(text: &str) -> Asked {
    let (folder, connection) = people_in(Tuning::default());
    Asked::of(folder, connection, text, Vec::new())
}

/// A point that no column holds, asked before with this code and now with that one: read from the store, or kept if they are the same.
fn point((before, now): (&str, &str)) -> Asked {
    let (folder, connection) = people_in(Tuning { eager_datoms: 0, point_share: 0, ..Tuning::default() });
    let asked = Asked::of(folder, connection, POINT, vec![before.into()]);
    Asked { inputs: vec![now.into()], ..asked }
}

/// Edges in a chain, and the entity of the first node.
fn chain_of(edges: usize) -> (TempDir, Connection, i64) {
    let (folder, connection) = store(Tuning::default());
    connection.transact("[{:db/ident :edge :db/valueType :db.type/ref}]").expect("the declaration is right");
    let mut data = TxData::new();
    let nodes: Vec<EntityTerm> = (0..=edges).map(|_| data.fresh()).collect();
    for node in &nodes {
        data.add(node.clone(), "is-node", ValueTerm::Value(true.into()));
    }
    for pair in nodes.windows(2) {
        data.add(pair[0].clone(), "edge", ValueTerm::Entity(pair[1].clone()));
    }
    let report = connection.transact_data(&data).expect("the edges are right");
    (folder, connection, report.id_of(&nodes[0]).expect("the node has an entity"))
}

/// A chain of so many edges; with `REACHED`, from its first node.
fn chain((edges, text): (usize, &str)) -> Asked {
    let (folder, connection, first) = chain_of(edges);
    let mut inputs: Vec<Input> = vec![RULES.into()];
    if text == REACHED {
        inputs.push(Value::Ref(first).into());
    }
    Asked::of(folder, connection, text, inputs)
}

#[library_benchmark]
#[bench::q1(args = (Q1,), setup = people)]
#[bench::q4(args = (Q4,), setup = people)]
#[bench::qgroup(args = (QGROUP,), setup = people)]
#[bench::qor(args = (QOR,), setup = people)]
#[bench::small_join(args = (SMALL_JOIN,), setup = people)]
#[bench::value_join(args = (VALUE_JOIN,), setup = people)]
#[bench::point_kept(args = (("P0777", "P0777"),), setup = point)]
#[bench::point_read(args = (("P0777", "P0778"),), setup = point)]
#[bench::pull_1000(args = (PULL,), setup = people)]
#[bench::closure_chain100(args = ((100, CLOSURE),), setup = chain)]
#[bench::reach_chain1000(args = ((1_000, REACHED),), setup = chain)]
fn ask(asked: Asked) -> (Asked, usize) {
    let rows = asked.rows();
    (asked, rows)
}

// Read, checked and ordered anew: the text was not asked before.
#[library_benchmark]
#[bench::q4(args = (Q4,), setup = people)]
fn ask_new_text(asked: Asked) -> (Asked, usize) {
    let text = r#" [:find ?e ?l ?a :where [?e :name "Ivan"] [?e :last-name ?l] [?e :age ?a] [?e :sex :male]]"#;
    let rows = asked.db.q(text, &[]).expect("the question is right").rows.len();
    (asked, rows)
}

// The newest value, when nobody wrote since the one before.
#[library_benchmark]
#[bench::again(args = (Q1,), setup = people)]
fn take_db(asked: Asked) -> (Asked, Db) {
    let db = asked.connection.db().expect("a value of the store");
    (asked, db)
}

struct Recording {
    _folder: TempDir,
    recorder: Recorder,
    lines: Vec<Line>,
}

fn recording(lines: usize) -> Recording {
    let (folder, connection) = store(Tuning::default());
    let mut recorder = Recorder::start(&connection, RunOptions::default()).expect("a run begins");
    let lines: Vec<Line> = (0..lines).map(|_| Line::new(Level::Info, MESSAGE)).collect();
    for _ in 0..100 {
        recorder.append_batch(&lines).expect("lines go in");
    }
    Recording { _folder: folder, recorder, lines }
}

#[library_benchmark]
#[bench::one_line(args = (1,), setup = recording)]
#[bench::hundred_lines(args = (100,), setup = recording)]
fn commit(mut recording: Recording) -> Recording {
    recording.recorder.append_batch(&recording.lines).expect("lines go in");
    recording
}

fn record(_: usize) -> Record {
    let datom =
        |at: i64| Datom { e: 1_000 + at / 5, a: 130 + at % 5, v: format!("value {at}").as_str().into(), t: 7, added: true, m: 9 };
    Record { t: 7, instant: 1_000, datoms: (0..1_000).map(datom).collect() }
}

#[library_benchmark]
#[bench::of_1000(args = (0,), setup = record)]
fn encode_record(record: Record) -> (Vec<u8>, Record) {
    (record.encode().expect("the record is right"), record)
}

fn text(bytes: usize) -> String {
    let mut text = String::from("[");
    for at in 0.. {
        text += &format!("{{:person/name \"Ivan {at}\" :person/age {at} :person/tags #{{:a :b}} :person/rate {at}.5}}\n");
        if text.len() >= bytes {
            break;
        }
    }
    text + "]"
}

#[library_benchmark]
#[bench::of_100_kilobytes(args = (100_000,), setup = text)]
fn read_edn(text: String) -> (Value, String) {
    (edn::read(&text).expect("the text is right"), text)
}

library_benchmark_group!(name = kernels, benchmarks = [ask, ask_new_text, take_db, commit, encode_record, read_edn]);
main!(library_benchmark_groups = kernels);
