//! Promise: what can be seen to be wrong in a query and its rules is refused before anything runs, with the variable, rule,
//! function or source named, the place, and a remedy. Attacked with a table of faulty queries beside code, place, message and
//! remedy; each is tried with its clauses in every order, which must change neither the code nor the variable.

use annals_query::ast::RuleSet;
use annals_query::{Code, Error, check, parse};

fn outcome(query: &str, rules: &str) -> Result<check::Checked, Error> {
    let parsed = parse::query(query).unwrap_or_else(|error| panic!("{query}: {error} ({:?})", error.help()));
    let rules = if rules.is_empty() {
        RuleSet::default()
    } else {
        parse::rules(rules).unwrap_or_else(|error| panic!("{rules}: {error}"))
    };
    check::check(parsed, rules)
}

/// The text of a query at `place` is wrong, with a code, a message that mentions `message` and a remedy that mentions `help`.
#[track_caller]
fn refuse(query: &str, code: Code, place: &str, message: &str, help: &str) {
    refuse_with(query, "", code, place, message, help);
}

/// The same for a fault in a query with rules; the error knows in which of the two it lies.
#[track_caller]
fn refuse_with(query: &str, rules: &str, code: Code, place: &str, message: &str, help: &str) {
    let error = match outcome(query, rules) {
        Err(error) => error.located_in(query).located_in_rules(rules),
        Ok(_) => panic!("{query} {rules} was accepted"),
    };
    let position = error.position().unwrap_or_else(|| panic!("{query}: no place in {error}"));
    let found = format!("{}:{}", position.line, position.column);
    assert_eq!((error.code(), &*found), (code, place), "{query} {rules}: {error} ({:?})", error.help());
    assert!(error.message().contains(message), "{query} {rules}: {error}");
    let remedy = error.help().unwrap_or_default();
    assert!(!remedy.is_empty() && remedy.contains(help), "{query} {rules}: {error}: {remedy}");
    check_orders(query, rules, &error);
}

/// Every rotation and the reverse of the clauses gives the same code and names the same thing.
#[track_caller]
fn check_orders(query: &str, rules: &str, expected: &Error) {
    let mut parsed = parse::query(query).expect("it was read before");
    for turn in 0..=parsed.clauses.len() {
        if turn == parsed.clauses.len() {
            parsed.clauses.reverse();
        } else {
            parsed.clauses.rotate_left(1);
        }
        let rules = if rules.is_empty() { RuleSet::default() } else { parse::rules(rules).expect("it was read before") };
        let error = check::check(parsed.clone(), rules).expect_err("the order of clauses changes nothing");
        assert_eq!((error.code(), error.value()), (expected.code(), expected.value()), "{query}");
    }
}

