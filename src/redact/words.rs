//! Many short words looked for at once: two looks at pairs of bytes for three bytes of text, and only where a pair belongs to a word is
//! anything compared. Lines without any word, which are most, cost little, and nothing has to be built but a few small tables.

/// How many groups the words are put in, by what they begin with.
const GROUPS: usize = 64;

/// Words of two bytes or more, found in any case. Where several begin at one place, the one given first is found.
pub(super) struct Words {
    all: Vec<&'static [u8]>,
    /// A bit for each pair of bytes with which a word begins, and one for each with which it goes on behind its first byte.
    pairs: Box<[[u64; 2]; 1 << 10]>,
    /// For each byte a bit for each group in which a word has it as its first, second or third one.
    groups_by_byte: Box<[[u64; 3]; 256]>,
    /// The groups of words of two bytes.
    short_groups: u64,
    /// The places of the words of each group, ascending.
    groups: [Vec<u16>; GROUPS],
}

/// A word that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Its place among the words.
    pub(super) place: usize,
}

impl Words {
    pub(super) fn new(words: impl IntoIterator<Item = &'static str>) -> Self {
        let mut all = Self {
            all: words.into_iter().map(str::as_bytes).collect(),
            pairs: Box::new([[0; 2]; 1 << 10]),
            groups_by_byte: Box::new([[0; 3]; 256]),
            short_groups: 0,
            groups: [const { Vec::new() }; GROUPS],
        };
        let mut beginnings: Vec<Vec<u8>> = Vec::new();
        for place in 0..all.all.len() {
            let beginning: Vec<u8> = all.all[place].iter().take(3).map(u8::to_ascii_lowercase).collect();
            // Words that begin alike share a group: most places concern one group, if any.
            let known = beginnings.iter().position(|known| *known == beginning).unwrap_or_else(|| {
                beginnings.push(beginning.clone());
                beginnings.len() - 1
            });
            let group = known % GROUPS;
            all.groups[group].push(u16::try_from(place).expect("there are a few hundred words"));
            all.mark(group, &beginning);
        }
        all
    }

    /// Notes how words of a group begin.
    fn mark(&mut self, group: usize, beginning: &[u8]) {
        let spellings = |at: usize| match beginning.get(at) {
            Some(byte) => vec![*byte, byte.to_ascii_uppercase()],
            None => (0..=255).collect(),
        };
        for at in 0..3 {
            for byte in spellings(at) {
                self.groups_by_byte[usize::from(byte)][at] |= 1 << group;
            }
        }
        for at in 0..2 {
            for first in spellings(at) {
                for second in spellings(at + 1) {
                    let pair = pair_of(first, second);
                    self.pairs[pair >> 6][at] |= 1 << (pair & 63);
                }
            }
        }
        if beginning.len() < 3 {
            self.short_groups |= 1 << group;
        }
    }

    /// The first word that begins at `from` or behind it.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<Word> {
        let rest = text.get(from..)?;
        // Of the two pairs that a word begins with, one stands at an even distance from here. Behind a word of two bytes anything may stand.
        let (pairs, last) = rest.as_chunks::<2>();
        for (step, two) in pairs.iter().enumerate() {
            let pair = pair_of(two[0], two[1]);
            let [beginning, second] = self.pairs[pair >> 6];
            let has = |bits: u64| bits >> (pair & 63) & 1 == 1;
            if !has(beginning | second) {
                continue;
            }
            let at = from + step * 2;
            let before = if has(second) && step > 0 { self.at(text, at - 1) } else { None };
            let found = before.or_else(|| if has(beginning) { self.at(text, at) } else { None });
            if found.is_some() {
                return found;
            }
        }
        if last.is_empty() || pairs.is_empty() { None } else { self.at(text, text.len() - 2) }
    }

    /// The word that begins here.
    fn at(&self, text: &[u8], start: usize) -> Option<Word> {
        let rest = &text[start..];
        let by_byte = |byte: &u8, at: usize| self.groups_by_byte[usize::from(*byte)][at];
        let mut groups = match rest {
            [first, second, third, ..] => by_byte(first, 0) & by_byte(second, 1) & by_byte(third, 2),
            [first, second] => by_byte(first, 0) & by_byte(second, 1) & self.short_groups,
            _ => return None,
        };
        let mut found: Option<usize> = None;
        while groups != 0 {
            let begins = |place: &usize| {
                let word = self.all[*place];
                rest.get(..word.len()).is_some_and(|said| said.eq_ignore_ascii_case(word))
            };
            let first = self.groups[groups.trailing_zeros() as usize].iter().map(|place| usize::from(*place)).find(begins);
            found = found.into_iter().chain(first).min();
            groups &= groups - 1;
        }
        found.map(|place| Word { start, end: start + self.all[place].len(), place })
    }
}

fn pair_of(first: u8, second: u8) -> usize {
    usize::from(u16::from_le_bytes([first, second]))
}

#[cfg(test)]
mod tests {
    //! The promise: what is found is what comparing every word at every place finds. Attacked with texts made of pieces of words.

    use super::*;

    const WORDS: [&str; 15] = [
        "private key",
        "key-",
        "key",
        "sk-ant-",
        "sk-",
        "://",
        ":AA",
        "8Q~",
        "-us",
        "token",
        "ghp_",
        "pypi-AgE",
        "pypi-",
        "[redacted:",
        "SK",
    ];

    /// Every word at every place.
    fn expected(text: &[u8], from: usize) -> Option<Word> {
        let begins = |start: usize, word: &str| {
            text[start..].get(..word.len()).is_some_and(|said| said.eq_ignore_ascii_case(word.as_bytes()))
        };
        let at = |start: usize| WORDS.iter().position(|word| begins(start, word)).map(|place| (start, place));
        (from..text.len()).find_map(at).map(|(start, place)| Word { start, end: start + WORDS[place].len(), place })
    }

    #[test]
    fn what_is_found_is_the_first_word_that_begins_first() {
        let words = Words::new(WORDS);
        let mut state = 7_u64;
        let mut draw = |end: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % end
        };
        let mut found = 0;
        for _ in 0..20_000 {
            let mut text = Vec::new();
            for _ in 0..draw(6) {
                let word = WORDS[draw(WORDS.len())].as_bytes();
                let (from, to) = (draw(3), word.len() - draw(2));
                text.extend_from_slice(word.get(from..to).unwrap_or(word));
                text.extend(std::iter::repeat_n(b' ', draw(3)));
            }
            for byte in &mut text {
                *byte = if draw(4) == 0 { byte.to_ascii_uppercase() } else { *byte };
            }
            for from in 0..=text.len() + 1 {
                let word = words.find(&text, from);
                assert_eq!(word, expected(&text, from.min(text.len())), "{:?} from {from}", String::from_utf8_lossy(&text));
                found += usize::from(word.is_some());
            }
        }
        assert!(found > 50_000, "hardly any text held a word: {found}");
    }
}
