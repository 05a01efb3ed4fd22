//! Completion: what may stand where the cursor is, of what the store, the language and the shell know now.

mod place;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use annals::contract::{self, RunFilter};
use annals::{Connection, Db, Result};
use reedline::{Completer, CompletionResult, Span, Suggestion};

use self::place::{Place, Wanted};
use super::command::{self, Takes};
use super::token::{Kind, Tokens};
use super::{help, language};
use crate::cli::arguments::Format;
use crate::cli::library;

/// Runs whose ids are completed, the newest.
const LIMIT_RUNS: usize = 200;

/// Sections of a query.
const SECTIONS: [&str; 12] =
    [":find", ":keys", ":strs", ":syms", ":with", ":in", ":where", ":having", ":order-by", ":limit", ":offset", ":timeout"];

/// What may open a list, beside functions, aggregates and rules.
const CLAUSES: [(&str, &str); 6] =
    [("and", "and"), ("or", "or"), ("or-join", "or-join"), ("not", "not"), ("not-join", "not-join"), ("pull", "pull")];

/// The rules and the lens that the shell has put in reach, as the person named them.
#[derive(Clone, Default)]
pub(super) struct InReach(Arc<Mutex<Named>>);

#[derive(Clone, Default, PartialEq, Eq)]
struct Named {
    rules: Vec<String>,
    lens: Option<String>,
}

impl InReach {
    /// Tells the completer what holds now.
    pub(super) fn set(&self, rules: &[String], lens: Option<&str>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Named { rules: rules.to_vec(), lens: lens.map(str::to_owned) };
    }

    fn get(&self) -> Named {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A word, and what is said beside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Choice {
    text: String,
    about: Option<&'static str>,
}

impl From<&str> for Choice {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), about: None }
    }
}

impl From<String> for Choice {
    fn from(text: String) -> Self {
        Self { text, about: None }
    }
}

/// Completes words of one store.
pub(super) struct Words {
    connection: Connection,
    in_reach: InReach,
    known: Known,
}

/// What was read from the store, as of when.
#[derive(Default)]
struct Known {
    basis: Option<(i64, Named)>,
    /// Idents with their colons, ascending.
    idents: Vec<String>,
    /// What a list may open with.
    calls: Vec<Choice>,
    lenses: Vec<String>,
    rules: Vec<String>,
    run_ids: Vec<String>,
}

impl Words {
    /// Of the store behind this connection.
    pub(super) fn new(connection: Connection, in_reach: InReach) -> Self {
        Self { connection, in_reach, known: Known::default() }
    }

    /// Reads the store again if it has moved on, or if other rules or another lens are in reach.
    fn refresh(&mut self) -> Result<()> {
        let db = self.connection.db()?;
        let basis = Some((db.basis_t(), self.in_reach.get()));
        if self.known.basis != basis {
            let named = self.in_reach.get();
            self.known = Known { basis, ..Known::of(&db, &named)? };
        }
        Ok(())
    }

    /// Where the word at `end` begins, and what it may become.
    fn choices(&mut self, text: &str, end: usize) -> (usize, Vec<Choice>) {
        // A store that cannot be read now is told of when the entry is asked; what was known stays.
        let _ = self.refresh();
        let Some(place) = Place::at(text, end) else { return (end, Vec::new()) };
        let choices = match place.wanted {
            Wanted::Command => {
                command::all().map(|command| Choice { text: format!(":{}", command.name), about: Some(command.doc) }).collect()
            }
            Wanted::Argument(takes) => self.arguments(takes, place.word),
            Wanted::RunId => self.known.run_ids.iter().cloned().map(Choice::from).collect(),
            Wanted::Keyword => {
                let sections = SECTIONS.iter().map(|section| Choice::from(*section));
                sections.chain(self.known.idents.iter().cloned().map(Choice::from)).collect()
            }
            Wanted::Variable => variables(text, place.start),
            Wanted::Call => self.known.calls.clone(),
            Wanted::Anything => {
                let sections = SECTIONS.iter().map(|section| Choice::from(*section));
                sections.chain(variables(text, place.start)).collect()
            }
        };
        let fitting: BTreeSet<Choice> = choices.into_iter().filter(|choice| choice.text.starts_with(place.word)).collect();
        (place.start, fitting.into_iter().collect())
    }

    fn arguments(&self, takes: Takes, word: &str) -> Vec<Choice> {
        let words = |words: &[&str]| words.iter().map(|word| Choice::from(*word)).collect::<Vec<_>>();
        let named = |names: &[String]| {
            if word.is_empty() || word.starts_with(':') { names.iter().cloned().map(Choice::from).collect() } else { Vec::new() }
        };
        match takes {
            Takes::Nothing | Takes::Edn => Vec::new(),
            Takes::Switch | Takes::EdnOrSwitch => words(&["off", "on"]),
            Takes::Number => words(&["off"]),
            Takes::Format => <Format as clap::ValueEnum>::value_variants().iter().map(|format| format.name().into()).collect(),
            Takes::Moment => [words(&["now"]), borders(&self.runs())].concat(),
            Takes::Transaction => borders(&self.runs()),
            Takes::Run => self.runs().into_iter().map(Choice::from).collect(),
            Takes::Attribute if word.starts_with(':') => self.known.idents.iter().cloned().map(Choice::from).collect(),
            Takes::Attribute => self.namespaces(),
            Takes::File => files(word),
            Takes::Lens => [words(&["off"]), named(&self.known.lenses), files(word)].concat(),
            Takes::Rules => [words(&["off"]), named(&self.known.rules), files(word)].concat(),
            Takes::Name => {
                let names = help::names().map(Choice::from);
                names.chain(self.known.calls.iter().cloned()).collect()
            }
        }
    }

