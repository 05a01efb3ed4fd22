//! The promise: a transaction function runs inside the commit, sees the store before the transaction, and what it asks for is as if
//! it had been written there; if it fails, nothing of the transaction remains and the program's own error comes back. The attack:
//! calls in every form and order, functions that call functions, that fail, panic, transact, or never end, and threads that all
//! credit one account.

use std::fmt;
use std::sync::{Arc, OnceLock};

use annals::{Connection, Db, Error, ErrorKind, Options, TransactionFunctions, Value, transact::TxData};

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Body = fn(&Db, &[Value], &mut TxData) -> Result<(), Failure>;

#[derive(Debug, PartialEq)]
struct Overdrawn(i64);

impl fmt::Display for Overdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is missing", self.0)
    }
}

impl std::error::Error for Overdrawn {}

fn balance(db: &Db, account: &Value) -> Result<i64, Failure> {
    let answer = db.q("[:find ?b . :in $ ?a :where [?a :account/balance ?b]]", &[account.clone().into()])?;
    Ok(answer.rows.first().and_then(|row| row[0].as_long()).unwrap_or(0))
}

/// `[:account/credit account amount]`.
fn credit(db: &Db, args: &[Value], data: &mut TxData) -> Result<(), Failure> {
    let [account, Value::Long(amount)] = args else { return Err("wants an account and an amount".into()) };
    let after = balance(db, account)? + amount;
    if after < 0 {
        return Err(Overdrawn(-after).into());
    }
    data.add_text(&format!("[[:db/add {account} :account/balance {after}]]"))?;
    Ok(())
}

/// `[:account/move from to amount]`: two calls.
fn transfer(_: &Db, args: &[Value], data: &mut TxData) -> Result<(), Failure> {
    let [from, to, Value::Long(amount)] = args else { return Err("wants two accounts and an amount".into()) };
    data.call("account/credit", [from.clone(), Value::Long(-amount)]);
    data.call("account/credit", [to.clone(), Value::Long(*amount)]);
    Ok(())
}

/// `[:note "tempid" text ..]`: facts of a temporary id of the transaction, and of one of its own.
fn note(_: &Db, args: &[Value], data: &mut TxData) -> Result<(), Failure> {
    let Some((Value::String(about), texts)) = args.split_first() else { return Err("wants a temporary id".into()) };
    for text in texts {
        let own = data.fresh();
        data.add(own.clone(), "note/text", text.clone());
        data.add(own, "note/about", annals::transact::EntityTerm::temp(about));
    }
    Ok(())
}

fn functions() -> TransactionFunctions {
    let all: [(&str, Body); 6] = [
        ("account/credit", credit),
        ("account/move", transfer),
        ("note", note),
        ("bad/panic", |_, _, _| panic!("out of paper")),
        ("bad/endless", |_, _, data| {
            data.call("bad/endless", []);
            Ok(())
        }),
        ("bad/doubling", |_, _, data| {
            data.call("bad/doubling", []).call("bad/doubling", []);
            Ok(())
        }),
    ];
    all.into_iter().fold(TransactionFunctions::new(), |functions, (name, body)| functions.with(name, body).expect("a good name"))
}

struct Bank {
    _folder: tempfile::TempDir,
    connection: Connection,
}

impl Bank {
    fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = Options { transaction_functions: functions(), ..Options::default() };
        let connection = Connection::open_with(folder.path().join("annals.db"), options).expect("a store");
        connection.transact("[{:db/ident :ada :account/balance 10} {:db/ident :bob :account/balance 0}]").expect("two accounts");
        Self { _folder: folder, connection }
    }

    fn balances(&self) -> (i64, i64) {
        let db = self.connection.db().expect("a value");
        let of = |name: &str| balance(&db, &Value::keyword(name)).expect("a balance");
        (of("ada"), of("bob"))
    }

    #[track_caller]
    fn becomes(transaction: &str, ada: i64, bob: i64) {
        let bank = Self::open();
        bank.connection.transact(transaction).unwrap_or_else(|error| panic!("{transaction}: {error}"));
        assert_eq!(bank.balances(), (ada, bob), "{transaction}");
    }

    #[track_caller]
    fn refuses(transaction: &str, kind: ErrorKind, place: &str, message: &str) -> Error {
        let bank = Self::open();
        let before = bank.connection.db().expect("a value").basis_t();
        let error = bank.connection.transact(transaction).expect_err(transaction);
        let position = error.position().map(|at| format!("{}:{}", at.line, at.column)).unwrap_or_default();
        assert_eq!((error.kind(), &*position), (kind, place), "{transaction}: {error}");
        assert!(error.message().contains(message), "{transaction}: {error}");
        assert!(error.help().is_some(), "{transaction}: no remedy");
        assert_eq!((bank.balances(), bank.connection.db().expect("a value").basis_t()), ((10, 0), before), "{transaction}");
        error
    }
}

