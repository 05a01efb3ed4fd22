//! Checks of declarations: against each other, and against the facts that are there.

use std::collections::BTreeSet;

use annals_query::nearest::nearest;
use annals_query::{Cardinality, Value, ValueType};

use super::check::{is_whole, predicate, satisfies};
use super::delta::Change;
use super::refusal::Refusals;
use super::resolve::Resolver;
use super::value::conforms;
use super::vocabulary::Vocabulary;
use crate::datom::Datom;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::LIMIT_TUPLE_LENGTH;
use crate::schema::{Declaration, GENESIS, SchemaBuilder, attribute as a, ident};

/// Facts that an error names at most.
const LIMIT_NAMED_FACTS: usize = 3;

/// Checks all that the transaction declares.
pub(super) fn check_declarations(
    changes: &[Change<'_>],
    after: &Vocabulary<'_>,
    resolver: &Resolver<'_>,
    refusals: &mut Refusals,
) -> Result<()> {
    let concerns = |change: &&Change<'_>| (a::IDENT..=a::LAST_OF_SCHEMA).contains(&change.datom.a);
    let mut declared: BTreeSet<i64> = BTreeSet::new();
    for change in changes.iter().filter(concerns) {
        let result = check_fact(&change.datom, resolver);
        refusals.take(result, change.span);
        if SchemaBuilder::concerns(change.datom.a) {
            declared.insert(change.datom.e);
        }
    }
    refusals.settle()?;
    for entity in declared {
        let from = changes.partition_point(|change| change.datom.e < entity);
        // What is declared, not whose name it is, unless the name is all that is said.
        let mine = || changes[from..].iter().take_while(|change| change.datom.e == entity);
        let says_more = |change: &&Change<'_>| SchemaBuilder::concerns(change.datom.a) && change.datom.a != a::IDENT;
        let span = mine().filter(says_more).find_map(|change| change.span).or_else(|| mine().find_map(|change| change.span));
        let checking = Checking { changes, after, resolver, stored: resolver.schema.declaration(entity).map(AsRef::as_ref) };
        let result = checking.entity(entity);
        match result? {
            Ok(()) => {}
            Err(error) => refusals.add_at(error, span),
        }
    }
    Ok(())
}

/// What one schema fact may say, whatever else is declared.
fn check_fact(datom: &Datom, resolver: &Resolver<'_>) -> Result<()> {
    // That texts are found by their words changes nothing of what an attribute means.
    if (1 << 32..a::FIRST_OF_USER).contains(&datom.e) && datom.a != a::FULLTEXT {
        let name = resolver.describe(datom.e);
        return Err(
            refuse(format!("{name} is built in and cannot be altered"), &name).with_help("declare an attribute of your own")
        );
    }
    if !datom.added {
        return Ok(());
    }
    let one_of = |allowed: bool, what: &str, choices: &str| {
        let value = resolver.describe_value(&datom.v);
        if allowed { Ok(()) } else { Err(refuse(format!("{value} is no {what}"), &value).with_help(format!("use {choices}"))) }
    };
    match (datom.a, &datom.v) {
        (a::VALUE_TYPE, Value::Ref(id)) => one_of(
            ident::value_type(*id).is_some(),
            "type of values",
            ":db.type/string, :db.type/long, :db.type/ref or another :db.type",
        ),
        (a::CARDINALITY, Value::Ref(id)) => {
            let known = [ident::CARDINALITY_ONE, ident::CARDINALITY_MANY].contains(id);
            one_of(known, "cardinality", ":db.cardinality/one or :db.cardinality/many")
        }
        (a::UNIQUE, Value::Ref(id)) => {
            let known = [ident::UNIQUE_IDENTITY, ident::UNIQUE_VALUE].contains(id);
            one_of(known, "kind of uniqueness", ":db.unique/identity or :db.unique/value")
        }
        (a::PLACEMENT, Value::Ref(id)) => {
            let known = [ident::PLACEMENT_OWN, ident::PLACEMENT_WITH_VALUE, ident::PLACEMENT_STATE].contains(id);
            one_of(known, "placement", ":db.placement/own, :db.placement/with-value or :db.placement/state")
        }
        (a::ATTR_PREDS | a::ENTITY_PREDS, Value::Symbol(name)) => predicate(name, resolver.functions).map(drop),
        (a::TUPLE_TYPES | a::TUPLE_TYPE, value) => check_tuple_types(value),
        (a::IDENT, Value::Keyword(name)) => {
            let namespace = name.split_once('/').map_or("", |(namespace, _)| namespace);
            let is_reserved = namespace == "db" || namespace.starts_with("db.");
            one_of(!is_reserved, "name to give away", "another namespace: :db and :db.* are the schema's own")
        }
        _ => Ok(()),
    }
}

/// The error where something that is no entity stands in the place of a type, a cardinality or another of a few names; none where
/// `attribute` does not choose among names.
pub(super) fn misnamed(attribute: i64, said: &str) -> Option<Error> {
    let (what, namespace) = match attribute {
        a::VALUE_TYPE => ("type of values", "db.type"),
        a::CARDINALITY => ("cardinality", "db.cardinality"),
        a::UNIQUE => ("kind of uniqueness", "db.unique"),
        a::PLACEMENT => ("placement", "db.placement"),
        _ => return None,
    };
    let own = |name: &'static str| name.strip_prefix(namespace)?.strip_prefix('/');
    let names: Vec<&str> = GENESIS.iter().filter_map(|builtin| own(builtin.ident)).collect();
    let written = said.trim_matches([':', '"']);
    let near = nearest(written.rsplit('/').next().unwrap_or(written), names.iter().copied(), 1);
    let guess = near.first().map_or_else(String::new, |near| format!("did you mean :{namespace}/{near}? "));
    let all: Vec<String> = names.iter().map(|name| format!(":{namespace}/{name}")).collect();
    Some(
        Error::new(ErrorKind::Entity, format!("{said} is no {what}"))
            .with_value(said)
            .with_help(format!("{guess}The names are {}", all.join(" "))),
    )
}

fn check_tuple_types(value: &Value) -> Result<()> {
    let names = match value {
        Value::Vector(items) => items,
        one => std::slice::from_ref(one),
    };
    let kind_of =
        |name: &Value| name.as_text().and_then(|name| ValueType::from_name(name.strip_prefix("db.type/").unwrap_or(name)));
    let is_right = |name: &Value| kind_of(name).is_some_and(|kind| kind != ValueType::Tuple);
    if !names.is_empty() && names.iter().all(is_right) {
        return Ok(());
    }
    Err(refuse("the places of a tuple need types".to_owned(), value).with_help(format!(
        "name 1 to {LIMIT_TUPLE_LENGTH} types such as [:db.type/string :db.type/long]; a tuple holds no tuples"
    )))
}

struct Checking<'c, 'v> {
    changes: &'c [Change<'v>],
    after: &'c Vocabulary<'c>,
    resolver: &'c Resolver<'c>,
    /// The declaration in the store.
    stored: Option<&'c Declaration>,
}

