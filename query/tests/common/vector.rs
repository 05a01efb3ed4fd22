//! Hand-written vectors: facts, a query and its answer (or error) as EDN data.

use std::collections::BTreeMap;
use std::sync::Arc;

use annals_query::ast::{Find, Query};
use annals_query::{Attribute, Cardinality, Fact, Unique, Value, ValueType, edn, parse};

use super::memory::{MemoryFacts, View};
use super::naive::Input;

/// One case.
#[derive(Debug)]
pub(crate) struct Vector {
    /// The line of `semantics.md` that it shows.
    pub(crate) line: i64,
    /// The promise.
    pub(crate) about: String,
    /// The query's text.
    pub(crate) query: String,
    /// What is given.
    pub(crate) inputs: Vec<Input>,
    fields: BTreeMap<Value, Value>,
}

/// All vectors of a file.
pub(crate) fn read_all(text: &str) -> Vec<Vector> {
    let forms = edn::read_forms(text).expect("a file of vectors is EDN");
    forms.into_iter().map(|form| Vector::new(form.into_value())).collect()
}

impl Vector {
    fn new(value: Value) -> Self {
        let Value::Map(fields) = value else { panic!("a vector is a map, not {value}") };
        let fields = BTreeMap::clone(&fields);
        let field = |name: &str| fields.get(&Value::keyword(name));
        let query = match field("query").expect("a vector has a query") {
            Value::String(text) => text.to_string(),
            form => form.to_string(),
        };
        let facts = facts(field("attributes"), field("facts"));
        let whole = Input::Facts(Arc::new(facts.at(view(field("view")))));
        let items = |name: &str| field(name).map_or(Vec::new(), |items| items.as_items().expect("a vector of inputs").to_vec());
        let read = |input: &Value| read_input(input, &facts);
        let inputs = match field("given") {
            Some(_) => items("given").iter().map(read).collect(),
            None => std::iter::once(whole).chain(items("inputs").iter().map(read)).collect(),
        };
        Self {
            line: field("line").and_then(Value::as_long).expect("a vector names its line"),
            about: field("about").map(|about| about.as_text().expect("a sentence").to_owned()).unwrap_or_default(),
            query,
            inputs,
            fields,
        }
    }

    /// A field by its name.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.fields.get(&Value::keyword(name))
    }

    /// A field that is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.field(name).map(|value| value.as_text().expect("the field is text"))
    }

    /// False where the vector says so.
    pub(crate) fn is_for_naive(&self) -> bool {
        self.field("naive") != Some(&Value::Boolean(false))
    }

    /// The answer as rows, if an answer is expected.
    pub(crate) fn rows(&self, query: &Query) -> Option<Vec<Vec<Value>>> {
        let answer = self.field("answer")?;
        let items = |value: &Value| value.as_items().unwrap_or_else(|| panic!("{} has an odd answer", self.about)).to_vec();
        Some(match (&query.find, answer) {
            (Find::Scalar(_) | Find::Tuple(_), Value::Nil) => Vec::new(),
            (Find::Relation(_), rows) => items(rows).iter().map(items).collect(),
            (Find::Collection(_), values) => items(values).into_iter().map(|value| vec![value]).collect(),
            (Find::Tuple(_), row) => vec![items(row)],
            (Find::Scalar(_), value) => vec![vec![value.clone()]],
        })
    }
}

fn read_input(input: &Value, facts: &MemoryFacts) -> Input {
    match input {
        Value::Tagged(tag, value) => match &**tag {
            "view" => Input::Facts(Arc::new(facts.at(view(Some(value))))),
            "relation" => {
                let rows = value.as_items().expect("rows").iter().map(|row| row.as_items().expect("a row").to_vec());
                Input::Relation(rows.collect())
            }
            "rules" => Input::Rules(parse::rules(&value.to_string()).expect("the rules of a vector are well formed")),
            "pattern" => Input::Pattern(parse::pull_pattern(&value.to_string()).expect("the pattern of a vector is well formed")),
            "regex" => Input::Value(input.clone()),
            other => panic!("no kind of input is tagged {other}"),
        },
        value => Input::Value(value.clone()),
    }
}

fn entry<'a>(map: Option<&'a Value>, name: &str) -> Option<&'a Value> {
    match map? {
        Value::Map(entries) => entries.get(&Value::keyword(name)),
        other => panic!("{other} is no map"),
    }
}

fn view(map: Option<&Value>) -> View {
    View {
        as_of: entry(map, "as-of").and_then(Value::as_long),
        since: entry(map, "since").and_then(Value::as_long),
        is_history: entry(map, "history").is_some(),
        ..View::default()
    }
}

/// The log, and its attributes: those that occur from 101 in order of appearance, then those that are only declared.
fn facts(declared: Option<&Value>, facts: Option<&Value>) -> MemoryFacts {
    let mut attributes: Vec<Attribute> = Vec::new();
    let mut id_of = |ident: &str| {
        let known = attributes.iter().position(|attribute| &*attribute.ident == ident);
        let position = known.unwrap_or_else(|| {
            attributes.push(Attribute::new(101 + attributes.len() as i64, ident));
            attributes.len() - 1
        });
        101 + position as i64
    };
    let mut log: Vec<Fact> = Vec::new();
    for fact in facts.and_then(Value::as_items).unwrap_or_default() {
        let places = fact.as_items().expect("a fact is a vector");
        let number = |place: usize, otherwise: i64| places.get(place).map_or(otherwise, |value| value.as_long().expect("a long"));
        log.push(Fact {
            e: number(0, 0),
            a: id_of(places[1].as_text().expect("an attribute is a keyword")),
            v: places[2].clone(),
            t: number(3, 1),
            m: number(4, 0),
            added: places.get(5) != Some(&Value::Boolean(false)),
        });
    }
    if let Some(Value::Map(declared)) = declared {
        for ident in declared.keys() {
            id_of(ident.as_text().expect("an attribute is a keyword"));
        }
    }
    for attribute in &mut attributes {
        let values: Vec<&Fact> = log.iter().filter(|fact| fact.a == attribute.id && fact.added).collect();
        if !values.is_empty() && values.iter().all(|fact| matches!(fact.v, Value::Ref(_))) {
            attribute.value_type = Some(ValueType::Ref);
        }
        let together = |fact: &&&Fact| values.iter().any(|other| other.e == fact.e && other.t == fact.t && other.v != fact.v);
        if values.iter().any(|fact| together(&fact)) {
            attribute.cardinality = Cardinality::Many;
        }
        declare(attribute, entry(declared, &attribute.ident));
    }
    MemoryFacts::new(attributes, log)
}

fn declare(attribute: &mut Attribute, declaration: Option<&Value>) {
    if let Some(kind) = entry(declaration, "type") {
        attribute.value_type = ValueType::from_name(kind.as_text().expect("a type's name"));
    }
    if entry(declaration, "cardinality").and_then(Value::as_text) == Some("many") {
        attribute.cardinality = Cardinality::Many;
    }
    attribute.unique = match entry(declaration, "unique").and_then(Value::as_text) {
        Some("identity") => Some(Unique::Identity),
        Some(_) => Some(Unique::Value),
        None => None,
    };
    attribute.is_component = entry(declaration, "component").is_some();
}
