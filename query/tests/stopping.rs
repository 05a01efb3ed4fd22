//! Promise: a query stops soon after its time is up or somebody cancels it, whatever it is doing, and what it asked is as good as
//! before. Attacked with a question for each kind of long work over a million facts, each of which would run far longer, stopped by a
//! deadline and by another thread; and with questions of thousands of clauses and rules, stopped while they are checked and planned.

use std::sync::Arc;
use std::time::{Duration, Instant};

use annals_query::budget::Cancel;
use annals_query::{
    Attribute, Batch, Budget, Code, Column, Estimate, Fact, Facts, Functions, Given, Result, Scan, Slice, Value, ValueType,
    Values, check, engine, parse,
};

/// Facts about so many entities, numbered from [`FIRST`].
const ENTITIES: usize = 1_000_000;
const FIRST: i64 = 1 << 33;

/// How much a query may still work when its time is up, in processor time, which does not depend on who else is busy. The promise is
/// 50 ms; without optimization everything takes many times as long.
const GRACE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1_000 } else { 50 });

const DEADLINE: Duration = Duration::from_millis(20);

/// Each entity leads to the next, is numbered, and has a text, all in columns that are there.
#[derive(Debug)]
struct Chain {
    attributes: Vec<Arc<Attribute>>,
    e: Slice<i64>,
    columns: [Column; 4],
}

impl Chain {
    fn new() -> Self {
        let attribute = |id: i64, ident: &str, value_type: Option<ValueType>| {
            let mut attribute = Attribute::new(id, ident);
            attribute.value_type = value_type;
            Arc::new(attribute)
        };
        let longs = |number: &dyn Fn(i64) -> i64| Column::Long((0..ENTITIES as i64).map(number).collect());
        let texts = (0..ENTITIES).map(|n| Value::from(format!("a text of some length, number {n}"))).collect::<Vec<_>>();
        Self {
            attributes: vec![
                attribute(1, "to", Some(ValueType::Ref)),
                attribute(2, "n", None),
                attribute(3, "text", None),
                attribute(4, "mixed", None),
            ],
            e: (FIRST..FIRST + ENTITIES as i64).collect(),
            columns: [
                longs(&|n| FIRST + (n + 1) % ENTITIES as i64),
                longs(&|n| n * 7_919 % ENTITIES as i64),
                Column::Value(texts.into()),
                Column::Value(
                    (0..ENTITIES as i64).map(|n| if n % 2 == 0 { n.into() } else { (n as f64 + 0.5).into() }).collect(),
                ),
            ],
        }
    }
}

impl Facts for Chain {
    fn attribute(&self, ident: &str) -> Option<Arc<Attribute>> {
        self.attributes.iter().find(|attribute| &*attribute.ident == ident).cloned()
    }

    fn attribute_by_id(&self, id: i64) -> Option<Arc<Attribute>> {
        self.attributes.iter().find(|attribute| attribute.id == id).cloned()
    }

    fn entity_by_ident(&self, _: &str) -> Result<Option<i64>> {
        Ok(None)
    }

    fn ident_of(&self, _: i64) -> Result<Option<Arc<str>>> {
        Ok(None)
    }

    fn lookup(&self, _: &Attribute, _: &Value) -> Result<Option<i64>> {
        Ok(None)
    }

