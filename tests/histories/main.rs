//! Histories: what somebody who knows Datomic, DataScript or Datalevin would transact and ask, end to end through the library.
//!
//! Attacked by stories, texts in the folder `stories`: each begins with a fresh store, transacts, and asks now, in the past, after
//! a moment, of all of history and of what would be. Beside them: random transactions compared to a store that replayed them, two

mod script;
mod stories;
