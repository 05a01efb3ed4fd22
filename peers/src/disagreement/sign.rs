//! By what each known disagreement is recognised: by the error's text; by an answer that is ours after the change that the entry
//! describes; by being our answer to the question as the other engine reads it; or by the other engine's answer becoming ours
//! when the question is put in words that avoid the difference.

use std::collections::BTreeMap;

use super::rewriting;
use crate::case::Case;
use crate::peer::{Peer, Said};
use crate::plain::Plain;
use crate::random::Program;

/// Whether a difference is the one that an entry describes.
pub type Sign = fn(&Case<'_>, &mut Peer) -> bool;

/// The sign of each entry, by its name.
pub const SIGNS: &[(&str, Sign)] = &[
    ("lookup-of-nothing", |case, _| is_refused(case, "Nothing found for entity id")),
    ("not-without-variables-in-a-rule", |case, _| is_refused(case, "Insufficient bindings: none of #{} is bound")),
    ("constant-for-a-result-in-a-rule", |case, _| is_refused(case, "Cannot parse binding")),
    ("clause-too-early", |case, _| case.in_first_order.is_some() && is_refused(case, "Insufficient bindings")),
    ("locals-of-not-in-or", |case, _| {
        is_refused(case, "must use same set of free vars") || is_refused(case, "or branches must bind the same variables")
    }),
    ("not-of-constants-in-a-rule", |case, _| is_refused(case, "Join variables should not be empty")),
    ("one-value-of-two-attributes", |case, _| is_refused(case, "Duplicate key")),
    ("value-of-another-type", |case, _| is_refused(case, "cannot be cast to class clojure.lang.Named")),
    ("one-variable-compared-with-itself", |case, _| {
        let texts = [
            "Fail to count list",
            "Can't pop empty vector",
            "class clojure.lang.Symbol cannot be cast to class java.lang",
            "class java.lang.String cannot be cast to class clojure.lang.Symbol",
        ];
        rewriting::compares_with_itself(&case.program) && texts.iter().any(|text| is_refused(case, text))
    }),
    ("unequal-to-itself", |case, peer| is_mended(case, peer, rewriting::with_comparisons_apart)),
    ("constants-alone-in-a-call", |case, _| {
        rewriting::calls_with_constants_alone(&case.program) && is_refused(case, "Cannot parse rule-vars")
    }),
    ("estimate-of-nothing", |case, _| !case.program.rules.is_empty() && is_refused(case, "\"java.lang.Number.intValue()\"")),
    ("join-of-nothing", |case, _| case.program.has("not-join") && is_refused(case, "passed to: datalevin.join/hash-join")),
    ("input-in-a-not", |case, _| {
        let texts = ["Insufficient bindings: none of #{", "Cannot parse 'not-join' clause"];
        rewriting::has_input_in_a_not(&case.program) && texts.iter().any(|text| is_refused(case, text))
    }),
    ("outer-variable-in-a-nested-not", |case, _| {
        rewriting::has_nested_not(&case.program) && is_refused(case, "Insufficient bindings: #{?")
    }),
    ("equality-with-false", |case, _| {
        let texts = case.program.clauses.iter().chain(&case.program.rules);
        let mut texts = texts.chain(case.program.inputs.iter().map(|(_, given)| given));
        texts.any(|text| text.contains("false")) && is_refused(case, "Can't pop empty vector")
    }),
    ("blank-in-a-binding", |case, _| is_refused(case, "expected variable, got _")),
    ("bound-variable-of-or-join", |case, _| is_refused(case, "expected variable, got [")),
    ("recursion-on-reverse", |case, _| is_refused(case, "recursion is not supported on reverse refs")),
    ("names-ignored", |case, _| {
        let unnamed = Program { names: Vec::new(), ..case.program.clone() };
        !case.program.names.is_empty() && case.is_our_answer_to(&unnamed, |plain| plain)
    }),
    ("pull-of-the-unknown", |case, _| case.program.has("pull") && case.agrees_after(id_is_nil)),
    ("recursion-takes-too-long", |case, _| !case.program.rules.is_empty() && case.theirs == Said::Nothing),
    ("one-variable-twice-in-a-call", |case, _| is_refused(case, "Insufficient bindings: #{} not bound")),
    ("recursion-without-end", |case, _| !case.program.rules.is_empty() && case.theirs == Said::Nothing),
    ("pull-of-nothing", |case, _| case.program.has("pull") && case.agrees_after(nothing_is_nil)),
    ("names-of-nothing", |case, _| !case.program.names.is_empty() && case.agrees_after(nothing_is_nil)),
    ("clause-left-out", |case, peer| is_mended_by_any(case, peer, &rewriting::with_value_used(&case.program))),
    ("value-of-two-attributes", |case, peer| is_mended_by_any(case, peer, &rewriting::with_values_compared(&case.program))),
    ("or-join-beside-nothing", |case, peer| {
        case.program.has("or-join") && is_mended(case, peer, rewriting::with_entities_compared)
    }),
    ("pull-of-a-cycle", |case, _| case.program.has("recursion") && (both(case, is_cut_short) || is_a_row_cut_short(case))),
    ("lookup-in-find", |case, _| case.program.has("lookup-input") && case.agrees_after(resolved)),
    ("ascending-max-n", |case, _| case.program.has("max-n") && case.agrees_after(unordered)),
    ("limit-past-those-of-nothing", |case, peer| {
        let other = rewriting::without_limit(&case.program);
        other.is_some_and(|other| Case::ask(case.world, case.store, peer, other).agrees_after(nothing_is_nil))
    }),
    ("duplicates-in-min-n", |case, peer| {
        let other = rewriting::without_n(&case.program);
        other.is_some_and(|other| case.agrees_elsewhere(&other, peer))
    }),
    ("variable-twice-in-a-pattern", |case, peer| {
        is_read_as(case, peer, rewriting::without_first_place)
            || is_read_as(case, peer, rewriting::without_last_place)
            || is_mended(case, peer, rewriting::with_places_compared)
    }),
    ("blank-argument-of-a-rule", |case, peer| is_mended(case, peer, rewriting::without_blank_arguments)),
    ("variable-twice-in-a-rule", |case, peer| is_mended(case, peer, rewriting::without_repeated_arguments)),
    ("bound-argument-of-a-rule", |case, peer| is_mended(case, peer, rewriting::without_bound_arguments)),
    ("result-bound-already", |case, peer| {
        let others = rewriting::with_results_compared(&case.program, "=");
        others.iter().any(|other| case.is_their_answer_to(other, peer, nothing_is_nil))
    }),
    ("median-of-longs", |case, peer| {
        let other = rewriting::without_median(&case.program);
        other.is_some_and(|other| case.agrees_elsewhere(&other, peer))
    }),
    ("nested-pull-of-itself", |case, _| case.program.has("pull") && both(case, |ours, theirs| is_cut_short(theirs, ours))),
    ("double-from-a-function", |case, peer| {
        let others = rewriting::with_results_compared(&case.program, "==");
        others.iter().any(|other| case.is_their_answer_to(other, peer, nothing_is_nil))
    }),
    ("long-and-double", |case, _| case.program.has("mixed-numbers") && both(case, |_, _| true)),
    ("order-of-clauses", |case, _| is_right_in_first_order(case)),
    ("not-join-before-or", |case, _| is_right_in_first_order(case)),
    ("not-before-a-rule", |case, _| case.program.has("rule") && is_right_in_first_order(case)),
    ("no-tuples", |case, _| is_refused(case, "unknown function or predicate tuple")),
    ("reference-that-nothing-asks-for", |case, _| case.program.has("lookup-input") && case.agrees_after(resolved)),
    ("inc-of-a-double", |case, _| is_refused(case, "inc cannot be applied") || is_refused(case, "dec cannot be applied")),
    ("call-before-or", |case, _| case.in_first_order.is_some() && is_refused(case, "unbound variable ?")),
    ("required-argument-bound-by-or", |case, _| is_refused(case, "requires its first 1 arguments bound")),
    ("input-that-names-nothing", |case, _| is_refused(case, "did not resolve")),
];

/// Whether the other engine reads a question as this rewriting has it.
fn is_read_as(case: &Case<'_>, peer: &mut Peer, rewrite: fn(&Program) -> Option<Program>) -> bool {
    let Some(other) = rewrite(&case.program) else { return false };
    match (rewriting::without_n(&case.program), rewriting::without_n(&other)) {
        (Some(theirs), Some(ours)) => case.agrees_between(&ours, &theirs, peer),
        _ => case.is_our_answer_to(&other, nothing_is_nil),
    }
}

/// Whether the other engine answers as we do when it is asked in words that it understands as we do.
fn is_mended(case: &Case<'_>, peer: &mut Peer, rewrite: fn(&Program) -> Option<Program>) -> bool {
    let Some(other) = rewrite(&case.program) else { return false };
    let theirs = peer.ask(&other);
    let mended = Case { program: case.program.clone(), ours: case.ours.clone(), theirs, in_first_order: None, ..*case };
    mended.agrees_after(nothing_is_nil)
        || (case.program.has("recursion") && both(&mended, is_cut_short))
        || (case.program.has("max-n") && mended.agrees_after(unordered))
}

/// Whether it gives our answer to one of these questions, which mean the same.
fn is_mended_by_any(case: &Case<'_>, peer: &mut Peer, others: &[Program]) -> bool {
    others.iter().any(|other| case.is_their_answer_to(other, peer, nothing_is_nil))
}

/// Whether the other engine answers as we do once the clauses stand in an order that suits it.
fn is_right_in_first_order(case: &Case<'_>) -> bool {
    let first = case.in_first_order.as_ref();
    first.is_some_and(|first| *first != case.theirs && case.agrees_with(first))
}

fn is_refused(case: &Case<'_>, part: &str) -> bool {
    matches!((&case.ours, &case.theirs), (Said::Answer(_), Said::Refused(error)) if error.contains(part))
}

/// Whether the row they chose is one of ours, but for entities at which we stop.
fn is_a_row_cut_short(case: &Case<'_>) -> bool {
    let Said::Answer(theirs) = &case.theirs else { return false };
    let theirs = theirs.map(&nothing_is_nil);
    case.any_row(|row| is_cut_short(&row.map(&nothing_is_nil), &theirs))
}

fn both(case: &Case<'_>, compare: impl Fn(&Plain, &Plain) -> bool) -> bool {
    matches!((&case.ours, &case.theirs), (Said::Answer(ours), Said::Answer(theirs))
        if compare(&ours.map(&nothing_is_nil), &theirs.map(&nothing_is_nil)))
}

/// What holds nothing but nothing shows as nil, and an attribute of which a pull says nothing is left out.
fn nothing_is_nil(plain: Plain) -> Plain {
    match plain {
        Plain::Map(mut entries) => {
            entries.retain(|_, value| !matches!(value, Plain::Nil) && *value != Plain::Bag(Vec::new()));
            if entries.is_empty() { Plain::Nil } else { Plain::Map(entries) }
        }
        Plain::List(items) if items.iter().all(|item| *item == Plain::Nil) => Plain::Nil,
        Plain::Bag(items) => Plain::Bag(items.into_iter().filter(|item| *item != Plain::Nil).collect()),
        other => other,
    }
}

/// An id alone says nothing either.
fn id_is_nil(plain: Plain) -> Plain {
    match plain {
        Plain::Map(entries) if is_id_alone(&entries) => Plain::Nil,
        other => nothing_is_nil(other),
    }
}

/// Lookup references as the entities they name.
fn resolved(plain: Plain) -> Plain {
    if let Plain::List(items) = &plain
        && let [Plain::Text(attribute) | Plain::Word(attribute), Plain::Text(code)] = items.as_slice()
        && attribute == "code"
    {
        return Plain::Number(code.trim_start_matches('k').to_owned());
    }
    plain
}

fn unordered(plain: Plain) -> Plain {
    match plain {
        Plain::List(items) => Plain::bag(items),
        other => other,
    }
}

/// Whether our answer is theirs, but for entities at which we stop because they were met before: `{:db/id n}` alone.
fn is_cut_short(ours: &Plain, theirs: &Plain) -> bool {
    match (ours, theirs) {
        (Plain::Map(ours), Plain::Map(theirs)) => {
            let is_same = |(key, value)| theirs.get(key).is_some_and(|other| is_cut_short(value, other));
            // At the limit of a recursion we show nothing of an entity that they show by its id.
            let is_shown = |(key, value): (&Plain, &Plain)| ours.contains_key(key) || is_known_entity(value);
            is_id_alone(ours) || (ours.iter().all(is_same) && theirs.iter().all(is_shown))
        }
        (Plain::List(ours), Plain::List(theirs)) | (Plain::Bag(ours), Plain::Bag(theirs)) => {
            let mut left: Vec<&Plain> = theirs.iter().collect();
            ours.len() == theirs.len()
                && ours.iter().all(|item| {
                    let exact = left.iter().position(|other| *other == item);
                    let found = exact.or_else(|| left.iter().position(|other| is_cut_short(item, other)));
                    found.map(|at| left.remove(at)).is_some()
                })
        }
        _ => ours == theirs,
    }
}

fn is_known_entity(value: &Plain) -> bool {
    match value {
        Plain::Map(entries) => is_id_alone(entries),
        other => !other.items().is_empty() && other.items().iter().all(is_known_entity),
    }
}

fn is_id_alone(entries: &BTreeMap<Plain, Plain>) -> bool {
    entries.len() == 1 && entries.keys().all(|key| matches!(key, Plain::Text(name) | Plain::Word(name) if name == "db/id"))
}
