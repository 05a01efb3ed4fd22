//! What a random store is told: declarations, then transactions in which facts are added, replaced and taken back in every form.

use annals::query::Value;

use crate::common::random::history::{Field, schema, value};
use crate::common::random::{Kind, Random};

/// The entities of which programs speak: of the default partition, and some transactions.
pub(crate) fn entities() -> Vec<i64> {
    (1..=6).map(|n| (2 << 32) + n).chain([2, 3]).collect()
}

/// Lookup references as written.
pub(crate) const LOOKUPS: [&str; 7] = [
    r#"[:p/id "a"]"#,
    r#"[:p/id "b"]"#,
    r#"[:p/id "c"]"#,
    r#"[:p/id "nobody"]"#,
    "[:p/code 1]",
    "[:p/code 2.0]",
    "[:p/next :one]",
];

/// Names of entities as written; one is never given.
pub(crate) const NAMES: [&str; 5] = [":one", ":two", ":x", ":p/years", ":nobody"];

/// Attributes, and the transactions that make them.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    pub(crate) fields: Vec<Field>,
    pub(crate) declarations: Vec<String>,
    /// Declarations that come later, when facts are there.
    later: Vec<String>,
}

/// A random vocabulary.
pub(crate) fn vocabulary(random: &mut Random) -> Vocabulary {
    let mut fields = schema(random);
    let (mut declarations, mut later) = (Vec::new(), Vec::new());
    for field in &mut fields {
        field.ident = format!("p/{}", field.ident);
        let mut parts = vec![format!(":db/ident :{}", field.ident)];
        if field.is_many || random.percent(80) {
            parts.push(format!(":db/cardinality :db.cardinality/{}", if field.is_many { "many" } else { "one" }));
        }
        let kind = type_name(field.kind).map(|name| format!(":db/valueType :db.type/{name}"));
        let is_typed = field.kind == Kind::Entity || random.percent(75);
        parts.extend(kind.clone().filter(|_| is_typed));
        if random.percent(25) {
            parts.push(":db/index true".to_owned());
        }
        if field.kind == Kind::Entity && random.percent(35) {
            parts.push(":db/isComponent true".to_owned());
        }
        if parts.len() > 1 {
            declarations.push(format!("{{{}}}", parts.join(" ")));
        }
        if let Some(kind) = kind.filter(|_| !is_typed && random.percent(50)) {
            later.push(format!("{{:db/ident :{} {kind}}}", field.ident));
        }
    }
    for (name, kind, unique) in [("id", "string", "identity"), ("code", "long", "value"), ("next", "ref", "value")] {
        let typed = if name == "id" && random.percent(30) { String::new() } else { format!(":db/valueType :db.type/{kind}") };
        declarations
            .push(format!("{{:db/ident :p/{name} {typed} :db/cardinality :db.cardinality/one :db/unique :db.unique/{unique}}}"));
    }
    if random.percent(50) {
        let parts = format!("[:{} :{}]", fields[1].ident, fields[2].ident);
        let is_one = !fields[1].is_many && !fields[2].is_many;
        let unique = if random.percent(40) { ":db/unique :db.unique/identity" } else { "" };
        if is_one {
            declarations.push(format!("{{:db/ident :p/seat :db/valueType :db.type/tuple :db/tupleAttrs {parts} :db/cardinality :db.cardinality/one {unique}}}"));
            fields.push(Field { ident: "p/seat".into(), kind: Kind::Any, is_many: false });
        }
    }
    if random.percent(30) {
        // Two names of one attribute: the old one still resolves.
        let old = fields[1].clone();
        later.push(format!("[:db/add :{} :db/ident :p/years]", old.ident));
        fields.push(Field { ident: "p/years".into(), ..old });
    }
    Vocabulary { fields, declarations, later }
}

fn type_name(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Entity => Some("ref"),
        Kind::Long => Some("long"),
        Kind::Double => Some("double"),
        Kind::String => Some("string"),
        Kind::Keyword => Some("keyword"),
        Kind::Boolean => Some("boolean"),
        Kind::Instant => Some("instant"),
        Kind::Tuple => Some("tuple"),
        Kind::Number | Kind::Any => None,
    }
}

impl Vocabulary {
    /// The forms of a transaction: of the first ones names, of a later one what is declared later.
    pub(crate) fn transaction(&mut self, random: &mut Random, number: usize) -> Vec<String> {
        let ids = entities();
        match number {
            0 => return (0..2).map(|n| format!("[:db/add {} :db/ident {}]", ids[n], NAMES[n])).collect(),
            4 | 9 if !self.later.is_empty() => {
                let place = random.below(self.later.len());
                return vec![self.later.remove(place)];
            }
            _ => {}
        }
        (0..random.between(2, 12)).map(|_| self.form(random)).collect()
    }

    fn form(&self, random: &mut Random) -> String {
        let e = random.entity();
        let (field, v) = self.said(random);
        let a = &field.ident;
        match random.below(32) {
            0..=12 => format!("[:db/add {e} :{a} {v}]"),
            13..=16 => format!("[:db/add {e} :{a} {v} {}]", random.entity()),
            17 => format!("[:db/retract {e} :{a} {v}]"),
            18 => format!("[:db/retract {e} :{a} {v} {}]", random.entity()),
            19 | 20 => format!("[:db/retract {e} :{a}]"),
            21 if random.percent(50) => format!("[:db/retractEntity {e}]"),
            22 => format!("[:db/add \"datomic.tx\" :{a} {v}]"),
            23 => {
                let (other, w) = self.said(random);
                format!("{{:db/id {e} :{a} {v} :{} {w} :db/m {}}}", other.ident, random.entity())
            }
            24 => format!("{{:p/id {:?} :{a} {v}}}", random.choose(&["a", "b", "c"])),
            25 => format!("{{:db/id {e} :{} {{:p/id {:?} :{a} {v}}}}}", self.reference(random), random.choose(&["a", "b", "c"])),
            26 => format!("[:db/add {e} :p/id {:?}]", random.choose(&["a", "b", "c"])),
            27 => format!("[:db/add {e} :p/code {}]", random.between(0, 3)),
            28 => format!("[:db/add {e} :p/next {}]", random.entity()),
            29 if random.percent(30) => format!("[:db/add {e} :db/ident {}]", random.choose(&NAMES[..3])),
            30 => format!("{{:db/id {e} :{} {}}}", reverse(&self.reference(random)), random.entity()),
            _ => format!("{{:db/id {e} :{a} {v}}}"),
        }
    }

    fn reference(&self, random: &mut Random) -> String {
        let references: Vec<&Field> = self.fields.iter().filter(|field| field.kind == Kind::Entity).collect();
        random.choose(&references).ident.clone()
    }

    /// An attribute that can be said, and a value for it.
    fn said(&self, random: &mut Random) -> (&Field, Value) {
        let fields: Vec<&Field> =
            self.fields.iter().filter(|field| field.ident != "p/seat" && field.ident != "p/years").collect();
        let place = random.below(fields.len());
        (fields[place], value(random, fields[place].kind))
    }
}

fn reverse(ident: &str) -> String {
    ident.replace("p/", "p/_")
}
