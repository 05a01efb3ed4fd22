//! The promise: what a commit appended is there for every reader, exactly as it was said, and what failed left nothing.
//! Attacked with values of every type, several transactions in one commit, failures at every step, and with a second handle.

use annals::schema::attribute;
use annals::store::{Access, Store};
use annals::{Datom, ErrorKind, Partition, Value};
use annals_query::edn;
use tempfile::TempDir;

/// An attribute of the user's; the store does not ask whether it was declared.
const NAME: i64 = attribute::FIRST_OF_USER;
const INDEXED: i64 = attribute::FIRST_OF_USER + 1;

fn new_store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::create(folder.path().join("annals.db")).expect("a new store");
    (folder, store)
}

fn datom(e: i64, a: i64, v: impl Into<Value>, t: i64) -> Datom {
    Datom { e, a, v: v.into(), t, added: true, m: 0 }
}

/// Appends one transaction with these facts and gives its t.
fn append(store: &Store, facts: &[(i64, i64, Value)]) -> i64 {
    let written = store.write(|w| {
        let (t, instant) = (w.basis().t + 1, w.basis().instant + 1);
        let datoms: Vec<Datom> = facts.iter().map(|(e, a, v)| datom(*e, *a, v.clone(), t)).collect();
        w.append(t, instant, &datoms, &|a| a == INDEXED)?;
        Ok(t)
    });
    written.expect("the transaction is in order")
}

#[test]
fn a_new_store_knows_its_schema_in_transaction_1() {
    let (_folder, store) = new_store();
    let basis = store.basis().expect("a basis");
    assert_eq!(basis.t, 1);
    let ident = Value::keyword("run/id");
    let found = store.datoms_by_value(attribute::IDENT, &ident, 1).expect("an answer");
    assert_eq!(found, [datom(attribute::RUN_ID, attribute::IDENT, ident, 1)]);
    let tuple = store.datoms_of_entity_attribute(attribute::STATE_ID, attribute::TUPLE_ATTRS, 1).expect("an answer");
    assert_eq!(tuple[0].v.to_string(), "[:state/namespace :state/key]");
    let transactions = store.transactions(0, 9).expect("an answer");
    assert_eq!((transactions.len(), transactions[0].hash), (1, basis.hash));
}

#[test]
fn values_of_every_type_come_back_exactly() {
    let (_folder, store) = new_store();
    let texts = [
        "#db/id 5",
        "true",
        "false",
        "-9223372036854775808",
        "12N",
        "-100000000000000000000000N",
        "0.1",
        "2.0",
        "##Inf",
        "5e-324",
        "1.20M",
        "1E+400M",
        "-0.00M",
        "#inst \"1969-12-31T23:59:59.999999Z\"",
        "#uuid \"00000000-0000-0000-0000-00000000000a\"",
        ":a/b",
        "#db/keyword \"with space\"",
        "a/b",
        "\"\"",
        "\"text with \\u0000 zero\"",
        "#uri \"http://x/?a=\\\"b\\\"\"",
        "#bytes \"00ff\"",
        "#bytes \"\"",
        "[]",
        "[nil 1 \"a\\u0000\" [:k #db/id 3 1.50M 2.0 #bytes \"00\"]]",
    ];
    for text in texts {
        let value = edn::read(text).expect("the text is EDN");
        for a in [NAME, INDEXED] {
            let t = append(&store, &[(9, a, value.clone())]);
            let found = store.datoms_of_entity_attribute(9, a, t).expect("an answer");
            assert_eq!(found.last(), Some(&datom(9, a, value.clone(), t)), "{text}");
        }
        let found = store.datoms_by_value(INDEXED, &value, i64::MAX).expect("an answer");
        assert_eq!(found.len(), 1, "{text}");
    }
}

#[test]
fn there_is_one_zero() {
    let (_folder, store) = new_store();
    let t = append(&store, &[(9, NAME, Value::Double(-0.0)), (9, NAME, Value::vector([Value::Double(-0.0)]))]);
    let found = store.datoms_of_entity(9, t).expect("an answer");
    assert_eq!((found[0].v.to_string(), found[1].v.to_string()), ("0.0".into(), "[0.0]".into()));
}

