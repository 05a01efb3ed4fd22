//! The first rows of an order by value are read from the end of that order, and are those that sorting everything gives: also where what
//! stands at the end holds no longer, was said later than the view, stands several times, or is dropped by another clause.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use annals::query::Budget;
use annals::query::engine::{Options as Asking, Tuning, Way};
use annals::store::Durability;
use annals::{Connection, Db, Options, Value};

const THINGS: i64 = 20_000;
/// After so many questions the order by value is there.
const ASKED: usize = 8;
/// What reading all things would take.
const STEPS_OF_ALL: u64 = THINGS as u64;

/// The answer, and the steps that it took in the end.
fn asked(db: &Db, text: &str, tops: Way) -> (Vec<Vec<Value>>, u64) {
    let prepared = db.prepare(text).expect(text);
    let mut last = None;
    for _ in 0..ASKED {
        let budget = Budget::default();
        let options = Asking { tuning: Tuning { tops, ..Tuning::default() }, ..Asking::default() };
        let answer = prepared.q_within(db, &[], options, &budget).expect(text);
        last = Some((answer.rows, budget.steps()));
    }
    last.expect("it was asked")
}

#[track_caller]
fn check(db: &Db, text: &str, is_from_the_end: bool) {
    let ((found, steps), (expected, _)) = (asked(db, text, Way::Chosen), asked(db, text, Way::Never));
    assert_eq!(found, expected, "{text}");
    assert_eq!(steps < STEPS_OF_ALL, is_from_the_end, "{text}: {steps} steps");
}

#[test]
fn the_first_of_an_order_are_read_from_its_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Options { durability: Durability::Normal, ..Options::default() };
    let connection = Connection::open_with(folder.path().join("annals.db"), options).expect("the store opens");
    let mut things = String::new();
    for n in 0..THINGS {
        // Each weight twice, in no order; the heaviest are rare, and every third thing is red.
        let (weight, colour) = (n * 7_919 % (THINGS / 2), if n % 3 == 0 { "red" } else { "blue" });
        let _ = write!(things, "{{:n {n} :weight {weight} :name \"thing {:05}\" :colour :{colour}}}", (n * 31) % THINGS);
    }
    let before = connection.transact(&format!("[{things}]")).expect("things").db_after;
    let heaviest = "[:find ?n ?w :where [?e :weight ?w] [?e :n ?n] :order-by ?w :desc ?n :limit 10]";
    let lightest = "[:find ?w :with ?e :where [?e :weight ?w] :order-by ?w :limit 15 :offset 5]";
    let names = "[:find [?name ...] :where [_ :name ?name] :order-by ?name :desc :limit 3]";
    let reds = "[:find ?n :where [?e :weight ?w] [?e :colour :red] [?e :n ?n] :order-by ?w :desc ?n :limit 20]";
    let weights = "[:find ?w :where [?e :weight ?w] :order-by ?w :desc :limit 200]";
    for text in [heaviest, lightest, names, weights] {
        check(&before, text, true);
    }
    // Whether all clauses are read that far depends on which comes first.
    assert_eq!(asked(&before, reds, Way::Chosen).0, asked(&before, reds, Way::Never).0);

    // The heaviest go: what stands at the end of the order by value holds no longer.
    let gone: BTreeSet<i64> = (0..THINGS).filter(|n| n * 7_919 % (THINGS / 2) >= THINGS / 2 - 400).collect();
    let ids = connection.db().expect("a value").q("[:find ?n ?e :where [?e :n ?n]]", &[]).expect("ids").rows;
    let mut retracted = String::new();
    for row in &ids {
        if let (Value::Long(n), Some(id)) = (&row[0], row[1].as_long())
            && gone.contains(n)
        {
            let _ = write!(retracted, "[:db/retractEntity {id}]");
        }
    }
    let after = connection.transact(&format!("[{retracted}]")).expect("some go").db_after;
    for db in [&after, &before, &after.as_of(before.basis_t()).expect("a moment"), &after.history()] {
        for text in [heaviest, lightest, names, reds, weights] {
            assert_eq!(asked(db, text, Way::Chosen).0, asked(db, text, Way::Never).0, "{text}");
        }
    }
    // What nobody has stored yet is in no order.
    let imagined = after.with("[{:n 20001 :weight 20001} {:n 20002 :weight -3}]").expect("a right transaction").db_after;
    for text in [heaviest, lightest, names, reds, weights] {
        assert_eq!(asked(&imagined, text, Way::Chosen).0, asked(&imagined, text, Way::Never).0, "{text}");
    }
    assert_eq!(asked(&imagined, heaviest, Way::Chosen).0[0], [Value::from(20_001), 20_001.into()]);
}
