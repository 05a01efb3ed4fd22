//! A transaction is a set: every order of its operations comes to the same facts, or to the same error.

use annals::transact::{Prepared, TxData, prepare};
use annals::{Error, Value};

use crate::check::{SCHEMA, show};
use crate::store::{NOW, Store};

pub(crate) const SETUP: &str = r#"[{:db/id "ada" :user/email "ada@x" :user/name "Ada" :user/nick ["a" "b"] :user/number 1 :user/handle "A"
                         :user/address {:db/id "home" :address/street "S"}}
                        {:db/id "bob" :user/email "bob@x" :user/boss "ada" :user/number 2 :user/handle "B"}
                        {:db/id "seat" :seat/row 1 :seat/column "A"} {:db/id "run" :run/id "1"}]"#;

/// Transactions of few operations: conflicting, redundant and dependent ones.
const TRANSACTIONS: [&[&str]; 17] = [
    &[
        r#"{:db/id "x" :user/email "ada@x"}"#,
        r#"[:db/add "x" :user/age 1]"#,
        r#"[:db/add "y" :user/boss "x"]"#,
        r#"[:db/add "y" :user/age 2]"#,
    ],
    &[
        r#"[:db/add "x" :user/age 1]"#,
        r#"[:db/add "x" :user/age 2]"#,
        r#"[:db/add "x" :user/age 3]"#,
        r#"[:db/add "y" :user/age 1]"#,
    ],
    &[r#"[:db/add "x" :user/nick "a"]"#, r#"[:db/retract "x" :user/nick "a"]"#, r#"{:db/id "x" :user/email "ada@x"}"#],
    &[
        r#"[:db/retractEntity [:user/email "ada@x"]]"#,
        r#"[:db/add [:user/email "bob@x"] :user/boss "new"]"#,
        r#"[:db/add "new" :user/age 5]"#,
    ],
    &[
        r#"{:db/id "p" :new/one 1}"#,
        r#"{:db/id "q" :new/one "one"}"#,
        r#"{:db/id "q" :new/many #{1 2}}"#,
        r#"{:db/id "p" :new/many [3 4]}"#,
    ],
    &["{:db/ident :new/one :db/cardinality :db.cardinality/many}", r#"{:db/id "p" :new/one 1}"#, r#"{:db/id "p" :new/one 2}"#],
    &[r#"{:db/id "x" :user/email "ada@x"}"#, r#"{:db/id "x" :user/number 2}"#, r#"{:db/id "x" :user/age 1}"#],
    &[
        r#"{:db/id "x" :user/email "n"}"#,
        r#"{:db/id "y" :user/email "n"}"#,
        r#"{:db/id "z" :user/email "n" :user/number 1}"#,
        r#"{:db/id "y" :user/age 3}"#,
    ],
    &[
        r#"{:db/id "x" :user/handle "B"}"#,
        r#"[:db/retract [:user/email "bob@x"] :user/handle "B"]"#,
        r#"{:db/id "y" :user/handle "C"}"#,
    ],
    &[
        r#"{:db/id "x" :user/handle "B"}"#,
        r#"{:db/id "x" :user/age "old"}"#,
        r#"{:db/id "x" :any/thing nil}"#,
        "[:db/add :nobody :a 1]",
    ],
    &[
        r#"[:db/cas [:user/email "ada@x"] :user/name "Ada" "Eve"]"#,
        r#"[:db/add [:user/email "ada@x"] :user/name "Eve"]"#,
        r#"[:db/cas [:user/email "bob@x"] :user/age nil 3]"#,
    ],
    &[
        r#"[:db/cas [:user/email "ada@x"] :user/name "No" "Eve"]"#,
        r#"[:db/cas [:user/email "bob@x"] :user/age 4 3]"#,
        r#"[:db/cas [:user/email "bob@x"] :user/name "b" "c"]"#,
    ],
    &[
        r#"{:db/id "s" :seat/row 1}"#,
        r#"[:db/add "s" :seat/column "A"]"#,
        r#"[:db/add "s" :user/age 1]"#,
        r#"[:db/add [:seat/place [1 "A"]] :user/name "s"]"#,
    ],
    &[
        r#"[:db/add "x" :user/nick "a" "m"]"#,
        r#"[:db/add "x" :user/nick "a" "n"]"#,
        r#"[:db/add "m" :note 1]"#,
        r#"[:db/add "n" :note 1]"#,
    ],
    &[
        r#"[:db/retract [:user/email "ada@x"] :user/nick]"#,
        r#"[:db/retract [:user/email "ada@x"] :user/nick "a" 1]"#,
        "[:db/retractEntity [:user/number 1]]",
    ],
    &[
        r#"{:db/id "x" :user/email "ada@x" :user/boss "y"}"#,
        r#"{:db/id "y" :user/number 2 :user/friend ["x" "z"]}"#,
        r#"{:db/id "z" :run/id "9"}"#,
        r#"{:db/id "l" :log/run "z" :log/message "m"}"#,
    ],
    &[r#"[:db/add "datomic.tx" :note "a"]"#, r#"[:db/add "datomic.tx" :note "b"]"#, r#"[:db/add "unsaid" :user/boss "nobody"]"#],
];

#[test]
fn the_order_of_operations_changes_neither_the_outcome_nor_the_error() {
    let store = Store::after(&[SCHEMA, SETUP]);
    for operations in TRANSACTIONS {
        let mut outcomes: Vec<String> = Vec::new();
        permute(&mut operations.to_vec(), 0, &mut |operations| outcomes.push(outcome(&store, operations)));
        for other in &outcomes[1..] {
            assert_eq!(other, &outcomes[0], "an order of {operations:?}");
        }
    }
}

fn outcome(store: &Store, operations: &[&str]) -> String {
    let text = format!("[{}]", operations.join(" "));
    let result: Result<Prepared, Error> = TxData::read(&text).and_then(|data| prepare(store, &data, NOW));
    match result {
        Ok(prepared) => show(store, &prepared).join("\n"),
        Err(error) => format!("{}: {error} {:?} {:?}", error.code(), error.value(), error.help()),
    }
}

fn permute<'o>(operations: &mut Vec<&'o str>, from: usize, visit: &mut impl FnMut(&[&'o str])) {
    if from == operations.len() {
        visit(operations);
        return;
    }
    for at in from..operations.len() {
        operations.swap(from, at);
        permute(operations, from + 1, visit);
        operations.swap(from, at);
    }
}

#[test]
fn a_program_may_say_the_same_facts_in_any_order() {
    let store = Store::after(&[SCHEMA, SETUP]);
    let facts = [("user/name", Value::from("N")), ("user/age", Value::from(3)), ("user/score", Value::from(2.5))];
    let datoms = |order: [usize; 3]| {
        let mut data = TxData::new();
        let x = data.fresh();
        for at in order {
            data.add(x.clone(), facts[at].0, facts[at].1.clone());
        }
        prepare(&store, &data, NOW).expect("the facts are right").datoms
    };
    assert_eq!(datoms([0, 1, 2]), datoms([2, 0, 1]));
    assert_eq!(datoms([0, 1, 2]), datoms([1, 2, 0]));
}
