//! How the code reads is a promise too. What can be checked of the style is checked here, over every source file, by plain
//! text: each failure names the file, the line and what to do. `cargo test --test tidy` runs in a second.

use std::fs;
use std::path::{Path, PathBuf};

const LINES_PER_FILE: usize = 700;
const LINES_PER_FUNCTION: usize = 70;
const LINES_PER_TABLE_OF_CASES: usize = 100;
const LINES_PER_CONTENTS_PAGE: usize = 60;

/// Layers from the top down: a file may name what stands to the right of it, and nothing to the left.
const LAYERS: [&str; 11] =
    ["cli", "verify", "exchange", "contract", "watch", "connection", "db", "transact", "index", "columns", "store"];

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn name(&self) -> String {
        self.path.strip_prefix(root()).expect("sources lie below the root").display().to_string().replace('\\', "/")
    }

    fn is_test(&self) -> bool {
        self.name().contains("tests/")
    }

    /// All that is compiled with a test: the file itself, or with a `main.rs` the folder.
    fn whole_test(&self) -> String {
        if !self.path.ends_with("main.rs") {
            return self.text.clone();
        }
        let mut paths = Vec::new();
        files(self.path.parent().expect("a file lies in a folder"), "rs", &mut paths);
        paths.iter().map(|path| fs::read_to_string(path).expect("a source can be read")).collect()
    }

    /// Lines with their numbers, up to the unit tests at the end.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("#[cfg(test)]").unwrap_or(self.text.len());
        self.text[..end].lines().enumerate().map(|(at, line)| (at + 1, line))
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a folder of sources can be listed").path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with(".git") {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    files(&root(), "rs", &mut paths);
    assert!(paths.len() > 20, "the search for sources found only {}", paths.len());
    paths.sort();
    paths.into_iter().map(|path| Source { text: fs::read_to_string(&path).expect("a source is UTF-8"), path }).collect()
}

/// Gathers what `fault` says of each file, and fails with all of it.
#[track_caller]
fn check(remedy: &str, fault: impl Fn(&Source) -> Vec<String>) {
    let faults: Vec<String> =
        sources().iter().flat_map(|source| fault(source).into_iter().map(|what| format!("{}{what}", source.name()))).collect();
    assert!(faults.is_empty(), "{remedy}:\n  {}", faults.join("\n  "));
}

/// The lines of code that `is_fault` picks, as `:line: text`.
fn lines(source: &Source, is_fault: impl Fn(&str) -> bool) -> Vec<String> {
    source.code().filter(|(_, line)| is_fault(line)).map(|(at, line)| format!(":{at}: {}", line.trim())).collect()
}

/// The part of a line before a comment or a text that begins with `//`.
fn without_comment(line: &str) -> &str {
    line.split("//").next().unwrap_or(line)
}

#[test]
fn a_file_fits_in_one_reading() {
    check("split the file along its nouns", |source| {
        let count = source.text.lines().count();
        if count > LINES_PER_FILE { vec![format!(": {count} lines, at most {LINES_PER_FILE}")] } else { vec![] }
    });
}

#[test]
fn a_function_fits_on_one_screen() {
    check("give the parts of the function names", |source| {
        let mut faults = Vec::new();
        let mut open: Option<(usize, String, &str)> = None;
        for (at, line) in source.code() {
            let indent = &line[..line.len() - line.trim_start().len()];
            if open.is_none() && begins_function(line) && !line.trim_end().ends_with([';', '}']) {
                open = Some((at, format!("{indent}}}"), line.trim()));
            }
            if let Some((first, end, head)) = &open
                && line.trim_end() == end
            {
                if at - first > if source.is_test() { LINES_PER_TABLE_OF_CASES } else { LINES_PER_FUNCTION } {
                    faults.push(format!(":{first}: {} lines: {head}", at - first));
                }
                open = None;
            }
        }
        faults
    });
}

fn begins_function(line: &str) -> bool {
    let words = line.trim_start().trim_start_matches("pub(super) ").trim_start_matches("pub(crate) ").trim_start_matches("pub ");
    words.trim_start_matches("const ").starts_with("fn ")
}

#[test]
fn a_crate_opens_with_a_contents_page() {
    for lib in ["src/lib.rs", "query/src/lib.rs"] {
        let text = fs::read_to_string(root().join(lib)).expect("the crate has a lib.rs");
        assert!(text.starts_with("//!"), "{lib}: open with a paragraph on what the crate is");
        let count = text.lines().count();
        assert!(count <= LINES_PER_CONTENTS_PAGE, "{lib}: {count} lines; move code into modules, keep the list");
    }
}

#[test]
fn every_file_says_what_it_is() {
    check("open the file with a `//!` paragraph: what it is, or for a test the promise and how it is attacked", |source| {
        if source.text.starts_with("//!") { vec![] } else { vec![String::new()] }
    });
}

