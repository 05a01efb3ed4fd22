//! The promise: a transaction is a set of statements about the store before it, read as Datomic reads them; what is wrong is
//! refused whole, with code, place and remedy. The attack: cases as text for every rule, every permutation of small
//! transactions, and random ones against a model of a few lines. The store beneath is a log folded in memory.

mod check;
mod declarations;
#[path = "../common/dice.rs"]
mod dice;
mod forms;
mod order;
mod outcome;
mod permutations;
mod random;
mod store;
mod values;
mod verified;