    /// Names of runs: `last`, `last~1` .., and ids.
    fn runs(&self) -> Vec<String> {
        let before_last = (1..self.known.run_ids.len().min(10)).map(|back| format!("last~{back}"));
        let last = self.known.run_ids.first().map(|_| "last".to_owned());
        last.into_iter().chain(before_last).chain(self.known.run_ids.iter().cloned()).collect()
    }

    fn namespaces(&self) -> Vec<Choice> {
        let namespaces = self.known.idents.iter().filter_map(|ident| ident[1..].rsplit_once('/'));
        namespaces.map(|(namespace, _)| Choice::from(namespace)).collect()
    }
}

fn borders(runs: &[String]) -> Vec<Choice> {
    runs.iter().flat_map(|run| ["start", "end"].map(|border| Choice::from(format!("{run}@{border}")))).collect()
}

impl Known {
    fn of(db: &Db, named: &Named) -> Result<Self> {
        let mut idents: Vec<String> = db.schema().idents().map(|(ident, _)| format!(":{ident}")).collect();
        // What a lens calls attributes stands in its text.
        let lens = named.lens.as_deref().and_then(|lens| library::lens_text(db, lens).ok());
        idents.extend(lens.iter().flat_map(|text| keywords(text)).filter(|keyword| !keyword.starts_with(":lens/")));
        idents.sort_unstable();
        idents.dedup();
        // Rules that can no longer be read are told of when a query is asked.
        let rules = library::rules(db, &named.rules).unwrap_or_default();
        let run_filter = RunFilter { limit: Some(LIMIT_RUNS), ..RunFilter::default() };
        let runs = contract::runs(db, &run_filter)?;
        let with_colon = |names: Vec<Arc<str>>| names.into_iter().map(|name| format!(":{name}"));
        Ok(Self {
            basis: None,
            idents,
            calls: calls(db, rules.rules.iter().map(|rule| &*rule.name)),
            lenses: with_colon(db.lens_names()?).collect(),
            rules: with_colon(db.rules_names()?).chain([":annals/runs".to_owned()]).collect(),
            run_ids: runs.iter().map(|run| run.id.to_string()).collect(),
        })
    }
}

/// Functions, aggregates, rules and clauses, each name once.
fn calls<'n>(db: &Db, rules: impl Iterator<Item = &'n str>) -> Vec<Choice> {
    let functions = db.functions();
    let about_function = |name: &str| functions.function(name).and_then(|function| Some(function.built_in()?.doc));
    let about_aggregate = |name: &str| annals::query::aggregate::lookup(name).map(|aggregate| aggregate.doc);
    let clauses = CLAUSES
        .iter()
        .map(|(name, word)| Choice { text: (*name).to_owned(), about: language::lookup(word).map(|word| word.doc) });
    let functions_known = functions.function_names().map(|name| Choice { text: name.to_owned(), about: about_function(name) });
    let aggregates = functions
        .aggregate_names()
        .filter(|name| functions.function(name).is_none())
        .map(|name| Choice { text: name.to_owned(), about: about_aggregate(name) });
    let rules = rules.map(|name| Choice { text: name.to_owned(), about: Some("A rule.") });
    clauses.chain(functions_known).chain(aggregates).chain(rules).collect()
}

fn keywords(text: &str) -> Vec<String> {
    let tokens = Tokens::of(text).filter(|token| token.kind == Kind::Keyword);
    tokens.map(|token| text[token.start..token.end].to_owned()).collect()
}

/// The variables that stand in the entry, except the one that begins at `start`.
fn variables(text: &str, start: usize) -> Vec<Choice> {
    let tokens = Tokens::of(text).filter(|token| token.kind == Kind::Variable && token.start != start);
    tokens.map(|token| Choice::from(&text[token.start..token.end])).collect()
}

/// Files and folders whose path begins with `word`; hidden ones only if that is asked for.
fn files(word: &str) -> Vec<Choice> {
    let (folder, begin) = word.rfind('/').map_or(("", word), |at| word.split_at(at + 1));
    let Ok(entries) = fs::read_dir(if folder.is_empty() { Path::new(".") } else { Path::new(folder) }) else { return Vec::new() };
    let paths = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let is_wanted = name.starts_with(begin) && (begin.starts_with('.') || !name.starts_with('.'));
        let slash = if entry.path().is_dir() { "/" } else { "" };
        is_wanted.then(|| Choice::from(format!("{folder}{name}{slash}")))
    });
    paths.collect()
}

impl Completer for Words {
    fn complete(&mut self, text: &str, end: usize) -> CompletionResult {
        let (start, choices) = self.choices(text, end);
        let suggestions = choices.into_iter().map(|choice| Suggestion {
            span: Span::new(start, end),
            // A path goes on, and so does `last`.
            append_whitespace: !choice.text.ends_with('/'),
            description: choice.about.map(str::to_owned),
            value: choice.text,
            ..Suggestion::default()
        });
        CompletionResult::fresh(suggestions.collect::<Vec<_>>())
    }
}
