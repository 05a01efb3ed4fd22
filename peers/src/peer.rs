//! Another engine, as a process that reads a question a line and writes an answer a line.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use annals::query::edn;
use serde_json::{Value as Json, json};

use crate::dialect::Dialect;
use crate::plain::{Plain, Reading};
use crate::random::{Program, View, Width, World};

/// How long an engine may think about one question.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long it may take to start and to take in a world; a virtual machine that loads much starts slowly.
const PATIENCE_AT_START: Duration = Duration::from_secs(900);

/// How long it may think where it is known for not coming to an end; it takes a few milliseconds where it does.
const PATIENCE_WITH_LEFT_RECURSION: Duration = Duration::from_millis(1500);

/// What an engine said to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// An answer.
    Answer(Plain),
    /// An error's text.
    Refused(String),
    /// Nothing within its time.
    Nothing,
}

impl fmt::Display for Said {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(answer) => write!(formatter, "{answer}"),
            Self::Refused(error) => write!(formatter, "refused: {}", error.lines().next().unwrap_or_default()),
            Self::Nothing => formatter.write_str("no answer in time"),
        }
    }
}

/// Another engine.
pub struct Peer {
    /// Its name.
    pub name: &'static str,
    /// What it understands.
    pub width: Width,
    dialect: Dialect,
    command: Vec<String>,
    process: Option<Process>,
    world: Option<Json>,
}

struct Process {
    child: Child,
    input: ChildStdin,
    output: Receiver<String>,
}

impl Process {
    fn start(command: &[String]) -> std::io::Result<Self> {
        let mut child = Command::new(&command[0]).args(&command[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().expect("the input is a pipe");
        let lines = BufReader::new(child.stdout.take().expect("the output is a pipe")).lines();
        let (sender, output) = channel();
        thread::spawn(move || lines.map_while(Result::ok).take_while(|line| sender.send(line.clone()).is_ok()).count());
        Ok(Self { child, input, output })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be deep in a question; nothing of it is needed any more, and it may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An engine by its name, installed in a folder.
pub fn installed(name: &str, folder: &str) -> Result<Peer, String> {
    let text = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
    let nbb = format!("{folder}/node_modules/.bin/nbb-logseq");
    match name {
        "datascript" => Ok(Peer::new("datascript", Dialect::JavaScript, text(&["node", "datascript.cjs", folder]))),
        "corium" => {
            let mut peer = Peer::new("corium", Dialect::Corium, text(&[&format!("{folder}/debug/corium-peer-process")]));
            peer.width = Width { transactions: 4, is_typed: true };
            Ok(peer)
        }
        "datalevin" => {
            let mut peer = Peer::new("datalevin", Dialect::TypedEdn, text(&["python3", "datalevin.py", folder]));
            peer.width.is_typed = true;
            Ok(peer)
        }
        "nbb" => Ok(Peer::new("nbb", Dialect::Edn, text(&[&nbb, "datascript.cljs"]))),
        _ => Err(format!("no engine is called {name}")),
    }
}

impl Peer {
    fn new(name: &'static str, dialect: Dialect, command: Vec<String>) -> Self {
        let width = Width { transactions: 1, is_typed: false };
        Self { name, width, dialect, command, process: None, world: None }
    }

    /// How its answers to a program are read.
    pub fn reading(&self, program: &Program) -> Reading {
        let is_json = self.dialect == Dialect::JavaScript;
        Reading { is_without_keywords: is_json, is_without_sets: is_json && program.has("distinct") }
    }

    /// Tells it the facts of a world; an error says why it did not take them.
    pub fn enter(&mut self, world: &World) -> Result<(), String> {
        let transactions: Vec<Json> = world.transactions.iter().map(|data| self.dialect.data(data)).collect();
        let line = json!({"world": {"schema": self.dialect.schema(), "transactions": transactions}});
        self.world = Some(line.clone());
        match self.exchange(&line, PATIENCE_AT_START) {
            Some(reply) if reply.get("error").is_none() => Ok(()),
            reply => Err(format!("{} does not take the world {line}: {}", self.name, reply.unwrap_or(Json::Null))),
        }
    }

    /// Asks it.
    pub fn ask(&mut self, program: &Program) -> Said {
        let mut line = if let Some((pattern, entity)) = &program.pull {
            json!({"pull": self.dialect.write(pattern), "entity": self.dialect.data(entity)})
        } else {
            let rules = (!program.rules.is_empty()).then(|| self.dialect.write(&program.rules_text()));
            let inputs: Vec<Json> = program.inputs.iter().map(|(_, given)| self.dialect.data(given)).collect();
            json!({"query": self.dialect.write(&program.query()), "rules": rules, "inputs": inputs})
        };
        match program.view {
            View::Now => {}
            View::AsOf(t) => line["view"] = json!({"as-of": t}),
            View::Since(t) => line["view"] = json!({"since": t}),
            View::History => line["view"] = json!({"history": true}),
        }
        let is_short =
            (self.name == "corium" && !program.rules.is_empty()) || program.has("left-recursion") || program.written.is_some();
        // Datalevin always comes to an end, but its virtual machine may need a while for the first question of a kind.
        let patience = if is_short && self.name != "datalevin" { PATIENCE_WITH_LEFT_RECURSION } else { PATIENCE };
        let Some(reply) = self.exchange(&line, patience) else { return Said::Nothing };
        self.read(program, &reply)
    }

    fn read(&self, program: &Program, reply: &Json) -> Said {
        if let Some(error) = reply.get("error") {
            return Said::Refused(error.as_str().unwrap_or_default().to_owned());
        }
        let (reading, is_pulled) = (self.reading(program), program.pull.is_some());
        let answer = match reply.get("edn").and_then(Json::as_str) {
            Some(text) => match edn::read(text) {
                Ok(value) => Plain::of_value(&value, reading, is_pulled),
                Err(error) => return Said::Refused(format!("unreadable answer {text}: {error}")),
            },
            None => Plain::of_json(reply.get("json").unwrap_or(&Json::Null), reading, is_pulled),
        };
        Said::Answer(if is_pulled { answer } else { answer.of_shape(program.shape) })
    }

    /// One line there and one back; a process that stays silent is ended, and the next question finds a new one in the same
    /// world.
    fn exchange(&mut self, line: &Json, patience: Duration) -> Option<Json> {
        if self.process.is_none() {
            self.process = Process::start(&self.command).ok();
            if let (Some(world), false) = (self.world.clone(), line.get("world").is_some()) {
                self.exchange(&world, PATIENCE_AT_START)?;
            }
        }
        let process = self.process.as_mut()?;
        let sent = writeln!(process.input, "{line}").and_then(|()| process.input.flush());
        let reply = sent.ok().and_then(|()| process.output.recv_timeout(patience).ok());
        let reply = reply.and_then(|text| serde_json::from_str(&text).ok());
        if reply.is_none() {
            self.process = None;
        }
        reply
    }
}
