//! What does one small question cost? A store of 20,000 people and 2,000 keys with versions is asked the same prepared questions again
//! and again; prints microseconds of the processor's time for each, the median of several rounds. `cargo run --profile quick --example asking`
//! in `bench`; `ONLY=` is a name or a part of some, `ASKS=` the questions of a round, `ROUNDS=` their number: with `ROUNDS=1 ONLY=point` and two
//! values of `ASKS`, `perf stat -e instructions:u` tells the instructions of one. `SMALL_ALONE=1` leaves out what the same takes by columns;
//! with `NEVER_MOVED=1` nothing moves into memory, so that each point is read from the store.

use annals::query::Budget;
use annals::query::engine::{self, Way};
use annals::store::Durability;
use annals::{Connection, Db, Input, Options, Tuning, Value};

/// A name, a query, and what is given for it.
type Question = (&'static str, &'static str, Vec<Input>);

fn questions() -> Vec<Question> {
    let state = Value::from(vec![Value::keyword("state/id"), Value::from(vec!["bench".into(), Value::from("key-432")])]);
    let person = Value::from(vec![Value::keyword("code"), Value::from("P777")]);
    let code = || vec![Value::from("P777").into()];
    vec![
        ("point", "[:find ?n :in $ ?code :where [?e :code ?code] [?e :name ?n]]", code()),
        (
            "point, three facts",
            "[:find ?n ?a ?s :in $ ?code :where [?e :code ?code] [?e :name ?n] [?e :age ?a] [?e :salary ?s]]",
            code(),
        ),
        ("point, friend's name", "[:find ?n :in $ ?code :where [?e :code ?code] [?e :friend ?f] [?f :name ?n]]", code()),
        ("point, predicate", "[:find ?n :in $ ?code :where [?e :code ?code] [?e :name ?n] [?e :age ?a] [(< ?a 1000)]]", code()),
        (
            "point, get-else",
            "[:find ?n ?x :in $ ?code :where [?e :code ?code] [?e :name ?n] [(get-else $ ?e :nick \"none\") ?x]]",
            code(),
        ),
        ("point, pull", "[:find (pull ?e [:name :age]) :in $ ?code :where [?e :code ?code]]", code()),
        ("point, pull all", "[:find (pull ?e [*]) :in $ ?code :where [?e :code ?code]]", code()),
        ("point by reference", "[:find ?n . :in $ ?e :where [?e :name ?n]]", vec![person.into()]),
        (
            "rule",
            "[:find ?n :in $ % ?code :where [?e :code ?code] (friend ?e ?f) [?f :name ?n]]",
            vec![Value::from("[[(friend ?a ?b) [?a :friend ?b]]]").into(), Value::from("P777").into()],
        ),
        ("twenty rows", "[:find ?e ?n :where [?e :salary 919] [?e :name ?n]]", Vec::new()),
        ("state by identity", "[:find ?value . :in $ ?state :where [?state :state/value ?value]]", vec![state.into()]),
        (
            "state by key",
            "[:find ?value . :in $ ?key :where [?s :state/namespace \"bench\"] [?s :state/key ?key] [?s :state/value ?value]]",
            vec![Value::from("key-432").into()],
        ),
        ("q4", "[:find ?e ?l ?a :where [?e :name \"Name1\"] [?e :last-name ?l] [?e :age ?a] [?e :sex :male]]", Vec::new()),
        (
            "value join",
            "[:find ?a ?b :where [?a :name \"Name1\"] [?a :last-name ?l] [?a :age 33] [?b :name \"Name4\"] [?b :last-name ?l] [?b :age 36]]",
            Vec::new(),
        ),
    ]
}

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn tell(connection: &Connection) {
    let schema = "[{:db/ident :code :db/valueType :db.type/string :db/unique :db.unique/identity} {:db/ident :friend :db/valueType :db.type/ref} {:db/ident :nick :db/valueType :db.type/string}
                   {:db/ident :name :db/valueType :db.type/string}]";
    connection.transact(schema).expect("a schema");
    let count = 20_000;
    for start in (0..count).step_by(5_000) {
        let person = |n: usize| {
            let friend = start + (n + 1) % 5_000;
            format!(
                "{{:db/id \"p{n}\" :code \"P{n}\" :name \"Name{}\" :last-name \"Last{}\" :sex {} :age {} :salary {} :friend \"p{friend}\"}}",
                n % 8,
                n * 31 % 6,
                if (n * 7).is_multiple_of(3) { ":male" } else { ":female" },
                n * 13 % 100,
                n * 7_919 % 1_000
            )
        };
        let text: String = (start..start + 5_000).map(person).collect();
        connection.transact(&format!("[{text}]")).expect("people");
    }
    for version in 0..50 {
        let state = |n: usize| format!("{{:state/namespace \"bench\" :state/key \"key-{n}\" :state/value \"{version}\"}}");
        connection.transact(&format!("[{}]", (0..1_000).map(state).collect::<String>())).expect("states");
    }
}

