//! What holds for every following entry: the moment, the lens, the rules, how answers are given. Each command of this kind tells,
//! without an argument, what holds.

use annals::Moment;
use annals::query::ast::RuleSet;

use super::command::Argument;
use super::{Next, Shell};
use crate::cli::arguments::Format;
use crate::cli::failure::{Outcome, usage};
use crate::cli::output::line;
use crate::cli::session::Session;
use crate::cli::{library, moment};

/// What the shell alone knows; the moment, the lens and the format belong to the session.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) history: bool,
    pub(super) timer: bool,
    pub(super) explain: bool,
    /// At most so many rows are printed.
    pub(super) limit_rows: Option<usize>,
    /// Files, and names with a colon.
    pub(super) rules: Vec<String>,
}

/// `on` or `off`.
pub(super) struct Switch;

impl Switch {
    pub(super) fn is_one(text: &str) -> bool {
        matches!(text, "on" | "off")
    }

    fn read(argument: &Argument<'_>) -> Outcome<Option<bool>> {
        match argument.text {
            None => Ok(None),
            Some("on") => Ok(Some(true)),
            Some("off") => Ok(Some(false)),
            Some(other) => {
                let name = argument.command.name;
                Err(usage(format!(":{name} is on or off, not {other}"), format!("say :{name} on or :{name} off")))
            }
        }
    }
}

fn told(argument: &Argument<'_>, value: &str) -> Outcome<Next> {
    line(&format!(":{} {value}", argument.command.name))?;
    Ok(Next::Go)
}

fn switch(argument: &Argument<'_>, setting: &mut bool) -> Outcome<Next> {
    match Switch::read(argument)? {
        Some(value) => *setting = value,
        None => return told(argument, if *setting { "on" } else { "off" }),
    }
    Ok(Next::Go)
}

pub(super) fn history(shell: &mut Shell<'_>, argument: &Argument<'_>) -> Outcome<Next> {
    switch(argument, &mut shell.settings.history)
}

pub(super) fn timer(shell: &mut Shell<'_>, argument: &Argument<'_>) -> Outcome<Next> {
    switch(argument, &mut shell.settings.timer)
}

pub(super) fn explain(shell: &mut Shell<'_>, argument: &Argument<'_>) -> Outcome<Next> {
    switch(argument, &mut shell.settings.explain)
}

pub(super) fn as_of(shell: &mut Shell<'_>, argument: &Argument<'_>) -> Outcome<Next> {
    let Some(text) = argument.text else { return told(argument, shell.session.global.as_of.as_deref().unwrap_or("now")) };
    shell.session.global.as_of = fixed(shell.session, text)?;
    Ok(Next::Go)
}

pub(super) fn since(shell: &mut Shell<'_>, argument: &Argument<'_>) -> Outcome<Next> {
    let Some(text) = argument.text else { return told(argument, shell.session.global.since.as_deref().unwrap_or("off")) };
    shell.session.global.since = fixed(shell.session, text)?;
    Ok(Next::Go)
}

/// A time that stays the same however long the shell stays open: an age is counted from now, and `last` is the last run of now.
/// None for `now`, and for `off`.
fn fixed(session: &Session, text: &str) -> Outcome<Option<String>> {
    if matches!(text, "now" | "off") {
        return Ok(None);
    }
    let db = session.connection()?.db()?;
    Ok(Some(match moment::moment(text, &db)? {
        Moment::T(t) => t.to_string(),
        Moment::Instant(_) if moment::duration(text).is_none() => text.to_owned(),
        wanted => db.as_of(wanted)?.until_t().to_string(),
    }))
}

pub(super) fn lens(shell: &mut Shell<'_>, argument: &Argument<'_>) -> Outcome<Next> {
    match argument.text {
        None => return told(argument, shell.session.global.lens.as_deref().unwrap_or("off")),
        Some("off") => shell.session.look_through("none")?,
        Some(text) => shell.session.look_through(text)?,
    }
    Ok(Next::Go)
}

pub(super) fn rules(shell: &mut Shell<'_>, argument: &Argument<'_>) -> Outcome<Next> {
    let db = shell.session.db()?;
    let rules = &mut shell.settings.rules;
    match argument.text {
        None => {
            let known = library::rules(&db, rules)?;
            return if known.rules.is_empty() { told(argument, "off") } else { lines(&heads(&known)) };
        }
        Some("off" | "none") => rules.clear(),
        Some(text) => {
            let mut wanted: Vec<String> = rules.iter().filter(|known| *known != text).cloned().collect();
            wanted.push(text.to_owned());
            library::rules(&db, &wanted)?;
            *rules = wanted;
        }
    }
    Ok(Next::Go)
}

fn lines(texts: &[String]) -> Outcome<Next> {
    for text in texts {
        line(text)?;
    }
    Ok(Next::Go)
}

/// How each rule is called, and from where it comes: `(ancestor ?above ?run)  :annals/runs`.
pub(super) fn heads(rules: &RuleSet) -> Vec<String> {
    let mut heads: Vec<String> = Vec::new();
    for rule in &rules.rules {
        let parameters: Vec<&str> = rule.head.variables().map(|variable| &*variable.0).collect();
        let head = format!("({} {})", rule.name, parameters.join(" "));
        let from = rules.text_of(rule.span).map_or(String::new(), |text| format!("  {}", text.name));
        let told = format!("{head}{from}");
        // Several heads of one name are one rule.
        if !heads.contains(&told) {
            heads.push(told);
        }
    }
    heads
}

pub(super) fn format(shell: &mut Shell<'_>, argument: &Argument<'_>) -> Outcome<Next> {
    let Some(text) = argument.text else { return told(argument, shell.session.format().name()) };
    let format = <Format as clap::ValueEnum>::from_str(text, false)
        .map_err(|_| usage(format!("there is no format {text}"), "say :format table, edn, json, jsonl, csv or markdown"))?;
    shell.session.global.format = Some(format);
    Ok(Next::Go)
}

pub(super) fn limit(shell: &mut Shell<'_>, argument: &Argument<'_>) -> Outcome<Next> {
    let limit = &mut shell.settings.limit_rows;
    match argument.text {
        None => return told(argument, &limit.map_or("off".to_owned(), |rows| rows.to_string())),
        Some("off") => *limit = None,
        Some(text) => match text.parse() {
            Ok(rows) if rows > 0 => *limit = Some(rows),
            _ => return Err(usage(format!("{text} is no number of rows"), "say :limit 100, or :limit off")),
        },
    }
    Ok(Next::Go)
}
