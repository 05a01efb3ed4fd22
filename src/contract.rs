//! The contract: runs, their log lines and state, in the vocabulary `:run/.. :log/.. :state/..`.
//!
//! A run has a partition of its own, in which its lines lie one after the other; a line's number counts 1, 2, 3 in its run,
//! whoever writes. What a run says carries the run as m.

pub mod capture;
mod keyword;
mod known;
pub mod level;
pub mod line;
pub mod liveness;
pub mod log;
pub mod recorder;
pub mod run;
pub mod setting;
pub mod state;
pub mod status;

pub use level::Level;
pub use line::{Line, Stream};
pub use liveness::Process;
pub use log::{LogFilter, LogLine, logs};
pub use recorder::{RecordedBy, Recorder, RunOptions};
pub use run::{Border, Run, RunFilter, enclosing_run, find_run, run_border, runs};
pub use setting::Setting;
pub use state::{State, StateChange};
pub use status::Status;
