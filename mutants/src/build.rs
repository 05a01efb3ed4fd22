//! A copy of the project with all changes woven in, compiled once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::change::Change;
use crate::weave::{Woven, weave};

/// The module that decides which change is made, as it is added to the engine, the lowest crate.
const SWITCH: &str = include_str!("switch.rs");

/// After so many rounds of leaving out what does not compile, the rest is no fault of a change.
const LIMIT_ROUNDS: usize = 30;

/// The copy.
pub struct Build {
    root: PathBuf,
    target: PathBuf,
    package: String,
    /// Changes that do not compile.
    pub unviable: BTreeSet<usize>,
    /// Changes that cannot be woven in.
    pub left_out: BTreeSet<usize>,
}

/// A compiled test file.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Where it is to be started.
    pub folder: PathBuf,
}

fn text_of<T>(what: &str, result: std::io::Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("{what}: {error}"))
}

/// Writes a file unless it holds this already, so that what did not change is not compiled again.
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if fs::read(path).is_ok_and(|held| held == bytes) {
        return Ok(());
    }
    let folder = path.parent().expect("files lie in folders");
    text_of("a folder", fs::create_dir_all(folder))?;
    text_of(&path.display().to_string(), fs::write(path, bytes))
}

impl Build {
    /// Copies the project at `from` into `work`, weaves the changes in, and leaves out what does not compile in this package.
    pub fn new(from: &Path, work: &Path, changes: &[Change], package: &str) -> Result<Self, String> {
        let mut build = Self {
            root: work.join("tree"),
            // Beside `work`, so that what the packages share is compiled once.
            target: work.with_file_name("build"),
            package: package.to_owned(),
            unviable: BTreeSet::new(),
            left_out: BTreeSet::new(),
        };
        let listed = Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(from).output();
        let listed = text_of("git ls-files", listed)?;
        let woven_files: BTreeSet<&str> = changes.iter().map(|change| change.file.as_str()).collect();
        let lib = "query/src/lib.rs";
        for name in String::from_utf8_lossy(&listed.stdout).lines() {
            if woven_files.contains(name) || name == lib || !from.join(name).is_file() {
                continue;
            }
            write(&build.root.join(name), &text_of(name, fs::read(from.join(name)))?)?;
        }
        let contents = text_of(lib, fs::read_to_string(from.join(lib)))?;
        write(&build.root.join(lib), format!("{contents}\n#[doc(hidden)]\npub mod mutation;\n").as_bytes())?;
        write(&build.root.join("query/src/mutation.rs"), SWITCH.as_bytes())?;
        build.mend(from, changes)?;
        Ok(build)
    }

    /// Leaves out what does not compile, or what did not when the same changes were woven in before.
    fn mend(&mut self, from: &Path, changes: &[Change]) -> Result<(), String> {
        let known = self.root.with_file_name("unviable.txt");
        let all: String = changes.iter().map(|change| format!("{}\n", change.name)).collect();
        let held = fs::read_to_string(&known).unwrap_or_default();
        if let Some((ids, same)) = held.split_once('\n')
            && same == all
        {
            self.unviable = ids.split(' ').filter_map(|id| id.parse().ok()).collect();
        }
        self.leave_out(from, changes, |ids| {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            write(&known, format!("{}\n{all}", ids.join(" ")).as_bytes())
        })
    }

    fn leave_out(
        &mut self,
        from: &Path,
        changes: &[Change],
        remember: impl Fn(&BTreeSet<usize>) -> Result<(), String>,
    ) -> Result<(), String> {
        for round in 1..=LIMIT_ROUNDS {
            let woven = self.weave(from, changes)?;
            let faults = self.check()?;
            if faults.is_empty() {
                return Ok(());
            }
            let before = self.unviable.len();
            for fault in &faults {
                self.unviable.extend(fault.blame(&woven));
            }
            remember(&self.unviable)?;
            println!("round {round}: {} errors, {} changes do not compile", faults.len(), self.unviable.len());
            if self.unviable.len() == before {
                let shown: Vec<&str> = faults.iter().take(5).map(|fault| fault.text.as_str()).collect();
                return Err(format!("these errors are no change's fault:\n{}", shown.join("\n")));
            }
        }
        Err(format!("it does not compile after {LIMIT_ROUNDS} rounds"))
    }

    fn weave(&mut self, from: &Path, changes: &[Change]) -> Result<BTreeMap<String, Woven>, String> {
        let mut files: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
        for change in changes {
            let of_file = files.entry(&change.file).or_default();
            if !self.unviable.contains(&change.id) {
                of_file.push(change);
            }
        }
        let mut all = BTreeMap::new();
        for (name, changes) in files {
            let source = text_of(name, fs::read_to_string(from.join(name)))?;
            let path = if name.starts_with("query/") { "crate::mutation" } else { "annals_query::mutation" };
            let woven = weave(&source, &changes, path).map_err(|error| format!("{name}: {error}"))?;
            write(&self.root.join(name), woven.text.as_bytes())?;
            self.left_out.extend(&woven.left_out);
            all.insert(name.to_owned(), woven);
        }
        Ok(all)
    }

