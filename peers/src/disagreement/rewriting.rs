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

/// A fresh variable, compared afterwards, for the second mention of a variable in a pattern.
pub fn with_places_compared(program: &Program) -> Option<Program> {
    let mut count = 0;
    in_each_form(program, '[', ']', |words| {
        count += 1;
        is_twice(words).then(|| format!("{} {} ?place{count}] [(= {} ?place{count})", words[0], words[1], words[0]))
    })
}

/// For each pattern whose value nobody uses, the program that also asks for this value, by a function that refuses none.
pub fn with_value_used(program: &Program) -> Vec<Program> {
    let mut others = Vec::new();
    for (at, clause) in program.clauses.iter().enumerate() {
        let words: Vec<&str> = clause.trim_matches(['[', ']']).split(' ').collect();
        let is_pattern = words.len() >= 2 && words.len() <= 3 && words[1].starts_with('@') && clause.starts_with('[');
        let value = words.get(2).copied().unwrap_or("_");
        let is_unused = value == "_" || value.starts_with('?') && mentions(program, value) == 1;
        if is_pattern && is_unused {
            let mut other = program.clone();
            other.clauses[at] = format!("[{} {} ?value] [(identity ?value) ?used]", words[0], words[1]);
            others.push(other);
        }
    }
    others
}

/// For each pattern whose value is also that of another attribute of its entity, the program with a fresh variable there that is
/// compared afterwards.
pub fn with_values_compared(program: &Program) -> Vec<Program> {
    let patterns: Vec<Vec<&str>> =
        program.clauses.iter().map(|clause| clause.trim_matches(['[', ']']).split(' ').collect()).collect();
    let is_same = |left: &[&str], right: &[&str]| right.len() == 3 && left[0] == right[0] && left[2] == right[2];
    let mut others = Vec::new();
    for (at, words) in patterns.iter().enumerate() {
        let is_pattern = words.len() == 3 && words[1].starts_with('@') && words[2].starts_with('?') && words[0] != words[2];
        let mut rest = patterns.iter().enumerate().filter(|(other, _)| *other != at);
        if is_pattern && rest.any(|(_, other)| is_same(words, other)) {
            let mut other = program.clone();
            other.clauses[at] = format!("[{} {} ?value] [(= ?value {})]", words[0], words[1], words[2]);
            others.push(other);
        }
    }
    others
}

/// A fresh variable for the second mention of a variable in a comparison.
pub fn with_comparisons_apart(program: &Program) -> Option<Program> {
    let mut other = program.clone();
    for (at, clause) in program.clauses.iter().enumerate() {
        let words: Vec<&str> = clause.trim_matches(['[', ']', '(', ')']).split(' ').collect();
        if clause.starts_with("[(") && words.len() == 3 && words[1].starts_with('?') && words[1] == words[2] {
            other.clauses[at] = format!("[(identity {0}) ?same{at}] [({1} {0} ?same{at})]", words[1], words[0]);
        }
    }
    (other.clauses != program.clauses).then_some(other)
}

/// A variable that is compared with the entity, where a pattern names its entity.
pub fn with_entities_compared(program: &Program) -> Option<Program> {
    let mut other = program.clone();
    for (at, clause) in program.clauses.iter().enumerate() {
        let words: Vec<&str> = clause.trim_matches(['[', ']']).split(' ').collect();
        if words.len() == 3 && words[0].starts_with('§') && words[1].starts_with('@') {
            other.clauses[at] = format!("[?entity{at} {} {}] [(= ?entity{at} {})]", words[1], words[2], words[0]);
        }
    }
    (other.clauses != program.clauses).then_some(other)
}

/// Whether a `not` or `not-join` mentions a variable that `:in` binds to one value.
pub fn has_input_in_a_not(program: &Program) -> bool {
    let is_in_a_not = |name: &str| {
        let mut texts = program.clauses.iter().filter_map(|clause| clause.find("(not").map(|at| &clause[at..]));
        texts.any(|text| text.split(|letter: char| "[]() ".contains(letter)).any(|word| word == name))
    };
    program.inputs.iter().any(|(binding, _)| binding.starts_with('?') && is_in_a_not(binding))
}

/// Whether a `not` stands inside another.
pub fn has_nested_not(program: &Program) -> bool {
    program.clauses.iter().any(|clause| clause.matches("(not").count() > 1)
}

/// Whether a rule is called with constants and `_` alone.
pub fn calls_with_constants_alone(program: &Program) -> bool {
    let is_constant = |words: &[&str]| is_call(program, words) && words[1..].iter().all(|word| !word.starts_with('?'));
    in_each_form(program, '(', ')', |words| is_constant(words).then(String::new)).is_some()
}

/// How often a variable stands in the query.
fn mentions(program: &Program, variable: &str) -> usize {
    let texts = program.clauses.iter().chain(&program.elements).chain(&program.with);
    let words = texts.flat_map(|text| text.split(|letter: char| "[]() ".contains(letter)));
    words
        .chain(program.inputs.iter().map(|(binding, _)| binding.trim_matches(['[', ']'])))
        .filter(|word| *word == variable)
        .count()
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

/// A pull that stops at no number of values.
pub fn without_limit(program: &Program) -> Option<Program> {
    let (pattern, entity) = program.pull.as_ref()?;
    let mut parts = pattern.split(" :limit 1]");
    let mut text = parts.next()?.to_owned();
    for part in parts {
        text.remove(text.rfind('[')?);
        text += part;
    }
    (text != *pattern).then(|| Program { pull: Some((text, entity.clone())), ..program.clone() })
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
