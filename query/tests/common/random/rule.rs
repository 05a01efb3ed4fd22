//! Random rules: families of rules over random attributes.

use super::history::Field;
use super::{Kind, Random};

/// A rule as its callers see it.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) name: &'static str,
    /// Kinds of its arguments, and whether each must be bound by the caller.
    pub(super) args: Vec<(Kind, bool)>,
    /// Its text, one a head.
    pub(super) rules: Vec<String>,
}

/// A rule in which `TO` and `OTHER` stand for references, `AGE` for an attribute of longs, `ANY` for any attribute and `N` for a number.
struct Template {
    name: &'static str,
    /// `Kind::Any` is the kind of `ANY`.
    args: &'static [(Kind, bool)],
    /// Heads and bodies; the clauses of a body come in any order.
    rules: &'static [(&'static str, &'static [&'static str])],
}

const ONE: &[(Kind, bool)] = &[(Kind::Entity, false)];
const TWO: &[(Kind, bool)] = &[(Kind::Entity, false), (Kind::Entity, false)];

const PATH_RIGHT: Template = Template {
    name: "path",
    args: TWO,
    rules: &[("path ?x ?y", &["[?x :TO ?y]"]), ("path ?x ?y", &["[?x :OTHER ?z]", "(path ?z ?y)"])],
};

const FAMILIES: [&[Template]; 13] = [
    &[PATH_RIGHT],
    &[Template {
        name: "path",
        args: TWO,
        rules: &[("path ?x ?y", &["[?x :TO ?y]"]), ("path ?x ?y", &["(path ?x ?z)", "[?z :OTHER ?y]"])],
    }],
    &[Template {
        name: "path",
        args: TWO,
        rules: &[("path ?x ?y", &["[?x :TO ?y]"]), ("path ?x ?y", &["(path ?x ?z)", "(path ?z ?y)"])],
    }],
    &[
        Template {
            name: "odd",
            args: TWO,
            rules: &[("odd ?a ?b", &["[?a :TO ?b]"]), ("odd ?a ?b", &["(even ?a ?c)", "[?c :TO ?b]"])],
        },
        Template { name: "even", args: TWO, rules: &[("even ?a ?b", &["(odd ?a ?c)", "[?c :OTHER ?b]"])] },
    ],
    &[Template { name: "small", args: &[(Kind::Long, true)], rules: &[("small ?n", &["[(< ?n N)]"])] }],
    &[Template {
        name: "next",
        args: &[(Kind::Long, true), (Kind::Long, false)],
        rules: &[("next [?n] ?m", &["[(inc ?n) ?m]"]), ("next [?n] ?m", &["[(< ?n 4)]", "[(inc ?n) ?k]", "(next ?k ?m)"])],
    }],
    // Those that run with the one argument bound or with the other.
    &[
        Template {
            name: "after",
            args: &[(Kind::Long, true), (Kind::Long, false)],
            rules: &[
                ("after ?n ?m", &["[(inc ?n) ?m]", "[(dec ?m) ?n]"]),
                ("after ?n ?m", &["[(+ ?n N) ?m]", "[(- ?m N) ?n]", "[(< ?m 9)]"]),
            ],
        },
        Template {
            name: "before",
            args: &[(Kind::Long, true), (Kind::Long, false)],
            rules: &[("before ?n ?m", &["(after ?m ?n)"])],
        },
    ],
    &[
        Template {
            name: "climb",
            args: &[(Kind::Long, true), (Kind::Long, false)],
            rules: &[
                ("climb ?n ?m", &["[(inc ?n) ?m]", "[(dec ?m) ?n]", "[(< -2 ?n 6)]"]),
                ("climb ?n ?m", &["[(inc ?n) ?k]", "[(dec ?k) ?n]", "[(< -2 ?n 6)]", "(climb ?k ?m)"]),
            ],
        },
        Template {
            name: "descend",
            args: &[(Kind::Long, true), (Kind::Long, false)],
            rules: &[("descend ?n ?m", &["(climb ?m ?n)"]), ("descend ?n ?m", &["(climb ?n ?m)"])],
        },
    ],
    &[
        Template { name: "inner", args: ONE, rules: &[("inner ?x", &["[?x :TO _]"])] },
        Template { name: "leaf", args: ONE, rules: &[("leaf ?x", &["(not (inner ?x))", "[?y :OTHER ?x]"])] },
    ],
    &[Template {
        name: "same",
        args: TWO,
        rules: &[
            ("same ?x ?y", &["[?x :TO ?p]", "[?y :TO ?p]"]),
            ("same ?x ?y", &["[?x :OTHER ?p]", "[?y :OTHER ?q]", "(same ?p ?q)"]),
        ],
    }],
    &[Template {
        name: "has",
        args: &[(Kind::Entity, false), (Kind::Any, false)],
        rules: &[("has ?e ?v", &["[?e :ANY ?v]"]), ("has ?e ?v", &["(or-join [?e ?v] (and [?e :TO ?x] [?x :ANY ?v]))"])],
    }],
    &[
        PATH_RIGHT,
        Template { name: "loop", args: ONE, rules: &[("loop ?x", &["(path ?x ?x)"])] },
        Template { name: "apart", args: TWO, rules: &[("apart ?x ?y", &["[?x :OTHER _]", "[_ :TO ?y]", "(not (path ?x ?y))"])] },
    ],
    &[
        Template {
            name: "reach",
            args: &[(Kind::Entity, false), (Kind::Long, false)],
            rules: &[
                ("reach ?e ?n", &["[?e :AGE ?n]", "(not [?e :TO ?e])"]),
                ("reach ?e ?n", &["[?e :TO ?f]", "(reach ?f ?n)", "[(>= ?n N)]"]),
                ("reach ?e ?n", &["(reach 1 ?n)", "(or [?e :TO 2] [?e :OTHER 1])"]),
            ],
        },
        Template {
            name: "steps",
            args: &[(Kind::Entity, false), (Kind::Entity, false), (Kind::Long, false)],
            rules: &[
                ("steps ?x ?y ?n", &["[?x :TO ?y]", "[(ground 1) ?n]"]),
                ("steps ?x ?y ?n", &["[?z :TO ?y]", "(steps ?x ?z ?m)", "[(< ?m 3)]", "[(inc ?m) ?n]"]),
            ],
        },
    ],
];

