//! The README promises what a newcomer sees. Every `console` block of README.md and docs/*.md is typed here, in a folder of
//! its own for each file, and what comes back is compared with what stands there: `[..]` stands for any text within a line, a
//! line `...` for any number of lines.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Typed {
    line: usize,
    command: String,
    expected: Vec<String>,
}

/// The commands of all `console` blocks; a line that begins with `> ` continues a command.
fn typed(text: &str) -> Vec<Typed> {
    let mut found: Vec<Typed> = Vec::new();
    let mut is_inside = false;
    for (at, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            is_inside = line == "```console";
        } else if !is_inside {
        } else if let Some(command) = line.strip_prefix("$ ") {
            found.push(Typed { line: at + 1, command: command.to_owned(), expected: Vec::new() });
        } else if let Some(last) = found.last_mut() {
            match line.strip_prefix("> ") {
                Some(more) if last.expected.is_empty() => last.command = format!("{}\n{more}", last.command),
                _ => last.expected.push(line.to_owned()),
            }
        }
    }
    found
}

/// A line of a table without the width of its columns, which what is left out may change: an instant that ends in a zero is shorter.
fn without_widths(line: &str) -> String {
    if !line.starts_with(['┌', '╞', '│', '├', '└']) {
        return line.to_owned();
    }
    let mut narrow = String::with_capacity(line.len());
    for character in line.chars() {
        if !(matches!(character, ' ' | '─' | '═') && narrow.ends_with(character)) {
            narrow.push(character);
        }
    }
    narrow
}

fn matches_line(expected: &str, seen: &str) -> bool {
    let (expected, seen) = (&without_widths(expected), without_widths(seen));
    let parts = expected.split("[..]").collect::<Vec<_>>();
    let [first, between @ .., last] = &parts[..] else { return seen == *expected };
    let Some(mut rest) = seen.strip_prefix(first) else { return false };
    for part in between {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    // What is left out may hold what comes after it.
    rest.ends_with(last)
}

fn matches(expected: &[String], seen: &[&str]) -> bool {
    match expected.split_first() {
        None => seen.is_empty(),
        Some((line, rest)) if line == "..." => (0..=seen.len()).any(|skipped| matches(rest, &seen[skipped..])),
        Some((line, rest)) => {
            seen.split_first().is_some_and(|(first, others)| matches_line(line, first.trim_end()) && matches(rest, others))
        }
    }
}

#[test]
fn what_a_document_leaves_out_may_be_anything() {
    for (expected, seen, is_right) in [
        ("as it is", "as it is", true),
        ("as it is", "as it was", false),
        ("4,[..],3", "4,233,3dce,3", true),
        ("4,[..],3", "4,233,3dce", false),
        ("[..]", "", true),
        ("t [..] at [..]", "t 3 at 4", true),
        ("t [..] at [..]", "t 3", false),
        ("a [..]b", "a b", true),
        ("ab[..]b", "ab", false),
        ("┌─────┬───┐", "┌────┬───┐", true),
        ("╞═════╪═══╡", "╞═══╪═══╡", true),
        ("│ [..] ┆   │", "│ 2026Z ┆ │", true),
        ("│ [..] ┆   │", "│ 2026Z ┆ m │", false),
        ("┌─────┬───┐", "┌────┬───┬───┐", false),
        ("as  it is", "as it is", false),
    ] {
        assert_eq!(matches_line(expected, seen), is_right, "{expected} {seen}");
    }
}

fn check(document: &Path) -> usize {
    let text = fs::read_to_string(document).expect("a document is UTF-8");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = PathBuf::from(env!("CARGO_BIN_EXE_annals"));
    let beside = program.parent().expect("the program lies in a folder").display().to_string();
    let path = format!("{beside}:{}", env::var("PATH").unwrap_or_default());
    let commands = typed(&text);
    for Typed { line, command, expected } in &commands {
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{command}")])
            .current_dir(&folder)
            .env("PATH", &path)
            .env("NO_COLOR", "1")
            .env_remove("ANNALS_DB")
            .env_remove("ANNALS_RUN")
            .output()
            .expect("sh runs");
        let seen = String::from_utf8_lossy(&output.stdout).into_owned();
        let seen_lines: Vec<&str> = seen.lines().collect();
        assert!(
            matches(expected, &seen_lines),
            "{}:{line}: $ {command}\nthe document says:\n{}\nthe program says:\n{seen}",
            document.display(),
            expected.join("\n"),
        );
    }
    commands.len()
}

#[test]
fn every_command_of_the_readme_prints_what_stands_there() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    assert!(check(&root.join("README.md")) >= 8, "the README shows a tour");
}

#[test]
fn every_command_of_the_docs_prints_what_stands_there() {
    let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs");
    for folder in [docs.clone(), docs.join("reference")] {
        for entry in fs::read_dir(folder).expect("there is a folder of documents") {
            let path = entry.expect("it can be listed").path();
            // One document alone: `DOCUMENT=rules cargo test --test readme`.
            let is_wanted = env::var("DOCUMENT").map_or(true, |wanted| path.file_stem().is_some_and(|stem| *stem == *wanted));
            if is_wanted && path.extension().is_some_and(|extension| extension == "md") {
                check(&path);
            }
        }
    }
}

/// The targets of the relative links of a page, `](target)`, without what stands behind `#`.
fn links(page: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(page).expect("a document is UTF-8");
    let folder = page.parent().expect("a page lies in a folder");
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|target| Path::new(target).extension().is_some_and(|extension| extension == "md"))
        .filter(|target| !target.contains("://"))
        .map(|target| folder.join(target))
        .collect()
}

#[test]
fn the_book_lists_every_page_and_no_link_is_dead() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| panic!("no page at {}", path.display()));
    let contents: Vec<PathBuf> = links(&root.join("docs/README.md")).iter().map(|target| whole(target)).collect();
    let mut pages = vec![root.join("README.md")];
    for folder in ["docs", "docs/reference"] {
        for entry in fs::read_dir(root.join(folder)).expect("there is a folder of documents") {
            let path = entry.expect("it can be listed").path();
            if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    for page in &pages {
        let is_contents = page.ends_with("docs/README.md");
        assert!(is_contents || contents.contains(&whole(page)), "docs/README.md does not list {}", page.display());
        for target in links(page) {
            assert!(target.exists(), "{} links to {}, which is not there", page.display(), target.display());
        }
    }
}

#[test]
fn every_error_code_stands_in_the_table_and_no_other() {
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/reference/errors.md");
    let text = fs::read_to_string(page).expect("there is a page of errors");
    let mut listed: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|row| row.split('`').next()).collect();
    let mut known: Vec<&str> = annals_query::Code::ALL.iter().map(|code| code.name()).collect();
    known.extend(annals::ErrorKind::ALL.iter().map(|kind| kind.code()));
    listed.sort_unstable();
    known.sort_unstable();
    assert_eq!(listed, known);
}

#[test]
fn a_wildcard_matches_within_a_line_and_dots_match_lines() {
    assert!(matches_line("a [..] c", "a b c"));
    assert!(matches_line("[..]", ""));
    assert!(!matches_line("a [..] c", "a b d"));
    assert!(!matches_line("a", "a b"));
    assert!(matches(&["x".into(), "...".into(), "z".into()], &["x", "y", "y", "z"]));
    assert!(!matches(&["x".into(), "...".into(), "z".into()], &["x", "y"]));
}
