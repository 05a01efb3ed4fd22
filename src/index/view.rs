//! What a database value shows of the log: a window of time, and predicates over datoms.

use std::fmt;
use std::sync::Arc;

use super::window::Window;
use crate::columns::life::Life;
use crate::datom::Datom;

/// A predicate that keeps a datom in view.
pub(crate) type Filter = Arc<dyn Fn(&Datom) -> bool + Send + Sync>;

/// A window of time, and predicates that all must keep a datom.
#[derive(Clone)]
pub(crate) struct View {
    /// From when to when.
    pub(crate) window: Window,
    /// What else must hold of a datom.
    pub(crate) filters: Vec<Filter>,
}

impl View {
    /// Everything that holds.
    pub(crate) const ALL: Self = Self { window: Window::ALL, filters: Vec::new() };

    /// True if every predicate keeps this datom.
    pub(crate) fn keeps(&self, datom: &Datom) -> bool {
        self.filters.iter().all(|filter| filter(datom))
    }

    /// The datoms that show a life of `attribute`: for facts that hold the addition, for a history what happened in the window.
    pub(crate) fn datoms_of(&self, attribute: i64, life: &Life) -> impl Iterator<Item = Datom> {
        let window = self.window;
        let addition =
            if window.is_history { window.holds_event(life.t_added) } else { window.holds_life(life.t_added, life.t_retracted) };
        let addition = addition.then(|| life.addition(attribute));
        let retraction = life.retraction(attribute).filter(|datom| window.is_history && window.holds_event(datom.t));
        addition.into_iter().chain(retraction).filter(|datom| self.keeps(datom))
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("window", &self.window).field("filters", &self.filters.len()).finish()
    }
}