#[test]
fn reading_until_t_leaves_later_transactions_out() {
    let (_folder, store) = new_store();
    let first = append(&store, &[(9, INDEXED, Value::from(1)), (10, NAME, Value::from(2))]);
    let second = append(&store, &[(9, INDEXED, Value::from(1)), (11, NAME, Value::from(2))]);
    let count = |until_t| {
        let mut entities = 0;
        let mut log = 0;
        store
            .datoms_of_entities(9, 11, until_t, |_| {
                entities += 1;
                Ok(())
            })
            .expect("an answer");
        store
            .log(1, until_t, None, |_| {
                log += 1;
                Ok(())
            })
            .expect("an answer");
        let of_entity = store.datoms_of_entity(9, until_t).expect("an answer").len();
        (of_entity, store.datoms_by_value(INDEXED, &Value::from(1), until_t).expect("an answer").len(), entities, log)
    };
    assert_eq!(count(1), (0, 0, 0, 0));
    assert_eq!(count(first), (1, 1, 2, 2));
    assert_eq!(count(second), (2, 2, 4, 4));
    assert_eq!(count(i64::MAX), (2, 2, 4, 4));
    let mut seen = Vec::new();
    store
        .log(first, second, Some(&[NAME]), |datom| {
            seen.push(datom);
            Ok(())
        })
        .expect("an answer");
    assert_eq!(seen, [datom(11, NAME, 2, second)]);
}

#[test]
fn several_transactions_in_one_commit_are_each_their_own() {
    let (_folder, store) = new_store();
    let basis = store.basis().expect("a basis");
    store
        .write(|w| {
            for t in 2..=4 {
                w.append(t, basis.instant + t, &[datom(9, NAME, t, t)], &|_| false)?;
                assert_eq!(w.datoms_of_entity(9, t)?.len() as i64, t - 1);
            }
            Ok(())
        })
        .expect("three transactions");
    assert_eq!(store.basis().expect("a basis").t, 4);
    assert_eq!(store.last_t_at(basis.instant + 3).expect("an answer"), 3);
    assert_eq!(store.last_t_at(basis.instant - 1).expect("an answer"), 0);
    assert_eq!(store.last_t_at(i64::MAX).expect("an answer"), 4);
    let rows = store.transactions(1, 3).expect("an answer");
    assert_eq!(rows.iter().map(|row| (row.t, row.datoms)).collect::<Vec<_>>(), [(2, 1), (3, 1)]);
}

#[test]
fn a_commit_that_fails_leaves_nothing_and_the_next_one_works() {
    let (_folder, store) = new_store();
    let before = store.basis().expect("a basis");
    let next = before.t + 1;
    let check = |code: &str, t: i64, instant: i64, v: Value, e: i64| {
        let outcome = store.write(|w| {
            w.append(next, before.instant, &[datom(9, INDEXED, 1, next)], &|a| a == INDEXED)?;
            w.append(t, instant, &[datom(9, INDEXED, 1, t), Datom { e, ..datom(1, NAME, v.clone(), t) }], &|a| a == INDEXED)
        });
        let error = outcome.expect_err("the second transaction is wrong");
        assert_eq!(error.code(), code, "{error}");
        assert!(error.help().is_some(), "{error}");
        assert_eq!(store.basis().expect("a basis"), before);
        assert_eq!(store.datoms_by_value(INDEXED, &Value::from(1), i64::MAX).expect("an answer"), []);
    };
    check("transaction/conflict", next + 2, before.instant, Value::from(1), 9);
    check("transaction/conflict", next, before.instant, Value::from(1), 9);
    check("transaction/instant", next + 1, before.instant - 1, Value::from(1), 9);
    check("transaction/not-a-value", next + 1, before.instant, Value::Nil, 9);
    check("transaction/entity", next + 1, before.instant, Value::from(1), 0);
    check("transaction/limit", next + 1, before.instant, Value::vector((0..9).map(Value::from)), 9);
    assert_eq!(append(&store, &[(9, NAME, Value::from("still works"))]), next);
}

#[test]
fn a_panic_inside_a_commit_leaves_nothing() {
    let (_folder, store) = new_store();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.write::<()>(|w| {
            w.append(2, i64::MAX, &[datom(9, NAME, 1, 2)], &|_| false)?;
            panic!("the caller's own");
        })
    }));
    assert!(outcome.is_err());
    assert_eq!(append(&store, &[(9, NAME, Value::from(1))]), 2);
}

