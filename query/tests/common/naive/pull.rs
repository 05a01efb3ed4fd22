//! Pull: what is known of one entity as a map, entry by entry.

use std::collections::BTreeMap;
use std::sync::Arc;

use annals_query::ast::{PullAttribute, PullLimit, PullNested, PullPattern, PullSpec};
use annals_query::{Attribute, Cardinality, Code, Error, Facts as _, Result, Value, function};

use super::super::memory::MemoryFacts;

/// How many values of an attribute are shown unless the pattern says otherwise.
const LIMIT_VALUES: usize = 1000;

/// A map in the making.
type Map = BTreeMap<Value, Value>;

/// What is known of the entity; nil if nothing is.
pub(super) fn pull(facts: &MemoryFacts, pattern: &PullPattern, entity: i64) -> Result<Value> {
    if facts.is_history() {
        return Err(Error::new(Code::HistoryView, "a history cannot be pulled from"));
    }
    let puller = Puller { facts };
    let map = puller.map(pattern, &depths(pattern), entity, &[])?;
    let is_known = facts.shown().iter().any(|fact| fact.e == entity) || puller.is_referred_to(pattern, entity);
    Ok(if is_known { Value::Map(Arc::new(map)) } else { Value::Nil })
}

/// How often each entry may still be followed; none where nothing bounds it.
fn depths(pattern: &PullPattern) -> Vec<Option<usize>> {
    let depth = |spec: &PullSpec| match spec {
        PullSpec::Attribute(PullAttribute { nested: PullNested::Depth(depth), .. }) => Some(*depth),
        _ => None,
    };
    pattern.specs.iter().map(depth).collect()
}

fn id_map(id: i64) -> Value {
    Value::Map(Arc::new(Map::from([(Value::keyword("db/id"), Value::Long(id))])))
}

struct Puller<'a> {
    facts: &'a MemoryFacts,
}

