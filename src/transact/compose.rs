//! Composed values: an attribute with `:db/tupleAttrs` follows the values of its parts.

use std::collections::BTreeSet;

use annals_query::Value;

use super::delta::Change;
use super::resolve::Resolver;
use super::vocabulary::Vocabulary;
use crate::datom::Datom;
use crate::error::Result;
use crate::schema::Declaration;

/// Adds the changes of composed values to those of their parts. The changes ascend by entity and attribute, before and after.
pub(super) fn compose<'v>(changes: &mut Vec<Change<'v>>, after: &'v Vocabulary<'_>, resolver: &Resolver<'_>) -> Result<()> {
    let mut touched: BTreeSet<(i64, i64)> = BTreeSet::new();
    for change in &*changes {
        if after.is_changed() || !change.declaration.part_of.is_empty() {
            touched.extend(after.composites_of(change.declaration).into_iter().map(|composite| (change.datom.e, composite)));
        }
    }
    for composite in after.changed().filter(|known| is_new_composite(known, resolver)) {
        for part in composite.tuple_attributes.iter().flat_map(|parts| parts.iter()) {
            let facts = resolver.before.facts_of_attribute(*part, usize::MAX)?;
            touched.extend(facts.iter().map(|datom| (datom.e, composite.attribute.id)));
        }
    }
    let mut composed = Vec::new();
    for (e, composite) in touched {
        if let Some(declaration) = after.declaration(composite) {
            compose_one(e, declaration, changes, resolver, &mut composed)?;
        }
    }
    if !composed.is_empty() {
        changes.append(&mut composed);
        changes.sort_by_key(|change| (change.datom.e, change.datom.a));
    }
    Ok(())
}

fn is_new_composite(declaration: &Declaration, resolver: &Resolver<'_>) -> bool {
    let stored = resolver.schema.declaration(declaration.attribute.id);
    declaration.tuple_attributes.is_some() && stored.is_none_or(|stored| stored.tuple_attributes.is_none())
}

/// The composed value of one entity, compared with the one that holds.
fn compose_one<'v>(
    e: i64,
    declaration: &'v Declaration,
    changes: &[Change<'v>],
    resolver: &Resolver<'_>,
    composed: &mut Vec<Change<'v>>,
) -> Result<()> {
    let a = declaration.attribute.id;
    let from = changes.partition_point(|change| change.datom.e < e);
    let mine = &changes[from..from + changes[from..].partition_point(|change| change.datom.e == e)];
    let is_new = mine.first().is_some_and(|change| change.is_new);
    let mut whole = Vec::new();
    let mut reasons: Vec<i64> = Vec::new();
    for &part in declaration.tuple_attributes.iter().flat_map(|parts| parts.iter()) {
        let of_part = || mine.iter().filter(move |change| change.datom.a == part);
        reasons.extend(of_part().map(|change| change.datom.m));
        whole.push(match (of_part().find(|change| change.datom.added), of_part().next()) {
            (Some(change), _) => change.datom.v.clone(),
            (None, Some(_)) => Value::Nil,
            (None, None) if is_new => Value::Nil,
            (None, None) => resolver.before.values(e, part)?.into_iter().next().map_or(Value::Nil, |datom| datom.v),
        });
    }
    // One reason for the parts is the reason of the whole.
    let m = reasons.first().copied().filter(|first| reasons.iter().all(|m| m == first)).unwrap_or(0);
    let whole = whole.iter().any(|part| *part != Value::Nil).then(|| Value::Vector(whole.into()));
    let held = if is_new { Vec::new() } else { resolver.before.values(e, a)? };
    let span = mine.first().and_then(|change| change.span);
    let mut push = |v: Value, added| {
        composed.push(Change { datom: Datom { e, a, v, t: resolver.t, added, m }, declaration, is_new, span });
    };
    for old in held.iter().filter(|old| Some(&old.v) != whole.as_ref()) {
        push(old.v.clone(), false);
    }
    match whole {
        Some(whole) if !held.iter().any(|old| old.v == whole) => push(whole, true),
        _ => {}
    }
    Ok(())
}
