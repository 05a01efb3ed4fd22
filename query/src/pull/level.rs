//! One level of a pull: some entities, one pattern.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::values::{Entities, Values};
use super::{ID, LIMIT_DEPTH, LIMIT_VALUES, Puller};
use crate::ast::{PullAttribute, PullLimit, PullNested, PullPattern, PullSpec};
use crate::error::{Code, Error, Result};
use crate::facts::{Attribute, Cardinality};
use crate::nearest::did_you_mean;
use crate::value::Value;

/// A pattern, and how often each of its recursive attributes may still be followed.
pub(super) struct Frame<'p> {
    pub(super) pattern: &'p PullPattern,
    /// One for each entry of the pattern; `None` where there is no bound.
    pub(super) remaining: Vec<Option<usize>>,
    /// How deep this level lies, from 1.
    pub(super) depth: usize,
}

impl<'p> Frame<'p> {
    pub(super) fn new(pattern: &'p PullPattern, depth: usize) -> Self {
        let bound = |spec: &PullSpec| match spec {
            PullSpec::Attribute(PullAttribute { nested: PullNested::Depth(depth), .. }) => Some(*depth),
            _ => None,
        };
        Self { pattern, remaining: pattern.specs.iter().map(bound).collect(), depth }
    }

    /// The same pattern one level further down, reached through its entry at `place`.
    pub(super) fn again(&self, place: usize) -> Self {
        let mut remaining = self.remaining.clone();
        remaining[place] = remaining[place].map(|levels| levels.saturating_sub(1));
        Self { pattern: self.pattern, remaining, depth: self.depth + 1 }
    }
}

/// One entity of a level. The same entity may stand there several times, reached on different ways.
pub(super) struct Node {
    pub(super) entity: i64,
    /// The entities above it in the same recursion or tree of components.
    pub(super) above: Option<Rc<Path>>,
}

/// A way down to an entity, its end first.
pub(super) struct Path {
    entity: i64,
    above: Option<Rc<Path>>,
}

impl Node {
    /// An entity where a recursion may start.
    pub(super) fn root(entity: i64) -> Self {
        Self { entity, above: None }
    }

    /// The way down to the entities below this one.
    pub(super) fn path(&self) -> Rc<Path> {
        Rc::new(Path { entity: self.entity, above: self.above.clone() })
    }
}

impl Path {
    /// True if `entity` lies on this way: following it again would never end.
    pub(super) fn contains(&self, entity: i64) -> bool {
        let mut step = Some(self);
        while let Some(path) = step {
            if path.entity == entity {
                return true;
            }
            step = path.above.as_deref();
        }
        false
    }
}

/// What was pulled of one entity.
#[derive(Default)]
pub(super) struct Pulled {
    pub(super) map: BTreeMap<Value, Value>,
    /// A fact was found. Without one the entity may still be known.
    pub(super) has_found: bool,
}

/// An entry of a pattern together with the attribute it means.
pub(super) struct Entry<'p> {
    key: Value,
    pub(super) attribute: &'p Attribute,
    pub(super) nested: &'p PullNested,
    /// Its place in the pattern.
    pub(super) place: usize,
    pub(super) is_reverse: bool,
    limit: PullLimit,
    default: Option<&'p Value>,
    transform: Option<&'p PullAttribute>,
    /// A reference to an entity with an ident is shown as the keyword.
    pub(super) shows_idents: bool,
}

impl Entry<'_> {
    /// True if the entry gives a vector. A component has one owner, so its way back gives a map.
    fn is_many(&self) -> bool {
        if self.is_reverse { !self.attribute.is_component } else { self.attribute.cardinality == Cardinality::Many }
    }
}