#[test]
fn variables_that_nothing_binds_are_refused() {
    let code = Code::UnboundVariable;
    for (query, place, message, help) in [
        ("[:find ?x :where [?e :a]]", "1:8", "nothing binds `?x`", "[?e :attribute ?x]"),
        ("[:find ?xz :where [?e :a ?xy]]", "1:8", "nothing binds `?xz`", "add a clause that binds ?xz"),
        ("[:find ?xyz :where [?e :a ?xyy]]", "1:8", "nothing binds `?xyz`", "did you mean `?xyy`?"),
        ("[:find ?level :where [?e :a ?levl]]", "1:8", "nothing binds `?level`", "did you mean `?levl`?"),
        ("[:find ?x]", "1:8", "nothing binds `?x`", ":in"),
        ("[:find (count ?x) :where [?e :a]]", "1:15", "nothing binds `?x`", "add a clause"),
        ("[:find (pull ?x [*]) :where [?e :a]]", "1:8", "nothing binds `?x`", "add a clause"),
        ("[:find ?e :with ?x :where [?e :a]]", "1:17", "nothing binds `?x`", "add a clause"),
        ("[:find ?e :where [?e :a ?level] [(< ?levle 3)]]", "1:33", "nothing binds `?levle`", "did you mean `?level`?"),
        ("[:find ?e :where [?e :a ?abd] [(< ?abc 3)]]", "1:31", "nothing binds `?abc`", "did you mean `?abd`?"),
        ("[:find ?e :where [?e :a ?ad] [(< ?ab 3)]]", "1:30", "nothing binds `?ab`", "add a clause that binds ?ab"),
        ("[:find ?e :where [?e :a] :order-by [?x]]", "1:37", "nothing binds `?x`", "add a clause"),
        ("[:find ?e :where [?e :a] :having (> ?x 1)]", "1:37", "nothing binds `?x`", "add a clause"),
        ("[:find ?e :where [?e :a ?x] :having (> ?x 1)]", "1:40", "`?x` is not asked for", "say it in :where"),
        ("[:find ?e :where [?e :a] :having (> (count ?x) 1)]", "1:44", "nothing binds `?x`", "add a clause"),
        ("[:find ?e :where [?e :a] :order-by [(count ?x)]]", "1:44", "nothing binds `?x`", "add a clause"),
        ("[:find ?e :where [?e :a] [(< ?x 1)]]", "1:26", "nothing binds `?x`, which `<` needs", "add a clause"),
        ("[:find ?e :where [?e :a]\n [(inc ?x) ?y]]", "2:2", "nothing binds `?x`, which `inc` needs", "add a clause"),
        ("[:find ?y :where [(inc ?x) ?x]]", "1:18", "nothing binds `?x`", "add a clause"),
        ("[:find ?y :where [(inc ?x) ?y] [(dec ?y) ?x]]", "1:18", "nothing binds `?x`", "add a clause"),
        ("[:find ?z :where [(inc ?x) ?y] [(inc ?y) ?z]]", "1:18", "nothing binds `?x`", "add a clause"),
        ("[:find ?z :where [(inc ?y) ?z] [(inc ?x) ?y]]", "1:32", "nothing binds `?x`", "add a clause"),
        ("[:find ?z :where [(< ?z 3)] [(inc ?y) ?z] [(dec ?w) ?y]]", "1:43", "nothing binds `?w`", "add a clause"),
        ("[:find ?e :where [?e :a] (not [?e :b ?x] [(< ?x ?y)])]", "1:42", "nothing binds `?y`", "add a clause"),
        ("[:find ?e :where [?e :a] (not [?e :b ?x]) [(< ?x 1)]]", "1:43", "nothing binds `?x`", "add a clause"),
        ("[:find ?x :where (not [?e :a ?x]) [?e :b]]", "1:8", "nothing binds `?x`", "add a clause"),
        (
            "[:find ?e :where [?e :a] (not-join [?e ?x] [?e :b ?x])]",
            "1:26",
            "nothing outside of the `not-join` binds `?x`",
            "add a clause",
        ),
        (
            "[:find ?e :in $ ?v :where [?e :a] (not-join [?e] [?e :b ?x] [(< ?x ?v)])]",
            "1:61",
            "nothing binds `?v`",
            "add a clause",
        ),
        (
            "[:find ?e :in $ ?v :where [?e :a] (or-join [?e] (and [?e :b ?x] [(< ?x ?v)]))]",
            "1:65",
            "nothing binds `?v`",
            "add a clause",
        ),
        ("[:find ?x :where [?e :a] (or-join [?e] [?e :b ?x])]", "1:8", "nothing binds `?x`", "add a clause"),
        ("[:find ?e :where [?e :a] (or-join [?e ?x] [?e :b ?x] [?e :c])]", "1:54", "does not bind `?x`", "add a clause"),
        ("[:find ?e :where [?e :a] (or [(< ?x 1)] [(> ?x 5)])]", "1:30", "nothing binds `?x`", "add a clause"),
        ("[:find ?e :where [?e :a] [(missing? $ ?x :a)]]", "1:26", "nothing binds `?x`, which `missing?`", "add a clause"),
        ("[:find ?e ?x :where [?e :a ?v] [(untuple ?v) [_ ?y]]]", "1:11", "nothing binds `?x`", "add a clause"),
    ] {
        refuse(query, code, place, message, help);
    }
}

