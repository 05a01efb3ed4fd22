//! Questions: queries and pulls.

use std::fmt;
use std::sync::Arc;

use annals_query::ast::{self, PullPattern, Query, RuleSet};
use annals_query::engine::Options;
use annals_query::{Answer, Budget, Code, Error as QueryError, Explanation, Facts, Given, Table, Value, parse, pull};

use super::facts::as_query_error;
use super::{Db, EntityRef, Prepared};
use crate::error::Result;

/// What is given for a place of a query's `:in`, beside the value that is asked.
///
/// A text stands for itself; where the query expects rules (`%`) or a pull pattern it is read as such. Rows of data for a
/// further source are a vector of vectors.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input {
    /// Another database value, for a further source such as `$then`.
    Db(Db),
    /// A value.
    Value(Value),
    /// Rules that were read already, for `%`; a text of rules may be given as a value, too.
    Rules(RuleSet),
    /// A pull pattern that was read already; a text may be given as a value, too.
    Pattern(PullPattern),
    /// Another view of the value that is asked, for a further source such as `$history`: see [`Input::view`].
    View(DbView),
}

impl Input {
    /// A further source that is made of the value that is asked. Where the same question is asked again, of another value or by
    /// [`Connection::watch`](crate::Connection::watch), the source moves along. `view` must give the same for the same value.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// use annals::Input;
    /// let connection = annals::Connection::open(folder.path().join("annals.db"))?;
    /// connection.transact("[{:db/id \"a\" :light/colour :red}]")?;
    /// connection.transact("[[:db/add 8589934593 :light/colour :green]]")?;
    /// let was = "[:find [?c ...] :in $ $past :where [?l :light/colour :green] [$past ?l :light/colour ?c _ _ false]]";
    /// let answer = connection.db()?.q(was, &[Input::view(|db| Ok(db.history()))])?;
    /// assert_eq!(answer.to_edn(), "[:red]");
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn view(view: impl Fn(&Db) -> Result<Db> + Send + Sync + 'static) -> Self {
        Self::View(DbView::new(view))
    }
}

/// How a database value is looked at: from a value of a connection to one of its views.
#[derive(Clone)]
pub struct DbView(Arc<View>);

type View = dyn Fn(&Db) -> Result<Db> + Send + Sync;

impl DbView {
    /// `view` must give the same for the same value.
    pub fn new(view: impl Fn(&Db) -> Result<Db> + Send + Sync + 'static) -> Self {
        Self(Arc::new(view))
    }

    /// The view of a value.
    pub fn of(&self, db: &Db) -> Result<Db> {
        (self.0)(db)
    }
}

impl fmt::Debug for DbView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DbView")
    }
}

impl From<Db> for Input {
    fn from(db: Db) -> Self {
        Self::Db(db)
    }
}

impl From<&Db> for Input {
    fn from(db: &Db) -> Self {
        Self::Db(db.clone())
    }
}

impl<V: Into<Value>> From<V> for Input {
    fn from(value: V) -> Self {
        Self::Value(value.into())
    }
}

impl Db {
    /// Answers a query. This value is `$`; `inputs` are what else the query's `:in` names, in its order.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let connection = annals::Connection::open(folder.path().join("annals.db"))?;
    /// let query = "[:find ?doc . :in $ ?name :where [?a :db/ident ?name] [?a :db/doc ?doc]]";
    /// let answer = connection.db()?.q(query, &[annals::Value::Keyword("run/status".into()).into()])?;
    /// assert_eq!(answer.rows.len(), 1);
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn q(&self, query: &str, inputs: &[Input]) -> Result<Answer> {
        self.q_within(query, inputs, Options::default(), &Budget::default())
    }

    /// The same within a budget of rows, bytes and time, and with the engine's options.
    pub fn q_within(&self, query: &str, inputs: &[Input], options: Options, budget: &Budget) -> Result<Answer> {
        self.recent.prepared(query)?.q_within(self, inputs, options, budget)
    }

    /// Answers a query in columns: no row is made, and texts stay codes until somebody looks at one. For answers of many rows.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let connection = annals::Connection::open(folder.path().join("annals.db"))?;
    /// let table = connection.db()?.q_table("[:find ?a ?name :where [?a :db/ident ?name]]", &[])?;
    /// let ids = table.column(0).as_longs().expect("entities are longs");
    /// assert!(ids.len() == table.len() && ids.is_sorted());
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn q_table(&self, query: &str, inputs: &[Input]) -> Result<Table> {
        self.q_table_within(query, inputs, Options::default(), &Budget::default())
    }

    /// The same within a budget of rows, bytes and time, and with the engine's options.
    pub fn q_table_within(&self, query: &str, inputs: &[Input], options: Options, budget: &Budget) -> Result<Table> {
        self.recent.prepared(query)?.q_table_within(self, inputs, options, budget)
    }

    /// Reads and checks a query that is to be asked again and again, of this or any other value: see [`Prepared`]. `q` remembers the
    /// queries it was asked lately, so this is for those who want to be sure, or to have errors early.
    pub fn prepare(&self, query: &str) -> Result<Prepared> {
        let prepared = self.recent.prepared(query)?;
        prepared.check_for(self)?;
        Ok(prepared)
    }

