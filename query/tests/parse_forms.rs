//! Promise: the whole grammar of queries, rules and pull patterns is understood, in each of its spellings. Attacked with a
//! table of texts beside the syntax tree each must become, printed with everything spelled out; what is printed must itself
//! read as the same tree.

mod printed;

use annals_query::{edn, parse};

#[track_caller]
fn check(text: &str, expected: &str) {
    let query = parse::query(text).unwrap_or_else(|error| panic!("{text}: {error} ({:?})", error.help()));
    assert_eq!(printed::query(&query), expected, "{text}");
    let again = parse::query(expected).unwrap_or_else(|error| panic!("{expected}: {error}"));
    assert_eq!(printed::query(&again), expected);
}

#[track_caller]
fn check_rules(text: &str, expected: &str) {
    let rules = parse::rules(text).unwrap_or_else(|error| panic!("{text}: {error} ({:?})", error.help()));
    assert_eq!(printed::rules(&rules), expected, "{text}");
}

#[track_caller]
fn check_pull(text: &str, expected: &str) {
    let pattern = parse::pull_pattern(text).unwrap_or_else(|error| panic!("{text}: {error} ({:?})", error.help()));
    assert_eq!(printed::pattern(&pattern), expected, "{text}");
    let again = parse::pull_pattern(expected).unwrap_or_else(|error| panic!("{expected}: {error}"));
    assert_eq!(printed::pattern(&again), expected);
}

/// A clause inside of a query.
#[track_caller]
fn check_clause(text: &str, expected: &str) {
    check(&format!("[:find ?e :where {text}]"), &format!("[:find ?e :in $ :where {expected}]"));
}

#[test]
fn all_find_specs_and_return_maps_are_read() {
    for (text, expected) in [
        ("[:find ?e]", "[:find ?e :in $]"),
        ("[:find ?e ?v]", "[:find ?e ?v :in $]"),
        ("[:find [?e ...]]", "[:find [?e ...] :in $]"),
        ("[:find [?e ?v]]", "[:find [?e ?v] :in $]"),
        ("[:find [?e]]", "[:find [?e] :in $]"),
        ("[:find ?e .]", "[:find ?e . :in $]"),
        ("[:find (count ?e) .]", "[:find (count ?e) . :in $]"),
        ("[:find (max 3 ?e) ?x]", "[:find (max 3 ?e) ?x :in $]"),
        ("[:find [(pull ?e [*]) ...]]", "[:find [(pull $ ?e [*]) ...] :in $]"),
        ("[:find (pull $b ?e pattern) :in $b pattern]", "[:find (pull $b ?e pattern) :in $b pattern]"),
        ("[:find ?a ?b :keys x y/z]", "[:find ?a ?b :keys x y/z :in $]"),
        ("[:find [?a ?b] :strs x y]", "[:find [?a ?b] :strs x y :in $]"),
        ("[:find ?a :syms x]", "[:find ?a :syms x :in $]"),
        ("[:find ?a :with ?b ?c]", "[:find ?a :with ?b ?c :in $]"),
    ] {
        check(text, expected);
    }
}

#[test]
fn all_inputs_are_read() {
    for (text, expected) in [
        ("$", "$"),
        ("$ $since % ?x", "$ $since % ?x"),
        ("[?x ...]", "[?x ...]"),
        ("[?x ?y]", "[?x ?y]"),
        ("[[?x ?y]]", "[[?x ?y]]"),
        ("[[?x]]", "[[?x]]"),
        ("[_ ?y]", "[_ ?y]"),
        ("_", "_"),
        ("[[?x _ [?y ...]]]", "[[?x _ [?y ...]]]"),
        ("[[?x ?y] ...]", "[[?x ?y] ...]"),
        ("[[?x ...]]", "[[?x ...]]"),
        ("[?x [?y ?z]]", "[?x [?y ?z]]"),
        ("pattern", "pattern"),
        ("?x ?x", "?x ?x"),
    ] {
        check(&format!("[:find ?x :in {text}]"), &format!("[:find ?x :in {expected}]"));
    }
}

