//! `shell`: ask and tell at a prompt. On a terminal with history, completion and queries over several lines; from a file or
//! a pipe, each entry in turn.

mod colour;
mod command;
mod complete;
mod edit;
mod entry;
mod help;
mod history;
mod language;
mod read;
mod settings;
mod token;

use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use annals::query::edn;
use annals::transact::TxData;

use super::arguments::QueryArguments;
use super::failure::{Failure, InText as _, Outcome, tell, usage};
use super::output::print_answer;
use super::session::Session;
use super::{ask, tell};
use entry::{Entries, Meaning, Question};
use settings::Settings;

/// What to do after an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

/// A conversation.
struct Shell<'s> {
    session: &'s mut Session,
    settings: Settings,
    /// How many files are being read, each by the one before.
    files_open: usize,
}

/// `annals shell`.
pub(super) fn shell(session: &mut Session) -> Outcome {
    session.connection()?;
    let mut shell = Shell { session, settings: Settings::default(), files_open: 0 };
    if io::stdin().is_terminal() { shell.converse() } else { shell.listen() }
}

impl Shell<'_> {
    /// Answers standard input; the first error ends it.
    fn listen(&mut self) -> Outcome {
        let mut entries = Entries::default();
        for line in io::stdin().lock().lines() {
            let Some(entry) = entries.push(&line?) else { continue };
            if self.answer(&entry.text).map_err(|failure| failure.in_entry_of("standard input", entry.line))? == Next::Stop {
                return Ok(());
            }
        }
        match entries.rest() {
            Some(entry) => {
                self.answer(&entry.text).map(|_| ()).map_err(|failure| failure.in_entry_of("standard input", entry.line))
            }
            None => Ok(()),
        }
    }

    /// Answers what a person types; an error ends the entry, not the shell.
    fn converse(&mut self) -> Outcome {
        let path = self.session.connection()?.path().to_owned();
        tell(&format!(
            "annals {} on {}\n:help shows what can be said; Ctrl-D leaves.",
            env!("CARGO_PKG_VERSION"),
            path.display()
        ));
        let mut editor = edit::Editor::new(self)?;
        while let Some(typed) = editor.read(self)? {
            self.session.interrupted.store(false, Ordering::Relaxed);
            for entry in entry::entries_of(&typed) {
                match self.answer(&entry.text) {
                    Ok(Next::Go) => {}
                    Ok(Next::Stop) | Err(Failure::OutputClosed) => return Ok(()),
                    Err(failure) => {
                        if self.session.is_interrupted() {
                            // The terminal has shown ^C where the error would begin.
                            tell("");
                        }
                        failure.report(false);
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn answer(&mut self, entry: &str) -> Outcome<Next> {
        let entry = entry.trim();
        match Meaning::of(entry)? {
            Meaning::Nothing => {}
            Meaning::Command { name, argument } => return command::run(self, name, argument),
            Meaning::Questions(questions) => questions.iter().try_for_each(|question| self.ask(question))?,
            Meaning::Facts => self.add(entry)?,
        }
        Ok(Next::Go)
    }

    fn ask(&self, question: &Question<'_>) -> Outcome {
        let arguments = self.arguments(question);
        if self.settings.explain {
            ask::explain(self.session, &arguments)?;
        }
        let begun = Instant::now();
        let mut answer = ask::answer(self.session, &arguments)?;
        let took = begun.elapsed();
        let rows = answer.len();
        let limit = self.settings.limit_rows.unwrap_or(rows);
        answer.truncate(limit);
        print_answer(&answer, self.session.format())?;
        if limit < rows {
            tell(&format!("{limit} of {rows} rows; :limit off shows all"));
        }
        self.tell_time(rows, "row", took);
        Ok(())
    }

    /// The plans of queries, each with its inputs behind it.
    fn explain(&self, text: &str) -> Outcome {
        let forms = edn::read_forms(text).in_text("entry", text)?;
        entry::questions(text, &forms).iter().try_for_each(|question| ask::explain(self.session, &self.arguments(question)))
    }

    fn arguments(&self, question: &Question<'_>) -> QueryArguments {
        QueryArguments {
            query: question.query.to_owned(),
            inputs: question.inputs.iter().map(|input| (*input).to_owned()).collect(),
            rules: self.settings.rules.clone(),
            with_stores: Vec::new(),
            timeout: None,
            max_rows: None,
            strict: false,
            history: self.settings.history,
        }
    }

    fn add(&self, entry: &str) -> Outcome {
        if self.session.looks_back() {
            return Err(usage("facts are added now, and this shell looks back", "say :as-of now and :since off first"));
        }
        let connection = self.session.connection()?;
        for data in TxData::read_many(entry).in_text("entry", entry)? {
            let begun = Instant::now();
            let report = connection.transact_data(&data).in_text("entry", entry)?;
            let took = begun.elapsed();
            tell::print_report(self.session, &report)?;
            self.tell_time(report.datoms.len(), "datom", took);
        }
        Ok(())
    }

    fn tell_time(&self, count: usize, noun: &str, took: Duration) {
        if self.settings.timer {
            let plural = if count == 1 { "" } else { "s" };
            tell(&format!("{count} {noun}{plural} in {}", length_of(took)));
        }
    }
}

/// `3.2 ms`, `1.25 s`.
fn length_of(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        format!("{:.1} ms", took.as_secs_f64() * 1_000.0)
    } else {
        format!("{:.2} s", took.as_secs_f64())
    }
}
