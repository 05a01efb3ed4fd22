//! Secrets taken out of texts before they become facts: history is never changed, so what is in it stays.
//!
//! What is taken out is written as `[REDACTED:kind:hash8]`. The hash is keyed with a key that lies beside the store and is in
//! no export, so that equal secrets show as equal and a password cannot be guessed from the 32 bits by whoever has the facts alone.
//!
//! ```text
//! line -> plain (colours out) -> scan (one pass over all known words) -> shape | assigned | url | option | pem | wrapped -> spans -> line
//! ```
//!
//! A line without any of the words costs one pass; what each word leads to is looked at in place, with bounds, so that no
//! line costs more than a small multiple of its length.

mod assigned;
mod lines;
mod name;
mod option;
mod pem;
mod plain;
mod random;
mod scan;
mod shape;
mod url;
mod value;
mod words;
mod wrapped;

use std::borrow::Cow;
use std::sync::Arc;

use annals_query::Value;

pub use lines::LineRedactor;

use scan::Secret;

/// Bytes of the key under which what is taken out is hashed.
pub const KEY_BYTES: usize = 32;

/// Whether secrets are taken out before something is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redaction {
    /// Known shapes of keys and tokens, and what is assigned to a name such as `password`, are replaced.
    #[default]
    On,
    /// Everything is recorded as it is.
    Off,
}

/// Finds secrets in texts and replaces them.
///
/// ```
/// use annals::redact::Redactor;
/// let redactor = Redactor::new([7; 32]);
/// let line = redactor.text("login with password=hunter2 failed");
/// assert!(line.starts_with("login with password=[REDACTED:password:") && line.ends_with("] failed"), "{line}");
/// assert_eq!(redactor.text("0 errors, 2 warnings"), "0 errors, 2 warnings");
/// ```
#[derive(Clone)]
pub struct Redactor {
    key: Arc<dyn Fn() -> [u8; KEY_BYTES] + Send + Sync>,
}

impl std::fmt::Debug for Redactor {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// A redactor that hashes with this key: those with the same key write equal secrets in the same way.
    pub fn new(key: [u8; KEY_BYTES]) -> Self {
        Self::keyed_by(move || key)
    }

    /// A redactor that asks for its key when there is a secret to replace.
    pub(crate) fn keyed_by(key: impl Fn() -> [u8; KEY_BYTES] + Send + Sync + 'static) -> Self {
        Self { key: Arc::new(key) }
    }

