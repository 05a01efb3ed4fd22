//! SQLite as a contestant: statements prepared, every value of every row looked at.

use rusqlite::{Connection, Statement, ToSql};

/// Runs a statement and counts its rows.
pub fn rows_of(statement: &mut Statement<'_>, parameters: &[&dyn ToSql]) -> usize {
    let columns = statement.column_count();
    let mut rows = statement.query(parameters).expect("the parameters are right");
    let mut count = 0;
    while let Some(row) = rows.next().expect("a row") {
        for column in 0..columns {
            std::hint::black_box(row.get_ref(column).expect("a value"));
        }
        count += 1;
    }
    count
}

/// Prepares a statement.
pub fn prepare<'c>(connection: &'c Connection, sql: &str) -> Statement<'c> {
    connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
}
