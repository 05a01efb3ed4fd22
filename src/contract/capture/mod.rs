//! Recording a program: every line of its output in order, passed through as it comes.

mod detect;
mod lines;
mod quote;
mod structured;

pub use detect::{LIMIT_EXAMINED_BYTES, detect_level};
pub use lines::{LIMIT_LINE_BYTES, LineSplitter, Piece};
pub use quote::quote_command;