#[test]
fn or_and_not_of_the_wrong_shape_are_refused() {
    for (query, code, place, message, help) in [
        ("[:find ?e :where (or [?e :a ?x] [?e :b ?y])]", Code::UnequalBranches, "1:33", "`?x`", "or-join"),
        ("[:find ?e :where [?e :c] (or [?e :a] (and [?e :b ?y] [(< ?y 1)]))]", Code::UnequalBranches, "1:38", "`?y`", "or-join"),
        ("[:find ?e :where [?e :c ?n] (or [(< ?n 1)] [?e :b])]", Code::UnequalBranches, "1:44", "`?e`", "or-join"),
        ("[:find ?e :where [?e :c] (not (or [?e :a ?x] [?e :b]))]", Code::UnequalBranches, "1:46", "`?x`", "or-join"),
        (
            "[:find ?e :where (or [?e :a] (and [?e :b] (not (or [?e :c ?x] [?e :d]))))]",
            Code::UnequalBranches,
            "1:63",
            "`?x`",
            "or-join",
        ),
        ("[:find ?e :where (or-join [?e] (and [?e :b] (or [?x :c] [?y :d])))]", Code::UnequalBranches, "1:57", "`?x`", "or-join"),
        ("[:find ?e :where (or [?e :a] (not [?e :b]))]", Code::UnequalBranches, "1:30", "`?e`", "or-join"),
        (
            "[:find ?e :where [?e :a] (not [?x :b])]",
            Code::UnrelatedClause,
            "1:26",
            "only it mentions `?x`",
            "a clause outside binds",
        ),
        ("[:find ?e :where [?e :a] (not [1 :b 2])]", Code::UnrelatedClause, "1:26", "no variable", "a clause outside binds"),
        (
            "[:find ?e :where [?e :a] (not [?x :b]) (not [?x :c])]",
            Code::UnrelatedClause,
            "1:26",
            "`?x`",
            "a clause outside binds",
        ),
        (
            "[:find ?e :where [?e :a] (not [?e :b ?x] (not [?y :c]))]",
            Code::UnrelatedClause,
            "1:42",
            "`?y`",
            "a clause outside binds",
        ),
    ] {
        let error = outcome(query, "").err().unwrap_or_else(|| panic!("{query} was accepted")).located_in(query);
        let position = error.position().unwrap_or_else(|| panic!("{query}: no place"));
        assert_eq!((error.code(), format!("{}:{}", position.line, position.column).as_str()), (code, place), "{query}: {error}");
        assert!(error.message().contains(message), "{query}: {error}");
        assert!(error.help().is_some_and(|remedy| remedy.contains(help)), "{query}: {error}");
    }
}