/// One to three families.
pub(super) fn families(random: &mut Random, fields: &[Field]) -> Vec<Head> {
    let mut heads: Vec<Head> = Vec::new();
    for _ in 0..random.between(1, 3) {
        let family = match random.below(6) {
            0 => wild(random, fields),
            1 => vec![net(random, fields)],
            2 | 3 => vec![walk(random, fields)],
            _ => {
                let templates = *random.choose(&FAMILIES);
                instances(random, fields, templates)
            }
        };
        for head in family {
            if !heads.iter().any(|known| known.name == head.name) {
                heads.push(head);
            }
        }
    }
    heads
}

/// The name of an attribute of some kind.
fn attribute(random: &mut Random, fields: &[Field], kind: Kind) -> String {
    let found: Vec<&Field> = fields.iter().filter(|field| field.kind == kind).collect();
    random.choose(&found).ident.clone()
}

/// The rules of a family over some attributes.
fn instances(random: &mut Random, fields: &[Field], templates: &[Template]) -> Vec<Head> {
    let any = random.choose(fields).clone();
    let names = [
        (":TO", attribute(random, fields, Kind::Entity)),
        (":OTHER", attribute(random, fields, Kind::Entity)),
        (":AGE", attribute(random, fields, Kind::Long)),
        (":ANY", any.ident.clone()),
    ];
    let number = random.between(0, 4).to_string();
    let mut heads = Vec::new();
    for template in templates {
        let args = template.args.iter().map(|(kind, is_bound)| (if *kind == Kind::Any { any.kind } else { *kind }, *is_bound));
        let mut rules = Vec::new();
        for (head, clauses) in template.rules {
            let mut clauses = clauses.to_vec();
            random.shuffle(&mut clauses);
            let text = format!("[({head}) {}]", clauses.join(" ")).replace(" N)", &format!(" {number})"));
            rules.push(names.iter().fold(text, |text, (name, ident)| text.replace(name, &format!(":{ident}"))));
        }
        heads.push(Head { name: template.name, args: args.collect(), rules });
    }
    heads
}

/// A graph's closure, with one to three heads that may or may not be one.
fn net(random: &mut Random, fields: &[Field]) -> Head {
    let age = attribute(random, fields, Kind::Long);
    let (to, other) = (attribute(random, fields, Kind::Entity), attribute(random, fields, Kind::Entity));
    let mut rules = vec![format!("[(net ?x ?y) [?x :{to} ?y]]")];
    for _ in 0..random.between(1, 3) {
        let edge = if random.percent(67) { &to } else { &other };
        let linked = |from: &str, to: &str| format!("[{from} :{edge} {to}]");
        let mut clauses = match random.below(8) {
            0 => vec![linked("?x", "?y")],
            1 | 2 => vec![linked("?x", "?z"), "(net ?z ?y)".to_owned()],
            3 | 4 => vec!["(net ?x ?z)".to_owned(), linked("?z", "?y")],
            5 => vec!["(net ?x ?z)".to_owned(), "(net ?z ?y)".to_owned()],
            6 => vec![linked("?x", "?z"), "(net ?z ?y)".to_owned(), format!("[?z :{age} _]")],
            _ => vec!["(net ?y ?z)".to_owned(), linked("?z", "?x")],
        };
        random.shuffle(&mut clauses);
        rules.push(format!("[(net ?x ?y) {}]", clauses.join(" ")));
    }
    Head { name: "net", args: TWO.to_vec(), rules }
}

