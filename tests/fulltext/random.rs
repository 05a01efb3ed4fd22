//! Random texts, searches and views, compared to a plain reading of the datoms that the view shows. `SEED=` chooses the histories,
//! `HISTORIES=` says how many.

use annals::query::Match;
use annals::{Connection, Db, Order, Value};

use crate::folder::Folder;
use crate::found;
use crate::splitmix;

const WORDS: [&str; 7] = ["disk", "full", "Disks", "net", "a", "ab", "FULLY"];
const ATTRIBUTES: [&str; 3] = ["note/text", "note/many", "note/any"];

/// Texts and searches by chance.
struct Random(splitmix::Random);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0.below(end)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.0.one_in(count)
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }

    /// Words and what separates them.
    fn text(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.below(6) {
            text.push_str(self.word());
            text.push_str([" ", ", ", "-", ": ", "_"][self.below(5)]);
        }
        text
    }
}

/// A search as a tree, so that what it means is known without reading it.
enum Search {
    Phrase(Vec<&'static str>, bool),
    And(Box<Search>, Box<Search>),
    Or(Box<Search>, Box<Search>),
    Not(Box<Search>, Box<Search>),
}

impl Search {
    fn random(random: &mut Random, depth: usize) -> Self {
        if depth == 0 || random.one_in(2) {
            let words = (0..=random.below(2)).map(|_| random.word()).collect();
            return Self::Phrase(words, random.one_in(3));
        }
        let (left, right) = (Box::new(Self::random(random, depth - 1)), Box::new(Self::random(random, depth - 1)));
        match random.below(3) {
            0 => Self::And(left, right),
            1 => Self::Or(left, right),
            _ => Self::Not(left, right),
        }
    }

    fn written(&self) -> String {
        match self {
            Self::Phrase(words, false) => format!("\"{}\"", words.join(" ")),
            Self::Phrase(words, true) if words.len() == 1 => format!("{}*", words[0]),
            Self::Phrase(words, true) => format!("\"{}\"*", words.join(" ")),
            Self::And(left, right) => format!("({}) ({})", left.written(), right.written()),
            Self::Or(left, right) => format!("({}) OR ({})", left.written(), right.written()),
            Self::Not(left, right) => format!("({}) NOT ({})", left.written(), right.written()),
        }
    }

    fn finds(&self, text: &str) -> bool {
        match self {
            Self::Phrase(wanted, is_prefix) => {
                let words: Vec<String> = text
                    .split(|c: char| !c.is_ascii_alphanumeric())
                    .filter(|word| !word.is_empty())
                    .map(str::to_lowercase)
                    .collect();
                let is_same = |(place, (word, wanted)): (usize, (&String, &&str))| {
                    let wanted_word = wanted.to_lowercase();
                    if *is_prefix && place + 1 == self.len() { word.starts_with(&wanted_word) } else { *word == wanted_word }
                };
                words.windows(wanted.len()).any(|window| window.iter().zip(wanted).enumerate().all(is_same))
            }
            Self::And(left, right) => left.finds(text) && right.finds(text),
            Self::Or(left, right) => left.finds(text) || right.finds(text),
            Self::Not(left, right) => left.finds(text) && !right.finds(text),
        }
    }

    fn len(&self) -> usize {
        if let Self::Phrase(words, _) = self { words.len() } else { 0 }
    }
}

/// A random transaction over few entities.
fn transaction(random: &mut Random, entities: &[i64]) -> String {
    let mut operations = Vec::new();
    let mut touched = Vec::new();
    for _ in 0..=random.below(5) {
        let (entity, attribute) = (random.below(8), ATTRIBUTES[random.below(3)]);
        if touched.contains(&(entity, attribute)) {
            continue;
        }
        touched.push((entity, attribute));
        let entity = entities[entity];
        if random.one_in(5) {
            operations.push(format!("[:db/retract {entity} :{attribute}]"));
            continue;
        }
        let value = if attribute == "note/any" && random.one_in(2) {
            ["7", ":disk", "[\"disk\" \"full\"]", "disk"][random.below(4)].to_owned()
        } else {
            Value::from(random.text().as_str()).to_string()
        };
        operations.push(format!("[:db/add {entity} :{attribute} {value}]"));
    }
    format!("[{}]", operations.join(" "))
}

#[track_caller]
fn check(db: &Db, attribute: &str, search: &Search) {
    let written = search.written();
    let mut expected: Vec<(i64, Value, i64)> = db
        .datoms(Order::Aevt, &[Value::keyword(attribute)])
        .expect("datoms can be read")
        .into_iter()
        .filter(|datom| datom.added && matches!(&datom.v, Value::String(text) if search.finds(text)))
        .map(|datom| (datom.e, datom.v, datom.t))
        .collect();
    let found = found(db, attribute, &written);
    let is_in_order = |left: &Match, right: &Match| (-left.score, left.e) <= (-right.score, right.e);
    assert!(found.is_sorted_by(is_in_order), "{written}: the best come first, then by entity: {found:?}");
    let mut found: Vec<(i64, Value, i64)> = found.into_iter().map(|found| (found.e, found.v, found.t)).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{written} in :{attribute}");
}

/// Views of a value: the past, after a moment, all of history, some of it, and what would be.
fn views(random: &mut Random, db: &Db, entities: &[i64]) -> Vec<Db> {
    let basis = db.basis_t();
    let (early, late) = (random.below(basis as usize) as i64, random.below(basis as usize + 1) as i64);
    let past = db.as_of(late).expect("a moment");
    let since = db.since(early).expect("a moment");
    let with = |db: &Db, random: &mut Random| {
        let mut after = db.clone();
        for _ in 0..=random.below(2) {
            let text = transaction(random, entities);
            after = after.with(&text).unwrap_or_else(|error| panic!("{text} after {}: {error}", after.until_t())).db_after;
        }
        after
    };
    vec![
        past.history(),
        since.as_of(late).expect("a moment"),
        since.history(),
        db.filter(|datom| datom.e % 2 == 0),
        with(db, random),
        with(&past, random).history(),
        with(&since, random).as_of(basis).expect("a moment"),
        with(db, random).filter(|datom| datom.t % 2 == 0),
        past,
        since,
        db.clone(),
    ]
}

#[test]
fn a_search_finds_what_a_plain_reading_finds_in_every_view() {
    let seed = std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_121);
    let histories = std::env::var("HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    for seed in seed..seed + histories {
        eprintln!("SEED={seed}");
        tell(&mut Random(splitmix::Random::new(seed)));
    }
}

