//! Promise: no query runs on when its time is up or it is cancelled, and none makes what cannot be walked in a lifetime. Attacked with products of
//! everything with everything, with rules that never come to an end, and with values that double with every step.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use annals_query::{Answer, Budget, Code, Given, Result, Value, engine, parse};
use common::memory::MemoryFacts;

/// The time a query is given.
const TIMEOUT: Duration = Duration::from_millis(200);

/// How much later it may end here: the build is without optimization, and the machine may be busy.
const LIMIT_LATE: Duration = Duration::from_secs(2);

/// Entities, each with a `:k`.
const ENTITIES: i64 = 1_500;

fn facts() -> Given {
    let rows = (0..ENTITIES).map(|n| ((1 << 33) + n, "k", Value::from(n % 7)));
    Given::Facts(Arc::new(MemoryFacts::of(rows)))
}

fn ask(query: &str, rules: &str, budget: &Budget) -> Result<Answer> {
    let mut given = vec![facts()];
    if !rules.is_empty() {
        given.push(Given::Rules(parse::rules(rules).expect("the rules are well formed")));
    }
    engine::query(query, &given, budget)
}

/// The query stops in time when its time is up and when it is cancelled.
#[track_caller]
fn runs_away(query: &str, rules: &str) {
    let started = Instant::now();
    let error = ask(query, rules, &Budget::default().with_timeout(TIMEOUT)).expect_err(query);
    assert_eq!(error.code(), Code::Timeout, "{query}: {error}");
    assert!(started.elapsed() < TIMEOUT + LIMIT_LATE, "{query} took {:?}", started.elapsed());

    let flag = Arc::new(AtomicBool::new(false));
    let canceller = thread::spawn({
        let flag = Arc::clone(&flag);
        move || {
            thread::sleep(TIMEOUT);
            flag.store(true, Ordering::Relaxed);
        }
    });
    let started = Instant::now();
    let error = ask(query, rules, &Budget::default().with_cancel_flag(flag)).expect_err(query);
    canceller.join().expect("the canceller only waits");
    assert_eq!(error.code(), Code::Cancelled, "{query}: {error}");
    assert!(started.elapsed() < TIMEOUT + LIMIT_LATE, "{query} took {:?}", started.elapsed());
}

#[test]
fn products_stop_when_the_time_is_up_or_they_are_cancelled() {
    runs_away("[:find ?e ?f :where [?e :k ?x] [?f :k ?y] [?g :k ?y] [(+ ?x ?y) ?z] [(str ?z ?e ?f ?g) ?s] [(= ?s \"\")]]", "");
    runs_away("[:find (count ?s) . :with ?e ?f ?g :where [?e :k ?x] [?f :k ?x] [?g :k ?x] [(str ?e ?f ?g) ?s]]", "");
}

#[test]
fn rules_that_never_end_stop_when_the_time_is_up_or_they_are_cancelled() {
    runs_away("[:find ?n :in $ % :where (up ?n)]", "[[(up ?n) [(ground 0) ?n]] [(up ?n) (up ?m) [(inc ?m) ?n]]]");
    runs_away(
        "[:find ?z :in $ % :where (up 0 ?z)]",
        "[[(up ?n ?z) [(= ?n -1)] [(ground 0) ?z]] [(up ?n ?z) [(inc ?n) ?m] (up ?m ?z)]]",
    );
}

/// The query is refused before it makes what it asks for.
#[track_caller]
fn grows(query: &str, rules: &str) {
    let started = Instant::now();
    let error = ask(query, rules, &Budget::default()).expect_err(query);
    assert_eq!(error.code(), Code::LimitExceeded, "{query}: {error}");
    assert!(error.help().is_some() && error.span().is_some(), "{query}: {error}");
    assert!(started.elapsed() < LIMIT_LATE * 2, "{query} took {:?}", started.elapsed());
}

#[test]
fn values_that_double_with_every_step_are_refused() {
    let query = "[:find ?v :in $ % :where (grow ?v)]";
    grows(query, "[[(grow ?v) [(ground 1) ?v]] [(grow ?v) (grow ?u) [(vector ?u ?u) ?v]]]");
    grows(query, "[[(grow ?v) [(ground 1) ?v]] [(grow ?v) (grow ?u) [(tuple ?u ?u ?u) ?v]]]");
    grows(query, "[[(grow ?v) [(ground \"a\") ?v]] [(grow ?v) (grow ?u) [(str ?u ?u) ?v]]]");
    grows(query, "[[(grow ?v) [(ground 3N) ?v]] [(grow ?v) (grow ?u) [(* ?u ?u) ?v]]]");
}

#[test]
fn values_that_nest_deeper_with_every_step_are_refused_on_a_small_stack() {
    let deep =
        || grows("[:find ?v :in $ % :where (nest ?v)]", "[[(nest ?v) [(ground 1) ?v]] [(nest ?v) (nest ?u) [(vector ?u) ?v]]]");
    let small = thread::Builder::new().stack_size(2 << 20).spawn(deep).expect("a thread starts");
    small.join().expect("it is refused");
}