impl Puller<'_> {
    /// Pulls the pattern of `frame` for each node.
    pub(super) fn level(&self, frame: &Frame<'_>, nodes: &[Node]) -> Result<Vec<Pulled>> {
        if nodes.is_empty() {
            return Ok(Vec::new());
        }
        if frame.depth > LIMIT_DEPTH {
            return Err(Error::new(Code::LimitExceeded, format!("the pull is nested deeper than {LIMIT_DEPTH} levels"))
                .with_help("bound the recursion, as in {:node/next 10}, or follow it with a rule"));
        }
        self.spend(nodes.len())?;
        let entities = Entities::new(self.facts, self.budget, nodes.iter().map(|node| node.entity));
        let mut pulled: Vec<Pulled> = nodes.iter().map(|_| Pulled::default()).collect();
        if frame.pattern.specs.contains(&PullSpec::Wildcard) {
            self.wildcard(frame, &entities, nodes, &mut pulled)?;
        }
        for (place, spec) in frame.pattern.specs.iter().enumerate() {
            match spec {
                PullSpec::Wildcard => {}
                PullSpec::Attribute(spec) if &*spec.ident == ID && !spec.is_reverse => {
                    self.place_ids(spec, nodes, &mut pulled)?;
                }
                PullSpec::Attribute(spec) => self.attribute(frame, (place, spec), &entities, nodes, &mut pulled)?,
            }
        }
        Ok(pulled)
    }

    /// `*`: the id and every attribute that the pattern does not name itself.
    fn wildcard(&self, frame: &Frame<'_>, entities: &Entities<'_>, nodes: &[Node], pulled: &mut [Pulled]) -> Result<()> {
        let named: BTreeSet<i64> = frame.pattern.specs.iter().filter_map(|spec| self.named_attribute(spec)).collect();
        let present: BTreeSet<i64> = entities.whole()?.iter().map(|fact| fact.a).collect();
        for (node, pulled) in nodes.iter().zip(pulled.iter_mut()) {
            pulled.map.insert(Value::keyword(ID), Value::Long(node.entity));
        }
        for id in present.difference(&named) {
            let Some(attribute) = self.facts.attribute_by_id(*id) else { continue };
            let entry = Entry {
                key: Value::Keyword(Arc::clone(&attribute.ident)),
                attribute: &attribute,
                nested: &PullNested::None,
                place: 0,
                is_reverse: false,
                limit: PullLimit::Default,
                default: None,
                transform: None,
                shows_idents: false,
            };
            self.place(frame, &entry, entities.values(&attribute)?, nodes, pulled)?;
        }
        Ok(())
    }

    fn named_attribute(&self, spec: &PullSpec) -> Option<i64> {
        match spec {
            PullSpec::Attribute(spec) if !spec.is_reverse => Some(self.facts.attribute(&spec.ident)?.id),
            _ => None,
        }
    }

    fn attribute(
        &self,
        frame: &Frame<'_>,
        (place, spec): (usize, &PullAttribute),
        entities: &Entities<'_>,
        nodes: &[Node],
        pulled: &mut [Pulled],
    ) -> Result<()> {
        if frame.remaining[place] == Some(0) {
            return Ok(());
        }
        let key = spec.key();
        let Some(attribute) = self.facts.attribute(&spec.ident) else {
            if let Some(default) = &spec.default {
                for pulled in pulled {
                    pulled.map.insert(key.clone(), default.clone());
                }
            }
            return Ok(());
        };
        let entry = Entry {
            key,
            attribute: &attribute,
            nested: &spec.nested,
            place,
            is_reverse: spec.is_reverse,
            limit: spec.limit,
            default: spec.default.as_ref(),
            transform: Some(spec),
            shows_idents: spec.shows_idents,
        };
        let values = if spec.is_reverse { entities.referrers(&attribute)? } else { entities.values(&attribute)? };
        self.place(frame, &entry, values, nodes, pulled)
    }

    /// Puts the values of an entry into the maps of the level.
    fn place(
        &self,
        frame: &Frame<'_>,
        entry: &Entry<'_>,
        mut values: Values,
        nodes: &[Node],
        pulled: &mut [Pulled],
    ) -> Result<()> {
        let limit = match entry.limit {
            PullLimit::Default => LIMIT_VALUES,
            PullLimit::Count(count) => count,
            PullLimit::Unlimited => usize::MAX,
        };
        for of_one in values.values_mut() {
            of_one.truncate(limit);
        }
        for (node, pulled) in nodes.iter().zip(pulled.iter_mut()) {
            pulled.has_found |= values.contains_key(&node.entity);
        }
        for (mut shown, pulled) in self.show(frame, entry, &values, nodes)?.into_iter().zip(pulled) {
            let value = if entry.is_many() && !shown.is_empty() { Some(shown.into()) } else { shown.pop() };
            match (value, entry.default) {
                (Some(value), _) => {
                    pulled.map.insert(entry.key.clone(), self.transformed(entry.transform, value)?);
                }
                (None, Some(default)) => {
                    pulled.map.insert(entry.key.clone(), default.clone());
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn place_ids(&self, spec: &PullAttribute, nodes: &[Node], pulled: &mut [Pulled]) -> Result<()> {
        for (node, pulled) in nodes.iter().zip(pulled) {
            pulled.map.insert(spec.key(), self.transformed(Some(spec), Value::Long(node.entity))?);
        }
        Ok(())
    }

    /// `:xform`.
    fn transformed(&self, spec: Option<&PullAttribute>, value: Value) -> Result<Value> {
        let Some((spec, name)) = spec.and_then(|spec| spec.transform.as_ref().map(|name| (spec, name))) else {
            return Ok(value);
        };
        let Some(function) = self.functions.function(name) else {
            let otherwise = "name a function of one argument, such as upper-case";
            return Err(Error::new(Code::UnknownFunction, format!("no function is called `{name}`, which :xform names"))
                .with_value(name)
                .at(spec.span)
                .with_help(did_you_mean(name, self.functions.function_names(), otherwise)));
        };
        function.call(&[value]).map_err(|error| error.at(spec.span))
    }
}
