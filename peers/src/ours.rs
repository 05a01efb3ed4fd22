//! Annals' own answers, through a store on the disk.

use annals::store::Durability;
use annals::{Connection, Db, Options, Value, query::edn};
use tempfile::TempDir;

use crate::dialect::{Dialect, declarations};
use crate::peer::Said;
use crate::plain::{Plain, Reading};
use crate::random::{Program, View, World};

/// A store that holds a world.
pub struct Ours {
    db: Db,
    _connection: Connection,
    _folder: TempDir,
}

impl Ours {
    /// A new store with the facts of a world.
    pub fn new(world: &World) -> Result<Self, String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let open = || -> annals::Result<(Connection, Db)> {
            let options = Options { durability: Durability::Normal, ..Options::default() };
            let connection = Connection::open_with(folder.path().join("annals.db"), options)?;
            connection.transact(&declarations())?;
            for transaction in &world.transactions {
                connection.transact(&Dialect::Annals.write(transaction))?;
            }
            let db = connection.db()?;
            Ok((connection, db))
        };
        let (connection, db) = open().map_err(|error| error.to_string())?;
        Ok(Self { db, _connection: connection, _folder: folder })
    }

    /// The answer to a program.
    pub fn ask(&self, program: &Program, reading: Reading) -> Said {
        self.ask_as(program, program.shape, reading)
    }

    /// The answer with the find specification in another shape.
    pub fn ask_as(&self, program: &Program, shape: &str, reading: Reading) -> Said {
        let answer = match &program.pull {
            Some((pattern, entity)) => self.pull(program, pattern, entity).map(|value| Plain::of_value(&value, reading, true)),
            None => self.query(program, shape).map(|value| Plain::of_value(&value, reading, false).of_shape(shape)),
        };
        answer.map_or_else(Said::Refused, Said::Answer)
    }

    fn seen(&self, program: &Program) -> Result<Db, String> {
        let seen = match program.view {
            View::Now => Ok(self.db.clone()),
            View::AsOf(t) => self.db.as_of(t as i64),
            View::Since(t) => self.db.since(t as i64),
            View::History => Ok(self.db.history()),
        };
        seen.map_err(|error| error.to_string())
    }

    fn pull(&self, program: &Program, pattern: &str, entity: &str) -> Result<Value, String> {
        let entity = edn::read(&Dialect::Annals.write(entity)).map_err(|error| error.to_string())?;
        let entity = annals::EntityRef::try_from(&entity).map_err(|error| error.to_string())?;
        self.seen(program)?.pull(&Dialect::Annals.write(pattern), entity).map_err(|error| error.to_string())
    }

    fn query(&self, program: &Program, shape: &str) -> Result<Value, String> {
        let mut inputs: Vec<annals::Input> = Vec::new();
        if !program.rules.is_empty() {
            inputs.push(Dialect::Annals.write(&program.rules_text()).as_str().into());
        }
        for (_, given) in &program.inputs {
            inputs.push(edn::read(&Dialect::Annals.write(given)).map_err(|error| error.to_string())?.into());
        }
        let query = Dialect::Annals.write(&program.query_as(shape));
        let answer = self.seen(program)?.q(&query, &inputs).map_err(|error| error.to_string())?;
        edn::read(&answer.to_edn()).map_err(|error| error.to_string())
    }
}