#[test]
fn a_module_is_named_for_what_it_holds() {
    check("name the module after the noun inside", |source| {
        let stem = source.path.file_stem().expect("a source has a name").to_string_lossy().into_owned();
        if ["utils", "util", "helpers", "helper", "misc", "types"].contains(&stem.as_str()) {
            vec![String::new()]
        } else {
            vec![]
        }
    });
}

#[test]
fn only_the_store_knows_sqlite() {
    check("ask the store instead", |source| {
        let name = source.name();
        if !name.starts_with("src/") && !name.starts_with("query/src/") || name.starts_with("src/store") {
            return vec![];
        }
        lines(source, |line| without_comment(line).contains("rusqlite"))
    });
}

#[test]
fn the_query_engine_does_no_io_and_reads_no_wall_clock() {
    check("hand it in through Facts, Given or Budget", |source| {
        if !source.name().starts_with("query/src/") {
            return vec![];
        }
        let forbidden =
            ["std::fs", "std::net", "std::io", "std::env", "std::process", "SystemTime", "Timestamp::now", "println!"];
        lines(source, |line| forbidden.iter().any(|word| without_comment(line).contains(word)))
    });
}

#[test]
fn imports_point_down() {
    check("move the code to the layer that may know it, or hand it in", |source| {
        let name = source.name();
        let stands_in = |layer: &&str| name.starts_with(&format!("src/{layer}/")) || name == format!("src/{layer}.rs");
        let Some(layer) = LAYERS.iter().position(stands_in) else { return vec![] };
        lines(source, |line| LAYERS[..layer].iter().any(|above| without_comment(line).contains(&format!("crate::{above}::"))))
    });
}

#[test]
fn nothing_is_left_for_later() {
    let words =
        [["TO", "DO"], ["FIX", "ME"], ["unimpl", "emented!"], ["to", "do!("], ["db", "g!("]].map(|halves| halves.concat());
    check("do it, or take it out", |source| {
        let fault = |(at, line): (usize, &str)| {
            words.iter().any(|word| line.contains(word.as_str())).then(|| format!(":{}: {}", at + 1, line.trim()))
        };
        source.text.lines().enumerate().filter_map(fault).collect()
    });
}

#[test]
fn library_code_never_unwraps() {
    check("return an error, or say why it holds with expect(\"...\")", |source| {
        if source.is_test() || source.name().starts_with("examples/") {
            return vec![];
        }
        lines(source, |line| without_comment(line).contains(".unwrap()"))
    });
}

#[test]
fn lints_are_answered_one_by_one() {
    let blanket = [["#![all", "ow"], ["#[all", "ow("]].map(|halves| halves.concat());
    check("answer the lint where it fires: #[expect(.., reason = \"..\")]", |source| {
        // What several tests share is not used whole by each of them.
        if source.name().contains("tests/common/") {
            return vec![];
        }
        lines(source, |line| blanket.iter().any(|word| line.contains(word.as_str())))
    });
}

#[test]
fn nobody_sees_a_debug_form() {
    check("write the value for people: Display, or EDN", |source| {
        if source.is_test() || source.name().starts_with("examples/") {
            return vec![];
        }
        lines(source, |line| {
            let line = without_comment(line);
            line.contains("{:?}") || line.contains("{:#?}")
        })
    });
}

#[test]
fn errors_are_printed_in_one_place() {
    check("return the error; the command line prints it", |source| {
        let name = source.name();
        if !name.starts_with("src/") || name.starts_with("src/cli") || name == "src/main.rs" {
            return vec![];
        }
        lines(source, |line| without_comment(line).contains("eprintln!") || without_comment(line).contains("process::exit"))
    });
}

#[test]
fn migrations_are_numbered_without_gaps() {
    let mut found = Vec::new();
    files(&root().join("migrations"), "sql", &mut found);
    found.sort();
    assert!(!found.is_empty(), "migrations/ holds the steps of the file format");
    for (at, path) in found.iter().enumerate() {
        let name = path.file_name().expect("a migration has a name").to_string_lossy().into_owned();
        assert!(name.starts_with(&format!("{:04}_", at + 1)), "{name}: the next number is {:04}", at + 1);
    }
}

#[test]
fn a_random_test_can_be_replayed() {
    check("read the seed from SEED and print it when the test fails", |source| {
        let name = source.name();
        let makes_chance = ["wrapping_mul(", "xorshift", "splitmix"].iter().any(|word| source.text.contains(word));
        let is_random = makes_chance && name.contains("tests/");
        if !is_random || name.ends_with("tidy.rs") || source.whole_test().to_lowercase().contains("seed") {
            vec![]
        } else {
            vec![String::new()]
        }
    });
}
