//! The reader: a loop over tokens with a stack of its own, so that no text, however deep, uses the stack of the thread.

use std::sync::Arc;

use memchr::memchr;

use super::form::{Form, FormKind};
use super::keyword::Keywords;
use super::{LIMIT_BYTES, LIMIT_DEPTH, REGEX_TAG, UNCLOSED, atom, span, syntax, tag, text};
use crate::error::{Code, Error, Result, Span};
use crate::value::Value;

const BLANK: u8 = 1;
/// Ends an atom: a blank, a bracket, a quote or a comment.
const END: u8 = 2;

/// What each byte means to the tokens around it.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut at = 0;
    let blanks = b" \t\n\r,\x0b\x0c";
    while at < blanks.len() {
        classes[blanks[at] as usize] = BLANK | END;
        at += 1;
    }
    let mut at = 0;
    let ends = b"()[]{}\";";
    while at < ends.len() {
        classes[ends[at] as usize] = END;
        at += 1;
    }
    classes
};

/// Something opened and not yet finished.
struct Frame {
    kind: FrameKind,
    /// The bracket or tag that opened it.
    open: Span,
    /// Where its forms start among all unfinished forms.
    first: usize,
}

enum FrameKind {
    List,
    Vector,
    Set,
    Map,
    /// Takes one form.
    Tag(Arc<str>),
    /// Takes one form and drops it.
    Discard,
}

impl FrameKind {
    fn closer(&self) -> Option<u8> {
        match self {
            Self::List => Some(b')'),
            Self::Vector => Some(b']'),
            Self::Set | Self::Map => Some(b'}'),
            Self::Tag(_) | Self::Discard => None,
        }
    }
}

