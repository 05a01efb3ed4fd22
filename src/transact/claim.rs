//! Statements to claims: each about one fact, its value read as its attribute wants.

use annals_query::{Cardinality, Span, Value, ValueType};

use super::declare::misnamed;
use super::expand::{Act, Said, Statement};
use super::refusal::Refusals;
use super::resolve::{Resolver, is_lookup};
use super::value::typed;
use super::vocabulary::Vocabulary;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Declaration, Schema, attribute};

/// One fact that shall hold, or cease to. Entities may still be nodes.
#[derive(Clone, Debug)]
pub(super) struct Claim<'v> {
    pub(super) e: i64,
    pub(super) a: i64,
    pub(super) v: Value,
    pub(super) m: i64,
    pub(super) added: bool,
    /// True if nobody said this fact by itself: it goes with its entity, or with all values of its attribute.
    pub(super) is_implied: bool,
    /// True if the transaction makes the entity, so that the store knows nothing of it.
    pub(super) is_new: bool,
    pub(super) declaration: &'v Declaration,
    pub(super) span: Option<Span>,
}

/// What needs the store to become claims, or is checked at the end.
#[derive(Debug)]
pub(super) struct Demand<'v> {
    pub(super) kind: DemandKind,
    pub(super) e: i64,
    pub(super) m: i64,
    /// The attribute; none where the whole entity is meant.
    pub(super) declaration: Option<&'v Declaration>,
    pub(super) span: Option<Span>,
}

/// What is demanded.
#[derive(Debug)]
pub(super) enum DemandKind {
    RetractAll,
    RetractEntity,
    Swap(Option<Value>, Option<Value>),
    Ensure(i64),
}

/// All that a transaction claims.
#[derive(Debug, Default)]
pub(super) struct Claimed<'v> {
    pub(super) claims: Vec<Claim<'v>>,
    pub(super) demands: Vec<Demand<'v>>,
    /// `:db/txInstant` of the transaction itself, with its place.
    pub(super) instants: Vec<(i64, Option<Span>)>,
}

/// Reads each statement under the declaration of its attribute.
pub(super) fn claim<'v>(
    statements: &[Statement<'_>],
    vocabulary: &'v Vocabulary<'_>,
    resolver: &mut Resolver<'_>,
    refusals: &mut Refusals,
) -> Claimed<'v> {
    let mut claimed = Claimed { claims: Vec::with_capacity(statements.len() + 2), ..Claimed::default() };
    for statement in statements {
        let result = claim_one(statement, vocabulary, resolver, &mut claimed);
        refusals.take(result, statement.span);
    }
    claimed
}

fn claim_one<'v>(
    statement: &Statement<'_>,
    vocabulary: &'v Vocabulary<'_>,
    resolver: &mut Resolver<'_>,
    claimed: &mut Claimed<'v>,
) -> Result<()> {
    let Statement { act, e, a, m, span } = statement;
    let (e, m, span) = (*e, *m, *span);
    let declared = vocabulary.declaration(resolver.nodes.find(*a));
    let demand = |kind, declaration| Demand { kind, e, m, declaration, span };
    match (act, declared) {
        (Act::RetractEntity, _) => claimed.demands.push(demand(DemandKind::RetractEntity, None)),
        (Act::Ensure(spec), _) => claimed.demands.push(demand(DemandKind::Ensure(*spec), None)),
        (_, None) => {
            let error = Error::new(ErrorKind::Entity, "no attribute of this name is left in this transaction");
            return Err(error.with_help("the transaction takes the attribute's :db/ident away: use it in another transaction"));
        }
        (Act::RetractAll, Some(declaration)) => {
            check_writable(declaration, e, resolver)?;
            claimed.demands.push(demand(DemandKind::RetractAll, Some(declaration)));
        }
        (Act::Swap(old, new), Some(declaration)) => {
            check_writable(declaration, e, resolver)?;
            check_single(declaration)?;
            let held = held_under(declaration, resolver);
            let old = old.as_ref().map(|old| one_value(old, held, resolver)).transpose()?;
            let new = new.as_ref().map(|new| one_value(new, declaration, resolver)).transpose()?;
            claimed.demands.push(demand(DemandKind::Swap(old, new), Some(declaration)));
        }
        (Act::Add(said), Some(declaration)) if declaration.attribute.id == attribute::ENSURE => {
            let Value::Ref(spec) = one_value(said, declaration, resolver)? else { return Ok(()) };
            claimed.demands.push(demand(DemandKind::Ensure(spec), None));
        }
        (Act::Add(said), Some(declaration)) if declaration.attribute.id == attribute::TX_INSTANT => {
            let Value::Instant(instant) = one_value(said, declaration, resolver)? else { return Ok(()) };
            check_own_instant(e, resolver)?;
            claimed.instants.push((instant, span));
        }
        (Act::Add(said) | Act::Retract(said), Some(declaration)) => {
            let added = matches!(act, Act::Add(_));
            check_writable(declaration, e, resolver)?;
            let (a, is_implied, is_new) = (*a, false, false);
            let schema = resolver.schema;
            let mut result = Ok(());
            let mut push = |v| claimed.claims.push(Claim { e, a, v, m, added, is_implied, is_new, declaration, span });
            if let Said::Entity(entity) = said {
                push(reference(*entity, declaration, resolver)?);
                return Ok(());
            }
            let meant = if added { declaration } else { held_under(declaration, resolver) };
            values_said(said, meant, schema, |value| match typed(resolver, meant, value) {
                Ok(Some(v)) => push(v),
                Ok(None) if added => result = Err(leads_nowhere(meant, value)),
                Ok(None) => {}
                Err(error) => result = Err(error),
            });
            return result;
        }
    }
    Ok(())
}

