//! What several tests share: facts in memory, a naive evaluator, and a generator of random programs.
#![allow(dead_code, reason = "each test uses its part")]

pub(crate) mod asked;
pub(crate) mod edges;
pub(crate) mod memory;
pub(crate) mod naive;
pub(crate) mod random;
pub(crate) mod vector;
