//! The promise: a backup made while others write is a store of one moment, whole, and everything acknowledged before it began is in it;
//! where it cannot be made, nothing is left of it and nothing else is touched. Attacked with writers in threads and processes, with
//! paths that lead to the store itself or to what others own, with Ctrl-C at chosen and at random moments, with full disks, with a
//! damaged store, and with whoever takes the name in between. `BACKUPS=` says how many are made under load.

#[path = "../common/place.rs"]
mod place;

mod load;
mod nothing_left;
mod target;
