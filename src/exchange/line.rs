//! A line of a stream of datoms, read as `annals export` writes it: from front to back, without a tree of forms. A line that says
//! the same in another way is left to the reader of EDN.

use std::collections::HashMap;

use annals_query::{Value, edn};
use memchr::{memchr, memchr2};

use crate::datom::Datom;
use crate::db::Transaction;

/// Keywords remembered: more than a program has levels, statuses and names.
const LIMIT_KEYWORDS: usize = 1_024;

/// Reads lines, and remembers the keywords it has seen.
#[derive(Default)]
pub(super) struct LineReader {
    keywords: HashMap<Box<str>, Value>,
}

impl LineReader {
    /// The transaction of a line; `None` for anything that is not written exactly so.
    pub(super) fn read(&mut self, line: &str) -> Option<Transaction> {
        let mut rest = Rest(line);
        rest.skip("{:t ")?;
        let t = rest.integer()?;
        rest.skip(", :instant #inst \"")?;
        let instant = edn::read_instant(rest.until(b'"')?)?;
        rest.skip("\", :datoms [")?;
        let mut datoms = Vec::new();
        while rest.skip("[").is_some() {
            datoms.push(self.datom(t, &mut rest)?);
            if rest.skip(" ").is_none() {
                break;
            }
        }
        rest.skip("]}")?;
        rest.0.is_empty().then_some(Transaction { t, instant, datoms })
    }

    fn datom(&mut self, t: i64, rest: &mut Rest<'_>) -> Option<Datom> {
        let mut datom = Datom { e: rest.integer()?, a: 0, v: Value::Nil, t, added: true, m: 0 };
        rest.skip(" ")?;
        datom.a = rest.integer()?;
        rest.skip(" ")?;
        datom.v = self.value(rest)?;
        rest.skip(" ")?;
        datom.m = rest.integer()?;
        datom.added = if rest.skip(" true]").is_some() {
            true
        } else {
            rest.skip(" false]")?;
            false
        };
        Some(datom)
    }

    fn value(&mut self, rest: &mut Rest<'_>) -> Option<Value> {
        match rest.0.as_bytes().first()? {
            b'"' => {
                let text = rest.quoted()?;
                let inside = &text[1..text.len() - 1];
                if inside.contains('\\') { edn::read(text).ok() } else { Some(Value::String(inside.into())) }
            }
            b':' => {
                let text = rest.token()?;
                if let Some(known) = self.keywords.get(text) {
                    return Some(known.clone());
                }
                let value = edn::read(text).ok()?;
                if self.keywords.len() < LIMIT_KEYWORDS {
                    self.keywords.insert(text.into(), value.clone());
                }
                Some(value)
            }
            b'#' => tagged(rest),
            b'[' | b'(' | b'{' | b'\\' => None,
            _ => {
                let text = rest.token()?;
                if is_plain_integer(text) { text.parse().ok().map(Value::Long) } else { edn::read(text).ok() }
            }
        }
    }
}

/// `#db/id 5`, `#inst ".."` and the other tags that stand before a text.
fn tagged(rest: &mut Rest<'_>) -> Option<Value> {
    if rest.skip("#db/id ").is_some() {
        return rest.integer().map(Value::Ref);
    }
    if rest.skip("#inst \"").is_some() {
        let micros = edn::read_instant(rest.until(b'"')?)?;
        rest.skip("\"")?;
        return Some(Value::Instant(micros));
    }
    let start = rest.0;
    rest.token()?;
    // `##Inf` stands alone, other tags before a text.
    if !start.starts_with("##") {
        rest.skip(" ")?;
        rest.quoted()?;
    }
    edn::read(&start[..start.len() - rest.0.len()]).ok()
}

/// True for digits that are a long as they stand: `-5`, but not `5N`, `5.0`, `05` or `-0`.
fn is_plain_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_canonical = text == "0" || !digits.starts_with('0');
    !digits.is_empty() && digits.len() <= 18 && is_canonical && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// What of a line has not been read yet.
struct Rest<'l>(&'l str);

