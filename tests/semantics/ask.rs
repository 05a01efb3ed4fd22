//! What a vector does, and what is wrong with what comes of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use annals::query::edn::{self, Form, FormKind};
use annals::query::engine;
use annals::query::{Answer, Budget};
use annals::{Db, EntityRef, Error, Input, Report, Result, Value};

use crate::compare::{answer_fault, error_fault, is_like, names_of, outcome_fault, shown};
use crate::order;
use crate::stage::Stage;
use crate::vector::Vector;

/// The stores of a file by name, each opened in two ways.
pub(crate) type Stores = BTreeMap<String, [Stage; 2]>;

/// How long the transaction of another thread comes after the question.
const MEANWHILE_MS: u64 = 30;

/// What is wrong, if anything.
pub(crate) fn fault(vector: &Vector<'_>, stores: &Stores) -> Option<String> {
    let named = |name: &str| stores.get(name).unwrap_or_else(|| panic!("line {}: no store {name}", vector.line));
    let shared = vector.raw("store").map(named);
    let changes = ["setup", "transact", "meanwhile"].iter().any(|field| vector.form(field).is_some());
    let mut own = match shared {
        Some(shared) if changes => shared[0].copy(),
        Some([first, second]) => {
            return question_fault(vector, first, stores).or_else(|| without_columns_fault(vector, second, stores));
        }
        None => Stage::empty(),
    };
    if let Err(error) = own.set_up(vector) {
        return Some(format!("its :setup is refused: {error} ({})", error.help().unwrap_or_default()));
    }
    if let Some(fault) = transaction_fault(vector, &mut own) {
        return Some(fault);
    }
    let connection = own.connection.clone();
    let later = vector.source("meanwhile").map(|text| {
        let text = own.fill(text);
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(MEANWHILE_MS));
            connection.transact(&text).map(drop)
        })
    });
    let fault = question_fault(vector, &own, stores);
    let later = later.map(|later| later.join().expect("the other thread ends"));
    fault
        .or_else(|| later.and_then(Result::err).map(|error| format!("its :meanwhile is refused: {error}")))
        .or_else(|| without_columns_fault(vector, &own.without_columns(), stores))
}

fn without_columns_fault(vector: &Vector<'_>, stage: &Stage, stores: &Stores) -> Option<String> {
    question_fault(vector, stage, stores).map(|fault| format!("{fault}\n  without columns"))
}

/// Tries the transaction in other orders, then commits it.
fn transaction_fault(vector: &Vector<'_>, stage: &mut Stage) -> Option<String> {
    let text = stage.fill(vector.source("transact")?);
    let before = stage.connection.db().expect("the store is read");
    for other in order::transactions(&text) {
        if let Some(fault) = outcome(vector, stage, before.with(&other), false) {
            return Some(format!("{fault}\n  in the order {other}"));
        }
    }
    let done = stage.connection.transact(&text);
    if let Ok(report) = &done {
        stage.learn(report);
    } else if stage.connection.db().expect("the store is read").basis_t() != before.basis_t() {
        return Some("leaves something behind, though it is refused".to_owned());
    }
    outcome(vector, stage, done, true)
}

fn outcome(vector: &Vector<'_>, stage: &Stage, done: Result<Report>, is_as_written: bool) -> Option<String> {
    match done {
        Err(error) => error_fault(&error, vector, is_as_written),
        Ok(_) if vector.form("error").is_some() => Some("is not refused".to_owned()),
        Ok(report) => {
            let wanted = stage.fill_with(vector.raw("says")?, &names_of(&report));
            outcome_fault(&report, &edn::read(&wanted).expect(":says is EDN"))
        }
    }
}

/// What is wrong with the answer to what a vector asks.
fn question_fault(vector: &Vector<'_>, stage: &Stage, stores: &Stores) -> Option<String> {
    let is_error = vector.form("error").is_some() && vector.form("transact").is_none();
    let refused = |error: &Error| {
        if is_error {
            error_fault(error, vector, true)
        } else {
            Some(format!("fails: {error} ({})", error.help().unwrap_or("-")))
        }
    };
    let db = match stage.db(vector) {
        Ok(db) => db,
        Err(error) => return refused(&error),
    };
    if vector.form("query").is_some() {
        return query_fault(vector, stage, stores, &db, is_error);
    }
    let found = single(vector, stage, &db)?;
    match found {
        Err(error) => refused(&error),
        Ok(found) if is_error => Some(format!("answers {found}")),
        Ok(found) => {
            let wanted = answers(vector, stage);
            (!wanted.iter().any(|wanted| is_like(&found, wanted)))
                .then(|| format!("answers {found} instead of {}", shown(&wanted)))
        }
    }
}

