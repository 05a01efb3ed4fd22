//! Points of a snapshot: what is known of one attribute of one entity, or who has one value. In memory, or read from the store by itself.

use annals_query::{Budget, Found, Point, Scan, Values};

use super::snapshot::Snapshot;
use crate::error::Result;
use crate::index::lately::{Of, Place, add_shown};
use crate::index::{Life, Window};
use crate::schema::attribute;

/// Reading what one entity has takes about as long as so many steps of a loop over columns.
const STEPS_PER_ENTITY: u64 = 512;

impl Snapshot {
    /// Adds the facts of a point that a window shows, if columns that know everything are in memory, in the order that it takes; false if
    /// they are more than its limit.
    pub(crate) fn points_held(&self, point: &Point<'_>, window: Window, found: &mut Vec<Found>) -> Option<bool> {
        self.index().with_fresh(point.attribute, self.stored_t(), |cached| {
            let is_own = self.shows_as_is(&cached.lives);
            let scan = scan_of(point);
            let is_ready = point.entity.is_some() || (point.value.is_some() && cached.lives.is_sorted_by_value());
            if !is_ready {
                return None;
            }
            let later = self.later(point.attribute, &scan, &cached.tail);
            if is_own && later.is_empty() {
                return Some(cached.lives.points(&scan, window, point.limit, found));
            }
            let lives = self.picked(&scan, cached, later)?;
            let shown = lives.into_iter().filter(|life| window.holds_life(life.t_added, life.t_retracted));
            let before = found.len();
            found.extend(shown.map(|life| Found { e: life.e, v: life.v, t: life.t_added }));
            Some(found.len() - before <= point.limit)
        })?
    }

    /// The same for what lies in the store alone: read from there, and kept for those who ask again. Nothing where columns are there, or serve
    /// better from now on.
    pub(crate) fn points_read(
        &self,
        point: &Point<'_>,
        window: Window,
        budget: &Budget,
        found: &mut Vec<Found>,
    ) -> Result<Option<bool>> {
        let (index, attribute) = (self.index(), point.attribute);
        let Some(place) = self.place_of(point, window).filter(|_| !index.has(attribute)) else { return Ok(None) };
        let before = found.len();
        let are_few = |found: &Vec<Found>| Some(found.len() - before <= point.limit);
        if index.lately().find(&place, window, point.value, found).is_some() {
            return Ok(are_few(found));
        }
        if index.deserves_columns(attribute, self.stored_t())? {
            index.column(attribute, self.stored_t(), budget)?;
            return Ok(None);
        }
        let Some(lives) = self.read_points(attribute, &scan_of_all(point), window, budget)? else { return Ok(None) };
        let all = Window::ALL.with_until(place.until);
        let known: Vec<Found> = lives
            .into_iter()
            .filter(|life| all.holds_life(life.t_added, life.t_retracted))
            .map(|life| Found { e: life.e, v: life.v, t: life.t_added })
            .collect();
        add_shown(&known, window, point.value, found);
        index.lately().keep(place, &known);
        Ok(are_few(found))
    }

    /// Where a point is kept that the store alone knows; nothing if it is no point, or others know of it too.
    fn place_of(&self, point: &Point<'_>, window: Window) -> Option<Place> {
        let attribute = point.attribute;
        let of = match (point.entity, point.value) {
            (Some(entity), _) => Of::Entity(entity),
            (None, Some(value)) => Of::Value(self.exact(attribute, value)?),
            (None, None) => return None,
        };
        let is_stored = self.novelty().attribute(attribute).is_none() && !window.is_history;
        is_stored.then(|| Place { attribute, of, until: self.stored_t().min(window.until) })
    }

    /// What the scan selects, read from the store, if that is little.
    pub(super) fn read_points(
        &self,
        attribute: i64,
        scan: &Scan<'_>,
        window: Window,
        budget: &Budget,
    ) -> Result<Option<Vec<Life>>> {
        let (points, lives) = match (scan.entities, &scan.values) {
            (Some(entities), _) if self.index().are_few(entities.len(), attribute, self.stored_t())? => {
                let mut lives = Vec::new();
                for &entity in entities {
                    budget.spend_steps(STEPS_PER_ENTITY)?;
                    lives.extend(self.lives_read(entity, attribute, window)?);
                }
                (entities.len(), lives)
            }
            (_, Values::Equal(wanted)) => match self.exact(attribute, wanted) {
                Some(exact) => (1, self.lives_of_value(attribute, &exact)?),
                None => return Ok(None),
            },
            (_, Values::Among(wanted)) if wanted.len() <= self.index().tuning().point_reads => {
                let mut lives = Vec::new();
                for wanted in *wanted {
                    let Some(exact) = self.exact(attribute, wanted) else { return Ok(None) };
                    budget.spend_steps(STEPS_PER_ENTITY)?;
                    lives.extend(self.lives_of_value(attribute, &exact)?);
                }
                lives.sort_by(|a, b| a.e.cmp(&b.e).then_with(|| a.v.cmp(&b.v)).then(a.t_added.cmp(&b.t_added)));
                (wanted.len(), lives)
            }
            _ => return Ok(None),
        };
        self.index().points_read(attribute, points, lives.len());
        Ok(Some(lives))
    }

