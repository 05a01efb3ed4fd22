//! The life of a fact: when it was added, and when, if ever, it was retracted.

use annals_query::Value;

use crate::datom::Datom;

/// The t of an end that has not come.
pub(crate) const OPEN: i64 = i64::MAX;

/// A fact of one attribute from its addition to its retraction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    /// Entity.
    pub(crate) e: i64,
    /// Value, as stored.
    pub(crate) v: Value,
    /// The transaction that added it.
    pub(crate) t_added: i64,
    /// Why it was added.
    pub(crate) m_added: i64,
    /// The transaction that retracted it; [`OPEN`] while it holds.
    pub(crate) t_retracted: i64,
    /// Why it was retracted.
    pub(crate) m_retracted: i64,
}

impl Life {
    /// A life that begins with this datom.
    pub(crate) fn begun_by(datom: &Datom) -> Self {
        let Datom { e, ref v, t, m, .. } = *datom;
        Self { e, v: v.clone(), t_added: t, m_added: m, t_retracted: OPEN, m_retracted: 0 }
    }

    /// The life as it was known at `t`; `None` if it had not begun.
    pub(crate) fn known_at(mut self, t: i64) -> Option<Self> {
        if self.t_retracted > t {
            (self.t_retracted, self.m_retracted) = (OPEN, 0);
        }
        (self.t_added <= t).then_some(self)
    }

    /// The datom that added the fact.
    pub(crate) fn addition(&self, attribute: i64) -> Datom {
        Datom { e: self.e, a: attribute, v: self.v.clone(), t: self.t_added, added: true, m: self.m_added }
    }

    /// The datom that retracted it, if it was.
    pub(crate) fn retraction(&self, attribute: i64) -> Option<Datom> {
        let is_over = self.t_retracted != OPEN;
        is_over.then(|| Datom {
            e: self.e,
            a: attribute,
            v: self.v.clone(),
            t: self.t_retracted,
            added: false,
            m: self.m_retracted,
        })
    }
}

/// The lives that follow from lives known before and later events, both of one attribute and ascending by e, v and t.
///
/// A log alternates: a fact is added only while it does not hold, and retracted only while it holds. What breaks this is passed
/// over, so that a damaged file gives an answer and not a crash; `verify` names it.
pub(crate) fn continued<'a>(known: impl IntoIterator<Item = Life>, events: impl IntoIterator<Item = &'a Datom>) -> Vec<Life> {
    let mut lives: Vec<Life> = Vec::new();
    let mut known = known.into_iter().peekable();
    for event in events {
        while let Some(life) = known.next_if(|life| (life.e, &life.v) <= (event.e, &event.v)) {
            lives.push(life);
        }
        let current = lives.last_mut().filter(|life| life.t_retracted == OPEN && life.e == event.e && life.v == event.v);
        match (current, event.added) {
            (None, true) => lives.push(Life::begun_by(event)),
            (Some(life), false) => (life.t_retracted, life.m_retracted) = (event.t, event.m),
            (None, false) | (Some(_), true) => {}
        }
    }
    lives.extend(known);
    lives
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(e: i64, v: i64, t: i64, added: bool) -> Datom {
        Datom { e, a: 1, v: Value::Long(v), t, added, m: t * 10 }
    }

    #[track_caller]
    fn check(known: &[Datom], events: &[Datom], expected: &[(i64, i64, i64, i64)]) {
        let lives = continued(continued([], known), events);
        let ends: Vec<_> =
            lives.iter().map(|life| (life.e, life.v.as_long().expect("longs"), life.t_added, life.t_retracted)).collect();
        assert_eq!(ends, expected);
    }

    #[test]
    fn later_events_end_and_begin_lives() {
        let known = [event(1, 5, 1, true), event(2, 5, 1, true)];
        check(&known, &[], &[(1, 5, 1, OPEN), (2, 5, 1, OPEN)]);
        check(&known, &[event(1, 5, 2, false)], &[(1, 5, 1, 2), (2, 5, 1, OPEN)]);
        let again = [event(1, 5, 2, false), event(1, 5, 3, true)];
        check(&known, &again, &[(1, 5, 1, 2), (1, 5, 3, OPEN), (2, 5, 1, OPEN)]);
        check(
            &known,
            &[event(0, 9, 2, true), event(2, 4, 2, true)],
            &[(0, 9, 2, OPEN), (1, 5, 1, OPEN), (2, 4, 2, OPEN), (2, 5, 1, OPEN)],
        );
    }

    #[test]
    fn a_log_that_does_not_alternate_gives_an_answer() {
        check(&[event(1, 5, 1, true)], &[event(1, 5, 2, true), event(1, 6, 2, false)], &[(1, 5, 1, OPEN)]);
    }

    #[test]
    fn a_life_is_known_as_far_as_the_moment_reaches() {
        let life = &continued([], &[event(1, 5, 2, true), event(1, 5, 4, false)])[0];
        assert_eq!(life.clone().known_at(1), None);
        assert_eq!(life.clone().known_at(3).map(|life| life.t_retracted), Some(OPEN));
        assert_eq!(life.clone().known_at(4).map(|life| life.t_retracted), Some(4));
    }
}
