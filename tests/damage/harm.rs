//! Ways to damage a store: each class changes the bytes that were written, or the rows through another client.

use annals::store::{Access, Record, Store};
use rusqlite::Connection;
use std::fmt::Write as _;
use std::path::Path;

use crate::evidence::{Evidence, Files, PAGE_BYTES};

/// Numbers of chance that one seed repeats.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() >> 11) as usize % end.max(1)
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// A damaged store.
pub(crate) struct Harm {
    pub(crate) what: String,
    pub(crate) files: Files,
    pub(crate) reach: Reach,
}

/// What of the store a rescue may miss.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reach {
    /// At most so many transactions.
    AtMost(usize),
    /// Transactions in these pages.
    Pages(Vec<usize>),
    /// The end of the history may be gone without a trace.
    End,
    /// Rows were changed by a program: what is proven is all that is asked for.
    Rows,
    /// The same, with the hash of this transaction made to fit: it proves itself.
    Forged(i64),
}

/// Classes of damage in the file, and how often each is tried in a round.
const CLASSES: [&str; 21] = [
    "flip header",
    "flip page header",
    "flip pointers",
    "flip content",
    "flip content",
    "flip content",
    "flip anywhere",
    "flip overflow",
    "flip root",
    "flip columns",
    "flip columns",
    "cut columns",
    "truncate",
    "swap pages",
    "zero page",
    "zero sectors",
    "stale page",
    "rewrite row",
    "rewrite row and hash",
    "rows of derived tables",
    "delete or add row",
];

const LOG_CLASSES: [&str; 5] = ["flip log header", "flip frame header", "flip frame", "truncate log", "zero in log"];

/// A damage of chance to a store at rest.
pub(crate) fn at_rest(round: usize, random: &mut Random, evidence: &Evidence, place: &Path) -> Harm {
    let class = CLASSES[round % CLASSES.len()];
    let mut files = evidence.files.clone();
    let count = files.store.len() / PAGE_BYTES;
    let page = |random: &mut Random| random.below(count);
    let (what, reach) = match class {
        "flip header" => flip(&mut files.store, random.below(100), random),
        "flip page header" => {
            let start = page(random) * PAGE_BYTES;
            flip(&mut files.store, start + if start == 0 { 100 } else { 0 } + random.below(12), random)
        }
        "flip pointers" => {
            let start = page(random) * PAGE_BYTES;
            flip(&mut files.store, start + if start == 0 { 108 } else { 8 } + random.below(40), random)
        }
        "flip content" => {
            let at = content(&files.store, random);
            flip(&mut files.store, at, random)
        }
        "flip anywhere" => {
            let at = random.below(files.store.len());
            flip(&mut files.store, at, random)
        }
        "flip overflow" | "flip root" => {
            let wanted = |page: &&crate::evidence::Page| match class {
                "flip root" => page.kind == "internal",
                _ => page.kind == "overflow",
            };
            let pages: Vec<usize> = (0..count).filter(|page| wanted(&&evidence.pages[*page])).collect();
            let at = random.pick(&pages) * PAGE_BYTES + random.below(PAGE_BYTES);
            flip(&mut files.store, at, random)
        }
        "flip columns" | "cut columns" => {
            let names: Vec<String> = files.columns.keys().cloned().collect();
            let name = random.pick(&names).clone();
            let bytes = files.columns.get_mut(&name).expect("a file");
            let at = random.below(bytes.len());
            if class == "cut columns" {
                bytes.truncate(at);
            } else if !bytes.is_empty() {
                bytes[at] ^= 1 << random.below(8);
            }
            (format!("{name} at {at}"), Reach::AtMost(0))
        }
        "truncate" => {
            let length = random.below(files.store.len());
            files.store.truncate(length);
            let pages = (length / PAGE_BYTES..count).collect();
            (format!("at {length}"), Reach::Pages(pages))
        }
        "swap pages" => {
            let (one, other) = (page(random), page(random));
            for at in 0..PAGE_BYTES {
                files.store.swap(one * PAGE_BYTES + at, other * PAGE_BYTES + at);
            }
            // A rescue asks no page where it lies, but a long value does.
            (format!("{one} and {other}"), Reach::Pages(vec![one, other]))
        }
        "zero page" => {
            let page = page(random);
            files.store[page * PAGE_BYTES..(page + 1) * PAGE_BYTES].fill(0);
            (format!("{page}"), Reach::Pages(vec![page]))
        }
        "zero sectors" => {
            let sector = random.below(files.store.len() / 512);
            files.store[sector * 512..(sector + 1) * 512].fill(if random.below(2) == 0 { 0 } else { 0xff });
            (format!("{sector}"), Reach::Pages(vec![sector * 512 / PAGE_BYTES]))
        }
        "stale page" => {
            let page = random.below((evidence.older.len() / PAGE_BYTES).min(count));
            let bytes = page * PAGE_BYTES..(page + 1) * PAGE_BYTES;
            files.store[bytes.clone()].copy_from_slice(&evidence.older[bytes]);
            (format!("{page}"), Reach::Pages(vec![page]))
        }
        _ => {
            let (what, t) = change_rows(class, random, &files, place);
            files.store = std::fs::read(place).expect("the file");
            (what, if class == "rewrite row and hash" { Reach::Forged(t) } else { Reach::Rows })
        }
    };
    Harm { what: format!("{class}: {what}"), files, reach }
}

