//! The SQL views against the log. Their text is compared with that of the migrations before; here, what they show is.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;

use annals_query::{Value, ValueType};
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;

use super::{Problem, Stop};
use crate::datom::Datom;
use crate::schema::attribute;
use crate::store::encode_value;
use crate::store::migrate;
use crate::store::read::Reader;
use crate::store::row::{COLUMNS, read_datom, read_value};

/// The facts of an entity that hold.
pub(super) type Held = BTreeMap<(i64, Value), Added>;

/// How a fact came to hold.
#[derive(Clone, Copy)]
pub(super) struct Added {
    pub(super) t: i64,
    pub(super) m: i64,
    /// True for what has no row among the entities: [`Shown::new`] counts it.
    pub(super) is_counted: bool,
}

/// The first version that has the views of runs, lines and state.
const WITH_CONTRACT: usize = 2;

/// Rows in any order: as many, and of the same sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rows {
    count: u64,
    sum: u64,
}

impl Rows {
    fn add(&mut self, row: &impl Hash) {
        let mut hasher = DefaultHasher::new();
        row.hash(&mut hasher);
        self.count += 1;
        self.sum = self.sum.wrapping_add(hasher.finish());
    }
}

/// What the views must show, by the log.
#[derive(Default)]
pub(super) struct Shown {
    /// True where a state shows without a key: the views of older formats asked for its id alone.
    has_keyless_states: bool,
    /// The ids that runs have now.
    run_ids: HashMap<i64, Arc<str>>,
    facts: Rows,
    current: Rows,
    idents: Rows,
    attributes: Rows,
    runs: Rows,
    lines: Rows,
    states: Rows,
}

impl Shown {
    pub(super) fn new(reader: &Reader, version: usize) -> Result<Self, Stop> {
        let has_keyless_states = !migrate::has_entities(version);
        let mut shown = Self { has_keyless_states, run_ids: run_ids(reader)?, ..Self::default() };
        // What transactions say of themselves has no row among the entities, and always holds.
        let sql = format!(
            "SELECT {COLUMNS} FROM txs o CROSS JOIN datoms d ON d.id = o.last - o.datoms + 1 AND d.e = o.t
             WHERE NOT EXISTS (SELECT 1 FROM entities n WHERE n.e = d.e AND n.id = d.id)"
        );
        reader.each(&sql, (), |row| {
            let datom = read_datom(row)?;
            shown.said(&datom);
            shown.holds(datom.e, &datom.v, datom.t, datom.m);
            Ok(())
        })?;
        Ok(shown)
    }

    pub(super) fn said(&mut self, datom: &Datom) {
        self.facts.add(&(datom.e, bytes(&datom.v), datom.t, datom.m, datom.added));
    }

    fn holds(&mut self, e: i64, v: &Value, t: i64, m: i64) {
        self.current.add(&(e, bytes(v), t, m));
    }

    /// Takes in an entity with what holds of it.
    pub(super) fn entity(&mut self, e: i64, held: &Held) {
        for ((_, v), added) in held.iter().filter(|(_, added)| !added.is_counted) {
            self.holds(e, v, added.t, added.m);
        }
        let value = |a: i64| held.range((a, Value::Nil)..).next().filter(|((found, _), _)| *found == a).map(|((_, v), _)| v);
        let text = |a: i64| value(a).and_then(Value::as_text);
        if let Some(name) = text(attribute::IDENT) {
            self.idents.add(&(e, name));
            if value(attribute::CARDINALITY).is_some() {
                self.attributes.add(&(e, name));
            }
        }
        if let Some(id) = text(attribute::RUN_ID) {
            let [path, mode, status] = [attribute::RUN_PROJECT_PATH, attribute::RUN_MODE, attribute::RUN_STATUS].map(text);
            self.runs.add(&(id, path, mode, status));
        }
        if let (Some(Value::Long(seq)), Some(Value::Ref(run))) = (value(attribute::LOG_SEQ), value(attribute::LOG_RUN))
            && run >> 32 == e >> 32
            && let Some(id) = self.run_ids.get(run)
        {
            self.lines.add(&(&**id, *seq, text(attribute::LOG_LEVEL), text(attribute::LOG_MESSAGE)));
        }
        let is_state = value(attribute::STATE_ID).is_some() && value(attribute::STATE_VALUE).is_some();
        if is_state && (self.has_keyless_states || value(attribute::STATE_KEY).is_some()) {
            self.states.add(&(text(attribute::STATE_NAMESPACE), text(attribute::STATE_KEY)));
        }
    }
}

