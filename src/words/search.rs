//! A search for words, read from text: words that all must occur, `"phrases"`, `prefix*`, `AND`, `OR`, `NOT` and parentheses.

use annals_query::{Code, Error, Result, Value};

use super::Words;
use crate::limits::{LIMIT_SEARCH_BYTES, LIMIT_SEARCH_DEPTH, LIMIT_SEARCH_PHRASES};

/// How much of a search that is too long an error shows.
const SHOWN_LETTERS: usize = 60;

/// A search that was read.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    root: Node,
    phrases: Vec<Phrase>,
}

/// Words that follow each other.
#[derive(Clone, Debug)]
struct Phrase {
    words: Vec<String>,
    /// The last word may go on.
    is_prefix: bool,
    /// It does not stand behind a NOT.
    is_wanted: bool,
}

#[derive(Clone, Debug)]
enum Node {
    /// The place of a phrase.
    Phrase(usize),
    /// At least two.
    All(Vec<Node>),
    /// At least two.
    Any(Vec<Node>),
    /// The first, and none of the others.
    Without(Box<Node>, Vec<Node>),
}

#[derive(Clone, Debug)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    Phrase(Vec<String>, bool),
}

impl Search {
    /// Reads a search.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let shown = |text: &str| Value::from(text).to_string();
        if text.len() > LIMIT_SEARCH_BYTES {
            let start: String = text.chars().take(SHOWN_LETTERS).collect();
            return Err(Error::new(
                Code::Search,
                format!("a search of {} bytes is longer than {LIMIT_SEARCH_BYTES}", text.len()),
            )
            .with_value(format!("{}..", shown(&start)))
            .with_help("search for fewer words"));
        }
        let refused = |(message, help): Refusal| Error::new(Code::Search, message).with_value(shown(text)).with_help(help);
        let tokens = tokens(text).map_err(refused)?;
        let mut reading = Reading { tokens: tokens.into_iter().peekable(), phrases: Vec::new(), nots: 0 };
        let root = reading.any(0).and_then(|root| reading.end(root)).map_err(refused)?;
        Ok(Self { root, phrases: reading.phrases })
    }

    /// The search in the language of SQLite's full-text index, with nothing in it that was not read here.
    pub(crate) fn to_match(&self) -> String {
        let mut out = String::new();
        self.write(&self.root, &mut out);
        out
    }

    fn write(&self, node: &Node, out: &mut String) {
        let mut join = |nodes: &[Node], operator: &str| {
            out.push('(');
            for (place, node) in nodes.iter().enumerate() {
                if place > 0 {
                    out.push_str(operator);
                }
                self.write(node, out);
            }
            out.push(')');
        };
        match node {
            Node::All(nodes) => join(nodes, " AND "),
            Node::Any(nodes) => join(nodes, " OR "),
            Node::Without(wanted, unwanted) => {
                out.push('(');
                self.write(wanted, out);
                out.push_str(" NOT ");
                self.write(&joined(unwanted.clone(), Node::Any), out);
                out.push(')');
            }
            Node::Phrase(place) => {
                let phrase = &self.phrases[*place];
                out.push('"');
                out.push_str(&phrase.words.join(" "));
                out.push_str(if phrase.is_prefix { "\" *" } else { "\"" });
            }
        }
    }

    /// How often each phrase occurs in a text, if the text is one that the search finds.
    pub(crate) fn counts(&self, words: &Words) -> Option<Vec<u32>> {
        let counts: Vec<u32> = self.phrases.iter().map(|phrase| phrase.count(words)).collect();
        holds(&self.root, &counts).then_some(counts)
    }

    /// For each phrase whether it counts when what was found is ranked.
    pub(super) fn wanted(&self) -> impl Iterator<Item = bool> {
        self.phrases.iter().map(|phrase| phrase.is_wanted)
    }
}

