//! Random pull patterns.

use super::history::{FIELDS, Field};
use super::{Program, Random};

/// A pattern whose nested maps go down to `depth`.
pub fn pattern(random: &mut Random, program: &mut Program, depth: usize) -> String {
    let mut items: Vec<String> = Vec::new();
    let mut used: Vec<&str> = Vec::new();
    if random.percent(20) {
        program.note("wildcard");
        items.push(random.choose(&["*", "*", "*"]).to_string());
    }
    if random.percent(40) {
        items.push(":db/id".to_owned());
    }
    for _ in 0..random.between(1, 3) {
        let field = *random.choose(&FIELDS);
        if used.contains(&field.name) {
            continue;
        }
        used.push(field.name);
        items.push(item(random, program, field, depth));
    }
    format!("[{}]", items.join(" "))
}

fn item(random: &mut Random, program: &mut Program, field: Field, depth: usize) -> String {
    let is_entity = field.kind == super::Kind::Entity;
    let is_reverse = is_entity && random.percent(30);
    if is_reverse {
        program.note("reverse");
    }
    let name = format!("@{}{}", if is_reverse { "_" } else { "" }, field.name);
    let key = match random.below(12) {
        0 => {
            program.note("as");
            format!("[{name} :as \"other-{}\"]", field.name)
        }
        1 if field.is_many => {
            program.note("limit");
            format!("[{name} :limit 1]")
        }
        2 if !is_entity && !field.is_many => {
            program.note("default");
            format!("[{name} :default \"none\"]")
        }
        _ => name,
    };
    if is_entity && depth > 0 && random.percent(60) {
        // Two recursions in one pattern count their depth in a way that no document settles.
        let way = if program.has("recursion") { 2 } else { random.below(4) };
        return match way {
            0 => {
                program.note("recursion");
                format!("{{{key} {}}}", random.choose(&["1", "2", "3"]))
            }
            1 => {
                program.note("recursion");
                format!("{{{key} ...}}")
            }
            _ => format!("{{{key} {}}}", pattern(random, program, depth - 1)),
        };
    }
    key
}
