//! An embedded, local-first store for the history of what programs did.
//!
//! Every run, log line and state change is an immutable datom `[e a v t m]` in one SQLite file; a Datalog engine answers
//! what was true, when, and who said so.

mod connection;
pub mod contract;
pub mod datom;
mod db;
pub mod error;
pub mod exchange;
mod index;
pub mod limits;
pub mod schema;
pub mod store;
pub mod transact;

pub use annals_query as query;
pub use annals_query::{Uuid, Value, ValueType};
pub use connection::{Applied, Connection, Options};
pub use datom::{Datom, Partition};
pub use db::{Db, EntityRef, Input, Moment, Order, Report, Transaction};
pub use error::{Error, ErrorKind, Result};
