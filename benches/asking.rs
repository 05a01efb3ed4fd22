//! How fast are questions? 100,000 facts about 20,000 people, each question beside SQLite on a wide table with covering
//! indexes made for it, in one process. Prints medians in milliseconds and the ratio; `cargo bench --bench asking`.

use std::fmt::Write as _;
use std::time::Instant;

use annals::Connection;

const PEOPLE: usize = 20_000;
const ROUNDS: usize = 31;
const NAMES: [&str; 8] = ["Ivan", "Petr", "Sergei", "Oleg", "Yuri", "Dmitry", "Fedor", "Denis"];
const LAST_NAMES: [&str; 6] = ["Ivanov", "Petrov", "Sidorov", "Kovalev", "Kuznetsov", "Voronoi"];

/// A question in Datalog, the same in SQL, and how long it may take, in milliseconds.
struct Question {
    name: &'static str,
    datalog: &'static str,
    sql: &'static str,
    limit_ms: f64,
}

const QUESTIONS: &[Question] = &[
    Question {
        name: "q1 name =",
        datalog: r#"[:find ?e :where [?e :name "Ivan"]]"#,
        sql: "SELECT id FROM person WHERE name='Ivan'",
        limit_ms: 5.0,
    },
    Question {
        name: "q2 + age",
        datalog: r#"[:find ?e ?a :where [?e :name "Ivan"] [?e :age ?a]]"#,
        sql: "SELECT id, age FROM person WHERE name='Ivan'",
        limit_ms: 5.0,
    },
    Question {
        name: "q2 clauses switched",
        datalog: r#"[:find ?e ?a :where [?e :age ?a] [?e :name "Ivan"]]"#,
        sql: "SELECT id, age FROM person WHERE name='Ivan'",
        limit_ms: 5.0,
    },
    Question {
        name: "q3 + sex",
        datalog: r#"[:find ?e ?a :where [?e :name "Ivan"] [?e :age ?a] [?e :sex :male]]"#,
        sql: "SELECT id, age FROM person WHERE name='Ivan' AND sex='male'",
        limit_ms: 5.0,
    },
    Question {
        name: "q4 four clauses",
        datalog: r#"[:find ?e ?l ?a :where [?e :name "Ivan"] [?e :last-name ?l] [?e :age ?a] [?e :sex :male]]"#,
        sql: "SELECT id, last_name, age FROM person WHERE name='Ivan' AND sex='male'",
        limit_ms: 5.0,
    },
    Question {
        name: "qpred salary >",
        datalog: "[:find ?e ?s :where [?e :salary ?s] [(> ?s 50000)]]",
        sql: "SELECT id, salary FROM person WHERE salary > 50000",
        limit_ms: 5.0,
    },
    Question {
        name: "qcount",
        datalog: r#"[:find (count ?e) . :where [?e :name "Ivan"]]"#,
        sql: "SELECT count(*) FROM person WHERE name='Ivan'",
        limit_ms: 5.0,
    },
    Question {
        name: "qgroup avg, count by",
        datalog: "[:find ?x (avg ?s) (count ?e) :where [?e :sex ?x] [?e :salary ?s]]",
        sql: "SELECT sex, avg(salary), count(*) FROM person GROUP BY sex",
        limit_ms: 50.0,
    },
    Question {
        name: "qnot",
        datalog: r#"[:find ?e :where [?e :name "Ivan"] (not [?e :sex :male])]"#,
        sql: "SELECT id FROM person WHERE name='Ivan' AND NOT sex='male'",
        limit_ms: 5.0,
    },
    Question {
        name: "qor",
        datalog: r#"[:find ?e :where (or [?e :name "Ivan"] [?e :age 10])]"#,
        sql: "SELECT id FROM person WHERE name='Ivan' UNION SELECT id FROM person WHERE age=10",
        limit_ms: 5.0,
    },
    Question {
        name: "big value join",
        datalog: r#"[:find ?a ?b :where [?a :name "Ivan"] [?a :salary ?s] [?b :salary ?s] [?b :name "Oleg"]]"#,
        sql: "SELECT a.id, b.id FROM person a JOIN person b ON a.salary = b.salary WHERE a.name='Ivan' AND b.name='Oleg'",
        limit_ms: 50.0,
    },
];