impl Puller<'_> {
    /// True if an entry of the pattern that goes backward leads anywhere.
    fn is_referred_to(&self, pattern: &PullPattern, entity: i64) -> bool {
        pattern.specs.iter().any(|spec| match spec {
            PullSpec::Attribute(spec) if spec.is_reverse => {
                self.facts.attribute(&spec.ident).is_some_and(|attribute| !self.values(&attribute, true, entity).is_empty())
            }
            _ => false,
        })
    }

    /// The values of an attribute, ascending; backward those who refer to the entity.
    fn values(&self, attribute: &Attribute, is_reverse: bool, entity: i64) -> Vec<Value> {
        let of_attribute = self.facts.shown().iter().filter(|fact| fact.a == attribute.id);
        let mut values: Vec<Value> = if is_reverse {
            of_attribute.filter(|fact| fact.v == Value::Ref(entity)).map(|fact| Value::Ref(fact.e)).collect()
        } else {
            of_attribute.filter(|fact| fact.e == entity).map(|fact| fact.v.clone()).collect()
        };
        values.sort();
        values
    }

    /// The map of a pattern. `above` are the entities through which the recursion under way came, the last one first.
    fn map(&self, pattern: &PullPattern, depths: &[Option<usize>], entity: i64, above: &[i64]) -> Result<Map> {
        let mut map = Map::new();
        if pattern.specs.contains(&PullSpec::Wildcard) {
            map.insert(Value::keyword("db/id"), Value::Long(entity));
            for attribute in self.facts.attributes().filter(|attribute| !self.is_named(pattern, attribute)) {
                let entry = PullAttribute { ident: Arc::clone(&attribute.ident), ..plain() };
                self.entry(&mut map, &entry, attribute, (pattern, depths, 0), (entity, above))?;
            }
        }
        for (place, spec) in pattern.specs.iter().enumerate() {
            let PullSpec::Attribute(spec) = spec else { continue };
            if &*spec.ident == "db/id" && !spec.is_reverse {
                map.insert(key(spec), transformed(spec, Value::Long(entity))?);
            } else if let Some(attribute) = self.facts.attribute(&spec.ident).filter(|_| depths[place] != Some(0)) {
                self.entry(&mut map, spec, &attribute, (pattern, depths, place), (entity, above))?;
            } else if let Some(default) = spec.default.as_ref().filter(|_| depths[place] != Some(0)) {
                map.insert(key(spec), default.clone());
            }
        }
        Ok(map)
    }

    fn is_named(&self, pattern: &PullPattern, attribute: &Attribute) -> bool {
        pattern.specs.iter().any(|spec| match spec {
            PullSpec::Attribute(spec) if !spec.is_reverse => {
                self.facts.attribute(&spec.ident).is_some_and(|named| named.id == attribute.id)
            }
            _ => false,
        })
    }

    fn entry(
        &self,
        map: &mut Map,
        spec: &PullAttribute,
        attribute: &Attribute,
        (pattern, depths, place): (&PullPattern, &[Option<usize>], usize),
        (entity, above): (i64, &[i64]),
    ) -> Result<()> {
        let limit = match spec.limit {
            PullLimit::Default => LIMIT_VALUES,
            PullLimit::Count(count) => count,
            PullLimit::Unlimited => usize::MAX,
        };
        let path: Vec<i64> = std::iter::once(entity).chain(above.iter().copied()).collect();
        let is_component = attribute.is_component && !spec.is_reverse;
        let mut shown = Vec::new();
        for value in self.values(attribute, spec.is_reverse, entity).into_iter().take(limit) {
            let Value::Ref(id) = value else {
                // A pattern for what a value leads to leaves plain values out.
                shown.extend(matches!(spec.nested, PullNested::None).then_some(value));
                continue;
            };
            let ident = if spec.shows_idents { self.facts.ident_of(id)? } else { None };
            shown.push(match (&spec.nested, ident) {
                (_, Some(ident)) => Value::Keyword(ident),
                (PullNested::Pattern(inner), _) => self.nested(inner, &self::depths(inner), id, &[])?,
                (PullNested::None, _) if !is_component => id_map(id),
                _ if path.contains(&id) => id_map(id),
                (PullNested::None, _) => {
                    let whole = PullPattern { specs: vec![PullSpec::Wildcard] };
                    self.nested(&whole, &[None], id, &path)?
                }
                (PullNested::Depth(_) | PullNested::Unbounded, _) => {
                    let mut left = depths.to_vec();
                    left[place] = left[place].map(|levels| levels - 1);
                    self.nested(pattern, &left, id, &path)?
                }
            });
        }
        // Who owns a component is one.
        let is_many = if spec.is_reverse { !attribute.is_component } else { attribute.cardinality == Cardinality::Many };
        let value = if is_many && !shown.is_empty() { Some(Value::vector(shown)) } else { shown.pop() };
        match (value, &spec.default) {
            (Some(value), _) => drop(map.insert(key(spec), transformed(spec, value)?)),
            (None, Some(default)) => drop(map.insert(key(spec), default.clone())),
            (None, None) => {}
        }
        Ok(())
    }

    fn nested(&self, pattern: &PullPattern, depths: &[Option<usize>], entity: i64, above: &[i64]) -> Result<Value> {
        self.map(pattern, depths, entity, above).map(|map| Value::Map(Arc::new(map)))
    }
}

/// An entry without options.
fn plain() -> PullAttribute {
    PullAttribute {
        ident: "".into(),
        is_reverse: false,
        alias: None,
        limit: PullLimit::Default,
        default: None,
        transform: None,
        shows_idents: false,
        nested: PullNested::None,
        span: annals_query::Span::default(),
    }
}

/// `:as`, or the attribute as the pattern names it.
fn key(spec: &PullAttribute) -> Value {
    spec.alias.clone().unwrap_or_else(|| Value::Keyword(spec.keyword()))
}

fn transformed(spec: &PullAttribute, value: Value) -> Result<Value> {
    let Some(name) = &spec.transform else { return Ok(value) };
    function::lookup(name).ok_or_else(|| Error::new(Code::UnknownFunction, name.to_string()))?.call(&[value])
}