    fn names_near(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn announce(&self, _: &[i64], _: &Budget) -> Result<()> {
        Ok(())
    }

    fn scan(&self, scan: &Scan<'_>, _: &Budget) -> Result<Batch> {
        let column = &self.columns[scan.attribute.map_or(0, |id| id as usize - 1)];
        let rows: Option<Vec<u32>> = match (scan.entities, &scan.values) {
            (Some(entities), _) => {
                let row = |entity: &i64| u32::try_from(entity - FIRST).ok().filter(|row| (*row as usize) < ENTITIES);
                Some(entities.iter().filter_map(row).collect())
            }
            (None, Values::Equal(wanted)) => {
                Some((0..ENTITIES as u32).filter(|row| column.value(*row as usize).same(wanted)).collect())
            }
            _ => None,
        };
        let e = Column::Long(self.e.clone());
        let pick = |column: &Column| rows.as_ref().map_or_else(|| column.clone(), |rows| column.gather(rows));
        let batch = Batch { e: pick(&e), a: None, v: Some(pick(column)), t: None, m: None, added: None };
        let all = |value: i64| Some(Column::Long(vec![value; batch.len()].into()));
        Ok(Batch { t: all(1), m: all(0), a: all(scan.attribute.unwrap_or(1)), ..batch })
    }

    fn estimate(&self, scan: &Scan<'_>) -> Estimate {
        let all = ENTITIES as f64;
        let rows = match (scan.entities, &scan.values) {
            (Some(entities), _) => entities.len() as f64,
            (None, Values::Equal(_)) => 1.0,
            _ => all,
        };
        Estimate { rows, read: rows, distinct_e: all, distinct_v: all }
    }

    fn entity(&self, entity: i64, _: &Budget) -> Result<Vec<Fact>> {
        let row = (entity - FIRST) as usize;
        let value = |at: usize| {
            if at == 0 { Value::Ref(FIRST + (row as i64 + 1) % ENTITIES as i64) } else { self.columns[at].value(row) }
        };
        Ok((0..4).map(|at| Fact { e: entity, a: at as i64 + 1, v: value(at), t: 1, m: 0, added: true }).collect())
    }

    fn referrers(&self, entity: i64, _: i64, _: &Budget) -> Result<Vec<i64>> {
        Ok(vec![FIRST + (entity - FIRST - 1).rem_euclid(ENTITIES as i64)])
    }

    fn is_history(&self) -> bool {
        false
    }
}

const RULES: &str = "[[(reach ?x ?y) [?x :to ?y]] [(reach ?x ?y) [?x :to ?z] (reach ?z ?y)]
                     [(far ?x ?y) [?x :to ?y] [(!= ?x ?y)]] [(far ?x ?y) (far ?x ?z) [?z :to ?y] [(< ?x ?y)] [(!= ?z ?y)]]
                     [(count-up ?n) [(ground 0) ?n]] [(count-up ?m) (count-up ?n) [(inc ?n) ?m]]]";

/// A question for each kind of work, most of them worth seconds, some without end.
const QUESTIONS: [&str; 20] = [
    "[:find ?a ?b :where [?a :n] [?b :n]]",
    "[:find (count ?a) :where [?a :n ?x] [?b :n ?y] [(< ?x ?y)]]",
    "[:find ?n :in $ % :where (count-up ?n)]",
    "[:find (count ?y) :in $ % :where (reach ?x ?y)]",
    "[:find (count ?y) :in $ % :where [(ground 8589934592) ?x] (reach ?x ?y) [?y :text ?t] [(re-find \"9.*9.*9.*9.*9.*9\" ?t)]]",
    "[:find ?x ?y :in $ % :where (far ?x ?y)]",
    "[:find ?y :in $ % :where [(ground 8589934592) ?x] (far ?x ?y)]",
    "[:find ?t ?e :where [?e :text ?t] :order-by [?t :desc]]",
    "[:find ?m ?n ?e :where [?e :mixed ?m] [?e :n ?n] :order-by [?m ?n]]",
    "[:find ?m ?n ?e :where [?e :mixed ?m] [?e :n ?n] [?f :mixed ?m] :order-by [?m ?n] :limit 500000]",
    "[:find ?t (count ?e) (max ?m) :where [?e :text ?t] [?e :mixed ?m]]",
    "[:find ?n (count-distinct ?t) :where [?e :text ?t] [?e :n ?n]]",
    "[:find (median ?m) . :where [_ :mixed ?m] [_ :text ?t] [(count ?t) ?m]]",
    "[:find ?e :where [?e :text ?t] [(re-find \"(number|length).*1.*2.*3\" ?t)]]",
    "[:find ?e ?f :where [?e :text ?t] [?f :text ?t] [(str ?t ?e) ?u] [(str ?t ?f) ?u]]",
    "[:find ?e ?f :where [?e :mixed ?m] [?f :mixed ?m]]",
    "[:find ?e ?u :where [?e :text ?t] [(upper-case ?t) ?u] [(split ?u \" \") [?w ...]]]",
    "[:find ?e :where [?e :text ?t] (not [?f :text ?t] [?f :mixed ?m] [(str ?m) ?s] [(= ?s \"7\")])]",
    "[:find (pull ?e [* {:to 50}]) :where [?e :n]]",
    "[:find ?e ?m :where (or-join [?e ?m] (and [?e :text ?t] [(count ?t) ?m]) [?e :mixed ?m] [?e :n ?m])]",
];

