//! Small histories by hand: what each view finds, what ranks before what, and what is no match.

use annals::query::{Budget, Facts as _};
use annals::{Connection, Db, Value};

use crate::folder::Folder;
use crate::{found, texts};

fn store(folder: &Folder) -> (Connection, i64) {
    let connection = folder.open();
    connection.transact("[{:db/ident :note/text :db/fulltext true}]").expect("a declaration");
    let report = connection.transact("[{:db/id \"n\" :note/text \"the disk is full\"}]").expect("a note");
    let note = report.tempids["n"];
    connection.transact(&format!("[[:db/add {note} :note/text \"the disk was replaced\"]]")).expect("another text");
    connection.transact(&format!("[[:db/retract {note} :note/text \"the disk was replaced\"]]")).expect("no text");
    connection.transact(&format!("[[:db/add {note} :note/text \"the disk is full\"]]")).expect("the first text again");
    (connection, note)
}

#[track_caller]
fn check(db: &Db, search: &str, expected: &[&str]) {
    assert_eq!(texts(db, "note/text", search), expected, "{search}");
}

#[test]
fn a_match_counts_if_the_view_shows_the_fact() {
    let folder = Folder::new();
    let (connection, note) = store(&folder);
    let db = connection.db().expect("a value");
    check(&db, "disk", &["the disk is full"]);
    check(&db, "replaced", &[]);
    check(&db.as_of(4).expect("a moment"), "disk", &["the disk was replaced"]);
    check(&db.as_of(4).expect("a moment"), "full", &[]);
    check(&db.as_of(5).expect("a moment"), "disk", &[]);
    check(&db.as_of(2).expect("a moment"), "disk", &[]);
    check(&db.since(3).expect("a moment").as_of(4).expect("a moment"), "disk", &["the disk was replaced"]);
    check(&db.since(3).expect("a moment").as_of(4).expect("a moment"), "full", &[]);
    check(&db.history(), "disk", &["the disk is full", "the disk is full", "the disk was replaced"]);
    check(&db.history().since(3).expect("a moment"), "disk", &["the disk is full", "the disk was replaced"]);
    check(&db.filter(move |datom| datom.e != note), "disk", &[]);
    let times: Vec<i64> = found(&db.history(), "note/text", "full").iter().map(|found| found.t).collect();
    assert_eq!(times, [3, 6], "each addition once, with its transaction");
}

#[test]
fn what_would_be_is_found_like_what_is() {
    let folder = Folder::new();
    let (connection, note) = store(&folder);
    let db = connection.db().expect("a value");
    let after =
        db.with(&format!("[[:db/add {note} :note/text \"No more DISKS\"] {{:note/text \"disk two\"}}]")).expect("it may be");
    check(&after.db_after, "disk*", &["No more DISKS", "disk two"]);
    check(&after.db_after, "full", &[]);
    check(&after.db_after.as_of(db.basis_t()).expect("a moment"), "disk*", &["the disk is full"]);
    check(&db, "disk*", &["the disk is full"]);
    let declared = db.with("[{:db/ident :note/title :db/fulltext true} {:note/title \"disk\"}]").expect("it may be").db_after;
    assert_eq!(texts(&declared, "note/title", "disk"), ["disk"], "declared by what would be");
    let undeclared = db.with("[{:db/ident :note/text :db/fulltext false}]").expect("it may be").db_after;
    let attribute = undeclared.attribute("note/text").expect("it is known");
    assert!(undeclared.fulltext(&attribute, "disk", &Budget::default()).is_err(), "undeclared by what would be");
    let then = db.as_of(3).expect("a moment").with("[{:note/text \"disk two\"}]").expect("what if then").db_after;
    check(&then, "disk", &["disk two", "the disk is full"]);
}

#[test]
fn only_texts_have_words() {
    let folder = Folder::new();
    let connection = folder.open();
    connection.transact("[{:db/ident :x/any :db/cardinality :db.cardinality/many :db/fulltext true}]").expect("a declaration");
    connection.transact(r#"[{:x/any #{"disk 7" :disk disk ["disk" "x"] 7 #uri "disk:7" 7.5 "" "..."}}]"#).expect("values");
    let db = connection.db().expect("a value");
    assert_eq!(texts(&db, "x/any", "disk"), ["disk 7"]);
    assert_eq!(texts(&db, "x/any", "7"), ["disk 7"]);
    assert_eq!(texts(&db, "x/any", "5 OR x"), <[&str; 0]>::default());
}

#[test]
fn the_best_match_comes_first() {
    let folder = Folder::new();
    let connection = folder.open();
    connection.transact("[{:db/ident :note/text :db/fulltext true}]").expect("a declaration");
    let notes = ["a long text that says disk once among many other words", "disk", "disk disk", "disk"];
    let notes: Vec<String> = notes.iter().map(|text| format!("{{:note/text \"{text}\"}}")).collect();
    connection.transact(&format!("[{}]", notes.join(" "))).expect("notes");
    let matches = found(&connection.db().expect("a value"), "note/text", "disk");
    let shown: Vec<&str> = matches.iter().map(|found| found.v.as_text().expect("a text")).collect();
    assert_eq!(shown, ["disk disk", "disk", "disk", "a long text that says disk once among many other words"]);
    assert!(matches[1].e < matches[2].e && matches[1].score.total_cmp(&matches[2].score).is_eq(), "ties are by entity");
    assert!(matches[3].score > 0.0, "the greater the better");
    assert_eq!(matches[0].v, Value::from("disk disk"));
}

#[test]
fn two_handles_of_one_store_find_what_the_other_wrote() {
    let folder = Folder::new();
    let (one, two) = (folder.open(), folder.open());
    let earlier = two.db().expect("a value");
    one.transact("[{:note/text \"said before\"}]").expect("a note");
    two.transact("[{:db/ident :note/text :db/fulltext true}]").expect("a declaration");
    one.transact("[{:note/text \"said after\"}]").expect("a note");
    two.transact("[{:note/text \"said here\"}]").expect("a note");
    for connection in [&one, &two, &folder.open(), &Connection::open_read_only(folder.store()).expect("a reader")] {
        assert_eq!(texts(&connection.db().expect("a value"), "note/text", "said"), ["said after", "said before", "said here"]);
    }
    assert!(earlier.attribute("note/text").is_none(), "a value that is held learns nothing");
}

#[test]
fn words_are_found_whatever_their_case_and_accents() {
    let folder = Folder::new();
    let connection = folder.open();
    connection
        .transact("[{:db/ident :note/text :db/fulltext true} {:note/text \"Crème Brûlée, ΟΔΟΣ, Straße 7\"}]")
        .expect("a note");
    let db = connection.db().expect("a value");
    for search in ["creme", "CRÈME brulee", "cre\u{300}me", "\"brûlée οδός\"", "stras*", "straße 7", "οδ*"] {
        assert_eq!(texts(&db, "note/text", search).len(), usize::from(search != "stras*"), "{search}");
    }
}
