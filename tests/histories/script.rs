//! Stories as text: one command a line, continued on lines that begin with a space, followed by what is expected.
//!
//! ```text
//! story NAME                  a fresh store
//! tx TRANSACTION              transacts; {name} in any later text stands for the entity that a temporary id became
//! with NAME @VIEW TRANSACTION what would be: NAME is a view from then on
//! keep NAME                   the value as of now: NAME is a view from then on
//! q @VIEW QUERY               asks; lines `in VALUE` or `in @VIEW` say the inputs
//! pull @VIEW PATTERN ENTITY   entity @VIEW ENTITY      id @VIEW ENTITY
//! datoms @VIEW ORDER VALUE..  range @VIEW ATTRIBUTE LOW HIGH     log @VIEW FROM TO
//! = ANSWER                    ! CODE PLACE SENTENCE
//! ```
//!
//! A view is a chain: `@NAME`, `@as-of:T`, `@since:T`, `@history`, `@only-added`, `@said` (with m), `@unsaid`. A place is line and column, or `-`. Every error
//! must also say what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Bound;
use std::sync::Arc;

use annals::query::edn;
use annals::query::{Answer, answer::Shape};
use annals::store::Durability;
use annals::{Connection, Datom, Db, EntityRef, Error, Input, Options, Order, Result, Value};

/// Tells a whole file, and compares it to what really happened.
pub(crate) fn tell(name: &str, script: &str) {
    let mut story = Story::begin();
    let mut told = String::new();
    let mut lines = script.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("= ") || line.starts_with("! ") {
            continue;
        }
        let mut command = line.to_owned();
        let _ = writeln!(told, "{line}");
        while let Some(more) = lines.next_if(|next| next.starts_with(' ') || next.starts_with("in ")) {
            let _ = writeln!(told, "{more}");
            command = format!("{command}\n{more}");
        }
        told.push_str(&story.follow(&command));
    }
    if told != script {
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.told"));
        std::fs::write(&path, &told).expect("the folder for temporary files can be written");
        let differs = script.lines().zip(told.lines()).enumerate().find(|(_, (expected, found))| expected != found);
        panic!("{name}: {differs:?}; what happened is in {}", path.display());
    }
}

struct Story {
    _folder: tempfile::TempDir,
    connection: Connection,
    ids: BTreeMap<String, i64>,
    names: BTreeMap<i64, String>,
    views: BTreeMap<String, Db>,
}

