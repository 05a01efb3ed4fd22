//! The window of time through which a database value shows the log.

/// From where to where a view looks, and whether it shows facts or the events that made them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Only what was said after this t.
    pub(crate) since: i64,
    /// Nothing that was said after this t.
    pub(crate) until: i64,
    /// Additions and retractions as they happened.
    pub(crate) is_history: bool,
}

impl Window {
    /// Everything that holds.
    pub(crate) const ALL: Self = Self { since: 0, until: i64::MAX, is_history: false };

    /// Everything that was ever said.
    pub(crate) const HISTORY: Self = Self { is_history: true, ..Self::ALL };

    /// The same, and nothing after `t`.
    #[must_use]
    pub(crate) fn with_until(self, t: i64) -> Self {
        Self { until: self.until.min(t), ..self }
    }

    /// The same, and only what came after `t`.
    #[must_use]
    pub(crate) fn with_since(self, t: i64) -> Self {
        Self { since: self.since.max(t), ..self }
    }

    /// True if an event at `t` lies in the window.
    #[inline]
    pub(crate) fn holds_event(self, t: i64) -> bool {
        self.since < t && t <= self.until
    }

    /// True if a fact with this life is shown as holding: added in the window, not yet retracted at its end.
    #[inline]
    pub(crate) fn holds_life(self, t_added: i64, t_retracted: i64) -> bool {
        self.holds_event(t_added) && t_retracted > self.until
    }
}
