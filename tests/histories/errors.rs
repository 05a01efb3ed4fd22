//! Every error has a code, a place where text was given, and a remedy. Attacked by raising each kind that the library can raise, and by
//! a list of those that only other doors raise: a kind that is in neither fails the test.

use std::collections::BTreeSet;

use annals::store::{Access, Store};
use annals::{Connection, Error, ErrorKind, Moment};

/// Kinds that are raised elsewhere, and where they are tested.
const ELSEWHERE: [(ErrorKind, &str); 7] = [
    (ErrorKind::NewerStore, "tests/store.rs: a file of a newer version"),
    (ErrorKind::Damaged, "tests/store_verify.rs: a file whose records were changed"),
    (ErrorKind::Io, "tests/contract_setting.rs and the command line: what the operating system refuses"),
    (ErrorKind::HandlePoisoned, "tests/store.rs: a write after one that failed"),
    (ErrorKind::Busy, "tests/store_processes.rs: a lock that another process keeps"),
    (ErrorKind::TransactionFunction, "tests/transaction_functions.rs: functions that fail, panic, never end or transact"),
    (ErrorKind::Ambiguous, "tests/contract_run.rs and tests/cli.rs: the beginning of several ids"),
];

/// Transactions and what refuses them: kind, text, line and column of the place.
const TRANSACTIONS: [(ErrorKind, &str, &str); 14] = [
    (ErrorKind::TransactionSyntax, "[[:db/add \"x\" :p/v]]", "1:2"),
    (ErrorKind::Conflict, "[[:db/add \"x\" :p/v 1]\n [:db/add \"x\" :p/v 2]]", "2:2"),
    (ErrorKind::Uniqueness, "[{:p/k 1\n  :p/u 2}]", "2:8"),
    (ErrorKind::ValueType, "[{:p/k 1\n  :p/long \"text\"}]", "2:11"),
    (ErrorKind::NotAValue, "[{:p/k 1 :p/v nil}]", "1:15"),
    (ErrorKind::CompareAndSwap, "[{:p/k 3}\n[:db/cas [:p/k 1] :p/v 2 3]]", "2:1"),
    (ErrorKind::Check, "[{:db/id \"x\" :p/v 1\n :db/ensure :p/spec}]", "2:13"),
    (ErrorKind::Declaration, "[{:db/ident :p/v\n :db/unique :db.unique/value}]", "2:13"),
    (ErrorKind::Entity, "[[:db/add [:p/k 77] :p/v 1]]", "1:2"),
    (ErrorKind::InstantOrder, "[[:db/add \"datomic.tx\" :db/txInstant #inst \"1950-01-01\"]]", "1:2"),
    (ErrorKind::Sequence, "[{:db/id \"r\" :run/id \"r\"} {:log/run \"r\"\n :log/seq 5}]", "2:11"),
    (ErrorKind::UnknownTransactionFunction, "[[:my/function 1 2]]", "1:3"),
    (ErrorKind::TransactionLimit, "[{:p/k 1 :p/v [1 2 3 4 5 6 7 8 9]}]", "1:15"),
    (ErrorKind::Query(annals::query::Code::EdnSyntax), "[{:p/k 1\n :p/v}]", "2:2"),
];

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn store(folder: &tempfile::TempDir) -> Connection {
    let connection = Connection::open(folder.path().join("annals.db")).expect("the store opens");
    let declared = "[{:db/ident :p/k :db/unique :db.unique/identity} {:db/ident :p/u :db/unique :db.unique/identity}
        {:db/ident :p/long :db/valueType :db.type/long} {:db/ident :p/spec :db.entity/attrs [:p/k :p/u]}]";
    connection.transact(declared).expect("a declaration");
    connection.transact("[{:p/k 1 :p/u 1 :p/v 1} {:p/k 2 :p/u 2 :p/v 1}]").expect("two facts");
    connection
}

#[test]
fn a_refused_transaction_names_code_place_and_remedy_and_leaves_nothing() {
    let folder = folder();
    let connection = store(&folder);
    let before = connection.db().expect("a value").basis_t();
    for (kind, text, place) in TRANSACTIONS {
        for error in [connection.transact(text).expect_err(text), connection.db().expect("a value").with(text).expect_err(text)] {
            assert_eq!(error.kind(), kind, "{text}: {error}");
            let position = error.position().expect("there was a text");
            assert_eq!((text, format!("{}:{}", position.line, position.column)), (text, place.to_owned()), "{error}");
            assert!(error.help().is_some(), "{text}: {error} says what to do");
            assert!(error.span().is_some_and(|span| (span.end as usize) <= text.len()), "{text}: the place lies in the text");
        }
    }
    let after = connection.db().expect("a value");
    assert_eq!(after.basis_t(), before);
    assert!(after.schema().entity("my/function").is_none());
}

/// One error of each kind that is not about a transaction's text.
fn others() -> Vec<Error> {
    let folder = folder();
    let connection = store(&folder);
    let db = connection.db().expect("a value");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("text.db"), "this is no store, but some text of a certain length").expect("a file");
    let mut other: &[u8] = b";; annals datoms 1\n{:t 2}";
    vec![
        Store::open(at("missing.db"), Access::ReadWrite).expect_err("there is nothing"),
        Connection::open_existing(at("missing.db")).expect_err("there is nothing"),
        Connection::open(folder.path()).expect_err("a folder"),
        Connection::open(at("text.db")).expect_err("a text"),
        Connection::open_read_only(at("annals.db")).and_then(|it| it.transact("[{:p/k 9}]")).expect_err("read only"),
        db.as_of(Moment::T(-1)).expect_err("before the first"),
        connection.db_at_least(1000, std::time::Duration::from_millis(1)).expect_err("it does not come"),
        annals::exchange::import(&connection, &mut other).expect_err("no stream"),
        annals::contract::find_run(&db, "nobody").expect_err("no run"),
        db.datoms(annals::Order::Eavt, &vec![annals::Value::from(1); 5]).expect_err("five components"),
    ]
}

#[test]
fn every_kind_of_error_is_raised_by_some_test_with_a_remedy() {
    let mut raised: BTreeSet<&str> = TRANSACTIONS.iter().map(|(kind, ..)| kind.code()).collect();
    raised.extend(ELSEWHERE.iter().map(|(kind, _)| kind.code()));
    for error in others() {
        assert!(error.help().is_some_and(|help| !help.is_empty()), "{}: {error} says what to do", error.code());
        assert!(error.message().len() > 10, "{error} is a sentence");
        raised.insert(error.code());
    }
    let missing: Vec<&str> = ErrorKind::ALL.iter().map(|kind| kind.code()).filter(|code| !raised.contains(code)).collect();
    assert!(missing.is_empty(), "nothing raises {missing:?}");
}