#[test]
fn a_call_is_what_its_function_asks_for() {
    Bank::becomes("[[:account/credit :ada 5]]", 15, 0);
    Bank::becomes("[:account/credit :ada 5]", 15, 0);
    Bank::becomes("[(account/credit :ada 5)]", 15, 0);
    Bank::becomes("(account/credit :ada 5)", 15, 0);
    Bank::becomes("[[account/credit :ada 5]]", 15, 0);
    Bank::becomes("[[:db/call :account/credit :ada 5]]", 15, 0);
    Bank::becomes("[[:db.fn/call account/credit :ada 5]]", 15, 0);
    Bank::becomes("[[:account/move :ada :bob 4]]", 6, 4);
    Bank::becomes("[[:account/move :ada :bob 4] {:db/ident :eve :account/balance 1}]", 6, 4);
}

#[test]
fn every_call_sees_the_store_before_the_transaction_in_whatever_order() {
    let both = "[:account/credit :ada 5]";
    Bank::becomes(&format!("[{both} {both}]"), 15, 0);
    for transaction in
        ["[[:account/credit :ada 5] [:account/credit :ada 6]]", "[[:account/credit :ada 6] [:account/credit :ada 5]]"]
    {
        Bank::refuses(transaction, ErrorKind::Conflict, "1:27", ":account/balance holds one value");
    }
    let cases = [
        ("[[:account/credit :ada -11] [:account/credit :bob -2]]", "1:3"),
        ("[[:account/credit :bob -2] [:account/credit :ada -11]]", "1:29"),
    ];
    for (transaction, place) in cases {
        Bank::refuses(transaction, ErrorKind::TransactionFunction, place, "1 is missing");
    }
}

