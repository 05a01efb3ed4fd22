//! Promise: every text that is no query, no rule and no pull pattern is refused with what was expected, the place of the
//! smallest wrong form, and a remedy. Attacked with a table of wrong texts beside place, message and remedy.

use annals_query::{Code, Error, parse};

#[track_caller]
fn compare(text: &str, error: &Error, code: Code, place: &str, message: &str, help: &str) {
    let position = error.position().unwrap_or_else(|| panic!("{text}: no place in {error}"));
    let found = format!("{}:{}", position.line, position.column);
    assert_eq!((error.code(), &*found), (code, place), "{text}: {error} ({:?})", error.help());
    assert!(error.message().contains(message), "{text}: {error}");
    let remedy = error.help().unwrap_or_default();
    assert!(!remedy.is_empty() && remedy.contains(help), "{text}: {error}: {remedy}");
}

#[track_caller]
fn refuse(text: &str, place: &str, message: &str, help: &str) {
    let error = parse::query(text).err().unwrap_or_else(|| panic!("{text} was accepted"));
    compare(text, &error, Code::QuerySyntax, place, message, help);
}

#[test]
fn a_query_that_is_none_is_refused() {
    for (text, place, message, help) in [
        ("5", "1:1", "expected a query, found the long 5", "[:find ?e"),
        ("[]", "1:1", "expected `:find`", "what it asks for"),
        ("{}", "1:1", "expected `:find`", "what it asks for"),
        ("[?e :find ?e]", "1:2", "expected `:find`", "starts with :find"),
        ("[:where [?e :a]]", "1:1", "expected `:find`", "what it asks for"),
        ("[:find]", "1:2", "find element", "(count ?x)"),
        ("[:find :where [?e :a]]", "1:2", "find element", "(count ?x)"),
        ("[:find ?e :were [?e :a]]", "1:11", "no section `:were`", "did you mean `:where`?"),
        ("[:find ?e\n :grouped [?e]]", "2:2", "no section `:grouped`", ":order-by"),
        ("[:find ?e\n :having]", "2:2", "expected a condition", "leave `:having` out"),
        ("[:find ?e :having []]", "1:19", "expected a condition, found the vector []", "(> (count ?x) 3)"),
        ("[:find ?e :having ?e]", "1:19", "expected a condition, found the symbol ?e", "(> (count ?x) 3)"),
        ("[:find ?e :having [[?e :a 1]]]", "1:20", "expected a condition", "(> (count ?x) 3)"),
        ("[:find ?e :having [(> e 1)]]", "1:23", "a variable, an aggregate or a constant, found the symbol e", "write ?e"),
        ("[:find ?e :having [(?f 1)]]", "1:21", "the name of a function", "(> (count ?x) 3)"),
        ("{:find [?e] :wher [[?e :a]]}", "1:13", "no section `:wher`", "`:where`"),
        ("{:find ?e}", "1:8", "a vector behind `:find`", "{:find [..]}"),
        ("{:find [?e] \"where\" []}", "1:13", "a keyword that starts a section", ":where"),
        ("[:find ?e :where [?e :a] :where [?e :b]]", "1:26", "`:where` stands twice", "join"),
        ("[:find ?e :where]", "1:11", "a clause behind `:where`", "leave `:where` out"),
        ("[:find ?e :in :where [?e :a]]", "1:11", "an input behind `:in`", "leave `:in` out"),
        ("[:find ?e :with]", "1:11", "a variable behind `:with`", "add a variable"),
        ("[:find ?e :with e]", "1:17", "expected a variable, found the symbol e", "?e"),
        ("[:find ?e :limit]", "1:11", "a whole number behind `:limit`", "add a whole number"),
        ("[:find ?e :limit -1]", "1:18", "a whole number, 0 or more", ":limit 100"),
        ("[:find ?e :limit ?n]", "1:18", "a whole number, 0 or more", ":limit 100"),
        ("[:find ?e :limit 1 2]", "1:20", "one form behind `:limit`", "remove"),
        ("[:find ?e :offset 1.5]", "1:19", "a whole number", ":offset 100"),
        ("[:find ?e :timeout soon]", "1:20", "milliseconds or a duration", "\"5s\""),
        ("[:find ?e :timeout \"5 parsecs\"]", "1:20", "milliseconds or a duration", "ms, s, m and h"),
        ("[:find ?e :timeout \"99999999999999999999h\"]", "1:20", "milliseconds or a duration", "ms"),
    ] {
        refuse(text, place, message, help);
    }
}

