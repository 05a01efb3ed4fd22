//! Ids for new entities: which partition each lies in, and the next number there.

use annals_query::Value;

use super::claim::{Claim, Claimed, DemandKind};
use super::declare::misnamed;
use super::nodes::{Nodes, place as place_of};
use super::refusal::Refusals;
use super::resolve::Resolver;
use crate::datom::Partition;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Declaration, Placement, SchemaBuilder, attribute};

/// Where a new entity wants to lie; of several wishes the first here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    Own,
    Beside(i64),
    State,
    Schema,
    #[default]
    Default,
}

/// Gives every new entity its id and puts ids into the claims.
pub(super) fn place(claimed: &mut Claimed<'_>, resolver: &mut Resolver<'_>, refusals: &mut Refusals) -> Result<()> {
    if resolver.nodes.len() > 0 {
        mark_subjects(claimed, resolver);
        let wishes = wishes(claimed, resolver);
        let mut numbers = Numbers::default();
        let mut waiting: Vec<i64> = resolver.nodes.unplaced().collect();
        // What lies beside another new entity waits until that one lies somewhere; the rest comes first.
        settle_all(&mut waiting, |wish, _| !matches!(wish, Wish::Beside(_)), &wishes, &mut numbers, resolver)?;
        while !waiting.is_empty() {
            let is_ready = |wish, nodes: &Nodes| matches!(wish, Wish::Beside(target) if nodes.find(target) > 0);
            if settle_all(&mut waiting, is_ready, &wishes, &mut numbers, resolver)? == 0 {
                let node = waiting.remove(0);
                let partition = numbers.partition(wishes[place_of(node)], resolver)?;
                settle(node, partition, &mut numbers, resolver)?;
            }
        }
    }
    put_ids(claimed, resolver, refusals);
    Ok(())
}

/// Who has a fact afterwards gets an id; who is only mentioned does not.
fn mark_subjects(claimed: &Claimed<'_>, resolver: &mut Resolver<'_>) {
    for claim in claimed.claims.iter().filter(|claim| claim.added) {
        resolver.nodes.mark_subject(claim.e);
    }
    for demand in claimed.demands.iter().filter(|demand| matches!(demand.kind, DemandKind::Swap(_, Some(_)))) {
        resolver.nodes.mark_subject(demand.e);
    }
}

fn wishes(claimed: &Claimed<'_>, resolver: &Resolver<'_>) -> Vec<Wish> {
    let mut wishes = vec![Wish::Default; resolver.nodes.len()];
    for claim in claimed.claims.iter().filter(|claim| claim.added) {
        let e = resolver.nodes.find(claim.e);
        if e >= 0 {
            continue;
        }
        let wish = match (claim.declaration.placement, &claim.v) {
            (Some(Placement::Own), _) => Wish::Own,
            (Some(Placement::WithValue), Value::Ref(target)) => Wish::Beside(resolver.nodes.find(*target)),
            (Some(Placement::State), _) => Wish::State,
            _ if SchemaBuilder::concerns(claim.a) => Wish::Schema,
            _ => Wish::Default,
        };
        let known = &mut wishes[place_of(e)];
        *known = wish.min(*known);
    }
    wishes
}

fn settle(node: i64, partition: Partition, numbers: &mut Numbers, resolver: &mut Resolver<'_>) -> Result<()> {
    let id = numbers.next(partition, resolver)?;
    resolver.nodes.settle(node, id);
    Ok(())
}

/// Gives ids to those of the waiting whose wish is ready now, and says how many they are.
fn settle_all(
    waiting: &mut Vec<i64>,
    is_ready: impl Fn(Wish, &Nodes) -> bool,
    wishes: &[Wish],
    numbers: &mut Numbers,
    resolver: &mut Resolver<'_>,
) -> Result<usize> {
    let is_waiting = |node: &i64| !is_ready(wishes[place_of(*node)], &resolver.nodes);
    let all = waiting.len();
    let ready = waiting.iter().filter(|node| !is_waiting(node)).count();
    if ready > 0 && ready < all {
        waiting.sort_by_key(is_waiting);
    }
    for node in waiting.drain(..ready) {
        let partition = numbers.partition(wishes[place_of(node)], resolver)?;
        settle(node, partition, numbers, resolver)?;
    }
    Ok(ready)
}

/// The last number given in each partition.
#[derive(Default)]
struct Numbers {
    last: Vec<(Partition, i64)>,
    opened: Option<Partition>,
}

impl Numbers {
    fn partition(&mut self, wish: Wish, resolver: &Resolver<'_>) -> Result<Partition> {
        Ok(match wish {
            Wish::Own => {
                let last = match self.opened {
                    Some(last) => last,
                    None => resolver.before.last_partition()?.max(resolver.last_partition_written()),
                };
                let next = Partition(last.0 + 1).max(Partition::FIRST_OWN);
                if next > Partition::LAST {
                    return Err(full("no partition is left for a new run"));
                }
                self.opened = Some(next);
                next
            }
            Wish::Beside(target) => match Partition::of(resolver.nodes.find(target)) {
                partition if partition > Partition::SCHEMA => partition,
                _ => Partition::DEFAULT,
            },
            Wish::State => Partition::STATE,
            Wish::Schema => Partition::SCHEMA,
            Wish::Default => Partition::DEFAULT,
        })
    }

