//! What is given to a name that means a secret: `DB_PASSWORD=..`, `"apiKey": ".."`, `--token ..`, `Authorization: Bearer ..`.

use super::name::{self, Meaning, Sort};
use super::random::{is_dense, is_hex, is_random};
use super::scan::Secret;
use super::value::{self, Place, is_placeholder, quote_length, skip_blanks};

/// What stands between a name and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// `=`, `:=`, `=>`, without blanks around it.
    Equals,
    /// The same with blanks.
    EqualsApart,
    /// `:`.
    Colon,
    /// A blank behind an option: `--password x`.
    Option,
    /// A blank before a quoted value, or a word of its own form such as `<password>` has.
    Beside,
}

/// Bytes between `login` and `password` in a line of `.netrc`.
const LIMIT_LOGIN_BYTES: usize = 64;

/// Schemes of the header `Authorization`.
const SCHEMES: [&str; 9] = ["bearer", "basic", "token", "apikey", "bot", "oauth", "negotiate", "ntlm", "key"];

/// Words of sentences: a quoted text with one of them is no passphrase.
const SENTENCE: [&str; 16] = [
    "must", "is", "the", "not", "be", "cannot", "required", "invalid", "please", "enter", "your", "should", "was", "for", "with",
    "are",
];

/// What the name around the word at `start..end` is given, if that is a secret. A cookie's values are
/// added to `found`, and looked at once: `next` moves behind them.
pub(super) fn secrets(text: &[u8], start: usize, end: usize, found: &mut Vec<Secret>, next: &mut usize) -> Option<Secret> {
    let (from, to) = name::around(text, start, end);
    let (sign, at) = sign(text, from, to)?;
    let meaning = name::meaning(&text[from..to])?;
    match meaning.sort {
        Sort::Header => return header(text, at),
        Sort::Cookies => {
            *next = (*next).max(cookies(text, at, found));
            return None;
        }
        Sort::Strong | Sort::Weak => {}
    }
    let place = value::place(text, at, sign == Sign::Equals && begins_line(text, from));
    if meaning.kind == "credential" && text[place.start..place.end].eq_ignore_ascii_case(b"basic") {
        return header(text, at);
    }
    let is_secret = is_secret(text, meaning, sign, from, place);
    is_secret.then_some(Secret { start: place.start, end: place.end, kind: meaning.kind, rank: 1 })
}

/// What a value is if its name says that it is a secret.
pub(super) fn kind_of_named(name: &str, value: &str) -> Option<&'static str> {
    let meaning = name::meaning(name.as_bytes())?;
    if is_placeholder(value.as_bytes()) {
        return None;
    }
    let is_secret = match meaning.sort {
        Sort::Strong => !is_place(value.as_bytes()),
        Sort::Header => true,
        Sort::Weak => meaning.kind != "key" && value.len() >= 6 || is_drawn(meaning.kind, value.as_bytes(), Sign::Equals),
        Sort::Cookies => is_random(value.as_bytes(), 8),
    };
    is_secret.then_some(meaning.kind)
}

/// The token behind the word `Bearer`, which ends at `end`.
pub(super) fn bearer(text: &[u8], end: usize) -> Option<Secret> {
    let start = match &text[end..] {
        [b' ', ..] => skip_blanks(text, end),
        rest if rest.starts_with(b"%20") => end + 3,
        _ => return None,
    };
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"._~+/-".contains(byte);
    let length = text[start..].iter().take_while(|byte| is_part(byte)).count();
    let padding = text[start + length..].iter().take_while(|byte| **byte == b'=').count();
    if padding > 0 && text.get(start + length + padding).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let length = length + padding;
    let token = &text[start..start + length];
    let is_token = length >= 12 && (token.iter().any(u8::is_ascii_digit) || is_dense(token));
    is_token.then_some(Secret { start, end: start + length, kind: "token", rank: 1 })
}

/// What parts the name at `from..to` from its value, and where the value begins.
fn sign(text: &[u8], from: usize, to: usize) -> Option<(Sign, usize)> {
    let quote = quote_length(&text[to..]);
    let mut at = to + quote;
    at += usize::from(text.get(at) == Some(&b']'));
    let behind_blanks = skip_blanks(text, at);
    let is_apart = behind_blanks > at;
    let rest = &text[behind_blanks..];
    let equals = if is_apart || rest.get(1) == Some(&b' ') { Sign::EqualsApart } else { Sign::Equals };
    let (sign, length) = match rest {
        [b'=', b'=', ..] | [b':', b':', ..] => return None,
        [b'=', b'>', ..] | [b':', b'=', ..] => (Sign::Equals, 2),
        [b'=', ..] => (equals, 1),
        [b':', ..] => (Sign::Colon, 1),
        [b'%', b'3', b'D' | b'd', ..] => (Sign::Equals, 3),
        [b'%', b'3', b'A' | b'a', ..] => (Sign::Colon, 3),
        rest if rest.starts_with(b"\\u003d") => (Sign::Equals, 6),
        [b'>', ..] if from > 0 && text[from - 1] == b'<' => (Sign::Beside, 1),
        _ if quote > 0 => return named_value(text, behind_blanks).map(|at| (Sign::Beside, at)),
        _ if is_apart && text[from] == b'-' => (Sign::Option, 0),
        _ if is_apart && quote_length(rest) > 0 => (Sign::Beside, 0),
        _ if is_apart && memchr::memmem::find(&text[from.saturating_sub(LIMIT_LOGIN_BYTES)..from], b"login ").is_some() => {
            (Sign::Beside, 0)
        }
        // `aws configure set aws_secret_access_key wJalr..`
        _ if is_apart && is_random(first_word(rest), 20) && !is_hex(first_word(rest)) => (Sign::Beside, 0),
        _ => return None,
    };
    Some((sign, skip_blanks(text, behind_blanks + length)))
}

