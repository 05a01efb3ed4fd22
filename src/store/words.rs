//! The index of words: which datoms added a text that has them.
//!
//! It holds the texts of the attributes that are declared `:db/fulltext` now, retracted ones too, and is written in the commit
//! that adds them or declares the attribute. A store without such attributes never touches it.

use annals_query::ValueType;
use rusqlite::Connection;

use super::failure::failure;
use super::read::Reader;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::attribute;
use crate::words::Words;

/// Texts of an attribute among the datoms after one id up to another.
const TEXTS: &str = "SELECT id, v FROM datoms WHERE id > ?1 AND id <= ?2 AND a = ?3 AND added = 1 AND type = ?4 ORDER BY id";

/// What may keep the index from being asked.
enum Unasked {
    /// The index does not answer.
    Damaged,
    Failed(Error),
}

impl From<rusqlite::Error> for Unasked {
    fn from(error: rusqlite::Error) -> Self {
        match failure(error) {
            error if error.kind() == ErrorKind::Damaged => Self::Damaged,
            error => Self::Failed(error),
        }
    }
}

impl Reader {
    /// Hands out the entity of each datom up to `until_t` that added a text with such words, in the order of the log. False if the
    /// file has no such index of the attribute, or one that is damaged: then the facts themselves must be looked through.
    pub(crate) fn entities_with_words(
        &self,
        attribute: i64,
        search: &str,
        until_t: i64,
        mut take: impl FnMut(i64) -> Result<()>,
    ) -> Result<bool> {
        let mut ask = || -> std::result::Result<bool, Unasked> {
            // Whether there is an index, and what it says, must be of one moment.
            let _moment = self.connection().unchecked_transaction()?;
            if !self.is_fulltext(attribute).map_err(Unasked::Failed)? {
                return Ok(false);
            }
            let sql =
                "SELECT d.e FROM words w CROSS JOIN datoms d ON d.id = w.rowid WHERE words MATCH ?1 AND d.a = ?2 AND d.t <= ?3";
            let mut statement = self.connection().prepare_cached(sql)?;
            let mut rows = statement.query((search, attribute, until_t))?;
            while let Some(row) = rows.next()? {
                take(row.get(0)?).map_err(Unasked::Failed)?;
            }
            Ok(true)
        };
        match ask() {
            Ok(is_indexed) => Ok(is_indexed),
            Err(Unasked::Damaged) => Ok(false),
            Err(Unasked::Failed(error)) => Err(error),
        }
    }

    /// True if the attribute is declared `:db/fulltext` as of the newest transaction.
    fn is_fulltext(&self, attribute: i64) -> Result<bool> {
        let sql = "SELECT d.added AND d.v FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
             WHERE n.e = ?1 AND d.a = ?2 ORDER BY n.id DESC, d.id DESC LIMIT 1";
        Ok(self.integer(sql, (attribute, attribute::FULLTEXT))? == Some(1))
    }
}

/// Indexes the words of the texts of an attribute among the datoms after `first` up to `last`.
pub(super) fn index(connection: &Connection, attribute: i64, first: i64, last: i64) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached("INSERT INTO words (rowid, text) VALUES (?1, ?2)")?;
    let mut words = Words::default();
    each_text(connection, attribute, first, last, |id, text| {
        words.read(text);
        if words.is_empty() {
            return Ok(());
        }
        insert.execute((id, words.joined())).map(|_| ())
    })
}

/// Indexes the words of all texts of the attributes that are declared `:db/fulltext`, for a store of a format that had no such index.
pub(super) fn index_declared(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "SELECT e FROM datoms d WHERE a = ?1 AND added = 1 AND v = 1
         AND NOT EXISTS (SELECT 1 FROM datoms later WHERE later.a = ?1 AND later.e = d.e AND later.id > d.id) ORDER BY e";
    let mut statement = connection.prepare(sql)?;
    let declared = statement.query_map((attribute::FULLTEXT,), |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    declared.into_iter().try_for_each(|attribute| index(connection, attribute, 0, i64::MAX))
}

/// Forgets all words.
pub(super) fn clear(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("INSERT INTO words (words) VALUES ('delete-all')", ()).map(|_| ())
}

/// Hands out the texts that datoms of an attribute added, in the order of the log, with the ids of the datoms.
pub(super) fn each_text(
    connection: &Connection,
    attribute: i64,
    first: i64,
    last: i64,
    mut take: impl FnMut(i64, &str) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(TEXTS)?;
    let mut rows = statement.query((first, last, attribute, ValueType::String as u8))?;
    while let Some(row) = rows.next()? {
        take(row.get(0)?, row.get_ref(1)?.as_str()?)?;
    }
    Ok(())
}
