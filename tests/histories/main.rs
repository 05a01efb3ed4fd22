//! Histories: what somebody who knows Datomic, DataScript or Datalevin would transact and ask, end to end through the library.
//!
//! Attacked by stories, texts in the folder `stories`: each begins with a fresh store, transacts, and asks now, in the past, after
//! a moment, of all of history and of what would be. `script` says how a story is written. Beside them: random transactions,
//! compared to a store that replayed them; many who write one store; and a table of every error.

mod errors;
mod replay;
mod script;
#[path = "../common/splitmix.rs"]
mod splitmix;
mod stores;
mod stories;
mod talk;
