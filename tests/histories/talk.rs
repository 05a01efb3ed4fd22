//! Random transactions as text: everything a transaction may say, about few entities, so that they meet, contradict and go.

use crate::splitmix::Random;

/// What is said by chance.
pub(crate) struct Talk(Random);

/// What is declared before anything is said.
pub(crate) const DECLARATIONS: &str = "[{:db/ident :r/ref :db/valueType :db.type/ref}
  {:db/ident :r/refs :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}
  {:db/ident :r/part :db/valueType :db.type/ref :db/cardinality :db.cardinality/many :db/isComponent true}
  {:db/ident :u/key :db/valueType :db.type/string :db/unique :db.unique/identity}
  {:db/ident :u/value :db/unique :db.unique/value}
  {:db/ident :c/a :db/valueType :db.type/long} {:db/ident :c/b :db/valueType :db.type/ref}
  {:db/ident :c/both :db/tupleAttrs [:c/a :c/b] :db/unique :db.unique/identity}]";

/// Attributes and what values of theirs look like: `#` a number, `@` an entity, the rest as it stands.
const ATTRIBUTES: [(&str, &str); 15] = [
    (":x/one", "#"),
    (":x/one", "\"text #\""),
    (":x/many", "#"),
    (":x/renamed", ":k/v#"),
    (":x/any", "[# nil \"t\"]"),
    (":x/any", "false"),
    (":x/late", "#.5"),
    (":r/ref", "@"),
    (":r/refs", "@"),
    (":r/part", "@"),
    (":u/key", "\"key #\""),
    (":u/value", "#"),
    (":c/a", "#"),
    (":c/b", "@"),
    (":db/doc", "\"doc #\""),
];

/// What may be said of attributes late. Much of it is refused, depending on what was said before.
const LATE: [&str; 14] = [
    "[:db/add :x/renamed :db/ident :x/new-name]",
    "[:db/add :x/new-name :db/ident :x/renamed]",
    "{:db/ident :x/many :db/cardinality :db.cardinality/many}",
    "{:db/ident :x/many :db/cardinality :db.cardinality/one}",
    "{:db/ident :x/late :db/valueType :db.type/double}",
    "{:db/ident :x/one :db/index true}",
    "{:db/ident :x/one :db/index false}",
    "{:db/ident :x/one :db/unique :db.unique/identity}",
    "[:db/retract :x/one :db/unique]",
    "{:db/ident :x/late :db/unique :db.unique/value}",
    "[:db/retract :x/late :db/unique]",
    "{:db/ident :r/ref :db/isComponent true}",
    "{:db/ident :r/ref :db/isComponent false}",
    "{:db/ident :x/pair :db/tupleAttrs [:x/one :x/renamed]}",
];

impl Talk {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.next() % end
    }

    fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.below(items.len() as u64) as usize]
    }

    /// The forms of one transaction.
    pub(crate) fn forms(&mut self) -> Vec<String> {
        (0..=self.below(4)).map(|_| self.form()).collect()
    }

    fn form(&mut self) -> String {
        let (e, m) = (self.entity(), self.metadata());
        let (a, v) = self.fact();
        match self.below(16) {
            0..=3 => format!("[:db/add {e} {a} {v}{m}]"),
            4 => format!("[:db/retract {e} {a} {v}{m}]"),
            5 => format!("[:db/retract {e} {a}]"),
            6 => format!("[:db/retractEntity {e}]"),
            7 => format!("[:db/cas {e} {a} {} {v}]", if self.below(2) == 0 { "nil".to_owned() } else { self.fact().1 }),
            8..=10 => {
                let (other, value) = self.fact();
                let m = if m.is_empty() { m } else { format!(" :db/m{m}") };
                if other == a {
                    format!("{{:db/id {e} {a} {v}{m}}}")
                } else {
                    format!("{{:db/id {e} {a} {v} {other} {value}{m}}}")
                }
            }
            11 => format!("{{:db/id {e} :r/part {{{a} {v}}}}}"),
            12 => format!("{{:run/id \"run {}\" :run/name \"n {}\"}}", self.below(3), self.below(9)),
            13 => format!("{{:log/run [:run/id \"run {}\"] :log/message \"m\"}}", self.below(3)),
            14 => format!("{{:state/namespace \"n\" :state/key \"k{}\" :state/value {}}}", self.below(3), self.below(9)),
            _ => self.pick(&LATE).to_owned(),
        }
    }

    fn fact(&mut self) -> (&'static str, String) {
        let (attribute, shape) = ATTRIBUTES[self.below(ATTRIBUTES.len() as u64) as usize];
        let entity = if shape.contains('@') { self.entity() } else { String::new() };
        (attribute, shape.replace('#', &self.below(4).to_string()).replace('@', &entity))
    }

    fn entity(&mut self) -> String {
        match self.below(10) {
            0..=3 => format!("\"new {}\"", self.below(3)),
            4 => format!("[:u/key \"key {}\"]", self.below(4)),
            5 => format!("[:u/value {}]", self.below(4)),
            6 => format!("[:c/both [{} {}]]", self.below(4), (2_i64 << 32) + 1 + self.below(6) as i64),
            _ => ((2_i64 << 32) + 1 + self.below(6) as i64).to_string(),
        }
    }

    fn metadata(&mut self) -> String {
        match self.below(4) {
            0 => format!(" {}", (2_i64 << 32) + 1 + self.below(6) as i64),
            1 => " \"datomic.tx\"".to_owned(),
            _ => String::new(),
        }
    }
}
