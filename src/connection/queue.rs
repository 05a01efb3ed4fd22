//! Transactions of many threads, committed together: whoever finds nobody committing commits all that is waiting.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::db::Report;
use crate::error::{Error, ErrorKind, Result};
use crate::transact::TxData;

/// Transactions in one commit: enough that the cost of the commit itself no longer counts.
const LIMIT_GROUP: usize = 512;

/// Transactions that wait, and outcomes that nobody has fetched yet.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next_ticket: u64,
    waiting: Vec<(u64, TxData)>,
    is_committing: bool,
    outcomes: HashMap<u64, Result<Report>>,
}

impl Queue {
    /// Commits `data`, alone or with what other threads want committed, and returns its own outcome. `commit_group` gives one
    /// outcome for each transaction, in order.
    pub(super) fn commit(&self, data: &TxData, commit_group: impl Fn(&[&TxData]) -> Vec<Result<Report>>) -> Result<Report> {
        let mut state = self.lock();
        if !state.is_committing && state.waiting.is_empty() {
            state.is_committing = true;
            drop(state);
            return self.commit_alone(data, commit_group);
        }
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.waiting.push((ticket, data.clone()));
        loop {
            if let Some(outcome) = state.outcomes.remove(&ticket) {
                return outcome;
            }
            if state.is_committing {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.is_committing = true;
            let count = state.waiting.len().min(LIMIT_GROUP);
            let group: Vec<(u64, TxData)> = state.waiting.drain(..count).collect();
            drop(state);
            self.commit_together(&group, &commit_group);
            state = self.lock();
        }
    }

    /// Nobody else is here: nothing needs to be copied.
    fn commit_alone(&self, data: &TxData, commit_group: impl Fn(&[&TxData]) -> Vec<Result<Report>>) -> Result<Report> {
        let _turn = Turn { queue: self, tickets: Vec::new() };
        commit_group(&[data]).pop().expect("there is one outcome for each transaction")
    }

    fn commit_together(&self, group: &[(u64, TxData)], commit_group: &impl Fn(&[&TxData]) -> Vec<Result<Report>>) {
        let mut turn = Turn { queue: self, tickets: group.iter().map(|(ticket, _)| *ticket).collect() };
        let transactions: Vec<&TxData> = group.iter().map(|(_, data)| data).collect();
        let outcomes = commit_group(&transactions);
        assert_eq!(outcomes.len(), group.len(), "there is one outcome for each transaction");
        let tickets = std::mem::take(&mut turn.tickets);
        self.lock().outcomes.extend(tickets.into_iter().zip(outcomes));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to commit. It passes on when dropped, also in a panic: then nothing of the group was committed.
struct Turn<'q> {
    queue: &'q Queue,
    tickets: Vec<u64>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.is_committing = false;
        for ticket in self.tickets.drain(..) {
            let error = Error::new(ErrorKind::Io, "the thread that was committing died before the commit")
                .with_help("nothing of the transaction was written: transact it again");
            state.outcomes.insert(ticket, Err(error));
        }
        // Waking nobody would still ask the operating system.
        if !state.waiting.is_empty() || !state.outcomes.is_empty() {
            self.queue.changed.notify_all();
        }
    }
}