#[test]
fn temporary_ids_are_those_of_the_transaction_and_fresh_ones_of_the_function_alone() {
    let bank = Bank::open();
    let report =
        bank.connection.transact(r#"[{:db/id "x" :name "x"} [:note "x" "one" "two"] [:note "x" "three"]]"#).expect("notes");
    let query = "[:find ?text :in $ ?x :where [?n :note/about ?x] [?n :note/text ?text] :order-by ?text]";
    let answer = report.db_after.q(query, &[report.tempids["x"].into()]).expect("an answer");
    assert_eq!(answer.to_edn(), "[[\"one\"]\n [\"three\"]\n [\"two\"]]");
}

#[test]
fn what_a_program_builds_calls_as_well_as_text_and_so_does_a_value_that_is_asked_what_if() {
    let bank = Bank::open();
    let mut data = TxData::new();
    let fresh = data.fresh();
    data.add(fresh, "name", "new").call("account/credit", [Value::keyword("bob"), Value::Long(3)]);
    let db = bank.connection.db().expect("a value");
    let after = db.with_data(&data).expect("what would be").db_after;
    assert_eq!(balance(&after, &Value::keyword("bob")).expect("a balance"), 3);
    let twice = after.with("[[:account/credit :bob 3]]").expect("what would be then").db_after;
    assert_eq!(balance(&twice, &Value::keyword("bob")).expect("a balance"), 6);
    assert_eq!(bank.balances(), (10, 0));
    bank.connection.transact_data(&data).expect("it is committed");
    assert_eq!(bank.balances(), (10, 3));
    let then = bank.connection.db().expect("a value").as_of(2).expect("a moment");
    let after = then.with("[[:account/credit :bob 1]]").expect("what would have been").db_after;
    assert_eq!(balance(&after, &Value::keyword("bob")).expect("a balance"), 1);
}

#[test]
fn a_failure_keeps_nothing_and_gives_back_the_programs_own_error() {
    let error = Bank::refuses(
        "[{:db/ident :eve :account/balance 1}\n [:account/move :ada :bob 50]]",
        ErrorKind::TransactionFunction,
        "2:2",
        "`account/credit` failed: 40 is missing",
    );
    let own = std::error::Error::source(&error).and_then(|own| own.downcast_ref::<Overdrawn>());
    assert_eq!(own, Some(&Overdrawn(40)));
    Bank::refuses("[[:account/credit :ada]]", ErrorKind::TransactionFunction, "1:3", "wants an account and an amount");
    Bank::refuses("[[:account/credti :ada 5]]", ErrorKind::UnknownTransactionFunction, "1:3", "no operation :account/credti");
    Bank::refuses("[[:account/credit [:no/such 1] 5]]", ErrorKind::Entity, "1:2", ":no/such");
    Bank::refuses("[[:bad/panic]]", ErrorKind::TransactionFunction, "1:3", "it panicked: out of paper");
    Bank::refuses("[[:bad/endless]]", ErrorKind::TransactionFunction, "1:2", "64 deep");
    Bank::refuses("[[:bad/doubling]]", ErrorKind::TransactionLimit, "", "more than 1000000 operations");
    let error = Bank::refuses("[[:account/moev :ada :bob 1]]", ErrorKind::UnknownTransactionFunction, "1:3", ":account/moev");
    assert_eq!(error.help(), Some("did you mean :account/move?"));
}

#[test]
fn what_a_function_asks_for_is_checked_like_anything_else_and_the_error_stands_at_the_call() {
    let functions = TransactionFunctions::new().with("say", |_, args, data| {
        data.add_text(&args[0].to_string())?;
        Ok(())
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Options { transaction_functions: functions.expect("a good name"), ..Options::default() };
    let connection = Connection::open_with(folder.path().join("annals.db"), options).expect("a store");
    connection.transact("[{:db/ident :n :db/valueType :db.type/long}]").expect("a declaration");
    let error = connection.transact("[{:n 1}\n  [:say [{:n 1 :other {:n \"x\"}}]]]").expect_err("a text is no long");
    assert_eq!((error.kind(), error.position().map(|at| (at.line, at.column))), (ErrorKind::ValueType, Some((2, 3))));
}

#[test]
fn names_that_cannot_be_called_are_refused() {
    let none = |_: &Db, _: &[Value], _: &mut TxData| Ok(());
    for name in ["db/add", "db.fn/x", "", "a b", ":x", "x y/z", "("] {
        let error = TransactionFunctions::new().with(name, none).expect_err(name);
        assert!(error.help().is_some(), "{name}");
    }
    assert!(TransactionFunctions::new().with("twice", none).and_then(|once| once.with("twice", none)).is_err());
}

#[test]
fn a_function_that_transacts_is_refused_instead_of_waiting_for_itself() {
    let inner: Arc<OnceLock<Connection>> = Arc::default();
    let shared = Arc::clone(&inner);
    let functions = TransactionFunctions::new().with("again", move |_, _, _| {
        shared.get().expect("a connection").transact("[{:x 1}]")?;
        Ok(())
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Options { transaction_functions: functions.expect("a good name"), ..Options::default() };
    let connection = Connection::open_with(folder.path().join("annals.db"), options).expect("a store");
    inner.set(connection.clone()).expect("set once");
    let error = connection.transact("[[:again]]").expect_err("it cannot transact");
    assert!(error.message().contains("cannot transact"), "{error}");
    connection.transact("[{:x 1}]").expect("the connection goes on");
}

#[test]
fn threads_that_credit_one_account_lose_nothing() {
    let bank = Bank::open();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            // Some would overdraw :bob, and are refused.
            scope.spawn(|| (0..25).filter(|_| bank.connection.transact("[[:account/move :ada :bob -1]]").is_ok()).count());
            scope.spawn(|| (0..25).for_each(|_| drop(bank.connection.transact("[[:account/credit :bob 1]]").expect("a credit"))));
        }
    });
    let (ada, bob) = bank.balances();
    assert_eq!(ada + bob, 10 + 200, "{ada} {bob}");
}
