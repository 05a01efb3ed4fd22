//! Random rules: families of rules over random attributes.

use super::history::Field;
use super::{Kind, Random};

/// A rule as its callers see it.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) name: &'static str,
    /// Kinds of its arguments, and whether each must be bound by the caller.
    pub(super) args: Vec<(Kind, bool)>,
    /// Whether its bodies ask for what is missing, which a history does not tell.
    pub(super) rules: Vec<String>,
}

/// One to three families.
pub(super) fn families(random: &mut Random, fields: &[Field]) -> Vec<Head> {
    let mut heads = Vec::new();
    for _ in 0..random.between(1, 3) {
        let family = random.below(17);
        for head in family_of(random, fields, family) {
            if !heads.iter().any(|known: &Head| known.name == head.name) {
                heads.push(head);
            }
        }
    }
    heads
}

fn family_of(random: &mut Random, fields: &[Field], family: usize) -> Vec<Head> {
    let of_kind = |random: &mut Random, kind: Kind| {
        let found: Vec<&Field> = fields.iter().filter(|field| field.kind == kind).collect();
        random.choose(&found).ident.clone()
    };
    let (to, other, age) = (of_kind(random, Kind::Entity), of_kind(random, Kind::Entity), of_kind(random, Kind::Long));
    let any = random.choose(fields).clone();
    let two = vec![(Kind::Entity, false), (Kind::Entity, false)];
    let number = random.between(0, 4);
    let rule = |name, args, rules: &[String]| Head { name, args, rules: rules.to_vec() };
    let edge = format!("[(path ?x ?y) [?x :{to} ?y]]");
    match family {
        0 => vec![rule(
            "path",
            two,
            &[edge, format!("[(path ?x ?y) {}]", both(random, &format!("[?x :{other} ?z]"), "(path ?z ?y)"))],
        )],
        1 => vec![rule(
            "path",
            two,
            &[edge, format!("[(path ?x ?y) {}]", both(random, "(path ?x ?z)", &format!("[?z :{other} ?y]")))],
        )],
        2 => vec![rule("path", two, &[edge, format!("[(path ?x ?y) {}]", both(random, "(path ?x ?z)", "(path ?z ?y)"))])],
        3 => vec![
            rule(
                "odd",
                two.clone(),
                &[
                    format!("[(odd ?a ?b) [?a :{to} ?b]]"),
                    format!("[(odd ?a ?b) {}]", both(random, "(even ?a ?c)", &format!("[?c :{to} ?b]"))),
                ],
            ),
            rule("even", two, &[format!("[(even ?a ?b) {}]", both(random, "(odd ?a ?c)", &format!("[?c :{other} ?b]")))]),
        ],
        4 => vec![rule(
            "small",
            vec![(Kind::Long, true)],
            &[format!("[(small {}) [(< ?n {number})]]", random.choose(&["?n", "[?n]"]))],
        )],
        5 => vec![rule(
            "next",
            vec![(Kind::Long, true), (Kind::Long, false)],
            &["[(next [?n] ?m) [(inc ?n) ?m]]".to_owned(), "[(next [?n] ?m) [(< ?n 4)] [(inc ?n) ?k] (next ?k ?m)]".to_owned()],
        )],
        6 => vec![
            rule("inner", vec![(Kind::Entity, false)], &[format!("[(inner ?x) [?x :{to} _]]")]),
            rule(
                "leaf",
                vec![(Kind::Entity, false)],
                &[format!("[(leaf ?x) {}]", both(random, "(not (inner ?x))", &format!("[?y :{other} ?x]")))],
            ),
        ],
        7 => vec![rule(
            "same",
            two,
            &[
                format!("[(same ?x ?y) [?x :{to} ?p] [?y :{to} ?p]]"),
                format!("[(same ?x ?y) [?x :{other} ?p] {}]", both(random, &format!("[?y :{other} ?q]"), "(same ?p ?q)")),
            ],
        )],
        8 => vec![rule(
            "has",
            vec![(Kind::Entity, false), (any.kind, false)],
            &[
                format!("[(has ?e ?v) [?e :{} ?v]]", any.ident),
                format!("[(has ?e ?v) (or-join [?e ?v] (and [?e :{to} ?x] [?x :{} ?v]))]", any.ident),
            ],
        )],
        9 => vec![
            rule(
                "path",
                two.clone(),
                &[edge, format!("[(path ?x ?y) {}]", both(random, &format!("[?x :{to} ?z]"), "(path ?z ?y)"))],
            ),
            rule("loop", vec![(Kind::Entity, false)], &["[(loop ?x) (path ?x ?x)]".to_owned()]),
            rule("apart", two, &[format!("[(apart ?x ?y) [?x :{other} _] [_ :{to} ?y] (not (path ?x ?y))]")]),
        ],
        10 | 11 => {
            let names = ["wild", "tame"];
            let heads = names.map(|name| {
                let count = random.between(2, 3);
                let mut rules = vec![format!("[({name} ?x ?y) {}]", body(random, fields, &[]))];
                rules.extend((1..count).map(|_| format!("[({name} ?x ?y) {}]", body(random, fields, &names))));
                rule(name, two.clone(), &rules)
            });
            heads.to_vec()
        }
        13..=15 => {
            let mut rules = vec![format!("[(net ?x ?y) [?x :{to} ?y]]")];
            for _ in 0..random.between(1, 3) {
                let edge = random.choose(&[&to, &to, &other]).to_string();
                let linked = |from: &str, to: &str| format!("[{from} :{edge} {to}]");
                let narrowed = format!("[?z :{age} _]");
                let recursion = match random.below(8) {
                    0 => linked("?x", "?y"),
                    1 | 2 => both(random, &linked("?x", "?z"), "(net ?z ?y)"),
                    3 | 4 => both(random, "(net ?x ?z)", &linked("?z", "?y")),
                    5 => both(random, "(net ?x ?z)", "(net ?z ?y)"),
                    6 => format!("{} (net ?z ?y) {narrowed}", linked("?x", "?z")),
                    _ => format!("(net ?y ?z) {}", linked("?z", "?x")),
                };
                rules.push(format!("[(net ?x ?y) {recursion}]"));
            }
            vec![rule("net", two, &rules)]
        }
        12 => vec![rule(
            "steps",
            vec![(Kind::Entity, false), (Kind::Entity, false), (Kind::Long, false)],
            &[
                format!("[(steps ?x ?y ?n) [?x :{to} ?y] [(ground 1) ?n]]"),
                format!("[(steps ?x ?y ?n) [?z :{to} ?y] (steps ?x ?z ?m) [(< ?m 3)] [(inc ?m) ?n]]"),
            ],
        )],
        _ => vec![rule(
            "reach",
            vec![(Kind::Entity, false), (Kind::Long, false)],
            &[
                format!("[(reach ?e ?n) [?e :{age} ?n] (not [?e :{to} ?e])]"),
                format!("[(reach ?e ?n) {} [(>= ?n {number})]]", both(random, &format!("[?e :{to} ?f]"), "(reach ?f ?n)")),
                format!("[(reach ?e ?n) (reach 1 ?n) (or [?e :{to} 2] [?e :{other} 1])]"),
            ],
        )],
    }
}

