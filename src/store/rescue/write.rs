//! The new store: what is proven under its own t, and a stand-in for each transaction that is lost.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use annals_query::{Value, ValueType};
use rusqlite::Connection;

use super::carve::Carved;
use super::gaps::Repairs;
use super::prove::{Fate, Proof};
use super::{RescueReport, datoms_of};
use crate::datom::Datom;
use crate::error::Result;
use crate::schema::{Schema, SchemaBuilder, attribute, ident};
use crate::store::commit::{Appender, index_values};
use crate::store::failure::failure;
use crate::store::verify::hexadecimal;
use crate::store::{Access, Durability, connect, migrate, words};

/// Transactions in one commit of the new store.
const BATCH: usize = 2_000;

/// What a rescue says: names without namespace, types, and what they mean.
const VOCABULARY: [(&str, ValueType, &str); 5] = [
    ("lost", ValueType::String, "Why this transaction could not be copied: what stands here is a stand-in."),
    ("source", ValueType::String, "The damaged file."),
    ("head", ValueType::String, "The head of the damaged store's chain at the last transaction that could be proven."),
    ("copied", ValueType::Long, "How many transactions were copied."),
    ("transactions-lost", ValueType::Long, "How many were not."),
];

/// Ids of what a rescue says.
struct Vocabulary {
    first: i64,
    /// The entity of the rescue, which is the metadata of all that it says itself.
    rescue: i64,
    is_declared: bool,
}

struct Writer<'c> {
    connection: &'c Connection,
    appender: Appender<'c>,
    builder: SchemaBuilder,
    schema: Schema,
    vocabulary: Vocabulary,
    instant: i64,
    first_id: i64,
}

/// Writes everything into an empty file.
pub(super) fn write(
    path: &Path,
    source: &Path,
    carved: &mut Carved,
    proof: &Proof,
    repairs: &Repairs,
    report: &RescueReport,
) -> Result<()> {
    let connection = connect::connect(path, Access::ReadWrite)?;
    connect::prepare_to_write(&connection, Durability::Full)?;
    connection.execute_batch("BEGIN IMMEDIATE").map_err(failure)?;
    migrate::make(&connection)?;
    let mut scratch = Vec::new();
    let vocabulary = Vocabulary {
        first: carved.last_of_schema.max(attribute::FIRST_OF_USER) + 1,
        rescue: carved.last_of_user + 1,
        is_declared: false,
    };
    let mut writer = Writer {
        connection: &connection,
        appender: Appender::new(&connection, &mut scratch)?,
        builder: SchemaBuilder::default(),
        schema: Schema::default(),
        vocabulary,
        instant: 0,
        first_id: 0,
    };
    for (at, (t, fate)) in proof.fates.iter().enumerate() {
        match fate {
            Fate::Lost(why) => writer.stand_in(carved, *t, why, repairs)?,
            proven => writer.copy(*t, proven, &datoms_of(carved, *t, proven))?,
        }
        if at % BATCH == BATCH - 1 {
            connection.execute_batch("COMMIT; BEGIN IMMEDIATE").map_err(failure)?;
        }
    }
    if !report.lost.is_empty() {
        writer.tell(proof, source, report)?;
    }
    drop(writer);
    connection.execute_batch("COMMIT").map_err(failure)
}

