//! The table that one would make by hand for log lines.

use std::path::Path;

use annals::store::Durability;
use rusqlite::{Connection, params};

use super::MESSAGE;

/// The table, and the number of its last line.
pub struct Narrow {
    connection: Connection,
    seq: i64,
}

impl Narrow {
    /// Makes it with the pragmas that a store has.
    pub fn make(path: &Path, durability: Durability) -> Self {
        let connection = Connection::open(path).expect("SQLite opens");
        let synchronous = if durability == Durability::Full { "FULL" } else { "NORMAL" };
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;
                 PRAGMA cell_size_check=ON; PRAGMA recursive_triggers=ON; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;
                 PRAGMA cache_size=-8192; PRAGMA wal_autocheckpoint=4000;
                 CREATE TABLE run_logs (run_id TEXT, seq INTEGER, ts INTEGER, level TEXT, message TEXT, PRIMARY KEY (run_id, seq))
                 WITHOUT ROWID"
            ))
            .expect("the table is made");
        Self { connection, seq: 0 }
    }

    /// Writes so many transactions of so many lines.
    pub fn write(&mut self, lines: usize, transactions: usize) {
        for _ in 0..transactions {
            let transaction = self.connection.unchecked_transaction().expect("a transaction begins");
            let mut insert =
                transaction.prepare_cached("INSERT INTO run_logs VALUES (?, ?, ?, ?, ?)").expect("the statement is right");
            for _ in 0..lines {
                self.seq += 1;
                let (run, ts) = ("0199c0de-0000-7000-8000-000000000001", 1_760_000_000_000_000_i64 + self.seq);
                insert.execute(params![run, self.seq, ts, "info", MESSAGE]).expect("a line goes in");
            }
            drop(insert);
            transaction.commit().expect("it commits");
        }
    }
}
