//! Upsert: a new entity that claims an identity the store knows is that entity, and two that claim the same one are one.

use annals_query::Value;
use rustc_hash::FxHashMap;

use super::check::is_whole;
use super::claim::Claim;
use super::refusal::Refusals;
use super::resolve::{Resolver, is_identity};
use super::vocabulary::Vocabulary;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Declaration;

/// A new entity's claim to an identity.
struct Identity<'v> {
    e: i64,
    declaration: &'v Declaration,
    v: Value,
    /// Where in the transaction, by the claim.
    claim: usize,
}

/// The parts of a composed value that one entity claims, and the first claim of one.
type Parts = (usize, Vec<(i64, Value)>);

/// Follows identities until nothing changes any more.
pub(super) fn upsert(
    claims: &[Claim<'_>],
    vocabulary: &Vocabulary<'_>,
    resolver: &mut Resolver<'_>,
    refusals: &mut Refusals,
) -> Result<()> {
    let is_identifying = |claim: &Claim<'_>| {
        claim.added && (is_identity(claim.declaration) || vocabulary.is_changed() || !claim.declaration.part_of.is_empty())
    };
    if resolver.nodes.len() == 0 || !claims.iter().any(is_identifying) {
        return Ok(());
    }
    loop {
        let mut identities = identities(claims, vocabulary, resolver);
        identities.sort_by(|x, y| x.declaration.attribute.ident.cmp(&y.declaration.attribute.ident).then_with(|| x.v.cmp(&y.v)));
        let mut changed = false;
        let mut claimed: FxHashMap<(i64, Value), i64> = FxHashMap::default();
        for identity in identities {
            changed |= follow(&identity, &mut claimed, claims, resolver, refusals)?;
        }
        refusals.settle()?;
        if !changed {
            return Ok(());
        }
    }
}

/// One identity; true if it led somewhere new.
fn follow(
    identity: &Identity<'_>,
    claimed: &mut FxHashMap<(i64, Value), i64>,
    claims: &[Claim<'_>],
    resolver: &mut Resolver<'_>,
    refusals: &mut Refusals,
) -> Result<bool> {
    let attribute = identity.declaration.attribute.id;
    let mut changed = false;
    let reason = (attribute, identity.v.clone());
    if is_known(&identity.v) {
        let holder = resolver.holders(attribute, &identity.v)?.first().map(|datom| datom.e);
        if let Some(holder) = holder {
            match resolver.nodes.unify(identity.e, holder, Some(&reason)) {
                Some(news) => changed |= news,
                None if identity.e < 0 => refusals.add_at(two_entities(identity, holder, resolver), claims[identity.claim].span),
                None => {}
            }
        }
    }
    let other = *claimed.entry(reason.clone()).or_insert(identity.e);
    // Two entities of the store that claim one value are refused when unique values are checked.
    changed |= resolver.nodes.unify(identity.e, other, Some(&reason)).unwrap_or(false);
    Ok(changed)
}

/// The identities that entities claim, single and composed.
fn identities<'v>(claims: &'v [Claim<'v>], vocabulary: &'v Vocabulary<'_>, resolver: &Resolver<'_>) -> Vec<Identity<'v>> {
    let mut all = Vec::new();
    let mut parts: FxHashMap<(i64, i64), Parts> = FxHashMap::default();
    for (at, claim) in claims.iter().enumerate().filter(|(_, claim)| claim.added) {
        if is_identity(claim.declaration) && is_whole(&claim.v) {
            let v = follow_value(&claim.v, resolver);
            all.push(Identity { e: claim.e, declaration: claim.declaration, v, claim: at });
        }
        if claim.declaration.part_of.is_empty() && !vocabulary.is_changed() {
            continue;
        }
        for composite in vocabulary.composites_of(claim.declaration) {
            let known = parts.entry((resolver.nodes.find(claim.e), composite)).or_insert_with(|| (at, Vec::new()));
            known.1.push((claim.declaration.attribute.id, follow_value(&claim.v, resolver)));
        }
    }
    for ((e, composite), (claim, values)) in parts {
        let Some(declaration) = vocabulary.declaration(composite).filter(|known| is_identity(known) && e < 0) else { continue };
        let value_of = |part: &i64| values.iter().filter(|(id, _)| id == part).map(|(_, v)| v).min().cloned();
        let whole: Option<Vec<Value>> =
            declaration.tuple_attributes.iter().flat_map(|parts| parts.iter()).map(value_of).collect();
        if let Some(whole) = whole {
            all.push(Identity { e, declaration, v: Value::Vector(whole.into()), claim });
        }
    }
    all
}

/// The value with references to nodes followed as far as known.
fn follow_value(value: &Value, resolver: &Resolver<'_>) -> Value {
    match value {
        Value::Ref(entity) => Value::Ref(resolver.nodes.find(*entity)),
        other => other.clone(),
    }
}

fn is_known(value: &Value) -> bool {
    match value {
        Value::Ref(entity) => *entity > 0,
        Value::Vector(items) => items.iter().all(is_known),
        _ => true,
    }
}

fn two_entities(identity: &Identity<'_>, holder: i64, resolver: &Resolver<'_>) -> Error {
    let this = format!("[:{} {}]", identity.declaration.attribute.ident, resolver.describe_value(&identity.v));
    let (other, first) = match resolver.nodes.because(identity.e) {
        Some((a, v)) => (format!("[{} {}]", resolver.describe(*a), resolver.describe_value(v)), resolver.nodes.find(identity.e)),
        None => ("its other identity".to_owned(), resolver.nodes.find(identity.e)),
    };
    let mut both = [(this, holder), (other, first)];
    both.sort();
    let [(one, one_entity), (two, two_entity)] = both;
    Error::new(ErrorKind::Uniqueness, format!("{one} leads to entity {one_entity}, but {two} to entity {two_entity}"))
        .with_value(format_args!("{one} {two}"))
        .with_help("one entity cannot be both: leave one of the identities out, or change it in a transaction of its own")
}
