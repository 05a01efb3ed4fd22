//! A question in other words: as another engine reads it, or so that another engine reads it as we do. Each function gives none
//! where the words it changes do not occur.

use crate::random::Program;

/// `_` for the entity in each pattern that has one variable as entity and as value.
pub fn without_first_place(program: &Program) -> Option<Program> {
    in_each_form(program, '[', ']', |words| is_twice(words).then(|| format!("_ {} {}", words[1], words[2])))
}

/// `_` for the value in each of them.
pub fn without_last_place(program: &Program) -> Option<Program> {
    in_each_form(program, '[', ']', |words| is_twice(words).then(|| format!("{} {} _", words[0], words[1])))
}

fn is_twice(words: &[&str]) -> bool {
    words.len() == 3 && words[0].starts_with('?') && words[1].starts_with('@') && words[0] == words[2]
}

/// A fresh variable for each `_` among the arguments of a rule.
pub fn without_blank_arguments(program: &Program) -> Option<Program> {
    let mut count = 0;
    in_each_form(program, '(', ')', |words| {
        if !is_call(program, words) || !words.contains(&"_") {
            return None;
        }
        let mut fresh = || {
            count += 1;
            format!("?blank{count}")
        };
        let words: Vec<String> = words.iter().map(|word| if *word == "_" { fresh() } else { (*word).to_owned() }).collect();
        Some(words.join(" "))
    })
}

/// A fresh variable, compared afterwards, for the second mention of a variable among the arguments of a rule.
pub fn without_repeated_arguments(program: &Program) -> Option<Program> {
    let mut count = 0;
    in_each_form(program, '(', ')', |words| {
        let is_twice = is_call(program, words) && words.len() == 3 && words[1].starts_with('?') && words[1] == words[2];
        count += 1;
        is_twice.then(|| format!("{} {} ?again{count}) [(= {} ?again{count})]@@", words[0], words[1], words[1]))
    })
    .map(|mut program| {
        for text in program.clauses.iter_mut().chain(&mut program.rules) {
            *text = text.replace("@@)", "");
        }
        program
    })
}

/// No brackets in the heads of rules.
pub fn without_bound_arguments(program: &Program) -> Option<Program> {
    let mut other = program.clone();
    other.rules = program.rules.iter().map(|rule| rule.replace("(from [?x] ", "(from ?x ")).collect();
    let found = other.rules != program.rules;
    let other = without_repeated_arguments(&other).unwrap_or(other);
    found.then_some(other)
}

/// Whether a comparison names a variable twice.
pub fn compares_with_itself(program: &Program) -> bool {
    let is_twice = |words: &[&str]| {
        let is_comparison = ["=", "!=", "not=", "<", "<=", ">", ">="].contains(&words[0]);
        is_comparison && (1..words.len()).any(|at| words[at].starts_with('?') && words[..at].contains(&words[at]))
    };
    in_each_form(program, '(', ')', |words| is_twice(words).then(String::new)).is_some()
}

/// For each variable that a function's result goes to, the program with a fresh one there that is compared afterwards.
pub fn with_results_compared(program: &Program, comparison: &str) -> Vec<Program> {
    let mut others = Vec::new();
    for (at, clause) in program.clauses.iter().enumerate() {
        let Some((call, binding)) = clause.rsplit_once(") ") else { continue };
        if !clause.starts_with("[(") {
            continue;
        }
        for name in binding.split(['[', ']', ' ']).filter(|word| word.starts_with('?')) {
            let mut other = program.clone();
            other.clauses[at] = format!("{call}) {} [({comparison} ?result {name})]", binding.replace(name, "?result"));
            others.push(other);
        }
    }
    others
}

/// The number of values instead of the first or last few of them.
pub fn without_n(program: &Program) -> Option<Program> {
    counted(program, &["(min 2 ", "(max 2 "])
}

/// The number of values instead of the one in their middle.
pub fn without_median(program: &Program) -> Option<Program> {
    counted(program, &["(median "])
}

fn counted(program: &Program, aggregates: &[&str]) -> Option<Program> {
    let mut other = program.clone();
    for element in &mut other.elements {
        *element = aggregates.iter().fold(element.clone(), |text, aggregate| text.replace(aggregate, "(count-distinct "));
    }
    (other.elements != program.elements).then_some(other)
}

fn is_call(program: &Program, words: &[&str]) -> bool {
    program.rules.iter().any(|rule| rule.starts_with(&format!("[({} ", words[0])))
}

/// The program with each innermost form between these brackets put in other words, in clauses and rules.
fn in_each_form(
    program: &Program,
    open: char,
    close: char,
    mut change: impl FnMut(&[&str]) -> Option<String>,
) -> Option<Program> {
    let mut found = false;
    let mut rewrite = |text: &String| {
        let mut parts = text.split(open);
        let mut changed = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            changed.push(open);
            let inside = part.split(close).next().unwrap_or_default();
            match change(&inside.split(' ').collect::<Vec<_>>()) {
                Some(words) => {
                    found = true;
                    changed += &words;
                    changed += &part[inside.len()..];
                }
                None => changed += part,
            }
        }
        changed
    };
    let mut other = program.clone();
    other.clauses = program.clauses.iter().map(&mut rewrite).collect();
    other.rules = program.rules.iter().map(&mut rewrite).collect();
    found.then_some(other)
}
