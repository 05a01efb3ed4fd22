//! One commit of several transactions: each is checked against what stands before it, and fails alone.

use std::cell::RefCell;
use std::sync::{Arc, PoisonError};

use super::Shared;
use super::committing::Committing;
use super::counters::Counters;
use super::words;
use crate::datom::Datom;
use crate::db::snapshot::Snapshot;
use crate::db::{Db, Inside, Report, now_micros};
use crate::error::{Error, Result};
use crate::store::WriteTransaction;
use crate::transact::{self, Prepared, TxData};

/// Datoms that others may have committed since our last commit: reading more takes longer than looking up what is needed.
const LIMIT_MISSED_DATOMS: i64 = 10_000;

/// What has come of a group so far.
struct Group<'a> {
    shared: &'a Shared,
    committed: Arc<Snapshot>,
    earlier: Vec<(i64, i64, Vec<Datom>)>,
    head: Arc<Snapshot>,
    counters: &'a mut Counters,
    outcomes: Vec<Result<Report>>,
}

impl Shared {
    /// Commits a group. Who is refused is refused alone; if the commit itself fails, all of them fail.
    pub(super) fn commit_group(&self, transactions: &[&TxData]) -> Vec<Result<Report>> {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let committed = self.index.store().write(|write| {
            let committed = self.latest.at(&self.index, write.basis())?;
            catch_up(&mut counters, write, &committed)?;
            let head = Arc::clone(&committed);
            let counters = &mut counters;
            let mut group = Group { shared: self, committed, earlier: Vec::new(), head, counters, outcomes: Vec::new() };
            for data in transactions {
                let outcome = group.append(write, data);
                match outcome {
                    // Not even those that wait for their turn: after a failed reading nothing is written by this handle.
                    Err(error) if write.has_failed() || error.kind().lies_below() => return Err(error),
                    outcome => group.outcomes.push(outcome),
                }
                // A single transaction is never looked at again.
                if transactions.len() > 1 {
                    group.remember();
                }
            }
            Ok((group.head, group.outcomes))
        });
        match committed {
            Ok((head, outcomes)) => {
                for report in outcomes.iter().flatten() {
                    if let Some(t) = report.t {
                        self.index.said(t, &report.datoms);
                    }
                }
                self.latest.advance(&head);
                self.bell.ring();
                outcomes
            }
            Err(error) => {
                *counters = Counters::default();
                all_failed(error, transactions.len())
            }
        }
    }
}

/// Takes in what others committed since, if that is little; otherwise the counters begin anew.
fn catch_up(counters: &mut Counters, write: &WriteTransaction<'_>, committed: &Snapshot) -> Result<()> {
    let (known, t) = (counters.t(), committed.basis());
    if (1..t).contains(&known) && write.datoms_until(t)? - write.datoms_until(known)? <= LIMIT_MISSED_DATOMS {
        let mut missed: Vec<Datom> = Vec::new();
        write.log(known, t, None, |datom| {
            missed.push(datom);
            Ok(())
        })?;
        for datoms in missed.chunk_by(|left, right| left.t == right.t) {
            counters.follow(datoms[0].t, datoms, committed.schema());
        }
    }
    counters.at(t);
    Ok(())
}

impl Group<'_> {
    fn append(&mut self, write: &mut WriteTransaction<'_>, data: &TxData) -> Result<Report> {
        let prepared = self.prepare(write, data)?;
        let before = self.shared.db(Arc::clone(&self.head));
        if prepared.is_empty() {
            return Ok(Report::new(prepared, before.clone(), before));
        }
        let after = Arc::new(self.head.followed_by(prepared.t, prepared.instant, &prepared.datoms));
        let schema = after.schema();
        let is_indexed = |attribute: i64| schema.declaration(attribute).is_some_and(|declaration| declaration.is_indexed);
        write.append(prepared.t, prepared.instant, &prepared.datoms, &is_indexed)?;
        for attribute in &prepared.new_indexed {
            write.reindex(*attribute)?;
        }
        words::follow(write, self.head.schema(), schema)?;
        self.counters.follow(prepared.t, &prepared.datoms, schema);
        self.head = Arc::clone(&after);
        Ok(Report::new(prepared, before, self.shared.db(after)))
    }

    fn prepare(&mut self, write: &WriteTransaction<'_>, data: &TxData) -> Result<Prepared> {
        let data = self.shared.transaction_functions.answered(data, || self.before())?;
        let committing = Committing {
            reader: write,
            committed: &self.committed,
            earlier: &self.earlier,
            head: &self.head,
            counters: RefCell::new(&mut *self.counters),
        };
        // Predicates run in the commit that they judge, so they cannot transact either.
        let _inside = Inside::enter();
        transact::prepare_with(&committing, &data, &self.shared.functions, now_micros())
    }

    /// The value that transaction functions see: what is committed, followed by the transactions before this one.
    fn before(&self) -> Db {
        let follow =
            |before: Arc<Snapshot>, (t, instant, datoms): &(i64, i64, Vec<Datom>)| Arc::new(before.with(*t, *instant, datoms));
        self.shared.db(self.earlier.iter().fold(Arc::clone(&self.committed), follow))
    }

    /// Keeps the last transaction for those after it.
    fn remember(&mut self) {
        let Some(Ok(report)) = self.outcomes.last() else { return };
        if let Some(t) = report.t {
            self.earlier.push((t, report.instant, report.datoms.clone()));
        }
    }
}

/// The same failure for each transaction of a group.
fn all_failed(error: Error, count: usize) -> Vec<Result<Report>> {
    let copy = |error: &Error| {
        let copy = Error::new(error.kind(), error.message());
        let copy = match error.value() {
            Some(value) => copy.with_value(value),
            None => copy,
        };
        match error.help() {
            Some(help) => copy.with_help(help),
            None => copy,
        }
    };
    let mut outcomes: Vec<Result<Report>> = (1..count).map(|_| Err(copy(&error))).collect();
    outcomes.insert(0, Err(error));
    outcomes
}
