//! The line editor: history, brackets matched, colours, completion on Tab.

use std::borrow::Cow;

use reedline::{
    ColumnarMenu, Emacs, FileBackedHistory, KeyCode, KeyModifiers, MenuBuilder as _, Prompt, PromptEditMode, PromptHistorySearch,
    PromptHistorySearchStatus, Reedline, ReedlineEvent, ReedlineMenu, Signal, ValidationResult, Validator,
    default_emacs_keybindings,
};

use super::colour::Colours;
use super::complete::{InReach, Words};
use super::{Shell, entry, history};
use crate::cli::failure::{Outcome, is_colour_welcome};

const MENU: &str = "completion";

/// What ends the prompt.
const INDICATOR: &str = "> ";

struct Brackets;

impl Validator for Brackets {
    fn validate(&self, entry: &str) -> ValidationResult {
        if entry::is_complete(entry) { ValidationResult::Complete } else { ValidationResult::Incomplete }
    }
}

/// `annals> `, with what is looked at where that is not the store as it is.
struct Looking(String);

impl Looking {
    fn of(shell: &Shell<'_>) -> Self {
        let global = &shell.session.global;
        let parts = [
            global.as_of.as_ref().map(|text| format!(" as of {text}")),
            global.since.as_ref().map(|text| format!(" since {text}")),
            shell.settings.history.then(|| " with history".to_owned()),
            global.lens.as_ref().map(|lens| format!(" through {lens}")),
        ];
        Self(format!("annals{}", parts.into_iter().flatten().collect::<String>()))
    }
}

impl Prompt for Looking {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed(INDICATOR)
    }

    /// Blanks, so that lines stand below one another.
    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Owned(" ".repeat(self.0.chars().count() + INDICATOR.len()))
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let failing = if matches!(search.status, PromptHistorySearchStatus::Failing) { "failing " } else { "" };
        Cow::Owned(format!("({failing}search: {}) ", search.term))
    }
}

/// Where a person types.
pub(super) struct Editor {
    lines: Reedline,
    in_reach: InReach,
}

impl Editor {
    /// An editor for the shell's store. Where what is typed cannot be kept, it is told once, and kept until the shell ends.
    pub(super) fn new(shell: &Shell<'_>) -> Outcome<Self> {
        let connection = shell.session.connection()?;
        let kept = history::open(&history::path_for(connection.path())).unwrap_or_else(|failure| {
            failure.report(false);
            FileBackedHistory::default()
        });
        let mut keys = default_emacs_keybindings();
        let next = ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext]);
        keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, next);
        keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
        let in_reach = InReach::default();
        let lines = Reedline::create()
            .with_history(Box::new(kept))
            .with_history_exclusion_prefix(Some(" ".to_owned()))
            .with_validator(Box::new(Brackets))
            .with_highlighter(Box::new(Colours))
            .with_completer(Box::new(Words::new(connection, in_reach.clone())))
            .with_menu(ReedlineMenu::EngineCompleter(Box::new(ColumnarMenu::default().with_name(MENU).with_marker(INDICATOR))))
            .with_quick_completions(true)
            .with_partial_completions(true)
            .with_edit_mode(Box::new(Emacs::new(keys)))
            .with_ansi_colors(is_colour_welcome())
            .use_bracketed_paste(true);
        Ok(Self { lines, in_reach })
    }

    /// The next entry; `None` at the end. Ctrl-C clears what was typed.
    pub(super) fn read(&mut self, shell: &Shell<'_>) -> Outcome<Option<String>> {
        self.in_reach.set(&shell.settings.rules, shell.session.global.lens.as_deref());
        loop {
            match self.lines.read_line(&Looking::of(shell))? {
                Signal::Success(entry) => {
                    // Kept at once: what comes next may end the program. The history says itself at the start if it cannot be kept.
                    let _ = self.lines.sync_history();
                    return Ok(Some(entry));
                }
                Signal::CtrlD => return Ok(None),
                _ => {}
            }
        }
    }
}
