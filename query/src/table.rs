//! Answers in columns: what a query found, a typed column for each find element, and no row made before somebody looks at one.

use std::sync::Arc;

use serde::ser::{SerializeSeq as _, SerializeStruct as _};
use serde::{Serialize, Serializer};

use crate::answer::{Answer, Shape, Warning};
use crate::column::Column;
use crate::value::Value;

/// The result of a query in columns: names, and for each a [`Column`] of longs, doubles, booleans, instants, texts or mixed values.
///
/// Texts stay codes into a dictionary until a value is asked for, and columns share their arrays with what was read: an answer of a
/// million rows is no million allocations. Through serde it has the shape that the query asked for, as an [`Answer`] has;
/// [`Table::by_column`] serializes it column by column.
///
/// ```
/// use annals_query::{Budget, Column, Given, Value, engine};
/// let people = Given::Relation(vec![vec!["ada".into(), 36.into()], vec!["bob".into(), 17.into()]]);
/// let table = engine::query_table("[:find ?who ?age :where [?who ?age]]", &[people], &Budget::default())?;
/// assert_eq!((table.header(), table.len()), (&["?who".to_owned(), "?age".to_owned()][..], 2));
/// let Some(Column::Long(ages)) = table.named("?age") else { panic!("ages are longs") };
/// assert_eq!(ages.iter().sum::<i64>(), 53);
/// assert_eq!(table.row(0).value(0), Value::from("ada"));
/// # Ok::<(), annals_query::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    header: Arc<[String]>,
    shape: Shape,
    columns: Vec<Column>,
    rows: usize,
    warnings: Vec<Warning>,
}

impl Table {
    /// Columns of `rows` values each, a name for each.
    pub(crate) fn new(header: Arc<[String]>, shape: Shape, columns: Vec<Column>, rows: usize) -> Self {
        debug_assert!(header.len() == columns.len() && columns.iter().all(|column| column.len() == rows));
        Self { header, shape, columns, rows, warnings: Vec::new() }
    }

    /// The same with something that the asker should know.
    #[must_use]
    pub(crate) fn with_warnings(mut self, warnings: Vec<Warning>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    /// The names of the columns: the find elements as written, `?e`, `(count ?x)`.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The shape that the query asked for.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// What the asker should know: attributes the store has never seen.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The columns, in the order of the find elements.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// One column, counted from 0.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    pub fn column(&self, at: usize) -> &Column {
        &self.columns[at]
    }

    /// The first column of this name.
    pub fn named(&self, name: &str) -> Option<&Column> {
        self.header.iter().position(|own| own == name).map(|at| &self.columns[at])
    }

    /// One row, counted from 0. Nothing is copied before one of its values is asked for.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    pub fn row(&self, at: usize) -> Row<'_> {
        assert!(at < self.rows, "row {at} of {}", self.rows);
        Row { table: self, at }
    }

    /// The rows, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.rows).map(|at| Row { table: self, at })
    }

    /// Keeps the first `rows` rows.
    pub fn truncate(&mut self, rows: usize) {
        if rows < self.rows {
            self.rows = rows;
            self.columns.iter_mut().for_each(|column| *column = column.part(0..rows));
        }
    }

    /// The same for serde, column by column: `{"header": ["?who"], "columns": [["ada", "bob"]]}`.
    pub fn by_column(&self) -> ByColumn<'_> {
        ByColumn(self)
    }

    /// The rows in the shape that was asked for, as one value: see [`Answer::into_value`].
    pub fn into_value(self) -> Value {
        Answer::from(self).into_value()
    }
}

impl From<Table> for Answer {
    /// A vector for each row, and a value in each place.
    fn from(table: Table) -> Self {
        let rows = rows_of(&table);
        let Table { header, shape, warnings, .. } = table;
        Self { header: header.to_vec(), shape, rows, warnings }
    }
}

/// Row vectors are filled column by column, as a loop that knows its kind is the quicker one.
fn rows_of(table: &Table) -> Vec<Vec<Value>> {
    let width = table.columns.len();
    let mut rows: Vec<Vec<Value>> = (0..table.rows).map(|_| Vec::with_capacity(width)).collect();
    for column in &table.columns {
        let mut filled = rows.iter_mut();
        column.each(|value| filled.next().expect("a row for each value").push(value));
    }
    rows
}

/// One row of a [`Table`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'t> {
    table: &'t Table,
    at: usize,
}

impl Row<'_> {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.table.columns.len()
    }

    /// True if the query asks for nothing, which no query does.
    pub fn is_empty(&self) -> bool {
        self.table.columns.is_empty()
    }

    /// The value in one column, counted from 0. Texts are shared, not copied.
    ///
    /// # Panics
    ///
    /// If there are not so many columns.
    pub fn value(&self, column: usize) -> Value {
        self.table.columns[column].value(self.at)
    }

    /// The values, in the order of the columns.
    pub fn values(&self) -> impl ExactSizeIterator<Item = Value> {
        let at = self.at;
        self.table.columns.iter().map(move |column| column.value(at))
    }

    /// The values in an array of their own.
    pub fn to_vec(&self) -> Vec<Value> {
        self.values().collect()
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.values())
    }
}

/// A [`Table`] as serde sees it column by column.
#[derive(Clone, Copy, Debug)]
pub struct ByColumn<'t>(&'t Table);

impl Serialize for ByColumn<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = serializer.serialize_struct("Table", 2)?;
        table.serialize_field("header", &self.0.header[..])?;
        table.serialize_field("columns", &self.0.columns)?;
        table.end()
    }
}

/// An array of the column's values. Texts are written from the dictionary.
impl Serialize for Column {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut items = serializer.serialize_seq(Some(self.len()))?;
        for value in self.values() {
            items.serialize_element(&value)?;
        }
        items.end()
    }
}

/// What has rows of values, in whatever way it holds them.
pub(crate) trait Grid {
    /// The shape that was asked for.
    fn shape(&self) -> &Shape;
    /// Number of rows.
    fn row_count(&self) -> usize;
    /// The values of a row.
    fn cells(&self, row: usize) -> impl Iterator<Item = Value>;
}

impl Grid for Table {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn row_count(&self) -> usize {
        self.rows
    }

    fn cells(&self, row: usize) -> impl Iterator<Item = Value> {
        self.columns.iter().map(move |column| column.value(row))
    }
}

impl Grid for Answer {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn row_count(&self) -> usize {
        self.rows.len()
    }

    fn cells(&self, row: usize) -> impl Iterator<Item = Value> {
        self.rows[row].iter().cloned()
    }
}
