//! The attributes as a transaction sees them: those of the store, and what the transaction itself declares.

use annals_query::{Cardinality, Value};
use rustc_hash::FxHashMap;

use super::before::Before;
use super::claim::values_said;
use super::expand::{Act, Coined, Expanded, Said, Statement};
use super::resolve::Resolver;
use super::value::typed;
use crate::datom::Datom;
use crate::error::Result;
use crate::schema::{Declaration, Schema, SchemaBuilder, attribute as a, ident};

/// Declarations of the store, under those that the transaction changes or makes.
pub(super) struct Vocabulary<'s> {
    stored: &'s Schema,
    changed: Option<Schema>,
}

/// What is said of an entity through an attribute of the schema.
#[derive(Clone)]
pub(super) struct SchemaFact {
    pub(super) e: i64,
    pub(super) a: i64,
    pub(super) v: Value,
    pub(super) added: bool,
}

/// Properties that make an attribute of whoever has them.
const MAKES_ATTRIBUTE: [i64; 11] = [
    a::VALUE_TYPE,
    a::UNIQUE,
    a::INDEX,
    a::IS_COMPONENT,
    a::NO_HISTORY,
    a::TUPLE_ATTRS,
    a::TUPLE_TYPES,
    a::TUPLE_TYPE,
    a::ATTR_PREDS,
    a::SEQUENCE_WITHIN,
    a::FULLTEXT,
];

impl<'s> Vocabulary<'s> {
    /// The vocabulary of the statements. Attributes that come into being are stated, so that they are made like everything else.
    pub(super) fn read(expanded: &mut Expanded<'_>, resolver: &mut Resolver<'s>) -> Result<Self> {
        let stored = resolver.schema;
        let speaks_of_schema = |statement: &Statement<'_>| SchemaBuilder::concerns(statement.a);
        if expanded.coined.is_empty() && !expanded.statements.iter().any(speaks_of_schema) {
            return Ok(Self { stored, changed: None });
        }
        let mut facts = said_of_schema(&expanded.statements, resolver);
        join_by_ident(&facts, &expanded.coined, resolver);
        facts.extend(emptied(&expanded.statements, resolver)?);
        for statement in make_attributes(&facts, &expanded.coined, resolver)? {
            if let Act::Add(Said::Made(value)) = &statement.act {
                facts.push(SchemaFact { e: statement.e, a: statement.a, v: value.clone(), added: true });
            }
            expanded.statements.push(statement);
        }
        for fact in &mut facts {
            fact.e = resolver.nodes.find(fact.e);
        }
        let vocabulary = Self { stored, changed: Some(overlay(resolver.before, &facts)?) };
        vocabulary.state_unknown(expanded, &facts, resolver);
        Ok(vocabulary)
    }

    /// States what is retracted through names that the transaction gives to attributes: to add the same contradicts it, as it does
    /// where the attribute was known before. What is retracted through any other name that is unknown never held.
    fn state_unknown(&self, expanded: &mut Expanded<'_>, facts: &[SchemaFact], resolver: &Resolver<'_>) {
        if expanded.unknown.is_empty() {
            return;
        }
        let given = facts.iter().filter(|fact| fact.a == a::IDENT && fact.added);
        let given = given.filter_map(|fact| Some((fact.v.as_text()?, fact.e)));
        let coined = expanded.coined.iter().map(|coined| (&*coined.ident, coined.entity));
        let named: FxHashMap<&str, i64> = given.chain(coined).collect();
        for (name, mut statement) in std::mem::take(&mut expanded.unknown) {
            let Some(entity) = named.get(&*name).map(|entity| resolver.nodes.find(*entity)) else { continue };
            if self.declaration(entity).is_some() {
                statement.a = entity;
                expanded.statements.push(statement);
            }
        }
    }

    /// The vocabulary after these schema facts; the store's if there are none.
    pub(super) fn after(before: &'s dyn Before, facts: &[SchemaFact]) -> Result<Self> {
        let changed = if facts.is_empty() { None } else { Some(overlay(before, facts)?) };
        Ok(Self { stored: before.schema(), changed })
    }

