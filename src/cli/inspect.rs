//! `entity`, `history`, `schema`, `tx`: the facts themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use annals::query::{Budget, Cardinality, Fact, Facts, Unique};
use annals::{Datom, Db, Error, ErrorKind, Moment, Order, Result, Value};

use super::failure::Outcome;
use super::moment;
use super::output::{RowShape, RowWriter};
use super::session::{Session, entity_id, known_as};

/// Columns that a table does without on a narrow terminal.
const SPARE: [&str; 4] = ["cardinality", "entities", "instant", "unique"];

type Rows = RowWriter<io::BufWriter<io::Stdout>>;

/// `annals entity`: what holds, and since when.
pub(super) fn entity(session: &Session, text: &str) -> Outcome {
    let db = session.seen()?;
    let id = entity_id(&db, text)?;
    let datoms = match db.lens() {
        Some(_) => Facts::entity(&db, id, &Budget::default())?.into_iter().map(as_datom).collect(),
        None => db.datoms(Order::Eavt, &[Value::Long(id)])?,
    };
    known(session, id, text, !datoms.is_empty())?;
    let mut rows = rows(session, &["attribute", "value", "t", "instant", "m"]);
    for datom in datoms {
        let attribute = known_as(&db, datom.a)?;
        let row = [attribute, shown(&db, &datom.v)?, Value::Long(datom.t), instant(&db, datom.t)?, known_as(&db, datom.m)?];
        rows.row(&row)?;
    }
    rows.finish()
}

/// A fact that a lens shows.
fn as_datom(fact: Fact) -> Datom {
    let Fact { e, a, v, t, m, added } = fact;
    Datom { e, a, v, t, m, added }
}

/// `annals history`: every addition and retraction, in the order in which they were said.
pub(super) fn history(session: &Session, text: &str, attribute: Option<&str>) -> Outcome {
    let db = session.db()?;
    let id = entity_id(&db, text)?;
    let attribute = attribute.map(|text| entity_id(&db, text)).transpose()?;
    let components: Vec<Value> = std::iter::once(id).chain(attribute).map(Value::Long).collect();
    let mut datoms = db.history().datoms(Order::Eavt, &components)?;
    known(session, id, text, !datoms.is_empty())?;
    datoms.sort_by(|x, y| (x.t, x.added, x.a, &x.v).cmp(&(y.t, y.added, y.a, &y.v)));
    let mut rows = rows(session, &["t", "instant", "added", "attribute", "value", "m"]);
    for datom in datoms {
        rows.row(&[
            Value::Long(datom.t),
            instant(&db, datom.t)?,
            Value::Boolean(datom.added),
            known_as(&db, datom.a)?,
            shown(&db, &datom.v)?,
            known_as(&db, datom.m)?,
        ])?;
    }
    rows.finish()
}

/// An entity that nothing was said of, or of which nothing is left, is not found, as far as a person is concerned.
fn known(session: &Session, id: i64, text: &str, has_facts: bool) -> Result<()> {
    if has_facts {
        return Ok(());
    }
    let stored = session.db()?;
    let has_any = |db: &Db| db.datoms(Order::Eavt, &[Value::Long(id)]).map(|datoms| !datoms.is_empty());
    if !has_any(&stored)? && has_any(&stored.history())? {
        return Err(Error::new(ErrorKind::NotFound, format!("nothing holds of {text} any more, as far as this view shows"))
            .with_value(text)
            .with_help(format!("`annals history {id}` shows what was said of it and retracted since")));
    }
    Err(Error::new(ErrorKind::NotFound, format!("nothing was said of {text}, as far as this view shows"))
        .with_value(text)
        .with_help("`annals q '[:find ?e :where [?e :some/attribute]]'` finds entities; --as-of and --since narrow the view"))
}

/// `annals schema`: every attribute that some fact uses.
pub(super) fn schema(session: &Session) -> Outcome {
    schema_of(session, None)
}

/// The attributes in use: all, those of a namespace, or the one of this name, used or not.
pub(super) fn schema_of(session: &Session, wanted: Option<&str>) -> Outcome {
    let db = session.db()?;
    let wanted = wanted.map(|text| Wanted::of(&db, text)).transpose()?;
    let columns = ["attribute", "type", "cardinality", "unique", "facts", "entities", "types", "example"];
    let mut rows = rows(session, &columns);
    let attributes: BTreeMap<_, _> =
        db.schema().declarations().map(|declaration| (declaration.attribute.ident.clone(), declaration)).collect();
    for (ident, declaration) in attributes {
        let is_named = wanted.as_ref().is_some_and(|wanted| matches!(wanted, Wanted::Attribute(name) if *name == *ident));
        if !is_named && wanted.as_ref().is_some_and(|wanted| !wanted.is_namespace_of(&ident)) {
            continue;
        }
        let use_of = usage_of(&db, declaration.attribute.id)?;
        if use_of.facts == 0 && !is_named {
            continue;
        }
        let attribute = &declaration.attribute;
        rows.row(&[
            Value::Keyword(ident),
            attribute.value_type.map_or(Value::Nil, |kind| Value::from(kind.name())),
            Value::from(if attribute.cardinality == Cardinality::Many { "many" } else { "one" }),
            attribute
                .unique
                .map_or(Value::Nil, |unique| Value::from(if unique == Unique::Identity { "identity" } else { "value" })),
            Value::Long(use_of.facts),
            Value::Long(use_of.entities),
            Value::from(use_of.types.into_iter().collect::<Vec<_>>().join(" ")),
            use_of.example.unwrap_or(Value::Nil),
        ])?;
    }
    rows.finish()
}

