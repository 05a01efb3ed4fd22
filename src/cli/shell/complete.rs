//! Completion: attributes and idents behind a colon, functions and clauses behind a bracket, runs behind a command.

use annals::query::{aggregate, function};
use annals::{Connection, Result, contract};
use reedline::{Completer, CompletionResult, Span, Suggestion};

const CLAUSES: [&str; 16] = [
    ":find",
    ":where",
    ":in",
    ":with",
    ":keys",
    ":order-by",
    ":limit",
    ":offset",
    ":timeout",
    "and",
    "or",
    "or-join",
    "not",
    "not-join",
    "pull",
    "ground",
];
const COMMANDS: [&str; 12] =
    [":help", ":runs", ":logs", ":show", ":entity", ":history", ":schema", ":tx", ":as-of", ":since", ":format", ":quit"];

/// The words that can be completed, sorted.
pub(super) struct Words {
    known: Vec<String>,
    commands: Vec<String>,
    run_ids: Vec<String>,
}

impl Words {
    /// What this store, the language and the shell know.
    pub(super) fn of(connection: &Connection) -> Result<Self> {
        let db = connection.db()?;
        let idents = db.schema().idents().map(|(ident, _)| format!(":{ident}"));
        let names = function::names().chain(aggregate::names()).map(str::to_owned);
        let mut words: Vec<String> = idents.chain(names).chain(CLAUSES.map(str::to_owned)).collect();
        words.sort_unstable();
        words.dedup();
        let run_ids = contract::runs(&db, &contract::RunFilter::default())?.into_iter().map(|run| run.id.to_string()).collect();
        Ok(Self { known: words, commands: COMMANDS.map(str::to_owned).to_vec(), run_ids })
    }

    /// Where the word at `end` begins, and what it may become.
    fn matches(&self, line: &str, end: usize) -> (usize, Vec<&String>) {
        let before = &line[..end];
        let start = before.rfind(|c: char| c.is_whitespace() || "()[]{}\"".contains(c)).map_or(0, |at| at + 1);
        let word = &before[start..];
        let choices = match line.split_whitespace().next() {
            _ if start == 0 && word.starts_with(':') => &self.commands,
            Some(":logs" | ":show") => &self.run_ids,
            _ => &self.known,
        };
        (start, choices.iter().filter(|choice| choice.starts_with(word)).collect())
    }
}

impl Completer for Words {
    fn complete(&mut self, line: &str, end: usize) -> CompletionResult {
        let (start, matches) = self.matches(line, end);
        let suggestion = |value: &String| Suggestion {
            value: value.clone(),
            span: Span::new(start, end),
            append_whitespace: true,
            ..Suggestion::default()
        };
        CompletionResult::fresh(matches.into_iter().map(suggestion).collect::<Vec<_>>())
    }
}
