//! What is typed, cut into entries: a line that begins with a colon is a command, everything else goes on until its brackets are
//! closed.

use annals::query::edn::{self, Form};

use super::command;
use super::token::Brackets;
use crate::cli::failure::{InText as _, Outcome, usage};

/// Lines on their way to become entries.
#[derive(Debug, Default)]
pub(super) struct Entries {
    text: String,
    /// None for a command of one line.
    brackets: Option<Brackets>,
    /// Lines that were taken, and the number of the one with which the entry begins.
    lines: usize,
    first_line: usize,
}

/// A text to be answered, and the number of its first line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) text: String,
    pub(super) line: usize,
}

impl Entries {
    /// Takes a line; gives the entry that it completes.
    pub(super) fn push(&mut self, line: &str) -> Option<Entry> {
        self.lines += 1;
        if self.text.is_empty() {
            if line.trim().is_empty() {
                return None;
            }
            self.first_line = self.lines;
            self.brackets = edn_begins_at(line).map(Brackets::behind);
        }
        self.text.push_str(line);
        self.text.push('\n');
        if let Some(brackets) = &mut self.brackets {
            brackets.read(&self.text);
            if brackets.are_open() {
                return None;
            }
        }
        self.take()
    }

    /// What is left at the end of the input.
    pub(super) fn rest(mut self) -> Option<Entry> {
        self.take()
    }

    fn take(&mut self) -> Option<Entry> {
        let text = std::mem::take(&mut self.text);
        (!text.trim().is_empty()).then_some(Entry { text, line: self.first_line })
    }
}

/// Every entry of a text.
pub(super) fn entries_of(text: &str) -> Vec<Entry> {
    let mut entries = Entries::default();
    let mut found: Vec<Entry> = text.lines().filter_map(|line| entries.push(line)).collect();
    found.extend(entries.rest());
    found
}

/// False while brackets or a text are still open, so that the entry goes on in the next line.
pub(super) fn is_complete(text: &str) -> bool {
    let mut entries = Entries::default();
    for line in text.lines() {
        entries.push(line);
    }
    entries.rest().is_none()
}

/// Where the brackets of an entry begin to count, by its first line; nowhere for a command whose argument is no EDN.
fn edn_begins_at(line: &str) -> Option<usize> {
    let indent = line.len() - line.trim_start().len();
    let Some(rest) = line[indent..].strip_prefix(':') else { return Some(0) };
    let name = rest.split(char::is_whitespace).next().unwrap_or_default();
    command::lookup(name).is_some_and(|command| command.takes.is_edn()).then_some(indent + 1 + name.len())
}

/// What an entry asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning<'t> {
    /// A comment.
    Nothing,
    Command {
        name: &'t str,
        argument: Option<&'t str>,
    },
    Questions(Vec<Question<'t>>),
    /// Transaction data.
    Facts,
}

/// A query and what stands behind it: its inputs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question<'t> {
    pub(super) query: &'t str,
    pub(super) inputs: Vec<&'t str>,
}

impl<'t> Meaning<'t> {
    /// Of an entry without white space around it.
    pub(super) fn of(entry: &'t str) -> Outcome<Self> {
        if matches!(entry, "help" | "quit" | "exit") {
            return Ok(Self::Command { name: entry, argument: None });
        }
        let word = entry.split(char::is_whitespace).next().unwrap_or_default();
        if command::lookup(word).is_some() {
            return Err(usage(
                format!("`{word}` alone is no question and says nothing"),
                format!("commands begin with a colon: :{word}"),
            ));
        }
        if let Some(command) = entry.strip_prefix(':') {
            let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
            let rest = rest.trim();
            return Ok(Self::Command { name, argument: (!rest.is_empty()).then_some(rest) });
        }
        let forms = edn::read_forms(entry).in_text("entry", entry)?;
        Ok(match forms.first() {
            None => Self::Nothing,
            Some(first) if is_query(first) => Self::Questions(questions(entry, &forms)),
            Some(_) => Self::Facts,
        })
    }
}

