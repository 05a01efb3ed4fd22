//! One process that moves members of the ring.

use std::collections::BTreeMap;
use std::io::Write as _;

use annals::store::Durability;
use annals::transact::TxData;
use annals::{Connection, Db, ErrorKind, Options, TransactionFunctions, Value};

use crate::dice::{Dice, number, seed};
use crate::{COUNTERS, MEMBERS};

/// How a move is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A transaction function reads the ring inside the commit.
    ByFunction,
    /// The ring is read before, and each pointer is changed only if it is still the same.
    ByCompareAndSet,
    /// The control: read before, and written whatever came between.
    Blindly,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Where each member points: from entity to entity.
pub(crate) fn ring(db: &Db) -> Result<BTreeMap<i64, i64>, String> {
    let answer = db.q("[:find ?a ?b :where [?a :ring/next ?b]]", &[]).map_err(|error| error.to_string())?;
    let mut next = BTreeMap::new();
    for row in answer.rows {
        let (a, b) = (id(&row[0]), id(&row[1]));
        if next.insert(a, b).is_some() {
            return Err(format!("{a} points to two"));
        }
    }
    Ok(next)
}

/// The entity that a value is.
pub(crate) fn id(value: &Value) -> i64 {
    match value {
        Value::Ref(id) | Value::Long(id) => *id,
        other => panic!("{other} is no entity"),
    }
}

fn member(db: &Db, id: u64) -> i64 {
    let answer = db.q("[:find ?e . :in $ ?id :where [?e :ring/id ?id]]", &[Value::from(id as i64).into()]).expect("an answer");
    crate::moves::id(&answer.rows[0][0])
}

fn count(db: &Db, counter: u64) -> i64 {
    let query = "[:find ?n . :in $ ?id :where [?c :counter/id ?id] [?c :counter/n ?n]]";
    db.q(query, &[Value::from(counter as i64).into()]).expect("an answer").rows[0][0].as_long().expect("a number")
}

/// A pointer that changes: whose, from where, to where.
type Change = (i64, i64, i64);

/// What it takes to put `who` behind `target`; nothing if it stands there, or if the ring is broken.
fn changes(next: &BTreeMap<i64, i64>, who: i64, target: i64) -> Option<[Change; 3]> {
    let before = *next.iter().find(|(_, b)| **b == who)?.0;
    let (after, behind) = (*next.get(&who)?, *next.get(&target)?);
    (target != who && target != before).then_some([(before, who, after), (who, after, behind), (target, behind, who)])
}

/// `[:ring/move who target counter]`.
fn move_inside(db: &Db, args: &[Value], data: &mut TxData) -> Result<(), Failure> {
    let [Value::Long(who), Value::Long(target), Value::Long(counter)] = args else { return Err("wants three numbers".into()) };
    let next = ring(db)?;
    let changed = changes(&next, member(db, *who as u64), member(db, *target as u64)).ok_or("it stands there")?;
    for (e, _, to) in changed {
        data.add_text(&format!("[[:db/add {e} :ring/next {to}]]"))?;
    }
    let n = count(db, *counter as u64) + 1;
    data.add_text(&format!("[[:db/add [:counter/id {counter}] :counter/n {n}]]"))?;
    Ok(())
}

/// The text of a transaction that is made of what was read before; nothing if there is nothing to move.
fn move_outside(db: &Db, way: Way, who: u64, target: u64, counter: u64) -> Option<String> {
    let next = ring(db).ok()?;
    let mut operations: Vec<String> = changes(&next, member(db, who), member(db, target))?
        .iter()
        .map(|(e, from, to)| match way {
            Way::Blindly => format!("[:db/add {e} :ring/next {to}]"),
            _ => format!("[:db/cas {e} :ring/next {from} {to}]"),
        })
        .collect();
    let n = count(db, counter);
    operations.push(match way {
        Way::Blindly => format!("[:db/add [:counter/id {counter}] :counter/n {}]", n + 1),
        _ => format!("[:db/cas [:counter/id {counter}] :counter/n {n} {}]", n + 1),
    });
    Some(format!("[{}]", operations.join(" ")))
}

#[test]
fn runs_in_a_process_of_its_own() {
    let (Ok(way), Some(store)) = (std::env::var("RING_WAY"), std::env::var_os("RING_STORE")) else { return };
    let ways = [Way::ByFunction, Way::ByCompareAndSet, Way::Blindly];
    let way = *ways.iter().find(|known| format!("{known:?}") == way).expect("a way that is known");
    let functions = TransactionFunctions::new().with("ring/move", move_inside).expect("a function");
    let options = Options { durability: Durability::Normal, transaction_functions: functions, ..Options::default() };
    let connection = Connection::open_with(store, options).expect("the store");
    let mut dice = Dice::new(seed());
    let (mut moves, mut refused) = (0, 0);
    while moves < number("MOVES", 1) {
        let [who, target] = [0; 2].map(|_: u64| dice.below(MEMBERS));
        let counter = dice.below(COUNTERS);
        let outcome = match way {
            Way::ByFunction => connection.transact(&format!("[[:ring/move {who} {target} {counter}]]")),
            _ => match move_outside(&connection.db().expect("a view"), way, who, target, counter) {
                Some(text) => connection.transact(&text),
                None if way == Way::Blindly => {
                    // A ring that is broken may have nothing left to move.
                    moves += 1;
                    continue;
                }
                None => continue,
            },
        };
        match outcome {
            Ok(report) if report.t.is_some() => moves += 1,
            Ok(_) => assert_eq!(way, Way::Blindly, "every move changes something"),
            Err(error) if error.kind() == ErrorKind::CompareAndSwap => refused += 1,
            Err(error) if error.kind() == ErrorKind::TransactionFunction => {
                let cause = std::error::Error::source(&error).map_or(String::new(), ToString::to_string);
                assert!(cause.contains("it stands there"), "{error}: {cause}");
            }
            Err(error) if way == Way::Blindly && error.kind() == ErrorKind::Conflict => {}
            Err(error) => panic!("{error}"),
        }
    }
    let mut out = std::io::stdout();
    writeln!(out, "made: {moves} {refused}").and_then(|()| out.flush()).expect("somebody listens");
}
