//! The changes that cargo-mutants lists.

use serde_json::Value as Json;

/// What kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A function gives another value without doing anything.
    Function,
    /// An operator between two expressions is another one.
    Binary,
    /// An operator before an expression is left out.
    Unary,
    /// An arm is never taken.
    Arm,
    /// An arm's condition is always true, or never.
    Guard,
    /// A field has the value that its struct's base has.
    Field,
}

/// One change of the code in one place.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its number in the list, from 1.
    pub id: usize,
    /// Its file, from the root of the project.
    pub file: String,
    /// What is changed and where, in words.
    pub name: String,
    /// What kind of change it is.
    pub kind: Kind,
    /// What stands in the place of the old text.
    pub replacement: String,
    /// Line and column of the old text, from 1.
    pub start: (usize, usize),
}

/// The changes of a list as `cargo mutants --list --json` writes it.
pub fn read_all(text: &str) -> Result<Vec<Change>, String> {
    let list: Json = serde_json::from_str(text).map_err(|error| format!("the list of changes is no JSON: {error}"))?;
    let list = list.as_array().ok_or("the list of changes is no array")?;
    list.iter().enumerate().map(|(at, entry)| read(at + 1, entry)).collect()
}

fn read(id: usize, entry: &Json) -> Result<Change, String> {
    let text = |name: &str| {
        let found = entry.get(name).and_then(Json::as_str).map(str::to_owned);
        found.ok_or_else(|| format!("change {id} has no {name}"))
    };
    let place = |name: &str| {
        let found = entry.pointer(&format!("/span/start/{name}")).and_then(Json::as_u64);
        found.map(|number| number as usize).ok_or_else(|| format!("change {id} has no {name}"))
    };
    let kind = match text("genre")?.as_str() {
        "FnValue" => Kind::Function,
        "BinaryOperator" => Kind::Binary,
        "UnaryOperator" => Kind::Unary,
        "MatchArm" => Kind::Arm,
        "MatchArmGuard" => Kind::Guard,
        "StructField" => Kind::Field,
        other => return Err(format!("change {id} is of an unknown kind, {other}")),
    };
    let start = (place("line")?, place("column")?);
    Ok(Change { id, file: text("file")?, name: text("name")?, kind, replacement: text("replacement")?, start })
}

/// Every so many of the changes, in an order that soon meets every file, so that a run that is ended early has seen some of each.
pub fn spread(changes: &[Change], every: usize) -> Vec<&Change> {
    let mut chosen: Vec<&Change> = changes.iter().step_by(every.max(1)).collect();
    // Multiples of the golden ratio fill the circle evenly.
    chosen.sort_by_key(|change| (change.id as u32).wrapping_mul(0x9E37_79B1));
    chosen
}