/// A body over `?x` and `?y` in which anything may stand: calls of the named rules with their arguments in any place, patterns, `or`, `not`
/// and predicates.
fn body(random: &mut Random, fields: &[Field], names: &[&str]) -> String {
    let references: Vec<&Field> = fields.iter().filter(|field| field.kind == Kind::Entity).collect();
    let mut clauses = Vec::new();
    let mut bound = Vec::new();
    for _ in 0..random.between(1, 3) {
        let (left, right) = (*random.choose(&["?x", "?x", "?y", "?z"]), *random.choose(&["?y", "?y", "?x", "?z"]));
        let (to, other) = (&random.choose(&references).ident, &random.choose(&references).ident);
        clauses.push(match random.below(8) {
            0 | 1 if !names.is_empty() => format!("({} {left} {right})", random.choose(names)),
            2 if !names.is_empty() => format!("({} {left} {})", random.choose(names), random.choose(&["_", "1", "2"])),
            3 if !names.is_empty() => format!("({} 1 {right})", random.choose(names)),
            4 => format!("(or [{left} :{to} {right}] [{right} :{other} {left}])"),
            _ => format!("[{left} :{to} {right}]"),
        });
        let text = clauses.last().expect("one was pushed");
        bound.extend([left, right].into_iter().filter(|name| text.contains(name)));
    }
    if !bound.contains(&"?x") || !bound.contains(&"?y") {
        clauses.push(format!("[?x :{} ?y]", random.choose(&references).ident));
        bound.extend(["?x", "?y"]);
    }
    let (left, right) = (*random.choose(&bound), *random.choose(&bound));
    match random.below(8) {
        0 => clauses.push(format!("[(!= {left} {right})]")),
        1 => clauses.push(format!("[(<= {left} {right})]")),
        2 => clauses.push(format!("(not [{left} :{} {right}])", random.choose(&references).ident)),
        3 => clauses.push(format!(
            "(not-join [{left}] [{left} :{} ?y] [?y :{} _])",
            random.choose(fields).ident,
            random.choose(fields).ident
        )),
        _ => {}
    }
    random.shuffle(&mut clauses);
    clauses.join(" ")
}

/// Two clauses in either order.
fn both(random: &mut Random, first: &str, second: &str) -> String {
    if random.percent(50) { format!("{first} {second}") } else { format!("{second} {first}") }
}