/// A pull, an entity or an id.
fn single(vector: &Vector<'_>, stage: &Stage, db: &Db) -> Option<Result<Value>> {
    let entity = |form: &Form| {
        let text = stage.fill(vector.slice(form));
        EntityRef::try_from(&edn::read(&text).expect("an entity is EDN"))
    };
    if let Some(pattern) = vector.source("pull") {
        let pattern = stage.fill(pattern);
        if let Some(of) = vector.form("of") {
            return Some(entity(of).and_then(|of| db.pull(&pattern, of)));
        }
        let many = vector.items("of-many").iter().map(entity).collect::<Result<Vec<EntityRef>>>();
        return Some(many.and_then(|many| db.pull_many(&pattern, many)).map(Value::vector));
    }
    if let Some(form) = vector.form("entity") {
        let found = entity(form).and_then(|of| db.entity(of));
        return Some(found.map(|found| found.map_or(Value::Nil, |map| Value::Map(Arc::new(map)))));
    }
    let id = entity(vector.form("id")?).and_then(|of| db.entity_id(of));
    Some(id.map(|id| id.map_or(Value::Nil, Value::Long)))
}

fn query_fault(vector: &Vector<'_>, stage: &Stage, stores: &Stores, db: &Db, is_error: bool) -> Option<String> {
    let query = stage.fill(vector.source("query").expect("a query"));
    let rules = vector.items("inputs").iter().find_map(|input| tagged(input, "rules"));
    let rules = rules.map(|rules| stage.fill(vector.source_of(rules)));
    let wanted = if is_error { Vec::new() } else { answers(vector, stage) };
    let ask = |query: &str, rules: Option<&str>, has_place: bool| {
        let answer = inputs(vector, stage, stores, rules).and_then(|inputs| asked(vector, db, query, &inputs));
        match answer {
            Err(error) if is_error => error_fault(&error, vector, has_place),
            Err(error) => Some(format!(
                "fails: {} {error} | {} (help: {})",
                error.code(),
                error.value().unwrap_or("-"),
                error.help().unwrap_or("-")
            )),
            Ok(answer) if is_error => Some(format!("answers {}", answer.to_edn())),
            Ok(answer) => answer_fault(&answer, &wanted, query.contains(":order-by"), vector),
        }
    };
    ask(&query, rules.as_deref(), true).or_else(|| {
        let others = order::queries(&query, rules.as_deref(), is_error);
        others.iter().find_map(|(query, rules)| {
            let shown = rules.as_deref().unwrap_or_default();
            ask(query, rules.as_deref(), false).map(|fault| format!("{fault}\n  in the order {query} {shown}"))
        })
    })
}

fn asked(vector: &Vector<'_>, db: &Db, query: &str, inputs: &[Input]) -> Result<Answer> {
    let options = engine::Options { strict: vector.raw("strict") == Some("true"), ..engine::Options::default() };
    let budget = match vector.form("limit-rows").and_then(Form::long) {
        Some(rows) => Budget::default().with_limit_rows(rows as u64),
        None => Budget::default(),
    };
    db.q_within(query, inputs, options, &budget)
}

fn inputs(vector: &Vector<'_>, stage: &Stage, stores: &Stores, rules: Option<&str>) -> Result<Vec<Input>> {
    let read = |input: &Form| {
        if let Some(view) = tagged(input, "view") {
            let chain = view.vector().expect("a view is a chain");
            return stage.view(stage.connection.db()?, chain, vector).map(Input::Db);
        }
        if let Some(name) = tagged(input, "store") {
            let other = stores.get(vector.slice(name)).unwrap_or_else(|| panic!("line {}: no store {name}", vector.line));
            return other[0].connection.db().map(Input::Db);
        }
        if tagged(input, "rules").is_some() {
            return Ok(Input::from(rules.expect("the rules were found")));
        }
        if let Some(pattern) = tagged(input, "pattern") {
            return Ok(Input::from(vector.source_of(pattern)));
        }
        let text = stage.fill(vector.slice(input));
        Ok(Input::Value(edn::read(&text).expect("an input is EDN")))
    };
    vector.items("inputs").iter().map(read).collect()
}

fn tagged<'f>(form: &'f Form, name: &str) -> Option<&'f Form> {
    match &form.kind {
        FormKind::Tagged(tag, content) if &**tag == name => Some(content),
        _ => None,
    }
}

/// The answers of which any will do.
fn answers(vector: &Vector<'_>, stage: &Stage) -> Vec<Value> {
    let read = |text: &str| edn::read(&stage.fill(text)).expect("an answer is EDN");
    match vector.raw("answer") {
        Some(answer) => vec![read(answer)],
        None => vector.items("either").iter().map(|form| read(vector.slice(form))).collect(),
    }
}
