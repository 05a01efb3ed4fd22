//! Where the cursor stands in an entry, and what may stand there.

use crate::cli::shell::command::{self, Takes};
use crate::cli::shell::token::{Kind, Token, Tokens};

/// What may stand in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A command of the shell.
    Command,
    /// What stands behind a command.
    Argument(Takes),
    /// A text behind `:run/id`.
    RunId,
    /// An attribute or a section of a query.
    Keyword,
    Variable,
    /// A function, an aggregate, a rule or a clause.
    Call,
    /// Nothing is typed yet.
    Anything,
}

/// The word before the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place<'t> {
    pub(super) start: usize,
    pub(super) word: &'t str,
    pub(super) wanted: Wanted,
}

impl<'t> Place<'t> {
    /// What stands before `end`. None in a comment, a text or a number, where nothing is completed.
    pub(super) fn at(text: &'t str, end: usize) -> Option<Self> {
        let before = text.get(..end)?;
        if let Some(place) = Self::in_command(before) {
            return Some(place);
        }
        let tokens: Vec<Token> = Tokens::of(before).collect();
        let Some(last) = tokens.last() else { return Some(Self { start: 0, word: "", wanted: Wanted::Anything }) };
        let (start, wanted) = match last.kind {
            Kind::Keyword => (last.start, Wanted::Keyword),
            Kind::Variable => (last.start, Wanted::Variable),
            Kind::Symbol => (last.start, Wanted::Call),
            Kind::Open(b')') => (end, Wanted::Call),
            Kind::Blank | Kind::Open(_) => (end, Wanted::Anything),
            Kind::Text { is_closed: false } if follows_run_id(before, &tokens) => (last.start + 1, Wanted::RunId),
            Kind::Text { .. } | Kind::Comment | Kind::Number | Kind::Close(_) => return None,
        };
        Some(Self { start, word: &before[start..], wanted })
    }

    /// A place in a command, if it is not in EDN behind it.
    fn in_command(before: &'t str) -> Option<Self> {
        let indent = before.len() - before.trim_start().len();
        let rest = before[indent..].strip_prefix(':')?;
        let Some(name_end) = rest.find(char::is_whitespace) else {
            return Some(Self { start: indent, word: &before[indent..], wanted: Wanted::Command });
        };
        let takes = command::lookup(&rest[..name_end]).map_or(Takes::Nothing, |command| command.takes);
        let argument = rest[name_end..].trim_start();
        let is_switch = takes == Takes::EdnOrSwitch && !argument.contains(|c: char| !c.is_ascii_lowercase());
        let word_start = before.len() - argument.len();
        (!takes.is_edn() || is_switch).then_some(Self { start: word_start, word: argument, wanted: Wanted::Argument(takes) })
    }
}

/// True if the open text at the end stands behind `:run/id`.
fn follows_run_id(before: &str, tokens: &[Token]) -> bool {
    let others = &tokens[..tokens.len() - 1];
    let behind = others.iter().rev().find(|token| token.kind != Kind::Blank);
    behind.is_some_and(|token| &before[token.start..token.end] == ":run/id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, word: &str, wanted: Wanted) {
        let place = Place::at(before, before.len()).expect("something may stand there");
        assert_eq!((place.word, place.wanted), (word, wanted), "{before}");
        assert_eq!(&before[place.start..], word);
    }

    #[test]
    fn what_may_stand_somewhere_follows_from_what_stands_before() {
        check("", "", Wanted::Anything);
        check(":", ":", Wanted::Command);
        check("  :as", ":as", Wanted::Command);
        check(":as-of ", "", Wanted::Argument(Takes::Moment));
        check(":logs la", "la", Wanted::Argument(Takes::Run));
        check(":read my file", "my file", Wanted::Argument(Takes::File));
        check(":explain o", "o", Wanted::Argument(Takes::EdnOrSwitch));
        check(":explain [:fi", ":fi", Wanted::Keyword);
        check(":pull [* :per", ":per", Wanted::Keyword);
        check(":nonsense x", "x", Wanted::Argument(Takes::Nothing));
        check("[:find ?na", "?na", Wanted::Variable);
        check("[:find (", "", Wanted::Call);
        check("[:find (cou", "cou", Wanted::Call);
        check("[:find ?x :where [?x :person/", ":person/", Wanted::Keyword);
        check("[:find ?x ", "", Wanted::Anything);
        check("[", "", Wanted::Anything);
        check("[:find ?x :where [[:run/id \"01", "01", Wanted::RunId);
        check("[?r :run/id \"", "", Wanted::RunId);
    }

    #[test]
    fn nothing_is_completed_in_texts_comments_and_numbers() {
        for before in ["[\"abc", "[1", "; co", "[a]", "[:run/name \"b"] {
            assert_eq!(Place::at(before, before.len()), None, "{before}");
        }
        assert_eq!(Place::at("é", 1), None, "a place inside a letter");
    }
}
