//! Names that say of what they are given that it is a secret: `DB_PASSWORD`, `clientSecret`, `x-api-key`.

/// How surely a name means a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Whatever it is given is one.
    Strong,
    /// It is one if it looks drawn by chance.
    Weak,
    /// `Authorization`: a scheme, then the secret.
    Header,
    /// `Cookie`: names and values.
    Cookies,
}

/// A name that may mean a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) sort: Sort,
    pub(super) kind: &'static str,
}

/// Bytes of a name, on each side of the word in it that was found.
const LIMIT_NAME_BYTES: usize = 64;

/// Endings, without separators and in lower case, of names that surely mean a secret. The longer stand before the shorter.
const STRONG: &[(&str, &str)] = &[
    ("secretaccesskey", "aws-secret-key"),
    ("passphrase", "password"),
    ("passcode", "password"),
    ("password", "password"),
    ("passwort", "password"),
    ("passwd", "password"),
    ("userpass", "password"),
    ("dbpass", "password"),
    ("pgpass", "password"),
    ("smtppass", "password"),
    ("mailpass", "password"),
    ("pwd", "password"),
    ("secretkeybase", "secret"),
    ("secretkey", "secret"),
    ("clientsecret", "secret"),
    ("secret", "secret"),
    ("apikey", "api-key"),
    ("apitoken", "token"),
    ("accesstoken", "token"),
    ("authtoken", "token"),
    ("refreshtoken", "token"),
    ("idtoken", "token"),
    ("bearertoken", "token"),
    ("sessiontoken", "token"),
    ("securitytoken", "token"),
    ("deploytoken", "token"),
    ("bottoken", "token"),
    ("personaltoken", "token"),
    ("accesskey", "key"),
    ("accountkey", "key"),
    ("privatekey", "key"),
    ("signingkey", "key"),
    ("encryptionkey", "key"),
    ("masterkey", "key"),
    ("authkey", "key"),
    ("sharedkey", "key"),
    ("storagekey", "key"),
    ("subscriptionkey", "key"),
    ("servicekey", "key"),
    ("licensekey", "key"),
    ("hmackey", "key"),
    ("jwtkey", "key"),
    ("appkey", "key"),
    ("serverkey", "key"),
    ("adminkey", "key"),
];

/// Endings of names that mean a secret if the value looks like one; each must be a word of its own.
const WEAK: &[(&str, &str)] = &[
    ("token", "token"),
    ("tokens", "token"),
    ("key", "key"),
    ("keys", "key"),
    ("auth", "credential"),
    ("credential", "credential"),
    ("credentials", "credential"),
    ("cred", "credential"),
    ("creds", "credential"),
    ("session", "session"),
    ("sessionid", "session"),
    ("signature", "signature"),
    ("sig", "signature"),
    ("secrets", "secret"),
    ("passwords", "password"),
    ("pass", "password"),
];

/// Endings after which a name with a strong word in it says something about the secret, and not the secret.
const ABOUT: &[&str] = &[
    "name",
    "file",
    "path",
    "dir",
    "folder",
    "type",
    "url",
    "uri",
    "host",
    "endpoint",
    "count",
    "length",
    "len",
    "limit",
    "size",
    "id",
    "ids",
    "expiry",
    "expires",
    "ttl",
    "at",
    "policy",
    "field",
    "min",
    "max",
    "enabled",
    "required",
    "prompt",
    "label",
    "hint",
    "reset",
    "manager",
    "store",
    "provider",
    "version",
    "format",
    "class",
    "kind",
    "ref",
    "mode",
    "usage",
    "rotation",
    "age",
    "strength",
    "encoding",
    "algorithm",
    "engine",
    "arn",
    "status",
    "error",
    "valid",
    "changed",
    "input",
    "index",
    "map",
    "set",
    "list",
    "scope",
    "budget",
    "rate",
    "used",
];

/// Endings that say nothing: the name before them counts.
const NOISE: &[&str] = &[
    "value",
    "base64",
    "b64",
    "plain",
    "raw",
    "prod",
    "production",
    "staging",
    "dev",
    "test",
    "str",
    "string",
    "new",
    "old",
    "current",
    "text",
    "env",
    "hex",
    "data",
];

/// Words before `key` and the like that make it public or ordinary.
const ORDINARY: &[&str] = &[
    "public",
    "pub",
    "primary",
    "foreign",
    "cache",
    "partition",
    "sort",
    "hot",
    "row",
    "host",
    "gpg",
    "apt",
    "idempotency",
    "object",
    "s3",
    "sha256",
    "checksum",
];

/// The name around the word that was found at `start..end`: letters, digits, `_`, `-` and `.`.
pub(super) fn around(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let before = text[..start].iter().rev().take(LIMIT_NAME_BYTES).take_while(|byte| is_part(byte)).count();
    let after = text[end..].iter().take(LIMIT_NAME_BYTES).take_while(|byte| is_part(byte)).count();
    let mut from = start - before;
    // The letter of an escape such as `\n` belongs to the escape.
    if from > 0 && text[from - 1] == b'\\' && from < start && matches!(text[from], b'n' | b't' | b'r') {
        from += 1;
    }
    (from, end + after)
}

/// What a name means.
pub(super) fn meaning(name: &[u8]) -> Option<Meaning> {
    let mut words = words(name);
    while words.len() > 1 && words.last().is_some_and(|word| is_noise(word)) {
        words.pop();
    }
    let last = words.last()?.as_str();
    match last {
        "authorization" => return Some(Meaning { sort: Sort::Header, kind: "credential" }),
        "cookie" => return Some(Meaning { sort: Sort::Cookies, kind: "session" }),
        _ => {}
    }
    if words.iter().any(|word| word == "public" || word == "pub" || word == "pubkey") {
        return None;
    }
    let joined = words.concat();
    if let Some((_, kind)) = STRONG.iter().find(|(ending, _)| joined.ends_with(ending)) {
        return Some(Meaning { sort: Sort::Strong, kind });
    }
    if last == "pass" && words.len() > 1 {
        return Some(Meaning { sort: Sort::Strong, kind: "password" });
    }
    if ABOUT.contains(&last) && last != "set" {
        return (joined.ends_with("sessionid")).then_some(Meaning { sort: Sort::Weak, kind: "session" });
    }
    if let Some((_, kind)) = WEAK.iter().find(|(ending, _)| *ending == last) {
        let is_ordinary = words.len() > 1 && ORDINARY.contains(&words[words.len() - 2].as_str());
        return (!is_ordinary).then_some(Meaning { sort: Sort::Weak, kind });
    }
    // `SECRET_FOR_MAIL`: a word that means a secret, and an ending that nobody knows.
    let strong = words.iter().find(|word| matches!(word.as_str(), "password" | "passwd" | "secret" | "token" | "apikey"))?;
    let kind = if strong.starts_with("pass") {
        "password"
    } else if strong == "token" {
        "token"
    } else {
        "secret"
    };
    Some(Meaning { sort: Sort::Weak, kind })
}

fn is_noise(word: &str) -> bool {
    let number = word.strip_prefix('v').unwrap_or(word);
    NOISE.contains(&word) || number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The words of a name in lower case: parted by `_`, `-`, `.` and where lower case turns into upper.
fn words(name: &[u8]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for byte in name {
        let is_letter = byte.is_ascii_alphanumeric();
        if (!is_letter || (was_lower && byte.is_ascii_uppercase())) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if is_letter {
            word.push(byte.to_ascii_lowercase() as char);
        }
        was_lower = byte.is_ascii_lowercase() || byte.is_ascii_digit();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}