#[test]
fn an_attribute_that_becomes_indexed_leads_from_its_values() {
    let (_folder, store) = new_store();
    let t = append(&store, &[(9, NAME, Value::from("a")), (10, NAME, Value::from("b"))]);
    assert_eq!(store.datoms_by_value(NAME, &Value::from("b"), t).expect("an answer"), []);
    store.write(|w| w.reindex(NAME)).expect("a reindex");
    store.write(|w| w.reindex(NAME)).expect("a reindex again");
    assert_eq!(store.datoms_by_value(NAME, &Value::from("b"), t).expect("an answer"), [datom(10, NAME, "b", t)]);
}

#[test]
fn last_entities_and_sequences_are_found() {
    let (_folder, store) = new_store();
    let run = Partition::FIRST_OWN.entity(1);
    let line = |n: u32| Partition::FIRST_OWN.entity(n);
    assert_eq!(store.last_entity(Partition::FIRST_OWN).expect("an answer"), None);
    append(
        &store,
        &[
            (line(2), attribute::LOG_RUN, Value::Ref(run)),
            (line(2), attribute::LOG_SEQ, Value::from(2)),
            (line(3), attribute::LOG_RUN, Value::Ref(run)),
            (line(3), attribute::LOG_SEQ, Value::from(1)),
            (line(4), attribute::LOG_RUN, Value::Ref(run + 5)),
            (line(4), attribute::LOG_SEQ, Value::from(7)),
        ],
    );
    assert_eq!(store.last_entity(Partition::FIRST_OWN).expect("an answer"), Some(line(4)));
    assert_eq!(store.last_partition().expect("an answer"), Partition::FIRST_OWN);
    assert_eq!(store.last_in_sequence(attribute::LOG_SEQ, attribute::LOG_RUN, run).expect("an answer"), 2);
    assert_eq!(store.last_in_sequence(attribute::LOG_SEQ, attribute::LOG_RUN, run + 9).expect("an answer"), 0);
}

/// Facts of a line in the order of entity: what it belongs to and its number.
fn numbered(entity: i64, within: i64, number: i64) -> Vec<(i64, i64, Value)> {
    vec![(entity, attribute::LOG_RUN, Value::Ref(within)), (entity, attribute::LOG_SEQ, Value::from(number))]
}

#[test]
fn the_last_number_is_found_wherever_it_was_given() {
    let (_folder, store) = new_store();
    let [run, other] = [Partition::FIRST_OWN.entity(1), Partition::FIRST_OWN.entity(2)];
    let line = |n: u32| Partition::FIRST_OWN.entity(n);
    let retract = |entity, a, v: Value| {
        store
            .write(|w| {
                let (t, instant) = (w.basis().t + 1, w.basis().instant + 1);
                w.append(t, instant, &[Datom { added: false, ..datom(entity, a, v, t) }], &|_| false)
            })
            .expect("the transaction is in order");
    };
    let check = |expected: i64, of_other: i64, what: &str| {
        for (within, expected) in [(run, expected), (other, of_other), (Partition(99).entity(1), 0)] {
            let found = store.last_in_sequence(attribute::LOG_SEQ, attribute::LOG_RUN, within).expect("an answer");
            assert_eq!(found, expected, "{what}, within {within}");
        }
    };
    check(0, 0, "nothing was said");
    append(&store, &[numbered(line(10), run, 2), numbered(line(11), run, 1), numbered(line(12), run, 3)].concat());
    check(3, 0, "numbers of one transaction in any order");
    append(&store, &numbered(line(9), run, 4));
    check(4, 0, "an entity before the last one");
    append(&store, &numbered(line(20), other, 1));
    check(4, 1, "a line of another at the end");
    retract(line(9), attribute::LOG_SEQ, Value::from(4));
    check(4, 1, "a number that was retracted");
    retract(line(9), attribute::LOG_RUN, Value::Ref(run));
    append(&store, &numbered(line(9), run, 5));
    check(5, 1, "an entity that joined again");
    append(&store, &[(line(9), attribute::LOG_RUN, Value::Ref(other))]);
    check(5, 5, "an entity that moved with its number");
    append(&store, &numbered(line(21), other, 6));
    check(5, 6, "the next one after that");
    append(&store, &[numbered(line(22), run, 6), numbered(line(8), run, 7)].concat());
    check(7, 6, "both ends in one transaction");
    // Many transactions elsewhere, so that the index is the shorter way; then the same with a long partition.
    for n in 0..200 {
        append(&store, &[(9, NAME, Value::from(n))]);
    }
    check(7, 6, "long ago");
    append(&store, &(0..300).flat_map(|n| numbered(line(100 + n), other, 7 + i64::from(n))).collect::<Vec<_>>());
    check(7, 306, "the last lines are all of another");
    append(&store, &numbered(line(7), run, 8));
    check(8, 306, "before many lines of another");
}

