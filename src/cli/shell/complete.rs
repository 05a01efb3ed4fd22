//! Completion: what may stand where the cursor is, of what the store, the language and the shell know now.

mod place;

use std::collections::BTreeMap;
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
#[derive(Clone, Debug)]
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
        // Sorted, and each name once, with what one of its meanings is about.
        let mut fitting: BTreeMap<String, Option<&'static str>> = BTreeMap::new();
        for Choice { text, about } in choices.into_iter().filter(|choice| choice.text.starts_with(place.word)) {
            let known = fitting.entry(text).or_default();
            *known = known.or(about);
        }
        (place.start, fitting.into_iter().map(|(text, about)| Choice { text, about }).collect())
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
            Takes::Moment => [words(&["now", "off"]), borders(&self.runs())].concat(),
            Takes::Transaction => borders(&self.runs()),
            Takes::Run => self.runs().into_iter().map(Choice::from).collect(),
            Takes::Attribute if word.starts_with(':') => self.known.idents.iter().cloned().map(Choice::from).collect(),
            Takes::Attribute => self.namespaces(),
            Takes::File => files(word),
            Takes::Lens => [words(&["off"]), named(&self.known.lenses), files(word)].concat(),
            Takes::Rules => [words(&["off"]), named(&self.known.rules), files(word)].concat(),
            Takes::Name => help::names().map(Choice::from).chain(self.known.calls.iter().cloned()).collect(),
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

/// True for a command that does little alone.
fn wants_argument(name: &str) -> bool {
    command::lookup(name).is_some_and(|command| command.takes != Takes::Nothing)
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
            // Behind a command stands its argument; behind a word of a query often a bracket.
            append_whitespace: choice.text.strip_prefix(':').is_some_and(|name| start == 0 && wants_argument(name)),
            description: choice.about.map(str::to_owned),
            value: choice.text,
            ..Suggestion::default()
        });
        CompletionResult::fresh(suggestions.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use annals::contract::{Recorder, RunOptions};

    use super::*;

    struct Store {
        folder: tempfile::TempDir,
        connection: Connection,
        in_reach: InReach,
        words: Words,
    }

    impl Store {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let connection = Connection::open(folder.path().join("annals.db")).expect("a store");
            connection.transact("[{:person/name \"Ada\" :person/age 36}]").expect("facts");
            let in_reach = InReach::default();
            let words = Words::new(connection.clone(), in_reach.clone());
            Self { folder, connection, in_reach, words }
        }

        /// What the word at the end may become.
        fn choices(&mut self, text: &str) -> Vec<String> {
            let result = self.words.complete(text, text.len());
            result
                .suggestions()
                .iter()
                .map(|suggestion| format!("{}{}", &text[..suggestion.span.start], suggestion.value))
                .collect()
        }

        #[track_caller]
        fn check(&mut self, text: &str, expected: &[&str]) {
            assert_eq!(self.choices(text), expected, "{text}");
        }

        /// These are among the choices, and none of those.
        #[track_caller]
        fn check_among(&mut self, text: &str, expected: &[&str], unwanted: &[&str]) {
            let choices = self.choices(text);
            for word in expected {
                assert!(choices.iter().any(|choice| choice == word), "{text}: {word} is not in {choices:?}");
            }
            for word in unwanted {
                assert!(choices.iter().all(|choice| choice != word), "{text}: {word} is in {choices:?}");
            }
        }
    }

    #[test]
    fn what_the_language_the_store_and_the_shell_know_is_completed() {
        let mut store = Store::new();
        store.check("[:find ?n :where [_ :person/n", &["[:find ?n :where [_ :person/name"]);
        store.check("[:find ?name ?n :wher", &["[:find ?name ?n :where"]);
        store.check("[:find ?na :where [?p :person/name ?na", &["[:find ?na :where [?p :person/name ?na"]);
        store.check(
            "[:find ?name :in $ ?age :where [?p :person/name ?na",
            &["[:find ?name :in $ ?age :where [?p :person/name ?name"],
        );
        store.check("[(starts", &["[(starts-with?"]);
        store.check("[:find (count-", &["[:find (count-distinct"]);
        store.check_among("[(no", &["[(not", "[(not-join", "[(not-in"], &[]);
        store.check("not \"in a te", &[]);
        store.check(":as", &[":as-of"]);
        store.check(":format j", &[":format json", ":format jsonl"]);
        store.check(":timer o", &[":timer off", ":timer on"]);
        store.check(":history o", &[":history off", ":history on"]);
        store.check(":explain [:fin", &[":explain [:find"]);
        store.check(":schema per", &[":schema person"]);
        store.check(":help not-j", &[":help not-join"]);
        store.check_among("[:find ?x ", &["[:find ?x :where", "[:find ?x ?x"], &[]);
    }

    #[test]
    fn words_are_read_again_when_the_store_has_moved_on() {
        let mut store = Store::new();
        store.check("[_ :town/", &[]);
        store.check(":logs ", &[]);
        store.connection.transact("[{:town/name \"Paris\"}]").expect("facts");
        store.check("[_ :town/", &["[_ :town/name"]);
        let recorder = Recorder::start(&store.connection, RunOptions::default()).expect("a run");
        let id = recorder.run_id().to_string();
        store.check(":logs ", &[&format!(":logs {id}"), ":logs last"]);
        store.check(&format!("[[:run/id \"{}", &id[..8]), &[&format!("[[:run/id \"{id}")]);
        Recorder::start(&store.connection, RunOptions::default()).expect("a run");
        store.check(":show last~", &[":show last~1"]);
        store.check_among(":as-of l", &[":as-of last@start", ":as-of last~1@end"], &[":as-of last"]);
    }

    #[test]
    fn rules_lenses_and_files_that_are_in_reach_are_completed() {
        let mut store = Store::new();
        store.check("[:find ?r :where (ances", &[]);
        store.in_reach.set(&[":annals/runs".to_owned()], None);
        store.check("[:find ?r :where (ances", &["[:find ?r :where (ancestor"]);
        store.connection.keep_lens("{:lens/name :people :lens/rename {:someone/called :person/name}}").expect("a lens");
        store.check(":lens :", &[":lens :people"]);
        store.in_reach.set(&[], Some(":people"));
        store.check("[_ :someone/", &["[_ :someone/called"]);
        let folder = store.folder.path().display().to_string();
        fs::write(store.folder.path().join("old rules.edn"), "[]").expect("a file");
        fs::write(store.folder.path().join(".hidden"), "").expect("a file");
        fs::create_dir(store.folder.path().join("older")).expect("a folder");
        for command in ["read", "rules", "lens"] {
            store.check(
                &format!(":{command} {folder}/ol"),
                &[&format!(":{command} {folder}/old rules.edn"), &format!(":{command} {folder}/older/")],
            );
            store.check_among(
                &format!(":{command} {folder}/"),
                &[&format!(":{command} {folder}/annals.db")],
                &[&format!(":{command} {folder}/.hidden")],
            );
        }
        store.check(":rules :ann", &[":rules :annals/runs"]);
    }
}
