//! The promise: a store from a stranger is safe to look at. It is opened read-only and nothing in it is trusted: no function is called,
//! nothing is attached, nothing is written, and what comes back is an error with a code or an answer; `verify` names what was done to it.
//!
//! Attacked with a corpus of stores made hostile by SQL (`stores.sql`: views, triggers, generated columns, indexes on expressions, checks,
//! virtual tables, hidden and swapped objects, absurd values), with what may lie beside a store (a log of another database, journals
//! that look hot, symbolic links), and with random values where they do not belong. Each store is opened by every reading command and by the
//! library, in a folder whose every byte is compared before and after.
//!
//! `SEED=` and `HOSTILE=` (how many random stores) make the dice.

mod beside;
mod corpus;
mod looking;
mod random;
mod settings;
#[path = "../common/splitmix.rs"]
mod splitmix;