/// The word that begins here, as far as a secret goes.
fn first_word(text: &[u8]) -> &[u8] {
    let end = text.iter().take(256).position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')));
    &text[..end.unwrap_or(text.len().min(256))]
}

/// `"name": "DB_PASSWORD", "value": ".."`: where the value begins, if the name just ended.
fn named_value(text: &[u8], at: usize) -> Option<usize> {
    let at = skip_blanks(text, at + usize::from(text.get(at) == Some(&b',')));
    let at = at + quote_length(&text[at..]);
    let word = text.get(at..at + 5)?;
    if !word.eq_ignore_ascii_case(b"value") {
        return None;
    }
    let at = at + 5;
    let at = skip_blanks(text, at + quote_length(&text[at..]));
    matches!(text.get(at), Some(b':' | b'=')).then(|| skip_blanks(text, at + 1))
}

/// True if nothing stands before the name but what comes before assignments: `export`, `set`, `ENV`, marks of lists and prompts.
fn begins_line(text: &[u8], from: usize) -> bool {
    let before = text[..from].trim_ascii();
    before.len() <= 8
        && before.split(u8::is_ascii_whitespace).all(|word| {
            matches!(
                word,
                b"" | b"export"
                    | b"set"
                    | b"ENV"
                    | b"ARG"
                    | b"env"
                    | b"setenv"
                    | b"declare"
                    | b"-x"
                    | b"+"
                    | b"-"
                    | b"-e"
                    | b"$"
                    | b">"
                    | b"++"
                    | b"*"
            )
        })
}

fn is_secret(text: &[u8], meaning: Meaning, sign: Sign, from: usize, place: Place) -> bool {
    let value = &text[place.start..place.end];
    if is_placeholder(value) || is_place(value) {
        return false;
    }
    if !place.is_quoted && is_code(value, text.get(place.end).copied(), sign) {
        return false;
    }
    match meaning.sort {
        Sort::Weak => {
            let sign = if place.is_quoted && sign == Sign::Colon { Sign::Equals } else { sign };
            sign != Sign::Beside && is_drawn(meaning.kind, value, sign)
        }
        _ if place.is_quoted => value.len() >= 3 && (matches!(sign, Sign::Equals | Sign::Option) || !is_sentence(value)),
        _ => is_plausible(text, meaning, sign, from, place),
    }
}

/// An unquoted value of a name that surely means a secret.
fn is_plausible(text: &[u8], meaning: Meaning, sign: Sign, from: usize, place: Place) -> bool {
    let value = &text[place.start..place.end];
    let is_number = value.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    if is_number {
        return meaning.kind == "password" && value.len() >= 4;
    }
    let is_word = value.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b'.' | b'!' | b'?'));
    let is_last = super::shape::reaches_end(text, place.end);
    match sign {
        Sign::Equals => value.len() >= 2,
        Sign::Option if is_word => value.len() >= 4 && (is_last || text[place.end..].starts_with(b" -")),
        Sign::Colon | Sign::EqualsApart if is_word => {
            let is_alone = text[..from]
                .iter()
                .all(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'-' | b'#' | b'+' | b'|'));
            if value.len() >= 8 && is_last && value.iter().any(|byte| matches!(byte, b'-' | b'!' | b'?')) {
                return true;
            }
            value.len() >= 4 && is_last && is_alone && !value.iter().any(u8::is_ascii_uppercase)
        }
        Sign::Beside if is_word => value.len() >= 4,
        _ => value.len() >= 4,
    }
}

