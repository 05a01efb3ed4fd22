//! A program with its clauses in another order, at every level of nesting.

use annals_query::{Value, edn};

use super::{Program, Random};

/// The program with the clauses of its query and rules, the branches of its alternatives, and its rules in another order.
pub(crate) fn shuffled(program: &Program, seed: u64) -> Program {
    let mut random = Random::new(seed);
    let mut program = program.clone();
    let each = |texts: &mut Vec<String>, random: &mut Random, order: fn(&Value, &mut Random) -> Value| {
        // A text may hold two clauses.
        let forms = texts.iter().flat_map(|text| edn::read_forms(text).expect("the generator writes EDN"));
        *texts = forms.map(|form| order(&form.into_value(), random).to_string()).collect();
        random.shuffle(texts);
    };
    each(&mut program.clauses, &mut random, clause);
    each(&mut program.rules, &mut random, rule);
    program
}

/// `[(name ?x) clause ...]`
fn rule(form: &Value, random: &mut Random) -> Value {
    let Some([head, body @ ..]) = form.as_items() else { return form.clone() };
    let mut body = all(body, random);
    random.shuffle(&mut body);
    Value::vector(std::iter::once(head.clone()).chain(body))
}

/// Only lists hold clauses: `(not ..)`, `($then or-join [?x] ..)`.
fn clause(form: &Value, random: &mut Random) -> Value {
    let Value::List(items) = form else { return form.clone() };
    let is_source = |item: &Value| matches!(item, Value::Symbol(name) if name.starts_with('$'));
    let head = usize::from(items.first().is_some_and(is_source));
    let fixed = match items.get(head) {
        Some(Value::Symbol(name)) if matches!(&**name, "and" | "or" | "not") => head + 1,
        Some(Value::Symbol(name)) if matches!(&**name, "or-join" | "not-join") => head + 2,
        _ => return form.clone(),
    };
    let mut inner = all(&items[fixed..], random);
    random.shuffle(&mut inner);
    Value::List(items[..fixed].iter().cloned().chain(inner).collect())
}

fn all(clauses: &[Value], random: &mut Random) -> Vec<Value> {
    clauses.iter().map(|form| clause(form, random)).collect()
}
