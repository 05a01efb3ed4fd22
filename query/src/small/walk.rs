//! Walks through the steps row by row. Whatever is unusual ends the walk without an answer, and the question is asked as any other is: a
//! function that fails, numbers of several kinds that meet, more facts than a handful.

use super::form::{FactStep, Form, GetStep, LIMIT_SOURCES, NOWHERE, Nowhere, Of, Start, Step, Term};
use crate::budget::Budget;
use crate::facts::{Facts, Found, Point};
use crate::function::AnyFunction;
use crate::plan::resolve::lookup_reference;
use crate::plan::slot::Slot;
use crate::run::gather::reference_as_long;
use crate::value::{Value, ValueType};

/// Where the question looks.
pub(super) type Looked<'a> = [Option<&'a dyn Facts>; LIMIT_SOURCES];

/// Why a walk ends early.
#[derive(Debug)]
enum Stop {
    /// It is not for the small way.
    GivenUp,
    /// A row was found where one is enough.
    Found,
}

type Walked = Result<(), Stop>;

/// What comes behind some steps.
#[derive(Clone, Copy)]
enum Next<'w> {
    Row,
    Found,
    Steps(&'w Rest<'w>),
}

#[derive(Clone, Copy)]
struct Rest<'w> {
    steps: &'w [Step],
    next: Next<'w>,
}

struct Walk<'w> {
    sources: &'w Looked<'w>,
    budget: &'w Budget,
    output: &'w [Slot],
    /// The value of each variable, nil where it has none.
    slots: Vec<Value>,
    /// Facts found and not looked at yet, those of the innermost step last.
    found: Vec<Found>,
    args: Vec<Value>,
    /// How much more may be looked at.
    left: usize,
    rows: Vec<Value>,
}

/// The values of the output's variables, row by row, not told apart yet; nothing if the question is not for the small way.
pub(super) fn rows<'g>(
    form: &Form,
    sources: &Looked<'_>,
    given: &dyn Fn(usize) -> Option<&'g Value>,
    work: usize,
    budget: &Budget,
) -> Option<Vec<Value>> {
    let mut slots = vec![Value::Nil; form.slots as usize];
    for start in &form.starts {
        let value = start.constant.as_ref().or_else(|| given(start.place))?;
        slots[start.slot as usize] = match (started(start, value, sources).ok()?, start.nowhere) {
            (Some(value), _) => value,
            (None, Nowhere::Query) => return Some(Vec::new()),
            (None, Nowhere::Pattern) => NOWHERE,
            (None, Nowhere::Block) => return None,
        };
    }
    let (found, args) = (Vec::with_capacity(4), Vec::new());
    let rows = Vec::with_capacity(form.output.len());
    let mut walk = Walk { sources, budget, output: &form.output, slots, found, args, left: work, rows };
    walk.go(Rest { steps: &form.steps, next: Next::Row }).ok()?;
    budget.spend_steps((work - walk.left) as u64).ok()?;
    Some(walk.rows)
}

/// The value with which a variable starts: names and lookup references as entities where it stands for one. Nothing for what leads nowhere.
fn started(start: &Start, value: &Value, sources: &Looked<'_>) -> Result<Option<Value>, Stop> {
    let is_name = start.uses != 0 && (matches!(value, Value::Keyword(_)) || lookup_reference(value).is_some());
    if !is_name {
        return if matches!(value, Value::Nil) { Err(Stop::GivenUp) } else { Ok(Some(reference_as_long(value.clone()))) };
    }
    let mut entity = None;
    for facts in sources.iter().enumerate().filter(|(at, _)| start.uses & 1 << at != 0).filter_map(|(_, facts)| *facts) {
        match entity_of(value, facts)? {
            Some(found) if entity.is_none_or(|known| known == found) => entity = Some(found),
            _ => return Ok(None),
        }
    }
    Ok(Some(entity.map_or_else(|| value.clone(), Value::Long)))
}

fn entity_of(name: &Value, facts: &dyn Facts) -> Result<Option<i64>, Stop> {
    if let Value::Keyword(ident) = name {
        return facts.entity_by_ident(ident).map_err(|_| Stop::GivenUp);
    }
    let (ident, key) = lookup_reference(name).ok_or(Stop::GivenUp)?;
    let attribute = facts.attribute(ident).filter(|attribute| attribute.unique.is_some()).ok_or(Stop::GivenUp)?;
    if attribute.value_type == Some(ValueType::Ref) {
        return Err(Stop::GivenUp);
    }
    facts.lookup(&attribute, key).map_err(|_| Stop::GivenUp)
}

