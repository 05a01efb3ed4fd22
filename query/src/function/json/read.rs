//! A reader of JSON that makes values of what is asked for and passes over the rest, yet checks all of it.
//!
//! Numbers are what they are written as: a long, or a bigint where 64 bits do not hold it; a double with a fraction or an exponent, or a bigdec
//! where no double holds it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::path::Step;
use crate::edn::{self, LIMIT_DEPTH, LIMIT_DIGITS};
use crate::value::{BigInt, Value};

/// What a text holds at the end of a path, nil if nothing is there. `None` if the text is not JSON, or nests too deep.
pub(super) fn value_at(text: &str, path: &[Step]) -> Option<Value> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.find(path, LIMIT_DEPTH)?;
    reader.skip_blanks();
    (reader.at == text.len()).then_some(value)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

/// In every reading function `None` means that the text is not JSON; `depth` is how many brackets may still be opened.
impl<'t> Reader<'t> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The next byte that is no blank.
    fn next_byte(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.byte()
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        (self.next_byte()? == expected).then(|| self.at += 1)
    }

    /// Reads a value and gives what the path leads to within it, nil if nothing is there.
    fn find(&mut self, path: &[Step], depth: usize) -> Option<Value> {
        let Some((step, rest)) = path.split_first() else { return self.value(depth) };
        let mut found = Value::Nil;
        match (self.next_byte()?, &step.key, step.index) {
            (b'{', Some(wanted), _) => self.object(depth, |reader, depth, key| {
                if key == *wanted {
                    // Of a key that occurs twice the last value counts, as for most readers of JSON.
                    found = reader.find(rest, depth)?;
                    return Some(());
                }
                reader.skip(depth)
            })?,
            (b'[', _, Some(wanted)) if wanted >= 0 => self.array(depth, |reader, depth, place| {
                if place as i64 == wanted {
                    found = reader.find(rest, depth)?;
                    return Some(());
                }
                reader.skip(depth)
            })?,
            (b'[', _, Some(from_end)) => found = self.find_from_end(from_end, rest, depth)?,
            _ => self.skip(depth)?,
        }
        Some(found)
    }

    /// As [`Self::find`] for an item counted from the end, -1 being the last.
    fn find_from_end(&mut self, from_end: i64, rest: &[Step], depth: usize) -> Option<Value> {
        let mut starts = Vec::new();
        self.array(depth, |reader, depth, _| {
            starts.push(reader.at);
            reader.skip(depth)
        })?;
        let place = usize::try_from(from_end.unsigned_abs()).ok().and_then(|back| starts.len().checked_sub(back));
        let Some(start) = place.map(|place| starts[place]) else { return Some(Value::Nil) };
        let mut item = Reader { text: self.text, at: start };
        item.find(rest, depth - 1)
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        match self.next_byte()? {
            b'{' => {
                let mut entries = BTreeMap::new();
                self.object(depth, |reader, depth, key| {
                    let value = reader.value(depth)?;
                    entries.insert(Value::from(&*key), value);
                    Some(())
                })?;
                Some(Value::Map(Arc::new(entries)))
            }
            b'[' => {
                let mut items = Vec::new();
                self.array(depth, |reader, depth, _| {
                    items.push(reader.value(depth)?);
                    Some(())
                })?;
                Some(items.into())
            }
            b'"' => self.string().map(|text| Value::from(&*text)),
            b't' => self.word("true").map(|()| Value::Boolean(true)),
            b'f' => self.word("false").map(|()| Value::Boolean(false)),
            b'n' => self.word("null").map(|()| Value::Nil),
            _ => self.number().map(number),
        }
    }

    /// Reads a value that nobody asks for.
    fn skip(&mut self, depth: usize) -> Option<()> {
        match self.next_byte()? {
            b'{' => self.object(depth, |reader, depth, _| reader.skip(depth)),
            b'[' => self.array(depth, |reader, depth, _| reader.skip(depth)),
            b'"' => self.string().map(drop),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number().map(drop),
        }
    }

    /// Reads an object; `entry` reads the value of each key.
    fn object(&mut self, depth: usize, mut entry: impl FnMut(&mut Self, usize, Cow<'t, str>) -> Option<()>) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        self.take(b'{')?;
        if self.next_byte()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.skip_blanks();
            let key = self.string()?;
            self.take(b':')?;
            entry(self, depth, key)?;
            let closer = self.next_byte()?;
            self.at += 1;
            match closer {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Reads an array; `item` reads the value at each place.
    fn array(&mut self, depth: usize, mut item: impl FnMut(&mut Self, usize, usize) -> Option<()>) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        self.take(b'[')?;
        if self.next_byte()? == b']' {
            self.at += 1;
            return Some(());
        }
        let mut place = 0;
        loop {
            item(self, depth, place)?;
            place += 1;
            let closer = self.next_byte()?;
            self.at += 1;
            match closer {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text.as_bytes()[self.at..].starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    fn string(&mut self) -> Option<Cow<'t, str>> {
        self.take(b'"')?;
        let bytes = self.text.as_bytes();
        let mut built = String::new();
        let mut plain_from = self.at;
        loop {
            match self.byte()? {
                b'"' => {
                    let plain = &self.text[plain_from..self.at];
                    self.at += 1;
                    return Some(if built.is_empty() { Cow::Borrowed(plain) } else { Cow::Owned(built + plain) });
                }
                b'\\' => {
                    built.push_str(&self.text[plain_from..self.at]);
                    built.push(self.escape(bytes)?);
                    plain_from = self.at;
                }
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
    }

    /// The character that an escape stands for.
    fn escape(&mut self, bytes: &[u8]) -> Option<char> {
        let kind = *bytes.get(self.at + 1)?;
        self.at += 2;
        Some(match kind {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'"' | b'\\' | b'/' => char::from(kind),
            b'u' => {
                let high = self.four_digits()?;
                if (0xd800..0xdc00).contains(&high) && bytes[self.at..].starts_with(b"\\u") {
                    let after_high = self.at;
                    self.at += 2;
                    let low = self.four_digits()?;
                    if let Some(Ok(c)) = char::decode_utf16([high, low]).next() {
                        return Some(c);
                    }
                    self.at = after_high;
                }
                // Half of a pair is allowed in JSON, but is no character.
                char::from_u32(u32::from(high)).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return None,
        })
    }

    fn four_digits(&mut self) -> Option<u16> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        self.at += 4;
        u16::from_str_radix(digits, 16).ok()
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// The text of a number.
    fn number(&mut self) -> Option<&'t str> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(&self.text[start..self.at])
    }
}

/// What no double holds is a bigdec, as where JSON is imported; an integer or exponent that the language does not hold at all becomes the nearest
/// double.
fn number(text: &str) -> Value {
    if text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) {
        if let Ok(n) = text.parse() {
            return Value::Long(n);
        }
        if let Some(n) = Some(text).filter(|text| text.len() <= LIMIT_DIGITS).and_then(|text| text.parse::<BigInt>().ok()) {
            return n.into();
        }
    }
    let nearest = text.parse::<f64>().unwrap_or(f64::NAN);
    if nearest.is_infinite()
        && let Ok(exact) = edn::read(&format!("{text}M"))
    {
        return exact;
    }
    if nearest.is_nan() { Value::Nil } else { nearest.into() }
}
