//! The rows that lead from entities to their datoms, against the log.

use super::{Problem, Stop};
use crate::schema::attribute;
use crate::store::read::Reader;

/// What the log says of one entity at one place.
#[derive(Clone, Copy)]
struct Run {
    e: i64,
    t: i64,
    /// The attribute of its first datom.
    a: i64,
    id: i64,
    n: i64,
    is_first_of_transaction: bool,
}

/// There is a row for each run of datoms of one entity in one transaction, but for the instants that transactions say first of
/// themselves; and there is no other row.
pub(super) fn check(reader: &Reader) -> Result<(), Stop> {
    let connection = reader.connection();
    let mut log = connection.prepare("SELECT id, e, t, a FROM datoms ORDER BY id")?;
    let mut log = log.query(())?;
    let mut rows = connection.prepare("SELECT n FROM entities WHERE e = ?1 AND id = ?2")?;
    let mut expected = 0;
    let mut expect = |run: Run| {
        if run.is_first_of_transaction && run.e == run.t && run.a == attribute::TX_INSTANT && run.n == 1 {
            return Ok(());
        }
        expected += 1;
        let mut found = rows.query((run.e, run.id))?;
        let found: Option<i64> = found.next()?.map(|row| row.get(0)).transpose()?;
        if found == Some(run.n) {
            return Ok(());
        }
        let found = found.map_or_else(|| "nothing".into(), |n| n.to_string());
        let Run { e, t, id, n, .. } = run;
        let what = format!("transaction {t} says {n} datoms of entity {e} from number {id} on, the index of entities {found}");
        Err(Problem::derived("verify/index", None, what))
    };
    let mut current: Option<Run> = None;
    while let Some(row) = log.next()? {
        let (id, e, t, a) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        if let Some(run) = current.as_mut().filter(|run| (run.e, run.t) == (e, t)) {
            run.n += 1;
            continue;
        }
        let before = current.replace(Run { e, t, a, id, n: 1, is_first_of_transaction: true });
        if let (Some(before), Some(run)) = (before, current.as_mut()) {
            run.is_first_of_transaction = before.t != t;
            expect(before)?;
        }
    }
    if let Some(last) = current {
        expect(last)?;
    }
    let found = reader.integer("SELECT count(*) FROM entities", ())?.unwrap_or_default();
    if found == expected {
        return Ok(());
    }
    let what = format!("the index of entities has {found} rows, where the log needs {expected}");
    Err(Problem::derived("verify/index", None, what))
}
