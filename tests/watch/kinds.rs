//! Promise: every kind of question can be watched: pulls, aggregates, order and limit, rules, searches of texts, queries inside queries,
//! lenses, histories, filters, moments that move along, other stores. Attacked with one history, told step by step, while a watch of
//! each kind and upkeep must tell what differs between two answers.

use annals::query::Value;
use annals::{Connection, Db, Input, Lens, Upkeep, Watch, WatchOptions};

type Rows = Vec<Vec<Value>>;

type Look = fn(&Db) -> annals::Result<Db>;

const HISTORY: [&str; 16] = [
    r"[{:db/ident :job/name :db/unique :db.unique/identity} {:db/ident :job/text :db/fulltext true}
        {:db/ident :job/part :db/valueType :db.type/ref :db/cardinality :db.cardinality/many :db/isComponent true}]",
    r#"[{:job/name "a" :job/size 3 :job/text "no paper in the tray" :job/state :waiting}]"#,
    r#"[{:job/name "b" :job/size 5 :job/text "out of paper" :job/state :waiting :job/after [:job/name "a"]}]"#,
    r"[{:other/thing 1}]",
    r#"[{:job/name "a" :job/state :running :job/part [{:part/of "one"} {:part/of "two"}]}]"#,
    r#"[{:job/name "c" :job/size 3.0 :job/tag #{:x :y} :job/after [:job/name "b"]} {:job/name "b" :job/size 8}]"#,
    r#"[[:db/retract [:job/name "c"] :job/tag :x] {:job/name "c" :job/text "paper again"}]"#,
    r#"[{:db/id "d" :job/name "d" :job/after [:job/name "c"]} [:db/add [:job/name "a"] :db/ident :first/job]]"#,
    r#"[{:job/name "a" :job/state :done :job/text "done"}]"#,
    r"[[:db/add :job/size :db/ident :job/weight]]",
    r#"[[:db/retractEntity [:job/name "b"]]]"#,
    r#"[{:job/name "b" :job/size 3 :job/state :waiting}]"#,
    r"[{:db/ident :job/state :db/valueType :db.type/keyword}]",
    r#"[{:job/name "d" :job/size 4 :job/after [:job/name "a"]}]"#,
    r#"[[:db/retract [:job/name "a"] :job/name "a"] {:job/name "e" :job/state :done}]"#,
    r#"[{:db/id "x" :other/thing 2} [:db/retract [:job/name "d"] :job/after]]"#,
];

const ABOVE: &str = "[[(above ?x ?y) [?x :job/after ?y]] [(above ?x ?y) [?x :job/after ?z] (above ?z ?y)]]";

const QUERIES: [&str; 25] = [
    "[:find ?n ?s :where [?j :job/name ?n] [?j :job/size ?s]]",
    "[:find (pull ?j [*]) :where [?j :job/name _]]",
    "[:find ?n (pull ?a [:job/name :job/state]) :where [?j :job/name ?n] [?j :job/after ?a]]",
    "[:find (pull ?j [:job/name {:job/_after [:job/name]}]) :where [?j :job/state :waiting]]",
    "[:find ?s (count ?j) :where [?j :job/size ?s]]",
    "[:find (sum ?s) . :with ?j :where [?j :job/size ?s]]",
    "[:find ?s :with ?j :where [?j :job/size ?s]]",
    "[:find (max ?s) (min ?s) :where [_ :job/size ?s]]",
    "[:find ?n ?s :where [?j :job/name ?n] [?j :job/size ?s] :order-by [?s :desc ?n] :limit 2]",
    "[:find ?n :where [?j :job/name ?n] :order-by [?n :desc] :offset 1]",
    "[:find ?n . :where [?j :job/state :waiting] [?j :job/name ?n]]",
    "[:find ?n ?m :in $ % :where (above ?x ?y) [?x :job/name ?n] [?y :job/name ?m]]",
    "[:find ?n ?text :where [(fulltext $ :job/text \"paper\") [[?j ?text]]] [?j :job/name ?n]]",
    "[:find ?n ?c :where [?j :job/name ?n] [(q [:find [?p ...] :in $ ?j :where [?j :job/part ?p]] $ ?j) ?ps] [(count ?ps) ?c]]",
    "[:find ?n :where [?j :job/name ?n] (not [?j :job/after _])]",
    "[:find ?n ?g :where [?j :job/name ?n] [(get-else $ ?j :job/state :none) ?g]]",
    "[:find ?v :where [:first/job :job/state ?v]]",
    "[:find ?v :where [[:job/name \"b\"] :job/size ?v]]",
    "[:find ?n ?at :where [?j :job/name ?n ?t] [?t :db/txInstant ?at]]",
    "[:find ?a ?v :where [?j :job/name \"a\"] [?j ?a ?v]]",
    "[:find ?e ?a :where [?e ?a 3]]",
    "[:find ?n ?t :where [?j :job/name ?n] (or [?j :job/tag ?t] [?j :job/state ?t])]",
    "[:find ?e ?v ?t ?added :where [?e :job/state ?v ?t _ ?added]]",
    "[:find [?s ...] :where [_ :job/size ?s]]",
    "[:find ?n :keys name :where [?j :job/name ?n] [?j :job/size ?s] [(< 3 ?s)]]",
];