impl Checking<'_, '_> {
    fn entity(&self, entity: i64) -> Result<Result<()>> {
        let Some(declared) = self.after.changed_declaration(entity) else {
            return Ok(self.check_no_attribute(entity));
        };
        for result in [check_combination(declared), self.check_parts(declared), self.check_sequence(declared)] {
            if result.is_err() {
                return Ok(result);
            }
        }
        self.check_facts(declared)
    }

    /// Who is no attribute afterwards may not have been one, nor look like one.
    fn check_no_attribute(&self, entity: i64) -> Result<()> {
        let name = self.resolver.describe(entity);
        if self.stored.is_some() {
            return Err(refuse(format!("{name} is an attribute, so it keeps an ident and a cardinality"), &name)
                .with_help("facts in history name it; give it another ident instead"));
        }
        let has_cardinality =
            |change: &Change<'_>| change.datom.e == entity && change.datom.added && change.datom.a == a::CARDINALITY;
        if self.changes.iter().any(has_cardinality) {
            return Err(refuse(format!("{name} is declared as an attribute without a name"), &name)
                .with_help("add :db/ident with a keyword"));
        }
        Ok(())
    }

    /// Parts of a composed value are known attributes of one value.
    fn check_parts(&self, declared: &Declaration) -> Result<()> {
        let name = &declared.attribute.ident;
        let stored_parts = self.stored.and_then(|stored| stored.tuple_attributes.as_ref());
        let is_part = self.stored.is_some_and(|stored| !stored.part_of.is_empty());
        if is_part && declared.attribute.cardinality == Cardinality::Many {
            return Err(refuse(format!(":{name} is part of a composed value, so it has one value"), &format!(":{name}"))
                .with_help("keep :db.cardinality/one"));
        }
        let Some(parts) = &declared.tuple_attributes else {
            let message = format!(":{name} stays composed");
            return if stored_parts.is_none() {
                Ok(())
            } else {
                Err(refuse(message, &format!(":{name}")).with_help("declare another attribute"))
            };
        };
        if stored_parts.is_some_and(|stored| stored != parts) {
            return Err(
                refuse(format!("the parts of :{name} do not change"), &format!(":{name}")).with_help("declare another attribute")
            );
        }
        let said = self.changes.iter().find(|change| change.datom.e == declared.attribute.id && change.datom.a == a::TUPLE_ATTRS);
        let count = match said.map(|change| &change.datom.v) {
            Some(Value::Vector(items)) => items.len(),
            _ => parts.len(),
        };
        let is_single = |part: &i64| {
            let known = self.after.declaration(*part);
            known.is_some_and(|part| part.attribute.cardinality == Cardinality::One && part.tuple_attributes.is_none())
        };
        if (1..=LIMIT_TUPLE_LENGTH).contains(&count) && parts.len() == count && parts.iter().all(is_single) {
            return Ok(());
        }
        let value = said.map_or_else(|| format!(":{name}"), |change| change.datom.v.to_string());
        Err(refuse(format!("the parts of :{name} must be attributes of one value that exist"), &value).with_help(format!(
            "name 1 to {LIMIT_TUPLE_LENGTH} attributes by keyword, none of them composed; declare them first, each with its :db/valueType \
             or :db/cardinality: an ident alone makes no attribute"
        )))
    }

