//! The promise: no secret of a known shape, and nothing that is given to a name which means a secret, is recorded; ordinary lines stay as they
//! are. Attacked with secrets drawn by pattern in every wrapping that logs have, with lines cut everywhere, and with the ordinary output
//! of builds and tools, of which fewer than one line in 200 may change.
//!
//! `SEED=` draws other secrets.

mod place;

mod corpus;
mod lines;
mod ordinary;
mod recording;
