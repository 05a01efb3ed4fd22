//! State at an instant: one key of 10,000 with 100 versions each.

use std::path::Path;

use annals::store::Durability;
use annals::transact::{EntityTerm, TxData, ValueTerm};
use annals::{Connection, Input, Options, Value};

use super::kept;
use crate::arguments::Arguments;
use crate::asked::Asked;
use crate::sheet::{Line, Sheet, Target};
use crate::sqlite;
use crate::turns::{Contestant, Turns};

const VERSIONS: i64 = 100;
const KEY: &str = "key-4321";
const BY_IDENTITY: &str = "[:find ?value . :in $ ?state :where [?state :state/value ?value]]";
const BY_KEY: &str =
    "[:find ?value . :in $ ?key :where [?s :state/namespace \"bench\"] [?s :state/key ?key] [?s :state/value ?value]]";

/// One key, as of the middle of its versions and now, beside a table of versions in SQLite.
pub fn sheet(arguments: &Arguments, turns: Turns) -> Sheet {
    let keys = arguments.scale.of(5_000, 10_000);
    let store = kept::made(arguments, &format!("state-{:08x}.db", kept::format_digest()), |path| tell(path, keys));
    let connection = Connection::open(store).expect("the store opens");
    let now = connection.db().expect("a value of the store");
    let middle = now.as_of(now.basis_t() - VERSIONS / 2).expect("a time in the past");
    let table = versions(keys);
    let reference = Value::from(vec![Value::keyword("state/id"), Value::from(vec!["bench".into(), Value::from(KEY)])]);
    let questions: [(&str, &str, Input); 2] =
        [("by its identity", BY_IDENTITY, reference.into()), ("by namespace and key", BY_KEY, Value::from(KEY).into())];
    let lines = questions.into_iter().filter(|(name, ..)| arguments.wants(name)).map(|(name, text, input)| {
        let (then, today) = (Asked::new(&middle, text, vec![input.clone()]), Asked::new(&now, text, vec![input]));
        let mut of_table =
            sqlite::prepare(&table, "SELECT value FROM state WHERE namespace=?1 AND key=?2 AND t<=?3 ORDER BY t DESC LIMIT 1");
        let mut contestants: Vec<Contestant<'_>> = vec![
            Box::new(|| then.rows()),
            Box::new(|| today.rows()),
            Box::new(|| Some(sqlite::rows_of(&mut of_table, &[&"bench", &KEY, &(VERSIONS / 2)]))),
        ];
        let took = turns.take(&mut contestants);
        Line {
            name: format!("one key {name}"),
            rows: took[0].map(|took| took.rows),
            figures: took.iter().map(|took| took.map(|took| took.ms)).collect(),
            target: Some(Target::AtMost(0.02)),
        }
    });
    Sheet {
        title: format!("State at an instant: one key of {keys}, with {VERSIONS} versions each"),
        about: "Prepared and warm. SQLite in memory: `state(namespace, key, t, value)` with the key `(namespace, key, t)`."
            .into(),
        of: "question",
        unit: "ms",
        ours: 1,
        columns: ["as of the middle", "now", "SQLite as of the middle"].map(str::to_owned).to_vec(),
        lines: lines.collect(),
    }
}

fn tell(path: &Path, keys: usize) {
    let connection =
        Connection::open_with(path, Options { durability: Durability::Normal, ..Options::default() }).expect("a store");
    let mut data = TxData::with_capacity(keys * 3);
    let states: Vec<EntityTerm> = (0..keys).map(|_| data.fresh()).collect();
    for (key, state) in states.iter().enumerate() {
        data.add(state.clone(), "state/namespace", ValueTerm::Value("bench".into()));
        data.add(state.clone(), "state/key", ValueTerm::Value(format!("key-{key}").into()));
        data.add(state.clone(), "state/value", ValueTerm::Value("0".into()));
    }
    let report = connection.transact_data(&data).expect("state goes in");
    let entities: Vec<i64> = states.iter().map(|state| report.id_of(state).expect("every key has an entity")).collect();
    for version in 1..VERSIONS {
        let mut data = TxData::with_capacity(keys);
        for entity in &entities {
            data.add(*entity, "state/value", ValueTerm::Value(format!("{version}").into()));
        }
        connection.transact_data(&data).expect("state goes in");
    }
}

fn versions(keys: usize) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open_in_memory().expect("SQLite in memory");
    connection
        .execute_batch("CREATE TABLE state (namespace, key, t, value, PRIMARY KEY (namespace, key, t)) WITHOUT ROWID; BEGIN")
        .expect("the schema is right");
    let mut insert = connection.prepare("INSERT INTO state VALUES ('bench', ?, ?, ?)").expect("the statement is right");
    for key in 0..keys {
        for version in 0..VERSIONS {
            insert.execute(rusqlite::params![format!("key-{key}"), version, version.to_string()]).expect("a version goes in");
        }
    }
    drop(insert);
    connection.execute_batch("COMMIT").expect("SQLite commits");
    connection
}
