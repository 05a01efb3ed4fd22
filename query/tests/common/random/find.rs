//! What a random program asks for: elements, `:with`, `:having`, order, and the shape.

use super::Kind;
use super::clause::{Maker, Scope};

/// What a program asks for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) find: String,
    pub(super) with: Vec<String>,
    pub(super) tail: Vec<String>,
    /// Pull patterns by the name they have in `:in`.
    pub(super) patterns: Vec<(String, String)>,
}

/// An element, and what it gives.
#[derive(Clone, Debug)]
struct Element {
    text: String,
    kind: Kind,
    is_pull: bool,
}

impl Maker<'_> {
    pub(super) fn asked(&mut self, scope: &Scope) -> Asked {
        let mut variables = scope.variables.clone();
        self.random.shuffle(&mut variables);
        if variables.is_empty() {
            return Asked { find: "?nothing".to_owned(), ..Asked::default() };
        }
        let mut asked = Asked::default();
        let count = variables.len().min(self.random.between(1, 3) as usize);
        let element = |(text, kind): &(String, Kind)| Element { text: text.clone(), kind: *kind, is_pull: false };
        let mut elements: Vec<Element> = variables[..count].iter().map(element).collect();
        let is_aggregated = self.random.percent(30);
        for (position, (name, kind)) in variables[..count].iter().enumerate() {
            if is_aggregated && (position == 0 || self.random.percent(30)) {
                elements[position] = self.aggregate(name, *kind);
            } else if self.has_present() && (*kind == Kind::Entity || self.random.percent(2)) && self.random.percent(25) {
                elements[position] = self.pull(name, &mut asked);
            }
        }
        if self.random.percent(if is_aggregated { 50 } else { 10 }) {
            asked.with.extend(variables[count..].iter().take(2).map(|(name, _)| name.clone()));
        }
        let is_one = self.shape(&elements, &mut asked);
        let named = if is_one { &elements[..1] } else { &elements[..] };
        self.chosen(named, &variables, is_aggregated, &mut asked);
        asked
    }

    /// The find itself; true if it has but the first element.
    fn shape(&mut self, elements: &[Element], asked: &mut Asked) -> bool {
        let texts: Vec<&str> = elements.iter().map(|element| element.text.as_str()).collect();
        let shape = self.random.below(10);
        asked.find = match shape {
            0 => format!("[{} ...]", texts[0]),
            1 => format!("{} .", texts[0]),
            2 => format!("[{}]", texts.join(" ")),
            _ => texts.join(" "),
        };
        if shape > 1 && self.random.percent(10) {
            let names: Vec<String> = (0..texts.len()).map(|number| format!("name{number}")).collect();
            asked.tail.push(format!("{} {}", self.random.choose(&[":keys", ":strs", ":syms"]), names.join(" ")));
        }
        shape < 2
    }

    /// `:having`, `:order-by`, `:limit` and `:offset`.
    fn chosen(&mut self, elements: &[Element], variables: &[(String, Kind)], is_aggregated: bool, asked: &mut Asked) {
        if self.random.percent(if is_aggregated { 35 } else { 8 }) {
            let conditions: Vec<String> =
                (0..self.random.between(1, 2)).map(|_| self.condition(elements, variables, is_aggregated)).collect();
            asked.tail.push(format!(":having [{}]", conditions.join(" ")));
        }
        let mut keys: Vec<String> =
            elements.iter().filter(|element| !element.is_pull).map(|element| element.text.clone()).collect();
        if is_aggregated && self.random.percent(15) {
            let (name, kind) = self.random.choose(variables).clone();
            keys.push(self.aggregate(&name, kind).text);
        }
        self.random.shuffle(&mut keys);
        keys.dedup();
        if !keys.is_empty() && self.random.percent(30) {
            let count = self.random.between(1, keys.len() as i64) as usize;
            let keys = keys[..count].iter().map(|key| format!("{key} {}", self.random.choose(&[":asc", ":desc"])));
            asked.tail.push(format!(":order-by [{}]", keys.collect::<Vec<_>>().join(" ")));
        }
        if self.random.percent(12) {
            asked.tail.push(format!(":limit {}", self.random.below(5)));
        }
        if self.random.percent(8) {
            asked.tail.push(format!(":offset {}", self.random.below(4)));
        }
    }

    /// A call over elements, other aggregates and constants.
    fn condition(&mut self, elements: &[Element], variables: &[(String, Kind)], is_aggregated: bool) -> String {
        let mut element = self.random.choose(elements).clone();
        if element.is_pull || is_aggregated && self.random.percent(40) {
            let (name, kind) = self.random.choose(variables).clone();
            element = if is_aggregated { self.aggregate(&name, kind) } else { Element { text: name, kind, is_pull: false } };
        }
        if element.kind == Kind::Boolean {
            return format!("(identity {})", element.text);
        }
        let mut other = if element.kind == Kind::Entity { self.random.entity().to_string() } else { self.literal(element.kind) };
        if element.kind == Kind::Long && self.random.percent(20) {
            other = format!("(inc {})", element.text);
        }
        let comparison = match element.kind {
            Kind::Any | Kind::Tuple | Kind::Keyword if self.random.percent(80) => *self.random.choose(&["=", "!="]),
            _ => *self.random.choose(&["<", "<=", ">", ">=", "=", "!="]),
        };
        let condition = format!("({comparison} {} {other})", element.text);
        if self.random.percent(15) { format!("(not {condition})") } else { condition }
    }

    /// An aggregate of a variable, and the kind of what it gives.
    pub(super) fn aggregated(&mut self, variable: &str, kind: Kind) -> (String, Kind) {
        let Element { text, kind, .. } = self.aggregate(variable, kind);
        (text, kind)
    }

    fn aggregate(&mut self, variable: &str, kind: Kind) -> Element {
        let made = |text: String, kind: Kind| Element { text, kind, is_pull: false };
        if matches!(kind, Kind::Long | Kind::Double | Kind::Number) && self.random.percent(50) {
            let name = *self.random.choose(&["sum", "avg", "median", "variance", "stddev"]);
            return made(format!("({name} {variable})"), if name == "sum" { kind } else { Kind::Double });
        }
        if self.random.percent(20) {
            let name = self.random.choose(&["min", "max"]);
            return made(format!("({name} {} {variable})", self.random.between(1, 3)), Kind::Tuple);
        }
        match self.random.below(5) {
            0 => made(format!("(count {variable})"), Kind::Long),
            1 => made(format!("(count-distinct {variable})"), Kind::Long),
            2 => made(format!("(min {variable})"), kind),
            3 => made(format!("(max {variable})"), kind),
            _ => made(format!("(distinct {variable})"), Kind::Any),
        }
    }

    fn pull(&mut self, variable: &str, asked: &mut Asked) -> Element {
        let pattern = self.pull_pattern(2);
        let pattern = if self.random.percent(15) {
            let name = format!("pattern{}", asked.patterns.len());
            asked.patterns.push((name.clone(), pattern));
            name
        } else {
            pattern
        };
        let source = self.sources[0].0.clone();
        let source = if self.random.percent(20) { format!("{source} ") } else { String::new() };
        Element { text: format!("(pull {source}{variable} {pattern})"), kind: Kind::Any, is_pull: true }
    }
}
