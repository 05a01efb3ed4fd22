//! What a pull shows of the entities that references lead to.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Puller;
use super::level::{Entry, Frame, Node};
use super::values::Values;
use crate::ast::PullNested;
use crate::error::Result;
use crate::value::Value;

/// Idents, without colon, by the entities that have them.
type Idents = FxHashMap<i64, Arc<str>>;

/// A value as it will be shown.
enum Shown {
    Value(Value),
    /// The map of the child with this number.
    Child(usize),
}

/// How an entry goes on below its references.
struct Way<'p> {
    frame: Frame<'p>,
    /// An entity that lies above itself is shown by its id.
    stops_at_cycles: bool,
    /// Values that are no references stay; where a pattern was given for what they lead to, they are left out.
    keeps_plain_values: bool,
}

impl Puller<'_> {
    /// The values of an entry for each node, references shown as maps.
    pub(super) fn show(&self, frame: &Frame<'_>, entry: &Entry<'_>, values: &Values, nodes: &[Node]) -> Result<Vec<Vec<Value>>> {
        let way = self.way(frame, entry);
        let idents = if entry.shows_idents { self.idents(values)? } else { Idents::default() };
        let mut children = Vec::new();
        let mut shown = Vec::with_capacity(nodes.len());
        for node in nodes {
            let of_one = values.get(&node.entity).map_or(&[][..], Vec::as_slice);
            shown.push(show_one(way.as_ref(), node, of_one, &idents, &mut children));
        }
        let mut maps: Vec<Value> = Vec::new();
        if let Some(way) = way {
            maps = self.level(&way.frame, &children)?.into_iter().map(|pulled| Value::Map(Arc::new(pulled.map))).collect();
        }
        let mut value = |shown| match shown {
            Shown::Value(value) => value,
            // Each child is shown once, so its map is taken.
            Shown::Child(number) => std::mem::replace(&mut maps[number], Value::Nil),
        };
        Ok(shown.into_iter().map(|of_one| of_one.into_iter().map(&mut value).collect()).collect())
    }

    /// The idents of those entities among the values that have one.
    fn idents(&self, values: &Values) -> Result<Idents> {
        let mut idents = Idents::default();
        for value in values.values().flatten() {
            if let Value::Ref(id) = value
                && !idents.contains_key(id)
                && let Some(ident) = self.facts.ident_of(*id)?
            {
                idents.insert(*id, ident);
            }
        }
        Ok(idents)
    }

    /// `None` if references are shown by their ids.
    fn way<'s>(&'s self, frame: &Frame<'s>, entry: &Entry<'s>) -> Option<Way<'s>> {
        match entry.nested {
            PullNested::None if entry.attribute.is_component && !entry.is_reverse => {
                let frame = Frame::new(self.wildcard, frame.depth + 1);
                Some(Way { frame, stops_at_cycles: true, keeps_plain_values: true })
            }
            PullNested::None => None,
            PullNested::Pattern(pattern) => {
                let frame = Frame::new(pattern, frame.depth + 1);
                Some(Way { frame, stops_at_cycles: false, keeps_plain_values: false })
            }
            PullNested::Depth(_) | PullNested::Unbounded => {
                Some(Way { frame: frame.again(entry.place), stops_at_cycles: true, keeps_plain_values: false })
            }
        }
    }
}

fn show_one(way: Option<&Way<'_>>, node: &Node, values: &[Value], idents: &Idents, children: &mut Vec<Node>) -> Vec<Shown> {
    let mut shown = Vec::with_capacity(values.len());
    let path = if values.is_empty() { None } else { way.filter(|way| way.stops_at_cycles).map(|_| node.path()) };
    for value in values {
        match (value, way) {
            (Value::Ref(id), _) if idents.contains_key(id) => shown.push(Shown::Value(Value::Keyword(Arc::clone(&idents[id])))),
            (Value::Ref(id), None) => shown.push(Shown::Value(id_map(*id))),
            (Value::Ref(id), Some(_)) if path.as_ref().is_some_and(|path| path.contains(*id)) => {
                shown.push(Shown::Value(id_map(*id)));
            }
            (Value::Ref(id), Some(_)) => {
                shown.push(Shown::Child(children.len()));
                children.push(Node { entity: *id, above: path.as_ref().map(Rc::clone) });
            }
            (plain, way) if way.is_none_or(|way| way.keeps_plain_values) => shown.push(Shown::Value(plain.clone())),
            _ => {}
        }
    }
    shown
}

/// `{:db/id 7}`.
fn id_map(id: i64) -> Value {
    Value::Map(Arc::new(BTreeMap::from([(Value::keyword("db/id"), Value::Long(id))])))
}