#[test]
fn the_map_form_says_the_same_as_the_vector_form() {
    let expected = "[:find ?e (count ?v) :keys e n :with ?w :in $ ?a :where [$ ?e ?a ?v] [$ ?e :w ?w] \
                    :order-by [?e :desc (count ?v) :asc] :limit 10 :offset 5 :timeout 1500]";
    for text in [
        "{:find [?e (count ?v)] :keys [e n] :with [?w] :in [$ ?a] :where [[?e ?a ?v] [?e :w ?w]]
          :order-by [?e :desc (count ?v)] :limit 10 :offset 5 :timeout 1500}",
        "[:find ?e (count ?v) :keys e n :with ?w :in $ ?a :where [?e ?a ?v] [?e :w ?w]
          :order-by [?e :desc (count ?v)] :limit 10 :offset 5 :timeout \"1500ms\"]",
        "[:timeout 1500 :offset 5 :limit 10 :order-by ?e :desc (count ?v) :asc :where [?e ?a ?v] [?e :w ?w]
          :in $ ?a :with ?w :keys e n :find ?e (count ?v)]",
        "(:find ?e (count ?v) :keys e n :with ?w :in $ ?a :where [?e ?a ?v] [?e :w ?w]
          :order-by [?e :desc (count ?v)] :limit 10 :offset 5 :timeout 1500)",
    ] {
        check(text, expected);
    }
    check("{:find [[?e ...]]}", "[:find [?e ...] :in $]");
    check("{:find [?e .]}", "[:find ?e . :in $]");
    check("{:find [?e] :order-by (count ?x)}", "[:find ?e :in $ :order-by [(count ?x) :asc]]");
    check("[:find ?e :order-by ?e]", "[:find ?e :in $ :order-by [?e :asc]]");
    check("[:find ?e :timeout \"5s\"]", "[:find ?e :in $ :timeout 5000]");
    check("[:find ?e :timeout \"2m\"]", "[:find ?e :in $ :timeout 120000]");
    check("[:find ?e :limit 0]", "[:find ?e :in $ :limit 0]");
}

#[test]
fn all_clauses_are_read() {
    for (text, expected) in [
        ("[?e]", "[$ ?e]"),
        ("[?e :a]", "[$ ?e :a]"),
        ("[?e ?a ?v ?t ?m ?added]", "[$ ?e ?a ?v ?t ?m ?added]"),
        ("[$h ?e :a _ ?t _ false]", "[$h ?e :a _ ?t _ false]"),
        ("[1 2 3 4 5 6 7 8]", "[$ 1 2 3 4 5 6 7 8]"),
        ("[[:run/id \"x\"] :run/mode :batch]", "[$ [:run/id \"x\"] :run/mode :batch]"),
        ("[?e :a #inst \"2026-01-01\"]", "[$ ?e :a #inst \"2026-01-01T00:00:00Z\"]"),
        ("[(< ?a ?b 3)]", "[(< ?a ?b 3)]"),
        ("[(f)]", "[(f)]"),
        ("[(+ ?a 1) ?b]", "[(+ ?a 1) ?b]"),
        ("[(untuple ?a) [?b _]]", "[(untuple ?a) [?b _]]"),
        ("[(ground [1 2]) [?b ...]]", "[(ground [1 2]) [?b ...]]"),
        ("[(ground [[1 #{:a}] [2 {:k nil}]]) [[?b ?c]]]", "[(ground [[1 #{:a}] [2 {:k nil}]]) [[?b ?c]]]"),
        ("[(get-else $ ?e :a \"none\") ?v]", "[(get-else $ ?e :a \"none\") ?v]"),
        ("[(missing? $old ?e :a)]", "[(missing? $old ?e :a)]"),
        ("[(clojure.string/blank? ?s)]", "[(clojure.string/blank? ?s)]"),
        ("(and [?e :a] [?e :b])", "(and [$ ?e :a] [$ ?e :b])"),
        ("(or [?e :a] (and [?e :b] [?e :c]))", "(or [$ ?e :a] (and [$ ?e :b] [$ ?e :c]))"),
        ("($b or [?e :a])", "($b or [$b ?e :a])"),
        ("(or-join [?e] [?e :a ?x])", "(or-join [?e] [$ ?e :a ?x])"),
        ("(or-join [[?a ?b] ?c] [?a ?b ?c])", "(or-join [[?a ?b] ?c] [$ ?a ?b ?c])"),
        ("(or-join [[?a]] [?a :b])", "(or-join [[?a]] [$ ?a :b])"),
        ("($b or-join [?e] [?e :a])", "($b or-join [?e] [$b ?e :a])"),
        ("(not [?e :a] [(< ?e 3)])", "(not [$ ?e :a] [(< ?e 3)])"),
        ("($b not [?e :a])", "($b not [$b ?e :a])"),
        (
            "($b not [$ ?e :a] ($c or (r ?e) [$d ?e]) (not (r ?e)))",
            "($b not [$ ?e :a] ($c or ($c r ?e) [$d ?e]) (not ($b r ?e)))",
        ),
        ("(not-join [?e ?f] [?e :a ?f])", "(not-join [?e ?f] [$ ?e :a ?f])"),
        ("(reach ?a 1 _ :k \"s\")", "(reach ?a 1 _ :k \"s\")"),
        ("($b reach ?a)", "($b reach ?a)"),
        ("(ns/reach ?a)", "(ns/reach ?a)"),
    ] {
        check_clause(text, expected);
    }
}