/// Reads forms one after the other.
pub(super) struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// Forms whose collection is still open, innermost last.
    forms: Vec<Form>,
    frames: Vec<Frame>,
    keywords: Keywords,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Result<Self> {
        if text.len() > LIMIT_BYTES {
            return Err(Error::new(Code::EdnLimit, format!("the text is longer than {LIMIT_BYTES} bytes"))
                .at(Span::default())
                .with_help("split it"));
        }
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Ok(Self { text, at, forms: Vec::new(), frames: Vec::new(), keywords: Keywords::default() })
    }

    /// The next form, or `None` at the end of the text.
    pub(super) fn next_form(&mut self) -> Result<Option<Form>> {
        loop {
            self.skip_blanks();
            let Some(byte) = self.byte(0) else {
                return self.frames.last().map_or(Ok(None), |frame| Err(self.unclosed(frame)));
            };
            if byte == b'\'' && self.quotes_query() {
                self.at += 1;
                continue;
            }
            let form = match byte {
                b'[' => Step::Open(FrameKind::Vector, 1),
                b'{' => Step::Open(FrameKind::Map, 1),
                b'(' => Step::Open(FrameKind::List, 1),
                b']' | b'}' | b')' => Step::Form(self.close(byte)?),
                b'"' => Step::Form(self.string()?),
                b':' => Step::Form(self.keyword()?),
                b'#' => self.dispatch()?,
                b'\\' => Step::Form(self.character()?),
                _ => Step::Form(self.atom()?),
            };
            match form {
                Step::Open(kind, length) => self.open(kind, length)?,
                Step::Form(form) => {
                    if let Some(whole) = self.settle(form)? {
                        return Ok(Some(whole));
                    }
                }
            }
        }
    }

    /// True if a query follows the quote, as people who come from Clojure write it: it is quoted anyway, as nothing here is evaluated.
    fn quotes_query(&self) -> bool {
        let behind = self.text[self.at + 1..].trim_start_matches([' ', '\t', '\r', '\n', ',']);
        let section = behind.strip_prefix(['[', '{']).map(|inside| inside.trim_start_matches([' ', '\t', '\r', '\n', ',']));
        section.is_some_and(|section| [":find", ":in", ":with", ":where"].iter().any(|known| section.starts_with(known)))
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    #[inline]
    fn skip_blanks(&mut self) {
        while let Some(byte) = self.byte(0) {
            if CLASSES[usize::from(byte)] & BLANK != 0 {
                self.at += 1;
            } else if byte == b';' {
                self.at = memchr(b'\n', &self.text.as_bytes()[self.at..]).map_or(self.text.len(), |end| self.at + end + 1);
            } else {
                return;
            }
        }
    }

    /// Moves behind the atom that starts `ahead` bytes from here at the latest; gives its text and place.
    #[inline]
    fn take_atom(&mut self, ahead: usize) -> (&'t str, Span) {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start + ahead;
        while end < bytes.len() && CLASSES[usize::from(bytes[end])] & END == 0 {
            end += 1;
        }
        self.at = end;
        (&self.text[start..end], span(start, end))
    }

    fn open(&mut self, kind: FrameKind, length: usize) -> Result<()> {
        let open = span(self.at, self.at + length);
        self.check_depth(open)?;
        self.at += length;
        self.frames.push(Frame { kind, open, first: self.forms.len() });
        Ok(())
    }

    fn check_depth(&self, open: Span) -> Result<()> {
        if self.frames.len() < LIMIT_DEPTH {
            return Ok(());
        }
        Err(Error::new(Code::EdnLimit, format!("forms nest deeper than {LIMIT_DEPTH} levels"))
            .at(open)
            .with_help("flatten the data; in a text that should not nest so deep, look for a bracket that is not closed"))
    }

    /// Hands a finished form to what is open around it; gives it back if nothing is.
    #[inline]
    fn settle(&mut self, mut form: Form) -> Result<Option<Form>> {
        loop {
            match self.frames.last().map(|frame| &frame.kind) {
                None => return Ok(Some(form)),
                Some(FrameKind::Discard) => {
                    self.frames.pop();
                    return Ok(None);
                }
                Some(FrameKind::Tag(_)) => {
                    if let Some(Frame { kind: FrameKind::Tag(name), open, .. }) = self.frames.pop() {
                        let whole = open.to(form.span);
                        form = tag::apply(name, form, whole)?;
                    }
                }
                Some(_) => {
                    self.forms.push(form);
                    return Ok(None);
                }
            }
        }
    }

    fn close(&mut self, closer: u8) -> Result<Form> {
        let place = span(self.at, self.at + 1);
        match self.frames.pop() {
            Some(Frame { kind, open, first }) if kind.closer() == Some(closer) => {
                self.at += 1;
                let whole = open.to(place);
                let items = self.forms.drain(first..);
                let kind = match kind {
                    FrameKind::List => FormKind::List(items.collect()),
                    FrameKind::Vector => FormKind::Vector(items.collect()),
                    FrameKind::Set => FormKind::Set(distinct(items.collect(), "set holds the same element twice", |form| form)?),
                    _ => FormKind::Map(distinct(pairs(items, whole)?, "map has the same key twice", |entry| &entry.0)?),
                };
                Ok(Form { kind, span: whole })
            }
            Some(frame) => Err(self.mismatch(closer, place, &frame)),
            None => Err(syntax(format!("`{}` closes nothing", closer as char), place)
                .with_help("remove it, or look for the opening bracket that is missing before it")),
        }
    }

    fn mismatch(&self, closer: u8, place: Span, frame: &Frame) -> Error {
        let closer = closer as char;
        let opener = &self.text[frame.open.start as usize..frame.open.end as usize];
        let position = frame.open.position_in(self.text);
        let from = format!("`{opener}` from line {}, column {}", position.line, position.column);
        match frame.kind.closer() {
            None => syntax(format!("`{closer}` stands where {from} wants a form"), place)
                .with_help(format!("write a form behind `{opener}`, or remove `{opener}`")),
            Some(right) => syntax(format!("`{closer}` does not close {from}"), place)
                .with_help(format!("close it with `{}` before this `{closer}`", right as char)),
        }
    }

    fn unclosed(&self, frame: &Frame) -> Error {
        let opener = &self.text[frame.open.start as usize..frame.open.end as usize];
        match frame.kind.closer() {
            None => syntax(format!("nothing follows `{opener}`"), frame.open).with_help("write a form behind it, or remove it"),
            Some(closer) => syntax(format!("this `{opener}` {UNCLOSED}"), frame.open)
                .with_help(format!("add the missing `{}`", closer as char)),
        }
    }

    fn string(&mut self) -> Result<Form> {
        let start = self.at;
        let (value, end) = text::string(self.text, start, |plain| Value::String(plain.into()), Value::from)?;
        self.at = end;
        Ok(Form::scalar(value, span(start, end)))
    }

    fn keyword(&mut self) -> Result<Form> {
        let (atom, span) = self.take_atom(1);
        match self.keywords.get(&atom[1..]) {
            Some(text) => Ok(Form::scalar(Value::Keyword(text), span)),
            None => Err(atom::refuse_keyword(&atom[1..], span).with_value(atom)),
        }
    }

    fn atom(&mut self) -> Result<Form> {
        let (atom, span) = self.take_atom(1);
        Ok(Form::scalar(atom::read(atom, span)?, span))
    }

    fn character(&mut self) -> Result<Form> {
        match self.text[self.at + 1..].chars().next() {
            Some(c) if !c.is_whitespace() => {
                let (atom, span) = self.take_atom(1 + c.len_utf8());
                Ok(Form::scalar(Value::Char(text::character(atom, span)?), span))
            }
            _ => Err(syntax("a backslash wants a character behind it", span(self.at, self.at + 1))
                .with_help("write \\space, \\newline or \\tab for a blank")),
        }
    }

    /// What starts with `#`.
    fn dispatch(&mut self) -> Result<Step> {
        match self.byte(1) {
            Some(b'{') => Ok(Step::Open(FrameKind::Set, 2)),
            Some(b'_') => Ok(Step::Open(FrameKind::Discard, 2)),
            Some(b'#') => self.symbolic_number().map(Step::Form),
            Some(b'"') => self.regex().map(Step::Form),
            _ => self.tag(),
        }
    }

    /// `#"..."`, which nests as deep as the tagged string that it stands for.
    fn regex(&mut self) -> Result<Form> {
        let start = self.at;
        self.check_depth(span(start, start + 2))?;
        let end = text::regex_end(self.text, start + 1)?;
        let content = Form::scalar(Value::String(self.text[start + 2..end - 1].into()), span(start + 1, end));
        self.at = end;
        Ok(Form { kind: FormKind::Tagged(REGEX_TAG.into(), Box::new(content)), span: span(start, end) })
    }

    fn symbolic_number(&mut self) -> Result<Form> {
        let (atom, span) = self.take_atom(2);
        let refuse = |message, help| Err(syntax(message, span).with_value(atom).with_help(help));
        match atom {
            "##Inf" => Ok(Form::scalar(Value::Double(f64::INFINITY), span)),
            "##-Inf" => Ok(Form::scalar(Value::Double(f64::NEG_INFINITY), span)),
            "##NaN" => {
                refuse("NaN is no value, as it does not equal itself", "leave the fact out, or write nil where nil may stand")
            }
            _ => refuse("this symbolic value is unknown", "write ##Inf or ##-Inf"),
        }
    }

    fn tag(&mut self) -> Result<Step> {
        let start = self.at;
        let (atom, span) = self.take_atom(1);
        self.at = start;
        let name = &atom[1..];
        if name.starts_with(char::is_alphabetic) && atom::is_symbol(name) {
            return Ok(Step::Open(FrameKind::Tag(name.into()), atom.len()));
        }
        let (message, help) = match name.bytes().next() {
            Some(b':') => ("EDN has no maps with a common namespace", "write the namespace into each key"),
            None if self.byte(1) == Some(b'(') => ("EDN has no functions", "call a built-in or registered function by its name"),
            _ => ("`#` wants a tag behind it", "write #{..}, #_form, #inst \"..\" or another tag that starts with a letter"),
        };
        Err(syntax(message, span).with_value(atom).with_help(help))
    }
}