    /// The declaration of an attribute, by id or node.
    pub(super) fn declaration(&self, attribute: i64) -> Option<&Declaration> {
        let changed = self.changed.as_ref().and_then(|changed| changed.declaration(attribute));
        changed.or_else(|| self.stored.declaration(attribute)).map(AsRef::as_ref)
    }

    /// True if the transaction declares something.
    pub(super) fn is_changed(&self) -> bool {
        self.changed.is_some()
    }

    /// The declaration of an attribute that the transaction makes or changes.
    pub(super) fn changed_declaration(&self, attribute: i64) -> Option<&Declaration> {
        self.changed.as_ref()?.declaration(attribute).map(AsRef::as_ref)
    }

    /// The declarations that the transaction makes or changes.
    pub(super) fn changed(&self) -> impl Iterator<Item = &Declaration> {
        self.changed.iter().flat_map(Schema::declarations).map(AsRef::as_ref)
    }

    /// The attributes composed of this one, ascending.
    pub(super) fn composites_of(&self, part: &Declaration) -> Vec<i64> {
        if self.changed.is_none() {
            return part.part_of.clone();
        }
        let id = part.attribute.id;
        let is_part = |known: &&Declaration| known.tuple_attributes.as_ref().is_some_and(|parts| parts.contains(&id));
        let stored = self.stored.declaration(id).map_or(&[][..], |known| &known.part_of);
        let mut all: Vec<i64> =
            self.changed().filter(is_part).map(|known| known.attribute.id).chain(stored.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The schema of the entities that these facts speak of: what the store says of them, and the facts on top.
fn overlay(before: &dyn Before, facts: &[SchemaFact]) -> Result<Schema> {
    let mut entities: Vec<i64> = facts.iter().map(|fact| fact.e).collect();
    entities.sort_unstable();
    entities.dedup();
    let mut builder = SchemaBuilder::default();
    for entity in entities {
        let said: Vec<&SchemaFact> = facts.iter().filter(|fact| fact.e == entity).collect();
        let held = if entity > 0 { before.facts(entity)? } else { Vec::new() };
        for datom in held.iter().filter(|datom| SchemaBuilder::concerns(datom.a) && still_holds(before, datom, &said)) {
            name_parts(before, &mut builder, &datom.v);
            builder.apply(entity, datom.a, &datom.v, true);
        }
        for fact in said.iter().filter(|fact| fact.added) {
            name_parts(before, &mut builder, &fact.v);
            builder.apply(entity, fact.a, &fact.v, true);
        }
    }
    Ok(builder.build())
}

/// True unless the fact is retracted, or replaced by another value of its attribute.
fn still_holds(before: &dyn Before, held: &Datom, said: &[&SchemaFact]) -> bool {
    let has_one = before.schema().declaration(held.a).is_none_or(|known| known.attribute.cardinality == Cardinality::One);
    let ends = |fact: &&SchemaFact| fact.a == held.a && if fact.added { has_one && fact.v != held.v } else { fact.v == held.v };
    !said.iter().any(ends)
}

/// Tells the builder who the attributes are that a declaration names by keyword.
fn name_parts(before: &dyn Before, builder: &mut SchemaBuilder, value: &Value) {
    let names = match value {
        Value::Vector(items) => items,
        one => std::slice::from_ref(one),
    };
    for name in names {
        if let Some(id) = name.as_text().and_then(|text| before.schema().entity(text)) {
            builder.apply(id, a::IDENT, name, true);
        }
    }
}

/// What the statements say through schema attributes; what is wrong about them a later pass says.
fn said_of_schema(statements: &[Statement<'_>], resolver: &mut Resolver<'_>) -> Vec<SchemaFact> {
    let mut facts = Vec::new();
    for statement in statements.iter().filter(|statement| SchemaBuilder::concerns(statement.a)) {
        let all: [Option<(&Said<'_>, bool)>; 2] = match &statement.act {
            Act::Add(said) => [Some((said, true)), None],
            Act::Retract(said) => [Some((said, false)), None],
            Act::Swap(old, new) => [old.as_ref().map(|old| (old, false)), new.as_ref().map(|new| (new, true))],
            _ => continue,
        };
        let schema = resolver.schema;
        let Some(declaration) = schema.declaration(statement.a) else { continue };
        for (said, added) in all.into_iter().flatten() {
            values_said(said, declaration, schema, |value| {
                if let Ok(Some(v)) = typed(resolver, declaration, value) {
                    facts.push(SchemaFact { e: statement.e, a: statement.a, v, added });
                }
            });
            if let Said::Entity(entity) = said {
                facts.push(SchemaFact { e: statement.e, a: statement.a, v: Value::Ref(*entity), added });
            }
        }
    }
    facts
}

/// What goes with all values of a schema attribute, of entities whose names are known by now.
fn emptied(statements: &[Statement<'_>], resolver: &Resolver<'_>) -> Result<Vec<SchemaFact>> {
    let mut facts = Vec::new();
    for statement in statements.iter().filter(|statement| SchemaBuilder::concerns(statement.a)) {
        let e = resolver.nodes.find(statement.e);
        if matches!(statement.act, Act::RetractAll) && e > 0 {
            let held = resolver.before.values(e, statement.a)?;
            facts.extend(held.into_iter().map(|datom| SchemaFact { e, a: datom.a, v: datom.v, added: false }));
        }
    }
    Ok(facts)
}

/// Whoever gets the ident of an attribute is that attribute.
fn join_by_ident(facts: &[SchemaFact], coined: &[Coined], resolver: &mut Resolver<'_>) {
    let mut named: Vec<(&str, i64)> = coined.iter().map(|coined| (&*coined.ident, coined.entity)).collect();
    for fact in facts.iter().filter(|fact| fact.a == a::IDENT && fact.added) {
        let Some(name) = fact.v.as_text() else { continue };
        let is_present_name = |id: &i64| resolver.schema.ident(*id).is_some_and(|ident| &**ident == name);
        // Of two entities of the store nothing comes: they are refused when unique values are checked.
        if let Some(id) = resolver.schema.entity(name).filter(is_present_name) {
            let _ = resolver.nodes.unify(fact.e, id, Some(&(a::IDENT, fact.v.clone())));
        }
        named.push((name, fact.e));
    }
    named.sort_unstable_by(|x, y| x.0.cmp(y.0).then(y.1.cmp(&x.1)));
    for pair in named.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        let _ = resolver.nodes.unify(pair[0].1, pair[1].1, Some(&(a::IDENT, Value::keyword(pair[0].0))));
    }
}

/// Statements that name the attributes that come into being and give each a cardinality.
fn make_attributes<'d>(facts: &[SchemaFact], coined: &[Coined], resolver: &Resolver<'_>) -> Result<Vec<Statement<'d>>> {
    let mut made = Vec::new();
    let mut state = |e: i64, a: i64, v: Value, coined: Option<&Coined>| {
        let span = coined.and_then(|coined| coined.span);
        made.push(Statement { act: Act::Add(Said::Made(v)), e, a, m: 0, span });
    };
    let find = |e: i64| resolver.nodes.find(e);
    let says = |e: i64, a: i64| facts.iter().any(|fact| fact.added && fact.a == a && find(fact.e) == e);
    let mut wanting: Vec<i64> = Vec::new();
    for new in coined {
        let e = find(new.entity);
        // In the past an entity may not have had the name by which it is known today.
        let is_nameless = e < 0 || resolver.before.values(e, a::IDENT)?.is_empty();
        if is_nameless && !says(e, a::IDENT) {
            state(e, a::IDENT, Value::Keyword(new.ident.clone()), Some(new));
        }
        wanting.push(e);
    }
    wanting.extend(facts.iter().filter(|fact| fact.added && MAKES_ATTRIBUTE.contains(&fact.a)).map(|fact| find(fact.e)));
    // Nodes count downwards, so the first to appear comes first.
    wanting.sort_unstable_by(|x, y| y.cmp(x));
    wanting.dedup();
    for e in wanting {
        let is_known = resolver.schema.declaration(e).is_some();
        if !is_known && !says(e, a::CARDINALITY) {
            let new = coined.iter().find(|coined| find(coined.entity) == e);
            let is_many = new.is_some_and(|new| new.is_many);
            let cardinality = if is_many { ident::CARDINALITY_MANY } else { ident::CARDINALITY_ONE };
            state(e, a::CARDINALITY, Value::Ref(cardinality), new);
        }
    }
    Ok(made)
}