fn microseconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The median of rounds, of what one of many takes.
fn took(mut once: impl FnMut()) -> f64 {
    let (asks, rounds) = (number("ASKS", 2_000), number("ROUNDS", 9));
    let round = |_| {
        let started = microseconds();
        (0..asks).for_each(|_| once());
        (microseconds() - started) / asks as f64
    };
    median((0..rounds).map(round).collect())
}

fn ask(db: &Db, (name, text, inputs): &Question) {
    let prepared = db.prepare(text).expect("the question is right");
    let rows = prepared.q_table(db, inputs).expect("the question is right").len();
    let ask = |small| {
        let tuning = engine::Tuning { small, ..engine::Tuning::default() };
        let options = engine::Options { tuning, ..engine::Options::default() };
        drop(prepared.q_table_within(db, inputs, options, &Budget::default()));
    };
    let is_small_alone = std::env::var_os("SMALL_ALONE").is_some();
    if !is_small_alone {
        (0..300).for_each(|_| ask(Way::Never));
    }
    (0..300).for_each(|_| ask(Way::Chosen));
    let small = took(|| ask(Way::Chosen));
    if is_small_alone {
        return println!("| {name} | {rows} | {small:.3} | |");
    }
    println!("| {name} | {rows} | {small:.2} | {:.2} |", took(|| ask(Way::Never)));
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let never_moved = Tuning { point_share: 0, eager_datoms: 0, ..Tuning::default() };
    let tuning = if std::env::var_os("NEVER_MOVED").is_some() { never_moved } else { Tuning::default() };
    let options = Options { durability: Durability::Normal, tuning, ..Options::default() };
    let connection = Connection::open_with(folder.path().join("people.db"), options).expect("a store");
    tell(&connection);
    let only = std::env::var("ONLY").unwrap_or_default();
    let db = connection.db().expect("a value");
    println!("| question | rows | us | by columns us |\n|---|---|---|---|");
    let past = db.as_of(db.basis_t() - 25).expect("a time in the past");
    let is_one = questions().iter().any(|question| question.0 == only);
    for question in questions().iter().filter(|question| if is_one { question.0 == only } else { question.0.contains(&only) }) {
        ask(&db, question);
        if question.0.starts_with("state") {
            print!("| as of: ");
            ask(&past, question);
        }
    }
    if "taking a value".contains(&only) {
        println!("| taking a value | | {:.3} |", took(|| drop(connection.db())));
    }
    let after_a_commit = "after a commit";
    if after_a_commit.contains(&only) {
        let (_, text, inputs) = questions().swap_remove(0);
        let prepared = db.prepare(text).expect("the question is right");
        let mut n = 0;
        let mut write = || {
            n += 1;
            connection.transact(&format!("[[:db/add [:code \"P778\"] :name \"New{n}\"]]")).expect("a name");
        };
        let alone = took(&mut write);
        let asked = took(|| {
            write();
            prepared.q_table(&connection.db().expect("a value"), &inputs).expect("the question is right");
        });
        println!("| {after_a_commit}: write | | {alone:.2} |\n| write, take and ask | 1 | {asked:.2} |");
    }
}
