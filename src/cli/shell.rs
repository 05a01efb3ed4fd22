//! `shell`: ask and tell at a prompt. On a terminal with history, completion and queries over several lines; from a file or
//! a pipe, each entry in turn.

mod complete;
mod edit;

use std::io::{self, BufRead as _, IsTerminal as _};

use annals::query::edn::{self, Form};
use annals::query::{aggregate, function};
use annals::transact::TxData;
use annals::{Connection, ErrorKind};

use super::arguments::{Format, QueryArguments};
use super::failure::{Failure, InText as _, Outcome, tell, usage};
use super::output::line;
use super::session::Session;
use super::{ask, inspect, runs, tell};

const HELP: &str = "\
A query in EDN is asked, transaction data in EDN is added, and a line that begins with a colon is a command:
  [:find ?name :where [?e :person/name ?name]]      asks
  [{:person/name \"Ada\"}]                            adds facts
  :runs  :logs RUN  :show RUN                       runs and what they said
  :entity E  :history E  :schema  :tx [T]           the facts themselves
  :as-of T  :since T                                looks back, until :as-of now
  :lens FILE|:NAME                                  reads facts through a lens, until :lens none
  :format table|edn|json|jsonl|csv|markdown         how answers are printed
  :help NAME                                        a function or aggregate, with an example
  :quit                                             or Ctrl-D";

/// What to do after an entry.
enum Next {
    Go,
    Stop,
}

/// `annals shell`.
pub(super) fn shell(session: &mut Session) -> Outcome {
    let connection = session.connection()?;
    if io::stdin().is_terminal() {
        return at_a_terminal(session, &connection);
    }
    let mut entry = String::new();
    for text in io::stdin().lock().lines() {
        entry.push_str(&text?);
        entry.push('\n');
        if is_complete(&entry) && matches!(evaluate(session, &connection, &std::mem::take(&mut entry))?, Next::Stop) {
            return Ok(());
        }
    }
    if !entry.trim().is_empty() {
        evaluate(session, &connection, &entry)?;
    }
    Ok(())
}

fn at_a_terminal(session: &mut Session, connection: &Connection) -> Outcome {
    tell(&format!("annals {} on {}. :help shows what can be said.", env!("CARGO_PKG_VERSION"), connection.path().display()));
    let mut editor = edit::editor(connection)?;
    while let Some(entry) = edit::read(&mut editor, session)? {
        session.interrupted.store(false, std::sync::atomic::Ordering::Relaxed);
        match evaluate(session, connection, &entry) {
            Ok(Next::Go) => {}
            Ok(Next::Stop) => break,
            // An error ends the entry, not the shell.
            Err(failure) => {
                failure.report(false);
            }
        }
    }
    Ok(())
}

/// False while brackets or a text are still open, so that the entry goes on in the next line.
fn is_complete(entry: &str) -> bool {
    entry.trim_start().starts_with(':') || !edn::is_unfinished(entry)
}

fn evaluate(session: &mut Session, connection: &Connection, entry: &str) -> Outcome<Next> {
    let entry = entry.trim();
    if entry.is_empty() {
        return Ok(Next::Go);
    }
    if let Some(command) = entry.strip_prefix(':') {
        return command_line(session, command);
    }
    let forms = edn::read_forms(entry).in_text("entry", entry)?;
    if forms.iter().all(is_query) && !forms.is_empty() {
        for form in &forms {
            let text = &entry[form.span.start as usize..form.span.end as usize];
            ask::q(session, &plain_query(text))?;
        }
        return Ok(Next::Go);
    }
    if session.looks_back() {
        return Err(usage("facts are added now, and this shell looks back", "say :as-of now first"));
    }
    for data in TxData::read_many(entry).in_text("entry", entry)? {
        let report = connection.transact_data(&data).in_text("entry", entry)?;
        tell::print_report(session, &report)?;
    }
    Ok(Next::Go)
}

/// A vector that begins with `:find`, or a map that has it.
fn is_query(form: &Form) -> bool {
    let is_find = |form: &Form| form.keyword() == Some("find");
    form.vector().is_some_and(|items| items.first().is_some_and(is_find))
        || form.map().is_some_and(|entries| entries.iter().any(|(key, _)| is_find(key)))
}

fn plain_query(text: &str) -> QueryArguments {
    QueryArguments {
        query: text.to_owned(),
        inputs: Vec::new(),
        rules: Vec::new(),
        with_stores: Vec::new(),
        timeout: None,
        max_rows: None,
        strict: false,
        history: false,
    }
}

fn command_line(session: &mut Session, command: &str) -> Outcome<Next> {
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim();
    let argument = (!rest.is_empty()).then_some(rest);
    let needed = || argument.ok_or_else(|| usage(format!(":{name} wants an argument"), "say :help to see how it is used"));
    match name {
        "quit" | "exit" | "q" => return Ok(Next::Stop),
        "help" => help(argument)?,
        "schema" => inspect::schema(session)?,
        "tx" => inspect::tx(session, argument, None)?,
        "entity" => inspect::entity(session, needed()?)?,
        "history" => inspect::history(session, needed()?, None)?,
        "runs" => runs::runs(session, None, None)?,
        "show" => runs::show(session, needed()?)?,
        "logs" => runs::logs(session, &runs::plain_logs(needed()?))?,
        "as-of" => session.global.as_of = look_back(session, needed()?)?,
        "since" => session.global.since = look_back(session, needed()?)?,
        "lens" => session.look_through(needed()?)?,
        "format" => session.global.format = Some(format_named(needed()?)?),
        _ => return Err(usage(format!("there is no command :{name}"), "say :help to see the commands")),
    }
    Ok(Next::Go)
}

/// The time, if it can be read and is not `now`.
fn look_back(session: &Session, text: &str) -> Outcome<Option<String>> {
    if text == "now" {
        return Ok(None);
    }
    super::moment::moment(text, &session.connection()?.db()?)?;
    Ok(Some(text.to_owned()))
}

fn format_named(text: &str) -> Outcome<Format> {
    clap::ValueEnum::from_str(text, false)
        .map_err(|_| usage(format!("there is no format {text}"), "say table, edn, json, jsonl, csv or markdown"))
}

fn help(name: Option<&str>) -> Outcome {
    let Some(name) = name else { return line(HELP) };
    if let Some(function) = function::lookup(name) {
        return line(&format!("{name}: {}\n  {} gives {}", function.doc, function.example.call, function.example.result));
    }
    if let Some(aggregate) = aggregate::lookup(name) {
        return line(&format!(
            "{name}: {}\n  {} over {} gives {}",
            aggregate.doc, aggregate.example.call, aggregate.example.values, aggregate.example.result
        ));
    }
    Err(Failure::from(
        annals::Error::new(ErrorKind::NotFound, format!("there is no function or aggregate {name}"))
            .with_help("press Tab behind an opening bracket to see the functions"),
    ))
}