fn ask(chain: &Arc<Chain>, text: &str, budget: &Budget) -> Option<Code> {
    let mut given = vec![Given::Facts(Arc::clone(chain) as Arc<dyn Facts>)];
    if text.contains('%') {
        given.push(Given::Rules(parse::rules(RULES).expect("rules")));
    }
    engine::query(text, &given, budget).err().map(|error| error.code())
}

/// Processor time of this thread, as far as the system tells.
fn worked() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0))
}

/// Rows are not what stops these; bytes are where a machine is so busy that a deadline passes unseen for long.
fn unlimited() -> Budget {
    Budget::default().with_limit_rows(u64::MAX).with_limit_bytes(2 << 30)
}

#[test]
fn a_query_stops_soon_after_its_time_is_up() {
    let chain = Arc::new(Chain::new());
    for text in QUESTIONS {
        let before = worked();
        let code = ask(&chain, text, &unlimited().with_timeout(DEADLINE));
        let over = worked().saturating_sub(before).saturating_sub(DEADLINE);
        assert!(matches!(code, Some(Code::Timeout | Code::LimitExceeded)), "{code:?}: {text}");
        assert!(over < GRACE, "{over:?} over its time: {text}");
    }
    let text = "[:find ?n . :in $ :where [8589934593 :n ?n]]";
    assert_eq!(ask(&chain, text, &Budget::default()), None, "the source is as good as before");
}

#[test]
fn a_query_stops_soon_after_another_thread_cancels_it() {
    let chain = Arc::new(Chain::new());
    for text in QUESTIONS {
        let cancel = Cancel::default();
        let (code, worked) = std::thread::scope(|scope| {
            let asked = scope.spawn(|| (ask(&chain, text, &unlimited().with_cancel(&cancel)), worked()));
            let started = Instant::now();
            std::thread::sleep(DEADLINE);
            cancel.cancel();
            // The thread may sleep longer than it wants to.
            let (code, worked) = asked.join().expect("it ends");
            (code, worked.saturating_sub(started.elapsed().min(DEADLINE * 2)))
        });
        let over = worked;
        assert!(matches!(code, Some(Code::Cancelled | Code::LimitExceeded)), "{code:?}: {text}");
        assert!(over < GRACE, "{over:?} after it was cancelled: {text}");
    }
}

/// So many of something, each written by its number.
fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().join(" ")
}

