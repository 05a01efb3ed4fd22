//! Readers of the ring.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Child;

use annals::schema::attribute;
use annals::{Connection, Db, Value};
use rusqlite::OpenFlags;

use crate::dice::{Dice, seed};
use crate::moves::{id, ring};
use crate::{Figures, MEMBERS};

/// What is wrong with the ring, if it is not one cycle through all members.
fn check(next: &BTreeMap<i64, i64>) -> Result<(), String> {
    let Some(first) = next.keys().next() else { return Err("there is no ring".to_owned()) };
    let (mut at, mut steps) = (*first, 0);
    loop {
        at = *next.get(&at).ok_or_else(|| format!("{at} points nowhere"))?;
        steps += 1;
        if at == *first || steps > MEMBERS {
            break;
        }
    }
    if steps == MEMBERS && next.len() == steps as usize { Ok(()) } else { Err(format!("a cycle of {steps}: {next:?}")) }
}

impl Figures {
    fn look(&mut self, place: &str, ring: Result<BTreeMap<i64, i64>, String>) {
        self.looks += 1;
        if let Err(what) = ring.and_then(|ring| check(&ring)) {
            self.note(format!("{place}: {what}"));
        }
    }

    /// Every anomaly is one too many; a hundred are enough to tell.
    fn note(&mut self, what: String) {
        if self.anomalies.len() < 100 {
            self.anomalies.push(what);
        }
    }
}

/// The first transaction that has a ring.
const FIRST_T: i64 = 3;

/// Reads until the movers have ended, and takes in what they did.
pub(crate) fn while_running(store: &Path, mut movers: Vec<Child>, figures: &mut Figures) {
    let connection = Connection::open_read_only(store).expect("the store opens for reading");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sql = rusqlite::Connection::open_with_flags(store, flags).expect("the file opens");
    let mut dice = Dice::new(seed());
    let mut held: Vec<(Db, BTreeMap<i64, i64>)> = Vec::new();
    while movers.iter_mut().any(|mover| mover.try_wait().expect("it can be asked").is_none()) {
        let db = connection.db().expect("a view");
        let now = ring(&db);
        if let Ok(now) = &now
            && held.len() < 50
        {
            held.push((db.clone(), now.clone()));
        }
        figures.look("now", now);
        let t = FIRST_T + dice.below((db.basis_t() - FIRST_T + 1) as u64) as i64;
        figures.look(&format!("as of {t}"), db.as_of(t).map_err(|error| error.to_string()).and_then(|past| ring(&past)));
        figures.look("current_facts", current_facts(&sql));
        // What was held for long has not changed.
        let (old, before) = dice.among(&held);
        if ring(old).as_ref() != Ok(before) {
            figures.note(format!("the value at t {} became another", old.basis_t()));
        }
    }
    for mover in movers {
        let output = mover.wait_with_output().expect("it has ended");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        let made = text.lines().find_map(|line| line.split_once("made: ")).expect("it says what it did").1;
        let numbers: Vec<u64> = made.split(' ').filter_map(|number| number.parse().ok()).collect();
        figures.moves += numbers[0];
        figures.refused += numbers[1];
    }
}

fn current_facts(sql: &rusqlite::Connection) -> Result<BTreeMap<i64, i64>, String> {
    let mut statement =
        sql.prepare_cached("SELECT e, v FROM current_facts WHERE attribute = ':ring/next'").map_err(|error| error.to_string())?;
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).map_err(|error| error.to_string())?;
    let pairs: Vec<(i64, i64)> = rows.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let (count, next) = (pairs.len(), pairs.into_iter().collect::<BTreeMap<_, _>>());
    if next.len() == count { Ok(next) } else { Err("somebody points to two".to_owned()) }
}

/// The ring at every t: as the log folds to it, as the library answers it, and as the view `facts` folds to it.
pub(crate) fn at_every_t(store: &Path, figures: &mut Figures) {
    let connection = Connection::open(store).expect("the store opens");
    let db = connection.db().expect("a view");
    let next = db.schema().declaration_by_ident("ring/next").expect("the attribute is declared").attribute.id;
    let sql = rusqlite::Connection::open(store).expect("the file opens");
    let mut statement = sql
        .prepare("SELECT t, e, v, added FROM facts WHERE attribute = ':ring/next' ORDER BY t, added")
        .expect("the view is there");
    let mut rows = statement.query(()).expect("rows");
    let mut seen = rows.next().expect("a row").map(read);
    let (mut by_log, mut by_view) = (BTreeMap::new(), BTreeMap::new());
    for transaction in db.tx_range(1..).expect("the log") {
        let mut datoms: Vec<_> = transaction.datoms.iter().filter(|datom| datom.a == next).collect();
        datoms.sort_by_key(|datom| datom.added);
        for datom in datoms {
            fold(&mut by_log, (datom.t, datom.e, id(&datom.v), datom.added));
        }
        while let Some(row) = seen.filter(|row| row.0 <= transaction.t) {
            fold(&mut by_view, row);
            seen = rows.next().expect("a row").map(read);
        }
        if transaction.t < FIRST_T {
            continue;
        }
        let place = format!("t {}", transaction.t);
        let answered = db.as_of(transaction.t).map_err(|error| error.to_string()).and_then(|past| ring(&past));
        if answered.as_ref() != Ok(&by_log) || by_log != by_view {
            figures.note(format!("{place}: log {by_log:?}, library {answered:?}, view {by_view:?}"));
        }
        figures.look(&place, answered);
        figures.look(&place, Ok(by_view.clone()));
    }
    assert!(attribute::IDENT < next, "the attribute is one of the store's own");
}

fn read(row: &rusqlite::Row<'_>) -> (i64, i64, i64, bool) {
    let number = |at: usize| row.get::<_, i64>(at).expect("a number");
    (number(0), number(1), number(2), number(3) == 1)
}

fn fold(next: &mut BTreeMap<i64, i64>, (_, e, v, added): (i64, i64, i64, bool)) {
    if added {
        next.insert(e, v);
    } else if next.get(&e) == Some(&v) {
        next.remove(&e);
    }
}

/// Values of an attribute are entities here.
#[test]
fn a_cycle_that_leaves_somebody_out_is_found() {
    let whole: BTreeMap<i64, i64> = (0..MEMBERS as i64).map(|n| (n, (n + 1) % MEMBERS as i64)).collect();
    assert_eq!(check(&whole), Ok(()));
    let mut two = whole.clone();
    two.extend([(0, 2), (1, 1)]);
    assert!(check(&two).is_err());
    let mut short = whole;
    short.remove(&3);
    assert!(check(&short).is_err());
    assert_eq!(id(&Value::Ref(7)), 7);
}