    /// The same, where the query is checked when it is asked, with all that it is asked with.
    pub(crate) fn prepare_unchecked(&self, query: &str) -> Result<Prepared> {
        self.recent.prepared(query)
    }

    /// How a query is answered: its steps in their order, with the rows expected and found.
    pub fn explain(&self, query: &str, inputs: &[Input]) -> Result<Explanation> {
        self.recent.prepared(query)?.explain(self, inputs)
    }

    /// The same within a budget of rows, bytes and time, and with the engine's options: what the budget ends is explained as far as it came.
    pub fn explain_within(&self, query: &str, inputs: &[Input], options: Options, budget: &Budget) -> Result<Explanation> {
        self.recent.prepared(query)?.explain_within(self, inputs, options, budget)
    }

    /// What is known of an entity, in the shape of a pull pattern; nil for an unknown one.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let connection = annals::Connection::open(folder.path().join("annals.db"))?;
    /// let pulled = connection.db()?.pull("[:db/ident :db/doc]", ":run/status")?;
    /// assert!(pulled.to_string().contains(":db/ident :run/status"));
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn pull(&self, pattern: &str, entity: impl Into<EntityRef>) -> Result<Value> {
        Ok(self.pull_many(pattern, [entity])?.pop().unwrap_or(Value::Nil))
    }

    /// The same for several entities, in their order.
    pub fn pull_many<E: Into<EntityRef>>(&self, pattern: &str, entities: impl IntoIterator<Item = E>) -> Result<Vec<Value>> {
        let pattern = self::pattern(pattern)?;
        self.refuse_history("a pull")?;
        let ids: Vec<Option<i64>> = entities.into_iter().map(|entity| self.entity_id(entity)).collect::<Result<_>>()?;
        let known: Vec<i64> = ids.iter().copied().flatten().collect();
        let mut pulled = pull::pull_many_with(self, &pattern, &known, &self.functions, &Budget::default())?.into_iter();
        Ok(ids.into_iter().map(|id| id.and_then(|_| pulled.next()).unwrap_or(Value::Nil)).collect())
    }

    /// What is given for each place of `:in`: this value for `$`, and the inputs for the others. `shown` makes the source of this value
    /// and of the views made of it.
    pub(super) fn given_as(
        &self,
        query: &Query,
        inputs: &[Input],
        shown: &dyn Fn(Db) -> Arc<dyn Facts>,
        rules: &dyn Fn(&Value) -> annals_query::Result<RuleSet>,
    ) -> annals_query::Result<Vec<Given>> {
        let is_asked = |place: &ast::Input| matches!(place, ast::Input::Source(name, _) if &*name.0 == "$");
        let expected = query.inputs.iter().filter(|place| !is_asked(place)).count();
        if expected != inputs.len() {
            let message = format!("the query's :in names {expected} inputs beside $, and {} are given", inputs.len());
            return Err(
                QueryError::new(Code::InputCount, message).with_help("give one input for each place of :in, in its order")
            );
        }
        let mut inputs = inputs.iter();
        let mut given = Vec::with_capacity(query.inputs.len());
        for place in &query.inputs {
            given.push(match (is_asked(place), place) {
                (true, _) => Given::Facts(shown(self.clone())),
                (false, place) => match inputs.next().expect("the inputs were counted") {
                    Input::View(view) => Given::Facts(shown(view.of(self).map_err(|error| as_query_error(&error))?)),
                    Input::Db(db) => Given::Facts(Arc::new(db.clone())),
                    Input::Rules(rules) => Given::Rules(rules.clone()),
                    Input::Pattern(pattern) => Given::Pattern(pattern.clone()),
                    Input::Value(value) => as_given(place, value, rules)?,
                },
            });
        }
        Ok(given)
    }
}

fn as_given(
    place: &ast::Input,
    value: &Value,
    rules: &dyn Fn(&Value) -> annals_query::Result<RuleSet>,
) -> annals_query::Result<Given> {
    Ok(match (place, value) {
        (ast::Input::Rules(_), value) => Given::Rules(rules(value)?),
        (ast::Input::Pattern(..), Value::String(text)) => Given::Pattern(pattern(text)?),
        (ast::Input::Pattern(..), other) => Given::Pattern(pattern(&other.to_string())?),
        (ast::Input::Source(_, span), value) => {
            let rows = value.as_items().map(|rows| rows.iter().map(|row| row.as_items().map(<[Value]>::to_vec)).collect());
            let rows: Option<Option<Vec<Vec<Value>>>> = rows;
            Given::Relation(rows.flatten().ok_or_else(|| {
                QueryError::new(Code::InputShape, "a source is a database value or rows of data")
                    .with_value(value)
                    .at(*span)
                    .with_help("give rows as a vector of vectors: [[1 \"a\"] [2 \"b\"]]")
            })?)
        }
        (ast::Input::Binding(_), value) => Given::Value(value.clone()),
    })
}

fn pattern(text: &str) -> annals_query::Result<PullPattern> {
    parse::pull_pattern(text).map_err(|error| error.located_in(text))
}