impl<'l> Rest<'l> {
    fn skip(&mut self, expected: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    fn integer(&mut self) -> Option<i64> {
        let bytes = self.0.as_bytes();
        let sign = usize::from(bytes.first() == Some(&b'-'));
        let digits = bytes[sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.0.split_at(sign + digits);
        self.0 = rest;
        number.parse().ok()
    }

    /// Up to a byte that is no part of what is read.
    fn until(&mut self, end: u8) -> Option<&'l str> {
        let (before, rest) = self.0.split_at(memchr(end, self.0.as_bytes())?);
        self.0 = rest;
        Some(before)
    }

    /// Up to the next space, if that is one token for EDN too.
    fn token(&mut self) -> Option<&'l str> {
        let token = self.until(b' ')?;
        let is_one = !token.bytes().any(|byte| matches!(byte, b'"' | b',' | b';' | b'[' | b']' | b'(' | b')' | b'{' | b'}'));
        is_one.then_some(token)
    }

    /// A text with its quotation marks.
    fn quoted(&mut self) -> Option<&'l str> {
        let bytes = self.0.as_bytes();
        if bytes.first() != Some(&b'"') {
            return None;
        }
        let mut at = 1;
        loop {
            at += memchr2(b'"', b'\\', &bytes[at..])?;
            if bytes[at] == b'"' {
                break;
            }
            // What is escaped is one byte at least; if it is more, none of the rest is a quotation mark.
            at += 2;
            bytes.get(at)?;
        }
        let (text, rest) = self.0.split_at(at + 1);
        self.0 = rest;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    //! The promise: a line means here what it means to the reader of EDN, or is left to it. Attacked with values of every type, with
    //! spellings that EDN allows, and with every line cut short and every byte of it changed.

    use super::*;

    const VALUES: [&str; 32] = [
        "1",
        "0",
        "-5",
        "-0",
        "007",
        "9223372036854775807",
        "-9223372036854775808",
        "92233720368547758070",
        "12N",
        "1.5",
        "-2.0",
        "1.20M",
        "##Inf",
        "##-Inf",
        "true",
        "false",
        "\"\"",
        "\"text ü\"",
        r#""a \"quoted\" one \\""#,
        r#""ends in a backslash \\" "#,
        ":a/b",
        "#db/keyword \"with space\"",
        "a/b",
        "#db/id 5",
        "#inst \"1969-12-31T23:59:59.999999Z\"",
        "#inst \"2026-11\"",
        "#uuid \"00000000-0000-0000-0000-00000000000a\"",
        "#uri \"http://x/?a=\\\"b\\\"\"",
        "#bytes \"00ff\"",
        "[1 \"a ] b\" nil]",
        "nil",
        "\\a",
    ];

    fn both(line: &str) -> (Option<Transaction>, Option<Transaction>) {
        (LineReader::default().read(line), super::super::datoms::read_edn(line).ok())
    }

    #[track_caller]
    fn check(line: &str) -> bool {
        let (quick, slow) = both(line);
        if let Some(quick) = &quick {
            assert_eq!(Some(quick), slow.as_ref(), "{line}");
        }
        quick.is_some()
    }

    #[test]
    fn what_is_read_is_what_edn_says() {
        let mut quick = 0;
        for value in VALUES {
            let line = format!(
                "{{:t 2, :instant #inst \"2026-11-20T10:00:00Z\", :datoms [[5 6 {value} 0 true] [-1 6 {value} 7 false]]}}"
            );
            quick += usize::from(check(&line));
        }
        assert!(quick > 24, "only {quick} are read quickly");
        for line in [
            "{:t 2, :instant #inst \"2026-11-20T10:00:00Z\", :datoms []}",
            "{:t 2 :instant #inst \"2026-11-20T10:00:00Z\" :datoms [[1 2 3 0 true]]}",
            "{:t 2, :instant #inst \"2026-11-20T10:00:00Z\", :datoms [[1 2 3 0 true] ]}",
            "{:t 2, :instant #inst \"2026-02-30\", :datoms [[1 2 3 0 true]]}",
            "",
        ] {
            check(line);
        }
    }

    #[test]
    fn a_line_that_is_cut_or_changed_is_read_as_edn_reads_it_or_not_at_all() {
        let line = "{:t 2, :instant #inst \"2026-11-20T10:00:00Z\", :datoms [[5 6 \"a\\\"b\" 0 true] [5 7 :k 0 false] [5 8 #db/id 3 1 true]]}";
        for end in 0..=line.len() {
            check(&line[..end]);
        }
        for at in 0..line.len() {
            for byte in [b' ', b'"', b'\\', b'[', b']', b'0', b'#', b'x', b';', b',', b'-', b'_'] {
                let mut bytes = line.as_bytes().to_vec();
                bytes[at] = byte;
                check(std::str::from_utf8(&bytes).expect("one character for another"));
            }
        }
    }
}