#[test]
fn numbers_from_before_the_attribute_counted_are_known() {
    let (_folder, store) = new_store();
    let [counts, scope, entity] = [NAME + 10, NAME + 11, Partition(50).entity(1)];
    let line = |n: u32| Partition(50).entity(n);
    let last = || store.last_in_sequence(counts, scope, entity).expect("an answer");
    let facts = |n, number: i64| [(line(n), scope, Value::Ref(entity)), (line(n), counts, Value::from(number))];
    append(&store, &facts(2, 40));
    append(&store, &facts(3, 7));
    assert_eq!(last(), 40);
    append(&store, &[(counts, attribute::SEQUENCE_WITHIN, Value::Ref(scope))]);
    assert_eq!(last(), 40);
    append(&store, &facts(4, 41));
    assert_eq!(last(), 41);
}

#[test]
fn another_handle_sees_what_was_committed_at_once() {
    let (folder, store) = new_store();
    let other = Store::open(folder.path().join("annals.db"), Access::ReadOnly).expect("a second handle");
    let t = append(&store, &[(9, NAME, Value::from("a"))]);
    assert_eq!(other.basis().expect("a basis"), store.basis().expect("a basis"));
    assert_eq!(other.datoms_of_entity(9, t).expect("an answer").len(), 1);
    let refused = other.write(|_| Ok(())).expect_err("opened for reading only");
    assert_eq!(refused.kind(), ErrorKind::ReadOnly);
}

#[test]
fn handles_that_write_in_turns_keep_one_chain() {
    let (folder, store) = new_store();
    let other = Store::open(folder.path().join("annals.db"), Access::ReadWrite).expect("a second handle");
    // Who writes; a capital letter fails after it has appended, which must leave nothing that the next commit builds on.
    for (number, who) in "aabAabbBbaABbabaaAAabBb".chars().enumerate() {
        let handle = if who.eq_ignore_ascii_case(&'a') { &store } else { &other };
        let before = handle.basis().expect("a basis");
        let written = handle.write(|w| {
            assert_eq!(w.basis(), before, "{who} at {number}");
            let (t, instant) = (before.t + 1, before.instant + 1);
            let own = datom(t, attribute::TX_INSTANT, Value::Instant(instant), t);
            let fact =
                datom(Partition::DEFAULT.entity(number as u32 + 1), attribute::DOC, format!("{who} at {number}").as_str(), t);
            w.append(t, instant, &[own, fact], &|_| false)?;
            if who.is_ascii_uppercase() { Err(annals::Error::new(ErrorKind::Conflict, "refused")) } else { Ok(()) }
        });
        assert_eq!(written.is_ok(), who.is_ascii_lowercase(), "{who} at {number}");
        let t = before.t + i64::from(written.is_ok());
        assert_eq!((store.basis().expect("a basis").t, other.basis().expect("a basis").t), (t, t), "{who} at {number}");
    }
    assert_eq!(store.verify().expect("it can be read").problem, None);
}

#[test]
fn every_datom_keeps_its_reason_however_reasons_change() {
    let (_folder, store) = new_store();
    let reasons: [&dyn Fn(i64) -> i64; 6] =
        [&|_| 0, &|_| 8, &|at| i64::from(at > 0) * 8, &|at| at % 2 * 8, &|at| at / 17, &|at| if at % 65 == 64 { 0 } else { 8 }];
    for reason in reasons {
        for count in [1, 2, 3, 15, 16, 17, 18, 63, 64, 65, 66, 129, 200] {
            let t = store.basis().expect("a basis").t + 1;
            // A retraction now and then begins a statement of its own.
            let said: Vec<Datom> = (0..count)
                .map(|at| Datom { m: reason(at), added: count == 1 || at % 40 != 3, ..datom(t * 1_000 + at, NAME, at, t) })
                .collect();
            store.write(|w| w.append(t, w.basis().instant, &said, &|_| false)).expect("the transaction is in order");
            let mut found = Vec::new();
            let each = store.log(t - 1, t, None, |datom| {
                found.push(datom);
                Ok(())
            });
            each.expect("the log can be read");
            assert_eq!(found, said, "{count} datoms");
        }
    }
}
