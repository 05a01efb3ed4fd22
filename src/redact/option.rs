//! Secrets in options of well-known programs whose names do not say so: `mysql -pSECRET`, `curl -u user:SECRET`.

use memchr::memmem;

use super::assigned;
use super::scan::Secret;
use super::value::{self, is_placeholder};

/// Bytes of a command that are looked through for its options.
const LIMIT_COMMAND_BYTES: usize = 2_048;

/// How an option is followed by its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `-pSECRET`.
    Joined,
    /// `-p SECRET` or `-pSECRET`.
    Either,
    /// `-u user:SECRET`.
    BehindColon,
}

/// Programs, their options, and where the secret stands.
const OPTIONS: &[(&str, &str, Form)] = &[
    ("mysql", "-p", Form::Joined),
    ("mariadb", "-p", Form::Joined),
    ("sshpass", "-p", Form::Either),
    ("docker login", "-p", Form::Either),
    ("podman login", "-p", Form::Either),
    ("redis-cli", "-a", Form::Either),
    ("curl", "-u", Form::BehindColon),
    ("curl", "--user", Form::BehindColon),
    ("curl", "--proxy-user", Form::BehindColon),
    ("wget", "--user", Form::BehindColon),
];

/// The names of the programs.
pub(super) fn programs() -> impl Iterator<Item = &'static str> {
    ["mysql", "mariadb", "sshpass", "docker login", "podman login", "redis-cli", "curl"].into_iter()
}

/// The secret behind an option of the program whose name stands at `at`.
pub(super) fn in_line(text: &[u8], at: usize) -> Option<Secret> {
    for (program, option, form) in OPTIONS {
        if !text[at..].starts_with(program.as_bytes()) {
            continue;
        }
        let mut from = at + program.len();
        let bound = text.len().min(from + LIMIT_COMMAND_BYTES);
        let bound = memmem::find(&text[from..bound], program.as_bytes()).map_or(bound, |length| from + length);
        while let Some(found) = memmem::find(&text[from..bound.max(from)], option.as_bytes()) {
            let start = from + found;
            from = start + option.len();
            if text[start - 1] == b' '
                && let Some((start, end)) = secret_at(text, from, *form)
            {
                return Some(Secret { start, end, kind: "password", rank: 1 });
            }
        }
    }
    None
}

fn secret_at(text: &[u8], at: usize, form: Form) -> Option<(usize, usize)> {
    let is_apart = matches!(text.get(at), None | Some(b' ' | b'='));
    if is_apart && form == Form::Joined {
        return None;
    }
    let place = value::place(text, value::skip_blanks(text, at + usize::from(text.get(at) == Some(&b'='))), true);
    let start = match form {
        Form::BehindColon => place.start + text[place.start..place.end].iter().position(|byte| *byte == b':')? + 1,
        Form::Joined | Form::Either => place.start,
    };
    let secret = &text[start..place.end];
    let is_option = secret.starts_with(b"-");
    (!secret.is_empty() && !is_option && !is_placeholder(secret)).then_some((start, place.end))
}

/// The secret in a word of a command line, by the word before it. It reaches to the end of the word.
pub(super) fn in_words(program: &str, before: &str, word: &str) -> Option<Secret> {
    if word.is_empty() || is_placeholder(word.as_bytes()) {
        return None;
    }
    if before.starts_with('-') && !before.contains('=') && !word.starts_with('-') {
        let name = before.trim_start_matches('-');
        if let Some(kind) = assigned::kind_of_named(name, word) {
            return Some(Secret { start: 0, end: word.len(), kind, rank: 1 });
        }
    }
    let file = program.rsplit('/').next().unwrap_or_default();
    for (known, option, form) in OPTIONS {
        if !file.starts_with(known.split(' ').next().unwrap_or_default()) {
            continue;
        }
        let start = match form {
            Form::Joined | Form::Either if word.starts_with(option) && !word.starts_with("--") => option.len(),
            Form::Either if before == *option => 0,
            Form::BehindColon if before == *option => word.find(':')? + 1,
            _ => continue,
        };
        if start < word.len() {
            return Some(Secret { start, end: word.len(), kind: "password", rank: 1 });
        }
    }
    None
}
