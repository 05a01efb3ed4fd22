//! A random store, opened several times: which facts lie in columns, beside them or only in the file differs from one to the other, the
//! answers may not.

use std::path::PathBuf;
use std::sync::Arc;

use annals::query::{Answer, Error, Result, Value};
use annals::store::Durability;
use annals::{Connection, Datom, Db, ErrorKind, Input, Moment, Options, Tuning};
use tempfile::TempDir;

use crate::common::memory::{Keep, MemoryFacts, View};
use crate::common::random::setting::Setting;
use crate::common::random::shuffle::shuffled;
use crate::common::random::trial::Tried;
use crate::common::random::{Program, Random, Source};
use crate::fold;
use crate::told::{self, LOOKUPS, NAMES};

/// In how many ways a store is opened.
const HANDLES: usize = 3;

/// What a store is told, and what is asked of it meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    seed: u64,
    /// Each transaction as its forms.
    pub(crate) transactions: Vec<Vec<String>>,
    /// What might be: from which moment on, and what would be said.
    pub(crate) what_ifs: Vec<(Option<i64>, Vec<Vec<String>>)>,
}

/// A store with the values to ask, and the facts that must be in them.
pub(crate) struct Opened {
    pub(crate) worlds: Vec<Arc<MemoryFacts>>,
    /// For each handle its worlds.
    handles: Vec<Vec<Db>>,
    instants: Vec<i64>,
    /// Transactions that were refused.
    pub(crate) refused: usize,
    _folder: TempDir,
}

/// A random store, and what programs can speak of in it.
pub(crate) fn random(seed: u64) -> (Script, Opened, Setting) {
    let mut random = Random::new(seed ^ 0x000A_11CE);
    let entities: Arc<[i64]> = told::entities().into();
    random.about(&entities);
    let mut vocabulary = told::vocabulary(&mut random);
    // Each for itself, so that one that is refused takes no other along.
    let declarations = vocabulary.declarations.iter().map(|declaration| vec![declaration.clone()]);
    let mut script = Script { seed, transactions: declarations.collect(), what_ifs: Vec::new() };
    let count = random.between(8, 22) as usize;
    script.transactions.extend((0..count).map(|number| vocabulary.transaction(&mut random, number)));
    for _ in 0..random.below(3) {
        let last = script.transactions.len() as i64;
        let from = if random.percent(50) { None } else { Some(random.between(last - count as i64, last)) };
        let said = (0..random.between(1, 2)).map(|_| vocabulary.transaction(&mut random, 1)).collect();
        script.what_ifs.push((from, said));
    }
    let opened = script.open();
    let setting = Setting {
        fields: vocabulary.fields,
        worlds: opened.worlds.clone(),
        entities,
        transactions: (2, opened.instants.len() as i64),
        names: NAMES.map(str::to_owned).to_vec(),
        lookups: LOOKUPS.map(str::to_owned).to_vec(),
    };
    (script, opened, setting)
}

/// A folder in memory, where there is one: nothing here is about what a disk keeps.
fn folder() -> TempDir {
    let shared = PathBuf::from("/dev/shm");
    let made = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() };
    made.expect("a temporary folder")
}

fn tuning(random: &mut Random) -> Tuning {
    Tuning {
        tail_datoms: *random.choose(&[0, 3, 20, 4096]),
        rows_per_tail_datom: *random.choose(&[1, 4, 64]),
        eager_datoms: *random.choose(&[0, 100_000]),
        point_reads: *random.choose(&[0, 2, 64]),
        point_share: *random.choose(&[4, u64::MAX]),
        entity_reads: *random.choose(&[0, 3, 256]),
        rows_per_pick: *random.choose(&[1, 4, 32]),
        small_pick: *random.choose(&[0, 5, 1024]),
        cache_bytes: *random.choose(&[0, 4000, 1 << 30]),
        disk_datoms: *random.choose(&[0, 0, 100_000]),
        disk_tail_datoms: *random.choose(&[1, 10, 60]),
        disk_chunk_datoms: *random.choose(&[1, 40, 100_000]),
        disk_block_rows: *random.choose(&[1, 3, 8192]),
    }
}

