//! What does it cost to ask a question again? The same questions as text that is new each time (read, checked, ordered), as text that
//! was asked before, and prepared; and what reading, checking and the rest take by themselves. Prints medians in microseconds;
//! `cargo bench --bench preparing`. Fails where a new text costs over 60 microseconds more than a prepared query.

use std::time::Instant;

use annals::query::ast::RuleSet;
use annals::query::{check, parse};
use annals::{Connection, Db, Input, Value};

const PEOPLE: usize = 2_000;
const ROUNDS: usize = 2_001;
const LIMIT_MORE_US: f64 = 60.0;

const QUESTIONS: [(&str, &str); 6] = [
    ("point", r"[:find ?a . :in $ ?name :where [?e :person/name ?name] [?e :person/age ?a]]"),
    ("three clauses", r"[:find ?f ?a :in $ ?name :where [?e :person/name ?name] [?e :person/friend ?f] [?f :person/age ?a]]"),
    (
        "predicates, or, not",
        r#"[:find ?f :in $ ?name :where [?e :person/name ?name] [?e :person/friend ?f] [?f :person/age ?a] [(< 3 ?a)]
            (or [?f :person/sex :female] [?f :person/age 5]) (not [?f :person/name "n3"])]"#,
    ),
    (
        "ten clauses",
        r"[:find ?z :in $ ?name :where [?e :person/name ?name] [?e :person/friend ?b] [?b :person/friend ?c] [?c :person/friend ?d]
            [?d :person/friend ?f] [?f :person/friend ?g] [?g :person/friend ?h] [?h :person/friend ?i] [?i :person/friend ?j]
            [?j :person/age ?z]]",
    ),
    (
        "pull",
        r"[:find (pull ?f [:person/name {:person/friend [:person/age]}]) . :in $ ?name :where [?e :person/name ?name] [?e :person/friend ?f]]",
    ),
    ("aggregate", r"[:find ?s (count ?e) :in $ ?name :where [?x :person/name ?name] [?x :person/friend ?e] [?e :person/sex ?s]]"),
];

fn people() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = Connection::open(folder.path().join("people.db")).expect("a store");
    connection
        .transact(
            "[{:db/ident :person/name :db/valueType :db.type/string :db/unique :db.unique/identity}
              {:db/ident :person/friend :db/valueType :db.type/ref}]",
        )
        .expect("a declaration");
    let person = |n: usize| {
        let (sex, friend) = (["male", "female"][n % 2], (n * 7 + 1) % PEOPLE);
        format!(
            "{{:db/id \"p{n}\" :person/name \"n{n}\" :person/age {} :person/sex :{sex} :person/friend \"p{friend}\"}}",
            n % 90
        )
    };
    connection.transact(&format!("[{}]", (0..PEOPLE).map(person).collect::<String>())).expect("the people are right");
    (folder, connection)
}

fn median(mut run: impl FnMut(usize)) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|round| {
            let start = Instant::now();
            run(round);
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn ask(db: &Db, text: &str, round: usize) {
    db.q(text, &[name(round)]).expect("the question is right");
}

fn name(round: usize) -> Input {
    Value::from(format!("n{}", round % PEOPLE)).into()
}

fn main() {
    let (_folder, connection) = people();
    let db = connection.db().expect("a value of the store");
    println!("| question | new text us | text known us | prepared us | new over prepared us | reading us | checking us |");
    println!("|---|---|---|---|---|---|---|");
    let mut missed = 0;
    for (label, text) in QUESTIONS {
        ask(&db, text, 0);
        let prepared = db.prepare(text).expect("the question is right");
        let known = median(|round| ask(&db, text, round));
        // A blank more each time makes it a text that nobody asked before.
        let texts: Vec<String> = (0..ROUNDS).map(|round| format!("{text}{}", " ".repeat(round + 1))).collect();
        let new = median(|round| ask(&db, &texts[round], round));
        let again = median(|round| {
            prepared.q(&db, &[name(round)]).expect("the question is right");
        });
        let reading = median(|_| {
            std::hint::black_box(parse::query(text).expect("the question is right"));
        });
        let query = parse::query(text).expect("the question is right");
        let queries = std::cell::RefCell::new(vec![query; ROUNDS]);
        let checking = median(|_| {
            let query = queries.borrow_mut().pop().expect("one a round");
            std::hint::black_box(check::check(query, RuleSet::default()).expect("the question is right"));
        });
        missed += usize::from(new - again > LIMIT_MORE_US);
        println!("| {label} | {new:.1} | {known:.1} | {again:.1} | {:.1} | {reading:.1} | {checking:.1} |", new - again);
    }
    assert_eq!(missed, 0, "a new text costs over {LIMIT_MORE_US} us more than a prepared query");
}
