//! The report: how many targets are met, and the tables in docs/performance.md.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::arguments::Arguments;
use crate::sheet::Sheet;
use crate::turns::Clock;

const BEGIN: &str = "<!-- bench: begin -->";
const END: &str = "<!-- bench: end -->";

/// One line for each table, and one for all.
pub fn summary(sheets: &[Sheet]) -> String {
    let mut out = String::from("| table | targets | met |\n|---|---|---|\n");
    let mut all = (0, 0);
    for sheet in sheets {
        let (targets, met) = sheet.counts();
        all = (all.0 + targets, all.1 + met);
        let _ = writeln!(out, "| {} | {targets} | {met} |", sheet.title);
    }
    let _ = writeln!(out, "| all | {} | {} |", all.0, all.1);
    out
}

/// Puts the tables between the marks of docs/performance.md.
pub fn write(sheets: &[Sheet], arguments: &Arguments) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md");
    let text = std::fs::read_to_string(&path).expect("docs/performance.md is there");
    let (before, rest) = text.split_once(BEGIN).expect("docs/performance.md has the mark where tables begin");
    let (_, after) = rest.split_once(END).expect("docs/performance.md has the mark where tables end");
    let tables: Vec<String> = sheets.iter().map(Sheet::markdown).collect();
    let text = format!("{before}{BEGIN}\n{}\n{}\n{}{END}{after}", provenance(arguments), summary(sheets), tables.join("\n"));
    std::fs::write(&path, text).expect("docs/performance.md can be written");
    println!("written to docs/performance.md");
}

/// What was measured, on what, and when.
fn provenance(arguments: &Arguments) -> String {
    let commit = output_of("git", &["describe", "--always", "--dirty", "--abbrev=10"]);
    let date = output_of("date", &["-u", "+%Y-%m-%d %H:%M UTC"]);
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    let program = std::env::current_exe().unwrap_or_default();
    let profile = program.parent().and_then(Path::file_name).unwrap_or_default().display();
    let clock = match arguments.clock {
        Clock::Wall => "the time that passes",
        Clock::Processor => "time on processors",
    };
    format!(
        "Commit {commit}, {date}; {cores} cores of {model}, load {load} at the end; profile {profile}, scale {}, {} rounds, {clock}.\n",
        arguments.scale.name(),
        arguments.rounds
    )
}

fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