#[test]
fn rules_are_read() {
    for (text, expected) in [
        ("[]", "[]"),
        ("[[(r ?a) [?a :b]]]", "[[(r ?a) [$ ?a :b]]]"),
        (
            "[[(r [?a] ?b) [?a :b ?b] (r ?b _)] [(r [?x] ?y) [(+ ?x 1) ?y]]]",
            "[[(r [?a] ?b) [$ ?a :b ?b] (r ?b _)] [(r [?x] ?y) [(+ ?x 1) ?y]]]",
        ),
        ("[[(r [?a ?b]) (not [?a :b ?b])]]", "[[(r [?a ?b]) (not [$ ?a :b ?b])]]"),
    ] {
        check_rules(text, expected);
    }
}

#[test]
fn pull_patterns_are_read() {
    for (text, expected) in [
        ("[*]", "[*]"),
        ("[\"*\" :a]", "[* :a]"),
        ("[:db/id :run/id]", "[:db/id :run/id]"),
        ("[:log/_run :_a]", "[:log/_run :_a]"),
        ("[{:a [:b {:c/_d [*]}]}]", "[{:a [:b {:c/_d [*]}]}]"),
        ("[{:a [:b] :c [:d]}]", "[{:a [:b]} {:c [:d]}]"),
        ("[:name {:parent ...}]", "[:name {:parent ...}]"),
        ("[:name {:parent 3}]", "[:name {:parent 3}]"),
        ("[(:a :as \"x\" :limit 10 :default 1 :xform str)]", "[(:a :as \"x\" :limit 10 :default 1 :xform str)]"),
        ("[[:a :as :y]]", "[(:a :as :y)]"),
        ("[(:a :limit nil)]", "[(:a :limit nil)]"),
        ("[(limit :a/b 10) (default :a/c 1)]", "[(:a/b :limit 10) (:a/c :default 1)]"),
        ("[(default (limit :a 5) [])]", "[(:a :limit 5 :default [])]"),
        ("[{(:a :limit 2) [:b]}]", "[{(:a :limit 2) [:b]}]"),
        ("[{[:a/_b :as :c] ...}]", "[{(:a/_b :as :c) ...}]"),
    ] {
        check_pull(text, expected);
    }
}

#[test]
fn a_part_of_a_larger_form_is_read_where_it_stands() {
    let text = "[1 [:find ?e :where [?e :a nil]]]";
    let form = edn::read_form(text).expect("the text is EDN");
    let inner = &form.vector().expect("the text is a vector")[1];
    let error = parse::query_form(inner).expect_err("a nil in a pattern").located_in(text);
    assert_eq!(error.position().map(|position| position.column), Some(28));
}

#[test]
fn clauses_as_deep_as_the_reader_allows_are_read_and_checked_on_a_small_stack() {
    let work = || {
        for (open, close) in [("(not [?e :a] ", ")"), ("(or [?e :a] ", ")"), ("(and [?e :b] ", ")"), ("(or-join [?e] ", ")")] {
            let depth = edn::LIMIT_DEPTH - 3;
            let text = format!("[:find ?e :where [?e :x] {}[?e :c]{}]", open.repeat(depth), close.repeat(depth));
            let query = parse::query(&text).expect("the depth is allowed");
            annals_query::check::check(query, annals_query::ast::RuleSet::default()).expect("nothing is wrong");
        }
        let depth = edn::LIMIT_DEPTH / 2 - 2;
        let text = format!("{}[*]{}", "[{:a ".repeat(depth), "}]".repeat(depth));
        parse::pull_pattern(&text).expect("the depth is allowed");
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).expect("a thread starts").join().expect("the work is done");
}
