//! A program in which something differs, made small.

use std::sync::Arc;

use super::Program;
use super::trial::{Outcome, Tried, outcome};

/// Programs tried while one is made smaller.
const LIMIT_ATTEMPTS: usize = 600;

/// The smallest program found, by leaving out one part after another, in which an answer still differs, and how.
pub(crate) fn shrunk(program: &Program, difference: String, tried: &dyn Tried) -> (Program, String) {
    let kind = kind(&difference);
    by_parts(program, difference, &|candidate| differs(candidate, tried).filter(|found| self::kind(found) == kind))
}

/// The same with facts left out, too: for facts in memory.
pub(crate) fn shrunk_with_facts(program: &Program, difference: String, tried: &dyn Tried) -> (Program, String) {
    let (mut small, mut difference) = shrunk(program, difference, tried);
    let kind = kind(&difference);
    let mut attempts = 0;
    loop {
        let next = with_fewer_facts(&small).into_iter().find_map(|candidate| {
            attempts += 1;
            if attempts > LIMIT_ATTEMPTS {
                None
            } else {
                Some((differs(&candidate, tried).filter(|found| self::kind(found) == kind)?, candidate))
            }
        });
        match next {
            Some((found, candidate)) => (small, difference) = (candidate, found),
            None => return shrunk(&small, difference, tried),
        }
    }
}

/// What kind of difference it is: a program that is made small must keep it.
pub(crate) fn kind(difference: &str) -> &'static str {
    let kinds = ["panics", "the check", "it fails", "no error", "instead of:", "rows instead", "is not expected", "too often"];
    kinds.into_iter().find(|kind| difference.contains(kind)).unwrap_or("other")
}

fn differs(program: &Program, tried: &dyn Tried) -> Option<String> {
    match outcome(program, tried) {
        Outcome::Differ(difference) => Some(difference),
        _ => None,
    }
}

fn by_parts(program: &Program, difference: String, differs: &dyn Fn(&Program) -> Option<String>) -> (Program, String) {
    let (mut small, mut difference) = (program.clone(), difference);
    let mut attempts = 0;
    loop {
        let next = smaller(&small).into_iter().find_map(|candidate| {
            attempts += 1;
            if attempts > LIMIT_ATTEMPTS { None } else { Some((differs(&candidate)?, candidate)) }
        });
        match next {
            Some((found, candidate)) => (small, difference) = (candidate, found),
            None => return (small, difference),
        }
    }
}

/// The program with one part less.
fn smaller(program: &Program) -> Vec<Program> {
    fn each<T: Clone>(parts: &[T]) -> impl Iterator<Item = Vec<T>> {
        (0..parts.len()).map(|left_out| {
            let kept = parts.iter().enumerate().filter(|(position, _)| *position != left_out);
            kept.map(|(_, part)| part.clone()).collect()
        })
    }
    let mut small: Vec<Program> = Vec::new();
    small.extend(each(&program.clauses).map(|clauses| Program { clauses, ..program.clone() }));
    small.extend(each(&program.rules).map(|rules| Program { rules, ..program.clone() }));
    small.extend(each(&program.with).map(|with| Program { with, ..program.clone() }));
    small.extend(each(&program.tail).map(|tail| Program { tail, ..program.clone() }));
    small.extend(each(&program.sources).skip(1).map(|sources| Program { sources, ..program.clone() }));
    small.extend(each(&program.patterns).map(|patterns| Program { patterns, ..program.clone() }));
    small.extend(each(&program.inputs).map(|inputs| Program { inputs, ..program.clone() }));
    small
}

/// The program with fewer facts, the largest parts left out first.
fn with_fewer_facts(program: &Program) -> Vec<Program> {
    let mut programs = Vec::new();
    for (number, world) in program.worlds.iter().enumerate() {
        let log = world.log();
        let mut size = log.len().div_ceil(2);
        while size > 0 {
            for start in (0..log.len()).step_by(size) {
                let kept = log.iter().enumerate().filter(|(row, _)| !(start..start + size).contains(row));
                let mut fewer = program.clone();
                fewer.worlds[number] = Arc::new(world.with_log(kept.map(|(_, fact)| fact.clone()).collect()));
                programs.push(fewer);
            }
            size /= 2;
        }
    }
    programs
}
