//! One pass over a text for all words that a secret may stand beside, and what each of them leads to.

use std::sync::LazyLock;

use super::shape::SHAPES;
use super::words::Words;
use super::{assigned, option, pem, shape, url, wrapped};

/// Bytes of a text that hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Secret {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: &'static str,
    /// Of two that overlap, the greater names the kind.
    pub(super) rank: u8,
}

/// What a word that was found leads to.
#[derive(Clone, Copy, Debug)]
enum Trigger {
    Shape(usize),
    Name,
    /// A name and the sign behind it.
    Sign,
    /// What a redactor wrote.
    Mark,
    Bearer,
    Address,
    PrivateKey,
    JsonWebToken,
    Telegram,
    Azure,
    Mailchimp,
    Program,
}

/// Bytes of a mark behind its beginning.
const LIMIT_MARK_BYTES: usize = 48;

/// Parts of names: what stands around them decides.
const NAMES: [&str; 9] = ["pass", "pwd", "secret", "token", "key", "auth", "cred", "cookie", "session"];

static WORDS: LazyLock<(Words, Vec<Trigger>)> = LazyLock::new(|| {
    let mut words: Vec<(&str, Trigger)> = Vec::new();
    words.push(("private key", Trigger::PrivateKey));
    words.extend(SHAPES.iter().enumerate().map(|(at, shape)| (shape.prefix, Trigger::Shape(at))));
    words.extend(option::programs().map(|name| (name, Trigger::Program)));
    words.extend(NAMES.map(|name| (name, Trigger::Name)));
    words.extend([("signature", Trigger::Name), ("sig=", Trigger::Sign), ("[redacted:", Trigger::Mark)]);
    words.extend([
        ("bearer", Trigger::Bearer),
        ("://", Trigger::Address),
        ("eyJ", Trigger::JsonWebToken),
        (":AA", Trigger::Telegram),
        ("8Q~", Trigger::Azure),
        ("-us", Trigger::Mailchimp),
    ]);
    let (words, triggers): (Vec<&str>, Vec<Trigger>) = words.into_iter().unzip();
    (Words::new(words), triggers)
});

/// The secrets of a text without colours, in order, none overlapping another.
pub(super) fn find(text: &[u8]) -> Vec<Secret> {
    find_in_line(text, &mut false)
}

/// The same, and whether a private key goes on in the next line.
pub(super) fn find_in_line(text: &[u8], opens_key: &mut bool) -> Vec<Secret> {
    let mut found = find_all(text, opens_key);
    wrapped::secrets(text, &mut found);
    in_order(found)
}

/// The same without looking into base64.
pub(super) fn find_plain(text: &[u8]) -> Vec<Secret> {
    in_order(find_all(text, &mut false))
}

fn find_all(text: &[u8], opens_key: &mut bool) -> Vec<Secret> {
    let (words, triggers) = &*WORDS;
    let mut found: Vec<Secret> = Vec::new();
    let mut from = 0;
    while let Some(word) = words.find(text, from) {
        let (start, end) = (word.start, word.end);
        let mut next = end;
        let secret = match triggers[word.place] {
            Trigger::Shape(at) => {
                // Another word may begin inside one that turned out to be no key.
                next = start + 1;
                let shape = &SHAPES[at];
                shape::secret(shape, text, start).or_else(|| {
                    // Some begin with a word that names are made of too.
                    let is_name = matches!(shape.prefix, "key-" | "secret_" | "AGE-SECRET-KEY-1");
                    if is_name { assigned::secrets(text, start, end, &mut found, &mut next) } else { None }
                })
            }
            Trigger::Name => assigned::secrets(text, start, end, &mut found, &mut next),
            Trigger::Sign => assigned::secrets(text, start, end - 1, &mut found, &mut next),
            Trigger::Mark => {
                next =
                    memchr::memchr(b']', &text[end..text.len().min(end + LIMIT_MARK_BYTES)]).map_or(end, |length| end + length);
                None
            }
            Trigger::Bearer => assigned::bearer(text, end),
            Trigger::Address => url::password(text, start),
            Trigger::PrivateKey => pem::key(text, start).map(|(secret, is_open)| {
                *opens_key = is_open;
                secret
            }),
            Trigger::JsonWebToken => shape::json_web_token(text, start),
            Trigger::Telegram => shape::telegram(text, start),
            Trigger::Azure => shape::azure(text, start),
            Trigger::Mailchimp => shape::mailchimp(text, start),
            Trigger::Program => option::in_line(text, start),
        };
        if let Some(secret) = secret {
            // What a name is given may be of a shape that says more; a shape is not looked into.
            next = next.max(if secret.rank >= 2 { secret.end } else { secret.start });
            found.push(secret);
        }
        from = next;
    }
    if found.iter().any(|secret| secret.kind == "aws-key-id") {
        shape::aws_secrets(text, &mut found);
    }
    found
}

/// Sorts, and joins what overlaps.
fn in_order(mut found: Vec<Secret>) -> Vec<Secret> {
    found.retain(|secret| secret.end > secret.start);
    found.sort_by_key(|secret| (secret.start, std::cmp::Reverse(secret.end)));
    let mut joined: Vec<Secret> = Vec::with_capacity(found.len());
    for secret in found {
        match joined.last_mut() {
            Some(last) if secret.start < last.end => {
                if secret.rank > last.rank {
                    last.kind = secret.kind;
                    last.rank = secret.rank;
                }
                last.end = last.end.max(secret.end);
            }
            _ => joined.push(secret),
        }
    }
    joined
}
