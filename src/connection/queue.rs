//! Transactions of many threads, committed together: whoever finds nobody committing commits all that is waiting.
//!
//! Those whom a commit lets go on soon come back with the next transaction, so the next commit waits a little for them: without that, the
//! first to come back would commit alone while the others begin to wait, and half of all commits would carry one transaction.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::db::Report;
use crate::error::{Error, ErrorKind, Result};
use crate::transact::TxData;

/// Transactions in one commit: enough that the cost of the commit itself no longer counts.
const LIMIT_GROUP: usize = 512;

/// A commit waits for others for at most so much of the time that the last one took, ...
const SHARE_OF_COMMIT: u32 = 4;
/// ... and for no longer than this.
const WAIT_MAX: Duration = Duration::from_millis(10);
/// The system wakes nobody sooner, so a shorter wait is none.
const WAIT_MIN: Duration = Duration::from_micros(20);

/// Transactions that wait, and outcomes that nobody has fetched yet.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// Tells the one who is about to commit that somebody came.
    came: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next_ticket: u64,
    waiting: Vec<(u64, TxData)>,
    is_committing: bool,
    outcomes: HashMap<u64, Result<Report>>,
    /// How many were there when the last commit ended: those it carried, and those who came meanwhile.
    present: usize,
    /// How long it took.
    took: Duration,
}

impl State {
    /// How long the next commit is to wait for those who were there at the end of the last one.
    fn patience(&self) -> Duration {
        let patience = (self.took / SHARE_OF_COMMIT).min(WAIT_MAX);
        if self.present > 1 && patience >= WAIT_MIN { patience } else { Duration::ZERO }
    }
}

impl Queue {
    /// Commits `data`, alone or with what other threads want committed, and returns its own outcome. `commit_group` gives one
    /// outcome for each transaction, in order.
    pub(super) fn commit(&self, data: &TxData, commit_group: impl Fn(&[&TxData]) -> Vec<Result<Report>>) -> Result<Report> {
        let mut state = self.lock();
        if !state.is_committing && state.waiting.is_empty() && state.patience().is_zero() {
            state.is_committing = true;
            drop(state);
            return self.commit_alone(data, commit_group);
        }
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.waiting.push((ticket, data.clone()));
        self.came.notify_one();
        loop {
            if let Some(outcome) = state.outcomes.remove(&ticket) {
                return outcome;
            }
            if state.is_committing {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.is_committing = true;
            let (patience, present) = (state.patience(), state.present.min(LIMIT_GROUP));
            if !patience.is_zero() {
                let is_missing = |state: &mut State| state.waiting.len() < present;
                let waited = self.came.wait_timeout_while(state, patience, is_missing);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            let count = state.waiting.len().min(LIMIT_GROUP);
            let group: Vec<(u64, TxData)> = state.waiting.drain(..count).collect();
            drop(state);
            self.commit_together(&group, &commit_group);
            state = self.lock();
        }
    }

    /// Nobody else is here: nothing needs to be copied.
    fn commit_alone(&self, data: &TxData, commit_group: impl Fn(&[&TxData]) -> Vec<Result<Report>>) -> Result<Report> {
        let _turn = Turn::new(self, Vec::new(), 1);
        commit_group(&[data]).pop().expect("there is one outcome for each transaction")
    }

    fn commit_together(&self, group: &[(u64, TxData)], commit_group: &impl Fn(&[&TxData]) -> Vec<Result<Report>>) {
        let mut turn = Turn::new(self, group.iter().map(|(ticket, _)| *ticket).collect(), group.len());
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
    /// How many transactions it commits.
    count: usize,
    since: Instant,
}

impl<'q> Turn<'q> {
    fn new(queue: &'q Queue, tickets: Vec<u64>, count: usize) -> Self {
        Self { queue, tickets, count, since: Instant::now() }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.is_committing = false;
        state.present = self.count + state.waiting.len();
        state.took = self.since.elapsed();
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const THREADS: usize = 8;
    const COMMITS: usize = 10;
    /// So long that nobody who comes back at once is too late.
    const COMMIT: Duration = Duration::from_millis(40);

    fn refused(group: &[&TxData]) -> Vec<Result<Report>> {
        group.iter().map(|_| Err(Error::new(ErrorKind::Io, "nothing is written in this test"))).collect()
    }

    #[test]
    fn those_who_come_back_are_waited_for() {
        let (queue, groups) = (Queue::default(), AtomicUsize::new(0));
        let commit_group = |group: &[&TxData]| {
            groups.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(COMMIT);
            refused(group)
        };
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..COMMITS).for_each(|_| assert!(queue.commit(&TxData::new(), commit_group).is_err())));
            }
        });
        // One alone and seven together, in turns, would be twice as many.
        let groups = groups.into_inner();
        assert!((COMMITS..COMMITS * 3 / 2).contains(&groups), "{groups} commits of {} transactions", THREADS * COMMITS);
    }

    #[test]
    fn who_is_alone_waits_once_for_those_who_have_left() {
        let queue = Queue::default();
        {
            let mut state = queue.lock();
            (state.present, state.took) = (THREADS, COMMIT);
        }
        for expected in [1, 1] {
            assert!(queue.commit(&TxData::new(), refused).is_err());
            assert_eq!(queue.lock().present, expected);
        }
        assert!(queue.lock().patience().is_zero());
    }
}