impl Story {
    fn begin() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options { durability: Durability::Normal, ..Options::default() };
        let connection = Connection::open_with(folder.path().join("annals.db"), options).expect("the store opens");
        Self { _folder: folder, connection, ids: BTreeMap::new(), names: BTreeMap::new(), views: BTreeMap::new() }
    }

    /// Does what a command says; what came of it, as lines.
    fn follow(&mut self, command: &str) -> String {
        let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
        let rest = self.with_ids(rest);
        let outcome = match word {
            "story" => {
                let verified = annals::verify(self.connection.path(), None).expect("a report");
                assert_eq!(verified.problem, None, "the story before is sound");
                *self = Self::begin();
                return String::new();
            }
            "tx" => self.connection.transact(&rest).map(|report| self.told(&report)),
            "with" => self.with(&rest),
            "keep" => self.connection.db().map(|db| {
                self.views.insert(rest, db);
                Vec::new()
            }),
            "q" | "pull" | "entity" | "id" | "datoms" | "range" | "log" => self.ask(word, &rest),
            _ => return String::new(),
        };
        match outcome {
            Ok(lines) => lines.iter().fold(String::new(), |told, line| told + "= " + line + "\n"),
            Err(error) => self.error(&error),
        }
    }

    fn with_ids(&self, text: &str) -> String {
        self.ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(&format!("{{{name}}}"), &id.to_string()))
    }

    fn told(&mut self, report: &annals::Report) -> Vec<String> {
        for (name, id) in &report.tempids {
            self.ids.insert(name.clone(), *id);
            self.names.entry(*id).or_insert_with(|| name.clone());
        }
        assert_eq!(report.t.is_some(), !report.is_empty(), "a transaction takes a t if it says something");
        let lines = self.lines(&report.db_after, &report.datoms);
        if report.is_empty() { vec!["nothing".to_owned()] } else { lines }
    }

    fn with(&mut self, rest: &str) -> Result<Vec<String>> {
        let (name, rest) = rest.split_once(' ').expect("a name and a transaction");
        let (view, text) = self.view(rest)?;
        let report = view.with(text)?;
        self.views.insert(name.to_owned(), report.db_after.clone());
        Ok(self.told(&report))
    }

    /// The value that the words with `@` before a text say, and the text.
    fn view<'t>(&self, text: &'t str) -> Result<(Db, &'t str)> {
        let (mut db, mut rest) = (self.connection.db()?, text);
        while let Some(word) = rest.strip_prefix('@') {
            let (word, after) = word.split_once([' ', '\n']).unwrap_or((word, ""));
            rest = after;
            let moment = || word.split_once(':').and_then(|(_, t)| t.parse::<i64>().ok()).expect("a t");
            db = match word {
                "history" => db.history(),
                "only-added" => db.filter(|datom| datom.added),
                "said" => db.filter(|datom| datom.m != 0 || datom.e >> 32 == 1),
                "unsaid" => db.filter(|datom| datom.m == 0),
                word if word.starts_with("as-of:") => db.as_of(moment())?,
                word if word.starts_with("since:") => db.since(moment())?,
                name => self.views[name].clone(),
            };
        }
        Ok((db, rest))
    }

    fn ask(&self, word: &str, rest: &str) -> Result<Vec<String>> {
        let (db, text) = self.view(rest)?;
        if word == "q" {
            let mut parts = text.split("\nin ");
            let query = parts.next().unwrap_or_default();
            let inputs: Vec<Input> = parts.map(|input| self.input(input)).collect::<Result<_>>()?;
            return db.q(query, &inputs).map(|answer| vec![self.answer(answer)]);
        }
        let values: Vec<Value> = edn::read_forms(text)?.into_iter().map(edn::Form::into_value).collect();
        let one = |value: &Value| vec![self.named(value).to_string()];
        Ok(match (word, &*values) {
            ("pull", [pattern, entity]) => one(&db.pull(&pattern.to_string(), EntityRef::try_from(entity)?)?),
            ("entity", [entity]) => {
                one(&db.entity(EntityRef::try_from(entity)?)?.map_or(Value::Nil, |map| Value::Map(Arc::new(map))))
            }
            ("id", [entity]) => one(&db.entity_id(EntityRef::try_from(entity)?)?.map_or(Value::Nil, Value::Long)),
            ("datoms", [order, components @ ..]) => self.lines(&db, &db.datoms(named_order(order), components)?),
            ("range", [attribute, low, high]) => {
                let bound = |value: &Value, bound: fn(Value) -> Bound<Value>| match value {
                    Value::Nil => Bound::Unbounded,
                    value => bound(value.clone()),
                };
                let range = (bound(low, Bound::Included), bound(high, Bound::Excluded));
                self.lines(&db, &db.index_range(&attribute.to_string(), range)?)
            }
            ("log", [from, to]) => {
                let (from, to) = (from.as_long().expect("a t"), to.as_long().expect("a t"));
                let transactions = db.tx_range(from..to)?;
                transactions
                    .iter()
                    .flat_map(|one| [vec![format!("t {}", one.t)], self.lines(&db, &one.datoms)].concat())
                    .collect()
            }
            _ => panic!("a command that is not known: {word} {text}"),
        })
    }

    fn input(&self, text: &str) -> Result<Input> {
        Ok(if text.starts_with('@') { Input::Db(self.view(text)?.0) } else { Input::Value(edn::read(text)?) })
    }

    fn answer(&self, answer: Answer) -> String {
        let is_single = matches!(answer.shape, Shape::Collection | Shape::Scalar);
        let row = |row: Vec<Value>| {
            let value = if is_single { row.into_iter().next().unwrap_or(Value::Nil) } else { Value::Vector(row.into()) };
            self.named(&value).to_string()
        };
        let mut rows: Vec<String> = answer.rows.into_iter().map(row).collect();
        rows.sort();
        let warned = answer.warnings.iter().fold(String::new(), |told, warning| told + " warned " + warning.code);
        if rows.is_empty() { format!("none{warned}") } else { rows.join(" ") + &warned }
    }

    /// Datoms with names, but for the instants of transactions.
    fn lines(&self, db: &Db, datoms: &[Datom]) -> Vec<String> {
        let shown = datoms.iter().filter(|datom| datom.a != annals::schema::attribute::TX_INSTANT);
        let line = |datom: &Datom| {
            let name = |id: i64| match (db.schema().ident(id), self.names.get(&id)) {
                (Some(ident), _) => format!(":{ident}"),
                (None, Some(name)) => name.clone(),
                (None, None) => id.to_string(),
            };
            let value = if let Value::Ref(id) = &datom.v { name(*id) } else { self.named(&datom.v).to_string() };
            let m = if datom.m == 0 { String::new() } else { format!(" m {}", name(datom.m)) };
            let sign = if datom.added { '+' } else { '-' };
            format!("{sign} {} {} {value} t {}{m}", name(datom.e), name(datom.a), datom.t)
        };
        shown.map(line).collect()
    }

    /// A value in which entities have the names that transactions gave them.
    fn named(&self, value: &Value) -> Value {
        let all = |items: &[Value]| items.iter().map(|item| self.named(item)).collect::<Vec<Value>>();
        match value {
            Value::Long(id) | Value::Ref(id) => match self.names.get(id) {
                Some(name) => Value::Symbol(name.as_str().into()),
                None => Value::Long(*id),
            },
            Value::Vector(items) => Value::Vector(all(items).into()),
            Value::List(items) => Value::List(all(items).into()),
            Value::Set(items) => Value::Set(Arc::new(items.iter().map(|item| self.named(item)).collect::<BTreeSet<_>>())),
            Value::Map(map) => {
                Value::Map(Arc::new(map.iter().map(|(key, value)| (self.named(key), self.named(value))).collect()))
            }
            other => other.clone(),
        }
    }

    fn error(&self, error: &Error) -> String {
        assert!(error.help().is_some_and(|help| !help.is_empty()), "{error} says what to do");
        let place = error.position().map_or("-".to_owned(), |position| format!("{}:{}", position.line, position.column));
        let value = error.value().map_or(String::new(), |value| format!(" | {value}"));
        let message = error.to_string();
        let message = message.split_once(" is after now").map_or(message.as_str(), |(said, _)| said);
        let text = format!("! {} {place} {message}{value}", error.code());
        self.names.iter().fold(text, |text, (id, name)| text.replace(&id.to_string(), name)).replace('\n', " ") + "\n"
    }
}

fn named_order(order: &Value) -> Order {
    match order.as_text() {
        Some("aevt") => Order::Aevt,
        Some("avet") => Order::Avet,
        Some("vaet") => Order::Vaet,
        _ => Order::Eavt,
    }
}
