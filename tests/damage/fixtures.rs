//! Stores that were written earlier, one for each format there ever was, and damaged ones: small files in the repository, opened by every
//! later version. `REMAKE=1` makes anew those that can be made.

use std::fs;
use std::path::{Path, PathBuf};

use annals::store::{Access, Store};
use annals::{Connection, ErrorKind};

use crate::{harm, place};

const FORMATS: [&str; 5] = [
    include_str!("../../migrations/0001_datoms.sql"),
    include_str!("../../migrations/0002_contract.sql"),
    include_str!("../../migrations/0003_fulltext.sql"),
    include_str!("../../migrations/0004_entities.sql"),
    include_str!("../../migrations/0005_current.sql"),
];

/// A damaged store: its name, what `verify` says first and of which t, how many transactions a rescue copies, and which are lost.
struct Damaged {
    name: &'static str,
    code: &'static str,
    t: Option<i64>,
    copied: i64,
    lost: &'static [i64],
    make: fn(&Path),
}

const DAMAGED: [Damaged; 10] = [
    Damaged {
        name: "rewritten-value",
        code: "verify/chain",
        t: Some(5),
        copied: 12,
        lost: &[5],
        make: |path| {
            harm::change(path, "UPDATE datoms SET m = m + 1 WHERE id = (SELECT max(id) FROM datoms WHERE t = 5)");
        },
    },
    Damaged {
        name: "deleted-row",
        code: "verify/log-order",
        t: Some(6),
        copied: 12,
        lost: &[6],
        make: |path| {
            harm::change(path, "DELETE FROM datoms WHERE id = (SELECT max(id) FROM datoms WHERE t = 6)");
        },
    },
    Damaged {
        name: "deleted-transaction",
        code: "verify/transactions",
        t: Some(7),
        copied: 13,
        lost: &[],
        make: |path| {
            harm::change(path, "DELETE FROM txs WHERE t = 7");
        },
    },
    Damaged {
        name: "wrong-hash",
        code: "verify/chain",
        t: Some(8),
        copied: 13,
        lost: &[],
        make: |path| {
            harm::change(path, "UPDATE txs SET hash = zeroblob(32) WHERE t = 8");
        },
    },
    Damaged {
        name: "empty-index",
        code: "verify/index",
        t: None,
        copied: 13,
        lost: &[],
        make: |path| {
            harm::change(path, "DELETE FROM avet WHERE id % 2 = 0");
        },
    },
    Damaged {
        name: "other-view",
        code: "verify/schema",
        t: None,
        copied: 13,
        lost: &[],
        make: |path| {
            harm::change(path, "DROP VIEW runs; CREATE VIEW runs AS SELECT 'none' AS id");
        },
    },
    Damaged {
        name: "no-header",
        code: "verify/file",
        t: None,
        copied: 13,
        lost: &[],
        make: |path| {
            let mut bytes = fs::read(path).expect("the file");
            bytes[..100].fill(0);
            fs::write(path, bytes).expect("the file");
        },
    },
    Damaged {
        name: "no-schema",
        code: "verify/file",
        t: None,
        copied: 13,
        lost: &[],
        make: |path| {
            let mut bytes = fs::read(path).expect("the file");
            bytes[100..1_024].fill(0xff);
            fs::write(path, bytes).expect("the file");
        },
    },
    Damaged { name: "statistics", code: "", t: None, copied: 13, lost: &[], make: |path| harm::change(path, "ANALYZE") },
    Damaged {
        name: "wrong-number",
        code: "verify/schema",
        t: None,
        copied: 13,
        lost: &[],
        make: |path| {
            harm::change(path, "PRAGMA user_version = 0");
        },
    },
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format!("{name}.db"))
}

/// The history of `format-3.db` in a file of another format.
fn make_format(format: usize, out: &Path) {
    if format == FORMATS.len() {
        fs::copy(fixture("format-3"), out).expect("a copy");
        drop(Store::open(out, Access::ReadWrite).expect("it is migrated"));
        return;
    }
    if format > 3 {
        fs::copy(fixture("format-3"), out).expect("a copy");
        let connection = rusqlite::Connection::open(out).expect("a file");
        for step in &FORMATS[3..format] {
            connection.execute_batch(step).expect("the step works");
        }
        connection
            .execute_batch(&format!("PRAGMA user_version = {format}; PRAGMA wal_checkpoint(TRUNCATE)"))
            .expect("the number");
        return;
    }
    let _ = fs::remove_file(out);
    let connection = rusqlite::Connection::open(out).expect("a file");
    connection.execute_batch("PRAGMA page_size = 2048; PRAGMA journal_mode = WAL").expect("a mode");
    for step in &FORMATS[..format] {
        connection.execute_batch(step).expect("the step works");
    }
    let from = fixture("format-3");
    connection.execute("ATTACH ?1 AS old", (from.to_str().expect("a name"),)).expect("the older store");
    connection
        .execute_batch(
            "INSERT INTO datoms SELECT * FROM old.datoms ORDER BY id; INSERT INTO avet SELECT * FROM old.avet;
             INSERT INTO txs SELECT * FROM old.txs ORDER BY t; DETACH old; PRAGMA application_id = 0x416e4c73",
        )
        .expect("the rows");
    connection
        .execute_batch(&format!(
            "PRAGMA user_version = {format}; PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA journal_mode = DELETE"
        ))
        .expect("the numbers");
    drop(connection);
    rusqlite::Connection::open(out).and_then(|connection| connection.pragma_update(None, "journal_mode", "WAL")).expect("a mode");
}

