//! The small way: a question that looks at a handful of facts is answered fact by fact.
//!
//! Planning and running by columns costs microseconds before the first fact is looked at, which is nothing for a thousand rows and too much
//! for one. So a query whose clauses lead from what is given to one fact after the other is made a [form](form::Form) once: names resolved,
//! clauses in an order in which each is looked up by its entity or by a value. A form is walked row by row. The walk gives the answer that
//! the ordinary way gives, or none at all: it is bounded, and whatever it does not know ends it. Then the question is asked the ordinary
//! way, as if nothing had been; and where that happens again and again the small way is tried more and more seldom.

mod answer;
mod compile;
mod form;
mod order;
mod walk;

use std::sync::{Arc, Mutex, PoisonError};

use crate::answer::Given;
use crate::ast::{Input, Query, SourceName};
use crate::budget::Budget;
use crate::check::Checked;
use crate::engine::Options;
use crate::table::Table;
use crate::tuning::Way;

use self::form::{Form, LIMIT_SOURCES};
use self::walk::Looked;

/// Facts and steps after which columns serve better.
const LIMIT_WORK: usize = 192;

/// The same where everything is to be tried.
const LIMIT_WORK_FORCED: usize = 100_000;

/// More bytes than so many rows take.
const LIMIT_BYTES: u64 = 1 << 20;

/// How often at most the small way is passed over before it is tried again.
const LIMIT_PASSED_OVER: u32 = 256;

/// The form of a query that is asked again, and how it did.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    form: Option<Arc<Form>>,
    /// How often in a row there was no answer this way.
    failed: u32,
    /// How often it is to be passed over.
    pass_over: u32,
}

impl Memory {
    /// The form for such sources; `Err` if the small way is not to be tried now, `Ok(None)` if there is no form yet.
    fn form(&self, sources: &Looked<'_>) -> Result<Option<Arc<Form>>, ()> {
        let mut known = self.known();
        if known.pass_over > 0 {
            known.pass_over -= 1;
            return Err(());
        }
        let is_for = |form: &Form| {
            sources.iter().zip(&form.stamps).all(|(facts, stamp)| match facts {
                Some(facts) => stamp.is_some() && facts.stamp() == *stamp,
                None => stamp.is_none(),
            })
        };
        Ok(known.form.as_ref().filter(|form| is_for(form)).map(Arc::clone))
    }

    fn keep(&self, form: &Arc<Form>) {
        self.known().form = Some(Arc::clone(form));
    }

    fn note(&self, is_answered: bool) {
        let mut known = self.known();
        if is_answered {
            known.failed = 0;
        } else {
            // It may have been made when little was known of the attributes.
            known.form = None;
            known.failed += 1;
            known.pass_over = 1_u32.checked_shl(known.failed).unwrap_or(u32::MAX).min(LIMIT_PASSED_OVER);
        }
    }

    /// Also after a panic elsewhere: there is nothing that could be half known.
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer, if the question is small.
pub(crate) fn table(
    checked: &Checked,
    memory: Option<&Memory>,
    given: &[Given],
    options: &Options,
    budget: &Budget,
) -> Option<Table> {
    let query = checked.query();
    let is_forced = options.tuning.small == Way::Always;
    let work = if is_forced { LIMIT_WORK_FORCED } else { LIMIT_WORK };
    if options.tuning.small == Way::Never || query.inputs.len() != given.len() || !budget.allows(work, LIMIT_BYTES) {
        return None;
    }
    let asked = Asked::of(query, given)?;
    let memory = memory.filter(|_| !is_forced);
    let known = match memory.map(|memory| memory.form(&asked.sources)) {
        Some(Err(())) => return None,
        Some(Ok(known)) => known,
        None => None,
    };
    let answered = || {
        let form = match known {
            Some(form) => form,
            None => asked.form(checked, options, is_forced, memory, budget)?,
        };
        let values = |place: usize| match given.get(place) {
            Some(Given::Value(value)) => Some(value),
            _ => None,
        };
        let rows = walk::rows(&form, &asked.sources, &values, work, budget)?;
        answer::table(&form, query, rows, || answer::sources_of(query, given), &options.functions, budget).ok()
    };
    let answer = answered();
    if let Some(memory) = memory {
        memory.note(answer.is_some());
    }
    answer
}

/// Where a query is asked.
struct Asked<'a> {
    names: [Option<&'a SourceName>; LIMIT_SOURCES],
    sources: Looked<'a>,
}

impl<'a> Asked<'a> {
    /// The sources, if they are few, and values of one moment.
    fn of(query: &'a Query, given: &'a [Given]) -> Option<Self> {
        let mut asked = Self { names: [None; LIMIT_SOURCES], sources: [None; LIMIT_SOURCES] };
        let mut count = 0;
        for (input, given) in query.inputs.iter().zip(given) {
            match (input, given) {
                (Input::Source(name, _), Given::Facts(facts)) if count < LIMIT_SOURCES && !facts.is_history() => {
                    asked.names[count] = Some(name);
                    asked.sources[count] = Some(&**facts);
                    count += 1;
                }
                (Input::Rules(_), Given::Rules(_)) | (Input::Binding(_), Given::Value(_)) => {}
                _ => return None,
            }
        }
        Some(asked)
    }

    fn form(
        &self,
        checked: &Checked,
        options: &Options,
        is_forced: bool,
        memory: Option<&Memory>,
        budget: &Budget,
    ) -> Option<Arc<Form>> {
        let form = compile::form(checked, &self.names, &self.sources, &options.functions, is_forced, budget)?;
        let form = Arc::new(form);
        if let Some(memory) = memory {
            memory.keep(&form);
        }
        Some(form)
    }
}
