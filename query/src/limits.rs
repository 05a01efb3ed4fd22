//! Every limit of the language: its name, its default and its reason. What one run may spend is a [`Budget`](crate::Budget).

pub use crate::edn::LIMIT_BYTES as LIMIT_TEXT_BYTES;
pub use crate::edn::LIMIT_DEPTH as LIMIT_FORM_DEPTH;
pub use crate::pull::LIMIT_DEPTH as LIMIT_PULL_DEPTH;
pub use crate::pull::LIMIT_VALUES as LIMIT_PULL_VALUES;

/// How deep queries may stand inside queries: each is run on the stack of the one around it, and nobody reads so many.
pub const LIMIT_NESTED_QUERIES: usize = 16;
/// How many rules with tables, and queries inside queries, may be run inside one another, each on the stack of the one that calls it: on a stack of
/// 2 MiB there is room for a quarter more without optimization, and for three times as many with it.
pub const LIMIT_NESTED_RULES: usize = 64;
