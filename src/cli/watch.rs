//! `watch`: what transactions change of the answer to a question, as they come.

use std::sync::Arc;
use std::time::Duration;

use annals::query::{Given, Shape, Span, ast, parse};
use annals::{Change, Connection, Db, Error, Input, Lens, Moment, Value, Watch, WatchOptions};

use super::arguments::{Format, WatchArguments};
use super::ask::{given, rules_and_inputs, tell_warnings, text_or_file, timeout};
use super::failure::{Failure, InText as _, Outcome, usage};
use super::output::{RowShape, RowWriter, line, plain, printable};
use super::session::Session;
use super::{library, moment};

/// How often a wait looks whether Ctrl-C was pressed.
const GLANCE: Duration = Duration::from_millis(100);

/// A question that is watched, and the texts in which its errors have their places.
struct Question {
    name: String,
    text: String,
    rules: ast::RuleSet,
    inputs: Vec<Input>,
    options: WatchOptions,
}

/// `annals watch`.
pub(super) fn watch(session: &Session, arguments: &WatchArguments) -> Outcome {
    if session.global.as_of.is_some() {
        return Err(usage(
            "what was as of a moment does not change",
            "leave --as-of out; --from T begins with the answer as of T, and goes on with what changed since",
        ));
    }
    let connection = session.connection()?;
    let question = question(session, &connection, arguments)?;
    let watched = connection.watch_with(&question.text, &question.inputs, question.options.clone());
    let watch = watched.map_err(|error| question.failed(error))?;
    tell_warnings(watch.warnings());
    let limit = arguments.limit.unwrap_or(usize::MAX);
    match session.format() {
        Format::Table => print_lines(session, watch, limit, &question),
        format @ (Format::Csv | Format::Markdown) => print_cells(session, watch, limit, format, &question),
        format => print_changes(session, watch, limit, format, &question),
    }
}

fn question(session: &Session, connection: &Connection, arguments: &WatchArguments) -> Outcome<Question> {
    let WatchArguments { question: asked, from, .. } = arguments;
    let (name, text) = text_or_file(&asked.query, "query")?;
    let query = parse::query(&text).in_text(&name, &text)?;
    let now = connection.db()?;
    let mut in_reach = query.clone();
    if !asked.rules.is_empty() && !query.inputs.iter().any(|place| matches!(place, ast::Input::Rules(_))) {
        // Rules that were named are in reach, whether or not the query says where.
        in_reach.inputs.push(ast::Input::Rules(Span::default()));
    }
    let (rules, inputs) = rules_and_inputs(&now, &in_reach, asked)?;
    let stores = library::stores(&asked.with_stores)?;
    let given = given(&query, &rules, (&now, &stores), &inputs)?;
    let inputs = query
        .inputs
        .iter()
        .zip(given)
        .filter_map(|(place, given)| input(place, given, &|name| library::source(&now, &stores, name)).transpose());
    let inputs = inputs.collect::<Outcome<Vec<Input>>>()?;
    let lens = session.global.lens.as_ref().map(|lens| library::lens(&now, lens)).transpose()?;
    let from_t = match from {
        Some(text) => Some(now.as_of(moment::moment(text, &now)?)?.until_t().max(1)),
        None => None,
    };
    let since = session.global.since.as_ref().map(|text| moment::moment(text, &now)).transpose()?;
    let mut options = WatchOptions {
        from_t,
        timeout: timeout(asked)?,
        limit_rows: asked.max_rows,
        strict: asked.strict,
        rules: rules.clone(),
        closed: Arc::clone(&session.interrupted),
        ..WatchOptions::default()
    };
    let is_history = asked.history;
    if since.is_some() || lens.is_some() || is_history {
        options = options.with_view(move |db| seen(db, since, lens.as_ref(), is_history));
    }
    Ok(Question { name, text, rules, inputs, options })
}

fn seen(db: &Db, since: Option<Moment>, lens: Option<&Lens>, is_history: bool) -> annals::Result<Db> {
    let mut db = db.clone();
    if let Some(since) = since {
        db = db.since(since)?;
    }
    if let Some(lens) = lens {
        db = db.through(lens);
    }
    Ok(if is_history { db.history() } else { db })
}