/// A damage of chance to the write-ahead log of a store in use.
pub(crate) fn in_log(round: usize, random: &mut Random, evidence: &Evidence) -> Harm {
    let class = LOG_CLASSES[round % LOG_CLASSES.len()];
    let mut files = evidence.files.clone();
    let log = files.log.as_mut().expect("a store in use");
    let frame_bytes = PAGE_BYTES + 24;
    let frame = random.below((log.len() - 32) / frame_bytes);
    let at = 32 + frame * frame_bytes;
    let what = match class {
        "flip log header" => flip(log, random.below(32), random).0,
        "flip frame header" => flip(log, at + random.below(24), random).0,
        "flip frame" => flip(log, at + 24 + random.below(PAGE_BYTES), random).0,
        "truncate log" => {
            let length = random.below(log.len());
            log.truncate(length);
            format!("at {length}")
        }
        _ => {
            let start = random.below(log.len() / 512) * 512;
            let end = (start + 512).min(log.len());
            log[start..end].fill(0);
            format!("from {start}")
        }
    };
    Harm { what: format!("{class}: {what}"), files, reach: Reach::End }
}

fn flip(bytes: &mut [u8], at: usize, random: &mut Random) -> (String, Reach) {
    let bit = random.below(8);
    bytes[at] ^= 1 << bit;
    (format!("bit {bit} of byte {at}"), Reach::AtMost(1))
}

/// Damages that give a row of the log the id of another row of its page: one for each leaf of the table that has such rows.
pub(crate) fn doubled_ids(evidence: &Evidence) -> Vec<Harm> {
    let store = &evidence.files.store;
    let two_bytes = |at: usize| match store[at..at + 2] {
        [high, low] if high & 0x80 != 0 && low & 0x80 == 0 => Some(usize::from(high & 0x7f) << 7 | usize::from(low)),
        _ => None,
    };
    let of_page = |page: usize| {
        let start = page * PAGE_BYTES;
        if evidence.pages[page].kind != "leaf" || store[start] != 13 || evidence.pages[page].transactions.len() < 2 {
            return None;
        }
        let word = |at: usize| usize::from(u16::from_be_bytes([store[at], store[at + 1]]));
        // Behind the length of a row, one byte here, stands its id.
        let ids: Vec<usize> = (0..word(start + 3)).map(|cell| start + word(start + 8 + 2 * cell) + 1).collect();
        let known: Vec<usize> = ids.iter().filter_map(|at| two_bytes(*at)).collect();
        let (at, bit) = ids.iter().find_map(|at| {
            let id = two_bytes(*at)?;
            // The row with the lesser id comes first, and is the wrong one.
            (2..5).find(|bit| id & 1 << bit == 0 && known.contains(&(id | 1 << bit))).map(|bit| (at + 1, bit))
        })?;
        let mut files = evidence.files.clone();
        files.store[at] ^= 1 << bit;
        Some(Harm { what: format!("an id twice: bit {bit} of byte {at}"), files, reach: Reach::AtMost(1) })
    };
    (0..evidence.pages.len()).filter_map(of_page).collect()
}

/// A byte that belongs to a cell: from where the cells of a page begin.
fn content(store: &[u8], random: &mut Random) -> usize {
    loop {
        let page = random.below(store.len() / PAGE_BYTES);
        let header = page * PAGE_BYTES + if page == 0 { 100 } else { 0 };
        let start = usize::from(u16::from_be_bytes([store[header + 5], store[header + 6]]));
        if [2, 5, 10, 13].contains(&store[header]) && start < PAGE_BYTES {
            return page * PAGE_BYTES + start + random.below(PAGE_BYTES - start);
        }
    }
}

