//! Transactions of a stream on their way into a store: read on one thread while those before are applied on another, in batches,
//! so that memory stays flat however long the stream is.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::Imported;
use crate::connection::{Applied, Connection};
use crate::db::Transaction;
use crate::error::{ErrorKind, Result};

/// Datoms, or transactions, of a batch: enough that what a commit costs by itself no longer counts.
const BATCH_DATOMS: usize = 10_000;
const BATCH_TRANSACTIONS: usize = 4_096;

/// Batches that wait while one is applied.
const LIMIT_WAITING: usize = 2;

/// Applies the transactions that `read` hands out, which is told with `false` that no more are wanted. Those before a faulty one stay,
/// whether it cannot be read or is refused.
pub(super) fn take_in(
    connection: &Connection,
    read: impl FnOnce(&mut dyn FnMut(Transaction) -> bool) -> Result<()>,
) -> Result<Imported> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(LIMIT_WAITING);
        let applying = scope.spawn(move || apply_all(connection, &receiver));
        let mut batches = Batches { sender: Some(sender), batch: Vec::new(), datoms: 0 };
        let read = read(&mut |transaction| batches.take(transaction));
        batches.send();
        // Nothing more comes: the other thread ends with the last batch.
        batches.sender = None;
        let imported = applying.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        read.map(|()| imported)
    })
}

/// What was read and not handed over yet.
struct Batches {
    sender: Option<SyncSender<Vec<Transaction>>>,
    batch: Vec<Transaction>,
    datoms: usize,
}

impl Batches {
    fn take(&mut self, transaction: Transaction) -> bool {
        self.datoms += transaction.datoms.len();
        self.batch.push(transaction);
        if self.datoms < BATCH_DATOMS && self.batch.len() < BATCH_TRANSACTIONS {
            return true;
        }
        self.send()
    }

    /// False if nobody takes it: an earlier batch failed.
    fn send(&mut self) -> bool {
        self.datoms = 0;
        let batch = std::mem::take(&mut self.batch);
        self.sender.as_ref().is_some_and(|sender| sender.send(batch).is_ok())
    }
}

fn apply_all(connection: &Connection, batches: &Receiver<Vec<Transaction>>) -> Result<Imported> {
    let mut imported = Imported::default();
    for batch in batches {
        match connection.apply(&batch) {
            Ok(applied) => imported.count(applied),
            // A batch is taken in whole or not at all. Those before the faulty transaction stay.
            Err(error) if matches!(error.kind(), ErrorKind::Import | ErrorKind::Conflict | ErrorKind::InstantOrder) => {
                for transaction in &batch {
                    imported.count(connection.apply(std::slice::from_ref(transaction))?);
                }
                return Err(error);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(imported)
}

impl Imported {
    fn count(&mut self, applied: Applied) {
        self.transactions += applied.transactions;
        self.datoms += applied.datoms;
        self.already_there += applied.already_there;
    }
}