impl Phrase {
    fn count(&self, words: &Words) -> u32 {
        let last = self.words.len() - 1;
        let begins_at = |start: usize| {
            self.words.iter().enumerate().all(|(place, wanted)| {
                let word = words.get(start + place);
                if place == last && self.is_prefix { word.starts_with(wanted.as_str()) } else { word == wanted }
            })
        };
        let starts = (words.len() + 1).saturating_sub(self.words.len());
        (0..starts).filter(|start| begins_at(*start)).count() as u32
    }
}

fn holds(node: &Node, counts: &[u32]) -> bool {
    match node {
        Node::Phrase(place) => counts[*place] > 0,
        Node::All(nodes) => nodes.iter().all(|node| holds(node, counts)),
        Node::Any(nodes) => nodes.iter().any(|node| holds(node, counts)),
        Node::Without(wanted, unwanted) => holds(wanted, counts) && !unwanted.iter().any(|node| holds(node, counts)),
    }
}

/// A sentence and a remedy.
type Refusal = (String, &'static str);

const QUOTE: &str = "put quotes around what stands together: \"..\"";

fn tokens(text: &str) -> std::result::Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '(' | ')' => {
                tokens.push(if first == '(' { Token::Open } else { Token::Close });
                1
            }
            '"' => {
                let end =
                    end_of_quote(rest).ok_or_else(|| ("a quote is not closed".to_owned(), "end the phrase with a quote"))?;
                let is_prefix = rest[end..].starts_with('*');
                tokens.push(phrase(&rest[..end], &rest[1..end - 1], is_prefix)?);
                end + usize::from(is_prefix)
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "()\"".contains(c)).unwrap_or(rest.len());
                tokens.push(piece(&rest[..end], rest[end..].starts_with('('))?);
                end
            }
        };
        rest = rest[taken..].trim_start();
    }
    Ok(tokens)
}

/// Where a quoted phrase ends; two quotes inside are one quote.
fn end_of_quote(text: &str) -> Option<usize> {
    let mut end = 1;
    loop {
        end += text[end..].find('"')? + 1;
        if !text[end..].starts_with('"') {
            return Some(end);
        }
        end += 1;
    }
}

/// What stands between spaces: an operator, a word, a prefix, or words that some sign joins.
fn piece(text: &str, is_before_parenthesis: bool) -> std::result::Result<Token, Refusal> {
    match text {
        "AND" => return Ok(Token::And),
        "OR" => return Ok(Token::Or),
        "NOT" => return Ok(Token::Not),
        "NEAR" if is_before_parenthesis => {
            return Err(("there is no NEAR here".to_owned(), "search for the words with AND, or for a phrase in quotes"));
        }
        _ => {}
    }
    if text.starts_with(['-', '+', '^']) {
        let message = format!("`{text}` begins with a sign that has no meaning here");
        return Err((message, "write `this NOT that` to leave something out, or put quotes around it"));
    }
    let begun = text.strip_suffix('*');
    let is_word_begun = |text: &str| text.ends_with(char::is_alphanumeric);
    if begun.unwrap_or(text).contains('*') || begun.is_some_and(|begun| !is_word_begun(begun)) {
        return Err((
            format!("in `{text}` a * does not follow the beginning of a word"),
            "write `begin*`, or put quotes around it",
        ));
    }
    phrase(text, begun.unwrap_or(text), begun.is_some())
}

fn phrase(shown: &str, text: &str, is_prefix: bool) -> std::result::Result<Token, Refusal> {
    let words: Vec<String> = Words::of(text).iter().map(str::to_owned).collect();
    if words.is_empty() {
        return Err((format!("`{shown}` holds no word"), "words are letters and digits: leave the rest out"));
    }
    Ok(Token::Phrase(words, is_prefix))
}

struct Reading {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    phrases: Vec<Phrase>,
    /// How many NOTs the place that is read stands behind.
    nots: usize,
}

impl Reading {
    /// `this OR that`
    fn any(&mut self, depth: usize) -> std::result::Result<Node, Refusal> {
        let mut nodes = vec![self.all(depth)?];
        while self.tokens.next_if(|token| matches!(token, Token::Or)).is_some() {
            nodes.push(self.all(depth)?);
        }
        Ok(joined(nodes, Node::Any))
    }

