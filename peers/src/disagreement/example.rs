//! The minimal program of an entry: it must still show what the entry says.

use annals::Value;

use super::{Disagreement, field};
use crate::case::Case;
use crate::ours::Ours;
use crate::peer::{Peer, Said};
use crate::plain::{Plain, Reading};
use crate::random::{Program, World};

impl Disagreement {
    /// Asks both the minimal program. An error says what is not as the entry has it.
    pub fn check(&self, peer: &mut Peer) -> Result<(), String> {
        let fault = |what: String| format!("the minimal program of {} at {}: {what}", self.name, peer.name);
        let text = |name: &str| field(&self.entry, name).and_then(Value::as_text).map(str::to_owned);
        let facts = text("facts").unwrap_or_else(|| "[]".to_owned());
        let world = World { transactions: vec![facts] };
        let shape = match text("shape").as_deref() {
            Some("scalar") => "scalar",
            Some("tuple") => "tuple",
            _ => "relation",
        };
        let mut program = Program { shape, ..Program::default() };
        match (text("query"), text("pull"), text("entity")) {
            (Some(query), _, _) => program.written = Some(query),
            (_, Some(pattern), Some(entity)) => program.pull = Some((pattern, entity)),
            _ => return Err(fault("neither a query nor a pull of an entity".to_owned())),
        }
        program.rules.extend(text("rules"));
        let given = field(&self.entry, "given").and_then(Value::as_items).unwrap_or_default();
        program.inputs = given.iter().filter_map(Value::as_text).map(|given| (String::new(), given.to_owned())).collect();
        let store = Ours::new(&world).map_err(fault)?;
        let name = peer.name;
        peer.enter(&world)?;
        let case = Case::ask(&world, &store, peer, program);
        let fault = |what: &str| Err(format!("the minimal program of {} at {name} {what}:\n{case}", self.name));
        if case.agrees() || case.is_refused_by_both() {
            return fault("shows no disagreement any more");
        }
        if !is_said(field(&self.entry, "ours"), &case.ours, case.reading) {
            return fault("is answered by us in another way than the entry says");
        }
        if !is_said(field(&self.entry, "theirs"), &case.theirs, case.reading) {
            return fault("is answered by the other engine in another way than the entry says");
        }
        Ok(())
    }
}

/// Whether this was said: `{:answer data}`, `{:refused "part of the text"}`, or nil for nothing in time.
fn is_said(wanted: Option<&Value>, said: &Said, reading: Reading) -> bool {
    let Some(wanted) = wanted else { return false };
    match said {
        Said::Answer(answer) => field(wanted, "answer").is_some_and(|wanted| {
            // Keywords are written as texts, so that one entry serves engines with and without keywords.
            let as_text = |plain: Plain| if let Plain::Word(name) = plain { Plain::Text(name) } else { plain };
            Plain::of_value(wanted, reading, false) == answer.map(&as_text)
        }),
        Said::Refused(error) => field(wanted, "refused").and_then(Value::as_text).is_some_and(|part| error.contains(part)),
        Said::Nothing => *wanted == Value::Nil,
    }
}
