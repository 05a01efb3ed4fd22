//! Known disagreements: each is an entry of `disagreements.edn` with a minimal program, and a test here that recognises it.

mod example;
mod rewriting;
mod sign;

use annals::{Value, query::edn};

use crate::case::Case;
use crate::peer::Peer;

/// One known disagreement.
#[derive(Clone, Debug)]
pub struct Disagreement {
    /// Its name.
    pub name: String,
    /// The engines that it is known of.
    pub peers: Vec<String>,
    /// The line of `semantics.md` that decides for us.
    pub rule: i64,
    entry: Value,
    is_this: sign::Sign,
}

/// All entries, in the order in which their signs are tried.
pub fn read_all(text: &str) -> Result<Vec<Disagreement>, String> {
    let forms = edn::read(text).map_err(|error| error.located_in(text).to_string())?;
    let entries = forms.as_items().ok_or("the list of disagreements is no vector")?;
    let known: Vec<Disagreement> = entries.iter().map(read).collect::<Result<_, _>>()?;
    let of_sign = |(name, _): &(&str, sign::Sign)| {
        let found = known.iter().find(|entry| entry.name == *name).cloned();
        found.ok_or_else(|| format!("{name} is recognised but has no entry in the list"))
    };
    sign::SIGNS.iter().map(of_sign).collect()
}

fn read(entry: &Value) -> Result<Disagreement, String> {
    let text = |name: &str| field(entry, name).and_then(Value::as_text).map(str::to_owned);
    let name = text("name").ok_or_else(|| format!("an entry has no name: {entry}"))?;
    let fault = |what: &str| format!("the entry {name} {what}");
    let peers = field(entry, "peers").and_then(Value::as_items).ok_or_else(|| fault("names no peers"))?;
    text("reason").ok_or_else(|| fault("gives no reason"))?;
    Ok(Disagreement {
        peers: peers.iter().filter_map(Value::as_text).map(str::to_owned).collect(),
        rule: field(entry, "rule").and_then(Value::as_long).ok_or_else(|| fault("names no rule"))?,
        is_this: sign::SIGNS.iter().find(|(known, _)| *known == name).ok_or_else(|| fault("has no sign"))?.1,
        entry: entry.clone(),
        name,
    })
}

fn field<'a>(entry: &'a Value, name: &str) -> Option<&'a Value> {
    match entry {
        Value::Map(fields) => fields.get(&Value::keyword(name)),
        _ => None,
    }
}

impl Disagreement {
    /// Whether it is known of this engine.
    pub fn is_of(&self, peer: &Peer) -> bool {
        self.peers.iter().any(|name| name == peer.name)
    }

    /// Whether a difference is this one.
    pub fn explains(&self, case: &Case<'_>, peer: &mut Peer) -> bool {
        (self.is_this)(case, peer)
    }
}
