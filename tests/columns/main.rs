//! Columns on disk are a copy that may be damaged, missing or of another store: no answer ever depends on them.
//!
//! Attacked by random logs read through handles whose figures are left to chance, so that facts lie in several segments, beside them
//! and in memory, and by changing the files in every way: cut at every length, flipped in every region, swapped, deleted while in use.
//! `SEED=` chooses the logs, `HISTORIES=` says how many.

mod damage;
mod files;
mod handles;
#[path = "../db/random_log.rs"]
#[expect(dead_code, reason = "the tests of database values read the same logs in more ways")]
mod random_log;
mod reads;
#[path = "../common/splitmix.rs"]
mod splitmix;
#[path = "../common/tiny.rs"]
mod tiny;
