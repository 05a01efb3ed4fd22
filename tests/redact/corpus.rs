//! The corpus of secrets: patterns are drawn, redacted line by line, and nothing that was drawn may be left.

use std::borrow::Cow;

use annals::redact::{LineRedactor, Redactor};

const CORPUS: &str = include_str!("secrets.txt");

/// Cases that the corpus has at least.
const LEAST_CASES: usize = 150;

pub(crate) fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_121)
}

/// Numbers drawn by xorshift.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

const SMALL: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";

/// Draws what a pattern such as `<A36>` stands for.
fn draw(kind: char, count: usize, chance: &mut Chance) -> String {
    let capitals = SMALL.to_ascii_uppercase();
    let alphabet = match kind {
        'A' => format!("{SMALL}{capitals}{DIGITS}"),
        'U' => format!("{capitals}234567"),
        'h' => "0123456789abcdef".into(),
        'd' => "123456789".into(),
        'b' => format!("{SMALL}{capitals}{DIGITS}+/"),
        'w' => format!("{SMALL}{capitals}{DIGITS}_-"),
        'l' => SMALL.into(),
        other => panic!("no pattern <{other}>"),
    };
    let alphabet = alphabet.as_bytes();
    // Whoever makes secrets sees to it that they are mixed, and that they end in a letter.
    loop {
        let drawn: String = (0..count).map(|_| alphabet[chance.below(alphabet.len())] as char).collect();
        let kinds = [char::is_ascii_digit, char::is_ascii_lowercase, char::is_ascii_uppercase];
        let present = |text: &str| kinds.iter().filter(|kind| text.chars().any(|c| kind(&c))).count();
        let wanted = present(std::str::from_utf8(alphabet).expect("the alphabet is ASCII"));
        let ends_well = drawn.chars().next_back().is_none_or(|last| last.is_ascii_alphanumeric());
        let begins_well = drawn.chars().next().is_none_or(|first| first.is_ascii_alphanumeric());
        if (count < 8 || present(&drawn) == wanted) && ends_well && begins_well {
            return drawn;
        }
    }
}

pub(crate) fn drawn(pattern: &str, chance: &mut Chance) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(start) = rest.find('<') {
        let end = rest[start..].find('>').map_or(rest.len(), |length| start + length);
        let inside = &rest[start + 1..end];
        text.push_str(&rest[..start]);
        let count = inside.get(1..).and_then(|count| count.parse().ok());
        let (Some(kind), Some(count)) = (inside.chars().next(), count) else {
            text.push('<');
            rest = &rest[start + 1..];
            continue;
        };
        text.push_str(&draw(kind, count, chance));
        rest = &rest[end + 1..];
    }
    (text + rest).replace('␛', "\u{1B}")
}

/// A case: its text as it would be said, and the secrets in it.
pub(crate) struct Case {
    pub(crate) text: String,
    pub(crate) secrets: Vec<String>,
}

pub(crate) fn cases() -> Vec<Case> {
    let mut chance = Chance::new(seed());
    let lines = CORPUS.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| case(line, &mut chance)).collect()
}

fn case(line: &str, chance: &mut Chance) -> Case {
    let line = drawn(line, chance);
    let mut secrets = Vec::new();
    let mut text = String::new();
    let mut rest = line.as_str();
    while let Some(start) = rest.find("{{") {
        let end = rest[start..].find("}}").map_or(rest.len(), |length| start + length);
        let secret = &rest[start + 2..end];
        text.push_str(&rest[..start]);
        text.push_str(secret);
        secrets.extend(secret.split(['⏎', '⋯']).map(str::to_owned));
        rest = &rest[end + 2..];
    }
    text.push_str(rest);
    secrets.retain(|secret| !secret.is_empty());
    Case { text, secrets }
}

