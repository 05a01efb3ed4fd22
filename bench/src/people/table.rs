//! The same people in SQLite, in memory: a wide table with indexes made for the questions, and a table of facts.

use rusqlite::{Connection, params};

use super::Person;

/// One row a person, and covering indexes.
pub fn wide(people: &[Person]) -> Connection {
    let connection = memory(
        "CREATE TABLE person (id INTEGER PRIMARY KEY, name, last_name, sex, age, salary, code);
         CREATE INDEX by_name ON person (name, sex, age, last_name);
         CREATE INDEX by_name_salary ON person (name, salary);
         CREATE INDEX by_age ON person (age, name, last_name);
         CREATE INDEX by_last_name ON person (name, age, last_name);
         CREATE INDEX by_salary ON person (salary, name);
         CREATE INDEX by_sex ON person (sex, salary);
         CREATE UNIQUE INDEX by_code ON person (code, age);",
    );
    let mut insert = connection.prepare("INSERT INTO person VALUES (?, ?, ?, ?, ?, ?, ?)").expect("the statement is right");
    for (id, person) in people.iter().enumerate() {
        let Person { name, last_name, sex, age, salary, code } = person;
        insert.execute(params![id as i64, name, last_name, sex, age, salary, code]).expect("the table takes people");
    }
    drop(insert);
    analyzed(connection)
}

/// One row a fact, in the orders EAV and AVE.
pub fn eav(people: &[Person]) -> Connection {
    let connection = memory(
        "CREATE TABLE fact (e INTEGER, a TEXT, v, PRIMARY KEY (e, a, v)) WITHOUT ROWID;
         CREATE INDEX ave ON fact (a, v, e);",
    );
    let mut insert = connection.prepare("INSERT INTO fact VALUES (?, ?, ?)").expect("the statement is right");
    for (id, person) in people.iter().enumerate() {
        let texts = [("name", person.name), ("last-name", person.last_name), ("sex", person.sex), ("code", &person.code)];
        for (attribute, value) in texts {
            insert.execute(params![id as i64, attribute, value]).expect("the table takes facts");
        }
        for (attribute, value) in [("age", person.age), ("salary", person.salary)] {
            insert.execute(params![id as i64, attribute, value]).expect("the table takes facts");
        }
    }
    drop(insert);
    analyzed(connection)
}

fn memory(schema: &str) -> Connection {
    let connection = Connection::open_in_memory().expect("SQLite in memory");
    connection.execute_batch(schema).expect("the schema is right");
    connection.execute_batch("BEGIN").expect("a transaction begins");
    connection
}

fn analyzed(connection: Connection) -> Connection {
    connection.execute_batch("COMMIT; ANALYZE").expect("SQLite commits");
    connection
}
