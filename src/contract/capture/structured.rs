//! Levels in lines that a machine wrote for machines: JSON and logfmt.

use crate::contract::level::Level;

/// Names under which a structured line says its level.
fn is_level_key(key: &[u8]) -> bool {
    matches!(key, b"level" | b"severity" | b"lvl" | b"levelname" | b"log.level" | b"loglevel" | b"log_level" | b"@l")
}

/// The level of a JSON object: the value of the first such key of the object itself, not of one nested in it. The object may be
/// cut off.
pub(super) fn json_level(line: &[u8]) -> Option<Level> {
    let (mut at, mut depth) = (0, 0_usize);
    while at < line.len() {
        match line[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b'"' => {
                let end = string_end(line, at + 1)?;
                let after = line[end + 1..].trim_ascii_start();
                if depth == 1 && is_level_key(&line[at + 1..end]) && after.first() == Some(&b':') {
                    return json_value_level(after[1..].trim_ascii_start());
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The index of the quote that closes a JSON string.
fn string_end(line: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', line.get(at..)?)?;
        if line[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// A word in quotes, or one of the numbers that pino and bunyan use: 10 trace, 20 debug, 30 info, 40 warn, 50 and more error.
fn json_value_level(value: &[u8]) -> Option<Level> {
    if value.first() == Some(&b'"') {
        let end = string_end(value, 1)?;
        return Level::from_word(std::str::from_utf8(&value[1..end]).ok()?);
    }
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&value[..digits.min(3)]).ok()?.parse::<u16>().ok()?;
    Some(match number {
        10..=19 => Level::Trace,
        20..=29 => Level::Debug,
        30..=39 => Level::Info,
        40..=49 => Level::Warn,
        50..=69 => Level::Error,
        _ => return None,
    })
}

/// True for a word such as `time=12` or `msg="a`: the name of a field, an equals sign.
pub(super) fn is_pair(word: &[u8]) -> bool {
    let name = word.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"._@-".contains(byte)).count();
    name > 0 && word[0] != b'-' && word.get(name) == Some(&b'=')
}

/// The value of `level=` in a line of logfmt; text in quotes is passed over.
pub(super) fn logfmt_level(line: &[u8]) -> Option<Level> {
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        let name = rest.iter().position(|byte| *byte == b'=' || byte.is_ascii_whitespace())?;
        if rest[name] != b'=' {
            rest = &rest[name..];
            continue;
        }
        let value = &rest[name + 1..];
        let (text, length) = if value.first() == Some(&b'"') {
            string_end(value, 1).map(|end| (&value[1..end], end + 1))?
        } else {
            let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
            (&value[..end], end)
        };
        if is_level_key(&rest[..name]) {
            return Level::from_word(std::str::from_utf8(text).ok()?);
        }
        rest = &value[length..];
    }
}
