//! The ends of the log, looked at whenever a store is opened: they must fit each other and the size of the file. It takes microseconds, and
//! whoever counts from the first transaction to the last then comes to an end, whatever a file says.

use rusqlite::Connection;

use super::failure::{damaged, failure};
use crate::error::Result;

/// Bytes that a transaction takes at least, in any format: its row has a hash of 32 bytes, and there is a datom.
const LEAST_BYTES_OF_TRANSACTION: i64 = 32;

/// Bytes that a datom takes at least.
const LEAST_BYTES_OF_DATOM: i64 = 8;

/// Refuses a log whose ends contradict each other. To be called inside a transaction: all that is read belongs to one moment.
pub(super) fn check(connection: &Connection) -> Result<()> {
    let integers = |sql: &str| -> Result<[i64; 4]> {
        let row = connection.query_row(sql, (), |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]));
        row.map_err(failure)
    };
    let [first_t, last_t, last_id, first_id] = integers(
        "SELECT (SELECT coalesce(min(t), 0) FROM txs), (SELECT coalesce(max(t), 0) FROM txs),
           (SELECT coalesce(max(id), 0) FROM datoms), (SELECT coalesce(min(id), 0) FROM datoms)",
    )?;
    let said = connection.query_row("SELECT coalesce((SELECT last FROM txs ORDER BY t DESC LIMIT 1), 0)", (), |row| row.get(0));
    let said: i64 = said.map_err(failure)?;
    let bytes: i64 = connection
        .query_row("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", (), |row| row.get(0))
        .map_err(failure)?;
    if (first_t, first_id) != (1, 1) {
        return Err(damaged(format!("the log begins with transaction {first_t} and datom {first_id}, and not with 1")));
    }
    if last_t > bytes / LEAST_BYTES_OF_TRANSACTION || last_id > bytes / LEAST_BYTES_OF_DATOM {
        let message = format!("the log ends with transaction {last_t} and datom {last_id}, and the file has {bytes} bytes");
        return Err(damaged(message).with_value(last_t));
    }
    if said != last_id {
        return Err(
            damaged(format!("the log ends with datom {last_id}, and transaction {last_t} with {said}")).with_value(last_t)
        );
    }
    Ok(())
}
