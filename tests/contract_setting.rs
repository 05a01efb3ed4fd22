//! What a person types after `--set` becomes the fact that a person means, or is refused with a remedy; and a process that
//! is gone is known to be gone, while one that is there never is.
//!
//! Attacked by a table of texts, and by processes that live, die, and share an id with a dead one.

use std::process::Command;

use annals::contract::{Process, Setting};
use annals::{ErrorKind, Value};

#[track_caller]
fn check(text: &str, attribute: &str, value: impl Into<Value>) {
    let setting: Setting = text.parse().expect(text);
    assert_eq!((&*setting.attribute, setting.value), (attribute, value.into()), "{text}");
}

#[test]
fn a_setting_is_a_fact_about_the_run() {
    check("attempt=3", "run/attempt", 3);
    check(":attempt=3", "run/attempt", 3);
    check("git/branch=main", "git/branch", "main");
    check(":git/branch=feature/x", "git/branch", "feature/x");
    check("a/b=c=d", "a/b", "c=d");
    check("k=", "run/k", "");
    check("k= x", "run/k", " x");
    check("k=true", "run/k", true);
    check("k=1.5", "run/k", 1.5);
    check("k=1.2.3", "run/k", "1.2.3");
    check("k=:blue", "run/k", Value::keyword("blue"));
    check("k=\"12\"", "run/k", "12");
    check("k=nil", "run/k", "nil");
    check("k=[1 2]", "run/k", "[1 2]");
    check("k={:a 1}", "run/k", "{:a 1}");
    check("k=#inst \"1970-01-01T00:00:01Z\"", "run/k", Value::Instant(1_000_000));
    check("k=it's two words", "run/k", "it's two words");
}

#[track_caller]
fn check_refused(text: &str, message: &str, help: &str) {
    let error = text.parse::<Setting>().expect_err(text);
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(error.value(), Some(text));
    assert!(error.message().contains(message), "{}", error.message());
    assert!(error.help().expect("a remedy").contains(help), "{:?}", error.help());
}

#[test]
fn a_setting_that_means_nothing_is_refused() {
    check_refused("attempt", "not of the form KEY=VALUE", "--set attempt=3");
    check_refused("=3", "`` is not a keyword", "git/branch");
    check_refused("two words=3", "`two words` is not a keyword", "letters");
    check_refused("a/b/c/=3", "is not a keyword", "letters");
    check_refused("status=done", "`:run/status` is an attribute that Annals itself writes", "my/key");
    check_refused(":run/id=1", "`:run/id`", "my/key");
    check_refused("name=x", "`:run/name`", "--name");
    check_refused("db/ident=x", "`:db/ident`", "my/key");
    check_refused("db/mine=x", "`:db/mine`", "my/key");
}

#[test]
fn a_process_is_gone_once_it_ended_and_not_before() {
    let mut child = Command::new("sleep").arg("60").spawn().expect("sleep is there");
    let mut process = Process { pid: child.id().into(), start: None, ..Process::current() };
    assert!(!process.is_gone());
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    assert!(process.is_gone());
    process.host.push_str(".elsewhere");
    assert!(!process.is_gone(), "of another machine nothing is known");
}

#[test]
fn a_process_with_a_reused_id_is_another_process() {
    let current = Process::current();
    assert!(!current.is_gone());
    if let Some(start) = current.start {
        assert!(Process { start: Some(start + 1), ..current.clone() }.is_gone());
    }
    for pid in [0, -1, i64::MAX] {
        assert!(Process { pid, start: None, ..current.clone() }.is_gone());
    }
}
