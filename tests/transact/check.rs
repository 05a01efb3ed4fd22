//! How a case is checked: a setup, a transaction, and what it must come to.

use annals::schema::attribute;
use annals::transact::{Before, Prepared, TxData, prepare};
use annals::{Datom, ErrorKind, Partition, Value};

use crate::store::{NOW, Store};

/// Attributes that the cases use, beside those that nobody declares.
pub(crate) const SCHEMA: &str = "[
  {:db/ident :user/email :db/valueType :db.type/string :db/unique :db.unique/identity}
  {:db/ident :user/number :db/valueType :db.type/long :db/unique :db.unique/identity}
  {:db/ident :user/handle :db/valueType :db.type/string :db/unique :db.unique/value}
  {:db/ident :user/name :db/valueType :db.type/string}
  {:db/ident :user/age :db/valueType :db.type/long :db.attr/preds pos?}
  {:db/ident :user/nick :db/valueType :db.type/string :db/cardinality :db.cardinality/many}
  {:db/ident :user/boss :db/valueType :db.type/ref}
  {:db/ident :user/friend :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}
  {:db/ident :user/address :db/valueType :db.type/ref :db/isComponent true}
  {:db/ident :user/score :db/valueType :db.type/double}
  {:db/ident :user/big :db/valueType :db.type/bigint}
  {:db/ident :user/exact :db/valueType :db.type/bigdec}
  {:db/ident :user/point :db/tupleTypes [:db.type/long :db.type/string]}
  {:db/ident :user/path :db/tupleType :db.type/keyword}
  {:db/ident :seat/row :db/valueType :db.type/long}
  {:db/ident :seat/column :db/valueType :db.type/string}
  {:db/ident :seat/place :db/tupleAttrs [:seat/row :seat/column] :db/unique :db.unique/identity}
  {:db/ident :user/complete :db.entity/attrs [:user/name :user/email]}
  {:db/ident :color/red} {:db/ident :color/blue}]";

/// The facts that a transaction must add (`+`) and retract (`-`), one a line; entities by their temporary ids, new ones without
/// as `_`. The instant, and that an attribute comes into being, need not be said.
#[track_caller]
pub(crate) fn check(setup: &str, transaction: &str, expected: &str) {
    let store = Store::after(&[SCHEMA, setup]);
    let data = TxData::read(transaction).unwrap_or_else(|error| panic!("{transaction}\n  cannot be read: {error}"));
    let found = match prepare(&store, &data, NOW) {
        Ok(prepared) => show(&store, &prepared),
        Err(error) => panic!("{transaction}\n  is refused: {error} ({})", error.code()),
    };
    let mut wanted: Vec<String> = expected.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    wanted.sort();
    assert!(found == wanted, "{transaction}\n  gives\n{}\n  not\n{}", found.join("\n"), wanted.join("\n"));
}

/// How a transaction must be refused: its kind, where (`line:column`), and texts that the sentence with value and the remedy hold.
#[track_caller]
pub(crate) fn refuse(setup: &str, transaction: &str, kind: ErrorKind, place: &str, texts: [&str; 2]) {
    let store = Store::after(&[SCHEMA, setup]);
    let result = TxData::read(transaction).and_then(|data| prepare(&store, &data, NOW));
    let error = match result {
        Err(error) => error,
        Ok(prepared) => panic!("{transaction}\n  is not refused but gives\n{}", show(&store, &prepared).join("\n")),
    };
    let position = error.position().map_or_else(|| "nowhere".to_owned(), |at| format!("{}:{}", at.line, at.column));
    let message = format!("{error} | {}", error.value().unwrap_or("no value"));
    let help = error.help().unwrap_or("no remedy");
    let found = format!("{}\n  at {position}\n  {message}\n  {help}", error.code());
    assert_eq!(error.kind(), kind, "{transaction}\n{found}");
    assert_eq!(position, place, "{transaction}\n{found}");
    assert!(message.contains(texts[0]), "{transaction}\n{found}\n  wanted in the message: {}", texts[0]);
    assert!(help.contains(texts[1]), "{transaction}\n{found}\n  wanted in the remedy: {}", texts[1]);
}

/// The datoms as lines, sorted, but the instant and what only says that an attribute came into being.
pub(crate) fn show(store: &Store, prepared: &Prepared) -> Vec<String> {
    let names = Names { store, prepared };
    let is_birth = |datom: &Datom| {
        let is_new = store.schema().ident(datom.e).is_none() && Partition::of(datom.e) == Partition::SCHEMA;
        is_new && [attribute::IDENT, attribute::CARDINALITY].contains(&datom.a) && names.temp(datom.e).is_none()
    };
    let shown = prepared.datoms.iter().filter(|datom| datom.a != attribute::TX_INSTANT && !is_birth(datom));
    let mut lines: Vec<String> = shown.map(|datom| names.line(datom)).collect();
    lines.sort();
    lines
}

struct Names<'a> {
    store: &'a Store,
    prepared: &'a Prepared,
}

impl Names<'_> {
    fn line(&self, datom: &Datom) -> String {
        let sign = if datom.added { '+' } else { '-' };
        let m = if datom.m == 0 { String::new() } else { format!(" m {}", self.entity(datom.m)) };
        format!("{sign} {} {} {}{m}", self.entity(datom.e), self.entity(datom.a), self.value(&datom.v))
    }

    fn temp(&self, id: i64) -> Option<&str> {
        self.prepared.tempids.iter().find(|(_, known)| **known == id).map(|(name, _)| name.as_str())
    }

    fn entity(&self, id: i64) -> String {
        if id == self.prepared.t {
            return "tx".to_owned();
        }
        if let Some(name) = self.store.schema().ident(id) {
            return format!(":{name}");
        }
        let said_now = self.prepared.datoms.iter().find(|datom| datom.e == id && datom.a == attribute::IDENT && datom.added);
        if let Some(datom) = said_now {
            return datom.v.to_string();
        }
        self.store.name(id).or_else(|| self.temp(id)).unwrap_or("_").to_owned()
    }

    fn value(&self, value: &Value) -> String {
        match value {
            Value::Ref(id) => self.entity(*id),
            Value::Vector(items) => format!("[{}]", items.iter().map(|item| self.value(item)).collect::<Vec<_>>().join(" ")),
            other => other.to_string(),
        }
    }
}