/// True for the value of a name that may mean a secret, if it looks drawn by chance.
fn is_drawn(kind: &str, value: &[u8], sign: Sign) -> bool {
    let is_address =
        value.starts_with(b"http") || value.contains(&b'(') || value.windows(2).any(|pair| pair == b"::" || pair == b"//");
    let is_text = value.iter().any(u8::is_ascii_whitespace);
    let dot = value.iter().rposition(|byte| *byte == b'.');
    let is_file = dot.is_some_and(|dot| value.len() - dot <= 5 && value[dot + 1..].iter().all(u8::is_ascii_alphabetic));
    if is_address || is_text || is_file {
        return false;
    }
    let is_sum = is_hex(value) || value.starts_with(b"sha256") || value.starts_with(b"sha512") || value.starts_with(b"md5");
    match kind {
        "key" => {
            let parts = value.iter().filter(|byte| matches!(byte, b'-' | b'.' | b':' | b'_')).count();
            !is_sum && parts < 2 && ((value.len() >= 16 && is_dense(value)) || (value.len() >= 32 && is_random(value, 32)))
        }
        "session" => !is_sum && value.len() >= 12 && is_random(value, 12) && (is_dense(value) || value.len() >= 20),
        "signature" => value.len() >= 20 && (is_hex(value) && value.len() >= 40 || is_dense(value)),
        "credential" if is_login(value) => true,
        _ if is_hex(value) => value.len() >= 20 && !value.contains(&b'-') && is_random(value, 20),
        _ => is_dense(value) && value.len() >= 8 || is_random(value, if sign == Sign::Colon { 12 } else { 8 }),
    }
}

/// True for `user:password` in base64, as headers and the configuration of registries have it.
fn is_login(value: &[u8]) -> bool {
    use base64::Engine as _;
    let Ok(text) = base64::engine::general_purpose::STANDARD.decode(value) else { return false };
    text.contains(&b':') && text.len() >= 5 && text.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// True for paths of files.
fn is_place(value: &[u8]) -> bool {
    let begins = [&b"/"[..], b"./", b"../", b"~/", b"file:", b"http://", b"https://", b"arn:", b"vault:", b"op://"];
    let is_drive = matches!(value, [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    let is_dense_slash = value.first() == Some(&b'/') && value.len() >= 30 && is_dense(value) && !value.contains(&b'.');
    (is_drive || begins.iter().any(|begin| value.starts_with(begin))) && !is_dense_slash
}

/// True for expressions: a call, an element, a path of names.
fn is_code(value: &[u8], next: Option<u8>, sign: Sign) -> bool {
    if value.iter().any(|byte| matches!(byte, b'(' | b'[' | b'{')) && sign != Sign::Equals || value.ends_with(b"(") {
        return true;
    }
    if value.windows(2).any(|pair| pair == b"::" || pair == b"->") {
        return true;
    }
    let is_name = value.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b'?' | b'!'));
    if !is_name {
        // `get_password(..)`: the call's bracket is part of what was read.
        let call = value.iter().position(|byte| matches!(byte, b'(' | b'['));
        return call.is_some_and(|call| {
            call > 2 && value[..call].iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.'))
        });
    }
    let names_itself = name::meaning(value).is_some();
    let is_member = value.contains(&b'.') && names_itself;
    is_member || (names_itself && (sign == Sign::EqualsApart || matches!(next, Some(b',' | b')' | b';' | b'}'))))
}

fn is_sentence(value: &[u8]) -> bool {
    let mut words = value.split(|byte| *byte == b' ');
    value.contains(&b' ') && words.any(|word| SENTENCE.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word)))
}

/// The secret of a header `Authorization`, whose value begins at `at`.
fn header(text: &[u8], at: usize) -> Option<Secret> {
    let at = at + quote_length(&text[at..]);
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b',' | b'\\' | b'<' | b'`');
    let word = |from: usize| from + text[from..].iter().position(&is_end).unwrap_or(text.len() - from);
    let first = word(at);
    let is_scheme = SCHEMES.iter().any(|scheme| scheme.as_bytes().eq_ignore_ascii_case(&text[at..first]));
    let (start, end) = if is_scheme {
        let start = skip_blanks(text, first);
        (start, word(start))
    } else {
        (at, first)
    };
    let secret = &text[start..end];
    let is_one = !is_placeholder(secret) && if is_scheme { secret.len() >= 4 } else { is_random(secret, 8) || is_dense(secret) };
    is_one.then_some(Secret { start, end, kind: "credential", rank: 1 })
}

/// The values of a header `Cookie` or `Set-Cookie` that look drawn by chance; gives where they end.
fn cookies(text: &[u8], at: usize, found: &mut Vec<Secret>) -> usize {
    let mut at = at + quote_length(&text[at..]);
    while at < text.len() && !matches!(text[at], b'"' | b'\'') {
        let end = at + text[at..].iter().position(|byte| matches!(byte, b';' | b'"' | b'\'')).unwrap_or(text.len() - at);
        if let Some(equals) = text[at..end].iter().position(|byte| *byte == b'=') {
            let start = at + equals + 1;
            let end = start + text[start..end].trim_ascii_end().len();
            if is_random(&text[start..end], 8) && !text[start..end].contains(&b' ') && !is_placeholder(&text[start..end]) {
                found.push(Secret { start, end, kind: "session", rank: 1 });
            }
        }
        at = end + 1;
    }
    at.min(text.len())
}
