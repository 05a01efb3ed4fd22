//! Random rules: families of rules over random attributes.

use super::history::Field;
use super::setting::Setting;
use super::{Kind, Random, wild};

/// A rule as its callers see it.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) name: &'static str,
    /// Kinds of its arguments, and whether each must be bound by the caller.
    pub(super) args: Vec<(Kind, bool)>,
    /// Its text, one a head.
    pub(super) rules: Vec<String>,
}

/// A rule in which `TO` and `OTHER` stand for references, `AGE` for an attribute of longs, `ANY` for any attribute, `N` for a number and
/// `POINT` for an entity.
struct Template {
    name: &'static str,
    /// `Kind::Any` is the kind of `ANY`.
    args: &'static [(Kind, bool)],
    /// Heads and bodies; the clauses of a body come in any order.
    rules: &'static [(&'static str, &'static [&'static str])],
}

const ONE: &[(Kind, bool)] = &[(Kind::Entity, false)];
pub(super) const TWO: &[(Kind, bool)] = &[(Kind::Entity, false), (Kind::Entity, false)];

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
                ("reach ?e ?n", &["(reach POINT ?n)", "(or [?e :TO POINT] [?e :OTHER POINT])"]),
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

/// One to three families. `is_present` says that the default source has values of one moment.
pub(super) fn families(random: &mut Random, setting: &Setting, is_present: bool) -> Vec<Head> {
    let fields = &setting.fields[..];
    let mut heads: Vec<Head> = Vec::new();
    for _ in 0..random.between(1, 3) {
        let family = match random.below(7) {
            0 => wild::family(random, setting, is_present),
            1 => wild::counting(random, setting),
            2 => vec![net(random, fields)],
            3 | 4 => walk(random, setting),
            _ => {
                let templates = *random.choose(&FAMILIES);
                instances(random, setting, templates)
            }
        };
        // Rules of one family call each other, so another of the same name would be another family's.
        let is_known = |head: &Head| heads.iter().any(|known| known.name == head.name);
        if !family.iter().any(|head| head.name != wild::FAR && is_known(head)) {
            heads.extend(family.into_iter().filter(|head| !is_known(head)).collect::<Vec<_>>());
        }
    }
    heads
}

/// The name of an attribute of some kind.
pub(super) fn attribute(random: &mut Random, fields: &[Field], kind: Kind) -> String {
    let found: Vec<&Field> = fields.iter().filter(|field| field.kind == kind).collect();
    random.choose(&found).ident.clone()
}

/// The rules of a family over some attributes.
fn instances(random: &mut Random, setting: &Setting, templates: &[Template]) -> Vec<Head> {
    let fields = &setting.fields[..];
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
            let text = names.iter().fold(text, |text, (name, ident)| text.replace(name, &format!(":{ident}")));
            let mut rule = String::new();
            for (place, part) in text.split("POINT").enumerate() {
                rule += &if place > 0 { wild::point(random, setting) } else { String::new() };
                rule += part;
            }
            rules.push(rule);
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
/// arguments that stay, conditions on what moves and on what stays, walks of no step, and walks that go on through another rule.
fn walk(random: &mut Random, setting: &Setting) -> Vec<Head> {
    let fields = &setting.fields[..];
    let references = |random: &mut Random| format!(":{}", attribute(random, fields, Kind::Entity));
    let any = random.choose(fields).ident.clone();
    let (to, other) = (references(random), references(random));
    let number = random.entity();
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
    let mut hops = Vec::new();
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
        if random.percent(50) {
            let (one, another) = (random.entity().to_string(), random.entity().to_string());
            let (left, right) = (*random.choose(&["?x", "?y", "?z"]), *random.choose(&["?x", "?y", "?z", &one, &another]));
            body = match random.below(7) {
                0 => format!("{body} [{left} {said} _]"),
                1 => format!("{body} (not [{left} {said} ?x])"),
                2..=4 => format!("{body} {}", wild::choice(random, setting, left)),
                _ if left == right => body,
                _ => format!("{body} [(!= {left} {right})]"),
            };
        }
        if random.percent(40) {
            rules.push(format!("[(walk ?x ?y{extra}) (hop ?x ?y{extra})]"));
            hops.push(format!("[(hop ?x ?y{extra}) {body}]"));
        } else {
            rules.push(format!("[(walk ?x ?y{extra}) {body}]"));
        }
    }
    let mut args = TWO.to_vec();
    args.extend((!extra.is_empty()).then_some((Kind::Entity, false)));
    let hop = (!hops.is_empty()).then(|| Head { name: "hop", args: args.clone(), rules: hops });
    let walk = Head { name: "walk", args, rules };
    wild::with_far(random, setting, std::iter::once(walk).chain(hop).collect())
}
