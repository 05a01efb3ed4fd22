//! The promise: import and export lose nothing. What was exported, imported and exported again is the same byte for byte, in each form;
//! importing twice is importing once; a stream that breaks off, at whatever byte, leaves whole transactions and an error or a shorter
//! history, never half a transaction, and the whole stream completes it.
//!
//! Attacked with random stores (`EXCHANGES=` says how many, `SEED=` which) and with streams cut at every byte.

#[path = "common/splitmix.rs"]
mod splitmix;
#[path = "histories/talk.rs"]
mod talk;

use annals::store::Durability;
use annals::{Connection, Options, exchange};
use talk::{DECLARATIONS, Talk};

const EVERY_KIND: &str = r#"[{:k/all #{true 1 -9223372036854775808 100000000000000000000N 0.1 ##Inf 1.20M 1E400M #inst "2026-11-20T10:00:00.000001Z"
  #uuid "6f1c3d1e-0000-4000-8000-000000000001" :a/b :a symbol "text \"quoted\" \\ \n \u0007 ü 𝄞" "" #bytes "00ff0a" [1 nil "x"] #uri "https://example.org/?a=b#c"}}]"#;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn open(folder: &tempfile::TempDir, name: &str) -> Connection {
    let options = Options { durability: Durability::Normal, ..Options::default() };
    Connection::open_with(folder.path().join(name), options).expect("the store opens")
}

fn random_store(folder: &tempfile::TempDir, seed: u64) -> Connection {
    let connection = open(folder, "source.db");
    connection.transact(DECLARATIONS).expect("a declaration");
    let mut talk = Talk::new(seed);
    for _ in 0..6 {
        // Some are refused, as talk is.
        let _ = connection.transact(&format!("[{}]", talk.forms().join(" ")));
    }
    if seed.is_multiple_of(4) {
        connection.transact(EVERY_KIND).expect("every kind of value");
    }
    connection
}

/// Both forms.
fn exported(connection: &Connection) -> [Vec<u8>; 2] {
    let db = connection.db().expect("a value");
    let (mut datoms, mut jsonl) = (Vec::new(), Vec::new());
    exchange::export_datoms(&db, &mut datoms).expect("it can be exported");
    exchange::export_jsonl(&db, &mut jsonl).expect("it can be exported");
    [datoms, jsonl]
}

#[test]
fn what_was_exported_imported_and_exported_is_the_same_byte_for_byte() {
    let (first, count) = (number("SEED", 1), number("EXCHANGES", 40));
    let (mut bytes, mut transactions) = (0, 0);
    for seed in first..first + count {
        let folder = tempfile::tempdir().expect("a folder");
        let source = random_store(&folder, seed);
        let streams = exported(&source);
        let form = (seed % 2) as usize;
        let target = open(&folder, "target.db");
        let once = exchange::import(&target, &mut &*streams[form]).unwrap_or_else(|error| panic!("SEED={seed}: {error}"));
        assert!(exported(&target) == streams, "SEED={seed}: form {form} comes back as another");
        let twice = exchange::import(&target, &mut &*streams[1 - form]).unwrap_or_else(|error| panic!("SEED={seed}: {error}"));
        let all = once.transactions + once.already_there;
        assert_eq!((twice.transactions, twice.datoms, twice.already_there), (0, 0, all), "SEED={seed}");
        assert!(exported(&target) == streams, "SEED={seed}: importing twice is importing once");
        assert_eq!(target.store().basis().expect("a basis").hash, source.store().basis().expect("a basis").hash, "SEED={seed}");
        bytes += streams[form].len();
        transactions += all;
    }
    println!("SEED={first}: {count} stores, {transactions} transactions, {bytes} bytes, 0 differences");
}

#[test]
fn a_stream_cut_at_every_byte_leaves_whole_transactions_and_the_rest_completes_it() {
    let seed = number("SEED", 4);
    let folder = tempfile::tempdir().expect("a folder");
    let source = random_store(&folder, seed);
    let streams = exported(&source);
    let (mut cuts, mut errors) = (0, 0);
    for (form, stream) in streams.iter().enumerate() {
        let target = open(&folder, &format!("target-{form}.db"));
        // The first transaction is long and the same in every store, so it is cut here and there only.
        let behind_first =
            stream.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).nth(1 - form).expect("a line");
        for cut in (0..behind_first).step_by(97).chain(behind_first..stream.len()) {
            let before = target.db().expect("a value").basis_t();
            let outcome = exchange::import(&target, &mut &stream[..cut]);
            let whole = stream[..cut].split(|byte| *byte == b'\n').count() - 1 - usize::from(form == 0 && cut > 18);
            let after = target.db().expect("a value").basis_t();
            // A last line that lacks nothing but its end is whole.
            let limit = whole + usize::from(stream[cut] == b'\n');
            let range = (whole.max(1) as i64).max(before)..=(limit.max(1) as i64).max(before);
            assert!(range.contains(&after), "SEED={seed}, form {form}, cut at {cut}: {after} transactions, {outcome:?}");
            cuts += 1;
            errors += usize::from(outcome.is_err());
            if let Err(error) = outcome {
                assert!(error.help().is_some() && !error.message().is_empty(), "cut at {cut}: {error}");
            }
        }
        exchange::import(&target, &mut &**stream).expect("the whole");
        assert!(exported(&target) == streams, "SEED={seed}, form {form}: the whole completes what was cut");
    }
    println!("SEED={seed}: {cuts} cuts, {errors} errors, 0 halves");
    assert!(errors * 2 > cuts, "most cuts are in the middle of something");
}

#[test]
fn a_stream_with_a_changed_byte_makes_no_store_that_contradicts_itself() {
    let seed = number("SEED", 4);
    let folder = tempfile::tempdir().expect("a folder");
    let source = random_store(&folder, seed);
    let mut talk = Talk::new(seed);
    let mut refused = 0;
    for stream in exported(&source) {
        for _ in 0..60 {
            let mut changed = stream.clone();
            let at = talk.below(stream.len() as u64) as usize;
            changed[at] = changed[at].wrapping_add(1 + talk.below(254) as u8);
            let target = open(&folder, "changed.db");
            let outcome = exchange::import(&target, &mut &*changed);
            refused += usize::from(outcome.is_err());
            assert_eq!(target.store().verify().expect("a report").problem, None);
            drop(target);
            for suffix in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(folder.path().join(format!("changed.db{suffix}")));
            }
        }
    }
    println!("SEED={seed}: 120 changed bytes, {refused} refused");
    assert!(refused > 60, "most changes are noticed");
}

#[test]
fn an_ident_that_is_no_keyword_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = open(&folder, "source.db");
    source.transact("[{:user/name \"Ada\"}]").expect("a fact");
    let [datoms, _] = exported(&source);
    let text = String::from_utf8(datoms).expect("a stream is text");
    for other in ["user/name", "\"user/name\"", "7"] {
        let changed = text.replace(" 4294967297 :user/name ", &format!(" 4294967297 {other} "));
        assert_ne!(changed, text);
        let target = open(&folder, "target.db");
        let error = exchange::import(&target, &mut changed.as_bytes()).expect_err("no store can have said so");
        assert_eq!(error.kind(), annals::ErrorKind::Import, "{error}");
        assert!(error.message().contains(&format!("{other}, which is no keyword")), "{error}");
        assert_eq!(target.store().verify().expect("a report").problem, None);
        assert_eq!(target.db().expect("a value").basis_t(), 1);
    }
}
