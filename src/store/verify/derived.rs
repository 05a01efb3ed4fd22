//! What follows from the log: that each fact begins and ends in turn, that every attribute has a name, and the index of values.

use super::log::Counts;
use super::views::{Added, Held, Shown};
use super::{Problem, Stop};
use crate::datom::Datom;
use crate::store::read::Reader;
use crate::store::row::{COLUMNS, read_datom};

/// Walks the log entity by entity: an addition of what holds, or a retraction of what does not, was never committed by this program.
/// Gives what the views of this version must show.
pub(super) fn check_lives(reader: &Reader, version: usize) -> Result<Shown, Stop> {
    let sql = format!(
        "SELECT {COLUMNS} FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1 ORDER BY n.e, n.id, d.id"
    );
    let mut shown = Shown::new(reader, version)?;
    let mut statement = reader.connection().prepare(&sql)?;
    let mut rows = statement.query(())?;
    let mut entity = 0;
    let mut held: Held = Held::new();
    while let Some(row) = rows.next()? {
        let datom = read_datom(row)?;
        if entity != datom.e {
            shown.entity(entity, &held);
            entity = datom.e;
            held.clear();
            // The instant of a transaction has no row of its own.
            let instants = reader.own_instants(entity, entity, i64::MAX)?;
            held.extend(instants.into_iter().map(|own| ((own.a, own.v), Added { t: own.t, m: own.m, is_counted: true })));
        }
        shown.said(&datom);
        let Datom { a, v, t, m, added, .. } = datom;
        let fact = (a, v);
        let changes = if added {
            held.insert(fact.clone(), Added { t, m, is_counted: false }).is_none()
        } else {
            held.remove(&fact).is_some()
        };
        if !changes {
            let what = if added { "added although it held" } else { "retracted although it did not hold" };
            return Err(Problem::in_transaction("verify/life", t, format!("the fact [{entity} {a} {}] is {what}", fact.1)));
        }
    }
    shown.entity(entity, &held);
    Ok(shown)
}

/// Every attribute has an ident, and the index of values holds exactly the datoms of indexed attributes.
pub(super) fn check_values(reader: &Reader, counts: &Counts) -> Result<(), Stop> {
    if let Some(nameless) = counts.by_attribute.keys().filter(|a| counts.schema.ident(**a).is_none()).min() {
        let first = reader.integer("SELECT t FROM datoms WHERE a = ?1 ORDER BY id LIMIT 1", (nameless,))?;
        let what = format!("the attribute {nameless} has no ident");
        return Err(Problem::in_transaction("verify/attribute", first.unwrap_or_default(), what));
    }
    let strange = "SELECT x.id FROM avet x LEFT JOIN datoms d ON d.id = x.id
         WHERE d.id IS NULL OR d.a <> x.a OR d.type <> x.type OR d.v IS NOT x.v OR typeof(d.v) <> typeof(x.v) LIMIT 1";
    if let Some(id) = reader.integer(strange, ())? {
        let what = format!("the index of values says of datom {id} what the log does not");
        return Err(Problem::derived("verify/index", None, what));
    }
    for declaration in counts.schema.declarations().filter(|declaration| declaration.is_indexed) {
        let a = declaration.attribute.id;
        let indexed = reader.integer("SELECT count(*) FROM avet WHERE a = ?1", (a,))?.unwrap_or_default();
        let logged = counts.by_attribute.get(&a).copied().unwrap_or_default();
        if indexed != logged {
            let what = format!("the index of values has {indexed} datoms of :{}, the log {logged}", declaration.attribute.ident);
            return Err(Problem::derived("verify/index", None, what));
        }
    }
    Ok(())
}
