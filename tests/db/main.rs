//! Database values and connections: what the public interface shows of a log, at any time, while others write.

mod concurrency;
mod ends;
mod found_types;
mod functions;
mod log_functions;
mod measure;
mod points;
mod random_log;
mod reads;
mod scans;
#[path = "../common/splitmix.rs"]
mod splitmix;
mod time;
mod walks;