/// What is recorded of a text.
pub(crate) fn recorded(text: &str) -> String {
    let mut lines = LineRedactor::new(Redactor::new([9; 32]));
    let mut out = String::new();
    for line in text.split('⏎') {
        let pieces: Vec<&str> = line.split('⋯').collect();
        for (at, piece) in pieces.iter().enumerate() {
            let is_partial = at + 1 < pieces.len();
            let redacted: Cow<'_, [u8]> = lines.line(piece.as_bytes(), is_partial);
            out.push_str(std::str::from_utf8(&redacted).expect("text stays text"));
            out.push(if is_partial { '⋯' } else { '⏎' });
        }
    }
    out
}

/// True if a part of the secret that is long enough to be of use is left.
pub(crate) fn leaks(recorded: &str, secret: &str) -> bool {
    let part = secret.chars().count().min(10);
    let letters: Vec<char> = secret.chars().collect();
    letters.windows(part).any(|part| recorded.contains(&part.iter().collect::<String>()))
}

#[test]
fn no_secret_of_the_corpus_is_recorded() {
    let cases = cases();
    assert!(cases.len() >= LEAST_CASES, "only {} cases", cases.len());
    let mut missed = Vec::new();
    let mut caught = 0;
    for case in &cases {
        let recorded = recorded(&case.text);
        let is_first_piece = |secret: &String| case.text.contains('⋯') && case.text.contains(&format!("{secret}⋯"));
        // What was shown before the rest of its line came is recorded; such a piece never ends inside a word (`LineSplitter`).
        let leaked = |secret: &&String| leaks(&recorded, secret) && !is_first_piece(secret);
        match case.secrets.iter().find(leaked) {
            Some(secret) => missed.push(format!("{}\n    left: {secret}\n    as:   {recorded}", case.text)),
            None => caught += 1,
        }
    }
    println!("{caught} of {} cases caught, SEED={}", cases.len(), seed());
    assert!(missed.is_empty(), "{} of {} missed, SEED={}:\n{}", missed.len(), cases.len(), seed(), missed.join("\n"));
}

#[test]
fn without_redaction_the_corpus_finds_every_secret() {
    // The control: the same check on what was said must find all of them.
    for case in cases() {
        for secret in &case.secrets {
            assert!(leaks(&case.text, secret), "{}", case.text);
        }
    }
}

#[test]
fn what_was_redacted_stays_as_it_is_when_it_is_redacted_again() {
    for case in cases().iter().filter(|case| !case.text.contains(['⋯', '⏎'])) {
        let once = recorded(&case.text);
        assert_eq!(recorded(once.trim_end_matches('⏎')), once, "{}", case.text);
    }
}

#[test]
fn equal_secrets_are_written_alike_wherever_they_stand() {
    let marks = |text: &str| {
        let recorded = recorded(text);
        recorded
            .split(['[', ']'])
            .filter_map(|part| part.strip_prefix("REDACTED:"))
            .map(|mark| mark.rsplit(':').next().unwrap_or("").to_owned())
            .collect::<Vec<_>>()
    };
    let same = [
        "password=Tr0ub4dor",
        "{\"password\":\"Tr0ub4dor\"}",
        "{\\\"password\\\":\\\"Tr0ub4dor\\\"}",
        "postgres://a:Tr0ub4dor@h/d",
        "DB_PASSWORD='Tr0ub4dor'",
        "\u{1B}[1mpassword\u{1B}[0m: \u{1B}[2mTr0ub4dor\u{1B}[0m",
        "--password Tr0ub4dor",
    ];
    for text in same {
        assert_eq!(marks(text), marks(same[0]), "{text}");
    }
    assert_ne!(marks("password=Tr0ub4dor"), marks("password=Tr0ub4dos"));
}

#[test]
fn no_byte_of_a_longer_character_is_taken_for_part_of_an_escape_sequence() {
    for (text, kept) in [
        ("password=\u{1B}ä547P1Y7581", "password=\u{1B}"),
        ("password=\u{1B}\u{1B}[1mä547P1Y7581", "password=\u{1B}\u{1B}[1m"),
        ("\u{1B}äpassword=547P1Y7581", "\u{1B}äpassword="),
    ] {
        let recorded = recorded(text);
        assert!(
            recorded.starts_with(&format!("{kept}[REDACTED:password:")) && recorded.ends_with("]⏎"),
            "{text:?}: {recorded:?}"
        );
    }
}
