//! Promise: a query that is prepared, or known by its text, gives what it would give if it were read, checked and ordered anew: of any
//! value of any store, whatever was declared, renamed, given away or retracted in between. Attacked with random histories of two
//! stores, over which the same prepared queries are asked all the time, of random views, with random inputs, rules, functions and
//! lenses, each answer compared with one that knows nothing of earlier ones; and from many threads at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use annals::query::ast::RuleSet;
use annals::query::engine::{self, Options as Asking};
use annals::query::{Answer, Budget, Given, check, parse};
use annals::{Arity, Connection, Db, Functions, Input, Lens, Prepared, Value};

const QUERIES: [&str; 22] = [
    "[:find ?e ?v :where [?e :p/name ?v]]",
    "[:find ?e ?n :in $ [?n ...] :where [?e :p/name ?n]]",
    "[:find ?e ?n ?a :in $ [?n ...] :where [?e :p/name ?n] [?e :p/age ?a]]",
    "[:find ?f ?a :in $ ?n :where [?e :p/name ?n] [?e :p/friend ?f] [?f :p/age ?a] [(< 1 ?a)]]",
    "[:find ?f ?a :in $ ?n :where [?e :p/name ?n] [?e :p/friend ?f] [(get-else $ ?e :p/age 0) ?a] (not [?f :p/age 2])]",
    "[:find ?v :in $ ?e :where [?e :p/age ?v]]",
    "[:find ?v :in $ [?e ...] :where [?e :p/tag ?v]]",
    "[:find ?e :where [?e :p/tag :colour/red]]",
    "[:find ?e ?v :where [?e :p/level ?v] [?v :p/name _]]",
    "[:find ?e :where [?e :p/level :colour/red]]",
    "[:find ?a ?v :in $ [?a ...] :where [_ ?a ?v]]",
    "[:find ?e :in $ [[?n ?a]] :where [?e :p/name ?n] [?e :p/age ?a]]",
    "[:find ?e ?a :where [?e :p/age ?a] [(>= ?a 3)] (or [?e :p/tag \"x\"] [?e :p/name \"n1\"] [?e :p/level 3])]",
    "[:find (pull ?e [*]) :in $ ?n :where [?e :p/name ?n]]",
    "[:find (count ?e) . :where [?e :p/age]]",
    "[:find ?a (count ?e) :where [?e :p/age ?a]]",
    "[:find ?n :where [?e :p/name ?n] [?e :p/years ?a] [(< ?a 4)]]",
    "[:find ?x ?y :in $ % :where (knows ?x ?y)]",
    "[:find ?y :in $ % ?n :where [?x :p/name ?n] (knows ?x ?y)]",
    "[:find ?e ?d :where [?e :p/age ?a] [(my/twice ?a) ?d]]",
    "[:find [?n ...] :where [_ :p/name ?n] :limit 2]",
    "[:find ?e ?w :where [?e :p/name ?n ?t] [?t :db/txInstant ?w] [(some? ?w)] :order-by [?e] :limit 3]",
];

const RULES: [&str; 2] = [
    "[[(knows ?x ?y) [?x :p/friend ?y]] [(knows ?x ?y) [?x :p/friend ?z] (knows ?z ?y)]]",
    "[[(knows ?x ?y) [?y :p/friend ?x] [?x :p/age ?a] [(> ?a 2)]]]",
];

const DECLARATIONS: [&str; 14] = [
    "[{:db/ident :p/name :db/unique :db.unique/identity}]",
    "[{:db/ident :p/age :db/valueType :db.type/long}]",
    "[{:db/ident :p/tag :db/cardinality :db.cardinality/many}]",
    "[{:db/ident :p/friend :db/valueType :db.type/ref}]",
    "[{:db/ident :p/level :db/valueType :db.type/ref}]",
    "[{:db/ident :p/name :db/index true}]",
    "[{:db/id :p/age :db/ident :p/years}]",
    "[{:db/id :p/years :db/ident :p/age}]",
    "[{:db/id \"e\" :db/ident :colour/red}]",
    "[{:db/id :colour/red :db/ident :colour/crimson}]",
    "[{:db/id \"f\" :db/ident :colour/crimson} {:p/level 3}]",
    "[{:db/id :p/tag :db/ident :p/label}]",
    "[{:db/id \"a\" :db/ident :p/tag :db/cardinality :db.cardinality/many}]",
    "[{:db/ident :p/name :db/valueType :db.type/string}]",
];

/// Knuth's linear congruential generator.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % end as u64) as usize
    }

    fn one_of<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(42)
}

