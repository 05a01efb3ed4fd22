//! A command line as one text, quoted as a shell reads it.

use std::ffi::OsStr;

/// Joins a program and its arguments so that a POSIX shell would read them back. Bytes that are not UTF-8 show as U+FFFD.
///
/// ```
/// use annals::contract::capture::quote_command;
/// assert_eq!(quote_command(["echo", "it's", "a b", ""]), r"echo 'it'\''s' 'a b' ''");
/// ```
pub fn quote_command<T: AsRef<OsStr>>(words: impl IntoIterator<Item = T>) -> String {
    let mut text = String::new();
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        push_quoted(&mut text, &word.as_ref().to_string_lossy());
    }
    text
}

fn push_quoted(text: &mut String, word: &str) {
    // The first word with a `=` would be read as an assignment.
    let is_assignment = text.is_empty() && word.contains('=');
    if !word.is_empty() && !is_assignment && word.chars().all(is_plain) {
        text.push_str(word);
        return;
    }
    text.push('\'');
    text.push_str(&word.replace('\'', r"'\''"));
    text.push('\'');
}

/// Characters that no shell gives a meaning to, anywhere in a word.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "_-./:=,+@%^".contains(c)
}