    fn cargo(&self, arguments: &[&str]) -> Result<Vec<Json>, String> {
        let mut command = Command::new("cargo");
        command.args(arguments).arg("--message-format=json").current_dir(&self.root).stderr(Stdio::null());
        command
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "2")
            .env("CARGO_PROFILE_DEV_DEBUG", "false");
        let output = text_of("cargo", command.output())?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    fn check(&self) -> Result<Vec<Fault>, String> {
        let messages = self.cargo(&["check", "-p", &self.package, "--lib"])?;
        let errors = messages.iter().filter(|message| message.pointer("/message/level").is_some_and(|level| level == "error"));
        Ok(errors.filter_map(Fault::read).collect())
    }

    /// Compiles test files of a package; `lib` are the tests in its own files.
    pub fn suites(&self, names: &[&str]) -> Result<Vec<Suite>, String> {
        let mut arguments = vec!["test", "--no-run", "-p", &self.package];
        for name in names {
            if *name == "lib" { arguments.push("--lib") } else { arguments.extend(["--test", name]) }
        }
        let messages = self.cargo(&arguments)?;
        let errors = messages.iter().find(|message| message.pointer("/message/level").is_some_and(|level| level == "error"));
        if let Some(text) = errors.and_then(|message| message.pointer("/message/rendered")) {
            return Err(format!("the tests do not compile: {text}"));
        }
        let folder = if self.package == "annals-query" { self.root.join("query") } else { self.root.clone() };
        let suite = |message: &Json| {
            let program = message.get("executable").and_then(Json::as_str)?;
            let is_lib = message.pointer("/target/kind/0").is_some_and(|kind| kind == "lib");
            let name = if is_lib { "lib" } else { message.pointer("/target/name").and_then(Json::as_str)? };
            names.contains(&name).then(|| Suite { name: name.to_owned(), program: program.into(), folder: folder.clone() })
        };
        Ok(messages.iter().filter_map(suite).collect())
    }
}

/// An error of the compiler.
struct Fault {
    text: String,
    spans: Vec<(String, usize, usize)>,
}

impl Fault {
    fn read(message: &Json) -> Option<Self> {
        let spans = message.pointer("/message/spans").and_then(Json::as_array)?;
        if spans.is_empty() {
            return None;
        }
        let number = |span: &Json, name: &str| span.get(name).and_then(Json::as_u64).map(|number| number as usize);
        let root = |message: &Json| {
            let of_query = message.pointer("/target/name").is_some_and(|name| name == "annals_query");
            if of_query
                && message
                    .pointer("/message/spans/0/file_name")
                    .is_some_and(|name| name.as_str().is_some_and(|name| name.starts_with("src/")))
            {
                "query/"
            } else {
                ""
            }
        };
        let prefix = root(message);
        let place = |span: &Json| {
            let file = span.get("file_name").and_then(Json::as_str)?;
            Some((format!("{prefix}{file}"), number(span, "byte_start")?, number(span, "byte_end")?))
        };
        // The place that the error points at first, then those that it mentions.
        let mut sorted: Vec<&Json> = spans.iter().collect();
        sorted.sort_by_key(|span| span.get("is_primary") != Some(&Json::Bool(true)));
        let text = message.pointer("/message/rendered").and_then(Json::as_str).unwrap_or_default().to_owned();
        Some(Self { text, spans: sorted.into_iter().filter_map(place).collect() })
    }

    /// The changes that an error stands in, or else all changes of the innermost expression around it.
    fn blame(&self, woven: &BTreeMap<String, Woven>) -> Vec<usize> {
        for (file, start, end) in &self.spans {
            let Some(woven) = woven.get(file) else { continue };
            let inside = woven.ranges.iter().filter(|(_, range)| range.start <= *start && *end <= range.end);
            if let Some((id, _)) = inside.min_by_key(|(_, range)| range.len()) {
                return vec![*id];
            }
        }
        for (file, start, end) in &self.spans {
            let Some(woven) = woven.get(file) else { continue };
            let around = woven.nodes.iter().filter(|(_, range)| range.start <= *start && *end <= range.end);
            if let Some((ids, _)) = around.min_by_key(|(_, range)| range.len()) {
                return ids.clone();
            }
            let within = woven.ranges.iter().filter(|(_, range)| *start <= range.start && range.end <= *end);
            let ids: Vec<usize> = within.map(|(id, _)| *id).collect();
            if !ids.is_empty() {
                return ids;
            }
        }
        let (file, _, end) = &self.spans[0];
        woven.get(file).map(|woven| woven.arms_after(*end)).unwrap_or_default()
    }
}
