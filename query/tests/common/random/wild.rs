//! Random rules that call each other in any way, with literals, names and functions among what they ask.

use super::history::Field;
use super::rule::{Head, TWO, attribute};
use super::setting::Setting;
use super::{Kind, Random};

/// The name of a rule that others ask for what is absent; any will do.
pub(super) const FAR: &str = "far";

/// An entity as it may be written: mostly its id, or a name or lookup reference, which may lead nowhere.
pub(super) fn point(random: &mut Random, setting: &Setting) -> String {
    match random.below(5) {
        0 => random.choose(&setting.names).clone(),
        1 => random.choose(&setting.lookups).clone(),
        _ => random.entity().to_string(),
    }
}

/// Two rules that call each other and themselves in any way, and one that they may ask for what is absent.
pub(super) fn family(random: &mut Random, setting: &Setting, is_present: bool) -> Vec<Head> {
    let names = ["wild", "tame"];
    let mut heads = names.map(|name| {
        let mut rules = vec![format!("[({name} ?x ?y) {}]", body(random, setting, &[], is_present))];
        for _ in 0..random.between(1, 2) {
            rules.push(format!("[({name} ?x ?y) {}]", body(random, setting, &names, is_present)));
        }
        Head { name, args: TWO.to_vec(), rules }
    });
    random.shuffle(&mut heads);
    with_far(random, setting, heads.to_vec())
}

/// The rules, and `far` if they call it, along one attribute or another.
pub(super) fn with_far(random: &mut Random, setting: &Setting, mut heads: Vec<Head>) -> Vec<Head> {
    if heads.iter().any(|head| head.rules.iter().any(|rule| rule.contains("(far "))) {
        let to = attribute(random, &setting.fields, Kind::Entity);
        let rules = vec![format!("[(far ?x ?y) [?x :{to} ?y]]"), format!("[(far ?x ?y) [?x :{to} ?z] (far ?z ?y)]")];
        heads.push(Head { name: FAR, args: TWO.to_vec(), rules });
    }
    heads
}

/// What chooses among entities by literals, names, and what is told of others.
pub(super) fn choice(random: &mut Random, setting: &Setting, at: &str) -> String {
    let mut point = || point(random, setting);
    let (one, other, another) = (point(), point(), point());
    match random.below(8) {
        0 => format!("[(ground {one}) {at}]"),
        1 => format!("[(ground [{one} {other} {another}]) [{at} ...]]"),
        2 => format!("[(keyword {:?}) {at}]", random.choose(&setting.names).trim_start_matches(':')),
        3 => format!("(not (far {at} {one}))"),
        4 => format!("(or (far {at} {one}) (far {other} {at}))"),
        5 => format!("[(identity {one}) ?w] [(!= ?w {at})]"),
        6 => format!("(or-join [{at}] [(ground [{one} {other}]) [{at} ...]] (far {at} {another}))"),
        _ => format!("(not [(ground [{one} {other}]) [{at} ...]])"),
    }
}

/// A body over `?x` and `?y` in which anything may stand: calls of the named rules with their arguments in any place, patterns, `or`, `not`,
/// literals, functions and predicates.
fn body(random: &mut Random, setting: &Setting, names: &[&str], is_present: bool) -> String {
    let references: Vec<&Field> = setting.fields.iter().filter(|field| field.kind == Kind::Entity).collect();
    let mut clauses = Vec::new();
    let mut bound = Vec::new();
    for _ in 0..random.between(1, 3) {
        let (left, right) = (*random.choose(&["?x", "?x", "?y", "?z"]), *random.choose(&["?y", "?y", "?x", "?z"]));
        let (to, other) = (&random.choose(&references).ident, &random.choose(&references).ident);
        clauses.push(match random.below(9) {
            0 | 1 if !names.is_empty() => format!("({} {left} {right})", random.choose(names)),
            2 if !names.is_empty() => {
                let end = if random.percent(33) { "_".to_owned() } else { point(random, setting) };
                format!("({} {left} {end})", random.choose(names))
            }
            3 if !names.is_empty() => format!("({} {} {right})", random.choose(names), point(random, setting)),
            4 => format!("(or [{left} :{to} {right}] [{right} :{other} {left}])"),
            5 => format!("[{left} :{to} {}]", point(random, setting)),
            _ => format!("[{left} :{to} {right}]"),
        });
        let text = clauses.last().expect("one was pushed");
        bound.extend([left, right].into_iter().filter(|name| text.contains(name)));
    }
    if random.percent(35) {
        let (from, end) = (*random.choose(&bound), *random.choose(&["?x", "?y", "?z"]));
        clauses.push(made(random, setting, from, end, is_present));
        bound.push(end);
    }
    if !bound.contains(&"?x") || !bound.contains(&"?y") {
        clauses.push(format!("[?x :{} ?y]", random.choose(&references).ident));
        bound.extend(["?x", "?y"]);
    }
    clauses.extend(condition(random, setting, &bound, is_present));
    random.shuffle(&mut clauses);
    clauses.join(" ")
}