    fn check_sequence(&self, declared: &Declaration) -> Result<()> {
        let Some(scope) = declared.sequence_within else { return Ok(()) };
        let is_long = declared.attribute.value_type == Some(ValueType::Long);
        let is_ref = |scope: &Declaration| scope.attribute.value_type == Some(ValueType::Ref);
        if is_long && self.after.declaration(scope).is_some_and(is_ref) {
            return Ok(());
        }
        let name = &declared.attribute.ident;
        Err(refuse(format!(":{name} cannot count within {}", self.resolver.describe(scope)), &self.resolver.describe(scope))
            .with_help("the attribute that counts needs :db.type/long, and the one it counts within :db.type/ref"))
    }

    /// The facts that are there afterwards must be such as the declaration wants.
    fn check_facts(&self, declared: &Declaration) -> Result<Result<()>> {
        let Some(stored) = self.stored else { return Ok(Ok(())) };
        let (new, old, name) = (&declared.attribute, &stored.attribute, &declared.attribute.ident);
        let narrows_type = new.value_type != old.value_type || declared.tuple_types != stored.tuple_types;
        let narrows_count = new.cardinality == Cardinality::One && old.cardinality == Cardinality::Many;
        let becomes_unique = new.unique.is_some() && old.unique.is_none();
        let becomes_composed = declared.tuple_attributes.is_some() && stored.tuple_attributes.is_none();
        let predicates: Vec<_> = declared.predicates.iter().filter(|name| !stored.predicates.contains(name)).collect();
        if !(narrows_type || narrows_count || becomes_unique || becomes_composed) && predicates.is_empty() {
            return Ok(Ok(()));
        }
        if becomes_composed {
            let held = self.resolver.before.facts_of_attribute(new.id, LIMIT_NAMED_FACTS)?;
            if !held.is_empty() {
                let held: Vec<&Datom> = held.iter().collect();
                return Ok(Err(self.contradicted(format!(":{name} has values of its own, so it cannot be composed"), &held)));
            }
        }
        let facts = self.facts_after(new.id)?;
        if narrows_type {
            let wrong: Vec<&Datom> = facts.iter().filter(|datom| !conforms(declared, &datom.v)).collect();
            if !wrong.is_empty() {
                let kind = new.value_type.map_or("the declared tuple", ValueType::name);
                return Ok(Err(self.contradicted(format!(":{name} has values that are not of type {kind}"), &wrong)));
            }
        }
        if narrows_count {
            let several: Vec<&Datom> = facts.chunk_by(|x, y| x.e == y.e).filter(|group| group.len() > 1).flatten().collect();
            if !several.is_empty() {
                return Ok(Err(self.contradicted(format!("entities have several values of :{name}"), &several)));
            }
        }
        if becomes_unique {
            let mut by_value: Vec<&Datom> = facts.iter().filter(|datom| is_whole(&datom.v)).collect();
            by_value.sort_by(|x, y| x.v.cmp(&y.v).then(x.e.cmp(&y.e)));
            let shared: Vec<&Datom> =
                by_value.chunk_by(|x, y| x.v == y.v).filter(|group| group.len() > 1).flatten().copied().collect();
            if !shared.is_empty() {
                return Ok(Err(self.contradicted(format!("entities share values of :{name}"), &shared)));
            }
        }
        for predicate in predicates {
            let refuses = |datom: &&Datom| !satisfies(predicate, &datom.v, self.resolver.functions).unwrap_or(false);
            let wrong: Vec<&Datom> = facts.iter().filter(refuses).collect();
            if !wrong.is_empty() {
                return Ok(Err(self.contradicted(format!(":{name} has values that do not satisfy `{predicate}`"), &wrong)));
            }
        }
        Ok(Ok(()))
    }