/// Runs SQL as a client can that knows how to get around the triggers.
pub(crate) fn change(path: &Path, sql: &str) {
    let connection = Connection::open(path).expect("the file opens");
    let triggers: Vec<(String, String)> = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .and_then(|mut statement| statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .expect("the triggers");
    for (name, _) in &triggers {
        connection.execute_batch(&format!("DROP TRIGGER {name}")).expect("it goes");
    }
    connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    for (_, trigger) in &triggers {
        connection.execute_batch(trigger).expect("it comes back");
    }
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("all is in the file");
}

/// Changes a row of chance.
fn change_rows(class: &str, random: &mut Random, files: &Files, place: &Path) -> (String, i64) {
    files.write(place);
    let connection = Connection::open(place).expect("the file opens");
    let count = |table: &str| -> i64 {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get(0)).expect("a count")
    };
    let of = |table: &str, random: &mut Random| random.below(count(table) as usize);
    let last_t = count("txs");
    // Of the last transaction nothing follows that could tell a hash that was made to fit.
    let last: i64 = connection.query_row("SELECT last FROM txs WHERE t = ?1", (last_t - 1,), |row| row.get(0)).expect("a row");
    let id = 1 + random.below(last as usize);
    let sql = match class {
        "rewrite row" | "rewrite row and hash" => match random.below(5) {
            0 => format!("UPDATE datoms SET e = e + 1 WHERE id = {id}"),
            1 => format!(
                "UPDATE datoms SET v = CASE typeof(v) WHEN 'integer' THEN v + 1 WHEN 'text' THEN v || 'x' ELSE v END, m = m + (typeof(v) NOT IN ('integer', 'text')) WHERE id = {id}"
            ),
            2 => format!("UPDATE datoms SET m = m + 1 WHERE id = {id}"),
            3 => format!("UPDATE datoms SET added = 1 - added WHERE id = {id}"),
            _ => format!("UPDATE datoms SET a = a + 1 WHERE id = {id}"),
        },
        "delete or add row" => match random.below(5) {
            0 => format!("DELETE FROM datoms WHERE id = {id}"),
            1 => format!("DELETE FROM txs WHERE t = {}", 1 + of("txs", random)),
            2 => "INSERT INTO datoms SELECT max(id) + 1, e, a, v, type, t, m, added FROM datoms".to_owned(),
            3 => "INSERT INTO txs SELECT max(t) + 1, instant, 1, last + 1, hash FROM txs".to_owned(),
            _ => format!("UPDATE txs SET instant = instant + 1 WHERE t = {}", 1 + of("txs", random)),
        },
        _ => match random.below(8) {
            0 => format!(
                "DELETE FROM avet WHERE (a, type, v, id) IN (SELECT a, type, v, id FROM avet LIMIT 1 OFFSET {})",
                of("avet", random)
            ),
            1 => format!("UPDATE avet SET id = id + 1 WHERE id = (SELECT id FROM avet LIMIT 1 OFFSET {})", of("avet", random)),
            2 => format!(
                "INSERT INTO avet SELECT a, type, v, id + 1 FROM avet WHERE id = (SELECT id FROM avet ORDER BY id DESC LIMIT 1 OFFSET {})",
                random.below(5)
            ),
            3 => format!("DELETE FROM entities WHERE id = (SELECT id FROM entities LIMIT 1 OFFSET {})", of("entities", random)),
            4 => format!(
                "UPDATE entities SET n = n + 1 WHERE id = (SELECT id FROM entities LIMIT 1 OFFSET {})",
                of("entities", random)
            ),
            5 => format!(
                "UPDATE OR REPLACE entities SET e = e + 1 WHERE id = (SELECT id FROM entities LIMIT 1 OFFSET {})",
                of("entities", random)
            ),
            6 => format!(
                "INSERT INTO words (words, rowid, text) SELECT 'delete', id, 'tape' FROM datoms WHERE type = 11 AND v LIKE '%tape%' LIMIT 1 OFFSET {}",
                random.below(4)
            ),
            _ => "INSERT INTO words (rowid, text) VALUES (40, 'tape')".to_owned(),
        },
    };
    let t: i64 = connection.query_row("SELECT t FROM datoms WHERE id = ?1", (id as i64,), |row| row.get(0)).expect("a row");
    drop(connection);
    change(place, &sql);
    if class == "rewrite row and hash" {
        rehash(place, t, t);
    }
    (sql, t)
}

/// Computes the hashes of some transactions again from what stands in their rows, as whoever knows the format can.
pub(crate) fn rehash(path: &Path, from: i64, until: i64) {
    let mut sql = String::new();
    if let Ok(store) = Store::open(path, Access::ReadOnly) {
        let mut before =
            store.transactions(from - 2, from - 1).ok().and_then(|rows| rows.first().map(|row| row.hash)).unwrap_or([0; 32]);
        for t in from..=until {
            let mut datoms = Vec::new();
            let is_read = store.log(t - 1, t, None, |datom| {
                datoms.push(datom);
                Ok(())
            });
            let (Ok(()), Ok(rows)) = (is_read, store.transactions(t - 1, t)) else { break };
            let Some(row) = rows.first() else { break };
            let Ok(record) = (Record { t, instant: row.instant, datoms }).encode() else { break };
            before = *blake3::Hasher::new().update(&before).update(&record).finalize().as_bytes();
            let hash = blake3::Hash::from_bytes(before).to_hex();
            write!(sql, "UPDATE txs SET hash = x'{hash}' WHERE t = {t};").expect("a String takes any text");
        }
    }
    change(path, &sql);
}