impl Writer<'_> {
    fn copy(&mut self, t: i64, fate: &Fate, datoms: &[Datom]) -> Result<()> {
        let instant = if let Fate::Proven { instant, .. } = fate { *instant } else { crate::store::genesis::INSTANT };
        self.append(t, instant, datoms)
    }

    /// What stands in the place of a lost transaction: that it is lost, and what later ones prove that it said.
    fn stand_in(&mut self, carved: &mut Carved, t: i64, why: &str, repairs: &Repairs) -> Result<()> {
        let m = self.vocabulary.rescue;
        let mut datoms = vec![Datom { e: t, a: attribute::TX_INSTANT, v: Value::Instant(self.instant), t, added: true, m }];
        if t == 1 {
            datoms = datoms_of(carved, 1, &Fate::Genesis);
        }
        if !self.vocabulary.is_declared {
            self.vocabulary.is_declared = true;
            datoms.extend(self.vocabulary.declarations(t));
        }
        datoms.push(Datom { e: t, a: self.vocabulary.first, v: Value::from(why), t, added: true, m });
        let mut inferred: Vec<Datom> = repairs.by_t.get(&t).into_iter().flatten().cloned().collect();
        for datom in &mut inferred {
            datom.m = m;
        }
        datoms.extend(inferred);
        datoms.sort_by_key(|datom| (datom.e, datom.added));
        self.append(t, self.instant, &datoms)
    }

    /// The last transaction: what this rescue did.
    fn tell(&mut self, proof: &Proof, source: &Path, report: &RescueReport) -> Result<()> {
        let t = report.t + 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64).max(self.instant);
        let Vocabulary { first, rescue, .. } = self.vocabulary;
        let lost = report.t - report.copied;
        let values = [
            Value::from(source.display().to_string()),
            Value::from(hexadecimal(&proof.head)),
            Value::Long(report.copied),
            Value::Long(lost),
        ];
        let mut datoms = vec![Datom { e: t, a: attribute::TX_INSTANT, v: Value::Instant(now), t, added: true, m: rescue }];
        datoms.extend((first + 1..).zip(values).map(|(a, v)| Datom { e: rescue, a, v, t, added: true, m: rescue }));
        self.append(t, now, &datoms)
    }

    /// Appends a transaction, and what follows from it: indexes of values and words.
    fn append(&mut self, t: i64, instant: i64, datoms: &[Datom]) -> Result<()> {
        let before = self.schema.clone();
        let concerns: Vec<&Datom> = datoms.iter().filter(|datom| SchemaBuilder::concerns(datom.a)).collect();
        if !concerns.is_empty() {
            for datom in &concerns {
                self.builder.apply(datom.e, datom.a, &datom.v, datom.added);
            }
            self.schema = self.builder.build();
        }
        let is_indexed = |schema: &Schema, a: i64| schema.declaration(a).is_some_and(|declaration| declaration.is_indexed);
        let schema = &self.schema;
        self.appender.append(t, instant, datoms, &|a| is_indexed(schema, a))?;
        if !concerns.is_empty() {
            for declaration in schema.declarations().filter(|declaration| declaration.is_indexed) {
                let a = declaration.attribute.id;
                if !is_indexed(&before, a) {
                    index_values(self.connection, a).map_err(failure)?;
                }
            }
        }
        let last_id = self.first_id + datoms.len() as i64;
        self.index_words(&before, last_id).map_err(failure)?;
        (self.first_id, self.instant) = (last_id, instant);
        Ok(())
    }

    fn index_words(&self, before: &Schema, last_id: i64) -> rusqlite::Result<()> {
        let (held, wanted) = (before.fulltext(), self.schema.fulltext());
        let is_anew = held.iter().any(|a| !wanted.contains(a));
        if is_anew {
            words::clear(self.connection)?;
        }
        wanted.iter().try_for_each(|a| {
            let first = if held.contains(a) && !is_anew { self.first_id } else { 0 };
            words::index(self.connection, *a, first, last_id)
        })
    }
}

impl Vocabulary {
    /// The attributes of a rescue, as a transaction that uses them first declares them.
    fn declarations(&self, t: i64) -> Vec<Datom> {
        let m = self.rescue;
        let of = |(e, (name, kind, doc)): (i64, (&str, ValueType, &str))| {
            let facts = [
                (attribute::IDENT, Value::keyword(&format!("rescue/{name}"))),
                (attribute::VALUE_TYPE, Value::Ref(ident::TYPE_BASE + kind as i64)),
                (attribute::CARDINALITY, Value::Ref(ident::CARDINALITY_ONE)),
                (attribute::DOC, Value::from(doc)),
            ];
            facts.map(|(a, v)| Datom { e, a, v, t, added: true, m })
        };
        (self.first..).zip(VOCABULARY).flat_map(of).collect()
    }
}