/// Each query with the forms behind it, as long as those are no queries themselves.
pub(super) fn questions<'t>(text: &'t str, forms: &[Form]) -> Vec<Question<'t>> {
    let mut questions: Vec<Question<'t>> = Vec::new();
    for form in forms {
        let piece = piece(text, form);
        match questions.last_mut() {
            Some(last) if !is_query(form) => last.inputs.push(piece),
            _ => questions.push(Question { query: piece, inputs: Vec::new() }),
        }
    }
    questions
}

/// The text of a form.
pub(super) fn piece<'t>(text: &'t str, form: &Form) -> &'t str {
    &text[form.span.start as usize..form.span.end as usize]
}

/// A vector that begins with `:find`, or a map that has it.
fn is_query(form: &Form) -> bool {
    let is_find = |form: &Form| form.keyword() == Some("find");
    form.vector().is_some_and(|items| items.first().is_some_and(is_find))
        || form.map().is_some_and(|entries| entries.iter().any(|(key, _)| is_find(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(usize, &str)]) {
        let found = entries_of(text);
        let found: Vec<_> = found.iter().map(|entry| (entry.line, entry.text.trim_end())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn an_entry_ends_with_the_line_in_which_its_brackets_are_closed() {
        check("", &[]);
        check("\n \n", &[]);
        check("[:find ?x\n :where [?x]]\n[{:a 1}]", &[(1, "[:find ?x\n :where [?x]]"), (3, "[{:a 1}]")]);
        check("\n:as-of 2\n\n[1\n\n2]", &[(2, ":as-of 2"), (4, "[1\n\n2]")]);
        check(":explain [:find\n?x]\n:timer on", &[(1, ":explain [:find\n?x]"), (3, ":timer on")]);
        check(":read odd(name.edn\n:quit", &[(1, ":read odd(name.edn"), (2, ":quit")]);
        check(":nonsense (\n:quit", &[(1, ":nonsense ("), (2, ":quit")]);
        check("[:find ?x\n", &[(1, "[:find ?x")]);
        check("[:find ?x)\n]", &[(1, "[:find ?x)"), (2, "]")]);
        check("; only a word\n[1]", &[(1, "; only a word"), (2, "[1]")]);
        check("[:find ?x :in $ ?x] \"a\nb\" 5", &[(1, "[:find ?x :in $ ?x] \"a\nb\" 5")]);
    }

    #[test]
    fn a_finished_entry_is_asked_and_an_unfinished_one_goes_on() {
        for (text, expected) in [
            ("", true),
            ("[:find ?x", false),
            ("[:find ?x]", true),
            ("[:find ?x]]", true),
            (":explain [:find", false),
            (":logs [", true),
            (":as-of 2\n[:find", false),
        ] {
            assert_eq!(is_complete(text), expected, "{text}");
        }
    }

    #[test]
    fn what_stands_behind_a_query_is_its_inputs() {
        let check = |text: &str, expected: &[(&str, &[&str])]| match Meaning::of(text) {
            Ok(Meaning::Questions(found)) => {
                let found: Vec<_> = found.iter().map(|question| (question.query, question.inputs.as_slice())).collect();
                assert_eq!(found, expected, "{text}");
            }
            other => panic!("{text}: {other:?}"),
        };
        check("[:find ?x]", &[("[:find ?x]", &[])]);
        check("[:find ?x] \"ada\" 5", &[("[:find ?x]", &["\"ada\"", "5"])]);
        check("{:find [?x]} [[1 2]]", &[("{:find [?x]}", &["[[1 2]]"])]);
        check("[:find ?x] 1 [:find ?y] 2", &[("[:find ?x]", &["1"]), ("[:find ?y]", &["2"])]);
        assert_eq!(Meaning::of("; nothing").expect("it is read"), Meaning::Nothing);
        assert_eq!(Meaning::of("[{:a 1}]").expect("it is read"), Meaning::Facts);
        assert_eq!(Meaning::of(":logs last").expect("it is read"), Meaning::Command { name: "logs", argument: Some("last") });
        assert!(Meaning::of("[:find ?x]]").is_err());
    }
}
