//! What a database value answers, against the log: now, and as of now, through columns where there are some.

use std::collections::BTreeSet;

use annals_query::Value;

use super::facts::{Expected, sum_of};
use crate::db::{Db, Moment, Order};
use crate::error::Result;
use crate::store::Problem;

/// Compares attribute by attribute.
pub(super) fn check(db: &Db, expected: &Expected) -> Result<std::result::Result<(), Problem>> {
    let as_of_now = db.as_of(Moment::T(db.basis_t()))?;
    let declared = db.schema().declarations().map(|declaration| declaration.attribute.id);
    let attributes: BTreeSet<i64> = declared.chain(expected.keys().copied()).collect();
    for a in attributes {
        let expected = expected.get(&a).copied().unwrap_or_default();
        for (view, name) in [(db, "now"), (&as_of_now, "as of now")] {
            let mut found = (0, 0_u64);
            for datom in view.datoms(Order::Aevt, &[Value::Long(a)])? {
                found = (found.0 + 1, found.1.wrapping_add(sum_of(&datom)));
            }
            if found != expected {
                let ident = db.schema().ident(a).map_or_else(|| a.to_string(), |ident| format!(":{ident}"));
                let what =
                    format!("asked {name}, {ident} has {} facts, and the log has {}, or not the same", found.0, expected.0);
                return Ok(Err(Problem { code: "verify/answers", t: None, what, remedy: Problem::REBUILD }));
            }
        }
    }
    Ok(Ok(()))
}