    /// What a window shows of an attribute of an entity, and perhaps more. Where one value holds at a time, however often it was replaced,
    /// it is the one that was added last, if nothing was retracted since.
    fn lives_read(&self, entity: i64, attribute: i64, window: Window) -> Result<Vec<Life>> {
        let is_single = self.schema().declaration(attribute).is_some_and(|declaration| declaration.is_always_single);
        let is_stored = self.novelty().attribute(attribute).is_none() && attribute != attribute::TX_INSTANT;
        if is_single && is_stored && !window.is_history {
            match self.index().store().last_datom_until(entity, attribute, self.stored_t().min(window.until))? {
                Some(last) if last.added => return Ok(vec![Life::begun_by(&last)]),
                None => return Ok(Vec::new()),
                Some(_) => {}
            }
        }
        self.lives_of(entity, attribute)
    }
}

fn scan_of<'p>(point: &'p Point<'_>) -> Scan<'p> {
    Scan {
        attribute: Some(point.attribute),
        entities: point.entity.as_ref().map(std::slice::from_ref),
        values: point.value.map_or(Values::Any, Values::Equal),
        ..Scan::default()
    }
}

/// All that is kept of a point: what an entity has, whichever value is wanted. Who has the value would be read instead, where no entity is
/// to be read by itself.
fn scan_of_all<'p>(point: &'p Point<'_>) -> Scan<'p> {
    let scan = scan_of(point);
    if point.entity.is_some() { Scan { values: Values::Any, ..scan } } else { scan }
}

#[cfg(test)]
mod tests {
    //! The promise: a point that was read once is found in memory by those who ask the same of the same moment, and by nobody else. What is kept
    //! is replaced by a lie, so that whoever was told it is found out.

    use annals_query::Value;

    use crate::{Connection, Db, Input, Options, Tuning};

    fn connection(folder: &tempfile::TempDir, cache_bytes: u64) -> Connection {
        let tuning = Tuning { eager_datoms: 0, cache_bytes, ..Tuning::default() };
        let options = Options { tuning, ..Options::default() };
        let connection = Connection::open_with(folder.path().join("annals.db"), options).expect("a store");
        let declared = "[{:db/ident :k/id :db/valueType :db.type/string :db/unique :db.unique/identity}
                         {:db/ident :k/v :db/valueType :db.type/string}]";
        connection.transact(declared).expect("declarations");
        connection.transact(r#"[{:k/id "a" :k/v "true"}]"#).expect("a fact");
        connection
    }

    fn asked(db: &Db) -> String {
        let inputs: [Input; 1] = ["a".into()];
        db.q("[:find ?v . :in $ ?id :where [?e :k/id ?id] [?e :k/v ?v]]", &inputs).expect("an answer").to_edn()
    }

    /// Asks, and replaces what was kept.
    fn lie(db: &Db) {
        assert_eq!(asked(db), r#""true""#);
        db.snapshot.index().lately().replace_each(|found| {
            if found.v == Value::from("true") {
                found.v = "kept".into();
            }
        });
    }

    #[test]
    fn a_point_that_was_read_is_found_in_memory_by_those_who_ask_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = connection(&folder, 1 << 30);
        let db = connection.db().expect("a value");
        lie(&db);
        assert_eq!(asked(&db), r#""kept""#);
        assert_eq!(asked(&db.as_of(db.basis_t()).expect("a moment")), r#""kept""#, "it is the same moment");
        let with = db.with("[{:k/id \"a\" :k/v \"with\"}]").expect("it may be said").db_after;
        let others = [(db.filter(|_| true), r#""true""#), (with, r#""with""#)];
        for (other, expected) in others {
            assert_eq!(asked(&other), expected);
        }
        assert_eq!(asked(&db.as_of(1).expect("a moment")), "nil");
        assert_eq!(asked(&db.since(db.basis_t()).expect("a moment")), "nil");
        connection.transact(r#"[{:k/id "b" :k/v "other"}]"#).expect("a fact");
        assert_eq!(asked(&connection.db().expect("a value")), r#""true""#, "it is another moment");
        assert_eq!(asked(&db), r#""kept""#);
    }

    #[test]
    fn a_cache_of_no_bytes_keeps_no_points() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = connection(&folder, 0).db().expect("a value");
        lie(&db);
        assert_eq!(asked(&db), r#""true""#);
    }

    #[test]
    fn a_value_that_another_entity_has_is_none_of_the_one_that_is_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        // No entity is to be read by itself: whoever has a value is found by the index of values.
        let tuning = Tuning { eager_datoms: 0, point_reads: 0, point_share: 1, ..Tuning::default() };
        let options = Options { tuning, ..Options::default() };
        let connection = Connection::open_with(folder.path().join("annals.db"), options).expect("a store");
        let declared = "[{:db/ident :k/id :db/valueType :db.type/string :db/unique :db.unique/identity}
                         {:db/ident :k/v :db/valueType :db.type/string :db/index true}]";
        connection.transact(declared).expect("declarations");
        connection.transact(r#"[{:k/id "a" :k/v "x"} {:k/id "b" :k/v "y"}]"#).expect("facts");
        let db = connection.db().expect("a value");
        for (id, value, expected) in [("a", "y", "nil"), ("b", "y", "\"b\""), ("a", "x", "\"a\""), ("b", "x", "nil")] {
            let inputs: [Input; 2] = [id.into(), value.into()];
            let query = "[:find ?id . :in $ ?id ?v :where [?e :k/id ?id] [?e :k/v ?v]]";
            assert_eq!(db.q(query, &inputs).expect("an answer").to_edn(), expected, "{id} {value}");
            let query = "[:find ?id . :in $ ?id ?v :where [?e :k/id ?id] (not [?e :k/v ?v])]";
            assert_eq!(db.q(query, &inputs).expect("an answer").to_edn() == "nil", expected != "nil", "not {id} {value}");
        }
    }
}