    /// The text with its secrets replaced; borrowed if it has none.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(into_text(bytes)),
        }
    }

    /// The same for bytes that need not be UTF-8.
    pub fn bytes<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let plain = plain::without_colours(text);
        let found = scan::find(plain.bytes());
        if found.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(self.replace(text, &plain, &found)) }
    }

    /// What stands in the place of a secret that is taken out whole.
    ///
    /// ```
    /// use annals::redact::Redactor;
    /// let redactor = Redactor::new([7; 32]);
    /// assert_eq!(redactor.mark("password", b"hunter2"), redactor.mark("password", b"hunter2"));
    /// assert_ne!(redactor.mark("password", b"hunter2"), redactor.mark("password", b"hunter3"));
    /// ```
    pub fn mark(&self, kind: &str, secret: &[u8]) -> String {
        let hash = blake3::keyed_hash(&(self.key)(), secret);
        let [a, b, c, d, ..] = *hash.as_bytes();
        format!("[REDACTED:{kind}:{a:02x}{b:02x}{c:02x}{d:02x}]")
    }

    /// A value with the secrets in its texts replaced; `None` if it has none. Names (keywords, symbols) and numbers hold none.
    pub fn value(&self, value: &Value) -> Option<Value> {
        match value {
            Value::String(text) => changed(self.text(text)).map(Value::from),
            Value::Uri(text) => changed(self.text(text)).map(|text| Value::Uri(text.into())),
            Value::Bytes(bytes) => match self.bytes(bytes) {
                Cow::Borrowed(_) => None,
                Cow::Owned(bytes) => Some(Value::Bytes(bytes.into())),
            },
            Value::Vector(items) => {
                let redacted: Vec<Option<Value>> = items.iter().map(|item| self.value(item)).collect();
                let is_changed = redacted.iter().any(Option::is_some);
                let kept = redacted.into_iter().zip(items.iter()).map(|(new, old)| new.unwrap_or_else(|| old.clone()));
                is_changed.then(|| Value::vector(kept))
            }
            _ => None,
        }
    }

    /// What a value becomes that is stored under this name: taken out whole if the name says that it is a secret.
    ///
    /// ```
    /// use annals::{Value, redact::Redactor};
    /// let redactor = Redactor::new([7; 32]);
    /// assert!(redactor.named_value("db/password", &Value::from("hunter2")).is_some());
    /// assert_eq!(redactor.named_value("db/name", &Value::from("main")), None);
    /// ```
    pub fn named_value(&self, name: &str, value: &Value) -> Option<Value> {
        if let Value::String(text) = value
            && let Some(kind) = assigned::kind_of_named(name, text)
        {
            return Some(Value::from(self.mark(kind, text.as_bytes())));
        }
        self.value(value)
    }

    /// The value taken out whole, whatever it is; `None` for what is a mark already.
    pub fn whole_value(&self, value: &Value) -> Option<Value> {
        if value.as_text().is_some_and(value::is_mark) {
            return None;
        }
        match value {
            Value::Bytes(bytes) => Some(Value::Bytes(self.mark("declared", bytes).into_bytes().into())),
            Value::Uri(text) => Some(Value::Uri(format!("redacted:{}", self.mark("declared", text.as_bytes())).into())),
            Value::String(text) => Some(Value::from(self.mark("declared", text.as_bytes()))),
            _ => None,
        }
    }

    /// The words of a command line with their secrets replaced, options and their values in words of their own included.
    ///
    /// ```
    /// use annals::redact::Redactor;
    /// let redactor = Redactor::new([7; 32]);
    /// let words = redactor.command(&["deploy", "--token", "abc-not-known", "--to", "prod"]);
    /// assert!(words[2].starts_with("[REDACTED:token:") && words[4] == "prod", "{words:?}");
    /// ```
    pub fn command<T: AsRef<str>>(&self, words: &[T]) -> Vec<String> {
        let program = words.first().map(AsRef::as_ref).unwrap_or_default();
        let mut redacted: Vec<String> = words.iter().map(|word| self.text(word.as_ref()).into_owned()).collect();
        for at in 1..words.len() {
            let (before, word) = (words[at - 1].as_ref(), words[at].as_ref());
            if let Some(secret) = option::in_words(program, before, word) {
                let (kept, taken) = word.split_at(secret.start);
                redacted[at] = format!("{kept}{}", self.mark(secret.kind, taken.as_bytes()));
            }
        }
        redacted
    }

    /// Writes marks in the place of what was found in the plain form of a text.
    fn replace(&self, text: &[u8], plain: &plain::Plain<'_>, found: &[Secret]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + found.len() * 16);
        let mut written = 0;
        for secret in found {
            let (start, end) = (plain.place(secret.start), plain.place_after(secret.end));
            out.extend_from_slice(&text[written..start]);
            out.extend_from_slice(self.mark(secret.kind, &plain.bytes()[secret.start..secret.end]).as_bytes());
            written = end;
        }
        out.extend_from_slice(&text[written..]);
        out
    }
}

/// Bytes at the end of a text that may be the beginning of a secret whose rest is still to come.
///
/// ```
/// use annals::redact::open_secret;
/// assert_eq!(open_secret(b"name? "), 0);
/// assert_eq!(open_secret(b"password=hunt"), 4);
/// ```
pub fn open_secret(text: &[u8]) -> usize {
    let text = &text[text.len().saturating_sub(LIMIT_OPEN_BYTES)..];
    let plain = plain::without_colours(text);
    if let Some(last) = scan::find(plain.bytes()).last().filter(|last| shape::reaches_end(plain.bytes(), last.end)) {
        return text.len() - plain.place(last.start);
    }
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let word = text.iter().rev().take_while(|byte| is_part(byte)).count();
    if shape::begins_like_one(&text[text.len() - word..]) { word } else { 0 }
}

/// Bytes of a text that are looked at for a secret at its end.
const LIMIT_OPEN_BYTES: usize = 4 << 10;

/// Secrets end beside ASCII characters, so that what was a text stays one.
fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn changed(text: Cow<'_, str>) -> Option<String> {
    match text {
        Cow::Borrowed(_) => None,
        Cow::Owned(text) => Some(text),
    }
}
