//! What a question is asked with beside its inputs: lenses and rules, by file or by name, and further stores.

use std::collections::BTreeMap;
use std::path::Path;

use annals::query::ast::RuleSet;
use annals::query::parse;
use annals::{Connection, Db, Lens};

use super::ask::read_file;
use super::failure::{InText as _, Outcome, usage};

/// The name and text of what a file holds, or of what the store keeps under a name that begins with a colon.
fn named_text(argument: &str, kept: impl Fn(&str) -> annals::Result<std::sync::Arc<str>>) -> Outcome<(String, String)> {
    match argument.strip_prefix(':') {
        Some(name) => Ok((argument.to_owned(), kept(name)?.to_string())),
        None => read_file(Path::new(argument)),
    }
}

/// A lens of the command line.
pub(super) fn lens(db: &Db, argument: &str) -> Outcome<Lens> {
    let (name, text) = named_lens_text(db, argument)?;
    Lens::read_with(&text, db.functions()).in_text(&name, &text)
}

fn named_lens_text(db: &Db, argument: &str) -> Outcome<(String, String)> {
    named_text(argument, |name| db.lens_text(name))
}

/// The text of a lens of the command line.
pub(super) fn lens_text(db: &Db, argument: &str) -> Outcome<String> {
    Ok(named_lens_text(db, argument)?.1)
}

/// The rules of the command line, all of them together.
pub(super) fn rules(db: &Db, arguments: &[String]) -> Outcome<RuleSet> {
    let mut rules = RuleSet::default();
    for argument in arguments {
        let (name, text) = named_text(argument, |name| db.rules_text(name))?;
        let more = parse::named_rules(&name, &text).in_text(&name, &text)?;
        rules = rules.joined(more).in_text(&name, &text)?;
    }
    Ok(rules)
}

/// Rules that were given as a text, or by the name under which the store keeps them.
pub(super) fn rules_of_text(db: &Db, name: &str, text: &str) -> Outcome<RuleSet> {
    if text.trim_start().starts_with(':') {
        return rules(db, &[text.trim().to_owned()]);
    }
    parse::named_rules(name, text).in_text(name, text)
}

/// The stores of `--with`, by name without dollar sign. They must be there.
pub(super) fn stores(arguments: &[String]) -> Outcome<BTreeMap<String, Db>> {
    let mut stores = BTreeMap::new();
    for argument in arguments {
        let named = argument.split_once('=').filter(|(name, path)| is_name(name) && !path.is_empty());
        let Some((name, path)) = named else {
            return Err(usage(format!("{argument:?} names no store"), "write --with other=PATH and use $other in :in"));
        };
        if ["history", "now"].contains(&name) || stores.contains_key(name) {
            return Err(usage(format!("the source ${name} is there already"), "give the store another name"));
        }
        stores.insert(name.to_owned(), Connection::open_read_only(path)?.db()?);
    }
    Ok(stores)
}

/// What can stand behind the dollar sign of a source.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || "-_.".contains(letter))
}

/// `$` is the store in the view that was asked for; `$history` and `$now` are the same store in those views. `$NAME` and
/// `$NAME-history` are another store as it is now.
pub(super) fn source(db: &Db, stores: &BTreeMap<String, Db>, name: &str) -> Outcome<Db> {
    match name {
        "$" => return Ok(db.clone()),
        "$history" => return Ok(db.history()),
        "$now" => return Ok(db.now()),
        _ => {}
    }
    let short = name.strip_prefix('$').unwrap_or(name);
    if let Some(store) = stores.get(short) {
        return Ok(store.clone());
    }
    if let Some(store) = short.strip_suffix("-history").and_then(|short| stores.get(short)) {
        return Ok(store.history());
    }
    Err(usage(
        format!("there is no source {name}"),
        format!(
            "use $ for the store, $history for its history, $now for the store as it is now; another store is named by --with {short}=PATH"
        ),
    ))
}
