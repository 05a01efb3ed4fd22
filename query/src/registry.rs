//! What a query may call: the built-in words, and what a program registers beside them.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::aggregate::{self, AnyAggregate, RegisteredAggregate};
use crate::edn;
use crate::error::{Code, Error, Result};
use crate::function::{self, AnyFunction, Arity, RegisteredFunction};
use crate::value::Value;

/// What a program's own function may fail with: any error, or a text.
type Failure = Box<dyn StdError + Send + Sync>;

/// Words of the language that are no functions, so that nothing can be registered under them.
const WORDS: [&str; 8] = ["and", "or", "or-join", "not", "not-join", "pull", "q", "quote"];

/// The functions, predicates and aggregates that a query may call: all that are built in, and what a program registers beside
/// them. Clones share everything.
///
/// ```
/// use annals_query::engine::{self, Options};
/// use annals_query::function::Arity;
/// use annals_query::{Budget, Functions, Given, Value, check, parse};
///
/// let functions = Functions::new()
///     .with_function("shop/gross", Arity::exactly(1), |args| match args {
///         [Value::Long(net)] => Ok(Value::Long(net * 119 / 100)),
///         _ => Err("a price is a whole number"),
///     })?
///     .with_predicate("shop/cheap?", Arity::exactly(1), |args| Ok::<_, String>(args[0] < Value::from(100)))?;
///
/// let query = parse::query("[:find ?what ?gross :where [?what ?net] [(shop/cheap? ?net)] [(shop/gross ?net) ?gross]]")?;
/// let checked = check::check_with(query, Default::default(), &functions)?;
/// let prices = Given::Relation(vec![vec!["tea".into(), 50.into()], vec!["gold".into(), 5000.into()]]);
/// let options = Options { functions, ..Options::default() };
/// let answer = engine::answer(&checked, &[prices], &options, &Budget::default())?;
/// assert_eq!(answer.rows, [[Value::from("tea"), 59.into()]]);
/// # Ok::<(), annals_query::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Functions(Arc<Registered>);

#[derive(Clone, Default)]
struct Registered {
    functions: BTreeMap<Arc<str>, Arc<RegisteredFunction>>,
    aggregates: BTreeMap<Arc<str>, Arc<RegisteredAggregate>>,
}

impl Functions {
    /// What is built in, and nothing else.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a function of values: `[(shop/gross ?net) ?gross]`. A result of nil drops the row.
    ///
    /// It may stand wherever a built-in one may: in clauses, in rules, as `:xform` of a pull. Equal arguments must always give the
    /// equal result: how often it is called is the engine's choice. What it fails with becomes the source of a
    /// [`Code::FunctionFailed`]; a panic goes through to the caller.
    ///
    /// A name that is taken, or that cannot be written in a query, is refused. Built-in names have no namespace, so a name with
    /// one, such as `shop/gross`, stays free.
    ///
    /// ```
    /// use annals_query::function::Arity;
    /// use annals_query::{Functions, Value};
    /// let double = |args: &[Value]| args[0].as_long().map(|n| Value::from(n * 2)).ok_or("not a number");
    /// let functions = Functions::new().with_function("my/double", Arity::exactly(1), double)?;
    /// assert_eq!(functions.function("my/double").expect("registered").call(&[21.into()])?, Value::from(42));
    /// assert!(functions.with_function("count", Arity::exactly(1), double).is_err());
    /// # Ok::<(), annals_query::Error>(())
    /// ```
    pub fn with_function<E: Into<Failure>>(
        self,
        name: &str,
        arity: Arity,
        compute: impl Fn(&[Value]) -> std::result::Result<Value, E> + Send + Sync + 'static,
    ) -> Result<Self> {
        self.check_new("function", name)?;
        let compute = move |args: &[Value]| compute(args).map_err(Into::into);
        Ok(self.and_function(RegisteredFunction::new(name.into(), arity, Box::new(compute))))
    }