/// Knuth's linear congruential generator: the same people in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

struct Person {
    name: &'static str,
    last_name: &'static str,
    sex: &'static str,
    age: u64,
    salary: u64,
}

fn people() -> Vec<Person> {
    let mut chance = Chance(42);
    let person = |_| Person {
        name: NAMES[chance.below(8) as usize],
        last_name: LAST_NAMES[chance.below(6) as usize],
        sex: ["male", "female"][chance.below(2) as usize],
        age: chance.below(100),
        salary: chance.below(1_200),
    };
    (0..PEOPLE).map(person).map(|person| Person { salary: person.salary * 80, ..person }).collect()
}

fn fill(connection: &Connection, sqlite: &rusqlite::Connection, people: &[Person]) {
    for (block, chunk) in people.chunks(1_000).enumerate() {
        let mut text = String::from("[");
        for Person { name, last_name, sex, age, salary } in chunk {
            write!(text, "{{:name {name:?} :last-name {last_name:?} :sex :{sex} :age {age} :salary {salary}}}")
                .expect("text grows");
        }
        text.push(']');
        connection.transact(&text).expect("the people are right");
        for (at, Person { name, last_name, sex, age, salary }) in chunk.iter().enumerate() {
            sqlite
                .execute(
                    "INSERT INTO person VALUES (?, ?, ?, ?, ?, ?)",
                    rusqlite::params![(block * 1_000 + at) as i64, name, last_name, sex, *age as i64, *salary as i64],
                )
                .expect("the table takes people");
        }
    }
}

fn median(mut run: impl FnMut() -> usize) -> (f64, usize) {
    let mut rows = run();
    let mut times: Vec<f64> = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        rows = run();
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    (times[ROUNDS / 2], rows)
}

fn rows_of(statement: &mut rusqlite::Statement<'_>) -> usize {
    let columns = statement.column_count();
    let mut rows = statement.query([]).expect("the question is right");
    let mut count = 0;
    while let Some(row) = rows.next().expect("a row") {
        for column in 0..columns {
            std::hint::black_box(row.get_ref(column).expect("a value"));
        }
        count += 1;
    }
    count
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = Connection::open(folder.path().join("people.db")).expect("a store");
    let sqlite = rusqlite::Connection::open_in_memory().expect("SQLite in memory");
    sqlite
        .execute_batch(
            "CREATE TABLE person (id INTEGER PRIMARY KEY, name, last_name, sex, age, salary);
             CREATE INDEX by_name ON person (name, sex, age, last_name);
             CREATE INDEX by_name_salary ON person (name, salary);
             CREATE INDEX by_age ON person (age);
             CREATE INDEX by_salary ON person (salary, name);
             CREATE INDEX by_sex ON person (sex, salary);
             BEGIN",
        )
        .expect("the schema is right");
    fill(&connection, &sqlite, &people());
    sqlite.execute_batch("COMMIT; ANALYZE").expect("SQLite commits");
    let db = connection.db().expect("a value of the store");
    println!("| question | rows | Annals ms | SQLite wide, covering indexes ms | ratio | limit ms |");
    println!("|---|---|---|---|---|---|");
    let mut missed = 0;
    for question in QUESTIONS {
        let (ours, rows) = median(|| db.q(question.datalog, &[]).expect("the question is right").rows.len());
        let mut statement = sqlite.prepare(question.sql).expect("the SQL is right");
        let (theirs, _) = median(|| rows_of(&mut statement));
        missed += usize::from(ours > question.limit_ms);
        println!("| {} | {rows} | {ours:.3} | {theirs:.3} | {:.2} | {} |", question.name, ours / theirs, question.limit_ms);
    }
    assert_eq!(missed, 0, "questions took longer than their limit");
}