/// Clauses of questions that programs write, and the rules for them; each takes long to check, to plan or to run.
fn large_questions() -> Vec<(String, Option<String>)> {
    const CLAUSES: usize = 10_000;
    const RULES: usize = 800;
    let clauses = |text: String| (text, None);
    let of = |text: &dyn Fn(usize) -> String| clauses(format!("[?x :to ?v0] {}", each(CLAUSES, text)));
    let called = |rules: &dyn Fn(usize) -> String| {
        let last = format!("[(r{RULES} ?x ?y) [?x :to ?y]] [(r{} ?x ?y) [?x :to ?y]]", RULES + 1);
        ("[?x :to ?y] (r0 ?x ?y)".to_owned(), Some(format!("[{} {last}]", each(RULES, rules))))
    };
    vec![
        of(&|at| format!("[?v{at} :to ?v{}]", at + 1)),
        of(&|at| format!("[?x :to ?w{at}]")),
        of(&|at| format!("[?w{at} :to ?u{at}]")),
        of(&|at| format!("[?v{} :to ?v{}]", at % CLAUSES, (at + 1) % CLAUSES)),
        of(&|at| format!("[(< ?v0 {at})]")),
        of(&|at| format!("[(inc ?v{at}) ?v{}]", at + 1)),
        clauses(format!("{} [?x :to ?v0]", each(CLAUSES, |at| format!("[(inc ?v{}) ?v{}]", CLAUSES - at - 1, CLAUSES - at)))),
        of(&|at| format!("[(get-else $ ?x :n{at} 0) ?w{at}]")),
        of(&|at| format!("[(ground {at}) ?w{at}]")),
        of(&|at| format!("(or [?x :to {at}] [?x :n {at}])")),
        of(&|at| format!("(not [?x :n {at}])")),
        of(&|at| format!("[?x :n ?w{at}] (not [?v0 :n ?w{at}])")),
        of(&|at| format!("[(q [:find ?n . :in $ ?m :where [?m :n ?n]] $ ?x) ?w{at}]")),
        of(&|at| format!("[?w{at} :to ?u{at}] [(= ?u{at} ?v0)]")),
        clauses(format!("[?x :to ?v0] (or {})", each(CLAUSES, |at| format!("[?x :to {at}]")))),
        clauses(format!("[?x :to ?v0] (not {})", each(CLAUSES, |at| format!("[?x :n ?w{at}]")))),
        called(&|at| format!("[(r{at} ?x ?y) [?x :to ?y]] [(r{at} ?x ?y) [?x :to ?z] (r{} ?z ?y)]", (at + 1) % RULES)),
        called(&|at| format!("[(r{at} ?x ?y) (r{} ?x ?y)] [(r{at} ?x ?y) [?x :to ?z] (r{at} ?z ?y)]", at + 1)),
        called(&|at| format!("[(r{at} ?x ?y) (r{} ?x ?z) (r{} ?z ?y)]", at + 1, at + 2)),
        called(&|at| format!("[(r{at} ?x ?y) [(< ?x ?y)] (r{} ?y ?x)]", (at + 1) % RULES)),
        called(&|at| format!("[(r{at} ?x ?y) [?x :to ?y]] [(r{at} ?x ?y) (r{} ?x ?z) [(inc ?z) ?y]]", (at + 1) % RULES)),
        ("[?x :to ?v0] (r ?x ?v0)".into(), {
            let heads =
                |at: usize| format!("[(r ?x ?y) [?x :to ?y] [?y :n {at}]] [(r ?x ?y) (r ?x ?z) [?z :n {at}] [?z :to ?y]]");
            Some(format!("[{}]", each(CLAUSES / 4, heads)))
        }),
        (format!("{} (r {})", each(RULES, |at| format!("[?x :to ?v{at}]")), each(RULES, |at| format!("?v{at}"))), {
            let (head, turned) = (each(RULES, |at| format!("?v{at}")), each(RULES, |at| format!("?v{}", (at + 1) % RULES)));
            let body = each(RULES, |at| format!("[(< ?v{at} ?v{})]", (at + 1) % RULES));
            Some(format!("[[(r {head}) {body}] [(r {head}) (r {turned})]]"))
        }),
    ]
}

#[test]
fn a_query_of_thousands_of_clauses_or_rules_stops_soon_while_it_is_checked_and_planned() {
    let chain = Arc::new(Chain::new());
    for (clauses, rules) in large_questions() {
        let inputs = if rules.is_some() { "$ %" } else { "$" };
        let query = parse::query(&format!("[:find ?x :in {inputs} :where {clauses}]")).expect("a query");
        let rules = rules.map(|text| parse::rules(&text).expect("rules"));
        let mut given = vec![Given::Facts(Arc::clone(&chain) as Arc<dyn Facts>)];
        given.extend(rules.clone().map(Given::Rules));
        let rules = rules.unwrap_or_default();
        // Whatever is under way by then.
        for deadline in [2, 20, 100, 400].map(Duration::from_millis) {
            let (query, rules) = (query.clone(), rules.clone());
            let before = worked();
            let budget = unlimited().with_timeout(deadline);
            let checked = check::check_within(query, rules, &Functions::default(), &budget);
            let answer = checked.and_then(|checked| engine::answer(&checked, &given, &engine::Options::default(), &budget));
            let over = worked().saturating_sub(before).saturating_sub(deadline);
            let code = answer.err().map(|error| error.code());
            let shown = clauses.chars().take(80).collect::<String>();
            assert!(matches!(code, None | Some(Code::Timeout | Code::LimitExceeded)), "{code:?}: {shown}");
            assert!(over < GRACE, "{over:?} over {deadline:?}: {shown}");
        }
    }
}

