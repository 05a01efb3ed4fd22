//! Compares counted instructions with the budget: `gate COUNTED BUDGET [--accept]`.
//!
//! A line of the budget is a kernel, its instructions, and by how many per cent they may be exceeded. `--accept` writes what was
//! counted as the new budget; tolerances stay.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::Value;

const HEAD: &str =
    "# Instructions of each kernel, and by how many per cent they may be exceeded. `bench/gate/run` counts and compares;
# `bench/gate/run --accept` writes what it counted, for a change that is worth it: say why in its commit message.
";
const TOLERANCE_PER_CENT: f64 = 3.0;

/// What a kernel may take.
#[derive(Clone, Copy)]
struct Budget {
    instructions: u64,
    tolerance: f64,
}

impl Budget {
    /// How many per cent more than the budget this is.
    fn excess(self, counted: u64) -> f64 {
        (counted as f64 / self.instructions as f64 - 1.0) * 100.0
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [counted, budget, rest @ ..] = &arguments[..] else {
        eprintln!("usage: gate COUNTED BUDGET [--accept]");
        return ExitCode::from(2);
    };
    let counted = read_counted(&std::fs::read_to_string(counted).expect("the counts are there"));
    let budgets = read_budgets(&std::fs::read_to_string(budget).unwrap_or_default());
    if rest.iter().any(|word| word == "--accept") {
        std::fs::write(budget, write_budgets(&counted, &budgets)).expect("the budget can be written");
        println!("{budget} holds what was counted of {} kernels", counted.len());
        return ExitCode::SUCCESS;
    }
    let failures = failures(&counted, &budgets);
    for failure in &failures {
        eprintln!("{failure}");
    }
    if failures.is_empty() {
        println!("{} kernels within their budgets", counted.len());
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "if that is worth it, `bench/gate/run --accept` writes the new counts to bench/gate/budget.txt: say why in the commit message"
    );
    ExitCode::FAILURE
}

/// Prints a line for each kernel; gives a sentence for each that exceeds its budget, and for what is on one side only.
fn failures(counted: &BTreeMap<String, u64>, budgets: &BTreeMap<String, Budget>) -> Vec<String> {
    let mut failures = Vec::new();
    for (kernel, &counted) in counted {
        let Some(&budget) = budgets.get(kernel) else {
            failures.push(format!("kernel {kernel} has no budget: it takes {counted} instructions"));
            continue;
        };
        let (excess, allowed) = (budget.excess(counted), budget.tolerance);
        println!("{kernel:<32} {counted:>12} {excess:>+7.1} % of {}", budget.instructions);
        if excess > allowed {
            failures.push(format!(
                "kernel {kernel} takes {counted} instructions, {excess:.1} % more than its budget of {} (allowed: {allowed} %)",
                budget.instructions
            ));
        } else if excess < -10.0 {
            println!("  that is much less: `bench/gate/run --accept` keeps it so");
        }
    }
    let missing = budgets.keys().filter(|kernel| !counted.contains_key(*kernel));
    failures.extend(missing.map(|kernel| format!("kernel {kernel} has a budget and was not counted")));
    failures
}

/// What gungraun says, a line of JSON for each kernel.
fn read_counted(text: &str) -> BTreeMap<String, u64> {
    let kernel = |line: &str| {
        let said: Value = serde_json::from_str(line).ok()?;
        let name = format!("{}/{}", said["function_name"].as_str()?, said["id"].as_str()?);
        Some((name, instructions(&said["profiles"])?))
    };
    text.lines().filter_map(kernel).collect()
}

/// The first `Ir` below this, of the run that was just made.
fn instructions(said: &Value) -> Option<u64> {
    match said {
        Value::Object(fields) => match fields.get("Ir") {
            Some(counts) => new_count(&counts["values"]),
            None => fields.get("total").and_then(instructions).or_else(|| fields.values().find_map(instructions)),
        },
        Value::Array(items) => items.iter().find_map(instructions),
        _ => None,
    }
}

/// The count of this run, where one of an earlier run may stand beside it.
fn new_count(counts: &Value) -> Option<u64> {
    match counts {
        Value::Number(count) => count.as_u64(),
        Value::Object(fields) => fields.get("new").or_else(|| fields.values().next()).and_then(new_count),
        Value::Array(items) => items.first().and_then(new_count),
        _ => None,
    }
}

fn read_budgets(text: &str) -> BTreeMap<String, Budget> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [kernel, instructions, tolerance] = words[..] else { panic!("a kernel, instructions, per cent: {line}") };
            let instructions = instructions.parse().expect("instructions are a whole number");
            let tolerance = tolerance.parse().expect("a tolerance is a number of per cent");
            (kernel.to_owned(), Budget { instructions, tolerance })
        })
        .collect()
}

fn write_budgets(counted: &BTreeMap<String, u64>, budgets: &BTreeMap<String, Budget>) -> String {
    let mut text = HEAD.to_owned();
    for (kernel, instructions) in counted {
        let tolerance = budgets.get(kernel).map_or(TOLERANCE_PER_CENT, |budget| budget.tolerance);
        let _ = writeln!(text, "{kernel:<32} {instructions:>12} {tolerance:>4}");
    }
    text
}