#[test]
fn a_find_spec_that_is_none_is_refused() {
    for (text, place, message, help) in [
        ("[:find e]", "1:8", "found the symbol e", "question mark: ?e"),
        ("[:find 5]", "1:8", "expected a find element", "(count ?x)"),
        ("[:find []]", "1:8", "between the brackets", "(count ?x)"),
        ("[:find ?e ?v .]", "1:14", "expected a find element", "dot stands behind the only"),
        ("[:find ?e ...]", "1:11", "expected a find element", "in brackets"),
        ("[:find ?a [?b]]", "1:11", "expected a find element", "around all of :find"),
        ("[:find ()]", "1:8", "expected a find element", "(count ?x)"),
        ("[:find (count)]", "1:8", "a variable in the aggregate", "(count ?x)"),
        ("[:find (count e)]", "1:15", "expected a variable", "?e"),
        ("[:find (?f ?x)]", "1:9", "the name of an aggregate", "(count ?x)"),
        ("[:find (sum (+ ?a 1))]", "1:13", "expected a variable", "?e"),
        ("[:find (pull ?e)]", "1:8", "a variable and a pattern", "(pull ?e [:attribute])"),
        ("[:find (pull e [*])]", "1:14", "expected a variable", "?e"),
        ("[:find (pull ?e [])]", "1:17", "an attribute between the brackets", "[*]"),
        ("[:find ?a ?b :keys a]", "1:14", "1 names for 2", "exactly one name"),
        ("[:find [?a ...] :keys a]", "1:17", "single values", "leave `:keys` out"),
        ("[:find ?a . :strs a]", "1:13", "single values", "leave `:strs` out"),
        ("[:find ?a :keys a b]", "1:11", "2 names for 1", "one name"),
        ("[:find ?a :keys \"a\"]", "1:17", "expected a name", "symbols"),
        ("[:find ?a ?b :keys a a]", "1:22", "the name `a` twice", "of its own"),
        ("[:find ?a :keys a :strs b]", "1:19", "cannot stand together", "keep one"),
        ("[:find ?a :order-by [:desc ?a]]", "1:22", "before the direction", "[?x :desc ?y]"),
        ("[:find ?a :order-by [?a :desc :asc]]", "1:31", "before the direction", "[?x :desc ?y]"),
        ("[:find ?a :order-by [?a :down]]", "1:25", "a variable, an aggregate, :asc or :desc", ":order-by"),
        ("[:find ?a :order-by [(pull ?a [*])]]", "1:22", "a variable or an aggregate", "order by the variable"),
    ] {
        refuse(text, place, message, help);
    }
}

#[test]
fn an_input_that_is_none_is_refused() {
    for (text, place, message, help) in [
        ("[:find ?x :in :where]", "1:11", "an input behind `:in`", "add an input"),
        ("[:find ?x :in 5]", "1:15", "expected a binding, found the long 5", "[?x ...]"),
        ("[:find ?x :in []]", "1:15", "expected a binding", "[[?x ?y]]"),
        ("[:find ?x :in [?x 5]]", "1:19", "expected a binding", "?x"),
        ("[:find ?x :in [[]]]", "1:16", "expected a binding", "?x"),
        ("[:find ?x :in [... ?x]]", "1:16", "expected a binding", "[?x ...]"),
        ("[:find ?x :in $ $]", "1:17", "`$` stands twice", "name of its own"),
        ("[:find ?x :in % %]", "1:17", "`%` stands twice", "name of its own"),
    ] {
        refuse(text, place, message, help);
    }
}