fn functions(times: i64) -> Functions {
    let twice = move |args: &[Value]| Ok::<_, String>(args[0].as_long().map_or(Value::Nil, |n| Value::Long(n * times)));
    Functions::new().with_function("my/twice", Arity::exactly(1), twice).expect("the name is free")
}

/// Says something at random; what is refused changes nothing.
fn say(connection: &Connection, chance: &mut Chance) {
    let (n, other, age) = (chance.below(12), chance.below(12), chance.below(6));
    let text = match chance.below(10) {
        0 | 1 => DECLARATIONS[chance.below(DECLARATIONS.len())].to_owned(),
        2 => format!("[{{:db/id \"e\" :p/name \"n{n}\" :p/tag #{{\"x\" \"y\"}}}}]"),
        3 => format!("[{{:db/id \"e\" :p/name \"n{n}\" :p/level :colour/red}}]"),
        4 => format!("[[:db/retractEntity [:p/name \"n{n}\"]]]"),
        5 => format!("[[:db/retract [:p/name \"n{n}\"] :p/age]]"),
        _ => {
            format!("[{{:db/id \"e\" :p/name \"n{n}\" :p/age {age} :p/friend \"f\"}} {{:db/id \"f\" :p/name \"n{other}\"}}]")
        }
    };
    let _ = connection.transact(&text);
}

fn view(connection: &Connection, chance: &mut Chance) -> Db {
    let db = connection.db().expect("a value");
    let t = 1 + chance.below(db.basis_t() as usize) as i64;
    let odd = |datom: &annals::Datom| datom.e % 3 != 0;
    let lens = || Lens::read("{:lens/rename {:p/age :p/years} :lens/rules [[(own ?x) [?x :p/name]]]}").expect("a lens");
    match chance.below(9) {
        0 => db.as_of(t).expect("a view"),
        1 => db.since(t).expect("a view"),
        2 => db.history(),
        3 => db.filter(odd),
        4 => db.through(&lens()),
        5 => db.with("[{:p/name \"n1\" :p/age 3}]").map_or(db.clone(), |report| report.db_after),
        _ => db,
    }
}

fn inputs(query: usize, chance: &mut Chance) -> Vec<Value> {
    let name = |chance: &mut Chance| Value::from(format!("n{}", chance.below(12)));
    let many = |chance: &mut Chance| {
        let count = chance.one_of(&[&0, &1, &2, &40]);
        Value::vector((0..*count).map(|_| name(chance)).collect::<Vec<_>>())
    };
    let entity = |chance: &mut Chance| match chance.below(3) {
        0 => Value::vector([Value::Keyword("p/name".into()), name(chance)]),
        1 => Value::Keyword(chance.one_of(&["colour/red", "colour/crimson", "p/age"]).into()),
        _ => Value::Long((2 << 32) + chance.below(9) as i64),
    };
    let attribute =
        |chance: &mut Chance| Value::Keyword(chance.one_of(&["p/name", "p/age", "p/years", "p/tag", "p/none"]).into());
    match query {
        1 | 2 => vec![many(chance)],
        3 | 4 | 13 => vec![name(chance)],
        5 => vec![entity(chance)],
        6 => vec![Value::vector([entity(chance), entity(chance)])],
        10 => vec![Value::vector([attribute(chance), attribute(chance)])],
        11 => vec![Value::vector([Value::vector([name(chance), 3.into()]), Value::vector([name(chance), 2.into()])])],
        17 => vec![RULES[chance.below(2)].into()],
        18 => vec![RULES[chance.below(2)].into(), name(chance)],
        _ => Vec::new(),
    }
}

/// What somebody sees of an answer; rows without an order as a set.
fn shown(text: &str, answer: Result<Answer, String>) -> String {
    match answer {
        Ok(answer) if text.contains(":order-by") => format!("{:?} {:?}", answer.rows, answer.warnings),
        Ok(answer) => {
            let rows = answer.rows.iter().map(|row| format!("{row:?}")).collect::<BTreeSet<_>>();
            format!("{rows:?} {} {:?}", answer.rows.len(), answer.warnings)
        }
        Err(error) => error,
    }
}

/// The answer of the engine alone, which remembers nothing.
fn anew(db: &Db, text: &str, inputs: &[Value]) -> Result<Answer, String> {
    let told = |error: annals::query::Error| annals::Error::from(error).to_string();
    let mut query = parse::query(text).map_err(told)?;
    let mut given = vec![Given::Facts(Arc::new(db.clone()))];
    for (place, value) in query.inputs[1..].iter().zip(inputs) {
        given.push(match (place, value) {
            (annals::query::ast::Input::Rules(_), Value::String(text)) => Given::Rules(parse::rules(text).map_err(told)?),
            _ => Given::Value(value.clone()),
        });
    }
    db.with_rules_of_lens(&mut query, &mut given).map_err(told)?;
    let rules = given.iter().find_map(|given| if let Given::Rules(rules) = given { Some(rules.clone()) } else { None });
    let options = Asking { functions: db.functions().clone(), ..Asking::default() };
    let checked = check::check_with(query, rules.unwrap_or_else(RuleSet::default), &options.functions).map_err(told)?;
    engine::answer(&checked, &given, &options, &Budget::default()).map_err(told)
}