fn renamed(db: &Db) -> annals::Result<Db> {
    let lens = "{:lens/rename {:job/size :job/state :job/state :job/size} :lens/default {:job/name {:job/tag :none}}}";
    Ok(db.through(&Lens::read(lens)?))
}

const LOOKS: [(&str, Look); 7] = [
    ("now", |db| Ok(db.clone())),
    ("a history", |db| Ok(db.history())),
    ("since a moment", |db| db.since(5)),
    ("the last three transactions", |db| db.since((db.basis_t() - 3).max(1))),
    ("three transactions ago", |db| db.as_of((db.basis_t() - 3).max(1))),
    ("a filter", |db| Ok(db.filter(|datom| datom.t % 3 != 0))),
    ("a lens", renamed),
];

/// A watch, and what it was last known to hold.
struct Watched {
    place: String,
    watch: Watch,
    held: Rows,
}

impl Watched {
    fn read(&mut self, t: i64, answer: annals::Result<Rows>) {
        let change = self.watch.try_next();
        let Ok(mut rows) = answer else { return };
        rows.sort_unstable();
        let change = change.unwrap_or_else(|error| panic!("{}: {error}", self.place));
        if rows == self.held {
            assert!(change.is_none_or(|change| change.added.is_empty()), "{} at t {t}", self.place);
            return;
        }
        let change = change.unwrap_or_else(|| panic!("{} tells nothing at t {t}", self.place));
        assert_eq!(change.t, t, "{}", self.place);
        for row in &change.removed {
            let at = self.held.iter().position(|held| held == row);
            self.held.remove(at.unwrap_or_else(|| panic!("{} takes away what was not there at t {t}: {row:?}", self.place)));
        }
        assert!(change.added.iter().all(|row| !change.removed.contains(row)), "{} at t {t}", self.place);
        self.held.extend(change.added);
        self.held.sort_unstable();
        assert_eq!(self.held, rows, "{} at t {t}", self.place);
    }
}

fn inputs(query: &str) -> Vec<Input> {
    if query.contains('%') { vec![Input::from(ABOVE)] } else { Vec::new() }
}

fn watched(connection: &Connection, look: (&str, Look)) -> Vec<(&'static str, Watched)> {
    let mut all = Vec::new();
    for query in QUERIES {
        for upkeep in [Upkeep::Sparing, Upkeep::ByDelta, Upkeep::ByAskingAgain] {
            let options = WatchOptions { upkeep, ..WatchOptions::default() };
            let options = if look.0 == "now" { options } else { options.with_view(look.1) };
            // What cannot be asked of this view is no matter here.
            let Ok(watch) = connection.watch_with(query, &inputs(query), options) else { continue };
            let place = format!("{query} of {}, {upkeep:?}", look.0);
            all.push((query, Watched { place, watch, held: Vec::new() }));
        }
    }
    all
}

#[test]
fn every_kind_of_question_can_be_watched() {
    for look in LOOKS {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let connection = Connection::open(folder.path().join("annals.db")).expect("the store opens");
        connection.transact(HISTORY[0]).expect("the schema");
        let mut all = watched(&connection, look);
        assert!(all.len() > 40, "{}: too few can be asked: {}", look.0, all.len());
        let read = |all: &mut Vec<(&str, Watched)>| {
            let db = connection.db().expect("a value");
            let seen = look.1(&db).expect("a view");
            for (query, watched) in all {
                watched.read(db.basis_t(), seen.q(query, &inputs(query)).map(|answer| answer.rows));
            }
        };
        read(&mut all);
        for transaction in &HISTORY[1..] {
            connection.transact(transaction).expect(transaction);
            read(&mut all);
        }
    }
}

#[test]
fn a_further_source_moves_along_and_another_store_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let open = |name: &str| Connection::open(folder.path().join(name)).expect("the store opens");
    let (connection, other) = (open("annals.db"), open("other.db"));
    for transaction in &HISTORY[..6] {
        other.transact(transaction).expect(transaction);
    }
    let query = "[:find ?n ?s ?old :in $ $other $past [[?n ?wanted]]
                  :where [?j :job/name ?n] [?j :job/size ?s] [$other ?o :job/name ?n] [$other ?o :job/size ?old]
                         [$past ?j :job/state ?wanted]]";
    let rows = Value::vector([
        Value::vector([Value::from("a"), Value::keyword("waiting")]),
        Value::vector(["b".into(), Value::keyword("waiting")]),
    ]);
    let given = [Input::from(other.db().expect("a value")), Input::view(|db| Ok(db.history())), Input::from(rows)];
    let mut all: Vec<Watched> = [Upkeep::Sparing, Upkeep::ByDelta, Upkeep::ByAskingAgain]
        .map(|upkeep| {
            let options = WatchOptions { upkeep, ..WatchOptions::default() };
            let watch = connection.watch_with(query, &given, options).expect("a watch");
            Watched { place: format!("{upkeep:?}"), watch, held: Vec::new() }
        })
        .into();
    for transaction in HISTORY {
        let t = connection.db().expect("a value").basis_t();
        for watched in &mut all {
            let answer = connection.db().and_then(|db| db.q(query, &given)).map(|answer| answer.rows);
            watched.read(t, answer);
        }
        connection.transact(transaction).expect(transaction);
        // What another store is told afterwards is not seen.
        let _ = other.transact(transaction);
    }
    assert!(all.iter().all(|watched| !watched.held.is_empty()), "nothing was found");
}