#[test]
fn a_clause_that_is_none_is_refused() {
    // Each text stands where the column starts at 18.
    for (text, place, message, help) in [
        ("5", "1:18", "expected a clause, found the long 5", "[?e :attribute ?v]"),
        ("[]", "1:18", "expected a clause", "or-join"),
        ("()", "1:18", "expected a clause", "or-join"),
        ("[$]", "1:18", "at least one place", "[$source"),
        ("[e :a]", "1:19", "a variable, a constant or _, found the symbol e", "?e, :e or \"e\""),
        ("[?e :a $b]", "1:25", "a variable, a constant or _", "the source stands first"),
        ("[?e :a (inc 1)]", "1:25", "a variable, a constant or _", "a clause of its own"),
        ("[?e :a [?x 1]]", "1:26", "expected a constant, found the symbol ?x", "holds no variables"),
        ("[[:run/id ?x] :a]", "1:28", "expected a constant", "holds no variables"),
        ("[(?f ?x)]", "1:20", "the name of a function", "starts with a name"),
        ("[()]", "1:19", "expected a call", "(< ?a ?b)"),
        ("[(f x)]", "1:22", "a variable, a constant or a source", "?x, :x or \"x\""),
        ("[(f _)]", "1:22", "a variable, a constant or a source", "a value for every argument"),
        ("[(f (g ?x))]", "1:22", "a variable, a constant or a source", "do not nest"),
        ("[(f [?x])]", "1:23", "expected a constant", "holds no variables"),
        ("[(f {:a ?x})]", "1:26", "expected a constant", "holds no variables"),
        ("[(f ?x) ?y ?z]", "1:29", "one binding behind the call", "[?x ?y]"),
        ("[(f ?x) 5]", "1:26", "expected a binding", "?x"),
        ("[(f ?x) []]", "1:26", "expected a binding", "?x"),
        ("((< ?a 1))", "1:19", "the name of a rule", "in a vector"),
        ("(?r ?x)", "1:19", "the name of a rule", "not-join"),
        ("(5)", "1:19", "the name of a rule", "not-join"),
        ("($b)", "1:18", "a clause behind the source", "($source rule ?x)"),
        ("($b and [?e :a])", "1:18", "a clause that takes a source", "($source or (and ..))"),
        ("(or)", "1:18", "at least one clause inside", "[?e"),
        ("(and)", "1:18", "at least one clause inside", "[?e"),
        ("(not)", "1:18", "at least one clause inside", "[?e"),
        ("(or-join)", "1:18", "the list of variables of `or-join`", "(or-join [?x] ..)"),
        ("(or-join ?x [?x :a])", "1:27", "the list of variables of `or-join`", "[?x]"),
        ("(or-join [?x])", "1:18", "at least one clause inside", "[?e"),
        ("(or-join [] [?x :a])", "1:27", "at least one variable", "[[?required] ?free]"),
        ("(or-join [x] [?x :a])", "1:28", "expected a variable", "?x"),
        ("(or-join [[] ?x] [?x :a])", "1:28", "between the inner brackets", "remove the brackets"),
        ("(or-join [?x ?x] [?x :a])", "1:31", "`?x` stands twice", "once"),
        ("(not-join [] [?x :a])", "1:28", "a variable in the list of `not-join`", "shares"),
        ("(not-join [[?x]] [?x :a])", "1:29", "expected a variable", "?e"),
        ("(not-join [?x])", "1:18", "at least one clause inside", "[?e"),
        ("(r x)", "1:21", "a variable, a constant or _", "?x"),
        ("(r $b)", "1:21", "a variable, a constant or _", "source stands first"),
    ] {
        refuse(&format!("[:find ?e :where {text}]"), place, message, help);
    }
}

#[test]
fn nil_in_a_pattern_is_refused_with_missing_as_the_remedy() {
    for (text, place, help) in [
        ("[:find ?e :where [?e :a nil]]", "1:25", "[(missing? $ ?e :a)]"),
        ("[:find ?e :where [?e nil 1]]", "1:22", "missing?"),
        ("[:find ?e :where\n (not [?e :a nil])]", "2:14", "[(missing? $ ?e :a)]"),
        ("[:find ?e :where (r ?e nil)]", "1:24", "write _"),
    ] {
        let error = parse::query(text).err().unwrap_or_else(|| panic!("{text} was accepted"));
        compare(text, &error, Code::NilPattern, place, "nil", help);
    }
}

