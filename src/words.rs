//! The words of a text, and searches for them: the same for what a store indexes and for what only a database value knows.
//!
//! A word is letters and digits that stand together, in lower case and without accents. The words of a text are written into the
//! store's index as they are here, so that no other part of the program, and no version of SQLite, decides what a word is.

mod rank;
mod search;

pub(crate) use rank::{Tally, rank};
pub(crate) use search::Search;

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::limits::LIMIT_WORD_LETTERS;

/// Letters with accents, each group behind the letter that it is without them: what Unicode decomposes in the Latin, Greek and
/// Cyrillic scripts, and the sigma at the end of a word.
const ACCENTED: &str = "
aàáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ bḃḅḇ cçćĉċčḉ dďḋḍḏḑḓ eèéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ fḟ gĝğġģǧǵḡ hĥȟḣḥḧḩḫẖ
iìíîïĩīĭįǐȉȋḭḯỉị jĵǰ kķǩḱḳḵ lĺļľḷḹḻḽ mḿṁṃ nñńņňǹṅṇṉṋ oòóôõöōŏőơǒǫǭȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ pṕṗ rŕŗřȑȓṙṛṝṟ
sśŝşšșṡṣṥṧṩ tţťțṫṭṯṱẗ uùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự vṽṿ wŵẁẃẅẇẉẘ xẋẍ yýÿŷȳẏẙỳỵỷỹ zźżžẑẓẕ æǣǽ øǿ ſẛ ʒǯ
αάἀἁἂἃἄἅἆἇὰ\u{1f71}ᾀᾁᾂᾃᾄᾅᾆᾇᾰᾱᾲᾳᾴᾶᾷ εέἐἑἒἓἔἕὲ\u{1f73} ηήἠἡἢἣἤἥἦἧὴ\u{1f75}ᾐᾑᾒᾓᾔᾕᾖᾗῂῃῄῆῇ ιΐίϊἰἱἲἳἴἵἶἷὶ\u{1f77}ῐῑῒ\u{1fd3}ῖῗ οόὀὁὂὃὄὅὸ\u{1f79} ρῤῥ σς
υΰϋύὐὑὒὓὔὕὖὗὺ\u{1f7b}ῠῡῢ\u{1fe3}ῦῧ ωώὠὡὢὣὤὥὦὧὼ\u{1f7d}ᾠᾡᾢᾣᾤᾥᾦᾧῲῳῴῶῷ ϒϓϔ аӑӓ гѓ еѐёӗ жӂӝ зӟ ийѝӣӥ кќ оӧ уўӯӱӳ чӵ ыӹ эӭ ії ѵѷ әӛ өӫ
";

static PLAIN: LazyLock<FxHashMap<char, char>> = LazyLock::new(|| {
    let groups = ACCENTED.split_whitespace().map(|group| {
        let mut letters = group.chars();
        (letters.next().expect("a group that is split off is not empty"), letters)
    });
    groups.flat_map(|(plain, accented)| accented.map(move |letter| (letter, plain))).collect()
});

/// The words of one text, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    /// Joined by single spaces.
    joined: String,
    /// Where each word ends.
    ends: Vec<u32>,
}

impl Words {
    /// The words of a text.
    pub(crate) fn of(text: &str) -> Self {
        let mut words = Self::default();
        words.read(text);
        words
    }

    /// Becomes the words of another text, in the same memory.
    pub(crate) fn read(&mut self, text: &str) {
        self.joined.clear();
        self.ends.clear();
        let mut letters = 0;
        for letter in text.chars() {
            if is_mark(letter) {
                continue;
            }
            if !letter.is_alphanumeric() {
                self.end(&mut letters);
                continue;
            }
            if letters == 0 && !self.joined.is_empty() {
                self.joined.push(' ');
            }
            letters += 1;
            if letters <= LIMIT_WORD_LETTERS {
                self.push(letter);
            }
        }
        self.end(&mut letters);
    }

    fn push(&mut self, letter: char) {
        if letter.is_ascii() {
            self.joined.push(letter.to_ascii_lowercase());
            return;
        }
        let lower = letter.to_lowercase().filter(|letter| !is_mark(*letter));
        self.joined.extend(lower.map(|letter| PLAIN.get(&letter).copied().unwrap_or(letter)));
    }

    fn end(&mut self, letters: &mut usize) {
        if *letters > 0 {
            self.ends.push(u32::try_from(self.joined.len()).expect("a value is far shorter than 4 GiB"));
        }
        *letters = 0;
    }

    /// All words, joined by single spaces.
    pub(crate) fn joined(&self) -> &str {
        &self.joined
    }

    /// Number of words.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// True if there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The word at a place.
    pub(crate) fn get(&self, place: usize) -> &str {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before] as usize + 1);
        &self.joined[start..self.ends[place] as usize]
    }

    /// The words, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|place| self.get(place))
    }
}

/// An accent that is written behind its letter.
fn is_mark(letter: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let words = Words::of(text);
        assert_eq!(words.iter().collect::<Vec<_>>(), expected, "{text}");
        assert_eq!(words.joined(), expected.join(" "));
    }

    #[test]
    fn words_are_letters_and_digits_in_lower_case_without_accents() {
        check("", &[]);
        check(" -- ... ", &[]);
        check("Connection REFUSED by 10.0.0.1:80", &["connection", "refused", "by", "10", "0", "0", "1", "80"]);
        check("don't snake_case kebab-case", &["don", "t", "snake", "case", "kebab", "case"]);
        check("Crème Brûlée, ÅNGSTRÖM, Việt", &["creme", "brulee", "angstrom", "viet"]);
        check("cre\u{300}me \u{301}x", &["creme", "x"]);
        check("İstanbul ΟΔΟΣ οδός ёлка Straße", &["istanbul", "οδοσ", "οδοσ", "елка", "straße"]);
        check("日本語 テキスト", &["日本語", "テキスト"]);
        check("a\0b", &["a", "b"]);
        check(&"x".repeat(LIMIT_WORD_LETTERS + 9), &[&"x".repeat(LIMIT_WORD_LETTERS)]);
    }
}