/// A small history of today, to be damaged.
fn make_small(path: &Path) {
    let connection = Connection::open(path).expect("a new store");
    connection
        .transact("[{:db/ident :item/name :db/unique :db.unique/identity :db/valueType :db.type/string}]")
        .expect("a declaration");
    for n in 3..14 {
        connection
            .transact(&format!("[{{:item/name \"n{}\" :item/rank {n} :item/tags #{{:red :t{n}}}}}]", n % 4))
            .expect("a transaction");
    }
}

fn is_remade() -> bool {
    std::env::var_os("REMAKE").is_some()
}

#[test]
fn fixtures_of_every_format_are_verified_read_migrated_and_rescued() {
    let newest = FORMATS.len();
    let mut heads = Vec::new();
    for format in 1..=newest {
        let name = format!("format-{format}");
        if is_remade() && format != 3 {
            make_format(format, &fixture(&name));
        }
        let folder = place();
        let path = folder.path().join("annals.db");
        fs::copy(fixture(&name), &path).expect("a copy");
        let report = annals::verify(&path, None).expect("a report");
        assert_eq!(report.problem, None, "{name}");
        heads.push((report.head.clone(), report.datoms));
        let store = Store::open(&path, Access::ReadWrite).expect("it is migrated");
        assert_eq!(store.basis().expect("a basis").t, report.transactions, "{name}");
        drop(store);
        let migrated = annals::verify(&path, Some(&report.head)).expect("a report");
        assert_eq!((migrated.found_at, migrated.problem), (Some(report.transactions), None), "{name}");
        fs::copy(fixture(&name), &path).expect("a copy");
        let rescued = Store::rescue(&path, folder.path().join("out.db")).expect("it is rescued");
        assert_eq!((rescued.lost.len(), rescued.copied), (0, report.transactions), "{name}");
        assert_eq!(rescued.verified.head, report.head, "{name}");
    }
    heads.dedup();
    assert_eq!(heads.len(), 1, "one history in every format");
}

#[test]
fn fixtures_that_are_damaged_are_named_and_rescued_as_ever() {
    for damaged in &DAMAGED {
        let name = format!("damaged-{}", damaged.name);
        if is_remade() {
            let folder = place();
            let path = folder.path().join("annals.db");
            make_small(&path);
            (damaged.make)(&path);
            fs::copy(&path, fixture(&name)).expect("a copy");
        }
        let folder = place();
        let (path, out) = (folder.path().join("annals.db"), folder.path().join("out.db"));
        fs::copy(fixture(&name), &path).expect("a copy");
        let report = annals::verify(&path, None).expect("a report");
        let found = report.problem.as_ref().map(|problem| (problem.code, problem.t));
        let expected = if damaged.code.is_empty() { None } else { Some((damaged.code, damaged.t)) };
        assert_eq!(found, expected, "{name}: {:?}", report.problem);
        assert_eq!(fs::read(&path).expect("the file"), fs::read(fixture(&name)).expect("the file"), "{name}: nothing is changed");
        let rescued = Store::rescue(&path, &out).unwrap_or_else(|error| panic!("{name}: {error}"));
        let lost: Vec<i64> = rescued.lost.iter().flat_map(|range| range.first_t..=range.last_t).collect();
        assert_eq!((rescued.copied, &*lost), (damaged.copied, damaged.lost), "{name}: {:?}", rescued.lost);
        assert_eq!(annals::verify(&out, None).expect("a report").problem, None, "{name}");
    }
}

#[test]
fn fixtures_of_a_newer_format_are_refused_and_left_alone() {
    let folder = place();
    let path = folder.path().join("annals.db");
    make_small(&path);
    // What a later version makes: another number, and other tables.
    harm::change(&path, "CREATE TABLE later (x) STRICT; PRAGMA user_version = 6".replace(" (x) ", " (x INTEGER) ").as_str());
    let before = fs::read(&path).expect("the file");
    let refused =
        [Connection::open(&path).map(drop), Connection::open_read_only(&path).map(drop), annals::verify(&path, None).map(drop)];
    for outcome in refused {
        let error = outcome.expect_err("it is newer");
        assert_eq!(error.kind(), ErrorKind::NewerStore);
        assert!(error.help().is_some_and(|help| help.contains("newer version")), "{error}");
    }
    assert_eq!(fs::read(&path).expect("the file"), before);
}
