//! The line editor: history in a private file, brackets matched, completion on Tab.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use annals::Connection;
use reedline::{
    ColumnarMenu, Emacs, FileBackedHistory, KeyCode, KeyModifiers, MenuBuilder as _, Prompt, PromptEditMode, PromptHistorySearch,
    PromptHistorySearchStatus, Reedline, ReedlineEvent, ReedlineMenu, Signal, ValidationResult, Validator,
    default_emacs_keybindings,
};

use super::complete::Words;
use crate::cli::failure::{Failure, Outcome, is_colour_welcome};
use crate::cli::session::Session;

const MENU: &str = "completion";
const HISTORY_ENTRIES: usize = 10_000;

struct Brackets;

impl Validator for Brackets {
    fn validate(&self, entry: &str) -> ValidationResult {
        if super::is_complete(entry) { ValidationResult::Complete } else { ValidationResult::Incomplete }
    }
}

/// `annals> `, with the moment one looks back to.
struct Looking(String);

impl Prompt for Looking {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("> ")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("  ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let failing = if matches!(search.status, PromptHistorySearchStatus::Failing) { "failing " } else { "" };
        Cow::Owned(format!("({failing}search: {}) ", search.term))
    }
}

/// An editor for this store; its history lies beside the store, readable by its owner alone.
pub(super) fn editor(connection: &Connection) -> Outcome<Reedline> {
    let path = connection.path().with_extension("shell-history");
    make_private(&path)?;
    let history = FileBackedHistory::with_file(HISTORY_ENTRIES, path)
        .map_err(|error| Failure::from(io::Error::other(error.to_string())))?;
    let mut keys = default_emacs_keybindings();
    let next = ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext]);
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, next);
    Ok(Reedline::create()
        .with_history(Box::new(history))
        .with_validator(Box::new(Brackets))
        .with_completer(Box::new(Words::of(connection)?))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(ColumnarMenu::default().with_name(MENU))))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_edit_mode(Box::new(Emacs::new(keys)))
        .with_ansi_colors(is_colour_welcome()))
}

/// The next entry; `None` at the end.
pub(super) fn read(editor: &mut Reedline, session: &Session) -> Outcome<Option<String>> {
    let moment = session.global.as_of.as_ref().map_or(String::new(), |text| format!(" as of {text}"));
    loop {
        match editor.read_line(&Looking(format!("annals{moment}")))? {
            Signal::Success(entry) => return Ok(Some(entry)),
            Signal::CtrlD => return Ok(None),
            _ => {}
        }
    }
}

fn make_private(path: &Path) -> Outcome {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    Ok(())
}
