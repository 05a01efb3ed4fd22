//! `:help`: what can be said, and what a name means, with an example.

use annals::query::aggregate::AnyAggregate;
use annals::query::function::AnyFunction;
use annals::query::nearest::nearest;
use annals::{Db, Error, ErrorKind};

use super::command::{self, Command, GROUPS};
use super::{Shell, language, settings};
use crate::cli::failure::Outcome;
use crate::cli::library;
use crate::cli::output::{line, terminal_width};

const OPENING: &str = "\
What is typed goes on over lines until its brackets are closed:
  [:find ?name :where [?p :person/name ?name]]            a query asks
  [:find ?p :in $ ?name :where [?p :person/name ?name]] \"Ada\"
                                                          its inputs stand behind it, in the order of :in
  [{:person/name \"Ada\"}]                                  transaction data adds facts
  :runs                                                   a line that begins with a colon is a command";

const CLOSING: &str = "
:help NAME says more, with an example: of a command, a function, an aggregate, a rule that is in reach, or one of these words:";

/// Columns of what a command looks like; longer ones have a line of their own.
const USAGE_WIDTH: usize = 30;

/// The widest line of the words that are listed.
const LINE_WIDTH: usize = 100;

/// `:help`, `:help NAME`.
pub(super) fn help(shell: &Shell<'_>, name: Option<&str>) -> Outcome {
    let Some(name) = name else { return line(&overview()) };
    let db = shell.session.db()?;
    let rules = library::rules(&db, &shell.settings.rules)?;
    let bare = if name.len() > 1 { name.strip_prefix(':').unwrap_or(name) } else { name };
    let mut told = Vec::new();
    // A colon says that a command is meant, or a word such as :where.
    told.extend(command::lookup(bare).map(about_command));
    told.extend(language::lookup(bare).map(about_word));
    if bare == name {
        told.extend(db.functions().function(name).map(|function| about_function(&function)));
        told.extend(db.functions().aggregate(name).map(|aggregate| about_aggregate(&aggregate)));
        let is_of_rule = |head: &String| head.strip_prefix('(').is_some_and(|head| head.split([' ', ')']).next() == Some(name));
        told.extend(settings::heads(&rules).into_iter().filter(is_of_rule).map(|head| format!("the rule {head}")));
    }
    if told.is_empty() {
        return Err(unknown(&db, name, rules.rules.iter().map(|rule| &*rule.name)).into());
    }
    line(&told.join("\n\n"))
}

fn unknown<'n>(db: &'n Db, name: &str, rules: impl Iterator<Item = &'n str>) -> Error {
    let functions = db.functions();
    let known =
        names().map(|name| -> &str { name }).chain(functions.function_names()).chain(functions.aggregate_names()).chain(rules);
    let help = match nearest(name.trim_start_matches(':'), known, 1).first() {
        Some(near) => format!("did you mean {near}? :help lists what there is"),
        None => ":help lists what there is; Tab behind an opening bracket shows the functions".to_owned(),
    };
    Error::new(ErrorKind::NotFound, format!("there is no help on {name}")).with_help(help)
}

/// What `:help` knows beside functions, aggregates and rules.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    command::all().map(|command| command.name).chain(language::names())
}

fn overview() -> String {
    let mut text = OPENING.to_owned();
    for (title, commands) in GROUPS {
        text.extend(["\n\n", title, ":"]);
        text.extend(commands.iter().map(listed));
    }
    text.push_str("\n\nThe examples of words ask about these facts:\n  ");
    text.push_str(language::PEOPLE);
    text.push('\n');
    text.push_str(CLOSING);
    for words in wrapped(language::WORDS.iter().map(language::Word::name), width() - 2) {
        text.push_str("\n  ");
        text.push_str(&words);
    }
    text
}

/// What a command looks like and does, the second in a column of its own.
fn listed(command: &Command) -> String {
    let usage = usage(command);
    let column = " ".repeat(USAGE_WIDTH + 2);
    let doc = wrapped(command.doc.split(' '), width() - column.len()).join(&format!("\n{column}"));
    match USAGE_WIDTH.checked_sub(usage.len()) {
        Some(gap @ 1..) => format!("\n  {usage}{}{doc}", " ".repeat(gap)),
        _ => format!("\n  {usage}\n{column}{doc}"),
    }
}

fn usage(command: &Command) -> String {
    let blank = if command.arguments.is_empty() { "" } else { " " };
    format!(":{}{blank}{}", command.name, command.arguments)
}

/// Columns of a line of help.
fn width() -> usize {
    terminal_width().map_or(LINE_WIDTH, |width| usize::from(width).clamp(2 * USAGE_WIDTH, LINE_WIDTH))
}

/// Words on lines that are no longer than `width`, where the words themselves are not.
fn wrapped<'w>(words: impl Iterator<Item = &'w str>, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn about_command(command: &'static Command) -> String {
    format!("{}: {}\n  {}", usage(command), command.doc, command.example)
}

fn about_word(word: &'static language::Word) -> String {
    format!("{}: {}\n  {}\n  gives {}", word.form, word.doc, word.example, word.gives.replace('\n', "\n        "))
}

fn about_function(function: &AnyFunction) -> String {
    match function.built_in() {
        Some(function) => {
            format!("{}: {}\n  {} gives {}", function.name, function.doc, function.example.call, function.example.result)
        }
        None => {
            format!("{}: a function of this program, which takes {}\n  {}", function.name(), function.arity(), function.usage())
        }
    }
}

fn about_aggregate(aggregate: &AnyAggregate) -> String {
    match aggregate {
        AnyAggregate::BuiltIn(aggregate) => {
            let example = &aggregate.example;
            let (name, doc) = (aggregate.name, aggregate.doc);
            format!("{name}: {doc}\n  {} over {} gives {}", example.call, example.values, example.result)
        }
        AnyAggregate::Registered(aggregate) => format!("{}: an aggregate of this program", aggregate.name()),
    }
}
