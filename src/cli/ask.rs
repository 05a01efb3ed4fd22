//! `q`, `explain`, `pull`: questions.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use annals::query::{Budget, Facts, Given, ast, check, edn, engine, parse};
use annals::{Db, Error, ErrorKind};

use super::arguments::QueryArguments;
use super::explain::print_explanation;
use super::failure::{Failure, InText as _, Outcome, tell, usage};
use super::output::{print_answer, print_value};
use super::session::{Session, entity_id};
use super::{arguments::Format, moment};

/// A query of the command line, ready to run.
struct Question {
    name: String,
    text: String,
    checked: check::Checked,
    given: Vec<Given>,
    options: engine::Options,
    budget: Budget,
}

/// `annals q`.
pub(super) fn q(session: &Session, arguments: &QueryArguments) -> Outcome {
    let question = question(session, arguments)?;
    let answer = engine::answer(&question.checked, &question.given, &question.options, &question.budget)
        .in_text(&question.name, &question.text)?;
    for warning in &answer.warnings {
        tell(&format!("warning[{}]: {}", warning.code, warning.message));
        if let Some(help) = &warning.help {
            tell(&format!("  help: {help}"));
        }
    }
    print_answer(&answer, session.format())
}

/// `annals explain`.
pub(super) fn explain(session: &Session, arguments: &QueryArguments) -> Outcome {
    let question = question(session, arguments)?;
    let explanation = engine::explain(&question.checked, &question.given, &question.options, &question.budget)
        .in_text(&question.name, &question.text)?;
    print_explanation(&explanation, session.format()).in_text(&question.name, &question.text)
}

/// `annals pull`.
pub(super) fn pull(session: &Session, pattern_text: &str, entities: &[String]) -> Outcome {
    let db = session.db()?;
    let pattern = parse::pull_pattern(pattern_text).in_text("pattern", pattern_text)?;
    let budget = Budget::default().with_cancel_flag(Arc::clone(&session.interrupted));
    let ids = entities.iter().map(|text| entity_id(&db, text)).collect::<Outcome<Vec<_>>>()?;
    let pulled = annals::query::pull::pull_many(&db, &pattern, &ids, &budget).in_text("pattern", pattern_text)?;
    if let [one] = pulled.as_slice() {
        return print_value(one, session.format());
    }
    if session.format() == Format::Json {
        return print_value(&annals::Value::vector(pulled), Format::Json);
    }
    pulled.iter().try_for_each(|value| print_value(value, session.format()))
}

fn question(session: &Session, arguments: &QueryArguments) -> Outcome<Question> {
    let (name, text) = text_or_file(&arguments.query, "query")?;
    let query = parse::query(&text).in_text(&name, &text)?;
    let rules = match &arguments.rules {
        Some(path) => {
            let (name, text) = read_file(path)?;
            parse::rules(&text).in_text(&name, &text)?
        }
        None => ast::RuleSet::default(),
    };
    let mut db = session.db()?;
    if arguments.history {
        db = db.history();
    }
    let given = given(&query, &rules, &db, &arguments.inputs)?;
    let checked = check::check(query, rules).in_text(&name, &text)?;
    Ok(Question {
        name,
        text,
        checked,
        given,
        options: engine::Options { strict: arguments.strict, ..engine::Options::default() },
        budget: budget(session, arguments)?,
    })
}

/// One thing for each place of `:in`: the store for sources, the rules for `%`, the inputs in their order for the rest.
fn given(query: &ast::Query, rules: &ast::RuleSet, db: &Db, inputs: &[String]) -> Outcome<Vec<Given>> {
    let mut rest = inputs.iter().enumerate();
    let mut next = |wanted: &str| {
        rest.next().ok_or_else(|| {
            Failure::from(
                Error::new(ErrorKind::Usage, format!("the query wants {wanted}, and no input is left for it"))
                    .with_help("give inputs behind the query, as EDN, in the order of :in without $ and %"),
            )
        })
    };
    let mut given = Vec::new();
    for place in &query.inputs {
        given.push(match place {
            ast::Input::Source(source, _) => Given::Facts(source_view(db, source)?),
            ast::Input::Rules(_) => Given::Rules(rules.clone()),
            ast::Input::Binding(_) => {
                let (at, text) = next("an input")?;
                Given::Value(edn::read(text).in_text(&format!("input {}", at + 1), text)?)
            }
            ast::Input::Pattern(name, _) => {
                let (at, text) = next(&format!("a pull pattern for {name}"))?;
                Given::Pattern(parse::pull_pattern(text).in_text(&format!("input {}", at + 1), text)?)
            }
        });
    }
    match rest.next() {
        Some((at, text)) => Err(usage(
            format!("input {} ({text}) has no place in :in", at + 1),
            "name it in :in, such as [:find ?e :in $ ?name :where ...]",
        )),
        None => Ok(given),
    }
}

/// `$` is the store in the view that was asked for; `$history` and `$now` are the same store in those views.
fn source_view(db: &Db, source: &ast::SourceName) -> Outcome<Arc<dyn Facts>> {
    match source.0.as_ref() {
        "$" => Ok(Arc::new(db.clone())),
        "$history" => Ok(Arc::new(db.history())),
        "$now" => Ok(Arc::new(db.now())),
        other => Err(usage(
            format!("there is no source {other}"),
            "use $ for the store, $history for its history, $now for the store as it is now",
        )),
    }
}

fn budget(session: &Session, arguments: &QueryArguments) -> Outcome<Budget> {
    let mut budget = Budget::default().with_cancel_flag(Arc::clone(&session.interrupted));
    if let Some(text) = &arguments.timeout {
        let timeout = moment::duration(text)
            .ok_or_else(|| usage(format!("{text:?} is not a length of time"), "write 500ms, 5s, 10m, 2h or 3d"))?;
        budget = budget.with_timeout(timeout);
    }
    if let Some(rows) = arguments.max_rows {
        budget = budget.with_limit_rows(rows);
    }
    Ok(budget)
}

/// The text itself, or that of the file behind an `@`.
pub(super) fn text_or_file(argument: &str, name: &str) -> Outcome<(String, String)> {
    match argument.strip_prefix('@') {
        Some(path) => read_file(Path::new(path)),
        None => Ok((name.to_owned(), argument.to_owned())),
    }
}

/// A file's name and text.
pub(super) fn read_file(path: &Path) -> Outcome<(String, String)> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
    Ok((name, text))
}

/// Why a file that the command line names cannot be read.
pub(super) fn unreadable(path: &Path, error: io::Error) -> Error {
    let name = path.display();
    let (kind, message, help) = match error.kind() {
        io::ErrorKind::NotFound => {
            (ErrorKind::NotFound, format!("there is no file {name}"), "check its path; - reads standard input")
        }
        io::ErrorKind::IsADirectory => (ErrorKind::Usage, format!("{name} is a folder"), "name a file in it"),
        io::ErrorKind::InvalidData => (ErrorKind::Io, format!("{name} is not UTF-8"), "EDN is UTF-8 text"),
        _ => (ErrorKind::Io, format!("{name} cannot be read: {error}"), "check its permissions"),
    };
    Error::new(kind, message).with_help(help).caused_by(error)
}
