//! Transaction data to datoms: passes as files, in the order in which data meets them.

mod before;

pub use before::Before;