/// What the library takes for a place of `:in`; nothing for `$`. Views of the store move along, other stores stay as they are.
fn input(place: &ast::Input, given: Given, source: &dyn Fn(&str) -> Outcome<Db>) -> Outcome<Option<Input>> {
    Ok(Some(match (place, given) {
        (ast::Input::Source(name, _), _) => match &*name.0 {
            "$" => return Ok(None),
            "$history" => Input::view(|db| Ok(db.history())),
            "$now" => Input::view(|db| Ok(db.now())),
            other => source(other)?.into(),
        },
        (_, Given::Rules(rules)) => Input::Rules(rules),
        (_, Given::Pattern(pattern)) => Input::Pattern(pattern),
        (_, Given::Value(value)) => Input::Value(value),
        (_, Given::Facts(_) | Given::Relation(_)) => unreachable!("sources have their own places"),
    }))
}

impl Question {
    /// An error with the text in which its place lies.
    fn failed(&self, error: Error) -> Failure {
        let within = error.span().and_then(|span| self.rules.text_of(span));
        let (name, text) = within.map_or((&*self.name, &*self.text), |rules| (&*rules.name, &*rules.text));
        Failure::of(error, name, text)
    }
}

/// Hands over each change as it comes, until there were enough of them or Ctrl-C was pressed.
fn each(
    session: &Session,
    mut watch: Watch,
    limit: usize,
    question: &Question,
    mut take: impl FnMut(&Watch, Change) -> Outcome,
) -> Outcome {
    let mut count = 0;
    while count < limit && !session.is_interrupted() {
        if let Some(change) = watch.next_timeout(GLANCE).map_err(|error| question.failed(error))? {
            take(&watch, change)?;
            count += 1;
        }
    }
    Ok(())
}

/// For people: the transaction, and its rows below it, `+` before what was added and `-` before what was removed.
fn print_lines(session: &Session, watch: Watch, limit: usize, question: &Question) -> Outcome {
    each(session, watch, limit, question, |_, change| {
        line(&format!("t {}  {}", change.t, plain(&Value::Instant(change.instant))))?;
        marked(&change).try_for_each(|(mark, row)| {
            let cells: Vec<String> = row.iter().map(|value| printable(&plain(value)).replace('\n', "\n  ")).collect();
            line(&format!("{mark} {}", cells.join("  ")))
        })
    })
}

/// What was removed, then what was added.
fn marked(change: &Change) -> impl Iterator<Item = (&'static str, &Vec<Value>)> {
    change.removed.iter().map(|row| ("-", row)).chain(change.added.iter().map(|row| ("+", row)))
}

/// A row for each row that was added or removed.
fn print_cells(session: &Session, watch: Watch, limit: usize, format: Format, question: &Question) -> Outcome {
    let names: Vec<String> = match watch.shape() {
        Shape::RelationOfMaps(names) | Shape::TupleAsMap(names) => names.names.iter().map(ToString::to_string).collect(),
        _ => watch.header().to_vec(),
    };
    let columns: Vec<&str> = ["t", "instant", "change"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let mut rows = RowWriter::stdout(format, RowShape::Arrays, &columns);
    each(session, watch, limit, question, |_, change| {
        for (mark, row) in marked(&change) {
            let lead = [Value::Long(change.t), Value::Instant(change.instant), Value::from(mark)];
            rows.row(&lead.into_iter().chain(row.iter().cloned()).collect::<Vec<_>>())?;
        }
        rows.flush()
    })?;
    rows.finish()
}

/// An object for each change.
fn print_changes(session: &Session, watch: Watch, limit: usize, format: Format, question: &Question) -> Outcome {
    let mut rows = RowWriter::stdout(format, RowShape::Objects, &["t", "instant", "added", "removed"]);
    each(session, watch, limit, question, |watch, change| {
        let told = |rows: &[Vec<Value>]| Value::vector(rows.iter().map(|row| as_value(watch.shape(), row, format)));
        let parts = [Value::Long(change.t), Value::Instant(change.instant), told(&change.added), told(&change.removed)];
        rows.row(&parts)?;
        rows.flush()
    })?;
    rows.finish()
}

/// A row as the query asks for it: a vector, a map, or a value alone. JSON has names where EDN may have keywords and symbols.
fn as_value(shape: &Shape, row: &[Value], format: Format) -> Value {
    match shape {
        Shape::RelationOfMaps(names) | Shape::TupleAsMap(names) => {
            let key = |name| if format == Format::Edn { names.kind.key(name) } else { Value::String(Arc::clone(name)) };
            Value::Map(Arc::new(names.names.iter().map(key).zip(row.iter().cloned()).collect()))
        }
        Shape::Collection | Shape::Scalar => row.first().cloned().unwrap_or(Value::Nil),
        Shape::Relation | Shape::Tuple => Value::vector(row.iter().cloned()),
    }
}
