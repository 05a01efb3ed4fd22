//! Random find specifications, with and without aggregates.

use super::clause::Scope;
use super::history::Kind;
use super::{Program, Random, View};

const ANY: [&str; 4] = ["count", "count-distinct", "distinct", "count"];
const ORDERED: [&str; 4] = ["min", "max", "min 2", "max 2"];
const NUMERIC: [&str; 6] = ["sum", "avg", "median", "variance", "stddev", "sum"];

fn aggregate(random: &mut Random, program: &mut Program, name: &str, kind: Kind) -> String {
    let word = match (random.below(3), kind) {
        (0, Kind::Long | Kind::Double | Kind::Number) => *random.choose(&NUMERIC),
        (1, Kind::Long | Kind::Double | Kind::Number | Kind::Text | Kind::Entity) => *random.choose(&ORDERED),
        _ => *random.choose(&ANY),
    };
    for (part, feature) in [("max 2", "max-n"), ("min 2", "min-n"), ("distinct", "distinct"), ("median", "median")] {
        if word == part {
            program.note(feature);
        }
    }
    format!("({word} {name})")
}

/// What the query finds, its `:with`, and the names of its rows.
pub fn find(random: &mut Random, scope: &Scope, program: &mut Program) {
    let mut variables: Vec<(String, Kind)> = scope.variables.clone();
    variables.retain(|(name, kind)| name.starts_with('?') && *kind != Kind::Any);
    random.shuffle(&mut variables);
    let count = random.between(1, 3).min(variables.len());
    let has_aggregates = random.percent(30);
    let mut elements = Vec::new();
    for (at, (name, kind)) in variables.iter().take(count).enumerate() {
        elements.push(if has_aggregates && (at == 0 || random.percent(40)) {
            program.note("aggregate");
            aggregate(random, program, name, *kind)
        } else if *kind == Kind::Entity && !has_aggregates && program.view != View::History && random.percent(12) {
            program.note("pull");
            format!("(pull {name} {})", super::pull::pattern(random, program, 1))
        } else {
            name.clone()
        });
    }
    if variables.len() > count && random.percent(25) {
        program.note("with");
        let end = (count + random.between(1, 2)).min(variables.len());
        program.with = variables[count..end].iter().map(|(name, _)| name.clone()).collect();
    }
    program.elements = elements;
    program.shape = match random.below(10) {
        0 | 1 => "collection",
        2 => "tuple",
        3 => "scalar",
        _ => "relation",
    };
    if matches!(program.shape, "collection" | "scalar") {
        program.elements.truncate(1);
    }
    if matches!(program.shape, "relation" | "tuple") && random.percent(8) {
        let names = ["one", "two", "three"];
        program.names = names[..program.elements.len()].iter().map(|name| (*name).to_owned()).collect();
    }
}
