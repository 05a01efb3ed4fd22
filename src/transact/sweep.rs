//! Demands that need the store: retracting all of an attribute or of an entity, and compare-and-swap, to claims.

use annals_query::Value;
use rustc_hash::FxHashSet;

use super::claim::{Claim, Claimed, Demand, DemandKind};
use super::refusal::Refusals;
use super::resolve::Resolver;
use super::vocabulary::Vocabulary;
use crate::datom::{Datom, Partition};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Declaration;

/// Turns demands into claims about what the store holds. What is left are the specifications to ensure.
pub(super) fn sweep<'v>(
    claimed: &mut Claimed<'v>,
    vocabulary: &'v Vocabulary<'_>,
    resolver: &Resolver<'_>,
    refusals: &mut Refusals,
) -> Result<()> {
    if claimed.demands.is_empty() {
        return Ok(());
    }
    let demands = std::mem::take(&mut claimed.demands);
    let mut sweeping = Sweeping { vocabulary, resolver, claims: &mut claimed.claims };
    for demand in demands {
        match (&demand.kind, demand.declaration) {
            (DemandKind::Ensure(_), _) => claimed.demands.push(demand),
            (DemandKind::RetractAll, Some(declaration)) => {
                let a = resolver.nodes.find(declaration.attribute.id);
                for datom in sweeping.held(demand.e, a)? {
                    sweeping.retract(&datom, &demand, declaration);
                }
            }
            (DemandKind::Swap(old, new), Some(declaration)) => {
                let swapped = sweeping.swap(&demand, declaration, old.as_ref(), new.as_ref())?;
                refusals.take(swapped, demand.span);
            }
            _ if Partition::of(demand.e) == Partition::TRANSACTIONS => {
                let error = Error::new(ErrorKind::InstantOrder, "a transaction cannot be retracted")
                    .with_value(demand.e)
                    .with_help("retract the facts that it added, one by one or by their entities");
                refusals.add_at(error, demand.span);
            }
            _ => sweeping.entity(&demand)?,
        }
    }
    Ok(())
}

struct Sweeping<'c, 'v, 'w, 'r> {
    vocabulary: &'v Vocabulary<'w>,
    resolver: &'r Resolver<'r>,
    claims: &'c mut Vec<Claim<'v>>,
}

impl<'v> Sweeping<'_, 'v, '_, '_> {
    fn held(&self, e: i64, a: i64) -> Result<Vec<Datom>> {
        let is_in_store = e > 0 && a > 0 && e != self.resolver.t;
        if is_in_store { self.resolver.before.values(e, a) } else { Ok(Vec::new()) }
    }

    fn retract(&mut self, datom: &Datom, demand: &Demand<'v>, declaration: &'v Declaration) {
        let (e, a, v, m, span) = (datom.e, datom.a, datom.v.clone(), demand.m, demand.span);
        self.claims.push(Claim { e, a, v, m, added: false, is_implied: true, is_new: false, declaration, span });
    }

    /// The entity, its components and theirs, and all references to what goes.
    fn entity(&mut self, demand: &Demand<'v>) -> Result<()> {
        let mut going = vec![demand.e];
        let mut seen: FxHashSet<i64> = FxHashSet::from_iter([demand.e]);
        while let Some(e) = going.pop() {
            let (facts, referrers) = (self.resolver.before.facts(e)?, self.resolver.before.referrers(e)?);
            for datom in facts.iter().chain(&referrers) {
                let Some(declaration) = self.vocabulary.declaration(datom.a) else { continue };
                // A composed value goes when its parts do.
                if declaration.tuple_attributes.is_none() {
                    self.retract(datom, demand, declaration);
                }
                match datom.v {
                    // A transaction stays, whoever calls it a part.
                    Value::Ref(part)
                        if declaration.attribute.is_component
                            && datom.e == e
                            && Partition::of(part) != Partition::TRANSACTIONS
                            && seen.insert(part) =>
                    {
                        going.push(part);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn swap(
        &mut self,
        demand: &Demand<'v>,
        declaration: &'v Declaration,
        old: Option<&Value>,
        new: Option<&Value>,
    ) -> Result<Result<()>> {
        let (e, m, span) = (demand.e, demand.m, demand.span);
        let a = self.resolver.nodes.find(declaration.attribute.id);
        let held = self.held(e, a)?;
        let found = held.first().map(|datom| &datom.v);
        if found != old {
            return Ok(Err(self.refuse(demand, declaration, old, found)));
        }
        // Who is still a node here has no value and gets none: `old` and `new` are nil.
        let is_new = e == self.resolver.t || self.resolver.nodes.name(e).is_some();
        let mut state = |v: &Value, added| {
            let v = v.clone();
            self.claims.push(Claim { e, a, v, m, added, is_implied: false, is_new, declaration, span });
        };
        match (new, old) {
            (Some(new), _) => state(new, true),
            (None, Some(old)) => state(old, false),
            (None, None) => {}
        }
        Ok(Ok(()))
    }

    fn refuse(&self, demand: &Demand<'_>, declaration: &Declaration, old: Option<&Value>, found: Option<&Value>) -> Error {
        let show = |value: Option<&Value>| value.map_or_else(|| "nil".to_owned(), |value| self.resolver.describe_value(value));
        let (e, ident) = (self.resolver.describe(demand.e), &declaration.attribute.ident);
        let message = format!(":{ident} of {e} is {}, not {}", show(found), show(old));
        Error::new(ErrorKind::CompareAndSwap, message)
            .with_value(show(found))
            .with_help("read the value again and try with what it is now; nil stands for no value")
    }
}