/// A walk along edges of any make: unions, turned edges, edges through a node between and edges whose end is chosen, all in any spelling, with
/// arguments that stay, conditions on what moves and on what stays, and walks of no step.
fn walk(random: &mut Random, fields: &[Field]) -> Head {
    let references = |random: &mut Random| format!(":{}", attribute(random, fields, Kind::Entity));
    let any = random.choose(fields).ident.clone();
    let (to, other) = (references(random), references(random));
    let number = random.between(0, 6);
    let kind = random.below(9);
    let edge = move |from: &str, end: &str| match kind {
        0 => format!("(or [{from} {to} {end}] [{from} {other} {end}])"),
        1 => format!("(or [{from} {to} {end}] [{end} {to} {from}])"),
        2 => format!("[{from} {to} ?m] [?m {other} {end}]"),
        3 => format!("[{end} {to} {from}]"),
        4 => format!("[{from} {to} {end}] [(!= {end} {number})]"),
        5 => format!("[{from} :{any} {end}]"),
        6 => format!("[{from} {to} {end}] (not [{from} {other} {end}])"),
        _ => format!("[{from} {to} {end}]"),
    };
    // What stays: nothing, an attribute that edges have, or a number that nothing asks for, or that chooses edges.
    let stays = random.below(6);
    let extra = if stays < 3 { " ?k" } else { "" };
    let said = references(random);
    let full = |from: &str, end: &str| match stays {
        0 => format!("{} [{from} {said} ?k]", edge(from, end)),
        1 => format!("{} [{end} {said} ?k]", edge(from, end)),
        _ => edge(from, end),
    };
    let begin = |from: &str, end: &str| if stays == 2 { format!("{} [_ {said} ?k]", edge(from, end)) } else { full(from, end) };
    let mut rules = vec![format!("[(walk ?x ?y{extra}) {}]", begin("?x", "?y"))];
    if random.percent(20) {
        let begins = if extra.is_empty() { String::new() } else { format!("[?x {said} ?k]") };
        rules.push(format!("[(walk ?x ?y{extra}) [?x _ _] [(identity ?x) ?y] {begins}]"));
    }
    let side = random.below(3);
    for _ in 0..random.between(1, 2) {
        let step = |random: &mut Random, from: &str, end: &str| {
            if random.percent(70) && stays != 0 { edge(from, end) } else { full(from, end) }
        };
        let mut body = match if random.percent(80) { side } else { random.below(3) } {
            0 => format!("(walk ?x ?z{extra}) {}", step(random, "?z", "?y")),
            1 => format!("{} (walk ?z ?y{extra})", step(random, "?x", "?z")),
            _ => format!("(walk ?x ?z{extra}) (walk ?z ?y{extra})"),
        };
        if random.percent(35) {
            let (left, right) = (*random.choose(&["?x", "?y", "?z"]), *random.choose(&["?x", "?y", "?z", "2", "5"]));
            body = match random.below(4) {
                0 => format!("{body} [{left} {said} _]"),
                1 => format!("{body} (not [{left} {said} ?x])"),
                _ if left == right => body,
                _ => format!("{body} [(!= {left} {right})]"),
            };
        }
        rules.push(format!("[(walk ?x ?y{extra}) {body}]"));
    }
    let mut args = TWO.to_vec();
    args.extend((!extra.is_empty()).then_some((Kind::Entity, false)));
    Head { name: "walk", args, rules }
}

/// Two rules that call each other and themselves in any way.
fn wild(random: &mut Random, fields: &[Field]) -> Vec<Head> {
    let names = ["wild", "tame"];
    let heads = names.map(|name| {
        let mut rules = vec![format!("[({name} ?x ?y) {}]", body(random, fields, &[]))];
        for _ in 0..random.between(1, 2) {
            rules.push(format!("[({name} ?x ?y) {}]", body(random, fields, &names)));
        }
        Head { name, args: TWO.to_vec(), rules }
    });
    heads.to_vec()
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