#[test]
fn an_answer_never_depends_on_what_was_asked_before() {
    let seed = seed();
    for history in 0..3 {
        let mut chance = Chance(seed.wrapping_add(history));
        let folder = tempfile::tempdir().expect("a folder");
        let open = |name: &str| Connection::open(folder.path().join(name)).expect("a store");
        let stores = [open("one.db"), open("other.db")];
        let mut prepared: Vec<Option<Prepared>> = QUERIES.iter().map(|_| None).collect();
        for step in 0..120 {
            let store = &stores[chance.below(2)];
            say(store, &mut chance);
            let mut db = view(store, &mut chance);
            // Another function under the same name, now and then.
            db = db.with_functions(functions(if chance.below(3) == 0 { 2 } else { 3 }));
            for _ in 0..3 {
                let at = chance.below(QUERIES.len());
                let (text, values) = (QUERIES[at], inputs(at, &mut chance));
                let given: Vec<Input> = values.iter().cloned().map(Input::from).collect();
                if prepared[at].is_none() {
                    prepared[at] = db.prepare(text).ok();
                }
                let expected = shown(text, anew(&db, text, &values));
                let place = format!("SEED={seed} history {history} step {step}: {text} {values:?}");
                let by_text = db.q(text, &given).map_err(|error| error.to_string());
                assert_eq!(shown(text, by_text), expected, "by its text, {place}");
                if let Some(prepared) = &prepared[at] {
                    let again = prepared.q(&db, &given).map_err(|error| error.to_string());
                    assert_eq!(shown(text, again), expected, "prepared, {place}");
                }
            }
        }
    }
}

#[test]
fn one_prepared_query_serves_many_threads_and_stores() {
    fn is_shared<T: Send + Sync + Clone>(_: &T) {}
    let folder = tempfile::tempdir().expect("a folder");
    let stores: Vec<Connection> = (0..2)
        .map(|n| {
            let store = Connection::open(folder.path().join(format!("{n}.db"))).expect("a store");
            let people = (0..40 * (n + 1)).map(|at| format!("{{:p/name \"n{at}\" :p/age {}}}", at % 7 + n));
            store.transact(&format!("[{}]", people.collect::<Vec<_>>().join(" "))).expect("people");
            store
        })
        .collect();
    let text = "[:find ?a . :in $ ?n :where [?e :p/name ?n] [?e :p/age ?a]]";
    let prepared = stores[0].db().expect("a value").prepare(text).expect("a query");
    is_shared(&prepared);
    assert_eq!(prepared.text(), text);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (prepared, stores) = (prepared.clone(), &stores);
            scope.spawn(move || {
                for at in 0..200 {
                    let (n, at) = ((at + thread) % 2, at % 40);
                    let db = stores[n].db().expect("a value");
                    let answer = prepared.q(&db, &[format!("n{at}").into()]).expect("an answer");
                    assert_eq!(answer.rows, [[Value::from((at % 7 + n) as i64)]]);
                }
            });
        }
    });
}

#[test]
fn what_is_wrong_with_a_query_is_said_when_it_is_prepared() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = Connection::open(folder.path().join("a.db")).expect("a store").db().expect("a value");
    let check = |text: &str, code: &str, place: (u32, u32)| {
        let error = db.prepare(text).expect_err(text);
        let position = error.position().expect("a place");
        assert_eq!((error.code(), (position.line, position.column)), (code, place), "{text}");
        assert_eq!(db.q(text, &[]).expect_err(text).to_string(), error.to_string());
    };
    check("[:find ?x :where [?x :a]", "edn/syntax", (1, 1));
    check("[:find ?x\n :where [?y :a]]", "query/unbound-variable", (1, 8));
    check("[:find ?x :where [?x :a ?y] [(no-such ?y)]]", "query/unknown-function", (1, 30));
    // Rules are known when it is asked.
    let prepared = db.prepare("[:find ?x :in $ % :where (r ?x)]").expect("it can be sound");
    assert_eq!(prepared.q(&db, &["[[(s ?x) [?x :a]]]".into()]).expect_err("no such rule").code(), "query/unknown-rule");
    assert!(prepared.q(&db, &["[[(r ?x) [?x :db/ident]]]".into()]).is_ok_and(|answer| !answer.rows.is_empty()));
}