    /// The facts of an attribute after the transaction, ascending by entity.
    fn facts_after(&self, attribute: i64) -> Result<Vec<Datom>> {
        let mine = self.changes.iter().map(|change| &change.datom).filter(|datom| datom.a == attribute);
        let (added, gone): (Vec<&Datom>, Vec<&Datom>) = mine.partition(|datom| datom.added);
        let gone: BTreeSet<(i64, &Value)> = gone.into_iter().map(|datom| (datom.e, &datom.v)).collect();
        let mut facts = self.resolver.before.facts_of_attribute(attribute, usize::MAX)?;
        facts.retain(|datom| !gone.contains(&(datom.e, &datom.v)));
        facts.extend(added.into_iter().cloned());
        facts.sort_by_key(|datom| datom.e);
        Ok(facts)
    }

    fn contradicted(&self, message: String, facts: &[&Datom]) -> Error {
        let show = |datom: &&Datom| {
            let (e, a) = (self.resolver.describe(datom.e), self.resolver.describe(datom.a));
            format!("[{e} {a} {}]", self.resolver.describe_value(&datom.v))
        };
        let mut named: Vec<String> = facts.iter().take(LIMIT_NAMED_FACTS).map(show).collect();
        if facts.len() > LIMIT_NAMED_FACTS {
            named.push("..".to_owned());
        }
        refuse(message, &named.join(" "))
            .with_help("change or retract these facts first, or declare another attribute; a lens reads facts in another way without changing them")
    }
}

/// Properties that do not go together, whatever the facts.
fn check_combination(declared: &Declaration) -> Result<()> {
    let attribute = &declared.attribute;
    let name = format!(":{}", attribute.ident);
    let clash = |message: &str, help: &str| Err(refuse(format!("{name} {message}"), &name).with_help(help));
    let is_tuple = declared.tuple_attributes.is_some() || declared.tuple_types.is_some();
    if attribute.is_component && attribute.value_type.is_some_and(|kind| kind != ValueType::Ref) {
        return clash("is a component but no reference", "use :db/valueType :db.type/ref with :db/isComponent");
    }
    if declared.is_fulltext && attribute.value_type.is_some_and(|kind| kind != ValueType::String) {
        return clash("has no texts that words could be searched in", "use :db/valueType :db.type/string with :db/fulltext");
    }
    if is_tuple && attribute.value_type.is_some_and(|kind| kind != ValueType::Tuple) {
        return clash("is a tuple but declared with another type", "use :db/valueType :db.type/tuple, or leave it out");
    }
    if declared.tuple_attributes.is_some() && declared.tuple_types.is_some() {
        return clash("is a tuple in two ways", "use one of :db/tupleAttrs, :db/tupleTypes and :db/tupleType");
    }
    if declared.tuple_attributes.is_some() && attribute.cardinality == Cardinality::Many {
        return clash("is composed, so it has one value", "use :db/cardinality :db.cardinality/one");
    }
    Ok(())
}

fn refuse(message: String, value: &(impl std::fmt::Display + ?Sized)) -> Error {
    Error::new(ErrorKind::Declaration, message).with_value(value)
}
