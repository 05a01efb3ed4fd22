//! The last number of a sequence such as `:log/seq` within a run.

use super::read::Reader;
use crate::datom::Partition;
use crate::error::Result;

/// Looks through the partition of `within`, where entities that belong to it lie.
///
/// The entity index gives the datoms of `attribute` there; each one greater than the greatest so far is counted if its
/// entity ever had `within` for `scope`. Entities are looked at from the last one, which nearly always has the greatest
/// number, so few look-ups of `scope` follow.
pub(super) fn last(reader: &Reader, attribute: i64, scope: i64, within: i64) -> Result<i64> {
    let partition = Partition::of(within);
    let candidates = "SELECT d.e, d.v FROM datoms d
         WHERE d.e BETWEEN ?1 AND ?2 AND d.a = ?3 AND d.type = 3 AND d.added = 1 ORDER BY d.e DESC";
    let belongs = "SELECT 1 FROM datoms d WHERE d.e = ?1 AND d.a = ?2 AND d.v = ?3 AND d.type = 1 AND d.added = 1 LIMIT 1";
    let mut greatest = 0;
    reader.each(candidates, (partition.entity(0), partition.last_entity(), attribute), |row| {
        let read = |column| row.get::<_, i64>(column).map_err(super::failure::failure);
        let (entity, number) = (read(0)?, read(1)?);
        if number > greatest && reader.integer(belongs, (entity, scope, within))?.is_some() {
            greatest = number;
        }
        Ok(())
    })?;
    Ok(greatest)
}
