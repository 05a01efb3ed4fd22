//! How well texts match a search: BM25, over the texts that were found.

use super::Search;

/// From how many occurrences on a further one hardly counts.
const SATURATION: f64 = 1.2;

/// How much the length of a text counts, from 0 to 1.
const LENGTH: f64 = 0.75;

/// What is counted in a text that was found.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// How often each phrase of the search occurs.
    pub(crate) counts: Vec<u32>,
    /// How many words the text has.
    pub(crate) words: usize,
}

/// A score for each text, the greater the better.
///
/// `sum over phrases: ln(1 + (N - n + 0.5) / (n + 0.5)) * f * 2.2 / (f + 1.2 * (0.25 + 0.75 * words / average))`, where f counts the
/// phrase in the text, n the found texts that have it, and N is the length of the log. All of it is known to the database value, so
/// what is written later, or beside it, changes no score.
pub(crate) fn rank(search: &Search, tallies: &[Tally], log_length: usize) -> Vec<f64> {
    let average = tallies.iter().map(|tally| tally.words as f64).sum::<f64>() / tallies.len().max(1) as f64;
    let weight = |place: usize| {
        let having = tallies.iter().filter(|tally| tally.counts[place] > 0).count() as f64;
        ((log_length as f64 - having).max(0.0) + 0.5) / (having + 0.5)
    };
    let weights: Vec<f64> =
        search.wanted().enumerate().map(|(place, is_wanted)| if is_wanted { weight(place).ln_1p() } else { 0.0 }).collect();
    let score = |tally: &Tally| {
        let length = SATURATION * (1.0 - LENGTH + LENGTH * tally.words as f64 / average);
        let of_phrase =
            |(count, weight): (&u32, &f64)| weight * f64::from(*count) * (SATURATION + 1.0) / (f64::from(*count) + length);
        tally.counts.iter().zip(&weights).map(of_phrase).sum()
    };
    tallies.iter().map(score).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Words;

    /// The texts, the best first.
    #[track_caller]
    fn check(search: &str, texts: &[&str]) {
        let search = Search::read(search).expect(search);
        let tally = |text: &&str| {
            let words = Words::of(text);
            Tally { counts: search.counts(&words).expect(text), words: words.len() }
        };
        let tallies: Vec<Tally> = texts.iter().map(tally).collect();
        let scores = rank(&search, &tallies, 100);
        assert!(scores.is_sorted_by(|better, worse| better > worse) && scores.iter().all(|score| *score > 0.0), "{scores:?}");
    }

    #[test]
    fn more_occurrences_shorter_texts_and_rarer_words_score_higher() {
        check("disk", &["disk disk disk", "disk is full", "the disk is full again"]);
        check("rare OR often", &["rare", "often", "often said", "often said so"]);
        check("disk NOT tape", &["disk", "a disk"]);
    }
}
