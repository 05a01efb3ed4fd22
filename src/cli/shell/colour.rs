//! What is typed, in colours: keywords, texts, variables, comments, the bracket at the cursor with the one it belongs to, and
//! brackets that close nothing.

use reedline::{Color, Highlighter, StyledText};

use super::token::{Kind, Tokens, pair_at};

/// Colours entries. Where colours are not wanted, the editor shows its text alone.
pub(super) struct Colours;

impl Highlighter for Colours {
    fn highlight(&self, entry: &str, cursor: usize) -> StyledText {
        let mut styled = StyledText::new();
        let pair = pair_at(entry, cursor);
        let is_of_pair = |start: usize| {
            pair.is_some_and(|(open, close)| open.start == start || close.is_some_and(|close| close.start == start))
        };
        let mut open = Vec::new();
        for token in Tokens::of(entry) {
            let is_closing = match token.kind {
                Kind::Open(closer) => {
                    open.push(closer);
                    None
                }
                Kind::Close(closer) => Some(open.pop() == Some(closer)),
                _ => None,
            };
            let style = match token.kind {
                Kind::Keyword => Color::Cyan.normal(),
                Kind::Text { .. } => Color::Green.normal(),
                Kind::Variable => Color::Yellow.normal(),
                Kind::Number => Color::Magenta.normal(),
                Kind::Comment => Color::DarkGray.normal(),
                Kind::Close(_) if is_closing == Some(false) => Color::Red.reverse(),
                Kind::Open(_) | Kind::Close(_) if is_of_pair(token.start) => Color::Default.bold().underline(),
                _ => Color::Default.normal(),
            };
            styled.push((style, entry[token.start..token.end].to_owned()));
        }
        styled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces that have this colour, bold and underlined for the pair at the cursor.
    fn pieces(entry: &str, cursor: usize, is_wanted: impl Fn(&reedline::StyledText, usize) -> bool) -> Vec<String> {
        let styled = Colours.highlight(entry, cursor);
        (0..styled.buffer.len()).filter(|at| is_wanted(&styled, *at)).map(|at| styled.buffer[at].1.clone()).collect()
    }

    #[track_caller]
    fn check(entry: &str, colour: Color, expected: &[&str]) {
        let found = pieces(entry, usize::MAX, |styled, at| styled.buffer[at].0.foreground == Some(colour));
        assert_eq!(found, expected, "{entry}");
    }

    #[test]
    fn every_kind_of_word_has_its_colour() {
        let entry = "[:find ?x \"a ?y\" 5] ; ?z";
        check(entry, Color::Cyan, &[":find"]);
        check(entry, Color::Yellow, &["?x"]);
        check(entry, Color::Green, &["\"a ?y\""]);
        check(entry, Color::Magenta, &["5"]);
        check(entry, Color::DarkGray, &["; ?z"]);
        check(entry, Color::Red, &[]);
    }

    #[test]
    fn a_bracket_that_closes_nothing_is_red_and_a_pair_is_underlined() {
        check("[a)] x]", Color::Red, &[")", "]", "]"]);
        let underlined = |styled: &StyledText, at: usize| styled.buffer[at].0.is_underline;
        assert_eq!(pieces("[a (b) {c}]", 3, underlined), ["(", ")"]);
        assert_eq!(pieces("[a (b) {c}]", 1, underlined), ["[", "]"]);
        assert_eq!(pieces("[a b]", 3, underlined), [""; 0]);
    }

    #[test]
    fn colours_leave_the_text_as_it_is() {
        for entry in ["", "é[ü \"ö", "\\", "#{1} #\"\\d\" #_ x", "a\n b ;c\n"] {
            let text: String = Colours.highlight(entry, 0).buffer.into_iter().map(|(_, piece)| piece).collect();
            assert_eq!(text, entry);
        }
    }
}
