//! The pieces of a text that is being typed: brackets, texts, keywords, variables. They are cut where the EDN reader cuts them,
//! but nothing is refused: half a query has pieces too.

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// White space and commas.
    Blank,
    Comment,
    /// An opening bracket, and the one that closes it.
    Open(u8),
    Close(u8),
    /// `"..."` or `#"..."`, of which the end may not be typed yet.
    Text {
        is_closed: bool,
    },
    Keyword,
    /// `?name`.
    Variable,
    Number,
    /// Anything else that is one word.
    Symbol,
}

/// A piece and its place in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The pieces of a text from a place on, one after the other, without gaps.
pub(super) struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Tokens<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self::from(text, 0)
    }

    /// The pieces behind `at`, which is where a piece begins.
    pub(super) fn from(text: &'t str, at: usize) -> Self {
        Self { text, at }
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// The length of what lies ahead as far as `holds`.
    fn run(&self, from: usize, holds: impl Fn(u8) -> bool) -> usize {
        from + self.text.as_bytes()[self.at + from..].iter().take_while(|byte| holds(**byte)).count()
    }

    /// A text that opens `ahead` bytes from here.
    fn text(&self, ahead: usize) -> (Kind, usize) {
        let bytes = &self.text.as_bytes()[self.at..];
        let mut end = ahead + 1;
        while let Some(byte) = bytes.get(end) {
            match byte {
                b'"' => return (Kind::Text { is_closed: true }, end + 1),
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        (Kind::Text { is_closed: false }, bytes.len())
    }

    /// `\a`, `\newline`, `\[`.
    fn character(&self) -> (Kind, usize) {
        let behind = self.text[self.at + 1..].chars().next().map_or(0, char::len_utf8);
        (Kind::Symbol, self.run(1 + behind, |byte| !ends_word(byte)))
    }

    fn word(&self) -> (Kind, usize) {
        let length = self.run(1, |byte| !ends_word(byte));
        let word = &self.text.as_bytes()[self.at..self.at + length];
        let kind = match word {
            [b':', ..] => Kind::Keyword,
            [b'?', ..] => Kind::Variable,
            [b'0'..=b'9', ..] | [b'+' | b'-', b'0'..=b'9', ..] => Kind::Number,
            _ => Kind::Symbol,
        };
        (kind, length)
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let (kind, length) = match (self.byte(0)?, self.byte(1)) {
            (b'[', _) => (Kind::Open(b']'), 1),
            (b'(', _) => (Kind::Open(b')'), 1),
            (b'{', _) => (Kind::Open(b'}'), 1),
            (b'#', Some(b'{')) => (Kind::Open(b'}'), 2),
            (closer @ (b']' | b')' | b'}'), _) => (Kind::Close(closer), 1),
            (b'"', _) => self.text(0),
            (b'#', Some(b'"')) => self.text(1),
            (b'#', Some(b'_')) => (Kind::Symbol, 2),
            (b';', _) => (Kind::Comment, self.run(1, |byte| byte != b'\n')),
            (b'\\', _) => self.character(),
            (byte, _) if is_blank(byte) => (Kind::Blank, self.run(1, is_blank)),
            _ => self.word(),
        };
        let start = self.at;
        self.at = (start + length).min(self.text.len());
        Some(Token { kind, start, end: self.at })
    }
}

fn is_blank(byte: u8) -> bool {
    b" \t\n\r,\x0b\x0c".contains(&byte)
}

fn ends_word(byte: u8) -> bool {
    is_blank(byte) || b"()[]{}\";".contains(&byte)
}

/// Which brackets are open at the end of a text that grows.
#[derive(Debug, Default)]
pub(super) struct Brackets {
    closers: Vec<u8>,
    /// What was read so far.
    at: usize,
    is_in_text: bool,
    is_wrong: bool,
}

impl Brackets {
    /// Of a text whose pieces before `at` do not count.
    pub(super) fn behind(at: usize) -> Self {
        Self { at, ..Self::default() }
    }

    /// Reads on: `text` is what was read before, and more lines.
    pub(super) fn read(&mut self, text: &str) {
        self.is_in_text = false;
        for token in Tokens::from(text, self.at) {
            match token.kind {
                Kind::Open(closer) => self.closers.push(closer),
                Kind::Close(closer) => self.is_wrong |= self.closers.pop() != Some(closer),
                // It is read again from its beginning when there is more.
                Kind::Text { is_closed: false } => {
                    self.is_in_text = true;
                    return;
                }
                _ => {}
            }
            self.at = token.end;
        }
    }

    /// True while a bracket or a text is open, and no bracket has closed what is not open: more of it could not help then.
    pub(super) fn are_open(&self) -> bool {
        !self.is_wrong && (self.is_in_text || !self.closers.is_empty())
    }
}

/// The places of the brackets that open and close around the one at `cursor`, or right before it. The second is missing where it is
/// not typed yet.
pub(super) fn pair_at(text: &str, cursor: usize) -> Option<(Token, Option<Token>)> {
    let mut open: Vec<(Token, u8)> = Vec::new();
    let mut pairs = Vec::new();
    for token in Tokens::of(text) {
        match token.kind {
            Kind::Open(closer) => open.push((token, closer)),
            Kind::Close(closer) => match open.pop() {
                Some((opener, wanted)) if wanted == closer => pairs.push((opener, Some(token))),
                _ => return pair_among(pairs, cursor),
            },
            _ => {}
        }
    }
    pairs.extend(open.into_iter().map(|(opener, _)| (opener, None)));
    pair_among(pairs, cursor)
}

fn pair_among(pairs: Vec<(Token, Option<Token>)>, cursor: usize) -> Option<(Token, Option<Token>)> {
    let is_at = |token: &Token| token.start == cursor || token.end == cursor;
    let is_under = |token: &Token| token.start == cursor;
    let touches =
        |pair: &(Token, Option<Token>), is_at: &dyn Fn(&Token) -> bool| is_at(&pair.0) || pair.1.as_ref().is_some_and(is_at);
    // The bracket under the cursor goes before the one to its left.
    let under = pairs.iter().position(|pair| touches(pair, &is_under));
    let found = under.or_else(|| pairs.iter().position(|pair| touches(pair, &is_at)))?;
    pairs.into_iter().nth(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_tokens(text: &str, expected: &[(Kind, &str)]) {
        let found: Vec<_> = Tokens::of(text)
            .filter(|token| token.kind != Kind::Blank)
            .map(|token| (token.kind, &text[token.start..token.end]))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_text_is_cut_where_the_reader_cuts_it() {
        use Kind::{Close, Comment, Keyword, Number, Open, Symbol, Variable};
        let text = |is_closed| Kind::Text { is_closed };
        check_tokens("", &[]);
        check_tokens("[:a/b ?c]", &[(Open(b']'), "["), (Keyword, ":a/b"), (Variable, "?c"), (Close(b']'), "]")]);
        check_tokens("#{1 -2}", &[(Open(b'}'), "#{"), (Number, "1"), (Number, "-2"), (Close(b'}'), "}")]);
        check_tokens("a;b [\nc", &[(Symbol, "a"), (Comment, ";b ["), (Symbol, "c")]);
        check_tokens(r#""a\"]" #"\d+" "x"#, &[(text(true), r#""a\"]""#), (text(true), r#"#"\d+""#), (text(false), "\"x")]);
        check_tokens(r"\[ \a \newline", &[(Symbol, r"\["), (Symbol, r"\a"), (Symbol, r"\newline")]);
        check_tokens("#_[x]", &[(Symbol, "#_"), (Open(b']'), "["), (Symbol, "x"), (Close(b']'), "]")]);
        check_tokens("é\"ü\\", &[(Symbol, "é"), (text(false), "\"ü\\")]);
        check_tokens("\\", &[(Symbol, "\\")]);
    }

    #[test]
    fn an_entry_is_open_as_long_as_more_of_it_could_help() {
        for (text, expected) in [
            ("", false),
            ("[:find ?x", true),
            ("[:find ?x]", false),
            ("[:find (count ?x]", false),
            ("]", false),
            ("[\"]", true),
            ("[\"]\"", true),
            ("[; ]", true),
            ("{:a #\"\\\"\"", true),
            ("\"a\nb", true),
            ("\\[", false),
        ] {
            let mut brackets = Brackets::default();
            brackets.read(text);
            assert_eq!(brackets.are_open(), expected, "{text}");
            // The same when it comes line by line.
            let mut piecewise = Brackets::default();
            let ends = text.match_indices('\n').map(|(at, _)| at + 1).chain([text.len()]);
            ends.for_each(|end| piecewise.read(&text[..end]));
            assert_eq!(piecewise.are_open(), expected, "{text}, line by line");
        }
    }

    #[test]
    fn brackets_find_each_other() {
        let check = |text: &str, cursor: usize, expected: Option<(usize, Option<usize>)>| {
            let found = pair_at(text, cursor).map(|(open, close)| (open.start, close.map(|close| close.start)));
            assert_eq!(found, expected, "{text} at {cursor}");
        };
        check("[a (b)]", 0, Some((0, Some(6))));
        check("[a (b)]", 7, Some((0, Some(6))));
        check("[a (b)]", 6, Some((0, Some(6))));
        check("[a (b)]", 3, Some((3, Some(5))));
        check("[a (b)]", 2, None);
        check("[a (b", 1, Some((0, None)));
        check("[\"]\"]", 0, Some((0, Some(4))));
        check("(]", 1, None);
    }
}
