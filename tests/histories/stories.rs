//! The stories, told.

use crate::script::tell;

#[test]
fn identities_and_lookup_references_are_those_of_their_moment() {
    tell("identities", include_str!("stories/identities.txt"));
}

#[test]
fn transactions_come_to_what_their_set_of_operations_says() {
    tell("transactions", include_str!("stories/transactions.txt"));
}

#[test]
fn views_show_what_held_at_their_moment() {
    tell("views", include_str!("stories/views.txt"));
}

#[test]
fn declarations_may_come_late() {
    tell("declarations", include_str!("stories/declarations.txt"));
}

#[test]
fn every_value_is_found_joined_pulled_and_ranged() {
    tell("values", include_str!("stories/values.txt"));
}

#[test]
fn pulls_show_what_they_were_asked_for() {
    tell("pulls", include_str!("stories/pulls.txt"));
}

#[test]
fn checks_hold_and_names_and_values_are_given_on() {
    tell("checks", include_str!("stories/checks.txt"));
}

#[test]
fn a_filter_holds_through_every_door() {
    tell("filters", include_str!("stories/filters.txt"));
}

#[test]
fn tuples_and_numbers_are_what_they_are_declared() {
    tell("tuples", include_str!("stories/tuples.txt"));
}

#[test]
fn texts_are_found_by_their_words() {
    tell("fulltext", include_str!("stories/fulltext.txt"));
}