    /// `this AND that`
    fn all(&mut self, depth: usize) -> std::result::Result<Node, Refusal> {
        let mut nodes = vec![self.without(depth)?];
        while self.tokens.next_if(|token| matches!(token, Token::And)).is_some() {
            nodes.push(self.without(depth)?);
        }
        Ok(joined(nodes, Node::All))
    }

    /// `this NOT that`
    fn without(&mut self, depth: usize) -> std::result::Result<Node, Refusal> {
        let wanted = self.sequence(depth)?;
        let mut unwanted = Vec::new();
        self.nots += 1;
        while self.tokens.next_if(|token| matches!(token, Token::Not)).is_some() {
            unwanted.push(self.sequence(depth)?);
        }
        self.nots -= 1;
        Ok(if unwanted.is_empty() { wanted } else { Node::Without(Box::new(wanted), unwanted) })
    }

    /// `this that`
    fn sequence(&mut self, depth: usize) -> std::result::Result<Node, Refusal> {
        let mut nodes = vec![self.one(depth)?];
        while matches!(self.tokens.peek(), Some(Token::Phrase(..) | Token::Open)) {
            nodes.push(self.one(depth)?);
        }
        Ok(joined(nodes, Node::All))
    }

    fn one(&mut self, depth: usize) -> std::result::Result<Node, Refusal> {
        match self.tokens.next() {
            Some(Token::Phrase(words, is_prefix)) => {
                if self.phrases.len() == LIMIT_SEARCH_PHRASES {
                    let message = format!("a search has at most {LIMIT_SEARCH_PHRASES} words and phrases");
                    return Err((message, "search for fewer words"));
                }
                self.phrases.push(Phrase { words, is_prefix, is_wanted: self.nots == 0 });
                Ok(Node::Phrase(self.phrases.len() - 1))
            }
            Some(Token::Open) if depth == LIMIT_SEARCH_DEPTH => Err((
                format!("parentheses stand inside each other more than {LIMIT_SEARCH_DEPTH} deep"),
                "search in several clauses",
            )),
            Some(Token::Open) => {
                let inner = self.any(depth + 1)?;
                match self.tokens.next() {
                    Some(Token::Close) => Ok(inner),
                    _ => Err(("a parenthesis is not closed".to_owned(), "close it, or put quotes around it")),
                }
            }
            Some(Token::Close) => Err(("a parenthesis closes nothing".to_owned(), QUOTE)),
            Some(Token::And | Token::Or) => Err(("AND and OR stand between two words".to_owned(), QUOTE)),
            Some(Token::Not) => {
                Err(("NOT stands between what is wanted and what is not".to_owned(), "write `this NOT that`, or quote \"NOT\""))
            }
            None => Err(("a word is missing at the end of the search".to_owned(), "give at least one word")),
        }
    }

    fn end(&mut self, root: Node) -> std::result::Result<Node, Refusal> {
        match self.tokens.next() {
            None => Ok(root),
            Some(_) => Err(("a parenthesis closes nothing".to_owned(), QUOTE)),
        }
    }
}

