//! Calls of functions as data: lines `call => result`, and lines that are refused.

use annals_query::{Code, Error, Result, Value, edn, function};

/// Calls a function as EDN writes it.
pub(crate) fn call(text: &str) -> Result<Value> {
    let form = edn::read(text).unwrap_or_else(|error| panic!("{text} is not EDN: {error}"));
    let Some([Value::Symbol(name), args @ ..]) = form.as_items() else { panic!("{text} is no call") };
    function::lookup(name).unwrap_or_else(|| panic!("no function {name}")).call(args)
}

fn lines(cases: &str) -> impl Iterator<Item = &str> {
    cases.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// Cases as lines `call => result`.
#[track_caller]
pub(crate) fn check_all(cases: &str) {
    for line in lines(cases) {
        let (text, expected) = line.rsplit_once(" => ").unwrap_or_else(|| panic!("{line} has no result"));
        match call(text.trim()) {
            Ok(value) => assert_eq!(value.to_string(), expected.trim(), "{line}"),
            Err(error) => panic!("{line}: {error} (value {:?})", error.value()),
        }
    }
}

#[track_caller]
pub(crate) fn refusal(text: &str) -> Error {
    match call(text) {
        Ok(value) => panic!("{text} gives {value}"),
        Err(error) => error,
    }
}

/// Cases as lines; each is refused with this code, a sentence that names the function, the value and a remedy.
#[track_caller]
pub(crate) fn check_refused(code: Code, cases: &str) {
    for line in lines(cases) {
        let error = refusal(line);
        assert_eq!(error.code(), code, "{line}: {error}");
        let name = line.trim_start_matches('(').split([' ', ')']).next().unwrap_or_default();
        assert!(error.message().contains(&format!("`{name}`")), "{line}: {error} does not name {name}");
        assert!(error.value().is_some() || code == Code::Arity, "{line}: {error} has no value");
        assert!(error.help().is_some(), "{line}: {error} has no remedy");
    }
}