#[test]
fn bindings_that_are_required_and_missing_are_refused() {
    let code = Code::RequiredBinding;
    let query = "[:find ?x :where (or-join [[?e] ?x] [?e :a ?x])]";
    refuse(query, code, "1:18", "`or-join` requires `?e`", "add a clause");
    for (query, rules, place, message) in [
        ("[:find ?b :in $ % :where (r ?a ?b)]", "[[(r [?x] ?y) [?x :a ?y]]]", "1:26", "`r` needs its argument `?x` bound"),
        ("[:find ?b :in $ % :where (r _ ?b)]", "[[(r [?x] ?y) [?x :a ?y]]]", "1:26", "`_` binds nothing"),
        ("[:find ?b :in $ % :where (r ?b ?a)]", "[[(r ?y ?x) [(inc ?x) ?z] [?z :a ?y]]]", "1:26", "nothing binds `?a`"),
        (
            "[:find ?a :in $ % :where (adult ?a)]",
            "[[(adult ?age) [(>= ?age 18)]]]",
            "1:26",
            "`adult` needs its argument `?age` bound",
        ),
        // Through another rule, and through recursion.
        (
            "[:find ?a :in $ % :where (grown ?a)]",
            "[[(adult ?age) [(>= ?age 18)]] [(grown ?x) (adult ?x)]]",
            "1:26",
            "`grown` needs its argument `?x` bound",
        ),
        (
            "[:find ?n :in $ % :where (count-up ?n 5)]",
            "[[(count-up ?n ?to) [(= ?n ?to)]] [(count-up ?n ?to) [(inc ?n) ?m] (count-up ?m ?to)]]",
            "1:26",
            "`count-up` needs its arguments `?n` and `?to` bound",
        ),
        ("[:find ?e :in $ % :where [?e :a] (not [?e :b] (adult ?x))]", "[[(adult ?age) [(>= ?age 18)]]]", "1:47", "`adult`"),
        // Either would do, and neither is bound.
        (
            "[:find ?a :in $ % :where (next ?a ?b)]",
            "[[(next ?a ?b) (or-join [?a ?b] (and [(inc ?a) ?b]))]]",
            "1:26",
            "`?a` bound",
        ),
    ] {
        refuse_with(query, rules, code, place, message, "binds");
    }
}