/// Calls `take` with each plain value said; for an entity, which is none, not at all.
pub(super) fn values_said(said: &Said<'_>, declaration: &Declaration, schema: &Schema, mut take: impl FnMut(&Value)) {
    match said {
        Said::Value(value) => take(value),
        Said::Made(value) => take(value),
        Said::Entity(_) => {}
        Said::Vector(items) => {
            // Only a reference can be looked up: two keywords for an attribute of keywords are two values, whatever they name.
            let is_reference = declaration.attribute.value_type == Some(ValueType::Ref);
            if declaration.attribute.cardinality == Cardinality::Many && !(is_reference && is_lookup(schema, items)) {
                items.iter().for_each(take);
            } else {
                take(&Value::Vector(items.as_slice().into()));
            }
        }
    }
}

/// What a value that holds already was said under: a declaration of this transaction tells nothing about it.
fn held_under<'d>(declaration: &'d Declaration, resolver: &Resolver<'d>) -> &'d Declaration {
    resolver.schema.declaration(declaration.attribute.id).map_or(declaration, AsRef::as_ref)
}

fn one_value(said: &Said<'_>, declaration: &Declaration, resolver: &mut Resolver<'_>) -> Result<Value> {
    if let Said::Entity(entity) = said {
        return reference(*entity, declaration, resolver);
    }
    let value = match said {
        Said::Value(value) => (*value).clone(),
        Said::Made(value) => value.clone(),
        Said::Vector(items) => Value::Vector(items.as_slice().into()),
        Said::Entity(entity) => Value::Ref(*entity),
    };
    typed(resolver, declaration, &value)?.ok_or_else(|| leads_nowhere(declaration, &value))
}

fn reference(entity: i64, declaration: &Declaration, resolver: &Resolver<'_>) -> Result<Value> {
    let attribute = &declaration.attribute;
    if attribute.value_type.is_none_or(|kind| kind == ValueType::Ref) {
        return Ok(Value::Ref(entity));
    }
    let kind = attribute.value_type.map_or("", ValueType::name);
    Err(Error::new(ErrorKind::ValueType, format!(":{} holds values of type {kind}, not ref", attribute.ident))
        .with_value(resolver.describe(entity))
        .with_help(format!("only an attribute with :db/valueType :db.type/ref refers to entities; give a {kind}")))
}

fn check_writable(declaration: &Declaration, e: i64, resolver: &Resolver<'_>) -> Result<()> {
    let attribute = &declaration.attribute;
    if let Some(parts) = &declaration.tuple_attributes {
        let names: Vec<String> = parts.iter().map(|part| resolver.describe(*part)).collect();
        return Err(Error::new(ErrorKind::Declaration, format!(":{} is composed and cannot be written itself", attribute.ident))
            .with_value(format_args!(":{}", attribute.ident))
            .with_help(format!("write its parts: {}", names.join(", "))));
    }
    if attribute.id == attribute::TX_INSTANT {
        return check_own_instant(e, resolver).and_then(|()| {
            Err(Error::new(ErrorKind::InstantOrder, "the instant of a transaction is never retracted")
                .with_help("leave the operation out"))
        });
    }
    Ok(())
}

fn check_own_instant(e: i64, resolver: &Resolver<'_>) -> Result<()> {
    if resolver.nodes.find(e) == resolver.t {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InstantOrder, ":db/txInstant can only be said of the transaction itself")
        .with_value(resolver.describe(e))
        .with_help("use \"datomic.tx\" as the entity, or an attribute of your own such as :event/at"))
}

fn check_single(declaration: &Declaration) -> Result<()> {
    let attribute = &declaration.attribute;
    if attribute.cardinality == Cardinality::One {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::CompareAndSwap,
        format!(":db/cas wants an attribute of one value, and :{} has many", attribute.ident),
    )
    .with_value(format_args!(":{}", attribute.ident))
    .with_help("use :db/retract and :db/add"))
}

fn leads_nowhere(declaration: &Declaration, value: &Value) -> Error {
    if let (Value::Keyword(_), Some(error)) = (value, misnamed(declaration.attribute.id, &value.to_string())) {
        return error;
    }
    Error::new(ErrorKind::Entity, format!("{value} leads to no entity")).with_value(value).with_help(
        "references see the store before the transaction: for an entity that this transaction makes, use a string as temporary id",
    )
}