/// True if values that are the same as this one are this one, or come behind it in the total order.
fn is_least(value: &Value) -> bool {
    matches!(
        value,
        Value::Long(_)
            | Value::String(_)
            | Value::Keyword(_)
            | Value::Instant(_)
            | Value::Boolean(_)
            | Value::Uuid(_)
            | Value::Symbol(_)
            | Value::Uri(_)
            | Value::Bytes(_)
            | Value::Char(_)
    )
}

impl Walk<'_> {
    fn go(&mut self, rest: Rest<'_>) -> Walked {
        let Some((step, steps)) = rest.steps.split_first() else {
            return match rest.next {
                Next::Steps(rest) => self.go(*rest),
                Next::Found => Err(Stop::Found),
                Next::Row => self.row(),
            };
        };
        self.spend(1)?;
        let rest = Rest { steps, next: rest.next };
        match step {
            Step::Fact(fact) => self.facts(fact, rest),
            Step::Test(function, args) => {
                if self.called(function, args)?.is_truthy() {
                    self.go(rest)
                } else {
                    Ok(())
                }
            }
            Step::Call(function, args, slot) => {
                let value = self.called(function, args)?;
                self.bound(*slot, value, rest)
            }
            Step::Get(get) => self.got(get, rest),
            Step::Missing(of) => {
                let count = self.looked(of)?;
                if count == 0 { self.go(rest) } else { Ok(()) }
            }
            Step::Absent { steps, .. } => match self.go(Rest { steps, next: Next::Found }) {
                Ok(()) => self.go(rest),
                Err(Stop::Found) => Ok(()),
                unusual => unusual,
            },
            Step::Either { branches, .. } => {
                branches.iter().try_for_each(|steps| self.go(Rest { steps, next: Next::Steps(&rest) }))
            }
        }
    }

    fn spend(&mut self, work: usize) -> Walked {
        self.left = self.left.checked_sub(work).ok_or(Stop::GivenUp)?;
        Ok(())
    }

    fn row(&mut self) -> Walked {
        for slot in self.output {
            let value = &self.slots[*slot as usize];
            if matches!(value, Value::Nil) {
                return Err(Stop::GivenUp);
            }
            self.rows.push(value.clone());
        }
        Ok(())
    }

    /// Each fact that fits.
    fn facts(&mut self, fact: &FactStep, rest: Rest<'_>) -> Walked {
        if !self.is_entity(&fact.of)? {
            return Ok(());
        }
        let wanted = match &fact.value {
            Term::Any => None,
            Term::Constant(value) => Some(value.clone()),
            Term::Slot(slot) => match &self.slots[*slot as usize] {
                Value::Nil => None,
                value if is_least(value) => Some(value.clone()),
                _ => return Err(Stop::GivenUp),
            },
        };
        let start = self.found.len();
        let count = self.look(&fact.of, wanted.as_ref(), start)?;
        self.spend(count)?;
        let entity = self.open(if let Term::Slot(slot) = fact.of.entity { Some(slot) } else { None });
        let value = self.open(if let (Term::Slot(slot), None) = (&fact.value, &wanted) { Some(*slot) } else { None });
        let t = self.open(fact.t);
        // Of values of one entity that are the same the least would have to be chosen.
        if value.is_some() && count > 1 && !self.found[start..].iter().all(|found| is_least(&found.v)) {
            return Err(Stop::GivenUp);
        }
        let mut walked = Ok(());
        for at in start..start + count {
            let found = std::mem::take(&mut self.found[at]);
            walked = self.fits(fact, found, [entity, value, t]).and_then(|fits| if fits { self.go(rest) } else { Ok(()) });
            for slot in [entity, value, t].into_iter().flatten() {
                self.slots[slot as usize] = Value::Nil;
            }
            if walked.is_err() {
                break;
            }
        }
        self.found.truncate(start);
        walked
    }

    /// The variable, if it has no value yet.
    fn open(&self, slot: Option<Slot>) -> Option<Slot> {
        slot.filter(|slot| matches!(self.slots[*slot as usize], Value::Nil))
    }

    /// Binds what a fact binds; false if a variable has another value already.
    fn fits(&mut self, fact: &FactStep, found: Found, [entity, value, t]: [Option<Slot>; 3]) -> Result<bool, Stop> {
        let Found { e, v, t: said } = found;
        if let Some(slot) = entity {
            self.slots[slot as usize] = Value::Long(e);
        }
        // One variable may stand in several places.
        if let Some(slot) = value
            && !self.unified(slot, v)?
        {
            return Ok(false);
        }
        match t.or(fact.t) {
            Some(slot) => self.unified(slot, Value::Long(said)),
            None => Ok(true),
        }
    }

    /// Binds a variable; false if it has another value already.
    fn unified(&mut self, slot: Slot, value: Value) -> Result<bool, Stop> {
        let known = &mut self.slots[slot as usize];
        if matches!(known, Value::Nil) {
            *known = value;
            return Ok(true);
        }
        if is_least(known) && is_least(&value) { Ok(*known == value) } else { Err(Stop::GivenUp) }
    }

    /// False if what stands in the place of the entity is none.
    fn is_entity(&self, of: &Of) -> Result<bool, Stop> {
        match self.value_of(&of.entity) {
            Value::Nil | Value::Long(_) => Ok(true),
            value if is_least(value) => Ok(false),
            _ => Err(Stop::GivenUp),
        }
    }

    fn value_of<'v>(&'v self, term: &'v Term) -> &'v Value {
        match term {
            Term::Any => &Value::Nil,
            Term::Slot(slot) => &self.slots[*slot as usize],
            Term::Constant(value) => value,
        }
    }

    /// Looks facts up, and says how many there are behind `start`.
    fn look(&mut self, of: &Of, value: Option<&Value>, start: usize) -> Result<usize, Stop> {
        let facts = self.sources[of.source].ok_or(Stop::GivenUp)?;
        let point = Point { attribute: of.attribute.id, entity: self.value_of(&of.entity).as_long(), value, limit: self.left };
        match facts.points(&point, self.budget, &mut self.found) {
            Ok(true) => {
                self.found[start..].iter_mut().for_each(|found| found.v = reference_as_long(std::mem::take(&mut found.v)));
                Ok(self.found.len() - start)
            }
            Ok(false) | Err(_) => Err(Stop::GivenUp),
        }
    }

    fn called(&mut self, function: &AnyFunction, args: &[Term]) -> Result<Value, Stop> {
        let mut values = std::mem::take(&mut self.args);
        values.extend(args.iter().map(|term| self.value_of(term).clone()));
        let result = function.call(&values);
        values.clear();
        self.args = values;
        result.map_err(|_| Stop::GivenUp)
    }

    /// Goes on with what a function gave.
    fn bound(&mut self, slot: Slot, value: Value, rest: Rest<'_>) -> Walked {
        let value = reference_as_long(value);
        if matches!(value, Value::Nil) {
            return Ok(());
        }
        let open = self.open(Some(slot));
        let walked = self.unified(slot, value).and_then(|fits| if fits { self.go(rest) } else { Ok(()) });
        if let Some(slot) = open {
            self.slots[slot as usize] = Value::Nil;
        }
        walked
    }

    /// `get-else`.
    fn got(&mut self, get: &GetStep, rest: Rest<'_>) -> Walked {
        let start = self.found.len();
        let value = match self.look_of_id(&get.of, start)? {
            0 => get.default.clone(),
            1 => std::mem::take(&mut self.found[start].v),
            _ => return Err(Stop::GivenUp),
        };
        self.found.truncate(start);
        self.bound(get.slot, value, rest)
    }

    /// How many facts there are.
    fn looked(&mut self, of: &Of) -> Result<usize, Stop> {
        let start = self.found.len();
        let count = self.look_of_id(of, start)?;
        self.found.truncate(start);
        Ok(count)
    }

    /// Looks facts up of an entity that is known by its id: of any other the ordinary way knows what to say.
    fn look_of_id(&mut self, of: &Of, start: usize) -> Result<usize, Stop> {
        match self.value_of(&of.entity) {
            Value::Long(_) => self.look(of, None, start),
            _ => Err(Stop::GivenUp),
        }
    }
}