#[test]
fn names_that_mean_nothing_are_refused() {
    let rules = "[[(reach ?a ?b) [?a :to ?b]]]";
    for (query, code, place, message, help) in [
        (
            "[:find ?e :where [$old ?e :a]]",
            Code::UnknownSource,
            "1:18",
            "no source is named `$old`",
            "add it to :in, which names $",
        ),
        (
            "[:find ?e :in $odl :where [$old ?e :a]]",
            Code::UnknownSource,
            "1:27",
            "no source is named `$old`",
            "did you mean `$odl`?",
        ),
        ("[:find ?e :in $b :where [$c ?e :a]]", Code::UnknownSource, "1:25", "no source is named `$c`", "which names $b"),
        ("[:find ?e :in $be :where [$bc ?e :a]]", Code::UnknownSource, "1:26", "no source is named `$bc`", "did you mean `$be`?"),
        ("[:find ?e :in $a :where [?e :a]]", Code::UnknownSource, "1:25", "no source is named `$`", "$a"),
        ("[:find ?e :in ?e :where [?e :a]]", Code::UnknownSource, "1:25", "no source is named `$`", ":in $ .."),
        ("[:find ?e :where [?e :a] ($old not [?e :b])]", Code::UnknownSource, "1:26", "`$old`", ":in"),
        ("[:find ?e :where [?e :a] (not [$old ?e :b])]", Code::UnknownSource, "1:31", "`$old`", ":in"),
        ("[:find ?e :where [?e :a] [(missing? $old ?e :a)]]", Code::UnknownSource, "1:37", "`$old`", ":in"),
        ("[:find (pull $old ?e [*]) :where [?e :a]]", Code::UnknownSource, "1:8", "`$old`", ":in"),
        (
            "[:find ?e :where [?e :a] [(missing? ?e :a)]]",
            Code::UnknownSource,
            "1:27",
            "needs a source as its first",
            "(missing? $",
        ),
        ("[:find ?e :where [?e :a] [(get-else ?e :a 1) ?x]]", Code::UnknownSource, "1:27", "needs a source", "(get-else $"),
        ("[:find ?e :in $ $b % :where ($c reach ?e 1)]", Code::UnknownSource, "1:29", "`$c`", ":in"),
        ("[:find ?e :in $a % :where (reach ?e 1)]", Code::UnknownSource, "1:27", "`$`", ":in"),
        ("[:find ?e :where [?e :a ?x] [(+ $ ?x)]]", Code::ArgumentType, "1:33", "does not take a source", "(+ "),
        (
            "[:find ?e :where [?e :a ?x] [(starts-wiht? ?x \"a\")]]",
            Code::UnknownFunction,
            "1:30",
            "`starts-wiht?`",
            "`starts-with?`",
        ),
        ("[:find ?e :where [?e :a ?x] [(frobnicate-it ?x)]]", Code::UnknownFunction, "1:30", "`frobnicate-it`", "built-in"),
        ("[:find ?e :where [?e :a ?x] [(stddev ?x) ?y]]", Code::UnknownFunction, "1:30", "`stddev`", "stands in :find"),
        ("[:find ?e :in $ % :where [?e :a ?x] [(reach ?e ?x)]]", Code::UnknownFunction, "1:38", "`reach`", "is a rule"),
        ("[:find (cuont ?e) :where [?e :a]]", Code::UnknownFunction, "1:8", "no aggregate is named `cuont`", "`count`"),
        ("[:find (upper-case ?e) :where [?e :a]]", Code::UnknownFunction, "1:8", "no aggregate", "[(upper-case ..) ?x]"),
        ("[:find ?e :where [?e :a] :order-by (mx ?e)]", Code::UnknownFunction, "1:36", "no aggregate", "`max`"),
        ("[:find (max ?n ?x) :where [?n :a ?x]]", Code::ArgumentType, "1:13", "`?n` before it has many values", "(max 3 ?x)"),
        ("[:find (pull ?e ?p) :where [?e :a]]", Code::UnboundVariable, "1:8", "no pull pattern is named `?p`", ":in"),
        ("[:find (pull ?e ?p) :in $ [?p ...] :where [?e :a]]", Code::UnboundVariable, "1:8", "no pull pattern", ":in"),
        ("[:find ?e :where [?e :a] :having (avg ?e)]", Code::UnknownFunction, "1:34", "no function", "compare what it gives"),
        ("[:find ?e :where [?e :a] :having (> (cuont ?e) 1)]", Code::UnknownFunction, "1:37", "no function", "`count`"),
        ("[:find ?e :where [?e :a] :having (not ?e 1)]", Code::Arity, "1:34", "takes 1 argument, not 2", "for example"),
        ("[:find ?e :where [?e :a] :having (missing? ?e :a)]", Code::UnknownSource, "1:34", "asks a source", ":where"),
        (
            "[:find (pull ?e [(:a :xform upper-csae)]) :where [?e :a]]",
            Code::UnknownFunction,
            "1:18",
            "`upper-csae`",
            "`upper-case`",
        ),
        ("[:find ?e :in $ % :where (raech ?e 1)]", Code::UnknownRule, "1:26", "no rule is named `raech`", "`reach`"),
        ("[:find ?e :in $ % :where (starts-with? ?e 1)]", Code::UnknownRule, "1:26", "no rule", "[(starts-with? ..)]"),
        ("[:find ?e :where (wander ?e 1)]", Code::UnknownRule, "1:18", "`:in` does not take rules", "add % to :in"),
        ("[:find ?e :where (reach ?e 1)]", Code::UnknownRule, "1:18", "`:in` does not take rules", "add % to :in"),
        (
            "[:find (pull ?e pattern) :where [?e :a]]",
            Code::UnboundVariable,
            "1:8",
            "no pull pattern is named `pattern`",
            "add pattern to :in",
        ),
        ("[:find (pull ?e pattern) :in $ patern :where [?e :a]]", Code::UnboundVariable, "1:8", "`pattern`", "`patern`"),
    ] {
        refuse_with(query, rules, code, place, message, help);
    }
}

