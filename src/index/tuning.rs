//! When facts become columns, and how they are read until then.

/// When facts become columns, and how they are read until then. Every answer is the same whatever these figures say; only time and memory
/// depend on them.
///
/// ```
/// use annals::{Connection, Options, Tuning};
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// # let path = folder.path().join("annals.db");
/// let tuning = Tuning { tail_datoms: 64, ..Tuning::default() };
/// let connection = Connection::open_with(path, Options { tuning, ..Options::default() })?;
/// # let _ = connection;
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Datoms kept beside the columns of an attribute before they are merged: looking among them costs under a microsecond, and a merge
    /// copies the columns. 4,096.
    pub tail_datoms: usize,
    /// Beside columns of many rows, one datom for so many rows may wait: then a merge costs each of them little. 64.
    pub rows_per_tail_datom: usize,
    /// A log of at most so many datoms is read as soon as a query names its attributes: estimates are exact from the start. 100,000.
    pub eager_datoms: i64,
    /// A scan of at most so many entities reads each from the store, if the attribute has no columns yet: that takes about as long as reading
    /// 5,000 datoms of the log. 64.
    pub point_reads: usize,
    /// A scan without attribute reads at most so many entities one by one from the store. 256.
    pub entity_reads: usize,
    /// A scan that picks at most one row in so many looks at what is beside the columns; any other merges it into them first. 32.
    pub rows_per_pick: usize,
    /// Picks of at most so many rows are so small that merging is never worth it. 1,024.
    pub small_pick: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            tail_datoms: 4096,
            rows_per_tail_datom: 64,
            eager_datoms: 100_000,
            point_reads: 64,
            entity_reads: 256,
            rows_per_pick: 32,
            small_pick: 1024,
        }
    }
}
