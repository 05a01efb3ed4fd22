//! mentatdb, in memory: people from a file, each question asked in rounds, a line of JSON for each. Its attributes have namespaces.

use std::time::Instant;

use mentat::{QueryResults, Queryable, Store};
use serde_json::{Value, json};

const SCHEMA: &str = "[{:db/ident :p/name :db/valueType :db.type/string :db/cardinality :db.cardinality/one :db/index true}
    {:db/ident :p/last-name :db/valueType :db.type/string :db/cardinality :db.cardinality/one :db/index true}
    {:db/ident :p/sex :db/valueType :db.type/keyword :db/cardinality :db.cardinality/one :db/index true}
    {:db/ident :p/age :db/valueType :db.type/long :db/cardinality :db.cardinality/one :db/index true}
    {:db/ident :p/salary :db/valueType :db.type/long :db/cardinality :db.cardinality/one :db/index true}
    {:db/ident :p/code :db/valueType :db.type/string :db/cardinality :db.cardinality/one :db/unique :db.unique/identity :db/index true}]";

fn main() {
    let path = std::env::args().nth(1).expect("the file with people and questions");
    let work: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("the file is there")).expect("the file is JSON");
    let mut store = Store::open("").expect("a store in memory");
    store.transact(SCHEMA).expect("the schema is right");
    for people in work["people"].as_array().expect("people").chunks(2_000) {
        let maps: String = people
            .iter()
            .map(|person| {
                let [name, last_name, sex, age, salary, code] = [0, 1, 2, 3, 4, 5].map(|at| &person[at]);
                let sex = sex.as_str().expect("a word");
                format!("{{:p/name {name} :p/last-name {last_name} :p/sex :s/{sex} :p/age {age} :p/salary {salary} :p/code {code}}}")
            })
            .collect();
        store.transact(&format!("[{maps}]")).expect("the people are right");
    }
    let rounds = work["rounds"].as_u64().expect("a number") as usize;
    for question in work["questions"].as_array().expect("questions") {
        println!("{}", answer(&store, question, rounds));
    }
}

fn answer(store: &Store, question: &Value, rounds: usize) -> Value {
    let query = with_namespaces(question["datalog"].as_str().expect("a text"), question["input"].as_str());
    let mut times = Vec::new();
    let mut rows = 0;
    let begin = Instant::now();
    for turn in 0..rounds + 3 {
        // A question that takes long is asked less often.
        if turn > 0 && begin.elapsed().as_secs() >= 3 {
            break;
        }
        let start = Instant::now();
        match store.q_once(&query, None) {
            Ok(found) => rows = count(&found.results),
            Err(error) => return json!({ "name": question["name"], "error": error.to_string().lines().next() }),
        }
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let mut times = times.split_off(3.min(times.len() - 1));
    times.sort_by(f64::total_cmp);
    json!({ "name": question["name"], "ms": times[times.len() / 2], "rows": rows })
}

fn count(results: &QueryResults) -> usize {
    match results {
        QueryResults::Scalar(found) => usize::from(found.is_some()),
        QueryResults::Tuple(found) => usize::from(found.is_some()),
        QueryResults::Coll(found) => found.len(),
        QueryResults::Rel(found) => found.row_count(),
    }
}

/// The question with this engine's names, and its input as a constant.
fn with_namespaces(text: &str, input: Option<&str>) -> String {
    let mut text = text.to_owned();
    for name in ["name", "last-name", "sex", "age", "salary", "code"] {
        text = text.replace(&format!(" :{name} "), &format!(" :p/{name} "));
    }
    for sex in ["male", "female"] {
        text = text.replace(&format!(" :{sex}]"), &format!(" :s/{sex}]"));
    }
    if let Some(input) = input {
        text = text.replace(":in $ ?code ", "").replace("?code", &format!("{input:?}"));
    }
    text
}
