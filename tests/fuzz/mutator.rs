//! Inputs made from inputs: torn, crossed, repeated, nested, with pieces of every language that is read here.

/// Makes inputs by dice.
pub(crate) struct Mutator(u64);

/// Pieces that mean something to some reader.
const PIECES: &[&str] = &[
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "#{",
    "#_",
    "\"",
    "\\",
    ";",
    ":",
    "::",
    "?x",
    "?e",
    "$",
    "%",
    "_",
    "...",
    ".",
    "nil",
    "true",
    "##NaN",
    "##Inf",
    "-0",
    "1e999",
    "9223372036854775807",
    "-9223372036854775808",
    "99999999999999999999N",
    "1.5M",
    "1/2",
    "#inst \"9999-12-31T23:59:59Z\"",
    "#uuid \"x\"",
    "#bytes \"0\"",
    "#db/id 0",
    ":find",
    ":where",
    ":in",
    ":with",
    ":order-by",
    ":limit",
    ":offset",
    ":having",
    ":keys",
    ":timeout",
    "(not ",
    "(or ",
    "(or-join [?x] ",
    "(and ",
    "(pull ?e [*])",
    "(count ?x)",
    "(max 3 ?x)",
    "[(ground [1 2]) [?x ...]]",
    "[(str ?x ?x) ?y]",
    "[(re-find \"(a*)*b\" ?x)]",
    "[(q [:find ?x :where [?x]] $) ?y]",
    ":db/id",
    ":db/ident",
    ":db/add",
    ":db/retract",
    ":db/cas",
    ":db/retractEntity",
    ":db/unique",
    ":db.unique/identity",
    ":db/valueType",
    ":db.type/long",
    ":db/tupleAttrs",
    ":db/txInstant",
    "\"datomic.tx\"",
    ":db/fulltext true",
    ":redact/values :whole",
    ":p/name",
    ":p/_friend",
    "{:limit nil}",
    ":as \"x\"",
    "\u{0}",
    "\u{FEFF}",
    "\u{1F600}",
    "\u{E4}",
    "\\u0041",
    "\\ud800",
    "\"t\":",
    "\"datoms\":[",
    "null",
    "1e-400",
    "{\"e\":1}",
    "P1Y",
    "T25:00",
    "[^",
    "(?i)",
    "{1000}",
    "\\p{L}",
    "password=",
    "token: ",
    "-----BEGIN PRIVATE KEY-----",
    "://a:b@",
    "eyJhbGciOi",
    "ghp_",
    "\u{1B}[",
    "AKIA",
];

impl Mutator {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }

    /// An input like one of these, or like none.
    pub(crate) fn mutated(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut input = match inputs.len() {
            0 => (0..self.below(64)).map(|_| self.below(256) as u8).collect(),
            count => inputs[self.below(count)].clone(),
        };
        for _ in 0..=self.below(6) {
            self.change(&mut input, inputs);
        }
        input.truncate(1 << 16);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, inputs: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let end = at + self.below((input.len() - at).min(48) + 1);
        match self.below(10) {
            0 => drop(input.drain(at..end)),
            1 => input.truncate(at),
            2..=4 => {
                let piece = PIECES[self.below(PIECES.len())];
                input.splice(at..if self.below(2) == 0 { at } else { end }, piece.bytes()).for_each(drop);
            }
            5 => {
                let piece = input[at..end].repeat(self.below(6) + 1);
                input.splice(at..at, piece).for_each(drop);
            }
            6 if at < input.len() => input[at] = self.below(256) as u8,
            7 if at < input.len() => input[at] ^= 1 << self.below(8),
            8 if !inputs.is_empty() => {
                let other = inputs[self.below(inputs.len())].clone();
                let from = self.below(other.len() + 1);
                let until = from + self.below((other.len() - from).min(96) + 1);
                input.splice(at..end, other[from..until].iter().copied()).for_each(drop);
            }
            _ => {
                let (open, close) = [("[", "]"), ("(", ")"), ("{", "}"), ("#{", "}"), ("\"", "\""), ("#_", "")][self.below(6)];
                let depth = [1, 1, 2, 3, 60, 130, 300, 5_000][self.below(8)];
                let inside = input[at..end].to_vec();
                let nested = [open.repeat(depth).into_bytes(), inside, close.repeat(depth).into_bytes()].concat();
                input.splice(at..end, nested).for_each(drop);
            }
        }
    }
}