/// What makes a value of one that is known, or of nothing.
fn made(random: &mut Random, setting: &Setting, from: &str, end: &str, is_present: bool) -> String {
    let singles: Vec<&Field> = setting.fields.iter().filter(|field| field.kind == Kind::Entity && !field.is_many).collect();
    match random.below(7) {
        0 => format!("[(ground {}) {end}]", point(random, setting)),
        1 => format!("[(ground [{} {}]) [{end} ...]]", point(random, setting), point(random, setting)),
        2 => format!("[(ground [[{} {}]]) [[{from} {end}]]]", point(random, setting), point(random, setting)),
        3 => format!("[(keyword {:?}) {end}]", random.choose(&setting.names).trim_start_matches(':')),
        4 if is_present && !singles.is_empty() => {
            let (field, default) = (random.choose(&singles).ident.clone(), point(random, setting));
            format!("[(get-else $ {from} :{field} {default}) {end}]")
        }
        _ => format!("[(identity {from}) {end}]"),
    }
}

/// What chooses among the ways in which a body holds, mostly nothing.
fn condition(random: &mut Random, setting: &Setting, bound: &[&str], is_present: bool) -> Option<String> {
    let (left, right) = (*random.choose(bound), *random.choose(bound));
    let (to, any) = (attribute(random, &setting.fields, Kind::Entity), random.choose(&setting.fields).ident.clone());
    Some(match random.below(14) {
        0 => format!("[(!= {left} {right})]"),
        1 => format!("[(<= {left} {right})]"),
        2 => format!("(not [{left} :{to} {right}])"),
        3 => format!("(not-join [{left}] [{left} :{any} ?y] [?y :{} _])", random.choose(&setting.fields).ident),
        4 => format!("(not (far {left} {}))", point(random, setting)),
        5 => format!("(or (far {left} {}) (far {} {left}))", point(random, setting), point(random, setting)),
        6 => format!("(not [{left} :{to} {}])", point(random, setting)),
        7 if is_present => format!("[(missing? $ {left} :{any})]"),
        _ => return None,
    })
}

/// Two rules that count up and down, call each other, and stay within some numbers.
pub(super) fn counting(random: &mut Random, setting: &Setting) -> Vec<Head> {
    let names = ["up", "down"];
    let heads = names.map(|name| {
        let age = attribute(random, &setting.fields, Kind::Long);
        let begin = match random.below(3) {
            0 => format!("[?x :{age} _] [(ground [0 2]) [?n ...]]"),
            1 => format!("[?x :{age} ?m] [(mod ?m 3) ?n]"),
            _ => format!("[?x :{age} ?n]"),
        };
        let mut rules = vec![format!("[({name} ?x ?n) {begin}]")];
        for _ in 0..random.between(1, 2) {
            rules.push(format!("[({name} ?x ?n) {}]", counted(random, setting, &names)));
        }
        Head { name, args: vec![(Kind::Entity, false), (Kind::Long, false)], rules }
    });
    heads.to_vec()
}

/// A body over `?x` and `?n` that goes on from one of the named rules.
fn counted(random: &mut Random, setting: &Setting, names: &[&str]) -> String {
    let to = attribute(random, &setting.fields, Kind::Entity);
    let start = if random.percent(70) { "?x".to_owned() } else { point(random, setting) };
    let mut clauses = match random.below(3) {
        0 => vec![format!("[?x :{to} ?y]"), format!("({} ?y ?m)", random.choose(names))],
        1 => vec![format!("[?x :{to} _]"), format!("({} {start} ?m)", random.choose(names))],
        _ => vec![format!("({} ?x ?m)", random.choose(names))],
    };
    let call = *random.choose(&["inc ?m", "dec ?m", "+ ?m 2", "* ?m 2", "- 3 ?m", "max ?m 1", "identity ?m", "quot ?m 2"]);
    clauses.push(format!("[({call}) ?n]"));
    clauses.push(format!("[(<= -2 ?n {})]", random.between(1, 6)));
    match random.below(6) {
        0 => clauses.push(format!("({} ?x ?n)", random.choose(names))),
        1 => clauses.push("[(!= ?n ?m)]".to_owned()),
        2 => clauses.push("[(ground [0 1 2 3]) [?n ...]]".to_owned()),
        _ => {}
    }
    random.shuffle(&mut clauses);
    clauses.join(" ")
}
