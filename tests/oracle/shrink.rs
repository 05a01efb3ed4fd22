//! A store and a program that differ from what is right, made small: fewer clauses, then fewer transactions and forms.

use crate::common::random::Program;
use crate::common::random::shrink::{kind, shrunk};
use crate::common::random::trial::{InMemory, Outcome, outcome};
use crate::opened::{Opened, Script};

/// Stores opened while one is made smaller.
const LIMIT_STORES: usize = 1_000;

/// What is said in place of a transaction, so that those behind it keep their numbers.
const NOTHING: &str = "[:db/add \"datomic.tx\" :db/doc \"nothing\"]";

/// The smallest store and program found that still differ, for a person.
pub(crate) fn described(script: &Script, opened: &Opened, program: &Program, difference: String) -> String {
    let (mut small, mut difference) = shrunk(program, difference, opened);
    let wanted = kind(&difference);
    let mut script = script.clone();
    let mut attempts = 0;
    loop {
        let next = fewer(&script).into_iter().find_map(|candidate| {
            attempts += 1;
            if attempts > LIMIT_STORES {
                return None;
            }
            let opened = candidate.open();
            let program = Program { worlds: opened.worlds.clone(), ..small.clone() };
            match outcome(&program, &opened) {
                Outcome::Differ(found) if kind(&found) == wanted => Some((candidate, program, found)),
                _ => None,
            }
        });
        match next {
            Some(next) => (script, small, difference) = next,
            None => break,
        }
    }
    let in_memory = match outcome(&small, &InMemory) {
        Outcome::Differ(difference) => format!("in memory, too: {difference}"),
        _ => "not in memory".to_owned(),
    };
    format!("{difference}\n({in_memory})\n{}\n{}", script.describe(), small.describe())
}

/// The script with one part less.
fn fewer(script: &Script) -> Vec<Script> {
    let mut scripts: Vec<Script> = Vec::new();
    for place in 0..script.what_ifs.len() {
        let mut candidate = script.clone();
        candidate.what_ifs[place].1.clear();
        scripts.extend((!script.what_ifs[place].1.is_empty()).then_some(candidate));
    }
    for (place, forms) in script.transactions.iter().enumerate() {
        if forms.iter().all(|form| form == NOTHING) {
            continue;
        }
        let mut candidate = script.clone();
        candidate.transactions[place] = vec![NOTHING.to_owned()];
        scripts.push(candidate);
    }
    for (place, forms) in script.transactions.iter().enumerate().filter(|(_, forms)| forms.len() > 1) {
        for left_out in 0..forms.len() {
            let mut candidate = script.clone();
            candidate.transactions[place].remove(left_out);
            scripts.push(candidate);
        }
    }
    scripts
}
