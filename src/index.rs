//! Columns of facts in memory, derived from the log and shared by all database values of a connection.
//!
//! An attribute's facts become columns when they are first wanted. What is committed later is read from the log by the next
//! reader that wants it and kept beside the columns in ordered sets, until there is so much of it that the reader merges
//! it into new columns. A writer does nothing here, so recording costs no memory. Facts are never changed, so columns
//! that know more than a database value serve it all the same: what came after its basis is outside its window.

mod admit;
mod building;
mod by_value;
mod cache;
mod cached;
mod handful;
pub(crate) mod lately;
mod lives;
mod moments;
mod novelty;
mod points;
mod said;
mod scan;
mod select;
mod state;
mod stored;
mod tuning;
mod value_types;
pub(crate) mod view;
pub(crate) mod window;

pub(crate) use crate::columns::life::{self, Life};
pub(crate) use cache::Index;
pub(crate) use cached::Cached;
pub(crate) use lives::Lives;
pub(crate) use novelty::{AttributeNovelty, Novelty};
pub use tuning::Tuning;
pub(crate) use value_types::Types;
pub(crate) use view::View;
pub(crate) use window::Window;
