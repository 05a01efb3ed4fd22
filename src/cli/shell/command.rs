//! The commands of the shell: one table, from which the shell, its help, its completion and the reference come.

use super::settings::{self, Switch};
use super::{Next, Shell, help, read};
use crate::cli::failure::{Outcome, usage};
use crate::cli::{ask, inspect, runs};
use annals::query::nearest::nearest;

/// A command.
#[derive(Debug)]
pub(super) struct Command {
    /// Without colon.
    pub(super) name: &'static str,
    /// What may stand behind it, as the help shows it.
    pub(super) arguments: &'static str,
    /// One sentence.
    pub(super) doc: &'static str,
    /// A line that can be typed.
    pub(super) example: &'static str,
    /// What is completed behind it.
    pub(super) takes: Takes,
    /// Does it.
    pub(super) run: fn(&mut Shell<'_>, &Argument<'_>) -> Outcome<Next>,
}

/// What stands behind a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    /// `on`, `off`.
    Switch,
    Moment,
    Format,
    Number,
    Run,
    /// A transaction.
    Transaction,
    /// An attribute, or a namespace of some.
    Attribute,
    File,
    Lens,
    Rules,
    /// Anything that `:help` knows.
    Name,
    /// EDN: entities, a pattern, a query.
    Edn,
    /// EDN, or `on`, `off`.
    EdnOrSwitch,
}

impl Takes {
    /// True if what stands behind the command goes on until its brackets are closed.
    pub(super) fn is_edn(self) -> bool {
        matches!(self, Self::Edn | Self::EdnOrSwitch)
    }
}

/// What a person wrote behind a command.
#[derive(Debug)]
pub(super) struct Argument<'t> {
    pub(super) command: &'static Command,
    pub(super) text: Option<&'t str>,
}

impl<'t> Argument<'t> {
    /// The argument, which must be there.
    pub(super) fn needed(&self) -> Outcome<&'t str> {
        let Command { name, arguments, example, .. } = self.command;
        self.text.ok_or_else(|| usage(format!(":{name} wants {arguments}"), format!("for example {example}")))
    }

    /// Refuses an argument that the command has no use for.
    fn none(&self) -> Outcome {
        let name = self.command.name;
        match self.text {
            None => Ok(()),
            Some(text) => Err(usage(format!(":{name} stands alone, and {text} stands behind it"), format!("say :{name}"))),
        }
    }
}

const fn command(
    (name, arguments): (&'static str, &'static str),
    takes: Takes,
    doc: &'static str,
    example: &'static str,
    run: fn(&mut Shell<'_>, &Argument<'_>) -> Outcome<Next>,
) -> Command {
    Command { name, arguments, doc, example, takes, run }
}

/// The commands, as the help groups them.
pub(super) const GROUPS: [(&str, &[Command]); 4] =
    [("How facts are looked at", LOOKING), ("How answers are given", ANSWERING), ("What is there", FACTS), ("The shell", SHELL)];

const LOOKING: &[Command] = &[
    command(
        ("as-of", "T|now"),
        Takes::Moment,
        "Looks at the store as it was at T: a t, an instant, an age (10m) or a run's border (last@start).",
        ":as-of last@end",
        settings::as_of,
    ),
    command(("since", "T|off"), Takes::Moment, "Looks only at what was said after T.", ":since 10m", settings::since),
    command(
        ("history", "on|off|ENTITY [ATTRIBUTE]"),
        Takes::EdnOrSwitch,
        "On: queries see every addition and retraction. With an entity: how what is known of it came to be so.",
        ":history :person/name",
        history,
    ),
    command(
        ("lens", "FILE|:NAME|off"),
        Takes::Lens,
        "Reads facts through a lens: an EDN file, or one that the store keeps.",
        ":lens off",
        settings::lens,
    ),
    command(
        ("rules", "FILE|:NAME|off"),
        Takes::Rules,
        "Puts rules in reach of every query, beside those that are there; without an argument, shows them.",
        ":rules :annals/runs",
        settings::rules,
    ),
];

const ANSWERING: &[Command] = &[
    command(
        ("format", "table|edn|json|jsonl|csv|markdown"),
        Takes::Format,
        "How answers are printed.",
        ":format edn",
        settings::format,
    ),
    command(("limit", "N|off"), Takes::Number, "Prints at most so many rows of an answer.", ":limit 100", settings::limit),
    command(
        ("timer", "on|off"),
        Takes::Switch,
        "Tells the rows and the time of each answer, on standard error.",
        ":timer on",
        settings::timer,
    ),
    command(
        ("explain", "on|off|QUERY [INPUT ...]"),
        Takes::EdnOrSwitch,
        "Shows how a query is answered; on: before the answer of each query.",
        ":explain [:find ?a :where [_ :db/ident ?a]]",
        explain,
    ),
];

