//! What does it cost to keep an answer up after one small transaction? In a store of 100,000 people one of them changes, and two
//! watches of the same question, one kept up from what the transaction said and one by asking again, are read in turns. Prints
//! medians in microseconds and their ratio; `bench/run watching` is not one of its tables: `cargo run --profile quick --example watching` in `bench`. `PEOPLE=` is the number of people, `ROUNDS=` of changes.

use std::time::Instant;

use annals::{Connection, Options, Upkeep, Watch, WatchOptions, store::Durability};

const QUESTIONS: [(&str, &str); 6] = [
    ("one attribute, 100,000 rows", "[:find ?p ?state :where [?p :person/state ?state]]"),
    ("two attributes of an entity, 100,000 rows", "[:find ?n ?state :where [?p :person/name ?n] [?p :person/state ?state]]"),
    ("who failed, with a value", "[:find ?n ?a :where [?p :person/state :failed] [?p :person/name ?n] [?p :person/age ?a]]"),
    (
        "a join over a reference, with a predicate",
        "[:find ?n ?m :where [?p :person/state :failed] [?p :person/friend ?f] [?p :person/name ?n] [?f :person/name ?m] [?f :person/age ?a] [(< 80 ?a)]]",
    ),
    ("nothing that was said is read", "[:find ?n ?a :where [?p :person/name ?n] [?p :person/age ?a]]"),
    ("an aggregate: asked again either way", "[:find ?state (count ?p) :where [?p :person/state ?state]]"),
];

const STATES: [&str; 4] = ["waiting", "running", "done", "failed"];

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn people(connection: &Connection, count: usize) -> Vec<i64> {
    let schema = "[{:db/ident :person/name :db/valueType :db.type/string} {:db/ident :person/age :db/valueType :db.type/long}
                   {:db/ident :person/friend :db/valueType :db.type/ref} {:db/ident :person/state :db/valueType :db.type/keyword}]";
    connection.transact(schema).expect("a schema");
    let mut ids = Vec::with_capacity(count);
    for start in (0..count).step_by(5_000) {
        let person = |n: usize| {
            let (age, state) = (n * 31 % 90, STATES[n * 7 % 31 % 4]);
            let friend = if ids.is_empty() { String::new() } else { format!(":person/friend {}", ids[n * 13 % ids.len()]) };
            format!("{{:db/id \"p{n}\" :person/name \"n{n}\" :person/age {age} :person/state :{state} {friend}}}")
        };
        let text: String = (start..count.min(start + 5_000)).map(person).collect();
        let report = connection.transact(&format!("[{text}]")).expect("people");
        ids.extend((start..count.min(start + 5_000)).map(|n| report.tempids[&format!("p{n}")]));
    }
    ids
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// How long a watch takes for what is new, and how many rows changed.
fn read(watch: &mut Watch) -> (f64, usize) {
    let started = Instant::now();
    let change = watch.try_next().expect("no error");
    (started.elapsed().as_secs_f64() * 1e6, change.map_or(0, |change| change.added.len() + change.removed.len()))
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Options { durability: Durability::Normal, ..Options::default() };
    let connection = Connection::open_with(folder.path().join("people.db"), options).expect("a store");
    let ids = people(&connection, number("PEOPLE", 100_000));
    let rounds = number("ROUNDS", 61);
    println!("{} people, {rounds} changes", ids.len());
    println!("| question | from the transaction us | asking again us | ratio | rows changed |\n|---|---|---|---|---|");
    for (question, (name, query)) in QUESTIONS.into_iter().enumerate() {
        let watch = |upkeep| {
            let options = WatchOptions { upkeep, ..WatchOptions::default() };
            let mut watch = connection.watch_with(query, &[], options).expect("a watch");
            watch.try_next().expect("no error");
            watch
        };
        let (mut sparing, mut again) = (watch(Upkeep::Sparing), watch(Upkeep::ByAskingAgain));
        let (mut spared, mut asked, mut changed) = (Vec::new(), Vec::new(), 0);
        for round in 0..rounds {
            let person = ids[round * 7_919 % ids.len()];
            connection
                .transact(&format!("[[:db/add {person} :person/state :{}]]", STATES[(round + question) % 4]))
                .expect("a change");
            let mut take = |is_sparing: bool| {
                let (watch, times) = if is_sparing { (&mut sparing, &mut spared) } else { (&mut again, &mut asked) };
                let (time, rows) = read(watch);
                times.push(time);
                rows
            };
            // In turns, and each as often first.
            let rows = [take(round % 2 == 0), take(round % 2 != 0)];
            assert_eq!(rows[0], rows[1], "both tell the same");
            changed += rows[0];
        }
        let (spared, asked) = (median(spared), median(asked));
        println!("| {name} | {spared:.0} | {asked:.0} | {:.4} | {changed} |", spared / asked);
    }
}