#[test]
fn a_wrong_number_of_arguments_is_refused() {
    let rules = "[[(reach ?a ?b) [?a :to ?b]]]";
    for (query, place, message, help) in [
        ("[:find ?e :where [?e :a ?x] [(starts-with? ?x)]]", "1:30", "`starts-with?` takes 2 arguments, not 1", "(starts-with? "),
        ("[:find ?e :where [?e :a ?x] [(missing? $ ?e)]]", "1:30", "`missing?` takes 2 arguments, not 1", "(missing? $"),
        ("[:find (count 1 2 ?e) :where [?e :a ?x]]", "1:8", "`count`", "(count"),
        ("[:find ?e :in $ % :where (reach ?e)]", "1:26", "the rule `reach` takes 2 arguments, not 1", "(reach ?a ?b)"),
    ] {
        refuse_with(query, rules, Code::Arity, place, message, help);
    }
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let query = "[:find ?e :in $ % :where [?e :a]]";
    for (rules, code, place, message, help) in [
        (
            "[[(r ?a) [?a :b]] [(r ?a ?b) [?a :b ?b]]]",
            Code::Arity,
            "1:19",
            "a head with 1 variables and one with 2",
            "different names",
        ),
        (
            "[[(r ?a ?b) [?a :b ?b]] [(r [?a] ?b) [?a :c ?b]]]",
            Code::Arity,
            "1:25",
            "0 required variables and one with 1",
            "same variables",
        ),
        ("[[(r ?a ?b) [?a :b]]]", Code::UnboundVariable, "1:9", "no clause of the rule `r` mentions `?b`", "required"),
        ("[[(r ?a) [?a :b] [(< ?x 1)]]]", Code::UnboundVariable, "1:18", "nothing binds `?x`", "add a clause"),
        ("[[(r ?a) [?a :b] (not [?z :c])]]", Code::UnrelatedClause, "1:18", "only it mentions `?z`", "outside"),
        ("[[(r ?a) (or [?a :b ?x] [?a :c])]]", Code::UnequalBranches, "1:25", "`?x`", "or-join"),
        ("[[(r ?a) [?a :b] [(fooo ?a)]]]", Code::UnknownFunction, "1:19", "`fooo`", "built-in"),
        ("[[(r ?a) [$x ?a :b]]]", Code::UnknownSource, "1:10", "`$x`", ":in"),
        ("[[(r ?a) (s ?a)]]", Code::UnknownRule, "1:10", "no rule is named `s`", "given for %"),
        ("[[(r ?a) [?a :b] (not (r ?a))]]", Code::UnstratifiedRule, "1:2", "r -> not r", "out of the cycle"),
        (
            "[[(a ?x) [?x :k] (not (b ?x))] [(b ?x) [?x :k] (c ?x)] [(c ?x) (a ?x)]]",
            Code::UnstratifiedRule,
            "1:2",
            "a -> not b -> c -> a",
            "out of the cycle",
        ),
        (
            "[[(a ?x) [?x :k] (b ?x)] [(b ?x) [?x :k] (not-join [?x] (or-join [?x] (a ?x)))]]",
            Code::UnstratifiedRule,
            "1:26",
            "b -> not a -> b",
            "out of the cycle",
        ),
        ("[[(r ?a) (s ?a)] [(s ?a) [?a :b] [(< ?zz ?a)]]]", Code::UnboundVariable, "1:34", "`?zz`", "add a clause"),
    ] {
        refuse_with(query, rules, code, place, message, help);
    }
}

#[test]
fn other_faults_are_refused() {
    for (query, code, place, message, help) in [
        ("[:find ?e :where [?e :a] [(get-else $ ?e :b nil) ?x]]", Code::GetElse, "1:45", "cannot be nil", "missing?"),
        ("[:find (max -1 ?e) :where [?e :a]]", Code::ArgumentType, "1:8", "max", "count"),
        (
            "[:find (count ?e) :where [?e :a ?x] :order-by ?x]",
            Code::UnboundVariable,
            "1:47",
            "no single value in a group",
            "(max ?x)",
        ),
    ] {
        refuse(query, code, place, message, help);
    }
}
