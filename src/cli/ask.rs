//! `q`, `explain`, `pull`: questions.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use annals::query::{Budget, Given, Span, Table, Warning, ast, check, edn, engine, parse};
use annals::{Db, Error, ErrorKind};

use super::arguments::QueryArguments;
use super::explain::print_explanation;
use super::failure::{Failure, InText as _, Outcome, tell, usage};
use super::library;
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
    print_answer(&answer(session, arguments)?, session.format())
}

/// The answer of a query; what it warns of is told.
pub(super) fn answer(session: &Session, arguments: &QueryArguments) -> Outcome<Table> {
    let question = question(session, arguments)?;
    let answer = engine::table(&question.checked, None, &question.given, &question.options, &question.budget);
    let answer = question.told(answer)?;
    tell_warnings(answer.warnings());
    Ok(answer)
}

/// Tells what an asker should know.
pub(super) fn tell_warnings(warnings: &[Warning]) {
    for warning in warnings {
        tell(&format!("warning[{}]: {}", warning.code, warning.message));
        if let Some(help) = &warning.help {
            tell(&format!("  help: {help}"));
        }
    }
}

/// `annals explain`.
pub(super) fn explain(session: &Session, arguments: &QueryArguments) -> Outcome {
    let question = question(session, arguments)?;
    let explanation = engine::explain(&question.checked, &question.given, &question.options, &question.budget);
    print_explanation(&question.told(explanation)?, session.format()).in_text(&question.name, &question.text)
}

/// `annals pull`.
pub(super) fn pull(session: &Session, pattern_text: &str, entities: &[String]) -> Outcome {
    let db = session.seen()?;
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

impl Question {
    fn told<T>(&self, result: annals::query::Result<T>) -> Outcome<T> {
        result.map_err(|error| in_query_or_rules(error, (&self.name, &self.text), self.checked.rules()))
    }
}

/// An error with the text in which its place lies.
fn in_query_or_rules(error: annals::query::Error, (name, text): (&str, &str), rules: &ast::RuleSet) -> Failure {
    let within = error.span().and_then(|span| rules.text_of(span));
    let (name, text) = within.map_or((name, text), |rules| (&*rules.name, &*rules.text));
    Failure::of(Error::from(rules.locate(error)), name, text)
}

fn question(session: &Session, arguments: &QueryArguments) -> Outcome<Question> {
    let (name, text) = text_or_file(&arguments.query, "query")?;
    // The clock starts before the query is checked, which takes long for thousands of clauses.
    let budget = budget(session, arguments)?;
    let mut query = parse::query(&text).in_text(&name, &text)?;
    let budget = query.timeout.map(|timeout| budget.within(timeout)).unwrap_or(budget);
    let mut db = session.seen()?;
    if !arguments.rules.is_empty() && !query.inputs.iter().any(|place| matches!(place, ast::Input::Rules(_))) {
        // Rules that were named are in reach, whether or not the query says where.
        query.inputs.push(ast::Input::Rules(Span::default()));
    }
    let (rules, inputs) = rules_and_inputs(&db, &query, arguments)?;
    if arguments.history {
        db = db.history();
    }
    let stores = library::stores(&arguments.with_stores)?;
    let mut given = given(&query, &rules, (&db, &stores), &inputs)?;
    db.with_rules_of_lens(&mut query, &mut given).in_text(&name, &text)?;
    let in_reach = given.iter().find_map(|given| match given {
        Given::Rules(rules) => Some(rules.clone()),
        _ => None,
    });
    let rules = in_reach.unwrap_or(rules);
    let texts = ast::RuleSet { texts: rules.texts.clone(), ..ast::RuleSet::default() };
    let options = engine::Options { strict: arguments.strict, ..engine::Options::default() };
    let checked = check::check_within(query, rules, &options.functions, &budget)
        .map_err(|error| in_query_or_rules(error, (&name, &text), &texts))?;
    Ok(Question { name, text, checked, given, options, budget })
}

/// The rules for `%`, and the other inputs with their places. Where no rules were named, `%` takes an input like any other place, if there
/// is one for it.
pub(super) fn rules_and_inputs<'a>(
    db: &Db,
    query: &ast::Query,
    arguments: &'a QueryArguments,
) -> Outcome<(ast::RuleSet, Vec<(usize, &'a str)>)> {
    let mut inputs: Vec<(usize, &str)> = arguments.inputs.iter().map(String::as_str).enumerate().collect();
    let mut places = query.inputs.iter().filter(|place| !matches!(place, ast::Input::Source(..)));
    let rules_at = places.position(|place| matches!(place, ast::Input::Rules(_)));
    let count = query.inputs.iter().filter(|place| !matches!(place, ast::Input::Source(..))).count();
    match rules_at {
        Some(at) if arguments.rules.is_empty() && inputs.len() == count => {
            let (place, text) = inputs.remove(at);
            Ok((library::rules_of_text(db, &format!("input {}", place + 1), text)?, inputs))
        }
        _ => Ok((library::rules(db, &arguments.rules)?, inputs)),
    }
}

/// One thing for each place of `:in`: the store for sources, the rules for `%`, the inputs in their order for the rest.
pub(super) fn given(
    query: &ast::Query,
    rules: &ast::RuleSet,
    (db, stores): (&Db, &BTreeMap<String, Db>),
    inputs: &[(usize, &str)],
) -> Outcome<Vec<Given>> {
    let mut rest = inputs.iter().copied();
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
            ast::Input::Source(source, _) => Given::Facts(Arc::new(library::source(db, stores, &source.0)?)),
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

/// What `--timeout` says.
pub(super) fn timeout(arguments: &QueryArguments) -> Outcome<Option<Duration>> {
    let read = |text: &String| {
        moment::duration(text).ok_or_else(|| usage(format!("{text:?} is not a length of time"), "write 500ms, 5s, 10m, 2h or 3d"))
    };
    arguments.timeout.as_ref().map(read).transpose()
}

fn budget(session: &Session, arguments: &QueryArguments) -> Outcome<Budget> {
    let mut budget = Budget::default().with_cancel_flag(Arc::clone(&session.interrupted));
    if let Some(timeout) = timeout(arguments)? {
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
    let is_edn = name.to_string().starts_with(['[', '{', '(']);
    let (kind, message, help) = match error.kind() {
        io::ErrorKind::NotFound if is_edn => {
            let help = "a file is named here: put the EDN into one, or give it on standard input where - is taken";
            (ErrorKind::NotFound, format!("there is no file {name}"), help)
        }
        io::ErrorKind::NotFound => {
            (ErrorKind::NotFound, format!("there is no file {name}"), "check its path; - reads standard input")
        }
        io::ErrorKind::IsADirectory => (ErrorKind::Usage, format!("{name} is a folder"), "name a file in it"),
        io::ErrorKind::InvalidData => (ErrorKind::Io, format!("{name} is not UTF-8"), "EDN is UTF-8 text"),
        _ => (ErrorKind::Io, format!("{name} cannot be read: {error}"), "check its permissions"),
    };
    Error::new(kind, message).with_help(help).caused_by(error)
}