    /// Registers a predicate of values: `[(shop/cheap? ?net)]` keeps the rows for which it gives true. It may also be named by
    /// `:db.attr/preds`, if it takes one argument.
    ///
    /// ```
    /// use annals_query::function::Arity;
    /// use annals_query::{Functions, Value};
    /// let is_short = |args: &[Value]| Ok::<_, String>(args[0].as_text().is_some_and(|text| text.len() < 4));
    /// let functions = Functions::new().with_predicate("my/short?", Arity::exactly(1), is_short)?;
    /// assert_eq!(functions.function("my/short?").expect("registered").call(&["abc".into()])?, Value::from(true));
    /// # Ok::<(), annals_query::Error>(())
    /// ```
    pub fn with_predicate<E: Into<Failure>>(
        self,
        name: &str,
        arity: Arity,
        holds: impl Fn(&[Value]) -> std::result::Result<bool, E> + Send + Sync + 'static,
    ) -> Result<Self> {
        self.with_function(name, arity, move |args| holds(args).map(Value::Boolean))
    }

    /// Registers an aggregate of one variable: `(shop/mode ?x)` in `:find`. It gets the bag of a group's values, at least one, ascending in
    /// the total order: so its answer does not depend on the order of clauses.
    ///
    /// ```
    /// use annals_query::{Functions, Value};
    /// let first = |values: &[Value]| Ok::<_, String>(values[0].clone());
    /// let functions = Functions::new().with_aggregate("my/first", first)?;
    /// let aggregate = functions.aggregate("my/first").expect("registered");
    /// assert_eq!(aggregate.call(&[], &[3.into(), 1.into()])?, Value::from(1));
    /// # Ok::<(), annals_query::Error>(())
    /// ```
    pub fn with_aggregate<E: Into<Failure>>(
        self,
        name: &str,
        compute: impl Fn(&[Value]) -> std::result::Result<Value, E> + Send + Sync + 'static,
    ) -> Result<Self> {
        self.with_aggregate_of(name, Arity::exactly(0), move |_, values| compute(values))
    }

    /// The same for an aggregate with constants before its variable: `(shop/most 3 ?x)`. `constants` says how many it takes.
    ///
    /// ```
    /// use annals_query::function::Arity;
    /// use annals_query::{Functions, Value};
    /// let nth = |constants: &[Value], values: &[Value]| {
    ///     let place = constants[0].as_long().and_then(|n| usize::try_from(n).ok());
    ///     Ok::<_, String>(place.and_then(|place| values.get(place)).cloned().unwrap_or(Value::Nil))
    /// };
    /// let functions = Functions::new().with_aggregate_of("my/nth", Arity::exactly(1), nth)?;
    /// let aggregate = functions.aggregate("my/nth").expect("registered");
    /// assert_eq!(aggregate.call(&[1.into()], &["b".into(), "a".into()])?, Value::from("b"));
    /// # Ok::<(), annals_query::Error>(())
    /// ```
    pub fn with_aggregate_of<E: Into<Failure>>(
        self,
        name: &str,
        constants: Arity,
        compute: impl Fn(&[Value], &[Value]) -> std::result::Result<Value, E> + Send + Sync + 'static,
    ) -> Result<Self> {
        self.check_new("aggregate", name)?;
        let compute = move |constants: &[Value], values: &[Value]| compute(constants, values).map_err(Into::into);
        let aggregate = RegisteredAggregate::new(name.into(), constants, Box::new(compute));
        let mut registered = self.0;
        Arc::make_mut(&mut registered).aggregates.insert(name.into(), Arc::new(aggregate));
        Ok(Self(registered))
    }

