//! What a verification says: how far the store is to be trusted, and what is wrong first.

use std::fmt::Write as _;

use super::Stop;

/// What of a store a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Part {
    /// Tables, indexes, triggers and views as they are declared in the file.
    Schema,
    /// Datoms and transactions, and the hash chained over them.
    Log,
    /// Pages and keys, by SQLite's own check; and the write-ahead log.
    File,
    /// Where the datoms of an entity lie.
    Entities,
    /// The index of unique and indexed values.
    Values,
    /// The index of words.
    Words,
    /// Each fact begins and ends in turn.
    Lives,
    /// What the SQL views show.
    Views,
    /// Types, cardinality, uniqueness, composed values and sequences, as declared now.
    Facts,
    /// What a database value answers, as of now and through columns.
    Answers,
    /// The files of columns beside the store.
    Columns,
}

impl Part {
    /// Every part, in the order in which they are checked.
    pub const ALL: [Self; 11] = [
        Self::Schema,
        Self::Log,
        Self::File,
        Self::Entities,
        Self::Values,
        Self::Words,
        Self::Lives,
        Self::Views,
        Self::Facts,
        Self::Answers,
        Self::Columns,
    ];

    /// The word by which it is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Log => "log",
            Self::File => "file",
            Self::Entities => "entities",
            Self::Values => "values",
            Self::Words => "words",
            Self::Lives => "lives",
            Self::Views => "views",
            Self::Facts => "facts",
            Self::Answers => "answers",
            Self::Columns => "columns",
        }
    }
}

/// What a verification saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Transactions found in order: 1 up to this one are what was written, whatever else is wrong.
    pub transactions: i64,
    /// Datoms of these transactions.
    pub datoms: i64,
    /// The head of the hash chain over them, in hexadecimal. Kept elsewhere, it tells whether somebody rewrote the whole file.
    pub head: String,
    /// The transaction at which the chain had the head that was expected.
    pub found_at: Option<i64>,
    /// The first problem, `None` if the store is sound.
    pub problem: Option<Problem>,
    /// What else was found: at most one problem a part.
    pub further: Vec<Problem>,
    /// The parts in which nothing is wrong. What is neither here nor named by a problem rests on something damaged and was not checked.
    pub sound: Vec<Part>,
}

impl VerifyReport {
    /// True if nothing is wrong with this part.
    pub fn is_sound(&self, part: Part) -> bool {
        self.sound.contains(&part)
    }

    /// Every problem, the first first.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.problem.iter().chain(&self.further)
    }

    /// One sentence: what can be relied on although something is wrong.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// let store = annals::store::Store::create(folder.path().join("annals.db"))?;
    /// assert!(store.verify()?.trusted().starts_with("t 1 to 1 can be trusted: their hashes fit"));
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn trusted(&self) -> String {
        let sound: Vec<&str> = Part::ALL.into_iter().filter(|part| self.is_sound(*part)).map(Part::name).collect();
        let sound = if sound.is_empty() { String::new() } else { format!("; sound are: {}", sound.join(", ")) };
        match self.transactions {
            0 => format!("no transaction can be trusted{sound}"),
            last => format!("t 1 to {last} can be trusted: their hashes fit{sound}"),
        }
    }

    pub(crate) fn found(&mut self, problem: Problem) {
        match self.problem {
            None => self.problem = Some(problem),
            Some(_) => self.further.push(problem),
        }
    }
}

/// Something that contradicts what a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of check failed: `verify/chain`.
    pub code: &'static str,
    /// The first transaction that is concerned, if one is known.
    pub t: Option<i64>,
    /// A sentence.
    pub what: String,
    /// What to do.
    pub remedy: &'static str,
}

impl Problem {
    pub(crate) const RESCUE: &str = "keep the file as it is; restore a copy from before, or let `annals rescue FILE OUT` copy all that \
                                     proves itself into a new store";
    pub(crate) const REBUILD: &str =
        "the log itself is sound: `annals rescue FILE OUT` copies it into a new store and makes everything else anew";
    pub(crate) const RULES: &str = "every byte is as its hash says, so a program wrote it so: restore a copy from before, or retract \
                                    what is wrong";

    const REDECLARE: &str = "the log itself is sound: retract :db/fulltext of the attributes that have it, and declare it again: their words are then indexed anew";

    pub(super) fn words(t: Option<i64>, what: impl Into<String>) -> Stop {
        Stop::Found(Self { code: "verify/words", t, what: what.into(), remedy: Self::REDECLARE })
    }

    pub(super) fn in_transaction(code: &'static str, t: i64, what: impl Into<String>) -> Stop {
        Stop::Found(Self { code, t: Some(t), what: what.into(), remedy: Self::RESCUE })
    }

    pub(super) fn derived(code: &'static str, t: Option<i64>, what: impl Into<String>) -> Stop {
        Stop::Found(Self { code, t, what: what.into(), remedy: Self::REBUILD })
    }

    pub(super) fn in_file(what: String) -> Self {
        Self { code: "verify/file", t: None, what, remedy: Self::RESCUE }
    }

    pub(super) fn in_schema(what: String) -> Self {
        Self { code: "verify/schema", t: None, what, remedy: Self::RESCUE }
    }

    pub(super) fn no_head(expected: &[u8; 32], transactions: i64) -> Self {
        let what = format!("none of the transactions 1 to {transactions} has the head {}", hexadecimal(expected));
        let remedy =
            "the history before that head was changed or cut, or this is another store: compare it with a copy from then";
        Self { code: "verify/head", t: None, what, remedy }
    }
}

/// A hash as it is shown.
pub(in crate::store) fn hexadecimal(hash: &[u8; 32]) -> String {
    hash.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes any text");
        hex
    })
}