/// What the next token does.
enum Step {
    Open(FrameKind, usize),
    Form(Form),
}

fn pairs(mut items: impl ExactSizeIterator<Item = Form>, span: Span) -> Result<Vec<(Form, Form)>> {
    if !items.len().is_multiple_of(2) {
        let last = items.last().map_or(span, |form| form.span);
        return Err(syntax("a map has an even number of forms, and this key has no value", last).with_help("add its value"));
    }
    let mut entries = Vec::with_capacity(items.len() / 2);
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        entries.push((key, value));
    }
    Ok(entries)
}

/// Gives `items` back if no two have the same key; else the error points to the second of the two.
fn distinct<T>(items: Vec<T>, complaint: &str, key: impl Fn(&T) -> &Form) -> Result<Vec<T>> {
    /// Up to here comparing all pairs is faster than sorting.
    const FEW: usize = 12;
    let twice = if items.len() <= FEW {
        items.iter().enumerate().skip(1).find(|(at, item)| items[..*at].iter().any(|other| is_same(key(item), key(other))))
    } else {
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by(|a, b| key(&items[*a]).order(key(&items[*b])).then(a.cmp(b)));
        let repeated = order.windows(2).filter(|pair| key(&items[pair[0]]).order(key(&items[pair[1]])).is_eq());
        repeated.map(|pair| pair[1]).min().map(|at| (at, &items[at]))
    };
    match twice {
        None => Ok(items),
        Some((_, item)) => {
            Err(syntax(format!("this {complaint}"), key(item).span).with_value(key(item)).with_help("remove one of the two"))
        }
    }
}

#[inline]
fn is_same(a: &Form, b: &Form) -> bool {
    match (&a.kind, &b.kind) {
        (FormKind::Scalar(Value::Keyword(a)), FormKind::Scalar(Value::Keyword(b))) => a == b,
        _ => a.order(b).is_eq(),
    }
}
