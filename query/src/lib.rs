//! The pure Datalog engine of Annals: EDN text in, rows out. It does no I/O, reads no wall clock and knows no SQL; it asks
//! the outside one thing, through [`Facts`]: columns of facts, and how many there would be.
//!
//! A query passes through these modules, each with its own type:
//!
//! ```text
//! text -> edn::Form -> ast::Query -> check::Checked -> plan::Plan -> run::Relation -> Answer
//! ```
//!
//! The modules in reading order: [`value`] and [`mod@column`], what there is; [`facts`] and [`source`], where it comes from;
//! [`edn`], [`ast`], [`parse`], [`check`], the language; [`function`], [`aggregate`] and [`registry`], its words; `plan` and
//! `run`, how it is answered; [`find`] and [`pull`], how answers look; [`mod@table`], answers in columns; [`engine`], all of it in one call; [`mod@explain`], how it
//! was done. [`budget`] bounds every loop.
//! [`mod@lens`] lies between facts and everything that reads them.

pub mod aggregate;
pub mod answer;
pub mod ast;
pub mod budget;
pub mod check;
pub mod column;
mod component;
pub mod edn;
pub mod engine;
pub mod error;
pub mod explain;
pub mod facts;
pub mod find;
pub mod function;
pub mod lens;
pub mod limits;
pub mod nearest;
pub mod parse;
mod plan;
pub mod pull;
pub mod registry;
mod run;
mod small;
pub mod source;
pub mod table;
mod tuning;
pub mod value;

pub use answer::{Answer, Given, Shape, Warning};
pub use budget::{Budget, Cancel};
pub use column::{Column, Slice};
pub use error::{Code, Error, Position, Result, Span, Text};
pub use explain::Explanation;
pub use facts::{Attribute, Batch, Cardinality, Estimate, Fact, Facts, Found, Match, Places, Point, Scan, Unique, Values};
pub use registry::Functions;
pub use source::{Source, Sources};
pub use table::Table;
pub use value::{BigDecimal, BigInt, Uuid, Value, ValueType};