    fn next(&mut self, partition: Partition, resolver: &Resolver<'_>) -> Result<i64> {
        if let Some((_, last)) = self.last.iter_mut().find(|(known, _)| *known == partition) {
            return Self::after(last, partition);
        }
        let stored = if self.opened == Some(partition) { None } else { resolver.before.last_entity(partition)? };
        let least = if partition == Partition::SCHEMA { attribute::FIRST_OF_USER - 1 } else { partition.entity(0) };
        let mut newest = stored.unwrap_or(least).max(least).max(resolver.last_written(partition));
        let id = Self::after(&mut newest, partition)?;
        self.last.push((partition, newest));
        Ok(id)
    }

    fn after(last: &mut i64, partition: Partition) -> Result<i64> {
        if *last >= partition.last_entity() {
            return Err(full(&format!("no entity id is left in partition {}", partition.0)));
        }
        *last += 1;
        Ok(*last)
    }
}

fn full(message: &str) -> Error {
    Error::new(ErrorKind::TransactionLimit, message)
        .with_help("begin a new store; an explicit id near the end uses up all before it")
}

/// Ids for nodes, in all places of all claims. A retraction that speaks of nobody is dropped.
fn put_ids(claimed: &mut Claimed<'_>, resolver: &Resolver<'_>, refusals: &mut Refusals) {
    claimed.claims.retain_mut(|claim| {
        claim.is_new = claim.e == resolver.t || resolver.nodes.is_new(claim.e);
        claim.e = resolver.nodes.find(claim.e);
        claim.a = resolver.nodes.find(claim.a);
        claim.m = resolver.nodes.find(claim.m);
        put_id(&mut claim.v, resolver);
        if !claim.added && (claim.e < 0 || first_node(&claim.v).is_some()) {
            return false;
        }
        if let Some(nobody) = first_node(&claim.v) {
            refusals.add_at(only_referred_to(nobody, claim.declaration, resolver), claim.span);
        } else if let Some(nobody) = (claim.m < 0).then_some(claim.m) {
            refusals.add_at(only_mentioned(nobody, resolver), claim.span);
        } else if let Err(error) = check_place(claim, resolver) {
            refusals.add_at(error, claim.span);
        }
        true
    });
    for demand in &mut claimed.demands {
        demand.e = resolver.nodes.find(demand.e);
        demand.m = resolver.nodes.find(demand.m);
        if let DemandKind::Ensure(spec) = &mut demand.kind {
            *spec = resolver.nodes.find(*spec);
        }
        if let DemandKind::Swap(old, new) = &mut demand.kind {
            for value in old.iter_mut().chain(&mut *new) {
                put_id(value, resolver);
            }
            if let Some(nobody) = new.as_ref().and_then(first_node) {
                refusals.add_at(only_mentioned(nobody, resolver), demand.span);
            }
        }
        if demand.m < 0 {
            refusals.add_at(only_mentioned(demand.m, resolver), demand.span);
        }
    }
    claimed.demands.retain(|demand| demand.e > 0 || !matches!(demand.kind, DemandKind::RetractAll | DemandKind::RetractEntity));
}

fn put_id(value: &mut Value, resolver: &Resolver<'_>) {
    match value {
        Value::Ref(entity) => *entity = resolver.nodes.find(*entity),
        Value::Vector(items) if items.iter().any(|item| matches!(item, Value::Ref(entity) if *entity < 0)) => {
            let mut changed = items.to_vec();
            for item in &mut changed {
                put_id(item, resolver);
            }
            *value = Value::Vector(changed.into());
        }
        _ => {}
    }
}

/// A node that is left in the value.
fn first_node(value: &Value) -> Option<i64> {
    match value {
        Value::Ref(entity) => (*entity < 0).then_some(*entity),
        Value::Vector(items) => items.iter().find_map(first_node),
        _ => None,
    }
}

/// An entity lies where its attributes place it, so that reading one run is reading one partition.
fn check_place(claim: &Claim<'_>, resolver: &Resolver<'_>) -> Result<()> {
    if claim.is_new || !claim.added {
        return Ok(());
    }
    let Some(placement) = claim.declaration.placement else { return Ok(()) };
    let partition = Partition::of(claim.e);
    let is_right = match (placement, &claim.v) {
        (Placement::Own, _) => partition >= Partition::FIRST_OWN && claim.e == partition.entity(1),
        (Placement::WithValue, Value::Ref(target)) => partition == Partition::of(*target).max(Partition::DEFAULT),
        (Placement::WithValue, _) => true,
        (Placement::State, _) => partition == Partition::STATE,
    };
    if is_right {
        return Ok(());
    }
    let ident = &claim.declaration.attribute.ident;
    Err(Error::new(
        ErrorKind::Entity,
        format!("entity {} does not lie where :{ident} places its entities", resolver.describe(claim.e)),
    )
    .with_value(claim.e)
    .with_help("use a string as temporary id, so that the new entity gets an id in the right partition"))
}

fn only_referred_to(node: i64, declaration: &Declaration, resolver: &Resolver<'_>) -> Error {
    let name = resolver.describe(node);
    let misnamed = misnamed(declaration.attribute.id, &name).filter(|_| name.starts_with('"'));
    misnamed.unwrap_or_else(|| only_mentioned(node, resolver))
}

fn only_mentioned(node: i64, resolver: &Resolver<'_>) -> Error {
    let name = resolver.describe(node);
    if !name.starts_with('"') {
        return Error::new(ErrorKind::Entity, "a new entity is referred to, but nothing is said about it")
            .with_value("{}")
            .with_help("say a fact about it: an entity is what is said of it");
    }
    Error::new(ErrorKind::Entity, format!("temporary id {name} is referred to, but nothing is said about it"))
        .with_value(&name)
        .with_help("say a fact about it, with the same string as :db/id; to refer to an existing entity use a lookup reference")
}
