//! Transaction functions: what a program adds to the operations of a transaction.

use std::any::Any;
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use annals_query::Value;

use super::Db;
use crate::error::{Error, ErrorKind, Result};
use crate::transact::{self, TxData};

/// Whatever a program's function fails with.
type Failure = Box<dyn std::error::Error + Send + Sync>;

type Body = dyn Fn(&Db, &[Value], &mut TxData) -> std::result::Result<(), Failure> + Send + Sync;

/// The transaction functions of a program, by name. Cloning costs next to nothing.
///
/// A function sees the store before the transaction and its arguments as they were written (a temporary id is a string), and adds
/// what it asks for. It runs while the transaction is being committed, so nobody can come between what it reads and what it writes;
/// it must therefore be quick, and cannot transact itself. If it fails, nothing of the transaction remains.
///
/// ```
/// use annals::{Connection, Options, TransactionFunctions, Value};
/// let functions = TransactionFunctions::new().with("account/credit", |db, args, data| {
///     let [account, Value::Long(amount)] = args else { return Err("wants an account and an amount".into()) };
///     let query = "[:find ?b . :in $ ?a :where [?a :account/balance ?b]]";
///     let answer = db.q(query, &[account.clone().into()])?;
///     let balance = answer.rows.first().and_then(|row| row[0].as_long()).unwrap_or(0);
///     data.add_text(&format!("[[:db/add {account} :account/balance {}]]", balance + amount))?;
///     Ok(())
/// })?;
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// # let path = folder.path().join("annals.db");
/// let connection = Connection::open_with(path, Options { transaction_functions: functions, ..Options::default() })?;
/// connection.transact("[{:db/ident :ada :account/balance 10}]")?;
/// connection.transact("[[:account/credit :ada 5]]")?;
/// let answer = connection.db()?.q("[:find ?b . :where [:ada :account/balance ?b]]", &[])?;
/// assert_eq!(answer.to_edn(), "15");
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct TransactionFunctions(Arc<BTreeMap<Arc<str>, Arc<Body>>>);

impl TransactionFunctions {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more, called as `[:name argument ..]` or `(name argument ..)`. A name in `db` or `db.*`, one that no keyword can have and
    /// one that is taken are refused.
    pub fn with<F>(mut self, name: &str, function: F) -> Result<Self>
    where
        F: Fn(&Db, &[Value], &mut TxData) -> std::result::Result<(), Failure> + Send + Sync + 'static,
    {
        let refuse = |message: String, help: &str| {
            Err(Error::new(ErrorKind::TransactionFunction, message).with_value(name).with_help(help))
        };
        if name.starts_with("db/") || name.starts_with("db.") {
            return refuse(
                format!("`{name}` cannot be registered"),
                "names in db and db.* are kept for the store's own operations",
            );
        }
        let form = annals_query::edn::read(&format!(":{name}"));
        if !matches!(form, Ok(Value::Keyword(read)) if *read == *name) {
            return refuse(
                format!("`{name}` cannot be written as a keyword"),
                "name it as a keyword without colon: account/credit",
            );
        }
        if self.0.contains_key(name) {
            return refuse(format!("`{name}` is registered already"), "give each transaction function a name of its own");
        }
        Arc::make_mut(&mut self.0).insert(name.into(), Arc::new(function));
        Ok(self)
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|name| &**name)
    }

    /// The data with what functions ask for in the place of their calls.
    pub(crate) fn answered<'d>(&self, data: &'d TxData, before: impl Fn() -> Db) -> Result<Cow<'d, TxData>> {
        let mut db: Option<Db> = None;
        transact::answered(data, |name, args, wanted| {
            let function = self.0.get(name).ok_or_else(|| transact::unknown_operation(name, self.names()))?;
            let db = db.get_or_insert_with(&before);
            let _inside = Inside::enter();
            let result = catch_unwind(AssertUnwindSafe(|| function(db, args, wanted)));
            match result {
                Ok(Ok(())) => Ok(()),
                Ok(Err(failure)) => Err(failed(name, &failure.to_string()).caused_by(failure)),
                // Others wait for the same commit, so a panic ends this transaction alone.
                Err(panic) => Err(failed(name, &format!("it panicked: {}", text_of(&*panic)))),
            }
        })
    }
}

impl fmt::Debug for TransactionFunctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

fn failed(name: &str, why: &str) -> Error {
    Error::new(ErrorKind::TransactionFunction, format!("the transaction function `{name}` failed: {why}"))
        .with_value(format_args!(":{name}"))
        .with_help("nothing of the transaction was kept; the reason is the function's own")
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given")
}

thread_local! {
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, this thread runs what a program registered inside a commit.
pub(crate) struct Inside {
    was_inside: bool,
}

impl Inside {
    pub(crate) fn enter() -> Self {
        Self { was_inside: IS_INSIDE.replace(true) }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        IS_INSIDE.set(self.was_inside);
    }
}

/// A transaction function that transacts would wait for the commit of which it is a part.
pub(crate) fn refuse_inside() -> Result<()> {
    if !IS_INSIDE.get() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::TransactionFunction, "a transaction function cannot transact")
        .with_help("add to the data that the function is given; it becomes part of the same transaction"))
}
