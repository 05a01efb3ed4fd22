//! Whatever transactions are accepted, the store is sound: random ones over the attributes of runs, lines and states, whole and in
//! pieces, retracted, said again and said of odd entities, with a verification after each. What is checked for soundness is computed
//! in two ways, by SQL views and from the log, and both must draw the same line between what shows and what does not.
//!
//! `STORES=` says how many histories, `SEED=` which; a failure prints the transactions that led to it.

use annals::store::{Access, Store};
use annals::{Connection, Partition};

use crate::dice::{Dice, number, seed};

const TRANSACTIONS: u64 = 16;

/// Attributes with texts that may stand as their values; `E` is an entity.
const ATTRIBUTES: [(&str, &[&str]); 15] = [
    (":run/id", &[r#""r""#, r#""s""#, r#""""#]),
    (":run/id", &[r#""r""#, r#""q""#, r#""""#]),
    (":run/mode", &[":exec", ":manual"]),
    (":run/status", &[":running", ":failed/twice"]),
    (":run/project-path", &[r#""/here""#, r#""""#]),
    (":run/created-at", &[r#"#inst "2026-11-22T16:00:00Z""#, r#"#inst "1969-01-01T00:00:00.000001Z""#]),
    (":log/run", &["E"]),
    (":log/seq", &["1", "2", "-3"]),
    (":log/ts", &[r#"#inst "2026-11-22T16:00:00Z""#, r#"#inst "-0100-01-01T00:00:00Z""#]),
    (":log/level", &[":info", ":error"]),
    (":log/message", &[r#""said""#, r#""""#, "\"two\\nlines\""]),
    (":state/namespace", &[r#""n""#, r#""m""#, r#""""#]),
    (":state/key", &[r#""k""#, r#""l""#, r#""""#]),
    (":state/key", &[r#""k""#, r#""""#]),
    (":state/value", &["1", "1.5", "1N", "-2.50M", "true", ":word", r#""text""#, r#""""#, "[1 nil]", "[]", "E", "#{7}"]),
];

struct Story {
    dice: Dice,
    /// Entities of which something was said.
    known: Vec<i64>,
    told: Vec<String>,
}

impl Story {
    fn entity(&mut self) -> String {
        match self.dice.below(12) {
            0 => r#""datomic.tx""#.to_owned(),
            1 | 2 => (*self.dice.among(&[r#""x""#, r#""y""#])).to_owned(),
            3 => (*self.dice.among(&[r#"[:run/id "r"]"#, r#"[:run/id "s"]"#])).to_owned(),
            4 => (*self.dice.among(&[r#"[:state/id ["n" "k"]]"#, r#"[:state/id ["" "k"]]"#])).to_owned(),
            _ if self.known.is_empty() => r#""x""#.to_owned(),
            _ => self.dice.among(&self.known).to_string(),
        }
    }

    fn fact(&mut self) -> (&'static str, String) {
        let (attribute, values) = *self.dice.among(&ATTRIBUTES);
        let value = *self.dice.among(values);
        (attribute, if value == "E" { self.entity() } else { value.to_owned() })
    }

    fn operation(&mut self) -> String {
        match self.dice.below(16) {
            0 => r#"{:state/namespace "n" :state/key "k" :state/value 1}"#.to_owned(),
            1 => r#"{:run/id "r" :run/mode :exec :log/_run [{:log/level :info :log/message "said"}]}"#.to_owned(),
            2 => format!(r#"{{:log/run {} :log/message "said"}}"#, self.entity()),
            3 => {
                let (attribute, value) = self.fact();
                format!("{{{attribute} {value}}}")
            }
            4 => format!("[:db/retractEntity {}]", self.entity()),
            kind => {
                let (entity, (attribute, value)) = (self.entity(), self.fact());
                match kind {
                    5 | 6 => format!("[:db/retract {entity} {attribute}]"),
                    7 | 8 => {
                        format!("[:db/retract {entity} {attribute} {}]", value.trim_start_matches("#{").trim_end_matches('}'))
                    }
                    _ => format!("[:db/add {entity} {attribute} {value}]"),
                }
            }
        }
    }

    /// A transaction that the store takes; those that it refuses count for nothing.
    fn go_on(&mut self, connection: &Connection) {
        for _ in 0..60 {
            let operations: Vec<String> = (0..=self.dice.below(4)).map(|_| self.operation()).collect();
            let text = format!("[{}]", operations.join(" "));
            let Ok(report) = connection.transact(&text) else { continue };
            if report.datoms.is_empty() {
                continue;
            }
            self.told.push(text);
            self.known.extend(report.datoms.iter().map(|datom| datom.e).filter(|e| Partition::of(*e) != Partition::TRANSACTIONS));
            self.known.sort_unstable();
            self.known.dedup();
            return;
        }
    }
}

#[test]
fn whatever_is_said_of_runs_lines_and_states_the_store_is_sound() {
    for seed in seed()..seed() + number("STORES", 6) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("annals.db");
        let connection = Connection::open(&path).expect("a new store");
        let mut story = Story { dice: Dice::new(seed), known: Vec::new(), told: Vec::new() };
        let looking = Store::open(&path, Access::ReadOnly).expect("it opens for reading");
        for _ in 0..TRANSACTIONS {
            story.go_on(&connection);
            let problem = looking.verify().expect("a report").problem;
            assert!(problem.is_none(), "SEED={seed}: {problem:?} after\n{}", story.told.join("\n"));
        }
        drop((looking, connection));
        let problem = annals::verify(&path, None).expect("a report").problem;
        assert!(problem.is_none(), "SEED={seed}: {problem:?} after\n{}", story.told.join("\n"));
    }
}

/// The transactions after which sound stores were once called damaged.
#[test]
fn states_without_a_key_and_lines_of_runs_without_an_id_are_no_damage() {
    let run = r#"{:run/id "r" :log/_run [{:log/message "one"} {:log/message "two"}]}"#;
    check(&[r#"{:state/namespace "n" :state/value 1}"#], [0, 0, 0]);
    check(&[r#"{:state/key "k" :state/value 1}"#], [0, 0, 1]);
    let put = r#"{:state/namespace "n" :state/key "k" :state/value 1}"#;
    check(&[put, r#"[:db/retract [:state/id ["n" "k"]] :state/key]"#], [0, 0, 0]);
    check(&[put, r#"[:db/retract [:state/id ["n" "k"]] :state/key]"#, put], [0, 0, 1]);
    check(&[put, r#"[:db/retract [:state/id ["n" "k"]] :state/value]"#], [0, 0, 0]);
    check(&[run], [1, 2, 0]);
    check(&[run, r#"[:db/retract [:run/id "r"] :run/id "r"]"#], [0, 0, 0]);
    check(&[run, r#"[:db/add [:run/id "r"] :run/id ""]"#], [1, 2, 0]);
    check(&[run, r#"[:db/add [:run/id "r"] :run/id "a"]"#, r#"[:db/add [:run/id "a"] :run/id "r"]"#], [1, 2, 0]);
    check(&[run, r#"{:db/id [:run/id "r"] :run/name "kept"} [:db/retract [:run/id "r"] :run/id]"#], [0, 0, 0]);
}

/// Transacts one after the other, and counts the runs, lines and states that the views show.
#[track_caller]
fn check(transactions: &[&str], shown: [i64; 3]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("annals.db");
    let connection = Connection::open(&path).expect("a new store");
    for transaction in transactions {
        connection.transact(&format!("[{transaction}]")).expect(transaction);
    }
    drop(connection);
    let problem = annals::verify(&path, None).expect("a report").problem;
    assert!(problem.is_none(), "{transactions:?}: {problem:?}");
    let sql = rusqlite::Connection::open(&path).expect("the file opens");
    let rows =
        |view: &str| -> i64 { sql.query_row(&format!("SELECT count(*) FROM {view}"), (), |row| row.get(0)).expect("a count") };
    assert_eq!(["runs", "run_logs", "state_kv"].map(rows), shown, "{transactions:?}");
}