const FACTS: &[Command] = &[
    command(
        ("schema", "[NAMESPACE|:ATTRIBUTE]"),
        Takes::Attribute,
        "The attributes in use: all, those of a namespace, or one.",
        ":schema person",
        |shell, argument| done(inspect::schema_of(shell.session, argument.text)),
    ),
    command(("entity", "ENTITY"), Takes::Edn, "What is known of an entity.", ":entity :db/ident", |shell, argument| {
        done(inspect::entity(shell.session, argument.needed()?))
    }),
    command(
        ("pull", "PATTERN ENTITY ..."),
        Takes::Edn,
        "Pulls a tree of attributes out of entities.",
        ":pull [*] :db/ident",
        pull,
    ),
    command(("tx", "[T]"), Takes::Transaction, "The transactions, or one with its datoms.", ":tx 1", |shell, argument| {
        done(inspect::tx(shell.session, argument.text, None))
    }),
    command(("runs", ""), Takes::Nothing, "The runs, the newest first.", ":runs", |shell, argument| {
        argument.none()?;
        done(runs::runs(shell.session, None, None))
    }),
    command(
        ("show", "RUN"),
        Takes::Run,
        "One run: its facts, the state it changed, its last lines, its children.",
        ":show last",
        |shell, argument| done(runs::show(shell.session, argument.needed()?)),
    ),
    command(("logs", "RUN"), Takes::Run, "What a run said.", ":logs last~1", |shell, argument| {
        done(runs::logs(shell.session, &runs::plain_logs(argument.needed()?)))
    }),
];

const SHELL: &[Command] = &[
    command(
        ("help", "[NAME]"),
        Takes::Name,
        "This overview; or a command, a word of the language, a function, an aggregate or a rule, with an example.",
        ":help starts-with?",
        |shell, argument| done(help::help(shell, argument.text)),
    ),
    command(
        ("read", "FILE"),
        Takes::File,
        "Answers what a file holds, entry after entry, as if it were typed.",
        ":read people.edn",
        |shell, argument| read::file(shell, argument.needed()?),
    ),
    command(("quit", ""), Takes::Nothing, "Leaves; so does Ctrl-D.", ":quit", |_, argument| {
        argument.none()?;
        Ok(Next::Stop)
    }),
];

/// Every command.
pub(super) fn all() -> impl Iterator<Item = &'static Command> {
    GROUPS.iter().flat_map(|(_, commands)| commands.iter())
}

/// The command with this name, without colon.
pub(super) fn lookup(name: &str) -> Option<&'static Command> {
    let name = if matches!(name, "exit" | "q") { "quit" } else { name };
    all().find(|command| command.name == name)
}

/// Does what a command says.
pub(super) fn run(shell: &mut Shell<'_>, name: &str, text: Option<&str>) -> Outcome<Next> {
    let Some(command) = lookup(name) else {
        let near = nearest(name, all().map(|command| command.name), 1);
        let help = near.first().map_or(String::new(), |near| format!("did you mean :{near}? "));
        return Err(usage(format!("there is no command :{name}"), format!("{help}:help shows the commands")));
    };
    (command.run)(shell, &Argument { command, text })
}

fn done(outcome: Outcome) -> Outcome<Next> {
    outcome.map(|()| Next::Go)
}

fn history(shell: &mut Shell<'_>, argument: &Argument<'_>) -> Outcome<Next> {
    if argument.text.is_none_or(Switch::is_one) {
        return settings::history(shell, argument);
    }
    let pieces = read::pieces(argument.needed()?)?;
    match pieces.as_slice() {
        [entity] => done(inspect::history(shell.session, entity, None)),
        [entity, attribute] => done(inspect::history(shell.session, entity, Some(attribute))),
        _ => Err(usage(
            ":history wants an entity, or an entity and an attribute",
            format!("for example {}", argument.command.example),
        )),
    }
}

fn pull(shell: &mut Shell<'_>, argument: &Argument<'_>) -> Outcome<Next> {
    let pieces = read::pieces(argument.needed()?)?;
    match pieces.split_first() {
        Some((pattern, entities)) if !entities.is_empty() => {
            let entities: Vec<String> = entities.iter().map(|entity| (*entity).to_owned()).collect();
            done(ask::pull(shell.session, pattern, &entities))
        }
        _ => Err(usage(":pull wants a pattern and an entity", format!("for example {}", argument.command.example))),
    }
}

fn explain(shell: &mut Shell<'_>, argument: &Argument<'_>) -> Outcome<Next> {
    if argument.text.is_none_or(Switch::is_one) {
        return settings::explain(shell, argument);
    }
    done(shell.explain(argument.needed()?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use super::*;

    const REFERENCE: &str = include_str!("../../../docs/reference/shell.md");

    #[test]
    fn every_command_says_what_it_does_once_with_an_example() {
        let names: BTreeSet<&str> = all().map(|command| command.name).collect();
        assert_eq!(names.len(), all().count(), "no name stands twice");
        for Command { name, arguments, doc, example, takes, .. } in all() {
            assert!(doc.ends_with('.') && !doc.contains('\n'), ":{name}: {doc}");
            assert!(example.split(' ').next() == Some(&format!(":{name}")), ":{name}: {example}");
            assert_eq!(arguments.is_empty(), *takes == Takes::Nothing, ":{name}");
            assert!(lookup(name).is_some_and(|command| command.name == *name));
        }
    }

    #[test]
    fn the_reference_shows_every_command() {
        let mut missing = String::new();
        for Command { name, arguments, doc, example, .. } in all() {
            let blank = if arguments.is_empty() { "" } else { " " };
            let row = format!("| `:{name}{blank}{}` | {doc} | `{example}` |", arguments.replace('|', "\\|"));
            if !REFERENCE.contains(&row) {
                writeln!(missing, "{row}").expect("a text can be written to");
            }
        }
        assert!(missing.is_empty(), "docs/reference/shell.md should say:\n{missing}");
    }
}