#[test]
fn rules_that_call_each_other_too_deep_for_the_stack_are_refused() {
    let chain = Arc::new(Chain::new());
    let check = |count: usize, rule: &dyn Fn(usize) -> String, expected: Option<Code>| {
        let rules = format!("[{} [(r{count} ?x ?y) [?x :n ?y]]]", each(count, rule));
        let given = [Given::Facts(Arc::clone(&chain) as Arc<dyn Facts>), Given::Rules(parse::rules(&rules).expect("rules"))];
        // A thread has a stack of 2 MiB, where nobody asks for another.
        let asked = std::thread::spawn(move || {
            let query = "[:find ?n . :in $ % :where [(ground 8589934592) ?x] (r0 ?x ?n)]";
            engine::query(query, &given, &unlimited()).err().map(|error| error.code())
        });
        assert_eq!(asked.join().expect("it ends"), expected, "{count} rules such as {}", rule(0));
    };
    let own = |at: usize| format!("[(r{at} ?x ?y) (r{} ?x ?y)] [(r{at} ?x ?y) [?x :n ?z] [(< ?z 0)] (r{at} ?z ?y)]", at + 1);
    let asked = |at: usize| format!("[(r{at} ?x ?y) [(q [:find ?b . :in $ % ?a :where (r{} ?a ?b)] $ % ?x) ?y]]", at + 1);
    check(60, &own, None);
    check(1_000, &own, Some(Code::LimitExceeded));
    check(60, &asked, None);
    check(1_000, &asked, Some(Code::LimitExceeded));
}

#[test]
fn the_shorter_of_two_time_limits_wins_and_a_cancelled_budget_stops_everything() {
    let chain = Arc::new(Chain::new());
    let endless = |clause: &str| format!("[:find ?n :in $ % {clause} :where (count-up ?n)]");
    let check = |text: &str, budget: Budget, limit_ms: &str| {
        let given = [Given::Facts(Arc::clone(&chain) as Arc<dyn Facts>), Given::Rules(parse::rules(RULES).expect("rules"))];
        let error = engine::query(text, &given, &budget).expect_err(text);
        assert_eq!(error.code(), Code::Timeout, "{text}");
        assert!(error.message().contains(limit_ms), "{limit_ms} in {}", error.message());
    };
    let long = || unlimited().with_timeout(Duration::from_hours(1));
    check(&endless(":timeout 31"), long(), "31 ms");
    check(&endless(":timeout \"32ms\""), unlimited(), "32 ms");
    check(&endless(":timeout \"1h\""), unlimited().with_timeout(Duration::from_millis(33)), "33 ms");
    check("{:find [?n] :in [$ %] :where [(count-up ?n)] :timeout 34}", long(), "34 ms");
    let cancel = Cancel::default();
    let budget = Budget::default().with_cancel(&cancel);
    assert!(!cancel.is_cancelled() && budget.look().is_ok());
    cancel.cancel();
    assert_eq!(budget.look().expect_err("cancelled").code(), Code::Cancelled);
    assert_eq!(budget.within(Duration::from_secs(9)).look().expect_err("cancelled").code(), Code::Cancelled);
    assert_eq!(ask(&chain, "[:find ?n :in $ % :where (count-up ?n)]", &budget), Some(Code::Cancelled));
}
