//! Claims against the store: what contradicts itself is refused, what holds already vanishes, what is replaced is retracted.

use annals_query::{Cardinality, Span, Value};

use super::claim::Claim;
use super::refusal::Refusals;
use super::resolve::Resolver;
use crate::datom::Datom;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Declaration;

/// A datom to be, with what checks want to know of it.
#[derive(Clone, Debug)]
pub(super) struct Change<'v> {
    pub(super) datom: Datom,
    pub(super) declaration: &'v Declaration,
    pub(super) is_new: bool,
    pub(super) span: Option<Span>,
}

/// The changes that remain, ascending by entity and attribute. Values are taken out of the claims, which have served their purpose.
pub(super) fn compare<'v>(claims: &mut [Claim<'v>], resolver: &Resolver<'_>, refusals: &mut Refusals) -> Result<Vec<Change<'v>>> {
    claims.sort_by(|x, y| (x.e, x.a).cmp(&(y.e, y.a)).then_with(|| x.v.cmp(&y.v)).then(x.added.cmp(&y.added)));
    let mut changes = Vec::with_capacity(claims.len() + 1);
    for group in claims.chunk_by_mut(|x, y| (x.e, x.a) == (y.e, y.a)) {
        match group {
            [claim] if claim.is_new => {
                if claim.added {
                    let v = std::mem::replace(&mut claim.v, Value::Nil);
                    changes.push(change_to(claim, v, resolver.t));
                }
            }
            group => compare_group(group, resolver, refusals, &mut changes)?,
        }
    }
    Ok(changes)
}

fn change<'v>(claim: &Claim<'v>, t: i64) -> Change<'v> {
    change_to(claim, claim.v.clone(), t)
}

fn change_to<'v>(claim: &Claim<'v>, v: Value, t: i64) -> Change<'v> {
    let datom = Datom { e: claim.e, a: claim.a, v, t, added: claim.added, m: claim.m };
    Change { datom, declaration: claim.declaration, is_new: claim.is_new, span: claim.span }
}

/// All claims about one attribute of one entity.
fn compare_group<'v>(
    group: &[Claim<'v>],
    resolver: &Resolver<'_>,
    refusals: &mut Refusals,
    changes: &mut Vec<Change<'v>>,
) -> Result<()> {
    let facts: Vec<&Claim<'v>> = group.chunk_by(|x, y| x.v == y.v).map(|same| one_fact(same, resolver, refusals)).collect();
    let first = facts[0];
    let has_one = first.declaration.attribute.cardinality == Cardinality::One;
    let added: Vec<&&Claim<'v>> = facts.iter().filter(|claim| claim.added).collect();
    if let (true, [one, two, ..]) = (has_one, &*added) {
        refusals.add_at(two_values(one, two, resolver), later(one.span, two.span));
    }
    let mut held = if first.is_new { Vec::new() } else { resolver.before.values(first.e, first.a)? };
    held.sort_by(|x, y| x.v.cmp(&y.v));
    let holds = |value: &Value| held.binary_search_by(|datom| datom.v.cmp(value)).is_ok();
    for claim in &facts {
        if claim.added != holds(&claim.v) {
            changes.push(change(claim, resolver.t));
        }
    }
    let Some(replacing) = added.first().filter(|_| has_one) else { return Ok(()) };
    for old in held.iter().filter(|old| !facts.iter().any(|claim| claim.v == old.v)) {
        let mut replaced = change(replacing, resolver.t);
        replaced.datom.v = old.v.clone();
        replaced.datom.added = false;
        changes.push(replaced);
    }
    Ok(())
}

/// The one claim that stands for several of the same fact. What was said by itself counts before what is implied.
fn one_fact<'g, 'v>(same: &'g [Claim<'v>], resolver: &Resolver<'_>, refusals: &mut Refusals) -> &'g Claim<'v> {
    let first = same.iter().find(|claim| !claim.is_implied).unwrap_or(&same[0]);
    for other in same {
        if other.added != first.added {
            refusals.add_at(both_ways(first, resolver), later(first.span, other.span));
        } else if other.m != first.m && !(other.is_implied && other.m == 0) {
            refusals.add_at(two_reasons(first, other, resolver), later(first.span, other.span));
        }
    }
    first
}

/// The later of two places: the operation that contradicts what was read before.
fn later(a: Option<Span>, b: Option<Span>) -> Option<Span> {
    [a, b].into_iter().flatten().max_by_key(|span| span.start)
}

fn fact(claim: &Claim<'_>, resolver: &Resolver<'_>) -> String {
    let (e, v) = (resolver.describe(claim.e), resolver.describe_value(&claim.v));
    format!("[{e} :{} {v}]", claim.declaration.attribute.ident)
}

fn two_values(one: &Claim<'_>, two: &Claim<'_>, resolver: &Resolver<'_>) -> Error {
    let mut facts = [fact(one, resolver), fact(two, resolver)];
    facts.sort();
    let ident = &one.declaration.attribute.ident;
    Error::new(ErrorKind::Conflict, format!(":{ident} holds one value an entity, but the transaction gives two"))
        .with_value(facts.join(" "))
        .with_help(format!("say one of them, or declare :{ident} with :db/cardinality :db.cardinality/many"))
}

fn both_ways(claim: &Claim<'_>, resolver: &Resolver<'_>) -> Error {
    let fact = fact(claim, resolver);
    Error::new(ErrorKind::Conflict, format!("{fact} is both added and retracted"))
        .with_value(fact)
        .with_help("a transaction is a set, so neither comes first: use two transactions, or say only one of them")
}

fn two_reasons(one: &Claim<'_>, two: &Claim<'_>, resolver: &Resolver<'_>) -> Error {
    let mut reasons = [one.m, two.m].map(|m| if m == 0 { "none".to_owned() } else { resolver.describe(m) });
    reasons.sort();
    let fact = fact(one, resolver);
    Error::new(ErrorKind::Conflict, format!("{fact} is said with two metadata entities, {}", reasons.join(" and ")))
        .with_value(fact)
        .with_help("a fact has one metadata entity: say it once")
}
