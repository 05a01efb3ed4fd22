//! Columns on disk of stores that are small.

use annals::Tuning;

/// Figures with which everything that the log says goes to disk at once, in small blocks and segments.
pub(crate) fn tiny() -> Tuning {
    Tuning {
        eager_datoms: 0,
        point_reads: 0,
        point_share: 1,
        entity_reads: 0,
        disk_datoms: 0,
        disk_tail_datoms: 1,
        disk_chunk_datoms: 60,
        disk_block_rows: 4,
        ..Tuning::default()
    }
}
