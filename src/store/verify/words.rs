//! The index of words against the texts in the log.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::log::Counts;
use super::{Problem, Stop};
use crate::store::read::Reader;
use crate::store::words::each_text;
use crate::words::Words;

/// Datoms are compared in so many groups at most, so that a store of any size is verified in the same memory.
const LIMIT_GROUPS: i64 = 1 << 16;

/// Sums over groups of datoms that lie together: of each word with its datom and place. The order of summing does not matter, so the
/// log and the index, which is sorted by words, can be compared.
struct Sums {
    datoms_a_group: i64,
    sums: Vec<u64>,
}

impl Sums {
    fn new(datoms: i64) -> Self {
        let datoms_a_group = datoms / LIMIT_GROUPS + 1;
        let groups = datoms / datoms_a_group + 1;
        Self { datoms_a_group, sums: vec![0; groups as usize] }
    }

    /// False if there is no such datom.
    fn add(&mut self, datom: i64, place: i64, word: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        (datom, place, word).hash(&mut hasher);
        let group = usize::try_from(datom / self.datoms_a_group).ok();
        match group.and_then(|group| self.sums.get_mut(group)) {
            Some(sum) => *sum = sum.wrapping_add(hasher.finish()),
            None => return false,
        }
        true
    }

    /// The first datom of the first group in which the two differ.
    fn first_difference(&self, other: &Self) -> Option<i64> {
        let group = self.sums.iter().zip(&other.sums).position(|(left, right)| left != right)?;
        Some((group as i64 * self.datoms_a_group).max(1))
    }
}

/// The index holds exactly the words of what was added through the attributes that are declared `:db/fulltext`.
pub(super) fn check(reader: &Reader, counts: &Counts, datoms: i64) -> Result<(), Stop> {
    let connection = reader.connection();
    // A store that was never opened for writing since may be of a format without the index.
    if reader.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'words'", ())? == Some(0) {
        return Ok(());
    }
    // The index takes what stands there for a number, and what is no number for none: its own check sees nothing wrong then.
    let strange = "SELECT count(*) FROM words_idx WHERE typeof(segid) <> 'integer' OR typeof(pgno) <> 'integer'";
    if reader.integer(strange, ())? != Some(0) {
        return Err(Problem::words(None, "the index of words leads to places that are no numbers"));
    }
    let (mut said, mut indexed) = (Sums::new(datoms), Sums::new(datoms));
    let mut words = Words::default();
    for attribute in counts.schema.fulltext() {
        each_text(connection, *attribute, 0, datoms, |id, text| {
            words.read(text);
            for (place, word) in (0..).zip(words.iter()) {
                said.add(id, place, word);
            }
            Ok(())
        })?;
    }
    connection.execute_batch("CREATE VIRTUAL TABLE temp.words_seen USING fts5vocab (main, words, instance)")?;
    let mut statement = connection.prepare("SELECT doc, offset, term FROM temp.words_seen")?;
    let mut rows = statement.query(())?;
    while let Some(row) =
        rows.next().map_err(|error| Problem::words(None, format!("the index of words cannot be read: {error}")))?
    {
        let id = row.get(0)?;
        if !indexed.add(id, row.get(1)?, row.get_ref(2)?.as_str().unwrap_or_default()) {
            return Err(Problem::words(None, format!("the index of words names datom {id}, which is not there")));
        }
    }
    let Some(id) = said.first_difference(&indexed) else { return Ok(()) };
    let near =
        if said.datoms_a_group == 1 { String::new() } else { format!(" or one of the {} after it", said.datoms_a_group - 1) };
    let t = reader.integer("SELECT t FROM datoms WHERE id = ?1", (id,))?;
    Err(Problem::words(t, format!("the index of words does not say of datom {id}{near} what the log does")))
}
