//! An embedded, local-first store for the history of what programs did.
//!
//! Every run, log line and state change is an immutable datom `[e a v t m]` in one SQLite file; a Datalog engine answers
//! what was true, when, and who said so.
//!
//! ```
//! # let folder = tempfile::tempdir().expect("a temporary folder");
//! let connection = annals::Connection::open(folder.path().join("annals.db"))?;
//! connection.transact("[{:person/name \"Ada\" :person/born 1815}]")?;
//! let answer = connection.db()?.q("[:find ?name . :where [?p :person/born 1815] [?p :person/name ?name]]", &[])?;
//! assert_eq!(answer.to_edn(), "\"Ada\"");
//! # Ok::<(), annals::Error>(())
//! ```
//!
//! The modules in reading order, from the fact up: [`datom`], [`schema`], [`limits`], [`error`], `words`; [`store`], the file; `columns`,
//! side files made from its log; `index`, columns in memory; [`transact`], data to datoms pass by pass; `db`, the value that answers;
//! `connection`, which commits; `watch`, queries kept up with it; `verify`, all of it computed again; [`contract`], runs, lines and state; [`exchange`], streams in and out.

mod columns;
mod connection;
pub mod contract;
pub mod datom;
mod db;
pub mod error;
pub mod exchange;
mod index;
pub mod limits;
pub mod redact;
pub mod schema;
pub mod store;
pub mod transact;
mod verify;
mod watch;
mod words;

pub use annals_query as query;
pub use annals_query::function::Arity;
pub use annals_query::lens::Lens;
pub use annals_query::{Functions, Uuid, Value, ValueType};
pub use columns::verify as verify_columns;
pub use connection::{Applied, Connection, Options};
pub use datom::{Datom, Partition};
pub use db::{Db, DbView, EntityRef, Input, Moment, Order, Prepared, Report, Transaction, TransactionFunctions, Walk};
pub use error::{Error, ErrorKind, Result};
pub use index::Tuning;
pub use verify::verify;
pub use watch::{Change, Closer, Upkeep, Watch, WatchOptions};

/// The page about the library: its blocks are run.
#[cfg(doctest)]
#[doc = include_str!("../docs/reference/library.md")]
mod library_page {}