/// A part of the schema; its name without colon.
enum Wanted {
    Attribute(String),
    Namespace(String),
}

impl Wanted {
    /// What `text` names, with or without colon.
    fn of(db: &Db, text: &str) -> Result<Self> {
        let name = text.strip_prefix(':').unwrap_or(text);
        if db.schema().declaration_by_ident(name).is_some() {
            return Ok(Self::Attribute(name.to_owned()));
        }
        let namespace = Self::Namespace(name.trim_end_matches('/').to_owned());
        if db.schema().declarations().any(|declaration| namespace.is_namespace_of(&declaration.attribute.ident)) {
            return Ok(namespace);
        }
        let near = Facts::names_near(db, name);
        let help = near
            .first()
            .map_or("without a name, all attributes in use are shown".to_owned(), |near| format!("did you mean :{near}?"));
        Err(Error::new(ErrorKind::NotFound, format!("no attribute and no namespace is known as {text}"))
            .with_value(text)
            .with_help(help))
    }

    fn is_namespace_of(&self, ident: &str) -> bool {
        matches!(self, Self::Namespace(name) if ident.rsplit_once('/').is_some_and(|(namespace, _)| namespace == name))
    }
}

#[derive(Default)]
struct Usage {
    facts: i64,
    entities: i64,
    types: BTreeSet<&'static str>,
    example: Option<Value>,
}

fn usage_of(db: &Db, attribute: i64) -> Result<Usage> {
    let mut usage = Usage::default();
    let mut last_entity = None;
    // Transaction 1 is the same in every store: what it says of attributes is no use that anybody made of them.
    let said = db.datoms(Order::Aevt, &[Value::Long(attribute)])?;
    for datom in said.into_iter().filter(|datom| datom.t > 1) {
        usage.facts += 1;
        usage.entities += i64::from(last_entity.replace(datom.e) != Some(datom.e));
        usage.types.insert(datom.v.kind_name());
        usage.example.get_or_insert(datom.v);
    }
    Ok(usage)
}

/// `annals tx`: transactions, or one with its datoms.
pub(super) fn tx(session: &Session, t: Option<&str>, limit: Option<usize>) -> Outcome {
    let db = session.db()?;
    match t {
        Some(text) => one_transaction(session, &db, text),
        None => transactions(session, &db, limit),
    }
}

fn transactions(session: &Session, db: &Db, limit: Option<usize>) -> Outcome {
    let last = db.until_t();
    let first = limit.map_or(1, |limit| last.saturating_sub(limit as i64) + 1);
    let mut rows = rows(session, &["t", "instant", "datoms"]);
    for transaction in db.tx_range(first..=last)? {
        rows.row(&[
            Value::Long(transaction.t),
            Value::Instant(transaction.instant),
            Value::Long(transaction.datoms.len() as i64),
        ])?;
    }
    rows.finish()
}

fn one_transaction(session: &Session, db: &Db, text: &str) -> Outcome {
    let wanted = moment::moment(text, db)?;
    let t = match wanted {
        Moment::T(t) => t,
        _ => db.as_of(wanted)?.until_t(),
    };
    if !(1..=db.until_t()).contains(&t) {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("there is no transaction {t}: they are numbered 1 to {}", db.until_t()),
        )
        .with_value(text)
        .with_help("`annals tx` lists them")
        .into());
    }
    let mut rows = rows(session, &["e", "attribute", "value", "t", "m", "added"]);
    for Datom { e, a, v, t, m, added } in db.tx_range(t..=t)?.into_iter().flat_map(|transaction| transaction.datoms) {
        let row = [Value::Long(e), known_as(db, a)?, shown(db, &v)?, Value::Long(t), known_as(db, m)?, Value::Boolean(added)];
        rows.row(&row)?;
    }
    rows.finish()
}

fn rows(session: &Session, columns: &[&str]) -> Rows {
    RowWriter::stdout(session.format(), RowShape::Objects, columns).sparing(&SPARE)
}

/// A value for people: a reference by its ident or run id where it has one.
fn shown(db: &Db, value: &Value) -> Result<Value> {
    match value {
        Value::Ref(entity) => known_as(db, *entity),
        other => Ok(other.clone()),
    }
}

fn instant(db: &Db, t: i64) -> Result<Value> {
    Ok(db.instant_of(t)?.map_or(Value::Nil, Value::Instant))
}
