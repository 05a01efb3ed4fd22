//! Other engines from their registries, each in a process of its own, asked the same questions about the same people.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::people::{Person, Question};

/// An engine that has not answered by then is left alone.
const LIMIT_SECONDS: &str = "120";

/// What an engine took for each question, by its name; or why there is nothing.
pub struct Peer {
    /// Its name, with what it runs on.
    pub name: String,
    /// Milliseconds by question.
    pub took: HashMap<String, f64>,
    /// What it found other numbers of rows for, or refused, with its words.
    pub remarks: Vec<String>,
}

/// The program that runs an engine, and what of it comes before the file of questions.
fn command(engine: &str, at: &str) -> (&'static str, Command) {
    let own = |file: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(file);
    let within = |program: &str| {
        let mut command = Command::new("timeout");
        command.args([LIMIT_SECONDS, program]);
        command
    };
    let with = |program: &str, file: &str| {
        let mut command = within(program);
        command.arg(own(file)).arg(at);
        command
    };
    match engine {
        "datascript" => ("DataScript, Node", with("node", "datascript.cjs")),
        "datalevin" => ("Datalevin, Python", with("python3", "datalevin.py")),
        "cozo" => ("Cozo in memory, Python", with("python3", "cozo.py")),
        _ => ("mentatdb", within(at)),
    }
}

/// Installs what can be, and asks it. What cannot be had is told on standard error.
pub fn ask(arguments: &Arguments, people: &[Person], questions: &[&Question], rows: &HashMap<String, usize>) -> Vec<Peer> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed =
        Command::new(root.join("peers/install")).arg(&arguments.engines).args(&arguments.peers).stderr(Stdio::inherit()).output();
    let installed = String::from_utf8_lossy(&installed.expect("the script that installs runs").stdout).into_owned();
    let questions: Vec<Value> = questions
        .iter()
        .map(|question| json!({ "name": question.name, "datalog": question.datalog, "input": question.input }))
        .collect();
    let people: Vec<Value> = people.iter().map(Person::as_json).collect();
    let work = arguments.kept("people.json");
    let text = json!({ "people": people, "questions": questions, "rounds": arguments.rounds }).to_string();
    std::fs::write(&work, text).expect("the file for the engines can be written");
    ["datascript", "datalevin", "cozo", "mentat"]
        .into_iter()
        .map(|engine| {
            let at = installed.lines().find_map(|line| line.strip_prefix(engine)?.strip_prefix(' '));
            let (name, command) = command(engine, at.unwrap_or_default());
            let missing =
                || if arguments.peers.iter().any(|peer| peer == engine) { "it could not be installed" } else { "not asked for" };
            let output = at.map_or_else(|| (String::new(), Some(missing().to_owned())), |_| run(command, &work));
            read(name, output, rows)
        })
        .collect()
}

/// What an engine printed, and what went wrong, if something did.
fn run(mut command: Command, work: &Path) -> (String, Option<String>) {
    let output = match command.arg(work).stderr(Stdio::piped()).output() {
        Ok(output) => output,
        Err(error) => return (String::new(), Some(error.to_string())),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let reason = match output.status.code() {
        Some(0) => None,
        Some(124) => Some(format!("it did not answer everything within {LIMIT_SECONDS} seconds")),
        _ => Some(said.lines().last().unwrap_or("it ended early").to_owned()),
    };
    (String::from_utf8_lossy(&output.stdout).into_owned(), reason)
}

fn read(name: &str, (lines, reason): (String, Option<String>), rows: &HashMap<String, usize>) -> Peer {
    let mut peer = Peer { name: name.to_owned(), took: HashMap::new(), remarks: Vec::new() };
    for line in lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let question = line["name"].as_str().unwrap_or_default().to_owned();
        match (line["ms"].as_f64(), line["rows"].as_u64()) {
            (Some(ms), Some(found)) if rows.get(&question).is_none_or(|rows| *rows as u64 == found) => {
                peer.took.insert(question, ms);
            }
            (Some(_), Some(found)) => peer.remarks.push(format!("{name}, {question}: finds {found} rows, so it has no figure")),
            _ => peer.remarks.push(format!("{name}, {question}: {}", line["error"])),
        }
    }
    let what = if peer.took.is_empty() { "not measured" } else { "not measured any further" };
    peer.remarks.extend(reason.map(|reason| format!("{name}: {what}: {reason}")));
    peer
}
