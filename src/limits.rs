//! Every limit: its name, its default and its reason.

use std::time::Duration;

/// How long a writer waits for another process to finish its transaction: longer than any commit on a slow disk.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Datoms in one transaction: a transaction is held in memory and in one SQLite transaction.
pub const LIMIT_TRANSACTION_DATOMS: usize = 1_000_000;

/// Bytes of one value: SQLite's own limit is 1e9, and a value passes through memory several times.
pub const LIMIT_VALUE_BYTES: usize = 64 << 20;

/// Values in a tuple.
pub const LIMIT_TUPLE_LENGTH: usize = 8;

/// How deep transaction functions may ask for calls of transaction functions: no sensible one does so without end.
pub const LIMIT_CALL_DEPTH: usize = 64;

/// Letters by which a word is known to a search: longer ones are no words of a language, and would fill the index.
pub const LIMIT_WORD_LETTERS: usize = 128;

/// Bytes of a search for words: nobody types more, and each word costs a look into the index.
pub const LIMIT_SEARCH_BYTES: usize = 4096;

/// Words and phrases of a search.
pub const LIMIT_SEARCH_PHRASES: usize = 128;

/// Parentheses inside each other in a search: SQLite's own parser has a stack of fixed size.
pub const LIMIT_SEARCH_DEPTH: usize = 8;

/// Queries that a connection knows by their text: a program asks some dozens, a person some hundreds, and each takes a few
/// kilobytes.
pub const LIMIT_RECENT_QUERIES: usize = 512;

/// Bytes of a query that is known by its text: longer ones are made by programs, hold their data and seldom come again.
pub const LIMIT_RECENT_QUERY_BYTES: usize = 16 << 10;

/// Sets of rules and functions that one prepared query is checked for: a program has one or two, and what comes more often is
/// checked again each time.
pub const LIMIT_PREPARED_VARIANTS: usize = 16;

/// How often a watch that waits looks for what other processes committed: people see no delay, and a hundred watches cost a
/// hundredth of a processor.
pub const WATCH_INTERVAL: Duration = Duration::from_millis(20);

/// Datoms of one transaction that a watch takes in one by one: beyond that asking the query again is as quick.
pub const LIMIT_DELTA_DATOMS: usize = 1_000;

/// Rows that one step of taking in a transaction may need: where so many come of so little, asking the query again is as quick.
pub const LIMIT_DELTA_ROWS: u64 = 1_000_000;