fn tell(random: &mut Random) {
    let folder = Folder::new();
    let mut connections: Vec<Connection> = vec![folder.open(), folder.open()];
    let declared = "[{:db/ident :note/id :db/unique :db.unique/identity} {:db/ident :note/text :db/valueType :db.type/string}
        {:db/ident :note/many :db/cardinality :db.cardinality/many} {:db/ident :note/any :db/doc \"anything\"}]";
    connections[0].transact(declared).expect("a declaration");
    let made: Vec<String> = (0..8).map(|n| format!("{{:db/id \"{n}\" :note/id {n}}}")).collect();
    let report = connections[0].transact(&format!("[{}]", made.join(" "))).expect("entities");
    let entities: Vec<i64> = report.tempids.into_values().collect();
    let mut declared = [false; 3];
    let mut then: Vec<(i64, &str, String, Vec<Match>)> = Vec::new();
    let mut held: Vec<(Db, &str, String, Vec<Match>)> = Vec::new();
    for _ in 0..25 {
        let at = random.below(2);
        if random.one_in(12) {
            connections[at] = folder.open();
        }
        let connection = &connections[at];
        let attribute = random.below(3);
        if random.one_in(4) {
            declared[attribute] = !declared[attribute];
            let text = format!("[{{:db/ident :{} :db/fulltext {}}}]", ATTRIBUTES[attribute], declared[attribute]);
            connection.transact(&text).expect("a declaration");
        }
        connection.transact(&transaction(random, &entities)).expect("a transaction");
        if declared[attribute] {
            let db = connections[1 - at].db().expect("a value");
            let written = Search::random(random, 2).written();
            then.push((db.basis_t(), ATTRIBUTES[attribute], written.clone(), found(&db, ATTRIBUTES[attribute], &written)));
            for view in views(random, &db, &entities) {
                let search = Search::random(random, 3);
                check(&view, ATTRIBUTES[attribute], &search);
                let found = found(&view, ATTRIBUTES[attribute], &search.written());
                held.push((view, ATTRIBUTES[attribute], search.written(), found));
            }
        }
    }
    // The past of today is what was found then, to the score.
    let now = connections[0].db().expect("a value");
    for (t, attribute, written, before) in then {
        if declared[ATTRIBUTES.iter().position(|name| *name == attribute).expect("it is one of these")] {
            assert_eq!(
                found(&now.as_of(t).expect("a moment"), attribute, &written),
                before,
                "{written} in :{attribute} as of {t}"
            );
        }
    }
    // Whatever was written or declared since, a value that is held answers as before, and scores as before.
    for (db, attribute, written, before) in held {
        assert_eq!(found(&db, attribute, &written), before, "{written} in :{attribute}, held");
    }
    assert_eq!(connections[0].store().verify().expect("a report").problem, None);
    let copy = Folder::new();
    let copied = copy.open();
    copied.apply(&connections[0].db().and_then(|db| db.tx_range(..)).expect("transactions")).expect("a copy");
    assert_eq!(copied.store().verify().expect("a report").problem, None);
    let (db, copied) = (connections[0].db().expect("a value"), copied.db().expect("a value"));
    for (_, attribute) in declared.iter().zip(ATTRIBUTES).filter(|(declared, _)| **declared) {
        let written = Search::random(random, 2).written();
        assert_eq!(found(&copied, attribute, &written), found(&db, attribute, &written), "{written} in a copy");
    }
}
