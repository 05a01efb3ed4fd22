//! Promise: queries, transactions, views and pulls mean what the semantics say, line by line, through a real connection to a
//! store in a file. Attacked with hand-written vectors, above all where query engines are known to go wrong: `NN.edn` holds those
//! of line NN. Each query is answered again with its clauses, branches and rules in other orders, as a map, and by a second handle on
//! the file that makes no columns; each transaction is tried with its operations in other orders: answer, outcome or error must be
//! the same.
//!
//! A file is a sequence of maps. `{:define NAME :setup [TRANSACTION ..]}` names a store that later vectors read with `:store
//! NAME`. Every other map is a vector: a promise, what is there before, one thing that is done, and what must come of it.
//!
//! ```text
//! :about     the promise                          :store / :setup   the store: shared, or made of these transactions (both: on top)
//! :transact  a transaction                        :says  what it adds and retracts: [[:+ e :a v] [:- e :a v]], :m e as fifth place;
//!                                                        instants and what was said of attributes left out; [] is "said nothing"
//! :query     a query; :inputs [..]; :view [..];   :answer  its answer: rows and collections in any order but under :order-by
//!            :strict true; :limit-rows n          :either  several answers of which any will do
//! :pull      a pattern, :of an entity             :answer  a map, or nil; `:of-many [..]`: a vector of them
//! :entity    an entity as a map, :id as its id    :answer
//! :error     :query/code instead, with :at [line column] in the text of the query, transaction or rules, :message, :help and
//!            :value as parts of what is said (texts, or vectors of texts). Every error must have a remedy
//! :warning   part of a warning that must come; without it none may
//! :at-least  [t milliseconds]: the view waits for t; :meanwhile: a transaction of another thread
//! ```
//!
//! A query may follow a transaction; then it is asked afterwards, also where the transaction is refused. Wherever text stands,
//! `#id name` is the entity that a temporary id became, or that has this ident. In answers `_` is anything. Texts with their own
//! quotes (`:query "[:find .."`) are for what is no EDN, or where the place matters. Among inputs `#view [..]` is the same store
//! through a view, `#store NAME` another one, `#rules` and `#pattern` are given as text. A view is a chain of `:history`,
//! `[:as-of T]`, `[:since T]`, `[:with TRANSACTION]`, `[:filter :added|:unexplained]`; T is a t, an instant, or `["run" :start|:end]`.
//!
//! The program registers functions and transaction functions of its own, `my/..`: see `registered.rs`.
//!
//! `SEED=7` tries other orders; `ONLY=part` runs only vectors whose promise contains the text.

mod ask;
mod compare;
mod order;
mod registered;
mod stage;
mod vector;

use std::collections::BTreeMap;

use self::ask::fault;
use self::stage::Stage;
use self::vector::Vector;

/// Every vector of a file must hold.
#[track_caller]
fn check(name: &str, text: &str) {
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut stores: BTreeMap<String, [Stage; 2]> = BTreeMap::new();
    let (mut faults, mut count) = (Vec::new(), 0);
    for vector in Vector::read_all(text) {
        if let Some(store) = vector.raw("define") {
            let stage = Stage::made_of(&vector).unwrap_or_else(|error| panic!("{name}.edn:{}: {error}", vector.line));
            let second = stage.without_columns();
            stores.insert(store.to_owned(), [stage, second]);
            continue;
        }
        count += 1;
        if !vector.source("about").expect("a vector says its promise").contains(&only) {
            continue;
        }
        if let Some(fault) = fault(&vector, &stores) {
            faults.push(format!("{name}.edn:{}: {}\n  {fault}", vector.line, vector.source("about").unwrap_or_default()));
        }
    }
    assert!(count >= 3, "{name}.edn has {count} vectors");
    assert!(faults.is_empty(), "{} of {count} vectors fail\n{}", faults.len(), faults.join("\n"));
}

macro_rules! lines {
    ($($name:ident = $file:literal,)+) => {$(
        #[test]
        fn $name() {
            check($file, include_str!(concat!($file, ".edn")));
        }
    )+};
}

lines! {
    a_bound_variable_is_tested_for_equality_everywhere = "01",
    a_blank_never_binds = "02",
    a_result_is_a_set_and_with_leaves_a_bag = "03",
    an_aggregate_over_nothing_is_nothing = "04",
    aggregates_compute_what_they_say = "05",
    a_pull_beside_an_aggregate_groups_by_the_entity = "06",
    four_find_specs_and_three_kinds_of_names = "07",
    order_limit_offset_and_having_are_the_languages = "08",
    the_order_of_clauses_changes_nothing = "09",
    not_is_not_join_over_what_it_shares = "10",
    only_listed_variables_cross_a_border = "11",
    branches_bind_the_same_variables = "12",
    rules_give_the_least_fixpoint = "13",
    a_predicate_keeps_unless_false_or_nil = "14",
    false_is_a_value = "15",
    nil_is_refused_where_a_value_is_matched = "16",
    an_attribute_never_seen_matches_nothing_and_warns = "17",
    numbers_compare_by_value_and_types_do_not_mix = "18",
    a_query_has_three_forms_and_many_sources = "19",
    functions_do_what_their_names_say = "20",
    ids_idents_and_lookup_references_name_entities = "21",
    a_keyword_is_an_ident_only_for_a_reference = "22",
    an_old_ident_resolves_until_it_is_given_away = "23",
    a_transaction_is_a_set = "24",
    operations_have_their_forms = "25",
    identities_upsert_and_may_conflict = "26",
    contradictions_in_one_transaction_conflict = "27",
    a_replaced_value_is_retracted_in_the_same_t = "28",
    what_says_nothing_new_writes_nothing = "29",
    retract_entity_takes_components_and_references = "30",
    instants_of_transactions_never_go_back = "31",
    a_composite_with_a_nil_part_does_not_collide = "32",
    a_refused_transaction_leaves_nothing = "33",
    as_of_is_inclusive_and_since_exclusive = "34",
    schema_is_read_as_of_now = "35",
    since_does_not_see_what_is_older = "36",
    history_holds_additions_and_retractions = "37",
    with_applies_to_its_value = "38",
    a_query_may_wait_for_a_transaction = "39",
    pull_gives_nested_maps = "40",
    errors_say_code_place_value_and_remedy = "41",
    what_people_know_from_elsewhere_works = "familiar",
    wrong_transactions_are_refused_with_code_place_value_and_remedy = "errors-transactions",
}