impl Script {
    /// What is said, for a person.
    pub(crate) fn describe(&self) -> String {
        let mut lines: Vec<String> = self.transactions.iter().map(|forms| text(forms)).collect();
        for (number, (from, said)) in self.what_ifs.iter().enumerate() {
            lines.push(format!(
                "world {} from {from:?}: {}",
                number + 1,
                said.iter().map(|forms| text(forms)).collect::<Vec<_>>().join("\n")
            ));
        }
        lines.join("\n")
    }

    /// Tells a fresh store everything. A transaction that is refused says nothing, and takes no number.
    pub(crate) fn open(&self) -> Opened {
        let mut random = Random::new(self.seed ^ 0x0B0E);
        let folder = folder();
        let path = folder.path().join("annals.db");
        let open = |random: &mut Random| {
            let options = Options { durability: Durability::Normal, tuning: tuning(random), ..Options::default() };
            Connection::open_with(&path, options).expect("the store opens")
        };
        let mut connections = vec![open(&mut random)];
        let mut log: Vec<Datom> = Vec::new();
        connections[0]
            .store()
            .log(0, 1, None, |datom| {
                log.push(datom);
                Ok(())
            })
            .expect("a fresh store has one transaction");
        let mut refused = 0;
        let joins = random.below(self.transactions.len());
        for (number, forms) in self.transactions.iter().enumerate() {
            if number == joins {
                connections.push(open(&mut random));
            }
            match connections[random.below(connections.len())].transact(&text(forms)) {
                Ok(report) => log.extend(report.datoms),
                Err(_) => refused += 1,
            }
            for connection in &connections {
                if random.percent(20) {
                    warm(&connection.db().expect("the store can be read"), &mut random);
                }
            }
        }
        while connections.len() < HANDLES {
            connections.push(open(&mut random));
        }
        let instants = instants(&log);
        let mut worlds = vec![Arc::new(fold::facts(&log))];
        let mut handles: Vec<Vec<Db>> = connections.iter().map(|connection| vec![connection.db().expect("a value")]).collect();
        for (from, said) in &self.what_ifs {
            worlds.push(Arc::new(what_if(&log, *from, said, &mut handles)));
        }
        Opened { worlds, handles, instants, refused, _folder: folder }
    }
}

fn text(forms: &[String]) -> String {
    format!("[{}]", forms.join("\n "))
}

/// Reads some attributes, so that their columns are made at this moment.
fn warm(db: &Db, random: &mut Random) {
    let mut attributes: Vec<i64> = db.schema().declarations().map(|declaration| declaration.attribute.id).collect();
    attributes.sort_unstable();
    for _ in 0..4 {
        let attribute = *random.choose(&attributes);
        let query = *random.choose(&["[:find ?e :in $ ?a :where [?e ?a _]]", "[:find ?e ?v :in $ ?a :where [?e ?a ?v]]"]);
        db.q(query, &[Value::from(attribute).into()]).expect("a scan succeeds");
    }
}

/// The instant of each transaction, from the first.
fn instants(log: &[Datom]) -> Vec<i64> {
    let said = log.iter().filter(|datom| datom.added && datom.a == annals::schema::attribute::TX_INSTANT);
    said.filter_map(|datom| if let Value::Instant(at) = datom.v { Some(at) } else { None }).collect()
}

