//! The contract: runs, their log lines and state, in the vocabulary `:run/.. :log/.. :state/..`.

pub mod capture;
pub mod level;

pub use level::Level;
