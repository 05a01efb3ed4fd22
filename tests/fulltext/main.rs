//! Words of texts: `:db/fulltext` finds what a plain reading of the texts finds, in every view, whoever wrote and whenever the
//! attribute was declared.

#[path = "../common/folder.rs"]
mod folder;

mod damage;
mod declared;
mod random;
#[path = "../common/splitmix.rs"]
mod splitmix;
mod views;

use annals::query::{Budget, Facts as _, Match};
use annals::{Db, Value};

/// What a search through an attribute finds.
#[track_caller]
pub(crate) fn found(db: &Db, attribute: &str, search: &str) -> Vec<Match> {
    let known = db.attribute(attribute).expect("the attribute is known");
    match db.fulltext(&known, search, &Budget::default()) {
        Ok(found) => found,
        Err(error) => panic!("{search}: {error}"),
    }
}

/// The texts that a search through an attribute finds, in alphabetical order, each as often as it was found.
#[track_caller]
pub(crate) fn texts(db: &Db, attribute: &str, search: &str) -> Vec<String> {
    let text = |found: Match| match found.v {
        Value::String(text) => text.to_string(),
        other => panic!("{other} is no text"),
    };
    let mut texts: Vec<String> = found(db, attribute, search).into_iter().map(text).collect();
    texts.sort();
    texts
}
