//! A transaction as one line of EDN.

use std::fmt::Write as _;

use annals_query::edn;
use annals_query::edn::Form;

use crate::datom::Datom;
use crate::db::Transaction;
use crate::error::{Error, ErrorKind, Result};
use annals_query::Value;

/// The first line of a stream: what it is, and the version of its form.
pub(super) const HEADER: &str = ";; annals datoms 1";

/// The second line of a stream whose secrets were taken out.
pub(super) const REDACTED: &str =
    ";; redacted: the values of secrets are not those of the store, so the hashes of its chain do not hold here";

const SHAPE: &str = "a line is {:t 2, :instant #inst \"..\", :datoms [[e a v m added] ..]}, as `annals export` writes it";

/// `{:t 2, :instant #inst "..", :datoms [[e a v m true]]}`.
pub(super) fn write(transaction: &Transaction) -> String {
    let mut line = format!("{{:t {}, :instant {}, :datoms [", transaction.t, Value::Instant(transaction.instant));
    for (at, datom) in transaction.datoms.iter().enumerate() {
        let gap = if at == 0 { "" } else { " " };
        let Datom { e, a, v, m, added, .. } = datom;
        write!(line, "{gap}[{e} {a} {v} {m} {added}]").expect("writing to a text does not fail");
    }
    line.push_str("]}");
    line
}

/// Reads what [`write`] wrote, however it is spaced.
pub(super) fn read_edn(line: &str) -> Result<Transaction> {
    let form = edn::read_form(line).map_err(|error| error.located_in(line))?;
    let field = |name: &str| {
        let entries = form.map().ok_or_else(|| wrong("this is no map"))?;
        let found = entries.iter().find(|(key, _)| key.keyword() == Some(name));
        found.map(|(_, value)| value).ok_or_else(|| wrong(&format!("it has no :{name}")))
    };
    let t = field("t")?.long().ok_or_else(|| wrong(":t is no integer"))?;
    let Value::Instant(instant) = field("instant")?.to_value() else { return Err(wrong(":instant is no #inst")) };
    let rows = field("datoms")?.vector().ok_or_else(|| wrong(":datoms is no vector"))?;
    let datoms = rows.iter().map(|row| datom(row, t)).collect::<Result<_>>()?;
    Ok(Transaction { t, instant, datoms })
}

fn datom(row: &Form, t: i64) -> Result<Datom> {
    let Some(places @ [_, _, value, _, added]) = row.vector() else { return Err(wrong("a datom is no vector of five")) };
    let number = |at: usize, name: &str| places[at].long().ok_or_else(|| wrong(&format!("{name} of a datom is no integer")));
    let Value::Boolean(added) = added.to_value() else { return Err(wrong("the last place of a datom is true or false")) };
    Ok(Datom { e: number(0, "e")?, a: number(1, "a")?, v: value.to_value(), t, m: number(3, "m")?, added })
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::Import, what).with_help(SHAPE)
}