    /// These and the other ones; where both have a name, the other one's holds.
    #[must_use]
    pub fn joined(&self, other: Self) -> Self {
        if self.is_built_in() || Arc::ptr_eq(&self.0, &other.0) {
            return other;
        }
        if other.is_built_in() {
            return self.clone();
        }
        let mut registered = Registered::clone(&self.0);
        registered.functions.extend(other.0.functions.iter().map(|(name, function)| (Arc::clone(name), Arc::clone(function))));
        registered.aggregates.extend(other.0.aggregates.iter().map(|(name, found)| (Arc::clone(name), Arc::clone(found))));
        Self(Arc::new(registered))
    }

    /// The function or predicate with this name.
    pub fn function(&self, name: &str) -> Option<AnyFunction> {
        let registered = || self.0.functions.get(name).cloned().map(AnyFunction::Registered);
        function::lookup(name).map(AnyFunction::BuiltIn).or_else(registered)
    }

    /// The aggregate with this name.
    pub fn aggregate(&self, name: &str) -> Option<AnyAggregate> {
        let registered = || self.0.aggregates.get(name).cloned().map(AnyAggregate::Registered);
        aggregate::lookup(name).map(AnyAggregate::BuiltIn).or_else(registered)
    }

    /// Every function's name, what was registered last.
    pub fn function_names(&self) -> impl Iterator<Item = &str> {
        let registered = self.0.functions.keys().map(|name| &**name);
        function::names().map(|name| -> &str { name }).chain(registered)
    }

    /// Every aggregate's name, what was registered last.
    pub fn aggregate_names(&self) -> impl Iterator<Item = &str> {
        let registered = self.0.aggregates.keys().map(|name| &**name);
        aggregate::names().map(|name| -> &str { name }).chain(registered)
    }

    /// True if nothing was registered.
    pub fn is_built_in(&self) -> bool {
        self.0.functions.is_empty() && self.0.aggregates.is_empty()
    }

    fn and_function(self, function: RegisteredFunction) -> Self {
        let mut registered = self.0;
        Arc::make_mut(&mut registered).functions.insert(function.name().into(), Arc::new(function));
        Self(registered)
    }

    /// Refuses a name that is taken or that nobody could write.
    fn check_new(&self, kind: &str, name: &str) -> Result<()> {
        let taken_by = if WORDS.contains(&name) {
            Some("is a word of the language")
        } else if function::lookup(name).is_some() {
            Some("is a built-in function")
        } else if aggregate::lookup(name).is_some() {
            Some("is a built-in aggregate")
        } else if match kind {
            "function" => self.0.functions.contains_key(name),
            _ => self.0.aggregates.contains_key(name),
        } {
            Some("is registered already")
        } else {
            None
        };
        if let Some(taken_by) = taken_by {
            return Err(Error::new(Code::FunctionName, format!("no {kind} can be registered as `{name}`, which {taken_by}"))
                .with_value(name)
                .with_help(format!(
                    "choose another name, best with a namespace: my/{}",
                    name.rsplit('/').next().unwrap_or(name)
                )));
        }
        if is_plain_symbol(name) {
            return Ok(());
        }
        Err(Error::new(Code::FunctionName, format!("no {kind} can be registered as `{name}`, which no query can write"))
            .with_value(Value::from(name))
            .with_help("a name is a symbol such as shop/discount: no white space, no brackets, and no ?, $ or % in front"))
    }
}

/// A symbol that is neither a variable, a source, the rules nor a blank.
fn is_plain_symbol(name: &str) -> bool {
    let is_reserved = name.starts_with(['?', '$', '%']) || matches!(name, "_" | "." | "..." | "*");
    !is_reserved && matches!(edn::read(name), Ok(Value::Symbol(text)) if *text == *name)
}

/// Two are equal if they were made by the same calls: what functions do cannot be compared.
impl PartialEq for Functions {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.is_built_in() && other.is_built_in()
    }
}

impl Eq for Functions {}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.functions.keys().chain(self.0.aggregates.keys());
        f.debug_tuple("Functions").field(&names.collect::<Vec<_>>()).finish()
    }
}
