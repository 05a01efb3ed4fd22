//! `:read`: entries from a file.

use std::path::Path;

use annals::query::edn;

use super::entry::{entries_of, piece};
use super::{Next, Shell};
use crate::cli::ask;
use crate::cli::failure::{InText as _, Outcome, usage};

/// How many files may read one another: beyond this they read themselves.
const LIMIT_FILES: usize = 16;

/// Answers what a file holds; an error stops it, and the entries before it stand.
pub(super) fn file(shell: &mut Shell<'_>, path: &str) -> Outcome<Next> {
    if shell.files_open >= LIMIT_FILES {
        return Err(usage(format!("{path} is read by a file that it reads itself"), "take one of the :read commands out"));
    }
    let (name, text) = ask::read_file(Path::new(path))?;
    shell.files_open += 1;
    let outcome = entries_of(&text)
        .iter()
        .map(|entry| shell.answer(&entry.text).map_err(|failure| failure.in_entry_of(&name, entry.line)))
        .find(|next| !matches!(next, Ok(Next::Go)));
    shell.files_open -= 1;
    outcome.unwrap_or(Ok(Next::Go))
}

/// The texts of several forms in a row.
pub(super) fn pieces(text: &str) -> Outcome<Vec<&str>> {
    let forms = edn::read_forms(text).in_text("entry", text)?;
    Ok(forms.iter().map(|form| piece(text, form)).collect())
}
