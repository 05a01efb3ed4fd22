//! When facts become columns, and how they are read until then.

use crate::columns::{LIMIT_BLOCK_ROWS, Sizes};

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
    /// Columns of an attribute are made once reading points and blocks of it has cost one part in so many of what making them does. 8.
    pub point_share: u64,
    /// A scan without attribute reads at most so many entities one by one from the store. 256.
    pub entity_reads: usize,
    /// A scan that picks at most one row in so many looks at what is beside the columns; any other merges it into them first. 32.
    pub rows_per_pick: usize,
    /// Picks of at most so many rows are so small that merging is never worth it. 1,024.
    pub small_pick: usize,
    /// Bytes of memory that columns may take: those that were not asked for lately are let go of, and read again when they are. A query
    /// keeps what it works on. 1 GiB, which holds some 40 million facts.
    pub cache_bytes: u64,
    /// A log of at least so many datoms is kept in columns on disk too, in a folder beside the store: a shorter one is read in a tenth
    /// of a second. 100,000.
    pub disk_datoms: i64,
    /// Datoms that the log may have after what is on disk before they are written there: reading them costs each new process about 2 ms.
    /// 16,384.
    pub disk_tail_datoms: i64,
    /// Datoms of the log that are held in memory until they are written to disk: some 60 MB of log lines. 524,288.
    pub disk_chunk_datoms: i64,
    /// Rows of a block on disk, the least that is read of an attribute. 8,192.
    pub disk_block_rows: usize,
}

impl Tuning {
    /// How large the files on disk are made.
    pub(crate) fn sizes(&self) -> Sizes {
        Sizes { block_rows: self.disk_block_rows.clamp(1, LIMIT_BLOCK_ROWS), chunk_datoms: self.disk_chunk_datoms.max(1) }
    }
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            tail_datoms: 4096,
            rows_per_tail_datom: 64,
            eager_datoms: 100_000,
            point_reads: 64,
            point_share: 8,
            entity_reads: 256,
            rows_per_pick: 32,
            small_pick: 1024,
            cache_bytes: 1 << 30,
            disk_datoms: 100_000,
            disk_tail_datoms: 1 << 14,
            disk_chunk_datoms: 1 << 19,
            disk_block_rows: 8192,
        }
    }
}