#[test]
fn rules_that_are_none_are_refused() {
    for (text, place, message, help) in [
        ("5", "1:1", "a vector of rules", "[[(name"),
        ("[(r ?a) [?a :b]]", "1:2", "a rule in brackets", "around all of them"),
        ("[5]", "1:2", "expected a rule", "[(name ?a ?b)"),
        ("[[]]", "1:2", "expected a rule", "[(name ?a ?b)"),
        ("[[r ?a]]", "1:3", "the head of a rule", "[(name ?a ?b)"),
        ("[[()  [?a :b]]]", "1:3", "the head of a rule", "[(name ?a ?b)"),
        ("[[(?r ?a) [?a :b]]]", "1:4", "the name of a rule", "[(name ?a ?b)"),
        ("[[(not ?a) [?a :b]]]", "1:4", "the name of a rule", "word of the language"),
        ("[[(r ?a)]]", "1:2", "a clause behind the head", "[(name ?a ?b)"),
        ("[[(r) [?a :b]]]", "1:3", "at least one variable", "?a"),
        ("[[(r a) [?a :b]]]", "1:6", "expected a variable", "?a"),
        ("[[(r _) [?a :b]]]", "1:6", "expected a variable", "?"),
        ("[[(r ?a ?a) [?a :b]]]", "1:9", "`?a` stands twice", "[(= ?a ?b)]"),
        ("[[(r ?a [?b]) [?a :b ?b]]]", "1:9", "expected a variable", "?e"),
        ("[[(r [] ?a) [?a :b]]]", "1:6", "between the inner brackets", "remove"),
        ("[[(r ?a) [?a :b\n]]] x", "2:5", "more text follows", "one form"),
    ] {
        let error = parse::rules(text).err().unwrap_or_else(|| panic!("{text} was accepted"));
        let code = if message.contains("more text") { Code::EdnSyntax } else { Code::QuerySyntax };
        compare(text, &error, code, place, message, help);
    }
}

#[test]
fn pull_patterns_that_are_none_are_refused() {
    for (text, place, message, help) in [
        (":a", "1:1", "a pull pattern", "[:attribute"),
        ("[]", "1:1", "an attribute between the brackets", "[*]"),
        ("[5]", "1:2", "expected an attribute, found the long 5", "[:attribute"),
        ("[a]", "1:2", "expected an attribute", "[:attribute"),
        ("[{}]", "1:2", "a reference and its pattern", "{:reference [*]}"),
        ("[{:a 0}]", "1:6", "a pattern, a depth or ...", "{:reference 3}"),
        ("[{:a :b}]", "1:6", "a pattern, a depth or ...", "{:reference [*]}"),
        ("[{5 [*]}]", "1:3", "expected an attribute", "[:attribute"),
        ("[(5 :as 1)]", "1:3", "expected an attribute", ":as"),
        ("[(:a :az 1)]", "1:6", "an option of the attribute", "`:as`"),
        ("[(:a :frobnicate 1)]", "1:6", "an option of the attribute", ":as :limit :default :xform"),
        ("[(:a :as)]", "1:6", "a value behind `:as`", "pairs"),
        ("[(:a :limit 0)]", "1:13", "a whole number above 0, or nil", ":limit nil"),
        ("[(:a :as :x) (:b :as :x)]", "1:14", "shows two things as :x", "another name with :as"),
        ("[:b (:a :as :b)]", "1:5", "shows two things as :b", "another name with :as"),
        ("[(:a :as :x/_y) {:x/_y [:b]}]", "1:18", "shows two things as :x/_y", "another name with :as"),
        ("[* {:c [(:a :as 1) (:b :as 1)]}]", "1:20", "shows two things as 1", "another name with :as"),
        ("[(:a :limit :all)]", "1:13", "a whole number above 0, or nil", ":limit nil"),
        ("[(:a :xform 5)]", "1:13", "the name of a function", ":xform"),
        ("[(limit :a)]", "1:2", "an attribute and a value behind `limit`", "(limit :attribute 10)"),
        ("[(limit :a -1)]", "1:12", "a whole number above 0", ":limit 10"),
    ] {
        let error = parse::pull_pattern(text).err().unwrap_or_else(|| panic!("{text} was accepted"));
        compare(text, &error, Code::QuerySyntax, place, message, help);
    }
}