/// The entities that have a `:run/id` now.
fn run_ids(reader: &Reader) -> Result<HashMap<i64, Arc<str>>, Stop> {
    let mut said = reader.datoms_of_indexed(attribute::RUN_ID, i64::MAX)?;
    // The index gives them by value. A transaction retracts before it adds.
    said.sort_by_key(|datom| (datom.t, datom.added));
    let mut ids = HashMap::new();
    for datom in said {
        match datom.v {
            Value::String(id) if datom.added => drop(ids.insert(datom.e, id)),
            _ => drop(ids.remove(&datom.e)),
        }
    }
    Ok(ids)
}

/// Every view shows as many rows as the log says, and these. The views are those of the migrations, so they may run.
pub(super) fn check(reader: &Reader, version: usize, expected: &Shown) -> Result<(), Stop> {
    reader.connection().set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, true)?;
    let outcome = compare(reader, version, expected);
    reader.connection().set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    outcome
}

fn compare(reader: &Reader, version: usize, expected: &Shown) -> Result<(), Stop> {
    let named = |columns: &[Cell]| matches!(columns, [Cell::Integer(_), Cell::Text(_)]);
    let name = |text: &Cell| text.text().map(|text| text.trim_start_matches(':').to_owned());
    let of_name = |columns: &[Cell], rows: &mut Rows| {
        if named(columns) {
            rows.add(&(columns[0].integer(), name(&columns[1]).as_deref().unwrap_or_default()));
        }
    };
    let check = |view: &str, columns: &str, expected: Rows, add: &dyn Fn(&[Cell], &mut Rows)| {
        let mut shown = Rows::default();
        each(reader, &format!("SELECT {columns} FROM {view}"), |cells| add(cells, &mut shown))?;
        if shown == expected {
            return Ok(());
        }
        let what = format!("the view {view} shows {} rows, and the log has {}, or not the same", shown.count, expected.count);
        Err(Problem::derived("verify/views", None, what))
    };
    check("facts", "e, v, type, t, m, added", expected.facts, &|cells, rows| {
        rows.add(&(
            cells[0].integer(),
            cells[1].value(&cells[2]),
            cells[3].integer(),
            cells[4].integer(),
            cells[5].integer() == 1,
        ));
    })?;
    check("current_facts", "e, v, type, t, m", expected.current, &|cells, rows| {
        rows.add(&(cells[0].integer(), cells[1].value(&cells[2]), cells[3].integer(), cells[4].integer()));
    })?;
    check("idents", "id, ident", expected.idents, &of_name)?;
    check("attributes", "id, ident", expected.attributes, &of_name)?;
    if version < WITH_CONTRACT {
        return Ok(());
    }
    check("runs", "id, project_path, mode, status", expected.runs, &|cells, rows| {
        rows.add(&(cells[0].text().unwrap_or_default(), cells[1].text(), cells[2].text(), cells[3].text()));
    })?;
    check("run_logs", "run_id, seq, level, message", expected.lines, &|cells, rows| {
        rows.add(&(cells[0].text().unwrap_or_default(), cells[1].integer(), cells[2].text(), cells[3].text()));
    })?;
    check("state_kv", "namespace, key", expected.states, &|cells, rows| rows.add(&(cells[0].text(), cells[1].text())))
}

/// A cell of a row.
enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Cell {
    fn integer(&self) -> i64 {
        if let Self::Integer(n) = self { *n } else { 0 }
    }

    fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The encoding of the value that this and the name of its type say.
    fn value(&self, kind: &Self) -> Vec<u8> {
        let kind = kind.text().and_then(ValueType::from_name).map_or(0, |kind| i64::from(kind as u8));
        let raw = match self {
            Self::Null => ValueRef::Null,
            Self::Integer(n) => ValueRef::Integer(*n),
            Self::Real(n) => ValueRef::Real(*n),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        };
        read_value(kind, raw).map_or_else(|_| Vec::new(), |value| bytes(&value))
    }
}

fn each(reader: &Reader, sql: &str, mut take: impl FnMut(&[Cell])) -> Result<(), Stop> {
    let mut statement = reader.connection().prepare(sql)?;
    let count = statement.column_count();
    let mut rows = statement.query(())?;
    let mut cells = Vec::with_capacity(count);
    while let Some(row) = rows.next()? {
        cells.clear();
        for column in 0..count {
            cells.push(match row.get_ref(column)? {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(n) => Cell::Integer(n),
                ValueRef::Real(n) => Cell::Real(n),
                ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Blob(bytes) => Cell::Blob(bytes.to_owned()),
            });
        }
        take(&cells);
    }
    Ok(())
}

/// The value's own bytes: only identical values have the same.
fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What the log holds can be encoded: it was, for its record.
    let _ = encode_value(value, &mut bytes);
    bytes
}