/// One node as itself, several under a new one.
fn joined(mut nodes: Vec<Node>, several: impl FnOnce(Vec<Node>) -> Node) -> Node {
    match nodes.len() {
        1 => nodes.remove(0),
        _ => several(nodes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What SQLite is asked, and of some texts which are found.
    #[track_caller]
    fn check(search: &str, asked: &str, found: &[&str], not_found: &[&str]) {
        let search = Search::read(search).expect(search);
        assert_eq!(search.to_match(), asked);
        for (texts, expected) in [(found, true), (not_found, false)] {
            for text in texts {
                assert_eq!(search.counts(&Words::of(text)).is_some(), expected, "{asked}: {text}");
            }
        }
    }

    #[test]
    fn a_search_is_read_as_people_type_it() {
        check("Error", "\"error\"", &["an error", "ERROR: x"], &["errors", ""]);
        check("disk full", "(\"disk\" AND \"full\")", &["full is the disk"], &["disk", "full"]);
        check("\"disk full\"", "\"disk full\"", &["the DISK: full"], &["full disk", "disk is full"]);
        check("err*", "\"err\" *", &["error", "err"], &["terror"]);
        check("\"no sp\"*", "\"no sp\" *", &["no space", "no sp"], &["no", "space no", "no more space"]);
        check("a OR b c", "(\"a\" OR (\"b\" AND \"c\"))", &["a", "c b"], &["b", "c"]);
        check("a b NOT c", "((\"a\" AND \"b\") NOT \"c\")", &["a b"], &["a b c", "a"]);
        check("a NOT b NOT c OR d", "((\"a\" NOT (\"b\" OR \"c\")) OR \"d\")", &["a", "d b"], &["a b", "a c"]);
        check("a AND (b OR c)", "(\"a\" AND (\"b\" OR \"c\"))", &["a c"], &["b c"]);
        check("a(b)", "(\"a\" AND \"b\")", &["b a"], &["a"]);
        check("((a))", "\"a\"", &["a"], &["b"]);
        let lower = "(\"and\" AND \"or\" AND \"not\" AND \"near\")";
        check("and or not near", lower, &["near and not or"], &["and or"]);
        check("10.0.0.1", "\"10 0 0 1\"", &["from 10.0.0.1"], &["10.0.1.0"]);
        check("time-out run/id", "(\"time out\" AND \"run id\")", &["run-id: time.out"], &["out time run id"]);
        check("c++ \"--all\"", "(\"c\" AND \"all\")", &["all c"], &["c"]);
        check("Brûlée", "\"brulee\"", &["BRULEE", "brûlée"], &[]);
        check("\"say \"\"hi\"\" now\"", "\"say hi now\"", &["say hi now"], &["say hi"]);
    }

    #[track_caller]
    fn check_refused(search: &str, message: &str) {
        let error = Search::read(search).expect_err(search);
        assert_eq!(error.code(), Code::Search);
        assert!(error.message().contains(message), "{search}: {error}");
        assert!(error.value().is_some_and(|value| value.starts_with('"')) && error.help().is_some(), "{search}");
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_a_remedy() {
        check_refused("", "a word is missing");
        check_refused("  ", "a word is missing");
        check_refused("a AND", "a word is missing");
        check_refused("OR a", "between two words");
        check_refused("a AND OR b", "between two words");
        check_refused("NOT a", "NOT stands between");
        check_refused("(a", "not closed");
        check_refused("a)", "closes nothing");
        check_refused("()", "closes nothing");
        check_refused("\"a", "a quote is not closed");
        check_refused("\"\"", "holds no word");
        check_refused("a && b", "`&&` holds no word");
        check_refused("*", "a * does not follow");
        check_refused("*a", "a * does not follow");
        check_refused("a*b*", "a * does not follow");
        check_refused("a-*", "a * does not follow");
        check_refused("-a", "begins with a sign");
        check_refused("^a", "begins with a sign");
        check_refused("NEAR(a b)", "no NEAR");
        check_refused("a' OR 1=1; DROP TABLE datoms; --", "begins with a sign");
        check_refused(&"a ".repeat(LIMIT_SEARCH_BYTES), "longer than");
        check_refused(&"a ".repeat(LIMIT_SEARCH_PHRASES + 1), "at most");
        check_refused(&"(".repeat(LIMIT_SEARCH_BYTES), "inside each other");
        check_refused(
            &format!("{}a{}", "(".repeat(LIMIT_SEARCH_DEPTH + 1), ")".repeat(LIMIT_SEARCH_DEPTH + 1)),
            "inside each other",
        );
        assert!(Search::read(&format!("{}a{}", "(".repeat(LIMIT_SEARCH_DEPTH), ")".repeat(LIMIT_SEARCH_DEPTH))).is_ok());
    }
}