/// Adds one more world to every handle: what would be if this were said.
fn what_if(log: &[Datom], from: Option<i64>, said: &[Vec<String>], handles: &mut [Vec<Db>]) -> MemoryFacts {
    let (mut seen, mut schema) = (log.to_vec(), log.to_vec());
    if let Some(t) = from {
        seen.retain(|datom| datom.t <= t);
    }
    // What might be has an instant, which must be the same for every handle.
    let instant = instants(&seen).into_iter().max().unwrap_or(0);
    for (number, worlds) in handles.iter_mut().enumerate() {
        let mut db = match from {
            Some(t) => worlds[0].as_of(t).expect("a moment of the store"),
            None => worlds[0].clone(),
        };
        for (place, forms) in said.iter().enumerate() {
            let at = Value::Instant(instant + 1 + place as i64);
            let forms: Vec<String> =
                forms.iter().cloned().chain([format!("[:db/add \"datomic.tx\" :db/txInstant {at}]")]).collect();
            let Ok(report) = db.with(&text(&forms)) else { continue };
            if number == 0 {
                seen.extend(report.datoms.iter().cloned());
                schema.extend(report.datoms.iter().cloned());
            }
            db = report.db_after;
        }
        worlds.push(db);
    }
    fold::facts_of(&seen, &schema)
}

impl Opened {
    /// The value of a world at some time; the steps towards it are taken in any order, a moment is named in any way.
    fn view(&self, handle: usize, world: usize, view: View, random: &mut Random) -> annals::Result<Db> {
        let mut db = self.handles[handle][world].clone();
        let mut steps = [0, 1, 2, 3];
        random.shuffle(&mut steps);
        for step in steps {
            db = match (step, view) {
                (0, View { as_of: Some(t), .. }) => db.as_of(self.moment(t, world, random))?,
                (1, View { since: Some(t), .. }) => db.since(self.moment(t, world, random))?,
                (2, View { is_history: true, .. }) => db.history(),
                (3, View { keep, .. }) if keep != Keep::All => db.filter(move |datom| keep.keeps(datom.e, datom.t, datom.m)),
                _ => db,
            };
        }
        Ok(db)
    }

    /// A transaction by number, or by an instant that no later one has too.
    fn moment(&self, t: i64, world: usize, random: &mut Random) -> Moment {
        let at = |t: i64| self.instants.get(t as usize - 1).copied();
        match (at(t), at(t + 1)) {
            (Some(this), Some(next)) if this < next && world == 0 && random.percent(50) => {
                Moment::Instant(random.between(this, next - 1))
            }
            _ => Moment::T(t),
        }
    }

    fn answer(&self, program: &Program, handle: usize) -> annals::Result<Answer> {
        let mut random = Random::new(handle as u64 + program.clauses.len() as u64);
        let mut given: Vec<Input> = Vec::new();
        for (_, source) in &program.sources {
            given.push(match source {
                Source::View(world, view) => self.view(handle, *world, *view, &mut random)?.into(),
                Source::Rows(rows) => Value::vector(rows.iter().map(|row| Value::vector(row.iter().cloned()))).into(),
            });
        }
        if !program.rules.is_empty() {
            given.push(Value::from(program.rules_text()).into());
        }
        given.extend(program.inputs.iter().map(|(_, value)| Input::from(value.clone())));
        given.extend(program.patterns.iter().map(|(_, pattern)| Input::from(Value::from(pattern.as_str()))));
        let Input::Db(db) = given.remove(0) else { panic!("a program asks facts first") };
        db.q(&program.text(), &given)
    }
}

impl Tried for Opened {
    fn ways(&self) -> usize {
        HANDLES
    }

    fn name(&self, way: usize) -> String {
        ["the writer's handle", "another handle, clauses in another order", "a fresh handle, clauses in another order"][way]
            .to_owned()
    }

    fn ask(&self, program: &Program, way: usize) -> Result<Answer> {
        let program = if way == 0 { program.clone() } else { shuffled(program, way as u64) };
        self.answer(&program, way).map_err(|error| match error.kind() {
            ErrorKind::Query(code) => Error::new(code, error.message()),
            _ => Error::new(annals::query::Code::Source, error.message()),
        })
    }
}
