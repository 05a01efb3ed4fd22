//! Checks of the outcome: unique values, predicates of attributes, specifications of entities.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use annals_query::function::AnyFunction;
use annals_query::nearest::nearest;
use annals_query::{Code, Functions, Value};

use super::claim::{Claimed, DemandKind};
use super::delta::Change;
use super::refusal::Refusals;
use super::resolve::Resolver;
use crate::datom::Datom;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::attribute;

/// A unique value belongs to one entity at most.
pub(super) fn check_unique(changes: &[Change<'_>], resolver: &mut Resolver<'_>, refusals: &mut Refusals) -> Result<()> {
    let claims =
        |change: &&Change<'_>| change.datom.added && change.declaration.attribute.unique.is_some() && is_whole(&change.datom.v);
    let mut claiming: Vec<&Change<'_>> = changes.iter().filter(claims).collect();
    claiming.sort_by(|x, y| x.datom.a.cmp(&y.datom.a).then_with(|| x.datom.v.cmp(&y.datom.v)).then(x.datom.e.cmp(&y.datom.e)));
    for pair in claiming.windows(2) {
        if pair[0].datom.a == pair[1].datom.a && pair[0].datom.v == pair[1].datom.v {
            let span = [pair[0].span, pair[1].span].into_iter().flatten().max_by_key(|span| span.start);
            refusals.add_at(belongs(pair[1], pair[0].datom.e, resolver), span);
        }
    }
    for change in claiming {
        let (e, a, v) = (change.datom.e, change.datom.a, &change.datom.v);
        let holders: Vec<i64> = resolver.holders(a, v)?.iter().map(|datom| datom.e).filter(|holder| *holder != e).collect();
        for holder in holders {
            if !loses(changes, holder, a, v) {
                refusals.add_at(belongs(change, holder, resolver), change.span);
            }
        }
    }
    Ok(())
}

/// A tuple with a part missing is not unique by that absence: it neither collides nor leads to an entity.
pub(crate) fn is_whole(value: &Value) -> bool {
    value.as_items().is_none_or(|parts| !parts.contains(&Value::Nil))
}

/// True if the holder gives the value up in this transaction. Changes ascend by entity and attribute.
fn loses(changes: &[Change<'_>], holder: i64, a: i64, v: &Value) -> bool {
    changes_of(changes, holder, a).any(|datom| !datom.added && datom.v == *v)
}

/// The changes of one attribute of one entity.
fn changes_of<'c>(changes: &'c [Change<'_>], e: i64, a: i64) -> impl Iterator<Item = &'c Datom> + Clone {
    let from = changes.partition_point(|change| (change.datom.e, change.datom.a) < (e, a));
    changes[from..].iter().map(|change| &change.datom).take_while(move |datom| (datom.e, datom.a) == (e, a))
}

fn belongs(change: &Change<'_>, holder: i64, resolver: &Resolver<'_>) -> Error {
    let ident = &change.declaration.attribute.ident;
    let value = resolver.describe_value(&change.datom.v);
    let mut both = [resolver.describe(change.datom.e), resolver.describe(holder)];
    both.sort();
    let [one, two] = both;
    Error::new(ErrorKind::Uniqueness, format!(":{ident} {value} is unique, but both {one} and {two} would have it"))
        .with_value(&value)
        .with_help("retract it from one of them, or choose another value")
}

/// `:db.attr/preds`: each value added satisfies the predicates of its attribute.
pub(super) fn check_predicates(changes: &[Change<'_>], resolver: &Resolver<'_>, refusals: &mut Refusals) {
    for change in changes.iter().filter(|change| change.datom.added && !change.declaration.predicates.is_empty()) {
        let ident = &change.declaration.attribute.ident;
        for name in &*change.declaration.predicates {
            match satisfies(name, &change.datom.v, resolver.functions) {
                Ok(true) => {}
                Ok(false) => {
                    let value = resolver.describe_value(&change.datom.v);
                    let error = Error::new(ErrorKind::Check, format!(":{ident} {value} does not satisfy `{name}`"))
                        .with_value(value)
                        .with_help(format!("give a value that does, or retract `{name}` from the :db.attr/preds of :{ident}"));
                    refusals.add_at(error, change.span);
                }
                Err(error) => refusals.add_at(error, change.span),
            }
        }
    }
}

/// True if the predicate keeps this value. What a built-in one cannot take does not satisfy it; the error of one that a program
/// registered is passed on.
pub(super) fn satisfies(name: &Arc<str>, value: &Value, functions: &Functions) -> Result<bool> {
    let predicate = predicate(name, functions)?;
    // Others wait for the same commit, so a panic ends this transaction alone.
    match catch_unwind(AssertUnwindSafe(|| predicate.call(std::slice::from_ref(value)))) {
        Ok(Ok(result)) => Ok(result.is_truthy()),
        Ok(Err(error)) if error.code() == Code::FunctionFailed => Err(error.into()),
        Ok(Err(_)) => Ok(false),
        Err(_) => Err(Error::new(ErrorKind::Query(Code::FunctionFailed), format!("`{name}` failed: it panicked"))
            .with_value(format_args!("({name} {value})"))
            .with_help(format!("`{name}` is the program's own: let it return what is wrong"))),
    }
}

/// The predicate of one value with this name, built in or registered.
pub(super) fn predicate(name: &Arc<str>, functions: &Functions) -> Result<AnyFunction> {
    let usable = |name: &str| functions.function(name).filter(|known| known.arity().allows(1) && !known.asks_source());
    if let Some(known) = usable(name) {
        return Ok(known);
    }
    let names = functions.function_names().filter(|name| usable(name).is_some());
    let help = match nearest(name, names, 1).first() {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            "use a built-in predicate of one argument, such as `pos?`, or open the store with Options::functions that have it"
                .to_owned()
        }
    };
    Err(Error::new(ErrorKind::UnknownTransactionFunction, format!("`{name}` is no predicate of one value"))
        .with_value(name)
        .with_help(help))
}

/// `:db/ensure`: after the transaction the entities satisfy their specifications.
pub(super) fn check_ensured(
    claimed: &Claimed<'_>,
    changes: &[Change<'_>],
    resolver: &Resolver<'_>,
    refusals: &mut Refusals,
) -> Result<()> {
    for demand in &claimed.demands {
        let DemandKind::Ensure(spec) = demand.kind else { continue };
        let result = ensure(demand.e, spec, changes, resolver)?;
        refusals.take(result, demand.span);
    }
    Ok(())
}

fn ensure(e: i64, spec: i64, changes: &[Change<'_>], resolver: &Resolver<'_>) -> Result<Result<()>> {
    let name = resolver.describe(spec);
    let Some(wanted) = resolver.schema.spec(spec) else {
        return Ok(Err(Error::new(ErrorKind::Entity, format!("{name} is no entity specification"))
            .with_value(name)
            .with_help("declare it in an earlier transaction, with :db/ident and :db.entity/attrs or :db.entity/preds")));
    };
    let mut missing = Vec::new();
    for name in &wanted.required {
        let attribute = resolver.schema.entity(name).or_else(|| named(name, changes));
        if attribute.map_or(Ok(false), |attribute| has(e, attribute, changes, resolver))? {
            continue;
        }
        missing.push(attribute.map_or_else(|| format!(":{name}"), |attribute| resolver.describe(attribute)));
    }
    missing.sort();
    if !missing.is_empty() {
        let (e, missing) = (resolver.describe(e), missing.join(" "));
        return Ok(Err(Error::new(ErrorKind::Check, format!("{e} lacks {missing}, which {name} wants"))
            .with_value(&missing)
            .with_help("say these facts too, or leave :db/ensure out")));
    }
    let mut predicates: Vec<&Arc<str>> = wanted.predicates.iter().collect();
    predicates.sort();
    for predicate in predicates {
        match satisfies(predicate, &Value::Long(e), resolver.functions) {
            Ok(true) => {}
            Ok(false) => {
                return Ok(Err(Error::new(
                    ErrorKind::Check,
                    format!("{} does not satisfy `{predicate}` of {name}", resolver.describe(e)),
                )
                .with_value(predicate)
                .with_help("change the facts so that it does, or leave :db/ensure out")));
            }
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(()))
}

/// The entity to which the transaction gives this name.
fn named(name: &str, changes: &[Change<'_>]) -> Option<i64> {
    let gives = |change: &&Change<'_>| {
        let datom = &change.datom;
        datom.added && datom.a == attribute::IDENT && matches!(&datom.v, Value::Keyword(given) if **given == *name)
    };
    changes.iter().find(gives).map(|change| change.datom.e)
}

/// True if the entity has a value for the attribute after the transaction.
fn has(e: i64, attribute: i64, changes: &[Change<'_>], resolver: &Resolver<'_>) -> Result<bool> {
    let mine = changes_of(changes, e, attribute);
    if mine.clone().any(|datom| datom.added) {
        return Ok(true);
    }
    let held = if e > 0 && e != resolver.t { resolver.before.values(e, attribute)? } else { Vec::new() };
    Ok(held.iter().any(|held| !mine.clone().any(|datom| datom.v == held.v)))
}
